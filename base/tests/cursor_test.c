/* Reading wire bytes: order, exact ends, and that nothing is taken by halves (fuzzing.md 9.3). */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/unit.h"

/* A cursor on a block of exactly len bytes, so that one byte more is a fault under ASan. */
static struct cursor exact(const char *bytes, uint32_t len)
{
    uint8_t *block = malloc(len == 0 ? 1 : len);
    assert_non_null(block);
    memcpy(block, bytes, len);
    struct cursor cursor = { block, len, 0, 0 };
    return cursor;
}

static void release(const struct cursor *cursor)
{
    free((void *)(uintptr_t)cursor->base);
}

static void numbers_are_big_endian(void **state)
{
    (void)state;
    struct cursor cursor = exact("\xfe\x12\x34\x89\xab\xcd\xef", 7);
    uint8_t byte = 0;
    uint16_t half = 0;
    uint32_t word = 0;
    assert_int_equal(cursor_u8(&cursor, &byte), AMT_OK);
    assert_int_equal(cursor_u16(&cursor, &half), AMT_OK);
    assert_int_equal(cursor_u32(&cursor, &word), AMT_OK);
    assert_int_equal(byte, 0xfe);
    assert_int_equal(half, 0x1234);
    assert_int_equal(word, 0x89abcdef);
    assert_int_equal(cursor.pos, 7);
    release(&cursor);
}

/* APF-COM-002: need is what a read has to wait for, and the position stays for another try. */
static void a_number_cut_short_tells_its_end_and_moves_nothing(void **state)
{
    (void)state;
    for (uint32_t len = 0; len < 4; len++) {
        struct cursor cursor = exact("\1\2\3\4", len);
        uint8_t byte = 0xaa;
        uint16_t half = 0xaaaa;
        uint32_t word = 0xaaaaaaaa;
        assert_int_equal(cursor_u32(&cursor, &word), AMT_NEED_MORE);
        assert_int_equal(cursor.need, 4);
        assert_int_equal(word, 0xaaaaaaaa);
        cursor.pos = len;
        assert_int_equal(cursor_u16(&cursor, &half), AMT_NEED_MORE);
        assert_int_equal(cursor.need, len + 2);
        assert_int_equal(half, 0xaaaa);
        assert_int_equal(cursor_u8(&cursor, &byte), AMT_NEED_MORE);
        assert_int_equal(cursor.need, len + 1);
        assert_int_equal(byte, 0xaa);
        assert_int_equal(cursor.pos, len);
        release(&cursor);
    }
}

static void a_counted_field_is_a_view_of_its_bytes(void **state)
{
    (void)state;
    struct cursor cursor = exact("\0\0\0\3abc\0\0\0\0", 11);
    struct view view = { 9, 9 };
    assert_int_equal(cursor_counted(&cursor, 3, &view), AMT_OK);
    assert_int_equal(view.off, 4);
    assert_int_equal(view.len, 3);
    assert_int_equal(cursor_counted(&cursor, 3, &view), AMT_OK);
    assert_int_equal(view.off, 11);
    assert_int_equal(view.len, 0);
    release(&cursor);
}

static void a_counted_field_waits_for_its_length_then_for_its_bytes(void **state)
{
    (void)state;
    for (uint32_t len = 0; len < 7; len++) {
        struct cursor cursor = exact("\0\0\0\3abc", len);
        struct view view = { 0, 0 };
        assert_int_equal(cursor_counted(&cursor, 3, &view), AMT_NEED_MORE);
        assert_int_equal(cursor.need, len < 4 ? 4 : 7);
        release(&cursor);
    }
}

/* APF-COM-004: a length above the limit is known before the bytes; it is never waited for. */
static void a_length_above_the_limit_is_refused_before_its_bytes(void **state)
{
    (void)state;
    static const char *const k_lengths[] = { "\0\0\0\4", "\x3f\xff\xff\xff", "\x80\0\0\0",
                                             "\xff\xff\xff\xf7", "\xff\xff\xff\xff" };
    for (uint32_t i = 0; i < sizeof k_lengths / sizeof k_lengths[0]; i++) {
        struct cursor cursor = exact(k_lengths[i], 4);
        struct view view = { 0, 0 };
        assert_int_equal(cursor_counted(&cursor, 3, &view), AMT_ETOOBIG);
        release(&cursor);
    }
}

/* Even where the caller's limit is none, the sum of position and length cannot wrap. */
static void a_length_above_every_buffer_cannot_wrap(void **state)
{
    (void)state;
    struct cursor cursor = exact("\xff\xff\xff\xff", 4);
    struct view view = { 0, 0 };
    assert_int_equal(cursor_counted(&cursor, UINT32_MAX, &view), AMT_ETOOBIG);
    cursor.pos = 0;
    assert_int_equal(cursor_take(&cursor, CURSOR_MAX_BYTES + 1, &view), AMT_ETOOBIG);
    assert_int_equal(cursor_take(&cursor, CURSOR_MAX_BYTES, &view), AMT_NEED_MORE);
    assert_int_equal(cursor.need, CURSOR_MAX_BYTES);
    release(&cursor);
}

static void fixed_fields_are_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    struct cursor cursor = exact("\1\2\3\0\0", 5);
    uint8_t out[8] = { 0 };
    bool are_zero = true;
    assert_int_equal(cursor_copy(&cursor, out, 6), AMT_NEED_MORE);
    assert_int_equal(cursor.need, 6);
    assert_int_equal(cursor_zeros(&cursor, 64, &are_zero), AMT_NEED_MORE);
    assert_int_equal(cursor.need, 64);
    assert_memory_equal(out, "\0\0\0\0\0\0", 6);
    assert_int_equal(cursor_copy(&cursor, out, 2), AMT_OK);
    assert_memory_equal(out, "\1\2\0", 3);
    assert_int_equal(cursor_zeros(&cursor, 2, &are_zero), AMT_OK);
    assert_false(are_zero);
    assert_int_equal(cursor_zeros(&cursor, 1, &are_zero), AMT_OK);
    assert_true(are_zero);
    assert_int_equal(cursor.pos, 5);
    release(&cursor);
}

static void a_literal_equals_only_the_bytes_just_read(void **state)
{
    (void)state;
    struct cursor cursor = exact("\0\0\0\4none", 8);
    struct view view = { 0, 0 };
    assert_int_equal(cursor_counted(&cursor, 8, &view), AMT_OK);
    assert_true(cursor_just_read(&cursor, &view, "none", 4));
    assert_false(cursor_just_read(&cursor, &view, "None", 4));
    assert_false(cursor_just_read(&cursor, &view, "nonf", 4));
    assert_false(cursor_just_read(&cursor, &view, "non", 3));
    assert_false(cursor_just_read(&cursor, &view, "none ", 5));
    cursor.pos = 3; /* it stands alone: a position that does not fit the view is no match */
    assert_false(cursor_just_read(&cursor, &view, "none", 4));
    cursor.pos = 9;
    assert_false(cursor_just_read(&cursor, &view, "none", 4));
    release(&cursor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_big_endian),
        cmocka_unit_test(a_number_cut_short_tells_its_end_and_moves_nothing),
        cmocka_unit_test(a_counted_field_is_a_view_of_its_bytes),
        cmocka_unit_test(a_counted_field_waits_for_its_length_then_for_its_bytes),
        cmocka_unit_test(a_length_above_the_limit_is_refused_before_its_bytes),
        cmocka_unit_test(a_length_above_every_buffer_cannot_wrap),
        cmocka_unit_test(fixed_fields_are_taken_whole_or_not_at_all),
        cmocka_unit_test(a_literal_equals_only_the_bytes_just_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
