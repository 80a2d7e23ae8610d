/* Provisioning state, control mode, host based setup, general settings: wsman.md 4.1-4.3, 5. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_H
#define AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_H

#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/keys.h"

enum provisioning_state { PROVISIONING_PRE, PROVISIONING_IN, PROVISIONING_POST };

extern const struct firmware_part k_provisioning_part;
enum provisioning_state provisioning_state(const struct firmware *firmware);
enum firmware_mode provisioning_mode(const struct firmware *firmware);
/* "Digest:" and 32 digits (WSM-013). */
const char *provisioning_realm(const struct firmware *firmware);
/* For factory-provisioned devices (config control_mode) and for Setup: sets mode and state, new nonce,
 * tells all parts. */
void provisioning_activate(struct firmware *firmware, enum firmware_mode mode);

/* AMT_GeneralSettings.AMTNetworkEnabled: 0 switches all out-of-band networking off, and only the host
 * can switch it on again (wsman.md 4.1). */
bool provisioning_network_is_on(const struct firmware *firmware);
/* The DNS suffix that provisioning certificates are measured by: the trusted one (MEBx, USB file, host
 * interface), else that of DHCP on the wired interface (ACT-DEV-023); NULL without either. */
const char *provisioning_suffix(const struct firmware *firmware);
/* Another nonce, as after a restart of the management engine (activation.md 5.3). */
void provisioning_new_nonce(struct firmware *firmware);
/* Whether client control mode is among the allowed ones (DisableClientControlMode, or an OEM). */
void provisioning_allow_client_mode(struct firmware *firmware, bool is_allowed);
/* NULL or "" removes it. AMT_ETOOBIG. */
enum amt_err provisioning_set_trusted_suffix(struct firmware *firmware,
                                             const char *suffix) AMT_MUST_USE;
enum amt_err provisioning_set_dhcp_suffix(struct firmware *firmware,
                                          const char *suffix) AMT_MUST_USE;
/* Host interface: remote configuration begins (a period of 24 hours) and is called off. AMT_ESTATE:
 * the device is provisioned, or was not in that state. */
enum amt_err provisioning_start(struct firmware *firmware) AMT_MUST_USE;
enum amt_err provisioning_stop(struct firmware *firmware) AMT_MUST_USE;
/* As provisioning_start, for the one client whose certificate has this hash (StartConfigurationHBased,
 * activation.md 4.7). AMT_EMALFORMED: not SHA-256 or SHA-384. */
enum amt_err provisioning_start_host_based(struct firmware *firmware, enum keys_hash_type type,
                                           const uint8_t *hash) AMT_MUST_USE;
/* In provisioning, after the handshake of a TLS stream: whether its client has shown a provisioning
 * certificate that the device believes. It is then the administrator, without logging on. */
bool provisioning_session_begins(struct firmware *firmware, const struct stream *s);
/* For tls_settings: what the device says to such a certificate in the handshake (activation.md 11.3). ctx:
 * the firmware. */
const char *provisioning_session_judge(void *ctx, X509 *leaf, const struct stack_st_X509 *sent,
                                       int *alert);
bool provisioning_session_user(const struct firmware *firmware, struct firmware_user *user);
/* Host interface: out of client control mode at once. AMT_ESTATE in admin control mode (ACT-DEV-029). */
enum amt_err provisioning_host_unprovision(struct firmware *firmware) AMT_MUST_USE;

#endif
