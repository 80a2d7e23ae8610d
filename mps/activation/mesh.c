#include "mps/activation/mesh.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/activation/mesh_internal.h"

#define START_DELAY_US (300u * (uint64_t)US_PER_MS)
#define USER_CHARS     16u

static uint64_t now_of(const struct mesh_client *c)
{
    return loop_now_us(c->server->settings.activation.loop);
}

/* --- life --- */

static void set_timer(struct mesh_client *c)
{
    if (c->session != NULL && !c->is_dying) {
        timer_start_at(&c->deadline, apf_mps_session_next_deadline_us(c->session));
    }
}

static void reap(void *ctx)
{
    struct mesh_client *c = ctx;
    struct mesh_client **at = &c->server->first;
    while (*at != c) {
        at = &(*at)->next;
    }
    *at = c->next;
    c->server->count -= 1;
    timer_stop(&c->deadline);
    timer_stop(&c->start);
    activation_job_free(c->job);
    mesh_channels_end(c, "the client has left");
    apf_mps_session_free(c->session);
    stream_close(c->stream);
    activation_report_wipe(&c->report);
    secret_fini(&c->policy.password);
    arena_fini(&c->arena);
    amt_free(c);
}

/* Not inside callbacks of what is freed. */
static void die(struct mesh_client *c)
{
    c->is_dying = true;
    loop_task_post(&c->reap);
}

/* --- JSON --- */

void mesh_client_send(struct mesh_client *c, struct text *json)
{
    struct apf_message message = { .type = APF_JSON_CONTROL,
                                   .json = { .off = 0, .len = (uint32_t)json->len } };
    uint32_t need =
        json->failed ? 0 : apf_encode(&message, (const uint8_t *)json->chars, false, NULL, 0);
    uint8_t *out = need == 0 ? NULL : amt_alloc(need);
    if (out != NULL && c->connection_type != 0 && !c->is_dying) { /* apf.md 3.23 */
        (void)apf_encode(&message, (const uint8_t *)json->chars, false, out, need);
        if (stream_write(c->stream, out, need) != AMT_OK) {
            die(c);
        }
    }
    amt_free(out);
    text_fini(json);
}

static void say(void *ctx, const char *line)
{
    struct text json = { 0 };
    mesh_write_console(&json, line);
    mesh_client_send(ctx, &json);
}

static void send_plain(struct mesh_client *c, enum mesh_action action)
{
    struct text json = { 0 };
    mesh_write_plain(&json, action);
    mesh_client_send(c, &json);
}

static void stop_configuration(void *ctx)
{
    send_plain(ctx, MESH_STOP);
}

static void unprovision(void *ctx)
{
    send_plain(ctx, MESH_DEACTIVATE);
}

static void ask_state(void *ctx)
{
    send_plain(ctx, MESH_ASK_STATE);
}

static void start_tls(void *ctx, const char *hash_hex)
{
    struct text json = { 0 };
    mesh_write_start_tls(&json, hash_hex);
    mesh_client_send(ctx, &json);
}

/* --- the job --- */

static void on_job_done(void *ctx, const struct activation_result *result)
{
    struct mesh_client *c = ctx;
    const struct mesh_server_settings *settings = &c->server->settings;
    if (settings->on_result != NULL) {
        settings->on_result(settings->ctx, &c->report.uuid, result);
    }
    send_plain(c, MESH_CLOSE);
}

static void on_start(void *ctx)
{
    struct mesh_client *c = ctx;
    struct activation_settings settings = c->server->settings.activation;
    static const struct activation_channel k_channel = {
        .open_port = mesh_channel_open,
        .stop_configuration = stop_configuration,
        .unprovision_client_mode = unprovision,
        .start_tls_configuration = start_tls,
        .read_state_again = ask_state,
        .say = say,
    };
    struct activation_channel channel = k_channel;
    if (c->connection_type != 2 || !c->has_report || c->job != NULL) {
        return;
    }
    channel.ctx = c;
    settings.policy = &c->policy;
    settings.group = c->group;
    c->job = activation_job_new(&settings, &c->report, &channel, on_job_done, c);
    if (c->job == NULL) {
        die(c);
    }
}

static void take_state(struct mesh_client *c, struct activation_report *report)
{
    struct uuid uuid = c->report.uuid;
    report->peer = c->peer;
    report->profile = c->group == NULL ? "" : c->group;
    activation_report_wipe(&c->report);
    c->report = *report;
    if (c->has_report) { /* the device stays the one that logged in */
        c->report.uuid = uuid;
    }
    c->has_report = true;
    if (c->job != NULL) {
        activation_job_report_changed(c->job, &c->report);
    }
}

/* ACT-SRV-039 to 042. */
static void on_json(void *ctx, const uint8_t *json, uint32_t len)
{
    struct mesh_client *c = ctx;
    struct mesh_message message;
    struct activation_report report;
    struct amt_diag diag = { .err = AMT_OK };
    if (mesh_read(&c->arena, (const char *)json, len, &message, &report, &diag) != AMT_OK) {
        LOG(c->server->settings.activation.log, LOG_INFO, "mesh.ignored", log_text("peer", c->peer),
            log_text("reason", diag.text));
        return;
    }
    if (message.action == MESH_CONNECTION_TYPE) {
        bool is_early = apf_mps_session_state(c->session) == APF_MPS_HELLO;
        if (c->connection_type == 0 && is_early && message.value >= 0 && message.value <= 2) {
            c->connection_type = (int)message.value;
        }
    } else if (c->connection_type != 2) {
        return;
    } else if (message.action == MESH_STATE) {
        take_state(c, &report);
    } else if (c->job != NULL && message.has_value &&
               (message.action == MESH_STOP || message.action == MESH_DEACTIVATE ||
                message.action == MESH_START_TLS)) {
        activation_job_host_done(c->job, (int)message.value, message.text);
    }
}

