/*
 * Calling home by the policies of the firmware: triggers and their priority, servers in order, the
 * environment, lifetimes (apf.md 13.3 to 13.5; APF-DEV-044 to 047).
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/device_internal.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/remote_access_internal.h"
#include "simulator/tests/world.h"

#define SERVER(n, host)                                                     \
    "{\"number\":" n ",\"host\":\"" host "\",\"format\":201,\"port\":4433," \
    "\"user\":\"user\",\"password\":\"secret\"}"
#define POLICY(trigger, lifetime, data, links)                              \
    "{\"trigger\":" trigger ",\"lifetime_s\":" lifetime ",\"data\":\"" data \
    "\",\"servers\":[" links "]}"
#define TO_A     "{\"server\":0,\"type\":0,\"order\":0}"
#define TO_B     "{\"server\":1,\"type\":0,\"order\":1}"
#define EVERY_25 "0000000000000019"
#define AT_13_30 "000000010000000d0000001e"
#define USER     "0"
#define ALERT    "1"
#define PERIODIC "2"
#define HOME     "3"
#define STATE(policies)                                   \
    "{\"servers\":[" SERVER("0", "a.example") "," SERVER( \
        "1", "b.example") "],"                            \
                          "\"policies\":[" policies       \
                          "],\"domains\":[\"corp.example\"],\"user_interfaces\":3}"

/* A device whose firmware is configured, and servers at a.example and b.example. */
struct home {
    struct world w;
    struct firmware *firmware; /* the device's */
    struct listener *listener_b;
};

static void set_state(struct home *h, const char *json)
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

/* The configuration changes as after a WS-Man call. */
static void change_state(struct home *h, const char *json)
{
    set_state(h, json);
    h->firmware->hooks.remote_access_changed(h->firmware->hooks.ctx);
}

static void home_init(struct home *h, const char *profile, const char *json)
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
    set_state(h, json);
}

static void listen_a(struct home *h)
{
    world_listen_at(&h->w, "a.example", 4433, &h->w.listener);
}

static void listen_b(struct home *h)
{
    world_listen_at(&h->w, "b.example", 4433, &h->listener_b);
}

static void run_for(struct home *h, uint64_t seconds)
{
    world_run(&h->w, loop_now_us(h->w.loop) + seconds * SECOND);
}

/* Everything listens, the device starts and is up. */
static void home_up(struct home *h, const char *profile, const char *json)
{
    home_init(h, profile, json);
    listen_a(h);
    listen_b(h);
    device_connect(h->w.device, 0);
    run_for(h, 1);
}

static void home_fini(struct home *h)
{
    listener_close(h->listener_b);
    world_fini(&h->w);
}

static void expect_up(const struct home *h, const char *server, uint32_t apf_reason)
{
    assert_int_equal(device_state(h->w.device), DEVICE_UP);
    assert_string_equal(device_connection_log(h->w.device)->server, server);
    assert_int_equal(h->w.trigger, apf_reason);
    assert_true(h->firmware->remote_access->is_tunnel_up);
}

static void a_periodic_policy_calls_with_what_was_configured(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    expect_up(&h, "a.example:4433", 4);
    assert_string_equal(h.w.password, "secret");
    assert_int_equal(h.firmware->remote_access->last_trigger, REMOTE_ACCESS_PERIODIC);
    assert_int_equal(h.firmware->remote_access->keepalive_s, 30);
    home_fini(&h);
}

static void the_next_call_comes_after_the_interval(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    world_drop(&h.w);
    run_for(&h, 24);
    assert_int_equal(h.w.connects, 1);
    assert_false(h.firmware->remote_access->is_tunnel_up);
    run_for(&h, 3);
    assert_int_equal(h.w.connects, 2);
    expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* APF-DEV-045 */
static void firmware_gives_up_quick_attempts_after_two(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "firmware", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    device_connect(h.w.device, 0);
    run_for(&h, 120);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 3);
    run_for(&h, 900);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 4);
    home_fini(&h);
}

