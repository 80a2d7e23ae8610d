/* Boot source, role, boot service and the reason of the last boot, wsman.md 4.15 and 4.16. */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/boot_internal.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/legality.h"

/* Return values of ChangeBootOrder and SetBootConfigRole (wsman.md 4.0). */
enum {
    BOOT_CHANGE_DONE = 0,
    BOOT_CHANGE_NOT_SUPPORTED = 1,
    BOOT_CHANGE_INVALID_REFERENCE = 4,
    BOOT_CHANGE_INVALID_PARAMETER = 5,
    BOOT_CHANGE_ACCESS_DENIED = 6
};
/* Roles of SetBootConfigRole. */
enum {
    ROLE_IS_NEXT = 0,
    ROLE_IS_NEXT_SINGLE_USE = 1,
    ROLE_IS_DEFAULT = 2,
    ROLE_IS_NOT_NEXT = 32768
};

uint32_t boot_service_bits(const struct firmware *firmware)
{
    const uint32_t state = firmware->boot->service_state;
    return state < BOOT_SERVICE_BASE ? 0 : state - BOOT_SERVICE_BASE;
}

const struct wsman_instance *boot_source_find(const struct firmware *firmware, const char *id)
{
    const struct wsman_instance *at = boot_profile_instance(firmware, "CIM_BootSourceSetting");
    while (at != NULL) {
        const char *own = wsman_get(at, "InstanceID");
        if (own != NULL && strcmp(own, id) == 0) {
            return at;
        }
        at = at->next;
    }
    return NULL;
}

static bool is_one_click_recovery(enum firmware_boot boot)
{
    return boot == BOOT_UEFI_HTTPS || boot == BOOT_WINRE || boot == BOOT_PBA ||
           boot == BOOT_UEFI_OPTION;
}

static bool source_is_supported(const struct firmware *firmware, enum firmware_boot boot)
{
    switch (boot) {
    case BOOT_FORCED_DISK:
        return boot_has_capability(firmware, "ForceHardDriveBoot");
    case BOOT_PXE:
        return boot_has_capability(firmware, "ForcePXEBoot");
    case BOOT_CD:
        return boot_has_capability(firmware, "ForceCDorDVDBoot");
    case BOOT_DIAGNOSTIC:
        return boot_has_capability(firmware, "ForceDiagnosticBoot");
    case BOOT_UEFI_HTTPS:
        return boot_has_capability(firmware, "ForceUEFIHTTPSBoot");
    case BOOT_WINRE:
        return boot_has_capability(firmware, "ForceWinREBoot");
    case BOOT_PBA:
        return boot_has_capability(firmware, "ForceUEFIPBABoot");
    case BOOT_UEFI_OPTION:
        return boot_has_capability(firmware, "ForceWinREBoot") ||
               boot_has_capability(firmware, "ForceUEFIPBABoot");
    case BOOT_NEVER:
    case BOOT_DISK:
    case BOOT_BIOS_SETUP:
    case BOOT_BIOS_PAUSE:
    case BOOT_IDER_FLOPPY:
    case BOOT_IDER_CD:
    case BOOT_SAFE_MODE:
    case BOOT_ERASE:
    case BOOT_COUNT_:
        break; /* not from a source */
    }
    return false;
}

static uint32_t choose_source(struct firmware_call *call, const struct wsman_ref *ref)
{
    struct boot *boot = call->firmware->boot;
    const char *id = wsman_ref_selector(ref, "InstanceID");
    if (strcmp(ref->class_name, "CIM_BootSourceSetting") != 0 || id == NULL ||
        strlen(id) >= sizeof boot->next.source || boot_source_find(call->firmware, id) == NULL) {
        return BOOT_CHANGE_INVALID_REFERENCE;
    }
    const enum firmware_boot chosen = boot_of_source(call->firmware, id);
    if (!source_is_supported(call->firmware, chosen) ||
        (is_one_click_recovery(chosen) && boot->service_state >= BOOT_SERVICE_BASE &&
         (boot_service_bits(call->firmware) & BOOT_SERVICE_OCR) == 0)) {
        return BOOT_CHANGE_NOT_SUPPORTED;
    }
    if (!consent_allows(call->firmware)) {
        return BOOT_CHANGE_ACCESS_DENIED;
    }
    memcpy(boot->next.source, id, strlen(id) + 1);
    audit_log_add(call->firmware, call, AUDIT_REMOTE_CONTROL, 4, NULL, 0);
    return BOOT_CHANGE_DONE;
}

