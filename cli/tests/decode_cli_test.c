/* `amtlab decode apf` and `amtlab encode apf` as others use them: the program, JSON lines in and out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "base/unit.h"
#include "cli/tests/vectors.h"

/* One run of the program: its lines, and how it ended. */
struct answers {
    char **lines;
    uint32_t count;
    int exit_code;
};

static void run(const char *arguments, const struct text *input, struct answers *answers)
{
    const char *program = getenv("AMTLAB_BINARY");
    assert_non_null(program);
    char path[] = "/tmp/amtlab-lines-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *in = fdopen(fd, "w");
    assert_non_null(in);
    assert_true(fputs(text_chars(input), in) >= 0);
    assert_int_equal(fclose(in), 0);

    struct text command = { 0 };
    text_printf(&command, "'%s' %s < %s 2>&1", program, arguments, path);
    FILE *out = popen(text_chars(&command), "r");
    assert_non_null(out);
    *answers = (struct answers){ .count = 0 };
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, out) > 0) {
        answers->lines = realloc(answers->lines, (answers->count + 1) * sizeof *answers->lines);
        assert_non_null(answers->lines);
        answers->lines[answers->count++] = line;
        line = NULL;
        cap = 0;
    }
    free(line);
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    answers->exit_code = WEXITSTATUS(status);
    (void)unlink(path);
    text_fini(&command);
}

static void release(struct answers *answers)
{
    for (uint32_t i = 0; i < answers->count; i++) {
        free(answers->lines[i]);
    }
    free(answers->lines);
}

static void put_line(struct text *input, json_t *line)
{
    assert_non_null(line);
    char *text = json_dumps(line, JSON_COMPACT);
    assert_non_null(text);
    text_puts(input, text);
    text_puts(input, "\n");
    free(text);
    json_decref(line);
}

static void every_vector_is_answered_by_the_program(void **state)
{
    (void)state;
    struct vectors vectors;
    struct answers answers;
    struct text input = { 0 };
    vectors_load(&vectors);
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        put_line(&input, json_pack("{s:s,s:s,s:O*}", "dir", v->direction, "hex", v->hex, "context",
                                   v->context));
    }
    run("decode apf", &input, &answers);
    assert_int_equal(answers.exit_code, 0);
    assert_int_equal(answers.count, VECTOR_COUNT);
    for (uint32_t i = 0; i < vectors.count; i++) {
        json_t *answer = json_loads(answers.lines[i], 0, NULL);
        json_t *expected = vector_expected(&vectors.items[i]);
        (void)json_object_del(answer, "offset");
        (void)json_object_del(answer, "requirement");
        if (json_equal(answer, expected) != 1) {
            fail_msg("%s: %s", vectors.items[i].id, answers.lines[i]);
        }
        json_decref(answer);
        json_decref(expected);
    }
    release(&answers);
    text_fini(&input);
    vectors_free(&vectors);
}

static bool is_canonical(const json_t *fields)
{
    const json_t *reserved_zero = json_object_get(fields, "reserved_zero");
    return reserved_zero == NULL || json_is_true(reserved_zero);
}

static void the_fields_of_a_vector_encode_to_its_bytes(void **state)
{
    (void)state;
    struct vectors vectors;
    struct answers answers;
    struct text input = { 0 };
    vectors_load(&vectors);
    for (uint32_t i = 0; i < vectors.count; i++) {
        json_t *fields = json_object_get(vectors.items[i].expect, "fields");
        if (fields != NULL) {
            put_line(&input, json_pack("{s:s,s:O,s:b}", "dir", vectors.items[i].direction, "fields",
                                       fields, "raw_reserved", 1));
        }
    }
    run("encode apf", &input, &answers);
    assert_int_equal(answers.exit_code, 0);
    uint32_t at = 0;
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        const json_t *fields = json_object_get(v->expect, "fields");
        if (fields == NULL) {
            continue;
        }
        assert_true(at < answers.count);
        json_t *answer = json_loads(answers.lines[at++], 0, NULL);
        const char *hex = json_string_value(json_object_get(answer, "hex"));
        json_int_t consumed = json_integer_value(json_object_get(v->expect, "consumed"));
        assert_non_null(hex);
        assert_int_equal(json_integer_value(json_object_get(answer, "len")), consumed);
        assert_int_equal(strlen(hex), 2 * consumed);
        if (is_canonical(fields) && strncmp(hex, v->hex, strlen(hex)) != 0) {
            fail_msg("%s: %s", v->id, hex);
        }
        json_decref(answer);
    }
    assert_int_equal(at, answers.count);
    release(&answers);
    text_fini(&input);
    vectors_free(&vectors);
}

