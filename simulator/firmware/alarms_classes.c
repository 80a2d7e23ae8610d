/* AMT_AlarmClockService and IPS_AlarmClockOccurrence, wsman.md 4.20 (WSM-104). */
#include <string.h>

#include "simulator/firmware/alarms_internal.h"
#include "simulator/firmware/legality.h"

static const struct wsman_ref k_default_ref = { .class_name = "", .selectors = NULL };

/* Copies a name of 1 to 32 characters. */
static bool read_name(const char *text, char out[static ALARM_NAME_BYTES])
{
    const size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len >= ALARM_NAME_BYTES) {
        return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

static bool read_times(const struct firmware *firmware, const char *start, const char *interval,
                       struct alarm *alarm)
{
    return start != NULL && alarm_time_parse(start, &alarm->start_s) && alarm->start_s % 60 == 0 &&
           alarm->start_s > firmware_time_s(firmware) &&
           (interval == NULL || alarm_interval_parse(interval, &alarm->interval_minutes));
}

static bool read_alarm(const struct firmware *firmware, const struct wsman_instance *from,
                       struct alarm *alarm)
{
    *alarm = (struct alarm){ .start_s = 0 };
    if (!read_name(wsman_get(from, "InstanceID"), alarm->name)) {
        return false;
    }
    const char *element_name = wsman_get(from, "ElementName");
    if (element_name != NULL && !read_name(element_name, alarm->element_name)) {
        return false;
    }
    if (element_name == NULL) {
        memcpy(alarm->element_name, alarm->name, sizeof alarm->name);
    }
    alarm->deletes_itself = wsman_get_bool(from, "DeleteOnCompletion", false);
    return read_times(firmware, wsman_get(from, "StartTime"), wsman_get(from, "Interval"), alarm);
}

static bool name_is_free(struct firmware *firmware, const struct alarm *alarm)
{
    const struct alarms *alarms = firmware->alarms;
    for (uint32_t i = 0; i < alarms->count; i++) {
        if (strcmp(alarms->alarms[i].name, alarm->name) == 0 ||
            strcmp(alarms->alarms[i].element_name, alarm->element_name) == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t add_alarm(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct alarms *alarms = call->firmware->alarms;
    struct alarm alarm;
    wsman_set_ref(out, "AlarmClock", &k_default_ref); /* on success too (CAP) */
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (alarms->count >= ALARMS_MAX) {
        return firmware_fault(call, WSMAN_QUOTA_LIMIT, NULL);
    }
    if (!read_alarm(call->firmware, wsman_get_embedded(in, "AlarmTemplate"), &alarm) ||
        !name_is_free(call->firmware, &alarm)) {
        return firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "MissingValues");
    }
    alarms->alarms[alarms->count++] = alarm;
    alarms_arm(call->firmware);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

static void set_interval(struct wsman_instance *instance, const char *name, uint32_t minutes)
{
    char text[ALARM_INTERVAL_BYTES];
    alarm_interval_format(minutes, text);
    wsman_set_interval(instance, name, text);
}

static void fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct alarm *single = &call->firmware->alarms->single;
    if (single->start_s != 0) {
        set_interval(instance, "AMTAlarmClockInterval", single->interval_minutes);
        wsman_set_time(instance, "NextAMTAlarmTime", single->start_s);
    }
}

/* The one alarm of releases before 8; no time, or one that is empty, turns it off. */
static void put_service(struct firmware_call *call, const struct wsman_instance *old,
                        const struct wsman_instance *changed)
{
    (void)old;
    struct alarm single = { .deletes_itself = true };
    const char *start = wsman_get(changed, "NextAMTAlarmTime");
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
        return;
    }
    if (start != NULL && start[0] != '\0' &&
        !read_times(call->firmware, start, wsman_get(changed, "AMTAlarmClockInterval"), &single)) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "MissingValues");
        return;
    }
    call->firmware->alarms->single = single;
    alarms_arm(call->firmware);
    firmware_changed(call->firmware);
}

static struct wsman_instance *list_occurrences(struct firmware_call *call)
{
    const struct alarms *alarms = call->firmware->alarms;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < alarms->count; i++) {
        const struct alarm *alarm = &alarms->alarms[i];
        struct wsman_instance *instance = firmware_instance_new(call, "IPS_AlarmClockOccurrence");
        if (instance == NULL) {
            return first;
        }
        wsman_set_bool(instance, "DeleteOnCompletion", alarm->deletes_itself);
        wsman_set(instance, "ElementName", alarm->element_name);
        wsman_set(instance, "InstanceID", alarm->name);
        set_interval(instance, "Interval", alarm->interval_minutes);
        wsman_set_time(instance, "StartTime", alarm->start_s);
        *end = instance;
        end = &instance->next;
    }
    return first;
}

static void put_occurrence(struct firmware_call *call, const struct wsman_instance *old,
                           const struct wsman_instance *changed)
{
    struct alarm *alarm = alarms_find(call->firmware, wsman_get(old, "InstanceID"));
    struct alarm read;
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
        return;
    }
    if (alarm == NULL || !read_alarm(call->firmware, changed, &read) ||
        strcmp(read.name, alarm->name) != 0) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "MissingValues");
        return;
    }
    *alarm = read;
    alarms_arm(call->firmware);
    firmware_changed(call->firmware);
}

static void remove_occurrence(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct alarm *alarm = alarms_find(call->firmware, wsman_get(instance, "InstanceID"));
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
    } else if (alarm == NULL) {
        firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
    } else {
        alarms_remove(call->firmware, alarm);
        alarms_arm(call->firmware);
        firmware_changed(call->firmware);
    }
}

static const struct firmware_method k_methods[] = {
    { "AddAlarm", add_alarm },
    { NULL, NULL },
};
const struct firmware_behaviour k_alarms_behaviours[] = {
    { .class_name = "AMT_AlarmClockService",
      .fill = fill_service,
      .put = put_service,
      .methods = k_methods },
    { .class_name = "IPS_AlarmClockOccurrence",
      .list = list_occurrences,
      .put = put_occurrence,
      .remove = remove_occurrence },
    { .class_name = NULL },
};
