/* Shared by the files of the TLS settings. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_TLS_SETTINGS_INTERNAL_H

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/tls_settings.h"

enum tls_interface_index { TLS_INTERFACE_NETWORK, TLS_INTERFACE_LOCAL, TLS_INTERFACE_COUNT_ };

/* One AMT_TLSSettingData. */
struct tls_interface {
    bool is_enabled, is_mutual, takes_plain;
};
struct tls_names { /* TrustedCN */
    char names[TLS_SETTINGS_NAMES_MAX][TLS_SETTINGS_NAME_BYTES];
    uint32_t count;
};

struct device_tls {
    struct firmware *firmware;
    /* As written, and as committed (WSM-100). */
    struct tls_interface pending[TLS_INTERFACE_COUNT_], active[TLS_INTERFACE_COUNT_];
    struct tls_names names[TLS_INTERFACE_COUNT_]; /* these act at once */
    /* InstanceID of the certificate: of the credential context, and as committed; "": none. */
    char associated[KEYS_ID_BYTES], served[KEYS_ID_BYTES];
    struct pki_identity *factory; /* made when first needed */
    struct tls_context *contexts[TLS_INTERFACE_COUNT_];
    struct tls_context *setup_context; /* of provisioning sessions */
};

/* InstanceID of AMT_TLSSettingData. */
extern const char *const k_tls_interfaces[TLS_INTERFACE_COUNT_];
enum tls_interface_index tls_settings_interface(enum firmware_door door);
/* The plain port of this interface exists in this release. */
bool tls_settings_plain_exists(const struct firmware *firmware, enum tls_interface_index index);
/* Contexts are made anew for the next connection. */
void tls_settings_drop_contexts(struct device_tls *tls);

/* tls_settings_classes.c */
struct wsman_instance *tls_settings_list(struct firmware_call *call);
void tls_settings_put(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed);
struct wsman_instance *tls_settings_list_contexts(struct firmware_call *call);
const struct wsman_ref *tls_settings_create_context(struct firmware_call *call,
                                                    const struct wsman_instance *instance);
void tls_settings_put_context(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed);
void tls_settings_remove_context(struct firmware_call *call, const struct wsman_instance *instance);

/* tls_settings_state.c */
json_t *tls_settings_save(struct firmware *firmware);
enum amt_err tls_settings_load(struct firmware *firmware, const json_t *state,
                               struct amt_diag *diag);

#endif
