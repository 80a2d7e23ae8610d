/* What the firmware answers to tools on the PC, and that it is the same as over WS-Man (mei.md 4). */
#include <openssl/x509.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"
#include "simulator/host/pthi.h"
#include "simulator/host/tests/host_rig.h"

static struct host_rig k_rig;
#define FW (k_rig.firmware)

static const struct pthi_version *version_of(const char *name)
{
    for (uint32_t i = 0; i < k_rig.response.versions.count; i++) {
        if (strcmp(k_rig.response.versions.entries[i].name, name) == 0) {
            return &k_rig.response.versions.entries[i];
        }
    }
    return NULL;
}

/* ACT-DEV-001 */
static void state_and_mode_are_those_of_the_model(void **state)
{
    (void)state;
    static const struct {
        enum firmware_mode mode;
        uint32_t state, control, provisioning;
    } k_cases[] = {
        { FIRMWARE_NOT_PROVISIONED, 0, 0, 0 },
        { FIRMWARE_CLIENT_CONTROL, 2, 1, 1 },
        { FIRMWARE_ADMIN_CONTROL, 2, 2, 1 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        host_rig_open(&k_rig, k_cases[i].mode, NULL);
        assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PROVISIONING_STATE), 0);
        assert_int_equal(k_rig.response.numbers[0], k_cases[i].state);
        assert_int_equal(host_rig_get(&k_rig, PTHI_GET_CONTROL_MODE), 0);
        assert_int_equal(k_rig.response.numbers[0], k_cases[i].control);
        assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PROVISIONING_MODE), 0);
        assert_int_equal(k_rig.response.numbers[0], k_cases[i].provisioning);
        assert_int_equal(k_rig.response.numbers[1], 0);
        host_rig_close(&k_rig);
    }
}

static void versions_have_what_tools_look_for(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, "16.1.25.2124");
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_CODE_VERSIONS), 0);
    assert_non_null(version_of("AMT")); /* MEI-026 */
    assert_string_equal(version_of("AMT")->version, "16.1.25");
    assert_string_equal(version_of("Flash")->version, "16.1.25");
    assert_string_equal(version_of("Sku")->version, "16392");
    assert_string_equal(version_of("Build Number")->version, "2124");
    assert_string_equal(version_of("VendorID")->version, "8086");
    assert_true(k_rig.response.versions.bios[0] != '\0');
    host_rig_close(&k_rig);
}

static void the_uuid_is_the_one_of_the_device(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_UUID), 0);
    assert_true(uuid_equal(&k_rig.response.uuid, &FW->uuid));
    assert_int_equal(k_rig.answer[16], 0x78); /* its first three fields are little-endian */
    host_rig_close(&k_rig);
}

static void the_account_of_the_host_logs_on(void **state)
{
    (void)state;
    struct firmware_user user;
    uint8_t ha1[DIGEST_MD5_BYTES], expected[DIGEST_MD5_BYTES];
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, NULL);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_LOCAL_SYSTEM_ACCOUNT), 0);
    assert_int_equal(k_rig.answer_len, 12 + 4 + 68); /* MEI-027 */
    assert_string_equal(k_rig.response.account.user, "$$OsAdmin");
    const char *password = k_rig.response.account.password;
    assert_true(users_find(FW, "$$OsAdmin", FIRMWARE_LOCAL, &user, ha1));
    digest_ha1("$$OsAdmin", provisioning_realm(FW), password, strlen(password), expected);
    assert_memory_equal(ha1, expected, sizeof ha1);
    host_rig_close(&k_rig);
}

