/* The logs of a device. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/reach.h"
#include "client/logs.h"

struct logs_options {
    struct reach_options reach;
};

static const struct cli_option k_options[] = { REACH_OPTIONS(logs_options), { .name = NULL } };

static const char *time_text(uint32_t seconds, char out[static 24])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL || strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        return "?";
    }
    return out;
}

static json_t *hex_json(const uint8_t *bytes, uint32_t len)
{
    struct text text = { 0 };
    text_hex(&text, bytes, len);
    json_t *out = json_string(text_chars(&text));
    text_fini(&text);
    return out;
}

static json_t *audit_json(const struct client_audit_record *record)
{
    char time[24];
    json_t *out = json_object();
    if (!record->is_readable) {
        json_object_set_new(out, "unreadable", json_string(record->raw));
        return out;
    }
    json_object_set_new(out, "time", json_string(time_text(record->time_s, time)));
    json_object_set_new(out, "application",
                        json_string(client_audit_application(record->application)));
    json_object_set_new(out, "application_id", json_integer(record->application));
    json_object_set_new(out, "event_id", json_integer(record->event));
    json_object_set_new(out, "initiator", json_string(client_audit_initiator(record->initiator)));
    json_object_set_new(out, "user", json_string(record->user));
    json_object_set_new(out, "address", json_string(record->address));
    json_object_set_new(out, "data", hex_json(record->extra, record->extra_bytes));
    return out;
}

static json_t *event_json(const struct client_event_record *record)
{
    char time[24];
    json_t *out = json_object();
    if (!record->is_readable) {
        json_object_set_new(out, "unreadable", json_string(record->raw));
        return out;
    }
    json_object_set_new(out, "time", json_string(time_text(record->time_s, time)));
    json_object_set_new(out, "severity", json_string(client_event_severity(record->severity)));
    json_object_set_new(out, "sensor_type", json_integer(record->sensor_type));
    json_object_set_new(out, "event_type", json_integer(record->type));
    json_object_set_new(out, "offset", json_integer(record->offset));
    json_object_set_new(out, "source", json_integer(record->source));
    json_object_set_new(out, "device_address", json_integer(record->address));
    json_object_set_new(out, "sensor", json_integer(record->sensor));
    json_object_set_new(out, "entity", json_integer(record->entity));
    json_object_set_new(out, "entity_instance", json_integer(record->entity_instance));
    json_object_set_new(out, "data", hex_json(record->data, sizeof record->data));
    return out;
}

static int show_audit(struct cli_reach *reach, struct client_device *device)
{
    struct client_audit_record *first = NULL;
    uint32_t count = 0;
    if (!client_audit_log(device, &first, &count)) {
        return cli_outcome(reach, &device->outcome);
    }
    json_t *out = json_array();
    for (const struct client_audit_record *at = first; at != NULL; at = at->next) {
        json_array_append_new(out, audit_json(at));
    }
    cli_show(reach, out);
    return CLI_OK;
}

static int show_events(struct cli_reach *reach, struct client_device *device)
{
    struct client_event_record *first = NULL;
    uint32_t count = 0;
    if (!client_event_log(device, &first, &count)) {
        return cli_outcome(reach, &device->outcome);
    }
    json_t *out = json_array();
    for (const struct client_event_record *at = first; at != NULL; at = at->next) {
        json_array_append_new(out, event_json(at));
    }
    cli_show(reach, out);
    return CLI_OK;
}

static int clear(struct cli_reach *reach, struct client_device *device, const char *class_name)
{
    return client_invoke(device, class_name, "ClearLog", NULL)
               ? CLI_OK
               : cli_outcome(reach, &device->outcome);
}

static int run_logs(const void *options, int argument_count, char **arguments)
{
    const struct logs_options *o = options;
    bool is_audit = strcmp(arguments[0], "audit") == 0;
    bool clears = argument_count > 1 && strcmp(arguments[1], "clear") == 0;
    struct cli_reach reach;
    if ((!is_audit && strcmp(arguments[0], "event") != 0) || (argument_count > 1 && !clears)) {
        (void)fputs("amtlab logs: wanted audit or event, and clear. See: amtlab logs --help\n",
                    stderr);
        return CLI_USAGE;
    }
    int result = cli_reach_open(&reach, &o->reach, "logs");
    if (result < 0) {
        struct client_device device = { .client = reach.client, .arena = &reach.arena };
        if (clears) {
            result = clear(&reach, &device, is_audit ? "AMT_AuditLog" : "AMT_MessageLog");
        } else {
            result = is_audit ? show_audit(&reach, &device) : show_events(&reach, &device);
        }
    }
    cli_reach_close(&reach);
    return result;
}

const struct cli_command k_command_logs = {
    .name = "logs",
    .arguments = "audit|event [clear]",
    .summary = "the audit log and the event log of a device",
    .details = REACH_HELP
    "\n"
    "  amtlab logs audit --device pc17        who did what to the device, oldest first\n"
    "  amtlab logs event --device pc17        what happened to the machine (IPMI events)\n"
    "  amtlab logs event clear --device pc17\n\n"
    "Times are those of the device's clock. The audit log needs the audit-log "
    "realm.\n\n" REACH_EXITS,
    .options = k_options,
    .options_bytes = sizeof(struct logs_options),
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_logs,
};
