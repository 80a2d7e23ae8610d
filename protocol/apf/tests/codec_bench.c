/*
 * Nanoseconds per message: apf_decode and apf_encode against the least any parser must do, a bare
 * loop that only finds the next message's start. Prints one JSON object.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "protocol/apf/codec.h"

#define STREAM_BYTES (1u << 20)
#define ROUNDS       40
#define REPEATS      7

struct traffic {
    uint8_t *bytes;
    uint32_t len, messages;
};

static const struct apf_context k_context = { .direction = APF_DEV_TO_MPS };

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool add(struct traffic *traffic, const struct apf_message *message, const void *source)
{
    uint32_t room = STREAM_BYTES - traffic->len;
    uint32_t len = apf_encode(message, source, false, traffic->bytes + traffic->len, room);
    if (len == 0 || len > room) {
        return false;
    }
    traffic->len += len;
    traffic->messages += 1;
    return true;
}

/* What an MPS sees of a busy device: data, window adjusts, keepalives, channel turnover. */
static void fill(struct traffic *traffic)
{
    static const char k_payload[1024] = { 'x' };
    static const uint32_t k_sizes[] = { 64, 200, 1024, 17 };
    bool has_room = true;
    for (uint32_t i = 0; has_room; i++) {
        struct apf_message data = { .type = APF_CHANNEL_DATA,
                                    .recipient_channel = 4 + i % 8,
                                    .data = { 0, k_sizes[i % 4] } };
        struct apf_message adjust = { .type = APF_CHANNEL_WINDOW_ADJUST,
                                      .recipient_channel = 4 + i % 8,
                                      .bytes_to_add = 499 };
        struct apf_message keepalive = { .type = APF_KEEPALIVE_REQUEST, .cookie = i };
        struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                       .recipient_channel = 4 + i % 8,
                                       .initial_window = 4096 };
        struct apf_message close = { .type = APF_CHANNEL_CLOSE, .recipient_channel = 4 + i % 8 };
        has_room = add(traffic, &data, k_payload) && add(traffic, &adjust, NULL) &&
                   (i % 8 != 0 || add(traffic, &keepalive, NULL)) &&
                   (i % 16 != 0 || (add(traffic, &confirm, NULL) && add(traffic, &close, NULL)));
    }
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The bare loop: right only for this stream, checks nothing. */
static uint64_t walk(const struct traffic *traffic)
{
    uint64_t sum = 0;
    const uint8_t *p = traffic->bytes;
    const uint8_t *end = p + traffic->len;
    while (p < end) {
        sum += *p;
        switch (*p) {
        case APF_CHANNEL_DATA:
            p += APF_DATA_HEADER_BYTES + read_u32(p + 5);
            break;
        case APF_CHANNEL_WINDOW_ADJUST:
            p += 9;
            break;
        case APF_CHANNEL_OPEN_CONFIRMATION:
            p += 17;
            break;
        default:
            p += 5;
            break;
        }
    }
    return sum;
}

static uint64_t decode_all(const struct traffic *traffic)
{
    uint64_t sum = 0;
    for (uint32_t at = 0; at < traffic->len;) {
        struct apf_message message;
        uint32_t count = 0;
        if (apf_decode(traffic->bytes + at, traffic->len - at, &k_context, &message, &count) !=
            APF_OK) {
            return 0;
        }
        sum += message.type;
        at += count;
    }
    return sum;
}

static uint64_t decode_and_encode_all(const struct traffic *traffic)
{
    uint64_t sum = 0;
    uint8_t out[4096];
    for (uint32_t at = 0; at < traffic->len;) {
        struct apf_message message;
        uint32_t count = 0;
        if (apf_decode(traffic->bytes + at, traffic->len - at, &k_context, &message, &count) !=
            APF_OK) {
            return 0;
        }
        sum +=
            message.type + 0u * apf_encode(&message, traffic->bytes + at, false, out, sizeof out);
        at += count;
    }
    return sum;
}

/* Best of some repeats, in nanoseconds per message; 0 when the sums differ. */
static double measure(uint64_t (*run)(const struct traffic *), const struct traffic *traffic,
                      uint64_t expected)
{
    uint64_t best = UINT64_MAX;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t begin = now_ns();
        for (int round = 0; round < ROUNDS; round++) {
            if (run(traffic) != expected) {
                return 0;
            }
        }
        uint64_t took = now_ns() - begin;
        best = took < best ? took : best;
    }
    return (double)best / ROUNDS / traffic->messages;
}

int main(void)
{
    struct traffic traffic = { .bytes = amt_alloc(STREAM_BYTES) };
    if (traffic.bytes == NULL) {
        return 1;
    }
    fill(&traffic);
    uint64_t expected = walk(&traffic);
    double bare = measure(walk, &traffic, expected);
    double decode = measure(decode_all, &traffic, expected);
    double both = measure(decode_and_encode_all, &traffic, expected);
    (void)printf("{\"bench\":\"codec\",\"messages\":%u,\"bytes\":%u,\"bare_walk_ns\":%.2f,"
                 "\"decode_ns\":%.2f,\"decode_and_encode_ns\":%.2f,\"decode_to_bare\":%.2f}\n",
                 traffic.messages, traffic.len, bare, decode, both, decode / bare);
    amt_free(traffic.bytes);
    return bare > 0 && decode > 0 && both > 0 ? 0 : 1;
}
