/* The field table: what each message has, how it prints, and that no secret is printed. */
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/apf/fields.h"

static void every_type_has_a_row_and_no_other_number_has_one(void **state)
{
    (void)state;
    uint32_t rows = 0;
    for (uint32_t type = 0; type < 256; type++) {
        struct apf_message message = { .type = (uint8_t)type };
        uint32_t count = 99;
        const struct apf_field *fields = apf_fields(&message, &count);
        bool is_assigned = apf_type_name((uint8_t)type) != NULL;
        assert_int_equal(fields != NULL, is_assigned);
        rows += is_assigned ? 1 : 0;
        assert_true(is_assigned || count == 0);
    }
    assert_int_equal(rows, 21); /* apf.md 3.1 */
}

static uint32_t count_of(uint8_t type, enum apf_request request, bool has_password)
{
    struct apf_message message = { .type = type,
                                   .request = (uint8_t)request,
                                   .has_password = has_password };
    uint32_t count = 0;
    (void)apf_fields(&message, &count);
    return count;
}

/* apf.md 3.5, 3.8, 3.10: a field that the message does not have is not shown as an empty one. */
static void optional_fields_are_there_only_with_their_form(void **state)
{
    (void)state;
    assert_int_equal(count_of(APF_USERAUTH_REQUEST, APF_REQUEST_NONE, false), 3);
    assert_int_equal(count_of(APF_USERAUTH_REQUEST, APF_REQUEST_NONE, true), 4);
    assert_int_equal(count_of(APF_GLOBAL_REQUEST, APF_REQUEST_FORWARD, false), 4);
    assert_int_equal(count_of(APF_GLOBAL_REQUEST, APF_REQUEST_CANCEL, false), 4);
    assert_int_equal(count_of(APF_GLOBAL_REQUEST, APF_REQUEST_UDP, false), 7);
    assert_int_equal(count_of(APF_REQUEST_SUCCESS, APF_REQUEST_FORWARD, false), 1);
    assert_int_equal(count_of(APF_REQUEST_SUCCESS, APF_REQUEST_CANCEL, false), 0);
    uint32_t count = 0;
    assert_non_null(apf_fields_of_type(APF_GLOBAL_REQUEST, &count));
    assert_int_equal(count, 7);
}

static void a_field_is_found_by_the_name_of_the_vectors(void **state)
{
    (void)state;
    struct apf_message message = { .type = APF_CHANNEL_OPEN,
                                   .sender_channel = 0xfffffffe,
                                   .channel_type = { 5, 15 } };
    const struct apf_field *field = apf_field_find(APF_CHANNEL_OPEN, "sender_channel");
    assert_non_null(field);
    assert_int_equal(apf_field_number(&message, field), 0xfffffffe);
    assert_int_equal(apf_field_view(&message, field).len, 0); /* a number is no view */
    field = apf_field_find(APF_CHANNEL_OPEN, "channel_type");
    assert_non_null(field);
    assert_int_equal(apf_field_view(&message, field).off, 5);
    assert_int_equal(apf_field_view(&message, field).len, 15);
    assert_int_equal(apf_field_number(&message, field), 0); /* and a view is no number */
    assert_null(apf_field_find(APF_CHANNEL_OPEN, "recipient_channel"));
    assert_null(apf_field_find(2, "type"));
}

/* Decodes the bytes and compares the line for logs. */
static void prints(enum apf_direction direction, enum apf_request pending, const char *bytes,
                   uint32_t len, const char *expected)
{
    struct apf_context context = { .direction = direction,
                                   .pending = pending,
                                   .json_control = true };
    struct apf_message message;
    uint32_t count = 0;
    char line[256];
    const uint8_t *in = (const uint8_t *)bytes;
    assert_int_equal(apf_decode(in, len, &context, &message, &count), APF_OK);
    assert_int_equal(count, len);
    apf_print(&message, in, line, sizeof line);
    assert_string_equal(line, expected);
}

#define BYTES(literal) literal, sizeof(literal) - 1

static void a_message_prints_as_one_line_in_wire_order(void **state)
{
    (void)state;
    prints(APF_MPS_TO_DEV, APF_REQUEST_NONE,
           BYTES("\x5a\0\0\0\x0c"
                 "direct-tcpip\0\0\0\4\0\0\x80\0\xff\xff\xff\xff\0\0\0\0\0\0\x42\x60\0\0\0\7"
                 "1.2.3.4\0\0\4\0"),
           "CHANNEL_OPEN channel_type=\"direct-tcpip\" sender_channel=4 initial_window=32768 "
           "reserved=4294967295 address=\"\" port=16992 originator=\"1.2.3.4\" "
           "originator_port=1024");
    prints(APF_MPS_TO_DEV, APF_REQUEST_CANCEL, BYTES("\x51"), "REQUEST_SUCCESS");
    prints(APF_MPS_TO_DEV, APF_REQUEST_NONE, BYTES("\x33\0\0\0\4none\1"),
           "USERAUTH_FAILURE methods=\"none\" partial=1");
}

