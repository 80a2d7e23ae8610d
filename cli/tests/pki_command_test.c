/* `amtlab pki`: the same bytes from the same seed, and each certificate right or wrong as it says. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"
#include "cli/pki_make.h"
#include "mps/activation/certificates.h"
#include "mps/activation/config.h"
#include "mps/activation/meshcentral_config.h"

#define NOW_S     UINT64_C(1767225600) /* 2026-01-01 */
#define FILE_MAX  65536
#define PATH_MAX_ 160

static char s_folder[48];
static uint32_t s_files;

static enum amt_err make(const char *folder, const char *seed, uint32_t *count)
{
    struct pki_settings settings = { .folder = folder,
                                     .seed = seed,
                                     .domain = "example.com",
                                     .mps_name = "mps.example.com",
                                     .password = "P@ssw0rd" };
    return pki_make(&settings, count, NULL);
}

static void remove_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    char path[PATH_MAX_ * 3];
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            assert_int_equal(unlink(path), 0);
        }
    }
    (void)closedir(directory);
    assert_int_equal(rmdir(folder), 0);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(s_folder, sizeof s_folder, "/tmp/amtlab-pki-XXXXXX");
    return mkdtemp(s_folder) != NULL && make(s_folder, "7", &s_files) == AMT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(s_folder);
    return 0;
}

static size_t read_file(const char *folder, const char *name, char *out)
{
    char path[PATH_MAX_ * 3];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(out, 1, FILE_MAX, file);
    (void)fclose(file);
    return len;
}

static bool is_same(const char *folder, const char *name)
{
    static char one[FILE_MAX];
    static char two[FILE_MAX];
    size_t len = read_file(s_folder, name, one);
    return len == read_file(folder, name, two) && memcmp(one, two, len) == 0;
}

static void one_seed_gives_the_same_bytes(void **state)
{
    char again[] = "/tmp/amtlab-pki-XXXXXX";
    uint32_t count = 0;
    uint32_t compared = 0;
    (void)state;
    assert_non_null(mkdtemp(again));
    assert_int_equal(make(again, "7", &count), AMT_OK);
    assert_int_equal(count, s_files);
    DIR *directory = opendir(s_folder);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] != '.') {
            assert_true(is_same(again, entry->d_name));
            compared += 1;
        }
    }
    (void)closedir(directory);
    assert_int_equal(compared, s_files);
    assert_int_equal(make(again, "8", &count), AMT_OK); /* over what is there */
    assert_false(is_same(again, "leaf.pem"));
    assert_false(is_same(again, "leaf.pfx"));
    remove_folder(again);
}

/* --- what OpenSSL thinks of them --- */

static X509 *load(const char *name)
{
    char path[PATH_MAX_];
    (void)snprintf(path, sizeof path, "%s/%s", s_folder, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    assert_non_null(certificate);
    return certificate;
}

static json_t *index_json(void)
{
    char path[PATH_MAX_];
    (void)snprintf(path, sizeof path, "%s/index.json", s_folder);
    json_t *index = json_load_file(path, 0, NULL);
    assert_non_null(index);
    return index;
}

static const json_t *entry_of(const json_t *index, const char *name)
{
    size_t at;
    json_t *entry;
    json_array_foreach(index, at, entry)
    {
        if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0) {
            return entry;
        }
    }
    fail_msg("%s is not in index.json", name);
    return NULL;
}

/* As `openssl verify` with the root trusted and the intermediates at hand. */
static int verify(const json_t *entry, const char *trusted)
{
    const json_t *chain = json_object_get(entry, "chain");
    STACK_OF(X509) *between = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509 *root = load(trusted);
    X509 *leaf = load(json_string_value(json_array_get(chain, 0)));
    for (size_t i = 1; i < json_array_size(chain); i++) {
        assert_true(sk_X509_push(between, load(json_string_value(json_array_get(chain, i)))) > 0);
    }
    assert_int_equal(X509_STORE_add_cert(store, root), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, between), 1);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER), 1);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)NOW_S);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), 2);
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_pop_free(between, X509_free);
    X509_free(leaf);
    X509_free(root);
    return result;
}

