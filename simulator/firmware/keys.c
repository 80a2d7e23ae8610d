/* The store of certificates and key pairs: handles, look-ups, and what comes and goes with it. */
#include "simulator/firmware/keys_internal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "simulator/firmware/network.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/tls_settings.h"

#define PAIR_PREFIX        "Intel(r) AMT Key: Handle: "
#define CERTIFICATE_PREFIX "Intel(r) AMT Certificate: Handle: "
#define MODERN_RELEASE     1600 /* RSA below 2048 bits is gone (activation.md 2.1) */

void keys_pair_id(uint32_t handle, char out[static KEYS_ID_BYTES])
{
    (void)snprintf(out, KEYS_ID_BYTES, PAIR_PREFIX "%u", handle);
}

void keys_certificate_id(uint32_t handle, char out[static KEYS_ID_BYTES])
{
    (void)snprintf(out, KEYS_ID_BYTES, CERTIFICATE_PREFIX "%u", handle);
}

static uint32_t read_handle(const char *instance_id, const char *prefix, uint32_t count)
{
    size_t len = strlen(prefix);
    uint64_t handle = 0;
    if (instance_id == NULL || strncmp(instance_id, prefix, len) != 0 ||
        text_parse_u64(instance_id + len, UINT32_MAX, &handle) != AMT_OK || handle >= count) {
        return KEYS_NONE;
    }
    return (uint32_t)handle;
}

uint32_t keys_pair_find(const struct keys *keys, const char *instance_id)
{
    uint32_t handle = read_handle(instance_id, PAIR_PREFIX, keys->pairs_max);
    return handle == KEYS_NONE || keys->pairs[handle] == NULL ? KEYS_NONE : handle;
}

uint32_t keys_certificate_find(const struct keys *keys, const char *instance_id)
{
    uint32_t handle = read_handle(instance_id, CERTIFICATE_PREFIX, keys->certificates_max);
    return handle == KEYS_NONE || keys->certificates[handle].x509 == NULL ? KEYS_NONE : handle;
}

uint32_t keys_pair_of(const struct keys *keys, const EVP_PKEY *public_key)
{
    uint32_t found = KEYS_NONE;
    for (uint32_t i = 0; i < keys->pairs_max && public_key != NULL && found == KEYS_NONE; i++) {
        if (keys->pairs[i] != NULL && EVP_PKEY_eq(keys->pairs[i], public_key) == 1) {
            found = i;
        }
    }
    ERR_clear_error();
    return found;
}

/* Handles count from 0, the lowest free one is taken (wsman.md 4.9). */
uint32_t keys_store_pair(struct keys *keys, EVP_PKEY *key)
{
    for (uint32_t i = 0; i < keys->pairs_max; i++) {
        if (keys->pairs[i] == NULL) {
            keys->pairs[i] = key;
            return i;
        }
    }
    return KEYS_NONE;
}

uint32_t keys_store_certificate(struct keys *keys, X509 *certificate, bool is_root)
{
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        if (keys->certificates[i].x509 == NULL) {
            keys->certificates[i] =
                (struct keys_certificate){ .x509 = certificate, .is_root = is_root };
            return i;
        }
    }
    return KEYS_NONE;
}

bool keys_has_certificate(const struct keys *keys, const X509 *certificate)
{
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        if (keys->certificates[i].x509 != NULL &&
            X509_cmp(keys->certificates[i].x509, certificate) == 0) {
            return true;
        }
    }
    return false;
}

X509 *keys_read_certificate(const uint8_t *der, size_t len)
{
    if (der == NULL || len == 0 || len > KEYS_DER_MAX_BYTES) {
        return NULL;
    }
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)len);
    if (certificate != NULL && (at != der + len || X509_get0_pubkey(certificate) == NULL)) {
        X509_free(certificate);
        certificate = NULL;
    }
    ERR_clear_error();
    return certificate;
}

const uint32_t *keys_lengths(const struct firmware *firmware, uint32_t *count)
{
    static const uint32_t k_old[] = { 1024, 1536, 2048 };
    static const uint32_t k_modern[] = { 2048, 3072 };
    bool is_modern = firmware_is_release(firmware, MODERN_RELEASE);
    *count = is_modern ? 2 : 3;
    return is_modern ? k_modern : k_old;
}

/* Keys that are brought along may be longer than those made here. */
bool keys_length_is_supported(const struct firmware *firmware, uint32_t bits)
{
    uint32_t least = firmware_is_release(firmware, MODERN_RELEASE) ? 2048 : 1024;
    return bits >= least && bits <= 4096;
}

