/* Operations of operators, against a device that answers as the tests say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "client/boot.h"
#include "client/cira.h"
#include "client/info.h"
#include "client/logs.h"
#include "client/power.h"
#include "client/tests/fake_device.h"
#include "client/users.h"

#define AUDIT_LOCAL    "ABMAAAI/9M1uAgAQAAwAAAAoBZkADAAAACQFlA=="
#define AUDIT_DIGEST   "ABEAAQAFYWRtaW5lAQYiAAkxMjcuMC4wLjEA"
#define AUDIT_KERBEROS "ABEAAQEAAAAHA0xBQmUBBiICAAKquw=="
#define EVENT          "IgYBZf8PbwJoAf8iAEAHAAAAAAAA"

static struct client_device operator_of(struct fake_device *d)
{
    return (struct client_device){ .client = d->client, .arena = &d->arena };
}

/* Number in an element of the request; 0. */
static unsigned long asked(const struct fake_device *d, const char *element)
{
    const char *at = strstr(text_chars(&d->request), element);
    return at == NULL ? 0 : strtoul(at + strlen(element), NULL, 10);
}

static void send_audit(struct fake_device *d)
{
    static const char *const k_records[] = { AUDIT_LOCAL, AUDIT_DIGEST, AUDIT_KERBEROS, "AAAA" };
    struct text body = { 0 };
    unsigned long start = asked(d, "<r:StartIndex>");
    assert_true(start >= 1); /* FF-117: the index counts from 1 */
    text_puts(&body, "<g:ReadRecords_OUTPUT><g:TotalRecordCount>25</g:TotalRecordCount>");
    for (unsigned long i = start; i <= 25 && i < start + 10; i++) {
        text_printf(&body, "<g:EventRecords>%s</g:EventRecords>", k_records[i % 4]);
    }
    text_puts(&body, "<g:ReturnValue>0</g:ReturnValue></g:ReadRecords_OUTPUT>");
    fake_soap(d, "200 OK", text_chars(&body));
    text_fini(&body);
}

/* FF-118, WSM-103: every record once, whatever the pages; the check value of wsman.md 4.17. */
static void the_audit_log_is_read_page_by_page(void **state)
{
    struct fake_device d;
    struct client_audit_record *first = NULL;
    uint32_t count = 0;
    (void)state;
    fake_open(&d, send_audit, FAKE_PASSWORD);
    struct client_device device = operator_of(&d);
    assert_true(client_audit_log(&device, &first, &count));
    assert_int_equal(count, 25);
    assert_int_equal(d.requests, 3);
    const struct client_audit_record *digest = first, *kerberos = first->next,
                                     *broken = first->next->next, *local = broken->next;
    assert_int_equal(digest->application, 17);
    assert_int_equal(digest->event, 1);
    assert_string_equal(digest->user, "admin");
    assert_string_equal(digest->address, "127.0.0.1");
    assert_int_equal(digest->time_s, 0x65010622);
    assert_string_equal(kerberos->user, "LAB");
    assert_int_equal(kerberos->extra_bytes, 2);
    assert_int_equal(kerberos->extra[0], 0xaa);
    assert_false(broken->is_readable);
    assert_string_equal(broken->raw, "AAAA");
    assert_true(local->is_readable);
    assert_int_equal(local->application, 19);
    assert_int_equal(local->initiator, 2);
    assert_int_equal(local->time_s, 0x3FF4CD6E);
    assert_int_equal(local->location, 2);
    assert_int_equal(local->extra_bytes, 16);
    assert_string_equal(client_audit_application(17), "Remote Control");
    assert_string_equal(client_audit_initiator(local->initiator), "local");
    fake_close(&d);
}

