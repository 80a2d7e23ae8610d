/*
 * The web server of a simulated firmware: HTTP, digest logon, WS-Management and pages on one connection.
 * Byte 0: bits 0-1 size of the pieces, bit 2 the client ends with FIN, bit 3 with a reset, bit 4 the
 * firmware goes while it is being asked, bit 5 byte 3 means something. The rest is what the client sends; byte 1 in it stands for an
 * Authorization line with a right response, byte 2 for the rest of a Get with its length, byte 3 for a
 * GenerateKeyPair (which answers later), byte 4 for an Unprovision, byte 5 and a count for an
 * Authorization line with that many digits of a right response, 32 with one of them changed.
 * Oracles: what the device says is HTTP, whole unless someone cut it; without a right response no envelope
 * comes, not even a fault; nothing is left over, whoever goes first.
 */
#include <http_parser.h>
#include <string.h>

#include "base/text.h"
#include "fuzz/target.h"
#include "protocol/http/digest.h"
#include "protocol/wsman/request.h"
#include "simulator/firmware/firmware.h"
#include "simulator/firmware/provisioning.h"

struct run {
    struct loop *loop;
    struct firmware *firmware;
    struct text received;
    bool has_head, has_logged_on;
};

static bool contains(const char *text, size_t len, const char *part)
{
    size_t part_len = strlen(part);
    for (size_t i = 0; i + part_len <= len; i++) {
        if (memcmp(text + i, part, part_len) == 0) {
            return true;
        }
    }
    return false;
}

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct run *)ctx)->received, (const char *)in, len);
}

static const struct stream_handler k_client = { .on_data = on_data };

static void run_for(struct run *r, uint64_t us)
{
    (void)loop_run_until(r->loop, NULL, NULL, loop_now_us(r->loop) + us);
}

static const struct firmware_profile *profile(void)
{
    static struct firmware_profile *made;
    static struct firmware_config config;
    if (made == NULL) {
        FUZZ_REQUIRE(config_read(firmware_config_keys, NULL, "fuzz", &config, NULL) == AMT_OK);
        made = firmware_profile_new(&config, "fuzz", NULL);
        FUZZ_REQUIRE(made != NULL);
    }
    return made;
}

/* One connection: what is sent, in pieces, and how it ends. Its stream, while the client has it. */
static struct stream *converse(struct run *r, const struct text *bytes, size_t piece)
{
    struct stream *client = NULL;
    struct stream *server = NULL;
    FUZZ_REQUIRE(stream_memory_pair(r->loop, &client, &server) == AMT_OK);
    stream_set_handler(client, &k_client, r);
    firmware_serve(r->firmware, server, FIRMWARE_NETWORK);
    for (size_t at = 0; at < bytes->len; at += piece) {
        size_t n = bytes->len - at < piece ? bytes->len - at : piece;
        if (stream_write(client, bytes->chars + at, (uint32_t)n) != AMT_OK) {
            break;
        }
        run_for(r, 1000);
    }
    return client;
}

/* A line that logs on as the administrator, from a challenge of this device. */
static void take_authorization(struct run *r, struct text *line)
{
    static const char k_ask[] = "POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    struct text ask = { 0 };
    struct digest_header challenge;
    text_puts(&ask, k_ask);
    struct stream *client = converse(r, &ask, 4096);
    run_for(r, US_PER_SECOND);
    stream_close(client);
    text_fini(&ask);
    char *header = strstr(text_chars(&r->received), "Digest realm=");
    FUZZ_REQUIRE(header != NULL);
    *strstr(header, "\r\n") = '\0';
    FUZZ_REQUIRE(digest_header_read(header, &challenge) == AMT_OK);
    struct digest_client admin = { .user = "admin",
                                   .password = "P@ssw0rd",
                                   .password_len = 8,
                                   .method = "POST",
                                   .uri = "/wsman",
                                   .cnonce = "0a4f113b",
                                   .nc = 1 };
    text_puts(line, "Authorization: ");
    digest_authorize(line, &challenge, &admin);
    text_puts(line, "\r\n");
    text_fini(&r->received);
    r->received = (struct text){ 0 };
}

/* CVE-2017-5689: a response of fewer digits, none above all, must not be compared with so many. */
static void put_almost(struct text *out, const struct text *authorization, uint8_t count)
{
    static const char k_name[] = ",response=\"";
    const char *line = text_chars(authorization);
    const char *digits = strstr(line, k_name);
    FUZZ_REQUIRE(digits != NULL);
    digits += sizeof k_name - 1;
    size_t kept = count % 33u;
    text_append(out, line, (size_t)(digits - line));
    if (kept == 32) {
        text_puts(out, digits[0] == '0' ? "1" : "0");
        text_append(out, digits + 1, 31);
    } else {
        text_append(out, digits, kept);
    }
    text_puts(out, digits + 32);
}

