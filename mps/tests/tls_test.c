/* What the listener's TLS offers: apf.md 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/unit.h"
#include "mps/tests/world.h"

struct client {
    struct stream *stream;
    bool is_open, has_ended;
    struct stream_end end;
};

static void on_open(void *ctx)
{
    ((struct client *)ctx)->is_open = true;
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct client *c = ctx;
    c->has_ended = true;
    c->end = *end;
}

static const struct stream_handler k_client = { .on_open = on_open, .on_end = on_end };

static void shake_hands(struct world *w, const struct tls_settings *settings, const char *sni,
                        struct client *c)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    const struct tls_name_check check = { .sni = sni };
    struct tls_context *context = tls_context_new(settings, &diag);
    assert_non_null(context);
    memset(c, 0, sizeof *c);
    mps_listener_address(w->mps, 0, &address);
    struct stream *tcp = net_connect(w->loop, &address, 0, NULL, NULL);
    c->stream = tls_connect(w->loop, context, &check, tcp, &k_client, c);
    assert_non_null(c->stream);
    tls_context_free(context);
    world_run(w, SECOND_US);
}

static bool works(const char *tls, enum tls_version version)
{
    struct world w;
    struct client c;
    const struct tls_settings settings = { .min_version = version,
                                           .max_version = version,
                                           .legacy = version < TLS_VERSION_1_2 };
    world_init(&w, true);
    world_set(&w, "tls", tls);
    world_start(&w);
    shake_hands(&w, &settings, NULL, &c);
    bool is_open = c.is_open;
    stream_close(c.stream);
    world_fini(&w);
    return is_open;
}

/* APF-MPS-002 */
static void old_versions_are_spoken_only_when_configured(void **state)
{
    (void)state;
    assert_true(works("default", TLS_VERSION_1_3));
    assert_true(works("default", TLS_VERSION_1_2));
    assert_false(works("default", TLS_VERSION_1_1));
    assert_false(works("default", TLS_VERSION_1_0));
    assert_true(works("legacy", TLS_VERSION_1_3));
    assert_true(works("legacy", TLS_VERSION_1_2));
    assert_true(works("legacy", TLS_VERSION_1_1));
    assert_true(works("legacy", TLS_VERSION_1_0));
}

/* APF-MPS-003 */
static void a_client_certificate_is_asked_for_with_no_issuer_named(void **state)
{
    static const struct tls_settings k_settings = { .verifies_peer = false };
    (void)state;
    struct world w;
    struct client c;
    world_init(&w, true);
    world_start(&w);
    shake_hands(&w, &k_settings, NULL, &c);
    assert_true(c.is_open); /* without presenting one */
    const STACK_OF(X509_NAME) *issuers = SSL_get0_peer_CA_list(stream_tls(c.stream));
    assert_int_equal(issuers == NULL ? 0 : sk_X509_NAME_num(issuers), 0);
    stream_close(c.stream);
    world_fini(&w);
}

/* APF-MPS-005 */
static void any_server_name_or_none_is_accepted(void **state)
{
    static const struct tls_settings k_settings = { .verifies_peer = false };
    static const char *const k_names[] = { NULL, "mps.lab.test", "wrong.example" };
    (void)state;
    struct world w;
    world_init(&w, true);
    world_start(&w);
    for (size_t i = 0; i < 3; i++) {
        struct client c;
        shake_hands(&w, &k_settings, k_names[i], &c);
        assert_true(c.is_open);
        stream_close(c.stream);
    }
    world_fini(&w);
}

static int presented(bool sends_chain, const char *directory)
{
    static const struct tls_settings k_settings = { .verifies_peer = false };
    struct world w;
    struct client c;
    world_init(&w, true);
    if (directory != NULL) {
        w.config.identity = NULL;
        world_set(&w, "data", directory);
        world_set(&w, "key", "p256");
    }
    world_set(&w, "sends_chain", sends_chain ? "true" : "false");
    world_start(&w);
    shake_hands(&w, &k_settings, NULL, &c);
    assert_true(c.is_open);
    int count = sk_X509_num(SSL_get_peer_cert_chain(stream_tls(c.stream)));
    stream_close(c.stream);
    world_fini(&w);
    return count;
}

/* APF-MPS-007 */
static void the_leaf_alone_or_the_whole_chain_is_presented(void **state)
{
    (void)state;
    assert_int_equal(presented(false, NULL), 1);
    assert_int_equal(presented(true, NULL), 2);
}

/* APF-MPS-007: made, and loaded again */
static void the_chain_is_the_same_from_the_data_directory(void **state)
{
    static const char *const k_files[] = {
        "root.crt", "root.key",  "mps.crt",       "mps.key",
        "seal.key", "amtlab.db", "amtlab.db-wal", "amtlab.db-shm"
    };
    (void)state;
    char directory[] = "/tmp/amtlab-tls-XXXXXX";
    assert_non_null(mkdtemp(directory));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(presented(true, directory), 2);
        assert_int_equal(presented(false, directory), 1);
    }
    for (size_t i = 0; i < sizeof k_files / sizeof k_files[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", directory, k_files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_versions_are_spoken_only_when_configured),
        cmocka_unit_test(a_client_certificate_is_asked_for_with_no_issuer_named),
        cmocka_unit_test(any_server_name_or_none_is_accepted),
        cmocka_unit_test(the_leaf_alone_or_the_whole_chain_is_presented),
        cmocka_unit_test(the_chain_is_the_same_from_the_data_directory),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
