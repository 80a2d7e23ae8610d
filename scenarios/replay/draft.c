#include "scenarios/replay/draft.h"

#include <stdio.h>
#include <string.h>

#include "protocol/apf/fields.h"

#define SLACK_S 30u

/* The values of the first login; empty ones were not seen. */
struct seen {
    const struct recording_step *version, *login, *options, *forwarded, *farewell;
    uint64_t ping_us, ping_gap_us; /* the device's keepalives */
    bool has_password, is_overwritten;
    uint32_t logins, channels;
};

static void look_at_time(const struct recording_step *step, struct seen *seen)
{
    switch (step->message.type) {
    case APF_REQUEST_SUCCESS:
        seen->forwarded = seen->ping_us == 0 && step->connection == 1 ? step : seen->forwarded;
        break;
    case APF_KEEPALIVE_REQUEST:
        if (step->from_device && step->connection == 1) {
            seen->ping_gap_us = seen->ping_us != 0 && seen->ping_gap_us == 0
                                    ? step->at_us - seen->ping_us
                                    : seen->ping_gap_us;
            seen->ping_us = step->at_us;
        }
        break;
    case APF_DISCONNECT:
        seen->farewell = step->from_device && step->connection == 1 ? step : seen->farewell;
        break;
    default:
        break;
    }
}

static void look(const struct recording *recording, struct seen *seen)
{
    for (const struct recording_step *step = recording->steps; step != NULL; step = step->next) {
        if (!step->is_apf) {
            continue;
        }
        const struct apf_message *m = &step->message;
        if (m->type == APF_PROTOCOLVERSION && step->from_device && seen->version == NULL) {
            seen->version = step;
        } else if (m->type == APF_USERAUTH_REQUEST && seen->login == NULL) {
            seen->login = step;
            seen->has_password = m->has_password;
            seen->is_overwritten = m->password.len > 0;
            for (uint32_t i = 0; i < m->password.len; i++) {
                seen->is_overwritten =
                    seen->is_overwritten && step->bytes[m->password.off + i] == '*';
            }
        } else if (m->type == APF_KEEPALIVE_OPTIONS_REPLY) {
            seen->options = step;
        }
        look_at_time(step, seen);
        seen->logins += m->type == APF_USERAUTH_SUCCESS ? 1 : 0;
        seen->channels += m->type == APF_CHANNEL_OPEN ? 1 : 0;
    }
}

static void put_quoted(const struct recording_step *step, struct view view, struct text *out)
{
    text_json(out, (const char *)step->bytes + view.off, view.len);
}

static void put_uuid(const struct recording_step *step, struct text *out)
{
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    uuid_from_wire(step->message.uuid, &uuid);
    uuid_format(&uuid, text);
    text_puts(out, text);
}

static void put_variables(const struct seen *seen, struct text *out)
{
    if (seen->version != NULL) {
        text_puts(out, "  uuid: \"");
        put_uuid(seen->version, out);
        text_puts(out,
                  "\"   # the device's; give another one where this device is connected already\n");
    }
    if (seen->login != NULL) {
        text_puts(out, "  user: ");
        put_quoted(seen->login, seen->login->message.user, out);
        text_puts(out, "   # CIRA user name; the server has to know it\n");
    }
    if (seen->has_password && seen->is_overwritten) {
        text_puts(out,
                  "  password: \"\"   # overwritten with * in the capture: --var password=..., or "
                  "AMTLAB_VAR_password\n");
    } else if (seen->has_password) {
        text_puts(out,
                  "  # The CIRA password is in the recording and is said as it stands there.\n");
    }
    text_puts(out, "  http_password: \"\"   # of the AMT user, to make digest answers anew for new "
                   "nonces; \"\": as recorded\n");
}

static void put_map(const struct seen *seen, bool plays_device, struct text *out)
{
    if (seen->version != NULL) {
        text_printf(out, "      apf.protocol_version.uuid: ${uuid}   # %s\n",
                    plays_device ? "said instead of the recorded one"
                                 : "expected of the device instead of the recorded one");
    }
    if (seen->login != NULL) {
        text_puts(out, "      apf.userauth_request.user: ${user}\n");
    }
    if (seen->has_password && seen->is_overwritten) {
        text_puts(out, "      apf.userauth_request.password: ${password}\n");
    }
    text_puts(out,
              "      http.password: ${http_password}\n"
              "      # Channel numbers, windows, cookies of keepalives, digest nonces and answers, "
              "WS-Man\n"
              "      # message ids and HTTP lengths are followed without being named here.\n");
}

