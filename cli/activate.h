/* `amtlab activate`: what the conversations of an activation client share. */
#ifndef AMTLAB_CLI_ACTIVATE_H
#define AMTLAB_CLI_ACTIVATE_H

#include "base/secret.h"
#include "cli/cli.h"
#include "client/activation/connect.h"
#include "client/activation/host.h"
#include "runtime/log.h"
#include "runtime/websocket.h"

struct activate_options {
    const char *url, *trust, *server_hash;
    bool insecure;
    const char *profile, *tenant; /* RPS */
    const char *id;               /* MeshCentral */
    bool deactivate, tls_tunnel;
    const char *maintenance, *new_password_file;
    const char *password_file, *dns_suffix;
    const char *device_profile, *device_state, *device_uuid, *dhcp;
    struct cli_texts device_sets;
    uint64_t timeout_us;
    const char *log_levels, *log_format;
};

struct activate_run;

/* A protocol that activates; cli/activate_<name>.c. */
struct activate_conversation {
    const char *name;
    /* Takes the stream, on which nothing was written yet and whose TLS is done. AMT_ECONFIG, AMT_ESYS,
     * AMT_ENOMEM with diag. Ends with activate_done, not from inside. */
    enum amt_err (*start)(struct activate_run *run, struct stream *s, struct amt_diag *diag);
    void (*stop)(struct activate_run *run); /* after activate_done, or in the middle */
};
extern const struct activate_conversation k_activate_rps, k_activate_mesh;

struct activate_run {
    const struct activate_options *options;
    struct loop *loop;
    struct log *log;
    struct websocket_url url;
    const struct activate_conversation *conversation;
    struct activation_host host;
    struct secret password;     /* of admin; empty: none was given */
    struct secret new_password; /* for `--maintenance password`; empty: the server makes one */
    void *client;               /* the conversation's own */
    struct arena arena;
    struct activation_connect *connect;
    struct timer limit;
    bool is_done;
    int result; /* enum cli_exit */
};

/* The end, once: the exit code, and a sentence for people. */
void activate_done(struct activate_run *run, int result, const char *text);
/* A line of the server or of the conversation. */
void activate_note(void *run, const char *text);
/* The request line and headers for run's URL. */
struct websocket_request activate_request(const struct activate_run *run);

/* A simulated device as the PC that is activated (cli/activate_device.c). NULL with diag. */
struct activate_device;
struct activate_device *activate_device_open(struct loop *loop, struct log *log,
                                             const struct activate_options *options,
                                             struct activation_host *host, struct amt_diag *diag);
/* A device that is deactivated forgets a little after its answer: waits for that, some seconds at most. */
void activate_device_settle(struct activate_device *device);
void activate_device_close(struct activate_device *device); /* NULL is allowed */

#endif
