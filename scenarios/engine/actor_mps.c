/* Actor kind `mps`: the server itself, in this process, or a target. */
#include <string.h>

#include "base/memory.h"
#include "mps/mps.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/data_folder.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/filter.h"
#include "scenarios/engine/target_device.h"

struct mps_actor {
    struct mps_config config;
    struct mps *mps;
    struct pki_identity *identity; /* ours; config borrows it */
    const char *folder;            /* of `cert: own`; NULL */
};

static const struct key_def k_tls_keys[] = {
    { "cert", KEY_TEXT, false, "PEM file, builtin, or own: the server makes its certificates", NULL,
      NULL },
    { "key", KEY_TEXT, false, "PEM file, or builtin", NULL, NULL },
    { "mode", KEY_TEXT, false, "default, legacy or offload", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "mps", NULL, NULL },
    { "listen", KEY_TEXTS, false, "address; default 127.0.0.1:0, a free port", NULL, NULL },
    { "tls", KEY_ANY, false, "default, legacy or offload; or { cert, key, mode }", NULL,
      k_tls_keys },
    { "limits", KEY_MAP, false, "further keys of the server's configuration", NULL, NULL },
    { "log", KEY_MAP, false, "log file (needs the log file part)", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

static const char *const k_own_keys[] = { "kind", "tls", "limits", "log", NULL };

#define OWN "own"

static enum pki_flaw flaw_of(struct actor *actor)
{
    static const char *const k_flaws[PKI_FLAW_COUNT_] = { "", "expired", "wrong_host",
                                                          "unknown_ca" };
    struct fault *fault = fault_find(actor->run, actor->name, FAULT_LAYER_TLS, "tls_cert");
    const struct value *wanted = fault == NULL ? NULL : fault_argument(fault, "flaw");
    for (int flaw = 1; wanted != NULL && flaw < PKI_FLAW_COUNT_; flaw++) {
        if (wanted->kind == VALUE_TEXT && strcmp(wanted->text, k_flaws[flaw]) == 0) {
            fault_acted(fault, pool_printf(&actor->run->pool, "certificate: %s", wanted->text));
            return (enum pki_flaw)flaw;
        }
    }
    return PKI_FLAW_NONE;
}

static enum amt_err give_identity(struct actor *actor, struct amt_diag *diag)
{
    struct mps_actor *state = actor->state;
    struct mps_config *config = &state->config;
    const char *cert = actor_text(actor, "tls.cert", ACTOR_BUILTIN);
    if (config->tls == MPS_TLS_OFFLOAD) {
        return AMT_OK;
    }
    enum pki_flaw flaw = flaw_of(actor);
    if (flaw == PKI_FLAW_NONE) {
        TRY(target_device_identity(actor->run, &state->identity, diag));
    }
    if (state->identity != NULL) {
        config->identity = state->identity;
        return AMT_OK;
    }
    if (strcmp(cert, OWN) == 0) {
        state->folder = data_folder_make(&actor->run->pool, diag);
        amt_free(config->data);
        config->data = state->folder == NULL ? NULL : pool_checked(amt_strdup(state->folder));
        return state->folder == NULL ? AMT_ESYS : AMT_OK;
    }
    if (strcmp(cert, ACTOR_BUILTIN) != 0) {
        state->identity = pki_load(cert, actor_text(actor, "tls.key", cert), diag);
    } else {
        const struct pki_identity *identity =
            pki_set_server(actor->run->options->pki, config->name, flaw, diag);
        state->identity = identity == NULL ? NULL : pki_identity_ref(identity);
    }
    config->identity = state->identity;
    return state->identity == NULL ? AMT_ECERT : AMT_OK;
}

/* The product's keys as the scenario gives them, with defaults for a case of its own. */
static struct value *product_part(const struct actor *actor)
{
    struct arena *pool = &actor->run->pool;
    struct value *map = actor_product_part(actor, k_own_keys);
    const struct value *tls = actor_get(actor, "tls"), *limits = actor_get(actor, "limits");
    const struct value *mode = tls != NULL && tls->kind == VALUE_MAP ? value_get(tls, "mode") : tls;
    if (mode != NULL) {
        value_put(pool, map, "tls", value_copy(pool, mode));
    }
    for (const struct value *at = limits == NULL ? NULL : limits->first; at != NULL;
         at = at->next) {
        value_put(pool, map, at->key, value_copy(pool, at));
    }
    if (target_device_calls(actor->run)) {
        char address[ADDRESS_HOST_BYTES + 10];
        address_format(&target_device(actor->run)->address, address);
        value_put(pool, map, "listen", value_text(pool, address));
    }
    if (value_get(map, "listen") == NULL) {
        value_put(pool, map, "listen", value_text(pool, "127.0.0.1:0"));
    }
    if (value_get(map, "name") == NULL) {
        value_put(pool, map, "name", value_text(pool, ACTOR_SERVER_NAME));
    }
    return map;
}

static void hide_passwords(struct actor *actor)
{
    const struct value *users = actor_get(actor, "users");
    for (const struct value *at = users == NULL ? NULL : users->first; at != NULL; at = at->next) {
        const struct value *password = value_get(at, "password");
        if (password != NULL && password->kind == VALUE_TEXT) {
            secrets_add(&actor->run->secrets, password->text);
        }
    }
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    struct mps_actor *state = pool_alloc(&actor->run->pool, sizeof *state);
    struct amt_diag_list errors = { 0 };
    struct yaml_node *node = value_to_yaml(&actor->run->pool, product_part(actor));
    actor->state = state;
    hide_passwords(actor);
    if (config_read(mps_config_keys, node, actor->path, &state->config, &errors) != AMT_OK) {
        return actor_config_failed(&errors, diag);
    }
    amt_diag_list_fini(&errors);
    state->config.wrap = (struct stream_wrap){ filter_wrap, actor };
    state->config.client_trust = pki_set_trust(actor->run->options->pki);
    TRY(give_identity(actor, diag));
    state->mps = mps_start(actor->run->loop, &state->config, actor->log, diag);
    if (state->mps == NULL) {
        return diag->err;
    }
    struct address address;
    mps_listener_address(state->mps, 0, &address);
    actor_listens_at(actor, &address);
    return AMT_OK;
}

void actor_mps_stop(struct actor *actor)
{
    struct mps_actor *state = actor->state;
    mps_free(state->mps);
    state->mps = NULL;
}

/* At the address it had: the port that was picked is configured from now on. */
static void keep_address(struct actor *actor)
{
    struct config_texts *listen = &((struct mps_actor *)actor->state)->config.listen;
    amt_free(listen->items[0]);
    listen->items[0] = pool_checked(amt_strdup(actor->listen_name));
}

enum amt_err actor_mps_start(struct actor *actor, const char *certificates, struct amt_diag *diag)
{
    struct mps_actor *state = actor->state;
    if (state->folder == NULL && strcmp(certificates, "kept") != 0) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "'certificates' is for a server with tls: { cert: own }");
    }
    TRY(state->folder == NULL ? AMT_OK : data_folder_damage(state->folder, certificates, diag));
    keep_address(actor);
    state->mps = mps_start(actor->run->loop, &state->config, actor->log, diag);
    return state->mps == NULL ? diag->err : AMT_OK;
}

