/* One exact length per run (-DLEN=93): any content, any direction and context; the buffer has exactly
 * LEN bytes, so that any read past its end leaves the object. */
#include "__fc_builtin.h"
#include "protocol/apf/codec.h"

static uint8_t in[(LEN) > 0 ? (LEN) : 1];

int main(void)
{
    struct apf_message message;
    uint32_t count = 0;
    struct apf_context context = {
        .direction = (enum apf_direction)Frama_C_interval(0, 1),
        .pending = (enum apf_request)Frama_C_interval(0, 3),
        .json_control = Frama_C_interval(0, 1) != 0,
    };
    Frama_C_make_unknown((char *)in, LEN);
    enum apf_verdict verdict = apf_decode(in, LEN, &context, &message, &count);
    if (verdict == APF_OK) {
        //@ assert progress: 1 <= count <= LEN;
    } else if (verdict == APF_NEED_MORE) {
        //@ assert waits_for_more_than_there_is: count > LEN;
    } else {
        //@ assert place_of_the_error: count <= LEN;
    }
    return 0;
}
