/*
 * The JSON objects of MeshCentral's host protocol (activation.md 6.3, 6.4), both directions. They travel
 * in APF message 250. No I/O.
 */
#ifndef AMTLAB_PROTOCOL_ACTIVATION_MESH_H
#define AMTLAB_PROTOCOL_ACTIVATION_MESH_H

#include "base/diag.h"
#include "base/text.h"
#include "protocol/activation/report.h"

enum mesh_action {
    MESH_CONNECTION_TYPE, /* C>S connType */
    MESH_STATE,           /* C>S meiState */
    MESH_CONSOLE,         /* S>C console */
    MESH_ASK_STATE,       /* S>C mestate */
    MESH_DEACTIVATE,      /* S>C, and C>S with a status */
    MESH_STOP,            /* stopConfiguration, both */
    MESH_START_TLS,       /* startTlsHostConfig, both */
    MESH_CLOSE,           /* S>C close */
    MESH_UNKNOWN          /* another action: passed over (ACT-SRV-042) */
};
struct mesh_message {
    enum mesh_action action;
    const char *action_text;
    int64_t value; /* connType; status of an answer */
    bool has_value;
    const char *text; /* console: msg; startTlsHostConfig: hash, hex; "" */
};
/* Reads an object. Texts, and for meiState the report (NULL: not wanted), live in arena. AMT_EMALFORMED with
 * diag: no JSON object, or no text `action`. */
enum amt_err mesh_read(struct arena *arena, const char *json, size_t len,
                       struct mesh_message *message, struct activation_report *report,
                       struct amt_diag *diag) AMT_MUST_USE;

/* Writers append one object in ASCII: others as \uXXXX, because the reference code counts characters. */
void mesh_write_connection_type(struct text *out, int type);
void mesh_write_state(struct text *out, const struct activation_report *report);
void mesh_write_console(struct text *out, const char *message);
/* {"action":name}: mestate, deactivate, stopConfiguration, close. */
void mesh_write_plain(struct text *out, enum mesh_action action);
/* {"action":name,"value":status}: a client's answer. */
void mesh_write_status(struct text *out, enum mesh_action action, int status);
/* Server: hash of the leaf. */
void mesh_write_start_tls(struct text *out, const char *hash_hex);
/* Client: its answer; hash_hex NULL unless status is 0. */
void mesh_write_tls_started(struct text *out, int status, const char *hash_hex);

#endif
