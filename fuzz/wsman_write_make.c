#include "fuzz/wsman_write.h"

#include <string.h>

#include "base/base64.h"
#include "protocol/wsman/names.h"

uint8_t pick_u8(struct pick *pick)
{
    return pick->at < pick->end ? *pick->at++ : 0;
}

/* Names that something in a device has. */
static const char *const k_names[] = {
    "admin",
    "pc17",
    "Intel(r) AMT",
    "ManagedSystem",
    "User Initiated",
    "Periodic",
    "Alert",
    "Intel(r) AMT Certificate: Handle: 0",
    "Intel(r) AMT Certificate: Handle: 1",
    "Intel(r) AMT Key: Handle: 0",
    "Intel(r) AMT:Management Presence Server 0",
    "Intel(r) AMT Ethernet Port Settings 0",
    "Intel(r) AMT Ethernet Port Settings 1",
    "Intel(r) AMT 802.3 TLS Settings",
    "Intel(r) AMT LMS TLS Settings",
    "Intel(r) AMT: Force PXE Boot",
    "Intel(r) AMT: Force Hard-drive Boot",
    "Intel(r) AMT: Boot Configuration 0",
    "WiFi Endpoint 0",
    "mps.lab.test",
    "192.0.2.7",
    "fd00::1",
    "P@ssw0rd",
    "00-11-22-33-44-55",
    "",
    "~!@#$%^&*()_+{}|\\:\"<>?",
    "0123456789ABCDEF0123456789ABCDEF",
    "Digest:0123456789ABCDEF0123456789ABCDEF",
};

static const char *const k_numbers[] = {
    "0",     "1",     "2",     "3",         "4",          "5",          "8",
    "10",    "16",    "255",   "256",       "623",        "2048",       "16992",
    "32768", "32771", "65535", "65536",     "300",        "4294967295", "4294967296",
    "-1",    "007",   "1e3",   "0x10",      "2147483648", "1767225600", "18446744073709551615",
    "abc",   "",      " 5 ",   "999999999",
};

/* RSA 2048, self-signed, CN=fuzz. */
static const char k_certificate[] =
    "MIIC/zCCAeegAwIBAgIUac3RGpyjQ+ZyX71KtlvIGzvbx7cwDQYJKoZIhvcNAQEL"
    "BQAwDzENMAsGA1UEAwwEZnV6ejAeFw0yNjExMjQxMzA3NTJaFw0zNjExMjExMzA3"
    "NTJaMA8xDTALBgNVBAMMBGZ1enowggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK"
    "AoIBAQDH0ahcQufPqs01yESfVRLRlv1lhlLY/sXCgHfcdg5g5qUbnzLYKrcJ/D2e"
    "STYefaBZgJCJ89GKh/rvSsrPngiEY3FBII5DevP4aXKYhOmDS508WKCF+En1OusV"
    "os1i8mGf16gkSVnqxcT9vXe9rxRJExhUdA8MhtuRZ7h/2rWW1xa4o+rMOcJzexAd"
    "YNYGG04+ZzCEQDcIeOHcjTeZAF+giNkNhF3QFkfOAR2gigBjQQbBKT9/vEUlvwhG"
    "lYuvy5wGRo2pDBQOwzUnrwWzpMrBGwewTm3GIT9PyLbDCuk6tMI60WkuF9tpGcgo"
    "UBzSIW17nFdfqMYQbMv1+cbYOo3VAgMBAAGjUzBRMB0GA1UdDgQWBBSuetzBQBan"
    "LXkkO/y6yJ0TzyOkvDAfBgNVHSMEGDAWgBSuetzBQBanLXkkO/y6yJ0TzyOkvDAP"
    "BgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQAv15YawXZ4WljAwk1w"
    "B+aohNbIQSNGzqgOfarrCNcvOd+DvNyUAdQLYDodZeyVoRm6wdmo4xX2lNmYAq8z"
    "QebVfv99EhIPCuKwJKbM6MGUhwPkuvq8eeD7fqvgLpetAxS9GbUdgbBplzZTGUd2"
    "x0mC5qGtXjN114rvD5fHKrG4uIk4wjo9uLdG3Gu5iDhFkSqp2OpO442blRTPX1R0"
    "+jarbRzmP8SQxzfVpiUwQSWWew3SDZY0zExYVEq/mYlbqq21I8X0SP/jFycj3wDp"
    "06ojeb8SiJbISJmK/7tiGhTp3Burx7RuNG3FT2ZbpCkra50Vm68vSsgM2lKR/yRx"
    "EbNG";

