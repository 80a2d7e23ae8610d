/*
 * Hello packets of remote configuration: the input is what a device has sent so far. Oracles: a packet that
 * is whole encodes to the same bytes, and each shorter piece of it needs more; a piece needs more than
 * it has; a refusal says why, and more bytes do not change it.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/provisioning/hello.h"

static void check_packet(const uint8_t *in, const struct hello_packet *hello)
{
    static struct hello_packet shorter;
    struct hello_problem problem;
    uint32_t len = hello->bytes;
    uint8_t *out = amt_alloc(len); /* exact */
    FUZZ_REQUIRE(out != NULL && hello_encode(hello, in, len, out, len) == len);
    FUZZ_REQUIRE(in[0] == out[0] && memcmp(out, in, len) == 0);
    FUZZ_REQUIRE(hello_encode(hello, in, len, out, len / 2) == len);
    amt_free(out);
    for (uint32_t cut = 0; cut < len; cut += 1 + cut / 8) {
        FUZZ_REQUIRE(hello_decode(in, cut, &shorter, &problem) == AMT_NEED_MORE);
        FUZZ_REQUIRE(problem.need > cut && problem.need <= len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hello_packet hello;
    struct hello_problem problem;
    if (size > 2 * HELLO_PACKET_MAX_BYTES) {
        return 0;
    }
    uint32_t len = (uint32_t)size;
    enum amt_err err = hello_decode(data, len, &hello, &problem);
    FUZZ_REQUIRE(err == AMT_OK || err == AMT_NEED_MORE || err == AMT_EMALFORMED);
    if (err == AMT_OK) {
        FUZZ_REQUIRE(hello.bytes <= len && hello.bytes <= HELLO_PACKET_MAX_BYTES);
        FUZZ_REQUIRE(hello.version == HELLO_PSK || hello.version == HELLO_PKI);
        check_packet(data, &hello);
    } else if (err == AMT_NEED_MORE) {
        FUZZ_REQUIRE(problem.need > len && problem.text == NULL);
    } else {
        FUZZ_REQUIRE(problem.text != NULL && problem.offset < len);
    }
    return 0;
}
