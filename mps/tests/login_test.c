/* Who gets in, who does not, and what a stranger learns: apf.md 8. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "mps/tests/world.h"

static const uint8_t k_failure[] = "\x33\0\0\0\x08password";
#define FAILURE_BYTES 14u /* with the terminator as the partial-success byte */

static void try_login(struct peer *p, uint32_t number, const char *user, const char *password)
{
    struct bytes out = { .max = 0 };
    peer_hello(p, number);
    say_userauth(&out, user, APF_METHOD_NAME_PASSWORD, password);
    peer_say(p, &out);
}

static void good(bool is_tls)
{
    struct world w;
    struct peer p;
    world_init(&w, is_tls);
    world_start(&w);
    peer_connect(&w, &p);
    peer_log_in(&p, 7, USER, PASSWORD);
    peer_expect_silence(&p);
    assert_int_equal(mps_statistics(w.mps)->logins, 1);
    assert_int_equal(mps_statistics(w.mps)->sessions, 1);
    assert_int_equal(mps_statistics(w.mps)->unauthenticated, 0);
    peer_close(&p);
    world_run(&w, SECOND_US);
    assert_int_equal(mps_statistics(w.mps)->sessions, 0);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    world_fini(&w);
}

/* APF-MPS-023 */
static void a_good_login_gets_one_success(void **state)
{
    (void)state;
    world_both(good);
}

static void bad(bool is_tls)
{
    static const struct {
        uint32_t number;
        const char *user, *password;
    } k_cases[] = {
        { 7, USER, "P@ssw0rd-onf" },  { 7, USER, "" },
        { 7, "nobody", PASSWORD },    { 7, "", PASSWORD },
        { 8, OWNER, OWNER_PASSWORD }, { 7, OWNER, PASSWORD },
    };
    struct world w;
    world_init(&w, is_tls);
    world_start(&w);
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct peer p;
        peer_connect(&w, &p);
        try_login(&p, k_cases[i].number, k_cases[i].user, k_cases[i].password);
        peer_expect_bytes(&p, k_failure, FAILURE_BYTES);
        assert_true(p.has_ended);
        assert_int_equal(p.end.kind, STREAM_END_FIN);
        peer_close(&p);
        assert_int_equal(mps_statistics(w.mps)->login_failures, i + 1);
    }
    assert_int_equal(mps_statistics(w.mps)->logins, 0);
    assert_int_equal(mps_statistics(w.mps)->sessions, 0);
    world_fini(&w);
}

/* APF-MPS-024, APF-MPS-026: user, device or password wrong, the answer is the same */
static void bad_logins_all_look_the_same(void **state)
{
    (void)state;
    world_both(bad);
}

static void the_log_says_why_a_login_failed(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 7, USER, "wrong");
    peer_close(&p);
    world_expect_event(&w, "login.failed", "reason=wrong password");
    world_expect_event(&w, "login.failed", "user=" USER);
    world_expect_event(&w, "login.failed", "uuid=00000000-0000-0000-0000-000000000007");
    peer_connect(&w, &p);
    try_login(&p, 7, "nobody", "wrong");
    peer_close(&p);
    world_expect_event(&w, "login.failed", "reason=unknown user or device");
    world_expect_event(&w, "session.ended", "reason=auth_failed");
    world_fini(&w);
}

/* APF-MPS-025 */
static void the_failure_can_have_15_bytes(void **state)
{
    uint8_t expected[FAILURE_BYTES + 1] = { 0 };
    (void)state;
    struct world w;
    struct peer p;
    memcpy(expected, k_failure, FAILURE_BYTES);
    world_init(&w, false);
    world_set(&w, "failure_15_bytes", "true");
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 7, USER, "wrong");
    peer_expect_bytes(&p, expected, sizeof expected);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-029, OA-03 */
static void more_attempts_only_when_configured(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_set(&w, "auth_failures_per_session", "2");
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 7, USER, "wrong");
    peer_expect_bytes(&p, k_failure, FAILURE_BYTES);
    assert_false(p.has_ended);
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
    peer_say(&p, &out);
    (void)peer_expect(&p, APF_USERAUTH_SUCCESS);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-030, OA-04 */
