#include "cli/explain_scenario.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance/registry.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/verb.h"

#define NODE_DEPTH_MAX 8u

static void explain_steps(const struct scenario *scenario, const struct yaml_node *steps,
                          const char *actor, uint32_t depth);

static void indent(uint32_t depth)
{
    (void)printf("%*s", (int)(4 + 2 * depth), "");
}

static bool is_secret(const char *key)
{
    return key != NULL && (strstr(key, "pass") != NULL || strstr(key, "secret") != NULL ||
                           strstr(key, "token") != NULL);
}

/* A value as it would stand in one line. */
static void print_node(const struct yaml_node *node, uint32_t depth)
{
    if (is_secret(node->key) && node->kind == YAML_SCALAR) {
        (void)fputs("(hidden)", stdout);
        return;
    }
    if (node->kind == YAML_SCALAR) {
        (void)fputs(node->text, stdout);
        return;
    }
    bool is_list = node->kind == YAML_LIST;
    (void)fputs(is_list ? "[" : "{ ", stdout);
    for (const struct yaml_node *at = node->first; at != NULL && depth < NODE_DEPTH_MAX;
         at = at->next) {
        (void)printf("%s%s%s", at == node->first ? "" : ", ", at->key == NULL ? "" : at->key,
                     at->key == NULL ? "" : ": ");
        print_node(at, depth + 1);
    }
    (void)fputs(is_list ? "]" : " }", stdout);
}

/* "status 200, count at least 3": what is compared, in the words of the operators. */
static void print_wanted(const struct yaml_node *node)
{
    const struct yaml_node *first = node->kind == YAML_MAP ? node->first : NULL;
    const char *words = NULL, *name = first == NULL ? NULL : match_name(0, &words);
    for (uint32_t i = 0; name != NULL && strcmp(name, first->key) != 0;) {
        name = match_name(++i, &words);
    }
    if (name == NULL) {
        print_node(node, 0);
        return;
    }
    for (const struct yaml_node *at = first; at != NULL; at = at->next) {
        const char *operator_words = "", *known = match_name(0, &operator_words);
        for (uint32_t i = 0; known != NULL && strcmp(known, at->key) != 0;) {
            known = match_name(++i, &operator_words);
        }
        (void)printf("%s%s", at == first ? "" : " and ", operator_words);
        print_node(at, 0);
    }
}

static void print_fields(const struct yaml_node *map, const char *const *without)
{
    const char *separator = " with ";
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next) {
        bool is_left_out = false;
        for (uint32_t i = 0; without[i] != NULL; i++) {
            is_left_out = is_left_out || strcmp(without[i], at->key) == 0;
        }
        if (!is_left_out) {
            (void)printf("%s%s ", separator, at->key);
            print_wanted(at);
            separator = ", ";
        }
    }
}

static void print_text_of(const struct yaml_node *map, const char *key, const char *before)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (node != NULL) {
        (void)fputs(before, stdout);
        print_node(node, 0);
    }
}

static void explain_wish(const struct yaml_node *wish)
{
    static const char *const k_not_fields[] = { "msg",   "event", "closed", "none",     "for",
                                                "mode",  "count", "save",   "at_least", "between",
                                                "grade", "note",  "any_of", "all_of",   NULL };
    const struct yaml_node *closed = yaml_get(wish, "closed");
    print_text_of(wish, "msg", "the message ");
    print_text_of(wish, "event", "the event ");
    print_text_of(wish, "none", "that no message comes: ");
    print_text_of(wish, "for", ", for ");
    if (closed != NULL) {
        (void)fputs("the end of the connection", stdout);
        print_fields(closed, (const char *const[]){ NULL });
    }
    print_fields(wish, k_not_fields);
    print_text_of(wish, "count", ", so often: ");
    print_text_of(wish, "at_least", ", not before ");
    print_text_of(wish, "between", ", between ");
    print_text_of(wish, "save", ", keeps ");
    print_text_of(wish, "grade", ", graded ");
}

