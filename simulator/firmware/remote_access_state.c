/* What remote access keeps over a power cut. */
#include <string.h>

#include "simulator/firmware/remote_access_internal.h"
#include "simulator/firmware/state_fields.h"

void remote_access_clear(struct remote_access *r)
{
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        remote_access_server_free(r->servers[i]);
        r->servers[i] = NULL;
    }
    for (uint32_t i = 0; i < r->policy_count; i++) {
        amt_free(r->policies[i]);
        r->policies[i] = NULL;
    }
    for (uint32_t i = 0; i < r->proxy_count; i++) {
        amt_free(r->proxies[i]);
        r->proxies[i] = NULL;
    }
    r->policy_count = 0;
    r->proxy_count = 0;
    remote_access_texts_clear(&r->domains);
    remote_access_texts_clear(&r->prefixes);
    r->syncs_proxies = false;
    r->routes_vpn = false;
    r->defense_policy[0] = '\0';
    r->has_user_asked = false;
    r->has_called = false;
}

/* Appends an object that is whole; otherwise it and the truth of the list are dropped. */
static bool add_item(json_t *list, json_t *item, bool is_whole)
{
    if (!is_whole) {
        json_decref(item);
        return false;
    }
    return json_array_append_new(list, item) == 0;
}

static bool save_servers(const struct remote_access *r, json_t *list)
{
    bool is_whole = list != NULL;
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX && is_whole; i++) {
        const struct remote_access_server *s = r->servers[i];
        json_t *item = s == NULL ? NULL : json_object();
        if (s == NULL) {
            continue;
        }
        is_whole = add_item(
            list, item,
            state_put_u64(item, "number", i) && state_put_text(item, "host", s->access_info) &&
                state_put_text(item, "common_name", s->common_name) &&
                state_put_u64(item, "format", s->format) && state_put_u64(item, "port", s->port) &&
                state_put_bool(item, "mutual", s->is_mutual) &&
                state_put_text(item, "user", s->user) &&
                state_put_text(item, "password", s->password) &&
                state_put_text(item, "certificate", s->certificate));
    }
    return is_whole;
}

static bool save_links(const struct remote_access_policy *policy, json_t *list)
{
    bool is_whole = list != NULL;
    for (uint32_t i = 0; i < policy->link_count && is_whole; i++) {
        const struct remote_access_link *link = &policy->links[i];
        json_t *item = json_object();
        is_whole = add_item(list, item,
                            state_put_u64(item, "server", link->server) &&
                                state_put_u64(item, "type", link->mps_type) &&
                                state_put_u64(item, "order", link->order));
    }
    return is_whole;
}

static bool save_policies(const struct remote_access *r, json_t *list)
{
    bool is_whole = list != NULL;
    for (uint32_t i = 0; i < r->policy_count && is_whole; i++) {
        const struct remote_access_policy *p = r->policies[i];
        json_t *item = json_object();
        json_t *links = json_array();
        bool has_links = save_links(p, links);
        /* object_set_new takes links also when it fails */
        has_links = json_object_set_new(item, "servers", links) == 0 && has_links;
        is_whole = add_item(list, item,
                            has_links && state_put_u64(item, "trigger", p->trigger) &&
                                state_put_u64(item, "lifetime_s", p->lifetime_s) &&
                                state_put_hex(item, "data", p->data, p->data_len));
    }
    return is_whole;
}

static bool save_proxies(const struct remote_access *r, json_t *list)
{
    bool is_whole = list != NULL;
    for (uint32_t i = 0; i < r->proxy_count && is_whole; i++) {
        const struct remote_access_proxy *p = r->proxies[i];
        json_t *item = json_object();
        is_whole = add_item(list, item,
                            state_put_u64(item, "number", p->number) &&
                                state_put_text(item, "host", p->access_info) &&
                                state_put_text(item, "suffix", p->suffix) &&
                                state_put_u64(item, "format", p->format) &&
                                state_put_u64(item, "port", p->port));
    }
    return is_whole;
}

