/* What mux.c (messages, numbers, timers) and channel.c (data, credit, closing) share. */
#ifndef AMTLAB_PROTOCOL_APF_MUX_INTERNAL_H
#define AMTLAB_PROTOCOL_APF_MUX_INTERNAL_H

#include "base/bytes.h"
#include "protocol/apf/mux.h"

struct apf_channel {
    struct apf_mux *mux;
    struct apf_channel *next;
    void *ctx;
    struct bytes queue;    /* towards the peer, waiting for credit */
    uint64_t deadline_us;  /* UINT64_MAX: none */
    int64_t rx_window;     /* payload the peer may still send; negative after a tolerated overrun */
    uint32_t rx_delivered; /* handed to the owner, not yet consumed */
    uint32_t rx_consumed;  /* consumed, not yet given back */
    uint32_t tx_credit;
    uint32_t local_number, remote_number, port;
    enum apf_channel_state state;
    bool is_inbound;      /* opened by the peer */
    bool is_close_wanted; /* closed by the owner while opening */
    bool is_flushing;     /* a send loop for this channel is on the stack */
    bool is_silent;       /* the owner has had its on_channel_end */
    bool may_be_stray;    /* the next CLOSE may belong to the slot's former channel */
    bool is_stalled;      /* bytes were queued since the last on_drain */
};

struct apf_mux {
    const struct apf_mux_config *config;
    const struct apf_mux_handler *handler;
    void *ctx;
    struct apf_channel *channels;
    struct apf_channel *buried; /* gone, but a function on the stack may still hold them */
    struct apf_mux_statistics statistics;
    const char *violation, *violation_requirement;
    uint64_t closed_by_peer; /* device slots 0-63 whose last channel the peer closed, as bits */
    uint64_t now_us;         /* of the latest call that told the time */
    uint32_t next_number;
    uint32_t depth; /* functions of the mux on the stack; buried channels are freed at 0 */
    bool has_ended;
};

/* now + limit; UINT64_MAX (never) for a limit of 0 or beyond the end of time. */
uint64_t apf_deadline_us(uint64_t now_us, uint64_t limit_us);

/* Around everything that may call back, so that no channel is freed below a running function. */
void apf_mux_enter(struct apf_mux *mux);
void apf_mux_leave(struct apf_mux *mux);

/* Sends a message unless the session has ended. */
void apf_mux_send(struct apf_mux *mux, const struct apf_message *message, const uint8_t *source);
/* Removes the channel, then reports its end unless the owner knows; the struct lives until leave. */
void apf_mux_finish(struct apf_channel *channel, enum apf_channel_end end, uint32_t reason);
/* Remembers which rule the peer broke and returns AMT_EMALFORMED. */
enum amt_err apf_mux_violated(struct apf_mux *mux, const char *text, const char *requirement);

/* Sends queued bytes as credit allows; goes on to CLOSE when a draining queue is empty. */
void apf_channel_flush(struct apf_channel *channel);

/* Messages for a channel that exists. */
enum amt_err apf_channel_on_data(struct apf_channel *channel, const uint8_t *in, uint32_t len);
enum amt_err apf_channel_on_adjust(struct apf_channel *channel, uint32_t bytes_to_add);
enum amt_err apf_channel_on_confirmation(struct apf_channel *channel,
                                         const struct apf_message *message);
enum amt_err apf_channel_on_failure(struct apf_channel *channel, uint32_t reason);
enum amt_err apf_channel_on_close(struct apf_channel *channel);
/* The channel's deadline has passed. */
void apf_channel_on_deadline(struct apf_channel *channel);

#endif
