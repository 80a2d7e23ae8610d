/* Users and access control (wsman.md 3, 4.11). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/http/digest.h"
#include "protocol/wsman/names.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tests/pc.h"
#include "simulator/firmware/users_internal.h"

#define SERVICE "AMT_AuthorizationService"

/* base64 of MD5(user:realm:password). */
static void hash_of(struct pc *pc, const char *user, const char *password, char out[static 32])
{
    uint8_t ha1[DIGEST_MD5_BYTES];
    digest_ha1(user, provisioning_realm(pc->firmware), password, strlen(password), ha1);
    struct wsman_instance *one = wsman_instance_new(&pc->arena, "hash");
    wsman_set_base64(one, "Hash", ha1, sizeof ha1);
    (void)snprintf(out, 32, "%s", wsman_get(one, "Hash"));
}

static int add_user(struct pc *pc, const char *name, const char *password, const char *access,
                    const char *realms)
{
    char hash[32], input[512];
    hash_of(pc, name, password, hash);
    (void)snprintf(input, sizeof input,
                   "<r:DigestUsername>%s</r:DigestUsername><r:DigestPassword>%s</r:DigestPassword>"
                   "<r:AccessPermission>%s</r:AccessPermission>%s",
                   name, hash, access, realms);
    return pc_call(pc, SERVICE, "AddUserAclEntryEx", NULL, input);
}

static const char *output(struct pc *pc, const char *name)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    return pc_property(xml_child(root, NULL, "Body")->first, name);
}

static void as(struct pc *pc, const char *user, const char *password, enum firmware_door door)
{
    pc->user = user;
    pc->password = password;
    pc->door = door;
}

static int status_of_get(struct pc *pc, const char *class_name)
{
    (void)pc_wsman(pc, "Get", class_name, NULL, NULL);
    return pc->status;
}

static void a_new_admin_password_counts_at_once_wsm_062(void **state)
{
    struct pc pc;
    char hash[32], input[256];
    (void)state;
    pc_open(&pc);
    hash_of(&pc, "boss", "N3w-Passw0rd", hash);
    (void)snprintf(input, sizeof input,
                   "<r:Username>boss</r:Username><r:DigestPassword>%s</r:DigestPassword>", hash);
    assert_int_equal(pc_call(&pc, SERVICE, "SetAdminAclEntryEx", NULL, input), 0);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 401);
    as(&pc, "boss", "N3w-Passw0rd", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200); /* WSM-063 */
    assert_int_equal(pc_call(&pc, SERVICE, "GetAdminAclEntry", NULL, NULL), 0);
    assert_string_equal(output(&pc, "Username"), "boss");
    assert_int_equal(pc_call(&pc, SERVICE, "GetAdminAclEntryStatus", NULL, NULL), 0);
    assert_string_equal(output(&pc, "IsDefault"), "false");
    pc_close(&pc);
}

static void a_hash_in_hexadecimal_is_refused_act_dev_034(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, SERVICE, "SetAdminAclEntryEx", NULL,
                             "<r:Username>admin</r:Username><r:DigestPassword>"
                             "b6710485f86e6174cca7404518df56da</r:DigestPassword>"),
                     36);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200);
    pc_close(&pc);
}

