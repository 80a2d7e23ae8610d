#include "runtime/websocket_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/memory.h"

#define WRITE_LIMIT_BYTES (1024u * 1024u)
/* Room above the write limit for pongs and the close frame; who pings on without reading is dropped. */
#define CONTROL_ROOM_BYTES 65536u
#define FRAME_HEAD_BYTES   14u

/* --- out --------------------------------------------------------------------------------------- */

static void flush(struct websocket *ws)
{
    if (ws->upgrade != NULL || ws->out.len == 0) {
        return;
    }
    enum amt_err err = stream_write(ws->lower, bytes_front(&ws->out), ws->out.len);
    bytes_fini(&ws->out);
    if (err == AMT_ELIMIT) {
        websocket_fail(ws, WEBSOCKET_POLICY, STREAM_END_LOCAL, "the peer does not read");
    } else if (err == AMT_ENOMEM) {
        websocket_fail(ws, WEBSOCKET_INTERNAL, STREAM_END_LOCAL, "out of memory");
    }
}

/* What wslay has queued becomes bytes, and goes out. */
static void send_frames(struct websocket *ws)
{
    if (wslay_event_send(ws->frames) != 0) {
        websocket_fail(ws, WEBSOCKET_INTERNAL, STREAM_END_LOCAL, "out of memory");
    }
    flush(ws);
}

