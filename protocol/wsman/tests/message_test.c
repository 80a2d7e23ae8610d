/* Requests as clients write them, answers as devices write them: WSM-031 to WSM-058. */
#include "protocol/wsman/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define CLASS_URI WSMAN_NS_AMT "AMT_GeneralSettings"

static enum wsman_fault read_text(struct arena *arena, const char *text,
                                  struct wsman_request *request)
{
    struct amt_diag diag = { .err = AMT_OK };
    return wsman_request_read(arena, text, strlen(text), request, &diag);
}

/* A method call in the manner of MeshCentral: default namespace SOAP, prefixes a, w, r. */
#define CALL                                                                                      \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope "                                        \
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:a=\"" WSMAN_NS_ADDRESSING      \
    "\" xmlns:w=\"" WSMAN_NS_WSMAN "\" xmlns=\"" WSMAN_NS_SOAP                                    \
    "\"><Header><a:Action>" WSMAN_NS_CIM                                                          \
    "CIM_BootConfigSetting/ChangeBootOrder</a:Action><a:To>/wsman</a:To>"                         \
    "<w:ResourceURI>" WSMAN_NS_CIM "CIM_BootConfigSetting</w:ResourceURI>"                        \
    "<a:MessageID>uuid:7</a:MessageID><a:ReplyTo><a:Address>" WSMAN_ANONYMOUS                     \
    "</a:Address></a:ReplyTo><w:OperationTimeout>PT60S</w:OperationTimeout><w:SelectorSet>"       \
    "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Boot Configuration 0</w:Selector>"             \
    "</w:SelectorSet></Header><Body><r:ChangeBootOrder_INPUT xmlns:r=\"" WSMAN_NS_CIM             \
    "CIM_BootConfigSetting\"><r:Source><Address xmlns=\"" WSMAN_NS_ADDRESSING "\">x</Address>"    \
    "<ReferenceParameters xmlns=\"" WSMAN_NS_ADDRESSING "\"><ResourceURI xmlns=\"" WSMAN_NS_WSMAN \
    "\">" WSMAN_NS_CIM "CIM_BootSourceSetting</ResourceURI><SelectorSet xmlns=\"" WSMAN_NS_WSMAN  \
    "\"><Selector Name=\"InstanceID\">Intel(r) AMT: Force PXE Boot</Selector>"                    \
    "</SelectorSet></ReferenceParameters></r:Source></r:ChangeBootOrder_INPUT></Body></Envelope>"

static void test_method_call(void **state)
{
    struct arena arena = { 0 };
    struct wsman_request request;
    (void)state;
    assert_int_equal(read_text(&arena, CALL, &request), WSMAN_OK);
    assert_int_equal(request.operation, WSMAN_METHOD);
    assert_string_equal(request.class_name, "CIM_BootConfigSetting");
    assert_string_equal(request.method, "ChangeBootOrder");
    assert_string_equal(request.message_id, "uuid:7");
    assert_string_equal(request.selectors->name, "InstanceID");
    assert_string_equal(request.selectors->text, "Intel(r) AMT: Boot Configuration 0");
    const struct wsman_instance *input = wsman_instance_read(&arena, request.body);
    const struct wsman_ref *source = wsman_get_ref(input, "Source"); /* WSM-048 */
    assert_string_equal(source->class_name, "CIM_BootSourceSetting");
    assert_string_equal(wsman_ref_selector(source, "InstanceID"), "Intel(r) AMT: Force PXE Boot");
    arena_fini(&arena);
}

