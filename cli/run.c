/* `amtlab run`: runs scenarios and says what came of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/run_select.h"
#include "cli/run_target.h"
#include "conformance/registry.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/runner.h"
#include "scenarios/report/report.h"

#define REGISTRY_FILE      "conformance/requirements.yaml"
#define WORKERS_MAX        64u
#define UNTIL_FAIL_REPEATS 1000u

struct run_options {
    struct cli_texts targets, tags, skip_tags, specs, fields, variables;
    const char *level, *out, *report, *format, *clock, *keep_traces, *color, *trust, *target_name,
        *shard, *failed, *order, *certificate, *key, *expectations, *write_expectations, *rate;
    uint64_t jobs, seed, repeat, timeout_us, fail_fast, retries, wait_us;
    bool until_fail, dry_run, verbose, quiet, strict, in_process, defects, allow_stale, destructive;
};

#define AT(member) offsetof(struct run_options, member)
static const struct cli_option k_options[] = {
    { "target", 0, CLI_TEXTS, AT(targets), "ROLE=FILE|HOST:PORT", NULL,
      "actor that is not built in: mps=lab.example:4433, or a file that describes it" },
    { "expectations", 0, CLI_TEXT, AT(expectations), "FILE", NULL,
      "what the target is known to fail, with reasons; anything else fails the run" },
    { "write-expectations", 0, CLI_TEXT, AT(write_expectations), "FILE", NULL,
      "writes such a file from what failed; its reasons are empty and must be filled in" },
    { "allow-stale", 0, CLI_FLAG, AT(allow_stale), NULL, NULL,
      "expectations that hold no more do not fail the run" },
    { "retries", 0, CLI_NUMBER, AT(retries), "N", "0",
      "further tries of a case that failed; passing then is flaky" },
    { "destructive", 0, CLI_FLAG, AT(destructive), NULL, NULL,
      "cases that may harm a target, too: floods, attacks on its memory" },
    { "rate", 0, CLI_TEXT, AT(rate), "N/s|N/m", "10/s", "starts of cases against a target" },
    { "trust", 0, CLI_TEXT, AT(trust), "FILE", NULL,
      "roots (PEM) that devices trust at a target; without it they do not verify its certificate" },
    { "target-name", 0, CLI_TEXT, AT(target_name), "NAME", NULL,
      "Common Name that devices expect of a target; default: its host" },
    { "tag", 0, CLI_TEXTS, AT(tags), "TAG", NULL,
      "only scenarios with this tag (repeat for more)" },
    { "skip-tag", 0, CLI_TEXTS, AT(skip_tags), "TAG", NULL, "no scenarios with this tag" },
    { "spec", 0, CLI_TEXTS, AT(specs), "PATTERN", NULL,
      "only scenarios that cite such a requirement: 'APF-MPS-02*'" },
    { "field", 0, CLI_TEXTS, AT(fields), "PATTERN", NULL,
      "only scenarios that replay such a field failure: 'FF-04*'" },
    { "defects", 0, CLI_FLAG, AT(defects), NULL, NULL,
      "play each scenario with its deliberate defects; passes when it finds them" },
    { "level", 0, CLI_TEXT, AT(level), "must|should|may", NULL,
      "only scenarios that cite a requirement at least this strict" },
    { "strict", 0, CLI_FLAG, AT(strict), NULL, NULL, "a failed `should` step fails the run" },
    { "jobs", 'j', CLI_NUMBER, AT(jobs), "N", "2", "cases at the same time" },
    { "seed", 0, CLI_NUMBER, AT(seed), "N", "1", "same seed, same run" },
    { "repeat", 0, CLI_NUMBER, AT(repeat), "N", "1", "run each case so often, with other chances" },
    { "until-fail", 0, CLI_FLAG, AT(until_fail), NULL, NULL,
      "repeat until a case is bad, at most --repeat times, 1000 without it" },
    { "shard", 0, CLI_TEXT, AT(shard), "I/N", NULL,
      "every Nth case, from the Ith on: N machines share a suite" },
    { "failed", 0, CLI_TEXT, AT(failed), "FILE", NULL,
      "only what failed there: results.json of an earlier run, or its --out folder" },
    { "order", 0, CLI_TEXT, AT(order), "file|random", "file",
      "order of the cases; random: drawn from the seed" },
    { "fail-fast", 0, CLI_NUMBER, AT(fail_fast), "N", "0",
      "stop after so many bad cases; 0: never" },
    { "timeout", 0, CLI_DURATION, AT(timeout_us), "TIME", "0",
      "limit of each case instead of the scenario's" },
    { "clock", 0, CLI_TEXT, AT(clock), "auto|virtual|real", "auto",
      "auto: as the scenario says, real with a target" },
    { "var", 0, CLI_TEXTS, AT(variables), "NAME=VALUE", NULL,
      "variable of the scenarios; also AMTLAB_VAR_NAME in the environment, which is the place for "
      "secrets" },
    { "certificate", 0, CLI_TEXT, AT(certificate), "FILE", NULL,
      "of the server that a device target calls, PEM with its chain; default: one made for the "
      "run" },
    { "key", 0, CLI_TEXT, AT(key), "FILE", NULL,
      "its private key, PEM; default: in the same file" },
    { "wait", 0, CLI_DURATION, AT(wait_us), "TIME", "20m",
      "how long a device target may take to call, before each case" },
    { "out", 0, CLI_TEXT, AT(out), "FOLDER", NULL, "writes all reports into this folder" },
    { "report", 0, CLI_TEXT, AT(report), "LIST", NULL,
      "junit=FILE,json=FILE,jsonl=FILE,html=FILE.html,sarif=FILE,github=-,tap=FILE,md=FILE,txt="
      "FILE,"
      "badge=FILE.svg" },
    { "format", 0, CLI_TEXT, AT(format), "auto|pretty|plain|tap|json|jsonl", "auto",
      "what is printed; auto: pretty on a terminal, else plain; jsonl: a line as each case ends" },
    { "color", 0, CLI_TEXT, AT(color), "auto|always|never", "auto",
      "auto: on a terminal, unless NO_COLOR is set" },
    { "keep-traces", 0, CLI_TEXT, AT(keep_traces), "fail|all", "fail",
      "messages of which cases are kept for the reports" },
    { "dry-run", 'n', CLI_FLAG, AT(dry_run), NULL, NULL, "only say which cases would run" },
    { "in-process", 0, CLI_FLAG, AT(in_process), NULL, NULL,
      "no process per case: for debuggers and profilers" },
    { "verbose", 'v', CLI_FLAG, AT(verbose), NULL, NULL, "the steps of each case too" },
    { "quiet", 'q', CLI_FLAG, AT(quiet), NULL, NULL, "only failures and the summary" },
    { .name = NULL },
};

static volatile int g_stop_count;

static void on_interrupt(int number)
{
    (void)number;
    g_stop_count = g_stop_count + 1;
    if (g_stop_count > 1) {
        _exit(CLI_INTERRUPTED);
    }
}

/* What the options come to. */
struct running {
    const struct run_options *options;
    struct arena pool;
    struct suite suite;
    struct runner_options runner;
    struct run_targets targets;
    struct report_style style;
    bool prints_lines, prints_objects;
};

