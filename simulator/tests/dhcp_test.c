/* A device on a virtual segment with a DHCP server that the test plays: what its firmware makes of it. */
#include <string.h>

#include "base/unit.h"
#include "protocol/dhcp/lease.h"
#include "runtime/lan.h"
#include "simulator/device.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/provisioning.h"

#define SERVER  0x0a090001u
#define ADDRESS 0x0a090064u

struct rig {
    struct loop *loop;
    struct log *log;
    struct lan *server;
    struct device_config config;
    struct device *device;
    const char *domain; /* option 15; NULL: none */
    uint32_t time_s, heard[9];
    bool is_silent, refuses;
    char last[256]; /* reason of the last trouble event */
    uint32_t leases, troubles;
};

static struct dhcp_value value_u32(enum dhcp_code code, uint32_t value, uint8_t out[4])
{
    struct writer w = { .base = out, .cap = 4 };
    writer_u32(&w, value);
    return (struct dhcp_value){ code, out, 4 };
}

static void answer(struct rig *rig, const struct dhcp_message *asked)
{
    struct dhcp_message reply = { .is_reply = true, .xid = asked->xid, .yours = ADDRESS };
    struct dhcp_value values[5];
    uint8_t numbers[3][4], out[DHCP_MOST_BYTES];
    uint32_t count = 0;
    bool is_request = asked->type == DHCP_REQUEST;
    reply.type = !is_request ? DHCP_OFFER : rig->refuses ? DHCP_NAK : DHCP_ACK;
    memcpy(reply.hardware, asked->hardware, DHCP_HARDWARE_BYTES);
    values[count++] = value_u32(DHCP_SERVER_ID, SERVER, numbers[0]);
    if (reply.type != DHCP_NAK) {
        values[count++] = value_u32(DHCP_LEASE_TIME, rig->time_s, numbers[1]);
        values[count++] = value_u32(DHCP_SUBNET_MASK, 0xffffff00u, numbers[2]);
    }
    if (rig->domain != NULL && reply.type != DHCP_NAK) {
        values[count++] = (struct dhcp_value){ DHCP_DOMAIN_NAME, (const uint8_t *)rig->domain,
                                               (uint32_t)strlen(rig->domain) };
    }
    const struct lan_datagram datagram = {
        .from = SERVER,
        .to = asked->client != 0 ? asked->client : LAN_EVERYBODY,
        .from_port = DHCP_SERVER_PORT,
        .to_port = DHCP_CLIENT_PORT,
        .bytes = out,
        .len = dhcp_encode(&reply, values, count, out, sizeof out),
    };
    assert_int_equal(lan_send(rig->server, &datagram), AMT_OK);
}

static void on_asked(void *ctx, const struct lan_datagram *datagram)
{
    struct rig *rig = ctx;
    struct dhcp_message message;
    assert_int_equal(dhcp_decode(datagram->bytes, datagram->len, &message, NULL), AMT_OK);
    rig->heard[message.type] += 1;
    if (!rig->is_silent) {
        answer(rig, &message);
    }
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct rig *rig = ctx;
    (void)level;
    rig->leases += strcmp(name, "dhcp.lease") == 0 ? 1 : 0;
    bool is_trouble = strcmp(name, "dhcp.no_server") == 0 || strcmp(name, "dhcp.refused") == 0 ||
                      strcmp(name, "dhcp.expired") == 0 || strcmp(name, "dhcp.bad_answer") == 0;
    rig->troubles += is_trouble ? 1 : 0;
    for (; is_trouble && fields->kind != LOG_FIELD_END; fields++) {
        if (strcmp(fields->name, "reason") == 0 && fields->len < sizeof rig->last) {
            memcpy(rig->last, fields->text, fields->len);
            rig->last[fields->len] = '\0';
        }
    }
}

