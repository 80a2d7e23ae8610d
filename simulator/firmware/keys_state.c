/* The store on disk: private keys as PKCS#8 PEM in the device's state file, which only its owner can
 * read. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/state_fields.h"

#define PEM_MAX_BYTES  16384
#define NAME_MAX_BYTES 256

/* Takes bio. */
static char *take_text(BIO *bio, bool is_good)
{
    const char *chars = NULL;
    long len = is_good ? BIO_get_mem_data(bio, &chars) : 0;
    char *text = len > 0 ? amt_memdup(chars, (size_t)len) : NULL;
    BIO_free(bio);
    return text;
}

char *keys_private_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool is_good =
        bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    return take_text(bio, is_good);
}

char *keys_certificate_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_text(bio, bio != NULL && PEM_write_bio_X509(bio, certificate) == 1);
}

EVP_PKEY *keys_private_from_pem(const char *pem, struct amt_diag *diag)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "saved state: a private key cannot be read");
    }
    return key;
}

X509 *keys_certificate_from_pem(const char *pem, struct amt_diag *diag)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (certificate == NULL || X509_get0_pubkey(certificate) == NULL) {
        X509_free(certificate);
        (void)amt_diag_set(diag, AMT_ECONFIG, "saved state: a certificate cannot be read");
        return NULL;
    }
    return certificate;
}

/* Takes pem and entry. */
static bool append_pem(json_t *list, json_t *entry, uint32_t handle, char *pem)
{
    bool is_good =
        pem != NULL && state_put_u64(entry, "handle", handle) && state_put_text(entry, "pem", pem);
    if (pem != NULL) {
        amt_wipe(pem, strlen(pem));
    }
    amt_free(pem);
    /* json_array_append_new frees the entry when it fails */
    return json_array_append_new(list, entry) == 0 && is_good;
}

static bool save_pairs(const struct keys *keys, json_t *list)
{
    bool is_good = list != NULL;
    for (uint32_t i = 0; i < keys->pairs_max && is_good; i++) {
        if (keys->pairs[i] != NULL) {
            is_good = append_pem(list, json_object(), i, keys_private_pem(keys->pairs[i]));
        }
    }
    return is_good;
}

static bool save_certificates(const struct keys *keys, json_t *list)
{
    bool is_good = list != NULL;
    for (uint32_t i = 0; i < keys->certificates_max && is_good; i++) {
        const struct keys_certificate *certificate = &keys->certificates[i];
        if (certificate->x509 != NULL) {
            json_t *entry = json_object();
            is_good = state_put_bool(entry, "root", certificate->is_root);
            is_good =
                append_pem(list, entry, i, keys_certificate_pem(certificate->x509)) && is_good;
        }
    }
    return is_good;
}

static bool save_hashes(const struct keys *keys, json_t *list, json_t *disabled)
{
    bool is_good = list != NULL && disabled != NULL;
    for (uint32_t i = 0; i < KEYS_USER_HASHES_MAX && is_good; i++) {
        const struct keys_user_hash *hash = &keys->user_hashes[i];
        if (hash->name != NULL) {
            json_t *entry = json_object();
            is_good = state_put_u64(entry, "place", i) &&
                      state_put_text(entry, "name", hash->name) &&
                      state_put_u64(entry, "type", hash->type) &&
                      state_put_hex(entry, "bytes", hash->bytes, keys_hash_len(hash->type)) &&
                      state_put_bool(entry, "active", hash->is_active);
            is_good = json_array_append_new(list, entry) == 0 && is_good;
        }
    }
    const char *hex = NULL;
    for (uint32_t at = 0; is_good && (hex = keys_disabled_hash(keys, at)) != NULL; at++) {
        is_good = json_array_append_new(disabled, json_string(hex)) == 0;
    }
    return is_good;
}

