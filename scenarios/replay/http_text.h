/*
 * HTTP and WS-Man inside a channel, for replays: where a message ends, whether two say the same, and what
 * has to be recomputed when one is said again (lengths, RelatesTo, digest answers).
 */
#ifndef AMTLAB_SCENARIOS_REPLAY_HTTP_TEXT_H
#define AMTLAB_SCENARIOS_REPLAY_HTTP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define HTTP_TEXT_NONE UINT32_MAX

/* Bytes of the message at the front of in[0, len): 0 when it is not complete, HTTP_TEXT_NONE when it is
 * not HTTP. A message without a length ends with its head. */
uint32_t http_text_bytes(const uint8_t *in, uint32_t len);

/*
 * What of a message has to be the same in another run, one thing a line: the start line, headers in order
 * (credentials and challenges by their scheme alone; dates, lengths and the names of programs and hosts
 * left out), the body without its chunks, a line for each tag. The texts of MessageID, RelatesTo and
 * EnumerationContext, and of the elements that is_ignored names, are "*".
 */
void http_text_semantic(const uint8_t *in, uint32_t len,
                        bool (*is_ignored)(void *ctx, const char *element), void *ctx,
                        struct text *out);

/* Text of the first element of that local name in a message; its length, 0 without one. */
uint32_t http_text_element(const uint8_t *in, uint32_t len, const char *name, uint32_t *at);

/* What changes in a message that is said again. Empty texts change nothing. */
struct http_text_change {
    const char *from_id, *to_id; /* every from_id becomes to_id (MessageID in RelatesTo) */
    const char *challenge; /* server side: the device's last WWW-Authenticate value, or NULL */
    const char *password;  /* of the user in the recorded Authorization header; NULL: unknown */
};
/* Appends the message as it has to be said now, with its Content-Length or chunks made new. */
void http_text_adapt(const uint8_t *in, uint32_t len, const struct http_text_change *change,
                     struct text *out);
/* Value of a header of the message into out; false without it. */
bool http_text_header(const uint8_t *in, uint32_t len, const char *name, struct text *out);

#endif
