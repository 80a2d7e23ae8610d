/* Which ways into a group are offered, and that the ACM policy lasts as long as its certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mps/mps_internal.h"
#include "mps/onboarding.h"
#include "mps/store/store_internal.h"
#include "mps/tests/world.h"
#include "runtime/yaml.h"

#define CERTS      AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs/"
#define YEAR_US    (INT64_C(365) * 86400 * 1000000)
#define LEAF_END_S UINT64_C(2524607999) /* 2049-12-31T23:59:59Z */

struct fixture {
    struct world w;
    struct yaml_document *document;
    char directory[40];
};

static void begin(struct fixture *f, const char *mode, const char *activation)
{
    char command[300];
    memset(f, 0, sizeof *f);
    world_init(&f->w, false);
    (void)snprintf(f->directory, sizeof f->directory, "/tmp/amtlab-onboard-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    (void)snprintf(command, sizeof command, "%s/data", f->directory);
    world_set(&f->w, "data", command);
    world_set(&f->w, "mode", mode);
    world_set(&f->w, "name", "mps.example.com");
    if (activation != NULL) {
        world_set(&f->w, "activation_listen", "[\"127.0.0.1:8443\"]");
        f->document = yaml_load_text(activation, "test", NULL);
        assert_non_null(f->document);
        f->w.config.activation_node = yaml_root(f->document);
    }
    world_start(&f->w);
}

static void end(struct fixture *f)
{
    char command[100];
    world_fini(&f->w);
    yaml_free(f->document);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->directory);
    assert_int_equal(system(command), 0);
}

static void add(struct fixture *f, const char *name, enum store_group_kind kind)
{
    struct store_group group;
    struct secret plain = { .len = 0 };
    assert_int_equal(store_group_add(f->w.mps->store, name, NULL, NULL, kind, &group, &plain, NULL),
                     AMT_OK);
    secret_fini(&plain);
}

static enum amt_err ask(struct fixture *f, const char *group, struct onboarding *ways,
                        struct amt_diag *diag)
{
    const struct onboarding_question question = { .store = f->w.mps->store,
                                                  .data = f->w.config.data,
                                                  .now_s = loop_wall_us(f->w.loop) / 1000000u };
    return onboarding_ask(&question, group, ways, diag);
}

/* offered: those that are, by name, in order. */
static void expect_ways(struct fixture *f, const char *group, const char *offered)
{
    struct onboarding ways;
    struct amt_diag diag = { .err = AMT_OK };
    char names[100] = "";
    assert_int_equal(ask(f, group, &ways, &diag), AMT_OK);
    for (uint32_t i = 0; i < ONBOARDING_WAYS; i++) {
        const struct onboarding_way *way = &ways.ways[i];
        assert_true((way->why_not == NULL) == (way->command_count > 0));
        if (way->why_not == NULL) {
            size_t used = strlen(names);
            (void)snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : " ",
                           way->name);
        }
    }
    onboarding_fini(&ways);
    assert_string_equal(names, offered);
}

#define CERTIFICATE                                                                   \
    "certificates: [{name: lab, files: [" CERTS "leaf.pem, " CERTS "int2.pem, " CERTS \
    "int1.pem, " CERTS "root.pem], key: " CERTS "leaf.key}]\n"
#define POLICIES                                                                                   \
    "policies:\n  - {group: admin, type: admin}\n  - {group: falls, type: admin, fallback: use}\n" \
    "  - {group: auto, type: automatic}\n  - {group: none, type: none}\n"                          \
    "  - {group: pcs, type: client}\n"

static void mode_and_kind_decide_the_ways(void **state)
{
    static const struct {
        const char *mode, *amt, *agent;
    } k_modes[] = {
        { "hybrid", "local scan cira activation", "agent" },
        { "lan", "local scan activation", "agent" },
        { "wan", "cira activation", "agent" },
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        begin(&f, k_modes[i].mode, CERTIFICATE POLICIES);
        assert_int_equal(mps_listener_count(f.w.mps), i == 1 ? 0 : 1); /* ACT-SRV-059 */
        add(&f, "auto", STORE_GROUP_AMT);
        add(&f, "admin", STORE_GROUP_AMT);
        add(&f, "pcs", STORE_GROUP_AGENT);
        expect_ways(&f, "auto", k_modes[i].amt);
        expect_ways(&f, "admin", k_modes[i].amt);
        expect_ways(&f, "pcs", k_modes[i].agent);
        end(&f);
    }
}

