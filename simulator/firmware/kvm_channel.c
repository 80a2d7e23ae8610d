/*
 * The data channel of KVM: messages between a console and software on the host (redirection.md 6.10).
 * One message at a time: the console sends the next when the host has read the last.
 */
#include <string.h>

#include "simulator/firmware/consent_internal.h"
#include "simulator/firmware/user_alerts.h"

struct kvm_message {
    uint32_t id; /* of the last message; 0 before the first */
    uint32_t realms;
    uint32_t len;
    uint8_t bytes[KVM_MESSAGE_BYTES];
};

void kvm_channel_fini(struct firmware *firmware)
{
    amt_free(firmware->consent->message);
    firmware->consent->message = NULL;
}

bool kvm_channel_from_console(struct firmware *firmware, const void *bytes, size_t len,
                              uint32_t realms)
{
    struct consent *consent = firmware->consent;
    if (!consent->is_open[REDIRECTION_KVM] || len > KVM_MESSAGE_BYTES || consent->message != NULL) {
        return false;
    }
    consent->message = amt_alloc(sizeof *consent->message);
    if (consent->message == NULL) {
        return false;
    }
    consent->message->id = ++consent->last_message;
    consent->message->realms = realms;
    consent->message->len = (uint32_t)len;
    memcpy(consent->message->bytes, bytes, len);
    user_alert(firmware, USER_ALERT_KVM_DATA);
    return true;
}

static void to_console(const struct firmware *firmware, const void *bytes, size_t len)
{
    if (firmware->hooks.kvm_message != NULL) {
        firmware->hooks.kvm_message(firmware->hooks.ctx, bytes, len);
    }
}

static uint32_t read_message(struct firmware_call *call, const struct wsman_instance *target,
                             const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    const struct kvm_message *message = call->firmware->consent->message;
    if (message == NULL) {
        return PT_INTERNAL_ERROR;
    }
    wsman_set_base64(out, "DataMessage", message->bytes, message->len);
    wsman_set_u64(out, "RealmsBitmap", message->realms);
    wsman_set_u64(out, "MessageId", message->id);
    kvm_channel_fini(call->firmware);
    to_console(call->firmware, NULL, 0);
    return PT_SUCCESS;
}

static uint32_t write_message(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)out;
    size_t len = 0;
    const uint8_t *bytes = wsman_get_base64(in, "DataMessage", &len);
    if (bytes == NULL || len > KVM_MESSAGE_BYTES ||
        !call->firmware->consent->is_open[REDIRECTION_KVM]) {
        return PT_INTERNAL_ERROR;
    }
    to_console(call->firmware, bytes, len);
    return PT_SUCCESS;
}

/* For the user at the machine: only over the local door. */
static uint32_t terminate(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (call->door != FIRMWARE_LOCAL) {
        return PT_NOT_PERMITTED;
    }
    if (!call->firmware->consent->is_open[REDIRECTION_KVM]) {
        return PT_INTERNAL_ERROR;
    }
    redirection_end(call->firmware, 1u << REDIRECTION_KVM);
    return PT_SUCCESS;
}

const struct firmware_method k_kvm_settings_methods[] = {
    { "DataChannelRead", read_message },
    { "DataChannelWrite", write_message },
    { "TerminateSession", terminate },
    { NULL, NULL },
};
