/* A channel of an MPS as a stream: the server is played byte by byte. */
#include <string.h>

#include "base/text.h"
#include "base/unit.h"
#include "client/channel.h"

struct play {
    struct loop *loop;
    struct listener *listener;
    struct stream *server;
    struct text asked;
    const char *answer; /* to the first request */
    bool hangs_up;
    struct stream *channel;
    struct text received;
    uint32_t opened, ended;
    struct stream_end end;
    bool closes_when_open;
};

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct play *p = ctx;
    bool is_first = strstr(text_chars(&p->asked), "\r\n\r\n") == NULL;
    text_append(&p->asked, (const char *)in, len);
    if (is_first && p->answer != NULL && strstr(text_chars(&p->asked), "\r\n\r\n") != NULL) {
        assert_int_equal(stream_write(p->server, p->answer, (uint32_t)strlen(p->answer)), AMT_OK);
        if (p->hangs_up) {
            stream_close(p->server);
            p->server = NULL;
        }
    }
}

static const struct stream_handler k_server = { .on_data = server_data };

static void on_accept(void *ctx, struct stream *s)
{
    struct play *p = ctx;
    p->server = s;
    stream_set_handler(s, &k_server, p);
}

static void on_open(void *ctx)
{
    struct play *p = ctx;
    p->opened += 1;
    if (p->closes_when_open) {
        stream_close(p->channel);
        p->channel = NULL;
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct play *)ctx)->received, (const char *)in, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct play *p = ctx;
    p->ended += 1;
    p->end = *end;
}

static const struct stream_handler k_channel = { .on_open = on_open,
                                                 .on_data = on_data,
                                                 .on_end = on_end };

static void begin(struct play *p, const char *answer)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct address k_any = { .host = "127.0.0.1" };
    struct secret token = { .len = 0 };
    struct client_channel_target target = { .uuid = "4c4c4544-004b-4210-8033-b6c04f504633",
                                            .port = 16992,
                                            .token = &token };
    memset(p, 0, sizeof *p);
    p->answer = answer;
    p->loop = loop_new_virtual(&k_world, NULL);
    p->listener = net_listen(p->loop, &k_any, on_accept, p, NULL);
    listener_address(p->listener, &target.api);
    assert_int_equal(secret_set(&token, "t0ken", 5), AMT_OK);
    p->channel = client_channel_open(p->loop, &target, &k_channel, p);
    assert_non_null(p->channel);
}

static void run(struct play *p, uint64_t us)
{
    (void)loop_run_until(p->loop, NULL, NULL, loop_now_us(p->loop) + us);
}

static void end(struct play *p)
{
    stream_close(p->channel);
    stream_close(p->server);
    listener_close(p->listener);
    text_fini(&p->asked);
    text_fini(&p->received);
    loop_free(p->loop);
}

#define SWITCHING \
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: amtlab-tcp\r\n\r\n"

static void it_asks_and_carries_both_ways(void **state)
{
    struct play p;
    (void)state;
    begin(&p, SWITCHING "early");
    assert_int_equal(stream_write(p.channel, "before", 6), AMT_OK);
    run(&p, US_PER_SECOND);
    assert_int_equal(p.opened, 1);
    assert_non_null(strstr(text_chars(&p.asked),
                           "GET /api/v1/devices/4c4c4544-004b-4210-8033-b6c04f504633/channels/"
                           "16992 HTTP/1.1\r\n"));
    assert_non_null(strstr(text_chars(&p.asked), "Authorization: Bearer t0ken\r\n"));
    assert_non_null(strstr(text_chars(&p.asked), "\r\n\r\nbefore"));
    assert_string_equal(text_chars(&p.received), "early");
    assert_int_equal(stream_write(p.server, "late", 4), AMT_OK);
    run(&p, US_PER_SECOND);
    assert_string_equal(text_chars(&p.received), "earlylate");
    stream_shutdown(p.server);
    run(&p, US_PER_SECOND);
    assert_int_equal(p.ended, 1);
    assert_int_equal(p.end.kind, STREAM_END_FIN);
    end(&p);
}

static void a_paused_owner_gets_nothing_and_loses_nothing(void **state)
{
    struct play p;
    (void)state;
    begin(&p, SWITCHING "first");
    stream_pause(p.channel);
    run(&p, US_PER_SECOND);
    assert_int_equal(p.opened, 1);
    assert_string_equal(text_chars(&p.received), "");
    assert_int_equal(stream_write(p.server, "second", 6), AMT_OK);
    run(&p, US_PER_SECOND);
    assert_string_equal(text_chars(&p.received), "");
    stream_resume(p.channel);
    run(&p, US_PER_SECOND);
    assert_string_equal(text_chars(&p.received), "firstsecond");
    end(&p);
}

static void the_servers_reason_is_told(void **state)
{
    static const struct {
        const char *answer, *says;
    } k_rows[] = {
        { "HTTP/1.1 409 Conflict\r\nContent-Length: 38\r\n\r\n"
          "{\"error\":\"the device is not online\"}\r\n",
          "the server refuses: the device is not online" },
        { "HTTP/1.1 502 Bad Gateway\r\n\r\n", "the server refuses: HTTP/1.1 502 Bad Gateway" },
        { "", "closed the connection without an answer" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct play p;
        begin(&p, k_rows[i].answer);
        p.hangs_up = true;
        run(&p, US_PER_SECOND);
        assert_int_equal(p.opened, 0);
        assert_int_equal(p.ended, 1);
        assert_int_equal(p.end.kind, STREAM_END_REFUSED);
        assert_non_null(strstr(p.end.text, k_rows[i].says));
        end(&p);
    }
}

static void a_silent_server_is_given_up(void **state)
{
    struct play p;
    (void)state;
    begin(&p, NULL);
    run(&p, 59u * US_PER_SECOND);
    assert_int_equal(p.ended, 0);
    run(&p, 2u * US_PER_SECOND);
    assert_int_equal(p.ended, 1);
    assert_non_null(strstr(p.end.text, "60 s"));
    end(&p);
}

static void nobody_listens(void **state)
{
    struct play p;
    (void)state;
    begin(&p, NULL);
    listener_close(p.listener);
    p.listener = NULL;
    run(&p, US_PER_SECOND);
    assert_int_equal(p.ended, 1);
    assert_non_null(strstr(p.end.text, "operator API"));
    end(&p);
}

static void the_owner_may_close_from_inside(void **state)
{
    struct play p;
    (void)state;
    begin(&p, SWITCHING "rest");
    p.closes_when_open = true;
    run(&p, US_PER_SECOND);
    assert_int_equal(p.opened, 1);
    assert_string_equal(text_chars(&p.received), "");
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_asks_and_carries_both_ways),
        cmocka_unit_test(a_paused_owner_gets_nothing_and_loses_nothing),
        cmocka_unit_test(the_servers_reason_is_told),
        cmocka_unit_test(a_silent_server_is_given_up),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(the_owner_may_close_from_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
