/* Shared by alarms.c (the clockwork) and alarms_classes.c. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_ALARMS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_ALARMS_INTERNAL_H

#include "simulator/firmware/alarms.h"

#define ALARMS_MAX           5u
#define ALARM_NAME_BYTES     33u
#define ALARM_MINUTES_MAX    (100u * 366 * 24 * 60)
#define ALARM_INTERVAL_BYTES 24u

struct alarm {
    char name[ALARM_NAME_BYTES]; /* InstanceID */
    char element_name[ALARM_NAME_BYTES];
    uint64_t start_s;          /* the next time, device clock */
    uint32_t interval_minutes; /* 0: once */
    bool deletes_itself;
    bool is_done; /* one shot that has rung */
};

struct alarms {
    struct alarm alarms[ALARMS_MAX];
    uint32_t count;
    struct alarm single; /* of AMT_AlarmClockService, releases 5.1 to 7; start_s 0: none */
    struct timer timer;
};

/* Starts the timer for the next alarm. */
void alarms_arm(struct firmware *firmware);
struct alarm *alarms_find(struct firmware *firmware, const char *name);
void alarms_remove(struct firmware *firmware, struct alarm *alarm);

/* "2030-01-01T06:00:00Z" to Unix seconds; false: not that form, or no such time. */
bool alarm_time_parse(const char *text, uint64_t *unix_s);
/* "P1DT23H59M" (days, hours below 24, minutes below 60; parts may be left out) to minutes. */
bool alarm_interval_parse(const char *text, uint32_t *minutes);
void alarm_interval_format(uint32_t minutes, char out[static ALARM_INTERVAL_BYTES]);

extern const struct firmware_behaviour k_alarms_behaviours[];

#endif
