/* Verbs of activation: activate.start, activate.undo, device.set_state. */
#include <string.h>

#include "scenarios/engine/activation_client.h"
#include "scenarios/engine/actor_activation.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/device_state.h"
#include "scenarios/engine/verb.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

/* The server of `to`, which may be somebody else's. */
static const struct actor *find_server(struct strand *strand,
                                       struct activation_client_settings *settings)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct actor *server = NULL;
    const char *to = step_text(strand, "to", "");
    if (actor_resolve(strand->run, to, &settings->server, &server, &diag) != AMT_OK) {
        (void)step_fail(strand, "setup", "%s", diag.text);
    } else if (server == NULL || server->kind != &k_actor_activation) {
        (void)step_fail(strand, "setup", "'to' is '%s'; wanted an actor of kind activation", to);
        server = NULL;
    }
    return server;
}

static const char *path_of(const struct strand *strand, const struct actor *server, bool is_mesh)
{
    const char *usual = actor_text(server, "path", is_mesh ? "/apf.ashx" : "/activate");
    const char *path = step_text(strand, "path", usual);
    return path[0] == '/' ? path : pool_printf(&strand->run->pool, "/%s", path);
}

static const char *attribute(const struct actor *actor, const char *path)
{
    return actor_text(actor, path, NULL);
}

static bool fill(struct strand *strand, struct activation_client_settings *settings)
{
    struct arena *pool = &strand->run->pool;
    const struct actor *server = find_server(strand, settings);
    const struct actor *device = strand->step.actor;
    if (server == NULL) {
        return false;
    }
    bool is_mesh = strcmp(step_text(strand, "via", "mesh"), "rps") != 0;
    const char *group =
        step_text(strand, "group", step_text(strand, "mode", activation_actor_mode(server)));
    settings->via = is_mesh ? ACTIVATION_VIA_MESH : ACTIVATION_VIA_RPS;
    settings->is_tls = activation_actor_speaks_tls(server);
    settings->target = path_of(strand, server, is_mesh);
    settings->server_hash = step_text(strand, "serverhttpshash", NULL);
    settings->group_id = step_text(strand, "id", activation_actor_group_id(pool, group));
    settings->command = pool_printf(pool, "activate --profile %s", group);
    settings->password = step_text(strand, "password", NULL);
    settings->dns_suffix = step_text(strand, "dns_suffix", NULL);
    settings->protocol_version = step_text(strand, "protocol_version", NULL);
    settings->lies = step_argument(strand, "report");
    settings->host_name = attribute(device, "state.host_name");
    settings->os_suffix = attribute(device, "state.os_suffix") != NULL
                              ? attribute(device, "state.os_suffix")
                              : attribute(device, "state.dns_suffix");
    if (settings->password != NULL) {
        secrets_add(&strand->run->secrets, settings->password);
    }
    return true;
}

static enum step_state begin(struct strand *strand,
                             const struct activation_client_settings *settings)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct activation_client *client = activation_client_start(strand->step.actor, settings, &diag);
    if (client == NULL) {
        return step_fail(strand, "setup", "%s", diag.text);
    }
    strand->step.state = client;
    return STEP_WAITS;
}

static bool is_bare_metal(const struct strand *strand)
{
    return strcmp(step_text(strand, "via", ""), "bare_metal") == 0;
}

enum step_state verb_activate_start(struct strand *strand)
{
    struct activation_client_settings settings = { .via = ACTIVATION_VIA_MESH };
    if (is_bare_metal(strand)) {
        const struct actor *server = find_server(strand, &settings);
        return server == NULL ? STEP_FAILED : verb_hello_start(strand, server);
    }
    if (!fill(strand, &settings)) {
        return STEP_FAILED;
    }
    enum step_state state = begin(strand, &settings);
    return state == STEP_WAITS && !step_bool(strand, "wait", false) ? STEP_DONE : state;
}

