/* The server as a program. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/service.h"
#include "mps/activation/config.h"
#include "mps/mps.h"

struct mps_options {
    const char *config, *data, *name, *log_levels, *log_format;
    struct cli_texts listen, api_listen, sets;
    const char *capture, *key_log;
    bool check, print_config, capture_secrets;
};

static const struct cli_option k_options[] = {
    { "config", 'c', CLI_TEXT, offsetof(struct mps_options, config), "FILE", NULL,
      "YAML or JSON configuration; --print-config lists the keys" },
    { "data", 0, CLI_TEXT, offsetof(struct mps_options, data), "DIR", NULL,
      "data directory [key data, or amtlab-data]" },
    { "name", 0, CLI_TEXT, offsetof(struct mps_options, name), "NAME", NULL,
      "MPS name: Common Name of the certificate [key name]" },
    { "listen", 0, CLI_TEXTS, offsetof(struct mps_options, listen), "HOST:PORT", NULL,
      "CIRA address, repeatable; port 0 picks one [key listen, or :4433]" },
    { "api-listen", 0, CLI_TEXTS, offsetof(struct mps_options, api_listen), "HOST:PORT", NULL,
      "operator API address, repeatable [key api_listen, or 127.0.0.1:4480]" },
    { "capture", 0, CLI_TEXT, offsetof(struct mps_options, capture), "FILE|DIR/", NULL,
      "capture sessions, decrypted, as pcapng: all in a file, or one each device [key "
      "capture.file]" },
    { "capture-secrets", 0, CLI_FLAG, offsetof(struct mps_options, capture_secrets), "", NULL,
      "keep passwords in captures instead of writing * over them" },
    { "keylog", 0, CLI_TEXT, offsetof(struct mps_options, key_log), "FILE", NULL,
      "append the keys of TLS sessions, for Wireshark; a secret [key key_log]" },
    { "set", 0, CLI_TEXTS, offsetof(struct mps_options, sets), "KEY=VALUE", NULL,
      "any key of the configuration, repeatable" },
    { "log-level", 0, CLI_TEXT, offsetof(struct mps_options, log_levels), "LEVELS", "info",
      "error, warn, info, debug, trace; per component: info,device=debug" },
    { "log-format", 0, CLI_TEXT, offsetof(struct mps_options, log_format), "FORMAT", "logfmt",
      "logfmt or json, on standard error" },
    { "check", 'n', CLI_FLAG, offsetof(struct mps_options, check), "", NULL,
      "check the configuration and exit" },
    { "print-config", 0, CLI_FLAG, offsetof(struct mps_options, print_config), "", NULL,
      "print every key of the configuration with its default and exit" },
    { .name = NULL },
};

struct server {
    struct loop *loop;
    struct log *log;
    struct mps *mps;
    struct yaml_document *document;
    struct mps_config config;
};

static enum amt_err set_key(struct server *server, const char *key, const char *value,
                            struct amt_diag *diag)
{
    return config_set(mps_config_keys, key, value, &server->config, diag);
}

static enum amt_err set_list(struct server *server, const char *key, const struct cli_texts *texts,
                             struct amt_diag *diag)
{
    struct text list = { 0 };
    text_puts(&list, "[");
    for (uint32_t i = 0; i < texts->count; i++) {
        text_printf(&list, "%s", i == 0 ? "" : ", ");
        text_json(&list, texts->items[i], strlen(texts->items[i]));
    }
    text_puts(&list, "]");
    enum amt_err err = texts->count == 0 ? AMT_OK : set_key(server, key, text_chars(&list), diag);
    text_fini(&list);
    return err;
}

/* The command line wins over the file; without users the store is used, as an operator expects. */
static enum amt_err apply_options(struct server *server, const struct mps_options *o,
                                  struct amt_diag *diag)
{
    if (o->data != NULL) {
        TRY(set_key(server, "data", o->data, diag));
    } else if (server->config.data == NULL) {
        TRY(set_key(server, "data", "amtlab-data", diag));
    }
    if (o->name != NULL) {
        TRY(set_key(server, "name", o->name, diag));
    }
    TRY(set_list(server, "listen", &o->listen, diag));
    TRY(set_list(server, "api_listen", &o->api_listen, diag));
    if (o->api_listen.count == 0 && o->config == NULL) {
        TRY(set_key(server, "api_listen", "127.0.0.1:4480", diag));
    }
    if (o->capture != NULL) {
        TRY(set_key(server, "capture.file", o->capture, diag));
    }
    if (o->capture_secrets) {
        TRY(set_key(server, "capture.secrets", "true", diag));
    }
    if (o->key_log != NULL) {
        TRY(set_key(server, "key_log", o->key_log, diag));
    }
    TRY(cli_apply_sets(mps_config_keys, &o->sets, &server->config, diag));
    bool has_users = server->config.user_count > 0 || server->config.users_node != NULL;
    return server->config.auth != MPS_AUTH_CONFIG || has_users
               ? AMT_OK
               : set_key(server, "auth", "store", diag);
}

