#include "mps/activation/config.h"

#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/config_reading.h"
#include "mps/activation/meshcentral_config.h"
#include "mps/certificates.h"
#include "runtime/config.h"

static const char *const k_types[] = { "none", "deactivate", "client", "admin", "automatic", NULL };
static const char *const k_fallbacks[] = { "keep", "clear", "use", NULL };
static const char *const k_cira_setups[] = { "leave", "clear", "set", NULL };

/* --- the keys --- */

struct certificate_keys {
    char *name, *pfx, *password, *password_file, *key;
    struct config_texts files;
    bool strict_common_name, compatible, sha384, refuses_expired;
};
#define AT(member) offsetof(struct certificate_keys, member)
const struct config_key activation_certificate_keys[] = {
    { "name", CONFIG_TEXT, AT(name), NULL, "what the set is called in warnings", .names = NULL },
    { "pfx", CONFIG_TEXT, AT(pfx), NULL, "PKCS#12 file", .names = NULL },
    { "password", CONFIG_TEXT, AT(password), NULL, "its password; better in a file",
      .names = NULL },
    { "password_file", CONFIG_TEXT, AT(password_file), NULL, "file whose first line is it",
      .names = NULL },
    { "files", CONFIG_TEXTS, AT(files), NULL, "PEM files in any order, instead of pfx",
      .names = NULL },
    { "key", CONFIG_TEXT, AT(key), NULL, "PEM file of the private key", .names = NULL },
    { "strict_common_name", CONFIG_BOOL, AT(strict_common_name), "false",
      "take the Common Name as it is, not its domain", .names = NULL },
    { "compatible", CONFIG_BOOL, AT(compatible), "false",
      "take a chain whose signatures do not verify with a warning, as MeshCentral", .names = NULL },
    { "sha384", CONFIG_BOOL, AT(sha384), "true",
      "compare SHA-384 hashes of roots too; MeshCentral does not", .names = NULL },
    { "refuses_expired", CONFIG_BOOL, AT(refuses_expired), "false",
      "do not load a chain that is out of its dates, as RPS; else only warn", .names = NULL },
    { .name = NULL },
};
#undef AT

struct policy_keys {
    char *group, *password, *mebx_password;
    int type, fallback, cira;
    bool replaces_bad_password;
};
#define AT(member) offsetof(struct policy_keys, member)
const struct config_key activation_policy_keys[] = {
    { "group", CONFIG_TEXT, AT(group), NULL, "name of the group; * for those without their own",
      .names = NULL },
    { "type", CONFIG_ENUM, AT(type), "none",
      "none, deactivate (leave client mode), client (CCM), admin (ACM), automatic",
      .names = k_types },
    { "password", CONFIG_TEXT, AT(password), NULL, "of the admin account; none: random each",
      .names = NULL },
    { "mebx_password", CONFIG_TEXT, AT(mebx_password), NULL,
      "of the MEBx in admin control mode; none: it stays, or gets that of admin if it must",
      .names = NULL },
    { "fallback", CONFIG_ENUM, AT(fallback), "keep",
      "admin only, when ACM is not possible: keep client mode, clear it, or use it",
      .names = k_fallbacks },
    { "cira", CONFIG_ENUM, AT(cira), "leave", "remote access: leave, clear or set it up",
      .names = k_cira_setups },
    { "replaces_bad_password", CONFIG_BOOL, AT(replaces_bad_password), "false",
      "activate again a device in client mode whose password is wrong", .names = NULL },
    { .name = NULL },
};
#undef AT

