/*
 * What the activation server is told: certificates, log, policies of groups, the server that devices
 * shall call. Read from our YAML (`activation:` of the MPS configuration) or, as it is, from
 * MeshCentral's config.json (meshcentral_config.h); the result is the same struct.
 */
#ifndef AMTLAB_MPS_ACTIVATION_CONFIG_H
#define AMTLAB_MPS_ACTIVATION_CONFIG_H

#include "base/arena.h"
#include "mps/activation/equipment.h"
#include "mps/activation/hello.h"
#include "mps/activation/job.h"
#include "mps/mps.h"
#include "runtime/config.h"
#include "runtime/yaml.h"

#define ACTIVATION_SETS_MAX     64u
#define ACTIVATION_POLICIES_MAX 256u
#define ACTIVATION_ACCOUNTS_MAX 16u
#define ACTIVATION_HOME_MAX     4u /* environment detection domains (8.2) */
#define ACTIVATION_HELLO_PORT   9971u
#define ACTIVATION_CIRA_PORT    4433u
#define ACTIVATION_PASSWORD_MIN 8u
#define ACTIVATION_PASSWORD_MAX 32u

struct activation_group_policy {
    const char *group;
    struct activation_policy policy;
};

struct activation_account {
    const char *user;
    struct secret password;
};

/* Bare metal (activation.md 8.4, 11). */
struct activation_provisioning {
    bool is_on;
    uint16_t port;             /* where listen names none */
    const char *const *listen; /* addresses, NULL-terminated; none: all of this host */
    const char *group;         /* its name, or "mesh/<domain>/<id>" as in config.json */
    const char *trusted_fqdn, *address;
    const char *device_host; /* devices are connected to there; NULL: where their hello came from */
    uint16_t device_port;    /* 0: 16993 */
    struct hello_limits limits;
    struct secret mebx_password;
};

/* The MPS as MeshCentral's settings describe it (8.3); only from config.json. */
struct activation_mps_settings {
    const char *name;    /* Cert: "" for none */
    const char *bind;    /* MpsPortBind; "" for all */
    uint16_t port;       /* 0: no MPS (ACT-SRV-059) */
    uint16_t alias_port; /* 0: port */
    const char *alias_host;
    const char *const *lan_names; /* CiraLocalFqdn, NULL-terminated */
    struct secret password;       /* MpsPass; empty: none */
    bool is_lan_only, is_wan_only, is_tls_offloaded, is_high_security;
    bool has_manager; /* AmtManager is not false */
};

struct activation_config {
    struct arena arena; /* all texts; secrets are wiped by activation_config_fini */
    struct activation_certificate_source sources[ACTIVATION_SETS_MAX];
    uint32_t source_count;
    bool has_own_root; /* the server's own root is a set too, the last */
    const char *own_root_certificate, *own_root_key; /* PEM; NULL: the root of the MPS */
    const char *log_path; /* NULL: amtactivation.log in the data directory */
    const char
        *recipient; /* PEM certificate to which passwords in the log are encrypted, or NULL */
    struct activation_group_policy policies[ACTIVATION_POLICIES_MAX];
    uint32_t policy_count;
    struct activation_account accounts[ACTIVATION_ACCOUNTS_MAX]; /* logins to try */
    uint32_t account_count;
    const char *cira_host; /* told to devices; NULL: the name of the MPS */
    uint16_t cira_port;    /* 0: the one it listens on */
    const char *home_domains[ACTIVATION_HOME_MAX + 1]; /* NULL-terminated */
    bool prefers_upgrade, allows_tls;                  /* TlsAcmActivation */
    uint64_t hold_us;                                  /* 0: the waits of activation.md 4.2 */
    struct activation_equipment_config equipment;      /* for devices that were activated */
    struct activation_provisioning provisioning;
    struct activation_mps_settings mps;
};

/* The keys, for `--print-config`: of `activation:`, of an entry of `certificates:`, of `policies:`. */
extern const struct config_key activation_config_keys[], activation_certificate_keys[],
    activation_policy_keys[];

/* Defaults, as before anything is read. */
void activation_config_init(struct activation_config *config);
/* Binds `activation:`; node NULL: defaults. Errors have file, line and column; what a config.json that it
 * names says comes first, and its problems are added too. AMT_OK, AMT_ECONFIG, AMT_ENOMEM. Call
 * activation_config_fini in either case. */
enum amt_err activation_config_read(const struct yaml_node *node, const char *path,
                                    struct activation_config *config,
                                    struct amt_diag_list *problems) AMT_MUST_USE;
void activation_config_fini(struct activation_config *config);
/* The policy of a group; that of "*" if it has none of its own; NULL. */
const struct activation_policy *activation_config_policy(const struct activation_config *config,
                                                         const char *group);
/* Loads every set; one that fails is a problem and the others go on (ACT-SRV-003). The own root, if there
 * shall be one and config names none, is that of the MPS (mps_own_root). NULL without memory. */
struct activation_certificates *
activation_config_certificates(const struct activation_config *config, const struct mps_config *mps,
                               uint64_t now_s, struct amt_diag_list *problems);
/* AMT's rule for passwords: 8 to 32 characters with digit, lower, upper and another (6.5). */
bool activation_password_is_good(const char *password);
/* A random one (ACT-SRV-034). False without memory. */
bool activation_password_draw(struct loop *loop, struct secret *password);

#endif
