/* AMT_BootSettingData: options for one boot, wsman.md 4.16. */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/boot_internal.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/legality.h"

#define PARAMETER_HEAD_BYTES 8u
#define PARAMETER_VENDOR     0x8086u
#define VERBOSITY_MAX        3u

const struct boot_option_facts k_boot_options[OPTION_COUNT_] = {
    [OPTION_BIOS_PAUSE] = { "BIOSPause", true, 1, "BIOSPause" },
    [OPTION_BIOS_SETUP] = { "BIOSSetup", true, 1, "BIOSSetup" },
    [OPTION_MEDIA_INDEX] = { "BootMediaIndex", false, UINT16_MAX, NULL },
    [OPTION_CONFIGURATION_RESET] = { "ConfigurationDataReset", true, 1, "ConfigurationDataReset" },
    [OPTION_ENFORCE_SECURE_BOOT] = { "EnforceSecureBoot", true, 1, NULL },
    [OPTION_VERBOSITY] = { "FirmwareVerbosity", false, VERBOSITY_MAX, NULL },
    [OPTION_PROGRESS_EVENTS] = { "ForcedProgressEvents", true, 1, "ForcedProgressEvents" },
    [OPTION_IDER_DEVICE] = { "IDERBootDevice", false, 1, NULL },
    [OPTION_LOCK_KEYBOARD] = { "LockKeyboard", true, 1, "KeyboardLock" },
    [OPTION_LOCK_POWER_BUTTON] = { "LockPowerButton", true, 1, "PowerButtonLock" },
    [OPTION_LOCK_RESET_BUTTON] = { "LockResetButton", true, 1, "ResetButtonLock" },
    [OPTION_LOCK_SLEEP_BUTTON] = { "LockSleepButton", true, 1, "SleepButtonLock" },
    [OPTION_PLATFORM_ERASE] = { "PlatformErase", true, 1, "PlatformErase" },
    [OPTION_REFLASH] = { "ReflashBIOS", true, 1, "BIOSReflash" },
    [OPTION_SECURE_ERASE] = { "SecureErase", true, 1, "SecureErase" },
    [OPTION_USE_IDER] = { "UseIDER", true, 1, "IDER" },
    [OPTION_USE_SOL] = { "UseSOL", true, 1, "SOL" },
    [OPTION_SAFE_MODE] = { "UseSafeMode", true, 1, "ForceHardDriveSafeModeBoot" },
    [OPTION_PASSWORD_BYPASS] = { "UserPasswordBypass", true, 1, "UserPasswordBypass" },
};

static bool settings_are_default(const struct boot *boot, const struct boot_settings *settings)
{
    return memcmp(settings->options, boot->defaults, sizeof boot->defaults) == 0 &&
           settings->parameters_len == 0 && settings->rse_password[0] == '\0';
}

static bool settings_are_equal(const struct boot_settings *a, const struct boot_settings *b)
{
    return memcmp(a->options, b->options, sizeof a->options) == 0 &&
           a->parameters_len == b->parameters_len &&
           memcmp(a->parameters, b->parameters, a->parameters_len) == 0 &&
           strcmp(a->rse_password, b->rse_password) == 0;
}

bool boot_options_are_default(const struct boot *boot)
{
    return settings_are_default(boot, &boot->next) && boot->next.source[0] == '\0';
}

/* wsman.md 4.16, 5.2: options take hold of the user's machine, except those that alone do nothing to it. */
static bool needs_consent(const struct boot *boot, const struct boot_settings *settings)
{
    struct boot_settings rest = *settings;
    static const enum boot_option k_harmless[] = { OPTION_MEDIA_INDEX, OPTION_PROGRESS_EVENTS,
                                                   OPTION_IDER_DEVICE };
    for (size_t i = 0; i < sizeof k_harmless / sizeof k_harmless[0]; i++) {
        rest.options[k_harmless[i]] = boot->defaults[k_harmless[i]];
    }
    const bool is_needed = !settings_are_default(boot, &rest);
    amt_wipe(&rest, sizeof rest);
    return is_needed;
}

