/* `amtlab replay`: one side of a recording, without a scenario. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/secret_file.h"
#include "runtime/pki.h"
#include "scenarios/engine/pki_set.h"
#include "scenarios/replay/player.h"

struct replay_options {
    const char *to, *listen, *password_file, *pace, *compare, *name, *certificate, *key;
    struct cli_texts maps, ignores;
    uint64_t patience_us;
    bool plain, verbose;
};

static const struct cli_option k_options[] = {
    { "to", 0, CLI_TEXT, offsetof(struct replay_options, to), "HOST:PORT", NULL,
      "play the device against this server" },
    { "listen", 0, CLI_TEXT, offsetof(struct replay_options, listen), "HOST:PORT", NULL,
      "play the server, for a device that connects here; port 0 picks one" },
    { "plain", 0, CLI_FLAG, offsetof(struct replay_options, plain), "", NULL,
      "TCP without TLS (a server behind a TLS terminator)" },
    { "cert", 0, CLI_TEXT, offsetof(struct replay_options, certificate), "FILE", NULL,
      "PEM certificate for --listen; without one it is made, under a root that nobody trusts" },
    { "key", 0, CLI_TEXT, offsetof(struct replay_options, key), "FILE", NULL,
      "its private key [the file of --cert]" },
    { "name", 0, CLI_TEXT, offsetof(struct replay_options, name), "NAME", "mps.example",
      "Common Name of a certificate that is made" },
    { "password-file", 0, CLI_TEXT, offsetof(struct replay_options, password_file), "FILE", NULL,
      "first line is the CIRA password, - for standard input; or AMTLAB_PASSWORD; without one the "
      "recorded one is said" },
    { "map", 0, CLI_TEXTS, offsetof(struct replay_options, maps), "FIELD=VALUE", NULL,
      "say (or expect) this instead of what was recorded, repeatable: "
      "apf.protocol_version.uuid=..." },
    { "ignore", 0, CLI_TEXTS, offsetof(struct replay_options, ignores), "NAME", NULL,
      "a message, field or element that may differ, repeatable: apf.keepalive_options_request" },
    { "pace", 0, CLI_TEXT, offsetof(struct replay_options, pace), "PACE", "recorded",
      "recorded, fast, or a factor such as 2x" },
    { "compare", 0, CLI_TEXT, offsetof(struct replay_options, compare), "HOW", "semantic",
      "semantic, bytes or none" },
    { "patience", 0, CLI_DURATION, offsetof(struct replay_options, patience_us), "TIME", "10s",
      "how long beyond the recorded time to wait for the other side" },
    { "verbose", 'v', CLI_FLAG, offsetof(struct replay_options, verbose), "", NULL,
      "print every message" },
    { .name = NULL },
};

struct run {
    const struct replay_options *options;
    struct loop *loop;
    struct recording *recording;
    struct player *player;
    struct pki_set *pki;
    struct pki_identity *identity;
    struct tls_context *tls;
    struct secret password;
    char value[1024]; /* of the last --map that was asked for */
    bool is_interrupted;
};

/* ---- for the player ---- */

static void on_message(void *ctx, bool is_out, const struct recording_step *message)
{
    const struct run *run = ctx;
    char text[400] = "not APF";
    if (!run->options->verbose) {
        return;
    }
    if (message->is_apf) {
        apf_print(&message->message, message->bytes, text, sizeof text);
    }
    (void)printf("%s %s\n", is_out ? "->" : "<-", text);
}

static void on_connection(void *ctx, const char *what)
{
    const struct run *run = ctx;
    if (run->options->verbose) {
        (void)printf("-- %s\n", what);
    }
}

static void on_end(void *ctx)
{
    const struct run *run = ctx;
    loop_stop(run->loop);
}

