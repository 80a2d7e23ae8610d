/* What triggers a call home, and to whom it goes (apf.md 13.2 to 13.5). */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/remote_access_internal.h"
#include "simulator/firmware/settings.h"

#define HOUR_S        3600u
#define DAY_S         86400u
#define PORT_CLASS    "AMT_EthernetPortSettings"
#define PORT_ID       "Intel(r) AMT Ethernet Port Settings 0" /* wired: suffixes come there */
#define INTERVAL_DATA 0u /* first word of the ExtendedData of a periodic policy */

uint32_t remote_access_apf_reason(enum remote_access_trigger trigger)
{
    static const uint32_t k_reasons[] = { [REMOTE_ACCESS_USER] = 1,
                                          [REMOTE_ACCESS_ALERT] = 2,
                                          [REMOTE_ACCESS_PERIODIC] = 4,
                                          [REMOTE_ACCESS_HOME] = 3 };
    return (uint32_t)trigger < REMOTE_ACCESS_TRIGGER_COUNT_ ? k_reasons[trigger] : 0;
}

static bool port_has(const struct firmware *firmware, const char *property, bool fallback)
{
    const char *written = settings_get(firmware, PORT_CLASS, PORT_ID, property);
    if (written != NULL) {
        return written[0] == 't' || written[0] == 'T' || written[0] == '1';
    }
    const struct profile_class *class = firmware_profile_class(firmware->profile, PORT_CLASS);
    return wsman_get_bool(class == NULL ? NULL : class->instances, property, fallback);
}

/* FF-153: the suffix comes by DHCP; a static address that is shared with the host has the host's. */
static bool has_own_static_address(const struct firmware *firmware)
{
    bool is_shared =
        port_has(firmware, "SharedStaticIp", false) && port_has(firmware, "IpSyncEnabled", false);
    return !port_has(firmware, "DHCPEnabled", true) && !is_shared;
}

/* FF-152: a domain is home when it is the suffix or a parent of it. */
static bool is_home(const char *domain, const char *suffix)
{
    size_t domain_len = strlen(domain);
    size_t suffix_len = strlen(suffix);
    if (domain_len > suffix_len) {
        return false;
    }
    const char *end = suffix + (suffix_len - domain_len);
    return strcasecmp(end, domain) == 0 && (end == suffix || end[-1] == '.');
}

struct verdict {
    enum remote_access_place place;
    const char *why;
};

static struct verdict judge(const struct firmware *firmware)
{
    const struct remote_access *r = firmware->remote_access;
    if (r->domains.count == 0 && r->prefixes.count == 0) {
        return (struct verdict){ REMOTE_ACCESS_INSIDE, "no domains are configured" };
    }
    if (has_own_static_address(firmware)) {
        return firmware->profile->config.static_is_outside
                   ? (struct verdict){ REMOTE_ACCESS_OUTSIDE, "a static address has no suffix" }
                   : (struct verdict){ REMOTE_ACCESS_UNKNOWN, "a static address has no suffix" };
    }
    for (uint32_t i = 0; i < r->domains.count && r->network != NULL; i++) {
        if (is_home(r->domains.items[i], r->network)) {
            return (struct verdict){ REMOTE_ACCESS_INSIDE, "the suffix is that of a domain" };
        }
    }
    return (struct verdict){ REMOTE_ACCESS_OUTSIDE, "the suffix is of none of the domains" };
}

enum remote_access_place remote_access_place(const struct firmware *firmware)
{
    return judge(firmware).place;
}

bool remote_access_is_outside(const struct firmware *firmware)
{
    return remote_access_place(firmware) == REMOTE_ACCESS_OUTSIDE;
}

void remote_access_log_place(const struct firmware *firmware)
{
    static const char *const k_places[] = { "inside", "outside", "unknown" };
    const struct remote_access *r = firmware->remote_access;
    struct verdict verdict = judge(firmware);
    struct text domains = { 0 };
    for (uint32_t i = 0; i < r->domains.count; i++) {
        text_printf(&domains, "%s%s", i == 0 ? "" : ",", r->domains.items[i]);
    }
    LOG(firmware->log, LOG_INFO, "cira.environment", log_text("uuid", firmware->uuid_text),
        log_text("verdict", k_places[verdict.place]), log_text("why", verdict.why),
        log_text("dns_suffix", r->network == NULL ? "" : r->network),
        log_text("domains", text_chars(&domains)));
    text_fini(&domains);
}

