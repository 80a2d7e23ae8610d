/* IPv4 with UDP and ARP: bytes that were computed elsewhere, and what is no such frame. */
#include <string.h>

#include "base/unit.h"
#include "protocol/dhcp/frame.h"

/* 192.168.0.1:53 to 192.168.0.199:1024, "hi!": the checksums were computed apart from this code. */
static const uint8_t k_udp[31] = { 0x45, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8,
                                   0xb5, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7, 0x00, 0x35,
                                   0x04, 0x00, 0x00, 0x0b, 0xf0, 0x20, 'h',  'i',  '!' };
static const uint8_t k_arp[FRAME_ARP_BYTES] = { 0,  1, 8, 0, 6, 4, 0, 2, 2, 0, 0,  0, 0, 1,
                                                10, 9, 0, 1, 2, 0, 0, 0, 0, 2, 10, 9, 0, 2 };

static void a_datagram_is_written_with_its_checksums(void **state)
{
    (void)state;
    const struct frame_udp head = {
        .from = 0xc0a80001, .to = 0xc0a800c7, .from_port = 53, .to_port = 1024
    };
    uint8_t out[sizeof k_udp];
    assert_int_equal(frame_udp_encode(&head, (const uint8_t *)"hi!", 3, out, sizeof out),
                     sizeof k_udp);
    assert_memory_equal(out, k_udp, sizeof k_udp);
    assert_int_equal(frame_udp_encode(&head, (const uint8_t *)"hi!", 3, out, 5), sizeof k_udp);
}

static void a_datagram_is_read_back(void **state)
{
    (void)state;
    struct frame_udp head;
    assert_int_equal(frame_udp_decode(k_udp, sizeof k_udp, &head), AMT_OK);
    assert_int_equal(head.from, 0xc0a80001);
    assert_int_equal(head.to, 0xc0a800c7);
    assert_int_equal(head.from_port, 53);
    assert_int_equal(head.to_port, 1024);
    assert_int_equal(head.payload.off, 28);
    assert_int_equal(head.payload.len, 3);
}

/* Ethernet pads short frames: what is behind the total length is not payload. */
static void padding_is_no_payload_and_options_are_passed_over(void **state)
{
    (void)state;
    uint8_t padded[46] = { 0 }, longer[35] = { 0 };
    struct frame_udp head;
    memcpy(padded, k_udp, sizeof k_udp);
    assert_int_equal(frame_udp_decode(padded, sizeof padded, &head), AMT_OK);
    assert_int_equal(head.payload.len, 3);
    memcpy(longer, k_udp, 20);
    memcpy(longer + 24, k_udp + 20, 11);
    longer[0] = 0x46;
    longer[3] = 35;
    assert_int_equal(frame_udp_decode(longer, sizeof longer, &head), AMT_OK);
    assert_int_equal(head.payload.off, 32);
}

static void a_length_that_lies_is_malformed(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        uint8_t value;
    } k_changes[] = { { 0, 0x44 }, { 0, 0x4f }, { 3, 32 }, { 3, 27 }, { 25, 12 }, { 25, 7 } };
    struct frame_udp head;
    for (size_t i = 0; i < sizeof k_changes / sizeof *k_changes; i++) {
        uint8_t in[sizeof k_udp];
        memcpy(in, k_udp, sizeof in);
        in[k_changes[i].at] = k_changes[i].value;
        assert_int_equal(frame_udp_decode(in, sizeof in, &head), AMT_EMALFORMED);
    }
    for (uint32_t len = 0; len < sizeof k_udp; len++) {
        assert_int_equal(frame_udp_decode(k_udp, len, &head), AMT_EMALFORMED);
    }
}

static void another_version_protocol_or_a_fragment_is_unknown(void **state)
{
    (void)state;
    static const struct {
        uint32_t at;
        uint8_t value;
    } k_changes[] = { { 0, 0x65 }, { 9, 6 }, { 6, 0x20 }, { 7, 1 } };
    struct frame_udp head;
    for (size_t i = 0; i < sizeof k_changes / sizeof *k_changes; i++) {
        uint8_t in[sizeof k_udp];
        memcpy(in, k_udp, sizeof in);
        in[k_changes[i].at] = k_changes[i].value;
        assert_int_equal(frame_udp_decode(in, sizeof in, &head), AMT_EUNKNOWN);
    }
}

static void arp_is_read_and_written(void **state)
{
    (void)state;
    struct frame_arp arp;
    uint8_t out[FRAME_ARP_BYTES], in[FRAME_ARP_BYTES];
    assert_int_equal(frame_arp_decode(k_arp, sizeof k_arp, &arp), AMT_OK);
    assert_true(arp.is_reply);
    assert_int_equal(arp.from, 0x0a090001);
    assert_int_equal(arp.to, 0x0a090002);
    assert_int_equal(arp.to_hardware[5], 2);
    frame_arp_encode(&arp, out);
    assert_memory_equal(out, k_arp, sizeof out);
    assert_int_equal(frame_arp_decode(k_arp, sizeof k_arp - 1, &arp), AMT_EMALFORMED);
    for (uint32_t at = 0; at < 8; at++) {
        memcpy(in, k_arp, sizeof in);
        in[at] = 0x7f;
        assert_int_equal(frame_arp_decode(in, sizeof in, &arp), AMT_EUNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_datagram_is_written_with_its_checksums),
        cmocka_unit_test(a_datagram_is_read_back),
        cmocka_unit_test(padding_is_no_payload_and_options_are_passed_over),
        cmocka_unit_test(a_length_that_lies_is_malformed),
        cmocka_unit_test(another_version_protocol_or_a_fragment_is_unknown),
        cmocka_unit_test(arp_is_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
