#include "protocol/wsman/names.h"

#include <string.h>

static const struct {
    const char *name, *action;
} k_operations[] = {
    [WSMAN_GET] = { "Get", WSMAN_NS_TRANSFER "/Get" },
    [WSMAN_PUT] = { "Put", WSMAN_NS_TRANSFER "/Put" },
    [WSMAN_CREATE] = { "Create", WSMAN_NS_TRANSFER "/Create" },
    [WSMAN_DELETE] = { "Delete", WSMAN_NS_TRANSFER "/Delete" },
    [WSMAN_ENUMERATE] = { "Enumerate", WSMAN_NS_ENUMERATION "/Enumerate" },
    [WSMAN_PULL] = { "Pull", WSMAN_NS_ENUMERATION "/Pull" },
    [WSMAN_RELEASE] = { "Release", WSMAN_NS_ENUMERATION "/Release" },
    [WSMAN_SUBSCRIBE] = { "Subscribe", WSMAN_NS_EVENTING "/Subscribe" },
    [WSMAN_UNSUBSCRIBE] = { "Unsubscribe", WSMAN_NS_EVENTING "/Unsubscribe" },
    [WSMAN_RENEW] = { "Renew", WSMAN_NS_EVENTING "/Renew" },
    [WSMAN_IDENTIFY_OPERATION] = { "Identify", WSMAN_IDENTIFY },
    [WSMAN_METHOD] = { "method", NULL },
    [WSMAN_UNKNOWN] = { "unknown", NULL },
};

const char *wsman_operation_name(enum wsman_operation operation)
{
    return k_operations[operation].name;
}

const char *wsman_operation_action(enum wsman_operation operation)
{
    return k_operations[operation].action;
}

const char *wsman_class_namespace(const char *class_name)
{
    static const struct {
        const char *prefix, *ns;
    } k_families[] = { { "AMT_", WSMAN_NS_AMT },
                       { "IPS_", WSMAN_NS_IPS },
                       { "CIM_", WSMAN_NS_CIM } };
    for (size_t i = 0; i < sizeof k_families / sizeof k_families[0]; i++) {
        if (strncmp(class_name, k_families[i].prefix, 4) == 0) {
            return k_families[i].ns;
        }
    }
    return NULL;
}