static void the_list_has_system_and_acl_users_but_not_the_admin_wsm_065(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(add_user(&pc, "reader", "R3ader!pass", "2", "<r:Realms>13</r:Realms>"), 0);
    assert_string_equal(output(&pc, "Handle"), "2");
    assert_int_equal(
        pc_call(&pc, SERVICE, "EnumerateUserAclEntries", NULL, "<r:StartIndex>1</r:StartIndex>"),
        0);
    assert_non_null(strstr(text_chars(&pc.body),
                           "<g:TotalCount>2</g:TotalCount><g:HandlesCount>2</g:HandlesCount>"
                           "<g:Handles>1</g:Handles><g:Handles>2</g:Handles>"));
    assert_int_equal(pc_call(&pc, SERVICE, "GetUserAclEntryEx", NULL, "<r:Handle>1</r:Handle>"), 0);
    /* As captured. */
    assert_non_null(strstr(text_chars(&pc.body),
                           "<g:GetUserAclEntryEx_OUTPUT><g:DigestUsername>$$uns</g:DigestUsername>"
                           "<g:AccessPermission>0</g:AccessPermission><g:Realms>16</g:Realms>"
                           "<g:ReturnValue>0</g:ReturnValue></g:GetUserAclEntryEx_OUTPUT>"));
    assert_int_equal(
        pc_call(&pc, SERVICE, "EnumerateUserAclEntries", NULL, "<r:StartIndex>0</r:StartIndex>"),
        35);
    assert_int_equal(
        pc_call(&pc, SERVICE, "EnumerateUserAclEntries", NULL, "<r:StartIndex>3</r:StartIndex>"),
        35);
    pc_close(&pc);
}

static void realms_decide_what_a_user_sees_wsm_066(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    /* The nested form that some clients send. */
    assert_int_equal(add_user(&pc, "power", "P0wer!pass", "2",
                              "<r:Realms><r:RealmValue>5</r:RealmValue>"
                              "<r:RealmValue>13</r:RealmValue></r:Realms>"),
                     0);
    assert_int_equal(pc_call(&pc, SERVICE, "GetUserAclEntryEx", NULL, "<r:Handle>2</r:Handle>"), 0);
    assert_non_null(strstr(text_chars(&pc.body), "<g:Realms>5</g:Realms><g:Realms>13</g:Realms>"));
    as(&pc, "power", "P0wer!pass", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200);
    assert_int_equal(status_of_get(&pc, "AMT_BootSettingData"), 200);
    assert_int_equal(status_of_get(&pc, "AMT_RedirectionService"), 400);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    assert_int_equal(pc_call(&pc, SERVICE, "GetAdminAclEntry", NULL, NULL), -1);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc_close(&pc);
}

static void access_permission_names_the_door(void **state)
{
    static const struct {
        const char *permission;
        enum firmware_door door;
        int status;
    } k_cases[] = {
        { "0", FIRMWARE_LOCAL, 200 }, { "0", FIRMWARE_NETWORK, 401 }, { "0", FIRMWARE_CIRA, 401 },
        { "1", FIRMWARE_LOCAL, 401 }, { "1", FIRMWARE_NETWORK, 200 }, { "1", FIRMWARE_CIRA, 200 },
        { "2", FIRMWARE_LOCAL, 200 }, { "2", FIRMWARE_NETWORK, 200 }, { "2", FIRMWARE_CIRA, 200 },
    };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(add_user(&pc, "user0", "P0wer!pass", "0", "<r:Realms>13</r:Realms>"), 0);
    assert_int_equal(add_user(&pc, "user1", "P0wer!pass", "1", "<r:Realms>13</r:Realms>"), 0);
    assert_int_equal(add_user(&pc, "user2", "P0wer!pass", "2", "<r:Realms>13</r:Realms>"), 0);
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "user%s", k_cases[i].permission);
        as(&pc, name, "P0wer!pass", k_cases[i].door);
        assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), k_cases[i].status);
    }
    pc_close(&pc);
}

