#include "keys_fixture.h"

#include <string.h>

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

struct keys_pki keys_pki;

static struct pki_identity *issue(const char *name, bool is_authority,
                                  const struct pki_identity *issuer)
{
    struct pki_request request = { .common_name = name,
                                   .organization = "Lab",
                                   .key = PKI_P256,
                                   .is_authority = is_authority,
                                   .for_client = !is_authority };
    struct pki_identity *identity = pki_issue(&request, issuer, NULL);
    assert_non_null(identity);
    return identity;
}

X509 *keys_issue(EVP_PKEY *key, const char *common_name)
{
    static const char *const k_fields[][2] = { { "C", "US" }, { "ST", "OR" }, { "O", "Lab" } };
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(X509_NAME_add_entry_by_txt(name, k_fields[i][0], MBSTRING_UTF8,
                                                    (const unsigned char *)k_fields[i][1], -1, -1,
                                                    0),
                         1);
    }
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)common_name, -1, -1, 0),
                     1);
    X509 *root = pki_certificate(keys_pki.root);
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(root)), 1);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7), 1);
    assert_non_null(ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20180101000000Z") == 1
                        ? certificate
                        : NULL);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20491231235959Z"), 1);
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    assert_true(X509_sign(certificate, pki_key(keys_pki.root), EVP_sha256()) > 0);
    return certificate;
}

struct pki_identity *keys_issue_console(int serial, const char *crl)
{
    struct pki_identity *made = issue("console.lab.test", false, keys_pki.root);
    X509 *certificate = pki_certificate(made);
    X509_EXTENSION *points = X509V3_EXT_conf_nid(NULL, NULL, NID_crl_distribution_points, crl);
    assert_non_null(points);
    assert_int_equal(X509_add_ext(certificate, points, -1), 1);
    X509_EXTENSION_free(points);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial), 1);
    assert_true(X509_sign(certificate, pki_key(keys_pki.root), EVP_sha256()) > 0);
    return made;
}

int keys_make_pki(void **state)
{
    (void)state;
    keys_pki.root = issue("Lab Root", true, NULL);
    keys_pki.other_root = issue("Other Root", true, NULL);
    keys_pki.middle = issue("Lab Middle", true, keys_pki.root);
    keys_pki.leaf = issue("leaf.lab.test", false, keys_pki.root);
    keys_pki.console = issue("console.lab.test", false, keys_pki.root);
    keys_pki.stranger = issue("console.lab.test", false, keys_pki.other_root);
    keys_pki.rsa = EVP_RSA_gen(2048);
    keys_pki.other_rsa = EVP_RSA_gen(2048);
    assert_true(keys_pki.rsa != NULL && keys_pki.other_rsa != NULL);
    keys_pki.certificate = keys_issue(keys_pki.rsa, "device.lab.test");
    return 0;
}

int keys_free_pki(void **state)
{
    (void)state;
    pki_identity_free(keys_pki.root);
    pki_identity_free(keys_pki.other_root);
    pki_identity_free(keys_pki.middle);
    pki_identity_free(keys_pki.leaf);
    pki_identity_free(keys_pki.console);
    pki_identity_free(keys_pki.stranger);
    EVP_PKEY_free(keys_pki.rsa);
    EVP_PKEY_free(keys_pki.other_rsa);
    X509_free(keys_pki.certificate);
    return 0;
}

static void make_profile(struct keys_fixture *f, uint32_t release)
{
    struct firmware_config *config = &f->config;
    struct amt_diag_list errors = { .count = 0 };
    assert_int_equal(config_read(firmware_config_keys, NULL, "defaults", config, &errors), AMT_OK);
    config->control_mode = FIRMWARE_ADMIN_CONTROL;
    config->certificates_max = 6;
    config->key_pairs_max = 4;
    config->plain_network_port = release < 1610;
    config->plain_local_port = release < 1900;
    config->der_key = 0; /* pkcs1 */
    config->key_delay_us = 5 * US_PER_SECOND;
    f->profile = firmware_profile_new(config, "test", &errors);
    assert_non_null(f->profile);
    amt_diag_list_fini(&errors);
    f->profile->release = release;
}

void keys_fixture_init(struct keys_fixture *f, uint32_t release)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    memset(f, 0, sizeof *f);
    f->loop = loop_new_virtual(&k_world, NULL);
    assert_non_null(f->loop);
    make_profile(f, release);
    struct firmware_settings settings = { .profile = f->profile, .seed = 1 };
    f->firmware = firmware_new(f->loop, &settings, &diag);
    if (f->firmware == NULL) {
        fail_msg("%s", diag.text);
    }
    f->user = (struct firmware_user){ .name = "admin", .is_admin = true };
    f->call = (struct firmware_call){
        .firmware = f->firmware, .arena = &f->arena, .user = &f->user, .peer = "192.0.2.7:51324"
    };
}

void keys_fixture_fini(struct keys_fixture *f)
{
    firmware_free(f->firmware);
    firmware_profile_free(f->profile);
    config_fini(firmware_config_keys, &f->config);
    arena_fini(&f->arena);
    loop_run(f->loop);
    loop_free(f->loop);
}