static const char *choose(struct pick *pick, const char *const *from, size_t count)
{
    return from[pick_u8(pick) % count];
}
#define CHOOSE(pick, table) choose(pick, table, sizeof(table) / sizeof(table)[0])

static void put_xml(struct text *out, const char *text)
{
    text_xml(out, text, strlen(text));
}

static void put_bytes(struct pick *pick, struct text *out, bool as_base64)
{
    uint8_t bytes[256];
    size_t count = pick_u8(pick);
    for (size_t i = 0; i < count; i++) {
        bytes[i] = pick_u8(pick);
    }
    if (as_base64) {
        base64_encode(out, bytes, count);
    } else {
        text_xml(out, (const char *)bytes, count);
    }
}

static void put_uri(struct text *out, const char *class_name)
{
    text_printf(out, "%s%s", wsman_class_namespace(class_name), class_name);
}

static void put_reference(struct pick *pick, struct text *out)
{
    static const char *const k_classes_used[] = {
        "AMT_PublicKeyCertificate",
        "AMT_PublicPrivateKeyPair",
        "AMT_ManagementPresenceRemoteSAP",
        "AMT_RemoteAccessPolicyRule",
        "CIM_ComputerSystem",
        "CIM_BootSourceSetting",
        "CIM_BootConfigSetting",
        "CIM_WiFiEndpoint",
        "AMT_TLSProtocolEndpointCollection",
        "IPS_HTTPProxyAccessPoint",
    };
    static const char *const k_keys[] = { "InstanceID", "Name", "PolicyRuleName", "ElementName" };
    text_puts(out, "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>");
    put_uri(out, CHOOSE(pick, k_classes_used));
    text_printf(out, "</w:ResourceURI><w:SelectorSet><w:Selector Name=\"%s\">",
                CHOOSE(pick, k_keys));
    put_xml(out, CHOOSE(pick, k_names));
    text_puts(out, "</w:Selector></w:SelectorSet></a:ReferenceParameters>");
}

static void put_moment(struct pick *pick, struct text *out)
{
    static const char *const k_moments[] = {
        "<c:Datetime>2026-01-01T00:10:00Z</c:Datetime>",
        "<c:Datetime>2030-12-31T23:59:59Z</c:Datetime>",
        "<c:Datetime>1970-01-01T00:00:00Z</c:Datetime>",
        "<c:Datetime>2026-02-30T25:61:61Z</c:Datetime>",
        "<c:Interval>P1DT2H3M</c:Interval>",
        "<c:Interval>P0DT0H0M</c:Interval>",
        "<c:Interval>P99999999999DT1H</c:Interval>",
        "<c:Datetime></c:Datetime>",
    };
    text_puts(out, CHOOSE(pick, k_moments));
}

/* Small as a rule: the states, roles and handles that mean something. */
static void put_number(struct pick *pick, struct text *out)
{
    uint8_t n = pick_u8(pick);
    if (n < 192) {
        text_printf(out, "%d", n % 12);
    } else {
        text_puts(out, CHOOSE(pick, k_numbers));
    }
}

/* A value as the type wants it. */
static void put_typed(struct pick *pick, struct text *out, const struct class_property *property)
{
    switch (property->type) {
    case TYPE_BOOLEAN:
        text_puts(out, (pick_u8(pick) & 1) != 0 ? "true" : "false");
        break;
    case TYPE_STRING:
        put_xml(out, CHOOSE(pick, k_names));
        break;
    case TYPE_DATETIME:
        put_moment(pick, out);
        break;
    case TYPE_BASE64:
        if ((pick_u8(pick) & 1) != 0) {
            text_puts(out, k_certificate);
        } else {
            put_bytes(pick, out, true);
        }
        break;
    case TYPE_HEX:
        text_puts(out, "b6710485f86e6174cca7404518df56da");
        break;
    case TYPE_REF:
        put_reference(pick, out);
        break;
    case TYPE_EMBEDDED: /* inside another one: none has that */
        break;
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_SINT8:
    case TYPE_SINT16:
    case TYPE_SINT32:
    case TYPE_SINT64:
    case TYPE_REAL64:
        put_number(pick, out);
        break;
    }
}

