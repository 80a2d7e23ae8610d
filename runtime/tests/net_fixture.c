#include "runtime/tests/net_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"

#define BLOCK_BYTES 50000u

uint64_t pattern_sum(uint64_t sum, const uint8_t *bytes, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum = sum * 31 + bytes[i];
    }
    return sum;
}

static void side_open(void *ctx)
{
    struct side *side = ctx;
    assert_false(side->has_ended);
    side->is_open = true;
    side->opens += 1;
    if (side->when_open != NULL) {
        side->when_open(side);
    }
}

static void side_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct side *side = ctx;
    assert_false(side->has_ended); /* nothing comes behind the end */
    assert_true(len > 0);
    for (uint32_t i = 0; i < len; i++) {
        if (side->received_bytes + i < sizeof side->received) {
            side->received[side->received_bytes + i] = in[i];
        }
    }
    side->sum = pattern_sum(side->sum, in, len);
    side->received_bytes += len;
    side->reads += 1;
    side->last_data_us = side->loop != NULL ? loop_now_us(side->loop) : 0;
    if (side->when_data != NULL) {
        side->when_data(side);
    }
}

static void side_drain(void *ctx)
{
    struct side *side = ctx;
    side->has_drained = true;
    side->drains += 1;
    if (side->when_drained != NULL) {
        side->when_drained(side);
    }
}

static void side_end(void *ctx, const struct stream_end *end)
{
    struct side *side = ctx;
    assert_false(side->has_ended);
    side->has_ended = true;
    side->end = end->kind;
    assert_int_equal(end->tls_alert, -1);
    (void)snprintf(side->end_text, sizeof side->end_text, "%s", end->text);
    if (side->when_ended != NULL) {
        side->when_ended(side);
    }
}

const struct stream_handler k_net_side = { side_open, side_data, side_drain, side_end };

void side_close(struct side *side)
{
    stream_close(side->stream);
    side->stream = NULL;
}

void fixture_accept(void *ctx, struct stream *s)
{
    struct fixture *f = ctx;
    f->server.stream = s;
    f->accepted += 1;
    stream_set_handler(s, &k_net_side, &f->server);
    if (f->when_accepted != NULL) {
        f->when_accepted(&f->server);
    }
}

void fixture_open_world(struct fixture *f, const struct virtual_world *world, const char *host)
{
    memset(f, 0, sizeof *f);
    f->loop = world != NULL ? loop_new_virtual(world, NULL) : loop_new_uv(NULL);
    assert_non_null(f->loop);
    f->client.loop = f->loop;
    f->server.loop = f->loop;
    struct address any = { .port = 0 };
    (void)snprintf(any.host, sizeof any.host, "%s", host);
    f->listener = net_listen(f->loop, &any, fixture_accept, f, NULL);
    assert_non_null(f->listener);
    listener_address(f->listener, &f->address);
    assert_true(f->address.port != 0);
}

void fixture_open(struct fixture *f, bool is_virtual)
{
    static const struct virtual_world k_world = { .seed = 1, .jitter_us = 300 };
    fixture_open_world(f, is_virtual ? &k_world : NULL, "127.0.0.1");
}

void fixture_close(struct fixture *f)
{
    stream_close(f->client.stream);
    stream_close(f->server.stream);
    listener_close(f->listener);
    loop_free(f->loop);
}

void begin_connect(struct fixture *f)
{
    f->client.stream = net_connect(f->loop, &f->address, 0, &k_net_side, &f->client);
    assert_non_null(f->client.stream);
}

void connect_pair(struct fixture *f)
{
    begin_connect(f);
    assert_true(until(f, are_connected));
}

bool until(struct fixture *f, bool (*is_done)(void *ctx))
{
    return loop_run_until(f->loop, is_done, f, loop_now_us(f->loop) + LIMIT_US);
}

void run_for(struct fixture *f, uint64_t us)
{
    (void)loop_run_until(f->loop, NULL, NULL, loop_now_us(f->loop) + us);
}

bool are_connected(void *ctx)
{
    struct fixture *f = ctx;
    return f->client.is_open && f->server.stream != NULL;
}

bool server_ended(void *ctx)
{
    return ((struct fixture *)ctx)->server.has_ended;
}

bool client_ended(void *ctx)
{
    return ((struct fixture *)ctx)->client.has_ended;
}

bool client_drained(void *ctx)
{
    return ((struct fixture *)ctx)->client.has_drained;
}

uint64_t write_pattern(struct stream *s, uint64_t len, uint64_t sum)
{
    static uint8_t block[BLOCK_BYTES];
    for (uint64_t at = 0; at < len;) {
        uint32_t n = len - at < BLOCK_BYTES ? (uint32_t)(len - at) : BLOCK_BYTES;
        for (uint32_t k = 0; k < n; k++) {
            block[k] = (uint8_t)((at + k) * 7 + (at >> 8));
        }
        assert_int_equal(stream_write(s, block, n), AMT_OK);
        sum = pattern_sum(sum, block, n);
        at += n;
    }
    return sum;
}

void run_cases(case_fn *const *cases, size_t count, bool is_virtual)
{
    for (size_t i = 0; i < count; i++) {
        cases[i](is_virtual);
    }
}
