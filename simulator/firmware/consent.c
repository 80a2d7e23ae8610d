/*
 * User consent: the opt-in of IPS_OptInService, redirection.md 9.3. The user sees six digits, tells
 * them to the operator, and the operator sends them in time.
 */
#include "simulator/firmware/consent.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/boot.h"
#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/user_alerts.h"

#define CODES 1000000u

enum consent_state consent_state(const struct firmware *firmware)
{
    return firmware->consent->state;
}

uint32_t consent_required(const struct firmware *firmware)
{
    return provisioning_mode(firmware) == FIRMWARE_CLIENT_CONTROL ? CONSENT_ALL
                                                                  : firmware->consent->required;
}

static bool is_given(const struct firmware *firmware)
{
    return firmware->consent->state == CONSENT_RECEIVED ||
           firmware->consent->state == CONSENT_IN_SESSION;
}

bool consent_allows(const struct firmware *firmware)
{
    return consent_required(firmware) != CONSENT_ALL || is_given(firmware);
}

bool redirection_has_consent(const struct firmware *firmware, enum redirection_kind kind)
{
    const uint32_t required = consent_required(firmware);
    return required == CONSENT_NONE || (required == CONSENT_KVM && kind != REDIRECTION_KVM) ||
           is_given(firmware);
}

const char *consent_code(const struct firmware *firmware)
{
    return firmware->consent->state == CONSENT_DISPLAYED ? firmware->consent->code : NULL;
}

static void set_state(struct firmware *firmware, enum consent_state state)
{
    static const char *const k_names[] = { "not_started", "requested", "displayed", "received",
                                           "in_session" };
    struct consent *consent = firmware->consent;
    if (state == consent->state) {
        return;
    }
    LOG(firmware->log, LOG_INFO, "consent.changed", log_text("uuid", firmware->uuid_text),
        log_text("from", k_names[consent->state]), log_text("to", k_names[state]));
    const bool was_given = is_given(firmware);
    consent->state = state;
    if (state != CONSENT_REQUESTED && state != CONSENT_DISPLAYED) {
        amt_wipe(consent->code, sizeof consent->code);
        timer_stop(&consent->show_timer);
    }
    if (state == CONSENT_NOT_STARTED || state == CONSENT_IN_SESSION) {
        timer_stop(&consent->expiry_timer);
    }
    if (was_given != is_given(firmware)) {
        user_alert(firmware, was_given ? USER_ALERT_CONSENT_ENDED : USER_ALERT_CONSENT_GRANTED);
    }
    /* What was allowed by consent does not outlive it. */
    if (was_given && state == CONSENT_NOT_STARTED && consent_required(firmware) == CONSENT_ALL) {
        boot_clear(firmware);
    }
    firmware_changed(firmware);
}

static uint64_t seconds(uint32_t count)
{
    return (uint64_t)count * US_PER_SECOND;
}

/* Consent was given: it lasts while a session is open, and a while without one. */
static void received(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (redirection_any_open(firmware)) {
        set_state(firmware, CONSENT_IN_SESSION);
        return;
    }
    set_state(firmware, CONSENT_RECEIVED);
    timer_start(&consent->expiry_timer, seconds(consent->code_timeout_s));
}

static void show(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (consent->state == CONSENT_REQUESTED && power_is_on(firmware)) {
        timer_start(&consent->show_timer, CONSENT_SHOW_US);
    }
}

static void on_show(void *ctx)
{
    struct firmware *firmware = ctx;
    if (firmware->consent->state == CONSENT_REQUESTED) {
        set_state(firmware, CONSENT_DISPLAYED);
    }
}

static void on_expiry(void *ctx)
{
    set_state(ctx, CONSENT_NOT_STARTED);
}

void consent_host_changed(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (consent == NULL) {
        return;
    }
    if (power_is_on(firmware)) {
        if (!timer_is_running(&consent->show_timer)) {
            show(firmware);
        }
    } else if (consent->state == CONSENT_DISPLAYED || consent->state == CONSENT_REQUESTED) {
        timer_stop(&consent->show_timer);
        if (consent->state == CONSENT_DISPLAYED) {
            set_state(firmware, CONSENT_REQUESTED); /* the screen is dark */
        }
    }
}

