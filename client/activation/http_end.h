/* Where an HTTP answer ends, without reading it: for relays that pass on its bytes as they are. */
#ifndef AMTLAB_CLIENT_ACTIVATION_HTTP_END_H
#define AMTLAB_CLIENT_ACTIVATION_HTTP_END_H

#include <stdbool.h>
#include <stdint.h>

enum http_end_form { HTTP_END_UNKNOWN, HTTP_END_CHUNKED, HTTP_END_LENGTH, HTTP_END_CLOSE };

/* Zero-initialised: nothing was seen. */
struct http_end {
    enum http_end_form form; /* from the head on */
    int status;              /* from the head on */
    uint32_t at;             /* where the next part begins */
    uint64_t left;           /* LENGTH: bytes of the body that are to come */
    bool is_head_done, in_trailer;
};
/* bytes[0, len) is all that has come, each time longer; true when the answer is whole. HTTP_END_CLOSE
 * never is: it ends with the connection. Work for each byte once, but for a chunk
 * or line that is not whole. */
bool http_end_is_whole(struct http_end *end, const uint8_t *bytes, uint32_t len);

#endif
