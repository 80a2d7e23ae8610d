/* Shared by the files of an activation job. */
#ifndef AMTLAB_MPS_ACTIVATION_JOB_INTERNAL_H
#define AMTLAB_MPS_ACTIVATION_JOB_INTERNAL_H

#include "base/arena.h"
#include "base/memory.h"
#include "base/random.h"
#include "mps/activation/job.h"

#define NONCE_BYTES  20u
#define REALM_BYTES  48
#define SUFFIX_BYTES 256

/* What a host command is waited for. */
enum job_wait {
    WAIT_NOTHING,
    WAIT_STOP,
    WAIT_UNPROVISION,
    WAIT_START_TLS,
    WAIT_REPORT,
    WAIT_SWITCH
};

/* What a bare-metal setup is at (activation.md 11.2). */
struct job_metal {
    uint32_t step; /* of the table in job_metal.c */
};

/* TLS that a device is given. */
struct job_equip {
    const char *doing;
    uint32_t key_tries;                 /* of GenerateKeyPair */
    const char *key_id;                 /* InstanceID of the key pair */
    bool has_local;                     /* the local port too */
    const struct wsman_instance *items; /* TLS settings that are to be put */
    void (*next)(struct activation_job *job);
};

struct activation_job {
    struct activation_settings settings;
    struct activation_channel channel;
    activation_done_fn *done;
    void *ctx;
    struct arena report_arena; /* texts of the report */
    struct activation_report report;
    struct timer timer;
    void (*after_hold)(struct activation_job *job);
    enum job_wait wait;
    bool was_cleared; /* a provisioning session was stopped: longer waits */

    struct wsman_client *client; /* to the port in use */
    uint32_t port;
    struct tls_context *tls;  /* of the TLS session of 4.7 and 11.2; NULL */
    struct stream *tls_probe; /* looks at the device's certificate first */
    void (*on_shown)(struct activation_job *job, const char *fingerprint);
    void (*on_turned_away)(struct activation_job *job, const struct stream_end *end);
    char tls_hash[129]; /* that the device announced, hex */
    uint32_t tls_tries;
    struct arena call_arena;
    void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome);

    /* What was read of the firmware. */
    char realm[REALM_BYTES];
    uint8_t device_nonce[NONCE_BYTES];
    uint32_t control_mode;
    bool allows_client, allows_admin;
    char trusted_suffix[SUFFIX_BYTES], dhcp_suffix[SUFFIX_BYTES];

    /* What is being done. */
    enum activation_action action;
    const struct activation_certificate *certificate;
    const struct activation_hash *hash;
    struct secret password;
    uint8_t server_nonce[NONCE_BYTES], signed_nonce[NONCE_BYTES];
    uint32_t chain_at;
    bool has_retried_nonce, is_changing; /* the method that changes the mode is under way */
    bool has_set_mebx;
    bool was_lost;          /* its answer was lost, but it has worked (F45) */
    struct job_metal metal; /* bare metal */
    struct job_equip equip;
    bool uses_tls;           /* the local port is TLS now */
    bool undoes_client_mode; /* what fails from here on ends in no mode at all */
    void (*after_verify)(struct activation_job *job); /* NULL: CIRA, and the end */
    uint32_t cira_step;
    const char *cira_doing;
    const struct wsman_instance *cira_items; /* to be deleted */
    const struct wsman_ref *cira_server;

    uint32_t outfit_step, wifi_at; /* what a device gets besides (job_outfit.c) */
    const char *outfit_doing;
    char outfit_hash[129]; /* of the TLS certificate that it was given; "": it had one */

    bool is_in_provisioning; /* as the firmware said */
    bool tls_is_guessed;     /* from a silent plain port; the client did not say it */
    enum activation_failure failure;
    const char *reason; /* of a failed choice; NULL */
    struct text facts;
    char why[400]; /* of the failure */
    bool is_over;
};

/* job.c */
void job_fail(struct activation_job *job, enum activation_failure failure, const char *format, ...)
    AMT_PRINTF(3, 4);
void job_succeed(struct activation_job *job, enum activation_outcome outcome);
void job_give_up(struct activation_job *job); /* job_fail has said why */
/* A row of chapter 10 that is no end: the event activation.note. */
void job_note(const struct activation_job *job, enum activation_failure failure);
void job_say(struct activation_job *job, const char *format, ...) AMT_PRINTF(2, 3);
/* next comes after a wait of activation.md 4.2 (or the wait of the settings). */
void job_hold(struct activation_job *job, uint64_t us, void (*next)(struct activation_job *job));
/* The same, exactly so long, for what does not come. */
void job_wait(struct activation_job *job, uint64_t us, void (*late)(struct activation_job *job));
void job_stop_waiting(struct activation_job *job);
void job_decide(struct activation_job *job); /* from the report on */

