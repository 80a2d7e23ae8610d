/* The audit log (wsman.md 4.17). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "simulator/firmware/audit_log_internal.h"
#include "simulator/firmware/tests/pc.h"
#include "simulator/firmware/users_internal.h"

#define LOG_CLASS "AMT_AuditLog"

static void open_empty(struct pc *pc)
{
    pc_open(pc);
    audit_log_clear(pc->firmware);
}

static const char *output(struct pc *pc, const char *name)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    return pc_property(xml_child(root, NULL, "Body")->first, name);
}

static int read_records(struct pc *pc, const char *start)
{
    char input[64];
    (void)snprintf(input, sizeof input, "<r:StartIndex>%s</r:StartIndex>", start);
    return pc_call(pc, LOG_CLASS, "ReadRecords", NULL, input);
}

/* Bytes of the at-th record of the last answer. */
static size_t record_of(struct pc *pc, uint32_t at, uint8_t out[static AUDIT_RECORD_MAX_BYTES])
{
    const char *from = text_chars(&pc->body);
    for (uint32_t i = 0; i <= at; i++) {
        from = strstr(from, "<g:EventRecords>");
        assert_non_null(from);
        from += strlen("<g:EventRecords>");
    }
    size_t len = 0;
    assert_int_equal(base64_decode(from, strcspn(from, "<"), out, &len), AMT_OK);
    return len;
}

static void the_captured_record_is_what_we_write_wsm_103(void **state)
{
    static const char k_base64[] = "ABMAAAI/9M1uAgAQAAwAAAAoBZkADAAAACQFlA==";
    static const uint8_t k_data[16] = { 0x00, 0x0c, 0x00, 0x00, 0x00, 0x28, 0x05, 0x99,
                                        0x00, 0x0c, 0x00, 0x00, 0x00, 0x24, 0x05, 0x94 };
    struct audit_record record;
    struct text base64 = { 0 };
    (void)state;
    audit_record_encode(&record, NULL, AUDIT_FIRMWARE_UPDATE, 0, 0x3ff4cd6e, k_data, sizeof k_data);
    base64_encode(&base64, record.bytes, record.len);
    assert_string_equal(text_chars(&base64), k_base64);
    text_fini(&base64);
}

static void a_record_names_who_and_from_where(void **state)
{
    static const uint8_t k_ipv4[] = {
        0, 16, 0, 6,   0,   5,   'a', 'd', 'm', 'i', 'n', 1,   2, 3,
        4, 0,  9, '1', '9', '2', '.', '0', '.', '2', '.', '7', 1, 42
    };
    static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };
    struct firmware_call call = { .user = &k_admin, .peer = "192.0.2.7:51324" };
    struct audit_record record;
    (void)state;
    audit_record_encode(&record, &call, AUDIT_SECURITY_ADMIN, 6, 0x01020304,
                        (const uint8_t *)"\x2a", 1);
    assert_int_equal(record.len, sizeof k_ipv4);
    assert_memory_equal(record.bytes, k_ipv4, sizeof k_ipv4);
    call.peer = "[2001:db8::1]:99";
    audit_record_encode(&record, &call, AUDIT_SECURITY_ADMIN, 6, 0x01020304, NULL, 0);
    assert_memory_equal(record.bytes + 15,
                        "\x01\x0b"
                        "2001:db8::1\x00",
                        14);
    assert_int_equal(record.len, 29);
}

static void operations_leave_records(void **state)
{
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    assert_int_equal(pc_call(&pc, "AMT_MessageLog", "ClearLog", NULL, NULL), 0);
    assert_int_equal(pc_call(&pc, "AMT_MessageLog", "FreezeLog", NULL, "<r:Freeze>true</r:Freeze>"),
                     0);
    assert_int_equal(read_records(&pc, "1"), 0);
    assert_string_equal(output(&pc, "TotalRecordCount"), "2");
    assert_string_equal(output(&pc, "RecordsReturned"), "2");
    assert_true(record_of(&pc, 0, record) > 11);
    assert_memory_equal(record,
                        "\x00\x18\x00\x02\x00\x05"
                        "admin",
                        11);
    assert_true(record_of(&pc, 1, record) > 11);
    assert_memory_equal(record, "\x00\x18\x00\x03", 4);
    pc_close(&pc);
}

