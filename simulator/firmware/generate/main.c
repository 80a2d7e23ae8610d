/* Build step: turns data/classes.yaml into the tables of simulator/firmware/classes.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/yaml.h"

static const char *const k_types[][2] = {
    { "string", "TYPE_STRING" },     { "boolean", "TYPE_BOOLEAN" }, { "uint8", "TYPE_UINT8" },
    { "uint16", "TYPE_UINT16" },     { "uint32", "TYPE_UINT32" },   { "uint64", "TYPE_UINT64" },
    { "sint8", "TYPE_SINT8" },       { "sint16", "TYPE_SINT16" },   { "sint32", "TYPE_SINT32" },
    { "sint64", "TYPE_SINT64" },     { "real64", "TYPE_REAL64" },   { "datetime", "TYPE_DATETIME" },
    { "base64", "TYPE_BASE64" },     { "hex", "TYPE_HEX" },         { "ref", "TYPE_REF" },
    { "embedded", "TYPE_EMBEDDED" },
};

static const char *const k_operations[][2] = {
    { "Get", "WSMAN_GET" },
    { "Put", "WSMAN_PUT" },
    { "Create", "WSMAN_CREATE" },
    { "Delete", "WSMAN_DELETE" },
    { "Enumerate", "WSMAN_ENUMERATE" },
    { "Pull", "WSMAN_PULL" },
    { "Subscribe", "WSMAN_SUBSCRIBE" },
    { "Unsubscribe", "WSMAN_UNSUBSCRIBE" },
    { "Renew", "WSMAN_RENEW" },
    { "Event", NULL }, /* sent, not answered */
};

static const char *g_path;

static _Noreturn void fail(const struct yaml_node *node, const char *what)
{
    (void)fprintf(stderr, "%s:%u:%u: %s\n", g_path, node->line, node->column, what);
    exit(1);
}

static const char *look_up(const char *const (*table)[2], size_t count, const char *word,
                           size_t len, const struct yaml_node *node)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i][0]) == len && strncmp(table[i][0], word, len) == 0) {
            return table[i][1];
        }
    }
    fail(node, "unknown word");
}

static bool has_word(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    size_t len = strlen(word);
    return at != NULL && at > text && at[-1] == ' ' && (at[len] == ' ' || at[len] == '\0');
}

static void write_property(const struct yaml_node *node, FILE *out)
{
    const char *text = node->text == NULL ? "" : node->text;
    size_t len = strcspn(text, "[: ");
    const char *type = look_up(k_types, sizeof k_types / sizeof k_types[0], text, len, node);
    (void)fprintf(out, "    { .name = \"%s\", .type = %s", node->key, type);
    if (strncmp(text, "embedded:", 9) == 0) {
        (void)fprintf(out, ", .embedded = \"%.*s\"", (int)strcspn(text + 9, "[ "), text + 9);
    }
    if (strstr(text, "[]") != NULL) {
        (void)fputs(", .is_array = true", out);
    }
    static const char *const k_words[][2] = { { "key", "is_key" },
                                              { "required", "is_required" },
                                              { "writable", "is_writable" },
                                              { "secret", "is_secret" } };
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        if (has_word(text, k_words[i][0])) {
            (void)fprintf(out, ", .%s = true", k_words[i][1]);
        }
    }
    (void)fputs(" },\n", out);
}

static void write_properties(const struct yaml_node *map, const char *name, FILE *out)
{
    if (map == NULL || map->count == 0) {
        return;
    }
    (void)fprintf(out, "static const struct class_property %s[] = {\n", name);
    for (const struct yaml_node *node = map->first; node != NULL; node = node->next) {
        write_property(node, out);
    }
    (void)fputs("};\n", out);
}

