/* Users and access control, wsman.md 3.1, 4.11. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_USERS_H
#define AMTLAB_SIMULATOR_FIRMWARE_USERS_H

#include "protocol/http/digest.h"
#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_users_part;
/* The first line of admin_password_file, for a device that is born provisioned; nothing without such
 * a file. AMT_ESYS, AMT_ECONFIG (empty), AMT_ETOOBIG. */
enum amt_err users_read_password_file(struct firmware *firmware,
                                      struct amt_diag *diag) AMT_MUST_USE;
/* A user who may log on at this door now: fills user and HA1. False if there is none. */
bool users_find(struct firmware *firmware, const char *name, enum firmware_door door,
                struct firmware_user *user, uint8_t ha1[static DIGEST_MD5_BYTES]);
/* The administrator, for whom no logon is needed: a provisioning session. */
void users_administrator(const struct firmware *firmware, struct firmware_user *user);
/* At once (WSM-062). name NULL keeps the name. */
void users_set_admin(struct firmware *firmware, const char *name,
                     const uint8_t ha1[static DIGEST_MD5_BYTES]);
const char *users_admin_name(const struct firmware *firmware);
/* Draws another one, as a restart of the management engine does (activation.md 1.3). */
void users_renew_os_admin(struct firmware *firmware);
/* The random password of $$OsAdmin, for the host interface; new after unprovisioning. */
const char *users_os_admin_password(const struct firmware *firmware);
/* Whether a password of the administrator has been set. */
bool users_have_admin(const struct firmware *firmware);
/* Whether somebody holds the audit log realm: then only auditors touch that log. */
bool users_have_auditor(const struct firmware *firmware);
/* Realm check of class behaviours (wsman.md 3.3): realm 0 needs administration. */
bool users_may(const struct firmware_user *user, enum realm realm);

#endif
