/* Alerts for the user at the machine, which the host's service shows (redirection.md 9.4). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_USER_ALERTS_H
#define AMTLAB_SIMULATOR_FIRMWARE_USER_ALERTS_H

#include "simulator/firmware/firmware_internal.h"

enum user_alert {
    USER_ALERT_SOL_STARTED,
    USER_ALERT_SOL_STOPPED,
    USER_ALERT_IDER_STARTED,
    USER_ALERT_IDER_STOPPED,
    USER_ALERT_KVM_REQUESTED,
    USER_ALERT_KVM_STARTED,
    USER_ALERT_KVM_STOPPED,
    USER_ALERT_KVM_DATA,
    USER_ALERT_KVM_DISABLED,
    USER_ALERT_KVM_ENABLED,
    USER_ALERT_CONSENT_GRANTED,
    USER_ALERT_CONSENT_ENDED,
    USER_ALERT_CONSENT_REQUESTED,
    USER_ALERT_CONSENT_POLICY,
    /* What the host's service then does. */
    USER_ALERT_SHUTDOWN,
    USER_ALERT_REBOOT,
    USER_ALERT_SLEEP,
    USER_ALERT_HIBERNATE
};
/* Tells subscribers. */
void user_alert(struct firmware *firmware, enum user_alert alert);

#endif
