#include "simulator/host/pthi.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <string.h>

#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"
#include "simulator/host/pthi_internal.h"

#define OS_ADMIN        "$$OsAdmin"
#define ACCOUNT_PADDING 2u    /* MEI-027: MeshCMD takes 68 bytes of data and no others */
#define HBASED_FROM     1400u /* release: StartConfigurationHBased */
#define TLS_MODE_PSK    1u
#define TLS_MODE_PKI    2u
#define MODE_NONE       0u
#define MODE_ENTERPRISE 1u
#define HOST_FQDN_MAX   255u

uint32_t pthi_numbers(struct pthi_exchange *x, uint32_t count, ...)
{
    va_list arguments;
    va_start(arguments, count);
    for (uint32_t i = 0; i < count && i < PTHI_NUMBERS_MAX; i++) {
        x->response->numbers[i] = va_arg(arguments, uint32_t);
    }
    va_end(arguments);
    x->response->number_count = count;
    return PTHI_SUCCESS;
}

void pthi_text(struct pthi_exchange *x, const char *text)
{
    size_t len = strlen(text);
    x->response->bytes.off = (uint32_t)x->bytes.len;
    x->response->bytes.len = (uint32_t)(len > 0 && len % 256 == 0 ? len - 1 : len);
    text_append(&x->bytes, text, x->response->bytes.len);
}

static uint32_t status_of(enum amt_err err)
{
    return err == AMT_OK                                 ? PTHI_SUCCESS
           : err == AMT_ESTATE                           ? PTHI_INVALID_MODE
           : err == AMT_EMALFORMED || err == AMT_ETOOBIG ? PTHI_INVALID_PARAMETER
                                                         : PTHI_INTERNAL_ERROR;
}

static uint32_t get_provisioning_mode(struct pthi_exchange *x)
{
    bool is_none = provisioning_state(x->firmware) == PROVISIONING_PRE;
    return pthi_numbers(x, 2, is_none ? MODE_NONE : MODE_ENTERPRISE, 0u);
}

static uint32_t get_provisioning_state(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, (uint32_t)provisioning_state(x->firmware));
}

static uint32_t get_control_mode(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, (uint32_t)provisioning_mode(x->firmware));
}

/* ACT-DEV-029, MEI-028: any mode; out of client control mode alone. */
static uint32_t unprovision(struct pthi_exchange *x)
{
    if (provisioning_mode(x->firmware) != FIRMWARE_CLIENT_CONTROL) {
        return PTHI_INVALID_MODE;
    }
    return status_of(provisioning_host_unprovision(x->firmware));
}

/* MEI-029. With zero touch off nobody may configure the device from outside; which status says so is
 * not documented. */
static uint32_t may_start(const struct pthi_exchange *x)
{
    if (provisioning_state(x->firmware) != PROVISIONING_PRE) {
        return PTHI_INVALID_MODE;
    }
    return mebx_zero_touch(x->firmware) ? PTHI_SUCCESS : PTHI_NOT_PERMITTED;
}

static uint32_t start_configuration(struct pthi_exchange *x)
{
    uint32_t status = may_start(x);
    return status == PTHI_SUCCESS ? status_of(provisioning_start(x->firmware)) : status;
}

/* ACT-DEV-028 */
static uint32_t stop_configuration(struct pthi_exchange *x)
{
    return status_of(provisioning_stop(x->firmware));
}

/* ACT-DEV-040, MEI-030: the hash is that of the certificate the device will show. */
static uint32_t start_host_based(struct pthi_exchange *x)
{
    const struct pthi_start *start = &x->request->start;
    const EVP_MD *digest = start->algorithm == KEYS_HASH_SHA256   ? EVP_sha256()
                           : start->algorithm == KEYS_HASH_SHA384 ? EVP_sha384()
                                                                  : NULL;
    unsigned len = 0;
    if (!firmware_is_release(x->firmware, HBASED_FROM)) {
        return PTHI_UNSUPPORTED;
    }
    if (digest == NULL) {
        return PTHI_INVALID_PARAMETER;
    }
    uint32_t status = may_start(x);
    if (status != PTHI_SUCCESS) {
        return status;
    }
    const X509 *certificate = tls_settings_factory_certificate(x->firmware);
    if (certificate == NULL ||
        X509_digest(certificate, digest, x->response->start_hash, &len) != 1) {
        return PTHI_CERTIFICATE_NOT_READY;
    }
    x->response->start_algorithm = (uint8_t)start->algorithm;
    return status_of(provisioning_start_host_based(
        x->firmware, (enum keys_hash_type)start->algorithm, start->hash));
}

/* The text of the request with a 0 behind it; tools may count a 0 of their own. NULL: not printable, or
 * longer than room. */
