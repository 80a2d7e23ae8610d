#include "scenarios/replay/player_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CONNECT_LIMIT_US (30u * (uint64_t)US_PER_SECOND)
#define SENTENCE_BYTES   512u
#define SPEED_MAX        1000u /* times */

bool player_is_ignored(struct player *p, const char *name)
{
    return p->handler->is_ignored(p->ctx, name);
}

static bool is_step_ignored(struct player *p, const struct recording_step *step)
{
    struct text name = { 0 };
    recording_step_name(step, &name);
    bool is_ignored = player_is_ignored(p, text_chars(&name));
    text_fini(&name);
    return is_ignored;
}

static struct played_connection *connection_of(struct player *p, const struct recording_step *step)
{
    return &p->connections[step->connection - 1];
}

static bool is_own(const struct player *p, const struct recording_step *step)
{
    return step->from_device == p->settings.is_device;
}

static bool is_semantic(const struct player *p)
{
    return p->settings.how == COMPARE_SEMANTIC;
}

/* ---- the first divergence ---- */

enum progress player_differs(struct player *p, const struct recording_step *recorded,
                             const struct recording_step *now,
                             const struct compare_difference *difference, const char *format, ...)
{
    struct player_mismatch *m = &p->mismatch;
    char sentence[SENTENCE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (p->has_mismatch) {
        return PROGRESS_FAILED;
    }
    p->has_mismatch = true;
    m->number = recorded == NULL ? 0 : recorded->number;
    m->connection = recorded == NULL ? 1 : recorded->connection;
    m->at_us = recorded == NULL ? 0 : recorded->at_us;
    if (difference != NULL) {
        m->offset = difference->offset;
        (void)snprintf(m->field, sizeof m->field, "%s", difference->field);
    }
    if (recorded != NULL) {
        text_puts(&m->text, recorded->what == RECORDING_DATA ? "message " : "the ");
        if (recorded->what == RECORDING_DATA) {
            text_printf(&m->text, "%u ", recorded->number);
        }
        text_puts(&m->text, "(");
        recording_step_name(recorded, &m->text);
        text_printf(&m->text, ", connection %u, recorded at %llu.%06llu s): ", m->connection,
                    (unsigned long long)(m->at_us / 1000000),
                    (unsigned long long)(m->at_us % 1000000));
    }
    text_puts(&m->text, sentence);
    if (m->table.len == 0) {
        compare_print(recorded, now, m->field, &m->table);
    }
    return PROGRESS_FAILED;
}

/* ---- connections ---- */

static void wake(struct player *p)
{
    if (p->is_running && !p->is_over) {
        loop_task_post(&p->task);
    }
}

static void tell(struct player *p, const char *what)
{
    if (p->handler->on_connection != NULL) {
        p->handler->on_connection(p->ctx, what);
    }
}

static void tell_fields(struct player *p, const struct recording_step *step);

static enum amt_err queue(struct played_connection *c, const struct recording_step *step)
{
    struct player *p = c->player;
    struct arrival *arrival = arena_alloc(&p->arena, sizeof *arrival);
    char *bytes =
        arrival == NULL ? NULL : arena_text(&p->arena, (const char *)step->bytes, step->len);
    if (bytes == NULL) {
        return AMT_ENOMEM;
    }
    arrival->step = *step;
    arrival->step.bytes = (const uint8_t *)bytes;
    if (c->last == NULL) {
        c->first = arrival;
    } else {
        c->last->next = arrival;
    }
    c->last = arrival;
    return AMT_OK;
}

/* A message of either side, whole. */
static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    struct played_connection *c = ctx;
    struct player *p = c->player;
    bool is_out = (direction == APF_DEV_TO_MPS) == p->settings.is_device;
    struct recording_step step = { .what = RECORDING_DATA,
                                   .from_device = direction == APF_DEV_TO_MPS,
                                   .is_apf = message != NULL,
                                   .connection = c->number,
                                   .bytes = bytes,
                                   .len = len };
    (void)why;
    if (message != NULL) {
        step.message = *message;
    }
    p->handler->on_message(p->ctx, is_out, &step);
    if (is_out) {
        return;
    }
    if (message != NULL && message->type == APF_KEEPALIVE_REQUEST) {
        c->cookie = message->cookie;
    }
    c->was_asked_for_options = c->was_asked_for_options ||
                               (message != NULL && message->type == APF_KEEPALIVE_OPTIONS_REQUEST);
    if (is_step_ignored(p, &step) ||
        (is_semantic(p) && message != NULL && message->type == APF_CHANNEL_WINDOW_ADJUST)) {
        return;
    }
    tell_fields(p, &step);
    enum amt_err err = AMT_EUNKNOWN;
    if (is_semantic(p) && message != NULL && message->type == APF_CHANNEL_DATA) {
        err = channel_came(c, &step);
    }
    if (err == AMT_EUNKNOWN) {
        err = queue(c, &step);
    }
    if (err != AMT_OK) {
        (void)player_differs(p, p->step, NULL, NULL, "out of memory");
    }
}

