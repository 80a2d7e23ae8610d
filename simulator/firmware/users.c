#include "simulator/firmware/users_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/state_fields.h"

#define SYSTEM_USER       "$$uns" /* the service on the host that tells the user (captured ACL) */
#define DEFAULT_ADMIN     "admin"
#define DEFAULT_PASSWORD  "P@ssw0rd"
#define REALMS_KNOWN_MASK UINT32_C(0x013FFFFC) /* 2 to 21 and 24 */

/* What the local system account may do (wsman.md 3.2): set up, keep the clock, be a local agent. */
#define OS_ADMIN_REALMS                                                             \
    (REALM_BIT(REALM_LOCAL_SYSTEM) | REALM_BIT(REALM_GENERAL_INFO) |                \
     REALM_BIT(REALM_NETWORK_TIME) | REALM_BIT(REALM_AGENT_PRESENCE_LOCAL) |        \
     REALM_BIT(REALM_LOCAL_USER_NOTIFICATION) | REALM_BIT(REALM_EVENT_LOG_READER) | \
     REALM_BIT(REALM_HARDWARE_ASSET))

static void draw_os_admin_password(struct firmware *firmware)
{
    static const char k_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *password = firmware->users->os_admin_password;
    uint8_t bytes[OS_ADMIN_PASSWORD_BYTES - 1];
    loop_random(firmware->loop, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        password[i] = k_alphabet[bytes[i] % 64];
    }
    password[sizeof bytes] = 0;
    amt_wipe(bytes, sizeof bytes);
}

void users_renew_os_admin(struct firmware *firmware)
{
    draw_os_admin_password(firmware);
}

enum amt_err users_read_password_file(struct firmware *firmware, struct amt_diag *diag)
{
    const char *path = firmware->profile->config.admin_password_file;
    char line[SECRET_MAX_BYTES + 2];
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (path == NULL) {
        return AMT_OK;
    }
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the password file %s", path);
    }
    bool has_line = fgets(line, sizeof line, file) != NULL && line[0] != '\n';
    (void)fclose(file);
    if (!has_line) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "the password file %s is empty", path);
        return amt_diag_hint(diag, "its first line is the password");
    }
    enum amt_err err =
        secret_set(&firmware->users->born_password, line, (uint32_t)strcspn(line, "\r\n"));
    amt_wipe(line, sizeof line);
    return err == AMT_OK ? AMT_OK : amt_diag_set(diag, err, "the password in %s is too long", path);
}

static void set_factory_state(struct firmware *firmware)
{
    struct users *users = firmware->users;
    struct secret born_password = users->born_password;
    amt_wipe(users, sizeof *users);
    users->born_password = born_password;
    secret_fini(&born_password);
    memcpy(users->admin_name, DEFAULT_ADMIN, sizeof DEFAULT_ADMIN);
    users->admin_is_default = true;
    users->next_handle = 2;
    users->count = 1;
    users->entries[0] = (struct user_entry){ .handle = 1,
                                             .is_system = true,
                                             .is_enabled = true,
                                             .name = SYSTEM_USER,
                                             .access = ACCESS_LOCAL,
                                             .realms = REALM_BIT(REALM_LOCAL_USER_NOTIFICATION) };
    /* Nobody knows its password. */
    loop_random(firmware->loop, users->entries[0].ha1, DIGEST_MD5_BYTES);
    draw_os_admin_password(firmware);
}

static enum amt_err users_init(struct firmware *firmware)
{
    firmware->users = amt_alloc(sizeof *firmware->users);
    if (firmware->users == NULL) {
        return AMT_ENOMEM;
    }
    set_factory_state(firmware);
    return AMT_OK;
}

static void users_fini(struct firmware *firmware)
{
    if (firmware->users != NULL) {
        amt_wipe(firmware->users, sizeof *firmware->users);
    }
    amt_free(firmware->users);
    firmware->users = NULL;
}

/* Partial unprovisioning keeps the administrator (wsman.md 5.3); the next setup replaces it. */
static void users_unprovision(struct firmware *firmware, bool is_partial)
{
    struct users *users = firmware->users;
    struct users before = *users;
    set_factory_state(firmware);
    if (is_partial && before.has_admin) {
        users->has_admin = true;
        users->admin_is_default = before.admin_is_default;
        memcpy(users->admin_name, before.admin_name, sizeof users->admin_name);
        memcpy(users->admin_ha1, before.admin_ha1, sizeof users->admin_ha1);
    }
    amt_wipe(&before, sizeof before);
    firmware_changed(firmware);
}

