/* Shared by the files of the users: the access control list. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_USERS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_USERS_INTERNAL_H

#include "base/secret.h"
#include "simulator/firmware/users.h"

#define USER_NAME_MAX           16u
#define USER_SID_MAX_BYTES      28u
#define USERS_DIGEST_MAX        15u /* and the administrator: 16 (wsman.md 3.1) */
#define USERS_KERBEROS_MAX      32u
#define USERS_MAX               (1u + USERS_DIGEST_MAX + USERS_KERBEROS_MAX) /* 1: $$uns */
#define OS_ADMIN_NAME           "$$OsAdmin"
#define OS_ADMIN_PASSWORD_BYTES 33u

enum user_access { ACCESS_LOCAL = 0, ACCESS_NETWORK = 1, ACCESS_ANY = 2 };

struct user_entry {
    uint32_t handle; /* 0: free */
    bool is_system;  /* $$ accounts: can be disabled, not removed */
    bool is_enabled;
    char name[USER_NAME_MAX + 1]; /* "": a Kerberos user */
    uint8_t ha1[DIGEST_MD5_BYTES];
    uint8_t sid[USER_SID_MAX_BYTES];
    uint32_t sid_len;
    uint32_t access; /* enum user_access */
    uint32_t realms;
};

struct users {
    struct secret born_password; /* of the profile's file; empty without one */
    bool has_admin;              /* from provisioning on */
    bool admin_is_default;       /* name and password are those of the setup */
    char admin_name[USER_NAME_MAX + 1];
    uint8_t admin_ha1[DIGEST_MD5_BYTES];
    char os_admin_password[OS_ADMIN_PASSWORD_BYTES];
    bool caches_credentials; /* Kerberos */
    uint32_t next_handle;
    struct user_entry entries[USERS_MAX]; /* in order of their handles */
    uint32_t count;
};

/* 1 to 16 printable ASCII characters that do not begin with $$. */
bool users_name_is_valid(const char *name);
/* NULL: no entry has this handle. */
struct user_entry *users_entry(struct users *users, uint64_t handle);
bool users_name_is_taken(const struct users *users, const char *name,
                         const struct user_entry *except);
/* PT_MAX_LIMIT_REACHED when there is no room for one of its kind; *handle gets the new one. */
uint32_t users_add(struct firmware *firmware, const struct user_entry *entry, uint32_t *handle);
void users_remove(struct firmware *firmware, struct user_entry *entry);

/* users_acl.c */
/* Events of the security administration application in the audit log. */
enum acl_event {
    ACL_ENTRY_ADDED = 2,
    ACL_ENTRY_MODIFIED = 3,
    ACL_ENTRY_REMOVED = 4,
    ACL_STATE = 6
};
void users_tell_audit_log(struct firmware_call *call, enum acl_event event, const char *name,
                          const struct user_entry *entry);
extern const struct firmware_method k_users_authorization_methods[];

/* users_cim.c */
struct wsman_instance *users_list_accounts(struct firmware_call *call);
struct wsman_instance *users_list_identities(struct firmware_call *call);
struct wsman_instance *users_list_assigned(struct firmware_call *call);
struct wsman_instance *users_list_on_system(struct firmware_call *call);
void users_put_account(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed);
void users_remove_account(struct firmware_call *call, const struct wsman_instance *instance);
extern const struct firmware_method k_users_account_methods[], k_users_management_methods[],
    k_users_kerberos_methods[];

#endif
