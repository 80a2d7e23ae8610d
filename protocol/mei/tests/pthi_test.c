/* Commands of the host interface: every vector both ways, and what is no message (mei.md 4). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/unit.h"
#include "protocol/mei/pthi.h"

#define FOLDER AMTLAB_SOURCE_DIR "/protocol/mei/tests/data/"

struct message {
    uint8_t bytes[PTHI_MESSAGE_MAX];
    uint32_t len;
};

static char k_vectors[131072];

static void load_vectors(void)
{
    FILE *file = fopen(FOLDER "pthi-vectors.yaml", "rb");
    assert_non_null(file);
    size_t len = fread(k_vectors, 1, sizeof k_vectors - 1, file);
    (void)fclose(file);
    assert_true(len > 10000 && len < sizeof k_vectors - 1);
    k_vectors[len] = '\0';
}

/* The bytes behind `hex: "` from a place on, up to an end; false when there are none. */
static bool read_hex(const char *from, const char *end, struct message *out)
{
    static char digits[2 * PTHI_MESSAGE_MAX + 1];
    const char *hex = strstr(from, "hex: \"");
    size_t len = 0;
    if (hex == NULL || hex > end) {
        return false;
    }
    hex += strlen("hex: \"");
    size_t count = strcspn(hex, "\"");
    assert_true(count < sizeof digits);
    memcpy(digits, hex, count);
    digits[count] = '\0';
    assert_int_equal(text_parse_hex(digits, out->bytes, sizeof out->bytes, &len), AMT_OK);
    out->len = (uint32_t)len;
    return true;
}

/* Request and response of a vector; the response has no bytes when there is to be none. False: no such
 * vector. */
static bool find_vector(const char *id, struct message *request, struct message *response)
{
    char key[32];
    (void)snprintf(key, sizeof key, "- id: %s\n", id);
    const char *at = strstr(k_vectors, key);
    if (at == NULL) {
        return false;
    }
    const char *end = strstr(at + 1, "\n- id: ");
    end = end == NULL ? at + strlen(at) : end;
    const char *answer = strstr(at, "\n  response:");
    assert_true(answer != NULL && answer < end);
    assert_true(read_hex(at, answer, request));
    response->len = 0;
    (void)read_hex(answer, end, response);
    return true;
}

static bool load_vector(uint32_t number, struct message *request, struct message *response)
{
    char id[16];
    (void)snprintf(id, sizeof id, "PTHI-V%03u", number);
    return find_vector(id, request, response);
}

