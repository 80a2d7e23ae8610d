#include "scenarios/engine/expectations.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/engine/grammar.h"

#define LIKE_MAX_BYTES 100u

#define END                                    \
    {                                          \
        NULL, KEY_ANY, false, NULL, NULL, NULL \
    }

static const char *const k_kinds[] = { "fail", "flaky", "skip", NULL };
static const struct key_def k_entry_keys[] = {
    { "id", KEY_TEXT, true, "of a case, or a pattern: apf/userauth/split#*", NULL, NULL },
    { "expect", KEY_WORD, true, "fail, flaky or skip", k_kinds, NULL },
    { "like", KEY_TEXT, false, "what the failure must say; otherwise it is a new one", NULL, NULL },
    { "reason", KEY_TEXT, true, "why it is so, for people", NULL, NULL },
    { "link", KEY_TEXT, false, "where it is tracked", NULL, NULL },
    { "until", KEY_TEXT, false, "2026-12-31: after that day it counts again", NULL, NULL },
    END
};
static const struct key_def k_file_keys[] = {
    { "amtlab-expectations", KEY_NUMBER, true, "version of expectation files: 1", NULL, NULL },
    { "target", KEY_TEXT, false, "product and version: MeshCentral >= 1.1.50", NULL, NULL },
    { "entries", KEY_LIST, true, "what is known", NULL, NULL },
    END
};

static const char *text_of(const struct yaml_node *map, const char *key, const char *fallback)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node == NULL || node->kind != YAML_SCALAR ? fallback : node->text;
}

static bool is_date(const char *text)
{
    return fnmatch("[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]", text, 0) == 0;
}

static void wrong(struct checker *checker, const struct yaml_node *node, const char *text,
                  const char *hint)
{
    struct amt_diag *diag = checker_report(checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "%s", text);
    amt_diag_hint(diag, "%s", hint);
}

static void read_entry(struct expectations *expectations, struct checker *checker,
                       const struct yaml_node *node, const char *today)
{
    checker_map(checker, node, k_entry_keys, "an expectation");
    if (node->kind != YAML_MAP) {
        return;
    }
    struct expectation_entry *entry = pool_alloc(&expectations->pool, sizeof *entry);
    const char *kind = text_of(node, "expect", "fail");
    entry->id = text_of(node, "id", "");
    entry->like = text_of(node, "like", NULL);
    entry->reason = text_of(node, "reason", "");
    entry->link = text_of(node, "link", "");
    entry->until = text_of(node, "until", "");
    for (uint32_t i = 0; k_kinds[i] != NULL; i++) {
        entry->kind = strcmp(kind, k_kinds[i]) == 0 ? (enum expectation_kind)i : entry->kind;
    }
    if (yaml_get(node, "reason") != NULL &&
        strspn(entry->reason, " \t\n") == strlen(entry->reason)) {
        wrong(checker, yaml_get(node, "reason"), "'reason' is empty",
              "say why the product fails here and what that means for its users");
    }
    if (entry->until[0] != '\0' && !is_date(entry->until)) {
        wrong(checker, yaml_get(node, "until"), "'until' wants a day", "such as 2026-12-31");
    }
    entry->is_over = is_date(entry->until) && strcmp(today, entry->until) > 0;
    if (expectations->last == NULL) {
        expectations->first = entry;
    } else {
        expectations->last->next = entry;
    }
    expectations->last = entry;
}

struct expectations *expectations_load(const char *path, const char *today,
                                       struct amt_diag_list *errors)
{
    uint32_t before = errors->count;
    struct yaml_document *document = yaml_load_file(path, errors);
    if (document == NULL) {
        return NULL;
    }
    struct expectations *expectations = pool_checked(amt_alloc(sizeof *expectations));
    const struct yaml_node *root = yaml_root(document), *entries = yaml_get(root, "entries");
    struct checker checker = { .path = yaml_path(document), .errors = errors };
    expectations->document = document;
    expectations->path = yaml_path(document);
    expectations->target = text_of(root, "target", "");
    checker_map(&checker, root, k_file_keys, "an expectation file");
    const char *version = text_of(root, "amtlab-expectations", "1");
    if (strcmp(version, "1") != 0) {
        wrong(&checker, yaml_get(root, "amtlab-expectations"),
              "this version of expectation files is not known",
              "this version of amtlab reads version 1");
    }
    for (const struct yaml_node *at = entries == NULL ? NULL : entries->first; at != NULL;
         at = at->next) {
        read_entry(expectations, &checker, at, today);
    }
    if (errors->count > before) {
        expectations_free(expectations);
        return NULL;
    }
    return expectations;
}

