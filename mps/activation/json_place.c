#include "mps/activation/json_place.h"

#include <string.h>
#include <strings.h>

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && memchr(" \t\r\n,:", *s->at, 6) != NULL) {
        s->at += 1;
    }
}

static void skip_string(struct scan *s)
{
    for (s->at += 1; s->at < s->end && *s->at != '"'; s->at++) {
        s->at += *s->at == '\\' && s->at + 1 < s->end ? 1 : 0;
    }
    s->at += s->at < s->end ? 1 : 0;
}

/* Whatever stands here, brackets with all that is in them. */
static void skip_value(struct scan *s)
{
    uint32_t depth = 0;
    do {
        skip_blanks(s);
        if (s->at >= s->end) {
            return;
        }
        if (*s->at == '"') {
            skip_string(s);
            continue;
        }
        bool is_bracket = memchr("{}[]", *s->at, 4) != NULL;
        if (is_bracket) {
            depth += *s->at == '{' || *s->at == '[' ? 1 : 0;
            depth -= *s->at == '}' || *s->at == ']' ? 1 : 0;
            s->at += 1;
        } else {
            s->at += strcspn(s->at, " \t\r\n,:{}[]\"");
        }
    } while (depth > 0);
}

/* Keys with escapes are compared as they are written: those that are looked for have none. */
static bool is_key(const char *from, const char *to, const char *key)
{
    size_t len = strlen(key);
    return (size_t)(to - from) == len + 2 && strncasecmp(from + 1, key, len) == 0;
}

/* In the object or list at s: the start of what the step names, or NULL; s->at gets its value. */
static const char *find_step(struct scan *s, const struct json_step *step)
{
    const char *found = NULL;
    const char *value = NULL;
    bool is_object = *s->at == '{';
    s->at += 1;
    for (size_t i = 0;; i++) {
        skip_blanks(s);
        if (s->at >= s->end || *s->at == '}' || *s->at == ']') {
            break;
        }
        const char *start = s->at;
        if (is_object) {
            skip_string(s);
        }
        bool is_it =
            step->key == NULL ? i == step->index : is_object && is_key(start, s->at, step->key);
        skip_blanks(s);
        if (is_it) {
            found = start;
            value = s->at;
        }
        skip_value(s);
    }
    s->at = value;
    return found;
}

bool json_place(const char *text, size_t len, const struct json_step *steps, uint32_t step_count,
                uint32_t *line, uint32_t *column)
{
    struct scan s = { .at = text, .end = text + len };
    const char *found = NULL;
    *line = 0;
    *column = 0;
    skip_blanks(&s);
    found = s.at;
    for (uint32_t i = 0; i < step_count; i++) {
        if (s.at >= s.end || (*s.at != '{' && *s.at != '[')) {
            return false;
        }
        found = find_step(&s, &steps[i]);
        if (found == NULL) {
            return false;
        }
    }
    *line = 1;
    *column = 1;
    for (const char *at = text; at < found; at++) {
        *line += *at == '\n' ? 1 : 0;
        *column = *at == '\n' ? 1 : *column + 1;
    }
    return true;
}
