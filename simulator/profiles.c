#include "simulator/profiles.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "simulator/firmware/embedded.h"

#define EXTENDS_MAX DEVICE_DOCUMENTS_MAX

/* A profile's own keys, besides those of the device. */
static bool is_profile_key(const char *key)
{
    return strcmp(key, "amtlab-profile") == 0 || strcmp(key, "extends") == 0 ||
           strcmp(key, "summary") == 0;
}

/* The map without the profile's keys: a copy whose nodes are borrowed. */
static struct yaml_node *device_part(const struct yaml_node *root)
{
    struct yaml_node *copy = amt_alloc_array((size_t)root->count + 1, sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    copy[0] = *root;
    copy[0].first = NULL;
    copy[0].count = 0;
    struct yaml_node **last = &copy[0].first;
    for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
        if (is_profile_key(node->key)) {
            continue;
        }
        struct yaml_node *kept = &copy[++copy[0].count];
        *kept = *node;
        kept->next = NULL;
        *last = kept;
        last = &kept->next;
    }
    return copy;
}

static enum amt_err check_profile(const struct yaml_node *root, const char *path,
                                  struct amt_diag_list *errors)
{
    const struct yaml_node *version =
        root->kind == YAML_MAP ? yaml_get(root, "amtlab-profile") : NULL;
    if (version == NULL || strcmp(version->text, "1") != 0) {
        struct amt_diag *diag =
            amt_diag_list_add(errors, AMT_ECONFIG, path, root->line, root->column);
        (void)amt_diag_set(diag, AMT_ECONFIG, "this is no profile");
        (void)amt_diag_hint(diag, "a profile begins with: amtlab-profile: 1");
        return AMT_ECONFIG;
    }
    return AMT_OK;
}

/* "amt-16.1" or "amt-16.1.yaml" */
static const struct embedded_file *find_builtin(const char *name)
{
    size_t len = strlen(name);
    if (len > 5 && strcmp(name + len - 5, ".yaml") == 0) {
        len -= 5;
    }
    for (const struct embedded_file *file = k_embedded_profiles; file->name != NULL; file++) {
        if (strlen(file->name) == len && strncmp(file->name, name, len) == 0) {
            return file;
        }
    }
    return NULL;
}

static void offer_names(struct amt_diag_list *errors)
{
    struct text names = { 0 };
    for (const struct embedded_file *file = k_embedded_profiles; file->name != NULL; file++) {
        text_printf(&names, "%s%s", names.len == 0 ? "" : ", ", file->name);
    }
    if (errors != NULL && errors->count > 0) {
        (void)amt_diag_hint(&errors->items[errors->count - 1], "built-in profiles: %s",
                            text_chars(&names));
    }
    text_fini(&names);
}

/* A file wins over a built-in profile of the same name. */
static struct yaml_document *load(const char *path, struct amt_diag_list *errors)
{
    const struct embedded_file *file = access(path, F_OK) == 0 ? NULL : find_builtin(path);
    if (file != NULL) {
        return yaml_load_text(file->text, file->name, errors);
    }
    struct yaml_document *document = yaml_load_file(path, errors);
    if (document == NULL && access(path, F_OK) != 0) {
        offer_names(errors);
    }
    return document;
}

static char *beside(const char *path, const char *name)
{
    struct text text = { 0 };
    const char *slash = strrchr(path, '/');
    if (slash != NULL && name[0] != '/') {
        text_append(&text, path, (size_t)(slash - path) + 1);
    }
    text_puts(&text, name);
    return text_take(&text);
}

enum amt_err profile_overlay_map(const struct yaml_node *map, const char *path,
                                 struct device_config *config, struct amt_diag_list *errors)
{
    struct firmware_config *firmware = &config->firmware;
    firmware->instances = NULL;
    enum amt_err err = config_overlay(device_config_keys, map, path, config, errors);
    if (firmware->instances != NULL && firmware->instance_set_count == FIRMWARE_INSTANCE_SETS_MAX) {
        struct amt_diag *diag = amt_diag_list_add(
            errors, AMT_ECONFIG, path, firmware->instances->line, firmware->instances->column);
        err = amt_diag_set(diag, AMT_ECONFIG, "more than %u files set instances",
                           FIRMWARE_INSTANCE_SETS_MAX);
    } else if (firmware->instances != NULL) {
        firmware->instance_sets[firmware->instance_set_count++] = firmware->instances;
    }
    firmware->instances = NULL;
    return err;
}

/* The names of the chain in order, the profile itself first; documents go to config. */
static enum amt_err load_chain(const char *path, struct device_config *config,
                               char *chain[EXTENDS_MAX], uint32_t *count,
                               struct amt_diag_list *errors)
{
    chain[0] = amt_strdup(path);
    for (*count = 0; chain[*count] != NULL;) {
        struct yaml_document *document = load(chain[*count], errors);
        if (document == NULL) {
            return AMT_ECONFIG;
        }
        config->documents[(*count)++] = document;
        const char *name = chain[*count - 1];
        TRY(check_profile(yaml_root(document), name, errors));
        const struct yaml_node *extends = yaml_get(yaml_root(document), "extends");
        if (extends == NULL) {
            return AMT_OK;
        }
        if (*count == EXTENDS_MAX) {
            struct amt_diag *diag =
                amt_diag_list_add(errors, AMT_ECONFIG, name, extends->line, extends->column);
            return amt_diag_set(diag, AMT_ECONFIG,
                                "more than %u profiles extend each other, or in a circle",
                                EXTENDS_MAX);
        }
        chain[*count] = beside(name, extends->text);
    }
    return AMT_ENOMEM;
}

enum amt_err profile_overlay(const char *name_or_path, struct device_config *config,
                             struct amt_diag_list *errors)
{
    char *chain[EXTENDS_MAX] = { NULL };
    uint32_t count = 0;
    enum amt_err err = load_chain(name_or_path, config, chain, &count, errors);
    for (uint32_t i = count; i > 0 && err == AMT_OK; i--) { /* the base first */
        struct yaml_node *part = device_part(yaml_root(config->documents[i - 1]));
        err = part == NULL ? AMT_ENOMEM : profile_overlay_map(part, chain[i - 1], config, errors);
        amt_free(part);
    }
    for (uint32_t i = 0; i < EXTENDS_MAX; i++) {
        amt_free(chain[i]);
    }
    return err;
}

bool profile_builtin(uint32_t index, const char **name, char *summary, size_t cap)
{
    if (k_embedded_profiles[index].name == NULL) {
        return false;
    }
    struct yaml_document *document =
        yaml_load_text(k_embedded_profiles[index].text, k_embedded_profiles[index].name, NULL);
    const struct yaml_node *node =
        document == NULL ? NULL : yaml_get(yaml_root(document), "summary");
    *name = k_embedded_profiles[index].name;
    (void)snprintf(summary, cap, "%s", node == NULL ? "" : node->text);
    yaml_free(document);
    return true;
}
