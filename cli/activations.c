/* The activation log for people: what was tried, and the passwords that devices were given. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "mps/activation/log.h"

struct activations_options {
    const char *log, *key;
    bool json;
};

static const struct cli_option k_options[] = {
    { "log", 0, CLI_TEXT, offsetof(struct activations_options, log), "FILE",
      "amtlab-data/amtactivation.log", "the activation log, ours or MeshCentral's" },
    { "key", 0, CLI_TEXT, offsetof(struct activations_options, key), "FILE", NULL,
      "recover: PEM of the recipient's private key, for passwords that were encrypted to it" },
    { "json", 0, CLI_FLAG, offsetof(struct activations_options, json), "", NULL,
      "one JSON object a line" },
    { .name = NULL },
};

struct listing {
    const char *uuid; /* NULL: all */
    bool json, shows_fields;
    uint32_t count, damaged;
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static bool is_secret(const char *key)
{
    return strcmp(key, "password") == 0 || strcmp(key, "pass") == 0 ||
           strcmp(key, "newmebx") == 0 || strcmp(key, "oldmebx") == 0;
}

/* Everything but the passwords: those are what `recover` is for. */
static void print_json(const json_t *object)
{
    json_t *copy = json_deep_copy(object);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (is_secret(key)) {
            (void)json_object_set_new(copy, key, json_string("***"));
        }
    }
    char *text = json_dumps(copy, JSON_COMPACT | JSON_PRESERVE_ORDER);
    (void)puts(text == NULL ? "" : text);
    free(text);
    json_decref(copy);
}

static void print_fields(const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value)) {
            (void)printf("    %-14s %s\n", key, is_secret(key) ? "***" : json_string_value(value));
        }
    }
}

static void on_line(void *ctx, uint32_t number, const json_t *object)
{
    struct listing *listing = ctx;
    const char *uuid = text_of(object, "amtUuid");
    if (object == NULL) {
        listing->damaged += 1;
        (void)fprintf(stderr, "amtlab activations: line %u is damaged and passed over\n", number);
        return;
    }
    if (listing->uuid != NULL && strcasecmp(uuid, listing->uuid) != 0) {
        return;
    }
    listing->count += 1;
    if (listing->json) {
        print_json(object);
        return;
    }
    (void)printf("%s  %-22s %s  %s\n", text_of(object, "time"), text_of(object, "action"), uuid,
                 text_of(object, "computerName"));
    if (listing->shows_fields) {
        print_fields(object);
    }
}

static int report(enum amt_err err, const struct amt_diag *diag)
{
    if (err != AMT_OK) {
        (void)fputs("amtlab activations: ", stderr);
        amt_diag_print(diag, stderr);
    }
    return err == AMT_OK ? CLI_OK : CLI_ENVIRONMENT;
}

static int list(const struct activations_options *o, const char *uuid, bool shows_fields)
{
    struct listing listing = { .uuid = uuid, .json = o->json, .shows_fields = shows_fields };
    struct amt_diag diag = { .err = AMT_OK };
    int result = report(activation_log_each(o->log, on_line, &listing, &diag), &diag);
    return result == CLI_OK && listing.count == 0 ? CLI_NOTHING : result;
}

/* The one call that prints passwords: for whoever has lost a device's. */
static int recover(const struct activations_options *o, const char *text)
{
    struct uuid uuid;
    struct secret passwords[3] = { { .len = 0 } };
    uint32_t count = 0;
    struct amt_diag diag = { .err = AMT_OK };
    if (uuid_parse(text, &uuid) != AMT_OK) {
        (void)fprintf(stderr, "amtlab activations: \"%s\" is no UUID\n", text);
        return CLI_USAGE;
    }
    int result = report(
        activation_log_open_passwords(o->log, &uuid, o->key, passwords, &count, &diag), &diag);
    for (uint32_t i = 0; i < count; i++) { /* newest first */
        (void)printf("%.*s\n", (int)passwords[i].len, (const char *)passwords[i].bytes);
    }
    for (int i = 0; i < 3; i++) {
        secret_fini(&passwords[i]);
    }
    if (result == CLI_OK && count == 0) {
        (void)fprintf(stderr, "amtlab activations: no password of %s %s\n", text,
                      o->key == NULL
                          ? "stands in the log in clear. `amtlab activations show` tells what "
                            "does; encrypted ones open with --key"
                          : "is in the log, or none that this key opens");
    }
    return result == CLI_OK && count == 0 ? CLI_NOTHING : result;
}

static int run_activations(const void *options, int argument_count, char **arguments)
{
    const struct activations_options *o = options;
    const char *call = arguments[0];
    const char *uuid = argument_count > 1 ? arguments[1] : NULL;
    if (strcmp(call, "list") == 0) {
        return list(o, uuid, false);
    }
    if (uuid == NULL) {
        (void)fprintf(stderr, "amtlab activations: \"%s\" needs the UUID of a device\n", call);
        return CLI_USAGE;
    }
    if (strcmp(call, "show") == 0) {
        return list(o, uuid, true);
    }
    if (strcmp(call, "recover") == 0) {
        return recover(o, uuid);
    }
    (void)fprintf(stderr, "amtlab activations: list, show or recover, not \"%s\"\n", call);
    return CLI_USAGE;
}

const struct cli_command k_command_activations = {
    .name = "activations",
    .arguments = "list|show|recover [UUID]",
    .summary = "what the activation log says: attempts, and lost passwords",
    .details =
        "Every activation is in the log before the device is told; so is the password it gets.\n\n"
        "  amtlab activations list                     all attempts, oldest first\n"
        "  amtlab activations show UUID --json         all that is known, passwords hidden\n"
        "  amtlab activations recover UUID             the last passwords, newest first\n"
        "  amtlab activations recover UUID --key recipient.key\n\n"
        "Exit codes: 0, 2 usage, 4 the log cannot be read, 5 nothing found.\n",
    .options = k_options,
    .options_bytes = sizeof(struct activations_options),
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_activations,
};
