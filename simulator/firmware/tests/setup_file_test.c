/* A USB key with setup.bin: what it sets, and what a BIOS refuses (activation.md 9, ACT-DEV-047 to 049). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"
#include "protocol/setupbin/variables.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/setup_file.h"
#include "simulator/firmware/tests/pc.h"

#define FILES       AMTLAB_SOURCE_DIR "/protocol/setupbin/tests/data/"
#define FILE_MAX    4096u
#define RECORDS_MAX 3u
#define PASSWORD    "N3wP@ss!"

/* A PC before it is provisioned, and a file to plug in. */
struct desk {
    struct pc pc;
    uint8_t file[FILE_MAX];
    uint32_t len;
    struct setup_file_result result;
    struct amt_diag diag;
    /* of a file that is made here */
    struct setupbin_header header;
    struct setupbin_record records[RECORDS_MAX];
};

static void open_desk(struct desk *desk, const char *version)
{
    memset(desk, 0, sizeof *desk);
    pc_init(&desk->pc);
    desk->pc.config.control_mode = FIRMWARE_NOT_PROVISIONED;
    if (version != NULL) {
        amt_free(desk->pc.config.version);
        desk->pc.config.version = amt_strdup(version);
    }
    desk->header = (struct setupbin_header){ .major = 3, .flags = SETUPBIN_KEEP_RECORDS };
}

static void start_desk(struct desk *desk, const char *version)
{
    open_desk(desk, version);
    pc_start(&desk->pc);
}

static void close_desk(struct desk *desk)
{
    setup_file_result_fini(&desk->result);
    pc_close(&desk->pc);
}

static void load(struct desk *desk, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, FILES "%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    desk->len = (uint32_t)fread(desk->file, 1, sizeof desk->file, file);
    (void)fclose(file);
}

/* Boots with the file that is there. */
static enum amt_err boot(struct desk *desk)
{
    setup_file_result_fini(&desk->result);
    desk->diag = (struct amt_diag){ .err = AMT_OK };
    return setup_file_apply(desk->pc.firmware, desk->file, desk->len, &desk->result, &desk->diag);
}

static struct setupbin_record *begin_record(struct desk *desk, const char *current)
{
    struct setupbin_record *record = &desk->records[desk->header.record_count++];
    setupbin_record_init(record, false);
    assert_int_equal(setupbin_add(record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, current,
                                  (uint32_t)strlen(current)),
                     AMT_OK);
    if (strcmp(current, "admin") == 0) {
        assert_int_equal(setupbin_add(record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, PASSWORD, 8),
                         AMT_OK);
    }
    return record;
}

static void add_text(struct setupbin_record *record, uint16_t id, const char *text)
{
    assert_int_equal(setupbin_add(record, SETUPBIN_AMT, id, text, (uint32_t)strlen(text)), AMT_OK);
}

static void add_number(struct setupbin_record *record, uint16_t id, uint32_t number)
{
    assert_int_equal(setupbin_add_number(record, SETUPBIN_AMT, id, number), AMT_OK);
}

static void make(struct desk *desk)
{
    desk->header.module_count = 0;
    for (uint32_t i = 0; i < desk->header.record_count; i++) {
        assert_int_equal(setupbin_note_modules(&desk->header, &desk->records[i]), AMT_OK);
    }
    desk->len = setupbin_encode(&desk->header, desk->records, desk->file, sizeof desk->file);
    assert_true(desk->len <= sizeof desk->file);
}

