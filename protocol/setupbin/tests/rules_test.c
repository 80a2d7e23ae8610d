/* Which records of setup.bin a BIOS refuses, each rule broken alone (activation.md 9.2). */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "protocol/setupbin/rules.h"
#include "protocol/setupbin/tests/setupbin_files.h"

#define SEEN_MAX 16u

struct seen {
    struct setupbin_fault faults[SEEN_MAX];
    uint32_t count;
};

static void see(void *ctx, const struct setupbin_fault *fault)
{
    struct seen *seen = ctx;
    assert_true(seen->count < SEEN_MAX);
    seen->faults[seen->count++] = *fault;
}

/* One variable in a few characters: "1,1 text:admin", "2,28 number:1", "2,1 hex:00". */
struct item {
    uint16_t module, id;
    const char *text; /* NULL: the number */
    uint32_t number;
    uint32_t len; /* of the number: 1, 2, 4; of the text, 0: all of it */
};

struct trial {
    enum setupbin_fault_code code;
    uint8_t major, minor;
    struct item items[8];
};

#define PASSWORDS              \
    { 1, 1, "admin", 0, 0 },   \
    {                          \
        1, 2, "N3wP@ss!", 0, 0 \
    }
#define SHA1_HASH \
    "\x01"        \
    "aaaaaaaaaaaaaaaaaaaa\x01n"
#define SHA256_HASH \
    "\x02"          \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x01n"

