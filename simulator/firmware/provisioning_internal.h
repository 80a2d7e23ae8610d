/* Shared by the files of provisioning. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_PROVISIONING_INTERNAL_H

#include <openssl/x509.h>

#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"

#define NONCE_BYTES         20u
#define REALM_BYTES         40u  /* "Digest:", 32 digits, 0 */
#define SUFFIX_BYTES        256u /* the longest DNS name, with its 0 */
#define CHAIN_MAX           4u   /* activation.md 2.1 */
#define RECORDS_MAX         8u
#define RECORD_SERIALS_MAX  3u
#define RECORD_SERIAL_BYTES 16u
#define RECORD_NAME_BYTES   256u
#define HASH_MAX_BYTES      64u
#define MEBX_HASH_BYTES     32u
#define PID_BYTES           9u

enum chain_status { CHAIN_NOT_STARTED, CHAIN_IN_PROGRESS, CHAIN_COMPLETE };

/* The certificates that AddNextCertInChain has brought, leaf first. */
struct setup_chain {
    X509 *certificates[CHAIN_MAX];
    uint32_t count;
    enum chain_status status;
    const char *why; /* the last certificate was refused; static text, NULL if it was not */
    /* The entry of the device's list that the root matched. */
    uint32_t hash_type;
    uint8_t hash[HASH_MAX_BYTES];
    uint32_t hash_len;
    bool hash_is_default;
};

enum record_kind { RECORD_MANUAL, RECORD_CLIENT, RECORD_ADMIN, RECORD_TLS };
struct provisioning_record {
    uint32_t id; /* from 1, never used again */
    uint32_t kind;
    uint64_t created_s;
    uint32_t hash_type; /* ADMIN, TLS: of the root; CLIENT: of the certificate, 0 without one */
    uint8_t hash[HASH_MAX_BYTES];
    uint32_t hash_len;
    bool hash_is_default, has_more_serials, is_secure_dns;
    bool is_host_initiated; /* TLS */
    uint8_t serials[RECORD_SERIALS_MAX * RECORD_SERIAL_BYTES];
    char common_name[RECORD_NAME_BYTES];
};

struct provisioning {
    enum provisioning_state state;
    enum firmware_mode mode;
    char realm[REALM_BYTES];
    uint8_t nonce[NONCE_BYTES];
    char trusted_suffix[SUFFIX_BYTES], dhcp_suffix[SUFFIX_BYTES];
    bool client_mode_is_disabled;
    bool mebx_password_is_set;          /* false: it is that of the factory */
    uint8_t mebx_hash[MEBX_HASH_BYTES]; /* of UUID and password, when it is set */
    char server_address[MEBX_ADDRESS_BYTES];
    uint16_t server_port; /* 0: not set */
    char pid[PID_BYTES];
    bool amt_is_off;
    struct setup_chain chain;
    struct timer period; /* of PROVISIONING_IN */
    struct hello *hello; /* while they are sent */
    /* Of a session over TLS: what its client showed, and what was announced of it. */
    struct setup_chain session;
    uint8_t announced[KEYS_HASH_MAX_BYTES];
    enum keys_hash_type announced_type;
    uint32_t announced_len; /* 0: any client with a good certificate */
    uint32_t next_record;
    struct provisioning_record records[RECORDS_MAX]; /* oldest first */
    uint32_t record_count;
};

/* provisioning.c */
/* Of DHCP, "" without a link on the wired port: then there is no lease. */
const char *provisioning_dhcp_suffix(const struct firmware *firmware);
/* iAMT0055: "0" before, "1" in, "2" after setup, "3" unprovisioning begins. */
void provisioning_tell_user(struct firmware *firmware, const char *what);

/* mebx.c */
void mebx_forget(struct provisioning *provisioning);
bool mebx_save(const struct provisioning *provisioning, json_t *state);
enum amt_err mebx_load(struct provisioning *provisioning, const json_t *state,
                       struct amt_diag *diag) AMT_MUST_USE;

