/* A socket, pipe or terminal as a stream: what the files of the real network share. */
#ifndef AMTLAB_RUNTIME_STREAM_UV_H
#define AMTLAB_RUNTIME_STREAM_UV_H

#include "base/bytes.h"
#include "runtime/loop_uv.h"
#include "runtime/stream_class.h"

struct uv_connect;

struct uv_stream {
    struct stream stream;
    struct uv_world *world;
    uv_tcp_t tcp;        /* sockets only */
    uv_stream_t *reader; /* &tcp, or the handle of stdin; NULL: stdin is a file */
    uv_stream_t *writer; /* &tcp, or the handle of stdout; NULL: stdout is a file */
    uint32_t handles;    /* open ones: the block is freed with the last */
    struct bytes queue;  /* not yet given to the kernel */
    struct bytes flight; /* the one write that is in progress */
    uv_write_t write;
    struct loop_task flush;
    struct timer limit; /* while the owner is gone: how long that may last */
    uint64_t linger_until_us;
    uint64_t linger_step_us;    /* until the next look at the kernel's queue */
    struct uv_connect *connect; /* until it is connected */
    struct sockaddr_in6 peer;   /* or a sockaddr_in */
    uint32_t write_limit;
    int write_code; /* why nothing more can be written; 0 while it can */
    bool is_open;   /* connected */
    bool is_paused, is_reading, is_writing;
    bool was_told_failure;
    bool owes_drain;    /* the owner could see queued bytes */
    bool has_shut_down; /* the owner asked for FIN */
    bool is_fin_sent;
    bool has_ended;    /* nothing more arrives; the owner knows */
    bool is_closed;    /* the owner has let go */
    bool is_destroyed; /* the handles are closing */
};

/* Sets up a stream that has no handle yet; it lies at the start of a block of its own. */
void uv_stream_init(struct uv_stream *u, struct uv_world *world);
/* Connected: reading begins, what was written so far leaves. */
void uv_stream_opened(struct uv_stream *u);
/* Hands bytes to the owner. */
void uv_stream_received(struct uv_stream *u, const uint8_t *in, uint32_t len);
/* Nothing more arrives. code 0 is the end in order, else libuv's reason. */
void uv_stream_input_ended(struct uv_stream *u, int code);
/* Tells the owner once. code (not 0 unless kind is FIN) is libuv's; text NULL says uv_strerror(code). */
void uv_stream_end(struct uv_stream *u, enum stream_end_kind kind, int code, const char *text);
/* Closes all handles now and frees the block when libuv has let go of them. */
void uv_stream_destroy(struct uv_stream *u);
/* The callback of every uv_close of a handle whose data is a uv_stream. */
void uv_stream_handle_closed(uv_handle_t *handle);

/* For the tail that the owner left behind (linger_uv.c). */
void uv_linger_begin(struct uv_stream *u);
/* Looks whether everything has arrived; destroys the stream then. */
void uv_linger_check(struct uv_stream *u);
void uv_linger_timer(void *ctx);
/* Closes with a RST. */
void uv_stream_cut(struct uv_stream *u);

/* Gives up connecting; the stream is on its way out. */
void uv_connect_abandon(struct uv_stream *u);
/* The reader and writer of stdin and stdout that are files (stdio_uv.c); code is libuv's. */
void uv_stdio_update_reading(struct uv_stream *u);
int uv_stdio_write_file(const uint8_t *out, uint32_t len);
/* The reader of our output sees its end. */
void uv_stdio_close_writer(struct uv_stream *u);
void uv_stdio_close(struct uv_stream *u);

/* "192.0.2.7:51324", "[::1]:4433" */
void uv_format_name(const struct sockaddr_storage *address, char out[static STREAM_NAME_BYTES]);
/* Descriptor of a socket stream. */
int uv_stream_fd(const struct uv_stream *u);

#endif
