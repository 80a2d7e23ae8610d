/* User consent and the settings of redirection, KVM and screens: wsman.md 4.12 to 4.14. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_CONSENT_H
#define AMTLAB_SIMULATOR_FIRMWARE_CONSENT_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_consent_part;
/* Whether an action that needs consent (all of them in client control mode) may go on now. */
bool consent_allows(const struct firmware *firmware);
/* The six digits on the user's screen while one is asked for; NULL. */
const char *consent_code(const struct firmware *firmware);

#endif
