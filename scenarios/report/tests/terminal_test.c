#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "sample.h"
#include "scenarios/report/format.h"

static const struct report_style k_plain = { .plain = true };

static const struct result_case *find_case(const struct results *results, enum result_verdict v)
{
    const struct result_case *c = results->case_first;
    while (c->verdict != v) {
        c = c->next;
    }
    return c;
}

static void a_failure_shows_place_values_requirement_bytes_and_command(void **state)
{
    (void)state;
    struct results *results = sample_results();
    struct text out = { 0 };
    report_terminal_failure(&out, results, find_case(results, RESULT_FAILED), &k_plain);
    assert_string_equal(
        text_chars(&out),
        "FAILED          apf/userauth/split#cut=20,gap=0ms\n"
        "  the server closed the connection while an answer was expected\n"
        "\n"
        "  conformance/apf/userauth-split.yaml:26\n"
        "    24 |         wire: { split: [20], gap: 40ms }\n"
        "    25 |       - name: accepted, not closed\n"
        "    26 |         expect: { msg: apf.userauth_success }\n"
        "       |                   ^~~~~~~~~~~~~~~~~~~~~~~~~~ wanted this within 2s\n"
        "  wanted     apf.userauth_success\n"
        "  got        closed by peer (FIN) 3 ms after byte 20 of 71\n"
        "  field      user, at byte 5\n"
        "  requires   APF-MPS-021 (must): A USERAUTH_REQUEST may arrive in any number of pieces.\n"
        "  last bytes raw \xe2\x86\x92 mps, 30 bytes at 2.275ms\n"
        "             32000000 10414243 44454647 48494a4b 4c4d4e4f \xe2\x80\x96"
        "50000000 12706677 6440\n"
        "             userauth_request, user (16) \"ABCDEFGHIJKLMNOP\", cut here, service ...\n"
        "  trace      out/traces/split-cut-20.amtrec\n"
        "  again      amtlab run 'apf/userauth/split#cut=20,gap=0ms' --target mps=mc.yaml --seed "
        "8140932\n"
        "\n");
    text_fini(&out);
    results_free(results);
}

static void each_verdict_has_its_line(void **state)
{
    (void)state;
    static const char *const k_lines[RESULT_VERDICT_COUNT] = {
        [RESULT_PASSED] = "passed          apf/userauth/split#cut=1,gap=0ms                        "
                          "   0.01s (virtual 0.04s)\n",
        [RESULT_INFO] =
            "info            basic/observed                                             "
            "0.01s (virtual 0.04s)\n",
        [RESULT_NOT_STRICT] = "not strict      resilience/keepalive-flap                           "
                              "       0.01s (virtual 2h02m)  APF-MPS-039 must\n",
        [RESULT_KNOWN_FAILURE] = "known failure   apf/channel/data-cap                             "
                                 "          0.01s (virtual 0.04s)  known: MC-01 no cap on "
                                 "CHANNEL_DATA\n",
        [RESULT_FLAKY] = "flaky           basic/flaky                                              "
                         "  0.01s (virtual 0.04s)\n",
        [RESULT_UNSUPPORTED] = "unsupported     basic/sol                                          "
                               "        0.01s (virtual 0.04s)  the target has no console.relay\n",
        [RESULT_UNEXPECTED_PASS] = "UNEXPECTED PASS basic/listed                                   "
                                   "            0.01s (virtual 0.04s)\n",
        [RESULT_FAILED] = "FAILED          apf/userauth/split#cut=20,gap=0ms                       "
                          "   0.01s (virtual 0.04s)  APF-MPS-021 must\n",
        [RESULT_ERROR] = "ERROR           basic/setup                                              "
                         "  0.01s (virtual 0.04s)\n",
    };
    struct results *results = sample_results();
    for (size_t i = 0; i < RESULT_VERDICT_COUNT; i++) {
        struct text out = { 0 };
        report_terminal_case(&out, find_case(results, (enum result_verdict)i), &k_plain);
        assert_string_equal(text_chars(&out), k_lines[i]);
        text_fini(&out);
    }
    results_free(results);
}

static void chapters_are_counted_by_what_they_mean(void **state)
{
    (void)state;
    struct text out = { 0 };
    struct results *results = sample_results();
    report_terminal_chapters(&out, results);
    assert_string_equal(
        text_chars(&out),
        "chapter                         passed  failed  known  not strict  not applicable  "
        "inconclusive\n"
        "apf/userauth                         1       1      .           .               .       "
        "      .\n"
        "apf/channel                          .       .      1           .               .       "
        "      .\n"
        "resilience                           .       .      .           1               .       "
        "      .\n"
        "basic                                2       1      .           .               1       "
        "      1\n\n");
    text_fini(&out);
    results_free(results);
}

