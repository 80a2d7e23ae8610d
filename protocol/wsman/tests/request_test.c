/* The client's side of the codec, against the device's side and against captures. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/wsman/message.h"
#include "protocol/wsman/request.h"

struct written {
    struct arena arena;
    struct text text;
    struct wsman_request request;
};

/* Writes a call and reads it as a device does. */
static void write_and_read(struct written *w, const struct wsman_call *call)
{
    struct amt_diag diag = { .err = AMT_OK };
    memset(w, 0, sizeof *w);
    wsman_write_call(&w->text, call);
    assert_false(w->text.failed);
    assert_int_equal(wsman_request_read(&w->arena, w->text.chars, w->text.len, &w->request, &diag),
                     WSMAN_OK);
    assert_int_equal(w->request.operation, call->operation);
}

static void written_fini(struct written *w)
{
    text_fini(&w->text);
    arena_fini(&w->arena);
}

/* wsman.md 2.2: prolog, the header elements in order, an empty body. */
static void a_get_has_the_shape_of_clients(void **state)
{
    struct wsman_call call = { .operation = WSMAN_GET,
                               .class_name = "AMT_GeneralSettings",
                               .message_id = 7 };
    static const char *const k_order[] = { "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
                                           "<a:Action>",
                                           "<a:To>/wsman</a:To>",
                                           "<w:ResourceURI>",
                                           "<a:MessageID>7</a:MessageID>",
                                           "<a:ReplyTo>",
                                           "<w:OperationTimeout>PT60S</w:OperationTimeout>",
                                           "</Header><Body></Body>" };
    struct written w;
    (void)state;
    write_and_read(&w, &call);
    const char *at = w.text.chars;
    for (size_t i = 0; i < sizeof k_order / sizeof k_order[0]; i++) {
        at = strstr(at, k_order[i]);
        assert_non_null(at);
    }
    assert_string_equal(w.request.class_name, "AMT_GeneralSettings");
    assert_string_equal(w.request.resource_uri, WSMAN_NS_AMT "AMT_GeneralSettings");
    assert_string_equal(w.request.message_id, "7");
    assert_null(w.request.body);
    assert_null(strchr(w.text.chars, '\n'));
    written_fini(&w);
}

static void selectors_are_escaped_and_kept(void **state)
{
    struct arena arena = { NULL, 0 };
    const struct wsman_selector *list = NULL;
    struct written w;
    (void)state;
    assert_int_equal(wsman_selector_add(&arena, &list, "InstanceID", "a <b> & \"c\""), AMT_OK);
    assert_int_equal(wsman_selector_add(&arena, &list, "Name", "x"), AMT_OK);
    struct wsman_call call = { .operation = WSMAN_DELETE,
                               .class_name = "AMT_PublicKeyCertificate",
                               .selectors = list };
    write_and_read(&w, &call);
    struct wsman_ref ref = { .class_name = "", .selectors = w.request.selectors };
    assert_string_equal(wsman_ref_selector(&ref, "InstanceID"), "a <b> & \"c\"");
    assert_string_equal(wsman_ref_selector(&ref, "Name"), "x");
    written_fini(&w);
    arena_fini(&arena);
}

static struct wsman_instance *alarm_template(struct arena *arena)
{
    struct wsman_instance *alarm = wsman_instance_new(arena, "IPS_AlarmClockOccurrence");
    wsman_set(alarm, "InstanceID", "wake");
    wsman_set_time(alarm, "StartTime", 1767225600);
    wsman_set_interval(alarm, "Interval", "P1DT0H0M");
    return alarm;
}