struct activation_keys {
    const struct yaml_node *certificates, *policies, *device_tls, *wifi;
    char *authorities, *log, *recipient, *meshcentral, *meshcentral_domain, *cira_host;
    struct config_texts home_domains;
    uint32_t cira_port, hello_port;
    char *hello_group, *hello_password, *hello_password_file, *hello_fqdn, *hello_address;
    struct config_texts hello_listen;
    char *device_host;
    uint32_t device_port;
    struct hello_limits hello_limits;
    bool own_root, prefers_upgrade, tls;
    uint64_t hold_us;
};
#define AT(member) offsetof(struct activation_keys, member)
static const struct config_key k_limit_keys[] = {
    { "connections", CONFIG_U32, AT(hello_limits.connections), "100",
      "connections to the hello port at once", .min = 1, .max = 100000 },
    { "connections_per_address", CONFIG_U32, AT(hello_limits.connections_per_address), "4",
      "of them from one address", .min = 1, .max = 100000 },
    { "devices", CONFIG_U32, AT(hello_limits.devices), "20", "devices that are set up at once",
      .min = 1, .max = 100000 },
    { "time", CONFIG_DURATION, AT(hello_limits.time_us), "10s", "for a hello packet",
      .names = NULL },
    { "pause", CONFIG_DURATION, AT(hello_limits.pause_us), "60s",
      "an address whose hello led to nothing is not listened to", .names = NULL },
    { .name = NULL },
};
static const struct config_key k_provisioning_keys[] = {
    { "port", CONFIG_U32, AT(hello_port), "0", "port for hello packets, 9971; 0: none", .min = 0,
      .max = 65535 },
    { "listen", CONFIG_TEXTS, AT(hello_listen), NULL,
      "addresses for hello packets [all, with that port]", .names = NULL },
    { "device_host", CONFIG_TEXT, AT(device_host), NULL,
      "connect to devices there [where their hello came from]", .names = NULL },
    { "device_port", CONFIG_U32, AT(device_port), "16993", "and to this port", .min = 1,
      .max = 65535 },
    { "limits", CONFIG_MAP, 0, NULL, "what anybody who says hello may cost",
      .children = k_limit_keys },
    { "group", CONFIG_TEXT, AT(hello_group), NULL, "group of the devices", .names = NULL },
    { "mebx_password", CONFIG_TEXT, AT(hello_password), NULL,
      "MEBx password they get; better in a file", .names = NULL },
    { "mebx_password_file", CONFIG_TEXT, AT(hello_password_file), NULL,
      "file whose first line is it", .names = NULL },
    { "trusted_fqdn", CONFIG_TEXT, AT(hello_fqdn), NULL, "the domain they are told",
      .names = NULL },
    { "address", CONFIG_TEXT, AT(hello_address), NULL, "IPv4 address for setup.bin",
      .names = NULL },
    { .name = NULL },
};
static const struct config_key k_cira_keys[] = {
    { "host", CONFIG_TEXT, AT(cira_host), NULL, "name or address told to devices [the MPS name]",
      .names = NULL },
    { "port", CONFIG_U32, AT(cira_port), "0", "port told to devices; 0: the one it listens on",
      .min = 0, .max = 65535 },
    { "home_domains", CONFIG_TEXTS, AT(home_domains), NULL,
      "networks in which devices do not call (up to four)", .names = NULL },
    { .name = NULL },
};
const struct config_key activation_config_keys[] = {
    { "certificates", CONFIG_NODE, AT(certificates), NULL,
      "list of sets {name, pfx, password_file} or {name, files, key}", .names = NULL },
    { "authorities", CONFIG_TEXT, AT(authorities), NULL,
      "PEM file of intermediates and roots that may complete a chain", .names = NULL },
    { "own_root", CONFIG_BOOL, AT(own_root), "false",
      "issue leaves under the server's own root to devices that trust it", .names = NULL },
    { "log", CONFIG_TEXT, AT(log), NULL, "activation log [amtactivation.log in data]",
      .names = NULL },
    { "recipient", CONFIG_TEXT, AT(recipient), NULL,
      "PEM certificate to which passwords in the log are encrypted", .names = NULL },
    { "policies", CONFIG_NODE, AT(policies), NULL, "list of {group, type, password, ...}",
      .names = NULL },
    { "cira", CONFIG_MAP, 0, NULL, "what activated devices shall call", .children = k_cira_keys },
    { "device_tls", CONFIG_NODE, AT(device_tls), NULL,
      "give activated devices a certificate of this root and switch TLS on: {certificate, key} or "
      "{pfx, password_file}",
      .names = NULL },
    { "wifi", CONFIG_NODE, AT(wifi), NULL,
      "Wi-Fi profiles for activated devices: list of {ssid, password_file, ...}", .names = NULL },
    { "provisioning", CONFIG_MAP, 0, NULL, "bare metal: devices that say hello",
      .children = k_provisioning_keys },
    { "prefers_upgrade", CONFIG_BOOL, AT(prefers_upgrade), "false",
      "CCM to ACM by UpgradeClientToAdmin instead of deactivating first", .names = NULL },
    { "tls", CONFIG_BOOL, AT(tls), "true", "activate by TLS where a device enforces it",
      .names = NULL },
    { "hold", CONFIG_DURATION, AT(hold_us), "0", "the waits between steps; 0: MeshCentral's",
      .names = NULL },
    { "meshcentral", CONFIG_TEXT, AT(meshcentral), NULL,
      "config.json of MeshCentral, read before the keys here", .names = NULL },
    { "meshcentral_domain", CONFIG_TEXT, AT(meshcentral_domain), "", "which of its domains",
      .names = NULL },
    { .name = NULL },
};
#undef AT

