#include "runtime/pipe.h"

#include <stdio.h>

#include "base/memory.h"

#define WRITE_LIMIT_BYTES (1024u * 1024u)
#define LINGER_US         (5u * (uint64_t)US_PER_SECOND)
#define PIECE_MAX_BYTES   16384u

static struct pipe_end *end_of(struct stream *s)
{
    return (struct pipe_end *)s;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void end_fini(struct pipe_end *end)
{
    struct loop *loop = end->pipe->loop;
    segments_clear(loop, &end->flight);
    segments_clear(loop, &end->waiting);
    timer_stop(&end->deliver);
    timer_stop(&end->limit);
    loop_task_cancel(&end->drain);
}

static void pipe_free(struct pipe *pipe)
{
    end_fini(&pipe->ends[0]);
    end_fini(&pipe->ends[1]);
    if (pipe->previous != NULL) {
        pipe->previous->next = pipe->next;
    } else {
        pipe->loop->pipes = pipe->next;
    }
    if (pipe->next != NULL) {
        pipe->next->previous = pipe->previous;
    }
    amt_free(pipe);
}

void loop_drop_pipes(struct loop *loop)
{
    while (loop->pipes != NULL) {
        pipe_free(loop->pipes);
    }
    loop_drop_segments(loop);
}

/* With both owners gone nobody can see what is still under way. */
static void free_if_done(struct pipe *pipe)
{
    if (!pipe->is_delivering && pipe->ends[0].is_closed && pipe->ends[1].is_closed) {
        pipe_free(pipe);
    }
}

void pipe_hold(struct pipe *pipe)
{
    pipe->is_delivering = true;
}

void pipe_release(struct pipe *pipe)
{
    pipe->is_delivering = false;
    free_if_done(pipe);
}

/* Does this end take what arrives? A closed one does, and forgets it. */
static bool takes(const struct pipe_end *end)
{
    return end->is_closed || !(end->is_paused || end->is_unclaimed);
}

/* A reset has arrived, everything before it was read, and the owner does not know. */
static bool owes_reset(const struct pipe_end *end)
{
    return end->has_been_reset && !end->has_ended && !end->is_unclaimed && !end->is_closed &&
           end->peer->flight.first == NULL;
}

/* When the next thing arrives at the peer of this end. */
static uint64_t next_due_us(const struct pipe_end *from)
{
    const struct pipe_end *to = from->peer;
    const struct pipe_signals *sent = &from->sent;
    if (owes_reset(to)) {
        return 0;
    }
    uint64_t due_us = earlier(earlier(sent->syn_us, sent->open_us), sent->refuse_us);
    due_us = earlier(due_us, sent->reset_us);
    if (takes(to)) {
        due_us =
            earlier(due_us, from->flight.first != NULL ? from->flight.first->due_us : sent->fin_us);
    }
    return due_us;
}

static void arm(struct pipe_end *from)
{
    uint64_t due_us = next_due_us(from);
    uint64_t now_us = loop_now_us(from->pipe->loop);
    if (due_us != LOOP_NO_DEADLINE && due_us < now_us) {
        due_us = now_us;
    }
    if (!timer_is_running(&from->deliver) || from->deliver.deadline_us != due_us) {
        timer_start_at(&from->deliver, due_us);
    }
}

/* When what leaves now arrives. Nothing overtakes what left before. */
static uint64_t arrival_us(struct pipe_end *from)
{
    const struct pipe_link *link = &from->pipe->link;
    uint64_t due_us = loop_now_us(from->pipe->loop) + link->latency_us;
    if (link->jitter_us > 0) {
        due_us += amt_random_below(link->jitter, link->jitter_us + 1);
    }
    if (due_us < from->last_due_us) {
        due_us = from->last_due_us;
    }
    from->last_due_us = due_us;
    return due_us;
}

/* Puts a time on everything in chain and sends it off. */
static void launch(struct pipe_end *from, struct segment_queue *chain)
{
    if (chain->first == NULL) {
        return;
    }
    uint64_t now_us = loop_now_us(from->pipe->loop);
    uint64_t due_us = arrival_us(from);
    for (struct segment *segment = chain->first; segment != NULL; segment = segment->next) {
        segment->sent_us = now_us;
        segment->due_us = due_us;
    }
    segments_join(&from->flight, chain);
    arm(from);
}

/* The window has room again: sends what waited, then the FIN. */
static void advance(struct pipe_end *from)
{
    uint32_t window = from->pipe->link.window_bytes;
    bool was_waiting = from->waiting.first != NULL;
    if (!from->is_open) {
        return;
    }
    struct segment_queue chain = { .bytes = 0 };
    while (from->waiting.first != NULL &&
           from->flight.bytes + chain.bytes + from->waiting.first->len <= window) {
        segments_push(&chain, segments_pop(&from->waiting));
    }
    launch(from, &chain);
    if (from->waiting.first != NULL) {
        return;
    }
    if (was_waiting && !from->is_closed) {
        from->owes_drain = true;
        loop_task_post(&from->drain);
    }
    if (from->has_shut_down && from->sent.fin_us == LOOP_NO_DEADLINE) {
        from->sent.fin_us = arrival_us(from);
        arm(from);
        if (from->is_closed) {
            timer_stop(&from->limit); /* flushed */
        }
    }
}

static void on_drain(void *ctx)
{
    struct pipe_end *end = ctx;
    if (end->owes_drain && end->waiting.first == NULL && !end->is_closed) {
        end->owes_drain = false;
        pipe_hold(end->pipe);
        stream_emit_drain(&end->stream);
        pipe_release(end->pipe);
    }
}

static void send_reset(struct pipe_end *from)
{
    if (from->sent.reset_us == LOOP_NO_DEADLINE) {
        from->sent.reset_us = arrival_us(from);
        arm(from);
    }
    from->is_dead = true;
    segments_clear(from->pipe->loop, &from->waiting);
}

static void tell_end(struct pipe_end *end, enum stream_end_kind kind, const char *text)
{
    if (end->has_ended) {
        return;
    }
    end->has_ended = true;
    struct stream_end info = { .kind = kind, .tls_alert = -1 };
    (void)snprintf(info.text, sizeof info.text, "%s", text);
    stream_emit_end(&end->stream, &info);
}

/* Nothing travels from this end any more. An owner who waits for his queue to empty goes on, and
 * learns by writing or reading. */
static void stop_sending(struct pipe_end *end)
{
    end->is_dead = true;
    timer_stop(&end->limit);
    if (end->waiting.first != NULL) {
        segments_clear(end->pipe->loop, &end->waiting);
        end->owes_drain = true;
        loop_task_post(&end->drain);
    }
}

/* There is no connection, and there will be none. */
static void fail_connect(struct pipe_end *end, enum stream_end_kind kind, const char *text)
{
    stop_sending(end);
    end->owes_drain = false;
    segments_clear(end->pipe->loop, &end->peer->flight);
    end->peer->sent.open_us = LOOP_NO_DEADLINE;
    end->peer->sent.fin_us = LOOP_NO_DEADLINE;
    tell_end(end, kind, text);
}

static bool take(uint64_t *due_us, uint64_t now_us)
{
    bool is_due = *due_us <= now_us;
    if (is_due) {
        *due_us = LOOP_NO_DEADLINE;
    }
    return is_due;
}

static void deliver_setup(struct pipe_end *from, uint64_t now_us)
{
    struct pipe *pipe = from->pipe;
    struct pipe_end *to = from->peer;
    if (take(&from->sent.syn_us, now_us)) {
        pipe->on_syn(pipe);
    }
    if (take(&from->sent.refuse_us, now_us)) {
        fail_connect(to, STREAM_END_REFUSED, "connection refused: nobody listens there");
    }
    if (take(&from->sent.open_us, now_us)) {
        to->is_open = true;
        if (!to->is_closed) {
            timer_stop(&to->limit);
        }
        stream_emit_open(&to->stream);
        if (!to->is_dead) {
            advance(to);
        }
    }
}

/* A closed end is there until its last bytes and its FIN have arrived. */
static bool has_said_all(const struct pipe_end *end, uint64_t now_us)
{
    bool is_fin_there = end->sent.fin_us == LOOP_NO_DEADLINE || end->sent.fin_us <= now_us;
    return !end->is_dead && end->waiting.first == NULL && is_fin_there;
}

static void deliver_data(struct pipe_end *from, uint64_t now_us)
{
    struct pipe_end *to = from->peer;
    while (takes(to) && from->flight.first != NULL && from->flight.first->due_us <= now_us) {
        struct segment *segment = segments_pop(&from->flight);
        if (!to->is_closed) {
            stream_emit_data(&to->stream, segment->data, segment->len);
        } else if (has_said_all(to, now_us)) {
            send_reset(to); /* nobody is there any more */
        }
        segment_free(from->pipe->loop, segment);
        advance(from);
    }
}

static void deliver_ending(struct pipe_end *from, uint64_t now_us)
{
    struct pipe_end *to = from->peer;
    if (take(&from->sent.reset_us, now_us)) {
        to->has_been_reset = true;
        from->sent.fin_us = LOOP_NO_DEADLINE;
        stop_sending(to);
    }
    if (owes_reset(to)) {
        to->owes_drain = false;
        tell_end(to, STREAM_END_RESET, "connection reset by peer");
    }
    if (takes(to) && from->flight.first == NULL && take(&from->sent.fin_us, now_us)) {
        tell_end(to, STREAM_END_FIN, "the peer finished");
    }
}

static void on_deliver(void *ctx)
{
    struct pipe_end *from = ctx;
    struct pipe *pipe = from->pipe;
    uint64_t now_us = loop_now_us(pipe->loop);
    pipe_hold(pipe);
    deliver_setup(from, now_us);
    deliver_data(from, now_us);
    deliver_ending(from, now_us);
    if (!pipe->ends[0].is_closed || !pipe->ends[1].is_closed) {
        arm(from);
    }
    pipe_release(pipe);
}

/* An end that has not reached anybody yet takes its request back. */
static bool withdraw(struct pipe_end *end)
{
    if (end->sent.syn_us == LOOP_NO_DEADLINE) {
        return false;
    }
    end->sent.syn_us = LOOP_NO_DEADLINE;
    end->peer->is_closed = true;
    return true;
}

static void on_limit(void *ctx)
{
    struct pipe_end *end = ctx;
    struct pipe *pipe = end->pipe;
    pipe_hold(pipe);
    if (!withdraw(end)) {
        send_reset(end);
    }
    if (!end->is_closed) {
        fail_connect(end, STREAM_END_TIMEOUT, "no answer to the connection attempt in time");
    }
    pipe_release(pipe);
}

/* How much of a write may leave at once. */
static uint32_t window_room(const struct pipe_end *end)
{
    uint32_t window = end->pipe->link.window_bytes;
    if (!end->is_open || end->waiting.first != NULL || end->flight.bytes >= window) {
        return 0;
    }
    return window - end->flight.bytes;
}

/* What leaves in the same instant travels together. */
static uint32_t flight_spare(const struct pipe_end *end)
{
    const struct segment *last = end->flight.last;
    bool is_same = last != NULL && last->sent_us == loop_now_us(end->pipe->loop);
    return is_same ? segments_spare(&end->flight, UINT32_MAX) : 0;
}

/* A piece must fit into the window as a whole, or it would wait for ever. */
static uint32_t piece_bytes(const struct pipe_end *end)
{
    uint32_t piece = end->pipe->link.window_bytes / 2 + 1;
    return piece < PIECE_MAX_BYTES ? piece : PIECE_MAX_BYTES;
}

static enum amt_err end_write(struct stream *s, const void *out, uint32_t len)
{
    struct pipe_end *end = end_of(s);
    struct loop *loop = end->pipe->loop;
    const uint8_t *bytes = out;
    if (end->is_dead || end->has_shut_down) {
        return AMT_ECLOSED;
    }
    uint32_t now_len = window_room(end);
    now_len = now_len < len ? now_len : len;
    uint32_t later_len = len - now_len;
    if (end->waiting.first != NULL &&
        (len > end->write_limit || end->waiting.bytes > end->write_limit - len)) {
        return AMT_ELIMIT;
    }
    uint32_t now_fill = flight_spare(end);
    now_fill = now_fill < now_len ? now_fill : now_len;
    uint32_t piece = piece_bytes(end);
    uint32_t later_fill = segments_spare(&end->waiting, piece);
    later_fill = later_fill < later_len ? later_fill : later_len;
    struct segment_queue now = { .bytes = 0 };
    struct segment_queue later = { .bytes = 0 };
    TRY(segments_make(loop, bytes + now_fill, now_len - now_fill, piece, &now));
    enum amt_err err =
        segments_make(loop, bytes + now_len + later_fill, later_len - later_fill, piece, &later);
    if (err != AMT_OK) {
        segments_clear(loop, &now);
        return err;
    }
    segments_fill(&end->flight, bytes, now_fill);
    launch(end, &now);
    segments_fill(&end->waiting, bytes + now_len, later_fill);
    segments_join(&end->waiting, &later);
    return AMT_OK;
}

static uint32_t end_queued_bytes(const struct stream *s)
{
    return ((const struct pipe_end *)s)->waiting.bytes;
}

static void end_set_write_limit(struct stream *s, uint32_t bytes)
{
    end_of(s)->write_limit = bytes;
}

static void end_pause(struct stream *s)
{
    end_of(s)->is_paused = true;
    arm(end_of(s)->peer);
}

static void end_resume(struct stream *s)
{
    end_of(s)->is_paused = false;
    arm(end_of(s)->peer);
}

static void end_shutdown(struct stream *s)
{
    struct pipe_end *end = end_of(s);
    if (!end->has_shut_down && !end->is_dead) {
        end->has_shut_down = true;
        advance(end);
    }
}

static void let_go(struct pipe_end *end)
{
    end->is_closed = true;
    arm(end->peer); /* what it did not read is thrown away */
    free_if_done(end->pipe);
}

static void end_close(struct stream *s)
{
    struct pipe_end *end = end_of(s);
    if (end->waiting.first != NULL) {
        timer_start(&end->limit, LINGER_US);
    } else {
        (void)withdraw(end);
        timer_stop(&end->limit);
    }
    end->is_closed = true;
    end_shutdown(s);
    let_go(end);
}

static void end_reset(struct stream *s)
{
    struct pipe_end *end = end_of(s);
    timer_stop(&end->limit);
    if (!withdraw(end) && !end->is_dead) {
        send_reset(end);
    }
    segments_clear(end->pipe->loop, &end->waiting);
    let_go(end);
}

static void end_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct pipe_end *)s)->peer->name);
}

