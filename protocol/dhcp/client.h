/*
 * The client's side of a DHCP conversation (RFC 2131 4.4), without I/O: it is told the time and what
 * came, sends and reports through two functions, and says when it wants to be woken.
 */
#ifndef AMTLAB_PROTOCOL_DHCP_CLIENT_H
#define AMTLAB_PROTOCOL_DHCP_CLIENT_H

#include "base/random.h"
#include "protocol/dhcp/lease.h"

#define DHCP_NO_DEADLINE UINT64_MAX

enum dhcp_state {
    DHCP_STOPPED,
    DHCP_SELECTING,  /* DISCOVER is out */
    DHCP_REQUESTING, /* an OFFER was taken */
    DHCP_REBOOTING,  /* asks for the address it had, after the link was away */
    DHCP_BOUND,
    DHCP_RENEWING,  /* since T1: asks the server of the lease */
    DHCP_REBINDING, /* since T2: asks any server */
    DHCP_STATE_COUNT_
};

enum dhcp_event {
    DHCP_GOT_LEASE, /* client->lease; also when a renewal brought other values */
    DHCP_RENEWED,   /* the same values, a new time */
    DHCP_NO_SERVER, /* nobody has answered for about ten seconds; told once for each search */
    DHCP_REFUSED,   /* NAK: text has the server's words, "" without */
    DHCP_EXPIRED,   /* no server has renewed it in time: the address is not ours any more */
    DHCP_BAD_ANSWER /* what came for us is no valid answer: text says what is wrong */
};

/* Must outlive the client. None may call back into it. */
struct dhcp_hooks {
    /* To one server (its address), or to all: DHCP_ALL. */
    void (*send)(void *ctx, uint32_t to, const uint8_t *out, uint32_t len);
    /* text is "" where the event has none; printable ASCII. */
    void (*event)(void *ctx, enum dhcp_event event, const char *text);
    void *ctx;
};
#define DHCP_ALL 0xffffffffu

/* Zero-initialise, set the first four, then start. */
struct dhcp_client {
    struct dhcp_hooks hooks;
    struct amt_random random; /* transaction numbers and jitter; seeded by the caller */
    uint8_t hardware[DHCP_HARDWARE_BYTES];
    const char *host_name; /* option 12, at most 63 characters; NULL: none */
    /* Read only for the owner. */
    enum dhcp_state state;
    uint64_t deadline_us;    /* when dhcp_client_wake is due; DHCP_NO_DEADLINE: never */
    struct dhcp_lease lease; /* address 0: none */
    /* Its own. */
    struct dhcp_lease offer;
    uint32_t xid, tries, refusals;
    uint64_t began_us, asked_us, bound_us;
    bool has_told_no_server;
};

/* The link is there: asks anew, or for the address that it had when that is still ours by the clock. */
void dhcp_client_start(struct dhcp_client *client, uint64_t now_us);
/* The link is gone: waits for nothing. The lease stays known for the next start. */
void dhcp_client_stop(struct dhcp_client *client);
/* The deadline has come. */
void dhcp_client_wake(struct dhcp_client *client, uint64_t now_us);
/* A datagram came to the client port. What is not for this client is ignored. */
void dhcp_client_input(struct dhcp_client *client, uint64_t now_us, const uint8_t *in,
                       uint32_t len);
/* "selecting"; never NULL. */
const char *dhcp_state_name(enum dhcp_state state);

#endif