bool boot_has_capability(const struct firmware *firmware, const char *property)
{
    const struct wsman_instance *capabilities =
        boot_profile_instance(firmware, "AMT_BootCapabilities");
    return wsman_get_bool(capabilities, property, false) ||
           wsman_get_u64(capabilities, property, 0) != 0;
}

static uint32_t read_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

bool boot_parameters_read(const uint8_t *bytes, size_t len, uint32_t type, uint32_t *count,
                          bool *has_type)
{
    size_t at = 0;
    *count = 0;
    *has_type = false;
    while (at < len) {
        if (len - at < PARAMETER_HEAD_BYTES || read_u16(bytes + at) != PARAMETER_VENDOR) {
            return false;
        }
        const uint32_t size = read_u16(bytes + at + 4) | read_u16(bytes + at + 6) << 16;
        if (size > len - at - PARAMETER_HEAD_BYTES) {
            return false;
        }
        *has_type = *has_type || read_u16(bytes + at + 2) == type;
        at += PARAMETER_HEAD_BYTES + size;
        (*count)++;
    }
    return true;
}

void boot_fill_settings(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct boot *boot = call->firmware->boot;
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        const struct boot_option_facts *facts = &k_boot_options[i];
        if (!wsman_has(instance, facts->property)) {
            continue; /* not in this release */
        }
        if (facts->is_bool) {
            wsman_set_bool(instance, facts->property, boot->next.options[i] != 0);
        } else {
            wsman_set_u64(instance, facts->property, boot->next.options[i]);
        }
    }
    if (wsman_has(instance, "OptionsCleared")) {
        wsman_set_bool(instance, "OptionsCleared", boot->options_cleared);
    }
    if (wsman_has(instance, "BIOSLastStatus")) {
        wsman_set_u64(instance, "BIOSLastStatus", boot->bios_status);
        wsman_add_u64(instance, "BIOSLastStatus", boot->bios_detail);
    }
    if (wsman_has(instance, "RPEEnabled")) {
        wsman_set_bool(instance, "RPEEnabled",
                       boot->service_state < BOOT_SERVICE_BASE
                           ? wsman_get_bool(instance, "RPEEnabled", false)
                           : (boot_service_bits(call->firmware) & BOOT_SERVICE_RPE) != 0);
    }
    if (wsman_has(instance, "UefiBootNumberOfParams")) {
        wsman_set_u64(instance, "UefiBootNumberOfParams", boot->next.parameters_count);
    }
    if (boot->next.parameters_len > 0) {
        wsman_set_base64(instance, "UefiBootParametersArray", boot->next.parameters,
                         boot->next.parameters_len);
    }
}

static void read_options(const struct wsman_instance *changed, struct boot_settings *settings)
{
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        const struct boot_option_facts *facts = &k_boot_options[i];
        settings->options[i] =
            facts->is_bool
                ? wsman_get_bool(changed, facts->property, settings->options[i] != 0)
                : (uint32_t)wsman_get_u64(changed, facts->property, settings->options[i]);
    }
}

/* False: malformed, or the count does not fit. */
static bool read_parameters(const struct wsman_instance *changed, struct boot_settings *settings)
{
    const char *text = wsman_get(changed, "UefiBootParametersArray");
    const uint64_t declared = wsman_get_u64(changed, "UefiBootNumberOfParams", 0);
    settings->parameters_len = 0;
    settings->parameters_count = 0;
    if (text == NULL || text[0] == '\0') {
        return declared == 0;
    }
    size_t len = 0;
    bool has_type = false;
    const uint8_t *bytes = wsman_get_base64(changed, "UefiBootParametersArray", &len);
    if (bytes == NULL || len > sizeof settings->parameters ||
        !boot_parameters_read(bytes, len, 0, &settings->parameters_count, &has_type) ||
        settings->parameters_count != declared) {
        return false;
    }
    memcpy(settings->parameters, bytes, len);
    settings->parameters_len = (uint32_t)len;
    return true;
}

