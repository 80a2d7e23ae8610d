#include "scenarios/engine/target.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/websocket.h"
#include "scenarios/engine/expr.h"
#include "scenarios/engine/grammar.h"
#include "scenarios/engine/outcome.h"

#define HEAD_BYTES   4096u
#define CIRA_PORT    4433u
#define TOLERANCE_US (50u * 1000u)
#define READY_US     (60u * 1000000ull)

#define END                                    \
    {                                          \
        NULL, KEY_ANY, false, NULL, NULL, NULL \
    }

static const char *const k_roles[] = { "mps", "device", "activation", NULL };
static const char *const k_signals[] = { "TERM", "INT", "QUIT", "KILL", NULL };
static const int k_signal_numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGKILL };
static const char *const k_drivers[] = { "websocket", NULL };

static const struct key_def k_ready_keys[] = {
    { "tcp", KEY_NUMBER, true, "port that accepts connections when it is ready", NULL, NULL },
    { "within", KEY_DURATION, false, "how long that may take, default 60s", NULL, NULL },
    END
};
static const struct key_def k_stop_keys[] = {
    { "signal", KEY_WORD, false, "TERM (default), INT, QUIT or KILL", k_signals, NULL }, END
};
static const struct key_def k_start_keys[] = {
    { "command", KEY_LIST, true, "program and arguments: [./run-server.sh]", NULL, NULL },
    { "ready", KEY_MAP, false, "{ tcp: 4433, within: 60s }", NULL, k_ready_keys },
    { "stop", KEY_MAP, false, "{ signal: TERM }", NULL, k_stop_keys },
    END
};
static const struct key_def k_user_keys[] = {
    { "name", KEY_TEXT, true, "CIRA user name", NULL, NULL },
    { "password", KEY_TEXT, true, "its password: ${env(NAME)} keeps it out of the file", NULL,
      NULL },
    { "uuid", KEY_TEXT, false, "of the device that it belongs to", NULL, NULL },
    END
};
static const struct key_def k_tls_keys[] = {
    { "name", KEY_TEXT, false, "Common Name of its certificate; default: the host", NULL, NULL },
    { "trust", KEY_TEXT, false, "PEM file of roots; without it certificates are not verified", NULL,
      NULL },
    END
};
static const struct key_def k_console_keys[] = {
    { "driver", KEY_WORD, true, "websocket: binary messages are the channel's bytes", k_drivers,
      NULL },
    { "url", KEY_TEXT, true, "wss://host/path; {uuid}, {port} and {node} are filled in", NULL,
      NULL },
    { "headers", KEY_MAP, false, "further headers of the request", NULL, NULL },
    END
};
static const struct key_def k_file_keys[] = {
    { "amtlab-target", KEY_NUMBER, true, "version of target files: 1", NULL, NULL },
    { "name", KEY_TEXT, true, "what the product is called in reports", NULL, NULL },
    { "role", KEY_WORD, true, "actor that it stands for", k_roles, NULL },
    { "version", KEY_TEXT, false, "of the product, for reports and expectation files", NULL, NULL },
    { "address", KEY_TEXT, true, "host:port", NULL, NULL },
    { "start", KEY_MAP, false, "how the harness starts it; without it somebody else has", NULL,
      k_start_keys },
    { "users", KEY_LIST, false, "who may log in: [{ name, password, uuid }]; the first is used",
      NULL, NULL },
    { "capabilities", KEY_TEXTS, false,
      "what it can do; scenarios that require more are "
      "unsupported",
      NULL, NULL },
    { "tls", KEY_MAP, false, "{ name, trust }", NULL, k_tls_keys },
    { "error_map", KEY_MAP, false, "how it shows an outcome, where the default does not hold", NULL,
      NULL },
    { "tolerance", KEY_DURATION, false, "added to expected times, default 50ms", NULL, NULL },
    { "console", KEY_MAP, false, "how an operator opens channels", NULL, k_console_keys },
    END
};

static const struct value *find_nothing(void *ctx, const char *path, struct amt_diag *diag)
{
    (void)ctx;
    amt_diag_set(diag, AMT_ECONFIG, "a target file knows no '%s'", path);
    amt_diag_hint(diag, "env(NAME, default) and file(PATH) are what it can use");
    return NULL;
}

static const char *folder_of(struct arena *pool, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL   ? "."
           : slash == path ? "/"
                           : pool_text(pool, path, (size_t)(slash - path));
}

