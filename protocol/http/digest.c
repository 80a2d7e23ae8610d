#include "protocol/http/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_separators(const char *at)
{
    while (is_blank(*at) || *at == ',') {
        at++;
    }
    return at;
}

static struct digest_field *field_named(struct digest_header *header, const char *name, size_t len)
{
    const struct {
        const char *name;
        struct digest_field *field;
    } fields[] = { { "username", &header->username },
                   { "realm", &header->realm },
                   { "nonce", &header->nonce },
                   { "uri", &header->uri },
                   { "qop", &header->qop },
                   { "response", &header->response },
                   { "nc", &header->nc },
                   { "cnonce", &header->cnonce },
                   { "opaque", &header->opaque },
                   { "algorithm", &header->algorithm },
                   { "stale", &header->stale } };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strlen(fields[i].name) == len && strncasecmp(fields[i].name, name, len) == 0) {
            return fields[i].field;
        }
    }
    return NULL;
}

/* The value at `at`, quoted or bare; *end behind it. False for a quote that does not end, or that
 * stands inside a bare value, where a backslash may not stand either (they would change their meaning
 * when the value is repeated in quotes). */
static bool read_value(const char *at, struct digest_field *value, const char **end)
{
    value->is_there = true;
    if (*at != '"') {
        value->text = at;
        while (*at != '\0' && *at != ',' && !is_blank(*at)) {
            at++;
        }
        value->len = (uint32_t)(at - value->text);
        *end = at;
        return memchr(value->text, '"', value->len) == NULL &&
               memchr(value->text, '\\', value->len) == NULL;
    }
    value->text = ++at;
    while (*at != '\0' && *at != '"') {
        at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
    }
    value->len = (uint32_t)(at - value->text);
    *end = *at == '"' ? at + 1 : at;
    return *at == '"';
}

/* One `name = value`; *at moves behind it. */
static enum amt_err read_parameter(const char **at, struct digest_header *out)
{
    const char *name = *at;
    size_t len = strcspn(name, "=, \t\"");
    const char *equals = name + len;
    while (is_blank(*equals)) {
        equals++;
    }
    if (len == 0 || *equals != '=') {
        return AMT_EMALFORMED;
    }
    equals++;
    while (is_blank(*equals)) {
        equals++;
    }
    struct digest_field value = { 0 };
    if (!read_value(equals, &value, at)) {
        return AMT_EMALFORMED;
    }
    struct digest_field *field = field_named(out, name, len);
    if (field != NULL && field->is_there) {
        return AMT_EMALFORMED;
    }
    if (field != NULL) {
        *field = value;
    }
    return AMT_OK;
}

enum amt_err digest_header_read(const char *header, struct digest_header *out)
{
    *out = (struct digest_header){ .username = { 0 } };
    while (is_blank(*header)) {
        header++;
    }
    if (strncasecmp(header, "Digest", 6) != 0 || !is_blank(header[6])) {
        return AMT_EMALFORMED;
    }
    const char *at = skip_separators(header + 6);
    while (*at != '\0') {
        TRY(read_parameter(&at, out));
        at = skip_separators(at);
    }
    return AMT_OK;
}

bool digest_field_is(const struct digest_field *field, const char *text)
{
    return field->is_there && field->len == strlen(text) &&
           memcmp(field->text, text, field->len) == 0;
}

static void md5_add(EVP_MD_CTX *md5, const void *bytes, size_t len)
{
    (void)EVP_DigestUpdate(md5, bytes, len);
}

static void md5_add_field(EVP_MD_CTX *md5, const struct digest_field *field)
{
    if (field->is_there) {
        md5_add(md5, field->text, field->len);
    }
}

static void md5_add_text(EVP_MD_CTX *md5, const char *text)
{
    md5_add(md5, text, strlen(text));
}

/* NULL without memory: the digest is then all zero, which matches nothing (md5_end). */
static EVP_MD_CTX *md5_begin(void)
{
    EVP_MD_CTX *md5 = EVP_MD_CTX_new();
    if (md5 != NULL && EVP_DigestInit_ex(md5, EVP_md5(), NULL) != 1) {
        EVP_MD_CTX_free(md5);
        md5 = NULL;
    }
    return md5;
}

static bool md5_end(EVP_MD_CTX *md5, uint8_t out[static DIGEST_MD5_BYTES])
{
    bool is_good = md5 != NULL && EVP_DigestFinal_ex(md5, out, NULL) == 1;
    EVP_MD_CTX_free(md5);
    return is_good;
}

static void hex(const uint8_t in[static DIGEST_MD5_BYTES], char out[static DIGEST_HEX_BYTES])
{
    static const char k_digits[] = "0123456789abcdef";
    for (int i = 0; i < DIGEST_MD5_BYTES; i++) {
        out[2 * i] = k_digits[in[i] >> 4];
        out[2 * i + 1] = k_digits[in[i] & 15];
    }
    out[2 * DIGEST_MD5_BYTES] = '\0';
}

static void ha1_of(const char *user, const struct digest_field *realm, const char *password,
                   size_t password_len, uint8_t out[static DIGEST_MD5_BYTES])
{
    EVP_MD_CTX *md5 = md5_begin();
    memset(out, 0, DIGEST_MD5_BYTES);
    if (md5 != NULL) {
        md5_add_text(md5, user);
        md5_add_text(md5, ":");
        md5_add_field(md5, realm);
        md5_add_text(md5, ":");
        md5_add(md5, password, password_len);
        (void)md5_end(md5, out);
    }
}

