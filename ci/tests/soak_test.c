/*
 * The real server and 1,000 real devices in one virtual world for 24 hours: keepalives every 30 s,
 * cables pulled and plugged, a server that restarts. And determinism: one seed, one trace.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/unit.h"
#include "mps/mps.h"
#include "simulator/device.h"

#define HOUR_US (3600u * (uint64_t)US_PER_SECOND)

struct soak {
    struct loop *loop;
    struct log *log;
    struct mps_config mps_config;
    struct mps *mps;
    struct device_config device_config;
    struct device **devices;
    uint32_t count;
    struct amt_random random;
    struct timer trouble, restart;
    uint64_t duration_us, events, keepalives, logins;
    uint32_t pulled;
    EVP_MD_CTX *trace;
};

static void trace_field(struct soak *s, const struct log_field *field)
{
    (void)EVP_DigestUpdate(s->trace, field->name, strlen(field->name));
    (void)EVP_DigestUpdate(s->trace, &field->number, sizeof field->number);
    if (field->kind == LOG_FIELD_TEXT) {
        (void)EVP_DigestUpdate(s->trace, field->text, field->len);
    } else if (field->kind == LOG_FIELD_LIST) {
        (void)EVP_DigestUpdate(s->trace, field->list, field->len * sizeof *field->list);
    }
}

/* Every event of every actor, with its virtual time. */
static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct soak *s = ctx;
    uint64_t now_us = loop_now_us(s->loop);
    (void)level;
    s->events += 1;
    (void)EVP_DigestUpdate(s->trace, &now_us, sizeof now_us);
    (void)EVP_DigestUpdate(s->trace, name, strlen(name));
    for (; fields->kind != LOG_FIELD_END; fields++) {
        trace_field(s, fields);
    }
}

static void add_server_numbers(struct soak *s)
{
    const struct mps_statistics *statistics = mps_statistics(s->mps);
    s->keepalives += statistics->keepalives_in;
    s->logins += statistics->logins;
}

static void start_server(struct soak *s)
{
    struct amt_diag diag = { .err = AMT_OK };
    s->mps = mps_start(s->loop, &s->mps_config, s->log, &diag);
    if (s->mps == NULL) {
        fail_msg("mps_start: %s", diag.text);
    }
}

static void on_restart(void *ctx)
{
    struct soak *s = ctx;
    add_server_numbers(s);
    mps_free(s->mps);
    start_server(s);
}

static void plug(void *ctx)
{
    device_set_link(ctx, true);
}

struct pull {
    struct timer timer;
    struct device *device;
};

static void on_plug(void *ctx)
{
    struct pull *pull = ctx;
    plug(pull->device);
    amt_free(pull);
}

/* One device in trouble: its cable is pulled for 1 s to 10 min, or it reboots. */
static void on_trouble(void *ctx)
{
    struct soak *s = ctx;
    struct device *device = s->devices[amt_random_below(&s->random, s->count)];
    if (amt_random_below(&s->random, 4) == 0) {
        device_reboot(device, US_PER_SECOND * (1 + amt_random_below(&s->random, 120)));
    } else {
        struct pull *pull = amt_alloc(sizeof *pull);
        assert_non_null(pull);
        pull->device = device;
        timer_init(&pull->timer, s->loop, on_plug, pull);
        device_set_link(device, false);
        timer_start(&pull->timer, US_PER_SECOND * (1 + amt_random_below(&s->random, 600)));
    }
    s->pulled += 1;
    /* The last troubles leave time to recover. */
    if (loop_now_us(s->loop) + HOUR_US / 2 < s->duration_us) {
        timer_start(&s->trouble, s->duration_us / (4 * (uint64_t)s->count));
    }
}

