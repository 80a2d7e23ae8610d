#include "base/memory.h"
#include "protocol/apf/mux_internal.h"

static bool is_mps(const struct apf_channel *channel)
{
    return channel->mux->config->sends == APF_MPS_TO_DEV;
}

/* What is an error in strict mode and a counted oddity otherwise. */
static enum amt_err odd(const struct apf_channel *channel, const char *text)
{
    if (!channel->mux->config->strict) {
        return AMT_OK;
    }
    return apf_mux_violated(channel->mux, text, is_mps(channel) ? "APF-MPS-019" : NULL);
}

/* --- CLOSE: once per channel (APF-MPS-054) --- */

static void send_close(struct apf_channel *channel)
{
    const struct apf_message message = { .type = APF_CHANNEL_CLOSE,
                                         .recipient_channel = channel->remote_number };
    channel->mux->statistics.closes_sent += 1;
    apf_mux_send(channel->mux, &message, NULL);
}

static void start_close(struct apf_channel *channel)
{
    struct apf_mux *mux = channel->mux;
    channel->state = APF_CHANNEL_CLOSE_SENT;
    channel->deadline_us = apf_deadline_us(mux->now_us, mux->config->close_limit_us);
    bytes_fini(&channel->queue);
    send_close(channel);
}

/* --- data towards the peer --- */

static uint32_t chunk_limit(const struct apf_mux_config *config)
{
    return config->chunk_bytes == 0 ? APF_ALIGNED_PAYLOAD_BYTES : config->chunk_bytes;
}

/* One CHANNEL_DATA on its way: encoded before its bytes leave the queue, sent after. */
struct chunk {
    uint8_t aligned[APF_DATA_HEADER_BYTES + APF_ALIGNED_PAYLOAD_BYTES];
    uint8_t *large; /* for chunk_bytes above the aligned size only */
    uint32_t size;
};

/* Encodes the beginning of in that credit and chunk limit allow, and takes the credit. Returns the
 * number of payload bytes. */
static uint32_t encode_chunk(struct apf_channel *channel, const uint8_t *in, uint32_t len,
                             struct chunk *chunk)
{
    struct apf_mux *mux = channel->mux;
    uint32_t limit = chunk_limit(mux->config);
    uint32_t part = len < channel->tx_credit ? len : channel->tx_credit;
    part = part < limit ? part : limit;
    uint8_t *out = chunk->aligned;
    chunk->large = NULL;
    if (part > APF_ALIGNED_PAYLOAD_BYTES) {
        chunk->large = amt_alloc((size_t)part + APF_DATA_HEADER_BYTES);
        if (chunk->large != NULL) {
            out = chunk->large;
        } else {
            part = APF_ALIGNED_PAYLOAD_BYTES; /* smaller messages need no memory */
        }
    }
    const struct apf_message message = { .type = APF_CHANNEL_DATA,
                                         .recipient_channel = channel->remote_number,
                                         .data = { 0, part } };
    chunk->size = apf_encode(&message, in, false, out, part + APF_DATA_HEADER_BYTES);
    channel->tx_credit -= part;
    mux->statistics.data_out_bytes += part;
    return part;
}

static void send_chunk(struct apf_channel *channel, struct chunk *chunk)
{
    struct apf_mux *mux = channel->mux;
    mux->handler->send(mux->ctx, chunk->large != NULL ? chunk->large : chunk->aligned, chunk->size);
    amt_free(chunk->large);
}

static bool may_send_data(const struct apf_channel *channel)
{
    return (channel->state == APF_CHANNEL_OPENED || channel->state == APF_CHANNEL_DRAINING) &&
           channel->tx_credit > 0 && !channel->mux->has_ended;
}

/* APF-MPS-047, APF-DEV-030: never more than the credit, and no empty message without credit. */
static void send_queue(struct apf_channel *channel)
{
    struct chunk chunk;
    while (channel->queue.len > 0 && may_send_data(channel)) {
        uint32_t part =
            encode_chunk(channel, bytes_front(&channel->queue), channel->queue.len, &chunk);
        bytes_consume(&channel->queue, part);
        send_chunk(channel, &chunk);
    }
}

