/*
 * The messages of the RPS websocket protocol (activation.md 7), both directions: JSON text and structs.
 */
#ifndef AMTLAB_PROTOCOL_ACTIVATION_RPS_H
#define AMTLAB_PROTOCOL_ACTIVATION_RPS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/text.h"
#include "protocol/activation/report.h"

#define RPS_MESSAGE_MAX_BYTES 102400u /* a longer one closes the socket (7.1) */
#define RPS_PROTOCOL_VERSION  "4.0.0"
#define RPS_MODE_MISSING      UINT32_MAX

enum rps_side { RPS_FROM_CLIENT, RPS_FROM_SERVER };

enum rps_method {
    RPS_COMMAND, /* the first message: activate, deactivate, maintenance; a command line */
    RPS_WSMAN,
    RPS_RESPONSE,
    RPS_TLS_DATA,
    RPS_PORT_SWITCH,
    RPS_PORT_SWITCH_ACK,
    RPS_CONNECTION_RESET,
    RPS_HEARTBEAT_REQUEST,
    RPS_HEARTBEAT_RESPONSE,
    RPS_PROGRESS,
    RPS_SUCCESS,
    RPS_ERROR,
    RPS_OTHER /* rpc-go takes it for wsman */
};
/* "wsman", "tls_data", ...; "" for COMMAND and OTHER. */
const char *rps_method_name(enum rps_method method);

struct rps_message {
    enum rps_method method;
    const char *method_text; /* COMMAND and OTHER when written; always set when read */
    const char *app_version, *protocol_version, *status, *message, *tenant; /* "" for none */
    const uint8_t *payload; /* decoded; the JSON text itself for PORT_SWITCH */
    uint32_t payload_len;
};
/* What is read lives in arena. Payload null or absent is empty (ACT-CLI-016). AMT_EMALFORMED with diag:
 * which key, and what is wrong with it; AMT_ENOMEM. */
enum amt_err rps_read(const char *json, size_t len, struct arena *arena,
                      struct rps_message *message, struct amt_diag *diag) AMT_MUST_USE;
/* As rpc-go and RPS write it (7.2): one line. status NULL: what the method wants. A HEARTBEAT_RESPONSE
 * repeats what is in message. */
void rps_write(struct text *out, enum rps_side side, const struct rps_message *message);

/* The version rule of 7.2 (ACT-SRV-045); "" fits always. */
bool rps_version_is_supported(const char *version, const char *server_version);

enum rps_action { RPS_ACTIVATE, RPS_DEACTIVATE, RPS_MAINTENANCE };
enum rps_task {
    RPS_NO_TASK,
    RPS_SYNC_CLOCK,
    RPS_SYNC_HOST_NAME,
    RPS_SYNC_IP,
    RPS_CHANGE_PASSWORD,
    RPS_SYNC_DEVICE_INFO
};
/* "synctime", "synchostname", ...; "" for none. */
const char *rps_task_name(enum rps_task task);
struct rps_command {
    enum rps_action action;
    const char *profile;    /* "" for none */
    struct secret password; /* of deactivate and maintenance; to be wiped */
    bool has_password;
    enum rps_task task;         /* of maintenance */
    const char *host_name;      /* of RPS_SYNC_HOST_NAME, if it names one; "" */
    struct secret new_password; /* of RPS_CHANGE_PASSWORD; empty: the server chooses; to be wiped */
    bool is_forced;
};
/* A command line such as "activate --profile NAME"; - and -- and = are all the same. AMT_EUNKNOWN: no
 * such command; AMT_EMALFORMED: an option without its value, or an unknown one; AMT_ENOMEM. */
enum amt_err rps_command_read(const char *line, struct arena *arena, struct rps_command *command,
                              struct amt_diag *diag) AMT_MUST_USE;

/* How the operating system's wired port is configured; texts "" where nothing was said. */
struct rps_ip {
    bool is_dhcp, is_static, is_synced;
    const char *address, *netmask, *gateway, *primary_dns, *secondary_dns;
};

/* The payload of the first message (7.3). */
struct rps_device {
    struct activation_report
        report;       /* without profile and peer; control_mode RPS_MODE_MISSING: absent */
    const char *uuid; /* as it came, in text; "" */
    bool is_uuid;     /* and it is one */
    const char *features, *friendly_name;
    const char *os_host_name; /* in hostnameInfo; NULL to write: the report's */
    bool has_hashes, is_tls_tunnel, has_lms, has_progress;
    struct rps_ip ip;
};
/* AMT_EMALFORMED: diag has the text of 7.4 for the client. Hashes of a length that is none of ours are
 * passed over: they fit nothing. */
enum amt_err rps_device_read(const uint8_t *json, uint32_t len, struct arena *arena,
                             struct rps_device *device, struct amt_diag *diag) AMT_MUST_USE;
/* The object as rpc-go writes it; it contains the password. */
void rps_device_write(struct text *out, const struct rps_device *device);

/* {"port":"16993","delay":5} of a port_switch; the delay is limited to 60 s (ACT-CLI-017). */
enum amt_err rps_port_switch_read(const uint8_t *json, uint32_t len, uint32_t *port,
                                  uint32_t *delay_s, struct amt_diag *diag) AMT_MUST_USE;

void rps_port_switch_write(struct text *out, uint32_t port, uint32_t delay_s);

/* `message` of success and error: a JSON text with Status and, if not NULL, the others (7.5). */
struct rps_status {
    const char *status, *network, *cira_connection, *tls_configuration;
};
void rps_status_write(struct text *out, const struct rps_status *status);
/* The Status of it, or the text itself when it is no JSON, as rpc-go shows it. In arena; "" without
 * memory. */
const char *rps_status_text(const char *message, struct arena *arena);

#endif
