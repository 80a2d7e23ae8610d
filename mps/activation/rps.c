#include "mps/activation/rps.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/rps_internal.h"
#include "runtime/tls.h"

#define FIRST_LIMIT_US (30u * (uint64_t)US_PER_SECOND)
#define LEAVE_LIMIT_US (5u * (uint64_t)US_PER_SECOND)
#define CLIENTS_MAX    1000u

/* --- life -------------------------------------------------------------------------------------- */

static void reap(void *ctx)
{
    struct rps_client *c = ctx;
    struct rps_client **at = &c->server->first;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    c->server->count -= 1;
    timer_stop(&c->limit);
    activation_job_free(c->job);
    wsman_client_free(c->wsman);
    tls_context_free(c->tls);
    rps_streams_end(c);
    websocket_close(c->ws, WEBSOCKET_NORMAL, "");
    activation_report_wipe(&c->device.report);
    secret_fini(&c->policy.password);
    secret_fini(&c->policy.mebx_password);
    secret_fini(&c->wanted_password);
    arena_fini(&c->call_arena);
    arena_fini(&c->arena);
    amt_free(c);
}

void rps_client_die(struct rps_client *c)
{
    c->is_dying = true;
    loop_task_post(&c->reap);
}

static void on_limit(void *ctx)
{
    struct rps_client *c = ctx;
    if (c->phase == RPS_PHASE_FIRST) {
        websocket_close(c->ws, WEBSOCKET_POLICY, "no first message in time");
        c->ws = NULL;
    }
    rps_client_die(c);
}

/* --- messages ---------------------------------------------------------------------------------- */

void rps_client_send(struct rps_client *c, enum rps_method method, const void *payload,
                     uint32_t len, const char *message)
{
    const char *version = c->server->settings.version;
    struct text out = { 0 };
    const struct rps_message m = { .method = method,
                                   .app_version = version == NULL ? "amtlab" : version,
                                   .message = message,
                                   .payload = payload,
                                   .payload_len = len };
    if (c->is_dying || c->ws == NULL) {
        return;
    }
    rps_write(&out, RPS_FROM_SERVER, &m);
    if (out.failed ||
        websocket_send(c->ws, WEBSOCKET_TEXT, out.chars, (uint32_t)out.len) != AMT_OK) {
        rps_client_die(c);
    }
    if (out.chars != NULL) {
        amt_wipe(out.chars, out.len);
    }
    text_fini(&out);
}

void rps_client_finish(struct rps_client *c, bool is_good, const char *message)
{
    LOG(c->server->settings.activation.log, is_good ? LOG_INFO : LOG_WARN,
        is_good ? "rps.success" : "rps.error", log_text("peer", c->peer),
        log_text("uuid", c->device.uuid), log_text("code", activation_failure_code(c->failure)),
        log_text("message", message));
    c->phase = RPS_PHASE_ENDED;
    rps_client_send(c, is_good ? RPS_SUCCESS : RPS_ERROR, NULL, 0, message);
    timer_start(&c->limit, LEAVE_LIMIT_US);
}

/* An early error: its text as it is (7.4). */
static void refuse(struct rps_client *c, struct text *why)
{
    const struct rps_server_settings *settings = &c->server->settings;
    struct activation_result result = { .outcome = ACTIVATION_FAILED,
                                        .failure = c->failure,
                                        .control_mode = c->device.report.control_mode,
                                        .reason = c->reason };
    if (c->failure != ACTIVATION_NO_FAILURE && c->device.is_uuid) {
        (void)snprintf(result.detail, sizeof result.detail, "%s", text_chars(why));
        activation_result_log(settings->activation.log, &c->device.report.uuid, &result);
        if (settings->on_result != NULL) {
            settings->on_result(settings->ctx, &c->device.report.uuid, &result);
        }
    }
    rps_client_finish(c, false, why->failed ? "out of memory" : text_chars(why));
    text_fini(why);
}

/* A late one, and success: a JSON text (ACT-SRV-046). */
void rps_client_finish_status(struct rps_client *c, bool is_good, const char *status)
{
    bool is_cira_set = is_good && c->policy.cira_setup == 2;
    struct text message = { 0 };
    const struct rps_status s = { .status = status,
                                  .tls_configuration =
                                      is_good && c->has_given_tls ? "Configured" : NULL,
                                  .cira_connection = is_cira_set ? "Configured" : NULL };
    rps_status_write(&message, &s);
    rps_client_finish(c, is_good, text_chars(&message));
    text_fini(&message);
}

/* --- activation -------------------------------------------------------------------------------- */

