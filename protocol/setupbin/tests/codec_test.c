/* setup.bin, byte for byte both ways, and each way in which a file can be damaged (ACT-DEV-048). */
#include <string.h>

#include "base/unit.h"
#include "protocol/setupbin/tests/setupbin_files.h"

#define RECORDS_MAX 4u

static const char *const k_files[] = { "v1-psk.bin",
                                       "v2-sha1.bin",
                                       "v3-types.bin",
                                       "v3-scrambled.bin",
                                       "v4-tworecords.bin",
                                       "meshcentral-standard.bin",
                                       "meshcentral-baremetal.bin" };
#define FILES (sizeof k_files / sizeof *k_files)

static bool holds(const struct setupbin_record *record, uint16_t module, uint16_t id,
                  const void *bytes, uint32_t len)
{
    const struct setupbin_variable *variable = setupbin_find(record, module, id);
    return variable != NULL && variable->value.len == len &&
           memcmp(record->body + variable->value.off, bytes, len) == 0;
}

static bool holds_text(const struct setupbin_record *record, uint16_t module, uint16_t id,
                       const char *text)
{
    return holds(record, module, id, text, (uint32_t)strlen(text));
}

static void every_file_is_written_as_it_was_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        uint8_t in[SETUPBIN_FILE_MAX], out[SETUPBIN_FILE_MAX];
        static struct setupbin_record records[RECORDS_MAX];
        struct setupbin_header header;
        struct setupbin_fault fault;
        uint32_t len = setupbin_read_file(k_files[i], in);
        assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
        assert_true(header.record_count <= RECORDS_MAX);
        for (uint32_t r = 0; r < header.record_count; r++) {
            assert_int_equal(setupbin_decode_record(in, len, &header, r, &records[r], &fault),
                             AMT_OK);
        }
        assert_int_equal(setupbin_encode(&header, records, out, sizeof out), len);
        assert_memory_equal(out, in, len);
    }
}

/* The file is made as a user would: variables in any order, then sorted. */
static void a_file_made_from_its_variables_equals_the_one_of_another_encoder(void **state)
{
    (void)state;
    static const uint8_t k_address[] = { 10, 2, 0, 192 };
    uint8_t in[SETUPBIN_FILE_MAX], out[SETUPBIN_FILE_MAX];
    struct setupbin_header header = { .major = 3, .flags = SETUPBIN_KEEP_RECORDS };
    struct setupbin_record record;
    setupbin_record_init(&record, false);
    assert_int_equal(setupbin_add_number(&record, SETUPBIN_AMT, SETUPBIN_SERVICE_TYPE, 2), AMT_OK);
    assert_int_equal(setupbin_add_number(&record, SETUPBIN_AMT, SETUPBIN_SERVER_PORT, 9971),
                     AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, "N3wP@ss!", 8),
                     AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, "admin", 5),
                     AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, "example.com", 11),
                     AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_AMT, SETUPBIN_SERVER_ADDRESS, k_address, 4),
                     AMT_OK);
    assert_int_equal(setupbin_add_number(&record, SETUPBIN_AMT, SETUPBIN_DHCP, 2), AMT_OK);
    assert_int_equal(setupbin_add_number(&record, SETUPBIN_AMT, SETUPBIN_CONSENT, 255), AMT_OK);
    assert_int_equal(setupbin_add(&record, SETUPBIN_AMT, SETUPBIN_HOST_NAME, "abc", 3), AMT_OK);
    assert_int_equal(setupbin_note_modules(&header, &record), AMT_OK);
    setupbin_sort(&record);
    header.record_count = 1;
    uint32_t len = setupbin_read_file("v3-types.bin", in);
    assert_int_equal(setupbin_encode(&header, &record, out, sizeof out), len);
    assert_memory_equal(out, in, len);
}

