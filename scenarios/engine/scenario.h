/*
 * A scenario file as loaded: read, includes merged, every key checked (harness.md 6.2). Nothing is
 * evaluated here; a scenario with a matrix gives several cases, see matrix.h.
 */
#ifndef AMTLAB_SCENARIOS_ENGINE_SCENARIO_H
#define AMTLAB_SCENARIOS_ENGINE_SCENARIO_H

#include "scenarios/engine/grammar.h"
#include "scenarios/engine/value.h"
#include "scenarios/report/results.h"

enum scenario_clock { SCENARIO_CLOCK_AUTO, SCENARIO_CLOCK_VIRTUAL, SCENARIO_CLOCK_REAL };

struct scenario_word {
    const char *text;
    const struct yaml_node *node;
    struct scenario_word *next;
};
struct scenario_spec {
    const char *id;
    enum result_level level;
    struct scenario_spec *next;
};
/* A named part (variable, actor) or an unnamed one (fault) with the file it stands in. */
struct scenario_part {
    const char *name;
    const struct yaml_node *node;
    const char *path;
    struct scenario_part *next;
};
/* What a scenario uses that this version does not have. */
struct scenario_need {
    const char *what; /* "wsman.get" */
    const char *part; /* "WS-Man" */
    const struct yaml_node *node;
    struct scenario_need *next;
};
struct scenario_file {
    struct yaml_document *document;
    struct scenario_file *next;
};

struct scenario {
    struct arena pool;
    struct scenario_file *files; /* the file itself first, then what it includes */
    const char *path;
    const char *folder; /* of path */
    const char *id, *name, *summary;
    const char *subject;
    const char *sanity;      /* scenario that must pass on a target before this one counts; NULL */
    const char *sanity_path; /* its file, as suite_add_sanity found it; NULL */
    struct scenario_spec *specs;
    struct scenario_word *tags, *fields, *links, *capabilities, *ignored, *exclusive;
    struct scenario_part *variables, *matrix, *excluded, *actors, *faults;
    const struct yaml_node *steps, *finally; /* NULL if absent */
    const struct yaml_node *defects;         /* LIST, see defect.h; NULL */
    enum scenario_clock clock;
    bool has_seed;
    uint64_t seed, timeout_us;
    struct scenario_need *needs;
    struct scenario *next;
};

#define SCENARIO_TIMEOUT_US      (60u * 1000000ull) /* default of `timeout` */
#define SCENARIO_STEP_LIMIT_US   (5u * 1000000ull)  /* default of `within` */
#define SCENARIO_STEPS_DEPTH_MAX 12u
/* Tag of what may harm a product that others use: floods, attacks on its memory. */
#define SCENARIO_TAG_DESTRUCTIVE "destructive"

/* Keys of a scenario, of an included file, of an entry of `spec`. */
extern const struct key_def k_scenario_keys[], k_part_keys[], k_spec_keys[];

/*
 * Reads and checks one file. id is its default identity. All errors go to errors (AMT_ECONFIG, AMT_ESYS);
 * the scenario is returned nevertheless when the file could be read at all, so that more can be
 * looked at, and must not be run if errors grew. NULL otherwise.
 */
struct scenario *scenario_load(const char *path, const char *id, struct amt_diag_list *errors);
/* For `call`: loads a further file and keeps it with the scenario. NULL with errors. */
const struct yaml_node *scenario_load_called(struct scenario *scenario, const char *path,
                                             struct amt_diag_list *errors);
void scenario_free(struct scenario *scenario); /* NULL is allowed */
/* Text of a line of one of the files, for carets; NULL. amt_free it. */
char *scenario_source_line(const struct scenario *scenario, const char *path, uint32_t line);
bool scenario_has_tag(const struct scenario *scenario, const char *tag);

#endif
