/* Recordings as JSON Lines. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/memory.h"
#include "protocol/apf/fields.h"
#include "scenarios/replay/recording.h"

#define DEVICE "dev"
#define SERVER "mps"

static const char *const k_ends[] = { "open", "", "fin", "reset" };

/* ---- reading ---- */

static enum amt_err read_text(const json_t *line, const char *key, const char **text,
                              struct amt_diag *diag)
{
    *text = json_string_value(json_object_get(line, key));
    return *text != NULL ? AMT_OK
                         : amt_diag_set(diag, AMT_EMALFORMED, "\"%s\" is missing or no text", key);
}

static enum amt_err read_sender(const json_t *line, bool *from_device, struct amt_diag *diag)
{
    const char *actor = NULL;
    const char *direction = NULL;
    TRY(read_text(line, "a", &actor, diag));
    TRY(read_text(line, "d", &direction, diag));
    bool is_device = strcmp(actor, DEVICE) == 0;
    bool is_out = strcmp(direction, "out") == 0;
    if ((!is_device && strcmp(actor, SERVER) != 0) || (!is_out && strcmp(direction, "in") != 0)) {
        return amt_diag_set(diag, AMT_EMALFORMED,
                            "\"a\" is \"dev\" or \"mps\", \"d\" is \"in\" or \"out\"");
    }
    *from_device = is_device == is_out;
    return AMT_OK;
}

static enum amt_err read_bytes(struct recording *recording, const char *text,
                               struct recording_event *event, struct amt_diag *diag)
{
    size_t chars = strlen(text);
    size_t len = 0;
    uint8_t *bytes = arena_alloc(&recording->arena, BASE64_BYTES(chars));
    if (bytes == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    if (base64_decode(text, chars, bytes, &len) != AMT_OK || len == 0) {
        return amt_diag_set(diag, AMT_EMALFORMED, "\"b\" is no base64 of one byte or more");
    }
    event->what = RECORDING_DATA;
    event->bytes = bytes;
    event->len = (uint32_t)len;
    return AMT_OK;
}

static enum amt_err read_end(const json_t *line, struct recording_event *event,
                             struct amt_diag *diag)
{
    const char *end = NULL;
    TRY(read_text(line, "e", &end, diag));
    for (int what = RECORDING_OPEN; what <= RECORDING_RESET; what++) {
        if (k_ends[what][0] != '\0' && strcmp(k_ends[what], end) == 0) {
            event->what = (enum recording_what)what;
            return AMT_OK;
        }
    }
    return amt_diag_set(diag, AMT_EMALFORMED, "\"e\" is open, fin or reset, not \"%s\"", end);
}

static enum amt_err read_event(struct recording *recording, const json_t *line,
                               struct amt_diag *diag)
{
    struct recording_event event = { .connection = 1 };
    const char *layer = NULL;
    TRY(read_text(line, "l", &layer, diag));
    if (strcmp(layer, "tcp") != 0) {
        return AMT_OK; /* decoded: for people */
    }
    const json_t *time = json_object_get(line, "t");
    const json_t *connection = json_object_get(line, "c");
    if (!json_is_integer(time) || json_integer_value(time) < 0 ||
        (connection != NULL &&
         (!json_is_integer(connection) || json_integer_value(connection) < 1 ||
          json_integer_value(connection) > RECORDING_CONNECTIONS_MAX))) {
        return amt_diag_set(diag, AMT_EMALFORMED,
                            "\"t\" is microseconds from 0, \"c\" a number from 1 to %u",
                            RECORDING_CONNECTIONS_MAX);
    }
    event.at_us = (uint64_t)json_integer_value(time);
    if (connection != NULL) {
        event.connection = (uint32_t)json_integer_value(connection);
    }
    TRY(read_sender(line, &event.from_device, diag));
    const char *bytes = json_string_value(json_object_get(line, "b"));
    if (bytes != NULL) {
        TRY(read_bytes(recording, bytes, &event, diag));
    } else {
        TRY(read_end(line, &event, diag));
    }
    return recording_add(recording, &event) == AMT_OK
               ? AMT_OK
               : amt_diag_set(diag, AMT_ENOMEM, "out of memory");
}

static enum amt_err read_header(struct recording *recording, const json_t *line,
                                struct amt_diag *diag)
{
    const json_t *version = json_object_get(line, "amtrec");
    if (!json_is_integer(version) || json_integer_value(version) != 1) {
        (void)amt_diag_set(diag, AMT_EMALFORMED,
                           "no recording: its first line has no \"amtrec\": 1");
        return amt_diag_hint(diag, "amtlab import makes recordings from captures");
    }
    const char *comment = json_string_value(json_object_get(line, "comment"));
    const json_t *start = json_object_get(line, "start_us");
    recording->start_us = json_integer_value(start) > 0 ? (uint64_t)json_integer_value(start) : 0;
    if (comment != NULL) {
        recording->comment = arena_text(&recording->arena, comment, strlen(comment));
    }
    return recording->comment != NULL ? AMT_OK : amt_diag_set(diag, AMT_ENOMEM, "out of memory");
}

static enum amt_err read_line(struct recording *recording, const char *chars, size_t len,
                              uint32_t number, struct amt_diag *diag)
{
    json_error_t error;
    json_t *line = json_loadb(chars, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json_is_object(line)) {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "not a JSON object: %s",
                           line == NULL ? error.text : "another value");
        amt_diag_at(diag, recording->path, number, line == NULL ? (uint32_t)error.column : 1);
        json_decref(line);
        return AMT_EMALFORMED;
    }
    enum amt_err err =
        number == 1 ? read_header(recording, line, diag) : read_event(recording, line, diag);
    if (err != AMT_OK) {
        amt_diag_at(diag, recording->path, number, 1);
    }
    json_decref(line);
    return err;
}