static int usage(const char *text, const char *value)
{
    (void)fprintf(stderr, "amtlab run: %s: '%s'. See: amtlab run --help\n", text, value);
    return CLI_USAGE;
}

/* "10/s" or "30/m" */
static bool rate_per_minute(const char *text, uint64_t *count)
{
    char number[16];
    size_t len = strcspn(text, "/");
    if (len == 0 || len >= sizeof number ||
        (strcmp(text + len, "/s") != 0 && strcmp(text + len, "/m") != 0)) {
        return false;
    }
    memcpy(number, text, len);
    number[len] = '\0';
    if (text_parse_u64(number, 1000000, count) != AMT_OK || *count == 0) {
        return false;
    }
    *count *= text[len + 1] == 's' ? 60 : 1;
    return true;
}

/* Targets, what is expected of them, and how gently they are treated. */
static int read_targets(struct running *running)
{
    const struct run_options *options = running->options;
    struct run_targets *targets = &running->targets;
    uint64_t per_minute = 0;
    int status = run_targets_read(targets, &options->targets);
    status = status != CLI_OK ? status : run_targets_expect(targets, options->expectations);
    if (status != CLI_OK) {
        return status;
    }
    if (!rate_per_minute(options->rate, &per_minute)) {
        return usage("--rate wants a number of cases such as 10/s or 30/m", options->rate);
    }
    running->runner.engine.targets = targets->first;
    running->runner.engine.allows_destructive = options->destructive;
    running->runner.expectations = targets->expectations;
    running->runner.start_gap_us = targets->first == NULL ? 0 : 60 * US_PER_SECOND / per_minute;
    for (uint32_t i = 0; i < targets->file_count; i++) {
        struct engine_target_tls *tls = &running->runner.engine.target_tls;
        tls->trust = tls->trust == NULL ? targets->files[i]->trust : tls->trust;
        tls->name = tls->name == NULL ? targets->files[i]->tls_name : tls->name;
    }
    return CLI_OK;
}

