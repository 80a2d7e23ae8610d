/* The message parser that both sides of HTTP share: http_parser's callbacks become one message. */
#ifndef AMTLAB_RUNTIME_HTTP_INTERNAL_H
#define AMTLAB_RUNTIME_HTTP_INTERNAL_H

#include <http_parser.h>

#include "base/bytes.h"
#include "runtime/http.h"

#define HTTP_HEADERS_MAX 64u

struct http_message {
    http_parser parser;
    uint32_t head_max_bytes, body_max_bytes;
    /* All texts of the head one after the other, each 0-terminated; offsets, because it grows. */
    struct text head;
    size_t target;
    size_t names[HTTP_HEADERS_MAX], values[HTTP_HEADERS_MAX];
    struct http_header headers[HTTP_HEADERS_MAX]; /* pointers, once the message is whole */
    uint32_t header_count;
    struct bytes body;
    bool in_value, is_whole, is_started;
    bool is_head_done;     /* what looks like headers now are trailers: dropped */
    bool expects_continue; /* the peer waits for "100 Continue" before it sends the body */
    bool has_no_body;      /* set by the owner: the answer to a HEAD */
    int error_status;      /* 400, 413, 431, or 0 */
};

void http_message_init(struct http_message *message, enum http_parser_type type,
                       const struct http_limits *limits);
/* Forgets the message; the parser stays for the next one. */
void http_message_reset(struct http_message *message);
/* Parses up to the end of one message; returns the bytes used. After that: is_whole, or
 * error_status (400 for what is no HTTP), or more is needed. len 0: the stream has ended. */
size_t http_message_feed(struct http_message *message, const uint8_t *in, size_t len);

#endif
