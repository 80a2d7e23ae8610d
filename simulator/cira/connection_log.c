/* The record that firmware keeps of its last tunnel (apf.md 13.7, APF-DEV-049). */
#include <stdio.h>
#include <string.h>

#include "simulator/device_internal.h"

enum closure {
    CLOSURE_USER,
    CLOSURE_LIFETIME,
    CLOSURE_INTERNAL,
    CLOSURE_KEEPALIVE,
    CLOSURE_TCP,
    CLOSURE_INVALID_APF,
    CLOSURE_NONE = 255
};

void connection_log_open(struct device *device)
{
    struct device_connection_log *log = &device->connection_log;
    memset(log, 0, sizeof *log);
    log->tls_alert = -1;
    log->closure_reason = CLOSURE_NONE;
    log->trigger = device->trigger;
    log->is_mutual_tls = device->is_mutual;
    address_format(&device->server, log->server);
}

void connection_log_up(struct device *device, uint32_t keepalive_interval_s)
{
    device->connection_log.opened_us = loop_wall_us(device->loop);
    device->connection_log.keepalive_interval_s = keepalive_interval_s;
}

static int closure_of(const struct apf_end *end)
{
    switch (end->kind) {
    case APF_END_PEER_DISCONNECT:
    case APF_END_TRANSPORT:
        return CLOSURE_TCP;
    case APF_END_PROTOCOL_ERROR:
        return CLOSURE_INVALID_APF;
    case APF_END_AUTH_FAILED:
        return CLOSURE_INTERNAL;
    case APF_END_IDLE:
    case APF_END_TIMEOUT:
        return end->code == APF_CONNECTION_LOST ? CLOSURE_KEEPALIVE : CLOSURE_TCP;
    case APF_END_LOCAL:
        return strstr(end->text, "lifetime") != NULL ? CLOSURE_LIFETIME : CLOSURE_USER;
    }
    return CLOSURE_INTERNAL;
}

void connection_log_close(struct device *device, const struct apf_end *end, bool is_cut_by_us)
{
    struct device_connection_log *log = &device->connection_log;
    log->closed_us = loop_wall_us(device->loop);
    log->disconnect_reason = end->code;
    log->closed_by_mps = end->kind == APF_END_PEER_DISCONNECT || end->kind == APF_END_AUTH_FAILED ||
                         (end->kind == APF_END_TRANSPORT && !is_cut_by_us); /* APF-DEV-042 */
    log->closure_reason = closure_of(end);
    if (end->kind == APF_END_AUTH_FAILED) {
        connection_log_failure(device,
                               "authentication failed: the MPS refused user name and password", -1);
    }
}

void connection_log_failure(struct device *device, const char *text, int tls_alert)
{
    struct device_connection_log *log = &device->connection_log;
    (void)snprintf(log->failure, sizeof log->failure, "%s", text);
    log->tls_alert = tls_alert;
}
