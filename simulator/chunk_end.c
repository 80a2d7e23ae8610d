#include "simulator/chunk_end.h"

#define LAST_CHUNK_BYTES 5u /* 0 CRLF CRLF */
#define PATTERN_BYTES    7u /* with the CRLF that ends the chunk before */

/* How much of the pattern still matches when the next byte does not. */
static const uint8_t k_border[PATTERN_BYTES + 1] = { 0, 0, 0, 0, 1, 2, 1, 2 };

bool chunk_end_is_split(struct chunk_end *end, const uint8_t *in, uint32_t len)
{
    static const uint8_t k_pattern[PATTERN_BYTES] = { '\r', '\n', '0', '\r', '\n', '\r', '\n' };
    bool is_split = false;
    for (uint32_t i = 0; i < len; i++) {
        while (end->matched > 0 &&
               (end->matched == PATTERN_BYTES || in[i] != k_pattern[end->matched])) {
            end->matched = k_border[end->matched];
        }
        end->matched += in[i] == k_pattern[end->matched] ? 1 : 0;
        is_split = is_split || (end->matched == PATTERN_BYTES && i + 1 < LAST_CHUNK_BYTES);
    }
    return is_split;
}