static void the_variables_of_the_bare_metal_file_are_found(void **state)
{
    (void)state;
    struct setupbin_header header;
    struct setupbin_record record;
    struct setupbin_hash hash;
    setupbin_open_file("meshcentral-baremetal.bin", 0, &header, &record);
    assert_int_equal(header.major, 3);
    assert_int_equal(header.flags, SETUPBIN_KEEP_RECORDS);
    assert_int_equal(record.count, 8);
    assert_true(holds_text(&record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, "admin"));
    assert_true(holds_text(&record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, "N3wP@ss!"));
    assert_true(holds_text(&record, SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, "example.com"));
    assert_int_equal(
        setupbin_number(&record, setupbin_find(&record, SETUPBIN_AMT, SETUPBIN_SERVER_PORT)), 9971);
    assert_int_equal(
        setupbin_read_hash(&record, setupbin_find(&record, SETUPBIN_AMT, SETUPBIN_ADD_HASH), &hash),
        AMT_OK);
    assert_int_equal(hash.algorithm, 2);
    assert_int_equal(hash.digest.len, 32);
    assert_int_equal(record.body[hash.digest.off], 0x6d);
    assert_int_equal(hash.name.len, 11);
    assert_memory_equal(record.body + hash.name.off, "MeshCentral", 11);
}

static void a_scrambled_record_reads_as_a_plain_one(void **state)
{
    (void)state;
    struct setupbin_header header;
    struct setupbin_record record;
    setupbin_open_file("v3-scrambled.bin", 0, &header, &record);
    assert_int_equal(record.flags, SETUPBIN_VALID | SETUPBIN_SCRAMBLED);
    assert_int_equal(record.count, 3);
    assert_true(holds_text(&record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, "admin"));
    assert_true(holds_text(&record, SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, "example.com"));
}

static void a_second_record_is_read(void **state)
{
    (void)state;
    struct setupbin_header header;
    struct setupbin_record record;
    struct setupbin_hash hash;
    setupbin_open_file("v4-tworecords.bin", 1, &header, &record);
    assert_int_equal(header.major, 4);
    assert_int_equal(header.flags, 0);
    assert_int_equal(record.number, 2);
    assert_int_equal(
        setupbin_read_hash(&record, setupbin_find(&record, SETUPBIN_AMT, SETUPBIN_ADD_HASH), &hash),
        AMT_OK);
    assert_int_equal(hash.algorithm, 3);
    assert_int_equal(hash.digest.len, 48);
}

struct damage {
    enum setupbin_fault_code code;
    uint32_t len; /* 0: as it is */
    uint32_t at;
    uint8_t value;
    uint32_t offset; /* that the fault names */
};

/* Of v4-tworecords.bin. */
static const struct damage k_damages[] = {
    { SETUPBIN_TOO_SHORT, 511, 0, 0xaa, 511 },  { SETUPBIN_ODD_SIZE, 1535, 0, 0xaa, 1535 },
    { SETUPBIN_UNKNOWN_GUID, 0, 15, 0x54, 0 },  { SETUPBIN_HEADER_CHUNKS, 0, 16, 2, 16 },
    { SETUPBIN_HEADER_BYTES, 0, 18, 45, 18 },   { SETUPBIN_OTHER_VERSION, 0, 24, 3, 24 },
    { SETUPBIN_RECORD_COUNT, 0, 28, 3, 28 },    { SETUPBIN_RECORD_COUNT, 1024, 0, 0xaa, 28 },
    { SETUPBIN_RECORD_COUNT, 0, 31, 0xff, 28 }, { SETUPBIN_CONSUMED, 0, 32, 3, 32 },
    { SETUPBIN_RECORD_CHUNKS, 0, 36, 2, 36 },
};

static void every_damage_of_the_header_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_damages / sizeof *k_damages; i++) {
        const struct damage *damage = &k_damages[i];
        uint8_t in[SETUPBIN_FILE_MAX];
        struct setupbin_header header;
        struct setupbin_fault fault;
        uint32_t len = setupbin_read_file("v4-tworecords.bin", in);
        in[damage->at] = damage->value;
        assert_int_equal(
            setupbin_decode_header(in, damage->len == 0 ? len : damage->len, &header, &fault),
            AMT_EMALFORMED);
        assert_int_equal(fault.code, damage->code);
        assert_int_equal(fault.offset, damage->offset);
        assert_int_equal(fault.record, 0);
    }
}

static void a_list_of_modules_without_end_is_told(void **state)
{
    (void)state;
    uint8_t in[SETUPBIN_FILE_MAX];
    struct setupbin_header header;
    struct setupbin_fault fault;
    uint32_t len = setupbin_read_file("v1-psk.bin", in);
    memset(in + 40, 1, SETUPBIN_CHUNK_BYTES - 40);
    assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_EMALFORMED);
    assert_int_equal(fault.code, SETUPBIN_MODULE_LIST);
}

