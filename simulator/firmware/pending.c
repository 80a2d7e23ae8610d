/* Weak stand-ins for parts that are being written; each goes when its part is there. */
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/subscriptions.h"
#include "simulator/firmware/tls_settings.h"

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

PENDING X509 *keys_certificate(const struct firmware *firmware, const char *instance_id)
{
    (void)firmware;
    (void)instance_id;
    return NULL;
}

PENDING EVP_PKEY *keys_private_key(const struct firmware *firmware, X509 *certificate)
{
    (void)firmware;
    (void)certificate;
    return NULL;
}

PENDING X509 *keys_trusted_root(const struct firmware *firmware, uint32_t at)
{
    (void)firmware;
    (void)at;
    return NULL;
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

PENDING uint32_t tls_settings_commit(struct firmware *firmware)
{
    (void)firmware;
    return PT_SUCCESS;
}

PENDING struct tls_context *tls_settings_context(struct firmware *firmware, enum firmware_door door)
{
    (void)firmware;
    (void)door;
    return NULL;
}

PENDING bool tls_settings_enabled(const struct firmware *firmware, enum firmware_door door)
{
    (void)firmware;
    (void)door;
    return false;
}

PENDING bool tls_settings_plain_allowed(const struct firmware *firmware, enum firmware_door door)
{
    (void)firmware;
    (void)door;
    return true;
}