static void a_daily_policy_calls_at_its_hour(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", AT_13_30, TO_A)));
    uint64_t until_s = (13 * 3600 + 30 * 60 + 86400 - firmware_time_s(h.firmware) % 86400) % 86400;
    assert_int_equal(h.w.connects, 0);
    run_for(&h, until_s - 5);
    assert_int_equal(h.w.connects, 0);
    run_for(&h, 7);
    assert_int_equal(h.w.connects, 1);
    expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void without_a_policy_nobody_is_called(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(""));
    run_for(&h, 3600);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A))); /* then it is tried at once */
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_alternative_is_called_at_once_when_the_first_cannot_be_reached(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A "," TO_B)));
    listen_b(&h);
    device_connect(h.w.device, 0);
    run_for(&h, 2);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 2);
    expect_up(&h, "b.example:4433", 4);
    listen_a(&h);
    world_drop(&h.w);
    run_for(&h, 27); /* the order begins anew */
    expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void when_both_fail_the_interval_passes(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A "," TO_B)));
    device_connect(h.w.device, 0);
    run_for(&h, 20);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 2);
    run_for(&h, 20);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 4);
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_user_displaces_a_tunnel_to_another_server(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default",
            STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A) "," POLICY(USER, "0", "", TO_B)));
    expect_up(&h, "a.example:4433", 4);
    assert_int_equal(remote_access_user_connect(h.firmware, true), AMT_OK);
    run_for(&h, 1);
    expect_up(&h, "b.example:4433", 1);
    assert_int_equal(world_count(&h.w, "cira.closed"), 1);
    assert_int_equal(world_count(&h.w, "code=11"), 1); /* APF-DEV-044 */
    home_fini(&h);
}

/* APF-DEV-046 */
static void the_user_keeps_a_tunnel_to_the_same_server(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default",
            STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A) "," POLICY(USER, "0", "", TO_A)));
    assert_int_equal(remote_access_user_connect(h.firmware, false), AMT_OK);
    run_for(&h, 60);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(h.firmware->remote_access->last_trigger, REMOTE_ACCESS_USER);
    home_fini(&h);
}

/* APF-DEV-046: the tunnel of the user stays, whatever asks for less */
static void a_lower_trigger_displaces_nothing_but_lengthens_the_life(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(USER, "60", "", TO_A) "," POLICY(HOME, "300", "", TO_B)));
    listen_a(&h);
    listen_b(&h);
    device_connect(h.w.device, 1);
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 1);
    remote_access_set_network(h.firmware, "home.example"); /* home provisioning */
    run_for(&h, 200);
    assert_int_equal(h.w.connects, 1);
    expect_up(&h, "a.example:4433", 1);
    run_for(&h, 120);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

/* APF-DEV-044 */
static void a_lifetime_ends_the_tunnel_and_the_interval_begins(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "60", EVERY_25, TO_A)));
    run_for(&h, 61);
    assert_int_equal(device_connection_log(h.w.device)->closure_reason, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    run_for(&h, 25);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

static void a_user_call_that_fails_is_not_repeated(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(USER, "0", "", TO_A)));
    device_connect(h.w.device, 1);
    run_for(&h, 600);
    assert_int_equal(device_statistics(h.w.device)->cira_attempts, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

/* APF-DEV-047 */
static void inside_nobody_is_called_and_a_tunnel_ends(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    listen_a(&h);
    remote_access_set_network(h.firmware, "corp.example");
    device_connect(h.w.device, 0);
    run_for(&h, 600);
    assert_int_equal(h.w.connects, 0);
    remote_access_set_network(h.firmware, "cafe.example");
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 4);
    remote_access_set_network(h.firmware, "corp.example");
    run_for(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    assert_int_equal(world_count(&h.w, "code=11"), 1);
    home_fini(&h);
}

/* wsman.md 5.3: a tunnel that is up is not touched by other servers' data */
static void a_change_that_does_not_concern_the_tunnel_leaves_it(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    change_state(&h, STATE(POLICY(PERIODIC, "0", EVERY_25, TO_B)));
    run_for(&h, 60);
    assert_int_equal(h.w.connects, 1);
    expect_up(&h, "a.example:4433", 4);
    change_state(&h, STATE(""));
    run_for(&h, 60);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    home_fini(&h);
}

static void an_alert_calls_when_no_tunnel_is_up(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(ALERT, "10", "", TO_B)));
    assert_int_equal(h.w.connects, 0);
    remote_access_alert(h.firmware);
    run_for(&h, 1);
    expect_up(&h, "b.example:4433", 2);
    home_fini(&h);
}

