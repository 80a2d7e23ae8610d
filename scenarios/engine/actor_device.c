/* Actor kind `device`: the simulated AMT firmware. */
#include <string.h>

#include "scenarios/engine/activation_client.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/device_state.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/filter.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

struct device_actor {
    struct device_config config;
    struct device *device;
    struct device_host host;
    struct activation_client *clients; /* the newest first */
    struct activation_steps *steps;
    const char *mode; /* in words, as of the last event */
    uint64_t first_change_us;
    bool has_changed;
};

static const char *const k_modes[] = { "pre", "in", "ccm", "acm", NULL };
static const char *const k_powers[] = { "s0", "s3", "s4", "s5", NULL };
static const struct key_def k_state[] = {
    { "mode", KEY_WORD, false, "pre (not provisioned), in (in provisioning), ccm or acm", k_modes,
      NULL },
    { "power", KEY_WORD, false, "of the host at the start", k_powers, NULL },
    { "admin_user", KEY_TEXT, false, "name of the administrator, default admin", NULL, NULL },
    { "admin_password", KEY_TEXT, false, "its password, default P@ssw0rd", NULL, NULL },
    { "host_name", KEY_TEXT, false, "name of the PC", NULL, NULL },
    { "domain_name", KEY_TEXT, false, "its domain", NULL, NULL },
    DEVICE_STATE_KEYS,
    { "os_suffix", KEY_TEXT, false, "suffix of the operating system, default dns_suffix", NULL,
      NULL },
    { "tls_enforced", KEY_BOOL, false, "16992 is closed for the PC too", NULL, NULL },
    { "sol", KEY_ANY, false, "serial over LAN (needs the redirection part)", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "device", NULL, NULL },
    { "profile", KEY_TEXT, false, "profile file, relative to the scenario", NULL, NULL },
    { "state", KEY_MAP, false, "how the firmware is found at the start", NULL, k_state },
    { "quirks", KEY_MAP, false, "odd behaviour (needs the firmware part)", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

static const char *const k_own_keys[] = { "kind", "profile", "state", "quirks", "cira", NULL };

static bool is_builtin(const struct value *value)
{
    return value != NULL && value->kind == VALUE_TEXT && strcmp(value->text, ACTOR_BUILTIN) == 0;
}

static void put_text(struct arena *pool, struct value *map, const char *key, const char *text)
{
    if (value_get(map, key) == NULL) {
        value_put(pool, map, key, value_text(pool, text));
    }
}

/* What the command line says about a target's certificate; what the scenario says stands. */
static void target_part(const struct actor *actor, struct value *cira, const char *host)
{
    struct arena *pool = &actor->run->pool;
    const struct engine_target_tls *tls = &actor->run->options->target_tls;
    put_text(pool, cira, "common_name", tls->name == NULL ? host : tls->name);
    if (tls->trust != NULL) {
        put_text(pool, cira, "trust", tls->trust);
    } else if (value_get(cira, "trust") == NULL && value_get(cira, "verify") == NULL) {
        value_put(pool, cira, "verify", value_bool(pool, false));
    }
}

/* `cira` with `to` as an address, and what follows from which server that is. */
static enum amt_err cira_part(struct actor *actor, struct value *cira, struct amt_diag *diag)
{
    struct arena *pool = &actor->run->pool;
    const struct value *given = actor_get(actor, "cira");
    struct address address;
    const struct actor *server = NULL;
    char shown[ADDRESS_HOST_BYTES + 10];
    for (const struct value *at = given == NULL ? NULL : given->first; at != NULL; at = at->next) {
        bool is_ours = (strcmp(at->key, "trust") == 0 || strcmp(at->key, "certificate") == 0) &&
                       is_builtin(at);
        if (!is_ours && strcmp(at->key, "to") != 0) {
            value_put(pool, cira, at->key, value_copy(pool, at));
        }
    }
    const struct value *to = value_get(given, "to"), *password = value_get(given, "password");
    if (password != NULL && password->kind == VALUE_TEXT) {
        secrets_add(&actor->run->secrets, password->text);
    }
    if (to == NULL || to->kind != VALUE_TEXT) {
        return AMT_OK;
    }
    TRY(actor_resolve(actor->run, to->text, &address, &server, diag));
    address_format(&address, shown);
    value_put(pool, cira, "to", value_text(pool, shown));
    if (server != NULL && server->is_external) {
        target_part(actor, cira, address.host);
        return AMT_OK;
    }
    const char *name = server == NULL ? NULL : actor_mps_name(server);
    put_text(pool, cira, "common_name",
             name != NULL     ? name
             : server == NULL ? address.host
                              : actor_text(server, "name", ACTOR_SERVER_NAME));
    return AMT_OK;
}

/* `state` in the words of the firmware's own keys; what the scenario says there stands. */
static void state_part(const struct actor *actor, struct value *product)
{
    static const char *const k_words[][3] = {
        { "mode", "pre", "none" },       { "mode", "in", "none" }, { "mode", "ccm", "client" },
        { "mode", "acm", "admin" },      { "power", "s0", "os" },  { "power", "s3", "asleep" },
        { "power", "s4", "hibernated" }, { "power", "s5", "off" },
    };
    struct arena *pool = &actor->run->pool;
    const struct value *state = actor_get(actor, "state"), *given = value_get(product, "firmware");
    if (state == NULL || state->kind != VALUE_MAP) {
        return;
    }
    struct value *firmware = given == NULL ? value_map(pool) : value_copy(pool, given);
    if (given != NULL) {
        firmware->first = firmware->last = NULL;
        firmware->count = 0;
        for (const struct value *at = given->first; at != NULL; at = at->next) {
            value_put(pool, firmware, at->key, value_copy(pool, at));
        }
    }
    firmware->place = state->place;
    for (const struct value *at = state->first; at != NULL; at = at->next) {
        const char *text = value_written(pool, at), *key = at->key;
        if (strcmp(key, "trusted_roots") == 0) {
            value_put(pool, firmware, "built_in_roots", value_bool(pool, false));
        } else if (strcmp(key, "tls_enforced") == 0) {
            value_put(pool, firmware, "plain_local_port", value_bool(pool, !expr_holds(at)));
        }
        bool is_ours = device_state_is_key(key) && strcmp(key, "dns_suffix") != 0;
        if (is_ours || strcmp(key, "sol") == 0 || strcmp(key, "os_suffix") == 0 ||
            strcmp(key, "tls_enforced") == 0) {
            continue;
        }
        key = strcmp(key, "dns_suffix") == 0 ? "network_suffix" : key;
        for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
            if (strcmp(k_words[i][0], at->key) == 0 && strcmp(k_words[i][1], text) == 0) {
                text = k_words[i][2];
                key = strcmp(at->key, "mode") == 0 ? "control_mode" : "host";
                break;
            }
        }
        if (strcmp(key, "admin_password") == 0) {
            secrets_add(&actor->run->secrets, text);
        }
        put_text(pool, firmware, key, text);
    }
    value_put(pool, product, "firmware", firmware);
}

static uint32_t index_of(const struct actor *actor)
{
    uint32_t index = 0;
    for (const struct actor *at = actor->run->actors; at != actor; at = at->next) {
        index += at->kind == actor->kind ? 1 : 0;
    }
    return index;
}

static enum amt_err give_certificates(struct actor *actor, struct device_config *config,
                                      struct amt_diag *diag)
{
    struct pki_set *pki = actor->run->options->pki;
    const struct value *cira = actor_get(actor, "cira");
    if (config->cira.trust == NULL) {
        config->trust = pki_set_trust(pki);
    }
    if (is_builtin(value_get(cira, "certificate"))) {
        config->identity = pki_set_client(pki, config->uuid == NULL ? "device" : config->uuid, "",
                                          PKI_FLAW_NONE, diag);
        return config->identity == NULL ? AMT_ECERT : AMT_OK;
    }
    return AMT_OK;
}

static bool has_state(const struct value *state)
{
    for (const struct value *at = state == NULL ? NULL : state->first; at != NULL; at = at->next) {
        if (device_state_is_key(at->key)) {
            return true;
        }
    }
    return false;
}

/* What is no configuration: through the firmware's operations. */
static enum amt_err apply_state(struct actor *actor, struct amt_diag *diag)
{
    struct device_actor *state = actor->state;
    const struct value *map = actor_get(actor, "state");
    bool is_in = strcmp(actor_text(actor, "state.mode", ""), "in") == 0;
    state->host.loop = actor->run->loop;
    if (!has_state(map) && !is_in) {
        return AMT_OK;
    }
    TRY(device_state_apply(actor->run, state->device, &state->host, map, diag));
    return !is_in ? AMT_OK : provisioning_start(device_firmware(state->device, diag));
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    static const char *const k_born[] = { "pre", "ccm", "acm" };
    struct case_run *run = actor->run;
    struct device_actor *state = pool_alloc(&run->pool, sizeof *state);
    struct value *map = actor_product_part(actor, k_own_keys);
    struct value *cira = value_map(&run->pool);
    struct amt_diag_list errors = { 0 };
    const char *profile = actor_text(actor, "profile", NULL);
    actor->state = state;
    TRY(cira_part(actor, cira, diag));
    cira->place = actor_get(actor, "cira") == NULL ? NULL : actor_get(actor, "cira")->place;
    value_put(&run->pool, map, "cira", cira);
    state_part(actor, map);
    if (profile != NULL && profile[0] != '/') {
        profile = pool_printf(&run->pool, "%s/%s", run->scenario->folder, profile);
    }
    if (device_config_load(profile, value_to_yaml(&run->pool, map), actor->path, &state->config,
                           &errors) != AMT_OK) {
        return actor_config_failed(&errors, diag);
    }
    amt_diag_list_fini(&errors);
    TRY(give_certificates(actor, &state->config, diag));
    state->config.wrap = (struct stream_wrap){ filter_wrap, actor };
    struct amt_random random;
    case_random(run, &random, pool_printf(&run->pool, "device %s", actor->name));
    state->device = device_new(run->loop, &state->config, amt_random_u64(&random), index_of(actor),
                               actor->log, diag);
    if (state->device == NULL) {
        return diag->err;
    }
    state->mode = k_born[state->config.firmware.control_mode];
    TRY(apply_state(actor, diag));
    if (strcmp(actor_text(actor, "state.mode", ""), "in") == 0) {
        state->mode = "in";
    }
    return fault_answers_start(actor, diag);
}

static void stop(struct actor *actor)
{
    struct device_actor *state = actor->state;
    activation_clients_free(&state->clients);
    activation_steps_free(state->steps);
    state->steps = NULL;
    device_free(state->device);
    state->device = NULL;
}

static void free_state(struct actor *actor)
{
    struct device_actor *state = actor->state;
    device_config_fini(&state->config);
}

static struct value *show_connection(struct arena *pool, const struct device_connection_log *log)
{
    struct value *map = value_map(pool);
    value_put(pool, map, "failure", value_text(pool, log->failure));
    value_put(pool, map, "server", value_text(pool, log->server));
    value_put(pool, map, "tls_alert", value_int(pool, log->tls_alert));
    value_put(pool, map, "closure_reason", value_int(pool, log->closure_reason));
    value_put(pool, map, "closed_by_mps", value_bool(pool, log->closed_by_mps));
    value_put(pool, map, "disconnect_reason", value_int(pool, log->disconnect_reason));
    value_put(pool, map, "keepalive_interval_s", value_int(pool, log->keepalive_interval_s));
    value_put(pool, map, "trigger", value_int(pool, log->trigger));
    value_put(pool, map, "is_mutual_tls", value_bool(pool, log->is_mutual_tls));
    return map;
}

static void show_firmware(struct arena *pool, struct value *map, struct firmware *firmware)
{
    static const char *const k_mode_words[] = { "pre", "ccm", "acm" };
    value_put(pool, map, "host", value_text(pool, firmware_host_name(power_host(firmware))));
    value_put(pool, map, "power", value_int(pool, power_state(firmware)));
    value_put(pool, map, "mode", value_text(pool, k_mode_words[firmware_mode(firmware)]));
    value_put(pool, map, "realm", value_text(pool, provisioning_realm(firmware)));
    value_put(pool, map, "version", value_text(pool, firmware->profile->config.version));
    value_put(pool, map, "release", value_int(pool, firmware->profile->release));
    struct value *password = value_text(pool, users_os_admin_password(firmware));
    password->is_secret = true; /* what the host's driver would tell: $$OsAdmin */
    value_put(pool, map, "os_password", password);
}

static struct value *show(struct actor *actor)
{
    struct device_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    char uuid[UUID_TEXT_BYTES];
    if (state->device == NULL) {
        return map;
    }
    uuid_format(device_uuid(state->device), uuid);
    value_put(pool, map, "uuid", value_text(pool, uuid));
    value_put(pool, map, "status",
              value_text(pool, device_state_name(device_state(state->device))));
    if (state->has_changed) {
        value_put(pool, map, "first_state_change",
                  value_int(pool, (int64_t)state->first_change_us));
    }
    value_put(pool, map, "metrics",
              actor_metrics(pool, device_metrics, device_statistics(state->device)));
    value_put(pool, map, "connection", show_connection(pool, device_connection_log(state->device)));
    struct firmware *firmware = device_firmware(state->device, NULL);
    if (firmware != NULL) {
        show_firmware(pool, map, firmware);
    }
    return map;
}

/* mode.changed, in the words of scenarios. What happened while it was made is its birth. */
static void on_event(struct actor *actor, struct item *item)
{
    static const char *const k_words[][2] = {
        { "none", "pre" }, { "in-provisioning", "in" }, { "client", "ccm" }, { "admin", "acm" }
    };
    struct device_actor *state = actor->state;
    struct arena *pool = &actor->run->pool;
    const struct value *to = value_get(item->fields, "to");
    if (strcmp(item->name, "provisioning.changed") != 0 || !actor->is_started || to == NULL) {
        return;
    }
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        if (strcmp(k_words[i][0], to->text) == 0 && strcmp(k_words[i][1], state->mode) != 0) {
            struct value *fields = value_map(pool);
            struct item *derived = actor_add_item(actor, ITEM_EVENT, "mode.changed");
            value_put(pool, fields, "uuid", value_copy(pool, value_get(item->fields, "uuid")));
            value_put(pool, fields, "from", value_text(pool, state->mode));
            value_put(pool, fields, "to", value_text(pool, k_words[i][1]));
            derived->fields = fields;
            derived->text =
                pool_printf(pool, "mode.changed from=%s to=%s", state->mode, k_words[i][1]);
            state->mode = k_words[i][1];
            state->first_change_us = state->has_changed ? state->first_change_us : item->at_us;
            state->has_changed = true;
            return;
        }
    }
}

struct device_host *actor_device_host(struct actor *actor)
{
    struct device_actor *state = actor->state;
    struct amt_diag diag = { .err = AMT_OK };
    state->host.firmware = device_firmware(state->device, &diag);
    return state->host.firmware == NULL ? NULL : &state->host;
}

struct activation_client **actor_device_clients(struct actor *actor)
{
    return &((struct device_actor *)actor->state)->clients;
}

struct activation_steps **actor_device_steps(struct actor *actor)
{
    return &((struct device_actor *)actor->state)->steps;
}

struct device *actor_device(struct actor *actor)
{
    struct device_actor *state = actor->kind == &k_actor_device ? actor->state : NULL;
    return state == NULL ? NULL : state->device;
}

const struct actor_kind k_actor_device = { .name = "device",
                                           .role = ACTOR_DEVICE,
                                           .start_order = 2,
                                           .doc = "simulated AMT firmware",
                                           .keys = k_keys,
                                           .config_keys = device_config_keys,
                                           .start = start,
                                           .stop = stop,
                                           .free = free_state,
                                           .show = show,
                                           .on_event = on_event };