/* 390 records in pages of 100; step 1: the mark of the end never comes, the position stands still. */
static void send_events(struct fake_device *d)
{
    struct text body = { 0 };
    if (strstr(d->action, "PositionToFirstRecord") != NULL) {
        fake_soap(d, "200 OK",
                  "<g:P_OUTPUT><g:IterationIdentifier>1</g:IterationIdentifier><g:ReturnValue>0"
                  "</g:ReturnValue></g:P_OUTPUT>");
        return;
    }
    unsigned long from = asked(d, "<r:IterationIdentifier>");
    unsigned long to = from + 100 < 391 ? from + 100 : 391;
    text_printf(&body,
                "<g:G_OUTPUT><g:IterationIdentifier>%lu</g:IterationIdentifier><g:NoMoreRecords>%s"
                "</g:NoMoreRecords>",
                to, to == 391 && d->step == 0 ? "true" : "false");
    for (unsigned long i = from; i < to; i++) {
        text_puts(&body, "<g:RecordArray>" EVENT "</g:RecordArray>");
    }
    text_puts(&body, "<g:ReturnValue>0</g:ReturnValue></g:G_OUTPUT>");
    fake_soap(d, "200 OK", text_chars(&body));
    text_fini(&body);
}

static void the_event_log_ends_with_and_without_its_mark(void **state)
{
    (void)state;
    for (uint32_t step = 0; step < 2; step++) {
        struct fake_device d;
        struct client_event_record *first = NULL;
        uint32_t count = 0;
        fake_open(&d, send_events, FAKE_PASSWORD);
        d.step = step;
        struct client_device device = operator_of(&d);
        assert_true(client_event_log(&device, &first, &count));
        assert_int_equal(count, 390);
        assert_true(first->is_readable);
        assert_int_equal(first->time_s, 0x65010622);
        assert_int_equal(first->sensor_type, 15);
        assert_int_equal(first->severity, 1);
        assert_int_equal(first->data[0], 0x40);
        assert_string_equal(client_event_severity(first->severity), "monitor");
        fake_close(&d);
    }
}

static void say_absent(struct fake_device *d)
{
    fake_fault(d, "400 Bad Request", "DestinationUnreachable", "");
}

/* FF-110: a device that has nothing of all that is still described. */
static void a_summary_survives_missing_classes(void **state)
{
    struct fake_device d;
    struct client_summary summary;
    (void)state;
    fake_open(&d, say_absent, FAKE_PASSWORD);
    struct client_device device = operator_of(&d);
    assert_true(client_summary_read(&device, &summary));
    assert_string_equal(summary.host, "");
    assert_string_equal(summary.power, "");
    assert_true(summary.absent >= 6);
    for (const struct client_info_part *part = k_client_info_parts; part->name != NULL; part++) {
        struct wsman_instance *items = NULL;
        bool is_absent = false;
        assert_true(client_info_read(&device, part, &items, &is_absent));
        assert_true(is_absent);
    }
    fake_close(&d);
}

static void refuse_all(struct fake_device *d)
{
    fake_challenge(d, "false");
}

static void a_summary_stops_at_a_refused_logon(void **state)
{
    struct fake_device d;
    struct client_summary summary;
    (void)state;
    fake_open(&d, refuse_all, FAKE_PASSWORD);
    struct client_device device = operator_of(&d);
    assert_false(client_summary_read(&device, &summary));
    assert_int_equal(device.outcome.result, WSMAN_REFUSED);
    assert_int_equal(d.requests, 2);
    fake_close(&d);
}

static void guids_become_uuids(void **state)
{
    struct arena arena = { NULL, 0 };
    (void)state;
    assert_string_equal(client_uuid_of_guid(&arena, "44454C4C4B0010428033B6C04F504633"),
                        "4c4c4544-004b-4210-8033-b6c04f504633");
    assert_null(client_uuid_of_guid(&arena, "44454C4C"));
    assert_null(client_uuid_of_guid(&arena, "no hex"));
    assert_null(client_uuid_of_guid(&arena, NULL));
    arena_fini(&arena);
}