static void explain_expect(const struct yaml_node *node)
{
    const struct yaml_node *any = yaml_get(node, "any_of"), *all = yaml_get(node, "all_of");
    const struct yaml_node *list = any != NULL ? any : all, *mode = yaml_get(node, "mode");
    (void)printf("waits for %s", any != NULL   ? "one of: "
                                 : all != NULL ? "all of, in any order: "
                                               : "");
    for (const struct yaml_node *at = list == NULL || list->kind != YAML_LIST ? NULL : list->first;
         at != NULL; at = at->next) {
        (void)fputs(at == list->first ? "" : any != NULL ? ", or " : ", and ", stdout);
        explain_wish(at);
    }
    if (list == NULL) {
        explain_wish(node);
    }
    if (mode != NULL && mode->kind == YAML_SCALAR && strcmp(mode->text, "eventually") == 0) {
        (void)fputs(" (others may come before)", stdout);
    }
}

static void explain_check(const struct yaml_node *node)
{
    (void)fputs("checks that", stdout);
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        (void)printf("%s %s is ", at == node->first ? "" : ",", at->key);
        print_wanted(at);
    }
}

static void explain_modifiers(const struct yaml_node *step)
{
    static const char *const k_words[][2] = {
        { "when", "only if " },       { "within", "within " }, { "as", "keeps the result as " },
        { "retry", "tries again: " }, { "wire", "bytes: " },   { "grade", "graded " },
        { "spec", "proves " },
    };
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        const struct yaml_node *node = yaml_get(step, k_words[i][0]);
        if (node != NULL) {
            (void)printf("; %s", k_words[i][1]);
            print_node(node, 0);
        }
    }
}

static const char *kind_of(const struct scenario *scenario, const char *actor)
{
    for (const struct scenario_part *at = scenario->actors; at != NULL; at = at->next) {
        const struct yaml_node *kind = yaml_get(at->node, "kind");
        if (strcmp(at->name, actor) == 0 && kind != NULL && kind->kind == YAML_SCALAR) {
            return kind->text;
        }
    }
    return "";
}

static const struct yaml_node *verb_of(const struct yaml_node *step, const struct verb_def **verb)
{
    const struct yaml_node *found = NULL;
    for (const struct yaml_node *at = step->first; at != NULL; at = at->next) {
        const struct verb_def *known = verb_find(at->key);
        if (known != NULL && (found == NULL || strcmp(found->key, "do") == 0)) {
            found = at;
            *verb = known;
        }
    }
    return found;
}

static void explain_verb_of(const struct yaml_node *node, const struct verb_def *verb)
{
    bool is_empty = node->kind == YAML_MAP && node->count == 0;
    if (strcmp(verb->name, "expect") == 0) {
        explain_expect(node);
    } else if (strcmp(verb->name, "check") == 0 && node->kind == YAML_MAP) {
        explain_check(node);
    } else if (verb->value_type == KEY_STEPS) {
        (void)fputs(strcmp(verb->name, "parallel") == 0 ? "at the same time:" : "in order:",
                    stdout);
    } else {
        (void)printf("%s%s", verb->doc, is_empty ? "" : ": ");
        if (!is_empty) {
            print_node(node, 0);
        }
    }
}

static void explain_step(const struct scenario *scenario, const struct yaml_node *step,
                         const char *outer, uint32_t depth)
{
    const struct yaml_node *name = yaml_get(step, "name"), *who = yaml_get(step, "actor"),
                           *steps = yaml_get(step, "do");
    const char *actor = who == NULL || who->kind != YAML_SCALAR ? outer : who->text;
    const struct verb_def *verb = NULL;
    const struct yaml_node *node = verb_of(step, &verb);
    indent(depth);
    if (name != NULL && name->kind == YAML_SCALAR) {
        (void)printf("\"%s\": ", name->text);
    }
    if (actor != NULL && verb != NULL && (verb->roles != 0 || who != NULL)) {
        (void)printf("%s (%s) ", actor, kind_of(scenario, actor));
    }
    if (verb != NULL) {
        explain_verb_of(node, verb);
    }
    explain_modifiers(step);
    (void)fputs("\n", stdout);
    if (verb != NULL && strcmp(verb->name, "parallel") == 0) {
        steps = node;
    }
    explain_steps(scenario, steps, actor, depth + 1);
}

