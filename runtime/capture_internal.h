/* Shared by the files of the capture. */
#ifndef AMTLAB_RUNTIME_CAPTURE_INTERNAL_H
#define AMTLAB_RUNTIME_CAPTURE_INTERNAL_H

#include <stdio.h>

#include "base/bytes.h"
#include "base/uuid.h"
#include "runtime/capture.h"
#include "runtime/frame.h"

/* capture.c: files */

struct capture_file {
    struct capture *capture;
    char *path; /* NAME.pcapng */
    FILE *out;  /* NULL: could not be written */
    uint64_t bytes;
    uint32_t sessions;
    bool is_dirty;
    struct capture_file *next;
};

struct capture {
    struct loop *loop;
    struct log *log;
    char *path, *program;
    bool is_folder, keeps_secrets;
    uint32_t file_bytes, files;
    uint32_t references;
    uint32_t session_count; /* numbers sessions whose ends have no usable address */
    struct capture_file *open;
    struct loop_task flush; /* once a turn */
};

/* The file of a device (NULL: of those that are not identified), opened if need be. NULL without memory. */
struct capture_file *capture_file_take(struct capture *capture, const struct uuid *uuid);
void capture_file_release(struct capture_file *file);
/* Appends whole blocks; begins a new file first when this one is full and is_boundary. */
void capture_file_write(struct capture_file *file, const struct bytes *blocks, bool is_boundary);
void capture_release(struct capture *capture);

/* capture_session.c: one connection as packets */

struct capture_session;
/* The addresses may be names that are no addresses: others are made up. NULL without memory. */
struct capture_session *capture_session_new(struct capture *capture, const char *device,
                                            const char *server, const char *comment);
/* Bytes that have passed, from the device (or the server). */
void capture_session_data(struct capture_session *session, bool from_device, const uint8_t *bytes,
                          uint32_t len);
/* One end has finished (FIN), or cut the connection (RST). Later ones of the same end are ignored. */
void capture_session_end(struct capture_session *session, bool from_device, bool is_reset,
                         const char *comment);
void capture_session_free(struct capture_session *session);

#endif
