/* Alarms that turn the host on: the clockwork, and what outlives a power cut. */
#include "simulator/firmware/alarms.h"

#include <string.h>

#include "simulator/firmware/alarms_internal.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/state_fields.h"

#define SECONDS_PER_MINUTE 60u
/* The device clock may be set at any time: nobody sleeps longer than this without looking at it. */
#define LOOK_S 60u
/* A device that was without power rings no alarm that is older than this. */
#define LATE_MAX_S 120u

static bool is_waiting(const struct alarm *alarm)
{
    return alarm->start_s != 0 && !alarm->is_done;
}

static uint64_t next_time_s(const struct firmware *firmware)
{
    const struct alarms *alarms = firmware->alarms;
    uint64_t next_s = is_waiting(&alarms->single) ? alarms->single.start_s : UINT64_MAX;
    for (uint32_t i = 0; i < alarms->count; i++) {
        if (is_waiting(&alarms->alarms[i]) && alarms->alarms[i].start_s < next_s) {
            next_s = alarms->alarms[i].start_s;
        }
    }
    return next_s;
}

void alarms_arm(struct firmware *firmware)
{
    const uint64_t next_s = next_time_s(firmware), now_s = firmware_time_s(firmware);
    if (next_s == UINT64_MAX) {
        timer_stop(&firmware->alarms->timer);
        return;
    }
    const uint64_t wait_s = next_s > now_s ? next_s - now_s : 0;
    /* Device seconds begin with those of the wall clock: wake at the begin, not a second late. */
    const uint64_t into_second_us = loop_wall_us(firmware->loop) % US_PER_SECOND;
    uint64_t wait_us = (wait_s < LOOK_S ? wait_s : LOOK_S) * US_PER_SECOND;
    wait_us -= wait_us > into_second_us ? into_second_us : wait_us;
    timer_start(&firmware->alarms->timer, wait_us);
}

void alarms_clock_changed(struct firmware *firmware)
{
    if (firmware->alarms != NULL) {
        alarms_arm(firmware);
    }
}

struct alarm *alarms_find(struct firmware *firmware, const char *name)
{
    struct alarms *alarms = firmware->alarms;
    for (uint32_t i = 0; i < alarms->count; i++) {
        if (strcmp(alarms->alarms[i].name, name) == 0) {
            return &alarms->alarms[i];
        }
    }
    return NULL;
}

void alarms_remove(struct firmware *firmware, struct alarm *alarm)
{
    struct alarms *alarms = firmware->alarms;
    const size_t behind = (size_t)(alarms->alarms + alarms->count - alarm) - 1;
    memmove(alarm, alarm + 1, behind * sizeof *alarm);
    alarms->count--;
}

/* To the first time after now, or done. */
static void advance(struct alarm *alarm, uint64_t now_s)
{
    const uint64_t interval_s = (uint64_t)alarm->interval_minutes * SECONDS_PER_MINUTE;
    if (interval_s == 0) {
        alarm->is_done = true;
        return;
    }
    alarm->start_s += ((now_s - alarm->start_s) / interval_s + 1) * interval_s;
}

/* True when it rings now; false when its time has not come or is long gone. */
static bool is_due(struct alarm *alarm, uint64_t now_s)
{
    if (!is_waiting(alarm) || alarm->start_s > now_s) {
        return false;
    }
    const bool is_late = now_s - alarm->start_s > LATE_MAX_S;
    advance(alarm, now_s);
    return !is_late;
}

static void ring(struct firmware *firmware, const char *name)
{
    LOG(firmware->log, LOG_INFO, "power.alarm", log_text("uuid", firmware->uuid_text),
        log_text("alarm", name));
    power_alarm(firmware);
}

