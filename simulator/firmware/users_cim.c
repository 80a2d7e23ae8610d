/* The digest users of the list as CIM accounts, and the Kerberos settings (wsman.md 4.11, 4.26). */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/users_internal.h"

#define PASSWORD_HTTP_DIGEST 2u /* UserPasswordEncryptionAlgorithm: MD5(A1) */
#define IDENTITY_PREFIX      "Intel(r) AMT:Identity "
#define IDENTITY_BYTES       64u

/* EnabledState and RequestedState */
enum account_state { ACCOUNT_ENABLED = 2, ACCOUNT_DISABLED = 3 };
/* DMTF return values */
enum account_change { CHANGE_DONE = 0, CHANGE_FAILED = 2, CHANGE_INVALID = 5 };

static bool is_account(const struct user_entry *entry)
{
    return entry->name[0] != 0 && !entry->is_system;
}

static const struct wsman_ref *account_ref(struct arena *arena, const struct user_entry *entry)
{
    return wsman_ref_new(arena, "CIM_Account", 4, "CreationClassName", "CIM_Account", "Name",
                         entry->name, "SystemCreationClassName", "CIM_ComputerSystem", "SystemName",
                         "Intel(r) AMT");
}

static const struct wsman_ref *identity_ref(struct arena *arena, const struct user_entry *entry)
{
    char id[IDENTITY_BYTES];
    (void)snprintf(id, sizeof id, IDENTITY_PREFIX "%u", entry->handle);
    return wsman_ref_new(arena, "CIM_Identity", 1, "InstanceID", id);
}

static void fill_account(struct firmware_call *call, struct wsman_instance *instance,
                         const struct user_entry *entry)
{
    (void)call;
    wsman_set(instance, "ElementName", entry->name);
    wsman_set_u64(instance, "EnabledState", entry->is_enabled ? ACCOUNT_ENABLED : ACCOUNT_DISABLED);
    wsman_set(instance, "Name", entry->name);
    wsman_set(instance, "OrganizationName", "");
    wsman_set(instance, "UserID", entry->name);
    wsman_set_u64(instance, "UserPasswordEncryptionAlgorithm", PASSWORD_HTTP_DIGEST);
}

static void fill_identity(struct firmware_call *call, struct wsman_instance *instance,
                          const struct user_entry *entry)
{
    char id[IDENTITY_BYTES];
    (void)snprintf(id, sizeof id, IDENTITY_PREFIX "%u", entry->handle);
    wsman_set(instance, "InstanceID", id);
    wsman_set_bool(instance, "CurrentlyAuthenticated", strcmp(call->user->name, entry->name) == 0);
}

static void fill_assigned(struct firmware_call *call, struct wsman_instance *instance,
                          const struct user_entry *entry)
{
    wsman_set_ref(instance, "IdentityInfo", identity_ref(call->arena, entry));
    wsman_set_ref(instance, "ManagedElement", account_ref(call->arena, entry));
}

static void fill_on_system(struct firmware_call *call, struct wsman_instance *instance,
                           const struct user_entry *entry)
{
    wsman_set_ref(instance, "GroupComponent",
                  wsman_ref_new(call->arena, "CIM_ComputerSystem", 2, "CreationClassName",
                                "CIM_ComputerSystem", "Name", "Intel(r) AMT"));
    wsman_set_ref(instance, "PartComponent", account_ref(call->arena, entry));
}

typedef void fill_fn(struct firmware_call *call, struct wsman_instance *instance,
                     const struct user_entry *entry);

static struct wsman_instance *list_of(struct firmware_call *call, const char *class_name,
                                      fill_fn *fill)
{
    const struct users *users = call->firmware->users;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < users->count; i++) {
        if (!is_account(&users->entries[i])) {
            continue;
        }
        struct wsman_instance *instance = firmware_instance_new(call, class_name);
        if (instance == NULL) {
            break;
        }
        fill(call, instance, &users->entries[i]);
        *end = instance;
        end = &instance->next;
    }
    return first;
}

struct wsman_instance *users_list_accounts(struct firmware_call *call)
{
    return list_of(call, "CIM_Account", fill_account);
}

struct wsman_instance *users_list_identities(struct firmware_call *call)
{
    return list_of(call, "CIM_Identity", fill_identity);
}

struct wsman_instance *users_list_assigned(struct firmware_call *call)
{
    return list_of(call, "CIM_AssignedIdentity", fill_assigned);
}

struct wsman_instance *users_list_on_system(struct firmware_call *call)
{
    return list_of(call, "CIM_AccountOnSystem", fill_on_system);
}

