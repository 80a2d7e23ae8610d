/* The server's own root and certificate: apf.md 6.3, FF-026. */
#include "mps/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"

#define WALL_US UINT64_C(1767225600000000) /* 2026-01-01 */

static const char *const k_files[] = { "root.crt", "root.key", "mps.crt", "mps.key" };

struct place {
    struct mps_config config;
    char directory[64];
    struct amt_diag diag;
};

static void begin(struct place *p)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->directory, sizeof p->directory, "/tmp/amtlab-certificates-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    assert_int_equal(config_read(mps_config_keys, NULL, "test", &p->config, NULL), AMT_OK);
    assert_int_equal(config_set(mps_config_keys, "key", "p256", &p->config, NULL), AMT_OK);
    assert_int_equal(config_set(mps_config_keys, "name", "mps.lab.test", &p->config, NULL), AMT_OK);
    assert_int_equal(config_set(mps_config_keys, "data", p->directory, &p->config, NULL), AMT_OK);
}

static void path_of(const struct place *p, const char *file, char out[static 128])
{
    (void)snprintf(out, 128, "%s/%s", p->directory, file);
}

static void end(struct place *p)
{
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        path_of(p, k_files[i], path);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->directory), 0);
    config_fini(mps_config_keys, &p->config);
}

/* Fingerprint of what the server would use, or "" when it would not start. */
static void get(struct place *p, uint64_t wall_us, char print[static 65])
{
    struct pki_identity *identity = mps_certificates(&p->config, wall_us, NULL, &p->diag);
    print[0] = '\0';
    if (identity != NULL) {
        pki_fingerprint(identity, print);
        assert_true(pki_has_name(identity, p->config.name)); /* APF-MPS-006 */
    }
    pki_identity_free(identity);
}

