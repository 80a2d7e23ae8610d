#include "scenarios/engine/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/fault.h"

#define OPEN_LIMIT_US (30u * (uint64_t)US_PER_SECOND)

static struct filter *filter_of(struct stream *s)
{
    return (struct filter *)(void *)s;
}

struct loop *filter_loop(const struct filter *filter)
{
    return filter->actor->run->loop;
}

/* ---- from the inner stream ---- */

static void emit_end(struct filter *filter, enum stream_end_kind kind, const char *text)
{
    if (filter->has_ended) {
        return;
    }
    filter->end = (struct stream_end){ .kind = kind, .tls_alert = -1 };
    (void)snprintf(filter->end.text, sizeof filter->end.text, "%s", text);
    struct unit *unit = unit_new(NULL, 0);
    unit->is_end = true;
    unit->due_us = lane_soon_us(&filter->in);
    lane_push(&filter->in, unit);
}

static void on_open_limit(void *ctx)
{
    struct filter *filter = ctx;
    emit_end(filter, STREAM_END_TIMEOUT, "no answer to the connection request");
}

static void on_open(void *ctx)
{
    struct filter *filter = ctx;
    filter->is_open = true;
    switch (filter->layer == STREAM_LAYER_TCP ? faults_at_open(filter) : FAULT_OPEN_PASSES) {
    case FAULT_OPEN_PASSES:
        stream_emit_open(&filter->stream);
        break;
    case FAULT_OPEN_REFUSED:
        stream_reset(filter->inner);
        filter->inner = NULL;
        emit_end(filter, STREAM_END_REFUSED, "connection refused");
        break;
    case FAULT_OPEN_VANISHED:
        /* the request never arrived: nothing stays at the other end */
        stream_reset(filter->inner);
        filter->inner = NULL;
        filter->is_vanished = true;
        timer_start(&filter->open_limit, OPEN_LIMIT_US);
        break;
    }
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct filter *filter = ctx;
    faults_pass(&filter->in, in, len);
}

static void on_drain(void *ctx)
{
    struct filter *filter = ctx;
    if (filter->out.first == NULL) {
        stream_emit_drain(&filter->stream);
    }
}

/* A word of the end is swallowed as bytes are. */
static bool is_swallowed(struct filter *filter, const struct lane *lane)
{
    if (!filter->is_vanished && faults_swallow_end(lane)) {
        filter_vanish(filter);
    }
    return filter->is_vanished;
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct filter *filter = ctx;
    if (is_swallowed(filter, &filter->in)) {
        return;
    }
    filter->end = *end;
    struct unit *unit = unit_new(NULL, 0);
    unit->is_end = true;
    lane_push(&filter->in, unit);
}

static const struct stream_handler k_inner_handler = {
    .on_open = on_open, .on_data = on_data, .on_drain = on_drain, .on_end = on_end
};

/* ---- from the owner ---- */

static enum amt_err do_write(struct stream *s, const void *out, uint32_t len)
{
    struct filter *filter = filter_of(s);
    if (filter->has_ended && filter->end.kind != STREAM_END_FIN) {
        return AMT_ECLOSED;
    }
    if (filter->layer == STREAM_LAYER_APF) {
        filter_note(filter, true, out, len);
    }
    if (filter->inner != NULL && !filter->is_vanished && filter->out.first == NULL &&
        !faults_at(&filter->out)) {
        return stream_write(filter->inner, out, len);
    }
    faults_pass(&filter->out, out, len);
    return AMT_OK;
}

static uint32_t do_queued_bytes(const struct stream *s)
{
    const struct filter *filter = (const struct filter *)(const void *)s;
    uint32_t queued = filter->inner == NULL ? 0 : stream_queued_bytes(filter->inner);
    for (const struct unit *unit = filter->out.first; unit != NULL; unit = unit->next) {
        queued += unit->len;
    }
    return queued;
}

static void do_set_write_limit(struct stream *s, uint32_t bytes)
{
    struct filter *filter = filter_of(s);
    if (filter->inner != NULL) {
        stream_set_write_limit(filter->inner, bytes);
    }
}

static void do_pause(struct stream *s)
{
    struct filter *filter = filter_of(s);
    filter->is_owner_paused = true;
    if (filter->inner != NULL) {
        stream_pause(filter->inner);
    }
}

static void do_resume(struct stream *s)
{
    struct filter *filter = filter_of(s);
    filter->is_owner_paused = false;
    if (filter->inner != NULL) {
        stream_resume(filter->inner);
    }
    timer_start(&filter->in.timer, 0); /* not inside the owner's call */
}

static void do_shutdown(struct stream *s)
{
    if (is_swallowed(filter_of(s), &filter_of(s)->out)) {
        return;
    }
    struct unit *unit = unit_new(NULL, 0);
    unit->is_end = true;
    lane_push(&filter_of(s)->out, unit);
}

