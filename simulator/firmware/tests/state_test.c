/* What a device was told survives it; what the disk refuses is not told to be done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "simulator/firmware/tests/pc.h"

#define FILE_NAME "/55e3ae13-bfd2-61bb-17a0-88aedd7037ea.json"

static void set_timeout(struct pc *pc, const char *value)
{
    char body[200];
    (void)snprintf(body, sizeof body,
                   "<r:AMT_GeneralSettings><r:IdleWakeTimeout>%s</r:IdleWakeTimeout>"
                   "</r:AMT_GeneralSettings>",
                   value);
    (void)pc_wsman(pc, "Put", "AMT_GeneralSettings", NULL, body);
}

static void open_in(struct pc *pc, const char *dir)
{
    pc_init(pc);
    pc->state_dir = dir;
    pc_start(pc);
}

static const char *timeout_of(struct pc *pc)
{
    return pc_property(pc_get(pc, "AMT_GeneralSettings", NULL), "IdleWakeTimeout");
}

static void path_in(const char *dir, char *out, size_t cap)
{
    (void)snprintf(out, cap, "%s%s", dir, FILE_NAME);
}

static void test_settings_survive(void **state)
{
    struct pc pc;
    char dir[] = "/tmp/amtlab-state-XXXXXX";
    char path[128];
    char realm[64];
    struct stat status;
    (void)state;
    assert_non_null(mkdtemp(dir));
    open_in(&pc, dir);
    (void)snprintf(realm, sizeof realm, "%s",
                   pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "DigestRealm"));
    set_timeout(&pc, "77");
    assert_int_equal(pc.status, 200);
    path_in(dir, path, sizeof path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    pc_close(&pc);
    open_in(&pc, dir);
    assert_string_equal(timeout_of(&pc), "77");
    assert_string_equal(pc_property(pc_get(&pc, "AMT_GeneralSettings", NULL), "DigestRealm"),
                        realm);
    pc_close(&pc);
    (void)unlink(path);
    (void)rmdir(dir);
}

/* The folder has gone: the client is told that nothing was done, and nothing was lost. */
static void test_a_write_that_cannot_last_fails(void **state)
{
    struct pc pc;
    char dir[] = "/tmp/amtlab-state-XXXXXX";
    char path[128];
    char away[128];
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(away, sizeof away, "%s.away", dir);
    open_in(&pc, dir);
    assert_int_equal(rename(dir, away), 0);
    set_timeout(&pc, "78");
    assert_int_equal(pc.status, 500);
    assert_string_equal(pc_fault(&pc), "InternalError");
    assert_int_equal(rename(away, dir), 0);
    set_timeout(&pc, "79");
    assert_int_equal(pc.status, 200);
    pc_close(&pc);
    open_in(&pc, dir);
    assert_string_equal(timeout_of(&pc), "79");
    pc_close(&pc);
    path_in(dir, path, sizeof path);
    (void)unlink(path);
    (void)rmdir(dir);
}

static void expect_refused(const char *dir, const char *content, const char *word)
{
    struct pc pc;
    char path[128];
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    path_in(dir, path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(content, file);
    (void)fclose(file);
    pc_init(&pc);
    pc.profile = firmware_profile_new(&pc.config, "test", &errors);
    struct firmware_settings settings = { .profile = pc.profile, .log = pc.log, .state_dir = dir };
    assert_int_equal(uuid_parse("55e3ae13-bfd2-61bb-17a0-88aedd7037ea", &settings.uuid), AMT_OK);
    assert_null(firmware_new(pc.loop, &settings, &diag));
    if (strstr(diag.text, word) == NULL) {
        print_message("%s\n", diag.text);
    }
    assert_non_null(strstr(diag.text, word));
    pc_close(&pc);
    (void)unlink(path);
}

static void test_damaged_files_are_refused(void **state)
{
    char dir[] = "/tmp/amtlab-state-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(dir));
    expect_refused(dir, "", "'[' or '{' expected");
    expect_refused(dir, "{ \"amtlab-device-state\": 1,", "expected");
    expect_refused(dir, "{}", "no device state");
    expect_refused(dir, "{ \"amtlab-device-state\": 1, \"uuid\": \"other\" }", "belongs to");
    expect_refused(
        dir,
        "{ \"amtlab-device-state\": 1, \"uuid\": \"55e3ae13-bfd2-61bb-17a0-88aedd7037ea\","
        " \"settings\": 3 }",
        "settings");
    (void)rmdir(dir);
}

/* A secret is kept, but no Get shows it. */
static void test_secrets_are_not_read_back(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    (void)pc_wsman(&pc, "Put", "AMT_KerberosSettingData", NULL,
                   "<r:AMT_KerberosSettingData><r:RealmName>EXAMPLE</r:RealmName>"
                   "<r:Passphrase>hunter2</r:Passphrase></r:AMT_KerberosSettingData>");
    assert_int_equal(pc.status, 200);
    assert_null(strstr(text_chars(&pc.body), "hunter2"));
    const struct xml_node *settings = pc_get(&pc, "AMT_KerberosSettingData", NULL);
    assert_string_equal(pc_property(settings, "RealmName"), "EXAMPLE");
    assert_string_equal(pc_property(settings, "Passphrase"), "");
    pc_close(&pc);
}

static void test_reset(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    set_timeout(&pc, "77");
    firmware_reset(pc.firmware);
    pc_run(&pc, US_PER_SECOND);
    assert_string_equal(timeout_of(&pc), "65535");
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_survive),
        cmocka_unit_test(test_a_write_that_cannot_last_fails),
        cmocka_unit_test(test_damaged_files_are_refused),
        cmocka_unit_test(test_secrets_are_not_read_back),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