/* APF-DEV-047: an external server is for the outside, an internal one for the inside, one that is both
 * for anywhere; the user may call also from where nobody knows (FF-153). Without domains detection is
 * off, and nobody is called. */
static bool may_call(const struct firmware *firmware, enum remote_access_trigger trigger,
                     const struct remote_access_link *link)
{
    const struct remote_access *r = firmware->remote_access;
    bool is_off = r->domains.count == 0 && r->prefixes.count == 0;
    if (is_off || !provisioning_network_is_on(firmware)) {
        return false;
    }
    if (link->mps_type == MPS_BOTH) {
        return true;
    }
    switch (remote_access_place(firmware)) {
    case REMOTE_ACCESS_INSIDE:
        return link->mps_type == MPS_INTERNAL;
    case REMOTE_ACCESS_OUTSIDE:
        return link->mps_type == MPS_EXTERNAL;
    case REMOTE_ACCESS_UNKNOWN:
        return link->mps_type == MPS_EXTERNAL && trigger == REMOTE_ACCESS_USER;
    }
    return false;
}

/* The at-th link that may be used, lowest OrderOfAccess first; NULL. */
static const struct remote_access_link *
usable_link(const struct firmware *firmware, const struct remote_access_policy *policy, uint32_t at)
{
    const struct remote_access_link *found[REMOTE_ACCESS_LINKS_MAX];
    uint32_t count = 0;
    if (!provisioning_network_is_on(firmware)) {
        return NULL;
    }
    for (uint32_t i = 0; i < policy->link_count; i++) {
        const struct remote_access_link *link = &policy->links[i];
        if (!may_call(firmware, policy->trigger, link)) {
            continue;
        }
        uint32_t place = count++;
        for (; place > 0 && found[place - 1]->order > link->order; place--) {
            found[place] = found[place - 1];
        }
        found[place] = link;
    }
    return at < count ? found[at] : NULL;
}

bool remote_access_target(const struct firmware *firmware, enum remote_access_trigger trigger,
                          uint32_t at, struct remote_access_target *target)
{
    const struct remote_access_policy *policy = remote_access_policy(firmware, trigger);
    const struct remote_access_link *link =
        policy == NULL ? NULL : usable_link(firmware, policy, at);
    if (link == NULL) {
        return false;
    }
    const struct remote_access_server *server = firmware->remote_access->servers[link->server];
    *target = (struct remote_access_target){
        .access_info = server->access_info,
        .common_name = server->common_name[0] == '\0' ? NULL : server->common_name,
        .user = server->user,
        .password = server->password,
        .port = server->port,
        .is_mutual = server->is_mutual,
        .certificate = server->certificate,
        .lifetime_s = policy->lifetime_s,
    };
    return true;
}

/* Until the next hour:minute of the device's clock. */
static uint64_t daily_wait_s(const struct firmware *firmware, const uint8_t *data)
{
    uint64_t wanted_s = remote_access_word(data + 4) * (uint64_t)HOUR_S +
                        remote_access_word(data + 8) * (uint64_t)60;
    uint64_t now_s = firmware_time_s(firmware) % DAY_S;
    return wanted_s > now_s ? wanted_s - now_s : wanted_s + DAY_S - now_s;
}

bool remote_access_periodic_wait(const struct firmware *firmware, uint64_t *wait_us)
{
    const struct remote_access_policy *policy =
        remote_access_policy(firmware, REMOTE_ACCESS_PERIODIC);
    if (policy == NULL || usable_link(firmware, policy, 0) == NULL) {
        return false;
    }
    uint64_t wait_s = remote_access_word(policy->data) == INTERVAL_DATA
                          ? remote_access_word(policy->data + 4)
                          : daily_wait_s(firmware, policy->data);
    *wait_us = wait_s * US_PER_SECOND;
    return true;
}

bool remote_access_is_daily(const struct firmware *firmware)
{
    const struct remote_access_policy *policy =
        remote_access_policy(firmware, REMOTE_ACCESS_PERIODIC);
    return policy != NULL && remote_access_word(policy->data) != INTERVAL_DATA;
}

