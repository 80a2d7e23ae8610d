/* Datagrams: the same tests in the real and the virtual world. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/udp.h"

struct end {
    struct udp_socket *socket;
    struct address from;
    uint8_t last[UDP_MAX_BYTES];
    uint32_t last_len, count;
    bool echoes, closes;
};

static void on_receive(void *ctx, const struct address *from, const uint8_t *in, uint32_t len)
{
    struct end *end = ctx;
    assert_true(len <= sizeof end->last);
    memcpy(end->last, in, len);
    end->last_len = len;
    end->from = *from;
    end->count += 1;
    if (end->echoes) {
        assert_int_equal(udp_send(end->socket, from, in, len), AMT_OK);
    }
    if (end->closes) {
        udp_close(end->socket);
        end->socket = NULL;
    }
}

static bool has_one(void *ctx)
{
    return ((const struct end *)ctx)->count > 0;
}

static struct loop *new_loop(void **state)
{
    const struct virtual_world world = { .seed = 1 };
    struct loop *loop = *state == NULL ? loop_new_uv(NULL) : loop_new_virtual(&world, NULL);
    assert_non_null(loop);
    return loop;
}

static void open_end(struct loop *loop, struct end *end, const char *host, uint16_t port)
{
    struct address address = { .port = port };
    struct amt_diag diag;
    memcpy(address.host, host, strlen(host));
    end->socket = udp_open(loop, &address, on_receive, end, &diag);
    assert_non_null(end->socket);
}

static bool wait_for(struct loop *loop, struct end *end)
{
    return loop_run_until(loop, has_one, end, loop_now_us(loop) + 5 * (uint64_t)US_PER_SECOND);
}

static void a_datagram_goes_there_and_back(void **state)
{
    struct loop *loop = new_loop(state);
    struct end server = { .echoes = true };
    struct end client = { .count = 0 };
    struct address to;
    open_end(loop, &server, "127.0.0.1", 0);
    open_end(loop, &client, "127.0.0.1", 0);
    udp_address(server.socket, &to);
    assert_int_not_equal(to.port, 0);
    assert_int_equal(udp_send(client.socket, &to, "ping", 4), AMT_OK);
    assert_true(wait_for(loop, &client));
    assert_int_equal(client.last_len, 4);
    assert_memory_equal(client.last, "ping", 4);
    assert_int_equal(client.from.port, to.port);
    assert_string_equal(client.from.host, "127.0.0.1");
    udp_close(client.socket);
    udp_close(server.socket);
    loop_free(loop);
}

static void a_socket_of_all_addresses_hears_one(void **state)
{
    struct loop *loop = new_loop(state);
    struct end server = { .echoes = true };
    struct end client = { .count = 0 };
    struct address to;
    open_end(loop, &server, "", 0);
    open_end(loop, &client, "127.0.0.1", 0);
    udp_address(server.socket, &to);
    memcpy(to.host, "127.0.0.1", sizeof "127.0.0.1");
    assert_int_equal(udp_send(client.socket, &to, "x", 1), AMT_OK);
    assert_true(wait_for(loop, &server));
    assert_true(wait_for(loop, &client));
    udp_address(client.socket, &to); /* and it reaches an IPv4 address that it did not hear from */
    client.count = 0;
    assert_int_equal(udp_send(server.socket, &to, "y", 1), AMT_OK);
    assert_true(wait_for(loop, &client));
    assert_int_equal(client.last[0], 'y');
    udp_close(client.socket);
    udp_close(server.socket);
    loop_free(loop);
}

static void a_taken_address_is_refused_with_a_reason(void **state)
{
    struct loop *loop = new_loop(state);
    struct end first = { .count = 0 };
    struct address address;
    struct amt_diag diag = { .err = AMT_OK };
    open_end(loop, &first, "127.0.0.1", 0);
    udp_address(first.socket, &address);
    assert_null(udp_open(loop, &address, on_receive, NULL, &diag));
    assert_int_equal(diag.err, AMT_ESYS);
    assert_non_null(strstr(diag.text, "in use"));
    udp_close(first.socket);
    loop_free(loop);
}

