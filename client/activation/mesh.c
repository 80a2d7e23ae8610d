#include "client/activation/mesh.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/activation/mesh.h"
#include "protocol/apf/device_session.h"
#include "runtime/apf_stream.h"
#include "runtime/join.h"

#define USER_CHARS 16u

struct mesh_host_client {
    struct mesh_client_settings settings;
    struct stream *stream;
    struct apf_device_session *session;
    struct apf_device_config config;
    struct apf_forward forwards[2];
    struct arena arena;
    struct activation_report report;
    char user[USER_CHARS + 1];
    struct timer deadline;
    struct loop_task finish;
    bool is_over, is_closed_by_server;
    char reason[STREAM_TEXT_BYTES];
};

/* A channel of the server, joined to a port of the host; frees itself. */
struct lent_port {
    struct apf_stream apf;
};

static uint64_t now_of(const struct mesh_host_client *c)
{
    return loop_now_us(c->settings.loop);
}

static void on_finish(void *ctx)
{
    struct mesh_host_client *c = ctx;
    c->settings.on_end(c->settings.ctx, c->is_closed_by_server, c->reason);
}

static void end(struct mesh_host_client *c, bool is_closed_by_server, const char *reason)
{
    if (!c->is_over) {
        c->is_over = true;
        c->is_closed_by_server = is_closed_by_server;
        (void)snprintf(c->reason, sizeof c->reason, "%.*s", (int)sizeof c->reason - 1, reason);
        timer_stop(&c->deadline);
        loop_task_post(&c->finish); /* not from inside the session's call */
    }
}

static void set_timer(struct mesh_host_client *c)
{
    if (!c->is_over && c->session != NULL) {
        timer_start_at(&c->deadline, apf_device_session_next_deadline_us(c->session));
    }
}

static void send_json(struct mesh_host_client *c, struct text *json)
{
    struct apf_message message = { .type = APF_JSON_CONTROL,
                                   .json = { .off = 0, .len = (uint32_t)json->len } };
    const uint8_t *source = (const uint8_t *)json->chars;
    uint32_t need = json->failed ? 0 : apf_encode(&message, source, false, NULL, 0);
    uint8_t *out = need == 0 ? NULL : amt_alloc(need);
    if (out == NULL) {
        end(c, false, "out of memory");
    } else {
        (void)apf_encode(&message, source, false, out, need);
        if (stream_write(c->stream, out, need) != AMT_OK) {
            end(c, false, "the connection is lost");
        }
    }
    amt_free(out);
    if (json->chars != NULL) {
        amt_wipe(json->chars, json->cap); /* the local account's password was in it */
    }
    text_fini(json);
}

static enum amt_err send_state(struct mesh_host_client *c, struct amt_diag *diag)
{
    struct text json = { 0 };
    activation_report_wipe(&c->report);
    arena_fini(&c->arena);
    TRY(host_read_report(&c->settings.host, &c->arena, &c->report, diag));
    if (c->settings.dns_suffix != NULL) {
        c->report.dns_suffix = c->settings.dns_suffix;
    }
    if (c->settings.edit_report != NULL) {
        c->settings.edit_report(c->settings.ctx, &c->report);
    }
    mesh_write_state(&json, &c->report);
    send_json(c, &json);
    return AMT_OK;
}

/* --- what the server asks the host to do (ACT-CLI-006, 007) --- */

static void answer_status(struct mesh_host_client *c, enum mesh_action action, int status)
{
    struct text json = { 0 };
    mesh_write_status(&json, action, status);
    send_json(c, &json);
}

static void start_tls(struct mesh_host_client *c, const char *hash_hex)
{
    struct text json = { 0 };
    char hash[129] = "";
    int status = host_start_tls(&c->settings.host, hash_hex, hash);
    mesh_write_tls_started(&json, status, status == 0 ? hash : NULL);
    send_json(c, &json);
}

static void answer_state(struct mesh_host_client *c)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (send_state(c, &diag) != AMT_OK) {
        end(c, false, diag.text);
    }
}

