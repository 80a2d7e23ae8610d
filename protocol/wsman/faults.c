/* The faults of wsman.md 2.8 as a table, and the envelope they travel in. */
#include <string.h>

#include "protocol/wsman/message.h"

enum fault_code { SENDER, RECEIVER, MUST_UNDERSTAND, VERSION_MISMATCH };

/* Prefixes of the fault envelope: b addressing, c enumeration, d transfer, e wsman, f eventing. */
static const struct {
    const char *name;
    char prefix;
    enum fault_code code;
    const char *reason;
} k_faults[WSMAN_FAULT_COUNT_] = {
    [WSMAN_OK] = { "", 0, SENDER, "" },
    [WSMAN_DESTINATION_UNREACHABLE] = { "DestinationUnreachable", 'b', SENDER,
                                        "No route can be determined to reach the destination role "
                                        "defined by the WSAddressing To." },
    [WSMAN_ALREADY_EXISTS] = { "AlreadyExists", 'e', SENDER,
                               "The sender attempted to create a resource which already exists." },
    [WSMAN_INVALID_REPRESENTATION] = { "InvalidRepresentation", 'd', SENDER,
                                       "The XML content is not valid." },
    [WSMAN_QUOTA_LIMIT] = { "QuotaLimit", 'e', SENDER,
                            "The service is busy servicing other requests." },
    [WSMAN_SCHEMA_VALIDATION_ERROR] = { "SchemaValidationError", 'e', SENDER,
                                        "The supplied SOAP violates the corresponding XML schema "
                                        "definition." },
    [WSMAN_INTERNAL_ERROR] = { "InternalError", 'e', RECEIVER,
                               "The service cannot comply with the request due to internal "
                               "processing errors." },
    [WSMAN_ACCESS_DENIED] = { "AccessDenied", 'e', SENDER,
                              "The sender was not authorized to access the resource." },
    [WSMAN_ACTION_NOT_SUPPORTED] = { "ActionNotSupported", 'b', SENDER,
                                     "The action is not supported by the service." },
    [WSMAN_INVALID_SELECTORS] = { "InvalidSelectors", 'e', SENDER,
                                  "The Selectors for the resource are not valid." },
    [WSMAN_INVALID_PARAMETER] = { "InvalidParameter", 'e', SENDER,
                                  "An operation parameter is not valid." },
    [WSMAN_INVALID_ENUMERATION_CONTEXT] = { "InvalidEnumerationContext", 'c', RECEIVER,
                                            "The supplied enumeration context is invalid." },
    [WSMAN_FILTERING_NOT_SUPPORTED] = { "FilteringNotSupported", 'c', SENDER,
                                        "Filtered enumeration is not supported." },
    [WSMAN_UNSUPPORTED_FEATURE] = { "UnsupportedFeature", 'e', SENDER,
                                    "The specified feature is not supported." },
    [WSMAN_ENCODING_LIMIT] = { "EncodingLimit", 'e', SENDER,
                               "An internal encoding limit was exceeded in a request or would be "
                               "violated if the message were processed." },
    [WSMAN_TIMED_OUT] = { "TimedOut", 'e', RECEIVER, "The operation has timed out." },
    [WSMAN_CONCURRENCY] = { "Concurrency", 'e', SENDER,
                            "The action could not be completed due to concurrency or locking "
                            "problems." },
    [WSMAN_HEADER_REQUIRED] = { "MessageInformationHeaderRequired", 'b', SENDER,
                                "A required header is missing." },
    [WSMAN_INVALID_HEADER] = { "InvalidMessageInformationHeader", 'b', SENDER,
                               "A message information header is not valid and the message cannot "
                               "be processed." },
    [WSMAN_DELIVERY_MODE_UNAVAILABLE] = { "DeliveryModeRequestedUnavailable", 'f', SENDER,
                                          "The requested delivery mode is not supported." },
    [WSMAN_MUST_UNDERSTAND] = { "MustUnderstand", 'a', MUST_UNDERSTAND,
                                "The WS-Management service cannot process a SOAP header in the "
                                "request that is marked as mustUnderstand by the client." },
    [WSMAN_VERSION_MISMATCH] = { "VersionMismatch", 'a', VERSION_MISMATCH,
                                 "The SOAP version of the request is not supported." },
};

