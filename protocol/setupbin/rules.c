#include "protocol/setupbin/rules.h"

#include <ctype.h>
#include <string.h>

#define HASHES_MAX       3u /* a PC has room for three of the user's */
#define NEW_PASSWORD_MIN 8u
#define SHA1             1u

struct check {
    const struct setupbin_header *header;
    const struct setupbin_record *record;
    uint32_t index, errors;
    setupbin_report_fn *report;
    void *ctx;
};

static void blame(struct check *check, const struct setupbin_variable *variable,
                  enum setupbin_fault_code code, uint32_t found, uint32_t allowed)
{
    struct setupbin_fault fault = { .code = code, .record = check->index + 1, .found = found };
    fault.allowed = allowed;
    fault.offset = (check->index + 1) * SETUPBIN_CHUNK_BYTES;
    if (variable != NULL) {
        fault.module = variable->module;
        fault.id = variable->id;
        fault.offset += SETUPBIN_CHUNK_BYTES - SETUPBIN_BODY_BYTES + variable->value.off - 8;
    }
    check->errors += setupbin_is_warning(code) ? 0 : 1;
    if (check->report != NULL) {
        check->report(check->ctx, &fault);
    }
}

static const uint8_t *value_of(const struct check *check, const struct setupbin_variable *variable)
{
    return check->record->body + variable->value.off;
}

static bool is_amt(const struct setupbin_variable *variable, uint16_t id)
{
    return variable->module == SETUPBIN_AMT && variable->id == id;
}

