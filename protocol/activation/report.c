#include "protocol/activation/report.h"

#include <string.h>

#define LABEL_MAX_CHARS 63u
#define BLANKS          " \t\r\n"

void activation_suffix_clean(const char *suffix, char out[static ACTIVATION_SUFFIX_BYTES])
{
    size_t from = strspn(suffix, BLANKS);
    size_t end = strlen(suffix);
    while (end > from && strchr(BLANKS, suffix[end - 1]) != NULL) {
        end -= 1;
    }
    if (end > from && suffix[end - 1] == '.') {
        end -= 1;
    }
    size_t len = end - from < ACTIVATION_SUFFIX_BYTES ? end - from : ACTIVATION_SUFFIX_BYTES - 1;
    memcpy(out, suffix + from, len);
    out[len] = '\0';
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

bool activation_suffix_is_name(const char *suffix)
{
    size_t label = 0;
    for (const char *at = suffix; *at != '\0'; at++) {
        if (*at == '.' && label > 0) {
            label = 0;
        } else if (is_label_char(*at) && label < LABEL_MAX_CHARS) {
            label += 1;
        } else {
            return false;
        }
    }
    return label > 0;
}

const char *activation_report_suffix(const struct activation_report *report)
{
    char clean[ACTIVATION_SUFFIX_BYTES];
    activation_suffix_clean(report->dns_suffix == NULL ? "" : report->dns_suffix, clean);
    if (clean[0] != '\0') {
        return report->dns_suffix;
    }
    activation_suffix_clean(report->os_dns_suffix == NULL ? "" : report->os_dns_suffix, clean);
    return clean[0] == '\0' ? "" : report->os_dns_suffix;
}

/* The number 3 has two meanings, the length has one (activation.md 2.5). */
bool activation_hash_of_length(uint32_t len, enum activation_hash_type *type)
{
    static const struct {
        uint32_t len;
        enum activation_hash_type type;
    } k_lengths[] = { { 16, ACTIVATION_HASH_MD5 },
                      { 20, ACTIVATION_HASH_SHA1 },
                      { 32, ACTIVATION_HASH_SHA256 },
                      { 48, ACTIVATION_HASH_SHA384 } };
    for (size_t i = 0; i < sizeof k_lengths / sizeof k_lengths[0]; i++) {
        if (k_lengths[i].len == len) {
            *type = k_lengths[i].type;
            return true;
        }
    }
    return false;
}

void activation_report_wipe(struct activation_report *report)
{
    secret_fini(&report->local_password);
}
