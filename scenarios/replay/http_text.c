#include "scenarios/replay/http_text.h"

#include <string.h>
#include <strings.h>

#include "protocol/http/digest.h"

#define NAME_BYTES   64u
#define LENGTH_MAX   16777216u
#define METHOD_BYTES 16u

/* ---- where things are ---- */

static uint32_t find(const uint8_t *in, uint32_t from, uint32_t len, const char *what)
{
    uint32_t n = (uint32_t)strlen(what);
    for (uint32_t at = from; at + n <= len; at++) {
        if (memcmp(in + at, what, n) == 0) {
            return at;
        }
    }
    return HTTP_TEXT_NONE;
}

static bool is_http(const uint8_t *in, uint32_t len)
{
    static const char *const k_starts[] = { "HTTP/1.", "POST ", "GET ", "HEAD " };
    for (uint32_t i = 0; i < sizeof k_starts / sizeof k_starts[0]; i++) {
        size_t n = strlen(k_starts[i]);
        if (memcmp(in, k_starts[i], len < n ? len : n) == 0) {
            return true;
        }
    }
    return false;
}

/* A header line of the head in[0, head): name and value without blanks; false at its end. */
struct header {
    uint32_t name_len;
    const uint8_t *name, *value;
    uint32_t value_len, next;
};

static bool next_header(const uint8_t *in, uint32_t head, uint32_t at, struct header *h)
{
    uint32_t end = find(in, at, head, "\r\n");
    if (at >= head || end == HTTP_TEXT_NONE || end == at) {
        return false;
    }
    const uint8_t *colon = memchr(in + at, ':', end - at);
    h->name = in + at;
    h->name_len = colon == NULL ? 0 : (uint32_t)(colon - h->name);
    uint32_t value = colon == NULL ? at : at + h->name_len + 1; /* without ':' it has no name */
    while (value < end && (in[value] == ' ' || in[value] == '\t')) {
        value++;
    }
    h->value = in + value;
    h->value_len = end - value;
    h->next = end + 2;
    return true;
}

static bool is_named(const struct header *h, const char *name)
{
    return h->name_len == strlen(name) &&
           strncasecmp((const char *)h->name, name, h->name_len) == 0;
}

static uint32_t head_bytes(const uint8_t *in, uint32_t len)
{
    uint32_t end = find(in, 0, len, "\r\n\r\n");
    return end == HTTP_TEXT_NONE ? 0 : end + 4;
}

static uint32_t first_line_end(const uint8_t *in, uint32_t head)
{
    uint32_t end = find(in, 0, head, "\r\n");
    return end == HTTP_TEXT_NONE ? head : end;
}

static bool find_header(const uint8_t *in, uint32_t head, const char *name, struct header *h)
{
    for (uint32_t at = first_line_end(in, head) + 2; next_header(in, head, at, h); at = h->next) {
        if (is_named(h, name)) {
            return true;
        }
    }
    return false;
}

/* Hex digits of a chunk's size line at `at`; *data gets where its data begin. HTTP_TEXT_NONE: not there. */
static uint32_t chunk_size(const uint8_t *in, uint32_t len, uint32_t at, uint32_t *data)
{
    uint32_t end = find(in, at, len, "\r\n");
    uint32_t size = 0;
    if (end == HTTP_TEXT_NONE) {
        return HTTP_TEXT_NONE;
    }
    for (; at < end; at++) {
        uint8_t c = in[at];
        uint32_t digit = c >= '0' && c <= '9'   ? c - (uint32_t)'0'
                         : c >= 'a' && c <= 'f' ? c - (uint32_t)'a' + 10
                         : c >= 'A' && c <= 'F' ? c - (uint32_t)'A' + 10
                                                : 16;
        if (digit == 16 || size > LENGTH_MAX) {
            break;
        }
        size = size * 16 + digit;
    }
    *data = end + 2;
    return size > LENGTH_MAX ? HTTP_TEXT_NONE : size;
}

/* Walks the chunks behind head; appends their data to body (NULL: only walks). 0: not complete. */
static uint32_t walk_chunks(const uint8_t *in, uint32_t len, uint32_t head, struct text *body)
{
    uint32_t at = head;
    for (;;) {
        uint32_t data = 0;
        uint32_t size = chunk_size(in, len, at, &data);
        if (size == HTTP_TEXT_NONE || size > len - data) {
            return 0;
        }
        if (size == 0) {
            /* trailers are not used by AMT; some firmware leaves the last line end out */
            return len - data >= 2 && in[data] == '\r' ? data + 2 : data;
        }
        if (body != NULL) {
            text_append(body, (const char *)in + data, size);
        }
        at = data + size + 2;
        if (at > len) {
            return 0;
        }
    }
}

static bool is_chunked(const uint8_t *in, uint32_t head)
{
    struct header h;
    return find_header(in, head, "Transfer-Encoding", &h) && h.value_len == 7 &&
           strncasecmp((const char *)h.value, "chunked", 7) == 0;
}

