/* Groups, devices and operators of a data directory; works while the server runs. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/memory.h"
#include "cli/cli.h"
#include "cli/secret_file.h"
#include "mps/activation/service.h"
#include "mps/onboarding.h"
#include "mps/store/store.h"

struct admin_options {
    const char *data, *user, *password_file, *group, *certificate, *server, *kind, *host;
    bool json;
};

static const struct cli_option k_options[] = {
    { "data", 0, CLI_TEXT, offsetof(struct admin_options, data), "DIR", "amtlab-data",
      "data directory of the server" },
    { "user", 0, CLI_TEXT, offsetof(struct admin_options, user), "NAME", NULL,
      "CIRA user name: 1 to 16 letters and digits; made if absent" },
    { "password-file", 0, CLI_TEXT, offsetof(struct admin_options, password_file), "FILE", NULL,
      "first line is the CIRA password, - for standard input; or AMTLAB_PASSWORD; made if absent" },
    { "group", 0, CLI_TEXT, offsetof(struct admin_options, group), "NAME", NULL,
      "device add: its group" },
    { "certificate", 0, CLI_TEXT, offsetof(struct admin_options, certificate), "SHA256", NULL,
      "device add: fingerprint of its client certificate, 64 hex digits (login method none)" },
    { "kind", 0, CLI_TEXT, offsetof(struct admin_options, kind), "KIND", "amt",
      "group add: amt, a person runs a command on each PC; agent, a program there does it" },
    { "host", 0, CLI_TEXT, offsetof(struct admin_options, host), "HOST", NULL,
      "device add: its name or address on the local network" },
    { "server", 0, CLI_TEXT, offsetof(struct admin_options, server), "HOST:PORT", NULL,
      "group link, ways: address of the activation server as clients reach it [the server's own]" },
    { "json", 0, CLI_FLAG, offsetof(struct admin_options, json), "", NULL,
      "machine-readable output" },
    { .name = NULL },
};

static void print_group(void *ctx, const struct store_group *group)
{
    const struct admin_options *o = ctx;
    if (o->json) {
        struct text line = { 0 };
        text_puts(&line, "{\"group\":");
        text_json(&line, group->name, strlen(group->name));
        (void)printf("%s,\"user\":\"%s\",\"kind\":\"%s\"}\n", text_chars(&line), group->user,
                     store_group_kind_name(group->kind));
        text_fini(&line);
    } else {
        (void)printf("%-24s %s  %s\n", group->name, group->user,
                     store_group_kind_name(group->kind));
    }
}

static void format_time(uint64_t wall_us, char out[static 24])
{
    time_t seconds = (time_t)(wall_us / 1000000u);
    struct tm parts;
    if (wall_us == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(out, 24, "never");
    }
}

static void print_device(void *ctx, const struct store_device *device)
{
    const struct admin_options *o = ctx;
    char uuid[UUID_TEXT_BYTES];
    char seen[24];
    uuid_format(&device->uuid, uuid);
    format_time(device->last_seen_us, seen);
    if (o->json) {
        struct text line = { 0 };
        text_puts(&line, ",\"group\":");
        text_json(&line, device->group, strlen(device->group));
        text_puts(&line, ",\"host\":");
        text_json(&line, device->host, strlen(device->host));
        (void)printf("{\"uuid\":\"%s\"%s,\"last_seen\":\"%s\"}\n", uuid, text_chars(&line), seen);
        text_fini(&line);
    } else {
        (void)printf("%s  %-24s last seen %s%s%s%s\n", uuid, device->group, seen,
                     device->has_own_password ? ", own password" : "",
                     device->host[0] == '\0' ? "" : ", at ", device->host);
    }
}

/* The password given, or NULL when none was. */
static enum amt_err given_password(const struct admin_options *o, struct secret *password,
                                   const struct secret **given, struct amt_diag *diag)
{
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_PASSWORD", password, diag);
    *given = err == AMT_OK ? password : NULL;
    return err == AMT_EUNKNOWN ? AMT_OK : err;
}

static enum amt_err group_add(struct store *store, const struct admin_options *o, const char *name,
                              struct amt_diag *diag)
{
    struct secret password = { .len = 0 };
    struct secret plain = { .len = 0 };
    const struct secret *given = NULL;
    struct store_group group;
    enum store_group_kind kind;
    if (store_group_kind_find(o->kind, &kind) != AMT_OK) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "\"%s\" is no kind of group", o->kind);
        (void)amt_diag_hint(diag, "amt, or agent");
        return AMT_ECONFIG;
    }
    TRY(given_password(o, &password, &given, diag));
    TRY(store_group_add(store, name, o->user, given, kind, &group, &plain, diag));
    print_group((void *)(uintptr_t)o, &group);
    if (given == NULL) {
        /* Made here, shown once: it has to be written into the devices. */
        (void)printf(o->json ? "{\"password\":\"%.*s\"}\n" : "password %.*s\n", (int)plain.len,
                     (const char *)plain.bytes);
    }
    secret_fini(&plain);
    secret_fini(&password);
    return AMT_OK;
}