/* A device speaks with one scenario at a time: what one changes would disturb the others. */
static void settle_device_target(struct running *running)
{
    for (struct engine_target *at = running->runner.engine.targets; at != NULL; at = at->next) {
        if (strcmp(at->role, "device") == 0) {
            at->certificate = running->options->certificate;
            at->key = running->options->key;
            at->wait_us = running->options->wait_us;
            running->runner.workers = 1;
        }
    }
}

static int read_variables(struct running *running)
{
    for (uint32_t i = 0; i < running->options->variables.count; i++) {
        const char *text = running->options->variables.items[i];
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return usage("a variable is NAME=VALUE", text);
        }
        struct engine_variable *variable = pool_alloc(&running->pool, sizeof *variable);
        variable->name = pool_text(&running->pool, text, (size_t)(equals - text));
        variable->value = equals + 1;
        variable->next = running->runner.engine.variables;
        running->runner.engine.variables = variable;
    }
    return CLI_OK;
}

static int choice(const char *name, const char *value, const char *const *words, uint32_t *index)
{
    for (uint32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], value) == 0) {
            *index = i;
            return CLI_OK;
        }
    }
    return usage(name, value);
}

static int read_choices(struct running *running)
{
    static const char *const k_clocks[] = { "auto", "virtual", "real", NULL };
    static const char *const k_traces[] = { "fail", "all", NULL };
    static const char *const k_colors[] = { "auto", "always", "never", NULL };
    static const char *const k_formats[] = {
        "auto", "pretty", "plain", "tap", "json", "jsonl", NULL
    };
    const struct run_options *options = running->options;
    uint32_t clock = 0, traces = 0, color = 0, format = 0;
    int result = choice("--clock is auto, virtual or real", options->clock, k_clocks, &clock);
    result = result != CLI_OK
                 ? result
                 : choice("--keep-traces is fail or all", options->keep_traces, k_traces, &traces);
    result = result != CLI_OK
                 ? result
                 : choice("--color is auto, always or never", options->color, k_colors, &color);
    result = result != CLI_OK ? result
                              : choice("--format is auto, pretty, plain, tap, json or jsonl",
                                       options->format, k_formats, &format);
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    const char *no_color = getenv("NO_COLOR");
    running->runner.engine.clock = (enum scenario_clock)clock;
    running->runner.engine.keeps_all_traces = traces == 1;
    running->style.plain = format == 2 || (format == 0 && !is_terminal);
    running->style.colour =
        color == 1 || (color == 0 && is_terminal && (no_color == NULL || no_color[0] == '\0'));
    running->prints_lines = format <= 2 && !options->quiet;
    running->prints_objects = format == 5;
    return result;
}

static int read_filter(const struct run_options *options, struct suite_filter *filter)
{
    *filter = (struct suite_filter){ .tags = options->tags.items,
                                     .tag_count = options->tags.count,
                                     .skip_tags = options->skip_tags.items,
                                     .skip_tag_count = options->skip_tags.count,
                                     .specs = options->specs.items,
                                     .spec_count = options->specs.count,
                                     .fields = options->fields.items,
                                     .field_count = options->fields.count,
                                     .wants_defects = options->defects };
    if (options->level != NULL) {
        filter->has_level = true;
        if (!result_level_parse(options->level, &filter->level)) {
            return usage("--level is must, should or may", options->level);
        }
    }
    return CLI_OK;
}

