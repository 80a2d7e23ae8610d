#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/mps_internal.h"

/* Counting connections that have not logged in, per address (apf.md 12.1, rule 1). */

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static struct address_count *find_address(struct mps *mps, const char *address)
{
    struct address_count *count = NULL;
    HASH_FIND_STR(mps->addresses, address, count);
    return count;
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void add_address(struct mps *mps, struct address_count *count)
{
    HASH_ADD_STR(mps->addresses, address, count);
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void remove_address(struct mps *mps, struct address_count *count)
{
    HASH_DEL(mps->addresses, count);
    amt_free(count);
}

static void count_up(struct connection *c)
{
    struct mps *mps = c->mps;
    struct address_count *count = find_address(mps, c->address);
    if (count == NULL) {
        count = amt_alloc(sizeof *count);
        if (count == NULL) {
            return;
        }
        memcpy(count->address, c->address, sizeof count->address);
        add_address(mps, count);
    }
    count->count += 1;
    mps->statistics.unauthenticated += 1;
    c->counts_as_unauthenticated = true;
}

void connection_logged_in(struct connection *c)
{
    struct mps *mps = c->mps;
    if (!c->counts_as_unauthenticated) {
        return;
    }
    c->counts_as_unauthenticated = false;
    mps->statistics.unauthenticated -= 1;
    struct address_count *count = find_address(mps, c->address);
    if (count != NULL && --count->count == 0) {
        remove_address(mps, count);
    }
}

static const char *refusal(struct mps *mps, const char *address)
{
    const struct mps_config *config = mps->config;
    const struct address_count *count = find_address(mps, address);
    if (mps->is_stopping) {
        return "stopping";
    }
    if (mps->statistics.open_sockets >= config->max_sessions) {
        return "max_sessions";
    }
    if (config->max_unauthenticated != 0 &&
        mps->statistics.unauthenticated >= config->max_unauthenticated) {
        return "max_unauthenticated";
    }
    if (config->max_unauthenticated_per_address != 0 && count != NULL &&
        count->count >= config->max_unauthenticated_per_address) {
        return "max_unauthenticated_per_address";
    }
    return NULL;
}

/* "192.0.2.7:51324" without its port */
static void address_of(const struct stream *s, char out[static MPS_ADDRESS_BYTES])
{
    char name[STREAM_NAME_BYTES];
    stream_peer_name(s, name);
    char *colon = strrchr(name, ':');
    if (colon != NULL) {
        *colon = '\0';
    }
    memset(out, 0, MPS_ADDRESS_BYTES);
    (void)snprintf(out, MPS_ADDRESS_BYTES, "%.60s", name);
}

/* First bytes: HTTP, APF, or more needed; no byte is lost, whatever the cutting (APF-MPS-010). */
enum guess { GUESS_MORE, GUESS_HTTP, GUESS_APF };

static enum guess sniff(const uint8_t *bytes, uint32_t len)
{
    static const char *const k_methods[] = { "GET ", "HEAD " };
    for (int i = 0; i < 2; i++) {
        uint32_t method_len = (uint32_t)strlen(k_methods[i]);
        uint32_t n = len < method_len ? len : method_len;
        if (memcmp(bytes, k_methods[i], n) == 0) {
            return n == method_len ? GUESS_HTTP : GUESS_MORE;
        }
    }
    return GUESS_APF;
}

/* What was looked at comes first, then the rest of the same read. */
static void start_protocol(struct connection *c, bool is_http, const uint8_t *in, uint32_t len)
{
    if (!is_http) {
        session_start(c, c->sniff, c->sniff_len);
        if (len > 0) {
            session_input(c, in, len);
        }
        return;
    }
    struct text first = { 0 };
    c->mps->statistics.http_requests += 1;
    text_append(&first, (const char *)c->sniff, c->sniff_len);
    text_append(&first, (const char *)in, len);
    if (first.failed) {
        connection_end(c, true);
    } else {
        greeting_start(c, &first);
    }
    text_fini(&first);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct connection *c = ctx;
    if (c->is_dying) {
        return;
    }
    if (c->session != NULL) {
        session_input(c, in, len);
        return;
    }
    if (c->is_mesh_http) {
        greeting_input(c, in, len);
        return;
    }
    uint32_t at = 0;
    enum guess guess = GUESS_MORE;
    while (at < len && guess == GUESS_MORE && c->sniff_len < MPS_SNIFF_BYTES) {
        c->sniff[c->sniff_len++] = in[at++];
        guess = sniff(c->sniff, c->sniff_len);
    }
    if (guess != GUESS_MORE) {
        start_protocol(c, guess == GUESS_HTTP, in + at, len - at);
    }
}

static void on_open(void *ctx)
{
    struct connection *c = ctx;
    c->is_open = true;
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct connection *c = ctx;
    if (!c->is_open) {
        LOG(c->mps->log, LOG_INFO, "connection.tls_failed", log_text("peer", c->address),
            log_text("text", end->text), log_i64("alert", end->tls_alert));
    }
    if (c->session != NULL) {
        session_transport_ended(c);
    }
    /* The alert that says why a handshake failed must get out: a reset would overtake it (FF-021). */
    bool has_alert = end->kind == STREAM_END_TLS && !c->is_open;
    connection_end(c, end->kind != STREAM_END_FIN && !has_alert);
}

static const struct stream_handler k_handler = {
    .on_open = on_open,
    .on_data = on_data,
    .on_end = on_end,
};

/* A connection that says nothing, or never logs in (APF-MPS-008). */
static void on_timer(void *ctx)
{
    struct connection *c = ctx;
    if (c->is_dying) {
        return;
    }
    if (c->session != NULL) {
        session_tick(c);
        connection_set_timer(c);
        return;
    }
    LOG(c->mps->log, LOG_DEBUG, "connection.silent", log_text("peer", c->address));
    connection_end(c, true);
}

void connection_set_timer(struct connection *c)
{
    if (c->is_dying) {
        return;
    }
    uint64_t deadline_us = c->session != NULL ? session_deadline_us(c)
                                              : c->accepted_us + c->mps->config->pre_auth_limit_us;
    if (c->http != NULL) {
        deadline_us = LOOP_NO_DEADLINE; /* http_serve has its own limit */
    }
    /* A timer that fires early only looks again: moving it on every message would cost more. */
    bool is_early_enough = timer_is_running(&c->timer) && c->timer.deadline_us <= deadline_us &&
                           deadline_us != LOOP_NO_DEADLINE;
    if (!is_early_enough) {
        timer_start_at(&c->timer, deadline_us);
    }
}

void connection_look_again(struct connection *c)
{
    if (!c->is_dying) {
        timer_start(&c->timer, 0);
    }
}

static struct stream *wrap(struct mps *mps, enum stream_layer layer, struct stream *s)
{
    const struct stream_wrap *hook = &mps->config->wrap;
    return hook->wrap == NULL ? s : hook->wrap(hook->ctx, layer, s);
}

static void open_stream(struct connection *c, struct stream *s)
{
    struct mps *mps = c->mps;
    s = wrap(mps, STREAM_LAYER_TCP, s);
    if (mps->tls == NULL) {
        c->is_open = true;
        c->stream = wrap(mps, STREAM_LAYER_APF, s);
    } else {
        struct stream *tls = tls_accept(mps->loop, mps->tls, s, NULL, NULL);
        if (tls == NULL) {
            return;
        }
        c->stream = wrap(mps, STREAM_LAYER_APF, tls);
    }
    c->stream = capture_stream(mps->capture, false, c->stream);
    stream_set_handler(c->stream, &k_handler, c);
    stream_set_write_limit(c->stream, mps->config->send_queue_bytes);
}

static void link_connection(struct connection *c)
{
    struct mps *mps = c->mps;
    c->previous = mps->last_connection;
    if (c->previous != NULL) {
        c->previous->next = c;
    } else {
        mps->connections = c;
    }
    mps->last_connection = c;
    mps->statistics.open_sockets += 1;
}

static void unlink_connection(struct connection *c)
{
    struct mps *mps = c->mps;
    if (c->previous != NULL) {
        c->previous->next = c->next;
    } else {
        mps->connections = c->next;
    }
    if (c->next != NULL) {
        c->next->previous = c->previous;
    } else {
        mps->last_connection = c->previous;
    }
    mps->statistics.open_sockets -= 1;
}

void connection_accept(struct mps *mps, struct stream *s)
{
    char address[MPS_ADDRESS_BYTES];
    address_of(s, address);
    mps->statistics.connections += 1;
    const char *why = refusal(mps, address);
    struct connection *c = why == NULL ? amt_alloc(sizeof *c) : NULL;
    if (c == NULL) {
        mps->statistics.refused_connections += 1;
        LOG(mps->log, LOG_WARN, "connection.refused", log_text("peer", address),
            log_text("limit", why == NULL ? "memory" : why));
        stream_reset(s);
        return;
    }
    c->mps = mps;
    c->accepted_us = loop_now_us(mps->loop);
    c->online_at_us = LOOP_NO_DEADLINE;
    c->login_at_us = LOOP_NO_DEADLINE;
    c->retry_at_us = LOOP_NO_DEADLINE;
    memcpy(c->address, address, sizeof c->address);
    timer_init(&c->timer, mps->loop, on_timer, c);
    link_connection(c);
    count_up(c);
    open_stream(c, s);
    if (c->stream == NULL) {
        connection_end(c, true);
        return;
    }
    connection_set_timer(c);
}

void connection_end(struct connection *c, bool is_cut)
{
    if (c->is_dying) {
        return;
    }
    if (c->http != NULL) {
        http_server_close(c->http); /* comes back here through its end */
        return;
    }
    c->is_dying = true;
    timer_stop(&c->timer);
    connection_logged_in(c);
    if (c->stream != NULL) {
        struct stream *s = c->stream;
        c->stream = NULL;
        if (is_cut) {
            stream_reset(s);
        } else {
            stream_close(s);
        }
    }
    loop_task_post(&c->mps->reap);
}

/* Frees what died in this turn; later than any callback that may still stand on it. */
void connections_reap(void *ctx)
{
    struct mps *mps = ctx;
    struct connection *next = NULL;
    for (struct connection *c = mps->connections; c != NULL; c = next) {
        next = c->next;
        if (!c->is_dying) {
            continue;
        }
        apf_mps_session_free(c->session);
        text_fini(&c->mesh_head);
        amt_free(c->user);
        unlink_connection(c);
        amt_free(c);
    }
    if (mps->is_stopping && mps->connections == NULL && mps->on_stopped != NULL) {
        void (*on_stopped)(void *) = mps->on_stopped;
        mps->on_stopped = NULL;
        on_stopped(mps->stopped_ctx);
    }
}
