/* Any length up to N at once, symbolic: no wrap, no lossy conversion, no read outside an array of N
 * bytes, for lengths that one run each could not cover. A read between len and N is not seen here;
 * decode_exact.c sees it, length by length. */
#include "__fc_builtin.h"
#include "protocol/apf/codec.h"

static uint8_t in[N];

int main(void)
{
    struct apf_message message;
    uint32_t count = 0;
    struct apf_context context = {
        .direction = (enum apf_direction)Frama_C_interval(0, 1),
        .pending = (enum apf_request)Frama_C_interval(0, 3),
        .json_control = Frama_C_interval(0, 1) != 0,
    };
    Frama_C_make_unknown((char *)in, N);
    uint32_t len = (uint32_t)Frama_C_interval(0, N);
    (void)apf_decode(in, len, &context, &message, &count);
    return 0;
}
