/* The server's side of RPS against a client by hand (activation.md 7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "mps/activation/rps.h"
#include "mps/activation/tests/certificates_fixture.h"
#include "protocol/activation/rps.h"
#include "protocol/http/digest.h"
#include "runtime/websocket.h"

#define U "12345678-9abc-def0-1234-56789abcdef0"

struct rps_hand {
    struct loop *loop;
    struct rps_server *server;
    struct activation_certificates *certificates;
    struct activation_log *activation_log;
    char dir[40], log_path[64];
    struct websocket *ws;
    struct arena arena;
    struct rps_message last;
    uint32_t received, progress;
    struct websocket_end end;
    bool has_ended;
    enum activation_failure failure; /* of the last result */
    bool is_short;                   /* of memory: messages are not looked at */
};

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    (void)ctx;
    *policy =
        (struct activation_policy){ .type = strcmp(name, "ccm") == 0 ? ACTIVATION_POLICY_CLIENT
                                                                     : ACTIVATION_POLICY_ADMIN };
    *group = "lab";
    return strcmp(name, "ccm") == 0 || strcmp(name, "acm") == 0;
}

static bool find_password(void *ctx, const struct uuid *uuid, struct secret *password)
{
    (void)ctx;
    (void)uuid;
    return secret_set(password, "St0red!pw", 9) == AMT_OK;
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    (void)uuid;
    assert_int_equal(result->outcome, ACTIVATION_FAILED);
    ((struct rps_hand *)ctx)->failure = result->failure;
}

static void on_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct rps_hand *h = ctx;
    assert_int_equal(kind, WEBSOCKET_TEXT);
    if (h->is_short) {
        return;
    }
    assert_int_equal(rps_read((const char *)in, len, &h->arena, &h->last, NULL), AMT_OK);
    h->received += 1;
    h->progress += h->last.method == RPS_PROGRESS ? 1 : 0;
}

static void on_end(void *ctx, const struct websocket_end *end)
{
    struct rps_hand *h = ctx;
    h->end = *end;
    h->has_ended = true;
}

static void run_for(struct rps_hand *h, uint64_t us)
{
    (void)loop_run_until(h->loop, NULL, NULL, loop_now_us(h->loop) + us);
}

static void connect_hand(struct rps_hand *h)
{
    static const struct websocket_handler k_handler = { .on_message = on_message,
                                                        .on_end = on_end };
    static const struct websocket_request k_request = { .target = "/any/path?x", .host = "rps" };
    static const struct websocket_settings k_settings = { .message_max_bytes = 0 };
    struct stream *here = NULL, *there = NULL;
    assert_int_equal(stream_memory_pair(h->loop, &here, &there), AMT_OK);
    rps_server_serve(h->server, there);
    h->ws = websocket_connect(h->loop, here, &k_request, &k_settings, &k_handler, h);
    assert_non_null(h->ws);
    run_for(h, 10000);
}

