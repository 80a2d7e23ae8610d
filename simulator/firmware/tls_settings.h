/* TLS of the two interfaces, wsman.md 4.10: settings wait for CommitChanges, then act. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_H
#define AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_H

#include <openssl/x509.h>

#include "runtime/tls.h"
#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_tls_settings_part;
/* As committed. */
bool tls_settings_enabled(const struct firmware *firmware, enum firmware_door door);
/* Whether the interface also takes connections without TLS. */
bool tls_settings_plain_allowed(const struct firmware *firmware, enum firmware_door door);
/* Server context of an interface; made when first needed, dropped at a commit. NULL while TLS is off. */
struct tls_context *tls_settings_context(struct firmware *firmware, enum firmware_door door);
/* CommitChanges: 0, or PT status (2072 without a credential context, 2057). */
uint32_t tls_settings_commit(struct firmware *firmware);
/* The certificate a TLS-only device shows until it is given one; made when first needed. Borrowed;
 * NULL without memory. */
X509 *tls_settings_factory_certificate(struct firmware *firmware);
/* Whether the credential context names this certificate. */
bool tls_settings_use(const struct firmware *firmware, const char *certificate_instance_id);

#endif
