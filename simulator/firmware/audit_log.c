/* The audit log: records as they go over the wire, kept in a ring of bytes (wsman.md 4.17). */
#include <string.h>

#include "simulator/firmware/audit_log_internal.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions.h"

#define KEPT_FROM_RELEASE   800u /* unprovisioning leaves the log alone */
#define SUPER_CRITICAL_FROM 1200u
#define MIN_DAYS_MAX        255u
#define SECONDS_PER_DAY     86400u
#define PERCEIVED_WARNING   3u /* PerceivedSeverity of CIM_AlertIndication */
#define LENGTH_BYTES        2u
#define ADDRESS_MAX         45u

enum initiator { INITIATOR_DIGEST = 0, INITIATOR_LOCAL = 2 };
enum location { LOCATION_IPV4 = 0, LOCATION_IPV6 = 1, LOCATION_NONE = 2 };

static void put(struct audit_record *record, const void *bytes, size_t len)
{
    memcpy(record->bytes + record->len, bytes, len);
    record->len = (uint16_t)(record->len + len);
}

static void put_number(struct audit_record *record, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = bytes; i > 0; i--) {
        record->bytes[record->len++] = (uint8_t)(value >> (8 * (i - 1)));
    }
}

static void put_counted(struct audit_record *record, const void *bytes, size_t len)
{
    put_number(record, len, 1);
    put(record, bytes, len);
}

static void put_initiator(struct audit_record *record, const struct firmware_call *call)
{
    if (call == NULL || call->user == NULL) {
        put_number(record, INITIATOR_LOCAL, 1);
        return;
    }
    put_number(record, INITIATOR_DIGEST, 1);
    put_counted(record, call->user->name, strlen(call->user->name));
}

/* Peers are "192.0.2.7:51324" or "[::1]:51324". */
static void put_location(struct audit_record *record, const struct firmware_call *call)
{
    const char *peer = call == NULL || call->peer == NULL ? "" : call->peer;
    bool is_ipv6 = peer[0] == '[';
    const char *end = is_ipv6 ? strchr(peer, ']') : strrchr(peer, ':');
    peer += is_ipv6;
    size_t len = end == NULL ? 0 : (size_t)(end - peer);
    if (len == 0 || len > ADDRESS_MAX) {
        put_number(record, LOCATION_NONE, 1);
        put_number(record, 0, 1);
        return;
    }
    put_number(record, is_ipv6 ? LOCATION_IPV6 : LOCATION_IPV4, 1);
    put_counted(record, peer, len);
}

void audit_record_encode(struct audit_record *record, const struct firmware_call *call,
                         uint32_t application, uint16_t event, uint64_t time_s, const uint8_t *data,
                         uint8_t data_len)
{
    record->len = 0;
    put_number(record, application, 2);
    put_number(record, event, 2);
    put_initiator(record, call);
    put_number(record, time_s, 4);
    put_location(record, call);
    put_number(record, data_len, 1);
    if (data_len > 0) {
        put(record, data, data_len);
    }
}

uint16_t audit_log_record_at(const struct audit_log *log, uint32_t offset, const uint8_t **bytes)
{
    const uint8_t *at = bytes_front(&log->records) + offset;
    *bytes = at + LENGTH_BYTES;
    return (uint16_t)(at[0] << 8 | at[1]);
}

uint32_t audit_log_free(const struct audit_log *log)
{
    return 100 - (uint32_t)((uint64_t)log->records.len * 100 / AUDIT_LOG_BYTES);
}

static uint64_t time_of(const uint8_t *record, uint16_t len)
{
    size_t at = 4; /* application, event */
    at += record[at] == INITIATOR_DIGEST ? 2u + record[at + 1] : 1u;
    if (at + 4 > len) {
        return 0;
    }
    return (uint64_t)record[at] << 24 | (uint64_t)record[at + 1] << 16 |
           (uint64_t)record[at + 2] << 8 | record[at + 3];
}

/* Whether the storage policy lets the oldest record go. */
static bool may_drop(const struct firmware *firmware, uint64_t time_s)
{
    const struct audit_log *log = firmware->audit_log;
    if (log->is_locked || log->storage == AUDIT_NO_ROLL_OVER) {
        return false;
    }
    return log->storage == AUDIT_ROLL_OVER ||
           firmware_time_s(firmware) >= time_s + (uint64_t)log->min_days * SECONDS_PER_DAY;
}

static bool make_room(struct firmware *firmware, uint32_t len)
{
    struct audit_log *log = firmware->audit_log;
    while (log->records.len + LENGTH_BYTES + len > AUDIT_LOG_BYTES) {
        const uint8_t *oldest;
        uint16_t oldest_len = audit_log_record_at(log, 0, &oldest);
        if (!may_drop(firmware, time_of(oldest, oldest_len))) {
            return false;
        }
        bytes_consume(&log->records, LENGTH_BYTES + oldest_len);
        log->count--;
    }
    return true;
}

