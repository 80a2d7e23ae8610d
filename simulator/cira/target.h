/* A server that was configured over WS-Man, as the device calls it. */
#ifndef AMTLAB_SIMULATOR_CIRA_TARGET_H
#define AMTLAB_SIMULATOR_CIRA_TARGET_H

#include "simulator/device_internal.h"
#include "simulator/firmware/remote_access.h"

/* Everything that a call needs: address, proxy, name to check, credentials, lifetime, and a TLS context
 * with the roots and the certificate that the device has now. AMT_ETOOBIG, AMT_ECERT with diag. */
enum amt_err target_set(struct device *device, const struct remote_access_target *target,
                        struct amt_diag *diag) AMT_MUST_USE;

#endif