static bool find_hash(const struct desk *desk, const char *name, struct keys_hash *hash)
{
    for (uint32_t at = 0; keys_hash_at(desk->pc.firmware, at, hash); at++) {
        if (strcmp(hash->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_password(const struct desk *desk, const char *password)
{
    return mebx_password_is(desk->pc.firmware, password, strlen(password));
}

static void the_standard_file_makes_a_pc_trust_the_server(void **state)
{
    (void)state;
    static struct desk desk;
    struct keys_hash hash;
    start_desk(&desk, NULL);
    load(&desk, "meshcentral-standard.bin");
    assert_true(has_password(&desk, "admin"));
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(desk.result.record, 1);
    assert_false(desk.result.is_file_changed);
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "mc.example.com");
    assert_true(find_hash(&desk, "MeshCentral", &hash));
    assert_true(hash.is_active); /* ACT-DEV-049 */
    assert_false(hash.is_default);
    assert_int_equal(hash.type, KEYS_HASH_SHA256);
    assert_int_equal(hash.bytes[0], 0x6d);
    assert_true(has_password(&desk, PASSWORD));
    assert_false(has_password(&desk, "admin"));
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_PRE);
    assert_non_null(strstr(text_chars(&desk.result.story), "2,3 PKI DNS suffix (Trusted FQDN): "
                                                           "mc.example.com\n"));
    assert_null(strstr(text_chars(&desk.result.story), PASSWORD));
    close_desk(&desk);
}

static void the_key_left_in_the_pc_is_refused_at_the_next_boot(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    load(&desk, "meshcentral-standard.bin");
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(provisioning_set_trusted_suffix(desk.pc.firmware, "other.example"), AMT_OK);
    assert_int_equal(boot(&desk), AMT_EAUTH); /* ACT-DEV-047 */
    assert_string_equal(desk.diag.text,
                        "record 1: its current MEBx password (variable 1,1) is not the one of this "
                        "device");
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "other.example");
    close_desk(&desk);
}

static void the_bare_metal_file_starts_remote_configuration(void **state)
{
    (void)state;
    static struct desk desk;
    struct mebx_server server;
    start_desk(&desk, NULL);
    mebx_server(desk.pc.firmware, &server);
    assert_string_equal(server.fqdn, "");
    assert_int_equal(server.port, 9971);
    load(&desk, "meshcentral-baremetal.bin");
    assert_int_equal(boot(&desk), AMT_OK);
    mebx_server(desk.pc.firmware, &server);
    assert_string_equal(server.fqdn, "example.com");
    assert_string_equal(server.address, "192.0.2.10");
    assert_int_equal(server.port, 9971);
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "example.com");
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_IN);
    close_desk(&desk);
}

static void a_scrambled_file_reads_as_a_plain_one(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    load(&desk, "v3-scrambled.bin");
    assert_int_equal(boot(&desk), AMT_OK); /* ACT-DEV-047 */
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "example.com");
    assert_true(has_password(&desk, PASSWORD));
    close_desk(&desk);
}

/* One key goes from PC to PC. */
static void each_pc_consumes_the_next_record(void **state)
{
    (void)state;
    static struct desk first, second, third;
    struct keys_hash hash;
    start_desk(&first, NULL);
    start_desk(&second, NULL);
    start_desk(&third, NULL);
    load(&first, "v4-tworecords.bin");
    assert_int_equal(boot(&first), AMT_OK);
    assert_int_equal(first.result.record, 1);
    assert_true(first.result.is_file_changed);
    assert_int_equal(first.file[32], 1); /* ACT-DEV-047 */
    assert_true(find_hash(&first, "AMTLab256", &hash));

    memcpy(second.file, first.file, first.len);
    second.len = first.len;
    assert_int_equal(boot(&second), AMT_OK);
    assert_int_equal(second.result.record, 2);
    assert_int_equal(second.file[32], 2);
    assert_true(find_hash(&second, "AMTLab384", &hash));
    assert_int_equal(hash.type, KEYS_HASH_SHA384);
    assert_false(find_hash(&second, "AMTLab256", &hash));

    memcpy(third.file, second.file, second.len);
    third.len = second.len;
    assert_int_equal(boot(&third), AMT_ESTATE);
    assert_string_equal(third.diag.text, "the file has no record left: of 2, 2 are consumed");
    assert_true(has_password(&third, "admin"));
    close_desk(&first);
    close_desk(&second);
    close_desk(&third);
}

static void a_refused_record_is_not_consumed_and_keeps_its_place(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    load(&desk, "v4-tworecords.bin");
    assert_int_equal(mebx_set_password(desk.pc.firmware, "0therP@ss"), AMT_OK);
    assert_int_equal(boot(&desk), AMT_EAUTH);
    assert_int_equal(desk.result.record, 1);
    assert_false(desk.result.is_file_changed);
    assert_int_equal(desk.file[32], 0);
    close_desk(&desk);
}

