/* Shared by the files of eventing. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SUBSCRIPTIONS_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_SUBSCRIPTIONS_INTERNAL_H

#include "runtime/net.h"
#include "simulator/firmware/subscriptions.h"

#define SUBSCRIPTIONS_MAX     14u  /* wsman.md 4.19 */
#define SUBSCRIPTION_URL_MAX  253u /* wsman.md 2.9 */
#define SUBSCRIPTION_TEXT_MAX 256u
#define DELIVERIES_MAX        32u /* under way at once; more events than that are lost */

enum subscription_filter { FILTER_ALL, FILTER_ALL_EVENTS, FILTER_FEATURES, FILTER_USER };

struct subscription {
    uint32_t id;                        /* from 0, as in "Intel(r) AMT:Subscription Manager 0" */
    char filter[SUBSCRIPTION_TEXT_MAX]; /* InstanceID of the collection */
    char url[SUBSCRIPTION_URL_MAX + 1];
    char argument[SUBSCRIPTION_TEXT_MAX], argument_ns[SUBSCRIPTION_TEXT_MAX]; /* of NotifyTo */
    char user[SUBSCRIPTION_TEXT_MAX], password[SUBSCRIPTION_TEXT_MAX];        /* for digest; "" */
    bool wants_ack;                                                           /* PushWithAck */
};

struct subscriptions {
    struct subscription *items; /* SUBSCRIPTIONS_MAX, once there is one: most devices have none */
    uint32_t count;
    uint32_t next_id;
    struct delivery *deliveries;
    uint32_t delivery_count;
};

/* Parts of a notify URL. */
struct subscription_target {
    bool is_tls;
    struct address address;
    char host[ADDRESS_HOST_BYTES + 10]; /* as in the URL */
    char path[SUBSCRIPTION_URL_MAX + 1];
};
/* Makes room for items; false without memory. */
bool subscriptions_reserve(struct subscriptions *subscriptions);
/* "http://host[:port][/path]", https too; false for what cannot be sent to. */
bool subscription_target_read(const char *url, struct subscription_target *target);

/* subscriptions_send.c: an event for one subscriber, sent as its mode says. */
void subscription_send(struct firmware *firmware, const struct subscription *subscription,
                       const struct wsman_instance *indication);
/* Deliveries of this subscription (NULL: of all) are called off. */
void subscription_cancel(struct firmware *firmware, const struct subscription *subscription);
/* The envelope of an event (wsman.md 2.9). */
void subscription_write_event(struct text *out, struct firmware *firmware,
                              const struct subscription *subscription,
                              const struct wsman_instance *indication);

/* subscriptions_classes.c */
struct wsman_instance *subscriptions_list(struct firmware_call *call);
struct wsman_instance *subscriptions_list_destinations(struct firmware_call *call);
struct wsman_instance *subscriptions_list_filters(struct firmware_call *call);
void subscriptions_remove_destination(struct firmware_call *call,
                                      const struct wsman_instance *instance);
const struct wsman_ref *subscription_ref(struct arena *arena,
                                         const struct subscription *subscription);
void subscriptions_drop(struct firmware_call *call, struct subscription *subscription);

#endif
