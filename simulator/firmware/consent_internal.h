/* Shared by consent.c (the opt-in), consent_classes.c, redirection_settings.c and screens.c. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_CONSENT_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_CONSENT_INTERNAL_H

#include "simulator/firmware/consent.h"

#define CONSENT_CODE_BYTES       7u
#define CONSENT_TRIES_MAX        3u
#define CONSENT_BLOCK_US         (60u * (uint64_t)US_PER_SECOND)
#define CONSENT_SHOW_US          (1u * (uint64_t)US_PER_SECOND)
#define CONSENT_CODE_TIMEOUT_MIN 60u
#define CONSENT_CODE_TIMEOUT_MAX 900u
#define RFB_PASSWORD_CHARS       8u
#define KVM_MESSAGE_BYTES        4096u

/* Return values of IPS_OptInService (wsman.md 4.0). */
enum opt_in_result {
    OPT_IN_DONE = 0,
    OPT_IN_INTERNAL_ERROR = 1,
    OPT_IN_INVALID_STATE = 2,
    OPT_IN_BLOCKED = 3
};

struct kvm_message;

struct consent {
    struct firmware *firmware;
    enum consent_state state;
    uint32_t required; /* as written; consent_required says what holds */
    uint32_t code_timeout_s, display_timeout_s;
    uint32_t wrong_codes;
    uint64_t blocked_until_us;
    char code[CONSENT_CODE_BYTES]; /* "" while none is asked for */
    struct timer show_timer, expiry_timer;

    uint32_t redirection_state; /* AMT_RedirectionService.EnabledState, 32768 to 32771 */
    bool is_listening;
    bool is_kvm_enabled;
    uint32_t kvm_requested;     /* CIM_KVMRedirectionSAP.RequestedState */
    uint32_t kvm_service_state; /* CIM_RedirectionService.EnabledState */
    bool is_open[REDIRECTION_KINDS];
    char rfb_password[RFB_PASSWORD_CHARS + 1];

    struct kvm_message *message; /* of the console, unread; NULL */
    uint32_t last_message;

    bool blanks_screen;
    uint32_t blanked_reboots_left;
    uint32_t screen_service_state, secio_state; /* EnabledState */
};

/* consent.c */
uint32_t consent_start(struct firmware *firmware);
uint32_t consent_cancel(struct firmware *firmware);
/* Sessions of the mask are told to end, and count as ended. */
void redirection_end(struct firmware *firmware, uint32_t kinds);
void consent_session_began(struct firmware *firmware);
void consent_session_ended(struct firmware *firmware);

/* redirection_settings.c */
void redirection_set_defaults(struct firmware *firmware);
void redirection_fill_service(struct firmware_call *call, struct wsman_instance *instance);
void redirection_put_service(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed);
void redirection_fill_kvm(struct firmware_call *call, struct wsman_instance *instance);
void redirection_fill_kvm_service(struct firmware_call *call, struct wsman_instance *instance);
void redirection_fill_kvm_settings(struct firmware_call *call, struct wsman_instance *instance);
void redirection_put_kvm_settings(struct firmware_call *call, const struct wsman_instance *old,
                                  const struct wsman_instance *changed);
struct wsman_instance *redirection_list_ider_ports(struct firmware_call *call);
struct wsman_instance *redirection_list_kvm_ports(struct firmware_call *call);
struct wsman_instance *redirection_list_sol_ports(struct firmware_call *call);
extern const struct firmware_method k_redirection_methods[], k_kvm_methods[],
    k_kvm_service_methods[], k_kvm_settings_methods[];

/* kvm_channel.c; fini forgets a message that nobody has read */
void kvm_channel_fini(struct firmware *firmware);

/* screens.c */
void screens_set_defaults(struct firmware *firmware);
void screens_fill_service(struct firmware_call *call, struct wsman_instance *instance);
void screens_put_service(struct firmware_call *call, const struct wsman_instance *old,
                         const struct wsman_instance *changed);
void screens_fill_secio(struct firmware_call *call, struct wsman_instance *instance);
/* A KVM session ended, or a boot began. */
void screens_session_ended(struct firmware *firmware);
void screens_boot_began(struct firmware *firmware);
extern const struct firmware_method k_screen_service_methods[], k_screen_settings_methods[],
    k_secio_methods[];

extern const struct firmware_behaviour k_consent_behaviours[];

#endif
