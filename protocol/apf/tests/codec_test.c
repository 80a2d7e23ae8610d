/* The edges of the codec that no vector can hold: limits of the library itself, guards, names. */
#include <string.h>

#include "base/unit.h"
#include "protocol/apf/codec.h"

static const struct apf_context k_from_device = { .direction = APF_DEV_TO_MPS };

static enum apf_verdict decode(const uint8_t *in, uint32_t len, uint32_t *count)
{
    struct apf_message message;
    return apf_decode(in, len, &k_from_device, &message, count);
}

/* APF-COM-003: no byte is looked at when more is offered than a buffer may hold. */
static void a_buffer_above_the_limit_is_refused_unread(void **state)
{
    (void)state;
    uint32_t count = 7;
    assert_int_equal(decode(NULL, CURSOR_MAX_BYTES + 1, &count), APF_ELENGTH_LIMIT);
    assert_int_equal(count, 0);
}

static void nothing_needs_one_byte(void **state)
{
    (void)state;
    uint32_t count = 0;
    assert_int_equal(decode(NULL, 0, &count), APF_NEED_MORE);
    assert_int_equal(count, 1);
}

static void a_field_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    static const uint8_t k_bytes[] = { 1, 2, 3, 0 };
    struct cursor cursor = { k_bytes, sizeof k_bytes, 1, 0 };
    uint8_t out[4] = { 0 };
    bool are_zero = true;
    struct view view = { 0, 0 };
    assert_int_equal(cursor_copy(&cursor, out, 4), AMT_NEED_MORE);
    assert_int_equal(cursor.need, 5);
    assert_int_equal(cursor_zeros(&cursor, 9, &are_zero), AMT_NEED_MORE);
    assert_int_equal(cursor.need, 10);
    assert_int_equal(cursor_take(&cursor, CURSOR_MAX_BYTES + 1, &view), AMT_ETOOBIG);
    assert_int_equal(cursor_take(&cursor, 4, &view), AMT_NEED_MORE);
    assert_int_equal(cursor.pos, 1);
    assert_int_equal(cursor_copy(&cursor, out, 2), AMT_OK);
    assert_memory_equal(out, "\2\3\0\0", 4);
    assert_int_equal(cursor_zeros(&cursor, 1, &are_zero), AMT_OK);
    assert_true(are_zero);
    cursor.pos = 0;
    assert_int_equal(cursor_zeros(&cursor, 4, &are_zero), AMT_OK);
    assert_false(are_zero);
}

static void a_literal_is_compared_with_what_was_just_read(void **state)
{
    (void)state;
    static const uint8_t k_bytes[] = "pass";
    struct view view = { 0, 4 };
    struct cursor cursor = { k_bytes, 4, 4, 0 };
    assert_true(cursor_just_read(&cursor, &view, "pass", 4));
    assert_false(cursor_just_read(&cursor, &view, "past", 4));
    assert_false(cursor_just_read(&cursor, &view, "passw", 5));
    cursor.pos = 3; /* less was read than the view says */
    assert_false(cursor_just_read(&cursor, &view, "pass", 4));
    cursor.pos = 5; /* a position behind the end */
    assert_false(cursor_just_read(&cursor, &view, "pass", 4));
}

static const uint8_t k_source[APF_DATA_MAX_BYTES + 1];

