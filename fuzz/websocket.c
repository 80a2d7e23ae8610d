/*
 * A websocket whose peer sends anything after the upgrade. Byte 0: bits 0-1 size of the pieces, bit 2 we
 * are the client, bit 3 the owner pauses after each message, bit 4 it is looked at as a stream, bits 5-6
 * what the peer does behind its bytes (nothing, FIN, reset); the rest is what the peer sends.
 * Oracles: cutting changes no message and no end, but for the text of a close frame; what leaves are
 * whole frames, masked as our side must, none behind a close frame; text is UTF-8 as far as a JSON
 * writer thinks; one end and nothing behind it; nothing is left over.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "fuzz/target.h"
#include "runtime/websocket_internal.h"

struct run {
    struct loop *loop;
    struct stream *peer;
    struct websocket *ws;
    struct stream *view;
    struct text sent;  /* by our side, behind the upgrade */
    struct text story; /* messages, as one text */
    struct websocket_end end;
    uint32_t ends;
    bool pauses, is_upgraded;
    struct timer resume;
};

static void note(struct run *r, const char *kind, const uint8_t *in, uint32_t len)
{
    FUZZ_REQUIRE(r->ends == 0);
    text_printf(&r->story, "%s%u:", kind, len);
    text_append(&r->story, (const char *)in, len);
    if (r->pauses && r->ws != NULL) {
        websocket_pause(r->ws);
        timer_start(&r->resume, 100);
    }
}

static void on_resume(void *ctx)
{
    struct run *r = ctx;
    if (r->ws != NULL) {
        websocket_resume(r->ws);
    }
}

/* U+FFFD, sent as such */
static bool has_replacement(const uint8_t *in, uint32_t len)
{
    for (uint32_t at = 0; at + 3 <= len; at++) {
        if (memcmp(in + at, "\xef\xbf\xbd", 3) == 0) {
            return true;
        }
    }
    return false;
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    if (kind == WEBSOCKET_TEXT) {
        struct text json = { 0 };
        text_json(&json, (const char *)in, len);
        FUZZ_REQUIRE(strstr(json.chars, "\xef\xbf\xbd") == NULL || has_replacement(in, len));
        text_fini(&json);
    }
    note(ctx, kind == WEBSOCKET_TEXT ? "t" : "b", in, len);
}

static void on_end(void *ctx, const struct websocket_end *end)
{
    struct run *r = ctx;
    r->ends += 1;
    r->end = *end;
    FUZZ_REQUIRE(r->ends == 1 && end->stream.text[0] != '\0');
}

static void view_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct run *r = ctx;
    FUZZ_REQUIRE(r->ends == 0 && len > 0);
    text_append(&r->story, (const char *)in, len);
    if (r->pauses) {
        stream_pause(r->view);
        timer_start(&r->resume, 100);
    }
}

static void view_end(void *ctx, const struct stream_end *end)
{
    struct run *r = ctx;
    r->ends += 1;
    r->end.stream = *end;
    r->end.code = end->kind == STREAM_END_FIN ? WEBSOCKET_NORMAL : WEBSOCKET_ABNORMAL;
    FUZZ_REQUIRE(r->ends == 1);
}

static const struct websocket_handler k_owner = { .on_message = on_message, .on_end = on_end };
static const struct stream_handler k_view = { .on_data = view_data, .on_end = view_end };
static const struct websocket_settings k_settings = { .message_max_bytes = 1000 };

static void peer_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->sent, (const char *)in, len);
}

static const struct stream_handler k_peer = { .on_data = peer_data };

static void run_for(struct run *r, uint64_t us)
{
    (void)loop_run_until(r->loop, NULL, NULL, loop_now_us(r->loop) + us);
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct run *r = ctx;
    r->ws = websocket_accept(r->loop, connection, request, &k_settings, &k_owner, r);
}