/* Alerts as the log fills up; only a log that loses nothing does. */
static void tell_fullness(struct firmware *firmware, uint32_t free_before)
{
    static const struct {
        uint32_t full; /* per cent */
        const char *message_id;
    } k_steps[] = { { 50, "iAMT0029" },
                    { 75, "iAMT0030" },
                    { 85, "iAMT0031" },
                    { 95, "iAMT0032" },
                    { 99, "iAMT0033" } };
    uint32_t free_now = audit_log_free(firmware->audit_log);
    if (firmware->audit_log->storage == AUDIT_ROLL_OVER) {
        return;
    }
    for (size_t i = 0; i < sizeof k_steps / sizeof *k_steps; i++) {
        if (100 - free_before < k_steps[i].full && 100 - free_now >= k_steps[i].full) {
            subscriptions_alert(firmware, k_steps[i].message_id, NULL, 0, PERCEIVED_WARNING);
        }
    }
}

void audit_log_append(struct firmware *firmware, const struct audit_record *record)
{
    struct audit_log *log = firmware->audit_log;
    uint32_t free_before = audit_log_free(log);
    const uint8_t length[LENGTH_BYTES] = { (uint8_t)(record->len >> 8), (uint8_t)record->len };
    if (!make_room(firmware, record->len) ||
        bytes_reserve(&log->records, LENGTH_BYTES + record->len) == NULL ||
        bytes_append(&log->records, length, sizeof length) != AMT_OK ||
        bytes_append(&log->records, record->bytes, record->len) != AMT_OK) {
        return;
    }
    log->count++;
    log->last_s = time_of(record->bytes, record->len);
    tell_fullness(firmware, free_before);
    firmware_changed(firmware);
}

void audit_log_clear(struct firmware *firmware)
{
    struct audit_log *log = firmware->audit_log;
    bytes_consume(&log->records, log->records.len);
    log->count = 0;
    log->last_s = 0;
    firmware_changed(firmware);
}

/* From release 12 on some events are written whatever the policies say, even while the log is off:
 * the end of setup, unprovisioning, boot options, and sessions that open. */
static bool is_super_critical(const struct firmware *firmware, uint32_t application, uint16_t event)
{
    static const struct {
        uint32_t application;
        uint16_t event;
    } k_events[] = {
        { AUDIT_SECURITY_ADMIN, 1 }, { AUDIT_SECURITY_ADMIN, 19 }, { AUDIT_REMOTE_CONTROL, 4 },
        { AUDIT_REDIRECTION, 0 },    { AUDIT_REDIRECTION, 4 },     { AUDIT_REDIRECTION, 8 },
    };
    for (size_t i = 0; i < sizeof k_events / sizeof *k_events; i++) {
        if (k_events[i].application == application && k_events[i].event == event) {
            return firmware_is_release(firmware, SUPER_CRITICAL_FROM);
        }
    }
    return false;
}

static bool is_wanted(const struct firmware *firmware, uint32_t application, uint16_t event)
{
    const struct audit_log *log = firmware->audit_log;
    if (is_super_critical(firmware, application, event)) {
        return true;
    }
    if (log->is_disabled) {
        return false;
    }
    for (uint32_t i = 0; i < log->policy_count; i++) {
        if (log->policies[i].event == (application << 16 | event)) {
            return log->policies[i].is_enabled;
        }
    }
    return true;
}

void audit_log_add(struct firmware *firmware, const struct firmware_call *call,
                   enum audit_application application, uint16_t event, const void *data,
                   uint8_t data_len)
{
    if (firmware->audit_log == NULL || !is_wanted(firmware, application, event)) {
        return;
    }
    struct audit_record record;
    audit_record_encode(&record, call, application, event, firmware_time_s(firmware), data,
                        data_len);
    audit_log_append(firmware, &record);
}

bool audit_log_blocks_unprovision(const struct firmware *firmware)
{
    return firmware->audit_log->blocks_unprovision;
}

static void lock_ends(void *ctx)
{
    struct audit_log *log = ctx;
    log->is_locked = false;
    log->blocks_unprovision = false;
}

static enum amt_err audit_log_init(struct firmware *firmware)
{
    struct audit_log *log = amt_alloc(sizeof *log);
    if (log == NULL) {
        return AMT_ENOMEM;
    }
    firmware->audit_log = log;
    log->records.max = AUDIT_LOG_BYTES;
    log->storage = AUDIT_ROLL_OVER;
    timer_init(&log->lock_timer, firmware->loop, lock_ends, log);
    return AMT_OK;
}

static void audit_log_fini(struct firmware *firmware)
{
    if (firmware->audit_log == NULL) {
        return;
    }
    timer_stop(&firmware->audit_log->lock_timer);
    bytes_fini(&firmware->audit_log->records);
    amt_free(firmware->audit_log);
    firmware->audit_log = NULL;
}

