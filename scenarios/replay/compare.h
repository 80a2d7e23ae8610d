/* One recorded message against the one that came now. */
#ifndef AMTLAB_SCENARIOS_REPLAY_COMPARE_H
#define AMTLAB_SCENARIOS_REPLAY_COMPARE_H

#include "protocol/apf/fields.h"
#include "scenarios/replay/recording.h"

enum compare_how {
    COMPARE_SEMANTIC, /* fields that mean the same in another run; see compare.c */
    COMPARE_BYTES,
    COMPARE_NONE /* only the type */
};

/* What a message may differ in: "apf.protocol_version.uuid", asked for each field. */
enum compare_rule { COMPARE_EQUAL, COMPARE_ANYTHING, COMPARE_GIVEN };
struct compare_rules {
    /* COMPARE_GIVEN: the value (0-terminated text of the field) it has to have instead. */
    enum compare_rule (*rule)(void *ctx, const char *field, const char **given);
    void *ctx;
};

struct compare_difference {
    char field[96];  /* "apf.request_success.port"; "" for the whole message */
    uint32_t offset; /* in the message that came */
};

/* True: they are the same as far as `how` and rules go. recorded->is_apf; now is the decoded bytes. */
bool compare_messages(const struct recording_step *recorded, const struct recording_step *now,
                      enum compare_how how, const struct compare_rules *rules,
                      struct compare_difference *difference);
/* A field's value as text (uuid in its canonical form); secrets too. */
void compare_value(const struct recording_step *step, const struct apf_field *field,
                   struct text *out);
/* Both messages, decoded, side by side, a field a line; '!' marks those that differ. now NULL: nothing
 * came. Secrets are not shown. */
void compare_print(const struct recording_step *recorded, const struct recording_step *now,
                   const char *field, struct text *out);

#endif
