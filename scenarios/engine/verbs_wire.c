/* Verbs of the wire: tcp.*, tls.*; tcp faults by hand also on devices and servers. */
#include <string.h>

#include "scenarios/engine/actor_wire.h"
#include "scenarios/engine/filter.h"
#include "scenarios/engine/verb.h"

/* For verbs that only a wire can do: the verb table has seen to it. */
static struct wire *wire_of(const struct strand *strand)
{
    return strand->step.actor->state;
}

static bool is_wire(const struct strand *strand)
{
    return strand->step.actor->kind == &k_actor_wire;
}

enum step_state verb_tcp_connect_start(struct strand *strand)
{
    wire_connect(wire_of(strand));
    return STEP_WAITS;
}

static enum step_state wait_for_open(struct strand *strand, const char *what)
{
    const struct wire *wire = wire_of(strand);
    if (wire->is_open) {
        return STEP_DONE;
    }
    if (wire->has_ended) {
        return step_fail(strand, "connect", "%s failed: %s%s%s", what,
                         stream_end_name(wire->end.kind), wire->end.text[0] == '\0' ? "" : ", ",
                         wire->end.text);
    }
    return step_is_late(strand) ? step_fail(strand, "timeout", "%s took too long", what)
                                : STEP_WAITS;
}

enum step_state verb_tcp_connect_poll(struct strand *strand)
{
    return wait_for_open(strand, "the connection");
}

enum step_state verb_tcp_listen(struct strand *strand)
{
    struct amt_diag diag = { 0 };
    return wire_listen(wire_of(strand), step_text(strand, "at", "true"), &diag) == AMT_OK
               ? STEP_DONE
               : step_fail(strand, "setup", "%s", diag.text);
}

enum step_state verb_tcp_accept_start(struct strand *strand)
{
    return verb_tcp_accept_poll(strand);
}

enum step_state verb_tcp_accept_poll(struct strand *strand)
{
    if (wire_accept(wire_of(strand))) {
        return STEP_DONE;
    }
    return step_is_late(strand) ? step_fail(strand, "timeout", "nobody connected in time")
                                : STEP_WAITS;
}

static bool read_versions(struct strand *strand, struct tls_settings *settings)
{
    const struct actor *actor = strand->step.actor;
    const char *min = step_text(strand, "min", actor_text(actor, "tls.min", NULL));
    const char *max = step_text(strand, "max", actor_text(actor, "tls.max", NULL));
    if ((min != NULL && tls_version_parse(min, &settings->min_version) != AMT_OK) ||
        (max != NULL && tls_version_parse(max, &settings->max_version) != AMT_OK)) {
        (void)step_fail(strand, "setup", "TLS versions are 1.0, 1.1, 1.2 and 1.3");
        return false;
    }
    settings->legacy = (min != NULL && min[2] < '2') || (max != NULL && max[2] < '2');
    return true;
}

static const struct pki_identity *identity_for(struct strand *strand, const struct wire *wire,
                                               struct amt_diag *diag)
{
    struct pki_set *pki = strand->run->options->pki;
    const char *cert = step_text(strand, "cert", NULL);
    if (wire->identity != NULL) {
        return wire->identity;
    }
    if (wire->is_server) {
        return pki_set_server(pki, actor_text(strand->step.actor, "name", ACTOR_SERVER_NAME),
                              PKI_FLAW_NONE, diag);
    }
    enum pki_flaw flaw =
        step_bool(strand, "untrusted", false) ? PKI_FLAW_UNKNOWN_CA : PKI_FLAW_NONE;
    return cert == NULL
               ? NULL
               : pki_set_client(pki, cert, step_text(strand, "organization", ""), flaw, diag);
}

enum step_state verb_tls_handshake_start(struct strand *strand)
{
    struct wire *wire = wire_of(strand);
    struct amt_diag diag = { 0 };
    const struct value *verify = value_path(strand->step.actor->attributes, "tls.verify");
    struct tls_settings settings = { .is_server = wire->is_server,
                                     .identity = identity_for(strand, wire, &diag),
                                     .ciphers = step_text(
                                         strand, "ciphers",
                                         actor_text(strand->step.actor, "tls.ciphers", NULL)),
                                     .verifies_peer = verify != NULL && expr_holds(verify),
                                     .trust = pki_set_trust(strand->run->options->pki) };
    if (diag.err != AMT_OK || !read_versions(strand, &settings)) {
        return diag.err == AMT_OK ? STEP_FAILED : step_fail(strand, "setup", "%s", diag.text);
    }
    if (wire->stream == NULL && wire->is_server) {
        return step_fail(strand, "setup", "there is no connection yet: tcp.accept comes first");
    }
    if (wire->stream == NULL || wire->has_ended) {
        wire_connect(wire);
    }
    if (wire_secure(wire, &settings, step_text(strand, "sni", NULL), &diag) != AMT_OK) {
        return step_fail(strand, "setup", "%s", diag.text);
    }
    return step_bool(strand, "wait", true) ? STEP_WAITS : STEP_DONE;
}

