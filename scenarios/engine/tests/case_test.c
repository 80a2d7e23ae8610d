/* How cases end: what passes, what fails and why, what is an error, what is not supported. */
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/tests/play.h"

#define LOGIN                                                                                    \
    "  - actor: raw\n    do:\n      - tls.handshake: {}\n"                                       \
    "      - apf.send: { type: protocol_version, uuid: \"${uuid()}\" }\n"                        \
    "      - apf.send: { type: service_request }\n"                                              \
    "      - expect: { msg: apf.service_accept }\n"                                              \
    "      - apf.send: { type: userauth_request, user: ABCDEFGHIJKLMNOP, password: P@ssw0rd }\n" \
    "      - expect: { msg: apf.userauth_success }\n"

static void a_login_by_hand_passes_and_its_messages_are_kept(void **state)
{
    struct play play;
    const struct result_case *c = play_text(&play, *state, PLAY_HEAD "steps:\n" LOGIN);
    assert_int_equal(c->verdict, RESULT_PASSED);
    assert_null(c->failure);
    uint32_t logins = 0;
    for (const struct result_event *event = c->event_first; event != NULL; event = event->next) {
        logins += strcmp(event->name, "userauth_success") == 0 ? 1 : 0;
        assert_null(strstr(event->text, "P@ssw0rd"));
        for (uint32_t i = 0; i + 8 <= event->len; i++) {
            assert_memory_not_equal(event->bytes + i, "P@ssw0rd", 8);
        }
    }
    assert_int_equal(logins, 1);
    play_end(&play);
}

/* Steps after a login, and how the case must fail. */
static const struct failing {
    const char *steps, *kind, *message;
} k_failing[] = {
    { "  - { actor: raw, expect: { msg: apf.keepalive_reply }, within: 1s }\n", "timeout",
      "did not come within 1s" },
    { "  - { actor: raw, apf.send: { type: keepalive_request, cookie: 5 } }\n"
      "  - { actor: raw, expect: { msg: apf.keepalive_reply, cookie: 6 } }\n",
      "mismatch", "cookie is 5, wanted 6" },
    { "  - { actor: raw, apf.send: { type: keepalive_request, cookie: 5 } }\n"
      "  - { actor: raw, expect: { msg: apf.disconnect } }\n",
      "mismatch", "apf.keepalive_reply came instead" },
    { "  - { actor: raw, apf.send: { type: service_request, service: nonsense } }\n"
      "  - { actor: raw, expect: { msg: apf.disconnect } }\n"
      "  - { actor: raw, expect: { msg: apf.service_accept } }\n",
      "closed", "closed while an answer was expected" },
    { "  - { actor: raw, apf.send: { type: keepalive_request } }\n"
      "  - { actor: raw, expect: { none: apf.keepalive_reply, for: 1s } }\n",
      "unwanted", "apf.keepalive_reply came" },
    { "  - { check: { mps.metrics.logins: 7 } }\n", "check", "mps.metrics.logins is 1, wanted 7" },
    { "  - { check: { mps.nothing: 7 } }\n", "check", "mps.nothing is not there" },
    { "  - { actor: mps, expect: { event: device.online }, within: 1s }\n", "timeout",
      "did not come within 1s" },
    { "  - { actor: raw, apf.send: { type: keepalive_request } }\n"
      "  - { actor: raw, expect: { msg: apf.keepalive_reply, at_least: 2s } }\n",
      "timing", "too early" },
    { "  - { actor: raw, tcp.reset: {} }\n  - { actor: raw, expect: { closed: { by: peer } } }\n",
      "closed", "closed by us, wanted by peer" },
};

static void each_failure_is_told_by_its_kind(void **state)
{
    for (size_t i = 0; i < sizeof k_failing / sizeof k_failing[0]; i++) {
        struct play play;
        struct text yaml = { 0 };
        text_printf(&yaml, "%ssteps:\n%s%s", PLAY_HEAD, LOGIN, k_failing[i].steps);
        const struct result_case *c = play_text(&play, *state, text_chars(&yaml));
        assert_int_equal(c->verdict, RESULT_FAILED);
        assert_non_null(c->failure);
        assert_string_equal(c->failure->kind, k_failing[i].kind);
        assert_non_null(strstr(c->failure->message, k_failing[i].message));
        assert_true(c->failure->line > 8);
        assert_int_equal(c->step_last->verdict, RESULT_STEP_FAILED);
        text_fini(&yaml);
        play_end(&play);
    }
}

