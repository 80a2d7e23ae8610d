/* What TLS does: settings are committed, then connections are made by them. */
#include "simulator/firmware/tls_settings_internal.h"

#include <stdio.h>
#include <string.h>

#include "runtime/pki.h"
#include "simulator/firmware/provisioning.h"

/* wsman.md 1.1: TLS 1.2 came and 1.0 went with release 12, 1.1 went with 16. */
#define TLS_1_2_RELEASE      1200
#define TLS_1_2_ONLY_RELEASE 1600
/* From here on the factory certificate has an elliptic curve key, as seen on such devices; RSA before,
 * which MeshCentral's ciphers need. */
#define CURVE_RELEASE 1900

const char *const k_tls_interfaces[TLS_INTERFACE_COUNT_] = { "Intel(r) AMT 802.3 TLS Settings",
                                                             "Intel(r) AMT LMS TLS Settings" };

enum tls_interface_index tls_settings_interface(enum firmware_door door)
{
    return door == FIRMWARE_LOCAL ? TLS_INTERFACE_LOCAL : TLS_INTERFACE_NETWORK;
}

bool tls_settings_plain_exists(const struct firmware *firmware, enum tls_interface_index index)
{
    const struct firmware_config *config = &firmware->profile->config;
    return index == TLS_INTERFACE_LOCAL ? config->plain_local_port : config->plain_network_port;
}

/* A provisioning session is TLS with the factory certificate (wsman.md 1.1, 5.1). */
static bool is_in_setup(const struct firmware *firmware, enum firmware_door door)
{
    return door != FIRMWARE_CIRA && provisioning_state(firmware) == PROVISIONING_IN;
}

/* An interface without a plain port speaks TLS from birth. */
bool tls_settings_enabled(const struct firmware *firmware, enum firmware_door door)
{
    enum tls_interface_index index = tls_settings_interface(door);
    return firmware->tls->active[index].is_enabled || !tls_settings_plain_exists(firmware, index) ||
           is_in_setup(firmware, door);
}

bool tls_settings_plain_allowed(const struct firmware *firmware, enum firmware_door door)
{
    enum tls_interface_index index = tls_settings_interface(door);
    if (!tls_settings_plain_exists(firmware, index)) {
        return door == FIRMWARE_CIRA; /* a tunnel protects its channels itself (wsman.md 1.1) */
    }
    return !firmware->tls->active[index].is_enabled || firmware->tls->active[index].takes_plain;
}

bool tls_settings_are_mutual(const struct firmware *firmware)
{
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        const struct tls_interface *active = &firmware->tls->active[i];
        if (active->is_enabled && active->is_mutual) {
            return true;
        }
    }
    return false;
}

bool tls_settings_use(const struct firmware *firmware, const char *certificate_instance_id)
{
    const struct device_tls *tls = firmware->tls;
    uint32_t handle = keys_certificate_find(firmware->keys, certificate_instance_id);
    return handle != KEYS_NONE &&
           (strcmp(tls->associated, certificate_instance_id) == 0 ||
            strcmp(tls->served, certificate_instance_id) == 0 ||
            (firmware->keys->certificates[handle].is_root && tls_settings_are_mutual(firmware)));
}

void tls_settings_drop_contexts(struct device_tls *tls)
{
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        tls_context_free(tls->contexts[i]);
        tls->contexts[i] = NULL;
    }
    tls_context_free(tls->setup_context);
    tls->setup_context = NULL;
}

void tls_settings_renew(struct firmware *firmware)
{
    tls_settings_drop_contexts(firmware->tls);
}

/* wsman.md 4.10: why the settings as written cannot act. */
static uint32_t check_pending(const struct device_tls *tls)
{
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        const struct tls_interface *pending = &tls->pending[i];
        bool has_factory = !tls_settings_plain_exists(tls->firmware, (enum tls_interface_index)i);
        if (pending->is_enabled && tls->associated[0] == '\0' && !has_factory) {
            return PT_NO_ASSOCIATION;
        }
        if (pending->is_enabled && pending->is_mutual &&
            keys_trusted_root(tls->firmware, 0) == NULL) {
            return PT_DATA_MISSING;
        }
    }
    return PT_SUCCESS;
}

static bool any_enabled(const struct tls_interface interfaces[static TLS_INTERFACE_COUNT_])
{
    return interfaces[TLS_INTERFACE_NETWORK].is_enabled ||
           interfaces[TLS_INTERFACE_LOCAL].is_enabled;
}

