#include "scenarios/engine/scenario.h"

#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/check.h"
#include "scenarios/engine/grammar.h"

#define INCLUDE_DEPTH_MAX 8u

static const char *const k_clocks[] = { "auto", "virtual", "real", NULL };
static const char *const k_levels[] = { "must", "should", "may", "info", NULL };
static const char *const k_subjects[] = { "mps", "activation", "device", "console", NULL };

const struct key_def k_scenario_keys[] = {
    { "amtlab", KEY_NUMBER, true, "language version, the first key: 1", NULL, NULL },
    { "name", KEY_TEXT, true, "one sentence saying what must hold", NULL, NULL },
    { "id", KEY_TEXT, false, "stable identity; default is the path", NULL, NULL },
    { "summary", KEY_TEXT, false, "a paragraph for people and reports", NULL, NULL },
    { "spec", KEY_LIST, false, "requirement ids: [{ id: APF-MPS-023, level: must }]", NULL, NULL },
    { "field", KEY_TEXTS, false, "field failures this file replays: [FF-040]", NULL, NULL },
    { "links", KEY_TEXTS, false, "addresses for people", NULL, NULL },
    { "tags", KEY_TEXTS, false, "words for --tag and --skip-tag", NULL, NULL },
    { "requires", KEY_TEXTS, false, "capabilities the target must have", NULL, NULL },
    { "subject", KEY_WORD, false, "role that --target replaces", k_subjects, NULL },
    { "sanity", KEY_TEXT, false, "scenario that must pass before this one counts", NULL, NULL },
    { "seed", KEY_NUMBER, false, "seed instead of the run's", NULL, NULL },
    { "clock", KEY_WORD, false, "auto, virtual or real time", k_clocks, NULL },
    { "timeout", KEY_DURATION, false, "limit of the whole case, default 60s", NULL, NULL },
    { "exclusive", KEY_TEXTS, false, "resources not to be shared with other cases", NULL, NULL },
    { "include", KEY_TEXTS, false, "files whose vars, actors, faults, ignore are merged", NULL,
      NULL },
    { "vars", KEY_MAP, false, "variables, evaluated once and in order", NULL, NULL },
    { "params", KEY_MAP, false, "inputs of a file used with call, with defaults", NULL, NULL },
    { "result", KEY_MAP, false, "what call gives back", NULL, NULL },
    { "matrix", KEY_MAP, false, "lists whose product gives the cases", NULL, NULL },
    { "actors", KEY_MAP, false, "who takes part, by name; needed here or in an included file", NULL,
      NULL },
    { "ignore", KEY_TEXTS, false, "messages that expectations skip", NULL, NULL },
    { "faults", KEY_LIST, false, "what goes wrong, where and when", NULL, NULL },
    { "defects", KEY_LIST, false, "settings under which it must fail: amtlab run --defects", NULL,
      NULL },
    { "steps", KEY_STEPS, false, "what is done, in order", NULL, NULL },
    { "finally", KEY_STEPS, false, "done at the end in any case", NULL, NULL },
    { "phases", KEY_LIST, false, "load in phases (needs the fleet part)", NULL, NULL },
    { "slo", KEY_LIST, false, "objectives of a load run (needs the fleet part)", NULL, NULL },
    { "abort_if", KEY_LIST, false, "objectives that end a load run (needs the fleet part)", NULL,
      NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

const struct key_def k_part_keys[] = {
    { "amtlab-part", KEY_NUMBER, true, "version of included files: 1", NULL, NULL },
    { "vars", KEY_MAP, false, "variables", NULL, NULL },
    { "actors", KEY_MAP, false, "actors", NULL, NULL },
    { "ignore", KEY_TEXTS, false, "messages that expectations skip", NULL, NULL },
    { "faults", KEY_LIST, false, "faults", NULL, NULL },
    { "include", KEY_TEXTS, false, "further files", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

const struct key_def k_spec_keys[] = {
    { "id", KEY_TEXT, true, "requirement id, APF-MPS-023", NULL, NULL },
    { "level", KEY_WORD, false, "must, should, may or info", k_levels, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

static const char *folder_of(struct arena *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    return slash == path ? "/" : pool_text(pool, path, (size_t)(slash - path));
}

static struct scenario_word *add_words(struct scenario *scenario, struct scenario_word *list,
                                       const struct yaml_node *node)
{
    struct scenario_word **end = &list;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    const struct yaml_node *at = node == NULL ? NULL : node->kind == YAML_LIST ? node->first : node;
    for (; at != NULL; at = at == node ? NULL : at->next) {
        struct scenario_word *word = pool_alloc(&scenario->pool, sizeof *word);
        word->text = at->kind == YAML_SCALAR ? at->text : "";
        word->node = at;
        *end = word;
        end = &word->next;
    }
    return list;
}

/* Named parts replace earlier ones of that name in their place, so that later files win and the order
 * of evaluation stays; unnamed ones are added. */
static void add_parts(struct scenario *scenario, struct scenario_part **list,
                      const struct yaml_node *node, const char *path)
{
    for (const struct yaml_node *at = node == NULL ? NULL : node->first; at != NULL;
         at = at->next) {
        struct scenario_part **end = list;
        while (*end != NULL && (at->key == NULL || strcmp((*end)->name, at->key) != 0)) {
            end = &(*end)->next;
        }
        if (*end == NULL) {
            *end = pool_alloc(&scenario->pool, sizeof **end);
        }
        (*end)->name = at->key;
        (*end)->node = at;
        (*end)->path = path;
    }
}

void scenario_check_specs(struct checker *checker, const struct yaml_node *list)
{
    for (const struct yaml_node *at = list->first; at != NULL; at = at->next) {
        checker_map(checker, at, k_spec_keys, "a spec entry");
    }
}

static void add_specs(struct scenario *scenario, struct checker *checker,
                      const struct yaml_node *node)
{
    struct scenario_spec **end = &scenario->specs;
    if (node != NULL) {
        scenario_check_specs(checker, node);
    }
    for (const struct yaml_node *at = node == NULL ? NULL : node->first; at != NULL;
         at = at->next) {
        const struct yaml_node *id = at->kind == YAML_MAP ? yaml_get(at, "id") : NULL;
        const struct yaml_node *level = at->kind == YAML_MAP ? yaml_get(at, "level") : NULL;
        if (id == NULL || id->kind != YAML_SCALAR) {
            continue;
        }
        struct scenario_spec *spec = pool_alloc(&scenario->pool, sizeof *spec);
        spec->id = id->text;
        if (level != NULL && level->kind == YAML_SCALAR) {
            (void)result_level_parse(level->text, &spec->level); /* checked by the table */
        }
        *end = spec;
        end = &spec->next;
    }
}

static struct yaml_document *load_file(struct scenario *scenario, const char *path,
                                       struct amt_diag_list *errors)
{
    struct yaml_document *document = yaml_load_file(path, errors);
    if (document == NULL) {
        return NULL;
    }
    struct scenario_file *file = pool_alloc(&scenario->pool, sizeof *file);
    file->document = document;
    struct scenario_file **end = &scenario->files;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = file;
    return document;
}

static void merge_file(struct scenario *scenario, struct checker *checker,
                       const struct yaml_node *root, uint32_t depth);

static bool is_being_included(const struct scenario *scenario, const char *path)
{
    for (const struct scenario_file *file = scenario->files; file != NULL; file = file->next) {
        if (strcmp(yaml_path(file->document), path) == 0) {
            return true;
        }
    }
    return false;
}

static void include_file(struct scenario *scenario, struct checker *checker,
                         const struct yaml_node *node, uint32_t depth)
{
    const char *path = node->text[0] == '/'
                           ? node->text
                           : pool_printf(&scenario->pool, "%s/%s",
                                         folder_of(&scenario->pool, checker->path), node->text);
    if (depth == INCLUDE_DEPTH_MAX || is_being_included(scenario, path)) {
        struct amt_diag *diag = checker_report(checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG, "'%s' is included twice or includes itself", node->text);
        return;
    }
    struct yaml_document *document = load_file(scenario, path, checker->errors);
    if (document == NULL) {
        struct amt_diag *diag = checker_report(checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG, "included file '%s' cannot be used", node->text);
        amt_diag_hint(diag, "paths are relative to the including file: looked for %s", path);
        return;
    }
    struct checker inner = { .path = yaml_path(document), .errors = checker->errors };
    checker_map(&inner, yaml_root(document), k_part_keys, "an included file (amtlab-part: 1)");
    merge_file(scenario, &inner, yaml_root(document), depth + 1);
    checker->has_failed = checker->has_failed || inner.has_failed;
}

/* Included files first, so that what stands in the file itself wins. */
static void merge_file(struct scenario *scenario, struct checker *checker,
                       const struct yaml_node *root, uint32_t depth)
{
    if (root->kind != YAML_MAP) {
        return;
    }
    for (const struct scenario_word *word = add_words(scenario, NULL, yaml_get(root, "include"));
         word != NULL; word = word->next) {
        if (word->node->kind == YAML_SCALAR) {
            include_file(scenario, checker, word->node, depth);
        }
    }
    add_parts(scenario, &scenario->variables, yaml_get(root, "vars"), checker->path);
    add_parts(scenario, &scenario->actors, yaml_get(root, "actors"), checker->path);
    add_parts(scenario, &scenario->faults, yaml_get(root, "faults"), checker->path);
    scenario->ignored = add_words(scenario, scenario->ignored, yaml_get(root, "ignore"));
}

static const char *text_of(const struct yaml_node *root, const char *key, const char *fallback)
{
    const struct yaml_node *node = yaml_get(root, key);
    return node == NULL || node->kind != YAML_SCALAR ? fallback : node->text;
}

static void read_matrix(struct scenario *scenario, struct checker *checker,
                        const struct yaml_node *matrix)
{
    for (const struct yaml_node *at = matrix == NULL ? NULL : matrix->first; at != NULL;
         at = at->next) {
        if (at->kind != YAML_LIST || at->count == 0) {
            struct amt_diag *diag = checker_report(checker, at, true);
            amt_diag_set(diag, AMT_ECONFIG, "matrix key '%s' wants a list of values", at->key);
        }
    }
    add_parts(scenario, &scenario->matrix, matrix, checker->path);
    struct scenario_part **at = &scenario->matrix;
    while (*at != NULL && strcmp((*at)->name, "exclude") != 0) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        scenario->excluded = *at;
        *at = (*at)->next;
        scenario->excluded->next = NULL;
    }
}

static void read_numbers(struct scenario *scenario, const struct yaml_node *root)
{
    static const enum scenario_clock k_clock_values[] = { SCENARIO_CLOCK_AUTO,
                                                          SCENARIO_CLOCK_VIRTUAL,
                                                          SCENARIO_CLOCK_REAL };
    const char *clock = text_of(root, "clock", "auto");
    for (uint32_t i = 0; k_clocks[i] != NULL; i++) {
        if (strcmp(k_clocks[i], clock) == 0) {
            scenario->clock = k_clock_values[i];
        }
    }
    scenario->has_seed =
        text_parse_u64(text_of(root, "seed", ""), UINT64_MAX, &scenario->seed) == AMT_OK;
    if (text_parse_duration(text_of(root, "timeout", "60s"), &scenario->timeout_us) != AMT_OK) {
        scenario->timeout_us = SCENARIO_TIMEOUT_US; /* reported by the table */
    }
}

static void check_version(struct checker *checker, const struct yaml_node *root)
{
    const struct yaml_node *version = yaml_get(root, "amtlab");
    if (version == NULL || version->kind != YAML_SCALAR) {
        return; /* reported by the table */
    }
    if (strcmp(version->text, "1") != 0) {
        struct amt_diag *diag = checker_report(checker, version, false);
        amt_diag_set(diag, AMT_ECONFIG, "language version %s is not known", version->text);
        amt_diag_hint(diag, "this version of amtlab reads version 1");
    } else if (root->first != version) {
        struct amt_diag *diag = checker_report(checker, version, true);
        amt_diag_set(diag, AMT_ECONFIG, "'amtlab' must be the first key of the file");
    }
}

static void read_document(struct scenario *scenario, struct checker *checker,
                          const struct yaml_node *root)
{
    checker_map(checker, root, k_scenario_keys, "a scenario");
    if (root->kind != YAML_MAP) {
        return;
    }
    check_version(checker, root);
    scenario->name = text_of(root, "name", "");
    scenario->id = text_of(root, "id", scenario->id);
    scenario->summary = text_of(root, "summary", "");
    scenario->subject = text_of(root, "subject", NULL);
    scenario->sanity = text_of(root, "sanity", NULL);
    add_specs(scenario, checker, yaml_get(root, "spec"));
    scenario->tags = add_words(scenario, NULL, yaml_get(root, "tags"));
    scenario->fields = add_words(scenario, NULL, yaml_get(root, "field"));
    scenario->links = add_words(scenario, NULL, yaml_get(root, "links"));
    scenario->capabilities = add_words(scenario, NULL, yaml_get(root, "requires"));
    scenario->exclusive = add_words(scenario, NULL, yaml_get(root, "exclusive"));
    scenario->steps = yaml_get(root, "steps");
    scenario->finally = yaml_get(root, "finally");
    scenario->defects = yaml_get(root, "defects");
    read_numbers(scenario, root);
    read_matrix(scenario, checker, yaml_get(root, "matrix"));
    merge_file(scenario, checker, root, 0);
    if (scenario->actors == NULL) {
        struct amt_diag *diag = checker_report(checker, root, false);
        amt_diag_set(diag, AMT_ECONFIG, "a scenario needs 'actors'");
        amt_diag_hint(diag, "actors: { mps: { kind: mps }, ... }, here or in an included file");
    }
    if (scenario->steps == NULL && yaml_get(root, "phases") == NULL) {
        struct amt_diag *diag = checker_report(checker, root, false);
        amt_diag_set(diag, AMT_ECONFIG, "a scenario needs 'steps' (or 'phases')");
    }
}

struct scenario *scenario_load(const char *path, const char *id, struct amt_diag_list *errors)
{
    struct scenario *scenario = pool_checked(amt_alloc(sizeof *scenario));
    struct yaml_document *document = load_file(scenario, path, errors);
    if (document == NULL) {
        scenario_free(scenario);
        return NULL;
    }
    scenario->path = yaml_path(document);
    scenario->folder = folder_of(&scenario->pool, scenario->path);
    scenario->id = pool_strdup(&scenario->pool, id);
    scenario->name = scenario->summary = "";
    struct checker checker = { .path = scenario->path, .errors = errors };
    read_document(scenario, &checker, yaml_root(document));
    if (yaml_root(document)->kind == YAML_MAP) {
        check_scenario(scenario, &checker);
    }
    return scenario;
}

const struct yaml_node *scenario_load_called(struct scenario *scenario, const char *path,
                                             struct amt_diag_list *errors)
{
    struct yaml_document *document = load_file(scenario, path, errors);
    return document == NULL ? NULL : yaml_root(document);
}

void scenario_free(struct scenario *scenario)
{
    if (scenario == NULL) {
        return;
    }
    for (struct scenario_file *file = scenario->files; file != NULL; file = file->next) {
        yaml_free(file->document);
    }
    arena_fini(&scenario->pool);
    amt_free(scenario);
}

char *scenario_source_line(const struct scenario *scenario, const char *path, uint32_t line)
{
    for (const struct scenario_file *file = scenario->files; file != NULL; file = file->next) {
        if (strcmp(yaml_path(file->document), path) == 0) {
            return yaml_source_line(file->document, line);
        }
    }
    return NULL;
}

bool scenario_has_tag(const struct scenario *scenario, const char *tag)
{
    for (const struct scenario_word *word = scenario->tags; word != NULL; word = word->next) {
        if (strcmp(word->text, tag) == 0) {
            return true;
        }
    }
    return false;
}