const char *wsman_class_of_uri(const char *uri)
{
    const char *slash = strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

bool wsman_uri_is_class(const char *uri, const char *class_name)
{
    const char *ns = wsman_class_namespace(class_name);
    size_t len = ns == NULL ? 0 : strlen(ns);
    return ns != NULL && strncmp(uri, ns, len) == 0 && strcmp(uri + len, class_name) == 0;
}

static const struct {
    uint32_t status;
    const char *name;
} k_pt_statuses[] = {
    { 0, "SUCCESS" },
    { 1, "INTERNAL_ERROR" },
    { 2, "NOT_READY" },
    { 3, "INVALID_PT_MODE" },
    { 4, "INVALID_MESSAGE_LENGTH" },
    { 5, "TABLE_FINGERPRINT_NOT_AVAILABLE" },
    { 6, "INTEGRITY_CHECK_FAILED" },
    { 7, "UNSUPPORTED_ISVS_VERSION" },
    { 8, "APPLICATION_NOT_REGISTERED" },
    { 9, "INVALID_REGISTRATION_DATA" },
    { 10, "APPLICATION_DOES_NOT_EXIST" },
    { 11, "NOT_ENOUGH_STORAGE" },
    { 12, "INVALID_NAME" },
    { 13, "BLOCK_DOES_NOT_EXIST" },
    { 14, "INVALID_BYTE_OFFSET" },
    { 15, "INVALID_BYTE_COUNT" },
    { 16, "NOT_PERMITTED" },
    { 17, "NOT_OWNER" },
    { 18, "BLOCK_LOCKED_BY_OTHER" },
    { 19, "BLOCK_NOT_LOCKED" },
    { 20, "INVALID_GROUP_PERMISSIONS" },
    { 21, "GROUP_DOES_NOT_EXIST" },
    { 22, "INVALID_MEMBER_COUNT" },
    { 23, "MAX_LIMIT_REACHED" },
    { 24, "INVALID_AUTH_TYPE" },
    { 25, "AUTHENTICATION_FAILED" },
    { 26, "INVALID_DHCP_MODE" },
    { 27, "INVALID_IP_ADDRESS" },
    { 28, "INVALID_DOMAIN_NAME" },
    { 29, "UNSUPPORTED_VERSION" },
    { 30, "REQUEST_UNEXPECTED" },
    { 31, "INVALID_TABLE_TYPE" },
    { 32, "INVALID_PROVISIONING_STATE" },
    { 33, "UNSUPPORTED_OBJECT" },
    { 34, "INVALID_TIME" },
    { 35, "INVALID_INDEX" },
    { 36, "INVALID_PARAMETER" },
    { 37, "INVALID_NETMASK" },
    { 38, "FLASH_WRITE_LIMIT_EXCEEDED" },
    { 39, "INVALID_IMAGE_LENGTH" },
    { 40, "INVALID_IMAGE_SIGNATURE" },
    { 41, "PROPOSE_ANOTHER_VERSION" },
    { 42, "INVALID_PID_FORMAT" },
    { 43, "INVALID_PPS_FORMAT" },
    { 44, "BIST_COMMAND_BLOCKED" },
    { 45, "CONNECTION_FAILED" },
    { 46, "CONNECTION_TOO_MANY" },
    { 47, "RNG_GENERATION_IN_PROGRESS" },
    { 48, "RNG_NOT_READY" },
    { 49, "CERTIFICATE_NOT_READY" },
    { 1024, "DISABLED_BY_POLICY" },
    { 2048, "NETWORK_IF_ERROR_BASE" },
    { 2049, "UNSUPPORTED_OEM_NUMBER" },
    { 2050, "UNSUPPORTED_BOOT_OPTION" },
    { 2051, "INVALID_COMMAND" },
    { 2052, "INVALID_SPECIAL_COMMAND" },
    { 2053, "INVALID_HANDLE" },
    { 2054, "INVALID_PASSWORD" },
    { 2055, "INVALID_REALM" },
    { 2056, "STORAGE_ACL_ENTRY_IN_USE" },
    { 2057, "DATA_MISSING" },
    { 2058, "DUPLICATE" },
    { 2059, "EVENTLOG_FROZEN" },
    { 2060, "PKI_MISSING_KEYS" },
    { 2061, "PKI_GENERATING_KEYS" },
    { 2062, "INVALID_KEY" },
    { 2063, "INVALID_CERT" },
    { 2064, "CERT_KEY_NOT_MATCH" },
    { 2065, "MAX_KERB_DOMAIN_REACHED" },
    { 2066, "UNSUPPORTED" },
    { 2067, "INVALID_PRIORITY" },
    { 2068, "NOT_FOUND" },
    { 2069, "INVALID_CREDENTIALS" },
    { 2070, "INVALID_PASSPHRASE" },
    { 2072, "NO_ASSOCIATION" },
    { 2075, "AUDIT_FAIL" },
    { 2076, "BLOCKING_COMPONENT" },
    { 2081, "USER_CONSENT_REQUIRED" },
    { 2082, "OPERATION_IN_PROGRESS" },
    { 2500, "IPV6_INTERFACE_DISABLED" },
    { 2501, "INTERFACE_DOES_NOT_EXIST" },
};

const char *wsman_pt_status_name(uint32_t status)
{
    for (size_t i = 0; i < sizeof k_pt_statuses / sizeof k_pt_statuses[0]; i++) {
        if (k_pt_statuses[i].status == status) {
            return k_pt_statuses[i].name;
        }
    }
    return "UNKNOWN";
}
