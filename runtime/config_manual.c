/* The table of keys as text: for `--help-config` and the manual pages. */
#include <string.h>

#include "base/text.h"
#include "runtime/config.h"

#define DEPTH_MAX 8u

static const char *type_name(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL:
        return "true|false";
    case CONFIG_U32:
        return "number";
    case CONFIG_TEXT:
        return "text";
    case CONFIG_DURATION:
        return "duration";
    case CONFIG_SIZE:
        return "size";
    case CONFIG_ENUM:
        return "word";
    case CONFIG_TEXTS:
        return "texts";
    case CONFIG_NUMBERS:
        return "numbers";
    case CONFIG_MAP:
        return "map";
    case CONFIG_NODE:
        return "any";
    }
    return "any";
}

static void write_type(const struct config_key *key, struct text *out)
{
    if (key->type != CONFIG_ENUM) {
        text_puts(out, type_name(key->type));
        return;
    }
    for (uint32_t i = 0; key->names[i] != NULL; i++) {
        text_printf(out, "%s%s", i == 0 ? "" : "|", key->names[i]);
    }
}

/* A visitor of all keys but the maps themselves, with their dotted names. */
typedef void visit_fn(void *ctx, const struct config_key *key, const char *name, const char *type);

static void walk(const struct config_key *keys, struct text *name, uint32_t depth, visit_fn *visit,
                 void *ctx)
{
    size_t prefix = name->len;
    for (; keys->name != NULL; keys++) {
        text_puts(name, keys->name);
        if (keys->type == CONFIG_MAP && depth < DEPTH_MAX) {
            text_puts(name, ".");
            walk(keys->children, name, depth + 1, visit, ctx);
        } else {
            struct text type = { 0 };
            write_type(keys, &type);
            visit(ctx, keys, text_chars(name), text_chars(&type));
            text_fini(&type);
        }
        if (!name->failed) {
            name->len = prefix;
            name->chars[prefix] = '\0';
        }
    }
}

struct printer {
    FILE *out;
    size_t name_width, type_width, fallback_width;
};

static const char *fallback_of(const struct config_key *key)
{
    return key->fallback == NULL ? "-" : key->fallback;
}

static size_t wider(size_t width, const char *text)
{
    size_t len = strlen(text);
    return len > width ? len : width;
}

static void measure(void *ctx, const struct config_key *key, const char *name, const char *type)
{
    struct printer *printer = ctx;
    printer->name_width = wider(printer->name_width, name);
    printer->type_width = wider(printer->type_width, type);
    printer->fallback_width = wider(printer->fallback_width, fallback_of(key));
}

static void print(void *ctx, const struct config_key *key, const char *name, const char *type)
{
    const struct printer *printer = ctx;
    (void)fprintf(printer->out, "%-*s  %-*s  %-*s  %s\n", (int)printer->name_width, name,
                  (int)printer->type_width, type, (int)printer->fallback_width, fallback_of(key),
                  key->help == NULL ? "" : key->help);
}

void config_manual(const struct config_key *keys, FILE *out)
{
    struct printer printer = { .out = out };
    struct text name = { 0 };
    walk(keys, &name, 0, measure, &printer);
    walk(keys, &name, 0, print, &printer);
    text_fini(&name);
}
