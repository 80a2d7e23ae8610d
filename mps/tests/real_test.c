/* The same server on real sockets with TLS: one device from login to the stop, a channel between. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/tests/double.h"

#define LIMIT_US    (60 * SECOND_US)
#define BYTES       300000u
#define FIRST_BYTES 200000u

static void remove_all(const char *directory)
{
    static const char *const k_files[] = {
        "root.crt", "root.key",  "mps.crt",       "mps.key",
        "seal.key", "amtlab.db", "amtlab.db-wal", "amtlab.db-shm"
    };
    for (size_t i = 0; i < sizeof k_files / sizeof k_files[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, k_files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

struct act {
    struct world w;
    struct device_double d;
    struct operator_end o;
    struct pki_trust *trust;
    bool has_stopped;
};

static bool device_is_up(void *ctx)
{
    const struct act *a = ctx;
    return a->d.has_ended ||
           (a->d.session != NULL && apf_device_session_state(a->d.session) == APF_DEVICE_UP);
}

static bool first_part_came_back(void *ctx)
{
    const struct act *a = ctx;
    return a->o.has_ended || a->o.received_bytes >= FIRST_BYTES;
}

static bool all_came_back(void *ctx)
{
    const struct act *a = ctx;
    return a->o.has_ended || a->o.received_bytes >= BYTES;
}

static bool is_over(void *ctx)
{
    const struct act *a = ctx;
    return a->d.has_ended && a->has_stopped;
}

static void on_stopped(void *ctx)
{
    ((struct act *)ctx)->has_stopped = true;
}

static void run_until(struct act *a, bool (*is_done)(void *ctx))
{
    assert_true(loop_run_until(a->w.loop, is_done, a, loop_now_us(a->w.loop) + LIMIT_US));
}

static void begin(struct act *a, const char *directory)
{
    struct amt_diag diag = { .err = AMT_OK };
    char root[128];
    memset(a, 0, sizeof *a);
    world_init_on(&a->w, loop_new_uv(&diag), true);
    a->w.config.identity = NULL; /* made on this first start */
    world_set(&a->w, "data", directory);
    world_set(&a->w, "key", "p256");
    world_set(&a->w, "name", "mps.lab.test");
    world_start(&a->w);
    (void)snprintf(root, sizeof root, "%s/root.crt", directory);
    struct pki_trust *trust = pki_trust_new();
    assert_int_equal(pki_trust_load(trust, root, &diag), AMT_OK);
    a->w.client_trust = trust; /* devices trust what the server wrote */
    a->trust = trust;
}

/* APF-MPS-001, APF-MPS-006, APF-MPS-069 */
static void a_device_logs_in_echoes_and_is_told_when_the_server_stops(void **state)
{
    (void)state;
    struct act a;
    char directory[] = "/tmp/amtlab-real-XXXXXX";
    assert_non_null(mkdtemp(directory));
    begin(&a, directory);
    double_init(&a.d, &a.w, 7, 8);
    double_begin(&a.d);
    run_until(&a, device_is_up);
    assert_false(a.d.has_ended);
    operator_open(&a.o, &a.w, 7, 16992);
    uint8_t *bytes = amt_alloc(BYTES);
    for (uint32_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(i * 31 + (i >> 7));
    }
    assert_int_equal(stream_write(a.o.stream, bytes, FIRST_BYTES), AMT_OK);
    run_until(&a, first_part_came_back);
    assert_int_equal(stream_write(a.o.stream, bytes + FIRST_BYTES, BYTES - FIRST_BYTES), AMT_OK);
    run_until(&a, all_came_back);
    assert_int_equal(a.o.received_bytes, BYTES);
    assert_true(a.o.sum == double_sum(0, bytes, BYTES));
    amt_free(bytes);
    mps_stop(a.w.mps, on_stopped, &a);
    run_until(&a, is_over);
    assert_int_equal(a.d.end.kind, APF_END_PEER_DISCONNECT);
    assert_int_equal(a.d.end.code, APF_BY_APPLICATION);
    operator_close(&a.o);
    double_close(&a.d);
    world_fini(&a.w);
    pki_trust_free(a.trust);
    remove_all(directory);
}

static void a_port_in_use_is_an_error_that_names_it(void **state)
{
    (void)state;
    struct world w;
    struct address address;
    char text[ADDRESS_HOST_BYTES + 10];
    struct amt_diag diag = { .err = AMT_OK };
    world_init_on(&w, loop_new_uv(&diag), false);
    world_start(&w);
    mps_listener_address(w.mps, 0, &address);
    address_format(&address, text);
    struct mps_config second = w.config;
    char *items[] = { text, NULL };
    second.listen = (struct config_texts){ items, 1 };
    assert_null(mps_start(w.loop, &second, NULL, &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    assert_non_null(strstr(diag.text, text));
    assert_int_not_equal(diag.hint[0], '\0');
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_logs_in_echoes_and_is_told_when_the_server_stops),
        cmocka_unit_test(a_port_in_use_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
