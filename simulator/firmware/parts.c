/* The parts of the firmware, in the order they are made. */
#include "simulator/firmware/alarms.h"
#include "simulator/firmware/associations.h"
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/boot.h"
#include "simulator/firmware/clock.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/subscriptions.h"
#include "simulator/firmware/system_defense.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"
#include "simulator/firmware/watchdogs.h"

const struct firmware_part *const k_firmware_parts[] = {
    &k_settings_part,
    &k_clock_part,
    &k_event_log_part,
    &k_audit_log_part,
    &k_provisioning_part,
    &k_users_part,
    &k_boot_part,
    &k_power_part,
    &k_alarms_part,
    &k_consent_part,
    &k_keys_part,
    &k_tls_settings_part,
    &k_network_part,
    &k_remote_access_part,
    &k_subscriptions_part,
    &k_watchdogs_part,
    &k_system_defense_part,
    &k_inventory_part,
    NULL,
};
