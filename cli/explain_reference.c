#include "cli/explain_reference.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/call.h"
#include "scenarios/engine/defect.h"
#include "scenarios/engine/expr_apply.h"
#include "scenarios/engine/fault.h"
#include "scenarios/engine/match.h"
#include "scenarios/engine/verb.h"

/* In a cell a bar would end it. */
static void put_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)printf("%s%c", *text == '|' ? "\\" : "", *text);
    }
}

static void put_type(const struct key_def *key)
{
    if (key->type != KEY_WORD) {
        put_cell(key_type_words(key->type));
        return;
    }
    for (uint32_t i = 0; key->words[i] != NULL; i++) {
        (void)printf("%s`%s`", i == 0 ? "" : " ", key->words[i]);
    }
}

static void put_keys(const struct key_def *keys, const char *prefix)
{
    for (const struct key_def *key = keys; key != NULL && key->name != NULL; key++) {
        (void)printf("| `%s%s`%s | ", prefix, key->name, key->is_required ? " (needed)" : "");
        put_type(key);
        (void)fputs(" | ", stdout);
        put_cell(key->doc == NULL ? "" : key->doc);
        (void)fputs(" |\n", stdout);
        if (key->children != NULL) {
            char inner[80];
            (void)snprintf(inner, sizeof inner, "%s%s.", prefix, key->name);
            put_keys(key->children, inner);
        }
    }
}

static void put_table(const char *title, const struct key_def *keys)
{
    (void)printf("\n%s\n\n| key | value | meaning |\n| --- | --- | --- |\n", title);
    put_keys(keys, "");
}

static void put_config_keys(const struct config_key *keys, const char *prefix)
{
    for (const struct config_key *key = keys; key->name != NULL; key++) {
        if (key->type == CONFIG_MAP) {
            char inner[80];
            (void)snprintf(inner, sizeof inner, "%s%s.", prefix, key->name);
            put_config_keys(key->children, inner);
            continue;
        }
        (void)printf("| `%s%s` | ", prefix, key->name);
        put_cell(key->fallback == NULL ? "" : key->fallback);
        (void)fputs(" | ", stdout);
        put_cell(key->help == NULL ? "" : key->help);
        for (uint32_t i = 0; key->type == CONFIG_ENUM && key->names[i] != NULL; i++) {
            (void)printf("%s`%s`", i == 0 ? "; " : " ", key->names[i]);
        }
        (void)fputs(" |\n", stdout);
    }
}

static void put_actors(void)
{
    (void)fputs("\n## Actors\n", stdout);
    for (uint32_t i = 0; k_actor_kinds[i] != NULL; i++) {
        const struct actor_kind *kind = k_actor_kinds[i];
        (void)printf("\n### `kind: %s`\n\n%s%s%s\n", kind->name, kind->doc,
                     kind->part == NULL ? "" : "; not in this version: ",
                     kind->part == NULL ? "" : kind->part);
        if (kind->part == NULL) {
            put_table("Keys:", kind->keys);
        }
        if (kind->config_keys != NULL) {
            (void)fputs("\nFurther keys, those of its configuration:\n\n"
                        "| key | default | meaning |\n| --- | --- | --- |\n",
                        stdout);
            put_config_keys(kind->config_keys, "");
        }
    }
}

static void put_verbs(void)
{
    (void)fputs("\n## Verbs\n", stdout);
    for (const struct verb_def *verb = k_verbs; verb->name != NULL; verb++) {
        if (verb->part != NULL) {
            continue;
        }
        (void)printf("\n### `%s`\n\n%s", verb->name, verb->doc);
        for (uint32_t i = 0, n = 0; verb->roles != 0 && k_actor_kinds[i] != NULL; i++) {
            if ((k_actor_kinds[i]->role & verb->roles) != 0 && k_actor_kinds[i]->part == NULL) {
                (void)printf("%s%s", n++ == 0 ? "; done by: " : ", ", k_actor_kinds[i]->name);
            }
        }
        (void)fputs("\n", stdout);
        if (verb->arguments != NULL && verb->arguments->name != NULL) {
            put_table("Arguments:", verb->arguments);
        } else if (verb->arguments == NULL) {
            (void)printf("\nValue: %s\n", key_type_words(verb->value_type));
        }
        if (verb->main_argument != NULL && verb->arguments != NULL) {
            (void)printf("\n`%s` may stand alone.\n", verb->main_argument);
        }
    }
}

static void put_faults(void)
{
    static const struct layer {
        uint32_t layer;
        const char *name;
    } k_layers[] = { { FAULT_LAYER_TCP, "tcp" },
                     { FAULT_LAYER_TLS, "tls" },
                     { FAULT_LAYER_APF, "apf" },
                     { FAULT_LAYER_HTTP, "http" },
                     { FAULT_LAYER_WSMAN, "wsman" } };
    put_table("## Faults\n\nOf an entry of `faults`:", k_fault_keys);
    put_table("Of `when`; further keys are fields of the message:", k_condition_keys);
    for (const struct fault_verb *verb = k_fault_verbs; verb->name != NULL; verb++) {
        if (verb->part != NULL) {
            continue;
        }
        (void)printf("\n### fault `%s`\n\n%s; at:", verb->name, verb->doc);
        for (size_t i = 0; i < sizeof k_layers / sizeof k_layers[0]; i++) {
            (void)printf("%s%s", (verb->layers & k_layers[i].layer) != 0 ? " " : "",
                         (verb->layers & k_layers[i].layer) != 0 ? k_layers[i].name : "");
        }
        (void)fputs("\n", stdout);
        if (verb->arguments != NULL && verb->arguments->name != NULL) {
            put_table("Arguments:", verb->arguments);
        }
        if (verb->main_argument != NULL) {
            (void)printf("\n`%s` may stand alone.\n", verb->main_argument);
        }
    }
}

static void put_values(void)
{
    const char *words = "", *name = match_name(0, &words);
    (void)fputs(
        "\n## Operators\n\nA value in `check`, `expect` and `retry.until` is equal to, or a map "
        "of:\n\n| operator | meaning |\n| --- | --- |\n",
        stdout);
    for (uint32_t i = 0; name != NULL; name = match_name(++i, &words)) {
        (void)printf("| `%s` | %s |\n", name, words[0] == '\0' ? "equal to" : words);
    }
    (void)fputs("\n## Functions\n\nIn `${...}`, besides `+ - * == != < <= > >= and or not in`:\n\n"
                "| function | gives |\n| --- | --- |\n",
                stdout);
    const char *doc = "", *use = expr_function(0, &doc);
    for (uint32_t i = 0; use != NULL; use = expr_function(++i, &doc)) {
        (void)printf("| `%s` | %s |\n", use, doc);
    }
}

int explain_reference(void)
{
    (void)fputs("# Reference of the scenario language\n\n"
                "Made by `amtlab explain reference` from the tables that the parser checks with; a "
                "test keeps it so.\n[scenarios.md](scenarios.md) is the guide; events are in "
                "[events.md](events.md).\n",
                stdout);
    put_table("## Documents", k_scenario_keys);
    put_table("Included files begin with `amtlab-part`:", k_part_keys);
    put_table("Called files:", k_called_keys);
    put_table("Entries of `spec`:", k_spec_keys);
    put_table("Entries of `defects`:", k_defect_keys);
    put_table("## Steps\n\nA step has one verb and any of:", k_step_keys);
    put_actors();
    put_verbs();
    put_faults();
    put_values();
    return fflush(stdout) == 0 ? CLI_OK : CLI_ENVIRONMENT;
}
