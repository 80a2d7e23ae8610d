/* Names of the verdicts, and sums over the result tree. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/results.h"

static const char *const k_verdict_names[RESULT_VERDICT_COUNT] = {
#define VERDICT_NAME(name, word, meaning) word,
    RESULT_VERDICTS(VERDICT_NAME)
#undef VERDICT_NAME
};

static const char *const k_verdict_meanings[RESULT_VERDICT_COUNT] = {
#define VERDICT_MEANING(name, word, meaning) meaning,
    RESULT_VERDICTS(VERDICT_MEANING)
#undef VERDICT_MEANING
};

static const char *const k_level_names[] = { "must", "should", "may", "info" };
#define LEVEL_COUNT (sizeof k_level_names / sizeof k_level_names[0])

const char *result_verdict_name(enum result_verdict verdict)
{
    return verdict < RESULT_VERDICT_COUNT ? k_verdict_names[verdict] : "error";
}

const char *result_verdict_meaning(enum result_verdict verdict)
{
    return verdict < RESULT_VERDICT_COUNT ? k_verdict_meanings[verdict] : "unknown verdict";
}

const char *result_level_name(enum result_level level)
{
    return (size_t)level < LEVEL_COUNT ? k_level_names[level] : "must";
}

const char *result_step_verdict_name(enum result_step_verdict verdict)
{
    switch (verdict) {
    case RESULT_STEP_PASSED:
        return "passed";
    case RESULT_STEP_FAILED:
        return "failed";
    case RESULT_STEP_SKIPPED:
        return "skipped";
    case RESULT_STEP_NOT_REACHED:
        return "not_reached";
    }
    return "not_reached";
}

bool result_verdict_parse(const char *word, enum result_verdict *verdict)
{
    for (size_t i = 0; i < RESULT_VERDICT_COUNT; i++) {
        if (strcmp(word, k_verdict_names[i]) == 0) {
            *verdict = (enum result_verdict)i;
            return true;
        }
    }
    return false;
}

bool result_level_parse(const char *word, enum result_level *level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(word, k_level_names[i]) == 0) {
            *level = (enum result_level)i;
            return true;
        }
    }
    return false;
}

bool result_verdict_is_bad(enum result_verdict verdict, bool strict)
{
    switch (verdict) {
    case RESULT_FAILED:
    case RESULT_ERROR:
    case RESULT_UNEXPECTED_PASS:
        return true;
    case RESULT_NOT_STRICT:
    case RESULT_FLAKY:
        return strict;
    case RESULT_PASSED:
    case RESULT_INFO:
    case RESULT_KNOWN_FAILURE:
    case RESULT_UNSUPPORTED:
    case RESULT_VERDICT_COUNT:
        return false;
    }
    return true;
}

void results_count(const struct results *results, struct results_totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        totals->cases += 1;
        totals->by_verdict[c->verdict] += 1;
        totals->bad += result_verdict_is_bad(c->verdict, results->run.strict) ? 1 : 0;
        totals->virtual_us += c->virtual_us;
    }
}

static int compare_ids(const void *a, const void *b)
{
    const struct result_spec *left = *(const struct result_spec *const *)a;
    const struct result_spec *right = *(const struct result_spec *const *)b;
    return strcmp(left->id, right->id);
}

/* All citations, sorted by id; NULL without memory. */
static const struct result_spec **sorted_citations(const struct results *results, uint32_t count)
{
    const struct result_spec **all = amt_alloc_array(count, sizeof(struct result_spec *));
    if (all == NULL) {
        return NULL;
    }
    uint32_t n = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
            all[n++] = spec;
        }
    }
    qsort(all, n, sizeof(struct result_spec *), compare_ids);
    return all;
}

static void merge(struct results_spec *into, const struct result_spec *spec)
{
    bool is_passed = spec->verdict == RESULT_PASSED || spec->verdict == RESULT_INFO;
    into->cases += 1;
    into->passed += is_passed ? 1 : 0;
    into->level = spec->level < into->level ? spec->level : into->level;
    into->verdict = spec->verdict > into->verdict ? spec->verdict : into->verdict;
    into->text = into->text[0] == '\0' ? spec->text : into->text;
}

bool results_specs(const struct results *results, struct results_spec **specs, uint32_t *count)
{
    uint32_t citations = 0;
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        for (const struct result_spec *spec = c->spec_first; spec != NULL; spec = spec->next) {
            citations += 1;
        }
    }
    const struct result_spec **all = sorted_citations(results, citations);
    struct results_spec *merged = amt_alloc_array(citations, sizeof *merged);
    bool is_complete = all != NULL && merged != NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; is_complete && i < citations; i++) {
        if (n == 0 || strcmp(merged[n - 1].id, all[i]->id) != 0) {
            merged[n++] = (struct results_spec){
                .id = all[i]->id, .text = "", .level = RESULT_LEVEL_INFO, .verdict = RESULT_PASSED
            };
        }
        merge(&merged[n - 1], all[i]);
    }
    amt_free((void *)all);
    if (!is_complete) {
        amt_free(merged);
        merged = NULL;
    }
    *specs = merged;
    *count = n;
    return is_complete;
}
