#include "runtime/yaml_file.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/yaml.h"

#define READ_BYTES 65536u

static void report_errno(struct amt_diag_list *errors, const char *path, int errno_value)
{
    struct amt_diag *diag = amt_diag_list_add(errors, AMT_ESYS, path, 0, 0);
    (void)amt_diag_errno(diag, errno_value, "cannot read this file");
    if (errno_value == ENOENT) {
        (void)amt_diag_hint(diag, "check the path; it is relative to the current directory");
    } else if (errno_value == EACCES) {
        (void)amt_diag_hint(diag, "the user who runs this needs permission to read it");
    }
}

/* Appends to *text until the end; AMT_ELIMIT, AMT_ENOMEM, AMT_ESYS (errno). */
static enum amt_err read_all(FILE *file, char **text, size_t *len)
{
    size_t got = READ_BYTES;
    while (got == READ_BYTES) {
        char *larger = amt_resize(*text, *len + READ_BYTES + 1);
        if (larger == NULL) {
            return AMT_ENOMEM;
        }
        *text = larger;
        got = fread(larger + *len, 1, READ_BYTES, file);
        *len += got;
        larger[*len] = '\0';
        if (*len > YAML_FILE_MAX_BYTES) {
            return AMT_ELIMIT;
        }
    }
    return ferror(file) != 0 ? AMT_ESYS : AMT_OK;
}

static void report(struct amt_diag_list *errors, const char *path, enum amt_err err)
{
    struct amt_diag *diag = amt_diag_list_add(errors, err, path, 0, 0);
    if (err == AMT_ELIMIT) {
        (void)amt_diag_set(diag, err, "larger than %u bytes", YAML_FILE_MAX_BYTES);
        (void)amt_diag_hint(diag, "split the file");
    } else {
        (void)amt_diag_set(diag, err, "out of memory while reading this file");
    }
}

/* A byte 0 would hide what stands behind it. */
static bool reject_zero_byte(const char *text, size_t len, const char *path,
                             struct amt_diag_list *errors)
{
    const char *zero = memchr(text, 0, len);
    if (zero == NULL) {
        return false;
    }
    struct amt_diag *diag = amt_diag_list_add(errors, AMT_ECONFIG, path, 0, 0);
    (void)amt_diag_set(diag, AMT_ECONFIG, "not a text file: byte %zu is 0", (size_t)(zero - text));
    (void)amt_diag_hint(diag, "save it as UTF-8");
    return true;
}

char *yaml_read_file(const char *path, struct amt_diag_list *errors)
{
    errno = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        report_errno(errors, path, errno);
        return NULL;
    }
    char *text = NULL;
    size_t len = 0;
    enum amt_err err = read_all(file, &text, &len);
    int read_errno = errno;
    (void)fclose(file);
    if (err == AMT_ESYS) {
        report_errno(errors, path, read_errno);
    } else if (err != AMT_OK) {
        report(errors, path, err);
    }
    if (err != AMT_OK || reject_zero_byte(text, len, path, errors)) {
        amt_free(text);
        return NULL;
    }
    return text;
}
