/* ACT-SRV-030 to 033: nothing is activated that is not in the log; the log tells the passwords again. */
#include "mps/activation/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

struct place {
    char dir[32], path[64];
};

static void place_init(struct place *place)
{
    (void)snprintf(place->dir, sizeof place->dir, "/tmp/amtlab-log-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    (void)snprintf(place->path, sizeof place->path, "%s/activation.log", place->dir);
}

static void place_fini(const struct place *place)
{
    (void)unlink(place->path);
    (void)rmdir(place->dir);
}

static enum amt_err append(struct activation_log *log, const char *password, struct amt_diag *diag)
{
    struct secret secret = { .len = 0 };
    assert_int_equal(secret_set(&secret, password, (uint32_t)strlen(password)), AMT_OK);
    struct activation_log_entry entry = { .time_ms = 1704067200000u,
                                          .action = ACTIVATION_ACM,
                                          .realm = "Digest:0123456789ABCDEF0123456789ABCDEF",
                                          .fqdn = "corp.example.com",
                                          .user = "admin",
                                          .password = &secret,
                                          .certificate_hash = "6dbed506",
                                          .hash_type = "sha256",
                                          .peer = "192.0.2.10:50000",
                                          .group = "mesh//EXAMPLE",
                                          .host_name = "lab-01" };
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &entry.uuid), AMT_OK);
    return activation_log_append(log, &entry, diag);
}

static void read_file(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    out[fread(out, 1, cap - 1, file)] = '\0';
    (void)fclose(file);
}

/* The line of MeshCentral, but for what only MeshCentral knows (node id). */
static void test_line(void **state)
{
    struct place place;
    struct activation_log *log;
    struct amt_diag diag = { .err = AMT_OK };
    struct stat status;
    char content[2048];
    (void)state;
    place_init(&place);
    assert_int_equal(activation_log_open(place.path, NULL, &log, &diag), AMT_OK);
    assert_int_equal(append(log, "P@ssw0rd", &diag), AMT_OK);
    read_file(place.path, content, sizeof content);
    assert_string_equal(
        content,
        "{\"time\":\"2024-01-01T00:00:00.000Z\",\"action\":\"acmactivate\",\"domain\":\"\","
        "\"amtUuid\":\"12345678-9abc-def0-1234-56789abcdef0\",\"certHash\":\"6dbed506\","
        "\"hashType\":\"sha256\",\"amtRealm\":\"Digest:0123456789ABCDEF0123456789ABCDEF\","
        "\"amtFqdn\":\"corp.example.com\",\"user\":\"admin\",\"password\":\"P@ssw0rd\","
        "\"ipport\":\"192.0.2.10:50000\",\"nodeid\":\"12345678-9abc-def0-1234-56789abcdef0\","
        "\"meshid\":\"mesh//EXAMPLE\",\"computerName\":\"lab-01\",\"agentId\":0}\r\n");
    assert_int_equal(stat(place.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    activation_log_close(log);
    place_fini(&place);
}

static void test_passwords_come_back(void **state)
{
    struct place place;
    struct activation_log *log;
    struct amt_diag diag = { .err = AMT_OK };
    struct secret passwords[3];
    struct uuid uuid;
    uint32_t count = 0;
    (void)state;
    place_init(&place);
    assert_int_equal(activation_log_open(place.path, NULL, &log, &diag), AMT_OK);
    static const char *const k_used[] = { "One+1one", "Two+2two", "One+1one", "Three+3t",
                                          "Four+4fo" };
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(append(log, k_used[i], &diag), AMT_OK);
    }
    activation_log_close(log);
    FILE *file = fopen(place.path, "a");
    assert_non_null(file);
    (void)fputs("not json\n{\"amtUuid\":\n", file); /* damaged lines are passed over */
    (void)fclose(file);
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &uuid), AMT_OK);
    assert_int_equal(activation_log_passwords(place.path, &uuid, passwords, &count, &diag), AMT_OK);
    assert_int_equal(count, 3);
    assert_true(secret_equal(&passwords[0], (const uint8_t *)"Four+4fo", 8));
    assert_true(secret_equal(&passwords[1], (const uint8_t *)"Three+3t", 8));
    assert_true(secret_equal(&passwords[2], (const uint8_t *)"One+1one", 8));
    place_fini(&place);
}

