/* Channels in a replay: their numbers, and the conversations in them. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/replay/http_text.h"
#include "scenarios/replay/player_internal.h"

#define LINE_BYTES 100u

struct played_channel *channel_by_own(struct played_connection *c, uint32_t own)
{
    for (struct played_channel *at = c->channels; at != NULL; at = at->next) {
        if (at->has_own && at->own == own) {
            return at;
        }
    }
    return NULL;
}

struct played_channel *channel_by_recorded(struct played_connection *c, uint32_t recorded_peer)
{
    for (struct played_channel *at = c->channels; at != NULL; at = at->next) {
        if (at->has_peer && at->recorded_peer == recorded_peer) {
            return at;
        }
    }
    return NULL;
}

/* Newest first: numbers are used again. */
static struct played_channel *add_channel(struct played_connection *c)
{
    struct played_channel *channel = amt_alloc(sizeof *channel);
    if (channel != NULL) {
        channel->next = c->channels;
        c->channels = channel;
    }
    return channel;
}

enum amt_err channel_note_own(struct played_connection *c, const struct apf_message *recorded)
{
    struct played_channel *channel = NULL;
    if (recorded->type == APF_CHANNEL_OPEN) {
        channel = add_channel(c);
    } else if (recorded->type == APF_CHANNEL_OPEN_CONFIRMATION) {
        channel = channel_by_recorded(c, recorded->recipient_channel);
    } else {
        return AMT_OK;
    }
    if (channel == NULL) {
        return recorded->type == APF_CHANNEL_OPEN ? AMT_ENOMEM : AMT_OK;
    }
    channel->own = recorded->sender_channel;
    channel->has_own = true;
    return AMT_OK;
}

enum amt_err channel_note_peer(struct played_connection *c, const struct apf_message *recorded,
                               const struct apf_message *now)
{
    struct played_channel *channel = NULL;
    if (recorded->type == APF_CHANNEL_OPEN) {
        channel = add_channel(c);
    } else if (recorded->type == APF_CHANNEL_OPEN_CONFIRMATION) {
        channel = channel_by_own(c, recorded->recipient_channel);
    } else {
        return AMT_OK;
    }
    if (channel == NULL) {
        return recorded->type == APF_CHANNEL_OPEN ? AMT_ENOMEM : AMT_OK;
    }
    channel->recorded_peer = recorded->sender_channel;
    channel->peer = now->sender_channel;
    channel->has_peer = true;
    return AMT_OK;
}

void channels_free(struct played_connection *c)
{
    while (c->channels != NULL) {
        struct played_channel *channel = c->channels;
        c->channels = channel->next;
        bytes_fini(&channel->expected);
        bytes_fini(&channel->came);
        text_fini(&channel->challenge);
        text_fini(&channel->saying);
        amt_free(channel);
    }
}

enum amt_err channel_came(struct played_connection *c, const struct recording_step *now)
{
    struct played_channel *channel = channel_by_own(c, now->message.recipient_channel);
    return channel == NULL ? AMT_EUNKNOWN
                           : bytes_append(&channel->came, now->bytes + now->message.data.off,
                                          now->message.data.len);
}

/* ---- what the peer says ---- */

static bool is_ignored_element(void *ctx, const char *element)
{
    struct text name = { 0 };
    text_printf(&name, "wsman.%s", element);
    bool is_ignored = player_is_ignored(ctx, text_chars(&name));
    text_fini(&name);
    return is_ignored;
}

static void take_id(const uint8_t *message, uint32_t len, char out[static PLAYER_ID_BYTES])
{
    uint32_t at = 0;
    uint32_t id = http_text_element(message, len, "MessageID", &at);
    out[0] = '\0';
    if (id > 0 && id < PLAYER_ID_BYTES) {
        memcpy(out, message + at, id);
        out[id] = '\0';
    }
}

static void put_line(const char *line, struct text *out)
{
    uint32_t len = (uint32_t)strcspn(line, "\n");
    text_logfmt(out, line, len < LINE_BYTES ? len : LINE_BYTES);
}