/* Write only: "" is what a client carries back, and changes nothing. */
static bool read_password(const struct wsman_instance *changed, struct boot_settings *settings)
{
    const char *password = wsman_get(changed, "RSEPassword");
    if (password == NULL || password[0] == '\0') {
        return true;
    }
    const size_t len = strlen(password);
    if (len >= sizeof settings->rse_password) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)password[i] < ' ' || (unsigned char)password[i] > '~') {
            return false;
        }
    }
    memcpy(settings->rse_password, password, len + 1);
    return true;
}

static bool verbosity_is_supported(const struct firmware *firmware, uint32_t verbosity)
{
    static const char *const k_capabilities[VERBOSITY_MAX + 1] = { NULL, "VerbosityQuiet",
                                                                   "VerbosityVerbose",
                                                                   "VerbosityScreenBlank" };
    return verbosity == 0 ||
           (verbosity <= VERBOSITY_MAX && boot_has_capability(firmware, k_capabilities[verbosity]));
}

/* The status that refuses an option: out of range, or not offered by this platform; 0. */
static uint32_t check_options(const struct firmware *firmware, const struct boot_settings *settings)
{
    const struct boot *boot = firmware->boot;
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        const struct boot_option_facts *facts = &k_boot_options[i];
        if (settings->options[i] == boot->defaults[i]) {
            continue;
        }
        if (settings->options[i] > facts->max) {
            return PT_INVALID_PARAMETER;
        }
        if (facts->capability != NULL && settings->options[i] != 0 &&
            !boot_has_capability(firmware, facts->capability)) {
            return PT_UNSUPPORTED_BOOT_OPTION;
        }
    }
    if (!verbosity_is_supported(firmware, settings->options[OPTION_VERBOSITY]) ||
        (settings->options[OPTION_PLATFORM_ERASE] != 0 &&
         (boot_service_bits(firmware) & BOOT_SERVICE_RPE) == 0)) {
        return PT_UNSUPPORTED_BOOT_OPTION;
    }
    return PT_SUCCESS;
}

/* A failed Put says the status in the detail of an InternalError (wsman.md 2.8). */
static void refuse(struct firmware_call *call, uint32_t status)
{
    const char *detail = status == PT_USER_CONSENT_REQUIRED     ? "AMT-STATUS 2081"
                         : status == PT_UNSUPPORTED_BOOT_OPTION ? "AMT-STATUS 2050"
                                                                : "AMT-STATUS 36";
    firmware_fault(call, WSMAN_INTERNAL_ERROR, detail);
}

void boot_put_settings(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed)
{
    (void)old;
    struct boot *boot = call->firmware->boot;
    if (!legality_is_provisioned(call->firmware)) {
        legality_deny(call, true);
        return;
    }
    struct boot_settings settings = boot->next;
    read_options(changed, &settings);
    uint32_t status = PT_INVALID_PARAMETER;
    if (read_parameters(changed, &settings) && read_password(changed, &settings)) {
        status = check_options(call->firmware, &settings);
    }
    if (status == PT_SUCCESS && needs_consent(boot, &settings) && !consent_allows(call->firmware)) {
        status = PT_USER_CONSENT_REQUIRED;
    }
    if (status != PT_SUCCESS) {
        refuse(call, status);
    } else if (!settings_are_equal(&settings, &boot->next)) {
        boot->next = settings;
        boot->options_cleared = false;
        boot->bios_status = BIOS_NOT_UPDATED;
        boot->bios_detail = 0;
        audit_log_add(call->firmware, call, AUDIT_REMOTE_CONTROL, 4, NULL, 0);
        firmware_changed(call->firmware);
    }
    amt_wipe(&settings, sizeof settings);
}