static void an_entry_is_changed_switched_off_and_removed(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(add_user(&pc, "guest", "Gu3st!pass", "2", "<r:Realms>13</r:Realms>"), 0);
    assert_int_equal(pc_call(&pc, SERVICE, "UpdateUserAclEntryEx", NULL,
                             "<r:Handle>2</r:Handle><r:DigestUsername>guest</r:DigestUsername>"
                             "<r:AccessPermission>1</r:AccessPermission><r:Realms>5</r:Realms>"),
                     0);
    as(&pc, "guest", "Gu3st!pass", FIRMWARE_NETWORK); /* the password stays */
    assert_int_equal(status_of_get(&pc, "AMT_BootSettingData"), 200);
    as(&pc, "admin", PC_PASSWORD, FIRMWARE_NETWORK);
    assert_int_equal(pc_call(&pc, SERVICE, "SetAclEnabledState", NULL,
                             "<r:Handle>2</r:Handle><r:Enabled>false</r:Enabled>"),
                     0);
    assert_int_equal(pc_call(&pc, SERVICE, "GetAclEnabledState", NULL, "<r:Handle>2</r:Handle>"),
                     0);
    assert_string_equal(output(&pc, "Enabled"), "false");
    as(&pc, "guest", "Gu3st!pass", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_BootSettingData"), 401);
    as(&pc, "admin", PC_PASSWORD, FIRMWARE_NETWORK);
    assert_int_equal(pc_call(&pc, SERVICE, "RemoveUserAclEntry", NULL, "<r:Handle>2</r:Handle>"),
                     0);
    assert_int_equal(pc_call(&pc, SERVICE, "RemoveUserAclEntry", NULL, "<r:Handle>2</r:Handle>"),
                     2053);
    assert_int_equal(pc_call(&pc, SERVICE, "RemoveUserAclEntry", NULL, "<r:Handle>1</r:Handle>"),
                     16); /* $$uns is the system's */
    pc_close(&pc);
}

static void wrong_entries_are_refused(void **state)
{
    static const struct {
        const char *input;
        int status;
    } k_cases[] = {
        { "<r:DigestUsername>$$me</r:DigestUsername><r:AccessPermission>2</r:AccessPermission>"
          "<r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword>",
          12 },
        { "<r:DigestUsername>seventeen-letters</r:DigestUsername><r:AccessPermission>2"
          "</r:AccessPermission><r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword>",
          12 },
        { "<r:DigestUsername>admin</r:DigestUsername><r:AccessPermission>2</r:AccessPermission>"
          "<r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword>",
          2058 },
        { "<r:DigestUsername>me</r:DigestUsername><r:AccessPermission>3</r:AccessPermission>"
          "<r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword>",
          36 },
        { "<r:DigestUsername>me</r:DigestUsername><r:AccessPermission>2</r:AccessPermission>", 36 },
        { "<r:AccessPermission>2</r:AccessPermission>", 36 },
        { "<r:DigestUsername>me</r:DigestUsername><r:AccessPermission>2</r:AccessPermission>"
          "<r:DigestPassword>tnEEhfhuYXTMp0BFGN9W2g==</r:DigestPassword><r:Realms>22</r:Realms>",
          2055 },
    };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        assert_int_equal(pc_call(&pc, SERVICE, "AddUserAclEntryEx", NULL, k_cases[i].input),
                         k_cases[i].status);
    }
    assert_int_equal(pc.firmware->users->count, 1);
    pc_close(&pc);
}

static void a_kerberos_user_is_listed_by_its_sid(void **state)
{
    static const char k_input[] =
        "<r:KerberosUserSid>AQUAAAAAAAUVAAAA</r:KerberosUserSid>"
        "<r:AccessPermission>1</r:AccessPermission><r:Realms>3</r:Realms>";
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, SERVICE, "AddUserAclEntryEx", NULL, k_input), 0);
    assert_int_equal(pc_call(&pc, SERVICE, "AddUserAclEntryEx", NULL, k_input), 2058);
    assert_int_equal(pc_call(&pc, SERVICE, "GetUserAclEntryEx", NULL, "<r:Handle>2</r:Handle>"), 0);
    assert_string_equal(output(&pc, "KerberosUserSid"), "AQUAAAAAAAUVAAAA");
    assert_null(strstr(text_chars(&pc.body), "DigestUsername"));
    pc_close(&pc);
}

static void there_is_room_for_fifteen(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (int i = 0; i < 15; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%d", i);
        assert_int_equal(add_user(&pc, name, "P0wer!pass", "2", "<r:Realms>13</r:Realms>"), 0);
    }
    assert_int_equal(add_user(&pc, "onemore", "P0wer!pass", "2", "<r:Realms>13</r:Realms>"), 23);
    pc_close(&pc);
}