/* The first lines that differ, and how many were the same. */
static void describe(const char *recorded, const char *now, struct player_mismatch *mismatch,
                     struct text *what)
{
    uint32_t line = 1;
    while (*recorded != '\0' && *now != '\0') {
        size_t a = strcspn(recorded, "\n");
        size_t b = strcspn(now, "\n");
        if (a != b || memcmp(recorded, now, a) != 0) {
            break;
        }
        recorded += a + (recorded[a] == '\n' ? 1 : 0);
        now += b + (now[b] == '\n' ? 1 : 0);
        line++;
    }
    text_printf(what, "line %u of the HTTP message is ", line);
    put_line(now, what);
    text_puts(what, ", recorded ");
    put_line(recorded, what);
    text_printf(&mismatch->table, "  recorded: ");
    put_line(recorded, &mismatch->table);
    text_printf(&mismatch->table, "\n! now:      ");
    put_line(now, &mismatch->table);
    text_puts(&mismatch->table, "\n");
}

static enum progress compare_http(struct played_connection *c, struct played_channel *channel,
                                  const struct recording_step *step, uint32_t recorded_len,
                                  uint32_t now_len)
{
    struct player *p = c->player;
    struct text recorded = { 0 };
    struct text now = { 0 };
    const uint8_t *was = bytes_front(&channel->expected);
    const uint8_t *is = bytes_front(&channel->came);
    enum progress progress = PROGRESS_DONE;
    http_text_semantic(was, recorded_len, is_ignored_element, p, &recorded);
    http_text_semantic(is, now_len, is_ignored_element, p, &now);
    if (p->settings.how != COMPARE_NONE &&
        (recorded.len != now.len ||
         memcmp(text_chars(&recorded), text_chars(&now), now.len) != 0)) {
        struct text what = { 0 };
        describe(text_chars(&recorded), text_chars(&now), &p->mismatch, &what);
        progress = player_differs(p, step, NULL, NULL, "%s", text_chars(&what));
        text_fini(&what);
    }
    take_id(was, recorded_len, channel->recorded_id);
    take_id(is, now_len, channel->id);
    struct text challenge = { 0 };
    if (http_text_header(is, now_len, "WWW-Authenticate", &challenge)) {
        text_fini(&channel->challenge);
        channel->challenge = challenge;
    }
    text_fini(&recorded);
    text_fini(&now);
    bytes_consume(&channel->expected, recorded_len);
    bytes_consume(&channel->came, now_len);
    return progress;
}

static enum progress compare_plain(struct played_connection *c, struct played_channel *channel,
                                   const struct recording_step *step)
{
    uint32_t len = channel->expected.len;
    const uint8_t *was = bytes_front(&channel->expected);
    const uint8_t *is = bytes_front(&channel->came);
    uint32_t have = channel->came.len < len ? channel->came.len : len;
    uint32_t at = 0;
    while (at < have && was[at] == is[at]) {
        at++;
    }
    if (at < have && c->player->settings.how != COMPARE_NONE) {
        struct compare_difference difference = { .field = "apf.channel_data.data", .offset = at };
        return player_differs(c->player, step, NULL, &difference,
                              "byte %u of the data is 0x%02x, recorded 0x%02x", at, is[at],
                              was[at]);
    }
    if (have < len) {
        return PROGRESS_WAITS;
    }
    bytes_consume(&channel->expected, len);
    bytes_consume(&channel->came, len);
    return PROGRESS_DONE;
}

