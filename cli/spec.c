/* `amtlab spec`: which requirement is cited by code, by tests, by scenarios, and which by nobody. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "conformance/citations.h"

#define REGISTRY_FILE "conformance/requirements.yaml"
#define PATH_BYTES    1024u

struct spec_options {
    const char *source, *prefix;
    bool missing, json;
};

static const struct cli_option k_options[] = {
    { .name = "source",
      .kind = CLI_TEXT,
      .offset = offsetof(struct spec_options, source),
      .value_name = "DIR",
      .fallback = ".",
      .help = "source tree to look through" },
    { .name = "prefix",
      .kind = CLI_TEXT,
      .offset = offsetof(struct spec_options, prefix),
      .value_name = "PREFIX",
      .help = "only requirements that begin like this, such as APF-MPS" },
    { .name = "missing",
      .kind = CLI_FLAG,
      .offset = offsetof(struct spec_options, missing),
      .help = "only requirements that lack code, test or scenario" },
    { .name = "json",
      .kind = CLI_FLAG,
      .offset = offsetof(struct spec_options, json),
      .help = "write JSON" },
    { .name = NULL },
};

struct spec {
    const struct spec_options *options;
    const struct registry *registry;
    const struct citations *citations;
};

static bool is_wanted(const struct spec *spec, uint32_t index)
{
    const char *prefix = spec->options->prefix;
    const char *id = registry_at(spec->registry, index)->id;
    return prefix == NULL || strncmp(id, prefix, strlen(prefix)) == 0;
}

static bool is_listed(const struct spec *spec, uint32_t index)
{
    const uint32_t *counts = spec->citations->counts[index];
    bool is_missing =
        counts[CITATION_CODE] == 0 || counts[CITATION_TEST] == 0 || counts[CITATION_SCENARIO] == 0;
    return is_wanted(spec, index) && (is_missing || !spec->options->missing);
}

/* The requirements of one prefix: from `first` up to, not including, the returned index. */
struct group {
    uint32_t count, with[CITATION_KIND_COUNT];
};

static uint32_t read_group(const struct spec *spec, uint32_t first, struct group *group)
{
    const char *id = registry_at(spec->registry, first)->id;
    size_t len = requirement_prefix(id);
    memset(group, 0, sizeof *group);
    uint32_t i = first;
    for (; i < registry_count(spec->registry); i++) {
        const char *other = registry_at(spec->registry, i)->id;
        if (requirement_prefix(other) != len || strncmp(other, id, len) != 0) {
            break;
        }
        group->count += is_wanted(spec, i) ? 1 : 0;
        for (int kind = 0; is_wanted(spec, i) && kind < CITATION_KIND_COUNT; kind++) {
            group->with[kind] += spec->citations->counts[i][kind] > 0 ? 1 : 0;
        }
    }
    return i;
}

static void print_list(const struct spec *spec, struct text *out)
{
    for (uint32_t i = 0; i < registry_count(spec->registry); i++) {
        if (!is_listed(spec, i)) {
            continue;
        }
        const struct requirement *requirement = registry_at(spec->registry, i);
        text_printf(out, "%-12s", requirement->id);
        for (int kind = 0; kind < CITATION_KIND_COUNT; kind++) {
            bool is_cited = spec->citations->counts[i][kind] > 0;
            const char *name = citation_kind_name((enum citation_kind)kind);
            text_printf(out, " %-*s", (int)strlen(name), is_cited ? name : "-");
        }
        text_puts(out, "  ");
        text_terminal(out, requirement->text, strlen(requirement->text));
        text_puts(out, "\n");
    }
}

static void print_summary(const struct spec *spec, struct text *out)
{
    struct group group;
    text_puts(out, "\n");
    for (uint32_t i = 0; i < registry_count(spec->registry);) {
        const char *id = registry_at(spec->registry, i)->id;
        i = read_group(spec, i, &group);
        if (group.count > 0) {
            text_printf(out, "%-8.*s %3u of %3u with code, %3u with test, %3u with scenario\n",
                        (int)requirement_prefix(id), id, group.with[CITATION_CODE], group.count,
                        group.with[CITATION_TEST], group.with[CITATION_SCENARIO]);
        }
    }
}

static void json_text(struct text *out, const char *name, const char *value)
{
    text_json(out, name, strlen(name));
    text_puts(out, ": ");
    value = value == NULL ? "" : value;
    text_json(out, value, strlen(value));
}

static void json_counts(struct text *out, const uint32_t *counts)
{
    for (int kind = 0; kind < CITATION_KIND_COUNT; kind++) {
        text_printf(out, ", \"%s\": %u", citation_kind_name((enum citation_kind)kind),
                    counts[kind]);
    }
}

static void json_requirements(const struct spec *spec, struct text *out)
{
    text_puts(out, "{\"requirements\": [");
    const char *separator = "\n  {";
    for (uint32_t i = 0; i < registry_count(spec->registry); i++) {
        if (is_listed(spec, i)) {
            const struct requirement *requirement = registry_at(spec->registry, i);
            text_puts(out, separator);
            json_text(out, "id", requirement->id);
            json_counts(out, spec->citations->counts[i]);
            text_puts(out, ", ");
            json_text(out, "document", requirement->document);
            text_puts(out, ", ");
            json_text(out, "chapter", requirement->chapter);
            text_puts(out, ", ");
            json_text(out, "text", requirement->text);
            text_puts(out, "}");
            separator = ",\n  {";
        }
    }
}