static void hashes_are_listed_by_their_handles(void **state)
{
    (void)state;
    static const uint8_t k_digest[48] = { 0xab, 0xcd };
    uint32_t handles[PTHI_HANDLES_MAX];
    struct keys_hash hash;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "16.1.25.2124");
    assert_int_equal(keys_hash_add(FW, "AMTLab", KEYS_HASH_SHA384, k_digest), AMT_OK);
    assert_int_equal(host_rig_get(&k_rig, PTHI_ENUMERATE_HASH_HANDLES), 0);
    uint32_t count = k_rig.response.handle_count;
    assert_true(count > 10 && count <= PTHI_HANDLES_MAX);
    memcpy(handles, k_rig.response.handles, sizeof handles);
    bool has_seen_own = false;
    for (uint32_t i = 0; i < count; i++) { /* ACT-DEV-039 */
        assert_int_equal(host_rig_number(&k_rig, PTHI_GET_HASH_ENTRY, handles[i]), 0);
        assert_true(keys_hash_at(FW, i, &hash));
        const struct pthi_hash_entry *entry = &k_rig.response.hash;
        assert_int_equal(entry->algorithm, hash.type);
        assert_int_equal(entry->is_default, hash.is_default);
        assert_int_equal(entry->is_active, hash.is_active);
        assert_memory_equal(entry->hash, hash.bytes, hash.len);
        assert_int_equal(entry->hash[hash.len], 0);
        assert_true(host_rig_said(&k_rig, hash.name));
        has_seen_own = has_seen_own || host_rig_said(&k_rig, "AMTLab");
    }
    assert_true(has_seen_own);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_HASH_ENTRY, 99), PTHI_INVALID_HANDLE);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_HASH_ENTRY, 21), PTHI_INVALID_HANDLE);
    keys_hashes_switch_users(FW, false);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_HASH_ENTRY, 20), 0);
    assert_int_equal(k_rig.response.hash.is_active, 0);
    host_rig_close(&k_rig);
}

/* ACT-DEV-029, MEI-028 */
static void only_client_control_mode_is_left_from_the_host(void **state)
{
    (void)state;
    for (uint32_t mode = 0; mode <= 1; mode++) {
        host_rig_open(&k_rig, FIRMWARE_CLIENT_CONTROL, NULL);
        assert_int_equal(host_rig_number(&k_rig, PTHI_UNPROVISION, mode), 0);
        assert_int_equal(provisioning_state(FW), PROVISIONING_PRE);
        assert_int_equal(firmware_mode(FW), FIRMWARE_NOT_PROVISIONED);
        assert_int_equal(host_rig_number(&k_rig, PTHI_UNPROVISION, mode), PTHI_INVALID_MODE);
        host_rig_close(&k_rig);
    }
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_number(&k_rig, PTHI_UNPROVISION, 1), PTHI_INVALID_MODE);
    assert_int_equal(firmware_mode(FW), FIRMWARE_ADMIN_CONTROL);
    host_rig_close(&k_rig);
}

/* MEI-029, ACT-DEV-028 */
static void configuration_is_started_and_stopped(void **state)
{
    (void)state;
    static const uint32_t k_starts[] = { PTHI_START_CONFIGURATION, PTHI_START_CONFIGURATION_EX };
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, NULL);
    assert_int_equal(host_rig_get(&k_rig, PTHI_STOP_CONFIGURATION), PTHI_INVALID_MODE);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(host_rig_number(&k_rig, k_starts[i], 0), 0);
        assert_int_equal(provisioning_state(FW), PROVISIONING_IN);
        assert_int_equal(host_rig_number(&k_rig, k_starts[i], 0), PTHI_INVALID_MODE);
        assert_int_equal(host_rig_get(&k_rig, PTHI_STOP_CONFIGURATION), 0);
        assert_int_equal(provisioning_state(FW), PROVISIONING_PRE);
    }
    host_rig_close(&k_rig);
    host_rig_open(&k_rig, FIRMWARE_CLIENT_CONTROL, NULL);
    assert_int_equal(host_rig_get(&k_rig, PTHI_START_CONFIGURATION), PTHI_INVALID_MODE);
    assert_int_equal(host_rig_get(&k_rig, PTHI_STOP_CONFIGURATION), PTHI_INVALID_MODE);
    host_rig_close(&k_rig);
}

