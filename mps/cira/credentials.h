/* Who may log in: the modes of apf.md 8.4. */
#ifndef AMTLAB_MPS_CIRA_CREDENTIALS_H
#define AMTLAB_MPS_CIRA_CREDENTIALS_H

#include "mps/mps.h"
#include "mps/store/store.h"

/* The users of the configuration, checked and copied. */
struct credentials {
    struct mps_user *users; /* texts are borrowed from the YAML document or the scenario */
    uint32_t user_count;
    struct store *store; /* auth: store; borrowed */
    const struct mps_config *config;
};

/* Reads config->users_node or config->users. AMT_ECONFIG with file:line:column. */
enum amt_err credentials_init(struct credentials *credentials, const struct mps_config *config,
                              struct store *store, struct amt_diag *diag) AMT_MUST_USE;
void credentials_fini(struct credentials *credentials);

/* What a login turned out to be. Only `is_good` may show on the wire (APF-MPS-026). */
struct login_verdict {
    bool is_good;
    const char *reason; /* for the log: "wrong password", "unknown user" ... */
    char group[65];     /* store mode */
};
/* fingerprint: of a client certificate that was verified, "" without one; certificate_uuid: its
 * Common Name. Takes the same time whatever is wrong. */
void credentials_check(struct credentials *credentials, const struct apf_login *login,
                       const char *fingerprint, const char *common_name,
                       struct login_verdict *verdict);

/* MeshCentral's rule (apf.md 8.1, APF-MPS-031): the first 16 characters of the group id, @ and $ as X.
 * "" when the id is shorter. */
void credentials_group_user(const char *group_id, char out[static 17]);

#endif
