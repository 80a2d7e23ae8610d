/*
 * PTHI, the commands of the host interface to AMT (mei.md 4.1 to 4.5, activation.md 1.5): one message is
 * one request or one response. All integers are little-endian.
 */
#ifndef AMTLAB_PROTOCOL_MEI_PTHI_H
#define AMTLAB_PROTOCOL_MEI_PTHI_H

#include "base/cursor.h"
#include "base/uuid.h"

#define PTHI_HEADER_BYTES   12u
#define PTHI_MESSAGE_MAX    5120u /* of the MEI client */
#define PTHI_NUMBERS_MAX    17u
#define PTHI_HANDLES_MAX    33u
#define PTHI_VERSIONS_MAX   50u
#define PTHI_BIOS_BYTES     65u /* version of the BIOS, zero-padded */
#define PTHI_VERSION_BYTES  20u /* name or version of an entry, zero-padded */
#define PTHI_HASH_BYTES     64u
#define PTHI_ACCOUNT_BYTES  33u
#define PTHI_SUFFIXES_BYTES 320u

/* Command words: class, operation. */
enum pthi_command {
    PTHI_GET_TCPIP_PARAMETERS = 0x04000006,
    PTHI_GET_PROVISIONING_MODE = 0x04000008,
    PTHI_UNPROVISION = 0x04000010,
    PTHI_GET_PROVISIONING_STATE = 0x04000011,
    PTHI_GET_CODE_VERSIONS = 0x0400001a,
    PTHI_GET_SECURITY_PARAMETERS = 0x0400001b,
    PTHI_GET_ADMIN_ACL_STATUS = 0x0400001e,
    PTHI_GET_MAC_ADDRESSES = 0x04000025,
    PTHI_GENERATE_RNG_SEED = 0x04000028,
    PTHI_START_CONFIGURATION = 0x04000029,
    PTHI_SET_OTP = 0x0400002a,
    PTHI_GET_PROVISIONING_TLS_MODE = 0x0400002b,
    PTHI_ENUMERATE_HASH_HANDLES = 0x0400002c,
    PTHI_GET_HASH_ENTRY = 0x0400002d,
    PTHI_GET_RNG_SEED_STATUS = 0x0400002e,
    PTHI_SET_DNS_SUFFIX = 0x0400002f,
    PTHI_ZERO_TOUCH = 0x04000030, /* without a number it reads, with one it sets (sources differ) */
    PTHI_GET_PKI_DNS_SUFFIX = 0x04000036,
    PTHI_SET_ZERO_TOUCH = 0x0400003a,
    PTHI_GET_PID = 0x0400003b,
    PTHI_GET_DNS_SUFFIX_LIST = 0x0400003e,
    PTHI_SET_ENTERPRISE_ACCESS = 0x0400003f,
    PTHI_OPEN_USER_CONNECTION = 0x04000044,
    PTHI_CLOSE_USER_CONNECTION = 0x04000045,
    PTHI_GET_REMOTE_ACCESS_STATUS = 0x04000046,
    PTHI_GET_POWER_POLICY = 0x04000047,
    PTHI_GET_LAN_INTERFACE = 0x04000048,
    PTHI_GET_FEATURES_STATE = 0x04000049,
    PTHI_GET_LAST_RESET_REASON = 0x0400004a,
    PTHI_GET_USER_INTERFACES = 0x0400004d,
    PTHI_GET_CONFIG_SERVER = 0x0400004e,
    PTHI_GET_SETUP_AUDIT_RECORD = 0x04000050,
    PTHI_GET_IPV6_INTERFACE = 0x04000052,
    PTHI_GET_FQDN = 0x04000056,
    PTHI_GET_REDIRECTION_STATE = 0x04000058,
    PTHI_SET_HOST_FQDN = 0x0400005b,
    PTHI_GET_UUID = 0x0400005c,
    PTHI_STOP_CONFIGURATION = 0x0400005e,
    PTHI_START_CONFIGURATION_EX = 0x04000062,
    PTHI_GET_LOCAL_SYSTEM_ACCOUNT = 0x04000067,
    PTHI_GET_CONTROL_MODE = 0x0400006b,
    PTHI_GET_EHBC_STATE = 0x04000084,
    PTHI_SET_EHBC_STATE = 0x04000085,
    PTHI_START_CONFIGURATION_HBASED = 0x0400008b,
    PTHI_GET_CIRA_LOG = 0x0400008e,
    PTHI_GET_AMT_STATE = 0x01000001
};

