/* Deliberate defects: a scenario that does not notice one fails, and for the right reason only. */
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

#define STEPS                                \
    "steps:\n"                               \
    "  - { actor: dev, cira.connect: {} }\n" \
    "  - wait: 10s\n"                        \
    "  - { name: it is there, check: { mps.devices: { len: 1 }, wanted: 1 } }\n"

/* Plays the defect of the scenario; the verdict and what was said. */
static void judged(struct pki_set *pki, const char *defects, const char *verdict, const char *words)
{
    struct play play;
    struct text yaml = { 0 };
    text_printf(&yaml, "%svars: { wanted: 1 }\ndefects:\n%s%s", PLAY_HEAD, defects, STEPS);
    play_load(&play, text_chars(&yaml));
    assert_int_equal(play.errors.count, 0);
    uint32_t count = 0;
    struct scenario *scenario = play.suite.scenarios;
    play.suite.cases->matrix = matrix_defects(scenario, &count);
    assert_int_equal(count, 1);
    play.pki = pki;
    play_run(&play);
    const struct result_case *c = play.result.results->case_first;
    const char *said = c->failure != NULL ? c->failure->message : c->reason;
    if (strcmp(result_verdict_name(c->verdict), verdict) != 0 || strstr(said, words) == NULL) {
        fail_msg("%s: %s, \"%s\"", defects, result_verdict_name(c->verdict), said);
    }
    assert_null(c->spec_first);
    text_fini(&yaml);
    play_end(&play);
}

static void a_defect_that_is_found_passes(void **state)
{
    judged(*state, "  - { key: one, name: it is wrong, vars: { wanted: 2 }, fails: it is there }\n",
           "passed", "it is wrong: found");
    judged(*state,
           "  - { key: one, name: mute, faults: [{ at: mps.apf.out, do: { drop: true } }] }\n",
           "passed", "mute: found");
    judged(*state,
           "  - { key: one, name: gone, actors: { dev: { cira: { lifetime: 5s, reconnect: { "
           "disabled: true } } } } }\n",
           "passed", "gone: found");
}

static void a_defect_that_nobody_notices_is_a_failure(void **state)
{
    judged(*state, "  - { key: one, name: slow, actors: { mps: { idle_limit: 80s } } }\n", "failed",
           "nothing failed although this is wrong: slow");
}

static void a_defect_must_be_found_where_it_shows(void **state)
{
    judged(*state, "  - { key: one, name: odd, vars: { wanted: 2 }, fails: another step }\n",
           "failed", "wanted 'another step'");
}

static void a_defect_that_cannot_be_set_up_is_an_error(void **state)
{
    judged(*state, "  - { key: one, name: odd, actors: { mps: { idle_limit: \"${wanted}\" } } }\n",
           "error", "idle_limit");
}

static const struct wrong {
    const char *defect, *text;
} k_wrong[] = {
    { "{ key: a, name: b }", "changes nothing" },
    { "{ key: a, vars: { wanted: 2 } }", "needs 'name'" },
    { "{ key: a, name: b, vars: { wnated: 2 } }", "no variable 'wnated'" },
    { "{ key: a, name: b, actors: { mp: { idle_limit: 0 } } }", "no actor 'mp'" },
    { "{ key: a, name: b, faults: [{ at: dev.tcp.up, do: { drop: true } }] }", "no place" },
    { "{ key: a, name: b, vars: { wanted: 2 }, case: { x: 9 } }", "fits no case" },
    { "{ key: a, name: b, actor: {} }", "unknown key 'actor'" },
};

static void wrong_defects_are_found_by_validation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct play play;
        struct text yaml = { 0 };
        text_printf(&yaml, "%svars: { wanted: 1 }\nmatrix: { x: [1, 2] }\ndefects:\n  - %s\n%s",
                    PLAY_HEAD, k_wrong[i].defect, STEPS);
        play_load(&play, text_chars(&yaml));
        if (play.errors.count == 0 || strstr(play.errors.items[0].text, k_wrong[i].text) == NULL) {
            fail_msg("%s: \"%s\"", k_wrong[i].defect,
                     play.errors.count == 0 ? "" : play.errors.items[0].text);
        }
        text_fini(&yaml);
        play_end(&play);
    }
}

static void each_defect_is_a_case_of_its_own(void **state)
{
    struct play play;
    uint32_t count = 0;
    (void)state;
    play_load(&play, PLAY_HEAD "vars: { wanted: 1 }\nmatrix: { x: [1, 2] }\ndefects:\n"
                               "  - { key: a, name: b, vars: { wanted: 2 } }\n"
                               "  - { key: c, name: d, vars: { x: 5 }, case: { x: 2 } }\n" STEPS);
    assert_int_equal(play.errors.count, 0);
    assert_int_equal(play.suite.case_count, 2);
    const struct matrix_case *c = matrix_defects(play.suite.scenarios, &count);
    assert_int_equal(count, 2);
    assert_string_equal(c->key, "defect=a,x=1");
    assert_string_equal(c->next->key, "defect=c,x=2");
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_defect_that_is_found_passes),
        cmocka_unit_test(a_defect_that_nobody_notices_is_a_failure),
        cmocka_unit_test(a_defect_must_be_found_where_it_shows),
        cmocka_unit_test(a_defect_that_cannot_be_set_up_is_an_error),
        cmocka_unit_test(wrong_defects_are_found_by_validation),
        cmocka_unit_test(each_defect_is_a_case_of_its_own),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
