/* `amtlab doctor`: checks in order, each with what was found, the rule it is about, and what to do. */
#ifndef AMTLAB_CLI_DOCTOR_H
#define AMTLAB_CLI_DOCTOR_H

#include <jansson.h>

#include "base/diag.h"
#include "base/text.h"
#include "cli/cli.h"
#include "protocol/activation/failures.h"
#include "runtime/log.h"
#include "runtime/net.h"
#include "runtime/tls.h"

struct doctor_options {
    /* of a server */
    const char *trust, *server_hash;
    bool insecure;
    /* of an MPS */
    const char *user, *password_file, *access_info, *common_name;
    uint64_t watch_us;
    /* of an activation */
    const char *url, *profile, *id;
    const char *config, *pfx, *pfx_password_file, *key;
    struct cli_texts certificates;
    bool is_client_mode;
    const char *dns_suffix, *device_profile, *device_state, *device_uuid, *dhcp;
    struct cli_texts device_sets;
    uint64_t timeout_us;
    bool json;
    const char *log_levels;
};

enum doctor_verdict {
    DOCTOR_OK,
    DOCTOR_FAILED,
    DOCTOR_UNKNOWN, /* it could not be seen, and why is said */
    DOCTOR_VERDICT_COUNT_
};

struct doctor {
    const struct doctor_options *options;
    struct loop *loop;
    struct log *log;
    json_t *checks; /* in the order they were made */
    uint32_t counts[DOCTOR_VERDICT_COUNT_];
    bool has_no_memory;
};

/* One line of the result. name: stable, lower case; rule: a requirement or "ACT-F-nn", "" for none; advice: ""
 * for none, also when it holds. What comes from outside may stand in the fact: it is made harmless. */
void doctor_check(struct doctor *doctor, enum doctor_verdict verdict, const char *name,
                  const char *rule, const char *advice, const char *format, ...) AMT_PRINTF(6, 7);
/* The same with code, cause and cure of a failure; verdict FAILED or UNKNOWN. */
void doctor_failure(struct doctor *doctor, enum doctor_verdict verdict, const char *name,
                    enum activation_failure failure, const char *format, ...) AMT_PRINTF(5, 6);

/* --- doctor_dial.c: one connection, step by step, waiting for each ------------------------------- */

enum doctor_stage { DOCTOR_AT_TCP, DOCTOR_AT_TLS, DOCTOR_CONNECTED };
struct doctor_dial {
    struct loop *loop;
    struct stream *stream; /* open with DOCTOR_CONNECTED, else NULL; the caller closes it */
    enum doctor_stage stage;
    bool is_late; /* the stage did not end within the limit */
    struct stream_end end;
    uint64_t tcp_us, tls_us; /* how long it took */
    bool is_settled;         /* the present stage is over */
};
/* tls NULL: plain. False: see stage, is_late and end. */
bool doctor_dial(struct doctor_dial *dial, struct loop *loop, const struct address *address,
                 struct tls_context *tls, const struct tls_name_check *check, uint64_t limit_us);
/* Why it did not get through, one of the four categories of FF-006 or a few more: "timeout", "refused",
 * "closed before TLS", "TLS timeout", "name not known", "TLS refused", "reset". */
const char *doctor_dial_category(const struct doctor_dial *dial);
/* What to do about it. */
const char *doctor_dial_advice(const struct doctor_dial *dial);
/* "CN mps.example.com, issuer CN root, RSA 2048, sha256, until 2027-01-01, 2 certificates sent" */
void doctor_describe_chain(const struct stream *s, struct text *out);
/* Whether the dates of the peer's own certificate are right by this computer's clock. */
bool doctor_dates_are_good(const struct stream *s);

/* --- the targets ---------------------------------------------------------------------------------- */

/* enum cli_exit: CLI_OK when the checks could be made, whatever they say; usage, file or environment. */
int doctor_mps(struct doctor *doctor, const char *target);
int doctor_activation(struct doctor *doctor);

#endif
