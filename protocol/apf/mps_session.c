#include "protocol/apf/mps_session.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/apf/session.h"

#define NO_DEADLINE          UINT64_MAX
#define SECOND_US            UINT64_C(1000000)
#define PRE_AUTH_INPUT_BYTES 16384u  /* APF-MPS-009 */
#define LENIENT_SILENCE_US   300000u /* a device that never asks for pfwd (apf.md 4.3) */
#define IDLE_RAISE_MAX       10u /* times the configured limit: what a device claims is not trusted */
#define KEEPALIVE_PORT       5900u
#define KEEPALIVE_REQUESTS   4u

struct apf_mps_session {
    struct apf_session base;
    const struct apf_mps_config *config;
    const struct apf_mps_handler *handler;
    enum apf_mps_state state;
    bool version_seen, service_seen, is_authenticated;
    bool is_ready, keepalive_options_sent, has_keepalive, interval_is_observed;
    struct uuid uuid;
    uint32_t trigger, major, minor;
    uint32_t failures, global_requests;
    struct apf_forward *forwards;
    uint32_t forward_count, forward_capacity;
    uint64_t started_us, last_input_us, last_keepalive_us;
    uint64_t interval_us;    /* longest keepalive interval that the device claimed or kept */
    uint64_t options_due_us; /* KEEPALIVE_OPTIONS_REQUEST after quiet */
};

static const char *state_name(enum apf_mps_state state)
{
    static const char *const k_names[] = { "HELLO", "CRED", "VERIFY", "AUTHED", "FWD", "ENDED" };
    return (uint32_t)state < APF_MPS_STATE_COUNT_ ? k_names[state] : "?";
}

static void send_plain(struct apf_mps_session *s, uint8_t type)
{
    const struct apf_message message = { .type = type };
    apf_session_send(&s->base, &message, NULL);
}

/* D2 of apf.md 4.3, with the reason in words. */
static void not_allowed(struct apf_mps_session *s, uint8_t type, const char *requirement)
{
    char text[APF_END_TEXT_BYTES];
    const char *name = apf_type_name(type);
    (void)snprintf(text, sizeof text, "%s is not allowed %s (state %s)",
                   name == NULL ? "this message" : name,
                   s->is_authenticated ? "now" : "before authentication", state_name(s->state));
    apf_session_violated(&s->base, text, requirement);
}

static void end_with_code(struct apf_mps_session *s, uint32_t code, const char *text,
                          const char *requirement)
{
    const struct apf_end end = { APF_END_PROTOCOL_ERROR, code, text, requirement };
    apf_session_finish(&s->base, &end, true);
}

/* --- the actions of the table --- */

typedef void action_fn(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in);

static void update_hello(struct apf_mps_session *s)
{
    if (s->version_seen && s->service_seen) {
        s->state = APF_MPS_CRED; /* APF-MPS-015: in either order */
    }
}

static void on_version(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    struct uuid uuid;
    uuid_from_wire(m->uuid, &uuid);
    bool is_repeat = s->version_seen || s->state != APF_MPS_HELLO;
    if (is_repeat && s->config->lenient && s->version_seen && uuid_equal(&uuid, &s->uuid)) {
        return;
    }
    if (is_repeat) {
        not_allowed(s, m->type, "APF-MPS-061");
        return;
    }
    if (m->major != 1) {
        char text[APF_END_TEXT_BYTES];
        (void)snprintf(text, sizeof text, "protocol version %u.%u is not supported, only 1.x",
                       m->major, m->minor);
        end_with_code(s, APF_PROTOCOL_VERSION_NOT_SUPPORTED, text, "APF-MPS-018");
        return;
    }
    s->uuid = uuid;
    s->major = m->major;
    s->minor = m->minor;
    s->trigger = m->trigger;
    s->version_seen = true;
    if (s->config->echo_protocol_version) {
        apf_session_send(&s->base, m, in); /* APF-MPS-066 */
    }
    update_hello(s);
}

