#include "scenarios/engine/device_host.h"

#include <string.h>

#include "base/memory.h"
#include "protocol/mei/pthi.h"
#include "simulator/host/pthi.h"

/* Header, status, and the algorithm of StartConfigurationHBased (activation.md 1.5, 4.7). */
#define HEADER_BYTES     12u
#define STARTED_HASH_OFF (HEADER_BYTES + 4u + 1u)
#define GIVEN_HASH_OFF   (HEADER_BYTES + 1u)
#define COMMAND_OFF      4u

static uint32_t command_of(const uint8_t *in, uint32_t len)
{
    uint32_t command = 0;
    for (uint32_t i = 0; len >= HEADER_BYTES && i < 4; i++) {
        command |= (uint32_t)in[COMMAND_OFF + i] << (8 * i);
    }
    return command;
}

static const struct device_host_status *refusal_of(const struct device_host *host, uint32_t command)
{
    for (uint32_t i = 0; i < host->faults.status_count; i++) {
        if (host->faults.statuses[i].command == command) {
            return &host->faults.statuses[i];
        }
    }
    return NULL;
}

static void ask(struct device_host *host, const uint8_t *in, uint32_t in_len, uint8_t *out,
                uint32_t cap, uint32_t *len)
{
    bool is_start = command_of(in, in_len) == PTHI_START_CONFIGURATION_HBASED;
    uint8_t *changed = is_start && host->faults.takes_other_hash && in_len > GIVEN_HASH_OFF
                           ? amt_alloc(in_len)
                           : NULL;
    if (changed != NULL) {
        memcpy(changed, in, in_len);
        changed[GIVEN_HASH_OFF] ^= 1;
    }
    (void)host_pthi_answer(host->firmware, changed != NULL ? changed : in, in_len, out, cap, len);
    amt_free(changed);
    if (is_start && host->faults.shows_other_hash && *len > STARTED_HASH_OFF) {
        out[STARTED_HASH_OFF] ^= 1;
    }
}

static enum amt_err command(void *ctx, const uint8_t *in, uint32_t in_len, uint8_t *out,
                            uint32_t cap, uint32_t *len, struct amt_diag *diag)
{
    struct device_host *host = ctx;
    const struct device_host_status *refusal = refusal_of(host, command_of(in, in_len));
    *len = 0;
    if (refusal != NULL) {
        *len = pthi_encode_status(refusal->command, refusal->status, out, cap);
    } else {
        ask(host, in, in_len, out, cap, len);
    }
    return *len != 0
               ? AMT_OK
               : amt_diag_set(diag, AMT_ESYS, "the simulated ME does not answer that command");
}

struct stream *device_host_open_port(void *ctx, uint32_t port)
{
    struct device_host *host = ctx;
    struct stream *ours = NULL;
    struct stream *theirs = NULL;
    if (stream_memory_pair(host->loop, &ours, &theirs) != AMT_OK) {
        return NULL;
    }
    if (host->faults.refuses_ports ||
        !firmware_port_is_open(host->firmware, port, FIRMWARE_LOCAL)) {
        stream_reset(theirs);
    } else if (port == 16993) {
        firmware_serve_tls(host->firmware, theirs, FIRMWARE_LOCAL);
    } else {
        firmware_serve(host->firmware, theirs, FIRMWARE_LOCAL);
    }
    return ours;
}

static bool is_tls_enforced(void *ctx)
{
    const struct device_host *host = ctx;
    return !firmware_port_is_open(host->firmware, 16992, FIRMWARE_LOCAL) &&
           firmware_port_is_open(host->firmware, 16993, FIRMWARE_LOCAL);
}

struct activation_host device_host_door(struct device_host *host, const char *host_name,
                                        const char *os_dns_suffix)
{
    return (struct activation_host){ .command = command,
                                     .open_port = device_host_open_port,
                                     .is_tls_enforced = is_tls_enforced,
                                     .host_name = host_name == NULL ? "" : host_name,
                                     .os_dns_suffix = os_dns_suffix == NULL ? "" : os_dns_suffix,
                                     .ctx = host };
}
