#include "scenarios/engine/apf_value.h"

#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/apf_flow.h"

static void put(struct arena *pool, struct value *map, const char *key, const char *text)
{
    value_put(pool, map, key, value_from_scalar(pool, text, false));
}

static void a_message_has_sensible_defaults(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    uint32_t len = 0;
    struct value *map = value_map(&pool);
    put(&pool, map, "type", "channel_open");
    put(&pool, map, "port", "16992");
    put(&pool, map, "sender_channel", "4");
    const uint8_t *bytes = apf_value_encode(&pool, map, &len, NULL);
    struct apf_context context = { .direction = APF_MPS_TO_DEV };
    struct apf_message message;
    uint32_t count = 0;
    assert_non_null(bytes);
    assert_int_equal(apf_decode(bytes, len, &context, &message, &count), APF_OK);
    assert_int_equal(count, len);
    struct value *fields = apf_value_fields(&pool, &message, bytes);
    assert_string_equal(value_get(fields, "channel_type")->text, "forwarded-tcpip");
    assert_int_equal(value_get(fields, "port")->number, 16992);
    assert_int_equal(value_get(fields, "reserved")->number, 0xffffffff);
    arena_fini(&pool);
}

static void a_length_can_lie(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    uint32_t len = 0;
    struct value *map = value_map(&pool), *override = value_map(&pool);
    put(&pool, map, "type", "service_request");
    put(&pool, override, "length", "0x01020304");
    value_put(&pool, map, "override", override);
    const uint8_t *bytes = apf_value_encode(&pool, map, &len, NULL);
    static const uint8_t k_head[] = { 5, 1, 2, 3, 4 };
    assert_non_null(bytes);
    assert_memory_equal(bytes, k_head, sizeof k_head);
    arena_fini(&pool);
}

static void wrong_fields_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const k_rows[][3] = {
        { "channel_close", "colour", "1" },
        { "channel_close", "recipient_channel", "-1" },
        { "channel_close", "recipient_channel", "4294967296" },
        { "protocol_version", "uuid", "abc" },
        { "nonsense", "x", "1" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct arena pool = { 0 };
        struct amt_diag diag = { 0 };
        uint32_t len = 0;
        struct value *map = value_map(&pool);
        put(&pool, map, "type", k_rows[i][0]);
        put(&pool, map, k_rows[i][1], k_rows[i][2]);
        assert_null(apf_value_encode(&pool, map, &len, &diag));
        assert_int_equal(diag.err, AMT_ECONFIG);
        assert_true(strlen(diag.text) > 0);
        arena_fini(&pool);
    }
}

static void a_password_is_a_secret_field(void **state)
{
    (void)state;
    struct arena pool = { 0 };
    uint32_t len = 0, count = 0;
    struct value *map = value_map(&pool);
    put(&pool, map, "type", "userauth_request");
    put(&pool, map, "user", "ABCDEFGHIJKLMNOP");
    put(&pool, map, "password", "P@ssw0rd");
    const uint8_t *bytes = apf_value_encode(&pool, map, &len, NULL);
    struct apf_context context = { .direction = APF_DEV_TO_MPS };
    struct apf_message message;
    assert_int_equal(apf_decode(bytes, len, &context, &message, &count), APF_OK);
    struct value *fields = apf_value_fields(&pool, &message, bytes);
    assert_string_equal(value_get(fields, "method")->text, "password");
    assert_null(strstr(value_show(&pool, fields), "P@ssw0rd"));
    arena_fini(&pool);
}

struct seen {
    uint32_t messages, malformed, types[8];
};

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    struct seen *seen = ctx;
    (void)direction;
    (void)bytes;
    (void)len;
    (void)why;
    if (message == NULL) {
        seen->malformed++;
    } else if (seen->messages < 8) {
        seen->types[seen->messages++] = message->type;
    }
}

static void a_flow_follows_requests_in_any_cutting(void **state)
{
    (void)state;
    static const uint8_t k_request[] = "\x50\0\0\0\x0dtcpip-forward\x01\0\0\0\0\0\0\x42\x60";
    static const uint8_t k_success[] = { 81, 0, 0, 0x42, 0x60, 209, 0, 0, 0, 1 };
    for (uint32_t cut = 1; cut < sizeof k_success; cut++) {
        struct apf_flow flow = { .is_lost = { false } };
        struct seen seen = { 0 };
        apf_flow_input(&flow, APF_DEV_TO_MPS, k_request, sizeof k_request - 1, on_message, &seen);
        apf_flow_input(&flow, APF_MPS_TO_DEV, k_success, cut, on_message, &seen);
        apf_flow_input(&flow, APF_MPS_TO_DEV, k_success + cut, (uint32_t)sizeof k_success - cut,
                       on_message, &seen);
        assert_int_equal(seen.messages, 3);
        assert_int_equal(seen.types[1], APF_REQUEST_SUCCESS);
        assert_int_equal(seen.types[2], APF_KEEPALIVE_REPLY);
        assert_int_equal(seen.malformed, 0);
        apf_flow_fini(&flow);
    }
}

static void after_garbage_a_direction_is_lost_and_the_other_is_not(void **state)
{
    (void)state;
    static const uint8_t k_garbage[] = { 34, 0 }, k_keepalive[] = { 208, 0, 0, 0, 1 };
    struct apf_flow flow = { .is_lost = { false } };
    struct seen seen = { 0 };
    apf_flow_input(&flow, APF_DEV_TO_MPS, k_garbage, 2, on_message, &seen);
    apf_flow_input(&flow, APF_DEV_TO_MPS, k_keepalive, 5, on_message, &seen);
    apf_flow_input(&flow, APF_MPS_TO_DEV, k_keepalive, 5, on_message, &seen);
    assert_int_equal(seen.malformed, 2);
    assert_int_equal(seen.messages, 1);
    apf_flow_fini(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_has_sensible_defaults),
        cmocka_unit_test(a_length_can_lie),
        cmocka_unit_test(wrong_fields_are_refused_by_name),
        cmocka_unit_test(a_password_is_a_secret_field),
        cmocka_unit_test(a_flow_follows_requests_in_any_cutting),
        cmocka_unit_test(after_garbage_a_direction_is_lost_and_the_other_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