static void put_call(struct text *out, const char *class_name, const char *method)
{
    struct text body = { 0 };
    struct arena arena = { 0 };
    struct wsman_call call = { .operation = method == NULL ? WSMAN_GET : WSMAN_METHOD,
                               .class_name = class_name,
                               .method = method };
    struct wsman_instance *input = wsman_instance_new(&arena, class_name);
    if (method != NULL && strcmp(method, "GenerateKeyPair") == 0) {
        wsman_set_u64(input, "KeyAlgorithm", 0);
        wsman_set_u64(input, "KeyLength", 2048);
    } else if (method != NULL) {
        wsman_set_u64(input, "ProvisioningMode", 1);
    }
    call.body = method == NULL ? NULL : input;
    wsman_write_call(&body, &call);
    text_printf(out, "Content-Length: %zu\r\n\r\n%s", body.len, text_chars(&body));
    text_fini(&body);
    arena_fini(&arena);
}

static void expand(struct run *r, uint8_t flavour, const uint8_t *in, size_t len, struct text *out)
{
    struct text authorization = { 0 };
    bool makes_keys =
        (flavour & 32) != 0; /* once an input: it takes as long as a thousand others */
    take_authorization(r, &authorization);
    for (size_t i = 0; i < len && out->len < 65536; i++) {
        if (in[i] == 1) {
            text_append(out, authorization.chars, authorization.len);
            r->has_logged_on = true;
        } else if (in[i] == 5 && i + 1 < len) {
            put_almost(out, &authorization, in[++i]);
        } else if (in[i] == 2) {
            put_call(out, "AMT_GeneralSettings", NULL);
        } else if (in[i] == 3 && makes_keys) {
            makes_keys = false;
            put_call(out, "AMT_PublicKeyManagementService", "GenerateKeyPair");
        } else if (in[i] == 4) {
            put_call(out, "AMT_SetupAndConfigurationService", "Unprovision");
        } else {
            text_append(out, (const char *)&in[i], 1);
        }
    }
    text_fini(&authorization);
}

static int on_answer(http_parser *parser)
{
    unsigned status = parser->status_code;
    FUZZ_REQUIRE(status == 100 || status == 200 || status == 303 ||
                 (status >= 400 && status <= 500));
    return 0;
}

static void check_answers(struct run *r, bool may_be_cut)
{
    static const http_parser_settings k_settings = { .on_message_complete = on_answer };
    http_parser parser;
    http_parser_init(&parser, HTTP_RESPONSE);
    size_t used = http_parser_execute(&parser, &k_settings, r->received.chars, r->received.len);
    /* The answer to a HEAD has a length and no body: the parser cannot know. */
    FUZZ_REQUIRE(used == r->received.len || may_be_cut || r->has_head);
    FUZZ_REQUIRE(r->has_logged_on ||
                 !contains(text_chars(&r->received), r->received.len, "<a:Envelope"));
}

static void run_once(struct run *r, uint8_t flavour, const uint8_t *in, size_t len)
{
    static const size_t k_pieces[] = { 1, 7, 200, 65536 };
    struct text bytes = { 0 };
    expand(r, flavour, in, len, &bytes);
    r->has_head = contains(text_chars(&bytes), bytes.len, "HEAD");
    struct stream *client = converse(r, &bytes, k_pieces[flavour & 3]);
    bool goes = (flavour & 16) != 0;
    if (goes) {
        firmware_free(r->firmware);
        r->firmware = NULL;
    } else if ((flavour & 8) != 0) {
        stream_reset(client);
        client = NULL;
    } else if ((flavour & 4) != 0) {
        stream_shutdown(client);
    }
    run_for(r, 60u * (uint64_t)US_PER_SECOND);
    stream_close(client);
    run_for(r, US_PER_SECOND);
    check_answers(r, goes || (flavour & 8) != 0);
    text_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct run r = { .loop = NULL };
    if (size < 1 || size > 2048) {
        return 0;
    }
    r.loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(r.loop != NULL);
    struct firmware_settings settings = { .profile = profile(), .seed = 1 };
    memset(settings.uuid.bytes, 7, sizeof settings.uuid.bytes);
    r.firmware = firmware_new(r.loop, &settings, NULL);
    FUZZ_REQUIRE(r.firmware != NULL);
    run_once(&r, data[0], data + 1, size - 1);
    firmware_free(r.firmware);
    run_for(&r, 10u * (uint64_t)US_PER_SECOND);
    text_fini(&r.received);
    loop_free(r.loop);
    return 0;
}
