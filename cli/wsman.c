/* One WS-Management operation on a device. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/reach.h"
#include "client/compose.h"

struct wsman_options {
    struct reach_options reach;
    struct cli_texts selectors;
    bool bare;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(wsman_options),
    { "selector", 's', CLI_TEXTS, offsetof(struct wsman_options, selectors), "NAME=VALUE", NULL,
      "which instance; may be repeated" },
    { "bare", 0, CLI_FLAG, offsetof(struct wsman_options, bare), "", NULL,
      "put: send only what is given, instead of what the device has with it changed" },
    { .name = NULL },
};

struct operation {
    const char *word;
    enum wsman_operation operation;
    bool takes_values;
};
static const struct operation k_operations[] = {
    { "get", WSMAN_GET, false },        { "put", WSMAN_PUT, true },
    { "create", WSMAN_CREATE, true },   { "delete", WSMAN_DELETE, false },
    { "enum", WSMAN_ENUMERATE, false }, { "invoke", WSMAN_METHOD, true },
};
#define OPERATION_COUNT (sizeof k_operations / sizeof k_operations[0])

struct job {
    struct cli_reach reach;
    const struct wsman_options *options;
    const struct operation *operation;
    struct wsman_call call;
    char **values;
    uint32_t value_count;
};

static int usage(const char *text, const char *word)
{
    (void)fprintf(stderr, "amtlab wsman: %s \"%s\". See: amtlab wsman --help\n", text, word);
    return CLI_USAGE;
}

static int find_operation(const char *word, const struct operation **out)
{
    const char *names[OPERATION_COUNT + 1];
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        names[i] = k_operations[i].word;
        if (strcmp(word, names[i]) == 0) {
            *out = &k_operations[i];
            return -1;
        }
    }
    names[OPERATION_COUNT] = NULL;
    int near = text_nearest(word, names);
    (void)fprintf(stderr, "amtlab wsman: unknown operation \"%s\"", word);
    if (near >= 0) {
        (void)fprintf(stderr, "; did you mean %s?", names[near]);
    }
    (void)fputs(" See: amtlab wsman --help\n", stderr);
    return CLI_USAGE;
}

/* CLASS, or CLASS.Method for invoke. */
static int parse_class(struct job *job, const char *word)
{
    bool is_method = job->call.operation == WSMAN_METHOD;
    const char *dot = strchr(word, '.');
    if ((dot != NULL) != is_method) {
        return usage(is_method ? "invoke wants CLASS.Method, not" : "wanted a class, not", word);
    }
    size_t len = dot == NULL ? strlen(word) : (size_t)(dot - word);
    job->call.class_name = arena_text(&job->reach.arena, word, len);
    job->call.method = dot == NULL ? NULL : dot + 1;
    if (job->call.class_name == NULL) {
        return CLI_INTERNAL;
    }
    if (!compose_is_name(job->call.class_name) || (is_method && !compose_is_name(dot + 1))) {
        return usage("no name of a class or method:", word);
    }
    if (wsman_class_namespace(job->call.class_name) == NULL) {
        return usage("classes begin with AMT_, IPS_ or CIM_, unlike", word);
    }
    return -1;
}

static int parse_words(struct job *job, int count, char **words)
{
    struct amt_diag diag = { .err = AMT_OK };
    int result = parse_class(job, words[1]);
    if (result >= 0) {
        return result;
    }
    job->values = words + 2;
    job->value_count = (uint32_t)(count - 2);
    if (job->value_count > 0 && !job->operation->takes_values) {
        return usage("this operation takes no values:", words[2]);
    }
    for (uint32_t i = 0; i < job->options->selectors.count; i++) {
        if (compose_selector(&job->reach.arena, &job->call.selectors,
                             job->options->selectors.items[i], &diag) != AMT_OK) {
            return cli_reach_failed(&job->reach, CLI_USAGE, &diag);
        }
    }
    return -1;
}

/* The body of put, create and invoke. A put changes what the device has, as management software does:
 * what is not given keeps its value. */
static int make_body(struct job *job)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_instance *body = NULL;
    if (!job->operation->takes_values) {
        return -1;
    }
    if (job->call.operation == WSMAN_PUT && !job->options->bare) {
        struct wsman_call get = job->call;
        struct wsman_outcome outcome;
        get.operation = WSMAN_GET;
        wsman_client_wait(job->reach.client, &get, &job->reach.arena, &outcome);
        if (outcome.result != WSMAN_DONE) {
            return cli_outcome(&job->reach, &outcome);
        }
        body = outcome.reply->instance;
    } else {
        body = wsman_instance_new(&job->reach.arena, job->call.class_name);
    }
    if (body == NULL) {
        return CLI_INTERNAL;
    }
    if (compose_properties(&job->reach.arena, body, job->values, job->value_count, &diag) !=
        AMT_OK) {
        return cli_reach_failed(&job->reach, CLI_USAGE, &diag);
    }
    job->call.body = body;
    return -1;
}

