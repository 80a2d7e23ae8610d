#include "protocol/dhcp/client.h"

#include <string.h>

#define US              1000000u
#define FIRST_WAIT_S    4u /* RFC 2131 4.1: 4, 8, 16, 32, 64 s, each up to a second more or less */
#define LONGEST_WAIT_S  64u
#define REQUEST_TRIES   4u  /* about a minute, then another server may do */
#define REBOOT_TRIES    2u  /* then whoever answers now */
#define RENEW_LEAST_S   60u /* between two requests while a lease runs (4.4.5) */
#define NO_SERVER_TRIES 2u  /* told after the second DISCOVER was not answered either */
#define TEXT_BYTES      128u

const char *dhcp_state_name(enum dhcp_state state)
{
    static const char *const k_names[DHCP_STATE_COUNT_] = { "stopped",   "selecting", "requesting",
                                                            "rebooting", "bound",     "renewing",
                                                            "rebinding" };
    return (uint32_t)state < DHCP_STATE_COUNT_ ? k_names[state] : "unknown";
}

/* --- the clock --- */

static uint64_t seconds_after(uint64_t from_us, uint32_t seconds)
{
    return seconds == DHCP_FOREVER ? DHCP_NO_DEADLINE : from_us + (uint64_t)seconds * US;
}

static uint64_t expiry_us(const struct dhcp_client *client)
{
    return seconds_after(client->bound_us, client->lease.time_s);
}

static bool is_ours(const struct dhcp_client *client, uint64_t now_us)
{
    return client->lease.address != 0 && now_us < expiry_us(client);
}

/* After tries requests: 4 s doubled each time, with jitter, so that a thousand PCs that come back with
 * the power do not ask in step. */
static uint64_t backoff_us(struct dhcp_client *client, uint32_t tries)
{
    uint32_t wait_s = FIRST_WAIT_S;
    for (uint32_t i = 1; i < tries && wait_s < LONGEST_WAIT_S; i++) {
        wait_s *= 2;
    }
    return (uint64_t)wait_s * US - US + amt_random_below(&client->random, 2 * (uint64_t)US + 1);
}

/* Half of what is left until then, but not in a hurry (4.4.5). */
static void wait_until(struct dhcp_client *client, uint64_t now_us, uint64_t end_us)
{
    uint64_t left_us = end_us > now_us ? end_us - now_us : 0;
    uint64_t wait_us = left_us / 2;
    uint64_t least_us = (uint64_t)RENEW_LEAST_S * US;
    wait_us = wait_us < least_us ? least_us : wait_us;
    client->deadline_us = wait_us < left_us ? now_us + wait_us : end_us;
}

/* --- what is sent --- */

static const uint8_t *put_u32(uint8_t out[static 4], uint32_t value)
{
    struct writer w = { .cap = 4 };
    w.base = out;
    writer_u32(&w, value);
    return out;
}

static void send(struct dhcp_client *client, enum dhcp_type type, uint64_t now_us, uint32_t to)
{
    static const uint8_t k_wanted[] = { DHCP_SUBNET_MASK,  DHCP_ROUTER,        DHCP_DNS_SERVER,
                                        DHCP_DOMAIN_NAME,  DHCP_LEASE_TIME,    DHCP_SERVER_ID,
                                        DHCP_RENEWAL_TIME, DHCP_REBINDING_TIME };
    static const uint8_t k_size[2] = { DHCP_MOST_BYTES >> 8, DHCP_MOST_BYTES & 0xffu };
    uint8_t id[1 + DHCP_HARDWARE_BYTES] = { 1 };
    uint8_t requested[4], server[4], out[DHCP_MOST_BYTES];
    struct dhcp_value values[6];
    uint32_t count = 0;
    bool has_address = client->state == DHCP_RENEWING || client->state == DHCP_REBINDING;
    uint64_t seconds = (now_us - client->began_us) / US;
    struct dhcp_message message = { .type = type,
                                    .xid = client->xid,
                                    .wants_broadcast = !has_address,
                                    .seconds =
                                        seconds > UINT16_MAX ? UINT16_MAX : (uint16_t)seconds,
                                    .client = has_address ? client->lease.address : 0 };
    memcpy(message.hardware, client->hardware, DHCP_HARDWARE_BYTES);
    memcpy(id + 1, client->hardware, DHCP_HARDWARE_BYTES);
    values[count++] = (struct dhcp_value){ DHCP_CLIENT_ID, id, sizeof id };
    if (client->state == DHCP_REQUESTING || client->state == DHCP_REBOOTING) {
        bool is_offer = client->state == DHCP_REQUESTING;
        uint32_t address = is_offer ? client->offer.address : client->lease.address;
        values[count++] =
            (struct dhcp_value){ DHCP_REQUESTED_ADDRESS, put_u32(requested, address), 4 };
        if (is_offer) {
            values[count++] =
                (struct dhcp_value){ DHCP_SERVER_ID, put_u32(server, client->offer.server), 4 };
        }
    }
    values[count++] = (struct dhcp_value){ DHCP_MESSAGE_SIZE, k_size, sizeof k_size };
    values[count++] = (struct dhcp_value){ DHCP_PARAMETERS, k_wanted, sizeof k_wanted };
    size_t name_len = client->host_name == NULL ? 0 : strlen(client->host_name);
    if (name_len > 0 && name_len < 64) {
        values[count++] = (struct dhcp_value){ DHCP_HOST_NAME, (const uint8_t *)client->host_name,
                                               (uint32_t)name_len };
    }
    uint32_t len = dhcp_encode(&message, values, count, out, sizeof out);
    client->asked_us = now_us;
    client->hooks.send(client->hooks.ctx, to, out, len);
}