/* --- reading --- */

void activation_config_init(struct activation_config *config)
{
    memset(config, 0, sizeof *config);
    config->mps.port = ACTIVATION_CIRA_PORT;
    config->mps.has_manager = true;
    config->mps.name = config->mps.bind = config->mps.alias_host = "";
}

bool activation_password_is_good(const char *password)
{
    bool has_digit = false;
    bool has_lower = false;
    bool has_upper = false;
    bool has_other = false;
    size_t len = strlen(password);
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)password[i];
        has_digit = has_digit || isdigit(c) != 0;
        has_lower = has_lower || islower(c) != 0;
        has_upper = has_upper || isupper(c) != 0;
        has_other = has_other || isalnum(c) == 0;
    }
    return len >= ACTIVATION_PASSWORD_MIN && len <= ACTIVATION_PASSWORD_MAX && has_digit &&
           has_lower && has_upper && has_other;
}

struct reader {
    struct config_reading base;
    struct activation_config *config;
    const char *authorities;
};

static const char *const *keep_list(struct reader *r, const struct config_texts *texts)
{
    const char **list = arena_alloc(&r->config->arena, (texts->count + 1u) * sizeof *list);
    if (list == NULL) {
        r->base.err = AMT_ENOMEM;
        return NULL;
    }
    for (uint32_t i = 0; i < texts->count; i++) {
        list[i] = config_keep(&r->base, texts->items[i]);
    }
    return list;
}

/* The first line of a file; NULL and an error when there is none. */
static const char *keep_first_line(struct reader *r, const struct yaml_node *node, const char *path)
{
    char line[CONFIG_LINE_BYTES] = "";
    if (!config_first_line(path, line)) {
        config_refuse(&r->base, node, "name a file whose first line is the password",
                      "a password_file cannot be read");
        return NULL;
    }
    const char *kept = config_keep(&r->base, line);
    amt_wipe(line, sizeof line);
    return kept;
}

static void fill_source(struct reader *r, const struct yaml_node *node,
                        const struct certificate_keys *keys,
                        struct activation_certificate_source *source)
{
    memset(source, 0, sizeof *source);
    source->label = config_keep(&r->base, keys->name == NULL ? "unnamed" : keys->name);
    source->is_strict_common_name = keys->strict_common_name;
    source->is_compatible = keys->compatible;
    source->ignores_sha384 = !keys->sha384;
    source->refuses_expired = keys->refuses_expired;
    source->authorities_path = r->authorities;
    if (keys->pfx != NULL) {
        source->pfx_path = config_keep(&r->base, keys->pfx);
        source->pfx_password =
            keys->password_file != NULL
                ? keep_first_line(r, node, keys->password_file)
                : config_keep(&r->base, keys->password == NULL ? "" : keys->password);
    } else {
        source->cert_paths = keep_list(r, &keys->files);
        source->key_path = config_keep(&r->base, keys->key);
    }
    bool has_files = keys->files.count > 0 && keys->key != NULL;
    if ((keys->pfx == NULL && !has_files) || (keys->pfx != NULL && keys->files.count > 0) ||
        (keys->password != NULL && keys->password_file != NULL)) {
        config_refuse(&r->base, node,
                      "for example {name: main, pfx: main.pfx, password_file: main.pass}",
                      "a certificate set has either pfx with a password, or files and key");
    }
}