void apf_channel_flush(struct apf_channel *channel)
{
    struct apf_mux *mux = channel->mux;
    if (channel->is_flushing) {
        return; /* the loop below on the stack goes on */
    }
    apf_mux_enter(mux);
    channel->is_flushing = true;
    send_queue(channel);
    channel->is_flushing = false;
    if (channel->queue.len == 0) {
        if (channel->state == APF_CHANNEL_DRAINING) {
            start_close(channel);
        } else if (channel->state == APF_CHANNEL_OPENED && channel->is_stalled) {
            channel->is_stalled = false;
            mux->handler->on_drain(mux->ctx, channel);
        }
    }
    apf_mux_leave(mux);
}

/* With credit for all of it the bytes go out from the caller's buffer, without a copy. */
static void send_directly(struct apf_channel *channel, const uint8_t *out, uint32_t len)
{
    struct chunk chunk;
    uint32_t sent = 0;
    channel->is_flushing = true;
    while (sent < len && may_send_data(channel)) {
        sent += encode_chunk(channel, out + sent, len - sent, &chunk);
        send_chunk(channel, &chunk);
    }
    channel->is_flushing = false;
}

enum amt_err apf_channel_write(struct apf_channel *channel, const uint8_t *out, uint32_t len)
{
    struct apf_mux *mux = channel->mux;
    if (mux->has_ended || channel->is_close_wanted ||
        (channel->state != APF_CHANNEL_OPENED && channel->state != APF_CHANNEL_OPENING)) {
        return AMT_ECLOSED;
    }
    bool is_idle =
        channel->state == APF_CHANNEL_OPENED && channel->queue.len == 0 && !channel->is_flushing;
    uint32_t at_once = !is_idle ? 0 : len < channel->tx_credit ? len : channel->tx_credit;
    uint32_t max = mux->config->queue_max_bytes;
    if (len - at_once > max || channel->queue.len > max - (len - at_once)) {
        return AMT_ELIMIT;
    }
    apf_mux_enter(mux);
    if (at_once < len) {
        enum amt_err err = bytes_append(&channel->queue, out, len);
        if (err != AMT_OK) {
            apf_mux_leave(mux);
            return err;
        }
        channel->is_stalled = true;
    } else {
        send_directly(channel, out, len);
    }
    if (channel->state == APF_CHANNEL_OPENED || channel->state == APF_CHANNEL_DRAINING) {
        apf_channel_flush(channel); /* also what was written from inside send */
    }
    apf_mux_leave(mux);
    return AMT_OK;
}

uint32_t apf_channel_queued_bytes(const struct apf_channel *channel)
{
    return channel->queue.len;
}

/* --- data from the peer --- */

enum amt_err apf_channel_on_data(struct apf_channel *channel, const uint8_t *in, uint32_t len)
{
    struct apf_mux *mux = channel->mux;
    if (channel->state == APF_CHANNEL_OPENING) {
        return odd(channel, "CHANNEL_DATA arrived before the channel was open");
    }
    if (channel->state == APF_CHANNEL_ABANDONED) {
        mux->statistics.unknown_channel += 1;
        return AMT_OK;
    }
    channel->may_be_stray = false;
    if ((int64_t)len > channel->rx_window) {
        mux->statistics.window_overruns += 1;
        if (mux->config->strict) {
            return apf_mux_violated(mux, "CHANNEL_DATA exceeds the granted window",
                                    is_mps(channel) ? "APF-MPS-049" : "APF-DEV-032");
        }
    }
    channel->rx_window -= len;
    mux->statistics.data_in_bytes += len;
    if (channel->state != APF_CHANNEL_OPENED || len == 0) {
        return AMT_OK; /* after our CLOSE, or when the owner is done: dropped without credit (Q54) */
    }
    uint32_t room = UINT32_MAX - channel->rx_delivered;
    channel->rx_delivered += len < room ? len : room;
    mux->handler->on_data(mux->ctx, channel, in, len);
    return AMT_OK;
}

