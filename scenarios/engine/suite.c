#include "scenarios/engine/suite.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scenarios/engine/target.h"

#define FOLDER_DEPTH_MAX 12u

#define LIBRARY_FOLDER "scenarios/library"

/* The folder that many levels above the running program, with a slash; "" if that is not known. */
static const char *above_program(struct arena *pool, uint32_t levels)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    for (uint32_t i = 0; i < levels; i++) {
        for (len--; len > 0 && path[len - 1] != '/'; len--) {
        }
    }
    return pool_text(pool, path, len > 0 ? (size_t)len : 0);
}

const char *suite_find(struct arena *pool, const char *path)
{
    if (access(path, R_OK) == 0 || path[0] == '/') {
        return access(path, R_OK) == 0 ? path : NULL;
    }
    /* build/release/amtlab or build/amtlab in a source tree; bin/amtlab of an installation */
    const char *const roots[] = {
        above_program(pool, 3),
        above_program(pool, 2),
        pool_printf(pool, "%sshare/amtlab/", above_program(pool, 2)),
    };
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        const char *library = pool_printf(pool, "%s%s", roots[i], LIBRARY_FOLDER);
        const char *found = pool_printf(pool, "%s%s", roots[i], path);
        if (access(library, R_OK) == 0 && access(found, R_OK) == 0) {
            return found;
        }
    }
    return NULL;
}

const char *suite_default_folder(struct arena *pool)
{
    const char *folder = getenv("AMTLAB_SCENARIOS");
    if (folder != NULL && folder[0] != '\0') {
        return folder;
    }
    folder = suite_find(pool, LIBRARY_FOLDER);
    return folder == NULL ? LIBRARY_FOLDER : folder;
}

/* What adding one argument knows. */
struct adding {
    struct suite *suite;
    const struct suite_filter *filter;
    struct amt_diag_list *errors;
    const char *key;     /* behind '#', or NULL */
    const char *pattern; /* of ids, or NULL */
    uint32_t found;
};

static bool fits_any(const char *const *patterns, uint32_t count, const char *word)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fnmatch(patterns[i], word, 0) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_any_tag(const struct scenario *scenario, const char *const *tags, uint32_t count)
{
    for (const struct scenario_word *tag = scenario->tags; tag != NULL; tag = tag->next) {
        if (fits_any(tags, count, tag->text)) {
            return true;
        }
    }
    return false;
}

static bool has_spec(const struct scenario *scenario, const struct suite_filter *filter)
{
    for (const struct scenario_spec *spec = scenario->specs; spec != NULL; spec = spec->next) {
        bool fits_id =
            filter->spec_count == 0 || fits_any(filter->specs, filter->spec_count, spec->id);
        if (fits_id && (!filter->has_level || spec->level <= filter->level)) {
            return true;
        }
    }
    return false;
}

static bool has_field(const struct scenario *scenario, const struct suite_filter *filter)
{
    for (const struct scenario_word *field = scenario->fields; field != NULL; field = field->next) {
        if (fits_any(filter->fields, filter->field_count, field->text)) {
            return true;
        }
    }
    return false;
}

static bool is_selected(const struct scenario *scenario, const struct suite_filter *filter)
{
    if (filter == NULL) {
        return true;
    }
    if (filter->tag_count > 0 && !has_any_tag(scenario, filter->tags, filter->tag_count)) {
        return false;
    }
    if (has_any_tag(scenario, filter->skip_tags, filter->skip_tag_count)) {
        return false;
    }
    if (filter->field_count > 0 && !has_field(scenario, filter)) {
        return false;
    }
    return (filter->spec_count == 0 && !filter->has_level) || has_spec(scenario, filter);
}

/* "scenarios/library/basic/x.yaml" -> "basic/x" (harness.md 6.2: the default id is the path) */
static const char *id_of_path(struct arena *pool, const char *path)
{
    static const char *const k_roots[] = { "library/", "scenarios/", "./" };
    const char *start = strstr(path, "conformance/"); /* part of the id */
    bool is_suite = start != NULL;
    start = is_suite ? start : path;
    for (size_t i = 0; i < sizeof k_roots / sizeof k_roots[0] && !is_suite && start == path; i++) {
        const char *root = strstr(path, k_roots[i]);
        start = root == NULL ? path : root + strlen(k_roots[i]);
    }
    size_t len = strlen(start);
    if (len > 5 && strcmp(start + len - 5, ".yaml") == 0) {
        len -= 5;
    }
    return pool_text(pool, start, len);
}

static void add_cases(struct adding *adding, struct scenario *scenario)
{
    struct suite *suite = adding->suite;
    uint32_t count = 0;
    bool wants_defects = (adding->filter != NULL && adding->filter->wants_defects) ||
                         (adding->key != NULL && strncmp(adding->key, "defect=", 7) == 0);
    for (const struct matrix_case *c = wants_defects ? matrix_defects(scenario, &count)
                                                     : matrix_expand(scenario, &count);
         c != NULL; c = c->next) {
        if (adding->key != NULL && fnmatch(adding->key, c->key, 0) != 0) {
            continue;
        }
        struct suite_case *entry = pool_alloc(&suite->pool, sizeof *entry);
        entry->scenario = scenario;
        entry->matrix = c;
        entry->id = matrix_case_id(&suite->pool, scenario, c);
        if (suite->last_case == NULL) {
            suite->cases = entry;
        } else {
            suite->last_case->next = entry;
        }
        suite->last_case = entry;
        suite->case_count++;
        adding->found++;
    }
}

