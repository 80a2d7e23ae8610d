/* AMT_TLSSettingData and AMT_TLSCredentialContext: wsman.md 4.10. */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/tls_settings_internal.h"

#define PLAIN_SUPPORT_RELEASE 1600 /* first release that tells whether plain ports exist */
#define COLLECTION            "TLSProtocolEndpoint Instances Collection"
#define COLLECTION_OF_CLIENTS "TLSProtocolEndpointInstances Collection"

/* Shows what was written, also before it is committed. Enabled does not tell that an interface without a
 * plain port speaks TLS in any case. */
static void show_settings(struct firmware_call *call, enum tls_interface_index index,
                          struct wsman_instance *shown)
{
    const struct firmware *firmware = call->firmware;
    const struct tls_interface *pending = &firmware->tls->pending[index];
    const struct tls_names *names = &firmware->tls->names[index];
    wsman_set_bool(shown, "AcceptNonSecureConnections", pending->takes_plain);
    wsman_set(shown, "ElementName", k_tls_interfaces[index]);
    wsman_set_bool(shown, "Enabled", pending->is_enabled);
    wsman_set(shown, "InstanceID", k_tls_interfaces[index]);
    wsman_set_bool(shown, "MutualAuthentication", pending->is_mutual);
    if (firmware_is_release(firmware, PLAIN_SUPPORT_RELEASE)) {
        wsman_set_bool(shown, "NonSecureConnectionsSupported",
                       tls_settings_plain_exists(firmware, index));
    }
    for (uint32_t i = 0; i < names->count; i++) {
        wsman_add(shown, "TrustedCN", names->names[i]);
    }
}

/* The network first: rps takes the first instance for it. */
struct wsman_instance *tls_settings_list(struct firmware_call *call)
{
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    for (int i = 0; i < TLS_INTERFACE_COUNT_; i++) {
        struct wsman_instance *shown = wsman_instance_new(call->arena, "AMT_TLSSettingData");
        if (shown == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return list;
        }
        show_settings(call, (enum tls_interface_index)i, shown);
        *last = shown;
        last = &shown->next;
    }
    return list;
}

/* False when there are too many names, or one that is none. */
static bool read_names(const struct wsman_instance *changed, struct tls_names *names)
{
    *names = (struct tls_names){ .count = 0 };
    for (const struct wsman_value *value = wsman_get_values(changed, "TrustedCN"); value != NULL;
         value = value->next) {
        size_t len = value->text == NULL ? 0 : strlen(value->text);
        if (len == 0 && names->count == 0 && value->next == NULL) {
            return true; /* an empty element clears the list */
        }
        if (len == 0 || len >= TLS_SETTINGS_NAME_BYTES || names->count == TLS_SETTINGS_NAMES_MAX) {
            return false;
        }
        memcpy(names->names[names->count++], value->text, len + 1);
    }
    return true;
}

void tls_settings_put(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed)
{
    struct device_tls *tls = call->firmware->tls;
    const char *id = wsman_get(old, "InstanceID");
    int index = id != NULL && strcmp(id, k_tls_interfaces[TLS_INTERFACE_LOCAL]) == 0
                    ? TLS_INTERFACE_LOCAL
                    : TLS_INTERFACE_NETWORK;
    struct tls_names names;
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (!read_names(changed, &names)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, NULL);
        return;
    }
    if (!call->firmware->profile->config.plain_local_port &&
        !wsman_get_bool(changed, "Enabled", true)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION,
                             NULL); /* TLS is enforced: FF-139 */
        return;
    }
    struct tls_interface *pending = &tls->pending[index];
    pending->is_enabled = wsman_get_bool(changed, "Enabled", pending->is_enabled);
    pending->is_mutual = wsman_get_bool(changed, "MutualAuthentication", pending->is_mutual);
    pending->takes_plain =
        wsman_get_bool(changed, "AcceptNonSecureConnections", pending->takes_plain);
    if (memcmp(&names, &tls->names[index], sizeof names) != 0) {
        tls->names[index] = names; /* acts at once, wsman.md 4.10 */
        tls_settings_drop_contexts(tls);
    }
    firmware_changed(call->firmware);
}

