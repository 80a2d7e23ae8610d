/* TLS to the device with the provisioning certificate as the client's (activation.md 4.7, 11.2); one look
 * at the device before anything is asked of it. */
#include "mps/activation/job_internal.h"
#include "runtime/tls.h"

#define HANDSHAKE_LIMIT_US (30u * (uint64_t)US_PER_SECOND)

/* The whole chain, leaf first, as the client's certificate. */
static struct tls_context *with_certificate(const struct activation_job *job, bool is_legacy)
{
    const struct activation_certificate *certificate = job->certificate;
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *identity = pki_identity_of(certificate->chain[0], certificate->key);
    bool is_good = identity != NULL;
    for (uint32_t i = 1; is_good && i < certificate->chain_count; i++) {
        is_good = pki_identity_add_issuer(identity, certificate->chain[i]) == AMT_OK;
    }
    const struct tls_settings settings = { .identity = identity,
                                           .sends_chain = true,
                                           .legacy = is_legacy,
                                           .max_version = TLS_VERSION_1_2 };
    struct tls_context *context = is_good ? tls_context_new(&settings, &diag) : NULL;
    pki_identity_free(identity);
    return context;
}

static struct tls_context *make_context(const struct activation_job *job, enum job_tls how)
{
    static const struct tls_settings k_anonymous = { .max_version = TLS_VERSION_1_2 };
    struct amt_diag diag = { .err = AMT_OK };
    return how == JOB_TLS_ANONYMOUS ? tls_context_new(&k_anonymous, &diag)
                                    : with_certificate(job, how == JOB_TLS_NETWORK);
}

static void on_open(void *ctx)
{
    struct activation_job *job = ctx;
    char fingerprint[65];
    job_stop_waiting(job);
    struct stream *probe = job->tls_probe;
    tls_peer_fingerprint(probe, fingerprint);
    job->tls_probe = NULL;
    stream_close(probe);
    job->on_shown(job, fingerprint);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct activation_job *job = ctx;
    const struct stream_end why = *end;
    job_stop_waiting(job);
    stream_close(job->tls_probe);
    job->tls_probe = NULL;
    job->on_turned_away(job, &why);
}

static void on_late(struct activation_job *job)
{
    stream_close(job->tls_probe);
    job->tls_probe = NULL;
    job_fail(job, ACT_F_DEVICE_TOO_SLOW, "the TLS handshake with the device");
}

void job_tls_probe(struct activation_job *job, enum job_tls how,
                   void (*on_shown)(struct activation_job *job, const char *fingerprint),
                   void (*on_turned_away)(struct activation_job *job, const struct stream_end *end))
{
    static const struct stream_handler k_handler = { .on_open = on_open, .on_end = on_end };
    const struct tls_name_check check = { .name = NULL };
    job->on_shown = on_shown;
    job->on_turned_away = on_turned_away;
    tls_context_free(job->tls);
    job->tls = make_context(job, how);
    if (job->tls == NULL) {
        job_fail(job, ACT_F_WRONG_PRIVATE_KEY,
                 "the provisioning certificate cannot be used for TLS");
        return;
    }
    struct stream *s = job->channel.open_port(job->channel.ctx, 16993);
    job->tls_probe =
        s == NULL ? NULL : tls_connect(job->settings.loop, job->tls, &check, s, &k_handler, job);
    if (job->tls_probe == NULL) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
    } else {
        job_wait(job, HANDSHAKE_LIMIT_US, on_late);
    }
}
