#include "protocol/activation/report.h"

const char *activation_report_suffix(const struct activation_report *report)
{
    if (report->dns_suffix != NULL && report->dns_suffix[0] != '\0') {
        return report->dns_suffix;
    }
    return report->os_dns_suffix == NULL ? "" : report->os_dns_suffix;
}

void activation_report_wipe(struct activation_report *report)
{
    secret_fini(&report->local_password);
}