static void words_and_numbers(void **state)
{
    (void)state;
    for (const char *const *word = k_client_power_words; *word != NULL; word++) {
        assert_int_not_equal(client_power_number(*word), 0);
    }
    assert_int_equal(client_power_number("nonsense"), 0);
    assert_string_equal(client_power_state_name(2), "on");
    assert_string_equal(client_power_state_name(99), "in transition");
    assert_int_equal(client_realm_number("remote-control"), 5);
    assert_int_equal(client_realm_number("21"), 21);
    assert_int_equal(client_realm_number("nonsense"), 0);
    assert_string_equal(client_realm_name(5), "remote-control");
    assert_null(client_realm_name(22));
    assert_string_equal(client_boot_source("pxe"), "Intel(r) AMT: Force PXE Boot");
    assert_string_equal(client_boot_source("Intel(r) AMT: x"), "Intel(r) AMT: x");
}

/* The order of activation servers: server, policies, links, buttons, environment. */
static void note_order(struct fake_device *d)
{
    static const struct {
        const char *action, *body;
    } k_rows[] = {
        { "/AddMpServer",
          "<g:A_OUTPUT><g:MpServer><b:Address>x</b:Address><b:ReferenceParameters><w:ResourceURI "
          "xmlns:w=\"" WSMAN_NS_WSMAN "\">" WSMAN_NS_AMT
          "AMT_ManagementPresenceRemoteSAP</w:ResourceURI><w:SelectorSet xmlns:w=\"" WSMAN_NS_WSMAN
          "\"><w:Selector Name=\"Name\">MPS 0</w:Selector></w:SelectorSet></b:ReferenceParameters>"
          "</g:MpServer><g:ReturnValue>0</g:ReturnValue></g:A_OUTPUT>" },
        { "/AddRemoteAccessPolicyRule",
          "<g:B_OUTPUT><g:ReturnValue>0</g:ReturnValue></g:B_OUTPUT>" },
        { "/RequestStateChange", "<g:C_OUTPUT><g:ReturnValue>0</g:ReturnValue></g:C_OUTPUT>" },
        { "/Enumerate", "<n:EnumerateResponse><n:EnumerationContext>1</n:EnumerationContext></n:"
                        "EnumerateResponse>" },
        { "/Pull", "<n:PullResponse><n:Items></n:Items><n:EndOfSequence></n:EndOfSequence></"
                   "n:PullResponse>" },
        { "/Get", "<g:E><g:InstanceID>x</g:InstanceID></g:E>" },
        { "/Put", "<g:E><g:InstanceID>x</g:InstanceID></g:E>" },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        if (strstr(d->action, k_rows[i].action) != NULL) {
            d->step = d->step * 10 + (uint32_t)i + 1;
            fake_soap(d, "200 OK", k_rows[i].body);
            return;
        }
    }
    fail_msg("%s", d->action);
}

static void remote_access_is_set_in_order(void **state)
{
    struct fake_device d;
    struct secret password = { .len = 0 };
    (void)state;
    assert_int_equal(secret_set(&password, "P@ssw0rd", 8), AMT_OK);
    fake_open(&d, note_order, FAKE_PASSWORD);
    struct client_device device = operator_of(&d);
    struct client_cira cira = { .host = "mps.example",
                                .port = 4433,
                                .user = "abc",
                                .password = &password,
                                .interval_s = 25,
                                .user_initiated = true };
    assert_true(client_cira_set(&device, &cira));
    assert_int_equal(d.step, 12245367); /* server, two policies, links, buttons, environment */
    assert_int_equal(d.requests, 8);
    assert_non_null(strstr(text_chars(&d.request), "amtlab-no-home.invalid"));
    fake_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_audit_log_is_read_page_by_page),
        cmocka_unit_test(the_event_log_ends_with_and_without_its_mark),
        cmocka_unit_test(a_summary_survives_missing_classes),
        cmocka_unit_test(a_summary_stops_at_a_refused_logon),
        cmocka_unit_test(guids_become_uuids),
        cmocka_unit_test(words_and_numbers),
        cmocka_unit_test(remote_access_is_set_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