static void load_frame(const char *name, struct message *out)
{
    char path[512];
    (void)snprintf(path, sizeof path, FOLDER "heci/%s.bin", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    out->len = (uint32_t)fread(out->bytes, 1, sizeof out->bytes, file);
    (void)fclose(file);
    assert_true(out->len > 0);
}

static void check_request(const struct message *in)
{
    static struct pthi_request request;
    struct message out;
    uint32_t status = 0;
    assert_int_equal(pthi_decode_request(in->bytes, in->len, &request, &status), AMT_OK);
    out.len = pthi_encode_request(&request, in->bytes, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in->len);
    assert_memory_equal(out.bytes, in->bytes, in->len);
}

static void check_response(const struct message *in, uint32_t command)
{
    static struct pthi_response response;
    struct message out;
    assert_int_equal(pthi_decode_response(in->bytes, in->len, command, &response), AMT_OK);
    out.len = pthi_encode_response(&response, in->bytes, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in->len);
    assert_memory_equal(out.bytes, in->bytes, in->len);
}

/* V067 to V071 are requests that are refused. */
static void every_vector_is_written_as_it_was_read(void **state)
{
    (void)state;
    static struct message in, answer;
    uint32_t count = 0;
    for (uint32_t number = 1; load_vector(number, &in, &answer); number++) {
        if (number >= 67 && number <= 71) {
            continue;
        }
        check_request(&in);
        check_response(&answer, in.bytes[4] | UINT32_C(0x1000000) * in.bytes[7]);
        count++;
    }
    assert_int_equal(count, 67); /* MEI-024 */
}

static void the_frames_of_activation_are_written_as_they_were_read(void **state)
{
    (void)state;
    static const char *const k_requests[] = {
        "starthb-meshcentral.req", "starthb-rpcgo.req",
        "stopconfig.req",          "unprovision-meshcentral.req",
        "unprovision-rpcgo.req",   "controlmode.req",
        "hashentry.req",           "localsystemaccount.req"
    };
    static const struct {
        const char *name;
        uint32_t command;
    } k_responses[] = {
        { "starthb-ok.rsp", PTHI_START_CONFIGURATION_HBASED },
        { "starthb-invalidmode.rsp", PTHI_START_CONFIGURATION_HBASED },
        { "stopconfig-ok.rsp", PTHI_STOP_CONFIGURATION },
        { "stopconfig-notinprov.rsp", PTHI_STOP_CONFIGURATION },
        { "controlmode-acm.rsp", PTHI_GET_CONTROL_MODE },
        { "hashentry-sha256.rsp", PTHI_GET_HASH_ENTRY },
        { "localsystemaccount.rsp", PTHI_GET_LOCAL_SYSTEM_ACCOUNT },
    };
    static struct message in;
    for (size_t i = 0; i < sizeof k_requests / sizeof *k_requests; i++) {
        load_frame(k_requests[i], &in);
        check_request(&in);
    }
    for (size_t i = 0; i < sizeof k_responses / sizeof *k_responses; i++) {
        load_frame(k_responses[i].name, &in);
        check_response(&in, k_responses[i].command);
    }
}

/* What a client puts together itself equals what others send. ACT-CLI-021 */
static void a_start_with_the_hash_of_a_leaf_equals_both_vectors(void **state)
{
    (void)state;
    static struct message in, out;
    static struct pthi_request request;
    uint32_t status = 0;
    load_frame("starthb-rpcgo.req", &in);
    assert_int_equal(pthi_decode_request(in.bytes, in.len, &request, &status), AMT_OK);
    struct pthi_request made = { .command = PTHI_START_CONFIGURATION_HBASED,
                                 .start = { .layout = PTHI_START_PACKED, .algorithm = 2 } };
    memcpy(made.start.hash, request.start.hash, 32);
    out.len = pthi_encode_request(&made, NULL, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.bytes, in.bytes, in.len);
    load_frame("starthb-meshcentral.req", &in);
    made.start.layout = PTHI_START_SHORT;
    out.len = pthi_encode_request(&made, NULL, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.bytes, in.bytes, in.len);
}

static void requests_are_made_from_their_fields(void **state)
{
    (void)state;
    static struct message in, answer, out;
    struct pthi_request account = { .command = PTHI_GET_LOCAL_SYSTEM_ACCOUNT };
    assert_true(load_vector(25, &in, &answer));
    out.len = pthi_encode_request(&account, NULL, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.bytes, in.bytes, in.len);
    static const char k_suffix[] = "lab.example.com";
    struct pthi_request suffix = { .command = PTHI_SET_DNS_SUFFIX, .bytes = { .len = 15 } };
    assert_true(load_vector(44, &in, &answer));
    out.len = pthi_encode_request(&suffix, (const uint8_t *)k_suffix, out.bytes, sizeof out.bytes);
    assert_int_equal(out.len, in.len);
    assert_memory_equal(out.bytes, in.bytes, in.len);
}

static void the_fields_of_answers_are_those_of_the_vectors(void **state)
{
    (void)state;
    static struct message in, answer;
    static struct pthi_response r;
    char uuid[UUID_TEXT_BYTES];
    assert_true(load_vector(1, &in, &answer));
    assert_int_equal(pthi_decode_response(answer.bytes, answer.len, PTHI_GET_CODE_VERSIONS, &r),
                     AMT_OK);
    assert_string_equal(r.versions.bios, "SIMBIOS.0001.2026.A");
    assert_int_equal(r.versions.count, 10);
    assert_string_equal(r.versions.entries[3].name, "AMT");
    assert_string_equal(r.versions.entries[3].version, "16.1.25");
    assert_true(load_vector(12, &in, &answer));
    assert_int_equal(pthi_decode_response(answer.bytes, answer.len, PTHI_GET_LAN_INTERFACE, &r),
                     AMT_OK);
    assert_true(r.lan.ipv4 == 0xc0a80132);
    assert_int_equal(r.lan.link, 1);
    assert_int_equal(r.lan.mac[0], 0x54);
    assert_true(load_vector(15, &in, &answer));
    assert_int_equal(pthi_decode_response(answer.bytes, answer.len, PTHI_GET_UUID, &r), AMT_OK);
    uuid_format(&r.uuid, uuid);
    assert_string_equal(uuid, "12345678-9abc-def0-1234-56789abcdef0");
    assert_true(load_vector(16, &in, &answer));
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_GET_REMOTE_ACCESS_STATUS, &r), AMT_OK);
    assert_int_equal(r.numbers[1], 2);
    assert_memory_equal(answer.bytes + r.bytes.off, "mps.example.com", r.bytes.len);
    assert_true(load_vector(20, &in, &answer));
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_ENUMERATE_HASH_HANDLES, &r), AMT_OK);
    assert_int_equal(r.handle_count, 3);
    assert_int_equal(r.handles[2], 7);
    assert_true(load_vector(22, &in, &answer));
    assert_int_equal(pthi_decode_response(answer.bytes, answer.len, PTHI_GET_HASH_ENTRY, &r),
                     AMT_OK);
    assert_int_equal(r.hash.algorithm, 3); /* SHA-384, ACT-CLI-005 */
    assert_int_equal(r.hash.is_default, 0);
    assert_int_equal(r.hash.is_active, 1);
    assert_int_equal(r.hash.hash[47], 0x6f);
    assert_memory_equal(answer.bytes + r.bytes.off, "Lab CA", r.bytes.len);
    assert_true(load_vector(25, &in, &answer));
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_GET_LOCAL_SYSTEM_ACCOUNT, &r), AMT_OK);
    assert_string_equal(r.account.user, "$$OsAdmin");
    assert_string_equal(r.account.password, "q1Zk0pT7Vb2Xn5Rc8Mh3Ls6Wd9Yg4Fj=");
    assert_int_equal(r.account.padding, 2);
    assert_true(load_vector(28, &in, &answer));
    assert_int_equal(pthi_decode_response(answer.bytes, answer.len, PTHI_UNPROVISION, &r), AMT_OK);
    assert_int_equal(r.status, PTHI_INVALID_MODE);
}

