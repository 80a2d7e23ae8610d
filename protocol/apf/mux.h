/*
 * APF channels of one session, for both ends: numbers, windows and credit, exactly-once CLOSE.
 * Sans-I/O: fed with decoded messages and calls of the owner, answers through callbacks. Source:
 * apf.md 5. The same struct serves the MPS (opens channels) and the device (accepts them in slots).
 */
#ifndef AMTLAB_PROTOCOL_APF_MUX_H
#define AMTLAB_PROTOCOL_APF_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "protocol/apf/codec.h"

enum apf_channel_state {
    APF_CHANNEL_FREE,
    APF_CHANNEL_OPENING, /* we sent CHANNEL_OPEN, or the device's local service is being reached */
    APF_CHANNEL_OPENED,
    APF_CHANNEL_DRAINING,   /* owner closed: queued bytes go out first, then CLOSE */
    APF_CHANNEL_CLOSE_SENT, /* waiting for the peer's CLOSE */
    APF_CHANNEL_ABANDONED   /* open timed out; a late CONFIRMATION is answered with CLOSE */
};

enum apf_channel_end {
    APF_CHANNEL_END_CLOSED,  /* both CLOSEs have passed, or the peer's CLOSE arrived */
    APF_CHANNEL_END_REFUSED, /* CHANNEL_OPEN_FAILURE; reason in the callback */
    APF_CHANNEL_END_TIMEOUT, /* no answer to CHANNEL_OPEN or CLOSE in time */
    APF_CHANNEL_END_SESSION  /* the session ended */
};

/* When received bytes are given back to the sender (apf.md 5.3). */
enum apf_credit_policy { APF_CREDIT_HALF, APF_CREDIT_EACH };

struct apf_mux;
struct apf_channel;

struct apf_mux_config {
    enum apf_direction sends; /* APF_MPS_TO_DEV for an MPS: the direction of what we send */
    bool strict;              /* window violations etc. are protocol errors (apf.md 5.4) */
    uint32_t window_bytes;    /* advertised: MPS 32768, device 4096 */
    uint32_t chunk_bytes;     /* most payload per CHANNEL_DATA: 4087, which 0 means too */
    uint32_t max_channels;    /* MPS 64, device slots 8 */
    uint32_t first_number;    /* MPS 1 (counts up, never a number in use), device 0 (lowest free) */
    bool reuse_lowest;        /* device: lowest free number; MPS: ever rising */
    enum apf_credit_policy credit; /* MPS half, device each */
    uint64_t open_limit_us;        /* 30 s; 0 = none */
    uint64_t close_limit_us;       /* 10 s; 0 = none */
    uint32_t queue_max_bytes;      /* bytes queued per channel towards the peer: 262144 */
    uint32_t unknown_channel_max;  /* strict: messages for unknown channels before it is an error;
                                    * 0 = never an error */
    /* Device, option of APF-DEV-038: when the peer closed a slot's former channel, one CLOSE that
     * comes before any DATA or ADJUST on its new channel is taken for a repetition and ignored. */
    bool ignore_stray_close;
};

/* All callbacks may call the functions below, for this and other channels. ctx is the owner's. */
struct apf_mux_handler {
    /* One whole encoded message. */
    void (*send)(void *ctx, const uint8_t *out, uint32_t len);
    /* The peer wants a channel (device: forwarded-tcpip to a forwarded port). The owner must later
     * call apf_channel_accept or apf_channel_refuse, at once or asynchronously. */
    void (*on_open_request)(void *ctx, struct apf_channel *channel, uint32_t port);
    /* The peer confirmed a channel that we opened (not called by apf_channel_accept). */
    void (*on_opened)(void *ctx, struct apf_channel *channel);
    /* The bytes are the owner's problem now: it must call apf_channel_consumed for them, at once or
     * later, to give the credit back. */
    void (*on_data)(void *ctx, struct apf_channel *channel, const uint8_t *in, uint32_t len);
    /* The send queue has become empty: more may be written. */
    void (*on_drain)(void *ctx, struct apf_channel *channel);
    /* Last callback; the channel is gone when it returns. reason: CHANNEL_OPEN_FAILURE reason, or 0. */
    void (*on_channel_end)(void *ctx, struct apf_channel *channel, enum apf_channel_end end,
                           uint32_t reason);
};