/* Every kind of value, in the namespace it belongs to (wsman.md 2.6, 2.7; WSM-048). */
static void a_method_carries_every_kind_of_value(void **state)
{
    struct arena arena = { NULL, 0 };
    struct written w;
    (void)state;
    struct wsman_instance *input = wsman_instance_new(&arena, "AddAlarm_INPUT");
    struct wsman_value embedded = { .kind = WSMAN_EMBEDDED, .embedded = alarm_template(&arena) };
    wsman_set_values(input, "AlarmTemplate", &embedded);
    wsman_set_ref(input, "ManagedElement",
                  wsman_ref_new(&arena, "CIM_ComputerSystem", 1, "Name", "ManagedSystem"));
    wsman_add(input, "List", "1");
    wsman_add(input, "List", "2 & 3");
    struct wsman_call call = { .operation = WSMAN_METHOD,
                               .class_name = "AMT_AlarmClockService",
                               .method = "AddAlarm",
                               .body = input };
    write_and_read(&w, &call);
    assert_string_equal(w.request.method, "AddAlarm");
    assert_string_equal(w.request.body->name, "AddAlarm_INPUT");
    assert_string_equal(w.request.body->ns, WSMAN_NS_AMT "AMT_AlarmClockService");
    const struct xml_node *template =
        xml_child(w.request.body, WSMAN_NS_AMT "AMT_AlarmClockService", "AlarmTemplate");
    assert_string_equal(
        xml_child_text(template, WSMAN_NS_IPS "IPS_AlarmClockOccurrence", "InstanceID"), "wake");
    struct wsman_instance *read = wsman_instance_read(&w.arena, w.request.body);
    const struct wsman_instance *alarm = wsman_get_embedded(read, "AlarmTemplate");
    assert_string_equal(wsman_get(alarm, "StartTime"), "2026-01-01T00:00:00Z");
    assert_int_equal(wsman_get_values(alarm, "StartTime")->kind, WSMAN_DATETIME);
    assert_int_equal(wsman_get_values(alarm, "Interval")->kind, WSMAN_INTERVAL);
    assert_string_equal(wsman_ref_selector(wsman_get_ref(read, "ManagedElement"), "Name"),
                        "ManagedSystem");
    assert_string_equal(wsman_get_values(read, "List")->next->text, "2 & 3");
    written_fini(&w);
    arena_fini(&arena);
}

static void pull_and_release_carry_their_context(void **state)
{
    struct written w;
    (void)state;
    struct wsman_call call = { .operation = WSMAN_PULL,
                               .class_name = "CIM_Chip",
                               .context = "14000000-0000-0000-0000-000000000000" };
    write_and_read(&w, &call);
    assert_string_equal(w.request.enumeration_context, call.context);
    assert_int_equal(w.request.max_elements, 999);
    written_fini(&w);
    call.operation = WSMAN_RELEASE;
    write_and_read(&w, &call);
    assert_string_equal(w.request.enumeration_context, call.context);
    written_fini(&w);
    call.operation = WSMAN_ENUMERATE;
    write_and_read(&w, &call);
    written_fini(&w);
}

