/* Static checks of steps: one verb each, known keys, actors that can do it, expressions. */
#include <string.h>

#include "protocol/apf/fields.h"
#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/call.h"
#include "scenarios/engine/check.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/outcome.h"
#include "scenarios/engine/verb.h"

#define NAMES_MAX 96u

static void unknown_step_key(struct check *check, const struct yaml_node *node)
{
    const char *names[NAMES_MAX + 1];
    uint32_t n = 0;
    for (const struct key_def *key = k_step_keys; key->name != NULL; key++) {
        names[n++] = key->name;
    }
    for (const struct verb_def *verb = k_verbs; verb->name != NULL && n < NAMES_MAX; verb++) {
        names[n++] = verb->name;
    }
    names[n] = NULL;
    int nearest = text_nearest(node->key, names);
    struct amt_diag *diag = checker_report(check->checker, node, true);
    amt_diag_set(diag, AMT_ECONFIG, "unknown verb or key '%s' in a step", node->key);
    if (nearest >= 0) {
        amt_diag_hint(diag, "did you mean '%s'?", names[nearest]);
    } else {
        amt_diag_hint(diag, "a step has one verb (`amtlab explain verbs` lists them) and the keys "
                            "name actor as within when grade retry wire spec");
    }
}

/* The verb of a step; reports none and more than one. */
static const struct verb_def *find_verb(struct check *check, const struct yaml_node *step,
                                        const struct yaml_node **node)
{
    const struct verb_def *found = NULL;
    bool has_unknown = false;
    for (const struct yaml_node *at = step->first; at != NULL; at = at->next) {
        const struct verb_def *verb = verb_find(at->key);
        if (verb == NULL) {
            bool is_known = key_find(k_step_keys, at->key) != NULL;
            has_unknown = has_unknown || !is_known;
            if (!is_known) {
                unknown_step_key(check, at);
            }
        } else if (found == NULL || strcmp(found->name, "do") == 0) {
            found = verb;
            *node = at;
        } else if (strcmp(verb->name, "do") != 0 || strcmp(found->name, "repeat") != 0) {
            struct amt_diag *diag = checker_report(check->checker, at, true);
            amt_diag_set(diag, AMT_ECONFIG, "a step has one verb, this one has '%s' and '%s'",
                         (*node)->key, at->key);
            amt_diag_hint(diag, "write two steps, or put them into do: [...]");
        }
    }
    if (found == NULL && !has_unknown) {
        struct amt_diag *diag = checker_report(check->checker, step, false);
        amt_diag_set(diag, AMT_ECONFIG, "the step does nothing: it has no verb");
        amt_diag_hint(diag, "`amtlab explain verbs` lists them");
    }
    return found;
}

static void check_role(struct check *check, const struct yaml_node *node,
                       const struct verb_def *verb, const char *actor)
{
    if (verb->roles == 0) {
        return;
    }
    if (actor == NULL) {
        struct amt_diag *diag = checker_report(check->checker, node, true);
        amt_diag_set(diag, AMT_ECONFIG, "'%s' needs an actor", verb->name);
        amt_diag_hint(diag, "add `actor: NAME` to the step or to the block around it");
        return;
    }
    const struct actor_kind *kind = check_actor(check, actor);
    /* one that is unknown is reported where it is named */
    if (kind == NULL || kind->role == ACTOR_LATER || (kind->role & verb->roles) != 0) {
        return;
    }
    struct amt_diag *diag = checker_report(check->checker, node, true);
    struct text who = { 0 };
    for (uint32_t i = 0; k_actor_kinds[i] != NULL; i++) {
        if ((k_actor_kinds[i]->role & verb->roles) != 0) {
            text_printf(&who, "%s%s", who.len == 0 ? "" : ", ", k_actor_kinds[i]->name);
        }
    }
    amt_diag_set(diag, AMT_ECONFIG, "'%s' cannot be done by '%s', which is a %s", verb->name, actor,
                 kind->name);
    amt_diag_hint(diag, "it is for: %s", text_chars(&who));
    text_fini(&who);
}