static void hand_init(struct rps_hand *h)
{
    static const struct virtual_world k_world = { .seed = 3 };
    struct amt_diag diag = { .err = AMT_OK };
    memset(h, 0, sizeof *h);
    h->loop = loop_new_virtual(&k_world, NULL);
    h->certificates = activation_certificates_new();
    assert_non_null(certificates_get(h->certificates, "root leaf int1 int2", "leaf.key"));
    (void)snprintf(h->dir, sizeof h->dir, "/tmp/amtlab-rps-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    (void)snprintf(h->log_path, sizeof h->log_path, "%s/log", h->dir);
    assert_int_equal(activation_log_open(h->log_path, NULL, &h->activation_log, &diag), AMT_OK);
    const struct rps_server_settings settings = { .activation = { .loop = h->loop,
                                                                  .certificates = h->certificates,
                                                                  .activation_log =
                                                                      h->activation_log },
                                                  .find_profile = find_profile,
                                                  .find_password = find_password,
                                                  .on_result = on_result,
                                                  .version = "2.40.0",
                                                  .ctx = h };
    h->server = rps_server_new(&settings);
    assert_non_null(h->server);
    connect_hand(h);
}

static void hand_fini(struct rps_hand *h)
{
    websocket_close(h->ws, WEBSOCKET_NORMAL, "");
    run_for(h, 10000);
    assert_int_equal(rps_server_count(h->server), 0);
    rps_server_free(h->server);
    activation_certificates_free(h->certificates);
    activation_log_close(h->activation_log);
    run_for(h, 10 * (uint64_t)US_PER_SECOND);
    loop_free(h->loop);
    arena_fini(&h->arena);
    (void)unlink(h->log_path);
    (void)rmdir(h->dir);
}

static void say_text(struct rps_hand *h, const char *json)
{
    assert_int_equal(websocket_send(h->ws, WEBSOCKET_TEXT, json, (uint32_t)strlen(json)), AMT_OK);
    run_for(h, 10000);
}

static void say(struct rps_hand *h, enum rps_method method, const char *text, const char *version,
                const void *payload, uint32_t len)
{
    struct text out = { 0 };
    const struct rps_message m = { .method = method,
                                   .method_text = text,
                                   .protocol_version = version,
                                   .payload = payload,
                                   .payload_len = len };
    rps_write(&out, RPS_FROM_CLIENT, &m);
    say_text(h, out.chars);
    text_fini(&out);
}

/* The payload of the vectors with one part replaced. */
#define HASH "6dbed506612f8cc87d28e49207d717646b33cb974cc4e7f0b9acbd4ed611693e"
static void first(struct rps_hand *h, const char *command, const char *version, const char *from,
                  const char *to)
{
    static const char k_payload[] =
        "{\"ver\":\"16.1.25\",\"build\":\"2049\",\"uuid\":\"" U "\",\"username\":\"$$OsAdmin\","
        "\"password\":\"abcdEFGH0123+/\",\"currentMode\":0,\"fqdn\":\"corp.example.com\","
        "\"client\":\"RPC\",\"certHashes\":[\"" HASH "\"]}";
    char payload[1024];
    const char *at = from == NULL ? NULL : strstr(k_payload, from);
    assert_true(from == NULL || at != NULL);
    if (at == NULL) {
        (void)snprintf(payload, sizeof payload, "%s", k_payload);
    } else {
        (void)snprintf(payload, sizeof payload, "%.*s%s%s", (int)(at - k_payload), k_payload, to,
                       at + strlen(from));
    }
    say(h, RPS_COMMAND, command, version, payload, (uint32_t)strlen(payload));
}

/* ACT-SRV-043, ACT-SRV-045: each row of 7.4. */
static void every_row_of_the_checks_has_its_text(void **state)
{
    static const struct {
        const char *command, *version, *from, *to, *text;
    } k_cases[] = {
        { "activate --profile acm", "4.0.0", "{\"ver\"", "nonsense",
          "Failed to parse client message payload. " },
        { "activate --profile acm", "4.0.0", "\"client\":\"RPC\",", "",
          "Invalid payload from client" },
        { "activate --profile acm", "4.0.0", "\"ver\":\"16.1.25\",", "",
          "Invalid payload from client" },
        { "activate --profile acm", "4.0.0", "\"uuid\":\"" U "\",", "",
          "Invalid payload from client" },
        { "activate --profile acm", "5.0.0", NULL, NULL, "protocol version NOT supported: 5.0.0" },
        { "activate --profile acm", "4.0.1", NULL, NULL, "protocol version NOT supported: 4.0.1" },
        { "activate --profile acm", "4", "abcdEFGH0123+/", "",
          "Device " U " activation failed. Missing password." },
        { "activate --profile other", "", NULL, NULL,
          "Device " U " activation failed. other does not match list of available AMT profiles." },
        { "activate --profile acm", "4.0", U, "short", " - uuid not valid length" },
        { "activate --profile acm", "4.0", "\"" HASH "\"", "",
          "Device " U " activation failed. Missing certificate hashes from the device." },
        { "activate --profile acm", "4.0", "corp.example.com", "",
          "Device " U " activation failed. Missing DNS Suffix." },
        { "activate --profile acm", "4.0", "corp.example.com", "other.test",
          "Device " U " activation failed. Specified AMT domain suffix: other.test does not match "
          "list of available AMT domain suffixes." },
        { "activate --profile ccm", "4.0", "Mode\":0", "Mode\":2",
          "Device " U " already enabled in admin control mode." },
        { "activate --profile acm", "4.0", "Mode\":0", "Mode\":3",
          "Device " U " activation failed. It is in unknown mode." },
        { "activate --profile acm", "4.0", "\"currentMode\":0,", "",
          "Device " U " activation failed. It is in unknown mode." },
        { "activate --profile acm", "4.0", "16.1.25", "6.2.10",
          "Device " U " activation failed. AMT version: 6.2.10. Version less than 7 cannot be "
          "remotely configured " },
        { "activate --profile acm", "4.0", "16.1.25", "11.6.1",
          "Device " U " activation failed. Please check with your OEM for a firmware update." },
        { "activate --profile acm", "4.0", "Mode\":0", "Mode\":1",
          "AMT password DOES NOT match stored version for Device " U },
        { "deactivate --password x", "4.0", NULL, NULL,
          "Device " U " is in pre-provisioning mode." },
        { "deactivate --password x", "4.0", "Mode\":0", "Mode\":2",
          "AMT password DOES NOT match stored version for Device " U },
        { "maintenance -password x --synctime", "4.0", "Mode\":0", "Mode\":2",
          "AMT password DOES NOT match stored version for Device " U },
        { "maintenance -password x", "4.0", "Mode\":0", "Mode\":2",
          "Device " U
          " maintenance failed. No task: synctime, synchostname, syncip, changepassword or "
          "syncdeviceinfo." },
        { "maintenance --synctime", "4.0", "EFGH0123+/\",\"currentMode\":0", "\",\"currentMode\":1",
          "AMT password DOES NOT match stored version for Device " U },
        { "maintenance -password x --synctime", "4.0", NULL, NULL,
          "Device " U " is in pre-provisioning mode." },
        { "maintenance -password x --synctime", "4.0", "Mode\":0", "Mode\":7",
          "Device " U " maintenance failed. It is in unknown mode." },
        { "activate --what", "4.0", NULL, NULL, "the option --what is not known" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct rps_hand h;
        hand_init(&h);
        first(&h, k_cases[i].command, k_cases[i].version, k_cases[i].from, k_cases[i].to);
        if (h.received != 1 || h.last.method != RPS_ERROR ||
            strstr(h.last.message, k_cases[i].text) == NULL) {
            fail_msg("case %zu: %s", i, h.received == 0 ? "no answer" : h.last.message);
        }
        if (k_cases[i].text[0] != ' ' && strncmp(k_cases[i].text, "Failed", 6) != 0) {
            assert_string_equal(h.last.message, k_cases[i].text);
        }
        assert_string_equal(h.last.status, "failed");
        assert_string_equal(h.last.app_version, "2.40.0");
        run_for(&h, 6 * (uint64_t)US_PER_SECOND);
        assert_true(h.has_ended);
        assert_int_equal(h.end.code, 1000);
        hand_fini(&h);
    }
}

static void what_is_no_first_message_is_answered(void **state)
{
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    say(&h, RPS_RESPONSE, NULL, "4.0.0", NULL, 0);
    assert_string_equal(h.last.message, "Device  Not a supported method received from AMT device");
    hand_fini(&h);
    hand_init(&h);
    say_text(&h, "{\"method\":");
    assert_non_null(strstr(h.last.message, "Failed to parse client message payload. not JSON"));
    hand_fini(&h);
    hand_init(&h); /* nothing at all */
    run_for(&h, 31 * (uint64_t)US_PER_SECOND);
    assert_true(h.has_ended);
    assert_int_equal(h.end.code, 1008);
    hand_fini(&h);
}

/* ACT-SRV-044 */
static void binary_and_long_messages_close_the_socket(void **state)
{
    (void)state;
    struct rps_hand h;
    char *large = amt_alloc(RPS_MESSAGE_MAX_BYTES + 2);
    memset(large, ' ', RPS_MESSAGE_MAX_BYTES + 1);
    hand_init(&h);
    assert_int_equal(websocket_send(h.ws, WEBSOCKET_BINARY, "{}", 2), AMT_OK);
    run_for(&h, 10000);
    assert_true(h.has_ended && h.received == 0);
    assert_int_equal(h.end.code, 1003);
    hand_fini(&h);
    hand_init(&h);
    assert_int_equal(websocket_send(h.ws, WEBSOCKET_TEXT, large, RPS_MESSAGE_MAX_BYTES + 1),
                     AMT_OK);
    run_for(&h, 10000);
    assert_true(h.has_ended && h.received == 0);
    assert_int_equal(h.end.code, 1009);
    hand_fini(&h);
    hand_init(&h); /* one less is a message, if not a good one */
    assert_int_equal(websocket_send(h.ws, WEBSOCKET_TEXT, large, RPS_MESSAGE_MAX_BYTES), AMT_OK);
    run_for(&h, 10000);
    assert_int_equal(h.received, 1);
    assert_int_equal(h.last.method, RPS_ERROR);
    hand_fini(&h);
    amt_free(large);
}

static const char *payload_text(struct rps_hand *h)
{
    return arena_text(&h->arena, (const char *)h->last.payload, h->last.payload_len);
}

static const char k_challenge[] =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\""
    "Digest:0123456789ABCDEF0123456789ABCDEF\", nonce=\"wlbEK1EtAAAAAAAAWW5aUHFp+mQQ1j63\","
    "stale=\"false\",qop=\"auth\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/* 7.5, 7.7: the request as RPS writes it, without and with a digest. */
static void requests_leave_as_rps_writes_them(void **state)
{
    static const char k_begins[] = "POST /wsman HTTP/1.1\r\nHost: " U ":16992\r\n"
                                   "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    first(&h, "activate --profile acm", "4.0.0", NULL, NULL);
    assert_int_equal(h.received, 1);
    assert_int_equal(h.last.method, RPS_WSMAN);
    const char *request = payload_text(&h);
    assert_memory_equal(request, k_begins, sizeof k_begins - 1);
    const char *chunk = request + sizeof k_begins - 1;
    char *body = NULL;
    unsigned long size = strtoul(chunk, &body, 16);
    assert_memory_equal(body, "\r\n<?xml", 7);
    assert_string_equal(body + 2 + size, "\r\n0\r\n\r\n");
    assert_non_null(strstr(body, "AMT_GeneralSettings"));
    say(&h, RPS_RESPONSE, NULL, "4.0.0", k_challenge, sizeof k_challenge - 1);
    assert_int_equal(h.received, 2);
    request = payload_text(&h);
    assert_memory_equal(request, "POST /wsman HTTP/1.1\r\nAuthorization: Digest username=\"", 54);
    assert_non_null(strstr(request, "username=\"$$OsAdmin\""));
    assert_non_null(strstr(request, "\r\nHost: " U ":16992\r\nTransfer-Encoding: chunked\r\n"));
    assert_int_equal(h.progress, 0); /* ACT-SRV-048 */
    hand_fini(&h);
}

/* ACT-SRV-047: the digest of the vector. */
static void the_digest_is_that_of_the_vector(void **state)
{
    uint8_t ha1[DIGEST_MD5_BYTES];
    char response[DIGEST_HEX_BYTES];
    (void)state;
    digest_ha1("$$OsAdmin", "Digest:0123456789ABCDEF0123456789ABCDEF", "abcdEFGH0123+/", 14, ha1);
#define FIELD(chars)                                                \
    {                                                               \
        .text = (chars), .len = sizeof(chars) - 1, .is_there = true \
    }
    const struct digest_input input = { .ha1 = ha1,
                                        .method = "POST",
                                        .nonce = FIELD("wlbEK1EtAAAAAAAAWW5aUHFp+mQQ1j63"),
                                        .nc = FIELD("00000001"),
                                        .cnonce = FIELD("abcdefg"),
                                        .qop = FIELD("auth"),
                                        .uri = FIELD("/wsman") };
    digest_response(&input, response);
    assert_string_equal(response, "2527fa977660b5bec8becdfdf88502a9");
}

/* 7.6: what only reads is asked again after 12 s, three times in all; then it is F58 or F38. */
static void a_read_without_a_response_is_repeated(void **state)
{
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    first(&h, "activate --profile acm", "4.0.0", NULL, NULL);
    assert_int_equal(h.received, 1);
    run_for(&h, 11 * (uint64_t)US_PER_SECOND);
    assert_int_equal(h.received, 1);
    run_for(&h, 2 * (uint64_t)US_PER_SECOND);
    assert_int_equal(h.received, 2);
    run_for(&h, 12 * (uint64_t)US_PER_SECOND);
    assert_int_equal(h.received, 3);
    assert_int_equal(h.last.method, RPS_WSMAN);
    run_for(&h, 120 * (uint64_t)US_PER_SECOND);
    assert_int_equal(h.last.method, RPS_ERROR);
    assert_non_null(strstr(h.last.message, "{\"Status\":\"Device " U " activation failed. ACT-F-"));
    hand_fini(&h);
}

/* An answer to something that was asked before is not taken for the present one. */
static void a_stale_response_is_passed_over(void **state)
{
    static const char k_stale[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n25\r\n"
                                  "<b:RelatesTo>no such id</b:RelatesTo>\r\n0\r\n\r\n";
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    first(&h, "activate --profile acm", "4.0.0", NULL, NULL);
    say(&h, RPS_RESPONSE, NULL, "4.0.0", k_stale, sizeof k_stale - 1);
    say(&h, RPS_HEARTBEAT_RESPONSE, NULL, "4.0.0", NULL, 0);
    assert_int_equal(h.received, 1);
    say(&h, RPS_RESPONSE, NULL, "4.0.0", k_challenge, sizeof k_challenge - 1);
    assert_int_equal(h.received, 2);
    assert_int_equal(h.last.method, RPS_WSMAN);
    hand_fini(&h);
}

static void another_command_in_the_middle_ends_it(void **state)
{
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    first(&h, "activate --profile acm", "4.0.0", NULL, NULL);
    first(&h, "activate --profile acm", "4.0.0", NULL, NULL);
    assert_int_equal(h.last.method, RPS_ERROR);
    assert_string_equal(h.last.message,
                        "Device " U " Not a supported method received from AMT device");
    hand_fini(&h);
}

/* Only to who said it wants it; an error of the device is late, so it is JSON. */
static void progress_goes_to_who_asked_for_it(void **state)
{
    (void)state;
    struct rps_hand h;
    hand_init(&h);
    first(&h, "activate --profile acm", "4.0.0", "\"client\"",
          "\"progressSupported\":true,\"client\"");
    assert_true(h.progress > 0);
    say(&h, RPS_CONNECTION_RESET, NULL, "4.0.0", "lms_error", 9);
    run_for(&h, 200 * (uint64_t)US_PER_SECOND);
    assert_int_equal(h.last.method, RPS_ERROR);
    assert_non_null(strstr(h.last.message, "ACT-F-"));
    hand_fini(&h);
}

/* What a log and the API name is the code; the client gets the text of 7.4. */
static void refusals_have_their_code(void **state)
{
    static const struct {
        const char *profile, *version, *from, *to, *code;
    } k_cases[] = {
        { "activate --profile other", "4.0", NULL, NULL, "ACT-F-55" },
        { "activate --profile acm", "5.0", NULL, NULL, "ACT-F-56" },
        { "activate --profile acm", "4.0", "\"" HASH "\"", "", "ACT-F-03" },
        { "activate --profile acm", "4.0", "corp.example.com", "", "ACT-F-05" },
        { "activate --profile acm", "4.0", "corp.example.com", "other.test", "ACT-F-06" },
        { "activate --profile ccm", "4.0", "Mode\":0", "Mode\":2", "ACT-F-09" },
        { "activate --profile acm", "4.0", "abcdEFGH0123+/", "", "ACT-F-37" },
        { "activate --profile acm", "4.0", "Mode\":0", "Mode\":1", "ACT-F-53" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct rps_hand h;
        hand_init(&h);
        first(&h, k_cases[i].profile, k_cases[i].version, k_cases[i].from, k_cases[i].to);
        assert_string_equal(activation_failure_code(h.failure), k_cases[i].code);
        hand_fini(&h);
    }
}

/* Whichever allocation fails, the client is answered or sent away, and nothing is left over. */
static void without_memory_a_client_is_sent_away(void **state)
{
    (void)state;
    for (uint64_t k = 1; k < 120; k += 2) {
        struct rps_hand h;
        struct text out = { 0 };
        char payload[300];
        int len = snprintf(payload, sizeof payload,
                           "{\"ver\":\"16.1.25\",\"build\":\"2049\",\"uuid\":\"" U
                           "\",\"username\":\"u\",\"password\":\"p\",\"currentMode\":0,"
                           "\"client\":\"RPC\",\"progressSupported\":true}");
        const struct rps_message m = { .method = RPS_COMMAND,
                                       .method_text = "activate --profile ccm",
                                       .payload = (const uint8_t *)payload,
                                       .payload_len = (uint32_t)len };
        hand_init(&h);
        rps_write(&out, RPS_FROM_CLIENT, &m);
        h.is_short = true;
        assert_int_equal(websocket_send(h.ws, WEBSOCKET_TEXT, out.chars, (uint32_t)out.len),
                         AMT_OK);
        amt_memory_fail_after(k);
        run_for(&h, 30000);
        amt_memory_fail_after(0);
        run_for(&h, 200 * (uint64_t)US_PER_SECOND);
        assert_int_equal(rps_server_count(h.server), 0);
        text_fini(&out);
        hand_fini(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_checks_has_its_text),
        cmocka_unit_test(refusals_have_their_code),
        cmocka_unit_test(what_is_no_first_message_is_answered),
        cmocka_unit_test(binary_and_long_messages_close_the_socket),
        cmocka_unit_test(requests_leave_as_rps_writes_them),
        cmocka_unit_test(the_digest_is_that_of_the_vector),
        cmocka_unit_test(a_read_without_a_response_is_repeated),
        cmocka_unit_test(a_stale_response_is_passed_over),
        cmocka_unit_test(another_command_in_the_middle_ends_it),
        cmocka_unit_test(without_memory_a_client_is_sent_away),
        cmocka_unit_test(progress_goes_to_who_asked_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
