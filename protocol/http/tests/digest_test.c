/* WSM-015, 016, 020, 021, 022: the vectors of wsman.md 1.6 and the forms clients send. */
#include "protocol/http/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define REALM "Digest:0123456789ABCDEF0123456789ABCDEF"
#define NONCE "AQIDBAUGBwgAAAAAEBESExQVFhcYGRob"

static void expect_response(const char *header_text, const char *body, const char *expected)
{
    struct digest_header header;
    uint8_t ha1[DIGEST_MD5_BYTES];
    char response[DIGEST_HEX_BYTES];
    assert_int_equal(digest_header_read(header_text, &header), AMT_OK);
    digest_ha1("admin", REALM, "P@ssw0rd", 8, ha1);
    struct digest_input input = { .ha1 = ha1,
                                  .method = "POST",
                                  .nonce = header.nonce,
                                  .nc = header.nc,
                                  .cnonce = header.cnonce,
                                  .qop = header.qop,
                                  .uri = header.uri,
                                  .body = body,
                                  .body_len = strlen(body) };
    digest_response(&input, response);
    assert_string_equal(response, expected);
    assert_true(digest_response_is(&header.response, expected));
}

static void test_ha1(void **state)
{
    static const uint8_t k_ha1[] = { 0xb6, 0x71, 0x04, 0x85, 0xf8, 0x6e, 0x61, 0x74,
                                     0xcc, 0xa7, 0x40, 0x45, 0x18, 0xdf, 0x56, 0xda };
    uint8_t ha1[DIGEST_MD5_BYTES];
    (void)state;
    digest_ha1("admin", REALM, "P@ssw0rd", 8, ha1);
    assert_memory_equal(ha1, k_ha1, sizeof k_ha1);
}

#define COMMON "username=\"admin\",realm=\"" REALM "\",nonce=\"" NONCE "\",uri=\"/wsman\""

static void test_vectors(void **state)
{
    (void)state;
    expect_response("Digest " COMMON ",qop=auth,response=\"997daf934f31dac9176a3a5681bfc92f\","
                    "nc=00000001,cnonce=\"0a4f113b\"",
                    "", "997daf934f31dac9176a3a5681bfc92f");
    expect_response("Digest " COMMON ",qop=\"auth\",response=\"d9f60fe4874efcbf04be1a341f40b0db\","
                    "nc=\"1\",cnonce=\"0a4f113b\"",
                    "", "d9f60fe4874efcbf04be1a341f40b0db");
    expect_response("Digest " COMMON ",qop=auth-int,nc=00000001,cnonce=\"0a4f113b\","
                    "response=\"b9b1dd1aef37bb5e4c98a03790dd13f0\"",
                    "<x/>", "b9b1dd1aef37bb5e4c98a03790dd13f0");
}

static void test_order_and_blanks(void **state)
{
    (void)state;
    expect_response("digest  cnonce=0a4f113b , nc = 00000001,qop=\"auth\" ,  response=\""
                    "997daf934f31dac9176a3a5681bfc92f\", uri=/wsman, nonce=" NONCE
                    ", username=\"admin\", realm=\"" REALM "\", charset=utf-8",
                    "", "997daf934f31dac9176a3a5681bfc92f");
}

static void test_what_is_refused(void **state)
{
    struct digest_header header;
    (void)state;
    assert_int_equal(digest_header_read("Basic YWRtaW46YWRtaW4=", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest username=\"admin", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest username", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest nc=1,nc=2", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest =1", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest realm=a\"b", &header), AMT_EMALFORMED);
    assert_int_equal(digest_header_read("Digest realm=a\\", &header), AMT_EMALFORMED);
}

/* The response is over the realm that the answer repeats, however long that is. */
static void test_a_long_realm_is_hashed_whole(void **state)
{
    struct text realm = { 0 };
    struct text challenge_text = { 0 };
    struct text out = { 0 };
    struct digest_header challenge;
    struct digest_header answer;
    uint8_t ha1[DIGEST_MD5_BYTES];
    char expected[DIGEST_HEX_BYTES];
    (void)state;
    for (int i = 0; i < 100; i++) {
        text_puts(&realm, "0123456789");
    }
    text_printf(&challenge_text, "Digest realm=\"%s\", nonce=\"n\"", text_chars(&realm));
    assert_int_equal(digest_header_read(text_chars(&challenge_text), &challenge), AMT_OK);
    struct digest_client client = { .user = "admin",
                                    .password = "P@ssw0rd",
                                    .password_len = 8,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "0a4f113b",
                                    .nc = 1 };
    digest_authorize(&out, &challenge, &client);
    assert_int_equal(digest_header_read(text_chars(&out), &answer), AMT_OK);
    digest_ha1("admin", text_chars(&realm), "P@ssw0rd", 8, ha1);
    struct digest_input input = {
        .ha1 = ha1, .method = "POST", .nonce = answer.nonce, .uri = answer.uri
    };
    digest_response(&input, expected);
    assert_true(digest_response_is(&answer.response, expected));
    text_fini(&realm);
    text_fini(&challenge_text);
    text_fini(&out);
}

static void test_short_responses_fail(void **state)
{
    static const char k_expected[] = "997daf934f31dac9176a3a5681bfc92f";
    struct digest_header header;
    (void)state;
    assert_int_equal(digest_header_read("Digest response=\"\"", &header), AMT_OK);
    assert_false(digest_response_is(&header.response, k_expected));
    assert_int_equal(digest_header_read("Digest response=\"997daf93\"", &header), AMT_OK);
    assert_false(digest_response_is(&header.response, k_expected));
    assert_int_equal(digest_header_read("Digest nc=1", &header), AMT_OK);
    assert_false(digest_response_is(&header.response, k_expected));
}

static void test_client_answers_a_challenge(void **state)
{
    struct digest_header challenge;
    struct text out = { 0 };
    (void)state;
    assert_int_equal(digest_header_read("Digest realm=\"" REALM "\", nonce=\"" NONCE
                                        "\",stale=\"false\",qop=\"auth-int, auth\"",
                                        &challenge),
                     AMT_OK);
    struct digest_client client = { .user = "admin",
                                    .password = "P@ssw0rd",
                                    .password_len = 8,
                                    .method = "POST",
                                    .uri = "/wsman",
                                    .cnonce = "0a4f113b",
                                    .nc = 1,
                                    .body = "<x/>",
                                    .body_len = 4 };
    digest_authorize(&out, &challenge, &client);
    assert_non_null(strstr(text_chars(&out), "997daf934f31dac9176a3a5681bfc92f"));
    expect_response(text_chars(&out), "<x/>", "997daf934f31dac9176a3a5681bfc92f");
    text_fini(&out);
    client.prefers_auth_int = true;
    digest_authorize(&out, &challenge, &client);
    expect_response(text_chars(&out), "<x/>", "b9b1dd1aef37bb5e4c98a03790dd13f0");
    text_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ha1),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_order_and_blanks),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_a_long_realm_is_hashed_whole),
        cmocka_unit_test(test_short_responses_fail),
        cmocka_unit_test(test_client_answers_a_challenge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