static void on_json(void *ctx, const uint8_t *json, uint32_t len)
{
    struct mesh_host_client *c = ctx;
    struct arena arena = { 0 };
    struct mesh_message message;
    if (mesh_read(&arena, (const char *)json, len, &message, NULL, NULL) == AMT_OK) {
        switch (message.action) {
        case MESH_CONSOLE:
            if (c->settings.on_console != NULL) {
                c->settings.on_console(c->settings.ctx, message.text);
            }
            break;
        case MESH_ASK_STATE:
            answer_state(c);
            break;
        case MESH_DEACTIVATE:
            answer_status(c, MESH_DEACTIVATE, host_unprovision(&c->settings.host));
            break;
        case MESH_STOP:
            answer_status(c, MESH_STOP, host_stop_configuration(&c->settings.host));
            break;
        case MESH_START_TLS:
            start_tls(c, message.text);
            break;
        case MESH_CLOSE:
            end(c, true, "");
            break;
        case MESH_CONNECTION_TYPE:
        case MESH_STATE:
        case MESH_UNKNOWN:
            break;
        }
    }
    arena_fini(&arena);
}

/* --- ports of the host (ACT-CLI-011) --- */

static void on_release(struct apf_stream *apf)
{
    amt_free(apf); /* the first and only member of a lent_port */
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    struct mesh_host_client *c = ctx;
    bool is_ours = port == 16992 || port == 16993;
    struct lent_port *lent = is_ours ? amt_alloc(sizeof *lent) : NULL;
    struct stream *s = lent == NULL ? NULL : c->settings.host.open_port(c->settings.host.ctx, port);
    if (s == NULL) {
        amt_free(lent);
        apf_channel_refuse(channel, APF_CONNECT_FAILED);
        return;
    }
    apf_stream_init(&lent->apf, c->settings.loop, "server", on_release);
    apf_stream_accept(&lent->apf, channel);
    const struct join_side server = { .stream = &lent->apf.stream, .cannot_half_close = true };
    const struct join_side device = { .stream = s };
    (void)join_streams(c->settings.loop, server, device, 0, NULL, NULL); /* ends with its streams */
    apf_channel_accept(channel, now_of(c));
}

static struct apf_stream *stream_of(const struct apf_channel *channel)
{
    return apf_channel_ctx(channel);
}

static void on_channel_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    (void)ctx;
    if (stream_of(channel) != NULL) {
        apf_stream_data(stream_of(channel), in, len);
    }
}

static void on_channel_drain(void *ctx, struct apf_channel *channel)
{
    (void)ctx;
    if (stream_of(channel) != NULL) {
        apf_stream_drain(stream_of(channel));
    }
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end kind,
                           uint32_t reason)
{
    struct apf_stream *s = stream_of(channel);
    (void)ctx;
    (void)reason;
    if (s != NULL) {
        apf_stream_detach(s);
        apf_stream_end(s, kind == APF_CHANNEL_END_CLOSED ? STREAM_END_FIN : STREAM_END_RESET,
                       "the server closed the channel");
    }
}

/* --- the session --- */

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct mesh_host_client *c = ctx;
    if (!c->is_over && stream_write(c->stream, out, len) != AMT_OK) {
        end(c, false, "the connection is lost");
    }
}

static void on_session_end(void *ctx, const struct apf_end *apf_end)
{
    struct mesh_host_client *c = ctx;
    char text[STREAM_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s%s%s", apf_session_end_name(apf_end->kind),
                   apf_end->text == NULL ? "" : ": ", apf_end->text == NULL ? "" : apf_end->text);
    end(c, false, text);
}

static const struct apf_device_handler k_handler = {
    .mux = { .send = on_send,
             .on_open_request = on_open_request,
             .on_data = on_channel_data,
             .on_drain = on_channel_drain,
             .on_channel_end = on_channel_end },
    .on_json = on_json,
    .on_end = on_session_end,
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct mesh_host_client *c = ctx;
    if (!c->is_over && c->session != NULL) {
        apf_device_session_input(c->session, in, len, now_of(c));
        set_timer(c);
    }
}

static void on_stream_end(void *ctx, const struct stream_end *stream_end)
{
    struct mesh_host_client *c = ctx;
    end(c, false,
        stream_end->text[0] == '\0' ? "the server closed the connection" : stream_end->text);
}