static void put_head(const struct recording *recording, const struct draft_settings *settings,
                     const struct seen *seen, struct text *out)
{
    const char *side = settings->plays_device ? "device" : "server";
    text_puts(out,
              "# A draft: name it, say what has to hold, loosen what may differ (docs/record.md).\n"
              "amtlab: 1\nname: ");
    text_json(out, settings->name, strlen(settings->name));
    text_printf(out,
                "\nid: %s-%s\nsummary: |\n  Plays the %s's side of a recording (%s):\n"
                "  %u messages on %u connection%s, %u login%s, %u channel%s.\n",
                settings->name, side, side, recording->comment, recording->messages,
                recording->connections, recording->connections == 1 ? "" : "s", seen->logins,
                seen->logins == 1 ? "" : "s", seen->channels, seen->channels == 1 ? "" : "s");
    text_printf(out, "tags: [replay]\nsubject: %s\nclock: %s\n",
                settings->plays_device ? "mps" : "device",
                settings->plays_device ? "auto" : "virtual");
    text_puts(
        out, "# Expectations pass over these: how data are cut and credited, and when keepalive is "
             "agreed on,\n# is each server's own affair.\n"
             "ignore: [apf.channel_data, apf.channel_window_adjust, "
             "apf.keepalive_options_request]\nvars:\n");
    put_variables(seen, out);
}

static uint64_t duration_s(const struct recording *recording)
{
    return recording->last_event == NULL ? 0 : recording->last_event->at_us / 1000000 + SLACK_S;
}

/* ---- actors ---- */

static void put_server_actor(const struct seen *seen, struct text *out)
{
    text_puts(out, "  mps:   # the built-in server; another one with --target mps=HOST:PORT\n"
                   "    kind: mps\n");
    if (seen->login == NULL) {
        return;
    }
    text_puts(out, "    users: [{ name: \"${user}\"");
    if (seen->has_password && seen->is_overwritten) {
        text_puts(out, ", password: \"${password}\"");
    } else if (seen->has_password) {
        text_puts(out, ", password: ");
        put_quoted(seen->login, seen->login->message.password, out);
    }
    text_puts(out, " }]\n");
}

static void put_ports(const struct recording *recording, struct text *out)
{
    const char *between = "";
    for (const struct recording_step *step = recording->steps; step != NULL; step = step->next) {
        if (step->is_apf && step->connection == 1 && step->message.type == APF_GLOBAL_REQUEST &&
            step->message.request == APF_REQUEST_FORWARD) {
            text_printf(out, "%s%u", between, step->message.port);
            between = ", ";
        }
    }
}

static void put_device_actor(const struct recording *recording, const struct seen *seen,
                             struct text *out)
{
    const struct recording_step *request = recording->steps;
    while (request != NULL && !(request->is_apf && request->message.type == APF_GLOBAL_REQUEST)) {
        request = request->next;
    }
    text_puts(out, "  dev:   # the built-in device, set up to be the one in the recording\n"
                   "    kind: device\n    uuid: \"${uuid}\"\n");
    if (request != NULL) {
        text_puts(out, "    forward: [");
        put_ports(recording, out);
        text_puts(out, "]\n    forward_address: ");
        put_quoted(request, request->message.address, out);
        text_puts(out, "\n");
    }
    text_puts(out, "    cira:\n      to: mps\n      reconnect: { disabled: true }\n");
    if (seen->login != NULL) {
        text_puts(out, "      user: \"${user}\"\n");
        text_puts(out, "      password: ");
        if (seen->is_overwritten) {
            text_puts(out, "\"${password}\"");
        } else {
            put_quoted(seen->login, seen->login->message.password, out);
        }
        text_puts(out, "\n");
    }
    unsigned long long gap_ms = (seen->ping_gap_us + 50000) / 100000 * 100;
    if (gap_ms > 0) {
        text_printf(out,
                    "      keepalive: %llums   # as it came; the first one may be late\n"
                    "      keepalive_negotiable: false\n",
                    gap_ms);
    }
    static const char *const k_triggers[] = { "none", "user", "alert", "provisioning", "periodic" };
    if (seen->version != NULL && seen->version->message.trigger < 5) {
        text_printf(out, "      trigger: %s\n", k_triggers[seen->version->message.trigger]);
    }
}

static void put_actors(const struct recording *recording, const struct draft_settings *settings,
                       const struct seen *seen, struct text *out)
{
    text_puts(out, "actors:\n");
    if (settings->plays_device) {
        put_server_actor(seen, out);
    }
    text_printf(out,
                "  %s:\n    kind: replay\n    recording: ", settings->plays_device ? "dev" : "mps");
    text_json(out, settings->recording, strlen(settings->recording));
    text_printf(out, "\n    side: %s\n    %s\n    map:\n",
                settings->plays_device ? "device" : "server",
                settings->plays_device ? "to: mps" : "listen: \"127.0.0.1:0\"");
    put_map(seen, settings->plays_device, out);
    text_puts(out, "    pace: recorded   # or fast, or 2x\n"
                   "    compare:\n      to: semantic   # bytes: every byte as recorded; none: only "
                   "which messages\n"
                   "      ignore:\n");
    if (settings->plays_device) {
        text_puts(
            out, "        - apf.keepalive_options_request   # when it is asked differs from server "
                 "to server\n        - apf.protocol_version   # only some servers answer it\n");
    } else {
        text_puts(out,
                  "        - apf.keepalive_options_reply.interval   # the device's own choice\n"
                  "        - apf.keepalive_options_reply.timeout\n");
    }
    if (!settings->plays_device) {
        put_device_actor(recording, seen, out);
    }
}

