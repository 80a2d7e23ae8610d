/* A setup.bin described in YAML; see `amtlab setupbin --help`. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/setupbin.h"
#include "runtime/yaml.h"

#define SHA1   1u
#define SHA256 2u

struct reading {
    const char *path;
    struct setupbin_file *file;
    struct amt_diag_list errors;
};

static void blame(struct reading *r, const struct yaml_node *node, const struct amt_diag *diag)
{
    struct amt_diag *error =
        amt_diag_list_add(&r->errors, AMT_ECONFIG, r->path, node->line, node->column);
    if (error != NULL) {
        (void)amt_diag_set(error, AMT_ECONFIG, "%s", diag->text);
        (void)amt_diag_hint(error, "%s", diag->hint);
    }
}

static void blame_text(struct reading *r, const struct yaml_node *node, const char *text)
{
    struct amt_diag diag = { .err = AMT_ECONFIG };
    (void)snprintf(diag.text, sizeof diag.text, "%s", text);
    blame(r, node, &diag);
}

static bool read_bool(struct reading *r, const struct yaml_node *node, bool fallback)
{
    if (node == NULL) {
        return fallback;
    }
    bool is_true = node->kind == YAML_SCALAR && strcmp(node->text, "true") == 0;
    if (!is_true && (node->kind != YAML_SCALAR || strcmp(node->text, "false") != 0)) {
        blame_text(r, node, "wants true or false");
    }
    return is_true;
}

static const char *text_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node != NULL && node->kind == YAML_SCALAR ? node->text : NULL;
}

static void read_root(struct reading *r, struct setupbin_record *record,
                      const struct yaml_node *node)
{
    struct amt_diag diag = { .err = AMT_OK };
    const char *path = text_of(node, "file"), *name = text_of(node, "name");
    if (path == NULL) {
        blame_text(r, node, "a hash wants { file: PEM, name: NAME }, or TYPE:HEX:NAME");
        return;
    }
    uint8_t algorithm = r->file->header.major < 3 ? SHA1 : SHA256;
    if (setupbin_set_root(record, path, algorithm, name == NULL ? "amtlab" : name, &diag) !=
        AMT_OK) {
        blame(r, node, &diag);
    }
}

static void read_value(struct reading *r, struct setupbin_record *record, const char *name,
                       const struct yaml_node *node)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (node->kind == YAML_MAP && strcmp(name, "hash") == 0) {
        read_root(r, record, node);
    } else if (node->kind != YAML_SCALAR) {
        blame_text(r, node, "a variable has one value; only hash may have a list");
    } else if (setupbin_set_text(record, name, node->text, &diag) != AMT_OK) {
        blame(r, node, &diag);
    }
}

static void read_variables(struct reading *r, struct setupbin_record *record,
                           const struct yaml_node *map)
{
    if (map == NULL || map->kind != YAML_MAP) {
        blame_text(r, map == NULL ? &(struct yaml_node){ .line = 1, .column = 1 } : map,
                   "variables: a map of variables and their values is missing");
        return;
    }
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        bool is_list = node->kind == YAML_LIST && strcmp(node->key, "hash") == 0;
        const struct yaml_node *item = is_list ? node->first : node;
        for (; item != NULL; item = is_list ? item->next : NULL) {
            read_value(r, record, node->key, item);
        }
    }
}

static void read_record(struct reading *r, const struct yaml_node *map, uint32_t index)
{
    static const char *const k_keys[] = { "scrambled", "valid", "variables" };
    struct setupbin_record *record = &r->file->records[index];
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof k_keys / sizeof *k_keys; i++) {
            is_known = is_known || (node->key != NULL && strcmp(node->key, k_keys[i]) == 0);
        }
        if (!is_known) {
            blame_text(r, node, "unknown key of a record; it has scrambled, valid, variables");
        }
    }
    setupbin_record_init(record, read_bool(r, yaml_get(map, "scrambled"), false));
    if (!read_bool(r, yaml_get(map, "valid"), true)) {
        record->flags &= ~(uint32_t)SETUPBIN_VALID;
    }
    read_variables(r, record, yaml_get(map, "variables"));
}

static enum amt_err read_records(struct reading *r, const struct yaml_node *list)
{
    uint32_t index = 0;
    if (list == NULL || list->kind != YAML_LIST || list->count == 0) {
        blame_text(r, list == NULL ? &(struct yaml_node){ .line = 1, .column = 1 } : list,
                   "records: a list of one or more is missing");
        return AMT_OK;
    }
    r->file->records = amt_alloc_array(list->count, sizeof *r->file->records);
    if (r->file->records == NULL) {
        return AMT_ENOMEM;
    }
    r->file->header.record_count = list->count;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        read_record(r, node, index++);
    }
    return AMT_OK;
}

static enum amt_err read_root_map(struct reading *r, const struct yaml_node *map)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct yaml_node *version = yaml_get(map, "version");
    r->file->header.major = 3;
    if (version != NULL && setupbin_read_version(version->kind == YAML_SCALAR ? version->text : "",
                                                 &r->file->header, &diag) != AMT_OK) {
        blame(r, version, &diag);
    }
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        if (node->key == NULL ||
            (strcmp(node->key, "version") != 0 && strcmp(node->key, "keep") != 0 &&
             strcmp(node->key, "records") != 0)) {
            blame_text(r, node, "unknown key; there are version, keep, records");
        }
    }
    r->file->header.flags = read_bool(r, yaml_get(map, "keep"), true) ? SETUPBIN_KEEP_RECORDS : 0;
    return read_records(r, yaml_get(map, "records"));
}

enum amt_err setupbin_read_yaml(const char *path, struct setupbin_file *file)
{
    struct reading r = { .path = path, .file = file };
    struct yaml_document *document = yaml_load_file(path, &r.errors);
    enum amt_err err = AMT_OK;
    if (document == NULL) {
        err = r.errors.count > 0 ? r.errors.items[0].err : AMT_ENOMEM;
    } else if (yaml_root(document)->kind != YAML_MAP) {
        blame_text(&r, yaml_root(document), "wants a map with version, keep, records");
    } else {
        err = read_root_map(&r, yaml_root(document));
    }
    if (err == AMT_OK && r.errors.count > 0) {
        err = AMT_ECONFIG;
    }
    amt_diag_list_print(&r.errors, stderr);
    amt_diag_list_fini(&r.errors);
    yaml_free(document);
    return err;
}
