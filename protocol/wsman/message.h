/*
 * Envelopes on the device's side (wsman.md 2): a request becomes a struct; answers and faults are
 * written byte for byte as firmware writes them.
 */
#ifndef AMTLAB_PROTOCOL_WSMAN_MESSAGE_H
#define AMTLAB_PROTOCOL_WSMAN_MESSAGE_H

#include "protocol/wsman/instance.h"
#include "protocol/wsman/names.h"

#define WSMAN_REQUEST_MAX_BYTES 65536u /* wsman.md 1.2 */

/* wsman.md 2.8; the order is that of the table there. */
enum wsman_fault {
    WSMAN_OK,
    WSMAN_DESTINATION_UNREACHABLE,
    WSMAN_ALREADY_EXISTS,
    WSMAN_INVALID_REPRESENTATION,
    WSMAN_QUOTA_LIMIT,
    WSMAN_SCHEMA_VALIDATION_ERROR,
    WSMAN_INTERNAL_ERROR,
    WSMAN_ACCESS_DENIED,
    WSMAN_ACTION_NOT_SUPPORTED,
    WSMAN_INVALID_SELECTORS,
    WSMAN_INVALID_PARAMETER,
    WSMAN_INVALID_ENUMERATION_CONTEXT,
    WSMAN_FILTERING_NOT_SUPPORTED,
    WSMAN_UNSUPPORTED_FEATURE,
    WSMAN_ENCODING_LIMIT,
    WSMAN_TIMED_OUT,
    WSMAN_CONCURRENCY,
    WSMAN_HEADER_REQUIRED,
    WSMAN_INVALID_HEADER,
    WSMAN_DELIVERY_MODE_UNAVAILABLE,
    WSMAN_MUST_UNDERSTAND,
    WSMAN_VERSION_MISMATCH,
    WSMAN_FAULT_COUNT_
};
/* HTTP status: 200, 400 (Sender), 500 (Receiver and envelope faults). */
int wsman_fault_status(enum wsman_fault fault);
/* Subcode without prefix, "DestinationUnreachable"; for people. */
const char *wsman_fault_name(enum wsman_fault fault);
/* The fault of a subcode as received, with or without prefix; WSMAN_FAULT_COUNT_ if unknown. */
enum wsman_fault wsman_fault_by_name(const char *subcode);

struct wsman_request {
    enum wsman_operation operation;
    const char *action;                /* URI as sent */
    const char *resource_uri;          /* "" if absent */
    const char *class_name;            /* last part of it */
    const char *method;                /* of a method call */
    const char *message_id, *reply_to; /* "" if absent */
    const struct wsman_selector *selectors;
    uint64_t max_envelope_size;  /* 0 = not given */
    const struct xml_node *body; /* first child of Body, NULL when it is empty */
    const struct xml_node *header, *envelope;
    /* Pull, Release */
    const char *enumeration_context;
    uint64_t max_elements; /* 0 = not given */
};
/* Reads an envelope. WSMAN_OK, or the fault to answer with; request then has what could be read (the
 * message id above all). Rules: namespaces decide, not prefixes (WSM-031); To is not checked. */
enum wsman_fault wsman_request_read(struct arena *arena, const void *bytes, size_t len,
                                    struct wsman_request *request, struct amt_diag *diag);

/* What is needed to write an answer's head. */
struct wsman_answer {
    const struct wsman_request *request;
    uint64_t message_counter; /* WSM-034 */
    const char *class_name;   /* class whose namespace is declared; NULL declares none */
    bool declares_common;     /* wsman.md 2.3; "data" flag of the class */
};
/* One function for each form of answer; each appends one whole envelope to out. */
void wsman_write_instance_answer(struct text *out, const struct wsman_answer *answer,
                                 const struct wsman_instance *instance); /* Get, Put; NULL: empty */
void wsman_write_method_answer(struct text *out, const struct wsman_answer *answer,
                               const struct wsman_instance *output);
void wsman_write_created_answer(struct text *out, const struct wsman_answer *answer,
                                const struct wsman_ref *created);
void wsman_write_empty_answer(struct text *out, const struct wsman_answer *answer);
void wsman_write_enumerate_answer(struct text *out, const struct wsman_answer *answer,
                                  const char *context);
/* context NULL: the last page. */
void wsman_write_pull_answer(struct text *out, const struct wsman_answer *answer,
                             const struct wsman_instance *items, const char *context);
void wsman_write_subscribe_answer(struct text *out, const struct wsman_answer *answer,
                                  const struct wsman_ref *manager);
/* detail: text inside Detail (a faultDetail word such as "MissingValues", or "AMT-STATUS 36"); NULL. */
void wsman_write_fault(struct text *out, const struct wsman_answer *answer, enum wsman_fault fault,
                       const char *detail);

#endif
