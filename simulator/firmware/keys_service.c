/* AMT_PublicKeyManagementService: what clients put into the store (wsman.md 4.9). */
#include <openssl/err.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/tls_settings.h"

#define INTERMEDIATE_RELEASE 1180 /* trusted certificates need not be self-signed (wsman.md 4.9) */
#define REQUEST_MAX_BYTES    4100
#define KEY_MAX_BYTES        4100

enum signing_algorithm { SIGNING_SHA1, SIGNING_SHA256, SIGNING_SHA384 };

/* Why nothing may be changed now; PT_SUCCESS if it may. */
static uint32_t check_state(struct firmware_call *call)
{
    if (!keys_may_change(call->firmware)) {
        return legality_deny(call, false);
    }
    return call->firmware->keys->work != NULL ? keys_busy_status(call->firmware) : PT_SUCCESS;
}

static bool is_self_signed(const X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
           0;
}

/* WSM-097 */
static uint32_t add_certificate(struct firmware_call *call, const struct wsman_instance *in,
                                struct wsman_instance *out, bool is_root)
{
    struct firmware *firmware = call->firmware;
    size_t len = 0;
    const uint8_t *der = wsman_get_base64(in, "CertificateBlob", &len);
    X509 *certificate = keys_read_certificate(der, len);
    uint32_t status = PT_SUCCESS;
    uint32_t handle = KEYS_NONE;
    if (certificate == NULL || (is_root && !is_self_signed(certificate) &&
                                !firmware_is_release(firmware, INTERMEDIATE_RELEASE))) {
        status = PT_INVALID_CERT;
    } else if (keys_has_certificate(firmware->keys, certificate)) {
        status = PT_DUPLICATE;
    } else if ((handle = keys_store_certificate(firmware->keys, certificate, is_root)) ==
               KEYS_NONE) {
        status = PT_MAX_LIMIT_REACHED;
    }
    if (status != PT_SUCCESS) {
        X509_free(certificate);
        return status;
    }
    char id[KEYS_ID_BYTES];
    keys_certificate_id(handle, id);
    wsman_set_ref(out, "CreatedCertificate",
                  wsman_ref_new(call->arena, "AMT_PublicKeyCertificate", 1, "InstanceID", id));
    firmware_changed(firmware);
    return PT_SUCCESS;
}

static uint32_t add_leaf(struct firmware_call *call, const struct wsman_instance *target,
                         const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    uint32_t status = check_state(call);
    return status != PT_SUCCESS ? status : add_certificate(call, in, out, false);
}

static uint32_t add_root(struct firmware_call *call, const struct wsman_instance *target,
                         const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    uint32_t status = check_state(call);
    if (status != PT_SUCCESS) {
        return status;
    }
    /* While clients are judged by the roots, these stay as they are (SDK; wsman.md 4.9). */
    return tls_settings_are_mutual(call->firmware) ? PT_NOT_PERMITTED
                                                   : add_certificate(call, in, out, true);
}

/* PKCS#1 RSAPrivateKey, as the schema says, or PKCS#8, as tools write it; the whole of it. */
static EVP_PKEY *read_key(const struct wsman_instance *in)
{
    size_t len = 0;
    const uint8_t *der = wsman_get_base64(in, "KeyBlob", &len);
    if (der == NULL || len == 0 || len > KEY_MAX_BYTES) {
        return NULL;
    }
    const unsigned char *at = der;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)len);
    if (key != NULL && at != der + len) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

/* The parts of a key can contradict each other: such a key would sign nonsense. */
static bool key_is_sound(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool is_sound = context != NULL && EVP_PKEY_pairwise_check(context) == 1;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return is_sound;
}

