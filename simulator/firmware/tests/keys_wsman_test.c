/* Certificates and TLS as clients set them up over HTTP: the sequences of wsman.md 4.9, 4.10, 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "keys_fixture.h"
#include "simulator/firmware/tests/pc.h"

static const char k_service[] = "AMT_PublicKeyManagementService";
static const char k_certificates[] = "AMT_PublicKeyCertificate";
static const char k_pairs[] = "AMT_PublicPrivateKeyPair";
static const char k_settings[] = "AMT_TLSSettingData";
static const char k_context[] = "AMT_TLSCredentialContext";

static void open_device(struct pc *pc)
{
    pc_init(pc);
    pc->config.control_mode = FIRMWARE_ADMIN_CONTROL;
    pc_start(pc);
}

/* Text of the InstanceID selector of a reference in the last answer. */
static const char *made(struct pc *pc, const char *parameter)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    const struct xml_node *at = xml_child(root, NULL, "Body")->first;
    at = xml_child(xml_child(at, NULL, parameter), NULL, "ReferenceParameters");
    const char *text = xml_child_text(xml_child(at, NULL, "SelectorSet"), NULL, "Selector");
    return text == NULL ? "" : text;
}

static int add(struct pc *pc, const char *method, const char *parameter, unsigned char *der,
               int len)
{
    struct arena arena = { .used = 0 };
    struct wsman_instance *instance = wsman_instance_new(&arena, "INPUT");
    struct text input = { .len = 0 };
    wsman_set_base64(instance, "Blob", der, (size_t)len);
    text_printf(&input, "<r:%s>%s</r:%s>", parameter, wsman_get(instance, "Blob"), parameter);
    int status = pc_call(pc, k_service, method, NULL, text_chars(&input));
    text_fini(&input);
    arena_fini(&arena);
    OPENSSL_free(der);
    return status;
}

static int add_certificate(struct pc *pc, X509 *certificate, bool is_root)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    return add(pc, is_root ? "AddTrustedRootCertificate" : "AddCertificate", "CertificateBlob", der,
               len);
}

static int add_key(struct pc *pc, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(key, &der);
    return add(pc, "AddKey", "KeyBlob", der, len);
}

/* MeshCentral's body: address and prefixes as it writes them, and its spelling of the collection. */
static void write_context(struct text *out, const char *certificate)
{
    text_printf(
        out,
        "<r:AMT_TLSCredentialContext><r:ElementInContext><a:Address>/wsman</a:Address>"
        "<a:ReferenceParameters><w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/"
        "AMT_PublicKeyCertificate</w:ResourceURI><w:SelectorSet><w:Selector Name=\"InstanceID\">"
        "%s</w:Selector></w:SelectorSet></a:ReferenceParameters></r:ElementInContext>"
        "<r:ElementProvidingContext><a:Address>/wsman</a:Address><a:ReferenceParameters>"
        "<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/"
        "AMT_TLSProtocolEndpointCollection</w:ResourceURI><w:SelectorSet>"
        "<w:Selector Name=\"ElementName\">TLSProtocolEndpointInstances Collection</w:Selector>"
        "</w:SelectorSet></a:ReferenceParameters></r:ElementProvidingContext>"
        "</r:AMT_TLSCredentialContext>",
        certificate);
}

static void send_context(struct pc *pc, const char *action, const char *certificate)
{
    struct text body = { .len = 0 };
    write_context(&body, certificate);
    (void)pc_wsman(pc, action, k_context, NULL, text_chars(&body));
    text_fini(&body);
}

/* As MeshCentral does it: every property of the object is a selector too, with its new value. */
static void put_settings(struct pc *pc, const char *id, bool is_enabled, bool takes_plain)
{
    struct text selectors = { .len = 0 };
    struct text body = { .len = 0 };
    const char *enabled = is_enabled ? "true" : "false";
    const char *plain = takes_plain ? "true" : "false";
    text_printf(&selectors,
                "AcceptNonSecureConnections=%s\nElementName=%s\nEnabled=%s\nInstanceID=%s\n"
                "MutualAuthentication=false",
                plain, id, enabled, id);
    text_printf(&body,
                "<r:AMT_TLSSettingData><r:AcceptNonSecureConnections>%s"
                "</r:AcceptNonSecureConnections><r:ElementName>%s</r:ElementName><r:Enabled>%s"
                "</r:Enabled><r:InstanceID>%s</r:InstanceID><r:MutualAuthentication>false"
                "</r:MutualAuthentication></r:AMT_TLSSettingData>",
                plain, id, enabled, id);
    const struct xml_node *answer =
        pc_wsman(pc, "Put", k_settings, text_chars(&selectors), text_chars(&body));
    assert_int_equal(pc->status, 200);
    assert_string_equal(pc_property(answer->first, "Enabled"), enabled);
    text_fini(&selectors);
    text_fini(&body);
}

