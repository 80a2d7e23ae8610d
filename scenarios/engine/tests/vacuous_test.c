/* No check is empty without a word: values of the wrong type are errors, and what a target does not
 * show is not claimed. */
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/tests/play.h"

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

/* Only evaluation shows that these are wrong: `validate` cannot. Each would pass if the value were
 * quietly replaced by a default. */
static const struct wrong {
    const char *yaml, *message;
} k_wrong[] = {
    { "steps:\n  - { actor: dev, cira.connect: {} }\n"
      "  - { actor: mps, expect: { event: device.online, at_least: \"${number}\" } }\n",
      "'at_least' is '5'; wanted a duration" },
    { "steps:\n  - { wait: \"${number}\" }\n", "'wait' is '5'; wanted a duration" },
    { "steps:\n  - { actor: dev, cira.connect: {} }\n"
      "  - { actor: mps, expect: { event: device.online, count: \"${word}\" } }\n",
      "'count' is 'often'; wanted a number" },
    { "steps:\n  - { actor: dev, cira.connect: {} }\n"
      "  - { actor: mps, expect: { event: device.online, mode: \"${word}\" } }\n",
      "'mode' cannot be 'often'" },
    { "steps:\n  - { actor: mps, expect: { none: \"*\", for: \"${number}\" } }\n",
      "'for' is '5'; wanted a duration" },
    { "steps:\n  - { actor: dev, cira.connect: {}, "
      "retry: { every: \"${number}\", until: { number: 6 } } }\n",
      "'every' is '5'; wanted a duration" },
    { "steps:\n  - { actor: raw, tls.handshake: {} }\n"
      "  - { actor: raw, apf.send: { type: service_request }, wire: { truncate: \"${word}\" } }\n",
      "'truncate' is 'often'; wanted a number" },
    { "faults:\n  - { at: dev.tcp.out, do: { delay: 1ms }, times: \"${word}\" }\n"
      "steps:\n  - { wait: 1s }\n",
      "'times' is 'often'; wanted a number" },
    { "faults:\n  - { at: dev.tcp.out, do: { delay: 1ms }, probability: \"${word}\" }\n"
      "steps:\n  - { wait: 1s }\n",
      "'probability' is 'often'; wanted a number from 0 to 1" },
    { "faults:\n  - { at: dev.tcp.out, do: { delay: \"${number}\" } }\nsteps:\n  - { wait: 1s }\n",
      "'by' is '5'; wanted a duration" },
    { "faults:\n  - { at: dev.tcp.out, do: { throttle: \"${word}\" } }\nsteps:\n  - { wait: 1s }\n",
      "'rate' is 'often'; wanted" },
    { "faults:\n  - { at: dev.apf.out, do: { drop: true }, when: { nth: \"${word}\" } }\n"
      "steps:\n  - { wait: 1s }\n",
      "'nth' is 'often'; wanted a number" },
};

static void a_value_of_the_wrong_type_is_an_error_not_a_default(void **state)
{
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct play play;
        struct text yaml = { 0 };
        text_printf(&yaml, "%svars: { number: 5, word: often }\n%s", PLAY_HEAD, k_wrong[i].yaml);
        const struct result_case *c = play_text(&play, *state, text_chars(&yaml));
        if (c->verdict != RESULT_ERROR || c->failure == NULL ||
            strstr(c->failure->message, k_wrong[i].message) == NULL) {
            fail_msg("%s: verdict %s, message \"%s\"", k_wrong[i].message,
                     result_verdict_name(c->verdict),
                     c->failure == NULL ? "" : c->failure->message);
        }
        text_fini(&yaml);
        play_end(&play);
    }
}

static void wrong_conditions_and_chances_of_faults_are_found_by_validation(void **state)
{
    static const char *const k_faults[] = { "probability: often", "probability: 1.5",
                                            "probability: -0.1",  "when: { nth: often }",
                                            "when: { every: 0 }", "when: { after: 5 }" };
    (void)state;
    for (size_t i = 0; i < sizeof k_faults / sizeof k_faults[0]; i++) {
        struct play play;
        struct text yaml = { 0 };
        text_printf(&yaml,
                    "%sfaults:\n  - { at: dev.apf.out, do: { drop: true }, %s }\n"
                    "steps:\n  - { wait: 1s }\n",
                    PLAY_HEAD, k_faults[i]);
        play_load(&play, text_chars(&yaml));
        if (play.errors.count == 0) {
            fail_msg("%s is accepted", k_faults[i]);
        }
        text_fini(&yaml);
        play_end(&play);
    }
}

