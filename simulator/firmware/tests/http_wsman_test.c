/* The doors of the firmware as a client at the byte level sees them: WSM-001 to WSM-059. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "simulator/firmware/tests/pc.h"

static const char *raw(struct pc *pc)
{
    return text_chars(&pc->raw);
}

static void send_text(struct pc *pc, const char *text)
{
    pc_send(pc, text, strlen(text));
}

static void test_challenge(void **state)
{
    struct pc pc;
    char nonce[40];
    (void)state;
    pc_open(&pc);
    send_text(&pc, "POST /wsman HTTP/1.1\r\nHost: any\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(
        strncmp(raw(&pc),
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:", 66),
        0);
    assert_non_null(strstr(raw(&pc),
                           ",stale=\"false\",qop=\"auth\"\r\nContent-Type: text/html\r\n"
                           "Server: Intel(R) Active Management Technology 16.1.25.2124\r\n"
                           "Content-Length: 693\r\nConnection: close\r\n\r\n"));
    assert_int_equal(strlen(strstr(raw(&pc), "\r\n\r\n") + 4), 693); /* WSM-011 */
    assert_non_null(strstr(raw(&pc), "</html>"));
    assert_int_equal(sscanf(strstr(raw(&pc), "nonce=\""), "nonce=\"%39[^\"]", nonce), 1);
    assert_int_equal(strlen(nonce), 32); /* WSM-014 */
    assert_null(strchr(nonce, '='));
    send_text(&pc, "GET /index.htm HTTP/1.1\r\nHost: any\r\n\r\n"); /* WSM-027 */
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 401", 12), 0);
    assert_null(strstr(raw(&pc), nonce));
    pc_close(&pc);
}

static void test_open_pages(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    send_text(&pc, "GET / HTTP/1.1\r\nHost: any\r\n\r\n"); /* WSM-026 */
    assert_string_equal(raw(&pc), "HTTP/1.1 303 See Other\r\nLocation: /logon.htm\r\n"
                                  "Content-Length: 0\r\nServer: Intel(R) Active Management "
                                  "Technology 16.1.25.2124\r\n\r\n");
    send_text(&pc, "GET /logon.htm HTTP/1.1\r\nHost: any\r\n\r\n");
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 200", 12), 0);
    send_text(&pc, "GET /wsman HTTP/1.1\r\nHost: any\r\n\r\n"); /* WSM-028 */
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 405", 12), 0);
    send_text(&pc, "nonsense\r\n\r\n");
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 400", 12), 0);
    assert_non_null(strstr(raw(&pc), "Content-Type: text/html\r\n"));
    pc_close(&pc);
}

