/* nftw and mkdtemp */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unit.h"
#include "mps/store/store_internal.h"

/* Each test has a data directory of its own below a fresh temporary one. */
struct fixture {
    char top[64], data[80];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    (void)snprintf(f->top, sizeof f->top, "%s", "/tmp/amtlab-store-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(f->data, sizeof f->data, "%s/data", f->top);
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)nftw(f->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static struct store *open_store(const struct fixture *f)
{
    struct amt_diag diag = { 0 };
    struct store *store = store_open(f->data, &diag);
    if (store == NULL) {
        fail_msg("store_open: %s", diag.text);
    }
    return store;
}

static struct uuid test_uuid(uint8_t last)
{
    struct uuid uuid = { { 0x4c, 0x4c, 0x45, 0x44 } };
    uuid.bytes[15] = last;
    return uuid;
}

static void add_group(struct store *store, const char *name, const char *user, const char *password)
{
    struct store_group group;
    struct secret plain = { 0 };
    struct secret given = { 0 };
    struct amt_diag diag = { 0 };
    assert_int_equal(secret_set(&given, password, (uint32_t)strlen(password)), AMT_OK);
    assert_int_equal(
        store_group_add(store, name, user, &given, STORE_GROUP_AMT, &group, &plain, &diag), AMT_OK);
}

static mode_t mode_of(const struct fixture *f, const char *name)
{
    char path[160];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", f->data, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void the_first_start_makes_private_files(void **state)
{
    struct fixture *f = *state;
    store_close(open_store(f));
    assert_int_equal(mode_of(f, "."), 0700);
    assert_int_equal(mode_of(f, "seal.key"), 0600);
    assert_int_equal(mode_of(f, "amtlab.db"), 0600);
}

static void a_group_credential_serves_unknown_devices_and_is_sealed_on_disk(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    add_group(store, "lab", "ABCDEFGHIJKLMNOP", "P@ssw0rd-unique");
    struct uuid uuid = test_uuid(1);
    struct secret password = { 0 };
    char group[65];
    assert_int_equal(store_credential(store, &uuid, "ABCDEFGHIJKLMNOP", &password, group, NULL),
                     AMT_OK);
    assert_true(secret_equal(&password, (const uint8_t *)"P@ssw0rd-unique", 15));
    assert_string_equal(group, "lab");
    assert_int_equal(store_credential(store, &uuid, "nobody", &password, group, NULL),
                     AMT_EUNKNOWN);
    store_close(store);

    char command[200];
    (void)snprintf(command, sizeof command, "grep -q P@ssw0rd-unique %s/*", f->data);
    assert_int_not_equal(system(command), 0); /* grep finds nothing */
}

static void a_generated_group_has_a_user_and_password_firmware_takes(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    struct store_group group;
    struct secret plain = { 0 };
    assert_int_equal(store_group_add(store, "a", NULL, NULL, STORE_GROUP_AMT, &group, &plain, NULL),
                     AMT_OK);
    assert_int_equal(strlen(group.user), 16);
    assert_int_equal(plain.len, 16);
    struct amt_diag diag = { 0 };
    assert_int_equal(
        store_group_add(store, "b", "with space", NULL, STORE_GROUP_AMT, &group, &plain, &diag),
        AMT_ECONFIG);
    assert_non_null(strstr(diag.text, "1 to 16 letters and digits"));
    assert_int_equal(
        store_group_add(store, "a", NULL, NULL, STORE_GROUP_AMT, &group, &plain, &diag),
        AMT_EEXISTS);
    store_close(store);
}

static void a_devices_own_password_overrides_the_groups(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    add_group(store, "lab", "ABCDEFGHIJKLMNOP", "grouppass");
    struct uuid uuid = test_uuid(1);
    struct secret own = { 0 };
    struct secret got = { 0 };
    char group[65];
    assert_int_equal(secret_set(&own, "ownpass", 7), AMT_OK);
    assert_int_equal(store_device_put(store, &uuid, "lab", NULL, &own, NULL, NULL), AMT_OK);
    assert_int_equal(store_credential(store, &uuid, "ABCDEFGHIJKLMNOP", &got, group, NULL), AMT_OK);
    assert_true(secret_equal(&got, (const uint8_t *)"ownpass", 7));

    /* Its own user name replaces the group's, which then no longer admits it. */
    assert_int_equal(store_device_put(store, &uuid, NULL, "dev1", NULL, NULL, NULL), AMT_OK);
    assert_int_equal(store_credential(store, &uuid, "dev1", &got, group, NULL), AMT_OK);
    assert_int_equal(store_credential(store, &uuid, "ABCDEFGHIJKLMNOP", &got, group, NULL),
                     AMT_EUNKNOWN);
    store_close(store);
}

static void a_device_of_one_group_cannot_log_in_as_another(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    add_group(store, "one", "AAAAAAAAAAAAAAAA", "p1");
    add_group(store, "two", "BBBBBBBBBBBBBBBB", "p2");
    struct uuid uuid = test_uuid(1);
    struct secret got = { 0 };
    char group[65];
    assert_int_equal(store_seen(store, &uuid, "one", 1), AMT_OK);
    assert_int_equal(store_flush(store, NULL), AMT_OK);
    assert_int_equal(store_credential(store, &uuid, "AAAAAAAAAAAAAAAA", &got, group, NULL), AMT_OK);
    assert_int_equal(store_credential(store, &uuid, "BBBBBBBBBBBBBBBB", &got, group, NULL),
                     AMT_EUNKNOWN);
    store_close(store);
}

static void a_foreign_key_file_is_told(void **state)
{
    struct fixture *f = *state;
    store_close(open_store(f));
    char path[160];
    (void)snprintf(path, sizeof path, "%s/seal.key", f->data);
    assert_int_equal(unlink(path), 0);
    struct amt_diag diag = { 0 };
    assert_null(store_open(f->data, &diag));
    assert_non_null(strstr(diag.text, "does not belong to"));
    assert_non_null(strstr(diag.hint, "restore"));
}

static void a_key_file_open_to_others_is_refused(void **state)
{
    struct fixture *f = *state;
    store_close(open_store(f));
    char path[160];
    (void)snprintf(path, sizeof path, "%s/seal.key", f->data);
    assert_int_equal(chmod(path, 0644), 0);
    struct amt_diag diag = { 0 };
    assert_null(store_open(f->data, &diag));
    assert_non_null(strstr(diag.text, "can be read by others"));
    assert_non_null(strstr(diag.hint, "chmod 600"));
}

static void a_newer_schema_is_refused_untouched(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    assert_int_equal(store_execute(store, "PRAGMA user_version=99", NULL), AMT_OK);
    store_close(store);
    struct amt_diag diag = { 0 };
    assert_null(store_open(f->data, &diag));
    assert_non_null(strstr(diag.text, "schema 99"));
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    struct fixture *f = *state;
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = store_open(f->data, NULL);
        for (uint32_t i = 0; store != NULL; i++) {
            struct store_group group;
            struct secret plain = { 0 };
            char name[16];
            (void)snprintf(name, sizeof name, "g%u", i);
            enum amt_err err =
                store_group_add(store, name, NULL, NULL, STORE_GROUP_AMT, &group, &plain, NULL);
            if (err != AMT_OK || write(pipe_fds[1], &i, sizeof i) != (ssize_t)sizeof i) {
                break;
            }
        }
        _exit(1);
    }
    uint32_t last = 0;
    while (last < 20) {
        assert_int_equal(read(pipe_fds[0], &last, sizeof last), sizeof last);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    (void)close(pipe_fds[1]);
    uint32_t more = 0;
    while (read(pipe_fds[0], &more, sizeof more) == (ssize_t)sizeof more) {
        last = more;
    }
    (void)close(pipe_fds[0]);

    struct store *store = open_store(f);
    char name[16];
    for (uint32_t i = 0; i <= last; i++) {
        (void)snprintf(name, sizeof name, "g%u", i);
        assert_int_equal(store_group_remove(store, name, NULL), AMT_OK);
    }
    store_close(store);
}

struct seen_events {
    int count;
    char first[48];
};

static void count_event(void *ctx, uint64_t wall_us, const char *event, const char *detail)
{
    struct seen_events *seen = ctx;
    (void)wall_us;
    (void)detail;
    if (seen->count++ == 0) {
        (void)snprintf(seen->first, sizeof seen->first, "%s", event);
    }
}

static void events_are_kept_newest_first(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    struct uuid uuid = test_uuid(1);
    assert_int_equal(store_event(store, &uuid, "device.online", "", 1), AMT_OK);
    assert_int_equal(store_event(store, &uuid, "device.offline", "idle_timeout", 2), AMT_OK);
    store_close(store); /* flushes */
    store = open_store(f);
    struct seen_events seen = { 0 };
    assert_int_equal(store_each_event(store, &uuid, 10, count_event, &seen, NULL), AMT_OK);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.first, "device.offline");
    store_close(store);
}

static void a_full_disk_is_told_once_and_the_events_come_later(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    struct uuid uuid = test_uuid(1);
    /* SQLite's own limit stands in for the disk's. */
    assert_int_equal(store_execute(store, "PRAGMA max_page_count=1", NULL), AMT_OK);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(store_event(store, &uuid, "device.online", "0123456789", 1), AMT_OK);
    }
    struct amt_diag diag = { 0 };
    assert_int_equal(store_flush(store, &diag), AMT_ESYS);
    assert_non_null(strstr(diag.hint, "free some space"));
    assert_int_equal(store_flush(store, NULL), AMT_OK); /* no second report */
    assert_int_equal(store_execute(store, "PRAGMA max_page_count=1000000", NULL), AMT_OK);
    assert_int_equal(store_flush(store, NULL), AMT_ELIMIT); /* works again, and says so */
    struct seen_events seen = { 0 };
    assert_int_equal(store_each_event(store, &uuid, 5000, count_event, &seen, NULL), AMT_OK);
    assert_int_equal(seen.count, 2000);
    store_close(store);
}

static void tokens_are_checked_and_can_be_taken_back(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    struct secret token = { 0 };
    char name[65];
    assert_int_equal(store_token_add(store, "ci", &token, NULL), AMT_OK);
    assert_int_equal(store_token_check(store, token.bytes, token.len, name, NULL), AMT_OK);
    assert_string_equal(name, "ci");
    assert_int_equal(store_token_check(store, token.bytes, token.len, name, NULL), AMT_OK);
    assert_int_equal(store_token_check(store, token.bytes, token.len - 1, name, NULL), AMT_EAUTH);
    assert_int_equal(store_token_check(store, (const uint8_t *)"no.such", 7, name, NULL),
                     AMT_EAUTH);
    assert_int_equal(store_token_check(store, (const uint8_t *)"nodot", 5, name, NULL), AMT_EAUTH);
    assert_int_equal(store_token_check(store, (const uint8_t *)"", 0, name, NULL), AMT_EAUTH);
    assert_int_equal(store_token_remove(store, "ci", NULL), AMT_OK);
    assert_int_equal(store_token_check(store, token.bytes, token.len, name, NULL), AMT_EAUTH);
    store_close(store);
}

static void a_certificate_finds_its_device(void **state)
{
    struct fixture *f = *state;
    struct store *store = open_store(f);
    struct uuid uuid = test_uuid(7);
    struct uuid found = { { 0 } };
    static const char k_print[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    assert_int_equal(store_device_put(store, &uuid, NULL, NULL, NULL, k_print, NULL), AMT_OK);
    assert_int_equal(store_find_certificate(store, k_print, &found, NULL), AMT_OK);
    assert_true(uuid_equal(&uuid, &found));
    assert_int_equal(store_find_certificate(store, "00", &found, NULL), AMT_EUNKNOWN);
    assert_int_equal(store_device_remove(store, &uuid, NULL), AMT_OK);
    assert_int_equal(store_device_remove(store, &uuid, NULL), AMT_EUNKNOWN);
    store_close(store);
}

static void a_sealed_value_opens_only_where_it_belongs(void **state)
{
    (void)state;
    struct seal seal = { { 1, 2, 3 } };
    struct sealed sealed;
    struct secret plain = { 0 };
    struct secret out = { 0 };
    assert_int_equal(secret_set(&plain, "secret", 6), AMT_OK);
    assert_int_equal(seal_close(&seal, "group:a", &plain, &sealed), AMT_OK);
    assert_int_equal(seal_open(&seal, "group:a", sealed.bytes, sealed.len, &out), AMT_OK);
    assert_true(secret_equal(&out, (const uint8_t *)"secret", 6));
    assert_int_equal(seal_open(&seal, "group:b", sealed.bytes, sealed.len, &out), AMT_ECERT);
    assert_int_equal(out.len, 0);
    sealed.bytes[14] ^= 1;
    assert_int_equal(seal_open(&seal, "group:a", sealed.bytes, sealed.len, &out), AMT_ECERT);
    assert_int_equal(seal_open(&seal, "group:a", sealed.bytes, 5, &out), AMT_ECERT);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_first_start_makes_private_files),
        STORE_TEST(a_group_credential_serves_unknown_devices_and_is_sealed_on_disk),
        STORE_TEST(a_generated_group_has_a_user_and_password_firmware_takes),
        STORE_TEST(a_devices_own_password_overrides_the_groups),
        STORE_TEST(a_device_of_one_group_cannot_log_in_as_another),
        STORE_TEST(a_foreign_key_file_is_told),
        STORE_TEST(a_key_file_open_to_others_is_refused),
        STORE_TEST(a_newer_schema_is_refused_untouched),
        STORE_TEST(what_was_acknowledged_survives_kill_9),
        STORE_TEST(events_are_kept_newest_first),
        STORE_TEST(a_full_disk_is_told_once_and_the_events_come_later),
        STORE_TEST(tokens_are_checked_and_can_be_taken_back),
        STORE_TEST(a_certificate_finds_its_device),
        cmocka_unit_test(a_sealed_value_opens_only_where_it_belongs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
