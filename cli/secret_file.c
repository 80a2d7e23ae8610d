#include "cli/secret_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static enum amt_err read_line(FILE *file, const char *path, struct secret *secret,
                              struct amt_diag *diag)
{
    char line[SECRET_MAX_BYTES + 3];
    errno = 0;
    if (fgets(line, sizeof line, file) == NULL) {
        if (ferror(file) != 0) {
            return amt_diag_errno(diag, errno, "cannot read %s", path);
        }
        return amt_diag_set(diag, AMT_ECONFIG, "%s is empty; its first line is the secret", path);
    }
    size_t len = strcspn(line, "\r\n");
    enum amt_err err = secret_set(secret, line, (uint32_t)len);
    amt_wipe(line, sizeof line);
    if (err != AMT_OK) {
        return amt_diag_set(diag, err, "the first line of %s is longer than %u bytes", path,
                            SECRET_MAX_BYTES);
    }
    return AMT_OK;
}

enum amt_err cli_secret(const char *path, const char *variable, struct secret *secret,
                        struct amt_diag *diag)
{
    if (path == NULL) {
        const char *value = getenv(variable);
        if (value == NULL) {
            return AMT_EUNKNOWN;
        }
        return secret_set(secret, value, (uint32_t)strlen(value));
    }
    if (strcmp(path, "-") == 0) {
        return read_line(stdin, "standard input", secret, diag);
    }
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read %s", path);
    }
    enum amt_err err = read_line(file, path, secret, diag);
    (void)fclose(file);
    return err;
}
