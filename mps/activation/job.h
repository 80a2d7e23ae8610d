/*
 * One activation (or deactivation) from its report to its end, over any conversation: reads the
 * firmware's state, chooses the certificate, writes the log, calls the methods, reads back what was
 * lost, and sets up CIRA afterwards (activation.md 4). Says exactly why when it fails.
 */
#ifndef AMTLAB_MPS_ACTIVATION_JOB_H
#define AMTLAB_MPS_ACTIVATION_JOB_H

#include "client/wsman.h"
#include "mps/activation/certificates.h"
#include "mps/activation/equipment.h"
#include "mps/activation/log.h"
#include "runtime/log.h"

struct activation_cira;

/* What a group wants (activation.md 6.5). */
enum activation_policy_type {
    ACTIVATION_POLICY_NONE,
    ACTIVATION_POLICY_DEACTIVATE,
    ACTIVATION_POLICY_CLIENT,   /* simple CCM */
    ACTIVATION_POLICY_ADMIN,    /* simple ACM */
    ACTIVATION_POLICY_AUTOMATIC /* ACM if possible, else CCM */
};
enum activation_fallback { ACTIVATION_KEEP_CLIENT, ACTIVATION_CLEAR_CLIENT, ACTIVATION_USE_CLIENT };
struct activation_policy {
    enum activation_policy_type type;
    struct secret password; /* empty: random for each device */
    /* Of the MEBx in admin control mode, as profiles of RPS have one; empty: it stays as it is, or gets that of
     * the administrator where the firmware needs one. */
    struct secret mebx_password;
    bool replaces_bad_password;
    enum activation_fallback fallback;  /* ADMIN only: what to do when ACM is not possible */
    uint32_t cira_setup;                /* 0 leave, 1 clear, 2 set */
    const struct activation_cira *cira; /* for cira_setup 2; NULL: that of the settings */
};

/* The server that activated devices shall call (for cira_setup 2). */
struct activation_cira {
    const char *access_info; /* name or address told to the device */
    uint16_t port;
    const char *common_name; /* for an address */
    const char *user;
    const struct secret *password;
    X509 *root; /* of the MPS certificate */
    const char *const
        *home_domains; /* environment detection, NULL-terminated; none: a made-up name */
};

/* How the conversation reaches the device. */
struct activation_channel {
    /* A new connection to a local port (16992, 16993) of the device; NULL without memory. */
    struct stream *(*open_port)(void *ctx, uint32_t port);
    /* Host commands of the conversation; NULL when it has none (RPS). Each answers by
     * activation_job_host_done. */
    void (*stop_configuration)(void *ctx);
    void (*unprovision_client_mode)(void *ctx);
    void (*start_tls_configuration)(void *ctx, const char *hash_hex);
    /* The device's local port is another one from now on, in so many seconds; answers by
     * activation_job_port_switched. */
    void (*switch_port)(void *ctx, uint32_t port, uint32_t delay_s);
    void (*read_state_again)(void *ctx);      /* answers by activation_job_report_changed */
    void (*say)(void *ctx, const char *text); /* for the person at the client */
    void *ctx;
};

enum activation_outcome { ACTIVATION_DONE, ACTIVATION_NOTHING_TO_DO, ACTIVATION_FAILED };
/* "activation.done", ...: its event in log and store. */
const char *activation_outcome_event(enum activation_outcome outcome);
struct activation_result {
    enum activation_outcome outcome;
    enum activation_failure failure;
    uint32_t control_mode; /* of the device now, as far as known */
    char detail[512];      /* the facts: method, index, subject, ReturnValue, suffix, names */
    const char *reason;    /* finer than the code, static: "chain_incomplete"; NULL: its name */
    const char *user;      /* admin account, when it is known */
    const struct secret *password;
};
/* The event of a result: activation.done, .nothing, .failed (docs/events.md). */
void activation_result_log(struct log *log, const struct uuid *uuid,
                           const struct activation_result *result);
typedef void activation_done_fn(void *ctx, const struct activation_result *result);

struct activation_settings {
    struct loop *loop;
    struct log *log;
    struct activation_certificates *certificates;
    struct activation_log *activation_log;
    const struct activation_policy *policy;
    const struct activation_cira *cira;           /* NULL: none is set up */
    const struct activation_equipment *equipment; /* NULL: nothing more */
    const char *group;
    bool uses_tunnel;     /* admin control mode by way of TLS on the local port (`--tls-tunnel`) */
    bool refuses_tls;     /* a device that enforces TLS is not activated (F39) */
    bool prefers_upgrade; /* CCM to ACM by UpgradeClientToAdmin instead of deactivating first */
    /* Bare metal only: the password for the MEBx, and who signs the TLS certificate of the device. */
    const struct secret *mebx_password;
    const struct pki_identity *tls_issuer;
    /* Waits of activation.md 4.2; 0 = those there. Tests and scenarios shorten them. */
    uint64_t hold_us;
};

struct activation_job;
/* Starts at the next turn; done comes exactly once, never from inside this call. report is copied.
 * NULL without memory. */
struct activation_job *activation_job_new(const struct activation_settings *settings,
                                          const struct activation_report *report,
                                          const struct activation_channel *channel,
                                          activation_done_fn *done, void *ctx);
/* Without done. NULL is allowed. */
void activation_job_free(struct activation_job *job);
void activation_job_host_done(struct activation_job *job, int status, const char *hash_hex);
void activation_job_port_switched(struct activation_job *job);
void activation_job_report_changed(struct activation_job *job,
                                   const struct activation_report *report);

#endif
