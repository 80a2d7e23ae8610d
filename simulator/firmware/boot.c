#include "simulator/firmware/boot.h"

#include <string.h>
#include <strings.h>

#include "simulator/firmware/boot_internal.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/state_fields.h"

#define PARAMETER_NETWORK_PATH 1u /* OCR_EFI_NETWORK_DEVICE_PATH: where an HTTPS boot goes */

const char *firmware_boot_name(enum firmware_boot boot)
{
    static const char *const k_names[BOOT_COUNT_] = {
        [BOOT_NEVER] = "never",
        [BOOT_DISK] = "disk",
        [BOOT_BIOS_SETUP] = "bios-setup",
        [BOOT_BIOS_PAUSE] = "bios-pause",
        [BOOT_IDER_FLOPPY] = "ider-floppy",
        [BOOT_IDER_CD] = "ider-cd",
        [BOOT_FORCED_DISK] = "forced-disk",
        [BOOT_SAFE_MODE] = "safe-mode",
        [BOOT_PXE] = "pxe",
        [BOOT_CD] = "cd",
        [BOOT_DIAGNOSTIC] = "diagnostic",
        [BOOT_UEFI_HTTPS] = "uefi-https",
        [BOOT_WINRE] = "winre",
        [BOOT_PBA] = "pba",
        [BOOT_UEFI_OPTION] = "uefi-option",
        [BOOT_ERASE] = "erase",
    };
    return k_names[boot];
}

const struct boot_plan *boot_last(const struct firmware *firmware)
{
    return &firmware->boot->last;
}

/* The numbered options of one-click recovery say in their boot string what they are. */
static enum firmware_boot uefi_option(const struct wsman_instance *source)
{
    const char *text = wsman_get(source, "BIOSBootString");
    if (text != NULL && strncasecmp(text, "winre", 5) == 0) {
        return BOOT_WINRE;
    }
    return text != NULL && strncasecmp(text, "pba", 3) == 0 ? BOOT_PBA : BOOT_UEFI_OPTION;
}

enum firmware_boot boot_of_source(const struct firmware *firmware, const char *source)
{
    static const struct {
        const char *id;
        enum firmware_boot boot;
    } k_sources[] = {
        { BOOT_SOURCE_DISK, BOOT_FORCED_DISK },
        { BOOT_SOURCE_PXE, BOOT_PXE },
        { BOOT_SOURCE_CD, BOOT_CD },
        { BOOT_SOURCE_DIAGNOSTIC, BOOT_DIAGNOSTIC },
        { BOOT_SOURCE_UEFI_HTTPS, BOOT_UEFI_HTTPS },
        { BOOT_SOURCE_UEFI_OPTION, BOOT_UEFI_OPTION },
    };
    const struct wsman_instance *instance = boot_source_find(firmware, source);
    for (size_t i = 0; instance != NULL && i < sizeof k_sources / sizeof k_sources[0]; i++) {
        if (strncmp(source, k_sources[i].id, strlen(k_sources[i].id)) == 0) {
            return k_sources[i].boot == BOOT_UEFI_OPTION ? uefi_option(instance)
                                                         : k_sources[i].boot;
        }
    }
    return BOOT_NEVER;
}

static enum firmware_boot from_source(struct firmware *firmware)
{
    struct boot *boot = firmware->boot;
    const struct boot_settings *next = &boot->next;
    if (!next->is_next || next->source[0] == '\0') {
        return BOOT_DISK;
    }
    const enum firmware_boot chosen = boot_of_source(firmware, next->source);
    if (chosen == BOOT_FORCED_DISK && next->options[OPTION_SAFE_MODE] != 0) {
        return BOOT_SAFE_MODE;
    }
    if (chosen == BOOT_UEFI_HTTPS) {
        uint32_t count = 0;
        bool has_path = false;
        if (!boot_parameters_read(next->parameters, next->parameters_len, PARAMETER_NETWORK_PATH,
                                  &count, &has_path) ||
            !has_path) {
            boot->has_failed = true;
            return BOOT_DISK;
        }
    }
    return chosen == BOOT_NEVER ? BOOT_DISK : chosen;
}