static enum amt_err read_config(struct server *server, const struct mps_options *o)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = AMT_OK;
    const struct yaml_node *root = NULL;
    if (o->config != NULL) {
        server->document = yaml_load_file(o->config, &errors);
        err = server->document == NULL ? AMT_ECONFIG : AMT_OK;
        root = err == AMT_OK ? yaml_root(server->document) : NULL;
    }
    const char *path = o->config == NULL ? "command line" : o->config;
    if (err == AMT_OK) {
        err = config_read(mps_config_keys, root, path, &server->config, &errors);
    }
    if (err == AMT_OK) {
        err = apply_options(server, o, &diag);
    }
    if (err == AMT_OK) {
        err = mps_config_check(&server->config, path, &errors);
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    if (diag.text[0] != '\0') {
        amt_diag_print(&diag, stderr);
    }
    return err;
}

static void print_ready(struct server *server)
{
    struct text line = { 0 };
    struct address address;
    char shown[ADDRESS_HOST_BYTES + 10];
    text_puts(&line, "{\"event\":\"ready\",\"listen\":[");
    for (uint32_t i = 0; i < mps_listener_count(server->mps); i++) {
        mps_listener_address(server->mps, i, &address);
        address_format(&address, shown);
        text_printf(&line, "%s\"%s\"", i == 0 ? "" : ",", shown);
    }
    text_puts(&line, "],\"api\":[");
    if (mps_api_address(server->mps, &address)) {
        address_format(&address, shown);
        text_printf(&line, "\"%s\"", shown);
    }
    if (mps_activation_address(server->mps, &address)) {
        address_format(&address, shown);
        text_printf(&line, "],\"activation\":[\"%s\"", shown);
    }
    if (mps_hello_address(server->mps, &address)) {
        address_format(&address, shown);
        text_printf(&line, "],\"hello\":[\"%s\"", shown);
    }
    struct text root = { 0 };
    text_printf(&root, "%s/root.crt", server->config.data);
    text_puts(&line, "],\"root\":");
    text_json(&line, text_chars(&root), root.len);
    text_printf(&line, ",\"pid\":%ld}", (long)getpid());
    (void)puts(text_chars(&line));
    (void)fflush(stdout);
    text_fini(&root);
    text_fini(&line);
}

static void on_stopped(void *ctx)
{
    loop_stop(ctx);
}

static void on_signal(void *ctx)
{
    struct server *server = ctx;
    cli_notify_service("STOPPING=1");
    mps_stop(server->mps, on_stopped, server->loop);
}

static int serve(struct server *server, struct amt_diag *diag)
{
    server->mps = mps_start(server->loop, &server->config, server->log, diag);
    if (server->mps == NULL) {
        return diag->err == AMT_ECONFIG || diag->err == AMT_ECERT ? CLI_INVALID : CLI_ENVIRONMENT;
    }
    if (loop_on_signal(server->loop, SIGTERM, on_signal, server) != AMT_OK ||
        loop_on_signal(server->loop, SIGINT, on_signal, server) != AMT_OK) {
        (void)amt_diag_set(diag, AMT_ESYS, "signals cannot be handled");
        return CLI_INTERNAL;
    }
    print_ready(server);
    cli_notify_service("READY=1");
    loop_run(server->loop);
    return CLI_OK;
}

