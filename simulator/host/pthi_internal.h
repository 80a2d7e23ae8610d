/* Shared by pthi.c (what changes the device), pthi_views.c and pthi_records.c (what only reads it). */
#ifndef AMTLAB_SIMULATOR_HOST_PTHI_INTERNAL_H
#define AMTLAB_SIMULATOR_HOST_PTHI_INTERNAL_H

#include "base/text.h"
#include "protocol/mei/pthi.h"
#include "simulator/firmware/firmware_internal.h"

/* One command under way. */
struct pthi_exchange {
    struct firmware *firmware;
    const struct pthi_request *request;
    const uint8_t *in; /* where the views of the request are */
    struct pthi_response *response;
    struct text bytes; /* where those of the response are */
    struct arena arena;
};
/* Fills the response; returns its status. */
typedef uint32_t pthi_answer_fn(struct pthi_exchange *x);

/* Puts n numbers into the response. */
uint32_t pthi_numbers(struct pthi_exchange *x, uint32_t count, ...);
/* Puts the text at the end of the response. MEI-025: no text has a length that is a multiple of 256. */
void pthi_text(struct pthi_exchange *x, const char *text);

/* pthi_views.c: what WS-Man shows as well */
pthi_answer_fn pthi_code_versions, pthi_lan_interface, pthi_tcpip_parameters, pthi_fqdn,
    pthi_dns_suffix_list, pthi_power_policy, pthi_mac_addresses, pthi_features, pthi_redirection,
    pthi_remote_access, pthi_security_parameters;
/* pthi_records.c */
pthi_answer_fn pthi_config_server, pthi_setup_record, pthi_pid, pthi_hash_handles, pthi_hash_entry;

#endif