static void json_summary(const struct spec *spec, struct text *out)
{
    struct group group;
    text_puts(out, "],\n\"summary\": [");
    const char *separator = "\n  {";
    for (uint32_t i = 0; i < registry_count(spec->registry);) {
        const char *id = registry_at(spec->registry, i)->id;
        i = read_group(spec, i, &group);
        if (group.count > 0) {
            text_printf(out, "%s\"prefix\": \"%.*s\", \"requirements\": %u", separator,
                        (int)requirement_prefix(id), id, group.count);
            json_counts(out, group.with);
            text_puts(out, "}");
            separator = ",\n  {";
        }
    }
}

static void json_unknown(const struct spec *spec, struct text *out)
{
    text_puts(out, "],\n\"unknown\": [");
    const char *separator = "\n  {";
    for (const struct unknown_citation *u = spec->citations->unknown_first; u != NULL;
         u = u->next) {
        text_puts(out, separator);
        json_text(out, "id", u->id);
        text_puts(out, ", ");
        json_text(out, "file", u->file);
        text_printf(out, ", \"line\": %u}", u->line);
        separator = ",\n  {";
    }
    text_puts(out, "]}\n");
}

static void report_unknown(const struct spec *spec)
{
    for (const struct unknown_citation *u = spec->citations->unknown_first; u != NULL;
         u = u->next) {
        struct text line = { 0 };
        text_terminal(&line, u->file, strlen(u->file));
        (void)fprintf(stderr,
                      "%s:%u: %s is not in %s\n    correct the id, or add the requirement\n",
                      text_chars(&line), u->line, u->id, REGISTRY_FILE);
        text_fini(&line);
    }
}

static int print_all(const struct spec *spec)
{
    struct text out = { 0 };
    if (spec->options->json) {
        json_requirements(spec, &out);
        json_summary(spec, &out);
        json_unknown(spec, &out);
    } else {
        print_list(spec, &out);
        print_summary(spec, &out);
    }
    bool is_written = !out.failed && fputs(text_chars(&out), stdout) >= 0 && fflush(stdout) == 0;
    if (!is_written) {
        (void)fputs("amtlab spec: the answer cannot be written to standard output\n", stderr);
    }
    text_fini(&out);
    report_unknown(spec);
    if (!is_written) {
        return CLI_ENVIRONMENT;
    }
    return spec->citations->unknown_first == NULL ? CLI_OK : CLI_FAILED;
}

static int read_tree(const struct spec_options *options, const struct registry *registry,
                     struct amt_diag_list *errors)
{
    struct citations citations;
    enum amt_err err = citations_read(&citations, registry, options->source, errors);
    int status = CLI_INVALID;
    if (err == AMT_ENOMEM) {
        (void)fputs("amtlab spec: out of memory\n", stderr);
        status = CLI_INTERNAL;
    } else if (err == AMT_OK) {
        const struct spec spec = { options, registry, &citations };
        status = print_all(&spec);
    }
    citations_fini(&citations);
    return status;
}

/* An installed program has no source tree beside it; say so instead of "cannot read". */
static int refuse_folder(const struct spec_options *options)
{
    (void)fprintf(stderr,
                  "amtlab spec: \"%s\" is not a source tree of amtlab: %s is not there\n"
                  "    run it in the folder of the sources, or name that with --source DIR\n",
                  options->source, REGISTRY_FILE);
    return CLI_ENVIRONMENT;
}

static bool is_readable(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        (void)fclose(file);
    }
    return file != NULL;
}

static int run(const void *options_, int argument_count, char **arguments)
{
    (void)argument_count;
    (void)arguments;
    const struct spec_options *options = options_;
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof path, "%s/" REGISTRY_FILE, options->source);
    if (len < 0 || (size_t)len >= sizeof path || !is_readable(path)) {
        return refuse_folder(options);
    }
    struct amt_diag_list errors = { 0 };
    struct registry *registry = registry_load(path, &errors);
    int status = registry == NULL ? CLI_INVALID : read_tree(options, registry, &errors);
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    registry_free(registry);
    return status;
}

const struct cli_command k_command_spec = {
    .name = "spec",
    .arguments = "",
    .summary = "requirements, and who cites them: code, tests, scenarios",
    .details =
        "Lists every numbered requirement with the word code, test or scenario when a file of "
        "that\n"
        "kind cites its id, then a count per document. Code is *.c and *.h, a test is what lies "
        "in\n"
        "tests/ and fuzz/, a scenario cites by its key `spec:`. Ids that are cited anywhere but "
        "are\n"
        "not in the registry are errors.\n\n"
        "  amtlab spec --missing --prefix APF-MPS\n\n"
        "Exit codes: 0 all ids are known, 1 some are not, 3 a scenario or the registry is not\n"
        "valid, 4 there is no source tree.\n",
    .options = k_options,
    .options_bytes = sizeof(struct spec_options),
    .run = run,
};
