/* Static checks of actors and faults. */
#include <string.h>
#include <unistd.h>

#include "mps/mps.h"
#include "scenarios/engine/check.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/match.h"
#include "simulator/device.h"

/* Without what is known only at run time, so that the rest can be bound and checked. */
static struct value *known_part(struct arena *pool, const struct value *value)
{
    struct value *copy = value_copy(pool, value);
    if (value->kind != VALUE_MAP && value->kind != VALUE_LIST) {
        return copy;
    }
    copy->first = copy->last = NULL;
    copy->count = 0;
    for (const struct value *at = value->first; at != NULL; at = at->next) {
        if (at->kind == VALUE_PENDING) {
            continue;
        }
        struct value *item = known_part(pool, at);
        item->key = at->key;
        value_append(copy, item);
    }
    return copy;
}

static void remove_keys(struct value *map, const struct key_def *keys)
{
    struct value *first = map->first;
    map->first = map->last = NULL;
    map->count = 0;
    for (struct value *at = first, *next = NULL; at != NULL; at = next) {
        next = at->next;
        at->next = NULL;
        const struct key_def *key = key_find(keys, at->key);
        if (key == NULL) {
            value_append(map, at);
        }
    }
}

/* The product's own table judges the keys that are not the engine's. */
static void check_product_keys(struct check *check, const struct actor_kind *kind,
                               const struct value *attributes)
{
    struct arena *pool = check->scope.pool;
    struct value *map = known_part(pool, attributes);
    remove_keys(map, kind->keys);
    union {
        struct mps_config mps;
        struct device_config device;
    } config;
    memset(&config, 0, sizeof config);
    if (config_read(kind->config_keys, value_to_yaml(pool, map), check->checker->path, &config,
                    check->checker->errors) != AMT_OK) {
        check->checker->has_failed = true;
    }
    config_fini(kind->config_keys, &config);
}

static void check_profile(struct check *check, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR || strstr(node->text, "${") != NULL) {
        return;
    }
    const char *path = node->text[0] == '/' ? node->text
                                            : pool_printf(check->scope.pool, "%s/%s",
                                                          check->scenario->folder, node->text);
    struct device_config config;
    memset(&config, 0, sizeof config);
    if (access(path, R_OK) != 0) {
        struct amt_diag *diag = checker_report(check->checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG, "profile '%s' cannot be read", node->text);
        amt_diag_hint(diag, "paths are relative to the scenario: looked for %s", path);
        return;
    }
    if (device_config_load(path, NULL, "", &config, check->checker->errors) != AMT_OK) {
        check->checker->has_failed = true;
    }
    device_config_fini(&config);
}

/* `to` and `via` name actors, or addresses. */
static void check_reference(struct check *check, const struct yaml_node *node)
{
    struct address address;
    if (node == NULL || node->kind != YAML_SCALAR || strstr(node->text, "${") != NULL ||
        check_actor(check, node->text) != NULL) {
        return;
    }
    if (strchr(node->text, ':') != NULL &&
        address_parse(node->text, 4433, &address, NULL) == AMT_OK) {
        return;
    }
    struct amt_diag *diag = checker_report(check->checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "there is no actor '%s'", node->text);
    amt_diag_hint(diag, "name an actor of this scenario, or an address host:port");
}

static void check_kind(struct check *check, const struct scenario_part *part,
                       const struct yaml_node *kind)
{
    const char *names[16];
    uint32_t n = 0;
    for (; k_actor_kinds[n] != NULL && n < 15; n++) {
        names[n] = k_actor_kinds[n]->name;
    }
    names[n] = NULL;
    const struct yaml_node *at = kind == NULL ? part->node : kind;
    struct amt_diag *diag = checker_report(check->checker, at, kind == NULL);
    if (kind == NULL) {
        amt_diag_set(diag, AMT_ECONFIG, "actor '%s' needs 'kind'", part->name);
    } else {
        int nearest = text_nearest(kind->text, names);
        amt_diag_set(diag, AMT_ECONFIG, "unknown kind of actor '%s'%s%s%s", kind->text,
                     nearest < 0 ? "" : "; did you mean '", nearest < 0 ? "" : names[nearest],
                     nearest < 0 ? "" : "'?");
    }
    amt_diag_hint(diag, "kinds: mps device console wire activation fleet proxy replay");
}

/* Keys that the language has and this version does not act on. */
static void check_later_keys(struct check *check, const struct yaml_node *actor)
{
    static const char *const k_keys[][2] = { { "quirks", "firmware" },
                                             { "log", "log file" },
                                             { "connections", "fleet" } };
    static const char *const k_state_keys[][2] = { { "sol", "redirection" } };
    const struct yaml_node *state = yaml_get(actor, "state");
    for (size_t i = 0; state != NULL && state->kind == YAML_MAP &&
                       i < sizeof k_state_keys / sizeof k_state_keys[0];
         i++) {
        const struct yaml_node *later = yaml_get(state, k_state_keys[i][0]);
        if (later != NULL) {
            check_need(check, later, k_state_keys[i][0], k_state_keys[i][1]);
        }
    }
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        const struct yaml_node *later = yaml_get(actor, k_keys[i][0]);
        if (later != NULL) {
            check_need(check, later, k_keys[i][0], k_keys[i][1]);
        }
    }
}