static int choose(struct running *running)
{
    const struct run_options *options = running->options;
    struct run_selection selection = { .shard = options->shard,
                                       .failed = options->failed,
                                       .order = options->order,
                                       .seed = options->seed,
                                       .strict = options->strict };
    struct amt_diag diag = { 0 };
    enum amt_err err = run_select(&running->suite, &selection, &diag);
    if (err == AMT_OK) {
        return CLI_OK;
    }
    amt_diag_print(&diag, stderr);
    return err == AMT_ECONFIG ? CLI_USAGE : CLI_ENVIRONMENT;
}

static int load(struct running *running, int argument_count, char **arguments)
{
    struct suite_filter filter;
    struct amt_diag_list errors = { 0 };
    const char *fallback = suite_default_folder(&running->suite.pool);
    int result = read_filter(running->options, &filter);
    for (int i = 0; result == CLI_OK && i < (argument_count == 0 ? 1 : argument_count); i++) {
        const char *argument = argument_count == 0 ? fallback : arguments[i];
        if (suite_add(&running->suite, argument, &filter, &errors) == AMT_EUNKNOWN) {
            (void)fprintf(stderr,
                          "amtlab run: no scenario is called '%s'\n    `amtlab list` shows all "
                          "below %s (AMTLAB_SCENARIOS names another folder)\n",
                          argument, fallback);
            result = CLI_NOTHING;
        }
    }
    result = result == CLI_OK && errors.count == 0 ? choose(running) : result;
    if (running->targets.first != NULL && errors.count == 0) {
        suite_add_sanity(&running->suite, &errors);
    }
    if (errors.count > 0) {
        amt_diag_list_print(&errors, stderr);
        (void)fputs("amtlab run: nothing was run; `amtlab validate` shows the lines\n", stderr);
        result = CLI_INVALID;
    }
    amt_diag_list_fini(&errors);
    if (result == CLI_OK && running->suite.case_count == 0) {
        (void)fputs("amtlab run: nothing selected\n", stderr);
        result = CLI_NOTHING;
    }
    return result;
}

static void print(struct text *out)
{
    (void)fputs(text_chars(out), stdout);
    (void)fflush(stdout);
    text_fini(out);
}

static void print_steps(const struct result_case *c, struct text *out)
{
    for (const struct result_step *step = c->step_first; step != NULL; step = step->next) {
        char at[24];
        text_format_duration(step->at_us, at);
        text_printf(out, "     %-10s %3u %-11s %s%s%s\n", at, step->line,
                    result_step_verdict_name(step->verdict), step->actor,
                    step->actor[0] == '\0' ? "" : ": ", step->name);
    }
}

static void on_case(void *ctx, const struct result_case *c)
{
    const struct running *running = ctx;
    struct text out = { 0 };
    if (running->prints_lines) {
        report_terminal_case(&out, c, &running->style);
        if (running->options->verbose) {
            print_steps(c, &out);
        }
    }
    if (running->prints_objects) {
        report_jsonl_case(&out, running->options->strict, c);
    }
    print(&out);
}

static void list_cases(const struct running *running)
{
    struct text out = { 0 };
    run_targets_list(&running->suite, running->targets.first != NULL || running->options->verbose,
                     &out);
    print(&out);
}

/* Words of the requirements for the reports; without the registry they stay without words. */
static void add_requirement_texts(struct results *results)
{
    struct amt_diag_list errors = { 0 };
    struct arena pool = { 0 };
    const char *path = suite_find(&pool, REGISTRY_FILE);
    struct registry *registry = path == NULL ? NULL : registry_load(path, &errors);
    if (registry != NULL) {
        registry_describe(registry, results);
    }
    registry_free(registry);
    amt_diag_list_fini(&errors);
    arena_fini(&pool);
}

