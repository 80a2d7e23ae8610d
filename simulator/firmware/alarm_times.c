/* The two forms of time in alarms, wsman.md 2.7. */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/alarms_internal.h"

#define TIME_CHARS      20u /* YYYY-MM-DDThh:mm:ssZ */
#define MINUTES_PER_DAY 1440u
#define DAYS_MAX        (ALARM_MINUTES_MAX / MINUTES_PER_DAY)

static bool digits(const char *text, size_t count, uint32_t *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *value = *value * 10 + (uint32_t)(text[i] - '0');
    }
    return true;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
    static const uint32_t k_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return k_days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

static uint64_t days_since_1970(uint32_t year, uint32_t month, uint32_t day)
{
    uint64_t days = (uint64_t)(year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 +
                    (year - 1601) / 400;
    for (uint32_t before = 1; before < month; before++) {
        days += days_in(year, before);
    }
    return days + day - 1;
}

bool alarm_time_parse(const char *text, uint64_t *unix_s)
{
    uint32_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (strlen(text) != TIME_CHARS || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z' || !digits(text, 4, &year) ||
        !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day) ||
        !digits(text + 11, 2, &hour) || !digits(text + 14, 2, &minute) ||
        !digits(text + 17, 2, &second)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
        hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *unix_s =
        (days_since_1970(year, month, day) * 24 + hour) * 3600 + (uint64_t)minute * 60 + second;
    return true;
}

/* Takes "12H" off the text when its unit is the one asked for. False: too large. */
static bool take_part(const char **text, char unit, uint32_t max, uint32_t *value)
{
    size_t len = strspn(*text, "0123456789");
    *value = 0;
    if (len == 0 || (*text)[len] != unit) {
        return true; /* left out */
    }
    if (len > 6 || !digits(*text, len, value) || *value > max) {
        return false;
    }
    *text += len + 1;
    return true;
}

bool alarm_interval_parse(const char *text, uint32_t *minutes)
{
    uint32_t days = 0, hours = 0, rest = 0, seconds = 0;
    if (text[0] != 'P' || text[1] == '\0') {
        return false;
    }
    text++;
    if (!take_part(&text, 'D', DAYS_MAX, &days)) {
        return false;
    }
    if (*text == 'T') {
        text++;
        if (*text == '\0' || !take_part(&text, 'H', 23, &hours) ||
            !take_part(&text, 'M', 59, &rest) || !take_part(&text, 'S', 0, &seconds)) {
            return false;
        }
    }
    *minutes = days * MINUTES_PER_DAY + hours * 60 + rest;
    return *text == '\0';
}

void alarm_interval_format(uint32_t minutes, char out[static ALARM_INTERVAL_BYTES])
{
    snprintf(out, ALARM_INTERVAL_BYTES, "P%uDT%uH%uM", (unsigned)(minutes / MINUTES_PER_DAY),
             (unsigned)(minutes / 60 % 24), (unsigned)(minutes % 60));
}
