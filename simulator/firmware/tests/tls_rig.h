/* A console that connects to a device's TLS port, and the settings of that port. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_TLS_RIG_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_TLS_RIG_H

#include "keys_fixture.h"

#define TLS_RIG_SETTINGS       "AMT_TLSSettingData"
#define TLS_RIG_CONTEXT        "AMT_TLSCredentialContext"
#define TLS_RIG_NETWORK        "Intel(r) AMT 802.3 TLS Settings"
#define TLS_RIG_LOCAL          "Intel(r) AMT LMS TLS Settings"
#define TLS_RIG_CERTIFICATE_0  "Intel(r) AMT Certificate: Handle: 0"
#define TLS_RIG_CERTIFICATE_1  "Intel(r) AMT Certificate: Handle: 1"
#define TLS_RIG_SPELLING       "TLSProtocolEndpoint Instances Collection"
#define TLS_RIG_OTHER_SPELLING "TLSProtocolEndpointInstances Collection"

struct tls_rig_end {
    struct stream *stream;
    bool is_open, has_ended;
    struct stream_end why;
    char received[16];
};
struct tls_rig_handshake {
    struct tls_rig_end device, console;
    struct tls_context *context;
};
/* That the console offers; NULL: the default. */
extern const char *tls_rig_ciphers;

/* A console connects: identity may be NULL, version 0 for any. If both sides are open, a message has
 * come through. */
void tls_rig_shake(struct keys_fixture *f, struct tls_rig_handshake *h, enum firmware_door door,
                   const struct pki_identity *identity, enum tls_version version);
void tls_rig_hang_up(struct keys_fixture *f, struct tls_rig_handshake *h);
/* Common Name that the device shows; "" when the handshake fails. */
const char *tls_rig_shown_name(struct keys_fixture *f, enum firmware_door door);
/* Whether a console with that certificate (NULL: none) gets in. */
bool tls_rig_accepts(struct keys_fixture *f, enum firmware_door door,
                     const struct pki_identity *console);

/* A Put of one property of AMT_TLSSettingData; of TrustedCN of the network. */
enum wsman_fault tls_rig_put(struct keys_fixture *f, const char *id, const char *property,
                             bool value);
enum wsman_fault tls_rig_put_names(struct keys_fixture *f, const char *const *names);
const char *tls_rig_get(struct keys_fixture *f, const char *id, const char *property);
/* An AMT_TLSCredentialContext as a client sends it. */
struct wsman_instance *tls_rig_context_of(struct keys_fixture *f, const char *certificate,
                                          const char *collection);
/* Key, certificate and context, the way of all clients; enable also switches TLS on. */
void tls_rig_equip(struct keys_fixture *f);
void tls_rig_enable(struct keys_fixture *f);
/* And mutual on the network, with one trusted root. */
void tls_rig_make_mutual(struct keys_fixture *f);

#endif
