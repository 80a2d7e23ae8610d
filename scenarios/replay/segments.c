#include "scenarios/replay/segments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/pcapng.h"

#define DEFAULT_PORT    4433u
#define READ_BYTES      65536u
#define TLS_HANDSHAKE   0x16u
#define PROTOCOLVERSION 0xc0u
#define SERVICE_REQUEST 0x05u

struct early_segment {
    uint32_t sequence, len;
    uint8_t flags;
    uint64_t time_us;
    const uint8_t *bytes;
    struct early_segment *next;
};

struct segment_connection *segments_find(struct segments *segments, const struct frame_end *from,
                                         const struct frame_end *to, bool *from_client)
{
    struct segment_connection *found = NULL;
    /* the last one: ports are used again */
    for (struct segment_connection *at = segments->connections; at != NULL; at = at->next) {
        bool forth = frame_end_equal(&at->client, from) && frame_end_equal(&at->server, to);
        bool back = frame_end_equal(&at->client, to) && frame_end_equal(&at->server, from);
        if (forth || back) {
            found = at;
            *from_client = forth;
        }
    }
    return found;
}

static struct segment_connection *add_connection(struct segments *segments,
                                                 const struct frame *frame, bool from_client,
                                                 uint64_t time_us)
{
    struct segment_connection *c = arena_alloc(&segments->arena, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->client = from_client ? frame->from : frame->to;
    c->server = from_client ? frame->to : frame->from;
    c->begin_us = time_us;
    if (segments->last == NULL) {
        segments->connections = c;
    } else {
        segments->last->next = c;
    }
    segments->last = c;
    return c;
}

enum amt_err segment_add(struct segments *segments, struct segment_connection *connection,
                         const struct segment_event *event)
{
    struct segment_event *added = arena_alloc(&segments->arena, sizeof *added);
    char *bytes =
        added == NULL ? NULL : arena_text(&segments->arena, (const char *)event->bytes, event->len);
    if (bytes == NULL) {
        return AMT_ENOMEM;
    }
    *added = *event;
    added->bytes = (const uint8_t *)bytes;
    added->next = NULL;
    if (connection->last_event == NULL) {
        connection->events = added;
    } else {
        connection->last_event->next = added;
    }
    connection->last_event = added;
    return AMT_OK;
}

static enum amt_err end_piece(struct segments *segments, struct segment_connection *c,
                              bool from_client)
{
    struct segment_way *way = &c->ways[from_client ? 0 : 1];
    if (way->piece.len == 0) {
        return AMT_OK;
    }
    const struct segment_event event = { .what = RECORDING_DATA,
                                         .from_client = from_client,
                                         .time_us = way->piece_time_us,
                                         .bytes = bytes_front(&way->piece),
                                         .len = way->piece.len };
    TRY(segment_add(segments, c, &event));
    bytes_fini(&way->piece);
    return AMT_OK;
}

static void look_at_first_byte(struct segment_connection *c, uint8_t first)
{
    if (!c->is_tls && !c->is_apf) {
        c->is_tls = first == TLS_HANDSHAKE;
        c->is_apf = first == PROTOCOLVERSION || first == SERVICE_REQUEST;
    }
}

/* Bytes in order, and what the flags say behind them. */
static enum amt_err take_segment(struct segments *segments, struct segment_connection *c,
                                 bool from_client, const struct early_segment *s)
{
    struct segment_way *way = &c->ways[from_client ? 0 : 1];
    uint32_t known = way->next_sequence - s->sequence; /* of a repetition */
    uint32_t fresh = known < s->len ? s->len - known : 0;
    if (fresh > 0) {
        if (way->piece.len == 0) {
            way->piece_time_us = s->time_us;
        }
        TRY(end_piece(segments, c, !from_client));
        TRY(bytes_append(&way->piece, s->bytes + known, fresh));
        if (from_client) {
            look_at_first_byte(c, s->bytes[known]);
        }
        way->next_sequence += fresh;
    }
    if ((s->flags & (FRAME_PSH | FRAME_FIN | FRAME_RST)) != 0) {
        TRY(end_piece(segments, c, from_client));
    }
    bool ends = (s->flags & (FRAME_FIN | FRAME_RST)) != 0;
    if (ends && !way->has_ended) {
        const struct segment_event event = { .what = (s->flags & FRAME_RST) != 0 ? RECORDING_RESET
                                                                                 : RECORDING_FIN,
                                             .from_client = from_client,
                                             .time_us = s->time_us };
        way->has_ended = true;
        way->next_sequence += (s->flags & FRAME_FIN) != 0 ? 1 : 0;
        TRY(segment_add(segments, c, &event));
    }
    return AMT_OK;
}

static bool is_later(uint32_t a, uint32_t b)
{
    return a != b && a - b < 0x80000000u;
}

static enum amt_err take_early(struct segments *segments, struct segment_connection *c,
                               bool from_client)
{
    struct segment_way *way = &c->ways[from_client ? 0 : 1];
    struct early_segment **at = &way->early;
    while (*at != NULL) {
        struct early_segment *s = *at;
        if (is_later(s->sequence, way->next_sequence)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        TRY(take_segment(segments, c, from_client, s));
        at = &way->early;
    }
    return AMT_OK;
}

static enum amt_err keep_early(struct segments *segments, struct segment_way *way,
                               const struct early_segment *s)
{
    struct early_segment *kept = arena_alloc(&segments->arena, sizeof *kept);
    char *bytes =
        kept == NULL ? NULL : arena_text(&segments->arena, (const char *)s->bytes, s->len);
    if (bytes == NULL) {
        return AMT_ENOMEM;
    }
    *kept = *s;
    kept->bytes = (const uint8_t *)bytes;
    kept->next = way->early;
    way->early = kept;
    return AMT_OK;
}

/* Without SYN: the server is who has the port, or the lower one. */
static bool is_from_client(const struct frame *frame, uint16_t port)
{
    uint16_t server = port != 0 ? port : DEFAULT_PORT;
    if ((frame->flags & FRAME_SYN) != 0) {
        return (frame->flags & FRAME_ACK) == 0;
    }
    if (frame->to.port == server || frame->from.port == server) {
        return frame->to.port == server;
    }
    return frame->to.port < frame->from.port;
}

static enum amt_err take_frame(struct segments *segments, const struct frame *frame,
                               const uint8_t *packet, uint64_t time_us, uint16_t port)
{
    bool from_client = false;
    struct segment_connection *c = segments_find(segments, &frame->from, &frame->to, &from_client);
    bool is_syn = (frame->flags & (FRAME_SYN | FRAME_ACK)) == FRAME_SYN;
    bool is_again = c != NULL && is_syn && from_client && c->ways[0].has_sequence &&
                    c->ways[0].next_sequence != frame->sequence + 1;
    if (c == NULL || is_again) {
        if ((frame->flags & FRAME_RST) != 0) {
            return AMT_OK; /* of a connection that is not in the capture */
        }
        from_client = is_from_client(frame, port);
        c = add_connection(segments, frame, from_client, time_us);
        if (c == NULL) {
            return AMT_ENOMEM;
        }
    }
    struct segment_way *way = &c->ways[from_client ? 0 : 1];
    struct early_segment s = { .sequence = frame->sequence,
                               .len = frame->payload.len,
                               .flags = frame->flags,
                               .time_us = time_us,
                               .bytes = packet + frame->payload.off };
    s.sequence += (frame->flags & FRAME_SYN) != 0 ? 1 : 0;
    if (!way->has_sequence) {
        way->has_sequence = true;
        way->next_sequence = s.sequence;
    }
    if (is_later(s.sequence, way->next_sequence) && (s.flags & FRAME_RST) == 0) {
        return keep_early(segments, way, &s);
    }
    TRY(take_segment(segments, c, from_client, &s));
    return take_early(segments, c, from_client);
}

static enum amt_err take_packet(struct segments *segments, const struct pcapng_block *block,
                                const uint8_t *in, uint16_t port)
{
    struct frame frame;
    uint32_t missing = 0;
    const uint8_t *packet = in + block->data.off;
    segments->packets++;
    if (frame_decode(block->link_type, packet, block->data.len, &frame, &missing) != AMT_OK) {
        segments->skipped++;
        return AMT_OK;
    }
    if (port != 0 && frame.from.port != port && frame.to.port != port) {
        return AMT_OK;
    }
    return missing > 0 ? AMT_EMALFORMED
                       : take_frame(segments, &frame, packet, block->time_us, port);
}

static enum amt_err check_gaps(struct segments *segments, const char *path, struct amt_diag *diag)
{
    for (struct segment_connection *c = segments->connections; c != NULL; c = c->next) {
        TRY(end_piece(segments, c, true));
        TRY(end_piece(segments, c, false));
        bool has_gap = c->ways[0].early != NULL || c->ways[1].early != NULL;
        if (has_gap && (c->is_apf || c->is_tls)) {
            (void)amt_diag_set(diag, AMT_EMALFORMED,
                               "%s: segments of the connection from port %u to port %u are missing",
                               path, c->client.port, c->server.port);
            return amt_diag_hint(diag, "capture with a larger buffer (tcpdump -B 65536)");
        }
    }
    return AMT_OK;
}

static enum amt_err read_blocks(struct segments *segments, FILE *in, const char *path,
                                uint16_t port, struct amt_diag *diag)
{
    struct bytes waiting = { 0 };
    struct pcapng_reader reader = { .has_begun = false };
    uint64_t offset = 0;
    enum amt_err err = AMT_NEED_MORE;
    for (;;) {
        struct pcapng_block block;
        uint32_t used = 0;
        err = waiting.len == 0
                  ? AMT_NEED_MORE
                  : pcapng_read(&reader, bytes_front(&waiting), waiting.len, &block, &used);
        if (err == AMT_NEED_MORE) {
            uint8_t *room = bytes_reserve(&waiting, READ_BYTES);
            size_t got = room == NULL ? 0 : fread(room, 1, READ_BYTES, in);
            if (got == 0) {
                break;
            }
            bytes_grown(&waiting, (uint32_t)got);
            continue;
        }
        if (err == AMT_OK && block.kind == PCAPNG_PACKET) {
            err = take_packet(segments, &block, bytes_front(&waiting), port);
            reader.why = "a packet was cut by the capture (tcpdump -s 0 does not)";
            reader.at = 0;
        }
        if (err != AMT_OK) {
            break;
        }
        bytes_consume(&waiting, used);
        offset += used;
    }
    unsigned long long at = offset + reader.at;
    bool is_whole = err == AMT_NEED_MORE && reader.has_begun && ferror(in) == 0;
    bytes_fini(&waiting); /* what breaks off at the end is how captures end that were killed */
    if (is_whole) {
        return AMT_OK;
    }
    return err == AMT_ENOMEM ? amt_diag_set(diag, AMT_ENOMEM, "out of memory")
                             : amt_diag_set(diag, AMT_EMALFORMED, "%s, at byte %llu: %s", path, at,
                                            reader.why == NULL ? "no capture file" : reader.why);
}

enum amt_err segments_read(struct segments *segments, const char *path, uint16_t port,
                           struct amt_diag *diag)
{
    FILE *in = fopen(path, "rbe");
    if (in == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the capture %s", path);
    }
    enum amt_err err = read_blocks(segments, in, path, port, diag);
    (void)fclose(in);
    return err == AMT_OK ? check_gaps(segments, path, diag) : err;
}

void segments_fini(struct segments *segments)
{
    for (struct segment_connection *c = segments->connections; c != NULL; c = c->next) {
        bytes_fini(&c->ways[0].piece);
        bytes_fini(&c->ways[1].piece);
    }
    arena_fini(&segments->arena);
}
