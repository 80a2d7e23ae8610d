/* IPS_HostBasedSetupService: activation from the host (wsman.md 4.3, activation.md 5). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/users.h"

#define ENCRYPTION_HTTP_DIGEST   2u
#define SIGNING_RSA_SHA256       2u
#define NO_HOST_ADMIN_SETUP_FROM 1900u /* release: only over TLS from there on (ACT-DEV-043) */

/* Return values of Setup, AdminSetup and UpgradeClientToAdmin, which are their own. */
enum setup_result {
    SETUP_OK = 0,
    SETUP_INTERNAL_ERROR = 1,
    SETUP_INVALID_STATE = 2,
    SETUP_INVALID_PARAMETER = 3,
    SETUP_DISABLED = 4,
    SETUP_AUTHENTICATION_FAILED = 5
};
/* Events of the security administration application in the audit log, and the method that the
 * completed one tells. */
enum setup_event { PROVISIONING_COMPLETED = 1, UPGRADED_TO_ADMIN = 18 };
#define METHOD_HOST_BASED_ADMIN 5u

void provisioning_fill_host_setup(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct provisioning *provisioning = call->firmware->provisioning;
    wsman_set_u64(instance, "AllowedControlModes", FIRMWARE_ADMIN_CONTROL); /* WSM-073: 2, 1 */
    if (!provisioning->client_mode_is_disabled) {
        wsman_add_u64(instance, "AllowedControlModes", FIRMWARE_CLIENT_CONTROL);
    }
    wsman_set_u64(instance, "CertChainStatus", provisioning->chain.status);
    wsman_set_base64(instance, "ConfigurationNonce", provisioning->nonce, NONCE_BYTES);
    wsman_set_u64(instance, "CurrentControlMode", provisioning->mode);
}

/* The new administrator: MD5(admin:realm:password) in hexadecimal (WSM-064). */
static bool read_password(const struct wsman_instance *in, uint8_t ha1[static DIGEST_MD5_BYTES])
{
    const char *digits = wsman_get(in, "NetworkAdminPassword");
    size_t len = 0;
    return wsman_get_u64(in, "NetAdminPassEncryptionType", 0) == ENCRYPTION_HTTP_DIGEST &&
           digits != NULL && strlen(digits) == 2 * DIGEST_MD5_BYTES &&
           text_parse_hex(digits, ha1, DIGEST_MD5_BYTES, &len) == AMT_OK && len == DIGEST_MD5_BYTES;
}

struct proof {
    const uint8_t *nonce, *signature;
    size_t signature_len;
};

static bool read_proof(const struct wsman_instance *in, struct proof *proof)
{
    size_t nonce_len = 0;
    proof->nonce = wsman_get_base64(in, "McNonce", &nonce_len);
    proof->signature = wsman_get_base64(in, "DigitalSignature", &proof->signature_len);
    return proof->nonce != NULL && nonce_len == NONCE_BYTES && proof->signature != NULL &&
           proof->signature_len > 0 &&
           wsman_get_u64(in, "SigningAlgorithm", 0) == SIGNING_RSA_SHA256;
}

/* For those who wonder why a server does not get in. */
static void tell(const struct firmware *firmware, const char *method, uint32_t result,
                 const char *why)
{
    LOG(firmware->log, LOG_INFO, "provisioning.step", log_text("uuid", firmware->uuid_text),
        log_text("method", method), log_u64("result", result),
        log_text("why", why == NULL ? "" : why));
}

/* What AdminSetup and UpgradeClientToAdmin have in common, in the order of activation.md 5.5. */
static enum setup_result check_ownership(const struct firmware *firmware,
                                         const struct wsman_instance *in, const char **why)
{
    const struct setup_chain *chain = &firmware->provisioning->chain;
    struct proof proof;
    if (!read_proof(in, &proof)) {
        *why = "nonce, algorithm or signature is missing or malformed";
        return SETUP_INVALID_PARAMETER;
    }
    *why = setup_chain_leaf_fault(firmware, chain);
    if (*why == NULL && !setup_signature_is_right(firmware, chain->certificates[0], proof.nonce,
                                                  proof.signature, proof.signature_len)) {
        *why = "the signature is not the leaf's over both nonces"; /* WSM-074 */
    }
    return *why == NULL ? SETUP_OK : SETUP_AUTHENTICATION_FAILED;
}