/* --- APF --- */

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct mesh_client *c = ctx;
    if (!c->is_dying && stream_write(c->stream, out, len) != AMT_OK) {
        die(c);
    }
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct mesh_client *c = ctx;
    const struct mesh_server_settings *settings = &c->server->settings;
    struct secret password = { .len = 0 };
    struct text why = { 0 };
    char user[USER_CHARS + 1];
    bool is_good = false;
    if (!login->has_password || login->user_len != USER_CHARS) {
        text_puts(&why, "Username length not 16");
    } else if (secret_set(&password, login->password, login->password_len) == AMT_OK) {
        memcpy(user, login->user, USER_CHARS);
        user[USER_CHARS] = '\0';
        is_good = settings->find_group(settings->ctx, user, &password, &c->policy, &c->group, &why);
    }
    secret_fini(&password);
    if (is_good) {
        c->report.uuid = login->uuid;
        c->report.profile = c->group;
    } else {
        say(c, why.len == 0 ? "Invalid login username/password" : text_chars(&why)); /* F53 */
        LOG(settings->activation.log, LOG_WARN, "mesh.login_refused", log_text("peer", c->peer),
            log_text("reason", text_chars(&why)));
        struct activation_result result = { .outcome = ACTIVATION_FAILED,
                                            .failure = ACT_F_LOGIN_REFUSED };
        (void)snprintf(result.detail, sizeof result.detail, "%s", text_chars(&why));
        activation_result_log(settings->activation.log, &login->uuid, &result);
    }
    text_fini(&why);
    apf_mps_session_verified(c->session, is_good, now_of(c));
}

static void on_ready(void *ctx)
{
    struct mesh_client *c = ctx;
    uint64_t delay = c->server->settings.start_delay_us;
    timer_start(&c->start, delay != 0 ? delay : START_DELAY_US);
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct mesh_client *c = ctx;
    LOG(c->server->settings.activation.log, LOG_INFO, "mesh.closed", log_text("peer", c->peer),
        log_text("reason", apf_session_end_name(end->kind)),
        log_text("text", end->text == NULL ? "" : end->text));
    die(c);
}

static const struct apf_mps_handler k_handler = {
    .mux = { .send = on_send,
             .on_opened = mesh_channel_opened,
             .on_data = mesh_channel_data,
             .on_drain = mesh_channel_drain,
             .on_channel_end = mesh_channel_end },
    .on_login = on_login,
    .on_ready = on_ready,
    .on_json = on_json,
    .on_end = on_end,
};

static const struct apf_mps_config k_config = {
    .mux = { .sends = APF_MPS_TO_DEV,
             .window_bytes = 32768,
             .chunk_bytes = 4087,
             .max_channels = 16,
             .first_number = 1,
             .credit = APF_CREDIT_HALF,
             .open_limit_us = 30 * (uint64_t)US_PER_SECOND,
             .close_limit_us = 10 * (uint64_t)US_PER_SECOND,
             .queue_max_bytes = 262144 },
    .lenient = true, /* clients are programs of others */
    .json_control = true,
    .json_before_login = true,
    .auth_failures_max = 1,
    .pre_auth_limit_us = 30 * (uint64_t)US_PER_SECOND,
    .idle_limit_us = 180 * (uint64_t)US_PER_SECOND, /* keepalives come every 60 s */
    .keepalive_rule = APF_KEEPALIVE_NEVER,
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct mesh_client *c = ctx;
    if (!c->is_dying) {
        apf_mps_session_input(c->session, in, len, now_of(c));
        set_timer(c);
    }
}

static void on_stream_end(void *ctx, const struct stream_end *end)
{
    struct mesh_client *c = ctx;
    (void)end;
    if (!c->is_dying) {
        apf_mps_session_transport_ended(c->session, now_of(c));
        die(c);
    }
}

static void on_deadline(void *ctx)
{
    struct mesh_client *c = ctx;
    if (!c->is_dying) {
        apf_mps_session_tick(c->session, now_of(c));
        set_timer(c);
    }
}

void mesh_client_look_again(struct mesh_client *c)
{
    set_timer(c);
}

static const struct stream_handler k_stream = { .on_data = on_data, .on_end = on_stream_end };

void mesh_server_serve(struct mesh_server *server, struct stream *s)
{
    struct mesh_client *c = amt_alloc(sizeof *c);
    struct loop *loop = server->settings.activation.loop;
    if (c == NULL) {
        stream_close(s);
        return;
    }
    c->server = server;
    c->stream = s;
    c->report.wired_link = -1;
    stream_peer_name(s, c->peer);
    timer_init(&c->deadline, loop, on_deadline, c);
    timer_init(&c->start, loop, on_start, c);
    loop_task_init(&c->reap, loop, reap, c);
    c->session = apf_mps_session_new(&k_config, &k_handler, c, now_of(c));
    c->next = server->first;
    server->first = c;
    server->count += 1;
    stream_set_handler(s, &k_stream, c);
    if (c->session == NULL) {
        die(c);
    } else {
        set_timer(c);
    }
}

struct mesh_server *mesh_server_new(const struct mesh_server_settings *settings)
{
    struct mesh_server *server = amt_alloc(sizeof *server);
    if (server != NULL) {
        server->settings = *settings;
    }
    return server;
}

void mesh_server_free(struct mesh_server *server)
{
    if (server == NULL) {
        return;
    }
    while (server->first != NULL) {
        struct mesh_client *c = server->first;
        loop_task_cancel(&c->reap);
        c->is_dying = true;
        reap(c);
    }
    amt_free(server);
}

uint32_t mesh_server_count(const struct mesh_server *server)
{
    return server->count;
}