void apf_channel_consumed(struct apf_channel *channel, uint32_t len)
{
    struct apf_mux *mux = channel->mux;
    uint32_t part = len < channel->rx_delivered ? len : channel->rx_delivered;
    channel->rx_delivered -= part;
    channel->rx_consumed += part;
    bool is_due = mux->config->credit == APF_CREDIT_EACH
                      ? channel->rx_consumed > 0
                      : channel->rx_consumed > mux->config->window_bytes / 2;
    if (!is_due || channel->state != APF_CHANNEL_OPENED || mux->has_ended) {
        return;
    }
    const struct apf_message message = { .type = APF_CHANNEL_WINDOW_ADJUST,
                                         .recipient_channel = channel->remote_number,
                                         .bytes_to_add = channel->rx_consumed };
    channel->rx_window += channel->rx_consumed;
    channel->rx_consumed = 0;
    mux->statistics.adjusts_out += 1;
    apf_mux_enter(mux);
    apf_mux_send(mux, &message, NULL);
    apf_mux_leave(mux);
}

enum amt_err apf_channel_on_adjust(struct apf_channel *channel, uint32_t bytes_to_add)
{
    struct apf_mux *mux = channel->mux;
    if (channel->state != APF_CHANNEL_OPENED && channel->state != APF_CHANNEL_DRAINING) {
        return AMT_OK; /* apf.md 5.3: ignored while opening; pointless after CLOSE */
    }
    channel->may_be_stray = false;
    mux->statistics.adjusts_in += 1;
    uint32_t room = UINT32_MAX - channel->tx_credit;
    if (bytes_to_add > room) {
        mux->statistics.credit_saturated += 1; /* APF-MPS-050 */
        bytes_to_add = room;
    }
    channel->tx_credit += bytes_to_add;
    if (channel->state == APF_CHANNEL_DRAINING && bytes_to_add > 0) {
        channel->deadline_us =
            apf_deadline_us(mux->now_us, mux->config->close_limit_us); /* progress */
    }
    apf_channel_flush(channel);
    return AMT_OK;
}

/* --- opening and closing --- */

enum amt_err apf_channel_on_confirmation(struct apf_channel *channel,
                                         const struct apf_message *message)
{
    struct apf_mux *mux = channel->mux;
    bool is_waiting = channel->state == APF_CHANNEL_OPENING && !channel->is_inbound;
    if (!is_waiting && channel->state != APF_CHANNEL_ABANDONED) {
        return odd(channel, "CHANNEL_OPEN_CONFIRMATION for a channel that is not being opened");
    }
    channel->remote_number = message->sender_channel;
    if (!is_waiting) {
        start_close(channel); /* APF-MPS-052 */
        return AMT_OK;
    }
    channel->tx_credit = message->initial_window;
    channel->state = APF_CHANNEL_OPENED;
    channel->deadline_us = UINT64_MAX;
    mux->statistics.opened += 1;
    if (channel->is_close_wanted) {
        channel->state = APF_CHANNEL_DRAINING;
        channel->deadline_us = apf_deadline_us(mux->now_us, mux->config->close_limit_us);
    } else {
        mux->handler->on_opened(mux->ctx, channel);
    }
    apf_channel_flush(channel);
    return AMT_OK;
}

enum amt_err apf_channel_on_failure(struct apf_channel *channel, uint32_t reason)
{
    bool is_waiting = channel->state == APF_CHANNEL_OPENING && !channel->is_inbound;
    if (!is_waiting && channel->state != APF_CHANNEL_ABANDONED) {
        return odd(channel, "CHANNEL_OPEN_FAILURE for a channel that is not being opened");
    }
    channel->mux->statistics.refused += 1;
    apf_mux_finish(channel, APF_CHANNEL_END_REFUSED, reason); /* APF-MPS-051 */
    return AMT_OK;
}

/* Tells the owner, but keeps the number for a CONFIRMATION that may still come. */
static void abandon(struct apf_channel *channel, enum apf_channel_end end)
{
    struct apf_mux *mux = channel->mux;
    channel->state = APF_CHANNEL_ABANDONED;
    channel->deadline_us = UINT64_MAX;
    bytes_fini(&channel->queue);
    if (!channel->is_silent) {
        channel->is_silent = true;
        mux->handler->on_channel_end(mux->ctx, channel, end, 0);
    }
}

static void remember_slot(struct apf_channel *channel)
{
    if (channel->mux->config->ignore_stray_close && channel->local_number < 64) {
        channel->mux->closed_by_peer |= UINT64_C(1) << channel->local_number;
    }
}

