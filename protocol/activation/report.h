/*
 * What is known of a device that wants to be activated: as its host reported it (meiState of the mesh
 * host protocol, the payload of RPS, a hello packet), before anything was asked of the firmware.
 */
#ifndef AMTLAB_PROTOCOL_ACTIVATION_REPORT_H
#define AMTLAB_PROTOCOL_ACTIVATION_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/uuid.h"

#define ACTIVATION_HASH_MAX_BYTES 64
#define ACTIVATION_HASHES_MAX     33u /* activation.md 2.5 */

enum activation_hash_type {
    ACTIVATION_HASH_MD5,
    ACTIVATION_HASH_SHA1,
    ACTIVATION_HASH_SHA256,
    ACTIVATION_HASH_SHA384
};
struct activation_hash {
    enum activation_hash_type type;
    uint8_t bytes[ACTIVATION_HASH_MAX_BYTES];
    uint32_t len;
    bool is_active, is_default, has_flags; /* RPS and hello carry no flags: active is assumed */
    const char *name;                      /* "" */
};

enum activation_conversation {
    ACTIVATION_BY_MESH,      /* MeshCentral's host protocol */
    ACTIVATION_BY_RPS,       /* the RPS websocket protocol */
    ACTIVATION_BY_BARE_METAL /* hello packet, TLS-PKI */
};

/* Texts live in the arena of whoever read the report; "" for what was not reported. */
struct activation_report {
    enum activation_conversation conversation;
    struct uuid uuid;
    const char *version; /* "16.1.25" */
    const char *build;   /* "2049" */
    const char *sku;     /* "16392" */
    const char *host_name;
    const char *dns_suffix; /* PKI suffix: MEBx, setup.bin or host command */
    const char
        *os_dns_suffix;    /* of the operating system; the device's DHCP suffix if it told one */
    uint32_t control_mode; /* 0, 1, 2 */
    uint32_t provisioning_state;
    bool has_core_version; /* meiState core-ver > 0 */
    bool is_tls_enforced;  /* local plain port closed */
    int wired_link;        /* 1 up, 0 down, -1 not reported */
    const char *local_user;
    struct secret local_password;
    struct activation_hash hashes[ACTIVATION_HASHES_MAX];
    uint32_t hash_count;
    const char *profile; /* RPS: named by the client; mesh: group id */
    const char *client;  /* "meshcmd", "RPC", ... for the log */
    const char *peer;    /* address of the client */
};
#define ACTIVATION_SUFFIX_BYTES 257u
/* The suffix that counts, as reported: the PKI one unless it is as good as empty ("", "."), else the
 * other; "" for none. */
const char *activation_report_suffix(const struct activation_report *report);
/* The algorithm of a hash by its length in bytes; false: none has it. */
bool activation_hash_of_length(uint32_t len, enum activation_hash_type *type);
/* A suffix without the blanks around it and without one dot at its end (ACT-SRV-015); cut to size. */
void activation_suffix_clean(const char *suffix, char out[static ACTIVATION_SUFFIX_BYTES]);
/* Whether a cleaned suffix is a DNS name: labels of 1 to 63 letters, digits, '-' and '_'. */
bool activation_suffix_is_name(const char *suffix);
void activation_report_wipe(struct activation_report *report);

#endif
