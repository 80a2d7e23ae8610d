/* A bare-metal server that is killed at any moment: what the device was told stands in the log, and its next
 * hello brings it to a good end (activation.md 6.6, 11.2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "protocol/http/digest.h"
#include "scenarios/engine/tests/activation_metal.h"
#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

#define KILLS_MAX 4000u
#define KEY       AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs/int1.key"

struct killer {
    struct metal *metal;
    uint32_t turns_left;
};

static bool is_time(void *ctx)
{
    struct killer *killer = ctx;
    return killer->metal->results > 0 || killer->turns_left-- == 0;
}

/* A key pair from an earlier attempt, so that no life has to make one. */
static void give_key(struct metal *m)
{
    FILE *file = fopen(KEY, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_non_null(key);
    assert_int_not_equal(keys_store_pair(m->pc.firmware->keys, key), KEYS_NONE);
}

static uint32_t read_passwords(const struct metal *m, struct secret passwords[static 3])
{
    struct uuid uuid;
    uint32_t count = 0;
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &uuid), AMT_OK);
    assert_int_equal(activation_log_passwords(m->pc.log_path, &uuid, passwords, &count, NULL),
                     AMT_OK);
    return count;
}

/* Whether a password of the log is the administrator's; true too while the device has none in use. */
static bool is_recoverable(const struct metal *m, uint32_t *known)
{
    struct secret passwords[3] = { { .len = 0 } };
    struct firmware_user user;
    uint8_t wanted[DIGEST_MD5_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    bool is_activated = firmware_mode(m->pc.firmware) == FIRMWARE_ADMIN_CONTROL;
    bool is_there = users_find(m->pc.firmware, "admin", FIRMWARE_NETWORK, &user, wanted);
    bool is_found = !is_there;
    assert_true(is_there || !is_activated);
    *known = read_passwords(m, passwords);
    for (uint32_t i = 0; i < 3; i++) {
        digest_ha1("admin", provisioning_realm(m->pc.firmware), (const char *)passwords[i].bytes,
                   passwords[i].len, ha1);
        is_found = is_found || (is_there && i < *known && memcmp(ha1, wanted, sizeof ha1) == 0);
        secret_fini(&passwords[i]);
    }
    return is_found;
}

struct counts {
    uint32_t before_log, logged_only, has_password, activated;
};

/* One life: killed after so many turns, looked at, started again. False: it was not killed any more. */
static bool live(uint32_t turns, struct counts *counts)
{
    struct metal m;
    struct killer killer = { &m, turns };
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t known = 0;
    metal_init(&m);
    assert_int_equal(config_set(firmware_config_keys, "hello", "true", &m.pc.config, &diag),
                     AMT_OK);
    metal_start(&m);
    give_key(&m);
    metal_serve(&m);
    (void)loop_run_until(m.pc.loop, is_time, &killer,
                         loop_now_us(m.pc.loop) + 600 * (uint64_t)US_PER_SECOND);
    bool is_killed = m.results == 0;
    hello_server_free(m.server);
    m.server = NULL;
    metal_run(&m, 30); /* the device finishes what it was asked */
    if (!is_recoverable(&m, &known)) {
        fail_msg("killed after %u turns: the device has a password that nobody knows", turns);
    }
    bool is_activated = firmware_mode(m.pc.firmware) == FIRMWARE_ADMIN_CONTROL;
    bool has_password = users_have_admin(m.pc.firmware);
    counts->before_log += known == 0 ? 1 : 0;
    counts->logged_only += known > 0 && !has_password ? 1 : 0;
    counts->has_password += has_password && !is_activated ? 1 : 0;
    counts->activated += is_activated ? 1 : 0;
    metal_serve(&m);
    metal_run(&m, 600); /* two more hellos, if it still says any */
    assert_int_equal(firmware_mode(m.pc.firmware), FIRMWARE_ADMIN_CONTROL);
    assert_true(is_recoverable(&m, &known) && known > 0);
    assert_true(is_activated || m.last.outcome == ACTIVATION_DONE);
    metal_fini(&m);
    return is_killed;
}

static void killed_at_every_turn(void **state)
{
    struct counts counts = { 0 };
    uint32_t turns = 0;
    (void)state;
    while (live(turns, &counts)) {
        turns++;
        assert_true(turns < KILLS_MAX);
    }
    print_message("%u kills: %u before the log, %u between log and device, %u with a password, %u "
                  "activated\n",
                  turns, counts.before_log, counts.logged_only, counts.has_password,
                  counts.activated);
    assert_true(counts.before_log > 0 && counts.logged_only > 0 && counts.has_password > 0 &&
                counts.activated > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_every_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
