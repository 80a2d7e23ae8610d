/* The client's conversation on a clock of numbers: RFC 2131 4.4, with a server that the test plays. */
#include <string.h>

#include "base/unit.h"
#include "protocol/dhcp/client.h"

#define SECOND   1000000ull
#define ADDRESS  0x0a090064u
#define SERVER   0x0a090001u
#define SENT_MAX 64u

struct sent {
    struct dhcp_message message;
    uint8_t bytes[DHCP_MOST_BYTES];
    uint32_t len, to;
    uint64_t at_us;
};
struct talk {
    struct dhcp_client client;
    uint64_t now_us;
    struct sent sent[SENT_MAX];
    uint32_t sent_count;
    uint32_t events[8];
    char text[256];
};

static const uint8_t k_mac[6] = { 0xC8, 0xD9, 0xD2, 1, 2, 3 };

static void on_send(void *ctx, uint32_t to, const uint8_t *out, uint32_t len)
{
    struct talk *t = ctx;
    assert_true(t->sent_count < SENT_MAX);
    struct sent *s = &t->sent[t->sent_count++];
    memcpy(s->bytes, out, len);
    s->len = len;
    s->to = to;
    s->at_us = t->now_us;
    assert_int_equal(dhcp_decode(s->bytes, len, &s->message, NULL), AMT_OK);
    assert_false(s->message.is_reply);
    assert_memory_equal(s->message.hardware, k_mac, 6);
}

static void on_event(void *ctx, enum dhcp_event event, const char *text)
{
    struct talk *t = ctx;
    t->events[event] += 1;
    (void)memcpy(t->text, text, strlen(text) + 1);
}

static void begin(struct talk *t)
{
    *t = (struct talk){ .now_us = 1000 * SECOND };
    t->client.hooks = (struct dhcp_hooks){ .send = on_send, .event = on_event, .ctx = t };
    t->client.host_name = "pc";
    memcpy(t->client.hardware, k_mac, 6);
    amt_random_seed(&t->client.random, 7, "dhcp test");
    dhcp_client_start(&t->client, t->now_us);
}

static const struct sent *last(const struct talk *t)
{
    assert_true(t->sent_count > 0);
    return &t->sent[t->sent_count - 1];
}

/* Lets time pass to the deadline and wakes the client there. */
static void sleep_once(struct talk *t)
{
    assert_true(t->client.deadline_us != DHCP_NO_DEADLINE);
    assert_true(t->client.deadline_us >= t->now_us);
    t->now_us = t->client.deadline_us;
    dhcp_client_wake(&t->client, t->now_us);
}

struct answer {
    enum dhcp_type type;
    uint32_t address, server, time_s, renew_s, rebind_s;
    const char *domain, *text;
    uint32_t xid; /* 0: the client's */
};

static struct dhcp_value value_u32(enum dhcp_code code, uint32_t value, uint8_t out[4])
{
    struct writer w = { .base = out, .cap = 4 };
    writer_u32(&w, value);
    return (struct dhcp_value){ code, out, 4 };
}

static void answer(struct talk *t, const struct answer *a)
{
    struct dhcp_message message = { .type = a->type,
                                    .is_reply = true,
                                    .yours = a->address,
                                    .xid = a->xid == 0 ? t->client.xid : a->xid };
    struct dhcp_value values[6];
    uint8_t numbers[4][4], out[DHCP_MOST_BYTES];
    uint32_t count = 0;
    memcpy(message.hardware, k_mac, 6);
    if (a->server != 0) {
        values[count++] = value_u32(DHCP_SERVER_ID, a->server, numbers[0]);
    }
    if (a->time_s != 0) {
        values[count++] = value_u32(DHCP_LEASE_TIME, a->time_s, numbers[1]);
    }
    if (a->renew_s != 0) {
        values[count++] = value_u32(DHCP_RENEWAL_TIME, a->renew_s, numbers[2]);
        values[count++] = value_u32(DHCP_REBINDING_TIME, a->rebind_s, numbers[3]);
    }
    if (a->domain != NULL) {
        values[count++] = (struct dhcp_value){ DHCP_DOMAIN_NAME, (const uint8_t *)a->domain,
                                               (uint32_t)strlen(a->domain) };
    }
    if (a->text != NULL) {
        values[count++] =
            (struct dhcp_value){ DHCP_TEXT, (const uint8_t *)a->text, (uint32_t)strlen(a->text) };
    }
    uint32_t len = dhcp_encode(&message, values, count, out, sizeof out);
    dhcp_client_input(&t->client, t->now_us, out, len);
}

static const struct answer k_offer = { DHCP_OFFER,         ADDRESS, SERVER, 3600, 0, 0,
                                       "corp.example.com", NULL,    0 };
