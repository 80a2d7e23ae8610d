#include "base/arena.h"

#include <stdalign.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    static const size_t k_sizes[] = { 0, 1, 7, 16, 300, 5000, 3, 40000, 1, 16384 };
    unsigned char *pieces[sizeof k_sizes / sizeof k_sizes[0]];
    for (size_t i = 0; i < sizeof k_sizes / sizeof k_sizes[0]; i++) {
        pieces[i] = arena_alloc(&arena, k_sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < k_sizes[i]; at++) {
            assert_int_equal(pieces[i][at], 0);
        }
        memset(pieces[i], (int)i + 1, k_sizes[i]);
    }
    for (size_t i = 0; i < sizeof k_sizes / sizeof k_sizes[0]; i++) {
        for (size_t at = 0; at < k_sizes[i]; at++) {
            assert_int_equal(pieces[i][at], i + 1);
        }
    }
    arena_fini(&arena);
}

static void a_text_is_copied_with_a_terminating_zero(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    assert_string_equal(arena_text(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_text(&arena, NULL, 0), "");
    arena_fini(&arena);
}

static void without_memory_the_answer_is_null_and_what_there_is_stays(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    char *kept = arena_text(&arena, "kept", 4);
    amt_memory_fail_after(1);
    assert_null(arena_alloc(&arena, 100000));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    amt_memory_fail_after(0);
    assert_string_equal(kept, "kept");
    assert_non_null(arena_alloc(&arena, 8));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_text_is_copied_with_a_terminating_zero),
        cmocka_unit_test(without_memory_the_answer_is_null_and_what_there_is_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
