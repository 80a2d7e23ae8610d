#include "simulator/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"

#define SECOND   UINT64_C(1000000)
#define CONNECTS 16u
#define BIG      100000u

/* A server double: one APF session at a time, and when each connection came. */
struct world {
    struct loop *loop;
    struct device_config config;
    struct device *device;
    struct listener *listener;
    struct stream *stream;
    struct apf_mps_config mps_config;
    struct apf_mps_session *session;
    bool refuses_login;
    uint64_t connected_us[CONNECTS];
    uint32_t connects, ends, deliveries, smallest, largest;
    struct apf_end end;
    struct apf_channel *channel;
    bool is_open, has_channel_end;
    uint32_t refuse_reason;
    uint8_t *received;
    uint32_t received_len;
};

static void server_drop(struct world *w)
{
    stream_close(w->stream);
    apf_mps_session_free(w->session);
    w->stream = NULL;
    w->session = NULL;
}

static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct world *w = ctx;
    assert_int_equal(stream_write(w->stream, out, len), AMT_OK);
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct world *w = ctx;
    (void)login;
    apf_mps_session_verified(w->session, !w->refuses_login, loop_now_us(w->loop));
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool listed)
{
    (void)ctx;
    (void)forward;
    (void)listed;
}

static void on_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    (void)ctx;
    (void)interval_s;
    (void)timeout_s;
}

static void on_opened(void *ctx, struct apf_channel *channel)
{
    (void)channel;
    ((struct world *)ctx)->is_open = true;
}

static void on_data(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct world *w = ctx;
    assert_true(w->received_len + len <= 2 * BIG);
    memcpy(w->received + w->received_len, in, len);
    w->received_len += len;
    apf_channel_consumed(channel, len);
}

static void on_channel_end(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason)
{
    struct world *w = ctx;
    (void)end;
    if (channel == w->channel) {
        w->has_channel_end = true;
        w->refuse_reason = reason;
    }
}

static void on_drain(void *ctx, struct apf_channel *channel)
{
    (void)ctx;
    (void)channel;
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct world *w = ctx;
    w->ends += 1;
    w->end = *end;
}

static const struct apf_mps_handler k_mps = {
    .mux = { .send = on_send,
             .on_opened = on_opened,
             .on_data = on_data,
             .on_drain = on_drain,
             .on_channel_end = on_channel_end },
    .on_login = on_login,
    .on_ready = on_nothing,
    .on_forward = on_forward,
    .on_keepalive = on_nothing,
    .on_keepalive_options = on_options,
    .on_end = on_end,
};

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct world *w = ctx;
    w->deliveries += 1;
    w->smallest = len < w->smallest ? len : w->smallest;
    w->largest = len > w->largest ? len : w->largest;
    apf_mps_session_input(w->session, in, len, loop_now_us(w->loop));
    if (w->ends > 0) {
        server_drop(w);
    }
}

static void server_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    server_drop(ctx);
}

static const struct stream_handler k_server = { .on_data = server_data, .on_end = server_end };

static void on_accept(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    if (w->connects < CONNECTS) {
        w->connected_us[w->connects] = loop_now_us(w->loop);
    }
    w->connects += 1;
    w->ends = 0;
    if (w->stream != NULL) {
        server_drop(w);
    }
    w->stream = s;
    w->session = apf_mps_session_new(&w->mps_config, &k_mps, w, loop_now_us(w->loop));
    assert_non_null(w->session);
    stream_set_handler(s, &k_server, w);
}

static void listen_at(struct world *w, uint16_t port)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct address address = { .host = "127.0.0.1", .port = port };
    w->listener = net_listen(w->loop, &address, on_accept, w, &diag);
    assert_non_null(w->listener);
}

static void set(struct world *w, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(device_config_keys, key, value, &w->config, &diag) != AMT_OK) {
        fail_msg("%s: %s", key, diag.text);
    }
}

