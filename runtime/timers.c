/* The timer heap of both worlds: an intrusive pairing heap ordered by (deadline, start order). */
#include <string.h>

#include "runtime/loop_world.h"

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->deadline_us != b->deadline_us ? a->deadline_us < b->deadline_us : a->order < b->order;
}

/* Joins two roots; either may be NULL. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    struct timer *top = is_before(a, b) ? a : b;
    struct timer *below = top == a ? b : a;
    below->previous = top; /* a first child points up, the others to their left neighbour */
    below->next = top->child;
    if (below->next != NULL) {
        below->next->previous = below;
    }
    top->child = below;
    top->next = NULL;
    top->previous = NULL;
    return top;
}

/* Makes one heap of a list of siblings: pairs from left to right, then together from the right. */
static struct timer *meld_siblings(struct timer *first)
{
    struct timer *pairs = NULL;
    while (first != NULL) {
        struct timer *a = first;
        struct timer *b = a->next;
        first = b == NULL ? NULL : b->next;
        a->next = NULL;
        a->previous = NULL;
        if (b != NULL) {
            b->next = NULL;
            b->previous = NULL;
        }
        struct timer *pair = meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    struct timer *root = NULL;
    while (pairs != NULL) {
        struct timer *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

static void heap_remove(struct loop *loop, struct timer *timer)
{
    struct timer *children = meld_siblings(timer->child);
    timer->child = NULL;
    if (timer == loop->timers) {
        loop->timers = children;
        return;
    }
    if (timer->previous->child == timer) {
        timer->previous->child = timer->next;
    } else {
        timer->previous->next = timer->next;
    }
    if (timer->next != NULL) {
        timer->next->previous = timer->previous;
    }
    timer->next = NULL;
    timer->previous = NULL;
    loop->timers = meld(loop->timers, children);
}

void timer_init(struct timer *timer, struct loop *loop, timer_fn *fn, void *ctx)
{
    memset(timer, 0, sizeof *timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->ctx = ctx;
}

void timer_stop(struct timer *timer)
{
    if (timer->is_running) {
        heap_remove(timer->loop, timer);
        timer->is_running = false;
    }
}

void timer_start_at(struct timer *timer, uint64_t deadline_us)
{
    timer_stop(timer);
    if (deadline_us == LOOP_NO_DEADLINE) {
        return;
    }
    struct loop *loop = timer->loop;
    timer->deadline_us = deadline_us;
    timer->order = loop->timer_order++;
    timer->is_running = true;
    loop->timers = meld(loop->timers, timer);
}

void timer_start(struct timer *timer, uint64_t delay_us)
{
    uint64_t now_us = loop_now_us(timer->loop);
    timer_start_at(timer, delay_us > LOOP_NO_DEADLINE - 1 - now_us ? LOOP_NO_DEADLINE - 1
                                                                   : now_us + delay_us);
}

bool timer_is_running(const struct timer *timer)
{
    return timer->is_running;
}

uint64_t loop_next_timer_us(const struct loop *loop)
{
    return loop->timers == NULL ? LOOP_NO_DEADLINE : loop->timers->deadline_us;
}

bool loop_run_due_timer(struct loop *loop, uint64_t now_us, uint64_t before_order)
{
    struct timer *timer = loop->timers;
    if (timer == NULL || timer->deadline_us > now_us || timer->order >= before_order) {
        return false;
    }
    loop_turn_begin(loop, now_us);
    timer_stop(timer);
    timer->fn(timer->ctx);
    loop_turn_end(loop);
    return true;
}