static void without_zero_touch_nothing_is_started(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "16.1.25.2124");
    assert_int_equal(host_rig_get(&k_rig, PTHI_ZERO_TOUCH), 0);
    assert_int_equal(k_rig.response.number_count, 1);
    assert_int_equal(k_rig.response.numbers[0], 1);
    assert_int_equal(host_rig_number(&k_rig, PTHI_SET_ZERO_TOUCH, 0), 0);
    assert_false(mebx_zero_touch(FW));
    assert_int_equal(host_rig_get(&k_rig, PTHI_START_CONFIGURATION), PTHI_NOT_PERMITTED);
    assert_int_equal(provisioning_state(FW), PROVISIONING_PRE);
    assert_int_equal(host_rig_number(&k_rig, PTHI_ZERO_TOUCH, 1), 0);
    assert_int_equal(k_rig.response.number_count, 0);
    assert_true(mebx_zero_touch(FW));
    assert_int_equal(host_rig_number(&k_rig, PTHI_SET_ZERO_TOUCH, 2), PTHI_INVALID_PARAMETER);
    assert_int_equal(host_rig_get(&k_rig, PTHI_START_CONFIGURATION), 0);
    host_rig_close(&k_rig);
}

static uint32_t start_host_based(uint32_t layout, uint32_t algorithm)
{
    struct pthi_request request = { .command = PTHI_START_CONFIGURATION_HBASED };
    request.start.layout = layout;
    request.start.algorithm = algorithm;
    memset(request.start.hash, 0xa5, 48);
    return host_rig_ask(&k_rig, &request, NULL);
}

/* ACT-DEV-040, MEI-030 */
static void a_host_based_start_tells_the_certificate_that_will_be_shown(void **state)
{
    (void)state;
    static const uint32_t k_layouts[] = { PTHI_START_SHORT, PTHI_START_PACKED, PTHI_START_LONG,
                                          PTHI_START_WIDE };
    for (uint32_t i = 0; i < 8; i++) {
        bool is_long = i >= 4;
        uint8_t hash[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "16.1.25.2124");
        assert_int_equal(start_host_based(k_layouts[i % 4], is_long ? 3 : 2), 0);
        assert_int_equal(k_rig.answer_len, 81);
        assert_int_equal(X509_digest(tls_settings_factory_certificate(FW),
                                     is_long ? EVP_sha384() : EVP_sha256(), hash, &len),
                         1);
        assert_int_equal(k_rig.response.start_algorithm, is_long ? 3 : 2);
        assert_memory_equal(k_rig.response.start_hash, hash, len);
        assert_int_equal(k_rig.response.start_hash[len], 0);
        assert_int_equal(provisioning_state(FW), PROVISIONING_IN);
        assert_int_equal(FW->provisioning->announced_len, len);
        assert_int_equal(FW->provisioning->announced[0], 0xa5);
        assert_int_equal(start_host_based(k_layouts[i % 4], 2), PTHI_INVALID_MODE);
        host_rig_close(&k_rig);
    }
}

static void a_host_based_start_is_refused(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "16.1.25.2124");
    assert_int_equal(start_host_based(PTHI_START_PACKED, 1), PTHI_INVALID_PARAMETER);
    assert_int_equal(start_host_based(PTHI_START_WIDE, 0x102), PTHI_INVALID_PARAMETER);
    assert_int_equal(provisioning_state(FW), PROVISIONING_PRE);
    host_rig_close(&k_rig);
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, "16.1.25.2124");
    assert_int_equal(start_host_based(PTHI_START_PACKED, 2), PTHI_INVALID_MODE);
    host_rig_close(&k_rig);
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "12.0.67");
    assert_int_equal(start_host_based(PTHI_START_PACKED, 2), PTHI_UNSUPPORTED);
    host_rig_close(&k_rig);
}

