/* Weak stand-ins for parts that are being written; each goes when its part is there. */
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/subscriptions.h"

#define PENDING __attribute__((weak))

PENDING void event_log_auth_failed(struct firmware *firmware, uint32_t times)
{
    (void)firmware;
    (void)times;
}

PENDING void event_log_boot(struct firmware *firmware, const char *what)
{
    (void)firmware;
    (void)what;
}

PENDING const struct wsman_ref *subscriptions_add(struct firmware_call *call,
                                                  const struct wsman_instance *filter_collection)
{
    (void)filter_collection;
    (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
    return NULL;
}

PENDING void subscriptions_remove(struct firmware_call *call)
{
    (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
}
