/* A PC that is to be activated from its host, with the certificates of data/activation. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_PROVISIONING_SETUP_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_PROVISIONING_SETUP_H

#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/tests/pc.h"

#define HOST_SETUP    "IPS_HostBasedSetupService"
#define CONFIGURATION "AMT_SetupAndConfigurationService"

/* Not provisioned, seen by its host: suffix corp.example.com, the root of the good chain in its list,
 * the nonce of vectors.json. version: NULL for the default. */
void setup_open(struct pc *pc, const char *version);
void setup_as_host(struct pc *pc);
void setup_as_admin(struct pc *pc, const char *password);
/* Base64 of a certificate of data/activation, by file name without suffix; lives as long as pc. */
const char *setup_certificate(struct pc *pc, const char *name);
/* AddNextCertInChain: its return value. */
int setup_add(struct pc *pc, const char *name, bool is_leaf, bool is_root);
/* That leaf, int2, int1, root. All are taken. */
void setup_add_chain(struct pc *pc, const char *leaf);
/* A text of vectors.json. */
const char *setup_vector(struct pc *pc, const char *name);
/* Signature of both nonces by the key of a leaf, base64. */
const char *setup_sign(struct pc *pc, const char *leaf);
/* MD5(admin:realm:password) in hexadecimal. */
const char *setup_hash(struct pc *pc, const char *password);
/* AdminSetup or UpgradeClientToAdmin: its return value. hash NULL: without a password. */
int setup_prove(struct pc *pc, const char *method, const char *hash, const char *signature);

#endif
