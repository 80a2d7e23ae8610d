/* Time, timers, tasks and work: each case runs in the virtual and in the real world. */
#include <signal.h>
#include <string.h>

#include "base/random.h"
#include "base/unit.h"
#include "runtime/loop.h"

#define LIMIT_US (20u * (uint64_t)US_PER_SECOND)

static struct loop *new_loop(bool is_virtual)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct loop *loop = is_virtual ? loop_new_virtual(&k_world, NULL) : loop_new_uv(NULL);
    assert_non_null(loop);
    assert_true(loop_is_virtual(loop) == is_virtual);
    return loop;
}

/* Notes who was called, in order. */
struct trace {
    char names[256];
    size_t len;
};
struct noted {
    struct trace *trace;
    char name;
    struct timer timer;
    struct loop_task task;
};

static void note(void *ctx)
{
    struct noted *noted = ctx;
    struct trace *trace = noted->trace;
    if (trace->len < sizeof trace->names - 1) {
        trace->names[trace->len++] = noted->name;
    }
}

static void noted_init(struct noted *noted, struct loop *loop, struct trace *trace, char name)
{
    noted->trace = trace;
    noted->name = name;
    timer_init(&noted->timer, loop, note, noted);
    loop_task_init(&noted->task, loop, note, noted);
}

static void timers_fire_by_deadline_and_equal_ones_as_started(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct noted n[5];
    for (size_t i = 0; i < 5; i++) {
        noted_init(&n[i], loop, &trace, (char)('a' + i));
    }
    uint64_t base_us = loop_now_us(loop);
    timer_start_at(&n[0].timer, base_us + 3000);
    timer_start_at(&n[1].timer, base_us + 1000);
    timer_start_at(&n[2].timer, base_us + 3000);
    timer_start_at(&n[3].timer, base_us + 2000);
    timer_start_at(&n[4].timer, base_us + 1000);
    timer_start_at(&n[1].timer, base_us + 3000);   /* restarted: now the last */
    timer_start_at(&n[3].timer, LOOP_NO_DEADLINE); /* stopped */
    assert_false(timer_is_running(&n[3].timer));
    loop_run(loop); /* ends by itself: nothing is left */
    assert_string_equal(trace.names, "eacb");
    loop_free(loop);
}

#define MANY_TIMERS 2000

struct ordered {
    struct timer timer;
    uint64_t *last_us;
    uint32_t *fired;
};

static void fire_ordered(void *ctx)
{
    struct ordered *ordered = ctx;
    assert_true(ordered->timer.deadline_us >= *ordered->last_us);
    assert_true(loop_now_us(ordered->timer.loop) >= ordered->timer.deadline_us);
    *ordered->last_us = ordered->timer.deadline_us;
    *ordered->fired += 1;
}

static void many_timers_started_and_stopped_at_random_fire_in_order(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    static struct ordered timers[MANY_TIMERS];
    struct amt_random random;
    uint64_t last_us = 0;
    uint32_t fired = 0;
    uint32_t running = 0;
    amt_random_seed(&random, 7, "timers");
    for (size_t i = 0; i < MANY_TIMERS; i++) {
        timers[i].last_us = &last_us;
        timers[i].fired = &fired;
        timer_init(&timers[i].timer, loop, fire_ordered, &timers[i]);
    }
    for (uint32_t i = 0; i < 4 * MANY_TIMERS; i++) {
        struct timer *timer = &timers[amt_random_below(&random, MANY_TIMERS)].timer;
        if (amt_random_below(&random, 4) == 0) {
            timer_stop(timer);
        } else {
            timer_start(timer, amt_random_below(&random, 20000));
        }
    }
    for (size_t i = 0; i < MANY_TIMERS; i++) {
        running += timer_is_running(&timers[i].timer);
    }
    loop_run(loop);
    assert_int_equal(fired, running);
    loop_free(loop);
}

static void tasks_run_in_the_order_of_posting_and_only_once(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct noted n[4];
    for (size_t i = 0; i < 4; i++) {
        noted_init(&n[i], loop, &trace, (char)('a' + i));
        loop_task_post(&n[i].task);
    }
    loop_task_post(&n[0].task);
    loop_task_cancel(&n[3].task);
    loop_task_cancel(&n[3].task);
    loop_task_cancel(&n[1].task);
    loop_run(loop);
    assert_string_equal(trace.names, "ac");
    loop_free(loop);
}

