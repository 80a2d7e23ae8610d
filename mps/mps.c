#include "mps/mps.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/certificates.h"
#include "mps/mps_internal.h"

#define FLUSH_US (1u * (uint64_t)US_PER_SECOND)

static void fill_apf_config(struct apf_mps_config *apf, const struct mps_config *config)
{
    *apf = (struct apf_mps_config){
        .mux = { .sends = APF_MPS_TO_DEV,
                 .strict = !config->lenient,
                 .window_bytes = config->window_bytes,
                 .chunk_bytes = config->chunk_bytes,
                 .max_channels = config->max_channels,
                 .first_number = 1,
                 .credit = APF_CREDIT_HALF,
                 .open_limit_us = config->open_limit_us,
                 .close_limit_us = config->close_limit_us,
                 .queue_max_bytes = config->queue_bytes,
                 .unknown_channel_max = config->unknown_channel_max },
        .lenient = config->lenient,
        .json_control = config->json_control,
        .echo_protocol_version = config->echo_protocol_version,
        .failure_15_bytes = config->failure_15_bytes,
        .auth_failures_max = config->auth_failures_per_session,
        .pre_auth_limit_us = config->pre_auth_limit_us,
        .idle_limit_us = config->idle_limit_us,
        .keepalive_rule = (enum apf_keepalive_rule)config->keepalive_rule,
        .quiet_us = config->keepalive_quiet_us,
        .keepalive_interval_s = (uint32_t)(config->keepalive_interval_us / US_PER_SECOND),
        .keepalive_timeout_s = (uint32_t)(config->keepalive_timeout_us / US_PER_SECOND),
    };
}

static struct pki_trust *load_client_roots(const struct mps_config *config, struct amt_diag *diag)
{
    if (config->client_trust != NULL) {
        return pki_trust_ref(config->client_trust);
    }
    struct pki_trust *trust = pki_trust_new();
    if (trust != NULL && config->client_roots != NULL &&
        pki_trust_load(trust, config->client_roots, diag) != AMT_OK) {
        pki_trust_free(trust);
        return NULL;
    }
    return trust;
}

static enum amt_err start_tls(struct mps *mps, struct amt_diag *diag)
{
    const struct mps_config *config = mps->config;
    if (config->tls == MPS_TLS_OFFLOAD) {
        return AMT_OK; /* APF-MPS-070 */
    }
    struct pki_identity *identity =
        config->identity != NULL
            ? pki_identity_ref(config->identity)
            : mps_certificates(config, loop_wall_us(mps->loop), mps->log, diag);
    if (identity == NULL) {
        return AMT_ECERT;
    }
    struct pki_trust *trust = load_client_roots(config, diag);
    /* APF-MPS-002 to 005, 007: versions, the request for a client certificate and its judgement are
     * those of a server context; no server name is looked at, so any is accepted. */
    struct tls_settings settings = { .is_server = true,
                                     .identity = identity,
                                     .sends_chain = config->sends_chain,
                                     .legacy = config->tls == MPS_TLS_LEGACY,
                                     .trust = trust,
                                     .key_log_path = config->key_log };
    mps->tls = trust == NULL ? NULL : tls_context_new(&settings, diag);
    pki_trust_free(trust);
    mps->identity = identity;
    return mps->tls == NULL ? AMT_ECERT : AMT_OK;
}

static enum amt_err start_capture(struct mps *mps, struct amt_diag *diag)
{
    const struct capture_config *config = &mps->config->capture;
    if (config->path == NULL) {
        return AMT_OK;
    }
    mps->capture = capture_open(mps->loop, config, "amtlab mps", mps->log, diag);
    return mps->capture == NULL ? AMT_ESYS : AMT_OK;
}

static enum amt_err start_store(struct mps *mps, struct amt_diag *diag)
{
    const struct mps_config *config = mps->config;
    if (config->data != NULL) {
        mps->store = store_open(config->data, diag);
        return mps->store == NULL ? AMT_ESYS : AMT_OK;
    }
    if (config->auth == MPS_AUTH_STORE || config->api_listen.count > 0) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "auth: store and api_listen need a data directory");
        (void)amt_diag_hint(diag, "set data: DIR (or --data DIR)");
        return AMT_ECONFIG;
    }
    return AMT_OK;
}

