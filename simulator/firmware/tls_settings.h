/* TLS of the two interfaces, wsman.md 4.10: settings wait for CommitChanges, then act. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_H
#define AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_H

#include <openssl/x509.h>

#include "runtime/tls.h"
#include "simulator/firmware/firmware_internal.h"

#define TLS_SETTINGS_NAMES_MAX  4  /* of TrustedCN */
#define TLS_SETTINGS_NAME_BYTES 64 /* each, with its 0 */

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
/* What clients are judged by has changed: it acts from the next connection on. */
void tls_settings_renew(struct firmware *firmware);
/* Whether clients of either interface must show a certificate now. */
bool tls_settings_are_mutual(const struct firmware *firmware);
/* Whether TLS needs this certificate: its own one, named by the credential context or as committed,
 * or a root while clients are judged by the roots. */
bool tls_settings_use(const struct firmware *firmware, const char *certificate_instance_id);

#endif
