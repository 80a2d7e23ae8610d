#include "protocol/apf/input.h"

/* Result of looking at the front of a buffer. */
enum step { STEP_TAKEN, STEP_NEED_MORE, STEP_STOPPED };

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
    return handler->on_message(ctx, &message, in) ? STEP_TAKEN : STEP_STOPPED;
}

static enum amt_err keep_in(struct bytes *queue, uint32_t max, const uint8_t *in, uint32_t len)
{
    if (len > max || queue->len > max - len) {
        return AMT_ELIMIT;
    }
    return bytes_append(queue, in, len);
}

static enum amt_err keep(struct apf_input *input, const uint8_t *in, uint32_t len)
{
    return keep_in(&input->pending, input->max_bytes, in, len);
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
        if (step == STEP_STOPPED) {
            return false;
        }
    }
    return true;
}

static enum amt_err feed_in_place(struct apf_input *input, const struct apf_input_handler *handler,
                                  void *ctx, const uint8_t *in, uint32_t len)
{
    uint32_t at = 0;
    while (at < len) {
        uint32_t count = 0;
        enum apf_input_answer answer = handler->on_type(ctx, in[at]);
        if (answer == APF_INPUT_STOP) {
            return AMT_OK;
        }
        if (answer == APF_INPUT_HOLD) {
            input->is_held = true;
            return keep(input, in + at, len - at);
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
    }
    return AMT_OK;
}

static enum amt_err feed(struct apf_input *input, const struct apf_input_handler *handler,
                         void *ctx, const uint8_t *in, uint32_t len)
{
    uint32_t used = 0;
    enum amt_err err = AMT_OK;
    if (input->is_held) {
        return keep(input, in, len);
    }
    if (!finish_pending(input, handler, ctx, in, len, &used, &err)) {
        return err;
    }
    return feed_in_place(input, handler, ctx, in + used, len - used);
}

/* What was fed from inside the handlers; each round may bring more. */
static enum amt_err feed_later(struct apf_input *input, const struct apf_input_handler *handler,
                               void *ctx, enum amt_err err)
{
    while (err == AMT_OK && input->later.len > 0 && !input->finished) {
        struct bytes batch = input->later;
        input->later = (struct bytes){ .max = 0 };
        err = feed(input, handler, ctx, bytes_front(&batch), batch.len);
        bytes_fini(&batch);
    }
    return err;
}

static void leave(struct apf_input *input)
{
    input->busy = false;
    if (input->finished) {
        apf_input_fini(input);
    }
}

enum amt_err apf_input_feed(struct apf_input *input, const struct apf_input_handler *handler,
                            void *ctx, const uint8_t *in, uint32_t len)
{
    if (input->finished || len == 0) {
        return AMT_OK;
    }
    if (input->busy) {
        return keep_in(&input->later, input->max_bytes, in, len);
    }
    input->busy = true;
    enum amt_err err = feed_later(input, handler, ctx, feed(input, handler, ctx, in, len));
    leave(input);
    return err;
}

enum amt_err apf_input_resume(struct apf_input *input, const struct apf_input_handler *handler,
                              void *ctx)
{
    input->is_held = false;
    if (input->busy || input->finished) {
        return AMT_OK; /* answered from inside a message: the feed on the stack goes on */
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
    err = feed_later(input, handler, ctx, err);
    leave(input);
    return err;
}

void apf_input_fini(struct apf_input *input)
{
    bytes_fini(&input->pending);
    bytes_fini(&input->later);
}
