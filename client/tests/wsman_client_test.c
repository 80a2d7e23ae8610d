/* The client against a device that answers as the tests say. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "client/tests/fake_device.h"

static const char k_class[] = "AMT_GeneralSettings";

static void assert_settings(const struct wsman_outcome *outcome)
{
    assert_string_equal(outcome->diag.text, "");
    assert_int_equal(outcome->result, WSMAN_DONE);
    assert_string_equal(wsman_get(outcome->reply->instance, "HostName"), "pc17");
}

static void ask_for_password(struct fake_device *device)
{
    if (fake_is_authorized(device)) {
        fake_settings(device);
    } else {
        fake_challenge(device, "false");
    }
}

/* FF-103: a 401 closes the connection; the retry comes at once, and later calls need none. */
static void a_challenge_costs_one_connection_once(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, ask_for_password, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(d.outcome.challenges, 1);
    assert_int_equal(d.connections, 2);
    assert_string_equal(d.nc, "00000001");
    for (int i = 0; i < 3; i++) {
        assert_settings(fake_get(&d, k_class));
        assert_int_equal(d.outcome.challenges, 0);
    }
    assert_int_equal(d.connections, 2);
    assert_int_equal(d.requests, 5);
    assert_string_equal(d.nc, "00000004");
    fake_close(&d);
}

/* FF-087, WSM-016: the count has eight hex digits whatever its value. */
static void the_nonce_count_keeps_eight_digits(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, ask_for_password, FAKE_PASSWORD);
    for (int i = 0; i < 256; i++) {
        assert_settings(fake_get(&d, k_class));
    }
    assert_string_equal(d.nc, "00000100");
    assert_int_equal(d.authorized, 256);
    fake_close(&d);
}

/* FF-085: a wrong password is sent once, and not again until there is another. */
static void a_wrong_password_is_tried_once(void **state)
{
    struct fake_device d;
    struct secret right = { .len = 0 };
    (void)state;
    fake_open(&d, ask_for_password, "wrong");
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_REFUSED);
    assert_int_equal(d.outcome.diag.err, AMT_EAUTH);
    assert_non_null(strstr(d.outcome.diag.hint, "locked"));
    assert_int_equal(d.requests, 2);
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_REFUSED);
    assert_int_equal(d.requests, 2);
    assert_int_equal(secret_set(&right, FAKE_PASSWORD, strlen(FAKE_PASSWORD)), AMT_OK);
    assert_int_equal(wsman_client_set_user(d.client, "admin", &right), AMT_OK);
    assert_settings(fake_get(&d, k_class));
    fake_close(&d);
}

static void forget_nonce_at_third(struct fake_device *device)
{
    device->nonce = device->requests < 3 ? 0 : 1;
    ask_for_password(device);
}

/* FF-089, WSM-019: a nonce that is not good any more costs a round trip, not the password. */
static void an_expired_nonce_is_replaced(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, forget_nonce_at_third, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(d.outcome.challenges, 1);
    assert_string_equal(d.nc, "00000001");
    fake_close(&d);
}

static void call_all_stale(struct fake_device *device)
{
    device->nonce += 1;
    fake_challenge(device, "true");
}

/* A device that finds every nonce stale does not keep the client busy for ever. */
static void stale_for_ever_ends(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, call_all_stale, FAKE_PASSWORD);
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_REFUSED);
    assert_in_range(d.requests, 3, 6);
    fake_close(&d);
}

static void change_realm(struct fake_device *device)
{
    if (device->requests < 3) {
        ask_for_password(device);
        return;
    }
    fake_send(device,
              "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:0000\", "
              "nonce=\"bbbb\",stale=\"false\",qop=\"auth\"\r\nContent-Length: 0\r\n"
              "Connection: close\r\n\r\n");
    fake_hang_up(device);
}

/* FF-090 */
static void another_realm_gets_no_password(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, change_realm, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_REFUSED);
    assert_non_null(strstr(d.outcome.diag.text, "Digest:0000"));
    assert_int_equal(d.requests, 3);
    fake_close(&d);
}

static void cut_the_challenge(struct fake_device *device)
{
    if (fake_is_authorized(device)) {
        fake_settings(device);
        return;
    }
    fake_send(device,
              "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"" FAKE_REALM
              "\", nonce=\"QYePBLMVAAAAAAAAjfXveceOM5bN0000\",stale=\"false\",qop=\"auth-int"
              ", auth\"\r\nContent-Length: 693\r\nConnection: close\r\n\r\n<!DOCTYPE");
    fake_hang_up(device);
}

