/* Channels of two ends joined by queues of bytes: books of credit, numbers, ends, time. */
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/unit.h"
#include "protocol/apf/mux.h"
#include "protocol/apf/tests/wire.h"

#define SECOND   UINT64_C(1000000)
#define CHANNELS 8u

struct side {
    struct apf_mux_config config;
    struct apf_mux *mux;
    struct bytes sent;
    uint64_t now_us;
    struct apf_channel *last;
    uint32_t requests, opened, ends, drains;
    enum apf_channel_end end;
    uint32_t reason;
    uint64_t received[CHANNELS], written[CHANNELS]; /* by port */
    uint32_t unconsumed[CHANNELS];
    uint8_t sum[CHANNELS], written_sum[CHANNELS];
    uint32_t aligned; /* messages counted instead of kept */
    bool keeps_credit, defers, closes_on_data, writes_on_drain, counts, ends_in_send,
        writes_in_send;
};

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct side *s = ctx;
    assert_true(len <= APF_DATA_HEADER_BYTES + APF_ALIGNED_PAYLOAD_BYTES ||
                s->config.chunk_bytes > APF_ALIGNED_PAYLOAD_BYTES);
    if (s->counts) {
        assert_true(len <= APF_DATA_HEADER_BYTES + APF_ALIGNED_PAYLOAD_BYTES);
        s->aligned += 1;
        return;
    }
    assert_int_equal(bytes_append(&s->sent, out, len), AMT_OK);
    if (s->ends_in_send) {
        apf_mux_end(s->mux);
    }
    if (s->writes_in_send) {
        s->writes_in_send = false;
        assert_int_equal(apf_channel_write(s->last, (const uint8_t *)"nested", 6), AMT_OK);
        apf_channel_close(s->last, s->now_us);
    }
}

static void on_open_request(void *ctx, struct apf_channel *channel, uint32_t port)
{
    struct side *s = ctx;
    assert_int_equal(apf_channel_port(channel), port);
    s->requests += 1;
    s->last = channel;
    if (!s->defers) {
        apf_channel_accept(channel, s->now_us);
    }
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    struct side *s = ctx;
    s->opened += 1;
    s->last = channel;
}

static uint8_t sum_of(uint8_t sum, const uint8_t *in, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum * 31u + in[i]);
    }
    return sum;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct side *s = ctx;
    uint32_t port = apf_channel_port(channel) % CHANNELS;
    s->received[port] += len;
    s->sum[port] = sum_of(s->sum[port], in, len);
    if (s->keeps_credit) {
        s->unconsumed[port] += len;
    } else {
        apf_channel_consumed(channel, len);
    }
    if (s->closes_on_data) {
        apf_channel_close(channel, s->now_us);
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    struct side *s = ctx;
    s->drains += 1;
    assert_int_equal(apf_channel_queued_bytes(channel), 0);
    if (s->writes_on_drain && s->drains < 50) {
        assert_int_equal(apf_channel_write(channel, (const uint8_t *)"drained", 7), AMT_OK);
    }
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct side *s = ctx;
    assert_int_equal(apf_channel_state(channel) == APF_CHANNEL_OPENED, 0);
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"x", 1), AMT_ECLOSED);
    s->ends += 1;
    s->end = end;
    s->reason = reason;
}

static const struct apf_mux_handler k_handler = {
    .send = on_send,
    .on_open_request = on_open_request,
    .on_opened = on_opened,
    .on_data = on_data,
    .on_drain = on_drain,
    .on_channel_end = on_channel_end,
};

static void init(struct side *s, enum apf_direction sends)
{
    memset(s, 0, sizeof *s);
    s->now_us = SECOND;
    s->config = (struct apf_mux_config){ .sends = sends,
                                         .strict = true,
                                         .window_bytes = 1000,
                                         .max_channels = CHANNELS,
                                         .first_number = sends == APF_MPS_TO_DEV ? 1 : 0,
                                         .reuse_lowest = sends == APF_DEV_TO_MPS,
                                         .open_limit_us = 30 * SECOND,
                                         .close_limit_us = 10 * SECOND,
                                         .queue_max_bytes = 262144 };
}