json_t *keys_save(struct firmware *firmware)
{
    const struct keys *keys = firmware->keys;
    json_t *pairs = json_array();
    json_t *certificates = json_array();
    json_t *hashes = json_array();
    json_t *disabled = json_array();
    json_t *crls = json_array();
    bool is_good = save_pairs(keys, pairs) && save_certificates(keys, certificates) &&
                   save_hashes(keys, hashes, disabled) && keys_save_crls(keys, crls);
    json_t *state = json_object();
    is_good = json_object_set_new(state, "pairs", pairs) == 0 && is_good;
    is_good = json_object_set_new(state, "certificates", certificates) == 0 && is_good;
    is_good = json_object_set_new(state, "hashes", hashes) == 0 && is_good;
    is_good = json_object_set_new(state, "disabled_hashes", disabled) == 0 && is_good;
    is_good = json_object_set_new(state, "revoked", crls) == 0 && is_good;
    if (!is_good) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err wrong(struct amt_diag *diag, const char *what)
{
    return amt_diag_set(diag, AMT_ECONFIG, "saved state: %s", what);
}

/* A handle below count, and the PEM text. */
static enum amt_err load_entry(const json_t *entry, uint32_t count, uint32_t *handle,
                               char pem[static PEM_MAX_BYTES], struct amt_diag *diag)
{
    *handle = KEYS_NONE;
    pem[0] = '\0';
    TRY(state_get_u32(entry, "handle", KEYS_NONE - 1, handle, diag));
    TRY(state_get_text(entry, "pem", pem, PEM_MAX_BYTES, diag));
    return *handle < count ? AMT_OK : wrong(diag, "a handle is above the size of the store");
}

static enum amt_err load_pair(struct keys *keys, const json_t *entry, struct amt_diag *diag)
{
    char pem[PEM_MAX_BYTES];
    uint32_t handle = KEYS_NONE;
    TRY(load_entry(entry, keys->pairs_max, &handle, pem, diag));
    EVP_PKEY *key = keys_private_from_pem(pem, diag);
    amt_wipe(pem, sizeof pem);
    if (key == NULL) {
        return AMT_ECONFIG;
    }
    if (keys->pairs[handle] != NULL) {
        EVP_PKEY_free(key);
        return wrong(diag, "two key pairs have the same handle");
    }
    keys->pairs[handle] = key;
    return AMT_OK;
}

static enum amt_err load_certificate(struct keys *keys, const json_t *entry, struct amt_diag *diag)
{
    char pem[PEM_MAX_BYTES];
    uint32_t handle = KEYS_NONE;
    bool is_root = false;
    TRY(load_entry(entry, keys->certificates_max, &handle, pem, diag));
    TRY(state_get_bool(entry, "root", &is_root, diag));
    X509 *certificate = keys_certificate_from_pem(pem, diag);
    if (certificate == NULL) {
        return AMT_ECONFIG;
    }
    if (keys->certificates[handle].x509 != NULL) {
        X509_free(certificate);
        return wrong(diag, "two certificates have the same handle");
    }
    keys->certificates[handle] =
        (struct keys_certificate){ .x509 = certificate, .is_root = is_root };
    return AMT_OK;
}

static enum amt_err load_hash(struct keys *keys, const json_t *entry, struct amt_diag *diag)
{
    char name[NAME_MAX_BYTES] = "";
    uint32_t place = 0;
    uint32_t type = KEYS_HASH_SHA256;
    struct keys_user_hash hash = { .is_active = true };
    TRY(state_get_u32(entry, "place", KEYS_USER_HASHES_MAX - 1, &place, diag));
    TRY(state_get_text(entry, "name", name, sizeof name, diag));
    TRY(state_get_u32(entry, "type", KEYS_HASH_SHA384, &type, diag));
    hash.type = (enum keys_hash_type)type;
    TRY(state_get_hex(entry, "bytes", hash.bytes, keys_hash_len(hash.type), diag));
    TRY(state_get_bool(entry, "active", &hash.is_active, diag));
    if (name[0] == '\0' || keys->user_hashes[place].name != NULL) {
        return wrong(diag, "a root hash has no name, or the place of another one");
    }
    hash.name = amt_strdup(name);
    keys->user_hashes[place] = hash;
    return hash.name == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err load_disabled(struct keys *keys, const json_t *entry, struct amt_diag *diag)
{
    if (!json_is_string(entry)) {
        return wrong(diag, "disabled_hashes holds something else than texts");
    }
    /* A hash that newer firmware does not have any more cannot be switched off: nothing is lost. */
    (void)keys_disable_hash(keys, json_string_value(entry));
    return AMT_OK;
}

static enum amt_err load_list(struct keys *keys, const json_t *state, const char *name,
                              enum amt_err (*load)(struct keys *, const json_t *,
                                                   struct amt_diag *),
                              struct amt_diag *diag)
{
    const json_t *list = json_object_get(state, name);
    if (list != NULL && !json_is_array(list)) {
        return amt_diag_set(diag, AMT_ECONFIG, "saved state: %s is not a list", name);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(load(keys, json_array_get(list, i), diag));
    }
    return AMT_OK;
}

enum amt_err keys_load(struct firmware *firmware, const json_t *state, struct amt_diag *diag)
{
    struct keys *keys = firmware->keys;
    TRY(load_list(keys, state, "pairs", load_pair, diag));
    TRY(load_list(keys, state, "certificates", load_certificate, diag));
    TRY(load_list(keys, state, "hashes", load_hash, diag));
    TRY(load_list(keys, state, "revoked", keys_load_crl, diag));
    return load_list(keys, state, "disabled_hashes", load_disabled, diag);
}
