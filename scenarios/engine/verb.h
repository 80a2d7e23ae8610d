/* Verbs: what a step can do (harness.md 7). One table row per verb. */
#ifndef AMTLAB_SCENARIOS_ENGINE_VERB_H
#define AMTLAB_SCENARIOS_ENGINE_VERB_H

#include "scenarios/engine/actor.h"
#include "scenarios/engine/strand.h"

struct verb_def {
    const char *name;                /* "apf.send" */
    const struct key_def *arguments; /* NULL: the value is not a map of fixed keys */
    const char *main_argument;       /* a scalar stands for { it: scalar }; NULL: not allowed */
    const char *part;                /* not in this version: the part it needs */
    /* Begins; a step that waits is polled until poll gives another answer. */
    enum step_state (*start)(struct strand *strand);
    enum step_state (*poll)(struct strand *strand);
    const char *doc;
    uint32_t roles; /* actors that can do it, bits of enum actor_role; 0: none is needed */
    enum key_type value_type; /* of the verb's value when arguments is NULL */
    bool is_open;             /* further keys are allowed: fields */
};

const struct verb_def *verb_find(const char *name);
/* Ends with a NULL name. */
extern const struct verb_def k_verbs[];
/* Modifiers a step may have beside its verb. */
extern const struct key_def k_step_keys[], k_retry_keys[], k_wire_keys[];

/* activate.start by way of bare metal (verbs_hello.c). */
enum step_state verb_hello_start(struct strand *strand, const struct actor *server);
enum step_state verb_hello_poll(struct strand *strand, const struct actor *server);

/* Rows of the table, by file. */
enum step_state verb_expect_start(struct strand *strand);
enum step_state verb_expect_poll(struct strand *strand);
enum step_state verb_check(struct strand *strand);
enum step_state verb_wait_start(struct strand *strand);
enum step_state verb_wait_poll(struct strand *strand);
enum step_state verb_set(struct strand *strand);
enum step_state verb_log(struct strand *strand);
enum step_state verb_barrier_start(struct strand *strand);
enum step_state verb_barrier_poll(struct strand *strand);
enum step_state verb_fault_arm(struct strand *strand);
enum step_state verb_fault_disarm(struct strand *strand);

enum step_state verb_tcp_connect_start(struct strand *strand);
enum step_state verb_tcp_connect_poll(struct strand *strand);
enum step_state verb_tcp_listen(struct strand *strand);
enum step_state verb_tcp_accept_start(struct strand *strand);
enum step_state verb_tcp_accept_poll(struct strand *strand);
enum step_state verb_tcp_send_start(struct strand *strand);
enum step_state verb_send_poll(struct strand *strand);
enum step_state verb_tcp_fin(struct strand *strand);
enum step_state verb_tcp_half_close(struct strand *strand);
enum step_state verb_tcp_reset(struct strand *strand);
enum step_state verb_tcp_stall_start(struct strand *strand);
enum step_state verb_tcp_stall_poll(struct strand *strand);
enum step_state verb_tcp_resume(struct strand *strand);
enum step_state verb_tls_handshake_start(struct strand *strand);
enum step_state verb_tls_handshake_poll(struct strand *strand);
enum step_state verb_tls_close_notify(struct strand *strand);
enum step_state verb_tls_drop(struct strand *strand);
enum step_state verb_apf_send_start(struct strand *strand);

enum step_state verb_cira_connect_start(struct strand *strand);
enum step_state verb_cira_connect_poll(struct strand *strand);
enum step_state verb_cira_disconnect(struct strand *strand);
enum step_state verb_cira_keepalive_start(struct strand *strand);
enum step_state verb_cira_keepalive_poll(struct strand *strand);
enum step_state verb_cira_rebind(struct strand *strand);
enum step_state verb_mps_stop(struct strand *strand);
enum step_state verb_mps_start(struct strand *strand);
enum step_state verb_device_unplug(struct strand *strand);
enum step_state verb_device_plug(struct strand *strand);
enum step_state verb_device_reboot(struct strand *strand);
enum step_state verb_device_network(struct strand *strand);
enum step_state verb_device_clock(struct strand *strand);

enum step_state verb_chan_open_start(struct strand *strand);
enum step_state verb_chan_open_poll(struct strand *strand);
enum step_state verb_chan_send(struct strand *strand);
enum step_state verb_chan_close(struct strand *strand);
enum step_state verb_http_request_start(struct strand *strand);
enum step_state verb_http_request_poll(struct strand *strand);
enum step_state verb_wsman_get(struct strand *strand);
enum step_state verb_wsman_put(struct strand *strand);
enum step_state verb_wsman_create(struct strand *strand);
enum step_state verb_wsman_delete(struct strand *strand);
enum step_state verb_wsman_enumerate(struct strand *strand);
enum step_state verb_wsman_pull(struct strand *strand);
enum step_state verb_wsman_release(struct strand *strand);
enum step_state verb_wsman_invoke(struct strand *strand);
enum step_state verb_wsman_poll(struct strand *strand);
enum step_state verb_replay_run_start(struct strand *strand);
enum step_state verb_replay_run_poll(struct strand *strand);
enum step_state verb_power_request(struct strand *strand);
enum step_state verb_power_set(struct strand *strand);

enum step_state verb_activate_start(struct strand *strand);
enum step_state verb_activate_poll(struct strand *strand);
enum step_state verb_activate_undo(struct strand *strand);
enum step_state verb_activate_upload_chain(struct strand *strand);
enum step_state verb_activate_sign(struct strand *strand);
enum step_state verb_activate_finish(struct strand *strand);
enum step_state verb_activate_steps_poll(struct strand *strand);
enum step_state verb_device_set_state(struct strand *strand);

#endif