enum progress channel_await(struct played_connection *c, const struct recording_step *step,
                            bool is_first_look)
{
    struct played_channel *channel = channel_by_own(c, step->message.recipient_channel);
    if (channel == NULL) {
        return PROGRESS_DONE; /* of a channel from before the recording began */
    }
    if (is_first_look && bytes_append(&channel->expected, step->bytes + step->message.data.off,
                                      step->message.data.len) != AMT_OK) {
        return player_differs(c->player, step, NULL, NULL, "out of memory");
    }
    while (channel->expected.len > 0) {
        uint32_t recorded = http_text_bytes(bytes_front(&channel->expected), channel->expected.len);
        if (recorded == HTTP_TEXT_NONE) {
            return compare_plain(c, channel, step);
        }
        if (recorded == 0) {
            return PROGRESS_DONE; /* the rest of it comes with a later message */
        }
        uint32_t now = channel->came.len == 0
                           ? 0
                           : http_text_bytes(bytes_front(&channel->came), channel->came.len);
        if (now == HTTP_TEXT_NONE) {
            return compare_plain(c, channel, step);
        }
        if (now == 0) {
            return PROGRESS_WAITS;
        }
        enum progress progress = compare_http(c, channel, step, recorded, now);
        if (progress != PROGRESS_DONE) {
            return progress;
        }
    }
    return PROGRESS_DONE;
}

/* ---- what we say ---- */

/* Data messages of ours in a row on one channel: until the peer has to say something. */
static uint32_t collect_run(const struct recording_step *step, bool is_device, struct text *run)
{
    uint32_t count = 0;
    uint32_t channel = step->message.recipient_channel;
    for (const struct recording_step *at = step; at != NULL; at = at->next) {
        if (at->connection != step->connection) {
            continue;
        }
        if (at->what != RECORDING_DATA || !at->is_apf || at->from_device != is_device) {
            break;
        }
        if (at->message.type == APF_CHANNEL_DATA && at->message.recipient_channel == channel) {
            text_append(run, (const char *)at->bytes + at->message.data.off, at->message.data.len);
            count++;
        } else if (at->message.type == APF_CHANNEL_CLOSE) {
            break;
        }
    }
    return count;
}

static void prepare(struct played_connection *c, struct played_channel *channel,
                    const struct recording_step *step)
{
    struct player *p = c->player;
    struct text run = { 0 };
    channel->saying_steps = collect_run(step, p->settings.is_device, &run);
    channel->saying_at = 0;
    text_fini(&channel->saying);
    const uint8_t *bytes = (const uint8_t *)text_chars(&run);
    uint32_t len = (uint32_t)run.len;
    const struct http_text_change change = {
        .from_id = channel->recorded_id,
        .to_id = channel->id,
        .challenge = channel->challenge.len == 0 ? NULL : text_chars(&channel->challenge),
        .password = p->handler->given(p->ctx, "http.password")
    };
    bool has_change = (change.from_id[0] != '\0' && strcmp(change.from_id, change.to_id) != 0) ||
                      change.challenge != NULL;
    uint32_t at = 0;
    while (has_change && at < len) {
        uint32_t message = http_text_bytes(bytes + at, len - at);
        if (message == 0 || message == HTTP_TEXT_NONE) {
            break;
        }
        http_text_adapt(bytes + at, message, &change, &channel->saying);
        at += message;
    }
    text_append(&channel->saying, (const char *)bytes + at, len - at);
    text_fini(&run);
}

enum amt_err channel_say(struct played_connection *c, const struct recording_step *step,
                         struct text *out)
{
    struct played_channel *channel = channel_by_recorded(c, step->message.recipient_channel);
    if (channel == NULL || c->player->settings.how == COMPARE_BYTES) {
        text_append(out, (const char *)step->bytes + step->message.data.off,
                    step->message.data.len);
        return AMT_OK;
    }
    if (channel->saying_steps == 0) {
        prepare(c, channel, step);
    }
    if (channel->saying.failed) {
        return AMT_ENOMEM;
    }
    uint32_t left = (uint32_t)channel->saying.len - channel->saying_at;
    uint32_t take = channel->saying_steps == 1 || left < step->message.data.len
                        ? left
                        : step->message.data.len; /* the last one has what the change made longer */
    text_append(out, text_chars(&channel->saying) + channel->saying_at, take);
    channel->saying_at += take;
    channel->saying_steps--;
    return AMT_OK;
}
