/* The vectors through the codec and its JSON form: verdicts, fields, every cutting, round trip. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/apf_json.h"
#include "cli/tests/vectors.h"
#include "protocol/apf/input.h"

static struct vectors vectors;

static int load(void **state)
{
    (void)state;
    vectors_load(&vectors);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    vectors_free(&vectors);
    return 0;
}

static bool is_ok(const struct vector *vector)
{
    return strcmp(json_string_value(json_object_get(vector->expect, "verdict")), "ok") == 0;
}

static void check(const struct vector *vector, const char *what, bool good)
{
    if (!good) {
        fail_msg("%s: %s", vector->id, what);
    }
}

static json_t *fields_of(const struct apf_message *message, const uint8_t *in)
{
    struct text text = { 0 };
    apf_fields_to_json(message, in, &text);
    json_t *fields = json_loads(text_chars(&text), 0, NULL);
    text_fini(&text);
    return fields;
}

/* APF-COM-001 APF-COM-003 APF-COM-004 APF-COM-005 APF-COM-006 APF-COM-007 APF-COM-009 APF-COM-011
 * APF-COM-012 APF-COM-013 APF-COM-014 APF-COM-015 APF-COM-016 APF-COM-019 APF-COM-022 APF-COM-023 */
static void every_vector_has_its_verdict_and_fields(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        struct apf_message message;
        uint32_t count = 0;
        enum apf_verdict verdict = apf_decode(v->bytes, v->len, &v->decoder, &message, &count);
        const char *expected = json_string_value(json_object_get(v->expect, "verdict"));
        const char *bare = strncmp(expected, "error:", 6) == 0 ? expected + 6 : expected;
        check(v, apf_verdict_name(verdict), strcmp(apf_verdict_name(verdict), bare) == 0);
        if (verdict == APF_OK) {
            json_t *fields = fields_of(&message, v->bytes);
            check(v, "fields", json_equal(fields, json_object_get(v->expect, "fields")) == 1);
            check(v, "consumed",
                  json_integer_value(json_object_get(v->expect, "consumed")) == count);
            json_decref(fields);
        } else if (verdict == APF_NEED_MORE) {
            check(v, "need", json_integer_value(json_object_get(v->expect, "need")) == count);
        }
    }
}

/* APF-COM-002 */
static void every_prefix_needs_more(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        uint32_t whole = (uint32_t)json_integer_value(json_object_get(v->expect, "consumed"));
        for (uint32_t len = 0; is_ok(v) && len < whole; len++) {
            uint8_t *exact = malloc(len == 0 ? 1 : len);
            struct apf_message message;
            uint32_t need = 0;
            memcpy(exact, v->bytes, len);
            check(v, "prefix",
                  apf_decode(exact, len, &v->decoder, &message, &need) == APF_NEED_MORE);
            check(v, "need", need > len && need <= whole);
            free(exact);
        }
    }
}

/* The verdict on the first len bytes, followed by extra bytes of filler in a block that ends there. */
static enum apf_verdict verdict_of(const struct vector *v, uint32_t len, uint32_t extra,
                                   uint8_t filler, uint32_t *count)
{
    uint8_t *exact = malloc(len + extra == 0 ? 1 : (size_t)len + extra);
    struct apf_message message;
    memcpy(exact, v->bytes, len);
    memset(exact + len, filler, extra);
    enum apf_verdict verdict = apf_decode(exact, len + extra, &v->decoder, &message, count);
    free(exact);
    return verdict;
}

/* APF-COM-003 */
static void bytes_behind_a_message_or_an_error_change_nothing(void **state)
{
    (void)state;
    static const uint8_t k_fillers[] = { 0x00, 0x5e, 0xff };
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        uint32_t count = 0;
        enum apf_verdict alone = verdict_of(v, v->len, 0, 0, &count);
        for (uint32_t k = 0; alone != APF_NEED_MORE && k < sizeof k_fillers; k++) {
            uint32_t same = 0;
            check(v, "verdict", verdict_of(v, v->len, 100, k_fillers[k], &same) == alone);
            check(v, "count", same == count);
        }
    }
}

/* APF-COM-004 and apf.md 2.1: as soon as its field is complete, and with the place of that field. */
static void an_error_is_seen_at_one_byte_and_stays(void **state)
{
    (void)state;
    uint32_t errors = 0;
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        uint32_t offset = 0;
        enum apf_verdict whole = verdict_of(v, v->len, 0, 0, &offset);
        bool is_error = whole != APF_OK && whole != APF_NEED_MORE;
        bool is_seen = false;
        errors += is_error ? 1 : 0;
        for (uint32_t len = 0; is_error && len <= v->len; len++) {
            uint32_t count = 0;
            enum apf_verdict verdict = verdict_of(v, len, 0, 0, &count);
            if (verdict == APF_NEED_MORE) {
                check(v, "need more after the error", !is_seen && count > len);
            } else {
                check(v, "another error", verdict == whole && count == offset);
                check(v, "field not complete", len > offset);
                is_seen = true;
            }
        }
    }
    assert_true(errors > 30); /* the file's section of errors was not missed */
}

