#include "client/compose.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FILE_MAX_BYTES 49152u

bool compose_is_name(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_') {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("_-", *at) == NULL) {
            return false;
        }
    }
    return true;
}

static enum amt_err wrong(struct amt_diag *diag, const char *word, const char *wanted)
{
    (void)amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" is not %s", word, wanted);
    return AMT_EMALFORMED;
}

/* Splits off the name in front of `mark`; NULL: there is none, or no memory. */
static char *name_before(struct arena *arena, const char *word, char mark, const char **rest)
{
    const char *at = strchr(word, mark);
    char *name = at == NULL ? NULL : arena_text(arena, word, (size_t)(at - word));
    *rest = at == NULL ? NULL : at + 1;
    return name;
}

/* CLASS,NAME=VALUE,… */
static enum amt_err parse_reference(struct arena *arena, const char *text,
                                    const struct wsman_ref **out, struct amt_diag *diag)
{
    struct wsman_ref *ref = arena_alloc(arena, sizeof *ref);
    const char *comma = strchr(text, ',');
    size_t len = comma == NULL ? strlen(text) : (size_t)(comma - text);
    const char *class_name = ref == NULL ? NULL : arena_text(arena, text, len);
    if (class_name == NULL) {
        return AMT_ENOMEM;
    }
    if (!compose_is_name(class_name)) {
        return wrong(diag, text, "a reference: CLASS,NAME=VALUE,…");
    }
    ref->class_name = class_name;
    while (comma != NULL) {
        const char *from = comma + 1;
        comma = strchr(from, ',');
        len = comma == NULL ? strlen(from) : (size_t)(comma - from);
        const char *pair = arena_text(arena, from, len);
        if (pair == NULL) {
            return AMT_ENOMEM;
        }
        TRY(compose_selector(arena, &ref->selectors, pair, diag));
    }
    *out = ref;
    return AMT_OK;
}

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

enum amt_err compose_selector(struct arena *arena, const struct wsman_selector **list,
                              const char *word, struct amt_diag *diag)
{
    const char *value = NULL;
    const char *name = name_before(arena, word, '=', &value);
    if (name == NULL || !compose_is_name(name)) {
        return wrong(diag, word, "a selector: NAME=VALUE");
    }
    const char *reference = after(value, "ref:");
    if (reference == NULL) {
        return wsman_selector_add(arena, list, name, value);
    }
    struct wsman_selector *added = arena_alloc(arena, sizeof *added);
    if (added == NULL) {
        return AMT_ENOMEM;
    }
    added->name = name;
    TRY(parse_reference(arena, reference, &added->ref, diag));
    added->next = *list;
    *list = added;
    return AMT_OK;
}

static enum amt_err add_file(struct wsman_instance *instance, const char *name, const char *path,
                             struct amt_diag *diag)
{
    FILE *file = fopen(path, "re");
    uint8_t *bytes = file == NULL ? NULL : amt_alloc(FILE_MAX_BYTES + 1);
    if (bytes == NULL) {
        if (file == NULL) {
            return amt_diag_errno(diag, errno, "cannot read %s", path);
        }
        (void)fclose(file);
        return AMT_ENOMEM;
    }
    size_t len = fread(bytes, 1, FILE_MAX_BYTES + 1, file);
    (void)fclose(file);
    if (len <= FILE_MAX_BYTES) {
        wsman_set_base64(instance, name, bytes, len);
    }
    amt_free(bytes);
    return len <= FILE_MAX_BYTES ? AMT_OK
                                 : amt_diag_set(diag, AMT_ETOOBIG, "%s is longer than %u bytes",
                                                path, FILE_MAX_BYTES);
}

/* NAME:CLASS.PROPERTY, value as in the word. */
static enum amt_err add_embedded(struct arena *arena, struct wsman_instance *instance,
                                 const char *word, struct amt_diag *diag)
{
    const char *rest = NULL, *inner_word = NULL;
    const char *name = name_before(arena, word, ':', &rest);
    const char *class_name = rest == NULL ? NULL : name_before(arena, rest, '.', &inner_word);
    if (name == NULL || class_name == NULL || !compose_is_name(name) ||
        !compose_is_name(class_name)) {
        return wrong(diag, word, "an embedded property: NAME:CLASS.PROPERTY=VALUE");
    }
    struct wsman_instance *inner = (struct wsman_instance *)wsman_get_embedded(instance, name);
    if (inner == NULL) {
        inner = wsman_instance_new(arena, class_name);
        struct wsman_value *value = arena_alloc(arena, sizeof *value);
        if (inner == NULL || value == NULL) {
            return AMT_ENOMEM;
        }
        value->kind = WSMAN_EMBEDDED;
        value->embedded = inner;
        wsman_set_values(instance, name, value);
    }
    return compose_property(arena, inner, inner_word, diag);
}

static enum amt_err add_value(struct arena *arena, struct wsman_instance *instance,
                              const char *name, const char *text, struct amt_diag *diag)
{
    const char *reference = after(text, "ref:"), *path = after(text, "file:"),
               *interval = after(text, "interval:"), *time = after(text, "time:"),
               *plain = after(text, "text:");
    if (reference != NULL) {
        const struct wsman_ref *ref = NULL;
        TRY(parse_reference(arena, reference, &ref, diag));
        wsman_add_ref(instance, name, ref);
    } else if (path != NULL) {
        TRY(add_file(instance, name, path, diag));
    } else if (interval != NULL) {
        wsman_set_interval(instance, name, interval);
    } else if (time != NULL) {
        struct wsman_value *value = arena_alloc(arena, sizeof *value);
        if (value == NULL) {
            return AMT_ENOMEM;
        }
        value->kind = WSMAN_DATETIME;
        value->text = arena_text(arena, time, strlen(time));
        wsman_set_values(instance, name, value);
    } else {
        wsman_add(instance, name, plain != NULL ? plain : text);
    }
    return instance->failed ? AMT_ENOMEM : AMT_OK;
}

enum amt_err compose_property(struct arena *arena, struct wsman_instance *instance,
                              const char *word, struct amt_diag *diag)
{
    const char *equals = strchr(word, '='), *colon = strchr(word, ':');
    if (equals == NULL) {
        return wrong(diag, word, "a property: NAME=VALUE");
    }
    if (colon != NULL && colon < equals) {
        return add_embedded(arena, instance, word, diag);
    }
    const char *text = NULL;
    const char *name = name_before(arena, word, '=', &text);
    if (name == NULL) {
        return AMT_ENOMEM;
    }
    if (!compose_is_name(name)) {
        return wrong(diag, word, "a property: NAME=VALUE");
    }
    return add_value(arena, instance, name, text, diag);
}

enum amt_err compose_properties(struct arena *arena, struct wsman_instance *instance,
                                char *const *words, uint32_t count, struct amt_diag *diag)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strcspn(words[i], "=:");
        const char *name = arena_text(arena, words[i], len);
        if (name == NULL) {
            return AMT_ENOMEM;
        }
        wsman_unset(instance, name);
    }
    for (uint32_t i = 0; i < count; i++) {
        TRY(compose_property(arena, instance, words[i], diag));
    }
    return AMT_OK;
}
