/* `amtlab report`: makes any report from the results that a run has stored. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "scenarios/report/report.h"

/* Traces of many cases make it large; beyond this it is no result file. */
#define RESULTS_MAX_BYTES ((size_t)1024 * 1024 * 1024)
#define READ_BYTES        ((size_t)1024 * 1024)

struct report_options {
    const char *report, *colour;
};

static const struct cli_option k_options[] = {
    { .name = "report",
      .kind = CLI_TEXT,
      .offset = offsetof(struct report_options, report),
      .value_name = "LIST",
      .help =
          "junit=FILE,json=FILE,jsonl=FILE,html=FILE.html,sarif=FILE,github=-,tap=FILE,md=FILE,\n"
          "txt=FILE,badge=FILE.json,badge=FILE.svg; - is standard output; without it the\n"
          "results are printed" },
    { .name = "colour",
      .kind = CLI_TEXT,
      .offset = offsetof(struct report_options, colour),
      .value_name = "auto|always|never",
      .fallback = "auto",
      .help = "colours in what is printed" },
    { .name = NULL },
};

/* -1 when the word is none of the three. */
static int wants_colour(const char *word)
{
    if (strcmp(word, "auto") == 0) {
        return isatty(STDOUT_FILENO);
    }
    if (strcmp(word, "always") == 0 || strcmp(word, "never") == 0) {
        return word[0] == 'a' ? 1 : 0;
    }
    (void)fprintf(stderr, "amtlab report: --colour is auto, always or never\n");
    return -1;
}

static enum amt_err read_file(const char *path, struct text *out, struct amt_diag *diag)
{
    FILE *file = fopen(path, "rb");
    char *buffer = amt_alloc(READ_BYTES);
    enum amt_err err = AMT_OK;
    if (buffer == NULL) {
        err = amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else if (file == NULL) {
        err = amt_diag_errno(diag, errno, "cannot read %.200s", path);
        (void)amt_diag_hint(diag, "write one with: amtlab run --report json=FILE");
    }
    size_t got = READ_BYTES;
    while (err == AMT_OK && got == READ_BYTES) {
        got = fread(buffer, 1, READ_BYTES, file);
        text_append(out, buffer, got);
        if (ferror(file) != 0) {
            err = amt_diag_errno(diag, errno, "cannot read %.200s", path);
        } else if (out->failed || out->len > RESULTS_MAX_BYTES) {
            err = amt_diag_set(diag, AMT_ELIMIT, "%.200s is too large", path);
        }
    }
    amt_free(buffer);
    if (file != NULL) {
        (void)fclose(file);
    }
    return err;
}

static int print_results(const struct results *results, bool colour)
{
    const struct report_style style = { .colour = colour, .plain = !colour };
    struct text out = { 0 };
    report_terminal(&out, results, &style);
    bool is_written = !out.failed && fputs(text_chars(&out), stdout) >= 0 && fflush(stdout) == 0;
    text_fini(&out);
    if (!is_written) {
        (void)fputs("amtlab report: the results cannot be written to standard output\n", stderr);
    }
    return is_written ? CLI_OK : CLI_ENVIRONMENT;
}

static int status_of(enum amt_err err)
{
    return err == AMT_ECONFIG ? CLI_INVALID : err == AMT_ENOMEM ? CLI_INTERNAL : CLI_ENVIRONMENT;
}

static int make_reports(const struct report_options *options, const struct results *results,
                        bool colour)
{
    if (options->report == NULL) {
        return print_results(results, colour);
    }
    struct amt_diag diag = { 0 };
    enum amt_err err = report_write_files(results, options->report, &diag);
    if (err != AMT_OK) {
        amt_diag_print(&diag, stderr);
        return status_of(err);
    }
    return CLI_OK;
}

/* NULL with *status: what the command ends with. */
static struct results *read_results(const char *path, int *status)
{
    struct amt_diag diag = { 0 };
    struct text json = { 0 };
    enum amt_err err = read_file(path, &json, &diag);
    struct results *results = NULL;
    if (err == AMT_OK) {
        results = report_json_read(text_chars(&json), path, &diag);
        err = results == NULL ? diag.err : AMT_OK;
    }
    text_fini(&json);
    if (results == NULL) {
        amt_diag_print(&diag, stderr);
        *status = status_of(err);
    }
    return results;
}

static int print_diff(const struct results *before, const struct results *after)
{
    struct text out = { 0 };
    bool is_good = report_diff(&out, before, after);
    bool is_written = !out.failed && fputs(text_chars(&out), stdout) >= 0 && fflush(stdout) == 0;
    text_fini(&out);
    if (!is_written) {
        (void)fputs("amtlab report: the changes cannot be written to standard output\n", stderr);
        return CLI_ENVIRONMENT;
    }
    return is_good ? CLI_OK : CLI_FAILED;
}

static int run_diff(const char *old_path, const char *new_path)
{
    int status = CLI_OK;
    struct results *before = read_results(old_path, &status);
    struct results *after = before == NULL ? NULL : read_results(new_path, &status);
    if (after != NULL) {
        status = print_diff(before, after);
    }
    results_free(before);
    results_free(after);
    return status;
}

static int run(const void *options_, int argument_count, char **arguments)
{
    const struct report_options *options = options_;
    struct amt_diag diag = { 0 };
    int status = CLI_OK;
    int colour = wants_colour(options->colour);
    bool is_diff = strcmp(arguments[0], "diff") == 0 && argument_count > 1;
    if (colour < 0) {
        return CLI_USAGE;
    }
    if (argument_count != (is_diff ? 3 : 1)) {
        (void)fputs("amtlab report: RESULTS.json, or diff OLD.json NEW.json\n", stderr);
        return CLI_USAGE;
    }
    if (is_diff) {
        return run_diff(arguments[1], arguments[2]);
    }
    if (options->report != NULL && report_check_spec(options->report, &diag) != AMT_OK) {
        amt_diag_print(&diag, stderr);
        return CLI_USAGE;
    }
    struct results *results = read_results(arguments[0], &status);
    if (results != NULL) {
        status = make_reports(options, results, colour == 1);
        results_free(results);
    }
    return status;
}

const struct cli_command k_command_report = {
    .name = "report",
    .arguments = "RESULTS.json | diff OLD.json NEW.json",
    .summary = "make any report from stored results; say what changed between two runs",
    .details =
        "Reads what `amtlab run --report json=FILE` has written.\n\n"
        "  amtlab report out/results.json\n"
        "  amtlab report out/results.json --report html=report.html,junit=junit.xml\n"
        "  amtlab report out/results.json --report sarif=amtlab.sarif,github=-\n"
        "  amtlab report diff yesterday/results.json out/results.json\n\n"
        "html=FILE.html is one file with everything in it, any other html=PATH a folder of "
        "pages.\ngithub=- prints workflow commands and appends the summary to the file that\n"
        "GITHUB_STEP_SUMMARY names. docs/reports.md says which format is for what.\n\n"
        "The exit code says whether the reports were made, not whether the run passed:\n"
        "0 made, 2 usage, 3 not a result file, 4 a file cannot be read or written. Of diff: 1 "
        "when\na case fails that did not before.\n",
    .options = k_options,
    .options_bytes = sizeof(struct report_options),
    .arguments_min = 1,
    .arguments_max = 3,
    .run = run,
};
