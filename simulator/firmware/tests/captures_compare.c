#include "simulator/firmware/tests/captures_compare.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --- reading --- */

struct reader {
    struct arena *arena;
    const char *at;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *reader)
{
    while (is_space(*reader->at)) {
        reader->at++;
    }
}

/* name="value" with one form of white space, added to out. */
static bool read_attribute(struct reader *reader, struct text *out)
{
    const char *name = reader->at;
    size_t len = strcspn(name, "= \t\r\n/>");
    reader->at += len;
    skip_space(reader);
    if (*reader->at != '=') {
        return false;
    }
    reader->at++;
    skip_space(reader);
    if (*reader->at != '"') {
        return false;
    }
    const char *value = reader->at + 1, *end = strchr(value, '"');
    if (end == NULL) {
        return false;
    }
    text_printf(out, "%s%.*s=\"%.*s\"", out->len == 0 ? "" : " ", (int)len, name,
                (int)(end - value), value);
    reader->at = end + 1;
    return true;
}

static bool read_children(struct reader *reader, struct written *node);

static struct written *read_element(struct reader *reader)
{
    struct written *node = arena_alloc(reader->arena, sizeof *node);
    size_t len = strcspn(++reader->at, " \t\r\n/>");
    struct text attributes = { 0 };
    bool is_good = node != NULL;
    if (is_good) {
        node->name = arena_text(reader->arena, reader->at, len);
    }
    reader->at += len;
    for (skip_space(reader); is_good && *reader->at != '>' && *reader->at != '/';
         skip_space(reader)) {
        is_good = read_attribute(reader, &attributes);
    }
    if (is_good) {
        node->attributes = arena_text(reader->arena, text_chars(&attributes), attributes.len);
    }
    text_fini(&attributes);
    if (is_good && reader->at[0] == '/' && reader->at[1] == '>') { /* typed by hand */
        reader->at += 2;
        node->text = "";
        return node;
    }
    if (!is_good || *reader->at != '>') {
        return NULL;
    }
    reader->at++;
    return read_children(reader, node) ? node : NULL;
}

static void read_text(struct reader *reader, struct written *node)
{
    size_t len = strcspn(reader->at, "<");
    const char *start = reader->at;
    reader->at += len;
    while (len > 0 && is_space(*start)) {
        start++;
        len--;
    }
    while (len > 0 && is_space(start[len - 1])) {
        len--;
    }
    if (len > 0) {
        node->text = arena_text(reader->arena, start, len);
    }
}

static bool read_children(struct reader *reader, struct written *node)
{
    struct written **last = &node->first;
    node->text = "";
    for (;;) {
        read_text(reader, node);
        if (reader->at[0] != '<') {
            return false;
        }
        if (reader->at[1] == '/') {
            const char *end = strchr(reader->at, '>');
            size_t len = strlen(node->name);
            bool is_ours = end != NULL && strncmp(reader->at + 2, node->name, len) == 0;
            reader->at = end == NULL ? reader->at : end + 1;
            return is_ours;
        }
        *last = read_element(reader);
        if (*last == NULL) {
            return false;
        }
        last = &(*last)->next;
    }
}

struct written *written_read(struct arena *arena, const char *xml)
{
    struct reader reader = { arena, xml };
    skip_space(&reader);
    if (strncmp(reader.at, "<?xml", 5) == 0) {
        const char *end = strstr(reader.at, "?>");
        if (end == NULL) {
            return NULL;
        }
        reader.at = end + 2;
        skip_space(&reader);
    }
    return *reader.at == '<' ? read_element(&reader) : NULL;
}

const char *written_local(const struct written *node)
{
    const char *colon = strchr(node->name, ':');
    return colon == NULL ? node->name : colon + 1;
}

