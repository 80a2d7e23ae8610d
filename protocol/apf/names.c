#include <string.h>
#include <strings.h>

#include "protocol/apf/codec.h"

struct type_name {
    uint8_t type;
    const char *name;
};

/* The first name of a type is its own; the others are accepted too (harness.md, RFC 4254 habits). */
static const struct type_name k_types[] = {
    { APF_DISCONNECT, "DISCONNECT" },
    { APF_SERVICE_REQUEST, "SERVICE_REQUEST" },
    { APF_SERVICE_ACCEPT, "SERVICE_ACCEPT" },
    { APF_USERAUTH_REQUEST, "USERAUTH_REQUEST" },
    { APF_USERAUTH_FAILURE, "USERAUTH_FAILURE" },
    { APF_USERAUTH_SUCCESS, "USERAUTH_SUCCESS" },
    { APF_GLOBAL_REQUEST, "GLOBAL_REQUEST" },
    { APF_REQUEST_SUCCESS, "REQUEST_SUCCESS" },
    { APF_REQUEST_FAILURE, "REQUEST_FAILURE" },
    { APF_CHANNEL_OPEN, "CHANNEL_OPEN" },
    { APF_CHANNEL_OPEN_CONFIRMATION, "CHANNEL_OPEN_CONFIRMATION" },
    { APF_CHANNEL_OPEN_FAILURE, "CHANNEL_OPEN_FAILURE" },
    { APF_CHANNEL_WINDOW_ADJUST, "CHANNEL_WINDOW_ADJUST" },
    { APF_CHANNEL_DATA, "CHANNEL_DATA" },
    { APF_CHANNEL_CLOSE, "CHANNEL_CLOSE" },
    { APF_PROTOCOLVERSION, "PROTOCOLVERSION" },
    { APF_KEEPALIVE_REQUEST, "KEEPALIVE_REQUEST" },
    { APF_KEEPALIVE_REPLY, "KEEPALIVE_REPLY" },
    { APF_KEEPALIVE_OPTIONS_REQUEST, "KEEPALIVE_OPTIONS_REQUEST" },
    { APF_KEEPALIVE_OPTIONS_REPLY, "KEEPALIVE_OPTIONS_REPLY" },
    { APF_JSON_CONTROL, "JSON_CONTROL" },
    { APF_PROTOCOLVERSION, "PROTOCOL_VERSION" },
    { APF_CHANNEL_WINDOW_ADJUST, "WINDOW_ADJUST" },
};

const char *apf_type_name(uint8_t type)
{
    for (uint32_t i = 0; i < sizeof k_types / sizeof k_types[0]; i++) {
        if (k_types[i].type == type) {
            return k_types[i].name;
        }
    }
    return NULL;
}

uint8_t apf_type_find(const char *name)
{
    for (uint32_t i = 0; i < sizeof k_types / sizeof k_types[0]; i++) {
        if (strcasecmp(k_types[i].name, name) == 0) {
            return k_types[i].type;
        }
    }
    return 0;
}

static const struct verdict_name {
    const char *name, *requirement;
} k_verdicts[APF_VERDICT_COUNT_] = {
    [APF_OK] = { "ok", NULL },
    [APF_NEED_MORE] = { "need-more", NULL },
    [APF_EUNKNOWN_TYPE] = { "unknown-type", "APF-COM-006" },
    [APF_EDIRECTION] = { "direction", "APF-COM-007" },
    [APF_ELENGTH_LIMIT] = { "length-limit", "APF-COM-004" },
    [APF_EBAD_VALUE] = { "bad-value", "APF-COM-016" },
    [APF_EUNKNOWN_METHOD] = { "unknown-method", "APF-COM-015" },
    [APF_EUNKNOWN_REQUEST] = { "unknown-request", "APF-COM-019" },
    [APF_EUNEXPECTED] = { "unexpected", "APF-COM-013" },
};

const char *apf_verdict_name(enum apf_verdict verdict)
{
    return (uint32_t)verdict < APF_VERDICT_COUNT_ ? k_verdicts[verdict].name : "unknown-verdict";
}

const char *apf_verdict_requirement(enum apf_verdict verdict)
{
    return (uint32_t)verdict < APF_VERDICT_COUNT_ ? k_verdicts[verdict].requirement : NULL;
}

const char *apf_disconnect_name(uint32_t reason)
{
    static const char *const k_reasons[] = {
        NULL,
        "HOST_NOT_ALLOWED_TO_CONNECT",
        "PROTOCOL_ERROR",
        "KEY_EXCHANGE_FAILED",
        "RESERVED",
        "MAC_ERROR",
        "COMPRESSION_ERROR",
        "SERVICE_NOT_AVAILABLE",
        "PROTOCOL_VERSION_NOT_SUPPORTED",
        "HOST_KEY_NOT_VERIFIABLE",
        "CONNECTION_LOST",
        "BY_APPLICATION",
        "TOO_MANY_CONNECTIONS",
        "AUTH_CANCELLED_BY_USER",
        "NO_MORE_AUTH_METHODS_AVAILABLE",
        "ILLEGAL_USER_NAME",
        "CONNECTION_TIMED_OUT",
        "BY_POLICY",
        "TEMPORARILY_UNAVAILABLE",
    };
    return reason < sizeof k_reasons / sizeof k_reasons[0] ? k_reasons[reason] : NULL;
}

const char *apf_open_failure_name(uint32_t reason)
{
    static const char *const k_reasons[] = {
        NULL,
        "ADMINISTRATIVELY_PROHIBITED",
        "CONNECT_FAILED",
        "UNKNOWN_CHANNEL_TYPE",
        "RESOURCE_SHORTAGE",
    };
    return reason < sizeof k_reasons / sizeof k_reasons[0] ? k_reasons[reason] : NULL;
}
