/* Users of a device (wsman.md 3.1, 3.3, 4.11). */
#ifndef AMTLAB_CLIENT_USERS_H
#define AMTLAB_CLIENT_USERS_H

#include "base/secret.h"
#include "client/device.h"

#define CLIENT_REALMS 32u

struct client_user {
    uint32_t handle, access; /* 0 local, 1 network, 2 any */
    const char *name;        /* "" for a Kerberos entry */
    const char *sid;         /* base64; "" for a digest user */
    bool is_enabled;
    uint32_t realms; /* bits by number */
    struct client_user *next;
};
/* *admin: name of the administrator, who is no entry of the list (WSM-065); "" if not told. */
bool client_users_read(struct client_device *device, struct client_user **first,
                       const char **admin);
/* The entry of that name; NULL, with the reason in the outcome. */
struct client_user *client_user_find(struct client_device *device, const char *name);

/* "remote-control", ... of a realm number; NULL. And back, or by its number: 0 if it is none. */
const char *client_realm_name(uint32_t realm);
uint32_t client_realm_number(const char *word);

/* realms: bits. The password leaves this program only as the device's digest hash (HA1). */
bool client_user_add(struct client_device *device, const char *name, const struct secret *password,
                     uint32_t access, uint32_t realms);
bool client_user_remove(struct client_device *device, uint32_t handle);
bool client_user_enable(struct client_device *device, uint32_t handle, bool is_enabled);
/* Of a user; and of the administrator, whose name may change with it. */
bool client_user_set_password(struct client_device *device, const struct client_user *user,
                              const struct secret *password);
bool client_admin_set(struct client_device *device, const char *name,
                      const struct secret *password);

#endif