/* A server that died in the middle of a line does not take the next password with it. */
static void test_a_line_cut_short_stays_alone(void **state)
{
    struct place place;
    struct activation_log *log;
    struct amt_diag diag = { .err = AMT_OK };
    struct secret passwords[3];
    struct uuid uuid;
    uint32_t count = 0;
    (void)state;
    place_init(&place);
    assert_int_equal(activation_log_open(place.path, NULL, &log, &diag), AMT_OK);
    assert_int_equal(append(log, "One+1one", &diag), AMT_OK);
    activation_log_close(log);
    struct stat status;
    assert_int_equal(stat(place.path, &status), 0);
    assert_int_equal(truncate(place.path, status.st_size - 20), 0);
    assert_int_equal(activation_log_open(place.path, NULL, &log, &diag), AMT_OK);
    assert_int_equal(append(log, "Two+2two", &diag), AMT_OK);
    assert_int_equal(append(log, "Three+3t", &diag), AMT_OK);
    activation_log_close(log);
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &uuid), AMT_OK);
    assert_int_equal(activation_log_passwords(place.path, &uuid, passwords, &count, &diag), AMT_OK);
    assert_int_equal(count, 2);
    assert_true(secret_equal(&passwords[0], (const uint8_t *)"Three+3t", 8));
    assert_true(secret_equal(&passwords[1], (const uint8_t *)"Two+2two", 8));
    place_fini(&place);
}

#define CERTS AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs/"

static void test_the_recipient_alone_opens_what_is_sealed(void **state)
{
    struct place place;
    struct activation_log *log;
    struct amt_diag diag = { .err = AMT_OK };
    struct secret passwords[3];
    struct uuid uuid;
    uint32_t count = 9;
    char content[16384];
    (void)state;
    place_init(&place);
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &uuid), AMT_OK);
    assert_int_equal(activation_log_open(place.path, CERTS "leaf.pem", &log, &diag), AMT_OK);
    assert_int_equal(append(log, "One+1one", &diag), AMT_OK);
    assert_int_equal(append(log, "Two+2two", &diag), AMT_OK);
    activation_log_close(log);
    read_file(place.path, content, sizeof content);
    assert_null(strstr(content, "+1one"));
    assert_int_equal(activation_log_passwords(place.path, &uuid, passwords, &count, &diag), AMT_OK);
    assert_int_equal(count, 0);
    assert_int_equal(activation_log_open_passwords(place.path, &uuid, CERTS "root.key", passwords,
                                                   &count, &diag),
                     AMT_OK);
    assert_int_equal(count, 0); /* another key */
    assert_int_equal(activation_log_open_passwords(place.path, &uuid, CERTS "leaf.key", passwords,
                                                   &count, &diag),
                     AMT_OK);
    assert_int_equal(count, 2);
    assert_true(secret_equal(&passwords[0], (const uint8_t *)"Two+2two", 8));
    assert_int_equal(activation_log_open_passwords(place.path, &uuid, CERTS "leaf.pem", passwords,
                                                   &count, &diag),
                     AMT_ECERT);
    place_fini(&place);
}

/* F46 */
static void test_what_cannot_be_written(void **state)
{
    struct place place;
    struct activation_log *log;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    place_init(&place);
    assert_int_equal(activation_log_open("/nowhere/activation.log", NULL, &log, &diag), AMT_ESYS);
    assert_null(log);
    assert_int_equal(activation_log_open(place.path, NULL, &log, &diag), AMT_OK);
    assert_int_equal(chmod(place.path, 0644), 0);
    assert_int_equal(append(log, "P@ssw0rd", &diag), AMT_EAUTH); /* others can read it */
    assert_int_equal(chmod(place.path, 0600), 0);
    assert_int_equal(append(log, "P@ssw0rd", &diag), AMT_OK);
    assert_int_equal(unlink(place.path), 0);
    assert_int_equal(append(log, "P@ssw0rd", &diag), AMT_ESYS); /* it would be lost */
    activation_log_close(log);
    place_fini(&place);
    assert_int_equal(activation_log_open("/dev/full", NULL, &log, &diag), AMT_ESYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line), cmocka_unit_test(test_passwords_come_back),
        cmocka_unit_test(test_a_line_cut_short_stays_alone),
        cmocka_unit_test(test_the_recipient_alone_opens_what_is_sealed),
        cmocka_unit_test(test_what_cannot_be_written)
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
