/* One connection as packets: decoded on the way, so that secrets are known and cuts stay where they were. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/apf/flow.h"
#include "runtime/capture_internal.h"
#include "runtime/mask.h"
#include "runtime/pcapng.h"

#define SEGMENT_BYTES  1440u /* payload of an Ethernet frame, IPv6 */
#define CHANNELS_MAX   64u /* masks of one direction; above it the one used longest ago is reused */
#define HELD_MAX_BYTES 65536u
#define MADE_UP_DEVICE 0xc0000200u /* 192.0.2.x, for documentation: no address is known */
#define MADE_UP_SERVER 0xc63364feu /* 198.51.100.254 */
#define SERVER_PORT    4433u

/* Bytes that arrived or left together. */
struct piece {
    uint32_t len;
    uint64_t time_us;
    struct piece *next;
};

struct channel_mask {
    uint32_t channel;
    uint64_t used; /* number of the message that used it last; 0: free */
    struct mask mask;
};

struct way {
    struct bytes ready; /* decoded and masked, not written yet */
    struct piece *first, *last;
    struct channel_mask *masks; /* CHANNELS_MAX, made with the first data */
    struct mask lost;           /* of what is no APF */
    bool hides_all;             /* a login that cannot be decoded */
    bool is_boundary;           /* the next byte begins a message */
    bool has_ended;
    char note[128]; /* for the next packet */
    uint32_t sequence;
};

struct capture_session {
    struct capture *capture;
    struct capture_file *file; /* NULL: the device is not known yet */
    struct bytes held;         /* blocks until then */
    struct frame_end ends[2];  /* by direction of what they send */
    struct apf_flow flow;
    struct way ways[2];
    uint64_t messages;
};

/* ---- writing ---- */

static void write_out(struct capture_session *s, struct bytes *blocks, bool is_boundary)
{
    if (s->file == NULL && s->held.len + blocks->len > HELD_MAX_BYTES) {
        s->file = capture_file_take(s->capture, NULL);
        if (s->file != NULL) {
            capture_file_write(s->file, &s->held, true);
        }
        bytes_fini(&s->held);
    }
    if (s->file != NULL) {
        capture_file_write(s->file, blocks, is_boundary);
    } else if (bytes_append(&s->held, bytes_front(blocks), blocks->len) != AMT_OK) {
        s->ways[0].hides_all = s->ways[1].hides_all = true; /* no memory: nothing half shown */
    }
    bytes_fini(blocks);
}

static void put_packet(struct capture_session *s, enum apf_direction way, uint8_t flags,
                       const uint8_t *payload, uint32_t len, uint64_t time_us, const char *comment)
{
    uint8_t packet[FRAME_HEADER_MAX_BYTES + SEGMENT_BYTES];
    struct bytes blocks = { 0 };
    struct way *from = &s->ways[way];
    const struct way *other = &s->ways[way == APF_DEV_TO_MPS ? APF_MPS_TO_DEV : APF_DEV_TO_MPS];
    struct frame frame = { .from = s->ends[way],
                           .to = s->ends[way == APF_DEV_TO_MPS ? 1 : 0],
                           .sequence = from->sequence,
                           .acknowledged = (flags & FRAME_ACK) == 0 ? 0 : other->sequence,
                           .flags = flags };
    uint32_t packet_len = frame_encode(&frame, payload, len, packet);
    from->sequence += len + ((flags & (FRAME_SYN | FRAME_FIN)) != 0 ? 1 : 0);
    if (pcapng_write_packet(&blocks, 0, time_us, packet, packet_len, comment) == AMT_OK) {
        write_out(s, &blocks, from->is_boundary && s->flow.waiting[way].len == 0);
    }
    bytes_fini(&blocks);
}

/* One piece as segments; the last one carries PSH, so the cut can be seen. */
static void put_piece(struct capture_session *s, enum apf_direction way, const uint8_t *bytes,
                      uint32_t len, uint64_t time_us)
{
    char *note = s->ways[way].note;
    for (uint32_t at = 0; at < len;) {
        uint32_t now = len - at < SEGMENT_BYTES ? len - at : SEGMENT_BYTES;
        uint8_t flags = at + now == len ? FRAME_ACK | FRAME_PSH : FRAME_ACK;
        put_packet(s, way, flags, bytes + at, now, time_us, note[0] == '\0' ? NULL : note);
        note[0] = '\0';
        at += now;
    }
}

/* Writes the pieces that are decoded to their end; all of them when the connection is over. */
static void put_ready(struct capture_session *s, enum apf_direction way)
{
    struct way *w = &s->ways[way];
    while (w->first != NULL && w->first->len <= w->ready.len) {
        struct piece *piece = w->first;
        put_piece(s, way, bytes_front(&w->ready), piece->len, piece->time_us);
        bytes_consume(&w->ready, piece->len);
        w->is_boundary = w->ready.len == 0;
        w->first = piece->next;
        w->last = w->first == NULL ? NULL : w->last;
        amt_free(piece);
    }
}

