/* The virtual world's own state, shared by its loop and its network. */
#ifndef AMTLAB_RUNTIME_LOOP_VIRTUAL_H
#define AMTLAB_RUNTIME_LOOP_VIRTUAL_H

#include "base/random.h"
#include "runtime/loop_world.h"

struct virtual_connection;
struct virtual_listener;
struct virtual_work;

struct virtual_loop {
    struct loop loop;
    struct virtual_world world;
    struct amt_random random, jitter;
    uint64_t wall_start_us;
    int64_t wall_shift_us;
    struct virtual_connection *connections;
    struct virtual_listener *listeners;
    struct virtual_work *works; /* done, but their after is still due */
    uint16_t next_port, next_client_port;
};

struct listener *virtual_listen(struct loop *loop, const struct address *address,
                                accept_fn *on_accept, void *ctx, struct amt_diag *diag);
struct stream *virtual_connect(struct loop *loop, const struct address *address,
                               uint64_t connect_limit_us, const struct stream_handler *handler,
                               void *ctx);
/* Frees connections whose owners are gone but whose bytes were still under way. */
void virtual_network_free(struct virtual_loop *loop);

#endif