static void a_failed_logon_is_recorded_with_the_name_tried(void **state)
{
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    pc_send(&pc, "GET /index.htm HTTP/1.1\r\n\r\n", 27);
    assert_int_equal(pc.firmware->audit_log->count, 0); /* a challenge is no failure */
    pc.user = "mallory";
    (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
    assert_int_equal(pc.status, 401);
    pc.user = "admin";
    assert_int_equal(read_records(&pc, "1"), 0);
    (void)record_of(&pc, 0, record);
    assert_memory_equal(record, "\x00\x10\x00\x05\x00\x07mallory", 13);
    pc_close(&pc);
}

static void ten_records_come_at_once(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    for (uint16_t i = 0; i < 13; i++) {
        audit_log_add(pc.firmware, NULL, AUDIT_KVM, i, NULL, 0);
    }
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    assert_int_equal(read_records(&pc, "1"), 0);
    assert_string_equal(output(&pc, "RecordsReturned"), "10");
    assert_int_equal(record_of(&pc, 0, record), 12);
    assert_int_equal(record[3], 0);
    assert_int_equal(read_records(&pc, "11"), 0);
    assert_string_equal(output(&pc, "RecordsReturned"), "3");
    (void)record_of(&pc, 2, record);
    assert_int_equal(record[3], 12);
    assert_int_equal(read_records(&pc, "14"), 0);
    assert_string_equal(output(&pc, "RecordsReturned"), "0");
    assert_int_equal(read_records(&pc, "0"), 35);
    pc_close(&pc);
}

static void fill(struct pc *pc, uint32_t records)
{
    static const uint8_t k_data[200];
    for (uint32_t i = 0; i < records; i++) {
        audit_log_add(pc->firmware, NULL, AUDIT_KVM, (uint16_t)i, k_data, sizeof k_data);
    }
}

static void a_full_log_rolls_over(void **state)
{
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    fill(&pc, 400); /* of 214 bytes: 306 fit */
    const struct xml_node *log = pc_get(&pc, LOG_CLASS, NULL);
    assert_string_equal(pc_property(log, "CurrentNumberOfRecords"), "306");
    assert_string_equal(pc_property(log, "AuditState"), "20"); /* almost full, no signing key */
    assert_string_equal(pc_property(log, "OverwritePolicy"), "2");
    assert_int_equal(read_records(&pc, "306"), 0);
    (void)record_of(&pc, 0, record);
    assert_int_equal(record[2] << 8 | record[3], 399);
    assert_int_equal(read_records(&pc, "1"), 0);
    (void)record_of(&pc, 0, record);
    assert_int_equal(record[2] << 8 | record[3], 94);
    pc_close(&pc);
}

static void without_roll_over_the_newest_is_lost(void **state)
{
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    (void)pc_wsman(&pc, "Put", LOG_CLASS, NULL,
                   "<r:AMT_AuditLog><r:StoragePolicy>0</r:StoragePolicy></r:AMT_AuditLog>");
    assert_int_equal(pc.status, 200);
    fill(&pc, 400);
    const struct xml_node *log = pc_get(&pc, LOG_CLASS, NULL);
    assert_string_equal(pc_property(log, "AuditState"), "28"); /* full too */
    assert_string_equal(pc_property(log, "OverwritePolicy"), "7");
    assert_int_equal(read_records(&pc, "1"), 0);
    (void)record_of(&pc, 0, record);
    assert_int_equal(record[2] << 8 | record[3], 0);
    (void)pc_wsman(&pc, "Put", LOG_CLASS, NULL,
                   "<r:AMT_AuditLog><r:StoragePolicy>3</r:StoragePolicy></r:AMT_AuditLog>");
    assert_int_equal(pc.status, 500);
    pc_close(&pc);
}

static void restricted_roll_over_keeps_the_days(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    (void)pc_wsman(&pc, "Put", LOG_CLASS, NULL,
                   "<r:AMT_AuditLog><r:MinDaysToKeep>3</r:MinDaysToKeep>"
                   "<r:StoragePolicy>2</r:StoragePolicy></r:AMT_AuditLog>");
    assert_string_equal(pc_property(pc_get(&pc, LOG_CLASS, NULL), "MinDaysToKeep"), "3");
    fill(&pc, 400);
    assert_int_equal(pc.firmware->audit_log->count, 306);
    uint64_t newest = pc.firmware->audit_log->last_s;
    pc_run(&pc, UINT64_C(4) * 86400 * US_PER_SECOND);
    fill(&pc, 1);
    assert_int_equal(pc.firmware->audit_log->count, 306);
    assert_true(pc.firmware->audit_log->last_s > newest);
    pc_close(&pc);
}

static void switching_off_is_the_last_record(void **state)
{
    uint8_t record[AUDIT_RECORD_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "RequestStateChange", NULL,
                             "<r:RequestedState>3</r:RequestedState>"),
                     0);
    fill(&pc, 1);
    const struct xml_node *log = pc_get(&pc, LOG_CLASS, NULL);
    assert_string_equal(pc_property(log, "AuditState"), "17");
    assert_string_equal(pc_property(log, "EnabledState"), "3");
    assert_string_equal(pc_property(log, "CurrentNumberOfRecords"), "1");
    assert_int_equal(read_records(&pc, "1"), 0);
    (void)record_of(&pc, 0, record);
    assert_memory_equal(record, "\x00\x14\x00\x02", 4);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "ClearLog", NULL, NULL), 0);
    assert_int_equal(pc.firmware->audit_log->count, 0);
    pc_close(&pc);
}

