/* What long-running commands share: logging, configuration from flags, readiness. */
#ifndef AMTLAB_CLI_SERVICE_H
#define AMTLAB_CLI_SERVICE_H

#include "cli/cli.h"
#include "runtime/config.h"
#include "runtime/log.h"

/* Opens the log on standard error. AMT_ECONFIG for unknown levels or format. */
enum amt_err cli_open_log(struct log *log, const char *levels, const char *format,
                          struct amt_diag *diag) AMT_MUST_USE;
/* Applies KEY=VALUE texts. AMT_ECONFIG with diag. */
enum amt_err cli_apply_sets(const struct config_key *keys, const struct cli_texts *sets, void *out,
                            struct amt_diag *diag) AMT_MUST_USE;
/* Tells systemd ("READY=1") when NOTIFY_SOCKET asks for it; see sd_notify(3). */
void cli_notify_service(const char *state);

#endif