static const char *good_status(const struct rps_client *c, const struct activation_result *result)
{
    bool is_admin = result->control_mode == 2;
    if (result->outcome == ACTIVATION_NOTHING_TO_DO) {
        return is_admin ? "already enabled in admin mode." : "already enabled in client mode.";
    }
    if (c->device.report.control_mode == 1 && is_admin) {
        return "Upgraded to admin control mode.";
    }
    return result->control_mode == 0 ? "Deactivated"
           : is_admin                ? "Admin control mode."
                                     : "Client control mode.";
}

/* Upgraded, with another password than the profile's. */
static bool needs_password(const struct rps_client *c, const struct activation_result *result)
{
    const struct secret *wanted = &c->wanted_password;
    return c->device.report.control_mode == 1 && result->control_mode == 2 && wanted->len > 0 &&
           !secret_equal(wanted, c->policy.password.bytes, c->policy.password.len);
}

void rps_password_done(struct rps_client *c, const char *why)
{
    struct text status = { 0 };
    if (why == NULL) {
        rps_client_finish_status(
            c, true, c->is_maintained ? "Password changed." : "Upgraded to admin control mode.");
        return;
    }
    text_printf(&status, "Device %s %s keeps its password: %s", c->device.uuid,
                c->is_maintained ? "maintenance failed. It"
                                 : "was upgraded to admin control mode, but",
                why);
    rps_client_finish_status(c, false, text_chars(&status));
    text_fini(&status);
}

static void on_job_done(void *ctx, const struct activation_result *result)
{
    struct rps_client *c = ctx;
    const struct rps_server_settings *settings = &c->server->settings;
    if (settings->on_result != NULL) {
        settings->on_result(settings->ctx, &c->device.report.uuid, result);
    }
    c->failure = result->failure;
    if (result->outcome == ACTIVATION_DONE && needs_password(c, result)) {
        c->control_mode = result->control_mode;
        rps_password_set(c);
        return;
    }
    if (result->outcome != ACTIVATION_FAILED) {
        rps_client_finish_status(c, true, good_status(c, result));
        return;
    }
    struct text status = { 0 };
    text_printf(&status, "Device %s activation failed. %s: %s %s (%s)", c->device.uuid,
                activation_failure_code(result->failure), activation_failure_cause(result->failure),
                activation_failure_cure(result->failure), result->detail);
    rps_client_finish_status(c, false, text_chars(&status));
    text_fini(&status);
}

/* ACT-SRV-048 */
static void say(void *ctx, const char *line)
{
    struct rps_client *c = ctx;
    if (c->device.has_progress && c->phase == RPS_PHASE_RELAY) {
        rps_client_send(c, RPS_PROGRESS, NULL, 0, line);
    }
}

static void switch_port(void *ctx, uint32_t port, uint32_t delay_s)
{
    struct rps_client *c = ctx;
    struct text payload = { 0 };
    c->uses_tls = c->has_given_tls = true;
    rps_port_switch_write(&payload, port, delay_s);
    rps_client_send(c, RPS_PORT_SWITCH, payload.chars, (uint32_t)payload.len, NULL);
    text_fini(&payload);
}

static void activate(struct rps_client *c)
{
    struct activation_settings settings = c->server->settings.activation;
    struct activation_report *report = &c->device.report;
    const struct activation_channel channel = {
        .open_port = rps_stream_open, .switch_port = switch_port, .say = say, .ctx = c
    };
    if (report->local_user[0] == '\0' || report->control_mode != 0) {
        report->local_user = report->control_mode == 0 ? "$$OsAdmin" : "admin";
    }
    if (report->control_mode == 1) { /* it is upgraded with the password that it has */
        c->wanted_password = c->policy.password;
        c->policy.password = report->local_password;
    }
    settings.policy = &c->policy;
    settings.group = c->group;
    settings.uses_tunnel = c->device.is_tls_tunnel;
    settings.prefers_upgrade = true; /* 4.5; RPS has no host commands */
    c->job = activation_job_new(&settings, report, &channel, on_job_done, c);
    if (c->job == NULL) {
        rps_client_die(c);
    }
}

/* --- deactivation ------------------------------------------------------------------------------ */

struct stream *rps_open_device(void *ctx)
{
    static const struct tls_settings k_tls = { .max_version = TLS_VERSION_1_2 };
    static const struct tls_name_check k_any = { .name = NULL };
    static const struct stream_handler k_none = { .on_open = NULL };
    struct rps_client *c = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    if (!c->uses_tls) {
        return rps_stream_open(c, 16992);
    }
    if (c->tls == NULL) {
        c->tls = tls_context_new(&k_tls, &diag);
    }
    struct stream *s = c->tls == NULL ? NULL : rps_stream_open(c, 16993);
    return s == NULL
               ? NULL
               : tls_connect(c->server->settings.activation.loop, c->tls, &k_any, s, &k_none, NULL);
}