/* WSM-100 */
uint32_t tls_settings_commit(struct firmware *firmware)
{
    struct device_tls *tls = firmware->tls;
    uint32_t status = check_pending(tls);
    if (status != PT_SUCCESS) {
        return status;
    }
    const char *served = any_enabled(tls->pending) ? tls->associated : "";
    if (memcmp(tls->active, tls->pending, sizeof tls->active) != 0 ||
        strcmp(tls->served, served) != 0) {
        memcpy(tls->active, tls->pending, sizeof tls->active);
        (void)snprintf(tls->served, sizeof tls->served, "%s", served);
        tls_settings_drop_contexts(tls);
        firmware_changed(firmware);
    }
    return PT_SUCCESS;
}

static struct pki_identity *make_factory(const struct firmware *firmware)
{
    /* The name of the certificate that firmware shows while it is set up (activation.md 4.7). */
    struct pki_request request = { .common_name = "AMT RCFG",
                                   .organization = "amtlab simulated device",
                                   .key = firmware_is_release(firmware, CURVE_RELEASE)
                                              ? PKI_P256
                                              : PKI_RSA_2048,
                                   .for_server = true };
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *identity = pki_issue(&request, NULL, &diag);
    if (identity == NULL) {
        LOG(firmware->log, LOG_WARN, "tls.no_factory_certificate", log_text("reason", diag.text));
    }
    return identity;
}

/* Borrowed. */
static struct pki_identity *factory_identity(struct firmware *firmware)
{
    struct device_tls *tls = firmware->tls;
    if (tls->factory == NULL) {
        tls->factory = make_factory(firmware);
        if (tls->factory != NULL) {
            firmware_changed(firmware);
        }
    }
    return tls->factory;
}

X509 *tls_settings_factory_certificate(struct firmware *firmware)
{
    struct pki_identity *factory = factory_identity(firmware);
    return factory == NULL ? NULL : pki_certificate(factory);
}

/* A new reference: the committed certificate, else that of the factory. */
static struct pki_identity *own_identity(struct firmware *firmware, enum tls_interface_index index)
{
    X509 *certificate = keys_certificate(firmware, firmware->tls->served);
    EVP_PKEY *key = certificate == NULL ? NULL : keys_private_key(firmware, certificate);
    if (key != NULL && firmware->tls->active[index].is_enabled) {
        return pki_identity_of(certificate, key);
    }
    struct pki_identity *factory = factory_identity(firmware);
    return factory == NULL ? NULL : pki_identity_ref(factory);
}

static struct pki_trust *trusted_roots(const struct firmware *firmware)
{
    struct pki_trust *trust = pki_trust_new();
    X509 *root = NULL;
    for (uint32_t at = 0; (root = keys_trusted_root(firmware, at)) != NULL; at++) {
        if (trust != NULL && pki_trust_add_certificate(trust, root) != AMT_OK) {
            pki_trust_free(trust);
            trust = NULL;
        }
    }
    return trust;
}

static void set_versions(const struct firmware *firmware, struct tls_settings *settings)
{
    bool has_1_2 = firmware_is_release(firmware, TLS_1_2_RELEASE);
    bool is_1_2_only = firmware_is_release(firmware, TLS_1_2_ONLY_RELEASE);
    settings->legacy = !is_1_2_only;
    settings->max_version = has_1_2 ? TLS_VERSION_1_2 : TLS_VERSION_1_1;
    settings->min_version = is_1_2_only ? TLS_VERSION_1_2
                            : has_1_2   ? TLS_VERSION_1_1
                                        : TLS_VERSION_1_0;
}

/* identity: taken. */
static struct tls_context *build(struct firmware *firmware, struct tls_settings *settings,
                                 struct pki_identity *identity)
{
    struct amt_diag diag = { .err = AMT_ENOMEM, .text = "out of memory" };
    settings->is_server = true;
    settings->identity = identity;
    set_versions(firmware, settings);
    struct tls_context *context = identity == NULL ? NULL : tls_context_new(settings, &diag);
    if (context == NULL) {
        LOG(firmware->log, LOG_WARN, "tls.no_context", log_text("reason", diag.text));
    }
    pki_identity_free(identity);
    return context;
}

/* The client shows its provisioning certificate, which the setup judges in the handshake. */
static struct tls_context *make_setup_context(struct firmware *firmware)
{
    struct tls_settings settings = { .client_certificate = TLS_CLIENT_JUDGED,
                                     .judge = provisioning_session_judge,
                                     .judge_ctx = firmware };
    struct pki_identity *factory = factory_identity(firmware);
    return build(firmware, &settings, factory == NULL ? NULL : pki_identity_ref(factory));
}