static void on_accept(void *ctx, struct stream *s)
{
    connection_accept(ctx, s);
}

static enum amt_err listen_one(struct mps *mps, const char *text, struct amt_diag *diag)
{
    struct address address;
    char shown[ADDRESS_HOST_BYTES + 10];
    TRY(address_parse(text, MPS_CIRA_PORT, &address, diag));
    struct listener *listener = net_listen(mps->loop, &address, on_accept, mps, diag);
    if (listener == NULL) {
        return AMT_ESYS;
    }
    mps->listeners[mps->listener_count++] = listener;
    listener_address(listener, &address); /* APF-MPS-001: port 0 is told */
    address_format(&address, shown);
    LOG(mps->log, LOG_INFO, "mps.listening", log_text("address", shown),
        log_bool("tls", mps->tls != NULL));
    return AMT_OK;
}

static enum amt_err start_listeners(struct mps *mps, struct amt_diag *diag)
{
    const struct config_texts *listen = &mps->config->listen;
    if (listen->count == 0 || listen->count > MPS_LISTENERS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "listen: 1 to %u addresses, not %u",
                            MPS_LISTENERS_MAX, listen->count);
    }
    for (uint32_t i = 0; i < listen->count; i++) {
        TRY(listen_one(mps, listen->items[i], diag));
    }
    return AMT_OK;
}

void mps_flush_store(struct mps *mps)
{
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = store_flush(mps->store, &diag);
    if (err == AMT_ELIMIT) {
        LOG(mps->log, LOG_WARN, "store.recovered", log_text("text", diag.text));
    } else if (err != AMT_OK) {
        LOG(mps->log, LOG_ERROR, "store.flush", log_text("text", diag.text),
            log_text("hint", diag.hint));
    }
}

static void on_flush(void *ctx)
{
    struct mps *mps = ctx;
    mps_flush_store(mps);
    timer_start(&mps->flush, FLUSH_US);
}

/* By clients from PCs, or by devices that say hello. */
static bool has_activation(const struct mps_config *config)
{
    const struct yaml_node *node = config->activation_node;
    return config->activation_listen.count > 0 || yaml_get(node, "provisioning") != NULL ||
           yaml_get(node, "meshcentral") != NULL;
}

/* Without addresses to listen on, only what the server offers is published, where somebody can read it. */
static enum amt_err start_activation(struct mps *mps, struct amt_diag *diag)
{
    struct address cira = { .port = 0 };
    if (!has_activation(mps->config) && mps->store == NULL) {
        return AMT_OK;
    }
    if (mps->listener_count > 0) {
        mps_listener_address(mps, 0, &cira);
    }
    const struct activation_service_settings settings = { .loop = mps->loop,
                                                          .log = mps->log,
                                                          .config = mps->config,
                                                          .store = mps->store,
                                                          .tls = mps->tls,
                                                          .identity = mps->identity,
                                                          .cira_port = cira.port,
                                                          .mode = mps->mode };
    mps->activation = activation_service_start(&settings, diag);
    return mps->activation == NULL ? AMT_ECONFIG : AMT_OK;
}

static enum amt_err start_all(struct mps *mps, struct amt_diag *diag)
{
    TRY(start_store(mps, diag));
    TRY(credentials_init(&mps->credentials, mps->config, mps->store, diag));
    TRY(start_tls(mps, diag));
    TRY(start_capture(mps, diag));
    if (mps->mode != MPS_MODE_LAN) { /* ACT-SRV-059 */
        TRY(start_listeners(mps, diag));
    }
    if (mps->config->api_listen.count > 0) {
        mps->api = api_start(mps->loop, mps, mps->store, &mps->config->api_listen, mps->log, diag);
        if (mps->api == NULL) {
            return AMT_ESYS;
        }
    }
    TRY(start_activation(mps, diag));
    if (mps->store != NULL) {
        timer_start(&mps->flush, FLUSH_US);
    }
    return AMT_OK;
}

