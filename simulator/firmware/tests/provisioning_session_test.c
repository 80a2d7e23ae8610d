/* Setting up over TLS with the provisioning certificate (activation.md 4.7, 11.3). */
#include "base/unit.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/tls.h"
#include "simulator/firmware/tests/provisioning_setup.h"
#include "simulator/firmware/users.h"

#define FOLDER AMTLAB_SOURCE_DIR "/simulator/firmware/tests/data/activation/"

/* A client's connection to the device's TLS port. */
struct session {
    struct pc *pc;
    struct tls_context *context;
    struct stream *stream;
    struct text received;
    bool has_ended;
    int alert; /* of the device; -1: none */
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct session *)ctx)->received, (const char *)in, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    ((struct session *)ctx)->has_ended = true;
    ((struct session *)ctx)->alert = end->alert_is_ours ? -1 : end->tls_alert;
}

/* Keys that others could read are refused, and so are those of a checkout. */
static struct pki_identity *load(const char *chain, const char *key)
{
    char chain_path[256], key_path[256], path[] = "/tmp/amtlab-key-XXXXXX", block[4096];
    struct amt_diag diag = { .err = AMT_OK };
    (void)snprintf(chain_path, sizeof chain_path, FOLDER "%s.pem", chain);
    (void)snprintf(key_path, sizeof key_path, FOLDER "%s.key", key);
    FILE *file = fopen(key_path, "rb");
    assert_non_null(file);
    size_t len = fread(block, 1, sizeof block, file);
    assert_int_equal(fclose(file), 0);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, block, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
    struct pki_identity *identity = pki_load(chain_path, path, &diag);
    if (identity == NULL) {
        amt_diag_print(&diag, stderr);
    }
    assert_int_equal(remove(path), 0);
    assert_non_null(identity);
    return identity;
}

/* identity NULL: a client without a certificate. */
static void connect_as(struct session *session, struct pc *pc, enum firmware_door door,
                       struct pki_identity *identity)
{
    static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };
    static const struct tls_name_check k_any = { .name = NULL };
    const struct tls_settings settings = { .identity = identity, .sends_chain = true };
    struct stream *ours = NULL, *theirs = NULL;
    struct amt_diag diag;
    *session = (struct session){ .pc = pc, .context = tls_context_new(&settings, &diag) };
    assert_non_null(session->context);
    assert_int_equal(stream_memory_pair(pc->loop, &ours, &theirs), AMT_OK);
    firmware_serve_tls(pc->firmware, theirs, door);
    session->stream = tls_connect(pc->loop, session->context, &k_any, ours, &k_handler, session);
    assert_non_null(session->stream);
    pki_identity_free(identity);
}

static void hang_up(struct session *session)
{
    stream_close(session->stream);
    pc_run(session->pc, US_PER_SECOND);
    tls_context_free(session->context);
    text_fini(&session->received);
}

/* A call without any Authorization: its return value; the HTTP status as a negative number. */
static int call(struct session *session, const char *class_name, const char *method,
                const char *input)
{
    struct text envelope = { 0 }, request = { 0 };
    const char *ns = wsman_class_namespace(class_name);
    text_printf(&envelope,
                "<Envelope xmlns=\"%s\" xmlns:a=\"%s\" xmlns:w=\"%s\" xmlns:r=\"%s%s\"><Header>"
                "<a:Action>%s%s/%s</a:Action><a:To>/wsman</a:To><w:ResourceURI>%s%s"
                "</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo><a:Address>%s</a:Address>"
                "</a:ReplyTo></Header><Body><r:%s_INPUT>%s</r:%s_INPUT></Body></Envelope>",
                WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, ns, class_name, ns, class_name,
                method, ns, class_name, WSMAN_ANONYMOUS, method, input, method);
    text_printf(&request, "POST /wsman HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", envelope.len,
                text_chars(&envelope));
    text_fini(&session->received);
    session->received = (struct text){ 0 };
    int result = 0;
    if (stream_write(session->stream, text_chars(&request), (uint32_t)request.len) == AMT_OK) {
        pc_run(session->pc, UINT64_C(2) * US_PER_SECOND);
    }
    const char *answer = text_chars(&session->received);
    const char *value = strstr(answer, "ReturnValue>");
    if (value != NULL) {
        result = (int)strtol(value + strlen("ReturnValue>"), NULL, 10);
    } else {
        result = answer[0] == 0 ? -1 : -(int)strtol(answer + strlen("HTTP/1.1 "), NULL, 10);
    }
    text_fini(&envelope);
    text_fini(&request);
    return result;
}