/* The owner is gone; what is still under way goes out in its time, then the inner stream is closed. */
static void do_close(struct stream *s)
{
    struct filter *filter = filter_of(s);
    struct stream_end end = { .kind = STREAM_END_FIN, .tls_alert = -1 };
    filter_note_end(filter, "us", &end);
    filter->is_owner_gone = filter->is_closing = true;
    (void)is_swallowed(filter, &filter->out);
    lane_pump(&filter->out);
    loop_task_post(&filter->reap);
}

static void do_reset(struct stream *s)
{
    struct filter *filter = filter_of(s);
    struct stream_end end = { .kind = STREAM_END_RESET, .tls_alert = -1 };
    filter_note_end(filter, "us", &end);
    filter->is_owner_gone = true;
    if (!is_swallowed(filter, &filter->out)) {
        stream_reset(filter->inner);
        filter->inner = NULL;
    }
    loop_task_post(&filter->reap);
}

static void do_peer_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    const struct filter *filter = (const struct filter *)(const void *)s;
    out[0] = '\0';
    if (filter->inner != NULL) {
        stream_peer_name(filter->inner, out);
    }
}

static void do_local_name(const struct stream *s, char out[static STREAM_NAME_BYTES])
{
    const struct filter *filter = (const struct filter *)(const void *)s;
    out[0] = '\0';
    if (filter->inner != NULL) {
        stream_local_name(filter->inner, out);
    }
}

static struct ssl_st *do_tls(const struct stream *s)
{
    const struct filter *filter = (const struct filter *)(const void *)s;
    return filter->inner == NULL ? NULL : stream_tls(filter->inner);
}

static const struct stream_class k_filter_class = { .write = do_write,
                                                    .queued_bytes = do_queued_bytes,
                                                    .set_write_limit = do_set_write_limit,
                                                    .pause = do_pause,
                                                    .resume = do_resume,
                                                    .shutdown = do_shutdown,
                                                    .close = do_close,
                                                    .reset = do_reset,
                                                    .peer_name = do_peer_name,
                                                    .local_name = do_local_name,
                                                    .tls = do_tls };

/* ---- its life ---- */

static void free_lane(struct lane *lane)
{
    timer_stop(&lane->timer);
    while (lane->first != NULL) {
        struct unit *unit = lane->first;
        lane->first = unit->next;
        unit_free(unit);
    }
    unit_free(lane->held);
}

static void free_filter(struct filter *filter)
{
    struct filter **at = &filter->actor->filters;
    while (*at != filter) {
        at = &(*at)->next;
    }
    *at = filter->next;
    timer_stop(&filter->open_limit);
    loop_task_cancel(&filter->reap);
    stream_reset(filter->inner);
    free_lane(&filter->in);
    free_lane(&filter->out);
    apf_flow_fini(&filter->seen);
    apf_flow_fini(&filter->ruled);
    amt_free(filter);
}

/* End of the turn: nobody calls into the filter any more. */
static void on_reap(void *ctx)
{
    struct filter *filter = ctx;
    if (!filter->is_owner_gone || (filter->is_closing && filter->out.first != NULL)) {
        return;
    }
    if (filter->is_vanished && filter->inner != NULL) {
        /* half open: the other end must not notice, so the inner stream stays until the case ends */
        stream_set_handler(filter->inner, NULL, NULL);
        return;
    }
    if (filter->is_closing) {
        stream_close(filter->inner);
        filter->inner = NULL;
    }
    free_filter(filter);
}

static void on_lane_timer(void *ctx)
{
    struct lane *lane = ctx;
    bool was_waiting = lane->first != NULL;
    lane_pump(lane);
    if (lane->is_out && was_waiting && lane->first == NULL) {
        stream_emit_drain(&lane->filter->stream);
    }
}

struct stream *filter_wrap(void *ctx, enum stream_layer layer, struct stream *inner)
{
    struct actor *actor = ctx;
    struct filter *filter = pool_checked(amt_alloc(sizeof *filter));
    stream_init(&filter->stream, &k_filter_class);
    filter->actor = actor;
    filter->layer = layer;
    filter->inner = inner;
    filter->in.filter = filter->out.filter = filter;
    filter->out.is_out = true;
    struct loop *loop = filter_loop(filter);
    timer_init(&filter->in.timer, loop, on_lane_timer, &filter->in);
    timer_init(&filter->out.timer, loop, on_lane_timer, &filter->out);
    timer_init(&filter->open_limit, loop, on_open_limit, filter);
    loop_task_init(&filter->reap, loop, on_reap, filter);
    filter->next = actor->filters;
    actor->filters = filter;
    stream_set_handler(inner, &k_inner_handler, filter);
    return &filter->stream;
}

void filters_close(struct case_run *run)
{
    for (struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        while (actor->filters != NULL) {
            free_filter(actor->filters);
        }
    }
}

void filter_vanish(struct filter *filter)
{
    filter->is_vanished = true;
}

void filter_cut(struct filter *filter, enum stream_end_kind kind)
{
    if (kind == STREAM_END_RESET) {
        stream_reset(filter->inner);
    } else {
        stream_close(filter->inner);
    }
    filter->inner = NULL;
    emit_end(filter, kind, "by a fault of the scenario");
}