/* Same content, four layouts. */
static void the_layouts_of_a_start_say_the_same(void **state)
{
    (void)state;
    static struct message in, answer;
    static struct pthi_request request, first;
    static const uint32_t k_layouts[] = { 390, 73, 393, 396 };
    uint32_t status = 0;
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(load_vector(33 + i, &in, &answer));
        assert_int_equal(pthi_decode_request(in.bytes, in.len, &request, &status), AMT_OK);
        assert_int_equal(request.start.layout, k_layouts[i]); /* ACT-DEV-040 */
        if (i == 0) {
            first = request;
        } else if (i != 2) {
            assert_int_equal(request.start.algorithm, 2);
            assert_memory_equal(request.start.hash, first.start.hash, PTHI_HASH_BYTES);
        }
    }
    assert_true(load_vector(35, &in, &answer));
    assert_int_equal(pthi_decode_request(in.bytes, in.len, &request, &status), AMT_OK);
    assert_int_equal(request.start.has_host_vpn, 1);
    struct view name = pthi_suffix(in.bytes, request.start.suffixes, 0);
    assert_int_equal(name.len, 11);
    assert_memory_equal(in.bytes + name.off, "example.com", 11);
    name = pthi_suffix(in.bytes, request.start.suffixes, 1);
    assert_memory_equal(in.bytes + name.off, "lab.example.com", name.len);
    assert_int_equal(pthi_suffix(in.bytes, request.start.suffixes, 2).len, 0);
}

static void a_last_suffix_without_its_0_counts(void **state)
{
    (void)state;
    static const uint8_t k_names[] = { 0, 'a', 0, 0, 'b', 'c' };
    struct view all = { .off = 0, .len = sizeof k_names };
    assert_int_equal(pthi_suffix(k_names, all, 0).off, 1);
    assert_int_equal(pthi_suffix(k_names, all, 1).off, 4);
    assert_int_equal(pthi_suffix(k_names, all, 1).len, 2);
    assert_int_equal(pthi_suffix(k_names, all, 2).len, 0);
}

static void a_start_of_another_length_is_answered_with_4(void **state)
{
    (void)state;
    static const uint32_t k_lengths[] = { 0, 72, 74, 389, 391, 392, 394, 397 };
    for (size_t i = 0; i < sizeof k_lengths / sizeof *k_lengths; i++) {
        uint8_t in[512] = { 1, 1, 0, 0, 0x8b, 0, 0, 4 };
        static struct pthi_request request;
        uint32_t status = 0;
        in[8] = (uint8_t)(k_lengths[i] & 0xff);
        in[9] = (uint8_t)(k_lengths[i] >> 8);
        assert_int_equal(pthi_decode_request(in, 12 + k_lengths[i], &request, &status),
                         AMT_EMALFORMED); /* ACT-DEV-040 */
        assert_int_equal(status, PTHI_INVALID_LENGTH);
    }
}

