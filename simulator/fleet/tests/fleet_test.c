#include "simulator/fleet/fleet.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

#define SECOND UINT64_C(1000000)
#define COUNT  5u

/* A listener that remembers when each connection came, and answers nothing. */
struct world {
    struct loop *loop;
    struct device_config config;
    struct listener *listener;
    struct stream *streams[COUNT];
    uint64_t at_us[COUNT];
    uint32_t connects;
    struct fleet *fleet;
};

static void on_accept(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    assert_true(w->connects < COUNT);
    w->at_us[w->connects] = loop_now_us(w->loop);
    w->streams[w->connects++] = s;
    static const struct stream_handler k_deaf = { .on_open = NULL };
    stream_set_handler(s, &k_deaf, NULL);
}

static void set(struct world *w, const char *key, const char *value)
{
    assert_int_equal(config_set(device_config_keys, key, value, &w->config, NULL), AMT_OK);
}

static void init(struct world *w)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct address address = { .host = "127.0.0.1", .port = 4433 };
    memset(w, 0, sizeof *w);
    w->loop = loop_new_virtual(&k_world, NULL);
    w->listener = net_listen(w->loop, &address, on_accept, w, NULL);
    assert_non_null(w->listener);
    assert_int_equal(device_config_load(NULL, NULL, NULL, &w->config, NULL), AMT_OK);
    set(w, "cira.to", "127.0.0.1:4433");
    set(w, "tls.offload", "true");
}

static struct fleet *make(struct world *w, uint32_t count, uint64_t seed, struct amt_diag *diag)
{
    struct fleet_settings settings = {
        .config = &w->config, .seed = seed, .count = count, .stagger_us = SECOND
    };
    return fleet_new(w->loop, &settings, NULL, diag);
}

static void fini(struct world *w)
{
    fleet_free(w->fleet);
    for (uint32_t i = 0; i < w->connects; i++) {
        stream_close(w->streams[i]);
    }
    listener_close(w->listener);
    (void)loop_run_until(w->loop, NULL, NULL, loop_now_us(w->loop) + 10 * SECOND);
    loop_free(w->loop);
    device_config_fini(&w->config);
}

static void devices_start_one_after_the_other(void **state)
{
    struct world w;
    struct device_statistics sum;
    (void)state;
    init(&w);
    w.fleet = make(&w, COUNT, 1, NULL);
    assert_non_null(w.fleet);
    fleet_start(w.fleet);
    (void)loop_run_until(w.loop, NULL, NULL, 10 * SECOND);
    assert_int_equal(w.connects, COUNT);
    for (uint32_t i = 1; i < COUNT; i++) {
        assert_int_equal(w.at_us[i] - w.at_us[i - 1], SECOND);
    }
    assert_int_equal(fleet_count_in(w.fleet, DEVICE_HANDSHAKE), COUNT);
    assert_int_equal(fleet_count_in(w.fleet, DEVICE_UP), 0);
    fleet_statistics(w.fleet, &sum);
    assert_int_equal(sum.cira_attempts, COUNT);
    fini(&w);
}

static void after_a_disconnect_nobody_starts(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    w.fleet = make(&w, COUNT, 1, NULL);
    fleet_start(w.fleet);
    (void)loop_run_until(w.loop, NULL, NULL, SECOND + SECOND / 2);
    fleet_disconnect(w.fleet, APF_BY_APPLICATION);
    (void)loop_run_until(w.loop, NULL, NULL, 60 * SECOND);
    assert_int_equal(w.connects, 2);
    assert_int_equal(fleet_count_in(w.fleet, DEVICE_OFF), COUNT);
    fini(&w);
}

static void identities_differ_and_come_from_the_seed(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    set(&w, "uuid", "4c4c4544-004b-4210-8033-b6c04f504633");
    struct fleet *again = make(&w, COUNT, 1, NULL), *other = make(&w, COUNT, 2, NULL);
    w.fleet = make(&w, COUNT, 1, NULL);
    struct uuid given;
    assert_int_equal(uuid_parse(w.config.uuid, &given), AMT_OK);
    assert_true(uuid_equal(device_uuid(fleet_device(w.fleet, 0)), &given));
    for (uint32_t i = 1; i < COUNT; i++) {
        const struct uuid *uuid = device_uuid(fleet_device(w.fleet, i));
        assert_true(uuid_equal(uuid, device_uuid(fleet_device(again, i))));
        assert_false(uuid_equal(uuid, device_uuid(fleet_device(other, i))));
        for (uint32_t j = 0; j < i; j++) {
            assert_false(uuid_equal(uuid, device_uuid(fleet_device(w.fleet, j))));
        }
    }
    assert_null(fleet_device(w.fleet, COUNT));
    fleet_free(again);
    fleet_free(other);
    fini(&w);
}

static void what_is_wrong_is_said_before_anybody_starts(void **state)
{
    struct world w;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    init(&w);
    assert_null(make(&w, 0, 1, &diag));
    assert_int_equal(diag.err, AMT_ECONFIG);
    assert_null(make(&w, FLEET_MAX + 1, 1, &diag));
    set(&w, "uuid", "no uuid");
    assert_null(make(&w, COUNT, 1, &diag));
    assert_non_null(strstr(diag.text, "no uuid"));
    set(&w, "tls.offload", "false");
    set(&w, "cira.trust", "/nonexistent/root.crt");
    assert_null(make(&w, COUNT, 1, &diag));
    assert_non_null(strstr(diag.text, "/nonexistent/root.crt"));
    assert_int_equal(w.connects, 0);
    fini(&w);
}

static void without_memory_there_is_no_fleet_and_no_leak(void **state)
{
    struct world w;
    (void)state;
    init(&w);
    uint64_t k = 1;
    while (w.fleet == NULL && k < 1000) {
        amt_memory_fail_after(k++);
        w.fleet = make(&w, 2, 1, NULL);
        amt_memory_fail_after(0);
    }
    assert_non_null(w.fleet);
    assert_true(k > 3);
    fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_start_one_after_the_other),
        cmocka_unit_test(after_a_disconnect_nobody_starts),
        cmocka_unit_test(identities_differ_and_come_from_the_seed),
        cmocka_unit_test(what_is_wrong_is_said_before_anybody_starts),
        cmocka_unit_test(without_memory_there_is_no_fleet_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
