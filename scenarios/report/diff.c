/* What changed between two runs: for "since when does this fail?", and for reviews of a new firmware. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/report/format.h"
#include "scenarios/report/report.h"

enum change {
    CHANGE_WORSE,
    CHANGE_BETTER,
    CHANGE_OTHER,
    CHANGE_ADDED_BAD,
    CHANGE_ADDED,
    CHANGE_GONE
};

struct pair {
    const struct result_case *before, *after; /* one of them may be NULL */
};

static int compare_ids(const void *a, const void *b)
{
    const struct result_case *left = *(const struct result_case *const *)a;
    const struct result_case *right = *(const struct result_case *const *)b;
    return strcmp(left->id, right->id);
}

/* The cases sorted by id (amt_free); NULL without memory. */
static const struct result_case **sorted(const struct results *results)
{
    const struct result_case **cases =
        amt_alloc_array(results->case_count + 1u, sizeof(struct result_case *));
    uint32_t count = 0;
    for (const struct result_case *c = results->case_first; cases != NULL && c != NULL;
         c = c->next) {
        cases[count++] = c;
    }
    if (cases != NULL) {
        qsort(cases, count, sizeof(struct result_case *), compare_ids);
    }
    return cases;
}

static bool is_bad(const struct result_case *c, const struct results *results)
{
    return result_verdict_is_bad(c->verdict, results->run.strict);
}

struct diff {
    const struct results *before, *after;
    struct pair *pairs;
    uint32_t count;
};

static bool change_of(const struct diff *diff, const struct pair *pair, enum change *change)
{
    const struct result_case *before = pair->before;
    const struct result_case *after = pair->after;
    if (before == NULL) {
        *change = is_bad(after, diff->after) ? CHANGE_ADDED_BAD : CHANGE_ADDED;
    } else if (after == NULL) {
        *change = CHANGE_GONE;
    } else if (before->verdict == after->verdict) {
        return false;
    } else if (is_bad(before, diff->before) == is_bad(after, diff->after)) {
        *change = CHANGE_OTHER;
    } else {
        *change = is_bad(after, diff->after) ? CHANGE_WORSE : CHANGE_BETTER;
    }
    return true;
}

static bool join(struct diff *diff)
{
    const struct result_case **before = sorted(diff->before);
    const struct result_case **after = sorted(diff->after);
    diff->pairs = amt_alloc_array((size_t)diff->before->case_count + diff->after->case_count + 1u,
                                  sizeof *diff->pairs);
    bool is_good = before != NULL && after != NULL && diff->pairs != NULL;
    uint32_t i = 0;
    uint32_t k = 0;
    while (is_good && (i < diff->before->case_count || k < diff->after->case_count)) {
        int order = i == diff->before->case_count  ? 1
                    : k == diff->after->case_count ? -1
                                                   : strcmp(before[i]->id, after[k]->id);
        diff->pairs[diff->count++] =
            (struct pair){ order <= 0 ? before[i] : NULL, order >= 0 ? after[k] : NULL };
        i += order <= 0 ? 1 : 0;
        k += order >= 0 ? 1 : 0;
    }
    amt_free(before);
    amt_free(after);
    return is_good;
}

static void write_pair(struct text *out, const struct pair *pair)
{
    const struct result_case *c = pair->after != NULL ? pair->after : pair->before;
    text_puts(out, "  ");
    text_terminal(out, c->id, strlen(c->id));
    text_printf(out, "  %s -> %s\n",
                pair->before == NULL ? "(new)" : result_verdict_name(pair->before->verdict),
                pair->after == NULL ? "(gone)" : result_verdict_name(pair->after->verdict));
    if (pair->after != NULL && pair->after->failure != NULL &&
        (pair->before == NULL || pair->before->failure == NULL)) {
        const char *message = pair->after->failure->message;
        text_puts(out, "      ");
        text_terminal(out, message, strlen(message));
        text_puts(out, "\n");
    }
}

static uint32_t write_changes(struct text *out, const struct diff *diff, enum change wanted,
                              const char *heading)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < diff->count; i++) {
        enum change change;
        if (!change_of(diff, &diff->pairs[i], &change) || change != wanted) {
            continue;
        }
        if (count == 0) {
            text_printf(out, "%s\n", heading);
        }
        write_pair(out, &diff->pairs[i]);
        count += 1;
    }
    text_puts(out, count == 0 ? "" : "\n");
    return count;
}

bool report_diff(struct text *out, const struct results *before, const struct results *after)
{
    struct diff diff = { .before = before, .after = after };
    if (!join(&diff)) {
        out->failed = true;
        amt_free(diff.pairs);
        return false;
    }
    uint32_t worse = write_changes(out, &diff, CHANGE_WORSE, "Fails now, did not before:");
    worse += write_changes(out, &diff, CHANGE_ADDED_BAD, "New, and fails:");
    uint32_t better = write_changes(out, &diff, CHANGE_BETTER, "Fails no longer:");
    uint32_t other = write_changes(out, &diff, CHANGE_OTHER, "Another verdict:");
    uint32_t added = write_changes(out, &diff, CHANGE_ADDED, "New:");
    uint32_t gone = write_changes(out, &diff, CHANGE_GONE, "Gone:");
    text_printf(out, "%u worse, %u better, %u other, %u new, %u gone, %u the same\n", worse, better,
                other, added, gone, diff.count - worse - better - other - added - gone);
    amt_free(diff.pairs);
    return worse == 0;
}
