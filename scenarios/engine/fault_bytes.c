/* Faults that change, remove or add bytes: drop, duplicate, truncate, corrupt, replace, insert. */
#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/bytes_value.h"
#include "scenarios/engine/fault.h"

static const char *name_of(const struct unit *unit)
{
    const char *name = unit->is_message ? apf_type_name(unit->message.type) : NULL;
    return name == NULL ? "bytes" : name;
}

bool fault_drop(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    (void)lane;
    text_printf(text, "dropped %s (%u bytes)", name_of(unit), unit->len);
    unit_free(unit);
    return false;
}

bool fault_duplicate(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)fault;
    struct unit *copy = unit_new(unit->bytes, unit->len);
    copy->due_us = unit->due_us;
    lane_push(lane, copy);
    text_printf(text, "sent %s twice (%u bytes)", name_of(unit), unit->len);
    return true;
}

/* A positive number keeps that many bytes, a negative one drops them from the end. */
bool fault_truncate(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)lane;
    int64_t number = (int64_t)fault_number(fault, "to", 0);
    uint32_t before = unit->len;
    int64_t kept = number < 0 ? (int64_t)unit->len + number : number;
    unit->len = kept < 0 ? 0 : kept < unit->len ? (uint32_t)kept : unit->len;
    unit->is_message = false;
    text_printf(text, "cut %u bytes to %u", before, unit->len);
    return true;
}

static void flip_bits(struct fault *fault, struct unit *unit, uint64_t bits)
{
    for (uint64_t i = 0; i < bits && unit->len > 0; i++) {
        uint64_t bit = amt_random_below(&fault->random, (uint64_t)unit->len * 8);
        unit->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

bool fault_corrupt(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    (void)lane;
    const struct value *at = fault_argument(fault, "at");
    int64_t offset = (int64_t)fault_number(fault, "at", 0);
    if (at == NULL) {
        uint64_t bits = fault_number(fault, "bits", 1);
        flip_bits(fault, unit, bits);
        text_printf(text, "flipped %llu bits in %s", (unsigned long long)bits, name_of(unit));
        return true;
    }
    offset = offset < 0 ? (int64_t)unit->len + offset : offset;
    if (offset >= 0 && offset < unit->len) {
        unit->bytes[offset] ^= (uint8_t)fault_number(fault, "xor", 0xff);
        text_printf(text, "changed byte %lld of %s", (long long)offset, name_of(unit));
    } else {
        text_printf(text, "left %s alone: it has no byte %lld", name_of(unit), (long long)offset);
    }
    return true;
}

static struct unit *described_unit(struct fault *fault)
{
    struct bytes bytes = { 0 };
    struct amt_diag diag = { 0 };
    const struct value *given = fault_argument(fault, "bytes");
    /* { replace: { hex: "00" } } gives the bytes without a key of their own */
    const struct value *value = given == NULL ? fault->arguments : given;
    struct unit *unit = NULL;
    if (bytes_value(value, fault->run->scenario->folder, &bytes, &diag) == AMT_OK) {
        unit = unit_new(bytes_front(&bytes), bytes.len);
    }
    bytes_fini(&bytes);
    return unit;
}

bool fault_replace(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    struct unit *other = described_unit(fault);
    if (other == NULL) {
        text_puts(text, "could not make the bytes to put in place");
        return true;
    }
    other->due_us = unit->due_us;
    text_printf(text, "replaced %s by %u bytes", name_of(unit), other->len);
    unit_free(unit);
    lane_push(lane, other);
    return false;
}

bool fault_insert(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text)
{
    struct unit *other = described_unit(fault);
    if (other == NULL) {
        text_puts(text, "could not make the bytes to insert");
        return true;
    }
    other->due_us = unit->due_us;
    text_printf(text, "inserted %u bytes before %s", other->len, name_of(unit));
    lane_push(lane, other);
    return true;
}
