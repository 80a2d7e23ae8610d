#include "scenarios/engine/secrets.h"

#include <string.h>

#define SECRET_MIN_BYTES 4u

void secrets_add(struct secrets *secrets, const char *text)
{
    size_t len = strlen(text);
    if (len < SECRET_MIN_BYTES) {
        return;
    }
    for (const struct secret_text *at = secrets->first; at != NULL; at = at->next) {
        if (strcmp(at->text, text) == 0) {
            return;
        }
    }
    struct secret_text *entry = pool_alloc(secrets->pool, sizeof *entry);
    entry->text = pool_strdup(secrets->pool, text);
    entry->len = len;
    /* longest first, so that a secret inside another one does not leave the rest visible */
    struct secret_text **at = &secrets->first;
    while (*at != NULL && (*at)->len >= len) {
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
}

static const struct secret_text *secret_at(const struct secrets *secrets, const char *text)
{
    for (const struct secret_text *at = secrets->first; at != NULL; at = at->next) {
        if (strncmp(text, at->text, at->len) == 0) {
            return at;
        }
    }
    return NULL;
}

const char *secrets_hide(const struct secrets *secrets, struct arena *pool, const char *text)
{
    if (secrets == NULL || secrets->first == NULL) {
        return pool_strdup(pool, text);
    }
    struct text out = { 0 };
    while (*text != '\0') {
        const struct secret_text *found = secret_at(secrets, text);
        if (found != NULL) {
            text_puts(&out, "(hidden)");
            text += found->len;
        } else {
            text_append(&out, text, 1);
            text++;
        }
    }
    return pool_take(pool, &out);
}

static const struct secret_text *secret_at_bytes(const struct secrets *secrets,
                                                 const uint8_t *bytes, uint32_t len)
{
    for (const struct secret_text *at = secrets->first; at != NULL; at = at->next) {
        if (at->len <= len && memcmp(bytes, at->text, at->len) == 0) {
            return at;
        }
    }
    return NULL;
}

const uint8_t *secrets_hide_bytes(const struct secrets *secrets, struct arena *pool,
                                  const uint8_t *bytes, uint32_t len)
{
    uint8_t *copy = NULL;
    for (uint32_t i = 0; i < len;) {
        const struct secret_text *found = secret_at_bytes(secrets, bytes + i, len - i);
        if (found != NULL && copy == NULL) {
            copy = pool_alloc(pool, len);
            memcpy(copy, bytes, len);
        }
        if (found != NULL) {
            memset(copy + i, '*', found->len);
        }
        i += found == NULL ? 1 : (uint32_t)found->len;
    }
    return copy == NULL ? bytes : copy;
}