static void report_twice(struct adding *adding, const struct scenario *scenario,
                         const struct scenario *other)
{
    struct amt_diag *diag = amt_diag_list_add(adding->errors, AMT_ECONFIG, scenario->path, 1, 1);
    amt_diag_set(diag, AMT_ECONFIG, "the id '%s' is used by %s too", scenario->id, other->path);
    amt_diag_hint(diag, "ids identify cases in reports: give one of them another `id`");
}

static void add_scenario(struct adding *adding, struct scenario *scenario)
{
    struct suite *suite = adding->suite;
    for (const struct scenario *at = suite->scenarios; at != NULL; at = at->next) {
        if (strcmp(at->id, scenario->id) == 0) {
            if (strcmp(at->path, scenario->path) != 0) {
                report_twice(adding, scenario, at);
            }
            adding->found++;
            scenario_free(scenario);
            return;
        }
    }
    if (suite->last_scenario == NULL) {
        suite->scenarios = scenario;
    } else {
        suite->last_scenario->next = scenario;
    }
    suite->last_scenario = scenario;
    suite->scenario_count++;
    add_cases(adding, scenario);
    adding->found += adding->key == NULL ? 1 : 0;
}

/* "apf" names everything below apf/. */
static bool fits_pattern(const char *pattern, const char *id)
{
    size_t len = strlen(pattern);
    return fnmatch(pattern, id, 0) == 0 || (strncmp(pattern, id, len) == 0 && id[len] == '/');
}

static void add_file(struct adding *adding, const char *path)
{
    const char *id = id_of_path(&adding->suite->pool, path);
    uint32_t errors_before = adding->errors->count;
    struct scenario *scenario = scenario_load(path, id, adding->errors);
    adding->suite->files_seen++;
    if (scenario == NULL) {
        adding->found++; /* it was there, and its errors are known */
        return;
    }
    bool is_meant = adding->pattern == NULL || fits_pattern(adding->pattern, scenario->id);
    if (!is_meant && adding->errors->count > errors_before) {
        adding->errors->count = errors_before; /* of a file that nobody asked for */
    }
    if (is_meant && is_selected(scenario, adding->filter)) {
        add_scenario(adding, scenario);
        return;
    }
    adding->found += is_meant ? 1 : 0; /* left out by a filter, but not unknown */
    scenario_free(scenario);
}

/* Profiles, parts and targets lie beside scenarios: the first key tells. */
static bool is_scenario_file(const char *path)
{
    size_t len = strlen(path);
    return len >= 6 && strcmp(path + len - 5, ".yaml") == 0 && target_is_file_of(path, "amtlab");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in a folder, sorted so that every machine runs the same order. */
static const char **list_folder(struct arena *pool, const char *path, uint32_t *count)
{
    DIR *folder = opendir(path);
    uint32_t capacity = 0;
    *count = 0;
    const char **names = NULL;
    for (const struct dirent *entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity == 0 ? 64 : capacity * 2;
            const char **more = pool_alloc(pool, capacity * sizeof *more);
            if (*count > 0) {
                memcpy(more, names, *count * sizeof *more);
            }
            names = more;
        }
        names[(*count)++] = pool_strdup(pool, entry->d_name);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    if (*count > 0) {
        qsort(names, *count, sizeof *names, compare_names);
    }
    return names;
}

static void add_folder(struct adding *adding, const char *path, uint32_t depth)
{
    struct arena *pool = &adding->suite->pool;
    uint32_t count = 0;
    const char **names = list_folder(pool, path, &count);
    for (uint32_t i = 0; i < count; i++) {
        const char *inner = pool_printf(pool, "%s/%s", path, names[i]);
        struct stat status;
        if (stat(inner, &status) != 0) {
            continue;
        }
        if (S_ISDIR(status.st_mode) && depth < FOLDER_DEPTH_MAX) {
            add_folder(adding, inner, depth + 1);
        } else if (S_ISREG(status.st_mode) && is_scenario_file(inner)) {
            add_file(adding, inner);
        }
    }
}

static const char *without_slash(struct arena *pool, const char *path)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return pool_text(pool, path, len);
}

