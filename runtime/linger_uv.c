/*
 * The tail of a closed stream: the owner is gone, but its last bytes and the FIN still have to arrive.
 *
 * A socket that is closed while the peer sends answers with a RST, and a RST throws away what the
 * peer's kernel has not got yet. So the socket stays, reads and forgets, until the kernel's send
 * queue is empty (all acknowledged, the FIN too) or the peer has finished; for 5 s at most.
 */
#include <sys/ioctl.h>

#include "runtime/stream_uv.h"

#define LINGER_US       (5u * (uint64_t)US_PER_SECOND)
#define FIRST_STEP_US   1000u
#define LONGEST_STEP_US 200000u

void uv_linger_begin(struct uv_stream *u)
{
    u->linger_until_us = loop_now_us(&u->world->loop) + LINGER_US;
    u->linger_step_us = FIRST_STEP_US;
    timer_start_at(&u->limit, u->linger_until_us);
}

static bool has_arrived(const struct uv_stream *u)
{
    int waiting = 0;
    if (u->writer != (const uv_stream_t *)&u->tcp) {
        return true; /* a pipe or terminal has taken it */
    }
    return u->has_ended || ioctl(uv_stream_fd(u), TIOCOUTQ, &waiting) != 0 || waiting == 0;
}

void uv_linger_check(struct uv_stream *u)
{
    if (u->write_code != 0) {
        uv_stream_destroy(u);
    } else if (u->is_fin_sent) {
        if (has_arrived(u)) {
            uv_stream_destroy(u);
            return;
        }
        uint64_t next_us = loop_now_us(&u->world->loop) + u->linger_step_us;
        timer_start_at(&u->limit, next_us < u->linger_until_us ? next_us : u->linger_until_us);
        u->linger_step_us *= u->linger_step_us < LONGEST_STEP_US ? 2 : 1;
    }
}

void uv_linger_timer(void *ctx)
{
    struct uv_stream *u = ctx;
    if (loop_now_us(&u->world->loop) >= u->linger_until_us) {
        uv_stream_cut(u);
    } else {
        uv_linger_check(u);
    }
}
