/* The connections of a capture: TCP put together again, in order. */
#ifndef AMTLAB_SCENARIOS_REPLAY_SEGMENTS_H
#define AMTLAB_SCENARIOS_REPLAY_SEGMENTS_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "runtime/frame.h"
#include "scenarios/replay/recording.h"

/* One thing that happened on a connection. */
struct segment_event {
    enum recording_what what;
    bool from_client;
    uint64_t time_us; /* Unix time */
    const uint8_t *bytes;
    uint32_t len;
    struct segment_event *next;
};

struct early_segment; /* came before what belongs in front of it */

struct segment_way {
    uint32_t next_sequence;
    bool has_sequence, has_ended;
    struct early_segment *early;
    struct bytes piece; /* until PSH: one write of the sender */
    uint64_t piece_time_us;
};

struct segment_connection {
    struct frame_end client, server;
    uint64_t begin_us;
    struct segment_way ways[2]; /* [0]: from the client */
    struct segment_event *events, *last_event;
    bool is_tls; /* begins as TLS does */
    bool is_apf; /* begins as APF of a device does */
    struct segment_connection *next;
};

struct segments {
    struct arena arena;
    struct segment_connection *connections, *last;
    uint64_t packets, skipped; /* skipped: no TCP */
};

/* Reads a capture file, pcapng or pcap. AMT_ESYS, AMT_EMALFORMED (with the offset in the file), AMT_ENOMEM. */
enum amt_err segments_read(struct segments *segments, const char *path, uint16_t port,
                           struct amt_diag *diag) AMT_MUST_USE;
/* Appends an event; bytes are copied. */
enum amt_err segment_add(struct segments *segments, struct segment_connection *connection,
                         const struct segment_event *event) AMT_MUST_USE;
struct segment_connection *segments_find(struct segments *segments, const struct frame_end *from,
                                         const struct frame_end *to, bool *from_client);
void segments_fini(struct segments *segments);

#endif