static void records_that_are_not_valid_are_passed_over(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    add_text(begin_record(&desk, "admin"), SETUPBIN_DNS_SUFFIX, "one.example");
    add_text(begin_record(&desk, "admin"), SETUPBIN_DNS_SUFFIX, "two.example");
    add_text(begin_record(&desk, "admin"), SETUPBIN_DNS_SUFFIX, "three.example");
    desk.records[0].flags = 0;
    desk.records[1].type = SETUPBIN_INVALID_RECORD;
    desk.header.flags = 0;
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(desk.result.record, 3);
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "three.example");
    assert_int_equal(desk.file[32], 3);
    close_desk(&desk);
}

static void in_a_kept_file_a_refused_record_makes_way_for_the_next(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    add_text(begin_record(&desk, "0therP@ss"), SETUPBIN_DNS_SUFFIX, "one.example");
    add_text(begin_record(&desk, "admin"), SETUPBIN_DNS_SUFFIX, "two.example");
    desk.header.consumed = 2; /* means nothing here */
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(desk.result.record, 2);
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "two.example");
    close_desk(&desk);
}

static void a_damaged_file_changes_nothing(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    load(&desk, "meshcentral-standard.bin");
    desk.file[0x23d] = 2; /* ACT-DEV-048: 2,3 overruns its record */
    assert_int_equal(boot(&desk), AMT_EMALFORMED);
    assert_non_null(strstr(desk.diag.text, "variable 2,3"));
    load(&desk, "meshcentral-standard.bin");
    desk.file[0] = 0;
    assert_int_equal(boot(&desk), AMT_EMALFORMED);
    load(&desk, "meshcentral-standard.bin");
    desk.len = 700;
    assert_int_equal(boot(&desk), AMT_EMALFORMED);
    load(&desk, "meshcentral-standard.bin");
    desk.file[28] = 2;
    assert_int_equal(boot(&desk), AMT_EMALFORMED);
    assert_true(has_password(&desk, "admin"));
    assert_null(provisioning_suffix(desk.pc.firmware));
    close_desk(&desk);
}

static void a_record_that_breaks_a_rule_is_refused_whole(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_text(record, SETUPBIN_DNS_SUFFIX, "one.example");
    add_number(record, SETUPBIN_SHARED_FQDN, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_EMALFORMED);
    assert_non_null(strstr(desk.diag.text, "variable 2,23"));
    assert_true(has_password(&desk, "admin"));
    assert_null(provisioning_suffix(desk.pc.firmware));
    close_desk(&desk);
}

static void a_file_is_read_from_its_first_release_on(void **state)
{
    (void)state;
    static const struct {
        const char *file, *version;
        uint8_t minor;
        enum amt_err err;
    } k_cases[] = {
        { "v1-psk.bin", "3.2.1", 0, AMT_OK },
        { "v2-sha1.bin", "3.2.1", 0, AMT_OK },
        { "v2-sha1.bin", "3.2.1", 1, AMT_EUNKNOWN }, /* 2.1 */
        { "v2-sha1.bin", "4.0.5", 1, AMT_OK },
        { "meshcentral-standard.bin", "5.2.0", 0, AMT_EUNKNOWN },
        { "meshcentral-standard.bin", "6.0.0", 0, AMT_OK },
        { "v4-tworecords.bin", "5.2.0", 0, AMT_EUNKNOWN },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        static struct desk desk;
        start_desk(&desk, k_cases[i].version);
        load(&desk, k_cases[i].file);
        desk.file[25] = k_cases[i].minor;
        assert_int_equal(boot(&desk), k_cases[i].err); /* ACT-DEV-047 */
        close_desk(&desk);
    }
}

static void a_sha1_hash_is_refused_where_the_release_takes_none(void **state)
{
    (void)state;
    static struct desk desk;
    struct keys_hash hash;
    start_desk(&desk, "16.1.25.2124");
    load(&desk, "v2-sha1.bin");
    assert_int_equal(boot(&desk), AMT_ECERT); /* ACT-DEV-049 */
    assert_false(find_hash(&desk, "AMTLab", &hash));
    assert_true(has_password(&desk, "admin"));
    close_desk(&desk);
    start_desk(&desk, "11.8.55.3510");
    load(&desk, "v2-sha1.bin");
    assert_int_equal(boot(&desk), AMT_OK);
    assert_true(find_hash(&desk, "AMTLab", &hash));
    assert_int_equal(hash.type, KEYS_HASH_SHA1);
    assert_true(hash.is_active);
    close_desk(&desk);
}

