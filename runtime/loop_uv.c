#include "runtime/loop_uv.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

/* What closed streams still have to say may keep loop_free that long. */
#define FREE_LIMIT_US US_PER_SECOND

static struct uv_world *world_of(struct loop *loop)
{
    return (struct uv_world *)loop;
}

static uint64_t uv_world_clock_us(const struct loop *loop)
{
    (void)loop;
    return uv_hrtime() / 1000u;
}

void uv_world_turn_begin(struct uv_world *world)
{
    loop_turn_begin(&world->loop, uv_hrtime() / 1000u);
}

void uv_world_turn_end(struct uv_world *world)
{
    loop_turn_end(&world->loop);
}

static void drop_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (uv_is_closing(handle)) {
        return;
    }
    switch ((int)handle->type) {
    case UV_TCP:
    case UV_NAMED_PIPE:
    case UV_TTY:
    case UV_CHECK: /* of stdio */
        uv_world_drop_stream(handle);
        break;
    case UV_POLL:
        uv_world_drop_listener(handle);
        break;
    case UV_UDP:
        uv_world_drop_socket(handle);
        break;
    default: /* the world's own timer and signals */
        uv_close(handle, NULL);
        break;
    }
}

static bool has_no_tail(void *ctx)
{
    return ((const struct uv_world *)ctx)->lingering == 0;
}

static void uv_world_free(struct loop *loop)
{
    struct uv_world *world = world_of(loop);
    (void)loop_run_until(loop, has_no_tail, world, loop_now_us(loop) + FREE_LIMIT_US);
    uv_world_drop_lans(world);
    do {
        uv_walk(&world->uv, drop_handle, NULL);
    } while (uv_run(&world->uv, UV_RUN_DEFAULT) != 0);
    (void)uv_loop_close(&world->uv);
    loop_drop_pipes(loop);
    amt_free(world->read_buffer);
    amt_free(world);
}

static uint64_t uv_world_wall_us(const struct loop *loop)
{
    struct timespec now;
    (void)loop;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * US_PER_SECOND + (uint64_t)now.tv_nsec / 1000u;
}

static void uv_world_wall_shift(struct loop *loop, int64_t by_us)
{
    (void)loop;
    (void)by_us;
}

static void uv_world_random(struct loop *loop, void *out, size_t len)
{
    (void)loop;
    if (uv_random(NULL, NULL, out, len, 0, NULL) != 0) {
        abort(); /* a kernel without random numbers: nothing secret could be made here */
    }
}

static void on_wake(uv_timer_t *handle)
{
    (void)handle;
}

static void arm_wake(struct uv_world *world, uint64_t until_us)
{
    uv_update_time(&world->uv);
    uint64_t until_ms = until_us / 1000u + (until_us % 1000u != 0); /* never too early */
    uint64_t now_ms = uv_now(&world->uv);
    (void)uv_timer_start(&world->wake, on_wake, until_ms > now_ms ? until_ms - now_ms : 0, 0);
}

static bool uv_world_step(struct loop *loop, uint64_t deadline_us)
{
    struct uv_world *world = world_of(loop);
    uint64_t next_us = loop_next_timer_us(loop);
    uint64_t until_us = next_us < deadline_us ? next_us : deadline_us;
    if (next_us == LOOP_NO_DEADLINE && uv_loop_alive(&world->uv) == 0) {
        return false;
    }
    if (until_us <= uv_hrtime() / 1000u) {
        (void)uv_run(&world->uv, UV_RUN_NOWAIT);
    } else {
        if (until_us != LOOP_NO_DEADLINE) {
            arm_wake(world, until_us);
        }
        (void)uv_run(&world->uv, UV_RUN_ONCE);
        (void)uv_timer_stop(&world->wake);
    }
    /* A timer that starts a timer waits for the network in between. */
    uint64_t started = loop->timer_order;
    uint64_t now_us = uv_hrtime() / 1000u;
    while (!loop->is_stopped && loop_run_due_timer(loop, now_us, started)) {
    }
    return now_us < deadline_us;
}

