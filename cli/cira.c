/* Where a device calls home. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/reach.h"
#include "cli/secret_file.h"
#include "client/cira.h"
#include "runtime/pki.h"

struct cira_options {
    struct reach_options reach;
    const char *mps_user, *mps_password_file, *common_name, *root, *home;
    uint64_t interval_us;
    bool user_initiated;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(cira_options),
    { "mps-user", 0, CLI_TEXT, offsetof(struct cira_options, mps_user), "NAME", NULL,
      "set: user name at the MPS" },
    { "mps-password-file", 0, CLI_TEXT, offsetof(struct cira_options, mps_password_file), "FILE",
      NULL, "set: its password; or AMTLAB_MPS_PASSWORD" },
    { "root", 0, CLI_TEXT, offsetof(struct cira_options, root), "FILE", NULL,
      "set: PEM of the root that signs the MPS's certificate" },
    { "common-name", 0, CLI_TEXT, offsetof(struct cira_options, common_name), "NAME", NULL,
      "set: with an address: name in that certificate" },
    { "interval", 0, CLI_DURATION, offsetof(struct cira_options, interval_us), "TIME", "30s",
      "set: call so often while outside (0: no periodic policy)" },
    { "user-initiated", 0, CLI_FLAG, offsetof(struct cira_options, user_initiated), "", NULL,
      "set: also when the person at the machine asks for help" },
    { "home", 0, CLI_TEXT, offsetof(struct cira_options, home), "SUFFIX", NULL,
      "set: DNS suffix inside which it does not call; without it, it always does" },
    { .name = NULL },
};

struct job {
    struct cli_reach reach;
    struct client_device device;
    const struct cira_options *options;
    struct address server;
    struct secret password;
    uint8_t *root; /* DER */
    uint32_t root_bytes;
};

static int done(struct job *job, bool is_done)
{
    return is_done ? CLI_OK : cli_outcome(&job->reach, &job->device.outcome);
}

static int show(struct job *job)
{
    struct client_cira_state state;
    if (!client_cira_read(&job->device, &state)) {
        return done(job, false);
    }
    json_t *out = json_object();
    json_object_set_new(
        out, "connected",
        json_boolean(wsman_get_bool(state.service, "IsRemoteTunnelConnected", false)));
    json_object_set_new(out, "servers", cli_instances_json(state.servers));
    json_object_set_new(out, "policies", cli_instances_json(state.policies));
    json_object_set_new(out, "links", cli_instances_json(state.links));
    json_object_set_new(out, "environment", cli_instance_json(state.environment));
    json_object_set_new(out, "user_initiated", cli_instance_json(state.user_initiated));
    cli_show(&job->reach, out);
    return CLI_OK;
}

static int usage(const char *text, const char *word)
{
    (void)fprintf(stderr, "amtlab cira: %s \"%s\". See: amtlab cira --help\n", text, word);
    return CLI_USAGE;
}

/* The first certificate of a PEM file as DER. */
static int read_root(struct job *job)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (job->options->root == NULL) {
        return -1;
    }
    job->root = pki_load_der(job->options->root, &job->root_bytes, &diag);
    return job->root != NULL ? -1 : cli_reach_failed(&job->reach, CLI_ENVIRONMENT, &diag);
}

static int read_set_options(struct job *job, const char *where)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (where == NULL || job->options->mps_user == NULL) {
        return usage("set wants HOST[:PORT] and", "--mps-user");
    }
    if (address_parse(where, 4433, &job->server, &diag) != AMT_OK) {
        return cli_reach_failed(&job->reach, CLI_USAGE, &diag);
    }
    enum amt_err err =
        cli_secret(job->options->mps_password_file, "AMTLAB_MPS_PASSWORD", &job->password, &diag);
    if (err == AMT_EUNKNOWN) {
        return usage("set wants", "--mps-password-file");
    }
    return err == AMT_OK ? read_root(job) : cli_reach_failed(&job->reach, CLI_USAGE, &diag);
}

static int set(struct job *job)
{
    struct client_cira cira = { .host = job->server.host,
                                .port = job->server.port,
                                .common_name = job->options->common_name,
                                .user = job->options->mps_user,
                                .password = &job->password,
                                .root = job->root,
                                .root_bytes = job->root_bytes,
                                .interval_s = (uint32_t)(job->options->interval_us / US_PER_SECOND),
                                .user_initiated = job->options->user_initiated,
                                .home_suffix = job->options->home };
    return done(job, client_cira_clear(&job->device) && client_cira_set(&job->device, &cira));
}

static int run_cira(const void *options, int argument_count, char **arguments)
{
    struct job job = { .options = options };
    const char *word = argument_count == 0 ? "show" : arguments[0];
    bool is_show = strcmp(word, "show") == 0, is_set = strcmp(word, "set") == 0,
         is_clear = strcmp(word, "clear") == 0;
    if (!is_show && !is_set && !is_clear) {
        return usage("wanted show, set or clear, not", word);
    }
    if (argument_count > 1 && !is_set) {
        return usage("too many words:", arguments[1]);
    }
    int result = cli_reach_open(&job.reach, &job.options->reach, "cira");
    job.device = (struct client_device){ .client = job.reach.client, .arena = &job.reach.arena };
    if (result < 0 && is_set) {
        result = read_set_options(&job, argument_count > 1 ? arguments[1] : NULL);
    }
    if (result < 0) {
        result = is_show  ? show(&job)
                 : is_set ? set(&job)
                          : done(&job, client_cira_clear(&job.device));
    }
    secret_fini(&job.password);
    amt_free(job.root);
    cli_reach_close(&job.reach);
    return result;
}

const struct cli_command k_command_cira = {
    .name = "cira",
    .arguments = "[show|set HOST[:PORT]|clear]",
    .summary = "where a device calls home: show it, set it, take it away",
    .details = REACH_HELP
    "\n"
    "  amtlab cira --device pc17\n"
    "  amtlab cira set mps.example --mps-user USER --mps-password-file FILE --root root.crt \\\n"
    "      --device pc17\n"
    "  amtlab cira clear --device pc17\n\n"
    "set takes the servers and policies that are there away, then stores the root, the server,\n"
    "a periodic policy and environment detection, in the order of activation servers. Firmware\n"
    "begins to call within the interval. Through an MPS this changes the very connection that\n"
    "carries it.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct cira_options),
    .arguments_min = 0,
    .arguments_max = 2,
    .run = run_cira,
};
