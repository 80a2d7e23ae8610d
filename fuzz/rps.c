/*
 * A message of the RPS protocol. Byte 0: bit 0 who wrote it; the rest is its JSON, or with bit 1 the
 * payload of a first message, or with bit 2 its command line.
 * Oracles: an error has words; what was read is written and read again as the same; a payload of a device
 * likewise; nothing is left over.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/activation/rps.h"

static void same_message(const struct rps_message *a, const struct rps_message *b)
{
    FUZZ_REQUIRE(a->method == b->method && strcmp(a->method_text, b->method_text) == 0);
    FUZZ_REQUIRE(strcmp(a->app_version, b->app_version) == 0);
    FUZZ_REQUIRE(strcmp(a->protocol_version, b->protocol_version) == 0);
    FUZZ_REQUIRE(strcmp(a->message, b->message) == 0 && strcmp(a->tenant, b->tenant) == 0);
    bool has_payload = a->method != RPS_SUCCESS && a->method != RPS_ERROR;
    FUZZ_REQUIRE(!has_payload || a->payload_len == b->payload_len);
    FUZZ_REQUIRE(!has_payload || a->payload_len == 0 ||
                 memcmp(a->payload, b->payload, a->payload_len) == 0);
}

/* What a server writes is what a client reads. */
static void try_port_switch(uint32_t port, uint32_t delay_s)
{
    struct text out = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t port_again = 0;
    uint32_t delay_again = 0;
    rps_port_switch_write(&out, port, delay_s);
    FUZZ_REQUIRE(!out.failed);
    FUZZ_REQUIRE(rps_port_switch_read((const uint8_t *)out.chars, (uint32_t)out.len, &port_again,
                                      &delay_again, &diag) == AMT_OK);
    FUZZ_REQUIRE(port == port_again && delay_s == delay_again);
    text_fini(&out);
}

static void try_message(enum rps_side side, const char *json, size_t len)
{
    struct arena arena = { 0 };
    struct rps_message m;
    struct rps_message again;
    struct amt_diag diag = { .err = AMT_OK };
    struct text out = { 0 };
    if (rps_read(json, len, &arena, &m, &diag) != AMT_OK) {
        FUZZ_REQUIRE(diag.text[0] != '\0');
        arena_fini(&arena);
        return;
    }
    rps_write(&out, side, &m);
    FUZZ_REQUIRE(!out.failed && strchr(out.chars, '\n') == NULL);
    FUZZ_REQUIRE(rps_read(out.chars, out.len, &arena, &again, &diag) == AMT_OK);
    same_message(&m, &again);
    (void)rps_version_is_supported(m.protocol_version, RPS_PROTOCOL_VERSION);
    FUZZ_REQUIRE(rps_status_text(m.message, &arena) != NULL);
    if (m.method == RPS_PORT_SWITCH) {
        uint32_t port = 0;
        uint32_t delay_s = 0;
        bool is_good =
            rps_port_switch_read(m.payload, m.payload_len, &port, &delay_s, &diag) == AMT_OK;
        FUZZ_REQUIRE(!is_good || (port > 0 && port < 65536 && delay_s <= 60));
        if (is_good) {
            try_port_switch(port, delay_s);
        }
    }
    text_fini(&out);
    arena_fini(&arena);
}

static void try_device(const uint8_t *json, uint32_t len)
{
    struct arena arena = { 0 };
    struct rps_device device;
    struct rps_device again;
    struct amt_diag diag = { .err = AMT_OK };
    struct text out = { 0 };
    if (rps_device_read(json, len, &arena, &device, &diag) != AMT_OK) {
        FUZZ_REQUIRE(diag.text[0] != '\0');
        arena_fini(&arena);
        return;
    }
    const struct activation_report *r = &device.report;
    FUZZ_REQUIRE(r->hash_count <= ACTIVATION_HASHES_MAX);
    if (device.uuid[0] == '\0') { /* a list of numbers that is no UUID */
        FUZZ_REQUIRE(!device.is_uuid);
        activation_report_wipe(&device.report);
        arena_fini(&arena);
        return;
    }
    rps_device_write(&out, &device);
    FUZZ_REQUIRE(!out.failed);
    FUZZ_REQUIRE(rps_device_read((const uint8_t *)out.chars, (uint32_t)out.len, &arena, &again,
                                 &diag) == AMT_OK);
    FUZZ_REQUIRE(strcmp(device.uuid, again.uuid) == 0 && device.is_uuid == again.is_uuid);
    FUZZ_REQUIRE(strcmp(r->version, again.report.version) == 0);
    FUZZ_REQUIRE(strcmp(r->dns_suffix, again.report.dns_suffix) == 0);
    FUZZ_REQUIRE(r->hash_count == again.report.hash_count);
    FUZZ_REQUIRE(r->hash_count == 0 ||
                 memcmp(r->hashes[0].bytes, again.report.hashes[0].bytes, r->hashes[0].len) == 0);
    FUZZ_REQUIRE(device.ip.is_dhcp == again.ip.is_dhcp &&
                 device.ip.is_static == again.ip.is_static);
    FUZZ_REQUIRE(device.ip.is_synced == again.ip.is_synced);
    FUZZ_REQUIRE(strcmp(device.ip.address, again.ip.address) == 0);
    FUZZ_REQUIRE(strcmp(device.ip.netmask, again.ip.netmask) == 0);
    FUZZ_REQUIRE(strcmp(device.ip.gateway, again.ip.gateway) == 0);
    FUZZ_REQUIRE(strcmp(device.ip.primary_dns, again.ip.primary_dns) == 0);
    FUZZ_REQUIRE(strcmp(device.ip.secondary_dns, again.ip.secondary_dns) == 0);
    FUZZ_REQUIRE(strcmp(device.os_host_name, again.os_host_name) == 0);
    FUZZ_REQUIRE(device.is_tls_tunnel == again.is_tls_tunnel);
    FUZZ_REQUIRE(r->is_tls_enforced == again.report.is_tls_enforced);
    FUZZ_REQUIRE(secret_equal(&r->local_password, again.report.local_password.bytes,
                              again.report.local_password.len));
    text_fini(&out);
    arena_fini(&arena);
}

static void try_command(const char *text, size_t len)
{
    struct arena arena = { 0 };
    struct rps_command command;
    struct amt_diag diag = { .err = AMT_OK };
    const char *line = arena_text(&arena, text, len);
    FUZZ_REQUIRE(line != NULL);
    if (rps_command_read(line, &arena, &command, &diag) != AMT_OK) {
        FUZZ_REQUIRE(diag.text[0] != '\0' || command.password.len == 0);
    } else {
        FUZZ_REQUIRE(strchr(command.profile, ' ') == NULL);
        FUZZ_REQUIRE(command.has_password || command.password.len == 0);
        FUZZ_REQUIRE(command.task == RPS_NO_TASK || rps_task_name(command.task)[0] != '\0');
        FUZZ_REQUIRE(command.task == RPS_CHANGE_PASSWORD || command.new_password.len == 0);
        FUZZ_REQUIRE(command.task == RPS_SYNC_HOST_NAME || command.host_name[0] == '\0');
    }
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 8192) {
        return 0;
    }
    if ((data[0] & 2) != 0) {
        try_device(data + 1, (uint32_t)(size - 1));
    } else if ((data[0] & 4) != 0) {
        try_command((const char *)data + 1, size - 1);
    } else {
        try_message((data[0] & 1) != 0 ? RPS_FROM_SERVER : RPS_FROM_CLIENT, (const char *)data + 1,
                    size - 1);
    }
    return 0;
}