static void read_certificate(struct reader *r, const struct yaml_node *node)
{
    struct certificate_keys keys;
    enum amt_err err =
        config_read(activation_certificate_keys, node, r->base.path, &keys, r->base.problems);
    bool is_off = err == AMT_OK && keys.name != NULL && keys.name[0] == '_'; /* ACT-SRV-005 */
    if (err != AMT_OK) {
        r->base.err = err;
    } else if (!is_off && r->config->source_count == ACTIVATION_SETS_MAX) {
        config_refuse(&r->base, node, "remove what is no longer used",
                      "there are too many certificate sets");
    } else if (!is_off) {
        fill_source(r, node, &keys, &r->config->sources[r->config->source_count]);
        r->config->source_count += 1;
    }
    if (keys.password != NULL) {
        amt_wipe(keys.password, strlen(keys.password));
    }
    config_fini(activation_certificate_keys, &keys);
}

static void fill_policy(struct reader *r, const struct yaml_node *node,
                        const struct policy_keys *keys)
{
    struct activation_group_policy *entry = &r->config->policies[r->config->policy_count];
    const char *password = keys->password == NULL ? "" : keys->password;
    const char *mebx = keys->mebx_password == NULL ? "" : keys->mebx_password;
    if (keys->group == NULL) {
        config_refuse(&r->base, node, "for example {group: office, type: admin}",
                      "a policy needs a group");
        return;
    }
    if ((password[0] != '\0' && !activation_password_is_good(password)) ||
        (mebx[0] != '\0' && !activation_password_is_good(mebx))) {
        config_refuse(&r->base, node,
                      "8 to 32 characters with a digit, a lower and an upper letter and another",
                      "the password of a policy is none that AMT takes");
        return;
    }
    entry->group = config_keep(&r->base, keys->group);
    entry->policy.type = (enum activation_policy_type)keys->type;
    entry->policy.fallback = (enum activation_fallback)keys->fallback;
    entry->policy.cira_setup = (uint32_t)keys->cira;
    entry->policy.replaces_bad_password = keys->replaces_bad_password;
    if (entry->policy.type == ACTIVATION_POLICY_AUTOMATIC) { /* activation.md 6.5 */
        entry->policy.replaces_bad_password = true;
        entry->policy.cira_setup = 2;
    }
    if (secret_set(&entry->policy.password, password, (uint32_t)strlen(password)) == AMT_OK &&
        secret_set(&entry->policy.mebx_password, mebx, (uint32_t)strlen(mebx)) == AMT_OK) {
        r->config->policy_count += 1;
    }
}

static void read_policy(struct reader *r, const struct yaml_node *node)
{
    struct policy_keys keys;
    enum amt_err err =
        config_read(activation_policy_keys, node, r->base.path, &keys, r->base.problems);
    if (err != AMT_OK) {
        r->base.err = err;
    } else if (r->config->policy_count == ACTIVATION_POLICIES_MAX) {
        config_refuse(&r->base, node, "use group \"*\" for most of them",
                      "there are too many policies");
    } else {
        fill_policy(r, node, &keys);
    }
    if (keys.password != NULL) {
        amt_wipe(keys.password, strlen(keys.password));
    }
    if (keys.mebx_password != NULL) {
        amt_wipe(keys.mebx_password, strlen(keys.mebx_password));
    }
    config_fini(activation_policy_keys, &keys);
}

