/* HTTP proxies between the device and its servers: wsman.md 4.8. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

#define NAME_BYTES  64
#define PROXY_CLASS "IPS_HTTPProxyAccessPoint"
/* One above the most entries, so that a free number always exists. */
#define NUMBERS (REMOTE_ACCESS_PROXIES_MAX + 1u)

static void proxy_name(uint32_t number, char out[static NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "Intel(r) ME:HTTP Proxy Access Point %u", number);
}

static const struct wsman_ref *proxy_ref(struct firmware_call *call, uint32_t number)
{
    char name[NAME_BYTES];
    proxy_name(number, name);
    return wsman_ref_new(call->arena, PROXY_CLASS, 4, "CreationClassName", PROXY_CLASS, "Name",
                         name, "SystemCreationClassName", "CIM_ComputerSystem", "SystemName",
                         "Intel(r) AMT");
}

struct wsman_instance *remote_access_list_proxies(struct firmware_call *call)
{
    const struct remote_access *r = call->firmware->remote_access;
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < r->proxy_count; i++) {
        const struct remote_access_proxy *proxy = r->proxies[i];
        struct wsman_instance *instance = firmware_instance_new(call, PROXY_CLASS);
        char name[NAME_BYTES];
        if (instance == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return NULL;
        }
        proxy_name(proxy->number, name);
        wsman_set(instance, "AccessInfo", proxy->access_info);
        wsman_set(instance, "ElementName", "Intel(r) ME:HTTP Proxy Access Point");
        wsman_set_u64(instance, "InfoFormat", proxy->format);
        wsman_set(instance, "Name", name);
        wsman_set(instance, "NetworkDnsSuffix", proxy->suffix);
        wsman_set_u64(instance, "Port", proxy->port);
        wsman_set_u64(instance, "Priority", i);
        wsman_set_u64(instance, "Type", 0);
        *end = instance;
        end = &instance->next;
    }
    return first;
}

static bool read_proxy(const struct wsman_instance *in, struct remote_access_proxy *proxy)
{
    const char *access_info = wsman_get(in, "AccessInfo");
    const char *suffix = wsman_get(in, "NetworkDnsSuffix");
    uint64_t port = wsman_get_u64(in, "Port", 0);
    proxy->format = (uint32_t)wsman_get_u64(in, "InfoFormat", 0);
    proxy->port = (uint16_t)port;
    return access_info != NULL && remote_access_host_is_valid(access_info, proxy->format) &&
           remote_access_copy(proxy->access_info, sizeof proxy->access_info, access_info) &&
           suffix != NULL && remote_access_copy(proxy->suffix, sizeof proxy->suffix, suffix) &&
           port > 0 && port <= UINT16_MAX;
}

static bool is_same(const struct remote_access_proxy *a, const struct remote_access_proxy *b)
{
    return strcasecmp(a->access_info, b->access_info) == 0 && a->port == b->port &&
           strcasecmp(a->suffix, b->suffix) == 0;
}

static bool has_number(const struct remote_access *r, uint32_t number)
{
    for (uint32_t i = 0; i < r->proxy_count; i++) {
        if (r->proxies[i]->number == number) {
            return true;
        }
    }
    return false;
}

static uint32_t add_proxy(struct firmware_call *call, const struct wsman_instance *in,
                          uint32_t *number)
{
    struct remote_access *r = call->firmware->remote_access;
    struct remote_access_proxy proxy = { .number = 0 };
    if (!read_proxy(in, &proxy)) {
        return PT_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < r->proxy_count; i++) {
        if (is_same(r->proxies[i], &proxy)) {
            return PT_DUPLICATE; /* WSM-105 */
        }
    }
    if (r->proxy_count >= remote_access_limit(call->firmware, "MaxTotalProxyEntryPoints",
                                              REMOTE_ACCESS_PROXIES_MAX)) {
        return PT_MAX_LIMIT_REACHED;
    }
    while (has_number(r, proxy.number) && proxy.number < NUMBERS) {
        proxy.number += 1;
    }
    r->proxies[r->proxy_count] = amt_memdup(&proxy, sizeof proxy);
    if (r->proxies[r->proxy_count] == NULL) {
        return PT_INTERNAL_ERROR;
    }
    r->proxy_count += 1;
    *number = proxy.number;
    remote_access_changed(call);
    return PT_SUCCESS;
}

uint32_t remote_access_add_proxy(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    uint32_t number = 0;
    (void)target;
    wsman_set_ref(out, "ProxyAccessPoint", wsman_ref_new(call->arena, "", 0)); /* WSM-050 */
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    uint32_t status = add_proxy(call, in, &number);
    if (status == PT_SUCCESS) {
        wsman_set_ref(out, "ProxyAccessPoint", proxy_ref(call, number));
    }
    return status;
}

static uint32_t index_of(const struct remote_access *r, const struct wsman_instance *instance)
{
    const char *name = wsman_get(instance, "Name");
    for (uint32_t i = 0; name != NULL && i < r->proxy_count; i++) {
        char own[NAME_BYTES];
        proxy_name(r->proxies[i]->number, own);
        if (strcmp(own, name) == 0) {
            return i;
        }
    }
    return r->proxy_count;
}

void remote_access_remove_proxy(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct remote_access *r = call->firmware->remote_access;
    uint32_t at = index_of(r, instance);
    if (at == r->proxy_count) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    amt_free(r->proxies[at]);
    r->proxy_count -= 1;
    for (; at < r->proxy_count; at++) {
        r->proxies[at] = r->proxies[at + 1];
    }
    r->proxies[at] = NULL;
    remote_access_changed(call);
}

/* The proxy becomes the first of all. */
uint32_t remote_access_raise_proxy(struct firmware_call *call, const struct wsman_instance *target,
                                   const struct wsman_instance *in, struct wsman_instance *out)
{
    struct remote_access *r = call->firmware->remote_access;
    uint32_t at = index_of(r, target);
    (void)in;
    (void)out;
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    if (at == r->proxy_count) {
        return PT_INVALID_PARAMETER;
    }
    struct remote_access_proxy *proxy = r->proxies[at];
    for (; at > 0; at--) {
        r->proxies[at] = r->proxies[at - 1];
    }
    r->proxies[0] = proxy;
    remote_access_changed(call);
    return PT_SUCCESS;
}

void remote_access_fill_proxy_service(struct firmware_call *call, struct wsman_instance *instance)
{
    wsman_set_bool(instance, "SyncEnabled", call->firmware->remote_access->syncs_proxies);
}

void remote_access_put_proxy_service(struct firmware_call *call, const struct wsman_instance *old,
                                     const struct wsman_instance *changed)
{
    struct remote_access *r = call->firmware->remote_access;
    (void)old;
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    r->syncs_proxies = wsman_get_bool(changed, "SyncEnabled", r->syncs_proxies);
    remote_access_changed(call);
}
