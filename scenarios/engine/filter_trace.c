/* What an actor sees and says, as items for expectations and as events for reports. */
#include <string.h>

#include "protocol/apf/fields.h"
#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/filter.h"
#include "scenarios/engine/record.h"

#define PRINT_BYTES 400u

/* The actor at the other end: the one whose connection has our peer's name. */
static const char *find_peer(struct filter *filter)
{
    char name[STREAM_NAME_BYTES], other[STREAM_NAME_BYTES];
    if (filter->peer != NULL) {
        return filter->peer;
    }
    stream_peer_name(&filter->stream, name);
    for (struct actor *actor = filter->actor->run->actors; actor != NULL; actor = actor->next) {
        if (actor->is_listening && strcmp(name, actor->listen_name) == 0) {
            filter->peer = actor->name;
        }
        for (const struct filter *at = actor->filters; at != NULL; at = at->next) {
            stream_local_name(&at->stream, other);
            if (at != filter && strcmp(name, other) == 0) {
                filter->peer = actor->name;
            }
        }
        if (actor->local_name[0] != '\0' && strcmp(name, actor->local_name) == 0) {
            filter->peer = actor->name;
        }
    }
    return filter->peer == NULL ? "peer" : filter->peer;
}

struct note {
    struct filter *filter;
    bool is_out;
};

static void on_message(void *ctx, enum apf_direction direction, const struct apf_message *message,
                       const uint8_t *bytes, uint32_t len, const char *why)
{
    (void)direction;
    struct note *note = ctx;
    struct actor *actor = note->filter->actor;
    struct arena *pool = &actor->run->pool;
    struct item *item =
        actor_add_item(actor, ITEM_MESSAGE,
                       message == NULL ? "apf.malformed" : apf_value_name(pool, message->type));
    item->is_out = note->is_out;
    item->bytes = (const uint8_t *)pool_text(pool, (const char *)bytes, len);
    item->len = len;
    if (message == NULL) {
        item->fields = value_map(pool);
        item->text = pool_printf(pool, "not APF (%s), %u bytes", why, len);
    } else {
        char text[PRINT_BYTES];
        apf_print(message, bytes, text, sizeof text);
        item->fields = apf_value_fields(pool, message, bytes);
        item->text = pool_strdup(pool, text);
    }
    const char *peer = find_peer(note->filter);
    item->from = note->is_out ? actor->name : peer;
    item->to = note->is_out ? peer : actor->name;
    /* Between two actors of ours the receiver notes it, once. */
    if (!note->is_out || note->filter->peer == NULL) {
        record_event(actor->run, item, item->from, item->to);
    }
}

void filter_note(struct filter *filter, bool is_out, const uint8_t *bytes, uint32_t len)
{
    struct note note = { filter, is_out };
    enum apf_direction direction = lane_direction(is_out ? &filter->out : &filter->in);
    apf_flow_input(&filter->seen, direction, bytes, len, on_message, &note);
}

const char *item_end_how(const struct stream_end *end, bool is_tls)
{
    switch (end->kind) {
    case STREAM_END_FIN:
        return is_tls ? "close_notify" : "fin";
    case STREAM_END_RESET:
        return "reset";
    case STREAM_END_TLS:
        return "alert";
    case STREAM_END_TIMEOUT:
        return "timeout";
    case STREAM_END_REFUSED:
    case STREAM_END_RESOLVE:
    case STREAM_END_LOCAL:
        break;
    }
    return stream_end_name(end->kind);
}

void filter_note_end(struct filter *filter, const char *by, const struct stream_end *end)
{
    if (filter->layer != STREAM_LAYER_APF || filter->is_reported) {
        return;
    }
    filter->is_reported = true;
    struct actor *actor = filter->actor;
    struct item *item = actor_add_item(actor, ITEM_CLOSED, "closed");
    item->by = by;
    item->how = item_end_how(end, stream_tls(&filter->stream) != NULL);
    item->alert = end->tls_alert;
    item->fields = value_map(&actor->run->pool);
    item->text = pool_strdup(&actor->run->pool, end->text);
    struct item shown = *item;
    shown.kind = ITEM_EVENT;
    shown.text = pool_printf(&actor->run->pool, "closed by %s (%s) %s", by, item->how, end->text);
    record_event(actor->run, &shown, actor->name, actor->name);
}
