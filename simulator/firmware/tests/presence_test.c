/* Discovery: who answers a presence ping, with what, and when it is silent (wsman.md 1.10). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/firmware/presence.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/tests/pc.h"

/* A scanner: sends pings, keeps the last pong. */
struct scanner {
    struct udp_socket *socket;
    struct rmcp_message pong;
    uint32_t pongs;
};

static void on_pong(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    struct scanner *scanner = ctx;
    assert_int_equal(from->port, RMCP_PORT);
    assert_int_equal(len, RMCP_PONG_BYTES);
    assert_int_equal(rmcp_decode(in, len, &scanner->pong), AMT_OK);
    assert_int_equal(scanner->pong.kind, RMCP_PONG);
    scanner->pongs += 1;
}

static const struct address k_any = { .host = "127.0.0.1" };
static const struct address k_device = { .host = "127.0.0.1", .port = RMCP_PORT };

static void scan(struct pc *pc, struct scanner *scanner, const void *out, uint32_t len)
{
    memset(scanner, 0, sizeof *scanner);
    scanner->socket = udp_open(pc->loop, &k_any, on_pong, scanner, NULL);
    assert_non_null(scanner->socket);
    assert_int_equal(udp_send(scanner->socket, &k_device, out, len), AMT_OK);
    pc_run(pc, US_PER_SECOND);
    udp_close(scanner->socket);
}

static void ping(struct pc *pc, struct scanner *scanner, uint8_t tag)
{
    const struct rmcp_message message = { .kind = RMCP_PING, .tag = tag };
    uint8_t out[RMCP_PING_BYTES];
    assert_int_equal(rmcp_encode(&message, out, sizeof out), sizeof out);
    scan(pc, scanner, out, sizeof out);
}

static struct presence *start(struct pc *pc)
{
    pc_start(pc);
    struct presence *presence = presence_open(pc->loop, pc->firmware, &k_device, NULL);
    assert_non_null(presence);
    return presence;
}

static void set_version(struct pc *pc, const char *version)
{
    amt_free(pc->config.version);
    pc->config.version = amt_strdup(version);
}

static void a_pong_carries_the_tag_and_what_the_device_is(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    set_version(&pc, "11.8.50.3425");
    struct presence *presence = start(&pc);
    ping(&pc, &scanner, 0x5A);
    assert_int_equal(scanner.pongs, 1);
    assert_int_equal(scanner.pong.tag, 0x5A);
    assert_int_equal(scanner.pong.presence.enterprise, RMCP_ENTERPRISE_INTEL);
    assert_int_equal(scanner.pong.presence.major, 11);
    assert_int_equal(scanner.pong.presence.minor, 8);
    assert_int_equal(scanner.pong.presence.provisioning, 2);
    assert_int_equal(scanner.pong.presence.asf_version, 1);
    assert_true(scanner.pong.presence.is_dash);
    presence_close(presence);
    pc_close(&pc);
}

static void the_open_ports_are_those_that_are_open(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    set_version(&pc, "11.8.50.3425");
    struct presence *presence = start(&pc);
    ping(&pc, &scanner, 1);
    bool has_plain = firmware_port_is_open(pc.firmware, 16992, FIRMWARE_NETWORK);
    bool has_tls = firmware_port_is_open(pc.firmware, 16993, FIRMWARE_NETWORK);
    assert_true(has_plain);
    assert_int_equal(scanner.pong.presence.open_port, has_tls ? 16993 : 16992);
    assert_int_equal(scanner.pong.presence.has_both_ports, has_plain && has_tls);
    presence_close(presence);
    pc_close(&pc);
}

static void a_version_above_15_does_not_wrap_around(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    set_version(&pc, "16.1.25.2124");
    struct presence *presence = start(&pc);
    ping(&pc, &scanner, 1);
    assert_int_equal(scanner.pong.presence.major, 15);
    assert_int_equal(scanner.pong.presence.minor, 1);
    presence_close(presence);
    pc_close(&pc);
}