static enum amt_err read_lines(struct recording *recording, const char *text, size_t len,
                               struct amt_diag *diag)
{
    uint32_t number = 1;
    for (size_t at = 0; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end == NULL ? len - at : (size_t)(end - (text + at));
        if (line > 0) {
            TRY(read_line(recording, text + at, line, number, diag));
        }
        at += line + 1;
    }
    if (recording->events == NULL) {
        (void)amt_diag_set(diag, AMT_EMALFORMED, "a recording without events");
        amt_diag_at(diag, recording->path, number, 1);
        return AMT_EMALFORMED;
    }
    return recording_decode(recording) == AMT_OK ? AMT_OK
                                                 : amt_diag_set(diag, AMT_ENOMEM, "out of memory");
}

struct recording *recording_parse(const char *text, size_t len, const char *path,
                                  struct amt_diag *diag)
{
    struct recording *recording = recording_new();
    const char *copy = recording == NULL ? NULL : arena_text(&recording->arena, path, strlen(path));
    if (copy == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        recording_free(recording);
        return NULL;
    }
    recording->path = copy;
    if (read_lines(recording, text, len, diag) != AMT_OK) {
        recording_free(recording);
        return NULL;
    }
    return recording;
}

struct recording *recording_load(const char *path, struct amt_diag *diag)
{
    struct text text = { 0 };
    char piece[16384];
    FILE *in = fopen(path, "re");
    if (in == NULL) {
        (void)amt_diag_errno(diag, errno, "cannot read the recording %s", path);
        return NULL;
    }
    for (size_t got = 1; got > 0 && text.len <= RECORDING_MAX_BYTES;) {
        got = fread(piece, 1, sizeof piece, in);
        text_append(&text, piece, got);
    }
    struct recording *recording = NULL;
    if (ferror(in) != 0) {
        (void)amt_diag_errno(diag, errno, "cannot read the recording %s", path);
    } else if (text.failed || text.len > RECORDING_MAX_BYTES) {
        (void)amt_diag_set(diag, AMT_ETOOBIG, "the recording %s is above 256 MiB", path);
    } else {
        recording = recording_parse(text_chars(&text), text.len, path, diag);
    }
    (void)fclose(in);
    text_fini(&text);
    return recording;
}

