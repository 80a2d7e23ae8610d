/* The hello port against whoever comes (activation.md 11.1; ACT-SRV-053, ACT-SRV-054). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/hello.h"
#include "mps/activation/tests/certificates_fixture.h"

#define FOLDER AMTLAB_SOURCE_DIR "/protocol/provisioning/tests/data/"
#define SECOND (uint64_t) US_PER_SECOND

struct bench {
    struct loop *loop;
    struct log *log;
    struct activation_certificates *certificates;
    struct hello_server *server;
    uint32_t results;
    enum activation_failure failure;
    struct uuid uuid;
};

/* Somebody who connects. */
struct caller {
    struct stream *stream;
    char received[1024];
    size_t len;
    bool has_ended;
    struct stream_end end;
};

static bool find_group(void *ctx, struct activation_policy *policy, const char **group)
{
    (void)ctx;
    *policy = (struct activation_policy){ .type = ACTIVATION_POLICY_ADMIN };
    *group = "lab";
    return true;
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    struct bench *b = ctx;
    b->results += 1;
    b->failure = result->failure;
    b->uuid = *uuid;
}

static void bench_init(struct bench *b, const struct hello_limits *limits)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const struct address k_address = { "192.0.2.10", 9971 };
    struct amt_diag diag = { .err = AMT_OK };
    memset(b, 0, sizeof *b);
    b->loop = loop_new_virtual(&k_world, NULL);
    b->log = log_new(b->loop);
    b->certificates = activation_certificates_new();
    assert_non_null(certificates_get(b->certificates, "root leaf int1 int2", "leaf.key"));
    const struct hello_server_settings settings = {
        .activation = { .loop = b->loop, .log = b->log, .certificates = b->certificates },
        .find_group = find_group,
        .on_result = on_result,
        .ctx = b,
        .trusted_fqdn = "example.com",
        .limits = *limits
    };
    b->server = hello_server_new(&settings);
    assert_non_null(b->server);
    assert_int_equal(hello_server_listen(b->server, &k_address, &diag), AMT_OK);
}

static void run(struct bench *b, uint64_t us)
{
    (void)loop_run_until(b->loop, NULL, NULL, loop_now_us(b->loop) + us);
}

static void bench_fini(struct bench *b)
{
    hello_server_free(b->server);
    activation_certificates_free(b->certificates);
    run(b, 10 * SECOND);
    log_free(b->log);
    loop_free(b->loop);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct caller *c = ctx;
    for (uint32_t i = 0; i < len && c->len + 1 < sizeof c->received; i++) {
        c->received[c->len++] = (char)in[i];
    }
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct caller *c = ctx;
    c->has_ended = true;
    c->end = *end;
}

static void call(struct bench *b, struct caller *c)
{
    static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };
    static const struct address k_address = { "192.0.2.10", 9971 };
    memset(c, 0, sizeof *c);
    c->stream = net_connect(b->loop, &k_address, 0, &k_handler, c);
    assert_non_null(c->stream);
    run(b, 10000);
}

static void hang_up(struct bench *b, struct caller *c)
{
    stream_close(c->stream);
    c->stream = NULL;
    run(b, 10000);
}

static uint32_t load(const char *name, uint8_t *out, size_t cap)
{
    char path[256];
    (void)snprintf(path, sizeof path, FOLDER "%s.bin", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, cap, file);
    assert_int_equal(fclose(file), 0);
    return (uint32_t)len;
}

/* In pieces of so many bytes; then the device hangs up. */
static void say(struct bench *b, const uint8_t *bytes, uint32_t len, uint32_t piece)
{
    struct caller c;
    call(b, &c);
    for (uint32_t at = 0; at < len && !c.has_ended; at += piece) {
        uint32_t n = len - at < piece ? len - at : piece;
        if (stream_write(c.stream, bytes + at, n) != AMT_OK) {
            break;
        }
        run(b, 10000);
    }
    hang_up(b, &c);
    run(b, 20 * SECOND);
}

/* ACT-SRV-053: each file of the vectors, whole and cut at every byte. */
static void the_vectors_are_what_their_names_say(void **state)
{
    static const struct {
        const char *name;
        enum activation_failure failure; /* of the job; none: no job begins */
    } k_cases[] = {
        { "hello-v3-sha256", ACT_F_LOCAL_PORT_REFUSED }, /* the root of our certificate */
        { "hello-v3-mixed", ACT_F_LOCAL_PORT_REFUSED },
        { "hello-v3-23", ACT_F_LOCAL_PORT_REFUSED },
        { "hello-v3-nohash", ACT_F_HELLO_NO_MATCH },
        { "hello-v2-psk", ACT_F_HELLO_NO_MATCH },
        { "trailing-bytes", ACT_F_LOCAL_PORT_REFUSED },
        { "bad-flag2", ACTIVATION_NO_FAILURE },
        { "bad-short24", ACTIVATION_NO_FAILURE },
        { "bad-size", ACTIVATION_NO_FAILURE },
        { "bad-truncated", ACTIVATION_NO_FAILURE },
        { "bad-type0", ACTIVATION_NO_FAILURE },
    };
    static const struct hello_limits k_limits = { .pause_us = 1 };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        for (uint32_t piece = 1; piece < 20000; piece += 4999) {
            uint8_t bytes[4096];
            struct bench b;
            bench_init(&b, &k_limits);
            uint32_t len = load(k_cases[i].name, bytes, sizeof bytes);
            say(&b, bytes, len, piece);
            bool has_begun = k_cases[i].failure != ACTIVATION_NO_FAILURE;
            if (b.results != (has_begun ? 1 : 0) || b.failure != k_cases[i].failure) {
                fail_msg("%s in pieces of %u: %u results, %s", k_cases[i].name, piece, b.results,
                         activation_failure_code(b.failure));
            }
            assert_int_equal(hello_server_count(b.server), 0);
            bench_fini(&b);
        }
    }
}