static const char *given(void *ctx, const char *field)
{
    struct run *run = ctx;
    const struct cli_texts *maps = &run->options->maps;
    size_t len = strlen(field);
    for (uint32_t i = 0; i < maps->count; i++) {
        if (strncmp(maps->items[i], field, len) == 0 && maps->items[i][len] == '=') {
            return maps->items[i] + len + 1;
        }
    }
    if (strcmp(field, "apf.userauth_request.password") != 0 || run->password.len == 0) {
        return NULL;
    }
    (void)snprintf(run->value, sizeof run->value, "%.*s", (int)run->password.len,
                   (const char *)run->password.bytes);
    return run->value;
}

static bool is_ignored(void *ctx, const char *name)
{
    const struct run *run = ctx;
    const struct cli_texts *ignores = &run->options->ignores;
    for (uint32_t i = 0; i < ignores->count; i++) {
        if (strcmp(ignores->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct player_handler k_handler = { .on_message = on_message,
                                                 .on_connection = on_connection,
                                                 .on_end = on_end,
                                                 .given = given,
                                                 .is_ignored = is_ignored };

/* ---- options ---- */

static enum amt_err read_pace(const char *text, uint32_t *percent, struct amt_diag *diag)
{
    return player_read_pace(text, percent) == AMT_OK
               ? AMT_OK
               : amt_diag_set(diag, AMT_ECONFIG,
                              "--pace is recorded, fast or a factor such as 2x, not \"%s\"", text);
}

static enum amt_err read_how(const char *text, enum compare_how *how, struct amt_diag *diag)
{
    static const char *const k_words[] = { "semantic", "bytes", "none" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, k_words[i]) == 0) {
            *how = (enum compare_how)i;
            return AMT_OK;
        }
    }
    return amt_diag_set(diag, AMT_ECONFIG, "--compare is semantic, bytes or none, not \"%s\"",
                        text);
}

static enum amt_err read_options(struct run *run, struct player_settings *settings,
                                 struct amt_diag *diag)
{
    const struct replay_options *o = run->options;
    if ((o->to == NULL) == (o->listen == NULL)) {
        return amt_diag_set(
            diag, AMT_ECONFIG,
            "--to HOST:PORT plays the device, --listen HOST:PORT the server; one of "
            "the two is needed");
    }
    for (uint32_t i = 0; i < o->maps.count; i++) {
        if (strchr(o->maps.items[i], '=') == NULL) {
            return amt_diag_set(diag, AMT_ECONFIG, "--map is FIELD=VALUE, not \"%s\"",
                                o->maps.items[i]);
        }
    }
    settings->is_device = o->to != NULL;
    settings->listens = o->to == NULL;
    settings->patience_us = o->patience_us;
    TRY(read_pace(o->pace, &settings->speed_percent, diag));
    TRY(read_how(o->compare, &settings->how, diag));
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_PASSWORD", &run->password, diag);
    TRY(err == AMT_EUNKNOWN ? AMT_OK : err);
    return address_parse(o->to != NULL ? o->to : o->listen, 4433, &settings->to, diag);
}

static enum amt_err make_tls(struct run *run, struct amt_diag *diag)
{
    const struct replay_options *o = run->options;
    struct tls_settings settings = { .is_server = o->to == NULL };
    if (o->plain) {
        return AMT_OK;
    }
    if (settings.is_server && o->certificate != NULL) {
        run->identity = pki_load(o->certificate, o->key == NULL ? o->certificate : o->key, diag);
        settings.identity = run->identity;
    } else if (settings.is_server) {
        run->pki = pki_set_new(diag);
        settings.identity =
            run->pki == NULL ? NULL : pki_set_server(run->pki, o->name, PKI_FLAW_NONE, diag);
    }
    if (settings.is_server && settings.identity == NULL) {
        return AMT_ECERT;
    }
    run->tls = tls_context_new(&settings, diag);
    return run->tls == NULL ? AMT_ETLS : AMT_OK;
}

/* ---- playing ---- */

static void on_signal(void *ctx)
{
    struct run *run = ctx;
    run->is_interrupted = true;
    loop_stop(run->loop);
}

static int report(const struct run *run)
{
    const struct player_mismatch *mismatch = player_mismatch(run->player);
    uint32_t compared = 0;
    uint32_t sent = 0;
    player_counts(run->player, &compared, &sent);
    if (run->is_interrupted) {
        (void)printf("interrupted: %u messages sent, %u compared\n", sent, compared);
        return CLI_INTERRUPTED;
    }
    if (mismatch == NULL) {
        (void)printf("as recorded: %u messages sent, %u compared\n", sent, compared);
        return CLI_OK;
    }
    (void)printf("%s\n%s", text_chars(&mismatch->text), text_chars(&mismatch->table));
    if (mismatch->offset > 0) {
        (void)printf("  at byte %u of the message\n", mismatch->offset);
    }
    (void)printf("before that: %u messages sent, %u as recorded\n", sent, compared);
    return CLI_FAILED;
}

static int play(struct run *run, struct player_settings *settings, struct amt_diag *diag)
{
    settings->loop = run->loop;
    settings->recording = run->recording;
    settings->tls = run->tls;
    run->player = player_new(settings, &k_handler, run, diag);
    if (run->player == NULL) {
        return CLI_ENVIRONMENT;
    }
    if (loop_on_signal(run->loop, SIGINT, on_signal, run) != AMT_OK ||
        loop_on_signal(run->loop, SIGTERM, on_signal, run) != AMT_OK) {
        return CLI_INTERNAL;
    }
    if (settings->listens) {
        struct address address;
        char shown[ADDRESS_HOST_BYTES + 10];
        player_address(run->player, &address);
        address_format(&address, shown);
        (void)printf("{\"event\":\"ready\",\"listen\":[\"%s\"]}\n", shown);
        (void)fflush(stdout);
    }
    player_run(run->player, 0);
    loop_run(run->loop);
    return report(run);
}

static int run_replay(const void *options, int argument_count, char **arguments)
{
    struct run run = { .options = options };
    struct player_settings settings = { .loop = NULL };
    struct amt_diag diag = { .err = AMT_OK };
    int result = CLI_USAGE;
    (void)argument_count;
    (void)signal(SIGPIPE, SIG_IGN);
    if (read_options(&run, &settings, &diag) == AMT_OK) {
        result = CLI_INVALID;
        run.recording = recording_load(arguments[0], &diag);
        result = run.recording == NULL && diag.err == AMT_ESYS ? CLI_ENVIRONMENT : result;
        if (run.recording != NULL && make_tls(&run, &diag) == AMT_OK) {
            run.loop = loop_new_uv(&diag);
            result = run.loop == NULL ? CLI_ENVIRONMENT : play(&run, &settings, &diag);
        }
    }
    player_free(run.player);
    tls_context_free(run.tls);
    pki_identity_free(run.identity);
    pki_set_free(run.pki);
    recording_free(run.recording);
    loop_free(run.loop);
    secret_fini(&run.password);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab replay: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

const struct cli_command k_command_replay = {
    .name = "replay",
    .arguments = "RECORDING",
    .summary = "play one side of a recording",
    .details =
        "Plays the device of a recording (.amtrec, made by amtlab import) against a server, or "
        "the\n"
        "server against a device, and stops at the first message that is not as recorded: its "
        "number,\n"
        "where it differs, and both messages decoded, side by side. What has to differ from run to "
        "run\n"
        "is adapted: channel numbers, cookies, nonces, digest answers, message ids, lengths.\n\n"
        "  amtlab replay field.amtrec --to 127.0.0.1:4433 --password-file pw\n"
        "  amtlab replay field.amtrec --listen :4433 --ignore "
        "apf.keepalive_options_reply.interval\n"
        "  amtlab replay field.amtrec --to HOST:4433 --pace fast --map "
        "apf.protocol_version.uuid=UUID\n\n"
        "--listen prints one JSON line with the address when it is ready.\n\n"
        "Exit codes: 0 all as recorded, 1 something differs, 2 usage, 3 no recording, 4 the\n"
        "environment, 130 interrupted.\n",
    .options = k_options,
    .options_bytes = sizeof(struct replay_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_replay,
};
