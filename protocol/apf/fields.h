/*
 * The field table of every message: names, kinds and places, in wire order. Printing, JSON, scenario
 * matchers and `apf.send` all read this one table, so a new message appears everywhere at once.
 */
#ifndef AMTLAB_PROTOCOL_APF_FIELDS_H
#define AMTLAB_PROTOCOL_APF_FIELDS_H

#include <stddef.h>

#include "protocol/apf/codec.h"

enum apf_field_kind {
    APF_FIELD_U8,
    APF_FIELD_U32,
    APF_FIELD_BOOL,
    APF_FIELD_TEXT,  /* view of characters */
    APF_FIELD_BYTES, /* view of binary data */
    APF_FIELD_UUID
};

struct apf_field {
    const char *name; /* as in apf-vectors.yaml: "recipient_channel", "service" ... */
    enum apf_field_kind kind;
    size_t offset; /* in struct apf_message */
    bool secret;   /* passwords: never printed */
};

/* Fields of a message in wire order, including the optional ones that it has (password, originator);
 * *count is their number. The array is constant. NULL and 0 for an unknown type. */
const struct apf_field *apf_fields(const struct apf_message *message, uint32_t *count);
/* As apf_fields for a type alone, with all optional fields. */
const struct apf_field *apf_fields_of_type(uint8_t type, uint32_t *count);
const struct apf_field *apf_field_find(uint8_t type, const char *name);

/* The value of a number or boolean; 0 for the other kinds. */
uint32_t apf_field_number(const struct apf_message *message, const struct apf_field *field);
/* The view of a text or of bytes; empty for the other kinds. */
struct view apf_field_view(const struct apf_message *message, const struct apf_field *field);

/*
 * One line for logs and traces: "CHANNEL_OPEN sender_channel=4 initial_window=32768 ...". Text is
 * escaped, long values are cut with their length shown, secrets are "(hidden)". Always 0-terminated.
 */
void apf_print(const struct apf_message *message, const uint8_t *source, char *out, size_t cap);

#endif
