/*
 * Captures of APF sessions as files for Wireshark: what passes above TLS, written as if it had been TCP
 * (made-up IP and TCP headers with right sequence numbers), one connection for each session. Files are
 * pcapng with mode 0600, ring-buffered: NAME.pcapng is the newest, NAME.1.pcapng the one before.
 * Secrets are overwritten with '*', length for length (mask.h), unless they are asked for.
 *
 * Nothing that happens to a file disturbs a session: when it cannot be written any more that is an event
 * (capture.failed) and the end of that file.
 */
#ifndef AMTLAB_RUNTIME_CAPTURE_H
#define AMTLAB_RUNTIME_CAPTURE_H

#include "runtime/config.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/stream.h"

/* Bound by capture_config_keys, as `capture` of the server's and the device's configuration. */
struct capture_config {
    char *
        path; /* NULL: off. A file for all sessions; a folder (exists, or ends with '/'): a file each
                 * device, named by its UUID, `unidentified` for sessions that never told one */
    uint32_t file_bytes, files; /* the ring, for each name */
    bool keeps_secrets;
};
extern const struct config_key capture_config_keys[];

struct capture;
/* program goes into the files' headers ("amtlab mps"). NULL with diag: AMT_ESYS (not writable, no
 * folder), AMT_ENOMEM. config is not kept. */
struct capture *capture_open(struct loop *loop, const struct capture_config *config,
                             const char *program, struct log *log, struct amt_diag *diag);
/* Streams that still live keep it alive. NULL is allowed. */
void capture_free(struct capture *capture);

/* A stream that stands before inner, which it takes, and looks on; is_device: its owner is the device.
 * Returns inner itself when capture is NULL, or without memory. */
struct stream *capture_stream(struct capture *capture, bool is_device, struct stream *inner);

#endif
