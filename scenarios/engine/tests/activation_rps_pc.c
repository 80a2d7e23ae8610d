#include "scenarios/engine/tests/activation_rps_pc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    struct rps_bench *b = ctx;
    *policy = (struct activation_policy){ .cira_setup = 0 };
    *group = "lab";
    policy->type = strcmp(name, "ccmlab") == 0 ? ACTIVATION_POLICY_CLIENT : ACTIVATION_POLICY_ADMIN;
    const char *password = b->password == NULL ? "Adm1n!pw" : b->password;
    assert_int_equal(secret_set(&policy->password, password, (uint32_t)strlen(password)), AMT_OK);
    return strcmp(name, "ccmlab") == 0 || strcmp(name, "acmlab") == 0;
}

static bool find_password(void *ctx, const struct uuid *uuid, struct secret *password)
{
    struct rps_bench *b = ctx;
    (void)uuid;
    *password = b->stored;
    return b->has_stored;
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    struct rps_bench *b = ctx;
    (void)uuid;
    b->failure = result->failure;
    if (result->password != NULL) {
        b->stored = *result->password;
        b->has_stored = true;
    }
}

static void on_note(void *ctx, const char *text)
{
    struct rps_bench *b = ctx;
    size_t used = strlen(b->notes);
    (void)snprintf(b->notes + used, sizeof b->notes - used, "%s\n", text);
}

void rps_bench_end(void *ctx, const struct rps_host_end *end)
{
    struct rps_bench *b = ctx;
    b->is_over = true;
    b->result = end->result;
    (void)snprintf(b->text, sizeof b->text, "%s", end->text);
}

bool rps_bench_is_over(void *ctx)
{
    return ((struct rps_bench *)ctx)->is_over;
}

struct stream *rps_bench_open_port(void *ctx, uint32_t port)
{
    struct rps_bench *b = ctx;
    b->asked += 1;
    return b->pc.channel.open_port(&b->pc, port);
}

void rps_bench_report(struct rps_bench *b)
{
    activation_pc_report(&b->pc);
    b->pc.report.build = "2049";
}

void rps_bench_prepare(struct rps_bench *b)
{
    static const struct pki_request k_root = { .common_name = "MPSRoot",
                                               .key = PKI_P256,
                                               .is_authority = true };
    memset(b, 0, sizeof *b);
    activation_pc_init(&b->pc);
    b->issuer = pki_issue(&k_root, NULL, NULL);
    assert_non_null(b->issuer);
    b->pc.settings.tls_issuer = b->issuer;
    b->ip.is_dhcp = true;
}

void rps_bench_start(struct rps_bench *b)
{
    activation_pc_start(&b->pc);
    activation_pc_certificate(&b->pc, "leaf", false);
    const struct rps_server_settings settings = { .activation = b->pc.settings,
                                                  .find_profile = find_profile,
                                                  .find_password = find_password,
                                                  .on_result = on_result,
                                                  .ctx = b };
    b->server = rps_server_new(&settings);
    assert_non_null(b->server);
    rps_bench_report(b);
}

void rps_bench_init(struct rps_bench *b)
{
    rps_bench_prepare(b);
    rps_bench_start(b);
}

void rps_bench_fini(struct rps_bench *b)
{
    rps_host_client_free(b->client);
    rps_server_free(b->server);
    pki_identity_free(b->issuer);
    activation_pc_fini(&b->pc);
}

void rps_bench_command(struct rps_bench *b, const char *line, const char *password)
{
    static const struct websocket_request k_request = { .target = "/activate",
                                                        .host = "rps.example.com" };
    struct stream *here = NULL, *there = NULL;
    struct secret secret = { .len = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    struct rps_host_settings settings = { .loop = b->pc.loop,
                                          .host = { .open_port = rps_bench_open_port, .ctx = b },
                                          .report = &b->pc.report,
                                          .command = line,
                                          .ip = b->ip,
                                          .is_tls_tunnel = b->is_tunnel,
                                          .version = "test",
                                          .on_note = on_note,
                                          .on_end = rps_bench_end,
                                          .ctx = b };
    if (password != NULL) {
        assert_int_equal(secret_set(&secret, password, (uint32_t)strlen(password)), AMT_OK);
        settings.password = &secret;
    }
    rps_host_client_free(b->client);
    b->is_over = false;
    b->notes[0] = '\0';
    b->text[0] = '\0';
    assert_int_equal(stream_memory_pair(b->pc.loop, &here, &there), AMT_OK);
    rps_server_serve(b->server, there);
    b->client = rps_host_client_new(&settings, here, &k_request, &diag);
    assert_non_null(b->client);
    assert_true(loop_run_until(b->pc.loop, rps_bench_is_over, b,
                               loop_now_us(b->pc.loop) + 600 * (uint64_t)US_PER_SECOND));
}

void rps_bench_expect(const struct rps_bench *b, enum rps_host_result result, const char *text)
{
    if (b->result != result || strcmp(b->text, text) != 0) {
        fail_msg("%d %s\n%s", b->result, b->text, b->notes);
    }
}
