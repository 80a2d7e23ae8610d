#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "mps/mps.h"

struct reading {
    struct yaml_document *document;
    struct mps_config config;
    struct amt_diag_list errors;
    enum amt_err err;
};

static void read_text(struct reading *r, const char *text)
{
    memset(r, 0, sizeof *r);
    r->document = yaml_load_text(text, "mps.yaml", &r->errors);
    assert_non_null(r->document);
    r->err =
        config_read(mps_config_keys, yaml_root(r->document), "mps.yaml", &r->config, &r->errors);
    if (r->err == AMT_OK) {
        r->err = mps_config_check(&r->config, "mps.yaml", &r->errors);
    }
}

static void done(struct reading *r)
{
    config_fini(mps_config_keys, &r->config);
    amt_diag_list_fini(&r->errors);
    yaml_free(r->document);
}

static void expect_error(const char *text, uint32_t line, const char *part)
{
    struct reading r;
    read_text(&r, text);
    assert_int_equal(r.err, AMT_ECONFIG);
    assert_true(r.errors.count >= 1);
    if (strstr(r.errors.items[0].text, part) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", part, r.errors.items[0].text);
    }
    assert_string_equal(r.errors.items[0].file, "mps.yaml");
    assert_int_equal(r.errors.items[0].line, line);
    assert_int_not_equal(r.errors.items[0].hint[0], '\0');
    done(&r);
}

/* apf.md 9.1, 5.3, 5.2, 12.1; APF-MPS-001, APF-MPS-008, APF-MPS-029, APF-MPS-042 */
static void the_defaults_are_those_of_the_protocol(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "{}");
    assert_int_equal(r.err, AMT_OK);
    assert_int_equal(r.config.listen.count, 1);
    assert_string_equal(r.config.listen.items[0], ":4433");
    assert_int_equal(r.config.idle_limit_us, 90000000);
    assert_int_equal(r.config.pre_auth_limit_us, 30000000);
    assert_int_equal(r.config.open_limit_us, 30000000);
    assert_int_equal(r.config.close_limit_us, 10000000);
    assert_int_equal(r.config.window_bytes, 32768);
    assert_int_equal(r.config.chunk_bytes, 4087);
    assert_int_equal(r.config.max_channels, 64);
    assert_int_equal(r.config.auth_failures_per_session, 1);
    assert_int_equal(r.config.keepalive_interval_us, 30000000);
    assert_int_equal(r.config.keepalive_timeout_us, 0);
    assert_int_equal(r.config.keepalive_quiet_us, 2000000);
    assert_int_equal(r.config.auth, MPS_AUTH_CONFIG);
    assert_int_equal(r.config.tls, MPS_TLS_DEFAULT);
    assert_false(r.config.lenient || r.config.echo_protocol_version || r.config.failure_15_bytes ||
                 r.config.json_control || r.config.sends_chain);
    done(&r);
}

static void users_are_read_from_the_file(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "users:\n"
                  "  - {name: admin, password: secret}\n"
                  "  - {group: mesh//abcdefghijklmnopqrst, uuid: "
                  "4c4c4544-004b-4210-8033-b6c04f504633}\n");
    assert_int_equal(r.err, AMT_OK);
    done(&r);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    expect_error("users:\n  - {nam: admin}\n", 2, "\"nam\" is not a key of a user");
    expect_error("users:\n  - {name: a, group: b}\n", 2, "either a name or a group");
    expect_error("users:\n  - {name: a, uuid: xyz}\n", 2, "a uuid that is one");
    expect_error("users: admin\n", 1, "is a list");
    expect_error("idel_limit: 90s\n", 1, "idel_limit");
    expect_error("idle_limit: ninety\n", 1, "idle_limit");
    expect_error("window: 3B\n", 1, "window");
}

static void addresses_and_files_are_checked_before_the_start(void **state)
{
    (void)state;
    expect_error("listen: ['127.0.0.1:99999']\n", 0, "99999");
    expect_error("client_roots: /nonexistent/roots.pem\n", 0, "/nonexistent/roots.pem");
    expect_error("auth: store\n", 0, "data directory");
    expect_error("api_listen: ['127.0.0.1:0']\n", 0, "data directory");
}

static void all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    struct reading r;
    read_text(&r, "listen: ['127.0.0.1:99999', '[::1']\nauth: store\n");
    assert_int_equal(r.err, AMT_ECONFIG);
    assert_int_equal(r.errors.count, 3);
    done(&r);
}

static void every_key_is_explained(void **state)
{
    (void)state;
    for (const struct config_key *key = mps_config_keys; key->name != NULL; key++) {
        assert_non_null(key->help);
        assert_true(strlen(key->help) > 10);
    }
}

static void a_metric_is_found_by_its_name(void **state)
{
    static const struct mps_statistics k_values = { .logins = 5, .channels_open = 2 };
    uint64_t value = 0;
    (void)state;
    assert_true(metric_find(mps_metrics, &k_values, "logins", &value));
    assert_int_equal(value, 5);
    assert_true(metric_find(mps_metrics, &k_values, "channels_open", &value));
    assert_int_equal(value, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_those_of_the_protocol),
        cmocka_unit_test(users_are_read_from_the_file),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(addresses_and_files_are_checked_before_the_start),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(every_key_is_explained),
        cmocka_unit_test(a_metric_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
