#include "scenarios/engine/runner.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "scenarios/engine/activation_pki.h"
#include "scenarios/engine/case_play.h"
#include "scenarios/report/report.h"

#define WORKERS_MAX 64u
#define READ_BYTES  65536u

/* Results of one worker, kept for the cases in it. */
struct runner_tree {
    struct results *results;
    struct runner_tree *next;
};

struct job {
    const struct suite_case *suite_case;
    uint32_t attempt, tries;
    struct result_case *result; /* NULL: not finished */
    struct result_case *first;  /* of the first try, when it is tried again */
    struct job *next_again;
};

struct worker {
    pid_t pid;
    int pipe;
    struct job *job;
    struct text output;
};

struct runner {
    const struct runner_options *options;
    struct runner_result *out;
    struct job *jobs;
    uint32_t job_count, next_job, bad_count, running;
    struct job *again; /* to be tried once more, before the next one; the latest first */
    uint64_t last_start_us;
    struct worker workers[WORKERS_MAX];
};

static uint64_t real_now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * US_PER_SECOND + (uint64_t)now.tv_nsec / 1000u;
}

static struct result_case *play_job(const struct runner *runner, const struct job *job,
                                    struct results *results)
{
    struct engine_options options = runner->options->engine;
    uint64_t start_us = real_now_us();
    options.attempt = job->attempt;
    struct result_case *c = results_add_case(results, job->suite_case->id);
    case_play(job->suite_case->scenario, job->suite_case->matrix, &options, results, c);
    c->duration_us = real_now_us() - start_us;
    return c;
}

static bool keeps_events(const struct runner *runner, const struct result_case *c)
{
    return runner->options->engine.keeps_all_traces || result_verdict_is_bad(c->verdict, true);
}

static void keep_tree(struct runner *runner, struct results *results)
{
    struct runner_tree *tree = pool_checked(amt_alloc(sizeof *tree));
    tree->results = results;
    tree->next = runner->out->trees;
    runner->out->trees = tree;
}

/* A failure that a further try may show to be chance. True when the job goes on. */
static bool try_again(struct runner *runner, struct job *job, struct result_case *c)
{
    bool is_failure = c->verdict == RESULT_FAILED || c->verdict == RESULT_ERROR;
    if (!is_failure || job->tries >= runner->options->retries) {
        return false;
    }
    job->tries++;
    job->first = job->first == NULL ? c : job->first;
    job->next_again = runner->again;
    runner->again = job;
    return true;
}

static void note_tries(struct runner *runner, const struct job *job, struct result_case *c)
{
    c->attempts = job->tries + 1;
    if (job->tries > 0 && c->verdict == RESULT_PASSED) {
        c->verdict = RESULT_FLAKY;
        c->reason = results_printf(
            runner->out->results, "passed at try %u; the first one: %s", job->tries + 1,
            job->first->failure == NULL ? "failed" : job->first->failure->message);
    }
}

/* A product that ended did so in this case, or in one that ran beside it; the next cases get a new
 * one. */
static void watch_processes(struct runner *runner, struct result_case *c)
{
    struct results *results = runner->out->results;
    char how[80];
    for (struct target_process *at = runner->options->processes; at != NULL; at = at->next) {
        uint64_t memory_kib = 0, descriptors = 0;
        struct amt_diag diag = { 0 };
        if (target_process_has_ended(at, how, sizeof how)) {
            c->verdict = RESULT_FAILED;
            c->reason = results_printf(results, "%s %s during this case", at->target->name, how);
            if (c->failure == NULL) {
                (void)result_set_failure(results, c, "crash", c->reason);
            }
            if (at->starts < TARGET_STARTS_MAX && target_process_start(at, &diag) != AMT_OK) {
                c->reason = results_printf(results, "%s; again: %s", c->reason, diag.text);
            }
        }
        target_process_measure(at, &memory_kib, &descriptors);
        if (memory_kib != 0) {
            result_add_metric(results, c, "target.memory_kib", memory_kib);
            result_add_metric(results, c, "target.descriptors", descriptors);
        }
    }
}

static void finish_job(struct runner *runner, struct job *job, struct result_case *c)
{
    if (!keeps_events(runner, c)) {
        c->event_first = c->event_last = NULL;
    }
    watch_processes(runner, c);
    if (try_again(runner, job, c)) {
        return;
    }
    note_tries(runner, job, c);
    if (runner->options->expectations != NULL) {
        expectations_judge(runner->options->expectations, runner->out->results, c);
    }
    job->result = c;
    runner->bad_count += result_verdict_is_bad(c->verdict, false) ? 1 : 0;
    if (runner->options->on_case != NULL) {
        runner->options->on_case(runner->options->ctx, c);
    }
}