static void the_home_trigger_fires_at_the_start_outside(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(HOME, "0", "", TO_A)));
    expect_up(&h, "a.example:4433", 3);
    home_fini(&h);
}

static void a_closed_connection_is_called_again_after_the_interval(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    h.firmware->hooks.close_tunnel(h.firmware->hooks.ctx);
    run_for(&h, 20);
    assert_int_equal(h.w.ends, 1);
    assert_int_equal(device_connection_log(h.w.device)->closure_reason, 0);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    run_for(&h, 10);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

/* WSM-077 APF-DEV-044 */
static void unprovisioning_ends_the_tunnel_for_good(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    firmware_unprovision(h.firmware, false);
    run_for(&h, 600);
    assert_int_equal(h.w.connects, 1);
    assert_int_equal(device_state(h.w.device), DEVICE_OFF);
    assert_int_equal(world_count(&h.w, "code=11"), 1);
    home_fini(&h);
}

static void a_call_that_the_policies_do_not_allow_is_said(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(""));
    device_connect(h.w.device, 1);
    run_for(&h, 60);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(world_count(&h.w, "cira.not_allowed"), 1);
    home_fini(&h);
}

/* APF-DEV-045 */
static void a_link_that_comes_up_is_tried_at_once(void **state)
{
    struct home h;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    device_set_link(h.w.device, false);
    run_for(&h, 600);
    assert_int_equal(h.w.connects, 1);
    device_set_link(h.w.device, true);
    run_for(&h, 1);
    assert_int_equal(h.w.connects, 2);
    expect_up(&h, "a.example:4433", 4);
    device_disconnect(h.w.device, 11);
    run_for(&h, 600);
    assert_int_equal(h.w.connects, 2);
    home_fini(&h);
}

/* With TLS on, a mutual login needs the key: the attempt fails with a reason, and time goes on. */
static void a_certificate_that_is_gone_fails_the_call_with_a_reason(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default",
              "{\"servers\":[{\"number\":0,\"host\":\"a.example\",\"format\":201,\"port\":4433,"
              "\"mutual\":true,\"certificate\":\"gone\"}],\"policies\":[" POLICY(
                  PERIODIC, "0", EVERY_25, TO_A) "],\"domains\":[\"corp.example\"]}");
    h.w.config.tls.offload = false;
    listen_a(&h);
    device_connect(h.w.device, 0);
    run_for(&h, 30);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(device_statistics(h.w.device)->cira_failures, 2);
    assert_non_null(strstr(device_connection_log(h.w.device)->failure, "gone"));
    home_fini(&h);
}

/* --- events --- */

struct event {
    struct stream *stream;
    char received[16];
    bool is_open, has_ended;
};

static void event_open(void *ctx)
{
    ((struct event *)ctx)->is_open = true;
}

static void event_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct event *event = ctx;
    assert_true(len < sizeof event->received);
    memcpy(event->received, in, len);
}

static void event_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct event *)ctx)->has_ended = true;
}

static const struct stream_handler k_event = { .on_open = event_open,
                                               .on_data = event_data,
                                               .on_end = event_end };
static const struct address k_listener = { .host = "192.0.2.9", .port = 16998 };

/* A connection for an event; false when it is to be asked for again later. */
static bool connect_event(struct home *h, struct event *event)
{
    bool is_later = false;
    memset(event, 0, sizeof *event);
    event->stream = remote_access_connect(h->firmware, &k_listener, SECOND, &is_later);
    if (event->stream != NULL) {
        stream_set_handler(event->stream, &k_event, event);
    }
    return !is_later;
}

