/* The virtual world's own state, shared by its loop and its network. */
#ifndef AMTLAB_RUNTIME_LOOP_VIRTUAL_H
#define AMTLAB_RUNTIME_LOOP_VIRTUAL_H

#include "base/random.h"
#include "runtime/loop_world.h"
#include "runtime/pipe.h"

/* Ports that port 0 picks, and those of connecting ends. */
#define FIRST_PORT        49152u
#define FIRST_CLIENT_PORT 20000u

struct virtual_listener;
struct virtual_work;
struct virtual_socket;
struct virtual_datagram;
struct virtual_lan;
struct virtual_frame;

struct virtual_loop {
    struct loop loop;
    struct virtual_world world;
    struct amt_random random, jitter;
    uint64_t wall_start_us;
    int64_t wall_shift_us;
    struct pipe_link link; /* of every connection */
    struct virtual_listener *listeners;
    struct virtual_socket *sockets;     /* of datagrams */
    struct virtual_datagram *datagrams; /* under way */
    struct virtual_lan *lans;           /* of lan_open */
    struct virtual_frame *frames;       /* under way on them */
    struct virtual_work *works;         /* done, but their after is still due */
    uint16_t next_port, next_client_port;
};

struct listener *virtual_listen(struct loop *loop, const struct address *address,
                                accept_fn *on_accept, void *ctx, struct amt_diag *diag);
struct stream *virtual_connect(struct loop *loop, const struct address *address,
                               uint64_t connect_limit_us, const struct stream_handler *handler,
                               void *ctx);
struct udp_socket *virtual_udp_open(struct loop *loop, const struct address *address,
                                    udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag);
/* "", 0.0.0.0 and ::; and whether two hosts are one (localhost is 127.0.0.1). */
bool virtual_host_is_any(const char *host);
bool virtual_host_is_same(const char *a, const char *b);
struct lan *virtual_lan_open(struct loop *loop, const char *interface, uint16_t port,
                             const struct lan_handler *handler, void *ctx, struct amt_diag *diag);
/* Drops what loop_free still finds. */
void virtual_lan_free(struct virtual_loop *loop);
/* Drops sockets and datagrams that loop_free still finds. */
void virtual_udp_free(struct virtual_loop *loop);
/* Drops listeners that loop_free still finds. */
void virtual_network_free(struct virtual_loop *loop);

#endif