/* ACT-DEV-023: it beats DHCP, and is told apart from it. */
static void the_trusted_suffix_is_set_and_read(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, NULL);
    assert_int_equal(provisioning_set_dhcp_suffix(FW, "dhcp.example"), AMT_OK);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PKI_DNS_SUFFIX), 0);
    assert_true(host_rig_said(&k_rig, ""));
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, "lab.example.com"), 0);
    assert_string_equal(provisioning_suffix(FW), "lab.example.com");
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PKI_DNS_SUFFIX), 0);
    assert_true(host_rig_said(&k_rig, "lab.example.com"));
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, "a b"), PTHI_INVALID_PARAMETER);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, "a\tb"), PTHI_INVALID_PARAMETER);
    char longest[257];
    memset(longest, 'a', 256);
    longest[256] = '\0';
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, longest), PTHI_INVALID_PARAMETER);
    assert_string_equal(provisioning_suffix(FW), "lab.example.com");
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, ""), 0);
    assert_string_equal(provisioning_suffix(FW), "dhcp.example");
    host_rig_close(&k_rig);
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_DNS_SUFFIX, "x.example"), PTHI_INVALID_MODE);
    host_rig_close(&k_rig);
}

static void a_one_time_password_is_kept_for_the_server(void **state)
{
    (void)state;
    struct text shown = { 0 };
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, NULL);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_OTP, "short"), PTHI_INVALID_PARAMETER);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_OTP, "123456789012345678901234567890123"),
                     PTHI_INVALID_PARAMETER);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_OTP, "one-time-pw"), 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_START_CONFIGURATION), 0);
    assert_int_equal(firmware_show(FW, "AMT_SetupAndConfigurationService", &shown), AMT_OK);
    assert_non_null(strstr(text_chars(&shown), "b25lLXRpbWUtcHc="));
    text_fini(&shown);
    host_rig_close(&k_rig);
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_text(&k_rig, PTHI_SET_OTP, "one-time-pw"), PTHI_INVALID_MODE);
    host_rig_close(&k_rig);
}

/* MEI-032 */
static void a_port_is_the_one_wsman_shows(void **state)
{
    (void)state;
    struct text shown = { 0 }, mac = { 0 };
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_LAN_INTERFACE, 0), 0);
    assert_int_equal(k_rig.answer_len, 12 + 4 + 20);
    const struct pthi_lan *lan = &k_rig.response.lan;
    assert_int_equal(lan->is_enabled, 1);
    assert_int_equal(lan->dhcp_is_enabled, 1);
    assert_int_equal(lan->link, 1);
    assert_int_equal(firmware_show(FW, "AMT_EthernetPortSettings", &shown), AMT_OK);
    for (uint32_t i = 0; i < 6; i++) {
        text_printf(&mac, "%s%02x", i == 0 ? "" : "-", lan->mac[i]);
    }
    assert_non_null(strstr(text_chars(&shown), text_chars(&mac)));
    text_fini(&mac);
    text_printf(&mac, "IPAddress                        %u.%u.%u.%u\n", lan->ipv4 >> 24,
                lan->ipv4 >> 16 & 255, lan->ipv4 >> 8 & 255, lan->ipv4 & 255);
    assert_non_null(strstr(text_chars(&shown), text_chars(&mac)));
    text_fini(&mac);
    text_fini(&shown);
    uint8_t wired[6];
    memcpy(wired, lan->mac, 6);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_MAC_ADDRESSES), 0);
    assert_int_equal(k_rig.response.bytes.len, 12);
    assert_memory_equal(k_rig.answer + k_rig.response.bytes.off, wired, 6);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_LAN_INTERFACE, 1), 0);
    assert_int_equal(k_rig.response.lan.link, 0);
    assert_int_equal(k_rig.response.lan.dhcp_mode, 2);
    assert_memory_not_equal(k_rig.response.lan.mac, wired, 6);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_LAN_INTERFACE, 2), PTHI_INVALID_PARAMETER);
    host_rig_close(&k_rig);
}

