/* Faults of time and cutting: delay, throttle, split, coalesce, reorder, stall. */
#include <string.h>

#include "scenarios/engine/fault.h"
#include "scenarios/engine/quantity.h"

#define COALESCE_US 5000u

static uint64_t now_of(const struct lane *lane)
{
    return loop_now_us(filter_loop(lane->filter));
}

bool fault_delay(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    uint64_t by_us = fault_number(fault, "by", 0);
    by_us += amt_random_below(&fault->random, fault_number(fault, "jitter", 0) + 1);
    uint64_t from_us = unit->due_us > now_of(lane) ? unit->due_us : now_of(lane);
    unit->due_us = from_us + by_us;
    char shown[24];
    text_format_duration(by_us, shown);
    text_printf(text, "delayed %u bytes by %s", unit->len, shown);
    return true;
}

/* rate: bytes per second; the line is busy while bytes pass */
bool fault_throttle(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    uint64_t rate = 0;
    (void)quantity_rate(value_written(&fault->run->pool, fault_argument(fault, "rate")), &rate);
    uint64_t from_us = lane->free_us > now_of(lane) ? lane->free_us : now_of(lane);
    lane->free_us = from_us + (uint64_t)unit->len * US_PER_SECOND / (rate == 0 ? 1 : rate);
    unit->due_us = lane->free_us > unit->due_us ? lane->free_us : unit->due_us;
    text_printf(text, "throttled %u bytes", unit->len);
    return true;
}

bool fault_split(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    const struct value *size = fault_argument(fault, "size");
    uint32_t piece = (uint32_t)fault_number(fault, "size", 1);
    bool is_each = size != NULL && size->kind == VALUE_TEXT && strcmp(size->text, "each") == 0;
    uint64_t gap_us = fault_number(fault, "gap", 0);
    uint64_t due_us = unit->due_us > now_of(lane) ? unit->due_us : now_of(lane);
    piece = is_each || piece == 0 ? 1 : piece;
    uint32_t pieces = 0;
    for (uint32_t at = 0; at < unit->len; at += piece, pieces++) {
        uint32_t len = unit->len - at < piece ? unit->len - at : piece;
        struct unit *part = unit_new(unit->bytes + at, len);
        part->due_us = due_us + gap_us * pieces;
        lane_push(lane, part);
    }
    text_printf(text, "split %u bytes into %u pieces", unit->len, pieces);
    unit_free(unit);
    return false;
}

/* What comes within the time goes on as one piece. */
bool fault_coalesce(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    unit->is_joinable = true;
    unit->due_us = now_of(lane) + fault_number(fault, "within", COALESCE_US);
    text_printf(text, "held %u bytes to be joined", unit->len);
    return true;
}

bool fault_reorder(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    if (lane->held != NULL) {
        return true; /* one at a time */
    }
    lane->held = unit;
    text_printf(text, "held %u bytes until the next have passed", unit->len);
    return false;
}

/* Nothing is delivered for a while; without `for` until the fault is disarmed. */
bool fault_stall(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    uint64_t for_us = fault_number(fault, "for", 0);
    if (lane->stalled_until_us <= now_of(lane)) {
        lane->stalled_until_us = for_us == 0 ? LOOP_NO_DEADLINE : now_of(lane) + for_us;
    }
    text_printf(text, "stalled before %u bytes", unit->len);
    return true;
}

void fault_release(struct lane *lane)
{
    if (lane->stalled_until_us == LOOP_NO_DEADLINE) {
        lane->stalled_until_us = 0;
        lane_pump(lane);
    }
}
