#include "scenarios/replay/import.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "scenarios/replay/segments.h"
#include "scenarios/replay/tshark.h"

#define FIELDS 8 /* of a line of tshark_decrypt */

struct importer {
    const struct import_settings *settings;
    struct segments segments;
    struct imported *list, *last;
};

/* ---- TLS ---- */

/* What the wire said of a TLS connection is dropped but its beginning and end. */
static void keep_ends(struct segment_connection *c)
{
    struct segment_event **at = &c->events;
    c->last_event = NULL;
    while (*at != NULL) {
        if ((*at)->what == RECORDING_DATA) {
            *at = (*at)->next;
        } else {
            c->last_event = *at;
            at = &(*at)->next;
        }
    }
}

static bool read_end(const char *v4, const char *v6, const char *port, struct frame_end *end)
{
    char name[80];
    (void)snprintf(name, sizeof name, v4[0] != '\0' ? "%s%s:%s" : "%s[%s]:%s", v4, v6, port);
    return frame_end_parse(name, end) == AMT_OK;
}

/* "1700000000.123456000" to microseconds */
static uint64_t read_time(const char *text)
{
    uint64_t us = 0;
    uint32_t digits = 0;
    bool is_fraction = false;
    for (; *text != '\0' && digits < 6; text++) {
        is_fraction = is_fraction || *text == '.';
        if (*text >= '0' && *text <= '9') {
            us = us * 10 + (uint64_t)(*text - '0');
            digits += is_fraction ? 1 : 0;
        }
    }
    for (; digits < 6; digits++) {
        us *= 10;
    }
    return us;
}

/* Puts an event at its place in time. */
static enum amt_err insert(struct segments *segments, struct segment_connection *c,
                           const struct segment_event *event)
{
    struct segment_event *first = c->events;
    struct segment_event *last = c->last_event;
    struct segment_event *before = NULL;
    for (struct segment_event *at = first; at != NULL; at = at->next) {
        bool is_before = at->time_us < event->time_us ||
                         (at->time_us == event->time_us && at->what == RECORDING_DATA);
        if (!is_before) {
            break;
        }
        before = at;
    }
    c->events = c->last_event = NULL;
    TRY(segment_add(segments, c, event));
    struct segment_event *added = c->events;
    added->next = before == NULL ? first : before->next;
    if (before != NULL) {
        before->next = added;
    }
    c->events = before == NULL ? added : first;
    c->last_event = added->next == NULL ? added : last;
    return AMT_OK;
}

/* One or more records in hex, ',' between them. */
static enum amt_err add_records(struct importer *importer, struct segment_connection *c,
                                struct segment_event *event, char *hex)
{
    struct segments *segments = &importer->segments;
    while (*hex != '\0') {
        size_t digits = strcspn(hex, ",");
        bool is_last = hex[digits] == '\0';
        size_t len = 0;
        hex[digits] = '\0';
        uint8_t *bytes = amt_alloc(digits / 2 + 1);
        if (bytes == NULL) {
            return AMT_ENOMEM;
        }
        enum amt_err err = text_parse_hex(hex, bytes, digits / 2, &len);
        event->bytes = bytes;
        event->len = (uint32_t)len;
        err = err == AMT_OK && len > 0 ? insert(segments, c, event) : err;
        amt_free(bytes);
        TRY(err);
        hex += digits + (is_last ? 0 : 1);
    }
    return AMT_OK;
}

static enum amt_err add_line(struct importer *importer, char *line)
{
    char *fields[FIELDS];
    struct frame_end from;
    struct frame_end to;
    uint32_t count = 0;
    for (char *at = line; count < FIELDS; count++) {
        fields[count] = at;
        at += strcspn(at, "\t");
        if (*at == '\0') {
            count++;
            break;
        }
        *at++ = '\0';
    }
    if (count != FIELDS || !read_end(fields[1], fields[2], fields[3], &from) ||
        !read_end(fields[4], fields[5], fields[6], &to)) {
        return AMT_OK; /* not a frame of TCP, or a tunnel in a tunnel */
    }
    struct segment_event event = { .what = RECORDING_DATA, .time_us = read_time(fields[0]) };
    struct segment_connection *c =
        segments_find(&importer->segments, &from, &to, &event.from_client);
    if (c == NULL || !c->is_tls) {
        return AMT_OK;
    }
    if (event.from_client && !c->is_apf) {
        c->is_apf = strncmp(fields[7], "c0", 2) == 0 || strncmp(fields[7], "05", 2) == 0;
    }
    return add_records(importer, c, &event, fields[7]);
}

