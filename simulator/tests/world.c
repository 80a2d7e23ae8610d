#include "simulator/tests/world.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

void world_drop(struct world *w)
{
    stream_close(w->stream);
    apf_mps_session_free(w->session);
    w->stream = NULL;
    w->session = NULL;
    bytes_fini(&w->joined);
}

/* --- the server's session --- */

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct world *w = ctx;
    if (w->joins_messages) {
        assert_int_equal(bytes_append(&w->joined, out, len), AMT_OK);
        loop_task_post(&w->join);
    } else {
        assert_int_equal(stream_write(w->stream, out, len), AMT_OK);
    }
}

static void on_join(void *ctx)
{
    struct world *w = ctx;
    if (w->joined.len > 0) {
        assert_int_equal(stream_write(w->stream, bytes_front(&w->joined), w->joined.len), AMT_OK);
        bytes_fini(&w->joined);
    }
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct world *w = ctx;
    w->trigger = login->trigger;
    (void)snprintf(w->password, sizeof w->password, "%.*s", (int)login->password_len,
                   login->password == NULL ? "" : (const char *)login->password);
    apf_mps_session_verified(w->session, !w->refuses_login, loop_now_us(w->loop));
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    (void)ctx;
    (void)forward;
    (void)listed;
}

static void on_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)interval_s;
    (void)timeout_s;
    ((struct world *)ctx)->options += 1;
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    struct world *w = ctx;
    w->is_open = w->is_open || channel == w->channel;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct world *w = ctx;
    assert_true(w->received_len + len <= WORLD_BYTES);
    memcpy(w->received + w->received_len, in, len);
    w->received_len += len;
    if (!w->hoards) {
        apf_channel_consumed(channel, len);
    }
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct world *w = ctx;
    (void)end;
    if (channel == w->channel) {
        w->has_channel_end = true;
        w->refuse_reason = reason;
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)ctx;
    (void)channel;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct world *w = ctx;
    w->ends += 1;
    w->end = *end;
}

static const struct apf_mps_handler k_mps = {
    .mux = { .send = on_send,
             .on_opened = on_opened,
             .on_data = on_data,
             .on_drain = on_drain,
             .on_channel_end = on_channel_end },
    .on_login = on_login,
    .on_ready = on_nothing,
    .on_forward = on_forward,
    .on_keepalive = on_nothing,
    .on_keepalive_options = on_options,
    .on_end = on_end,
};

/* --- its connection --- */

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct world *w = ctx;
    apf_mps_session_input(w->session, in, len, loop_now_us(w->loop));
    if (w->ends > 0) {
        on_join(w);
        world_drop(w);
    }
}

static void server_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    world_drop(ctx);
}

static const struct stream_handler k_server = { .on_data = server_data, .on_end = server_end };

static void on_accept(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    if (w->connects < WORLD_CONNECTS) {
        w->connected_us[w->connects] = loop_now_us(w->loop);
    }
    w->connects += 1;
    w->ends = 0;
    world_drop(w);
    w->stream = s;
    w->session = apf_mps_session_new(&w->mps_config, &k_mps, w, loop_now_us(w->loop));
    assert_non_null(w->session);
    stream_set_handler(s, &k_server, w);
}

void world_listen_at(struct world *w, const char *host, uint16_t port, struct listener **listener)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct address address = { .port = port };
    (void)snprintf(address.host, sizeof address.host, "%s", host);
    *listener = net_listen(w->loop, &address, on_accept, w, &diag);
    assert_non_null(*listener);
}

void world_listen(struct world *w, uint16_t port)
{
    world_listen_at(w, "127.0.0.1", port, &w->listener);
}

/* --- the device --- */

static void put_field(struct text *out, const struct log_field *field)
{
    text_printf(out, " %s=", field->name);
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        text_append(out, field->text, field->len);
        break;
    case LOG_FIELD_U64:
    case LOG_FIELD_BOOL:
        text_printf(out, "%llu", (unsigned long long)field->number);
        break;
    case LOG_FIELD_I64:
        text_printf(out, "%lld", (long long)field->number);
        break;
    case LOG_FIELD_LIST:
        for (uint32_t i = 0; i < field->len; i++) {
            text_printf(out, "%s%u", i == 0 ? "" : ",", field->list[i]);
        }
        break;
    case LOG_FIELD_SECRET:
    case LOG_FIELD_END:
        break;
    }
}

#define DOC_FILE    AMTLAB_SOURCE_DIR "/docs/events.md"
#define DOC_SECTION "\n## Devices of the simulator\n"

static void load_doc(struct world *w)
{
    char block[4096];
    size_t len = 0;
    struct text all = { 0 };
    FILE *file = fopen(DOC_FILE, "re");
    assert_non_null(file);
    while ((len = fread(block, 1, sizeof block, file)) > 0) {
        text_append(&all, block, len);
    }
    (void)fclose(file);
    const char *section = strstr(text_chars(&all), DOC_SECTION);
    assert_non_null(section);
    text_puts(&w->doc, section);
    text_fini(&all);
}

