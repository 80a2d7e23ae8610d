/* MeshCentral's config.json, read as it is: AmtAcmActivation, AmtManager and the settings of AMT
 * (activation.md 8). */
#ifndef AMTLAB_MPS_ACTIVATION_MESHCENTRAL_CONFIG_H
#define AMTLAB_MPS_ACTIVATION_MESHCENTRAL_CONFIG_H

#include "mps/activation/config.h"

/*
 * Reads what one domain ("" is the default one) says, over what activation_config_init has put into
 * config. Keys are compared without regard to case; one that begins with `_` is commented out. Paths are
 * relative to the folder of the file, MeshCentral's data folder.
 *
 * Problems: with err AMT_OK what MeshCentral passes over in silence or with a warning (unknown keys of
 * these sections, values of a wrong type; ACT-SRV-058); else why nothing could be read: AMT_ECONFIG with
 * line and column of broken JSON, AMT_ESYS. AMT_OK, AMT_ECONFIG, AMT_ESYS, AMT_ENOMEM.
 */
enum amt_err meshcentral_config_read(const char *path, const char *domain,
                                     struct activation_config *config,
                                     struct amt_diag_list *problems) AMT_MUST_USE;

#endif