/* provisioning_chain.c */
void setup_chain_clear(struct setup_chain *chain);
/* Return values of AddNextCertInChain, which are its own (wsman.md 4.0). */
enum chain_result {
    CHAIN_OK = 0,
    CHAIN_INVALID_PARAMETER = 1,
    CHAIN_INTERNAL_ERROR = 2,
    CHAIN_INVALID_STATE = 3,
    CHAIN_VERIFY_FAILED = 4,
    CHAIN_TOO_LONG = 5
};
enum chain_result setup_chain_add(struct firmware *firmware, const uint8_t *der, size_t len,
                                  bool is_leaf, bool is_root);
/* One certificate behind those that are there, under the rules of AddNextCertInChain; it is the
 * chain's on CHAIN_OK. */
enum chain_result setup_chain_append(struct firmware *firmware, struct setup_chain *chain,
                                     X509 *certificate, bool is_root);
/* What keeps the leaf from being a provisioning certificate for the device's domain; NULL: nothing. */
const char *setup_chain_leaf_fault(const struct firmware *firmware,
                                   const struct setup_chain *chain);
/* RSA PKCS#1 v1.5 with SHA-256 over the device's nonce and the client's, with this certificate's key. */
bool setup_signature_is_right(const struct firmware *firmware, X509 *certificate,
                              const uint8_t their_nonce[static NONCE_BYTES],
                              const uint8_t *signature, size_t len);
/* Common name of the subject; false without one or when it does not fit. */
bool certificate_common_name(X509 *certificate, char *out, size_t cap);
/* `domain_match` of the profile (activation.md 3.3). */
enum domain_rule { DOMAIN_TABLE, DOMAIN_EXACT, DOMAIN_SUFFIX };
/* Case does not matter, nor a dot at the end; "*." is not part of the name. */
bool provisioning_domain_matches(const char *common_name, const char *suffix,
                                 enum domain_rule rule);

/* provisioning_hello.c: from the next turn on, until it is called off. */
#define HELLO_MAX_BYTES 1200u /* 23 hashes of 48 bytes */
void provisioning_hello_begin(struct firmware *firmware);
void provisioning_hello_end(struct firmware *firmware);
/* Length of the message. */
uint32_t provisioning_hello_write(const struct firmware *firmware, uint32_t retry,
                                  uint8_t out[static HELLO_MAX_BYTES]);

/* provisioning_records.c. The record of a setup that has just succeeded, while the chain is there;
 * certificate: of a client setup, or NULL. */
void provisioning_record_add(struct firmware *firmware, enum record_kind kind, X509 *certificate);
struct wsman_instance *provisioning_list_tls_records(struct firmware_call *call);
json_t *provisioning_records_save(const struct provisioning *provisioning);
enum amt_err provisioning_records_load(struct provisioning *provisioning, const json_t *records,
                                       struct amt_diag *diag) AMT_MUST_USE;
struct wsman_instance *provisioning_list_admin_records(struct firmware_call *call);
struct wsman_instance *provisioning_list_client_records(struct firmware_call *call);
struct wsman_instance *provisioning_list_manual_records(struct firmware_call *call);
struct wsman_instance *provisioning_list_record_log(struct firmware_call *call);
extern const struct firmware_method k_provisioning_record_log_methods[];

/* provisioning_host.c, provisioning_service.c, provisioning_identity.c */
void provisioning_fill_host_setup(struct firmware_call *call, struct wsman_instance *instance);
extern const struct firmware_method k_provisioning_host_setup_methods[];
void provisioning_fill_service(struct firmware_call *call, struct wsman_instance *instance);
/* Keeps what clients may write, nothing else that they carry back; false with the fault. */
bool provisioning_keep(struct firmware_call *call, const struct wsman_instance *old,
                       const struct wsman_instance *changed);
void provisioning_put_service(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed);
extern const struct firmware_method k_provisioning_service_methods[];
struct wsman_instance *provisioning_list_systems(struct firmware_call *call);
void provisioning_fill_general(struct firmware_call *call, struct wsman_instance *instance);
void provisioning_put_general(struct firmware_call *call, const struct wsman_instance *old,
                              const struct wsman_instance *changed);
void provisioning_fill_software(struct firmware_call *call, struct wsman_instance *instance);
void provisioning_fill_package(struct firmware_call *call, struct wsman_instance *instance);

#endif