/* apf.md 13.3; APF-DEV-048 */
static void an_event_outside_sets_up_a_tunnel_and_goes_through_it(void **state)
{
    struct home h;
    struct event event;
    (void)state;
    home_up(&h, "default", STATE(POLICY(ALERT, "0", "", TO_A)));
    assert_false(connect_event(&h, &event));
    assert_null(event.stream);
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 2);
    stream_pause(h.w.stream); /* the double would refuse it */
    assert_true(connect_event(&h, &event));
    assert_non_null(event.stream);
    assert_int_equal(stream_write(event.stream, "event", 5), AMT_OK);
    run_for(&h, 1);
    assert_false(event.is_open);
    const struct apf_message confirmation = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                              .recipient_channel = 0,
                                              .sender_channel = 5,
                                              .initial_window = 4096 };
    const struct apf_message data = { .type = APF_CHANNEL_DATA,
                                      .recipient_channel = 0,
                                      .data = { .off = 0, .len = 2 } };
    world_send_raw(&h.w, &confirmation, NULL);
    world_send_raw(&h.w, &data, (const uint8_t *)"ok");
    run_for(&h, 1);
    assert_true(event.is_open);
    assert_string_equal(event.received, "ok");
    assert_int_equal(world_count(&h.w, "channel.direct_opened"), 1);
    stream_close(event.stream);
    home_fini(&h);
}

/* APF-DEV-048 */
static void an_event_that_the_server_refuses_ends_and_is_said(void **state)
{
    struct home h;
    struct event event;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    assert_true(connect_event(&h, &event));
    assert_non_null(event.stream);
    run_for(&h, 2);
    assert_true(event.has_ended);
    assert_int_equal(world_count(&h.w, "channel.direct_failed"), 1);
    stream_close(event.stream);
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 4);
    home_fini(&h);
}

static void an_event_may_be_given_up_before_the_server_answers(void **state)
{
    struct home h;
    struct event event;
    (void)state;
    home_up(&h, "default", STATE(POLICY(PERIODIC, "0", EVERY_25, TO_A)));
    assert_true(connect_event(&h, &event));
    stream_close(event.stream);
    run_for(&h, 20);
    expect_up(&h, "a.example:4433", 4);
    assert_int_equal(device_statistics(h.w.device)->slots_used, 0);
    home_fini(&h);
}

static void on_direct(void *ctx, struct stream *s)
{
    *(bool *)ctx = true;
    stream_close(s);
}

static void an_event_inside_goes_over_the_network(void **state)
{
    struct home h;
    struct event event;
    bool has_come = false;
    (void)state;
    home_up(&h, "default", STATE(POLICY(ALERT, "0", "", TO_A)));
    remote_access_set_network(h.firmware, "corp.example");
    struct listener *listener = net_listen(h.w.loop, &k_listener, on_direct, &has_come, NULL);
    assert_non_null(listener);
    assert_true(connect_event(&h, &event));
    run_for(&h, 1);
    assert_true(has_come);
    assert_int_equal(h.w.connects, 0);
    stream_close(event.stream);
    listener_close(listener);
    home_fini(&h);
}

/* --- proxies --- */

#define WITH_PROXY                                                                         \
    "{\"servers\":[" SERVER("0", "a.example") "],\"policies\":[" POLICY(                   \
        PERIODIC, "0", EVERY_25,                                                           \
        TO_A) "],\"domains\":[\"corp.example\"],\"proxies\":["                             \
              "{\"number\":0,\"host\":\"elsewhere.example\",\"suffix\":\"other.example\"," \
              "\"format\":201,\"port\":1080},{\"number\":1,\"host\":\"proxy.example\","    \
              "\"suffix\":\"cafe.example\",\"format\":201,\"port\":1080}]}"

/* Answers CONNECT with a text in pieces, and keeps what comes. */
struct proxy {
    const char *first, *second; /* NULL: nothing */
    struct listener *listener;
    struct stream *stream;
    struct text asked;
    uint32_t connects;
    uint8_t after; /* first byte behind the request */
};

