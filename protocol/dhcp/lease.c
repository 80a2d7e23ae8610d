#include "protocol/dhcp/lease.h"

#include <stddef.h>

#define LABEL_MAX 63u

static enum dhcp_domain check_labels(const char *name, uint32_t len)
{
    uint32_t label = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (name[i] != '.') {
            label += 1;
        } else if (label == 0) {
            return DHCP_DOMAIN_LABEL;
        } else {
            label = 0;
        }
        if (label > LABEL_MAX) {
            return DHCP_DOMAIN_LABEL;
        }
    }
    return DHCP_DOMAIN_GIVEN;
}

static enum dhcp_domain check_name(const uint8_t *in, uint32_t len,
                                   char out[static DHCP_DOMAIN_BYTES])
{
    uint32_t visible = 0;
    if (len >= DHCP_DOMAIN_BYTES) {
        return DHCP_DOMAIN_TOO_LONG;
    }
    for (uint32_t i = 0; i < len; i++) {
        if (in[i] < ' ' || in[i] > '~') {
            return DHCP_DOMAIN_CHARACTER;
        }
        visible += in[i] == ' ' || in[i] == '.' ? 0 : 1;
        out[i] = (char)in[i];
    }
    out[len] = '\0';
    return visible == 0 ? DHCP_DOMAIN_EMPTY : check_labels(out, len);
}

enum dhcp_domain dhcp_suffix(const uint8_t *in, uint32_t len, char out[static DHCP_DOMAIN_BYTES])
{
    while (len > 0 && in[len - 1] == 0) {
        len -= 1;
    }
    enum dhcp_domain domain = check_name(in, len, out);
    if (domain != DHCP_DOMAIN_GIVEN) {
        out[0] = '\0';
    }
    return domain;
}

const char *dhcp_domain_text(enum dhcp_domain domain)
{
    switch (domain) {
    case DHCP_DOMAIN_GIVEN:
        return "";
    case DHCP_DOMAIN_ABSENT:
        return "the DHCP server sends no option 15 (domain name)";
    case DHCP_DOMAIN_EMPTY:
        return "option 15 (domain name) is empty";
    case DHCP_DOMAIN_CHARACTER:
        return "option 15 (domain name) has a zero byte, a control character or no ASCII inside";
    case DHCP_DOMAIN_LABEL:
        return "option 15 (domain name) has a label of no or more than 63 characters";
    case DHCP_DOMAIN_TOO_LONG:
        return "option 15 (domain name) is longer than 253 characters";
    }
    return "";
}

static void read_domain(const uint8_t *in, const struct dhcp_message *message,
                        struct dhcp_lease *out)
{
    uint8_t bytes[DHCP_MOST_BYTES];
    uint32_t len = 0;
    enum amt_err err = dhcp_option(in, message, DHCP_DOMAIN_NAME, bytes, sizeof bytes, &len, NULL);
    out->domain = err == AMT_EUNKNOWN  ? DHCP_DOMAIN_ABSENT
                  : err == AMT_ETOOBIG ? DHCP_DOMAIN_TOO_LONG
                                       : dhcp_suffix(bytes, len, out->suffix);
}

static uint32_t address_or_none(const uint8_t *in, const struct dhcp_message *message,
                                enum dhcp_code code, uint32_t at)
{
    uint32_t value = 0;
    return dhcp_address(in, message, code, at, &value) == AMT_OK ? value : 0;
}

static void set_times(const uint8_t *in, const struct dhcp_message *message, struct dhcp_lease *out)
{
    uint32_t time = out->time_s, renew = 0, rebind = 0;
    if (time == DHCP_FOREVER) {
        out->renew_s = DHCP_FOREVER;
        out->rebind_s = DHCP_FOREVER;
        return;
    }
    if (dhcp_u32(in, message, DHCP_RENEWAL_TIME, &renew) != AMT_OK) {
        renew = time / 2;
    }
    if (dhcp_u32(in, message, DHCP_REBINDING_TIME, &rebind) != AMT_OK) {
        rebind = time - time / 8;
    }
    bool is_ordered = renew > 0 && renew <= rebind && rebind <= time;
    out->renew_s = is_ordered ? renew : time / 2;
    out->rebind_s = is_ordered ? rebind : time - time / 8;
}

enum amt_err dhcp_lease_read(const uint8_t *in, const struct dhcp_message *message,
                             struct dhcp_lease *out, struct dhcp_fault *fault)
{
    const char *what = NULL;
    *out = (struct dhcp_lease){ .address = message->yours };
    if (message->yours == 0) {
        what = "the server gives no address (yiaddr)";
    } else if (dhcp_u32(in, message, DHCP_SERVER_ID, &out->server) != AMT_OK || out->server == 0) {
        what = "the server does not name itself (option 54)";
    } else if (dhcp_u32(in, message, DHCP_LEASE_TIME, &out->time_s) != AMT_OK || out->time_s == 0) {
        what = "the server gives no lease time (option 51)";
    }
    if (what != NULL) {
        if (fault != NULL) {
            *fault = (struct dhcp_fault){ .offset = DHCP_HEAD_BYTES, .what = what };
        }
        return AMT_EMALFORMED;
    }
    out->mask = address_or_none(in, message, DHCP_SUBNET_MASK, 0);
    out->router = address_or_none(in, message, DHCP_ROUTER, 0);
    out->dns[0] = address_or_none(in, message, DHCP_DNS_SERVER, 0);
    out->dns[1] = address_or_none(in, message, DHCP_DNS_SERVER, 1);
    set_times(in, message, out);
    read_domain(in, message, out);
    return AMT_OK;
}