static void feed(struct played_connection *c, bool is_out, const uint8_t *bytes, uint32_t len)
{
    bool from_device = is_out == c->player->settings.is_device;
    if (apf_flow_feed(&c->flow, from_device ? APF_DEV_TO_MPS : APF_MPS_TO_DEV, bytes, len,
                      on_message, c) != AMT_OK) {
        (void)player_differs(c->player, c->player->step, NULL, NULL, "out of memory");
    }
    wake(c->player);
}

static void on_open(void *ctx)
{
    struct played_connection *c = ctx;
    c->is_open = true;
    tell(c->player, "connected");
    wake(c->player);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    feed(ctx, false, in, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct played_connection *c = ctx;
    char what[64];
    c->has_ended = true;
    c->end = *end;
    (void)snprintf(what, sizeof what, "ended by the peer (%s)", stream_end_name(end->kind));
    tell(c->player, what);
    wake(c->player);
}

static const struct stream_handler k_stream = { .on_open = on_open,
                                                .on_data = on_data,
                                                .on_end = on_end };

/* Puts TLS over s, or takes it as it is. */
static void take_stream(struct played_connection *c, struct stream *s, bool is_open)
{
    const struct player_settings *settings = &c->player->settings;
    const struct tls_name_check check = { .sni = settings->sni };
    if (s == NULL || settings->tls == NULL) {
        c->stream = s;
        c->is_open = s != NULL && is_open;
        if (s != NULL) {
            stream_set_handler(s, &k_stream, c);
        }
        return;
    }
    c->stream = settings->listens
                    ? tls_accept(settings->loop, settings->tls, s, &k_stream, c)
                    : tls_connect(settings->loop, settings->tls, &check, s, &k_stream, c);
}

static void on_accept(void *ctx, struct stream *s)
{
    struct player *p = ctx;
    if (p->accepted_count == PLAYER_ACCEPTED_MAX) {
        stream_reset(s);
        return;
    }
    stream_set_handler(s, NULL, NULL);
    stream_pause(s); /* until its turn comes */
    p->accepted[p->accepted_count++] = s;
    wake(p);
}

static enum progress await_open(struct player *p, struct played_connection *c,
                                const struct recording_step *step)
{
    if (c->stream == NULL && p->settings.listens) {
        if (p->accepted_count == 0) {
            return PROGRESS_WAITS;
        }
        struct stream *s = p->accepted[0];
        p->accepted_count--;
        for (uint32_t i = 0; i < p->accepted_count; i++) {
            p->accepted[i] = p->accepted[i + 1];
        }
        take_stream(c, s, true);
        stream_resume(s);
    } else if (c->stream == NULL && !c->has_ended) {
        take_stream(c, net_connect(p->settings.loop, &p->settings.to, CONNECT_LIMIT_US, NULL, NULL),
                    false);
    }
    if (c->stream == NULL) {
        return player_differs(p, step, NULL, NULL, "out of memory");
    }
    if (c->has_ended && !c->is_open) {
        return player_differs(p, step, NULL, NULL, "the connection failed: %s%s%s",
                              stream_end_name(c->end.kind), c->end.text[0] == '\0' ? "" : ", ",
                              c->end.text);
    }
    return c->is_open ? PROGRESS_DONE : PROGRESS_WAITS;
}

/* ---- what we say ---- */

static enum amt_err put(struct played_connection *c, const uint8_t *bytes, uint32_t len)
{
    return len == 0 ? AMT_OK : stream_write(c->stream, bytes, len);
}

/* In the recorded cutting: pieces of one message, or several messages in one. */
static enum amt_err send_cut(struct played_connection *c, const struct recording_step *step,
                             const struct text *message)
{
    const uint8_t *bytes = (const uint8_t *)text_chars(message);
    uint32_t len = (uint32_t)message->len;
    uint32_t at = 0;
    for (uint32_t i = 0; i <= step->cut_count; i++) {
        bool is_last = i == step->cut_count;
        uint32_t end = is_last || step->cuts[i] > len ? len : step->cuts[i];
        if (c->joined.len > 0 || (is_last && step->is_joined)) {
            TRY(bytes_append(&c->joined, bytes + at, end - at));
            if (is_last && step->is_joined) {
                break;
            }
            TRY(put(c, bytes_front(&c->joined), c->joined.len));
            bytes_fini(&c->joined);
        } else {
            TRY(put(c, bytes + at, end - at));
        }
        at = end;
    }
    return AMT_OK;
}

/* An answer to what did not come this time is not given. */
static bool is_answer_to_nothing(const struct played_connection *c,
                                 const struct recording_step *step)
{
    return step->is_apf && step->message.type == APF_KEEPALIVE_OPTIONS_REPLY &&
           !c->was_asked_for_options && is_semantic(c->player);
}

static enum progress say(struct player *p, struct played_connection *c,
                         const struct recording_step *step)
{
    struct text message = { 0 };
    if (is_answer_to_nothing(c, step)) {
        return PROGRESS_DONE;
    }
    if (c->stream == NULL || (c->has_ended && !c->may_be_gone)) {
        return player_differs(
            p, step, NULL, NULL, "the connection has ended (%s%s%s) before it could be sent",
            stream_end_name(c->end.kind), c->end.text[0] == '\0' ? "" : ", ", c->end.text);
    }
    enum amt_err err = message_adapt(c, step, &message);
    if (err == AMT_OK && step->is_apf) {
        err = channel_note_own(c, &step->message);
    }
    if (err == AMT_OK) {
        err = send_cut(c, step, &message);
    }
    if (err == AMT_OK) {
        feed(c, true, (const uint8_t *)text_chars(&message), (uint32_t)message.len);
        p->sent++;
    }
    text_fini(&message);
    if (err == AMT_OK || (err == AMT_ECLOSED && c->may_be_gone)) {
        return PROGRESS_DONE;
    }
    return player_differs(p, step, NULL, NULL, "it cannot be sent: %s", amt_err_text(err));
}

static enum progress act(struct player *p, const struct recording_step *step)
{
    struct played_connection *c = connection_of(p, step);
    switch (step->what) {
    case RECORDING_OPEN:
        return await_open(p, c, step);
    case RECORDING_DATA:
        return say(p, c, step);
    case RECORDING_FIN:
        if (c->stream != NULL) {
            stream_shutdown(c->stream);
        }
        c->may_be_gone = true;
        return PROGRESS_DONE;
    case RECORDING_RESET:
        if (c->stream != NULL) {
            stream_reset(c->stream);
            c->stream = NULL;
        }
        c->may_be_gone = true;
        return PROGRESS_DONE;
    }
    return PROGRESS_DONE;
}

/* ---- what the peer says ---- */

static enum compare_rule rule_of(void *ctx, const char *field, const char **given)
{
    struct player *p = ctx;
    if (player_is_ignored(p, field)) {
        return COMPARE_ANYTHING;
    }
    *given = p->handler->given(p->ctx, field);
    return *given != NULL ? COMPARE_GIVEN : COMPARE_EQUAL;
}

static void tell_fields(struct player *p, const struct recording_step *step)
{
    uint32_t count = 0;
    struct text name = { 0 };
    if (p->handler->on_field == NULL || !step->is_apf) {
        return;
    }
    recording_step_name(step, &name);
    const struct apf_field *fields = apf_fields(&step->message, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct text path = { 0 };
        struct text value = { 0 };
        text_printf(&path, "%s.%s", text_chars(&name), fields[i].name);
        compare_value(step, &fields[i], &value);
        p->handler->on_field(p->ctx, text_chars(&path), text_chars(&value));
        text_fini(&path);
        text_fini(&value);
    }
    text_fini(&name);
}

static bool is_disconnect(const struct arrival *arrival)
{
    return arrival != NULL && arrival->step.is_apf && arrival->step.message.type == APF_DISCONNECT;
}

static void drop_first(struct played_connection *c)
{
    c->first = c->first->next;
    c->last = c->first == NULL ? NULL : c->last;
}

static enum progress await_end(struct player *p, struct played_connection *c,
                               const struct recording_step *step)
{
    if (is_semantic(p) && is_disconnect(c->first)) {
        drop_first(c); /* a word of farewell: the end follows (apf.md 3.2) */
    }
    if (c->first != NULL) {
        return player_differs(p, step, &c->first->step, NULL, "another message came first");
    }
    c->may_be_gone = c->may_be_gone || c->has_ended;
    if (!c->has_ended) {
        return c->stream == NULL ? PROGRESS_DONE : PROGRESS_WAITS;
    }
    bool is_fin = c->end.kind == STREAM_END_FIN;
    if (p->settings.how == COMPARE_BYTES && is_fin != (step->what == RECORDING_FIN)) {
        return player_differs(p, step, NULL, NULL, "the connection ended with %s",
                              stream_end_name(c->end.kind));
    }
    return PROGRESS_DONE;
}

static enum progress ended_instead(struct player *p, struct played_connection *c,
                                   const struct recording_step *step)
{
    if (is_semantic(p) && step->is_apf && step->message.type == APF_DISCONNECT) {
        return PROGRESS_DONE;
    }
    return player_differs(p, step, NULL, NULL, "the peer ended the connection instead (%s%s%s)",
                          stream_end_name(c->end.kind), c->end.text[0] == '\0' ? "" : ", ",
                          c->end.text);
}

static enum progress await_message(struct player *p, struct played_connection *c,
                                   const struct recording_step *step)
{
    const struct compare_rules rules = { .rule = rule_of, .ctx = p };
    struct compare_difference difference;
    if (c->first == NULL) {
        return c->has_ended ? ended_instead(p, c, step) : PROGRESS_WAITS;
    }
    const struct recording_step *now = &c->first->step;
    if (!compare_messages(step, now, p->settings.how, &rules, &difference)) {
        struct text came = { 0 };
        recording_step_name(now, &came);
        enum progress progress = PROGRESS_FAILED;
        if (strcmp(difference.field, "type") == 0) {
            (void)player_differs(p, step, now, &difference, "%s came instead", text_chars(&came));
        } else {
            (void)player_differs(p, step, now, &difference, "%s at byte %u is not as recorded",
                                 difference.field[0] == '\0' ? "what stands" : difference.field,
                                 difference.offset);
        }
        text_fini(&came);
        return progress;
    }
    enum amt_err err = step->is_apf ? channel_note_peer(c, &step->message, &now->message) : AMT_OK;
    drop_first(c);
    return err == AMT_OK ? PROGRESS_DONE : player_differs(p, step, NULL, NULL, "out of memory");
}

static enum progress await_peer(struct player *p, const struct recording_step *step)
{
    struct played_connection *c = connection_of(p, step);
    bool is_first_look = !p->has_begun;
    p->has_begun = true;
    switch (step->what) {
    case RECORDING_OPEN:
        return await_open(p, c, step);
    case RECORDING_FIN:
    case RECORDING_RESET:
        return await_end(p, c, step);
    case RECORDING_DATA:
        break;
    }
    if (is_step_ignored(p, step)) {
        return PROGRESS_DONE;
    }
    if (is_semantic(p) && step->is_apf) {
        if (step->message.type == APF_CHANNEL_WINDOW_ADJUST) {
            return PROGRESS_DONE;
        }
        if (step->message.type == APF_CHANNEL_DATA) {
            enum progress progress = channel_await(c, step, is_first_look);
            return progress == PROGRESS_WAITS && c->has_ended ? ended_instead(p, c, step)
                                                              : progress;
        }
    }
    return await_message(p, c, step);
}

/* ---- time ---- */

static uint64_t scaled(const struct player *p, uint64_t us)
{
    uint32_t speed = p->settings.speed_percent;
    return speed == 0 ? 0 : us * 100 / speed;
}

static uint64_t due_us(const struct player *p, const struct recording_step *step)
{
    return p->settings.speed_percent == 0 ? loop_now_us(p->settings.loop)
                                          : p->epoch_us + scaled(p, step->at_us);
}

static void finish(struct player *p)
{
    p->is_over = true;
    timer_stop(&p->timer);
    loop_task_cancel(&p->task);
    p->handler->on_end(p->ctx);
}

/* What came and was never expected. */
static void check_leftovers(struct player *p)
{
    for (uint32_t i = 0; i < p->settings.recording->connections; i++) {
        struct played_connection *c = &p->connections[i];
        if (c->first != NULL && !(is_semantic(p) && is_disconnect(c->first))) {
            (void)player_differs(p, NULL, &c->first->step, NULL,
                                 "behind the end of the recording another message came");
        }
    }
}

static void begin_step(struct player *p)
{
    const struct recording_step *step = p->step;
    uint64_t now = loop_now_us(p->settings.loop);
    uint64_t due = due_us(p, step);
    uint64_t patience = p->settings.patience_us == 0 ? PLAYER_PATIENCE_US : p->settings.patience_us;
    if (p->settings.speed_percent == 0) {
        patience += step->at_us - p->previous_at_us; /* the peer's own timers do not run faster */
    }
    p->has_begun = false;
    p->deadline_us = (due > now ? due : now) + patience;
}

static void next_step(struct player *p)
{
    uint64_t now = loop_now_us(p->settings.loop);
    uint64_t due = due_us(p, p->step);
    if (now > due) {
        p->epoch_us += now - due; /* a late peer does not make us hurry */
    }
    bool is_last = p->until != 0 && p->step->number == p->until;
    p->previous_at_us = p->step->at_us;
    p->step = is_last ? NULL : p->step->next;
    if (p->step != NULL) {
        begin_step(p);
    }
}

static enum progress do_step(struct player *p)
{
    const struct recording_step *step = p->step;
    uint64_t now = loop_now_us(p->settings.loop);
    uint64_t due = due_us(p, step);
    if (is_own(p, step) && now < due) {
        timer_start_at(&p->timer, due);
        return PROGRESS_WAITS;
    }
    enum progress progress = is_own(p, step) ? act(p, step) : await_peer(p, step);
    if (progress == PROGRESS_WAITS && (now >= p->deadline_us || p->has_given_up)) {
        uint64_t waited_ms = (now - (due < now ? due : now)) / US_PER_MS;
        return player_differs(p, step, NULL, NULL, "nothing came within %llu ms of its time",
                              (unsigned long long)waited_ms);
    }
    if (progress == PROGRESS_WAITS) {
        timer_start_at(&p->timer, p->deadline_us);
    } else if (progress == PROGRESS_DONE && !is_own(p, step) && step->what == RECORDING_DATA) {
        p->compared++;
    }
    return progress;
}

static void on_turn(void *ctx)
{
    struct player *p = ctx;
    while (!p->is_over && !p->has_mismatch && p->step != NULL) {
        enum progress progress = do_step(p);
        if (progress == PROGRESS_WAITS) {
            return;
        }
        if (progress == PROGRESS_DONE) {
            next_step(p);
        }
    }
    if (!p->is_over) {
        if (!p->has_mismatch && p->until == 0) {
            check_leftovers(p);
        }
        finish(p);
    }
}

/* ---- its life ---- */

enum amt_err player_read_pace(const char *text, uint32_t *speed_percent)
{
    char *end = NULL;
    double factor = strtod(text, &end);
    bool is_factor = end != text && strcmp(end, "x") == 0 && factor >= 0.01 && factor <= SPEED_MAX;
    *speed_percent = strcmp(text, "recorded") == 0 ? 100
                     : is_factor                   ? (uint32_t)(factor * 100 + 0.5)
                                                   : 0;
    return *speed_percent != 0 || strcmp(text, "fast") == 0 ? AMT_OK : AMT_EMALFORMED;
}

static enum amt_err listen(struct player *p, struct amt_diag *diag)
{
    if (!p->settings.listens) {
        return AMT_OK;
    }
    p->listener = net_listen(p->settings.loop, &p->settings.to, on_accept, p, diag);
    return p->listener == NULL ? AMT_ESYS : AMT_OK;
}

struct player *player_new(const struct player_settings *settings,
                          const struct player_handler *handler, void *ctx, struct amt_diag *diag)
{
    struct player *p = amt_alloc(sizeof *p);
    uint32_t count = settings->recording->connections;
    if (p != NULL) {
        p->connections = amt_alloc_array(count == 0 ? 1 : count, sizeof *p->connections);
    }
    if (p == NULL || p->connections == NULL) {
        amt_free(p);
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    p->settings = *settings;
    p->handler = handler;
    p->ctx = ctx;
    p->step = settings->recording->steps;
    for (uint32_t i = 0; i < count; i++) {
        p->connections[i].player = p;
        p->connections[i].number = i + 1;
    }
    timer_init(&p->timer, settings->loop, on_turn, p);
    loop_task_init(&p->task, settings->loop, on_turn, p);
    if (listen(p, diag) != AMT_OK) {
        player_free(p);
        return NULL;
    }
    return p;
}

void player_free(struct player *p)
{
    if (p == NULL) {
        return;
    }
    timer_stop(&p->timer);
    loop_task_cancel(&p->task);
    listener_close(p->listener);
    for (uint32_t i = 0; i < p->accepted_count; i++) {
        stream_reset(p->accepted[i]);
    }
    for (uint32_t i = 0; i < p->settings.recording->connections; i++) {
        struct played_connection *c = &p->connections[i];
        stream_close(c->stream);
        apf_flow_fini(&c->flow);
        bytes_fini(&c->joined);
        channels_free(c);
    }
    text_fini(&p->mismatch.text);
    text_fini(&p->mismatch.table);
    arena_fini(&p->arena);
    amt_free(p->connections);
    amt_free(p);
}

void player_address(const struct player *player, struct address *address)
{
    listener_address(player->listener, address);
}

void player_run(struct player *p, uint32_t until)
{
    p->until = until;
    if (!p->is_running && p->step != NULL) {
        p->epoch_us = loop_now_us(p->settings.loop) - scaled(p, p->step->at_us);
        p->previous_at_us = p->step->at_us;
        begin_step(p);
    }
    p->is_running = true;
    p->is_over = false;
    loop_task_post(&p->task);
}

bool player_is_over(const struct player *player)
{
    return player->is_over;
}

const struct player_mismatch *player_mismatch(const struct player *player)
{
    return player->has_mismatch ? &player->mismatch : NULL;
}

void player_counts(const struct player *player, uint32_t *compared, uint32_t *sent)
{
    *compared = player->compared;
    *sent = player->sent;
}

void player_give_up(struct player *player)
{
    player->has_given_up = true;
    loop_task_post(&player->task);
}
