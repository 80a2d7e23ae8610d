#include "cli/run_target.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/run_device.h"
#include "scenarios/engine/verb.h"

#define DEPTH_MAX 12u

static int usage(const char *text, const char *value)
{
    (void)fprintf(stderr, "amtlab run: %s: '%s'. See: amtlab run --help\n", text, value);
    return CLI_USAGE;
}

static int invalid(struct amt_diag_list *errors)
{
    amt_diag_list_print(errors, stderr);
    amt_diag_list_fini(errors);
    return CLI_INVALID;
}

static int read_file(struct run_targets *targets, struct engine_target *target, const char *path)
{
    struct amt_diag_list errors = { 0 };
    if (targets->file_count == sizeof targets->files / sizeof targets->files[0]) {
        return usage("too many target files", path);
    }
    struct target_file *file = target_load(path, &errors);
    if (file == NULL) {
        return invalid(&errors);
    }
    targets->files[targets->file_count++] = file;
    if (strcmp(file->role, target->role) != 0) {
        (void)fprintf(stderr, "amtlab run: %s is a target for %s, not for %s\n", path, file->role,
                      target->role);
        return CLI_USAGE;
    }
    target->file = file;
    target->address = file->address;
    return CLI_OK;
}

static int read_one(struct run_targets *targets, const char *text)
{
    static const char *const k_roles[] = { "mps", "device", "activation", NULL };
    const char *equals = strchr(text, '=');
    bool is_known = false;
    struct amt_diag diag = { 0 };
    if (equals == NULL) {
        return usage("a target is ROLE=FILE or ROLE=HOST:PORT", text);
    }
    struct engine_target *target = pool_alloc(&targets->pool, sizeof *target);
    target->role = pool_text(&targets->pool, text, (size_t)(equals - text));
    for (uint32_t i = 0; k_roles[i] != NULL; i++) {
        is_known = is_known || strcmp(k_roles[i], target->role) == 0;
    }
    if (!is_known) {
        return usage("the role of a target is mps, device or activation", text);
    }
    target->next = targets->first;
    targets->first = target;
    if (access(equals + 1, F_OK) == 0) {
        return read_file(targets, target, equals + 1);
    }
    if (strstr(equals + 1, ".yaml") != NULL) {
        return usage("there is no such target file", equals + 1);
    }
    enum amt_err err = strcmp(target->role, "device") == 0
                           ? run_device_target(equals + 1, target, &diag)
                           : address_parse(equals + 1, 4433, &target->address, &diag);
    return err == AMT_OK ? CLI_OK : usage(diag.text, text);
}

int run_targets_read(struct run_targets *targets, const struct cli_texts *texts)
{
    int status = CLI_OK;
    for (uint32_t i = 0; status == CLI_OK && i < texts->count; i++) {
        status = read_one(targets, texts->items[i]);
    }
    return status;
}

int run_targets_expect(struct run_targets *targets, const char *path)
{
    struct amt_diag_list errors = { 0 };
    struct amt_diag diag = { 0 };
    char today[16] = "";
    time_t now = time(NULL);
    struct tm parts;
    if (path == NULL) {
        return CLI_OK;
    }
    if (gmtime_r(&now, &parts) != NULL) {
        (void)strftime(today, sizeof today, "%Y-%m-%d", &parts);
    }
    targets->expectations = expectations_load(path, today, &errors);
    if (targets->expectations == NULL) {
        return invalid(&errors);
    }
    const struct target_file *file = targets->file_count == 0 ? NULL : targets->files[0];
    if (file != NULL &&
        !expectations_fit(targets->expectations, file->name, file->version, &diag)) {
        amt_diag_print(&diag, stderr);
        return CLI_INVALID;
    }
    return CLI_OK;
}

int run_targets_start(struct run_targets *targets, const char *folder)
{
    struct amt_diag diag = { 0 };
    for (uint32_t i = 0; i < targets->file_count; i++) {
        const struct target_file *file = targets->files[i];
        if (file->start.command == NULL) {
            continue;
        }
        struct target_process *process = pool_alloc(&targets->pool, sizeof *process);
        process->target = file;
        process->log_path = pool_printf(&targets->pool, "%s/target-%s.log", folder, file->role);
        process->next = targets->processes;
        targets->processes = process;
        if (target_process_start(process, &diag) != AMT_OK) {
            amt_diag_print(&diag, stderr);
            return CLI_ENVIRONMENT;
        }
    }
    return CLI_OK;
}