static void init_on(struct world *w, struct loop *loop, const char *profile)
{
    char path[512];
    memset(w, 0, sizeof *w);
    w->loop = loop;
    w->smallest = UINT32_MAX;
    w->received = amt_alloc(2 * BIG);
    w->mps_config = (struct apf_mps_config){
        .mux = { .sends = APF_MPS_TO_DEV,
                 .strict = true,
                 .window_bytes = 32768,
                 .max_channels = 64,
                 .first_number = 1,
                 .open_limit_us = 30 * SECOND,
                 .close_limit_us = 10 * SECOND,
                 .queue_max_bytes = 262144 },
        .auth_failures_max = 1,
        .keepalive_rule = APF_KEEPALIVE_NEVER,
    };
    (void)snprintf(path, sizeof path, AMTLAB_SOURCE_DIR "/scenarios/profiles/%s.yaml", profile);
    assert_int_equal(device_config_load(path, NULL, NULL, &w->config, NULL), AMT_OK);
    set(w, "cira.to", "127.0.0.1:4433");
    set(w, "cira.user", "user");
    set(w, "cira.password", "pw");
    w->config.tls.offload = true;
}

static void init(struct world *w, const char *profile)
{
    static const struct virtual_world k_world = { .seed = 1 };
    init_on(w, loop_new_virtual(&k_world, NULL), profile);
}

static void run(struct world *w, uint64_t until_us)
{
    (void)loop_run_until(w->loop, NULL, NULL, until_us);
}

static void call(struct world *w)
{
    struct amt_diag diag = { .err = AMT_OK };
    w->device = device_new(w->loop, &w->config, 1, 0, NULL, &diag);
    if (w->device == NULL) {
        fail_msg("%s", diag.text);
    }
    device_connect(w->device, 0);
}

static void up(struct world *w)
{
    listen_at(w, 4433);
    call(w);
    run(w, SECOND);
    assert_int_equal(device_state(w->device), DEVICE_UP);
}

static void fini(struct world *w)
{
    device_free(w->device);
    server_drop(w);
    listener_close(w->listener);
    (void)loop_run_until(w->loop, NULL, NULL, loop_now_us(w->loop) + 10 * SECOND);
    loop_free(w->loop);
    amt_free(w->received);
    device_config_fini(&w->config);
}

static void open_port(struct world *w, uint32_t port)
{
    w->is_open = false;
    w->has_channel_end = false;
    w->received_len = 0;
    assert_int_equal(apf_mps_session_open(w->session, port, loop_now_us(w->loop), &w->channel),
                     AMT_OK);
}

/* --- profiles --- */

/* APF-DEV-001 */
static void every_profile_loads(void **state)
{
    static const char *const k_names[] = { "default",  "firmware", "amt-11.8", "amt-12.0",
                                           "amt-15.0", "amt-16.1", "amt-18.0", "amt-19.0" };
    (void)state;
    for (uint32_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        struct world w;
        init(&w, k_names[i]);
        assert_true(w.config.forward.count >= 4);
        fini(&w);
    }
}

/* APF-DEV-045 */
static void a_profile_takes_what_it_extends(void **state)
{
    struct world w;
    (void)state;
    init(&w, "amt-19.0");
    assert_int_equal(w.config.cira.reconnect.attempts, 2);
    assert_int_equal(w.config.cira.reconnect.pause_us, 900 * SECOND);
    assert_int_equal(w.config.forward.count, 4);
    assert_int_equal(w.config.forward.items[1], 664);
    fini(&w);
}

/* --- sending --- */

/* APF-DEV-012 APF-DEV-051 */
static void all_send_modes_bring_the_tunnel_up(void **state)
{
    static const char *const k_modes[] = { "aligned", "coalesced", "dribble" };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        uint32_t count = 0;
        init(&w, "default");
        set(&w, "cira.send_mode", k_modes[i]);
        up(&w);
        assert_int_equal(apf_mps_session_forwards(w.session, &count)[0].port, 16993);
        assert_int_equal(count, 7);
        fini(&w);
    }
}

/* --- calling again --- */

