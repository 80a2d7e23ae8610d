/* Actor kind `activation`: the activation server, in this process, or a target. */
#include "scenarios/engine/actor_activation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "mps/activation/log.h"
#include "mps/activation/service.h"
#include "runtime/tls.h"
#include "scenarios/engine/activation_files.h"
#include "scenarios/engine/actor_parts.h"

/* One group for each policy; what devices of it log in with at the MPS. */
#define GROUPS        5u
#define CIRA_PASSWORD "P@ssw0rd"
#define ID_BYTES      32u

const char *const k_activation_groups[GROUPS + 1] = { "none", "deactivate", "ccm",
                                                      "acm",  "automatic",  NULL };
static const char *const k_types[GROUPS] = { "none", "deactivate", "client", "admin", "automatic" };

struct activation_actor {
    struct mps_config config;
    struct mps_user users[GROUPS];
    struct activation_service *service;
    struct tls_context *tls;
    const struct pki_identity *identity;
    struct pki_identity *tls_issuer; /* of the certificates that devices get */
    const char *log_path;
    uint64_t last_flush_us;
};

static const char *const k_fallbacks[] = { "keep", "clear", "use", NULL };
static const char *const k_setups[] = { "leave", "clear", "set", NULL };
static const struct key_def k_log_keys[] = {
    { "path", KEY_TEXT, false, "file, default ${tmp}/activation.log", NULL, NULL },
    { "required", KEY_BOOL, false, "true, as this server always has it: no log, no activation",
      NULL, NULL },
    { "mode", KEY_TEXT, false, "what somebody does to its rights after the start: \"0644\"", NULL,
      NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_policy_keys[] = {
    { "type", KEY_WORD, false, "mode for devices that name none, default acm", k_activation_groups,
      NULL },
    { "password", KEY_TEXT, false, "of the admin account, default random for each", NULL, NULL },
    { "fallback", KEY_WORD, false, "acm that is not possible: keep, clear or use client mode",
      k_fallbacks, NULL },
    { "cira", KEY_WORD, false, "remote access: leave, clear or set", k_setups, NULL },
    { "replaces_bad_password", KEY_BOOL, false, "activates again a device with another password",
      NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_provisioning_keys[] = {
    { "trusted_fqdn", KEY_TEXT, true, "the domain that devices were told", NULL, NULL },
    { "group", KEY_WORD, false, "policy of the devices, default that of the actor",
      k_activation_groups, NULL },
    { "mebx_password", KEY_TEXT, false, "that they get, default P@ssw0rd1", NULL, NULL },
    { "device_host", KEY_TEXT, false, "where they are, default where their hello came from", NULL,
      NULL },
    { "device_port", KEY_NUMBER, false, "default 16993", NULL, NULL },
    { "limits", KEY_MAP, false, "as of the product: devices, pause ...", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "activation", NULL, NULL },
    { "listen", KEY_TEXT, false, "address; default 127.0.0.1:0, a free port", NULL, NULL },
    { "tls", KEY_BOOL, false, "false: ws instead of wss", NULL, NULL },
    { "pki", KEY_TEXT, false, "file of a test PKI, relative to the scenario", NULL, NULL },
    { "chain", KEY_TEXTS, false, "certificates of the only set, in any order", NULL, NULL },
    { "key", KEY_TEXT, false, "whose private key it has, default the first certificate's", NULL,
      NULL },
    { "set", KEY_MAP, false, "further keys of that set: form, password, compatible …", NULL, NULL },
    { "certificates", KEY_LIST, false, "several sets: [{ chain, key, form … }]", NULL, NULL },
    { "own_root", KEY_BOOL, false, "issues leaves under its own root", NULL, NULL },
    { "log", KEY_MAP, false, "the activation log", NULL, k_log_keys },
    { "policy", KEY_MAP, false, "what devices get", NULL, k_policy_keys },
    { "provisioning", KEY_MAP, false, "bare metal: devices that say hello", NULL,
      k_provisioning_keys },
    { "prefers_upgrade", KEY_BOOL, false, "CCM to ACM without deactivating first", NULL, NULL },
    { "hold", KEY_DURATION, false, "waits between steps, default 100ms; 0: those of the product",
      NULL, NULL },
    { "calls", KEY_TEXT, false, "the mps that activated devices shall call; default: none answers",
      NULL, NULL },
    { "path", KEY_TEXT, false, "of a target's URL, default /apf.ashx, or /activate for rps", NULL,
      NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

const char *activation_actor_group_id(struct arena *pool, const char *group)
{
    uint8_t bytes[ID_BYTES];
    struct text hex = { 0 };
    pki_seed_bytes("activation group", group, bytes, sizeof bytes);
    text_hex(&hex, bytes, sizeof bytes);
    return pool_take(pool, &hex);
}

const char *activation_actor_mode(const struct actor *actor)
{
    return actor_text(actor, "policy.type", "acm");
}

bool activation_actor_speaks_tls(const struct actor *actor)
{
    const struct value *tls = actor_get(actor, "tls");
    return tls == NULL || expr_holds(tls);
}

const struct activation_pki *activation_actor_pki(struct case_run *run, const struct value *path,
                                                  struct amt_diag *diag)
{
    return activation_pki_open(run->options->pki, &run->pool, run->scenario->folder,
                               path == NULL ? "" : value_written(&run->pool, path), diag);
}

/* --- the configuration --- */

static enum amt_err add_set(struct actor *actor, const struct activation_pki *pki,
                            const struct value *set, struct value *sets, struct amt_diag *diag)
{
    const char *name = pool_printf(&actor->run->pool, "%s-%u", actor->name, sets->count);
    struct value *entry = activation_files_write(actor->run, pki, set, name, diag);
    if (entry != NULL) {
        value_append(sets, entry);
    }
    return entry == NULL ? diag->err : AMT_OK;
}

static enum amt_err add_sets(struct actor *actor, struct value *node, struct amt_diag *diag)
{
    struct arena *pool = &actor->run->pool;
    const struct value *path = actor_get(actor, "pki"), *chain = actor_get(actor, "chain"),
                       *key = actor_get(actor, "key"), *more = actor_get(actor, "set"),
                       *list = actor_get(actor, "certificates");
    struct value *sets = value_list(pool);
    const struct activation_pki *pki =
        path == NULL ? NULL : activation_actor_pki(actor->run, path, diag);
    if (path != NULL && pki == NULL) {
        return diag->err;
    }
    if (chain != NULL) {
        struct value *set = value_map(pool);
        for (const struct value *at = more == NULL ? NULL : more->first; at != NULL;
             at = at->next) {
            value_put(pool, set, at->key, value_copy(pool, at));
        }
        value_put(pool, set, "chain", value_copy(pool, chain));
        if (key != NULL) {
            value_put(pool, set, "key", value_copy(pool, key));
        }
        TRY(add_set(actor, pki, set, sets, diag));
    }
    for (const struct value *at = list == NULL ? NULL : list->first; at != NULL; at = at->next) {
        TRY(add_set(actor, pki, at, sets, diag));
    }
    value_put(pool, node, "certificates", sets);
    return AMT_OK;
}

static void add_policies(struct actor *actor, struct value *node)
{
    struct arena *pool = &actor->run->pool;
    const struct value *policy = actor_get(actor, "policy");
    const struct value *password = value_get(policy, "password");
    struct value *policies = value_list(pool);
    for (uint32_t i = 0; i < GROUPS; i++) {
        struct value *entry = value_map(pool);
        for (const struct value *at = policy == NULL ? NULL : policy->first; at != NULL;
             at = at->next) {
            value_put(pool, entry, at->key, value_copy(pool, at));
        }
        value_put(pool, entry, "group", value_text(pool, k_activation_groups[i]));
        value_put(pool, entry, "type", value_text(pool, k_types[i]));
        value_append(policies, entry);
    }
    if (password != NULL && password->kind == VALUE_TEXT) {
        secrets_add(&actor->run->secrets, password->text);
    }
    value_put(pool, node, "policies", policies);
}

/* The MPS that devices are told: its address, since scenarios have no names. */
static enum amt_err add_server(struct actor *actor, struct value *node, struct amt_diag *diag)
{
    struct arena *pool = &actor->run->pool;
    const char *to = actor_text(actor, "calls", NULL);
    struct address address;
    const struct actor *found = NULL;
    struct value *cira = value_map(pool);
    if (to == NULL) {
        return AMT_OK;
    }
    TRY(actor_resolve(actor->run, to, &address, &found, diag));
    value_put(pool, cira, "host", value_text(pool, pool_strdup(pool, address.host)));
    value_put(pool, cira, "port", value_int(pool, address.port));
    value_put(pool, node, "cira", cira);
    return AMT_OK;
}

static void copy_key(struct actor *actor, struct value *node, const char *key)
{
    const struct value *value = actor_get(actor, key);
    if (value != NULL) {
        value_put(&actor->run->pool, node, key, value_copy(&actor->run->pool, value));
    }
}

/* Bare metal; the port is a free one. */
static void add_provisioning(struct actor *actor, struct value *node)
{
    struct arena *pool = &actor->run->pool;
    const struct value *given = actor_get(actor, "provisioning");
    const char *password = actor_text(actor, "provisioning.mebx_password", "P@ssw0rd1");
    struct value *provisioning = value_map(pool);
    if (given == NULL) {
        return;
    }
    value_put(pool, provisioning, "group", value_text(pool, activation_actor_mode(actor)));
    for (const struct value *at = given->first; at != NULL; at = at->next) {
        value_put(pool, provisioning, at->key, value_copy(pool, at));
    }
    value_put(pool, provisioning, "mebx_password", value_text(pool, password));
    value_put(pool, provisioning, "listen",
              value_text(pool, actor_text(actor, "listen", "127.0.0.1:0")));
    secrets_add(&actor->run->secrets, password);
    value_put(pool, node, "provisioning", provisioning);
}

bool activation_actor_hello_address(const struct actor *actor, struct address *address)
{
    const struct activation_actor *state = actor->state;
    return state != NULL && activation_service_hello_address(state->service, address);
}

/* From a seed: the same scenario gives the same bytes. */
static enum amt_err make_issuer(struct activation_actor *state, struct amt_diag *diag)
{
    EVP_PKEY *key = pki_seed_rsa("activation actor", "root", 2048);
    const struct pki_request request = {
        .common_name = "amtlab scenario root", .given_key = key, .serial = 1, .is_authority = true
    };
    state->tls_issuer = key == NULL ? NULL : pki_issue(&request, NULL, diag);
    EVP_PKEY_free(key);
    return state->tls_issuer == NULL ? AMT_ECERT : AMT_OK;
}

static enum amt_err make_node(struct actor *actor, struct amt_diag *diag)
{
    struct activation_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *node = value_map(pool);
    state->log_path =
        actor_text(actor, "log.path", pool_printf(pool, "%s/activation.log", case_tmp(actor->run)));
    value_put(pool, node, "hold", value_text(pool, "100ms"));
    copy_key(actor, node, "hold");
    copy_key(actor, node, "prefers_upgrade");
    copy_key(actor, node, "own_root");
    value_put(pool, node, "log", value_text(pool, state->log_path));
    TRY(add_sets(actor, node, diag));
    add_policies(actor, node);
    add_provisioning(actor, node);
    TRY(add_server(actor, node, diag));
    state->config.activation_node = value_to_yaml(pool, node);
    return AMT_OK;
}

static enum amt_err configure(struct actor *actor, struct amt_diag *diag)
{
    struct activation_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct amt_diag_list errors = { 0 };
    struct value *product = value_map(pool);
    value_put(pool, product, "name", value_text(pool, ACTOR_SERVER_NAME));
    value_put(pool, product, "data", value_text(pool, case_tmp(actor->run)));
    value_put(pool, product, "activation_listen",
              value_text(pool, actor_text(actor, "listen", "127.0.0.1:0")));
    if (config_read(mps_config_keys, value_to_yaml(pool, product), actor->path, &state->config,
                    &errors) != AMT_OK) {
        return actor_config_failed(&errors, diag);
    }
    amt_diag_list_fini(&errors);
    for (uint32_t i = 0; i < GROUPS; i++) {
        const char *group = k_activation_groups[i];
        state->users[i] = (struct mps_user){ .name = group,
                                             .group = activation_actor_group_id(pool, group),
                                             .password = CIRA_PASSWORD };
    }
    state->config.auth = MPS_AUTH_CONFIG;
    state->config.users = state->users;
    state->config.user_count = GROUPS;
    return make_node(actor, diag);
}

/* --- life --- */

/* After the start: the server notices before it uses the log the next time (F46). */
static enum amt_err change_rights(struct actor *actor, struct amt_diag *diag)
{
    const struct activation_actor *state = actor->state;
    const char *mode = actor_text(actor, "log.mode", NULL);
    char *end = NULL;
    if (mode == NULL) {
        return AMT_OK;
    }
    unsigned long bits = strtoul(mode, &end, 8);
    if (*end != '\0' || bits > 0777 || chmod(state->log_path, (mode_t)bits) != 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "log.mode is '%s'; wanted rights such as \"0644\"",
                            mode);
    }
    return AMT_OK;
}

/* Its own root, which issues TLS certificates for devices: that of all servers of scenarios. */
static enum amt_err save_root(struct actor *actor, struct amt_diag *diag)
{
    struct arena *pool = &actor->run->pool;
    const char *folder = case_tmp(actor->run);
    return pki_save(pki_set_authority(actor->run->options->pki),
                    pool_printf(pool, "%s/root.crt", folder),
                    pool_printf(pool, "%s/root.key", folder), diag);
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    struct activation_actor *state = pool_alloc(&actor->run->pool, sizeof *state);
    struct address address;
    actor->state = state;
    TRY(configure(actor, diag));
    TRY(save_root(actor, diag));
    state->identity =
        pki_set_server(actor->run->options->pki, ACTOR_SERVER_NAME, PKI_FLAW_NONE, diag);
    if (state->identity == NULL) {
        return AMT_ECERT;
    }
    if (activation_actor_speaks_tls(actor)) {
        const struct tls_settings tls = { .is_server = true,
                                          .identity = state->identity,
                                          .sends_chain = true,
                                          .client_certificate = TLS_CLIENT_NOT_ASKED };
        state->tls = tls_context_new(&tls, diag);
        TRY(state->tls == NULL ? AMT_ECERT : AMT_OK);
    }
    TRY(make_issuer(state, diag));
    const struct activation_service_settings settings = { .loop = actor->run->loop,
                                                          .tls_issuer = state->tls_issuer,
                                                          .log = actor->log,
                                                          .config = &state->config,
                                                          .tls = state->tls,
                                                          .identity = state->identity,
                                                          .cira_port = MPS_CIRA_PORT };
    state->service = activation_service_start(&settings, diag);
    if (state->service == NULL) {
        return diag->err;
    }
    (void)activation_service_address(state->service, &address);
    actor_listens_at(actor, &address);
    return change_rights(actor, diag);
}

static void stop(struct actor *actor)
{
    struct activation_actor *state = actor->state;
    activation_service_free(state->service);
    state->service = NULL;
}

static void free_state(struct actor *actor)
{
    struct activation_actor *state = actor->state;
    tls_context_free(state->tls);
    pki_identity_free(state->tls_issuer);
    config_fini(mps_config_keys, &state->config);
}

/* --- what is seen of it --- */

/* `message` and `evidence` beside the names of the log; `activation.succeeded` for what is no failure. */
static void on_event(struct actor *actor, struct item *item)
{
    struct activation_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *fields = value_map(pool);
    bool is_good =
        strcmp(item->name, "activation.done") == 0 || strcmp(item->name, "activation.nothing") == 0;
    if (strcmp(item->name, "activation.logged") == 0) {
        state->last_flush_us = item->at_us;
    }
    if (!is_good && strcmp(item->name, "activation.failed") != 0) {
        return;
    }
    for (const struct value *at = item->fields->first; at != NULL; at = at->next) {
        value_put(pool, fields, at->key, value_copy(pool, at));
    }
    const struct value *cause = value_get(fields, "cause"), *detail = value_get(fields, "detail");
    value_put(pool, fields, "message", value_copy(pool, cause));
    value_put(pool, fields, "evidence", value_copy(pool, detail));
    item->fields = fields;
    if (is_good) {
        struct item *derived = actor_add_item(actor, ITEM_EVENT, "activation.succeeded");
        derived->fields = fields;
        derived->text = "activation.succeeded";
    }
}

struct log_reading {
    struct actor *actor;
    struct value *entries;
};

static void add_field(struct arena *pool, struct value *map, const char *key, const json_t *field)
{
    if (json_is_string(field)) {
        value_put(pool, map, key, value_text(pool, pool_strdup(pool, json_string_value(field))));
    } else if (json_is_integer(field)) {
        value_put(pool, map, key, value_int(pool, json_integer_value(field)));
    }
}

/* As in the file, and `uuid` for its amtUuid. Passwords can be compared but are not shown. */
static void on_log_line(void *ctx, uint32_t number, const json_t *object)
{
    struct log_reading *reading = ctx;
    struct arena *pool = &reading->actor->run->pool;
    struct value *map = value_map(pool);
    const char *key;
    json_t *field;
    (void)number;
    json_object_foreach((json_t *)object, key, field)
    {
        add_field(pool, map, pool_strdup(pool, key), field);
        if (strcmp(key, "amtUuid") == 0) {
            add_field(pool, map, "uuid", field);
        }
    }
    static const char *const k_secrets[] = { "password", "pass", "newmebx" };
    for (size_t i = 0; i < sizeof k_secrets / sizeof k_secrets[0]; i++) {
        const struct value *secret = value_get(map, k_secrets[i]);
        if (secret != NULL && secret->kind == VALUE_TEXT) {
            secrets_add(&reading->actor->run->secrets, secret->text);
        }
    }
    value_append(reading->entries, map);
}

static struct value *show_log(struct actor *actor)
{
    const struct activation_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *log = value_map(pool);
    struct log_reading reading = { actor, value_list(pool) };
    struct stat status;
    (void)!activation_log_each(state->log_path, on_log_line, &reading, NULL);
    value_put(pool, log, "entries", reading.entries);
    if (stat(state->log_path, &status) == 0) {
        unsigned bits = (unsigned)status.st_mode & 0777u;
        value_put(pool, log, "mode", value_text(pool, pool_printf(pool, "%04o", bits)));
    }
    value_put(pool, log, "last_flush", value_int(pool, (int64_t)state->last_flush_us));
    return log;
}

static const char *server_hash(struct actor *actor)
{
    const struct activation_actor *state = actor->state;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct text hex = { 0 };
    if (X509_digest(pki_certificate(state->identity), EVP_sha384(), hash, &len) == 1) {
        text_hex(&hex, hash, len);
    }
    return pool_take(&actor->run->pool, &hex);
}

static struct value *show(struct actor *actor)
{
    const struct activation_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool), *ids = value_map(pool);
    if (state->service == NULL) {
        return map;
    }
    for (uint32_t i = 0; i < GROUPS; i++) {
        value_put(pool, ids, k_activation_groups[i], value_text(pool, state->users[i].group));
    }
    value_put(pool, map, "address", value_text(pool, actor->listen_name));
    value_put(pool, map, "port", value_int(pool, actor->address.port));
    value_put(pool, map, "ids", ids);
    value_put(pool, map, "serverhttpshash", value_text(pool, server_hash(actor)));
    value_put(pool, map, "log", show_log(actor));
    return map;
}

const struct actor_kind k_actor_activation = { .name = "activation",
                                               .role = ACTOR_ACTIVATION,
                                               .start_order = 1,
                                               .doc = "activation server, built in or the target",
                                               .keys = k_keys,
                                               .start = start,
                                               .stop = stop,
                                               .free = free_state,
                                               .show = show,
                                               .on_event = on_event };
