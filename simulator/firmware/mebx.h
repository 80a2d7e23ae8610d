/*
 * What the BIOS extension (MEBx), a USB setup file and the host interface set on the device itself: the
 * password of that menu, where the configuration server is, and whether remote configuration is allowed.
 * Part of provisioning.
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_MEBX_H
#define AMTLAB_SIMULATOR_FIRMWARE_MEBX_H

#include "simulator/firmware/firmware_internal.h"

#define MEBX_PASSWORD_MAX  32u
#define MEBX_FQDN_MAX      255u
#define MEBX_OTP_MIN       8u
#define MEBX_OTP_MAX       32u
#define MEBX_ADDRESS_BYTES 46u /* an IPv6 address as text, with its 0 */
#define MEBX_DEFAULT_PORT  9971u

/* `mebx:` of the profile, typed in before the device is switched on for the first time. AMT_ESYS,
 * AMT_ECERT: a file of `roots`; AMT_ETOOBIG, AMT_ECONFIG; all with diag. */
enum amt_err mebx_be_born(struct firmware *firmware, struct amt_diag *diag) AMT_MUST_USE;
/* Whether this is the password of the MEBx; a device from the factory has "admin". */
bool mebx_password_is(const struct firmware *firmware, const void *password, size_t len);
/* 8 to 32 characters of all four kinds (wsman.md 3.1), without : , and ". */
bool mebx_password_is_strong(const char *password);
/* AMT_EAUTH: too weak. AMT_ESYS: no digest. */
enum amt_err mebx_set_password(struct firmware *firmware, const char *password) AMT_MUST_USE;

/* The server that hello messages go to; texts are "" when they are not set, borrowed until the next
 * change. port is MEBX_DEFAULT_PORT unless set. */
struct mebx_server {
    const char *fqdn, *address;
    uint16_t port;
};
void mebx_server(const struct firmware *firmware, struct mebx_server *out);
/* "" or NULL forgets it; AMT_ETOOBIG, AMT_ENOMEM. */
enum amt_err mebx_set_server_fqdn(struct firmware *firmware, const char *fqdn) AMT_MUST_USE;
enum amt_err mebx_set_server_address(struct firmware *firmware, const char *address) AMT_MUST_USE;
/* 0 goes back to MEBX_DEFAULT_PORT. */
void mebx_set_server_port(struct firmware *firmware, uint16_t port);

/* Whether remote configuration is allowed at all ("zero touch"; ZeroTouchConfigurationEnabled). */
bool mebx_zero_touch(const struct firmware *firmware);
enum amt_err mebx_set_zero_touch(struct firmware *firmware, bool is_on) AMT_MUST_USE;
/* The one-time password that a configuration server may ask for (ProvisioningServerOTP), 8 to 32
 * characters. AMT_EMALFORMED: another length, or not text; AMT_ENOMEM. */
enum amt_err mebx_set_otp(struct firmware *firmware, const char *otp, size_t len) AMT_MUST_USE;

/* Intel AMT as a whole: with it off no port answers. */
bool mebx_amt_is_on(const struct firmware *firmware);
void mebx_switch_amt(struct firmware *firmware, bool is_on);
/* Identifier of a TLS-PSK key, 8 characters (before release 11); "" without one. */
const char *mebx_pid(const struct firmware *firmware);
void mebx_set_pid(struct firmware *firmware, const char pid[static 8]);

#endif