/* APF-DEV-045 */
static void firmware_tries_twice_and_then_every_fifteen_minutes(void **state)
{
    static const uint64_t k_wait_us[] = { 10 * SECOND, 10 * SECOND, 900 * SECOND, 900 * SECOND };
    struct world w;
    (void)state;
    init(&w, "firmware");
    w.refuses_login = true;
    listen_at(&w, 4433);
    call(&w);
    run(&w, 2000 * SECOND);
    assert_int_equal(w.connects, 5);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t wait_us = w.connected_us[i + 1] - w.connected_us[i];
        assert_true(wait_us >= k_wait_us[i] && wait_us < k_wait_us[i] + SECOND / 10);
    }
    fini(&w);
}

/* APF-DEV-045 */
static void a_fixed_interval_goes_on_for_ever_and_jitter_has_bounds(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    w.refuses_login = true;
    w.config.cira.reconnect.jitter_percent = 50;
    listen_at(&w, 4433);
    call(&w);
    run(&w, 200 * SECOND);
    assert_true(w.connects > 10);
    for (uint32_t i = 1; i < w.connects && i < CONNECTS; i++) {
        uint64_t wait_us = w.connected_us[i] - w.connected_us[i - 1];
        assert_true(wait_us >= 10 * SECOND && wait_us <= 15 * SECOND + SECOND / 10);
    }
    fini(&w);
}

/* APF-DEV-010 APF-DEV-049 */
static void a_refused_login_is_logged_and_tried_again(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    w.refuses_login = true;
    listen_at(&w, 4433);
    call(&w);
    run(&w, SECOND);
    const struct device_connection_log *log = device_connection_log(w.device);
    assert_non_null(strstr(log->failure, "authentication failed"));
    assert_true(log->closed_by_mps);
    assert_int_equal(device_state(w.device), DEVICE_WAITING);
    w.refuses_login = false;
    run(&w, 12 * SECOND);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    fini(&w);
}

/* APF-DEV-045 */
static void a_link_that_comes_up_is_tried_at_once(void **state)
{
    struct world w;
    (void)state;
    init(&w, "firmware");
    up(&w);
    device_set_link(w.device, false);
    run(&w, 3600 * SECOND);
    assert_int_equal(w.connects, 1);
    device_set_link(w.device, true);
    run(&w, 3601 * SECOND);
    assert_int_equal(w.connects, 2);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    device_reboot(w.device, 60 * SECOND);
    run(&w, 3660 * SECOND);
    assert_int_equal(w.connects, 2);
    run(&w, 3663 * SECOND);
    assert_int_equal(w.connects, 3);
    assert_int_equal(device_state(w.device), DEVICE_UP);
    fini(&w);
}

/* APF-DEV-044 APF-DEV-049 */
static void a_user_close_is_logged_and_not_followed_by_a_call(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    up(&w);
    device_disconnect(w.device, APF_BY_APPLICATION);
    run(&w, 100 * SECOND);
    const struct device_connection_log *log = device_connection_log(w.device);
    assert_int_equal(log->closure_reason, 0);
    assert_int_equal(log->disconnect_reason, APF_BY_APPLICATION);
    assert_int_equal(log->trigger, APF_TRIGGER_PERIODIC);
    assert_false(log->closed_by_mps);
    assert_string_equal(log->server, "127.0.0.1:4433");
    assert_true(log->closed_us > log->opened_us && log->opened_us > 0);
    assert_int_equal(w.connects, 1);
    fini(&w);
}

/* --- services --- */

/* APF-DEV-030 APF-DEV-031 APF-DEV-034 */
static void echo_returns_all_bytes_whatever_the_window(void **state)
{
    static const char *const k_windows[] = { "1B", "100B", "4096B" };
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct world w;
        uint8_t *body = amt_alloc(BIG);
        for (uint32_t at = 0; at < BIG; at++) {
            body[at] = (uint8_t)(at * 7 + at / 251);
        }
        uint32_t len = i == 0 ? 1000 : BIG;
        init(&w, "default");
        set(&w, "cira.window", k_windows[i]);
        up(&w);
        open_port(&w, 5900);
        run(&w, 2 * SECOND);
        assert_true(w.is_open);
        assert_int_equal(apf_channel_write(w.channel, body, len), AMT_OK);
        run(&w, 60 * SECOND);
        assert_int_equal(w.received_len, len);
        assert_memory_equal(w.received, body, len);
        amt_free(body);
        fini(&w);
    }
}