static void the_policy_decides_about_activation(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, "wan", POLICIES); /* and no certificate */
    add(&f, "admin", STORE_GROUP_AMT);
    add(&f, "falls", STORE_GROUP_AMT);
    add(&f, "auto", STORE_GROUP_AMT);
    add(&f, "none", STORE_GROUP_AMT);
    add(&f, "without", STORE_GROUP_AMT);
    expect_ways(&f, "admin", "cira");
    expect_ways(&f, "falls", "cira activation"); /* it falls back to client control mode */
    expect_ways(&f, "auto", "cira activation");
    expect_ways(&f, "none", "cira");
    expect_ways(&f, "without", "cira");
    end(&f);
    begin(&f, "wan", NULL); /* no activation server */
    add(&f, "auto", STORE_GROUP_AMT);
    expect_ways(&f, "auto", "cira");
    end(&f);
}

static void the_acm_policy_ends_with_the_certificate_and_comes_back(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f, "hybrid", CERTIFICATE POLICIES);
    add(&f, "admin", STORE_GROUP_AMT);
    world_expect_event(&f.w, "activation.acm_offered", "until=2524607999");
    expect_ways(&f, "admin", "local scan cira activation");
    int64_t left_us = (int64_t)(LEAF_END_S * 1000000u - loop_wall_us(f.w.loop));
    loop_wall_shift(f.w.loop, left_us - 1000000);
    world_run(&f.w, 61 * SECOND_US);
    assert_int_equal(world_count(&f.w, "activation.acm_withdrawn"), 1);
    expect_ways(&f, "admin", "local scan cira");
    world_run(&f.w, 600 * SECOND_US);
    assert_int_equal(world_count(&f.w, "activation.acm_withdrawn"), 1); /* said once */
    loop_wall_shift(f.w.loop, -YEAR_US);
    world_run(&f.w, 61 * SECOND_US);
    assert_int_equal(world_count(&f.w, "activation.acm_offered"), 2);
    expect_ways(&f, "admin", "local scan cira activation");
    end(&f);
}

static void what_cannot_be_answered_is_said(void **state)
{
    struct fixture f;
    struct onboarding ways;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    begin(&f, "hybrid", NULL);
    assert_int_equal(ask(&f, "nobody", &ways, &diag), AMT_EUNKNOWN);
    assert_non_null(strstr(diag.text, "no group \"nobody\""));
    onboarding_fini(&ways);
    add(&f, "it's a group", STORE_GROUP_AMT);
    assert_int_equal(
        store_execute(f.w.mps->store, "DELETE FROM meta WHERE key LIKE 'note:%'", NULL), AMT_OK);
    assert_int_equal(ask(&f, "it's a group", &ways, &diag), AMT_EUNKNOWN);
    assert_non_null(strstr(diag.text, "no server has run"));
    onboarding_fini(&ways);
    end(&f);
}

/* A name that a shell would take apart comes back whole. */
static void commands_quote_names(void **state)
{
    struct fixture f;
    struct onboarding ways;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    begin(&f, "lan", NULL);
    add(&f, "it's; rm", STORE_GROUP_AMT);
    assert_int_equal(ask(&f, "it's; rm", &ways, &diag), AMT_OK);
    assert_non_null(
        strstr(text_chars(&ways.ways[ONBOARD_LOCAL].commands[0]), "--group 'it'\\''s; rm' "));
    onboarding_fini(&ways);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mode_and_kind_decide_the_ways),
        cmocka_unit_test(the_policy_decides_about_activation),
        cmocka_unit_test(the_acm_policy_ends_with_the_certificate_and_comes_back),
        cmocka_unit_test(what_cannot_be_answered_is_said),
        cmocka_unit_test(commands_quote_names),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