static void start(struct rig *rig, const char *domain)
{
    static const struct lan_handler k_handler = { .on_datagram = on_asked };
    const struct virtual_world world = { .seed = 3 };
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    *rig = (struct rig){ .domain = domain, .time_s = 3600 };
    rig->loop = loop_new_virtual(&world, NULL);
    rig->log = log_new(rig->loop);
    log_observe(rig->log, on_event, rig);
    rig->server = lan_open(rig->loop, "office", DHCP_SERVER_PORT, &k_handler, rig, &diag);
    assert_non_null(rig->server);
    lan_set_address(rig->server, SERVER);
    assert_int_equal(device_config_load("amt-16.1", NULL, NULL, &rig->config, &errors), AMT_OK);
    assert_int_equal(
        config_set(device_config_keys, "firmware.control_mode", "none", &rig->config, &diag),
        AMT_OK);
    assert_int_equal(config_set(device_config_keys, "firmware.network_suffix", "of.the.profile",
                                &rig->config, &diag),
                     AMT_OK);
    assert_int_equal(
        config_set(device_config_keys, "dhcp.interface", "office", &rig->config, &diag), AMT_OK);
    rig->device = device_new(rig->loop, &rig->config, 1, 0, rig->log, &diag);
    assert_non_null(rig->device);
}

/* The same PC with another value of a key. */
static void make_device(struct rig *rig, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    device_free(rig->device);
    assert_int_equal(config_set(device_config_keys, key, value, &rig->config, &diag), AMT_OK);
    rig->device = device_new(rig->loop, &rig->config, 1, 0, rig->log, &diag);
    assert_non_null(rig->device);
}

static void pass(struct rig *rig, uint64_t seconds)
{
    (void)loop_run_until(rig->loop, NULL, NULL, loop_now_us(rig->loop) + seconds * US_PER_SECOND);
}

static const char *suffix(struct rig *rig)
{
    return provisioning_suffix(device_firmware(rig->device, NULL));
}

static bool has_link(struct rig *rig)
{
    return network_link_is_up(device_firmware(rig->device, NULL), 0);
}

static void stop(struct rig *rig)
{
    device_free(rig->device);
    device_config_fini(&rig->config);
    lan_close(rig->server);
    log_free(rig->log);
    loop_free(rig->loop);
}

/* ACT-DEV-023: the suffix is that of option 15; before the lease there is none. */
static void the_suffix_is_that_of_the_lease(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    assert_null(suffix(&rig));
    pass(&rig, 1);
    assert_string_equal(suffix(&rig), "corp.example.com");
    assert_int_equal(rig.heard[DHCP_DISCOVER], 1);
    assert_int_equal(rig.heard[DHCP_REQUEST], 1);
    assert_true(has_link(&rig));
    assert_int_equal(provisioning_set_trusted_suffix(device_firmware(rig.device, NULL), "mebx.net"),
                     AMT_OK);
    assert_string_equal(suffix(&rig), "mebx.net");
    stop(&rig);
}

/* F13, and each way in which option 15 is of no use. */
static void an_option_15_of_no_use_is_no_suffix(void **state)
{
    (void)state;
    static const char *const k_domains[] = { NULL, "", ".", "a..b", "ex\xC3\xA4mple.com", "a\nb" };
    for (size_t i = 0; i < sizeof k_domains / sizeof *k_domains; i++) {
        struct rig rig;
        start(&rig, k_domains[i]);
        pass(&rig, 1);
        assert_int_equal(rig.leases, 1);
        assert_null(suffix(&rig));
        stop(&rig);
    }
}

/* F14: without a cable there is no suffix; with it the lease comes back. */
static void without_a_cable_there_is_no_suffix(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    pass(&rig, 1);
    lan_plug(rig.loop, "office", false);
    assert_null(suffix(&rig));
    assert_false(has_link(&rig));
    pass(&rig, 100);
    assert_int_equal(rig.heard[DHCP_DISCOVER], 1);
    lan_plug(rig.loop, "office", true);
    assert_true(has_link(&rig));
    assert_null(suffix(&rig));
    pass(&rig, 1);
    assert_string_equal(suffix(&rig), "corp.example.com");
    assert_int_equal(rig.heard[DHCP_DISCOVER], 1); /* the old address, by one REQUEST */
    assert_int_equal(rig.heard[DHCP_REQUEST], 2);
    stop(&rig);
}

