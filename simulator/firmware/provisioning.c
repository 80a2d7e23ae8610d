/* Provisioning state and control mode, and what changes them (wsman.md 5, activation.md 1.1). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/network_internal.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions.h"

#define PERCEIVED_INFORMATION 2u /* PerceivedSeverity of CIM_AlertIndication */
#define PROVISIONING_STARTED  0u /* event of the security administration application */
#define PERIOD_US             (UINT64_C(24) * 3600 * US_PER_SECOND)

/* `realm` of the profile: firmware up to about release 11 draws four digits only (wsman.md 1.5). */
enum realm_form { REALM_SHORT, REALM_FULL };

enum provisioning_state provisioning_state(const struct firmware *firmware)
{
    return firmware->provisioning->state;
}

enum firmware_mode provisioning_mode(const struct firmware *firmware)
{
    return firmware->provisioning->mode;
}

const char *provisioning_realm(const struct firmware *firmware)
{
    return firmware->provisioning->realm;
}

const char *provisioning_dhcp_suffix(const struct firmware *firmware)
{
    return network_link_is_up(firmware, 0) ? firmware->provisioning->dhcp_suffix : "";
}

void provisioning_allow_client_mode(struct firmware *firmware, bool is_allowed)
{
    firmware->provisioning->client_mode_is_disabled = !is_allowed;
    firmware_changed(firmware);
}

const char *provisioning_suffix(const struct firmware *firmware)
{
    const struct provisioning *provisioning = firmware->provisioning;
    if (provisioning->trusted_suffix[0] != 0) {
        return provisioning->trusted_suffix;
    }
    const char *suffix = provisioning_dhcp_suffix(firmware);
    return suffix[0] == 0 ? NULL : suffix;
}

static enum amt_err set_suffix(struct firmware *firmware, char out[static SUFFIX_BYTES],
                               const char *suffix)
{
    size_t len = suffix == NULL ? 0 : strlen(suffix);
    if (len >= SUFFIX_BYTES) {
        return AMT_ETOOBIG;
    }
    memcpy(out, suffix == NULL ? "" : suffix, len + 1);
    firmware_changed(firmware);
    return AMT_OK;
}

enum amt_err provisioning_set_trusted_suffix(struct firmware *firmware, const char *suffix)
{
    return set_suffix(firmware, firmware->provisioning->trusted_suffix, suffix);
}

enum amt_err provisioning_set_dhcp_suffix(struct firmware *firmware, const char *suffix)
{
    return set_suffix(firmware, firmware->provisioning->dhcp_suffix, suffix);
}

void provisioning_new_nonce(struct firmware *firmware)
{
    loop_random(firmware->loop, firmware->provisioning->nonce, NONCE_BYTES);
}