static void test_envelopes_that_are_none(void **state)
{
    struct arena arena = { 0 };
    struct wsman_request request;
    (void)state;
    assert_int_equal(read_text(&arena, "<Envelope/>", &request), WSMAN_SCHEMA_VALIDATION_ERROR);
    assert_int_equal(read_text(&arena, "", &request), WSMAN_SCHEMA_VALIDATION_ERROR);
    assert_int_equal(
        read_text(
            &arena,
            "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body/></Envelope>",
            &request),
        WSMAN_VERSION_MISMATCH);
    assert_int_equal(read_text(&arena,
                               "<Envelope xmlns=\"" WSMAN_NS_SOAP "\"><Header/><Body/></Envelope>",
                               &request),
                     WSMAN_HEADER_REQUIRED);
    assert_int_equal(
        read_text(&arena,
                  "<s:Envelope xmlns:s=\"" WSMAN_NS_SOAP "\" xmlns:a=\"" WSMAN_NS_ADDRESSING
                  "\" xmlns:w=\"" WSMAN_NS_WSMAN "\"><s:Header><a:Action>x</a:Action>"
                  "<a:MessageID>1</a:MessageID><w:OptionSet s:mustUnderstand=\"true\"/></s:Header>"
                  "<s:Body/></s:Envelope>",
                  &request),
        WSMAN_MUST_UNDERSTAND);
    assert_string_equal(request.message_id, "1");
    arena_fini(&arena);
}

static void begin(struct wsman_request *request, struct wsman_answer *answer)
{
    *request = (struct wsman_request){ .operation = WSMAN_GET,
                                       .action = WSMAN_NS_TRANSFER "/Get",
                                       .resource_uri = CLASS_URI,
                                       .class_name = "AMT_GeneralSettings",
                                       .message_id = "3<" };
    *answer = (struct wsman_answer){ .request = request,
                                     .message_counter = 0x2e4,
                                     .class_name = "AMT_GeneralSettings" };
}

static void test_instance_answer(void **state)
{
    struct arena arena = { 0 };
    struct text out = { 0 };
    struct wsman_request request;
    struct wsman_answer answer;
    (void)state;
    begin(&request, &answer);
    struct wsman_instance *instance = wsman_instance_new(&arena, "AMT_GeneralSettings");
    wsman_set(instance, "localName", "last");
    wsman_set(instance, "Zebra", "");
    wsman_set_bool(instance, "Alpha", true);
    wsman_add_u64(instance, "Middle", 1);
    wsman_add_u64(instance, "Middle", 2);
    wsman_write_instance_answer(&out, &answer, instance);
    assert_non_null(strstr(text_chars(&out),
                           "<b:RelatesTo>3&lt;</b:RelatesTo>"
                           "<b:Action a:mustUnderstand=\"true\">" WSMAN_NS_TRANSFER
                           "/GetResponse</b:Action><b:MessageID>uuid:00000000-8086-"
                           "8086-8086-0000000002E4</b:MessageID><c:ResourceURI>"));
    /* WSM-036, 037, 039: ASCII order, arrays repeated, no white space, no short tags. */
    assert_non_null(strstr(text_chars(&out),
                           "<a:Body><g:AMT_GeneralSettings><g:Alpha>true</g:Alpha><g:Middle>1"
                           "</g:Middle><g:Middle>2</g:Middle><g:Zebra></g:Zebra><g:localName>last"
                           "</g:localName></g:AMT_GeneralSettings></a:Body></a:Envelope>"));
    assert_null(strstr(text_chars(&out), WSMAN_NS_COMMON));
    text_fini(&out);
    out = (struct text){ 0 };
    answer.declares_common = true; /* WSM-038, WSM-058 */
    wsman_set_time(instance, "Alpha", 1700000000);
    wsman_write_instance_answer(&out, &answer, instance);
    assert_non_null(strstr(text_chars(&out), " xmlns:h=\"" WSMAN_NS_COMMON "\""));
    assert_non_null(strstr(text_chars(&out),
                           "<g:Alpha><h:Datetime>2023-11-14T22:13:20Z</h:Datetime></g:Alpha>"));
    text_fini(&out);
    arena_fini(&arena);
}

