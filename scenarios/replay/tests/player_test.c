/* Both sides of a recording played against each other: each hears from the other what was recorded, and
 * names the first message that is not. */
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "scenarios/replay/player.h"

#define UUID "4c4c4544-0051-3510-8052-b4c04f4e3732"

struct side {
    struct player *player;
    const char *password, *uuid, *ignored;
    bool has_ended;
};

struct rig {
    struct loop *loop;
    struct side device, server;
    struct recording *of_device, *of_server;
};

static void on_message(void *ctx, bool is_out, const struct recording_step *message)
{
    (void)ctx;
    (void)is_out;
    assert_true(message->len > 0);
}

static void on_end(void *ctx)
{
    ((struct side *)ctx)->has_ended = true;
}

static const char *given(void *ctx, const char *field)
{
    const struct side *side = ctx;
    if (strcmp(field, "http.password") == 0) {
        return side->password;
    }
    return strcmp(field, "apf.protocol_version.uuid") == 0 ? side->uuid : NULL;
}

static bool is_ignored(void *ctx, const char *name)
{
    const struct side *side = ctx;
    return side->ignored != NULL && strcmp(side->ignored, name) == 0;
}

static const struct player_handler k_handler = {
    .on_message = on_message, .on_end = on_end, .given = given, .is_ignored = is_ignored
};

/* ---- a conversation, in which what may differ is a parameter ---- */

struct words {
    uint32_t server_channel, window, cookie, trigger;
    const char *nonce, *response, *id, *value;
};
static const struct words k_recorded = { .server_channel = 3,
                                         .window = 32768,
                                         .cookie = 7,
                                         .nonce = "n1",
                                         .response = "00000000000000000000000000000000",
                                         .id = "5",
                                         .value = "on",
                                         .trigger = 4 };

static void add(struct recording *r, uint64_t at_us, bool from_device, enum recording_what what,
                const uint8_t *bytes, uint32_t len)
{
    const struct recording_event event = { .what = what,
                                           .from_device = from_device,
                                           .connection = 1,
                                           .at_us = at_us,
                                           .bytes = bytes,
                                           .len = len };
    assert_int_equal(recording_add(r, &event), AMT_OK);
}

static void say(struct recording *r, uint64_t at_us, bool from_device,
                const struct apf_message *message, const char *source)
{
    uint8_t out[1024];
    uint32_t len = apf_encode(message, (const uint8_t *)source, false, out, sizeof out);
    assert_in_range(len, 1, sizeof out);
    add(r, at_us, from_device, RECORDING_DATA, out, len);
}

/* In two messages; frees text. */
static void say_text(struct recording *r, uint64_t at_us, bool from_device, uint32_t channel,
                     struct text *text)
{
    struct apf_message data = { .type = APF_CHANNEL_DATA,
                                .recipient_channel = channel,
                                .data = { 0, 20 } };
    say(r, at_us, from_device, &data, text_chars(text));
    data.data = (struct view){ 20, (uint32_t)text->len - 20 };
    say(r, at_us, from_device, &data, text_chars(text));
    text_fini(text);
}

static void say_http(struct recording *r, const struct words *w)
{
    struct text t = { 0 };
    text_printf(&t, "GET /index.htm HTTP/1.1\r\nHost: %s\r\n\r\n", w->nonce);
    say_text(r, 4000, false, 1, &t);
    text_printf(&t,
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"%s\","
                "qop=\"auth\"\r\nContent-Length: 0\r\n\r\n",
                w->nonce);
    say_text(r, 5000, true, w->server_channel, &t);
    text_printf(&t,
                "POST /wsman HTTP/1.1\r\nAuthorization: Digest username=\"admin\",realm=\"r\","
                "nonce=\"%s\",uri=\"/wsman\",qop=auth,nc=00000001,cnonce=\"c\",response=\"%s\"\r\n"
                "Content-Length: %zu\r\n\r\n<a:MessageID>%s</a:MessageID><x/>",
                w->nonce, w->response, 32 + strlen(w->id), w->id);
    say_text(r, 6000, false, 1, &t);
    text_printf(&t,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zX\r\n<a:RelatesTo>%s"
                "</a:RelatesTo><b>%s</b>\r\n0\r\n\r\n",
                36 + strlen(w->id), w->id, w->value);
    say_text(r, 7000, true, w->server_channel, &t);
}

static struct recording *record(const struct words *w)
{
    struct recording *r = recording_new();
    const struct apf_message version = { .type = APF_PROTOCOLVERSION,
                                         .major = 1,
                                         .trigger = w->trigger };
    const struct apf_message open = { .type = APF_CHANNEL_OPEN,
                                      .sender_channel = w->server_channel,
                                      .initial_window = w->window,
                                      .channel_type = { 0, 15 },
                                      .address = { 15, 1 },
                                      .port = 16992,
                                      .originator = { 15, 1 } };
    const struct apf_message confirm = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                         .recipient_channel = w->server_channel,
                                         .sender_channel = 1,
                                         .initial_window = 4096 };
    const struct apf_message adjust = { .type = APF_CHANNEL_WINDOW_ADJUST,
                                        .recipient_channel = 1,
                                        .bytes_to_add = w->window };
    const struct apf_message ping = { .type = APF_KEEPALIVE_REQUEST, .cookie = w->cookie };
    const struct apf_message pong = { .type = APF_KEEPALIVE_REPLY, .cookie = w->cookie };
    add(r, 0, true, RECORDING_OPEN, NULL, 0);
    say(r, 1000, true, &version, "");
    say(r, 2000, false, &open, "forwarded-tcpip-");
    say(r, 3000, true, &confirm, "");
    say_http(r, w);
    say(r, 8000, false, &adjust, "");
    say(r, 30000000, false, &ping, "");
    say(r, 30001000, true, &pong, "");
    add(r, 31000000, true, RECORDING_FIN, NULL, 0);
    assert_int_equal(recording_decode(r), AMT_OK);
    return r;
}