static enum result_verdict verdict_of(void **state, const char *steps)
{
    struct play play;
    struct text yaml = { 0 };
    text_printf(&yaml, "%s%s", PLAY_HEAD, steps);
    enum result_verdict verdict = play_text(&play, *state, text_chars(&yaml))->verdict;
    text_fini(&yaml);
    play_end(&play);
    return verdict;
}

static void grades_decide_how_a_failure_counts(void **state)
{
    assert_int_equal(verdict_of(state, "steps: [{ check: { mps.port: 1 }, grade: should }]\n"),
                     RESULT_NOT_STRICT);
    assert_int_equal(verdict_of(state, "steps: [{ check: { mps.port: 1 }, grade: info }]\n"),
                     RESULT_INFO);
    assert_int_equal(verdict_of(state, "steps: [{ check: { mps.port: 1 }, grade: should }, "
                                       "{ check: { mps.port: 2 } }]\n"),
                     RESULT_FAILED);
}

static void a_failure_in_finally_is_an_error_and_finally_always_runs(void **state)
{
    assert_int_equal(
        verdict_of(state, "steps: [{ wait: 1s }]\nfinally: [{ check: { mps.port: 1 } }]\n"),
        RESULT_ERROR);
    struct play play;
    const struct result_case *c =
        play_text(&play, *state,
                  PLAY_HEAD "steps: [{ check: { mps.port: 1 } }]\n"
                            "finally: [{ name: last words, wait: 1s }]\n");
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_string_equal(c->step_last->name, "last words");
    assert_int_equal(c->step_last->verdict, RESULT_STEP_PASSED);
    play_end(&play);
}

static void what_needs_another_part_is_unsupported_and_never_passed(void **state)
{
    assert_int_equal(verdict_of(state, "steps: [{ actor: op, sol.open: { class: X } }]\n"),
                     RESULT_UNSUPPORTED);
    assert_int_equal(verdict_of(state, "requires: [activation.acm]\nsteps: [{ wait: 1s }]\n"),
                     RESULT_UNSUPPORTED);
}

static void a_case_that_takes_too_long_fails_by_its_timeout(void **state)
{
    struct play play;
    const struct result_case *c =
        play_text(&play, *state, PLAY_HEAD "timeout: 10s\nsteps: [{ wait: 1h }]\n");
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_string_equal(c->failure->kind, "timeout");
    assert_int_equal(c->virtual_us, 10u * 1000000u);
    play_end(&play);
}

static void branches_run_at_once_and_barriers_hold_them_together(void **state)
{
    struct play play;
    const struct result_case *c = play_text(
        &play, *state,
        PLAY_HEAD "vars: { seen: 0 }\nsteps:\n  - parallel:\n"
                  "      - do: [{ wait: 3s }, { set: { seen: 1 } }, { barrier: here }]\n"
                  "      - do: [{ wait: 1s }, { barrier: here }, { check: { seen: 1 } }]\n"
                  "  - repeat: 3\n    do: [{ wait: 1s }]\n");
    assert_int_equal(c->verdict, RESULT_PASSED);
    assert_int_equal(c->virtual_us, 6u * 1000000u);
    play_end(&play);
}

#define RETRY(limit)                                              \
    "steps:\n  - { actor: dev, cira.connect: { wait: false } }\n" \
    "  - log: look\n    retry: { every: 100ms, for: " limit       \
    ", until: { dev.metrics.cira_connects: 1 } }\n"

static void a_step_is_repeated_until_its_condition_holds(void **state)
{
    assert_int_equal(verdict_of(state, RETRY("5s")), RESULT_PASSED);
    assert_int_equal(verdict_of(state, RETRY("0us")), RESULT_FAILED);
    /* A step that waits is waited for before it is judged: one attempt, not one each 100 ms. */
    assert_int_equal(verdict_of(state,
                                "steps:\n  - { actor: dev, cira.connect: {}, retry: { every: "
                                "100ms, until: { dev.metrics.cira_attempts: 1 } } }\n"),
                     RESULT_PASSED);
}

