/* Recordings: read, written, decoded; errors name their line. */
#include <string.h>

#include "base/unit.h"
#include "scenarios/replay/recording.h"

#define HEAD "{\"amtrec\":1,\"comment\":\"c\",\"start_us\":5}\n"
#define TCP  "\"l\":\"tcp\",\"c\":1,"

static struct recording *parse(const char *text, struct amt_diag *diag)
{
    return recording_parse(text, strlen(text), "x.amtrec", diag);
}

/* KEEPALIVE_REQUEST 1 and the beginning of another; its rest with USERAUTH_SUCCESS of the server between */
static const char k_text[] =
    HEAD "{\"t\":0,\"a\":\"dev\",\"d\":\"out\"," TCP "\"e\":\"open\"}\n"
         "{\"t\":10,\"a\":\"dev\",\"d\":\"out\"," TCP "\"b\":\"0AAAAAHQAA==\"}\n"
         "{\"t\":10,\"l\":\"apf\",\"c\":1,\"n\":77,\"m\":\"nonsense\",\"f\":{}}\n"
         "{\"t\":20,\"a\":\"mps\",\"d\":\"out\"," TCP "\"b\":\"NA==\"}\n"
         "{\"t\":30,\"a\":\"dev\",\"d\":\"out\"," TCP "\"b\":\"AAAC\"}\n"
         "{\"t\":40,\"a\":\"dev\",\"d\":\"in\"," TCP "\"e\":\"reset\"}\n";

static void assert_steps(const struct recording *recording)
{
    const struct recording_step *step = recording->steps;
    assert_int_equal(recording->messages, 3);
    assert_int_equal(step->what, RECORDING_OPEN);
    step = step->next;
    assert_int_equal(step->message.type, APF_KEEPALIVE_REQUEST);
    assert_int_equal(step->number, 1);
    assert_true(step->is_joined && step->cut_count == 0 && step->from_device);
    step = step->next;
    assert_int_equal(step->message.type, APF_USERAUTH_SUCCESS);
    assert_false(step->from_device);
    assert_int_equal(step->at_us, 20);
    step = step->next;
    assert_int_equal(step->message.cookie, 2);
    assert_int_equal(step->cut_count, 1);
    assert_int_equal(step->cuts[0], 2);
    assert_false(step->is_joined);
    step = step->next;
    assert_int_equal(step->what, RECORDING_RESET);
    assert_false(step->from_device);
    assert_null(step->next);
}

static void a_recording_is_decoded_from_its_bytes(void **state)
{
    (void)state;
    struct amt_diag diag = { .err = AMT_OK };
    struct recording *recording = parse(k_text, &diag);
    assert_string_equal(diag.text, "");
    assert_non_null(recording);
    assert_string_equal(recording->comment, "c");
    assert_int_equal(recording->start_us, 5);
    assert_steps(recording);
    recording_free(recording);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    struct text first = { 0 };
    struct text second = { 0 };
    struct recording *recording = parse(k_text, NULL);
    recording_write(recording, &first);
    recording_free(recording);
    assert_non_null(strstr(text_chars(&first), "\"m\":\"keepalive_request\",\"f\":{\"cookie\":2}"));
    recording = parse(text_chars(&first), NULL);
    assert_steps(recording);
    recording_write(recording, &second);
    assert_string_equal(text_chars(&first), text_chars(&second));
    recording_free(recording);
    text_fini(&first);
    text_fini(&second);
}

static void passwords_are_not_shown_decoded(void **state)
{
    (void)state;
    static const uint8_t k_login[] = "\x32\0\0\0\x01"
                                     "a\0\0\0\x01p\0\0\0\x08password\0\0\0\0\x06hunter";
    struct text out = { 0 };
    struct recording *recording = recording_new();
    const struct recording_event event = { .what = RECORDING_DATA,
                                           .from_device = true,
                                           .connection = 1,
                                           .bytes = k_login,
                                           .len = sizeof k_login - 1 };
    assert_int_equal(recording_add(recording, &event), AMT_OK);
    assert_int_equal(recording_decode(recording), AMT_OK);
    recording_write(recording, &out);
    assert_non_null(strstr(text_chars(&out), "\"password\":\"(hidden)\""));
    assert_null(strstr(text_chars(&out), "hunter"));
    recording_free(recording);
    text_fini(&out);
}

static void half_a_message_is_bytes(void **state)
{
    (void)state;
    struct text name = { 0 };
    struct recording *recording =
        parse(HEAD "{\"t\":1,\"a\":\"dev\",\"d\":\"in\",\"l\":\"tcp\",\"b\":\"UQAA\"}\n", NULL);
    assert_non_null(recording);
    assert_int_equal(recording->messages, 1);
    assert_false(recording->steps->is_apf);
    assert_int_equal(recording->steps->len, 3);
    recording_step_name(recording->steps, &name);
    assert_string_equal(text_chars(&name), "bytes");
    text_fini(&name);
    recording_free(recording);
}

#define DEV "{\"t\":1,\"a\":\"dev\",\"d\":\"in\","

static void errors_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
        uint32_t line;
    } k_wrong[] = {
        { "", "without events", 1 },
        { "{}\n", "no recording", 1 },
        { "[1]\n", "not a JSON object", 1 },
        { HEAD "{\"t\":1,\n", "not a JSON object", 2 },
        { HEAD "\n{\"t\":-1,\"a\":\"dev\",\"d\":\"in\",\"l\":\"tcp\",\"b\":\"AA==\"}\n", "\"t\"",
          3 },
        { HEAD "{\"t\":1,\"a\":\"pc\",\"d\":\"in\",\"l\":\"tcp\",\"b\":\"AA==\"}\n", "\"a\"", 2 },
        { HEAD DEV "\"l\":\"tcp\",\"b\":\"A\"}\n", "base64", 2 },
        { HEAD DEV "\"l\":\"tcp\",\"b\":\"\"}\n", "base64", 2 },
        { HEAD DEV "\"l\":\"tcp\",\"e\":\"end\"}\n", "\"e\"", 2 },
        { HEAD DEV "\"l\":\"tcp\",\"c\":0,\"e\":\"fin\"}\n", "\"c\"", 2 },
        { HEAD DEV "\"b\":\"AA==\"}\n", "\"l\"", 2 },
        { HEAD, "without events", 2 },
    };
    for (uint32_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct amt_diag diag = { .err = AMT_OK };
        assert_null(parse(k_wrong[i].text, &diag));
        if (strstr(diag.text, k_wrong[i].words) == NULL || diag.line != k_wrong[i].line) {
            fail_msg("%u: line %u: %s", i, diag.line, diag.text);
        }
        assert_string_equal(diag.file, "x.amtrec");
    }
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(recording_load("/nonexistent/x.amtrec", &diag));
    assert_int_equal(diag.err, AMT_ESYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_is_decoded_from_its_bytes),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(passwords_are_not_shown_decoded),
        cmocka_unit_test(half_a_message_is_bytes),
        cmocka_unit_test(errors_name_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