static void requests_that_are_none_get_the_status_of_the_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t number, status;
        enum amt_err err;
    } k_cases[] = {
        { 67, PTHI_UNSUPPORTED, AMT_EUNKNOWN },      /* MEI-023 */
        { 68, PTHI_INVALID_LENGTH, AMT_EMALFORMED }, /* MEI-022 */
        { 69, PTHI_INVALID_LENGTH, AMT_EMALFORMED },
        { 70, PTHI_SUCCESS, AMT_EMALFORMED }, /* MEI-021: no answer */
        { 71, PTHI_SUCCESS, AMT_EMALFORMED },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        static struct message in, answer, out;
        static struct pthi_request request;
        uint32_t status = 0;
        assert_true(load_vector(k_cases[i].number, &in, &answer));
        assert_int_equal(pthi_decode_request(in.bytes, in.len, &request, &status), k_cases[i].err);
        assert_int_equal(status, k_cases[i].status);
        assert_int_equal(answer.len, status == PTHI_SUCCESS ? 0 : 16);
        if (status != PTHI_SUCCESS) {
            out.len = pthi_encode_status(request.command, status, out.bytes, sizeof out.bytes);
            assert_int_equal(out.len, answer.len); /* MEI-020 */
            assert_memory_equal(out.bytes, answer.bytes, answer.len);
        }
    }
}

static void data_behind_a_request_is_ignored_when_it_is_counted(void **state)
{
    (void)state;
    static const uint8_t k_in[] = { 1, 1, 0, 0, 0x11, 0, 0, 4, 3, 0, 0, 0, 7, 7, 7 };
    static struct pthi_request request;
    uint32_t status = 0;
    assert_int_equal(pthi_decode_request(k_in, sizeof k_in, &request, &status), AMT_OK);
    assert_int_equal(request.command, PTHI_GET_PROVISIONING_STATE);
}

static void zero_touch_is_read_without_a_number_and_set_with_one(void **state)
{
    (void)state;
    static const uint8_t k_get[] = { 1, 1, 0, 0, 0x30, 0, 0, 4, 0, 0, 0, 0 };
    static const uint8_t k_set[] = { 1, 1, 0, 0, 0x30, 0, 0, 4, 4, 0, 0, 0, 1, 0, 0, 0 };
    static struct pthi_request request;
    uint32_t status = 0;
    assert_int_equal(pthi_decode_request(k_get, sizeof k_get, &request, &status), AMT_OK);
    assert_false(request.has_number);
    assert_int_equal(pthi_decode_request(k_set, sizeof k_set, &request, &status), AMT_OK);
    assert_true(request.has_number);
    assert_int_equal(request.number, 1);
    uint8_t out[32];
    assert_int_equal(pthi_encode_request(&request, NULL, out, sizeof out), sizeof k_set);
    assert_memory_equal(out, k_set, sizeof k_set);
    struct pthi_response response = { .command = PTHI_ZERO_TOUCH };
    assert_int_equal(pthi_encode_response(&response, NULL, out, sizeof out), 16);
    response.number_count = 1;
    assert_int_equal(pthi_encode_response(&response, NULL, out, sizeof out), 20);
    assert_int_equal(pthi_decode_response(out, 16, PTHI_ZERO_TOUCH, &response), AMT_EMALFORMED);
    out[8] = 4;
    assert_int_equal(pthi_decode_response(out, 16, PTHI_ZERO_TOUCH, &response), AMT_OK);
    assert_int_equal(response.number_count, 0);
}

/* Every cut of every response, and every one with its length corrected. */
static void a_response_that_was_cut_is_malformed(void **state)
{
    (void)state;
    static struct message in, answer;
    static struct pthi_response response;
    static const uint32_t k_numbers[] = { 1, 3, 6, 12, 15, 16, 18, 20, 21, 25, 33, 53, 57, 58 };
    for (size_t i = 0; i < sizeof k_numbers / sizeof *k_numbers; i++) {
        assert_true(load_vector(k_numbers[i], &in, &answer));
        uint32_t command = in.bytes[4] | UINT32_C(0x4000000);
        uint32_t whole = answer.len - (k_numbers[i] == 25 ? 2 : 0); /* the padding may be missing */
        for (uint32_t cut = 0; cut < whole; cut++) {
            assert_int_equal(pthi_decode_response(answer.bytes, cut, command, &response),
                             AMT_EMALFORMED);
            if (cut >= 16) {
                answer.bytes[8] = (uint8_t)((cut - 12) & 0xff);
                answer.bytes[9] = (uint8_t)((cut - 12) >> 8);
                assert_int_equal(pthi_decode_response(answer.bytes, cut, command, &response),
                                 AMT_EMALFORMED);
            }
        }
    }
}