static void start(struct side *s)
{
    s->mux = apf_mux_new(&s->config, &k_handler, s);
    assert_non_null(s->mux);
}

static void fini(struct side *s)
{
    apf_mux_free(s->mux);
    bytes_fini(&s->sent);
}

static struct apf_message expect(struct side *s, uint8_t type)
{
    return wire_expect(&s->sent, s->config.sends, APF_REQUEST_NONE, type);
}

static void feed(struct side *s, const struct apf_message *message, const uint8_t *in)
{
    const uint8_t *source = in != NULL ? in : (const uint8_t *)"";
    assert_int_equal(apf_mux_input(s->mux, message, source, s->now_us, true), AMT_OK);
}

static void feed_type(struct side *s, uint8_t type, uint32_t number)
{
    feed(s, &(struct apf_message){ .type = type, .recipient_channel = number }, NULL);
}

/* Moves one message; false when there is none. */
static bool carry(struct side *from, struct side *to)
{
    struct apf_context context = { .direction = from->config.sends };
    struct apf_message message;
    uint32_t count = 0;
    if (from->sent.len == 0) {
        return false;
    }
    const uint8_t *front = bytes_front(&from->sent);
    assert_int_equal(apf_decode(front, from->sent.len, &context, &message, &count), APF_OK);
    uint8_t *copy = amt_memdup(front, count);
    bytes_consume(&from->sent, count);
    feed(to, &message, copy);
    amt_free(copy);
    return true;
}

static void settle(struct side *a, struct side *b)
{
    bool moved = true;
    while (moved) {
        bool there = carry(a, b);
        moved = carry(b, a) || there;
    }
}

static struct apf_channel *open_port(struct side *s, uint32_t port)
{
    struct apf_channel *channel = NULL;
    assert_int_equal(apf_mux_open(s->mux, port, "", "", 0, s->now_us, &channel), AMT_OK);
    return channel;
}

/* An MPS side with one channel open to number `remote` of a device that grants `window`. */
static struct apf_channel *open_alone(struct side *s, uint32_t remote, uint32_t window)
{
    struct apf_channel *channel = open_port(s, 5);
    uint32_t number = expect(s, APF_CHANNEL_OPEN).sender_channel;
    feed(s,
         &(struct apf_message){ .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                .recipient_channel = number,
                                .sender_channel = remote,
                                .initial_window = window },
         NULL);
    assert_int_equal(apf_channel_state(channel), APF_CHANNEL_OPENED);
    return channel;
}

/* --- credit --- */

struct pair {
    struct side sides[2]; /* MPS, device */
    struct apf_channel *channels[2][CHANNELS];
    uint32_t open;
};

static void write_some(struct pair *p, struct amt_random *random, uint32_t which, uint32_t port)
{
    uint8_t out[600];
    struct side *s = &p->sides[which];
    uint32_t len = (uint32_t)amt_random_below(random, sizeof out);
    amt_random_fill(random, out, len);
    if (apf_channel_write(p->channels[which][port], out, len) == AMT_OK) {
        s->written[port] += len;
        s->written_sum[port] = sum_of(s->written_sum[port], out, len);
    }
}

static void consume_some(struct pair *p, struct amt_random *random, uint32_t which, uint32_t port)
{
    struct side *s = &p->sides[which];
    uint32_t len = (uint32_t)amt_random_below(random, s->unconsumed[port] + 1);
    s->unconsumed[port] -= len;
    apf_channel_consumed(p->channels[which][port], len);
}

static void run_pair(struct pair *p, struct amt_random *random)
{
    struct side *mps = &p->sides[0];
    struct side *device = &p->sides[1];
    for (uint32_t port = 0; port < p->open; port++) {
        p->channels[0][port] = open_port(mps, port);
        settle(mps, device);
        p->channels[1][port] = device->last;
    }
    for (int i = 0; i < 3000; i++) {
        uint32_t which = (uint32_t)amt_random_below(random, 2);
        uint32_t port = (uint32_t)amt_random_below(random, p->open);
        switch (amt_random_below(random, 3)) {
        case 0:
            write_some(p, random, which, port);
            break;
        case 1:
            consume_some(p, random, which, port);
            break;
        default: /* feed asserts that no side breaks the other's window */
            (void)carry(&p->sides[which], &p->sides[1 - which]);
            break;
        }
    }
    bool moved = true;
    while (moved) { /* everything that was written arrives in the end */
        settle(mps, device);
        moved = false;
        for (uint32_t i = 0; i < 2 * p->open; i++) {
            struct side *s = &p->sides[i % 2];
            uint32_t len = s->unconsumed[i / 2];
            s->unconsumed[i / 2] = 0;
            apf_channel_consumed(p->channels[i % 2][i / 2], len);
            moved = moved || len > 0;
        }
    }
}

