/* The bytes of a YAML file, for yaml.c. */
#ifndef AMTLAB_RUNTIME_YAML_FILE_H
#define AMTLAB_RUNTIME_YAML_FILE_H

#include "base/diag.h"

/* The file's text, 0-terminated, at most YAML_FILE_MAX_BYTES (amt_free). NULL with a diagnostic: the
 * file cannot be opened or read, is too large, or holds the byte 0. */
char *yaml_read_file(const char *path, struct amt_diag_list *errors);

#endif