/* APF-DEV-026 */
static void a_service_refuses_or_stays_silent_or_is_slow(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    up(&w);
    set(&w, "service.kind", "refuse");
    open_port(&w, 16992);
    run(&w, 2 * SECOND);
    assert_true(w.has_channel_end);
    assert_int_equal(w.refuse_reason, APF_CONNECT_FAILED);
    set(&w, "service.kind", "silent");
    open_port(&w, 16992);
    run(&w, 3 * SECOND);
    assert_int_equal(apf_channel_write(w.channel, (const uint8_t *)"x", 1), AMT_OK);
    run(&w, 20 * SECOND);
    assert_int_equal(w.received_len, 0);
    assert_false(w.has_channel_end);
    set(&w, "service.kind", "echo");
    set(&w, "service.delay", "5s");
    open_port(&w, 16993);
    run(&w, 24 * SECOND);
    assert_false(w.is_open);
    run(&w, 26 * SECOND);
    assert_true(w.is_open);
    fini(&w);
}

/* APF-DEV-037 */
static void http_answers_and_closes_first_when_told(void **state)
{
    static const char k_get[] = "GET /index.htm HTTP/1.1\r\nHost: pc\r\n\r\n";
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct world w;
        init(&w, "default");
        w.config.service.closes_first = closes == 1;
        up(&w);
        open_port(&w, 16992);
        run(&w, 2 * SECOND);
        assert_int_equal(apf_channel_write(w.channel, (const uint8_t *)k_get, sizeof k_get - 1),
                         AMT_OK);
        run(&w, 4 * SECOND);
        w.received[w.received_len] = 0;
        assert_memory_equal(w.received, "HTTP/1.1 200", 12);
        assert_non_null(strstr((const char *)w.received, "simulated device"));
        assert_int_equal(w.has_channel_end, closes == 1);
        fini(&w);
    }
}

/* --- how tunnels end --- */

static void load_bad(const char *text, uint32_t line, uint32_t column)
{
    char path[] = "/tmp/amtlab-profile-XXXXXX";
    struct device_config config = { .uuid = NULL };
    struct amt_diag_list errors = { 0 };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    assert_int_equal(device_config_load(path, NULL, NULL, &config, &errors), AMT_ECONFIG);
    assert_true(errors.count >= 1);
    assert_string_equal(errors.items[0].file, path);
    assert_int_equal(errors.items[0].line, line);
    assert_int_equal(errors.items[0].column, column);
    (void)unlink(path);
    amt_diag_list_fini(&errors);
    device_config_fini(&config);
}

/* APF-DEV-001 */
static void errors_of_a_profile_name_file_line_and_column(void **state)
{
    (void)state;
    load_bad("summary: no version\n", 1, 1);
    load_bad("amtlab-profile: 1\ncira:\n  windoww: 4096B\n", 3, 3);
    load_bad("amtlab-profile: 1\ncira:\n  window: none\n", 3, 11);
}

/* APF-DEV-018 APF-DEV-049 */
static void a_missing_keepalive_reply_is_logged_as_keepalive(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    up(&w);
    stream_pause(w.stream); /* the server no longer reads */
    run(&w, 65 * SECOND);
    assert_int_equal(device_statistics(w.device)->keepalives_out, 1);
    assert_int_equal(device_connection_log(w.device)->closure_reason, 3);
    assert_int_equal(device_connection_log(w.device)->disconnect_reason, APF_CONNECTION_LOST);
    fini(&w);
}

/* APF-DEV-044 APF-DEV-049 */
static void the_lifetime_is_logged_as_such(void **state)
{
    struct world w;
    (void)state;
    init(&w, "default");
    set(&w, "cira.lifetime", "20s");
    up(&w);
    run(&w, 25 * SECOND);
    assert_int_equal(device_connection_log(w.device)->closure_reason, 1);
    assert_int_equal(device_connection_log(w.device)->disconnect_reason, APF_BY_APPLICATION);
    fini(&w);
}

