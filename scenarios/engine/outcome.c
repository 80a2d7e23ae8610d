#include "scenarios/engine/outcome.h"

#include <string.h>

#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/case_run.h"
#include "scenarios/engine/target.h"

#define NAMES_MAX 64u

/* clang-format off */
#define CLOSED                { NULL, { { NULL, NULL, 0 } } }
#define DISCONNECT(reason)    { "apf.disconnect", { { "reason", NULL, reason } } }
#define USERAUTH_FAILURE      { "apf.userauth_failure", { { "methods", "password", 0 }, { "partial", NULL, 0 } } }

/* apf.md 2.1 and 4.3 */
const struct outcome k_outcomes[] = {
    { "protocol_error", "the session is ended for a violation: DISCONNECT 2, close", 2,
      { DISCONNECT(2), CLOSED } },
    { "auth.refused", "bad credentials: USERAUTH_FAILURE, close", 2, { USERAUTH_FAILURE, CLOSED } },
    { "auth.unknown_method", "USERAUTH_FAILURE, DISCONNECT 14, close", 3,
      { USERAUTH_FAILURE, DISCONNECT(14), CLOSED } },
    { "service.unknown", "a service that does not exist: DISCONNECT 7, close", 2,
      { DISCONNECT(7), CLOSED } },
    { "version.unsupported", "another major version: DISCONNECT 8, close", 2,
      { DISCONNECT(8), CLOSED } },
    { "session.replaced", "a newer session of the device takes over: DISCONNECT 12, close", 2,
      { DISCONNECT(12), CLOSED } },
    { "session.ended", "the connection is closed without a word", 1, { CLOSED } },
    { NULL, NULL, 0, { CLOSED } }
};
/* clang-format on */

const struct outcome *outcome_find(const char *name)
{
    for (const struct outcome *outcome = k_outcomes; outcome->name != NULL; outcome++) {
        if (strcmp(outcome->name, name) == 0) {
            return outcome;
        }
    }
    return NULL;
}

static struct value *closed_by_peer(struct arena *pool)
{
    struct value *map = value_map(pool), *closed = value_map(pool);
    value_put(pool, closed, "by", value_text(pool, "peer"));
    value_put(pool, map, "closed", closed);
    return map;
}

static struct value *stage_value(struct arena *pool, const struct outcome_stage *stage)
{
    if (stage->message == NULL) {
        return closed_by_peer(pool);
    }
    struct value *map = value_map(pool);
    value_put(pool, map, "msg", value_text(pool, stage->message));
    for (uint32_t i = 0; i < OUTCOME_FIELDS_MAX && stage->fields[i].name != NULL; i++) {
        value_put(pool, map, stage->fields[i].name,
                  stage->fields[i].text != NULL ? value_text(pool, stage->fields[i].text)
                                                : value_int(pool, stage->fields[i].number));
    }
    return map;
}

/* What a target file says of it; NULL. */
static const struct yaml_node *mapped(const struct case_run *run, const char *name)
{
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        const struct yaml_node *node = at->file == NULL || at->file->error_map == NULL
                                           ? NULL
                                           : yaml_get(at->file->error_map, name);
        if (node != NULL) {
            return node;
        }
    }
    return NULL;
}

struct value *outcome_stages(struct case_run *run, const char *name, const char **why)
{
    struct arena *pool = &run->pool;
    const struct outcome *outcome = outcome_find(name);
    const struct yaml_node *node = mapped(run, name);
    struct value *list = value_list(pool);
    if (outcome == NULL) {
        *why = pool_printf(pool, "there is no outcome '%s'", name);
        return NULL;
    }
    if (node == NULL) {
        for (uint32_t i = 0; i < outcome->stage_count; i++) {
            value_append(list, stage_value(pool, &outcome->stages[i]));
        }
        return list;
    }
    struct value *value = case_evaluate(run, node, why);
    if (value == NULL || value->kind == VALUE_LIST) {
        return value;
    }
    value_append(list, value_copy(pool, value));
    return list;
}

bool outcome_check_name(struct checker *checker, const struct yaml_node *node, const char *name,
                        bool at_key)
{
    const char *names[NAMES_MAX + 1];
    uint32_t n = 0;
    struct text all = { 0 };
    if (outcome_find(name) != NULL) {
        return true;
    }
    for (; k_outcomes[n].name != NULL && n < NAMES_MAX; n++) {
        names[n] = k_outcomes[n].name;
        text_printf(&all, "%s%s", n == 0 ? "" : " ", names[n]);
    }
    names[n] = NULL;
    int nearest = text_nearest(name, names);
    struct amt_diag *diag = checker_report(checker, node, at_key);
    amt_diag_set(diag, AMT_ECONFIG, "there is no outcome '%.60s'", name);
    amt_diag_hint(diag, "%s%s%sknown: %s", nearest < 0 ? "" : "did you mean '",
                  nearest < 0 ? "" : names[nearest], nearest < 0 ? "" : "'? ", text_chars(&all));
    text_fini(&all);
    return false;
}

static void check_expectation(struct checker *checker, const struct yaml_node *node)
{
    static const char *const k_kinds[] = { "msg", "closed", "none", "any_of", "all_of" };
    uint32_t kinds = 0;
    for (size_t i = 0; node->kind == YAML_MAP && i < sizeof k_kinds / sizeof k_kinds[0]; i++) {
        kinds += yaml_get(node, k_kinds[i]) != NULL ? 1 : 0;
    }
    if (kinds != 1) {
        struct amt_diag *diag = checker_report(checker, node, false);
        amt_diag_set(diag, AMT_ECONFIG,
                     "an outcome is shown by one of msg, closed, none, any_of, all_of");
        amt_diag_hint(diag, "{ closed: { by: peer } }, or a list of such maps");
        return;
    }
    const struct yaml_node *msg = yaml_get(node, "msg");
    if (msg != NULL && msg->kind == YAML_SCALAR && strcmp(msg->text, "tcp.data") != 0 &&
        strcmp(msg->text, "apf.malformed") != 0 && apf_value_type(msg->text) == 0) {
        struct amt_diag *diag = checker_report(checker, msg, false);
        amt_diag_set(diag, AMT_ECONFIG, "unknown message '%.60s'", msg->text);
        amt_diag_hint(diag, "messages are apf.<name>, such as apf.userauth_failure");
    }
    for (const struct yaml_node *list = node->first; list != NULL; list = list->next) {
        bool is_choice = strcmp(list->key, "any_of") == 0 || strcmp(list->key, "all_of") == 0;
        for (const struct yaml_node *at = is_choice ? list->first : NULL; at != NULL;
             at = at->next) {
            check_expectation(checker, at);
        }
    }
}

void outcome_check(struct checker *checker, const struct yaml_node *entry)
{
    if (!outcome_check_name(checker, entry, entry->key, true)) {
        return;
    }
    if (entry->kind != YAML_LIST) {
        check_expectation(checker, entry);
        return;
    }
    for (const struct yaml_node *at = entry->first; at != NULL; at = at->next) {
        check_expectation(checker, at);
    }
}
