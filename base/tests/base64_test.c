/* WSM-057: one text for each value of bytes, and nothing else is read. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_vectors(void **state)
{
    static const struct {
        const char *bytes, *text;
    } k_vectors[] = { { "", "" },
                      { "f", "Zg==" },
                      { "fo", "Zm8=" },
                      { "foo", "Zm9v" },
                      { "foob", "Zm9vYg==" },
                      { "fooba", "Zm9vYmE=" },
                      { "foobar", "Zm9vYmFy" },
                      { "\xff\xfe\xfd", "//79" } };
    (void)state;
    for (size_t i = 0; i < sizeof k_vectors / sizeof k_vectors[0]; i++) {
        struct text text = { 0 };
        uint8_t out[16];
        size_t len = 0;
        base64_encode(&text, k_vectors[i].bytes, strlen(k_vectors[i].bytes));
        assert_string_equal(text_chars(&text), k_vectors[i].text);
        assert_int_equal(base64_decode(k_vectors[i].text, strlen(k_vectors[i].text), out, &len),
                         AMT_OK);
        assert_int_equal(len, strlen(k_vectors[i].bytes));
        assert_memory_equal(out, k_vectors[i].bytes, len);
        text_fini(&text);
    }
}

static void test_what_is_refused(void **state)
{
    static const char *const k_wrong[] = { "Zg",   "Zg=",      "Zg===", "Z===",   "====", "Zh==",
                                           "Zm9=", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-v", "Zm_v" };
    uint8_t out[64];
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        assert_int_equal(base64_decode(k_wrong[i], strlen(k_wrong[i]), out, &len), AMT_EMALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors),
                                        cmocka_unit_test(test_what_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