/* The one fault that each has. */
static const struct trial k_trials[] = {
    { SETUPBIN_SOUND, 3, 0, { PASSWORDS, { 2, 3, "example.com", 0, 0 } } },
    { SETUPBIN_SOUND, 3, 0, { { 1, 1, "N3wP@ss!", 0, 0 }, { 2, 3, "example.com", 0, 0 } } },
    { SETUPBIN_WRONG_SIZE, 3, 0, { PASSWORDS, { 2, 28, NULL, 1, 2 } } },
    { SETUPBIN_WRONG_SIZE, 3, 0, { PASSWORDS, { 2, 17, "abc", 0, 0 } } },
    { SETUPBIN_WRONG_SIZE, 2, 1, { PASSWORDS, { 1, 6, "power package", 0, 0 } } },
    { SETUPBIN_TOO_LONG,
      3,
      0,
      { PASSWORDS,
        { 2, 11, "a234567890123456789012345678901234567890123456789012345678901234", 0, 0 } } },
    { SETUPBIN_BAD_VALUE, 3, 0, { PASSWORDS, { 2, 13, NULL, 0, 1 } } },
    { SETUPBIN_BAD_VALUE, 3, 0, { PASSWORDS, { 2, 26, NULL, 2, 1 } } },
    { SETUPBIN_BAD_VALUE, 3, 0, { PASSWORDS, { 2, 34, NULL, 3, 4 } } },
    { SETUPBIN_BAD_VALUE, 3, 0, { PASSWORDS, { 2, 30, NULL, 0, 4 } } },
    { SETUPBIN_BAD_TEXT, 3, 0, { PASSWORDS, { 2, 3, "ex\tample.com", 0, 0 } } },
    { SETUPBIN_BAD_TEXT,
      3,
      0,
      { PASSWORDS,
        { 2, 8,
          "\x01"
          "aaaaaaaaaaaaaaaaaaaa\x01\x07",
          0, 0 } } },
    { SETUPBIN_WEAK_PASSWORD, 3, 0, { { 1, 1, "admin", 0, 0 }, { 1, 2, "password", 0, 0 } } },
    { SETUPBIN_WEAK_PASSWORD, 3, 0, { { 1, 1, "admin", 0, 0 }, { 1, 2, "P@ssw0r", 0, 0 } } },
    { SETUPBIN_WEAK_PASSWORD, 3, 0, { { 1, 1, "admin", 0, 0 }, { 1, 2, "P@ss,w0rd", 0, 0 } } },
    { SETUPBIN_WEAK_PASSWORD, 3, 0, { { 1, 1, "admin", 0, 0 }, { 1, 2, "Pass_w0rd", 0, 0 } } },
    { SETUPBIN_NO_PASSWORD, 3, 0, { { 2, 3, "example.com", 0, 0 } } },
    { SETUPBIN_ADMIN_STAYS, 2, 0, { { 1, 1, "admin", 0, 0 }, { 2, 3, "example.com", 0, 0 } } },
    { SETUPBIN_TWICE, 3, 0, { PASSWORDS, { 2, 3, "a.com", 0, 0 }, { 2, 3, "b.com", 0, 0 } } },
    { SETUPBIN_NEEDS_VERSION_3,
      2,
      1,
      { PASSWORDS, { 2, 7, NULL, 1, 1 }, { 2, 8, SHA256_HASH, 0, 0 } } },
    { SETUPBIN_FEATURE_TOO_LATE,
      2,
      1,
      { PASSWORDS, { 2, 3, "a.com", 0, 0 }, { 1, 3, NULL, 1, 1 } } },
    { SETUPBIN_HASHES_NOT_SWITCHED_ON, 2, 0, { PASSWORDS, { 2, 8, SHA1_HASH, 0, 0 } } },
    { SETUPBIN_SOUND, 2, 0, { PASSWORDS, { 2, 7, NULL, 1, 1 }, { 2, 8, SHA1_HASH, 0, 0 } } },
    { SETUPBIN_SOUND, 3, 0, { PASSWORDS, { 2, 8, SHA256_HASH, 0, 0 } } },
    { SETUPBIN_HELLO_TOO_EARLY,
      3,
      0,
      { PASSWORDS, { 2, 28, NULL, 1, 1 }, { 2, 4, "s.example.com", 0, 0 } } },
    { SETUPBIN_SHARED_WITHOUT_HOST, 3, 0, { PASSWORDS, { 2, 23, NULL, 1, 1 } } },
    { SETUPBIN_SOUND, 3, 0, { PASSWORDS, { 2, 11, "pc", 0, 0 }, { 2, 23, NULL, 1, 1 } } },
    { SETUPBIN_BAD_HASH, 3, 0, { PASSWORDS, { 2, 8, SHA1_HASH "x", 0, 0 } } },
    { SETUPBIN_BAD_HASH,
      3,
      0,
      { PASSWORDS,
        { 2, 8,
          "\x04"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x01n",
          0, 0 } } },
    { SETUPBIN_PID_CHECK,
      1,
      0,
      { PASSWORDS,
        { 2, 1, "4444AAA8", 0, 0 },
        { 2, 2, "ABCIDEFRGHI0JKL9MNOIPQRRSTU0VW05", 0, 0 } } },
    { SETUPBIN_PPS_CHECK,
      1,
      0,
      { PASSWORDS,
        { 2, 1, "4444AAA7", 0, 0 },
        { 2, 2, "ABCIDEFRGHI0JKL9MNOIPQRRSTU0VW06", 0, 0 } } },
    { SETUPBIN_HALF_A_KEY, 1, 0, { PASSWORDS, { 2, 1, "4444AAA7", 0, 0 } } },
    { SETUPBIN_UNKNOWN_VARIABLE, 3, 0, { PASSWORDS, { 2, 9, "?", 0, 0 } } },
    { SETUPBIN_UNKNOWN_VARIABLE, 3, 0, { PASSWORDS, { 3, 1, "?", 0, 0 } } },
    { SETUPBIN_NEWER_VARIABLE, 2, 0, { PASSWORDS, { 2, 11, "pc", 0, 0 } } },
    { SETUPBIN_NEWER_VARIABLE, 2, 1, { PASSWORDS, { 2, 25, NULL, 1, 1 } } },
    { SETUPBIN_SOUND, 2, 1, { PASSWORDS, { 2, 11, "pc", 0, 0 } } },
    { SETUPBIN_UNSORTED, 3, 0, { PASSWORDS, { 2, 11, "pc", 0, 0 }, { 2, 3, "a.com", 0, 0 } } },
};

static void make_record(const struct trial *trial, struct setupbin_record *record)
{
    setupbin_record_init(record, false);
    record->number = 1;
    for (const struct item *item = trial->items; item->module != 0; item++) {
        const uint8_t number[4] = { (uint8_t)item->number, (uint8_t)(item->number >> 8), 0, 0 };
        uint32_t len =
            item->text != NULL && item->len == 0 ? (uint32_t)strlen(item->text) : item->len;
        const void *value = item->text == NULL ? (const void *)number : item->text;
        assert_int_equal(setupbin_add(record, item->module, item->id, value, len), AMT_OK);
    }
}

/* A broken rule may bring others along: variables behind 2,28 are unsorted as well. */
static bool is_companion(enum setupbin_fault_code fault, enum setupbin_fault_code of)
{
    return fault == SETUPBIN_UNSORTED &&
           (of == SETUPBIN_HELLO_TOO_EARLY || of == SETUPBIN_FEATURE_TOO_LATE);
}