static struct digest_field field_of(const char *text)
{
    return (struct digest_field){ .text = text, .len = (uint32_t)strlen(text), .is_there = true };
}

void digest_ha1(const char *user, const char *realm, const char *password, size_t password_len,
                uint8_t out[static DIGEST_MD5_BYTES])
{
    struct digest_field field = field_of(realm);
    ha1_of(user, &field, password, password_len, out);
}

static bool body_hash(const struct digest_input *input, char out[static DIGEST_HEX_BYTES])
{
    uint8_t digest[DIGEST_MD5_BYTES];
    EVP_MD_CTX *md5 = md5_begin();
    if (md5 != NULL) {
        md5_add(md5, input->body, input->body_len);
    }
    bool is_good = md5_end(md5, digest);
    if (is_good) {
        hex(digest, out);
    }
    return is_good;
}

/* MD5(method:uri), for auth-int MD5(method:uri:MD5(body)). */
static bool ha2(const struct digest_input *input, char out[static DIGEST_HEX_BYTES])
{
    uint8_t digest[DIGEST_MD5_BYTES];
    char body[DIGEST_HEX_BYTES];
    bool is_int = digest_field_is(&input->qop, "auth-int");
    EVP_MD_CTX *md5 = is_int && !body_hash(input, body) ? NULL : md5_begin();
    if (md5 != NULL) {
        md5_add_text(md5, input->method);
        md5_add_text(md5, ":");
        md5_add_field(md5, &input->uri);
        if (is_int) {
            md5_add_text(md5, ":");
            md5_add_text(md5, body);
        }
    }
    bool is_good = md5_end(md5, digest);
    if (is_good) {
        hex(digest, out);
    }
    return is_good;
}

void digest_response(const struct digest_input *input, char out[static DIGEST_HEX_BYTES])
{
    uint8_t digest[DIGEST_MD5_BYTES];
    char ha1_hex[DIGEST_HEX_BYTES];
    char ha2_hex[DIGEST_HEX_BYTES];
    hex(input->ha1, ha1_hex);
    EVP_MD_CTX *md5 = ha2(input, ha2_hex) ? md5_begin() : NULL;
    out[0] = '\0'; /* equals no response */
    if (md5 == NULL) {
        return;
    }
    md5_add_text(md5, ha1_hex);
    md5_add_text(md5, ":");
    md5_add_field(md5, &input->nonce);
    if (input->qop.is_there) {
        md5_add_text(md5, ":");
        md5_add_field(md5, &input->nc);
        md5_add_text(md5, ":");
        md5_add_field(md5, &input->cnonce);
        md5_add_text(md5, ":");
        md5_add_field(md5, &input->qop);
    }
    md5_add_text(md5, ":");
    md5_add_text(md5, ha2_hex);
    if (md5_end(md5, digest)) {
        hex(digest, out);
    }
}

bool digest_response_is(const struct digest_field *response, const char expected[static 33])
{
    return response->is_there && response->len == 32 && strlen(expected) == 32 &&
           CRYPTO_memcmp(response->text, expected, 32) == 0;
}

/* Whether a comma list has the word. */
static bool offers(const struct digest_field *qop, const char *word)
{
    size_t word_len = strlen(word);
    uint32_t at = 0;
    while (qop->is_there && at < qop->len) {
        uint32_t from = at;
        while (at < qop->len && qop->text[at] != ',' && !is_blank(qop->text[at])) {
            at++;
        }
        if (at - from == word_len && memcmp(qop->text + from, word, word_len) == 0) {
            return true;
        }
        at++;
    }
    return false;
}

static void put(struct text *out, const char *name, const struct digest_field *value)
{
    text_printf(out, "%s=\"", name);
    if (value->is_there) {
        text_append(out, value->text, value->len);
    }
    text_puts(out, "\"");
}

void digest_authorize(struct text *out, const struct digest_header *challenge,
                      const struct digest_client *client)
{
    uint8_t ha1[DIGEST_MD5_BYTES];
    char nc[16];
    char response[DIGEST_HEX_BYTES];
    (void)snprintf(nc, sizeof nc, "%08x", client->nc);
    ha1_of(client->user, &challenge->realm, client->password, client->password_len, ha1);
    bool uses_int = offers(&challenge->qop, "auth-int") &&
                    (client->prefers_auth_int || !offers(&challenge->qop, "auth"));
    struct digest_input input = { .ha1 = ha1,
                                  .method = client->method,
                                  .nonce = challenge->nonce,
                                  .nc = field_of(nc),
                                  .cnonce = field_of(client->cnonce),
                                  .uri = field_of(client->uri),
                                  .body = client->body,
                                  .body_len = client->body_len };
    if (challenge->qop.is_there) {
        input.qop = field_of(uses_int ? "auth-int" : "auth");
    }
    digest_response(&input, response);
    struct digest_field user = field_of(client->user);
    struct digest_field answer = field_of(response);
    text_puts(out, "Digest ");
    put(out, "username", &user);
    put(out, ",realm", &challenge->realm);
    put(out, ",nonce", &challenge->nonce);
    put(out, ",uri", &input.uri);
    if (input.qop.is_there) {
        put(out, ",qop", &input.qop);
    }
    put(out, ",response", &answer);
    if (input.qop.is_there) {
        put(out, ",nc", &input.nc);
        put(out, ",cnonce", &input.cnonce);
    }
    if (challenge->opaque.is_there) {
        put(out, ",opaque", &challenge->opaque);
    }
}