static const struct damage k_record_damages[] = {
    { SETUPBIN_RECORD_TYPE, 0, 1024, 2, 1024 },
    { SETUPBIN_RECORD_CHUNKS, 0, 1024 + 16, 0, 1024 + 16 },
    { SETUPBIN_RECORD_HEADER, 0, 1024 + 18, 23, 1024 + 18 },
    { SETUPBIN_VARIABLE_OVERRUN, 0, 1024 + 24 + 5, 0x12 + 2, 1024 + 24 },
};

static void every_damage_of_a_record_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_record_damages / sizeof *k_record_damages; i++) {
        const struct damage *damage = &k_record_damages[i];
        uint8_t in[SETUPBIN_FILE_MAX];
        struct setupbin_header header;
        struct setupbin_record record;
        struct setupbin_fault fault;
        uint32_t len = setupbin_read_file("v4-tworecords.bin", in);
        in[damage->at] = damage->value;
        assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
        assert_int_equal(setupbin_decode_record(in, len, &header, 0, &record, &fault), AMT_OK);
        assert_int_equal(setupbin_decode_record(in, len, &header, 1, &record, &fault),
                         AMT_EMALFORMED);
        assert_int_equal(fault.code, damage->code);
        assert_int_equal(fault.offset, damage->offset);
        assert_int_equal(fault.record, 2);
    }
}

static void a_variable_that_overruns_is_named(void **state)
{
    (void)state;
    uint8_t in[SETUPBIN_FILE_MAX];
    struct setupbin_header header;
    struct setupbin_record record;
    struct setupbin_fault fault;
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t len = setupbin_read_file("meshcentral-standard.bin", in);
    in[0x23d] = 2; /* length of 2,3: 526 bytes */
    assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
    assert_int_equal(setupbin_decode_record(in, len, &header, 0, &record, &fault), AMT_EMALFORMED);
    assert_int_equal(setupbin_describe(&fault, &diag), AMT_EMALFORMED);
    assert_string_equal(diag.text, "record 1, variable 2,3 (PKI DNS suffix (Trusted FQDN)), offset "
                                   "0x238: the variable is longer than its record (526, not 448)");
    assert_string_equal(diag.requirement, "ACT-DEV-048");
}

static void a_record_behind_the_last_is_refused(void **state)
{
    (void)state;
    uint8_t in[SETUPBIN_FILE_MAX];
    struct setupbin_header header;
    struct setupbin_record record;
    struct setupbin_fault fault;
    uint32_t len = setupbin_read_file("v1-psk.bin", in);
    assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
    assert_int_equal(setupbin_decode_record(in, len, &header, 1, &record, &fault), AMT_EMALFORMED);
    header.record_count = UINT32_MAX; /* as if the header came from elsewhere */
    assert_int_equal(setupbin_decode_record(in, len, &header, UINT32_MAX, &record, &fault),
                     AMT_EMALFORMED);
    assert_int_equal(setupbin_decode_record(in, len, &header, 1, &record, &fault), AMT_EMALFORMED);
}

static void a_record_of_another_type_has_no_variables(void **state)
{
    (void)state;
    uint8_t in[SETUPBIN_FILE_MAX];
    struct setupbin_header header;
    struct setupbin_record record;
    struct setupbin_fault fault;
    uint32_t len = setupbin_read_file("v1-psk.bin", in);
    in[512] = 0;
    assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
    assert_int_equal(setupbin_decode_record(in, len, &header, 0, &record, &fault), AMT_OK);
    assert_int_equal(record.type, SETUPBIN_INVALID_RECORD);
    assert_int_equal(record.count, 0);
}

static void a_record_takes_what_fits_and_no_more(void **state)
{
    (void)state;
    uint8_t value[SETUPBIN_BODY_BYTES] = { 0 };
    struct setupbin_record record;
    setupbin_record_init(&record, false);
    assert_int_equal(setupbin_add(&record, 2, 3, value, SETUPBIN_BODY_BYTES - 7), AMT_ETOOBIG);
    assert_int_equal(setupbin_add(&record, 2, 3, value, SETUPBIN_BODY_BYTES - 8), AMT_OK);
    assert_int_equal(setupbin_add(&record, 2, 3, value, 0), AMT_ETOOBIG);
    setupbin_record_init(&record, false);
    for (uint32_t i = 0; i < SETUPBIN_VARIABLES_MAX; i++) {
        assert_int_equal(setupbin_add(&record, 2, 3, value, 0), AMT_OK);
    }
    assert_int_equal(setupbin_add(&record, 2, 3, value, 0), AMT_ETOOBIG);
}

