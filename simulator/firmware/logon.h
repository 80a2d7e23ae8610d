/* Logging on by digest: challenges, their lifetime, what is compared, lockout (wsman.md 1.5 to 1.7). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_LOGON_H
#define AMTLAB_SIMULATOR_FIRMWARE_LOGON_H

#include "runtime/http.h"
#include "simulator/firmware/firmware_internal.h"

#define LOGON_NONCE_CHARS 33 /* with its 0 */

struct logon {
    uint8_t key[32];      /* of the nonces' MAC */
    uint32_t nonce_count; /* challenges made; keeps two of one moment apart */
    uint32_t failures;    /* in a row */
    uint64_t last_failure_us, locked_until_us, lock_us;
    /* Replay protection, when the profile wants it: the highest count of the newest nonces. */
    struct {
        char nonce[LOGON_NONCE_CHARS];
        uint64_t count;
    } seen[8];
    uint32_t seen_next;
};

void logon_init(struct logon *logon, struct firmware *firmware);
/* A fresh nonce: 24 bytes in base64, clock, zero, MAC (WSM-014). */
void logon_nonce(struct logon *logon, const struct firmware *firmware,
                 char out[static LOGON_NONCE_CHARS]);
/* Judges the Authorization header of a request. True fills user. keeps_nonce: an expired nonce is taken
 * (a TLS connection that is logged on, wsman.md 1.6). */
bool logon_check(struct logon *logon, struct firmware *firmware, const struct http_request *request,
                 enum firmware_door door, bool keeps_nonce, struct firmware_user *user);

#endif
