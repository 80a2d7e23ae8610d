/* Presence ping and pong (wsman.md 1.10): both directions, byte for byte, and what is no message. */
#include <string.h>

#include "base/unit.h"
#include "protocol/rmcp/codec.h"

/* What MeshCentral's scanner sends, with tag 0x5A. */
static const uint8_t k_ping[RMCP_PING_BYTES] = { 0x06, 0x00, 0x00, 0x06, 0x00, 0x00,
                                                 0x11, 0xBE, 0x80, 0x5A, 0x00, 0x00 };
/* Release 11.8, provisioned, both ports. */
static const uint8_t k_pong[RMCP_PONG_BYTES] = { 0x06, 0x00, 0x07, 0x06, 0x00, 0x00, 0x11,
                                                 0xBE, 0x40, 0x5A, 0x00, 0x10, 0x00, 0x00,
                                                 0x01, 0x57, 0x42, 0x61, 0xB8, 0x06, 0x81,
                                                 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00 };

static void the_ping_of_a_scanner_is_read(void **state)
{
    (void)state;
    struct rmcp_message message;
    assert_int_equal(rmcp_decode(k_ping, sizeof k_ping, &message), AMT_OK);
    assert_int_equal(message.kind, RMCP_PING);
    assert_int_equal(message.sequence, 0);
    assert_int_equal(message.tag, 0x5A);
}

static void a_ping_is_written_as_the_scanner_writes_it(void **state)
{
    (void)state;
    const struct rmcp_message message = { .kind = RMCP_PING, .tag = 0x5A };
    uint8_t out[RMCP_PING_BYTES];
    assert_int_equal(rmcp_encode(&message, out, sizeof out), RMCP_PING_BYTES);
    assert_memory_equal(out, k_ping, sizeof out);
}

static void a_pong_tells_version_state_and_ports_at_the_documented_bytes(void **state)
{
    (void)state;
    struct rmcp_message message;
    assert_int_equal(rmcp_decode(k_pong, sizeof k_pong, &message), AMT_OK);
    assert_int_equal(message.kind, RMCP_PONG);
    assert_int_equal(message.sequence, 7);
    assert_int_equal(message.tag, 0x5A);
    assert_int_equal(message.presence.enterprise, RMCP_ENTERPRISE_INTEL);
    assert_int_equal(message.presence.open_port, 16993);
    assert_int_equal(message.presence.major, 11);
    assert_int_equal(message.presence.minor, 8);
    assert_int_equal(message.presence.provisioning, 2);
    assert_true(message.presence.has_both_ports);
    assert_true(message.presence.supports_ipmi);
    assert_int_equal(message.presence.asf_version, 1);
    assert_true(message.presence.is_dash);
}

static void a_pong_is_written_as_it_was_read(void **state)
{
    (void)state;
    struct rmcp_message message;
    uint8_t out[RMCP_PONG_BYTES];
    assert_int_equal(rmcp_decode(k_pong, sizeof k_pong, &message), AMT_OK);
    assert_int_equal(rmcp_encode(&message, out, sizeof out), RMCP_PONG_BYTES);
    assert_memory_equal(out, k_pong, sizeof out);
}