/* ---- writing ---- */

static void put_event(const struct recording_event *event, struct text *out)
{
    text_printf(out, "{\"t\":%llu,\"a\":\"" DEVICE "\",\"d\":\"%s\",\"l\":\"tcp\",\"c\":%u,",
                (unsigned long long)event->at_us, event->from_device ? "out" : "in",
                event->connection);
    if (event->what == RECORDING_DATA) {
        text_puts(out, "\"b\":\"");
        base64_encode(out, event->bytes, event->len);
        text_puts(out, "\"}\n");
    } else {
        text_printf(out, "\"e\":\"%s\"}\n", k_ends[event->what]);
    }
}

static void put_field(const struct recording_step *step, const struct apf_field *field,
                      struct text *out)
{
    struct view view = apf_field_view(&step->message, field);
    struct uuid uuid;
    char text[UUID_TEXT_BYTES];
    if (field->secret) {
        text_puts(out, "\"(hidden)\"");
        return;
    }
    switch (field->kind) {
    case APF_FIELD_U8:
    case APF_FIELD_U32:
        text_printf(out, "%u", apf_field_number(&step->message, field));
        return;
    case APF_FIELD_BOOL:
        text_puts(out, apf_field_number(&step->message, field) != 0 ? "true" : "false");
        return;
    case APF_FIELD_TEXT:
        text_json(out, (const char *)step->bytes + view.off, view.len);
        return;
    case APF_FIELD_BYTES:
        text_printf(out, "\"%u bytes\"", view.len);
        return;
    case APF_FIELD_UUID:
        uuid_from_wire(step->message.uuid, &uuid);
        uuid_format(&uuid, text);
        text_printf(out, "\"%s\"", text);
        return;
    }
}

static void put_step(const struct recording_step *step, struct text *out)
{
    uint32_t count = 0;
    struct text name = { 0 };
    if (step->what != RECORDING_DATA) {
        return; /* the event says it */
    }
    recording_step_name(step, &name);
    const char *short_name =
        strncmp(text_chars(&name), "apf.", 4) == 0 ? text_chars(&name) + 4 : text_chars(&name);
    text_printf(out, "{\"t\":%llu,\"l\":\"apf\",\"c\":%u,\"n\":%u,\"m\":\"%s\",\"f\":{",
                (unsigned long long)step->at_us, step->connection, step->number, short_name);
    const struct apf_field *fields = step->is_apf ? apf_fields(&step->message, &count) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        text_printf(out, "%s\"%s\":", i == 0 ? "" : ",", fields[i].name);
        put_field(step, &fields[i], out);
    }
    text_puts(out, "}}\n");
    text_fini(&name);
}

void recording_write(const struct recording *recording, struct text *out)
{
    text_printf(out,
                "{\"amtrec\":1,\"program\":\"amtlab\",\"seed\":0,\"start_us\":%llu,\"actors\":["
                "{\"name\":\"" DEVICE "\",\"side\":\"device\"},{\"name\":\"" SERVER
                "\",\"side\":\"server\"}],\"certificates\":[],\"scrub\":[],\"comment\":",
                (unsigned long long)recording->start_us);
    text_json(out, recording->comment, strlen(recording->comment));
    text_puts(out, "}\n");
    const struct recording_step *step = recording->steps;
    for (const struct recording_event *event = recording->events; event != NULL;
         event = event->next) {
        put_event(event, out);
        for (; step != NULL && step->event == event; step = step->next) {
            put_step(step, out);
        }
    }
    for (; step != NULL; step = step->next) { /* what broke off with the recording */
        put_step(step, out);
    }
}
