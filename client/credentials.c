#include "client/credentials.h"

#include <string.h>

#include "base/diag.h"
#include "base/memory.h"
#include "protocol/http/digest.h"

#define STALE_MAX 3u

static void forget(char **text)
{
    amt_free(*text);
    *text = NULL;
}

enum amt_err client_credentials_set(struct client_credentials *c, const char *user,
                                    const struct secret *password)
{
    char *copy = amt_strdup(user == NULL ? "" : user);
    if (copy == NULL) {
        return AMT_ENOMEM;
    }
    forget(&c->user);
    forget(&c->challenge);
    forget(&c->realm);
    c->user = copy;
    secret_fini(&c->password);
    if (password != NULL) {
        c->password = *password;
    }
    c->nc = 0;
    c->is_refused = false;
    return AMT_OK;
}

void client_credentials_fini(struct client_credentials *c)
{
    forget(&c->user);
    forget(&c->challenge);
    forget(&c->realm);
    secret_fini(&c->password);
}

void client_credentials_write(struct client_credentials *c, const char *target, const void *body,
                              size_t body_len, struct text *headers, struct client_attempt *attempt)
{
    struct digest_header challenge;
    attempt->had_answer = false;
    if (c->challenge == NULL || digest_header_read(c->challenge, &challenge) != AMT_OK) {
        return;
    }
    c->nc += 1;
    attempt->had_answer = true;
    struct digest_client client = { .user = c->user,
                                    .password = (const char *)c->password.bytes,
                                    .password_len = c->password.len,
                                    .method = "POST",
                                    .uri = target,
                                    .cnonce = c->cnonce,
                                    .nc = c->nc,
                                    .body = body,
                                    .body_len = body_len,
                                    .prefers_auth_int = c->prefers_auth_int };
    text_puts(headers, "Authorization: ");
    digest_authorize(headers, &challenge, &client);
    text_puts(headers, "\r\n");
}

static enum amt_err refuse(struct client_credentials *c, struct amt_diag *diag)
{
    c->is_refused = true;
    forget(&c->challenge);
    (void)amt_diag_set(diag, AMT_EAUTH,
                       "the device refuses user \"%s\" with this password (401 to a fresh nonce)",
                       c->user);
    return amt_diag_hint(diag, "wrong user or password, or the account is locked for a while after "
                               "failed logons (5 s to 80 s); it was tried once and is not tried "
                               "again by itself");
}

/* The realm stands in every stored password hash: it does not change on a provisioned device. */
static enum amt_err check_realm(struct client_credentials *c, const struct digest_field *realm,
                                struct amt_diag *diag)
{
    if (c->realm == NULL) {
        c->realm = amt_memdup(realm->text, realm->len);
        return c->realm == NULL ? AMT_ENOMEM : AMT_OK;
    }
    if (strlen(c->realm) == realm->len && memcmp(c->realm, realm->text, realm->len) == 0) {
        return AMT_OK;
    }
    c->is_refused = true;
    (void)amt_diag_set(diag, AMT_EAUTH, "the digest realm has changed from \"%s\" to \"%.*s\"",
                       c->realm, (int)realm->len, realm->text);
    return amt_diag_hint(diag, "the device was provisioned anew, or another one answers at this "
                               "address; the password was not sent to it");
}

static enum amt_err keep_challenge(struct client_credentials *c, const char *value)
{
    char *copy = amt_strdup(value);
    if (copy == NULL) {
        return AMT_ENOMEM;
    }
    forget(&c->challenge);
    c->challenge = copy;
    c->nc = 0;
    return AMT_OK;
}

enum amt_err client_credentials_challenged(struct client_credentials *c,
                                           const struct http_response *response,
                                           struct client_attempt *attempt, struct amt_diag *diag)
{
    struct digest_header challenge;
    const char *value =
        http_header_find(response->headers, response->header_count, "WWW-Authenticate");
    if (value == NULL || digest_header_read(value, &challenge) != AMT_OK ||
        !challenge.realm.is_there || !challenge.nonce.is_there) {
        (void)amt_diag_set(diag, AMT_EAUTH,
                           "the device answers 401 without a digest challenge "
                           "that can be used");
        return amt_diag_hint(diag, "WWW-Authenticate is: %s", value == NULL ? "absent" : value);
    }
    TRY(check_realm(c, &challenge.realm, diag));
    if (c->user[0] == '\0') {
        (void)amt_diag_set(diag, AMT_EAUTH, "the device asks for a user and a password");
        return amt_diag_hint(diag, "give them with --user and --password-file or "
                                   "AMTLAB_AMT_PASSWORD");
    }
    bool is_stale = digest_field_is(&challenge.stale, "true") && attempt->stale < STALE_MAX;
    if (attempt->had_answer && attempt->nonce_is_new && !is_stale) {
        return refuse(c, diag);
    }
    attempt->stale += is_stale ? 1 : 0;
    attempt->nonce_is_new = true;
    return keep_challenge(c, value);
}