static void describe_run(const struct running *running, struct results *results)
{
    struct text target = { 0 };
    char started[32] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts) != NULL) {
        (void)strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    run_targets_describe(&running->targets, &target);
    results->run.version = results_text(results, AMTLAB_VERSION);
    results->run.started = results_text(results, started);
    results->run.target = results_text(results, text_chars(&target));
    results->run.strict = running->options->strict;
    results->run.id =
        results_printf(results, "run-%llu", (unsigned long long)running->options->seed);
    results_add_option(results, "clock", running->options->clock);
    text_fini(&target);
}

/* Before the first case: what is known of the run then. */
static void print_start(const struct running *running)
{
    struct results *run = running->prints_objects ? results_new() : NULL;
    struct text out = { 0 };
    if (run != NULL) {
        describe_run(running, run);
        run->run.seed = running->options->seed;
        report_jsonl_run(&out, run);
        print(&out);
    }
    results_free(run);
}

static int write_reports(const struct running *running, const struct results *results)
{
    const struct run_options *options = running->options;
    struct amt_diag diag = { 0 };
    struct text spec = { 0 };
    if (options->out != NULL) {
        text_printf(&spec,
                    "json=%s/results.json,junit=%s/junit.xml,html=%s/report.html,"
                    "sarif=%s/amtlab.sarif,tap=%s/results.tap,md=%s/summary.md",
                    options->out, options->out, options->out, options->out, options->out,
                    options->out);
    }
    if (options->report != NULL) {
        text_printf(&spec, "%s%s", spec.len == 0 ? "" : ",", options->report);
    }
    enum amt_err err =
        spec.len == 0 ? AMT_OK : report_write_files(results, text_chars(&spec), &diag);
    text_fini(&spec);
    if (err != AMT_OK) {
        amt_diag_print(&diag, stderr);
        return err == AMT_ECONFIG ? CLI_USAGE : CLI_ENVIRONMENT;
    }
    return CLI_OK;
}

static void print_end(const struct running *running, const struct results *results)
{
    struct text out = { 0 };
    if (strcmp(running->options->format, "tap") == 0) {
        report_tap(&out, results);
    } else if (strcmp(running->options->format, "json") == 0) {
        report_json(&out, results);
    } else if (running->prints_objects) {
        report_jsonl_end(&out, results);
    } else {
        for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
            if (c->verdict == RESULT_KNOWN_FAILURE && !running->options->verbose) {
                continue; /* its reason stands in its line, its evidence in the reports */
            }
            report_terminal_failure(&out, results, c, &running->style);
        }
        report_terminal_chapters(&out, results);
        report_terminal_summary(&out, results, &running->style,
                                running->options->out == NULL ? "" : running->options->out);
    }
    print(&out);
}

static int judge(const struct runner_result *result, bool allows_stale)
{
    struct results_totals totals;
    results_count(result->results, &totals);
    if (g_stop_count > 0) {
        return CLI_INTERRUPTED;
    }
    if (totals.bad > 0 || (result->stale_count > 0 && !allows_stale)) {
        return CLI_FAILED;
    }
    return totals.by_verdict[RESULT_UNSUPPORTED] == totals.cases ? CLI_NOTHING : CLI_OK;
}

static int write_expectations(struct running *running, const struct results *results)
{
    const char *path = running->options->write_expectations;
    struct text out = { 0 };
    if (path == NULL) {
        return CLI_OK;
    }
    expectations_write(results, run_targets_name(&running->targets), &out);
    FILE *file = fopen(path, "wb");
    bool is_good = file != NULL && fwrite(text_chars(&out), 1, out.len, file) == out.len;
    is_good = file != NULL && fclose(file) == 0 && is_good;
    text_fini(&out);
    if (!is_good) {
        (void)fprintf(stderr, "amtlab run: %s cannot be written: %s\n", path, strerror(errno));
    }
    return is_good ? CLI_OK : CLI_ENVIRONMENT;
}

