/* activation.md 6.3, 6.4: the objects of MeshCentral's host protocol. */
#include "protocol/activation/mesh.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static enum amt_err read_text(struct arena *arena, const char *json, struct mesh_message *message,
                              struct activation_report *report)
{
    struct amt_diag diag = { .err = AMT_OK };
    return mesh_read(arena, json, strlen(json), message, report, &diag);
}

static const char k_state[] =
    "{\"action\":\"meiState\",\"value\":{\"core-ver\":1,\"OsHostname\":\"lab-01\","
    "\"OsDnsSuffix\":\"corp.example.com\",\"Flags\":2,\"MeiVersion\":\"MKHI\","
    "\"UUID\":\"12345678-9abc-def0-1234-56789abcdef0\",\"ProvisioningState\":0,"
    "\"ProvisioningMode\":1,\"Versions\":{\"AMT\":\"16.1.25\",\"Sku\":\"16392\"},"
    "\"OsAdmin\":{\"user\":\"$$OsAdmin\",\"pass\":\"abcdEFGH0123+/\"},"
    "\"net0\":{\"enabled\":1,\"dhcpEnabled\":true,\"mac\":\"00:00:5E:00:53:01\"},"
    "\"DnsSuffix\":\"corp.example.com\",\"Hashes\":[{\"isDefault\":0,\"isActive\":1,"
    "\"hashAlgorithm\":2,\"hashAlgorithmStr\":\"SHA256\",\"hashAlgorithmSize\":32,"
    "\"certificateHash\":\"6DBED506612F8CC87D28E49207D717646B33CB974CC4E7F0B9ACBD4ED611693E\","
    "\"name\":\"Test Root\"},{\"certificateHash\":\"zz\"}]}}";

static void test_state(void **state)
{
    struct arena arena = { 0 };
    struct mesh_message message;
    struct activation_report report;
    struct activation_report again;
    struct text out = { 0 };
    (void)state;
    assert_int_equal(read_text(&arena, k_state, &message, &report), AMT_OK);
    assert_int_equal(message.action, MESH_STATE);
    assert_string_equal(report.version, "16.1.25");
    assert_string_equal(report.local_user, "$$OsAdmin");
    assert_true(secret_equal(&report.local_password, (const uint8_t *)"abcdEFGH0123+/", 14));
    assert_string_equal(activation_report_suffix(&report), "corp.example.com");
    assert_int_equal(report.control_mode, 1);
    assert_true(report.has_core_version);
    assert_int_equal(report.hash_count, 1);
    assert_int_equal(report.hashes[0].type, ACTIVATION_HASH_SHA256);
    assert_true(report.hashes[0].is_active);
    assert_int_equal(report.hashes[0].bytes[0], 0x6d);
    mesh_write_state(&out, &report); /* and back */
    assert_int_equal(read_text(&arena, text_chars(&out), &message, &again), AMT_OK);
    assert_string_equal(again.dns_suffix, report.dns_suffix);
    assert_memory_equal(again.hashes[0].bytes, report.hashes[0].bytes, 32);
    assert_memory_equal(again.uuid.bytes, report.uuid.bytes, 16);
    text_fini(&out);
    activation_report_wipe(&report);
    activation_report_wipe(&again);
    arena_fini(&arena);
}

static void test_actions(void **state)
{
    struct arena arena = { 0 };
    struct mesh_message message;
    (void)state;
    assert_int_equal(read_text(&arena, "{\"action\":\"connType\",\"value\":2}", &message, NULL),
                     AMT_OK);
    assert_int_equal(message.action, MESH_CONNECTION_TYPE);
    assert_int_equal(message.value, 2);
    assert_int_equal(read_text(&arena, "{\"action\":\"deactivate\",\"value\":3}", &message, NULL),
                     AMT_OK);
    assert_int_equal(message.value, 3);
    assert_int_equal(read_text(&arena,
                               "{\"action\":\"startTlsHostConfig\",\"value\":{\"status\":0,"
                               "\"hash\":\"00ff\"}}",
                               &message, NULL),
                     AMT_OK);
    assert_int_equal(message.action, MESH_START_TLS);
    assert_true(message.has_value);
    assert_string_equal(message.text, "00ff");
    assert_int_equal(read_text(&arena, "{\"action\":\"new\"}", &message, NULL), AMT_OK);
    assert_int_equal(message.action, MESH_UNKNOWN);
    static const char *const k_wrong[] = { "", "xx", "[]", "{}", "{\"action\":3}", "{\"action\":" };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        assert_int_equal(read_text(&arena, k_wrong[i], &message, NULL), AMT_EMALFORMED);
    }
    arena_fini(&arena);
}

static void test_writers(void **state)
{
    struct text out = { 0 };
    (void)state;
    mesh_write_console(&out, "caf\xc3\xa9");
    assert_string_equal(text_chars(&out), "{\"action\":\"console\",\"msg\":\"caf\\u00E9\"}");
    text_fini(&out);
    out = (struct text){ 0 };
    mesh_write_plain(&out, MESH_STOP);
    mesh_write_status(&out, MESH_STOP, 3);
    assert_string_equal(text_chars(&out), "{\"action\":\"stopConfiguration\"}"
                                          "{\"action\":\"stopConfiguration\",\"value\":3}");
    text_fini(&out);
    out = (struct text){ 0 };
    mesh_write_start_tls(&out, "ab");
    assert_string_equal(text_chars(&out), "{\"action\":\"startTlsHostConfig\",\"hash\":\"ab\","
                                          "\"hostVpn\":false,\"dnsSuffixList\":null}");
    text_fini(&out);
}

/* Found by fuzzing: numbers that fit nowhere, and a password without its user. */
static void test_what_makes_no_sense(void **state)
{
    struct arena arena = { 0 };
    struct mesh_message message;
    struct activation_report report;
    (void)state;
    assert_int_equal(
        read_text(&arena,
                  "{\"action\":\"meiState\",\"value\":{\"Flags\":-1,\"core-ver\":1e300,"
                  "\"ProvisioningState\":-0.5,\"OsAdmin\":{\"pass\":\"x\"}}}",
                  &message, &report),
        AMT_OK);
    assert_int_equal(report.control_mode, 0);
    assert_int_equal(report.provisioning_state, 0);
    assert_false(report.has_core_version);
    assert_int_equal(report.local_password.len, 0);
    activation_report_wipe(&report);
    assert_int_equal(
        read_text(&arena, "{\"action\":\"deactivate\",\"value\":-1e300}", &message, NULL), AMT_OK);
    assert_int_equal(message.value, -1);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_state),
                                        cmocka_unit_test(test_actions),
                                        cmocka_unit_test(test_writers),
                                        cmocka_unit_test(test_what_makes_no_sense) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