static enum amt_err device_add(struct store *store, const struct admin_options *o, const char *name,
                               struct amt_diag *diag)
{
    struct uuid uuid;
    struct secret password = { .len = 0 };
    const struct secret *given = NULL;
    if (uuid_parse(name, &uuid) != AMT_OK) {
        return amt_diag_set(diag, AMT_ECONFIG, "\"%s\" is no UUID", name);
    }
    if (o->certificate != NULL &&
        (strlen(o->certificate) != 64 || strspn(o->certificate, "0123456789abcdef") != 64)) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "a certificate fingerprint is 64 lower-case hex digits (SHA-256)");
    }
    TRY(given_password(o, &password, &given, diag));
    enum amt_err err =
        store_device_put(store, &uuid, o->group, o->user, given, o->certificate, diag);
    secret_fini(&password);
    return err == AMT_OK && o->host != NULL ? store_device_place(store, &uuid, o->host, diag) : err;
}

static enum amt_err device_remove(struct store *store, const char *name, struct amt_diag *diag)
{
    struct uuid uuid;
    if (uuid_parse(name, &uuid) != AMT_OK) {
        return amt_diag_set(diag, AMT_ECONFIG, "\"%s\" is no UUID", name);
    }
    return store_device_remove(store, &uuid, diag);
}

static enum amt_err token_add(struct store *store, const struct admin_options *o, const char *name,
                              struct amt_diag *diag)
{
    struct secret token = { .len = 0 };
    TRY(store_token_add(store, name, &token, diag));
    (void)printf(o->json ? "{\"token\":\"%.*s\"}\n" : "%.*s\n", (int)token.len,
                 (const char *)token.bytes);
    secret_fini(&token);
    return AMT_OK;
}

static enum amt_err ask_ways(struct store *store, const struct admin_options *o, const char *name,
                             struct onboarding *ways, struct amt_diag *diag)
{
    const struct onboarding_question question = {
        .store = store, .data = o->data, .server = o->server, .now_s = (uint64_t)time(NULL)
    };
    return onboarding_ask(&question, name, ways, diag);
}

static void print_way(const struct onboarding_way *way)
{
    if (way->why_not != NULL) {
        (void)printf("%-10s  -  %s\n", way->name, way->why_not);
        return;
    }
    for (uint32_t i = 0; i < way->command_count; i++) {
        (void)printf("%-10s  %s\n", i == 0 ? way->name : "", text_chars(&way->commands[i]));
    }
}

static enum amt_err group_ways(struct store *store, const struct admin_options *o, const char *name,
                               struct amt_diag *diag)
{
    struct onboarding ways;
    struct text json = { 0 };
    enum amt_err err = ask_ways(store, o, name, &ways, diag);
    if (err == AMT_OK && o->json) {
        onboarding_json(&ways, &json);
        (void)fputs(text_chars(&json), stdout);
    } else if (err == AMT_OK) {
        (void)printf("%s: %s group, server in %s mode\n", ways.group.name,
                     store_group_kind_name(ways.group.kind), mps_mode_name(ways.mode));
        for (uint32_t i = 0; i < ONBOARDING_WAYS; i++) {
            print_way(&ways.ways[i]);
        }
    }
    text_fini(&json);
    onboarding_fini(&ways);
    return err;
}

/* Ready to paste on the PC that is to be activated; only while the server would activate it. */
static enum amt_err group_link(struct store *store, const struct admin_options *o, const char *name,
                               struct amt_diag *diag)
{
    struct onboarding ways;
    enum amt_err err = ask_ways(store, o, name, &ways, diag);
    const struct onboarding_way *way =
        &ways.ways[ways.group.kind == STORE_GROUP_AGENT ? ONBOARD_AGENT : ONBOARD_ACTIVATION];
    if (err == AMT_OK && way->why_not != NULL) {
        err = amt_diag_set(diag, AMT_EUNKNOWN, "group %s has no activation link: %s", name,
                           way->why_not);
    }
    if (err == AMT_OK && o->json) {
        char id[ACTIVATION_GROUP_ID_CHARS];
        struct text json = { 0 };
        err = activation_group_id(store, name, id, diag);
        text_puts(&json, "{\"group\":");
        text_json(&json, name, strlen(name));
        text_printf(&json, ",\"id\":\"%s\",\"commands\":[", id);
        for (uint32_t i = 0; i < way->command_count; i++) {
            text_puts(&json, i == 0 ? "" : ",");
            text_json(&json, text_chars(&way->commands[i]), way->commands[i].len);
        }
        text_puts(&json, "]}");
        (void)puts(text_chars(&json));
        text_fini(&json);
    } else if (err == AMT_OK) {
        for (uint32_t i = 0; i < way->command_count; i++) {
            (void)puts(text_chars(&way->commands[i]));
        }
    }
    onboarding_fini(&ways);
    return err;
}

