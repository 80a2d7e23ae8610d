#include "client/boot.h"

#include <string.h>

#define CONFIGURATION  "Intel(r) AMT: Boot Configuration 0"
#define ROLE_NEXT_ONCE 1u
#define CONSENT_HINT                                                                         \
    "in client control mode, and where user consent is asked for everything, the person at " \
    "the machine has to agree first (IPS_OptInService)"

const char *client_boot_source(const char *name)
{
    static const struct source_name {
        const char *name, *instance_id;
    } k_names[] = { { "disk", "Intel(r) AMT: Force Hard-drive Boot" },
                    { "pxe", "Intel(r) AMT: Force PXE Boot" },
                    { "cd", "Intel(r) AMT: Force CD/DVD Boot" },
                    { "diagnostic", "Intel(r) AMT: Force Diagnostic Boot" } };
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        if (strcmp(k_names[i].name, name) == 0) {
            return k_names[i].instance_id;
        }
    }
    return name;
}

bool client_boot_read(struct client_device *d, struct client_boot_state *state)
{
    memset(state, 0, sizeof *state);
    state->settings = client_get(d, "AMT_BootSettingData", NULL, NULL);
    if (state->settings == NULL) {
        return false;
    }
    state->capabilities = client_get(d, "AMT_BootCapabilities", NULL, NULL);
    if (state->capabilities == NULL && !client_is_absent(d)) {
        return false;
    }
    state->service = client_get(d, "CIM_BootService", NULL, NULL);
    if (state->service == NULL && !client_is_absent(d)) {
        return false;
    }
    return client_enumerate(d, "CIM_BootSourceSetting", &state->sources) || client_is_absent(d);
}

static bool change_order(struct client_device *d, const char *source)
{
    struct wsman_instance *input = client_input(d);
    struct wsman_call call = { .operation = WSMAN_METHOD,
                               .class_name = "CIM_BootConfigSetting",
                               .method = "ChangeBootOrder",
                               .body = input };
    if (source != NULL) {
        wsman_set_ref(input, "Source",
                      wsman_ref_new(d->arena, "CIM_BootSourceSetting", 1, "InstanceID", source));
    }
    if (input == NULL || input->failed ||
        wsman_selector_add(d->arena, &call.selectors, "InstanceID", CONFIGURATION) != AMT_OK) {
        return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
    }
    wsman_client_wait(d->client, &call, d->arena, &d->outcome);
    return d->outcome.result == WSMAN_DONE && d->outcome.return_value == 0;
}

/* What management software leaves out of its Put, because it is read only or one-click recovery. */
static const char *const k_left_out[] = {
    "WinREBootEnabled",
    "UEFILocalPBABootEnabled",
    "UEFIHTTPSBootEnabled",
    "SecureBootControlEnabled",
    "BootguardStatus",
    "OptionsCleared",
    "BIOSLastStatus",
    "UefiBootParametersArray",
    "UefiBootNumberOfParams",
    "RPEEnabled",
    "RSEPassword",
};
static const char *const k_switched_off[] = {
    "ConfigurationDataReset", "ForcedProgressEvents", "LockKeyboard", "LockPowerButton",
    "LockResetButton",        "LockSleepButton",      "ReflashBIOS",  "SecureErase",
    "UserPasswordBypass",     "PlatformErase",
};

static bool put_settings(struct client_device *d, const struct client_boot *boot)
{
    struct wsman_instance *settings = client_get(d, "AMT_BootSettingData", NULL, NULL);
    if (settings == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof k_left_out / sizeof k_left_out[0]; i++) {
        wsman_unset(settings, k_left_out[i]);
    }
    for (size_t i = 0; i < sizeof k_switched_off / sizeof k_switched_off[0]; i++) {
        if (wsman_has(settings, k_switched_off[i])) {
            wsman_set_bool(settings, k_switched_off[i], false);
        }
    }
    wsman_set_bool(settings, "BIOSSetup", boot->bios_setup);
    wsman_set_bool(settings, "BIOSPause", boot->bios_pause);
    wsman_set_bool(settings, "UseSOL", boot->use_sol);
    wsman_set_bool(settings, "UseIDER", boot->use_ider);
    wsman_set_bool(settings, "UseSafeMode", boot->safe_mode);
    wsman_set_u64(settings, "IDERBootDevice", boot->ider_from_cd ? 1 : 0);
    wsman_set_u64(settings, "BootMediaIndex", 0);
    wsman_set_u64(settings, "FirmwareVerbosity", 0);
    if (settings->failed) {
        return client_fail(d, WSMAN_NO_MEMORY, "out of memory");
    }
    return client_put(d, "AMT_BootSettingData", "InstanceID", wsman_get(settings, "InstanceID"),
                      settings);
}

static bool set_role(struct client_device *d)
{
    struct wsman_instance *input = client_input(d);
    wsman_set_ref(input, "BootConfigSetting",
                  wsman_ref_new(d->arena, "CIM_BootConfigSetting", 1, "InstanceID", CONFIGURATION));
    wsman_set_u64(input, "Role", ROLE_NEXT_ONCE);
    return client_invoke(d, "CIM_BootService", "SetBootConfigRole", input);
}

bool client_boot_set(struct client_device *d, const struct client_boot *boot)
{
    bool is_done = change_order(d, NULL) && put_settings(d, boot) && set_role(d) &&
                   (boot->source == NULL || change_order(d, client_boot_source(boot->source)));
    if (!is_done && (d->outcome.result == WSMAN_DONE || d->outcome.result == WSMAN_FAULTED)) {
        (void)amt_diag_hint(&d->outcome.diag, "%s", CONSENT_HINT);
    }
    return is_done;
}
