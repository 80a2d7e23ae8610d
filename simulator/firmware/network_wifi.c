#include <stdio.h>
#include <string.h>

#include "simulator/firmware/instance_state.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/settings.h"

#define WIFI_PROFILES_MAX 16u
#define WIFI_SSID_MAX     32u

/* Return values of AddWiFiSettings and UpdateWiFiSettings (wsman.md 4.0). */
enum { WIFI_DONE = 0, WIFI_FAILED = 2, WIFI_INVALID_PARAMETER = 3, WIFI_INVALID_REFERENCE = 4 };

enum {
    AUTH_OPEN = 2,
    AUTH_SHARED = 3,
    AUTH_WPA_PSK = 4,
    AUTH_WPA_EAP = 5,
    AUTH_WPA2_PSK = 6,
    AUTH_WPA2_EAP = 7,
    AUTH_WPA3_SAE = 32768,
    AUTH_WPA3_OWE = 32769
};
enum { CIPHER_WEP = 2, CIPHER_TKIP = 3, CIPHER_CCMP = 4, CIPHER_NONE = 5 };

static uint64_t number_of(const json_t *profile, const char *property)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(profile, "settings"), property));
    uint64_t value = 0;
    return text != NULL && text_parse_u64(text, UINT32_MAX, &value) == AMT_OK ? value : 0;
}

const json_t *network_wifi_active(const struct firmware *firmware)
{
    const struct network *network = firmware->network;
    bool is_on = network->wifi_state == NETWORK_WIFI_ON_SX ||
                 (network->wifi_state == NETWORK_WIFI_ON_S0 && power_state(firmware) == 2);
    const json_t *best = NULL;
    size_t at;
    json_t *entry;
    json_array_foreach(is_on ? network->wifi : NULL, at, entry)
    {
        if (best == NULL || number_of(entry, "Priority") < number_of(best, "Priority")) {
            best = entry;
        }
    }
    return best;
}

const char *network_wifi_id(struct arena *arena, const char *prefix, const json_t *profile)
{
    char id[128];
    (void)snprintf(id, sizeof id, "%s%s", prefix,
                   json_string_value(json_object_get(profile, "name")));
    return arena_text(arena, id, strlen(id));
}

/* --- profiles --- */

struct wsman_instance *network_list_wifi(struct firmware_call *call)
{
    const struct profile_class *class =
        firmware_profile_class(call->firmware->profile, "CIM_WiFiEndpointSettings");
    struct wsman_instance *first = NULL, **last = &first;
    size_t at;
    json_t *entry;
    json_array_foreach(call->firmware->network->wifi, at, entry)
    {
        *last = wsman_instance_new(call->arena, "CIM_WiFiEndpointSettings");
        wsman_set(*last, "ElementName", json_string_value(json_object_get(entry, "name")));
        instance_state_load(json_object_get(entry, "settings"), *last);
        wsman_set(*last, "InstanceID", network_wifi_id(call->arena, NETWORK_WIFI_PREFIX, entry));
        network_hide_secrets(*last);
        if (*last == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        last = &(*last)->next;
    }
    /* what the machine's user has set up, if the profile tells of any */
    for (const struct wsman_instance *from = class == NULL ? NULL : class->instances;
         from != NULL && call->firmware->profile->config.has_wireless; from = from->next) {
        *last = wsman_instance_copy(call->arena, from);
        if (*last == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return first;
        }
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    return first;
}

/* Index in the list; -1 when the instance is none of ours. */
static int find_profile(const struct firmware *firmware, const char *instance_id)
{
    size_t prefix = strlen(NETWORK_WIFI_PREFIX);
    if (instance_id == NULL || strncmp(instance_id, NETWORK_WIFI_PREFIX, prefix) != 0) {
        return -1;
    }
    size_t at;
    json_t *entry;
    json_array_foreach(firmware->network->wifi, at, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), instance_id + prefix) == 0) {
            return (int)at;
        }
    }
    return -1;
}