static const char *text_at(const struct value *root, const char *path, const char *fallback)
{
    const struct value *value = value_path(root, path);
    return value == NULL || value->kind == VALUE_NULL || value->kind == VALUE_MAP ? fallback
           : value->text != NULL                                                  ? value->text
                                                                                  : fallback;
}

static void report(struct checker *checker, const struct yaml_node *node, const char *text)
{
    struct amt_diag *diag = checker_report(checker, node, false);
    amt_diag_set(diag, AMT_ECONFIG, "%s", text);
}

static void read_duration(struct target_file *target, struct checker *checker,
                          const struct value *root, const char *path, uint64_t *us)
{
    const struct value *value = value_path(root, path);
    if (value != NULL && text_parse_duration(value_written(&target->pool, value), us) != AMT_OK) {
        report(checker, value->place == NULL ? yaml_root(target->document) : value->place,
               pool_printf(&target->pool, "'%s' wants a duration such as 40ms", path));
    }
}

static void read_users(struct target_file *target, struct checker *checker,
                       const struct value *root)
{
    const struct value *users = value_get(root, "users");
    const struct yaml_node *node = yaml_get(yaml_root(target->document), "users");
    for (const struct yaml_node *at = node == NULL ? NULL : node->first; at != NULL;
         at = at->next) {
        checker_map(checker, at, k_user_keys, "a user");
    }
    for (const struct value *at = users == NULL ? NULL : users->first; at != NULL; at = at->next) {
        const struct value *password = value_get(at, "password");
        if (password != NULL) {
            secrets_add(&target->secrets, value_written(&target->pool, password));
        }
    }
    target->users = users;
}

static void read_capabilities(struct target_file *target, const struct value *root)
{
    const struct value *capabilities = value_get(root, "capabilities");
    if (capabilities != NULL && capabilities->kind == VALUE_TEXT) {
        struct value *list = value_list(&target->pool);
        value_append(list, value_copy(&target->pool, capabilities));
        capabilities = list;
    }
    target->capabilities = capabilities;
}

static void read_start(struct target_file *target, struct checker *checker,
                       const struct value *root)
{
    const struct value *start = value_get(root, "start"), *command = value_get(start, "command");
    const struct value *port = value_path(root, "start.ready.tcp");
    const char *signal_name = text_at(root, "start.stop.signal", "TERM");
    int64_t number = 0;
    target->start = (struct target_start){ .folder = folder_of(&target->pool, target->path),
                                           .ready_within_us = READY_US,
                                           .stop_signal = SIGTERM };
    if (command == NULL) {
        return;
    }
    if (command->kind != VALUE_LIST || command->count == 0) {
        report(checker, command->place, "'command' wants a list: [./run-server.sh, --port, 4433]");
        return;
    }
    const char **argv = pool_alloc(&target->pool, (command->count + 1) * sizeof *argv);
    uint32_t n = 0;
    for (const struct value *at = command->first; at != NULL; at = at->next) {
        argv[n++] = value_written(&target->pool, at);
    }
    target->start.command = argv;
    read_duration(target, checker, root, "start.ready.within", &target->start.ready_within_us);
    if (port != NULL && (!value_number(port, &number) || number < 1 || number > 65535)) {
        report(checker, port->place, "'tcp' wants a port from 1 to 65535");
    }
    target->start.ready_port = (uint16_t)number;
    for (uint32_t i = 0; k_signals[i] != NULL; i++) {
        if (strcmp(k_signals[i], signal_name) == 0) {
            target->start.stop_signal = k_signal_numbers[i];
        }
    }
}

/* Paths in the file are relative to it. */
static const char *path_at(struct target_file *target, const struct value *root, const char *path)
{
    const char *text = text_at(root, path, NULL);
    return text == NULL || text[0] == '/'
               ? text
               : pool_printf(&target->pool, "%s/%s", folder_of(&target->pool, target->path), text);
}

static void read_address(struct target_file *target, struct checker *checker,
                         const struct value *root)
{
    struct amt_diag found = { 0 };
    const struct value *value = value_get(root, "address");
    if (value == NULL) {
        return; /* reported by the table */
    }
    if (address_parse(value_written(&target->pool, value), CIRA_PORT, &target->address, &found) !=
        AMT_OK) {
        struct amt_diag *diag = checker_report(checker, value->place, false);
        amt_diag_set(diag, AMT_ECONFIG, "%s", found.text);
        amt_diag_hint(diag, "%s", found.hint);
    }
}