/* First word of a response (mei.md 4.2). */
enum pthi_status {
    PTHI_SUCCESS = 0,
    PTHI_INTERNAL_ERROR = 1,
    PTHI_NOT_READY = 2,
    PTHI_INVALID_MODE = 3,
    PTHI_INVALID_LENGTH = 4,
    PTHI_NOT_PERMITTED = 16,
    PTHI_LIMIT_REACHED = 23,
    PTHI_INVALID_PARAMETER = 36,
    PTHI_RNG_IN_PROGRESS = 47,
    PTHI_RNG_NOT_READY = 48,
    PTHI_CERTIFICATE_NOT_READY = 49,
    PTHI_HOST_VPN_DISABLED = 0x201,
    PTHI_INVALID_HANDLE = 0x805,
    PTHI_DATA_MISSING = 0x809,
    PTHI_UNSUPPORTED = 0x812,
    PTHI_NOT_FOUND = 0x814,
    PTHI_IPV6_DISABLED = 2500,
    PTHI_NO_SUCH_INTERFACE = 2501
};

/* The four layouts of StartConfigurationHBased in the wild, by the bytes behind the header. */
enum pthi_start_layout {
    PTHI_START_SHORT = 73,   /* MeshCMD without a suffix list */
    PTHI_START_PACKED = 390, /* rpc-go, Intel's packed structure */
    PTHI_START_LONG = 393,   /* MeshCMD with a list */
    PTHI_START_WIDE = 396    /* MeshAgent: the algorithm is a u32 */
};
struct pthi_start {
    uint32_t layout;    /* enum pthi_start_layout */
    uint32_t algorithm; /* 2 SHA-256, 3 SHA-384 */
    uint8_t hash[PTHI_HASH_BYTES];
    uint32_t has_host_vpn;
    uint32_t suffix_count; /* names or bytes, clients differ: parse the names */
    struct view
        suffixes; /* 320 bytes of names, each with a 0 behind it; nothing with PTHI_START_SHORT */
};

struct pthi_request {
    uint32_t command;
    bool has_number;
    uint32_t number;   /* mode, handle, interface, feature, on or off */
    struct view bytes; /* text, or a payload that is not taken apart */
    struct pthi_start start;
};

struct pthi_hash_entry {
    uint32_t is_default, is_active;
    uint8_t hash[PTHI_HASH_BYTES]; /* left aligned */
    uint8_t algorithm;             /* 0 MD5, 1 SHA-1, 2 SHA-256, 3 SHA-384 */
};
struct pthi_lan {
    uint32_t is_enabled, ipv4, dhcp_is_enabled; /* ipv4: 192.168.1.50 is 0xc0a80132 */
    uint8_t dhcp_mode, link;                    /* dhcp_mode: 1 active, 2 passive */
    uint8_t mac[6];
};
struct pthi_version {
    char name[PTHI_VERSION_BYTES + 1], version[PTHI_VERSION_BYTES + 1];
};
struct pthi_versions {
    char bios[PTHI_BIOS_BYTES + 1];
    uint32_t count;
    struct pthi_version entries[PTHI_VERSIONS_MAX];
};
struct pthi_account {
    char user[PTHI_ACCOUNT_BYTES + 1], password[PTHI_ACCOUNT_BYTES + 1];
    uint8_t padding; /* zero bytes behind the two: 2, which MeshCMD insists on */
};