/* ACT-DEV-006 */
static void before_provisioning_only_the_local_system_logs_on(void **state)
{
    struct pc pc;
    (void)state;
    pc_init(&pc);
    pc.config.control_mode = FIRMWARE_NOT_PROVISIONED;
    pc_start(&pc);
    as(&pc, "admin", PC_PASSWORD, FIRMWARE_LOCAL);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 401);
    as(&pc, "$$OsAdmin", users_os_admin_password(pc.firmware), FIRMWARE_LOCAL);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200);
    pc.door = FIRMWARE_CIRA; /* WSM-060 */
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 401);
    assert_int_equal(strlen(pc.password), 32);
    pc_close(&pc);
}

static void the_local_system_looks_but_does_not_change_a_provisioned_device(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    as(&pc, "$$OsAdmin", users_os_admin_password(pc.firmware), FIRMWARE_LOCAL);
    assert_int_equal(status_of_get(&pc, "AMT_RedirectionService"), 200);
    assert_int_equal(status_of_get(&pc, SERVICE), 400);
    (void)pc_wsman(&pc, "Put", "AMT_GeneralSettings", NULL,
                   "<r:AMT_GeneralSettings><r:HostName>x</r:HostName></r:AMT_GeneralSettings>");
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc_close(&pc);
}

static void the_born_password_comes_from_a_file(void **state)
{
    char path[] = "/tmp/amtlab-password-XXXXXX";
    struct amt_diag diag = { .err = AMT_OK };
    struct pc pc;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "F1le-Passw0rd\nrest", 18), 18);
    assert_int_equal(close(fd), 0);
    pc_init(&pc);
    pc.config.admin_password_file = amt_strdup(path);
    pc_start(&pc);
    as(&pc, "admin", "F1le-Passw0rd", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200);
    firmware_reset(pc.firmware); /* born again */
    pc.nonce[0] = '\0';
    assert_int_equal(status_of_get(&pc, "AMT_GeneralSettings"), 200);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(users_read_password_file(pc.firmware, &diag), AMT_ECONFIG);
    assert_int_equal(remove(path), 0);
    assert_int_equal(users_read_password_file(pc.firmware, &diag), AMT_ESYS);
    assert_non_null(strstr(diag.text, path));
    pc_close(&pc);
}

static void digest_users_are_cim_accounts(void **state)
{
    static const char k_account[] =
        "<r:System><a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>%sCIM_"
        "ComputerSystem</w:ResourceURI></a:ReferenceParameters></r:System><r:AccountTemplate "
        "xmlns:c=\"%sCIM_Account\"><c:UserID>dash</c:UserID><c:UserPassword>%s</c:UserPassword>"
        "</r:AccountTemplate>";
    struct pc pc;
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct text hex = { 0 }, input = { 0 };
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_count(&pc, "CIM_Account"), 0); /* neither admin nor $$uns */
    digest_ha1("dash", provisioning_realm(pc.firmware), "D4sh!pass", 9, ha1);
    text_hex(&hex, ha1, sizeof ha1);
    text_printf(&input, k_account, WSMAN_NS_CIM, WSMAN_NS_CIM, text_chars(&hex));
    assert_int_equal(
        pc_call(&pc, "CIM_AccountManagementService", "CreateAccount", NULL, text_chars(&input)), 0);
    assert_non_null(strstr(text_chars(&pc.body), "<c:Selector Name=\"Name\">dash</c:Selector>"));
    assert_int_equal(
        pc_call(&pc, "CIM_AccountManagementService", "CreateAccount", NULL, text_chars(&input)),
        36);
    assert_int_equal(pc_count(&pc, "CIM_AssignedIdentity"), 1);
    assert_int_equal(pc_count(&pc, "CIM_AccountOnSystem"), 1);
    const struct xml_node *account = pc_get(&pc, "CIM_Account", NULL);
    assert_string_equal(pc_property(account, "UserID"), "dash");
    assert_string_equal(pc_property(account, "UserPassword"), "");
    as(&pc, "dash", "D4sh!pass", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_TimeSynchronizationService"), 400); /* no realm yet */
    as(&pc, "admin", PC_PASSWORD, FIRMWARE_NETWORK);
    assert_int_equal(pc_call(&pc, "CIM_Account", "RequestStateChange", "Name=dash",
                             "<r:RequestedState>3</r:RequestedState>"),
                     0);
    as(&pc, "dash", "D4sh!pass", FIRMWARE_NETWORK);
    assert_int_equal(status_of_get(&pc, "AMT_TimeSynchronizationService"), 401);
    as(&pc, "admin", PC_PASSWORD, FIRMWARE_NETWORK);
    (void)pc_wsman(&pc, "Put", "CIM_Account", "Name=dash",
                   "<r:CIM_Account><r:UserPassword>00</r:UserPassword></r:CIM_Account>");
    assert_string_equal(pc_fault(&pc), "InvalidRepresentation");
    (void)pc_wsman(&pc, "Delete", "CIM_Account", "Name=dash", NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, "CIM_Identity"), 0);
    text_fini(&hex);
    text_fini(&input);
    pc_close(&pc);
}

