/* `maintenance` of RPS (activation.md 7.3): one task on a device that is activated, as its administrator. */
#include <string.h>

#include "base/memory.h"
#include "mps/activation/config.h"
#include "mps/activation/rps_internal.h"

static const char k_clock[] = "AMT_TimeSynchronizationService";
static const char k_general[] = "AMT_GeneralSettings";
static const char k_port[] = "AMT_EthernetPortSettings";
#define WIRED "Intel(r) AMT Ethernet Port Settings 0"

static void fail(struct rps_client *c, const char *doing, const struct wsman_outcome *outcome)
{
    struct text status = { 0 };
    if (outcome->result == WSMAN_REFUSED) {
        c->failure = ACT_F_LOGIN_REFUSED;
        text_puts(&status, "Unable to authenticate with AMT");
    } else {
        c->failure = ACT_F_INTERNAL_ERROR;
        text_printf(&status, "Device %s maintenance failed. %s: %s", c->device.uuid, doing,
                    outcome->diag.text);
    }
    rps_client_finish_status(c, false, text_chars(&status));
    text_fini(&status);
}

static void refuse(struct rps_client *c, const char *why)
{
    struct text status = { 0 };
    text_printf(&status, "Device %s maintenance failed. %s", c->device.uuid, why);
    rps_client_finish_status(c, false, text_chars(&status));
    text_fini(&status);
}

static bool is_good(const struct wsman_outcome *outcome)
{
    return outcome->result == WSMAN_DONE &&
           (!outcome->has_return_value || outcome->return_value == 0);
}

static void call(struct rps_client *c, const struct wsman_call *call, wsman_done_fn *done)
{
    if (wsman_client_call(c->wsman, call, &c->call_arena, done, c) != AMT_OK) {
        rps_client_die(c);
    }
}

/* --- the clock --- */

static void on_clock_set(void *ctx, const struct wsman_outcome *outcome)
{
    if (is_good(outcome)) {
        rps_client_finish_status(ctx, true, "Clock synchronized.");
    } else {
        fail(ctx, "SetHighAccuracyTimeSynch", outcome);
    }
}

static void on_clock(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    struct wsman_instance *input = wsman_instance_new(&c->call_arena, "INPUT");
    uint64_t now_s = loop_wall_us(c->server->settings.activation.loop) / US_PER_SECOND;
    const struct wsman_call set = { .operation = WSMAN_METHOD,
                                    .class_name = k_clock,
                                    .method = "SetHighAccuracyTimeSynch",
                                    .body = input };
    if (!is_good(outcome)) {
        fail(c, "GetLowAccuracyTimeSynch", outcome);
        return;
    }
    wsman_set_u64(input, "Ta0", wsman_get_u64(outcome->reply->instance, "Ta0", now_s));
    wsman_set_u64(input, "Tm1", now_s);
    wsman_set_u64(input, "Tm2", now_s);
    call(c, &set, on_clock_set);
}

static void sync_clock(struct rps_client *c)
{
    const struct wsman_call get = { .operation = WSMAN_METHOD,
                                    .class_name = k_clock,
                                    .method = "GetLowAccuracyTimeSynch",
                                    .body = wsman_instance_new(&c->call_arena, "INPUT") };
    call(c, &get, on_clock);
}

/* --- the host name --- */

static void on_name_put(void *ctx, const struct wsman_outcome *outcome)
{
    if (is_good(outcome)) {
        rps_client_finish_status(ctx, true, "Host name synchronized.");
    } else {
        fail(ctx, "Put AMT_GeneralSettings", outcome);
    }
}

static void on_general(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    if (!is_good(outcome) || outcome->reply->instance == NULL) {
        fail(c, "Get AMT_GeneralSettings", outcome);
        return;
    }
    struct wsman_instance *changed = wsman_instance_copy(&c->call_arena, outcome->reply->instance);
    wsman_set(changed, "HostName", c->host_name);
    if (c->device.report.os_dns_suffix[0] != '\0') {
        wsman_set(changed, "DomainName", c->device.report.os_dns_suffix);
    }
    const struct wsman_call put = { .operation = WSMAN_PUT,
                                    .class_name = k_general,
                                    .body = changed };
    call(c, &put, on_name_put);
}

/* Named by the command, else what the operating system calls itself. */
static void sync_host_name(struct rps_client *c, const char *wanted)
{
    const struct wsman_call get = { .operation = WSMAN_GET, .class_name = k_general };
    const char *own = c->device.os_host_name;
    c->host_name = wanted[0] != '\0' ? wanted : own[0] != '\0' ? own : c->device.report.host_name;
    if (c->host_name[0] == '\0') {
        refuse(c, "The client told no host name.");
    } else {
        call(c, &get, on_general);
    }
}

/* --- the address --- */

static void on_port_put(void *ctx, const struct wsman_outcome *outcome)
{
    if (is_good(outcome)) {
        rps_client_finish_status(ctx, true, "Network configuration synchronized.");
    } else {
        fail(ctx, "Put AMT_EthernetPortSettings", outcome);
    }
}