/* APF-MPS-047 APF-DEV-030 APF-DEV-031 APF-MPS-048: random windows, chunks, policies and consumers */
static void bytes_arrive_whole_and_never_beyond_the_window(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pair p = { .open = 3 };
        struct amt_random random;
        amt_random_seed(&random, seed, "mux credit");
        for (uint32_t which = 0; which < 2; which++) {
            struct side *s = &p.sides[which];
            init(s, which == 0 ? APF_MPS_TO_DEV : APF_DEV_TO_MPS);
            s->config.window_bytes = 1 + (uint32_t)amt_random_below(&random, 700);
            s->config.chunk_bytes = 1 + (uint32_t)amt_random_below(&random, 500);
            s->config.credit = (enum apf_credit_policy)amt_random_below(&random, 2);
            s->keeps_credit = true;
            start(s);
        }
        run_pair(&p, &random);
        for (uint32_t which = 0; which < 2; which++) {
            const struct side *s = &p.sides[which];
            const struct side *peer = &p.sides[1 - which];
            assert_int_equal(apf_mux_statistics(s->mux)->window_overruns, 0);
            for (uint32_t port = 0; port < p.open; port++) {
                assert_true(peer->received[port] == s->written[port]);
                assert_int_equal(peer->sum[port], s->written_sum[port]);
            }
        }
        fini(&p.sides[0]);
        fini(&p.sides[1]);
    }
}

/* APF-MPS-047 */
static void without_credit_there_is_silence(void **state)
{
    (void)state;
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    start(&s);
    struct apf_channel *channel = open_alone(&s, 0, 0);
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abc", 3), AMT_OK);
    wire_expect_silence(&s.sent);
    for (uint32_t i = 0; i < 3; i++) {
        feed(&s,
             &(struct apf_message){ .type = APF_CHANNEL_WINDOW_ADJUST,
                                    .recipient_channel = 1,
                                    .bytes_to_add = i == 0 ? 0 : 1 },
             NULL);
        if (i > 0) {
            assert_int_equal(expect(&s, APF_CHANNEL_DATA).data.len, 1);
        }
        wire_expect_silence(&s.sent);
    }
    assert_int_equal(apf_channel_queued_bytes(channel), 1);
    fini(&s);
}

/* APF-MPS-050 */
static void credit_stops_at_the_largest_number(void **state)
{
    (void)state;
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    start(&s);
    struct apf_channel *channel = open_alone(&s, 0, 10);
    for (int i = 0; i < 2; i++) {
        feed(&s,
             &(struct apf_message){ .type = APF_CHANNEL_WINDOW_ADJUST,
                                    .recipient_channel = 1,
                                    .bytes_to_add = UINT32_MAX },
             NULL);
    }
    assert_int_equal(apf_mux_statistics(s.mux)->credit_saturated, 2);
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abc", 3), AMT_OK);
    assert_int_equal(expect(&s, APF_CHANNEL_DATA).data.len, 3);
    fini(&s);
}

/* APF-COM-021, FF-045: 4096 bytes with the header by default, larger when configured */
static void the_chunk_decides_how_data_is_cut(void **state)
{
    (void)state;
    static const uint8_t k_payload[10000];
    static const uint32_t k_chunks[] = { 0, 4087, 4088, 10000 };
    static const uint32_t k_first[] = { 4087, 4087, 4088, 10000 };
    for (uint32_t i = 0; i < 4; i++) {
        struct side s;
        init(&s, APF_MPS_TO_DEV);
        s.config.chunk_bytes = k_chunks[i];
        start(&s);
        struct apf_channel *channel = open_alone(&s, 0, 20000);
        assert_int_equal(apf_channel_write(channel, k_payload, sizeof k_payload), AMT_OK);
        assert_int_equal(expect(&s, APF_CHANNEL_DATA).data.len, k_first[i]);
        bytes_fini(&s.sent);
        if (k_chunks[i] > 4087) { /* without memory for large messages: aligned ones */
            uint32_t before = s.aligned;
            s.counts = true;
            amt_memory_fail_after(1);
            assert_int_equal(apf_channel_write(channel, k_payload, sizeof k_payload), AMT_OK);
            amt_memory_fail_after(0);
            assert_int_equal(s.aligned, before + 3);
        }
        fini(&s);
    }
}