/* Words are checked before the device is asked anything. */
static int check_values(struct job *job)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct wsman_instance *scratch = wsman_instance_new(&job->reach.arena, "");
    if (scratch == NULL) {
        return CLI_INTERNAL;
    }
    return compose_properties(&job->reach.arena, scratch, job->values, job->value_count, &diag) ==
                   AMT_OK
               ? -1
               : cli_reach_failed(&job->reach, CLI_USAGE, &diag);
}

static void show(const struct job *job, const struct wsman_outcome *outcome)
{
    if (job->call.operation == WSMAN_ENUMERATE) {
        cli_show(&job->reach, cli_instances_json(outcome->items));
    } else if (job->call.operation == WSMAN_CREATE) {
        cli_show(&job->reach, cli_ref_json(outcome->reply->created));
    } else if (outcome->reply->instance != NULL) {
        cli_show(&job->reach, cli_instance_json(outcome->reply->instance));
    } else if (job->reach.json) {
        cli_show(&job->reach, json_null());
    }
}

static int carry_out(struct job *job)
{
    int result = make_body(job);
    if (result >= 0) {
        return result;
    }
    struct wsman_outcome outcome;
    wsman_client_wait(job->reach.client, &job->call, &job->reach.arena, &outcome);
    if (outcome.result == WSMAN_DONE) {
        show(job, &outcome);
    }
    if (outcome.result == WSMAN_DONE && outcome.return_value != 0 && job->reach.json) {
        return CLI_FAILED; /* the output has been shown, ReturnValue in it */
    }
    return cli_outcome(&job->reach, &outcome);
}

static int run_wsman(const void *options, int argument_count, char **arguments)
{
    struct job job = { .options = options };
    int result = find_operation(arguments[0], &job.operation);
    if (result >= 0) {
        return result;
    }
    result = cli_reach_open(&job.reach, &job.options->reach, "wsman");
    job.call.operation = job.operation->operation;
    if (result < 0) {
        result = parse_words(&job, argument_count, arguments);
    }
    if (result < 0) {
        result = check_values(&job);
    }
    if (result < 0) {
        result = carry_out(&job);
    }
    cli_reach_close(&job.reach);
    return result;
}

const struct cli_command k_command_wsman = {
    .name = "wsman",
    .arguments = "get|put|create|delete|enum|invoke CLASS[.METHOD] [NAME=VALUE]...",
    .summary = "one WS-Management operation on a device",
    .details = REACH_HELP
    "\n"
    "  amtlab wsman get AMT_GeneralSettings --device pc17\n"
    "  amtlab wsman enum CIM_SoftwareIdentity --uuid UUID --token-file token --json\n"
    "  amtlab wsman put AMT_GeneralSettings HostName=pc17 DomainName=lab.example -d pc17\n"
    "  amtlab wsman delete AMT_RemoteAccessPolicyRule -s PolicyRuleName=Periodic -d pc17\n"
    "  amtlab wsman invoke CIM_PowerManagementService.RequestPowerStateChange PowerState=8 \\\n"
    "      ManagedElement=ref:CIM_ComputerSystem,Name=ManagedSystem -d pc17\n\n"
    "A put reads the object, changes what is given and puts it back whole; --bare sends only\n"
    "what is given. A name that comes twice is an array. A VALUE is text, or one of\n"
    "  ref:CLASS,NAME=VALUE,...  a reference (MpServer=ref:AMT_ManagementPresenceRemoteSAP,"
    "Name=...)\n"
    "  file:PATH                 the bytes of a file, as base64 (CertificateBlob=file:root.der)\n"
    "  time:2026-01-01T00:00:00Z, interval:P1DT0H0M\n"
    "  text:...                  text that begins like one of these\n"
    "NAME:CLASS.PROPERTY=VALUE fills an embedded object, such as\n"
    "  AlarmTemplate:IPS_AlarmClockOccurrence.InstanceID=wake\n\n"
    "A user name and password go out by HTTP digest; a wrong password is tried once, because\n"
    "devices lock out after some failures.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct wsman_options),
    .arguments_min = 2,
    .arguments_max = 200,
    .run = run_wsman,
};
