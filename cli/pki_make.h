/* The test PKI: provisioning certificates right and wrong, certificates of devices and of an MPS. */
#ifndef AMTLAB_CLI_PKI_MAKE_H
#define AMTLAB_CLI_PKI_MAKE_H

#include "base/diag.h"
#include "runtime/pki_recipes.h"

struct pki_settings {
    const char *folder, *seed, *domain, *mps_name, *password;
    const char *const *mps_names; /* further SANs; NULL-terminated, or NULL */
    const char *const *devices;   /* names; NULL-terminated; NULL: amt.DOMAIN */
};
/* Writes all files into the folder, which is made if it is not there. AMT_ESYS, AMT_EBUG, AMT_ENOMEM,
 * with diag. count gets the number of files. */
enum amt_err pki_make(const struct pki_settings *settings, uint32_t *count,
                      struct amt_diag *diag) AMT_MUST_USE;

#endif