static void read_list(struct reader *r, const struct yaml_node *list,
                      void (*read_item)(struct reader *r, const struct yaml_node *node))
{
    if (list == NULL) {
        return;
    }
    if (list->kind != YAML_LIST) {
        config_refuse(&r->base, list, "begin each entry with a dash",
                      "certificates and policies are lists");
        return;
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (node->kind == YAML_MAP) {
            read_item(r, node);
        } else {
            config_refuse(&r->base, node, "for example {name: main, pfx: main.pfx}",
                          "an entry of a list is a map of keys");
        }
    }
}

static void read_cira(struct reader *r, const struct yaml_node *node,
                      const struct activation_keys *keys)
{
    struct activation_config *config = r->config;
    if (keys->cira_host != NULL) {
        config->cira_host = config_keep(&r->base, keys->cira_host);
    }
    if (keys->cira_port != 0) {
        config->cira_port = (uint16_t)keys->cira_port;
    }
    if (keys->home_domains.count > ACTIVATION_HOME_MAX) {
        config_refuse(&r->base, node, "keep four of them", "a device knows four home domains");
        return;
    }
    for (uint32_t i = 0; i < keys->home_domains.count; i++) {
        config->home_domains[i] = config_keep(&r->base, keys->home_domains.items[i]);
        config->home_domains[i + 1] = NULL;
    }
}

static void read_provisioning(struct reader *r, const struct yaml_node *node,
                              const struct activation_keys *keys)
{
    struct activation_provisioning *provisioning = &r->config->provisioning;
    provisioning->limits = keys->hello_limits; /* also for a server of config.json */
    if (keys->device_host != NULL) {
        provisioning->device_host = config_keep(&r->base, keys->device_host);
    }
    provisioning->device_port = (uint16_t)keys->device_port;
    if (keys->hello_listen.count > 0) {
        provisioning->listen = keep_list(r, &keys->hello_listen);
    }
    bool is_of_meshcentral = provisioning->is_on && keys->hello_group == NULL;
    if ((keys->hello_port == 0 && keys->hello_listen.count == 0) || is_of_meshcentral) {
        return;
    }
    const char *password = keys->hello_password_file != NULL
                               ? keep_first_line(r, node, keys->hello_password_file)
                               : keys->hello_password;
    if (keys->hello_group == NULL || keys->hello_fqdn == NULL || password == NULL ||
        !activation_password_is_good(password)) {
        config_refuse(
            &r->base, node,
            "mebx_password: 8 to 32 characters with a digit, a lower and an upper letter and "
            "another",
            "provisioning needs a group, trusted_fqdn and a good mebx_password");
        return;
    }
    provisioning->is_on = true;
    provisioning->port = keys->hello_port == 0 ? ACTIVATION_HELLO_PORT : (uint16_t)keys->hello_port;
    provisioning->group = config_keep(&r->base, keys->hello_group);
    provisioning->trusted_fqdn = config_keep(&r->base, keys->hello_fqdn);
    provisioning->address = config_keep(&r->base, keys->hello_address);
    if (secret_set(&provisioning->mebx_password, password, (uint32_t)strlen(password)) != AMT_OK) {
        r->base.err = AMT_ECONFIG;
    }
}

static void read_keys(struct reader *r, const struct yaml_node *node,
                      const struct activation_keys *keys)
{
    struct activation_config *config = r->config;
    if (keys->meshcentral != NULL) {
        const char *path = config_keep(&r->base, keys->meshcentral);
        enum amt_err err = path == NULL ? AMT_ENOMEM
                                        : meshcentral_config_read(path, keys->meshcentral_domain,
                                                                  config, r->base.problems);
        r->base.err = err == AMT_OK ? r->base.err : err;
    }
    r->authorities = config_keep(&r->base, keys->authorities);
    config->has_own_root = config->has_own_root || keys->own_root;
    config->prefers_upgrade = keys->prefers_upgrade;
    config->hold_us = keys->hold_us;
    config->allows_tls = config->allows_tls || keys->tls;
    config->log_path = keys->log == NULL ? config->log_path : config_keep(&r->base, keys->log);
    config->recipient = config_keep(&r->base, keys->recipient);
    read_list(r, keys->certificates, read_certificate);
    read_list(r, keys->policies, read_policy);
    enum amt_err err =
        activation_equipment_read(keys->device_tls, keys->wifi, r->base.path, &config->arena,
                                  &config->equipment, r->base.problems);
    r->base.err = err == AMT_OK ? r->base.err : err;
    read_cira(r, node, keys);
    read_provisioning(r, node, keys);
}

