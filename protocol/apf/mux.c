#include "protocol/apf/mux.h"

#include <string.h>

#include "base/memory.h"
#include "protocol/apf/mux_internal.h"
#include "protocol/apf/output.h"

struct apf_mux *apf_mux_new(const struct apf_mux_config *config,
                            const struct apf_mux_handler *handler, void *ctx)
{
    struct apf_mux *mux = amt_alloc(sizeof *mux);
    if (mux == NULL) {
        return NULL;
    }
    mux->config = config;
    mux->handler = handler;
    mux->ctx = ctx;
    mux->next_number = config->first_number;
    return mux;
}

static void free_list(struct apf_channel *channel)
{
    while (channel != NULL) {
        struct apf_channel *next = channel->next;
        bytes_fini(&channel->queue);
        amt_free(channel);
        channel = next;
    }
}

void apf_mux_free(struct apf_mux *mux)
{
    if (mux != NULL) {
        free_list(mux->channels);
        free_list(mux->buried);
        amt_free(mux);
    }
}

uint64_t apf_deadline_us(uint64_t now_us, uint64_t limit_us)
{
    return limit_us == 0 || limit_us > UINT64_MAX - now_us ? UINT64_MAX : now_us + limit_us;
}

void apf_mux_enter(struct apf_mux *mux)
{
    mux->depth += 1;
}

void apf_mux_leave(struct apf_mux *mux)
{
    mux->depth -= 1;
    if (mux->depth == 0) {
        free_list(mux->buried);
        mux->buried = NULL;
    }
}

void apf_mux_send(struct apf_mux *mux, const struct apf_message *message, const uint8_t *source)
{
    if (!mux->has_ended) {
        apf_send(mux->handler, mux->ctx, message, source);
    }
}

enum amt_err apf_mux_violated(struct apf_mux *mux, const char *text, const char *requirement)
{
    mux->violation = text;
    mux->violation_requirement = requirement;
    return AMT_EMALFORMED;
}

const char *apf_mux_violation(const struct apf_mux *mux, const char **requirement)
{
    *requirement = mux->violation_requirement;
    return mux->violation;
}

void apf_mux_finish(struct apf_channel *channel, enum apf_channel_end end, uint32_t reason)
{
    struct apf_mux *mux = channel->mux;
    struct apf_channel **link = &mux->channels;
    while (*link != NULL && *link != channel) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return; /* a callback finished it already */
    }
    *link = channel->next;
    channel->next = mux->buried;
    mux->buried = channel;
    channel->state = APF_CHANNEL_FREE;
    bytes_fini(&channel->queue);
    if (!channel->is_silent) {
        channel->is_silent = true;
        mux->handler->on_channel_end(mux->ctx, channel, end, reason);
    }
}

void apf_mux_end(struct apf_mux *mux)
{
    mux->has_ended = true;
    apf_mux_enter(mux);
    while (mux->channels != NULL) {
        apf_mux_finish(mux->channels, APF_CHANNEL_END_SESSION, 0);
    }
    apf_mux_leave(mux);
}

/* --- numbers --- */

static struct apf_channel *find_channel(const struct apf_mux *mux, uint32_t number)
{
    struct apf_channel *channel = mux->channels;
    while (channel != NULL && channel->local_number != number) {
        channel = channel->next;
    }
    return channel;
}

/* There is always one: the number of channels is bounded by max_channels. */
static uint32_t unused_number(struct apf_mux *mux)
{
    uint32_t number = mux->config->reuse_lowest ? mux->config->first_number : mux->next_number;
    while (find_channel(mux, number) != NULL) {
        number += 1;
    }
    mux->next_number = number + 1;
    return number;
}

static uint32_t count_records(const struct apf_mux *mux)
{
    uint32_t count = 0;
    for (const struct apf_channel *c = mux->channels; c != NULL; c = c->next) {
        count += 1;
    }
    return count;
}

/* A peer that never answers CHANNEL_OPEN must not use the table up: the oldest record that is kept
 * only for a late CONFIRMATION makes room. Records stand oldest first. */
static void forget_abandoned(struct apf_mux *mux)
{
    for (struct apf_channel *c = mux->channels; c != NULL; c = c->next) {
        if (c->state == APF_CHANNEL_ABANDONED) {
            apf_mux_finish(c, APF_CHANNEL_END_TIMEOUT, 0);
            return;
        }
    }
}

/* NULL with *err AMT_ELIMIT or AMT_ENOMEM. */
static struct apf_channel *add_channel(struct apf_mux *mux, enum amt_err *err)
{
    if (count_records(mux) >= mux->config->max_channels) {
        forget_abandoned(mux);
    }
    if (count_records(mux) >= mux->config->max_channels) {
        *err = AMT_ELIMIT;
        return NULL;
    }
    struct apf_channel *channel = amt_alloc(sizeof *channel);
    if (channel == NULL) {
        *err = AMT_ENOMEM;
        return NULL;
    }
    channel->mux = mux;
    channel->state = APF_CHANNEL_OPENING;
    channel->local_number = unused_number(mux);
    channel->rx_window = mux->config->window_bytes;
    channel->deadline_us = apf_deadline_us(mux->now_us, mux->config->open_limit_us);
    struct apf_channel **link = &mux->channels;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = channel;
    return channel;
}