static int run_suite(struct running *running)
{
    struct runner_result result = { .results = NULL };
    struct amt_diag diag = { 0 };
    struct sigaction action = { .sa_handler = on_interrupt };
    (void)sigaction(SIGINT, &action, NULL);
    running->runner.on_case = on_case;
    running->runner.ctx = running;
    running->runner.stop = &g_stop_count;
    running->runner.engine.pki = pki_set_new(&diag);
    /* The certificate that nearly every case needs, before the processes part. */
    if (running->runner.engine.pki == NULL ||
        pki_set_server(running->runner.engine.pki, ACTOR_SERVER_NAME, PKI_FLAW_NONE, &diag) ==
            NULL) {
        pki_set_free(running->runner.engine.pki);
        amt_diag_print(&diag, stderr);
        return CLI_ENVIRONMENT;
    }
    print_start(running);
    enum amt_err err = runner_run(&running->suite, &running->runner, &result, &diag);
    int status = CLI_ENVIRONMENT;
    if (err == AMT_OK) {
        describe_run(running, result.results);
        add_requirement_texts(result.results);
        print_end(running, result.results);
        status = judge(&result, running->options->allow_stale);
        int written = write_reports(running, result.results);
        written = written != CLI_OK ? written : write_expectations(running, result.results);
        status = written == CLI_OK ? status : written;
    } else {
        amt_diag_print(&diag, stderr);
    }
    runner_free(&result);
    pki_set_free(running->runner.engine.pki);
    return status;
}

static int start_targets(struct running *running)
{
    const char *folder = running->options->out;
    if (folder != NULL && mkdir(folder, 0777) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "amtlab run: %s: %s\n", folder, strerror(errno));
        return CLI_ENVIRONMENT;
    }
    int status = run_targets_start(&running->targets, folder == NULL ? "." : folder);
    running->runner.processes = running->targets.processes;
    return status;
}

static int run_run(const void *options_, int argument_count, char **arguments)
{
    const struct run_options *options = options_;
    struct running running = { .options = options };
    struct amt_diag diag = { 0 };
    running.runner = (struct runner_options){
        .engine = { .seed = options->seed,
                    .timeout_us = options->timeout_us,
                    .target_tls = { options->trust, options->target_name } },
        .workers = (uint32_t)(options->jobs > WORKERS_MAX ? WORKERS_MAX : options->jobs),
        .repeats = options->until_fail && options->repeat == 1 ? UNTIL_FAIL_REPEATS
                                                               : (uint32_t)options->repeat,
        .fail_limit = options->until_fail ? 1 : (uint32_t)options->fail_fast,
        .in_process = options->in_process,
        .retries = (uint32_t)options->retries
    };
    running.runner.engine.command_options = "";
    int status = read_targets(&running);
    settle_device_target(&running);
    status = status != CLI_OK ? status : read_variables(&running);
    status = status != CLI_OK ? status : read_choices(&running);
    if (status == CLI_OK && options->report != NULL &&
        report_check_spec(options->report, &diag) != AMT_OK) {
        amt_diag_print(&diag, stderr);
        status = CLI_USAGE;
    }
    status = status != CLI_OK ? status : load(&running, argument_count, arguments);
    if (status == CLI_OK && options->dry_run) {
        list_cases(&running);
    } else if (status == CLI_OK) {
        status = start_targets(&running);
        status = status != CLI_OK ? status : run_suite(&running);
    }
    run_targets_close(&running.targets);
    suite_free(&running.suite);
    arena_fini(&running.pool);
    return status;
}

const struct cli_command k_command_run = {
    .name = "run",
    .arguments = "[PATH|ID|GLOB]...",
    .summary = "run scenarios against built-in actors or a target",
    .details =
        "Runs the scenarios named by files, folders, ids or patterns of ids; without any, all\n"
        "below scenarios/library. FILE#cut=5 or ID#cut=5 picks cases of a matrix.\n\n"
        "With built-in actors everything runs in virtual time: hours take milliseconds, and the\n"
        "same seed gives the same run, byte for byte.\n\n"
        "  amtlab run basic/first-contact\n"
        "  amtlab run scenarios/library --report junit=junit.xml,html=report\n"
        "  amtlab run conformance/mps --target mps=lab.example:4433 --var user=...\n"
        "  amtlab run conformance/mps --target mps=my-mps.yaml --expectations known.yaml\n\n"
        "Exit codes: 0 all as expected, 1 a case failed, 3 a file is invalid, 4 environment,\n"
        "5 nothing selected or everything unsupported.",
    .options = k_options,
    .options_bytes = sizeof(struct run_options),
    .arguments_min = 0,
    .arguments_max = 1000,
    .run = run_run
};
