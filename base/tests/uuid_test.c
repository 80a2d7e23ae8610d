/* UUIDs as text and in the mixed-endian SMBIOS form of the wire (apf.md 3.18, APF-COM-009). */
#include <string.h>

#include "base/unit.h"
#include "base/uuid.h"

#define CANONICAL "4c4c4544-004b-4210-8033-b6c04f504633"

/* The worked example of apf.md 3.18. */
static const uint8_t k_wire[16] = { 0x44, 0x45, 0x4c, 0x4c, 0x4b, 0x00, 0x10, 0x42,
                                    0x80, 0x33, 0xb6, 0xc0, 0x4f, 0x50, 0x46, 0x33 };

static void the_worked_example_reads_as_its_canonical_text(void **state)
{
    (void)state;
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    uuid_from_wire(k_wire, &uuid);
    uuid_format(&uuid, text);
    assert_string_equal(text, CANONICAL);
}

static void the_canonical_text_goes_out_in_wire_order(void **state)
{
    (void)state;
    struct uuid uuid;
    uint8_t wire[16];
    assert_int_equal(uuid_parse(CANONICAL, &uuid), AMT_OK);
    uuid_to_wire(&uuid, wire);
    assert_memory_equal(wire, k_wire, sizeof wire);
}

static void upper_case_is_read_and_lower_case_written(void **state)
{
    (void)state;
    struct uuid uuid;
    struct uuid same;
    char text[UUID_TEXT_BYTES];
    assert_int_equal(uuid_parse("4C4C4544-004B-4210-8033-B6C04F504633", &uuid), AMT_OK);
    assert_int_equal(uuid_parse(CANONICAL, &same), AMT_OK);
    assert_true(uuid_equal(&uuid, &same));
    uuid_format(&uuid, text);
    assert_string_equal(text, CANONICAL);
}

static void what_is_no_uuid_is_refused_and_nothing_is_stored(void **state)
{
    (void)state;
    static const char *const k_bad[] = {
        "",
        "4",
        "4c4c4544",
        "4c4c4544-004b-4210-8033-b6c04f50463",
        "4c4c4544-004b-4210-8033-b6c04f504633 ",
        "4c4c4544-004b-4210-8033-b6c04f50463g",
        "4c4c4544-004b-4210-8033-b6c04f5046g3",
        "4c4c4544+004b-4210-8033-b6c04f504633",
        "4c4c4544004b42108033b6c04f504633",
        "{4c4c4544-004b-4210-8033-b6c04f504633}",
        "4c4c4544-004b-4210-8033-b6c04f50463\x80",
        "4c4c4544-004b-4210-8033-b6c04f50463/",
        "4c4c4544-004b-4210-8033-b6c04f50463@",
        "4c4c4544-004b-4210-8033-b6c04f50463`",
    };
    for (uint32_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        struct uuid uuid;
        memset(&uuid, 0x5a, sizeof uuid);
        assert_int_equal(uuid_parse(k_bad[i], &uuid), AMT_EMALFORMED);
        assert_int_equal(uuid.bytes[0], 0x5a);
    }
}

static void zero_is_told_from_everything_else(void **state)
{
    (void)state;
    struct uuid uuid = { { 0 } };
    struct uuid other = { { 0 } };
    assert_true(uuid_is_zero(&uuid));
    uuid.bytes[15] = 1;
    assert_false(uuid_is_zero(&uuid));
    assert_false(uuid_equal(&uuid, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_reads_as_its_canonical_text),
        cmocka_unit_test(the_canonical_text_goes_out_in_wire_order),
        cmocka_unit_test(upper_case_is_read_and_lower_case_written),
        cmocka_unit_test(what_is_no_uuid_is_refused_and_nothing_is_stored),
        cmocka_unit_test(zero_is_told_from_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
