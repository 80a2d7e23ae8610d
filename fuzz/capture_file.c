/*
 * Capture files: the input is a file. Oracles: a block never ends behind the input, and views lie in it;
 * the same file in any shorter piece asks for more or fails the same way; a segment that is decoded and
 * encoded again decodes to the same; a packet that is written reads back.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "runtime/frame.h"
#include "runtime/pcapng.h"

static void check_view(const struct view *view, uint32_t len)
{
    FUZZ_REQUIRE(view->off <= len && view->len <= len - view->off);
}

static void check_written(const uint8_t *packet, uint32_t len, uint64_t time_us)
{
    struct bytes file = { 0 };
    struct pcapng_reader reader = { 0 };
    struct pcapng_block block;
    uint32_t used = 0;
    FUZZ_REQUIRE(pcapng_write_section(&file, "fuzz", NULL) == AMT_OK);
    FUZZ_REQUIRE(pcapng_write_interface(&file, PCAPNG_LINK_RAW, NULL) == AMT_OK);
    FUZZ_REQUIRE(pcapng_write_packet(&file, 0, time_us, packet, len, "note") == AMT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        FUZZ_REQUIRE(pcapng_read(&reader, bytes_front(&file), file.len, &block, &used) == AMT_OK);
        if (i < 2) {
            bytes_consume(&file, used);
        }
    }
    FUZZ_REQUIRE(block.kind == PCAPNG_PACKET && block.data.len == len && used == file.len);
    FUZZ_REQUIRE(block.time_us == time_us);
    FUZZ_REQUIRE(len == 0 || memcmp(bytes_front(&file) + block.data.off, packet, len) == 0);
    bytes_fini(&file);
}

static void check_frame(uint32_t link_type, const uint8_t *packet, uint32_t len)
{
    struct frame frame;
    struct frame again;
    uint32_t missing = 0;
    if (frame_decode(link_type, packet, len, &frame, &missing) != AMT_OK) {
        return;
    }
    check_view(&frame.payload, len);
    FUZZ_REQUIRE(missing == 0 || frame.payload.off + frame.payload.len == len);
    if (frame.payload.len > FRAME_PAYLOAD_MAX_BYTES) {
        return;
    }
    uint8_t *out = amt_alloc(FRAME_HEADER_MAX_BYTES + frame.payload.len);
    FUZZ_REQUIRE(out != NULL);
    uint32_t bytes = frame_encode(&frame, packet + frame.payload.off, frame.payload.len, out);
    FUZZ_REQUIRE(bytes <= FRAME_HEADER_MAX_BYTES + frame.payload.len);
    FUZZ_REQUIRE(frame_decode(PCAPNG_LINK_RAW, out, bytes, &again, &missing) == AMT_OK);
    FUZZ_REQUIRE(missing == 0 && again.payload.len == frame.payload.len);
    FUZZ_REQUIRE(frame_end_equal(&again.from, &frame.from) &&
                 frame_end_equal(&again.to, &frame.to));
    FUZZ_REQUIRE(again.sequence == frame.sequence && again.flags == frame.flags);
    amt_free(out);
}

static void check_names(const struct pcapng_reader *reader, const struct pcapng_block *block,
                        const uint8_t *in, uint32_t len)
{
    struct pcapng_name name;
    for (uint32_t at = 0; pcapng_name_next(reader, block, in, &at, &name);) {
        check_view(&name.name, len);
        FUZZ_REQUIRE(name.address >= in && name.address + name.address_bytes <= in + len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pcapng_reader reader = { 0 };
    struct pcapng_block block;
    if (size > 65536) {
        return 0;
    }
    for (uint32_t at = 0; at < size;) {
        uint32_t len = (uint32_t)size - at;
        struct pcapng_reader copy = reader;
        uint32_t used = 0;
        enum amt_err err = pcapng_read(&reader, data + at, len, &block, &used);
        if (err == AMT_NEED_MORE) {
            FUZZ_REQUIRE(used > len);
            return 0;
        }
        if (err != AMT_OK) {
            FUZZ_REQUIRE((err == AMT_EMALFORMED || err == AMT_ETOOBIG) && reader.why != NULL);
            return 0;
        }
        FUZZ_REQUIRE(used >= 12 && used <= len);
        check_view(&block.data, used);
        check_view(&block.comment, used);
        check_view(&block.name, used);
        struct pcapng_block shorter;
        uint32_t wanted = 0;
        FUZZ_REQUIRE(pcapng_read(&copy, data + at, used - 1, &shorter, &wanted) == AMT_NEED_MORE);
        FUZZ_REQUIRE(wanted == used);
        if (block.kind == PCAPNG_PACKET) {
            check_frame(block.link_type, data + at + block.data.off, block.data.len);
            check_written(data + at + block.data.off, block.data.len, block.time_us);
        } else if (block.kind == PCAPNG_NAMES) {
            check_names(&reader, &block, data + at, used);
        }
        at += used;
    }
    return 0;
}