static void names_are_those_of_the_general_settings(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(settings_set(FW, "AMT_GeneralSettings", "", "HostName", "pc01"), AMT_OK);
    assert_int_equal(settings_set(FW, "AMT_GeneralSettings", "", "DomainName", "example.com"),
                     AMT_OK);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_FQDN), 0);
    assert_true(host_rig_said(&k_rig, "pc01.example.com"));
    assert_int_equal(k_rig.response.numbers[0], 1);
    assert_int_equal(k_rig.response.numbers[2], 1440);
    assert_int_equal(k_rig.response.numbers[3], 900);
    assert_int_equal(k_rig.response.numbers[4], 4);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_TCPIP_PARAMETERS), 0);
    assert_true(host_rig_said(&k_rig, "example.com"));
    assert_int_equal(k_rig.response.numbers[0], 2);
    struct pthi_request named = { .command = PTHI_SET_HOST_FQDN, .bytes = { .len = 9 } };
    assert_int_equal(host_rig_ask(&k_rig, &named, "pc01.test"), 0); /* with a 0 counted: the same */
    assert_string_equal(settings_get(FW, "AMT_GeneralSettings", "", "HostOSFQDN"), "pc01.test");
    named.bytes.len = 10;
    assert_int_equal(host_rig_ask(&k_rig, &named, "pc02.test"), 0);
    assert_string_equal(settings_get(FW, "AMT_GeneralSettings", "", "HostOSFQDN"), "pc02.test");
    host_rig_close(&k_rig);
}

static void the_configuration_server_is_told(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, NULL);
    assert_int_equal(mebx_set_server_address(FW, "192.168.1.10"), AMT_OK);
    assert_int_equal(mebx_set_server_fqdn(FW, "prov.example.com"), AMT_OK);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_CONFIG_SERVER), 0);
    const uint8_t *data = k_rig.answer + k_rig.response.bytes.off;
    assert_int_equal(k_rig.response.bytes.len, 2 + 46 + 2 + 16);
    assert_int_equal(data[0] + 256 * data[1], 9971);
    assert_string_equal((const char *)data + 2, "192.168.1.10");
    assert_int_equal(data[48], 16);
    assert_memory_equal(data + 50, "prov.example.com", 16);
    host_rig_close(&k_rig);
}

static void the_last_setup_with_a_certificate_is_told(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL); /* born so, by hand */
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_SETUP_AUDIT_RECORD), PTHI_NOT_FOUND);
    struct provisioning *provisioning = FW->provisioning;
    struct provisioning_record *record = &provisioning->records[provisioning->record_count++];
    *record = (struct provisioning_record){ .id = 9,
                                            .kind = RECORD_ADMIN,
                                            .created_s = 1767529815, /* 2026-01-04 12:30:15 */
                                            .hash_type = 2,
                                            .hash = { 0x10, 0x11 },
                                            .hash_len = 32,
                                            .hash_is_default = true,
                                            .is_secure_dns = true,
                                            .common_name = "prov.example.com" };
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_SETUP_AUDIT_RECORD), 0);
    const uint8_t *data = k_rig.answer + k_rig.response.bytes.off;
    assert_int_equal(k_rig.response.bytes.len, 199 + 16);
    assert_int_equal(data[1], 1);
    assert_int_equal(data[5], 1);
    assert_int_equal(data[9], 2);
    assert_int_equal(data[13], 0x10);
    assert_int_equal(data[129], 1);
    static const uint16_t k_time[] = { 2026, 1, 0, 4, 12, 30, 15 };
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(data[183 + 2 * i] + 256 * data[184 + 2 * i], k_time[i]);
    }
    assert_memory_equal(data + 199, "prov.example.com", 16);
    host_rig_close(&k_rig);
}