/* ACT-SRV-054 */
static void a_browser_gets_a_page(void **state)
{
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    static const struct hello_limits k_limits = { .pause_us = 0 };
    struct bench b;
    struct caller c;
    (void)state;
    bench_init(&b, &k_limits);
    call(&b, &c);
    assert_int_equal(stream_write(c.stream, k_request, 10), AMT_OK);
    run(&b, SECOND);
    assert_false(c.has_ended);
    assert_int_equal(stream_write(c.stream, k_request + 10, sizeof k_request - 11), AMT_OK);
    run(&b, SECOND);
    assert_true(c.has_ended);
    const char *body = strstr(c.received, "\r\n\r\n");
    const char *length = strstr(c.received, "Content-Length: ");
    assert_true(body != NULL && length != NULL);
    assert_non_null(strstr(body, "<html>"));
    assert_int_equal(strlen(body + 4), strtoul(length + 16, NULL, 10));
    hang_up(&b, &c);
    bench_fini(&b);
}

static void too_much_is_dropped(void **state)
{
    static uint8_t bytes[16001] = "GET /"; /* a request without an end */
    static const struct hello_limits k_limits = { .pause_us = 0 };
    struct bench b;
    struct caller c;
    (void)state;
    memset(bytes + 5, 'x', sizeof bytes - 5);
    bench_init(&b, &k_limits);
    call(&b, &c);
    assert_int_equal(stream_write(c.stream, bytes, 16000), AMT_OK);
    run(&b, SECOND);
    assert_false(c.has_ended);
    assert_int_equal(stream_write(c.stream, bytes, 1), AMT_OK);
    run(&b, SECOND);
    assert_true(c.has_ended);
    hang_up(&b, &c);
    bench_fini(&b);
}

static void a_slow_one_is_not_waited_for(void **state)
{
    static const struct hello_limits k_limits = { .time_us = 5 * SECOND };
    struct bench b;
    struct caller c;
    (void)state;
    bench_init(&b, &k_limits);
    call(&b, &c);
    assert_int_equal(stream_write(c.stream, "\x01", 1), AMT_OK);
    run(&b, 4 * SECOND);
    assert_false(c.has_ended);
    run(&b, 2 * SECOND);
    assert_true(c.has_ended);
    hang_up(&b, &c);
    bench_fini(&b);
}

static void an_address_has_so_many_connections_and_pauses(void **state)
{
    static const struct hello_limits k_limits = { .connections_per_address = 2,
                                                  .pause_us = 60 * SECOND };
    uint8_t bytes[4096];
    struct bench b;
    struct caller c[3];
    (void)state;
    bench_init(&b, &k_limits);
    for (int i = 0; i < 3; i++) {
        call(&b, &c[i]);
        assert_int_equal(c[i].has_ended, i == 2);
    }
    for (int i = 0; i < 3; i++) {
        hang_up(&b, &c[i]);
    }
    uint32_t len = load("hello-v3-nohash", bytes, sizeof bytes);
    say(&b, bytes, len, len);
    assert_int_equal(b.results, 1);
    say(&b, bytes, len, len); /* at once again: not even looked at */
    assert_int_equal(b.results, 1);
    run(&b, 60 * SECOND);
    say(&b, bytes, len, len);
    assert_int_equal(b.results, 2);
    bench_fini(&b);
}

/* A device that takes the connection and says nothing. */
static void on_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_none = { .on_open = NULL };
    struct stream **device = ctx;
    assert_null(*device);
    *device = s;
    stream_set_handler(s, &k_none, NULL);
}

/* Repeated while the device is worked on, and one device more than may be worked on. It does not answer:
 * that ends too. */
static void a_device_is_worked_on_once(void **state)
{
    static const struct hello_limits k_limits = { .devices = 1 };
    uint8_t bytes[4096];
    static const struct address k_device = { "127.0.0.1", 16993 };
    struct bench b;
    struct caller c;
    struct stream *device = NULL;
    struct amt_diag diag;
    (void)state;
    bench_init(&b, &k_limits);
    struct listener *listener = net_listen(b.loop, &k_device, on_accept, &device, &diag);
    assert_non_null(listener);
    uint32_t len = load("hello-v3-sha256", bytes, sizeof bytes);
    for (int i = 0; i < 3; i++) {
        call(&b, &c);
        bytes[23] = (uint8_t)(bytes[23] + (i == 2 ? 1 : 0)); /* another device */
        assert_int_equal(stream_write(c.stream, bytes, len), AMT_OK);
        hang_up(&b, &c);
        assert_int_equal(hello_server_count(b.server), 1);
    }
    run(&b, 40 * SECOND);
    assert_int_equal(b.results, 1);
    assert_int_equal(b.failure, ACT_F_DEVICE_TOO_SLOW);
    assert_int_equal(hello_server_count(b.server), 0);
    stream_close(device);
    listener_close(listener);
    bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_are_what_their_names_say),
        cmocka_unit_test(a_browser_gets_a_page),
        cmocka_unit_test(too_much_is_dropped),
        cmocka_unit_test(a_slow_one_is_not_waited_for),
        cmocka_unit_test(an_address_has_so_many_connections_and_pauses),
        cmocka_unit_test(a_device_is_worked_on_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
