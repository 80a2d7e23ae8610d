/* AMT_AuthorizationService: the access control list and the administrator (wsman.md 4.11). */
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/users_internal.h"

#define HANDLES_PER_CALL 50u
#define REALM_MAX        24u

/* Extended data of ACL events: kind of user, then its name or SID with a length before it. */
void users_tell_audit_log(struct firmware_call *call, enum acl_event event, const char *name,
                          const struct user_entry *entry)
{
    uint8_t data[2 + USER_SID_MAX_BYTES];
    bool is_kerberos = entry != NULL && entry->name[0] == 0;
    size_t len = is_kerberos ? entry->sid_len : strlen(name);
    data[0] = is_kerberos;
    data[1] = (uint8_t)len;
    memcpy(data + 2, is_kerberos ? (const void *)entry->sid : (const void *)name, len);
    audit_log_add(call->firmware, call, AUDIT_SECURITY_ADMIN, (uint16_t)event, data,
                  (uint8_t)(2 + len));
}

static bool realm_is_assignable(uint64_t realm)
{
    return realm >= REALM_REDIRECTION && realm <= REALM_MAX && realm != 22 && realm != 23;
}

/* Numbers as repeated elements, or one element with RealmValue children: both kinds of client. */
static uint32_t read_realms(const struct wsman_instance *in, uint32_t *mask)
{
    *mask = 0;
    for (const struct wsman_value *value = wsman_get_values(in, "Realms"); value != NULL;
         value = value->next) {
        const struct wsman_value *number =
            value->kind == WSMAN_EMBEDDED ? wsman_get_values(value->embedded, "RealmValue") : value;
        for (; number != NULL; number = number->next) {
            uint64_t realm = 0;
            if (number->text == NULL || text_parse_u64(number->text, UINT8_MAX, &realm) != AMT_OK ||
                !realm_is_assignable(realm)) {
                return PT_INVALID_REALM;
            }
            *mask |= REALM_BIT(realm);
            if (value->kind != WSMAN_EMBEDDED) {
                break; /* its followers are those of the outer list */
            }
        }
    }
    return PT_SUCCESS;
}

/* A hash is 16 bytes in base64; the 32 hexadecimal digits that some send are not (ACT-DEV-034). */
static uint32_t read_hash(const struct wsman_instance *in, uint8_t ha1[static DIGEST_MD5_BYTES])
{
    size_t len = 0;
    const uint8_t *hash = wsman_get_base64(in, "DigestPassword", &len);
    if (hash == NULL || len != DIGEST_MD5_BYTES) {
        return PT_INVALID_PARAMETER;
    }
    memcpy(ha1, hash, DIGEST_MD5_BYTES);
    return PT_SUCCESS;
}

static uint32_t read_digest_user(const struct users *users, const struct wsman_instance *in,
                                 const struct user_entry *old, struct user_entry *entry)
{
    const char *name = wsman_get(in, "DigestUsername");
    if (!users_name_is_valid(name)) {
        return PT_INVALID_NAME;
    }
    if (users_name_is_taken(users, name, old)) {
        return PT_DUPLICATE;
    }
    memcpy(entry->name, name, strlen(name) + 1);
    if (old != NULL && !wsman_has(in, "DigestPassword") && strcmp(old->name, name) == 0) {
        memcpy(entry->ha1, old->ha1, DIGEST_MD5_BYTES); /* an update of rights alone */
        return PT_SUCCESS;
    }
    return read_hash(in, entry->ha1);
}

static uint32_t read_kerberos_user(const struct users *users, const struct wsman_instance *in,
                                   const struct user_entry *old, struct user_entry *entry)
{
    size_t len = 0;
    const uint8_t *sid = wsman_get_base64(in, "KerberosUserSid", &len);
    if (sid == NULL || len == 0 || len > USER_SID_MAX_BYTES) {
        return PT_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < users->count; i++) {
        const struct user_entry *other = &users->entries[i];
        if (other != old && other->sid_len == len && memcmp(other->sid, sid, len) == 0) {
            return PT_DUPLICATE;
        }
    }
    memcpy(entry->sid, sid, len);
    entry->sid_len = (uint32_t)len;
    return PT_SUCCESS;
}

/* One entry from the parameters of Add and Update: exactly one kind of user. */
static uint32_t read_entry(const struct users *users, const struct wsman_instance *in,
                           const struct user_entry *old, struct user_entry *entry)
{
    *entry = (struct user_entry){ 0 };
    uint64_t access = wsman_get_u64(in, "AccessPermission", ACCESS_ANY + 1);
    bool is_digest = wsman_has(in, "DigestUsername");
    if (access > ACCESS_ANY || is_digest == wsman_has(in, "KerberosUserSid")) {
        return PT_INVALID_PARAMETER;
    }
    entry->access = (uint32_t)access;
    uint32_t status = read_realms(in, &entry->realms);
    if (status != PT_SUCCESS) {
        return status;
    }
    return is_digest ? read_digest_user(users, in, old, entry)
                     : read_kerberos_user(users, in, old, entry);
}

static uint32_t add_entry(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct user_entry entry;
    uint32_t handle = 0;
    uint32_t status = read_entry(call->firmware->users, in, NULL, &entry);
    if (status == PT_SUCCESS) {
        status = users_add(call->firmware, &entry, &handle);
    }
    if (status == PT_SUCCESS) {
        wsman_set_u64(out, "Handle", handle);
        users_tell_audit_log(call, ACL_ENTRY_ADDED, entry.name, &entry);
    }
    amt_wipe(&entry, sizeof entry);
    return status;
}

