/* Shared by the files of the audit log. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_AUDIT_LOG_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_AUDIT_LOG_INTERNAL_H

#include "base/bytes.h"
#include "simulator/firmware/audit_log.h"

#define AUDIT_LOG_BYTES        65536u /* with two bytes of length before each record */
#define AUDIT_RECORD_MAX_BYTES 400u
#define AUDIT_POLICIES_MAX     64u

enum audit_storage { AUDIT_NO_ROLL_OVER = 0, AUDIT_ROLL_OVER = 1, AUDIT_RESTRICTED_ROLL_OVER = 2 };

/* An event whose policy an auditor has set: (application << 16) | event. */
struct audit_policy {
    uint32_t event;
    bool is_enabled, is_critical;
};

struct audit_log {
    struct bytes records; /* oldest first; each with a big-endian length before it */
    uint32_t count;
    uint64_t last_s; /* time of the newest; 0 without one */
    bool is_disabled;
    uint32_t storage, min_days;
    struct audit_policy policies[AUDIT_POLICIES_MAX];
    uint32_t policy_count;
    /* SetAuditLock */
    bool is_locked, blocks_unprovision;
    uint32_t lock_handle;
    struct timer lock_timer;
};

/* A record in its wire form (wsman.md 4.17). */
struct audit_record {
    uint8_t bytes[AUDIT_RECORD_MAX_BYTES];
    uint16_t len;
};
/* call NULL: the local system did it. */
void audit_record_encode(struct audit_record *record, const struct firmware_call *call,
                         uint32_t application, uint16_t event, uint64_t time_s, const uint8_t *data,
                         uint8_t data_len);
/* Appends without asking whether the log is on; the oldest make room as the storage policy says. */
void audit_log_append(struct firmware *firmware, const struct audit_record *record);
void audit_log_clear(struct firmware *firmware);
/* Length of the record at this offset in the queue, and the offset of its bytes. */
uint16_t audit_log_record_at(const struct audit_log *log, uint32_t offset, const uint8_t **bytes);
/* In per cent of the log. */
uint32_t audit_log_free(const struct audit_log *log);

/* audit_log_classes.c */
extern const struct firmware_method k_audit_log_methods[], k_audit_policy_methods[];
void audit_log_fill(struct firmware_call *call, struct wsman_instance *instance);
void audit_log_put(struct firmware_call *call, const struct wsman_instance *old,
                   const struct wsman_instance *changed);
struct wsman_instance *audit_policy_list(struct firmware_call *call);

#endif
