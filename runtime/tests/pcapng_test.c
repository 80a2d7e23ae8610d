/* Capture files: what is written reads the same; both byte orders; lengths that lie. */
#include <string.h>

#include "base/unit.h"
#include "runtime/frame.h"
#include "runtime/pcapng.h"

static const uint8_t k_packet[] = { 0xde, 0xad, 0xbe, 0xef, 0x01 };

static struct pcapng_block next(struct pcapng_reader *reader, struct bytes *file)
{
    struct pcapng_block block;
    uint32_t used = 0;
    /* every shorter input asks for more, and for no more than there is */
    for (uint32_t len = 0; len < file->len; len++) {
        struct pcapng_reader copy = *reader;
        enum amt_err err = pcapng_read(&copy, bytes_front(file), len, &block, &used);
        if (err == AMT_OK) {
            break;
        }
        assert_int_equal(err, AMT_NEED_MORE);
        assert_true(used > len && used <= file->len);
    }
    assert_int_equal(pcapng_read(reader, bytes_front(file), file->len, &block, &used), AMT_OK);
    return block;
}

static void assert_view(const struct bytes *file, const struct view *view, const void *expected,
                        uint32_t len)
{
    assert_int_equal(view->len, len);
    assert_memory_equal(bytes_front(file) + view->off, expected, len);
}

static void drop_first(struct bytes *file)
{
    const uint8_t *p = bytes_front(file);
    bytes_consume(file, (uint32_t)(p[4] | p[5] << 8));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct bytes file = { 0 };
    struct pcapng_reader reader = { 0 };
    struct pcapng_name name;
    const uint8_t address[] = { 192, 0, 2, 7 };
    uint32_t at = 0;
    assert_int_equal(pcapng_write_section(&file, "amtlab", "a note"), AMT_OK);
    assert_int_equal(pcapng_write_interface(&file, PCAPNG_LINK_RAW, "cira"), AMT_OK);
    assert_int_equal(pcapng_write_name(&file, address, 4, "pc-1"), AMT_OK);
    assert_int_equal(pcapng_write_secrets(&file, PCAPNG_SECRETS_TLS, k_packet, 3), AMT_OK);
    assert_int_equal(pcapng_write_packet(&file, 0, 1700000000123456u, k_packet, 5, "cut here"),
                     AMT_OK);
    struct pcapng_block block = next(&reader, &file);
    assert_int_equal(block.kind, PCAPNG_SECTION);
    assert_view(&file, &block.name, "amtlab", 6);
    assert_view(&file, &block.comment, "a note", 6);
    drop_first(&file);
    block = next(&reader, &file);
    assert_int_equal(block.kind, PCAPNG_INTERFACE);
    assert_int_equal(block.link_type, PCAPNG_LINK_RAW);
    assert_view(&file, &block.name, "cira", 4);
    drop_first(&file);
    block = next(&reader, &file);
    assert_int_equal(block.kind, PCAPNG_NAMES);
    assert_true(pcapng_name_next(&reader, &block, bytes_front(&file), &at, &name));
    assert_int_equal(name.address_bytes, 4);
    assert_memory_equal(name.address, address, 4);
    assert_view(&file, &name.name, "pc-1", 4);
    assert_false(pcapng_name_next(&reader, &block, bytes_front(&file), &at, &name));
    drop_first(&file);
    block = next(&reader, &file);
    assert_int_equal(block.kind, PCAPNG_SECRETS);
    assert_int_equal(block.secrets_type, PCAPNG_SECRETS_TLS);
    assert_view(&file, &block.data, k_packet, 3);
    drop_first(&file);
    block = next(&reader, &file);
    assert_int_equal(block.kind, PCAPNG_PACKET);
    assert_int_equal(block.time_us, 1700000000123456u);
    assert_int_equal(block.original_bytes, 5);
    assert_view(&file, &block.data, k_packet, 5);
    assert_view(&file, &block.comment, "cut here", 8);
    bytes_fini(&file);
}

/* Section, an interface in nanoseconds that starts 10 s late, a packet: as a big-endian host writes. */
static const uint8_t k_big[] = {
    0x0a, 0x0d, 0x0d, 0x0a, 0,    0,    0, 28, 0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,  0,    28, /* interface */
    0,    0,    0,    1,    0,    0,    0, 44, 0,    1,    0,    0,    0, 0, 0, 0, 0,    9,
    0,    1,    9,    0,    0,    0,    0, 14, 0,    8,    0,    0,    0, 0, 0, 0, 0,    10,
    0,    0,    0,    0,    0,    0,    0, 44, /* packet: 2^32 ns */
    0,    0,    0,    6,    0,    0,    0, 36, 0,    0,    0,    0,    0, 0, 0, 1, 0,    0,
    0,    0,    0,    0,    0,    2,    0, 0,  0,    3,    0xca, 0xfe, 0, 0, 0, 0, 0,    36
};