/* APF-MPS-065, FF-071 */
static void the_queue_is_bounded_and_takes_all_or_nothing(void **state)
{
    (void)state;
    static const uint8_t k_payload[2000];
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    s.config.queue_max_bytes = 1500;
    start(&s);
    struct apf_channel *channel = open_alone(&s, 0, 100);
    assert_int_equal(apf_channel_write(channel, k_payload, 1601), AMT_ELIMIT);
    wire_expect_silence(&s.sent);
    assert_int_equal(apf_channel_write(channel, k_payload, 1600), AMT_OK);
    assert_int_equal(apf_channel_queued_bytes(channel), 1500);
    assert_int_equal(apf_channel_write(channel, k_payload, 1), AMT_ELIMIT);
    amt_memory_fail_after(1);
    struct apf_channel *other = NULL;
    assert_int_equal(apf_mux_open(s.mux, 5, "", "", 0, 0, &other), AMT_ENOMEM);
    assert_null(other);
    amt_memory_fail_after(0);
    fini(&s);
}

/* --- ends --- */

/* APF-MPS-056, APF-MPS-054: ends on every path, in both orders, leave nothing */
static void ten_thousand_channels_leave_nothing_behind(void **state)
{
    (void)state;
    struct side mps;
    struct side device;
    init(&mps, APF_MPS_TO_DEV);
    init(&device, APF_DEV_TO_MPS);
    start(&mps);
    start(&device);
    for (uint32_t i = 0; i < 10000; i++) {
        struct apf_channel *channel = open_port(&mps, i % CHANNELS);
        settle(&mps, &device);
        if (i % 3 != 0) {
            apf_channel_close(channel, mps.now_us);
        }
        if (i % 3 != 1) {
            assert_int_equal(apf_channel_local_number(device.last), 0);
            apf_channel_close(device.last, device.now_us); /* crossing when i % 3 is 2 */
        }
        settle(&mps, &device);
        assert_int_equal(mps.ends, i + 1);
        assert_int_equal(device.ends, i + 1);
        assert_int_equal(apf_mux_channel_count(mps.mux), 0);
        assert_int_equal(apf_mux_channel_count(device.mux), 0);
    }
    assert_true(apf_mux_statistics(mps.mux)->closes_sent == 10000);
    assert_true(apf_mux_statistics(device.mux)->closes_sent == 10000);
    assert_true(apf_mux_next_deadline_us(mps.mux) == UINT64_MAX);
    fini(&mps);
    fini(&device);
}

/* APF-MPS-055 APF-MPS-052, MC-12 */
static void close_before_confirmation_is_not_answered(void **state)
{
    (void)state;
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    start(&s);
    (void)open_port(&s, 5);
    (void)expect(&s, APF_CHANNEL_OPEN);
    feed_type(&s, APF_CHANNEL_CLOSE, 1);
    wire_expect_silence(&s.sent);
    assert_int_equal(s.ends, 1);
    feed_type(&s, APF_CHANNEL_CLOSE, 1);
    feed_type(&s, APF_CHANNEL_DATA, 1);
    feed(&s,
         &(struct apf_message){
             .type = APF_CHANNEL_OPEN_CONFIRMATION, .recipient_channel = 1, .sender_channel = 7 },
         NULL);
    assert_int_equal(expect(&s, APF_CHANNEL_CLOSE).recipient_channel, 7);
    feed_type(&s, APF_CHANNEL_CLOSE, 1);
    wire_expect_silence(&s.sent);
    assert_int_equal(s.ends, 1);
    fini(&s);
}