enum amt_err activation_config_read(const struct yaml_node *node, const char *path,
                                    struct activation_config *config,
                                    struct amt_diag_list *problems)
{
    struct reader r = { { path, &config->arena, problems, AMT_OK }, config, NULL };
    struct activation_keys keys;
    activation_config_init(config);
    enum amt_err err = config_read(activation_config_keys, node, path, &keys, problems);
    if (err == AMT_OK && node != NULL) {
        read_keys(&r, node, &keys);
    }
    if (keys.hello_password != NULL) {
        amt_wipe(keys.hello_password, strlen(keys.hello_password));
    }
    config_fini(activation_config_keys, &keys);
    return err == AMT_OK ? r.base.err : err;
}

void activation_config_fini(struct activation_config *config)
{
    for (uint32_t i = 0; i < config->policy_count; i++) {
        secret_fini(&config->policies[i].policy.password);
        secret_fini(&config->policies[i].policy.mebx_password);
    }
    for (uint32_t i = 0; i < config->account_count; i++) {
        secret_fini(&config->accounts[i].password);
    }
    secret_fini(&config->provisioning.mebx_password);
    secret_fini(&config->mps.password);
    activation_equipment_wipe(&config->equipment);
    arena_fini(&config->arena);
    memset(config, 0, sizeof *config);
}

const struct activation_policy *activation_config_policy(const struct activation_config *config,
                                                         const char *group)
{
    const struct activation_policy *of_all = NULL;
    for (uint32_t i = 0; i < config->policy_count; i++) {
        if (strcmp(config->policies[i].group, group) == 0) {
            return &config->policies[i].policy;
        }
        if (strcmp(config->policies[i].group, "*") == 0) {
            of_all = &config->policies[i].policy;
        }
    }
    return of_all;
}

/* --- loading what it names --- */

static enum amt_err add_own_root(const struct activation_config *config,
                                 const struct mps_config *mps, struct activation_certificates *set,
                                 struct amt_diag_list *problems)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *root =
        config->own_root_certificate == NULL
            ? mps_own_root(mps, &diag)
            : pki_load(config->own_root_certificate, config->own_root_key, &diag);
    if (root == NULL) {
        struct amt_diag *added = problems == NULL
                                     ? NULL
                                     : amt_diag_list_add(problems, AMT_OK,
                                                         config->own_root_certificate == NULL
                                                             ? ""
                                                             : config->own_root_certificate,
                                                         0, 0);
        (void)amt_diag_set(added, AMT_OK, "the own root issues no certificates: %s", diag.text);
        (void)amt_diag_hint(added, "%s", diag.hint);
        return AMT_OK;
    }
    enum amt_err err = activation_certificates_add_root(set, root);
    pki_identity_free(root);
    return err;
}

struct activation_certificates *
activation_config_certificates(const struct activation_config *config, const struct mps_config *mps,
                               uint64_t now_s, struct amt_diag_list *problems)
{
    struct activation_certificates *set = activation_certificates_new();
    enum amt_err err = set == NULL ? AMT_ENOMEM : AMT_OK;
    for (uint32_t i = 0; err == AMT_OK && i < config->source_count; i++) {
        err = activation_certificates_load(set, &config->sources[i], now_s, problems);
        err = err == AMT_ECERT ? AMT_OK : err; /* ACT-SRV-003: the others still load */
    }
    if (err == AMT_OK && config->has_own_root) {
        err = add_own_root(config, mps, set, problems);
    }
    if (err != AMT_OK) {
        activation_certificates_free(set);
        return NULL;
    }
    return set;
}