struct line_case {
    const char *line, *said;
};

/* Each bad line between two good ones: answered in its place with its number, and the rest goes on. */
static void check_bad_lines(const char *arguments, const char *good, const struct line_case *cases,
                            uint32_t case_count)
{
    struct text input = { 0 };
    struct answers answers;
    text_printf(&input, "%s\n", good);
    for (uint32_t i = 0; i < case_count; i++) {
        text_printf(&input, "%s\n", cases[i].line);
    }
    text_printf(&input, "\n%s", good); /* an empty line is passed over; the last needs no end */
    run(arguments, &input, &answers);
    assert_int_equal(answers.exit_code, 3);
    assert_int_equal(answers.count, case_count + 2);
    assert_null(strstr(answers.lines[0], "invalid"));
    assert_string_equal(answers.lines[case_count + 1], answers.lines[0]);
    for (uint32_t i = 0; i < case_count; i++) {
        json_t *answer = json_loads(answers.lines[i + 1], 0, NULL);
        const char *error = json_string_value(json_object_get(answer, "error"));
        const char *verdict = json_string_value(json_object_get(answer, "verdict"));
        char place[32];
        (void)snprintf(place, sizeof place, "line %u: ", i + 2);
        assert_non_null(verdict);
        assert_string_equal(verdict, "invalid");
        if (error == NULL || strncmp(error, place, strlen(place)) != 0 ||
            strstr(error, cases[i].said) == NULL) {
            fail_msg("%s: %s", cases[i].line, answers.lines[i + 1]);
        }
        json_decref(answer);
    }
    release(&answers);
    text_fini(&input);
}

static void a_line_that_cannot_be_decoded_says_why(void **state)
{
    (void)state;
    static const struct line_case k_cases[] = {
        { "nonsense", "expected near 'nonsense'" },
        { "[]", "a JSON object is expected" },
        { "{\"dir\":\"dev2mps\"}", "\"hex\" is missing" },
        { "{\"hex\":\"d00000002a\"}", "\"dir\" is dev2mps" },
        { "{\"dir\":\"up\",\"hex\":\"d00000002a\"}", "\"dir\" is dev2mps" },
        { "{\"dir\":1,\"hex\":\"d00000002a\"}", "\"dir\" is dev2mps" },
        { "{\"dir\":\"dev2mps\",\"hex\":\"d\"}", "\"hex\" is no hex text" },
        { "{\"dir\":\"dev2mps\",\"hex\":\"d00000002g\"}", "\"hex\" is no hex text" },
        { "{\"dir\":\"dev2mps\",\"hex\":\"51\",\"hex\":\"52\"}", "duplicate" },
        { "{\"dir\":\"mps2dev\",\"hex\":\"51\",\"context\":7}", "\"context\" is no object" },
        { "{\"dir\":\"mps2dev\",\"hex\":\"51\",\"context\":{\"pending\":\"frob\"}}",
          "\"pending\" is tcpip-forward" },
        { "{\"dir\":\"mps2dev\",\"hex\":\"51\",\"context\":{\"pending\":5}}",
          "\"pending\" is tcpip-forward" },
        { "{\"dir\":\"mps2dev\",\"hex\":\"51\",\"context\":{\"json_control\":\"yes\"}}",
          "\"json_control\" is true or false" },
    };
    check_bad_lines("decode apf", "{\"dir\":\"dev2mps\",\"hex\":\"d00000002a\"}", k_cases,
                    sizeof k_cases / sizeof k_cases[0]);
}