enum amt_err apf_channel_on_close(struct apf_channel *channel)
{
    struct apf_mux *mux = channel->mux;
    mux->statistics.closes_received += 1;
    switch (channel->state) {
    case APF_CHANNEL_OPENED:
    case APF_CHANNEL_DRAINING:
        if (channel->may_be_stray) {
            channel->may_be_stray = false; /* the option of APF-DEV-038 */
            mux->statistics.stray_closes += 1;
            return AMT_OK;
        }
        remember_slot(channel);
        channel->state = APF_CHANNEL_CLOSE_SENT; /* before send, which may come back here */
        send_close(channel);                     /* APF-MPS-053, APF-DEV-036 */
        apf_mux_finish(channel, APF_CHANNEL_END_CLOSED, 0);
        return AMT_OK;
    case APF_CHANNEL_CLOSE_SENT:
        apf_mux_finish(channel, APF_CHANNEL_END_CLOSED, 0); /* APF-MPS-054 */
        return AMT_OK;
    case APF_CHANNEL_OPENING:
        if (!channel->is_inbound) {
            abandon(channel,
                    APF_CHANNEL_END_CLOSED); /* APF-MPS-055: there is no number to answer to */
            return AMT_OK;
        }
        break; /* the peer cannot mean a channel that we have not confirmed */
    case APF_CHANNEL_ABANDONED:
    case APF_CHANNEL_FREE:
        break;
    }
    mux->statistics.stray_closes += 1;
    return AMT_OK;
}

void apf_channel_close(struct apf_channel *channel, uint64_t now_us)
{
    struct apf_mux *mux = channel->mux;
    mux->now_us = now_us;
    if (channel->state == APF_CHANNEL_OPENING && channel->is_inbound) {
        apf_mux_enter(mux);
        const struct apf_message message = { .type = APF_CHANNEL_OPEN_FAILURE,
                                             .recipient_channel = channel->remote_number,
                                             .reason = APF_CONNECT_FAILED };
        mux->statistics.refused += 1;
        apf_mux_send(mux, &message, NULL);
        apf_mux_finish(channel, APF_CHANNEL_END_REFUSED, APF_CONNECT_FAILED);
        apf_mux_leave(mux);
    } else if (channel->state == APF_CHANNEL_OPENING) {
        channel->is_close_wanted = true; /* FF-068: CLOSE follows a late confirmation */
    } else if (channel->state == APF_CHANNEL_OPENED) {
        apf_mux_enter(mux);
        channel->state = APF_CHANNEL_DRAINING;
        channel->deadline_us = apf_deadline_us(now_us, mux->config->close_limit_us);
        apf_channel_flush(channel);
        apf_mux_leave(mux);
    }
}

void apf_channel_on_deadline(struct apf_channel *channel)
{
    switch (channel->state) {
    case APF_CHANNEL_OPENING:
        if (channel->is_inbound) { /* the local service never answered (APF-DEV-026) */
            apf_mux_enter(channel->mux);
            apf_channel_close(channel, channel->mux->now_us);
            apf_mux_leave(channel->mux);
        } else {
            abandon(channel, APF_CHANNEL_END_TIMEOUT);
        }
        return;
    case APF_CHANNEL_DRAINING: /* the peer takes no data; its loss, but CLOSE it must get */
        start_close(channel);
        return;
    case APF_CHANNEL_CLOSE_SENT:
        apf_mux_finish(channel, APF_CHANNEL_END_TIMEOUT, 0);
        return;
    case APF_CHANNEL_FREE:
    case APF_CHANNEL_OPENED:
    case APF_CHANNEL_ABANDONED:
        channel->deadline_us = UINT64_MAX;
        return;
    }
}

void apf_channel_set_ctx(struct apf_channel *channel, void *ctx)
{
    channel->ctx = ctx;
}

void *apf_channel_ctx(const struct apf_channel *channel)
{
    return channel->ctx;
}

enum apf_channel_state apf_channel_state(const struct apf_channel *channel)
{
    return channel->state;
}

uint32_t apf_channel_port(const struct apf_channel *channel)
{
    return channel->port;
}

uint32_t apf_channel_local_number(const struct apf_channel *channel)
{
    return channel->local_number;
}

uint32_t apf_channel_remote_number(const struct apf_channel *channel)
{
    return channel->remote_number;
}