static const struct answer k_ack = { DHCP_ACK,           ADDRESS, SERVER, 3600, 0, 0,
                                     "corp.example.com", NULL,    0 };

static void bind_client(struct talk *t)
{
    begin(t);
    answer(t, &k_offer);
    answer(t, &k_ack);
    assert_int_equal(t->client.state, DHCP_BOUND);
}

static bool has_option(const struct sent *s, enum dhcp_code code)
{
    uint8_t bytes[64];
    uint32_t len = 0;
    return dhcp_option(s->bytes, &s->message, code, bytes, sizeof bytes, &len, NULL) == AMT_OK;
}

static uint32_t u32_of(const struct sent *s, enum dhcp_code code)
{
    uint32_t value = 0;
    assert_int_equal(dhcp_u32(s->bytes, &s->message, code, &value), AMT_OK);
    return value;
}

static void discover_offer_request_ack(void **state)
{
    (void)state;
    struct talk t;
    uint8_t wanted[16];
    uint32_t len = 0;
    begin(&t);
    const struct sent *s = last(&t);
    assert_int_equal(s->message.type, DHCP_DISCOVER);
    assert_true(s->message.wants_broadcast); /* it has no address that could be sent to */
    assert_int_equal(s->to, DHCP_ALL);
    assert_int_equal(
        dhcp_option(s->bytes, &s->message, DHCP_PARAMETERS, wanted, sizeof wanted, &len, NULL),
        AMT_OK);
    assert_non_null(memchr(wanted, DHCP_DOMAIN_NAME, len));
    t.now_us += SECOND;
    answer(&t, &k_offer);
    s = last(&t);
    assert_int_equal(s->message.type, DHCP_REQUEST);
    assert_int_equal(s->message.xid, t.sent[0].message.xid);
    assert_int_equal(s->message.client, 0);
    assert_int_equal(u32_of(s, DHCP_REQUESTED_ADDRESS), ADDRESS);
    assert_int_equal(u32_of(s, DHCP_SERVER_ID), SERVER);
    answer(&t, &k_ack);
    assert_int_equal(t.client.state, DHCP_BOUND);
    assert_int_equal(t.events[DHCP_GOT_LEASE], 1);
    assert_string_equal(t.client.lease.suffix, "corp.example.com");
    assert_int_equal(t.client.deadline_us, t.now_us + 1800 * SECOND);
    assert_int_equal(t.sent_count, 2);
}

/* RFC 2131 4.1: 4, 8, 16, 32, 64, 64 s, each a second more or less; told once that nobody is there. */
static void a_silent_network_is_asked_less_and_less_often(void **state)
{
    (void)state;
    static const uint64_t k_wait_s[] = { 4, 8, 16, 32, 64, 64, 64 };
    struct talk t;
    bool has_jitter = false;
    begin(&t);
    for (size_t i = 0; i < sizeof k_wait_s / sizeof *k_wait_s; i++) {
        uint64_t before = t.now_us;
        assert_int_equal(t.events[DHCP_NO_SERVER], i >= 2 ? 1 : 0);
        sleep_once(&t);
        uint64_t waited = t.now_us - before;
        assert_true(waited >= (k_wait_s[i] - 1) * SECOND && waited <= (k_wait_s[i] + 1) * SECOND);
        has_jitter = has_jitter || waited != k_wait_s[i] * SECOND;
        assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
        assert_int_equal(last(&t)->message.xid, t.sent[0].message.xid);
        assert_int_equal(last(&t)->message.seconds, (t.now_us - 1000 * SECOND) / SECOND);
    }
    assert_true(has_jitter);
    assert_int_equal(t.events[DHCP_NO_SERVER], 1);
    answer(&t, &k_offer); /* and a server that comes back late is still heard */
    answer(&t, &k_ack);
    assert_int_equal(t.client.state, DHCP_BOUND);
    assert_int_equal(t.client.deadline_us,
                     t.now_us + 1800 * SECOND); /* not from the first DISCOVER */
}

static void an_offer_that_is_not_kept_is_given_up(void **state)
{
    (void)state;
    struct talk t;
    begin(&t);
    answer(&t, &k_offer);
    for (int i = 0; i < 3; i++) {
        sleep_once(&t);
        assert_int_equal(last(&t)->message.type, DHCP_REQUEST);
    }
    sleep_once(&t);
    assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
    assert_int_not_equal(last(&t)->message.xid, t.sent[0].message.xid);
}

