/* The server's own root and certificate in the data directory. */
#ifndef AMTLAB_MPS_CERTIFICATES_H
#define AMTLAB_MPS_CERTIFICATES_H

#include "mps/mps.h"

/*
 * Loads root.crt, root.key, mps.crt and mps.key from config->data; makes what is missing. The MPS
 * certificate is made anew when its name, SANs or kind of key no longer fit, or 30 days before it
 * ends; the root stays, because devices have it installed. A certificate of another authority in
 * their place is used while it fits and never overwritten. Without a data directory both live in
 * memory only. NULL with diag: what is wrong with which file, and what to do.
 */
struct pki_identity *mps_certificates(const struct mps_config *config, uint64_t wall_us,
                                      struct log *log, struct amt_diag *diag);

/* The root of the data directory with its key, as far as it is one made here; NULL with diag: there is no
 * data directory, no root.key (a root of another authority), or a file that cannot be used. */
struct pki_identity *mps_own_root(const struct mps_config *config, struct amt_diag *diag);

#endif
