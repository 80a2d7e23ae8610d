#include "client/activation/http_end.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES 4096u

/* The line that begins at `at`: its length without CRLF, and where the next begins. False: not yet. */
static bool next_line(const uint8_t *bytes, uint32_t len, uint32_t at, uint32_t *line_len,
                      uint32_t *next)
{
    const uint8_t *end = at < len ? memchr(bytes + at, '\n', len - at) : NULL;
    if (end == NULL) {
        return false;
    }
    *next = (uint32_t)(end - bytes) + 1;
    *line_len = *next - at - 1;
    if (*line_len > 0 && bytes[at + *line_len - 1] == '\r') {
        *line_len -= 1;
    }
    return true;
}

static bool begins(const uint8_t *line, uint32_t len, const char *name)
{
    uint32_t n = (uint32_t)strlen(name);
    return len >= n && strncasecmp((const char *)line, name, n) == 0;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, word, n) == 0) {
            return true;
        }
    }
    return false;
}

/* Status line or header. */
static void take_head_line(struct http_end *end, const uint8_t *line, uint32_t len)
{
    char text[LINE_MAX_BYTES];
    uint32_t n = len < sizeof text - 1 ? len : (uint32_t)sizeof text - 1;
    memcpy(text, line, n);
    text[n] = '\0';
    if (begins(line, len, "HTTP/1.") && len > 9) {
        end->status = (int)strtol(text + 9, NULL, 10);
    } else if (begins(line, len, "Content-Length:") && end->form != HTTP_END_CHUNKED) {
        end->form = HTTP_END_LENGTH;
        end->left = strtoull(text + 15, NULL, 10);
    } else if (begins(line, len, "Transfer-Encoding:") && has_word(text + 18, "chunked")) {
        end->form = HTTP_END_CHUNKED;
    }
}

/* Up to the empty line. False: more is needed. */
static bool take_head(struct http_end *end, const uint8_t *bytes, uint32_t len)
{
    uint32_t line_len = 0, next = 0;
    while (next_line(bytes, len, end->at, &line_len, &next)) {
        if (line_len == 0) {
            end->at = next;
            end->is_head_done = true;
            if (end->form == HTTP_END_UNKNOWN) {
                end->form = HTTP_END_CLOSE;
            }
            return true;
        }
        take_head_line(end, bytes + end->at, line_len);
        end->at = next;
    }
    return false;
}

/* Chunk by chunk, then the trailer. */
static bool take_chunks(struct http_end *end, const uint8_t *bytes, uint32_t len)
{
    uint32_t line_len = 0, next = 0;
    while (next_line(bytes, len, end->at, &line_len, &next)) {
        char size[20] = "";
        if (end->in_trailer) {
            end->at = next;
            if (line_len == 0) {
                return true;
            }
            continue;
        }
        memcpy(size, bytes + end->at, line_len < sizeof size - 1 ? line_len : sizeof size - 1);
        uint64_t chunk = strtoull(size, NULL, 16);
        if (chunk == 0) {
            end->in_trailer = true;
            end->at = next;
        } else if (chunk <= len - next && len - next - chunk >= 2) {
            end->at = next + (uint32_t)chunk + 2; /* with the CRLF behind it */
        } else {
            return false;
        }
    }
    return false;
}

bool http_end_is_whole(struct http_end *end, const uint8_t *bytes, uint32_t len)
{
    if (!end->is_head_done && !take_head(end, bytes, len)) {
        return false;
    }
    switch (end->form) {
    case HTTP_END_CHUNKED:
        return take_chunks(end, bytes, len);
    case HTTP_END_LENGTH:
        return end->left <= len - end->at;
    case HTTP_END_UNKNOWN:
    case HTTP_END_CLOSE:
        break;
    }
    return false;
}