/* What each command's fields are: pthi_layout. */
struct pthi_response {
    uint32_t command; /* of the request: without the response bit */
    uint32_t status;  /* with another than PTHI_SUCCESS there is nothing else */
    uint32_t numbers[PTHI_NUMBERS_MAX];
    uint32_t number_count;
    uint32_t handles[PTHI_HANDLES_MAX];
    uint32_t handle_count;
    struct view bytes; /* text, or a payload that is not taken apart */
    struct uuid uuid;
    struct pthi_hash_entry hash;
    struct pthi_lan lan;
    struct pthi_versions versions;
    struct pthi_account account;
    uint8_t start_algorithm;
    uint8_t start_hash[PTHI_HASH_BYTES]; /* of the certificate that the device will show */
};

/* How the data of a message is laid out. */
enum pthi_layout {
    PTHI_NOTHING,
    PTHI_NUMBER,          /* one u32 */
    PTHI_OPTIONAL_NUMBER, /* one u32, or nothing */
    PTHI_NUMBERS,         /* as many u32 as the command has */
    PTHI_NUMBERS_TEXT,    /* the same, then a text */
    PTHI_TEXT,            /* u16 length, bytes */
    PTHI_RAW,             /* bytes to the end */
    PTHI_HANDLES,         /* u32 count, handles */
    PTHI_UUID,
    PTHI_HASH, /* with the name as text */
    PTHI_LAN,
    PTHI_VERSIONS,
    PTHI_ACCOUNT,
    PTHI_START
};
struct pthi_description {
    uint32_t command;
    const char *name; /* "GetControlMode" */
    enum pthi_layout request;
    uint32_t request_bytes; /* PTHI_RAW: at least so many */
    enum pthi_layout response;
    uint32_t response_numbers; /* of PTHI_NUMBERS and PTHI_NUMBERS_TEXT */
};
/* All that are known, in the order of their operations; NULL for an unknown one. */
extern const struct pthi_description k_pthi_commands[];
extern const uint32_t k_pthi_command_count;
const struct pthi_description *pthi_describe(uint32_t command);

/*
 * Reads the request in[0, len). Data behind what the command wants is ignored when the header counts it.
 *
 * AMT_OK
 * AMT_EMALFORMED  *status says what to answer: 0, nothing at all (shorter than a header, or the response
 *                 bit); PTHI_INVALID_LENGTH (the header counts other bytes than there are, data is
 *                 missing)
 * AMT_EUNKNOWN    no such command: *status is PTHI_UNSUPPORTED. out->command is right in both cases when
 *                 there is something to answer.
 */
enum amt_err pthi_decode_request(const uint8_t *in, uint32_t len, struct pthi_request *out,
                                 uint32_t *status) AMT_MUST_USE;
/* Reads the response in[0, len) to a command. AMT_EMALFORMED: a header that is none, another command, a
 * length that differs, data that is missing. */
enum amt_err pthi_decode_response(const uint8_t *in, uint32_t len, uint32_t command,
                                  struct pthi_response *out) AMT_MUST_USE;

/* Write a message into out[0, cap); views are in from. Return the bytes it takes; above cap, what stands
 * in out means nothing. 0: no such command. */
uint32_t pthi_encode_request(const struct pthi_request *request, const uint8_t *from, uint8_t *out,
                             uint32_t cap);
uint32_t pthi_encode_response(const struct pthi_response *response, const uint8_t *from,
                              uint8_t *out, uint32_t cap);
/* A response without data: 16 bytes, for any command. */
uint32_t pthi_encode_status(uint32_t command, uint32_t status, uint8_t *out, uint32_t cap);

/* The `at`-th name of a suffix list (names with a 0 behind each, empty ones do not count) in
 * in[list.off, list.len); an empty view behind the last. */
struct view pthi_suffix(const uint8_t *in, struct view list, uint32_t at);
/* The sentence for a status; NULL when it is not known. */
const char *pthi_status_text(uint32_t status);

#endif
