/* Faults in APF messages: apf_field, apf_type, apf_length, window, open_failure. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/fault.h"

/* Gives the unit new bytes; it stays a message. */
static void set_message(struct unit *unit, struct arena *pool, const struct apf_message *message,
                        const uint8_t *source)
{
    uint32_t len = 0;
    const uint8_t *bytes = apf_value_bytes(pool, message, source, &len);
    if (bytes != NULL) {
        amt_free(unit->bytes);
        unit->bytes = pool_checked(amt_memdup(bytes, len));
        unit->len = len;
        unit->is_message = false; /* views of the old message do not fit the new bytes */
    }
}

bool fault_apf_field(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)lane;
    const struct value *name = fault_argument(fault, "name"),
                       *value = fault_argument(fault, "value");
    if (!unit->is_message || name == NULL || value == NULL) {
        return true;
    }
    struct amt_diag diag = { 0 };
    struct apf_message message = unit->message;
    struct text source = { 0 };
    text_append(&source, (const char *)unit->bytes, unit->len); /* old views stay valid */
    if (apf_value_set(&message, &source, name->text, value, &diag) == AMT_OK) {
        set_message(unit, &fault->run->pool, &message, (const uint8_t *)text_chars(&source));
        text_printf(text, "set %s of %s", name->text, apf_type_name(message.type));
    } else {
        text_puts(text, diag.text);
    }
    text_fini(&source);
    return true;
}

bool fault_apf_type(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)lane;
    uint8_t type = (uint8_t)fault_number(fault, "to", 0);
    text_printf(text, "changed message type %u to %u", unit->bytes[0], type);
    if (unit->len > 0) {
        unit->bytes[0] = type;
    }
    unit->is_message = false;
    return true;
}

bool fault_apf_length(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)lane;
    uint32_t offset = unit->is_message ? apf_length_offset(unit->message.type) : 0;
    if (offset == 0 || offset + 4 > unit->len) {
        text_puts(text, "left a message without a length alone");
        return true;
    }
    uint32_t before = 0;
    for (uint32_t i = 0; i < 4; i++) {
        before = before << 8 | unit->bytes[offset + i];
    }
    uint32_t after =
        (uint32_t)fault_number(fault, "value", before + (uint32_t)fault_number(fault, "delta", 0));
    for (uint32_t i = 0; i < 4; i++) {
        unit->bytes[offset + i] = (uint8_t)(after >> (24 - 8 * i));
    }
    unit->is_message = false;
    text_printf(text, "changed a length from %u to %u", before, after);
    return true;
}

/* steal: n keeps n bytes of each grant; never_grant drops grants; overrun: n sends n bytes more. */
bool fault_window(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    struct apf_message message = unit->message;
    uint64_t stolen = fault_number(fault, "steal", 0), extra = fault_number(fault, "overrun", 0);
    const struct value *never = fault_argument(fault, "never_grant");
    if (!unit->is_message) {
        return true;
    }
    if (message.type == APF_CHANNEL_WINDOW_ADJUST && never != NULL && expr_holds(never)) {
        text_printf(text, "dropped a grant of %u bytes", message.bytes_to_add);
        unit_free(unit);
        return false;
    }
    if (message.type == APF_CHANNEL_WINDOW_ADJUST && stolen > 0) {
        message.bytes_to_add -=
            stolen < message.bytes_to_add ? (uint32_t)stolen : message.bytes_to_add;
        set_message(unit, &fault->run->pool, &message, unit->bytes);
        text_printf(text, "granted only %u bytes", message.bytes_to_add);
    } else if (message.type == APF_CHANNEL_DATA && extra > 0 && extra <= APF_DATA_MAX_BYTES) {
        uint8_t *zeros = pool_alloc(&fault->run->pool, (size_t)extra);
        message.data = (struct view){ 0, (uint32_t)extra };
        uint32_t len = 0;
        const uint8_t *bytes = apf_value_bytes(&fault->run->pool, &message, zeros, &len);
        lane_push(lane, unit_new(bytes, len));
        text_printf(text, "sent %llu bytes more than granted", (unsigned long long)extra);
    }
    return true;
}

/* The opener is told no, as if by the other end, which never hears of it. */
bool fault_open_failure(struct fault *fault, struct lane *lane, struct unit *unit,
                        struct text *text)
{
    if (!unit->is_message || unit->message.type != APF_CHANNEL_OPEN) {
        return true;
    }
    struct apf_message failure = { .type = APF_CHANNEL_OPEN_FAILURE,
                                   .recipient_channel = unit->message.sender_channel,
                                   .reason = (uint32_t)fault_number(fault, "reason",
                                                                    APF_CONNECT_FAILED) };
    uint32_t len = 0;
    const uint8_t *bytes = apf_value_bytes(&fault->run->pool, &failure, NULL, &len);
    text_printf(text, "refused a channel with reason %u", failure.reason);
    unit_free(unit);
    struct unit *answer = unit_new(bytes, len);
    answer->due_us = lane_soon_us(lane);
    lane_push(lane_other(lane), answer);
    return false;
}
