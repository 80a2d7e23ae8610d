#include "client/logs.h"

#include <string.h>

#include "base/cursor.h"

#define AUDIT_PAGES_MAX 2000u
#define EVENT_PAGES_MAX 100u
#define EVENT_PAGE      390u
#define EVENT_BYTES     21u

static const char *text_of(struct client_device *d, const uint8_t *base, const struct view *view)
{
    const char *text = arena_text(d->arena, (const char *)base + view->off, view->len);
    return text == NULL ? "" : text;
}

/* A length of one byte, and so many. */
static bool read_short(struct cursor *c, struct view *view)
{
    uint8_t len = 0;
    return cursor_u8(c, &len) == AMT_OK && cursor_take(c, len, view) == AMT_OK;
}

static bool read_initiator(struct client_device *d, struct cursor *c,
                           struct client_audit_record *record)
{
    struct view name = { 0, 0 };
    uint32_t in_domain = 0;
    uint8_t type = 0;
    record->user = "";
    if (cursor_u8(c, &type) != AMT_OK) {
        return false;
    }
    record->initiator = type;
    if (type == 1 && cursor_u32(c, &in_domain) != AMT_OK) {
        return false;
    }
    if (type > 1) {
        return true;
    }
    if (!read_short(c, &name)) {
        return false;
    }
    record->user = text_of(d, c->base, &name);
    return true;
}

/* Big-endian, unlike the event log. */
static bool decode_audit(struct client_device *d, const uint8_t *bytes, size_t len,
                         struct client_audit_record *record)
{
    struct cursor c = { .base = bytes, .len = (uint32_t)len };
    struct view address = { 0, 0 }, extra = { 0, 0 };
    uint16_t application = 0, event = 0;
    uint8_t location = 0;
    bool is_good = cursor_u16(&c, &application) == AMT_OK && cursor_u16(&c, &event) == AMT_OK &&
                   read_initiator(d, &c, record) && cursor_u32(&c, &record->time_s) == AMT_OK &&
                   cursor_u8(&c, &location) == AMT_OK && read_short(&c, &address) &&
                   read_short(&c, &extra);
    record->application = application;
    record->event = event;
    record->location = location;
    record->address = text_of(d, bytes, &address);
    record->extra = bytes + extra.off;
    record->extra_bytes = extra.len;
    return is_good;
}

/* The bytes of one value; wsman_get_base64 decodes the first value of a property. */
static const uint8_t *decode_base64(struct client_device *d, const char *text, size_t *len)
{
    struct wsman_instance *holder = wsman_instance_new(d->arena, "");
    wsman_set(holder, "V", text);
    return wsman_get_base64(holder, "V", len);
}

static bool add_audit_records(struct client_device *d, const struct wsman_value *values,
                              struct client_audit_record ***end, uint32_t *count)
{
    for (const struct wsman_value *at = values; at != NULL; at = at->next) {
        struct client_audit_record *record = arena_alloc(d->arena, sizeof *record);
        size_t len = 0;
        if (record == NULL) {
            return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
        }
        const uint8_t *bytes = decode_base64(d, at->text, &len);
        record->raw = at->text;
        record->user = "";
        record->address = "";
        record->is_readable = bytes != NULL && decode_audit(d, bytes, len, record);
        **end = record;
        *end = &record->next;
        *count += 1;
    }
    return true;
}

bool client_audit_log(struct client_device *d, struct client_audit_record **first, uint32_t *count)
{
    struct client_audit_record **end = first;
    *first = NULL;
    *count = 0;
    /* Bounded, because firmware was seen to send the first page for ever (FF-118). */
    for (uint32_t page = 0; page < AUDIT_PAGES_MAX; page++) {
        struct wsman_instance *input = client_input(d);
        wsman_set_u64(input, "StartIndex", *count + 1ULL);
        if (!client_invoke(d, "AMT_AuditLog", "ReadRecords", input)) {
            /* 35: the index is behind the end */
            return d->outcome.result == WSMAN_DONE && d->outcome.return_value == 35;
        }
        const struct wsman_instance *output = d->outcome.reply->instance;
        uint64_t total = wsman_get_u64(output, "TotalRecordCount", 0);
        const struct wsman_value *records = wsman_get_values(output, "EventRecords");
        if (!add_audit_records(d, records, &end, count)) {
            return false;
        }
        if (records == NULL || *count >= total) {
            return true;
        }
    }
    return client_fail(d, WSMAN_GARBLED, "the audit log does not end");
}

