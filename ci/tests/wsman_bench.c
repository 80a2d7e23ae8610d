/*
 * Simulated devices that answer WS-Management through our server, all in one process and one virtual
 * world, without TLS; each number with its limit in the same run:
 *   wsman_bench memory COUNT      bytes of an idle device that has been asked: firmware alone, and with
 *                                 its tunnel and the server's session; against the JSON of its state.
 *                                 Fails above the budget.
 *   wsman_bench requests COUNT N  N Gets a device, spread over the COUNT: requests per CPU-second through
 *                                 server, tunnel, HTTP and digest; the firmware alone; the XML writer alone
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "client/wsman.h"
#include "mps/mps.h"
#include "simulator/device.h"
#include "simulator/firmware/exchange.h"

#define CLASS_ASKED "AMT_GeneralSettings"
/* What an idle device may take, its tunnel and the server's half of it included. */
#define BUDGET_BYTES 65536u

struct bench {
    struct loop *loop;
    struct mps_config mps_config;
    struct mps *mps;
    struct device_config config;
    struct firmware_profile *profile;
    struct device **devices;
    uint32_t count;
};

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "wsman_bench: %s\n", what);
    exit(1);
}

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void run_for(struct bench *b, uint64_t us)
{
    (void)loop_run_until(b->loop, NULL, NULL, loop_now_us(b->loop) + us);
}

static void start_server(struct bench *b)
{
    if (config_read(mps_config_keys, NULL, "bench", &b->mps_config, NULL) != AMT_OK ||
        config_set(mps_config_keys, "listen", "127.0.0.1:4433", &b->mps_config, NULL) != AMT_OK) {
        die("the server's configuration");
    }
    b->mps_config.tls = MPS_TLS_OFFLOAD;
    b->mps_config.auth = MPS_AUTH_ANY;
    b->mps = mps_start(b->loop, &b->mps_config, NULL, NULL);
    if (b->mps == NULL) {
        die("mps_start");
    }
}

static void start(struct bench *b, uint32_t count)
{
    static const struct virtual_world k_world = { .seed = 1 };
    b->loop = loop_new_virtual(&k_world, NULL);
    b->count = count;
    b->devices = amt_alloc_array(count, sizeof(struct device *));
    if (b->loop == NULL || b->devices == NULL ||
        device_config_load(NULL, NULL, NULL, &b->config, NULL) != AMT_OK ||
        config_set(device_config_keys, "cira.to", "127.0.0.1:4433", &b->config, NULL) != AMT_OK) {
        die("the world");
    }
    b->config.tls.offload = true;
    b->profile = device_profile(&b->config, NULL);
    b->config.firmware_profile = b->profile;
    start_server(b);
}

static bool are_all_up(void *ctx)
{
    struct bench *b = ctx;
    return mps_statistics(b->mps)->sessions == b->count;
}

static void connect_devices(struct bench *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        b->devices[i] = device_new(b->loop, &b->config, 1, i, NULL, NULL);
        if (b->devices[i] == NULL) {
            die("device_new");
        }
        device_connect(b->devices[i], 0);
    }
    uint64_t deadline_us = loop_now_us(b->loop) + 60u * (uint64_t)US_PER_SECOND;
    if (!loop_run_until(b->loop, are_all_up, b, deadline_us)) {
        die("the devices do not come up");
    }
    run_for(b, US_PER_SECOND); /* forwards and keepalive options */
}

static void stop(struct bench *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        device_free(b->devices[i]);
    }
    mps_free(b->mps);
    run_for(b, 10u * (uint64_t)US_PER_SECOND);
    loop_free(b->loop);
    firmware_profile_free(b->profile);
    device_config_fini(&b->config);
    config_fini(mps_config_keys, &b->mps_config);
    amt_free(b->devices);
}

/* One console for each device, with one request under way at a time. */
struct console {
    struct bench *bench;
    struct device *device;
    struct wsman_client *client;
    struct arena arena;
    uint32_t left, failed;
    uint32_t *under_way;
};

