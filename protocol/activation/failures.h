/*
 * Why an activation fails: the rows of activation.md 10, each with a stable code (ACT-F-01 to ACT-F-60),
 * the cause, and the cure. Server log, API, client, doctor and reports name failures by these alone.
 */
#ifndef AMTLAB_PROTOCOL_ACTIVATION_FAILURES_H
#define AMTLAB_PROTOCOL_ACTIVATION_FAILURES_H

enum activation_failure {
    ACTIVATION_NO_FAILURE = 0,
    ACT_F_NO_CERTIFICATES = 1,
    ACT_F_CERTIFICATE_LOAD = 2,
    ACT_F_NO_HASHES = 3,
    ACT_F_HASHES_INACTIVE = 4,
    ACT_F_NO_SUFFIX = 5,
    ACT_F_NO_CERTIFICATE_FOR_SUFFIX = 6,
    ACT_F_ROOT_NOT_TRUSTED = 7,
    ACT_F_ROOT_ONLY_SHA384 = 8,
    ACT_F_ALREADY_ADMIN_MODE = 9,
    ACT_F_IN_PROVISIONING = 10,
    ACT_F_CLIENT_TOO_OLD = 11,
    ACT_F_SUFFIX_DIFFERS = 12,
    ACT_F_DHCP_OPTION_MISSING = 13,
    ACT_F_WIRED_LINK_DOWN = 14,
    ACT_F_MEBX_SUFFIX_WRONG = 15,
    ACT_F_SUFFIX_MALFORMED = 16,
    ACT_F_CHAIN_BROKEN = 17,
    ACT_F_ROOT_HASH_GONE = 18,
    ACT_F_SHA1_NOT_SUPPORTED = 19,
    ACT_F_KEY_TOO_SHORT = 20,
    ACT_F_USAGE_MISSING = 21,
    ACT_F_OU_WRONG_CASE = 22,
    ACT_F_SERVER_AUTH_MISSING = 23,
    ACT_F_CHAIN_TOO_LONG = 24,
    ACT_F_LEAF_NOT_FIRST = 25,
    ACT_F_CHAIN_NOT_COMPLETE = 26,
    ACT_F_CERTIFICATE_ENCODING = 27,
    ACT_F_WRONG_PRIVATE_KEY = 28,
    ACT_F_SIGNATURE_REJECTED = 29,
    ACT_F_SIGNATURE_SHA1 = 30,
    ACT_F_NONCE_STALE = 31,
    ACT_F_PASSWORD_HASH_WRONG = 32,
    ACT_F_PASSWORD_HASH_MALFORMED = 33,
    ACT_F_FLASH_WEAR_OUT = 34,
    ACT_F_INTERNAL_ERROR = 35,
    ACT_F_LOCAL_ACCOUNT_REJECTED = 36,
    ACT_F_NO_HOST_ACCESS = 37,
    ACT_F_LOCAL_PORT_REFUSED = 38,
    ACT_F_LOCAL_TLS_ENFORCED = 39,
    ACT_F_ADMIN_SETUP_ABSENT = 40,
    ACT_F_START_CONFIGURATION_REFUSED = 41,
    ACT_F_TLS_HASH_DIFFERS = 42,
    ACT_F_PROVISIONING_HASH_DIFFERS = 43,
    ACT_F_MEBX_PASSWORD_REQUIRED = 44,
    ACT_F_REPLY_LOST = 45,
    ACT_F_LOG_NOT_WRITABLE = 46,
    ACT_F_CLIENT_MODE_DISABLED = 47,
    ACT_F_CLIENT_MODE_PRESENT = 48,
    ACT_F_DEACTIVATION_REFUSED = 49,
    ACT_F_REALM_DIFFERS = 50,
    ACT_F_REALM_MALFORMED = 51,
    ACT_F_POLICY_NONE = 52,
    ACT_F_LOGIN_REFUSED = 53,
    ACT_F_CERTIFICATE_EXPIRED = 54,
    ACT_F_PROFILE_MISSING = 55,
    ACT_F_PROTOCOL_VERSION = 56,
    ACT_F_ANSWER_NOT_CHUNKED = 57,
    ACT_F_DEVICE_TOO_SLOW = 58,
    ACT_F_HELLO_NO_MATCH = 59,
    ACT_F_TRUSTED_FQDN_DIFFERS = 60,
    ACTIVATION_FAILURE_END_
};

/* "ACT-F-07"; "" for none. Static. */
const char *activation_failure_code(enum activation_failure failure);
/* "root-not-trusted": the name for scenarios and JSON. Static. */
const char *activation_failure_name(enum activation_failure failure);
/* One sentence: what is wrong. Static; the caller adds the facts (suffix, names, hashes, method, index,
 * ReturnValue). */
const char *activation_failure_cause(enum activation_failure failure);
/* One sentence: what to do. Static. */
const char *activation_failure_cure(enum activation_failure failure);
/* The failure of a code or name; ACTIVATION_NO_FAILURE if it is none. */
enum activation_failure activation_failure_find(const char *code_or_name);

#endif
