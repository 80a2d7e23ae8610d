/*
 * Digest headers, both kinds: the input is the value of an Authorization or WWW-Authenticate header.
 * Oracles: every field is a view into the header; blanks around it and the case of its scheme change
 * nothing; written again with every value quoted it reads the same; what we answer to it as a challenge
 * can be read, names our user, repeats realm and nonce, and carries the response that a server works out.
 */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "fuzz/target.h"
#include "protocol/http/digest.h"

#define FIELDS 11

static const char *const k_names[FIELDS] = { "username", "realm", "nonce",    "uri",
                                             "qop",      "nc",    "cnonce",   "response",
                                             "opaque",   "stale", "algorithm" };

static const struct digest_field *field_at(const struct digest_header *header, int i)
{
    const struct digest_field *const fields[FIELDS] = {
        &header->username, &header->realm, &header->nonce,    &header->uri,
        &header->qop,      &header->nc,    &header->cnonce,   &header->response,
        &header->opaque,   &header->stale, &header->algorithm
    };
    return fields[i];
}

static bool is_equal(const struct digest_field *a, const struct digest_field *b)
{
    return a->is_there == b->is_there && a->len == b->len &&
           (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

static void require_same(const struct digest_header *a, const struct digest_header *b)
{
    for (int i = 0; i < FIELDS; i++) {
        FUZZ_REQUIRE(is_equal(field_at(a, i), field_at(b, i)));
    }
}

static void check_views(const char *text, const struct digest_header *header)
{
    const char *end = text + strlen(text);
    for (int i = 0; i < FIELDS; i++) {
        const struct digest_field *field = field_at(header, i);
        if (field->is_there) {
            FUZZ_REQUIRE(field->text >= text && field->text <= end);
            FUZZ_REQUIRE(field->len <= (size_t)(end - field->text));
        } else {
            FUZZ_REQUIRE(field->len == 0);
        }
    }
}

static void check_blanks(const char *text, const struct digest_header *header)
{
    struct text spaced = { 0 };
    struct digest_header again;
    text_printf(&spaced, " \t%s, ", text);
    char *scheme = strchr(text_chars(&spaced), 'D');
    if (scheme != NULL && strncmp(scheme, "Digest", 6) == 0 && scheme == spaced.chars + 2) {
        *scheme = 'd';
    }
    FUZZ_REQUIRE(digest_header_read(text_chars(&spaced), &again) == AMT_OK);
    require_same(header, &again);
    text_fini(&spaced);
}

static void check_rewritten(const struct digest_header *header)
{
    struct text out = { 0 };
    struct digest_header again;
    text_puts(&out, "Digest ");
    for (int i = 0; i < FIELDS; i++) {
        const struct digest_field *field = field_at(header, i);
        if (field->is_there) {
            text_printf(&out, "%s = \"", k_names[i]);
            text_append(&out, field->text, field->len);
            text_puts(&out, "\" ,");
        }
    }
    FUZZ_REQUIRE(digest_header_read(text_chars(&out), &again) == AMT_OK);
    require_same(header, &again);
    text_fini(&out);
}

/* The server's arithmetic, from what arrived alone. */
static void check_answer(const struct digest_header *challenge, const struct digest_client *client,
                         const char *text)
{
    struct digest_header answer;
    uint8_t ha1[DIGEST_MD5_BYTES];
    char expected[DIGEST_HEX_BYTES];
    FUZZ_REQUIRE(digest_header_read(text, &answer) == AMT_OK);
    FUZZ_REQUIRE(digest_field_is(&answer.username, client->user));
    FUZZ_REQUIRE(digest_field_is(&answer.uri, client->uri));
    FUZZ_REQUIRE(answer.qop.is_there == challenge->qop.is_there);
    FUZZ_REQUIRE(!challenge->realm.is_there || is_equal(&answer.realm, &challenge->realm));
    FUZZ_REQUIRE(!challenge->nonce.is_there || is_equal(&answer.nonce, &challenge->nonce));
    FUZZ_REQUIRE(is_equal(&answer.opaque, &challenge->opaque));
    struct text realm = { 0 };
    text_append(&realm, answer.realm.text, answer.realm.len);
    digest_ha1(client->user, text_chars(&realm), client->password, client->password_len, ha1);
    text_fini(&realm);
    struct digest_input input = { .ha1 = ha1,
                                  .method = client->method,
                                  .nonce = answer.nonce,
                                  .nc = answer.nc,
                                  .cnonce = answer.cnonce,
                                  .qop = answer.qop,
                                  .uri = answer.uri,
                                  .body = client->body,
                                  .body_len = client->body_len };
    digest_response(&input, expected);
    FUZZ_REQUIRE(digest_response_is(&answer.response, expected));
}

static void check_authorize(const struct digest_header *challenge, bool prefers_auth_int)
{
    struct text out = { 0 };
    struct digest_client client = { .user = "admin",
                                    .password = "P@ssw0rd",
                                    .password_len = 8,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "0a4f113b",
                                    .nc = 1,
                                    .body = "<x/>",
                                    .body_len = 4,
                                    .prefers_auth_int = prefers_auth_int };
    digest_authorize(&out, challenge, &client);
    FUZZ_REQUIRE(!out.failed);
    check_answer(challenge, &client, text_chars(&out));
    text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest_header header;
    char expected[DIGEST_HEX_BYTES] = "00000000000000000000000000000000";
    if (size > 2048) {
        return 0;
    }
    char *text = amt_alloc(size + 1);
    FUZZ_REQUIRE(text != NULL);
    memcpy(text, data, size); /* a 0 inside ends it, as it would end a header */
    if (digest_header_read(text, &header) == AMT_OK) {
        check_views(text, &header);
        check_blanks(text, &header);
        check_rewritten(&header);
        check_authorize(&header, false);
        check_authorize(&header, true);
        FUZZ_REQUIRE(!digest_response_is(&header.response, expected) || header.response.len == 32);
    }
    amt_free(text);
    return 0;
}
