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
    if (loop->is_in_turn || loop->world->clock_us == NULL) {
        return loop->now_us;
    }
    return loop->world->clock_us(loop);
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

/* How often tasks may post tasks within one turn. Enough for a message to fall through all layers;
 * not endless, so that a task that posts itself does not keep the network waiting. */
#define TASK_ROUNDS 8

static void run_tasks(struct loop *loop)
{
    for (int round = 0; round < TASK_ROUNDS && loop->first_task != NULL; round++) {
        struct loop_task *last = loop->last_task;
        bool was_last = false;
        while (!was_last && loop->first_task != NULL) {
            struct loop_task *task = loop->first_task;
            was_last = task == last;
            loop_task_cancel(task);
            task->fn(task->ctx); /* may free the task */
        }
    }
}

void loop_turn_begin(struct loop *loop, uint64_t now_us)
{
    if (now_us > loop->now_us) {
        loop->now_us = now_us;
    }
    loop->is_in_turn = true;
}

void loop_turn_end(struct loop *loop)
{
    run_tasks(loop);
    loop->is_in_turn = false;
}

bool loop_run_until(struct loop *loop, bool (*is_done)(void *ctx), void *ctx, uint64_t deadline_us)
{
    bool has_more = true;
    loop->is_stopped = false;
    for (;;) {
        if (loop->first_task != NULL) { /* posted outside a turn, or left over from one */
            loop_turn_begin(loop, loop_now_us(loop));
            loop_turn_end(loop);
        }
        if (is_done != NULL && is_done(ctx)) {
            return true;
        }
        if (loop->is_stopped || !has_more) {
            return false;
        }
        /* With tasks left over the step may not wait. */
        uint64_t until_us = loop->first_task != NULL ? loop_now_us(loop) : deadline_us;
        has_more = loop->world->step(loop, until_us) || loop->first_task != NULL;
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
