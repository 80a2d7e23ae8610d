/* The files of a certificate set of an activation actor: names of the test PKI become PEM or PKCS#12. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTIVATION_FILES_H
#define AMTLAB_SCENARIOS_ENGINE_ACTIVATION_FILES_H

#include "scenarios/engine/activation_pki.h"
#include "scenarios/engine/case_run.h"
#include "scenarios/engine/grammar.h"

extern const struct key_def k_activation_set_keys[];
/* Writes what a set names into the case's folder. The entry for `certificates:` of the server's
 * configuration, NULL with diag. */
struct value *activation_files_write(struct case_run *run, const struct activation_pki *pki,
                                     const struct value *set, const char *name,
                                     struct amt_diag *diag);

#endif
