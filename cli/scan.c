/* AMT devices on a local network. */
#include <stdio.h>

#include "base/text.h"
#include "cli/cli.h"
#include "client/scan.h"

struct scan_options {
    uint64_t port, wait_us;
    bool json;
};

static const struct cli_option k_options[] = {
    { "wait", 0, CLI_DURATION, offsetof(struct scan_options, wait_us), "TIME", "2s",
      "wait for answers behind the last ping" },
    { "port", 0, CLI_NUMBER, offsetof(struct scan_options, port), "PORT", "623", "UDP port" },
    { "json", 0, CLI_FLAG, offsetof(struct scan_options, json), "", NULL,
      "one JSON object a line" },
    { .name = NULL },
};

struct scanning {
    struct loop *loop;
    bool json;
    uint32_t count;
};

/* The wire has four bits for the release: 15 is what later ones say too. */
#define RELEASE_MAX 15u

static void on_found(void *ctx, const char *host, const struct rmcp_presence *presence)
{
    static const char *const k_states[] = { "not activated", "being activated", "activated" };
    struct scanning *scanning = ctx;
    const char *state = presence->provisioning < 3 ? k_states[presence->provisioning] : "unknown";
    scanning->count += 1;
    if (presence->enterprise != RMCP_ENTERPRISE_INTEL) {
        (void)printf(scanning->json ? "{\"host\":\"%s\",\"enterprise\":%u}\n"
                                    : "%-15s  answers, but is no Intel AMT (enterprise %u)\n",
                     host, presence->enterprise);
    } else if (scanning->json) {
        (void)printf("{\"host\":\"%s\",\"version\":\"%u.%u\",\"state\":\"%s\",\"port\":%u,"
                     "\"both_ports\":%s}\n",
                     host, presence->major, presence->minor, state, presence->open_port,
                     presence->has_both_ports ? "true" : "false");
    } else {
        (void)printf("%-15s  AMT %u.%u%s  %-15s  port %u%s\n", host, presence->major,
                     presence->minor, presence->major == RELEASE_MAX ? " or later" : "", state,
                     presence->open_port, presence->has_both_ports ? " and 16993" : "");
    }
    (void)fflush(stdout);
}

static void on_done(void *ctx)
{
    struct scanning *scanning = ctx;
    loop_stop(scanning->loop);
}

static int scan(struct scanning *scanning, const struct scan_options *o,
                const struct client_scan_range *range, struct amt_diag *diag)
{
    const struct client_scan_settings settings = { .loop = scanning->loop,
                                                   .range = *range,
                                                   .port = (uint16_t)o->port,
                                                   .wait_us = o->wait_us,
                                                   .on_found = on_found,
                                                   .on_done = on_done,
                                                   .ctx = scanning };
    struct client_scan *running = client_scan_start(&settings, diag);
    if (running == NULL) {
        return CLI_ENVIRONMENT;
    }
    loop_run(scanning->loop);
    uint32_t unsent = client_scan_unsent(running);
    client_scan_free(running);
    if (unsent == range->last - range->first + 1) {
        (void)amt_diag_set(diag, AMT_ESYS, "not one ping could be sent: no way to that network");
        return CLI_ENVIRONMENT;
    }
    if (unsent > 0) {
        (void)fprintf(stderr, "amtlab scan: %u pings could not be sent\n", unsent);
    }
    return scanning->count == 0 ? CLI_NOTHING : CLI_OK;
}

static int run_scan(const void *options, int argument_count, char **arguments)
{
    const struct scan_options *o = options;
    struct scanning scanning = { .json = o->json };
    struct amt_diag diag = { .err = AMT_OK };
    struct client_scan_range range;
    int result = CLI_USAGE;
    (void)argument_count;
    if (o->port == 0 || o->port > UINT16_MAX) {
        (void)amt_diag_set(&diag, AMT_ECONFIG, "--port: a number from 1 to 65535");
    } else if (client_scan_range(arguments[0], &range, &diag) == AMT_OK) {
        scanning.loop = loop_new_uv(&diag);
        result = scanning.loop == NULL ? CLI_ENVIRONMENT : scan(&scanning, o, &range, &diag);
        loop_free(scanning.loop);
    }
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab scan: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

const struct cli_command k_command_scan = {
    .name = "scan",
    .arguments = "RANGE",
    .summary = "find AMT devices on a local network",
    .details =
        "Pings each IPv4 address of RANGE as management consoles do (RMCP presence ping, UDP 623) "
        "and\nshows who answers: release, whether it is activated, open ports. Nothing is changed, "
        "and\n"
        "no password is needed. Most devices answer only once they are activated.\n\n"
        "  amtlab scan 192.168.1.0/24\n"
        "  amtlab scan 10.0.0.1-10.0.0.40 --json\n"
        "  amtlab info --device 192.168.1.17        then: what it is, its UUID\n\n"
        "Exit codes: 0 found, 2 usage, 4 the network cannot be reached, 5 nobody answers.\n",
    .options = k_options,
    .options_bytes = sizeof(struct scan_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_scan,
};