/* AMT_EUNKNOWN with an empty diag: no such call. */
static enum amt_err dispatch(struct store *store, const struct admin_options *o, int count,
                             char **words, struct amt_diag *diag)
{
    void *options = (void *)(uintptr_t)o;
    const char *name = count > 2 ? words[2] : NULL;
    char call[32];
    (void)snprintf(call, sizeof call, "%s %s", words[0], words[1]);
    if (strcmp(call, "group list") == 0) {
        return store_each_group(store, print_group, options, diag);
    }
    if (strcmp(call, "device list") == 0) {
        return store_each_device(store, print_device, options, diag);
    }
    if (name == NULL) {
        return amt_diag_set(diag, AMT_ECONFIG, "\"%s\" needs a name; see amtlab admin --help",
                            call);
    }
    if (strcmp(call, "group add") == 0) {
        return group_add(store, o, name, diag);
    }
    if (strcmp(call, "group link") == 0) {
        return group_link(store, o, name, diag);
    }
    if (strcmp(call, "group ways") == 0) {
        return group_ways(store, o, name, diag);
    }
    if (strcmp(call, "group remove") == 0) {
        return store_group_remove(store, name, diag);
    }
    if (strcmp(call, "device add") == 0) {
        return device_add(store, o, name, diag);
    }
    if (strcmp(call, "device remove") == 0) {
        return device_remove(store, name, diag);
    }
    if (strcmp(call, "token add") == 0) {
        return token_add(store, o, name, diag);
    }
    if (strcmp(call, "token remove") == 0) {
        return store_token_remove(store, name, diag);
    }
    return amt_diag_set(diag, AMT_ECONFIG, "there is no call \"%s\"; see amtlab admin --help",
                        call);
}

static int run_admin(const void *options, int argument_count, char **arguments)
{
    const struct admin_options *o = options;
    struct amt_diag diag = { .err = AMT_OK };
    struct store *store = store_open(o->data, &diag);
    if (store == NULL) {
        (void)fputs("amtlab admin: ", stderr);
        amt_diag_print(&diag, stderr);
        return CLI_ENVIRONMENT;
    }
    enum amt_err err = dispatch(store, o, argument_count, arguments, &diag);
    store_close(store);
    if (err == AMT_OK) {
        return CLI_OK;
    }
    diag.err = err;
    (void)fputs("amtlab admin: ", stderr);
    amt_diag_print(&diag, stderr);
    if (err == AMT_ECONFIG) {
        return CLI_USAGE;
    }
    return err == AMT_EUNKNOWN || err == AMT_EEXISTS ? CLI_FAILED : CLI_ENVIRONMENT;
}

const struct cli_command k_command_admin = {
    .name = "admin",
    .arguments = "group|device|token add|remove|list|ways|link [NAME]",
    .summary = "groups, devices and operator tokens of a server's data directory",
    .details =
        "A group owns the CIRA user name and password of its devices; a device may have its own.\n"
        "A device that logs in with its group's credential for the first time is added to it.\n"
        "Changes hold at once, also while the server runs.\n\n"
        "  amtlab admin group add lab            makes a group, prints user name and password\n"
        "  amtlab admin group ways lab           how devices get into it, each with its command;\n"
        "      mode of the server, kind and policy of the group, and certificates decide\n"
        "  amtlab admin group link lab --server mps.example:8443\n"
        "      prints the commands that activate a PC into the group; the id in them is a secret\n"
        "  amtlab admin device add UUID --group lab --password-file FILE\n"
        "  amtlab admin device add UUID --group lab --host pc17     one of the local network\n"
        "  amtlab admin token add alice          prints an operator token, once\n"
        "  amtlab admin device list --json\n\n"
        "Exit codes: 0 done, 1 no such name, it exists already, or no such way now, 2 usage, 4 the "
        "data directory\n"
        "cannot be used.\n",
    .options = k_options,
    .options_bytes = sizeof(struct admin_options),
    .arguments_min = 2,
    .arguments_max = 3,
    .run = run_admin,
};
