/* Shared by setup_file.c (which record) and setup_file_variables.c (what it does). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SETUP_FILE_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_SETUP_FILE_INTERNAL_H

#include "protocol/setupbin/rules.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/setup_file.h"

/* Does what the variables of a record say, in their order, and tells it. The record has passed
 * setupbin_check and its password is right. */
enum amt_err setup_file_set(struct firmware *firmware, const struct setupbin_record *record,
                            struct text *story, struct amt_diag *diag) AMT_MUST_USE;

#endif