/* APF-COM-004: what the other end would refuse is not sent. */
static void what_cannot_be_encoded_gives_nothing(void **state)
{
    (void)state;
    uint8_t out[64];
    struct apf_message m = { .type = 0 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m.type = APF_CHANNEL_DATA;
    assert_int_equal(apf_encode(&m, k_source, false, out, CURSOR_MAX_BYTES + 1), 0);
    m.data = (struct view){ 0, APF_DATA_MAX_BYTES + 1 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m.data = (struct view){ CURSOR_MAX_BYTES + 1, 0 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m = (struct apf_message){ .type = APF_GLOBAL_REQUEST, .request = APF_REQUEST_NONE };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m = (struct apf_message){ .type = APF_REQUEST_SUCCESS, .request = APF_REQUEST_NONE };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
}

/* The length is exact whatever the room, so that a caller can ask for it first. */
static void a_small_buffer_gives_the_length_and_no_byte_too_many(void **state)
{
    (void)state;
    struct apf_message m = { .type = APF_PROTOCOLVERSION, .major = 1, .trigger = 2 };
    memset(m.uuid, 0x5a, sizeof m.uuid);
    uint8_t whole[93];
    assert_int_equal(apf_encode(&m, NULL, false, whole, sizeof whole), sizeof whole);
    for (uint32_t cap = 0; cap < sizeof whole; cap++) {
        uint8_t out[93 + 1];
        memset(out, 0xee, sizeof out);
        assert_int_equal(apf_encode(&m, NULL, false, out, cap), sizeof whole);
        for (uint32_t i = cap; i < sizeof out; i++) {
            assert_int_equal(out[i], 0xee);
        }
    }
}

/* APF-COM-010: reserved words as they are only when asked for. */
static void reserved_words_are_proper_or_raw(void **state)
{
    (void)state;
    struct apf_message m = { .type = APF_DISCONNECT, .reason = 11, .reserved = 0x1234 };
    uint8_t out[7];
    assert_int_equal(apf_encode(&m, NULL, false, out, sizeof out), sizeof out);
    assert_memory_equal(out, "\x01\0\0\0\x0b\0\0", 7);
    assert_int_equal(apf_encode(&m, NULL, true, out, sizeof out), sizeof out);
    assert_memory_equal(out, "\x01\0\0\0\x0b\x12\x34", 7);
    m = (struct apf_message){ .type = APF_CHANNEL_OPEN_FAILURE, .reserved = 1, .reserved2 = 2 };
    uint8_t failure[17];
    assert_int_equal(apf_encode(&m, NULL, true, failure, sizeof failure), sizeof failure);
    assert_int_equal(failure[12], 1);
    assert_int_equal(failure[16], 2);
    assert_int_equal(apf_encode(&m, NULL, false, failure, sizeof failure), sizeof failure);
    assert_int_equal(failure[12] | failure[16], 0);
}

static void names_are_found_both_ways(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 256; type++) {
        const char *name = apf_type_name((uint8_t)type);
        assert_true(name == NULL || apf_type_find(name) == type);
    }
    assert_int_equal(apf_type_find("window_adjust"), APF_CHANNEL_WINDOW_ADJUST);
    assert_int_equal(apf_type_find("CHANNEL_EOF"), 0);
    assert_string_equal(apf_verdict_name(APF_EUNEXPECTED), "unexpected");
    assert_string_equal(apf_verdict_name(APF_VERDICT_COUNT_), "unknown-verdict");
    assert_string_equal(apf_verdict_requirement(APF_EDIRECTION), "APF-COM-007");
    assert_null(apf_verdict_requirement(APF_VERDICT_COUNT_));
    assert_string_equal(apf_disconnect_name(11), "BY_APPLICATION");
    assert_null(apf_disconnect_name(0));
    assert_null(apf_disconnect_name(4711));
    assert_string_equal(apf_open_failure_name(4), "RESOURCE_SHORTAGE");
    assert_null(apf_open_failure_name(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_above_the_limit_is_refused_unread),
        cmocka_unit_test(nothing_needs_one_byte),
        cmocka_unit_test(a_field_is_taken_whole_or_not_at_all),
        cmocka_unit_test(a_literal_is_compared_with_what_was_just_read),
        cmocka_unit_test(what_cannot_be_encoded_gives_nothing),
        cmocka_unit_test(a_small_buffer_gives_the_length_and_no_byte_too_many),
        cmocka_unit_test(reserved_words_are_proper_or_raw),
        cmocka_unit_test(names_are_found_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