/* ---- masking ---- */

static struct mask *mask_of(struct capture_session *s, enum apf_direction way, uint32_t channel)
{
    struct way *w = &s->ways[way];
    if (w->masks == NULL) {
        w->masks = amt_alloc_array(CHANNELS_MAX, sizeof *w->masks);
        if (w->masks == NULL) {
            return NULL;
        }
    }
    struct channel_mask *oldest = &w->masks[0];
    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        struct channel_mask *at = &w->masks[i];
        if (at->used != 0 && at->channel == channel) {
            at->used = s->messages;
            return &at->mask;
        }
        oldest = at->used < oldest->used ? at : oldest;
    }
    *oldest = (struct channel_mask){ .channel = channel, .used = s->messages };
    return &oldest->mask;
}

/* A number is free again: what comes under it next is another conversation. */
static void forget_channel(struct way *w, uint32_t channel)
{
    for (uint32_t i = 0; w->masks != NULL && i < CHANNELS_MAX; i++) {
        if (w->masks[i].used != 0 && w->masks[i].channel == channel) {
            w->masks[i] = (struct channel_mask){ .used = 0 };
        }
    }
}

static void hide(uint8_t *bytes, struct view view)
{
    memset(bytes + view.off, '*', view.len);
}

static void mask_message(struct capture_session *s, enum apf_direction way,
                         const struct apf_message *message, uint8_t *bytes)
{
    struct mask *mask = NULL;
    if (message->type == APF_USERAUTH_REQUEST && message->has_password) {
        hide(bytes, message->password);
    } else if (message->type == APF_CHANNEL_DATA) {
        mask = mask_of(s, way, message->recipient_channel);
        if (mask == NULL) {
            hide(bytes, message->data);
        } else {
            mask_bytes(mask, bytes + message->data.off, message->data.len);
        }
    } else if (message->type == APF_CHANNEL_CLOSE) {
        forget_channel(&s->ways[way], message->recipient_channel);
    }
}

/* ---- decoding ---- */

static void identify(struct capture_session *s, const struct uuid *uuid)
{
    struct bytes names = { 0 };
    const struct frame_end *device = &s->ends[0];
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    (void)snprintf(s->ways[0].note, sizeof s->ways[0].note, "device %s", text);
    if (s->file != NULL && s->capture->is_folder) {
        return;
    }
    if (s->file == NULL) {
        s->file = capture_file_take(s->capture, uuid);
    }
    uint32_t address_bytes = device->is_v6 ? PCAPNG_NAME_IPV6_BYTES : PCAPNG_NAME_IPV4_BYTES;
    bool is_same_host = memcmp(device->ip, s->ends[1].ip, address_bytes) == 0;
    if (s->file != NULL && !is_same_host &&
        pcapng_write_name(&names, device->ip, address_bytes, text) == AMT_OK) {
        capture_file_write(s->file, &names, false);
    }
    if (s->file != NULL) {
        capture_file_write(s->file, &s->held, true);
        bytes_fini(&s->held);
    }
    bytes_fini(&names);
}

static void note_lost(struct way *w, const uint8_t *bytes, uint32_t len, const char *why)
{
    if (strncmp(why, "after", 5) != 0) {
        (void)snprintf(w->note, sizeof w->note, "not APF: %s", why);
        w->hides_all = len > 0 && bytes[0] == APF_USERAUTH_REQUEST;
    }
}

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    struct capture_session *s = ctx;
    struct way *w = &s->ways[direction];
    uint8_t *copy = bytes_reserve(&w->ready, len);
    if (copy == NULL) {
        return;
    }
    memcpy(copy, bytes, len);
    bytes_grown(&w->ready, len);
    s->messages++;
    if (message != NULL && message->type == APF_PROTOCOLVERSION && direction == APF_DEV_TO_MPS) {
        struct uuid uuid;
        uuid_from_wire(message->uuid, &uuid);
        identify(s, &uuid);
    }
    if (message == NULL) {
        note_lost(w, bytes, len, why);
    }
    if (s->capture->keeps_secrets) {
        return;
    }
    if (message != NULL) {
        mask_message(s, direction, message, copy);
    } else if (w->hides_all) {
        memset(copy, '*', len);
    } else {
        mask_bytes(&w->lost, copy, len);
    }
}

void capture_session_data(struct capture_session *s, bool from_device, const uint8_t *bytes,
                          uint32_t len)
{
    enum apf_direction way = from_device ? APF_DEV_TO_MPS : APF_MPS_TO_DEV;
    struct way *w = &s->ways[way];
    struct piece *piece = w->has_ended || len == 0 ? NULL : amt_alloc(sizeof *piece);
    if (piece == NULL) {
        return;
    }
    *piece = (struct piece){ .len = len, .time_us = loop_wall_us(s->capture->loop) };
    if (w->last == NULL) {
        w->first = piece;
    } else {
        w->last->next = piece;
    }
    w->last = piece;
    if (apf_flow_feed(&s->flow, way, bytes, len, on_message, s) == AMT_OK) {
        put_ready(s, way);
    }
}