/* A case that is not played: what is said of it. */
static struct result_case *case_not_played(struct runner *runner, const struct job *job,
                                           enum result_verdict verdict, const char *reason)
{
    struct results *results = pool_checked(results_new());
    const struct scenario *scenario = job->suite_case->scenario;
    struct result_case *c = results_add_case(results, job->suite_case->id);
    c->verdict = verdict;
    c->name = results_text(results, scenario->name);
    c->file = results_text(results, scenario->path);
    c->line = 1;
    c->reason = results_text(results, reason);
    for (const struct scenario_spec *spec = scenario->specs; spec != NULL; spec = spec->next) {
        result_add_spec(results, c, spec->id, spec->level)->verdict = verdict;
    }
    for (const struct scenario_word *tag = scenario->tags; tag != NULL; tag = tag->next) {
        result_add_tag(results, c, tag->text);
    }
    keep_tree(runner, results);
    return c;
}

static bool is_about_target(const struct runner *runner)
{
    return runner->options->engine.targets != NULL;
}

/* The cases that must pass on the target before this one counts (harness.md 12.1): the worst verdict of
 * them; *is_known false while one of them has not finished. */
static const struct result_case *sanity_of(const struct runner *runner, const struct job *job,
                                           bool *is_known)
{
    const char *path = job->suite_case->scenario->sanity_path;
    const struct result_case *worst = NULL;
    *is_known = true;
    for (uint32_t i = 0; path != NULL && is_about_target(runner) && i < runner->job_count; i++) {
        const struct job *other = &runner->jobs[i];
        if (strcmp(other->suite_case->scenario->path, path) != 0 || other == job) {
            continue;
        }
        *is_known = *is_known && other->result != NULL;
        if (other->result != NULL && other->result->verdict != RESULT_PASSED &&
            (worst == NULL || other->result->verdict > worst->verdict)) {
            worst = other->result;
        }
    }
    return worst;
}

/* Judges a job without playing it, when that is what its expectation or its sanity says. */
static bool settle_unplayed(struct runner *runner, struct job *job)
{
    bool is_known = false;
    const struct expectation_entry *skip =
        expectations_skip(runner->options->expectations, job->suite_case->id);
    const struct result_case *sanity = sanity_of(runner, job, &is_known);
    char text[400];
    if (skip != NULL) {
        expectations_note_skipped(runner->options->expectations, job->suite_case->id);
        (void)snprintf(text, sizeof text, "left out: %s", skip->reason);
    } else if (sanity != NULL) {
        (void)snprintf(text, sizeof text, "%s is %s, so this says nothing%s%s", sanity->id,
                       result_verdict_name(sanity->verdict), sanity->reason[0] == '\0' ? "" : ": ",
                       sanity->reason);
    } else {
        return false;
    }
    bool is_error = skip == NULL && sanity->verdict != RESULT_UNSUPPORTED;
    struct result_case *c =
        case_not_played(runner, job, is_error ? RESULT_ERROR : RESULT_UNSUPPORTED, text);
    job->result = c;
    runner->bad_count += is_error ? 1 : 0;
    if (runner->options->on_case != NULL) {
        runner->options->on_case(runner->options->ctx, c);
    }
    return true;
}

/* ---- in the worker ---- */

