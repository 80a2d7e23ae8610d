/* What only real sockets can show: families, names, shortages, the clock, standard input. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "runtime/stream_uv.h"
#include "runtime/tests/net_fixture.h"

/*
 * The names of these tests, resolved here instead of by the machine's resolver: "both.test" has ::1,
 * where nobody listens, and 127.0.0.1; all other names are unknown.
 */
struct known_name {
    struct addrinfo first, second;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
};

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    uint64_t port = 0;
    struct known_name *known = NULL;
    (void)hints;
    if (strcmp(name, "both.test") != 0 || text_parse_u64(service, 65535, &port) != AMT_OK) {
        return EAI_NONAME;
    }
    known = amt_alloc(sizeof *known);
    if (known == NULL) {
        return EAI_MEMORY;
    }
    known->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    known->v6.sin6_port = htons((uint16_t)port);
    known->v4 = (struct sockaddr_in){ .sin_family = AF_INET };
    known->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    known->v4.sin_port = htons((uint16_t)port);
    known->first = (struct addrinfo){ .ai_family = AF_INET6,
                                      .ai_addr = (struct sockaddr *)&known->v6,
                                      .ai_addrlen = sizeof known->v6,
                                      .ai_next = &known->second };
    known->second = (struct addrinfo){ .ai_family = AF_INET,
                                       .ai_addr = (struct sockaddr *)&known->v4,
                                       .ai_addrlen = sizeof known->v4 };
    *result = &known->first;
    return 0;
}

void freeaddrinfo(struct addrinfo *result)
{
    amt_free(result); /* the first member of its known_name */
}

static void connect_to(struct fixture *f, const char *host)
{
    memset(f->client.received, 0, sizeof f->client.received);
    struct address address = f->address;
    (void)snprintf(address.host, sizeof address.host, "%s", host);
    f->client.stream = net_connect(f->loop, &address, 0, &k_net_side, &f->client);
    assert_non_null(f->client.stream);
}

/* A kernel without IPv6 has no ::1: these tests say so instead of failing. */
static void skip_without_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    bool has_ipv6 = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    if (!has_ipv6) {
        skip();
    }
}

static void a_listener_of_all_hosts_answers_in_both_families(void **state)
{
    (void)state;
    skip_without_ipv6();
    static const char *const k_hosts[] = { "127.0.0.1", "::1", "both.test" };
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        char name[STREAM_NAME_BYTES];
        fixture_open_world(&f, NULL, "");
        connect_to(&f, k_hosts[i]);
        assert_true(until(&f, are_connected));
        stream_peer_name(f.server.stream, name);
        if (i == 0) { /* not ::ffff:127.0.0.1 */
            assert_int_equal(strncmp(name, "127.0.0.1:", 10), 0);
        } else if (i == 1) {
            assert_int_equal(strncmp(name, "[::1]:", 6), 0);
        }
        fixture_close(&f);
    }
}

static void a_name_with_two_addresses_is_tried_to_its_end(void **state)
{
    (void)state;
    /* Refused by ::1, or without IPv6 at all: the other family needs a socket of its own. */
    struct fixture f;
    fixture_open_world(&f, NULL, "127.0.0.1");
    connect_to(&f, "both.test");
    assert_true(until(&f, are_connected));
    fixture_close(&f);
    fixture_open_world(&f, NULL, "127.0.0.1");
    listener_close(f.listener);
    f.listener = NULL;
    connect_to(&f, "both.test");
    assert_true(until(&f, client_ended)); /* after the last one, not the first */
    assert_int_equal(f.client.end, STREAM_END_REFUSED);
    fixture_close(&f);
}

static void the_real_address_of_ipv6_is_printed_with_brackets(void **state)
{
    (void)state;
    skip_without_ipv6();
    struct fixture f;
    char text[ADDRESS_HOST_BYTES + 10];
    char name[STREAM_NAME_BYTES];
    fixture_open_world(&f, NULL, "::1");
    address_format(&f.address, text);
    connect_pair(&f);
    stream_peer_name(f.client.stream, name);
    assert_string_equal(name, text);
    assert_int_equal(strncmp(name, "[::1]:", 6), 0);
    fixture_close(&f);
}

static void an_unknown_name_is_told_as_such(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_to(&f, "unknown.test");
    assert_true(until(&f, client_ended));
    assert_int_equal(f.client.end, STREAM_END_RESOLVE);
    assert_true(strlen(f.client.end_text) > 0);
    fixture_close(&f);
}

static void a_resolving_stream_may_be_closed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_to(&f, "both.test");
    side_close(&f.client);
    connect_to(&f, "both.test");
    stream_reset(f.client.stream);
    f.client.stream = NULL;
    fixture_close(&f);
    assert_false(f.client.has_ended);
}

static void every_socket_sends_small_segments_at_once(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f);
    const struct stream *streams[2] = { f.client.stream, f.server.stream };
    for (size_t i = 0; i < 2; i++) {
        int on = 0;
        socklen_t len = sizeof on;
        int fd = uv_stream_fd((const struct uv_stream *)streams[i]);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
        assert_true(on != 0);
    }
    fixture_close(&f);
}