static bool priority_is_taken(const struct firmware *firmware, uint64_t priority, int except)
{
    size_t at;
    json_t *entry;
    json_array_foreach(firmware->network->wifi, at, entry)
    {
        if ((int)at != except && number_of(entry, "Priority") == priority) {
            return true;
        }
    }
    return false;
}

static bool cipher_fits(uint64_t authentication, uint64_t cipher)
{
    switch (authentication) {
    case AUTH_OPEN:
    case AUTH_SHARED:
        return cipher == CIPHER_WEP || cipher == CIPHER_NONE;
    case AUTH_WPA_PSK:
    case AUTH_WPA_EAP:
    case AUTH_WPA2_PSK:
    case AUTH_WPA2_EAP:
        return cipher == CIPHER_TKIP || cipher == CIPHER_CCMP;
    case AUTH_WPA3_SAE:
    case AUTH_WPA3_OWE:
        return cipher == CIPHER_CCMP;
    default:
        return false;
    }
}

static bool is_eap(uint64_t authentication)
{
    return authentication == AUTH_WPA_EAP || authentication == AUTH_WPA2_EAP;
}

static bool passphrase_fits(const struct wsman_instance *settings, uint64_t authentication,
                            bool is_kept)
{
    if (authentication != AUTH_WPA_PSK && authentication != AUTH_WPA2_PSK &&
        authentication != AUTH_WPA3_SAE) {
        return true;
    }
    const char *phrase = wsman_get(settings, "PSKPassPhrase");
    if (phrase == NULL) {
        return is_kept || wsman_has(settings, "PSKValue");
    }
    return strlen(phrase) >= 8 && strlen(phrase) <= 63;
}

/* The rules of wsman.md 4.6; except: index of the profile that is replaced, or -1. */
static bool settings_fit(const struct firmware *firmware, const struct wsman_instance *settings,
                         int except)
{
    const char *ssid = wsman_get(settings, "SSID");
    uint64_t authentication = wsman_get_u64(settings, "AuthenticationMethod", 0);
    uint64_t priority = wsman_get_u64(settings, "Priority", 0);
    return ssid != NULL && ssid[0] != '\0' && strlen(ssid) <= WIFI_SSID_MAX && priority >= 1 &&
           priority <= 255 && !priority_is_taken(firmware, priority, except) &&
           cipher_fits(authentication, wsman_get_u64(settings, "EncryptionMethod", 0)) &&
           passphrase_fits(settings, authentication, except >= 0);
}

/* The profile's name from ElementName or the end of InstanceID; NULL when they disagree. */
static const char *name_of(const struct wsman_instance *settings)
{
    const char *name = wsman_get(settings, "ElementName"), *id = wsman_get(settings, "InstanceID");
    size_t prefix = strlen(NETWORK_WIFI_PREFIX);
    if (id != NULL && id[0] != '\0') {
        if (strncmp(id, NETWORK_WIFI_PREFIX, prefix) != 0 ||
            (name != NULL && name[0] != '\0' && strcmp(name, id + prefix) != 0)) {
            return NULL;
        }
        name = id + prefix;
    }
    return name == NULL || name[0] == '\0' || strlen(name) > NETWORK_WIFI_NAME_MAX ? NULL : name;
}

/* 802.1X needs its settings, EAP-TLS a client certificate; other methods take none. */
static bool eap_fits(const struct wsman_instance *settings, const struct wsman_instance *eap,
                     const char *client)
{
    if (!is_eap(wsman_get_u64(settings, "AuthenticationMethod", 0))) {
        return eap == NULL || eap->first == NULL;
    }
    return eap != NULL && wsman_has(eap, "AuthenticationProtocol") &&
           wsman_get_u64(eap, "AuthenticationProtocol", 99) <= 10 &&
           (wsman_get_u64(eap, "AuthenticationProtocol", 99) != 0 || client[0] != '\0');
}

