/*
 * The activation server as a whole: certificates, log, policies, and the ports where clients come in
 * (HTTPS; /apf.ashx speaks MeshCentral's host protocol, any other WebSocket the RPS protocol) and where
 * devices say hello.
 */
#ifndef AMTLAB_MPS_ACTIVATION_SERVICE_H
#define AMTLAB_MPS_ACTIVATION_SERVICE_H

#include "mps/activation/config.h"
#include "mps/mps.h"
#include "mps/store/store.h"
#include "runtime/tls.h"

#define ACTIVATION_GROUP_ID_CHARS 65u /* with its 0 */

struct activation_service_settings {
    struct loop *loop;
    struct log *log;
    const struct mps_config *config;
    struct store *store;                 /* NULL: the users of the configuration are the groups */
    struct tls_context *tls;             /* NULL: plain HTTP */
    const struct pki_identity *identity; /* of the MPS, with its root above it; for CIRA set-up */
    /* Signs the TLS certificates that devices get; NULL: the root of the data directory. */
    const struct pki_identity *tls_issuer;
    uint16_t cira_port; /* where it listens, for devices told nothing else */
    enum mps_mode mode; /* in effect (activation_mode) */
};
/* The mode in effect: that of the configuration; where it says nothing, that of the config.json which
 * `activation:` names (LANonly, WANonly). */
enum mps_mode activation_mode(const struct mps_config *config);

struct activation_service;
/* Listens when it returns, on no address if none is configured: then it only publishes what the server
 * offers (mps/onboarding.h). NULL with diag: the configuration, the log (F46: without it there is no
 * service), an address. Certificate sets that cannot be loaded are logged, one event each. */
struct activation_service *activation_service_start(const struct activation_service_settings *s,
                                                    struct amt_diag *diag);
/* Ends all conversations. NULL is allowed. */
void activation_service_free(struct activation_service *service);
bool activation_service_address(const struct activation_service *service, struct address *address);
/* Where devices say hello; false: nowhere. */
bool activation_service_hello_address(const struct activation_service *service,
                                      struct address *address);

/* The id of a group for activation commands (64 characters): made from its name and CIRA password, so it
 * cannot be guessed and changes with the password. AMT_EUNKNOWN. */
enum amt_err activation_group_id(struct store *store, const char *group,
                                 char out[static ACTIVATION_GROUP_ID_CHARS],
                                 struct amt_diag *diag) AMT_MUST_USE;

#endif
