/* The real world's own state, shared by its loop and its network. */
#ifndef AMTLAB_RUNTIME_LOOP_UV_H
#define AMTLAB_RUNTIME_LOOP_UV_H

#include <uv.h>

#include "runtime/loop_world.h"

#define UV_READ_BUFFER_BYTES 65536u
#define UV_SIGNALS_MAX       4u

struct uv_lan;

struct uv_signal {
    uv_signal_t handle;
    void (*fn)(void *ctx);
    void *ctx;
};

struct uv_world {
    struct loop loop;
    uv_loop_t uv;
    uv_timer_t wake;
    struct uv_signal signals[UV_SIGNALS_MAX];
    uint32_t signal_count;
    struct uv_lan *lans;
    uint8_t *read_buffer; /* one for all streams: an idle connection holds none */
    uint32_t lingering;   /* streams whose owner is gone and whose tail is not */
};

/* Around every callback of libuv that reaches an owner: the clock is read, tasks run at the end. */
void uv_world_turn_begin(struct uv_world *world);
void uv_world_turn_end(struct uv_world *world);

struct listener *uv_world_listen(struct loop *loop, const struct address *address,
                                 accept_fn *on_accept, void *ctx, struct amt_diag *diag);
struct stream *uv_world_connect(struct loop *loop, const struct address *address,
                                uint64_t connect_limit_us, const struct stream_handler *handler,
                                void *ctx);
struct udp_socket *uv_world_udp_open(struct loop *loop, const struct address *address,
                                     udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag);
struct lan *uv_world_lan_open(struct loop *loop, const char *interface, uint16_t port,
                              const struct lan_handler *handler, void *ctx, struct amt_diag *diag);
/* Closes those that loop_free still finds. */
void uv_world_drop_lans(struct uv_world *world);
struct stream *uv_world_stdio(struct loop *loop, struct amt_diag *diag);
/* Close what loop_free still finds: a stream, a listener, a socket (handle->data is theirs). */
void uv_world_drop_stream(uv_handle_t *handle);
void uv_world_drop_listener(uv_handle_t *handle);
void uv_world_drop_socket(uv_handle_t *handle);

#endif
