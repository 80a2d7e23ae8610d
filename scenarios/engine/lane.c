/* One direction of a filter: units wait for their time and are delivered in order. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/filter.h"

struct unit *unit_new(const uint8_t *bytes, uint32_t len)
{
    struct unit *unit = pool_checked(amt_alloc(sizeof *unit));
    unit->bytes = pool_checked(amt_memdup(len == 0 ? (const uint8_t *)"" : bytes, len));
    unit->len = len;
    return unit;
}

void unit_free(struct unit *unit)
{
    if (unit != NULL) {
        amt_free(unit->bytes);
        amt_free(unit);
    }
}

struct lane *lane_other(struct lane *lane)
{
    return lane->is_out ? &lane->filter->in : &lane->filter->out;
}

enum apf_direction lane_direction(const struct lane *lane)
{
    bool is_server = lane->filter->actor->kind->role == ACTOR_MPS;
    return is_server == lane->is_out ? APF_MPS_TO_DEV : APF_DEV_TO_MPS;
}

uint64_t lane_soon_us(const struct lane *lane)
{
    return loop_now_us(filter_loop(lane->filter)) + 1;
}

static void deliver_end(struct lane *lane)
{
    struct filter *filter = lane->filter;
    if (lane->is_out) {
        if (filter->inner != NULL && !filter->is_vanished) {
            stream_shutdown(filter->inner);
        }
        return;
    }
    if (!filter->has_ended) {
        filter->has_ended = true;
        filter_note_end(filter, "peer", &filter->end);
        stream_emit_end(&filter->stream, &filter->end);
    }
}

static void deliver(struct lane *lane, const struct unit *unit)
{
    struct filter *filter = lane->filter;
    lane->position_bytes += unit->len;
    if (unit->is_end) {
        deliver_end(lane);
    } else if (lane->is_shut || filter->is_vanished) {
        return;
    } else if (!lane->is_out) {
        if (filter->layer == STREAM_LAYER_APF) {
            filter_note(filter, false, unit->bytes, unit->len);
        }
        stream_emit_data(&filter->stream, unit->bytes, unit->len);
    } else if (filter->inner != NULL &&
               stream_write(filter->inner, unit->bytes, unit->len) != AMT_OK) {
        lane->is_shut = true; /* the connection is ending; its end is told by the inner stream */
    }
}

static bool may_deliver(const struct lane *lane, uint64_t now_us)
{
    return lane->first != NULL && lane->first->due_us <= now_us &&
           lane->stalled_until_us <= now_us && (lane->is_out || !lane->filter->is_owner_paused) &&
           (lane->is_out || !lane->filter->is_owner_gone);
}

void lane_pump(struct lane *lane)
{
    uint64_t now_us = loop_now_us(filter_loop(lane->filter));
    bool was_waiting = lane->first != NULL;
    while (may_deliver(lane, now_us)) {
        struct unit *unit = lane->first;
        lane->first = unit->next;
        lane->last = lane->first == NULL ? NULL : lane->last;
        deliver(lane, unit);
        unit_free(unit);
    }
    if (lane->first != NULL) {
        uint64_t due_us = lane->first->due_us;
        due_us = due_us > lane->stalled_until_us ? due_us : lane->stalled_until_us;
        if (due_us > now_us) {
            timer_start_at(&lane->timer, due_us);
        }
    } else if (lane->is_out && was_waiting && lane->filter->is_owner_gone) {
        loop_task_post(&lane->filter->reap);
    }
}

static void append(struct lane *lane, struct unit *unit)
{
    /* Nothing overtakes: a stream keeps its order (reordering is a fault of its own). */
    if (unit->due_us < lane->last_due_us) {
        unit->due_us = lane->last_due_us;
    }
    lane->last_due_us = unit->due_us;
    if (lane->last == NULL) {
        lane->first = unit;
    } else {
        lane->last->next = unit;
    }
    lane->last = unit;
}

static bool join_last(struct lane *lane, struct unit *unit)
{
    struct unit *last = lane->last;
    if (last == NULL || !last->is_joinable || unit->is_end) {
        return false;
    }
    last->bytes = pool_checked(amt_resize(last->bytes, (size_t)last->len + unit->len + 1));
    memcpy(last->bytes + last->len, unit->bytes, unit->len);
    last->len += unit->len;
    unit_free(unit);
    return true;
}

void lane_push(struct lane *lane, struct unit *unit)
{
    if (!join_last(lane, unit)) {
        append(lane, unit);
    }
    if (lane->held != NULL) {
        struct unit *held = lane->held;
        lane->held = NULL;
        append(lane, held);
    }
    lane_pump(lane);
}

void lane_shut(struct lane *lane)
{
    struct filter *filter = lane->filter;
    if (lane->is_out) {
        if (filter->inner != NULL) {
            stream_shutdown(filter->inner);
        }
    } else {
        struct unit *unit = unit_new(NULL, 0);
        filter->end = (struct stream_end){ .kind = STREAM_END_FIN, .tls_alert = -1 };
        unit->is_end = true;
        unit->due_us = lane_soon_us(lane);
        lane_push(lane, unit);
    }
    lane->is_shut = true;
}