static void end_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    (void)snprintf(out, STREAM_NAME_BYTES, "%s", ((const struct pipe_end *)s)->name);
}

static const struct stream_class k_end_class = {
    .write = end_write,
    .queued_bytes = end_queued_bytes,
    .set_write_limit = end_set_write_limit,
    .pause = end_pause,
    .resume = end_resume,
    .shutdown = end_shutdown,
    .close = end_close,
    .reset = end_reset,
    .peer_name = end_peer_name,
    .local_name = end_local_name,
};

struct pipe *pipe_new(struct loop *loop, const struct pipe_link *link)
{
    struct pipe *pipe = amt_alloc(sizeof *pipe);
    if (pipe == NULL) {
        return NULL;
    }
    pipe->loop = loop;
    pipe->link = *link;
    pipe->next = loop->pipes;
    if (pipe->next != NULL) {
        pipe->next->previous = pipe;
    }
    loop->pipes = pipe;
    for (int i = 0; i < 2; i++) {
        struct pipe_end *end = &pipe->ends[i];
        stream_init(&end->stream, &k_end_class);
        end->pipe = pipe;
        end->peer = &pipe->ends[1 - i];
        end->write_limit = WRITE_LIMIT_BYTES;
        end->sent = (struct pipe_signals){ LOOP_NO_DEADLINE, LOOP_NO_DEADLINE, LOOP_NO_DEADLINE,
                                           LOOP_NO_DEADLINE, LOOP_NO_DEADLINE };
        timer_init(&end->deliver, loop, on_deliver, end);
        timer_init(&end->limit, loop, on_limit, end);
        loop_task_init(&end->drain, loop, on_drain, end);
    }
    return pipe;
}

