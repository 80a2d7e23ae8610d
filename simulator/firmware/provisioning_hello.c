/*
 * Hello: while the device waits to be set up from the network it tells the configuration server that it
 * is there, again and again with growing pauses (activation.md 11.1).
 */
#include <stdio.h>
#include <string.h>

#include "protocol/provisioning/hello.h"
#include "runtime/net.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/users.h"

#define NO_PSK_FROM      1100u /* release (ACT-DEV-046) */
#define RETRY_MAX        14u
#define CONNECT_LIMIT_US (UINT64_C(10) * US_PER_SECOND)
#define DEFAULT_HOST     "ProvisionServer" /* looked up in the domain of DHCP */

struct hello {
    struct firmware *firmware;
    struct stream *stream;
    struct timer pause;
    uint32_t retry;
};

/* The active ones, behind each other in bytes. */
static uint32_t put_hashes(const struct firmware *firmware, struct hello_packet *packet,
                           uint8_t bytes[static HELLO_DEVICE_HASHES * KEYS_HASH_MAX_BYTES])
{
    struct keys_hash hash;
    uint32_t len = 0;
    for (uint32_t at = 0;
         packet->hash_count < HELLO_DEVICE_HASHES && keys_hash_at(firmware, at, &hash); at++) {
        if (!hash.is_active || hash.type == KEYS_HASH_MD5) {
            continue;
        }
        packet->hashes[packet->hash_count++] =
            (struct hello_hash){ .type = (uint8_t)hash.type,
                                 .bytes = { .off = len, .len = hash.len } };
        memcpy(bytes + len, hash.bytes, hash.len);
        len += hash.len;
    }
    return len;
}

/* ACT-DEV-045 */
uint32_t provisioning_hello_write(const struct firmware *firmware, uint32_t retry,
                                  uint8_t out[static HELLO_MAX_BYTES])
{
    const char *pid = mebx_pid(firmware);
    uint8_t hashes[HELLO_DEVICE_HASHES * KEYS_HASH_MAX_BYTES];
    struct hello_packet packet = { .has_credentials = users_have_admin(firmware),
                                   .version = HELLO_PKI,
                                   .retries = retry,
                                   .uuid = firmware->uuid };
    uint32_t len = put_hashes(firmware, &packet, hashes);
    if (pid[0] != 0 && !firmware_is_release(firmware, NO_PSK_FROM)) {
        packet.version = HELLO_PSK;
        memcpy(packet.pid, pid, HELLO_PID_BYTES);
    }
    return hello_encode(&packet, hashes, len, out, HELLO_MAX_BYTES);
}

/* The server that was set, or the name that every domain may have. */
static bool server_address(const struct firmware *firmware, struct address *address)
{
    struct mebx_server server;
    mebx_server(firmware, &server);
    const char *host = server.address[0] != 0 ? server.address : server.fqdn;
    const char *suffix = firmware->provisioning->dhcp_suffix;
    int len = 0;
    if (suffix[0] == 0) { /* no domain of DHCP: the one that was typed in is all there is */
        suffix = firmware->provisioning->trusted_suffix;
    }
    if (host[0] != 0) {
        len = snprintf(address->host, sizeof address->host, "%s", host);
    } else if (suffix[0] != 0) {
        len = snprintf(address->host, sizeof address->host, DEFAULT_HOST ".%s", suffix);
    }
    address->port = server.port;
    return len > 0 && (size_t)len < sizeof address->host;
}

static void drop(struct hello *hello)
{
    stream_close(hello->stream);
    hello->stream = NULL;
}

static void on_open(void *ctx)
{
    struct hello *hello = ctx;
    uint8_t bytes[HELLO_MAX_BYTES];
    uint32_t len = provisioning_hello_write(hello->firmware, hello->retry, bytes);
    enum amt_err err = stream_write(hello->stream, bytes, len);
    (void)err; /* the next one comes anyway */
    drop(hello);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    drop(ctx);
}

static void on_pause_over(void *ctx)
{
    static const struct stream_handler k_handler = { .on_open = on_open, .on_end = on_end };
    struct hello *hello = ctx;
    struct address address;
    hello->retry++;
    drop(hello);
    if (server_address(hello->firmware, &address)) {
        hello->stream =
            net_connect(hello->firmware->loop, &address, CONNECT_LIMIT_US, &k_handler, hello);
    }
    if (hello->retry < RETRY_MAX) {
        /* By default 3, 6, 9 ... minutes: all in six hours. */
        timer_start(&hello->pause,
                    (hello->retry + 1) * hello->firmware->profile->config.hello_pause_us);
    }
}

void provisioning_hello_begin(struct firmware *firmware)
{
    struct hello *hello = firmware->provisioning->hello;
    if (hello == NULL) {
        hello = amt_alloc(sizeof *hello);
    }
    firmware->provisioning->hello = hello;
    if (hello == NULL) {
        LOG(firmware->log, LOG_WARN, "provisioning.no_hello",
            log_text("uuid", firmware->uuid_text));
        return;
    }
    hello->firmware = firmware;
    hello->retry = UINT32_MAX; /* the first one is number 0 */
    timer_stop(&hello->pause);
    timer_init(&hello->pause, firmware->loop, on_pause_over, hello);
    timer_start(&hello->pause, 0);
}

void provisioning_hello_end(struct firmware *firmware)
{
    struct hello *hello = firmware->provisioning->hello;
    if (hello != NULL) {
        timer_stop(&hello->pause);
        drop(hello);
        amt_free(hello);
        firmware->provisioning->hello = NULL;
    }
}