void check_actor_node(struct check *check, const struct scenario_part *part)
{
    if (part->node->kind != YAML_MAP) {
        struct amt_diag *diag = checker_report(check->checker, part->node, true);
        amt_diag_set(diag, AMT_ECONFIG, "actor '%s' must be a map with 'kind'", part->name);
        return;
    }
    const struct yaml_node *node = yaml_get(part->node, "kind");
    const struct actor_kind *kind =
        node == NULL || node->kind != YAML_SCALAR ? NULL : actor_kind_find(node->text);
    if (kind == NULL) {
        check_kind(check, part, node != NULL && node->kind == YAML_SCALAR ? node : NULL);
        return;
    }
    if (kind->part != NULL) {
        check_need(check, node, kind->name, kind->part);
        return;
    }
    const struct value *attributes =
        check_value(check, actor_early_part(check->scope.pool, kind, part->node));
    for (const struct yaml_node *at = part->node->first; at != NULL; at = at->next) {
        const struct key_def *key = key_find(kind->keys, at->key);
        if (key != NULL) {
            checker_value(check->checker, at, key);
            if (key->children != NULL && key->type == KEY_ANY && at->kind == YAML_MAP) {
                checker_map(check->checker, at, key->children, key->name);
            }
        }
    }
    if (kind->config_keys == NULL) {
        checker_map(check->checker, part->node, kind->keys, kind->name);
    } else {
        check_product_keys(check, kind, attributes);
    }
    const struct yaml_node *cira = yaml_get(part->node, "cira"),
                           *profile = yaml_get(part->node, "profile");
    check_reference(check, yaml_get(part->node, "to"));
    check_reference(check, yaml_get(part->node, "via"));
    check_reference(check, cira == NULL || cira->kind != YAML_MAP ? NULL : yaml_get(cira, "to"));
    if (profile != NULL) {
        check_profile(check, profile);
    }
    if (kind->role != ACTOR_ACTIVATION) {
        check_later_keys(check, part->node);
    }
}

static void check_place(struct check *check, const struct yaml_node *at,
                        const struct fault_verb *verb)
{
    const char *first = strchr(at->text, '.'), *last = strrchr(at->text, '.');
    uint32_t layer = first == NULL || first == last
                         ? 0
                         : fault_layer_parse(first + 1, (size_t)(last - first) - 1);
    bool is_direction = last != NULL && (strcmp(last, ".in") == 0 || strcmp(last, ".out") == 0 ||
                                         strcmp(last, ".*") == 0);
    if (layer == 0 || !is_direction) {
        struct amt_diag *diag = checker_report(check->checker, at, false);
        amt_diag_set(diag, AMT_ECONFIG, "'%s' is no place for a fault", at->text);
        amt_diag_hint(diag, "wanted actor.layer.direction, such as dev.tcp.out; layers: tcp tls "
                            "apf chan http wsman redir; directions: in out *");
        return;
    }
    const char *actor = pool_text(check->scope.pool, at->text, (size_t)(first - at->text));
    const struct actor_kind *kind = check_actor(check, actor);
    if (kind == NULL) {
        struct amt_diag *diag = checker_report(check->checker, at, false);
        amt_diag_set(diag, AMT_ECONFIG, "there is no actor '%s'", actor);
        return;
    }
    if ((kind->role & (ACTOR_MPS | ACTOR_DEVICE | ACTOR_LATER)) == 0) {
        struct amt_diag *diag = checker_report(check->checker, at, false);
        amt_diag_set(diag, AMT_ECONFIG, "faults cannot be put at '%s', which is a %s", actor,
                     kind->name);
        amt_diag_hint(diag, "put them at a device or an mps; a wire sends what you write");
    } else if (layer == FAULT_LAYER_LATER) {
        check_need(check, at, at->text, "faults above APF");
    } else if (verb != NULL && (verb->layers & layer) == 0 && verb->part == NULL) {
        struct amt_diag *diag = checker_report(check->checker, at, false);
        amt_diag_set(diag, AMT_ECONFIG, "'%s' does not work at this layer", verb->name);
        amt_diag_hint(diag, "it works at:%s%s%s%s%s",
                      (verb->layers & FAULT_LAYER_TCP) != 0 ? " tcp" : "",
                      (verb->layers & FAULT_LAYER_TLS) != 0 ? " tls" : "",
                      (verb->layers & FAULT_LAYER_APF) != 0 ? " apf" : "",
                      (verb->layers & FAULT_LAYER_HTTP) != 0 ? " http" : "",
                      (verb->layers & FAULT_LAYER_WSMAN) != 0 ? " wsman" : "");
    }
}