/* --- TLS --- */

struct console {
    struct stream *stream;
    bool is_open;
    struct text received;
    char name[80];
};

static void on_open(void *ctx)
{
    struct console *console = ctx;
    console->is_open = true;
    tls_peer_common_name(console->stream, console->name, sizeof console->name);
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct console *)ctx)->received, (const char *)in, len);
}

/* GET / over TLS; trust NULL accepts any certificate. Closes nothing: the caller fini's. */
static void get_over_tls(struct pc *pc, struct console *console, const struct pki_trust *trust)
{
    static const struct stream_handler k_handler = { .on_open = on_open, .on_data = on_data };
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: pc:16993\r\n\r\n";
    struct tls_name_check check = { .name = trust == NULL ? NULL : "device.lab.test" };
    struct tls_settings settings = { .verifies_peer = trust != NULL, .trust = trust };
    struct tls_context *context = tls_context_new(&settings, NULL);
    struct stream *ours = NULL;
    struct stream *theirs = NULL;
    *console = (struct console){ .stream = NULL };
    assert_non_null(context);
    assert_int_equal(stream_memory_pair(pc->loop, &ours, &theirs), AMT_OK);
    console->stream = tls_connect(pc->loop, context, &check, ours, &k_handler, console);
    firmware_serve_tls(pc->firmware, theirs, FIRMWARE_NETWORK);
    /* kept until the handshake is complete */
    assert_int_equal(stream_write(console->stream, k_request, sizeof k_request - 1), AMT_OK);
    pc_run(pc, US_PER_SECOND);
    stream_close(console->stream);
    tls_context_free(context);
}

static void tls_is_set_up_as_meshcentral_does_it(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    struct pki_trust *trust = pki_trust_new();
    assert_int_equal(pki_trust_add(trust, keys_pki.root), AMT_OK);
    struct console console;
    get_over_tls(&pc, &console, NULL);
    assert_false(console.is_open); /* TLS is off */
    text_fini(&console.received);

    assert_int_equal(pc_call(&pc, k_service, "GenerateKeyPair", NULL,
                             "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>2048</r:KeyLength>"),
                     0);
    assert_string_equal(made(&pc, "KeyPair"), "Intel(r) AMT Key: Handle: 0");
    assert_int_equal(pc_count(&pc, k_pairs), 1);
    EVP_PKEY *key = pc.firmware->keys->pairs[0];
    X509 *certificate = keys_issue(key, "device.lab.test");
    assert_int_equal(add_certificate(&pc, certificate, false), 0);
    assert_string_equal(made(&pc, "CreatedCertificate"), "Intel(r) AMT Certificate: Handle: 0");
    send_context(&pc, "Create", "Intel(r) AMT Certificate: Handle: 0");
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(pc.body.chars, ":ResourceCreated>"));
    put_settings(&pc, "Intel(r) AMT 802.3 TLS Settings", true, true);
    put_settings(&pc, "Intel(r) AMT LMS TLS Settings", true, true);
    get_over_tls(&pc, &console, NULL);
    assert_false(console.is_open); /* not committed yet (WSM-100) */
    text_fini(&console.received);
    assert_int_equal(pc_call(&pc, "AMT_SetupAndConfigurationService", "CommitChanges", NULL, NULL),
                     0);
    get_over_tls(&pc, &console, trust);
    assert_true(console.is_open);
    assert_string_equal(console.name, "device.lab.test");
    assert_non_null(strstr(text_chars(&console.received), "HTTP/1.1 303"));
    text_fini(&console.received);
    assert_true(firmware_port_is_open(pc.firmware, 16993, FIRMWARE_NETWORK));
    assert_true(firmware_port_is_open(pc.firmware, 16992, FIRMWARE_NETWORK));
    X509_free(certificate);
    pki_trust_free(trust);
    pc_close(&pc);
}