/* APF-DEV-042 APF-DEV-049 */
static void the_server_ends_the_tunnel_and_the_device_calls_again(void **state)
{
    (void)state;
    for (int bare = 0; bare < 2; bare++) {
        struct world w;
        init(&w, "default");
        up(&w);
        if (bare == 0) {
            apf_mps_session_disconnect(w.session, APF_BY_APPLICATION, loop_now_us(w.loop));
        }
        server_drop(&w);
        run(&w, 2 * SECOND);
        const struct device_connection_log *log = device_connection_log(w.device);
        assert_true(log->closed_by_mps);
        assert_int_equal(log->closure_reason, 4);
        assert_int_equal(log->disconnect_reason, bare == 0 ? APF_BY_APPLICATION : 0);
        run(&w, 13 * SECOND);
        assert_int_equal(w.connects, 2);
        assert_int_equal(device_state(w.device), DEVICE_UP);
        fini(&w);
    }
}

/* APF-DEV-030 APF-DEV-031 */
static void http_returns_a_large_body_whatever_the_window(void **state)
{
    static const char *const k_windows[] = { "100B", "4096B" };
    static const char k_post[] = "POST / HTTP/1.1\r\nHost: pc\r\nContent-Length: 100000\r\n\r\n";
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct world w;
        uint8_t *body = amt_alloc(BIG);
        memset(body, 'b', BIG);
        init(&w, "default");
        set(&w, "cira.window", k_windows[i]);
        up(&w);
        open_port(&w, 16992);
        run(&w, 2 * SECOND);
        assert_int_equal(apf_channel_write(w.channel, (const uint8_t *)k_post, sizeof k_post - 1),
                         AMT_OK);
        assert_int_equal(apf_channel_write(w.channel, body, BIG), AMT_OK);
        run(&w, 60 * SECOND);
        assert_true(w.received_len > BIG);
        assert_memory_equal(w.received, "HTTP/1.1 200", 12);
        assert_memory_equal(w.received + w.received_len - BIG, body, BIG);
        amt_free(body);
        fini(&w);
    }
}

/* --- the real network --- */

static bool is_up(void *ctx)
{
    return device_state(((struct world *)ctx)->device) == DEVICE_UP;
}

/* APF-DEV-001 APF-DEV-004 */
static void a_device_calls_home_over_real_sockets(void **state)
{
    struct world w;
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    char to[ADDRESS_HOST_BYTES + 10];
    (void)state;
    init_on(&w, loop_new_uv(&diag), "default");
    listen_at(&w, 0);
    listener_address(w.listener, &address);
    address_format(&address, to);
    set(&w, "cira.to", to);
    call(&w);
    assert_true(loop_run_until(w.loop, is_up, &w, loop_now_us(w.loop) + 10 * SECOND));
    device_free(w.device);
    server_drop(&w);
    listener_close(w.listener);
    loop_free(w.loop);
    amt_free(w.received);
    device_config_fini(&w.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_loads),
        cmocka_unit_test(a_profile_takes_what_it_extends),
        cmocka_unit_test(all_send_modes_bring_the_tunnel_up),
        cmocka_unit_test(firmware_tries_twice_and_then_every_fifteen_minutes),
        cmocka_unit_test(a_fixed_interval_goes_on_for_ever_and_jitter_has_bounds),
        cmocka_unit_test(a_refused_login_is_logged_and_tried_again),
        cmocka_unit_test(a_link_that_comes_up_is_tried_at_once),
        cmocka_unit_test(a_user_close_is_logged_and_not_followed_by_a_call),
        cmocka_unit_test(echo_returns_all_bytes_whatever_the_window),
        cmocka_unit_test(a_service_refuses_or_stays_silent_or_is_slow),
        cmocka_unit_test(http_answers_and_closes_first_when_told),
        cmocka_unit_test(errors_of_a_profile_name_file_line_and_column),
        cmocka_unit_test(a_missing_keepalive_reply_is_logged_as_keepalive),
        cmocka_unit_test(the_lifetime_is_logged_as_such),
        cmocka_unit_test(the_server_ends_the_tunnel_and_the_device_calls_again),
        cmocka_unit_test(http_returns_a_large_body_whatever_the_window),
        cmocka_unit_test(a_device_calls_home_over_real_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