static void nothing_is_granted_behind_a_failed_login(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_set(&w, "auth_failure_delay", "2s");
    world_start(&w);
    peer_connect(&w, &p);
    say_version(&out, 7);
    say_service(&out, APF_SERVICE_AUTH);
    say_userauth(&out, USER, APF_METHOD_NAME_PASSWORD, "wrong");
    say_service(&out, APF_SERVICE_PFWD);
    say_request(&out, APF_REQUEST_FORWARD, 16992);
    peer_say(&p, &out);
    (void)peer_expect(&p, APF_SERVICE_ACCEPT);
    peer_expect_silence(&p);
    assert_false(p.has_ended);
    world_run(&w, 3 * SECOND_US);
    peer_expect_bytes(&p, k_failure, FAILURE_BYTES);
    assert_true(p.has_ended);
    peer_close(&p);
    world_fini(&w);
}

static void method_none(bool is_tls, const struct pki_identity *identity, uint32_t number,
                        bool is_good)
{
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, is_tls);
    w.client_identity = identity;
    world_start(&w);
    peer_connect(&w, &p);
    peer_hello(&p, number);
    say_userauth(&out, "", APF_METHOD_NAME_NONE, NULL);
    peer_say(&p, &out);
    if (is_good) {
        (void)peer_expect(&p, APF_USERAUTH_SUCCESS);
    } else {
        peer_expect_bytes(&p, k_failure, FAILURE_BYTES);
        assert_true(p.has_ended);
    }
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-004, APF-MPS-027, MC-21 */
static void method_none_needs_a_verified_certificate_of_this_device(void **state)
{
    (void)state;
    method_none(false, NULL, 7, false);
    method_none(true, NULL, 7, false);
    method_none(true, world_pki()->client, 7, true);
    method_none(true, world_pki()->client, 8, false);   /* another device's */
    method_none(true, world_pki()->stranger, 7, false); /* self-signed with the right name */
}

/* APF-MPS-027 */
static void a_certificate_may_be_bound_to_a_device_by_its_fingerprint(void **state)
{
    (void)state;
    char print[65];
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    pki_fingerprint(world_pki()->client, print);
    const struct mps_user user = { .name = "any",
                                   .password = "any",
                                   .certificate = print,
                                   .uuid = "00000000-0000-0000-0000-000000000009" };
    world_init(&w, true);
    w.client_identity = world_pki()->client;
    w.config.users = &user;
    w.config.user_count = 1;
    world_start(&w);
    for (uint32_t number = 7; number <= 9; number += 2) {
        peer_connect(&w, &p);
        peer_hello(&p, number);
        say_userauth(&out, "", APF_METHOD_NAME_NONE, NULL);
        peer_say(&p, &out);
        (void)peer_expect(&p, number == 9 ? APF_USERAUTH_SUCCESS : APF_USERAUTH_FAILURE);
        peer_close(&p);
    }
    world_fini(&w);
}

/* APF-MPS-028 */
static void an_unknown_method_ends_with_failure_and_disconnect_14(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    struct bytes out = { .max = 0 };
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &p);
    peer_hello(&p, 7);
    say_userauth(&out, USER, "digest", NULL);
    peer_say(&p, &out);
    (void)peer_expect(&p, APF_USERAUTH_FAILURE);
    peer_expect_disconnect(&p, APF_NO_MORE_AUTH_METHODS_AVAILABLE);
    peer_close(&p);
    world_fini(&w);
}

static void expect_mode(const char *auth, bool is_good)
{
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_set(&w, "auth", auth);
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 1, "whoever", "whatever");
    (void)peer_expect(&p, is_good ? APF_USERAUTH_SUCCESS : APF_USERAUTH_FAILURE);
    peer_close(&p);
    peer_connect(&w, &p);
    try_login(&p, 1, USER, PASSWORD);
    (void)peer_expect(&p, is_good ? APF_USERAUTH_SUCCESS : APF_USERAUTH_FAILURE);
    peer_close(&p);
    world_fini(&w);
}

/* apf.md 8.4 */
static void any_lets_everybody_in_and_deny_nobody(void **state)
{
    (void)state;
    expect_mode("any", true);
    expect_mode("deny", false);
}

/* APF-MPS-031 */
static void a_group_logs_in_with_the_first_16_characters_of_its_id(void **state)
{
    static const struct mps_user k_user = {
        .group = "mesh//a@b$efghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01",
        .password = "secret",
    };
    static const struct {
        const char *user;
        bool is_good;
    } k_cases[] = { { "aXbXefghijklmnop", true },
                    { "aXbXefghijklmno", false },
                    { "aXbXefghijklmnopq", false },
                    { "a@b$efghijklmnop", false } };
    (void)state;
    struct world w;
    world_init(&w, false);
    w.config.users = &k_user;
    w.config.user_count = 1;
    world_start(&w);
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct peer p;
        peer_connect(&w, &p);
        try_login(&p, 1, k_cases[i].user, "secret");
        (void)peer_expect(&p, k_cases[i].is_good ? APF_USERAUTH_SUCCESS : APF_USERAUTH_FAILURE);
        peer_close(&p);
    }
    world_fini(&w);
}

