#include "simulator/firmware/clock.h"

#include "simulator/firmware/alarms.h"
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions.h"

#define EARLIEST_TIME_S 1072915200u /* 2004-01-01 (wsman.md 4.4) */
#define TIME_MAX_S      UINT32_MAX
#define TRIP_MAX_S      60u /* beyond this the times of a call do not belong together */

enum time_source { TIME_SOURCE_BIOS_RTC = 0, TIME_SOURCE_CONFIGURED = 1 };
enum local_time_sync { LOCAL_SYNC_DEFAULT_TRUE = 0, LOCAL_SYNC_TRUE = 1, LOCAL_SYNC_FALSE = 2 };

struct clock_state {
    int64_t offset_s; /* device time minus wall clock */
    uint32_t time_source, local_sync;
};

uint64_t firmware_time_s(const struct firmware *firmware)
{
    int64_t now_s = (int64_t)(loop_wall_us(firmware->loop) / US_PER_SECOND);
    now_s += firmware->clock == NULL ? 0 : firmware->clock->offset_s;
    return now_s < 0 ? 0 : (uint64_t)now_s;
}

static enum amt_err clock_init(struct firmware *firmware)
{
    firmware->clock = amt_alloc(sizeof *firmware->clock);
    return firmware->clock == NULL ? AMT_ENOMEM : AMT_OK;
}

static void clock_fini(struct firmware *firmware)
{
    amt_free(firmware->clock);
    firmware->clock = NULL;
}

/* The clock itself goes on: only where it came from is forgotten. */
static void clock_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    firmware->clock->time_source = TIME_SOURCE_BIOS_RTC;
    firmware->clock->local_sync = LOCAL_SYNC_DEFAULT_TRUE;
    firmware_changed(firmware);
}

static json_t *clock_save(struct firmware *firmware)
{
    const struct clock_state *clock = firmware->clock;
    json_t *state = json_object();
    bool is_whole = json_object_set_new(state, "offset_s", json_integer(clock->offset_s)) == 0 &&
                    state_put_u64(state, "time_source", clock->time_source) &&
                    state_put_u64(state, "local_sync", clock->local_sync);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err clock_load(struct firmware *firmware, const json_t *state,
                               struct amt_diag *diag)
{
    struct clock_state *clock = firmware->clock;
    const json_t *offset = json_object_get(state, "offset_s");
    if (offset != NULL &&
        (!json_is_integer(offset) || json_integer_value(offset) > (json_int_t)TIME_MAX_S ||
         json_integer_value(offset) < -(json_int_t)TIME_MAX_S)) {
        return amt_diag_set(diag, AMT_ECONFIG, "saved state: offset_s is not a number of seconds");
    }
    clock->offset_s = json_integer_value(offset);
    TRY(state_get_u32(state, "time_source", TIME_SOURCE_CONFIGURED, &clock->time_source, diag));
    return state_get_u32(state, "local_sync", LOCAL_SYNC_FALSE, &clock->local_sync, diag);
}

static void fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct clock_state *clock = call->firmware->clock;
    wsman_set_u64(instance, "LocalTimeSyncEnabled", clock->local_sync);
    wsman_set_u64(instance, "TimeSource", clock->time_source);
}

static uint32_t get_low_accuracy(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    wsman_set_u64(out, "Ta0", firmware_time_s(call->firmware));
    return PT_SUCCESS;
}

/* Half of the time that the two messages spent under way: device time between its reading of Ta0
 * and now, less what the client spent between receiving (Tm1) and sending (Tm2). A client that
 * takes one time for both (Tm1 = Tm2) wants exactly that time. */
static uint64_t one_way_s(uint64_t now, uint64_t ta0, uint64_t tm1, uint64_t tm2)
{
    if (tm1 >= tm2 || now < ta0 || now - ta0 < tm2 - tm1) {
        return 0;
    }
    uint64_t trip_s = (now - ta0) - (tm2 - tm1);
    return trip_s > TRIP_MAX_S ? 0 : trip_s / 2;
}

/* WSM-078: GetLowAccuracyTimeSynch and the Date header follow. */
static uint32_t set_high_accuracy(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct firmware *firmware = call->firmware;
    struct clock_state *clock = firmware->clock;
    if (call->user->is_os_admin && clock->local_sync == LOCAL_SYNC_FALSE) {
        return PT_NOT_PERMITTED;
    }
    uint64_t tm1 = wsman_get_u64(in, "Tm1", 0), tm2 = wsman_get_u64(in, "Tm2", 0);
    if (tm1 < EARLIEST_TIME_S || tm2 < EARLIEST_TIME_S || tm1 > TIME_MAX_S || tm2 > TIME_MAX_S) {
        return PT_INVALID_PARAMETER;
    }
    uint64_t now = firmware_time_s(firmware);
    uint64_t then = tm2 + one_way_s(now, wsman_get_u64(in, "Ta0", 0), tm1, tm2);
    clock->offset_s += (int64_t)then - (int64_t)now;
    clock->time_source = TIME_SOURCE_CONFIGURED;
    alarms_clock_changed(firmware);
    const uint8_t time[4] = { (uint8_t)(then >> 24), (uint8_t)(then >> 16), (uint8_t)(then >> 8),
                              (uint8_t)then };
    audit_log_add(firmware, call, AUDIT_NETWORK_TIME, 0, time, sizeof time);
    firmware_changed(firmware);
    return PT_SUCCESS;
}

static uint32_t enable_local_sync(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (call->user->is_os_admin) {
        return PT_NOT_PERMITTED; /* else the host could lift the ban that was laid on it */
    }
    call->firmware->clock->local_sync =
        wsman_get_bool(in, "Enable", false) ? LOCAL_SYNC_TRUE : LOCAL_SYNC_FALSE;
    const char *what = wsman_get_bool(in, "Enable", false) ? "1" : "0";
    subscriptions_alert(call->firmware, "iAMT0069", &what, 1, 2);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static const struct firmware_method k_methods[] = {
    { "EnableLocalTimeSync", enable_local_sync },
    { "GetLowAccuracyTimeSynch", get_low_accuracy },
    { "SetHighAccuracyTimeSynch", set_high_accuracy },
    { NULL, NULL },
};
static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_TimeSynchronizationService",
      .read_realm = REALM_GENERAL_INFO,
      .write_realm = REALM_NETWORK_TIME,
      .fill = fill_service,
      .methods = k_methods },
    { .class_name = NULL },
};

const struct firmware_part k_clock_part = { .name = "clock",
                                            .init = clock_init,
                                            .fini = clock_fini,
                                            .unprovision = clock_unprovision,
                                            .save = clock_save,
                                            .load = clock_load,
                                            .behaviours = k_behaviours };
