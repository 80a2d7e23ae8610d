/* What a refusal of host-based setup means, from what was sent and what the device says of itself: the rows
 * of activation.md 10 that a driver without a server can tell apart. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTIVATION_EXPLAIN_H
#define AMTLAB_SCENARIOS_ENGINE_ACTIVATION_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "protocol/activation/failures.h"

#define ACTIVATION_NONCE_BYTES 20u

/* AddNextCertInChain has answered something else than 0 to certificate `at` of the chain. is_last: it was
 * sent as the root; is_fault: a SOAP fault came instead. */
struct activation_chain_refusal {
    X509 *const *chain;
    uint32_t count, at;
    bool is_last, is_fault;
    uint32_t return_value;
    uint32_t release; /* 1610 for 16.1 */
};
enum activation_failure activation_explain_chain(const struct activation_chain_refusal *refusal);

/* What the signature was made over, and with what: found by trying. NO_FAILURE: it is right for these
 * nonces and the leaf's key. */
enum activation_failure
activation_explain_signature(EVP_PKEY *leaf_key,
                             const uint8_t device_nonce[static ACTIVATION_NONCE_BYTES],
                             const uint8_t server_nonce[static ACTIVATION_NONCE_BYTES],
                             const uint8_t *signature, size_t len);

#endif
