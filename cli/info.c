/* What a device is. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/reach.h"
#include "client/info.h"

#define PARTS_MAX 32

struct info_options {
    struct reach_options reach;
    bool all;
};

static const struct cli_option k_options[] = {
    REACH_OPTIONS(info_options),
    { "all", 'a', CLI_FLAG, offsetof(struct info_options, all), "", NULL,
      "every part, all properties" },
    { .name = NULL },
};

static void set_text(json_t *out, const char *name, const char *text)
{
    if (text[0] != '\0') {
        json_object_set_new(out, name, json_string(text));
    }
}

static int show_summary(struct cli_reach *reach, struct client_device *device)
{
    struct client_summary s;
    if (!client_summary_read(device, &s)) {
        return cli_outcome(reach, &device->outcome);
    }
    json_t *out = json_object();
    set_text(out, "version", s.version);
    set_text(out, "build", s.build);
    set_text(out, "sku", s.sku);
    set_text(out, "mode", s.mode);
    set_text(out, "power", s.power);
    set_text(out, "host", s.host);
    set_text(out, "domain", s.domain);
    set_text(out, "uuid", s.uuid);
    set_text(out, "mac", s.mac);
    set_text(out, "address", s.address);
    json_object_set_new(out, "link", json_boolean(s.link_is_up));
    set_text(out, "manufacturer", s.manufacturer);
    set_text(out, "model", s.model);
    set_text(out, "serial", s.serial);
    set_text(out, "bios", s.bios);
    set_text(out, "realm", s.realm);
    json_object_set_new(out, "absent_classes", json_integer(s.absent));
    cli_show(reach, out);
    return CLI_OK;
}

/* -1, or the exit code when nothing more can be asked. */
static int add_part(struct cli_reach *reach, struct client_device *device,
                    const struct client_info_part *part, json_t *out)
{
    struct wsman_instance *items = NULL;
    bool is_absent = false;
    json_t *value = json_object();
    bool is_done = client_info_read(device, part, &items, &is_absent);
    json_object_set_new(value, "class", json_string(part->class_name));
    json_object_set_new(value, "present", json_boolean(is_done && !is_absent));
    if (!is_done) {
        json_object_set_new(value, "error", json_string(device->outcome.diag.text));
    } else if (!is_absent) {
        json_object_set_new(value, "items", cli_instances_json(items));
    }
    json_object_set_new(out, part->name, value);
    enum wsman_result result = device->outcome.result;
    bool goes_on = is_done || result == WSMAN_FAULTED || result == WSMAN_HTTP ||
                   result == WSMAN_GARBLED || result == WSMAN_LATE;
    return goes_on ? -1 : cli_outcome(reach, &device->outcome);
}

static const struct client_info_part *find_part(const char *name)
{
    const char *names[PARTS_MAX + 1];
    int count = 0;
    for (const struct client_info_part *part = k_client_info_parts; part->name != NULL; part++) {
        if (strcmp(part->name, name) == 0) {
            return part;
        }
        names[count++] = part->name;
    }
    names[count] = NULL;
    int near = text_nearest(name, names);
    (void)fprintf(stderr, "amtlab info: there is no part \"%s\"", name);
    if (near >= 0) {
        (void)fprintf(stderr, "; did you mean %s?", names[near]);
    }
    (void)fputs(" See: amtlab info --help\n", stderr);
    return NULL;
}

static int show_parts(struct cli_reach *reach, struct client_device *device, int count,
                      char **names)
{
    json_t *out = json_object();
    int result = -1;
    for (int i = 0; i < count && result < 0; i++) {
        result = add_part(reach, device, find_part(names[i]), out);
    }
    for (const struct client_info_part *part = k_client_info_parts;
         count == 0 && result < 0 && part->name != NULL; part++) {
        result = add_part(reach, device, part, out);
    }
    if (result >= 0) {
        json_decref(out);
        return result;
    }
    cli_show(reach, out);
    return CLI_OK;
}

static int run_info(const void *options, int argument_count, char **arguments)
{
    const struct info_options *o = options;
    struct cli_reach reach;
    for (int i = 0; i < argument_count; i++) {
        if (find_part(arguments[i]) == NULL) {
            return CLI_USAGE;
        }
    }
    int result = cli_reach_open(&reach, &o->reach, "info");
    if (result < 0) {
        struct client_device device = { .client = reach.client, .arena = &reach.arena };
        result = argument_count == 0 && !o->all
                     ? show_summary(&reach, &device)
                     : show_parts(&reach, &device, argument_count, arguments);
    }
    cli_reach_close(&reach);
    return result;
}

const struct cli_command k_command_info = {
    .name = "info",
    .arguments = "[PART]...",
    .summary = "what a device is: version, mode, names, network, hardware",
    .details = REACH_HELP
    "\n"
    "  amtlab info --device pc17                  the short form\n"
    "  amtlab info network tls --device pc17      parts, with all properties\n"
    "  amtlab info --all --json --uuid UUID --token-file token\n\n"
    "Parts: general setup mode software network tls redirection kvm consent system chassis\n"
    "board bios processor memory media certificates. A part that the device does not have\n"
    "(hardware, release) is shown as not present and is no error.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct info_options),
    .arguments_min = 0,
    .arguments_max = PARTS_MAX,
    .run = run_info,
};