static void proxy_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct proxy *p = ctx;
    bool was_asked = p->asked.len > 0;
    if (was_asked) {
        p->after = in[0];
        return;
    }
    text_append(&p->asked, (const char *)in, len);
    const char *const answers[] = { p->first, p->second };
    for (size_t i = 0; i < 2; i++) {
        if (answers[i] != NULL) {
            assert_int_equal(stream_write(p->stream, answers[i], (uint32_t)strlen(answers[i])),
                             AMT_OK);
        }
    }
}

static void proxy_end(void *ctx, const struct stream_end *end)
{
    struct proxy *p = ctx;
    (void)end;
    stream_close(p->stream);
    p->stream = NULL;
}

static const struct stream_handler k_proxy = { .on_data = proxy_data, .on_end = proxy_end };

static void proxy_accept(void *ctx, struct stream *s)
{
    struct proxy *p = ctx;
    stream_close(p->stream);
    p->stream = s;
    p->connects += 1;
    text_fini(&p->asked);
    p->asked = (struct text){ .chars = NULL };
    stream_set_handler(s, &k_proxy, p);
}

/* The device is in the network of the proxy and starts. */
static void call_through(struct home *h, struct proxy *p)
{
    static const struct address k_at = { .host = "proxy.example", .port = 1080 };
    home_init(h, "default", WITH_PROXY);
    listen_a(h);
    p->listener = net_listen(h->w.loop, &k_at, proxy_accept, p, NULL);
    assert_non_null(p->listener);
    remote_access_set_network(h->firmware, "Cafe.example");
    device_connect(h->w.device, 0);
    run_for(h, 1);
}

static void proxy_fini(struct proxy *p)
{
    stream_close(p->stream);
    listener_close(p->listener);
    text_fini(&p->asked);
}

static void the_proxy_of_the_network_is_asked_for_the_server(void **state)
{
    struct home h;
    struct proxy p = { .first = "HTTP/1.1 200 Conn", .second = "ection established\r\n\r\n" };
    (void)state;
    call_through(&h, &p);
    assert_string_equal(text_chars(&p.asked), "CONNECT a.example:4433 HTTP/1.1\r\n"
                                              "Host: a.example:4433\r\n\r\n");
    assert_int_equal(p.after, APF_PROTOCOLVERSION);
    assert_int_equal(h.w.connects, 0);
    assert_int_equal(device_state(h.w.device), DEVICE_HANDSHAKE);
    proxy_fini(&p);
    home_fini(&h);
}

static void elsewhere_the_server_is_called_directly(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", WITH_PROXY);
    listen_a(&h);
    remote_access_set_network(h.firmware, "home.example");
    device_connect(h.w.device, 0);
    run_for(&h, 1);
    expect_up(&h, "a.example:4433", 4);
    assert_int_equal(world_count(&h.w, "cira.proxy"), 0);
    home_fini(&h);
}