static void check_fields(struct check *check, const struct yaml_node *map, uint8_t type,
                         const struct key_def *own)
{
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next) {
        if (key_find(own, at->key) != NULL || strcmp(at->key, "window") == 0 ||
            strcmp(at->key, ITEM_ALONE) == 0 || apf_field_find(type, at->key) != NULL) {
            continue;
        }
        const char *names[NAMES_MAX + 1];
        uint32_t count = 0, n = 0;
        const struct apf_field *fields = apf_fields_of_type(type, &count);
        struct text list = { 0 };
        for (; n < count && n < NAMES_MAX; n++) {
            names[n] = fields[n].name;
            text_printf(&list, "%s%s", n == 0 ? "" : " ", fields[n].name);
        }
        names[n] = NULL;
        int nearest = text_nearest(at->key, names);
        struct amt_diag *diag = checker_report(check->checker, at, true);
        amt_diag_set(diag, AMT_ECONFIG, "%s has no field '%s'",
                     apf_value_name(check->scope.pool, type), at->key);
        amt_diag_hint(diag, "%s%s%sfields: %s", nearest < 0 ? "" : "did you mean '",
                      nearest < 0 ? "" : names[nearest], nearest < 0 ? "" : "'? ",
                      count == 0 ? "none" : text_chars(&list));
        text_fini(&list);
    }
}

static const char *const k_later_events[][2] = {
    { "sol.", "redirection" },
    { "kvm.", "redirection" },
    { "ider.", "redirection" },
};

static void check_wish(struct check *check, const struct yaml_node *wish,
                       const struct key_def *keys)
{
    const struct yaml_node *msg = yaml_get(wish, "msg"), *event = yaml_get(wish, "event"),
                           *none = yaml_get(wish, "none"), *outcome = yaml_get(wish, "outcome");
    bool is_message = none != NULL && none->kind == YAML_SCALAR &&
                      (strncmp(none->text, "apf.", 4) == 0 || strchr(none->text, '.') == NULL);
    const struct yaml_node *name = msg != NULL ? msg : is_message ? none : NULL;
    if (name != NULL && name->kind == YAML_SCALAR && strstr(name->text, "${") == NULL &&
        strcmp(name->text, "*") != 0) {
        check_message_name(check, name, name->text);
        uint8_t type = strncmp(name->text, "apf.", 4) == 0 ? apf_value_type(name->text) : 0;
        if (type != 0) {
            check_fields(check, wish, type, keys);
        }
    }
    for (size_t i = 0; event != NULL && event->kind == YAML_SCALAR &&
                       i < sizeof k_later_events / sizeof k_later_events[0];
         i++) {
        if (strncmp(event->text, k_later_events[i][0], strlen(k_later_events[i][0])) == 0) {
            check_need(check, event, event->text, k_later_events[i][1]);
        }
    }
    if (outcome != NULL && outcome->kind == YAML_SCALAR && strstr(outcome->text, "${") == NULL) {
        (void)outcome_check_name(check->checker, outcome, outcome->text, false);
    }
}

static void check_open_map(struct check *check, const struct yaml_node *map,
                           const struct key_def *keys)
{
    for (const struct yaml_node *at = map->first; at != NULL; at = at->next) {
        const struct key_def *key = key_find(keys, at->key);
        if (key != NULL) {
            checker_value(check->checker, at, key);
        }
    }
}

