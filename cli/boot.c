/* What a device's host boots next. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/reach.h"
#include "client/boot.h"
#include "client/power.h"

struct boot_options {
    struct reach_options reach;
    const char *then;
    bool bios, pause, sol, ider, ider_cd, safe_mode;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(boot_options),
    { "bios", 0, CLI_FLAG, offsetof(struct boot_options, bios), "", NULL,
      "set: enter the BIOS setup" },
    { "pause", 0, CLI_FLAG, offsetof(struct boot_options, pause), "", NULL,
      "set: stop in the BIOS until a key is pressed" },
    { "sol", 0, CLI_FLAG, offsetof(struct boot_options, sol), "", NULL,
      "set: BIOS text goes to serial over LAN" },
    { "ider", 0, CLI_FLAG, offsetof(struct boot_options, ider), "", NULL,
      "set: boot from redirected storage (a floppy image)" },
    { "ider-cd", 0, CLI_FLAG, offsetof(struct boot_options, ider_cd), "", NULL,
      "set: boot from redirected storage (a CD image)" },
    { "safe-mode", 0, CLI_FLAG, offsetof(struct boot_options, safe_mode), "", NULL,
      "set: the operating system's safe mode" },
    { "then", 0, CLI_TEXT, offsetof(struct boot_options, then), "on|cycle|reset", NULL,
      "set: and this power action" },
    { .name = NULL },
};

static json_t *state_json(const struct client_boot_state *state)
{
    json_t *out = json_object(), *sources = json_array();
    for (const struct wsman_instance *at = state->sources; at != NULL; at = at->next) {
        const char *id = wsman_get(at, "InstanceID");
        json_array_append_new(sources, json_string(id == NULL ? "" : id));
    }
    json_object_set_new(out, "sources", sources);
    json_object_set_new(out, "settings", cli_instance_json(state->settings));
    json_object_set_new(out, "capabilities", cli_instance_json(state->capabilities));
    json_object_set_new(out, "service", cli_instance_json(state->service));
    return out;
}

static int show(struct cli_reach *reach, struct client_device *device)
{
    struct client_boot_state state;
    if (!client_boot_read(device, &state)) {
        return cli_outcome(reach, &device->outcome);
    }
    cli_show(reach, state_json(&state));
    return CLI_OK;
}

static int set(struct cli_reach *reach, struct client_device *device, const struct boot_options *o,
               const char *source)
{
    struct client_boot boot = { .source = source,
                                .bios_setup = o->bios,
                                .bios_pause = o->pause,
                                .use_sol = o->sol,
                                .use_ider = o->ider || o->ider_cd,
                                .ider_from_cd = o->ider_cd,
                                .safe_mode = o->safe_mode };
    bool is_done = client_boot_set(device, &boot) &&
                   (o->then == NULL || client_power_request(device, client_power_number(o->then)));
    return is_done ? CLI_OK : cli_outcome(reach, &device->outcome);
}

static int usage(const char *text, const char *word)
{
    (void)fprintf(stderr, "amtlab boot: %s \"%s\". See: amtlab boot --help\n", text, word);
    return CLI_USAGE;
}

static int run_boot(const void *options, int argument_count, char **arguments)
{
    const struct boot_options *o = options;
    const char *word = argument_count == 0 ? "show" : arguments[0];
    bool is_show = strcmp(word, "show") == 0;
    uint32_t then = o->then == NULL ? 0 : client_power_number(o->then);
    struct cli_reach reach;
    if (!is_show && strcmp(word, "set") != 0) {
        return usage("wanted show or set, not", word);
    }
    if (is_show && argument_count > 1) {
        return usage("show takes no source:", arguments[1]);
    }
    if (o->then != NULL && then != 2 && then != 5 && then != 10) {
        return usage("--then wants on, cycle or reset, not", o->then);
    }
    int result = cli_reach_open(&reach, &o->reach, "boot");
    if (result < 0) {
        struct client_device device = { .client = reach.client, .arena = &reach.arena };
        result = is_show ? show(&reach, &device)
                         : set(&reach, &device, o, argument_count > 1 ? arguments[1] : NULL);
    }
    cli_reach_close(&reach);
    return result;
}

const struct cli_command k_command_boot = {
    .name = "boot",
    .arguments = "[show|set [disk|pxe|cd|diagnostic|INSTANCE-ID]]",
    .summary = "what a device's host boots next",
    .details = REACH_HELP
    "\n"
    "  amtlab boot --device pc17                  settings, capabilities, sources\n"
    "  amtlab boot set pxe --then cycle -d pc17   once from the network, now\n"
    "  amtlab boot set --bios --sol --then reset -d pc17\n"
    "  amtlab boot set -d pc17                    everything back to usual\n\n"
    "Settings count for the next on, cycle or reset, once. What is not asked for is switched\n"
    "off. In client control mode the person at the machine has to agree first.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct boot_options),
    .arguments_min = 0,
    .arguments_max = 2,
    .run = run_boot,
};
