/* Faults of the connection as a whole: blackhole, reset, fin, half_close. */
#include "scenarios/engine/fault.h"

bool fault_blackhole(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    text_printf(text, "swallowed %u bytes; the connection is dead for both ends", unit->len);
    filter_vanish(lane->filter);
    unit_free(unit);
    return false;
}

bool fault_reset(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    text_printf(text, "reset the connection instead of passing %u bytes", unit->len);
    unit_free(unit);
    filter_cut(lane->filter, STREAM_END_RESET);
    return false;
}

bool fault_fin(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    text_printf(text, "closed the connection instead of passing %u bytes", unit->len);
    unit_free(unit);
    filter_cut(lane->filter, STREAM_END_FIN);
    return false;
}

bool fault_half_close(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    text_printf(text, "ended this direction instead of passing %u bytes", unit->len);
    unit_free(unit);
    lane_shut(lane);
    return false;
}
