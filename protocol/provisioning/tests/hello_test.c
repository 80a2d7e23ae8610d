/* Hello packets of remote configuration, both directions (activation.md 11.1). */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/provisioning/hello.h"

#define FOLDER AMTLAB_SOURCE_DIR "/protocol/provisioning/tests/data/"

static uint32_t load(const char *name, uint8_t out[static HELLO_PACKET_MAX_BYTES])
{
    char path[512];
    (void)snprintf(path, sizeof path, FOLDER "%s.bin", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, HELLO_PACKET_MAX_BYTES, file);
    (void)fclose(file);
    assert_true(len > 0);
    return (uint32_t)len;
}

static const struct {
    const char *name;
    uint16_t version;
    uint32_t hashes, retries;
} k_good[] = {
    { "hello-v3-sha256", 3, 1, 0 }, { "hello-v3-mixed", 3, 3, 2 }, { "hello-v3-nohash", 3, 0, 0 },
    { "hello-v3-23", 3, 23, 0 },    { "hello-v2-psk", 2, 0, 0 },
};

static void good_packets_are_read_and_written_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_good / sizeof *k_good; i++) {
        static uint8_t in[HELLO_PACKET_MAX_BYTES], out[HELLO_PACKET_MAX_BYTES];
        static struct hello_packet hello;
        struct hello_problem problem;
        char uuid[UUID_TEXT_BYTES];
        uint32_t len = load(k_good[i].name, in);
        assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_OK);
        assert_int_equal(hello.bytes, len);
        assert_int_equal(hello.version, k_good[i].version); /* ACT-DEV-045 */
        assert_int_equal(hello.hash_count, k_good[i].hashes);
        assert_int_equal(hello.retries, k_good[i].retries);
        assert_int_equal(hello.has_credentials, k_good[i].version == 3);
        uuid_format(&hello.uuid, uuid);
        assert_string_equal(uuid, "12345678-9abc-def0-1234-56789abcdef0");
        assert_int_equal(hello_encode(&hello, in, len, out, sizeof out), len);
        assert_memory_equal(out, in, len);
    }
}

static void each_type_of_hash_has_its_length(void **state)
{
    (void)state;
    static const uint32_t k_bytes[] = { 20, 32, 48 };
    static uint8_t in[HELLO_PACKET_MAX_BYTES];
    static struct hello_packet hello;
    struct hello_problem problem;
    uint32_t len = load("hello-v3-mixed", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(hello.hashes[i].type, i + 1);
        assert_int_equal(hello.hashes[i].bytes.len, k_bytes[i]);
    }
    assert_int_equal(in[hello.hashes[1].bytes.off], 0x6d);
}

static void the_identifier_of_a_psk_packet_is_read(void **state)
{
    (void)state;
    static uint8_t in[HELLO_PACKET_MAX_BYTES];
    static struct hello_packet hello;
    struct hello_problem problem;
    uint32_t len = load("hello-v2-psk", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_OK);
    assert_memory_equal(hello.pid, "4444AAAA", 8);
}

static void bytes_behind_a_packet_are_ignored(void **state)
{
    (void)state;
    static uint8_t in[HELLO_PACKET_MAX_BYTES];
    static struct hello_packet hello;
    struct hello_problem problem;
    uint32_t len = load("trailing-bytes", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_OK);
    assert_int_equal(hello.bytes, len - 2);
    assert_int_equal(hello.hash_count, 1);
}

static void bad_packets_are_refused_with_their_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        uint32_t offset;
    } k_bad[] = {
        { "bad-flag2", "flag", 0 },
        { "bad-size", "length of a hash", 26 },
        { "bad-type0", "type of a hash", 25 },
    };
    for (size_t i = 0; i < sizeof k_bad / sizeof *k_bad; i++) {
        static uint8_t in[HELLO_PACKET_MAX_BYTES];
        static struct hello_packet hello;
        struct hello_problem problem;
        uint32_t len = load(k_bad[i].name, in);
        assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_EMALFORMED);
        assert_int_equal(problem.offset, k_bad[i].offset);
        assert_non_null(strstr(problem.text, k_bad[i].text));
    }
}

