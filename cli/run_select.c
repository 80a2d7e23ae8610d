#include "cli/run_select.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/random.h"
#include "scenarios/report/report.h"

typedef bool keep_fn(const void *ctx, const struct suite_case *c, uint32_t index);

static void keep(struct suite *suite, keep_fn *wanted, const void *ctx)
{
    struct suite_case **at = &suite->cases;
    uint32_t index = 0;
    suite->last_case = NULL;
    suite->case_count = 0;
    while (*at != NULL) {
        if (wanted(ctx, *at, index++)) {
            suite->last_case = *at;
            suite->case_count++;
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
}

struct shard {
    uint64_t number, count;
};

static bool is_of_shard(const void *ctx, const struct suite_case *c, uint32_t index)
{
    const struct shard *shard = ctx;
    (void)c;
    return index % shard->count == shard->number - 1;
}

static enum amt_err take_shard(struct suite *suite, const char *text, struct amt_diag *diag)
{
    struct shard shard = { 0, 0 };
    const char *slash = strchr(text, '/');
    char number[12] = "";
    if (slash != NULL && (size_t)(slash - text) < sizeof number) {
        memcpy(number, text, (size_t)(slash - text));
    }
    if (slash == NULL || text_parse_u64(number, 10000, &shard.number) != AMT_OK ||
        text_parse_u64(slash + 1, 10000, &shard.count) != AMT_OK || shard.number == 0 ||
        shard.number > shard.count) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "--shard is '%.40s'; wanted NUMBER/COUNT, such as 2/5", text);
    }
    keep(suite, is_of_shard, &shard);
    return AMT_OK;
}

struct failed {
    const struct results *results;
    bool strict;
};

static bool has_failed(const void *ctx, const struct suite_case *c, uint32_t index)
{
    const struct failed *failed = ctx;
    (void)index;
    for (const struct result_case *at = failed->results->case_first; at != NULL; at = at->next) {
        if (strcmp(at->id, c->id) == 0 && result_verdict_is_bad(at->verdict, failed->strict)) {
            return true;
        }
    }
    return false;
}

static enum amt_err read_all(const char *path, struct text *out, struct amt_diag *diag)
{
    struct text within = { 0 };
    struct stat status;
    char chunk[16384];
    size_t n = 0;
    text_puts(&within, path);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        text_puts(&within, "/results.json");
    }
    FILE *file = fopen(text_chars(&within), "r");
    while (file != NULL && (n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        text_append(out, chunk, n);
    }
    bool is_good = file != NULL && ferror(file) == 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    enum amt_err err = AMT_OK;
    if (!is_good) {
        err = amt_diag_set(diag, AMT_ESYS, "the results '%s' cannot be read", text_chars(&within));
        amt_diag_hint(diag, "--failed wants the results.json of a run with --out, or its folder");
    }
    text_fini(&within);
    return err;
}

static enum amt_err take_failed(struct suite *suite, const struct run_selection *selection,
                                struct amt_diag *diag)
{
    struct text json = { 0 };
    struct failed failed = { .strict = selection->strict };
    enum amt_err err = read_all(selection->failed, &json, diag);
    if (err == AMT_OK) {
        struct results *results = report_json_read(text_chars(&json), selection->failed, diag);
        failed.results = results;
        if (results == NULL) {
            err = diag->err;
        } else {
            keep(suite, has_failed, &failed);
            results_free(results);
        }
    }
    text_fini(&json);
    return err;
}

/* Fisher and Yates; the same seed gives the same order. */
static enum amt_err shuffle(struct suite *suite, uint64_t seed)
{
    struct suite_case **all = amt_alloc_array(suite->case_count + 1u, sizeof(struct suite_case *));
    struct amt_random random;
    uint32_t n = 0;
    if (all == NULL) {
        return AMT_ENOMEM;
    }
    amt_random_seed(&random, seed, "order of cases");
    for (struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        all[n++] = c;
    }
    for (uint32_t i = n; i > 1; i--) {
        uint32_t other = (uint32_t)(amt_random_u64(&random) % i);
        struct suite_case *c = all[i - 1];
        all[i - 1] = all[other];
        all[other] = c;
    }
    for (uint32_t i = 0; i < n; i++) {
        all[i]->next = i + 1 < n ? all[i + 1] : NULL;
    }
    suite->cases = n == 0 ? NULL : all[0];
    suite->last_case = n == 0 ? NULL : all[n - 1];
    amt_free(all);
    return AMT_OK;
}

enum amt_err run_select(struct suite *suite, const struct run_selection *selection,
                        struct amt_diag *diag)
{
    bool is_random = strcmp(selection->order, "random") == 0;
    if (!is_random && strcmp(selection->order, "file") != 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "--order is '%.40s'; wanted file or random",
                            selection->order);
    }
    if (selection->failed != NULL) {
        TRY(take_failed(suite, selection, diag));
    }
    if (selection->shard != NULL) {
        TRY(take_shard(suite, selection->shard, diag));
    }
    return is_random ? shuffle(suite, selection->seed) : AMT_OK;
}