void check_expect(struct check *check, const struct yaml_node *node, const struct value *value)
{
    static const char *const k_kinds[] = { "msg",    "event",  "closed", "none",
                                           "any_of", "all_of", "outcome" };
    const struct key_def *keys = verb_find("expect")->arguments;
    uint32_t kinds = 0;
    if (node->kind != YAML_MAP) {
        struct amt_diag *diag = checker_report(check->checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG, "expect wants a map: { msg: apf.userauth_success }");
        return;
    }
    for (size_t i = 0; i < sizeof k_kinds / sizeof k_kinds[0]; i++) {
        kinds += yaml_get(node, k_kinds[i]) != NULL ? 1 : 0;
    }
    if (kinds != 1) {
        struct amt_diag *diag = checker_report(check->checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG,
                     "expect wants exactly one of msg, event, closed, none, "
                     "any_of, all_of, outcome");
        return;
    }
    check_open_map(check, node, keys);
    check_wish(check, node, keys);
    const struct yaml_node *list = yaml_get(node, "any_of");
    list = list != NULL ? list : yaml_get(node, "all_of");
    for (const struct yaml_node *at = list == NULL || list->kind != YAML_LIST ? NULL : list->first;
         at != NULL; at = at->next) {
        if (at->kind == YAML_MAP) {
            check_open_map(check, at, keys);
            check_wish(check, at, keys);
        }
    }
    for (const struct value *at = value->first; at != NULL; at = at->next) {
        bool is_list = strcmp(at->key, "any_of") == 0 || strcmp(at->key, "all_of") == 0;
        if (key_find(keys, at->key) == NULL || is_list) {
            (void)match_check(at, check->checker->path, check->checker->errors);
        }
    }
}

static void check_send(struct check *check, const struct yaml_node *node,
                       const struct key_def *keys)
{
    const struct yaml_node *type = yaml_get(node, "type");
    if (yaml_get(node, "raw") != NULL) {
        return;
    }
    if (type == NULL || type->kind != YAML_SCALAR) {
        struct amt_diag *diag = checker_report(check->checker, node, true);
        amt_diag_set(diag, AMT_ECONFIG, "apf.send needs 'type' (or 'raw')");
        return;
    }
    if (strstr(type->text, "${") != NULL) {
        return;
    }
    const char *name = pool_printf(check->scope.pool, "apf.%s", type->text);
    check_message_name(check, type, name);
    if (apf_value_type(name) != 0) {
        check_fields(check, node, apf_value_type(name), keys);
    }
}

static void check_arguments(struct check *check, const struct yaml_node *node,
                            const struct verb_def *verb)
{
    struct value *value = NULL;
    if (strcmp(verb->name, "expect") == 0) {
        value = check_value(check, node);
        check_expect(check, node, value);
        return;
    }
    value = check_value(check, node);
    if (verb->arguments == NULL) {
        struct key_def key = { .name = verb->name, .type = verb->value_type };
        checker_value(check->checker, node, &key);
        if (strcmp(verb->name, "check") == 0) {
            (void)match_check(value, check->checker->path, check->checker->errors);
        }
    } else if (verb->is_open && node->kind == YAML_MAP) {
        check_open_map(check, node, verb->arguments);
        check_send(check, node, verb->arguments);
    } else if (!(node->kind == YAML_SCALAR && verb->main_argument != NULL)) {
        checker_map(check->checker, node, verb->arguments, verb->name);
    }
}

/* `fault.arm: id` must name a fault. */
static void check_fault_id(struct check *check, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || strstr(node->text, "${") != NULL) {
        return;
    }
    for (const struct scenario_part *part = check->scenario->faults; part != NULL;
         part = part->next) {
        const struct yaml_node *id =
            part->node->kind == YAML_MAP ? yaml_get(part->node, "id") : NULL;
        if (id != NULL && id->kind == YAML_SCALAR && strcmp(id->text, node->text) == 0) {
            return;
        }
    }
    struct amt_diag *diag = checker_report(check->checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "there is no fault with id '%s'", node->text);
    amt_diag_hint(diag, "faults: - { id: %s, at: ..., do: ... }", node->text);
}

