/* A data folder of a server for one case: made empty, damaged on request, removed in the end. */
#ifndef AMTLAB_SCENARIOS_ENGINE_DATA_FOLDER_H
#define AMTLAB_SCENARIOS_ENGINE_DATA_FOLDER_H

#include "scenarios/engine/value.h"

/* Path in the pool; NULL with diag. */
const char *data_folder_make(struct arena *pool, struct amt_diag *diag);
/* how: kept; truncated: the certificates end in the middle; unreadable: reading them is an error;
 * no_root_key: root.key is away; no_leaf: mps.crt and mps.key are away;
 * new_root: all are, as before a first start. AMT_ECONFIG for another word. */
enum amt_err data_folder_damage(const char *folder, const char *how, struct amt_diag *diag);
/* With all that is in it, one level deep. */
void data_folder_remove(const char *folder);

#endif
