/* Boot control, wsman.md 4.16: options for one boot, the boot source, and what the last boot was. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_BOOT_H
#define AMTLAB_SIMULATOR_FIRMWARE_BOOT_H

#include "simulator/firmware/firmware_internal.h"

/* What a boot led to. */
enum firmware_boot {
    BOOT_NEVER, /* since the device was made */
    BOOT_DISK,  /* the usual boot order */
    BOOT_BIOS_SETUP,
    BOOT_BIOS_PAUSE,
    BOOT_IDER_FLOPPY,
    BOOT_IDER_CD,
    BOOT_FORCED_DISK,
    BOOT_SAFE_MODE,
    BOOT_PXE,
    BOOT_CD,
    BOOT_DIAGNOSTIC,
    BOOT_UEFI_HTTPS,  /* one-click recovery over HTTPS */
    BOOT_WINRE,       /* Windows' own recovery */
    BOOT_PBA,         /* a boot application that asks for a password first */
    BOOT_UEFI_OPTION, /* one-click recovery: any other UEFI boot option */
    BOOT_ERASE,       /* remote platform erase or secure erase: there is no operating system then */
    BOOT_COUNT_
};
const char *firmware_boot_name(enum firmware_boot boot);

/* IPS_HostBootReason.Reason. */
enum boot_cause { BOOT_BY_OTHER = 1, BOOT_BY_REMOTE_CONTROL = 2, BOOT_BY_ALARM = 3 };

/* What one boot does; what the redirection part needs to simulate a BIOS. */
struct boot_plan {
    enum firmware_boot boot;
    enum boot_cause cause;
    uint64_t time_s;               /* device clock, when it began; 0 before the first */
    uint32_t previous_sleep_state; /* IPS_HostBootReason: 2 S0, 5 S3, 6 S4, 7 S5; 0 unknown */
    bool uses_sol;                 /* the BIOS sends its text to SOL */
    bool locks_power_button, locks_reset_button, locks_sleep_button, locks_keyboard;
    uint32_t verbosity, media_index;
};

extern const struct firmware_part k_boot_part;
/* The host begins to boot: decides what it does. Boots that AMT caused (power request, alarm) take
 * the options for one boot, which are cleared by that (WSM-093). */
void boot_begin(struct firmware *firmware, enum boot_cause cause, uint32_t previous_sleep_state);
/* The BIOS is done: BIOSLastStatus says how the options fared. */
void boot_post_done(struct firmware *firmware);
/* A wake without boot (S3): only the reason is new. */
void boot_resumed(struct firmware *firmware, enum boot_cause cause, uint32_t previous_sleep_state);
/* The last boot, or the one under way. */
const struct boot_plan *boot_last(const struct firmware *firmware);
/* Drops what waits for the next boot: consent has ended, or the device was unprovisioned. */
void boot_clear(struct firmware *firmware);

#endif
