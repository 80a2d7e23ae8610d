/* APF on a connection: the protocol session, the device behind it, its place in the registry. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/mps_internal.h"

/* Forwards arrive one by one: the device is online when none has come for this long (apf.md 4.5). */
#define SETTLE_US          300000u
#define DUPLICATE_PAUSE_US (60u * (uint64_t)US_PER_SECOND)

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
struct connection *mps_find_connection(struct mps *mps, const struct uuid *uuid)
{
    struct connection *c = NULL;
    HASH_FIND(hh, mps->devices, uuid->bytes, sizeof uuid->bytes, c);
    return c;
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void add_device(struct connection *c)
{
    HASH_ADD(hh, c->mps->devices, uuid.bytes, sizeof c->uuid.bytes, c);
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void remove_device(struct connection *c)
{
    HASH_DEL(c->mps->devices, c);
}

static uint64_t now_of(const struct connection *c)
{
    return loop_now_us(c->mps->loop);
}

static void uuid_of(const struct connection *c, char out[static UUID_TEXT_BYTES])
{
    uuid_format(&c->uuid, out);
}

static void remember(struct connection *c, const char *event, const char *detail)
{
    struct mps *mps = c->mps;
    if (mps->store != NULL &&
        store_event(mps->store, &c->uuid, event, detail, loop_wall_us(mps->loop)) != AMT_OK) {
        LOG(mps->log, LOG_WARN, "store.event_dropped", log_text("event", event));
    }
}

/* One APF message is one write, one TLS record (APF-COM-021, APF-MPS-016). */
static void on_send(void *ctx, const uint8_t *out, uint32_t len)
{
    struct connection *c = ctx;
    if (c->stream == NULL || c->is_dying || c->is_too_slow) {
        return;
    }
    if (stream_write(c->stream, out, len) != AMT_OK) {
        c->is_too_slow = true; /* APF-MPS-065: ended when this callback is over */
        connection_look_again(c);
        return;
    }
    c->mps->statistics.messages_out_bytes += len;
}

static uint32_t list_ports(const struct connection *c, uint32_t *ports, uint32_t max)
{
    uint32_t count = 0;
    const struct apf_forward *forwards = apf_mps_session_forwards(c->session, &count);
    count = count < max ? count : max;
    for (uint32_t i = 0; i < count; i++) {
        ports[i] = forwards[i].port;
    }
    return count;
}

static void look_of(const struct connection *c, struct session_look *look)
{
    uint32_t count = 0;
    const struct apf_forward *forwards = apf_mps_session_forwards(c->session, &count);
    (void)snprintf(look->address, sizeof look->address, "%s", c->address);
    (void)snprintf(look->host, sizeof look->host, "%.63s", count == 0 ? "" : forwards[0].address);
}

/* Is this another machine than the one whose session it has displaced (FF-080)? */
static void compare_looks(struct connection *c)
{
    struct mps *mps = c->mps;
    struct session_look now;
    char uuid[UUID_TEXT_BYTES];
    look_of(c, &now);
    if (c->displaced.address[0] == '\0' ||
        !duplicates_changed(mps->duplicates, &c->uuid, &c->displaced, &now, now_of(c))) {
        return;
    }
    uuid_of(c, uuid);
    mps->statistics.duplicate_ids += 1;
    LOG(mps->log, LOG_WARN, "device.duplicate", log_text("uuid", uuid),
        log_text("peer", now.address), log_text("host", now.host),
        log_text("other_peer", c->displaced.address), log_text("other_host", c->displaced.host));
}

static void go_online(struct connection *c)
{
    char uuid[UUID_TEXT_BYTES];
    char tls[64];
    uint32_t ports[APF_FORWARDS_MAX];
    uint32_t count = list_ports(c, ports, APF_FORWARDS_MAX);
    c->online_at_us = LOOP_NO_DEADLINE;
    /* Without a port a device is of no use (apf.md 4.5), unless it never says which it has. */
    if (c->is_online || (count == 0 && !c->mps->config->lenient)) {
        return;
    }
    c->is_online = true;
    compare_looks(c);
    uuid_of(c, uuid);
    tls_describe(c->stream, tls, sizeof tls);
    remember(c, "device.online", c->address);
    LOG(c->mps->log, LOG_INFO, "device.online", log_text("uuid", uuid), log_text("user", c->user),
        log_text("group", c->group), log_text("peer", c->address), log_list("ports", ports, count),
        log_u64("trigger", c->trigger), log_u64("major", c->major), log_u64("minor", c->minor),
        log_text("tls", tls), log_u64("took_us", now_of(c) - c->accepted_us));
    if (c->mps->config->duplicates == MPS_DUPLICATES_NONE &&
        duplicates_has(c->mps->duplicates, &c->uuid, now_of(c))) {
        apf_mps_session_disconnect(c->session, APF_TOO_MANY_CONNECTIONS, now_of(c));
    }
}

static void on_ready(void *ctx)
{
    struct connection *c = ctx;
    uint32_t count = 0;
    (void)apf_mps_session_forwards(c->session, &count);
    if (c->mps->config->lenient && count == 0) {
        c->online_at_us = now_of(c) + SETTLE_US; /* a device that never forwards is used anyway */
        connection_set_timer(c);
    }
}

static void on_forward(void *ctx, const struct apf_forward *forward, bool is_listed)
{
    struct connection *c = ctx;
    char uuid[UUID_TEXT_BYTES];
    uuid_of(c, uuid);
    LOG(c->mps->log, LOG_DEBUG, "device.forward", log_text("uuid", uuid),
        log_u64("port", forward->port), log_text("address", forward->address),
        log_bool("listed", is_listed));
    if (!c->is_online && is_listed) {
        c->online_at_us = now_of(c) + SETTLE_US;
        connection_set_timer(c);
    }
}

static void on_keepalive(void *ctx)
{
    ((struct connection *)ctx)->mps->statistics.keepalives_in += 1;
}

static void on_keepalive_options(void *ctx, uint32_t interval_s, uint32_t timeout_s)
{
    struct connection *c = ctx;
    char uuid[UUID_TEXT_BYTES];
    uuid_of(c, uuid);
    c->keepalive_interval_s = interval_s;
    LOG(c->mps->log, LOG_DEBUG, "device.keepalive_options", log_text("uuid", uuid),
        log_u64("interval_s", interval_s), log_u64("timeout_s", timeout_s));
}

/* A newer session of the same device takes over, but only once it is authenticated (APF-MPS-059,
 * APF-MPS-060). */
static void replace_older(struct connection *c)
{
    struct connection *old = mps_find_connection(c->mps, &c->uuid);
    if (old != NULL) {
        old->was_replaced = true;
        if (old->is_online) {
            look_of(old, &c->displaced);
        }
        c->mps->statistics.replaced_sessions += 1;
        apf_mps_session_disconnect(old->session, APF_TOO_MANY_CONNECTIONS, now_of(c));
    }
}

/* Ids that boards have when nobody has given them one: many devices share them (FF-046). NULL: a good one. */
static const char *placeholder(const struct uuid *uuid)
{
    static const struct {
        const char *text, *reason;
    } k_ids[] = { { "00000000-0000-0000-0000-000000000000", "all zeros" },
                  { "ffffffff-ffff-ffff-ffff-ffffffffffff", "all ones" },
                  { "03000200-0400-0500-0006-000700080009", "the constant of a board vendor" } };
    char text[UUID_TEXT_BYTES];
    uuid_format(uuid, text);
    for (size_t i = 0; i < sizeof k_ids / sizeof k_ids[0]; i++) {
        if (strcmp(text, k_ids[i].text) == 0) {
            return k_ids[i].reason;
        }
    }
    return NULL;
}

static void warn_of_placeholder(const struct connection *c)
{
    const char *reason = placeholder(&c->uuid);
    char uuid[UUID_TEXT_BYTES];
    if (reason != NULL) {
        uuid_of(c, uuid);
        LOG(c->mps->log, LOG_WARN, "device.placeholder_uuid", log_text("uuid", uuid),
            log_text("peer", c->address), log_text("user", c->user), log_text("reason", reason));
    }
}

static void accept_login(struct connection *c)
{
    struct mps *mps = c->mps;
    connection_logged_in(c);
    warn_of_placeholder(c);
    replace_older(c);
    mps->statistics.logins += 1;
    mps->statistics.sessions += 1;
    c->connected_us = now_of(c);
    c->is_registered = true;
    add_device(c);
    if (mps->store != NULL && mps->config->auth == MPS_AUTH_STORE &&
        store_seen(mps->store, &c->uuid, c->group, loop_wall_us(mps->loop)) != AMT_OK) {
        LOG(mps->log, LOG_WARN, "store.event_dropped", log_text("event", "seen"));
    }
    apf_mps_session_verified(c->session, true, now_of(c));
}

static void refuse_login(struct connection *c, const char *reason, bool is_locked_out)
{
    struct mps *mps = c->mps;
    char uuid[UUID_TEXT_BYTES];
    uuid_of(c, uuid);
    mps->statistics.login_failures += 1;
    mps->statistics.login_lockouts += is_locked_out ? 1 : 0;
    LOG(mps->log, LOG_WARN, is_locked_out ? "login.locked_out" : "login.failed",
        log_text("uuid", uuid), log_text("user", c->user), log_text("peer", c->address),
        log_text("reason", reason));
    if (!is_locked_out) {
        attempts_failed(mps->attempts, mps->config, c->address, c->user, now_of(c));
    }
    if (mps->config->auth_failure_delay_us != 0) {
        c->login_at_us = now_of(c) + mps->config->auth_failure_delay_us;
        connection_set_timer(c);
        return;
    }
    apf_mps_session_verified(c->session, false, now_of(c));
}

/* What the configuration wants of an id that two machines have: the first stays, none is let in, or
 * (newest) the one that comes displaces the other, but not before that has had a minute. */
static bool must_wait(struct connection *c)
{
    struct mps *mps = c->mps;
    const struct connection *there = mps_find_connection(mps, &c->uuid);
    if (!duplicates_has(mps->duplicates, &c->uuid, now_of(c))) {
        return false;
    }
    switch ((enum mps_duplicates)mps->config->duplicates) {
    case MPS_DUPLICATES_FIRST:
        return there != NULL;
    case MPS_DUPLICATES_NONE:
        return true;
    case MPS_DUPLICATES_NEWEST:
        break;
    }
    return there != NULL && now_of(c) - there->connected_us < DUPLICATE_PAUSE_US;
}

static void keep_identity(struct connection *c, const struct apf_login *login)
{
    c->uuid = login->uuid;
    c->trigger = login->trigger;
    c->major = login->major;
    c->minor = login->minor;
    amt_free(c->user);
    c->user = amt_memdup(login->user, login->user_len < 64 ? login->user_len : 64);
}

static void on_login(void *ctx, const struct apf_login *login)
{
    struct connection *c = ctx;
    struct mps *mps = c->mps;
    char fingerprint[65] = "";
    char common_name[128] = "";
    struct login_verdict verdict;
    keep_identity(c, login);
    if (c->user == NULL) {
        refuse_login(c, "out of memory", true);
        return;
    }
    if (!attempts_allow(mps->attempts, mps->config, c->address, c->user, now_of(c))) {
        refuse_login(c, "too many failed logins", true);
        return;
    }
    /* APF-MPS-004: a certificate counts for nothing before its chain has been verified. */
    if (!login->has_password && tls_peer_is_trusted(c->stream, NULL)) {
        tls_peer_fingerprint(c->stream, fingerprint);
        tls_peer_common_name(c->stream, common_name, sizeof common_name);
    }
    credentials_check(&mps->credentials, login, fingerprint, common_name, &verdict);
    memcpy(c->group, verdict.group, sizeof c->group);
    if (verdict.is_good && must_wait(c)) {
        refuse_login(c, "another machine has the same UUID", true);
    } else if (verdict.is_good) {
        accept_login(c);
    } else {
        refuse_login(c, verdict.reason, false);
    }
}

void session_count_mux(const struct connection *c, struct mps_statistics *all)
{
    const struct apf_mux *mux = c->session == NULL ? NULL : apf_mps_session_mux(c->session);
    if (mux == NULL) {
        return;
    }
    const struct apf_mux_statistics *own = apf_mux_statistics(mux);
    all->channels_opened += own->opened;
    all->channels_refused += own->refused;
    all->window_overruns += own->window_overruns;
    all->window_adjusts_in += own->adjusts_in;
    all->window_adjusts_out += own->adjusts_out;
    all->unknown_channel += own->unknown_channel;
    all->stray_closes += own->stray_closes;
}

static void log_end(struct connection *c, const struct apf_end *end)
{
    struct mps *mps = c->mps;
    char uuid[UUID_TEXT_BYTES];
    uuid_of(c, uuid);
    const char *reason = c->was_replaced ? "replaced" : apf_session_end_name(end->kind);
    const char *requirement = end->requirement == NULL ? "" : end->requirement;
    mps->statistics.idle_timeouts += end->kind == APF_END_IDLE ? 1 : 0;
    if (end->kind == APF_END_PROTOCOL_ERROR) {
        mps->statistics.protocol_errors += 1;
        LOG(mps->log, LOG_WARN, "session.protocol_error", log_text("uuid", uuid),
            log_text("peer", c->address), log_text("text", end->text),
            log_text("requirement", requirement), log_u64("code", end->code));
    }
    if (c->is_online) {
        remember(c, "device.offline", reason);
    }
    static const struct apf_mux_statistics k_none;
    const struct apf_mux *mux = apf_mps_session_mux(c->session);
    const struct apf_mux_statistics *channels = mux == NULL ? &k_none : apf_mux_statistics(mux);
    LOG(mps->log, LOG_INFO, c->is_online ? "device.offline" : "session.ended",
        log_text("uuid", uuid), log_text("user", c->user), log_text("peer", c->address),
        log_text("reason", reason), log_u64("code", end->code), log_text("text", end->text),
        log_u64("duration_us", now_of(c) - c->accepted_us), log_u64("channels", channels->opened),
        log_u64("channels_refused", channels->refused),
        log_u64("data_in_bytes", channels->data_in_bytes),
        log_u64("data_out_bytes", channels->data_out_bytes),
        log_u64("keepalive_interval_s", c->keepalive_interval_s)); /* APF-MPS-067 */
}

static void on_end(void *ctx, const struct apf_end *end)
{
    struct connection *c = ctx;
    struct mps *mps = c->mps;
    if (c->is_registered) {
        c->is_registered = false;
        mps->statistics.sessions -= 1;
        remove_device(c); /* its own entry: a newer session is added after this */
    }
    log_end(c, end);
    channel_streams_end(c, c->was_replaced ? "the device has connected anew"
                                           : "the device's session has ended");
    session_count_mux(c, &mps->statistics);
    connection_end(c, c->is_too_slow || mps->is_being_freed);
}

static const struct apf_mps_handler k_handler = {
    .mux = { .send = on_send,
             .on_opened = channel_opened,
             .on_data = channel_data,
             .on_drain = channel_drain,
             .on_channel_end = channel_end },
    .on_login = on_login,
    .on_ready = on_ready,
    .on_forward = on_forward,
    .on_keepalive = on_keepalive,
    .on_keepalive_options = on_keepalive_options,
    .on_end = on_end,
};

/* After each call into the session: a peer that does not read is cut, the timer follows. */
static void settle(struct connection *c)
{
    if (c->is_dying) {
        return;
    }
    if (c->is_too_slow) {
        LOG(c->mps->log, LOG_WARN, "session.slow_reader", log_text("peer", c->address),
            log_u64("send_queue", c->mps->config->send_queue_bytes));
        apf_mps_session_transport_ended(c->session, now_of(c));
        connection_end(c, true);
        return;
    }
    connection_set_timer(c);
}

void session_start(struct connection *c, const uint8_t *in, uint32_t len)
{
    struct mps *mps = c->mps;
    c->session = apf_mps_session_new(&mps->apf, &k_handler, c, c->accepted_us);
    if (c->session == NULL) {
        connection_end(c, true);
        return;
    }
    session_input(c, in, len);
}

void session_input(struct connection *c, const uint8_t *in, uint32_t len)
{
    if (c->is_dying) {
        return;
    }
    c->mps->statistics.messages_in_bytes += len;
    apf_mps_session_input(c->session, in, len, now_of(c));
    settle(c);
}

uint64_t session_deadline_us(const struct connection *c)
{
    uint64_t first_us = apf_mps_session_next_deadline_us(c->session);
    first_us = c->online_at_us < first_us ? c->online_at_us : first_us;
    first_us = c->login_at_us < first_us ? c->login_at_us : first_us;
    return c->retry_at_us < first_us ? c->retry_at_us : first_us;
}

void session_tick(struct connection *c)
{
    uint64_t now_us = now_of(c);
    if (now_us >= c->login_at_us) {
        c->login_at_us = LOOP_NO_DEADLINE;
        apf_mps_session_verified(c->session, false, now_us);
    }
    if (!c->is_dying && now_us >= c->online_at_us) {
        go_online(c);
    }
    if (!c->is_dying && now_us >= c->retry_at_us) {
        c->retry_at_us = LOOP_NO_DEADLINE;
        channel_streams_retry(c);
    }
    if (!c->is_dying && now_us >= apf_mps_session_next_deadline_us(c->session)) {
        apf_mps_session_tick(c->session, now_us);
    }
    settle(c);
}

void session_transport_ended(struct connection *c)
{
    if (!c->is_dying) {
        apf_mps_session_transport_ended(c->session, now_of(c));
    }
}
