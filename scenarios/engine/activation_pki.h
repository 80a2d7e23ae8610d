/* A test PKI as scenarios name it: a file `amtlab-pki: 1` with seed and domain (harness.md 9.3). */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTIVATION_PKI_H
#define AMTLAB_SCENARIOS_ENGINE_ACTIVATION_PKI_H

#include "scenarios/engine/pki_set.h"
#include "scenarios/engine/scenario.h"

struct activation_pki;
/* Whether a variable's text can be the path of one. */
bool activation_pki_is_path(const char *text);
/* path is relative to folder. Lives in pool. NULL with diag: cannot be read, is no such file. */
const struct activation_pki *activation_pki_open(struct pki_set *set, struct arena *pool,
                                                 const char *folder, const char *path,
                                                 struct amt_diag *diag);
/* A certificate by its name in the file or in `amtlab pki --list`. Borrowed; NULL with diag. */
const struct pki_identity *activation_pki_get(const struct activation_pki *pki, const char *name,
                                              struct amt_diag *diag);
/* "root.sha256", "leaf.subject": what expressions see. NULL with diag. */
const struct value *activation_pki_value(const struct activation_pki *pki, struct arena *pool,
                                         const char *path, struct amt_diag *diag);
/* Makes the usual certificates of a scenario's PKI now, so that its cases, which are processes of their
 * own, need not. */
void activation_pki_warm(struct pki_set *set, const struct scenario *scenario);

#endif
