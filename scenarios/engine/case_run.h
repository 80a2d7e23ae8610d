/*
 * One case being run: its world, actors, variables and strands of steps (harness.md 16). One thread,
 * one loop: strands are polled whenever something happened.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_CASE_RUN_H
#define AMTLAB_SCENARIOS_ENGINE_CASE_RUN_H

#include "base/random.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/net.h"
#include "scenarios/engine/expr.h"
#include "scenarios/engine/pki_set.h"
#include "scenarios/engine/scenario.h"
#include "scenarios/engine/secrets.h"

struct actor;
struct strand;
struct fault;
struct target_file;

/* "mps=HOST:PORT" or "mps=FILE": an actor that is not ours. */
struct engine_target {
    const char *role;
    struct address address;
    const struct target_file *file; /* NULL: only the address is known */
    /* role device: where we wait for it (address) instead of calling it; with which certificate and key
     * (PEM files; NULL: one made for the run); for how long, 0: TARGET_DEVICE_WAIT_US */
    bool calls_us, speaks_tls;
    const char *certificate, *key;
    uint64_t wait_us;
    struct engine_target *next;
};
/* How devices judge the certificate of a target; without trust they do not. */
struct engine_target_tls {
    const char *trust, *name; /* PEM file of roots; Common Name, default: the host */
};
struct engine_variable {
    const char *name, *value;
    struct engine_variable *next;
};

/* What is the same for all cases of a run. Borrowed by the cases. */
struct engine_options {
    uint64_t seed;
    enum scenario_clock clock; /* AUTO: as the scenario says */
    uint64_t timeout_us;       /* 0: as the scenario says */
    struct engine_target *targets;
    struct engine_target_tls target_tls;
    struct engine_variable *variables; /* win over the scenario's */
    const char *command_options;       /* for the line that runs a case again: " --var x=y" */
    uint32_t attempt;                  /* from 0: --repeat */
    bool keeps_all_traces;             /* events of passed cases too */
    bool allows_destructive;           /* cases tagged so may run against targets */
    struct pki_set *pki;
};

/* Something an actor saw. */
enum item_kind { ITEM_MESSAGE, ITEM_EVENT, ITEM_CLOSED };
struct item {
    enum item_kind kind;
    bool is_out;      /* MESSAGE: sent by the actor; not looked at by expectations */
    bool is_used;     /* EVENT: an expectation has taken it */
    uint64_t at_us;   /* since the start of the case */
    const char *name; /* "apf.channel_open", "device.online" */
    const struct value *fields;
    const uint8_t *bytes; /* MESSAGE */
    uint32_t len;
    const char *text;      /* in words */
    const char *from, *to; /* MESSAGE: names of the ends */
    const char *by, *how;  /* CLOSED: "peer" "us"; "fin" "reset" "close_notify" "alert" "timeout" */
    int alert;             /* CLOSED: TLS alert, -1 for none */
    struct item *next;
};

struct failure {
    const char *kind, *message;
    const struct yaml_node *node; /* where to point, NULL: the step */
    const char *caret, *expected, *actual, *field;
    const struct item *item; /* whose bytes to show, or NULL */
};

struct case_run {
    const struct scenario *scenario;
    const struct yaml_node *defect; /* the case has it, see defect.h; NULL */
    const struct engine_options *options;
    struct arena pool;
    struct loop *loop;
    struct amt_random random;
    struct secrets secrets;
    struct value *variables; /* MAP: vars, matrix values, captures */
    struct actor *actors, *last_actor;
    struct fault *faults;
    struct strand *strands, *last_strand;
    struct loop_task poll; /* looks at all waiting strands */
    struct results *results;
    struct result_case *result;
    struct result_spec *last_case_spec; /* later ones are of single steps */
    uint64_t start_us;
    uint32_t step_count, event_count;
    const char *path; /* of the file the running steps stand in */
    const char *tmp;  /* see case_tmp */
    bool is_in_finally, has_failed, has_error;
    bool has_judged; /* an expectation or check was carried out, or a step waited for its effect */
    bool has_unseen; /* one was skipped because a target does not show its inside */
    const char *unsupported;        /* NULL, or why the case cannot be run here */
    enum result_level failed_grade; /* strictest grade that failed */
    bool has_graded_failure;
};

/* Time since the start of the case. */
uint64_t case_now_us(const struct case_run *run);
/* Have all waiting strands looked at again, soon. */
void case_wake(struct case_run *run);
/* Scope for evaluation at run time. */
struct expr_scope case_scope(struct case_run *run);
/* A folder of the case's own, made when it is first asked for and removed at its end: ${tmp}. */
const char *case_tmp(struct case_run *run);
/* Evaluates a node; NULL with a failure text in *why when that is not possible. */
struct value *case_evaluate(struct case_run *run, const struct yaml_node *node, const char **why);
/* Value of a path: variables, then actors' attributes. NULL with diag. */
const struct value *case_find(void *ctx, const char *path, struct amt_diag *diag);
struct actor *case_actor(const struct case_run *run, const char *name);
/* Text in the case's pool with secrets hidden. */
const char *case_hide(struct case_run *run, const char *text);
/* Seeded per purpose: hash of run seed, case id, purpose. */
void case_random(const struct case_run *run, struct amt_random *random, const char *purpose);

#endif