/* The first task cancels the one that was posted last. */
static void cancel_last(void *ctx)
{
    struct noted *n = ctx;
    note(&n[0]);
    loop_task_cancel(&n[2].task);
    loop_task_post(&n[1].task);
}

static void a_task_may_cancel_the_last_one(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct noted n[3];
    for (size_t i = 0; i < 3; i++) {
        noted_init(&n[i], loop, &trace, (char)('a' + i));
    }
    n[0].task.fn = cancel_last;
    n[0].task.ctx = n;
    loop_task_post(&n[0].task);
    loop_task_post(&n[2].task);
    loop_run(loop);
    assert_string_equal(trace.names, "ab");
    loop_free(loop);
}

struct restless {
    struct loop_task task;
    struct timer timer;
    uint64_t count;
};

static void post_again(void *ctx)
{
    struct restless *r = ctx;
    r->count += 1;
    loop_task_post(&r->task);
}

static void start_again(void *ctx)
{
    struct restless *r = ctx;
    r->count += 1;
    timer_start(&r->timer, 0);
}

static bool was_noted(void *ctx)
{
    return ((struct trace *)ctx)->len > 0;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void a_task_that_posts_itself_stops_nobody_else(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct restless restless = { .count = 0 };
    struct noted done;
    noted_init(&done, loop, &trace, 'd');
    loop_task_init(&restless.task, loop, post_again, &restless);
    loop_task_post(&restless.task);
    assert_int_equal(loop_work(loop, nothing, note, &done), AMT_OK);
    assert_true(loop_run_until(loop, was_noted, &trace, LOOP_NO_DEADLINE));
    assert_true(restless.count > 0);
    loop_task_cancel(&restless.task);
    loop_free(loop);
}

static void a_timer_that_restarts_itself_stops_nobody_else(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct restless restless = { .count = 0 };
    struct noted done;
    noted_init(&done, loop, &trace, 'd');
    timer_init(&restless.timer, loop, start_again, &restless);
    timer_start(&restless.timer, 0);
    assert_int_equal(loop_work(loop, nothing, note, &done), AMT_OK);
    assert_true(loop_run_until(loop, was_noted, &trace, LOOP_NO_DEADLINE));
    timer_stop(&restless.timer);
    loop_free(loop);
}

struct watch {
    struct loop *loop;
    uint64_t seen_us;
};

static void see(void *ctx)
{
    struct watch *watch = ctx;
    watch->seen_us = loop_now_us(watch->loop);
}

static void see_twice(void *ctx)
{
    struct watch *watch = ctx;
    see(watch);
    for (uint32_t i = 0; i < 100000; i++) { /* takes some real time */
        assert_true(loop_now_us(watch->loop) == watch->seen_us);
    }
}

static void time_stands_still_within_a_callback(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct watch watch = { .loop = loop };
    struct timer timer;
    timer_init(&timer, loop, see_twice, &watch);
    timer_start(&timer, 1000);
    uint64_t base_us = timer.deadline_us;
    loop_run(loop);
    assert_true(watch.seen_us >= base_us);
    loop_free(loop);
}

static void a_run_ends_at_its_deadline_or_when_it_is_done(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct noted n[2];
    noted_init(&n[0], loop, &trace, 'a');
    noted_init(&n[1], loop, &trace, 'b');
    uint64_t base_us = loop_now_us(loop);
    timer_start_at(&n[0].timer, base_us + 30000);
    timer_start_at(&n[1].timer, base_us + LIMIT_US);
    assert_false(loop_run_until(loop, was_noted, &trace, base_us + 10000));
    assert_true(loop_now_us(loop) >= base_us + 10000);
    assert_int_equal(trace.len, 0);
    assert_true(loop_run_until(loop, was_noted, &trace, base_us + LIMIT_US));
    assert_string_equal(trace.names, "a");
    timer_stop(&n[1].timer);
    assert_false(loop_run_until(loop, NULL, NULL, base_us + LIMIT_US)); /* nothing is left */
    if (is_virtual) {
        assert_int_equal(loop_now_us(loop), base_us + LIMIT_US);
    }
    loop_free(loop);
}

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void stop_ends_the_run_after_the_turn(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct trace trace = { .len = 0 };
    struct noted later;
    struct timer stopper;
    noted_init(&later, loop, &trace, 'l');
    timer_init(&stopper, loop, stop, loop);
    timer_start(&stopper, 0);
    timer_start(&later.timer, 2000);
    loop_run(loop);
    assert_int_equal(trace.len, 0);
    loop_run(loop); /* and the next run goes on */
    assert_string_equal(trace.names, "l");
    loop_free(loop);
}

struct job {
    struct loop *loop;
    uint32_t worked, after;
};

static void job_work(void *ctx)
{
    ((struct job *)ctx)->worked += 1;
}

static void job_after(void *ctx)
{
    struct job *job = ctx;
    assert_int_equal(job->worked, 1);
    job->after += 1;
}

static void work_is_followed_by_after_on_a_later_turn(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct job job = { .loop = loop };
    assert_int_equal(loop_work(loop, job_work, job_after, &job), AMT_OK);
    assert_int_equal(job.after, 0);
    loop_run(loop);
    assert_int_equal(job.after, 1);
    loop_free(loop);
}

static void freeing_the_loop_waits_for_work(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    struct job job = { .loop = loop };
    assert_int_equal(loop_work(loop, job_work, job_after, &job), AMT_OK);
    loop_free(loop);
    assert_int_equal(job.after, 1);
}

static void random_bytes_differ_from_draw_to_draw(bool is_virtual)
{
    struct loop *loop = new_loop(is_virtual);
    uint8_t a[32] = { 0 };
    uint8_t b[32] = { 0 };
    loop_random(loop, a, sizeof a);
    loop_random(loop, b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    loop_free(loop);
}

typedef void case_fn(bool is_virtual);
static case_fn *const k_cases[] = {
    timers_fire_by_deadline_and_equal_ones_as_started,
    many_timers_started_and_stopped_at_random_fire_in_order,
    tasks_run_in_the_order_of_posting_and_only_once,
    a_task_may_cancel_the_last_one,
    a_task_that_posts_itself_stops_nobody_else,
    a_timer_that_restarts_itself_stops_nobody_else,
    time_stands_still_within_a_callback,
    a_run_ends_at_its_deadline_or_when_it_is_done,
    stop_ends_the_run_after_the_turn,
    work_is_followed_by_after_on_a_later_turn,
    freeing_the_loop_waits_for_work,
    random_bytes_differ_from_draw_to_draw,
};

static void every_case_holds_in_the_virtual_world(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        k_cases[i](true);
    }
}

static void every_case_holds_in_the_real_world(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        k_cases[i](false);
    }
}

