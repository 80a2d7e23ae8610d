/* A server that is killed at any moment of an activation: what the device was told stands in the log,
 * and a repeat comes to a good end (activation.md 6.6, F46). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/http/digest.h"
#include "scenarios/engine/tests/activation_pc.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

#define KILLS_MAX 2000u

struct killer {
    struct activation_pc *pc;
    uint32_t turns_left;
};

static bool is_time(void *ctx)
{
    struct killer *killer = ctx;
    return killer->pc->is_done || killer->turns_left-- == 0;
}

static void on_done(void *ctx, const struct activation_result *result)
{
    struct activation_pc *pc = ctx;
    pc->is_done = true;
    pc->result = *result;
}

/* The job lives for so many turns of the loop. False: it came to its end before. */
static bool run_and_kill(struct activation_pc *pc, uint32_t turns)
{
    struct killer killer = { .pc = pc, .turns_left = turns };
    pc->is_done = false;
    pc->said[0] = '\0';
    pc->job = activation_job_new(&pc->settings, &pc->report, &pc->channel, on_done, pc);
    assert_non_null(pc->job);
    (void)loop_run_until(pc->loop, is_time, &killer,
                         loop_now_us(pc->loop) + 600 * (uint64_t)US_PER_SECOND);
    bool is_killed = !pc->is_done;
    activation_job_free(pc->job);
    pc->job = NULL;
    (void)loop_run_until(pc->loop, NULL, NULL, /* the device finishes what it was asked */
                         loop_now_us(pc->loop) + 600 * (uint64_t)US_PER_SECOND);
    return is_killed;
}

static uint32_t logged(const struct activation_pc *pc, struct secret passwords[static 3])
{
    uint32_t count = 0;
    assert_int_equal(
        activation_log_passwords(pc->log_path, &pc->report.uuid, passwords, &count, NULL), AMT_OK);
    return count;
}

/* Whether a password of the log opens the device. */
static bool is_recoverable(struct activation_pc *pc)
{
    struct secret passwords[3] = { { .len = 0 } };
    uint32_t count = logged(pc, passwords);
    struct firmware_user user;
    uint8_t wanted[DIGEST_MD5_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    bool is_found = false;
    assert_true(users_find(pc->firmware, "admin", FIRMWARE_LOCAL, &user, wanted));
    for (uint32_t i = 0; i < count; i++) {
        digest_ha1("admin", provisioning_realm(pc->firmware), (const char *)passwords[i].bytes,
                   passwords[i].len, ha1);
        is_found = is_found || memcmp(ha1, wanted, sizeof ha1) == 0;
    }
    for (uint32_t i = 0; i < 3; i++) {
        secret_fini(&passwords[i]);
    }
    return is_found;
}

struct counts {
    uint32_t before_log, logged_only, activated;
};

/* One life: killed after so many turns, looked at, repeated. False: it was not killed any more. */
static bool live(enum activation_policy_type type, bool starts_in_client_mode, uint32_t turns,
                 struct counts *counts)
{
    struct activation_pc pc;
    struct secret passwords[3] = { { .len = 0 } };
    activation_pc_init(&pc);
    activation_pc_start(&pc);
    pc.policy.type = ACTIVATION_POLICY_CLIENT;
    if (starts_in_client_mode) {
        activation_pc_report(&pc);
        activation_pc_run(&pc);
        assert_int_equal(firmware_mode(pc.firmware), FIRMWARE_CLIENT_CONTROL);
        activation_job_free(pc.job);
        pc.job = NULL;
    }
    pc.policy.type = type;
    if (type == ACTIVATION_POLICY_ADMIN) {
        activation_pc_certificate(&pc, "leaf", false);
    }
    activation_pc_report(&pc);
    bool is_killed = run_and_kill(&pc, turns);
    bool is_activated = firmware_mode(pc.firmware) != FIRMWARE_NOT_PROVISIONED;
    uint32_t known = logged(&pc, passwords);
    if (is_activated && !is_recoverable(&pc)) {
        fail_msg("killed after %u turns: the device has a password that nobody knows", turns);
    }
    counts->before_log += !is_activated && known == 0 ? 1 : 0;
    counts->logged_only += !is_activated && known > 0 ? 1 : 0;
    counts->activated += is_activated ? 1 : 0;
    activation_pc_report(&pc);
    activation_pc_run(&pc);
    assert_int_not_equal(pc.result.outcome, ACTIVATION_FAILED);
    assert_int_equal(firmware_mode(pc.firmware), type == ACTIVATION_POLICY_ADMIN
                                                     ? FIRMWARE_ADMIN_CONTROL
                                                     : FIRMWARE_CLIENT_CONTROL);
    assert_true(is_recoverable(&pc));
    for (uint32_t i = 0; i < 3; i++) {
        secret_fini(&passwords[i]);
    }
    activation_pc_fini(&pc);
    return is_killed;
}

/* Kills at every turn until there is none left. */
static void kill_at_every_turn(enum activation_policy_type type, bool starts_in_client_mode,
                               struct counts *counts)
{
    uint32_t turns = 0;
    memset(counts, 0, sizeof *counts);
    while (live(type, starts_in_client_mode, turns, counts)) {
        turns++;
        assert_true(turns < KILLS_MAX);
    }
    print_message("%u kills: %u before the log, %u between log and device, %u after\n", turns,
                  counts->before_log, counts->logged_only, counts->activated);
    assert_true(counts->activated > 1);
}

static void client_mode(void **state)
{
    struct counts counts;
    (void)state;
    kill_at_every_turn(ACTIVATION_POLICY_CLIENT, false, &counts);
    assert_true(counts.before_log > 0);
}

static void admin_mode(void **state)
{
    struct counts counts;
    (void)state;
    kill_at_every_turn(ACTIVATION_POLICY_ADMIN, false, &counts);
    assert_true(counts.before_log > 0 && counts.logged_only > 0);
}

static void client_mode_to_admin_mode(void **state)
{
    struct counts counts;
    (void)state;
    kill_at_every_turn(ACTIVATION_POLICY_ADMIN, true, &counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_mode),
        cmocka_unit_test(admin_mode),
        cmocka_unit_test(client_mode_to_admin_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