static void explain_steps(const struct scenario *scenario, const struct yaml_node *steps,
                          const char *actor, uint32_t depth)
{
    for (const struct yaml_node *at = steps == NULL ? NULL : steps->first;
         at != NULL && depth < SCENARIO_STEPS_DEPTH_MAX; at = at->next) {
        explain_step(scenario, at, actor, depth);
    }
}

static void explain_specs(const struct scenario *scenario)
{
    struct amt_diag_list errors = { 0 };
    struct registry *registry = access(EXPLAIN_REGISTRY_FILE, R_OK) == 0
                                    ? registry_load(EXPLAIN_REGISTRY_FILE, &errors)
                                    : NULL;
    for (const struct scenario_spec *spec = scenario->specs; spec != NULL; spec = spec->next) {
        const struct requirement *found =
            registry == NULL ? NULL : registry_find(registry, spec->id);
        (void)printf("  requires  %s (%s)%s%s\n", spec->id, result_level_name(spec->level),
                     found == NULL ? "" : ": ", found == NULL ? "" : found->text);
    }
    registry_free(registry);
    amt_diag_list_fini(&errors);
}

static void explain_parts(const struct scenario_part *parts, const char *title)
{
    for (const struct scenario_part *at = parts; at != NULL; at = at->next) {
        (void)printf("  %-9s %s%s", title, at->name == NULL ? "" : at->name,
                     at->name == NULL ? "" : " = ");
        if (is_secret(at->name)) {
            (void)fputs("(hidden)", stdout);
        } else {
            print_node(at->node, 0);
        }
        (void)fputs("\n", stdout);
    }
}

static void explain_actors(const struct scenario *scenario)
{
    for (const struct scenario_part *at = scenario->actors; at != NULL; at = at->next) {
        const struct yaml_node *kind = yaml_get(at->node, "kind");
        const struct actor_kind *known =
            kind == NULL || kind->kind != YAML_SCALAR ? NULL : actor_kind_find(kind->text);
        (void)printf("  actor     %s: %s; ", at->name, known == NULL ? "?" : known->doc);
        print_node(at->node, 0);
        (void)fputs("\n", stdout);
    }
}

static void explain_faults(const struct scenario *scenario)
{
    for (const struct scenario_part *at = scenario->faults; at != NULL; at = at->next) {
        const struct yaml_node *action = yaml_get(at->node, "do");
        const struct fault_verb *verb =
            action == NULL || action->kind != YAML_MAP || action->first == NULL
                ? NULL
                : fault_verb_find(action->first->key);
        (void)fputs("  fault     ", stdout);
        print_text_of(at->node, "id", "");
        print_text_of(at->node, "at", " at ");
        (void)printf(": %s ", verb == NULL ? "" : verb->doc);
        if (action != NULL) {
            print_node(action, 0);
        }
        print_text_of(at->node, "when", "; when ");
        print_text_of(at->node, "armed", "; armed from the start: ");
        print_text_of(at->node, "times", "; at most so often: ");
        print_text_of(at->node, "probability", "; with probability ");
        (void)fputs("\n", stdout);
    }
}

static void explain_cases(const struct suite *suite, const struct scenario *scenario)
{
    (void)fputs("  cases\n", stdout);
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        if (c->scenario == scenario) {
            (void)printf("    %s\n", c->id);
        }
    }
}

void explain_scenario(const struct suite *suite, const struct scenario *scenario)
{
    (void)printf("%s: %s\n", scenario->id, scenario->name);
    if (scenario->summary[0] != '\0') {
        (void)printf("%s\n", scenario->summary);
    }
    (void)printf("  file      %s\n", scenario->path);
    explain_specs(scenario);
    for (const struct scenario_need *need = scenario->needs; need != NULL; need = need->next) {
        (void)printf("  cannot run: '%s' needs the %s part, which this version does not have\n",
                     need->what, need->part);
    }
    explain_parts(scenario->variables, "variable");
    explain_parts(scenario->matrix, "matrix");
    explain_parts(scenario->excluded, "without");
    explain_actors(scenario);
    explain_faults(scenario);
    (void)fputs("  steps\n", stdout);
    explain_steps(scenario, scenario->steps, NULL, 0);
    if (scenario->finally != NULL) {
        (void)fputs("  finally, in any case\n", stdout);
        explain_steps(scenario, scenario->finally, NULL, 0);
    }
    explain_cases(suite, scenario);
}