/* The last of more alternatives than anybody needs is one that cannot come. */
static void all_of_forgets_none(void **state)
{
    struct play play;
    struct text yaml = { 0 };
    text_puts(&yaml, PLAY_HEAD "steps:\n  - { actor: dev, cira.connect: {} }\n"
                               "  - actor: mps\n    within: 2s\n    expect:\n      all_of:\n");
    static const int k_ports[] = { 16993, 16992, 664, 623, 16995, 16994, 5900 };
    for (int i = 0; i < 7; i++) {
        text_printf(&yaml, "        - { event: device.forward, port: %d }\n", k_ports[i]);
    }
    for (int i = 0; i < 10; i++) {
        text_puts(&yaml, "        - { event: device.forward, port: 1 }\n");
    }
    const struct result_case *c = play_text(&play, *state, text_chars(&yaml));
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_non_null(c->failure->expected);
    uint32_t missing = 0;
    for (const char *at = c->failure->expected; (at = strstr(at, "port=1")) != NULL; at++) {
        missing += at[6] == ' ' || at[6] == '\0' ? 1 : 0;
    }
    assert_int_equal(missing, 10);
    text_fini(&yaml);
    play_end(&play);
}

/* A server of somebody else that is not there: port 1 refuses. */
static const struct result_case *play_at_target(struct play *play, struct pki_set *pki,
                                                const char *steps)
{
    static struct engine_target target = { .role = "mps", .address = { "127.0.0.1", 1 } };
    struct text yaml = { 0 };
    text_puts(&yaml,
              "amtlab: 1\nname: a scenario of the tests\n"
              "spec:\n  - { id: APF-MPS-058, level: must }\n"
              "actors:\n"
              "  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }] }\n"
              "  dev: { kind: device, cira: { to: mps, user: ABCDEFGHIJKLMNOP, "
              "password: P@ssw0rd } }\n"
              "steps:\n");
    text_puts(&yaml, steps);
    play_load(play, text_chars(&yaml));
    text_fini(&yaml);
    assert_int_equal(play->errors.count, 0);
    play->pki = pki;
    play->options.targets = &target;
    play_run(play);
    return play->result.results->case_first;
}

static void a_case_that_saw_nothing_of_its_target_is_unsupported(void **state)
{
    struct play play;
    const struct result_case *c =
        play_at_target(&play, *state,
                       "  - { actor: dev, cira.connect: { wait: false } }\n"
                       "  - { actor: mps, expect: { event: device.online } }\n"
                       "  - check: { mps.metrics.logins: 1 }\n");
    assert_int_equal(c->verdict, RESULT_UNSUPPORTED);
    assert_non_null(strstr(c->reason, "nothing"));
    play_end(&play);
}

static void what_was_not_seen_at_a_target_is_not_claimed(void **state)
{
    struct play play;
    const struct result_case *c =
        play_at_target(&play, *state,
                       "  - { actor: dev, cira.connect: { wait: false } }\n"
                       "  - { actor: dev, expect: { event: cira.failed }, "
                       "spec: [{ id: APF-DEV-042, level: must }] }\n"
                       "  - { actor: mps, expect: { event: device.offline } }\n");
    assert_int_equal(c->verdict, RESULT_PASSED);
    assert_string_equal(c->spec_first->id, "APF-MPS-058");
    assert_int_equal(c->spec_first->verdict, RESULT_UNSUPPORTED);
    assert_string_equal(c->spec_last->id, "APF-DEV-042");
    assert_int_equal(c->spec_last->verdict, RESULT_PASSED);
    play_end(&play);
}

static void a_check_with_a_half_that_is_not_shown_claims_nothing(void **state)
{
    struct play play;
    const struct result_case *c = play_at_target(
        &play, *state, "  - set: { n: 1 }\n  - check: { n: 1, mps.metrics.logins: 1 }\n");
    assert_int_equal(c->verdict, RESULT_PASSED);
    assert_int_equal(c->spec_first->verdict, RESULT_UNSUPPORTED);
    play_end(&play);
}

static void a_target_whose_checks_were_all_seen_keeps_its_requirement(void **state)
{
    struct play play;
    const struct result_case *c =
        play_at_target(&play, *state,
                       "  - { actor: dev, cira.connect: { wait: false } }\n"
                       "  - { actor: dev, expect: { event: cira.failed } }\n");
    assert_int_equal(c->verdict, RESULT_PASSED);
    assert_int_equal(c->spec_first->verdict, RESULT_PASSED);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_of_the_wrong_type_is_an_error_not_a_default),
        cmocka_unit_test(wrong_conditions_and_chances_of_faults_are_found_by_validation),
        cmocka_unit_test(all_of_forgets_none),
        cmocka_unit_test(a_case_that_saw_nothing_of_its_target_is_unsupported),
        cmocka_unit_test(what_was_not_seen_at_a_target_is_not_claimed),
        cmocka_unit_test(a_check_with_a_half_that_is_not_shown_claims_nothing),
        cmocka_unit_test(a_target_whose_checks_were_all_seen_keeps_its_requirement),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
