/* TLS and HTTP together over real sockets: what the virtual world cannot show. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/http.h"
#include "runtime/net.h"
#include "tls_fixture.h"

struct world {
    struct loop *loop;
    struct tls_context *server_context, *client_context;
    struct listener *listener;
    struct address address;
    struct side server, client;
    bool is_done;
    int status;
    uint32_t body_len;
};

static void on_accept(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    w->server.stream = tls_accept(w->loop, w->server_context, s, &k_side, &w->server);
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    (void)ctx;
    http_respond(connection, 200, "text/plain", NULL, request->target,
                 (uint32_t)strlen(request->target));
}

static void on_accept_http(void *ctx, struct stream *s)
{
    struct world *w = ctx;
    struct stream *tls = tls_accept(w->loop, w->server_context, s, NULL, NULL);
    static const struct http_limits k_limits = { .body_max_bytes = 1000 };
    assert_non_null(http_serve(w->loop, tls, &k_limits, on_request, NULL, w, NULL, 0));
}

static void world_open(struct world *w, accept_fn *accept)
{
    struct amt_diag diag = { .err = AMT_OK };
    memset(w, 0, sizeof *w);
    w->loop = loop_new_uv(&diag);
    struct tls_settings server = { .is_server = true, .identity = pki.server };
    struct tls_settings client = { .verifies_peer = true, .trust = pki.trust };
    w->server_context = tls_context_new(&server, &diag);
    w->client_context = tls_context_new(&client, &diag);
    w->address = (struct address){ .host = "127.0.0.1" };
    w->listener = net_listen(w->loop, &w->address, accept, w, &diag);
    if (w->listener == NULL || w->client_context == NULL || w->server_context == NULL) {
        fail_msg("%s", diag.text);
    }
    listener_address(w->listener, &w->address);
}

static struct stream *dial(struct world *w, const struct stream_handler *handler, void *ctx)
{
    static const struct tls_name_check k_check = { .name = "mps.lab.test" };
    struct stream *tcp = net_connect(w->loop, &w->address, 0, NULL, NULL);
    return tls_connect(w->loop, w->client_context, &k_check, tcp, handler, ctx);
}

static void world_close(struct world *w)
{
    stream_close(w->client.stream);
    stream_close(w->server.stream);
    listener_close(w->listener);
    loop_run(w->loop);
    tls_context_free(w->server_context);
    tls_context_free(w->client_context);
    loop_free(w->loop);
}

static bool both_have_a_megabyte(void *ctx)
{
    struct world *w = ctx;
    return w->client.received_bytes == 1000000 && w->server.received_bytes == 1000000;
}

static bool are_open(void *ctx)
{
    struct world *w = ctx;
    return w->client.is_open && w->server.is_open;
}

static bool server_has_ended(void *ctx)
{
    return ((struct world *)ctx)->server.has_ended;
}

static void a_megabyte_goes_each_way(void **state)
{
    (void)state;
    struct world w;
    static uint8_t block[100000];
    world_open(&w, on_accept);
    w.client.stream = dial(&w, &k_side, &w.client);
    assert_true(loop_run_until(w.loop, are_open, &w, LOOP_NO_DEADLINE));
    uint64_t sum = 0;
    for (int i = 0; i < 10; i++) {
        memset(block, i + 1, sizeof block);
        sum = sum_bytes(sum, block, sizeof block);
        assert_int_equal(stream_write(w.client.stream, block, sizeof block), AMT_OK);
        assert_int_equal(stream_write(w.server.stream, block, sizeof block), AMT_OK);
    }
    assert_true(loop_run_until(w.loop, both_have_a_megabyte, &w, LOOP_NO_DEADLINE));
    assert_true(w.client.sum == sum && w.server.sum == sum);
    stream_close(w.client.stream);
    w.client.stream = NULL;
    assert_true(loop_run_until(w.loop, server_has_ended, &w, LOOP_NO_DEADLINE));
    assert_int_equal(w.server.end.kind, STREAM_END_FIN);
    world_close(&w);
}

static void on_response(void *ctx, const struct http_response *response)
{
    struct world *w = ctx;
    w->is_done = true;
    w->status = response->status;
    w->body_len = response->body_len;
    if (response->error != NULL) {
        fail_msg("%s", response->error);
    }
}

static bool is_done(void *ctx)
{
    return ((struct world *)ctx)->is_done;
}

/* The refusal must reach a client whose body is still under way: no RST may overtake it. */
static void a_body_that_is_too_long_is_refused_before_it_is_sent(void **state)
{
    (void)state;
    static const uint32_t k_lengths[] = { 10, 900000 };
    static const int k_statuses[] = { 200, 413 };
    char *body = amt_alloc(900000);
    for (size_t i = 0; i < 2; i++) {
        struct world w;
        world_open(&w, on_accept_http);
        struct http_request_spec request = { .method = "POST",
                                             .target = "/x",
                                             .host = "h",
                                             .body = body,
                                             .body_len = k_lengths[i],
                                             .limit_us = 30 * US_PER_SECOND };
        http_fetch(w.loop, dial(&w, NULL, NULL), &request, on_response, &w);
        assert_true(loop_run_until(w.loop, is_done, &w, LOOP_NO_DEADLINE));
        assert_int_equal(w.status, k_statuses[i]);
        assert_true(w.body_len > 0);
        world_close(&w);
    }
    amt_free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_megabyte_goes_each_way),
        cmocka_unit_test(a_body_that_is_too_long_is_refused_before_it_is_sent),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