static void tell(const struct dhcp_client *client, enum dhcp_event event, const char *text)
{
    client->hooks.event(client->hooks.ctx, event, text);
}

/* --- the states --- */

static void begin(struct dhcp_client *client, enum dhcp_state state, uint64_t now_us)
{
    client->state = state;
    client->tries = 0;
    if (state != DHCP_REQUESTING) { /* that one belongs to the search that found the offer */
        client->xid = (uint32_t)amt_random_u64(&client->random);
        client->began_us = now_us;
    }
}

static void search(struct dhcp_client *client, uint64_t now_us)
{
    begin(client, DHCP_SELECTING, now_us);
    client->has_told_no_server = false;
    client->deadline_us = now_us;
    dhcp_client_wake(client, now_us);
}

static void ask(struct dhcp_client *client, enum dhcp_state state, uint64_t now_us)
{
    begin(client, state, now_us);
    client->deadline_us = now_us;
    dhcp_client_wake(client, now_us);
}

static void expire(struct dhcp_client *client, uint64_t now_us)
{
    client->lease.address = 0;
    tell(client, DHCP_EXPIRED, "");
    search(client, now_us);
}

void dhcp_client_start(struct dhcp_client *client, uint64_t now_us)
{
    client->refusals = 0;
    if (is_ours(client, now_us)) {
        ask(client, DHCP_REBOOTING, now_us);
        return;
    }
    client->lease.address = 0;
    search(client, now_us);
}

void dhcp_client_stop(struct dhcp_client *client)
{
    client->state = DHCP_STOPPED;
    client->deadline_us = DHCP_NO_DEADLINE;
}

static void discover(struct dhcp_client *client, uint64_t now_us)
{
    if (client->tries == NO_SERVER_TRIES && !client->has_told_no_server) {
        client->has_told_no_server = true;
        tell(client, DHCP_NO_SERVER, "");
    }
    client->tries += 1;
    send(client, DHCP_DISCOVER, now_us, DHCP_ALL);
    client->deadline_us = now_us + backoff_us(client, client->tries);
}

/* A REQUEST of REQUESTING or REBOOTING, again, or the search anew. */
static void request(struct dhcp_client *client, uint64_t now_us, uint32_t tries_max)
{
    if (client->tries == tries_max) {
        search(client, now_us);
        return;
    }
    client->tries += 1;
    send(client, DHCP_REQUEST, now_us, DHCP_ALL);
    client->deadline_us = now_us + backoff_us(client, client->tries);
}

static void renew(struct dhcp_client *client, uint64_t now_us)
{
    uint64_t rebind_us = seconds_after(client->bound_us, client->lease.rebind_s);
    if (now_us >= expiry_us(client)) {
        expire(client, now_us);
    } else if (now_us >= rebind_us && client->state == DHCP_RENEWING) {
        ask(client, DHCP_REBINDING, now_us);
    } else if (client->state == DHCP_RENEWING) {
        send(client, DHCP_REQUEST, now_us, client->lease.server);
        wait_until(client, now_us, rebind_us);
    } else {
        send(client, DHCP_REQUEST, now_us, DHCP_ALL);
        wait_until(client, now_us, expiry_us(client));
    }
}

void dhcp_client_wake(struct dhcp_client *client, uint64_t now_us)
{
    if (now_us < client->deadline_us) {
        return;
    }
    switch (client->state) {
    case DHCP_SELECTING:
        discover(client, now_us);
        break;
    case DHCP_REQUESTING:
        request(client, now_us, REQUEST_TRIES);
        break;
    case DHCP_REBOOTING:
        request(client, now_us, REBOOT_TRIES);
        break;
    case DHCP_BOUND:
        ask(client, DHCP_RENEWING, now_us);
        break;
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        renew(client, now_us);
        break;
    case DHCP_STOPPED:
    case DHCP_STATE_COUNT_:
        client->deadline_us = DHCP_NO_DEADLINE;
        break;
    }
}

/* --- what comes --- */

static bool is_same(const struct dhcp_lease *a, const struct dhcp_lease *b)
{
    return a->address == b->address && a->mask == b->mask && a->router == b->router &&
           a->dns[0] == b->dns[0] && a->dns[1] == b->dns[1] && a->domain == b->domain &&
           strcmp(a->suffix, b->suffix) == 0;
}