/* Each flag alone, so that no two of them are confused. */
static void each_field_of_a_pong_survives_a_round_trip_alone(void **state)
{
    (void)state;
    const struct rmcp_presence cases[] = {
        { .enterprise = 0x01020304 },
        { .open_port = 16992 },
        { .major = 15 },
        { .minor = 15 },
        { .provisioning = 3 },
        { .has_both_ports = true },
        { .asf_version = 15 },
        { .supports_ipmi = true },
        { .is_dash = true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct rmcp_message sent = { .kind = RMCP_PONG, .presence = cases[i] };
        struct rmcp_message got;
        uint8_t out[RMCP_PONG_BYTES];
        assert_int_equal(rmcp_encode(&sent, out, sizeof out), RMCP_PONG_BYTES);
        assert_int_equal(rmcp_decode(out, sizeof out, &got), AMT_OK);
        assert_int_equal(got.presence.enterprise, cases[i].enterprise);
        assert_int_equal(got.presence.open_port, cases[i].open_port);
        assert_int_equal(got.presence.major, cases[i].major);
        assert_int_equal(got.presence.minor, cases[i].minor);
        assert_int_equal(got.presence.provisioning, cases[i].provisioning);
        assert_int_equal(got.presence.has_both_ports, cases[i].has_both_ports);
        assert_int_equal(got.presence.asf_version, cases[i].asf_version);
        assert_int_equal(got.presence.supports_ipmi, cases[i].supports_ipmi);
        assert_int_equal(got.presence.is_dash, cases[i].is_dash);
    }
}

static void every_cut_of_a_message_is_malformed(void **state)
{
    (void)state;
    struct rmcp_message message;
    for (uint32_t len = 0; len < RMCP_PING_BYTES; len++) {
        assert_int_equal(rmcp_decode(k_ping, len, &message), AMT_EMALFORMED);
    }
    for (uint32_t len = 0; len < RMCP_PONG_BYTES; len++) {
        assert_int_equal(rmcp_decode(k_pong, len, &message), AMT_EMALFORMED);
    }
}

static void bytes_behind_a_message_are_ignored(void **state)
{
    (void)state;
    uint8_t padded[RMCP_PONG_BYTES + 5] = { 0 };
    struct rmcp_message message;
    memcpy(padded, k_pong, sizeof k_pong);
    assert_int_equal(rmcp_decode(padded, sizeof padded, &message), AMT_OK);
    assert_int_equal(message.presence.open_port, 16993);
}

static void another_version_class_enterprise_or_type_is_unknown(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        uint8_t value;
    } k_changes[] = {
        { 0, 0x05 }, { 3, 0x07 }, { 3, 0x86 }, { 5, 0x01 }, { 7, 0xBF }, { 8, 0x81 }
    };
    for (size_t i = 0; i < sizeof k_changes / sizeof k_changes[0]; i++) {
        uint8_t in[RMCP_PING_BYTES];
        struct rmcp_message message;
        memcpy(in, k_ping, sizeof in);
        in[k_changes[i].at] = k_changes[i].value;
        assert_int_equal(rmcp_decode(in, sizeof in, &message), AMT_EUNKNOWN);
    }
}

static void a_length_that_contradicts_the_type_is_malformed(void **state)
{
    (void)state;
    uint8_t in[RMCP_PONG_BYTES];
    struct rmcp_message message;
    memcpy(in, k_pong, sizeof in);
    in[11] = 15;
    assert_int_equal(rmcp_decode(in, sizeof in, &message), AMT_EMALFORMED);
    memcpy(in, k_ping, sizeof k_ping);
    in[11] = 16;
    assert_int_equal(rmcp_decode(in, sizeof in, &message), AMT_EMALFORMED);
}

static void a_small_buffer_is_not_overrun_and_the_need_is_told(void **state)
{
    (void)state;
    const struct rmcp_message message = { .kind = RMCP_PONG };
    uint8_t out[8];
    memset(out, 0xEE, sizeof out);
    assert_int_equal(rmcp_encode(&message, out, 7), RMCP_PONG_BYTES);
    assert_int_equal(out[7], 0xEE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ping_of_a_scanner_is_read),
        cmocka_unit_test(a_ping_is_written_as_the_scanner_writes_it),
        cmocka_unit_test(a_pong_tells_version_state_and_ports_at_the_documented_bytes),
        cmocka_unit_test(a_pong_is_written_as_it_was_read),
        cmocka_unit_test(each_field_of_a_pong_survives_a_round_trip_alone),
        cmocka_unit_test(every_cut_of_a_message_is_malformed),
        cmocka_unit_test(bytes_behind_a_message_are_ignored),
        cmocka_unit_test(another_version_class_enterprise_or_type_is_unknown),
        cmocka_unit_test(a_length_that_contradicts_the_type_is_malformed),
        cmocka_unit_test(a_small_buffer_is_not_overrun_and_the_need_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
