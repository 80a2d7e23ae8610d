/* Hello messages (activation.md 11.1) against the vectors, and as a configuration server gets them. */
#include "base/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/net.h"
#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/tests/provisioning_setup.h"
#include "simulator/firmware/users.h"

#define FOLDER AMTLAB_SOURCE_DIR "/simulator/firmware/tests/data/activation/hello/"

/* What ends up in the hands of the server at 192.0.2.10:9971. */
struct server {
    struct listener *listener;
    struct stream *stream;
    struct text received; /* of the last connection */
    uint32_t connections;
    bool has_ended;
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct server *)ctx)->received, (const char *)in, len);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct server *server = ctx;
    server->has_ended = end->kind == STREAM_END_FIN;
    stream_close(server->stream);
    server->stream = NULL;
}

static void on_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_handler = { .on_data = on_data, .on_end = on_end };
    struct server *server = ctx;
    assert_null(server->stream);
    server->stream = s;
    server->connections++;
    server->has_ended = false;
    text_fini(&server->received);
    server->received = (struct text){ 0 };
    stream_set_handler(s, &k_handler, server);
}

static void server_open(struct server *server, struct pc *pc, const char *host, uint16_t port)
{
    struct address address = { .port = port };
    struct amt_diag diag;
    *server = (struct server){ .connections = 0 };
    (void)snprintf(address.host, sizeof address.host, "%s", host);
    server->listener = net_listen(pc->loop, &address, on_accept, server, &diag);
    assert_non_null(server->listener);
}

static void server_close(struct server *server)
{
    listener_close(server->listener);
    stream_close(server->stream);
    text_fini(&server->received);
}

/* The device of the vectors: its UUID, and no hash but those that a test adds. */
static void open_device(struct pc *pc, const char *version)
{
    pc_init(pc);
    pc->config.control_mode = FIRMWARE_NOT_PROVISIONED;
    amt_free(pc->config.version);
    pc->config.version = amt_strdup(version);
    pc_start(pc);
    pc->firmware->keys->disabled_hashes = UINT64_MAX;
    assert_int_equal(uuid_parse("12345678-9abc-def0-1234-56789abcdef0", &pc->firmware->uuid),
                     AMT_OK);
}

static void add_hash(struct pc *pc, enum keys_hash_type type, const char *hex)
{
    uint8_t bytes[64];
    size_t len = 0;
    assert_int_equal(text_parse_hex(hex, bytes, sizeof bytes, &len), AMT_OK);
    assert_int_equal(keys_hash_add(pc->firmware, "Test", type, bytes), AMT_OK);
}

