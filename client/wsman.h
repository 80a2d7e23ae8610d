/*
 * A WS-Management client for one device, over any stream: a socket, TLS, a channel of an MPS. One
 * call at a time, in order: firmware does not like more (FF-108, FF-114).
 *
 * Rules: a challenge is kept and its nonce used again; after a 401, which closes the connection, the
 * call goes out at once on a new one (FF-103); a password is tried once with a nonce that is known to
 * be fresh and then not again until wsman_client_set_user, so that no account gets locked (FF-085);
 * a changed realm stops it too (FF-090). Only what changes nothing is sent again after a lost
 * connection, once; nothing is after a timeout (FF-107, FF-117).
 */
#ifndef AMTLAB_CLIENT_WSMAN_H
#define AMTLAB_CLIENT_WSMAN_H

#include "base/secret.h"
#include "protocol/wsman/request.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

#define WSMAN_CLIENT_FIRST_BYTE_US (60u * US_PER_SECOND)
#define WSMAN_CLIENT_LIMIT_US      (120u * US_PER_SECOND)

struct wsman_client_settings {
    struct loop *loop;
    /* A new connection to the device, connected or connecting; NULL without memory. */
    struct stream *(*connect)(void *ctx);
    void *ctx;
    const char *where;                      /* for messages: "192.0.2.7:16992"; copied */
    const char *host;                       /* Host header; copied */
    const char *user;                       /* copied; NULL or "": none */
    const struct secret *password;          /* copied */
    uint64_t first_byte_limit_us, limit_us; /* of one request; 0 = the defaults above */
    bool prefers_auth_int;
};

enum wsman_result {
    WSMAN_DONE,        /* 200 and the envelope fits; look at return_value for a method */
    WSMAN_FAULTED,     /* a SOAP fault: reply->fault */
    WSMAN_HTTP,        /* a status without an envelope */
    WSMAN_REFUSED,     /* the user or password, or the realm has changed */
    WSMAN_UNREACHABLE, /* no connection, or no TLS */
    WSMAN_LOST,        /* the connection broke before the answer was complete */
    WSMAN_LATE,        /* no answer in time */
    WSMAN_GARBLED,     /* the answer is not what was asked for */
    WSMAN_NO_MEMORY
};
/* "done", "fault", "http", ... */
const char *wsman_result_name(enum wsman_result result);

struct wsman_outcome {
    enum wsman_result result;
    int status; /* HTTP; 0: none came */
    const struct wsman_reply
        *reply;                   /* DONE and FAULTED; else NULL. Enumerations: of the last Pull */
    bool is_enumeration;          /* items and pulls count */
    struct wsman_instance *items; /* all of all pages; of a single Pull its own */
    uint32_t item_count, pulls;
    bool has_return_value;
    uint32_t return_value;
    uint32_t challenges; /* 401 answers on the way */
    uint64_t took_us;
    struct amt_diag diag; /* unless DONE with return value 0: what, where, what next */
};
typedef void wsman_done_fn(void *ctx, const struct wsman_outcome *outcome);

struct wsman_client;
/* NULL without memory. */
struct wsman_client *wsman_client_new(const struct wsman_client_settings *settings);
/* Calls that are not done get no callback. NULL is allowed. */
void wsman_client_free(struct wsman_client *client);
/* Another user or password from the next call on; a refusal and the pinned realm are forgotten. */
enum amt_err wsman_client_set_user(struct wsman_client *client, const char *user,
                                   const struct secret *password) AMT_MUST_USE;

/*
 * Queues a call; message_id is set by the client. What the outcome points to lives in arena. done
 * comes exactly once, never from inside this call; it may call everything here. An Enumerate goes on
 * with Pulls until the end, and with a Release when a Pull is refused (FF-113). The call is not
 * needed any more after the return. AMT_ENOMEM: done does not come.
 */
enum amt_err wsman_client_call(struct wsman_client *client, const struct wsman_call *call,
                               struct arena *arena, wsman_done_fn *done, void *ctx) AMT_MUST_USE;
/* The same, running the loop until it is done. Not from inside a callback of the loop. */
void wsman_client_wait(struct wsman_client *client, const struct wsman_call *call,
                       struct arena *arena, struct wsman_outcome *outcome);

/* What a fault means and what to do about it: two sentences into diag. */
void wsman_explain_fault(const struct wsman_reply_fault *fault, struct amt_diag *diag);
/* Name of a ReturnValue: PT_STATUS for AMT_ and IPS_ classes with their exceptions, DMTF for CIM_
 * (wsman.md 4.0). method may carry "_OUTPUT". Never NULL. */
const char *wsman_return_name(const char *class_name, const char *method, uint32_t value);

#endif