static void redirection_and_features_follow_the_settings(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    redirection_set_up(FW, true, false);
    redirection_set_up_kvm(FW, true);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_REDIRECTION_STATE), 0);
    assert_int_equal(k_rig.response.numbers[0], 5);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_FEATURES_STATE, 0), 0);
    assert_int_equal(k_rig.response.numbers[2], 0);
    assert_true(redirection_session_began(FW, REDIRECTION_SOL, NULL));
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_FEATURES_STATE, 0), 0);
    assert_int_equal(k_rig.response.numbers[2], 1);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_FEATURES_STATE, 2), 0);
    assert_int_equal(k_rig.response.numbers[0], 2);
    assert_int_equal(k_rig.response.numbers[1], 1);
    assert_int_equal(host_rig_number(&k_rig, PTHI_GET_FEATURES_STATE, 9), PTHI_INVALID_PARAMETER);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_SECURITY_PARAMETERS), 0);
    assert_int_equal(k_rig.response.numbers[3], 2);
    assert_int_equal(k_rig.response.numbers[5], 1);
    assert_int_equal(k_rig.response.numbers[6], 0);
    assert_int_equal(k_rig.response.numbers[9], 1);
    host_rig_close(&k_rig);
}

/* MEI-033, MEI-034 */
static void without_a_policy_nobody_is_called(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_REMOTE_ACCESS_STATUS), 0);
    assert_int_equal(k_rig.response.numbers[1], 0);
    assert_true(host_rig_said(&k_rig, ""));
    assert_int_equal(host_rig_get(&k_rig, PTHI_OPEN_USER_CONNECTION), PTHI_DATA_MISSING);
    assert_int_equal(host_rig_get(&k_rig, PTHI_CLOSE_USER_CONNECTION), 0);
    assert_int_equal(k_rig.tunnels_closed, 1);
    host_rig_close(&k_rig);
}

static void small_facts_are_told(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_NOT_PROVISIONED, "9.1.2");
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PROVISIONING_TLS_MODE), 0);
    assert_int_equal(k_rig.response.numbers[0], 2);
    mebx_set_pid(FW, "4444AAA7");
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PROVISIONING_TLS_MODE), 0);
    assert_int_equal(k_rig.response.numbers[0], 1);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_PID), 0);
    assert_true(host_rig_said(&k_rig, "4444AAA7"));
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_ADMIN_ACL_STATUS), 0);
    assert_int_equal(k_rig.response.numbers[0], 1);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_RNG_SEED_STATUS), 0);
    assert_int_equal(k_rig.response.numbers[0], 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GENERATE_RNG_SEED), 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_EHBC_STATE), 0);
    assert_int_equal(k_rig.response.numbers[0], 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_POWER_POLICY), 0);
    assert_true(k_rig.response.bytes.len > 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_GET_DNS_SUFFIX_LIST), 0);
    assert_int_equal(k_rig.response.bytes.len, 0);
    assert_int_equal(host_rig_get(&k_rig, PTHI_SET_ENTERPRISE_ACCESS), PTHI_HOST_VPN_DISABLED);
    host_rig_close(&k_rig);
}

static void what_the_device_does_not_know_is_not_supported(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(host_rig_number(&k_rig, PTHI_SET_EHBC_STATE, 1), PTHI_UNSUPPORTED);
    static const uint8_t k_unknown[] = { 1, 1, 0, 0, 0xff, 7, 0, 4, 0, 0, 0, 0 };
    assert_int_equal(host_pthi_answer(FW, k_unknown, sizeof k_unknown, k_rig.answer,
                                      sizeof k_rig.answer, &k_rig.answer_len),
                     PTHI_UNSUPPORTED); /* MEI-023 */
    assert_int_equal(k_rig.answer_len, 16);
    host_rig_close(&k_rig);
}