static void test_pages(void **state)
{
    struct arena arena = { 0 };
    struct text out = { 0 };
    struct wsman_request request;
    struct wsman_answer answer;
    (void)state;
    begin(&request, &answer);
    struct wsman_instance *instance = wsman_instance_new(&arena, "AMT_GeneralSettings");
    wsman_write_pull_answer(&out, &answer, instance, "14000000-0000-0000-0000-000000000000");
    assert_non_null(strstr(text_chars(&out),
                           "<g:PullResponse><g:EnumerationContext>14000000-0000-0000-0000-"
                           "000000000000</g:EnumerationContext><g:Items><h:AMT_GeneralSettings>"
                           "</h:AMT_GeneralSettings></g:Items></g:PullResponse>")); /* WSM-042 */
    text_fini(&out);
    out = (struct text){ 0 };
    wsman_write_pull_answer(&out, &answer, NULL, NULL);
    assert_non_null(strstr(text_chars(&out), "<g:PullResponse><g:Items></g:Items><g:EndOfSequence>"
                                             "</g:EndOfSequence></g:PullResponse>")); /* WSM-043 */
    assert_null(strstr(text_chars(&out), "xmlns:h="));
    text_fini(&out);
    arena_fini(&arena);
}

static void test_method_answer_and_empty_reference(void **state)
{
    static const struct wsman_ref k_default = { .class_name = "", .selectors = NULL };
    struct arena arena = { 0 };
    struct text out = { 0 };
    struct wsman_request request;
    struct wsman_answer answer;
    (void)state;
    begin(&request, &answer);
    struct wsman_instance *output = wsman_instance_new(&arena, "AddMpServer_OUTPUT");
    wsman_set_ref(output, "MpServer", &k_default);
    wsman_set_u64(output, "ReturnValue", 2058);
    wsman_write_method_answer(&out, &answer, output); /* WSM-040, WSM-050 */
    assert_non_null(strstr(
        text_chars(&out), "<g:AddMpServer_OUTPUT><g:MpServer><b:Address>default</b:Address>"
                          "<b:ReferenceParameters><c:ResourceURI></c:ResourceURI><c:SelectorSet>"
                          "</c:SelectorSet></b:ReferenceParameters></g:MpServer><g:ReturnValue>2058"
                          "</g:ReturnValue></g:AddMpServer_OUTPUT>"));
    text_fini(&out);
    arena_fini(&arena);
}

/* The captured fault, byte for byte (WSM-056). */
static void test_fault(void **state)
{
    struct text out = { 0 };
    struct wsman_request request;
    struct wsman_answer answer;
    (void)state;
    begin(&request, &answer);
    request.message_id = "0";
    answer.message_counter = 0x61;
    wsman_write_fault(&out, &answer, WSMAN_DESTINATION_UNREACHABLE, NULL);
    assert_string_equal(
        text_chars(&out),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "
        "xmlns:g=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\" "
        "xmlns:f=\"http://schemas.xmlsoap.org/ws/2004/08/eventing\" "
        "xmlns:e=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
        "xmlns:d=\"http://schemas.xmlsoap.org/ws/2004/09/transfer\" "
        "xmlns:c=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "
        "xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
        "xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "
        "xmlns:h=\"http://schemas.xmlsoap.org/ws/2005/02/trust\" "
        "xmlns:i=\"http://docs.oasis-open.org/wss/2004/01/"
        "oasis-200401-wss-wssecurity-secext-1.0.xsd\" "
        "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header><b:To>"
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To><b:RelatesTo>0"
        "</b:RelatesTo><b:Action a:mustUnderstand=\"true\">"
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault</b:Action><b:MessageID>"
        "uuid:00000000-8086-8086-8086-000000000061</b:MessageID></a:Header><a:Body><a:Fault>"
        "<a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:DestinationUnreachable</a:Value>"
        "</a:Subcode></a:Code><a:Reason><a:Text xml:lang=\"en-US\">No route can be determined to "
        "reach the destination role defined by the WSAddressing To.</a:Text></a:Reason><a:Detail>"
        "</a:Detail></a:Fault></a:Body></a:Envelope>");
    text_fini(&out);
    out = (struct text){ 0 };
    wsman_write_fault(&out, &answer, WSMAN_INVALID_REPRESENTATION, "MissingValues");
    assert_non_null(strstr(text_chars(&out),
                           "<a:Detail><e:FaultDetail>http://schemas.dmtf.org/wbem/wsman/1/wsman/"
                           "faultDetail/MissingValues</e:FaultDetail></a:Detail>"));
    text_fini(&out);
    for (int i = WSMAN_OK + 1; i < WSMAN_FAULT_COUNT_; i++) {
        enum wsman_fault fault = (enum wsman_fault)i;
        assert_int_equal(wsman_fault_by_name(wsman_fault_name(fault)), fault);
        assert_true(wsman_fault_status(fault) == 400 || wsman_fault_status(fault) == 500);
    }
    assert_int_equal(wsman_fault_by_name("b:Nonsense"), WSMAN_FAULT_COUNT_);
}

