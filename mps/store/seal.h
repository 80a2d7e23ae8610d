/*
 * Sealing of CIRA passwords at rest: AES-256-GCM under a key file. The passwords are needed in clear
 * (they are written into devices), so they cannot be hashed; a stolen database alone reveals none.
 */
#ifndef AMTLAB_MPS_STORE_SEAL_H
#define AMTLAB_MPS_STORE_SEAL_H

#include "base/diag.h"
#include "base/secret.h"

#define SEAL_KEY_BYTES   32u
#define SEAL_NONCE_BYTES 12u
#define SEAL_TAG_BYTES   16u
#define SEAL_MAX_BYTES   (SECRET_MAX_BYTES + SEAL_NONCE_BYTES + SEAL_TAG_BYTES)

struct seal {
    uint8_t key[SEAL_KEY_BYTES];
};
struct sealed {
    uint8_t bytes[SEAL_MAX_BYTES]; /* nonce, ciphertext, tag */
    uint32_t len;
};

/* Reads the key file, or creates it (0600, synced). AMT_ECERT when others may read it or its size is
 * wrong; AMT_ESYS. diag says what to do. */
enum amt_err seal_load(const char *path, struct seal *seal, struct amt_diag *diag) AMT_MUST_USE;
void seal_fini(struct seal *seal);
/* label says what the secret belongs to ("group:abc"); opening needs the same one, so that sealed
 * values cannot be swapped between rows. AMT_EBUG when OpenSSL fails. */
enum amt_err seal_close(const struct seal *seal, const char *label, const struct secret *plain,
                        struct sealed *sealed) AMT_MUST_USE;
/* AMT_ECERT when the key or the label does not fit, or the value was changed. */
enum amt_err seal_open(const struct seal *seal, const char *label, const void *sealed, uint32_t len,
                       struct secret *plain) AMT_MUST_USE;

#endif