static bool view_is(const struct view *view, const uint8_t *in, const char *text)
{
    size_t len = strlen(text);
    return view->len == len && memcmp(in + view->off, text, len) == 0;
}

static void accept_service(struct apf_mps_session *s, const struct apf_message *m,
                           const uint8_t *in)
{
    const struct apf_message accept = { .type = APF_SERVICE_ACCEPT, .service = m->service };
    apf_session_send(&s->base, &accept, in); /* APF-MPS-016: the requested name, on its own */
}

static void expect_quiet(struct apf_mps_session *s)
{
    if (s->config->keepalive_rule == APF_KEEPALIVE_AFTER_QUIET && !s->keepalive_options_sent) {
        s->options_due_us = s->base.now_us + s->config->quiet_us;
    }
}

/* The quiet period begins here, for a device that forwards nothing too (FF-041). */
static void become_ready(struct apf_mps_session *s)
{
    if (!s->is_ready) {
        s->is_ready = true;
        expect_quiet(s);
        s->handler->on_ready(s->base.ctx);
    }
}

static void on_pfwd(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    bool is_repeat = s->state == APF_MPS_FWD;
    if (s->state != APF_MPS_AUTHED && !(is_repeat && s->config->lenient)) {
        not_allowed(s, m->type, "APF-MPS-019");
        return;
    }
    accept_service(s, m, in);
    if (!s->base.has_ended) {
        s->state = APF_MPS_FWD;
        become_ready(s);
    }
}

static void on_service(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    if (view_is(&m->service, in, APF_SERVICE_PFWD)) {
        on_pfwd(s, m, in);
        return;
    }
    if (!view_is(&m->service, in, APF_SERVICE_AUTH)) {
        end_with_code(s, APF_SERVICE_NOT_AVAILABLE, "SERVICE_REQUEST for an unknown service",
                      "APF-MPS-017");
        return;
    }
    bool is_first = s->state == APF_MPS_HELLO && !s->service_seen;
    if (!is_first && !s->config->lenient) {
        not_allowed(s, m->type, "APF-MPS-019");
        return;
    }
    s->service_seen = true;
    accept_service(s, m, in);
    if (s->state == APF_MPS_HELLO) {
        update_hello(s);
    }
}

static void on_userauth(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    const struct apf_login login = {
        .uuid = s->uuid,
        .user = in + m->user.off,
        .user_len = m->user.len,
        .password = m->has_password ? in + m->password.off : NULL,
        .password_len = m->password.len,
        .has_password = m->has_password,
        .trigger = s->trigger,
        .major = s->major,
        .minor = s->minor,
    };
    s->state = APF_MPS_VERIFY;
    s->handler->on_login(s->base.ctx, &login);
}

static struct apf_forward *find_forward(struct apf_mps_session *s, uint32_t port)
{
    for (uint32_t i = 0; i < s->forward_count; i++) {
        if (s->forwards[i].port == port) {
            return &s->forwards[i];
        }
    }
    return NULL;
}

static bool make_room(struct apf_mps_session *s)
{
    if (s->forward_count < s->forward_capacity) {
        return true;
    }
    if (s->forward_count >= APF_FORWARDS_MAX) {
        return false;
    }
    uint32_t capacity = s->forward_capacity + 8;
    struct apf_forward *forwards = amt_resize(s->forwards, capacity * sizeof *forwards);
    if (forwards == NULL) {
        return false;
    }
    s->forwards = forwards;
    s->forward_capacity = capacity;
    return true;
}

static void reply_request(struct apf_mps_session *s, const struct apf_message *m, bool granted)
{
    const struct apf_message reply = { .type = granted ? APF_REQUEST_SUCCESS : APF_REQUEST_FAILURE,
                                       .request = m->request,
                                       .port = m->port };
    if (m->want_reply != 0) {
        apf_session_send(&s->base, &reply, NULL); /* APF-MPS-032, 033, 037 */
    }
}