static enum firmware_boot choose(struct firmware *firmware)
{
    const struct boot_settings *next = &firmware->boot->next;
    if (next->options[OPTION_PLATFORM_ERASE] != 0 || next->options[OPTION_SECURE_ERASE] != 0) {
        return BOOT_ERASE;
    }
    if (next->options[OPTION_BIOS_SETUP] != 0) {
        return BOOT_BIOS_SETUP;
    }
    if (next->options[OPTION_BIOS_PAUSE] != 0) {
        return BOOT_BIOS_PAUSE;
    }
    /* RED-076: UseIDER is ignored without a session. */
    if (next->options[OPTION_USE_IDER] != 0 && redirection_is_open(firmware, REDIRECTION_IDER)) {
        return next->options[OPTION_IDER_DEVICE] == 0 ? BOOT_IDER_FLOPPY : BOOT_IDER_CD;
    }
    return from_source(firmware);
}

static void forget_next(struct boot *boot)
{
    amt_wipe(&boot->next, sizeof boot->next);
    memcpy(boot->next.options, boot->defaults, sizeof boot->defaults);
    boot->options_cleared = true;
}

void boot_clear(struct firmware *firmware)
{
    forget_next(firmware->boot);
    firmware_changed(firmware);
}

static void take_options(struct firmware *firmware)
{
    struct boot *boot = firmware->boot;
    const uint32_t *options = boot->next.options;
    boot->last.boot = choose(firmware);
    boot->last.uses_sol = options[OPTION_USE_SOL] != 0;
    boot->last.locks_keyboard = options[OPTION_LOCK_KEYBOARD] != 0;
    boot->last.locks_power_button = options[OPTION_LOCK_POWER_BUTTON] != 0;
    boot->last.locks_reset_button = options[OPTION_LOCK_RESET_BUTTON] != 0;
    boot->last.locks_sleep_button = options[OPTION_LOCK_SLEEP_BUTTON] != 0;
    boot->last.verbosity = options[OPTION_VERBOSITY];
    boot->last.media_index = options[OPTION_MEDIA_INDEX];
    if (!boot_options_are_default(boot)) {
        boot->bios_status = BIOS_IN_PROGRESS;
        boot->bios_detail = 0;
    }
    forget_next(boot);
}

void boot_begin(struct firmware *firmware, enum boot_cause cause, uint32_t previous_sleep_state)
{
    struct boot *boot = firmware->boot;
    boot->last = (struct boot_plan){ .boot = BOOT_DISK,
                                     .cause = cause,
                                     .time_s = firmware_time_s(firmware),
                                     .previous_sleep_state = previous_sleep_state };
    boot->has_failed = false;
    if (cause != BOOT_BY_OTHER) {
        take_options(firmware);
    }
    firmware_changed(firmware);
}

void boot_post_done(struct firmware *firmware)
{
    struct boot *boot = firmware->boot;
    if (boot->bios_status == BIOS_IN_PROGRESS) {
        boot->bios_status = boot->has_failed ? BIOS_FAILED : BIOS_DONE;
        boot->bios_detail = boot->has_failed ? 1 : 0;
        firmware_changed(firmware);
    }
}

void boot_resumed(struct firmware *firmware, enum boot_cause cause, uint32_t previous_sleep_state)
{
    firmware->boot->last.cause = cause;
    firmware->boot->last.time_s = firmware_time_s(firmware);
    firmware->boot->last.previous_sleep_state = previous_sleep_state;
    firmware_changed(firmware);
}

const struct wsman_instance *boot_profile_instance(const struct firmware *firmware,
                                                   const char *class_name)
{
    const struct profile_class *found = firmware_profile_class(firmware->profile, class_name);
    return found == NULL ? NULL : found->instances;
}

/* Back to what the profile says, except what the last boot was. */
static void set_defaults(struct firmware *firmware)
{
    struct boot *boot = firmware->boot;
    const struct wsman_instance *settings = boot_profile_instance(firmware, "AMT_BootSettingData");
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        const struct boot_option_facts *facts = &k_boot_options[i];
        boot->defaults[i] = facts->is_bool ? wsman_get_bool(settings, facts->property, false)
                                           : (uint32_t)wsman_get_u64(settings, facts->property, 0);
    }
    boot->bios_status = (uint32_t)wsman_get_u64(settings, "BIOSLastStatus", BIOS_NOT_UPDATED);
    boot->bios_detail = 0;
    boot->service_state = (uint32_t)wsman_get_u64(
        boot_profile_instance(firmware, "CIM_BootService"), "EnabledState", 2);
    boot->has_failed = false;
    forget_next(boot);
}

static enum amt_err boot_init(struct firmware *firmware)
{
    firmware->boot = amt_alloc(sizeof *firmware->boot);
    if (firmware->boot == NULL) {
        return AMT_ENOMEM;
    }
    const struct wsman_instance *reason = boot_profile_instance(firmware, "IPS_HostBootReason");
    firmware->boot->last.cause = BOOT_BY_OTHER;
    firmware->boot->last.previous_sleep_state =
        (uint32_t)wsman_get_u64(reason, "PreviousSxState", 0);
    set_defaults(firmware);
    return AMT_OK;
}