struct wsman_client *rps_client_as_admin(struct rps_client *c, const struct secret *password)
{
    const struct wsman_client_settings settings = { .loop = c->server->settings.activation.loop,
                                                    .connect = rps_open_device,
                                                    .ctx = c,
                                                    .where = "the device",
                                                    .host = "127.0.0.1:16992",
                                                    .user = "admin",
                                                    .password = password };
    return wsman_client_new(&settings);
}

static void on_unprovisioned(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    struct text status = { 0 };
    if (outcome->result == WSMAN_DONE && outcome->return_value == 0) {
        rps_client_finish_status(c, true, "Deactivated");
        return;
    }
    if (outcome->result == WSMAN_REFUSED) {
        text_puts(&status, "Unable to authenticate with AMT");
    } else {
        text_printf(&status, "Device %s deactivation failed. %s: %s", c->device.uuid,
                    activation_failure_code(ACT_F_DEACTIVATION_REFUSED), outcome->diag.text);
    }
    rps_client_finish_status(c, false, text_chars(&status));
    text_fini(&status);
}

static void deactivate(struct rps_client *c)
{
    struct wsman_instance *input = wsman_instance_new(&c->call_arena, "INPUT");
    const struct wsman_call call = { .operation = WSMAN_METHOD,
                                     .class_name = "AMT_SetupAndConfigurationService",
                                     .method = "Unprovision",
                                     .body = input };
    enum amt_err err = AMT_ENOMEM;
    c->wsman = rps_client_as_admin(c, &c->device.report.local_password);
    if (input != NULL && c->wsman != NULL) {
        wsman_set(input, "ProvisioningMode", "1");
        err = wsman_client_call(c->wsman, &call, &c->call_arena, on_unprovisioned, c);
    }
    if (err != AMT_OK) {
        rps_client_die(c);
    }
}

/* --- the first message ------------------------------------------------------------------------- */

static void start(struct rps_client *c, struct rps_command *command)
{
    struct text why = { 0 };
    if (command->has_password) {
        c->device.report.local_password = command->password;
    }
    bool is_good = false;
    if (command->action == RPS_ACTIVATE) {
        is_good = rps_check_activation(c, command, &why);
    } else if (command->action == RPS_DEACTIVATE) {
        is_good = rps_check_deactivation(c, command, &why);
    } else {
        is_good = rps_check_maintenance(c, command, &why);
    }
    if (!is_good) {
        refuse(c, &why);
        return;
    }
    c->phase = RPS_PHASE_RELAY;
    c->uses_tls = c->device.report.is_tls_enforced;
    timer_stop(&c->limit);
    LOG(c->server->settings.activation.log, LOG_INFO, "rps.begins", log_text("peer", c->peer),
        log_text("uuid", c->device.uuid), log_text("profile", command->profile),
        log_text("client", c->device.report.client));
    if (command->action == RPS_ACTIVATE) {
        activate(c);
    } else if (command->action == RPS_DEACTIVATE) {
        deactivate(c);
    } else {
        rps_maintain(c, command);
    }
}

/* ACT-SRV-043, ACT-SRV-045 */
static void on_first(struct rps_client *c, const struct rps_message *m)
{
    struct text why = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct rps_command command = { .profile = "" };
    enum amt_err err =
        m->method != RPS_COMMAND && m->payload_len == 0
            ? AMT_OK
            : rps_device_read(m->payload, m->payload_len, &c->arena, &c->device, &diag);
    if (err == AMT_OK && !rps_version_is_supported(m->protocol_version, RPS_PROTOCOL_VERSION)) {
        err = AMT_EMALFORMED;
        c->failure = ACT_F_PROTOCOL_VERSION;
        (void)amt_diag_set(&diag, err, "protocol version NOT supported: %s", m->protocol_version);
    }
    if (err == AMT_OK && m->method != RPS_COMMAND) {
        err = AMT_EMALFORMED;
        (void)amt_diag_set(&diag, err, "Device %s Not a supported method received from AMT device",
                           c->device.uuid);
    }
    if (err == AMT_OK) {
        err = rps_command_read(m->method_text, &c->arena, &command, &diag);
    }
    if (err == AMT_OK) {
        c->device.report.profile = command.profile;
        c->device.report.peer = c->peer;
        start(c, &command);
    } else {
        text_puts(&why, err == AMT_ENOMEM ? "out of memory" : diag.text);
        refuse(c, &why);
    }
    secret_fini(&command.password);
    secret_fini(&command.new_password);
}