static void read_file(const struct place *p, const char *file, char out[static 4096])
{
    char path[128];
    path_of(p, file, path);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    out[fread(out, 1, 4095, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

static void the_first_start_makes_four_files_and_the_next_uses_them(void **state)
{
    (void)state;
    struct place p;
    char first[65], second[65], path[128];
    struct stat status;
    begin(&p);
    get(&p, WALL_US, first);
    assert_int_equal(strlen(first), 64);
    for (size_t i = 0; i < 4; i++) {
        path_of(&p, k_files[i], path);
        assert_int_equal(stat(path, &status), 0);
        if (strstr(k_files[i], ".key") != NULL) {
            assert_int_equal(status.st_mode & 0777, 0600);
        }
    }
    get(&p, WALL_US, second);
    assert_string_equal(first, second);
    end(&p);
}

static void without_a_data_directory_nothing_is_stored(void **state)
{
    (void)state;
    struct place p;
    char print[65];
    begin(&p);
    amt_free(p.config.data);
    p.config.data = NULL;
    get(&p, WALL_US, print);
    assert_int_equal(strlen(print), 64);
    end(&p);
}

/* FF-025, FF-026: the certificate follows the configuration, the root stays */
static void what_no_longer_fits_is_made_anew_under_the_same_root(void **state)
{
    static const char *const k_changes[][2] = { { "name", "other.lab.test" },
                                                { "names", "[192.0.2.1, second.lab.test]" },
                                                { "key", "rsa2048" } };
    (void)state;
    struct place p;
    char before[65], after[65], again[65];
    static char root[4096], root_after[4096];
    begin(&p);
    get(&p, WALL_US, before);
    read_file(&p, "root.crt", root);
    for (size_t i = 0; i < sizeof k_changes / sizeof k_changes[0]; i++) {
        assert_int_equal(
            config_set(mps_config_keys, k_changes[i][0], k_changes[i][1], &p.config, NULL), AMT_OK);
        get(&p, WALL_US, after);
        assert_int_equal(strlen(after), 64);
        assert_string_not_equal(before, after);
        get(&p, WALL_US, again);
        assert_string_equal(after, again);
        memcpy(before, after, sizeof before);
    }
    read_file(&p, "root.crt", root_after);
    assert_string_equal(root, root_after);
    end(&p);
}

/* FF-028 */
static void a_certificate_is_renewed_a_month_before_its_end(void **state)
{
    const uint64_t day_us = UINT64_C(86400000000);
    const uint64_t end_us = UINT64_C(2524607999000000); /* 2049-12-31 */
    (void)state;
    struct place p;
    char before[65], print[65];
    begin(&p);
    get(&p, WALL_US, before);
    get(&p, end_us - 40 * day_us, print);
    assert_string_equal(before, print);
    get(&p, end_us - 20 * day_us, print);
    assert_string_not_equal(before, print);
    end(&p);
}

/* FF-026: a new root would lock every device out, so it is never made by accident */
static void half_a_root_is_an_error_that_says_what_to_do(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        struct place p;
        char path[128], print[65];
        begin(&p);
        get(&p, WALL_US, print);
        path_of(&p, k_files[half], path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(config_set(mps_config_keys, "name", "new.test", &p.config, NULL), AMT_OK);
        get(&p, WALL_US, print);
        assert_string_equal(print, "");
        assert_int_equal(p.diag.err, AMT_ECERT);
        assert_non_null(strstr(p.diag.text, path));
        assert_non_null(strstr(p.diag.hint, "backup"));
        end(&p);
    }
}

static void a_spoiled_file_is_named(void **state)
{
    (void)state;
    struct place p;
    char path[128], print[65];
    begin(&p);
    get(&p, WALL_US, print);
    path_of(&p, "mps.crt", path);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs("no certificate", f) >= 0);
    assert_int_equal(fclose(f), 0);
    get(&p, WALL_US, print);
    assert_string_equal(print, "");
    assert_non_null(strstr(p.diag.text, path));
    end(&p);
}

static void save_foreign(const struct place *p, const char *name, char print[static 65])
{
    const struct pki_request request = { .common_name = name, .key = PKI_P256, .for_server = true };
    struct pki_identity *foreign = pki_issue(&request, NULL, NULL);
    char cert[128], key[128];
    assert_non_null(foreign);
    path_of(p, "mps.crt", cert);
    path_of(p, "mps.key", key);
    assert_int_equal(pki_save(foreign, cert, key, NULL), AMT_OK);
    pki_fingerprint(foreign, print);
    pki_identity_free(foreign);
}

static void anothers_certificate_is_used_while_it_fits_and_never_overwritten(void **state)
{
    (void)state;
    for (int has_root = 0; has_root < 2; has_root++) {
        struct place p;
        char print[65], foreign[65], before[4096], after[4096];
        begin(&p);
        if (has_root) {
            get(&p, WALL_US, print);
        }
        save_foreign(&p, "mps.lab.test", foreign);
        get(&p, WALL_US, print);
        assert_string_equal(print, foreign);
        save_foreign(&p, "elsewhere.test", foreign);
        read_file(&p, "mps.crt", before);
        get(&p, WALL_US, print);
        assert_string_equal(print, "");
        assert_non_null(strstr(p.diag.text, "the MPS name has changed"));
        assert_int_not_equal(p.diag.hint[0], '\0');
        read_file(&p, "mps.crt", after);
        assert_string_equal(before, after);
        end(&p);
    }
}

static void a_directory_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    struct place p;
    char print[65];
    begin(&p);
    assert_int_equal(config_set(mps_config_keys, "data", "/proc/amtlab-none/data", &p.config, NULL),
                     AMT_OK);
    get(&p, WALL_US, print);
    assert_string_equal(print, "");
    assert_non_null(strstr(p.diag.text, "/proc/amtlab-none/data"));
    assert_int_not_equal(p.diag.hint[0], '\0');
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_start_makes_four_files_and_the_next_uses_them),
        cmocka_unit_test(without_a_data_directory_nothing_is_stored),
        cmocka_unit_test(what_no_longer_fits_is_made_anew_under_the_same_root),
        cmocka_unit_test(a_certificate_is_renewed_a_month_before_its_end),
        cmocka_unit_test(half_a_root_is_an_error_that_says_what_to_do),
        cmocka_unit_test(a_spoiled_file_is_named),
        cmocka_unit_test(anothers_certificate_is_used_while_it_fits_and_never_overwritten),
        cmocka_unit_test(a_directory_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