static const char *request_text(struct pthi_exchange *x, uint32_t room)
{
    struct view text = x->request->bytes;
    while (text.len > 0 && x->in[text.off + text.len - 1] == 0) {
        text.len--;
    }
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t c = x->in[text.off + i];
        if (c < 0x20 || c > 0x7e) {
            return NULL;
        }
    }
    return text.len > room ? NULL : arena_text(&x->arena, (const char *)x->in + text.off, text.len);
}

static uint32_t set_otp(struct pthi_exchange *x)
{
    const char *otp = request_text(x, MEBX_OTP_MAX);
    if (provisioning_state(x->firmware) == PROVISIONING_POST) {
        return PTHI_INVALID_MODE;
    }
    return otp == NULL ? PTHI_INVALID_PARAMETER
                       : status_of(mebx_set_otp(x->firmware, otp, strlen(otp)));
}

static uint32_t set_dns_suffix(struct pthi_exchange *x)
{
    const char *suffix = request_text(x, SUFFIX_BYTES - 1);
    if (provisioning_state(x->firmware) == PROVISIONING_POST) {
        return PTHI_INVALID_MODE;
    }
    return suffix == NULL || strchr(suffix, ' ') != NULL
               ? PTHI_INVALID_PARAMETER
               : status_of(provisioning_set_trusted_suffix(x->firmware, suffix));
}

/* What was set in the MEBx, by a USB file or here; not what DHCP says. */
static uint32_t get_pki_dns_suffix(struct pthi_exchange *x)
{
    pthi_text(x, x->firmware->provisioning->trusted_suffix);
    return PTHI_SUCCESS;
}

static uint32_t set_zero_touch(struct pthi_exchange *x)
{
    return x->request->number > 1
               ? PTHI_INVALID_PARAMETER
               : status_of(mebx_set_zero_touch(x->firmware, x->request->number == 1));
}

static uint32_t zero_touch(struct pthi_exchange *x)
{
    return x->request->has_number ? set_zero_touch(x)
                                  : pthi_numbers(x, 1, mebx_zero_touch(x->firmware) ? 1u : 0u);
}

static uint32_t set_host_fqdn(struct pthi_exchange *x)
{
    const char *fqdn = request_text(x, HOST_FQDN_MAX);
    return fqdn == NULL ? PTHI_INVALID_PARAMETER
                        : status_of(settings_set(x->firmware, "AMT_GeneralSettings", "",
                                                 "HostOSFQDN", fqdn));
}

static uint32_t get_uuid(struct pthi_exchange *x)
{
    x->response->uuid = x->firmware->uuid;
    return PTHI_SUCCESS;
}

static uint32_t get_local_system_account(struct pthi_exchange *x)
{
    struct pthi_account *account = &x->response->account;
    const char *password = users_os_admin_password(x->firmware);
    size_t len = strlen(password);
    memcpy(account->user, OS_ADMIN, sizeof OS_ADMIN);
    memcpy(account->password, password, len > PTHI_ACCOUNT_BYTES ? PTHI_ACCOUNT_BYTES : len);
    account->padding = ACCOUNT_PADDING;
    return PTHI_SUCCESS;
}

static uint32_t get_tls_mode(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, mebx_pid(x->firmware)[0] != '\0' ? TLS_MODE_PSK : TLS_MODE_PKI);
}

/* Whether the password is still that of the factory. */
static uint32_t get_acl_status(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, users_have_admin(x->firmware) ? 0u : 1u);
}

/* The device has its seed from birth. */
static uint32_t generate_seed(struct pthi_exchange *x)
{
    return provisioning_state(x->firmware) == PROVISIONING_POST ? PTHI_INVALID_MODE : PTHI_SUCCESS;
}

static uint32_t get_seed_status(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, 0u);
}

/* MEI-035: no VPN of the host is let through. */
static uint32_t set_enterprise_access(struct pthi_exchange *x)
{
    (void)x;
    return PTHI_HOST_VPN_DISABLED;
}

/* MEI-034 */
static uint32_t open_user_connection(struct pthi_exchange *x)
{
    enum amt_err err = remote_access_user_connect(x->firmware, false);
    return err == AMT_ESTATE ? PTHI_DATA_MISSING : status_of(err);
}

static uint32_t close_user_connection(struct pthi_exchange *x)
{
    const struct firmware_hooks *hooks = &x->firmware->hooks;
    if (hooks->close_tunnel != NULL) {
        hooks->close_tunnel(hooks->ctx);
    }
    return PTHI_SUCCESS;
}

/* This device is not one with embedded host based configuration. */
static uint32_t get_ehbc_state(struct pthi_exchange *x)
{
    return pthi_numbers(x, 1, 0u);
}