/* WSM-013. Part of the device's identity, so the same seed gives the same realm. */
static void draw_realm(struct firmware *firmware)
{
    static const char k_digits[] = "0123456789ABCDEF";
    uint8_t bytes[16] = { 0 };
    char realm[REALM_BYTES] = "Digest:";
    do {
        bool is_short = firmware->profile->config.realm == REALM_SHORT;
        amt_random_fill(&firmware->random, bytes, is_short ? 2 : sizeof bytes);
        for (size_t i = 0; i < 2 * sizeof bytes; i++) {
            realm[7 + i] = k_digits[(bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
        }
    } while (strcmp(realm, firmware->provisioning->realm) == 0);
    memcpy(firmware->provisioning->realm, realm, sizeof realm);
}

static const char *state_name(const struct provisioning *provisioning)
{
    switch (provisioning->mode) {
    case FIRMWARE_CLIENT_CONTROL:
        return "client";
    case FIRMWARE_ADMIN_CONTROL:
        return "admin";
    case FIRMWARE_NOT_PROVISIONED:
        break;
    }
    return provisioning->state == PROVISIONING_IN ? "in-provisioning" : "none";
}

static void log_state(const struct firmware *firmware)
{
    LOG(firmware->log, LOG_INFO, "provisioning.changed", log_text("uuid", firmware->uuid_text),
        log_text("to", state_name(firmware->provisioning)));
}

static void tell_listeners(struct firmware *firmware)
{
    if (firmware->hooks.listeners_changed != NULL) {
        firmware->hooks.listeners_changed(firmware->hooks.ctx);
    }
}

void provisioning_tell_user(struct firmware *firmware, const char *what)
{
    subscriptions_alert(firmware, "iAMT0055", &what, 1, PERCEIVED_INFORMATION);
}

void provisioning_activate(struct firmware *firmware, enum firmware_mode mode)
{
    struct provisioning *provisioning = firmware->provisioning;
    bool was_provisioned = provisioning->state == PROVISIONING_POST;
    timer_stop(&provisioning->period);
    provisioning->state = PROVISIONING_POST;
    provisioning->mode = mode;
    log_state(firmware);
    provisioning_new_nonce(firmware); /* WSM-073 */
    setup_chain_clear(&provisioning->chain);
    setup_chain_clear(&provisioning->session);
    provisioning_hello_end(firmware);
    provisioning->announced_len = 0;
    if (provisioning->record_count == 0) {
        provisioning_record_add(firmware, RECORD_MANUAL, NULL); /* born provisioned: by hand */
    }
    for (size_t i = 0; !was_provisioned && k_firmware_parts[i] != NULL; i++) {
        if (k_firmware_parts[i]->activated != NULL) {
            k_firmware_parts[i]->activated(firmware);
        }
    }
    firmware_changed(firmware);
    provisioning_tell_user(firmware, "2");
    tell_listeners(firmware);
}

static void period_ends(void *ctx)
{
    enum amt_err ended = provisioning_stop(ctx); /* ACT-DEV-051; a period that has ended before */
    (void)ended;
}

enum amt_err provisioning_start(struct firmware *firmware)
{
    struct provisioning *provisioning = firmware->provisioning;
    if (provisioning->state == PROVISIONING_POST) {
        return AMT_ESTATE;
    }
    provisioning->state = PROVISIONING_IN;
    log_state(firmware);
    provisioning->announced_len = 0;
    timer_start(&provisioning->period, PERIOD_US);
    firmware_changed(firmware);
    audit_log_add(firmware, NULL, AUDIT_SECURITY_ADMIN, PROVISIONING_STARTED, NULL, 0);
    provisioning_tell_user(firmware, "1");
    provisioning_hello_begin(firmware);
    tell_listeners(firmware);
    return AMT_OK;
}

enum amt_err provisioning_stop(struct firmware *firmware)
{
    struct provisioning *provisioning = firmware->provisioning;
    if (provisioning->state != PROVISIONING_IN) {
        return AMT_ESTATE; /* ACT-DEV-028 */
    }
    provisioning->state = PROVISIONING_PRE;
    log_state(firmware);
    setup_chain_clear(&provisioning->session);
    provisioning_hello_end(firmware);
    timer_stop(&provisioning->period);
    firmware_changed(firmware);
    provisioning_tell_user(firmware, "0");
    tell_listeners(firmware);
    return AMT_OK;
}

enum amt_err provisioning_host_unprovision(struct firmware *firmware)
{
    if (firmware->provisioning->mode == FIRMWARE_ADMIN_CONTROL) {
        return AMT_ESTATE;
    }
    if (firmware->provisioning->mode == FIRMWARE_CLIENT_CONTROL) {
        firmware_unprovision(firmware, false);
    }
    return AMT_OK;
}

static enum amt_err provisioning_init(struct firmware *firmware)
{
    struct provisioning *provisioning = amt_alloc(sizeof *provisioning);
    if (provisioning == NULL) {
        return AMT_ENOMEM;
    }
    firmware->provisioning = provisioning;
    provisioning->next_record = 1;
    timer_init(&provisioning->period, firmware->loop, period_ends, firmware);
    draw_realm(firmware);
    provisioning_new_nonce(firmware); /* not saved: a restart gives a new one (ACT-DEV-004) */
    const struct firmware_config *config = &firmware->profile->config;
    return set_suffix(firmware, provisioning->dhcp_suffix,
                      config->network_suffix != NULL ? config->network_suffix
                                                     : config->domain_name);
}

static void provisioning_fini(struct firmware *firmware)
{
    if (firmware->provisioning == NULL) {
        return;
    }
    timer_stop(&firmware->provisioning->period);
    provisioning_hello_end(firmware);
    setup_chain_clear(&firmware->provisioning->chain);
    setup_chain_clear(&firmware->provisioning->session);
    amt_free(firmware->provisioning);
    firmware->provisioning = NULL;
}

/* WSM-077. Partial unprovisioning keeps the administrator, whose hash depends on the realm. The
 * records, the trusted suffix and the ban of client control mode outlast both. */
static void provisioning_unprovision(struct firmware *firmware, bool is_partial)
{
    struct provisioning *provisioning = firmware->provisioning;
    timer_stop(&provisioning->period);
    provisioning_hello_end(firmware);
    provisioning->state = PROVISIONING_PRE;
    provisioning->mode = FIRMWARE_NOT_PROVISIONED;
    setup_chain_clear(&provisioning->chain);
    provisioning_new_nonce(firmware);
    if (!is_partial) {
        mebx_forget(provisioning);
        draw_realm(firmware);
    }
    log_state(firmware);
    firmware_changed(firmware);
}

static json_t *provisioning_save(struct firmware *firmware)
{
    const struct provisioning *provisioning = firmware->provisioning;
    json_t *state = json_object(), *records = provisioning_records_save(provisioning);
    bool is_whole =
        json_object_set_new(state, "records", records) == 0 &&
        state_put_u64(state, "next_record", provisioning->next_record) &&
        state_put_u64(state, "state", provisioning->state) &&
        state_put_u64(state, "mode", provisioning->mode) &&
        state_put_text(state, "realm", provisioning->realm) &&
        state_put_text(state, "trusted_suffix", provisioning->trusted_suffix) &&
        state_put_bool(state, "no_client_mode", provisioning->client_mode_is_disabled) &&
        mebx_save(provisioning, state);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err provisioning_load(struct firmware *firmware, const json_t *state,
                                      struct amt_diag *diag)
{
    struct provisioning *provisioning = firmware->provisioning;
    uint32_t number = provisioning->state, mode = provisioning->mode;
    TRY(state_get_u32(state, "state", PROVISIONING_POST, &number, diag));
    TRY(state_get_u32(state, "mode", FIRMWARE_ADMIN_CONTROL, &mode, diag));
    if ((number == PROVISIONING_POST) != (mode != FIRMWARE_NOT_PROVISIONED)) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "saved state: provisioning state %u and control mode %u cannot be both",
                            number, mode);
    }
    provisioning->state = (enum provisioning_state)number;
    provisioning->mode = (enum firmware_mode)mode;
    if (number == PROVISIONING_IN) {
        timer_start(&provisioning->period, PERIOD_US);
        provisioning_hello_begin(firmware);
    }
    TRY(state_get_text(state, "realm", provisioning->realm, sizeof provisioning->realm, diag));
    TRY(state_get_text(state, "trusted_suffix", provisioning->trusted_suffix,
                       sizeof provisioning->trusted_suffix, diag));
    TRY(state_get_bool(state, "no_client_mode", &provisioning->client_mode_is_disabled, diag));
    TRY(mebx_load(provisioning, state, diag));
    TRY(state_get_u32(state, "next_record", UINT32_MAX, &provisioning->next_record, diag));
    return provisioning_records_load(provisioning, json_object_get(state, "records"), diag);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_GeneralSettings",
      .read_realm = REALM_GENERAL_INFO,
      .fill = provisioning_fill_general,
      .put = provisioning_put_general },
    { .class_name = "AMT_SetupAndConfigurationService",
      .read_realm = REALM_GENERAL_INFO,
      .write_realm = REALM_LOCAL_SYSTEM,
      .fill = provisioning_fill_service,
      .put = provisioning_put_service,
      .methods = k_provisioning_service_methods },
    { .class_name = "CIM_ComputerSystem",
      .read_realm = REALM_GENERAL_INFO,
      .list = provisioning_list_systems },
    { .class_name = "CIM_ComputerSystemPackage",
      .read_realm = REALM_HARDWARE_ASSET,
      .fill = provisioning_fill_package },
    { .class_name = "CIM_SoftwareIdentity",
      .read_realm = REALM_GENERAL_INFO,
      .fill = provisioning_fill_software },
    { .class_name = "IPS_AdminProvisioningRecord", .list = provisioning_list_admin_records },
    { .class_name = "IPS_ClientProvisioningRecord", .list = provisioning_list_client_records },
    { .class_name = "IPS_HostBasedSetupService",
      .read_realm = REALM_GENERAL_INFO,
      .write_realm = REALM_LOCAL_SYSTEM,
      .fill = provisioning_fill_host_setup,
      .methods = k_provisioning_host_setup_methods },
    { .class_name = "IPS_ManualProvisioningRecord", .list = provisioning_list_manual_records },
    { .class_name = "IPS_ProvisioningRecordLog",
      .list = provisioning_list_record_log,
      .methods = k_provisioning_record_log_methods },
    { .class_name = "IPS_TLSProvisioningRecord", .list = provisioning_list_tls_records },
    { .class_name = NULL },
};

const struct firmware_part k_provisioning_part = { .name = "provisioning",
                                                   .init = provisioning_init,
                                                   .fini = provisioning_fini,
                                                   .unprovision = provisioning_unprovision,
                                                   .save = provisioning_save,
                                                   .load = provisioning_load,
                                                   .behaviours = k_behaviours };
