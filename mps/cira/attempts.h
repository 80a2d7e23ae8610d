/* Failed logins, counted per address and per user name, so that guessing is slow. */
#ifndef AMTLAB_MPS_CIRA_ATTEMPTS_H
#define AMTLAB_MPS_CIRA_ATTEMPTS_H

#include "mps/mps.h"

struct attempts;
struct attempts *attempts_new(void);
void attempts_free(struct attempts *attempts); /* NULL is allowed */

/* May this address and user try now? Limits and window come from config. */
bool attempts_allow(struct attempts *attempts, const struct mps_config *config, const char *address,
                    const char *user, uint64_t now_us);
/* Counts one failure for both. At most 8192 names are kept; the oldest go first. */
void attempts_failed(struct attempts *attempts, const struct mps_config *config,
                     const char *address, const char *user, uint64_t now_us);

#endif