/* FF-103 (c): the channel goes before the body of the 401 is complete. */
static void a_challenge_may_be_cut_short(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, cut_the_challenge, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    fake_close(&d);
}

static void send_captures(struct fake_device *device)
{
    static const char *const k_challenges[] = { "401.amt16.1.25.http", "401.amt11.8.50.http" };
    if (device->requests == 1) {
        fake_send(device, fake_file(device, k_challenges[device->step]));
        fake_hang_up(device);
    } else {
        fake_send(device, fake_file(device, "200-AMT_GeneralSettings-get.amt15.0.23.http"));
    }
}

/* What devices sent, byte by byte. */
static void captured_answers_are_read(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct fake_device d;
        fake_open(&d, send_captures, FAKE_PASSWORD);
        d.step = i;
        const struct wsman_outcome *outcome = fake_get(&d, k_class);
        assert_string_equal(outcome->diag.text, "");
        assert_string_equal(outcome->reply->instance->class_name, k_class);
        assert_string_equal(wsman_get(outcome->reply->instance, "AMTNetworkEnabled"), "1");
        assert_non_null(wsman_get(outcome->reply->instance, "DigestRealm"));
        fake_close(&d);
    }
}

#define ENVELOPE                                                                            \
    "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:b=\"http://"     \
    "schemas.xmlsoap.org/ws/2004/08/addressing\"><a:Header><b:RelatesTo>0</b:RelatesTo>"    \
    "</a:Header><a:Body><g:X xmlns:g=\"u\"><g:HostName>pc17</g:HostName></g:X></a:Body></a" \
    ":Envelope>"
#define ENVELOPE_BYTES "252"

static const char *const k_forms[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: " ENVELOPE_BYTES "\r\n\r\n" ENVELOPE,
    "HTTP/1.1 200 OK\r\ncontent-length:" ENVELOPE_BYTES "\r\n\r\n" ENVELOPE,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00FC\r\n" ENVELOPE "\r\n0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\n" ENVELOPE,
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" ENVELOPE,
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " ENVELOPE_BYTES "\r\n\r\n" ENVELOPE,
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: " ENVELOPE_BYTES
    "\r\n\r\n" ENVELOPE,
};

static void send_form(struct fake_device *device)
{
    bool ends = strstr(k_forms[device->step], "1.0 200") != NULL ||
                strstr(k_forms[device->step], "close") != NULL;
    fake_send(device, k_forms[device->step]);
    if (ends) {
        fake_hang_up(device);
    }
}

/* FF-101, FF-104 */
static void every_framing_is_understood_at_once(void **state)
{
    (void)state;
    assert_int_equal(strlen(ENVELOPE), 252);
    for (uint32_t i = 0; i < sizeof k_forms / sizeof k_forms[0]; i++) {
        struct fake_device d;
        fake_open(&d, send_form, FAKE_PASSWORD);
        d.step = i;
        assert_settings(fake_get(&d, k_class));
        assert_true(d.outcome.took_us < 100000);
        fake_close(&d);
    }
}

static void send_pages(struct fake_device *device)
{
    static const char k_items[] = "<n:Items><g:AMT_GeneralSettings><g:HostName>a</g:HostName></g:"
                                  "AMT_GeneralSettings></n:Items>";
    char body[600];
    if (strstr(device->action, "/Enumerate") != NULL) {
        fake_soap(device, "200 OK",
                  "<n:EnumerateResponse><n:EnumerationContext>14000000-0000</n:EnumerationContext>"
                  "</n:EnumerateResponse>");
        return;
    }
    assert_non_null(strstr(text_chars(&device->request), ">14000000-0000<"));
    device->step += 1;
    (void)snprintf(body, sizeof body, "<n:PullResponse>%s%s%s</n:PullResponse>",
                   device->step < 3 ? "<n:EnumerationContext>14000000-0000</n:EnumerationContext>"
                                    : "",
                   k_items, device->step < 3 ? "" : "<n:EndOfSequence></n:EndOfSequence>");
    fake_soap(device, "200 OK", body);
}