const char *client_audit_application(uint32_t application)
{
    static const char *const k_names[] = { "Security Admin",
                                           "Remote Control",
                                           "Redirection Manager",
                                           "Firmware Update Manager",
                                           "Security Audit Log",
                                           "Network Time",
                                           "Network Administration",
                                           "Storage Administration",
                                           "Event Manager",
                                           "Circuit Breaker Manager",
                                           "Agent Presence Manager",
                                           "Wireless Configuration",
                                           "Endpoint Access Control",
                                           "KVM",
                                           "User Opt-In",
                                           "unknown application",
                                           "Screen Blanking",
                                           "Watchdog" };
    bool is_known = application >= 16 && application - 16 < sizeof k_names / sizeof k_names[0];
    return is_known ? k_names[application - 16] : "unknown application";
}

const char *client_audit_initiator(uint32_t initiator)
{
    static const char *const k_names[] = { "digest", "kerberos", "local", "KVM port" };
    return initiator < 4 ? k_names[initiator] : "unknown";
}

static bool decode_event(const uint8_t *bytes, size_t len, struct client_event_record *record)
{
    if (len < EVENT_BYTES) {
        return false;
    }
    record->time_s = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24;
    record->address = bytes[4];
    record->sensor_type = bytes[5];
    record->type = bytes[6];
    record->offset = bytes[7];
    record->source = bytes[8];
    record->severity = bytes[9];
    record->sensor = bytes[10];
    record->entity = bytes[11];
    record->entity_instance = bytes[12];
    memcpy(record->data, bytes + 13, sizeof record->data);
    return true;
}

static bool add_event_records(struct client_device *d, const struct wsman_value *values,
                              struct client_event_record ***end, uint32_t *count)
{
    for (const struct wsman_value *at = values; at != NULL; at = at->next) {
        struct client_event_record *record = arena_alloc(d->arena, sizeof *record);
        size_t len = 0;
        if (record == NULL) {
            return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
        }
        const uint8_t *bytes = decode_base64(d, at->text, &len);
        record->raw = at->text;
        record->is_readable = bytes != NULL && decode_event(bytes, len, record);
        **end = record;
        *end = &record->next;
        *count += 1;
    }
    return true;
}

bool client_event_log(struct client_device *d, struct client_event_record **first, uint32_t *count)
{
    struct client_event_record **end = first;
    *first = NULL;
    *count = 0;
    if (!client_invoke(d, "AMT_MessageLog", "PositionToFirstRecord", NULL)) {
        return false;
    }
    const char *position = wsman_get(d->outcome.reply->instance, "IterationIdentifier");
    for (uint32_t page = 0; page < EVENT_PAGES_MAX; page++) {
        struct wsman_instance *input = client_input(d);
        wsman_set(input, "IterationIdentifier", position == NULL ? "1" : position);
        wsman_set_u64(input, "MaxReadRecords", EVENT_PAGE);
        if (!client_invoke(d, "AMT_MessageLog", "GetRecords", input)) {
            /* 2: no record there */
            return d->outcome.result == WSMAN_DONE && d->outcome.return_value == 2;
        }
        const struct wsman_instance *output = d->outcome.reply->instance;
        const char *next = wsman_get(output, "IterationIdentifier");
        const struct wsman_value *records = wsman_get_values(output, "RecordArray");
        if (!add_event_records(d, records, &end, count)) {
            return false;
        }
        bool stands_still = next == NULL || (position != NULL && strcmp(next, position) == 0);
        if (wsman_get_bool(output, "NoMoreRecords", true) || records == NULL || stands_still) {
            return true;
        }
        position = next;
    }
    return client_fail(d, WSMAN_GARBLED, "the event log does not end");
}

const char *client_event_severity(uint8_t severity)
{
    switch (severity) {
    case 1:
        return "monitor";
    case 2:
        return "information";
    case 4:
        return "ok";
    case 8:
        return "warning";
    case 16:
        return "critical";
    case 32:
        return "not recoverable";
    default:
        return "unspecified";
    }
}
