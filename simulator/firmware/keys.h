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

#endif