void expectations_free(struct expectations *expectations)
{
    if (expectations != NULL) {
        yaml_free(expectations->document);
        arena_fini(&expectations->pool);
        amt_free(expectations);
    }
}

/* "1.1.50" and "1.1.6": by number, part by part. */
static int compare_versions(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        char *end_a = NULL, *end_b = NULL;
        unsigned long x = strtoul(a, &end_a, 10), y = strtoul(b, &end_b, 10);
        if (x != y) {
            return x < y ? -1 : 1;
        }
        a = end_a + strcspn(end_a, "0123456789");
        b = end_b + strcspn(end_b, "0123456789");
    }
    return 0;
}

static bool version_fits(const char *op, size_t len, const char *wanted, const char *version)
{
    int order = compare_versions(version, wanted);
    if (strncmp(op, ">=", len) == 0 && len == 2) {
        return order >= 0;
    }
    if (strncmp(op, "<=", len) == 0 && len == 2) {
        return order <= 0;
    }
    return (op[0] == '<' && order < 0) || (op[0] == '>' && order > 0) ||
           (op[0] == '=' && order == 0);
}

bool expectations_fit(const struct expectations *expectations, const char *name,
                      const char *version, struct amt_diag *diag)
{
    const char *wanted = expectations->target;
    size_t name_len = strcspn(wanted, "<>=");
    const char *op = wanted + name_len;
    size_t op_len = strspn(op, "<>=");
    const char *number = op + op_len + strspn(op + op_len, " ");
    while (name_len > 0 && wanted[name_len - 1] == ' ') {
        name_len--;
    }
    bool has_name = name[0] == '\0' || name_len == 0 ||
                    (strlen(name) == name_len && strncmp(name, wanted, name_len) == 0);
    bool has_version =
        version[0] == '\0' || op_len == 0 || version_fits(op, op_len, number, version);
    if (!has_name || !has_version) {
        amt_diag_set(diag, AMT_ECONFIG, "%s is about '%s', and the target is '%s%s%s'",
                     expectations->path, wanted, name, version[0] == '\0' ? "" : " ", version);
        amt_diag_hint(diag, "another version may fail elsewhere: make a list for it with "
                            "--write-expectations");
    }
    return has_name && has_version;
}

static bool is_about(const struct expectation_entry *entry, const char *id)
{
    return strcmp(entry->id, id) == 0 || fnmatch(entry->id, id, 0) == 0;
}

/* Passing is news for a case that is named; for a pattern only when none of its cases fails. */
static bool is_pattern(const struct expectation_entry *entry)
{
    return strpbrk(entry->id, "*?[") != NULL;
}

const struct expectation_entry *expectations_skip(const struct expectations *expectations,
                                                  const char *id)
{
    for (const struct expectation_entry *at = expectations == NULL ? NULL : expectations->first;
         at != NULL; at = at->next) {
        if (at->kind == EXPECTATION_SKIP && !at->is_over && is_about(at, id)) {
            return at;
        }
    }
    return NULL;
}

void expectations_note_skipped(struct expectations *expectations, const char *id)
{
    for (struct expectation_entry *at = expectations->first; at != NULL; at = at->next) {
        at->cases += at->kind == EXPECTATION_SKIP && is_about(at, id) ? 1 : 0;
    }
}

