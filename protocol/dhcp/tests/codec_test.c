/* DHCP on the wire: vectors byte for byte, options however they are spread, and hostile lengths. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/dhcp/lease.h"

#define SNAME_OFFSET 44u
#define FILE_OFFSET  108u

static const uint8_t k_mac[6] = { 0xC8, 0xD9, 0xD2, 0x1F, 0x30, 0xAA };

struct packet {
    uint8_t bytes[DHCP_MOST_BYTES];
    uint32_t len;
};

/* A reply's fixed part, written out here and not by the encoder: op 2, Ethernet, xid 0x12345678, flag
 * broadcast, yiaddr 10.9.0.100, siaddr 10.9.0.1, the cookie. */
static void start(struct packet *p)
{
    static const uint8_t k_head[28] = {
        2, 1, 6,  0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0x80, 0x00, 0, 0,
        0, 0, 10, 9, 0,    100,  10,   9,    0, 1, 0,    0,    0, 0
    };
    static const uint8_t k_cookie[4] = { 0x63, 0x82, 0x53, 0x63 };
    *p = (struct packet){ .len = 240 };
    memcpy(p->bytes, k_head, sizeof k_head);
    memcpy(p->bytes + 28, k_mac, sizeof k_mac);
    memcpy(p->bytes + 236, k_cookie, sizeof k_cookie);
}

static void put(struct packet *p, const void *bytes, uint32_t len)
{
    assert_true(p->len + len <= sizeof p->bytes);
    memcpy(p->bytes + p->len, bytes, len);
    p->len += len;
}

static void put_option(struct packet *p, uint8_t code, const void *bytes, uint8_t len)
{
    const uint8_t head[2] = { code, len };
    put(p, head, 2);
    put(p, bytes, len);
}

/* The options every ACK of these tests has. */
static void start_ack(struct packet *p)
{
    start(p);
    put_option(p, 53, "\x05", 1);
    put_option(p, 54, "\x0a\x09\x00\x01", 4);
    put_option(p, 51, "\x00\x00\x0e\x10", 4);
}

/* Reads from exact memory: a byte behind it is a fault. */
static enum amt_err decode(const struct packet *p, struct dhcp_message *out,
                           struct dhcp_fault *fault)
{
    uint8_t *exact = amt_memdup(p->bytes, p->len == 0 ? 1 : p->len);
    assert_non_null(exact);
    enum amt_err err = dhcp_decode(exact, p->len, out, fault);
    amt_free(exact);
    return err;
}

static struct dhcp_lease lease_of(const struct packet *p)
{
    struct dhcp_message message;
    struct dhcp_lease lease;
    assert_int_equal(decode(p, &message, NULL), AMT_OK);
    assert_int_equal(dhcp_lease_read(p->bytes, &message, &lease, NULL), AMT_OK);
    return lease;
}

static void an_ack_is_read_field_by_field(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    start_ack(&p);
    put_option(&p, 0, "", 0); /* PAD has no length: the 0 behind it is one more */
    put_option(&p, 1, "\xff\xff\xff\x00", 4);
    put_option(&p, 3, "\x0a\x09\x00\x01\x0a\x09\x00\x02", 8);
    put_option(&p, 6, "\x0a\x09\x00\x03\x0a\x09\x00\x04", 8);
    put_option(&p, 15, "corp.example.com", 16);
    put_option(&p, 58, "\x00\x00\x00\x64", 4);
    put_option(&p, 59, "\x00\x00\x00\xc8", 4);
    put(&p, "\xff", 1);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(message.type, DHCP_ACK);
    assert_true(message.is_reply);
    assert_true(message.wants_broadcast);
    assert_int_equal(message.xid, 0x12345678);
    assert_memory_equal(message.hardware, k_mac, 6);
    struct dhcp_lease lease = lease_of(&p);
    assert_int_equal(lease.address, 0x0a090064);
    assert_int_equal(lease.server, 0x0a090001);
    assert_int_equal(lease.mask, 0xffffff00);
    assert_int_equal(lease.router, 0x0a090001);
    assert_int_equal(lease.dns[0], 0x0a090003);
    assert_int_equal(lease.dns[1], 0x0a090004);
    assert_int_equal(lease.time_s, 3600);
    assert_int_equal(lease.renew_s, 100);
    assert_int_equal(lease.rebind_s, 200);
    assert_int_equal(lease.domain, DHCP_DOMAIN_GIVEN);
    assert_string_equal(lease.suffix, "corp.example.com");
}

