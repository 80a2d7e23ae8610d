/* activation.md 7: every recorded message both ways, and what is malformed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/activation/rps.h"

#define VECTORS AMTLAB_SOURCE_DIR "/protocol/activation/tests/data/rps/"

static char *load(const char *name, size_t *len)
{
    static char text[16384];
    char path[512];
    (void)snprintf(path, sizeof path, VECTORS "%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *len = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    while (*len > 0 && text[*len - 1] == '\n') {
        *len -= 1;
    }
    text[*len] = '\0';
    return text;
}

/* Read and written again, a message has the same bytes: order of keys, null, fqdn. */
static void recorded_messages_pass_both_ways(void **state)
{
    static const struct {
        const char *name;
        enum rps_side side;
        enum rps_method method;
        const char *begins; /* of the payload */
    } k_cases[] = {
        { "01-activate.client.json", RPS_FROM_CLIENT, RPS_COMMAND, "{\"ver\":\"16.1.25\"" },
        { "02-wsman.server.json", RPS_FROM_SERVER, RPS_WSMAN, "POST /wsman HTTP/1.1\r\n" },
        { "03-response.client.json", RPS_FROM_CLIENT, RPS_RESPONSE, "HTTP/1.1 401 " },
        { "04-wsman-adminsetup.server.json", RPS_FROM_SERVER, RPS_WSMAN, "POST /wsman " },
        { "05-response-adminsetup.client.json", RPS_FROM_CLIENT, RPS_RESPONSE, "HTTP/1.1 200 " },
        { "06-success.server.json", RPS_FROM_SERVER, RPS_SUCCESS, "" },
        { "07-error.server.json", RPS_FROM_SERVER, RPS_ERROR, "" },
        { "08-port-switch.server.json", RPS_FROM_SERVER, RPS_PORT_SWITCH, "{\"port\":\"16993\"" },
        { "09-port-switch-ack.client.json", RPS_FROM_CLIENT, RPS_PORT_SWITCH_ACK, "ok" },
        { "10-tls-data.server.json", RPS_FROM_SERVER, RPS_TLS_DATA, "\x16\x03\x01" },
        { "11-heartbeat.server.json", RPS_FROM_SERVER, RPS_HEARTBEAT_REQUEST, "" },
        { "12-heartbeat.client.json", RPS_FROM_CLIENT, RPS_HEARTBEAT_RESPONSE, "" },
        { "13-connection-reset.client.json", RPS_FROM_CLIENT, RPS_CONNECTION_RESET,
          "connection_closed" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct arena arena = { 0 };
        struct rps_message message;
        struct amt_diag diag = { .err = AMT_OK };
        struct text out = { 0 };
        size_t len = 0;
        char *json = load(k_cases[i].name, &len);
        assert_int_equal(rps_read(json, len, &arena, &message, &diag), AMT_OK);
        assert_int_equal(message.method, k_cases[i].method);
        assert_string_equal(message.protocol_version, "4.0.0");
        size_t begins = strlen(k_cases[i].begins);
        assert_true(message.payload_len >= begins);
        assert_memory_equal(message.payload, k_cases[i].begins, begins);
        rps_write(&out, k_cases[i].side, &message);
        assert_string_equal(text_chars(&out), json);
        text_fini(&out);
        arena_fini(&arena);
    }
}

/* ACT-SRV-043, ACT-CLI-014 */
static void the_first_payload_becomes_a_report_and_back(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct rps_message message;
    struct rps_device device, again;
    struct rps_command command;
    struct text out = { 0 };
    size_t len = 0;
    char *json = load("01-activate.client.json", &len);
    assert_int_equal(rps_read(json, len, &arena, &message, NULL), AMT_OK);
    assert_int_equal(rps_command_read(message.method_text, &arena, &command, NULL), AMT_OK);
    assert_int_equal(command.action, RPS_ACTIVATE);
    assert_string_equal(command.profile, "acmlab");
    assert_int_equal(rps_device_read(message.payload, message.payload_len, &arena, &device, NULL),
                     AMT_OK);
    const struct activation_report *r = &device.report;
    assert_true(device.is_uuid && device.has_hashes && device.has_lms && device.ip.is_dhcp);
    assert_false(device.is_tls_tunnel || device.has_progress || r->is_tls_enforced);
    assert_string_equal(device.uuid, "12345678-9abc-def0-1234-56789abcdef0");
    assert_string_equal(r->version, "16.1.25");
    assert_string_equal(r->build, "2049");
    assert_string_equal(r->sku, "16392");
    assert_string_equal(r->host_name, "lab-01");
    assert_string_equal(r->dns_suffix, "corp.example.com");
    assert_string_equal(r->os_dns_suffix, "corp.example.com");
    assert_string_equal(r->local_user, "$$OsAdmin");
    assert_string_equal(r->client, "RPC");
    assert_int_equal(r->control_mode, 0);
    assert_int_equal(r->hash_count, 1);
    assert_int_equal(r->hashes[0].type, ACTIVATION_HASH_SHA256);
    assert_true(r->hashes[0].is_active);
    assert_int_equal(r->hashes[0].bytes[0], 0x6d);
    assert_true(secret_equal(&r->local_password, (const uint8_t *)"abcdEFGH0123+/", 14));
    rps_device_write(&out, &device);
    assert_int_equal(
        rps_device_read((const uint8_t *)out.chars, (uint32_t)out.len, &arena, &again, NULL),
        AMT_OK);
    assert_string_equal(again.uuid, device.uuid);
    assert_memory_equal(&again.report.hashes[0], &r->hashes[0], sizeof r->hashes[0].bytes);
    assert_true(again.has_lms && again.ip.is_dhcp);
    assert_true(secret_equal(&again.report.local_password, r->local_password.bytes, 14));
    text_fini(&out);
    activation_report_wipe(&device.report);
    activation_report_wipe(&again.report);
    arena_fini(&arena);
}

static void messages_that_are_malformed_say_why(void **state)
{
    static const struct {
        const char *json, *text;
    } k_cases[] = {
        { "", "not JSON: " },
        { "{\"method\":\"activate\"", "not JSON: line 1, column " },
        { "[]", "the message is not a JSON object" },
        { "{}", "\"method\" is missing" },
        { "{\"method\":null}", "\"method\" is missing" },
        { "{\"method\":7}", "\"method\" is not a string" },
        { "{\"method\":\"wsman\",\"payload\":[]}", "\"payload\" is not a string" },
        { "{\"method\":\"response\",\"payload\":\"=\"}",
          "the payload of \"response\" is not base64" },
        { "{\"method\":\"activate --profile a\",\"payload\":\"YWJ\"}",
          "the payload of \"a command\" is not base64" },
        { "{\"method\":\"response\",\"protocolVersion\":4}",
          "\"protocolVersion\" is not a string" },
        { "{\"method\":\"a\\u0000b\"}", "not JSON: " },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct arena arena = { 0 };
        struct rps_message message;
        struct amt_diag diag = { .err = AMT_OK };
        assert_int_equal(
            rps_read(k_cases[i].json, strlen(k_cases[i].json), &arena, &message, &diag),
            AMT_EMALFORMED);
        if (strncmp(diag.text, k_cases[i].text, strlen(k_cases[i].text)) != 0) {
            fail_msg("%s: %s", k_cases[i].json, diag.text);
        }
        arena_fini(&arena);
    }
}

/* ACT-CLI-016 */
static void a_payload_of_null_or_none_is_empty(void **state)
{
    static const char *const k_cases[] = { "{\"method\":\"heartbeat_request\",\"payload\":null}",
                                           "{\"method\":\"heartbeat_request\"}",
                                           "{\"method\":\"what\",\"status\":null}" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct arena arena = { 0 };
        struct rps_message message;
        assert_int_equal(rps_read(k_cases[i], strlen(k_cases[i]), &arena, &message, NULL), AMT_OK);
        assert_int_equal(message.payload_len, 0);
        assert_int_equal(message.method, i == 2 ? RPS_OTHER : RPS_HEARTBEAT_REQUEST);
        arena_fini(&arena);
    }
}

/* ACT-SRV-045 */
static void versions_follow_the_rule(void **state)
{
    static const char *const k_good[] = { "4", "4.0", "4.0.0", "" };
    static const char *const k_bad[] = { "5.0.0", "4.1.0", "4.0.1",   "3.9.9",     "x",
                                         "4.",    ".4",    "4.0.0.0", "4.0.0-rc1", "99999999999" };
    (void)state;
    for (size_t i = 0; i < sizeof k_good / sizeof *k_good; i++) {
        assert_true(rps_version_is_supported(k_good[i], "4.0.0"));
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof *k_bad; i++) {
        assert_false(rps_version_is_supported(k_bad[i], "4.0.0"));
    }
    assert_true(rps_version_is_supported("4.1.9", "4.2.0"));
    assert_true(rps_version_is_supported("4.2.0", "4.2.1"));
}

static void command_lines_are_read(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct rps_command c;
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(rps_command_read("activate -profile=a -f", &arena, &c, &diag), AMT_OK);
    assert_string_equal(c.profile, "a");
    assert_true(c.is_forced);
    assert_int_equal(rps_command_read("  deactivate  --password  P@ss ", &arena, &c, &diag),
                     AMT_OK);
    assert_int_equal(c.action, RPS_DEACTIVATE);
    assert_true(c.has_password && secret_equal(&c.password, (const uint8_t *)"P@ss", 4));
    assert_int_equal(
        rps_command_read("maintenance -password X --synchostname pc9", &arena, &c, &diag), AMT_OK);
    assert_int_equal(c.task, RPS_SYNC_HOST_NAME);
    assert_string_equal(c.host_name, "pc9");
    secret_fini(&c.password);
    assert_int_equal(
        rps_command_read("maintenance -password X --changepassword N3w=P@ss", &arena, &c, &diag),
        AMT_OK);
    assert_int_equal(c.task, RPS_CHANGE_PASSWORD);
    assert_true(secret_equal(&c.new_password, (const uint8_t *)"N3w=P@ss", 8));
    secret_fini(&c.new_password);
    assert_int_equal(
        rps_command_read("maintenance -password X --changepassword -f", &arena, &c, &diag), AMT_OK);
    assert_true(c.new_password.len == 0 && c.is_forced); /* the server chooses one */
    assert_int_equal(
        rps_command_read("maintenance --password=X --synctime --syncip", &arena, &c, &diag),
        AMT_EMALFORMED); /* one at a time */
    assert_int_equal(rps_command_read("maintenance --password=X --syncip here", &arena, &c, &diag),
                     AMT_EMALFORMED);
    assert_int_equal(rps_command_read("format c:", &arena, &c, &diag), AMT_EUNKNOWN);
    assert_int_equal(rps_command_read("", &arena, &c, &diag), AMT_EUNKNOWN);
    assert_int_equal(rps_command_read("activate --profile", &arena, &c, &diag), AMT_EMALFORMED);
    assert_string_equal(diag.text, "--profile has no value");
    assert_int_equal(rps_command_read("activate --profile -f", &arena, &c, &diag), AMT_EMALFORMED);
    assert_int_equal(rps_command_read("activate --what", &arena, &c, &diag), AMT_EMALFORMED);
    assert_int_equal(rps_command_read("activate name", &arena, &c, &diag), AMT_EMALFORMED);
    arena_fini(&arena);
}

static enum amt_err read_device(const char *json, struct arena *arena, struct rps_device *device,
                                struct amt_diag *diag)
{
    return rps_device_read((const uint8_t *)json, (uint32_t)strlen(json), arena, device, diag);
}

static void payloads_that_lack_something_get_the_text_of_the_protocol(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct rps_device d;
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(read_device("nonsense", &arena, &d, &diag), AMT_EMALFORMED);
    assert_non_null(strstr(diag.text, "Failed to parse client message payload. "));
    static const char *const k_bad[] = {
        "[]",
        "{}",
        "{\"ver\":\"16.1\",\"build\":\"1\",\"uuid\":\"x\"}",
        "{\"client\":\"\",\"ver\":\"16.1\",\"build\":\"1\",\"uuid\":\"x\"}",
        "{\"client\":\"RPC\",\"ver\":\"16.1\",\"build\":\"1\"}",
        "{\"client\":\"RPC\",\"ver\":16,\"build\":\"1\",\"uuid\":\"x\"}",
        "{\"client\":[\"RPC\"],\"ver\":\"16.1\",\"build\":\"1\",\"uuid\":\"x\"}"
    };
    for (size_t i = 0; i < sizeof k_bad / sizeof *k_bad; i++) {
        assert_int_equal(read_device(k_bad[i], &arena, &d, &diag), AMT_EMALFORMED);
        assert_string_equal(diag.text, "Invalid payload from client");
    }
    assert_int_equal(
        read_device("{\"client\":\"RPC\",\"ver\":\"16.1\",\"build\":\"1\",\"uuid\":\"short\"}",
                    &arena, &d, &diag),
        AMT_OK);
    assert_false(d.is_uuid || d.has_hashes);
    assert_int_equal(d.report.control_mode, RPS_MODE_MISSING);
    assert_int_equal(d.report.local_password.len, 0);
    assert_int_equal(
        read_device("{\"client\":\"RPC\",\"ver\":\"16.1\",\"build\":\"1\",\"currentMode\":2,"
                    "\"tlsEnforced\":true,\"certHashes\":[\"00\",7,\"zz\","
                    "\"0102030405060708090a0b0c0d0e0f1011121314\"],"
                    "\"uuid\":[120,86,52,18,188,154,240,222,18,52,86,120,154,188,222,240]}",
                    &arena, &d, &diag),
        AMT_OK);
    assert_true(d.is_uuid && d.has_hashes && d.report.is_tls_enforced);
    assert_string_equal(d.uuid, "12345678-9abc-def0-1234-56789abcdef0");
    assert_int_equal(d.report.hash_count, 1);
    assert_int_equal(d.report.hashes[0].type, ACTIVATION_HASH_SHA1);
    assert_int_equal(d.report.control_mode, 2);
    arena_fini(&arena);
}

/* ACT-CLI-017, ACT-SRV-046 */
static void small_things(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct text out = { 0 };
    uint32_t port = 0, delay_s = 0;
    const char *json = "{\"port\":\"16993\",\"delay\":600}";
    assert_int_equal(
        rps_port_switch_read((const uint8_t *)json, (uint32_t)strlen(json), &port, &delay_s, NULL),
        AMT_OK);
    assert_int_equal(port, 16993);
    assert_int_equal(delay_s, 60);
    json = "{\"delay\":5}";
    assert_int_equal(
        rps_port_switch_read((const uint8_t *)json, (uint32_t)strlen(json), &port, &delay_s, NULL),
        AMT_EMALFORMED);
    const struct rps_status status = { .status = "Admin control mode.",
                                       .network = "Wired Network Configured." };
    rps_status_write(&out, &status);
    assert_string_equal(out.chars, "{\"Status\":\"Admin control mode.\","
                                   "\"Network\":\"Wired Network Configured.\"}");
    assert_string_equal(rps_status_text(out.chars, &arena), "Admin control mode.");
    assert_string_equal(rps_status_text("Missing DNS Suffix.", &arena), "Missing DNS Suffix.");
    text_fini(&out);
    arena_fini(&arena);
}

static void without_memory_nothing_is_half_read(void **state)
{
    (void)state;
    size_t len = 0;
    char *json = load("01-activate.client.json", &len);
    for (uint64_t k = 1; k < 40; k++) {
        struct arena arena = { 0 };
        struct rps_message m;
        struct rps_device device = { .uuid = "" };
        amt_memory_fail_after(k);
        enum amt_err err = rps_read(json, len, &arena, &m, NULL);
        if (err == AMT_OK) {
            err = rps_device_read(m.payload, m.payload_len, &arena, &device, NULL);
        }
        amt_memory_fail_after(0);
        assert_true(err == AMT_OK || err == AMT_ENOMEM);
        activation_report_wipe(&device.report);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_messages_pass_both_ways),
        cmocka_unit_test(the_first_payload_becomes_a_report_and_back),
        cmocka_unit_test(messages_that_are_malformed_say_why),
        cmocka_unit_test(a_payload_of_null_or_none_is_empty),
        cmocka_unit_test(versions_follow_the_rule),
        cmocka_unit_test(command_lines_are_read),
        cmocka_unit_test(payloads_that_lack_something_get_the_text_of_the_protocol),
        cmocka_unit_test(small_things),
        cmocka_unit_test(without_memory_nothing_is_half_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
