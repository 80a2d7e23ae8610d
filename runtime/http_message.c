#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "runtime/http_internal.h"

static struct http_message *message_of(http_parser *parser)
{
    return parser->data;
}

static int append(struct http_message *m, const char *at, size_t len)
{
    if (m->head.len + len > m->head_max_bytes) {
        m->error_status = 431;
        return 1;
    }
    text_append(&m->head, at, len);
    return m->head.failed ? 1 : 0;
}

static int begin_text(struct http_message *m, size_t *offset)
{
    text_append(&m->head, "", 1); /* ends the text before */
    *offset = m->head.len;
    return m->head.failed ? 1 : 0;
}

static int on_begin(http_parser *parser)
{
    message_of(parser)->is_started = true;
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);
    if (m->head.len == 0 && begin_text(m, &m->target) != 0) {
        return 1;
    }
    return append(m, at, len);
}

static int on_field(http_parser *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);
    if (m->is_head_done) {
        return 0;
    }
    bool is_new = m->in_value || m->header_count == 0;
    if (is_new) {
        if (m->header_count == HTTP_HEADERS_MAX) {
            m->error_status = 431;
            return 1;
        }
        m->in_value = false;
        m->header_count += 1;
        if (begin_text(m, &m->names[m->header_count - 1]) != 0) {
            return 1;
        }
        m->values[m->header_count - 1] = m->names[m->header_count - 1];
    }
    return append(m, at, len);
}

static int on_value(http_parser *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);
    if (m->is_head_done) {
        return 0;
    }
    if (!m->in_value) {
        m->in_value = true;
        if (begin_text(m, &m->values[m->header_count - 1]) != 0) {
            return 1;
        }
    }
    return append(m, at, len);
}

/* Pointers into the finished head, which does not grow any more. */
static void set_headers(struct http_message *m)
{
    for (uint32_t i = 0; i < m->header_count; i++) {
        m->headers[i].name = m->head.chars + m->names[i];
        m->headers[i].value = m->head.chars + m->values[i];
    }
}

static int on_headers(http_parser *parser)
{
    struct http_message *m = message_of(parser);
    text_append(&m->head, "", 1);
    if (m->head.failed) {
        return -1;
    }
    m->is_head_done = true;
    set_headers(m);
    /* Three digits (RFC 9112, 4); the parser takes any number. 0 would be no status at all. */
    if (parser->type == HTTP_RESPONSE && (parser->status_code < 100 || parser->status_code > 999)) {
        m->error_status = 400;
        return -1;
    }
    const char *expectation = http_header_find(m->headers, m->header_count, "Expect");
    m->expects_continue = expectation != NULL && strcasecmp(expectation, "100-continue") == 0;
    bool has_length = parser->content_length != UINT64_MAX;
    if (has_length && parser->content_length > m->body_max_bytes) {
        m->error_status = 413;
        return -1;
    }
    return m->has_no_body ? 1 : 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct http_message *m = message_of(parser);
    if (len > m->body_max_bytes || m->body.len > m->body_max_bytes - len) {
        m->error_status = 413;
        return 1;
    }
    return bytes_append(&m->body, at, (uint32_t)len) == AMT_OK ? 0 : 1;
}

static int on_complete(http_parser *parser)
{
    message_of(parser)->is_whole = true;
    http_parser_pause(parser, 1); /* one message at a time */
    return 0;
}

static const http_parser_settings k_settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void http_message_init(struct http_message *m, enum http_parser_type type,
                       const struct http_limits *limits)
{
    memset(m, 0, sizeof *m);
    http_parser_init(&m->parser, type);
    m->parser.data = m;
    m->head_max_bytes = HTTP_HEAD_MAX_BYTES;
    m->body_max_bytes = HTTP_BODY_MAX_BYTES;
    if (limits != NULL && limits->head_max_bytes != 0) {
        m->head_max_bytes = limits->head_max_bytes;
    }
    if (limits != NULL && limits->body_max_bytes != 0) {
        m->body_max_bytes = limits->body_max_bytes;
    }
}

void http_message_reset(struct http_message *m)
{
    text_fini(&m->head);
    bytes_fini(&m->body);
    m->header_count = 0;
    m->in_value = false;
    m->is_whole = false;
    m->is_started = false;
    m->is_head_done = false;
    m->expects_continue = false;
    m->error_status = 0;
    if (HTTP_PARSER_ERRNO(&m->parser) == HPE_PAUSED) {
        http_parser_pause(&m->parser, 0);
    }
}

size_t http_message_feed(struct http_message *m, const uint8_t *in, size_t len)
{
    size_t used = http_parser_execute(&m->parser, &k_settings, (const char *)in, len);
    enum http_errno error = HTTP_PARSER_ERRNO(&m->parser);
    if (error != HPE_OK && error != HPE_PAUSED && m->error_status == 0) {
        m->error_status = error == HPE_HEADER_OVERFLOW ? 431 : 400;
    }
    return used;
}

const char *http_header_find(const struct http_header *headers, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) == 0) {
            return headers[i].value;
        }
    }
    return NULL;
}