static enum amt_err decrypt_port(struct importer *importer, uint16_t port, struct amt_diag *diag)
{
    const struct import_settings *settings = importer->settings;
    struct text out = { 0 };
    enum amt_err err =
        tshark_decrypt(settings->tshark, settings->path, settings->key_log, port, &out, diag);
    char *chars = out.chars;
    for (size_t at = 0; err == AMT_OK && at < out.len;) {
        size_t len = strcspn(chars + at, "\n");
        bool is_last = chars[at + len] == '\0';
        chars[at + len] = '\0';
        err = add_line(importer, chars + at);
        at += len + (is_last ? 0 : 1);
    }
    text_fini(&out);
    return err == AMT_ENOMEM ? amt_diag_set(diag, err, "out of memory") : err;
}

static bool was_done(const struct segment_connection *first, const struct segment_connection *c)
{
    for (; first != c; first = first->next) {
        if (first->is_tls && first->server.port == c->server.port) {
            return true;
        }
    }
    return false;
}

static enum amt_err decrypt(struct importer *importer, struct amt_diag *diag)
{
    struct segment_connection *first = importer->segments.connections;
    bool has_tls = false;
    bool has_data = false;
    for (struct segment_connection *c = first; c != NULL; c = c->next) {
        if (c->is_tls) {
            keep_ends(c);
        }
    }
    for (struct segment_connection *c = first; c != NULL; c = c->next) {
        if (c->is_tls && !was_done(first, c)) {
            TRY(decrypt_port(importer, c->server.port, diag));
        }
        has_tls = has_tls || c->is_tls;
    }
    for (struct segment_connection *c = first; c != NULL; c = c->next) {
        has_data = has_data || c->is_apf;
    }
    if (has_tls && !has_data) {
        (void)amt_diag_set(diag, AMT_EMALFORMED,
                           "%s: no TLS connection could be decrypted to APF with %s",
                           importer->settings->path,
                           importer->settings->key_log == NULL ? "the secrets in it"
                                                               : importer->settings->key_log);
        return amt_diag_hint(diag,
                             "--keylog FILE is the key log of the server or the device, of the "
                             "same time (amtlab mps --keylog, SSLKEYLOGFILE, NODE_OPTIONS="
                             "--tls-keylog=FILE)");
    }
    return AMT_OK;
}

/* ---- recordings ---- */

/* The UUID in the first PROTOCOLVERSION of the device. */
static bool find_uuid(const struct segment_connection *c, struct uuid *uuid)
{
    uint8_t head[256];
    uint32_t len = 0;
    for (const struct segment_event *at = c->events; at != NULL && len < sizeof head;
         at = at->next) {
        if (at->what == RECORDING_DATA && at->from_client) {
            uint32_t take = at->len < sizeof head - len ? at->len : (uint32_t)sizeof head - len;
            memcpy(head + len, at->bytes, take);
            len += take;
        }
    }
    const struct apf_context context = { .direction = APF_DEV_TO_MPS };
    for (uint32_t at = 0; at < len;) {
        struct apf_message message;
        uint32_t used = 0;
        if (apf_decode(head + at, len - at, &context, &message, &used) != APF_OK) {
            break;
        }
        if (message.type == APF_PROTOCOLVERSION) {
            uuid_from_wire(message.uuid, uuid);
            return true;
        }
        at += used;
    }
    return false;
}

static struct imported *imported_for(struct importer *importer, const struct segment_connection *c)
{
    struct uuid uuid = { .bytes = { 0 } };
    bool has_uuid = find_uuid(c, &uuid);
    for (struct imported *at = importer->list; at != NULL; at = at->next) {
        if (at->has_uuid == has_uuid && uuid_equal(&at->uuid, &uuid)) {
            return at;
        }
    }
    struct imported *added = amt_alloc(sizeof *added);
    if (added == NULL) {
        return NULL;
    }
    added->uuid = uuid;
    added->has_uuid = has_uuid;
    added->recording = recording_new();
    if (importer->last == NULL) {
        importer->list = added;
    } else {
        importer->last->next = added;
    }
    importer->last = added;
    return added;
}

/* Events of several connections at once go by time: the next one of all that belong to the recording. */
struct merge {
    struct segment_connection *connection;
    const struct segment_event *next;
    uint32_t number;
    bool is_open;
};

