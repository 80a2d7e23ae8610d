/* The hashes of trusted roots: activation.md 2.5, wsman.md 4.2. */
#include <string.h>

#include "keys_fixture.h"
#include "simulator/firmware/provisioning_internal.h"

static const char k_class[] = "AMT_ProvisioningCertificateHash";
/* SHA-256 of the Go Daddy Class 2 CA, the first of every list; and its SHA-1. */
static const uint8_t k_go_daddy[] = { 0xc3, 0x84, 0x6b, 0xf2, 0x4b, 0x9e, 0x93, 0xca };
static const uint8_t k_go_daddy_sha1[] = { 0x27, 0x96, 0xba, 0xe6 };

static bool has(const struct firmware *firmware, enum keys_hash_type type, uint8_t first,
                uint8_t second)
{
    struct keys_hash hash;
    for (uint32_t at = 0; keys_hash_at(firmware, at, &hash); at++) {
        if (hash.type == type && hash.bytes[0] == first && hash.bytes[1] == second) {
            return true;
        }
    }
    return false;
}

static uint32_t count_type(const struct firmware *firmware, enum keys_hash_type type)
{
    struct keys_hash hash;
    uint32_t count = 0;
    for (uint32_t at = 0; keys_hash_at(firmware, at, &hash); at++) {
        count += hash.type == type;
    }
    return count;
}

static void the_list_of_a_release_is_that_of_its_captures(void **state)
{
    (void)state;
    static const struct {
        uint32_t release, sha1, sha256;
        bool has_verisign_g1, has_digicert_g3;
    } k_cases[] = {
        { 600, 6, 14, true, false },  { 700, 6, 16, true, false },
        { 1000, 6, 16, true, false }, { 1100, 0, 16, true, false },
        { 1180, 0, 28, true, true },  { 1200, 0, 23, false, true }, /* the one complete sample */
        { 1900, 0, 23, false, true },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, k_cases[i].release);
        assert_int_equal(count_type(f.firmware, KEYS_HASH_SHA1), k_cases[i].sha1);
        assert_int_equal(count_type(f.firmware, KEYS_HASH_SHA256), k_cases[i].sha256);
        assert_int_equal(has(f.firmware, KEYS_HASH_SHA256, 0xe7, 0x68), k_cases[i].has_verisign_g1);
        assert_int_equal(has(f.firmware, KEYS_HASH_SHA256, 0x31, 0xad), k_cases[i].has_digicert_g3);
        keys_fixture_fini(&f);
    }
}

static void the_profile_says_which_algorithms_there_are(void **state)
{
    (void)state;
    struct keys_fixture f;
    struct keys_hash hash;
    keys_fixture_init(&f, 1000);
    f.profile->config.hash_algorithms.count = 1; /* sha1 */
    assert_true(keys_hash_at(f.firmware, 0, &hash));
    assert_int_equal(hash.type, KEYS_HASH_SHA1);
    assert_int_equal(hash.len, 20);
    assert_memory_equal(hash.bytes, k_go_daddy_sha1, sizeof k_go_daddy_sha1);
    assert_int_equal(count_type(f.firmware, KEYS_HASH_SHA256), 0);
    keys_fixture_fini(&f);
}

static void an_entry_shows_what_it_is(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    struct wsman_instance *shown = keys_list(&f, k_class);
    size_t len = 0;
    const uint8_t *bytes = wsman_get_base64(shown, "HashData", &len);
    assert_int_equal(len, 32);
    assert_memory_equal(bytes, k_go_daddy, sizeof k_go_daddy);
    assert_string_equal(wsman_get(shown, "HashType"), "2");
    assert_string_equal(wsman_get(shown, "Enabled"), "true");
    assert_string_equal(wsman_get(shown, "IsDefault"), "true");
    assert_string_equal(wsman_get(shown, "Description"), "Go Daddy Class 2 CA");
    assert_string_equal(wsman_get(shown, "InstanceID"), "Certificate Hash 1");
    assert_int_equal(keys_count(&f, k_class), 23);
    keys_fixture_fini(&f);
}

/* As MeshCMD sends it: an empty InstanceID. */
static struct wsman_instance *entry(struct keys_fixture *f, const char *name, uint64_t type,
                                    const void *bytes, size_t len)
{
    struct wsman_instance *instance = wsman_instance_new(&f->arena, k_class);
    wsman_set(instance, "Description", name);
    wsman_set_bool(instance, "Enabled", true);
    wsman_set_base64(instance, "HashData", bytes, len);
    wsman_set_u64(instance, "HashType", type);
    wsman_set_bool(instance, "IsDefault", false);
    wsman_set(instance, "InstanceID", "");
    return instance;
}

static const struct wsman_ref *create_for(struct keys_fixture *f, X509 *root)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    assert_int_equal(X509_digest(root, EVP_sha256(), digest, &len), 1);
    return keys_create(f, entry(f, "Lab", 2, digest, len));
}