static void assert_is_file(const char *name, const void *bytes, size_t len)
{
    char path[256];
    uint8_t expected[HELLO_MAX_BYTES];
    (void)snprintf(path, sizeof path, FOLDER "%s.bin", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t expected_len = fread(expected, 1, sizeof expected, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(len, expected_len);
    assert_memory_equal(bytes, expected, len);
}

static void a_set_admin(struct pc *pc)
{
    static const uint8_t k_ha1[DIGEST_MD5_BYTES] = { 1 };
    users_set_admin(pc->firmware, NULL, k_ha1);
}

/* ACT-DEV-045 */
static void messages_are_those_of_the_vectors(void **state)
{
    uint8_t bytes[HELLO_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_device(&pc, "12.0.67.1579");
    a_set_admin(&pc);
    assert_is_file("hello-v3-nohash", bytes, provisioning_hello_write(pc.firmware, 0, bytes));
    add_hash(&pc, KEYS_HASH_SHA256, setup_vector(&pc, "rootSha256"));
    assert_is_file("hello-v3-sha256", bytes, provisioning_hello_write(pc.firmware, 0, bytes));
    pc_close(&pc);
    open_device(&pc, "12.0.67.1579");
    a_set_admin(&pc);
    pc.profile->config.hash_algorithms.count = 0;
    add_hash(&pc, KEYS_HASH_SHA1, "f55a81a60723c830764008e662bde90b695b89a5");
    add_hash(&pc, KEYS_HASH_SHA256, setup_vector(&pc, "rootSha256"));
    add_hash(
        &pc, KEYS_HASH_SHA384,
        "f7606c13216c11223ad5dfb90ca7651dc6e0c63f608d0bb34d0454daa7dc4108e1e687b259f406ea3b36a6"
        "6c0482bf3f");
    assert_is_file("hello-v3-mixed", bytes, provisioning_hello_write(pc.firmware, 2, bytes));
    pc_close(&pc);
}

/* ACT-DEV-046 */
static void a_key_identifier_makes_version_2_before_release_11(void **state)
{
    uint8_t bytes[HELLO_MAX_BYTES];
    struct pc pc;
    (void)state;
    open_device(&pc, "9.1.45");
    mebx_set_pid(pc.firmware, "4444AAAA");
    assert_is_file("hello-v2-psk", bytes, provisioning_hello_write(pc.firmware, 0, bytes));
    pc_close(&pc);
    open_device(&pc, "11.8.50.3425");
    mebx_set_pid(pc.firmware, "4444AAAA");
    (void)provisioning_hello_write(pc.firmware, 0, bytes);
    assert_int_equal(bytes[2], 3);
    pc_close(&pc);
}

static void a_device_has_at_most_23_hashes_to_tell(void **state)
{
    uint8_t bytes[HELLO_MAX_BYTES];
    struct pc pc;
    (void)state;
    pc_open(&pc);
    assert_true(provisioning_hello_write(pc.firmware, 0, bytes) <= sizeof bytes);
    assert_true(bytes[24] > 0 && bytes[24] <= 23);
    pc_close(&pc);
}

static void the_server_hears_again_and_again_until_it_is_called_off(void **state)
{
    struct pc pc;
    struct server server;
    (void)state;
    open_device(&pc, "12.0.67.1579");
    add_hash(&pc, KEYS_HASH_SHA256, setup_vector(&pc, "rootSha256"));
    server_open(&server, &pc, "192.0.2.10", 9971);
    assert_int_equal(mebx_set_server_address(pc.firmware, "192.0.2.10"), AMT_OK);
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    pc_run(&pc, UINT64_C(10) * US_PER_SECOND);
    assert_int_equal(server.connections, 1);
    assert_true(server.has_ended); /* the device hangs up */
    assert_int_equal(server.received.len, 24 + 1 + 2 + 32);
    assert_int_equal(server.received.chars[4], 0);
    pc_run(&pc, UINT64_C(180) * US_PER_SECOND);
    assert_int_equal(server.connections, 2);
    assert_int_equal(server.received.chars[4], 1);
    pc_run(&pc, UINT64_C(6) * 3600 * US_PER_SECOND);
    assert_int_equal(server.connections, 15); /* numbers 0 to 14 */
    assert_int_equal(server.received.chars[4], 14);
    assert_int_equal(provisioning_stop(pc.firmware), AMT_OK);
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    assert_int_equal(provisioning_stop(pc.firmware), AMT_OK);
    pc_run(&pc, UINT64_C(600) * US_PER_SECOND);
    assert_int_equal(server.connections, 15);
    server_close(&server);
    pc_close(&pc);
}

static void without_a_server_the_name_in_the_domain_is_tried(void **state)
{
    struct pc pc;
    struct server server;
    (void)state;
    open_device(&pc, "12.0.67.1579");
    server_open(&server, &pc, "ProvisionServer.corp.example.com", 9971);
    assert_int_equal(provisioning_set_dhcp_suffix(pc.firmware, "corp.example.com"), AMT_OK);
    assert_int_equal(provisioning_start(pc.firmware), AMT_OK);
    pc_run(&pc, UINT64_C(10) * US_PER_SECOND);
    assert_int_equal(server.connections, 1);
    server_close(&server);
    pc_close(&pc);
}

static void a_client_on_the_host_needs_no_hello(void **state)
{
    static const uint8_t k_hash[48];
    struct pc pc;
    struct server server;
    (void)state;
    open_device(&pc, "14.0.39.1339");
    server_open(&server, &pc, "192.0.2.10", 9971);
    assert_int_equal(mebx_set_server_address(pc.firmware, "192.0.2.10"), AMT_OK);
    assert_int_equal(provisioning_start_host_based(pc.firmware, KEYS_HASH_SHA256, k_hash), AMT_OK);
    pc_run(&pc, UINT64_C(600) * US_PER_SECOND);
    assert_int_equal(server.connections, 0);
    server_close(&server);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_those_of_the_vectors),
        cmocka_unit_test(a_key_identifier_makes_version_2_before_release_11),
        cmocka_unit_test(a_device_has_at_most_23_hashes_to_tell),
        cmocka_unit_test(the_server_hears_again_and_again_until_it_is_called_off),
        cmocka_unit_test(without_a_server_the_name_in_the_domain_is_tried),
        cmocka_unit_test(a_client_on_the_host_needs_no_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