static void on_timer(void *ctx)
{
    struct firmware *firmware = ctx;
    struct alarms *alarms = firmware->alarms;
    const uint64_t now_s = firmware_time_s(firmware);
    bool has_changed = next_time_s(firmware) <= now_s;
    if (is_due(&alarms->single, now_s)) {
        ring(firmware, "");
    }
    for (uint32_t i = 0; i < alarms->count;) {
        struct alarm *alarm = &alarms->alarms[i];
        if (is_due(alarm, now_s)) {
            ring(firmware, alarm->name);
        }
        if (alarm->is_done && alarm->deletes_itself) {
            alarms_remove(firmware, alarm);
        } else {
            i++;
        }
    }
    if (has_changed) {
        firmware_changed(firmware);
    }
    alarms_arm(firmware);
}

static enum amt_err alarms_init(struct firmware *firmware)
{
    struct alarms *alarms = amt_alloc(sizeof *alarms);
    if (alarms == NULL) {
        return AMT_ENOMEM;
    }
    firmware->alarms = alarms;
    timer_init(&alarms->timer, firmware->loop, on_timer, firmware);
    return AMT_OK;
}

static void alarms_fini(struct firmware *firmware)
{
    if (firmware->alarms != NULL) {
        timer_stop(&firmware->alarms->timer);
    }
    amt_free(firmware->alarms);
    firmware->alarms = NULL;
}

static void alarms_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    struct alarms *alarms = firmware->alarms;
    memset(alarms->alarms, 0, sizeof alarms->alarms);
    alarms->count = 0;
    alarms->single = (struct alarm){ .start_s = 0 };
    timer_stop(&alarms->timer);
    firmware_changed(firmware);
}

static json_t *save_alarm(const struct alarm *alarm)
{
    json_t *state = json_object();
    const bool is_whole = state_put_text(state, "name", alarm->name) &&
                          state_put_text(state, "element_name", alarm->element_name) &&
                          state_put_u64(state, "start_s", alarm->start_s) &&
                          state_put_u64(state, "interval_minutes", alarm->interval_minutes) &&
                          state_put_bool(state, "deletes_itself", alarm->deletes_itself) &&
                          state_put_bool(state, "is_done", alarm->is_done);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static json_t *alarms_save(struct firmware *firmware)
{
    const struct alarms *alarms = firmware->alarms;
    json_t *state = json_object(), *list = json_array();
    bool is_whole = json_object_set_new(state, "single", save_alarm(&alarms->single)) == 0;
    for (uint32_t i = 0; i < alarms->count; i++) {
        is_whole = json_array_append_new(list, save_alarm(&alarms->alarms[i])) == 0 && is_whole;
    }
    is_whole = json_object_set_new(state, "alarms", list) == 0 && is_whole;
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_alarm(struct alarm *alarm, const json_t *state, struct amt_diag *diag)
{
    TRY(state_get_text(state, "name", alarm->name, sizeof alarm->name, diag));
    TRY(state_get_text(state, "element_name", alarm->element_name, sizeof alarm->element_name,
                       diag));
    TRY(state_get_u64(state, "start_s", INT64_MAX, &alarm->start_s, diag));
    TRY(state_get_u32(state, "interval_minutes", ALARM_MINUTES_MAX, &alarm->interval_minutes,
                      diag));
    TRY(state_get_bool(state, "deletes_itself", &alarm->deletes_itself, diag));
    return state_get_bool(state, "is_done", &alarm->is_done, diag);
}

static enum amt_err alarms_load(struct firmware *firmware, const json_t *state,
                                struct amt_diag *diag)
{
    struct alarms *alarms = firmware->alarms;
    const json_t *list = json_object_get(state, "alarms");
    if (json_array_size(list) > ALARMS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "saved state: more than %u alarms", ALARMS_MAX);
    }
    TRY(load_alarm(&alarms->single, json_object_get(state, "single"), diag));
    for (size_t i = 0; i < json_array_size(list); i++) {
        TRY(load_alarm(&alarms->alarms[i], json_array_get(list, i), diag));
        alarms->count++;
    }
    alarms_arm(firmware);
    return AMT_OK;
}

const struct firmware_part k_alarms_part = { .name = "alarms",
                                             .init = alarms_init,
                                             .fini = alarms_fini,
                                             .unprovision = alarms_unprovision,
                                             .save = alarms_save,
                                             .load = alarms_load,
                                             .behaviours = k_alarms_behaviours };