/* FF-068: closed while opening; queued bytes and CLOSE follow the confirmation, or time ends it */
static void a_channel_closed_while_opening_ends_in_every_case(void **state)
{
    (void)state;
    for (int answers = 0; answers < 2; answers++) {
        struct side s;
        init(&s, APF_MPS_TO_DEV);
        start(&s);
        struct apf_channel *channel = open_port(&s, 5);
        (void)expect(&s, APF_CHANNEL_OPEN);
        assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abc", 3), AMT_OK);
        apf_channel_close(channel, s.now_us);
        assert_int_equal(apf_channel_write(channel, (const uint8_t *)"d", 1), AMT_ECLOSED);
        wire_expect_silence(&s.sent);
        if (answers == 1) {
            feed(&s,
                 &(struct apf_message){ .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                        .recipient_channel = 1,
                                        .sender_channel = 3,
                                        .initial_window = 100 },
                 NULL);
            assert_int_equal(expect(&s, APF_CHANNEL_DATA).data.len, 3);
            assert_int_equal(expect(&s, APF_CHANNEL_CLOSE).recipient_channel, 3);
            feed_type(&s, APF_CHANNEL_CLOSE, 1);
            assert_int_equal(s.end, APF_CHANNEL_END_CLOSED);
        } else {
            apf_mux_tick(s.mux, s.now_us + 30 * SECOND);
            assert_int_equal(s.end, APF_CHANNEL_END_TIMEOUT);
        }
        assert_int_equal(s.opened, 0);
        assert_int_equal(s.ends, 1);
        fini(&s);
    }
}

/* APF-DEV-037: what is queued goes out as credit allows; a peer that takes nothing gets CLOSE */
static void closing_waits_for_the_queue_but_not_for_ever(void **state)
{
    (void)state;
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    start(&s);
    struct apf_channel *channel = open_alone(&s, 0, 1);
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abc", 3), AMT_OK);
    (void)expect(&s, APF_CHANNEL_DATA);
    apf_channel_close(channel, s.now_us);
    feed_type(&s, APF_CHANNEL_DATA, 1); /* dropped: the owner is done */
    s.now_us += 9 * SECOND;
    feed(&s,
         &(struct apf_message){
             .type = APF_CHANNEL_WINDOW_ADJUST, .recipient_channel = 1, .bytes_to_add = 1 },
         NULL);
    (void)expect(&s, APF_CHANNEL_DATA);
    apf_mux_tick(s.mux, s.now_us + 9 * SECOND);
    wire_expect_silence(&s.sent);
    apf_mux_tick(s.mux, s.now_us + 10 * SECOND);
    (void)expect(&s, APF_CHANNEL_CLOSE);
    apf_mux_tick(s.mux, s.now_us + 20 * SECOND);
    wire_expect_silence(&s.sent);
    assert_int_equal(s.end, APF_CHANNEL_END_TIMEOUT);
    assert_int_equal(apf_mux_channel_count(s.mux), 0);
    fini(&s);
}

/* APF-DEV-026 */
static void a_request_that_nobody_answers_is_refused_in_time(void **state)
{
    (void)state;
    struct side mps;
    struct side device;
    init(&mps, APF_MPS_TO_DEV);
    init(&device, APF_DEV_TO_MPS);
    device.defers = true;
    start(&mps);
    start(&device);
    (void)open_port(&mps, 5);
    settle(&mps, &device);
    assert_int_equal(apf_channel_state(device.last), APF_CHANNEL_OPENING);
    apf_mux_tick(device.mux, device.now_us + 30 * SECOND);
    assert_int_equal(device.ends, 1);
    settle(&mps, &device);
    assert_int_equal(mps.end, APF_CHANNEL_END_REFUSED);
    assert_int_equal(mps.reason, APF_CONNECT_FAILED);
    (void)open_port(&mps, 5);
    settle(&mps, &device);
    apf_channel_refuse(device.last, APF_RESOURCE_SHORTAGE);
    settle(&mps, &device);
    assert_int_equal(mps.reason, APF_RESOURCE_SHORTAGE);
    assert_int_equal(device.ends, 1); /* who refuses knows */
    fini(&mps);
    fini(&device);
}