/* The entry of the list; NULL without memory. Settings that a change leaves out stay. */
static json_t *make_entry(const char *name, const struct wsman_instance *settings,
                          const struct wsman_instance *eap, const json_t *before,
                          const struct network_certificates *certificates)
{
    json_t *kept = json_deep_copy(json_object_get(before, "settings"));
    json_t *given = instance_state_save(settings);
    if (kept != NULL && json_object_update(kept, given) == 0) {
        json_decref(given);
        given = kept;
        kept = NULL;
    }
    json_decref(kept);
    json_t *entry = json_pack("{ss so ss ss}", "name", name, "settings", given, "client",
                              certificates->client, "root", certificates->root);
    if (entry != NULL && eap != NULL && eap->first != NULL &&
        json_object_set_new(entry, "ieee8021x", instance_state_save(eap)) != 0) {
        json_decref(entry);
        return NULL;
    }
    return entry;
}

/* at: index of the profile to replace, or -1 to add one. */
static uint32_t keep_profile(struct firmware_call *call, const struct wsman_instance *in, int at)
{
    struct firmware *firmware = call->firmware;
    const struct wsman_instance *settings = wsman_get_embedded(in, "WiFiEndpointSettingsInput");
    const struct wsman_instance *eap = wsman_get_embedded(in, "IEEE8021xSettingsInput");
    struct network_certificates certificates;
    const char *name = name_of(settings);
    if (!network_take_certificate(firmware, wsman_get_ref(in, "ClientCredential"),
                                  certificates.client) ||
        !network_take_certificate(firmware, wsman_get_ref(in, "CACredential"), certificates.root)) {
        return WIFI_INVALID_REFERENCE;
    }
    json_t *before = at < 0 ? NULL : json_array_get(firmware->network->wifi, (size_t)at);
    if (name == NULL && before != NULL) {
        name = json_string_value(json_object_get(before, "name"));
    }
    if (name == NULL || !settings_fit(firmware, settings, at) ||
        !eap_fits(settings, eap, certificates.client)) {
        return WIFI_INVALID_PARAMETER;
    }
    json_t *entry = make_entry(name, settings, eap, before, &certificates);
    int err = at < 0 ? json_array_append_new(firmware->network->wifi, entry)
                     : json_array_set_new(firmware->network->wifi, (size_t)at, entry);
    if (err != 0) {
        return WIFI_FAILED;
    }
    firmware_changed(firmware);
    return WIFI_DONE;
}

static uint32_t add_wifi_settings(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out; /* a device names no references here: captured */
    const char *endpoint = wsman_ref_selector(wsman_get_ref(in, "WiFiEndpoint"), "Name");
    const struct wsman_instance *settings = wsman_get_embedded(in, "WiFiEndpointSettingsInput");
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (endpoint == NULL || strcmp(endpoint, "WiFi Endpoint 0") != 0) {
        return WIFI_INVALID_REFERENCE;
    }
    const char *name = name_of(settings);
    char id[128];
    (void)snprintf(id, sizeof id, "%s%s", NETWORK_WIFI_PREFIX, name == NULL ? "" : name);
    if (find_profile(call->firmware, id) >= 0) {
        return WIFI_INVALID_PARAMETER;
    }
    if (json_array_size(call->firmware->network->wifi) >= WIFI_PROFILES_MAX) {
        return WIFI_FAILED;
    }
    return keep_profile(call, in, -1);
}

static uint32_t update_wifi_settings(struct firmware_call *call,
                                     const struct wsman_instance *target,
                                     const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const char *id = wsman_ref_selector(wsman_get_ref(in, "WiFiEndpointSettings"), "InstanceID");
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    int at = find_profile(call->firmware, id);
    return at < 0 ? WIFI_INVALID_REFERENCE : keep_profile(call, in, at);
}