/* ---- playing ---- */

static struct player *start(struct rig *rig, struct side *side, bool is_device,
                            const struct recording *recording, const struct address *to)
{
    struct player_settings settings = { .loop = rig->loop,
                                        .recording = recording,
                                        .is_device = is_device,
                                        .listens = !is_device,
                                        .to = *to,
                                        .speed_percent = 100 };
    struct amt_diag diag = { .err = AMT_OK };
    struct player *player = player_new(&settings, &k_handler, side, &diag);
    assert_string_equal(diag.text, "");
    return player;
}

static void play(struct rig *rig, const struct words *device, const struct words *server)
{
    struct address address = { .host = "10.0.0.1" };
    rig->loop = loop_new_virtual(&(struct virtual_world){ .seed = 1 }, NULL);
    rig->of_device = record(device);
    rig->of_server = record(server);
    rig->server.player = start(rig, &rig->server, false, rig->of_server, &address);
    player_address(rig->server.player, &address);
    rig->device.player = start(rig, &rig->device, true, rig->of_device, &address);
    player_run(rig->server.player, 0);
    player_run(rig->device.player, 0);
    (void)loop_run_until(rig->loop, NULL, NULL, loop_now_us(rig->loop) + 90000000);
    assert_true(rig->device.has_ended && rig->server.has_ended);
}

static void end(struct rig *rig)
{
    player_free(rig->device.player);
    player_free(rig->server.player);
    loop_free(rig->loop);
    recording_free(rig->of_device);
    recording_free(rig->of_server);
}

static void assert_agrees(const struct side *side)
{
    const struct player_mismatch *mismatch = player_mismatch(side->player);
    if (mismatch != NULL) {
        fail_msg("%s\n%s", text_chars(&mismatch->text), text_chars(&mismatch->table));
    }
}

static void assert_differs(const struct side *side, uint32_t number, const char *field,
                           const char *words)
{
    const struct player_mismatch *mismatch = player_mismatch(side->player);
    assert_non_null(mismatch);
    if (mismatch->number != number || strcmp(mismatch->field, field) != 0 ||
        strstr(text_chars(&mismatch->text), words) == NULL) {
        fail_msg("message %u, field %s: %s\n%s", mismatch->number, mismatch->field,
                 text_chars(&mismatch->text), text_chars(&mismatch->table));
    }
}

static void a_recording_agrees_with_itself(void **state)
{
    (void)state;
    struct rig rig = { .loop = NULL };
    uint32_t compared = 0;
    uint32_t sent = 0;
    play(&rig, &k_recorded, &k_recorded);
    assert_agrees(&rig.device);
    assert_agrees(&rig.server);
    player_counts(rig.device.player, &compared, &sent);
    assert_int_equal(compared, 7);
    assert_int_equal(sent, 7);
    assert_true(loop_now_us(rig.loop) >= 31000000); /* in the recorded time */
    end(&rig);
}

/* Numbers, windows, cookies, nonces, digest answers, message ids: another run has others. */
static void what_must_differ_is_adapted(void **state)
{
    (void)state;
    struct rig rig = { .server = { .password = "secret" } };
    struct words other = k_recorded;
    other.server_channel = 900;
    other.window = 4096;
    other.cookie = 8;
    other.nonce = "another";
    other.response = "11111111111111111111111111111111";
    other.id = "55";
    play(&rig, &k_recorded, &other);
    assert_agrees(&rig.device);
    assert_agrees(&rig.server);
    end(&rig);
}

static void a_changed_field_is_named(void **state)
{
    (void)state;
    struct rig rig = { .loop = NULL };
    struct words other = k_recorded;
    other.trigger = 1;
    play(&rig, &other, &k_recorded);
    assert_differs(&rig.server, 1, "apf.protocol_version.trigger",
                   "message 1 (apf.protocol_version");
    assert_int_equal(player_mismatch(rig.server.player)->offset, 9);
    assert_non_null(strstr(text_chars(&player_mismatch(rig.server.player)->table), "! trigger "));
    end(&rig);
    rig = (struct rig){ .server = { .ignored = "apf.protocol_version.trigger" } };
    play(&rig, &other, &k_recorded);
    assert_agrees(&rig.server);
    end(&rig);
}

static void a_changed_answer_is_named(void **state)
{
    (void)state;
    struct rig rig = { .loop = NULL };
    struct words other = k_recorded;
    other.value = "of";
    play(&rig, &other, &k_recorded);
    assert_differs(&rig.server, 11, "", "of the HTTP message is <b>of, recorded <b>on");
    end(&rig);
    rig = (struct rig){ .server = { .ignored = "wsman.b" } };
    play(&rig, &other, &k_recorded);
    assert_agrees(&rig.server);
    end(&rig);
}

static void a_given_value_is_said_and_expected(void **state)
{
    (void)state;
    struct rig rig = { .device = { .uuid = UUID }, .server = { .uuid = UUID } };
    play(&rig, &k_recorded, &k_recorded);
    assert_agrees(&rig.device);
    assert_agrees(&rig.server);
    end(&rig);
    rig = (struct rig){ .device = { .uuid = UUID } };
    play(&rig, &k_recorded, &k_recorded);
    assert_differs(&rig.server, 1, "apf.protocol_version.uuid", "at byte 13");
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recording_agrees_with_itself),
        cmocka_unit_test(what_must_differ_is_adapted),
        cmocka_unit_test(a_changed_field_is_named),
        cmocka_unit_test(a_changed_answer_is_named),
        cmocka_unit_test(a_given_value_is_said_and_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