static uint32_t content_length(const uint8_t *in, uint32_t head)
{
    struct header h;
    uint32_t length = 0;
    if (!find_header(in, head, "Content-Length", &h)) {
        return 0;
    }
    for (uint32_t i = 0; i < h.value_len && h.value[i] >= '0' && h.value[i] <= '9'; i++) {
        length = length * 10 + (uint32_t)(h.value[i] - '0');
        if (length > LENGTH_MAX) {
            return LENGTH_MAX;
        }
    }
    return length;
}

uint32_t http_text_bytes(const uint8_t *in, uint32_t len)
{
    if (!is_http(in, len)) {
        return HTTP_TEXT_NONE;
    }
    uint32_t head = head_bytes(in, len);
    if (head == 0) {
        return 0;
    }
    if (is_chunked(in, head)) {
        return walk_chunks(in, len, head, NULL);
    }
    uint32_t body = content_length(in, head);
    return body > len - head ? 0 : head + body;
}

bool http_text_header(const uint8_t *in, uint32_t len, const char *name, struct text *out)
{
    struct header h;
    bool is_there = find_header(in, head_bytes(in, len), name, &h);
    if (is_there) {
        text_append(out, (const char *)h.value, h.value_len);
    }
    return is_there;
}

static void put_body(const uint8_t *in, uint32_t len, struct text *out)
{
    uint32_t head = head_bytes(in, len);
    if (is_chunked(in, head)) {
        (void)walk_chunks(in, len, head, out);
    } else {
        text_append(out, (const char *)in + head, len - head);
    }
}

/* ---- elements ---- */

/* Local name of the tag that begins at '<'; "" for closing tags. */
static void tag_name(const uint8_t *in, uint32_t len, uint32_t at, char name[static NAME_BYTES])
{
    uint32_t n = 0;
    for (at++; at < len && n < NAME_BYTES - 1; at++) {
        uint8_t c = in[at];
        if (c == '>' || c == '/' || c == ' ' || c == '\r' || c == '\n' || c == '\t') {
            break;
        }
        if (c == ':') {
            n = 0;
        } else {
            name[n++] = (char)c;
        }
    }
    name[n] = '\0';
}

uint32_t http_text_element(const uint8_t *in, uint32_t len, const char *name, uint32_t *at)
{
    char found[NAME_BYTES];
    for (uint32_t tag = find(in, 0, len, "<"); tag != HTTP_TEXT_NONE;
         tag = find(in, tag + 1, len, "<")) {
        tag_name(in, len, tag, found);
        if (strcmp(found, name) != 0) {
            continue;
        }
        uint32_t begin = find(in, tag, len, ">");
        uint32_t end = begin == HTTP_TEXT_NONE ? begin : find(in, begin, len, "<");
        if (end == HTTP_TEXT_NONE) {
            return 0;
        }
        *at = begin + 1;
        return end - begin - 1;
    }
    return 0;
}

/* ---- comparing ---- */

