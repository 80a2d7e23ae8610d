/* Reassembly of APF messages from a byte stream under any cutting (APF-COM-020). */
#ifndef AMTLAB_PROTOCOL_APF_INPUT_H
#define AMTLAB_PROTOCOL_APF_INPUT_H

#include "base/bytes.h"
#include "protocol/apf/codec.h"

/* Holds memory only while a message is half received, or while the owner holds the stream. */
struct apf_input {
    struct bytes pending;
    struct bytes
        later;     /* came while a message was being handled: comes behind the bytes before it */
    uint32_t need; /* total bytes with which decoding gets further; 0 = try at once */
    uint32_t max_bytes; /* a message may not need more (APF-MPS-009) */
    bool is_held;
    bool busy;     /* a feed is on the stack */
    bool finished; /* the owner has ended: nothing more is taken, memory goes when not busy */
};

/* What the owner says to the type of a message. */
enum apf_input_answer {
    APF_INPUT_GO_ON,
    APF_INPUT_HOLD, /* this message and all behind it wait for apf_input_resume */
    APF_INPUT_STOP  /* the owner has ended */
};

struct apf_input_handler {
    /* First byte of a message: may this type come now? Asked before the rest has arrived, so that
     * nothing is collected for what is not allowed. */
    enum apf_input_answer (*on_type)(void *ctx, uint8_t type);
    /* False: the owner has ended. */
    bool (*on_message)(void *ctx, const struct apf_message *message, const uint8_t *in);
    /* The stream is lost. offset is that of the field in its message. */
    void (*on_error)(void *ctx, enum apf_verdict verdict, uint8_t type, uint32_t offset);
    /* The context of the next message; asked before each. */
    struct apf_context (*context)(void *ctx);
};

/*
 * Feeds in[0, len). Whole messages are decoded where they lie; a partial one is kept and costs time
 * linear in its length however it is cut. While held, bytes are kept up to max_bytes; AMT_ELIMIT above
 * (nothing more is kept), AMT_ENOMEM. May be called from inside the handlers: those bytes are taken
 * when the ones before them are done.
 */
enum amt_err apf_input_feed(struct apf_input *input, const struct apf_input_handler *handler,
                            void *ctx, const uint8_t *in, uint32_t len) AMT_MUST_USE;
/* Ends the hold and goes on with what was kept. */
enum amt_err apf_input_resume(struct apf_input *input, const struct apf_input_handler *handler,
                              void *ctx) AMT_MUST_USE;
void apf_input_fini(struct apf_input *input);

#endif
