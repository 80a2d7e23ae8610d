/* The commands of PTHI and the layouts of their data (mei.md 4.3, 4.4). */
#include "protocol/mei/pthi.h"

#include <stddef.h>

const struct pthi_description k_pthi_commands[] = {
    { PTHI_GET_AMT_STATE, "GetAMTState", PTHI_RAW, 16, PTHI_RAW, 0 },
    { PTHI_GET_TCPIP_PARAMETERS, "GetTcpipParameters", PTHI_NOTHING, 0, PTHI_NUMBERS_TEXT, 6 },
    { PTHI_GET_PROVISIONING_MODE, "GetProvisioningMode", PTHI_NOTHING, 0, PTHI_NUMBERS, 2 },
    { PTHI_UNPROVISION, "Unprovision", PTHI_NUMBER, 0, PTHI_NOTHING, 0 },
    { PTHI_GET_PROVISIONING_STATE, "GetProvisioningState", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_GET_CODE_VERSIONS, "GetCodeVersions", PTHI_NOTHING, 0, PTHI_VERSIONS, 0 },
    { PTHI_GET_SECURITY_PARAMETERS, "GetSecurityParameters", PTHI_NOTHING, 0, PTHI_NUMBERS, 17 },
    { PTHI_GET_ADMIN_ACL_STATUS, "GetAdminNetACLEntryStatus", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_GET_MAC_ADDRESSES, "GetMACAddresses", PTHI_NOTHING, 0, PTHI_RAW, 0 },
    { PTHI_GENERATE_RNG_SEED, "GenerateRngSeed", PTHI_NOTHING, 0, PTHI_NOTHING, 0 },
    { PTHI_START_CONFIGURATION, "StartConfiguration", PTHI_NOTHING, 0, PTHI_NOTHING, 0 },
    { PTHI_SET_OTP, "SetProvisioningServerOTP", PTHI_TEXT, 0, PTHI_NOTHING, 0 },
    { PTHI_GET_PROVISIONING_TLS_MODE, "GetProvisioningTLSMode", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_ENUMERATE_HASH_HANDLES, "EnumerateHashHandles", PTHI_NOTHING, 0, PTHI_HANDLES, 0 },
    { PTHI_GET_HASH_ENTRY, "GetCertHashEntry", PTHI_NUMBER, 0, PTHI_HASH, 0 },
    { PTHI_GET_RNG_SEED_STATUS, "GetRngSeedStatus", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_SET_DNS_SUFFIX, "SetDnsSuffix", PTHI_TEXT, 0, PTHI_NOTHING, 0 },
    { PTHI_ZERO_TOUCH, "GetZeroTouchEnabled", PTHI_OPTIONAL_NUMBER, 0, PTHI_OPTIONAL_NUMBER, 0 },
    { PTHI_GET_PKI_DNS_SUFFIX, "GetPKIFQDNSuffix", PTHI_NOTHING, 0, PTHI_TEXT, 0 },
    { PTHI_SET_ZERO_TOUCH, "SetZeroTouchEnabled", PTHI_NUMBER, 0, PTHI_NOTHING, 0 },
    { PTHI_GET_PID, "GetPID", PTHI_NOTHING, 0, PTHI_RAW, 0 },
    { PTHI_GET_DNS_SUFFIX_LIST, "GetDNSSuffixList", PTHI_NOTHING, 0, PTHI_TEXT, 0 },
    { PTHI_SET_ENTERPRISE_ACCESS, "SetEnterpriseAccess", PTHI_RAW, 18, PTHI_NOTHING, 0 },
    { PTHI_OPEN_USER_CONNECTION, "OpenUserInitiatedConnection", PTHI_NOTHING, 0, PTHI_NOTHING, 0 },
    { PTHI_CLOSE_USER_CONNECTION, "CloseUserInitiatedConnection", PTHI_NOTHING, 0, PTHI_NOTHING,
      0 },
    { PTHI_GET_REMOTE_ACCESS_STATUS, "GetRemoteAccessConnectionStatus", PTHI_NOTHING, 0,
      PTHI_NUMBERS_TEXT, 3 },
    { PTHI_GET_POWER_POLICY, "GetCurrentPowerPolicy", PTHI_NOTHING, 0, PTHI_TEXT, 0 },
    { PTHI_GET_LAN_INTERFACE, "GetLanInterfaceSettings", PTHI_NUMBER, 0, PTHI_LAN, 0 },
    { PTHI_GET_FEATURES_STATE, "GetFeaturesState", PTHI_NUMBER, 0, PTHI_NUMBERS, 4 },
    { PTHI_GET_LAST_RESET_REASON, "GetLastHostResetReason", PTHI_NOTHING, 0, PTHI_NUMBERS, 2 },
    { PTHI_GET_USER_INTERFACES, "GetUserInitiatedEnabledInterfaces", PTHI_NOTHING, 0, PTHI_NUMBERS,
      1 },
    { PTHI_GET_CONFIG_SERVER, "GetConfigServerData", PTHI_NOTHING, 0, PTHI_RAW, 0 },
    { PTHI_GET_SETUP_AUDIT_RECORD, "GetMESetupAuditRecord", PTHI_NOTHING, 0, PTHI_RAW, 0 },
    { PTHI_GET_IPV6_INTERFACE, "GetIPv6LanInterfaceStatus", PTHI_NUMBER, 0, PTHI_RAW, 0 },
    { PTHI_GET_FQDN, "GetFQDN", PTHI_NOTHING, 0, PTHI_NUMBERS_TEXT, 5 },
    { PTHI_GET_REDIRECTION_STATE, "GetRedirectionState", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_SET_HOST_FQDN, "SetHostFQDN", PTHI_TEXT, 0, PTHI_NOTHING, 0 },
    { PTHI_GET_UUID, "GetUUID", PTHI_NOTHING, 0, PTHI_UUID, 0 },
    { PTHI_STOP_CONFIGURATION, "StopConfiguration", PTHI_NOTHING, 0, PTHI_NOTHING, 0 },
    { PTHI_START_CONFIGURATION_EX, "StartConfigurationEx", PTHI_NUMBER, 0, PTHI_NOTHING, 0 },
    { PTHI_GET_LOCAL_SYSTEM_ACCOUNT, "GetLocalSystemAccount", PTHI_RAW, 40, PTHI_ACCOUNT, 0 },
    { PTHI_GET_CONTROL_MODE, "GetControlMode", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_GET_EHBC_STATE, "GetEHBCState", PTHI_NOTHING, 0, PTHI_NUMBERS, 1 },
    { PTHI_SET_EHBC_STATE, "SetEHBCState", PTHI_NUMBER, 0, PTHI_NOTHING, 0 },
    { PTHI_START_CONFIGURATION_HBASED, "StartConfigurationHBased", PTHI_START, 0, PTHI_START, 0 },
    { PTHI_GET_CIRA_LOG, "GetCiraLog", PTHI_RAW, 1, PTHI_RAW, 0 },
};
const uint32_t k_pthi_command_count =
    (uint32_t)(sizeof k_pthi_commands / sizeof k_pthi_commands[0]);