/* --- opening --- */

enum amt_err apf_mux_open(struct apf_mux *mux, uint32_t port, const char *address,
                          const char *originator, uint32_t originator_port, uint64_t now_us,
                          struct apf_channel **channel)
{
    *channel = NULL;
    size_t address_len = strlen(address);
    size_t originator_len = strlen(originator);
    if (mux->has_ended) {
        return AMT_ECLOSED;
    }
    if (address_len > APF_NAME_MAX_BYTES || originator_len > APF_NAME_MAX_BYTES) {
        return AMT_ETOOBIG;
    }
    mux->now_us = now_us;
    apf_mux_enter(mux);
    enum amt_err err = AMT_OK;
    struct apf_channel *opened = add_channel(mux, &err);
    if (opened != NULL) {
        uint8_t source[sizeof APF_CHANNEL_NAME_FORWARDED + 2 * APF_NAME_MAX_BYTES];
        bool is_mps = mux->config->sends == APF_MPS_TO_DEV;
        const char *type = is_mps ? APF_CHANNEL_NAME_FORWARDED : APF_CHANNEL_NAME_DIRECT;
        struct apf_message message = {
            .type = APF_CHANNEL_OPEN,
            .sender_channel = opened->local_number,
            .initial_window = mux->config->window_bytes,
            .port = port,
            .originator_port = originator_port,
        };
        message.channel_type = (struct view){ 0, (uint32_t)strlen(type) };
        message.address = (struct view){ message.channel_type.len, (uint32_t)address_len };
        message.originator =
            (struct view){ message.address.off + message.address.len, (uint32_t)originator_len };
        memcpy(source, type, message.channel_type.len);
        memcpy(source + message.address.off, address, address_len);
        memcpy(source + message.originator.off, originator, originator_len);
        opened->port = port;
        *channel = opened; /* before sending: the answer may arrive from inside send */
        apf_mux_send(mux, &message, source);
        if (opened->state == APF_CHANNEL_FREE) { /* ended from inside send */
            *channel = NULL;
            err = AMT_ECLOSED;
        }
    }
    apf_mux_leave(mux);
    return err;
}

static void send_failure(struct apf_mux *mux, uint32_t recipient, uint32_t reason)
{
    const struct apf_message message = { .type = APF_CHANNEL_OPEN_FAILURE,
                                         .recipient_channel = recipient,
                                         .reason = reason };
    mux->statistics.refused += 1;
    apf_mux_send(mux, &message, NULL);
}

static bool is_text(const struct view *view, const uint8_t *in, const char *text)
{
    return view->len == strlen(text) && memcmp(in + view->off, text, view->len) == 0;
}

static bool was_closed_by_peer(struct apf_mux *mux, uint32_t number)
{
    bool was = number < 64 && (mux->closed_by_peer >> number & 1) != 0;
    if (was) {
        mux->closed_by_peer &= ~(UINT64_C(1) << number);
    }
    return was;
}

/* APF-DEV-023 to 028; an MPS refuses every channel that a device asks for (APF-MPS-043). */
static void on_open(struct apf_mux *mux, const struct apf_message *message, const uint8_t *in,
                    bool is_forwarded)
{
    if (mux->config->sends == APF_MPS_TO_DEV ||
        !is_text(&message->channel_type, in, APF_CHANNEL_NAME_FORWARDED)) {
        send_failure(mux, message->sender_channel, APF_UNKNOWN_CHANNEL_TYPE);
        return;
    }
    if (!is_forwarded) {
        send_failure(mux, message->sender_channel, APF_ADMINISTRATIVELY_PROHIBITED);
        return;
    }
    enum amt_err err = AMT_OK;
    struct apf_channel *channel = add_channel(mux, &err);
    if (channel == NULL) {
        send_failure(mux, message->sender_channel, APF_RESOURCE_SHORTAGE);
        return;
    }
    channel->is_inbound = true;
    channel->remote_number = message->sender_channel;
    channel->tx_credit = message->initial_window;
    channel->port = message->port;
    channel->may_be_stray = was_closed_by_peer(mux, channel->local_number);
    mux->handler->on_open_request(mux->ctx, channel, message->port);
}

