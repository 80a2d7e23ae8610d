/*
 * A USB key with a file setup.bin is plugged in while the PC boots (activation.md 9): the BIOS takes the
 * next record, compares the current MEBx password, and sets what the record says.
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SETUP_FILE_H
#define AMTLAB_SIMULATOR_FIRMWARE_SETUP_FILE_H

#include "base/text.h"
#include "simulator/firmware/firmware.h"

struct setup_file_result {
    uint32_t record; /* from 1: the one that was applied, else the last that was refused; 0: none */
    bool is_file_changed; /* it has one record less to give */
    struct text story;    /* a line for each thing that was done or left out, without secrets */
};

/*
 * Boots once with file[0, len). Records that are not valid, or that were consumed, are passed over. With
 * the flag "keep records" a refused record makes way for the next; without it the BIOS stops there, since
 * the records behind it are other PCs'.
 *
 * AMT_EMALFORMED  the file is damaged, or the record breaks a rule
 * AMT_EUNKNOWN    the file is of a version that this release does not read yet
 * AMT_ESTATE      there is no record left, or what it wants does not go in this state
 * AMT_EAUTH       the current MEBx password is another
 * AMT_ECERT       this release does not take a root hash of that kind
 * AMT_ELIMIT      there is no room for another root hash
 *
 * each with diag, and nothing has changed. AMT_ENOMEM may leave the first variables of a record set.
 * result is filled in every case; free it with setup_file_result_fini.
 */
enum amt_err setup_file_apply(struct firmware *firmware, uint8_t *file, size_t len,
                              struct setup_file_result *result, struct amt_diag *diag) AMT_MUST_USE;
/* The same with the file at path, which is written back when a record was consumed. AMT_ESYS. */
enum amt_err setup_file_insert(struct firmware *firmware, const char *path,
                               struct setup_file_result *result,
                               struct amt_diag *diag) AMT_MUST_USE;
void setup_file_result_fini(struct setup_file_result *result);

#endif