static int run_server(struct server *server, const struct mps_options *o)
{
    struct amt_diag diag = { .err = AMT_OK };
    int result = CLI_ENVIRONMENT;
    server->loop = loop_new_uv(&diag);
    server->log = server->loop == NULL ? NULL : log_new(server->loop);
    if (server->log != NULL) {
        result = CLI_USAGE;
        if (cli_open_log(server->log, o->log_levels, o->log_format, &diag) == AMT_OK) {
            result = serve(server, &diag);
        }
    }
    mps_free(server->mps);
    log_free(server->log);
    loop_free(server->loop);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab mps: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

static bool check_tls_root(const struct activation_config *config, struct amt_diag_list *problems)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_identity *root = activation_equipment_root(&config->equipment, &diag);
    if (root == NULL && diag.text[0] != '\0') {
        struct amt_diag *added = amt_diag_list_add(problems, AMT_ECERT, "", 0, 0);
        (void)amt_diag_set(added, AMT_ECERT, "device_tls: %s", diag.text);
        (void)amt_diag_hint(added, "%s", diag.hint);
    }
    pki_identity_free(root);
    return diag.text[0] == '\0';
}

/* --check looks into the certificate files too: that a set cannot be loaded keeps no server from starting,
 * but whoever asks wants to know. */
static int check_activation(const struct server *server)
{
    const struct mps_config *mps = &server->config;
    struct activation_config *config =
        mps->activation_node == NULL ? NULL : amt_alloc(sizeof *config);
    struct amt_diag_list problems = { .count = 0 };
    bool is_good = mps->activation_node == NULL;
    if (config != NULL) {
        is_good = activation_config_read(mps->activation_node, "", config, NULL) == AMT_OK;
        struct activation_certificates *set =
            activation_config_certificates(config, mps, (uint64_t)time(NULL), &problems);
        is_good = is_good && set != NULL && check_tls_root(config, &problems);
        activation_certificates_free(set);
        activation_config_fini(config);
    }
    for (uint32_t i = 0; i < problems.count; i++) {
        is_good = is_good && problems.items[i].err == AMT_OK;
    }
    amt_diag_list_print(&problems, stderr);
    amt_diag_list_fini(&problems);
    amt_free(config);
    return is_good ? CLI_OK : CLI_INVALID;
}

static void print_keys(void)
{
    config_manual(mps_config_keys, stdout);
    (void)puts("\nactivation:");
    config_manual(activation_config_keys, stdout);
    (void)puts("\nactivation: certificates: (each)");
    config_manual(activation_certificate_keys, stdout);
    (void)puts("\nactivation: policies: (each)");
    config_manual(activation_policy_keys, stdout);
    (void)puts("\nactivation: device_tls:");
    config_manual(activation_device_tls_keys, stdout);
    (void)puts("\nactivation: wifi: (each)");
    config_manual(activation_wifi_keys, stdout);
}

static int run_mps(const void *options, int argument_count, char **arguments)
{
    const struct mps_options *o = options;
    struct server server = { .loop = NULL };
    (void)argument_count;
    (void)arguments;
    if (o->print_config) {
        print_keys();
        return CLI_OK;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    int result = CLI_INVALID;
    if (read_config(&server, o) == AMT_OK) {
        result = o->check ? check_activation(&server) : run_server(&server, o);
        if (o->check && result == CLI_OK) {
            (void)puts("the configuration is valid");
        }
    }
    config_fini(mps_config_keys, &server.config);
    yaml_free(server.document);
    return result;
}

const struct cli_command k_command_mps = {
    .name = "mps",
    .arguments = "",
    .summary = "run a Management Presence Server",
    .details =
        "Accepts devices by CIRA and lets operators reach them. The first start makes a root and "
        "a\n"
        "certificate in the data directory; install DIR/root.crt in the devices.\n\n"
        "  amtlab mps --name mps.example.org\n"
        "  amtlab admin group add lab              user name and password for devices\n"
        "  amtlab admin token add alice            token for the operator API\n"
        "  amtlab mps --listen 127.0.0.1:0         any free port\n\n"
        "When it is ready one JSON line on standard output says where it listens; under systemd\n"
        "(Type=notify) it reports readiness. SIGTERM sends DISCONNECT to the devices and stops.\n\n"
        "Exit codes: 0 stopped, 2 usage, 3 configuration or certificate, 4 the environment: port "
        "in\n"
        "use, data directory, full disk.\n",
    .options = k_options,
    .options_bytes = sizeof(struct mps_options),
    .run = run_mps,
};
