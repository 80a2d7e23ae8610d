/* Faults: what goes wrong, where and when (harness.md 7.3 to 7.7). */
#ifndef AMTLAB_SCENARIOS_ENGINE_FAULT_H
#define AMTLAB_SCENARIOS_ENGINE_FAULT_H

#include "scenarios/engine/filter.h"

#define FAULT_RECORDS_MAX 200u /* of one fault in one case; counting goes on */

enum fault_layer {
    FAULT_LAYER_TCP = 1,
    FAULT_LAYER_TLS = 2,
    FAULT_LAYER_APF = 4,
    FAULT_LAYER_LATER = 8,
    FAULT_LAYER_HTTP = 16, /* a device's answers, 401 among them, and requests */
    FAULT_LAYER_WSMAN = 32 /* those that carry an envelope */
};

struct fault;
/* What a verb does to a unit: true when the unit goes on (to the next fault, then its way). Otherwise
 * the verb has taken it. text gets what was done, for the report. */
typedef bool fault_fn(struct fault *fault, struct lane *lane, struct unit *unit, struct text *text);

struct fault_verb {
    const char *name;
    uint32_t layers;
    const char *part; /* not in this version: the part it needs; NULL */
    const struct key_def *arguments;
    const char *main_argument; /* stands alone: `delay: 3ms` */
    fault_fn *apply;           /* NULL: not by units (tls_cert, refuse) */
    const char *doc;
};
/* Ends with a NULL name. */
extern const struct fault_verb k_fault_verbs[];
const struct fault_verb *fault_verb_find(const char *name);
extern const struct key_def k_fault_keys[];
/* The keys of `when` that are no fields of the message. */
extern const struct key_def k_condition_keys[];
/* "tcp" ... ; 0 for an unknown word */
uint32_t fault_layer_parse(const char *word, size_t len);

struct fault {
    struct case_run *run;
    const char *id, *at, *path;
    const char *actor;
    uint32_t layer;
    bool is_in, is_out;
    const struct value *when;      /* MAP or NULL */
    const struct value *arguments; /* MAP */
    const struct fault_verb *verb;
    bool is_armed;
    uint32_t times_left;
    uint32_t probability_ppm;
    uint64_t matched, applied;
    uint64_t armed_us;  /* case time */
    uint32_t in_flight; /* overload: requests without an answer */
    bool is_over;       /* overload: there were too many */
    struct loop_task give_up;
    struct amt_random random;
    struct fault *next;
};

/* Binds the scenario's faults. */
enum amt_err faults_start(struct case_run *run, struct amt_diag *diag);
/* False when there is no fault of that id. */
bool fault_switch(struct case_run *run, const char *id, bool is_armed);

/* What expressions see as `faults`: by id, how often each matched and acted. */
struct value *faults_show(struct case_run *run);

/* Is any fault bound to this place, armed or not, so that bytes must go through faults_pass? */
bool faults_at(const struct lane *lane);
/* Sends bytes through the faults of the lane and on. */
void faults_pass(struct lane *lane, const uint8_t *bytes, uint32_t len);
/* Does an armed blackhole lie on this lane? */
bool faults_swallow_end(const struct lane *lane);
enum fault_open { FAULT_OPEN_PASSES, FAULT_OPEN_REFUSED, FAULT_OPEN_VANISHED };
enum fault_open faults_at_open(struct filter *filter);
/* The armed fault of that verb at actor.layer; NULL. */
struct fault *fault_find(struct case_run *run, const char *actor, uint32_t layer, const char *verb);
/* Counts and reports that the fault acted. */
void fault_acted(struct fault *fault, const char *text);

/* Arguments, fallback when absent. */
uint64_t fault_number(const struct fault *fault, const char *name, uint64_t fallback);
const struct value *fault_argument(const struct fault *fault, const char *name);

/* Faults of a device's requests and answers (http, wsman) begin to act, if the scenario has some. */
enum amt_err fault_answers_start(struct actor *actor, struct amt_diag *diag);
/* Do nth, every, after and probability let the fault act on this one? Counts it. */
bool fault_is_due(struct fault *fault);

/* A lane that was stalled until further notice goes on. */
void fault_release(struct lane *lane);

/* Verbs, by file. */
fault_fn fault_delay, fault_throttle, fault_split, fault_coalesce, fault_reorder, fault_stall;
fault_fn fault_drop, fault_duplicate, fault_truncate, fault_corrupt, fault_replace, fault_insert;
fault_fn fault_blackhole, fault_reset, fault_fin, fault_half_close;
fault_fn fault_apf_field, fault_apf_type, fault_apf_length, fault_window, fault_open_failure;

#endif