/* Everything that the report says of the failure. */
static bool says(const struct result_failure *failure, const char *like)
{
    return failure != NULL &&
           (strstr(failure->message, like) != NULL || strstr(failure->actual, like) != NULL ||
            strstr(failure->expected, like) != NULL || strstr(failure->field, like) != NULL);
}

static void judge_failure(struct expectation_entry *entry, struct results *results,
                          struct result_case *c)
{
    if (entry->is_over) {
        c->reason =
            results_printf(results, "expected to fail until %s: %s", entry->until, entry->reason);
    } else if (entry->like != NULL && !says(c->failure, entry->like)) {
        c->reason = results_printf(results, "a new failure: the known one says '%.*s'",
                                   (int)LIKE_MAX_BYTES, entry->like);
    } else {
        c->verdict = entry->kind == EXPECTATION_FAIL ? RESULT_KNOWN_FAILURE : RESULT_FLAKY;
        c->reason = results_text(results, entry->reason);
        c->link = results_text(results, entry->link);
    }
}

/* The best fitting entry: an id before a pattern. */
static struct expectation_entry *entry_for(struct expectations *expectations, const char *id)
{
    struct expectation_entry *found = NULL;
    for (struct expectation_entry *at = expectations->first; at != NULL; at = at->next) {
        if (is_about(at, id) && (found == NULL || (is_pattern(found) && !is_pattern(at)))) {
            found = at;
        }
    }
    return found;
}

void expectations_judge(struct expectations *expectations, struct results *results,
                        struct result_case *c)
{
    struct expectation_entry *entry = entry_for(expectations, c->id);
    if (entry == NULL) {
        return;
    }
    entry->cases++;
    bool is_failure = c->verdict == RESULT_FAILED || c->verdict == RESULT_NOT_STRICT;
    bool is_pass = c->verdict == RESULT_PASSED || c->verdict == RESULT_INFO;
    entry->failed += is_failure ? 1 : 0;
    entry->passed += is_pass ? 1 : 0;
    if (is_failure) {
        judge_failure(entry, results, c);
    } else if (is_pass && entry->kind == EXPECTATION_FAIL && !entry->is_over &&
               !is_pattern(entry)) {
        c->verdict = RESULT_UNEXPECTED_PASS;
        c->reason =
            results_printf(results, "listed as failing (%s): take it off the list", entry->reason);
    }
}

uint32_t expectations_close(const struct expectations *expectations, struct results *results)
{
    uint32_t stale = 0;
    for (const struct expectation_entry *at = expectations->first; at != NULL; at = at->next) {
        if (at->cases == 0) {
            results_add_stale(results, at->id, "no case of this run has that id");
            stale++;
        } else if (at->kind == EXPECTATION_FAIL && is_pattern(at) && at->failed == 0 &&
                   at->passed > 0) {
            results_add_stale(results, at->id, "all of its cases pass");
            stale++;
        } else {
            results_add_expectation(results, at->id, at->reason);
        }
    }
    return stale;
}

static void put_text(struct text *out, const char *key, const char *value)
{
    text_printf(out, "    %s: ", key);
    text_json(out, value, strlen(value));
    text_puts(out, "\n");
}

static bool is_listed(const struct result_case *c)
{
    return c->verdict == RESULT_FAILED || c->verdict == RESULT_KNOWN_FAILURE;
}

void expectations_write(const struct results *results, const char *target, struct text *out)
{
    uint32_t count = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        count += is_listed(c) ? 1 : 0;
    }
    text_puts(out, "amtlab-expectations: 1\ntarget: ");
    text_json(out, target, strlen(target));
    text_printf(out, "\nentries:%s\n", count == 0 ? " []" : "");
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        if (!is_listed(c)) {
            continue;
        }
        text_puts(out, "  - id: ");
        text_json(out, c->id, strlen(c->id));
        text_puts(out, "\n    expect: fail\n");
        if (c->failure != NULL) {
            put_text(out, "like", c->failure->message);
        }
        put_text(out, "reason", c->verdict == RESULT_KNOWN_FAILURE ? c->reason : "");
        if (c->link[0] != '\0') {
            put_text(out, "link", c->link);
        }
    }
}
