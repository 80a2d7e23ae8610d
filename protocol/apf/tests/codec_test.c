/* The edges of the codec that no vector can hold: limits of the library itself, guards, names. */
#include <string.h>

#include "base/unit.h"
#include "protocol/apf/codec.h"

static const struct apf_context k_from_device = { .direction = APF_DEV_TO_MPS };

static enum apf_verdict decode(const uint8_t *in, uint32_t len, uint32_t *count)
{
    struct apf_message message;
    return apf_decode(in, len, &k_from_device, &message, count);
}

/* APF-COM-003: no byte is looked at when more is offered than a buffer may hold. */
static void a_buffer_above_the_limit_is_refused_unread(void **state)
{
    (void)state;
    uint32_t count = 7;
    assert_int_equal(decode(NULL, CURSOR_MAX_BYTES + 1, &count), APF_ELENGTH_LIMIT);
    assert_int_equal(count, 0);
}

static void nothing_needs_one_byte(void **state)
{
    (void)state;
    uint32_t count = 0;
    assert_int_equal(decode(NULL, 0, &count), APF_NEED_MORE);
    assert_int_equal(count, 1);
}

static const uint8_t k_source[APF_DATA_MAX_BYTES + 1];

/* APF-COM-004: what the other end would refuse is not sent. */
static void what_cannot_be_encoded_gives_nothing(void **state)
{
    (void)state;
    uint8_t out[64];
    struct apf_message m = { .type = 0 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m.type = APF_CHANNEL_DATA;
    assert_int_equal(apf_encode(&m, k_source, false, out, CURSOR_MAX_BYTES + 1), 0);
    m.data = (struct view){ 0, APF_DATA_MAX_BYTES + 1 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m.data = (struct view){ CURSOR_MAX_BYTES + 1, 0 };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m = (struct apf_message){ .type = APF_GLOBAL_REQUEST, .request = APF_REQUEST_NONE };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
    m = (struct apf_message){ .type = APF_REQUEST_SUCCESS, .request = APF_REQUEST_NONE };
    assert_int_equal(apf_encode(&m, k_source, false, out, sizeof out), 0);
}

/* The length is exact whatever the room, so that a caller can ask for it first. */
static void a_small_buffer_gives_the_length_and_no_byte_too_many(void **state)
{
    (void)state;
    struct apf_message m = { .type = APF_PROTOCOLVERSION, .major = 1, .trigger = 2 };
    memset(m.uuid, 0x5a, sizeof m.uuid);
    uint8_t whole[93];
    assert_int_equal(apf_encode(&m, NULL, false, whole, sizeof whole), sizeof whole);
    for (uint32_t cap = 0; cap < sizeof whole; cap++) {
        uint8_t out[93 + 1];
        memset(out, 0xee, sizeof out);
        assert_int_equal(apf_encode(&m, NULL, false, out, cap), sizeof whole);
        for (uint32_t i = cap; i < sizeof out; i++) {
            assert_int_equal(out[i], 0xee);
        }
    }
}

/* APF-COM-010: reserved words as they are only when asked for. */
static void reserved_words_are_proper_or_raw(void **state)
{
    (void)state;
    struct apf_message m = { .type = APF_DISCONNECT, .reason = 11, .reserved = 0x1234 };
    uint8_t out[7];
    assert_int_equal(apf_encode(&m, NULL, false, out, sizeof out), sizeof out);
    assert_memory_equal(out, "\x01\0\0\0\x0b\0\0", 7);
    assert_int_equal(apf_encode(&m, NULL, true, out, sizeof out), sizeof out);
    assert_memory_equal(out, "\x01\0\0\0\x0b\x12\x34", 7);
    m = (struct apf_message){ .type = APF_CHANNEL_OPEN_FAILURE, .reserved = 1, .reserved2 = 2 };
    uint8_t failure[17];
    assert_int_equal(apf_encode(&m, NULL, true, failure, sizeof failure), sizeof failure);
    assert_int_equal(failure[12], 1);
    assert_int_equal(failure[16], 2);
    assert_int_equal(apf_encode(&m, NULL, false, failure, sizeof failure), sizeof failure);
    assert_int_equal(failure[12] | failure[16], 0);
}

/* apf.md 3.1, and the other numbers: none. */
static void every_type_has_the_name_of_the_table(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *name;
    } k_types[] = {
        { 1, "DISCONNECT" },
        { 5, "SERVICE_REQUEST" },
        { 6, "SERVICE_ACCEPT" },
        { 50, "USERAUTH_REQUEST" },
        { 51, "USERAUTH_FAILURE" },
        { 52, "USERAUTH_SUCCESS" },
        { 80, "GLOBAL_REQUEST" },
        { 81, "REQUEST_SUCCESS" },
        { 82, "REQUEST_FAILURE" },
        { 90, "CHANNEL_OPEN" },
        { 91, "CHANNEL_OPEN_CONFIRMATION" },
        { 92, "CHANNEL_OPEN_FAILURE" },
        { 93, "CHANNEL_WINDOW_ADJUST" },
        { 94, "CHANNEL_DATA" },
        { 97, "CHANNEL_CLOSE" },
        { 192, "PROTOCOLVERSION" },
        { 208, "KEEPALIVE_REQUEST" },
        { 209, "KEEPALIVE_REPLY" },
        { 210, "KEEPALIVE_OPTIONS_REQUEST" },
        { 211, "KEEPALIVE_OPTIONS_REPLY" },
        { 250, "JSON_CONTROL" },
    };
    uint32_t found = 0;
    for (uint32_t type = 0; type < 256; type++) {
        found += apf_type_name((uint8_t)type) == NULL ? 0 : 1;
    }
    assert_int_equal(found, sizeof k_types / sizeof k_types[0]);
    for (uint32_t i = 0; i < sizeof k_types / sizeof k_types[0]; i++) {
        const char *name = apf_type_name(k_types[i].type);
        assert_non_null(name);
        assert_string_equal(name, k_types[i].name);
        assert_int_equal(apf_type_find(name), k_types[i].type);
    }
    assert_int_equal(apf_type_find("window_adjust"), APF_CHANNEL_WINDOW_ADJUST);
    assert_int_equal(apf_type_find("Protocol_Version"), APF_PROTOCOLVERSION);
    assert_int_equal(apf_type_find("CHANNEL_EOF"), 0);
    assert_int_equal(apf_type_find(""), 0);
}

/* apf.md 2.1 with the requirement behind each error. */
static void every_verdict_has_its_name_and_requirement(void **state)
{
    (void)state;
    static const struct {
        enum apf_verdict verdict;
        const char *name, *requirement;
    } k_verdicts[] = {
        { APF_OK, "ok", NULL },
        { APF_NEED_MORE, "need-more", NULL },
        { APF_EUNKNOWN_TYPE, "unknown-type", "APF-COM-006" },
        { APF_EDIRECTION, "direction", "APF-COM-007" },
        { APF_ELENGTH_LIMIT, "length-limit", "APF-COM-004" },
        { APF_EBAD_VALUE, "bad-value", "APF-COM-016" },
        { APF_EUNKNOWN_METHOD, "unknown-method", "APF-COM-015" },
        { APF_EUNKNOWN_REQUEST, "unknown-request", "APF-COM-019" },
        { APF_EUNEXPECTED, "unexpected", "APF-COM-013" },
    };
    assert_int_equal(sizeof k_verdicts / sizeof k_verdicts[0], APF_VERDICT_COUNT_);
    for (uint32_t i = 0; i < APF_VERDICT_COUNT_; i++) {
        const char *requirement = apf_verdict_requirement(k_verdicts[i].verdict);
        assert_string_equal(apf_verdict_name(k_verdicts[i].verdict), k_verdicts[i].name);
        assert_int_equal(requirement == NULL, k_verdicts[i].requirement == NULL);
        if (requirement != NULL) {
            assert_string_equal(requirement, k_verdicts[i].requirement);
        }
    }
    assert_string_equal(apf_verdict_name(APF_VERDICT_COUNT_), "unknown-verdict");
    assert_null(apf_verdict_requirement(APF_VERDICT_COUNT_));
}

/* apf.md 3.2, 3.14 */
static void reasons_have_names_and_others_none(void **state)
{
    (void)state;
    assert_null(apf_disconnect_name(0));
    assert_string_equal(apf_disconnect_name(APF_HOST_NOT_ALLOWED_TO_CONNECT),
                        "HOST_NOT_ALLOWED_TO_CONNECT");
    assert_string_equal(apf_disconnect_name(APF_PROTOCOL_ERROR), "PROTOCOL_ERROR");
    assert_string_equal(apf_disconnect_name(APF_BY_APPLICATION), "BY_APPLICATION");
    assert_string_equal(apf_disconnect_name(APF_NO_MORE_AUTH_METHODS_AVAILABLE),
                        "NO_MORE_AUTH_METHODS_AVAILABLE");
    assert_string_equal(apf_disconnect_name(APF_ILLEGAL_USER_NAME), "ILLEGAL_USER_NAME");
    assert_string_equal(apf_disconnect_name(APF_CONNECTION_TIMED_OUT), "CONNECTION_TIMED_OUT");
    assert_string_equal(apf_disconnect_name(18), "TEMPORARILY_UNAVAILABLE");
    assert_null(apf_disconnect_name(19));
    assert_null(apf_disconnect_name(UINT32_MAX));
    assert_null(apf_open_failure_name(0));
    assert_string_equal(apf_open_failure_name(APF_ADMINISTRATIVELY_PROHIBITED),
                        "ADMINISTRATIVELY_PROHIBITED");
    assert_string_equal(apf_open_failure_name(APF_RESOURCE_SHORTAGE), "RESOURCE_SHORTAGE");
    assert_null(apf_open_failure_name(5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_above_the_limit_is_refused_unread),
        cmocka_unit_test(nothing_needs_one_byte),
        cmocka_unit_test(what_cannot_be_encoded_gives_nothing),
        cmocka_unit_test(a_small_buffer_gives_the_length_and_no_byte_too_many),
        cmocka_unit_test(reserved_words_are_proper_or_raw),
        cmocka_unit_test(every_type_has_the_name_of_the_table),
        cmocka_unit_test(every_verdict_has_its_name_and_requirement),
        cmocka_unit_test(reasons_have_names_and_others_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