static void a_discover_is_written_byte_for_byte(void **state)
{
    (void)state;
    static const uint8_t k_id[7] = { 1, 0xC8, 0xD9, 0xD2, 0x1F, 0x30, 0xAA };
    static const uint8_t k_tail[] = { 0x63, 0x82, 0x53, 0x63, 53,   1,    1,    61, 7,
                                      1,    0xC8, 0xD9, 0xD2, 0x1F, 0x30, 0xAA, 255 };
    struct dhcp_message message = {
        .type = DHCP_DISCOVER, .xid = 0x01020304, .seconds = 0x0506, .wants_broadcast = true
    };
    const struct dhcp_value values[] = { { DHCP_CLIENT_ID, k_id, sizeof k_id } };
    uint8_t out[DHCP_MOST_BYTES],
        expected[DHCP_LEAST_BYTES] = { 1, 1, 6, 0, 1, 2, 3, 4, 5, 6, 0x80, 0 };
    memcpy(message.hardware, k_mac, 6);
    memcpy(expected + 28, k_mac, 6);
    memcpy(expected + 236, k_tail, sizeof k_tail);
    assert_int_equal(dhcp_encode(&message, values, 1, out, sizeof out), DHCP_LEAST_BYTES);
    assert_memory_equal(out, expected, sizeof expected);
}

/* RFC 2131 4.1: option 52 makes file and sname into more options; file counts before sname. */
static void options_in_file_and_sname_are_found(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    start_ack(&p);
    put_option(&p, 52, "\x03", 1);
    put_option(&p, 15, "a.", 2);
    put(&p, "\xff", 1);
    memcpy(p.bytes + FILE_OFFSET,
           "\x0f\x03"
           "exa"
           "\xff",
           6);
    memcpy(p.bytes + SNAME_OFFSET,
           "\x0f\x04"
           "mple"
           "\xff",
           7);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(message.area_count, 3);
    assert_string_equal(lease_of(&p).suffix, "a.example");
    p.bytes[p.len - 6] = 1; /* option 52: file alone */
    assert_int_equal(p.bytes[p.len - 8], 52);
    assert_string_equal(lease_of(&p).suffix, "a.exa");
}

static void sname_alone_and_no_overload(void **state)
{
    (void)state;
    for (uint8_t overload = 0; overload <= 2; overload += 2) {
        struct packet p;
        start_ack(&p);
        put_option(&p, 52, &overload, 1);
        put(&p, "\xff", 1);
        memcpy(p.bytes + SNAME_OFFSET,
               "\x0f\x03"
               "x.y"
               "\xff",
               6);
        struct dhcp_lease lease = lease_of(&p);
        assert_int_equal(lease.domain, overload == 2 ? DHCP_DOMAIN_GIVEN : DHCP_DOMAIN_ABSENT);
        assert_string_equal(lease.suffix, overload == 2 ? "x.y" : "");
    }
}

/* An option 52 inside file is not followed: there is no third place, and no loop. */
static void overload_inside_an_overloaded_field_means_nothing(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    start_ack(&p);
    put_option(&p, 52, "\x01", 1);
    memcpy(p.bytes + FILE_OFFSET, "\x34\x01\x03\xff", 4);
    memcpy(p.bytes + SNAME_OFFSET,
           "\x0f\x03"
           "x.y"
           "\xff",
           6);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(message.area_count, 2);
    assert_int_equal(lease_of(&p).domain, DHCP_DOMAIN_ABSENT);
}