static void both_byte_orders_are_read(void **state)
{
    (void)state;
    struct pcapng_reader reader = { 0 };
    struct pcapng_block block;
    uint32_t used = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(pcapng_read(&reader, k_big + at, sizeof k_big - at, &block, &used),
                         AMT_OK);
        at += used;
    }
    assert_int_equal(at, sizeof k_big);
    assert_int_equal(block.kind, PCAPNG_PACKET);
    assert_int_equal(block.link_type, PCAPNG_LINK_ETHERNET);
    assert_int_equal(block.time_us, 10000000u + 4294967u);
    assert_int_equal(block.data.len, 2);
    assert_int_equal(block.original_bytes, 3);
}

static void the_format_of_tcpdump_is_read(void **state)
{
    (void)state;
    static const uint8_t k_old[] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0,   0, 0,   0,
                                     0,    0,    0,    0,    4, 0, 1, 0, 0, 0, 100, 0, 0,   0,
                                     7,    0,    0,    0,    1, 0, 0, 0, 9, 0, 0,   0, 0xaa };
    struct pcapng_reader reader = { 0 };
    struct pcapng_block block;
    uint32_t used = 0;
    assert_int_equal(pcapng_read(&reader, k_old, sizeof k_old, &block, &used), AMT_OK);
    assert_int_equal(used, 24);
    assert_int_equal(pcapng_read(&reader, k_old + 24, 16, &block, &used), AMT_NEED_MORE);
    assert_int_equal(used, 17);
    assert_int_equal(pcapng_read(&reader, k_old + 24, 17, &block, &used), AMT_OK);
    assert_int_equal(block.time_us, 100000007u);
    assert_int_equal(block.data.len, 1);
    assert_int_equal(block.original_bytes, 9);
}

static enum amt_err read_changed(uint32_t block_at, uint32_t at, uint8_t value)
{
    uint8_t file[sizeof k_big];
    struct pcapng_reader reader = { 0 };
    struct pcapng_block block;
    uint32_t used = 0;
    memcpy(file, k_big, sizeof file);
    file[at] = value;
    enum amt_err err = AMT_OK;
    for (uint32_t pos = 0; pos <= block_at && err == AMT_OK; pos += used) {
        err = pcapng_read(&reader, file + pos, sizeof file - pos, &block, &used);
    }
    assert_true(err == AMT_OK || err == AMT_NEED_MORE || reader.why != NULL);
    return err;
}

static void lengths_that_lie_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_changed(0, 0, 0x0b), AMT_EMALFORMED);   /* not a capture file */
    assert_int_equal(read_changed(0, 8, 0), AMT_EMALFORMED);      /* byte order */
    assert_int_equal(read_changed(0, 13, 2), AMT_EMALFORMED);     /* version 2 */
    assert_int_equal(read_changed(0, 7, 8), AMT_EMALFORMED);      /* below its own frame */
    assert_int_equal(read_changed(0, 7, 30), AMT_EMALFORMED);     /* not a multiple of 4 */
    assert_int_equal(read_changed(0, 4, 0x7f), AMT_ETOOBIG);      /* 2 GiB */
    assert_int_equal(read_changed(0, 27, 32), AMT_EMALFORMED);    /* the lengths differ */
    assert_int_equal(read_changed(72, 83, 1), AMT_EMALFORMED);    /* interface 1 */
    assert_int_equal(read_changed(72, 95, 5), AMT_EMALFORMED);    /* packet longer than the block */
    assert_int_equal(read_changed(72, 92, 0xff), AMT_EMALFORMED); /* by very much */
    assert_int_equal(read_changed(28, 45, 99), AMT_OK);           /* an option too long: left out */
}

