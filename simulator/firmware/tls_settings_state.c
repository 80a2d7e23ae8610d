/* The TLS settings on disk. */
#include <string.h>

#include "runtime/pki.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/tls_settings_internal.h"

#define PEM_MAX_BYTES 16384

static const char *const k_names[TLS_INTERFACE_COUNT_] = { "network", "local" };

static bool save_interface(json_t *state, const char *name, const struct tls_interface *from)
{
    json_t *object = json_object();
    bool is_good = state_put_bool(object, "enabled", from->is_enabled) &&
                   state_put_bool(object, "mutual", from->is_mutual) &&
                   state_put_bool(object, "plain", from->takes_plain);
    return json_object_set_new(state, name, object) == 0 && is_good;
}

static bool save_names(json_t *state, const char *name, const struct tls_names *from)
{
    json_t *list = json_array();
    bool is_good = list != NULL;
    for (uint32_t i = 0; i < from->count && is_good; i++) {
        is_good = json_array_append_new(list, json_string(from->names[i])) == 0;
    }
    return json_object_set_new(state, name, list) == 0 && is_good;
}

static bool save_interfaces(json_t *state, const struct device_tls *tls)
{
    json_t *pending = json_object();
    json_t *active = json_object();
    json_t *names = json_object();
    bool is_good = true;
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        is_good = save_interface(pending, k_names[i], &tls->pending[i]) &&
                  save_interface(active, k_names[i], &tls->active[i]) &&
                  save_names(names, k_names[i], &tls->names[i]) && is_good;
    }
    is_good = json_object_set_new(state, "pending", pending) == 0 && is_good;
    is_good = json_object_set_new(state, "active", active) == 0 && is_good;
    return json_object_set_new(state, "trusted_names", names) == 0 && is_good;
}

/* Takes pem. */
static bool save_pem(json_t *state, const char *key, char *pem)
{
    bool is_good = pem != NULL && state_put_text(state, key, pem);
    if (pem != NULL) {
        amt_wipe(pem, strlen(pem));
    }
    amt_free(pem);
    return is_good;
}

static bool save_factory(json_t *state, const struct pki_identity *factory)
{
    return factory == NULL ||
           (save_pem(state, "factory_key", keys_private_pem(pki_key(factory))) &&
            save_pem(state, "factory_certificate", keys_certificate_pem(pki_certificate(factory))));
}

json_t *tls_settings_save(struct firmware *firmware)
{
    const struct device_tls *tls = firmware->tls;
    json_t *state = json_object();
    if (!save_interfaces(state, tls) || !state_put_text(state, "associated", tls->associated) ||
        !state_put_text(state, "served", tls->served) || !save_factory(state, tls->factory)) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_interface(const json_t *object, struct tls_interface *to,
                                   struct amt_diag *diag)
{
    TRY(state_get_bool(object, "enabled", &to->is_enabled, diag));
    TRY(state_get_bool(object, "mutual", &to->is_mutual, diag));
    return state_get_bool(object, "plain", &to->takes_plain, diag);
}

static enum amt_err load_names(const json_t *list, struct tls_names *to, struct amt_diag *diag)
{
    *to = (struct tls_names){ .count = 0 };
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name == NULL || strlen(name) >= TLS_SETTINGS_NAME_BYTES ||
            i >= TLS_SETTINGS_NAMES_MAX) {
            return amt_diag_set(diag, AMT_ECONFIG, "saved state: trusted_names are not usable");
        }
        memcpy(to->names[to->count++], name, strlen(name) + 1);
    }
    return AMT_OK;
}

static enum amt_err load_factory(struct device_tls *tls, const json_t *state, struct amt_diag *diag)
{
    char key_pem[PEM_MAX_BYTES] = "";
    char certificate_pem[PEM_MAX_BYTES] = "";
    TRY(state_get_text(state, "factory_key", key_pem, sizeof key_pem, diag));
    TRY(state_get_text(state, "factory_certificate", certificate_pem, sizeof certificate_pem,
                       diag));
    if (key_pem[0] == '\0' || certificate_pem[0] == '\0') {
        return AMT_OK;
    }
    EVP_PKEY *key = keys_private_from_pem(key_pem, diag);
    X509 *certificate = keys_certificate_from_pem(certificate_pem, diag);
    amt_wipe(key_pem, sizeof key_pem);
    enum amt_err err = AMT_ECONFIG;
    if (key != NULL && certificate != NULL) {
        tls->factory = pki_identity_of(certificate, key);
        err = tls->factory == NULL ? AMT_ENOMEM : AMT_OK;
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    return err;
}

enum amt_err tls_settings_load(struct firmware *firmware, const json_t *state,
                               struct amt_diag *diag)
{
    struct device_tls *tls = firmware->tls;
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        const json_t *pending = json_object_get(json_object_get(state, "pending"), k_names[i]);
        const json_t *active = json_object_get(json_object_get(state, "active"), k_names[i]);
        const json_t *names = json_object_get(json_object_get(state, "trusted_names"), k_names[i]);
        TRY(load_interface(pending, &tls->pending[i], diag));
        TRY(load_interface(active, &tls->active[i], diag));
        TRY(load_names(names, &tls->names[i], diag));
    }
    TRY(state_get_text(state, "associated", tls->associated, sizeof tls->associated, diag));
    TRY(state_get_text(state, "served", tls->served, sizeof tls->served, diag));
    return load_factory(tls, state, diag);
}
