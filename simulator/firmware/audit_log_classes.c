/* AMT_AuditLog and AMT_AuditPolicyRule: reading, clearing, locking, policies (wsman.md 4.17). */
#include <string.h>

#include "simulator/firmware/audit_log_internal.h"
#include "simulator/firmware/users.h"

#define RECORDS_PER_CALL 10u
#define LOCK_DEFAULT_S   60u
#define LOCK_MAX_S       300u
#define ALMOST_FULL      10u /* per cent free */
#define MIN_DAYS_MAX     255u

/* AuditState */
enum audit_state {
    AUDIT_DISABLED = 1,
    AUDIT_LOCKED = 2,
    AUDIT_ALMOST_FULL = 4,
    AUDIT_FULL = 8,
    AUDIT_NO_SIGNING_KEY = 16
};
/* OverwritePolicy */
enum overwrite { WRAPS_WHEN_FULL = 2, NEVER_OVERWRITES = 7 };
/* Events of the audit log's own application. */
enum audit_event { LOG_CLEARED = 0, POLICY_MODIFIED = 1, LOG_DISABLED = 2, LOG_ENABLED = 3 };
/* Flag of SetAuditLock */
enum lock_flag { LOCK_LOG = 0, LOCK_UNPROVISIONING = 1, UNLOCK = 2 };

/* While somebody is auditor the administrator may only read the log (wsman.md 3.3). */
static bool may_audit(const struct firmware_call *call)
{
    if (users_have_auditor(call->firmware)) {
        return !call->user->is_admin && (call->user->realms & REALM_BIT(REALM_AUDIT_LOG)) != 0;
    }
    return users_may(call->user, REALM_AUDIT_LOG);
}

static bool is_full(const struct audit_log *log)
{
    return log->storage == AUDIT_NO_ROLL_OVER &&
           log->records.len + AUDIT_RECORD_MAX_BYTES > AUDIT_LOG_BYTES;
}

static uint32_t state_of(const struct audit_log *log)
{
    uint32_t state = AUDIT_NO_SIGNING_KEY;
    state |= log->is_disabled ? AUDIT_DISABLED : 0;
    state |= log->is_locked ? AUDIT_LOCKED : 0;
    state |= audit_log_free(log) <= ALMOST_FULL ? AUDIT_ALMOST_FULL : 0;
    state |= is_full(log) ? AUDIT_FULL : 0;
    return state;
}

void audit_log_fill(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct audit_log *log = call->firmware->audit_log;
    wsman_set_u64(instance, "AuditState", state_of(log));
    wsman_set_u64(instance, "CurrentNumberOfRecords", log->count);
    wsman_set_u64(instance, "EnabledState", log->is_disabled ? 3 : 2);
    wsman_set_u64(instance, "RequestedState", log->is_disabled ? 3 : 2);
    wsman_set_u64(instance, "OverwritePolicy",
                  log->storage == AUDIT_NO_ROLL_OVER ? NEVER_OVERWRITES : WRAPS_WHEN_FULL);
    wsman_set_u64(instance, "PercentageFree", audit_log_free(log));
    wsman_set_u64(instance, "StoragePolicy", log->storage);
    if (log->storage == AUDIT_RESTRICTED_ROLL_OVER) {
        wsman_set_u64(instance, "MinDaysToKeep", log->min_days);
    } else {
        wsman_unset(instance, "MinDaysToKeep");
    }
    if (log->count > 0) {
        wsman_set_time(instance, "TimeOfLastRecord", log->last_s);
    } else {
        wsman_unset(instance, "TimeOfLastRecord");
    }
}

void audit_log_put(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed)
{
    (void)old;
    struct audit_log *log = call->firmware->audit_log;
    uint64_t storage = wsman_get_u64(changed, "StoragePolicy", log->storage);
    uint64_t days = wsman_get_u64(changed, "MinDaysToKeep", log->min_days);
    if (!may_audit(call)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return;
    }
    if (storage > AUDIT_RESTRICTED_ROLL_OVER || days > MIN_DAYS_MAX) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 36");
        return;
    }
    log->storage = (uint32_t)storage;
    log->min_days = (uint32_t)days;
    firmware_changed(call->firmware);
}