static struct user_entry *entry_of(struct firmware_call *call, const struct wsman_instance *in)
{
    return users_entry(call->firmware->users, wsman_get_u64(in, "Handle", 0));
}

static uint32_t update_entry(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct user_entry *old = entry_of(call, in), entry;
    if (old == NULL) {
        return PT_INVALID_HANDLE;
    }
    if (old->is_system) {
        return PT_NOT_PERMITTED;
    }
    uint32_t status = read_entry(call->firmware->users, in, old, &entry);
    if (status == PT_SUCCESS) {
        entry.handle = old->handle;
        entry.is_enabled = old->is_enabled;
        *old = entry;
        users_tell_audit_log(call, ACL_ENTRY_MODIFIED, entry.name, &entry);
        firmware_changed(call->firmware);
    }
    amt_wipe(&entry, sizeof entry);
    return status;
}

static uint32_t remove_entry(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct user_entry *entry = entry_of(call, in);
    if (entry == NULL) {
        return PT_INVALID_HANDLE;
    }
    if (entry->is_system) {
        return PT_NOT_PERMITTED;
    }
    users_tell_audit_log(call, ACL_ENTRY_REMOVED, entry->name, entry);
    users_remove(call->firmware, entry);
    return PT_SUCCESS;
}

/* The administrator is not in the list (WSM-065). */
static uint32_t enumerate_entries(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    const struct users *users = call->firmware->users;
    uint64_t start = wsman_get_u64(in, "StartIndex", 0);
    if (start == 0 || start > users->count) {
        return PT_INVALID_INDEX;
    }
    uint32_t first = (uint32_t)start - 1, count = users->count - first;
    count = count > HANDLES_PER_CALL ? HANDLES_PER_CALL : count;
    wsman_set_u64(out, "TotalCount", users->count);
    wsman_set_u64(out, "HandlesCount", count);
    for (uint32_t i = 0; i < count; i++) {
        wsman_add_u64(out, "Handles", users->entries[first + i].handle);
    }
    return PT_SUCCESS;
}

/* Hashes never leave the device (wsman.md 3.1). */
static uint32_t get_entry(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    const struct user_entry *entry = entry_of(call, in);
    if (entry == NULL) {
        return PT_INVALID_HANDLE;
    }
    if (entry->name[0] != 0) {
        wsman_set(out, "DigestUsername", entry->name);
    } else {
        wsman_set_base64(out, "KerberosUserSid", entry->sid, entry->sid_len);
    }
    wsman_set_u64(out, "AccessPermission", entry->access);
    for (uint32_t realm = 0; realm <= REALM_MAX; realm++) {
        if ((entry->realms & REALM_BIT(realm)) != 0) {
            wsman_add_u64(out, "Realms", realm);
        }
    }
    return PT_SUCCESS;
}

static uint32_t get_state(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    const struct user_entry *entry = entry_of(call, in);
    if (entry == NULL) {
        return PT_INVALID_HANDLE;
    }
    wsman_set_bool(out, "Enabled", entry->is_enabled);
    return PT_SUCCESS;
}

static uint32_t set_state(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct user_entry *entry = entry_of(call, in);
    if (entry == NULL) {
        return PT_INVALID_HANDLE;
    }
    entry->is_enabled = wsman_get_bool(in, "Enabled", false);
    users_tell_audit_log(call, ACL_STATE, entry->name, entry);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

/* WSM-062, WSM-063: name and hash apply to the very next request. */
static uint32_t set_admin(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    struct users *users = call->firmware->users;
    const char *name = wsman_get(in, "Username");
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (!users_may(call->user, REALM_ADMINISTRATION)) {
        return PT_NOT_PERMITTED;
    }
    if (!users_name_is_valid(name)) {
        return PT_INVALID_NAME;
    }
    bool is_own_name = strcmp(name, users->admin_name) == 0;
    if (!is_own_name && users_name_is_taken(users, name, NULL)) {
        return PT_DUPLICATE;
    }
    uint32_t status = read_hash(in, ha1);
    if (status == PT_SUCCESS) {
        users_set_admin(call->firmware, name, ha1);
        users_tell_audit_log(call, ACL_ENTRY_MODIFIED, name, NULL);
    }
    amt_wipe(ha1, sizeof ha1);
    return status;
}

static uint32_t get_admin(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    wsman_set(out, "Username", call->firmware->users->admin_name);
    return PT_SUCCESS;
}

static uint32_t get_admin_status(struct firmware_call *call, const struct wsman_instance *target,
                                 const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    wsman_set_bool(out, "IsDefault", call->firmware->users->admin_is_default);
    return PT_SUCCESS;
}

const struct firmware_method k_users_authorization_methods[] = {
    { "AddUserAclEntryEx", add_entry },
    { "EnumerateUserAclEntries", enumerate_entries },
    { "GetAclEnabledState", get_state },
    { "GetAdminAclEntry", get_admin },
    { "GetAdminAclEntryStatus", get_admin_status },
    { "GetAdminNetAclEntryStatus", get_admin_status },
    { "GetUserAclEntryEx", get_entry },
    { "RemoveUserAclEntry", remove_entry },
    { "SetAclEnabledState", set_state },
    { "SetAdminAclEntryEx", set_admin },
    { "UpdateUserAclEntryEx", update_entry },
    { NULL, NULL },
};