/* FF-111, WSM-044: all pages, whatever is on them. */
static void an_enumeration_takes_all_pages(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, send_pages, FAKE_PASSWORD);
    assert_int_equal(fake_enumerate(&d, k_class)->result, WSMAN_DONE);
    assert_int_equal(d.outcome.item_count, 3);
    assert_int_equal(d.outcome.pulls, 3);
    uint32_t count = 0;
    for (const struct wsman_instance *at = d.outcome.items; at != NULL; at = at->next) {
        assert_string_equal(wsman_get(at, "HostName"), "a");
        count += 1;
    }
    assert_int_equal(count, 3);
    fake_close(&d);
}

static void send_empty_page(struct fake_device *device)
{
    fake_soap(device, "200 OK",
              strstr(device->action, "/Enumerate") != NULL
                  ? "<n:EnumerateResponse><n:EnumerationContext>1</n:EnumerationContext></n:"
                    "EnumerateResponse>"
                  : "<n:PullResponse><n:Items></n:Items><n:EndOfSequence></n:EndOfSequence></n:"
                    "PullResponse>");
}

/* WSM-043 */
static void an_empty_enumeration_has_no_items(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, send_empty_page, FAKE_PASSWORD);
    assert_int_equal(fake_enumerate(&d, k_class)->result, WSMAN_DONE);
    assert_int_equal(d.outcome.item_count, 0);
    assert_null(d.outcome.items);
    fake_close(&d);
}

static void refuse_pull(struct fake_device *device)
{
    if (strstr(device->action, "/Enumerate") != NULL) {
        send_empty_page(device);
    } else if (strstr(device->action, "/Pull") != NULL) {
        fake_fault(device, "400 Bad Request", "QuotaLimit", "");
    } else {
        assert_non_null(strstr(device->action, "/Release"));
        device->step += 1;
        fake_soap(device, "200 OK", "");
    }
}

/* FF-113 */
static void a_refused_pull_releases_its_context(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, refuse_pull, FAKE_PASSWORD);
    assert_int_equal(fake_enumerate(&d, k_class)->result, WSMAN_FAULTED);
    assert_string_equal(d.outcome.reply->fault.subcode, "QuotaLimit");
    assert_int_equal(d.step, 1);
    fake_close(&d);
}

static void never_end(struct fake_device *device)
{
    fake_soap(device, "200 OK",
              strstr(device->action, "/Enumerate") != NULL
                  ? "<n:EnumerateResponse><n:EnumerationContext>1</n:EnumerationContext></n:"
                    "EnumerateResponse>"
                  : "<n:PullResponse><n:EnumerationContext>1</n:EnumerationContext><n:Items></n:"
                    "Items></n:PullResponse>");
}

/* FF-118: a device that never says the end is not pulled for ever. */
static void an_enumeration_without_end_is_given_up(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, never_end, FAKE_PASSWORD);
    assert_int_equal(fake_enumerate(&d, k_class)->result, WSMAN_GARBLED);
    assert_true(d.requests < 200);
    fake_close(&d);
}

static void send_fault_file(struct fake_device *device)
{
    const char *fault = fake_file(device, "fault-DestinationUnreachable.xml");
    struct text out = { 0 };
    text_printf(&out,
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/soap+xml\r\nContent-Length: "
                "%zu\r\nConnection: close\r\n\r\n%s",
                strlen(fault), fault);
    fake_send(device, text_chars(&out));
    text_fini(&out);
    fake_hang_up(device);
}

/* FF-110 */
static void a_missing_class_is_a_fault_with_its_meaning(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, send_fault_file, FAKE_PASSWORD);
    assert_int_equal(fake_get(&d, "CIM_Chip")->result, WSMAN_FAULTED);
    assert_int_equal(d.outcome.status, 400);
    assert_string_equal(d.outcome.reply->fault.code, "Sender");
    assert_string_equal(d.outcome.reply->fault.subcode, "DestinationUnreachable");
    assert_non_null(strstr(d.outcome.diag.text, "class or the instance is not there"));
    assert_non_null(strstr(d.outcome.diag.hint, "enumerate"));
    fake_close(&d);
}

static void fail_inside(struct fake_device *device)
{
    fake_fault(device, "500 Internal Server Error", "InternalError", "AMT-STATUS 36");
}