/* The references of the one context there is: certificate and collection. */
static const struct wsman_ref *certificate_ref(struct firmware_call *call)
{
    return wsman_ref_new(call->arena, "AMT_PublicKeyCertificate", 1, "InstanceID",
                         call->firmware->tls->associated);
}

static const struct wsman_ref *collection_ref(struct firmware_call *call)
{
    return wsman_ref_new(call->arena, "AMT_TLSProtocolEndpointCollection", 1, "ElementName",
                         COLLECTION);
}

struct wsman_instance *tls_settings_list_contexts(struct firmware_call *call)
{
    if (call->firmware->tls->associated[0] == '\0') {
        return NULL;
    }
    struct wsman_instance *shown = wsman_instance_new(call->arena, "AMT_TLSCredentialContext");
    wsman_set_ref(shown, "ElementInContext", certificate_ref(call));
    wsman_set_ref(shown, "ElementProvidingContext", collection_ref(call));
    if (shown == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
    }
    return shown;
}

/* Both spellings are in use, and clients may leave the selector out (WSM-099). */
static bool names_collection(const struct wsman_instance *instance)
{
    const struct wsman_ref *ref = wsman_get_ref(instance, "ElementProvidingContext");
    const char *name = wsman_ref_selector(ref, "ElementName");
    return name == NULL || strcmp(name, COLLECTION) == 0 ||
           strcmp(name, COLLECTION_OF_CLIENTS) == 0;
}

/* Associates the certificate that the instance names; sets the fault if it cannot serve. */
static bool associate(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct firmware *firmware = call->firmware;
    const struct wsman_ref *ref = wsman_get_ref(instance, "ElementInContext");
    const char *id = wsman_ref_selector(ref, "InstanceID");
    uint32_t handle = keys_certificate_find(firmware->keys, id);
    if (!names_collection(instance) || handle == KEYS_NONE ||
        firmware->keys->certificates[handle].is_root) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, NULL);
        return false;
    }
    if (keys_private_key(firmware, firmware->keys->certificates[handle].x509) == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 2060"); /* missing keys */
        return false;
    }
    keys_certificate_id(handle, firmware->tls->associated);
    firmware_changed(firmware);
    return true;
}

static const struct wsman_ref *context_ref(struct firmware_call *call)
{
    struct wsman_ref *ref = arena_alloc(call->arena, sizeof *ref);
    struct wsman_selector *selectors = arena_alloc(call->arena, 2 * sizeof *selectors);
    if (ref == NULL || selectors == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    selectors[0] = (struct wsman_selector){ .name = "ElementInContext",
                                            .ref = certificate_ref(call),
                                            .next = &selectors[1] };
    selectors[1] =
        (struct wsman_selector){ .name = "ElementProvidingContext", .ref = collection_ref(call) };
    *ref = (struct wsman_ref){ .class_name = "AMT_TLSCredentialContext", .selectors = selectors };
    return ref;
}

const struct wsman_ref *tls_settings_create_context(struct firmware_call *call,
                                                    const struct wsman_instance *instance)
{
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return NULL;
    }
    if (call->firmware->tls->associated[0] != '\0') {
        (void)firmware_fault(call, WSMAN_ALREADY_EXISTS, NULL); /* WSM-099 */
        return NULL;
    }
    return associate(call, instance) ? context_ref(call) : NULL;
}

void tls_settings_put_context(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed)
{
    (void)old;
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    (void)associate(call, changed);
}

/* While TLS is on, it needs its certificate. */
void tls_settings_remove_context(struct firmware_call *call, const struct wsman_instance *instance)
{
    (void)instance;
    struct device_tls *tls = call->firmware->tls;
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (tls->active[TLS_INTERFACE_NETWORK].is_enabled ||
        tls->active[TLS_INTERFACE_LOCAL].is_enabled) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    tls->associated[0] = '\0';
    firmware_changed(call->firmware);
}
