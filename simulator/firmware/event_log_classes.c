/* AMT_MessageLog and AMT_EventLogEntry: reading, freezing, clearing (wsman.md 4.18). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/users.h"

/* Return values that are the log's own; others are PT_STATUS. */
enum log_result { LOG_OK = 0, LOG_NOT_SUPPORTED = 1, LOG_INVALID_RECORD = 2 };
/* Events of the event manager in the audit log. */
enum manager_event { EVENT_LOG_CLEARED = 2, EVENT_LOG_FROZEN = 3 };

void event_log_fill(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct event_log *log = call->firmware->event_log;
    uint32_t count = event_log_count(log);
    wsman_set_u64(instance, "CurrentNumberOfRecords", count);
    wsman_set_bool(instance, "IsFrozen", log->is_frozen);
    wsman_set_u64(instance, "MaxNumberOfRecords", EVENT_LOG_RECORDS_MAX);
    wsman_set_u64(instance, "MaxRecordSize", EVENT_RECORD_BYTES);
    wsman_set_u64(instance, "PercentageNearFull", count * 100 / EVENT_LOG_RECORDS_MAX);
}

/* Positions go from 1, the newest, to the oldest. */
static uint32_t positions(const struct event_log *log)
{
    uint64_t newer = log->appended - log->iteration_newest;
    uint32_t count = event_log_count(log);
    return newer >= count ? 0 : (uint32_t)(count - newer);
}

static const uint8_t *record_at(const struct event_log *log, uint64_t position)
{
    return position == 0 || position > log->iteration_newest
               ? NULL
               : event_log_record(log, log->iteration_newest - (position - 1));
}

/* An iteration that begins at its first record sees what is the newest now. */
static bool read_position(struct event_log *log, const struct wsman_instance *in,
                          uint64_t *position)
{
    const char *identifier = wsman_get(in, "IterationIdentifier");
    if (identifier == NULL || text_parse_u64(identifier, UINT32_MAX, position) != AMT_OK ||
        *position == 0) {
        return false;
    }
    if (*position == 1) {
        log->iteration_newest = log->appended;
    }
    return *position == 1 || *position <= positions(log);
}

static uint32_t position_to_first(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    struct event_log *log = call->firmware->event_log;
    log->iteration_newest = log->appended;
    wsman_set_u64(out, "IterationIdentifier", 1);
    return LOG_OK;
}

static void add_base64(struct wsman_instance *out, const char *name, const uint8_t *bytes)
{
    struct wsman_instance *one = wsman_instance_new(out->arena, "record");
    wsman_set_base64(one, name, bytes, EVENT_RECORD_BYTES);
    const char *base64 = wsman_get(one, name);
    if (base64 == NULL) {
        out->failed = true;
        return;
    }
    wsman_add(out, name, base64);
}

/* WSM-103. The identifier that comes back is the next record to read, or, after the last one, that of
 * the last (captured: 3 after three records). */
static uint32_t get_records(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct event_log *log = call->firmware->event_log;
    uint64_t position = 0, max = wsman_get_u64(in, "MaxReadRecords", 0);
    if (max == 0) {
        return PT_INVALID_PARAMETER;
    }
    if (!read_position(log, in, &position)) {
        return LOG_INVALID_RECORD;
    }
    max = max > EVENT_LOG_RECORDS_MAX ? EVENT_LOG_RECORDS_MAX : max;
    uint64_t total = positions(log), end = position + max;
    bool is_last = end > total;
    wsman_set_u64(out, "IterationIdentifier", is_last ? (total == 0 ? 1 : total) : end);
    wsman_set_bool(out, "NoMoreRecords", is_last);
    for (; position < end && position <= total; position++) {
        add_base64(out, "RecordArray", record_at(log, position));
    }
    return LOG_OK;
}

static uint32_t position_at(struct firmware_call *call, const struct wsman_instance *target,
                            const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct event_log *log = call->firmware->event_log;
    const char *text = wsman_get(in, "RecordNumber");
    bool is_back = text != NULL && text[0] == '-';
    uint64_t position = 0, number = 0;
    if (!read_position(log, in, &position)) {
        return LOG_INVALID_RECORD;
    }
    if (text == NULL || text_parse_u64(text + is_back, UINT32_MAX, &number) != AMT_OK) {
        return PT_INVALID_PARAMETER;
    }
    bool is_absolute = wsman_get_bool(in, "MoveAbsolute", true);
    uint64_t base = is_absolute ? 0 : position;
    if (is_back && number > base) {
        return LOG_INVALID_RECORD;
    }
    uint64_t wanted = is_back ? base - number : base + number;
    if (wanted == 0 || wanted > positions(log)) {
        return LOG_INVALID_RECORD;
    }
    wsman_set_u64(out, "IterationIdentifier", wanted);
    wsman_set_u64(out, "RecordNumber", wanted);
    return LOG_OK;
}