void apf_channel_accept(struct apf_channel *channel, uint64_t now_us)
{
    struct apf_mux *mux = channel->mux;
    mux->now_us = now_us;
    if (channel->state != APF_CHANNEL_OPENING || !channel->is_inbound) {
        return;
    }
    const struct apf_message message = { .type = APF_CHANNEL_OPEN_CONFIRMATION,
                                         .recipient_channel = channel->remote_number,
                                         .sender_channel = channel->local_number,
                                         .initial_window = mux->config->window_bytes };
    apf_mux_enter(mux);
    channel->state = APF_CHANNEL_OPENED;
    channel->deadline_us = UINT64_MAX;
    mux->statistics.opened += 1;
    apf_mux_send(mux, &message, NULL);
    apf_channel_flush(channel);
    apf_mux_leave(mux);
}

void apf_channel_refuse(struct apf_channel *channel, uint32_t reason)
{
    struct apf_mux *mux = channel->mux;
    if (channel->state != APF_CHANNEL_OPENING || !channel->is_inbound) {
        return;
    }
    apf_mux_enter(mux);
    uint32_t recipient = channel->remote_number;
    channel->is_silent = true; /* the owner knows */
    apf_mux_finish(channel, APF_CHANNEL_END_REFUSED, reason);
    send_failure(mux, recipient, reason);
    apf_mux_leave(mux);
}

/* --- messages --- */

/* APF-MPS-057, APF-DEV-040: one end of a channel may outlive the other for a moment. */
static enum amt_err on_unknown(struct apf_mux *mux, const struct apf_message *message)
{
    const struct apf_mux_config *config = mux->config;
    mux->statistics.unknown_channel += 1;
    if (message->type == APF_CHANNEL_CLOSE) {
        mux->statistics.stray_closes += 1;
    }
    if (config->strict && config->unknown_channel_max > 0 &&
        mux->statistics.unknown_channel > config->unknown_channel_max) {
        return apf_mux_violated(mux, "too many messages for channels that do not exist",
                                config->sends == APF_MPS_TO_DEV ? "APF-MPS-057" : "APF-DEV-040");
    }
    return AMT_OK;
}

static enum amt_err dispatch(struct apf_mux *mux, const struct apf_message *message,
                             const uint8_t *in)
{
    struct apf_channel *channel = find_channel(mux, message->recipient_channel);
    if (channel == NULL) {
        return on_unknown(mux, message);
    }
    switch (message->type) {
    case APF_CHANNEL_OPEN_CONFIRMATION:
        return apf_channel_on_confirmation(channel, message);
    case APF_CHANNEL_OPEN_FAILURE:
        return apf_channel_on_failure(channel, message->reason);
    case APF_CHANNEL_WINDOW_ADJUST:
        return apf_channel_on_adjust(channel, message->bytes_to_add);
    case APF_CHANNEL_DATA:
        return apf_channel_on_data(channel, in + message->data.off, message->data.len);
    case APF_CHANNEL_CLOSE:
        return apf_channel_on_close(channel);
    default:
        return AMT_EBUG; /* the sessions pass channel messages only */
    }
}

enum amt_err apf_mux_input(struct apf_mux *mux, const struct apf_message *message,
                           const uint8_t *in, uint64_t now_us, bool is_forwarded)
{
    if (mux->has_ended) {
        return AMT_OK;
    }
    mux->now_us = now_us;
    apf_mux_enter(mux);
    enum amt_err err = AMT_OK;
    if (message->type == APF_CHANNEL_OPEN) {
        on_open(mux, message, in, is_forwarded);
    } else {
        err = dispatch(mux, message, in);
    }
    apf_mux_leave(mux);
    return err;
}

/* --- timers and figures --- */

uint64_t apf_mux_next_deadline_us(const struct apf_mux *mux)
{
    uint64_t next = UINT64_MAX;
    for (const struct apf_channel *c = mux->channels; c != NULL; c = c->next) {
        if (c->deadline_us < next) {
            next = c->deadline_us;
        }
    }
    return next;
}

static struct apf_channel *find_due(const struct apf_mux *mux, uint64_t now_us)
{
    struct apf_channel *channel = mux->channels;
    while (channel != NULL &&
           (channel->deadline_us > now_us || channel->deadline_us == UINT64_MAX)) {
        channel = channel->next;
    }
    return channel;
}

void apf_mux_tick(struct apf_mux *mux, uint64_t now_us)
{
    mux->now_us = now_us;
    apf_mux_enter(mux);
    /* Each round removes the channel or moves its deadline beyond now, so this ends. */
    struct apf_channel *channel = find_due(mux, now_us);
    while (channel != NULL) {
        apf_channel_on_deadline(channel);
        channel = find_due(mux, now_us);
    }
    apf_mux_leave(mux);
}

const struct apf_mux_statistics *apf_mux_statistics(const struct apf_mux *mux)
{
    return &mux->statistics;
}

uint32_t apf_mux_channel_count(const struct apf_mux *mux)
{
    uint32_t count = 0;
    for (const struct apf_channel *c = mux->channels; c != NULL; c = c->next) {
        count += c->is_silent ? 0 : 1;
    }
    return count;
}