/* What a stream of messages looks like to the session above the reassembly. */
struct seen {
    const struct vector *vector;
    uint32_t messages, errors;
    struct text fields;
};

static enum apf_input_answer on_type(void *ctx, uint8_t type)
{
    (void)ctx;
    (void)type;
    return APF_INPUT_GO_ON;
}

static bool on_message(void *ctx, const struct apf_message *message, const uint8_t *in)
{
    struct seen *seen = ctx;
    seen->messages += 1;
    apf_fields_to_json(message, in, &seen->fields);
    return true;
}

static void on_error(void *ctx, enum apf_verdict verdict, uint8_t type, uint32_t offset)
{
    (void)verdict;
    (void)type;
    (void)offset;
    ((struct seen *)ctx)->errors += 1;
}

static struct apf_context context_of(void *ctx)
{
    return ((const struct seen *)ctx)->vector->decoder;
}

static const struct apf_input_handler k_input = { on_type, on_message, on_error, context_of };

/* Feeds the vector's message twice in pieces of step bytes after a first piece of cut bytes. */
static void feed(struct seen *seen, const struct vector *v, uint32_t whole, uint32_t cut,
                 uint32_t step)
{
    struct apf_input input = { .max_bytes = APF_MESSAGE_MAX_BYTES };
    uint8_t *twice = malloc(2 * (size_t)whole);
    memcpy(twice, v->bytes, whole);
    memcpy(twice + whole, v->bytes, whole);
    uint32_t at = 0;
    while (at < 2 * whole) {
        uint32_t n = at == 0 && cut > 0 ? cut : step;
        n = n < 2 * whole - at ? n : 2 * whole - at;
        assert_int_equal(apf_input_feed(&input, &k_input, seen, twice + at, n), AMT_OK);
        at += n;
    }
    assert_null(input.pending.block); /* nothing is held between messages */
    free(twice);
}

/* APF-COM-020 */
static void every_cutting_of_a_stream_gives_the_same_messages(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        uint32_t whole = (uint32_t)json_integer_value(json_object_get(v->expect, "consumed"));
        struct seen once = { .vector = v };
        if (!is_ok(v)) {
            continue;
        }
        feed(&once, v, whole, 0, 2 * whole);
        check(v, "two messages", once.messages == 2 && once.errors == 0);
        for (uint32_t cut = 0; cut < 2 * whole; cut++) {
            /* in two at each byte; and for 0 byte by byte */
            struct seen pieces = { .vector = v };
            feed(&pieces, v, whole, cut, cut == 0 ? 1 : 2 * whole);
            check(v, "cut",
                  pieces.messages == 2 && pieces.errors == 0 &&
                      strcmp(text_chars(&pieces.fields), text_chars(&once.fields)) == 0);
            text_fini(&pieces.fields);
        }
        text_fini(&once.fields);
    }
}

/* APF-COM-008 APF-COM-010 APF-COM-017 APF-COM-018 */
static void what_was_decoded_encodes_to_the_same_bytes(void **state)
{
    (void)state;
    uint8_t source[4096];
    uint8_t out[4096];
    for (uint32_t i = 0; i < vectors.count; i++) {
        const struct vector *v = &vectors.items[i];
        if (!is_ok(v)) {
            continue;
        }
        struct apf_message message;
        struct apf_message again;
        struct amt_diag diag = { .err = AMT_OK };
        uint32_t whole = 0;
        uint32_t source_len = 0;
        assert_int_equal(apf_decode(v->bytes, v->len, &v->decoder, &message, &whole), APF_OK);
        uint32_t len = apf_encode(&message, v->bytes, true, out, sizeof out);
        bool is_canonical = message.type != APF_PROTOCOLVERSION || message.reserved_zero;
        check(v, "length", len == whole);
        check(v, "bytes", !is_canonical || memcmp(out, v->bytes, whole) == 0);
        /* and through the JSON fields */
        json_t *fields = fields_of(&message, v->bytes);
        enum amt_err err =
            apf_fields_from_json(fields, &again, source, sizeof source, &source_len, &diag);
        json_decref(fields);
        check(v, diag.text, err == AMT_OK);
        len = apf_encode(&again, source, true, out, sizeof out);
        check(v, "bytes from JSON",
              len == whole && (!is_canonical || memcmp(out, v->bytes, whole) == 0));
        /* exactly enough room is enough; one byte less writes nothing beyond it */
        uint8_t *exact = malloc(whole);
        check(v, "exact room", apf_encode(&message, v->bytes, true, exact, whole) == whole);
        check(v, "less room", apf_encode(&message, v->bytes, true, exact, whole - 1) == whole);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_has_its_verdict_and_fields),
        cmocka_unit_test(every_prefix_needs_more),
        cmocka_unit_test(bytes_behind_a_message_or_an_error_change_nothing),
        cmocka_unit_test(an_error_is_seen_at_one_byte_and_stays),
        cmocka_unit_test(every_cutting_of_a_stream_gives_the_same_messages),
        cmocka_unit_test(what_was_decoded_encodes_to_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
