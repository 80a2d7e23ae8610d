#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"

static void durations_need_a_unit_and_parse_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum amt_err err;
        uint64_t us;
    } k_cases[] = {
        { "0", AMT_OK, 0 },
        { "250us", AMT_OK, 250 },
        { "40ms", AMT_OK, 40000 },
        { "1.5s", AMT_OK, 1500000 },
        { "2m", AMT_OK, 120000000 },
        { "3h", AMT_OK, 10800000000 },
        { "1d", AMT_OK, 86400000000 },
        { "10", AMT_EMALFORMED, 0 },
        { "s", AMT_EMALFORMED, 0 },
        { "1.s", AMT_EMALFORMED, 0 },
        { "0.5us", AMT_EMALFORMED, 0 },
        { "10 s", AMT_EMALFORMED, 0 },
        { "-1s", AMT_EMALFORMED, 0 },
        { "", AMT_EMALFORMED, 0 },
        { "18446744073709551616us", AMT_ETOOBIG, 0 },
        { "18446744073709551615h", AMT_ETOOBIG, 0 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint64_t us = 0;
        assert_int_equal(text_parse_duration(k_cases[i].text, &us), k_cases[i].err);
        assert_true(us == k_cases[i].us);
    }
}

static void sizes_take_binary_units(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(text_parse_size("512B", &bytes), AMT_OK);
    assert_true(bytes == 512);
    assert_int_equal(text_parse_size("64KiB", &bytes), AMT_OK);
    assert_true(bytes == 65536);
    assert_int_equal(text_parse_size("7", &bytes), AMT_OK);
    assert_true(bytes == 7);
    assert_int_equal(text_parse_size("64KB", &bytes), AMT_EMALFORMED);
}

static void numbers_are_the_whole_text_and_bounded(void **state)
{
    (void)state;
    uint64_t n = 0;
    assert_int_equal(text_parse_u64("0x1F", 100, &n), AMT_OK);
    assert_true(n == 31);
    assert_int_equal(text_parse_u64("101", 100, &n), AMT_ETOOBIG);
    assert_int_equal(text_parse_u64("12a", 100, &n), AMT_EMALFORMED);
    assert_int_equal(text_parse_u64("0x", 100, &n), AMT_EMALFORMED);
    assert_int_equal(text_parse_u64("", 100, &n), AMT_EMALFORMED);
    assert_int_equal(text_parse_u64("18446744073709551615", UINT64_MAX, &n), AMT_OK);
    assert_int_equal(text_parse_u64("18446744073709551616", UINT64_MAX, &n), AMT_ETOOBIG);
}

static void hex_allows_space_between_bytes_only(void **state)
{
    (void)state;
    uint8_t out[4];
    size_t len = 0;
    assert_int_equal(text_parse_hex("c0 00\n01", out, sizeof out, &len), AMT_OK);
    assert_int_equal(len, 3);
    assert_int_equal(out[0], 0xc0);
    assert_int_equal(text_parse_hex("c 0", out, sizeof out, &len), AMT_EMALFORMED);
    assert_int_equal(text_parse_hex("0", out, sizeof out, &len), AMT_EMALFORMED);
    assert_int_equal(text_parse_hex("0102030405", out, sizeof out, &len), AMT_ETOOBIG);
}

typedef void escape_fn(struct text *t, const char *chars, size_t len);

static void check_escape(escape_fn *escape, const char *in, size_t len, const char *out)
{
    struct text t = { 0 };
    escape(&t, in, len);
    assert_string_equal(text_chars(&t), out);
    text_fini(&t);
}

static void escapes_let_nothing_through(void **state)
{
    (void)state;
    check_escape(text_json, "a\"\\\n\x01\0z", 7, "\"a\\\"\\\\\\n\\u0001\\u0000z\"");
    check_escape(text_json, "\xc3\xa4\xff", 3, "\"\xc3\xa4\xef\xbf\xbd\"");
    check_escape(text_json, "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_escape(text_xml, "<a b='\"&\x1b", 9, "&lt;a b=&#39;&quot;&amp;\xef\xbf\xbd");
    check_escape(text_xml, "a\r\n\x7f", 4, "a&#13;\n&#127;"); /* XML has them, as references */
    check_escape(text_logfmt, "plain", 5, "plain");
    check_escape(text_logfmt, "", 0, "\"\"");
    check_escape(text_logfmt, "a b=\"\x1b[31m", 10, "\"a b=\\\"\\x1b[31m\"");
}

static void nothing_that_steers_a_terminal_gets_through(void **state)
{
    (void)state;
    check_escape(text_terminal, "a \"\xc3\xa4\" \xe2\x9c\x94", 10, "a \"\xc3\xa4\" \xe2\x9c\x94");
    check_escape(text_terminal, "\x1b[2J\r\n\t\x7f", 8, "\\x1b[2J\\x0d\\x0a \\x7f");
    check_escape(text_terminal,
                 "\xc2\x9b"
                 "1m",
                 4, "\\x9b1m");
    check_escape(text_terminal, "\xff\xc3", 2, "\\xff\\xc3");
    check_escape(text_terminal,
                 "\xe2\x80\xae"
                 "x",
                 4, "\\u{202e}x");
}

static void durations_print_the_short_way(void **state)
{
    (void)state;
    static const struct {
        uint64_t us;
        const char *text;
    } k_cases[] = { { 0, "0s" },          { 250, "250us" },    { 1500, "1.500ms" },
                    { 90000000, "90s" },  { 120000000, "2m" }, { 1500000, "1500ms" },
                    { 1234567, "1.234s" } };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        char out[24];
        text_format_duration(k_cases[i].us, out);
        assert_string_equal(out, k_cases[i].text);
    }
}

static void the_nearest_word_is_found_when_it_is_near(void **state)
{
    (void)state;
    static const char *const k_words[] = { "listen", "idle_limit", "name", NULL };
    assert_int_equal(text_nearest("idel_limit", k_words), 1);
    assert_int_equal(text_nearest("listne", k_words), 0);
    assert_int_equal(text_nearest("password", k_words), -1);
}

static void a_builder_without_memory_fails_once_and_for_all(void **state)
{
    (void)state;
    struct text t = { 0 };
    text_puts(&t, "kept");
    amt_memory_fail_after(1);
    for (int i = 0; i < 100; i++) {
        text_puts(&t, "0123456789");
    }
    amt_memory_fail_after(0);
    assert_true(t.failed);
    assert_null(text_take(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_need_a_unit_and_parse_exactly),
        cmocka_unit_test(sizes_take_binary_units),
        cmocka_unit_test(numbers_are_the_whole_text_and_bounded),
        cmocka_unit_test(hex_allows_space_between_bytes_only),
        cmocka_unit_test(escapes_let_nothing_through),
        cmocka_unit_test(nothing_that_steers_a_terminal_gets_through),
        cmocka_unit_test(durations_print_the_short_way),
        cmocka_unit_test(the_nearest_word_is_found_when_it_is_near),
        cmocka_unit_test(a_builder_without_memory_fails_once_and_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
