#include "protocol/activation/report.h"

#include <stddef.h>

const char *activation_report_suffix(const struct activation_report *report)
{
    if (report->dns_suffix != NULL && report->dns_suffix[0] != '\0') {
        return report->dns_suffix;
    }
    return report->os_dns_suffix == NULL ? "" : report->os_dns_suffix;
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