static void a_users_root_is_trusted_until_it_is_deleted(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    X509 *root = pki_certificate(keys_pki.root);
    struct keys_hash hash;
    assert_false(keys_hash_of_root(f.firmware, root, &hash));
    const struct wsman_ref *made = create_for(&f, root);
    assert_string_equal(wsman_ref_selector(made, "InstanceID"), "Certificate Hash 21");
    assert_true(keys_hash_of_root(f.firmware, root, &hash));
    assert_string_equal(hash.name, "Lab");
    assert_false(hash.is_default);
    assert_false(keys_hash_of_root(f.firmware, pki_certificate(keys_pki.other_root), &hash));
    assert_int_equal(keys_count(&f, k_class), 24);
    k_keys_part.unprovision(f.firmware, false); /* wsman.md 5.3: it stays */
    assert_true(keys_hash_of_root(f.firmware, root, &hash));
    assert_int_equal(hash.handle, 20);
    assert_int_equal(keys_delete(&f, k_class, "Certificate Hash 21"), WSMAN_OK);
    assert_false(keys_hash_of_root(f.firmware, root, &hash));
    keys_fixture_fini(&f);
}

static void each_algorithm_finds_its_root(void **state)
{
    (void)state;
    static const enum keys_hash_type k_types[] = { KEYS_HASH_SHA1, KEYS_HASH_SHA256,
                                                   KEYS_HASH_SHA384 };
    const EVP_MD *digests[] = { EVP_sha1(), EVP_sha256(), EVP_sha384() };
    X509 *root = pki_certificate(keys_pki.root);
    for (int i = 0; i < 3; i++) {
        struct keys_fixture f;
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        struct keys_hash hash;
        keys_fixture_init(&f, 1200);
        assert_int_equal(X509_digest(root, digests[i], digest, &len), 1);
        assert_int_equal(keys_hash_add(f.firmware, "Lab", k_types[i], digest), AMT_OK);
        assert_true(keys_hash_of_root(f.firmware, root, &hash));
        assert_int_equal(hash.type, k_types[i]);
        assert_int_equal(hash.len, len);
        assert_false(keys_hash_of_root(f.firmware, pki_certificate(keys_pki.middle), &hash));
        keys_fixture_fini(&f);
    }
}

static void the_users_places_are_behind_the_first_twenty(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    (void)create_for(&f, pki_certificate(keys_pki.root));
    (void)create_for(&f, pki_certificate(keys_pki.other_root));
    struct keys_hash hash;
    assert_true(keys_hash_at(f.firmware, 19, &hash) && hash.is_default);
    assert_true(keys_hash_at(f.firmware, 20, &hash) && !hash.is_default);
    assert_true(keys_hash_at(f.firmware, 21, &hash) && !hash.is_default);
    assert_true(keys_hash_at(f.firmware, 22, &hash) && hash.is_default);
    assert_false(keys_hash_at(f.firmware, 25, &hash));
    keys_fixture_fini(&f);
}

static void an_entry_is_added_once_and_three_times_at_most(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    assert_non_null(create_for(&f, pki_certificate(keys_pki.root)));
    assert_null(create_for(&f, pki_certificate(keys_pki.root)));
    assert_int_equal(f.call.fault, WSMAN_ALREADY_EXISTS);
    struct keys_hash built_in;
    assert_true(keys_hash_at(f.firmware, 0, &built_in));
    assert_null(keys_create(&f, entry(&f, "again", 2, built_in.bytes, 32)));
    assert_int_equal(f.call.fault, WSMAN_ALREADY_EXISTS);
    assert_non_null(create_for(&f, pki_certificate(keys_pki.other_root)));
    assert_non_null(create_for(&f, pki_certificate(keys_pki.middle)));
    assert_null(create_for(&f, pki_certificate(keys_pki.leaf)));
    assert_int_equal(f.call.fault, WSMAN_QUOTA_LIMIT);
    keys_fixture_fini(&f);
}

static void a_bad_entry_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t type;
        size_t len;
        uint32_t release;
        bool works;
    } k_cases[] = {
        { "MD5", 0, 16, 1200, false },     { "SHA-1", 1, 20, 1200, true },
        { "SHA-1", 1, 20, 1600, false },   { "SHA-256", 2, 32, 1600, true },
        { "SHA-256", 2, 20, 1600, false }, { "SHA-256", 1, 32, 1200, false },
        { "", 2, 32, 1200, false },        { "SHA-384", 3, 48, 1100, false },
        { "SHA-384", 3, 48, 1200, true },  { "what", 4, 32, 1600, false },
    };
    static const uint8_t k_bytes[48] = { 1, 2, 3 };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct keys_fixture f;
        keys_fixture_init(&f, k_cases[i].release);
        const struct wsman_ref *made =
            keys_create(&f, entry(&f, k_cases[i].name, k_cases[i].type, k_bytes, k_cases[i].len));
        assert_int_equal(made != NULL, k_cases[i].works);
        assert_int_equal(f.call.fault, k_cases[i].works ? WSMAN_OK : WSMAN_INVALID_REPRESENTATION);
        keys_fixture_fini(&f);
    }
}

