/* Little-endian words: the same bytes both ways, and the bounds of cursor and writer. */
#include "base/little.h"
#include "base/unit.h"

static void words_are_read_with_the_least_significant_byte_first(void **state)
{
    (void)state;
    static const uint8_t k_in[] = { 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89 };
    struct cursor c = { .base = k_in, .len = sizeof k_in };
    uint16_t small = 0;
    uint32_t large = 0;
    assert_int_equal(cursor_le16(&c, &small), AMT_OK);
    assert_int_equal(cursor_le32(&c, &large), AMT_OK);
    assert_int_equal(small, 0x1234);
    assert_int_equal(large, 0x89abcdef);
}

static void words_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const uint8_t k_expected[] = { 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89 };
    uint8_t out[6] = { 0 };
    struct writer w = { .base = out, .cap = sizeof out };
    writer_le16(&w, 0x1234);
    writer_le32(&w, 0x89abcdef);
    assert_false(w.failed);
    assert_memory_equal(out, k_expected, sizeof out);
}

static void a_word_that_is_not_there_needs_more_and_leaves_the_value(void **state)
{
    (void)state;
    static const uint8_t k_in[] = { 1, 2, 3 };
    struct cursor c = { .base = k_in, .len = 1 };
    uint16_t small = 7;
    uint32_t large = 7;
    assert_int_equal(cursor_le16(&c, &small), AMT_NEED_MORE);
    assert_int_equal(c.need, 2);
    c.len = 3;
    assert_int_equal(cursor_le32(&c, &large), AMT_NEED_MORE);
    assert_int_equal(c.need, 4);
    assert_int_equal(small, 7);
    assert_int_equal(large, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read_with_the_least_significant_byte_first),
        cmocka_unit_test(words_are_written_as_they_are_read),
        cmocka_unit_test(a_word_that_is_not_there_needs_more_and_leaves_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