static void put_value(struct pick *pick, struct text *out, const struct class_property *property)
{
    switch (pick_u8(pick)) {
    case 249:
        put_xml(out, CHOOSE(pick, k_names));
        break;
    case 250:
        text_puts(out, CHOOSE(pick, k_numbers));
        break;
    case 251:
        put_bytes(pick, out, false);
        break;
    case 252:
        put_bytes(pick, out, true);
        break;
    case 253:
        put_reference(pick, out);
        break;
    case 254:
        put_moment(pick, out);
        break;
    case 255:
        text_puts(out, k_certificate);
        break;
    default:
        put_typed(pick, out, property);
        break;
    }
}

static void put_properties(struct pick *pick, struct text *out, char prefix,
                           const struct class_property *properties, uint32_t count, bool is_put);

/* Properties of an embedded instance are in the namespace of its class, which is declared around them. */
static void put_property(struct pick *pick, struct text *out, char prefix,
                         const struct class_property *property)
{
    const struct class_description *embedded =
        property->type == TYPE_EMBEDDED && prefix == 'r' ? class_find(property->embedded) : NULL;
    uint32_t count = property->is_array ? 1 + (pick_u8(pick) & 3u) : 1;
    for (uint32_t i = 0; i < count && embedded == NULL; i++) {
        text_printf(out, "<%c:%s>", prefix, property->name);
        put_value(pick, out, property);
        text_printf(out, "</%c:%s>", prefix, property->name);
    }
    if (embedded != NULL) {
        text_printf(out, "<r:%s xmlns:e=\"", property->name);
        put_uri(out, embedded->name);
        text_puts(out, "\">");
        put_properties(pick, out, 'e', embedded->properties, embedded->property_count, false);
        text_printf(out, "</r:%s>", property->name);
    }
}

#define PROPERTIES_MAX 128u

/* The chosen-th property, or the next one that clients write and that is not there yet. */
static uint32_t next_of(const struct class_property *properties, uint32_t count, uint32_t chosen,
                        const bool *is_there, bool is_put)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (chosen + i) % count;
        if (!is_there[at] && (!is_put || properties[at].is_writable)) {
            return at;
        }
    }
    return chosen % count;
}

/* What the class requires, then what the input chooses, or unknown ones. */
static void put_properties(struct pick *pick, struct text *out, char prefix,
                           const struct class_property *properties, uint32_t count, bool is_put)
{
    bool is_there[PROPERTIES_MAX] = { false };
    uint8_t how = pick_u8(pick);
    count = count < PROPERTIES_MAX ? count : PROPERTIES_MAX;
    for (uint32_t i = 0; i < count && how < 240; i++) {
        if (properties[i].is_required && !is_put) {
            is_there[i] = true;
            put_property(pick, out, prefix, &properties[i]);
        }
    }
    for (uint32_t i = 0; i < (how & 7u) && count > 0; i++) {
        uint8_t chosen = pick_u8(pick);
        /* Above, the one that was chosen: twice, or a key, or what nobody writes. */
        uint32_t at =
            chosen < 224 ? next_of(properties, count, chosen, is_there, is_put) : chosen % count;
        is_there[at] = true;
        put_property(pick, out, prefix, &properties[at]);
    }
    if (how == 255) {
        text_printf(out, "<%c:Unknown>1</%c:Unknown>", prefix, prefix);
    }
}

static void put_selector(struct text *out, const char *name, const char *value)
{
    text_printf(out, "<w:Selector Name=\"%s\">", name);
    put_xml(out, value);
    text_puts(out, "</w:Selector>");
}

/* The keys of an instance that exists (all, or one of them). */
static void put_keys(struct text *out, const struct class_description *description,
                     const struct wsman_instance *instance)
{
    for (uint32_t i = 0; i < description->property_count; i++) {
        const struct class_property *property = &description->properties[i];
        const char *value = property->is_key ? wsman_get(instance, property->name) : NULL;
        const struct wsman_ref *ref =
            property->is_key ? wsman_get_ref(instance, property->name) : NULL;
        if (value != NULL) {
            put_selector(out, property->name, value);
        } else if (ref != NULL) {
            text_printf(out,
                        "<w:Selector Name=\"%s\"><b:EndpointReference xmlns:b=\"%s\" "
                        "xmlns:c=\"%s\">",
                        property->name, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN);
            wsman_ref_write(out, ref);
            text_puts(out, "</b:EndpointReference></w:Selector>");
        }
    }
}

