/* The fixed texts of WS-Management as AMT speaks it (wsman.md 2.1, 2.2). */
#ifndef AMTLAB_PROTOCOL_WSMAN_NAMES_H
#define AMTLAB_PROTOCOL_WSMAN_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#define WSMAN_NS_SOAP        "http://www.w3.org/2003/05/soap-envelope"
#define WSMAN_NS_ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSMAN_NS_WSMAN       "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define WSMAN_NS_CIMBINDING  "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
#define WSMAN_NS_TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define WSMAN_NS_ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define WSMAN_NS_EVENTING    "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define WSMAN_NS_TRUST       "http://schemas.xmlsoap.org/ws/2005/02/trust"
#define WSMAN_NS_SECURITY                                                 \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-" \
    "secext-1.0.xsd"
#define WSMAN_NS_COMMON    "http://schemas.dmtf.org/wbem/wscim/1/common"
#define WSMAN_NS_XSI       "http://www.w3.org/2001/XMLSchema-instance"
#define WSMAN_NS_AMT       "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define WSMAN_NS_IPS       "http://intel.com/wbem/wscim/1/ips-schema/1/"
#define WSMAN_NS_CIM       "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
#define WSMAN_ANONYMOUS    WSMAN_NS_ADDRESSING "/role/anonymous"
#define WSMAN_IDENTIFY     "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd/Identify"
#define WSMAN_EVENT_ACTION "http://schemas.dmtf.org/wbem/wsman/1/wsman/Event"

enum wsman_operation {
    WSMAN_GET,
    WSMAN_PUT,
    WSMAN_CREATE,
    WSMAN_DELETE,
    WSMAN_ENUMERATE,
    WSMAN_PULL,
    WSMAN_RELEASE,
    WSMAN_SUBSCRIBE,
    WSMAN_UNSUBSCRIBE,
    WSMAN_RENEW,
    WSMAN_IDENTIFY_OPERATION,
    WSMAN_METHOD,
    WSMAN_UNKNOWN
};
/* "Get", "Put", ...; "method" and "unknown" for the last two. */
const char *wsman_operation_name(enum wsman_operation operation);
/* Action URI of an operation that has a fixed one; NULL for methods. */
const char *wsman_operation_action(enum wsman_operation operation);

/* Namespace base for a class name by its prefix (AMT_, IPS_, CIM_): the part before the name.
 * NULL for other names. */
const char *wsman_class_namespace(const char *class_name);
/* The class name in a resource URI: the part behind the last slash. */
const char *wsman_class_of_uri(const char *uri);
/* Whether uri is exactly the resource URI of class_name. */
bool wsman_uri_is_class(const char *uri, const char *class_name);

/* PT_STATUS names (wsman.md 4.0): "SUCCESS", ...; "UNKNOWN". */
const char *wsman_pt_status_name(uint32_t status);

#endif
