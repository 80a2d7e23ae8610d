#include "simulator/firmware/profile.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "simulator/firmware/embedded.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/profile_values.h"

static struct profile_class *class_slot(const struct firmware_profile *profile, const char *name)
{
    const struct class_description *description = class_find(name);
    return description == NULL ? NULL : &profile->classes[description - k_classes];
}

/* "16.1.25.2124" is 1610. */
static bool read_release(const char *version, uint32_t *release)
{
    char *end;
    unsigned long major = strtoul(version, &end, 10);
    if (end == version || major == 0 || major > 99 || *end != '.') {
        return false;
    }
    const char *from = end + 1;
    unsigned long minor = strtoul(from, &end, 10);
    *release = (uint32_t)(major * 100 + (minor > 9 ? 9 : minor) * 10);
    return end != from && (*end == '\0' || *end == '.');
}

static const struct firmware_behaviour *behaviour_of(const char *class_name)
{
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        const struct firmware_behaviour *behaviour = (*part)->behaviours;
        for (; behaviour != NULL && behaviour->class_name != NULL; behaviour++) {
            if (strcmp(behaviour->class_name, class_name) == 0) {
                return behaviour;
            }
        }
    }
    return NULL;
}

static bool is_listed(const struct config_texts *texts, const char *text)
{
    for (uint32_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the machine has what the class is about. */
static bool is_equipped(const struct firmware_config *config, const char *class_name)
{
    static const struct {
        const char *class_name;
        size_t member;
    } k_needs[] = {
        { "IPS_IEEE8021xSettings", offsetof(struct firmware_config, has_wired) }, /* WSM-102 */
        { "IPS_8021xCredentialContext", offsetof(struct firmware_config, has_wired) },
        { "AMT_WiFiPortConfigurationService", offsetof(struct firmware_config, has_wireless) },
        { "CIM_WiFiEndpoint", offsetof(struct firmware_config, has_wireless) },
        { "CIM_WiFiEndpointCapabilities", offsetof(struct firmware_config, has_wireless) },
        { "CIM_WiFiEndpointSettings", offsetof(struct firmware_config, has_wireless) },
        { "CIM_WiFiPort", offsetof(struct firmware_config, has_wireless) },
        { "CIM_WiFiPortCapabilities", offsetof(struct firmware_config, has_wireless) },
        { "CIM_KVMRedirectionSAP", offsetof(struct firmware_config, has_kvm) }, /* WSM-088 */
        { "CIM_RedirectionService", offsetof(struct firmware_config, has_kvm) },
        { "IPS_KVMRedirectionSettingData", offsetof(struct firmware_config, has_kvm) },
        { "IPS_KvmSessionUsingPort", offsetof(struct firmware_config, has_kvm) },
        { "IPS_ScreenConfigurationService", offsetof(struct firmware_config, has_kvm) },
        { "IPS_ScreenSettingData", offsetof(struct firmware_config, has_kvm) },
    };
    for (size_t i = 0; i < sizeof k_needs / sizeof *k_needs; i++) {
        if (strcmp(k_needs[i].class_name, class_name) == 0) {
            return *(const bool *)((const char *)config + k_needs[i].member);
        }
    }
    return true;
}

static void choose_classes(struct firmware_profile *profile)
{
    for (uint32_t i = 0; i < k_class_count; i++) {
        const struct class_description *description = &k_classes[i];
        bool is_too_new = profile->release < description->since;
        bool is_gone = description->removed_in != 0 && profile->release >= description->removed_in;
        bool is_absent = is_listed(&profile->config.absent_classes, description->name);
        profile->classes[i].description = description;
        profile->classes[i].is_present = !is_too_new && !is_gone && !is_absent &&
                                         is_equipped(&profile->config, description->name);
        profile->classes[i].behaviour = behaviour_of(description->name);
    }
}

static enum amt_err check_names(const struct firmware_profile *profile, const char *path,
                                struct amt_diag_list *errors)
{
    enum amt_err err = AMT_OK;
    const struct firmware_config *config = &profile->config;
    for (uint32_t i = 0; i < config->absent_classes.count; i++) {
        if (class_find(config->absent_classes.items[i]) == NULL) {
            err = amt_diag_set(amt_diag_list_add(errors, AMT_ECONFIG, path, 0, 0), AMT_ECONFIG,
                               "firmware.absent_classes: there is no class \"%s\"",
                               config->absent_classes.items[i]);
        }
    }
    for (uint32_t i = 0; i < config->absent_properties.count; i++) {
        const char *name = config->absent_properties.items[i];
        const char *dot = strchr(name, '.');
        char class_name[80] = "";
        if (dot != NULL && (size_t)(dot - name) < sizeof class_name) {
            memcpy(class_name, name, (size_t)(dot - name));
        }
        const struct class_description *description = class_find(class_name);
        if (description == NULL || class_property_find(description, dot + 1) == NULL) {
            err = amt_diag_set(amt_diag_list_add(errors, AMT_ECONFIG, path, 0, 0), AMT_ECONFIG,
                               "firmware.absent_properties: there is no property \"%s\"", name);
        }
    }
    return err;
}

/* One map of Class: [ instances ]; what a class had before is replaced. */
static enum amt_err take_instances(struct firmware_profile *profile, const struct yaml_node *map,
                                   const char *path, struct amt_diag_list *errors)
{
    enum amt_err err = AMT_OK;
    for (const struct yaml_node *node = map->first; map->kind == YAML_MAP && node != NULL;
         node = node->next) {
        struct profile_class *slot = class_slot(profile, node->key);
        enum amt_err one = slot == NULL
                               ? AMT_EUNKNOWN
                               : profile_instances_read(&profile->arena, slot->description, node,
                                                        path, &slot->instances, errors);
        if (one == AMT_EUNKNOWN) {
            struct amt_diag *diag =
                amt_diag_list_add(errors, AMT_ECONFIG, path, node->key_line, node->key_column);
            (void)amt_diag_set(diag, AMT_ECONFIG, "there is no class \"%s\"", node->key);
        }
        err = one == AMT_OK ? err : AMT_ECONFIG;
    }
    return err;
}

static enum amt_err take_embedded(struct firmware_profile *profile, struct amt_diag_list *errors)
{
    struct yaml_document *document =
        yaml_load_text(k_embedded_data[0].text, "instances.yaml", errors);
    if (document == NULL) {
        return AMT_ECONFIG;
    }
    enum amt_err err = take_instances(profile, yaml_root(document), "instances.yaml", errors);
    yaml_free(document);
    return err;
}

static enum amt_err fill(struct firmware_profile *profile, const char *path,
                         struct amt_diag_list *errors)
{
    const struct firmware_config *config = &profile->config;
    if (config->version == NULL || !read_release(config->version, &profile->release)) {
        return amt_diag_set(amt_diag_list_add(errors, AMT_ECONFIG, path, 0, 0), AMT_ECONFIG,
                            "firmware.version is like 16.1.25.2124, not \"%s\"",
                            config->version == NULL ? "" : config->version);
    }
    choose_classes(profile);
    enum amt_err err = check_names(profile, path, errors);
    if (take_embedded(profile, errors) != AMT_OK) {
        err = AMT_ECONFIG;
    }
    for (uint32_t i = 0; i < config->instance_set_count; i++) {
        if (take_instances(profile, config->instance_sets[i], path, errors) != AMT_OK) {
            err = AMT_ECONFIG;
        }
    }
    return err;
}

struct firmware_profile *firmware_profile_new(const struct firmware_config *config,
                                              const char *path, struct amt_diag_list *errors)
{
    struct firmware_profile *profile = amt_alloc(sizeof *profile);
    if (profile == NULL) {
        return NULL;
    }
    profile->config = *config;
    profile->classes = amt_alloc_array(k_class_count, sizeof *profile->classes);
    if (profile->classes == NULL || fill(profile, path, errors) != AMT_OK) {
        firmware_profile_free(profile);
        return NULL;
    }
    return profile;
}

void firmware_profile_free(struct firmware_profile *profile)
{
    if (profile != NULL) {
        arena_fini(&profile->arena);
        amt_free(profile->classes);
        amt_free(profile);
    }
}

const struct profile_class *firmware_profile_class(const struct firmware_profile *profile,
                                                   const char *class_name)
{
    const struct profile_class *slot = class_slot(profile, class_name);
    return slot != NULL && slot->is_present ? slot : NULL;
}

bool firmware_profile_has_property(const struct firmware_profile *profile, const char *class_name,
                                   const char *property)
{
    const struct config_texts *absent = &profile->config.absent_properties;
    size_t class_len = strlen(class_name);
    for (uint32_t i = 0; i < absent->count; i++) {
        const char *name = absent->items[i];
        if (strncmp(name, class_name, class_len) == 0 && name[class_len] == '.' &&
            strcmp(name + class_len + 1, property) == 0) {
            return false;
        }
    }
    return true;
}