static ssize_t on_frame_out(wslay_event_context_ptr frames, const uint8_t *out, size_t len,
                            int flags, void *ctx)
{
    struct websocket *ws = ctx;
    (void)flags;
    if (bytes_append(&ws->out, out, (uint32_t)len) != AMT_OK) {
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *out, size_t len, void *ctx)
{
    (void)frames;
    loop_random(((struct websocket *)ctx)->loop, out, len);
    return 0;
}

enum amt_err websocket_send(struct websocket *ws, enum websocket_kind kind, const void *out,
                            uint32_t len)
{
    if (ws->has_ended || ws->is_closing) {
        return AMT_ECLOSED;
    }
    uint32_t queued = websocket_queued_bytes(ws);
    if (queued > 0 && (queued > ws->write_limit_bytes || len > ws->write_limit_bytes - queued)) {
        return AMT_ELIMIT;
    }
    /* Room first: a frame that is half written cannot be taken back. */
    if (len > CURSOR_MAX_BYTES - FRAME_HEAD_BYTES ||
        bytes_reserve(&ws->out, len + FRAME_HEAD_BYTES) == NULL) {
        return AMT_ENOMEM;
    }
    struct wslay_event_msg message = {
        .opcode = kind == WEBSOCKET_TEXT ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME,
        .msg = out,
        .msg_length = len,
    };
    if (wslay_event_queue_msg(ws->frames, &message) != 0) {
        return AMT_ENOMEM;
    }
    send_frames(ws);
    return AMT_OK;
}

uint32_t websocket_queued_bytes(const struct websocket *ws)
{
    return ws->out.len + stream_queued_bytes(ws->lower);
}

void websocket_say_close(struct websocket *ws, uint16_t code, const char *reason)
{
    if (ws->is_closing || ws->upgrade != NULL) {
        return;
    }
    ws->is_closing = true;
    size_t len = strnlen(reason, WEBSOCKET_REASON_BYTES - 1);
    if (wslay_event_queue_close(ws->frames, code, (const uint8_t *)reason, len) == 0) {
        send_frames(ws);
    }
}

/* --- in ---------------------------------------------------------------------------------------- */

static ssize_t on_frame_in(wslay_event_context_ptr frames, uint8_t *out, size_t len, int flags,
                           void *ctx)
{
    struct websocket *ws = ctx;
    (void)flags;
    if (ws->in_len == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    uint32_t n = len < ws->in_len ? (uint32_t)len : ws->in_len;
    memcpy(out, ws->in, n);
    ws->in += n;
    ws->in_len -= n;
    return (ssize_t)n;
}

static void keep(struct websocket *ws, enum websocket_kind kind,
                 const struct wslay_event_on_msg_recv_arg *arg)
{
    struct websocket_message *message = amt_alloc(sizeof *message + arg->msg_length);
    if (message == NULL) {
        websocket_fail(ws, WEBSOCKET_INTERNAL, STREAM_END_LOCAL, "out of memory");
        return;
    }
    message->kind = kind;
    message->len = (uint32_t)arg->msg_length;
    if (arg->msg_length > 0) {
        memcpy(message->bytes, arg->msg, arg->msg_length);
    }
    if (ws->last != NULL) {
        ws->last->next = message;
    } else {
        ws->first = message;
    }
    ws->last = message;
}

static void closed_by_peer(struct websocket *ws, const struct wslay_event_on_msg_recv_arg *arg)
{
    uint16_t code = arg->status_code == 0 ? WEBSOCKET_NO_CODE : arg->status_code;
    char text[STREAM_TEXT_BYTES];
    int len = arg->msg_length > 2 ? (int)(arg->msg_length - 2) : 0;
    const char *reason = len > 0 ? (const char *)arg->msg + 2 : "";
    if (ws->has_ended) {
        return;
    }
    (void)snprintf(ws->end.reason, sizeof ws->end.reason, "%.*s", len, reason);
    (void)snprintf(text, sizeof text, "the peer closed the websocket with code %u%s%s", code,
                   len > 0 ? ": " : "", ws->end.reason);
    bool is_in_order =
        code == WEBSOCKET_NORMAL || code == WEBSOCKET_GOING_AWAY || code == WEBSOCKET_NO_CODE;
    ws->end.is_by_peer = true;
    websocket_fail(ws, code, is_in_order ? STREAM_END_FIN : STREAM_END_RESET, text);
}

static void on_frame_message(wslay_event_context_ptr frames,
                             const struct wslay_event_on_msg_recv_arg *arg, void *ctx)
{
    struct websocket *ws = ctx;
    (void)frames;
    if (arg->opcode == WSLAY_CONNECTION_CLOSE) {
        closed_by_peer(ws, arg);
    } else if (ws->has_ended || wslay_is_ctrl_frame(arg->opcode)) {
        return;
    } else if (arg->opcode == WSLAY_TEXT_FRAME && ws->refuses_text) {
        websocket_fail(ws, WEBSOCKET_UNSUPPORTED, STREAM_END_RESET, "a text message is not taken");
    } else if (arg->opcode == WSLAY_BINARY_FRAME && ws->refuses_binary) {
        websocket_fail(ws, WEBSOCKET_UNSUPPORTED, STREAM_END_RESET,
                       "a binary message is not taken");
    } else {
        keep(ws, arg->opcode == WSLAY_TEXT_FRAME ? WEBSOCKET_TEXT : WEBSOCKET_BINARY, arg);
    }
}

/* wslay has found something and will answer with its code. */
static void broken_by_peer(struct websocket *ws)
{
    uint16_t code = wslay_event_get_status_code_sent(ws->frames);
    const char *text = "the peer broke the rules of frames";
    if (code == WEBSOCKET_TOO_BIG) {
        text = "a message is above the limit";
    } else if (code == WEBSOCKET_NOT_UTF8) {
        text = "a text is not UTF-8";
    } else {
        code = WEBSOCKET_PROTOCOL_ERROR;
    }
    websocket_fail(ws, code, STREAM_END_RESET, text);
}

void websocket_feed(struct websocket *ws, const uint8_t *in, uint32_t len)
{
    if (ws->has_ended) {
        return;
    }
    ws->in = in;
    ws->in_len = len;
    int result = wslay_event_recv(ws->frames);
    ws->in_len = 0;
    bool is_close_queued = wslay_event_get_read_enabled(ws->frames) == 0;
    send_frames(ws); /* pongs, and the close frame that wslay has for what it refused */
    if (result == WSLAY_ERR_NOMEM) {
        websocket_fail(ws, WEBSOCKET_INTERNAL, STREAM_END_LOCAL, "out of memory");
    } else if (result != 0 || is_close_queued) {
        broken_by_peer(ws);
    }
}

/* --- to the owner ------------------------------------------------------------------------------ */

static void messages_free(struct websocket *ws)
{
    while (ws->first != NULL) {
        struct websocket_message *message = ws->first;
        ws->first = message->next;
        amt_free(message);
    }
    ws->last = NULL;
}

static void destroy(struct websocket *ws)
{
    messages_free(ws);
    loop_task_cancel(&ws->task);
    timer_stop(&ws->handshake);
    timer_stop(&ws->ping);
    websocket_upgrade_free(ws->upgrade);
    bytes_fini(&ws->out);
    wslay_event_context_free(ws->frames);
    amt_free(ws);
}

static void release(struct websocket *ws)
{
    ws->depth -= 1;
    if (ws->depth == 0 && ws->is_released) {
        destroy(ws);
    }
}

static void give(struct websocket *ws)
{
    struct websocket_message *message = ws->first;
    ws->first = message->next;
    ws->last = ws->first == NULL ? NULL : ws->last;
    if (ws->handler->on_message != NULL) {
        ws->handler->on_message(ws->ctx, message->kind, message->bytes, message->len);
    }
    amt_free(message);
}

static void deliver(struct websocket *ws)
{
    ws->depth += 1;
    if (ws->owes_open && !ws->is_released) {
        ws->owes_open = false;
        if (ws->handler->on_open != NULL) {
            ws->handler->on_open(ws->ctx);
        }
    }
    while (!ws->is_released && !ws->is_paused && ws->first != NULL) {
        give(ws);
    }
    if (!ws->is_released && !ws->is_paused && ws->has_ended && !ws->was_told) {
        ws->was_told = true;
        if (ws->handler->on_end != NULL) {
            ws->handler->on_end(ws->ctx, &ws->end);
        }
    }
    release(ws);
}

static void on_task(void *ctx)
{
    deliver(ctx);
}

void websocket_fail(struct websocket *ws, uint16_t code, enum stream_end_kind kind,
                    const char *text)
{
    if (ws->has_ended) {
        return;
    }
    ws->has_ended = true;
    ws->end.code = code;
    ws->end.stream.kind = kind;
    ws->end.stream.tls_alert = -1;
    (void)snprintf(ws->end.stream.text, sizeof ws->end.stream.text, "%s", text);
    timer_stop(&ws->handshake);
    timer_stop(&ws->ping);
    if (code != WEBSOCKET_ABNORMAL && !ws->end.is_by_peer) { /* wslay answers the peer's itself */
        websocket_say_close(ws, code, "");
    }
    loop_task_post(&ws->task);
}

void websocket_opened(struct websocket *ws)
{
    websocket_upgrade_free(ws->upgrade);
    ws->upgrade = NULL;
    timer_stop(&ws->handshake);
    if (ws->ping_interval_us != 0) {
        timer_start(&ws->ping, ws->ping_interval_us);
    }
    flush(ws);
}

/* --- the lower stream -------------------------------------------------------------------------- */

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct websocket *ws = ctx;
    ws->is_heard = true;
    uint32_t used = ws->upgrade == NULL ? 0 : websocket_upgrade_feed(ws, in, len);
    if (ws->upgrade == NULL && used < len) {
        websocket_feed(ws, in + used, len - used);
    }
    deliver(ws);
}

static void on_drain(void *ctx)
{
    struct websocket *ws = ctx;
    if (!ws->has_ended && ws->handler->on_drain != NULL) {
        ws->handler->on_drain(ws->ctx);
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct websocket *ws = ctx;
    if (!ws->has_ended) {
        bool is_fin = end->kind == STREAM_END_FIN;
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_RESET,
                       ws->upgrade != NULL ? "the connection closed before it was upgraded"
                                           : "the connection closed without a close frame");
        ws->end.stream = is_fin ? ws->end.stream : *end;
    }
    deliver(ws);
}

static void on_handshake_limit(void *ctx)
{
    websocket_fail(ctx, WEBSOCKET_ABNORMAL, STREAM_END_TIMEOUT,
                   "the server did not answer the upgrade in time");
}

static void on_ping(void *ctx)
{
    struct websocket *ws = ctx;
    struct wslay_event_msg ping = { .opcode = WSLAY_PING };
    if (!ws->is_heard && ws->is_pinged && !ws->is_paused) {
        websocket_fail(ws, WEBSOCKET_ABNORMAL, STREAM_END_TIMEOUT, "no answer to a ping");
        return;
    }
    ws->is_pinged = !ws->is_heard;
    if (ws->is_pinged && wslay_event_queue_msg(ws->frames, &ping) == 0) {
        send_frames(ws);
    }
    ws->is_heard = false;
    if (!ws->has_ended) {
        timer_start(&ws->ping, ws->ping_interval_us);
    }
}

/* --- life -------------------------------------------------------------------------------------- */

static const struct websocket_handler k_no_handler;

static enum amt_err frames_new(struct websocket *ws, const struct websocket_settings *settings)
{
    static const struct wslay_event_callbacks k_callbacks = {
        .recv_callback = on_frame_in,
        .send_callback = on_frame_out,
        .genmask_callback = on_mask,
        .on_msg_recv_callback = on_frame_message,
    };
    int result = ws->is_client ? wslay_event_context_client_init(&ws->frames, &k_callbacks, ws)
                               : wslay_event_context_server_init(&ws->frames, &k_callbacks, ws);
    if (result != 0) {
        return AMT_ENOMEM;
    }
    uint32_t max = settings->message_max_bytes;
    wslay_event_config_set_max_recv_msg_length(ws->frames,
                                               max == 0 ? WEBSOCKET_MESSAGE_MAX_BYTES : max);
    return AMT_OK;
}

struct websocket *websocket_new(struct loop *loop, struct stream *lower, bool is_client,
                                const struct websocket_settings *settings,
                                const struct websocket_handler *handler, void *ctx)
{
    static const struct stream_handler k_lower = { .on_data = on_data,
                                                   .on_drain = on_drain,
                                                   .on_end = on_end };
    struct websocket *ws = amt_alloc(sizeof *ws);
    if (ws != NULL) {
        ws->is_client = is_client;
    }
    if (ws == NULL || frames_new(ws, settings) != AMT_OK) {
        amt_free(ws);
        stream_close(lower);
        return NULL;
    }
    uint32_t limit = settings->write_limit_bytes;
    ws->loop = loop;
    ws->lower = lower;
    websocket_set_write_limit(ws, limit == 0 ? WRITE_LIMIT_BYTES : limit);
    ws->refuses_text = settings->refuses_text;
    ws->refuses_binary = settings->refuses_binary;
    ws->ping_interval_us = settings->ping_interval_us;
    loop_task_init(&ws->task, loop, on_task, ws);
    timer_init(&ws->handshake, loop, on_handshake_limit, ws);
    timer_init(&ws->ping, loop, on_ping, ws);
    websocket_set_handler(ws, handler, ctx);
    stream_set_handler(lower, &k_lower, ws);
    return ws;
}

void websocket_set_handler(struct websocket *ws, const struct websocket_handler *handler, void *ctx)
{
    ws->handler = handler == NULL ? &k_no_handler : handler;
    ws->ctx = ctx;
}

const char *websocket_subprotocol(const struct websocket *ws)
{
    return ws->subprotocol;
}

void websocket_pause(struct websocket *ws)
{
    ws->is_paused = true;
    stream_pause(ws->lower);
}

void websocket_resume(struct websocket *ws)
{
    ws->is_paused = false;
    loop_task_post(&ws->task);
    stream_resume(ws->lower);
}

void websocket_set_write_limit(struct websocket *ws, uint32_t bytes)
{
    ws->write_limit_bytes = bytes < CURSOR_MAX_BYTES ? bytes : CURSOR_MAX_BYTES;
    stream_set_write_limit(ws->lower, ws->write_limit_bytes + CONTROL_ROOM_BYTES);
}

void websocket_peer_name(const struct websocket *ws, char out[static STREAM_NAME_BYTES])
{
    stream_peer_name(ws->lower, out);
}

void websocket_close(struct websocket *ws, uint16_t code, const char *reason)
{
    if (ws == NULL) {
        return;
    }
    ws->depth += 1;
    if (!ws->has_ended) {
        websocket_say_close(ws, code, reason);
    }
    stream_close(ws->lower);
    ws->lower = NULL;
    ws->is_released = true;
    release(ws);
}

void websocket_drop(struct websocket *ws)
{
    stream_reset(ws->lower);
    ws->lower = NULL;
    ws->is_released = true;
    ws->depth += 1;
    release(ws);
}