/* APF-MPS-052 APF-MPS-056: a device that never answers does not use the table up */
static void abandoned_channels_make_room(void **state)
{
    (void)state;
    struct side s;
    struct apf_channel *channel = NULL;
    init(&s, APF_MPS_TO_DEV);
    start(&s);
    for (uint32_t i = 0; i < 5 * CHANNELS; i++) {
        (void)open_port(&s, 5);
        assert_int_equal(expect(&s, APF_CHANNEL_OPEN).sender_channel, i + 1);
        if (i % CHANNELS == CHANNELS - 1) {
            assert_int_equal(apf_mux_open(s.mux, 5, "", "", 0, s.now_us, &channel), AMT_ELIMIT);
            s.now_us += 30 * SECOND;
            apf_mux_tick(s.mux, s.now_us);
            assert_int_equal(s.ends, i + 1);
            assert_int_equal(s.end, APF_CHANNEL_END_TIMEOUT);
        }
    }
    fini(&s);
}

/* --- numbers --- */

/* APF-MPS-044 APF-MPS-046, CO-07, FF-064 */
static void numbers_are_unsigned_and_never_one_in_use(void **state)
{
    (void)state;
    static const uint32_t k_remote[] = { 0, 0x80000000u, 0xffffffffu };
    static const uint32_t k_local[] = { 0xfffffffeu, 0xffffffffu, 0 };
    struct side s;
    init(&s, APF_MPS_TO_DEV);
    s.config.first_number = 0xfffffffeu;
    start(&s);
    for (uint32_t i = 0; i < 3; i++) {
        struct apf_channel *channel = open_port(&s, 5);
        assert_int_equal(expect(&s, APF_CHANNEL_OPEN).sender_channel, k_local[i]);
        feed(&s,
             &(struct apf_message){ .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                    .recipient_channel = k_local[i],
                                    .sender_channel = k_remote[i],
                                    .initial_window = 1 },
             NULL);
        assert_int_equal(apf_channel_remote_number(channel), k_remote[i]);
        assert_int_equal(apf_channel_write(channel, (const uint8_t *)"a", 1), AMT_OK);
        assert_int_equal(expect(&s, APF_CHANNEL_DATA).recipient_channel, k_remote[i]);
    }
    fini(&s);
}

/* Q47, APF-MPS-019 */
static void a_second_confirmation_is_an_error_only_in_strict_mode(void **state)
{
    (void)state;
    static const uint8_t k_types[] = { APF_CHANNEL_OPEN_CONFIRMATION, APF_CHANNEL_OPEN_FAILURE };
    for (int strict = 0; strict < 2; strict++) {
        for (int i = 0; i < 2; i++) {
            struct side s;
            init(&s, APF_MPS_TO_DEV);
            s.config.strict = strict == 1;
            start(&s);
            struct apf_channel *channel = open_alone(&s, 6, 100);
            struct apf_message again = { .type = k_types[i],
                                         .recipient_channel = 1,
                                         .sender_channel = 9 };
            assert_int_equal(apf_mux_input(s.mux, &again, NULL, s.now_us, false),
                             strict == 1 ? AMT_EMALFORMED : AMT_OK);
            assert_int_equal(apf_channel_remote_number(channel), 6);
            const char *requirement = NULL;
            assert_int_equal(apf_mux_violation(s.mux, &requirement) != NULL, strict);
            fini(&s);
        }
    }
}

/* --- callbacks that call --- */

static void channels_may_be_closed_and_written_from_inside_callbacks(void **state)
{
    (void)state;
    struct side mps;
    struct side device;
    init(&mps, APF_MPS_TO_DEV);
    init(&device, APF_DEV_TO_MPS);
    device.config.credit = APF_CREDIT_EACH;
    device.config.window_bytes = 3;
    mps.writes_on_drain = true;
    start(&mps);
    start(&device);
    struct apf_channel *channel = open_port(&mps, 5);
    settle(&mps, &device);
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"start", 5), AMT_OK);
    settle(&mps, &device);
    assert_int_equal(mps.drains, 50);
    assert_true(device.received[5] == 5 + 49 * 7);
    device.closes_on_data = true;
    assert_int_equal(apf_channel_write(channel, (const uint8_t *)"end", 3), AMT_OK);
    settle(&mps, &device);
    assert_int_equal(mps.ends, 1);
    assert_int_equal(device.ends, 1);
    fini(&mps);
    fini(&device);
}

