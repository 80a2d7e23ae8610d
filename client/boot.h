/* Boot settings and sources (wsman.md 4.16). */
#ifndef AMTLAB_CLIENT_BOOT_H
#define AMTLAB_CLIENT_BOOT_H

#include "client/device.h"

struct client_boot_state {
    const struct wsman_instance *settings, *capabilities, *service; /* AMT_BootSettingData, … */
    struct wsman_instance *sources;                                 /* CIM_BootSourceSetting */
};
bool client_boot_read(struct client_device *device, struct client_boot_state *state);

/* The next boot. Everything that is not asked for is switched off. */
struct client_boot {
    const char
        *source; /* "pxe" "disk" "cd" "diagnostic", an InstanceID, or NULL: the usual order */
    bool bios_setup, bios_pause, use_sol, use_ider, safe_mode;
    bool ider_from_cd;
};
/* Source cleared, settings written, role set to "next, once", source set: the order of management
 * software (wsman.md 6.1). It takes effect with the next power request. */
bool client_boot_set(struct client_device *device, const struct client_boot *boot);
/* InstanceID of a source's short name; the name itself if it is none. */
const char *client_boot_source(const char *name);

#endif
