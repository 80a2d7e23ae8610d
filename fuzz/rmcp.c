/*
 * Presence ping and pong: the input is one datagram. Oracles: what is decoded encodes to the same
 * message, byte for byte where the bytes are not reserved; a shorter datagram is no message; bytes
 * behind it change nothing; encoding never writes behind its end.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/rmcp/codec.h"

static bool is_equal(const struct rmcp_message *a, const struct rmcp_message *b)
{
    const struct rmcp_presence *x = &a->presence;
    const struct rmcp_presence *y = &b->presence;
    return a->kind == b->kind && a->sequence == b->sequence && a->tag == b->tag &&
           x->enterprise == y->enterprise && x->open_port == y->open_port && x->major == y->major &&
           x->minor == y->minor && x->provisioning == y->provisioning &&
           x->has_both_ports == y->has_both_ports && x->asf_version == y->asf_version &&
           x->supports_ipmi == y->supports_ipmi && x->is_dash == y->is_dash;
}

static void check_encoding(const struct rmcp_message *message)
{
    struct rmcp_message again;
    uint32_t bytes = rmcp_encode(message, NULL, 0);
    FUZZ_REQUIRE(bytes == (message->kind == RMCP_PONG ? RMCP_PONG_BYTES : RMCP_PING_BYTES));
    for (uint32_t cap = 1; cap <= bytes; cap++) {
        uint8_t *out = amt_alloc(cap); /* exact: one byte past the end is a fault */
        FUZZ_REQUIRE(out != NULL && rmcp_encode(message, out, cap) == bytes);
        FUZZ_REQUIRE((rmcp_decode(out, cap, &again) == AMT_OK) == (cap == bytes));
        FUZZ_REQUIRE(cap < bytes || is_equal(message, &again));
        amt_free(out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rmcp_message message;
    struct rmcp_message shorter;
    if (size > 64) {
        return 0;
    }
    uint32_t len = (uint32_t)size;
    enum amt_err err = rmcp_decode(data, len, &message);
    FUZZ_REQUIRE(err == AMT_OK || err == AMT_EUNKNOWN || err == AMT_EMALFORMED);
    if (err != AMT_OK) {
        return 0;
    }
    uint32_t bytes = message.kind == RMCP_PONG ? RMCP_PONG_BYTES : RMCP_PING_BYTES;
    FUZZ_REQUIRE(bytes <= len);
    FUZZ_REQUIRE(rmcp_decode(data, bytes, &shorter) == AMT_OK && is_equal(&message, &shorter));
    FUZZ_REQUIRE(rmcp_decode(data, bytes - 1, &shorter) == AMT_EMALFORMED);
    check_encoding(&message);
    return 0;
}
