/* Bare metal from end to end: hello, TLS from the network, admin control mode (activation.md 11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "protocol/http/digest.h"
#include "protocol/setupbin/codec.h"
#include "protocol/setupbin/variables.h"
#include "scenarios/engine/tests/activation_metal.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/meddle.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/setup_file.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"

static void set(struct metal *m, const char *key, const char *value)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (config_set(firmware_config_keys, key, value, &m->pc.config, &diag) != AMT_OK) {
        fail_msg("%s", diag.text);
    }
}

static void expect(const struct metal *m, enum activation_outcome outcome,
                   enum activation_failure failure)
{
    if (m->last.outcome != outcome || m->last.failure != failure) {
        print_message("%s %s\n", activation_failure_code(m->last.failure), m->last.detail);
    }
    assert_int_equal(m->results, 1);
    assert_int_equal(m->last.outcome, outcome);
    assert_string_equal(activation_failure_code(m->last.failure), activation_failure_code(failure));
}

static uint32_t log_lines(const struct metal *m, const char *word)
{
    char line[2048];
    uint32_t count = 0;
    FILE *file = fopen(m->pc.log_path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        count += strstr(line, word) != NULL ? 1 : 0;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

/* Whether a password of the log opens the device. */
static bool is_recoverable(const struct metal *m)
{
    struct secret passwords[3] = { { .len = 0 } };
    struct firmware_user user;
    uint8_t wanted[DIGEST_MD5_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct uuid uuid;
    uint32_t count = 0;
    bool is_found = false;
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &uuid), AMT_OK);
    assert_int_equal(activation_log_passwords(m->pc.log_path, &uuid, passwords, &count, NULL),
                     AMT_OK);
    if (!users_find(m->pc.firmware, "admin", FIRMWARE_NETWORK, &user, wanted)) {
        return false;
    }
    for (uint32_t i = 0; i < 3; i++) {
        digest_ha1("admin", provisioning_realm(m->pc.firmware), (const char *)passwords[i].bytes,
                   passwords[i].len, ha1);
        is_found = is_found || (i < count && memcmp(ha1, wanted, sizeof ha1) == 0);
        secret_fini(&passwords[i]);
    }
    return is_found;
}

