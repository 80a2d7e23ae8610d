/*
 * DHCP. The first byte chooses: 0 a datagram, 1 what an Ethernet frame carries, 2 a conversation (then,
 * again and again: how long nothing happens, a byte that says what the datagram is to have in common with
 * what the client sent, two bytes of length, the datagram). Oracles: an area lies inside the datagram; an
 * option is not longer than it; what is decoded encodes to the same message, options and lease; refusals
 * have words and a place; a suffix is printable and a name's length; a client sends whole messages of its
 * own, is never woken in the past, has a lease only with an address, and does not send twice in a second
 * without having been answered.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/dhcp/client.h"
#include "protocol/dhcp/frame.h"

#define SECOND 1000000ull

/* Exact: a byte behind the end is a fault. */
static uint8_t *copy_of(const uint8_t *in, uint32_t len)
{
    uint8_t *copy = amt_alloc(len == 0 ? 1 : len);
    FUZZ_REQUIRE(copy != NULL);
    if (len > 0) {
        memcpy(copy, in, len);
    }
    return copy;
}

static void check_suffix(const struct dhcp_lease *lease)
{
    size_t len = strlen(lease->suffix);
    FUZZ_REQUIRE(len < DHCP_DOMAIN_BYTES && (len > 0) == (lease->domain == DHCP_DOMAIN_GIVEN));
    FUZZ_REQUIRE((len > 0) == (dhcp_domain_text(lease->domain)[0] == '\0'));
    for (size_t i = 0; i < len; i++) {
        FUZZ_REQUIRE(lease->suffix[i] >= ' ' && lease->suffix[i] <= '~');
    }
}

static bool is_same_lease(const struct dhcp_lease *a, const struct dhcp_lease *b)
{
    return a->address == b->address && a->mask == b->mask && a->router == b->router &&
           a->dns[0] == b->dns[0] && a->dns[1] == b->dns[1] && a->server == b->server &&
           a->time_s == b->time_s && a->renew_s == b->renew_s && a->rebind_s == b->rebind_s &&
           a->domain == b->domain && strcmp(a->suffix, b->suffix) == 0;
}

/* All options, put together and written in one area, say the same. */
static void check_encoding(const uint8_t *in, uint32_t len, const struct dhcp_message *message)
{
    static uint8_t store[256][DHCP_MOST_BYTES];
    static uint8_t out[64 * 1024];
    struct dhcp_value values[256];
    struct dhcp_message again;
    struct dhcp_lease lease, lease_again;
    uint32_t count = 0;
    for (uint32_t code = 1; code < DHCP_END; code++) {
        uint32_t value_len = 0;
        enum amt_err err = dhcp_option(in, message, (enum dhcp_code)code, store[code],
                                       DHCP_MOST_BYTES, &value_len, NULL);
        FUZZ_REQUIRE(err == AMT_EUNKNOWN || (err == AMT_OK && value_len < len));
        if (err == AMT_OK && code != DHCP_MESSAGE_TYPE && code != DHCP_OVERLOAD) {
            values[count++] = (struct dhcp_value){ (enum dhcp_code)code, store[code], value_len };
        }
    }
    uint32_t bytes = dhcp_encode(message, values, count, out, sizeof out);
    FUZZ_REQUIRE(bytes >= DHCP_LEAST_BYTES && bytes <= sizeof out);
    FUZZ_REQUIRE(dhcp_decode(out, bytes, &again, NULL) == AMT_OK);
    FUZZ_REQUIRE(again.type == message->type && again.xid == message->xid &&
                 again.yours == message->yours && again.is_reply == message->is_reply &&
                 memcmp(again.hardware, message->hardware, DHCP_HARDWARE_BYTES) == 0);
    enum amt_err err = dhcp_lease_read(in, message, &lease, NULL);
    FUZZ_REQUIRE(dhcp_lease_read(out, &again, &lease_again, NULL) == err);
    FUZZ_REQUIRE(err != AMT_OK || is_same_lease(&lease, &lease_again));
    if (err == AMT_OK) {
        check_suffix(&lease);
        FUZZ_REQUIRE(lease.renew_s <= lease.rebind_s && lease.rebind_s <= lease.time_s);
    }
}

static void one_datagram(const uint8_t *in, uint32_t len)
{
    struct dhcp_message message;
    struct dhcp_fault fault = { .what = NULL };
    enum amt_err err = dhcp_decode(in, len, &message, &fault);
    if (err != AMT_OK) {
        FUZZ_REQUIRE(err == AMT_EUNKNOWN || err == AMT_EMALFORMED);
        FUZZ_REQUIRE(fault.what != NULL && fault.offset <= len);
        return;
    }
    for (uint32_t i = 0; i < message.area_count; i++) {
        FUZZ_REQUIRE(message.areas[i].off <= len &&
                     message.areas[i].len <= len - message.areas[i].off);
    }
    check_encoding(in, len, &message);
}