/* Writes what a console writes: all of AMT_GeneralSettings, with the property changed. */
static void set_answering(struct pc *pc, const char *value)
{
    struct text body = { 0 };
    const struct xml_node *settings = pc_get(pc, "AMT_GeneralSettings", NULL);
    text_puts(&body, "<r:AMT_GeneralSettings>");
    for (const struct xml_node *p = settings->first; p != NULL; p = p->next) {
        bool is_it = strcmp(p->name, "RmcpPingResponseEnabled") == 0;
        text_printf(&body, "<r:%s>", p->name);
        text_xml(&body, is_it ? value : p->text, strlen(is_it ? value : p->text));
        text_printf(&body, "</r:%s>", p->name);
    }
    text_puts(&body, "</r:AMT_GeneralSettings>");
    (void)pc_wsman(pc, "Put", "AMT_GeneralSettings", NULL, text_chars(&body));
    assert_int_equal(pc->status, 200);
    text_fini(&body);
}

static void answering_can_be_switched_off_and_on_over_ws_man(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    struct presence *presence = start(&pc);
    set_answering(&pc, "false");
    ping(&pc, &scanner, 1);
    assert_int_equal(scanner.pongs, 0);
    set_answering(&pc, "true");
    ping(&pc, &scanner, 1);
    assert_int_equal(scanner.pongs, 1);
    presence_close(presence);
    pc_close(&pc);
}

static void a_device_without_networking_is_silent(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    struct presence *presence = start(&pc);
    assert_int_equal(settings_set(pc.firmware, "AMT_GeneralSettings", "", "AMTNetworkEnabled", "0"),
                     AMT_OK);
    ping(&pc, &scanner, 1);
    assert_int_equal(scanner.pongs, 0);
    presence_close(presence);
    pc_close(&pc);
}

static void a_device_that_is_not_provisioned_is_silent(void **state)
{
    struct pc pc;
    struct scanner scanner;
    (void)state;
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_NOT_PROVISIONED;
    struct presence *presence = start(&pc);
    ping(&pc, &scanner, 1);
    assert_int_equal(scanner.pongs, 0);
    presence_close(presence);
    pc_close(&pc);
}

static void what_is_no_ping_gets_no_answer(void **state)
{
    const struct rmcp_message pong = { .kind = RMCP_PONG };
    struct pc pc;
    struct scanner scanner;
    uint8_t out[RMCP_PONG_BYTES] = { 0 };
    (void)state;
    pc_init(&pc);
    struct presence *presence = start(&pc);
    scan(&pc, &scanner, out, 3);
    assert_int_equal(scanner.pongs, 0);
    assert_int_equal(rmcp_encode(&pong, out, sizeof out), sizeof out);
    scan(&pc, &scanner, out, sizeof out); /* two devices must not answer each other for ever */
    assert_int_equal(scanner.pongs, 0);
    presence_close(presence);
    pc_close(&pc);
}

static void two_devices_cannot_have_one_address(void **state)
{
    struct pc pc;
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    (void)state;
    pc_init(&pc);
    struct presence *presence = start(&pc);
    presence_address(presence, &address);
    assert_int_equal(address.port, RMCP_PORT);
    assert_null(presence_open(pc.loop, pc.firmware, &k_device, &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    presence_close(presence);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pong_carries_the_tag_and_what_the_device_is),
        cmocka_unit_test(the_open_ports_are_those_that_are_open),
        cmocka_unit_test(a_version_above_15_does_not_wrap_around),
        cmocka_unit_test(answering_can_be_switched_off_and_on_over_ws_man),
        cmocka_unit_test(a_device_without_networking_is_silent),
        cmocka_unit_test(a_device_that_is_not_provisioned_is_silent),
        cmocka_unit_test(what_is_no_ping_gets_no_answer),
        cmocka_unit_test(two_devices_cannot_have_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