static void the_response_to_another_command_is_malformed(void **state)
{
    (void)state;
    static struct message in, answer;
    static struct pthi_response response;
    assert_true(load_vector(3, &in, &answer));
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_GET_CONTROL_MODE, &response),
        AMT_EMALFORMED);
    assert_int_equal(pthi_decode_response(in.bytes, in.len, PTHI_GET_PROVISIONING_STATE, &response),
                     AMT_EMALFORMED);
}

static void counts_above_their_limit_are_malformed(void **state)
{
    (void)state;
    static struct message in, answer;
    static struct pthi_response response;
    assert_true(load_vector(20, &in, &answer));
    answer.bytes[16] = PTHI_HANDLES_MAX + 1;
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_ENUMERATE_HASH_HANDLES, &response),
        AMT_EMALFORMED);
    assert_true(load_vector(1, &in, &answer));
    answer.bytes[16 + 65] = PTHI_VERSIONS_MAX + 1; /* MEI-026 */
    assert_int_equal(
        pthi_decode_response(answer.bytes, answer.len, PTHI_GET_CODE_VERSIONS, &response),
        AMT_EMALFORMED);
}

static void an_unknown_command_cannot_be_written(void **state)
{
    (void)state;
    uint8_t out[16];
    struct pthi_request request = { .command = 0x04000007 };
    struct pthi_response response = { .command = 0x04000007 };
    assert_int_equal(pthi_encode_request(&request, NULL, out, sizeof out), 0);
    assert_int_equal(pthi_encode_response(&response, NULL, out, sizeof out), 0);
    assert_int_equal(pthi_encode_status(0x04000007, PTHI_UNSUPPORTED, out, sizeof out), 16);
}

static void a_small_buffer_is_not_overrun_and_the_need_is_told(void **state)
{
    (void)state;
    uint8_t out[20];
    struct pthi_response response = { .command = PTHI_GET_UUID };
    memset(out, 0xee, sizeof out);
    for (uint32_t cap = 0; cap < sizeof out; cap++) {
        assert_int_equal(pthi_encode_response(&response, NULL, out, cap), 32);
        assert_int_equal(out[cap], 0xee);
    }
}

static void commands_and_statuses_have_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < k_pthi_command_count; i++) {
        assert_ptr_equal(pthi_describe(k_pthi_commands[i].command), &k_pthi_commands[i]);
        assert_true(k_pthi_commands[i].response_numbers <= PTHI_NUMBERS_MAX);
    }
    assert_string_equal(pthi_describe(PTHI_GET_CONTROL_MODE)->name, "GetControlMode");
    assert_string_equal(pthi_status_text(3), "not in this mode of AMT");
    assert_null(pthi_status_text(77));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_written_as_it_was_read),
        cmocka_unit_test(the_frames_of_activation_are_written_as_they_were_read),
        cmocka_unit_test(a_start_with_the_hash_of_a_leaf_equals_both_vectors),
        cmocka_unit_test(requests_are_made_from_their_fields),
        cmocka_unit_test(the_fields_of_answers_are_those_of_the_vectors),
        cmocka_unit_test(the_layouts_of_a_start_say_the_same),
        cmocka_unit_test(a_last_suffix_without_its_0_counts),
        cmocka_unit_test(a_start_of_another_length_is_answered_with_4),
        cmocka_unit_test(requests_that_are_none_get_the_status_of_the_vectors),
        cmocka_unit_test(data_behind_a_request_is_ignored_when_it_is_counted),
        cmocka_unit_test(zero_touch_is_read_without_a_number_and_set_with_one),
        cmocka_unit_test(a_response_that_was_cut_is_malformed),
        cmocka_unit_test(the_response_to_another_command_is_malformed),
        cmocka_unit_test(counts_above_their_limit_are_malformed),
        cmocka_unit_test(an_unknown_command_cannot_be_written),
        cmocka_unit_test(a_small_buffer_is_not_overrun_and_the_need_is_told),
        cmocka_unit_test(commands_and_statuses_have_names),
    };
    load_vectors();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
