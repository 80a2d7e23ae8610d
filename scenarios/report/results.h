/*
 * The result tree of a run (harness.md 13.1): filled by the engine, read by the report writers.
 *
 * Ownership is simple: everything in the tree, lists and texts alike, belongs to `struct results` and
 * dies with results_free. Elements are made by the add functions and their members are then set
 * directly; texts are put in with results_text or results_printf. Pointers stay valid, elements never
 * move. Lists keep the order of adding; the writers sort where a format asks for it.
 *
 * No secret may be put in: what goes in here is published.
 */
#ifndef AMTLAB_SCENARIOS_REPORT_RESULTS_H
#define AMTLAB_SCENARIOS_REPORT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* harness.md 12.1, worst last within a group; names: "passed", "not_strict", ... */
#define RESULT_VERDICTS(X)                                                    \
    X(RESULT_PASSED, "passed", "all steps hold")                              \
    X(RESULT_INFO, "info", "the observed behaviour is recorded")              \
    X(RESULT_NOT_STRICT, "not_strict", "only `should` steps failed")          \
    X(RESULT_KNOWN_FAILURE, "known_failure", "failed as expected")            \
    X(RESULT_FLAKY, "flaky", "failed, then passed on retry")                  \
    X(RESULT_UNSUPPORTED, "unsupported", "a required capability is missing")  \
    X(RESULT_UNEXPECTED_PASS, "unexpected_pass", "listed as failing, passed") \
    X(RESULT_FAILED, "failed", "a `must` step failed")                        \
    X(RESULT_ERROR, "error", "the harness or the setup failed")

enum result_verdict {
#define RESULT_VERDICT_CONSTANT(name, word, meaning) name,
    RESULT_VERDICTS(RESULT_VERDICT_CONSTANT)
#undef RESULT_VERDICT_CONSTANT
        RESULT_VERDICT_COUNT
};

enum result_level { RESULT_MUST, RESULT_SHOULD, RESULT_MAY, RESULT_LEVEL_INFO };

enum result_step_verdict {
    RESULT_STEP_PASSED,
    RESULT_STEP_FAILED,
    RESULT_STEP_SKIPPED,    /* its `when` did not hold */
    RESULT_STEP_NOT_REACHED /* an earlier step failed */
};

/* "passed", "not_strict"; "must", "should"; "passed", "not_reached". Never NULL. */
const char *result_verdict_name(enum result_verdict verdict);
/* One sentence for people. */
const char *result_verdict_meaning(enum result_verdict verdict);
const char *result_level_name(enum result_level level);
const char *result_step_verdict_name(enum result_step_verdict verdict);
/* False for an unknown word; *verdict is untouched then. */
bool result_verdict_parse(const char *word, enum result_verdict *verdict);
bool result_level_parse(const char *word, enum result_level *level);
/* Does this verdict make the run exit 1? With strict, not_strict and flaky do too. */
bool result_verdict_is_bad(enum result_verdict verdict, bool strict);

/* Options, metrics: a name and what stands beside it. */
struct result_pair {
    const char *name, *value;
    struct result_pair *next;
};

struct result_spec {
    const char *id;          /* "APF-MPS-021" */
    enum result_level level; /* as the scenario claims it */
    enum result_verdict verdict;
    const char *text; /* the requirement in words; "" if the registry has none */
    struct result_spec *next;
};

struct result_step {
    uint32_t n;    /* from 1, in order of the program */
    uint32_t line; /* in the case's file; 0 if unknown */
    const char *name, *actor;
    enum result_level grade;
    enum result_step_verdict verdict;
    uint64_t at_us;   /* when it began, since the start of the case (virtual time if so run) */
    uint64_t took_us; /* same clock */
    struct result_step *next;
};

