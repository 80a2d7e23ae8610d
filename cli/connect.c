/* An operator's end of a device's port: standard input and output, or a local port. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/cli.h"
#include "cli/secret_file.h"
#include "client/channel.h"
#include "runtime/join.h"

struct connect_options {
    const char *api, *token_file, *listen;
    uint64_t quiet_us;
};

static const struct cli_option k_options[] = {
    { "api", 0, CLI_TEXT, offsetof(struct connect_options, api), "HOST:PORT", "127.0.0.1:4480",
      "operator API of the MPS" },
    { "token-file", 0, CLI_TEXT, offsetof(struct connect_options, token_file), "FILE", NULL,
      "first line is the operator token, - for standard input; or AMTLAB_TOKEN" },
    { "listen", 0, CLI_TEXT, offsetof(struct connect_options, listen), "HOST:PORT", NULL,
      "forward a local port (0 picks one) instead of standard input and output" },
    { "quiet", 0, CLI_DURATION, offsetof(struct connect_options, quiet_us), "TIME", "5s",
      "after the end of input, wait for the device's answer until it is silent for" },
    { .name = NULL },
};

struct connecting {
    struct loop *loop;
    struct client_channel_target target;
    uint64_t quiet_us;
    int result;
    bool is_forwarding; /* --listen: one failed channel does not end the program */
};

/* One pair of streams on its way. */
struct pair {
    struct connecting *all;
    struct stream *local, *device;
};

static void on_pair_done(void *ctx, uint64_t to_local, uint64_t to_device)
{
    struct connecting *all = ctx;
    (void)to_local;
    (void)to_device;
    if (!all->is_forwarding) {
        loop_stop(all->loop);
    }
}

static void give_up(struct pair *pair, const char *error)
{
    struct connecting *all = pair->all;
    (void)fprintf(stderr, "amtlab connect: %s\n", error);
    all->result = CLI_ENVIRONMENT;
    stream_close(pair->local);
    stream_close(pair->device);
    amt_free(pair);
    on_pair_done(all, 0, 0);
}

static void on_channel(void *ctx)
{
    struct pair pair = *(struct pair *)ctx;
    struct connecting *all = pair.all;
    amt_free(ctx);
    struct join_side device = { .stream = pair.device, .cannot_half_close = true };
    struct join_side person = { .stream = pair.local };
    stream_resume(pair.local);
    if (join_streams(all->loop, device, person, all->quiet_us, on_pair_done, all) == NULL) {
        on_pair_done(all, 0, 0);
    }
}

static void on_no_channel(void *ctx, const struct stream_end *end)
{
    give_up(ctx, end->text);
}

static const struct stream_handler k_waiting = { .on_open = NULL };
static const struct stream_handler k_opening = { .on_open = on_channel, .on_end = on_no_channel };

static void start_pair(struct connecting *all, struct stream *local)
{
    struct pair *pair = amt_alloc(sizeof *pair);
    if (pair == NULL) {
        stream_close(local);
        return;
    }
    pair->all = all;
    pair->local = local;
    stream_set_handler(local, &k_waiting, pair);
    stream_pause(local); /* nothing is read before there is somewhere to put it */
    pair->device = client_channel_open(all->loop, &all->target, &k_opening, pair);
    if (pair->device == NULL) {
        give_up(pair, "out of memory");
    }
}

static void on_accept(void *ctx, struct stream *s)
{
    start_pair(ctx, s);
}

static void on_stop(void *ctx)
{
    loop_stop(ctx);
}

static int serve_port(struct connecting *all, const char *listen, struct amt_diag *diag)
{
    struct address address;
    if (address_parse(listen, 0, &address, diag) != AMT_OK) {
        return CLI_USAGE;
    }
    struct listener *listener = net_listen(all->loop, &address, on_accept, all, diag);
    if (listener == NULL) {
        return CLI_ENVIRONMENT;
    }
    char text[ADDRESS_HOST_BYTES + 10];
    listener_address(listener, &address);
    address_format(&address, text);
    (void)printf("{\"event\":\"ready\",\"listen\":\"%s\"}\n", text);
    (void)fflush(stdout);
    all->is_forwarding = true;
    loop_run(all->loop);
    listener_close(listener);
    return CLI_OK;
}

