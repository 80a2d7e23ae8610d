/* The end of a chunked HTTP body as some firmware reads it: in one message or not at all. */
#ifndef AMTLAB_SIMULATOR_CHUNK_END_H
#define AMTLAB_SIMULATOR_CHUNK_END_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised: nothing seen. */
struct chunk_end {
    uint32_t matched; /* bytes of CRLF "0" CRLF CRLF that the stream ends with */
};

/*
 * One CHANNEL_DATA of the stream. True when it completes a last chunk "0 CRLF CRLF" whose first byte
 * came in an earlier message: such requests real firmware rejects (apf.md 4.6, APF-DEV-035). Looks at
 * the bytes alone, so for HTTP only.
 */
bool chunk_end_is_split(struct chunk_end *end, const uint8_t *in, uint32_t len);

#endif