/* WSM-099 */
static void a_second_context_is_a_fault_and_a_put_changes_it(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    X509 *renewed = keys_issue(keys_pki.other_rsa, "renewed.lab.test");
    assert_int_equal(add_key(&pc, keys_pki.rsa), 0);
    assert_int_equal(add_key(&pc, keys_pki.other_rsa), 0);
    assert_int_equal(add_certificate(&pc, keys_pki.certificate, false), 0);
    assert_int_equal(add_certificate(&pc, renewed, false), 0);
    send_context(&pc, "Create", "Intel(r) AMT Certificate: Handle: 0");
    assert_int_equal(pc.status, 200);
    send_context(&pc, "Create", "Intel(r) AMT Certificate: Handle: 1");
    assert_int_equal(pc.status, 400);
    assert_string_equal(pc_fault(&pc), "AlreadyExists");
    send_context(&pc, "Put", "Intel(r) AMT Certificate: Handle: 1");
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(pc.body.chars, "Intel(r) AMT Certificate: Handle: 1"));
    (void)pc_wsman(&pc, "Delete", k_certificates, "InstanceID=Intel(r) AMT Certificate: Handle: 1",
                   NULL);
    assert_int_equal(pc.status, 400); /* WSM-098 */
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    (void)pc_wsman(&pc, "Delete", k_certificates, "InstanceID=Intel(r) AMT Certificate: Handle: 0",
                   NULL);
    assert_int_equal(pc.status, 200);
    /* CIM_CredentialContext shows the contexts of its subclasses */
    assert_int_equal(pc_count(&pc, "CIM_CredentialContext"), 1);
    assert_int_equal(pc_count(&pc, "CIM_ConcreteDependency"), 1);
    (void)pc_wsman(&pc, "Delete", k_context, NULL, NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, k_context), 0);
    X509_free(renewed);
    pc_close(&pc);
}

/* wsman.md 2.6, 4.9: a failed method returns the empty reference */
static void a_duplicate_answers_2058_with_the_empty_reference(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    X509 *root = pki_certificate(keys_pki.root);
    assert_int_equal(add_certificate(&pc, root, true), 0);
    assert_int_equal(add_certificate(&pc, root, true), PT_DUPLICATE);
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(pc.body.chars, "Address>default<"));
    assert_int_equal(pc_count(&pc, k_certificates), 1);
    pc_close(&pc);
}

/* rpc-go and console delete a key pair through the service */
static void a_key_pair_is_deleted_in_both_ways(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    assert_int_equal(add_key(&pc, keys_pki.rsa), 0);
    assert_int_equal(add_key(&pc, keys_pki.other_rsa), 0);
    assert_string_equal(made(&pc, "CreatedKey"), "Intel(r) AMT Key: Handle: 1");
    (void)pc_wsman(&pc, "Delete", k_pairs, "InstanceID=Intel(r) AMT Key: Handle: 1", NULL);
    assert_int_equal(pc.status, 200);
    (void)pc_wsman(&pc, "Delete", k_service, "InstanceID=Intel(r) AMT Key: Handle: 0", NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, k_pairs), 0);
    (void)pc_wsman(&pc, "Delete", k_service, "InstanceID=Intel(r) AMT Key: Handle: 0", NULL);
    assert_int_equal(pc.status, 400);
    (void)pc_wsman(&pc, "Delete", k_pairs, "InstanceID=Intel(r) AMT Key: Handle: 0", NULL);
    assert_int_equal(pc.status, 400);
    (void)pc_get(&pc, k_service, NULL);
    pc_close(&pc);
}

/* WSM-057: base64 with wrong padding bits is refused before it reaches the store */
static void a_blob_that_is_no_base64_is_refused(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    static const char *const k_blobs[] = { "A===", "AB==", "....", "" };
    for (size_t i = 0; i < sizeof k_blobs / sizeof k_blobs[0]; i++) {
        struct text input = { .len = 0 };
        text_printf(&input, "<r:CertificateBlob>%s</r:CertificateBlob>", k_blobs[i]);
        assert_int_not_equal(pc_call(&pc, k_service, "AddCertificate", NULL, text_chars(&input)),
                             0);
        text_fini(&input);
    }
    assert_int_equal(pc_count(&pc, k_certificates), 0);
    pc_close(&pc);
}

static char *read_capture(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/simulator/firmware/tests/data/wsman-responses/%s",
                   AMTLAB_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    struct text text = { .len = 0 };
    char block[4096];
    assert_non_null(file);
    for (size_t n = 0; (n = fread(block, 1, sizeof block, file)) > 0;) {
        text_append(&text, block, n);
    }
    (void)fclose(file);
    return text_take(&text);
}