static void the_kerberos_cache_is_switched(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_int_equal(pc_call(&pc, "AMT_KerberosSettingData", "SetCredentialCacheState", NULL,
                             "<r:Enable>true</r:Enable>"),
                     0);
    assert_int_equal(pc_call(&pc, "AMT_KerberosSettingData", "GetCredentialCacheState", NULL, NULL),
                     0);
    assert_string_equal(output(&pc, "Enabled"), "true");
    pc_close(&pc);
}

static void users_outlive_a_restart(void **state)
{
    struct pc pc;
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct firmware_user user;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    pc_open(&pc);
    assert_int_equal(add_user(&pc, "guest", "Gu3st!pass", "2", "<r:Realms>13</r:Realms>"), 0);
    json_t *saved = k_users_part.save(pc.firmware);
    assert_non_null(saved);
    struct users before = *pc.firmware->users;
    k_users_part.unprovision(pc.firmware, false);
    assert_false(users_find(pc.firmware, "guest", FIRMWARE_LOCAL, &user, ha1));
    assert_int_equal(k_users_part.load(pc.firmware, saved, &diag), AMT_OK);
    assert_memory_equal(pc.firmware->users->entries, before.entries, sizeof before.entries);
    assert_true(users_find(pc.firmware, "guest", FIRMWARE_LOCAL, &user, ha1));
    assert_int_equal(user.realms, REALM_BIT(REALM_GENERAL_INFO));
    json_object_set_new(saved, "admin_ha1", json_string("00"));
    assert_int_equal(k_users_part.load(pc.firmware, saved, &diag), AMT_ECONFIG);
    assert_non_null(strstr(diag.text, "admin_ha1"));
    json_decref(saved);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_admin_password_counts_at_once_wsm_062),
        cmocka_unit_test(a_hash_in_hexadecimal_is_refused_act_dev_034),
        cmocka_unit_test(the_list_has_system_and_acl_users_but_not_the_admin_wsm_065),
        cmocka_unit_test(realms_decide_what_a_user_sees_wsm_066),
        cmocka_unit_test(access_permission_names_the_door),
        cmocka_unit_test(an_entry_is_changed_switched_off_and_removed),
        cmocka_unit_test(wrong_entries_are_refused),
        cmocka_unit_test(a_kerberos_user_is_listed_by_its_sid),
        cmocka_unit_test(there_is_room_for_fifteen),
        cmocka_unit_test(before_provisioning_only_the_local_system_logs_on),
        cmocka_unit_test(the_local_system_looks_but_does_not_change_a_provisioned_device),
        cmocka_unit_test(the_born_password_comes_from_a_file),
        cmocka_unit_test(digest_users_are_cim_accounts),
        cmocka_unit_test(the_kerberos_cache_is_switched),
        cmocka_unit_test(users_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