static void on_relay(struct rps_client *c, const struct rps_message *m)
{
    struct text why = { 0 };
    switch (m->method) {
    case RPS_RESPONSE:
        rps_streams_response(c, m->payload, m->payload_len);
        return;
    case RPS_TLS_DATA:
        rps_streams_tls_data(c, m->payload, m->payload_len);
        return;
    case RPS_CONNECTION_RESET:
        rps_streams_reset(c, "the client lost its connection to the device");
        return;
    case RPS_PORT_SWITCH_ACK:
        if (c->job != NULL) {
            activation_job_port_switched(c->job);
        }
        return;
    case RPS_HEARTBEAT_RESPONSE:
        return;
    case RPS_COMMAND:
    case RPS_WSMAN:
    case RPS_PORT_SWITCH:
    case RPS_HEARTBEAT_REQUEST:
    case RPS_PROGRESS:
    case RPS_SUCCESS:
    case RPS_ERROR:
    case RPS_OTHER:
        break;
    }
    text_printf(&why, "Device %s Not a supported method received from AMT device", c->device.uuid);
    activation_job_free(c->job);
    c->job = NULL;
    wsman_client_free(c->wsman);
    c->wsman = NULL;
    refuse(c, &why);
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct rps_client *c = ctx;
    struct arena arena = { 0 };
    struct rps_message m;
    struct amt_diag diag = { .err = AMT_OK };
    (void)kind; /* binary messages close the socket before they come here (ACT-SRV-044) */
    if (c->is_dying || c->phase == RPS_PHASE_ENDED) {
        return;
    }
    enum amt_err err = rps_read((const char *)in, len, &arena, &m, &diag);
    if (err != AMT_OK) {
        struct text why = { 0 };
        text_printf(&why, "Failed to parse client message payload. %s",
                    err == AMT_ENOMEM ? "out of memory" : diag.text);
        activation_job_free(c->job);
        c->job = NULL;
        refuse(c, &why);
    } else if (c->phase == RPS_PHASE_FIRST) {
        on_first(c, &m);
    } else {
        on_relay(c, &m);
    }
    arena_fini(&arena);
}

static void on_end(void *ctx, const struct websocket_end *end)
{
    struct rps_client *c = ctx;
    LOG(c->server->settings.activation.log, LOG_INFO, "rps.closed", log_text("peer", c->peer),
        log_u64("code", end->code), log_text("text", end->stream.text));
    rps_client_die(c);
}

/* --- the server -------------------------------------------------------------------------------- */

static void make_id(struct rps_client *c)
{
    struct uuid id;
    loop_random(c->server->settings.activation.loop, id.bytes, sizeof id.bytes);
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    uuid_format(&id, c->id);
}

void rps_server_request(struct rps_server *server, struct http_server_connection *connection,
                        const struct http_request *request)
{
    static const struct websocket_settings k_settings = { .message_max_bytes =
                                                              RPS_MESSAGE_MAX_BYTES,
                                                          .refuses_binary = true };
    static const struct websocket_handler k_handler = { .on_message = on_message,
                                                        .on_end = on_end };
    const struct rps_server_settings *settings = &server->settings;
    struct loop *loop = settings->activation.loop;
    uint32_t max = settings->max_clients == 0 ? CLIENTS_MAX : settings->max_clients;
    struct rps_client *c = server->count < max ? amt_alloc(sizeof *c) : NULL;
    if (c == NULL) {
        http_close_after_response(connection);
        http_respond(connection, 503, "text/plain", NULL, "too many clients\n", 17);
        return;
    }
    c->ws = websocket_accept(loop, connection, request, &k_settings, &k_handler, c);
    if (c->ws == NULL) {
        amt_free(c);
        return;
    }
    c->server = server;
    c->device.uuid = "";
    c->next = server->first;
    server->first = c;
    server->count += 1;
    websocket_peer_name(c->ws, c->peer);
    timer_init(&c->limit, loop, on_limit, c);
    loop_task_init(&c->reap, loop, reap, c);
    make_id(c);
    timer_start(&c->limit, settings->first_message_limit_us == 0
                               ? FIRST_LIMIT_US
                               : settings->first_message_limit_us);
}

struct rps_server *rps_server_new(const struct rps_server_settings *settings)
{
    struct rps_server *server = amt_alloc(sizeof *server);
    if (server != NULL) {
        server->settings = *settings;
    }
    return server;
}

void rps_server_free(struct rps_server *server)
{
    if (server == NULL) {
        return;
    }
    listener_close(server->listener);
    rps_connections_end(server);
    while (server->first != NULL) {
        struct rps_client *c = server->first;
        loop_task_cancel(&c->reap);
        c->is_dying = true;
        reap(c);
    }
    amt_free(server);
}

uint32_t rps_server_count(const struct rps_server *server)
{
    return server->count;
}
