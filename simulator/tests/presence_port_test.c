/* The UDP port of a device: found by a scanner, and no reason to fail when it cannot be had. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/rmcp/codec.h"
#include "runtime/udp.h"
#include "simulator/tests/world.h"

struct scanner {
    struct rmcp_message pong;
    uint32_t pongs;
};

static void on_pong(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    struct scanner *scanner = ctx;
    (void)from;
    assert_int_equal(rmcp_decode(in, len, &scanner->pong), AMT_OK);
    scanner->pongs += 1;
}

static void make(struct world *w, const char *port)
{
    struct amt_diag diag = { .err = AMT_OK };
    world_set(w, "direct.address", "127.0.0.1");
    world_set(w, "direct.presence_port", port);
    w->device = device_new(w->loop, &w->config, 1, 0, w->log, &diag);
    if (w->device == NULL) {
        fail_msg("%s", diag.text);
    }
}

static void a_scanner_finds_the_device(void **state)
{
    const struct rmcp_message ping = { .kind = RMCP_PING, .tag = 9 };
    const struct address any = { .host = "127.0.0.1" };
    struct scanner scanner = { .pongs = 0 };
    struct address to;
    struct world w;
    uint8_t out[RMCP_PING_BYTES];
    (void)state;
    world_init(&w, "default");
    make(&w, "0");
    assert_true(device_direct_address(w.device, RMCP_PORT, &to));
    struct udp_socket *socket = udp_open(w.loop, &any, on_pong, &scanner, NULL);
    assert_non_null(socket);
    assert_int_equal(rmcp_encode(&ping, out, sizeof out), sizeof out);
    assert_int_equal(udp_send(socket, &to, out, sizeof out), AMT_OK);
    world_run(&w, SECOND);
    assert_int_equal(scanner.pongs, 1);
    assert_int_equal(scanner.pong.tag, 9);
    assert_int_equal(scanner.pong.presence.provisioning, 2);
    udp_close(socket);
    world_fini(&w);
}

static void a_taken_port_is_said_and_the_device_lives(void **state)
{
    const struct address taken = { .host = "127.0.0.1", .port = RMCP_PORT };
    struct scanner scanner = { .pongs = 0 };
    struct address address;
    struct world w;
    (void)state;
    world_init(&w, "default");
    struct udp_socket *socket = udp_open(w.loop, &taken, on_pong, &scanner, NULL);
    assert_non_null(socket);
    make(&w, "623");
    assert_false(device_direct_address(w.device, RMCP_PORT, &address));
    assert_int_equal(world_count(&w, "presence.not_heard"), 1);
    assert_int_equal(world_count(&w, "address already in use"), 1);
    udp_close(socket);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scanner_finds_the_device),
        cmocka_unit_test(a_taken_port_is_said_and_the_device_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