static void a_status_in_a_fault_has_its_name(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, fail_inside, FAKE_PASSWORD);
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_FAULTED);
    assert_non_null(strstr(d.outcome.diag.text, "36 (INVALID_PARAMETER)"));
    fake_close(&d);
}

static const char *const k_bare[] = {
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
};

static void send_bare(struct fake_device *device)
{
    fake_send(device, k_bare[device->step]);
}

/* FF-105 */
static void a_status_without_envelope_is_told(void **state)
{
    static const int k_status[] = { 400, 503, 404, 500 };
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct fake_device d;
        fake_open(&d, send_bare, FAKE_PASSWORD);
        d.step = i;
        assert_int_equal(fake_get(&d, k_class)->result, WSMAN_HTTP);
        assert_int_equal(d.outcome.status, k_status[i]);
        assert_null(d.outcome.reply);
        fake_close(&d);
    }
}

static void answer_another(struct fake_device *device)
{
    if (device->requests == 1) {
        (void)snprintf(device->message_id, sizeof device->message_id, "77");
    }
    fake_settings(device);
}

/* FF-108: only that call fails. */
static void an_answer_to_another_call_is_refused(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, answer_another, FAKE_PASSWORD);
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_GARBLED);
    assert_non_null(strstr(d.outcome.diag.text, "77"));
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(d.connections, 2);
    fake_close(&d);
}

static void answer_twice(struct fake_device *device)
{
    fake_settings(device);
    fake_settings(device);
}

static void an_answer_too_many_ends_the_connection(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, answer_twice, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(d.connections, 2);
    fake_close(&d);
}

static void swallow_first(struct fake_device *device)
{
    if (device->requests > 1) {
        fake_settings(device);
    }
}

/* FF-107, FF-117: late is late, nothing is sent twice, and the next call is not harmed. */
static void a_call_without_answer_is_late_and_alone(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, swallow_first, FAKE_PASSWORD);
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_LATE);
    assert_int_equal(d.outcome.took_us, WSMAN_CLIENT_FIRST_BYTE_US);
    assert_int_equal(d.requests, 1);
    assert_settings(fake_get(&d, k_class));
    fake_close(&d);
}

static void drop_first(struct fake_device *device)
{
    if (device->requests == 1) {
        fake_hang_up(device);
    } else {
        fake_soap(device, "200 OK",
                  "<g:X_OUTPUT><g:HostName>pc17</g:HostName><g:ReturnValue>0</g:ReturnValue></g:"
                  "X_OUTPUT>");
    }
}

/* FF-129: what changes something is never sent a second time by itself. */
static void only_reading_is_repeated_after_a_lost_connection(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, drop_first, FAKE_PASSWORD);
    assert_settings(fake_get(&d, k_class));
    assert_int_equal(d.requests, 2);
    fake_close(&d);
    fake_open(&d, drop_first, FAKE_PASSWORD);
    assert_int_equal(fake_invoke(&d, "AMT_SetupAndConfigurationService", "Unprovision")->result,
                     WSMAN_LOST);
    assert_int_equal(d.requests, 1);
    assert_non_null(strstr(d.outcome.diag.hint, "read the state back"));
    fake_close(&d);
}

static void return_value(struct fake_device *device)
{
    char body[200];
    (void)snprintf(body, sizeof body, "<g:Y_OUTPUT><g:ReturnValue>%u</g:ReturnValue></g:Y_OUTPUT>",
                   device->step);
    fake_soap(device, "200 OK", body);
}

static void return_values_have_names(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, return_value, FAKE_PASSWORD);
    d.step = 2058;
    assert_int_equal(fake_invoke(&d, "AMT_PublicKeyManagementService", "AddCertificate")->result,
                     WSMAN_DONE);
    assert_true(d.outcome.has_return_value);
    assert_int_equal(d.outcome.return_value, 2058);
    assert_non_null(strstr(d.outcome.diag.text, "2058 (DUPLICATE)"));
    d.step = 0;
    assert_int_equal(fake_invoke(&d, "AMT_PublicKeyManagementService", "AddCertificate")->result,
                     WSMAN_DONE);
    assert_string_equal(d.outcome.diag.text, "");
    fake_close(&d);
    assert_string_equal(
        wsman_return_name("CIM_PowerManagementService", "RequestPowerStateChange", 2), "refused");
    assert_string_equal(wsman_return_name("IPS_HostBasedSetupService", "AdminSetup_OUTPUT", 5),
                        "authentication failed");
    assert_string_equal(
        wsman_return_name("IPS_HostBasedSetupService", "AddNextCertInChain_OUTPUT", 4),
        "certificate verification failed");
    assert_string_equal(wsman_return_name("CIM_BootService", "RequestStateChange", 32768 + 2081),
                        "USER_CONSENT_REQUIRED");
}