static void variables_come_from_command_line_before_environment_before_scenario(void **state)
{
    struct play play;
    struct engine_variable variable = { "a", "1", NULL };
    assert_int_equal(setenv("AMTLAB_VAR_a", "2", 1), 0);
    assert_int_equal(setenv("AMTLAB_VAR_b", "2", 1), 0);
    play_load(&play, PLAY_HEAD "vars: { a: 3, b: 3, c: \"${a + b}\" }\n"
                               "steps: [{ check: { a: 1, b: 2, c: 3 } }]\n");
    play.options.variables = &variable;
    play.pki = *state;
    play_run(&play);
    assert_int_equal(play.result.results->case_first->verdict, RESULT_PASSED);
    assert_int_equal(unsetenv("AMTLAB_VAR_a"), 0);
    assert_int_equal(unsetenv("AMTLAB_VAR_b"), 0);
    play_end(&play);
}

static void a_secret_of_the_environment_does_not_get_into_results(void **state)
{
    struct play play;
    assert_int_equal(setenv("AMTLAB_TEST_PASS", "very-secret-word", 1), 0);
    const struct result_case *c =
        play_text(&play, *state,
                  PLAY_HEAD "vars: { p: \"${env('AMTLAB_TEST_PASS')}\" }\n"
                            "steps:\n  - { name: \"p is ${p}\", check: { mps.port: \"${p}\" } }\n");
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_null(strstr(c->failure->message, "very-secret-word"));
    assert_null(strstr(c->failure->expected, "very-secret-word"));
    assert_null(strstr(c->step_last->name, "very-secret-word"));
    assert_int_equal(unsetenv("AMTLAB_TEST_PASS"), 0);
    play_end(&play);
}

static void expect_absent(const uint8_t *bytes, size_t len, const char *secret)
{
    size_t secret_len = strlen(secret);
    for (size_t i = 0; i + secret_len <= len; i++) {
        assert_memory_not_equal(bytes + i, secret, secret_len);
    }
}

/* Reports show bytes too: of the message that failed, of those before it, of all kept messages. */
static void passwords_are_not_in_the_bytes_of_a_failure(void **state)
{
    static const char *const k_wrong[] = {
        "      - apf.send: { type: userauth_request, user: NOBODY, password: \"${p}\" }\n"
        "      - expect: { msg: apf.userauth_success }\n",
        "      - apf.send: { raw: { concat: [ { hex: d0 }, { text: \"${p}\" } ] } }\n"
        "      - expect: { msg: apf.userauth_success }\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct play play;
        struct text yaml = { 0 };
        assert_int_equal(setenv("AMTLAB_VAR_p", "very-secret-word", 1), 0);
        text_printf(&yaml,
                    "%svars: { p: x }\nsteps:\n  - actor: raw\n    do:\n"
                    "      - tls.handshake: {}\n"
                    "      - apf.send: { type: protocol_version, uuid: \"${uuid()}\" }\n"
                    "      - apf.send: { type: service_request }\n"
                    "      - expect: { msg: apf.service_accept }\n%s",
                    PLAY_HEAD, k_wrong[i]);
        const struct result_case *c = play_text(&play, *state, text_chars(&yaml));
        assert_int_equal(c->verdict, RESULT_FAILED);
        expect_absent(c->failure->bytes, c->failure->bytes_len, "very-secret-word");
        uint32_t wires = 0;
        for (const struct result_wire *w = c->failure->wire_first; w != NULL; w = w->next) {
            expect_absent(w->bytes, w->len, "very-secret-word");
            wires += 1;
        }
        assert_true(wires >= 3);
        for (const struct result_event *e = c->event_first; e != NULL; e = e->next) {
            expect_absent(e->bytes, e->len, "very-secret-word");
        }
        assert_int_equal(unsetenv("AMTLAB_VAR_p"), 0);
        text_fini(&yaml);
        play_end(&play);
    }
}

