/*
 * A USB key file: the input is the file. Oracles: a fault lies inside the file, is of a known kind and has
 * words; variables lie inside their record, one behind the other; what decodes encodes to the same
 * records, byte for byte in their bodies; the rules are pure and name places inside the file; sorting
 * changes the order alone; consuming a record changes one word.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/setupbin/rules.h"

#define RECORDS_MAX 8u

struct tally {
    uint32_t len, faults, unsorted;
};

static void check_fault(const struct setupbin_fault *fault, uint32_t len)
{
    struct amt_diag diag = { .err = AMT_OK };
    FUZZ_REQUIRE(fault->code > SETUPBIN_SOUND && fault->code < SETUPBIN_FAULT_COUNT_);
    FUZZ_REQUIRE(fault->offset <= len);
    FUZZ_REQUIRE(setupbin_describe(fault, &diag) == AMT_EMALFORMED && strlen(diag.text) > 20);
}

static void count_fault(void *ctx, const struct setupbin_fault *fault)
{
    struct tally *tally = ctx;
    check_fault(fault, tally->len);
    tally->faults++;
    tally->unsorted += fault->code == SETUPBIN_UNSORTED ? 1 : 0;
}

static void check_variables(const struct setupbin_record *record)
{
    uint32_t end = 0;
    FUZZ_REQUIRE(record->count <= SETUPBIN_VARIABLES_MAX && record->used <= SETUPBIN_BODY_BYTES);
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        FUZZ_REQUIRE(variable->module != 0 && variable->id != 0);
        FUZZ_REQUIRE(variable->value.off == end + 8);
        end = variable->value.off + (variable->value.len + 3) / 4 * 4;
        FUZZ_REQUIRE(end <= SETUPBIN_BODY_BYTES);
    }
    FUZZ_REQUIRE(end == record->used);
}

static void check_rules(const struct setupbin_header *header, uint32_t index,
                        const struct setupbin_record *record, uint32_t len)
{
    struct tally tally = { .len = len };
    static struct setupbin_record sorted, twice;
    uint32_t errors = setupbin_check(header, index, record, count_fault, &tally);
    FUZZ_REQUIRE(errors <= tally.faults);
    FUZZ_REQUIRE(setupbin_check(header, index, record, NULL, NULL) == errors);
    sorted = *record;
    setupbin_sort(&sorted);
    check_variables(&sorted);
    FUZZ_REQUIRE(sorted.count == record->count && sorted.used == record->used);
    twice = sorted;
    setupbin_sort(&twice);
    FUZZ_REQUIRE(memcmp(twice.body, sorted.body, sizeof sorted.body) == 0);
    tally.unsorted = 0;
    (void)setupbin_check(header, index, &sorted, count_fault, &tally);
    FUZZ_REQUIRE(tally.unsorted == 0);
}

static void check_encoding(const struct setupbin_header *header,
                           const struct setupbin_record *records, const uint8_t *in, uint32_t len)
{
    struct setupbin_header again;
    static struct setupbin_record record;
    struct setupbin_fault fault;
    uint8_t *out = amt_alloc(len);
    FUZZ_REQUIRE(out != NULL && setupbin_encode(header, records, out, len) == len);
    FUZZ_REQUIRE(setupbin_decode_header(out, len, &again, &fault) == AMT_OK);
    FUZZ_REQUIRE(memcmp(&again, header, sizeof again) == 0);
    for (uint32_t i = 0; i < header->record_count; i++) {
        FUZZ_REQUIRE(setupbin_decode_record(out, len, &again, i, &record, &fault) == AMT_OK);
        FUZZ_REQUIRE(memcmp(record.variables, records[i].variables, sizeof record.variables) == 0);
        FUZZ_REQUIRE(
            memcmp(out + 512 * (i + 1) + 24, in + 512 * (i + 1) + 24, SETUPBIN_BODY_BYTES) == 0);
    }
    uint32_t half = len / 2 + 1;
    uint8_t *small = amt_alloc(half); /* exact: one byte past the end is a fault */
    FUZZ_REQUIRE(small != NULL && setupbin_encode(header, records, small, half) == len);
    amt_free(small);
    setupbin_mark_consumed(out, len, again.record_count);
    FUZZ_REQUIRE(setupbin_decode_header(out, len, &again, &fault) == AMT_OK);
    FUZZ_REQUIRE(again.consumed == again.record_count);
    amt_free(out);
}

static void check_file(const uint8_t *in, uint32_t len)
{
    struct setupbin_header header;
    struct setupbin_fault fault;
    static struct setupbin_record records[RECORDS_MAX];
    if (setupbin_decode_header(in, len, &header, &fault) != AMT_OK) {
        check_fault(&fault, len);
        return;
    }
    FUZZ_REQUIRE(fault.code == SETUPBIN_SOUND && header.record_count == len / 512 - 1);
    bool is_whole = header.record_count <= RECORDS_MAX;
    for (uint32_t i = 0; i < header.record_count && i < RECORDS_MAX; i++) {
        if (setupbin_decode_record(in, len, &header, i, &records[i], &fault) != AMT_OK) {
            check_fault(&fault, len);
            FUZZ_REQUIRE(fault.record == i + 1);
            is_whole = false;
        } else {
            check_variables(&records[i]);
            check_rules(&header, i, &records[i], len);
        }
    }
    if (is_whole) {
        check_encoding(&header, records, in, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 512 * (RECORDS_MAX + 2)) {
        return 0;
    }
    uint8_t *in = amt_memdup(data, size); /* of exactly this size */
    FUZZ_REQUIRE(in != NULL);
    check_file(in, (uint32_t)size);
    amt_free(in);
    return 0;
}