/* RFC 3396: the pieces of one code are one value, in order, also with others in between. */
static void a_long_option_comes_in_pieces_and_goes_in_pieces(void **state)
{
    (void)state;
    uint8_t value[700], out[DHCP_MOST_BYTES], again[700];
    struct dhcp_message message = { .type = DHCP_OFFER, .is_reply = true };
    struct dhcp_message read;
    uint32_t len = 0, pieces = 0;
    for (size_t i = 0; i < sizeof value; i++) {
        value[i] = (uint8_t)(i * 7);
    }
    for (uint32_t size = 0; size <= sizeof value; size += 1) {
        const struct dhcp_value values[] = { { (enum dhcp_code)43, value, size },
                                             { DHCP_TEXT, value, 1 } };
        uint32_t bytes = dhcp_encode(&message, values, 2, out, sizeof out);
        assert_true(bytes <= sizeof out);
        assert_int_equal(dhcp_decode(out, bytes, &read, NULL), AMT_OK);
        assert_int_equal(
            dhcp_option(out, &read, (enum dhcp_code)43, again, sizeof again, &len, &pieces),
            AMT_OK);
        assert_int_equal(len, size);
        assert_int_equal(pieces, size == 0 ? 1 : (size + 254) / 255);
        assert_memory_equal(again, value, size);
    }
}

static void a_value_longer_than_the_buffer_is_cut_and_told(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    uint8_t out[5] = { 0, 0, 0, 0, 0xEE };
    uint32_t len = 0;
    start_ack(&p);
    put_option(&p, 15, "example", 7);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(dhcp_option(p.bytes, &message, DHCP_DOMAIN_NAME, out, 4, &len, NULL),
                     AMT_ETOOBIG);
    assert_int_equal(len, 7);
    assert_memory_equal(out, "exam\xEE", 5);
}

static void every_cut_is_malformed_or_a_shorter_whole(void **state)
{
    (void)state;
    struct packet p;
    start_ack(&p);
    put_option(&p, 15, "corp.example.com", 16);
    put(&p, "\xff", 1);
    uint32_t whole = p.len;
    for (p.len = 0; p.len < whole; p.len++) {
        struct dhcp_message message;
        struct dhcp_fault fault = { .what = NULL };
        enum amt_err err = decode(&p, &message, &fault);
        if (p.len < 240) {
            assert_int_equal(err, AMT_EMALFORMED);
            assert_int_equal(fault.offset, p.len);
        }
        if (err != AMT_OK) {
            assert_non_null(fault.what);
        }
    }
}

static void an_option_that_runs_over_its_field_is_malformed_with_its_place(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    struct dhcp_fault fault = { .what = NULL };
    start_ack(&p);
    uint32_t at = p.len;
    put(&p,
        "\x0f\xff"
        "abc",
        5);
    assert_int_equal(decode(&p, &message, &fault), AMT_EMALFORMED);
    assert_int_equal(fault.offset, at);
    start_ack(&p);
    put(&p, "\x0f", 1); /* a code without its length */
    assert_int_equal(decode(&p, &message, &fault), AMT_EMALFORMED);
    start_ack(&p);
    put_option(&p, 52, "\x02", 1);
    put(&p, "\xff", 1);
    p.bytes[SNAME_OFFSET] = 15; /* 2 + 63 bytes in a field of 64 */
    p.bytes[SNAME_OFFSET + 1] = 63;
    assert_int_equal(decode(&p, &message, &fault), AMT_EMALFORMED);
    assert_int_equal(fault.offset, SNAME_OFFSET);
    p.bytes[SNAME_OFFSET + 1] = 62; /* fits to the byte, without an END */
    assert_int_equal(decode(&p, &message, &fault), AMT_OK);
}

static void what_is_no_dhcp_is_unknown(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        uint8_t value;
    } k_changes[] = { { 0, 3 }, { 1, 6 }, { 2, 16 }, { 236, 0 }, { 242, 0 }, { 242, 9 } };
    for (size_t i = 0; i < sizeof k_changes / sizeof *k_changes; i++) {
        struct packet p;
        struct dhcp_message message;
        start_ack(&p);
        p.bytes[k_changes[i].at] = k_changes[i].value;
        assert_int_equal(decode(&p, &message, NULL), AMT_EUNKNOWN);
    }
    struct packet bare; /* BOOTP, without any option */
    struct dhcp_message message;
    start(&bare);
    assert_int_equal(decode(&bare, &message, NULL), AMT_EUNKNOWN);
}