static uint32_t add_next_certificate(struct firmware_call *call,
                                     const struct wsman_instance *target,
                                     const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct firmware *firmware = call->firmware;
    if (firmware->provisioning->mode == FIRMWARE_ADMIN_CONTROL) {
        tell(firmware, "AddNextCertInChain", CHAIN_INVALID_STATE, "in admin control already");
        return CHAIN_INVALID_STATE;
    }
    size_t len = 0;
    const uint8_t *der = wsman_get_base64(in, "NextCertificate", &len);
    enum chain_result result =
        setup_chain_add(firmware, der, len, wsman_get_bool(in, "IsLeafCertificate", false),
                        wsman_get_bool(in, "IsRootCertificate", false));
    tell(firmware, "AddNextCertInChain", result, firmware->provisioning->chain.why);
    return (uint32_t)result;
}

static void activate(struct firmware_call *call, enum firmware_mode mode,
                     const uint8_t ha1[static DIGEST_MD5_BYTES])
{
    static const uint8_t k_method = METHOD_HOST_BASED_ADMIN;
    users_set_admin(call->firmware, "admin", ha1);
    provisioning_activate(call->firmware, mode);
    audit_log_add(call->firmware, call, AUDIT_SECURITY_ADMIN, PROVISIONING_COMPLETED, &k_method,
                  mode == FIRMWARE_ADMIN_CONTROL ? sizeof k_method : 0);
}

static enum setup_result refuse(const char **why, enum setup_result result, const char *text)
{
    *why = text;
    return result;
}

static enum setup_result try_admin_setup(struct firmware_call *call,
                                         const struct wsman_instance *in, const char **why)
{
    struct firmware *firmware = call->firmware;
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (firmware->provisioning->state != PROVISIONING_PRE) { /* ACT-DEV-027: in provisioning too */
        return refuse(why, SETUP_INVALID_STATE, "the device is set up, or being set up");
    }
    if (firmware_is_release(firmware, NO_HOST_ADMIN_SETUP_FROM)) {
        firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
        return refuse(why, SETUP_DISABLED, "only over TLS from release 19 on");
    }
    if (firmware->provisioning->chain.status != CHAIN_COMPLETE) {
        return refuse(why, SETUP_INVALID_STATE, "the chain is not complete");
    }
    if (!read_password(in, ha1)) {
        return refuse(why, SETUP_INVALID_PARAMETER, "the password is not MD5(A1) in hexadecimal");
    }
    enum setup_result result = check_ownership(firmware, in, why);
    if (result == SETUP_OK) {
        provisioning_record_add(firmware, RECORD_ADMIN, NULL);
        activate(call, FIRMWARE_ADMIN_CONTROL, ha1);
    }
    amt_wipe(ha1, sizeof ha1);
    return result;
}

static uint32_t admin_setup(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const char *why = NULL;
    enum setup_result result = try_admin_setup(call, in, &why);
    tell(call->firmware, "AdminSetup", result, why);
    return (uint32_t)result;
}

