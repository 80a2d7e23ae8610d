/* Which addresses a range has, and who answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/unit.h"
#include "client/scan.h"
#include "runtime/loop.h"

static void ranges(void **state)
{
    static const struct {
        const char *text;
        uint32_t first, last;
    } k_good[] = {
        { "192.0.2.0/24", 0xc0000201, 0xc00002fe }, { "192.0.2.77/30", 0xc000024d, 0xc000024e },
        { "192.0.2.8/31", 0xc0000208, 0xc0000209 }, { "192.0.2.8/32", 0xc0000208, 0xc0000208 },
        { "192.0.2.8", 0xc0000208, 0xc0000208 },    { "10.0.0.1-10.0.1.0", 0x0a000001, 0x0a000100 },
        { "10.1.0.0/16", 0x0a010001, 0x0a01fffe },
    };
    static const char *const k_bad[] = { "",         "1.2.3",      "1.2.3.4.5",       "1.2.3.256",
                                         "1.2.3.4/", "1.2.3.4/33", "1.2.3.9-1.2.3.4", "1.2.3.4-",
                                         "pc.lab",   "1.2.3.4/2x", "-1.2.3.4",        "1.2.3.4x" };
    struct client_scan_range range;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    for (size_t i = 0; i < sizeof k_good / sizeof k_good[0]; i++) {
        assert_int_equal(client_scan_range(k_good[i].text, &range, &diag), AMT_OK);
        assert_int_equal(range.first, k_good[i].first);
        assert_int_equal(range.last, k_good[i].last);
    }
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        assert_int_equal(client_scan_range(k_bad[i], &range, &diag), AMT_EMALFORMED);
    }
    assert_int_equal(client_scan_range("10.0.0.0/8", &range, &diag), AMT_ELIMIT);
    assert_int_equal(client_scan_range("0.0.0.0/0", &range, &diag), AMT_ELIMIT);
}

struct room {
    struct loop *loop;
    struct udp_socket *device;
    uint32_t found;
    bool is_done;
    char host[64];
};

/* Answers twice, and something that is no pong first. */
static void answer(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    struct room *room = ctx;
    struct rmcp_message message;
    uint8_t out[RMCP_PONG_BYTES];
    assert_int_equal(rmcp_decode(in, len, &message), AMT_OK);
    message.kind = RMCP_PONG;
    message.presence = (struct rmcp_presence){
        .enterprise = RMCP_ENTERPRISE_INTEL, .open_port = 16992, .major = 12, .asf_version = 1
    };
    uint32_t pong = rmcp_encode(&message, out, sizeof out);
    assert_int_equal(udp_send(room->device, from, in, len), AMT_OK);
    assert_int_equal(udp_send(room->device, from, out, pong - 1), AMT_OK);
    assert_int_equal(udp_send(room->device, from, out, pong), AMT_OK);
    assert_int_equal(udp_send(room->device, from, out, pong), AMT_OK);
}

static void on_found(void *ctx, const char *host, const struct rmcp_presence *presence)
{
    struct room *room = ctx;
    room->found += 1;
    (void)snprintf(room->host, sizeof room->host, "%s", host);
    assert_int_equal(presence->major, 12);
}

static void on_done(void *ctx)
{
    ((struct room *)ctx)->is_done = true;
}

static bool is_done(void *ctx)
{
    return ((struct room *)ctx)->is_done;
}

static void one_device_among_many_addresses_is_found_once(void **state)
{
    struct room room = { .found = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    const struct address place = { .host = "127.0.0.77" };
    struct address address;
    (void)state;
    room.loop = loop_new_uv(&diag);
    assert_non_null(room.loop);
    room.device = udp_open(room.loop, &place, answer, &room, &diag);
    assert_non_null(room.device);
    udp_address(room.device, &address);
    struct client_scan_settings settings = { .loop = room.loop,
                                             .port = address.port,
                                             .wait_us = US_PER_SECOND,
                                             .on_found = on_found,
                                             .on_done = on_done,
                                             .ctx = &room };
    assert_int_equal(client_scan_range("127.0.0.0/24", &settings.range, &diag), AMT_OK);
    struct client_scan *scan = client_scan_start(&settings, &diag);
    assert_non_null(scan);
    assert_true(
        loop_run_until(room.loop, is_done, &room, loop_now_us(room.loop) + 30 * US_PER_SECOND));
    assert_int_equal(room.found, 1);
    assert_string_equal(room.host, "127.0.0.77");
    client_scan_free(scan);
    udp_close(room.device);
    loop_free(room.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(one_device_among_many_addresses_is_found_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