static void a_signal_reaches_the_loop_and_keeps_it_not_running(void **state)
{
    (void)state;
    struct loop *loop = new_loop(false);
    struct trace trace = { .len = 0 };
    struct noted noted;
    noted_init(&noted, loop, &trace, 's');
    assert_int_equal(loop_on_signal(loop, SIGUSR1, note, &noted), AMT_OK);
    loop_run(loop);                      /* ends although a signal is watched */
    timer_start(&noted.timer, LIMIT_US); /* something to wait for */
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(loop_run_until(loop, was_noted, &trace, LOOP_NO_DEADLINE));
    assert_true(timer_is_running(&noted.timer));
    timer_stop(&noted.timer);
    loop_free(loop);
    loop = new_loop(true);
    assert_int_equal(loop_on_signal(loop, SIGUSR1, note, &noted), AMT_ESTATE);
    loop_free(loop);
}

static void the_virtual_wall_clock_jumps_alone(void **state)
{
    (void)state;
    static const struct virtual_world k_world = { .seed = 3, .wall_start_us = 5000000 };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    assert_non_null(loop);
    assert_int_equal(loop_now_us(loop), 0);
    assert_int_equal(loop_wall_us(loop), 5000000);
    (void)loop_run_until(loop, NULL, NULL, 250);
    loop_wall_shift(loop, -1000000);
    assert_int_equal(loop_now_us(loop), 250);
    assert_int_equal(loop_wall_us(loop), 4000250);
    loop_free(loop);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    uint8_t bytes[3][16];
    static const struct virtual_world k_worlds[3] = { { .seed = 1 }, { .seed = 1 }, { .seed = 2 } };
    for (size_t i = 0; i < 3; i++) {
        struct loop *loop = loop_new_virtual(&k_worlds[i], NULL);
        assert_non_null(loop);
        loop_random(loop, bytes[i], sizeof bytes[i]);
        loop_free(loop);
    }
    assert_memory_equal(bytes[0], bytes[1], 16);
    assert_memory_not_equal(bytes[0], bytes[2], 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_holds_in_the_virtual_world),
        cmocka_unit_test(every_case_holds_in_the_real_world),
        cmocka_unit_test(a_signal_reaches_the_loop_and_keeps_it_not_running),
        cmocka_unit_test(the_virtual_wall_clock_jumps_alone),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
