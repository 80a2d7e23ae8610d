#include "protocol/apf/input.h"

/* Result of looking at the front of a buffer. */
enum step { STEP_TAKEN, STEP_NEED_MORE, STEP_HELD, STEP_STOPPED };

static enum step take_one(struct apf_input *input, const struct apf_input_handler *handler,
                          void *ctx, const uint8_t *in, uint32_t len, uint32_t *count)
{
    struct apf_context context = handler->context(ctx);
    struct apf_message message;
    enum apf_verdict verdict = apf_decode(in, len, &context, &message, count);
    if (verdict == APF_NEED_MORE) {
        if (*count <= input->max_bytes) {
            return STEP_NEED_MORE;
        }
        verdict = APF_ELENGTH_LIMIT;
    }
    if (verdict != APF_OK) {
        handler->on_error(ctx, verdict, in[0], *count);
        return STEP_STOPPED;
    }
    switch (handler->on_message(ctx, &message, in)) {
    case APF_INPUT_GO_ON:
        return STEP_TAKEN;
    case APF_INPUT_HOLD:
        return STEP_HELD;
    case APF_INPUT_STOP:
        break;
    }
    return STEP_STOPPED;
}

static enum amt_err keep(struct apf_input *input, const uint8_t *in, uint32_t len)
{
    uint32_t max = input->max_bytes;
    if (len > max || input->pending.len > max - len) {
        return AMT_ELIMIT;
    }
    return bytes_append(&input->pending, in, len);
}

/* A message that began in an earlier feed: takes just the bytes it needs. True when the feed may go on
 * behind it; *used counts what was taken from in. */
static bool finish_pending(struct apf_input *input, const struct apf_input_handler *handler,
                           void *ctx, const uint8_t *in, uint32_t len, uint32_t *used,
                           enum amt_err *err)
{
    while (input->pending.len > 0) {
        uint32_t missing = input->need - input->pending.len;
        uint32_t n = missing < len - *used ? missing : len - *used;
        *err = keep(input, in + *used, n);
        *used += n;
        if (*err != AMT_OK || n < missing) {
            return false;
        }
        uint32_t count = 0;
        enum step step =
            take_one(input, handler, ctx, bytes_front(&input->pending), input->pending.len, &count);
        if (step == STEP_NEED_MORE) {
            input->need = count;
            continue;
        }
        bytes_fini(&input->pending); /* it was exactly this message */
        if (step == STEP_HELD) {
            input->is_held = true;
        }
        if (step != STEP_TAKEN) {
            return step == STEP_HELD;
        }
    }
    return true;
}

static enum amt_err feed_in_place(struct apf_input *input, const struct apf_input_handler *handler,
                                  void *ctx, const uint8_t *in, uint32_t len)
{
    uint32_t at = 0;
    while (at < len && !input->is_held) {
        uint32_t count = 0;
        if (!handler->on_type(ctx, in[at])) {
            return AMT_OK;
        }
        enum step step = take_one(input, handler, ctx, in + at, len - at, &count);
        if (step == STEP_STOPPED) {
            return AMT_OK;
        }
        if (step == STEP_NEED_MORE) {
            input->need = count;
            return keep(input, in + at, len - at);
        }
        at += count;
        input->is_held = step == STEP_HELD;
    }
    return at < len ? keep(input, in + at, len - at) : AMT_OK;
}

static enum amt_err feed(struct apf_input *input, const struct apf_input_handler *handler,
                         void *ctx, const uint8_t *in, uint32_t len)
{
    uint32_t used = 0;
    enum amt_err err = AMT_OK;
    if (!finish_pending(input, handler, ctx, in, len, &used, &err)) {
        return err;
    }
    if (input->is_held) {
        return used < len ? keep(input, in + used, len - used) : AMT_OK;
    }
    return feed_in_place(input, handler, ctx, in + used, len - used);
}

static void leave(struct apf_input *input)
{
    input->busy = false;
    if (input->finished) {
        bytes_fini(&input->pending);
    }
}

enum amt_err apf_input_feed(struct apf_input *input, const struct apf_input_handler *handler,
                            void *ctx, const uint8_t *in, uint32_t len)
{
    if (input->finished || len == 0) {
        return AMT_OK;
    }
    if (input->is_held || input->busy) {
        return keep(input, in, len);
    }
    input->busy = true;
    enum amt_err err = feed(input, handler, ctx, in, len);
    leave(input);
    return err;
}

enum amt_err apf_input_resume(struct apf_input *input, const struct apf_input_handler *handler,
                              void *ctx)
{
    input->is_held = false;
    if (input->busy || input->finished) {
        return AMT_OK; /* answered from inside the message: the feed on the stack goes on */
    }
    struct bytes held = input->pending;
    input->pending = (struct bytes){ .max = 0 };
    input->need = 0;
    input->busy = true;
    enum amt_err err = AMT_OK;
    if (held.len > 0) {
        err = feed_in_place(input, handler, ctx, bytes_front(&held), held.len);
    }
    bytes_fini(&held);
    leave(input);
    return err;
}

void apf_input_fini(struct apf_input *input)
{
    bytes_fini(&input->pending);
}