/* job_call.c: one WS-Man call; the answer comes to answer. body may be NULL. */
bool job_connect(struct activation_job *job, uint32_t port, const char *user,
                 const struct secret *password);
/* The local port: 16992, or 16993 where that is TLS. */
bool job_connect_local(struct activation_job *job, const char *user, const struct secret *password);
void job_get(struct activation_job *job, const char *class_name,
             void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome));
struct wsman_instance *job_input(struct activation_job *job);
void job_invoke(struct activation_job *job, const char *class_name, const char *method,
                const struct wsman_instance *input,
                void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome));
/* SetAdminAclEntryEx: the administrator's password for job->realm (activation.md 4.7, 11). */
void job_set_admin(struct activation_job *job,
                   void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome));
void job_call(struct activation_job *job, const struct wsman_call *call,
              void (*answer)(struct activation_job *job, const struct wsman_outcome *outcome));
/* Fails the job for an outcome that is not DONE: what, where, why. `doing`: "reading the settings". */
void job_fail_outcome(struct activation_job *job, const struct wsman_outcome *outcome,
                      const char *doing);

/* The same for a call of several: ACT-F-45 or 58 when the answer was lost or late. */
void job_fail_step(struct activation_job *job, const char *doing,
                   const struct wsman_outcome *outcome);
/* Done, with return value 0 if it has one. */
bool job_is_good(const struct wsman_outcome *outcome);

/* job_read.c: general settings, host based setup, suffixes; then next. */
void job_read(struct activation_job *job, void (*next)(struct activation_job *job));
bool job_realm_is_good(const char *realm); /* F51 */

/* job_admin.c, job_client.c, job_tls.c: the ways to activate. Each ends in job_verify. */
void job_admin(struct activation_job *job);
void job_admin_again(struct activation_job *job); /* with the nonce that was read now */
void job_client(struct activation_job *job);
void job_tls(struct activation_job *job);
void job_tls_started(struct activation_job *job, int status, const char *hash_hex);
/* job_probe.c: one TLS handshake with the device's 16993; then one of the two, with the SHA-256 of its
 * certificate in hex, or with why it did not come about. job->tls stays, for job_connect. */
enum job_tls {
    JOB_TLS_ANONYMOUS, /* without a certificate of ours */
    JOB_TLS_HOST,      /* with the provisioning certificate (4.7) */
    JOB_TLS_NETWORK    /* the same, TLS 1.0 on (11.2) */
};
void job_tls_probe(struct activation_job *job, enum job_tls how,
                   void (*on_shown)(struct activation_job *job, const char *fingerprint),
                   void (*on_turned_away)(struct activation_job *job,
                                          const struct stream_end *end));
/* job_metal.c: from the network after a hello; its steps are k_steps there. */
void job_metal(struct activation_job *job);
/* job_equip.c: key pair, certificate, credential context and settings for TLS on the network port, and on the
 * local one too; then next, which commits. job->tls_hash gets the SHA-256 of the certificate in hex; "": the
 * device had one already. */
void job_equip(struct activation_job *job, bool has_local,
               void (*next)(struct activation_job *job));
/* job_secure.c: by RPS where the local port is TLS, or shall be: client control, then TLS with a certificate of
 * ours, then the upgrade (4.5). */
void job_secure(struct activation_job *job);
void job_secure_switched(struct activation_job *job); /* port_switch has been done */
void job_secure_undo(struct activation_job *job); /* back from client control mode; then the end */
/* The password, its hash, and the line in the log; false: the job has failed (F46). */
bool job_prepare(struct activation_job *job, enum activation_action action);
void job_password_hash(const struct activation_job *job, char out[static 33]);
/* SetMEBxPassword with the policy's, else the administrator's; has_set_mebx from now on. */
void job_set_mebx_password(struct activation_job *job,
                           void (*answer)(struct activation_job *job,
                                          const struct wsman_outcome *outcome));

/* job_diagnose.c: a method of host based setup has refused. */
void job_diagnose_chain(struct activation_job *job, uint32_t return_value);
void job_diagnose_setup(struct activation_job *job, const char *method, uint32_t return_value);
/* A fault or a broken connection in the middle: F27, F40, F45, F58. again: what reading back showed. */
void job_diagnose_lost(struct activation_job *job, const char *method,
                       const struct wsman_outcome *outcome);

/* job_verify.c: log on as admin and look; then CIRA, then the end. */
void job_verify(struct activation_job *job);
/* job_cira.c: the device calls this server from now on. */
void job_cira(struct activation_job *job);
/* job_outfit.c: Wi-Fi profiles, TLS; then the end. */
void job_outfit(struct activation_job *job);

#endif