static bool save_texts(const struct remote_access_texts *texts, json_t *list)
{
    bool is_whole = list != NULL;
    for (uint32_t i = 0; i < texts->count && is_whole; i++) {
        is_whole = json_array_append_new(list, json_string(texts->items[i])) == 0;
    }
    return is_whole;
}

/* The list goes into the object in any case, so that it is freed with it. */
static bool put_list(json_t *state, const char *key, json_t *list, bool is_whole)
{
    return json_object_set_new(state, key, list) == 0 && is_whole;
}

json_t *remote_access_save(struct firmware *firmware)
{
    const struct remote_access *r = firmware->remote_access;
    json_t *state = json_object();
    json_t *servers = json_array();
    json_t *policies = json_array();
    json_t *proxies = json_array();
    json_t *domains = json_array();
    json_t *prefixes = json_array();
    bool is_whole = put_list(state, "servers", servers, save_servers(r, servers));
    is_whole = put_list(state, "policies", policies, save_policies(r, policies)) && is_whole;
    is_whole = put_list(state, "proxies", proxies, save_proxies(r, proxies)) && is_whole;
    is_whole = put_list(state, "domains", domains, save_texts(&r->domains, domains)) && is_whole;
    is_whole =
        put_list(state, "prefixes", prefixes, save_texts(&r->prefixes, prefixes)) && is_whole;
    is_whole = is_whole && state_put_u64(state, "user_interfaces", r->user_interfaces) &&
               state_put_bool(state, "sync_proxies", r->syncs_proxies) &&
               state_put_bool(state, "vpn_routing", r->routes_vpn) &&
               state_put_text(state, "defense_policy", r->defense_policy);
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err bad(struct amt_diag *diag, const char *what)
{
    return amt_diag_set(diag, AMT_ECONFIG, "saved state: remote access has %s", what);
}

static enum amt_err load_server(struct remote_access *r, const json_t *item, struct amt_diag *diag)
{
    uint32_t number = REMOTE_ACCESS_SERVERS_MAX;
    uint32_t port = 0;
    TRY(state_get_u32(item, "number", REMOTE_ACCESS_SERVERS_MAX - 1, &number, diag));
    if (number == REMOTE_ACCESS_SERVERS_MAX || r->servers[number] != NULL) {
        return bad(diag, "a server without a number of its own");
    }
    struct remote_access_server *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    r->servers[number] = s;
    TRY(state_get_text(item, "host", s->access_info, sizeof s->access_info, diag));
    TRY(state_get_text(item, "common_name", s->common_name, sizeof s->common_name, diag));
    TRY(state_get_u32(item, "format", REMOTE_ACCESS_NAME, &s->format, diag));
    TRY(state_get_u32(item, "port", UINT16_MAX, &port, diag));
    TRY(state_get_bool(item, "mutual", &s->is_mutual, diag));
    TRY(state_get_text(item, "user", s->user, sizeof s->user, diag));
    TRY(state_get_text(item, "password", s->password, sizeof s->password, diag));
    TRY(state_get_text(item, "certificate", s->certificate, sizeof s->certificate, diag));
    s->port = (uint16_t)port;
    return remote_access_host_is_valid(s->access_info, s->format) && s->port != 0
               ? AMT_OK
               : bad(diag, "a server without an address");
}

static enum amt_err load_link(struct remote_access *r, struct remote_access_policy *policy,
                              const json_t *item, struct amt_diag *diag)
{
    struct remote_access_link link = { .server = REMOTE_ACCESS_SERVERS_MAX };
    TRY(state_get_u32(item, "server", REMOTE_ACCESS_SERVERS_MAX - 1, &link.server, diag));
    TRY(state_get_u32(item, "type", MPS_BOTH, &link.mps_type, diag));
    TRY(state_get_u32(item, "order", UINT16_MAX, &link.order, diag));
    if (link.server == REMOTE_ACCESS_SERVERS_MAX || r->servers[link.server] == NULL ||
        policy->link_count == REMOTE_ACCESS_LINKS_MAX) {
        return bad(diag, "a policy for a server that is not there");
    }
    policy->links[policy->link_count++] = link;
    return AMT_OK;
}

static enum amt_err load_policy(struct firmware *firmware, const json_t *item,
                                struct amt_diag *diag)
{
    struct remote_access *r = firmware->remote_access;
    uint32_t trigger = 0;
    size_t len = 0;
    size_t i = 0;
    const json_t *link = NULL;
    TRY(state_get_u32(item, "trigger", REMOTE_ACCESS_TRIGGER_COUNT_ - 1, &trigger, diag));
    if (remote_access_policy(firmware, (enum remote_access_trigger)trigger) != NULL) {
        return bad(diag, "two policies of one trigger");
    }
    struct remote_access_policy *p = amt_alloc(sizeof *p);
    if (p == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    r->policies[r->policy_count++] = p;
    p->trigger = (enum remote_access_trigger)trigger;
    TRY(state_get_u32(item, "lifetime_s", UINT32_MAX, &p->lifetime_s, diag));
    TRY(state_get_bytes(item, "data", p->data, sizeof p->data, &len, diag));
    p->data_len = (uint32_t)len;
    json_array_foreach(json_object_get(item, "servers"), i, link)
    {
        TRY(load_link(r, p, link, diag));
    }
    return remote_access_policy_is_valid(p->trigger, p->data, len) && p->link_count > 0
               ? AMT_OK
               : bad(diag, "a policy that is not whole");
}

static enum amt_err load_proxy(struct remote_access *r, const json_t *item, struct amt_diag *diag)
{
    uint32_t port = 0;
    if (r->proxy_count == REMOTE_ACCESS_PROXIES_MAX) {
        return bad(diag, "too many proxies");
    }
    struct remote_access_proxy *p = amt_alloc(sizeof *p);
    if (p == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    r->proxies[r->proxy_count++] = p;
    TRY(state_get_u32(item, "number", REMOTE_ACCESS_PROXIES_MAX, &p->number, diag));
    TRY(state_get_text(item, "host", p->access_info, sizeof p->access_info, diag));
    TRY(state_get_text(item, "suffix", p->suffix, sizeof p->suffix, diag));
    TRY(state_get_u32(item, "format", REMOTE_ACCESS_NAME, &p->format, diag));
    TRY(state_get_u32(item, "port", UINT16_MAX, &port, diag));
    p->port = (uint16_t)port;
    return AMT_OK;
}

static enum amt_err load_texts(struct remote_access_texts *texts, const json_t *list,
                               struct amt_diag *diag)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (text == NULL || strlen(text) > REMOTE_ACCESS_DOMAIN_BYTES) {
            return bad(diag, "a domain that is no text");
        }
        TRY(remote_access_texts_add(texts, text));
    }
    return AMT_OK;
}

enum amt_err remote_access_load(struct firmware *firmware, const json_t *state,
                                struct amt_diag *diag)
{
    struct remote_access *r = firmware->remote_access;
    size_t i = 0;
    const json_t *item = NULL;
    remote_access_clear(r); /* what it was born with counts once */
    json_array_foreach(json_object_get(state, "servers"), i, item)
    {
        TRY(load_server(r, item, diag));
    }
    json_array_foreach(json_object_get(state, "policies"), i, item)
    {
        TRY(load_policy(firmware, item, diag));
    }
    json_array_foreach(json_object_get(state, "proxies"), i, item)
    {
        TRY(load_proxy(r, item, diag));
    }
    TRY(load_texts(&r->domains, json_object_get(state, "domains"), diag));
    TRY(load_texts(&r->prefixes, json_object_get(state, "prefixes"), diag));
    TRY(state_get_u32(state, "user_interfaces", USER_INTERFACE_BIOS | USER_INTERFACE_OS,
                      &r->user_interfaces, diag));
    TRY(state_get_bool(state, "sync_proxies", &r->syncs_proxies, diag));
    TRY(state_get_text(state, "defense_policy", r->defense_policy, sizeof r->defense_policy, diag));
    return state_get_bool(state, "vpn_routing", &r->routes_vpn, diag);
}
