/* Writing wire bytes: order, exact room, and the size that would have been needed. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/unit.h"

/* Every kind of field once: 1 + 2 + 4 + 3 + 2 + (4 + 2) bytes. */
#define ALL_BYTES 18u

static void write_all(struct writer *w)
{
    writer_u8(w, 0xfe);
    writer_u16(w, 0x1234);
    writer_u32(w, 0x89abcdef);
    writer_zero(w, 3);
    writer_bytes(w, (const uint8_t *)"ab", 2);
    writer_counted(w, (const uint8_t *)"xy", 2);
}

static void fields_follow_each_other_big_endian(void **state)
{
    (void)state;
    uint8_t out[ALL_BYTES];
    memset(out, 0x77, sizeof out);
    struct writer writer = { out, sizeof out, 0, false };
    write_all(&writer);
    assert_false(writer.failed);
    assert_int_equal(writer.pos, ALL_BYTES);
    assert_memory_equal(out, "\xfe\x12\x34\x89\xab\xcd\xef\0\0\0ab\0\0\0\2xy", ALL_BYTES);
}

/* The block ends at cap, so that one byte too many is a fault under ASan. */
static void too_little_room_fails_and_still_counts(void **state)
{
    (void)state;
    for (uint32_t cap = 0; cap < ALL_BYTES; cap++) {
        uint8_t *out = malloc(cap == 0 ? 1 : cap);
        assert_non_null(out);
        struct writer writer = { out, cap, 0, false };
        write_all(&writer);
        assert_true(writer.failed);
        assert_int_equal(writer.pos, ALL_BYTES);
        free(out);
    }
}

static void a_failure_is_not_forgotten(void **state)
{
    (void)state;
    uint8_t out[2] = { 0 };
    struct writer writer = { out, sizeof out, 0, false };
    writer_u32(&writer, 1);
    assert_true(writer.failed);
    writer_bytes(&writer, NULL, 0);
    writer_u8(&writer, 0xff);
    assert_true(writer.failed);
    assert_memory_equal(out, "\0\0", 2);
}

static void the_count_saturates_instead_of_wrapping(void **state)
{
    (void)state;
    uint8_t out[1] = { 0 };
    struct writer writer = { out, 0, 0, false };
    writer_zero(&writer, UINT32_MAX);
    assert_true(writer.failed);
    assert_int_equal(writer.pos, CURSOR_MAX_BYTES);
    writer_bytes(&writer, out, CURSOR_MAX_BYTES);
    writer_u32(&writer, 0);
    assert_int_equal(writer.pos, CURSOR_MAX_BYTES);
}

static void the_largest_size_is_not_mistaken_for_a_fit(void **state)
{
    (void)state;
    uint8_t out[1] = { 0x5a };
    /* Never touched: the position stands at the end of the room already. */
    struct writer writer = { out, CURSOR_MAX_BYTES, CURSOR_MAX_BYTES, false };
    writer_u8(&writer, 1);
    assert_true(writer.failed);
    assert_int_equal(writer.pos, CURSOR_MAX_BYTES);
    assert_int_equal(out[0], 0x5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_follow_each_other_big_endian),
        cmocka_unit_test(too_little_room_fails_and_still_counts),
        cmocka_unit_test(a_failure_is_not_forgotten),
        cmocka_unit_test(the_count_saturates_instead_of_wrapping),
        cmocka_unit_test(the_largest_size_is_not_mistaken_for_a_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
