/* Ways through the network: events through the tunnel, calls through a proxy (apf.md 13.3, 13.6). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "simulator/tests/home.h"

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
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 2);
    stream_pause(h.w.stream); /* the double would refuse it */
    assert_true(connect_event(&h, &event));
    assert_non_null(event.stream);
    assert_int_equal(stream_write(event.stream, "event", 5), AMT_OK);
    home_run(&h, 1);
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
    home_run(&h, 1);
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
    home_run(&h, 2);
    assert_true(event.has_ended);
    assert_int_equal(world_count(&h.w, "channel.direct_failed"), 1);
    stream_close(event.stream);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
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
    home_run(&h, 20);
    home_expect_up(&h, "a.example:4433", 4);
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
    home_run(&h, 1);
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
    home_listen_a(h);
    p->listener = net_listen(h->w.loop, &k_at, proxy_accept, p, NULL);
    assert_non_null(p->listener);
    remote_access_set_network(h->firmware, "Cafe.example");
    device_connect(h->w.device, 0);
    home_run(h, 1);
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
    home_listen_a(&h);
    remote_access_set_network(h.firmware, "home.example");
    device_connect(h.w.device, 0);
    home_run(&h, 1);
    home_expect_up(&h, "a.example:4433", 4);
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
        home_run(&h, 31);
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
    home_run(&h, 1);
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
    home_run(&h, 60);
    assert_int_equal(device_state(h.w.device), DEVICE_WAITING);
    device_set_link(h.w.device, true);
    home_run(&h, 1);
    assert_int_equal(p.connects, 2);
    proxy_fini(&p);
    home_fini(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