static void take_lease(struct dhcp_client *client, uint64_t now_us, const struct dhcp_lease *lease)
{
    bool is_renewal = client->lease.address != 0 && is_same(&client->lease, lease);
    client->lease = *lease;
    client->state = DHCP_BOUND;
    client->refusals = 0;
    /* From when it was asked for: the server's clock runs at least as long (4.4.1). */
    client->bound_us = client->asked_us;
    client->deadline_us = seconds_after(client->bound_us, lease->renew_s);
    if (client->deadline_us < now_us + US) {
        client->deadline_us =
            now_us + US; /* a server may grant seconds; it does not make us spin */
    }
    tell(client, is_renewal ? DHCP_RENEWED : DHCP_GOT_LEASE, "");
}

static void on_refusal(struct dhcp_client *client, uint64_t now_us, const uint8_t *in,
                       const struct dhcp_message *message)
{
    uint8_t bytes[TEXT_BYTES];
    char text[TEXT_BYTES + 1];
    uint32_t len = 0;
    enum amt_err err = dhcp_option(in, message, DHCP_TEXT, bytes, sizeof bytes, &len, NULL);
    len = err == AMT_EUNKNOWN ? 0 : len > TEXT_BYTES ? TEXT_BYTES : len;
    for (uint32_t i = 0; i < len; i++) {
        bool is_printable = bytes[i] >= ' ' && bytes[i] <= '~';
        text[i] = (char)(is_printable ? bytes[i] : (uint8_t)'?');
    }
    text[len] = '\0';
    client->lease.address = 0;
    tell(client, DHCP_REFUSED, text);
    begin(client, DHCP_SELECTING, now_us);
    client->has_told_no_server = false;
    /* The first time at once; a server that refuses what it has offered is not asked in a loop. */
    client->deadline_us =
        client->refusals == 0 ? now_us : now_us + backoff_us(client, client->refusals);
    client->refusals += 1;
    dhcp_client_wake(client, now_us);
}

static void on_offer(struct dhcp_client *client, uint64_t now_us, const struct dhcp_lease *lease)
{
    client->offer = *lease;
    ask(client, DHCP_REQUESTING, now_us);
}

/* Whether an answer of this type is waited for, from this server (0: it does not say). */
static bool is_awaited(const struct dhcp_client *client, enum dhcp_type type, uint32_t server)
{
    switch (client->state) {
    case DHCP_SELECTING:
        return type == DHCP_OFFER;
    case DHCP_REQUESTING:
        return type != DHCP_OFFER && server == client->offer.server;
    case DHCP_REBOOTING:
    case DHCP_RENEWING:
    case DHCP_REBINDING:
        return type != DHCP_OFFER;
    case DHCP_STOPPED:
    case DHCP_BOUND:
    case DHCP_STATE_COUNT_:
        break;
    }
    return false;
}

static bool is_for(const struct dhcp_client *client, const struct dhcp_message *message)
{
    bool is_answer =
        message->type == DHCP_OFFER || message->type == DHCP_ACK || message->type == DHCP_NAK;
    return message->is_reply && is_answer && message->xid == client->xid &&
           memcmp(message->hardware, client->hardware, DHCP_HARDWARE_BYTES) == 0;
}

/* A broken datagram is reported when it can only be meant for us: ours is the transaction number. */
static bool is_broken_answer(const struct dhcp_client *client, enum amt_err err,
                             const struct dhcp_message *message)
{
    return err == AMT_EMALFORMED && message->is_reply && message->xid == client->xid;
}

void dhcp_client_input(struct dhcp_client *client, uint64_t now_us, const uint8_t *in, uint32_t len)
{
    struct dhcp_message message;
    struct dhcp_lease lease;
    struct dhcp_fault fault = { .what = "" };
    uint32_t server = 0;
    enum amt_err err = dhcp_decode(in, len, &message, &fault);
    if (client->state == DHCP_STOPPED || client->state == DHCP_BOUND) {
        return;
    }
    if (err != AMT_OK) {
        if (is_broken_answer(client, err, &message)) {
            tell(client, DHCP_BAD_ANSWER, fault.what);
        }
        return;
    }
    bool names_server = dhcp_u32(in, &message, DHCP_SERVER_ID, &server) == AMT_OK;
    if (!is_for(client, &message) || !is_awaited(client, message.type, names_server ? server : 0)) {
        return;
    }
    if (message.type == DHCP_NAK) {
        on_refusal(client, now_us, in, &message);
    } else if (dhcp_lease_read(in, &message, &lease, &fault) != AMT_OK) {
        tell(client, DHCP_BAD_ANSWER, fault.what);
    } else if (message.type == DHCP_OFFER) {
        on_offer(client, now_us, &lease);
    } else {
        take_lease(client, now_us, &lease);
    }
}
