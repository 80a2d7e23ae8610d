/* Shared by the files of certificates and keys. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_KEYS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_KEYS_INTERNAL_H

#include "runtime/tls.h"
#include "simulator/firmware/keys.h"

#define KEYS_ID_BYTES      64   /* an InstanceID with its 0 */
#define KEYS_DER_MAX_BYTES 4100 /* of a certificate, wsman.md 4.9 */
#define KEYS_NONE          UINT32_MAX

struct keys_certificate {
    X509 *x509; /* NULL: the handle is free */
    bool is_root;
};

/* A root hash that was added to those the device is born with. */
struct keys_user_hash {
    char *name; /* NULL: the place is free */
    enum keys_hash_type type;
    uint8_t bytes[KEYS_HASH_MAX_BYTES];
    bool is_active;
};
#define KEYS_USER_HASHES_MAX 3 /* activation.md 2.5: handles 20 to 22 */

/* Serial numbers (hexadecimal) that are revoked in the list at url. */
#define KEYS_CRLS_MAX        4
#define KEYS_CRL_SERIALS_MAX 32
struct keys_crl {
    char *url; /* NULL: the handle is free */
    char *serials[KEYS_CRL_SERIALS_MAX + 1];
};

struct keys_work; /* keys_generate.c: one GenerateKeyPair */

struct keys {
    struct firmware *firmware;
    EVP_PKEY **pairs; /* by handle; NULL: free */
    struct keys_certificate *certificates;
    uint32_t pairs_max, certificates_max;
    struct keys_work *work; /* NULL: no key is being made */
    struct timer work_delay;
    struct keys_user_hash user_hashes[KEYS_USER_HASHES_MAX];
    struct keys_crl crls[KEYS_CRLS_MAX];
    uint64_t disabled_hashes; /* built-in ones that were switched off, by their place in the list */
};

/* "Intel(r) AMT Key: Handle: 3" */
void keys_pair_id(uint32_t handle, char out[static KEYS_ID_BYTES]);
void keys_certificate_id(uint32_t handle, char out[static KEYS_ID_BYTES]);
/* The handle in an InstanceID if something is there; KEYS_NONE. NULL is allowed. */
uint32_t keys_pair_find(const struct keys *keys, const char *instance_id);
uint32_t keys_certificate_find(const struct keys *keys, const char *instance_id);
/* The pair of a public key; KEYS_NONE. */
uint32_t keys_pair_of(const struct keys *keys, const EVP_PKEY *public_key);
/* Takes the lowest free handle; KEYS_NONE when the store is full. Keeps key or certificate then. */
uint32_t keys_store_pair(struct keys *keys, EVP_PKEY *key);
uint32_t keys_store_certificate(struct keys *keys, X509 *certificate, bool is_root);
/* An equal certificate is in the store. */
bool keys_has_certificate(const struct keys *keys, const X509 *certificate);
/* The whole of der is one certificate; NULL. */
X509 *keys_read_certificate(const uint8_t *der, size_t len);
/* Whether an RSA key of this size can be used with this release. */
bool keys_length_is_supported(const struct firmware *firmware, uint32_t bits);
/* Lengths that GenerateKeyPair makes; *count gets how many. */
const uint32_t *keys_lengths(const struct firmware *firmware, uint32_t *count);
/* wsman.md 5.2: before provisioning nothing is written. */
bool keys_may_change(const struct firmware *firmware);

/* keys_generate.c */
firmware_method_fn keys_generate_pair;
/* Forgets the key under way; its call is answered with an error if `answers`. */
void keys_generate_stop(struct keys *keys, bool answers);
/* What operations on keys answer meanwhile. */
uint32_t keys_busy_status(const struct firmware *firmware);

/* keys_service.c, keys_classes.c, keys_hashes.c: behaviours of the classes */
extern const struct firmware_method k_keys_service_methods[];
struct wsman_instance *keys_list_certificates(struct firmware_call *call);
void keys_put_certificate(struct firmware_call *call, const struct wsman_instance *old,
                          const struct wsman_instance *changed);
void keys_remove_certificate(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *keys_list_pairs(struct firmware_call *call);
void keys_remove_pair(struct firmware_call *call, const struct wsman_instance *instance);
void keys_remove_selected(struct firmware_call *call, const struct wsman_instance *instance);
struct wsman_instance *keys_list_dependencies(struct firmware_call *call);
void keys_fill_capabilities(struct firmware_call *call, struct wsman_instance *instance);
struct wsman_instance *keys_list_hashes(struct firmware_call *call);
const struct wsman_ref *keys_create_hash(struct firmware_call *call,
                                         const struct wsman_instance *instance);
void keys_put_hash(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed);
void keys_remove_hash(struct firmware_call *call, const struct wsman_instance *instance);
uint32_t keys_hash_len(enum keys_hash_type type);
/* The built-in hashes that are switched off, in hex: at = 0, 1, ...; NULL after the last. */
const char *keys_disabled_hash(const struct keys *keys, uint32_t at);
/* Switches a built-in hash off; false when there is no such. */
bool keys_disable_hash(struct keys *keys, const char *hex);

/* keys_crl.c */
firmware_method_fn keys_add_crl, keys_reset_crls;
struct wsman_instance *keys_list_crls(struct firmware_call *call);
void keys_remove_crl(struct firmware_call *call, const struct wsman_instance *instance);
void keys_crls_forget(struct keys *keys);
/* The lists: at = 0, 1, ...; false after the last. Borrowed until the next change. */
bool keys_crl_at(const struct firmware *firmware, uint32_t at, struct tls_revoked *list);
bool keys_save_crls(const struct keys *keys, json_t *list);
enum amt_err keys_load_crl(struct keys *keys, const json_t *entry, struct amt_diag *diag);

/* keys_state.c */
json_t *keys_save(struct firmware *firmware);
enum amt_err keys_load(struct firmware *firmware, const json_t *state, struct amt_diag *diag);
/* PEM of a private key, a certificate (amt_free); NULL without memory. */
char *keys_private_pem(EVP_PKEY *key);
char *keys_certificate_pem(X509 *certificate);
/* Back again; NULL with diag (AMT_ECONFIG). */
EVP_PKEY *keys_private_from_pem(const char *pem, struct amt_diag *diag);
X509 *keys_certificate_from_pem(const char *pem, struct amt_diag *diag);

#endif