static void one_frame(const uint8_t *in, uint32_t len)
{
    struct frame_udp udp, udp_again;
    struct frame_arp arp, arp_again;
    if (frame_udp_decode(in, len, &udp) == AMT_OK) {
        uint32_t bytes = FRAME_UDP_HEAD_BYTES + udp.payload.len;
        uint8_t *out = amt_alloc(bytes);
        FUZZ_REQUIRE(udp.payload.off <= len && udp.payload.len <= len - udp.payload.off);
        FUZZ_REQUIRE(out != NULL && frame_udp_encode(&udp, in + udp.payload.off, udp.payload.len,
                                                     out, bytes) == bytes);
        FUZZ_REQUIRE(frame_udp_decode(out, bytes, &udp_again) == AMT_OK);
        FUZZ_REQUIRE(udp_again.from == udp.from && udp_again.to == udp.to &&
                     udp_again.from_port == udp.from_port && udp_again.to_port == udp.to_port &&
                     udp_again.payload.len == udp.payload.len);
        FUZZ_REQUIRE(memcmp(out + FRAME_UDP_HEAD_BYTES, in + udp.payload.off, udp.payload.len) ==
                     0);
        amt_free(out);
    }
    if (frame_arp_decode(in, len, &arp) == AMT_OK) {
        uint8_t out[FRAME_ARP_BYTES];
        frame_arp_encode(&arp, out);
        FUZZ_REQUIRE(memcmp(out, in, sizeof out) == 0);
        FUZZ_REQUIRE(frame_arp_decode(out, sizeof out, &arp_again) == AMT_OK);
    }
}

struct talk {
    struct dhcp_client client;
    uint64_t now_us;
    uint32_t sent_in_second;
    uint32_t xid;
};

static void on_send(void *ctx, uint32_t to, const uint8_t *out, uint32_t len)
{
    struct talk *talk = ctx;
    struct dhcp_message message;
    FUZZ_REQUIRE(to != 0 && dhcp_decode(out, len, &message, NULL) == AMT_OK);
    FUZZ_REQUIRE(!message.is_reply &&
                 (message.type == DHCP_DISCOVER || message.type == DHCP_REQUEST));
    talk->xid = message.xid;
    talk->sent_in_second += 1;
}

static void on_event(void *ctx, enum dhcp_event event, const char *text)
{
    (void)event;
    FUZZ_REQUIRE(ctx != NULL && text != NULL);
    for (; *text != '\0'; text++) {
        FUZZ_REQUIRE(*text >= ' ' && *text <= '~');
    }
}

static void check_client(const struct talk *talk)
{
    const struct dhcp_client *client = &talk->client;
    bool has_lease = client->state == DHCP_BOUND || client->state == DHCP_RENEWING ||
                     client->state == DHCP_REBINDING;
    FUZZ_REQUIRE(client->state < DHCP_STATE_COUNT_);
    FUZZ_REQUIRE(!has_lease || client->lease.address != 0);
    FUZZ_REQUIRE(client->state == DHCP_STOPPED || client->deadline_us > talk->now_us);
    if (client->lease.address != 0) {
        check_suffix(&client->lease);
    }
}

/* Sleeps until then, waking the client when it asks to be. */
static void pass(struct talk *talk, uint64_t until_us)
{
    for (int wakes = 0; talk->client.deadline_us <= until_us && wakes < 64; wakes++) {
        talk->sent_in_second =
            talk->client.deadline_us >= talk->now_us + SECOND ? 0 : talk->sent_in_second;
        talk->now_us = talk->client.deadline_us;
        dhcp_client_wake(&talk->client, talk->now_us);
        check_client(talk);
        FUZZ_REQUIRE(talk->sent_in_second <= 2);
    }
    talk->now_us =
        until_us > talk->now_us && talk->client.deadline_us > until_us ? until_us : talk->now_us;
}

/* A datagram that belongs to the conversation, where the input wants that. */
static void hear(struct talk *talk, uint8_t common, const uint8_t *in, uint32_t len)
{
    uint8_t *copy = copy_of(in, len);
    if ((common & 1u) != 0 && len >= DHCP_HEAD_BYTES) {
        struct writer w = { .base = copy, .cap = len, .pos = 4 };
        writer_u32(&w, talk->xid);
        memcpy(copy + 28, talk->client.hardware, DHCP_HARDWARE_BYTES);
    }
    talk->sent_in_second = 0;
    dhcp_client_input(&talk->client, talk->now_us, copy, len);
    check_client(talk);
    amt_free(copy);
}

static void one_conversation(const uint8_t *in, uint32_t len)
{
    struct talk talk = { .now_us = 1 };
    struct cursor c = { .base = in, .len = len };
    struct view datagram;
    uint8_t wait = 0, common = 0;
    uint16_t datagram_len = 0;
    talk.client.hooks = (struct dhcp_hooks){ .send = on_send, .event = on_event, .ctx = &talk };
    talk.client.host_name = "pc";
    amt_random_seed(&talk.client.random, 1, "fuzz");
    dhcp_client_start(&talk.client, talk.now_us);
    check_client(&talk);
    for (int i = 0; i < 32; i++) {
        if (cursor_u8(&c, &wait) != AMT_OK || cursor_u8(&c, &common) != AMT_OK ||
            cursor_u16(&c, &datagram_len) != AMT_OK) {
            break;
        }
        uint32_t left = c.len - c.pos;
        if (cursor_take(&c, datagram_len > left ? left : datagram_len, &datagram) != AMT_OK) {
            break;
        }
        pass(&talk, talk.now_us + (uint64_t)wait * wait * SECOND / 4);
        if ((common & 2u) != 0) {
            dhcp_client_stop(&talk.client);
            dhcp_client_start(&talk.client, talk.now_us);
        }
        hear(&talk, common, in + datagram.off, datagram.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 16384) {
        return 0;
    }
    uint32_t len = (uint32_t)size - 1;
    uint8_t *exact = copy_of(data + 1, len);
    switch (data[0] % 3) {
    case 0:
        one_datagram(exact, len > DHCP_MOST_BYTES ? DHCP_MOST_BYTES : len);
        break;
    case 1:
        one_frame(exact, len);
        break;
    default:
        one_conversation(exact, len);
        break;
    }
    amt_free(exact);
    return 0;
}
