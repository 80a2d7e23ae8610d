#include "runtime/loop.h"

#include "runtime/loop_world.h"

void loop_free(struct loop *loop)
{
    if (loop != NULL) {
        loop->world->free(loop);
    }
}

bool loop_is_virtual(const struct loop *loop)
{
    return loop->world->is_virtual;
}

uint64_t loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

uint64_t loop_wall_us(const struct loop *loop)
{
    return loop->world->wall_us(loop);
}

void loop_wall_shift(struct loop *loop, int64_t by_us)
{
    loop->world->wall_shift(loop, by_us);
}

void loop_random(struct loop *loop, void *out, size_t len)
{
    loop->world->random(loop, out, len);
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

static bool always_false(void *ctx)
{
    (void)ctx;
    return false;
}

/* One round: what is due, then what was posted. True when is_done said so or the loop was stopped. */
static bool run_due(struct loop *loop, bool (*is_done)(void *ctx), void *ctx)
{
    do {
        loop_run_tasks(loop);
        if (loop->is_stopped || is_done(ctx)) {
            return true;
        }
    } while (loop_run_due_timer(loop) || loop->first_task != NULL);
    return false;
}

bool loop_run_until(struct loop *loop, bool (*is_done)(void *ctx), void *ctx, uint64_t deadline_us)
{
    if (is_done == NULL) {
        is_done = always_false;
    }
    loop->is_stopped = false;
    for (;;) {
        if (run_due(loop, is_done, ctx)) {
            return !loop->is_stopped || is_done(ctx);
        }
        if (loop->now_us >= deadline_us || !loop->world->turn(loop, deadline_us)) {
            return false;
        }
    }
}

void loop_run(struct loop *loop)
{
    (void)loop_run_until(loop, NULL, NULL, LOOP_NO_DEADLINE);
}

void loop_task_init(struct loop_task *task, struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
    task->loop = loop;
    task->fn = fn;
    task->ctx = ctx;
    task->next = NULL;
    task->is_posted = false;
}

void loop_task_post(struct loop_task *task)
{
    if (task->is_posted) {
        return;
    }
    struct loop *loop = task->loop;
    task->is_posted = true;
    task->next = NULL;
    if (loop->last_task == NULL) {
        loop->first_task = task;
    } else {
        loop->last_task->next = task;
    }
    loop->last_task = task;
}

void loop_task_cancel(struct loop_task *task)
{
    if (!task->is_posted) {
        return;
    }
    struct loop *loop = task->loop;
    struct loop_task *before = NULL;
    struct loop_task *at = loop->first_task;
    while (at != task) {
        before = at;
        at = at->next;
    }
    if (before == NULL) {
        loop->first_task = task->next;
    } else {
        before->next = task->next;
    }
    if (loop->last_task == task) {
        loop->last_task = before;
    }
    task->next = NULL;
    task->is_posted = false;
}

void loop_run_tasks(struct loop *loop)
{
    struct loop_task *last = loop->last_task;
    while (loop->first_task != NULL) {
        struct loop_task *task = loop->first_task;
        bool was_last = task == last;
        loop->first_task = task->next;
        if (loop->first_task == NULL) {
            loop->last_task = NULL;
        }
        task->next = NULL;
        task->is_posted = false;
        task->fn(task->ctx); /* may free the task */
        if (was_last || loop->is_stopped) {
            return;
        }
    }
}

enum amt_err loop_work(struct loop *loop, void (*work)(void *ctx), void (*after)(void *ctx),
                       void *ctx)
{
    return loop->world->work(loop, work, after, ctx);
}

enum amt_err loop_on_signal(struct loop *loop, int signal_number, void (*fn)(void *ctx), void *ctx)
{
    if (loop->world->on_signal == NULL) {
        return AMT_ESTATE;
    }
    return loop->world->on_signal(loop, signal_number, fn, ctx);
}
