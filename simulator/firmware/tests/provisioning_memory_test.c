/* Memory that runs out at any allocation: nothing is left half done, nothing leaks. */
#include "base/unit.h"

#include <string.h>

#include "base/memory.h"
#include "simulator/firmware/audit_log_internal.h"
#include "simulator/firmware/clock.h"
#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/subscriptions_internal.h"
#include "simulator/firmware/tests/provisioning_setup.h"
#include "simulator/firmware/users_internal.h"
#include "simulator/firmware/watchdogs_internal.h"

#define ALLOCATIONS 40u

static const struct firmware_part *const k_parts[] = { &k_provisioning_part, &k_users_part,
                                                       &k_clock_part,        &k_event_log_part,
                                                       &k_audit_log_part,    &k_subscriptions_part,
                                                       &k_watchdogs_part,    NULL };

static void fill(struct pc *pc)
{
    struct user_entry entry = { .name = "guest", .access = ACCESS_ANY, .realms = 8 };
    uint32_t handle = 0;
    assert_int_equal(users_add(pc->firmware, &entry, &handle), PT_SUCCESS);
    event_log_boot(pc->firmware, "os");
    struct watchdog *watchdog = watchdogs_new(pc->firmware);
    assert_non_null(watchdog);
    watchdog->timeout_s = 60;
    watchdog->actions[watchdog->action_count++] =
        (struct watchdog_action){ .old_states = 4, .new_states = 8, .tells = true };
    assert_true(subscriptions_reserve(pc->firmware->subscriptions));
    struct subscription *subscription = &pc->firmware->subscriptions->items[0];
    memcpy(subscription->filter, "Intel(r) AMT:All", sizeof "Intel(r) AMT:All");
    memcpy(subscription->url, "http://192.0.2.9/", sizeof "http://192.0.2.9/");
    pc->firmware->subscriptions->count = 1;
    provisioning_record_add(pc->firmware, RECORD_CLIENT, NULL);
}

static void list_all(struct firmware_call *call, const struct firmware_part *part)
{
    for (const struct firmware_behaviour *b = part->behaviours; b->class_name != NULL; b++) {
        call->description = class_find(b->class_name);
        struct wsman_instance *list = firmware_instances(call, b->class_name);
        assert_true(list == NULL || !list->failed);
    }
}

static void lists_and_state_without_memory(void **state)
{
    static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    fill(&pc);
    for (size_t i = 0; k_parts[i] != NULL; i++) {
        for (uint64_t k = 1; k <= ALLOCATIONS; k++) {
            struct arena arena = { 0 };
            struct firmware_call call = { .firmware = pc.firmware,
                                          .arena = &arena,
                                          .user = &k_admin };
            amt_memory_fail_after(k);
            list_all(&call, k_parts[i]);
            json_t *saved = k_parts[i]->save(pc.firmware);
            amt_memory_fail_after(0);
            json_decref(saved);
            arena_fini(&arena);
        }
    }
    pc_close(&pc);
}

static void events_without_memory(void **state)
{
    struct pc pc;
    (void)state;
    for (uint64_t k = 1; k <= ALLOCATIONS; k++) {
        pc_open(&pc);
        fill(&pc);
        event_log_clear(pc.firmware);
        audit_log_clear(pc.firmware);
        amt_memory_fail_after(k);
        event_log_auth_failed(pc.firmware, 10);
        audit_log_add(pc.firmware, NULL, AUDIT_KVM, 0, NULL, 0);
        subscriptions_alert(pc.firmware, "iAMT0055", (const char *const[]){ "2" }, 1, 2);
        amt_memory_fail_after(0);
        pc_run(&pc, US_PER_SECOND);
        assert_true(event_log_count(pc.firmware->event_log) <= 1);
        assert_true(pc.firmware->audit_log->count <= 1);
        pc_close(&pc);
    }
}

/* Either the device is provisioned, or it is as it was and says so. */
static void setup_without_memory(void **state)
{
    uint32_t done = 0;
    (void)state;
    for (uint64_t k = 1; k <= 20 * ALLOCATIONS; k += 20) {
        struct pc pc;
        setup_open(&pc, NULL);
        setup_add_chain(&pc, "leaf");
        struct arena arena = { 0 };
        const struct firmware_user user = { .name = "$$OsAdmin", .is_os_admin = true };
        struct firmware_call call = { .firmware = pc.firmware, .arena = &arena, .user = &user };
        struct wsman_instance *in = wsman_instance_new(&arena, "AdminSetup_INPUT");
        struct wsman_instance *out = wsman_instance_new(&arena, "AdminSetup_OUTPUT");
        wsman_set(in, "NetAdminPassEncryptionType", "2");
        wsman_set(in, "NetworkAdminPassword", setup_hash(&pc, PC_PASSWORD));
        wsman_set(in, "McNonce", setup_vector(&pc, "mcNonceBase64"));
        wsman_set(in, "SigningAlgorithm", "2");
        wsman_set(in, "DigitalSignature", setup_vector(&pc, "signatureSha256Base64"));
        const struct firmware_method *method = k_provisioning_host_setup_methods;
        while (strcmp(method->name, "AdminSetup") != 0) {
            method++;
        }
        amt_memory_fail_after(k);
        uint32_t result = method->fn(&call, NULL, in, out);
        amt_memory_fail_after(0);
        done += result == 0;
        assert_int_equal(firmware_mode(pc.firmware),
                         result == 0 ? FIRMWARE_ADMIN_CONTROL : FIRMWARE_NOT_PROVISIONED);
        arena_fini(&arena);
        pc_close(&pc);
    }
    assert_true(done > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_state_without_memory),
        cmocka_unit_test(events_without_memory),
        cmocka_unit_test(setup_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
