/* Walks a table of keys and a YAML map together; the values are read in config_value.c. */
#include "runtime/config.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/config_value.h"

/* Tables nest no deeper than the documents they read. */
#define DEPTH_MAX YAML_DEPTH_MAX

/* Where in the table and the document the reader stands. */
struct place {
    struct config_reader *reader;
    const struct place *outer;
    const char *name; /* of the map that is read; NULL at the top */
    uint32_t depth;
};

static void write_prefix(const struct place *place, struct text *out)
{
    const char *names[DEPTH_MAX + 1];
    uint32_t count = 0;
    for (; place != NULL && place->name != NULL && count < DEPTH_MAX; place = place->outer) {
        names[count++] = place->name;
    }
    while (count > 0) {
        text_printf(out, "%s.", names[--count]);
    }
}

static const struct config_key *find_key(const struct config_key *keys, const char *name)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0) {
            return keys;
        }
    }
    return NULL;
}

#define SUGGESTIONS_MAX 64u
#define LIST_CHARS_MAX  220u /* what fits a hint beside the suggestion */

/* "did you mean "x"? allowed here: a, b, c" */
static void write_allowed(const struct config_key *keys, const char *word, struct text *out)
{
    const char *names[SUGGESTIONS_MAX + 1] = { NULL };
    for (uint32_t i = 0; keys[i].name != NULL && i < SUGGESTIONS_MAX; i++) {
        names[i] = keys[i].name;
    }
    int nearest = text_nearest(word, names);
    if (nearest >= 0) {
        text_printf(out, "did you mean \"%s\"? ", names[nearest]);
    }
    text_puts(out, "allowed here: ");
    size_t start = out->len;
    for (uint32_t i = 0; keys[i].name != NULL; i++) {
        if (out->len - start > LIST_CHARS_MAX) {
            text_puts(out, ", ...");
            return;
        }
        text_printf(out, "%s%s", i == 0 ? "" : ", ", keys[i].name);
    }
}

static void report_unknown(const struct place *place, const struct config_key *keys,
                           const struct yaml_node *node)
{
    struct amt_diag *diag =
        config_report(place->reader, AMT_ECONFIG, node->key_line, node->key_column);
    struct text name = { 0 };
    write_prefix(place, &name);
    text_puts(&name, node->key);
    struct text shown = { 0 };
    config_quote(&shown, text_chars(&name));
    struct text hint = { 0 };
    write_allowed(keys, node->key, &hint);
    (void)amt_diag_set(diag, AMT_ECONFIG, "unknown key %s", text_chars(&shown));
    (void)amt_diag_hint(diag, "%s", text_chars(&hint));
    text_fini(&name);
    text_fini(&shown);
    text_fini(&hint);
}

static void read_map(const struct place *place, const struct config_key *keys,
                     const struct yaml_node *map, void *out);

static void read_one(const struct place *place, const struct config_key *key,
                     const struct yaml_node *node, void *out)
{
    struct text name = { 0 };
    write_prefix(place, &name);
    text_puts(&name, key->name);
    if (key->type != CONFIG_MAP) {
        config_read_value(place->reader, key, text_chars(&name), node, out);
    } else if (node->kind != YAML_MAP) {
        config_report_type(place->reader, key, text_chars(&name), node);
    } else if (place->depth >= DEPTH_MAX) {
        (void)amt_diag_set(config_report(place->reader, AMT_ELIMIT, node->line, node->column),
                           AMT_ELIMIT, "maps are nested deeper than %u", DEPTH_MAX);
    } else {
        const struct place inner = { place->reader, place, key->name, place->depth + 1 };
        read_map(&inner, key->children, node, out);
    }
    text_fini(&name);
}

static void read_map(const struct place *place, const struct config_key *keys,
                     const struct yaml_node *map, void *out)
{
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        const struct config_key *key = find_key(keys, node->key);
        if (key == NULL) {
            report_unknown(place, keys, node);
        } else {
            read_one(place, key, node, (char *)out + key->offset);
        }
    }
}

/* Members are overwritten, not freed. */
static void set_defaults(const struct place *place, const struct config_key *keys, void *out)
{
    for (; keys->name != NULL; keys++) {
        void *member = (char *)out + keys->offset;
        if (keys->type == CONFIG_MAP) {
            const struct place inner = { place->reader, place, keys->name, place->depth + 1 };
            if (place->depth < DEPTH_MAX) {
                set_defaults(&inner, keys->children, member);
            }
        } else {
            config_clear(keys, member);
            if (keys->fallback != NULL) {
                config_read_text(place->reader, keys, keys->name, keys->fallback, member);
            }
        }
    }
}

