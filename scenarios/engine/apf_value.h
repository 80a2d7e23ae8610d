/* APF messages as values and back, by the codec's field table. */
#ifndef AMTLAB_SCENARIOS_ENGINE_APF_VALUE_H
#define AMTLAB_SCENARIOS_ENGINE_APF_VALUE_H

#include "protocol/apf/codec.h"
#include "scenarios/engine/value.h"

/* "apf.channel_open" */
const char *apf_value_name(struct arena *pool, uint8_t type);
/* Number behind "apf.channel_open" or "channel_open"; 0 for none. */
uint8_t apf_value_type(const char *name);
/* Fields by name; uuid as text. */
struct value *apf_value_fields(struct arena *pool, const struct apf_message *message,
                               const uint8_t *source);

/*
 * A message from { type, fields... }: what is not given is sensible (service names, methods, windows,
 * reserved words). raw: bytes instead of a message; override: { length: n } replaces the message's
 * first length word, { reserved: n } its reserved words. Bytes in pool. NULL with diag: unknown type or field, a value that
 * does not fit.
 */
const uint8_t *apf_value_encode(struct arena *pool, const struct value *description, uint32_t *len,
                                struct amt_diag *diag);
/* Offset of a message's first length word; 0 if it has none. */
uint32_t apf_length_offset(uint8_t type);
/* Sets a field by name from a value. AMT_ECONFIG with diag. text is collected in source. */
enum amt_err apf_value_set(struct apf_message *message, struct text *source, const char *name,
                           const struct value *value, struct amt_diag *diag);
/* Re-encodes a message with its reserved words as they are; bytes in pool. NULL if it cannot be. */
const uint8_t *apf_value_bytes(struct arena *pool, const struct apf_message *message,
                               const uint8_t *source, uint32_t *len);

#endif
