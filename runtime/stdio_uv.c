/*
 * Standard input and output as one stream. Pipes, sockets and terminals are libuv's; files (and
 * /dev/null) cannot be watched by the kernel and are read and written in place, a piece per turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/stream_uv.h"

#define FILE_PIECE_BYTES 16384u

union stdio_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tty_t tty;
};

struct uv_stdio {
    struct uv_stream u;
    uv_check_t keeper; /* never started: there is a handle to close even if both are files */
    union stdio_handle in, out;
    /* Status flags as they were: libuv makes the descriptors non-blocking for everybody who shares
     * them, the shell that started us too. */
    int in_flags, out_flags;
    struct timer piece; /* reads the next piece of a file */
};

static void restore_flags(const struct uv_stdio *s)
{
    (void)fcntl(STDIN_FILENO, F_SETFL, s->in_flags);
    (void)fcntl(STDOUT_FILENO, F_SETFL, s->out_flags);
}

static void read_piece(void *ctx)
{
    struct uv_stdio *s = ctx;
    uint8_t piece[FILE_PIECE_BYTES];
    ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
    if (n <= 0) {
        uv_stream_input_ended(&s->u, n == 0 ? 0 : uv_translate_sys_error(errno));
        return;
    }
    timer_start(&s->piece, 0); /* before the owner may pause or close */
    uv_stream_received(&s->u, piece, (uint32_t)n);
}

void uv_stdio_update_reading(struct uv_stream *u)
{
    struct uv_stdio *s = (struct uv_stdio *)u;
    if (u->has_ended || u->is_paused || u->is_closed) {
        timer_stop(&s->piece);
    } else if (!timer_is_running(&s->piece)) {
        timer_start(&s->piece, 0);
    }
}

int uv_stdio_write_file(const uint8_t *out, uint32_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, out, len);
        if (n < 0 && errno != EINTR) {
            return uv_translate_sys_error(errno);
        }
        out += n > 0 ? n : 0;
        len -= n > 0 ? (uint32_t)n : 0;
    }
    return 0;
}

void uv_stdio_close_writer(struct uv_stream *u)
{
    const struct uv_stdio *s = (const struct uv_stdio *)u;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)fcntl(STDOUT_FILENO, F_SETFL, s->out_flags);
    if (nowhere >= 0) { /* the number 1 stays taken: no later file must become our output */
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)close(nowhere);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct uv_stdio *s = handle->data;
    if (s->u.handles == 1) {
        restore_flags(s);
    }
    uv_stream_handle_closed(handle);
}

void uv_stdio_close(struct uv_stream *u)
{
    struct uv_stdio *s = (struct uv_stdio *)u;
    timer_stop(&s->piece);
    uv_close((uv_handle_t *)&s->keeper, on_closed);
    if (u->reader != NULL) {
        uv_close(&s->in.handle, on_closed);
    }
    if (u->writer != NULL) {
        uv_close(&s->out.handle, on_closed);
    }
}

/* Opens one descriptor; *stream stays NULL for a file. 0, or libuv's code. */
static int open_handle(struct uv_stdio *s, int fd, union stdio_handle *handle, uv_stream_t **stream)
{
    uv_handle_type type = uv_guess_handle(fd);
    int code = 0;
    if (type == UV_FILE) {
        return 0;
    }
    if (type == UV_TTY) {
        code = uv_tty_init(&s->u.world->uv, &handle->tty, fd, 0);
    } else {
        code = uv_pipe_init(&s->u.world->uv, &handle->pipe, 0);
    }
    if (code != 0) {
        return code; /* the handle does not exist */
    }
    handle->handle.data = s;
    *stream = &handle->stream;
    s->u.handles += 1;
    return type == UV_TTY ? 0 : uv_pipe_open(&handle->pipe, fd);
}

struct stream *uv_world_stdio(struct loop *loop, struct amt_diag *diag)
{
    struct uv_world *world = (struct uv_world *)loop;
    struct uv_stdio *s = amt_alloc(sizeof *s);
    if (s == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    s->in_flags = fcntl(STDIN_FILENO, F_GETFL);
    s->out_flags = fcntl(STDOUT_FILENO, F_GETFL);
    uv_stream_init(&s->u, world);
    timer_init(&s->piece, loop, read_piece, s);
    (void)uv_check_init(&world->uv, &s->keeper);
    s->keeper.data = s;
    s->u.handles = 1;
    const char *which = "input";
    int code = open_handle(s, STDIN_FILENO, &s->in, &s->u.reader);
    if (code == 0) {
        which = "output";
        code = open_handle(s, STDOUT_FILENO, &s->out, &s->u.writer);
    }
    if (code != 0) {
        (void)amt_diag_set(diag, AMT_ESYS, "standard %s cannot be used: %s", which,
                           uv_strerror(code));
        (void)amt_diag_hint(diag, "use a terminal, a pipe or a file for standard %s", which);
        uv_stream_destroy(&s->u);
        return NULL;
    }
    uv_stream_opened(&s->u);
    return &s->u.stream;
}
