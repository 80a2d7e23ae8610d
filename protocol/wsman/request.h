/*
 * Envelopes on the client's side (wsman.md 2.2, 2.3, 2.8): requests in the shape that management
 * software sends, answers and faults read into instances. No I/O.
 */
#ifndef AMTLAB_PROTOCOL_WSMAN_REQUEST_H
#define AMTLAB_PROTOCOL_WSMAN_REQUEST_H

#include "protocol/wsman/instance.h"
#include "protocol/wsman/names.h"

#define WSMAN_PULL_ELEMENTS   999u
#define WSMAN_PULL_CHARACTERS 99999u

/* What to ask. Zero or NULL where a field says nothing to the operation. */
struct wsman_call {
    enum wsman_operation operation; /* Get to Release, Identify, or a method */
    const char *class_name;
    const char *method;
    const struct wsman_selector *selectors;
    /* Put, Create: the instance; method: its parameters (the class name in it is not looked at); an
     * embedded value is written in the namespace of its own class name. */
    const struct wsman_instance *body;
    const char *context;   /* Pull, Release */
    uint32_t max_elements; /* Pull; 0 = WSMAN_PULL_ELEMENTS */
    uint64_t message_id;
    uint32_t timeout_s; /* OperationTimeout; 0 = 60 */
    bool is_single;     /* for clients: no Pulls after this Enumerate */
};
/* Appends one whole envelope: Content-Length form, no white space, prolog first. */
void wsman_write_call(struct text *out, const struct wsman_call *call);

/* A list of selectors for a call, in arena: wsman_selector_add(arena, &list, "InstanceID", "…").
 * AMT_ENOMEM. Texts are copied. */
enum amt_err wsman_selector_add(struct arena *arena, const struct wsman_selector **list,
                                const char *name, const char *text) AMT_MUST_USE;

struct wsman_reply_fault {
    const char *code, *subcode;  /* without prefix: "Sender", "DestinationUnreachable"; "" */
    const char *reason, *detail; /* "" where there is none; detail is the last part of a URI */
};
/* Everything lives in the arena of wsman_read_reply. */
struct wsman_reply {
    const char *action, *relates_to, *message_id, *resource_uri; /* "" if absent */
    bool is_fault;
    struct wsman_reply_fault fault;
    struct wsman_instance *instance; /* Get, Put, method output, Identify; NULL: an empty body */
    const struct wsman_ref *created; /* Create */
    struct wsman_instance *items;    /* Pull: a list */
    uint32_t item_count;
    const char *context; /* Enumerate; Pull when more follows; NULL */
    bool is_end;         /* Pull: EndOfSequence */
};
/* AMT_OK also for a fault. AMT_EMALFORMED, AMT_ELIMIT, AMT_ENOMEM with diag: not XML, not an
 * envelope, or a body that does not fit the operation. Namespaces decide, not prefixes. */
enum amt_err wsman_read_reply(struct arena *arena, const void *bytes, size_t len,
                              enum wsman_operation operation, struct wsman_reply *reply,
                              struct amt_diag *diag) AMT_MUST_USE;

#endif
