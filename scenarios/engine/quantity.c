#include "scenarios/engine/quantity.h"

#include <string.h>

#include "base/text.h"

bool quantity_chance(const char *text, uint32_t *ppm)
{
    uint32_t scale = 1000000;
    if (text[0] != '0' && text[0] != '1') {
        return false;
    }
    *ppm = text[0] == '1' ? scale : 0;
    if (text[1] == '\0') {
        return true;
    }
    const char *at = text + 2;
    for (; *at >= '0' && *at <= '9'; at++) {
        scale /= 10;
        *ppm += scale * (uint32_t)(*at - '0');
    }
    return text[1] == '.' && at > text + 2 && *at == '\0' && *ppm <= 1000000;
}

bool quantity_rate(const char *text, uint64_t *per_second)
{
    char amount[32];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? sizeof amount : (size_t)(slash - text);
    bool is_per_minute = slash != NULL && strcmp(slash, "/m") == 0;
    if (len >= sizeof amount || (!is_per_minute && strcmp(slash, "/s") != 0)) {
        return false;
    }
    memcpy(amount, text, len);
    amount[len] = '\0';
    if (text_parse_size(amount, per_second) != AMT_OK) {
        return false;
    }
    *per_second /= is_per_minute ? 60 : 1;
    return *per_second > 0;
}