static void a_built_in_root_can_be_switched_off_but_not_deleted(void **state)
{
    (void)state;
    struct keys_fixture f;
    struct keys_fixture g;
    keys_fixture_init(&f, 1200);
    keys_fixture_init(&g, 1200);
    assert_int_equal(keys_delete(&f, k_class, "Certificate Hash 2"), WSMAN_ACCESS_DENIED);
    struct wsman_instance *off = keys_input(&f);
    wsman_set_bool(off, "Enabled", false);
    assert_int_equal(keys_put(&f, k_class, "Certificate Hash 2", off), WSMAN_OK);
    (void)create_for(&f, pki_certificate(keys_pki.root));
    assert_int_equal(keys_put(&f, k_class, "Certificate Hash 21", off), WSMAN_OK);
    json_t *saved = k_keys_part.save(f.firmware);
    assert_int_equal(k_keys_part.load(g.firmware, saved, NULL), AMT_OK);
    json_decref(saved);
    struct keys_fixture *both[] = { &f, &g };
    for (int i = 0; i < 2; i++) {
        struct keys_hash hash;
        assert_true(keys_hash_at(both[i]->firmware, 0, &hash) && hash.is_active);
        assert_true(keys_hash_at(both[i]->firmware, 1, &hash) && !hash.is_active);
        assert_true(keys_hash_at(both[i]->firmware, 20, &hash) && !hash.is_active);
        assert_false(keys_hash_of_root(both[i]->firmware, pki_certificate(keys_pki.root), &hash));
    }
    struct wsman_instance *on = keys_input(&g);
    wsman_set_bool(on, "Enabled", true);
    assert_int_equal(keys_put(&g, k_class, "Certificate Hash 2", on), WSMAN_OK);
    assert_int_equal(keys_put(&g, k_class, "Certificate Hash 21", on), WSMAN_OK);
    struct keys_hash hash;
    assert_true(keys_hash_of_root(g.firmware, pki_certificate(keys_pki.root), &hash));
    assert_true(keys_hash_at(g.firmware, 1, &hash) && hash.is_active);
    firmware_reset(f.firmware); /* back to the factory */
    assert_int_equal(keys_count(&f, k_class), 23);
    assert_true(keys_hash_at(f.firmware, 1, &hash) && hash.is_active);
    keys_fixture_fini(&g);
    keys_fixture_fini(&f);
}

/* wsman.md 5.2 */
static void before_provisioning_the_list_is_read_only(void **state)
{
    (void)state;
    struct keys_fixture f;
    keys_fixture_init(&f, 1200);
    f.firmware->provisioning->state = PROVISIONING_PRE;
    assert_null(create_for(&f, pki_certificate(keys_pki.root)));
    assert_int_equal(f.call.fault, WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_count(&f, k_class), 23);
    struct wsman_instance *off = keys_input(&f);
    wsman_set_bool(off, "Enabled", false);
    assert_int_equal(keys_put(&f, k_class, "Certificate Hash 1", off), WSMAN_ACCESS_DENIED);
    assert_int_equal(keys_delete(&f, k_class, "Certificate Hash 1"), WSMAN_ACCESS_DENIED);
    struct keys_hash hash;
    assert_true(keys_hash_at(f.firmware, 0, &hash) && hash.is_active);
    /* but MEBx and a USB key write it */
    static const uint8_t k_bytes[32] = { 1, 2, 3 };
    assert_int_equal(keys_hash_add(f.firmware, "USB", KEYS_HASH_SHA256, k_bytes), AMT_OK);
    assert_int_equal(keys_count(&f, k_class), 24);
    keys_fixture_fini(&f);
}

int main(void)
{
    static const struct CMUnitTest k_tests[] = {
        cmocka_unit_test(the_list_of_a_release_is_that_of_its_captures),
        cmocka_unit_test(the_profile_says_which_algorithms_there_are),
        cmocka_unit_test(an_entry_shows_what_it_is),
        cmocka_unit_test(a_users_root_is_trusted_until_it_is_deleted),
        cmocka_unit_test(each_algorithm_finds_its_root),
        cmocka_unit_test(the_users_places_are_behind_the_first_twenty),
        cmocka_unit_test(an_entry_is_added_once_and_three_times_at_most),
        cmocka_unit_test(a_bad_entry_is_refused),
        cmocka_unit_test(a_built_in_root_can_be_switched_off_but_not_deleted),
        cmocka_unit_test(before_provisioning_the_list_is_read_only),
    };
    return cmocka_run_group_tests(k_tests, keys_make_pki, keys_free_pki);
}
