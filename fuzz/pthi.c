/*
 * Messages of the host interface. Byte 0: 0 a request, else a response to the command of that place in the
 * table, less one. The rest is the message. Oracles: a refused request has one of three statuses, and is
 * read to its header when it is to be answered; what decodes encodes to a message that decodes and
 * encodes to the same bytes; no byte is written behind the end; suffixes lie inside their list.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/mei/pthi.h"

#define ROOM (2 * PTHI_MESSAGE_MAX)

static uint8_t k_first[ROOM], k_second[ROOM];

static void check_suffixes(const uint8_t *in, const struct pthi_start *start)
{
    uint32_t end = start->suffixes.off + start->suffixes.len, last = start->suffixes.off;
    for (uint32_t at = 0; at < PTHI_SUFFIXES_BYTES; at++) {
        struct view name = pthi_suffix(in, start->suffixes, at);
        if (name.len == 0) {
            break;
        }
        FUZZ_REQUIRE(name.off >= last && name.off + name.len <= end);
        FUZZ_REQUIRE(memchr(in + name.off, 0, name.len) == NULL);
        last = name.off + name.len;
    }
}

static void check_request(const uint8_t *in, uint32_t len)
{
    static struct pthi_request request, again;
    uint32_t status = 0;
    enum amt_err err = pthi_decode_request(in, len, &request, &status);
    if (err != AMT_OK) {
        FUZZ_REQUIRE(
            (err == AMT_EMALFORMED && (status == PTHI_SUCCESS || status == PTHI_INVALID_LENGTH)) ||
            (err == AMT_EUNKNOWN && status == PTHI_UNSUPPORTED));
        FUZZ_REQUIRE(status == PTHI_SUCCESS || len >= PTHI_HEADER_BYTES);
        return;
    }
    check_suffixes(in, &request.start);
    uint32_t bytes = pthi_encode_request(&request, in, k_first, sizeof k_first);
    FUZZ_REQUIRE(bytes >= PTHI_HEADER_BYTES && bytes <= len);
    FUZZ_REQUIRE(pthi_decode_request(k_first, bytes, &again, &status) == AMT_OK);
    FUZZ_REQUIRE(pthi_encode_request(&again, k_first, k_second, sizeof k_second) == bytes);
    FUZZ_REQUIRE(memcmp(k_first, k_second, bytes) == 0);
}

static void check_response(const uint8_t *in, uint32_t len, uint32_t command)
{
    static struct pthi_response response, again;
    if (pthi_decode_response(in, len, command, &response) != AMT_OK) {
        return;
    }
    uint32_t bytes = pthi_encode_response(&response, in, k_first, sizeof k_first);
    FUZZ_REQUIRE(bytes >= 16 && bytes <= len);
    FUZZ_REQUIRE(response.status == PTHI_SUCCESS || bytes == 16);
    FUZZ_REQUIRE(pthi_decode_response(k_first, bytes, command, &again) == AMT_OK);
    FUZZ_REQUIRE(pthi_encode_response(&again, k_first, k_second, sizeof k_second) == bytes);
    FUZZ_REQUIRE(memcmp(k_first, k_second, bytes) == 0);
    uint8_t *small = amt_alloc(bytes - 1); /* exact: one byte past the end is a fault */
    FUZZ_REQUIRE(small != NULL && pthi_encode_response(&again, k_first, small, bytes - 1) == bytes);
    amt_free(small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > PTHI_MESSAGE_MAX) {
        return 0;
    }
    uint8_t *in = amt_memdup(data + 1, size - 1); /* of exactly this size */
    FUZZ_REQUIRE(in != NULL);
    if (data[0] == 0) {
        check_request(in, (uint32_t)size - 1);
    } else if (data[0] <= k_pthi_command_count) {
        check_response(in, (uint32_t)size - 1, k_pthi_commands[data[0] - 1].command);
    }
    amt_free(in);
    return 0;
}