void consent_boot_began(struct firmware *firmware)
{
    if (firmware->consent != NULL) {
        screens_boot_began(firmware);
    }
}

/* WSM-089 */
uint32_t consent_start(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (!legality_is_provisioned(firmware) || consent_required(firmware) == CONSENT_NONE ||
        consent->state != CONSENT_NOT_STARTED) {
        return OPT_IN_INVALID_STATE;
    }
    if (loop_now_us(firmware->loop) < consent->blocked_until_us) {
        return OPT_IN_BLOCKED;
    }
    consent->wrong_codes = 0;
    snprintf(consent->code, sizeof consent->code, "%06u",
             (unsigned)(amt_random_below(&firmware->random, CODES) % CODES));
    set_state(firmware, CONSENT_REQUESTED);
    user_alert(firmware, USER_ALERT_CONSENT_REQUESTED);
    const uint32_t timeout_s = consent->code_timeout_s < consent->display_timeout_s
                                   ? consent->code_timeout_s
                                   : consent->display_timeout_s;
    timer_start(&consent->expiry_timer, seconds(timeout_s));
    show(firmware);
    return OPT_IN_DONE;
}

/* WSM-089 */
uint32_t consent_enter(struct firmware *firmware, uint32_t code)
{
    struct consent *consent = firmware->consent;
    if (consent->state != CONSENT_REQUESTED && consent->state != CONSENT_DISPLAYED) {
        return OPT_IN_INVALID_STATE;
    }
    char text[CONSENT_CODE_BYTES] = "";
    if (code < CODES) {
        snprintf(text, sizeof text, "%06u", (unsigned)(code % CODES));
    }
    if (strcmp(text, consent->code) == 0) {
        received(firmware);
        return OPT_IN_DONE;
    }
    consent->wrong_codes++;
    if (consent->wrong_codes >= CONSENT_TRIES_MAX) {
        consent->blocked_until_us = loop_now_us(firmware->loop) + CONSENT_BLOCK_US;
        set_state(firmware, CONSENT_NOT_STARTED);
    }
    return OPT_IN_INTERNAL_ERROR;
}

uint32_t consent_cancel(struct firmware *firmware)
{
    const struct consent *consent = firmware->consent;
    if (consent->state == CONSENT_NOT_STARTED) {
        return OPT_IN_INVALID_STATE;
    }
    const bool was_in_session = consent->state == CONSENT_IN_SESSION;
    set_state(firmware, CONSENT_NOT_STARTED);
    if (was_in_session) {
        redirection_end(firmware, UINT32_MAX);
    }
    return OPT_IN_DONE;
}

void consent_session_began(struct firmware *firmware)
{
    if (firmware->consent->state == CONSENT_RECEIVED) {
        set_state(firmware, CONSENT_IN_SESSION);
    }
}

void consent_session_ended(struct firmware *firmware)
{
    if (firmware->consent->state == CONSENT_IN_SESSION && !redirection_any_open(firmware)) {
        received(firmware);
    }
}

static const struct wsman_instance *opt_in_of_profile(const struct firmware *firmware)
{
    const struct profile_class *found =
        firmware_profile_class(firmware->profile, "IPS_OptInService");
    return found == NULL ? NULL : found->instances;
}

static void set_defaults(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    const struct wsman_instance *profile = opt_in_of_profile(firmware);
    consent->required = (uint32_t)wsman_get_u64(profile, "OptInRequired", CONSENT_NONE);
    consent->code_timeout_s = (uint32_t)wsman_get_u64(profile, "OptInCodeTimeout", 120);
    consent->display_timeout_s = (uint32_t)wsman_get_u64(profile, "OptInDisplayTimeout", 300);
    consent->wrong_codes = 0;
    consent->blocked_until_us = 0;
    redirection_set_defaults(firmware);
    screens_set_defaults(firmware);
}

static enum amt_err consent_init(struct firmware *firmware)
{
    struct consent *consent = amt_alloc(sizeof *consent);
    if (consent == NULL) {
        return AMT_ENOMEM;
    }
    firmware->consent = consent;
    consent->firmware = firmware;
    timer_init(&consent->show_timer, firmware->loop, on_show, firmware);
    timer_init(&consent->expiry_timer, firmware->loop, on_expiry, firmware);
    set_defaults(firmware);
    return AMT_OK;
}

