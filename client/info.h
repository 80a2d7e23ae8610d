/* What a device says about itself: many parts, each of which may be missing (FF-110, FF-116). */
#ifndef AMTLAB_CLIENT_INFO_H
#define AMTLAB_CLIENT_INFO_H

#include "client/device.h"

struct client_info_part {
    const char *name;       /* "network" */
    const char *class_name; /* AMT_EthernetPortSettings */
    bool is_list;           /* enumerated */
    const char *doc;
};
/* Ends with a NULL name. */
extern const struct client_info_part k_client_info_parts[];

/* Reads one part. True also when the device does not have it: *is_absent then, no items. */
bool client_info_read(struct client_device *device, const struct client_info_part *part,
                      struct wsman_instance **items, bool *is_absent);

/* The short form. Texts are "" and never NULL where the device says nothing. */
struct client_summary {
    const char *version, *build, *sku; /* of CIM_SoftwareIdentity */
    const char *host, *domain, *realm, *uuid;
    const char *mode; /* "not provisioned", "client control", "admin control" */
    const char *mac, *address;
    const char *manufacturer, *model, *serial, *bios;
    const char *power;
    bool link_is_up;
    uint32_t absent; /* classes that the device does not have */
};
/* False only when nothing more can be asked: no connection, no logon. */
bool client_summary_read(struct client_device *device, struct client_summary *summary);
/* "4c4c4544-004b-…" of PlatformGUID (its first three fields are byte-swapped); NULL if it is none. */
const char *client_uuid_of_guid(struct arena *arena, const char *guid);

#endif
