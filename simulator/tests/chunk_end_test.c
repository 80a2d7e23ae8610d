#include "simulator/chunk_end.h"

#include <string.h>

#include "base/unit.h"

/* Two messages, cut there: was one of them the end of a split last chunk? */
static bool feed(const char *text, uint32_t cut)
{
    struct chunk_end end = { 0 };
    const uint8_t *bytes = (const uint8_t *)text;
    uint32_t len = (uint32_t)strlen(text);
    bool first = chunk_end_is_split(&end, bytes, cut);
    return chunk_end_is_split(&end, bytes + cut, len - cut) || first;
}

/* APF-DEV-035 */
static void only_cuts_inside_the_last_chunk_count(void **state)
{
    static const char k_text[] = "1\r\na\r\n0\r\n\r\n"; /* the last chunk begins at 6, ends at 11 */
    (void)state;
    for (uint32_t cut = 0; cut <= sizeof k_text - 1; cut++) {
        assert_int_equal(feed(k_text, cut), cut > 6 && cut < 11);
    }
}

/* APF-DEV-035 */
static void what_only_looks_like_it_is_not_the_end(void **state)
{
    static const char *const k_others[] = { "10\r\n0123456789abcdef\r\n", "\r\n00\r\n\r\n",
                                            "x0\r\n\r\n", "\r\n0\r\nTrailer: x\r\n\r\n" };
    (void)state;
    for (uint32_t i = 0; i < sizeof k_others / sizeof k_others[0]; i++) {
        for (uint32_t cut = 0; cut <= strlen(k_others[i]); cut++) {
            assert_false(feed(k_others[i], cut));
        }
    }
}

/* APF-DEV-035: a false start may hold the beginning of the true one */
static void a_beginning_within_a_beginning_is_found(void **state)
{
    (void)state;
    assert_true(feed("\r\r\n0\r\n\r\n", 7));
    assert_true(feed("\r\n\r\n0\r\n\r\n", 8));
    assert_true(feed("\r\n0\r\n0\r\n\r\n", 9));
    assert_true(feed("\r\n0\r\n\r\n0\r\n\r\n", 10)); /* the second of two in a row */
}

/* APF-DEV-035 */
static void one_byte_per_message_is_split_too(void **state)
{
    static const char k_text[] = "a\r\n0\r\n\r\n";
    struct chunk_end end = { 0 };
    uint32_t splits = 0;
    (void)state;
    for (uint32_t i = 0; i < sizeof k_text - 1; i++) {
        splits += chunk_end_is_split(&end, (const uint8_t *)k_text + i, 1) ? 1 : 0;
    }
    assert_int_equal(splits, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_cuts_inside_the_last_chunk_count),
        cmocka_unit_test(what_only_looks_like_it_is_not_the_end),
        cmocka_unit_test(a_beginning_within_a_beginning_is_found),
        cmocka_unit_test(one_byte_per_message_is_split_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