static void add_record(struct wsman_instance *out, const uint8_t *bytes, uint16_t len)
{
    struct wsman_instance *one = wsman_instance_new(out->arena, "record");
    wsman_set_base64(one, "EventRecords", bytes, len);
    const char *base64 = wsman_get(one, "EventRecords");
    if (base64 == NULL) {
        out->failed = true;
        return;
    }
    wsman_add(out, "EventRecords", base64);
}

/* WSM-103. Oldest first, counted from 1. */
static uint32_t read_records(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    const struct audit_log *log = call->firmware->audit_log;
    uint64_t start = wsman_get_u64(in, "StartIndex", 0);
    if (start == 0) {
        return PT_INVALID_INDEX;
    }
    uint64_t count = start > log->count ? 0 : log->count - (start - 1);
    count = count > RECORDS_PER_CALL ? RECORDS_PER_CALL : count;
    wsman_set_u64(out, "TotalRecordCount", log->count);
    wsman_set_u64(out, "RecordsReturned", count);
    uint32_t offset = 0;
    for (uint64_t i = 1; i < start + count && i <= log->count; i++) {
        const uint8_t *bytes;
        uint16_t len = audit_log_record_at(log, offset, &bytes);
        if (i >= start) {
            add_record(out, bytes, len);
        }
        offset += 2u + len;
    }
    return PT_SUCCESS;
}

static uint32_t clear_log(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (!may_audit(call)) {
        return PT_NOT_PERMITTED;
    }
    audit_log_clear(call->firmware);
    audit_log_add(call->firmware, call, AUDIT_AUDIT_LOG, LOG_CLEARED, NULL, 0);
    return PT_SUCCESS;
}

/* Switching off is the last thing that a log which is off has heard of. DMTF values. */
static uint32_t request_state(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct audit_log *log = call->firmware->audit_log;
    uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (state != 2 && state != 3) {
        return 5; /* invalid parameter */
    }
    if (!may_audit(call)) {
        return 4; /* failed */
    }
    log->is_disabled = false;
    audit_log_add(call->firmware, call, AUDIT_AUDIT_LOG, state == 2 ? LOG_ENABLED : LOG_DISABLED,
                  NULL, 0);
    log->is_disabled = state == 3;
    firmware_changed(call->firmware);
    return 0;
}

static void lock(struct firmware *firmware, uint64_t seconds, enum lock_flag flag)
{
    struct audit_log *log = firmware->audit_log;
    log->is_locked |= flag == LOCK_LOG;
    log->blocks_unprovision |= flag == LOCK_UNPROVISIONING;
    while (log->lock_handle == 0) {
        loop_random(firmware->loop, &log->lock_handle, sizeof log->lock_handle);
    }
    timer_start(&log->lock_timer, seconds * US_PER_SECOND);
}

static void unlock(struct audit_log *log)
{
    timer_stop(&log->lock_timer);
    log->is_locked = false;
    log->blocks_unprovision = false;
    log->lock_handle = 0;
}

/* While locked nothing is overwritten, so that what is read is whole; the lock ends by itself. Who
 * holds it can prolong or end it by its handle. */
static uint32_t set_lock(struct firmware_call *call, const struct wsman_instance *target,
                         const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct audit_log *log = call->firmware->audit_log;
    uint64_t flag = wsman_get_u64(in, "Flag", UNLOCK + 1);
    uint64_t seconds = wsman_get_u64(in, "LockTimeoutInSeconds", LOCK_DEFAULT_S);
    if (!may_audit(call)) {
        return PT_NOT_PERMITTED;
    }
    if (flag > UNLOCK || (flag != UNLOCK && (seconds == 0 || seconds > LOCK_MAX_S))) {
        return PT_INVALID_PARAMETER;
    }
    bool is_held = log->is_locked || log->blocks_unprovision;
    if (is_held && wsman_get_u64(in, "Handle", 0) != log->lock_handle) {
        return PT_NOT_PERMITTED;
    }
    if (flag == UNLOCK) {
        unlock(log);
        return PT_SUCCESS;
    }
    log->lock_handle = is_held ? log->lock_handle : 0;
    lock(call->firmware, seconds, (enum lock_flag)flag);
    wsman_set_u64(out, "Handle", log->lock_handle);
    return PT_SUCCESS;
}

