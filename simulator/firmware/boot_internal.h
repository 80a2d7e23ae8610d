/* Shared by the files of boot control: boot.c (state), boot_options.c (AMT_BootSettingData),
 * boot_classes.c (source, role, service, reason). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_BOOT_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_BOOT_INTERNAL_H

#include "simulator/firmware/boot.h"

#define BOOT_SOURCE_BYTES       81u
#define BOOT_PARAMETERS_BYTES   1024u /* UefiBootParametersArray after decoding */
#define BOOT_RSE_PASSWORD_BYTES 33u

/* The options of AMT_BootSettingData, in ASCII order of their properties. */
enum boot_option {
    OPTION_BIOS_PAUSE,
    OPTION_BIOS_SETUP,
    OPTION_MEDIA_INDEX,
    OPTION_CONFIGURATION_RESET,
    OPTION_ENFORCE_SECURE_BOOT,
    OPTION_VERBOSITY,
    OPTION_PROGRESS_EVENTS,
    OPTION_IDER_DEVICE,
    OPTION_LOCK_KEYBOARD,
    OPTION_LOCK_POWER_BUTTON,
    OPTION_LOCK_RESET_BUTTON,
    OPTION_LOCK_SLEEP_BUTTON,
    OPTION_PLATFORM_ERASE,
    OPTION_REFLASH,
    OPTION_SECURE_ERASE,
    OPTION_USE_IDER,
    OPTION_USE_SOL,
    OPTION_SAFE_MODE,
    OPTION_PASSWORD_BYPASS,
    OPTION_COUNT_
};
struct boot_option_facts {
    const char *property;
    bool is_bool;
    uint32_t max;
    const char *capability; /* property of AMT_BootCapabilities; NULL: always there */
};
extern const struct boot_option_facts k_boot_options[OPTION_COUNT_];

/* BIOSLastStatus */
enum { BIOS_DONE = 0, BIOS_IN_PROGRESS = 1, BIOS_NOT_UPDATED = 2, BIOS_FAILED = 65535 };

/* One-click recovery and remote platform erase in CIM_BootService.EnabledState, from 32768 up. */
enum { BOOT_SERVICE_BASE = 32768, BOOT_SERVICE_OCR = 1, BOOT_SERVICE_RPE = 2 };

/* What waits for the next boot. */
struct boot_settings {
    uint32_t options[OPTION_COUNT_];
    uint8_t parameters[BOOT_PARAMETERS_BYTES]; /* UefiBootParametersArray: a list of TLVs */
    uint32_t parameters_len, parameters_count;
    char rse_password[BOOT_RSE_PASSWORD_BYTES];
    char source[BOOT_SOURCE_BYTES]; /* InstanceID of a CIM_BootSourceSetting; "" */
    bool is_next;                   /* role IsNextSingleUse: without it a source has no effect */
};

struct boot {
    uint32_t defaults[OPTION_COUNT_]; /* of the profile */
    struct boot_settings next;
    bool options_cleared;
    uint32_t bios_status, bios_detail;
    bool has_failed;        /* of the boot under way: an option could not be carried out */
    uint32_t service_state; /* CIM_BootService.EnabledState */
    struct boot_plan last;
};

bool boot_options_are_default(const struct boot *boot);
/* Bits BOOT_SERVICE_OCR and BOOT_SERVICE_RPE. */
uint32_t boot_service_bits(const struct firmware *firmware);
/* Whether AMT_BootCapabilities has a property that is true or not 0. */
bool boot_has_capability(const struct firmware *firmware, const char *property);
/* Walks a TLV list; false if malformed. *count gets how many; *has_type whether one is of `type`. */
bool boot_parameters_read(const uint8_t *bytes, size_t len, uint32_t type, uint32_t *count,
                          bool *has_type);
const struct wsman_instance *boot_profile_instance(const struct firmware *firmware,
                                                   const char *class_name);
/* The instance of CIM_BootSourceSetting with that InstanceID; NULL. */
const struct wsman_instance *boot_source_find(const struct firmware *firmware, const char *id);

void boot_fill_settings(struct firmware_call *call, struct wsman_instance *instance);
void boot_put_settings(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed);
extern const struct firmware_behaviour k_boot_behaviours[];

/* Sources by the text of their InstanceID (wsman.md 4.16). */
#define BOOT_SOURCE_PREFIX      "Intel(r) AMT: Force "
#define BOOT_SOURCE_DISK        BOOT_SOURCE_PREFIX "Hard-drive Boot"
#define BOOT_SOURCE_PXE         BOOT_SOURCE_PREFIX "PXE Boot"
#define BOOT_SOURCE_CD          BOOT_SOURCE_PREFIX "CD/DVD Boot"
#define BOOT_SOURCE_DIAGNOSTIC  BOOT_SOURCE_PREFIX "Diagnostic Boot"
#define BOOT_SOURCE_UEFI_HTTPS  BOOT_SOURCE_PREFIX "OCR UEFI HTTPS Boot"
#define BOOT_SOURCE_UEFI_OPTION BOOT_SOURCE_PREFIX "OCR UEFI Boot Option"
/* BOOT_NEVER: no such source. */
enum firmware_boot boot_of_source(const struct firmware *firmware, const char *source);

#endif
