/* The event log: a ring of 390 records of 21 bytes as they go over the wire (wsman.md 4.18). */
#include <string.h>

#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions.h"

/* Values of platform events (IPMI, PET) that this device reports, as captured devices do. */
#define SENSOR_PLATFORM_SECURITY 0x06
#define SENSOR_FIRMWARE_PROGRESS 0x0f
#define SENSOR_SPECIFIC          0x6f
#define OFFSET_FIRMWARE_ERROR    0
#define OFFSET_FIRMWARE_HANG     1
#define OFFSET_FIRMWARE_PROGRESS 2
#define OFFSET_PASSWORD_FAILED   5
#define SOURCE_FIRMWARE          0x68
#define SEVERITY_MONITOR         0x01
#define SEVERITY_CRITICAL        0x10
#define ENTITY_BIOS              0x22
#define ENTITY_MANAGEMENT        0x26
#define NO_SENSOR                0xff
/* PerceivedSeverity of CIM_AlertIndication */
#define PERCEIVED_INFORMATION 2u
#define PERCEIVED_CRITICAL    6u

void event_record_encode(const struct event_record *record, uint32_t time_s,
                         uint8_t out[static EVENT_RECORD_BYTES])
{
    for (uint32_t i = 0; i < 4; i++) {
        out[i] = (uint8_t)(time_s >> (8 * i));
    }
    const uint8_t fields[9] = {
        record->device_address, record->sensor_type, record->type,
        record->offset,         record->source_type, record->severity,
        record->sensor_number,  record->entity,      record->entity_instance
    };
    memcpy(out + 4, fields, sizeof fields);
    memcpy(out + 13, record->data, sizeof record->data);
}

void event_record_decode(const uint8_t bytes[static EVENT_RECORD_BYTES],
                         struct event_record *record, uint32_t *time_s)
{
    *time_s = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
              (uint32_t)bytes[3] << 24;
    *record = (struct event_record){ .device_address = bytes[4],
                                     .sensor_type = bytes[5],
                                     .type = bytes[6],
                                     .offset = bytes[7],
                                     .source_type = bytes[8],
                                     .severity = bytes[9],
                                     .sensor_number = bytes[10],
                                     .entity = bytes[11],
                                     .entity_instance = bytes[12] };
    memcpy(record->data, bytes + 13, sizeof record->data);
}

uint32_t event_log_count(const struct event_log *log)
{
    return log->appended < EVENT_LOG_RECORDS_MAX ? (uint32_t)log->appended : EVENT_LOG_RECORDS_MAX;
}

static uint8_t *slot(const struct event_log *log, uint64_t number)
{
    return log->records + (number - 1) % EVENT_LOG_RECORDS_MAX * EVENT_RECORD_BYTES;
}

const uint8_t *event_log_record(const struct event_log *log, uint64_t number)
{
    if (number == 0 || number > log->appended || log->appended - number >= EVENT_LOG_RECORDS_MAX) {
        return NULL;
    }
    return slot(log, number);
}

void event_log_clear(struct firmware *firmware)
{
    struct event_log *log = firmware->event_log;
    amt_free(log->records);
    log->records = NULL;
    log->appended = 0;
    log->iteration_newest = 0;
    firmware_changed(firmware);
}

/* False without memory: the event is lost, as it is for a log that is frozen. */
static bool append(struct event_log *log, const uint8_t bytes[static EVENT_RECORD_BYTES])
{
    if (log->records == NULL) {
        log->records = amt_alloc((size_t)EVENT_LOG_RECORDS_MAX * EVENT_RECORD_BYTES);
    }
    if (log->records == NULL) {
        return false;
    }
    log->appended++;
    memcpy(slot(log, log->appended), bytes, EVENT_RECORD_BYTES);
    return true;
}

/* The message that subscribers get for a platform event; NULL: none. */
static const char *message_of(const struct event_record *record)
{
    static const struct {
        uint8_t sensor_type, offset;
        const char *message_id;
    } k_messages[] = {
        { SENSOR_PLATFORM_SECURITY, OFFSET_PASSWORD_FAILED, "PLAT0032" },
        { SENSOR_FIRMWARE_PROGRESS, OFFSET_FIRMWARE_ERROR, "PLAT0184" },
        { SENSOR_FIRMWARE_PROGRESS, OFFSET_FIRMWARE_HANG, "PLAT0186" },
        { SENSOR_FIRMWARE_PROGRESS, OFFSET_FIRMWARE_PROGRESS, "PLAT0188" },
    };
    for (size_t i = 0; i < sizeof k_messages / sizeof *k_messages; i++) {
        if (k_messages[i].sensor_type == record->sensor_type &&
            k_messages[i].offset == record->offset && record->type == SENSOR_SPECIFIC) {
            return k_messages[i].message_id;
        }
    }
    return NULL;
}

void event_log_add(struct firmware *firmware, const struct event_record *record)
{
    struct event_log *log = firmware->event_log;
    if (!log->is_frozen) {
        uint8_t bytes[EVENT_RECORD_BYTES];
        event_record_encode(record, (uint32_t)firmware_time_s(firmware), bytes);
        if (append(log, bytes)) {
            firmware_changed(firmware);
        }
    }
    const char *message_id = message_of(record);
    if (message_id != NULL) {
        subscriptions_alert(firmware, message_id, NULL, 0,
                            record->severity >= SEVERITY_CRITICAL ? PERCEIVED_CRITICAL
                                                                  : PERCEIVED_INFORMATION);
    }
}