static void openssl_takes_and_refuses_what_it_should(void **state)
{
    static const struct {
        const char *name, *trusted;
        int result;
    } k_cases[] = {
        { "leaf", "root.pem", X509_V_OK },
        { "leaf-ou", "root.pem", X509_V_OK },
        { "leaf-wildcard", "root.pem", X509_V_OK },
        { "leaf-5chain", "root.pem", X509_V_OK },
        { "leaf-otherroot", "root-other.pem", X509_V_OK },
        { "leaf-otherroot", "root.pem", X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN },
        { "leaf-expired", "root.pem", X509_V_ERR_CERT_HAS_EXPIRED },
        { "leaf-future", "root.pem", X509_V_ERR_CERT_NOT_YET_VALID },
        { "leaf-badsig", "root.pem", X509_V_ERR_CERT_SIGNATURE_FAILURE },
        { "leaf-noserverauth", "root.pem", X509_V_ERR_INVALID_PURPOSE },
        { "leaf-sha1", "root.pem", X509_V_ERR_CA_MD_TOO_WEAK },
        { "leaf-1024", "root.pem", X509_V_ERR_EE_KEY_TOO_SMALL },
        { "leaf-root-1024", "root-1024.pem", X509_V_ERR_CA_KEY_TOO_SMALL },
    };
    (void)state;
    json_t *index = index_json();
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        int result = verify(entry_of(index, k_cases[i].name), k_cases[i].trusted);
        if (result != k_cases[i].result) {
            fail_msg("%s: %s", k_cases[i].name, X509_verify_cert_error_string(result));
        }
    }
    json_decref(index);
}

static void servers_and_devices_stand_under_the_tls_root(void **state)
{
    static const char *const k_names[][2] = { { "mps.pem", "mps.example.com" },
                                              { "device.pem", "amt.example.com" } };
    (void)state;
    X509 *root = load("tls-root.pem");
    for (size_t i = 0; i < 2; i++) {
        X509 *certificate = load(k_names[i][0]);
        assert_int_equal(X509_verify(certificate, X509_get0_pubkey(root)), 1);
        assert_int_equal(X509_check_host(certificate, k_names[i][1], 0, 0, NULL), 1);
        X509_free(certificate);
    }
    X509_free(root);
}

/* --- what the loader thinks of them --- */

static bool has_code(const struct amt_diag_list *problems, const char *code)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        if (problems->items[i].requirement != NULL &&
            strcmp(problems->items[i].requirement, code) == 0) {
            return true;
        }
    }
    return false;
}

/* What a device reports that trusts the root of the right chain alone. */
static enum activation_failure choose(struct activation_certificates *set, X509 *root)
{
    struct activation_report report = { .dns_suffix = "corp.example.com", .hash_count = 1 };
    const struct activation_hash *hash = NULL;
    enum activation_failure failure;
    report.hashes[0].type = ACTIVATION_HASH_SHA256;
    report.hashes[0].len = 32;
    assert_int_equal(X509_digest(root, EVP_sha256(), report.hashes[0].bytes, NULL), 1);
    (void)activation_certificates_choose(set, &report, &hash, &failure, NULL);
    return failure;
}

/* Every recipe is found by the checks, or by the choice, to be what it says. */
static void check_recipe(const struct pki_recipe *recipe, X509 *root)
{
    char path[PATH_MAX_];
    struct amt_diag_list problems = { NULL, 0, 0 };
    (void)snprintf(path, sizeof path, "%s/%s.pfx", s_folder, recipe->name);
    struct activation_certificate_source source = { .label = recipe->name,
                                                    .pfx_path = path,
                                                    .pfx_password = "P@ssw0rd" };
    struct activation_certificates *set = activation_certificates_new();
    enum amt_err err = activation_certificates_load(set, &source, NOW_S, &problems);
    bool is_found_when_chosen = recipe->failure == ACT_F_NO_CERTIFICATE_FOR_SUFFIX ||
                                recipe->failure == ACT_F_ROOT_NOT_TRUSTED;
    if (recipe->failure == ACTIVATION_NO_FAILURE || is_found_when_chosen) {
        assert_int_equal(err, AMT_OK);
        assert_int_equal(problems.count, 0);
        assert_int_equal(choose(set, root), recipe->failure);
    } else if (!has_code(&problems, activation_failure_code(recipe->failure))) {
        fail_msg("%s: no %s", recipe->name, activation_failure_code(recipe->failure));
    }
    amt_diag_list_fini(&problems);
    activation_certificates_free(set);
}

static void each_certificate_is_wrong_in_the_way_it_says(void **state)
{
    (void)state;
    X509 *root = load("root.pem");
    uint32_t checked = 0;
    for (uint32_t i = 0; k_pki_recipes[i].name != NULL; i++) {
        if (k_pki_recipes[i].kind == PKI_PROVISIONING) {
            check_recipe(&k_pki_recipes[i], root);
            checked += 1;
        }
    }
    assert_true(checked >= 19);
    X509_free(root);
}