const struct written *written_find(const struct written *node, const char *local_name)
{
    for (const struct written *child = node == NULL ? NULL : node->first; child != NULL;
         child = child->next) {
        const struct written *found =
            strcmp(written_local(child), local_name) == 0 ? child : written_find(child, local_name);
        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

/* --- comparing --- */

static void note(struct differences *differences, const char *kind, const char *path,
                 const char *expected, const char *found)
{
    struct text line = { 0 };
    text_printf(&line, "%s %s -- expected \"%s\", found \"%s\"", kind, path, expected, found);
    if (differences->count < sizeof differences->lines / sizeof *differences->lines) {
        differences->lines[differences->count++] =
            arena_text(differences->arena, text_chars(&line), line.len);
    }
    text_fini(&line);
}

/* Digits, a sign, or true and false tell what a text is. */
static int kind_of(const char *text)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        return 'b';
    }
    size_t digits = strspn(text + (text[0] == '-'), "0123456789");
    return digits > 0 && text[(text[0] == '-') + digits] == '\0' ? 'n' : 't';
}

static bool fits(const char *text, const char *form)
{
    for (; *form != '\0'; form++, text++) { /* X: upper-case hexadecimal */
        bool is_hex = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'F');
        if (*form == 'X' ? !is_hex : *text != *form) {
            return false;
        }
    }
    return *text == '\0';
}

struct level {
    const char *path;
    bool with_values;
    struct differences *differences;
};

static void compare_text(const struct written *expected, const struct written *found,
                         const struct level *level)
{
    const char *name = written_local(expected);
    bool is_equal;
    if (strcmp(name, "MessageID") == 0 && strstr(level->path, "/Header/") != NULL) {
        is_equal = fits(found->text, "uuid:00000000-8086-8086-8086-XXXXXXXXXXXX"); /* WSM-034 */
    } else if (strcmp(name, "EnumerationContext") == 0) {
        is_equal = fits(found->text, "XXXXXXXX-0000-0000-0000-000000000000"); /* WSM-041 */
    } else if (level->with_values || strstr(level->path, "/Header/") != NULL) {
        is_equal = strcmp(expected->text, found->text) == 0;
    } else {
        is_equal = kind_of(expected->text) == kind_of(found->text);
    }
    if (!is_equal) {
        note(level->differences, "value", level->path, expected->text, found->text);
    }
}

static const struct written *later(const struct written *from, const char *local_name)
{
    for (; from != NULL; from = from->next) {
        if (strcmp(written_local(from), local_name) == 0) {
            return from;
        }
    }
    return NULL;
}

static void compare_nodes(const struct written *expected, const struct written *found,
                          const struct level *level);

static void compare_children(const struct written *expected, const struct written *found,
                             const struct level *level)
{
    const struct written *e = expected->first, *f = found->first;
    while (e != NULL || f != NULL) {
        const struct written *named = e != NULL ? e : f;
        char path[512];
        bool is_pair = e != NULL && f != NULL && strcmp(written_local(e), written_local(f)) == 0;
        bool is_extra =
            !is_pair && (e == NULL || (f != NULL && later(f, written_local(e)) != NULL));
        named = is_extra ? f : named;
        (void)snprintf(path, sizeof path, "%s/%s", level->path, written_local(named));
        struct level below = { path, level->with_values, level->differences };
        if (is_pair) {
            compare_nodes(e, f, &below);
        } else if (is_extra) {
            bool is_elsewhere = later(e, written_local(f)) != NULL;
            note(level->differences, is_elsewhere ? "order" : "extra", path, "", f->text);
        } else {
            note(level->differences, "missing", path, e->text, "");
        }
        e = e != NULL && !is_extra ? e->next : e;
        f = f != NULL && (is_pair || is_extra) ? f->next : f;
    }
}

static void compare_nodes(const struct written *expected, const struct written *found,
                          const struct level *level)
{
    if (strcmp(expected->name, found->name) != 0) {
        note(level->differences, "prefix", level->path, expected->name, found->name);
    }
    if (strcmp(expected->attributes, found->attributes) != 0) {
        note(level->differences, "attributes", level->path, expected->attributes,
             found->attributes);
    }
    compare_text(expected, found, level);
    compare_children(expected, found, level);
}

void written_compare(const struct written *expected, const struct written *found, bool with_values,
                     struct differences *differences)
{
    struct level level = { written_local(expected), with_values, differences };
    if (strcmp(written_local(expected), written_local(found)) != 0) {
        note(differences, "missing", level.path, expected->name, found->name);
        return;
    }
    compare_nodes(expected, found, &level);
}