static enum setup_result try_upgrade(struct firmware_call *call, const struct wsman_instance *in,
                                     const char **why)
{
    struct firmware *firmware = call->firmware;
    const struct provisioning *provisioning = firmware->provisioning;
    if (provisioning->mode != FIRMWARE_CLIENT_CONTROL) {
        return refuse(why, SETUP_INVALID_STATE, "not in client control");
    }
    if (provisioning->chain.status != CHAIN_COMPLETE) {
        return refuse(why, SETUP_INVALID_STATE, "the chain is not complete");
    }
    if (!users_may(call->user, REALM_ADMINISTRATION)) { /* ACT-DEV-026 */
        return refuse(why, SETUP_AUTHENTICATION_FAILED, "the host's account is not the admin");
    }
    enum setup_result result = check_ownership(firmware, in, why);
    if (result == SETUP_OK) {
        provisioning_record_add(firmware, RECORD_ADMIN, NULL);
        provisioning_activate(firmware, FIRMWARE_ADMIN_CONTROL);
        audit_log_add(firmware, call, AUDIT_SECURITY_ADMIN, UPGRADED_TO_ADMIN, NULL, 0);
    }
    return result;
}

static uint32_t upgrade(struct firmware_call *call, const struct wsman_instance *target,
                        const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const char *why = NULL;
    enum setup_result result = try_upgrade(call, in, &why);
    tell(call->firmware, "UpgradeClientToAdmin", result, why);
    return (uint32_t)result;
}

/* The certificate and signature of Setup may be left out; if they are there they must be right. */
static enum setup_result check_client_certificate(const struct firmware *firmware,
                                                  const struct wsman_instance *in,
                                                  X509 **certificate)
{
    struct proof proof;
    size_t len = 0;
    if (!wsman_has(in, "Certificate") && !wsman_has(in, "DigitalSignature")) {
        return SETUP_OK;
    }
    const uint8_t *der = wsman_get_base64(in, "Certificate", &len);
    const unsigned char *at = der;
    *certificate = der == NULL ? NULL : d2i_X509(NULL, &at, (long)len);
    if (*certificate == NULL || !read_proof(in, &proof)) {
        return SETUP_INVALID_PARAMETER;
    }
    return setup_signature_is_right(firmware, *certificate, proof.nonce, proof.signature,
                                    proof.signature_len)
               ? SETUP_OK
               : SETUP_AUTHENTICATION_FAILED;
}

static enum setup_result try_setup(struct firmware_call *call, const struct wsman_instance *in,
                                   const char **why)
{
    struct firmware *firmware = call->firmware;
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (firmware->provisioning->state != PROVISIONING_PRE) { /* WSM-075 */
        return refuse(why, SETUP_INVALID_STATE, "the device is set up, or being set up");
    }
    if (firmware->provisioning->client_mode_is_disabled) {
        return refuse(why, SETUP_DISABLED, "client control is switched off");
    }
    if (!read_password(in, ha1)) {
        return refuse(why, SETUP_INVALID_PARAMETER, "the password is not MD5(A1) in hexadecimal");
    }
    X509 *certificate = NULL;
    enum setup_result result = check_client_certificate(firmware, in, &certificate);
    if (result == SETUP_OK) {
        provisioning_record_add(firmware, RECORD_CLIENT, certificate);
        activate(call, FIRMWARE_CLIENT_CONTROL, ha1);
    } else {
        *why = "the certificate or its signature";
    }
    X509_free(certificate);
    amt_wipe(ha1, sizeof ha1);
    return result;
}

static uint32_t setup(struct firmware_call *call, const struct wsman_instance *target,
                      const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const char *why = NULL;
    enum setup_result result = try_setup(call, in, &why);
    tell(call->firmware, "Setup", result, why);
    return (uint32_t)result;
}

static uint32_t disable_client_mode(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (call->firmware->provisioning->mode == FIRMWARE_CLIENT_CONTROL) {
        return SETUP_INVALID_STATE;
    }
    call->firmware->provisioning->client_mode_is_disabled = true;
    firmware_changed(call->firmware);
    return SETUP_OK;
}

const struct firmware_method k_provisioning_host_setup_methods[] = {
    { "AddNextCertInChain", add_next_certificate },
    { "AdminSetup", admin_setup },
    { "DisableClientControlMode", disable_client_mode },
    { "Setup", setup },
    { "UpgradeClientToAdmin", upgrade },
    { NULL, NULL },
};