/* APF-COM-008, APF-COM-009 */
static void a_version_prints_its_uuid_in_canonical_form(void **state)
{
    (void)state;
    char bytes[93] = "\xc0\0\0\0\1\0\0\0\2\0\0\0\4"
                     "\x44\x45\x4c\x4c\x4b\0\x10\x42\x80\x33\xb6\xc0\x4f\x50\x46\x33";
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE, bytes, sizeof bytes,
           "PROTOCOLVERSION major=1 minor=2 trigger=4 uuid=4c4c4544-004b-4210-8033-b6c04f504633 "
           "reserved_zero=1");
    bytes[92] = 1;
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE, bytes, sizeof bytes,
           "PROTOCOLVERSION major=1 minor=2 trigger=4 uuid=4c4c4544-004b-4210-8033-b6c04f504633 "
           "reserved_zero=0");
}

/* Payload may hold anything, credentials too: only its size is shown. */
static void payload_prints_as_its_size(void **state)
{
    (void)state;
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE, BYTES("\x5e\0\0\0\1\0\0\0\4POST"),
           "CHANNEL_DATA recipient_channel=1 data=(4 bytes)");
}

static void a_password_is_never_printed(void **state)
{
    (void)state;
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE,
           BYTES("\x32\0\0\0\5admin\0\0\0\x12pfwd@amt.intel.com\0\0\0\x08password\0\0\0\0\x08"
                 "P@ssw0rd"),
           "USERAUTH_REQUEST user=\"admin\" service=\"pfwd@amt.intel.com\" method=\"password\" "
           "password=(hidden)");
}

/* A log line stays a line, and quotes stay paired, whatever a peer sends (APF-COM-017). */
static void hostile_text_is_escaped(void **state)
{
    (void)state;
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE, BYTES("\x05\0\0\0\x08 ~\"\\\n\x1f\x7f\xff"),
           "SERVICE_REQUEST service=\" ~\\x22\\x5c\\x0a\\x1f\\x7f\\xff\"");
}

static void long_text_is_cut_with_its_length(void **state)
{
    (void)state;
    char bytes[5 + 49];
    memcpy(bytes, "\xfa\0\0\0\x31", 5);
    memset(bytes + 5, 'j', 49);
    prints(APF_DEV_TO_MPS, APF_REQUEST_NONE, bytes, sizeof bytes,
           "JSON_CONTROL json=\"jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj\"...(49 bytes)");
}

static void a_short_line_is_cut_and_stays_terminated(void **state)
{
    (void)state;
    struct apf_message message = { .type = APF_KEEPALIVE_REQUEST, .cookie = 42 };
    static const char k_whole[] = "KEEPALIVE_REQUEST cookie=42";
    for (size_t cap = 1; cap <= sizeof k_whole; cap++) {
        char *line = malloc(cap); /* exact: one byte more is a fault */
        assert_non_null(line);
        apf_print(&message, NULL, line, cap);
        assert_int_equal(strlen(line), cap - 1);
        assert_memory_equal(line, k_whole, cap - 1);
        free(line);
    }
    char untouched = 'x';
    apf_print(&message, NULL, &untouched, 0);
    assert_int_equal(untouched, 'x');
}

static void an_unassigned_type_prints_as_unknown(void **state)
{
    (void)state;
    struct apf_message message = { .type = 96 };
    char line[32];
    apf_print(&message, NULL, line, sizeof line);
    assert_string_equal(line, "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_a_row_and_no_other_number_has_one),
        cmocka_unit_test(optional_fields_are_there_only_with_their_form),
        cmocka_unit_test(a_field_is_found_by_the_name_of_the_vectors),
        cmocka_unit_test(a_message_prints_as_one_line_in_wire_order),
        cmocka_unit_test(a_version_prints_its_uuid_in_canonical_form),
        cmocka_unit_test(payload_prints_as_its_size),
        cmocka_unit_test(a_password_is_never_printed),
        cmocka_unit_test(hostile_text_is_escaped),
        cmocka_unit_test(long_text_is_cut_with_its_length),
        cmocka_unit_test(a_short_line_is_cut_and_stays_terminated),
        cmocka_unit_test(an_unassigned_type_prints_as_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