static const struct stream_handler k_stream = { .on_data = on_data, .on_end = on_stream_end };

static void on_deadline(void *ctx)
{
    struct mesh_host_client *c = ctx;
    if (!c->is_over) {
        apf_device_session_tick(c->session, now_of(c));
        set_timer(c);
    }
}

/* ACT-CLI-010: the first 16 characters of the id, quotes removed. */
static bool take_user(struct mesh_host_client *c, const char *group_id)
{
    uint32_t len = 0;
    for (const char *at = group_id; *at != '\0' && len < USER_CHARS; at++) {
        if (*at != '\'' && *at != '"') {
            c->user[len++] = *at;
        }
    }
    return len == USER_CHARS;
}

static void configure(struct mesh_host_client *c)
{
    static const struct apf_forward k_forwards[2] = { { .port = 16992, .address = "" },
                                                      { .port = 16993, .address = "" } };
    memcpy(c->forwards, k_forwards, sizeof c->forwards);
    c->config = (struct apf_device_config){
        .mux = { .sends = APF_DEV_TO_MPS,
                 .window_bytes = 32768,
                 .chunk_bytes = 4087,
                 .max_channels = 16,
                 .reuse_lowest = true,
                 .open_limit_us = 30 * (uint64_t)US_PER_SECOND,
                 .close_limit_us = 10 * (uint64_t)US_PER_SECOND,
                 .queue_max_bytes = 262144 },
        .lenient = true,
        .uuid = c->report.uuid,
        .trigger = 0,
        .user = (const uint8_t *)c->user,
        .password = (const uint8_t *)c->user,
        .user_len = USER_CHARS,
        .password_len = USER_CHARS,
        .forwards = c->forwards,
        .forward_count = 2,
        .want_reply = 1,
        .progress_limit_us = 30 * (uint64_t)US_PER_SECOND,
        .keepalive_interval_us = 60 * (uint64_t)US_PER_SECOND, /* ACT-CLI-012 */
        .json_control = true,
    };
}

/* connType, then meiState, then APF (ACT-CLI-001). */
static enum amt_err begin(struct mesh_host_client *c, struct amt_diag *diag)
{
    struct text json = { 0 };
    mesh_write_connection_type(&json, 2);
    send_json(c, &json);
    TRY(send_state(c, diag));
    configure(c);
    c->session = apf_device_session_new(&c->config, &k_handler, c, now_of(c));
    if (c->session == NULL || c->is_over) {
        return amt_diag_set(diag, AMT_ENOMEM, "%s",
                            c->reason[0] == '\0' ? "out of memory" : c->reason);
    }
    return AMT_OK;
}

struct mesh_host_client *mesh_host_client_new(const struct mesh_client_settings *settings,
                                              struct stream *s, struct amt_diag *diag)
{
    struct mesh_host_client *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        stream_close(s);
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    c->settings = *settings;
    c->stream = s;
    timer_init(&c->deadline, settings->loop, on_deadline, c);
    loop_task_init(&c->finish, settings->loop, on_finish, c);
    stream_set_handler(s, &k_stream, c);
    enum amt_err err = AMT_OK;
    if (!take_user(c, settings->group_id)) {
        err = amt_diag_set(diag, AMT_ECONFIG, "--id \"%s\" is shorter than 16 characters",
                           settings->group_id);
    }
    err = err == AMT_OK ? begin(c, diag) : err;
    if (err != AMT_OK) {
        mesh_host_client_free(c);
        return NULL;
    }
    set_timer(c);
    return c;
}

void mesh_host_client_free(struct mesh_host_client *c)
{
    if (c == NULL) {
        return;
    }
    c->is_over = true;
    timer_stop(&c->deadline);
    loop_task_cancel(&c->finish);
    if (c->session != NULL) {
        apf_device_session_transport_ended(c->session, now_of(c)); /* ends what it lends */
        apf_device_session_free(c->session);
    }
    stream_close(c->stream);
    activation_report_wipe(&c->report);
    arena_fini(&c->arena);
    amt_free(c);
}