static uint32_t add_key(struct firmware_call *call, const struct wsman_instance *target,
                        const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    uint32_t status = check_state(call);
    if (status != PT_SUCCESS) {
        return status;
    }
    struct firmware *firmware = call->firmware;
    EVP_PKEY *key = read_key(in);
    uint32_t handle = KEYS_NONE;
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA ||
        !keys_length_is_supported(firmware, (uint32_t)EVP_PKEY_get_bits(key)) ||
        !key_is_sound(key)) {
        status = PT_INVALID_KEY;
    } else if (keys_pair_of(firmware->keys, key) != KEYS_NONE) {
        status = PT_DUPLICATE;
    } else if ((handle = keys_store_pair(firmware->keys, key)) == KEYS_NONE) {
        status = PT_MAX_LIMIT_REACHED;
    }
    if (status != PT_SUCCESS) {
        EVP_PKEY_free(key);
        return status;
    }
    char id[KEYS_ID_BYTES];
    keys_pair_id(handle, id);
    wsman_set_ref(out, "CreatedKey",
                  wsman_ref_new(call->arena, "AMT_PublicPrivateKeyPair", 1, "InstanceID", id));
    firmware_changed(firmware);
    return PT_SUCCESS;
}

static const EVP_MD *find_digest(uint64_t algorithm)
{
    switch (algorithm) {
    case SIGNING_SHA1:
        return EVP_sha1();
    case SIGNING_SHA256:
        return EVP_sha256();
    case SIGNING_SHA384:
        return EVP_sha384();
    default:
        return NULL;
    }
}

/* A request with a signature of no worth: the client has only the public key. */
static X509_REQ *read_request(const struct wsman_instance *in)
{
    size_t len = 0;
    const uint8_t *der = wsman_get_base64(in, "NullSignedCertificateRequest", &len);
    if (der == NULL || len == 0 || len > REQUEST_MAX_BYTES) {
        return NULL;
    }
    const unsigned char *at = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)len);
    if (request != NULL && at != der + len) {
        X509_REQ_free(request);
        request = NULL;
    }
    ERR_clear_error();
    return request;
}

static uint32_t sign_request(X509_REQ *request, EVP_PKEY *key, const EVP_MD *digest,
                             struct wsman_instance *out)
{
    EVP_PKEY *asked = X509_REQ_get0_pubkey(request);
    if (asked == NULL || EVP_PKEY_eq(asked, key) != 1) {
        ERR_clear_error();
        return PT_INVALID_KEY;
    }
    unsigned char *der = NULL;
    int len = X509_REQ_sign(request, key, digest) > 0 ? i2d_X509_REQ(request, &der) : -1;
    if (len > 0) {
        wsman_set_base64(out, "SignedCertificateRequest", der, (size_t)len);
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return len > 0 ? PT_SUCCESS : PT_INTERNAL_ERROR;
}

static uint32_t sign(struct firmware_call *call, const struct wsman_instance *target,
                     const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    uint32_t status = check_state(call);
    if (status != PT_SUCCESS) {
        return status;
    }
    struct keys *keys = call->firmware->keys;
    const char *id = wsman_ref_selector(wsman_get_ref(in, "KeyPair"), "InstanceID");
    uint32_t handle = keys_pair_find(keys, id);
    const EVP_MD *digest = find_digest(wsman_get_u64(in, "SigningAlgorithm", UINT64_MAX));
    X509_REQ *request = read_request(in);
    status = handle == KEYS_NONE || digest == NULL || request == NULL
                 ? PT_INVALID_PARAMETER
                 : sign_request(request, keys->pairs[handle], digest, out);
    X509_REQ_free(request);
    return status;
}

const struct firmware_method k_keys_service_methods[] = {
    { "AddCertificate", add_leaf },
    { "AddTrustedRootCertificate", add_root },
    { "AddKey", add_key },
    { "GeneratePKCS10RequestEx", sign },
    { "GenerateKeyPair", keys_generate_pair },
    { "AddCRL", keys_add_crl },
    { "ResetCRLList", keys_reset_crls },
    { NULL, NULL },
};
