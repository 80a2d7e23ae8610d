/* Without memory a device does less, but it neither breaks nor stays down. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/device.h"

#define SECOND      UINT64_C(1000000)
#define STREAMS_MAX 64u
#define TRIES_MAX   200u

/* A server that takes connections and says nothing. */
struct world {
    struct loop *loop;
    struct device_config config;
    struct listener *listener;
    struct stream *streams[STREAMS_MAX];
    uint32_t connects, deliveries;
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    (void)in;
    ((struct world *)ctx)->deliveries += len > 0 ? 1 : 0;
}

static void on_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_deaf = { .on_data = on_data };
    struct world *w = ctx;
    assert_true(w->connects < STREAMS_MAX);
    w->streams[w->connects++] = s;
    stream_set_handler(s, &k_deaf, w);
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
    assert_int_equal(config_set(device_config_keys, "cira.to", "127.0.0.1:4433", &w->config, NULL),
                     AMT_OK);
    w->config.tls.offload = true;
}

static void fini(struct world *w)
{
    for (uint32_t i = 0; i < w->connects; i++) {
        stream_close(w->streams[i]);
    }
    listener_close(w->listener);
    (void)loop_run_until(w->loop, NULL, NULL, loop_now_us(w->loop) + 10 * SECOND);
    loop_free(w->loop);
    device_config_fini(&w->config);
}

static void a_device_is_made_whole_or_not_at_all(void **state)
{
    struct world w;
    struct device *device = NULL;
    uint32_t k = 0;
    (void)state;
    init(&w);
    while (device == NULL && ++k < TRIES_MAX) {
        struct amt_diag diag = { .err = AMT_OK };
        amt_memory_fail_after(k);
        device = device_new(w.loop, &w.config, 1, 0, NULL, &diag);
        amt_memory_fail_after(0);
        assert_int_equal(device == NULL, diag.text[0] != '\0');
    }
    assert_non_null(device);
    assert_true(k > 1);
    device_free(device);
    fini(&w);
}

static bool is_quiet(const struct world *w, const struct device *device)
{
    return device_state(device) == DEVICE_HANDSHAKE && w->deliveries > 0;
}

/* The k-th allocation of the first second and all later ones fail; then memory is back. */
static void a_device_that_lost_its_memory_calls_again(void **state)
{
    uint32_t k = 0;
    bool is_untouched = false;
    (void)state;
    while (!is_untouched && ++k < TRIES_MAX) {
        struct world w;
        init(&w);
        struct device *device = device_new(w.loop, &w.config, 1, 0, NULL, NULL);
        assert_non_null(device);
        amt_memory_fail_after(k);
        device_connect(device, 0);
        (void)loop_run_until(w.loop, NULL, NULL, SECOND);
        amt_memory_fail_after(0);
        is_untouched = is_quiet(&w, device);
        (void)loop_run_until(w.loop, NULL, NULL, 50 * SECOND);
        if (device_statistics(device)->cira_attempts < (is_untouched ? 1u : 2u)) {
            fail_msg("allocation %u failed, and the device has given up for good", k);
        }
        assert_true(w.deliveries > 0);
        device_free(device);
        fini(&w);
    }
    assert_true(is_untouched);
    assert_true(k > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_made_whole_or_not_at_all),
        cmocka_unit_test(a_device_that_lost_its_memory_calls_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