static void copy_address(struct apf_forward *forward, const struct view *address, const uint8_t *in)
{
    uint32_t max = APF_ADDRESS_KEEP_BYTES - 1;
    uint32_t len = address->len < max ? address->len : max;
    if (len > 0) {
        memcpy(forward->address, in + address->off, len);
    }
    forward->address[len] = '\0';
}

static void tell_forward(struct apf_mps_session *s, const struct apf_forward *forward, bool listed)
{
    if (s->handler->on_forward != NULL) {
        s->handler->on_forward(s->base.ctx, forward, listed);
    }
}

static void on_tcpip_forward(struct apf_mps_session *s, const struct apf_message *m,
                             const uint8_t *in)
{
    bool is_port = m->port >= 1 && m->port <= 65535;
    struct apf_forward *known = find_forward(s, m->port);
    if (!is_port || (known == NULL && !make_room(s))) {
        reply_request(s, m, false); /* APF-MPS-034 */
        return;
    }
    if (known == NULL) { /* APF-MPS-035: listed once */
        struct apf_forward *forward = &s->forwards[s->forward_count++];
        forward->port = m->port;
        copy_address(forward, &m->address, in);
        reply_request(s, m, true);
        if (!s->base.has_ended) {
            const struct apf_forward listed = *forward;
            tell_forward(s, &listed, true);
        }
    } else {
        reply_request(s, m, true);
    }
}

static void on_cancel(struct apf_mps_session *s, const struct apf_message *m)
{
    struct apf_forward *known = find_forward(s, m->port);
    if (known == NULL) {
        reply_request(s, m, false); /* APF-MPS-036 */
        return;
    }
    const struct apf_forward removed = *known;
    uint32_t at = (uint32_t)(known - s->forwards);
    s->forward_count -= 1;
    memmove(known, known + 1, (s->forward_count - at) * sizeof *known);
    reply_request(s, m, true);
    if (!s->base.has_ended) {
        tell_forward(s, &removed, false);
    }
}

static void send_keepalive_options(struct apf_mps_session *s)
{
    const struct apf_message options = { .type = APF_KEEPALIVE_OPTIONS_REQUEST,
                                         .interval = s->config->keepalive_interval_s,
                                         .timeout = s->config->keepalive_timeout_s };
    if (!s->keepalive_options_sent) { /* APF-MPS-039: once */
        s->keepalive_options_sent = true;
        s->options_due_us = NO_DEADLINE;
        apf_session_send(&s->base, &options, NULL);
    }
}

static void apply_keepalive_rule(struct apf_mps_session *s, const struct apf_message *m)
{
    switch (s->config->keepalive_rule) {
    case APF_KEEPALIVE_AFTER_QUIET:
        expect_quiet(s);
        break;
    case APF_KEEPALIVE_ON_PORT_5900:
        if (m->request == APF_REQUEST_FORWARD && m->port == KEEPALIVE_PORT) {
            send_keepalive_options(s);
        }
        break;
    case APF_KEEPALIVE_ON_FOURTH_REQUEST:
        if (s->global_requests == KEEPALIVE_REQUESTS) {
            send_keepalive_options(s);
        }
        break;
    case APF_KEEPALIVE_NEVER:
        break;
    }
}

static void on_global_request(struct apf_mps_session *s, const struct apf_message *m,
                              const uint8_t *in)
{
    s->global_requests += 1;
    switch ((enum apf_request)m->request) {
    case APF_REQUEST_FORWARD:
        on_tcpip_forward(s, m, in);
        break;
    case APF_REQUEST_CANCEL:
        on_cancel(s, m);
        break;
    case APF_REQUEST_UDP: {
        bool is_delivered = s->handler->on_udp != NULL && s->handler->on_udp(s->base.ctx, m, in);
        reply_request(s, m, is_delivered); /* APF-MPS-038 */
        break;
    }
    case APF_REQUEST_NONE:
        break;
    }
    if (!s->base.has_ended) {
        apply_keepalive_rule(s, m);
    }
}

