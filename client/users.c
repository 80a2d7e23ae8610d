#include "client/users.h"

#include <string.h>

#include "base/memory.h"
#include "protocol/http/digest.h"

#define SERVICE       "AMT_AuthorizationService"
#define PAGES_MAX     20u
#define INVALID_INDEX 35u

static const char *const k_realms[CLIENT_REALMS] = {
    [2] = "redirection",
    [3] = "administration",
    [4] = "hardware-asset",
    [5] = "remote-control",
    [6] = "storage",
    [7] = "event-manager",
    [8] = "storage-admin",
    [9] = "agent-presence-local",
    [10] = "agent-presence-remote",
    [11] = "circuit-breaker",
    [12] = "network-time",
    [13] = "general-info",
    [14] = "firmware-update",
    [15] = "eit",
    [16] = "local-user-notification",
    [17] = "endpoint-access-control",
    [18] = "endpoint-access-control-admin",
    [19] = "event-log-reader",
    [20] = "audit-log",
    [21] = "acl",
    [24] = "local-system",
};

const char *client_realm_name(uint32_t realm)
{
    return realm < CLIENT_REALMS ? k_realms[realm] : NULL;
}

uint32_t client_realm_number(const char *word)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < CLIENT_REALMS; i++) {
        if (k_realms[i] != NULL && strcmp(k_realms[i], word) == 0) {
            return i;
        }
    }
    return text_parse_u64(word, CLIENT_REALMS - 1, &number) == AMT_OK ? (uint32_t)number : 0;
}

static struct wsman_instance *with_handle(struct client_device *d, uint32_t handle)
{
    struct wsman_instance *input = client_input(d);
    wsman_set_u64(input, "Handle", handle);
    return input;
}

static bool read_user(struct client_device *d, uint32_t handle, struct client_user *user)
{
    user->handle = handle;
    if (!client_invoke(d, SERVICE, "GetUserAclEntryEx", with_handle(d, handle))) {
        return false;
    }
    const struct wsman_instance *entry = d->outcome.reply->instance;
    const char *name = wsman_get(entry, "DigestUsername"),
               *sid = wsman_get(entry, "KerberosUserSid");
    user->name = name == NULL ? "" : name;
    user->sid = sid == NULL ? "" : sid;
    user->access = (uint32_t)wsman_get_u64(entry, "AccessPermission", 0);
    for (const struct wsman_value *at = wsman_get_values(entry, "Realms"); at != NULL;
         at = at->next) {
        uint64_t realm = CLIENT_REALMS;
        if (at->kind == WSMAN_TEXT &&
            text_parse_u64(at->text, CLIENT_REALMS - 1, &realm) == AMT_OK) {
            user->realms |= 1u << realm;
        }
    }
    if (!client_invoke(d, SERVICE, "GetAclEnabledState", with_handle(d, handle))) {
        return false;
    }
    user->is_enabled = wsman_get_bool(d->outcome.reply->instance, "Enabled", true);
    return true;
}

/* Appends the users of one page; *count counts all handles so far. */
static bool read_page(struct client_device *d, const struct wsman_value *handles,
                      struct client_user ***end, uint32_t *count)
{
    for (const struct wsman_value *at = handles; at != NULL; at = at->next) {
        uint64_t handle = 0;
        struct client_user *user = arena_alloc(d->arena, sizeof *user);
        if (user == NULL || text_parse_u64(at->text, UINT32_MAX, &handle) != AMT_OK) {
            return client_fail(d, user == NULL ? WSMAN_NO_MEMORY : WSMAN_GARBLED,
                               "the handle \"%s\" is no number", at->text);
        }
        if (!read_user(d, (uint32_t)handle, user)) {
            return false;
        }
        **end = user;
        *end = &user->next;
        *count += 1;
    }
    return true;
}

