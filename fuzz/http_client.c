/*
 * The client's side of HTTP on a memory stream. Byte 0: bits 0-1 size of the pieces, bit 2 the request
 * is a HEAD, bits 3-4 what the server does behind its bytes (nothing, FIN, reset), bit 5 as many
 * requests on one connection as it allows (4 at most); the rest is what the server sends.
 * Oracles: exactly one response to each request; without an error it has a status; cutting changes
 * neither it, its headers nor its body; the request that left is whole; a connection that is usable
 * takes the next request, with an answer of its own; nothing is left over.
 */
#include <string.h>

#include "base/text.h"
#include "fuzz/target.h"
#include "runtime/http.h"

struct run {
    struct loop *loop;
    struct stream *server;
    struct text sent;
    struct text response; /* all of it, as one text */
    uint32_t requests, responses;
    struct http_client *client; /* NULL: http_fetch */
    const struct http_request_spec *request;
};

static void on_response(void *ctx, const struct http_response *response);

static void ask(struct run *r)
{
    r->requests += 1;
    http_client_ask(r->client, r->request, on_response, r);
}

static void on_response(void *ctx, const struct http_response *response)
{
    struct run *r = ctx;
    r->responses += 1;
    FUZZ_REQUIRE(r->responses == r->requests);
    if (response->error != NULL) {
        FUZZ_REQUIRE(response->error[0] != '\0');
        /* With one header too many that is also a bad one, cutting decides which is said. */
        bool is_bad = strncmp(response->error, "the answer is ", 14) == 0;
        text_printf(&r->response, "error: %s", is_bad ? "bad answer" : response->error);
        return;
    }
    FUZZ_REQUIRE(response->status == 101 || response->status >= 200);
    text_printf(&r->response, "%d\n", response->status);
    for (uint32_t i = 0; i < response->header_count; i++) {
        const struct http_header *header = &response->headers[i];
        FUZZ_REQUIRE(http_header_find(response->headers, response->header_count, header->name) !=
                     NULL);
        text_printf(&r->response, "%s: %s\n", header->name, header->value);
    }
    text_append(&r->response, response->body, response->body_len);
    if (r->client != NULL && http_client_is_usable(r->client) && r->requests < 4) {
        ask(r);
    }
}

static void server_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->sent, (const char *)in, len);
}

static const struct stream_handler k_server = { .on_data = server_data };

static void run_for(struct run *r, uint64_t us)
{
    (void)loop_run_until(r->loop, NULL, NULL, loop_now_us(r->loop) + us);
}

static void answer(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (stream_write(r->server, in + at, (uint32_t)n) != AMT_OK) {
            break;
        }
        run_for(r, 1000);
    }
    if ((flavour >> 3 & 3) == 1) {
        stream_shutdown(r->server);
    } else if ((flavour >> 3 & 3) == 2) {
        stream_reset(r->server);
        r->server = NULL;
    }
}

static void run_once(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, size_t piece)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const char k_request[] = "POST /wsman HTTP/1.1\r\nHost: pc17\r\nX: 1\r\n"
                                    "Content-Length: 4\r\n\r\n<x/>";
    static const char k_head[] = "HEAD / HTTP/1.1\r\nHost: pc17\r\nX: 1\r\n\r\n";
    bool is_head = (flavour & 4) != 0;
    struct http_request_spec request = {
        .method = is_head ? "HEAD" : "POST",
        .target = is_head ? "/" : "/wsman",
        .host = "pc17",
        .headers = "X: 1\r\n",
        .body = "<x/>",
        .body_len = is_head ? 0 : 4,
        .limit_us = 20u * (uint64_t)US_PER_SECOND,
    };
    struct stream *client = NULL;
    r->loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(r->loop != NULL);
    FUZZ_REQUIRE(stream_memory_pair(r->loop, &client, &r->server) == AMT_OK);
    stream_set_handler(r->server, &k_server, r);
    r->request = &request;
    if ((flavour & 32) != 0) {
        r->client = http_client_new(r->loop, client);
        FUZZ_REQUIRE(r->client != NULL && http_client_is_usable(r->client));
        ask(r);
    } else {
        r->requests = 1;
        http_fetch(r->loop, client, &request, on_response, r);
    }
    run_for(r, 1000);
    FUZZ_REQUIRE(strcmp(r->sent.chars, is_head ? k_head : k_request) == 0);
    answer(r, flavour, in, len, piece);
    run_for(r, 100u * (uint64_t)US_PER_SECOND); /* every limit passes */
    FUZZ_REQUIRE(r->responses == r->requests);
    http_client_close(r->client);
    stream_close(r->server);
    loop_run(r->loop);
    loop_free(r->loop);
    FUZZ_REQUIRE(!r->response.failed);
}

static void run_fini(struct run *r)
{
    text_fini(&r->sent);
    text_fini(&r->response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t k_pieces[] = { 1, 3, 17, 250 };
    if (size < 1 || size > 4096) {
        return 0;
    }
    struct run whole = { .loop = NULL }, cut = { .loop = NULL };
    run_once(&whole, data[0], data + 1, size - 1, 4096);
    run_once(&cut, data[0], data + 1, size - 1, k_pieces[data[0] & 3]);
    if ((data[0] & 32) == 0) { /* else it matters whether an answer came before its request */
        FUZZ_REQUIRE(whole.response.len == cut.response.len);
        FUZZ_REQUIRE(whole.response.len == 0 ||
                     memcmp(whole.response.chars, cut.response.chars, whole.response.len) == 0);
    }
    run_fini(&whole);
    run_fini(&cut);
    return 0;
}
