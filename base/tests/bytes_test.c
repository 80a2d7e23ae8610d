#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/unit.h"

static void a_queue_gives_back_what_it_was_given(void **state)
{
    (void)state;
    struct bytes b = { .max = 100000 };
    struct amt_random random;
    amt_random_seed(&random, 1, "bytes");
    uint8_t next_in = 0;
    uint8_t next_out = 0;
    for (int round = 0; round < 5000; round++) {
        uint8_t block[64];
        uint32_t len = (uint32_t)amt_random_below(&random, sizeof block);
        for (uint32_t i = 0; i < len; i++) {
            block[i] = next_in++;
        }
        assert_int_equal(bytes_append(&b, block, len), AMT_OK);
        uint32_t take = (uint32_t)amt_random_below(&random, b.len + 1);
        for (uint32_t i = 0; i < take; i++) {
            assert_int_equal(bytes_front(&b)[i], next_out++);
        }
        bytes_consume(&b, take);
    }
    bytes_fini(&b);
}

static void an_empty_queue_holds_no_memory(void **state)
{
    (void)state;
    struct bytes b = { 0 };
    assert_int_equal(bytes_append(&b, "abc", 3), AMT_OK);
    bytes_consume(&b, 3);
    assert_null(b.block);
    assert_null(bytes_front(&b));
}

static void no_room_is_room_too(void **state)
{
    (void)state;
    struct bytes b = { .max = 10 };
    assert_non_null(bytes_reserve(&b, 0));
    bytes_grown(&b, 0);
    assert_int_equal(b.len, 0);
    bytes_fini(&b);
}

static void the_maximum_is_kept_and_nothing_is_half_appended(void **state)
{
    (void)state;
    struct bytes b = { .max = 4 };
    assert_int_equal(bytes_append(&b, "abc", 3), AMT_OK);
    assert_int_equal(bytes_append(&b, "de", 2), AMT_ELIMIT);
    assert_int_equal(b.len, 3);
    amt_memory_fail_after(1);
    struct bytes c = { 0 };
    assert_int_equal(bytes_append(&c, "x", 1), AMT_ENOMEM);
    amt_memory_fail_after(0);
    bytes_fini(&b);
}

static void secrets_compare_by_content_and_length(void **state)
{
    (void)state;
    struct secret secret = { 0 };
    assert_int_equal(secret_set(&secret, "P@ssw0rd", 8), AMT_OK);
    assert_true(secret_equal(&secret, (const uint8_t *)"P@ssw0rd", 8));
    assert_false(secret_equal(&secret, (const uint8_t *)"P@ssw0re", 8));
    assert_false(secret_equal(&secret, (const uint8_t *)"P@ssw0r", 7));
    assert_false(secret_equal(&secret, (const uint8_t *)"P@ssw0rd\0", 9));
    secret_fini(&secret);
    assert_int_equal(secret.bytes[0], 0);
    static const uint8_t k_long[SECRET_MAX_BYTES + 1] = { 0 };
    assert_int_equal(secret_set(&secret, k_long, sizeof k_long), AMT_ETOOBIG);
    assert_int_equal(secret.len, 0);
}

static void one_seed_and_purpose_give_one_sequence(void **state)
{
    (void)state;
    struct amt_random a;
    struct amt_random b;
    struct amt_random c;
    amt_random_seed(&a, 7, "uuid");
    amt_random_seed(&b, 7, "uuid");
    amt_random_seed(&c, 7, "nonce");
    uint64_t first = amt_random_u64(&a);
    assert_true(first == amt_random_u64(&b));
    assert_true(first != amt_random_u64(&c));
    for (int i = 0; i < 1000; i++) {
        assert_true(amt_random_below(&a, 10) < 10);
    }
    assert_true(amt_random_below(&a, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_gives_back_what_it_was_given),
        cmocka_unit_test(an_empty_queue_holds_no_memory),
        cmocka_unit_test(no_room_is_room_too),
        cmocka_unit_test(the_maximum_is_kept_and_nothing_is_half_appended),
        cmocka_unit_test(secrets_compare_by_content_and_length),
        cmocka_unit_test(one_seed_and_purpose_give_one_sequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