/* Bytes that were on the wire shortly before a failure. */
struct result_wire {
    uint64_t at_us;
    const char *from, *to;
    const uint8_t *bytes;
    uint32_t len;
    uint32_t mark;    /* offset of the byte that matters; len if none */
    const char *text; /* decoded, e.g. "userauth_request, user (16) ..." */
    struct result_wire *next;
};

struct result_failure {
    const char *kind;    /* "mismatch", "timeout", "closed", "check", "setup", "crash", ... */
    const char *message; /* one line */
    uint32_t step;       /* n of the step; 0 if outside the steps */
    uint64_t at_us;
    const char *file; /* where to point: usually the case's file */
    uint32_t line, column;
    uint32_t column_end;           /* last column to underline; 0 = one caret */
    const char *caret;             /* text beside the caret, "wanted this within 2s" */
    const char *expected, *actual; /* values or field lists, may have several lines; "" if none */
    const char *field;             /* of the message; "" if none */
    bool has_offset;
    uint64_t offset;      /* of the field in the message */
    const uint8_t *bytes; /* the offending message; NULL if none */
    uint32_t bytes_len;
    struct result_wire *wire_first, *wire_last; /* "last bytes", oldest first */
};

struct result_fault {
    uint64_t at_us;
    const char *id;   /* of the scenario's fault; "" if it has none */
    const char *at;   /* "dev.tcp.out" */
    const char *verb; /* "blackhole" */
    const char *text; /* what it did, "dropped keepalive_reply (5 bytes)" */
    struct result_fault *next;
};

/* One thing seen: a message between two actors, or (to == from) something that happened at one. */
struct result_event {
    uint64_t at_us;     /* sent */
    uint64_t arrive_us; /* received; 0 = not known, or same as at_us */
    const char *from, *to;
    const char *layer; /* "tcp" "tls" "apf" "chan" "http" "wsman" "redir" "event" */
    const char *name;  /* "channel_open", "device.online" */
    uint64_t size_bytes;
    const char *text; /* decoded fields in one line; "" if none */
    const uint8_t *bytes;
    uint32_t len;  /* bytes kept, may be less than size_bytes */
    bool is_fault; /* a fault acted here */
    bool is_lost;  /* never arrived */
    uint32_t step; /* n of the step that sent or awaited it; 0 if none */
    struct result_event *next;
};

struct result_case {
    const char *id;      /* "apf/userauth/split#cut=5,gap=0ms" */
    const char *name;    /* the scenario's sentence */
    const char *summary; /* the scenario's paragraph; "" if none */
    const char *file;
    uint32_t line;
    const char *matrix; /* "cut=5,gap=0ms"; "" if none */
    enum result_verdict verdict;
    enum result_level grade; /* the strictest grade among the failed steps; RESULT_MUST if none */
    const char *reason;      /* known failure, unsupported, error: why, in a line; "" otherwise */
    const char *link;        /* of the expectation entry; "" if none */
    uint64_t duration_us;    /* real time */
    uint64_t virtual_us;     /* virtual time passed; 0 when run in real time */
    uint32_t attempts;       /* 1 + retries */
    const char *trace;       /* path of the recording; "" if none */
    const char *repro;       /* one command line that runs this again */
    struct result_failure *failure;           /* NULL: none */
    struct result_pair *tag_first, *tag_last; /* value unused */
    struct result_spec *spec_first, *spec_last;
    struct result_step *step_first, *step_last;
    struct result_fault *fault_first, *fault_last;
    struct result_pair *metric_first, *metric_last;
    struct result_event *event_first, *event_last;
    struct result_case *next;
};

/* The text of a scenario file, kept once for all its cases. */
struct result_source {
    const char *path, *text;
    struct result_source *next;
};