static void add_auditor(struct pc *pc)
{
    struct user_entry entry = { .name = "auditor",
                                .access = ACCESS_ANY,
                                .realms =
                                    REALM_BIT(REALM_AUDIT_LOG) | REALM_BIT(REALM_GENERAL_INFO) };
    uint32_t handle = 0;
    digest_ha1("auditor", pc_property(pc_get(pc, "AMT_GeneralSettings", NULL), "DigestRealm"),
               "Aud1tor!", 8, entry.ha1);
    assert_int_equal(users_add(pc->firmware, &entry, &handle), PT_SUCCESS);
}

static void an_auditor_leaves_the_admin_only_reading(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    add_auditor(&pc);
    assert_int_equal(read_records(&pc, "1"), 0);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "ClearLog", NULL, NULL), 16);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "RequestStateChange", NULL,
                             "<r:RequestedState>3</r:RequestedState>"),
                     4);
    (void)pc_wsman(&pc, "Put", LOG_CLASS, NULL,
                   "<r:AMT_AuditLog><r:StoragePolicy>0</r:StoragePolicy></r:AMT_AuditLog>");
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc.user = "auditor";
    pc.password = "Aud1tor!";
    assert_int_equal(pc_call(&pc, LOG_CLASS, "ClearLog", NULL, NULL), 0);
    (void)pc_wsman(&pc, "Get", "AMT_RedirectionService", NULL, NULL);
    assert_string_equal(pc_fault(&pc), "AccessDenied");
    pc_close(&pc);
}

static void a_lock_is_held_by_its_handle_and_ends(void **state)
{
    char input[128];
    struct pc pc;
    (void)state;
    open_empty(&pc);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL,
                             "<r:LockTimeoutInSeconds>60</r:LockTimeoutInSeconds>"
                             "<r:Flag>0</r:Flag>"),
                     0);
    (void)snprintf(input, sizeof input, "<r:Flag>2</r:Flag><r:Handle>%s</r:Handle>",
                   output(&pc, "Handle"));
    assert_string_equal(pc_property(pc_get(&pc, LOG_CLASS, NULL), "AuditState"), "18");
    assert_int_equal(
        pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL, "<r:Flag>2</r:Flag><r:Handle>0</r:Handle>"),
        16);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL, input), 0);
    assert_string_equal(pc_property(pc_get(&pc, LOG_CLASS, NULL), "AuditState"), "16");
    assert_int_equal(pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL,
                             "<r:LockTimeoutInSeconds>60</r:LockTimeoutInSeconds>"
                             "<r:Flag>1</r:Flag>"),
                     0);
    assert_true(audit_log_blocks_unprovision(pc.firmware));
    pc_run(&pc, UINT64_C(61) * US_PER_SECOND);
    assert_false(audit_log_blocks_unprovision(pc.firmware));
    assert_int_equal(pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL, "<r:Flag>3</r:Flag>"), 36);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "SetAuditLock", NULL,
                             "<r:LockTimeoutInSeconds>301</r:LockTimeoutInSeconds>"
                             "<r:Flag>0</r:Flag>"),
                     36); /* five minutes at most */
    pc_close(&pc);
}

