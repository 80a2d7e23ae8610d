/* A device double: the protocol's device session on a stream, with one service behind all ports. */
#ifndef AMTLAB_MPS_TESTS_DOUBLE_H
#define AMTLAB_MPS_TESTS_DOUBLE_H

#include "mps/tests/world.h"
#include "protocol/apf/device_session.h"

#define DOUBLE_CHANNELS 16u

enum double_service {
    DOUBLE_ECHO,
    DOUBLE_SINK,   /* takes everything, says nothing */
    DOUBLE_STUCK,  /* takes everything, gives no credit */
    DOUBLE_SOURCE, /* sends source_bytes as soon as it is open */
    DOUBLE_SILENT, /* never answers CHANNEL_OPEN */
    DOUBLE_REFUSE  /* CHANNEL_OPEN_FAILURE refuse_reason */
};

struct device_double {
    struct world *world;
    struct stream *stream;
    struct apf_device_config config;
    struct apf_device_session *session;
    struct apf_forward forwards[2];
    struct uuid uuid;
    enum double_service service;
    uint32_t refuse_reason, refusals; /* REFUSE: so many times, then it echoes */
    uint32_t source_bytes;
    struct apf_channel *channels[DOUBLE_CHANNELS]; /* open now, in order of opening */
    uint32_t open_requests, open_count, ends;
    uint64_t received_bytes, sum;
    struct apf_end end;
    bool has_ended;
};

/* Online at ports 16992 and 16994 when it returns, with `slots` channels. config may be changed
 * between double_init and double_connect. */
void double_init(struct device_double *d, struct world *w, uint32_t number, uint32_t slots);
void double_connect(struct device_double *d);
/* The same, but nothing has run yet. */
void double_begin(struct device_double *d);
void double_close(struct device_double *d);
/* Closes the device's end of its oldest open channel. */
void double_close_channel(struct device_double *d);

/* An operator's end of a channel. */
struct operator_end {
    struct world *world;
    struct stream *stream;
    uint64_t received_bytes, sum;
    uint32_t drains;
    bool is_open, has_ended;
    struct stream_end end;
};
void operator_open(struct operator_end *o, struct world *w, uint32_t number, uint32_t port);
void operator_close(struct operator_end *o);

/* A position-dependent sum, continued from sum. */
uint64_t double_sum(uint64_t sum, const uint8_t *bytes, uint32_t len);

#endif
