/*
 * Recordings and what is done with them: the first byte chooses, the rest is the input. 0: the text of an
 * .amtrec file. Oracles: an error has words and a line; what was read, written and read again is the same;
 * both drafts are written. 1: a stream of HTTP. Oracles: a message is not longer than its input; said again
 * unchanged it ends at its own end and means the same.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "scenarios/replay/draft.h"
#include "scenarios/replay/http_text.h"

static void check_draft(const struct recording *recording, bool plays_device)
{
    const struct draft_settings settings = { .name = "fuzz",
                                             .recording = "fuzz.amtrec",
                                             .plays_device = plays_device };
    struct text draft = { 0 };
    draft_write(recording, &settings, &draft);
    FUZZ_REQUIRE(!draft.failed && strstr(text_chars(&draft), "replay.run") != NULL);
    text_fini(&draft);
}

static void check_recording(const char *chars, size_t len)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct recording *recording = recording_parse(chars, len, "fuzz", &diag);
    if (recording == NULL) {
        FUZZ_REQUIRE(diag.text[0] != '\0' && diag.line > 0);
        return;
    }
    struct text first = { 0 };
    struct text second = { 0 };
    recording_write(recording, &first);
    check_draft(recording, true);
    check_draft(recording, false);
    recording_free(recording);
    recording = recording_parse(text_chars(&first), first.len, "fuzz", &diag);
    FUZZ_REQUIRE(recording != NULL);
    recording_write(recording, &second);
    FUZZ_REQUIRE(first.len == second.len);
    FUZZ_REQUIRE(memcmp(text_chars(&first), text_chars(&second), first.len) == 0);
    recording_free(recording);
    text_fini(&first);
    text_fini(&second);
}

static bool never(void *ctx, const char *element)
{
    (void)ctx;
    return element[0] == '\0';
}

static void check_message(const uint8_t *in, uint32_t len)
{
    const struct http_text_change change = { .from_id = "", .to_id = "" };
    struct text again = { 0 };
    struct text was = { 0 };
    struct text is = { 0 };
    http_text_adapt(in, len, &change, &again);
    const uint8_t *bytes = (const uint8_t *)text_chars(&again);
    uint32_t bytes_len = (uint32_t)again.len;
    FUZZ_REQUIRE(http_text_bytes(bytes, bytes_len) == bytes_len);
    http_text_semantic(in, len, never, NULL, &was);
    http_text_semantic(bytes, bytes_len, never, NULL, &is);
    FUZZ_REQUIRE(was.len == is.len && memcmp(text_chars(&was), text_chars(&is), was.len) == 0);
    text_fini(&again);
    text_fini(&was);
    text_fini(&is);
}

static void check_http(const uint8_t *in, uint32_t len)
{
    while (len > 0) {
        uint32_t message = http_text_bytes(in, len);
        if (message == 0 || message == HTTP_TEXT_NONE) {
            return;
        }
        FUZZ_REQUIRE(message <= len);
        check_message(in, message);
        in += message;
        len -= message;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536) {
        return 0;
    }
    uint8_t *copy = amt_memdup(data + 1, size - 1); /* exact: one byte past the end is a fault */
    FUZZ_REQUIRE(copy != NULL);
    if (data[0] % 2 == 0) {
        check_recording((const char *)copy, size - 1);
    } else {
        check_http(copy, (uint32_t)size - 1);
    }
    amt_free(copy);
    return 0;
}