static enum amt_err add_next(struct recording *recording, struct merge *of, uint64_t start_us)
{
    struct recording_event event = { .connection = of->number };
    if (!of->is_open) {
        of->is_open = true;
        event.what = RECORDING_OPEN;
        event.from_device = true;
        event.at_us = of->connection->begin_us - start_us;
        return recording_add(recording, &event);
    }
    event.what = of->next->what;
    event.from_device = of->next->from_client;
    event.at_us = of->next->time_us > start_us ? of->next->time_us - start_us : 0;
    event.bytes = of->next->bytes;
    event.len = of->next->len;
    of->next = of->next->next;
    return recording_add(recording, &event);
}

static uint64_t time_of(const struct merge *m)
{
    return !m->is_open ? m->connection->begin_us : m->next == NULL ? UINT64_MAX : m->next->time_us;
}

static enum amt_err merge_all(struct recording *recording, struct merge *merges, uint32_t count)
{
    recording->start_us = merges[0].connection->begin_us;
    for (;;) {
        struct merge *earliest = &merges[0];
        for (uint32_t i = 1; i < count; i++) {
            earliest = time_of(&merges[i]) < time_of(earliest) ? &merges[i] : earliest;
        }
        if (time_of(earliest) == UINT64_MAX) {
            return recording_decode(recording);
        }
        TRY(add_next(recording, earliest, recording->start_us));
    }
}

static enum amt_err fill(struct importer *importer, struct imported *imported,
                         struct amt_diag *diag)
{
    struct merge *merges = amt_alloc_array(RECORDING_CONNECTIONS_MAX, sizeof *merges);
    struct text comment = { 0 };
    uint32_t count = 0;
    enum amt_err err = merges == NULL || imported->recording == NULL ? AMT_ENOMEM : AMT_OK;
    for (struct segment_connection *c = importer->segments.connections; c != NULL && err == AMT_OK;
         c = c->next) {
        if (!c->is_apf || imported_for(importer, c) != imported) {
            continue;
        }
        if (count == RECORDING_CONNECTIONS_MAX) {
            err = AMT_ELIMIT;
            break;
        }
        merges[count] = (struct merge){ .connection = c, .next = c->events, .number = count + 1 };
        count++;
    }
    err = err == AMT_OK ? merge_all(imported->recording, merges, count) : err;
    const char *name = strrchr(importer->settings->path, '/');
    text_printf(&comment, "imported from %s", name == NULL ? importer->settings->path : name + 1);
    if (err == AMT_OK) {
        imported->recording->comment =
            arena_text(&imported->recording->arena, text_chars(&comment), comment.len);
        err = imported->recording->comment == NULL ? AMT_ENOMEM : AMT_OK;
    }
    text_fini(&comment);
    amt_free(merges);
    return err == AMT_OK ? AMT_OK
           : err == AMT_ELIMIT
               ? amt_diag_set(diag, err, "a device has more than %u connections in %s",
                              RECORDING_CONNECTIONS_MAX, importer->settings->path)
               : amt_diag_set(diag, AMT_ENOMEM, "out of memory");
}

static enum amt_err make_recordings(struct importer *importer, struct amt_diag *diag)
{
    for (struct segment_connection *c = importer->segments.connections; c != NULL; c = c->next) {
        if (c->is_apf && imported_for(importer, c) == NULL) {
            return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        }
    }
    if (importer->list == NULL) {
        (void)amt_diag_set(diag, AMT_EUNKNOWN, "%s holds no connection that begins with APF",
                           importer->settings->path);
        return amt_diag_hint(diag, "the capture has to begin before the device connects; --port N "
                                   "names the server's port");
    }
    for (struct imported *at = importer->list; at != NULL; at = at->next) {
        TRY(fill(importer, at, diag));
    }
    return AMT_OK;
}

struct imported *import_capture(const struct import_settings *settings, struct amt_diag *diag)
{
    struct importer importer = { .settings = settings };
    enum amt_err err = segments_read(&importer.segments, settings->path, settings->port, diag);
    if (err == AMT_OK) {
        err = decrypt(&importer, diag);
    }
    if (err == AMT_OK) {
        err = make_recordings(&importer, diag);
    }
    segments_fini(&importer.segments);
    if (err != AMT_OK) {
        imported_free(importer.list);
        return NULL;
    }
    return importer.list;
}

void imported_free(struct imported *list)
{
    while (list != NULL) {
        struct imported *next = list->next;
        recording_free(list->recording);
        amt_free(list);
        list = next;
    }
}