/* WSM-108: the names that a device showed for its certificate are those that we show for it. */
static void a_certificate_is_shown_as_captured(void **state)
{
    (void)state;
    struct pc pc;
    open_device(&pc);
    char *capture = read_capture("AMT_PublicKeyCertificate/get.xml");
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc.arena, capture, strlen(capture), &diag);
    const struct xml_node *captured = xml_child(root, NULL, "Body")->first;
    struct text input = { .len = 0 };
    text_printf(&input, "<r:CertificateBlob>%s</r:CertificateBlob>",
                pc_property(captured, "X509Certificate"));
    assert_int_equal(pc_call(&pc, k_service, "AddTrustedRootCertificate", NULL, text_chars(&input)),
                     0);
    const struct xml_node *shown =
        pc_get(&pc, k_certificates, "InstanceID=Intel(r) AMT Certificate: Handle: 0");
    uint32_t count = 0;
    for (const struct xml_node *property = captured->first; property != NULL;
         property = property->next) {
        assert_string_equal(pc_property(shown, property->name),
                            pc_property(captured, property->name));
        count += 1;
    }
    assert_int_equal(count, 6);
    text_fini(&input);
    amt_free(capture);
    pc_close(&pc);
}

static void generate(struct pc *pc)
{
    (void)pc_call(pc, k_service, "GenerateKeyPair", NULL,
                  "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>2048</r:KeyLength>");
}

static void a_client_that_leaves_does_not_stop_its_key(void **state)
{
    (void)state;
    struct pc pc;
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_ADMIN_CONTROL;
    pc.config.key_delay_us = 30 * US_PER_SECOND;
    pc_start(&pc);
    generate(&pc);
    assert_int_equal(pc.status, 0); /* hung up after three seconds */
    assert_int_equal(pc_count(&pc, k_pairs), 0);
    assert_int_equal(add_key(&pc, keys_pki.rsa), PT_OPERATION_IN_PROGRESS);
    pc_run(&pc, 30 * US_PER_SECOND);
    assert_int_equal(pc_count(&pc, k_pairs), 1);
    generate(&pc);
    assert_int_equal(pc.status, 0);
    pc_close(&pc); /* in the middle of the next one */
}

/* WSM-100, with the state folder: the whole device goes and comes again. */
static void tls_is_there_again_after_a_restart(void **state)
{
    (void)state;
    char folder[] = "keys-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct pki_trust *trust = pki_trust_new();
    assert_int_equal(pki_trust_add(trust, keys_pki.root), AMT_OK);
    struct pc pc;
    struct console console;
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_ADMIN_CONTROL;
    pc.state_dir = folder;
    pc_start(&pc);
    assert_int_equal(add_key(&pc, keys_pki.rsa), 0);
    assert_int_equal(add_certificate(&pc, keys_pki.certificate, false), 0);
    send_context(&pc, "Create", "Intel(r) AMT Certificate: Handle: 0");
    put_settings(&pc, "Intel(r) AMT 802.3 TLS Settings", true, true);
    assert_int_equal(pc_call(&pc, "AMT_SetupAndConfigurationService", "CommitChanges", NULL, NULL),
                     0);
    pc_close(&pc);
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_ADMIN_CONTROL;
    pc.state_dir = folder;
    pc_start(&pc);
    get_over_tls(&pc, &console, trust);
    assert_true(console.is_open);
    assert_non_null(strstr(text_chars(&console.received), "HTTP/1.1 303"));
    text_fini(&console.received);
    struct stat status;
    assert_int_equal(stat(pc.firmware->state_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600); /* it holds private keys */
    assert_int_equal(unlink(pc.firmware->state_path), 0);
    pc_close(&pc);
    assert_int_equal(rmdir(folder), 0);
    pki_trust_free(trust);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(tls_is_set_up_as_meshcentral_does_it),
        cmocka_unit_test(a_second_context_is_a_fault_and_a_put_changes_it),
        cmocka_unit_test(a_duplicate_answers_2058_with_the_empty_reference),
        cmocka_unit_test(a_key_pair_is_deleted_in_both_ways),
        cmocka_unit_test(a_blob_that_is_no_base64_is_refused),
        cmocka_unit_test(a_certificate_is_shown_as_captured),
        cmocka_unit_test(a_client_that_leaves_does_not_stop_its_key),
        cmocka_unit_test(tls_is_there_again_after_a_restart),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