static void set_up(struct soak *s, uint32_t count, uint64_t duration_us, uint64_t seed)
{
    struct virtual_world world = { .seed = seed, .latency_us = 5000, .jitter_us = 20000 };
    struct amt_diag diag = { .err = AMT_OK };
    memset(s, 0, sizeof *s);
    s->loop = loop_new_virtual(&world, NULL);
    s->log = log_new(s->loop);
    s->count = count;
    s->duration_us = duration_us;
    s->trace = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestInit_ex(s->trace, EVP_sha256(), NULL), 1);
    log_observe(s->log, on_event, s);
    amt_random_seed(&s->random, seed, "trouble");
    assert_int_equal(config_read(mps_config_keys, NULL, "soak", &s->mps_config, NULL), AMT_OK);
    assert_int_equal(config_set(mps_config_keys, "listen", "127.0.0.1:4433", &s->mps_config, &diag),
                     AMT_OK);
    s->mps_config.tls = MPS_TLS_OFFLOAD;
    s->mps_config.auth = MPS_AUTH_ANY;
    start_server(s);
    assert_int_equal(device_config_load(NULL, NULL, NULL, &s->device_config, NULL), AMT_OK);
    assert_int_equal(
        config_set(device_config_keys, "cira.to", "127.0.0.1:4433", &s->device_config, &diag),
        AMT_OK);
    s->device_config.tls.offload = true;
    s->device_config.cira.reconnect.jitter_percent = 50;
    s->devices = amt_alloc_array(count, sizeof(struct device *));
    for (uint32_t i = 0; i < count; i++) {
        s->devices[i] = device_new(s->loop, &s->device_config, seed, i, s->log, &diag);
        assert_non_null(s->devices[i]);
        device_connect(s->devices[i], 0);
    }
    timer_init(&s->trouble, s->loop, on_trouble, s);
    timer_init(&s->restart, s->loop, on_restart, s);
    timer_start(&s->trouble, HOUR_US / 60);
    timer_start(&s->restart, duration_us / 2);
}

/* Runs it all; the trace's digest goes to digest. */
static void run(struct soak *s, uint8_t digest[static 32])
{
    (void)loop_run_until(s->loop, NULL, NULL, s->duration_us);
    add_server_numbers(s);
    uint64_t attempts = 0;
    uint64_t connects = 0;
    uint64_t failures = 0;
    uint64_t keepalives = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct device_statistics *one = device_statistics(s->devices[i]);
        assert_int_equal(device_state(s->devices[i]), DEVICE_UP);
        attempts += one->cira_attempts;
        connects += one->cira_connects;
        failures += one->cira_failures;
        keepalives += one->keepalives_out;
    }
    const struct mps_statistics *statistics = mps_statistics(s->mps);
    assert_int_equal(statistics->sessions, s->count); /* all came back, none twice */
    assert_int_equal(statistics->open_sockets, s->count);
    assert_true(connects > s->count && attempts >= connects);
    assert_true(s->logins >= connects);
    assert_true(s->keepalives <= keepalives && s->keepalives > keepalives * 9 / 10);
    (void)printf(
        "  %u devices, %llu logins, %llu keepalives, %llu events, %u troubles, %llu failed "
        "attempts\n",
        s->count, (unsigned long long)s->logins, (unsigned long long)s->keepalives,
        (unsigned long long)s->events, s->pulled, (unsigned long long)failures);
    unsigned len = 32;
    assert_int_equal(EVP_DigestFinal_ex(s->trace, digest, &len), 1);
}

static void tear_down(struct soak *s)
{
    log_unobserve(s->log, on_event, s);
    timer_stop(&s->trouble);
    timer_stop(&s->restart);
    for (uint32_t i = 0; i < s->count; i++) {
        device_free(s->devices[i]);
    }
    amt_free(s->devices);
    mps_free(s->mps);
    (void)loop_run_until(s->loop, NULL, NULL, s->duration_us + HOUR_US);
    log_free(s->log);
    loop_free(s->loop);
    EVP_MD_CTX_free(s->trace);
    device_config_fini(&s->device_config);
    config_fini(mps_config_keys, &s->mps_config);
}

static void a_thousand_devices_live_through_a_day(void **state)
{
    (void)state;
    struct soak s;
    uint8_t digest[32];
    clock_t begin = clock();
    set_up(&s, 1000, 24 * HOUR_US, 1);
    run(&s, digest);
    /* 2 messages per keepalive, and each login is about 20 */
    double messages = 2.0 * (double)s.keepalives + 20.0 * (double)s.logins;
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    (void)printf("  24 simulated hours in %.1f s of CPU time, %.0f messages/s\n", seconds,
                 messages / seconds);
    tear_down(&s);
}

static void one_seed_gives_one_trace(void **state)
{
    (void)state;
    static const uint64_t k_seeds[] = { 7, 7, 8 };
    uint8_t digests[3][32];
    for (int i = 0; i < 3; i++) {
        struct soak s;
        set_up(&s, 200, 2 * HOUR_US, k_seeds[i]);
        run(&s, digests[i]);
        tear_down(&s);
    }
    assert_memory_equal(digests[0], digests[1], 32);
    assert_memory_not_equal(digests[0], digests[2], 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_devices_live_through_a_day),
        cmocka_unit_test(one_seed_gives_one_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