static const struct fault_verb *check_fault_verb(struct check *check,
                                                 const struct yaml_node *action)
{
    const char *names[64];
    uint32_t n = 0;
    if (action == NULL || action->kind != YAML_MAP || action->count != 1) {
        bool is_open =
            action != NULL && action->kind == YAML_SCALAR && strstr(action->text, "${") != NULL;
        if (action != NULL && !is_open) {
            struct amt_diag *diag = checker_report(check->checker, action, false);
            amt_diag_set(diag, AMT_ECONFIG, "'do' of a fault has exactly one verb");
        }
        return NULL;
    }
    const struct fault_verb *verb = fault_verb_find(action->first->key);
    if (verb == NULL) {
        for (const struct fault_verb *at = k_fault_verbs; at->name != NULL && n < 63; at++) {
            names[n++] = at->name;
        }
        names[n] = NULL;
        int nearest = text_nearest(action->first->key, names);
        struct amt_diag *diag = checker_report(check->checker, action->first, true);
        amt_diag_set(diag, AMT_ECONFIG, "unknown fault verb '%s'", action->first->key);
        amt_diag_hint(diag,
                      "%s%s%sthere are delay drop duplicate reorder throttle corrupt truncate "
                      "replace insert split coalesce stall blackhole refuse reset fin "
                      "half_close tls_cert apf_field apf_type apf_length window open_failure",
                      nearest < 0 ? "" : "did you mean '", nearest < 0 ? "" : names[nearest],
                      nearest < 0 ? "" : "'? ");
        return NULL;
    }
    const struct key_def *main_key = verb->arguments == NULL || verb->main_argument == NULL
                                         ? NULL
                                         : key_find(verb->arguments, verb->main_argument);
    if (verb->part != NULL) {
        check_need(check, action->first, verb->name, verb->part);
    } else if (main_key != NULL && action->first->kind == YAML_SCALAR) {
        checker_value(check->checker, action->first, main_key);
    } else if (verb->arguments != NULL && action->first->kind == YAML_MAP) {
        checker_map(check->checker, action->first, verb->arguments, verb->name);
    }
    return verb;
}

/* "dev.http.in", "dev.wsman.out" */
static bool is_at_answers(const struct yaml_node *at)
{
    return at != NULL && at->kind == YAML_SCALAR &&
           (strstr(at->text, ".http.") != NULL || strstr(at->text, ".wsman.") != NULL);
}

static void check_answer_field(struct check *check, const struct yaml_node *condition)
{
    static const char *const k_fields[] = { "class", "operation", "target", "status", NULL };
    for (const char *const *field = k_fields; *field != NULL; field++) {
        if (strcmp(*field, condition->key) == 0) {
            return;
        }
    }
    int nearest = text_nearest(condition->key, k_fields);
    struct amt_diag *diag = checker_report(check->checker, condition, true);
    amt_diag_set(diag, AMT_ECONFIG, "requests and answers have no '%s'", condition->key);
    amt_diag_hint(diag, "%s%s%sconditions here: class operation target status, nth every after",
                  nearest < 0 ? "" : "did you mean '", nearest < 0 ? "" : k_fields[nearest],
                  nearest < 0 ? "" : "'? ");
}

void check_fault(struct check *check, const struct scenario_part *part)
{
    checker_map(check->checker, part->node, k_fault_keys, "a fault");
    if (part->node->kind != YAML_MAP) {
        return;
    }
    const struct fault_verb *verb = check_fault_verb(check, yaml_get(part->node, "do"));
    const struct yaml_node *at = yaml_get(part->node, "at"), *when = yaml_get(part->node, "when");
    if (at != NULL && at->kind == YAML_SCALAR && strstr(at->text, "${") == NULL) {
        check_place(check, at, verb);
    }
    const struct yaml_node *msg =
        when == NULL || when->kind != YAML_MAP ? NULL : yaml_get(when, "msg");
    if (msg != NULL && msg->kind == YAML_SCALAR && strstr(msg->text, "${") == NULL) {
        const char *name = strncmp(msg->text, "apf.", 4) == 0
                               ? msg->text
                               : pool_printf(check->scope.pool, "apf.%s", msg->text);
        check_message_name(check, msg, name);
    }
    for (const struct yaml_node *condition = when == NULL || when->kind != YAML_MAP ? NULL
                                                                                    : when->first;
         condition != NULL; condition = condition->next) {
        const struct key_def *key = key_find(k_condition_keys, condition->key);
        if (key != NULL) {
            checker_value(check->checker, condition, key);
        } else if (is_at_answers(at)) {
            check_answer_field(check, condition);
        }
    }
    const struct value *value = check_value(check, part->node);
    const struct value *conditions = value_get(value, "when");
    if (conditions != NULL) {
        (void)match_check(conditions, check->checker->path, check->checker->errors);
    }
}
