/* Reading the activation log back: passwords of a device, and all entries for people. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/log.h"

enum amt_err activation_log_each(const char *path, activation_log_line_fn *on_line, void *ctx,
                                 struct amt_diag *diag)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the activation log %s", path);
    }
    for (uint32_t number = 1; getline(&line, &cap, file) >= 0; number++) {
        json_t *object = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;
        on_line(ctx, number, object); /* NULL for a damaged line (ACT-SRV-033) */
        json_decref(object);
    }
    if (line != NULL) {
        amt_wipe(line, cap);
    }
    free(line);
    (void)fclose(file);
    return AMT_OK;
}

struct passwords {
    const char *uuid;
    struct secret *newest_first;
    uint32_t count;
};

/* Puts a password in front; one that was there moves. */
static void push(struct passwords *p, const char *text)
{
    struct secret secret = { .len = 0 };
    uint32_t at = 0;
    if (secret_set(&secret, text, (uint32_t)strlen(text)) != AMT_OK || secret.len == 0) {
        return;
    }
    while (at < p->count && !secret_equal(&p->newest_first[at], secret.bytes, secret.len)) {
        at += 1;
    }
    if (at == p->count && p->count < 3) {
        p->count += 1;
    }
    at = at < 3 ? at : 2;
    for (; at > 0; at--) {
        p->newest_first[at] = p->newest_first[at - 1];
    }
    p->newest_first[0] = secret;
    secret_fini(&secret);
}

static void take_line(void *ctx, uint32_t number, const json_t *object)
{
    struct passwords *p = ctx;
    (void)number;
    const char *uuid = json_string_value(json_object_get(object, "amtUuid"));
    const char *password = json_string_value(json_object_get(object, "password"));
    if (password == NULL) { /* bare metal calls it otherwise */
        password = json_string_value(json_object_get(object, "pass"));
    }
    if (uuid != NULL && password != NULL && strcmp(uuid, p->uuid) == 0) {
        push(p, password);
    }
}

enum amt_err activation_log_passwords(const char *path, const struct uuid *uuid,
                                      struct secret passwords[static 3], uint32_t *count,
                                      struct amt_diag *diag)
{
    char text[UUID_TEXT_BYTES];
    struct passwords p = { .uuid = text, .newest_first = passwords };
    uuid_format(uuid, text);
    enum amt_err err = activation_log_each(path, take_line, &p, diag);
    *count = p.count;
    return err;
}
