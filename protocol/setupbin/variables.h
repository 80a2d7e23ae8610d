/* What the variables of setup.bin mean (activation.md 9.2). */
#ifndef AMTLAB_PROTOCOL_SETUPBIN_VARIABLES_H
#define AMTLAB_PROTOCOL_SETUPBIN_VARIABLES_H

#include "protocol/setupbin/codec.h"

/* Module 1, the management engine; module 2, AMT. */
enum setupbin_module { SETUPBIN_ME = 1, SETUPBIN_AMT = 2 };
enum setupbin_me_variable {
    SETUPBIN_CURRENT_PASSWORD = 1,
    SETUPBIN_NEW_PASSWORD = 2,
    SETUPBIN_FEATURE = 3,
    SETUPBIN_FIRMWARE_UPDATE = 4,
    SETUPBIN_FIRMWARE_UPDATE_QUALIFIER = 5,
    SETUPBIN_POWER_PACKAGE = 6
};
enum setupbin_amt_variable {
    SETUPBIN_PID = 1,
    SETUPBIN_PPS = 2,
    SETUPBIN_DNS_SUFFIX = 3,
    SETUPBIN_SERVER_FQDN = 4,
    SETUPBIN_REMOTE_CONFIGURATION = 5,
    SETUPBIN_BUILT_IN_HASHES = 6,
    SETUPBIN_USER_HASHES = 7,
    SETUPBIN_ADD_HASH = 8,
    SETUPBIN_REDIRECTION = 10,
    SETUPBIN_HOST_NAME = 11,
    SETUPBIN_DOMAIN_NAME = 12,
    SETUPBIN_DHCP = 13,
    SETUPBIN_SECURE_UPDATE = 14,
    SETUPBIN_IDLE_TIMEOUT = 15,
    SETUPBIN_PROVISIONING_MODE = 16,
    SETUPBIN_SERVER_ADDRESS = 17,
    SETUPBIN_SERVER_PORT = 18,
    SETUPBIN_STATIC_IPV4 = 19,
    SETUPBIN_VLAN = 20,
    SETUPBIN_PASSWORD_POLICY = 21,
    SETUPBIN_IPV6 = 22,
    SETUPBIN_SHARED_FQDN = 23,
    SETUPBIN_DYNAMIC_DNS = 24,
    SETUPBIN_KVM = 25,
    SETUPBIN_CONSENT = 26,
    SETUPBIN_CONSENT_POLICY = 27,
    SETUPBIN_HELLO = 28,
    SETUPBIN_MANUAL_SETUP = 29,
    SETUPBIN_SUPPORT_CHANNEL = 30,
    SETUPBIN_CHANNEL_DESCRIPTION = 31,
    SETUPBIN_ACCOUNT = 32,
    SETUPBIN_PASSCODE = 33,
    SETUPBIN_SERVICE_TYPE = 34,
    SETUPBIN_SERVICE_PROVIDER = 35
};

enum setupbin_type { SETUPBIN_TEXT, SETUPBIN_BYTES, SETUPBIN_NUMBER, SETUPBIN_GUID };

struct setupbin_choice {
    uint32_t value;
    const char *meaning;
};

struct setupbin_meaning {
    uint16_t module, id;
    enum setupbin_type type;
    const char *name;  /* "pki-dns-suffix", of options and YAML */
    const char *title; /* "PKI DNS suffix (Trusted FQDN)" */
    uint32_t min_bytes, max_bytes;
    uint32_t min, max;    /* of numbers */
    uint8_t major, minor; /* the first file version that vendors' tools write it in */
    bool is_secret;
    const struct setupbin_choice *choices; /* ends with a NULL meaning; NULL: any number */
};

/* All of them, in order; the count. */
extern const struct setupbin_meaning k_setupbin_meanings[];
extern const uint32_t k_setupbin_meaning_count;
/* NULL: not a known variable. */
const struct setupbin_meaning *setupbin_meaning(uint16_t module, uint16_t id);
const struct setupbin_meaning *setupbin_meaning_of(const char *name);

/* The number that a variable holds: 1, 2 or 4 bytes, little-endian; 0 for other sizes. */
uint32_t setupbin_number(const struct setupbin_record *record,
                         const struct setupbin_variable *variable);
/* Adds a number in the size its meaning wants. AMT_ETOOBIG, AMT_EUNKNOWN: no number variable. */
enum amt_err setupbin_add_number(struct setupbin_record *record, uint16_t module, uint16_t id,
                                 uint32_t number) AMT_MUST_USE;

/* Variable 2,8. Algorithms: 1 SHA-1, 2 SHA-256, 3 SHA-384. Views are in the body of the record. */
struct setupbin_hash {
    uint8_t algorithm;
    struct view digest, name;
};
#define SETUPBIN_HASH_NAME_MAX 32u
/* Bytes of a digest; 0: not an algorithm. */
uint32_t setupbin_hash_bytes(uint8_t algorithm);
/* AMT_EMALFORMED: another algorithm, or lengths that do not add up. */
enum amt_err setupbin_read_hash(const struct setupbin_record *record,
                                const struct setupbin_variable *variable,
                                struct setupbin_hash *out) AMT_MUST_USE;
/* AMT_ETOOBIG, AMT_EUNKNOWN (algorithm). */
enum amt_err setupbin_add_hash(struct setupbin_record *record, uint8_t algorithm,
                               const uint8_t *digest, const char *name) AMT_MUST_USE;

/* Check characters of a TLS-PSK key: the 8th of a PID checks the seven before it, each 4th of a PPS the
 * three before it. */
char setupbin_check_character(const uint8_t *chars, uint32_t len);

#endif