static bool is_text(const uint8_t *chars, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (chars[i] < 0x20 || chars[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool is_choice(const struct setupbin_meaning *meaning, uint32_t number)
{
    const struct setupbin_choice *choice = meaning->choices;
    while (choice != NULL && choice->meaning != NULL && choice->value != number) {
        choice++;
    }
    return choice == NULL || choice->meaning != NULL;
}

static void check_size(struct check *check, const struct setupbin_variable *variable,
                       const struct setupbin_meaning *meaning)
{
    uint32_t len = variable->value.len;
    bool is_fixed = meaning->min_bytes == meaning->max_bytes;
    if (len < meaning->min_bytes || (is_fixed && len != meaning->max_bytes)) {
        blame(check, variable, SETUPBIN_WRONG_SIZE, len, meaning->min_bytes);
    } else if (len > meaning->max_bytes) {
        blame(check, variable, SETUPBIN_TOO_LONG, len, meaning->max_bytes);
    } else if (meaning->type == SETUPBIN_NUMBER) {
        uint32_t number = setupbin_number(check->record, variable);
        if (number < meaning->min || number > meaning->max || !is_choice(meaning, number)) {
            blame(check, variable, SETUPBIN_BAD_VALUE, number, meaning->max);
        }
    } else if (meaning->type == SETUPBIN_TEXT && !is_text(value_of(check, variable), len)) {
        blame(check, variable, SETUPBIN_BAD_TEXT, 0, 0);
    }
}

/* What the specification says of versions refuses; what vendors' tools do warns. ACT-DEV-049 */
static void check_version(struct check *check, const struct setupbin_variable *variable,
                          const struct setupbin_meaning *meaning)
{
    const struct setupbin_header *header = check->header;
    bool is_long_hash = is_amt(variable, SETUPBIN_ADD_HASH) && variable->value.len > 0 &&
                        value_of(check, variable)[0] > SHA1;
    if (header->major < 3 && (is_amt(variable, SETUPBIN_IPV6) || is_long_hash)) {
        blame(check, variable, SETUPBIN_NEEDS_VERSION_3, header->major, 3);
    } else if (header->major < meaning->major ||
               (header->major == meaning->major && header->minor < meaning->minor)) {
        blame(check, variable, SETUPBIN_NEWER_VARIABLE, header->major * 10u + header->minor,
              meaning->major * 10u + meaning->minor);
    }
}

/* wsman.md 3.1: as every AMT password; the underscore does not count as a special character. */
static bool is_strong(const uint8_t *chars, uint32_t len)
{
    bool has_digit = false, has_upper = false, has_lower = false, has_special = false;
    for (uint32_t i = 0; i < len; i++) {
        if (chars[i] == ':' || chars[i] == ',' || chars[i] == '"') {
            return false;
        }
        has_digit = has_digit || isdigit(chars[i]) != 0;
        has_upper = has_upper || isupper(chars[i]) != 0;
        has_lower = has_lower || islower(chars[i]) != 0;
        has_special = has_special || (isalnum(chars[i]) == 0 && chars[i] != '_');
    }
    return len >= NEW_PASSWORD_MIN && has_digit && has_upper && has_lower && has_special;
}

static void check_passwords(struct check *check)
{
    const struct setupbin_variable *now =
        setupbin_find(check->record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD);
    const struct setupbin_variable *later =
        setupbin_find(check->record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD);
    if (now == NULL) {
        blame(check, later, SETUPBIN_NO_PASSWORD, 0, 0);
        return;
    }
    bool is_factory = now->value.len == 5 && memcmp(value_of(check, now), "admin", 5) == 0;
    if (later == NULL && is_factory) {
        blame(check, now, SETUPBIN_ADMIN_STAYS, 0, 0);
    }
    if (later != NULL && !is_strong(value_of(check, later), later->value.len)) {
        blame(check, later, SETUPBIN_WEAK_PASSWORD, later->value.len, NEW_PASSWORD_MIN);
    }
}

static void check_key(struct check *check)
{
    const struct setupbin_variable *pid = setupbin_find(check->record, SETUPBIN_AMT, SETUPBIN_PID);
    const struct setupbin_variable *pps = setupbin_find(check->record, SETUPBIN_AMT, SETUPBIN_PPS);
    if ((pid == NULL) != (pps == NULL)) {
        blame(check, pid == NULL ? pps : pid, SETUPBIN_HALF_A_KEY, 0, 0);
    }
    if (pid != NULL && pid->value.len == 8 &&
        setupbin_check_character(value_of(check, pid), 7) != (char)value_of(check, pid)[7]) {
        blame(check, pid, SETUPBIN_PID_CHECK, value_of(check, pid)[7],
              (uint8_t)setupbin_check_character(value_of(check, pid), 7));
    }
    for (uint32_t i = 0; pps != NULL && pps->value.len == 32 && i < 32; i += 4) {
        const uint8_t *four = value_of(check, pps) + i;
        if (setupbin_check_character(four, 3) != (char)four[3]) {
            blame(check, pps, SETUPBIN_PPS_CHECK, i + 4, 0); /* the characters are a secret */
        }
    }
}

static void check_hashes(struct check *check)
{
    uint32_t count = 0;
    bool are_on = false;
    for (uint32_t i = 0; i < check->record->count; i++) {
        const struct setupbin_variable *variable = &check->record->variables[i];
        struct setupbin_hash hash;
        if (is_amt(variable, SETUPBIN_USER_HASHES)) {
            are_on = true;
        }
        if (!is_amt(variable, SETUPBIN_ADD_HASH)) {
            continue;
        }
        if (setupbin_read_hash(check->record, variable, &hash) != AMT_OK) {
            blame(check, variable, SETUPBIN_BAD_HASH, variable->value.len, 0);
        } else if (!is_text(check->record->body + hash.name.off, hash.name.len)) {
            blame(check, variable, SETUPBIN_BAD_TEXT, 0, 0);
        }
        if (!are_on && check->header->major == 2) {
            blame(check, variable, SETUPBIN_HASHES_NOT_SWITCHED_ON, 0, 0);
        }
        if (++count == HASHES_MAX + 1) {
            blame(check, variable, SETUPBIN_MANY_HASHES, count, HASHES_MAX);
        }
    }
}

static void check_order(struct check *check)
{
    const struct setupbin_record *record = check->record;
    bool has_amt = false, has_hello = false, is_sorted = true;
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        const struct setupbin_variable *before = i == 0 ? variable : &record->variables[i - 1];
        is_sorted =
            is_sorted && (before->module < variable->module ||
                          (before->module == variable->module && before->id <= variable->id));
        if (has_amt && check->header->major == 2 && variable->module == SETUPBIN_ME &&
            variable->id == SETUPBIN_FEATURE) {
            blame(check, variable, SETUPBIN_FEATURE_TOO_LATE, 0, 0);
        }
        if (has_hello &&
            (is_amt(variable, SETUPBIN_DNS_SUFFIX) || is_amt(variable, SETUPBIN_SERVER_FQDN) ||
             is_amt(variable, SETUPBIN_SERVER_ADDRESS))) {
            blame(check, variable, SETUPBIN_HELLO_TOO_EARLY, 0, 0);
        }
        has_amt = has_amt || variable->module == SETUPBIN_AMT;
        has_hello = has_hello || is_amt(variable, SETUPBIN_HELLO);
    }
    if (!is_sorted) {
        blame(check, NULL, SETUPBIN_UNSORTED, 0, 0);
    }
}

static void check_pairs(struct check *check)
{
    const struct setupbin_record *record = check->record;
    const struct setupbin_variable *shared =
        setupbin_find(record, SETUPBIN_AMT, SETUPBIN_SHARED_FQDN);
    if (shared != NULL && setupbin_number(record, shared) == 1 &&
        setupbin_find(record, SETUPBIN_AMT, SETUPBIN_HOST_NAME) == NULL) {
        blame(check, shared, SETUPBIN_SHARED_WITHOUT_HOST, 0, 0);
    }
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        if (!is_amt(variable, SETUPBIN_ADD_HASH) &&
            setupbin_find(record, variable->module, variable->id) != variable) {
            blame(check, variable, SETUPBIN_TWICE, 0, 0);
        }
    }
}

uint32_t setupbin_check(const struct setupbin_header *header, uint32_t index,
                        const struct setupbin_record *record, setupbin_report_fn *report, void *ctx)
{
    struct check check = { .header = header, .record = record, .index = index };
    check.report = report;
    check.ctx = ctx;
    if (record->number != index + 1) {
        blame(&check, NULL, SETUPBIN_RECORD_NUMBER, record->number, index + 1);
    }
    for (uint32_t i = 0; i < record->count; i++) {
        const struct setupbin_variable *variable = &record->variables[i];
        const struct setupbin_meaning *meaning = setupbin_meaning(variable->module, variable->id);
        if (meaning == NULL) {
            blame(&check, variable, SETUPBIN_UNKNOWN_VARIABLE, 0, 0);
        } else {
            check_size(&check, variable, meaning);
            check_version(&check, variable, meaning);
        }
    }
    check_passwords(&check);
    check_key(&check);
    check_hashes(&check);
    check_order(&check);
    check_pairs(&check);
    return check.errors;
}
