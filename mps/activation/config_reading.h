/* What the readers of the activation part of a configuration share. */
#ifndef AMTLAB_MPS_ACTIVATION_CONFIG_READING_H
#define AMTLAB_MPS_ACTIVATION_CONFIG_READING_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/secret.h"
#include "runtime/yaml.h"

struct config_reading {
    const char *path; /* of the configuration, for messages */
    struct arena *arena;
    struct amt_diag_list *problems; /* NULL: not wanted */
    enum amt_err err;               /* what went wrong last; AMT_OK */
};

/* Room for a first line with its end and a NUL. */
#define CONFIG_LINE_BYTES (SECRET_MAX_BYTES + 2u)

/* AMT_ECONFIG at node's line and column: what, and what to do. */
void config_refuse(struct config_reading *reading, const struct yaml_node *node, const char *hint,
                   const char *text);
/* A copy in the arena; NULL of NULL, and (with AMT_ENOMEM) without memory. */
const char *config_keep(struct config_reading *reading, const char *text);
/* The first line of a file without its end; false and "" when there is none. Wipe line afterwards. */
bool config_first_line(const char *path, char line[static CONFIG_LINE_BYTES]);

#endif