/* A device that is born provisioned: Setup has brought no password, the profile has one. */
static void users_activated(struct firmware *firmware)
{
    struct users *users = firmware->users;
    const struct firmware_config *config = &firmware->profile->config;
    if (users->has_admin) {
        return;
    }
    const char *name = config->admin_user == NULL ? DEFAULT_ADMIN : config->admin_user;
    const char *password =
        config->admin_password == NULL ? DEFAULT_PASSWORD : config->admin_password;
    size_t len = strlen(password);
    if (users->born_password.len > 0) {
        password = (const char *)users->born_password.bytes;
        len = users->born_password.len;
    }
    uint8_t ha1[DIGEST_MD5_BYTES];
    digest_ha1(name, provisioning_realm(firmware), password, len, ha1);
    users_set_admin(firmware, name, ha1);
    amt_wipe(ha1, sizeof ha1);
}

static bool may_enter(uint32_t access, enum firmware_door door)
{
    return access == ACCESS_ANY || (access == ACCESS_LOCAL) == (door == FIRMWARE_LOCAL);
}

static void take_name(struct firmware_user *user, const char *name)
{
    *user = (struct firmware_user){ 0 };
    memcpy(user->name, name, strlen(name) + 1);
}

static bool find_os_admin(struct firmware *firmware, enum firmware_door door,
                          struct firmware_user *user, uint8_t ha1[static DIGEST_MD5_BYTES])
{
    if (door != FIRMWARE_LOCAL) {
        return false; /* WSM-060 */
    }
    const char *password = firmware->users->os_admin_password;
    take_name(user, OS_ADMIN_NAME);
    user->is_os_admin = true;
    user->realms = OS_ADMIN_REALMS;
    digest_ha1(OS_ADMIN_NAME, provisioning_realm(firmware), password, strlen(password), ha1);
    return true;
}

static bool find_entry(const struct users *users, const char *name, enum firmware_door door,
                       struct firmware_user *user, uint8_t ha1[static DIGEST_MD5_BYTES])
{
    for (uint32_t i = 0; i < users->count; i++) {
        const struct user_entry *entry = &users->entries[i];
        if (entry->name[0] == 0 || strcmp(entry->name, name) != 0) {
            continue;
        }
        if (!entry->is_enabled || !may_enter(entry->access, door)) {
            return false;
        }
        take_name(user, name);
        user->realms = entry->realms;
        memcpy(ha1, entry->ha1, DIGEST_MD5_BYTES);
        return true;
    }
    return false;
}

void users_administrator(const struct firmware *firmware, struct firmware_user *user)
{
    take_name(user, firmware->users->admin_name);
    user->is_admin = true;
    user->realms = REALMS_KNOWN_MASK;
}

bool users_find(struct firmware *firmware, const char *name, enum firmware_door door,
                struct firmware_user *user, uint8_t ha1[static DIGEST_MD5_BYTES])
{
    const struct users *users = firmware->users;
    if (strcmp(name, OS_ADMIN_NAME) == 0) {
        return find_os_admin(firmware, door, user, ha1);
    }
    if (provisioning_state(firmware) != PROVISIONING_POST) {
        return false; /* ACT-DEV-006 */
    }
    if (users->has_admin && strcmp(name, users->admin_name) == 0) {
        users_administrator(firmware, user);
        memcpy(ha1, users->admin_ha1, DIGEST_MD5_BYTES);
        return true;
    }
    return find_entry(users, name, door, user, ha1);
}

void users_set_admin(struct firmware *firmware, const char *name,
                     const uint8_t ha1[static DIGEST_MD5_BYTES])
{
    struct users *users = firmware->users;
    if (name != NULL && strlen(name) <= USER_NAME_MAX) {
        memcpy(users->admin_name, name, strlen(name) + 1);
    }
    memcpy(users->admin_ha1, ha1, DIGEST_MD5_BYTES);
    users->has_admin = true;
    users->admin_is_default = false;
    firmware_changed(firmware);
}