static void test_get(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    const struct xml_node *settings = pc_get(&pc, "AMT_GeneralSettings", NULL);
    assert_string_equal(settings->name, "AMT_GeneralSettings");
    assert_int_equal(strncmp(pc_property(settings, "DigestRealm"), "Digest:", 7), 0);
    /* WSM-004: the head, in this order. */
    const char *head = raw(&pc);
    const char *date = strstr(head, "\r\nDate: ");
    const char *server = strstr(head, "\r\nServer: ");
    const char *frame = strstr(head, "\r\nX-Frame-Options: DENY\r\n");
    const char *type = strstr(head, "\r\nContent-Type: application/soap+xml; charset=UTF-8\r\n");
    const char *chunked = strstr(head, "\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_true(date != NULL && date < server && server < frame && frame < type && type < chunked);
    /* WSM-032 to 034 */
    assert_non_null(strstr(text_chars(&pc.body), "<b:RelatesTo>7</b:RelatesTo>"));
    assert_non_null(strstr(text_chars(&pc.body), "transfer/GetResponse</b:Action><b:MessageID>"
                                                 "uuid:00000000-8086-8086-8086-"));
    /* WSM-007: the first buffer is full, head and size line included. */
    const char *size = strstr(head, "\r\n\r\n") + 4;
    assert_int_equal((size_t)(size - head) + 6 + strtoul(size, NULL, 16), 768);
    pc_close(&pc);
}

static void test_wrong_password(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    pc.password = "wrong";
    (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(pc.status, 401);
    pc.password = PC_PASSWORD;
    pc.user = "$$OsAdmin"; /* WSM-060 */
    (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(pc.status, 401);
    pc.user = "admin";
    (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(pc.status, 200);
    pc_close(&pc);
}

static void test_nonce_expires(void **state)
{
    struct pc pc;
    char old[40];
    (void)state;
    pc_open(&pc);
    (void)pc_get(&pc, "AMT_GeneralSettings", NULL);
    pc_run(&pc, 100 * (uint64_t)US_PER_SECOND); /* WSM-017: another connection each time */
    (void)pc_get(&pc, "AMT_GeneralSettings", NULL);
    memcpy(old, pc.nonce, sizeof old);
    pc_run(&pc, 400 * (uint64_t)US_PER_SECOND);
    pc.gives_up = true;
    (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(pc.status, 401); /* WSM-019 */
    (void)pc_get(&pc, "AMT_GeneralSettings", NULL);
    assert_string_not_equal(old, pc.nonce);
    pc.count = 0; /* WSM-018: a count that was used before */
    (void)pc_get(&pc, "AMT_GeneralSettings", NULL);
    pc_close(&pc);
}

static void test_faults(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    (void)pc_wsman(&pc, "Get", "AMT_NoSuchClass", NULL, NULL); /* WSM-055 */
    assert_int_equal(pc.status, 400);
    assert_string_equal(pc_fault(&pc), "DestinationUnreachable");
    assert_non_null(strstr(raw(&pc), "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    assert_non_null(strstr(text_chars(&pc.body), "<a:Detail></a:Detail>"));
    (void)pc_wsman(&pc, "Delete", "AMT_GeneralSettings", NULL, NULL);
    assert_string_equal(pc_fault(&pc), "ActionNotSupported");
    (void)pc_wsman(&pc, "Pull", "AMT_GeneralSettings", NULL,
                   "<n:Pull><n:EnumerationContext>00000000-0000-0000-0000-000000000000"
                   "</n:EnumerationContext></n:Pull>");
    assert_int_equal(pc.status, 500);
    assert_string_equal(pc_fault(&pc), "InvalidEnumerationContext");
    pc_post(&pc, "<Envelope>"); /* WSM-059 */
    assert_int_equal(pc.status, 400);
    (void)pc_get(&pc, "AMT_GeneralSettings", NULL);
    pc_close(&pc);
}

static void test_put(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    (void)pc_wsman(&pc, "Put", "AMT_GeneralSettings", NULL,
                   "<r:AMT_GeneralSettings><r:IdleWakeTimeout>77</r:IdleWakeTimeout>"
                   "<r:ElementName>Intel(r) AMT: General Settings</r:ElementName>"
                   "</r:AMT_GeneralSettings>");
    assert_int_equal(pc.status, 200);
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "IdleWakeTimeout"),
                        "77");
    static const char *const k_wrong[] = {
        "<AMT_GeneralSettings xmlns=\"\"><IdleWakeTimeout>1</IdleWakeTimeout>"
        "</AMT_GeneralSettings>", /* WSM-052 */
        "<r:AMT_GeneralSettings><IdleWakeTimeout xmlns=\"\">1</IdleWakeTimeout>"
        "</r:AMT_GeneralSettings>",
        "<r:AMT_GeneralSettings><r:Nonsense>1</r:Nonsense></r:AMT_GeneralSettings>",
        "<r:AMT_GeneralSettings><r:IdleWakeTimeout>-1</r:IdleWakeTimeout>"
        "</r:AMT_GeneralSettings>",
        "<r:AMT_GeneralSettings><r:IdleWakeTimeout>1</r:IdleWakeTimeout>"
        "<r:IdleWakeTimeout>2</r:IdleWakeTimeout></r:AMT_GeneralSettings>",
        "<r:AMT_BootSettingData></r:AMT_BootSettingData>",
        "",
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        (void)pc_wsman(&pc, "Put", "AMT_GeneralSettings", NULL, k_wrong[i]);
        assert_int_equal(pc.status, 400);
        assert_string_equal(pc_fault(&pc), "SchemaValidationError");
    }
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "IdleWakeTimeout"),
                        "77");
    pc_close(&pc);
}

static void test_enumerations(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_count(&pc, "AMT_GeneralSettings"), 1);
    assert_true(pc_count(&pc, "CIM_SoftwareIdentity") >= 6); /* WSM-072 */
    assert_true(pc_count(&pc, "CIM_Chip") >= 1);
    assert_int_equal(pc_count(&pc, "CIM_ServiceAvailableToElement"), 1); /* WSM-045 */
    pc_close(&pc);
}

static void test_requests_in_a_row(void **state)
{
    struct pc pc;
    struct text two = { 0 };
    (void)state;
    pc_open(&pc);
    for (int i = 0; i < 3; i++) {
        text_puts(&two, "GET / HTTP/1.1\r\nHost: any\r\n\r\n");
    }
    pc_send(&pc, text_chars(&two), two.len);
    const char *at = raw(&pc);
    for (int i = 0; i < 3; i++) { /* WSM-023, WSM-024 */
        at = strstr(at, "HTTP/1.1 303");
        assert_non_null(at);
        at += 1;
    }
    text_fini(&two);
    pc_close(&pc);
}

static void test_chunked_request(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    send_text(&pc, "POST /wsman HTTP/1.1\r\nHost: any\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "0004\r\n<x/>\r\n0\r\n\r\n");
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 401", 12), 0); /* WSM-002 */
    pc_close(&pc);
}

static void test_too_large(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    send_text(&pc, "POST /wsman HTTP/1.1\r\nHost: any\r\nContent-Length: 1000000\r\n\r\n");
    assert_int_equal(strncmp(raw(&pc), "HTTP/1.1 413", 12), 0); /* WSM-029 */
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_open_pages),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_nonce_expires),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_enumerations),
        cmocka_unit_test(test_requests_in_a_row),
        cmocka_unit_test(test_chunked_request),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
