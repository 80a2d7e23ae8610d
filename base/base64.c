#include "base/base64.h"

static const char k_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct text *out, const void *bytes, size_t len)
{
    const uint8_t *in = bytes;
    for (size_t at = 0; at < len; at += 3) {
        size_t left = len - at;
        uint32_t bits = (uint32_t)in[at] << 16;
        bits |= left > 1 ? (uint32_t)in[at + 1] << 8 : 0;
        bits |= left > 2 ? in[at + 2] : 0;
        char quad[4] = { k_alphabet[bits >> 18 & 63u], k_alphabet[bits >> 12 & 63u],
                         (char)(left > 1 ? k_alphabet[bits >> 6 & 63u] : '='),
                         (char)(left > 2 ? k_alphabet[bits & 63u] : '=') };
        text_append(out, quad, 4);
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* How many of the four characters are data: 2 to 4; 0 for none of the allowed forms. */
static uint32_t data_chars(const char *quad, bool is_last)
{
    uint32_t count = 4;
    if (is_last && quad[3] == '=') {
        count = quad[2] == '=' ? 2 : 3;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (value_of(quad[i]) < 0) {
            return 0;
        }
    }
    return count;
}

enum amt_err base64_decode(const char *chars, size_t len, uint8_t *out, size_t *out_len)
{
    *out_len = 0;
    if (len % 4 != 0) {
        return AMT_EMALFORMED;
    }
    for (size_t at = 0; at < len; at += 4) {
        uint32_t count = data_chars(chars + at, at + 4 == len);
        uint32_t bits = 0;
        if (count == 0) {
            return AMT_EMALFORMED;
        }
        for (uint32_t i = 0; i < 4; i++) {
            bits = bits << 6 | (i < count ? (uint32_t)value_of(chars[at + i]) : 0);
        }
        if ((bits & (count == 2 ? 0xffffu : count == 3 ? 0xffu : 0u)) != 0) {
            return AMT_EMALFORMED; /* bits that padding throws away */
        }
        for (uint32_t i = 0; i + 1 < count; i++) {
            out[(*out_len)++] = (uint8_t)(bits >> (16 - 8 * i) & 0xffu);
        }
    }
    return AMT_OK;
}