static void writes_of_one_turn_leave_together(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(stream_write(f.client.stream, "abcdefghij", 10), AMT_OK);
    }
    side_close(&f.client);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.received_bytes, 1000);
    assert_int_equal(f.server.reads, 1);
    fixture_close(&f);
}

static bool server_has_data(void *ctx)
{
    return ((struct fixture *)ctx)->server.received_bytes > 0;
}

static void a_callback_sees_the_time_of_its_event(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f);
    stream_pause(f.server.stream);
    assert_int_equal(stream_write(f.client.stream, "x", 1), AMT_OK);
    run_for(&f, 5000);
    uint64_t ended_us = loop_now_us(f.loop);
    while (loop_now_us(f.loop) < ended_us + 3000) { /* outside a turn the clock goes on */
    }
    uint64_t resumed_us = loop_now_us(f.loop);
    stream_resume(f.server.stream);
    assert_true(until(&f, server_has_data));
    assert_true(f.server.last_data_us >= resumed_us);
    fixture_close(&f);
}

static void bytes_in_the_kernel_of_a_closed_stream_survive_a_talkative_peer(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f);
    stream_pause(f.server.stream);
    uint64_t sum = write_pattern(f.client.stream, 1000000, 0);
    side_close(&f.client);
    run_for(&f, 20000);
    /* If the socket were gone, this would be answered with a RST that takes the rest along. */
    assert_int_equal(stream_write(f.server.stream, "x", 1), AMT_OK);
    run_for(&f, 20000);
    stream_resume(f.server.stream);
    assert_true(until(&f, server_ended));
    assert_int_equal(f.server.end, STREAM_END_FIN);
    assert_int_equal(f.server.received_bytes, 1000000);
    assert_true(f.server.sum == sum);
    fixture_close(&f);
}

static bool count_turn(void *ctx)
{
    *(uint32_t *)ctx += 1;
    return false;
}

static void descriptors_that_run_out_delay_connections_and_drop_none(void **state)
{
    (void)state;
    struct fixture f;
    struct rlimit before;
    fixture_open(&f, false);
    listener_pause(f.listener);
    begin_connect(&f);
    run_for(&f, 20000);
    assert_true(f.client.is_open);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int lowest_free = dup(0);
    assert_true(lowest_free >= 0);
    (void)close(lowest_free);
    struct rlimit tight = { (rlim_t)lowest_free, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    listener_resume(f.listener);
    uint32_t turns = 0;
    (void)loop_run_until(f.loop, count_turn, &turns, loop_now_us(f.loop) + 50000);
    assert_int_equal(f.accepted, 0);
    assert_true(turns < 20); /* it waits, it does not try again and again */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(until(&f, are_connected));
    assert_false(f.client.has_ended);
    fixture_close(&f);
}

static void an_address_that_is_not_ours_is_told_with_advice(void **state)
{
    (void)state;
    struct fixture f;
    struct amt_diag diag = { .err = AMT_OK };
    fixture_open(&f, false);
    const struct address foreign = { "192.0.2.1", 4433 };
    assert_null(net_listen(f.loop, &foreign, fixture_accept, &f, &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    assert_non_null(strstr(diag.text, "cannot listen on 192.0.2.1:4433: "));
    assert_non_null(strstr(diag.hint, "ip addr"));
    assert_null(net_listen(f.loop, &f.address, fixture_accept, &f, &diag));
    assert_non_null(strstr(diag.hint, "port 0"));
    fixture_close(&f);
}

static void a_port_is_free_again_as_soon_as_its_listener_is_closed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f); /* a connection that stays does not hold the port */
    listener_close(f.listener);
    f.listener = net_listen(f.loop, &f.address, fixture_accept, &f, NULL);
    assert_non_null(f.listener);
    fixture_close(&f);
}

struct outside_reader {
    int fd;
    uint64_t received_bytes;
};

static void *read_to_the_end(void *ctx)
{
    struct outside_reader *reader = ctx;
    uint8_t block[65536];
    ssize_t n = recv(reader->fd, block, sizeof block, 0);
    while (n > 0) {
        reader->received_bytes += (uint64_t)n;
        n = recv(reader->fd, block, sizeof block, 0);
    }
    return NULL;
}

static void freeing_the_loop_sends_what_closed_streams_had_to_say(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, false);
    connect_pair(&f);
    /* The reader stands outside of the loop, which holds more than the kernel takes at once. */
    stream_pause(f.server.stream);
    struct outside_reader reader = { dup(uv_stream_fd((struct uv_stream *)f.server.stream)), 0 };
    assert_true(reader.fd >= 0);
    assert_int_equal(fcntl(reader.fd, F_SETFL, fcntl(reader.fd, F_GETFL) & ~O_NONBLOCK), 0);
    stream_set_write_limit(f.client.stream, 20000000);
    (void)write_pattern(f.client.stream, 8000000, 0);
    assert_true(stream_queued_bytes(f.client.stream) > 0);
    side_close(&f.client);
    stream_reset(f.server.stream); /* the copy of its descriptor keeps the connection */
    f.server.stream = NULL;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_to_the_end, &reader), 0);
    fixture_close(&f);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.received_bytes, 8000000);
    (void)close(reader.fd);
}