static struct tls_context *make_context(struct firmware *firmware, enum tls_interface_index index)
{
    const struct tls_interface *active = &firmware->tls->active[index];
    const struct tls_names *names = &firmware->tls->names[index];
    const char *list[TLS_SETTINGS_NAMES_MAX + 1] = { NULL };
    for (uint32_t i = 0; i < names->count; i++) {
        list[i] = names->names[i];
    }
    bool is_mutual = active->is_enabled && active->is_mutual;
    /* Without memory for the roots nobody is trusted. */
    struct pki_trust *trust = is_mutual ? trusted_roots(firmware) : NULL;
    struct tls_revoked revoked[KEYS_CRLS_MAX];
    uint32_t count = 0;
    while (count < KEYS_CRLS_MAX && keys_crl_at(firmware, count, &revoked[count])) {
        count += 1;
    }
    struct tls_settings settings = {
        .client_names = list, .trust = trust, .revoked = revoked, .revoked_count = count
    };
    settings.client_certificate = is_mutual ? TLS_CLIENT_REQUIRED : TLS_CLIENT_NOT_ASKED;
    struct tls_context *context = build(firmware, &settings, own_identity(firmware, index));
    pki_trust_free(trust);
    return context;
}

struct tls_context *tls_settings_context(struct firmware *firmware, enum firmware_door door)
{
    enum tls_interface_index index = tls_settings_interface(door);
    struct device_tls *tls = firmware->tls;
    if (is_in_setup(firmware, door)) {
        if (tls->setup_context == NULL) {
            tls->setup_context = make_setup_context(firmware);
        }
        return tls->setup_context;
    }
    if (!tls_settings_enabled(firmware, door)) {
        return NULL;
    }
    if (tls->contexts[index] == NULL) {
        tls->contexts[index] = make_context(firmware, index);
    }
    return tls->contexts[index];
}

/* As a device of this profile leaves the factory. */
static void set_defaults(struct device_tls *tls)
{
    const struct profile_class *slot =
        firmware_profile_class(tls->firmware->profile, "AMT_TLSSettingData");
    memset(tls->pending, 0, sizeof tls->pending);
    for (const struct wsman_instance *born = slot == NULL ? NULL : slot->instances; born != NULL;
         born = born->next) {
        const char *id = wsman_get(born, "InstanceID");
        for (int i = 0; i < TLS_INTERFACE_COUNT_ && id != NULL; i++) {
            if (strcmp(id, k_tls_interfaces[i]) == 0) {
                tls->pending[i] = (struct tls_interface){
                    .is_enabled = wsman_get_bool(born, "Enabled", false),
                    .is_mutual = wsman_get_bool(born, "MutualAuthentication", false),
                    .takes_plain = wsman_get_bool(born, "AcceptNonSecureConnections", false)
                };
            }
        }
    }
    memcpy(tls->active, tls->pending, sizeof tls->active);
    memset(tls->names, 0, sizeof tls->names);
    tls->associated[0] = '\0';
    tls->served[0] = '\0';
    tls_settings_drop_contexts(tls);
}

static enum amt_err tls_init(struct firmware *firmware)
{
    struct device_tls *tls = amt_alloc(sizeof *tls);
    firmware->tls = tls;
    if (tls == NULL) {
        return AMT_ENOMEM;
    }
    tls->firmware = firmware;
    set_defaults(tls);
    return AMT_OK;
}

static void tls_fini(struct firmware *firmware)
{
    struct device_tls *tls = firmware->tls;
    if (tls == NULL) {
        return;
    }
    tls_settings_drop_contexts(tls);
    pki_identity_free(tls->factory);
    amt_free(tls);
    firmware->tls = NULL;
}

/* wsman.md 5.3; the factory certificate stays. */
static void tls_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    set_defaults(firmware->tls);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_TLSSettingData", .list = tls_settings_list, .put = tls_settings_put },
    { .class_name = "AMT_TLSCredentialContext",
      .list = tls_settings_list_contexts,
      .put = tls_settings_put_context,
      .create = tls_settings_create_context,
      .remove = tls_settings_remove_context },
    { .class_name = NULL },
};

const struct firmware_part k_tls_settings_part = {
    .name = "tls_settings",
    .init = tls_init,
    .fini = tls_fini,
    .unprovision = tls_unprovision,
    .save = tls_settings_save,
    .load = tls_settings_load,
    .behaviours = k_behaviours,
};