void run_targets_close(struct run_targets *targets)
{
    for (struct target_process *at = targets->processes; at != NULL; at = at->next) {
        target_process_stop(at);
    }
    for (uint32_t i = 0; i < targets->file_count; i++) {
        target_free(targets->files[i]);
    }
    expectations_free(targets->expectations);
    arena_fini(&targets->pool);
    *targets = (struct run_targets){ .file_count = 0 };
}

void run_targets_describe(const struct run_targets *targets, struct text *out)
{
    for (const struct engine_target *at = targets->first; at != NULL; at = at->next) {
        char address[ADDRESS_HOST_BYTES + 10];
        address_format(&at->address, address);
        text_printf(out, "%s%s=", out->len == 0 ? "" : " ", at->role);
        if (at->file == NULL) {
            text_puts(out, address);
        } else {
            text_printf(out, "%s%s%s", at->file->name, at->file->version[0] == '\0' ? "" : " ",
                        at->file->version);
        }
    }
}

const char *run_targets_name(struct run_targets *targets)
{
    const struct target_file *file = targets->file_count == 0 ? NULL : targets->files[0];
    return file == NULL ? ""
                        : pool_printf(&targets->pool, "%s%s%s", file->name,
                                      file->version[0] == '\0' ? "" : " = ", file->version);
}

/* Arguments of a step in one line, as they are written. */
static void put_node(const struct yaml_node *node, struct text *out)
{
    if (node->kind == YAML_SCALAR) {
        bool is_password = node->key != NULL && strstr(node->key, "pass") != NULL;
        text_terminal(out, is_password ? "***" : node->text, is_password ? 3 : strlen(node->text));
        return;
    }
    const char *separator = "";
    text_puts(out, node->kind == YAML_MAP ? "{ " : "[");
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        text_puts(out, separator);
        if (node->kind == YAML_MAP) {
            text_printf(out, "%s: ", at->key);
        }
        put_node(at, out);
        separator = ", ";
    }
    text_puts(out, node->kind == YAML_MAP ? " }" : "]");
}

static bool is_sending(const char *verb)
{
    static const char *const k_layers[] = { "tcp.",  "tls.",   "apf.",   "cira.", "chan.",
                                            "http.", "wsman.", "power.", "call",  "activate." };
    for (size_t i = 0; i < sizeof k_layers / sizeof k_layers[0]; i++) {
        if (strncmp(verb, k_layers[i], strlen(k_layers[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void list_steps(const struct yaml_node *steps, const char *actor, uint32_t depth,
                       struct text *out)
{
    for (const struct yaml_node *step = steps == NULL || depth == DEPTH_MAX ? NULL : steps->first;
         step != NULL; step = step->next) {
        const struct yaml_node *who = yaml_get(step, "actor"), *wire = yaml_get(step, "wire"),
                               *times = yaml_get(step, "repeat");
        const char *name = who == NULL || who->text == NULL ? actor : who->text;
        for (const struct yaml_node *at = step->kind == YAML_MAP ? step->first : NULL; at != NULL;
             at = at->next) {
            if (is_sending(at->key)) {
                text_printf(out, "    %s: %s ", name, at->key);
                put_node(at, out);
                text_puts(out, wire == NULL ? "" : " wire ");
                if (wire != NULL) {
                    put_node(wire, out);
                }
                text_puts(out, "\n");
            }
        }
        if (times != NULL && times->text != NULL) {
            text_printf(out, "    %s times:\n", times->text);
        }
        list_steps(yaml_get(step, "do"), name, depth + 1, out);
        list_steps(yaml_get(step, "parallel"), name, depth + 1, out);
    }
}

void run_targets_list(const struct suite *suite, bool shows_steps, struct text *out)
{
    const struct scenario *last = NULL;
    for (const struct suite_case *c = suite->cases; c != NULL; c = c->next) {
        bool is_risky = scenario_has_tag(c->scenario, SCENARIO_TAG_DESTRUCTIVE);
        text_printf(out, "%s%s\n", c->id, shows_steps && is_risky ? "  (destructive)" : "");
        if (shows_steps && c->scenario != last) {
            list_steps(c->scenario->steps, "", 0, out);
        }
        last = c->scenario;
    }
}