static void the_summary_counts_and_names_what_is_stale(void **state)
{
    (void)state;
    struct results *results = sample_results();
    results_add_stale(results, "apf/old/*", "matches no case");
    struct text out = { 0 };
    report_terminal_summary(&out, results, &k_plain, "out/index.html");
    assert_string_equal(text_chars(&out),
                        "stale expectation apf/old/*: matches no case\n"
                        "9 ran: 1 passed, 1 failed, 1 error, 1 unexpected pass, 1 flaky, 1 known "
                        "failure, 1 not strict, 1 unsupported, 1 info   38.20s   report: "
                        "out/index.html\n");
    text_fini(&out);
    results_free(results);
}

static void colour_comes_only_when_told(void **state)
{
    (void)state;
    struct results *results = sample_results();
    const struct report_style coloured = { .colour = true };
    const struct report_style uncoloured = { 0 };
    struct text with = { 0 };
    struct text without = { 0 };
    report_terminal(&with, results, &coloured);
    report_terminal(&without, results, &uncoloured);
    assert_non_null(strstr(text_chars(&with), "\x1b[31m\xe2\x9c\x98\x1b[0m"));
    assert_null(strchr(text_chars(&without), '\x1b'));
    assert_non_null(strstr(text_chars(&without), "\xe2\x9c\x98 apf/userauth"));
    text_fini(&with);
    text_fini(&without);
    results_free(results);
}

static void hostile_texts_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct results *results = sample_hostile();
    struct text out = { 0 };
    report_terminal(&out, results, &k_plain);
    assert_false(out.failed);
    for (const char *at = text_chars(&out); *at != '\0'; at++) {
        assert_true((uint8_t)*at >= 0x20 || *at == '\n');
        assert_true((uint8_t)*at != 0x7f && (uint8_t)*at != 0xff);
    }
    text_fini(&out);
    results_free(results);
}

static void long_messages_are_shown_around_the_marked_byte(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    const struct result_wire wire = { .bytes = bytes, .len = sizeof bytes, .mark = 0xc1 };
    struct text out = { 0 };
    format_wire_hex(&out, &wire, " ");
    assert_string_equal(text_chars(&out),
                        "(128 bytes before) "
                        "80818283 84858687 88898a8b 8c8d8e8f 90919293 94959697 98999a9b 9c9d9e9f\n"
                        " a0a1a2a3 a4a5a6a7 a8a9aaab acadaeaf b0b1b2b3 b4b5b6b7 b8b9babb bcbdbebf\n"
                        " c0\xe2\x80\x96"
                        "c1c2c3 c4c5c6c7 c8c9cacb cccdcecf d0d1d2d3 d4d5d6d7 d8d9dadb dcdddedf "
                        "(76 more bytes)");
    text_fini(&out);
}

static void amounts_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        void (*write)(struct text *out, uint64_t value);
        uint64_t value;
        const char *text;
    } k_rows[] = {
        { format_took, 0, "0.00s" },
        { format_took, 59999999, "59.99s" },
        { format_took, 187000000, "3m07s" },
        { format_took, 7200000000, "2h00m" },
        { format_moment, 0, "0" },
        { format_moment, 999, "999\xc2\xb5s" },
        { format_moment, 4100, "4.1ms" },
        { format_moment, 1234567, "1.234s" },
        { format_moment, 3000000, "3s" },
        { format_moment, 62000000, "1m02s" },
        { format_size, 1023, "1023 B" },
        { format_size, 1536, "1.5 KiB" },
        { format_size, 5242880, "5.0 MiB" },
        { format_size, UINT64_MAX, "17179869183.9 GiB" },
        { format_seconds, 1500, "0.001500" },
        { format_seconds, 12000000, "12.000000" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct text out = { 0 };
        k_rows[i].write(&out, k_rows[i].value);
        assert_string_equal(text_chars(&out), k_rows[i].text);
        text_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_shows_place_values_requirement_bytes_and_command),
        cmocka_unit_test(each_verdict_has_its_line),
        cmocka_unit_test(chapters_are_counted_by_what_they_mean),
        cmocka_unit_test(the_summary_counts_and_names_what_is_stale),
        cmocka_unit_test(colour_comes_only_when_told),
        cmocka_unit_test(hostile_texts_cannot_steer_the_terminal),
        cmocka_unit_test(long_messages_are_shown_around_the_marked_byte),
        cmocka_unit_test(amounts_are_written_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
