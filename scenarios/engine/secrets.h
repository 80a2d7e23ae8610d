/* Texts that must not appear in output: what env(), file() and AMTLAB_VAR_... gave, and passwords of
 * actors. */
#ifndef AMTLAB_SCENARIOS_ENGINE_SECRETS_H
#define AMTLAB_SCENARIOS_ENGINE_SECRETS_H

#include "scenarios/engine/pool.h"

struct secret_text {
    const char *text;
    size_t len;
    struct secret_text *next;
};
struct secrets {
    struct arena *pool;
    struct secret_text *first;
};

/* Short ones (below 4 characters) are kept out: hiding them would blank half of every message. */
void secrets_add(struct secrets *secrets, const char *text);
/* text with every secret replaced by "(hidden)", in pool. secrets may be NULL. */
const char *secrets_hide(const struct secrets *secrets, struct arena *pool, const char *text);
/* The same for bytes of messages: stars in place of a secret, so that lengths and offsets stay. Gives
 * bytes themselves when there is nothing to hide. */
const uint8_t *secrets_hide_bytes(const struct secrets *secrets, struct arena *pool,
                                  const uint8_t *bytes, uint32_t len);

#endif