enum amt_err suite_add(struct suite *suite, const char *argument, const struct suite_filter *filter,
                       struct amt_diag_list *errors)
{
    const char *hash = strchr(argument, '#');
    struct adding adding = { .suite = suite, .filter = filter, .errors = errors };
    struct stat status;
    const char *name =
        hash == NULL ? argument : pool_text(&suite->pool, argument, (size_t)(hash - argument));
    name = without_slash(&suite->pool, name);
    const char *known = suite_find(&suite->pool, name);
    name = known == NULL ? name : known;
    adding.key = hash == NULL ? NULL : hash + 1;
    if (stat(name, &status) == 0 && S_ISDIR(status.st_mode)) {
        add_folder(&adding, name, 0);
    } else if (stat(name, &status) == 0) {
        add_file(&adding, name);
    } else {
        adding.pattern = name;
        const char *conformance = suite_find(&suite->pool, "conformance");
        add_folder(&adding, suite_default_folder(&suite->pool), 0);
        if (conformance != NULL && strncmp(name, "conformance", strlen("conformance")) == 0) {
            add_folder(&adding, conformance, 0);
        }
    }
    return adding.found == 0 ? AMT_EUNKNOWN : AMT_OK;
}

/* "a/b/../c" -> "a/c", so that the file has the id that it has when it is named directly */
static const char *without_dots(struct arena *pool, const char *path)
{
    char *plain = pool_strdup(pool, path);
    for (char *dots = NULL; (dots = strstr(plain, "/../")) != NULL && dots != plain;) {
        char *from = dots;
        while (from > plain && from[-1] != '/') {
            from--;
        }
        if (strncmp(from, "../", 3) == 0) {
            return path; /* leads out of where we are */
        }
        memmove(from, dots + 4, strlen(dots + 4) + 1);
    }
    return plain;
}

/* The file of a scenario's sanity: beside it, or by its id below the default folder. NULL: nowhere. */
static const char *sanity_file(struct arena *pool, const struct scenario *scenario)
{
    const char *beside = pool_printf(pool, "%s/%s", scenario->folder, scenario->sanity);
    const char *by_id =
        pool_printf(pool, "%s/%s.yaml", suite_default_folder(pool), scenario->sanity);
    return access(beside, R_OK) == 0  ? without_dots(pool, beside)
           : access(by_id, R_OK) == 0 ? by_id
                                      : NULL;
}

static struct scenario *scenario_of_file(const struct suite *suite, const char *path)
{
    struct stat wanted, status;
    for (struct scenario *at = suite->scenarios; at != NULL; at = at->next) {
        if (stat(path, &wanted) == 0 && stat(at->path, &status) == 0 &&
            wanted.st_dev == status.st_dev && wanted.st_ino == status.st_ino) {
            return at;
        }
    }
    return NULL;
}

static void report_no_sanity(const struct scenario *scenario, struct amt_diag_list *errors)
{
    struct amt_diag *diag = amt_diag_list_add(errors, AMT_ECONFIG, scenario->path, 1, 1);
    amt_diag_set(diag, AMT_ECONFIG, "there is no scenario '%s' for sanity", scenario->sanity);
    amt_diag_hint(diag, "a file beside it, or an id below scenarios/library");
}

/* Cases of the scenario to the front, in their order. */
static void move_to_front(struct suite *suite, const struct scenario *scenario)
{
    struct suite_case *mine = NULL, **mine_end = &mine, **at = &suite->cases;
    suite->last_case = NULL;
    while (*at != NULL) {
        struct suite_case *c = *at;
        if (c->scenario == scenario) {
            *at = c->next;
            c->next = NULL;
            *mine_end = c;
            mine_end = &c->next;
        } else {
            suite->last_case = c;
            at = &c->next;
        }
    }
    *mine_end = suite->cases;
    suite->cases = mine;
    for (struct suite_case *c = mine; c != NULL; c = c->next) {
        suite->last_case = c;
    }
}

static bool has_cases(const struct suite *suite, const struct scenario *scenario)
{
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        if (c->scenario == scenario) {
            return true;
        }
    }
    return false;
}

void suite_add_sanity(struct suite *suite, struct amt_diag_list *errors)
{
    for (struct scenario *scenario = suite->scenarios; scenario != NULL;
         scenario = scenario->next) {
        const char *path = scenario->sanity == NULL ? NULL : sanity_file(&suite->pool, scenario);
        if (scenario->sanity == NULL || !has_cases(suite, scenario)) {
            continue;
        }
        if (path == NULL) {
            report_no_sanity(scenario, errors);
            continue;
        }
        struct adding adding = { .suite = suite, .errors = errors };
        struct scenario *sanity = scenario_of_file(suite, path);
        if (sanity == NULL) {
            add_file(&adding, path);
            sanity = scenario_of_file(suite, path);
        } else if (!has_cases(suite, sanity)) {
            add_cases(&adding, sanity); /* a selection left them out */
        }
        if (sanity != NULL && sanity != scenario) {
            scenario->sanity_path = sanity->path;
            move_to_front(suite, sanity);
        }
    }
}

void suite_free(struct suite *suite)
{
    while (suite->scenarios != NULL) {
        struct scenario *scenario = suite->scenarios;
        suite->scenarios = scenario->next;
        scenario_free(scenario);
    }
    arena_fini(&suite->pool);
    *suite = (struct suite){ .case_count = 0 };
}