static void policies_decide_what_is_recorded(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    assert_int_equal(pc_call(&pc, "AMT_AuditPolicyRule", "SetAuditPolicyBulk", NULL,
                             "<r:Enable>false</r:Enable><r:Enable>true</r:Enable>"
                             "<r:AuditedAppID>29</r:AuditedAppID><r:AuditedAppID>16"
                             "</r:AuditedAppID><r:EventID>1</r:EventID><r:EventID>2</r:EventID>"
                             "<r:PolicyType>0</r:PolicyType><r:PolicyType>1</r:PolicyType>"),
                     0);
    audit_log_clear(pc.firmware);
    audit_log_add(pc.firmware, NULL, AUDIT_KVM, 1, NULL, 0);
    assert_int_equal(pc.firmware->audit_log->count, 0);
    audit_log_add(pc.firmware, NULL, AUDIT_KVM, 2, NULL, 0);
    assert_int_equal(pc.firmware->audit_log->count, 1);
    const struct xml_node *rule = pc_get(&pc, "AMT_AuditPolicyRule", NULL);
    assert_string_equal(pc_property(rule, "AuditApplicationEventID"), "1048578");
    assert_string_equal(pc_property(rule, "PolicyType"), "1");
    assert_int_equal(pc_call(&pc, "AMT_AuditPolicyRule", "SetAuditPolicyBulk", NULL,
                             "<r:Enable>false</r:Enable><r:AuditedAppID>29</r:AuditedAppID>"
                             "<r:EventID>3</r:EventID><r:EventID>4</r:EventID>"
                             "<r:PolicyType>0</r:PolicyType>"),
                     36);
    assert_int_equal(pc_call(&pc, "AMT_AuditPolicyRule", "SetAuditPolicy", NULL,
                             "<r:Enable>true</r:Enable><r:AuditedAppID>29</r:AuditedAppID>"
                             "<r:EventID>1</r:EventID>"),
                     0);
    audit_log_clear(pc.firmware);
    audit_log_add(pc.firmware, NULL, AUDIT_KVM, 1, NULL, 0);
    assert_int_equal(pc.firmware->audit_log->count, 1);
    pc_close(&pc);
}

static void some_events_are_written_even_while_the_log_is_off(void **state)
{
    static const struct {
        const char *version;
        uint32_t count;
    } k_cases[] = { { "12.0.67.1579", 2 }, { "11.8.50.3425", 0 } };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pc pc;
        pc_init(&pc);
        amt_free(pc.config.version);
        pc.config.version = amt_strdup(k_cases[i].version);
        pc_start(&pc);
        assert_int_equal(pc_call(&pc, LOG_CLASS, "RequestStateChange", NULL,
                                 "<r:RequestedState>3</r:RequestedState>"),
                         0);
        audit_log_clear(pc.firmware);
        audit_log_add(pc.firmware, NULL, AUDIT_REDIRECTION, 4, NULL, 0);
        audit_log_add(pc.firmware, NULL, AUDIT_REDIRECTION, 5, NULL, 0);
        audit_log_add(pc.firmware, NULL, AUDIT_SECURITY_ADMIN, 19, NULL, 0);
        assert_int_equal(pc.firmware->audit_log->count, k_cases[i].count);
        pc_close(&pc);
    }
}

static void the_log_outlives_restart_and_unprovisioning(void **state)
{
    struct pc pc;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    open_empty(&pc);
    fill(&pc, 400);
    k_audit_log_part.unprovision(pc.firmware, false);
    assert_int_equal(pc.firmware->audit_log->count, 306);
    json_t *saved = k_audit_log_part.save(pc.firmware);
    struct text before = { 0 };
    text_append(&before, (const char *)bytes_front(&pc.firmware->audit_log->records),
                pc.firmware->audit_log->records.len);
    audit_log_clear(pc.firmware);
    assert_int_equal(k_audit_log_part.load(pc.firmware, saved, &diag), AMT_OK);
    assert_int_equal(pc.firmware->audit_log->count, 306);
    assert_int_equal(pc.firmware->audit_log->records.len, before.len);
    assert_memory_equal(bytes_front(&pc.firmware->audit_log->records), before.chars, before.len);
    json_object_set_new(saved, "records", json_string("00ff00"));
    assert_int_equal(k_audit_log_part.load(pc.firmware, saved, &diag), AMT_ECONFIG);
    json_decref(saved);
    text_fini(&before);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_captured_record_is_what_we_write_wsm_103),
        cmocka_unit_test(a_record_names_who_and_from_where),
        cmocka_unit_test(operations_leave_records),
        cmocka_unit_test(a_failed_logon_is_recorded_with_the_name_tried),
        cmocka_unit_test(ten_records_come_at_once),
        cmocka_unit_test(a_full_log_rolls_over),
        cmocka_unit_test(without_roll_over_the_newest_is_lost),
        cmocka_unit_test(restricted_roll_over_keeps_the_days),
        cmocka_unit_test(switching_off_is_the_last_record),
        cmocka_unit_test(an_auditor_leaves_the_admin_only_reading),
        cmocka_unit_test(a_lock_is_held_by_its_handle_and_ends),
        cmocka_unit_test(policies_decide_what_is_recorded),
        cmocka_unit_test(some_events_are_written_even_while_the_log_is_off),
        cmocka_unit_test(the_log_outlives_restart_and_unprovisioning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