/* activation.md 3.1: a change of the option takes effect with the next lease. */
static void another_domain_comes_with_the_renewal(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    pass(&rig, 1000);
    rig.domain = "guest.example.net";
    pass(&rig, 700);
    assert_string_equal(suffix(&rig), "corp.example.com");
    pass(&rig, 200); /* T1 is at 1800 s */
    assert_string_equal(suffix(&rig), "guest.example.net");
    assert_int_equal(rig.leases, 2);
    stop(&rig);
}

static void a_lease_that_nobody_renews_is_gone(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    pass(&rig, 1);
    rig.is_silent = true;
    pass(&rig, 3590);
    assert_string_equal(suffix(&rig), "corp.example.com");
    pass(&rig, 20);
    assert_null(suffix(&rig));
    assert_true(has_link(&rig));
    assert_int_equal(rig.troubles, 1);
    rig.is_silent = false;
    pass(&rig, 70);
    assert_string_equal(suffix(&rig), "corp.example.com");
    stop(&rig);
}

static void a_network_without_a_server_is_told(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    rig.is_silent = true;
    pass(&rig, 60);
    assert_int_equal(rig.troubles, 1);
    assert_non_null(strstr(rig.last, "nobody has answered"));
    assert_null(suffix(&rig));
    stop(&rig);
}

static void a_refusal_takes_the_suffix_away(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    pass(&rig, 1);
    rig.refuses = true;
    pass(&rig, 1900);
    assert_null(suffix(&rig));
    assert_true(rig.troubles >= 1);
    assert_true(rig.heard[DHCP_DISCOVER] < 12); /* not in a loop */
    stop(&rig);
}

/* A device calls home once there is a network to call through. */
static void nobody_is_called_before_there_is_a_lease(void **state)
{
    (void)state;
    struct rig rig;
    start(&rig, "corp.example.com");
    make_device(&rig, "cira.to", "127.0.0.1:4433");
    rig.is_silent = true;
    device_connect(rig.device, 0);
    pass(&rig, 30);
    assert_int_equal(device_statistics(rig.device)->cira_attempts, 0);
    rig.is_silent = false;
    pass(&rig, 40);
    assert_int_equal(rig.leases, 1);
    assert_true(device_statistics(rig.device)->cira_attempts > 0);
    stop(&rig);
}

static void a_pc_without_a_wired_port_cannot(void **state)
{
    (void)state;
    struct rig rig;
    struct amt_diag diag = { .err = AMT_OK };
    start(&rig, NULL);
    device_free(rig.device);
    assert_int_equal(
        config_set(device_config_keys, "firmware.has_wired", "false", &rig.config, &diag), AMT_OK);
    rig.device = device_new(rig.loop, &rig.config, 1, 0, rig.log, &diag);
    assert_null(rig.device);
    assert_non_null(strstr(diag.text, "no wired port"));
    stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suffix_is_that_of_the_lease),
        cmocka_unit_test(an_option_15_of_no_use_is_no_suffix),
        cmocka_unit_test(without_a_cable_there_is_no_suffix),
        cmocka_unit_test(another_domain_comes_with_the_renewal),
        cmocka_unit_test(a_lease_that_nobody_renews_is_gone),
        cmocka_unit_test(a_network_without_a_server_is_told),
        cmocka_unit_test(a_refusal_takes_the_suffix_away),
        cmocka_unit_test(nobody_is_called_before_there_is_a_lease),
        cmocka_unit_test(a_pc_without_a_wired_port_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