/* An event is an interface: its name and its fields are in the documentation. */
static void check_doc(const struct world *w, const char *name, const struct log_field *fields)
{
    char row_start[80], row[512], word[64];
    (void)snprintf(row_start, sizeof row_start, "\n| `%s` |", name);
    const char *found = strstr(text_chars(&w->doc), row_start);
    if (found == NULL) {
        fail_msg("docs/events.md does not know the event %s", name);
        return;
    }
    (void)snprintf(row, sizeof row, "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
    for (; fields->kind != LOG_FIELD_END; fields++) {
        (void)snprintf(word, sizeof word, " %s ", fields->name);
        if (strstr(row, word) == NULL) {
            fail_msg("docs/events.md does not know the field %s of %s", fields->name, name);
        }
    }
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct world *w = ctx;
    (void)level;
    check_doc(w, name, fields);
    text_puts(&w->events, name);
    for (; fields->kind != LOG_FIELD_END; fields++) {
        put_field(&w->events, fields);
    }
    text_puts(&w->events, "\n");
}

uint32_t world_count(const struct world *w, const char *text)
{
    uint32_t count = 0;
    const char *line = text_chars(&w->events);
    while (*line != '\0') {
        const char *end = strchr(line, '\n');
        const char *found = strstr(line, text);
        count += found != NULL && found < end ? 1 : 0;
        line = end + 1;
    }
    return count;
}

void world_set(struct world *w, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(device_config_keys, key, value, &w->config, &diag) != AMT_OK) {
        fail_msg("%s: %s", key, diag.text);
    }
}

void world_init_on(struct world *w, struct loop *loop, const char *profile)
{
    char path[512];
    memset(w, 0, sizeof *w);
    w->loop = loop;
    w->log = log_new(loop);
    load_doc(w);
    log_observe(w->log, on_event, w);
    loop_task_init(&w->join, loop, on_join, w);
    w->received = amt_alloc(WORLD_BYTES + 1);
    w->mps_config = (struct apf_mps_config){
        .mux = { .sends = APF_MPS_TO_DEV,
                 .strict = true,
                 .window_bytes = 32768,
                 .max_channels = 64,
                 .first_number = 1,
                 .open_limit_us = 30 * SECOND,
                 .close_limit_us = 10 * SECOND,
                 .queue_max_bytes = 262144 },
        .auth_failures_max = 1,
        .keepalive_rule = APF_KEEPALIVE_NEVER,
    };
    (void)snprintf(path, sizeof path, AMTLAB_SOURCE_DIR "/scenarios/profiles/%s.yaml", profile);
    assert_int_equal(device_config_load(path, NULL, NULL, &w->config, NULL), AMT_OK);
    world_set(w, "cira.to", "127.0.0.1:4433");
    world_set(w, "cira.user", "user");
    world_set(w, "cira.password", "pw");
    w->config.tls.offload = true;
    world_set(w, "service.kind", "http"); /* the firmware has tests of its own */
}

void world_init(struct world *w, const char *profile)
{
    static const struct virtual_world k_world = { .seed = 1 };
    world_init_on(w, loop_new_virtual(&k_world, NULL), profile);
}

void world_run(struct world *w, uint64_t until_us)
{
    (void)loop_run_until(w->loop, NULL, NULL, until_us);
}

void world_call(struct world *w)
{
    struct amt_diag diag = { .err = AMT_OK };
    w->device = device_new(w->loop, &w->config, 1, 0, w->log, &diag);
    if (w->device == NULL) {
        fail_msg("%s", diag.text);
    }
    device_connect(w->device, 0);
}

void world_up(struct world *w)
{
    world_listen(w, 4433);
    world_call(w);
    world_run(w, SECOND);
    assert_int_equal(device_state(w->device), DEVICE_UP);
}

void world_fini(struct world *w)
{
    device_free(w->device);
    world_drop(w);
    listener_close(w->listener);
    loop_task_cancel(&w->join);
    if (loop_is_virtual(w->loop)) { /* what closes in the background */
        world_run(w, loop_now_us(w->loop) + 10 * SECOND);
    }
    log_unobserve(w->log, on_event, w);
    log_free(w->log);
    loop_free(w->loop);
    text_fini(&w->events);
    text_fini(&w->doc);
    amt_free(w->received);
    device_config_fini(&w->config);
}

void world_open_from(struct world *w, uint32_t port, const char *address, const char *originator)
{
    w->is_open = false;
    w->has_channel_end = false;
    w->received_len = 0;
    assert_int_equal(apf_mux_open(apf_mps_session_mux(w->session), port, address, originator, 1,
                                  loop_now_us(w->loop), &w->channel),
                     AMT_OK);
}

void world_open(struct world *w, uint32_t port)
{
    world_open_from(w, port, "127.0.0.1", "127.0.0.1");
}

void world_write(struct world *w, const void *out, uint32_t len)
{
    assert_int_equal(apf_channel_write(w->channel, out, len), AMT_OK);
}

/* --- the device's writes --- */

static enum amt_err tapped_write(struct stream *s, const void *out, uint32_t len)
{
    struct tap *tap = (struct tap *)(uintptr_t)s->class;
    tap->first = tap->writes == 0 ? ((const uint8_t *)out)[0] : tap->first;
    tap->writes += 1;
    tap->smallest = len < tap->smallest ? len : tap->smallest;
    tap->largest = len > tap->largest ? len : tap->largest;
    return tap->write(s, out, len);
}

static struct stream *on_wrap(void *ctx, enum stream_layer layer, struct stream *inner)
{
    struct tap *tap = &((struct world *)ctx)->tap;
    if (layer == STREAM_LAYER_APF) {
        tap->class = *inner->class;
        tap->write = inner->class->write;
        tap->class.write = tapped_write;
        inner->class = &tap->class;
    }
    return inner;
}

void world_tap(struct world *w)
{
    w->tap.smallest = UINT32_MAX;
    w->config.wrap = (struct stream_wrap){ on_wrap, w };
}

void world_send_raw(struct world *w, const struct apf_message *message, const uint8_t *source)
{
    uint8_t out[256];
    uint32_t len = apf_encode(message, source, false, out, sizeof out);
    assert_true(len > 0 && len <= sizeof out);
    assert_int_equal(stream_write(w->stream, out, len), AMT_OK);
}