const char *users_admin_name(const struct firmware *firmware)
{
    return firmware->users->admin_name;
}

const char *users_os_admin_password(const struct firmware *firmware)
{
    return firmware->users->os_admin_password;
}

bool users_may(const struct firmware_user *user, enum realm realm)
{
    if (user->is_admin || (user->realms & REALM_BIT(REALM_ADMINISTRATION)) != 0) {
        return true; /* the audit log asks for an auditor by itself */
    }
    /* Who manages events reads them too, and those that are for the user; who sets watchdogs up may
     * do with them what is not left to agents. */
    uint32_t wanted = realm == 0 ? 0 : REALM_BIT(realm);
    if (realm == REALM_EVENT_LOG_READER || realm == REALM_LOCAL_USER_NOTIFICATION) {
        wanted |= REALM_BIT(REALM_EVENT_MANAGER);
    }
    if (realm == REALM_AGENT_PRESENCE_LOCAL) {
        wanted |= REALM_BIT(REALM_AGENT_PRESENCE_REMOTE);
    }
    return (user->realms & wanted) != 0;
}

bool users_have_admin(const struct firmware *firmware)
{
    return firmware->users->has_admin;
}

bool users_have_auditor(const struct firmware *firmware)
{
    const struct users *users = firmware->users;
    for (uint32_t i = 0; i < users->count; i++) {
        if ((users->entries[i].realms & REALM_BIT(REALM_AUDIT_LOG)) != 0) {
            return true;
        }
    }
    return false;
}

bool users_name_is_valid(const char *name)
{
    size_t len = name == NULL ? 0 : strlen(name);
    if (len == 0 || len > USER_NAME_MAX || strncmp(name, "$$", 2) == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] < 33 || name[i] > 126 || strchr(":,\"&<>", name[i]) != NULL) {
            return false;
        }
    }
    return true;
}

struct user_entry *users_entry(struct users *users, uint64_t handle)
{
    for (uint32_t i = 0; i < users->count; i++) {
        if (users->entries[i].handle == handle) {
            return &users->entries[i];
        }
    }
    return NULL;
}

