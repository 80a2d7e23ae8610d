/* HTTP digest authentication as AMT uses it (wsman.md 1.5, 1.6; RFC 7616, MD5), both sides. */
#ifndef AMTLAB_PROTOCOL_HTTP_DIGEST_H
#define AMTLAB_PROTOCOL_HTTP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define DIGEST_MD5_BYTES 16
#define DIGEST_HEX_BYTES 33 /* with its 0 */

/* A view into the header. */
struct digest_field {
    const char *text;
    uint32_t len;
    bool is_there;
};
/* Parameters of Authorization or WWW-Authenticate; quotes removed (no escapes are undone). */
struct digest_header {
    struct digest_field username, realm, nonce, uri, qop, response, nc, cnonce, opaque, algorithm,
        stale;
};
/* Any order, quoted or not, any blanks. AMT_EMALFORMED: not Digest, a broken quote, a parameter twice.
 * Unknown parameters are passed over. The views live as long as header. */
enum amt_err digest_header_read(const char *header, struct digest_header *out) AMT_MUST_USE;
bool digest_field_is(const struct digest_field *field, const char *text);

/* HA1 = MD5(user:realm:password). */
void digest_ha1(const char *user, const char *realm, const char *password, size_t password_len,
                uint8_t out[static DIGEST_MD5_BYTES]);

/* What enters a response; texts as they stand in the header, without quotes. */
struct digest_input {
    const uint8_t *ha1; /* DIGEST_MD5_BYTES */
    const char *method;
    struct digest_field nonce, nc, cnonce, qop, uri;
    const void *body; /* for auth-int */
    size_t body_len;
};
/* Lower-case hex. qop absent: the form of RFC 2069. */
void digest_response(const struct digest_input *input, char out[static DIGEST_HEX_BYTES]);
/* Constant time; a response that is absent, short or long is not equal (WSM-021). */
bool digest_response_is(const struct digest_field *response, const char expected[static 33]);

struct text;
/* Client: appends an Authorization value for a challenge; each value quoted as most clients do.
 * prefers_auth_int: use auth-int when it is offered. */
struct digest_client {
    const char *user, *password;
    size_t password_len;
    const char *method, *uri, *cnonce;
    uint32_t nc;
    const void *body;
    size_t body_len;
    bool prefers_auth_int;
};
void digest_authorize(struct text *out, const struct digest_header *challenge,
                      const struct digest_client *client);

#endif
