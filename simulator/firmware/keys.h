/* Certificates and key pairs, for real: wsman.md 4.9. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_KEYS_H
#define AMTLAB_SIMULATOR_FIRMWARE_KEYS_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_keys_part;
/* By InstanceID ("Intel(r) AMT Certificate: Handle: 0"); borrowed; NULL. */
X509 *keys_certificate(const struct firmware *firmware, const char *instance_id);
/* The private key that fits a certificate; borrowed; NULL. */
EVP_PKEY *keys_private_key(const struct firmware *firmware, X509 *certificate);
/* The trusted roots, one after the other: at = 0, 1, ... NULL after the last. Borrowed. */
X509 *keys_trusted_root(const struct firmware *firmware, uint32_t at);
/* Whether something uses the certificate (TLS, 802.1X, wireless, remote access): asked by Delete. */
bool keys_certificate_in_use(const struct firmware *firmware, const char *instance_id);

/* Hashes of the roots whose provisioning certificates the device believes (activation.md 2.5), as in
 * AMT_ProvisioningCertificateHash; the numbers are those of HashType and of the host interface. */
enum keys_hash_type { KEYS_HASH_MD5, KEYS_HASH_SHA1, KEYS_HASH_SHA256, KEYS_HASH_SHA384 };
#define KEYS_HASH_MAX_BYTES 48
struct keys_hash {
    uint32_t handle;  /* of the host interface: 0 to 19 built in, 20 to 22 users', then built in */
    const char *name; /* borrowed until the next change */
    enum keys_hash_type type;
    uint8_t bytes[KEYS_HASH_MAX_BYTES];
    uint32_t len;
    bool is_active, is_default; /* default: built in, cannot be deleted */
};
/* The entries in order: at = 0, 1, ... False after the last. */
bool keys_hash_at(const struct firmware *firmware, uint32_t at, struct keys_hash *hash);
/* The first active entry that is the hash of this root; false if there is none. */
bool keys_hash_of_root(const struct firmware *firmware, X509 *root, struct keys_hash *hash);
/* A user's entry, active, as MEBx, setup.bin or WS-Man add it; bytes has the length of the type.
 * AMT_EEXISTS, AMT_ELIMIT (too many), AMT_ECERT (this release does not take the type), AMT_ENOMEM. */
enum amt_err keys_hash_add(struct firmware *firmware, const char *name, enum keys_hash_type type,
                           const uint8_t *bytes) AMT_MUST_USE;
/* A user's entry on or off. AMT_EUNKNOWN. */
enum amt_err keys_hash_switch(struct firmware *firmware, enum keys_hash_type type,
                              const uint8_t *bytes, bool is_on) AMT_MUST_USE;
/* Whether this release takes an entry of the type at all. */
bool keys_hash_may_add(const struct firmware *firmware, enum keys_hash_type type);
/* All built-in entries, or all of the users', on or off; the users' forgotten. */
void keys_hashes_switch_built_in(struct firmware *firmware, bool is_on);
void keys_hashes_switch_users(struct firmware *firmware, bool is_on);
void keys_hashes_forget_users(struct firmware *firmware);
/* Back to the hashes the device was born with: what a reset does and unprovisioning does not. */
void keys_hashes_reset(struct firmware *firmware);

#endif