static void a_socket_may_be_closed_while_it_receives(void **state)
{
    struct loop *loop = new_loop(state);
    struct end server = { .closes = true };
    struct end client = { .count = 0 };
    struct address to;
    open_end(loop, &server, "127.0.0.1", 0);
    open_end(loop, &client, "127.0.0.1", 0);
    udp_address(server.socket, &to);
    assert_int_equal(udp_send(client.socket, &to, "1", 1), AMT_OK);
    assert_int_equal(udp_send(client.socket, &to, "2", 1), AMT_OK);
    assert_true(wait_for(loop, &server));
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + 10 * (uint64_t)US_PER_MS);
    assert_int_equal(server.count, 1);
    udp_close(client.socket);
    loop_free(loop);
}

static void what_is_too_long_or_has_no_host_is_not_sent(void **state)
{
    struct loop *loop = new_loop(state);
    struct end client = { .count = 0 };
    static const uint8_t k_long[UDP_MAX_BYTES + 1];
    struct address to = { .host = "127.0.0.1", .port = 9 };
    open_end(loop, &client, "127.0.0.1", 0);
    assert_int_equal(udp_send(client.socket, &to, k_long, sizeof k_long), AMT_ETOOBIG);
    udp_close(client.socket);
    loop_free(loop);
}

static void what_nobody_takes_is_lost(void **state)
{
    struct loop *loop = new_loop(state);
    struct end server = { .count = 0 };
    struct end client = { .count = 0 };
    struct address to;
    open_end(loop, &server, "127.0.0.1", 0);
    open_end(loop, &client, "127.0.0.1", 0);
    udp_address(server.socket, &to);
    udp_close(server.socket);
    assert_int_equal(udp_send(client.socket, &to, "x", 1), AMT_OK);
    (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + 10 * (uint64_t)US_PER_MS);
    assert_int_equal(client.count, 0);
    udp_close(client.socket);
    loop_free(loop);
}

/* Nothing leaks when the world ends first: open sockets and datagrams under way. */
static void the_loop_drops_what_is_left(void **state)
{
    struct loop *loop = new_loop(state);
    struct end server = { .count = 0 };
    struct end client = { .count = 0 };
    struct address to;
    open_end(loop, &server, "127.0.0.1", 0);
    open_end(loop, &client, "127.0.0.1", 0);
    udp_address(server.socket, &to);
    assert_int_equal(udp_send(client.socket, &to, "x", 1), AMT_OK);
    assert_int_equal(udp_send(client.socket, &to, "y", 1), AMT_OK);
    loop_free(loop);
}

static void no_memory_is_reported(void **state)
{
    struct loop *loop = new_loop(state);
    const struct address address = { .host = "127.0.0.1" };
    struct amt_diag diag = { .err = AMT_OK };
    amt_memory_fail_after(1);
    assert_null(udp_open(loop, &address, on_receive, NULL, &diag));
    amt_memory_fail_after(0);
    assert_int_equal(diag.err, AMT_ENOMEM);
    loop_free(loop);
}

#define BOTH_WORLDS(test)                                 \
    { #test " (real)", test, NULL, NULL, NULL },          \
    {                                                     \
#        test " (virtual)", test, NULL, NULL, &is_virtual \
    }

int main(void)
{
    static char is_virtual;
    const struct CMUnitTest tests[] = {
        BOTH_WORLDS(a_datagram_goes_there_and_back),
        BOTH_WORLDS(a_socket_of_all_addresses_hears_one),
        BOTH_WORLDS(a_taken_address_is_refused_with_a_reason),
        BOTH_WORLDS(a_socket_may_be_closed_while_it_receives),
        BOTH_WORLDS(what_is_too_long_or_has_no_host_is_not_sent),
        BOTH_WORLDS(what_nobody_takes_is_lost),
        BOTH_WORLDS(the_loop_drops_what_is_left),
        BOTH_WORLDS(no_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