/* ---- steps ---- */

static bool is_expected(const struct recording_step *step, bool plays_device)
{
    bool is_of_peer = step->from_device != plays_device;
    return is_of_peer && step->is_apf && step->message.type != APF_CHANNEL_DATA &&
           step->message.type != APF_CHANNEL_WINDOW_ADJUST &&
           step->message.type != APF_KEEPALIVE_OPTIONS_REQUEST &&
           !(plays_device && step->message.type == APF_PROTOCOLVERSION);
}

/* Fields that a run has in common with the recording; the others are told in a comment. */
static bool is_fixed(const struct recording_step *step, const struct apf_field *field)
{
    static const char *const k_fixed[] = { "service", "port",         "reason",
                                           "request", "channel_type", "major",
                                           "minor",   "methods",      "want_reply" };
    for (uint32_t i = 0; i < sizeof k_fixed / sizeof k_fixed[0]; i++) {
        if (strcmp(k_fixed[i], field->name) == 0) {
            return field->kind == APF_FIELD_U32 || field->kind == APF_FIELD_U8 ||
                   apf_field_view(&step->message, field).len > 0;
        }
    }
    return false;
}

static void put_field(const struct recording_step *step, const struct apf_field *field,
                      struct text *out)
{
    if (field->kind == APF_FIELD_TEXT) {
        put_quoted(step, apf_field_view(&step->message, field), out);
    } else {
        text_printf(out, "%u", apf_field_number(&step->message, field));
    }
}

static void put_expectation(const struct recording_step *step, struct text *out)
{
    uint32_t count = 0;
    struct text variable = { 0 };
    const struct apf_field *fields = apf_fields(&step->message, &count);
    text_puts(out, "      - expect: { msg: ");
    recording_step_name(step, out);
    for (uint32_t i = 0; i < count; i++) {
        if (is_fixed(step, &fields[i])) {
            text_printf(out, ", %s: ", fields[i].name);
            put_field(step, &fields[i], out);
        } else if (fields[i].kind == APF_FIELD_U32 && strncmp(fields[i].name, "reserved", 8) != 0) {
            text_printf(&variable, "%s%s was %u", variable.len == 0 ? "" : ", ", fields[i].name,
                        apf_field_number(&step->message, &fields[i]));
        }
    }
    text_printf(out, " }   # message %u%s%s\n", step->number, variable.len == 0 ? "" : "; ",
                text_chars(&variable));
    text_fini(&variable);
}

/* The device connects, and leaves when it did. */
static void put_device_steps(const struct seen *seen, unsigned long long seconds, struct text *out)
{
    text_printf(out,
                "  - name: the device says what it said\n    parallel:\n"
                "      - { actor: mps, replay.run: { until: end }, within: %llus }\n"
                "      - actor: dev\n        do:\n"
                "          - { cira.connect: {}, within: %llus }\n",
                seconds, seconds);
    if (seen->farewell != NULL && seen->forwarded != NULL) {
        unsigned long long ms = (seen->farewell->at_us - seen->forwarded->at_us) / 1000;
        text_printf(out, "          - wait: %llums\n          - cira.disconnect: { reason: %u }\n",
                    ms, seen->farewell->message.reason);
    }
}

static void put_steps(const struct recording *recording, const struct seen *seen, bool plays_device,
                      struct text *out)
{
    unsigned long long seconds = duration_s(recording);
    const char *actor = plays_device ? "dev" : "mps";
    text_puts(out, "steps:\n");
    if (plays_device) {
        text_printf(
            out,
            "  - name: the server says what it said\n    actor: %s\n    replay.run: { until: "
            "end }\n    within: %llus\n",
            actor, seconds);
    } else {
        put_device_steps(seen, seconds, out);
    }
    text_printf(
        out,
        "  # The same as single expectations, to keep, loosen or remove. The replay alone would "
        "do.\n  - name: what was said, message by message\n    actor: %s\n    do:\n",
        actor);
    bool has_any = false;
    for (const struct recording_step *step = recording->steps; step != NULL; step = step->next) {
        if (step->what == RECORDING_DATA && is_expected(step, plays_device)) {
            put_expectation(step, out);
            has_any = true;
        }
    }
    if (!has_any) {
        text_puts(out, "      - log: the other side said nothing\n");
    }
    text_printf(out, "  - check: { %s.replay.mismatches: { len: 0 } }\n", actor);
}

void draft_write(const struct recording *recording, const struct draft_settings *settings,
                 struct text *out)
{
    struct seen seen = { .version = NULL };
    look(recording, &seen);
    unsigned long long limit_s = duration_s(recording) * 2;
    put_head(recording, settings, &seen, out);
    text_printf(out, "timeout: %llus\n", limit_s);
    put_actors(recording, settings, &seen, out);
    put_steps(recording, &seen, settings->plays_device, out);
}