static char *read_file(const char *name, char *buffer, size_t cap)
{
    char path[500];
    (void)snprintf(path, sizeof path, "%s/client/tests/data/%s", AMTLAB_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(buffer, 1, cap - 1, file);
    assert_true(len > 0);
    buffer[len] = '\0';
    (void)fclose(file);
    return buffer;
}

static void captured_answers_become_instances(void **state)
{
    static char buffer[65536];
    struct arena arena = { NULL, 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_reply reply;
    (void)state;
    const char *text = read_file("AMT_GeneralSettings.get.xml", buffer, sizeof buffer);
    assert_int_equal(wsman_read_reply(&arena, text, strlen(text), WSMAN_GET, &reply, &diag),
                     AMT_OK);
    assert_false(reply.is_fault);
    assert_string_equal(reply.relates_to, "1");
    assert_string_equal(reply.instance->class_name, "AMT_GeneralSettings");
    assert_string_equal(wsman_get(reply.instance, "InstanceID"), "Intel(r) AMT: General Settings");

    text = read_file("CIM_SoftwareIdentity.pull.xml", buffer, sizeof buffer);
    assert_int_equal(wsman_read_reply(&arena, text, strlen(text), WSMAN_PULL, &reply, &diag),
                     AMT_OK);
    assert_true(reply.is_end);
    assert_null(reply.context);
    assert_true(reply.item_count > 5);
    assert_string_equal(reply.items->class_name, "CIM_SoftwareIdentity");

    text = read_file("AMT_TLSCredentialContext.create.xml", buffer, sizeof buffer);
    assert_int_equal(wsman_read_reply(&arena, text, strlen(text), WSMAN_CREATE, &reply, &diag),
                     AMT_OK);
    assert_string_equal(reply.created->class_name, "AMT_TLSCredentialContext");
    assert_string_equal(reply.created->selectors->ref->class_name, "AMT_PublicKeyCertificate");

    text = read_file("fault-DestinationUnreachable.xml", buffer, sizeof buffer);
    assert_int_equal(wsman_read_reply(&arena, text, strlen(text), WSMAN_GET, &reply, &diag),
                     AMT_OK);
    assert_true(reply.is_fault);
    assert_string_equal(reply.fault.subcode, "DestinationUnreachable");
    arena_fini(&arena);
}

static void assert_no_reply(const char *text, enum wsman_operation operation, const char *says)
{
    struct arena arena = { NULL, 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_reply reply;
    assert_int_equal(wsman_read_reply(&arena, text, strlen(text), operation, &reply, &diag),
                     AMT_EMALFORMED);
    assert_non_null(strstr(diag.text, says));
    arena_fini(&arena);
}

#define SOAP(body) \
    "<e:Envelope xmlns:e=\"" WSMAN_NS_SOAP "\"><e:Body>" body "</e:Body></e:Envelope>"

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    assert_no_reply("<html></html>", WSMAN_GET, "no SOAP 1.2 envelope");
    assert_no_reply("<html>", WSMAN_GET, "");
    assert_no_reply(SOAP(""), WSMAN_GET, "nothing instead of an instance");
    assert_no_reply(SOAP("<X></X>"), WSMAN_PULL, "X instead of PullResponse");
    assert_no_reply(
        SOAP("<n:EnumerateResponse xmlns:n=\"" WSMAN_NS_ENUMERATION "\"></n:EnumerateResponse>"),
        WSMAN_ENUMERATE, "no EnumerationContext");
    assert_no_reply(SOAP("<X></X>"), WSMAN_CREATE, "X instead of ResourceCreated");
}

/* Put may be answered with an empty body (wsman.md 2.2); a page without mark and context is the last. */
static void short_answers_are_answers(void **state)
{
    struct arena arena = { NULL, 0 };
    struct wsman_reply reply;
    static const char k_put[] = SOAP("");
    static const char k_page[] = SOAP("<n:PullResponse xmlns:n=\"" WSMAN_NS_ENUMERATION
                                      "\"><n:Items></n:Items></n:PullResponse>");
    (void)state;
    assert_int_equal(wsman_read_reply(&arena, k_put, strlen(k_put), WSMAN_PUT, &reply, NULL),
                     AMT_OK);
    assert_null(reply.instance);
    assert_int_equal(wsman_read_reply(&arena, k_page, strlen(k_page), WSMAN_PULL, &reply, NULL),
                     AMT_OK);
    assert_true(reply.is_end);
    arena_fini(&arena);
}

/* What a device writes is read back, fault by fault. */
static void every_fault_of_a_device_is_read(void **state)
{
    (void)state;
    for (enum wsman_fault fault = WSMAN_DESTINATION_UNREACHABLE; fault < WSMAN_FAULT_COUNT_;
         fault++) {
        struct arena arena = { NULL, 0 };
        struct text text = { 0 };
        struct wsman_reply reply;
        struct wsman_request request = { .message_id = "5", .action = "", .resource_uri = "" };
        struct wsman_answer answer = { .request = &request };
        wsman_write_fault(&text, &answer, fault, "MissingValues");
        assert_int_equal(wsman_read_reply(&arena, text.chars, text.len, WSMAN_GET, &reply, NULL),
                         AMT_OK);
        assert_true(reply.is_fault);
        assert_string_equal(reply.relates_to, "5");
        const char *name = reply.fault.subcode[0] == '\0' ? reply.fault.code : reply.fault.subcode;
        assert_int_equal(wsman_fault_by_name(name), fault);
        arena_fini(&arena);
        text_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_has_the_shape_of_clients),
        cmocka_unit_test(selectors_are_escaped_and_kept),
        cmocka_unit_test(a_method_carries_every_kind_of_value),
        cmocka_unit_test(pull_and_release_carry_their_context),
        cmocka_unit_test(captured_answers_become_instances),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(short_answers_are_answers),
        cmocka_unit_test(every_fault_of_a_device_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