bool client_users_read(struct client_device *d, struct client_user **first, const char **admin)
{
    struct client_user **end = first;
    uint32_t count = 0;
    *first = NULL;
    *admin = "";
    if (client_invoke(d, SERVICE, "GetAdminAclEntry", NULL)) {
        const char *name = wsman_get(d->outcome.reply->instance, "Username");
        *admin = name == NULL ? "" : name;
    }
    for (uint32_t page = 0; page < PAGES_MAX; page++) {
        struct wsman_instance *input = client_input(d);
        wsman_set_u64(input, "StartIndex", count + 1ULL);
        if (!client_invoke(d, SERVICE, "EnumerateUserAclEntries", input)) {
            return d->outcome.result == WSMAN_DONE && d->outcome.return_value == INVALID_INDEX;
        }
        const struct wsman_instance *output = d->outcome.reply->instance;
        uint64_t total = wsman_get_u64(output, "TotalCount", 0);
        const struct wsman_value *handles = wsman_get_values(output, "Handles");
        if (!read_page(d, handles, &end, &count)) {
            return false;
        }
        if (handles == NULL || count >= total) {
            return true;
        }
    }
    return client_fail(d, WSMAN_GARBLED, "the list of users does not end");
}

struct client_user *client_user_find(struct client_device *d, const char *name)
{
    struct client_user *first = NULL;
    const char *admin = NULL;
    if (!client_users_read(d, &first, &admin)) {
        return NULL;
    }
    for (struct client_user *at = first; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    (void)client_fail(d, WSMAN_FAULTED, "the device has no user \"%s\"", name);
    static const struct wsman_reply k_none = {
        .is_fault = true, .fault = { "Sender", "DestinationUnreachable", "no such user", "" }
    };
    d->outcome.reply = &k_none;
    return NULL;
}

/* MD5(user:realm:password), which is all that the device keeps (wsman.md 3.1). */
static bool set_hash(struct client_device *d, struct wsman_instance *input, const char *user,
                     const struct secret *password)
{
    uint8_t hash[DIGEST_MD5_BYTES];
    const struct wsman_instance *general = client_get(d, "AMT_GeneralSettings", NULL, NULL);
    const char *realm = wsman_get(general, "DigestRealm");
    if (general != NULL && realm == NULL) {
        return client_fail(d, WSMAN_GARBLED, "AMT_GeneralSettings has no DigestRealm");
    }
    if (realm == NULL) {
        return false;
    }
    digest_ha1(user, realm, (const char *)password->bytes, password->len, hash);
    wsman_set_base64(input, "DigestPassword", hash, sizeof hash);
    amt_wipe(hash, sizeof hash);
    return true;
}

static void set_rights(struct wsman_instance *input, uint32_t access, uint32_t realms)
{
    wsman_set_u64(input, "AccessPermission", access);
    for (uint32_t i = 0; i < CLIENT_REALMS; i++) {
        if ((realms & 1u << i) != 0) {
            wsman_add_u64(input, "Realms", i);
        }
    }
}

bool client_user_add(struct client_device *d, const char *name, const struct secret *password,
                     uint32_t access, uint32_t realms)
{
    struct wsman_instance *input = client_input(d);
    wsman_set(input, "DigestUsername", name);
    if (!set_hash(d, input, name, password)) {
        return false;
    }
    set_rights(input, access, realms);
    return client_invoke(d, SERVICE, "AddUserAclEntryEx", input);
}

bool client_user_remove(struct client_device *d, uint32_t handle)
{
    return client_invoke(d, SERVICE, "RemoveUserAclEntry", with_handle(d, handle));
}

bool client_user_enable(struct client_device *d, uint32_t handle, bool is_enabled)
{
    struct wsman_instance *input = with_handle(d, handle);
    wsman_set_bool(input, "Enabled", is_enabled);
    return client_invoke(d, SERVICE, "SetAclEnabledState", input);
}

bool client_user_set_password(struct client_device *d, const struct client_user *user,
                              const struct secret *password)
{
    struct wsman_instance *input = with_handle(d, user->handle);
    wsman_set(input, "DigestUsername", user->name);
    if (!set_hash(d, input, user->name, password)) {
        return false;
    }
    set_rights(input, user->access, user->realms);
    return client_invoke(d, SERVICE, "UpdateUserAclEntryEx", input);
}

bool client_admin_set(struct client_device *d, const char *name, const struct secret *password)
{
    struct wsman_instance *input = client_input(d);
    wsman_set(input, "Username", name);
    return set_hash(d, input, name, password) &&
           client_invoke(d, SERVICE, "SetAdminAclEntryEx", input);
}