static void each_rule_is_checked_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_trials / sizeof *k_trials; i++) {
        const struct trial *trial = &k_trials[i];
        struct setupbin_header header = { .major = trial->major, .minor = trial->minor };
        struct setupbin_record record;
        struct seen seen = { .count = 0 };
        make_record(trial, &record);
        uint32_t errors = setupbin_check(&header, 0, &record, see, &seen);
        bool is_error = trial->code != SETUPBIN_SOUND && !setupbin_is_warning(trial->code);
        bool is_seen = trial->code == SETUPBIN_SOUND && seen.count == 0;
        for (uint32_t f = 0; f < seen.count; f++) {
            if (!is_companion(seen.faults[f].code, trial->code)) {
                assert_int_equal(seen.faults[f].code, trial->code);
                is_seen = true;
            }
        }
        if (!is_seen || errors != (is_error ? 1u : 0u)) {
            (void)fprintf(stderr, "trial %zu: %u faults, %u errors\n", i, seen.count, errors);
        }
        assert_true(is_seen);
        assert_int_equal(errors, is_error ? 1 : 0);
        assert_int_equal(setupbin_check(&header, 0, &record, NULL, NULL), errors);
    }
}

static void ipv6_settings_need_version_3(void **state)
{
    (void)state;
    static const uint8_t k_settings[84] = { 1 };
    struct setupbin_header header = { .major = 2, .minor = 1 };
    struct setupbin_record record;
    struct seen seen = { .count = 0 };
    setupbin_record_init(&record, false);
    record.number = 1;
    assert_int_equal(setupbin_add(&record, 1, 1, "N3wP@ss!", 8), AMT_OK);
    assert_int_equal(setupbin_add(&record, 2, SETUPBIN_IPV6, k_settings, sizeof k_settings),
                     AMT_OK);
    assert_int_equal(setupbin_check(&header, 0, &record, see, &seen), 1);
    assert_int_equal(seen.faults[0].code, SETUPBIN_NEEDS_VERSION_3);
    header.major = 3;
    assert_int_equal(setupbin_check(&header, 0, &record, NULL, NULL), 0);
}

static void a_fourth_hash_and_a_wrong_number_are_warned_of(void **state)
{
    (void)state;
    struct setupbin_header header = { .major = 3 };
    struct setupbin_record record;
    struct seen seen = { .count = 0 };
    uint8_t digest[32] = { 0 };
    setupbin_record_init(&record, false);
    record.number = 7;
    assert_int_equal(setupbin_add(&record, 1, 1, "N3wP@ss!", 8), AMT_OK);
    for (uint32_t i = 0; i < 4; i++) {
        digest[0] = (uint8_t)i;
        assert_int_equal(setupbin_add_hash(&record, 2, digest, "root"), AMT_OK);
    }
    assert_int_equal(setupbin_check(&header, 0, &record, see, &seen), 0);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.faults[0].code, SETUPBIN_RECORD_NUMBER);
    assert_int_equal(seen.faults[1].code, SETUPBIN_MANY_HASHES);
    assert_int_equal(seen.faults[1].found, 4);
}

static void files_of_other_encoders_break_no_rule(void **state)
{
    (void)state;
    static const char *const k_files[] = { "v1-psk.bin",       "v2-sha1.bin",
                                           "v3-scrambled.bin", "meshcentral-standard.bin",
                                           "v3-types.bin",     "meshcentral-baremetal.bin" };
    for (size_t i = 0; i < sizeof k_files / sizeof *k_files; i++) {
        struct setupbin_header header;
        struct setupbin_record record;
        struct seen seen = { .count = 0 };
        setupbin_open_file(k_files[i], 0, &header, &record);
        assert_int_equal(setupbin_check(&header, 0, &record, see, &seen), 0);
        assert_int_equal(seen.count, 0);
    }
}

static void a_fault_names_record_variable_and_offset(void **state)
{
    (void)state;
    struct setupbin_header header;
    struct setupbin_record record;
    struct seen seen = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    setupbin_open_file("meshcentral-standard.bin", 0, &header, &record);
    record.body[setupbin_find(&record, 2, 28)->value.off] = 9;
    assert_int_equal(setupbin_check(&header, 0, &record, see, &seen), 1);
    (void)setupbin_describe(&seen.faults[0], &diag);
    assert_string_equal(diag.text,
                        "record 1, variable 2,28 (hello messages to the configuration server), "
                        "offset 0x288: the variable has a value that does not exist (9)");
}

