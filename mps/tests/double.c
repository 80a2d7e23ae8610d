#include "mps/tests/double.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

uint64_t double_sum(uint64_t sum, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct device_double *d = ctx;
    (void)!stream_write(d->stream, out, len); /* the server may have gone */
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    struct device_double *d = ctx;
    (void)port;
    d->open_requests += 1;
    if (d->service == DOUBLE_SILENT) {
        return;
    }
    if (d->service == DOUBLE_REFUSE && d->refusals > 0) {
        d->refusals -= 1;
        apf_channel_refuse(channel, d->refuse_reason);
        return;
    }
    assert_true(d->open_count < DOUBLE_CHANNELS);
    d->channels[d->open_count++] = channel;
    apf_channel_accept(channel, world_now_us(d->world));
    if (d->service == DOUBLE_SOURCE) {
        uint8_t *bytes = amt_alloc(d->source_bytes);
        for (uint32_t i = 0; i < d->source_bytes; i++) {
            bytes[i] = (uint8_t)(i * 7 + (i >> 8));
        }
        d->sum = double_sum(0, bytes, d->source_bytes);
        assert_int_equal(apf_channel_write(channel, bytes, d->source_bytes), AMT_OK);
        amt_free(bytes);
    }
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct device_double *d = ctx;
    d->received_bytes += len;
    if (d->service != DOUBLE_SOURCE) {
        d->sum = double_sum(d->sum, in, len);
    }
    if (d->service == DOUBLE_ECHO || d->service == DOUBLE_REFUSE) {
        assert_int_equal(apf_channel_write(channel, in, len), AMT_OK);
    }
    if (d->service != DOUBLE_STUCK) {
        apf_channel_consumed(channel, len);
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)ctx;
    (void)channel;
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct device_double *d = ctx;
    (void)end;
    (void)reason;
    d->ends += 1;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < d->open_count; i++) {
        if (d->channels[i] != channel) {
            d->channels[kept++] = d->channels[i];
        }
    }
    d->open_count = kept;
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_forward(void *ctx, uint32_t port, bool granted)
{
    (void)ctx;
    (void)port;
    assert_true(granted);
}

static void on_keepalive_reply(void *ctx, bool cookie_matches)
{
    (void)ctx;
    assert_true(cookie_matches);
}

static void on_keepalive_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)ctx;
    (void)interval_s;
    (void)timeout_s;
}

static void on_session_end(void *ctx, const struct apf_end *end)
{
    struct device_double *d = ctx;
    d->end = *end;
    d->has_ended = true;
}

static const struct apf_device_handler k_session = {
    .mux = { .send = on_send,
             .on_open_request = on_open_request,
             .on_data = on_data,
             .on_drain = on_drain,
             .on_channel_end = on_channel_end },
    .on_authenticated = on_nothing,
    .on_forward = on_forward,
    .on_up = on_nothing,
    .on_keepalive_reply = on_keepalive_reply,
    .on_keepalive_options = on_keepalive_options,
    .on_end = on_session_end,
};

static void on_stream_open(void *ctx)
{
    struct device_double *d = ctx;
    d->session = apf_device_session_new(&d->config, &k_session, d, world_now_us(d->world));
    assert_non_null(d->session);
}

static void on_stream_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct device_double *d = ctx;
    apf_device_session_input(d->session, in, len, world_now_us(d->world));
}

static void on_stream_end(void *ctx, const struct stream_end *end)
{
    struct device_double *d = ctx;
    (void)end;
    if (d->session != NULL) {
        apf_device_session_transport_ended(d->session, world_now_us(d->world));
    }
    d->has_ended = true;
}

static const struct stream_handler k_stream = {
    .on_open = on_stream_open,
    .on_data = on_stream_data,
    .on_end = on_stream_end,
};

void double_init(struct device_double *d, struct world *w, uint32_t number, uint32_t slots)
{
    memset(d, 0, sizeof *d);
    d->world = w;
    d->forwards[0].port = 16992;
    d->forwards[1].port = 16994;
    d->config = (struct apf_device_config){
        .mux = { .sends = APF_DEV_TO_MPS,
                 .strict = true,
                 .window_bytes = 4096,
                 .chunk_bytes = 4087,
                 .max_channels = slots,
                 .reuse_lowest = true,
                 .credit = APF_CREDIT_EACH,
                 .open_limit_us = 100 * SECOND_US,
                 .close_limit_us = 10 * SECOND_US,
                 .queue_max_bytes = 4 * 1024 * 1024 },
        .uuid = uuid_of_number(number),
        .trigger = APF_TRIGGER_PERIODIC,
        .user = (const uint8_t *)USER,
        .user_len = sizeof USER - 1,
        .password = (const uint8_t *)PASSWORD,
        .password_len = sizeof PASSWORD - 1,
        .forwards = d->forwards,
        .forward_count = 2,
        .want_reply = 1,
        .progress_limit_us = 30 * SECOND_US,
    };
}

void double_begin(struct device_double *d)
{
    d->stream = world_connect(d->world, &k_stream, d);
}

void double_connect(struct device_double *d)
{
    double_begin(d);
    world_run(d->world, SECOND_US);
    assert_false(d->has_ended);
    assert_int_equal(apf_device_session_state(d->session), APF_DEVICE_UP);
}

void double_close(struct device_double *d)
{
    stream_close(d->stream);
    apf_device_session_free(d->session);
    d->stream = NULL;
    d->session = NULL;
}

void double_close_channel(struct device_double *d)
{
    assert_true(d->open_count > 0);
    apf_channel_close(d->channels[0], world_now_us(d->world));
}

/* --- operators --- */

static void operator_opened(void *ctx)
{
    ((struct operator_end *)ctx)->is_open = true;
}

static void operator_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct operator_end *o = ctx;
    o->received_bytes += len;
    o->sum = double_sum(o->sum, in, len);
}

static void operator_drained(void *ctx)
{
    ((struct operator_end *)ctx)->drains += 1;
}

static void operator_ended(void *ctx, const struct stream_end *end)
{
    struct operator_end *o = ctx;
    assert_false(o->has_ended);
    o->has_ended = true;
    o->end = *end;
}

static const struct stream_handler k_operator = {
    .on_open = operator_opened,
    .on_data = operator_data,
    .on_drain = operator_drained,
    .on_end = operator_ended,
};

void operator_open(struct operator_end *o, struct world *w, uint32_t number, uint32_t port)
{
    struct uuid uuid = uuid_of_number(number);
    memset(o, 0, sizeof *o);
    o->world = w;
    o->stream = mps_open_channel(w->mps, &uuid, port, &k_operator, o);
    assert_non_null(o->stream);
}

void operator_close(struct operator_end *o)
{
    stream_close(o->stream);
    o->stream = NULL;
}
