/* A machine whose OpenSSL configuration forbids TLS 1.0 must not take it from a legacy listener. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/unit.h"
#include "tls_fixture.h"

static const char k_policy[] = "openssl_conf = init\n"
                               "[init]\nssl_conf = ssl\n"
                               "[ssl]\nsystem_default = policy\n"
                               "[policy]\nMinProtocol = TLSv1.2\n"
                               "CipherString = DEFAULT@SECLEVEL=2\n"
                               "Options = -SessionTicket\n";

static void the_policy_of_this_test_is_in_force(void **state)
{
    (void)state;
    SSL_CTX *plain = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_get_min_proto_version(plain), TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_get_security_level(plain), 2);
    SSL_CTX_free(plain);
}

/* APF-MPS-002 */
static void a_legacy_listener_speaks_tls_1_0_all_the_same(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    f.server_settings.legacy = true;
    f.client_settings.min_version = TLS_VERSION_1_0;
    f.client_settings.max_version = TLS_VERSION_1_0;
    fixture_connect(&f);
    assert_true(f.client.is_open && f.server.is_open);
    assert_string_equal(SSL_get_version(stream_tls(f.server.stream)), "TLSv1");
    fixture_fini(&f);
}

/* OpenSSL reads its configuration once, at its first use: so it is set before anything else. */
int main(void)
{
    char path[] = "/tmp/amtlab-policy-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, k_policy, sizeof k_policy - 1) != (ssize_t)sizeof k_policy - 1 ||
        close(fd) != 0 || setenv("OPENSSL_CONF", path, 1) != 0) {
        perror(path);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_of_this_test_is_in_force),
        cmocka_unit_test(a_legacy_listener_speaks_tls_1_0_all_the_same),
    };
    int failed = cmocka_run_group_tests(tests, make_pki, free_pki);
    (void)unlink(path);
    return failed;
}