/* What is written, and the close, from inside send come behind the bytes that are being sent. */
static void a_write_from_inside_send_does_not_cut_in(void **state)
{
    (void)state;
    static const char *const k_parts[] = { "abcd", "efgh", "nest", "ed" };
    for (uint32_t window = 14; window <= 20; window += 6) {
        struct side s;
        init(&s, APF_MPS_TO_DEV);
        s.config.chunk_bytes = 4;
        start(&s);
        struct apf_channel *channel = open_alone(&s, 0, window);
        s.writes_in_send = true;
        assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abcdefgh", 8), AMT_OK);
        for (size_t i = 0; i < sizeof k_parts / sizeof k_parts[0]; i++) {
            assert_memory_equal(bytes_front(&s.sent) + APF_DATA_HEADER_BYTES, k_parts[i],
                                strlen(k_parts[i]));
            assert_int_equal(expect(&s, APF_CHANNEL_DATA).data.len, strlen(k_parts[i]));
        }
        (void)expect(&s, APF_CHANNEL_CLOSE);
        wire_expect_silence(&s.sent);
        fini(&s);
    }
}

/* The session may end below any send: every channel ends once, nothing is sent after. */
static void the_end_may_come_from_inside_send(void **state)
{
    (void)state;
    for (int what = 0; what < 5; what++) {
        struct side s;
        init(&s, APF_MPS_TO_DEV);
        start(&s);
        struct apf_channel *channel = open_alone(&s, 0, 2);
        struct apf_channel *opened = channel;
        s.ends_in_send = true;
        switch (what) {
        case 0:
            assert_int_equal(apf_mux_open(s.mux, 5, "", "", 0, s.now_us, &opened), AMT_ECLOSED);
            assert_null(opened);
            break;
        case 1:
            assert_int_equal(apf_channel_write(channel, (const uint8_t *)"abcd", 4), AMT_OK);
            break;
        case 2:
            apf_channel_close(channel, s.now_us);
            break;
        case 3:
            feed_type(&s, APF_CHANNEL_CLOSE, 1);
            break;
        default:
            s.config.credit = APF_CREDIT_EACH;
            feed(&s,
                 &(struct apf_message){
                     .type = APF_CHANNEL_DATA, .recipient_channel = 1, .data = { 0, 3 } },
                 (const uint8_t *)"abc");
            break;
        }
        assert_int_equal(s.ends, what == 0 ? 2 : 1);
        assert_int_equal(apf_mux_channel_count(s.mux), 0);
        (void)expect(&s, bytes_front(&s.sent)[0]);
        wire_expect_silence(&s.sent);
        assert_int_equal(apf_mux_open(s.mux, 5, "", "", 0, s.now_us, &opened), AMT_ECLOSED);
        fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_whole_and_never_beyond_the_window),
        cmocka_unit_test(without_credit_there_is_silence),
        cmocka_unit_test(credit_stops_at_the_largest_number),
        cmocka_unit_test(the_chunk_decides_how_data_is_cut),
        cmocka_unit_test(the_queue_is_bounded_and_takes_all_or_nothing),
        cmocka_unit_test(ten_thousand_channels_leave_nothing_behind),
        cmocka_unit_test(close_before_confirmation_is_not_answered),
        cmocka_unit_test(a_channel_closed_while_opening_ends_in_every_case),
        cmocka_unit_test(closing_waits_for_the_queue_but_not_for_ever),
        cmocka_unit_test(a_request_that_nobody_answers_is_refused_in_time),
        cmocka_unit_test(abandoned_channels_make_room),
        cmocka_unit_test(numbers_are_unsigned_and_never_one_in_use),
        cmocka_unit_test(a_second_confirmation_is_an_error_only_in_strict_mode),
        cmocka_unit_test(channels_may_be_closed_and_written_from_inside_callbacks),
        cmocka_unit_test(a_write_from_inside_send_does_not_cut_in),
        cmocka_unit_test(the_end_may_come_from_inside_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