static void a_lease_needs_address_server_and_time(void **state)
{
    (void)state;
    struct packet p;
    struct dhcp_message message;
    struct dhcp_lease lease;
    struct dhcp_fault fault;
    start_ack(&p);
    memset(p.bytes + 16, 0, 4);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(dhcp_lease_read(p.bytes, &message, &lease, &fault), AMT_EMALFORMED);
    assert_non_null(strstr(fault.what, "yiaddr"));
    start(&p);
    put_option(&p, 53, "\x02", 1);
    put_option(&p, 51, "\x00\x00\x0e\x10", 4);
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(dhcp_lease_read(p.bytes, &message, &lease, &fault), AMT_EMALFORMED);
    assert_non_null(strstr(fault.what, "54"));
    put_option(&p, 54, "\x0a\x09\x00\x01", 4);
    put_option(&p, 51, "\x01", 1); /* six bytes in all: neither piece is the value */
    assert_int_equal(decode(&p, &message, NULL), AMT_OK);
    assert_int_equal(dhcp_lease_read(p.bytes, &message, &lease, &fault), AMT_EMALFORMED);
    assert_non_null(strstr(fault.what, "51"));
}

static void times_that_are_not_in_order_become_the_usual_ones(void **state)
{
    (void)state;
    static const struct {
        const char *renew, *rebind;
        uint32_t renew_s, rebind_s;
    } k_cases[] = {
        { NULL, NULL, 1800, 3150 },
        { "\0\0\0\x0a", NULL, 10, 3150 },
        { "\0\0\0\x0a", "\0\0\0\x14", 10, 20 },
        { "\0\0\0\x14", "\0\0\0\x0a", 1800, 3150 }, /* T2 before T1 */
        { "\0\0\0\x0a", "\0\xff\0\0", 1800, 3150 }, /* T2 after the end */
        { "\0\0\0\0", "\0\0\0\x0a", 1800, 3150 },   /* T1 now */
        { "\xff\xff\xff\xff", NULL, 1800, 3150 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct packet p;
        start_ack(&p);
        if (k_cases[i].renew != NULL) {
            put_option(&p, 58, k_cases[i].renew, 4);
        }
        if (k_cases[i].rebind != NULL) {
            put_option(&p, 59, k_cases[i].rebind, 4);
        }
        struct dhcp_lease lease = lease_of(&p);
        assert_int_equal(lease.renew_s, k_cases[i].renew_s);
        assert_int_equal(lease.rebind_s, k_cases[i].rebind_s);
    }
}

static void a_lease_for_ever_is_never_renewed(void **state)
{
    (void)state;
    struct packet p;
    start(&p);
    put_option(&p, 53, "\x05", 1);
    put_option(&p, 54, "\x0a\x09\x00\x01", 4);
    put_option(&p, 51, "\xff\xff\xff\xff", 4);
    put_option(&p, 58, "\0\0\0\x0a", 4);
    struct dhcp_lease lease = lease_of(&p);
    assert_int_equal(lease.time_s, DHCP_FOREVER);
    assert_int_equal(lease.renew_s, DHCP_FOREVER);
    assert_int_equal(lease.rebind_s, DHCP_FOREVER);
}

static enum dhcp_domain domain_of(const void *bytes, uint32_t len, char out[DHCP_DOMAIN_BYTES])
{
    uint8_t *exact = amt_memdup(bytes, len == 0 ? 1 : len);
    assert_non_null(exact);
    enum dhcp_domain domain = dhcp_suffix(exact, len, out);
    amt_free(exact);
    return domain;
}

/* Each way in which servers get option 15 wrong. */
static void a_suffix_is_taken_as_it_is_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t len;
        enum dhcp_domain domain;
        const char *suffix;
    } k_cases[] = {
        { "example.com", 11, DHCP_DOMAIN_GIVEN, "example.com" },
        { "a.b.c.d.e.example.com", 21, DHCP_DOMAIN_GIVEN, "a.b.c.d.e.example.com" },
        { "local", 5, DHCP_DOMAIN_GIVEN, "local" },
        { "example.com\0", 12, DHCP_DOMAIN_GIVEN, "example.com" },
        { "example.com\0\0\0", 14, DHCP_DOMAIN_GIVEN, "example.com" },
        { "example.com.", 12, DHCP_DOMAIN_GIVEN, "example.com." }, /* F16: kept */
        { "a.com b.com", 11, DHCP_DOMAIN_GIVEN, "a.com b.com" },   /* F16: kept */
        { "", 0, DHCP_DOMAIN_EMPTY, "" },
        { "\0", 1, DHCP_DOMAIN_EMPTY, "" },
        { ".", 1, DHCP_DOMAIN_EMPTY, "" }, /* activation.md 3.1: not set */
        { "  ", 2, DHCP_DOMAIN_EMPTY, "" },
        { "example\0.com", 12, DHCP_DOMAIN_CHARACTER, "" },
        { "example.com\n", 12, DHCP_DOMAIN_CHARACTER, "" },
        { "ex\xC3\xA4mple.com", 12, DHCP_DOMAIN_CHARACTER, "" },
        { "example..com", 12, DHCP_DOMAIN_LABEL, "" },
        { ".example.com", 12, DHCP_DOMAIN_LABEL, "" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        char suffix[DHCP_DOMAIN_BYTES] = "before";
        assert_int_equal(domain_of(k_cases[i].bytes, k_cases[i].len, suffix), k_cases[i].domain);
        assert_string_equal(suffix, k_cases[i].suffix);
        assert_true((dhcp_domain_text(k_cases[i].domain)[0] == '\0') == (suffix[0] != '\0'));
    }
}

