#include <string.h>

#include "simulator/firmware/instance_state.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/settings.h"

#define EAP_PROTOCOL_MAX 10u /* EAP-FAST/TLS */

/* --- settings of wireless profiles --- */

struct wsman_instance *network_list_eap(struct firmware_call *call)
{
    struct wsman_instance *first = NULL, **last = &first;
    size_t at;
    json_t *entry;
    json_array_foreach(call->firmware->network->wifi, at, entry)
    {
        const json_t *eap = json_object_get(entry, "ieee8021x");
        if (eap == NULL) {
            continue;
        }
        *last = wsman_instance_new(call->arena, "CIM_IEEE8021xSettings");
        instance_state_load(eap, *last);
        wsman_set(*last, "ElementName", json_string_value(json_object_get(entry, "name")));
        wsman_set(*last, "InstanceID", network_wifi_id(call->arena, NETWORK_EAP_PREFIX, entry));
        network_hide_secrets(*last);
        if (*last == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    return first;
}

void network_put_eap(struct firmware_call *call, const struct wsman_instance *old,
                     const struct wsman_instance *changed)
{
    const char *id = wsman_get(old, "InstanceID");
    if (!network_may_write(call)) {
        return;
    }
    size_t at;
    json_t *entry;
    json_array_foreach(call->firmware->network->wifi, at, entry)
    {
        const char *own = network_wifi_id(call->arena, NETWORK_EAP_PREFIX, entry);
        json_t *eap = json_object_get(entry, "ieee8021x");
        if (eap == NULL || own == NULL || id == NULL || strcmp(own, id) != 0) {
            continue;
        }
        json_t *given = instance_state_save(changed); /* what it leaves out stays: secrets */
        if (wsman_get_u64(changed, "AuthenticationProtocol", 0) > EAP_PROTOCOL_MAX) {
            (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        } else if (json_object_update(eap, given) != 0) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        } else {
            firmware_changed(call->firmware);
        }
        json_decref(given);
    }
}

/* --- wired settings and the older profile --- */

/* Keeps a Put; secrets are kept too, and hidden when read. */
static void keep(struct firmware_call *call, const struct wsman_instance *old,
                 const struct wsman_instance *changed)
{
    if (settings_keep(call->firmware, old, changed, firmware_instance_key(old)) != AMT_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
    } else {
        firmware_changed(call->firmware);
    }
}

static bool protocol_fits(const struct wsman_instance *changed)
{
    return wsman_has(changed, "AuthenticationProtocol") &&
           wsman_get_u64(changed, "AuthenticationProtocol", UINT64_MAX) <= EAP_PROTOCOL_MAX;
}

void network_fill_wired_8021x(struct firmware_call *call, struct wsman_instance *instance)
{
    (void)call;
    network_hide_secrets(instance);
}

void network_put_wired_8021x(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed)
{
    uint64_t enabled = wsman_get_u64(changed, "Enabled", 0);
    if (!network_may_write(call)) {
        return;
    }
    if (enabled != 2 && enabled != 3 && enabled != 6) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    if (enabled != 3 && !protocol_fits(changed)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "MissingValues");
        return;
    }
    keep(call, old, changed);
    if (enabled != 2 && call->fault == WSMAN_OK) { /* without certificates */
        call->firmware->network->wired = (struct network_certificates){ { 0 }, { 0 } };
    }
}

static uint32_t set_certificates(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct network_certificates certificates;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (!network_take_certificate(call->firmware, wsman_get_ref(in, "ClientCertificate"),
                                  certificates.client) ||
        !network_take_certificate(call->firmware, wsman_get_ref(in, "ServerCertificateIssuer"),
                                  certificates.root)) {
        return PT_INVALID_HANDLE;
    }
    call->firmware->network->wired = certificates;
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

const struct firmware_method k_network_wired_8021x_methods[] = {
    { "SetCertificates", set_certificates },
    { NULL, NULL },
};

static const struct wsman_ref *certificate_ref(struct firmware_call *call, const char *handle)
{
    return wsman_ref_new(call->arena, "AMT_PublicKeyCertificate", 1, "InstanceID", handle);
}

void network_fill_profile_8021x(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct network_certificates *certificates = &call->firmware->network->profile;
    network_hide_secrets(instance);
    if (certificates->client[0] != '\0') {
        wsman_set_ref(instance, "ClientCertificate", certificate_ref(call, certificates->client));
    }
    if (certificates->root[0] != '\0') {
        wsman_set_ref(instance, "ServerCertificateIssuer",
                      certificate_ref(call, certificates->root));
    }
}

void network_put_profile_8021x(struct firmware_call *call, const struct wsman_instance *old,
                               const struct wsman_instance *changed)
{
    if (!network_may_write(call)) {
        return;
    }
    if (wsman_get_bool(changed, "Enabled", false) && !protocol_fits(changed)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "MissingValues");
        return;
    }
    struct wsman_instance *kept = wsman_instance_copy(call->arena, changed);
    if (kept == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    wsman_unset(kept, "ClientCertificate"); /* those are kept here, by credential contexts */
    wsman_unset(kept, "ServerCertificateIssuer");
    keep(call, old, kept);
}

/* --- who uses which certificate --- */

static struct wsman_instance **add_context(struct firmware_call *call, const char *class_name,
                                           const char *handle, const struct wsman_ref *user,
                                           struct wsman_instance **last)
{
    if (handle[0] == '\0') {
        return last;
    }
    *last = wsman_instance_new(call->arena, class_name);
    if (*last == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return last;
    }
    wsman_set_ref(*last, "ElementInContext", certificate_ref(call, handle));
    wsman_set_ref(*last, "ElementProvidingContext", user);
    return &(*last)->next;
}

struct wsman_instance *network_list_contexts(struct firmware_call *call)
{
    static const char k_class[] = "AMT_8021xCredentialContext";
    struct wsman_instance *first = NULL, **last = &first;
    const struct network *network = call->firmware->network;
    const struct wsman_ref *profile = wsman_ref_new(call->arena, "AMT_8021XProfile", 1,
                                                    "InstanceID", "Intel(r) AMT 802.1x Profile 0");
    last = add_context(call, k_class, network->profile.client, profile, last);
    last = add_context(call, k_class, network->profile.root, profile, last);
    size_t at;
    json_t *entry;
    json_array_foreach(network->wifi, at, entry)
    {
        const char *id = network_wifi_id(call->arena, NETWORK_EAP_PREFIX, entry);
        if (id == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        const struct wsman_ref *user =
            wsman_ref_new(call->arena, "CIM_IEEE8021xSettings", 1, "InstanceID", id);
        last = add_context(call, k_class, json_string_value(json_object_get(entry, "client")), user,
                           last);
        last = add_context(call, k_class, json_string_value(json_object_get(entry, "root")), user,
                           last);
    }
    return first;
}

struct wsman_instance *network_list_wired_contexts(struct firmware_call *call)
{
    static const char k_class[] = "IPS_8021xCredentialContext";
    struct wsman_instance *first = NULL, **last = &first;
    const struct network_certificates *wired = &call->firmware->network->wired;
    const struct wsman_ref *user = wsman_ref_new(call->arena, "IPS_IEEE8021xSettings", 1,
                                                 "InstanceID", "Intel(r) AMT: 8021X Settings");
    last = add_context(call, k_class, wired->client, user, last);
    (void)add_context(call, k_class, wired->root, user, last);
    return first;
}

/* A trusted root takes the issuer's place, any other certificate the client's. */
static bool is_root(struct firmware_call *call, const char *handle)
{
    struct wsman_instance *certificate = firmware_instances(call, "AMT_PublicKeyCertificate");
    for (; certificate != NULL; certificate = certificate->next) {
        const char *id = wsman_get(certificate, "InstanceID");
        if (id != NULL && strcmp(id, handle) == 0) {
            return wsman_get_bool(certificate, "TrustedRootCertficate", false);
        }
    }
    return false;
}

const struct wsman_ref *network_create_context(struct firmware_call *call,
                                               const struct wsman_instance *instance)
{
    const struct wsman_ref *certificate = wsman_get_ref(instance, "ElementInContext");
    const struct wsman_ref *user = wsman_get_ref(instance, "ElementProvidingContext");
    char handle[NETWORK_HANDLE_BYTES];
    if (!network_may_write(call)) {
        return NULL;
    }
    if (certificate == NULL || user == NULL || strcmp(user->class_name, "AMT_8021XProfile") != 0 ||
        !network_take_certificate(call->firmware, certificate, handle) || handle[0] == '\0') {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return NULL;
    }
    struct network_certificates *certificates = &call->firmware->network->profile;
    char *place = is_root(call, handle) ? certificates->root : certificates->client;
    if (place[0] != '\0') {
        (void)firmware_fault(call, WSMAN_ALREADY_EXISTS, NULL);
        return NULL;
    }
    memcpy(place, handle, NETWORK_HANDLE_BYTES);
    firmware_changed(call->firmware);
    struct wsman_instance *made = network_list_contexts(call);
    for (; made != NULL; made = made->next) {
        const char *id = wsman_ref_selector(wsman_get_ref(made, "ElementInContext"), "InstanceID");
        if (id != NULL && strcmp(id, handle) == 0) {
            return firmware_ref_to(call, made);
        }
    }
    return NULL;
}

void network_remove_context(struct firmware_call *call, const struct wsman_instance *instance)
{
    const struct wsman_ref *user = wsman_get_ref(instance, "ElementProvidingContext");
    const char *handle =
        wsman_ref_selector(wsman_get_ref(instance, "ElementInContext"), "InstanceID");
    struct network_certificates *certificates = &call->firmware->network->profile;
    if (!network_may_write(call)) {
        return;
    }
    if (user == NULL || handle == NULL || strcmp(user->class_name, "AMT_8021XProfile") != 0) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL); /* the wireless profile owns it */
        return;
    }
    char *place =
        strcmp(certificates->client, handle) == 0 ? certificates->client : certificates->root;
    memset(place, 0, NETWORK_HANDLE_BYTES);
    firmware_changed(call->firmware);
}
