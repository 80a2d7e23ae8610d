#include "protocol/apf/device_session.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "protocol/apf/session.h"

#define NO_DEADLINE  UINT64_MAX
#define SECOND_US    UINT64_C(1000000)
#define REQUESTS_MAX (2u * APF_FORWARDS_MAX)

/* A GLOBAL_REQUEST that the MPS may answer, in order of sending (apf.md 3.10). */
struct request {
    uint32_t port;
    uint8_t kind;        /* enum apf_request */
    bool reply_optional; /* sent with want_reply 0: some MPS answer all the same (apf.md 3.9) */
};

struct apf_device_session {
    struct apf_session base;
    const struct apf_device_config *config;
    const struct apf_device_handler *handler;
    enum apf_device_state state;
    struct request requests[REQUESTS_MAX]; /* ring */
    uint32_t first_request, request_count;
    uint32_t next_forward; /* of config->forwards */
    uint32_t extra_ports[APF_FORWARDS_MAX];
    uint32_t extra_count;
    uint32_t granted_bits; /* one per entry of config->forwards */
    uint32_t cookie;
    bool reply_is_due; /* a KEEPALIVE_REQUEST is unanswered */
    uint64_t interval_us;
    uint64_t progress_due_us, keepalive_due_us, reply_due_us, lifetime_due_us;
};

static const char *state_name(enum apf_device_state state)
{
    static const char *const k_names[] = { "HELLO", "AUTH", "PFWD", "FORWARD", "UP", "ENDED" };
    return (uint32_t)state < APF_DEVICE_STATE_COUNT_ ? k_names[state] : "?";
}

/* `P` of apf.md 4.2 */
static void violated(struct apf_device_session *s, uint8_t type, const char *what,
                     const char *requirement)
{
    char text[APF_END_TEXT_BYTES];
    (void)snprintf(text, sizeof text, "%s %s (state %s)", apf_type_name(type), what,
                   state_name(s->state));
    apf_session_violated(&s->base, text, requirement);
}

static void set_progress(struct apf_device_session *s)
{
    s->progress_due_us = s->config->progress_limit_us == 0
                             ? NO_DEADLINE
                             : s->base.now_us + s->config->progress_limit_us; /* APF-DEV-043 */
}

static void enter_state(struct apf_device_session *s, enum apf_device_state state)
{
    s->state = state;
    set_progress(s);
}

/* --- which ports are served --- */

static void set_granted(struct apf_device_session *s, uint32_t port, bool granted)
{
    for (uint32_t i = 0; i < s->config->forward_count && i < 32; i++) {
        if (s->config->forwards[i].port == port) {
            uint32_t bit = 1u << i;
            s->granted_bits = granted ? s->granted_bits | bit : s->granted_bits & ~bit;
            return;
        }
    }
    for (uint32_t i = 0; i < s->extra_count; i++) {
        if (s->extra_ports[i] == port) {
            if (!granted) {
                s->extra_ports[i] = s->extra_ports[--s->extra_count];
            }
            return;
        }
    }
    if (granted && s->extra_count < APF_FORWARDS_MAX) {
        s->extra_ports[s->extra_count++] = port;
    }
}

