/* User consent and the settings of redirection, KVM and screens: wsman.md 4.12 to 4.14. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_CONSENT_H
#define AMTLAB_SIMULATOR_FIRMWARE_CONSENT_H

#include "simulator/firmware/firmware_internal.h"

/* IPS_OptInService.OptInState. */
enum consent_state {
    CONSENT_NOT_STARTED,
    CONSENT_REQUESTED,
    CONSENT_DISPLAYED,
    CONSENT_RECEIVED,
    CONSENT_IN_SESSION
};
/* IPS_OptInService.OptInRequired. */
#define CONSENT_NONE UINT32_C(0)
#define CONSENT_KVM  UINT32_C(1)
#define CONSENT_ALL  UINT32_MAX

enum redirection_kind { REDIRECTION_IDER, REDIRECTION_SOL, REDIRECTION_KVM, REDIRECTION_KINDS };

extern const struct firmware_part k_consent_part;
enum consent_state consent_state(const struct firmware *firmware);
/* What needs consent now; all in client control mode, whatever is set. */
uint32_t consent_required(const struct firmware *firmware);
/* Whether an action that needs consent (all of them in client control mode) may go on now. */
bool consent_allows(const struct firmware *firmware);
/* The six digits on the user's screen while one is asked for; NULL. */
const char *consent_code(const struct firmware *firmware);
/* The operator types the code into a session (redirection.md 6.14): as SendOptInCode. */
uint32_t consent_enter(struct firmware *firmware, uint32_t code);
/* The host went on, off or into a boot: the screen shows the code, or cannot. */
void consent_host_changed(struct firmware *firmware);
void consent_boot_began(struct firmware *firmware);

/* Whether the redirection listener takes connections (AMT_RedirectionService.ListenerEnabled). */
bool redirection_listens(const struct firmware *firmware);
/* Whether sessions of a kind are switched on (EnabledState; for KVM CIM_KVMRedirectionSAP). */
bool redirection_is_enabled(const struct firmware *firmware, enum redirection_kind kind);
/* Whether a session of that kind may begin now as far as consent goes. */
bool redirection_has_consent(const struct firmware *firmware, enum redirection_kind kind);
/* What the redirection part tells: a session began or ended. peer: "192.0.2.7:51324", may be NULL.
 * False when one of that kind is open already (one session of a kind at a time). */
bool redirection_session_began(struct firmware *firmware, enum redirection_kind kind,
                               const char *peer);
void redirection_session_ended(struct firmware *firmware, enum redirection_kind kind);
bool redirection_is_open(const struct firmware *firmware, enum redirection_kind kind);
bool redirection_any_open(const struct firmware *firmware);

/* What the BIOS (MEBx, a USB setup file) sets, in any provisioning state: which kinds of sessions are on;
 * what needs consent (CONSENT_NONE, _KVM, _ALL), and whether that may be changed over the network. */
void redirection_set_up(struct firmware *firmware, bool has_sol, bool has_ider);
void redirection_set_up_kvm(struct firmware *firmware, bool is_on);
void consent_set_up(struct firmware *firmware, uint32_t required);
enum amt_err consent_set_up_policy(struct firmware *firmware, bool may_change) AMT_MUST_USE;

/* A message of the console on the data channel of KVM, for software on the host; realms: those of the
 * console's user. False: no session, too long (4 KiB), or the last one has not been read. The hook
 * kvm_message brings what the host says, and NULL when it has read one. */
bool kvm_channel_from_console(struct firmware *firmware, const void *bytes, size_t len,
                              uint32_t realms);

#endif
