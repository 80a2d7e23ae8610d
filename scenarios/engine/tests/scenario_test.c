#include "scenarios/engine/scenario.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/tests/play.h"

/* Deliberately wrong documents, each with what its first error must say. */
static const struct wrong {
    const char *yaml;
    uint32_t line;
    const char *text, *hint;
} k_wrong[] = {
    { "amtlab: 2\nname: a scenario\nactors: { op: { kind: mps } }\nsteps: [{ wait: 1s }]\n", 1,
      "language version 2", "version 1" },
    { "amtlab: 1\nname: a scenario\nactors: { m: { kind: mps } }\nstepz: []\n", 4,
      "unknown key 'stepz'", "did you mean 'steps'" },
    { PLAY_HEAD "steps:\n  - { actor: dev, cira.conect: {} }\n", 9, "unknown verb or key",
      "did you mean 'cira.connect'" },
    { PLAY_HEAD "steps:\n  - { actor: dvv, cira.connect: {} }\n", 9, "no actor 'dvv'", "dev" },
    { PLAY_HEAD "steps:\n  - { actor: mps, cira.connect: {} }\n", 9, "cannot be done by 'mps'",
      "device" },
    { PLAY_HEAD "steps:\n  - { cira.connect: {} }\n", 9, "needs an actor", "actor" },
    { PLAY_HEAD "steps:\n  - { wait: 40 }\n", 9, "wanted a duration", "" },
    { PLAY_HEAD "steps:\n  - { wait: 1s, log: x }\n", 9, "has one verb", "two steps" },
    { PLAY_HEAD "steps:\n  - { name: nothing }\n", 9, "does nothing", "" },
    { PLAY_HEAD "steps:\n  - { actor: raw, expect: { msg: apf.chanel_open } }\n", 9,
      "unknown message", "apf.channel_open" },
    { PLAY_HEAD "steps:\n  - { actor: raw, expect: { msg: apf.disconnect, reasn: 2 } }\n", 9,
      "no field 'reasn'", "did you mean 'reason'" },
    { PLAY_HEAD "steps:\n  - { actor: raw, expect: { msg: apf.disconnect, event: x } }\n", 9,
      "exactly one", "" },
    { PLAY_HEAD "steps:\n  - { actor: raw, apf.send: { type: service_reqest } }\n", 9,
      "unknown message", "service_request" },
    { PLAY_HEAD "steps:\n  - { check: { x: { gr: 5, ge: 1 } } }\n", 9, "matcher 'gr'", "" },
    { PLAY_HEAD "steps:\n  - { log: \"${nobody.name}\" }\n", 9,
      "no variable, capture or actor 'nobody'", "" },
    { PLAY_HEAD "steps:\n  - { fault.arm: net }\n", 9, "no fault with id 'net'", "" },
    { PLAY_HEAD "steps:\n  - { repeat: 3 }\n", 9, "repeat needs do", "" },
    { PLAY_HEAD "steps:\n  - { wait: 1s, grade: most }\n", 9, "'grade' cannot be 'most'",
      "did you mean 'must'" },
    { PLAY_HEAD "faults: [{ at: dev.tcp.up, do: { drop: true } }]\nsteps: [{ wait: 1s }]\n", 8,
      "no place for a fault", "dev.tcp.out" },
    { PLAY_HEAD "faults: [{ at: dev.tcp.in, do: { dorp: true } }]\nsteps: [{ wait: 1s }]\n", 8,
      "unknown fault verb", "did you mean 'drop'" },
    { PLAY_HEAD "faults: [{ at: dev.tcp.in, do: { apf_type: 3 } }]\nsteps: [{ wait: 1s }]\n", 8,
      "does not work at this layer", "apf" },
    { PLAY_HEAD "faults: [{ at: raw.tcp.in, do: { drop: true } }]\nsteps: [{ wait: 1s }]\n", 8,
      "cannot be put at 'raw'", "device or an mps" },
    { PLAY_HEAD "faults: [{ at: dev.wsman.out, when: { clas: X }, do: { drop: true } }]\n"
                "steps: [{ wait: 1s }]\n",
      8, "have no 'clas'", "did you mean 'class'" },
    { PLAY_HEAD "faults: [{ at: dev.wsman.out, do: { throttle: 1KiB/s } }]\n"
                "steps: [{ wait: 1s }]\n",
      8, "does not work at this layer", "apf" },
    { PLAY_HEAD "steps:\n  - { wait: 1s, when: \"a == 1\" }\n", 9, "wants an expression",
      "${a == 1}" },
    { PLAY_HEAD "steps:\n  - { actor: op, wsman.get: { device: x } }\n", 9, "'class'", "" },
    { PLAY_HEAD "steps:\n  - { actor: dev, wsman.get: { device: x, class: X } }\n", 9,
      "cannot be done by 'dev'", "console" },
    { PLAY_HEAD "include: [no-such-file.yaml]\nsteps: [{ wait: 1s }]\n", 0, "cannot read", "" },
    { PLAY_HEAD "steps:\n  - { actor: raw, call: { file: no-such.yaml } }\n", 0, "cannot read",
      "" },
    { PLAY_HEAD "steps:\n  - { actor: raw, call: { file: " AMTLAB_SOURCE_DIR
                "/scenarios/common/login.yaml, params: { colour: 1 } } }\n",
      9, "no parameter 'colour'", "" },
    { PLAY_HEAD "matrix: { a: 5 }\nsteps: [{ wait: 1s }]\n", 8, "wants a list", "" },
    { "amtlab: 1\nname: a scenario\nactors: { m: { kind: mbs } }\nsteps: [{ wait: 1s }]\n", 3,
      "unknown kind of actor 'mbs'", "kinds:" },
    { "amtlab: 1\nname: a scenario\nactors: { m: { kind: mps, idle_limt: 3s } }\n"
      "steps: [{ wait: 1s }]\n",
      3, "idle_limt", "idle_limit" },
    { "amtlab: 1\nname: a scenario\nactors: { m: { kind: mps, idle_limit: 3 } }\n"
      "steps: [{ wait: 1s }]\n",
      3, "idle_limit", "" },
    { "amtlab: 1\nname: a scenario\nactors: { d: { kind: device, cira: { to: nobody } } }\n"
      "steps: [{ wait: 1s }]\n",
      3, "no actor 'nobody'", "" },
};

