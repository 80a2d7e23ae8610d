#include "cli/json_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/cli.h"

static void put_invalid(unsigned long line, const char *why)
{
    struct text message = { 0 };
    struct text out = { 0 };
    text_printf(&message, "line %lu: %s", line, why);
    text_puts(&out, "{\"verdict\":\"invalid\",\"error\":");
    text_json(&out, text_chars(&message), message.len);
    text_puts(&out, "}");
    (void)puts(text_chars(&out));
    text_fini(&message);
    text_fini(&out);
}

static bool answer_line(const char *line, size_t len, unsigned long number, json_line_fn *answer)
{
    struct amt_diag diag = { .err = AMT_OK };
    json_error_t error;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL || !json_is_object(object)) {
        put_invalid(number, object == NULL ? error.text : "a JSON object is expected");
        json_decref(object);
        return false;
    }
    struct text out = { 0 };
    enum amt_err err = answer(object, &out, &diag);
    json_decref(object);
    if (err == AMT_OK) {
        (void)puts(text_chars(&out));
    } else {
        put_invalid(number, diag.text);
    }
    text_fini(&out);
    return err == AMT_OK;
}

int cli_json_lines(json_line_fn *answer)
{
    char *line = NULL;
    size_t cap = 0;
    unsigned long number = 0;
    bool is_good = true;
    ssize_t len = getline(&line, &cap, stdin);
    for (; len >= 0; len = getline(&line, &cap, stdin)) {
        number += 1;
        size_t used = strcspn(line, "\r\n");
        if (used > 0) {
            is_good = answer_line(line, used, number, answer) && is_good;
        }
    }
    free(line);
    (void)fflush(stdout);
    return is_good ? CLI_OK : CLI_INVALID;
}