/* WSM-094: without a source the source is cleared. Of several only the first counts. */
static uint32_t change_boot_order(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct boot *boot = call->firmware->boot;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const struct wsman_ref *ref = wsman_get_ref(in, "Source");
    uint32_t result = BOOT_CHANGE_DONE;
    if (ref == NULL || ref->class_name[0] == '\0') {
        boot->next.source[0] = '\0';
    } else {
        result = choose_source(call, ref);
    }
    firmware_changed(call->firmware);
    return result;
}

static uint32_t set_boot_config_role(struct firmware_call *call,
                                     const struct wsman_instance *target,
                                     const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    const struct wsman_ref *ref = wsman_get_ref(in, "BootConfigSetting");
    const char *id = wsman_ref_selector(ref, "InstanceID");
    const char *own =
        wsman_get(boot_profile_instance(call->firmware, "CIM_BootConfigSetting"), "InstanceID");
    if (ref == NULL || strcmp(ref->class_name, "CIM_BootConfigSetting") != 0 ||
        (id != NULL && own != NULL && strcmp(id, own) != 0)) {
        return BOOT_CHANGE_INVALID_REFERENCE;
    }
    switch (wsman_get_u64(in, "Role", UINT16_MAX)) {
    case ROLE_IS_NEXT_SINGLE_USE:
        call->firmware->boot->next.is_next = true;
        break;
    case ROLE_IS_NOT_NEXT:
        call->firmware->boot->next.is_next = false;
        break;
    case ROLE_IS_NEXT:
    case ROLE_IS_DEFAULT:
        return BOOT_CHANGE_NOT_SUPPORTED;
    default:
        return BOOT_CHANGE_INVALID_PARAMETER;
    }
    firmware_changed(call->firmware);
    return BOOT_CHANGE_DONE;
}

static void fill_service(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_u64(instance, "EnabledState", call->firmware->boot->service_state);
}

static bool has_one_click_recovery(const struct firmware *firmware)
{
    return source_is_supported(firmware, BOOT_UEFI_HTTPS) ||
           source_is_supported(firmware, BOOT_UEFI_OPTION);
}

static uint32_t request_service_state(struct firmware_call *call,
                                      const struct wsman_instance *target,
                                      const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    const struct firmware *firmware = call->firmware;
    struct boot *boot = call->firmware->boot;
    if (!legality_is_provisioned(firmware)) {
        return legality_deny(call, false);
    }
    const uint32_t state = (uint32_t)wsman_get_u64(in, "RequestedState", 0);
    if (state < BOOT_SERVICE_BASE ||
        state > BOOT_SERVICE_BASE + (BOOT_SERVICE_OCR | BOOT_SERVICE_RPE)) {
        return BOOT_CHANGE_INVALID_PARAMETER;
    }
    const uint32_t bits = state - BOOT_SERVICE_BASE;
    const bool has_rpe = boot_has_capability(firmware, "PlatformErase");
    const bool has_ocr = has_one_click_recovery(firmware);
    if ((!has_ocr && !has_rpe && boot->service_state < BOOT_SERVICE_BASE) ||
        ((bits & BOOT_SERVICE_OCR) != 0 && !has_ocr) ||
        ((bits & BOOT_SERVICE_RPE) != 0 && !has_rpe)) {
        return BOOT_CHANGE_NOT_SUPPORTED;
    }
    boot->service_state = state;
    firmware_changed(call->firmware);
    return BOOT_CHANGE_DONE;
}

static void fill_reason(struct firmware_call *call, struct wsman_instance *instance)
{
    const struct boot_plan *last = boot_last(call->firmware);
    wsman_set_u64(instance, "Reason", last->cause);
    wsman_set_u64(instance, "PreviousSxState", last->previous_sleep_state);
}

static const struct firmware_method k_config_methods[] = {
    { "ChangeBootOrder", change_boot_order },
    { NULL, NULL },
};
static const struct firmware_method k_service_methods[] = {
    { "RequestStateChange", request_service_state },
    { "SetBootConfigRole", set_boot_config_role },
    { NULL, NULL },
};
const struct firmware_behaviour k_boot_behaviours[] = {
    { .class_name = "AMT_BootSettingData", .fill = boot_fill_settings, .put = boot_put_settings },
    { .class_name = "CIM_BootConfigSetting", .methods = k_config_methods },
    { .class_name = "CIM_BootService", .fill = fill_service, .methods = k_service_methods },
    { .class_name = "IPS_HostBootReason", .fill = fill_reason },
    { .class_name = NULL },
};
