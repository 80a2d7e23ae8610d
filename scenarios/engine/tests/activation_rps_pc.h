/* An RPS client on our firmware against our server, in the virtual world (activation.md 7). */
#ifndef AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_RPS_PC_H
#define AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_RPS_PC_H

#include "client/activation/rps.h"
#include "mps/activation/rps.h"
#include "runtime/pki.h"
#include "scenarios/engine/tests/activation_pc.h"

struct rps_bench {
    struct activation_pc pc;
    struct rps_server *server;
    struct rps_host_client *client;
    struct secret stored;
    bool has_stored, is_over;
    enum rps_host_result result;
    char text[600], notes[2000];
    enum activation_failure failure;
    uint32_t asked;       /* connections to the device */
    const char *password; /* of the profiles; NULL: the usual one */
    bool is_tunnel;       /* the client wants --tls-tunnel */
    struct rps_ip ip;
    struct pki_identity *issuer;
};

/* bench_init: an unprovisioned 16.1; or bench_prepare, then changes of b->pc.config, then bench_start. */
void rps_bench_prepare(struct rps_bench *b);
void rps_bench_start(struct rps_bench *b);
void rps_bench_init(struct rps_bench *b);
void rps_bench_report(struct rps_bench *b); /* as its host would give it */
/* One command of the client, to its end; password of the administrator, or NULL. */
void rps_bench_command(struct rps_bench *b, const char *line, const char *password);
void rps_bench_expect(const struct rps_bench *b, enum rps_host_result result, const char *text);
/* Parts of it, for clients that are made otherwise; ctx is the bench. */
void rps_bench_end(void *ctx, const struct rps_host_end *end);
bool rps_bench_is_over(void *ctx);
struct stream *rps_bench_open_port(void *ctx, uint32_t port);
void rps_bench_fini(struct rps_bench *b);

#endif