/* MEI-021 */
static void what_is_no_request_gets_no_answer(void **state)
{
    (void)state;
    static const uint8_t k_response[] = { 1, 1, 0, 0, 0x11, 0, 0x80, 4, 0, 0, 0, 0 };
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    for (uint32_t len = 0; len <= sizeof k_response; len++) {
        assert_int_equal(host_pthi_answer(FW, k_response, len, k_rig.answer, sizeof k_rig.answer,
                                          &k_rig.answer_len),
                         0);
        assert_int_equal(k_rig.answer_len, 0);
    }
    host_rig_close(&k_rig);
}

static void an_answer_without_room_says_so(void **state)
{
    (void)state;
    static const uint8_t k_versions[] = { 1, 1, 0, 0, 0x1a, 0, 0, 4, 0, 0, 0, 0 };
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    assert_int_equal(
        host_pthi_answer(FW, k_versions, sizeof k_versions, k_rig.answer, 100, &k_rig.answer_len),
        PTHI_INTERNAL_ERROR);
    assert_int_equal(k_rig.answer_len, 16);
    assert_int_equal(
        host_pthi_answer(FW, k_versions, sizeof k_versions, k_rig.answer, 15, &k_rig.answer_len),
        PTHI_INTERNAL_ERROR);
    assert_int_equal(k_rig.answer_len, 0);
    host_rig_close(&k_rig);
}

/* Whatever the command, and whichever allocation fails, there is an answer. */
static void every_command_is_answered_without_memory(void **state)
{
    (void)state;
    host_rig_open(&k_rig, FIRMWARE_ADMIN_CONTROL, NULL);
    for (uint32_t i = 0; i < k_pthi_command_count; i++) {
        uint8_t in[512];
        struct pthi_request request = { .command = k_pthi_commands[i].command };
        request.start.layout = PTHI_START_PACKED;
        uint32_t len = pthi_encode_request(&request, NULL, in, sizeof in);
        for (uint64_t k = 1; k < 12; k++) {
            amt_memory_fail_after(k);
            (void)host_pthi_answer(FW, in, len, k_rig.answer, sizeof k_rig.answer,
                                   &k_rig.answer_len);
            amt_memory_fail_after(0);
            assert_int_equal(pthi_decode_response(k_rig.answer, k_rig.answer_len, request.command,
                                                  &k_rig.response),
                             AMT_OK);
        }
    }
    host_rig_close(&k_rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_and_mode_are_those_of_the_model),
        cmocka_unit_test(versions_have_what_tools_look_for),
        cmocka_unit_test(the_uuid_is_the_one_of_the_device),
        cmocka_unit_test(the_account_of_the_host_logs_on),
        cmocka_unit_test(hashes_are_listed_by_their_handles),
        cmocka_unit_test(only_client_control_mode_is_left_from_the_host),
        cmocka_unit_test(configuration_is_started_and_stopped),
        cmocka_unit_test(without_zero_touch_nothing_is_started),
        cmocka_unit_test(a_host_based_start_tells_the_certificate_that_will_be_shown),
        cmocka_unit_test(a_host_based_start_is_refused),
        cmocka_unit_test(the_trusted_suffix_is_set_and_read),
        cmocka_unit_test(a_one_time_password_is_kept_for_the_server),
        cmocka_unit_test(a_port_is_the_one_wsman_shows),
        cmocka_unit_test(names_are_those_of_the_general_settings),
        cmocka_unit_test(the_configuration_server_is_told),
        cmocka_unit_test(the_last_setup_with_a_certificate_is_told),
        cmocka_unit_test(redirection_and_features_follow_the_settings),
        cmocka_unit_test(without_a_policy_nobody_is_called),
        cmocka_unit_test(small_facts_are_told),
        cmocka_unit_test(what_the_device_does_not_know_is_not_supported),
        cmocka_unit_test(what_is_no_request_gets_no_answer),
        cmocka_unit_test(an_answer_without_room_says_so),
        cmocka_unit_test(every_command_is_answered_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