/* Braces stand for what is known later; none of them changes whether it is a URL. */
static void check_console(struct checker *checker, const struct value *console)
{
    const struct value *url = value_get(console, "url");
    struct websocket_url parsed;
    struct amt_diag found = { 0 };
    if (url != NULL &&
        (url->kind != VALUE_TEXT || websocket_url_parse(url->text, &parsed, &found) != AMT_OK)) {
        struct amt_diag *diag = checker_report(checker, url->place, false);
        amt_diag_set(diag, AMT_ECONFIG, "'url': %s", found.text);
        amt_diag_hint(diag, "wss://host:port/path; {uuid}, {port} and {node} are filled in");
    }
}

static void read_root(struct target_file *target, struct checker *checker, const struct value *root)
{
    target->role = text_at(root, "role", "");
    target->name = text_at(root, "name", "");
    const struct value *version = value_get(root, "version");
    target->version = version == NULL ? "" : value_written(&target->pool, version);
    target->tls_name = text_at(root, "tls.name", NULL);
    target->trust = path_at(target, root, "tls.trust");
    target->tolerance_us = TOLERANCE_US;
    target->console = value_get(root, "console");
    if (target->console != NULL) {
        check_console(checker, target->console);
    }
    read_address(target, checker, root);
    read_duration(target, checker, root, "tolerance", &target->tolerance_us);
    read_users(target, checker, root);
    read_capabilities(target, root);
    read_start(target, checker, root);
}

static void check_version(struct checker *checker, const struct yaml_node *root)
{
    const struct yaml_node *version = yaml_get(root, "amtlab-target");
    if (version != NULL && version->kind == YAML_SCALAR && strcmp(version->text, "1") != 0) {
        struct amt_diag *diag = checker_report(checker, version, false);
        amt_diag_set(diag, AMT_ECONFIG, "version %s of target files is not known", version->text);
        amt_diag_hint(diag, "this version of amtlab reads version 1");
    }
}

static void read_file(struct target_file *target, struct amt_diag_list *errors)
{
    struct checker checker = { .path = target->path, .errors = errors };
    const struct yaml_node *root = yaml_root(target->document);
    struct amt_random random;
    amt_random_seed(&random, 0, "target");
    struct expr_scope scope = { .pool = &target->pool,
                                .find = find_nothing,
                                .random = &random,
                                .folder = folder_of(&target->pool, target->path),
                                .secrets = &target->secrets };
    struct value *value = NULL;
    checker_map(&checker, root, k_file_keys, "a target file");
    if (root->kind != YAML_MAP) {
        return;
    }
    check_version(&checker, root);
    target->error_map = yaml_get(root, "error_map");
    for (const struct yaml_node *at = target->error_map == NULL ? NULL : target->error_map->first;
         at != NULL; at = at->next) {
        outcome_check(&checker, at);
    }
    if (expr_node(&scope, root, target->path, errors, &value) && value->kind == VALUE_MAP) {
        read_root(target, &checker, value);
    }
}

struct target_file *target_load(const char *path, struct amt_diag_list *errors)
{
    uint32_t before = errors->count;
    struct yaml_document *document = yaml_load_file(path, errors);
    if (document == NULL) {
        return NULL;
    }
    struct target_file *target = pool_checked(amt_alloc(sizeof *target));
    target->document = document;
    target->path = yaml_path(document);
    target->secrets.pool = &target->pool;
    read_file(target, errors);
    if (errors->count > before) {
        target_free(target);
        return NULL;
    }
    return target;
}

void target_free(struct target_file *target)
{
    if (target != NULL) {
        yaml_free(target->document);
        arena_fini(&target->pool);
        amt_free(target);
    }
}

bool target_has(const struct target_file *target, const char *capability)
{
    for (const struct value *at = target->capabilities == NULL ? NULL : target->capabilities->first;
         at != NULL; at = at->next) {
        if (at->kind == VALUE_TEXT && strcmp(at->text, capability) == 0) {
            return true;
        }
    }
    return false;
}

bool target_is_file_of(const char *path, const char *first_key)
{
    char head[HEAD_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    head[fread(head, 1, sizeof head - 1, file)] = '\0';
    (void)fclose(file);
    const char *line = head;
    while (*line == '#' || *line == '\n' || *line == '\r') {
        const char *end = strchr(line, '\n');
        line = end == NULL ? "" : end + 1;
    }
    size_t len = strlen(first_key);
    return strncmp(line, first_key, len) == 0 && line[len] == ':';
}