static void the_limits_of_a_suffix_are_to_the_byte(void **state)
{
    (void)state;
    char name[300], suffix[DHCP_DOMAIN_BYTES];
    memset(name, 'a', sizeof name);
    assert_int_equal(domain_of(name, 63, suffix), DHCP_DOMAIN_GIVEN);
    assert_int_equal(domain_of(name, 64, suffix), DHCP_DOMAIN_LABEL);
    for (size_t i = 63; i < sizeof name; i += 64) {
        name[i] = '.';
    }
    assert_int_equal(domain_of(name, 253, suffix), DHCP_DOMAIN_GIVEN);
    assert_int_equal(strlen(suffix), 253);
    assert_int_equal(domain_of(name, 254, suffix), DHCP_DOMAIN_TOO_LONG);
    assert_string_equal(suffix, "");
}

static void a_small_buffer_is_not_overrun_and_the_need_is_told(void **state)
{
    (void)state;
    const struct dhcp_message message = { .type = DHCP_DISCOVER };
    for (uint32_t cap = 1; cap < DHCP_LEAST_BYTES; cap++) {
        uint8_t *out = amt_alloc(cap);
        assert_non_null(out);
        assert_int_equal(dhcp_encode(&message, NULL, 0, out, cap), DHCP_LEAST_BYTES);
        amt_free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_is_read_field_by_field),
        cmocka_unit_test(a_discover_is_written_byte_for_byte),
        cmocka_unit_test(options_in_file_and_sname_are_found),
        cmocka_unit_test(sname_alone_and_no_overload),
        cmocka_unit_test(overload_inside_an_overloaded_field_means_nothing),
        cmocka_unit_test(a_long_option_comes_in_pieces_and_goes_in_pieces),
        cmocka_unit_test(a_value_longer_than_the_buffer_is_cut_and_told),
        cmocka_unit_test(every_cut_is_malformed_or_a_shorter_whole),
        cmocka_unit_test(an_option_that_runs_over_its_field_is_malformed_with_its_place),
        cmocka_unit_test(what_is_no_dhcp_is_unknown),
        cmocka_unit_test(a_lease_needs_address_server_and_time),
        cmocka_unit_test(times_that_are_not_in_order_become_the_usual_ones),
        cmocka_unit_test(a_lease_for_ever_is_never_renewed),
        cmocka_unit_test(a_suffix_is_taken_as_it_is_or_not_at_all),
        cmocka_unit_test(the_limits_of_a_suffix_are_to_the_byte),
        cmocka_unit_test(a_small_buffer_is_not_overrun_and_the_need_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
