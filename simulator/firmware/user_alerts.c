#include "simulator/firmware/user_alerts.h"

#include "simulator/firmware/subscriptions.h"

#define SEVERITY_INFORMATION 2u

void user_alert(struct firmware *firmware, enum user_alert alert)
{
    static const struct {
        const char *message_id, *argument;
    } k_alerts[] = {
        [USER_ALERT_SOL_STARTED] = { "iAMT0050", "48" },
        [USER_ALERT_SOL_STOPPED] = { "iAMT0050", "49" },
        [USER_ALERT_IDER_STARTED] = { "iAMT0050", "50" },
        [USER_ALERT_IDER_STOPPED] = { "iAMT0050", "51" },
        [USER_ALERT_KVM_REQUESTED] = { "iAMT0052", "0" },
        [USER_ALERT_KVM_STARTED] = { "iAMT0052", "1" },
        [USER_ALERT_KVM_STOPPED] = { "iAMT0052", "2" },
        [USER_ALERT_KVM_DATA] = { "iAMT0052", "3" },
        [USER_ALERT_KVM_DISABLED] = { "iAMT0059", "0" },
        [USER_ALERT_KVM_ENABLED] = { "iAMT0059", "1" },
        [USER_ALERT_CONSENT_GRANTED] = { "iAMT0064", "1" },
        [USER_ALERT_CONSENT_ENDED] = { "iAMT0064", "2" },
        [USER_ALERT_CONSENT_REQUESTED] = { "iAMT0064", "3" },
        [USER_ALERT_CONSENT_POLICY] = { "iAMT0064", "4" },
        [USER_ALERT_SHUTDOWN] = { "iAMT0067", "0" },
        [USER_ALERT_REBOOT] = { "iAMT0067", "1" },
        [USER_ALERT_SLEEP] = { "iAMT0067", "2" },
        [USER_ALERT_HIBERNATE] = { "iAMT0067", "3" },
    };
    const char *const arguments[] = { k_alerts[alert].argument };
    subscriptions_alert(firmware, k_alerts[alert].message_id, arguments, 1, SEVERITY_INFORMATION);
}