static void test_references(void **state)
{
    struct arena arena = { 0 };
    struct text out = { 0 };
    (void)state;
    const struct wsman_ref *inner =
        wsman_ref_new(&arena, "AMT_PublicKeyCertificate", 1, "InstanceID", "a&b");
    struct wsman_selector selector = { .name = "ElementInContext", .ref = inner };
    struct wsman_ref outer = { .class_name = "AMT_TLSCredentialContext", .selectors = &selector };
    wsman_ref_write(&out, &outer); /* WSM-049 */
    assert_string_equal(
        text_chars(&out),
        "<b:Address>" WSMAN_ANONYMOUS
        "</b:Address><b:ReferenceParameters><c:ResourceURI>" WSMAN_NS_AMT
        "AMT_TLSCredentialContext</c:ResourceURI><c:SelectorSet><c:Selector "
        "Name=\"ElementInContext\"><b:EndpointReference><b:Address>" WSMAN_ANONYMOUS
        "</b:Address><b:ReferenceParameters><c:ResourceURI>" WSMAN_NS_AMT
        "AMT_PublicKeyCertificate</c:ResourceURI><c:SelectorSet><c:Selector Name=\"InstanceID\">"
        "a&amp;b</c:Selector></c:SelectorSet></b:ReferenceParameters></b:EndpointReference>"
        "</c:Selector></c:SelectorSet></b:ReferenceParameters>");
    text_fini(&out);
    arena_fini(&arena);
}

static void test_values(void **state)
{
    struct arena arena = { 0 };
    size_t len;
    (void)state;
    struct wsman_instance *instance = wsman_instance_new(&arena, "AMT_X");
    wsman_set(instance, "Number", "12");
    wsman_set(instance, "Word", "twelve");
    wsman_set_base64(instance, "Bytes", "foob", 4);
    struct wsman_instance *copy = wsman_instance_copy(&arena, instance);
    wsman_add(copy, "Number", "13");
    wsman_unset(copy, "Word");
    assert_int_equal(wsman_get_u64(instance, "Number", 0), 12);
    assert_int_equal(wsman_get_u64(instance, "Word", 5), 5);
    assert_null(wsman_get_values(instance, "Number")->next);
    assert_non_null(wsman_get_values(copy, "Number")->next);
    assert_false(wsman_has(copy, "Word"));
    assert_true(wsman_has(instance, "Word"));
    assert_memory_equal(wsman_get_base64(instance, "Bytes", &len), "foob", 4);
    assert_int_equal(len, 4);
    assert_null(wsman_get_base64(instance, "Word", &len));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_call),
        cmocka_unit_test(test_envelopes_that_are_none),
        cmocka_unit_test(test_instance_answer),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_method_answer_and_empty_reference),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