int wsman_fault_status(enum wsman_fault fault)
{
    return fault == WSMAN_OK ? 200 : k_faults[fault].code == SENDER ? 400 : 500;
}

const char *wsman_fault_name(enum wsman_fault fault)
{
    return k_faults[fault].name;
}

enum wsman_fault wsman_fault_by_name(const char *subcode)
{
    const char *colon = strrchr(subcode, ':');
    const char *name = colon == NULL ? subcode : colon + 1;
    for (int i = WSMAN_OK + 1; i < WSMAN_FAULT_COUNT_; i++) {
        if (strcmp(k_faults[i].name, name) == 0) {
            return (enum wsman_fault)i;
        }
    }
    return WSMAN_FAULT_COUNT_;
}

/* wsman.md 2.8: captured for wsman, transfer and addressing subcodes; the others by DSP0226. */
static const char *action_of(enum wsman_fault fault)
{
    switch (k_faults[fault].prefix) {
    case 'c':
        return WSMAN_NS_ENUMERATION "/fault";
    case 'd':
    case 'e':
        return "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
    case 'f':
        return WSMAN_NS_EVENTING "/fault";
    default:
        return WSMAN_NS_ADDRESSING "/fault";
    }
}

static void write_code(struct text *out, enum wsman_fault fault)
{
    static const char *const k_codes[] = { "Sender", "Receiver", "MustUnderstand",
                                           "VersionMismatch" };
    text_printf(out, "<a:Code><a:Value>a:%s</a:Value>", k_codes[k_faults[fault].code]);
    if (k_faults[fault].prefix != 'a') {
        text_printf(out, "<a:Subcode><a:Value>%c:%s</a:Value></a:Subcode>", k_faults[fault].prefix,
                    k_faults[fault].name);
    }
    text_puts(out, "</a:Code>");
}

static void write_detail(struct text *out, const char *detail)
{
    static const char k_status[] = "AMT-STATUS";
    if (detail == NULL) {
        return;
    }
    if (strncmp(detail, k_status, sizeof k_status - 1) == 0) {
        text_xml(out, detail, strlen(detail));
        return;
    }
    text_puts(out, "<e:FaultDetail>http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/");
    text_xml(out, detail, strlen(detail));
    text_puts(out, "</e:FaultDetail>");
}

void wsman_write_fault(struct text *out, const struct wsman_answer *answer, enum wsman_fault fault,
                       const char *detail)
{
    text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope"
                   " xmlns:g=\"" WSMAN_NS_CIMBINDING "\" xmlns:f=\"" WSMAN_NS_EVENTING
                   "\" xmlns:e=\"" WSMAN_NS_WSMAN "\" xmlns:d=\"" WSMAN_NS_TRANSFER
                   "\" xmlns:c=\"" WSMAN_NS_ENUMERATION "\" xmlns:b=\"" WSMAN_NS_ADDRESSING
                   "\" xmlns:a=\"" WSMAN_NS_SOAP "\" xmlns:h=\"" WSMAN_NS_TRUST
                   "\" xmlns:i=\"" WSMAN_NS_SECURITY "\" xmlns:xsi=\"" WSMAN_NS_XSI "\">");
    text_puts(out, "<a:Header><b:To>" WSMAN_ANONYMOUS "</b:To><b:RelatesTo>");
    text_xml(out, answer->request->message_id, strlen(answer->request->message_id));
    text_printf(out,
                "</b:RelatesTo><b:Action a:mustUnderstand=\"true\">%s</b:Action>"
                "<b:MessageID>uuid:00000000-8086-8086-8086-%012llX</b:MessageID></a:Header>",
                action_of(fault), (unsigned long long)answer->message_counter);
    text_puts(out, "<a:Body><a:Fault>");
    write_code(out, fault);
    text_printf(out, "<a:Reason><a:Text xml:lang=\"en-US\">%s</a:Text></a:Reason><a:Detail>",
                k_faults[fault].reason);
    write_detail(out, detail);
    text_puts(out, "</a:Detail></a:Fault></a:Body></a:Envelope>");
}