bool users_name_is_taken(const struct users *users, const char *name,
                         const struct user_entry *except)
{
    if (users->has_admin && strcmp(name, users->admin_name) == 0) {
        return true;
    }
    for (uint32_t i = 0; i < users->count; i++) {
        if (&users->entries[i] != except && strcmp(users->entries[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

uint32_t users_add(struct firmware *firmware, const struct user_entry *entry, uint32_t *handle)
{
    struct users *users = firmware->users;
    bool is_digest = entry->name[0] != 0;
    uint32_t same_kind = 0;
    for (uint32_t i = 0; i < users->count; i++) {
        same_kind += !users->entries[i].is_system && (users->entries[i].name[0] != 0) == is_digest;
    }
    if (same_kind >= (is_digest ? USERS_DIGEST_MAX : USERS_KERBEROS_MAX)) {
        return PT_MAX_LIMIT_REACHED;
    }
    struct user_entry *place = &users->entries[users->count++];
    *place = *entry;
    place->handle = users->next_handle++;
    place->is_enabled = true;
    *handle = place->handle;
    firmware_changed(firmware);
    return PT_SUCCESS;
}

void users_remove(struct firmware *firmware, struct user_entry *entry)
{
    struct users *users = firmware->users;
    size_t at = (size_t)(entry - users->entries);
    users->count--;
    memmove(entry, entry + 1, (users->count - at) * sizeof *entry);
    amt_wipe(&users->entries[users->count], sizeof *entry);
    firmware_changed(firmware);
}

static json_t *save_entry(const struct user_entry *entry)
{
    json_t *object = json_object();
    bool is_whole = state_put_u64(object, "handle", entry->handle) &&
                    state_put_bool(object, "enabled", entry->is_enabled) &&
                    state_put_bool(object, "system", entry->is_system) &&
                    state_put_text(object, "name", entry->name) &&
                    state_put_hex(object, "ha1", entry->ha1, sizeof entry->ha1) &&
                    state_put_hex(object, "sid", entry->sid, entry->sid_len) &&
                    state_put_u64(object, "access", entry->access) &&
                    state_put_u64(object, "realms", entry->realms);
    if (!is_whole) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *users_save(struct firmware *firmware)
{
    const struct users *users = firmware->users;
    json_t *state = json_object(), *entries = json_array();
    bool is_whole = true;
    for (uint32_t i = 0; i < users->count; i++) {
        is_whole &= json_array_append_new(entries, save_entry(&users->entries[i])) == 0;
    }
    is_whole &= json_object_set_new(state, "entries", entries) == 0;
    is_whole &= state_put_u64(state, "next_handle", users->next_handle) &&
                state_put_text(state, "admin_name", users->admin_name) &&
                state_put_bool(state, "admin_is_default", users->admin_is_default) &&
                state_put_bool(state, "caches_credentials", users->caches_credentials) &&
                (!users->has_admin ||
                 state_put_hex(state, "admin_ha1", users->admin_ha1, sizeof users->admin_ha1));
    if (!is_whole) {
        json_decref(state);
        return NULL;
    }
    return state;
}

static enum amt_err load_entry(const json_t *object, struct user_entry *entry,
                               struct amt_diag *diag)
{
    size_t sid_len = 0;
    TRY(state_get_u32(object, "handle", UINT32_MAX, &entry->handle, diag));
    TRY(state_get_bool(object, "enabled", &entry->is_enabled, diag));
    TRY(state_get_bool(object, "system", &entry->is_system, diag));
    TRY(state_get_text(object, "name", entry->name, sizeof entry->name, diag));
    TRY(state_get_hex(object, "ha1", entry->ha1, sizeof entry->ha1, diag));
    TRY(state_get_bytes(object, "sid", entry->sid, sizeof entry->sid, &sid_len, diag));
    entry->sid_len = (uint32_t)sid_len;
    TRY(state_get_u32(object, "access", ACCESS_ANY, &entry->access, diag));
    return state_get_u32(object, "realms", UINT32_MAX, &entry->realms, diag);
}

static enum amt_err users_load(struct firmware *firmware, const json_t *state,
                               struct amt_diag *diag)
{
    struct users *users = firmware->users;
    const json_t *entries = json_object_get(state, "entries");
    if (json_array_size(entries) > USERS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "saved state: more users than there is room for");
    }
    users->count = 0;
    for (size_t i = 0; i < json_array_size(entries); i++) {
        struct user_entry *entry = &users->entries[users->count++];
        *entry = (struct user_entry){ 0 };
        TRY(load_entry(json_array_get(entries, i), entry, diag));
    }
    TRY(state_get_u32(state, "next_handle", UINT32_MAX, &users->next_handle, diag));
    TRY(state_get_text(state, "admin_name", users->admin_name, sizeof users->admin_name, diag));
    TRY(state_get_bool(state, "admin_is_default", &users->admin_is_default, diag));
    TRY(state_get_bool(state, "caches_credentials", &users->caches_credentials, diag));
    users->has_admin = json_object_get(state, "admin_ha1") != NULL;
    return state_get_hex(state, "admin_ha1", users->admin_ha1, sizeof users->admin_ha1, diag);
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "AMT_AuthorizationService",
      .write_realm = REALM_ACL,
      .methods = k_users_authorization_methods },
    { .class_name = "AMT_KerberosSettingData", .methods = k_users_kerberos_methods },
    { .class_name = "CIM_Account",
      .read_realm = REALM_ACL,
      .write_realm = REALM_ACL,
      .list = users_list_accounts,
      .put = users_put_account,
      .remove = users_remove_account,
      .methods = k_users_account_methods },
    { .class_name = "CIM_AccountManagementService",
      .write_realm = REALM_ACL,
      .methods = k_users_management_methods },
    { .class_name = "CIM_AccountOnSystem", .read_realm = REALM_ACL, .list = users_list_on_system },
    { .class_name = "CIM_AssignedIdentity", .read_realm = REALM_ACL, .list = users_list_assigned },
    { .class_name = "CIM_Identity", .read_realm = REALM_ACL, .list = users_list_identities },
    { .class_name = NULL },
};

const struct firmware_part k_users_part = { .name = "users",
                                            .init = users_init,
                                            .fini = users_fini,
                                            .unprovision = users_unprovision,
                                            .activated = users_activated,
                                            .save = users_save,
                                            .load = users_load,
                                            .behaviours = k_behaviours };
