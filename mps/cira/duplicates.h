/*
 * Two machines with one UUID (FF-080): sessions of one id that displace each other and do not look
 * alike, by address or by the host name of their forwards, three times within two minutes. One change
 * is a machine that moves and no more.
 */
#ifndef AMTLAB_MPS_CIRA_DUPLICATES_H
#define AMTLAB_MPS_CIRA_DUPLICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"

/* How a session looks from here. */
struct session_look {
    char address[64]; /* peer without its port; "" = none */
    char host[64];    /* of the first forward, cut; "" = not told */
};

struct duplicates;
struct duplicates *duplicates_new(void);
void duplicates_free(struct duplicates *duplicates); /* NULL is allowed */

/* A session with the look now has displaced one with the look before. True when this makes the id one
 * of two machines, and again for each change after that. Keeps 256 ids, the latest. */
bool duplicates_changed(struct duplicates *duplicates, const struct uuid *uuid,
                        const struct session_look *before, const struct session_look *now,
                        uint64_t now_us);
/* Is the id known to be that of two machines? Forgotten ten minutes after the last try. */
bool duplicates_has(const struct duplicates *duplicates, const struct uuid *uuid, uint64_t now_us);

#endif