struct mps *mps_start(struct loop *loop, const struct mps_config *config, struct log *log,
                      struct amt_diag *diag)
{
    struct mps *mps = amt_alloc(sizeof *mps);
    if (mps == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    mps->loop = loop;
    mps->config = config;
    mps->log = log;
    mps->mode = activation_mode(config);
    fill_apf_config(&mps->apf, config);
    timer_init(&mps->flush, loop, on_flush, mps);
    loop_task_init(&mps->reap, loop, connections_reap, mps);
    mps->attempts = attempts_new();
    mps->duplicates = duplicates_new();
    if (mps->attempts == NULL || mps->duplicates == NULL || start_all(mps, diag) != AMT_OK) {
        mps_free(mps);
        return NULL;
    }
    return mps;
}

uint32_t mps_listener_count(const struct mps *mps)
{
    return mps->is_stopping ? 0 : mps->listener_count;
}

enum mps_mode mps_mode(const struct mps *mps)
{
    return mps->mode;
}

const char *mps_data(const struct mps *mps)
{
    return mps->config->data == NULL ? "" : mps->config->data;
}

void mps_listener_address(const struct mps *mps, uint32_t index, struct address *address)
{
    listener_address(mps->listeners[index], address);
}

bool mps_api_address(const struct mps *mps, struct address *address)
{
    if (mps->api != NULL) {
        api_address(mps->api, address);
    }
    return mps->api != NULL;
}

bool mps_activation_address(const struct mps *mps, struct address *address)
{
    return activation_service_address(mps->activation, address);
}

bool mps_hello_address(const struct mps *mps, struct address *address)
{
    return activation_service_hello_address(mps->activation, address);
}

const struct mps_statistics *mps_statistics(struct mps *mps)
{
    /* What ended sessions counted is in `statistics`; living ones are added for this answer. */
    mps->answer = mps->statistics;
    for (const struct connection *c = mps->devices; c != NULL; c = c->hh.next) {
        session_count_mux(c, &mps->answer);
    }
    for (const struct connection *c = mps->connections; c != NULL; c = c->next) {
        bool has_ended = c->session != NULL && c->connected_us != 0 && !c->is_registered;
        mps->answer.zombie_sessions += has_ended ? 1 : 0;
    }
    return &mps->answer;
}

static void close_listeners(struct mps *mps)
{
    for (uint32_t i = 0; i < mps->listener_count; i++) {
        listener_close(mps->listeners[i]);
    }
    mps->listener_count = 0;
}

void mps_stop(struct mps *mps, void (*on_stopped)(void *ctx), void *ctx)
{
    mps->is_stopping = true;
    mps->on_stopped = on_stopped;
    mps->stopped_ctx = ctx;
    LOG(mps->log, LOG_INFO, "mps.stopped", log_u64("sessions", mps->statistics.sessions));
    close_listeners(mps);
    api_stop(mps->api);
    mps->api = NULL;
    activation_service_free(mps->activation);
    mps->activation = NULL;
    struct connection *next = NULL;
    for (struct connection *c = mps->connections; c != NULL; c = next) {
        next = c->next;
        if (c->is_dying) {
            continue;
        }
        if (c->session != NULL) {
            /* APF-MPS-069 */
            apf_mps_session_disconnect(c->session, APF_BY_APPLICATION, loop_now_us(mps->loop));
        } else {
            connection_end(c, false);
        }
    }
    loop_task_post(&mps->reap);
}

void mps_free(struct mps *mps)
{
    if (mps == NULL) {
        return;
    }
    mps->is_stopping = true;
    mps->is_being_freed = true;
    mps->on_stopped = NULL;
    close_listeners(mps);
    api_stop(mps->api);
    activation_service_free(mps->activation);
    for (struct connection *c = mps->connections; c != NULL; c = c->next) {
        if (!c->is_dying && c->session != NULL) {
            session_transport_ended(c);
        }
        connection_end(c, true);
    }
    connections_reap(mps);
    loop_task_cancel(&mps->reap);
    timer_stop(&mps->flush);
    capture_free(mps->capture);
    store_close(mps->store);
    credentials_fini(&mps->credentials);
    attempts_free(mps->attempts);
    duplicates_free(mps->duplicates);
    tls_context_free(mps->tls);
    pki_identity_free(mps->identity);
    amt_free(mps);
}