/* How it ended is the outcome; whether that is good is for the scenario to say. */
enum step_state verb_activate_poll(struct strand *strand)
{
    struct arena *pool = &strand->run->pool;
    if (is_bare_metal(strand)) {
        struct activation_client_settings settings = { .via = ACTIVATION_VIA_MESH };
        return verb_hello_poll(strand, find_server(strand, &settings));
    }
    const struct activation_client_end *end = activation_client_end(strand->step.state);
    if (!end->is_over) {
        return step_is_late(strand)
                   ? step_fail(strand, "timeout", "the conversation has not ended in time: %s",
                               end->message[0] == '\0' ? "nothing was said" : end->message)
                   : STEP_WAITS;
    }
    struct value *outcome = value_map(pool);
    value_put(pool, outcome, "result", value_text(pool, end->result));
    value_put(pool, outcome, "code", value_text(pool, end->code));
    value_put(pool, outcome, "message", value_text(pool, end->message));
    value_put(pool, outcome, "lines", value_copy(pool, end->lines));
    strand->step.outcome = outcome;
    return STEP_DONE;
}

/* --- undo --- */

static enum step_state undo_by_host(struct strand *strand)
{
    struct arena *pool = &strand->run->pool;
    struct device_host *host = actor_device_host(strand->step.actor);
    if (host == NULL) {
        return step_fail(strand, "setup", "the device has no firmware");
    }
    const struct activation_host door = device_host_door(host, NULL, NULL);
    int status = host_unprovision(&door);
    struct value *outcome = value_map(pool);
    value_put(pool, outcome, "status", value_int(pool, status));
    value_put(
        pool, outcome, "code",
        value_text(pool, status == 0 ? "" : activation_failure_code(ACT_F_DEACTIVATION_REFUSED)));
    strand->step.outcome = outcome;
    return STEP_DONE;
}

enum step_state verb_activate_undo(struct strand *strand)
{
    struct activation_client_settings settings = { .via = ACTIVATION_VIA_RPS };
    if (strcmp(step_text(strand, "via", "host"), "host") == 0) {
        return undo_by_host(strand);
    }
    const char *password = step_text(strand, "password", NULL);
    if (password == NULL || step_argument(strand, "to") == NULL) {
        return step_fail(strand, "setup", "by rps it needs 'to' and 'password'");
    }
    if (!fill(strand, &settings)) {
        return STEP_FAILED;
    }
    settings.command =
        pool_printf(&strand->run->pool, "deactivate --password %s", settings.password);
    return begin(strand, &settings);
}

/* --- device.set_state --- */

static enum step_state set_mode(struct strand *strand, struct firmware *firmware)
{
    const char *mode = step_text(strand, "mode", "pre");
    enum amt_err err =
        strcmp(mode, "in") == 0 ? provisioning_start(firmware) : provisioning_stop(firmware);
    return err == AMT_OK ? STEP_DONE
                         : step_fail(strand, "setup", "it cannot go into the mode '%s' now", mode);
}

static bool wants_new(struct strand *strand, const char *what)
{
    const struct value *list = step_argument(strand, "new");
    for (const struct value *at = list == NULL               ? NULL
                                  : list->kind == VALUE_LIST ? list->first
                                                             : list;
         at != NULL; at = list->kind == VALUE_LIST ? at->next : NULL) {
        if (at->kind == VALUE_TEXT && strcmp(at->text, what) == 0) {
            return true;
        }
    }
    return false;
}

enum step_state verb_device_set_state(struct strand *strand)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct actor *actor = strand->step.actor;
    struct device_host *host = actor_device_host(actor);
    if (host == NULL) {
        return step_fail(strand, "setup", "the device has no firmware");
    }
    if (device_state_apply(strand->run, actor_device(actor), host, strand->step.arguments, &diag) !=
        AMT_OK) {
        return step_fail(strand, "setup", "%s", diag.text);
    }
    if (wants_new(strand, "nonce")) {
        provisioning_new_nonce(host->firmware);
    }
    if (wants_new(strand, "local_password")) {
        users_renew_os_admin(host->firmware);
    }
    return step_argument(strand, "mode") == NULL ? STEP_DONE : set_mode(strand, host->firmware);
}