static void a_fourth_hash_finds_no_room_until_the_others_are_deleted(void **state)
{
    (void)state;
    static struct desk desk;
    struct keys_hash hash;
    uint8_t digest[32] = { 0 };
    start_desk(&desk, NULL);
    for (uint8_t i = 1; i <= 3; i++) {
        char name[] = "root0";
        name[4] = (char)('0' + i);
        digest[0] = i;
        assert_int_equal(keys_hash_add(desk.pc.firmware, name, KEYS_HASH_SHA256, digest), AMT_OK);
    }
    load(&desk, "meshcentral-standard.bin");
    assert_int_equal(boot(&desk), AMT_ELIMIT);
    assert_non_null(strstr(desk.diag.text, "no room"));
    assert_true(has_password(&desk, "admin")); /* nothing has changed */

    struct setupbin_record *record = begin_record(&desk, "admin");
    add_number(record, SETUPBIN_USER_HASHES, 2);
    digest[0] = 9;
    assert_int_equal(setupbin_add_hash(record, 2, digest, "new root"), AMT_OK);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_false(find_hash(&desk, "root1", &hash));
    assert_true(find_hash(&desk, "new root", &hash));
    assert_true(hash.is_active);
    close_desk(&desk);
}

static void hashes_are_switched_off_and_on(void **state)
{
    (void)state;
    static struct desk desk;
    struct keys_hash hash;
    static const uint8_t k_digest[32] = { 1 };
    start_desk(&desk, NULL);
    assert_int_equal(keys_hash_add(desk.pc.firmware, "mine", KEYS_HASH_SHA256, k_digest), AMT_OK);
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_number(record, SETUPBIN_BUILT_IN_HASHES, 0);
    add_number(record, SETUPBIN_USER_HASHES, 0);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    for (uint32_t at = 0; keys_hash_at(desk.pc.firmware, at, &hash); at++) {
        assert_false(hash.is_active);
    }
    desk.header.record_count = 0;
    record = begin_record(&desk, PASSWORD);
    add_number(record, SETUPBIN_BUILT_IN_HASHES, 1);
    add_number(record, SETUPBIN_USER_HASHES, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    uint32_t at = 0;
    for (; keys_hash_at(desk.pc.firmware, at, &hash); at++) {
        assert_true(hash.is_active);
    }
    assert_true(at > 10);
    close_desk(&desk);
}

static void names_and_network_settings_are_seen_over_wsman(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_text(record, SETUPBIN_SERVER_FQDN, "provision.example.com");
    add_number(record, SETUPBIN_REMOTE_CONFIGURATION, 0);
    add_text(record, SETUPBIN_HOST_NAME, "pc17");
    add_text(record, SETUPBIN_DOMAIN_NAME, "corp.example.com");
    add_number(record, SETUPBIN_DHCP, 1);
    add_number(record, SETUPBIN_SHARED_FQDN, 1);
    add_number(record, SETUPBIN_DYNAMIC_DNS, 1);
    add_number(record, SETUPBIN_CONSENT_POLICY, 0);
    add_number(record, SETUPBIN_MANUAL_SETUP, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    desk.pc.password = PASSWORD;
    const struct xml_node *general = pc_get(&desk.pc, "AMT_GeneralSettings", NULL);
    assert_string_equal(pc_property(general, "HostName"), "pc17");
    assert_string_equal(pc_property(general, "DomainName"), "corp.example.com");
    assert_string_equal(pc_property(general, "SharedFQDN"), "true");
    assert_string_equal(pc_property(general, "DDNSUpdateEnabled"), "true");
    const struct xml_node *port = pc_get(&desk.pc, "AMT_EthernetPortSettings",
                                         "InstanceID=Intel(r) AMT Ethernet Port Settings 0");
    assert_string_equal(pc_property(port, "DHCPEnabled"), "false");
    const struct xml_node *service = pc_get(&desk.pc, "AMT_SetupAndConfigurationService", NULL);
    assert_string_equal(pc_property(service, "ZeroTouchConfigurationEnabled"), "false");
    assert_string_equal(pc_property(service, "ConfigurationServerFQDN"), "provision.example.com");
    const struct xml_node *consent = pc_get(&desk.pc, "IPS_OptInService", NULL);
    assert_string_equal(pc_property(consent, "CanModifyOptInPolicy"), "0");
    close_desk(&desk);
}

static void manual_setup_ends_in_admin_control_mode_with_the_mebx_password(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    add_number(begin_record(&desk, "admin"), SETUPBIN_MANUAL_SETUP, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(firmware_mode(desk.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_POST);
    desk.pc.password = PASSWORD;
    (void)pc_get(&desk.pc, "AMT_GeneralSettings", NULL);
    desk.pc.password = "P@ssw0rd";
    desk.pc.nonce[0] = '\0';
    (void)pc_wsman(&desk.pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(desk.pc.status, 401);
    close_desk(&desk);
}

static void redirection_and_consent_are_set(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    struct firmware *firmware = desk.pc.firmware;
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_number(record, SETUPBIN_REDIRECTION, 1);
    add_number(record, SETUPBIN_KVM, 1);
    add_number(record, SETUPBIN_CONSENT, 255);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_true(redirection_is_enabled(firmware, REDIRECTION_SOL));
    assert_false(redirection_is_enabled(firmware, REDIRECTION_IDER));
    assert_true(redirection_is_enabled(firmware, REDIRECTION_KVM));
    assert_true(consent_required(firmware) == CONSENT_ALL);
    desk.header.record_count = 0;
    record = begin_record(&desk, PASSWORD);
    add_number(record, SETUPBIN_REDIRECTION, 6);
    add_number(record, SETUPBIN_KVM, 0);
    add_number(record, SETUPBIN_CONSENT, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_false(redirection_is_enabled(firmware, REDIRECTION_SOL));
    assert_true(redirection_is_enabled(firmware, REDIRECTION_IDER));
    assert_false(redirection_is_enabled(firmware, REDIRECTION_KVM));
    assert_int_equal(consent_required(firmware), CONSENT_KVM);
    close_desk(&desk);
}

static void with_amt_switched_off_no_port_is_open(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    assert_true(firmware_port_is_open(desk.pc.firmware, 16992, FIRMWARE_LOCAL));
    assert_int_equal(
        setupbin_add_number(begin_record(&desk, "admin"), SETUPBIN_ME, SETUPBIN_FEATURE, 0),
        AMT_OK);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_false(firmware_port_is_open(desk.pc.firmware, 16992, FIRMWARE_LOCAL));
    assert_false(firmware_port_is_open(desk.pc.firmware, 16993, FIRMWARE_LOCAL));
    close_desk(&desk);
}

static void hello_messages_are_halted_and_need_remote_configuration(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    assert_int_equal(provisioning_start(desk.pc.firmware), AMT_OK);
    add_number(begin_record(&desk, "admin"), SETUPBIN_HELLO, 0);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_PRE);
    desk.header.record_count = 0;
    struct setupbin_record *record = begin_record(&desk, PASSWORD);
    add_number(record, SETUPBIN_REMOTE_CONFIGURATION, 0);
    add_number(record, SETUPBIN_HELLO, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_PRE);
    assert_non_null(strstr(text_chars(&desk.result.story), "remote configuration is off"));
    close_desk(&desk);
}

static void a_provisioned_pc_stays_provisioned(void **state)
{
    (void)state;
    static struct desk desk;
    open_desk(&desk, NULL);
    desk.pc.config.control_mode = FIRMWARE_CLIENT_CONTROL;
    pc_start(&desk.pc);
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_number(record, SETUPBIN_HELLO, 1);
    add_number(record, SETUPBIN_MANUAL_SETUP, 1);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_int_equal(firmware_mode(desk.pc.firmware), FIRMWARE_CLIENT_CONTROL);
    (void)pc_get(&desk.pc, "AMT_GeneralSettings", NULL); /* the old password */
    close_desk(&desk);
}

static void a_psk_identifier_is_kept_by_old_releases_alone(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, "9.1.2");
    load(&desk, "v1-psk.bin");
    assert_int_equal(boot(&desk), AMT_OK);
    assert_string_equal(mebx_pid(desk.pc.firmware), "4444AAA7");
    assert_null(strstr(text_chars(&desk.result.story), "ABCIDEFR")); /* the PPS is a secret */
    close_desk(&desk);
    start_desk(&desk, "11.8.55");
    load(&desk, "v1-psk.bin");
    assert_int_equal(boot(&desk), AMT_OK);
    assert_string_equal(mebx_pid(desk.pc.firmware), "");
    close_desk(&desk);
}

static void what_has_no_effect_is_said(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    struct setupbin_record *record = begin_record(&desk, "admin");
    add_number(record, SETUPBIN_SECURE_UPDATE, 1);
    assert_int_equal(setupbin_add(record, 3, 1, "?", 1), AMT_OK);
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_non_null(strstr(text_chars(&desk.result.story), "2,14 secure firmware update: taken, "
                                                           "without effect"));
    assert_non_null(strstr(text_chars(&desk.result.story), "3,1 unknown variable: taken, "));
    close_desk(&desk);
}

static void wsman_and_a_file_share_the_mebx_password(void **state)
{
    (void)state;
    static struct desk desk;
    open_desk(&desk, NULL);
    desk.pc.config.control_mode = FIRMWARE_ADMIN_CONTROL;
    pc_start(&desk.pc);
    assert_int_equal(pc_call(&desk.pc, "AMT_SetupAndConfigurationService", "SetMEBxPassword", NULL,
                             "<r:Password>Weak</r:Password>"),
                     2054);
    assert_true(has_password(&desk, "admin"));
    assert_int_equal(pc_call(&desk.pc, "AMT_SetupAndConfigurationService", "SetMEBxPassword", NULL,
                             "<r:Password>S0me*Word</r:Password>"),
                     0);
    add_text(begin_record(&desk, "S0me*Word"), SETUPBIN_DNS_SUFFIX, "one.example");
    make(&desk);
    assert_int_equal(boot(&desk), AMT_OK);
    assert_string_equal(provisioning_suffix(desk.pc.firmware), "one.example");
    assert_int_equal(pc_call(&desk.pc, "AMT_SetupAndConfigurationService", "Unprovision", NULL,
                             "<r:ProvisioningMode>1</r:ProvisioningMode>"),
                     0);
    pc_run(&desk.pc, 10 * US_PER_SECOND);
    assert_true(has_password(&desk, "admin"));
    close_desk(&desk);
}

/* The file on disk, a power cut, and what the state folder tells. */
static void a_setup_outlasts_a_power_cut_and_the_password_is_not_kept_in_clear(void **state)
{
    (void)state;
    static struct desk desk;
    struct mebx_server server;
    char folder[] = "/tmp/amtlab-setup-XXXXXX", path[128], kept[128];
    static char text[65536];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/setup.bin", folder);
    (void)snprintf(kept, sizeof kept, "%s/55e3ae13-bfd2-61bb-17a0-88aedd7037ea.json", folder);
    open_desk(&desk, NULL);
    desk.pc.state_dir = folder;
    pc_start(&desk.pc);
    load(&desk, "meshcentral-baremetal.bin");
    desk.file[26] = 0; /* consumes */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(desk.file, 1, desk.len, file), desk.len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setup_file_insert(desk.pc.firmware, path, &desk.result, &desk.diag), AMT_OK);
    pc_run(&desk.pc, US_PER_SECOND);
    close_desk(&desk);

    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(desk.file, 1, sizeof desk.file, file), 1024);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(desk.file[32], 1);
    file = fopen(kept, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_null(strstr(text, PASSWORD));

    open_desk(&desk, NULL);
    desk.pc.state_dir = folder;
    pc_start(&desk.pc);
    assert_true(has_password(&desk, PASSWORD));
    mebx_server(desk.pc.firmware, &server);
    assert_string_equal(server.address, "192.0.2.10");
    assert_int_equal(provisioning_state(desk.pc.firmware), PROVISIONING_IN);
    assert_int_equal(setup_file_insert(desk.pc.firmware, path, &desk.result, &desk.diag),
                     AMT_ESTATE);
    close_desk(&desk);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(kept), 0);
    assert_int_equal(rmdir(folder), 0);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    assert_int_equal(
        setup_file_insert(desk.pc.firmware, "/nonexistent/setup.bin", &desk.result, &desk.diag),
        AMT_ESYS);
    assert_non_null(strstr(desk.diag.text, "/nonexistent/setup.bin"));
    close_desk(&desk);
}

/* Whichever allocation fails: an answer, and the file is not marked for a record that was refused. */
static void without_memory_a_file_is_refused_or_taken_whole(void **state)
{
    (void)state;
    static struct desk desk;
    static const char *const k_files[] = { "v4-tworecords.bin", "meshcentral-baremetal.bin" };
    for (uint64_t k = 1; k <= 60; k++) {
        start_desk(&desk, NULL);
        load(&desk, k_files[k % 2]);
        amt_memory_fail_after(k / 2 + 1);
        enum amt_err err = boot(&desk);
        amt_memory_fail_after(0);
        assert_true(err == AMT_OK || desk.diag.text[0] != '\0');
        assert_true(err == AMT_OK || !desk.result.is_file_changed);
        assert_int_equal(desk.file[32], err == AMT_OK && k % 2 == 0 ? 1 : 0);
        close_desk(&desk);
    }
}

static void a_one_time_password_is_shown_while_in_provisioning(void **state)
{
    (void)state;
    static struct desk desk;
    start_desk(&desk, NULL);
    struct firmware *firmware = desk.pc.firmware;
    assert_int_equal(mebx_set_otp(firmware, "1234567", 7), AMT_EMALFORMED);
    assert_int_equal(mebx_set_otp(firmware, "12345678\x01", 9), AMT_EMALFORMED);
    assert_int_equal(mebx_set_otp(firmware, "one-time-pw", 11), AMT_OK);
    desk.pc.door = FIRMWARE_LOCAL;
    desk.pc.user = "$$OsAdmin";
    struct text shown = { 0 };
    assert_int_equal(firmware_show(firmware, "AMT_SetupAndConfigurationService", &shown), AMT_OK);
    assert_null(strstr(text_chars(&shown), "b25lLXRpbWUtcHc="));
    text_fini(&shown);
    assert_int_equal(provisioning_start(firmware), AMT_OK);
    assert_int_equal(firmware_show(firmware, "AMT_SetupAndConfigurationService", &shown), AMT_OK);
    assert_non_null(strstr(text_chars(&shown), "b25lLXRpbWUtcHc="));
    text_fini(&shown);
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standard_file_makes_a_pc_trust_the_server),
        cmocka_unit_test(the_key_left_in_the_pc_is_refused_at_the_next_boot),
        cmocka_unit_test(the_bare_metal_file_starts_remote_configuration),
        cmocka_unit_test(a_scrambled_file_reads_as_a_plain_one),
        cmocka_unit_test(each_pc_consumes_the_next_record),
        cmocka_unit_test(a_refused_record_is_not_consumed_and_keeps_its_place),
        cmocka_unit_test(records_that_are_not_valid_are_passed_over),
        cmocka_unit_test(in_a_kept_file_a_refused_record_makes_way_for_the_next),
        cmocka_unit_test(a_damaged_file_changes_nothing),
        cmocka_unit_test(a_record_that_breaks_a_rule_is_refused_whole),
        cmocka_unit_test(a_file_is_read_from_its_first_release_on),
        cmocka_unit_test(a_sha1_hash_is_refused_where_the_release_takes_none),
        cmocka_unit_test(a_fourth_hash_finds_no_room_until_the_others_are_deleted),
        cmocka_unit_test(hashes_are_switched_off_and_on),
        cmocka_unit_test(names_and_network_settings_are_seen_over_wsman),
        cmocka_unit_test(manual_setup_ends_in_admin_control_mode_with_the_mebx_password),
        cmocka_unit_test(redirection_and_consent_are_set),
        cmocka_unit_test(with_amt_switched_off_no_port_is_open),
        cmocka_unit_test(hello_messages_are_halted_and_need_remote_configuration),
        cmocka_unit_test(a_provisioned_pc_stays_provisioned),
        cmocka_unit_test(a_psk_identifier_is_kept_by_old_releases_alone),
        cmocka_unit_test(what_has_no_effect_is_said),
        cmocka_unit_test(wsman_and_a_file_share_the_mebx_password),
        cmocka_unit_test(a_setup_outlasts_a_power_cut_and_the_password_is_not_kept_in_clear),
        cmocka_unit_test(a_file_that_is_not_there_is_an_error),
        cmocka_unit_test(without_memory_a_file_is_refused_or_taken_whole),
        cmocka_unit_test(a_one_time_password_is_shown_while_in_provisioning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