const struct firmware_method k_audit_log_methods[] = {
    { "ClearLog", clear_log },
    { "ReadRecords", read_records },
    { "RequestStateChange", request_state },
    { "SetAuditLock", set_lock },
    { NULL, NULL },
};

/* One rule holds all that was set: events and whether they are critical, side by side. */
struct wsman_instance *audit_policy_list(struct firmware_call *call)
{
    const struct audit_log *log = call->firmware->audit_log;
    struct wsman_instance *rule = firmware_instance_new(call, "AMT_AuditPolicyRule");
    wsman_set(rule, "PolicyRuleName", "Intel(r) AMT Audit Policy Rule");
    for (uint32_t i = 0; i < log->policy_count; i++) {
        if (log->policies[i].is_enabled) {
            wsman_add_u64(rule, "AuditApplicationEventID", log->policies[i].event);
            wsman_add_u64(rule, "PolicyType", log->policies[i].is_critical);
        }
    }
    return rule;
}

static uint32_t set_policy(struct audit_log *log, uint64_t application, uint64_t event,
                           bool is_enabled, bool is_critical)
{
    if (application > UINT16_MAX || event > UINT16_MAX) {
        return PT_INVALID_PARAMETER;
    }
    uint32_t id = (uint32_t)(application << 16 | event), at = 0;
    while (at < log->policy_count && log->policies[at].event != id) {
        at++;
    }
    if (at == AUDIT_POLICIES_MAX) {
        return PT_INVALID_PARAMETER;
    }
    log->policies[at] = (struct audit_policy){ id, is_enabled, is_enabled && is_critical };
    log->policy_count += at == log->policy_count;
    return PT_SUCCESS;
}

/* Told also when it failed. */
static uint32_t policy_done(struct firmware_call *call, uint32_t status)
{
    audit_log_add(call->firmware, call, AUDIT_AUDIT_LOG, POLICY_MODIFIED, NULL, 0);
    firmware_changed(call->firmware);
    return status;
}

static uint32_t set_one_policy(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!may_audit(call)) {
        return PT_NOT_PERMITTED;
    }
    return policy_done(call, set_policy(call->firmware->audit_log,
                                        wsman_get_u64(in, "AuditedAppID", UINT64_MAX),
                                        wsman_get_u64(in, "EventID", UINT64_MAX),
                                        wsman_get_bool(in, "Enable", false),
                                        wsman_get_u64(in, "PolicyType", 0) == 1));
}

static uint64_t number_of(const struct wsman_value *value)
{
    uint64_t number = UINT64_MAX;
    if (value->text == NULL || text_parse_u64(value->text, UINT32_MAX, &number) != AMT_OK) {
        return UINT64_MAX;
    }
    return number;
}

static bool is_true(const struct wsman_value *value)
{
    return value->text != NULL &&
           (value->text[0] == 't' || value->text[0] == 'T' || strcmp(value->text, "1") == 0);
}

/* Four lists of one length; all of them or nothing. */
static uint32_t set_policies(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const struct wsman_value *enable = wsman_get_values(in, "Enable");
    const struct wsman_value *application = wsman_get_values(in, "AuditedAppID");
    const struct wsman_value *event = wsman_get_values(in, "EventID");
    const struct wsman_value *type = wsman_get_values(in, "PolicyType");
    if (!may_audit(call)) {
        return PT_NOT_PERMITTED;
    }
    struct audit_log changed = *call->firmware->audit_log;
    uint32_t status = PT_SUCCESS;
    while (status == PT_SUCCESS && enable != NULL && application != NULL && event != NULL &&
           type != NULL) {
        status = set_policy(&changed, number_of(application), number_of(event), is_true(enable),
                            number_of(type) == 1);
        enable = enable->next;
        application = application->next;
        event = event->next;
        type = type->next;
    }
    if (enable != NULL || application != NULL || event != NULL || type != NULL) {
        status = PT_INVALID_PARAMETER;
    }
    if (status == PT_SUCCESS) {
        memcpy(call->firmware->audit_log->policies, changed.policies, sizeof changed.policies);
        call->firmware->audit_log->policy_count = changed.policy_count;
    }
    return policy_done(call, status);
}

const struct firmware_method k_audit_policy_methods[] = {
    { "SetAuditPolicy", set_one_policy },
    { "SetAuditPolicyBulk", set_policies },
    { NULL, NULL },
};