static bool is_served(const struct apf_device_session *s, uint32_t port)
{
    for (uint32_t i = 0; i < s->config->forward_count && i < 32; i++) {
        if (s->config->forwards[i].port == port && (s->granted_bits & 1u << i) != 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < s->extra_count; i++) {
        if (s->extra_ports[i] == port) {
            return true;
        }
    }
    return false;
}

/* --- sending --- */

static void send_version(struct apf_device_session *s)
{
    struct apf_message version = { .type = APF_PROTOCOLVERSION,
                                   .major = 1,
                                   .trigger = s->config->trigger };
    uuid_to_wire(&s->config->uuid, version.uuid);
    apf_session_send(&s->base, &version, NULL); /* APF-DEV-004 */
}

static void send_service_request(struct apf_device_session *s, const char *service)
{
    const struct apf_message request = { .type = APF_SERVICE_REQUEST,
                                         .service = { 0, (uint32_t)strlen(service) } };
    apf_session_send(&s->base, &request, (const uint8_t *)service);
}

/* APF-DEV-006, 007, 008: one message; the texts are laid out one after the other. */
static void send_userauth(struct apf_device_session *s)
{
    uint8_t source[18 + 8 + 2 * APF_NAME_MAX_BYTES];
    const struct apf_device_config *config = s->config;
    bool has_password = !config->mutual_tls;
    const char *method = has_password ? APF_METHOD_NAME_PASSWORD : APF_METHOD_NAME_NONE;
    uint32_t method_len = (uint32_t)strlen(method);
    uint32_t max = APF_NAME_MAX_BYTES; /* new() refuses more */
    uint32_t user_len = config->user_len < max ? config->user_len : max;
    uint32_t password_len = config->password_len < max ? config->password_len : max;
    struct apf_message auth = { .type = APF_USERAUTH_REQUEST, .has_password = has_password };
    auth.service = (struct view){ 0, 18 };
    auth.method = (struct view){ 18, method_len };
    auth.user = (struct view){ 26, user_len };
    memcpy(source, APF_SERVICE_PFWD, 18);
    memcpy(source + 18, method, method_len);
    if (user_len > 0) {
        memcpy(source + 26, config->user, user_len);
    }
    if (has_password) {
        auth.password = (struct view){ 26 + user_len, password_len };
        if (password_len > 0) {
            memcpy(source + 26 + user_len, config->password, password_len);
        }
    }
    apf_session_send(&s->base, &auth, source);
    amt_wipe(source, sizeof source);
}

static struct request take_request(struct apf_device_session *s)
{
    struct request request = s->requests[s->first_request];
    s->first_request = (s->first_request + 1) % REQUESTS_MAX;
    s->request_count -= 1;
    return request;
}

static bool add_request(struct apf_device_session *s, const struct request *request)
{
    if (s->request_count == REQUESTS_MAX && s->requests[s->first_request].reply_optional) {
        (void)take_request(s); /* an MPS that was silent so far keeps to the rule */
    }
    if (s->request_count == REQUESTS_MAX) {
        return false;
    }
    s->requests[(s->first_request + s->request_count) % REQUESTS_MAX] = *request;
    s->request_count += 1;
    return true;
}

static void tell_forward(struct apf_device_session *s, uint32_t port, bool granted)
{
    if (s->handler->on_forward != NULL) {
        s->handler->on_forward(s->base.ctx, port, granted);
    }
}

static bool send_request(struct apf_device_session *s, enum apf_request kind, uint32_t port,
                         const char *address)
{
    const struct request request = { .port = port,
                                     .kind = (uint8_t)kind,
                                     .reply_optional = s->config->want_reply == 0 };
    const struct apf_message message = { .type = APF_GLOBAL_REQUEST,
                                         .request = (uint8_t)kind,
                                         .want_reply = s->config->want_reply,
                                         .address = { 0, (uint32_t)strlen(address) },
                                         .port = port };
    bool is_listed = kind == APF_REQUEST_FORWARD;
    if (!add_request(s, &request)) {
        return false;
    }
    if (request.reply_optional) {
        set_granted(s, port, is_listed); /* nobody will say so */
    }
    apf_session_send(&s->base, &message, (const uint8_t *)address);
    if (request.reply_optional && is_listed && !s->base.has_ended) {
        tell_forward(s, port, true);
    }
    return true;
}

static void send_forward(struct apf_device_session *s)
{
    const struct apf_forward *forward = &s->config->forwards[s->next_forward++];
    (void)send_request(s, APF_REQUEST_FORWARD, forward->port, forward->address);
}

static void schedule_keepalive(struct apf_device_session *s)
{
    s->keepalive_due_us = s->interval_us == 0 ? NO_DEADLINE : s->base.now_us + s->interval_us;
}

static void go_up(struct apf_device_session *s)
{
    s->state = APF_DEVICE_UP;
    s->progress_due_us = NO_DEADLINE;
    schedule_keepalive(s);
    if (s->handler->on_up != NULL) {
        s->handler->on_up(s->base.ctx);
    }
}

/* The next forward, or all of them; UP when none is outstanding (APF-DEV-012, 013). */
static void continue_forwards(struct apf_device_session *s)
{
    bool waits_for_replies = s->config->want_reply != 0;
    while (!s->base.has_ended && s->next_forward < s->config->forward_count &&
           (s->config->pipelined_forwards || s->request_count == 0 || !waits_for_replies)) {
        send_forward(s);
    }
    bool is_done = s->next_forward == s->config->forward_count &&
                   (s->request_count == 0 || !waits_for_replies);
    if (is_done && s->state == APF_DEVICE_FORWARD && !s->base.has_ended) {
        go_up(s);
    }
}

/* --- messages --- */

typedef void action_fn(struct apf_device_session *s, const struct apf_message *m,
                       const uint8_t *in);

static bool view_is(const struct view *view, const uint8_t *in, const char *text)
{
    size_t len = strlen(text);
    return view->len == len && memcmp(in + view->off, text, len) == 0;
}

static void on_service_accept(struct apf_device_session *s, const struct apf_message *m,
                              const uint8_t *in)
{
    if (s->state == APF_DEVICE_HELLO && view_is(&m->service, in, APF_SERVICE_AUTH)) {
        enter_state(s, APF_DEVICE_AUTH);
        send_userauth(s);
    } else if (s->state == APF_DEVICE_PFWD && view_is(&m->service, in, APF_SERVICE_PFWD)) {
        enter_state(s, APF_DEVICE_FORWARD);
        continue_forwards(s);
    } else if (!s->config->lenient) {
        violated(s, m->type, "names a service that was not asked for", "APF-DEV-022");
    }
}

static void on_userauth_success(struct apf_device_session *s, const struct apf_message *m,
                                const uint8_t *in)
{
    (void)in;
    if (s->state == APF_DEVICE_HELLO) {
        violated(s, m->type, "came before a login", "APF-DEV-009");
    } else if (s->state == APF_DEVICE_AUTH) {
        enter_state(s, APF_DEVICE_PFWD);
        if (s->handler->on_authenticated != NULL) {
            s->handler->on_authenticated(s->base.ctx);
        }
        if (!s->base.has_ended) {
            send_service_request(s, APF_SERVICE_PFWD); /* APF-DEV-009 */
        }
    } /* a second one is ignored (APF-DEV-021): MeshCentral can send it twice */
}

static void on_userauth_failure(struct apf_device_session *s, const struct apf_message *m,
                                const uint8_t *in)
{
    (void)in;
    if (s->state != APF_DEVICE_AUTH) {
        violated(s, m->type, "came without a login", "APF-DEV-010");
        return;
    }
    /* What follows, a padding byte above all, is not looked at (APF-DEV-010, APF-DEV-011). */
    const struct apf_end end = { APF_END_AUTH_FAILED, 0,
                                 "authentication failed: the MPS refused user name and password",
                                 "APF-DEV-010" };
    apf_session_finish(&s->base, &end, false);
}

static void answered(struct apf_device_session *s, const struct request *request, bool granted)
{
    bool is_cancel = request->kind == APF_REQUEST_CANCEL;
    if (request->reply_optional && granted) {
        return; /* it went without saying */
    }
    set_granted(s, request->port, is_cancel ? !granted : granted);
    set_progress(s);
    if (s->state == APF_DEVICE_UP) {
        s->progress_due_us = NO_DEADLINE;
    }
    if (!is_cancel) {
        tell_forward(s, request->port, granted);
    }
    if (!s->base.has_ended) {
        continue_forwards(s);
    }
}

static void on_request_success(struct apf_device_session *s, const struct apf_message *m,
                               const uint8_t *in)
{
    (void)in;
    struct request request = take_request(s);
    bool is_other_port = m->request == APF_REQUEST_FORWARD && m->port != request.port;
    if (is_other_port && !s->config->lenient) {
        violated(s, m->type, "grants another port than was asked for", "APF-DEV-015");
        return;
    }
    answered(s, &request, true);
}

static void on_request_failure(struct apf_device_session *s, const struct apf_message *m,
                               const uint8_t *in)
{
    (void)m;
    (void)in;
    struct request request = take_request(s);
    answered(s, &request, false); /* APF-DEV-014: the session goes on without that port */
}

static void on_channel_message(struct apf_device_session *s, const struct apf_message *m,
                               const uint8_t *in)
{
    bool may_open = s->state == APF_DEVICE_FORWARD || s->state == APF_DEVICE_UP;
    if (m->type == APF_CHANNEL_OPEN && !may_open) { /* F1: whatever it asks for (APF-DEV-029) */
        const struct apf_message failure = { .type = APF_CHANNEL_OPEN_FAILURE,
                                             .recipient_channel = m->sender_channel,
                                             .reason = APF_ADMINISTRATIVELY_PROHIBITED };
        apf_session_send(&s->base, &failure, NULL);
        return;
    }
    apf_session_channel_message(&s->base, m, in, is_served(s, m->port));
}

static void on_keepalive_request(struct apf_device_session *s, const struct apf_message *m,
                                 const uint8_t *in)
{
    (void)in;
    apf_session_reply_keepalive(&s->base, m); /* APF-DEV-019 */
}

static void on_keepalive_reply(struct apf_device_session *s, const struct apf_message *m,
                               const uint8_t *in)
{
    (void)in;
    s->reply_is_due = false;
    s->reply_due_us = NO_DEADLINE;
    if (s->handler->on_keepalive_reply != NULL) {
        s->handler->on_keepalive_reply(s->base.ctx, m->cookie == s->cookie);
    }
}

static void on_keepalive_options(struct apf_device_session *s, const struct apf_message *m,
                                 const uint8_t *in)
{
    (void)in;
    if (!s->config->answers_keepalive_options) {
        return;
    }
    if (s->config->accepts_keepalive_options && m->interval != 0) {
        s->interval_us = m->interval * SECOND_US; /* APF-DEV-016: at once */
    }
    const struct apf_message reply = { .type = APF_KEEPALIVE_OPTIONS_REPLY,
                                       .interval = (uint32_t)(s->interval_us / SECOND_US),
                                       .timeout = m->timeout };
    apf_session_send(&s->base, &reply, NULL);
    if (s->state == APF_DEVICE_UP) {
        schedule_keepalive(s);
    }
    if (!s->base.has_ended && s->handler->on_keepalive_options != NULL) {
        s->handler->on_keepalive_options(s->base.ctx, m->interval, m->timeout);
    }
}

static void on_disconnect(struct apf_device_session *s, const struct apf_message *m,
                          const uint8_t *in)
{
    (void)in;
    apf_session_peer_disconnected(&s->base, m->reason); /* APF-DEV-042 */
}

static void on_json(struct apf_device_session *s, const struct apf_message *m, const uint8_t *in)
{
    if (s->handler->on_json != NULL) {
        s->handler->on_json(s->base.ctx, in + m->json.off, m->json.len);
    }
}

static void ignore(struct apf_device_session *s, const struct apf_message *m, const uint8_t *in)
{
    (void)s;
    (void)m;
    (void)in;
}

/* apf.md 4.2: most cells depend on the state alone through the actions above. */
static const struct rule {
    uint8_t type;
    action_fn *action;
} k_rules[] = {
    { APF_CHANNEL_DATA, on_channel_message },
    { APF_CHANNEL_WINDOW_ADJUST, on_channel_message },
    { APF_KEEPALIVE_REPLY, on_keepalive_reply },
    { APF_KEEPALIVE_REQUEST, on_keepalive_request },
    { APF_CHANNEL_OPEN, on_channel_message },
    { APF_CHANNEL_CLOSE, on_channel_message },
    { APF_CHANNEL_OPEN_CONFIRMATION, on_channel_message },
    { APF_CHANNEL_OPEN_FAILURE, on_channel_message },
    { APF_REQUEST_SUCCESS, on_request_success },
    { APF_REQUEST_FAILURE, on_request_failure },
    { APF_KEEPALIVE_OPTIONS_REQUEST, on_keepalive_options },
    { APF_SERVICE_ACCEPT, on_service_accept },
    { APF_USERAUTH_SUCCESS, on_userauth_success },
    { APF_USERAUTH_FAILURE, on_userauth_failure },
    { APF_PROTOCOLVERSION, ignore }, /* APF-DEV-020: Console echoes it */
    { APF_DISCONNECT, on_disconnect },
    { APF_JSON_CONTROL, on_json }, /* activation.md 6.4; the decoder refuses it unless enabled */
};

static enum apf_input_answer on_type(void *ctx, uint8_t type)
{
    (void)ctx;
    (void)type;
    return APF_INPUT_GO_ON; /* the decoder refuses what an MPS may not send */
}

static bool on_message(void *ctx, const struct apf_message *message, const uint8_t *in)
{
    struct apf_device_session *s = ctx;
    for (uint32_t i = 0; i < sizeof k_rules / sizeof k_rules[0]; i++) {
        if (k_rules[i].type == message->type) {
            k_rules[i].action(s, message, in);
            break;
        }
    }
    return !s->base.has_ended;
}

static void on_error(void *ctx, enum apf_verdict verdict, uint8_t type, uint32_t offset)
{
    struct apf_device_session *s = ctx;
    apf_session_decode_error(&s->base, verdict, type, offset); /* APF-DEV-041 */
}

static struct apf_context context_of(void *ctx)
{
    const struct apf_device_session *s = ctx;
    enum apf_request pending = s->request_count == 0
                                   ? APF_REQUEST_NONE
                                   : (enum apf_request)s->requests[s->first_request].kind;
    return (struct apf_context){ .direction = APF_MPS_TO_DEV,
                                 .pending = pending,
                                 .json_control = s->config->json_control };
}

static const struct apf_input_handler k_input = {
    .on_type = on_type, .on_message = on_message, .on_error = on_error, .context = context_of
};

/* --- life --- */

struct apf_device_session *apf_device_session_new(const struct apf_device_config *config,
                                                  const struct apf_device_handler *handler,
                                                  void *ctx, uint64_t now_us)
{
    if (config->user_len > APF_NAME_MAX_BYTES || config->password_len > APF_NAME_MAX_BYTES) {
        return NULL;
    }
    struct apf_device_session *s = amt_alloc(sizeof *s);
    if (s == NULL || !apf_session_init(&s->base, &config->mux, &handler->mux, ctx,
                                       APF_MESSAGE_MAX_BYTES, now_us)) {
        amt_free(s);
        return NULL;
    }
    s->base.on_end = handler->on_end;
    s->config = config;
    s->handler = handler;
    s->interval_us = config->keepalive_interval_us;
    s->keepalive_due_us = NO_DEADLINE;
    s->reply_due_us = NO_DEADLINE;
    s->lifetime_due_us = config->lifetime_us == 0 ? NO_DEADLINE : now_us + config->lifetime_us;
    enter_state(s, APF_DEVICE_HELLO);
    if (config->service_request_first) { /* APF-DEV-005 */
        send_service_request(s, APF_SERVICE_AUTH);
        send_version(s);
    } else {
        send_version(s);
        send_service_request(s, APF_SERVICE_AUTH);
    }
    return s;
}

void apf_device_session_free(struct apf_device_session *session)
{
    if (session != NULL) {
        apf_session_fini(&session->base);
        amt_free(session);
    }
}

void apf_device_session_input(struct apf_device_session *s, const uint8_t *in, uint32_t len,
                              uint64_t now_us)
{
    if (s->base.has_ended) {
        return;
    }
    s->base.now_us = now_us;
    enum amt_err err = apf_input_feed(&s->base.input, &k_input, s, in, len);
    if (err == AMT_ELIMIT) {
        apf_session_violated(&s->base, "more bytes than a session may send at once", NULL);
    } else if (err != AMT_OK) {
        apf_session_out_of_memory(&s->base);
    }
}

void apf_device_session_disconnect(struct apf_device_session *s, uint32_t reason, uint64_t now_us)
{
    const struct apf_end end = { APF_END_LOCAL, reason, "the device ended the tunnel", NULL };
    s->base.now_us = now_us;
    apf_session_finish(&s->base, &end, true);
}

void apf_device_session_transport_ended(struct apf_device_session *s, uint64_t now_us)
{
    const struct apf_end end = { APF_END_TRANSPORT, 0, "the connection closed without DISCONNECT",
                                 NULL };
    s->base.now_us = now_us;
    apf_session_finish(&s->base, &end, false);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t apf_device_session_next_deadline_us(const struct apf_device_session *s)
{
    if (s->base.has_ended) {
        return NO_DEADLINE;
    }
    uint64_t first_us = earlier(s->progress_due_us, s->keepalive_due_us);
    first_us = earlier(first_us, earlier(s->reply_due_us, s->lifetime_due_us));
    return earlier(first_us, apf_mux_next_deadline_us(s->base.mux));
}

void apf_device_session_keepalive(struct apf_device_session *s, uint64_t now_us)
{
    if (s->base.has_ended) {
        return;
    }
    s->base.now_us = now_us;
    s->cookie += 1; /* APF-DEV-017: changes each time */
    const struct apf_message request = { .type = APF_KEEPALIVE_REQUEST, .cookie = s->cookie };
    if (!s->reply_is_due && s->config->keepalive_reply_limit_us != 0) {
        s->reply_is_due = true;
        s->reply_due_us = now_us + s->config->keepalive_reply_limit_us;
    }
    apf_session_send(&s->base, &request, NULL);
    schedule_keepalive(s);
}

void apf_device_session_extend(struct apf_device_session *s, uint64_t lifetime_us, uint64_t now_us)
{
    uint64_t due_us = lifetime_us == 0 ? NO_DEADLINE : now_us + lifetime_us;
    s->lifetime_due_us = due_us > s->lifetime_due_us ? due_us : s->lifetime_due_us;
}

static void end_by_time(struct apf_device_session *s, enum apf_session_end kind, uint32_t code,
                        const char *text, const char *requirement)
{
    const struct apf_end end = { kind, code, text, requirement };
    apf_session_finish(&s->base, &end, true);
}

void apf_device_session_tick(struct apf_device_session *s, uint64_t now_us)
{
    if (s->base.has_ended) {
        return;
    }
    s->base.now_us = now_us;
    if (now_us >= s->lifetime_due_us) {
        end_by_time(s, APF_END_LOCAL, APF_BY_APPLICATION, "the tunnel's lifetime is over",
                    "APF-DEV-044");
    } else if (now_us >= s->progress_due_us) {
        char text[APF_END_TEXT_BYTES];
        (void)snprintf(text, sizeof text, "no progress in state %s", state_name(s->state));
        end_by_time(s, APF_END_TIMEOUT, APF_CONNECTION_TIMED_OUT, text, "APF-DEV-043");
    } else if (now_us >= s->reply_due_us) {
        end_by_time(s, APF_END_TIMEOUT, APF_CONNECTION_LOST, "a KEEPALIVE_REPLY is missing",
                    "APF-DEV-018");
    } else {
        if (now_us >= s->keepalive_due_us) {
            apf_device_session_keepalive(s, now_us);
        }
        if (!s->base.has_ended) {
            apf_mux_tick(s->base.mux, now_us);
        }
    }
}

enum amt_err apf_device_session_forward(struct apf_device_session *s, uint32_t port, bool listed,
                                        uint64_t now_us)
{
    if (s->base.has_ended || s->state != APF_DEVICE_UP) {
        return AMT_ESTATE;
    }
    s->base.now_us = now_us;
    const char *address = s->config->forward_count > 0 ? s->config->forwards[0].address : "";
    enum apf_request kind = listed ? APF_REQUEST_FORWARD : APF_REQUEST_CANCEL;
    return send_request(s, kind, port, address) ? AMT_OK : AMT_ELIMIT;
}

enum apf_device_state apf_device_session_state(const struct apf_device_session *s)
{
    return s->base.has_ended ? APF_DEVICE_ENDED : s->state;
}

uint64_t apf_device_session_keepalive_interval_us(const struct apf_device_session *s)
{
    return s->interval_us;
}

struct apf_mux *apf_device_session_mux(struct apf_device_session *s)
{
    return s->base.mux;
}
