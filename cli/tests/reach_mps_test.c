/* An operator's client behind a server: operator API, channel, CIRA tunnel and firmware in one world. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "client/info.h"
#include "client/power.h"
#include "client/reach.h"
#include "mps/mps_internal.h"
#include "mps/store/store.h"
#include "simulator/device.h"

#define UUID "4c4c4544-004b-4210-8033-b6c04f504633"

static const struct mps_user k_users[] = { { .name = "ABCDEFGHIJKLMNOP", .password = "P@ssw0rd" } };

struct fixture {
    char top[64];
    struct loop *loop;
    struct log *log;
    struct mps_config mps_config;
    struct mps *mps;
    struct device_config device_config;
    struct device *device;
    struct secret token, password;
    struct client_reach reach;
    struct arena arena;
    struct client_device operator;
};

static void set_mps(struct fixture *f, const char *key, const char *value)
{
    assert_int_equal(config_set(mps_config_keys, key, value, &f->mps_config, NULL), AMT_OK);
}

static void start_mps(struct fixture *f)
{
    struct amt_diag diag = { .err = AMT_OK };
    char data[80];
    (void)snprintf(f->top, sizeof f->top, "%s", "/tmp/amtlab-reach-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(data, sizeof data, "%s/data", f->top);
    assert_int_equal(config_read(mps_config_keys, NULL, "test", &f->mps_config, NULL), AMT_OK);
    set_mps(f, "listen", "127.0.0.1:4433");
    set_mps(f, "api_listen", "127.0.0.1:4480");
    set_mps(f, "data", data);
    f->mps_config.users = k_users;
    f->mps_config.user_count = 1;
    f->mps_config.tls = MPS_TLS_OFFLOAD;
    f->mps = mps_start(f->loop, &f->mps_config, f->log, &diag);
    if (f->mps == NULL) {
        fail_msg("%s", diag.text);
        return;
    }
    assert_int_equal(store_token_add(f->mps->store, "alice", &f->token, NULL), AMT_OK);
}

static void set_device(struct fixture *f, const char *key, const char *value)
{
    assert_int_equal(config_set(device_config_keys, key, value, &f->device_config, NULL), AMT_OK);
}

static void start_device(struct fixture *f)
{
    struct amt_diag diag = { .err = AMT_OK };
    assert_int_equal(device_config_load(NULL, NULL, NULL, &f->device_config, NULL), AMT_OK);
    set_device(f, "uuid", UUID);
    set_device(f, "cira.to", "127.0.0.1:4433");
    set_device(f, "cira.user", "ABCDEFGHIJKLMNOP");
    set_device(f, "cira.password", "P@ssw0rd");
    set_device(f, "tls.offload", "true");
    f->device = device_new(f->loop, &f->device_config, 1, 0, f->log, &diag);
    if (f->device == NULL) {
        fail_msg("%s", diag.text);
    }
}

static void run(struct fixture *f, uint64_t us)
{
    (void)loop_run_until(f->loop, NULL, NULL, loop_now_us(f->loop) + us);
}

static void begin(struct fixture *f)
{
    static const struct virtual_world k_world = { .seed = 1 };
    memset(f, 0, sizeof *f);
    f->loop = loop_new_virtual(&k_world, NULL);
    f->log = log_new(f->loop);
    start_mps(f);
    start_device(f);
    device_connect(f->device, 0);
    run(f, 5u * US_PER_SECOND);
    assert_int_equal(device_state(f->device), DEVICE_UP);
    assert_int_equal(secret_set(&f->password, "P@ssw0rd", 8), AMT_OK);
    f->reach = (struct client_reach){ .loop = f->loop, .uuid = UUID, .port = 16992 };
    f->reach.channel.token = &f->token;
    assert_true(mps_api_address(f->mps, &f->reach.channel.api));
    struct wsman_client_settings settings = { .loop = f->loop,
                                              .connect = client_reach_connect,
                                              .ctx = &f->reach,
                                              .where = "the device",
                                              .host = UUID,
                                              .user = "admin",
                                              .password = &f->password };
    f->operator.client = wsman_client_new(&settings);
    f->operator.arena = & f->arena;
    assert_non_null(f->operator.client);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void end(struct fixture *f)
{
    wsman_client_free(f->operator.client);
    device_free(f->device);
    mps_free(f->mps);
    run(f, 6u * US_PER_SECOND);
    log_free(f->log);
    loop_free(f->loop);
    arena_fini(&f->arena);
    device_config_fini(&f->device_config);
    config_fini(mps_config_keys, &f->mps_config);
    assert_int_equal(nftw(f->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void a_device_behind_the_server_is_asked_and_switched(void **state)
{
    struct fixture f;
    struct client_summary summary;
    struct client_power power;
    (void)state;
    begin(&f);
    assert_true(client_summary_read(&f.operator, & summary));
    assert_string_equal(summary.uuid, UUID);
    assert_string_equal(summary.mode, "admin control");
    assert_true(client_power_request(&f.operator, client_power_number("off")));
    assert_true(client_power_wait(&f.operator, f.loop, false, 30u * US_PER_SECOND));
    assert_true(client_power_read(&f.operator, & power));
    assert_int_equal(power.state, 8);
    end(&f);
}

static void a_device_that_is_gone_is_unreachable_and_found_again(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_non_null(client_get(&f.operator, "AMT_GeneralSettings", NULL, NULL));
    device_disconnect(f.device, APF_BY_APPLICATION);
    run(&f, US_PER_SECOND);
    assert_null(client_get(&f.operator, "AMT_GeneralSettings", NULL, NULL));
    assert_int_equal(f.operator.outcome.result, WSMAN_UNREACHABLE);
    assert_non_null(strstr(f.operator.outcome.diag.text, "not online"));
    device_connect(f.device, 0);
    run(&f, 5u * US_PER_SECOND);
    assert_non_null(client_get(&f.operator, "AMT_GeneralSettings", NULL, NULL));
    end(&f);
}

static void without_a_token_nothing_is_reached(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_int_equal(secret_set(&f.token, "alice.wrong", 11), AMT_OK);
    assert_null(client_get(&f.operator, "AMT_GeneralSettings", NULL, NULL));
    assert_int_equal(f.operator.outcome.result, WSMAN_UNREACHABLE);
    assert_non_null(strstr(f.operator.outcome.diag.text, "the server refuses"));
    assert_null(strstr(f.operator.outcome.diag.text, "alice.wrong"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_behind_the_server_is_asked_and_switched),
        cmocka_unit_test(a_device_that_is_gone_is_unreachable_and_found_again),
        cmocka_unit_test(without_a_token_nothing_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
