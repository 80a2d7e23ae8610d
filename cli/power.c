/* Power of a device's host. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/reach.h"
#include "client/power.h"

struct power_options {
    struct reach_options reach;
    bool wait;
    uint64_t wait_limit_us;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(power_options),
    { "wait", 'w', CLI_FLAG, offsetof(struct power_options, wait), "", NULL,
      "on, off, sleep ...: come back when the host is there" },
    { "wait-limit", 0, CLI_DURATION, offsetof(struct power_options, wait_limit_us), "TIME", "60s",
      "how long to wait for it" },
    { .name = NULL },
};

static json_t *power_json(const struct client_power *power)
{
    json_t *out = json_object();
    json_object_set_new(out, "power", json_string(client_power_state_name(power->state)));
    json_object_set_new(out, "state", json_integer(power->state));
    if (power->os_saving != 0) {
        json_object_set_new(out, "os_power_saving", json_boolean(power->os_saving == 3));
    }
    if (power->possible == NULL) {
        return out;
    }
    json_t *possible = json_array();
    for (const struct wsman_value *at = power->possible; at != NULL; at = at->next) {
        uint64_t number = 0;
        const char *word = at->text;
        if (text_parse_u64(at->text, UINT32_MAX, &number) == AMT_OK) {
            for (const char *const *w = k_client_power_words; *w != NULL; w++) {
                word = client_power_number(*w) == number ? *w : word;
            }
        }
        json_array_append_new(possible, json_string(word));
    }
    json_object_set_new(out, "possible", possible);
    return out;
}

static int show(struct cli_reach *reach, struct client_device *device)
{
    struct client_power power;
    if (!client_power_read(device, &power)) {
        return cli_outcome(reach, &device->outcome);
    }
    cli_show(reach, power_json(&power));
    return CLI_OK;
}

static int request(struct cli_reach *reach, struct client_device *device,
                   const struct power_options *options, uint32_t number)
{
    if (!client_power_request(device, number)) {
        return cli_outcome(reach, &device->outcome);
    }
    bool goes_down = number == 4 || number == 7 || number == 8 || number == 12;
    if (options->wait &&
        !client_power_wait(device, reach->loop, !goes_down, options->wait_limit_us)) {
        return cli_outcome(reach, &device->outcome);
    }
    return options->wait ? show(reach, device) : CLI_OK;
}

static int unknown(const char *word)
{
    int near = text_nearest(word, k_client_power_words);
    (void)fprintf(stderr, "amtlab power: unknown action \"%s\"", word);
    if (near >= 0) {
        (void)fprintf(stderr, "; did you mean %s?", k_client_power_words[near]);
    }
    (void)fputs(" See: amtlab power --help\n", stderr);
    return CLI_USAGE;
}

static int run_power(const void *options, int argument_count, char **arguments)
{
    const struct power_options *o = options;
    const char *word = argument_count == 0 ? "show" : arguments[0];
    bool is_show = strcmp(word, "show") == 0;
    uint32_t number = client_power_number(word);
    struct cli_reach reach;
    if (!is_show && number == 0) {
        return unknown(word);
    }
    int result = cli_reach_open(&reach, &o->reach, "power");
    if (result < 0) {
        struct client_device device = { .client = reach.client, .arena = &reach.arena };
        result = is_show ? show(&reach, &device) : request(&reach, &device, o, number);
    }
    cli_reach_close(&reach);
    return result;
}

const struct cli_command k_command_power = {
    .name = "power",
    .arguments = "[show|on|off|cycle|reset|soft-off|soft-reset|sleep|hibernate|nmi]",
    .summary = "power of a device's host: show it, change it",
    .details = REACH_HELP
    "\n"
    "  amtlab power --device pc17            the state, and what is possible now\n"
    "  amtlab power off --device pc17        hard; soft-off asks the operating system\n"
    "  amtlab power on --uuid UUID --token-file token --wait\n\n"
    "on, off, cycle and reset need nothing on the host; sleep, hibernate, soft-off and\n"
    "soft-reset need AMT 9 and the host's service. A boot source set before with `amtlab boot\n"
    "set` is used by on, cycle and reset, once.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct power_options),
    .arguments_min = 0,
    .arguments_max = 1,
    .run = run_power,
};
