/* Segments of the virtual network: one for each name. A datagram arrives after the latency. */
#include <string.h>

#include "base/memory.h"
#include "runtime/loop_virtual.h"

#define NAME_BYTES 32u

struct virtual_lan {
    struct lan lan;
    struct virtual_loop *loop;
    struct virtual_lan *next;
    char name[NAME_BYTES];
};

/* On its way to one of those who hear it. */
struct virtual_frame {
    struct timer timer;
    struct virtual_frame *previous, *next;
    struct virtual_lan *to;
    struct lan_datagram datagram;
    uint8_t bytes[LAN_MOST_BYTES];
};

static void drop_frame(struct virtual_loop *v, struct virtual_frame *frame)
{
    timer_stop(&frame->timer);
    if (frame->previous == NULL) {
        v->frames = frame->next;
    } else {
        frame->previous->next = frame->next;
    }
    if (frame->next != NULL) {
        frame->next->previous = frame->previous;
    }
    amt_free(frame);
}

static void on_arrival(void *ctx)
{
    struct virtual_frame *frame = ctx;
    struct virtual_lan *to = frame->to;
    if (to->lan.has_link) {
        to->lan.handler->on_datagram(to->lan.ctx, &frame->datagram);
    }
    drop_frame(to->loop, frame);
}

static bool hears(const struct virtual_lan *lan, const struct virtual_lan *from,
                  const struct lan_datagram *datagram)
{
    return lan != from && strcmp(lan->name, from->name) == 0 &&
           lan->lan.port == datagram->to_port &&
           (datagram->to == LAN_EVERYBODY || datagram->to == lan->lan.address);
}

static enum amt_err virtual_lan_send(struct lan *lan, const struct lan_datagram *datagram)
{
    struct virtual_lan *from = (struct virtual_lan *)lan;
    struct virtual_loop *v = from->loop;
    for (struct virtual_lan *to = v->lans; to != NULL && lan->has_link; to = to->next) {
        if (!hears(to, from, datagram)) {
            continue;
        }
        struct virtual_frame *frame = amt_alloc(sizeof *frame);
        if (frame == NULL) {
            return AMT_ENOMEM;
        }
        frame->to = to;
        frame->datagram = *datagram;
        frame->datagram.bytes = frame->bytes;
        memcpy(frame->bytes, datagram->bytes, datagram->len);
        frame->next = v->frames;
        if (frame->next != NULL) {
            frame->next->previous = frame;
        }
        v->frames = frame;
        timer_init(&frame->timer, &v->loop, on_arrival, frame);
        timer_start(&frame->timer,
                    v->world.latency_us + amt_random_below(&v->jitter, v->world.jitter_us + 1));
    }
    return lan->has_link ? AMT_OK : AMT_ESYS;
}

static void virtual_lan_close(struct lan *lan)
{
    struct virtual_lan *closed = (struct virtual_lan *)lan;
    struct virtual_loop *v = closed->loop;
    struct virtual_lan **at = &v->lans;
    for (struct virtual_frame *frame = v->frames, *next = NULL; frame != NULL; frame = next) {
        next = frame->next;
        if (frame->to == closed) {
            drop_frame(v, frame);
        }
    }
    while (*at != closed) {
        at = &(*at)->next;
    }
    *at = closed->next;
    amt_free(closed);
}

static const struct lan_class k_virtual_lan_class = {
    .send = virtual_lan_send,
    .close = virtual_lan_close,
};

struct lan *virtual_lan_open(struct loop *loop, const char *interface, uint16_t port,
                             const struct lan_handler *handler, void *ctx, struct amt_diag *diag)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    struct virtual_lan *lan = amt_alloc(sizeof *lan);
    size_t len = strlen(interface);
    if (lan == NULL || len == 0 || len >= NAME_BYTES) {
        (void)amt_diag_set(diag, lan == NULL ? AMT_ENOMEM : AMT_ECONFIG, "%s",
                           lan == NULL ? "out of memory" : "the interface's name is too long");
        amt_free(lan);
        return NULL;
    }
    lan->lan = (struct lan){ .class = &k_virtual_lan_class,
                             .handler = handler,
                             .ctx = ctx,
                             .port = port,
                             .has_link = true };
    lan->loop = v;
    memcpy(lan->name, interface, len + 1);
    lan->next = v->lans;
    v->lans = lan;
    return &lan->lan;
}

void lan_plug(struct loop *loop, const char *interface, bool is_in)
{
    struct virtual_loop *v = (struct virtual_loop *)loop;
    for (struct virtual_lan *lan = loop_is_virtual(loop) ? v->lans : NULL; lan != NULL;
         lan = lan->next) {
        if (strcmp(lan->name, interface) == 0 && lan->lan.has_link != is_in) {
            lan->lan.has_link = is_in;
            if (lan->lan.handler->on_link != NULL) {
                lan->lan.handler->on_link(lan->lan.ctx, is_in);
            }
        }
    }
}

void virtual_lan_free(struct virtual_loop *loop)
{
    while (loop->lans != NULL) {
        virtual_lan_close(&loop->lans->lan);
    }
}
