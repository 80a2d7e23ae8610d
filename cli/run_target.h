/* `amtlab run --target`: products in the place of built-in actors, and what is expected of them. */
#ifndef AMTLAB_CLI_RUN_TARGET_H
#define AMTLAB_CLI_RUN_TARGET_H

#include "cli/cli.h"
#include "scenarios/engine/runner.h"

struct run_targets {
    struct arena pool;
    struct engine_target *first;
    struct target_file *files[4];
    uint32_t file_count;
    struct target_process *processes;
    struct expectations *expectations;
};

/* Reads --target ROLE=FILE|HOST:PORT. CLI_OK, or an exit code after a message on stderr. */
int run_targets_read(struct run_targets *targets, const struct cli_texts *texts);
/* Reads --expectations FILE, and whether they are about the target. */
int run_targets_expect(struct run_targets *targets, const char *path);
/* Starts the products that have a `start`, with their output in folder. */
int run_targets_start(struct run_targets *targets, const char *folder);
/* Ends what was started and frees everything; may be called at any time. */
void run_targets_close(struct run_targets *targets);
/* "mps=MeshCentral 1.1.55 (127.0.0.1:4433)" for reports; appended to out. */
void run_targets_describe(const struct run_targets *targets, struct text *out);
/* "MeshCentral 1.1.55" of the first target file, or "". */
const char *run_targets_name(struct run_targets *targets);

/* --dry-run: the cases, and what each would send; nothing is connected. */
void run_targets_list(const struct suite *suite, bool shows_steps, struct text *out);

#endif