static void on_channel_message(struct apf_mps_session *s, const struct apf_message *m,
                               const uint8_t *in)
{
    apf_session_channel_message(&s->base, m, in, false);
}

/* FF-040: the interval that the device keeps, as seen, may be longer than the one it agreed to. */
static void on_keepalive_request(struct apf_mps_session *s, const struct apf_message *m,
                                 const uint8_t *in)
{
    (void)in;
    apf_session_reply_keepalive(&s->base, m); /* APF-MPS-040: in every state */
    if (s->has_keepalive) {
        uint64_t gap_us = s->base.now_us - s->last_keepalive_us;
        s->interval_us = gap_us > s->interval_us ? gap_us : s->interval_us;
        s->interval_is_observed = true;
    }
    s->has_keepalive = true;
    s->last_keepalive_us = s->base.now_us;
    if (s->is_authenticated && !s->base.has_ended && s->handler->on_keepalive != NULL) {
        s->handler->on_keepalive(s->base.ctx);
    }
}

static void on_options_reply(struct apf_mps_session *s, const struct apf_message *m,
                             const uint8_t *in)
{
    (void)in;
    if (!s->is_authenticated) {
        return;
    }
    s->interval_us = m->interval * SECOND_US; /* APF-MPS-041 */
    if (s->handler->on_keepalive_options != NULL) {
        s->handler->on_keepalive_options(s->base.ctx, m->interval, m->timeout);
    }
}

static void on_disconnect(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    (void)in;
    apf_session_peer_disconnected(&s->base, m->reason); /* APF-MPS-058 */
}

static void on_json(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    bool may_speak = s->is_authenticated || s->config->json_before_login;
    if (may_speak && s->handler->on_json != NULL) { /* strangers change nothing (MC-08) */
        s->handler->on_json(s->base.ctx, in + m->json.off, m->json.len);
    }
}

static void ignore(struct apf_mps_session *s, const struct apf_message *m, const uint8_t *in)
{
    (void)s;
    (void)m;
    (void)in;
}

#define IN(state) (1u << APF_MPS_##state)
#define BEFORE    (IN(HELLO) | IN(CRED))
#define ANY_STATE (BEFORE | IN(VERIFY) | IN(AUTHED) | IN(FWD))

/* apf.md 4.3: where a message may come, what it does, and which rule is broken elsewhere. Messages
 * whose place depends on their content (services, a repeated version) judge it themselves. */
static const struct rule {
    uint8_t type;
    uint32_t states;
    action_fn *action;
    const char *requirement;
    bool waits_in_verify; /* and everything behind it (apf.md 4.4, APF-MPS-030) */
} k_rules[] = {
    { APF_CHANNEL_DATA, IN(FWD), on_channel_message, "APF-MPS-020", false },
    { APF_CHANNEL_WINDOW_ADJUST, IN(FWD), on_channel_message, "APF-MPS-020", false },
    { APF_KEEPALIVE_REQUEST, ANY_STATE, on_keepalive_request, "APF-MPS-040", false },
    { APF_KEEPALIVE_REPLY, ANY_STATE, ignore, "APF-MPS-041", false },
    { APF_CHANNEL_OPEN, IN(FWD), on_channel_message, "APF-MPS-020", true },
    { APF_CHANNEL_OPEN_CONFIRMATION, IN(FWD), on_channel_message, "APF-MPS-020", false },
    { APF_CHANNEL_OPEN_FAILURE, IN(FWD), on_channel_message, "APF-MPS-020", false },
    { APF_CHANNEL_CLOSE, IN(FWD), on_channel_message, "APF-MPS-020", false },
    { APF_GLOBAL_REQUEST, IN(FWD), on_global_request, "APF-MPS-019", true },
    { APF_PROTOCOLVERSION, ANY_STATE, on_version, "APF-MPS-061", false },
    { APF_SERVICE_REQUEST, ANY_STATE, on_service, "APF-MPS-019", true },
    { APF_USERAUTH_REQUEST, IN(CRED), on_userauth, "APF-MPS-022", false },
    { APF_KEEPALIVE_OPTIONS_REPLY, ANY_STATE, on_options_reply, "APF-MPS-041", false },
    { APF_DISCONNECT, ANY_STATE, on_disconnect, "APF-MPS-058", false },
    { APF_JSON_CONTROL, ANY_STATE, on_json, "APF-COM-022", false },
};

