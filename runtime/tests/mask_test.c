/* Secrets in channels: overwritten length for length, under any cutting; the rest stays. */
#include <string.h>

#include "base/unit.h"
#include "runtime/mask.h"

static void assert_masked_n(const void *text, const void *expected, uint32_t len)
{
    uint8_t out[1024];
    assert_true(len <= sizeof out);
    for (uint32_t step = 1; step <= len; step += step < 3 ? 1 : len / 2) {
        struct mask mask = { .state = MASK_START };
        memcpy(out, text, len);
        for (uint32_t at = 0; at < len; at += step) {
            mask_bytes(&mask, out + at, len - at < step ? len - at : step);
        }
        assert_memory_equal(out, expected, len);
    }
}

static void assert_masked(const char *text, const char *expected)
{
    assert_int_equal(strlen(text), strlen(expected));
    assert_masked_n(text, expected, (uint32_t)strlen(text));
}

static void passwords_in_envelopes_are_hidden(void **state)
{
    (void)state;
    assert_masked("<a:x><h:DigestPassword>3q2+7w==</h:DigestPassword><h:User>bob</h:User></a:x>",
                  "<a:x><h:DigestPassword>********</h:DigestPassword><h:User>bob</h:User></a:x>");
    assert_masked("<p:Password xmlns:p=\"a/b\">P@ss&lt;</p:Password>",
                  "<p:Password xmlns:p=\"a/b\">********</p:Password>");
    assert_masked("<PSKPassPhrase>abcdefgh</PSKPassPhrase>",
                  "<PSKPassPhrase>********</PSKPassPhrase>");
    assert_masked("<g:KeyBlob>MIIE</g:KeyBlob>", "<g:KeyBlob>****</g:KeyBlob>");
    assert_masked("<p:Password/>text<p:Password />more", "<p:Password/>text<p:Password />more");
    assert_masked("<PasswordModel>1</PasswordModel>", "<PasswordModel>1</PasswordModel>");
    assert_masked("Password: hunter2 a < b", "Password: hunter2 a < b");
}

static void credentials_in_headers_are_hidden(void **state)
{
    (void)state;
    assert_masked("POST /wsman HTTP/1.1\r\nauthorization: Basic YWRtaW46cHc=\r\nHost: a\r\n\r\n",
                  "POST /wsman HTTP/1.1\r\nauthorization: Basic ************\r\nHost: a\r\n\r\n");
    assert_masked(
        "A: b\r\nAuthorization: Digest username=\"admin\",response=\"0123abcd\",nc=1\r\nX: y",
        "A: b\r\nAuthorization: Digest username=\"admin\",response=\"********\",nc=1\r\nX: y");
    assert_masked("A: b\nAuthorization: Digest response=0123, qop=auth\n\n<Password>x</Password>",
                  "A: b\nAuthorization: Digest response=****, qop=auth\n\n<Password>*</Password>");
    assert_masked("A: b\r\nX-Authorization: Basic abc\r\n",
                  "A: b\r\nX-Authorization: Basic abc\r\n");
    assert_masked("A: b\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"n\"\r\n",
                  "A: b\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"n\"\r\n");
}

/* redirection.md 2.2, 3: start, then AuthenticateSession of method 1 and of method 4 */
static void answers_of_redirection_are_hidden(void **state)
{
    (void)state;
    static const char k_plain[] = "\x10\0\0\0SOL "
                                  "\x13\0\0\0\x01\x0b\0\0\0\x05"
                                  "admin\x04secr"
                                  "\x20\0\0\0<Password>x</Password>";
    static const char k_plain_shown[] = "\x10\0\0\0SOL "
                                        "\x13\0\0\0\x01\x0b\0\0\0\x05"
                                        "admin\x04****"
                                        "\x20\0\0\0<Password>x</Password>";
    static const char k_digest[] = "\x10\x01\0\0KVMR"
                                   "\x13\0\0\0\x04\x0f\0\0\0\x01"
                                   "a\x01r\0\x01/\x01"
                                   "c\x01n\x02"
                                   "xy\0\x12\0\0\0\x13\0\0\0\x04\0\0\0\0";
    static const char k_digest_shown[] = "\x10\x01\0\0KVMR"
                                         "\x13\0\0\0\x04\x0f\0\0\0\x01"
                                         "a\x01r\0\x01/\x01"
                                         "c\x01n\x02"
                                         "**\0\x12\0\0\0\x13\0\0\0\x04\0\0\0\0";
    assert_masked_n(k_plain, k_plain_shown, sizeof k_plain);
    assert_masked_n(k_digest, k_digest_shown, sizeof k_digest);
}

static void a_name_of_any_length_is_followed(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text);
    text[0] = '<';
    text[sizeof text - 1] = '\0';
    assert_masked(text, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_in_envelopes_are_hidden),
        cmocka_unit_test(credentials_in_headers_are_hidden),
        cmocka_unit_test(answers_of_redirection_are_hidden),
        cmocka_unit_test(a_name_of_any_length_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