static void a_proxy_that_refuses_fails_the_call_with_its_answer(void **state)
{
    static const struct {
        const char *first, *second, *failure;
    } k_cases[] = {
        { "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", NULL,
          "the proxy proxy.example:1080 answered HTTP/1.1 407 Proxy Authentication Requir" },
        { "HTTP/1.1 200 OK\r\n\r\nHello", NULL, "speaks before the server could" },
        { "SSH-2.0-OpenSSH_9.2\r\n\r\n", NULL, "answered SSH-2.0" },
        { "HTTP/1.1 2x0 OK\r\n\r\n", NULL, "answered HTTP/1.1 2x0" },
        { NULL, NULL, "did not answer" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct home h;
        struct proxy p = { .first = k_cases[i].first, .second = k_cases[i].second };
        call_through(&h, &p);
        run_for(&h, 31);
        assert_non_null(strstr(device_connection_log(h.w.device)->failure, k_cases[i].failure));
        assert_true(device_statistics(h.w.device)->cira_failures >= 1);
        proxy_fini(&p);
        home_fini(&h);
    }
}

static void an_endless_answer_of_a_proxy_is_cut(void **state)
{
    char line[4200];
    struct home h;
    struct proxy p = { .first = line, .second = line };
    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    call_through(&h, &p);
    assert_non_null(strstr(device_connection_log(h.w.device)->failure, "does not come to an end"));
    proxy_fini(&p);
    home_fini(&h);
}

static void a_proxy_that_is_not_there_is_the_reason_of_the_failure(void **state)
{
    struct home h;
    (void)state;
    home_init(&h, "default", WITH_PROXY);
    remote_access_set_network(h.firmware, "cafe.example");
    device_connect(h.w.device, 0);
    run_for(&h, 1);
    assert_non_null(
        strstr(device_connection_log(h.w.device)->failure, "the proxy proxy.example:1080"));
    home_fini(&h);
}

/* A cable that is pulled while the proxy thinks leaves nothing behind. */
static void a_call_may_vanish_while_the_proxy_is_asked(void **state)
{
    struct home h;
    struct proxy p = { .first = NULL };
    (void)state;
    call_through(&h, &p);
    assert_int_equal(p.connects, 1);
    device_set_link(h.w.device, false);
    run_for(&h, 60);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    device_set_link(h.w.device, true);
    run_for(&h, 1);
    assert_int_equal(p.connects, 2);
    proxy_fini(&p);
    home_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_periodic_policy_calls_with_what_was_configured),
        cmocka_unit_test(the_next_call_comes_after_the_interval),
        cmocka_unit_test(firmware_gives_up_quick_attempts_after_two),
        cmocka_unit_test(a_daily_policy_calls_at_its_hour),
        cmocka_unit_test(without_a_policy_nobody_is_called),
        cmocka_unit_test(the_alternative_is_called_at_once_when_the_first_cannot_be_reached),
        cmocka_unit_test(when_both_fail_the_interval_passes),
        cmocka_unit_test(the_user_displaces_a_tunnel_to_another_server),
        cmocka_unit_test(the_user_keeps_a_tunnel_to_the_same_server),
        cmocka_unit_test(a_lower_trigger_displaces_nothing_but_lengthens_the_life),
        cmocka_unit_test(a_lifetime_ends_the_tunnel_and_the_interval_begins),
        cmocka_unit_test(a_user_call_that_fails_is_not_repeated),
        cmocka_unit_test(inside_nobody_is_called_and_a_tunnel_ends),
        cmocka_unit_test(a_change_that_does_not_concern_the_tunnel_leaves_it),
        cmocka_unit_test(an_alert_calls_when_no_tunnel_is_up),
        cmocka_unit_test(the_home_trigger_fires_at_the_start_outside),
        cmocka_unit_test(a_closed_connection_is_called_again_after_the_interval),
        cmocka_unit_test(unprovisioning_ends_the_tunnel_for_good),
        cmocka_unit_test(a_call_that_the_policies_do_not_allow_is_said),
        cmocka_unit_test(a_link_that_comes_up_is_tried_at_once),
        cmocka_unit_test(a_certificate_that_is_gone_fails_the_call_with_a_reason),
        cmocka_unit_test(an_event_outside_sets_up_a_tunnel_and_goes_through_it),
        cmocka_unit_test(an_event_that_the_server_refuses_ends_and_is_said),
        cmocka_unit_test(an_event_may_be_given_up_before_the_server_answers),
        cmocka_unit_test(an_event_inside_goes_over_the_network),
        cmocka_unit_test(the_proxy_of_the_network_is_asked_for_the_server),
        cmocka_unit_test(elsewhere_the_server_is_called_directly),
        cmocka_unit_test(a_proxy_that_refuses_fails_the_call_with_its_answer),
        cmocka_unit_test(an_endless_answer_of_a_proxy_is_cut),
        cmocka_unit_test(a_proxy_that_is_not_there_is_the_reason_of_the_failure),
        cmocka_unit_test(a_call_may_vanish_while_the_proxy_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