static const struct rule *find_rule(uint8_t type)
{
    for (uint32_t i = 0; i < sizeof k_rules / sizeof k_rules[0]; i++) {
        if (k_rules[i].type == type) {
            return &k_rules[i];
        }
    }
    return NULL;
}

/* A tunnel without pfwd is used in lenient mode: its messages come in AUTHED. */
static bool is_allowed(const struct apf_mps_session *s, const struct rule *rule)
{
    bool stands_in =
        s->config->lenient && s->state == APF_MPS_AUTHED && (rule->states & IN(FWD)) != 0;
    return (rule->states & 1u << s->state) != 0 || stands_in;
}

/* --- input --- */

static enum apf_input_answer on_type(void *ctx, uint8_t type)
{
    struct apf_mps_session *s = ctx;
    const struct rule *rule = find_rule(type);
    if (rule != NULL && rule->waits_in_verify && s->state == APF_MPS_VERIFY) {
        return APF_INPUT_HOLD;
    }
    /* What the codec refuses by its type alone is its business; the rest must fit the state, and is
     * refused before its body is collected (APF-MPS-014). */
    if (rule == NULL || is_allowed(s, rule)) {
        return APF_INPUT_GO_ON;
    }
    bool is_second_login = type == APF_USERAUTH_REQUEST && s->state > APF_MPS_CRED;
    not_allowed(s, type, is_second_login ? "APF-MPS-062" : rule->requirement);
    return APF_INPUT_STOP;
}

static bool on_message(void *ctx, const struct apf_message *message, const uint8_t *in)
{
    struct apf_mps_session *s = ctx;
    const struct rule *rule = find_rule(message->type);
    if (rule != NULL) {
        rule->action(s, message, in);
    }
    return !s->base.has_ended;
}

static void send_failure(struct apf_mps_session *s)
{
    static const uint8_t k_methods[] = "password";
    const struct apf_message failure = { .type = APF_USERAUTH_FAILURE, .methods = { 0, 8 } };
    uint8_t out[15] = { 0 };
    uint32_t len = apf_encode(&failure, k_methods, false, out, sizeof out);
    /* APF-MPS-024, APF-MPS-025: MeshCentral's form has one more zero byte */
    len += s->config->failure_15_bytes ? 1 : 0;
    if (!s->base.has_ended) {
        s->base.handler->send(s->base.ctx, out, len);
    }
}

static void auth_failed(struct apf_mps_session *s, const char *text, const char *requirement,
                        bool sends_disconnect)
{
    const struct apf_end end = { APF_END_AUTH_FAILED,
                                 sends_disconnect ? APF_NO_MORE_AUTH_METHODS_AVAILABLE : 0, text,
                                 requirement };
    apf_session_finish(&s->base, &end, sends_disconnect);
}

/* apf.md 2.1, column "session reaction" */
static void on_error(void *ctx, enum apf_verdict verdict, uint8_t type, uint32_t offset)
{
    struct apf_mps_session *s = ctx;
    if (verdict == APF_EBAD_VALUE) {
        send_failure(s);
        auth_failed(s, "USERAUTH_REQUEST: the password boolean is not 0", "APF-COM-016", false);
    } else if (verdict == APF_EUNKNOWN_METHOD) {
        send_failure(s);
        auth_failed(s, "USERAUTH_REQUEST: unknown authentication method", "APF-MPS-028", true);
    } else {
        apf_session_decode_error(&s->base, verdict, type, offset); /* APF-MPS-063 */
    }
}

static struct apf_context context_of(void *ctx)
{
    const struct apf_mps_session *s = ctx;
    return (struct apf_context){ .direction = APF_DEV_TO_MPS,
                                 .json_control = s->config->json_control };
}

