/* `--target device=...`: a device at an address, or one that calls us. */
#ifndef AMTLAB_CLI_RUN_DEVICE_H
#define AMTLAB_CLI_RUN_DEVICE_H

#include "scenarios/engine/case_run.h"

/* Reads "HOST[:16992]", "HOST:16993", "tls:HOST:PORT", "listen:PORT" or "listen:HOST:PORT" into the
 * target. AMT_ECONFIG with diag. */
enum amt_err run_device_target(const char *text, struct engine_target *target,
                               struct amt_diag *diag) AMT_MUST_USE;

#endif