static const char *actor_of(struct check *check, const struct yaml_node *step, const char *outer)
{
    const struct yaml_node *node = yaml_get(step, "actor");
    if (node == NULL || node->kind != YAML_SCALAR) {
        return outer;
    }
    if (strstr(node->text, "${") != NULL) {
        return node->text; /* known at run time, see check_role */
    }
    for (const struct scenario_part *part = check->scenario->actors; part != NULL;
         part = part->next) {
        if (strcmp(part->name, node->text) == 0) {
            return node->text;
        }
    }
    const char *names[NAMES_MAX + 1];
    uint32_t n = 0;
    for (const struct scenario_part *part = check->scenario->actors; part != NULL && n < NAMES_MAX;
         part = part->next) {
        names[n++] = part->name;
    }
    names[n] = NULL;
    int nearest = text_nearest(node->text, names);
    struct amt_diag *diag = checker_report(check->checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "there is no actor '%s'", node->text);
    if (nearest >= 0) {
        amt_diag_hint(diag, "did you mean '%s'?", names[nearest]);
    }
    return outer;
}

static void check_modifiers(struct check *check, const struct yaml_node *step,
                            const struct yaml_node *verb_node)
{
    for (const struct yaml_node *at = step->first; at != NULL; at = at->next) {
        const struct key_def *key = key_find(k_step_keys, at->key);
        if (key == NULL || key->type == KEY_STEPS || at == verb_node) {
            continue;
        }
        checker_value(check->checker, at, key);
        if (strcmp(at->key, "spec") == 0) {
            scenario_check_specs(check->checker, at);
        }
        if (strcmp(at->key, "when") == 0 && at->kind == YAML_SCALAR &&
            strstr(at->text, "${") == NULL) {
            /* A bare text would always hold. */
            struct amt_diag *diag = checker_report(check->checker, at, false);
            amt_diag_set(diag, AMT_ECONFIG, "'when' wants an expression");
            amt_diag_hint(diag, "write when: \"${%s}\"", at->text);
        }
        if (strcmp(at->key, "as") != 0 && strcmp(at->key, "spec") != 0) {
            (void)check_value(check, at);
        }
    }
}

static void check_step(struct check *check, const struct yaml_node *step, const char *outer,
                       uint32_t depth)
{
    const struct yaml_node *node = NULL;
    const struct verb_def *verb = find_verb(check, step, &node);
    const char *actor = actor_of(check, step, outer);
    check_modifiers(check, step, node);
    if (verb == NULL) {
        return;
    }
    if (verb->part != NULL) {
        check_need(check, node, node->key, verb->part);
        (void)check_value(check, node);
        return;
    }
    if (verb->value_type == KEY_STEPS) {
        check_steps(check, node, actor, depth + 1);
        return;
    }
    if (strcmp(verb->name, "call") == 0) {
        check_call(check, node, actor, depth);
    }
    check_role(check, node, verb, actor);
    check_arguments(check, node, verb);
    if (strncmp(verb->name, "fault.", 6) == 0) {
        check_fault_id(check, node);
    }
    if (strcmp(verb->name, "repeat") == 0) {
        if (yaml_get(step, "do") == NULL) {
            struct amt_diag *diag = checker_report(check->checker, node, true);
            amt_diag_set(diag, AMT_ECONFIG, "repeat needs do: [...]");
        }
        check_steps(check, yaml_get(step, "do"), actor, depth + 1);
    }
}

void check_steps(struct check *check, const struct yaml_node *steps, const char *actor,
                 uint32_t depth)
{
    if (steps == NULL) {
        return;
    }
    if (steps->kind != YAML_LIST || depth == SCENARIO_STEPS_DEPTH_MAX) {
        struct amt_diag *diag = checker_report(check->checker, steps, false);
        amt_diag_set(diag, AMT_ECONFIG, "steps must be a list, at most %u deep",
                     SCENARIO_STEPS_DEPTH_MAX);
        return;
    }
    for (const struct yaml_node *step = steps->first; step != NULL; step = step->next) {
        if (step->kind == YAML_MAP) {
            check_step(check, step, actor, depth);
        } else {
            struct amt_diag *diag = checker_report(check->checker, step, false);
            amt_diag_set(diag, AMT_ECONFIG, "a step is a map with one verb");
        }
    }
}