static int serve_stdio(struct connecting *all, struct amt_diag *diag)
{
    struct stream *stdio = net_stdio(all->loop, diag);
    if (stdio == NULL) {
        return CLI_ENVIRONMENT;
    }
    start_pair(all, stdio);
    loop_run(all->loop);
    return all->result;
}

static int connect_with(struct connecting *all, const struct connect_options *o,
                        struct amt_diag *diag)
{
    all->loop = loop_new_uv(diag);
    if (all->loop == NULL) {
        return CLI_ENVIRONMENT;
    }
    int result = CLI_ENVIRONMENT;
    if (loop_on_signal(all->loop, SIGTERM, on_stop, all->loop) == AMT_OK &&
        loop_on_signal(all->loop, SIGINT, on_stop, all->loop) == AMT_OK) {
        result = o->listen != NULL ? serve_port(all, o->listen, diag) : serve_stdio(all, diag);
    }
    loop_free(all->loop);
    return result;
}

static int run_connect(const void *options, int argument_count, char **arguments)
{
    const struct connect_options *o = options;
    struct amt_diag diag = { .err = AMT_OK };
    struct secret token = { .len = 0 };
    struct connecting all = { .quiet_us = o->quiet_us };
    struct uuid uuid;
    uint64_t port = 0;
    (void)argument_count;
    if (uuid_parse(arguments[0], &uuid) != AMT_OK) {
        (void)fprintf(stderr, "amtlab connect: \"%s\" is no device UUID\n", arguments[0]);
        return CLI_USAGE;
    }
    if (text_parse_u64(arguments[1], 65535, &port) != AMT_OK || port == 0) {
        (void)fprintf(stderr, "amtlab connect: \"%s\" is no port (1 to 65535)\n", arguments[1]);
        return CLI_USAGE;
    }
    enum amt_err err = cli_secret(o->token_file, "AMTLAB_TOKEN", &token, &diag);
    if (err == AMT_EUNKNOWN) {
        (void)fputs("amtlab connect: no operator token. Make one with `amtlab admin token add "
                    "NAME`, then use --token-file or AMTLAB_TOKEN\n",
                    stderr);
        return CLI_USAGE;
    }
    int result = CLI_USAGE;
    if (err == AMT_OK) {
        err = address_parse(o->api, 4480, &all.target.api, &diag);
    }
    if (err == AMT_OK) {
        char canonical[UUID_TEXT_BYTES];
        uuid_format(&uuid, canonical);
        all.target.uuid = canonical;
        all.target.port = (uint32_t)port;
        all.target.token = &token;
        result = connect_with(&all, o, &diag);
    }
    secret_fini(&token);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab connect: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

const struct cli_command k_command_connect = {
    .name = "connect",
    .arguments = "UUID PORT",
    .summary = "reach a port of an online device through an MPS",
    .details =
        "Opens a channel to PORT of the device and copies bytes, through the operator API "
        "of `amtlab mps`.\n\n"
        "  amtlab connect UUID 16992 --token-file token --listen 127.0.0.1:0\n"
        "      forwards a local port; each connection is one channel. The first line of\n"
        "      standard output says which port: {\"event\":\"ready\",\"listen\":\"...\"}\n"
        "  printf 'GET / HTTP/1.1\\r\\n\\r\\n' | amtlab connect UUID 16992 --token-file token\n"
        "      one channel on standard input and output\n\n"
        "Exit codes: 0 done, 2 usage, 4 no connection, refused, or the device is not "
        "online.\n",
    .options = k_options,
    .options_bytes = sizeof(struct connect_options),
    .arguments_min = 2,
    .arguments_max = 2,
    .run = run_connect,
};
