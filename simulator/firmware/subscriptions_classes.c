/* Filter collections, subscriptions and listener destinations as instances (wsman.md 4.19). */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/subscriptions_internal.h"

#define NAME_BYTES 64u

/* DeliveryMode and Protocol of CIM_ListenerDestinationWSManagement. */
enum delivery_mode { DELIVERY_PUSH = 2, DELIVERY_PUSH_WITH_ACK = 3 };
enum listener_protocol { PROTOCOL_WSMAN = 4 };
enum persistence { PERSISTENCE_PERMANENT = 2 };

static void name_of(const struct subscription *subscription, char out[static NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "Intel(r) AMT:Subscription Manager %u", subscription->id);
}

static const struct wsman_ref *filter_ref(struct arena *arena,
                                          const struct subscription *subscription)
{
    return wsman_ref_new(arena, "CIM_FilterCollection", 1, "InstanceID", subscription->filter);
}

static const struct wsman_ref *destination_ref(struct arena *arena,
                                               const struct subscription *subscription)
{
    char name[NAME_BYTES];
    name_of(subscription, name);
    return wsman_ref_new(arena, "CIM_ListenerDestinationWSManagement", 4, "CreationClassName",
                         "CIM_ListenerDestinationWSManagement", "Name", name,
                         "SystemCreationClassName", "CIM_ComputerSystem", "SystemName",
                         "Intel(r) AMT");
}

const struct wsman_ref *subscription_ref(struct arena *arena,
                                         const struct subscription *subscription)
{
    struct wsman_ref *ref = arena_alloc(arena, sizeof *ref);
    struct wsman_selector *filter = arena_alloc(arena, sizeof *filter);
    struct wsman_selector *handler = arena_alloc(arena, sizeof *handler);
    if (ref == NULL || filter == NULL || handler == NULL) {
        return NULL;
    }
    *handler =
        (struct wsman_selector){ .name = "Handler", .ref = destination_ref(arena, subscription) };
    *filter = (struct wsman_selector){ .name = "Filter",
                                       .ref = filter_ref(arena, subscription),
                                       .next = handler };
    *ref =
        (struct wsman_ref){ .class_name = "CIM_FilterCollectionSubscription", .selectors = filter };
    return ref;
}

struct wsman_instance *subscriptions_list_filters(struct firmware_call *call)
{
    static const char *const k_filters[] = { "Intel(r) AMT:All", "Intel(r) AMT:AllEvents",
                                             "Intel(r) AMT:Features",
                                             "Intel(r) AMT:User Notification" };
    struct wsman_instance *first = NULL, **end = &first;
    for (size_t i = 0; i < sizeof k_filters / sizeof *k_filters; i++) {
        struct wsman_instance *filter = firmware_instance_new(call, "CIM_FilterCollection");
        if (filter == NULL) {
            break;
        }
        wsman_set(filter, "CollectionName", k_filters[i]);
        wsman_set(filter, "InstanceID", k_filters[i]);
        *end = filter;
        end = &filter->next;
    }
    return first;
}

struct wsman_instance *subscriptions_list(struct firmware_call *call)
{
    const struct subscriptions *subscriptions = call->firmware->subscriptions;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < subscriptions->count; i++) {
        const struct subscription *item = &subscriptions->items[i];
        struct wsman_instance *instance =
            firmware_instance_new(call, "CIM_FilterCollectionSubscription");
        if (instance == NULL) {
            break;
        }
        wsman_set_ref(instance, "Filter", filter_ref(call->arena, item));
        wsman_set_ref(instance, "Handler", destination_ref(call->arena, item));
        *end = instance;
        end = &instance->next;
    }
    return first;
}

/* The credentials stay inside. */
struct wsman_instance *subscriptions_list_destinations(struct firmware_call *call)
{
    const struct subscriptions *subscriptions = call->firmware->subscriptions;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < subscriptions->count; i++) {
        const struct subscription *item = &subscriptions->items[i];
        struct wsman_instance *instance =
            firmware_instance_new(call, "CIM_ListenerDestinationWSManagement");
        if (instance == NULL) {
            break;
        }
        char name[NAME_BYTES];
        name_of(item, name);
        wsman_set(instance, "CreationClassName", "CIM_ListenerDestinationWSManagement");
        wsman_set_u64(instance, "DeliveryMode",
                      item->wants_ack ? DELIVERY_PUSH_WITH_ACK : DELIVERY_PUSH);
        wsman_set(instance, "Destination", item->url);
        wsman_set(instance, "Name", name);
        wsman_set_u64(instance, "PersistenceType", PERSISTENCE_PERMANENT);
        wsman_set_u64(instance, "Protocol", PROTOCOL_WSMAN);
        wsman_set(instance, "SystemCreationClassName", "CIM_ComputerSystem");
        wsman_set(instance, "SystemName", "Intel(r) AMT");
        *end = instance;
        end = &instance->next;
    }
    return first;
}

void subscriptions_remove_destination(struct firmware_call *call,
                                      const struct wsman_instance *instance)
{
    struct subscriptions *subscriptions = call->firmware->subscriptions;
    const char *wanted = wsman_get(instance, "Name");
    for (uint32_t i = 0; wanted != NULL && i < subscriptions->count; i++) {
        char name[NAME_BYTES];
        name_of(&subscriptions->items[i], name);
        if (strcmp(name, wanted) == 0) {
            subscriptions_drop(call, &subscriptions->items[i]);
            return;
        }
    }
    firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
}