static void put_selectors(struct pick *pick, struct text *out,
                          const struct class_description *description,
                          const struct wsman_instance *current)
{
    uint8_t how = pick_u8(pick);
    text_puts(out, "<w:SelectorSet>");
    for (uint8_t skip = how & 7; current != NULL && current->next != NULL && skip > 0; skip--) {
        current = current->next;
    }
    if (current != NULL && how < 192) {
        put_keys(out, description, current);
    } else if (how < 240) {
        put_selector(out, (how & 8) != 0 ? "InstanceID" : "Name", CHOOSE(pick, k_names));
    }
    text_puts(out, "</w:SelectorSet>");
}

static void begin(struct text *out, enum wsman_operation operation,
                  const struct class_description *description, const struct class_method *method)
{
    text_printf(out,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns=\"%s\" xmlns:a=\"%s\" "
                "xmlns:w=\"%s\" xmlns:n=\"%s\" xmlns:c=\"%s\" xmlns:r=\"",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_ENUMERATION,
                WSMAN_NS_COMMON);
    put_uri(out, description->name);
    text_puts(out, "\"><Header><a:Action>");
    if (method != NULL) {
        put_uri(out, description->name);
        text_printf(out, "/%s", method->name);
    } else {
        text_puts(out, wsman_operation_action(operation));
    }
    text_puts(out, "</a:Action><a:To>/wsman</a:To><w:ResourceURI>");
    put_uri(out, description->name);
    text_printf(out,
                "</w:ResourceURI><a:MessageID>7</a:MessageID><a:ReplyTo><a:Address>%s</a:Address>"
                "</a:ReplyTo>",
                WSMAN_ANONYMOUS);
}

/* Making RSA keys takes as long as a hundred other requests: seldom. */
static const struct class_method *choose_method(struct pick *pick,
                                                const struct class_description *description)
{
    const struct class_method *method =
        &description->methods[pick_u8(pick) % description->method_count];
    bool is_slow = strcmp(method->name, "GenerateKeyPair") == 0;
    return is_slow && (pick_u8(pick) & 31) != 7 ? &description->methods[0] : method;
}

void make_request(struct pick *pick, enum wsman_operation operation,
                  const struct class_description *description, const struct wsman_instance *current,
                  struct made_request *made)
{
    struct text *out = &made->envelope;
    const struct class_method *method = NULL;
    if (operation == WSMAN_METHOD && description->method_count > 0) {
        method = choose_method(pick, description);
    } else if (operation == WSMAN_METHOD) {
        operation = WSMAN_GET;
    }
    made->description = description;
    made->operation = operation;
    begin(out, operation, description, method);
    put_selectors(pick, out, description, current);
    text_puts(out, "</Header><Body>");
    if (method != NULL) {
        text_printf(out, "<r:%s_INPUT>", method->name);
        put_properties(pick, out, 'r', method->in, method->in_count, false);
        text_printf(out, "</r:%s_INPUT>", method->name);
    } else if (operation == WSMAN_PUT || operation == WSMAN_CREATE) {
        text_printf(out, "<r:%s>", description->name);
        put_properties(pick, out, 'r', description->properties, description->property_count,
                       operation == WSMAN_PUT);
        text_printf(out, "</r:%s>", description->name);
    } else if (operation == WSMAN_ENUMERATE) {
        text_puts(out, "<n:Enumerate/>");
    }
    text_puts(out, "</Body></Envelope>");
}

void make_put_back(const struct wsman_instance *instance, struct text *envelope)
{
    const struct class_description *description = class_find(instance->class_name);
    begin(envelope, WSMAN_PUT, description, NULL);
    text_puts(envelope, "<w:SelectorSet>");
    put_keys(envelope, description, instance);
    text_printf(envelope, "</w:SelectorSet></Header><Body xmlns:b=\"%s\" xmlns:c=\"%s\">",
                WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN);
    wsman_instance_write(envelope, instance, 'r', '\0', false);
    text_puts(envelope, "</Body></Envelope>");
}