static void at_t1_the_server_is_asked_and_at_t2_everybody(void **state)
{
    (void)state;
    struct talk t;
    bind_client(&t);
    uint64_t bound_us = t.now_us;
    sleep_once(&t);
    assert_int_equal(t.now_us, bound_us + 1800 * SECOND);
    assert_int_equal(last(&t)->message.type, DHCP_REQUEST);
    assert_int_equal(last(&t)->to, SERVER);
    assert_int_equal(last(&t)->message.client, ADDRESS);
    assert_false(has_option(last(&t), DHCP_REQUESTED_ADDRESS)); /* 4.3.2: MUST NOT */
    assert_false(has_option(last(&t), DHCP_SERVER_ID));
    while (t.client.state == DHCP_RENEWING) {
        uint64_t before = t.now_us;
        sleep_once(&t);
        assert_true(t.now_us - before >= 60 * SECOND || t.client.state != DHCP_RENEWING);
    }
    assert_int_equal(t.client.state, DHCP_REBINDING);
    assert_int_equal(t.now_us, bound_us + 3150 * SECOND);
    assert_int_equal(last(&t)->to, DHCP_ALL);
    while (t.client.state == DHCP_REBINDING) {
        sleep_once(&t);
    }
    assert_int_equal(t.now_us, bound_us + 3600 * SECOND);
    assert_int_equal(t.events[DHCP_EXPIRED], 1);
    assert_int_equal(t.client.lease.address, 0);
    assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
}

static void a_renewal_keeps_the_lease_and_tells_what_changed(void **state)
{
    (void)state;
    struct talk t;
    bind_client(&t);
    sleep_once(&t);
    answer(&t, &k_ack);
    assert_int_equal(t.events[DHCP_RENEWED], 1);
    assert_int_equal(t.events[DHCP_GOT_LEASE], 1);
    assert_int_equal(t.client.deadline_us, t.now_us + 1800 * SECOND);
    sleep_once(&t);
    struct answer other = k_ack;
    other.domain = "guest.example.net"; /* activation.md 3.1: with the next lease */
    answer(&t, &other);
    assert_int_equal(t.events[DHCP_GOT_LEASE], 2);
    assert_string_equal(t.client.lease.suffix, "guest.example.net");
    sleep_once(&t);
    other.domain = NULL;
    answer(&t, &other);
    assert_int_equal(t.events[DHCP_GOT_LEASE], 3);
    assert_int_equal(t.client.lease.domain, DHCP_DOMAIN_ABSENT);
    assert_string_equal(t.client.lease.suffix, "");
}

static void a_nak_ends_the_lease_and_begins_anew(void **state)
{
    (void)state;
    struct talk t;
    bind_client(&t);
    sleep_once(&t);
    const struct answer nak = { DHCP_NAK, 0, SERVER, 0, 0, 0, NULL, "wrong\nnetwork", 0 };
    answer(&t, &nak);
    assert_int_equal(t.events[DHCP_REFUSED], 1);
    assert_string_equal(t.text, "wrong?network");
    assert_int_equal(t.client.lease.address, 0);
    assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
    assert_int_equal(last(&t)->at_us, t.now_us);
}

/* A server that offers and refuses is asked less and less often, not in a loop. */
static void a_server_that_only_refuses_does_not_make_us_spin(void **state)
{
    (void)state;
    struct talk t;
    const struct answer nak = { DHCP_NAK, 0, SERVER, 0, 0, 0, NULL, NULL, 0 };
    begin(&t);
    uint64_t start_us = t.now_us;
    for (int i = 0; i < 8; i++) {
        answer(&t, &k_offer);
        assert_int_equal(t.client.state, DHCP_REQUESTING);
        answer(&t, &nak);
        if (i > 0) {
            sleep_once(&t);
        }
        assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
    }
    assert_int_equal(t.events[DHCP_REFUSED], 8);
    assert_true(t.now_us - start_us > 150 * SECOND);
}

static void after_the_link_was_away_the_old_address_is_asked_for(void **state)
{
    (void)state;
    struct talk t;
    bind_client(&t);
    dhcp_client_stop(&t.client);
    assert_int_equal(t.client.deadline_us, DHCP_NO_DEADLINE);
    answer(&t, &k_ack); /* nothing is listened to */
    assert_int_equal(t.client.state, DHCP_STOPPED);
    t.now_us += 60 * SECOND;
    dhcp_client_start(&t.client, t.now_us);
    assert_int_equal(t.client.state, DHCP_REBOOTING);
    assert_int_equal(u32_of(last(&t), DHCP_REQUESTED_ADDRESS), ADDRESS);
    assert_false(has_option(last(&t), DHCP_SERVER_ID)); /* 4.3.2 INIT-REBOOT: MUST NOT */
    answer(&t, &k_ack);
    assert_int_equal(t.events[DHCP_RENEWED], 1);
    dhcp_client_stop(&t.client); /* in another network nobody knows it */
    dhcp_client_start(&t.client, t.now_us);
    sleep_once(&t);
    sleep_once(&t);
    assert_int_equal(last(&t)->message.type, DHCP_DISCOVER);
    dhcp_client_stop(&t.client);
    t.now_us += 4000 * SECOND; /* and after its time it is not ours to ask for */
    dhcp_client_start(&t.client, t.now_us);
    assert_int_equal(t.client.state, DHCP_SELECTING);
}