static bool is_volatile_element(const char *name)
{
    static const char *const k_names[] = { "MessageID", "RelatesTo", "EnumerationContext" };
    for (uint32_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        if (strcmp(k_names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void put_header(const struct header *h, struct text *out)
{
    static const char *const k_volatile[] = { "Date",   "Content-Length", "Transfer-Encoding",
                                              "Server", "User-Agent",     "Host" };
    for (uint32_t i = 0; i < sizeof k_volatile / sizeof k_volatile[0]; i++) {
        if (is_named(h, k_volatile[i])) {
            return;
        }
    }
    uint32_t len = h->value_len;
    if (is_named(h, "Authorization") || is_named(h, "WWW-Authenticate")) {
        const uint8_t *blank = memchr(h->value, ' ', h->value_len);
        len = blank == NULL ? len : (uint32_t)(blank - h->value);
    }
    for (uint32_t i = 0; i < h->name_len; i++) {
        char c = (char)(h->name[i] >= 'A' && h->name[i] <= 'Z' ? h->name[i] + 32 : h->name[i]);
        text_append(out, &c, 1);
    }
    text_printf(out, ": %.*s\n", (int)len, (const char *)h->value);
}

void http_text_semantic(const uint8_t *in, uint32_t len,
                        bool (*is_ignored)(void *ctx, const char *element), void *ctx,
                        struct text *out)
{
    struct header h;
    struct text body = { 0 };
    uint32_t head = head_bytes(in, len);
    text_printf(out, "%.*s\n", (int)first_line_end(in, head), (const char *)in);
    for (uint32_t at = first_line_end(in, head) + 2; next_header(in, head, at, &h); at = h.next) {
        put_header(&h, out);
    }
    put_body(in, len, &body);
    const uint8_t *text = (const uint8_t *)text_chars(&body);
    uint32_t body_len = (uint32_t)body.len;
    for (uint32_t at = 0; at < body_len;) {
        char name[NAME_BYTES] = "";
        uint32_t end = find(text, at, body_len, ">");
        end = end == HTTP_TEXT_NONE ? body_len : end + 1;
        if (text[at] == '<') {
            tag_name(text, body_len, at, name);
        }
        text_append(out, (const char *)text + at, end - at);
        uint32_t next = find(text, end, body_len, "<");
        next = next == HTTP_TEXT_NONE ? body_len : next;
        bool is_hidden =
            next > end && (is_volatile_element(name) || (name[0] != '\0' && is_ignored(ctx, name)));
        if (is_hidden) {
            text_puts(out, "*");
        } else {
            text_append(out, (const char *)text + end, next - end);
        }
        text_puts(out, "\n");
        at = next > at ? next : end;
    }
    out->failed = out->failed || body.failed;
    text_fini(&body);
}

/* ---- saying it again ---- */

static void replace_all(const struct text *in, const char *from, const char *to, struct text *out)
{
    const uint8_t *chars = (const uint8_t *)text_chars(in);
    uint32_t len = (uint32_t)in->len;
    uint32_t at = 0;
    while (from != NULL && from[0] != '\0' && to != NULL) {
        uint32_t found = find(chars, at, len, from);
        if (found == HTTP_TEXT_NONE) {
            break;
        }
        text_append(out, (const char *)chars + at, found - at);
        text_puts(out, to);
        at = found + (uint32_t)strlen(from);
    }
    text_append(out, (const char *)chars + at, len - at);
}

/* The recorded Authorization with the nonce of now and the answer that belongs to it. */
static void put_authorization(const uint8_t *in, const struct header *h, const struct text *body,
                              const struct http_text_change *change, struct text *out)
{
    struct digest_header recorded;
    struct digest_header now;
    struct text value = { 0 };
    char method[METHOD_BYTES] = "";
    char user[128] = "";
    char realm[256] = "";
    char response[DIGEST_HEX_BYTES];
    uint8_t ha1[DIGEST_MD5_BYTES];
    text_append(&value, (const char *)h->value, h->value_len);
    const uint8_t *blank = memchr(in, ' ', METHOD_BYTES - 1);
    bool is_known = change->challenge != NULL && change->password != NULL && blank != NULL &&
                    digest_header_read(text_chars(&value), &recorded) == AMT_OK &&
                    digest_header_read(change->challenge, &now) == AMT_OK &&
                    recorded.username.len < sizeof user && now.realm.len < sizeof realm;
    if (!is_known) {
        text_append(out, text_chars(&value), value.len);
        text_fini(&value);
        return;
    }
    memcpy(method, in, (size_t)(blank - in));
    memcpy(user, recorded.username.text, recorded.username.len);
    memcpy(realm, now.realm.text, now.realm.len);
    digest_ha1(user, realm, change->password, strlen(change->password), ha1);
    const struct digest_input input = { .ha1 = ha1,
                                        .method = method,
                                        .nonce = now.nonce,
                                        .nc = recorded.nc,
                                        .cnonce = recorded.cnonce,
                                        .qop = recorded.qop,
                                        .uri = recorded.uri,
                                        .body = text_chars(body),
                                        .body_len = body->len };
    digest_response(&input, response);
    text_printf(out, "Digest username=\"%s\",realm=\"%s\",nonce=\"%.*s\",uri=\"%.*s\"", user, realm,
                (int)now.nonce.len, now.nonce.text, (int)recorded.uri.len, recorded.uri.text);
    if (recorded.qop.is_there) {
        text_printf(out, ",qop=%.*s,nc=%.*s,cnonce=\"%.*s\"", (int)recorded.qop.len,
                    recorded.qop.text, (int)recorded.nc.len, recorded.nc.text,
                    (int)recorded.cnonce.len, recorded.cnonce.text);
    }
    text_printf(out, ",response=\"%s\"", response);
    text_fini(&value);
}

void http_text_adapt(const uint8_t *in, uint32_t len, const struct http_text_change *change,
                     struct text *out)
{
    struct text body = { 0 };
    struct text adapted = { 0 };
    struct header h;
    uint32_t head = head_bytes(in, len);
    put_body(in, len, &body);
    replace_all(&body, change->from_id, change->to_id, &adapted);
    bool is_same = adapted.len == body.len;
    text_append(out, (const char *)in, first_line_end(in, head) + 2);
    for (uint32_t at = first_line_end(in, head) + 2; next_header(in, head, at, &h); at = h.next) {
        text_append(out, (const char *)h.name, (size_t)(h.value - h.name));
        if (is_named(&h, "Authorization")) {
            put_authorization(in, &h, &adapted, change, out);
        } else if (is_named(&h, "Content-Length")) {
            text_printf(out, "%zu", adapted.len);
        } else {
            text_append(out, (const char *)h.value, h.value_len);
        }
        text_puts(out, "\r\n");
    }
    text_puts(out, "\r\n");
    if (!is_chunked(in, head)) {
        text_append(out, text_chars(&adapted), adapted.len);
    } else if (is_same) { /* the same chunks */
        struct text chunks = { 0 };
        text_append(&chunks, (const char *)in + head, len - head);
        replace_all(&chunks, change->from_id, change->to_id, out);
        text_fini(&chunks);
    } else {
        text_printf(out, "%zX\r\n", adapted.len);
        text_append(out, text_chars(&adapted), adapted.len);
        text_puts(out, "\r\n0\r\n\r\n");
    }
    out->failed = out->failed || body.failed || adapted.failed;
    text_fini(&body);
    text_fini(&adapted);
}
