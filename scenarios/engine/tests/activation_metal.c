#include "scenarios/engine/tests/activation_metal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/provisioning.h"

void metal_init(struct metal *m)
{
    static const struct pki_request k_root = { .common_name = "MPSRoot",
                                               .key = PKI_P256,
                                               .is_authority = true };
    memset(m, 0, sizeof *m);
    activation_pc_init(&m->pc);
    m->server_host = "ProvisionServer.corp.example.com";
    m->trusted_fqdn = "corp.example.com";
    m->issuer = pki_issue(&k_root, NULL, NULL);
    assert_non_null(m->issuer);
    assert_int_equal(secret_set(&m->mebx_password, "M3bx@Pass", 9), AMT_OK);
}

static void on_accept(void *ctx, struct stream *s)
{
    struct metal *m = ctx;
    if (firmware_port_is_open(m->pc.firmware, 16993, FIRMWARE_NETWORK)) {
        firmware_serve_tls(m->pc.firmware, s, FIRMWARE_NETWORK);
    } else {
        stream_reset(s);
    }
}

void metal_start(struct metal *m)
{
    const struct address address = { METAL_DEVICE, 16993 };
    struct amt_diag diag = { .err = AMT_OK };
    activation_pc_start(&m->pc);
    activation_pc_certificate(&m->pc, "leaf", false);
    m->device = net_listen(m->pc.loop, &address, on_accept, m, &diag);
    assert_non_null(m->device);
}

static bool find_group(void *ctx, struct activation_policy *policy, const char **group)
{
    struct metal *m = ctx;
    *policy = m->pc.policy;
    *group = "lab";
    return !m->has_no_group;
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    struct metal *m = ctx;
    (void)uuid;
    m->results += 1;
    m->last = *result;
}

void metal_serve(struct metal *m)
{
    struct address address = { .port = 9971 };
    struct amt_diag diag = { .err = AMT_OK };
    struct hello_server_settings settings = { .activation = m->pc.settings,
                                              .find_group = find_group,
                                              .on_result = on_result,
                                              .ctx = m,
                                              .trusted_fqdn = m->trusted_fqdn,
                                              .device_host = METAL_DEVICE };
    settings.activation.mebx_password = &m->mebx_password;
    settings.activation.tls_issuer = m->issuer;
    hello_server_free(m->server);
    m->server = hello_server_new(&settings);
    assert_non_null(m->server);
    (void)snprintf(address.host, sizeof address.host, "%s", m->server_host);
    assert_int_equal(hello_server_listen(m->server, &address, &diag), AMT_OK);
}

void metal_run(struct metal *m, uint64_t seconds)
{
    (void)loop_run_until(m->pc.loop, NULL, NULL, loop_now_us(m->pc.loop) + seconds * US_PER_SECOND);
}

void metal_fini(struct metal *m)
{
    hello_server_free(m->server);
    listener_close(m->device);
    pki_identity_free(m->issuer);
    secret_fini(&m->mebx_password);
    activation_pc_fini(&m->pc);
}