static void on_finish(struct firmware_call *call, uint32_t return_value)
{
    struct keys_fixture *f = call->exchange;
    f->answered_status = return_value;
    f->answers += 1;
}

void keys_fixture_defer(struct keys_fixture *f)
{
    f->call.finish = on_finish;
    f->call.exchange = f;
}

static const struct firmware_behaviour *behaviour(const char *class_name)
{
    for (size_t i = 0; k_firmware_parts[i] != NULL; i++) {
        for (const struct firmware_behaviour *b = k_firmware_parts[i]->behaviours;
             b != NULL && b->class_name != NULL; b++) {
            if (strcmp(b->class_name, class_name) == 0) {
                return b;
            }
        }
    }
    fail_msg("no behaviour of %s", class_name);
    return NULL;
}

struct wsman_instance *keys_input(struct keys_fixture *f)
{
    return wsman_instance_new(&f->arena, "INPUT");
}

static void forget_fault(struct keys_fixture *f)
{
    f->call.fault = WSMAN_OK;
    f->call.detail = NULL;
    f->call.is_deferred = false;
}

uint32_t keys_call(struct keys_fixture *f, const char *method, const struct wsman_instance *in)
{
    forget_fault(f);
    f->out = wsman_instance_new(&f->arena, "OUTPUT");
    for (const struct firmware_method *m = k_keys_service_methods; m->name != NULL; m++) {
        if (strcmp(m->name, method) == 0) {
            return m->fn(&f->call, NULL, in, f->out);
        }
    }
    fail_msg("no method %s", method);
    return PT_INTERNAL_ERROR;
}

struct wsman_instance *keys_list(struct keys_fixture *f, const char *class_name)
{
    forget_fault(f);
    struct wsman_instance *list = behaviour(class_name)->list(&f->call);
    assert_int_equal(f->call.fault, WSMAN_OK);
    for (const struct wsman_instance *at = list; at != NULL; at = at->next) {
        assert_false(at->failed);
    }
    return list;
}

bool keys_try_list(struct keys_fixture *f, const char *class_name)
{
    forget_fault(f);
    bool is_good = true;
    for (const struct wsman_instance *at = behaviour(class_name)->list(&f->call); at != NULL;
         at = at->next) {
        is_good = is_good && !at->failed;
    }
    return is_good && f->call.fault == WSMAN_OK;
}

uint32_t keys_count(struct keys_fixture *f, const char *class_name)
{
    uint32_t count = 0;
    for (struct wsman_instance *at = keys_list(f, class_name); at != NULL; at = at->next) {
        count += 1;
    }
    return count;
}

static struct wsman_instance *find(struct keys_fixture *f, const char *class_name, const char *id)
{
    for (struct wsman_instance *at = keys_list(f, class_name); at != NULL; at = at->next) {
        const char *own = wsman_get(at, "InstanceID");
        if (id == NULL || (own != NULL && strcmp(own, id) == 0)) {
            return at;
        }
    }
    fail_msg("no %s \"%s\"", class_name, id == NULL ? "" : id);
    return NULL;
}

enum wsman_fault keys_delete(struct keys_fixture *f, const char *class_name,
                             const char *instance_id)
{
    struct wsman_instance *instance = find(f, class_name, instance_id);
    forget_fault(f);
    behaviour(class_name)->remove(&f->call, instance);
    return f->call.fault;
}

enum wsman_fault keys_put(struct keys_fixture *f, const char *class_name, const char *instance_id,
                          const struct wsman_instance *changed)
{
    struct wsman_instance *old = find(f, class_name, instance_id);
    struct wsman_instance *merged = wsman_instance_copy(&f->arena, old);
    for (const struct wsman_property *p = changed->first; p != NULL; p = p->next) {
        wsman_set_values(merged, p->name, p->values);
    }
    forget_fault(f);
    behaviour(class_name)->put(&f->call, old, merged);
    return f->call.fault;
}

const struct wsman_ref *keys_create(struct keys_fixture *f, const struct wsman_instance *instance)
{
    forget_fault(f);
    return behaviour(instance->class_name)->create(&f->call, instance);
}

const char *keys_made(const struct keys_fixture *f, const char *parameter)
{
    return wsman_ref_selector(wsman_get_ref(f->out, parameter), "InstanceID");
}

uint32_t keys_add_certificate(struct keys_fixture *f, X509 *certificate, bool is_root)
{
    struct wsman_instance *in = keys_input(f);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    wsman_set_base64(in, "CertificateBlob", der, (size_t)len);
    OPENSSL_free(der);
    return keys_call(f, is_root ? "AddTrustedRootCertificate" : "AddCertificate", in);
}

uint32_t keys_add_key(struct keys_fixture *f, EVP_PKEY *key)
{
    struct wsman_instance *in = keys_input(f);
    unsigned char *der = NULL;
    int len = i2d_PrivateKey(key, &der);
    wsman_set_base64(in, "KeyBlob", der, (size_t)len);
    OPENSSL_free(der);
    return keys_call(f, "AddKey", in);
}