struct result_run {
    const char *version;  /* of amtlab */
    const char *id;       /* derived from seed and options, not from the clock */
    const char *started;  /* "2026-01-01T00:00:00Z", real time */
    uint64_t duration_us; /* real time */
    uint64_t seed;
    const char *target; /* "mps=MeshCentral 1.1.55"; "" = everything built in */
    bool strict;
    struct result_pair *option_first, *option_last;           /* host-independent ones only */
    struct result_pair *expectation_first, *expectation_last; /* used: id pattern, reason */
    struct result_pair *stale_first, *stale_last;             /* stale: id pattern, why stale */
};

struct results {
    struct result_run run;
    struct result_case *case_first, *case_last;
    uint32_t case_count;
    struct result_source *source_first, *source_last;
    bool failed; /* sticks when memory ran out: the tree is incomplete and must not be published */
    struct arena arena;
    struct result_spares *spares; /* what the add functions return without memory */
};

struct results_totals {
    uint32_t cases;
    uint32_t by_verdict[RESULT_VERDICT_COUNT];
    uint32_t bad;        /* result_verdict_is_bad with the run's strictness */
    uint64_t virtual_us; /* sum over the cases */
};

/* A requirement over all cases that cite it. */
struct results_spec {
    const char *id, *text;
    enum result_level level;     /* the strictest claimed */
    enum result_verdict verdict; /* the worst */
    uint32_t cases, passed;      /* passed: RESULT_PASSED or RESULT_INFO */
};

/* All texts of the run are "" at first. NULL without memory. */
struct results *results_new(void);
void results_free(struct results *results); /* NULL is allowed */

/* Copies that live as long as the tree; "" for NULL or without memory (failed is set then). */
const char *results_text(struct results *results, const char *text);
const char *results_text_n(struct results *results, const char *text, size_t len);
const char *results_printf(struct results *results, const char *format, ...) AMT_PRINTF(2, 3);
/* NULL for len 0 or without memory (failed is set then). */
const uint8_t *results_bytes(struct results *results, const void *bytes, size_t len);

/* Each appends a zeroed element whose texts are "" and returns it; the copies of id, name and so on
 * given as arguments are made here. Without memory: failed is set, and the element returned is a
 * spare one outside the tree, so that callers need no test; never NULL. */
struct result_case *results_add_case(struct results *results, const char *id);
struct result_spec *result_add_spec(struct results *results, struct result_case *c, const char *id,
                                    enum result_level level);
struct result_step *result_add_step(struct results *results, struct result_case *c,
                                    const char *name);
struct result_fault *result_add_fault(struct results *results, struct result_case *c,
                                      const char *at, const char *verb);
struct result_event *result_add_event(struct results *results, struct result_case *c,
                                      const char *from, const char *to, const char *layer,
                                      const char *name);
/* The case's failure; a second call replaces the first. Sets file and line from the case. */
struct result_failure *result_set_failure(struct results *results, struct result_case *c,
                                          const char *kind, const char *message);
/* Copies bytes[0, len). */
struct result_wire *result_add_wire(struct results *results, struct result_failure *failure,
                                    const char *from, const char *to, const void *bytes,
                                    uint32_t len);
void result_add_tag(struct results *results, struct result_case *c, const char *tag);
void result_add_metric(struct results *results, struct result_case *c, const char *name,
                       uint64_t value);
void results_add_option(struct results *results, const char *name, const char *value);
void results_add_expectation(struct results *results, const char *pattern, const char *reason);
void results_add_stale(struct results *results, const char *pattern, const char *why);
/* Kept once per path; later ones of the same path are ignored. */
void results_add_source(struct results *results, const char *path, const char *text);

/* Text of a file, NULL if it was not added. */
const char *results_source(const struct results *results, const char *path);
/* Line `line` (from 1) of a text: its start and length without the end of line; NULL if none. */
const char *result_line_at(const char *text, uint32_t line, size_t *len);
void results_count(const struct results *results, struct results_totals *totals);
/* The requirements cited, sorted by id, in an array to be freed with amt_free; its texts belong to
 * the tree. False without memory. */
bool results_specs(const struct results *results, struct results_spec **specs, uint32_t *count);

#endif