const struct pthi_description *pthi_describe(uint32_t command)
{
    for (uint32_t i = 0; i < k_pthi_command_count; i++) {
        if (k_pthi_commands[i].command == command) {
            return &k_pthi_commands[i];
        }
    }
    return NULL;
}

const char *pthi_status_text(uint32_t status)
{
    static const struct {
        uint32_t status;
        const char *text;
    } k_texts[] = {
        { PTHI_SUCCESS, "success" },
        { PTHI_INTERNAL_ERROR, "internal error" },
        { PTHI_NOT_READY, "not ready" },
        { PTHI_INVALID_MODE, "not in this mode of AMT" },
        { PTHI_INVALID_LENGTH, "invalid message length" },
        { PTHI_NOT_PERMITTED, "not permitted" },
        { PTHI_LIMIT_REACHED, "limit reached" },
        { PTHI_INVALID_PARAMETER, "invalid parameter" },
        { PTHI_RNG_IN_PROGRESS, "the random generator is being seeded" },
        { PTHI_RNG_NOT_READY, "the random generator is not ready" },
        { PTHI_CERTIFICATE_NOT_READY, "the certificate is not ready" },
        { PTHI_HOST_VPN_DISABLED, "access through the host's VPN is disabled" },
        { PTHI_INVALID_HANDLE, "no such handle" },
        { PTHI_DATA_MISSING, "data is missing" },
        { PTHI_UNSUPPORTED, "not supported" },
        { PTHI_NOT_FOUND, "not found" },
        { PTHI_IPV6_DISABLED, "IPv6 is disabled on the interface" },
        { PTHI_NO_SUCH_INTERFACE, "no such interface" },
    };
    for (uint32_t i = 0; i < sizeof k_texts / sizeof *k_texts; i++) {
        if (k_texts[i].status == status) {
            return k_texts[i].text;
        }
    }
    return NULL;
}