/* What is left is half a message: it cannot be told whether a secret is in it. */
static void put_rest(struct capture_session *s, enum apf_direction way)
{
    struct way *w = &s->ways[way];
    struct bytes *waiting = &s->flow.waiting[way];
    if (waiting->len == 0) {
        return;
    }
    uint32_t at = w->ready.len;
    if (bytes_append(&w->ready, bytes_front(waiting), waiting->len) != AMT_OK) {
        return;
    }
    uint8_t *rest = w->ready.block + w->ready.start + at;
    if (!s->capture->keeps_secrets) {
        uint32_t shown = rest[0] == APF_CHANNEL_DATA ? APF_DATA_HEADER_BYTES : 1;
        if (waiting->len > shown &&
            (rest[0] == APF_USERAUTH_REQUEST || rest[0] == APF_CHANNEL_DATA)) {
            memset(rest + shown, '*', waiting->len - shown);
        }
    }
    (void)snprintf(w->note, sizeof w->note, "the message breaks off here");
    bytes_fini(waiting);
    put_ready(s, way);
}

void capture_session_end(struct capture_session *s, bool from_device, bool is_reset,
                         const char *comment)
{
    enum apf_direction way = from_device ? APF_DEV_TO_MPS : APF_MPS_TO_DEV;
    struct way *w = &s->ways[way];
    if (w->has_ended) {
        return;
    }
    put_rest(s, way);
    put_packet(s, way, is_reset ? FRAME_RST | FRAME_ACK : FRAME_FIN | FRAME_ACK, NULL, 0,
               loop_wall_us(s->capture->loop), comment);
    w->has_ended = true;
    if (is_reset) {
        s->ways[way == APF_DEV_TO_MPS ? 1 : 0].has_ended = true;
    }
}

/* ---- its life ---- */

static void set_end(struct frame_end *end, const char *name, uint32_t made_up, uint16_t port)
{
    if (frame_end_parse(name, end) == AMT_OK) {
        return;
    }
    struct writer w = { .base = end->ip, .cap = 4 };
    *end = (struct frame_end){ .port = port };
    writer_u32(&w, made_up);
}

/* Both ends of one packet are of one family. */
static void set_ends(struct capture_session *s, const char *device, const char *server)
{
    uint32_t number = s->capture->session_count++;
    uint16_t port = (uint16_t)(49152 + number % 16384);
    set_end(&s->ends[0], device, MADE_UP_DEVICE + 1 + number % 253, port);
    set_end(&s->ends[1], server, MADE_UP_SERVER, SERVER_PORT);
    if (s->ends[0].is_v6 != s->ends[1].is_v6) {
        set_end(&s->ends[0], "", MADE_UP_DEVICE + 1 + number % 253, port);
        set_end(&s->ends[1], "", MADE_UP_SERVER, SERVER_PORT);
    }
}

struct capture_session *capture_session_new(struct capture *capture, const char *device,
                                            const char *server, const char *comment)
{
    struct capture_session *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return NULL;
    }
    s->capture = capture;
    capture->references++;
    set_ends(s, device, server);
    s->ways[0].is_boundary = s->ways[1].is_boundary = true;
    if (!capture->is_folder) {
        s->file = capture_file_take(capture, NULL);
    }
    uint64_t now = loop_wall_us(capture->loop);
    put_packet(s, APF_DEV_TO_MPS, FRAME_SYN, NULL, 0, now, comment);
    put_packet(s, APF_MPS_TO_DEV, FRAME_SYN | FRAME_ACK, NULL, 0, now, NULL);
    put_packet(s, APF_DEV_TO_MPS, FRAME_ACK, NULL, 0, now, NULL);
    return s;
}

void capture_session_free(struct capture_session *s)
{
    if (s == NULL) {
        return;
    }
    if (s->file == NULL && s->held.len > 0) {
        s->file = capture_file_take(s->capture, NULL);
        if (s->file != NULL) {
            capture_file_write(s->file, &s->held, true);
        }
    }
    if (s->file != NULL) {
        capture_file_release(s->file);
    }
    for (uint32_t i = 0; i < 2; i++) {
        while (s->ways[i].first != NULL) {
            struct piece *piece = s->ways[i].first;
            s->ways[i].first = piece->next;
            amt_free(piece);
        }
        bytes_fini(&s->ways[i].ready);
        amt_free(s->ways[i].masks);
    }
    bytes_fini(&s->held);
    apf_flow_fini(&s->flow);
    capture_release(s->capture);
    amt_free(s);
}