static void boot_fini(struct firmware *firmware)
{
    if (firmware->boot != NULL) {
        amt_wipe(firmware->boot, sizeof *firmware->boot);
    }
    amt_free(firmware->boot);
    firmware->boot = NULL;
}

static void boot_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    set_defaults(firmware);
    firmware_changed(firmware);
}

static bool save_next(json_t *state, const struct boot_settings *next)
{
    json_t *options = json_object();
    bool is_whole = true;
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        is_whole = is_whole && state_put_u64(options, k_boot_options[i].property, next->options[i]);
    }
    is_whole = json_object_set_new(state, "options", options) == 0 && is_whole;
    return is_whole && state_put_hex(state, "parameters", next->parameters, next->parameters_len) &&
           state_put_u64(state, "parameters_count", next->parameters_count) &&
           state_put_text(state, "rse_password", next->rse_password) &&
           state_put_text(state, "source", next->source) &&
           state_put_bool(state, "is_next", next->is_next);
}

static json_t *boot_save(struct firmware *firmware)
{
    const struct boot *boot = firmware->boot;
    json_t *state = json_object();
    const bool is_whole =
        save_next(state, &boot->next) &&
        state_put_bool(state, "options_cleared", boot->options_cleared) &&
        state_put_bool(state, "has_failed", boot->has_failed) &&
        state_put_u64(state, "bios_status", boot->bios_status) &&
        state_put_u64(state, "bios_detail", boot->bios_detail) &&
        state_put_u64(state, "service_state", boot->service_state) &&
        state_put_u64(state, "last", boot->last.boot) &&
        state_put_u64(state, "cause", boot->last.cause) &&
        state_put_u64(state, "time_s", boot->last.time_s) &&
        state_put_u64(state, "previous_sleep_state", boot->last.previous_sleep_state);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_next(struct boot_settings *next, const json_t *state,
                              struct amt_diag *diag)
{
    const json_t *options = json_object_get(state, "options");
    size_t len = next->parameters_len;
    for (size_t i = 0; i < OPTION_COUNT_; i++) {
        TRY(state_get_u32(options, k_boot_options[i].property, k_boot_options[i].max,
                          &next->options[i], diag));
    }
    TRY(state_get_bytes(state, "parameters", next->parameters, sizeof next->parameters, &len,
                        diag));
    next->parameters_len = (uint32_t)len;
    TRY(state_get_u32(state, "parameters_count", UINT32_MAX, &next->parameters_count, diag));
    TRY(state_get_text(state, "rse_password", next->rse_password, sizeof next->rse_password, diag));
    TRY(state_get_text(state, "source", next->source, sizeof next->source, diag));
    return state_get_bool(state, "is_next", &next->is_next, diag);
}

static enum amt_err boot_load(struct firmware *firmware, const json_t *state, struct amt_diag *diag)
{
    struct boot *boot = firmware->boot;
    uint32_t last = boot->last.boot, cause = boot->last.cause;
    TRY(load_next(&boot->next, state, diag));
    TRY(state_get_bool(state, "options_cleared", &boot->options_cleared, diag));
    TRY(state_get_bool(state, "has_failed", &boot->has_failed, diag));
    TRY(state_get_u32(state, "bios_status", BIOS_FAILED, &boot->bios_status, diag));
    TRY(state_get_u32(state, "bios_detail", UINT16_MAX, &boot->bios_detail, diag));
    TRY(state_get_u32(state, "service_state", UINT16_MAX, &boot->service_state, diag));
    TRY(state_get_u32(state, "last", BOOT_COUNT_ - 1, &last, diag));
    TRY(state_get_u32(state, "cause", BOOT_BY_ALARM, &cause, diag));
    TRY(state_get_u64(state, "time_s", UINT32_MAX, &boot->last.time_s, diag));
    boot->last.boot = (enum firmware_boot)last;
    boot->last.cause = (enum boot_cause)cause;
    return state_get_u32(state, "previous_sleep_state", UINT16_MAX,
                         &boot->last.previous_sleep_state, diag);
}

const struct firmware_part k_boot_part = { .name = "boot",
                                           .init = boot_init,
                                           .fini = boot_fini,
                                           .unprovision = boot_unprovision,
                                           .save = boot_save,
                                           .load = boot_load,
                                           .behaviours = k_boot_behaviours };