static void all_forms_of_the_right_one_load_and_the_others_do_not(void **state)
{
    static const struct {
        const char *file, *code;
    } k_forms[] = { { "leaf.pfx", NULL },
                    { "leaf-legacy.pfx", NULL },
                    { "leaf-reversed.pfx", NULL },
                    { "leaf-noroot.pfx", "ACT-F-17" },
                    { "leaf-alone.pfx", "ACT-F-02" } };
    (void)state;
    for (size_t i = 0; i < sizeof k_forms / sizeof k_forms[0]; i++) {
        char path[PATH_MAX_];
        struct amt_diag_list problems = { NULL, 0, 0 };
        (void)snprintf(path, sizeof path, "%s/%s", s_folder, k_forms[i].file);
        struct activation_certificate_source source = { .label = "x",
                                                        .pfx_path = path,
                                                        .pfx_password = "P@ssw0rd" };
        struct activation_certificates *set = activation_certificates_new();
        enum amt_err err = activation_certificates_load(set, &source, NOW_S, &problems);
        assert_int_equal(err, k_forms[i].code == NULL ? AMT_OK : AMT_ECERT);
        assert_true(k_forms[i].code == NULL || has_code(&problems, k_forms[i].code));
        amt_diag_list_fini(&problems);
        activation_certificates_free(set);
    }
}

/* The lines for MeshCentral's configuration load by MeshCentral's rules. */
static void the_lines_for_meshcentral_load_the_right_one(void **state)
{
    char path[PATH_MAX_];
    (void)state;
    struct activation_config *config = amt_alloc(sizeof *config);
    struct amt_diag_list problems = { NULL, 0, 0 };
    activation_config_init(config);
    (void)snprintf(path, sizeof path, "%s/meshcentral.json", s_folder);
    assert_int_equal(meshcentral_config_read(path, "", config, &problems), AMT_OK);
    config->has_own_root = false;
    const struct mps_config mps = { .name = NULL };
    struct activation_certificates *set =
        activation_config_certificates(config, &mps, NOW_S, &problems);
    assert_int_equal(problems.count, 0);
    assert_int_equal(activation_certificates_count(set), 1);
    assert_string_equal(activation_certificates_at(set, 0)->name, "example.com");
    X509 *root = load("root.pem");
    assert_int_equal(choose(set, root), ACTIVATION_NO_FAILURE);
    X509_free(root);
    activation_certificates_free(set);
    activation_config_fini(config);
    amt_free(config);
}

static int run(char *const *words, int count)
{
    void *options = amt_alloc(k_command_pki.options_bytes);
    char *rest[8];
    int rest_count = 0;
    char *argv[8];
    for (int i = 0; i < count; i++) {
        argv[i] = words[i];
    }
    FILE *nowhere = fopen("/dev/null", "we");
    int result = cli_parse(&k_command_pki, count, argv, options, rest, &rest_count, nowhere);
    if (result < 0) {
        result = k_command_pki.run(options, rest_count, rest);
    }
    (void)fclose(nowhere);
    cli_options_fini(&k_command_pki, options);
    amt_free(options);
    return result;
}

static void the_command_says_what_is_wrong(void **state)
{
    char domain[] = "--domain=a b";
    char out[] = "--out=/nonexistent/folder";
    char secret[] = "--password-file=/nonexistent/file";
    char list[] = "--list";
    char odd[] = "--odd";
    char *const k_domain[] = { domain };
    char *const k_out[] = { out };
    char *const k_secret[] = { secret };
    char *const k_list[] = { list };
    char *const k_odd[] = { odd };
    (void)state;
    assert_int_equal(run(k_domain, 1), CLI_USAGE);
    assert_int_equal(run(k_out, 1), CLI_ENVIRONMENT);
    assert_int_equal(run(k_secret, 1), CLI_ENVIRONMENT);
    assert_int_equal(run(k_list, 1), CLI_OK);
    assert_int_equal(run(k_odd, 1), CLI_USAGE);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(one_seed_gives_the_same_bytes),
        cmocka_unit_test(openssl_takes_and_refuses_what_it_should),
        cmocka_unit_test(servers_and_devices_stand_under_the_tls_root),
        cmocka_unit_test(each_certificate_is_wrong_in_the_way_it_says),
        cmocka_unit_test(all_forms_of_the_right_one_load_and_the_others_do_not),
        cmocka_unit_test(the_lines_for_meshcentral_load_the_right_one),
        cmocka_unit_test(the_command_says_what_is_wrong),
    };
    return cmocka_run_group_tests(k_tests, set_up, tear_down);
}