struct apf_mux_statistics {
    uint64_t opened, refused, closes_sent, closes_received, data_in_bytes, data_out_bytes;
    uint64_t adjusts_in, adjusts_out, window_overruns, unknown_channel, stray_closes,
        credit_saturated;
};

/* Holds no memory for channels until the first is opened. NULL without memory. */
struct apf_mux *apf_mux_new(const struct apf_mux_config *config,
                            const struct apf_mux_handler *handler, void *ctx);
/* No callbacks. */
void apf_mux_free(struct apf_mux *mux);

/*
 * A decoded channel message (types 90-97) from the peer; in is the buffer its views refer to.
 * AMT_OK: handled (perhaps ignored and counted). AMT_EMALFORMED: the peer broke the rules; the session
 * must send DISCONNECT 2 and end. is_forwarded tells whether a CHANNEL_OPEN's port is offered.
 */
enum amt_err apf_mux_input(struct apf_mux *mux, const struct apf_message *message,
                           const uint8_t *in, uint64_t now_us, bool is_forwarded) AMT_MUST_USE;

/* Which rule AMT_EMALFORMED was about: a sentence without a full stop, and in *requirement its id or
 * NULL. Both static; NULL before the first violation. */
const char *apf_mux_violation(const struct apf_mux *mux, const char **requirement);

/* Opens forwarded-tcpip (or direct-tcpip on a device) to port; *channel gets it. AMT_ELIMIT when all
 * max_channels are in use, AMT_ENOMEM, AMT_ETOOBIG for a text above APF_NAME_MAX_BYTES, AMT_ECLOSED
 * after the end, also when the channel's end was reported from inside send. address and originator may be "". *channel is NULL then. */
enum amt_err apf_mux_open(struct apf_mux *mux, uint32_t port, const char *address,
                          const char *originator, uint32_t originator_port, uint64_t now_us,
                          struct apf_channel **channel) AMT_MUST_USE;

/* Ends all channels with APF_CHANNEL_END_SESSION; sends nothing. */
void apf_mux_end(struct apf_mux *mux);

/* Timers: earliest deadline (UINT64_MAX for none), and what to do when it has passed. */
uint64_t apf_mux_next_deadline_us(const struct apf_mux *mux);
void apf_mux_tick(struct apf_mux *mux, uint64_t now_us);

const struct apf_mux_statistics *apf_mux_statistics(const struct apf_mux *mux);
/* Channels whose end has not been reported. */
uint32_t apf_mux_channel_count(const struct apf_mux *mux);

/* Answers to on_open_request; without effect later. After a refusal the channel is gone, and
 * on_channel_end is not called for it. Without an answer in open_limit_us the mux refuses with
 * reason 2 and reports APF_CHANNEL_END_REFUSED. */
void apf_channel_accept(struct apf_channel *channel, uint64_t now_us);
void apf_channel_refuse(struct apf_channel *channel, uint32_t reason);
/* Sends what credit allows and queues the rest. AMT_ELIMIT when the queue would pass
 * queue_max_bytes, AMT_ENOMEM (nothing is taken in both cases), AMT_ECLOSED after a close. */
enum amt_err apf_channel_write(struct apf_channel *channel, const uint8_t *out,
                               uint32_t len) AMT_MUST_USE;
uint32_t apf_channel_queued_bytes(const struct apf_channel *channel);
/* Gives credit for len received bytes back, by the credit policy. */
void apf_channel_consumed(struct apf_channel *channel, uint32_t len);
/* Orderly: queued bytes first, then one CLOSE. While opening, CLOSE follows the confirmation. The end
 * is reported by on_channel_end, at once for a channel that the peer asked for and nobody accepted.
 * When the peer takes no data for close_limit_us, CLOSE goes out without the rest. */
void apf_channel_close(struct apf_channel *channel, uint64_t now_us);
void apf_channel_set_ctx(struct apf_channel *channel, void *ctx); /* for the owner's use */
void *apf_channel_ctx(const struct apf_channel *channel);
enum apf_channel_state apf_channel_state(const struct apf_channel *channel);
uint32_t apf_channel_port(const struct apf_channel *channel);
uint32_t apf_channel_local_number(const struct apf_channel *channel);
uint32_t apf_channel_remote_number(const struct apf_channel *channel);

#endif