static void set_address(struct wsman_instance *changed, const char *name, const char *value)
{
    if (value[0] != '\0') {
        wsman_set(changed, name, value);
    } else {
        wsman_unset(changed, name); /* an empty one is refused */
    }
}

/* DHCP, the operating system's own static address, or this one. */
static void fill_port(struct wsman_instance *changed, const struct rps_ip *ip)
{
    static const struct rps_ip k_none = {
        .address = "", .netmask = "", .gateway = "", .primary_dns = "", .secondary_dns = ""
    };
    bool is_shared = !ip->is_dhcp && ip->is_synced;
    const struct rps_ip *from = ip->is_dhcp || is_shared ? &k_none : ip;
    wsman_set_bool(changed, "DHCPEnabled", ip->is_dhcp);
    wsman_set_bool(changed, "IpSyncEnabled", ip->is_dhcp || is_shared);
    wsman_set_bool(changed, "SharedStaticIp", is_shared);
    set_address(changed, "IPAddress", from->address);
    set_address(changed, "SubnetMask", from->netmask);
    set_address(changed, "DefaultGateway", from->gateway);
    set_address(changed, "PrimaryDNS", from->primary_dns);
    set_address(changed, "SecondaryDNS", from->secondary_dns);
}

static void on_ports(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    const struct wsman_instance *item = outcome->items;
    const struct wsman_selector *selectors = NULL;
    const char *id = item == NULL ? NULL : wsman_get(item, "InstanceID");
    while (item != NULL && (id == NULL || strcmp(id, WIRED) != 0)) {
        item = item->next;
        id = item == NULL ? NULL : wsman_get(item, "InstanceID");
    }
    if (outcome->result != WSMAN_DONE) {
        fail(c, "Enumerate AMT_EthernetPortSettings", outcome);
        return;
    }
    if (item == NULL) {
        refuse(c, "The device has no wired port.");
        return;
    }
    struct wsman_instance *changed = wsman_instance_copy(&c->call_arena, item);
    fill_port(changed, &c->device.ip);
    if (changed == NULL ||
        wsman_selector_add(&c->call_arena, &selectors, "InstanceID", id) != AMT_OK) {
        rps_client_die(c);
        return;
    }
    const struct wsman_call put = {
        .operation = WSMAN_PUT, .class_name = k_port, .selectors = selectors, .body = changed
    };
    call(c, &put, on_port_put);
}

static void sync_ip(struct rps_client *c)
{
    const struct rps_ip *ip = &c->device.ip;
    const struct wsman_call ports = { .operation = WSMAN_ENUMERATE, .class_name = k_port };
    bool has_address = ip->address[0] != '\0' && ip->netmask[0] != '\0';
    if (!ip->is_dhcp && !ip->is_synced && !has_address) {
        refuse(c, "The client told neither DHCP nor address and netmask.");
    } else {
        call(c, &ports, on_ports);
    }
}

/* --- the password --- */

static void change_password(struct rps_client *c, const struct secret *wanted)
{
    char text[SECRET_MAX_BYTES + 1] = "";
    memcpy(text, wanted->bytes, wanted->len);
    bool is_good_one =
        wanted->len == 0
            ? activation_password_draw(c->server->settings.activation.loop, &c->wanted_password)
            : activation_password_is_good(text);
    amt_wipe(text, sizeof text);
    if (!is_good_one) {
        refuse(c, "The new password is none that AMT takes: 8 to 32 characters with a digit, a "
                  "lower and an upper letter and another.");
        return;
    }
    if (wanted->len > 0) {
        c->wanted_password = *wanted;
    }
    c->policy.password = c->device.report.local_password; /* what it has */
    c->group = "";
    rps_password_set(c);
}

/* --- what is known of the device --- */

static void sync_device_info(struct rps_client *c)
{
    const struct rps_server_settings *settings = &c->server->settings;
    const struct activation_report *report = &c->device.report;
    LOG(settings->activation.log, LOG_INFO, "rps.device_info", log_text("uuid", c->device.uuid),
        log_text("version", report->version), log_text("build", report->build),
        log_text("sku", report->sku), log_text("host_name", report->host_name),
        log_text("suffix", activation_report_suffix(report)),
        log_text("address", c->device.ip.address), log_u64("control_mode", report->control_mode));
    if (settings->on_device_info != NULL) {
        settings->on_device_info(settings->ctx, &c->device);
    }
    rps_client_finish_status(c, true, "Device information synchronized.");
}

void rps_maintain(struct rps_client *c, const struct rps_command *command)
{
    c->is_maintained = true;
    if (command->task == RPS_SYNC_DEVICE_INFO) {
        sync_device_info(c); /* nothing is asked of the device */
        return;
    }
    if (command->task == RPS_CHANGE_PASSWORD) {
        change_password(c, &command->new_password);
        return;
    }
    c->wsman = rps_client_as_admin(c, &c->device.report.local_password);
    if (c->wsman == NULL) {
        rps_client_die(c);
    } else if (command->task == RPS_SYNC_CLOCK) {
        sync_clock(c);
    } else if (command->task == RPS_SYNC_HOST_NAME) {
        sync_host_name(c, command->host_name);
    } else {
        sync_ip(c);
    }
}