static const struct apf_input_handler k_input = {
    .on_type = on_type, .on_message = on_message, .on_error = on_error, .context = context_of
};

static void check_input(struct apf_mps_session *s, enum amt_err err)
{
    if (err == AMT_ELIMIT) {
        apf_session_violated(&s->base, "more bytes than a session may send before it is answered",
                             "APF-MPS-009");
    } else if (err != AMT_OK) {
        apf_session_out_of_memory(&s->base);
    }
}

struct apf_mps_session *apf_mps_session_new(const struct apf_mps_config *config,
                                            const struct apf_mps_handler *handler, void *ctx,
                                            uint64_t now_us)
{
    struct apf_mps_session *s = amt_alloc(sizeof *s);
    if (s == NULL || !apf_session_init(&s->base, &config->mux, &handler->mux, ctx,
                                       PRE_AUTH_INPUT_BYTES, now_us)) {
        amt_free(s);
        return NULL;
    }
    s->base.on_end = handler->on_end;
    s->config = config;
    s->handler = handler;
    s->started_us = now_us;
    s->last_input_us = now_us;
    s->options_due_us = NO_DEADLINE;
    return s;
}

void apf_mps_session_free(struct apf_mps_session *session)
{
    if (session != NULL) {
        apf_session_fini(&session->base);
        amt_free(session->forwards);
        amt_free(session);
    }
}

void apf_mps_session_input(struct apf_mps_session *s, const uint8_t *in, uint32_t len,
                           uint64_t now_us)
{
    if (s->base.has_ended) {
        return;
    }
    s->base.now_us = now_us;
    s->last_input_us = now_us; /* any byte is life (FF-040) */
    check_input(s, apf_input_feed(&s->base.input, &k_input, s, in, len));
}

void apf_mps_session_verified(struct apf_mps_session *s, bool good, uint64_t now_us)
{
    if (s->base.has_ended || s->state != APF_MPS_VERIFY) {
        return;
    }
    s->base.now_us = now_us;
    if (good) {
        s->state = APF_MPS_AUTHED;
        s->is_authenticated = true;
        s->base.input.max_bytes = APF_MESSAGE_MAX_BYTES;
        s->last_input_us = now_us;           /* silence counts from here */
        send_plain(s, APF_USERAUTH_SUCCESS); /* APF-MPS-023 */
    } else {
        s->failures += 1;
        s->state = APF_MPS_CRED;
        send_failure(s);
        if (s->failures >= s->config->auth_failures_max) {
            auth_failed(s, "the login was refused", "APF-MPS-024", false); /* APF-MPS-029 */
            return;
        }
    }
    check_input(s, apf_input_resume(&s->base.input, &k_input, s));
}

void apf_mps_session_disconnect(struct apf_mps_session *s, uint32_t reason, uint64_t now_us)
{
    const struct apf_end end = { APF_END_LOCAL, reason, "the server ended the session", NULL };
    s->base.now_us = now_us;
    apf_session_finish(&s->base, &end, true);
}

void apf_mps_session_transport_ended(struct apf_mps_session *s, uint64_t now_us)
{
    const struct apf_end end = { APF_END_TRANSPORT, 0, "the connection closed without DISCONNECT",
                                 NULL };
    s->base.now_us = now_us;
    apf_session_finish(&s->base, &end, false);
}

/* --- time --- */

/*
 * APF-MPS-042, FF-040: three intervals of the device when that is more than the limit. As long as it
 * has not shown its interval by two keepalives there is half a limit more, whatever it agreed to: a
 * device that calls exactly once per limit must have the chance to show it.
 */
uint64_t apf_mps_session_idle_limit_us(const struct apf_mps_session *s)
{
    uint64_t limit_us = s->config->idle_limit_us;
    uint64_t most_us = IDLE_RAISE_MAX * limit_us;
    uint64_t least_us = s->interval_is_observed ? limit_us : limit_us + limit_us / 2;
    uint64_t wanted_us = 3 * s->interval_us;
    wanted_us = wanted_us < most_us ? wanted_us : most_us;
    return wanted_us > least_us ? wanted_us : least_us;
}

