#include "runtime/loop_virtual.h"

#include "base/memory.h"

#define WALL_START_US 1767225600000000u /* 2026-01-01T00:00:00Z */
#define LATENCY_US    200u
#define WINDOW_BYTES  65536u

static struct virtual_loop *virtual_of(struct loop *loop)
{
    return (struct virtual_loop *)loop;
}

static uint64_t virtual_wall_us(const struct loop *loop)
{
    const struct virtual_loop *v = (const struct virtual_loop *)loop;
    return v->wall_start_us + loop->now_us + (uint64_t)v->wall_shift_us;
}

static void virtual_wall_shift(struct loop *loop, int64_t by_us)
{
    virtual_of(loop)->wall_shift_us += by_us;
}

static void virtual_random(struct loop *loop, void *out, size_t len)
{
    amt_random_fill(&virtual_of(loop)->random, out, len);
}

/* Everything that can happen is a timer: time jumps to the next one. */
static bool virtual_step(struct loop *loop, uint64_t deadline_us)
{
    uint64_t next_us = loop_next_timer_us(loop);
    if (next_us > deadline_us || next_us == LOOP_NO_DEADLINE) {
        if (deadline_us != LOOP_NO_DEADLINE && deadline_us > loop->now_us) {
            loop->now_us = deadline_us;
        }
        return false;
    }
    return loop_run_due_timer(loop, next_us, UINT64_MAX);
}

struct virtual_work {
    struct timer timer;
    struct virtual_work *previous, *next;
    void (*after)(void *ctx);
    void *ctx;
};

static void work_done(void *ctx)
{
    struct virtual_work *work = ctx;
    struct virtual_loop *v = virtual_of(work->timer.loop);
    if (work->previous == NULL) {
        v->works = work->next;
    } else {
        work->previous->next = work->next;
    }
    if (work->next != NULL) {
        work->next->previous = work->previous;
    }
    timer_stop(&work->timer);
    work->after(work->ctx);
    amt_free(work);
}

static enum amt_err virtual_do_work(struct loop *loop, void (*work)(void *ctx),
                                    void (*after)(void *ctx), void *ctx)
{
    struct virtual_loop *v = virtual_of(loop);
    struct virtual_work *w = amt_alloc(sizeof *w);
    if (w == NULL) {
        return AMT_ENOMEM;
    }
    w->after = after;
    w->ctx = ctx;
    w->next = v->works;
    if (w->next != NULL) {
        w->next->previous = w;
    }
    v->works = w;
    work(ctx);
    timer_init(&w->timer, loop, work_done, w);
    timer_start(&w->timer, 0);
    return AMT_OK;
}

static void virtual_free(struct loop *loop)
{
    struct virtual_loop *v = virtual_of(loop);
    while (v->works != NULL) {
        work_done(v->works);
    }
    virtual_network_free(v);
    virtual_udp_free(v);
    virtual_lan_free(v);
    loop_drop_pipes(loop);
    amt_free(loop);
}

static const struct loop_world k_virtual = {
    .is_virtual = true,
    .free = virtual_free,
    .wall_us = virtual_wall_us,
    .wall_shift = virtual_wall_shift,
    .random = virtual_random,
    .step = virtual_step,
    .work = virtual_do_work,
    .listen = virtual_listen,
    .connect = virtual_connect,
    .udp_open = virtual_udp_open,
    .lan_open = virtual_lan_open,
};

struct loop *loop_new_virtual(const struct virtual_world *world, struct amt_diag *diag)
{
    struct virtual_loop *v = amt_alloc(sizeof *v);
    if (v == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    v->loop.world = &k_virtual;
    v->world = *world;
    if (v->world.latency_us == 0) {
        v->world.latency_us = LATENCY_US;
    }
    if (v->world.window_bytes == 0) {
        v->world.window_bytes = WINDOW_BYTES;
    }
    v->wall_start_us = world->wall_start_us == 0 ? WALL_START_US : world->wall_start_us;
    v->next_port = FIRST_PORT;
    v->next_client_port = FIRST_CLIENT_PORT;
    v->link = (struct pipe_link){ .latency_us = v->world.latency_us,
                                  .jitter_us = v->world.jitter_us,
                                  .jitter = &v->jitter,
                                  .window_bytes = v->world.window_bytes };
    amt_random_seed(&v->random, world->seed, "loop");
    amt_random_seed(&v->jitter, world->seed, "jitter");
    return &v->loop;
}
