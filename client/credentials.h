/* The digest side of a client: the challenge that is kept, and what a 401 means for the next step. */
#ifndef AMTLAB_CLIENT_CREDENTIALS_H
#define AMTLAB_CLIENT_CREDENTIALS_H

#include "base/secret.h"
#include "base/text.h"
#include "runtime/http.h"

#define CLIENT_CNONCE_BYTES 33

struct client_credentials {
    char *user;
    struct secret password;
    char *challenge; /* value of WWW-Authenticate; NULL: none yet */
    char *realm;     /* of the first challenge: it must stay (FF-090) */
    uint32_t nc;     /* of the challenge's nonce; the last one used */
    char cnonce[CLIENT_CNONCE_BYTES];
    bool prefers_auth_int;
    bool is_refused; /* nothing is sent any more with this password (FF-085) */
};
/* What a call has been through. */
struct client_attempt {
    bool had_answer;   /* the request carried an Authorization */
    bool nonce_is_new; /* its nonce was issued to this very call */
    uint32_t stale;    /* how often the device called a nonce stale */
};

/* AMT_ENOMEM. user may be NULL, password too. */
enum amt_err client_credentials_set(struct client_credentials *credentials, const char *user,
                                    const struct secret *password) AMT_MUST_USE;
void client_credentials_fini(struct client_credentials *credentials);

/* Appends "Authorization: …\r\n" if there is a challenge, and counts it. */
void client_credentials_write(struct client_credentials *credentials, const char *target,
                              const void *body, size_t body_len, struct text *headers,
                              struct client_attempt *attempt);
/* After a 401: AMT_OK: send again; AMT_EAUTH with diag: give up. AMT_ENOMEM. */
enum amt_err client_credentials_challenged(struct client_credentials *credentials,
                                           const struct http_response *response,
                                           struct client_attempt *attempt,
                                           struct amt_diag *diag) AMT_MUST_USE;

#endif