static void write_methods(const struct yaml_node *class_node, FILE *out)
{
    const struct yaml_node *methods = yaml_get(class_node, "methods");
    char name[160];
    if (methods == NULL) {
        return;
    }
    for (const struct yaml_node *m = methods->first; m != NULL; m = m->next) {
        (void)snprintf(name, sizeof name, "k_%s_%s_in", class_node->key, m->key);
        write_properties(yaml_get(m, "in"), name, out);
        (void)snprintf(name, sizeof name, "k_%s_%s_out", class_node->key, m->key);
        write_properties(yaml_get(m, "out"), name, out);
    }
    (void)fprintf(out, "static const struct class_method k_%s_methods[] = {\n", class_node->key);
    for (const struct yaml_node *m = methods->first; m != NULL; m = m->next) {
        const struct yaml_node *in = yaml_get(m, "in");
        const struct yaml_node *result = yaml_get(m, "out");
        (void)fprintf(out, "    { .name = \"%s\"", m->key);
        if (in != NULL) {
            (void)fprintf(out, ", .in = k_%s_%s_in, .in_count = %u", class_node->key, m->key,
                          in->count);
        }
        if (result != NULL) {
            (void)fprintf(out, ", .out = k_%s_%s_out, .out_count = %u", class_node->key, m->key,
                          result->count);
        }
        (void)fputs(" },\n", out);
    }
    (void)fputs("};\n", out);
}

static const char *text_of(const struct yaml_node *map, const char *key, const char *fallback)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node == NULL ? fallback : node->text;
}

/* "11.6" is 1160. */
static unsigned release_of(const struct yaml_node *class_node, const char *key)
{
    const char *text = text_of(class_node, key, "0.0");
    char *end;
    unsigned long major = strtoul(text, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return (unsigned)(major * 100 + minor * 10);
}

static void write_operations(const struct yaml_node *class_node, FILE *out)
{
    const struct yaml_node *operations = yaml_get(class_node, "operations");
    (void)fputs("0u", out);
    for (const struct yaml_node *o = operations == NULL ? NULL : operations->first; o != NULL;
         o = o->next) {
        const char *constant = look_up(k_operations, sizeof k_operations / sizeof k_operations[0],
                                       o->text, strlen(o->text), o);
        if (constant != NULL) {
            (void)fprintf(out, " | 1u << %s", constant);
        }
    }
}

static void write_class(const struct yaml_node *node, FILE *out)
{
    const struct yaml_node *properties = yaml_get(node, "properties");
    const struct yaml_node *methods = yaml_get(node, "methods");
    (void)fprintf(out,
                  "    { .name = \"%s\", .super = \"%s\", .priority = %c, .since = %u, "
                  ".removed_in = %u, .is_singleton = %s, .declares_common = %s, .operations = ",
                  node->key, text_of(node, "super", ""), text_of(node, "priority", "P2")[1],
                  release_of(node, "since"), release_of(node, "removed_in"),
                  strcmp(text_of(node, "instances", ""), "one") == 0 ? "true" : "false",
                  text_of(node, "common", "false"));
    write_operations(node, out);
    if (properties != NULL) {
        (void)fprintf(out, ", .properties = k_%s_properties, .property_count = %u", node->key,
                      properties->count);
    }
    if (methods != NULL) {
        (void)fprintf(out, ", .methods = k_%s_methods, .method_count = %u", node->key,
                      methods->count);
    }
    (void)fputs(" },\n", out);
}

static void check_order(const struct yaml_node *map)
{
    for (const struct yaml_node *node = map->first; node != NULL && node->next != NULL;
         node = node->next) {
        if (strcmp(node->key, node->next->key) >= 0) {
            fail(node->next, "names stand in ASCII order");
        }
    }
}

static void write_all(const struct yaml_node *root, FILE *out)
{
    char name[128];
    check_order(root);
    (void)fputs("#include \"simulator/firmware/classes.h\"\n\n", out);
    for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
        const struct yaml_node *properties = yaml_get(node, "properties");
        (void)snprintf(name, sizeof name, "k_%s_properties", node->key);
        if (properties != NULL) {
            check_order(properties);
        }
        write_properties(properties, name, out);
        write_methods(node, out);
    }
    (void)fputs("const struct class_description k_classes[] = {\n", out);
    for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
        write_class(node, out);
    }
    (void)fprintf(out, "};\nconst uint32_t k_class_count = %u;\n", root->count);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fputs("usage: generate CLASSES.YAML OUT.C\n", stderr);
        return 2;
    }
    struct amt_diag_list errors = { .count = 0 };
    g_path = argv[1];
    struct yaml_document *document = yaml_load_file(g_path, &errors);
    if (document == NULL) {
        amt_diag_list_print(&errors, stderr);
        return 1;
    }
    FILE *out = fopen(argv[2], "w");
    if (out == NULL) {
        perror(argv[2]);
        return 1;
    }
    write_all(yaml_root(document), out);
    yaml_free(document);
    bool is_written = ferror(out) == 0;
    return fclose(out) == 0 && is_written ? 0 : 1;
}