static void leaf_hash(const char *name, const EVP_MD *digest, uint8_t out[static 64])
{
    char path[256];
    unsigned len = 0;
    (void)snprintf(path, sizeof path, FOLDER "%s.pem", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(X509_digest(certificate, digest, out, &len), 1);
    X509_free(certificate);
}

static int set_admin(struct session *session)
{
    return call(session, "AMT_AuthorizationService", "SetAdminAclEntryEx",
                "<r:Username>admin</r:Username>"
                "<r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword>");
}

/* ACT-DEV-040, ACT-DEV-042 and the steps of 4.7 */
static void release_19_is_set_up_by_its_host_over_tls(void **state)
{
    uint8_t hash[64];
    struct pc pc;
    struct session session;
    (void)state;
    setup_open(&pc, "19.0.0.1800");
    memcpy(pc.firmware->provisioning->realm, "Digest:0123456789ABCDEF0123456789ABCDEF", 40);
    leaf_hash("leaf", EVP_sha384(), hash);
    assert_int_equal(provisioning_start_host_based(pc.firmware, KEYS_HASH_SHA384, hash), AMT_OK);
    connect_as(&session, &pc, FIRMWARE_LOCAL, load("chain", "leaf"));
    assert_int_equal(call(&session, CONFIGURATION, "CommitChanges", ""), 2057); /* no password */
    assert_int_equal(set_admin(&session), 0);
    assert_int_equal(call(&session, CONFIGURATION, "CommitChanges", ""), 2057); /* of the MEBx */
    assert_int_equal(
        call(&session, CONFIGURATION, "SetMEBxPassword", "<r:Password>M3bx@Pass</r:Password>"), 0);
    assert_int_equal(call(&session, CONFIGURATION, "CommitChanges", ""), 0);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_int_equal(call(&session, CONFIGURATION, "GetUuid", ""), -401); /* the session is over */
    hang_up(&session);
    setup_as_admin(&pc, "P@ssw0rd");
    assert_string_equal(pc_property(pc_get(&pc, HOST_SETUP, NULL), "CurrentControlMode"), "2");
    const struct xml_node *record = pc_get(&pc, "IPS_TLSProvisioningRecord", NULL);
    assert_string_equal(pc_property(record, "HostInitiated"), "true");
    assert_string_equal(pc_property(record, "ProvServerFQDN"), "vpro.example.com");
    assert_string_equal(pc_property(record, "SelectedHashType"), "2");
    pc_close(&pc);
}

static void a_network_server_sets_up_after_a_hello(void **state)
{
    struct pc pc;
    struct session session;
    (void)state;
    setup_open(&pc, "12.0.67.1579");
    assert_false(firmware_port_is_open(pc.firmware, 16993, FIRMWARE_NETWORK));
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    assert_true(firmware_port_is_open(pc.firmware, 16993, FIRMWARE_NETWORK));
    connect_as(&session, &pc, FIRMWARE_NETWORK, load("chain", "leaf"));
    assert_int_equal(set_admin(&session), 0);
    assert_int_equal(call(&session, CONFIGURATION, "CommitChanges", ""), 0);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_ADMIN_CONTROL);
    hang_up(&session);
    pc_close(&pc);
}

static void other_clients_are_turned_away(void **state)
{
    static const struct {
        const char *chain, *key; /* NULL: no certificate */
        const char *announced;   /* NULL: none */
        const char *suffix;
        int alert; /* activation.md 11.3 */
    } k_cases[] = {
        { NULL, NULL, NULL, "corp.example.com", 40 },           /* handshake_failure */
        { "leaf", "leaf", NULL, "corp.example.com", 48 },       /* without its chain */
        { "chain", "leaf", "leaf-ou", "corp.example.com", 42 }, /* not the announced one */
        { "chain", "leaf", NULL, "example.net", 42 },           /* of another domain */
        { "chain", "leaf", NULL, NULL, 42 },                    /* the device knows no domain */
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        uint8_t hash[64];
        struct pc pc;
        struct session session;
        setup_open(&pc, NULL);
        assert_int_equal(provisioning_set_trusted_suffix(pc.firmware, k_cases[i].suffix), AMT_OK);
        if (k_cases[i].announced != NULL) {
            leaf_hash(k_cases[i].announced, EVP_sha256(), hash);
            assert_int_equal(provisioning_start_host_based(pc.firmware, KEYS_HASH_SHA256, hash),
                             AMT_OK);
        } else {
            assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
        }
        connect_as(&session, &pc, FIRMWARE_LOCAL,
                   k_cases[i].chain == NULL ? NULL : load(k_cases[i].chain, k_cases[i].key));
        assert_int_equal(set_admin(&session), -1);
        assert_true(session.has_ended);
        assert_int_equal(session.alert, k_cases[i].alert);
        assert_int_equal(provisioning_state(pc.firmware), PROVISIONING_IN);
        assert_false(users_have_admin(pc.firmware));
        hang_up(&session);
        pc_close(&pc);
    }
}

static void calling_it_off_ends_the_session(void **state)
{
    struct pc pc;
    struct session session;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    connect_as(&session, &pc, FIRMWARE_LOCAL, load("chain", "leaf"));
    assert_int_equal(set_admin(&session), 0);
    assert_int_equal(provisioning_stop(pc.firmware), AMT_OK);
    assert_int_equal(call(&session, CONFIGURATION, "CommitChanges", ""), -401);
    assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_NOT_PROVISIONED);
    hang_up(&session);
    pc_close(&pc);
}

static void announcements_are_checked(void **state)
{
    uint8_t hash[64] = { 0 };
    struct pc pc;
    (void)state;
    setup_open(&pc, NULL);
    assert_int_equal(provisioning_start_host_based(pc.firmware, KEYS_HASH_SHA1, hash),
                     AMT_EMALFORMED);
    assert_int_equal(provisioning_state(pc.firmware), PROVISIONING_PRE);
    pc_close(&pc);
    pc_open(&pc);
    assert_int_equal(provisioning_start_host_based(pc.firmware, KEYS_HASH_SHA256, hash),
                     AMT_ESTATE);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(release_19_is_set_up_by_its_host_over_tls),
        cmocka_unit_test(a_network_server_sets_up_after_a_hello),
        cmocka_unit_test(other_clients_are_turned_away),
        cmocka_unit_test(calling_it_off_ends_the_session),
        cmocka_unit_test(announcements_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