static void a_segment_reads_as_it_was_written(void **state)
{
    (void)state;
    static const char *const k_ends[][2] = { { "192.0.2.7:51324", "198.51.100.1:4433" },
                                             { "[2001:db8::7]:51324", "[::1]:4433" } };
    uint8_t out[FRAME_HEADER_MAX_BYTES + sizeof k_packet];
    for (uint32_t i = 0; i < 2; i++) {
        struct frame frame = { .sequence = 0xfffffff0u, .acknowledged = 7, .flags = FRAME_ACK };
        struct frame read;
        uint32_t missing = 0;
        assert_int_equal(frame_end_parse(k_ends[i][0], &frame.from), AMT_OK);
        assert_int_equal(frame_end_parse(k_ends[i][1], &frame.to), AMT_OK);
        uint32_t len = frame_encode(&frame, k_packet, sizeof k_packet, out);
        assert_int_equal(len, (i == 0 ? 40 : 60) + sizeof k_packet);
        assert_int_equal(frame_decode(PCAPNG_LINK_RAW, out, len, &read, &missing), AMT_OK);
        assert_true(frame_end_equal(&read.from, &frame.from) &&
                    frame_end_equal(&read.to, &frame.to));
        assert_false(frame_end_equal(&read.from, &read.to));
        assert_int_equal(read.sequence, 0xfffffff0u);
        assert_int_equal(read.acknowledged, 7);
        assert_int_equal(read.flags, FRAME_ACK);
        assert_int_equal(read.payload.len, sizeof k_packet);
        assert_memory_equal(out + read.payload.off, k_packet, sizeof k_packet);
        for (uint32_t cut = 0; cut < len; cut++) {
            enum amt_err err = frame_decode(PCAPNG_LINK_RAW, out, cut, &read, &missing);
            bool has_headers = cut >= len - sizeof k_packet;
            assert_int_equal(err, has_headers ? AMT_OK : AMT_EMALFORMED);
            assert_true(!has_headers || missing == len - cut);
        }
    }
}

static void headers_of_links_are_skipped(void **state)
{
    (void)state;
    static const struct {
        uint32_t link, header, type_at;
    } k_links[] = { { PCAPNG_LINK_ETHERNET, 14, 12 },
                    { PCAPNG_LINK_LINUX_SLL, 16, 14 },
                    { PCAPNG_LINK_LINUX_SLL2, 20, 0 },
                    { PCAPNG_LINK_NULL, 4, 2 },
                    { PCAPNG_LINK_LOOP, 4, 2 } };
    struct frame frame = { .flags = FRAME_SYN };
    assert_int_equal(frame_end_parse("10.0.0.1:1", &frame.from), AMT_OK);
    assert_int_equal(frame_end_parse("10.0.0.2:2", &frame.to), AMT_OK);
    for (uint32_t i = 0; i < sizeof k_links / sizeof k_links[0]; i++) {
        uint8_t packet[20 + FRAME_HEADER_MAX_BYTES] = { 0 };
        struct frame read;
        uint32_t missing = 0;
        packet[k_links[i].type_at] = 0x08;
        uint32_t len = frame_encode(&frame, k_packet, 0, packet + k_links[i].header);
        assert_int_equal(
            frame_decode(k_links[i].link, packet, k_links[i].header + len, &read, &missing),
            AMT_OK);
        assert_int_equal(read.from.port, 1);
        assert_int_equal(read.payload.len, 0);
    }
}

static void what_is_no_segment_is_unknown(void **state)
{
    (void)state;
    uint8_t packet[FRAME_HEADER_MAX_BYTES];
    struct frame frame = { .flags = FRAME_SYN };
    struct frame read;
    uint32_t missing = 0;
    uint32_t len = frame_encode(&frame, k_packet, 0, packet);
    assert_int_equal(frame_decode(12345, packet, len, &read, &missing), AMT_EUNKNOWN);
    packet[7] = 1; /* a later fragment */
    assert_int_equal(frame_decode(PCAPNG_LINK_RAW, packet, len, &read, &missing), AMT_EUNKNOWN);
    packet[7] = 0;
    packet[9] = 17; /* UDP */
    assert_int_equal(frame_decode(PCAPNG_LINK_RAW, packet, len, &read, &missing), AMT_EUNKNOWN);
    packet[9] = 6;
    packet[0] = 0x44; /* a header of 16 bytes */
    assert_int_equal(frame_decode(PCAPNG_LINK_RAW, packet, len, &read, &missing), AMT_EMALFORMED);
    packet[0] = 0x15;
    assert_int_equal(frame_decode(PCAPNG_LINK_RAW, packet, len, &read, &missing), AMT_EUNKNOWN);
    assert_int_equal(frame_end_parse("pc.example:1", &read.from), AMT_EMALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(both_byte_orders_are_read),
        cmocka_unit_test(the_format_of_tcpdump_is_read),
        cmocka_unit_test(lengths_that_lie_are_refused),
        cmocka_unit_test(a_segment_reads_as_it_was_written),
        cmocka_unit_test(headers_of_links_are_skipped),
        cmocka_unit_test(what_is_no_segment_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
