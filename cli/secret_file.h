/* Secrets for commands: from a file or the environment, never from an argument. */
#ifndef AMTLAB_CLI_SECRET_FILE_H
#define AMTLAB_CLI_SECRET_FILE_H

#include "base/diag.h"
#include "base/secret.h"

/*
 * Reads the first line of path ("-" = standard input); with path NULL the value of the environment
 * variable. AMT_EUNKNOWN when neither is there; AMT_ESYS when the file cannot be read; AMT_ETOOBIG.
 */
enum amt_err cli_secret(const char *path, const char *variable, struct secret *secret,
                        struct amt_diag *diag) AMT_MUST_USE;

#endif