static void another_version_is_refused(void **state)
{
    (void)state;
    static const uint16_t k_versions[] = { 0, 1, 4, 0x300, 0x102 };
    for (size_t i = 0; i < sizeof k_versions / sizeof *k_versions; i++) {
        static uint8_t in[HELLO_PACKET_MAX_BYTES];
        static struct hello_packet hello;
        struct hello_problem problem;
        uint32_t len = load("hello-v3-sha256", in);
        in[2] = (uint8_t)(k_versions[i] & 0xff);
        in[3] = (uint8_t)(k_versions[i] >> 8);
        assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_EMALFORMED);
        assert_int_equal(problem.offset, 2);
    }
}

/* Also the two cut ones of data/, which some servers take for whole. */
static void every_cut_of_a_packet_needs_more(void **state)
{
    (void)state;
    static uint8_t in[HELLO_PACKET_MAX_BYTES];
    static struct hello_packet hello;
    struct hello_problem problem;
    uint32_t len = load("hello-v3-mixed", in);
    for (uint32_t cut = 0; cut < len; cut++) {
        assert_int_equal(hello_decode(in, cut, &hello, &problem), AMT_NEED_MORE);
        assert_true(problem.need > cut && problem.need <= len);
    }
    len = load("bad-truncated", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_NEED_MORE);
    assert_int_equal(problem.need, len + 1);
    len = load("bad-short24", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_NEED_MORE);
    assert_int_equal(problem.need, 25);
}

static void hashes_that_are_none_are_not_written(void **state)
{
    (void)state;
    static struct hello_packet hello;
    struct hello_problem problem;
    uint8_t from[40] = { 1, 2, 3 }, out[128];
    hello = (struct hello_packet){ .version = HELLO_PKI, .hash_count = 4 };
    hello.hashes[0] = (struct hello_hash){ .type = HELLO_SHA256, .bytes = { .off = 9, .len = 32 } };
    hello.hashes[1] = (struct hello_hash){ .type = HELLO_SHA256, .bytes = { .off = 8, .len = 32 } };
    hello.hashes[2] = (struct hello_hash){ .type = 4, .bytes = { .off = 0, .len = 32 } };
    hello.hashes[3] = (struct hello_hash){ .type = HELLO_SHA1, .bytes = { .off = 0, .len = 32 } };
    uint32_t len = hello_encode(&hello, from, sizeof from, out, sizeof out);
    assert_int_equal(len, 25 + 34);
    assert_int_equal(hello_decode(out, len, &hello, &problem), AMT_OK);
    assert_int_equal(hello.hash_count, 1);
}

static void a_small_buffer_is_not_overrun_and_the_need_is_told(void **state)
{
    (void)state;
    static uint8_t in[HELLO_PACKET_MAX_BYTES];
    static struct hello_packet hello;
    struct hello_problem problem;
    uint8_t out[32];
    uint32_t len = load("hello-v3-23", in);
    assert_int_equal(hello_decode(in, len, &hello, &problem), AMT_OK);
    memset(out, 0xee, sizeof out);
    assert_int_equal(hello_encode(&hello, in, len, out, 31), len);
    assert_int_equal(out[31], 0xee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_packets_are_read_and_written_byte_for_byte),
        cmocka_unit_test(each_type_of_hash_has_its_length),
        cmocka_unit_test(the_identifier_of_a_psk_packet_is_read),
        cmocka_unit_test(bytes_behind_a_packet_are_ignored),
        cmocka_unit_test(bad_packets_are_refused_with_their_reason),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(every_cut_of_a_packet_needs_more),
        cmocka_unit_test(hashes_that_are_none_are_not_written),
        cmocka_unit_test(a_small_buffer_is_not_overrun_and_the_need_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
