#include "scenarios/replay/recording.h"

#include <string.h>

#include "base/memory.h"
#include "protocol/apf/flow.h"

/* Decoding: messages over the events of both directions. */

/* Where in the stream of one direction the events end. */
struct way {
    uint64_t begin; /* stream offset of the message that is being collected */
    uint64_t end;   /* of all events so far */
    uint32_t *cuts;
    uint32_t cut_count, cut_cap;
};

struct decoder {
    struct recording *recording;
    const struct recording_event *event;
    struct apf_flow *flow;
    struct way ways[2];
    bool has_failed;
};

struct recording *recording_new(void)
{
    struct recording *recording = amt_alloc(sizeof *recording);
    if (recording != NULL) {
        recording->path = recording->comment = "";
    }
    return recording;
}

void recording_free(struct recording *recording)
{
    if (recording != NULL) {
        arena_fini(&recording->arena);
        amt_free(recording);
    }
}

enum amt_err recording_add(struct recording *recording, const struct recording_event *event)
{
    if (event->connection == 0 || event->connection > RECORDING_CONNECTIONS_MAX) {
        return AMT_ELIMIT;
    }
    struct recording_event *added = arena_alloc(&recording->arena, sizeof *added);
    char *bytes = added == NULL
                      ? NULL
                      : arena_text(&recording->arena, (const char *)event->bytes, event->len);
    if (bytes == NULL) {
        return AMT_ENOMEM;
    }
    *added = *event;
    added->bytes = (const uint8_t *)bytes;
    added->next = NULL;
    if (recording->last_event == NULL) {
        recording->events = added;
    } else {
        uint64_t before_us = recording->last_event->at_us;
        added->at_us = added->at_us < before_us ? before_us : added->at_us;
        recording->last_event->next = added;
    }
    recording->last_event = added;
    if (event->connection > recording->connections) {
        recording->connections = event->connection;
    }
    return AMT_OK;
}

static struct recording_step *add_step(struct decoder *d, enum recording_what what,
                                       bool from_device)
{
    struct recording *recording = d->recording;
    struct recording_step *step = arena_alloc(&recording->arena, sizeof *step);
    if (step == NULL) {
        d->has_failed = true;
        return NULL;
    }
    step->what = what;
    step->from_device = from_device;
    step->event = d->event;
    step->connection = d->event->connection;
    step->at_us = d->event->at_us;
    if (recording->last_step == NULL) {
        recording->steps = step;
    } else {
        recording->last_step->next = step;
    }
    recording->last_step = step;
    return step;
}

static void take_cuts(struct decoder *d, struct way *way, struct recording_step *step)
{
    if (way->cut_count > 0) {
        step->cuts = arena_alloc(&d->recording->arena, way->cut_count * sizeof *step->cuts);
        if (step->cuts == NULL) {
            d->has_failed = true;
            return;
        }
        memcpy(step->cuts, way->cuts, way->cut_count * sizeof *step->cuts);
        step->cut_count = way->cut_count;
    }
    way->cut_count = 0;
}

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    struct decoder *d = ctx;
    struct way *way = &d->ways[direction];
    struct recording_step *step = add_step(d, RECORDING_DATA, direction == APF_DEV_TO_MPS);
    char *copy = step == NULL ? NULL : arena_text(&d->recording->arena, (const char *)bytes, len);
    (void)why;
    if (copy == NULL) {
        d->has_failed = true;
        return;
    }
    step->number = ++d->recording->messages;
    step->bytes = (const uint8_t *)copy;
    step->len = len;
    step->is_apf = message != NULL;
    if (message != NULL) {
        step->message = *message;
    }
    take_cuts(d, way, step);
    way->begin += len;
    step->is_joined = way->begin < way->end;
}

/* An event ends inside a message: that is a cut of it. */
static void note_cut(struct decoder *d, struct way *way)
{
    uint32_t offset = (uint32_t)(way->end - way->begin);
    if (offset == 0) {
        return;
    }
    if (way->cut_count == way->cut_cap) {
        uint32_t cap = way->cut_cap == 0 ? 16 : way->cut_cap * 2;
        uint32_t *cuts = amt_resize(way->cuts, cap * sizeof *cuts);
        if (cuts == NULL) {
            d->has_failed = true;
            return;
        }
        way->cuts = cuts;
        way->cut_cap = cap;
    }
    way->cuts[way->cut_count++] = offset;
}

static void decode_event(struct decoder *d, const struct recording_event *event)
{
    d->event = event;
    if (event->what != RECORDING_DATA) {
        (void)add_step(d, event->what, event->from_device);
        return;
    }
    enum apf_direction direction = event->from_device ? APF_DEV_TO_MPS : APF_MPS_TO_DEV;
    struct way *way = &d->ways[direction];
    way->end += event->len;
    if (apf_flow_feed(d->flow, direction, event->bytes, event->len, on_message, d) != AMT_OK) {
        d->has_failed = true;
    }
    note_cut(d, way);
}

/* What was left when one end had said its last word: half a message, as bytes. */
static void decode_rest(struct decoder *d, enum apf_direction direction)
{
    struct bytes *waiting = &d->flow->waiting[direction];
    if (waiting->len > 0 && d->event != NULL) {
        on_message(d, direction, NULL, bytes_front(waiting), waiting->len, NULL);
        bytes_fini(waiting);
    }
}

/* Steps in the order of their events: connections are decoded side by side. */
enum amt_err recording_decode(struct recording *recording)
{
    uint32_t count = recording->connections;
    struct decoder *decoders = amt_alloc_array(count == 0 ? 1 : count, sizeof *decoders);
    struct apf_flow *flows = amt_alloc_array(count == 0 ? 1 : count, sizeof *flows);
    bool has_failed = decoders == NULL || flows == NULL;
    recording->steps = recording->last_step = NULL;
    recording->messages = 0;
    for (uint32_t i = 0; i < count && !has_failed; i++) {
        decoders[i] = (struct decoder){ .recording = recording, .flow = &flows[i] };
    }
    for (const struct recording_event *event = recording->events; event != NULL && !has_failed;
         event = event->next) {
        struct decoder *d = &decoders[event->connection - 1];
        d->event = event;
        if (event->what == RECORDING_FIN || event->what == RECORDING_RESET) {
            decode_rest(d, event->from_device ? APF_DEV_TO_MPS : APF_MPS_TO_DEV);
        }
        decode_event(d, event);
        has_failed = d->has_failed;
    }
    for (uint32_t i = 0; i < count && decoders != NULL && flows != NULL; i++) {
        if (!has_failed) {
            decode_rest(&decoders[i], APF_DEV_TO_MPS);
            decode_rest(&decoders[i], APF_MPS_TO_DEV);
        }
        amt_free(decoders[i].ways[0].cuts);
        amt_free(decoders[i].ways[1].cuts);
        apf_flow_fini(&flows[i]);
    }
    amt_free(decoders);
    amt_free(flows);
    return has_failed ? AMT_ENOMEM : AMT_OK;
}

void recording_step_name(const struct recording_step *step, struct text *out)
{
    static const char *const k_names[] = { "open", "bytes", "fin", "reset" };
    /* as expectations spell it */
    const char *name = !step->is_apf ? NULL
                       : step->message.type == APF_PROTOCOLVERSION
                           ? "PROTOCOL_VERSION"
                           : apf_type_name(step->message.type);
    if (step->what != RECORDING_DATA || name == NULL) {
        text_puts(out, k_names[step->what]);
        return;
    }
    text_puts(out, "apf.");
    for (; *name != '\0'; name++) {
        char c = (char)(*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name);
        text_append(out, &c, 1);
    }
}