/* Binds map over what is there. */
static void overlay(const struct place *top, const struct config_key *keys,
                    const struct yaml_node *map, void *out)
{
    if (map != NULL && map->kind != YAML_MAP) {
        struct amt_diag *diag = config_report(top->reader, AMT_ECONFIG, map->line, map->column);
        (void)amt_diag_set(diag, AMT_ECONFIG, "found %s; wanted a map: lines of \"key: value\"",
                           config_kind_name(map->kind));
    } else if (map != NULL) {
        read_map(top, keys, map, out);
    }
}

enum amt_err config_read(const struct config_key *keys, const struct yaml_node *map,
                         const char *path, void *out, struct amt_diag_list *errors)
{
    struct config_reader reader = { .path = path, .errors = errors };
    const struct place top = { .reader = &reader };
    set_defaults(&top, keys, out);
    overlay(&top, keys, map, out);
    return reader.has_failed ? AMT_ECONFIG : AMT_OK;
}

enum amt_err config_overlay(const struct config_key *keys, const struct yaml_node *map,
                            const char *path, void *out, struct amt_diag_list *errors)
{
    struct config_reader reader = { .path = path, .errors = errors };
    const struct place top = { .reader = &reader };
    overlay(&top, keys, map, out);
    return reader.has_failed ? AMT_ECONFIG : AMT_OK;
}

/* Follows one part of a dotted name; *name moves behind it. NULL when there is no such key. */
static const struct config_key *step_into(const struct config_key *keys, const char **name)
{
    size_t len = strcspn(*name, ".");
    for (; keys->name != NULL; keys++) {
        if (strlen(keys->name) == len && strncmp(keys->name, *name, len) == 0) {
            *name += (*name)[len] == '.' ? len + 1 : len;
            return keys;
        }
    }
    return NULL;
}

static enum amt_err refuse_name(const struct config_key *keys, const char *dotted, const char *part,
                                struct amt_diag *diag)
{
    struct text shown = { 0 };
    config_quote(&shown, dotted);
    struct text hint = { 0 };
    write_allowed(keys, part, &hint);
    (void)amt_diag_set(diag, AMT_ECONFIG, "unknown key %s", text_chars(&shown));
    (void)amt_diag_hint(diag, "%s", text_chars(&hint));
    text_fini(&shown);
    text_fini(&hint);
    return AMT_ECONFIG;
}

static enum amt_err refuse_map(const struct config_key *key, const char *dotted,
                               struct amt_diag *diag)
{
    (void)amt_diag_set(diag, AMT_ECONFIG, "\"%.80s\" is more than one value", dotted);
    if (key->type == CONFIG_MAP) {
        (void)amt_diag_hint(diag, "name one of its keys, as in %.80s.%s", dotted,
                            key->children->name);
    } else {
        (void)amt_diag_hint(diag, "write it into the configuration file");
    }
    return AMT_ECONFIG;
}

enum amt_err config_set(const struct config_key *keys, const char *dotted, const char *value,
                        void *out, struct amt_diag *diag)
{
    const char *rest = dotted;
    const char *part = rest;
    const struct config_key *level = keys;
    const struct config_key *key = step_into(keys, &rest);
    while (key != NULL && key->type == CONFIG_MAP && *rest != '\0') {
        out = (char *)out + key->offset;
        level = key->children;
        part = rest;
        key = step_into(level, &rest);
    }
    if (key == NULL || (*rest != '\0' && key->type != CONFIG_MAP)) {
        return refuse_name(level, dotted, part, diag);
    }
    if (key->type == CONFIG_MAP || key->type == CONFIG_NODE) {
        return refuse_map(key, dotted, diag);
    }
    struct amt_diag_list errors = { 0 };
    struct config_reader reader = { .path = "", .errors = &errors };
    config_read_text(&reader, key, dotted, value, (char *)out + key->offset);
    if (errors.count > 0 && diag != NULL) {
        *diag = errors.items[0];
    }
    amt_diag_list_fini(&errors);
    return reader.has_failed ? AMT_ECONFIG : AMT_OK;
}

void config_fini(const struct config_key *keys, void *out)
{
    for (; keys->name != NULL; keys++) {
        void *member = (char *)out + keys->offset;
        if (keys->type == CONFIG_MAP) {
            config_fini(keys->children, member);
        } else {
            config_release(keys, member);
        }
    }
}
