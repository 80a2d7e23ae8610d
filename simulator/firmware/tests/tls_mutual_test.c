/* Mutual authentication: who may connect to a device (wsman.md 4.10), with real handshakes. */
#include <string.h>

#include "simulator/firmware/provisioning_internal.h"
#include "tls_rig.h"

static void mutual_tls_accepts_consoles_of_trusted_roots_only(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL));
    tls_rig_make_mutual(&f);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL));
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.stranger));
    assert_true(tls_rig_accepts(&f, FIRMWARE_LOCAL, NULL)); /* its own setting */
    keys_fixture_fini(&f);
}

static void mutual_tls_needs_a_trusted_root(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    assert_int_equal(tls_rig_put(&f, TLS_RIG_NETWORK, "MutualAuthentication", true), WSMAN_OK);
    assert_int_equal(tls_settings_commit(f.firmware), PT_DATA_MISSING);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL));
    tls_rig_make_mutual(&f);
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, NULL));
    keys_fixture_fini(&f);
}

static void trusted_names_act_at_once(void **state)
{
    (void)state;
    static const char *const k_domain[] = { "other.test", "lab.test", NULL };
    static const char *const k_other[] = { "other.test", NULL };
    static const char *const k_clear[] = { "", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    tls_rig_make_mutual(&f);
    assert_int_equal(tls_rig_put_names(&f, k_other), WSMAN_OK);
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_int_equal(tls_rig_put_names(&f, k_domain), WSMAN_OK);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    assert_string_equal(tls_rig_get(&f, TLS_RIG_NETWORK, "TrustedCN"), "other.test");
    assert_int_equal(tls_rig_put_names(&f, k_clear), WSMAN_OK);
    assert_null(tls_rig_get(&f, TLS_RIG_NETWORK, "TrustedCN"));
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console));
    keys_fixture_fini(&f);
}

static uint32_t add_crl(struct keys_fixture *f, const char *url, const char *const *serials)
{
    struct wsman_instance *in = keys_input(f);
    wsman_set(in, "Url", url);
    for (size_t i = 0; serials[i] != NULL; i++) {
        wsman_add(in, "SerialNumbers", serials[i]);
    }
    return keys_call(f, "AddCRL", in);
}

/* AMT_CRL */
static void a_revoked_console_is_refused(void **state)
{
    (void)state;
    static const char k_url[] = "http://pki.lab.test/crl";
    static const char *const k_serials[] = { "01", "00aB", NULL };
    struct pki_identity *revoked = keys_issue_console(0xab, "URI:http://pki.lab.test/crl");
    struct pki_identity *other = keys_issue_console(0xac, "URI:http://pki.lab.test/crl");
    struct pki_identity *elsewhere = keys_issue_console(0xab, "URI:http://pki.lab.test/crl2");
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    tls_rig_enable(&f);
    tls_rig_make_mutual(&f);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_int_equal(add_crl(&f, k_url, k_serials), PT_SUCCESS);
    assert_string_equal(keys_made(&f, "CRL"), "Intel(r) AMT CRL: Handle: 0");
    assert_false(tls_rig_accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, other));
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, elsewhere));
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, keys_pki.console)); /* names no list */
    json_t *saved = k_keys_part.save(f.firmware);
    assert_int_equal(keys_call(&f, "ResetCRLList", keys_input(&f)), PT_SUCCESS);
    assert_true(tls_rig_accepts(&f, FIRMWARE_NETWORK, revoked));
    assert_null(keys_list(&f, "AMT_CRL"));
    struct keys_fixture g;
    keys_fixture_init(&g, 1200);
    assert_int_equal(k_keys_part.load(g.firmware, saved, NULL), AMT_OK);
    struct wsman_instance *shown = keys_list(&g, "AMT_CRL");
    assert_string_equal(wsman_get(shown, "Url"), k_url);
    assert_string_equal(wsman_get_values(shown, "SerialNumbers")->next->text, "00aB");
    assert_int_equal(keys_delete(&g, "AMT_CRL", "Intel(r) AMT CRL: Handle: 0"), WSMAN_OK);
    assert_null(keys_list(&g, "AMT_CRL"));
    json_decref(saved);
    keys_fixture_fini(&g);
    keys_fixture_fini(&f);
    pki_identity_free(revoked);
    pki_identity_free(other);
    pki_identity_free(elsewhere);
}

static void a_bad_list_of_revoked_certificates_is_refused(void **state)
{
    (void)state;
    static const char *const k_good[] = { "1", NULL };
    static const char *const k_none[] = { NULL };
    static const char *const k_no_number[] = { "1", "0x2", NULL };
    static const char *const k_long[] = { "12345678901234567890123456789012345678901", NULL };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(add_crl(&f, "http://a", k_none), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "", k_good), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_no_number), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_long), PT_INVALID_PARAMETER);
    assert_int_equal(add_crl(&f, "http://a", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://a", k_good), PT_DUPLICATE);
    assert_int_equal(add_crl(&f, "http://b", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://c", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://d", k_good), PT_SUCCESS);
    assert_int_equal(add_crl(&f, "http://e", k_good), PT_MAX_LIMIT_REACHED);
    k_keys_part.unprovision(f.firmware, false);
    assert_null(keys_list(&f, "AMT_CRL"));
    f.firmware->provisioning->state = PROVISIONING_PRE;
    (void)add_crl(&f, "http://a", k_good);
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    keys_fixture_fini(&f);
}

static void bad_trusted_names_are_refused(void **state)
{
    (void)state;
    static const char *const k_many[] = { "a", "b", "c", "d", "e", NULL };
    static const char *const k_four[] = { "a", "b", "c", "d", NULL };
    static const char *const k_empty[] = { "a", "", NULL };
    static const char *const k_long[] = {
        "a234567890123456789012345678901234567890123456789012345678901234", NULL
    };
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_int_equal(tls_rig_put_names(&f, k_many), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(tls_rig_put_names(&f, k_empty), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(tls_rig_put_names(&f, k_long), WSMAN_INVALID_REPRESENTATION);
    assert_int_equal(tls_rig_put_names(&f, k_four), WSMAN_OK);
    keys_fixture_fini(&f);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(mutual_tls_accepts_consoles_of_trusted_roots_only),
        cmocka_unit_test(mutual_tls_needs_a_trusted_root),
        cmocka_unit_test(trusted_names_act_at_once),
        cmocka_unit_test(a_revoked_console_is_refused),
        cmocka_unit_test(a_bad_list_of_revoked_certificates_is_refused),
        cmocka_unit_test(bad_trusted_names_are_refused),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