static bool write_all(int file, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(file, bytes, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Never returns. */
static void work(struct runner *runner, struct job *job, int file)
{
    struct results *results = pool_checked(results_new());
    struct text json = { 0 };
    struct result_case *c = play_job(runner, job, results);
    if (!keeps_events(runner, c)) {
        c->event_first = c->event_last = NULL;
    }
    report_json(&json, results);
    bool is_good = !json.failed && !results->failed && write_all(file, text_chars(&json), json.len);
    text_fini(&json);
    results_free(results);
    (void)close(file);
    (void)fflush(NULL);
    _exit(is_good ? 0 : 70);
}

/* ---- in the parent ---- */

static struct result_case *case_of_crash(struct runner *runner, const struct worker *worker,
                                         int status)
{
    char text[80];
    if (WIFSIGNALED(status)) {
        (void)snprintf(text, sizeof text, "the case's process was ended by signal %d",
                       WTERMSIG(status));
    } else {
        (void)snprintf(text, sizeof text, "the case's process ended with status %d",
                       WEXITSTATUS(status));
    }
    struct result_case *c = case_not_played(runner, worker->job, RESULT_ERROR, text);
    (void)result_set_failure(runner->out->results, c, "crash", text);
    return c;
}

static void reap(struct runner *runner, struct worker *worker)
{
    int status = 0;
    struct amt_diag diag = { 0 };
    struct results *results = NULL;
    (void)close(worker->pipe);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        results = report_json_read(text_chars(&worker->output), "worker", &diag);
    }
    struct result_case *c = results == NULL ? NULL : results->case_first;
    if (c == NULL) {
        results_free(results);
        c = case_of_crash(runner, worker, status);
    } else {
        keep_tree(runner, results);
    }
    struct job *job = worker->job;
    text_fini(&worker->output);
    *worker = (struct worker){ .pipe = -1 };
    runner->running--;
    finish_job(runner, job, c);
}

static struct job *next_job(const struct runner *runner)
{
    return runner->again != NULL ? runner->again : &runner->jobs[runner->next_job];
}

/* The next job is under way or settled. */
static void pass_job(struct runner *runner)
{
    if (runner->again != NULL) {
        runner->again = runner->again->next_again;
    } else {
        runner->next_job++;
    }
    runner->last_start_us = real_now_us();
}

static enum amt_err start(struct runner *runner, struct worker *worker, struct amt_diag *diag)
{
    int ends[2];
    struct job *job = next_job(runner);
    (void)fflush(NULL);
    if (pipe(ends) != 0) {
        return amt_diag_errno(diag, errno, "cannot make a pipe for a worker");
    }
    pid_t pid = fork();
    if (pid < 0) {
        int number = errno;
        (void)close(ends[0]);
        (void)close(ends[1]);
        return amt_diag_errno(diag, number, "cannot start a worker");
    }
    if (pid == 0) {
        (void)close(ends[0]);
        work(runner, job, ends[1]);
    }
    (void)close(ends[1]);
    *worker = (struct worker){ .pid = pid, .pipe = ends[0], .job = job };
    pass_job(runner);
    runner->running++;
    return AMT_OK;
}

static void read_some(struct runner *runner, struct worker *worker)
{
    char chunk[READ_BYTES];
    ssize_t n = read(worker->pipe, chunk, sizeof chunk);
    if (n > 0) {
        text_append(&worker->output, chunk, (size_t)n);
    } else if (n == 0 || errno != EINTR) {
        reap(runner, worker);
    }
}

static bool may_start(const struct runner *runner)
{
    uint32_t limit = runner->options->fail_limit;
    return (runner->again != NULL || runner->next_job < runner->job_count) &&
           (limit == 0 || runner->bad_count < limit) &&
           (runner->options->stop == NULL || *runner->options->stop == 0);
}

static uint32_t worker_count(const struct runner *runner)
{
    uint32_t count = runner->options->workers == 0 ? 1 : runner->options->workers;
    return count > WORKERS_MAX ? WORKERS_MAX : count;
}

static bool share_a_resource(const struct scenario *a, const struct scenario *b)
{
    for (const struct scenario_word *x = a->exclusive; x != NULL; x = x->next) {
        for (const struct scenario_word *y = b->exclusive; y != NULL; y = y->next) {
            if (strcmp(x->text, y->text) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Until the next case may be started (--rate). */
static uint64_t time_to_start_us(const struct runner *runner)
{
    uint64_t due_us = runner->last_start_us + runner->options->start_gap_us, now_us = real_now_us();
    return runner->last_start_us == 0 || now_us >= due_us ? 0 : due_us - now_us;
}

/* The next case waits for those that use what it wants for itself (`exclusive`), and for its sanity. */
static bool must_wait(const struct runner *runner)
{
    const struct job *candidate = next_job(runner);
    const struct scenario *next = candidate->suite_case->scenario;
    bool is_known = false;
    (void)sanity_of(runner, candidate, &is_known);
    if (!is_known && runner->running > 0) {
        return true;
    }
    for (uint32_t i = 0; i < worker_count(runner); i++) {
        const struct job *job = runner->workers[i].job;
        if (job != NULL && share_a_resource(job->suite_case->scenario, next)) {
            return true;
        }
    }
    return false;
}

static struct worker *free_worker(struct runner *runner)
{
    for (uint32_t i = 0; i < worker_count(runner); i++) {
        if (runner->workers[i].job == NULL) {
            return &runner->workers[i];
        }
    }
    return NULL;
}

static enum amt_err fill_workers(struct runner *runner, struct amt_diag *diag)
{
    struct worker *worker = NULL;
    while ((worker = free_worker(runner)) != NULL && may_start(runner) && !must_wait(runner)) {
        if (runner->again == NULL && settle_unplayed(runner, next_job(runner))) {
            runner->next_job++;
            continue;
        }
        if (time_to_start_us(runner) > 0) {
            break;
        }
        enum amt_err err = start(runner, worker, diag);
        if (err != AMT_OK) {
            return err;
        }
    }
    return AMT_OK;
}

static enum amt_err run_in_workers(struct runner *runner, struct amt_diag *diag)
{
    enum amt_err err = fill_workers(runner, diag);
    while (runner->running > 0 || (err == AMT_OK && may_start(runner))) {
        struct pollfd files[WORKERS_MAX];
        struct worker *at[WORKERS_MAX];
        nfds_t n = 0;
        for (uint32_t i = 0; i < worker_count(runner); i++) {
            if (runner->workers[i].job != NULL) {
                at[n] = &runner->workers[i];
                files[n++] = (struct pollfd){ .fd = runner->workers[i].pipe, .events = POLLIN };
            }
        }
        int limit_ms =
            time_to_start_us(runner) == 0 ? -1 : (int)(time_to_start_us(runner) / 1000u) + 1;
        if (poll(files, n, n == 0 && limit_ms < 0 ? 0 : limit_ms) < 0) {
            continue; /* a signal: the stop flag is looked at below */
        }
        for (nfds_t i = 0; i < n; i++) {
            if (files[i].revents != 0) {
                read_some(runner, at[i]);
            }
        }
        if (err == AMT_OK) {
            err = fill_workers(runner, diag);
        }
    }
    return err;
}

static void run_here(struct runner *runner)
{
    while (may_start(runner)) {
        struct job *job = next_job(runner);
        if (runner->again == NULL && settle_unplayed(runner, job)) {
            runner->next_job++;
            continue;
        }
        pass_job(runner);
        struct results *results = pool_checked(results_new());
        keep_tree(runner, results);
        finish_job(runner, job, play_job(runner, job, results));
    }
}

/* The cases in the order of the suite, whatever the order they finished in. */
static void link_cases(struct runner *runner)
{
    struct results *results = runner->out->results;
    for (uint32_t i = 0; i < runner->job_count; i++) {
        struct result_case *c = runner->jobs[i].result;
        if (c == NULL) {
            runner->out->was_stopped = true;
            continue;
        }
        c->next = NULL;
        if (results->case_last == NULL) {
            results->case_first = c;
        } else {
            results->case_last->next = c;
        }
        results->case_last = c;
        results->case_count++;
    }
}

static void add_sources(const struct suite *suite, struct results *results)
{
    for (const struct scenario *scenario = suite->scenarios; scenario != NULL;
         scenario = scenario->next) {
        for (const struct scenario_file *file = scenario->files; file != NULL; file = file->next) {
            struct text all = { 0 };
            char *line = NULL;
            for (uint32_t n = 1; (line = yaml_source_line(file->document, n)) != NULL; n++) {
                text_puts(&all, line);
                text_puts(&all, "\n");
                amt_free(line);
            }
            results_add_source(results, yaml_path(file->document), text_chars(&all));
            text_fini(&all);
        }
    }
}

static void fill_jobs(struct runner *runner, const struct suite *suite)
{
    uint32_t repeats = runner->options->repeats == 0 ? 1 : runner->options->repeats;
    runner->job_count = suite->case_count * repeats;
    runner->jobs = pool_checked(amt_alloc_array(runner->job_count + 1, sizeof *runner->jobs));
    uint32_t n = 0;
    for (uint32_t attempt = 0; attempt < repeats; attempt++) {
        for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
            runner->jobs[n++] = (struct job){ .suite_case = c, .attempt = attempt };
        }
    }
}

enum amt_err runner_run(const struct suite *suite, const struct runner_options *options,
                        struct runner_result *result, struct amt_diag *diag)
{
    struct runner *runner = pool_checked(amt_alloc(sizeof *runner));
    uint64_t start_us = real_now_us();
    enum amt_err err = AMT_OK;
    result->trees = NULL;
    result->results = pool_checked(results_new());
    runner->options = options;
    runner->out = result;
    fill_jobs(runner, suite);
    for (const struct scenario *at = suite->scenarios; at != NULL; at = at->next) {
        activation_pki_warm(options->engine.pki, at);
    }
    add_sources(suite, result->results);
    if (options->in_process) {
        run_here(runner);
    } else {
        err = run_in_workers(runner, diag);
    }
    link_cases(runner);
    result->stale_count = options->expectations == NULL
                              ? 0
                              : expectations_close(options->expectations, result->results);
    result->results->run.seed = options->engine.seed;
    result->results->run.duration_us = real_now_us() - start_us;
    amt_free(runner->jobs);
    amt_free(runner);
    return err;
}

void runner_free(struct runner_result *result)
{
    results_free(result->results);
    result->results = NULL;
    while (result->trees != NULL) {
        struct runner_tree *tree = result->trees;
        result->trees = tree->next;
        results_free(tree->results);
        amt_free(tree);
    }
}