/* The environment is where secrets are given: nothing of it is shown, whatever it is used for. */
static void a_variable_of_the_environment_is_hidden(void **state)
{
    struct play play;
    assert_int_equal(setenv("AMTLAB_VAR_p", "very-secret-word", 1), 0);
    const struct result_case *c =
        play_text(&play, *state,
                  PLAY_HEAD "vars: { p: x }\n"
                            "steps:\n  - { name: \"p is ${p}\", check: { mps.port: \"${p}\" } }\n");
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_null(strstr(c->failure->expected, "very-secret-word"));
    assert_null(strstr(c->step_last->name, "very-secret-word"));
    assert_int_equal(unsetenv("AMTLAB_VAR_p"), 0);
    play_end(&play);
}

static void a_wire_can_be_the_server_of_a_device(void **state)
{
    struct play play;
    const struct result_case *c = play_text(
        &play, *state,
        "amtlab: 1\nname: a scenario of the tests\nactors:\n"
        "  srv: { kind: wire, listen: true }\n"
        "  dev: { kind: device, cira: { to: srv, user: ABCDEFGHIJKLMNOP, password: P@ssw0rd } }\n"
        "steps:\n  - { actor: dev, cira.connect: { wait: false } }\n"
        "  - actor: srv\n    do:\n      - tcp.accept: {}\n      - tls.handshake: {}\n"
        "      - expect: { msg: apf.protocol_version, uuid: \"${dev.uuid}\", major: 1 }\n"
        "      - expect: { msg: apf.service_request, service: auth@amt.intel.com }\n"
        "      - apf.send: { type: service_accept }\n"
        "      - expect: { msg: apf.userauth_request, method: password, user: { len: 16 } }\n"
        "      - apf.send: { type: userauth_failure }\n"
        "      - expect: { closed: { by: peer } }\n"
        "  - { actor: dev, expect: { event: cira.failed } }\n");
    if (c->failure != NULL) {
        print_error("%s\n", c->failure->message);
    }
    assert_int_equal(c->verdict, RESULT_PASSED);
    play_end(&play);
}

static void called_steps_see_their_parameters_and_give_a_result_back(void **state)
{
    struct play play;
    const struct result_case *c =
        play_text(&play, *state,
                  "amtlab: 1\nname: a scenario of the tests\n"
                  "vars: { user: outside }\n"
                  "actors:\n"
                  "  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }] }\n"
                  "  raw: { kind: wire, to: mps }\n"
                  "steps:\n  - actor: raw\n"
                  "    call: { file: " AMTLAB_SOURCE_DIR "/scenarios/common/login.yaml, "
                  "params: { port: 623 } }\n"
                  "    as: login\n"
                  "  - check: { login.uuid: 4c4c4544-004b-4210-8033-b6c04f504633, user: outside }\n"
                  "  - actor: mps\n    expect: { event: device.online, ports: [623] }\n");
    assert_int_equal(c->verdict, RESULT_PASSED);
    play_end(&play);
}

/* Keys take time: one set for all tests. */
static int make_pki(void **state)
{
    *state = pki_set_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int free_pki(void **state)
{
    pki_set_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_by_hand_passes_and_its_messages_are_kept),
        cmocka_unit_test(each_failure_is_told_by_its_kind),
        cmocka_unit_test(grades_decide_how_a_failure_counts),
        cmocka_unit_test(a_failure_in_finally_is_an_error_and_finally_always_runs),
        cmocka_unit_test(what_needs_another_part_is_unsupported_and_never_passed),
        cmocka_unit_test(a_case_that_takes_too_long_fails_by_its_timeout),
        cmocka_unit_test(branches_run_at_once_and_barriers_hold_them_together),
        cmocka_unit_test(a_step_is_repeated_until_its_condition_holds),
        cmocka_unit_test(variables_come_from_command_line_before_environment_before_scenario),
        cmocka_unit_test(a_secret_of_the_environment_does_not_get_into_results),
        cmocka_unit_test(passwords_are_not_in_the_bytes_of_a_failure),
        cmocka_unit_test(a_variable_of_the_environment_is_hidden),
        cmocka_unit_test(a_wire_can_be_the_server_of_a_device),
        cmocka_unit_test(called_steps_see_their_parameters_and_give_a_result_back),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