static uint32_t delete_all_it_profiles(struct firmware_call *call,
                                       const struct wsman_instance *target,
                                       const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    (void)json_array_clear(call->firmware->network->wifi);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

/* The profiles of the machine's user belong to the host; the engine only forgets its copies, which
 * the host gives again at once. */
static uint32_t delete_all_user_profiles(struct firmware_call *call,
                                         const struct wsman_instance *target,
                                         const struct wsman_instance *in,
                                         struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    return legality_is_provisioned(call->firmware) ? PT_SUCCESS : legality_deny(call, false);
}

const struct firmware_method k_network_wifi_methods[] = {
    { "AddWiFiSettings", add_wifi_settings },
    { "UpdateWiFiSettings", update_wifi_settings },
    { "DeleteAllITProfiles", delete_all_it_profiles },
    { "DeleteAllUserProfiles", delete_all_user_profiles },
    { NULL, NULL },
};

void network_put_wifi(struct firmware_call *call, const struct wsman_instance *old,
                      const struct wsman_instance *changed)
{
    struct firmware *firmware = call->firmware;
    int at = find_profile(firmware, wsman_get(old, "InstanceID"));
    if (!network_may_write(call)) {
        return;
    }
    if (at < 0) { /* a user's profile */
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    json_t *entry = json_array_get(firmware->network->wifi, (size_t)at);
    json_t *settings = json_object_get(entry, "settings"), *given = instance_state_save(changed);
    if (!settings_fit(firmware, changed, at)) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
    } else if (json_object_update(settings, given) != 0) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
    } else {
        firmware_changed(firmware);
    }
    json_decref(given);
}

void network_remove_wifi(struct firmware_call *call, const struct wsman_instance *instance)
{
    int at = find_profile(call->firmware, wsman_get(instance, "InstanceID"));
    if (!network_may_write(call)) {
        return;
    }
    if (at < 0) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    (void)json_array_remove(call->firmware->network->wifi, (size_t)at);
    firmware_changed(call->firmware);
}

/* --- the service, the endpoint and the port --- */

void network_fill_wifi_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const json_t *active = network_wifi_active(call->firmware);
    if (active != NULL && wsman_has(instance, "LastConnectedSsidUnderMeControl")) {
        wsman_set(instance, "LastConnectedSsidUnderMeControl",
                  json_string_value(json_object_get(json_object_get(active, "settings"), "SSID")));
    }
}

void network_put_wifi_service(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed)
{
    uint64_t synchronisation = wsman_get_u64(changed, "localProfileSynchronizationEnabled", 0);
    if (!network_may_write(call)) {
        return;
    }
    bool shares = wsman_get_bool(changed, "UEFIWiFiProfileShareEnabled", false);
    struct wsman_instance *capabilities = firmware_instances(call, "AMT_BootCapabilities");
    if ((synchronisation != 0 && synchronisation != 1 && synchronisation != 3) ||
        (shares && !wsman_get_bool(capabilities, "UEFIWiFiCoExistenceAndProfileShare", false))) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
    } else if (settings_keep(call->firmware, old, changed, firmware_instance_key(old)) != AMT_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
    } else {
        firmware_changed(call->firmware);
    }
}

void network_fill_wifi_endpoint(struct firmware_call *call, struct wsman_instance *instance)
{
    static const char *const k_shown[][2] = { { "AuthenticationMethod", "AuthenticationMethod" },
                                              { "BSSType", "BSSType" },
                                              { "EncryptionMethod", "EncryptionMethod" },
                                              { "LANID", "SSID" } };
    const json_t *active = network_wifi_active(call->firmware);
    wsman_set_bool(instance, "Associated", active != NULL);
    const json_t *settings = json_object_get(active, "settings");
    for (size_t i = 0; active != NULL && i < sizeof k_shown / sizeof *k_shown; i++) {
        const char *text = json_string_value(json_object_get(settings, k_shown[i][1]));
        if (text != NULL) {
            wsman_set(instance, k_shown[i][0], text);
        }
    }
}

void network_fill_wifi_port(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_u64(instance, "EnabledState", call->firmware->network->wifi_state);
    wsman_set_u64(instance, "RequestedState", call->firmware->network->wifi_state);
}

static uint32_t wifi_port_state_change(struct firmware_call *call,
                                       const struct wsman_instance *target,
                                       const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (state != NETWORK_WIFI_OFF && state != NETWORK_WIFI_ON_S0 && state != NETWORK_WIFI_ON_SX) {
        return 5; /* invalid parameter */
    }
    call->firmware->network->wifi_state = (uint32_t)state;
    firmware_changed(call->firmware);
    return 0;
}

const struct firmware_method k_network_wifi_port_methods[] = {
    { "RequestStateChange", wifi_port_state_change },
    { NULL, NULL },
};
