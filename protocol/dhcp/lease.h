/* What a DHCP server grants (RFC 2131 4.3.1), and the DNS suffix that firmware makes of option 15. */
#ifndef AMTLAB_PROTOCOL_DHCP_LEASE_H
#define AMTLAB_PROTOCOL_DHCP_LEASE_H

#include "protocol/dhcp/codec.h"

#define DHCP_FOREVER      UINT32_MAX /* a lease time */
#define DHCP_DOMAIN_BYTES 254u       /* a name of 253 characters (RFC 1035 2.3.4) and its 0 */

enum dhcp_domain {
    DHCP_DOMAIN_GIVEN,     /* suffix is usable */
    DHCP_DOMAIN_ABSENT,    /* no option 15 in the answer */
    DHCP_DOMAIN_EMPTY,     /* there, but nothing in it (or zero bytes alone, or the single dot) */
    DHCP_DOMAIN_CHARACTER, /* a zero byte inside, a control character, or none of ASCII */
    DHCP_DOMAIN_LABEL,     /* an empty label, or one above 63 characters */
    DHCP_DOMAIN_TOO_LONG   /* above 253 characters */
};

struct dhcp_lease {
    uint32_t address, mask, router, dns[2], server; /* 0: not given */
    uint32_t time_s, renew_s, rebind_s;             /* DHCP_FOREVER: never */
    enum dhcp_domain domain;
    char suffix[DHCP_DOMAIN_BYTES]; /* "" unless DHCP_DOMAIN_GIVEN */
};

/* The lease in an OFFER or ACK. T1 and T2 are half and seven eighths of the lease where the server gives
 * none, or gives times that are not in order (RFC 2131 4.4.5). AMT_EMALFORMED: no address, no server, or
 * no time (0 is none); *fault says which. What else is malformed counts as not given. */
enum amt_err dhcp_lease_read(const uint8_t *in, const struct dhcp_message *message,
                             struct dhcp_lease *out, struct dhcp_fault *fault) AMT_MUST_USE;

/*
 * The suffix in the bytes of option 15. Zero bytes at the end are taken off (RFC 2132 2); a trailing dot
 * and blanks stay, as they came: what becomes of them is row F16 of activation.md 10, and the servers'
 * to handle (ACT-SRV-015). Anything but DHCP_DOMAIN_GIVEN leaves out empty.
 */
enum dhcp_domain dhcp_suffix(const uint8_t *in, uint32_t len, char out[static DHCP_DOMAIN_BYTES]);
/* "the server sends no option 15 (domain name)"; "" for DHCP_DOMAIN_GIVEN. */
const char *dhcp_domain_text(enum dhcp_domain domain);

#endif