/* The upgrade, by hand on the peer's side; then sent is empty. */
static void upgrade(struct run *r, bool is_client)
{
    static const char k_request[] =
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    static const struct websocket_request k_asked = { .target = "/", .host = "x" };
    struct stream *ours = NULL;
    char text[256];
    int len = sizeof k_request - 1;
    FUZZ_REQUIRE(stream_memory_pair(r->loop, &ours, &r->peer) == AMT_OK);
    stream_set_handler(r->peer, &k_peer, r);
    (void)memcpy(text, k_request, sizeof k_request);
    if (is_client) {
        char key[25] = "";
        char accept[WEBSOCKET_ACCEPT_BYTES];
        r->ws = websocket_connect(r->loop, ours, &k_asked, &k_settings, &k_owner, r);
        run_for(r, 10000);
        const char *at = strstr(r->sent.chars, "Sec-WebSocket-Key: ");
        FUZZ_REQUIRE(r->ws != NULL && at != NULL);
        memcpy(key, at + 19, 24);
        FUZZ_REQUIRE(websocket_accept_value(key, accept) == AMT_OK);
        len = snprintf(text, sizeof text,
                       "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: %s\r\n\r\n",
                       accept);
    } else {
        FUZZ_REQUIRE(http_serve(r->loop, ours, NULL, on_request, NULL, r, NULL, 0) != NULL);
    }
    FUZZ_REQUIRE(stream_write(r->peer, text, (uint32_t)len) == AMT_OK);
    run_for(r, 10000);
    FUZZ_REQUIRE(r->ws != NULL && r->ends == 0);
    text_fini(&r->sent);
}

static void send_all(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, size_t piece)
{
    for (size_t at = 0; at < len; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        if (stream_write(r->peer, in + at, (uint32_t)n) != AMT_OK) {
            break;
        }
        run_for(r, 1000);
    }
    if ((flavour >> 5 & 3) == 1) {
        stream_shutdown(r->peer);
    } else if ((flavour >> 5 & 3) == 2) {
        stream_reset(r->peer);
        r->peer = NULL;
    }
    run_for(r, 1000000);
}

/* Our frames: pongs and at most one close, the last. */
static void check_sent(const struct run *r, bool is_client)
{
    const uint8_t *at = (const uint8_t *)text_chars(&r->sent);
    size_t left = r->sent.len;
    bool is_closed = false;
    while (left > 0) {
        FUZZ_REQUIRE(!is_closed && left >= 2);
        size_t payload = at[1] & 0x7f;
        size_t whole = 2 + payload + (is_client ? 4 : 0);
        FUZZ_REQUIRE(at[0] == 0x8a || at[0] == 0x88);
        FUZZ_REQUIRE(payload <= 125 && (at[1] >> 7 == 1) == is_client && whole <= left);
        is_closed = at[0] == 0x88;
        at += whole;
        left -= whole;
    }
    /* an end of the frames' own making is said */
    FUZZ_REQUIRE(r->ends == 0 || r->end.code == WEBSOCKET_ABNORMAL || is_closed || r->peer == NULL);
}

static void run_once(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, size_t piece)
{
    static const struct virtual_world k_world = { .seed = 1 };
    bool is_client = (flavour & 4) != 0;
    r->loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(r->loop != NULL);
    timer_init(&r->resume, r->loop, on_resume, r);
    r->pauses = (flavour & 8) != 0;
    upgrade(r, is_client);
    if ((flavour & 16) != 0) {
        r->view = websocket_stream(r->ws);
        stream_set_handler(r->view, &k_view, r);
    }
    send_all(r, flavour, in, len, piece);
    check_sent(r, is_client);
    timer_stop(&r->resume);
    websocket_close(r->ws, WEBSOCKET_NORMAL, "");
    stream_close(r->peer);
    loop_run(r->loop);
    loop_free(r->loop);
    FUZZ_REQUIRE(!r->story.failed);
}

/* wslay looks at the text of a close frame piece by piece, and skips two bytes of each. */
static bool may_differ(const struct run *a, const struct run *b)
{
    bool is_refused = (a->end.code == WEBSOCKET_NOT_UTF8) != (b->end.code == WEBSOCKET_NOT_UTF8);
    return is_refused || a->end.is_by_peer || b->end.is_by_peer || a->view != NULL;
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
    bool is_reset = (data[0] >> 5 & 3) == 2;
    if (!is_reset) { /* a reset overtakes what a paused owner has not read */
        FUZZ_REQUIRE(whole.story.len == cut.story.len);
        FUZZ_REQUIRE(whole.story.len == 0 ||
                     memcmp(whole.story.chars, cut.story.chars, whole.story.len) == 0);
        FUZZ_REQUIRE(may_differ(&whole, &cut) ||
                     (whole.ends == cut.ends && whole.end.code == cut.end.code));
    }
    text_fini(&whole.sent);
    text_fini(&whole.story);
    text_fini(&cut.sent);
    text_fini(&cut.story);
    return 0;
}
