/*
 * A generation of AMT as data, shared by all devices that use it: version, which classes and
 * properties it has, the instances it is born with, and its habits (wsman.md 5.4).
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PROFILE_H
#define AMTLAB_SIMULATOR_FIRMWARE_PROFILE_H

#include "base/diag.h"
#include "protocol/wsman/instance.h"
#include "runtime/config.h"
#include "simulator/firmware/classes.h"

#define FIRMWARE_INSTANCE_SETS_MAX 10u

/* What was typed by hand before the device was switched on. */
struct firmware_mebx {
    char *trusted_fqdn, *server;
    struct config_texts roots; /* PEM files */
    uint32_t server_port;
};

/* The keys of `firmware:` in a profile file; see firmware_config_keys for what each means. */
struct firmware_config {
    char *version;                     /* "16.1.25.2124": of the Server header */
    char *product;                     /* "Active Management Technology" */
    uint32_t sku;                      /* decimal bit mask of CIM_SoftwareIdentity Sku */
    char *build_number;                /* of CIM_SoftwareIdentity */
    int control_mode;                  /* enum firmware_mode at first start: none, client, admin */
    char *admin_user, *admin_password; /* "admin"; password "P@ssw0rd" unless set */
    char *admin_password_file;
    char *host_name, *domain_name;
    bool static_is_outside; /* environment detection with a static address: outside, not unknown */
    char *network_suffix;   /* DNS suffix of the network it starts in; NULL: none */
    bool has_wired, has_wireless, has_kvm;
    bool plain_network_port; /* 16992 open for network clients */
    bool plain_local_port;   /* 16992 on the local interface (AMT 19: no) */
    int qop;                 /* enum: auth, auth_int */
    int realm;               /* enum: short (4 digits), full */
    int der_key;             /* enum: pkcs1, spki */
    int domain_match;        /* enum: table, exact, suffix */
    int denial;              /* enum: fault, status (16): what a missing right answers */
    int unknown_instance;    /* enum: unreachable, selectors */
    uint64_t nonce_lifetime_us;
    bool checks_nc;             /* replay protection; default off (WSM-018) */
    bool lockout;               /* WSM-067 */
    bool empty_response_passes; /* CVE-2017-5689, opt-in defect */
    uint32_t chunk_bytes;       /* size of the buffers answers are cut into; 768 */
    uint32_t mps_login_max;     /* characters of a user name and of a password for an MPS */
    uint32_t certificates_max, key_pairs_max;
    uint64_t power_delay_us;               /* between a power request and the new state */
    uint64_t key_delay_us;                 /* GenerateKeyPair */
    uint64_t boot_us;                      /* from power on to the operating system */
    int host;                              /* enum firmware_host at start */
    struct config_texts absent_classes;    /* names */
    struct config_texts absent_properties; /* "Class.Property" */
    struct config_texts hash_algorithms;   /* "sha1" "sha256" "sha384" */
    struct firmware_mebx mebx;
    bool hello; /* born in provisioning, when it is not born provisioned */
    uint64_t hello_pause_us;
    bool built_in_roots; /* hashes of public roots from the factory */
    /* Class: [ {Property: value} ]; replaces those of the base. */
    const struct yaml_node *instances;
    /* Those of each file of a profile chain, the base first; the caller keeps the documents. */
    const struct yaml_node *instance_sets[FIRMWARE_INSTANCE_SETS_MAX];
    uint32_t instance_set_count;
};
extern const struct config_key firmware_config_keys[];

struct firmware_behaviour;

struct profile_class {
    const struct class_description *description;
    bool is_present;                            /* in this release and SKU */
    const struct wsman_instance *instances;     /* born with, in order */
    const struct firmware_behaviour *behaviour; /* NULL: data alone */
};

struct firmware_profile {
    struct arena arena;
    struct firmware_config config; /* its texts belong to the configuration it was made from */
    uint32_t release;              /* 1610 for 16.1, 1180 for 11.8; compare as release >= 1200 */
    struct profile_class *classes; /* k_class_count of them, as in k_classes */
};

/* Builds a profile from a configuration, which must outlive it. path names the file in errors. NULL with
 * errors: a version that is none, unknown classes and properties, values that do not fit. */
struct firmware_profile *firmware_profile_new(const struct firmware_config *config,
                                              const char *path, struct amt_diag_list *errors);
void firmware_profile_free(struct firmware_profile *profile);
/* NULL when the class does not exist in this release. */
const struct profile_class *firmware_profile_class(const struct firmware_profile *profile,
                                                   const char *class_name);
bool firmware_profile_has_property(const struct firmware_profile *profile, const char *class_name,
                                   const char *property);

#endif