static struct user_entry *entry_of(struct firmware_call *call, const struct wsman_instance *account)
{
    struct users *users = call->firmware->users;
    const char *name = wsman_get(account, "Name");
    for (uint32_t i = 0; name != NULL && i < users->count; i++) {
        if (is_account(&users->entries[i]) && strcmp(users->entries[i].name, name) == 0) {
            return &users->entries[i];
        }
    }
    return NULL;
}

/* MD5(user:realm:password) in hexadecimal; false when it is anything else. */
static bool read_password(const struct wsman_instance *account,
                          uint8_t ha1[static DIGEST_MD5_BYTES])
{
    const char *digits = wsman_get(account, "UserPassword");
    size_t len = 0;
    return digits != NULL && strlen(digits) == 2 * DIGEST_MD5_BYTES &&
           text_parse_hex(digits, ha1, DIGEST_MD5_BYTES, &len) == AMT_OK && len == DIGEST_MD5_BYTES;
}

void users_put_account(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed)
{
    struct user_entry *entry = entry_of(call, old);
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (entry == NULL) {
        firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    if (!wsman_has(changed, "UserPassword")) {
        return; /* nothing else of it can be written */
    }
    if (!read_password(changed, ha1)) {
        firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
        return;
    }
    memcpy(entry->ha1, ha1, sizeof ha1);
    amt_wipe(ha1, sizeof ha1);
    users_tell_audit_log(call, ACL_ENTRY_MODIFIED, entry->name, entry);
    firmware_changed(call->firmware);
}

void users_remove_account(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct user_entry *entry = entry_of(call, instance);
    if (entry == NULL) {
        firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    users_tell_audit_log(call, ACL_ENTRY_REMOVED, entry->name, entry);
    users_remove(call->firmware, entry);
}

static uint32_t request_state(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)out;
    struct user_entry *entry = entry_of(call, target);
    uint64_t state = wsman_get_u64(in, "RequestedState", 0);
    if (entry == NULL) {
        return CHANGE_FAILED;
    }
    if (state != ACCOUNT_ENABLED && state != ACCOUNT_DISABLED) {
        return CHANGE_INVALID;
    }
    entry->is_enabled = state == ACCOUNT_ENABLED;
    users_tell_audit_log(call, ACL_STATE, entry->name, entry);
    firmware_changed(call->firmware);
    return CHANGE_DONE;
}

const struct firmware_method k_users_account_methods[] = {
    { "RequestStateChange", request_state },
    { NULL, NULL },
};

/* A user without any realm yet: rights are given through AMT_AuthorizationService. */
static uint32_t create_account(struct firmware_call *call, const struct wsman_instance *target,
                               const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    const struct wsman_instance *template = wsman_get_embedded(in, "AccountTemplate");
    const char *name = wsman_get(template, "UserID");
    struct user_entry entry = { .access = ACCESS_ANY };
    uint32_t handle = 0;
    name = name == NULL ? wsman_get(template, "Name") : name;
    if (!users_name_is_valid(name) || !read_password(template, entry.ha1) ||
        users_name_is_taken(call->firmware->users, name, NULL)) {
        return PT_INVALID_PARAMETER;
    }
    memcpy(entry.name, name, strlen(name) + 1);
    uint32_t status = users_add(call->firmware, &entry, &handle);
    const struct user_entry *made = users_entry(call->firmware->users, handle);
    amt_wipe(entry.ha1, sizeof entry.ha1);
    if (status != PT_SUCCESS || made == NULL) {
        return PT_INTERNAL_ERROR;
    }
    wsman_set_ref(out, "Account", account_ref(call->arena, made));
    wsman_set_ref(out, "Identities", identity_ref(call->arena, made));
    users_tell_audit_log(call, ACL_ENTRY_ADDED, made->name, made);
    return PT_SUCCESS;
}

const struct firmware_method k_users_management_methods[] = {
    { "CreateAccount", create_account },
    { NULL, NULL },
};

static uint32_t get_cache_state(struct firmware_call *call, const struct wsman_instance *target,
                                const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    wsman_set_bool(out, "Enabled", call->firmware->users->caches_credentials);
    return PT_SUCCESS;
}

static uint32_t set_cache_state(struct firmware_call *call, const struct wsman_instance *target,
                                const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    call->firmware->users->caches_credentials = wsman_get_bool(in, "Enable", false);
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

const struct firmware_method k_users_kerberos_methods[] = {
    { "GetCredentialCacheState", get_cache_state },
    { "SetCredentialCacheState", set_cache_state },
    { NULL, NULL },
};
