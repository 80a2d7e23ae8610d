/*
 * A product that the harness runs itself (`start` of a target file, harness.md 12.3): started before
 * the cases, watched between them, stopped after them. Its output goes to a file.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_TARGET_PROCESS_H
#define AMTLAB_SCENARIOS_ENGINE_TARGET_PROCESS_H

#include <sys/types.h>

#include "scenarios/engine/target.h"

#define TARGET_STARTS_MAX 10u /* of a product that ends again and again */

struct target_process {
    const struct target_file *target;
    const char *log_path;
    pid_t pid; /* also its process group; 0: not running */
    uint32_t starts;
    struct target_process *next;
};

/* Starts it and waits until it is ready. AMT_ESYS, AMT_ETIMEOUT with diag: what it said last. */
enum amt_err target_process_start(struct target_process *process, struct amt_diag *diag);
/* Did it end by itself? Writes how into out ("ended by signal 11"). It is not running then. */
bool target_process_has_ended(struct target_process *process, char *out, size_t cap);
/* Memory in KiB and open descriptors of it now; 0 when that cannot be known. */
void target_process_measure(const struct target_process *process, uint64_t *memory_kib,
                            uint64_t *descriptors);
/* Asks it and its children to end, and makes them after ten seconds. */
void target_process_stop(struct target_process *process);

#endif
