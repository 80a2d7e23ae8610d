/* What a world (uv or virtual) must supply, and what the common part of the loop holds. */
#ifndef AMTLAB_RUNTIME_LOOP_WORLD_H
#define AMTLAB_RUNTIME_LOOP_WORLD_H

#include "runtime/lan.h"
#include "runtime/loop.h"
#include "runtime/net.h"
#include "runtime/udp.h"

struct pipe;
struct segment;

struct loop_world {
    bool is_virtual;
    void (*free)(struct loop *loop);
    /* The clock outside a turn; NULL: it stands still there. */
    uint64_t (*clock_us)(const struct loop *loop);
    uint64_t (*wall_us)(const struct loop *loop);
    void (*wall_shift)(struct loop *loop, int64_t by_us);
    void (*random)(struct loop *loop, void *out, size_t len);
    /* Waits for what happens next, but no longer than until deadline_us, and handles it in turns. False
     * when the deadline has come or nothing is left that could happen. */
    bool (*step)(struct loop *loop, uint64_t deadline_us);
    enum amt_err (*work)(struct loop *loop, void (*work)(void *ctx), void (*after)(void *ctx),
                         void *ctx);
    enum amt_err (*on_signal)(struct loop *loop, int number, void (*fn)(void *ctx), void *ctx);
    struct listener *(*listen)(struct loop *loop, const struct address *address,
                               accept_fn *on_accept, void *ctx, struct amt_diag *diag);
    struct stream *(*connect)(struct loop *loop, const struct address *address,
                              uint64_t connect_limit_us, const struct stream_handler *handler,
                              void *ctx);
    struct udp_socket *(*udp_open)(struct loop *loop, const struct address *address,
                                   udp_receive_fn *on_receive, void *ctx, struct amt_diag *diag);
    struct lan *(*lan_open)(struct loop *loop, const char *interface, uint16_t port,
                            const struct lan_handler *handler, void *ctx, struct amt_diag *diag);
    struct stream *(*stdio)(struct loop *loop, struct amt_diag *diag);
};

/* First member of every world's loop. */
struct loop {
    const struct loop_world *world;
    uint64_t now_us;
    struct timer *timers; /* root of the heap */
    uint64_t timer_order;
    struct loop_task *first_task, *last_task;
    bool is_stopped, is_in_turn;
    struct pipe *pipes;             /* all that exist */
    struct segment *spare_segments; /* for reuse */
    uint32_t spare_segment_count;
};

struct listener_class {
    void (*address)(const struct listener *listener, struct address *address);
    void (*pause)(struct listener *listener);
    void (*resume)(struct listener *listener);
    void (*close)(struct listener *listener);
};
struct listener {
    const struct listener_class *class;
};

struct udp_class {
    void (*address)(const struct udp_socket *socket, struct address *address);
    enum amt_err (*send)(struct udp_socket *socket, const struct address *to, const void *out,
                         uint32_t len);
    void (*close)(struct udp_socket *socket);
};
struct udp_socket {
    const struct udp_class *class;
};

struct lan_class {
    enum amt_err (*send)(struct lan *lan, const struct lan_datagram *datagram);
    void (*close)(struct lan *lan);
};
struct lan {
    const struct lan_class *class;
    const struct lan_handler *handler;
    void *ctx;
    uint32_t address; /* 0: none */
    uint16_t port;
    bool has_link;
};

/* Around every event: in between the clock stands still at now_us; at the end the tasks run. */
void loop_turn_begin(struct loop *loop, uint64_t now_us);
void loop_turn_end(struct loop *loop);

/* Earliest deadline; LOOP_NO_DEADLINE without a timer. */
uint64_t loop_next_timer_us(const struct loop *loop);
/* Runs, in a turn of its own, one timer that is due at now_us and was started before the one with
 * that order; false when there is none. */
bool loop_run_due_timer(struct loop *loop, uint64_t now_us, uint64_t before_order);

/* For loop_free: pipes whose owners are gone but whose bytes are still under way, spare segments. */
void loop_drop_pipes(struct loop *loop);
void loop_drop_segments(struct loop *loop);

#endif