/* apf.md 9.5 */
static void too_many_failures_lock_the_address_out_for_a_while(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_set(&w, "auth_failures_per_address", "2");
    world_set(&w, "auth_failure_window", "60s");
    world_start(&w);
    for (int i = 0; i < 2; i++) {
        peer_connect(&w, &p);
        try_login(&p, 1, i == 0 ? "one" : "two", "wrong");
        peer_close(&p);
    }
    peer_connect(&w, &p);
    try_login(&p, 1, USER, PASSWORD);
    peer_expect_bytes(&p, k_failure, FAILURE_BYTES); /* APF-MPS-026: the same answer */
    peer_close(&p);
    assert_int_equal(mps_statistics(w.mps)->login_lockouts, 1);
    world_expect_event(&w, "login.locked_out", "peer=127.0.0.1");
    world_run(&w, 61 * SECOND_US);
    peer_connect(&w, &p);
    peer_log_in(&p, 1, USER, PASSWORD);
    peer_close(&p);
    world_fini(&w);
}

static void too_many_failures_lock_the_user_out_for_a_while(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_set(&w, "auth_failures_per_address", "0");
    world_set(&w, "auth_failures_per_user", "1");
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 1, OWNER, "wrong");
    peer_close(&p);
    peer_connect(&w, &p);
    try_login(&p, 7, OWNER, OWNER_PASSWORD);
    (void)peer_expect(&p, APF_USERAUTH_FAILURE);
    peer_close(&p);
    peer_connect(&w, &p);
    peer_log_in(&p, 1, USER, PASSWORD); /* others are not affected */
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-068 */
static void no_password_is_ever_logged(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &p);
    try_login(&p, 7, USER, "guess-me-if-you-can");
    peer_close(&p);
    peer_connect(&w, &p);
    peer_go_online(&p, 7, 16992);
    peer_close(&p);
    world_run(&w, SECOND_US);
    assert_true(world_count(&w, "device.offline") == 1);
    assert_null(strstr(text_chars(&w.events), PASSWORD));
    assert_null(strstr(text_chars(&w.events), "guess-me-if-you-can"));
    world_fini(&w);
}

/* APF-MPS-021: once per cut position, one answer each */
static void a_login_cut_anywhere_gets_one_answer(void **state)
{
    (void)state;
    struct world w;
    struct bytes whole = { .max = 0 };
    world_init(&w, false);
    world_start(&w);
    say_userauth(&whole, USER, APF_METHOD_NAME_PASSWORD, PASSWORD);
    for (uint32_t cut = 1; cut < whole.len; cut++) {
        struct peer p;
        peer_connect(&w, &p);
        peer_hello(&p, 7);
        peer_send(&p, bytes_front(&whole), cut);
        peer_expect_silence(&p);
        peer_send(&p, bytes_front(&whole) + cut, whole.len - cut);
        peer_expect_bytes(&p, "\x34", 1);
        peer_close(&p);
    }
    bytes_fini(&whole);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_login_gets_one_success),
        cmocka_unit_test(bad_logins_all_look_the_same),
        cmocka_unit_test(the_log_says_why_a_login_failed),
        cmocka_unit_test(the_failure_can_have_15_bytes),
        cmocka_unit_test(more_attempts_only_when_configured),
        cmocka_unit_test(nothing_is_granted_behind_a_failed_login),
        cmocka_unit_test(method_none_needs_a_verified_certificate_of_this_device),
        cmocka_unit_test(a_certificate_may_be_bound_to_a_device_by_its_fingerprint),
        cmocka_unit_test(an_unknown_method_ends_with_failure_and_disconnect_14),
        cmocka_unit_test(any_lets_everybody_in_and_deny_nobody),
        cmocka_unit_test(a_group_logs_in_with_the_first_16_characters_of_its_id),
        cmocka_unit_test(too_many_failures_lock_the_address_out_for_a_while),
        cmocka_unit_test(too_many_failures_lock_the_user_out_for_a_while),
        cmocka_unit_test(no_password_is_ever_logged),
        cmocka_unit_test(a_login_cut_anywhere_gets_one_answer),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
