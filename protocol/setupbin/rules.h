/* Which variables a record of setup.bin may have, and in which order (activation.md 9.2). */
#ifndef AMTLAB_PROTOCOL_SETUPBIN_RULES_H
#define AMTLAB_PROTOCOL_SETUPBIN_RULES_H

#include "protocol/setupbin/variables.h"

/* Called for each fault of a record, in the order of the rules; fault lives during the call. */
typedef void setupbin_report_fn(void *ctx, const struct setupbin_fault *fault);

/* Checks data record `index` (from 0) of a file; report may be NULL. Returns how many faults are no
 * warnings: a BIOS refuses a record that has any. */
uint32_t setupbin_check(const struct setupbin_header *header, uint32_t index,
                        const struct setupbin_record *record, setupbin_report_fn *report,
                        void *ctx);

#endif
