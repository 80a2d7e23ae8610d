#include "scenarios/engine/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "scenarios/engine/secrets.h"

struct fixture {
    struct arena pool;
    struct amt_random random;
    struct secrets secrets;
    struct value *known;
    struct expr_scope scope;
    struct amt_diag diag;
};

static const struct value *find(void *ctx, const char *path, struct amt_diag *diag)
{
    const struct value *value = value_path(ctx, path);
    if (value == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "unknown %s", path);
    }
    return value;
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->known = value_map(&f->pool);
    f->secrets.pool = &f->pool;
    amt_random_seed(&f->random, 7, "test");
    value_put(&f->pool, f->known, "n", value_int(&f->pool, 5));
    value_put(&f->pool, f->known, "name", value_text(&f->pool, "pc"));
    f->scope = (struct expr_scope){ .pool = &f->pool,
                                    .find = find,
                                    .ctx = f->known,
                                    .random = &f->random,
                                    .wall_us = 1767225600000000u,
                                    .folder = AMTLAB_SOURCE_DIR "/scenarios/engine/tests",
                                    .secrets = &f->secrets };
}

static const char *show(struct fixture *f, const char *text)
{
    struct value *value = expr_scalar(&f->scope, text, false, &f->diag);
    return value == NULL ? "error" : value_show(&f->pool, value);
}

static void operators_bind_as_the_language_says(void **state)
{
    (void)state;
    static const struct row {
        const char *text, *result;
    } k_rows[] = {
        { "${1 + 2 * 3}", "7" },
        { "${(1 + 2) * 3}", "9" },
        { "${10 - 2 - 3}", "5" },
        { "${-n + 6}", "1" },
        { "${1 < 2 and 2 < 3}", "true" },
        { "${false or 1 == 1}", "true" },
        { "${not n == 5}", "false" },
        { "${n in [1, 5]}", "true" },
        { "${\"a\" in \"cat\"}", "true" },
        { "${3 in [1, 2]}", "false" },
        { "${name == \"pc\" and n >= 5}", "true" },
        { "${\"a\" + n}", "\"a5\"" },
        { "${len([1] + [2, 3])}", "3" },
        { "${n != 5 or not false}", "true" },
    };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        assert_string_equal(show(&f, k_rows[i].text), k_rows[i].result);
    }
    arena_fini(&f.pool);
}

static void durations_stay_durations(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_string_equal(show(&f, "${90s * 2}"), "\"3m\"");
    assert_string_equal(show(&f, "${1s + 500ms}"), "\"1500ms\"");
    assert_string_equal(show(&f, "${90s > 1m}"), "true");
    arena_fini(&f.pool);
}

static void a_lone_reference_keeps_its_type_and_others_make_text(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_string_equal(show(&f, "${n}"), "5");
    assert_string_equal(show(&f, "n=${n}, ${name}"), "\"n=5, pc\"");
    assert_string_equal(show(&f, "$${n}"), "\"${n}\"");
    assert_string_equal(show(&f, "plain"), "\"plain\"");
    arena_fini(&f.pool);
}

