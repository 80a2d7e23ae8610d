/* WS-Eventing, wsman.md 2.9, 4.19. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SUBSCRIPTIONS_H
#define AMTLAB_SIMULATOR_FIRMWARE_SUBSCRIPTIONS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_subscriptions_part;
/* An alert for all subscribers whose filter takes it: "iAMT0005" and its arguments. */
void subscriptions_alert(struct firmware *firmware, const char *message_id,
                         const char *const *arguments, uint32_t argument_count, uint16_t severity);
/* Subscribe and Unsubscribe; the dispatcher calls them. NULL with call->fault. */
const struct wsman_ref *subscriptions_add(struct firmware_call *call,
                                          const struct wsman_instance *filter_collection);
void subscriptions_remove(struct firmware_call *call);

#endif