static void consent_fini(struct firmware *firmware)
{
    struct consent *consent = firmware->consent;
    if (consent != NULL) {
        timer_stop(&consent->show_timer);
        timer_stop(&consent->expiry_timer);
        kvm_channel_fini(firmware);
        amt_wipe(consent, sizeof *consent);
    }
    amt_free(consent);
    firmware->consent = NULL;
}

/* wsman.md 5.3: sessions are closed, settings go back to what they were. */
static void consent_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    set_state(firmware, CONSENT_NOT_STARTED);
    redirection_end(firmware, UINT32_MAX);
    set_defaults(firmware);
    firmware_changed(firmware);
}

/* wsman.md 5.3: all actions need consent until somebody changes that. A device that its profile
 * delivers provisioned has what the profile says. */
static void consent_activated(struct firmware *firmware)
{
    if (!firmware->is_being_born) {
        firmware->consent->required = CONSENT_ALL;
        firmware_changed(firmware);
    }
}

static bool save_redirection(json_t *state, const struct consent *consent)
{
    return state_put_u64(state, "redirection_state", consent->redirection_state) &&
           state_put_bool(state, "is_listening", consent->is_listening) &&
           state_put_bool(state, "is_kvm_enabled", consent->is_kvm_enabled) &&
           state_put_u64(state, "kvm_requested", consent->kvm_requested) &&
           state_put_u64(state, "kvm_service_state", consent->kvm_service_state) &&
           state_put_text(state, "rfb_password", consent->rfb_password) &&
           state_put_u64(state, "screen_service_state", consent->screen_service_state) &&
           state_put_u64(state, "secio_state", consent->secio_state);
}

static json_t *consent_save(struct firmware *firmware)
{
    const struct consent *consent = firmware->consent;
    json_t *state = json_object();
    const bool is_whole = save_redirection(state, consent) &&
                          state_put_u64(state, "required", consent->required) &&
                          state_put_u64(state, "code_timeout_s", consent->code_timeout_s) &&
                          state_put_u64(state, "display_timeout_s", consent->display_timeout_s);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_redirection(struct consent *consent, const json_t *state,
                                     struct amt_diag *diag)
{
    TRY(state_get_u32(state, "redirection_state", UINT16_MAX, &consent->redirection_state, diag));
    TRY(state_get_bool(state, "is_listening", &consent->is_listening, diag));
    TRY(state_get_bool(state, "is_kvm_enabled", &consent->is_kvm_enabled, diag));
    TRY(state_get_u32(state, "kvm_requested", UINT16_MAX, &consent->kvm_requested, diag));
    TRY(state_get_u32(state, "kvm_service_state", UINT16_MAX, &consent->kvm_service_state, diag));
    TRY(state_get_text(state, "rfb_password", consent->rfb_password, sizeof consent->rfb_password,
                       diag));
    TRY(state_get_u32(state, "screen_service_state", UINT16_MAX, &consent->screen_service_state,
                      diag));
    return state_get_u32(state, "secio_state", UINT16_MAX, &consent->secio_state, diag);
}

/* The opt-in itself is not kept: without power there is no session and nobody at the screen. */
static enum amt_err consent_load(struct firmware *firmware, const json_t *state,
                                 struct amt_diag *diag)
{
    struct consent *consent = firmware->consent;
    TRY(load_redirection(consent, state, diag));
    TRY(state_get_u32(state, "required", UINT32_MAX, &consent->required, diag));
    TRY(state_get_u32(state, "code_timeout_s", CONSENT_CODE_TIMEOUT_MAX, &consent->code_timeout_s,
                      diag));
    return state_get_u32(state, "display_timeout_s", UINT16_MAX, &consent->display_timeout_s, diag);
}

const struct firmware_part k_consent_part = { .name = "consent",
                                              .init = consent_init,
                                              .fini = consent_fini,
                                              .unprovision = consent_unprovision,
                                              .activated = consent_activated,
                                              .save = consent_save,
                                              .load = consent_load,
                                              .behaviours = k_consent_behaviours };