static void functions_compute_what_they_are_called(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_string_equal(show(&f, "${upper(\"aBc1\") + lower(\"DeF\")}"), "\"ABC1def\"");
    assert_string_equal(show(&f, "${hex(255)}"), "\"ff\"");
    assert_string_equal(show(&f, "${hex(\"AZ\")}"), "\"415a\"");
    /* the vector of wsman.md 1.6 */
    assert_string_equal(show(&f, "${ha1('admin', 'Digest:0123456789ABCDEF0123456789ABCDEF', "
                                 "'P@ssw0rd')}"),
                        "\"tnEEhfhuYXTMp0BFGN9W2g==\"");
    assert_string_equal(show(&f, "${md5(\"abc\")}"), "\"900150983cd24fb0d6963f7d28e17f72\"");
    assert_string_equal(show(&f, "${found('a=\"x\",b=\"yz\"', 'b=\"([^\"]*)\"')}"), "\"yz\"");
    assert_string_equal(show(&f, "${without('a1b22c', '[0-9]+')}"), "\"abc\"");
    assert_string_equal(show(&f, "${without('abc', 'x*')}"), "\"abc\"");
    assert_string_equal(show(&f, "${found('abc', 'b.')}"), "\"bc\"");
    assert_string_equal(show(&f, "${found('abc', 'd(.)')}"), "\"\"");
    assert_string_equal(show(&f, "${sha256(\"abc\")}"),
                        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
    assert_string_equal(show(&f, "${len(bytes(12))}"), "12");
    assert_string_equal(show(&f, "${now()}"), "1767225600");
    assert_string_equal(show(&f, "${rand(3, 3)}"), "3");
    assert_string_equal(show(&f, "${len(uuid())}"), "36");
    arena_fini(&f.pool);
}

static void chance_comes_from_the_seed(void **state)
{
    (void)state;
    struct fixture a, b;
    begin(&a);
    begin(&b);
    assert_string_equal(show(&a, "${uuid()}"), show(&b, "${uuid()}"));
    assert_string_equal(show(&a, "${rand(1000000)}"), show(&b, "${rand(1000000)}"));
    assert_string_not_equal(show(&a, "${uuid()}"), show(&a, "${uuid()}"));
    arena_fini(&a.pool);
    arena_fini(&b.pool);
}

static void what_env_gives_is_secret_and_its_default_is_not(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_int_equal(setenv("AMTLAB_TEST_SECRET", "s3cret-word", 1), 0);
    assert_string_equal(show(&f, "${env(\"AMTLAB_TEST_SECRET\")}"), "(hidden)");
    assert_string_equal(show(&f, "it is ${env(\"AMTLAB_TEST_SECRET\")}"), "(hidden)");
    assert_string_equal(secrets_hide(&f.secrets, &f.pool, "say s3cret-word!"), "say (hidden)!");
    assert_string_equal(show(&f, "${env(\"AMTLAB_NOT_SET\", \"other\")}"), "\"other\"");
    assert_string_equal(show(&f, "${env(\"AMTLAB_NOT_SET\")}"), "error");
    assert_int_equal(unsetenv("AMTLAB_TEST_SECRET"), 0);
    arena_fini(&f.pool);
}

static void errors_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct row {
        const char *text, *part;
    } k_rows[] = {
        { "${nothing}", "unknown nothing" },
        { "${n +}", "a value" },
        { "${n", "'}'" },
        { "${(n}", "')'" },
        { "${[1, 2}", "']'" },
        { "${\"open}", "closing quote" },
        { "${12xyz}", "a number" },
        { "${foo(1)}", "unknown function foo()" },
        { "${len()}", "takes 1 to 1" },
        { "${len(1)}", "wants a text" },
        { "${n - \"x\"}", "cannot take" },
        { "${1 in 2}", "cannot take" },
        { "${rand(0)}", "rand()" },
        { "${bytes(99999999)}", "bytes()" },
        { "${9223372036854775807 + 1}", "64 bits" },
        { "${file(\"no-such-file\")}", "cannot be read" },
        { "${n n}", "an operator or '}'" },
    };
    struct fixture f;
    begin(&f);
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        memset(&f.diag, 0, sizeof f.diag);
        assert_string_equal(show(&f, k_rows[i].text), "error");
        assert_non_null(strstr(f.diag.text, k_rows[i].part));
    }
    arena_fini(&f.pool);
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    struct fixture f;
    char text[64];
    begin(&f);
    memset(text, '(', sizeof text);
    memcpy(text, "${", 2);
    text[sizeof text - 1] = '\0';
    assert_string_equal(show(&f, text), "error");
    assert_non_null(strstr(f.diag.text, "less nesting"));
    arena_fini(&f.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_the_language_says),
        cmocka_unit_test(durations_stay_durations),
        cmocka_unit_test(a_lone_reference_keeps_its_type_and_others_make_text),
        cmocka_unit_test(functions_compute_what_they_are_called),
        cmocka_unit_test(chance_comes_from_the_seed),
        cmocka_unit_test(what_env_gives_is_secret_and_its_default_is_not),
        cmocka_unit_test(errors_say_what_is_wrong),
        cmocka_unit_test(nesting_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
