/* Diagnostics: the context that travels beside an enum amt_err: what, where, what to do next. */
#ifndef AMTLAB_BASE_DIAG_H
#define AMTLAB_BASE_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

#define AMT_DIAG_TEXT_BYTES 320
#define AMT_DIAG_PATH_BYTES 256

/* Owned by the caller, on the stack; every function that takes one accepts NULL. */
struct amt_diag {
    enum amt_err err;
    char text[AMT_DIAG_TEXT_BYTES]; /* what happened, one line */
    char hint[AMT_DIAG_TEXT_BYTES]; /* what to do next, "" if nothing helps */
    char file[AMT_DIAG_PATH_BYTES]; /* "" if the error has no place in a file */
    uint32_t line, column;          /* from 1; 0 if unknown */
    const char *requirement;        /* id such as "APF-COM-016", static string, or NULL */
};

/* Fills diag and returns err, so that a failing function can end with: return amt_diag_set(...). */
enum amt_err amt_diag_set(struct amt_diag *diag, enum amt_err err, const char *format, ...)
    AMT_PRINTF(3, 4);

/* As amt_diag_set, and adds ": " and the text of the errno value given. */
enum amt_err amt_diag_errno(struct amt_diag *diag, int errno_value, const char *format, ...)
    AMT_PRINTF(3, 4);

/* Sets what the reader should do next. Returns diag->err, AMT_OK for NULL. */
enum amt_err amt_diag_hint(struct amt_diag *diag, const char *format, ...) AMT_PRINTF(2, 3);

/* Sets the place; file is copied (its end is kept when it is too long). */
void amt_diag_at(struct amt_diag *diag, const char *file, uint32_t line, uint32_t column);

/* Appends " (while ...)" to the text on the way up; returns err unchanged. */
enum amt_err amt_diag_while(struct amt_diag *diag, enum amt_err err, const char *format, ...)
    AMT_PRINTF(3, 4);

/* Writes "file:line:column: text\n    hint\n"; parts that are absent are left out. */
void amt_diag_print(const struct amt_diag *diag, FILE *out);

/* Several diagnostics of one document: all errors are reported, not only the first. */
struct amt_diag_list {
    struct amt_diag *items;
    uint32_t count, capacity;
};

/* Appends an empty diagnostic with err and the place, and returns it for amt_diag_set / hint; the
 * pointer lives until the next add. NULL without memory:
 * that diagnostic is lost, but the function that found the error still returns it. */
struct amt_diag *amt_diag_list_add(struct amt_diag_list *list, enum amt_err err, const char *file,
                                   uint32_t line, uint32_t column);
void amt_diag_list_print(const struct amt_diag_list *list, FILE *out);
void amt_diag_list_fini(struct amt_diag_list *list);

#endif