bool keys_may_change(const struct firmware *firmware)
{
    return provisioning_state(firmware) != PROVISIONING_PRE;
}

X509 *keys_certificate(const struct firmware *firmware, const char *instance_id)
{
    uint32_t handle = keys_certificate_find(firmware->keys, instance_id);
    return handle == KEYS_NONE ? NULL : firmware->keys->certificates[handle].x509;
}

EVP_PKEY *keys_private_key(const struct firmware *firmware, X509 *certificate)
{
    uint32_t handle = keys_pair_of(firmware->keys, X509_get0_pubkey(certificate));
    return handle == KEYS_NONE ? NULL : firmware->keys->pairs[handle];
}

X509 *keys_trusted_root(const struct firmware *firmware, uint32_t at)
{
    const struct keys *keys = firmware->keys;
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        if (keys->certificates[i].x509 == NULL || !keys->certificates[i].is_root) {
            continue;
        }
        if (at == 0) {
            return keys->certificates[i].x509;
        }
        at -= 1;
    }
    return NULL;
}

bool keys_certificate_in_use(const struct firmware *firmware, const char *instance_id)
{
    return tls_settings_use(firmware, instance_id) ||
           remote_access_uses_certificate(firmware, instance_id) ||
           network_uses_certificate(firmware, instance_id);
}

static void forget(struct keys *keys)
{
    for (uint32_t i = 0; i < keys->pairs_max && keys->pairs != NULL; i++) {
        EVP_PKEY_free(keys->pairs[i]);
        keys->pairs[i] = NULL;
    }
    for (uint32_t i = 0; i < keys->certificates_max && keys->certificates != NULL; i++) {
        X509_free(keys->certificates[i].x509);
        keys->certificates[i] = (struct keys_certificate){ .x509 = NULL };
    }
    keys_crls_forget(keys);
}

static void keys_fini(struct firmware *firmware)
{
    struct keys *keys = firmware->keys;
    if (keys == NULL) {
        return;
    }
    keys_generate_stop(keys, false);
    forget(keys);
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX; i++) {
        amt_free(keys->user_hashes[i].name);
    }
    amt_free(keys->pairs);
    amt_free(keys->certificates);
    amt_free(keys);
    firmware->keys = NULL;
}

static enum amt_err keys_init(struct firmware *firmware)
{
    struct keys *keys = amt_alloc(sizeof *keys);
    firmware->keys = keys;
    if (keys == NULL) {
        return AMT_ENOMEM;
    }
    const struct firmware_config *config = &firmware->profile->config;
    keys->firmware = firmware;
    keys->pairs_max = config->key_pairs_max;
    keys->certificates_max = config->certificates_max;
    keys->pairs = amt_alloc_array(keys->pairs_max, sizeof(EVP_PKEY *));
    keys->certificates = amt_alloc_array(keys->certificates_max, sizeof *keys->certificates);
    return keys->pairs == NULL || keys->certificates == NULL ? AMT_ENOMEM : AMT_OK;
}

/* Certificates and keys go; the hashes of roots stay (wsman.md 5.3). */
static void keys_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    keys_generate_stop(firmware->keys, true);
    forget(firmware->keys);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_PublicKeyCertificate",
      .list = keys_list_certificates,
      .put = keys_put_certificate,
      .remove = keys_remove_certificate },
    { .class_name = "AMT_PublicPrivateKeyPair",
      .list = keys_list_pairs,
      .remove = keys_remove_pair },
    { .class_name = "AMT_PublicKeyManagementService",
      .remove = keys_remove_selected,
      .removes_by_selectors = true,
      .methods = k_keys_service_methods },
    { .class_name = "AMT_CRL", .list = keys_list_crls, .remove = keys_remove_crl },
    { .class_name = "AMT_PublicKeyManagementCapabilities", .fill = keys_fill_capabilities },
    { .class_name = "CIM_ConcreteDependency", .list = keys_list_dependencies },
    { .class_name = "AMT_ProvisioningCertificateHash",
      .list = keys_list_hashes,
      .put = keys_put_hash,
      .create = keys_create_hash,
      .remove = keys_remove_hash },
    { .class_name = NULL },
};

const struct firmware_part k_keys_part = {
    .name = "keys",
    .init = keys_init,
    .fini = keys_fini,
    .unprovision = keys_unprovision,
    .save = keys_save,
    .load = keys_load,
    .behaviours = k_behaviours,
};