bool remote_access_proxy(const struct firmware *firmware, struct address *proxy)
{
    const struct remote_access *r = firmware->remote_access;
    for (uint32_t i = 0; i < r->proxy_count && r->network != NULL; i++) {
        const struct remote_access_proxy *own = r->proxies[i];
        if (strcasecmp(own->suffix, r->network) == 0 &&
            remote_access_copy(proxy->host, sizeof proxy->host, own->access_info)) {
            proxy->port = own->port;
            return true;
        }
    }
    return false;
}

static void call_home(struct firmware *firmware, enum remote_access_trigger trigger)
{
    if (firmware->hooks.call_home != NULL) {
        firmware->hooks.call_home(firmware->hooks.ctx, trigger);
    }
}

static bool has_target(const struct firmware *firmware, enum remote_access_trigger trigger)
{
    struct remote_access_target target;
    return remote_access_target(firmware, trigger, 0, &target);
}

/* A network of another name may be the outside: then the rule for a PC at home applies at once. */
void remote_access_set_network(struct firmware *firmware, const char *dns_suffix)
{
    struct remote_access *r = firmware->remote_access;
    amt_free(r->network);
    r->network = dns_suffix == NULL ? NULL : amt_strdup(dns_suffix);
    if (provisioning_set_dhcp_suffix(firmware, dns_suffix) != AMT_OK &&
        provisioning_set_dhcp_suffix(firmware, NULL) != AMT_OK) {
        return; /* what is too long to be a domain's is none, and none always fits */
    }
    remote_access_tell_caller(firmware);
    if (remote_access_is_outside(firmware) && has_target(firmware, REMOTE_ACCESS_HOME)) {
        call_home(firmware, REMOTE_ACCESS_HOME);
    }
}

void remote_access_alert(struct firmware *firmware)
{
    if (!firmware->remote_access->is_tunnel_up && has_target(firmware, REMOTE_ACCESS_ALERT)) {
        call_home(firmware, REMOTE_ACCESS_ALERT);
    }
}

struct stream *remote_access_connect(struct firmware *firmware, const struct address *to,
                                     uint64_t limit_us, bool *is_later)
{
    static const struct stream_handler k_nothing = { NULL, NULL, NULL, NULL };
    bool is_outside = remote_access_is_outside(firmware);
    *is_later = false;
    if (is_outside && firmware->remote_access->is_tunnel_up) {
        return firmware->hooks.connect == NULL
                   ? NULL
                   : firmware->hooks.connect(firmware->hooks.ctx, to); /* APF-DEV-048 */
    }
    if (is_outside && has_target(firmware, REMOTE_ACCESS_ALERT)) {
        remote_access_alert(firmware);
        *is_later = true;
        return NULL;
    }
    return net_connect(firmware->loop, to, limit_us, &k_nothing, NULL);
}

enum amt_err remote_access_user_connect(struct firmware *firmware, bool from_bios)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t interface = from_bios ? USER_INTERFACE_BIOS : USER_INTERFACE_OS;
    if ((r->user_interfaces & interface) == 0 || !has_target(firmware, REMOTE_ACCESS_USER)) {
        return AMT_ESTATE;
    }
    r->has_user_asked = true;
    r->user_asked_from_bios = from_bios;
    firmware_changed(firmware);
    call_home(firmware, REMOTE_ACCESS_USER);
    return AMT_OK;
}

void remote_access_call_started(struct firmware *firmware, enum remote_access_trigger trigger,
                                uint32_t at)
{
    firmware->remote_access->has_called = true;
    firmware->remote_access->is_calling = !firmware->remote_access->is_tunnel_up;
    firmware->remote_access->last_trigger = trigger;
    firmware->remote_access->last_at = at;
}

void remote_access_tunnel_changed(struct firmware *firmware, bool is_up)
{
    firmware->remote_access->is_tunnel_up = is_up;
    firmware->remote_access->is_calling = false;
    if (!is_up) {
        firmware->remote_access->keepalive_s = 0;
    }
}

void remote_access_set_keepalive(struct firmware *firmware, uint32_t seconds)
{
    firmware->remote_access->keepalive_s = seconds;
}
