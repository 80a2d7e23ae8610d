#include "conformance/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/config.h"

#define NUMBER_DIGITS 3u

struct registry {
    struct requirement *items; /* sorted by id */
    uint32_t count;
};

#define TEXT_KEY(member, words)                                                               \
    {                                                                                         \
        .name = #member, .type = CONFIG_TEXT, .offset = offsetof(struct requirement, member), \
        .help = (words)                                                                       \
    }

static const struct config_key k_requirement_keys[] = {
    TEXT_KEY(id, "stable name, never reused"),
    TEXT_KEY(document, "document it comes from"),
    TEXT_KEY(chapter, "chapter of that document"),
    TEXT_KEY(text, "what is required, in words"),
    TEXT_KEY(source, "section that states it"),
    TEXT_KEY(test, "how it is best checked"),
    { .name = NULL },
};

struct registry_file {
    uint32_t version;
    const struct yaml_node *requirements;
};

static const struct config_key k_file_keys[] = {
    { .name = "version",
      .type = CONFIG_U32,
      .offset = offsetof(struct registry_file, version),
      .min = 1,
      .max = 1,
      .help = "version of this format" },
    { .name = "requirements",
      .type = CONFIG_NODE,
      .offset = offsetof(struct registry_file, requirements),
      .help = "list of requirements" },
    { .name = NULL },
};

size_t requirement_prefix(const char *id)
{
    const char *dash = strrchr(id, '-');
    return dash == NULL ? strlen(id) : (size_t)(dash - id);
}

/* Words of capital letters with dashes between them, then a number: APF-MPS-021. */
static bool is_id(const char *id)
{
    size_t prefix = requirement_prefix(id);
    if (id[0] < 'A' || id[0] > 'Z' || id[prefix] != '-' ||
        strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != prefix + 1) {
        return false;
    }
    return strlen(id + prefix + 1) == NUMBER_DIGITS &&
           strspn(id + prefix + 1, "0123456789") == NUMBER_DIGITS;
}

static bool read_requirement(struct registry *registry, const struct yaml_node *node,
                             const char *path, struct amt_diag_list *errors)
{
    struct requirement *item = &registry->items[registry->count];
    if (config_read(k_requirement_keys, node, path, item, errors) != AMT_OK) {
        config_fini(k_requirement_keys, item);
        return false;
    }
    registry->count += 1;
    if (item->id == NULL || item->text == NULL || !is_id(item->id)) {
        struct amt_diag *diag =
            amt_diag_list_add(errors, AMT_ECONFIG, path, node->line, node->column);
        (void)amt_diag_set(diag, AMT_ECONFIG, "a requirement without a proper id or without text");
        (void)amt_diag_hint(diag, "write { id: APF-MPS-021, text: \"...\" }");
        return false;
    }
    return true;
}

static int compare_items(const void *a, const void *b)
{
    const struct requirement *left = a;
    const struct requirement *right = b;
    return strcmp(left->id, right->id);
}

static bool find_duplicates(const struct registry *registry, const char *path,
                            struct amt_diag_list *errors)
{
    bool found = false;
    for (uint32_t i = 1; i < registry->count; i++) {
        if (strcmp(registry->items[i - 1].id, registry->items[i].id) == 0) {
            struct amt_diag *diag = amt_diag_list_add(errors, AMT_ECONFIG, path, 0, 0);
            (void)amt_diag_set(diag, AMT_ECONFIG, "the id %.60s is there twice",
                               registry->items[i].id);
            (void)amt_diag_hint(diag, "ids are never reused: give one of the two a new number");
            found = true;
        }
    }
    return found;
}

static bool read_list(struct registry *registry, const struct yaml_node *list, const char *path,
                      struct amt_diag_list *errors)
{
    bool is_good = true;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        is_good = read_requirement(registry, node, path, errors) && is_good;
    }
    if (is_good) {
        qsort(registry->items, registry->count, sizeof *registry->items, compare_items);
        is_good = !find_duplicates(registry, path, errors);
    }
    return is_good;
}

/* The requirements list of the document, NULL with errors. */
static const struct yaml_node *find_list(const struct yaml_document *document,
                                         struct amt_diag_list *errors)
{
    struct registry_file file;
    const char *path = yaml_path(document);
    const struct yaml_node *root = yaml_root(document);
    if (config_read(k_file_keys, root, path, &file, errors) != AMT_OK) {
        return NULL;
    }
    if (file.version == 0 || file.requirements == NULL || file.requirements->kind != YAML_LIST) {
        struct amt_diag *diag =
            amt_diag_list_add(errors, AMT_ECONFIG, path, root->line, root->column);
        (void)amt_diag_set(diag, AMT_ECONFIG, "not a registry of requirements");
        (void)amt_diag_hint(diag, "it begins with \"version: 1\" and has a list \"requirements\"");
        return NULL;
    }
    return file.requirements;
}

struct registry *registry_load(const char *path, struct amt_diag_list *errors)
{
    struct yaml_document *document = yaml_load_file(path, errors);
    const struct yaml_node *list = document == NULL ? NULL : find_list(document, errors);
    struct registry *registry = list == NULL ? NULL : amt_alloc(sizeof *registry);
    if (registry != NULL) {
        registry->items = amt_alloc_array(list->count, sizeof *registry->items);
    }
    if (list != NULL && (registry == NULL || registry->items == NULL)) {
        (void)amt_diag_set(amt_diag_list_add(errors, AMT_ENOMEM, path, 0, 0), AMT_ENOMEM,
                           "out of memory while reading this file");
    }
    bool is_good =
        registry != NULL && registry->items != NULL && read_list(registry, list, path, errors);
    yaml_free(document);
    if (!is_good) {
        registry_free(registry);
        return NULL;
    }
    return registry;
}

void registry_free(struct registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (uint32_t i = 0; i < registry->count; i++) {
        config_fini(k_requirement_keys, &registry->items[i]);
    }
    amt_free(registry->items);
    amt_free(registry);
}

uint32_t registry_count(const struct registry *registry)
{
    return registry->count;
}

const struct requirement *registry_at(const struct registry *registry, uint32_t index)
{
    return &registry->items[index];
}

/* Order of the id's first len characters against a whole id. */
static int compare_id(const char *id, size_t len, const char *whole)
{
    int order = strncmp(id, whole, len);
    return order != 0 ? order : whole[len] == '\0' ? 0 : -1;
}

uint32_t registry_index(const struct registry *registry, const char *id, size_t len)
{
    uint32_t low = 0;
    uint32_t high = registry->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_id(id, len, registry->items[middle].id);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return registry->count;
}

const struct requirement *registry_find(const struct registry *registry, const char *id)
{
    uint32_t index = registry_index(registry, id, strlen(id));
    return index == registry->count ? NULL : &registry->items[index];
}

bool registry_knows_family(const struct registry *registry, const char *id)
{
    size_t len = strcspn(id, "-");
    for (uint32_t i = 0; i < registry->count; i++) {
        if (strncmp(registry->items[i].id, id, len) == 0 && registry->items[i].id[len] == '-') {
            return true;
        }
    }
    return false;
}

void registry_describe(const struct registry *registry, struct results *results)
{
    for (struct result_case *c = results->case_first; c != NULL; c = c->next) {
        for (struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
            const struct requirement *found = registry_find(registry, spec->id);
            if (spec->text[0] == '\0' && found != NULL) {
                spec->text = results_text(results, found->text);
            }
        }
    }
}