static const struct {
    uint32_t command;
    pthi_answer_fn *answer;
} k_answers[] = {
    { PTHI_GET_TCPIP_PARAMETERS, pthi_tcpip_parameters },
    { PTHI_GET_PROVISIONING_MODE, get_provisioning_mode },
    { PTHI_UNPROVISION, unprovision },
    { PTHI_GET_PROVISIONING_STATE, get_provisioning_state },
    { PTHI_GET_CODE_VERSIONS, pthi_code_versions },
    { PTHI_GET_SECURITY_PARAMETERS, pthi_security_parameters },
    { PTHI_GET_ADMIN_ACL_STATUS, get_acl_status },
    { PTHI_GET_MAC_ADDRESSES, pthi_mac_addresses },
    { PTHI_GENERATE_RNG_SEED, generate_seed },
    { PTHI_START_CONFIGURATION, start_configuration },
    { PTHI_SET_OTP, set_otp },
    { PTHI_GET_PROVISIONING_TLS_MODE, get_tls_mode },
    { PTHI_ENUMERATE_HASH_HANDLES, pthi_hash_handles },
    { PTHI_GET_HASH_ENTRY, pthi_hash_entry },
    { PTHI_GET_RNG_SEED_STATUS, get_seed_status },
    { PTHI_SET_DNS_SUFFIX, set_dns_suffix },
    { PTHI_ZERO_TOUCH, zero_touch },
    { PTHI_GET_PKI_DNS_SUFFIX, get_pki_dns_suffix },
    { PTHI_SET_ZERO_TOUCH, set_zero_touch },
    { PTHI_GET_PID, pthi_pid },
    { PTHI_GET_DNS_SUFFIX_LIST, pthi_dns_suffix_list },
    { PTHI_SET_ENTERPRISE_ACCESS, set_enterprise_access },
    { PTHI_OPEN_USER_CONNECTION, open_user_connection },
    { PTHI_CLOSE_USER_CONNECTION, close_user_connection },
    { PTHI_GET_REMOTE_ACCESS_STATUS, pthi_remote_access },
    { PTHI_GET_POWER_POLICY, pthi_power_policy },
    { PTHI_GET_LAN_INTERFACE, pthi_lan_interface },
    { PTHI_GET_FEATURES_STATE, pthi_features },
    { PTHI_GET_CONFIG_SERVER, pthi_config_server },
    { PTHI_GET_SETUP_AUDIT_RECORD, pthi_setup_record },
    { PTHI_GET_FQDN, pthi_fqdn },
    { PTHI_GET_REDIRECTION_STATE, pthi_redirection },
    { PTHI_SET_HOST_FQDN, set_host_fqdn },
    { PTHI_GET_UUID, get_uuid },
    { PTHI_STOP_CONFIGURATION, stop_configuration },
    { PTHI_START_CONFIGURATION_EX, start_configuration },
    { PTHI_GET_LOCAL_SYSTEM_ACCOUNT, get_local_system_account },
    { PTHI_GET_CONTROL_MODE, get_control_mode },
    { PTHI_GET_EHBC_STATE, get_ehbc_state },
    { PTHI_START_CONFIGURATION_HBASED, start_host_based },
};

static uint32_t find_answer(struct pthi_exchange *x)
{
    for (size_t i = 0; i < sizeof k_answers / sizeof *k_answers; i++) {
        if (k_answers[i].command == x->request->command) {
            return k_answers[i].answer(x);
        }
    }
    return PTHI_UNSUPPORTED; /* MEI-023: known to clients, not to this device */
}

static uint32_t answer_request(struct firmware *firmware, const struct pthi_request *request,
                               const uint8_t *in, uint8_t *out, uint32_t cap, uint32_t *out_len)
{
    struct pthi_response *response = amt_alloc(sizeof *response);
    if (response == NULL) {
        *out_len = pthi_encode_status(request->command, PTHI_INTERNAL_ERROR, out, cap);
        return PTHI_INTERNAL_ERROR;
    }
    struct pthi_exchange x = { .firmware = firmware, .request = request };
    x.in = in;
    x.response = response;
    response->command = request->command;
    response->status = find_answer(&x);
    if (x.bytes.failed) {
        response->status = PTHI_INTERNAL_ERROR;
    }
    *out_len = pthi_encode_response(response, (const uint8_t *)text_chars(&x.bytes), out, cap);
    if (*out_len > cap) {
        response->status = PTHI_INTERNAL_ERROR;
        *out_len = pthi_encode_status(request->command, response->status, out, cap);
    }
    uint32_t status = response->status;
    text_fini(&x.bytes);
    arena_fini(&x.arena);
    amt_wipe(response, sizeof *response); /* it may hold a password */
    amt_free(response);
    return status;
}

uint32_t host_pthi_answer(struct firmware *firmware, const uint8_t *in, uint32_t len, uint8_t *out,
                          uint32_t cap, uint32_t *out_len)
{
    struct pthi_request request;
    uint32_t status = PTHI_SUCCESS;
    *out_len = 0;
    if (pthi_decode_request(in, len, &request, &status) == AMT_OK) {
        status = answer_request(firmware, &request, in, out, cap, out_len);
    } else if (status != PTHI_SUCCESS) {
        *out_len = pthi_encode_status(request.command, status, out, cap);
    }
    *out_len = *out_len > cap ? 0 : *out_len;
    return status;
}