static void stop(struct actor *actor)
{
    actor_mps_stop(actor);
}

static void free_state(struct actor *actor)
{
    struct mps_actor *state = actor->state;
    pki_identity_free(state->identity);
    config_fini(mps_config_keys, &state->config);
    if (state->folder != NULL) {
        data_folder_remove(state->folder);
    }
}

struct device_list {
    struct arena *pool;
    struct value *list;
};

static void add_device(void *ctx, const struct mps_device_view *view)
{
    struct device_list *devices = ctx;
    struct value *map = value_map(devices->pool);
    struct value *ports = value_list(devices->pool);
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&view->uuid, uuid);
    for (uint32_t i = 0; i < view->forward_count; i++) {
        value_append(ports, value_int(devices->pool, view->forwards[i].port));
    }
    value_put(devices->pool, map, "uuid", value_text(devices->pool, uuid));
    value_put(devices->pool, map, "ports", ports);
    value_put(devices->pool, map, "user",
              value_text(devices->pool, view->user == NULL ? "" : view->user));
    value_put(devices->pool, map, "channels", value_int(devices->pool, view->channels));
    value_append(devices->list, map);
}

static struct value *show(struct actor *actor)
{
    struct mps_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    struct device_list devices = { pool, value_list(pool) };
    if (state->folder != NULL) {
        value_put(pool, map, "root",
                  value_text(pool, pool_printf(pool, "%s/root.crt", state->folder)));
    }
    if (state->mps == NULL) {
        return map;
    }
    mps_each_device(state->mps, add_device, &devices);
    value_put(pool, map, "metrics", actor_metrics(pool, mps_metrics, mps_statistics(state->mps)));
    value_put(pool, map, "address", value_text(pool, actor->listen_name));
    value_put(pool, map, "port", value_int(pool, actor->address.port));
    value_put(pool, map, "devices", devices.list);
    return map;
}

struct mps *actor_mps_server(struct actor *actor)
{
    struct mps_actor *state = actor->kind == &k_actor_mps ? actor->state : NULL;
    return state == NULL ? NULL : state->mps;
}

const char *actor_mps_name(const struct actor *actor)
{
    const struct mps_actor *state = actor->kind == &k_actor_mps ? actor->state : NULL;
    return state == NULL ? NULL : state->config.name;
}

const struct actor_kind k_actor_mps = { .name = "mps",
                                        .role = ACTOR_MPS,
                                        .start_order = 0,
                                        .doc = "management presence server, built in or the target",
                                        .keys = k_keys,
                                        .config_keys = mps_config_keys,
                                        .start = start,
                                        .stop = stop,
                                        .free = free_state,
                                        .show = show };
