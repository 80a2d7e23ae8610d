/*
 * From a capture to recordings: captures of amtlab (APF as if on TCP), or taken on the wire, plain or
 * under TLS (decrypted by tshark with a key log, or with the secrets in the file).
 */
#ifndef AMTLAB_SCENARIOS_REPLAY_IMPORT_H
#define AMTLAB_SCENARIOS_REPLAY_IMPORT_H

#include "base/uuid.h"
#include "scenarios/replay/recording.h"

struct import_settings {
    const char *path;
    const char *key_log; /* NULL: none */
    const char *tshark;  /* program; NULL: tshark in PATH */
    uint16_t port;       /* of the server; 0: every connection that begins as APF or TLS does */
};

/* What one device said and heard: its connections, in order. */
struct imported {
    struct uuid uuid;
    bool has_uuid; /* false: never told */
    struct recording *recording;
    struct imported *next;
};

/* In order of their first connections. NULL with diag: AMT_ESYS (file, tshark is missing or fails),
 * AMT_EMALFORMED (no capture; a gap in a connection; TLS without keys), AMT_EUNKNOWN (no APF in it),
 * AMT_ENOMEM. */
struct imported *import_capture(const struct import_settings *settings, struct amt_diag *diag);
void imported_free(struct imported *list); /* NULL is allowed */

#endif