static void expect_admin_mode(const struct metal *m)
{
    expect(m, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
    assert_int_equal(firmware_mode(m->pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_true(is_recoverable(m));
    assert_int_equal(log_lines(m, "\"action\":\"acmactivate-bare-metal\""), 1);
    assert_int_equal(log_lines(m, "\"newmebx\":\"M3bx@Pass\",\"mesh\":\"lab\""), 1);
    assert_int_equal(log_lines(m, "\"amtver\":\"16.1.25\""), 1);
    assert_true(mebx_password_is(m->pc.firmware, "M3bx@Pass", 9));
    assert_true(tls_settings_enabled(m->pc.firmware, FIRMWARE_NETWORK)); /* step 8 */
    assert_false(tls_settings_enabled(m->pc.firmware, FIRMWARE_LOCAL));
    assert_int_equal(hello_server_count(m->server), 0);
}

static void the_domain_from_dhcp_option_15(void **state)
{
    struct metal m;
    (void)state;
    metal_init(&m);
    set(&m, "hello", "true"); /* from the factory to the network: nobody has touched it */
    metal_start(&m);
    metal_serve(&m);
    metal_run(&m, 120);
    expect_admin_mode(&m);
    metal_run(&m, 7 * 3600); /* and is silent from now on */
    expect_admin_mode(&m);
    metal_fini(&m);
}

static void the_domain_typed_into_the_mebx(void **state)
{
    struct metal m;
    (void)state;
    metal_init(&m);
    set(&m, "network_suffix", "another.test");
    set(&m, "mebx.trusted_fqdn", "corp.example.com");
    set(&m, "mebx.server", METAL_SERVER);
    set(&m, "hello", "true");
    m.server_host = METAL_SERVER;
    metal_start(&m);
    metal_serve(&m);
    metal_run(&m, 120);
    expect_admin_mode(&m);
    metal_fini(&m);
}

static void add_text(struct setupbin_record *record, uint16_t module, uint16_t id, const char *text)
{
    assert_int_equal(setupbin_add(record, module, id, text, (uint32_t)strlen(text)), AMT_OK);
}

static void the_domain_from_a_usb_key(void **state)
{
    static const uint8_t k_address[4] = { 10, 2, 0, 192 }; /* in reverse */
    static const uint8_t k_on = 1;
    static uint8_t file[4 * SETUPBIN_CHUNK_BYTES];
    struct setupbin_header header = { .major = 3, .record_count = 1 };
    struct setupbin_record record;
    struct setup_file_result result;
    struct amt_diag diag = { .err = AMT_OK };
    struct metal m;
    (void)state;
    metal_init(&m);
    set(&m, "network_suffix", "another.test");
    m.server_host = METAL_SERVER;
    metal_start(&m);
    setupbin_record_init(&record, false);
    add_text(&record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, "admin");
    add_text(&record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, "Fr0m@UsbKey");
    add_text(&record, SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, "corp.example.com");
    assert_int_equal(
        setupbin_add(&record, SETUPBIN_AMT, SETUPBIN_SERVER_ADDRESS, k_address, sizeof k_address),
        AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_AMT, SETUPBIN_HELLO, &k_on, 1), AMT_OK);
    assert_int_equal(setupbin_note_modules(&header, &record), AMT_OK);
    setupbin_sort(&record);
    uint32_t len = setupbin_encode(&header, &record, file, sizeof file);
    enum amt_err err = setup_file_apply(m.pc.firmware, file, len, &result, &diag);
    if (err != AMT_OK) {
        fail_msg("%s", diag.text);
    }
    setup_file_result_fini(&result);
    metal_serve(&m);
    metal_run(&m, 120);
    expect_admin_mode(&m);
    metal_fini(&m);
}

/* --- failures --- */

static void begin(struct metal *m)
{
    metal_init(m);
    set(m, "hello", "true");
}

static void expect_failure(struct metal *m, enum activation_failure failure)
{
    metal_serve(m);
    metal_run(m, 30);
    expect(m, ACTIVATION_FAILED, failure);
    assert_int_equal(firmware_mode(m->pc.firmware), FIRMWARE_NOT_PROVISIONED);
    assert_int_equal(log_lines(m, "acmactivate"), 0);
    metal_fini(m);
}

static void no_hash_fits(void **state)
{
    struct metal m;
    (void)state;
    begin(&m);
    metal_start(&m);
    keys_hashes_reset(m.pc.firmware); /* the root that was added by hand is gone */
    expect_failure(&m, ACT_F_HELLO_NO_MATCH);
}

static void no_certificate_for_the_trusted_fqdn(void **state)
{
    struct metal m;
    (void)state;
    begin(&m);
    m.trusted_fqdn = "other.test";
    metal_start(&m);
    expect_failure(&m, ACT_F_TRUSTED_FQDN_DIFFERS);
}

static void the_group_does_not_want_it(void **state)
{
    struct metal m;
    (void)state;
    begin(&m);
    m.pc.policy.type = ACTIVATION_POLICY_CLIENT;
    metal_start(&m);
    expect_failure(&m, ACT_F_POLICY_NONE);
    begin(&m);
    m.has_no_group = true;
    metal_start(&m);
    expect_failure(&m, ACT_F_POLICY_NONE);
}

/* The device judges in the handshake, and its alert says what it does not like (11.3). */
static void the_device_turns_the_server_away(void **state)
{
    struct metal m;
    (void)state;
    begin(&m);
    m.server_host = METAL_SERVER;
    set(&m, "mebx.server", METAL_SERVER);
    set(&m, "network_suffix", "elsewhere.test");
    metal_start(&m);
    expect_failure(&m, ACT_F_SUFFIX_DIFFERS);
    begin(&m);
    metal_start(&m);
    listener_close(m.device);
    m.device = NULL;
    expect_failure(&m, ACT_F_LOCAL_PORT_REFUSED);
}

/* F46, as for every other conversation (ACT-SRV-031). */
static void without_a_log_nothing_is_changed(void **state)
{
    struct metal m;
    (void)state;
    begin(&m);
    metal_start(&m);
    m.pc.settings.activation_log = NULL;
    expect_failure(&m, ACT_F_LOG_NOT_WRITABLE);
}

/* --- answers that are lost --- */

struct thief {
    const char *operation;
    uint32_t times;
};

static void steal(void *ctx, struct firmware_passing *passing)
{
    struct thief *thief = ctx;
    if (passing->is_answer && strcmp(passing->operation, thief->operation) == 0 &&
        thief->times > 0) {
        thief->times -= 1;
        passing->is_dropped = true;
        passing->hangs_up = true;
    }
}

/* The commit has worked: success (F45). Anything before: the next hello begins again. */
static void a_reply_is_lost(void **state)
{
    static const char *const k_operations[] = { "SetMEBxPassword", "SetAdminAclEntryEx",
                                                "GenerateKeyPair", "AddCertificate",
                                                "Create",          "Put",
                                                "CommitChanges" };
    (void)state;
    for (size_t i = 0; i < sizeof k_operations / sizeof k_operations[0]; i++) {
        struct metal m;
        struct thief thief = { k_operations[i], 1 };
        begin(&m);
        metal_start(&m);
        firmware_set_meddler(m.pc.firmware, steal, &thief);
        metal_serve(&m);
        metal_run(&m, 100);
        assert_int_equal(thief.times, 0);
        if (strcmp(k_operations[i], "CommitChanges") == 0) {
            expect_admin_mode(&m);
        } else {
            expect(&m, ACTIVATION_FAILED, ACT_F_REPLY_LOST);
            metal_run(&m, 300); /* the second hello */
            m.results -= 1;
            expect(&m, ACTIVATION_DONE, ACTIVATION_NO_FAILURE);
            assert_int_equal(firmware_mode(m.pc.firmware), FIRMWARE_ADMIN_CONTROL);
            assert_true(is_recoverable(&m));
        }
        metal_fini(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_domain_from_dhcp_option_15),
        cmocka_unit_test(the_domain_typed_into_the_mebx),
        cmocka_unit_test(the_domain_from_a_usb_key),
        cmocka_unit_test(no_hash_fits),
        cmocka_unit_test(no_certificate_for_the_trusted_fqdn),
        cmocka_unit_test(the_group_does_not_want_it),
        cmocka_unit_test(the_device_turns_the_server_away),
        cmocka_unit_test(without_a_log_nothing_is_changed),
        cmocka_unit_test(a_reply_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
