/*
 * The APF decoder, both directions, every context. First byte: bit 0 direction, bits 1-2 pending
 * request, bit 3 JSON extension, bits 4-7 how the rest is cut.
 * Oracles: progress, prefix law, purity, split invariance, decode-encode-decode identity.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/apf/fields.h"
#include "protocol/apf/input.h"

struct stream {
    struct apf_context context;
    uint32_t messages, errors;
    uint64_t hash;
};

static struct apf_context context_of(void *ctx)
{
    return ((const struct stream *)ctx)->context;
}

static enum apf_input_answer on_type(void *ctx, uint8_t type)
{
    (void)ctx;
    (void)type;
    return APF_INPUT_GO_ON;
}

static bool on_message(void *ctx, const struct apf_message *message, const uint8_t *in)
{
    struct stream *s = ctx;
    char line[512];
    apf_print(message, in, line, sizeof line);
    for (const char *p = line; *p != '\0'; p++) {
        s->hash = s->hash * 31 + (uint8_t)*p;
    }
    s->messages += 1;
    return true;
}

static void on_error(void *ctx, enum apf_verdict verdict, uint8_t type, uint32_t offset)
{
    struct stream *s = ctx;
    (void)offset;
    s->errors += 1;
    s->hash = s->hash * 31 + (uint64_t)verdict * 256 + type;
}

static const struct apf_input_handler k_input = { on_type, on_message, on_error, context_of };

static struct stream feed(const struct apf_context *context, const uint8_t *in, uint32_t len,
                          uint32_t step)
{
    struct stream s = { .context = *context };
    struct apf_input input = { .max_bytes = APF_MESSAGE_MAX_BYTES };
    for (uint32_t at = 0; at < len && s.errors == 0; at += step) {
        uint32_t n = len - at < step ? len - at : step;
        FUZZ_REQUIRE(apf_input_feed(&input, &k_input, &s, in + at, n) == AMT_OK);
        FUZZ_REQUIRE(input.pending.len <= len);
    }
    apf_input_fini(&input);
    return s;
}

static void check_round_trip(const struct apf_message *message, const uint8_t *in, uint32_t count,
                             const struct apf_context *context)
{
    uint8_t *out = amt_alloc(count);
    struct apf_message again;
    uint32_t again_count = 0;
    if (out == NULL) {
        return;
    }
    FUZZ_REQUIRE(apf_encode(message, in, true, out, count) == count);
    FUZZ_REQUIRE(apf_decode(out, count, context, &again, &again_count) == APF_OK);
    FUZZ_REQUIRE(again_count == count);
    bool is_canonical = message->type != APF_PROTOCOLVERSION || message->reserved_zero;
    FUZZ_REQUIRE(!is_canonical || memcmp(out, in, count) == 0);
    amt_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536) {
        return 0;
    }
    const uint8_t *in = data + 1;
    uint32_t len = (uint32_t)size - 1;
    struct apf_context context = { .direction = (enum apf_direction)(data[0] & 1u),
                                   .pending = (enum apf_request)(data[0] >> 1 & 3u),
                                   .json_control = (data[0] & 8u) != 0 };
    struct apf_message message;
    struct apf_message same;
    uint32_t count = 0;
    uint32_t same_count = 0;
    enum apf_verdict verdict = apf_decode(in, len, &context, &message, &count);
    FUZZ_REQUIRE(apf_decode(in, len, &context, &same, &same_count) == verdict);
    /* Both were zeroed whole, padding too. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
    FUZZ_REQUIRE(count == same_count && memcmp(&message, &same, sizeof same) == 0);
    if (verdict == APF_OK) {
        FUZZ_REQUIRE(count >= 1 && count <= len);
        check_round_trip(&message, in, count, &context);
        for (uint32_t cut = 0; cut < count && cut < 300; cut++) {
            FUZZ_REQUIRE(apf_decode(in, cut, &context, &same, &same_count) == APF_NEED_MORE);
            FUZZ_REQUIRE(same_count > cut && same_count <= count);
        }
    } else if (verdict == APF_NEED_MORE) {
        FUZZ_REQUIRE(count > len);
    } else {
        FUZZ_REQUIRE(count <= len);
    }
    struct stream whole = feed(&context, in, len, len == 0 ? 1 : len);
    struct stream cut = feed(&context, in, len, 1u + (data[0] >> 4));
    FUZZ_REQUIRE(whole.hash == cut.hash && whole.messages == cut.messages &&
                 whole.errors == cut.errors);
    return 0;
}