/* Second data byte of a firmware progress event (IPMI 2.0, table 42-3). */
static uint8_t progress_code(const char *what)
{
    static const struct {
        const char *what;
        uint8_t code;
    } k_codes[] = {
        { "started", 0x01 }, /* memory initialization */
        { "disk", 0x02 },    /* hard disk initialization */
        { "bios", 0x05 },    /* user-initiated system setup */
        { "cd", 0x06 },      /* USB resource configuration: where the drives are, redirected too */
        { "floppy", 0x16 },  /* floppy initialization */
        { "pxe", 0x08 },     /* option ROM initialization */
        { "https", 0x08 },   /* the same, of the network */
        { "wake", 0x12 },    /* calling operating system wake-up vector */
        { "os", 0x13 },      /* starting operating system boot process */
    };
    for (size_t i = 0; i < sizeof k_codes / sizeof *k_codes; i++) {
        if (strcmp(k_codes[i].what, what) == 0) {
            return k_codes[i].code;
        }
    }
    return 0x00; /* unspecified */
}

void event_log_boot(struct firmware *firmware, const char *what)
{
    const struct event_record record = { .device_address = NO_SENSOR,
                                         .sensor_type = SENSOR_FIRMWARE_PROGRESS,
                                         .type = SENSOR_SPECIFIC,
                                         .offset = OFFSET_FIRMWARE_PROGRESS,
                                         .source_type = SOURCE_FIRMWARE,
                                         .severity = SEVERITY_MONITOR,
                                         .sensor_number = NO_SENSOR,
                                         .entity = ENTITY_BIOS,
                                         .data = { 0x40, progress_code(what) } };
    event_log_add(firmware, &record);
}

void event_log_auth_failed(struct firmware *firmware, uint32_t times)
{
    const struct event_record record = { .device_address = NO_SENSOR,
                                         .sensor_type = SENSOR_PLATFORM_SECURITY,
                                         .type = SENSOR_SPECIFIC,
                                         .offset = OFFSET_PASSWORD_FAILED,
                                         .source_type = SOURCE_FIRMWARE,
                                         .severity = SEVERITY_CRITICAL,
                                         .sensor_number = NO_SENSOR,
                                         .entity = ENTITY_MANAGEMENT,
                                         .entity_instance = 0x61,
                                         .data = { 0xaa, (uint8_t)times, (uint8_t)(times >> 8) } };
    event_log_add(firmware, &record);
}

static enum amt_err event_log_init(struct firmware *firmware)
{
    firmware->event_log = amt_alloc(sizeof *firmware->event_log);
    return firmware->event_log == NULL ? AMT_ENOMEM : AMT_OK;
}

static void event_log_fini(struct firmware *firmware)
{
    if (firmware->event_log != NULL) {
        amt_free(firmware->event_log->records);
    }
    amt_free(firmware->event_log);
    firmware->event_log = NULL;
}

/* The platform's history stays; only what an operator has set goes. */
static void event_log_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    firmware->event_log->is_frozen = false;
    firmware_changed(firmware);
}

/* Oldest first. */
static json_t *event_log_save(struct firmware *firmware)
{
    const struct event_log *log = firmware->event_log;
    json_t *state = json_object();
    struct text hex = { 0 };
    for (uint64_t n = log->appended - event_log_count(log) + 1; n <= log->appended; n++) {
        text_hex(&hex, slot(log, n), EVENT_RECORD_BYTES);
    }
    bool is_whole = !hex.failed && state_put_text(state, "records", text_chars(&hex)) &&
                    state_put_bool(state, "frozen", log->is_frozen);
    text_fini(&hex);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err event_log_load(struct firmware *firmware, const json_t *state,
                                   struct amt_diag *diag)
{
    struct event_log *log = firmware->event_log;
    const size_t cap = (size_t)EVENT_LOG_RECORDS_MAX * EVENT_RECORD_BYTES;
    uint8_t *bytes = amt_alloc(cap);
    size_t len = 0;
    enum amt_err err =
        bytes == NULL ? AMT_ENOMEM : state_get_bytes(state, "records", bytes, cap, &len, diag);
    if (err == AMT_OK && len % EVENT_RECORD_BYTES != 0) {
        err = amt_diag_set(diag, AMT_ECONFIG, "saved state: the event log has half a record");
    }
    for (size_t at = 0; err == AMT_OK && at < len; at += EVENT_RECORD_BYTES) {
        err = append(log, bytes + at) ? AMT_OK : AMT_ENOMEM;
    }
    amt_free(bytes);
    TRY(err);
    return state_get_bool(state, "frozen", &log->is_frozen, diag);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_EventLogEntry",
      .read_realm = REALM_EVENT_LOG_READER,
      .list = event_log_list_entries },
    { .class_name = "AMT_MessageLog",
      .read_realm = REALM_EVENT_LOG_READER,
      .write_realm = REALM_EVENT_MANAGER,
      .fill = event_log_fill,
      .methods = k_event_log_methods },
    { .class_name = NULL },
};

const struct firmware_part k_event_log_part = { .name = "event_log",
                                                .init = event_log_init,
                                                .fini = event_log_fini,
                                                .unprovision = event_log_unprovision,
                                                .save = event_log_save,
                                                .load = event_log_load,
                                                .behaviours = k_behaviours };