static void a_full_body_without_an_end_mark_is_read(void **state)
{
    (void)state;
    uint8_t out[1024], value[SETUPBIN_BODY_BYTES];
    struct setupbin_header header = { .major = 1, .record_count = 1 }, again;
    struct setupbin_record record, read;
    struct setupbin_fault fault;
    memset(value, 0x5a, sizeof value);
    setupbin_record_init(&record, true);
    assert_int_equal(setupbin_add(&record, 2, 3, value, SETUPBIN_BODY_BYTES - 8), AMT_OK);
    assert_int_equal(setupbin_note_modules(&header, &record), AMT_OK);
    assert_int_equal(setupbin_encode(&header, &record, out, sizeof out), sizeof out);
    assert_int_equal(setupbin_decode_header(out, sizeof out, &again, &fault), AMT_OK);
    assert_int_equal(setupbin_decode_record(out, sizeof out, &again, 0, &read, &fault), AMT_OK);
    assert_int_equal(read.count, 1);
    assert_true(holds(&read, 2, 3, value, SETUPBIN_BODY_BYTES - 8));
}

static void a_ninth_module_has_no_place_in_the_header(void **state)
{
    (void)state;
    struct setupbin_header header = { .major = 3 };
    struct setupbin_record record;
    setupbin_record_init(&record, false);
    for (uint16_t module = 1; module <= SETUPBIN_MODULES_MAX + 1; module++) {
        assert_int_equal(setupbin_add(&record, module, 1, "x", 1), AMT_OK);
    }
    assert_int_equal(setupbin_note_modules(&header, &record), AMT_ELIMIT);
}

static void consuming_a_record_changes_one_word(void **state)
{
    (void)state;
    uint8_t in[SETUPBIN_FILE_MAX], old[SETUPBIN_FILE_MAX];
    struct setupbin_header header;
    struct setupbin_fault fault;
    uint32_t len = setupbin_read_file("v4-tworecords.bin", in);
    memcpy(old, in, len);
    setupbin_mark_consumed(in, len, 1);
    assert_int_equal(setupbin_decode_header(in, len, &header, &fault), AMT_OK);
    assert_int_equal(header.consumed, 1);
    assert_int_equal(in[32], 1);
    in[32] = 0;
    assert_memory_equal(in, old, len);
}

static void a_small_buffer_is_not_overrun_and_the_need_is_told(void **state)
{
    (void)state;
    struct setupbin_header header;
    struct setupbin_record record;
    uint8_t out[600];
    memset(out, 0xee, sizeof out);
    setupbin_open_file("v1-psk.bin", 0, &header, &record);
    assert_int_equal(setupbin_encode(&header, &record, out, 599), 1024);
    assert_int_equal(out[599], 0xee);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_written_as_it_was_read),
        cmocka_unit_test(a_file_made_from_its_variables_equals_the_one_of_another_encoder),
        cmocka_unit_test(the_variables_of_the_bare_metal_file_are_found),
        cmocka_unit_test(a_scrambled_record_reads_as_a_plain_one),
        cmocka_unit_test(a_second_record_is_read),
        cmocka_unit_test(every_damage_of_the_header_is_told),
        cmocka_unit_test(a_list_of_modules_without_end_is_told),
        cmocka_unit_test(every_damage_of_a_record_is_told_with_its_place),
        cmocka_unit_test(a_variable_that_overruns_is_named),
        cmocka_unit_test(a_record_behind_the_last_is_refused),
        cmocka_unit_test(a_record_of_another_type_has_no_variables),
        cmocka_unit_test(a_record_takes_what_fits_and_no_more),
        cmocka_unit_test(a_full_body_without_an_end_mark_is_read),
        cmocka_unit_test(a_ninth_module_has_no_place_in_the_header),
        cmocka_unit_test(consuming_a_record_changes_one_word),
        cmocka_unit_test(a_small_buffer_is_not_overrun_and_the_need_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