enum step_state verb_tls_handshake_poll(struct strand *strand)
{
    return wait_for_open(strand, "the TLS handshake");
}

enum step_state verb_tls_close_notify(struct strand *strand)
{
    struct wire *wire = wire_of(strand);
    if (wire->stream == NULL || !wire->is_secure) {
        return step_fail(strand, "setup", "there is no TLS connection");
    }
    stream_shutdown(wire->stream);
    return STEP_DONE;
}

enum step_state verb_tls_drop(struct strand *strand)
{
    struct wire *wire = wire_of(strand);
    return wire->stream != NULL && tls_drop_without_close(wire->stream)
               ? STEP_DONE
               : step_fail(strand, "setup", "there is no TLS connection");
}

/* The connections of a device or server below TLS. */
static enum step_state each_filter(struct strand *strand, void (*fn)(struct filter *filter))
{
    bool has_any = false;
    struct filter *next = NULL;
    for (struct filter *filter = strand->step.actor->filters; filter != NULL; filter = next) {
        next = filter->next;
        if (filter->layer == STREAM_LAYER_TCP && !filter->is_owner_gone && !filter->has_ended) {
            fn(filter);
            has_any = true;
        }
    }
    return has_any ? STEP_DONE : step_fail(strand, "setup", "there is no connection");
}

static void cut_fin(struct filter *filter)
{
    filter_cut(filter, STREAM_END_FIN);
}

static void cut_reset(struct filter *filter)
{
    filter_cut(filter, STREAM_END_RESET);
}

static void shut_out(struct filter *filter)
{
    lane_shut(&filter->out);
}

/* FIN from our side, whatever TLS would say; we go on reading. */
enum step_state verb_tcp_fin(struct strand *strand)
{
    struct wire *wire = wire_of(strand);
    if (!is_wire(strand)) {
        return each_filter(strand, cut_fin);
    }
    if (wire->stream == NULL) {
        return step_fail(strand, "setup", "there is no connection");
    }
    if (!tls_drop_without_close(wire->stream)) {
        stream_shutdown(wire->stream);
    }
    return STEP_DONE;
}

enum step_state verb_tcp_half_close(struct strand *strand)
{
    return !is_wire(strand) ? each_filter(strand, shut_out) : verb_tcp_fin(strand);
}

enum step_state verb_tcp_reset(struct strand *strand)
{
    struct wire *wire = wire_of(strand);
    if (!is_wire(strand)) {
        return each_filter(strand, cut_reset);
    }
    if (wire->stream == NULL) {
        return step_fail(strand, "setup", "there is no connection");
    }
    wire_reset(wire);
    return STEP_DONE;
}

static void stop_reading(struct filter *filter)
{
    filter->in.stalled_until_us = LOOP_NO_DEADLINE;
    if (filter->inner != NULL) {
        stream_pause(filter->inner); /* so that the peer's writes back up */
    }
}

static void go_on_reading(struct filter *filter)
{
    filter->in.stalled_until_us = 0;
    if (filter->inner != NULL && !filter->is_owner_paused) {
        stream_resume(filter->inner);
    }
    lane_pump(&filter->in);
}

static enum step_state switch_reading(struct strand *strand, bool reads)
{
    struct wire *wire = wire_of(strand);
    if (!is_wire(strand)) {
        return each_filter(strand, reads ? go_on_reading : stop_reading);
    }
    if (wire->stream == NULL) {
        return step_fail(strand, "setup", "there is no connection");
    }
    if (reads) {
        stream_resume(wire->stream);
    } else {
        stream_pause(wire->stream);
    }
    return STEP_DONE;
}

/* `for`: the step lasts that long and reading goes on by itself. */
enum step_state verb_tcp_stall_start(struct strand *strand)
{
    uint64_t for_us = step_duration(strand, "for", 0);
    enum step_state state = switch_reading(strand, false);
    if (state != STEP_DONE || for_us == 0) {
        return state;
    }
    strand->step.within_us = for_us;
    step_wake_at(strand, step_deadline_us(strand));
    return STEP_WAITS;
}

enum step_state verb_tcp_stall_poll(struct strand *strand)
{
    return step_is_late(strand) ? switch_reading(strand, true) : STEP_WAITS;
}

enum step_state verb_tcp_resume(struct strand *strand)
{
    return switch_reading(strand, true);
}
