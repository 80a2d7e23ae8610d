/* Shared by the files of the event log. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_EVENT_LOG_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_EVENT_LOG_INTERNAL_H

#include "simulator/firmware/event_log.h"

struct event_log {
    uint8_t *records;  /* ring of EVENT_LOG_RECORDS_MAX wire records; NULL while there is none */
    uint64_t appended; /* records since the last clearing */
    bool is_frozen;
    /* Positions of iterations count from the record that was the newest when the first record was
     * asked for, so that new events do not shift them: its number among those appended. */
    uint64_t iteration_newest;
};

void event_record_encode(const struct event_record *record, uint32_t time_s,
                         uint8_t out[static EVENT_RECORD_BYTES]);
void event_record_decode(const uint8_t bytes[static EVENT_RECORD_BYTES],
                         struct event_record *record, uint32_t *time_s);
uint32_t event_log_count(const struct event_log *log);
/* The record with this number among those appended, from 1; NULL when it is gone or not yet there. */
const uint8_t *event_log_record(const struct event_log *log, uint64_t number);
void event_log_clear(struct firmware *firmware);

/* event_log_classes.c */
extern const struct firmware_method k_event_log_methods[];
void event_log_fill(struct firmware_call *call, struct wsman_instance *instance);
struct wsman_instance *event_log_list_entries(struct firmware_call *call);

#endif