static struct stream *connect_channel(void *ctx)
{
    struct console *c = ctx;
    return mps_open_channel(c->bench->mps, device_uuid(c->device), 16992, NULL, NULL);
}

static void ask(struct console *c);

static void on_done(void *ctx, const struct wsman_outcome *outcome)
{
    struct console *c = ctx;
    c->failed += outcome->result == WSMAN_DONE && outcome->reply->instance != NULL ? 0 : 1;
    c->left -= 1;
    arena_fini(&c->arena);
    if (c->left > 0) {
        ask(c);
    } else {
        *c->under_way -= 1;
    }
}

static void ask(struct console *c)
{
    static const struct wsman_call k_call = { .operation = WSMAN_GET, .class_name = CLASS_ASKED };
    if (wsman_client_call(c->client, &k_call, &c->arena, on_done, c) != AMT_OK) {
        die("no memory");
    }
}

static bool is_answered(void *ctx)
{
    return *(uint32_t *)ctx == 0;
}

/* `requests` Gets of every device; none may fail. */
static void ask_all(struct bench *b, uint32_t requests)
{
    struct secret password = { .len = 0 };
    struct console *consoles = amt_alloc_array(b->count, sizeof *consoles);
    uint32_t under_way = b->count;
    uint32_t failed = 0;
    if (consoles == NULL || secret_set(&password, "P@ssw0rd", 8) != AMT_OK) {
        die("no memory");
    }
    for (uint32_t i = 0; i < b->count; i++) {
        struct console *c = &consoles[i];
        *c = (struct console){
            .bench = b, .device = b->devices[i], .left = requests, .under_way = &under_way
        };
        struct wsman_client_settings settings = { .loop = b->loop,
                                                  .connect = connect_channel,
                                                  .ctx = c,
                                                  .where = "device",
                                                  .host = "device",
                                                  .user = "admin",
                                                  .password = &password };
        c->client = wsman_client_new(&settings);
        ask(c);
    }
    uint64_t deadline_us = loop_now_us(b->loop) + 3600u * (uint64_t)US_PER_SECOND;
    if (!loop_run_until(b->loop, is_answered, &under_way, deadline_us)) {
        die("not all are answered");
    }
    for (uint32_t i = 0; i < b->count; i++) {
        failed += consoles[i].failed;
        wsman_client_free(consoles[i].client);
    }
    amt_free(consoles);
    secret_fini(&password);
    if (failed > 0) {
        die("a request failed");
    }
}

static struct firmware *bare_firmware(struct bench *b, uint32_t index)
{
    struct firmware_settings settings = { .profile = b->profile, .seed = 1, .index = index };
    memcpy(settings.uuid.bytes, &index, sizeof index);
    struct firmware *firmware = firmware_new(b->loop, &settings, NULL);
    if (firmware == NULL) {
        die("firmware_new");
    }
    return firmware;
}

static size_t state_bytes(struct firmware *firmware)
{
    size_t bytes = 0;
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        json_t *state = (*part)->save == NULL ? NULL : (*part)->save(firmware);
        char *text = state == NULL ? NULL : json_dumps(state, JSON_COMPACT);
        bytes += text == NULL ? 0 : strlen(text);
        free(text);
        json_decref(state);
    }
    return bytes;
}

static void bench_memory(uint32_t count)
{
    struct bench b = { .count = 0 };
    start(&b, count);
    struct firmware **bare = amt_alloc_array(count, sizeof(struct firmware *));
    size_t before = heap_bytes();
    if (bare == NULL) {
        die("no memory");
    }
    for (uint32_t i = 0; i < count; i++) {
        bare[i] = bare_firmware(&b, i);
    }
    size_t alone = (heap_bytes() - before) / count;
    size_t state = state_bytes(bare[0]);
    for (uint32_t i = 0; i < count; i++) {
        firmware_free(bare[i]);
    }
    amt_free(bare);
    before = heap_bytes();
    connect_devices(&b);
    size_t tunnel = (heap_bytes() - before) / count;
    ask_all(&b, 1);
    run_for(&b, 20u * (uint64_t)US_PER_SECOND); /* channels close, nonces stay */
    size_t whole = (heap_bytes() - before) / count;
    (void)printf("{\"bench\":\"wsman memory\",\"devices\":%u,\"bytes_per_firmware\":%zu,"
                 "\"bytes_per_tunnel_and_session\":%zu,\"bytes_per_asked_device_and_session\":%zu,"
                 "\"bytes_of_its_state_as_json\":%zu,\"firmware_to_state\":%.1f}\n",
                 count, alone, tunnel, whole, state, (double)alone / (double)state);
    stop(&b);
    if (whole > BUDGET_BYTES) {
        die("an idle device takes more than its budget of 64 KiB");
    }
}