static void what_is_not_for_us_or_not_awaited_changes_nothing(void **state)
{
    (void)state;
    struct talk t;
    begin(&t);
    struct answer wrong = k_offer;
    wrong.xid = t.client.xid + 1;
    answer(&t, &wrong);
    answer(&t, &k_ack); /* an ACK before the REQUEST */
    t.client.hardware[5] ^= 1;
    answer(&t, &k_offer);
    t.client.hardware[5] ^= 1;
    assert_int_equal(t.client.state, DHCP_SELECTING);
    answer(&t, &k_offer);
    wrong = k_ack;
    wrong.server = SERVER + 1; /* of a server that was not chosen */
    answer(&t, &wrong);
    assert_int_equal(t.client.state, DHCP_REQUESTING);
    answer(&t, &k_offer); /* a second offer is too late */
    assert_int_equal(t.sent_count, 2);
    answer(&t, &k_ack);
    answer(&t, &k_ack); /* twice */
    assert_int_equal(t.events[DHCP_GOT_LEASE], 1);
}

static void a_broken_answer_is_told_and_a_good_one_still_taken(void **state)
{
    (void)state;
    struct talk t;
    uint8_t broken[300];
    struct dhcp_message message = { .type = DHCP_OFFER, .is_reply = true, .yours = ADDRESS };
    begin(&t);
    message.xid = t.client.xid;
    memcpy(message.hardware, k_mac, 6);
    assert_int_equal(dhcp_encode(&message, NULL, 0, broken, sizeof broken), 300);
    dhcp_client_input(&t.client, t.now_us, broken, sizeof broken); /* no server, no time */
    assert_int_equal(t.events[DHCP_BAD_ANSWER], 1);
    broken[243] = 15;
    broken[244] = 200;
    dhcp_client_input(&t.client, t.now_us, broken, sizeof broken);
    assert_int_equal(t.events[DHCP_BAD_ANSWER], 2);
    assert_non_null(strstr(t.text, "over the end"));
    for (uint32_t len = 0; len < sizeof broken; len++) {
        dhcp_client_input(&t.client, t.now_us, broken, len);
    }
    assert_int_equal(t.client.state, DHCP_SELECTING);
    answer(&t, &k_offer);
    answer(&t, &k_ack);
    assert_int_equal(t.client.state, DHCP_BOUND);
}

static void a_lease_of_a_second_does_not_make_us_spin(void **state)
{
    (void)state;
    struct talk t;
    begin(&t);
    struct answer brief = k_offer;
    brief.time_s = 1;
    answer(&t, &brief);
    brief.type = DHCP_ACK;
    answer(&t, &brief);
    assert_int_equal(t.client.state, DHCP_BOUND);
    assert_true(t.client.deadline_us >= t.now_us + SECOND);
}

static void a_lease_for_ever_needs_no_clock(void **state)
{
    (void)state;
    struct talk t;
    begin(&t);
    struct answer ever = k_offer;
    ever.time_s = DHCP_FOREVER;
    answer(&t, &ever);
    ever.type = DHCP_ACK;
    answer(&t, &ever);
    assert_int_equal(t.client.deadline_us, DHCP_NO_DEADLINE);
    dhcp_client_wake(&t.client, t.now_us + 1000000 * SECOND);
    assert_int_equal(t.client.state, DHCP_BOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_offer_request_ack),
        cmocka_unit_test(a_silent_network_is_asked_less_and_less_often),
        cmocka_unit_test(an_offer_that_is_not_kept_is_given_up),
        cmocka_unit_test(at_t1_the_server_is_asked_and_at_t2_everybody),
        cmocka_unit_test(a_renewal_keeps_the_lease_and_tells_what_changed),
        cmocka_unit_test(a_nak_ends_the_lease_and_begins_anew),
        cmocka_unit_test(a_server_that_only_refuses_does_not_make_us_spin),
        cmocka_unit_test(after_the_link_was_away_the_old_address_is_asked_for),
        cmocka_unit_test(what_is_not_for_us_or_not_awaited_changes_nothing),
        cmocka_unit_test(a_broken_answer_is_told_and_a_good_one_still_taken),
        cmocka_unit_test(a_lease_of_a_second_does_not_make_us_spin),
        cmocka_unit_test(a_lease_for_ever_needs_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
