#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

AMT_PRINTF(3, 0)
static void set_text(struct amt_diag *diag, enum amt_err err, const char *format, va_list arguments)
{
    diag->err = err;
    diag->hint[0] = '\0';
    (void)vsnprintf(diag->text, sizeof diag->text, format, arguments);
}

enum amt_err amt_diag_set(struct amt_diag *diag, enum amt_err err, const char *format, ...)
{
    if (diag != NULL) {
        va_list arguments;
        va_start(arguments, format);
        set_text(diag, err, format, arguments);
        va_end(arguments);
    }
    return err;
}

static void append(struct amt_diag *diag, const char *before, const char *text, const char *after)
{
    size_t used = strlen(diag->text);
    (void)snprintf(diag->text + used, sizeof diag->text - used, "%s%s%s", before, text, after);
}

enum amt_err amt_diag_errno(struct amt_diag *diag, int errno_value, const char *format, ...)
{
    if (diag == NULL) {
        return AMT_ESYS;
    }
    va_list arguments;
    va_start(arguments, format);
    set_text(diag, AMT_ESYS, format, arguments);
    va_end(arguments);
    char reason[96];
    if (strerror_r(errno_value, reason, sizeof reason) != 0) {
        (void)snprintf(reason, sizeof reason, "error %d", errno_value);
    }
    append(diag, ": ", reason, "");
    return AMT_ESYS;
}

enum amt_err amt_diag_hint(struct amt_diag *diag, const char *format, ...)
{
    if (diag == NULL) {
        return AMT_OK;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(diag->hint, sizeof diag->hint, format, arguments);
    va_end(arguments);
    return diag->err;
}

void amt_diag_at(struct amt_diag *diag, const char *file, uint32_t line, uint32_t column)
{
    if (diag == NULL) {
        return;
    }
    size_t len = strlen(file);
    size_t room = sizeof diag->file - 1;
    const char *from = len > room ? file + (len - room) : file;
    (void)snprintf(diag->file, sizeof diag->file, "%s", from);
    diag->line = line;
    diag->column = column;
}

enum amt_err amt_diag_while(struct amt_diag *diag, enum amt_err err, const char *format, ...)
{
    if (diag == NULL) {
        return err;
    }
    char frame[AMT_DIAG_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(frame, sizeof frame, format, arguments);
    va_end(arguments);
    append(diag, " (while ", frame, ")");
    return err;
}

void amt_diag_print(const struct amt_diag *diag, FILE *out)
{
    if (diag->file[0] != '\0') {
        (void)fprintf(out, "%s:", diag->file);
        if (diag->line != 0) {
            (void)fprintf(out, "%u:%u:", diag->line, diag->column);
        }
        (void)fputc(' ', out);
    }
    (void)fputs(diag->text[0] != '\0' ? diag->text : amt_err_text(diag->err), out);
    if (diag->requirement != NULL) {
        (void)fprintf(out, " (%s)", diag->requirement);
    }
    (void)fputc('\n', out);
    if (diag->hint[0] != '\0') {
        (void)fprintf(out, "    %s\n", diag->hint);
    }
}

struct amt_diag *amt_diag_list_add(struct amt_diag_list *list, enum amt_err err, const char *file,
                                   uint32_t line, uint32_t column)
{
    if (list == NULL) {
        return NULL;
    }
    if (list->count >= list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        struct amt_diag *items = amt_resize(list->items, capacity * sizeof *items);
        if (items == NULL) {
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    struct amt_diag *diag = &list->items[list->count];
    memset(diag, 0, sizeof *diag);
    diag->err = err;
    amt_diag_at(diag, file, line, column);
    list->count += 1;
    return diag;
}

void amt_diag_list_print(const struct amt_diag_list *list, FILE *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        amt_diag_print(&list->items[i], out);
    }
}

void amt_diag_list_fini(struct amt_diag_list *list)
{
    amt_free(list->items);
    memset(list, 0, sizeof *list);
}