/* Runs with other descriptors as standard input and output. */
struct stdio {
    int saved[2];
    int to_us[2], from_us[2]; /* pipes: read end, write end */
};

static void stdio_replace(struct stdio *s, int in, int out)
{
    s->saved[0] = dup(STDIN_FILENO);
    s->saved[1] = dup(STDOUT_FILENO);
    assert_true(s->saved[0] >= 0 && s->saved[1] >= 0);
    assert_int_equal(dup2(in, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
}

static void stdio_restore(const struct stdio *s)
{
    (void)dup2(s->saved[0], STDIN_FILENO);
    (void)dup2(s->saved[1], STDOUT_FILENO);
    (void)close(s->saved[0]);
    (void)close(s->saved[1]);
}

static bool side_ended(void *ctx)
{
    return ((const struct side *)ctx)->has_ended;
}

static void pipes_serve_as_standard_input_and_output(void **state)
{
    (void)state;
    struct stdio s;
    struct side side = { .opens = 0 };
    char text[16];
    assert_int_equal(pipe(s.to_us), 0);
    assert_int_equal(pipe(s.from_us), 0);
    assert_int_equal(write(s.to_us[1], "in", 2), 2);
    (void)close(s.to_us[1]);
    struct loop *loop = loop_new_uv(NULL);
    stdio_replace(&s, s.to_us[0], s.from_us[1]);
    (void)close(s.from_us[1]);
    side.stream = net_stdio(loop, NULL);
    if (side.stream != NULL) {
        stream_set_handler(side.stream, &k_net_side, &side);
        (void)!stream_write(side.stream, "out", 3);
        stream_shutdown(side.stream);
        (void)loop_run_until(loop, side_ended, &side, loop_now_us(loop) + LIMIT_US);
    }
    ssize_t n = read(s.from_us[0], text, sizeof text);
    ssize_t end = read(s.from_us[0], text + 3, 1); /* shutdown closed our end of it */
    stream_close(side.stream);
    loop_free(loop);
    stdio_restore(&s);
    (void)close(s.to_us[0]);
    (void)close(s.from_us[0]);
    assert_non_null(side.stream);
    assert_int_equal(n, 3);
    assert_int_equal(end, 0);
    assert_memory_equal(text, "out", 3);
    assert_int_equal(side.end, STREAM_END_FIN);
    assert_memory_equal(side.received, "in", 2);
}

static void files_serve_as_standard_input_and_output(void **state)
{
    (void)state;
    struct stdio s;
    struct side side = { .opens = 0 };
    char in_name[] = "/tmp/amtlab-stdio-XXXXXX";
    int in = mkstemp(in_name);
    assert_true(in >= 0);
    (void)unlink(in_name);
    uint8_t block[1000] = { 7 };
    for (int i = 0; i < 50; i++) {
        assert_int_equal(write(in, block, sizeof block), sizeof block);
    }
    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    int nowhere = open("/dev/null", O_WRONLY);
    struct loop *loop = loop_new_uv(NULL);
    stdio_replace(&s, in, nowhere);
    side.stream = net_stdio(loop, NULL);
    if (side.stream != NULL) {
        stream_set_handler(side.stream, &k_net_side, &side);
        (void)!stream_write(side.stream, "out", 3);
        (void)loop_run_until(loop, side_ended, &side, loop_now_us(loop) + LIMIT_US);
    }
    stream_close(side.stream);
    loop_free(loop);
    stdio_restore(&s);
    (void)close(in);
    (void)close(nowhere);
    assert_non_null(side.stream);
    assert_int_equal(side.received_bytes, 50000);
    assert_int_equal(side.end, STREAM_END_FIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_of_all_hosts_answers_in_both_families),
        cmocka_unit_test(a_name_with_two_addresses_is_tried_to_its_end),
        cmocka_unit_test(the_real_address_of_ipv6_is_printed_with_brackets),
        cmocka_unit_test(an_unknown_name_is_told_as_such),
        cmocka_unit_test(a_resolving_stream_may_be_closed),
        cmocka_unit_test(every_socket_sends_small_segments_at_once),
        cmocka_unit_test(writes_of_one_turn_leave_together),
        cmocka_unit_test(a_callback_sees_the_time_of_its_event),
        cmocka_unit_test(bytes_in_the_kernel_of_a_closed_stream_survive_a_talkative_peer),
        cmocka_unit_test(descriptors_that_run_out_delay_connections_and_drop_none),
        cmocka_unit_test(an_address_that_is_not_ours_is_told_with_advice),
        cmocka_unit_test(a_port_is_free_again_as_soon_as_its_listener_is_closed),
        cmocka_unit_test(freeing_the_loop_sends_what_closed_streams_had_to_say),
        cmocka_unit_test(pipes_serve_as_standard_input_and_output),
        cmocka_unit_test(files_serve_as_standard_input_and_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
