#include "base/uuid.h"

#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

static bool has_dash_before(uint32_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

enum amt_err uuid_parse(const char *text, struct uuid *uuid)
{
    struct uuid parsed;
    for (uint32_t i = 0; i < sizeof parsed.bytes; i++) {
        if (has_dash_before(i) && *text++ != '-') {
            return AMT_EMALFORMED;
        }
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0) {
            return AMT_EMALFORMED;
        }
        parsed.bytes[i] = (uint8_t)(high * 16 + low);
        text += 2;
    }
    if (*text != '\0') {
        return AMT_EMALFORMED;
    }
    *uuid = parsed;
    return AMT_OK;
}

void uuid_format(const struct uuid *uuid, char out[static UUID_TEXT_BYTES])
{
    static const char k_digits[] = "0123456789abcdef";
    uint32_t at = 0;
    for (uint32_t i = 0; i < sizeof uuid->bytes; i++) {
        if (has_dash_before(i)) {
            out[at++] = '-';
        }
        out[at++] = k_digits[uuid->bytes[i] >> 4];
        out[at++] = k_digits[uuid->bytes[i] & 15];
    }
    out[at] = '\0';
}

/* The first three groups are little-endian on the wire (apf.md 3.18): this order is its own
 * inverse. */
static const uint8_t k_wire_order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

void uuid_from_wire(const uint8_t wire[static 16], struct uuid *uuid)
{
    for (uint32_t i = 0; i < 16; i++) {
        uuid->bytes[i] = wire[k_wire_order[i]];
    }
}

void uuid_to_wire(const struct uuid *uuid, uint8_t wire[static 16])
{
    for (uint32_t i = 0; i < 16; i++) {
        wire[i] = uuid->bytes[k_wire_order[i]];
    }
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool uuid_is_zero(const struct uuid *uuid)
{
    static const struct uuid k_zero = { { 0 } };
    return uuid_equal(uuid, &k_zero);
}
