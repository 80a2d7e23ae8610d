/* The users of a device. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/reach.h"
#include "cli/secret_file.h"
#include "client/users.h"

struct users_options {
    struct reach_options reach;
    const char *new_password_file, *access;
    struct cli_texts realms;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(users_options),
    { "new-password-file", 0, CLI_TEXT, offsetof(struct users_options, new_password_file), "FILE",
      NULL, "add, password, admin: the password to set; or AMTLAB_NEW_PASSWORD" },
    { "realm", 0, CLI_TEXTS, offsetof(struct users_options, realms), "NAME", NULL,
      "add: what the user may do; may be repeated" },
    { "access", 0, CLI_TEXT, offsetof(struct users_options, access), "local|network|any", "any",
      "add: from where" },
    { .name = NULL },
};

struct job {
    struct cli_reach reach;
    struct client_device device;
    const struct users_options *options;
    const char *name;
    struct secret password;
};

static int done(struct job *job, bool is_done)
{
    return is_done ? CLI_OK : cli_outcome(&job->reach, &job->device.outcome);
}

static json_t *user_json(const struct client_user *user)
{
    static const char *const k_access[] = { "local", "network", "any" };
    json_t *out = json_object(), *realms = json_array();
    json_object_set_new(out, "name", json_string(user->name));
    json_object_set_new(out, "handle", json_integer(user->handle));
    if (user->sid[0] != '\0') {
        json_object_set_new(out, "kerberos_sid", json_string(user->sid));
    }
    json_object_set_new(out, "enabled", json_boolean(user->is_enabled));
    json_object_set_new(out, "access",
                        json_string(user->access < 3 ? k_access[user->access] : "?"));
    for (uint32_t i = 0; i < CLIENT_REALMS; i++) {
        const char *name = client_realm_name(i);
        if ((user->realms & 1u << i) != 0 && name != NULL) {
            json_array_append_new(realms, json_string(name));
        }
    }
    json_object_set_new(out, "realms", realms);
    return out;
}

static int list(struct job *job)
{
    struct client_user *first = NULL;
    const char *admin = NULL;
    if (!client_users_read(&job->device, &first, &admin)) {
        return done(job, false);
    }
    json_t *out = json_object(), *users = json_array();
    for (const struct client_user *at = first; at != NULL; at = at->next) {
        json_array_append_new(users, user_json(at));
    }
    json_object_set_new(out, "administrator", json_string(admin));
    json_object_set_new(out, "users", users);
    cli_show(&job->reach, out);
    return CLI_OK;
}

static int usage(const char *text, const char *word)
{
    (void)fprintf(stderr, "amtlab users: %s \"%s\". See: amtlab users --help\n", text, word);
    return CLI_USAGE;
}

static int read_rights(const struct users_options *o, uint32_t *access, uint32_t *realms)
{
    static const char *const k_access[] = { "local", "network", "any" };
    *access = 3;
    for (uint32_t i = 0; i < 3; i++) {
        *access = strcmp(o->access, k_access[i]) == 0 ? i : *access;
    }
    if (*access == 3) {
        return usage("--access wants local, network or any, not", o->access);
    }
    for (uint32_t i = 0; i < o->realms.count; i++) {
        uint32_t realm = client_realm_number(o->realms.items[i]);
        if (realm == 0) {
            return usage("no such realm:", o->realms.items[i]);
        }
        *realms |= 1u << realm;
    }
    return *realms == 0 ? usage("add needs --realm:", "administration, remote-control ...") : -1;
}

static int add(struct job *job)
{
    uint32_t access = 0, realms = 0;
    int result = read_rights(job->options, &access, &realms);
    return result >= 0 ? result
                       : done(job, client_user_add(&job->device, job->name, &job->password, access,
                                                   realms));
}

static int set_admin(struct job *job)
{
    return done(job, client_admin_set(&job->device, job->name, &job->password));
}

static int set_password(struct job *job)
{
    const struct client_user *user = client_user_find(&job->device, job->name);
    return done(job, user != NULL && client_user_set_password(&job->device, user, &job->password));
}

static int remove_user(struct job *job)
{
    const struct client_user *user = client_user_find(&job->device, job->name);
    return done(job, user != NULL && client_user_remove(&job->device, user->handle));
}

static int enable(struct job *job)
{
    const struct client_user *user = client_user_find(&job->device, job->name);
    return done(job, user != NULL && client_user_enable(&job->device, user->handle, true));
}

static int disable(struct job *job)
{
    const struct client_user *user = client_user_find(&job->device, job->name);
    return done(job, user != NULL && client_user_enable(&job->device, user->handle, false));
}

static const struct action {
    const char *word;
    bool takes_name, takes_password;
    int (*run)(struct job *job);
} k_actions[] = {
    { "list", false, false, list },         { "add", true, true, add },
    { "remove", true, false, remove_user }, { "enable", true, false, enable },
    { "disable", true, false, disable },    { "password", true, true, set_password },
    { "admin", true, true, set_admin },
};

static const struct action *find_action(const char *word)
{
    for (size_t i = 0; i < sizeof k_actions / sizeof k_actions[0]; i++) {
        if (strcmp(k_actions[i].word, word) == 0) {
            return &k_actions[i];
        }
    }
    return NULL;
}

static int read_password(struct job *job)
{
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err =
        cli_secret(job->options->new_password_file, "AMTLAB_NEW_PASSWORD", &job->password, &diag);
    if (err == AMT_EUNKNOWN) {
        return usage("the new password is missing: use", "--new-password-file");
    }
    return err == AMT_OK ? -1 : cli_reach_failed(&job->reach, CLI_USAGE, &diag);
}

static int run_users(const void *options, int argument_count, char **arguments)
{
    struct job job = { .options = options };
    const char *word = argument_count == 0 ? "list" : arguments[0];
    const struct action *action = find_action(word);
    if (action == NULL) {
        return usage("unknown action", word);
    }
    if ((argument_count == 2) != action->takes_name) {
        return usage(action->takes_name ? "a name is missing for" : "no name wanted for", word);
    }
    job.name = action->takes_name ? arguments[1] : NULL;
    int result = cli_reach_open(&job.reach, &job.options->reach, "users");
    job.device = (struct client_device){ .client = job.reach.client, .arena = &job.reach.arena };
    if (result < 0 && action->takes_password) {
        result = read_password(&job);
    }
    if (result < 0) {
        result = action->run(&job);
    }
    secret_fini(&job.password);
    cli_reach_close(&job.reach);
    return result;
}

const struct cli_command k_command_users = {
    .name = "users",
    .arguments = "[list|add NAME|remove NAME|enable NAME|disable NAME|password NAME|admin NAME]",
    .summary = "the users of a device and what they may do",
    .details = REACH_HELP
    "\n"
    "  amtlab users --device pc17\n"
    "  amtlab users add helpdesk --realm remote-control --realm redirection \\\n"
    "      --new-password-file FILE --device pc17\n"
    "  amtlab users password helpdesk --new-password-file FILE --device pc17\n"
    "  amtlab users admin admin --new-password-file FILE --device pc17\n\n"
    "Realms: redirection administration hardware-asset remote-control storage event-manager\n"
    "storage-admin agent-presence-local agent-presence-remote circuit-breaker network-time\n"
    "general-info firmware-update eit local-user-notification endpoint-access-control\n"
    "endpoint-access-control-admin event-log-reader audit-log acl, or their numbers. `admin`\n"
    "sets name and password of the administrator, who is in no list. Passwords go to the device\n"
    "as digest hashes only.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct users_options),
    .arguments_min = 0,
    .arguments_max = 2,
    .run = run_users,
};