static void each_wrong_document_is_refused_with_its_place_and_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        struct play play;
        play_load(&play, k_wrong[i].yaml);
        assert_true(play.errors.count > 0);
        const struct amt_diag *diag = &play.errors.items[0];
        bool is_right = strstr(diag->text, k_wrong[i].text) != NULL &&
                        (strstr(diag->hint, k_wrong[i].hint) != NULL ||
                         strstr(diag->text, k_wrong[i].hint) != NULL) &&
                        (k_wrong[i].line == 0 || diag->line == k_wrong[i].line);
        if (!is_right) {
            print_error("document %zu:\n", i);
            amt_diag_print(diag, stderr);
        }
        assert_true(is_right);
        play_end(&play);
    }
}

static void all_errors_are_reported_not_only_the_first(void **state)
{
    (void)state;
    struct play play;
    play_load(&play, PLAY_HEAD "bad: 1\nsteps:\n  - { wait: x }\n  - { nosuch: 1 }\n");
    assert_int_equal(play.errors.count, 3);
    play_end(&play);
}

static void what_belongs_to_other_parts_is_named_and_no_error(void **state)
{
    (void)state;
    struct play play;
    play_load(&play, PLAY_HEAD "steps:\n  - { actor: op, kvm.open: { class: X } }\n"
                               "  - { actor: op, sol.open: {} }\n");
    assert_int_equal(play.errors.count, 0);
    const struct scenario_need *need = play.suite.scenarios->needs;
    assert_string_equal(need->what, "kvm.open");
    assert_string_equal(need->part, "redirection");
    assert_string_equal(need->next->what, "sol.open");
    play_end(&play);
}

static void a_matrix_gives_the_product_in_order_without_what_is_excluded(void **state)
{
    (void)state;
    struct play play;
    static const char *const k_keys[] = { "#a=1,b=x", "#a=2,b=x", "#a=2,b=y" };
    play_load(&play, PLAY_HEAD "id: t\nmatrix: { a: [1, 2], b: [{ key: x, v: 1 }, { key: y }], "
                               "exclude: [{ a: 1, b: y }] }\nsteps: [{ wait: 1s }]\n");
    assert_int_equal(play.errors.count, 0);
    assert_int_equal(play.suite.case_count, 3);
    uint32_t n = 0;
    for (const struct suite_case *c = play.suite.cases; c != NULL; c = c->next, n++) {
        assert_string_equal(c->id + 1, k_keys[n]);
    }
    play_end(&play);
}

static void the_shipped_scenarios_are_valid(void **state)
{
    (void)state;
    struct suite suite = { .case_count = 0 };
    struct amt_diag_list errors = { 0 };
    assert_int_equal(suite_add(&suite, AMTLAB_SOURCE_DIR "/scenarios/library", NULL, &errors),
                     AMT_OK);
    amt_diag_list_print(&errors, stderr);
    assert_int_equal(errors.count, 0);
    assert_true(suite.scenario_count >= 20);
    for (const struct scenario *at = suite.scenarios; at != NULL; at = at->next) {
        /* a scenario says which requirement, or which failure of the field, it is for */
        assert_true(at->specs != NULL || at->fields != NULL);
    }
    amt_diag_list_fini(&errors);
    suite_free(&suite);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_document_is_refused_with_its_place_and_what_to_do),
        cmocka_unit_test(all_errors_are_reported_not_only_the_first),
        cmocka_unit_test(what_belongs_to_other_parts_is_named_and_no_error),
        cmocka_unit_test(a_matrix_gives_the_product_in_order_without_what_is_excluded),
        cmocka_unit_test(the_shipped_scenarios_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
