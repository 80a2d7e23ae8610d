/* `amtlab list`: which scenarios there are. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "scenarios/engine/suite.h"

struct list_options {
    struct cli_texts tags, skip_tags, specs, fields;
    bool json;
};

#define AT(member) offsetof(struct list_options, member)
static const struct cli_option k_options[] = {
    { "tag", 0, CLI_TEXTS, AT(tags), "TAG", NULL, "only scenarios with this tag" },
    { "skip-tag", 0, CLI_TEXTS, AT(skip_tags), "TAG", NULL, "no scenarios with this tag" },
    { "spec", 0, CLI_TEXTS, AT(specs), "PATTERN", NULL,
      "only scenarios that cite such a requirement: 'APF-MPS-02*'" },
    { "field", 0, CLI_TEXTS, AT(fields), "PATTERN", NULL,
      "only scenarios that replay such a field failure: 'FF-04*'" },
    { "json", 0, CLI_FLAG, AT(json), NULL, NULL, "as JSON" },
    { .name = NULL },
};

static uint32_t cases_of(const struct suite *suite, const struct scenario *scenario)
{
    uint32_t count = 0;
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        count += c->scenario == scenario ? 1 : 0;
    }
    return count;
}

static void list_text(const struct suite *suite, struct text *out)
{
    for (const struct scenario *at = suite->scenarios; at != NULL; at = at->next) {
        text_printf(out, "%-36s %4u  %s", at->id, cases_of(suite, at), at->name);
        for (const struct scenario_word *tag = at->tags; tag != NULL; tag = tag->next) {
            text_printf(out, "%s%s", tag == at->tags ? "  [" : " ", tag->text);
        }
        text_puts(out, at->tags == NULL ? "" : "]");
        text_puts(out, at->needs == NULL ? "\n" : "  (unsupported)\n");
    }
    text_printf(out, "%u scenarios, %u cases\n", suite->scenario_count, suite->case_count);
}

static void json_member(struct text *out, const char *name, const char *value)
{
    text_printf(out, "\"%s\": ", name);
    text_json(out, value, strlen(value));
    text_puts(out, ", ");
}

static void json_scenario(const struct suite *suite, const struct scenario *at, struct text *out)
{
    text_puts(out, "    {");
    json_member(out, "id", at->id);
    json_member(out, "file", at->path);
    json_member(out, "name", at->name);
    text_puts(out, "\"tags\": [");
    for (const struct scenario_word *tag = at->tags; tag != NULL; tag = tag->next) {
        text_puts(out, tag == at->tags ? "" : ", ");
        text_json(out, tag->text, strlen(tag->text));
    }
    text_puts(out, "], \"spec\": [");
    for (const struct scenario_spec *spec = at->specs; spec != NULL; spec = spec->next) {
        text_puts(out, spec == at->specs ? "{" : ", {");
        json_member(out, "id", spec->id);
        text_printf(out, "\"level\": \"%s\"}", result_level_name(spec->level));
    }
    text_puts(out, "], \"field\": [");
    for (const struct scenario_word *field = at->fields; field != NULL; field = field->next) {
        text_puts(out, field == at->fields ? "" : ", ");
        text_json(out, field->text, strlen(field->text));
    }
    text_puts(out, "], \"cases\": [");
    bool is_first = true;
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        if (c->scenario == at) {
            text_puts(out, is_first ? "" : ", ");
            text_json(out, c->id, strlen(c->id));
            is_first = false;
        }
    }
    text_printf(out, "], \"supported\": %s}%s\n", at->needs == NULL ? "true" : "false",
                at->next == NULL ? "" : ",");
}

static int run_list(const void *options_, int argument_count, char **arguments)
{
    const struct list_options *options = options_;
    struct suite_filter filter = { .tags = options->tags.items,
                                   .tag_count = options->tags.count,
                                   .skip_tags = options->skip_tags.items,
                                   .skip_tag_count = options->skip_tags.count,
                                   .specs = options->specs.items,
                                   .spec_count = options->specs.count,
                                   .fields = options->fields.items,
                                   .field_count = options->fields.count };
    struct suite suite = { .case_count = 0 };
    struct amt_diag_list errors = { 0 };
    struct text out = { 0 };
    const char *fallback = suite_default_folder(&suite.pool);
    int status = CLI_OK;
    for (int i = 0; i < (argument_count == 0 ? 1 : argument_count); i++) {
        const char *argument = argument_count == 0 ? fallback : arguments[i];
        if (suite_add(&suite, argument, &filter, &errors) == AMT_EUNKNOWN) {
            (void)fprintf(stderr, "amtlab list: no scenario is called '%s'\n", argument);
            status = CLI_NOTHING;
        }
    }
    if (errors.count > 0) {
        amt_diag_list_print(&errors, stderr);
        status = CLI_INVALID;
    }
    if (options->json) {
        text_puts(&out, "{\"amtlab-list\": 1, \"scenarios\": [\n");
        for (const struct scenario *at = suite.scenarios; at != NULL; at = at->next) {
            json_scenario(&suite, at, &out);
        }
        text_puts(&out, "]}\n");
    } else {
        list_text(&suite, &out);
    }
    (void)fputs(text_chars(&out), stdout);
    text_fini(&out);
    amt_diag_list_fini(&errors);
    suite_free(&suite);
    return status;
}

const struct cli_command k_command_list = {
    .name = "list",
    .arguments = "[PATH|ID|GLOB]...",
    .summary = "list scenarios: ids, names, tags, number of cases",
    .details =
        "Lists what is named; default: everything below scenarios/library.\n\n"
        "  amtlab list --spec 'APF-MPS-02*'\n  amtlab list --field FF-042\n  amtlab list --json\n\n"
        "Exit codes: 0, 3 a file is invalid, 5 nothing has that name.",
    .options = k_options,
    .options_bytes = sizeof(struct list_options),
    .arguments_min = 0,
    .arguments_max = 1000,
    .run = run_list
};