/* No sentence is missing, and none tells the characters of a secret. */
static void every_fault_has_a_sentence(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < SETUPBIN_FAULT_COUNT_; code++) {
        struct setupbin_fault fault = { .code = (enum setupbin_fault_code)code, .record = 1 };
        struct amt_diag diag = { .err = AMT_OK };
        assert_int_equal(setupbin_describe(&fault, &diag), AMT_EMALFORMED);
        assert_non_null(strstr(diag.text, "record 1, offset 0x0: "));
        assert_true(strlen(diag.text) > 30);
        assert_int_equal(setupbin_describe(&fault, NULL), AMT_EMALFORMED);
    }
}

static void a_fault_of_the_file_names_the_header(void **state)
{
    (void)state;
    struct setupbin_fault fault = {
        .code = SETUPBIN_CONSUMED, .offset = 32, .found = 3, .allowed = 2
    };
    struct amt_diag diag = { .err = AMT_OK };
    (void)setupbin_describe(&fault, &diag);
    assert_string_equal(diag.text,
                        "header record, offset 0x20: more records are marked as consumed "
                        "than there are (3, not 2)");
}

static void every_variable_has_its_own_name_and_number(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < k_setupbin_meaning_count; i++) {
        const struct setupbin_meaning *meaning = &k_setupbin_meanings[i];
        assert_ptr_equal(setupbin_meaning(meaning->module, meaning->id), meaning);
        assert_ptr_equal(setupbin_meaning_of(meaning->name), meaning);
        assert_true(meaning->max_bytes > 0 && meaning->major > 0);
    }
    assert_int_equal(k_setupbin_meaning_count, 6 + 34);
    assert_null(setupbin_meaning(2, 9));
    assert_null(setupbin_meaning_of("nothing"));
}

static void numbers_are_added_in_their_size(void **state)
{
    (void)state;
    struct setupbin_record record;
    setupbin_record_init(&record, false);
    assert_int_equal(setupbin_add_number(&record, 2, SETUPBIN_SERVER_PORT, 9971), AMT_OK);
    assert_int_equal(record.variables[0].value.len, 2);
    assert_int_equal(setupbin_number(&record, &record.variables[0]), 9971);
    assert_int_equal(setupbin_add_number(&record, 2, SETUPBIN_SUPPORT_CHANNEL, 65535), AMT_OK);
    assert_int_equal(record.variables[1].value.len, 4);
    assert_int_equal(setupbin_number(&record, &record.variables[1]), 65535);
    assert_int_equal(setupbin_add(&record, 2, SETUPBIN_KVM, "\1\0\0", 3), AMT_OK);
    assert_int_equal(setupbin_number(&record, &record.variables[2]), 0); /* of no such size */
    assert_int_equal(setupbin_add_number(&record, 2, SETUPBIN_KVM, 2), AMT_ETOOBIG);
    assert_int_equal(setupbin_add_number(&record, 2, SETUPBIN_HOST_NAME, 1), AMT_EUNKNOWN);
}

static void a_hash_is_refused_with_a_long_name_or_unknown_algorithm(void **state)
{
    (void)state;
    static const uint8_t k_digest[48] = { 0 };
    struct setupbin_record record;
    setupbin_record_init(&record, false);
    assert_int_equal(setupbin_add_hash(&record, 0, k_digest, "x"), AMT_EUNKNOWN);
    assert_int_equal(setupbin_add_hash(&record, 4, k_digest, "x"), AMT_EUNKNOWN);
    assert_int_equal(setupbin_add_hash(&record, 3, k_digest, "a2345678901234567890123456789012"),
                     AMT_OK);
    assert_int_equal(setupbin_add_hash(&record, 3, k_digest, "a23456789012345678901234567890123"),
                     AMT_ETOOBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_is_checked_alone),
        cmocka_unit_test(ipv6_settings_need_version_3),
        cmocka_unit_test(a_fourth_hash_and_a_wrong_number_are_warned_of),
        cmocka_unit_test(files_of_other_encoders_break_no_rule),
        cmocka_unit_test(a_fault_names_record_variable_and_offset),
        cmocka_unit_test(every_fault_has_a_sentence),
        cmocka_unit_test(a_fault_of_the_file_names_the_header),
        cmocka_unit_test(every_variable_has_its_own_name_and_number),
        cmocka_unit_test(numbers_are_added_in_their_size),
        cmocka_unit_test(a_hash_is_refused_with_a_long_name_or_unknown_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