void pipe_connect(struct pipe *pipe, void (*on_syn)(struct pipe *pipe), uint64_t limit_us)
{
    struct pipe_end *end = &pipe->ends[0];
    pipe->on_syn = on_syn;
    end->sent.syn_us = arrival_us(end);
    arm(end);
    timer_start(&end->limit, limit_us);
}

void pipe_accept(struct pipe *pipe)
{
    struct pipe_end *end = &pipe->ends[1];
    end->is_open = true;
    end->is_unclaimed = true;
    end->sent.open_us = arrival_us(end);
    arm(end);
}

void pipe_claim(struct pipe *pipe)
{
    pipe->ends[1].is_unclaimed = false;
    arm(&pipe->ends[0]);
}

void pipe_refuse(struct pipe *pipe)
{
    struct pipe_end *end = &pipe->ends[1];
    end->is_closed = true;
    end->is_dead = true;
    end->sent.refuse_us = arrival_us(end);
    arm(end);
}

enum amt_err stream_memory_pair(struct loop *loop, struct stream **a, struct stream **b)
{
    static const struct pipe_link k_link = { .window_bytes = 65536 };
    struct pipe *pipe = pipe_new(loop, &k_link);
    *a = NULL;
    *b = NULL;
    if (pipe == NULL) {
        return AMT_ENOMEM;
    }
    for (int i = 0; i < 2; i++) {
        pipe->ends[i].is_open = true;
        (void)snprintf(pipe->ends[i].name, STREAM_NAME_BYTES, "memory:%d", i);
    }
    *a = &pipe->ends[0].stream;
    *b = &pipe->ends[1].stream;
    return AMT_OK;
}