static uint32_t get_record(struct firmware_call *call, const struct wsman_instance *target,
                           const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct event_log *log = call->firmware->event_log;
    uint64_t position = 0;
    if (!read_position(log, in, &position)) {
        return LOG_INVALID_RECORD;
    }
    const uint8_t *record = record_at(log, position);
    if (record == NULL) {
        return LOG_INVALID_RECORD;
    }
    bool goes_on = wsman_get_bool(in, "PositionToNext", false) && position < positions(log);
    wsman_set_u64(out, "IterationIdentifier", position + goes_on);
    wsman_set_u64(out, "RecordNumber", position);
    for (size_t i = 0; i < EVENT_RECORD_BYTES; i++) {
        wsman_add_u64(out, "RecordData", record[i]);
    }
    return LOG_OK;
}

/* Iterations keep nothing, so there is nothing to give back. */
static uint32_t cancel_iteration(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)call;
    (void)target;
    (void)in;
    (void)out;
    return LOG_OK;
}

static uint32_t freeze_log(struct firmware_call *call, const struct wsman_instance *target,
                           const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!users_may(call->user, REALM_EVENT_MANAGER)) {
        return PT_NOT_PERMITTED;
    }
    bool is_frozen = wsman_get_bool(in, "Freeze", false);
    if (is_frozen && !call->firmware->event_log->is_frozen) {
        audit_log_add(call->firmware, call, AUDIT_EVENT_MANAGER, EVENT_LOG_FROZEN, NULL, 0);
    }
    call->firmware->event_log->is_frozen = is_frozen;
    firmware_changed(call->firmware);
    return LOG_OK;
}

static uint32_t clear_log(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (!users_may(call->user, REALM_EVENT_MANAGER)) {
        return PT_NOT_PERMITTED;
    }
    if (call->firmware->event_log->is_frozen) {
        return PT_EVENTLOG_FROZEN;
    }
    event_log_clear(call->firmware);
    audit_log_add(call->firmware, call, AUDIT_EVENT_MANAGER, EVENT_LOG_CLEARED, NULL, 0);
    return LOG_OK;
}

/* The log is always on. */
static uint32_t request_state(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)call;
    (void)target;
    (void)out;
    return wsman_get_u64(in, "RequestedState", 0) == 2 ? LOG_OK : LOG_NOT_SUPPORTED;
}

const struct firmware_method k_event_log_methods[] = {
    { "CancelIteration", cancel_iteration },
    { "ClearLog", clear_log },
    { "FreezeLog", freeze_log },
    { "GetRecord", get_record },
    { "GetRecords", get_records },
    { "PositionAtRecord", position_at },
    { "PositionToFirstRecord", position_to_first },
    { "RequestStateChange", request_state },
    { NULL, NULL },
};

static void fill_entry(struct wsman_instance *entry, const uint8_t *bytes)
{
    struct event_record record;
    uint32_t time_s = 0;
    event_record_decode(bytes, &record, &time_s);
    wsman_set_u64(entry, "DeviceAddress", record.device_address);
    wsman_set(entry, "ElementName", "Intel(r) AMT:Event Log Entry");
    wsman_set_u64(entry, "Entity", record.entity);
    wsman_set_u64(entry, "EntityInstance", record.entity_instance);
    for (size_t i = 0; i < sizeof record.data; i++) {
        wsman_add_u64(entry, "EventData", record.data[i]);
    }
    wsman_set_u64(entry, "EventOffset", record.offset);
    wsman_set_u64(entry, "EventSensorType", record.sensor_type);
    wsman_set_u64(entry, "EventSeverity", record.severity);
    wsman_set_u64(entry, "EventSourceType", record.source_type);
    wsman_set_u64(entry, "EventType", record.type);
    wsman_set_u64(entry, "SensorNumber", record.sensor_number);
    wsman_set_u64(entry, "TimeStamp", time_s);
}

/* Newest first, as GetRecords. */
struct wsman_instance *event_log_list_entries(struct firmware_call *call)
{
    const struct event_log *log = call->firmware->event_log;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < event_log_count(log); i++) {
        struct wsman_instance *entry = firmware_instance_new(call, "AMT_EventLogEntry");
        if (entry == NULL) {
            break;
        }
        struct text id = { 0 };
        text_printf(&id, "Intel(r) AMT:Event Log Entry %u", i + 1);
        wsman_set(entry, "InstanceID", text_chars(&id));
        text_fini(&id);
        wsman_set_u64(entry, "RecordID", i + 1);
        fill_entry(entry, event_log_record(log, log->appended - i));
        *end = entry;
        end = &entry->next;
    }
    return first;
}
