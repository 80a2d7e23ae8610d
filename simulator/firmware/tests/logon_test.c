/* Logging on: qualities, replay, lockout, and the old defect when it is asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/http/digest.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tests/pc.h"

/* One request with an Authorization of the test's making; the status. */
static int ask(struct pc *pc, const char *qop, const char *response, const char *uri, uint32_t nc)
{
    struct text out = { 0 };
    char header[256];
    struct digest_header challenge;
    (void)snprintf(header, sizeof header, "Digest realm=\"%s\",nonce=\"%s\",qop=\"%s\"",
                   provisioning_realm(pc->firmware), pc->nonce, qop);
    assert_int_equal(digest_header_read(header, &challenge), AMT_OK);
    const struct digest_client client = { .user = pc->user,
                                          .password = pc->password,
                                          .password_len = strlen(pc->password),
                                          .method = "GET",
                                          .uri = uri,
                                          .cnonce = "0a4f113b",
                                          .nc = nc,
                                          .body = "",
                                          .prefers_auth_int = true };
    struct text authorization = { 0 };
    digest_authorize(&authorization, &challenge, &client);
    char *value = strstr(authorization.chars, "response=\"") + strlen("response=\"");
    text_puts(&out, "GET /index.htm HTTP/1.1\r\nHost: pc\r\nAuthorization: ");
    if (response == NULL) {
        text_puts(&out, authorization.chars);
    } else { /* another response instead */
        text_append(&out, authorization.chars, (size_t)(value - authorization.chars));
        text_puts(&out, response);
        text_puts(&out, value + 32);
    }
    text_puts(&out, "\r\n\r\n");
    pc_send(pc, text_chars(&out), out.len);
    text_fini(&authorization);
    text_fini(&out);
    int status = 0;
    (void)sscanf(text_chars(&pc->raw), "HTTP/1.1 %d", &status);
    return status;
}

static void open_with(struct pc *pc, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    pc_init(pc);
    if (key != NULL) {
        assert_int_equal(config_set(firmware_config_keys, key, value, &pc->config, &diag), AMT_OK);
    }
    pc_start(pc);
    (void)pc_get(pc, "AMT_GeneralSettings", NULL);
}

static void test_auth_int_is_taken_when_offered(void **state)
{
    struct pc pc;
    (void)state;
    open_with(&pc, NULL, NULL);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 1), 200);
    assert_int_equal(ask(&pc, "auth-int", NULL, "/index.htm", 2), 401); /* not offered */
    pc_close(&pc);
    open_with(&pc, "qop", "auth_int"); /* WSM-020 */
    assert_int_equal(ask(&pc, "auth-int, auth", NULL, "/index.htm", 1), 200);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 2), 200);
    pc_close(&pc);
}

static void test_short_responses(void **state)
{
    struct pc pc;
    (void)state;
    open_with(&pc, NULL, NULL);
    assert_int_equal(ask(&pc, "auth", "", "/index.htm", 1), 401); /* WSM-021 */
    assert_int_equal(ask(&pc, "auth", "00", "/index.htm", 1), 401);
    assert_int_equal(ask(&pc, "auth", NULL, "/other.htm", 1), 401); /* another target */
    pc_close(&pc);
    open_with(&pc, "empty_response_passes", "true"); /* CVE-2017-5689 */
    assert_int_equal(ask(&pc, "auth", "", "/index.htm", 1), 200);
    assert_int_equal(ask(&pc, "auth", "zz", "/index.htm", 1), 401);
    pc_close(&pc);
}

static void test_replay(void **state)
{
    struct pc pc;
    (void)state;
    open_with(&pc, NULL, NULL);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 9), 200);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 9), 200); /* WSM-018 */
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 3), 200);
    pc_close(&pc);
    open_with(&pc, "checks_nc", "true");
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 9), 200);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 9), 401);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 10), 200);
    pc_close(&pc);
}

/* WSM-067 */
static void test_lockout(void **state)
{
    struct pc pc;
    (void)state;
    open_with(&pc, "lockout", "true");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ask(&pc, "auth", "00000000000000000000000000000000", "/index.htm", 1),
                         401);
    }
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 1), 401); /* locked for 5 s */
    pc_run(&pc, 3 * (uint64_t)US_PER_SECOND);
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 1), 200);
    pc_close(&pc);
    open_with(&pc, NULL, NULL); /* off unless asked for */
    for (int i = 0; i < 12; i++) {
        (void)ask(&pc, "auth", "00000000000000000000000000000000", "/index.htm", 1);
    }
    assert_int_equal(ask(&pc, "auth", NULL, "/index.htm", 1), 200);
    pc_close(&pc);
}

static void test_realm_form(void **state)
{
    struct pc pc;
    (void)state;
    open_with(&pc, "realm", "short");
    const char *realm = provisioning_realm(pc.firmware); /* WSM-013 */
    assert_int_equal(strlen(realm), 39);
    assert_string_equal(realm + 11, "0000000000000000000000000000");
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "DigestRealm"),
                        realm);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auth_int_is_taken_when_offered),
        cmocka_unit_test(test_short_responses),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_lockout),
        cmocka_unit_test(test_realm_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