/* The log is kept from release 8 on (wsman.md 5.3); what the auditor has set goes with the auditor. */
static void audit_log_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    struct audit_log *log = firmware->audit_log;
    log->policy_count = 0;
    log->is_disabled = false;
    log->storage = AUDIT_ROLL_OVER;
    log->min_days = 0;
    timer_stop(&log->lock_timer);
    lock_ends(log);
    if (!firmware_is_release(firmware, KEPT_FROM_RELEASE)) {
        audit_log_clear(firmware);
    }
    firmware_changed(firmware);
}

static json_t *audit_log_save(struct firmware *firmware)
{
    const struct audit_log *log = firmware->audit_log;
    json_t *state = json_object(), *policies = json_array();
    bool is_whole = true;
    for (uint32_t i = 0; i < log->policy_count; i++) {
        const struct audit_policy *policy = &log->policies[i];
        is_whole &= json_array_append_new(policies,
                                          json_pack("[I,b,b]", (json_int_t)policy->event,
                                                    policy->is_enabled, policy->is_critical)) == 0;
    }
    is_whole &= json_object_set_new(state, "policies", policies) == 0;
    is_whole &= state_put_hex(state, "records", bytes_front(&log->records), log->records.len) &&
                state_put_bool(state, "disabled", log->is_disabled) &&
                state_put_u64(state, "storage", log->storage) &&
                state_put_u64(state, "min_days", log->min_days);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_records(struct firmware *firmware, const json_t *state,
                                 struct amt_diag *diag)
{
    uint8_t *bytes = amt_alloc(AUDIT_LOG_BYTES);
    size_t len = 0, at = 0;
    enum amt_err err = bytes == NULL
                           ? AMT_ENOMEM
                           : state_get_bytes(state, "records", bytes, AUDIT_LOG_BYTES, &len, diag);
    while (err == AMT_OK && at < len) {
        struct audit_record record;
        record.len = (uint16_t)(len - at < LENGTH_BYTES ? 0 : bytes[at] << 8 | bytes[at + 1]);
        if (record.len < 12 || record.len > AUDIT_RECORD_MAX_BYTES ||
            len - at - LENGTH_BYTES < record.len) {
            err = amt_diag_set(diag, AMT_ECONFIG, "saved state: the audit log is damaged");
            break;
        }
        memcpy(record.bytes, bytes + at + LENGTH_BYTES, record.len);
        audit_log_append(firmware, &record);
        at += LENGTH_BYTES + record.len;
    }
    amt_free(bytes);
    return err;
}

static enum amt_err load_policies(struct audit_log *log, const json_t *policies,
                                  struct amt_diag *diag)
{
    log->policy_count = 0;
    for (size_t i = 0; i < json_array_size(policies) && i < AUDIT_POLICIES_MAX; i++) {
        json_int_t event = 0;
        int is_enabled = 0, is_critical = 0;
        if (json_unpack(json_array_get(policies, i), "[I,b,b]", &event, &is_enabled,
                        &is_critical) != 0) {
            return amt_diag_set(diag, AMT_ECONFIG, "saved state: item %zu is no audit policy", i);
        }
        log->policies[log->policy_count++] =
            (struct audit_policy){ (uint32_t)event, is_enabled != 0, is_critical != 0 };
    }
    return AMT_OK;
}

static enum amt_err audit_log_load(struct firmware *firmware, const json_t *state,
                                   struct amt_diag *diag)
{
    struct audit_log *log = firmware->audit_log;
    TRY(state_get_bool(state, "disabled", &log->is_disabled, diag));
    TRY(state_get_u32(state, "storage", AUDIT_RESTRICTED_ROLL_OVER, &log->storage, diag));
    TRY(state_get_u32(state, "min_days", MIN_DAYS_MAX, &log->min_days, diag));
    TRY(load_policies(log, json_object_get(state, "policies"), diag));
    return load_records(firmware, state, diag);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_AuditLog",
      .read_realm = REALM_GENERAL_INFO, /* the log, its state and its policies are no secret */
      .write_realm = REALM_AUDIT_LOG,
      .fill = audit_log_fill,
      .put = audit_log_put,
      .methods = k_audit_log_methods },
    { .class_name = "AMT_AuditPolicyRule",
      .read_realm = REALM_GENERAL_INFO,
      .write_realm = REALM_AUDIT_LOG,
      .list = audit_policy_list,
      .methods = k_audit_policy_methods },
    { .class_name = NULL },
};

const struct firmware_part k_audit_log_part = { .name = "audit_log",
                                                .init = audit_log_init,
                                                .fini = audit_log_fini,
                                                .unprovision = audit_log_unprovision,
                                                .save = audit_log_save,
                                                .load = audit_log_load,
                                                .behaviours = k_behaviours };