static void nobody_listens_is_unreachable(void **state)
{
    struct fake_device d;
    (void)state;
    fake_open(&d, ask_for_password, FAKE_PASSWORD);
    listener_close(d.listener);
    d.listener = NULL;
    assert_int_equal(fake_get(&d, k_class)->result, WSMAN_UNREACHABLE);
    assert_non_null(strstr(d.outcome.diag.hint, "16993"));
    assert_int_equal(d.outcome.status, 0);
    fake_close(&d);
}

static void count_done(void *ctx, const struct wsman_outcome *outcome)
{
    struct fake_device *d = ctx;
    assert_int_equal(outcome->result, WSMAN_DONE);
    d->step += 1;
    if (d->step == 2) {
        wsman_client_free(d->client); /* with one more waiting */
        d->client = NULL;
    }
}

/* FF-114: one request at a time; the client may go from inside a callback. */
static void calls_wait_for_each_other(void **state)
{
    struct fake_device d;
    struct wsman_call call = { .operation = WSMAN_GET, .class_name = k_class };
    (void)state;
    fake_open(&d, ask_for_password, FAKE_PASSWORD);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wsman_client_call(d.client, &call, &d.arena, count_done, &d), AMT_OK);
    }
    assert_int_equal(d.step, 0);
    (void)loop_run_until(d.loop, NULL, NULL, loop_now_us(d.loop) + US_PER_SECOND);
    assert_int_equal(d.step, 2);
    assert_int_equal(d.authorized, 2);
    fake_close(&d);
}

static void without_memory_a_call_is_not_queued(void **state)
{
    (void)state;
    bool was_done = false;
    for (uint64_t k = 1; k < 2000 && !was_done; k += 7) {
        struct fake_device d;
        fake_open(&d, ask_for_password, FAKE_PASSWORD);
        struct wsman_call call = { .operation = WSMAN_GET, .class_name = k_class };
        d.step = 0;
        amt_memory_fail_after(k);
        enum amt_err err = wsman_client_call(d.client, &call, &d.arena, count_done, &d);
        amt_memory_fail_after(0);
        was_done = err == AMT_OK;
        assert_true(err == AMT_OK || err == AMT_ENOMEM);
        fake_close(&d);
    }
    assert_true(was_done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_challenge_costs_one_connection_once),
        cmocka_unit_test(the_nonce_count_keeps_eight_digits),
        cmocka_unit_test(a_wrong_password_is_tried_once),
        cmocka_unit_test(an_expired_nonce_is_replaced),
        cmocka_unit_test(stale_for_ever_ends),
        cmocka_unit_test(another_realm_gets_no_password),
        cmocka_unit_test(a_challenge_may_be_cut_short),
        cmocka_unit_test(captured_answers_are_read),
        cmocka_unit_test(every_framing_is_understood_at_once),
        cmocka_unit_test(an_enumeration_takes_all_pages),
        cmocka_unit_test(an_empty_enumeration_has_no_items),
        cmocka_unit_test(a_refused_pull_releases_its_context),
        cmocka_unit_test(an_enumeration_without_end_is_given_up),
        cmocka_unit_test(a_missing_class_is_a_fault_with_its_meaning),
        cmocka_unit_test(a_status_in_a_fault_has_its_name),
        cmocka_unit_test(a_status_without_envelope_is_told),
        cmocka_unit_test(an_answer_to_another_call_is_refused),
        cmocka_unit_test(an_answer_too_many_ends_the_connection),
        cmocka_unit_test(a_call_without_answer_is_late_and_alone),
        cmocka_unit_test(only_reading_is_repeated_after_a_lost_connection),
        cmocka_unit_test(return_values_have_names),
        cmocka_unit_test(nobody_listens_is_unreachable),
        cmocka_unit_test(calls_wait_for_each_other),
        cmocka_unit_test(without_memory_a_call_is_not_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
