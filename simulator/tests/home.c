#include "simulator/tests/home.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

void home_set_state(struct home *h, const char *json)
{
    struct amt_diag diag = { .err = AMT_OK };
    json_t *state = json_loads(json, 0, NULL);
    assert_non_null(state);
    remote_access_clear(h->firmware->remote_access);
    if (k_remote_access_part.load(h->firmware, state, &diag) != AMT_OK) {
        fail_msg("%s", diag.text);
    }
    json_decref(state);
}

void home_change_state(struct home *h, const char *json)
{
    home_set_state(h, json);
    h->firmware->hooks.remote_access_changed(h->firmware->hooks.ctx);
}

void home_init(struct home *h, const char *profile, const char *json)
{
    struct amt_diag diag = { .err = AMT_OK };
    memset(h, 0, sizeof *h);
    world_init(&h->w, profile);
    amt_free(h->w.config.cira.to);
    h->w.config.cira.to = NULL;
    world_set(&h->w, "direct.address", "127.0.0.1");
    h->w.device = device_new(h->w.loop, &h->w.config, 1, 0, h->w.log, &diag);
    if (h->w.device == NULL) {
        fail_msg("%s", diag.text);
    }
    h->firmware = device_firmware(h->w.device, &diag);
    assert_non_null(h->firmware);
    home_set_state(h, json);
}

void home_listen_a(struct home *h)
{
    world_listen_at(&h->w, "a.example", 4433, &h->w.listener);
}

void home_listen_b(struct home *h)
{
    world_listen_at(&h->w, "b.example", 4433, &h->listener_b);
}

void home_run(struct home *h, uint64_t seconds)
{
    world_run(&h->w, loop_now_us(h->w.loop) + seconds * SECOND);
}

void home_up(struct home *h, const char *profile, const char *json)
{
    home_init(h, profile, json);
    home_listen_a(h);
    home_listen_b(h);
    device_connect(h->w.device, 0);
    home_run(h, 1);
}

void home_fini(struct home *h)
{
    listener_close(h->listener_b);
    world_fini(&h->w);
}

void home_expect_up(const struct home *h, const char *server, uint32_t apf_reason)
{
    assert_int_equal(device_state(h->w.device), DEVICE_UP);
    assert_string_equal(device_connection_log(h->w.device)->server, server);
    assert_int_equal(h->w.trigger, apf_reason);
    assert_true(h->firmware->remote_access->is_tunnel_up);
}