static void a_line_that_cannot_be_encoded_says_why(void **state)
{
    (void)state;
    struct text long_name = { 0 };
    text_puts(&long_name, "{\"fields\":{\"type\":\"SERVICE_REQUEST\",\"service\":\"");
    for (uint32_t i = 0; i < APF_NAME_MAX_BYTES + 1; i++) {
        text_puts(&long_name, "a");
    }
    text_puts(&long_name, "\"}}");
    const struct line_case cases[] = {
        { "{}", "\"fields\" is missing" },
        { "{\"fields\":{}}", "\"type\"" },
        { "{\"fields\":{\"type\":\"CHANNEL_EOF\"}}", "\"CHANNEL_EOF\" is no message" },
        { "{\"fields\":{\"type\":\"KEEPALIVE_REQUEST\",\"port\":1}}", "has no field \"port\"" },
        { "{\"fields\":{\"type\":\"KEEPALIVE_REQUEST\",\"cookie\":-1}}", "0 to 4294967295" },
        { "{\"fields\":{\"type\":\"KEEPALIVE_REQUEST\",\"cookie\":4294967296}}",
          "0 to 4294967295" },
        { "{\"fields\":{\"type\":\"KEEPALIVE_REQUEST\",\"cookie\":\"7\"}}", "wrong type" },
        { "{\"fields\":{\"type\":\"USERAUTH_FAILURE\",\"partial\":256}}", "0 to 255" },
        { "{\"fields\":{\"type\":\"CHANNEL_DATA\",\"data_hex\":\"0\"}}", "is no hex text" },
        { "{\"fields\":{\"type\":\"CHANNEL_DATA\",\"data_hex\":5}}", "wrong type" },
        { "{\"fields\":{\"type\":\"PROTOCOLVERSION\",\"uuid\":\"1\"}}", "is no UUID" },
        { "{\"fields\":{\"type\":\"PROTOCOLVERSION\",\"uuid\":1}}", "wrong type" },
        { "{\"fields\":{\"type\":\"PROTOCOLVERSION\",\"reserved_zero\":1}}", "wrong type" },
        { "{\"fields\":{\"type\":\"GLOBAL_REQUEST\",\"request\":\"frob\"}}",
          "\"request\" is tcpip" },
        { text_chars(&long_name), "above its limit" },
    };
    check_bad_lines("encode apf", "{\"fields\":{\"type\":\"KEEPALIVE_REQUEST\",\"cookie\":42}}",
                    cases, sizeof cases / sizeof cases[0]);
    text_fini(&long_name);
}

/* apf.md 3.5, 3.10: fields that are not given still make a message that can be delimited. */
static void the_form_of_a_message_follows_from_its_fields(void **state)
{
    (void)state;
    struct text input = { 0 };
    struct answers answers;
    text_puts(&input, "{\"fields\":{\"type\":\"USERAUTH_REQUEST\",\"method\":\"password\"}}\n"
                      "{\"fields\":{\"type\":\"USERAUTH_REQUEST\",\"method\":\"none\"}}\n"
                      "{\"fields\":{\"type\":\"request_success\"}}\n"
                      "{\"fields\":{\"type\":\"REQUEST_SUCCESS\",\"port\":0}}\n"
                      "{\"fields\":{\"type\":\"DISCONNECT\",\"reason\":2,\"reserved\":9}}\n"
                      "{\"fields\":{\"type\":\"DISCONNECT\",\"reason\":2,\"reserved\":9},"
                      "\"raw_reserved\":true}\n");
    static const char *const k_answers[] = {
        "{\"len\":26,\"hex\":\"3200000000000000000000000870617373776f72640000000000\"}\n",
        "{\"len\":17,\"hex\":\"320000000000000000000000046e6f6e65\"}\n",
        "{\"len\":1,\"hex\":\"51\"}\n",
        "{\"len\":5,\"hex\":\"5100000000\"}\n",
        "{\"len\":7,\"hex\":\"01000000020000\"}\n",
        "{\"len\":7,\"hex\":\"01000000020009\"}\n",
    };
    run("encode apf", &input, &answers);
    assert_int_equal(answers.exit_code, 0);
    assert_int_equal(answers.count, sizeof k_answers / sizeof k_answers[0]);
    for (uint32_t i = 0; i < answers.count; i++) {
        assert_string_equal(answers.lines[i], k_answers[i]);
    }
    release(&answers);
    text_fini(&input);
}

static void an_unknown_format_is_a_usage_error(void **state)
{
    (void)state;
    static const char *const k_arguments[] = { "decode frob", "encode frob", "decode" };
    struct text input = { 0 };
    for (uint32_t i = 0; i < sizeof k_arguments / sizeof k_arguments[0]; i++) {
        struct answers answers;
        run(k_arguments[i], &input, &answers);
        assert_int_equal(answers.exit_code, 2);
        assert_true(answers.count >= 1);
        assert_non_null(strstr(answers.lines[0], i < 2 ? "known: apf" : "decode"));
        release(&answers);
    }
    text_fini(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_by_the_program),
        cmocka_unit_test(the_fields_of_a_vector_encode_to_its_bytes),
        cmocka_unit_test(a_line_that_cannot_be_decoded_says_why),
        cmocka_unit_test(a_line_that_cannot_be_encoded_says_why),
        cmocka_unit_test(the_form_of_a_message_follows_from_its_fields),
        cmocka_unit_test(an_unknown_format_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
