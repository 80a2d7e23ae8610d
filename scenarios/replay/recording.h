/*
 * A recording: what passed between a device and a server, above TLS, with times (harness.md 14). As a
 * file (.amtrec) it is JSON Lines: a header, then events. Bytes are authoritative; what they mean is
 * decoded when a recording is loaded, and the decoded lines in a file are for people.
 *
 *   {"amtrec":1,"program":"...","seed":0,"start_us":N,"actors":[...],"scrub":[...],"comment":"..."}
 *   {"t":0,"a":"dev","d":"out","l":"tcp","c":1,"e":"open"}
 *   {"t":120,"a":"dev","d":"out","l":"tcp","c":1,"b":"wAAAAAEA..."}
 *   {"t":120,"l":"apf","c":1,"n":1,"m":"protocol_version","f":{"major":1,...}}
 *
 * t: microseconds since the start; a, d: what `dev` sent ("out") or got ("in"); c: number of the
 * connection; b: bytes that went together, base64; e: "open", "fin" or "reset" instead of bytes.
 */
#ifndef AMTLAB_SCENARIOS_REPLAY_RECORDING_H
#define AMTLAB_SCENARIOS_REPLAY_RECORDING_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "protocol/apf/codec.h"

#define RECORDING_MAX_BYTES       268435456u /* of a file */
#define RECORDING_CONNECTIONS_MAX 256u

enum recording_what { RECORDING_OPEN, RECORDING_DATA, RECORDING_FIN, RECORDING_RESET };

/* A line of the file. */
struct recording_event {
    enum recording_what what;
    bool from_device;
    uint32_t connection; /* from 1 */
    uint64_t at_us;
    const uint8_t *bytes;
    uint32_t len;
    struct recording_event *next;
};

/* What a replay does or waits for: a message, or the beginning or end of a connection. */
struct recording_step {
    enum recording_what what; /* DATA: a message */
    bool from_device;
    bool is_apf;     /* message describes bytes; else the rest of this direction is not APF */
    bool is_joined;  /* its last byte went together with the next message of its direction */
    uint32_t number; /* of the message, from 1 over the whole recording; 0 without one */
    uint32_t connection;
    uint64_t at_us;
    const uint8_t *bytes;
    uint32_t len;
    struct apf_message message;          /* views into bytes */
    const struct recording_event *event; /* that completed it */
    uint32_t *cuts;                      /* where the message was cut: offsets, ascending */
    uint32_t cut_count;
    struct recording_step *next;
};

struct recording {
    struct arena arena; /* owns everything below */
    const char *path;   /* of the file, or "" */
    const char *comment;
    uint64_t start_us; /* Unix time */
    uint32_t connections, messages;
    struct recording_event *events, *last_event;
    struct recording_step *steps, *last_step; /* after recording_decode */
};

/* Empty; NULL without memory. */
struct recording *recording_new(void);
void recording_free(struct recording *recording); /* NULL is allowed */
/* Appends an event; bytes are copied. A time before that of the last event counts as that. AMT_ENOMEM;
 * AMT_ELIMIT: a connection number of 0 or above RECORDING_CONNECTIONS_MAX. */
enum amt_err recording_add(struct recording *recording,
                           const struct recording_event *event) AMT_MUST_USE;
/* Makes the steps from the events. AMT_ENOMEM. */
enum amt_err recording_decode(struct recording *recording) AMT_MUST_USE;

/* The text of a file, whole; decoded. path is for errors. NULL with diag (file and line): AMT_EMALFORMED,
 * AMT_ENOMEM. */
struct recording *recording_parse(const char *text, size_t len, const char *path,
                                  struct amt_diag *diag);
/* NULL with diag: also AMT_ESYS, AMT_ETOOBIG. */
struct recording *recording_load(const char *path, struct amt_diag *diag);
/* Appends the file's text. Passwords are not shown in the decoded lines. */
void recording_write(const struct recording *recording, struct text *out);

/* "apf.channel_open", or "bytes" for what is not APF; "open", "fin", "reset". */
void recording_step_name(const struct recording_step *step, struct text *out);

#endif