static uint64_t idle_deadline_us(const struct apf_mps_session *s)
{
    uint64_t limit_us = apf_mps_session_idle_limit_us(s);
    return limit_us == 0 ? NO_DEADLINE : s->last_input_us + limit_us;
}

/* Lenient: a device that logs in and then waits is usable (amtsim). */
static uint64_t ready_deadline_us(const struct apf_mps_session *s)
{
    bool is_waiting = s->config->lenient && s->state == APF_MPS_AUTHED && !s->is_ready;
    return is_waiting ? s->last_input_us + LENIENT_SILENCE_US : NO_DEADLINE;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t apf_mps_session_next_deadline_us(const struct apf_mps_session *s)
{
    if (s->base.has_ended) {
        return NO_DEADLINE;
    }
    if (!s->is_authenticated) {
        return s->started_us + s->config->pre_auth_limit_us;
    }
    uint64_t first_us = earlier(idle_deadline_us(s), apf_mux_next_deadline_us(s->base.mux));
    return earlier(first_us, earlier(s->options_due_us, ready_deadline_us(s)));
}

static void end_by_time(struct apf_mps_session *s, enum apf_session_end kind, const char *text,
                        const char *requirement)
{
    const struct apf_end end = { kind, APF_CONNECTION_TIMED_OUT, text, requirement };
    apf_session_finish(&s->base, &end, true);
}

void apf_mps_session_tick(struct apf_mps_session *s, uint64_t now_us)
{
    if (s->base.has_ended) {
        return;
    }
    s->base.now_us = now_us;
    if (!s->is_authenticated) {
        if (now_us >= s->started_us + s->config->pre_auth_limit_us) {
            end_by_time(s, APF_END_TIMEOUT, "no login within the pre-authentication limit",
                        "APF-MPS-008");
        }
        return;
    }
    if (now_us >= idle_deadline_us(s)) {
        end_by_time(s, APF_END_IDLE, "nothing was received within the idle limit", "APF-MPS-042");
        return;
    }
    if (now_us >= s->options_due_us) {
        send_keepalive_options(s);
    }
    if (!s->base.has_ended && now_us >= ready_deadline_us(s)) {
        become_ready(s);
    }
    if (!s->base.has_ended) {
        apf_mux_tick(s->base.mux, now_us);
    }
}

/* --- channels --- */

enum amt_err apf_mps_session_open(struct apf_mps_session *s, uint32_t port, uint64_t now_us,
                                  struct apf_channel **channel)
{
    *channel = NULL;
    bool is_ready = s->state == APF_MPS_FWD || (s->config->lenient && s->is_authenticated);
    if (s->base.has_ended || !is_ready) {
        return AMT_ESTATE;
    }
    bool has_no_list = s->config->lenient && s->forward_count == 0;
    if (find_forward(s, port) == NULL && !has_no_list) {
        return AMT_EUNKNOWN; /* APF-MPS-044 */
    }
    s->base.now_us = now_us;
    return apf_mux_open(s->base.mux, port, "", "127.0.0.1", 1024, now_us, channel);
}

enum apf_mps_state apf_mps_session_state(const struct apf_mps_session *s)
{
    return s->base.has_ended ? APF_MPS_ENDED : s->state;
}

const struct uuid *apf_mps_session_uuid(const struct apf_mps_session *s)
{
    return &s->uuid;
}

const struct apf_forward *apf_mps_session_forwards(const struct apf_mps_session *s, uint32_t *count)
{
    *count = s->forward_count;
    return s->forwards;
}

uint64_t apf_mps_session_last_input_us(const struct apf_mps_session *s)
{
    return s->last_input_us;
}

struct apf_mux *apf_mps_session_mux(struct apf_mps_session *s)
{
    return s->base.mux;
}