struct bare_run {
    uint64_t answers;
};

static void on_reply(void *ctx, int status, const struct text *envelope)
{
    struct bare_run *run = ctx;
    if (status != 200 || envelope->len < 1000) {
        die("the firmware alone does not answer");
    }
    run->answers += 1;
}

/* The same Get from bytes to envelope, without server, tunnel, HTTP and digest. */
static double bench_firmware(struct bench *b, uint32_t total)
{
    static const struct wsman_call k_call = { .operation = WSMAN_GET, .class_name = CLASS_ASKED };
    struct firmware_user admin = { .name = "admin", .is_admin = true };
    struct text request = { 0 };
    struct bare_run run = { 0 };
    struct firmware *firmware = bare_firmware(b, 0);
    wsman_write_call(&request, &k_call);
    double begin = cpu_seconds();
    for (uint32_t i = 0; i < total; i++) {
        (void)firmware_exchange(firmware, &admin, FIRMWARE_CIRA, "peer", request.chars, request.len,
                                on_reply, &run);
    }
    double rate = (double)run.answers / (cpu_seconds() - begin);
    text_fini(&request);
    firmware_free(firmware);
    return rate;
}

/* The least there is to do: the envelope of an instance that is at hand. */
static double bench_writer(struct bench *b, uint32_t total)
{
    const struct profile_class *class = firmware_profile_class(b->profile, CLASS_ASKED);
    struct wsman_request request = { .action = "Get", .resource_uri = "", .message_id = "1" };
    struct wsman_answer answer = { .request = &request, .class_name = CLASS_ASKED };
    double begin = cpu_seconds();
    for (uint32_t i = 0; i < total; i++) {
        struct text out = { 0 };
        wsman_write_instance_answer(&out, &answer, class->instances);
        if (out.failed || out.len < 1000) {
            die("the writer alone does not write");
        }
        text_fini(&out);
    }
    return (double)total / (cpu_seconds() - begin);
}

static void bench_requests(uint32_t count, uint32_t requests)
{
    struct bench b = { .count = 0 };
    uint32_t total = count * requests;
    start(&b, count);
    connect_devices(&b);
    ask_all(&b, 1); /* every firmware is made */
    double begin = cpu_seconds();
    ask_all(&b, requests);
    double whole = (double)total / (cpu_seconds() - begin);
    double firmware = bench_firmware(&b, total);
    double writer = bench_writer(&b, total);
    (void)printf("{\"bench\":\"wsman requests\",\"devices\":%u,\"requests\":%u,"
                 "\"per_cpu_second\":%.0f,\"firmware_alone\":%.0f,\"writer_alone\":%.0f,"
                 "\"of_firmware\":%.2f,\"of_writer\":%.3f}\n",
                 count, total, whole, firmware, writer, whole / firmware, whole / writer);
    stop(&b);
}

static uint32_t number(const char *text)
{
    uint64_t value = 0;
    if (text_parse_u64(text, 100000, &value) != AMT_OK || value == 0) {
        die("a number from 1 to 100000 is needed");
    }
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "memory") == 0) {
        bench_memory(number(argv[2]));
    } else if (argc == 4 && strcmp(argv[1], "requests") == 0) {
        bench_requests(number(argv[2]), number(argv[3]));
    } else {
        die("usage: wsman_bench memory COUNT | requests COUNT N");
    }
    return 0;
}