struct uv_work {
    uv_work_t request;
    struct uv_world *world;
    void (*work)(void *ctx);
    void (*after)(void *ctx);
    void *ctx;
};

static void on_work(uv_work_t *request)
{
    struct uv_work *work = request->data;
    work->work(work->ctx);
}

static void on_work_after(uv_work_t *request, int status)
{
    struct uv_work *work = request->data;
    (void)status;
    struct uv_world *world = work->world;
    uv_world_turn_begin(world);
    work->after(work->ctx);
    uv_world_turn_end(world);
    amt_free(work);
}

static enum amt_err uv_world_work(struct loop *loop, void (*work)(void *ctx),
                                  void (*after)(void *ctx), void *ctx)
{
    struct uv_work *w = amt_alloc(sizeof *w);
    if (w == NULL) {
        return AMT_ENOMEM;
    }
    w->request.data = w;
    w->world = world_of(loop);
    w->work = work;
    w->after = after;
    w->ctx = ctx;
    if (uv_queue_work(&world_of(loop)->uv, &w->request, on_work, on_work_after) != 0) {
        amt_free(w);
        return AMT_ESYS;
    }
    return AMT_OK;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct uv_signal *s = handle->data;
    struct uv_world *world = (struct uv_world *)handle->loop->data;
    (void)number;
    uv_world_turn_begin(world);
    s->fn(s->ctx);
    uv_world_turn_end(world);
}

static enum amt_err uv_world_on_signal(struct loop *loop, int number, void (*fn)(void *ctx),
                                       void *ctx)
{
    struct uv_world *world = world_of(loop);
    if (world->signal_count == UV_SIGNALS_MAX) {
        return AMT_ELIMIT;
    }
    struct uv_signal *s = &world->signals[world->signal_count];
    s->fn = fn;
    s->ctx = ctx;
    if (uv_signal_init(&world->uv, &s->handle) != 0) {
        return AMT_ESYS;
    }
    world->signal_count += 1;
    s->handle.data = s;
    uv_unref((uv_handle_t *)&s->handle);
    if (uv_signal_start(&s->handle, on_signal, number) != 0) {
        return AMT_ESYS;
    }
    return AMT_OK;
}

static const struct loop_world k_uv = {
    .is_virtual = false,
    .free = uv_world_free,
    .wall_us = uv_world_wall_us,
    .wall_shift = uv_world_wall_shift,
    .random = uv_world_random,
    .clock_us = uv_world_clock_us,
    .step = uv_world_step,
    .work = uv_world_work,
    .on_signal = uv_world_on_signal,
    .listen = uv_world_listen,
    .connect = uv_world_connect,
    .udp_open = uv_world_udp_open,
    .lan_open = uv_world_lan_open,
    .stdio = uv_world_stdio,
};

/* A write to a connection that the peer has reset raises SIGPIPE: it shall be an error, no death. */
static void ignore_broken_pipes(void)
{
    struct sigaction action = { .sa_handler = SIG_IGN };
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGPIPE, &action, NULL);
}

struct loop *loop_new_uv(struct amt_diag *diag)
{
    ignore_broken_pipes();
    struct uv_world *world = amt_alloc(sizeof *world);
    uint8_t *read_buffer = amt_alloc(UV_READ_BUFFER_BYTES);
    if (world == NULL || read_buffer == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        amt_free(world);
        amt_free(read_buffer);
        return NULL;
    }
    int code = uv_loop_init(&world->uv);
    if (code != 0) {
        (void)amt_diag_set(diag, AMT_ESYS, "no event loop: %s", uv_strerror(code));
        amt_free(world);
        amt_free(read_buffer);
        return NULL;
    }
    (void)uv_timer_init(&world->uv, &world->wake);
    world->loop.world = &k_uv;
    world->read_buffer = read_buffer;
    world->uv.data = world;
    return &world->loop;
}
