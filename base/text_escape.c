/* Writers that cannot let a character through that means something to the reader of the format. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Length of the UTF-8 sequence at chars[0, len), 0 when it is none; *code gets the character. */
static size_t utf8_at(const char *chars, size_t len, uint32_t *code)
{
    uint8_t first = (uint8_t)chars[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || n > len) {
        return 0;
    }
    uint32_t value = first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        uint8_t byte = (uint8_t)chars[i];
        if ((byte & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (byte & 0x3fu);
    }
    static const uint32_t k_least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < k_least[n] || value > 0x10ffff || is_surrogate) {
        return 0;
    }
    *code = value;
    return n;
}

static bool json_short(uint32_t code, char *letter)
{
    static const char k_codes[] = "\"\\\b\f\n\r\t";
    static const char k_letters[] = "\"\\bfnrt";
    const char *at = code == 0 || code > 0x7f ? NULL : strchr(k_codes, (int)code);
    if (at == NULL) {
        return false;
    }
    *letter = k_letters[at - k_codes];
    return true;
}

void text_json(struct text *t, const char *chars, size_t len)
{
    text_append(t, "\"", 1);
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        char letter = 0;
        size_t n = utf8_at(chars + i, len - i, &code);
        if (n == 0) {
            text_puts(t, REPLACEMENT);
            n = 1;
        } else if (json_short(code, &letter)) {
            const char pair[2] = { '\\', letter };
            text_append(t, pair, 2);
        } else if (code < 0x20 || code == 0x7f) {
            text_printf(t, "\\u%04x", code);
        } else {
            text_append(t, chars + i, n);
        }
        i += n;
    }
    text_append(t, "\"", 1);
}

static const char *xml_entity(uint32_t code)
{
    switch (code) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\r': /* a bare one would be read back as a line feed */
        return "&#13;";
    case 0x7f:
        return "&#127;";
    default:
        return NULL;
    }
}

void text_xml(struct text *t, const char *chars, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_at(chars + i, len - i, &code);
        bool is_control = code < 0x20 && code != '\n' && code != '\t' && code != '\r';
        bool is_forbidden = is_control || code == 0xfffe || code == 0xffff;
        const char *entity = xml_entity(code);
        if (n == 0 || is_forbidden) {
            text_puts(t, REPLACEMENT);
        } else if (entity != NULL) {
            text_puts(t, entity);
        } else {
            text_append(t, chars + i, n);
        }
        i += n == 0 ? 1 : n;
    }
}

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

void text_logfmt(struct text *t, const char *chars, size_t len)
{
    bool plain = len > 0;
    for (size_t i = 0; i < len; i++) {
        plain = plain && is_plain(chars[i]);
    }
    if (plain) {
        text_append(t, chars, len);
        return;
    }
    text_append(t, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        char c = chars[i];
        if (c == '"' || c == '\\') {
            const char pair[2] = { '\\', c };
            text_append(t, pair, 2);
        } else if (c == ' ' || c == '=' || is_plain(c)) {
            text_append(t, &c, 1);
        } else {
            text_printf(t, "\\x%02x", (unsigned)(uint8_t)c);
        }
    }
    text_append(t, "\"", 1);
}

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Characters that only change the order in which others are shown. */
static bool is_direction_mark(uint32_t code)
{
    return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0x200e || code == 0x200f || code == 0x061c;
}

void text_terminal(struct text *t, const char *chars, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_at(chars + i, len - i, &code);
        if (n == 0) {
            text_printf(t, "\\x%02x", (unsigned)(uint8_t)chars[i]);
            n = 1;
        } else if (code == '\t') {
            text_append(t, " ", 1);
        } else if (is_control(code)) {
            text_printf(t, "\\x%02x", (unsigned)code);
        } else if (is_direction_mark(code)) {
            text_printf(t, "\\u{%x}", (unsigned)code);
        } else {
            text_append(t, chars + i, n);
        }
        i += n;
    }
}
