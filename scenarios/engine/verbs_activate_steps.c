/* Verbs activate.upload_chain, sign and finish: host-based setup step by step from the host side, without a
 * server, so that each step can be wrong (activation.md 4.1, 5.5). */
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "client/wsman.h"
#include "mps/activation/certificates.h"
#include "protocol/http/digest.h"
#include "scenarios/engine/activation_client.h"
#include "scenarios/engine/activation_explain.h"
#include "scenarios/engine/actor_activation.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/verb.h"
#include "simulator/firmware/firmware_internal.h"

#define CHAIN_MAX     16u
#define NONCE_BYTES   ACTIVATION_NONCE_BYTES
#define HASH_DIGITS   32u
#define SIGNATURE_MAX 1024u
#define STEP_LIMIT_US (60u * (uint64_t)US_PER_SECOND)

static const char k_service[] = "IPS_HostBasedSetupService";

struct activation_steps {
    struct actor *actor;
    struct wsman_client *client;
    struct arena arena; /* of the answers */
    X509 *chain[CHAIN_MAX];
    EVP_PKEY *leaf_key; /* public; of the first certificate */
    uint32_t count;
    /* What the device said of itself last. */
    char realm[48], trusted_suffix[256], dhcp_suffix[256];
    uint8_t nonce[NONCE_BYTES];
    uint32_t control_mode, chain_status, provisioning_state;
    /* What was signed, and the signature. */
    uint8_t signed_nonce[NONCE_BYTES], server_nonce[NONCE_BYTES], signature[SIGNATURE_MAX];
    size_t signature_len;
    bool has_signature;
    /* The step that is being carried out. */
    struct strand *strand;
    bool is_done;
    struct value *outcome;
    bool leaf_flag, root_flag;
    int64_t damaged;
    uint32_t at;
    void (*next)(struct activation_steps *s);
    void (*answer)(struct activation_steps *s, const struct wsman_outcome *outcome);
    const char *method, *password;
    uint32_t return_value;
    bool hash_is_right;
};

void activation_steps_free(struct activation_steps *s)
{
    if (s != NULL) {
        wsman_client_free(s->client);
        arena_fini(&s->arena);
    }
}

static struct activation_steps *steps_of(struct strand *strand)
{
    struct activation_steps **at = actor_device_steps(strand->step.actor);
    if (*at == NULL) {
        *at = pool_alloc(&strand->run->pool, sizeof **at);
        (*at)->actor = strand->step.actor;
    }
    (*at)->strand = strand;
    (*at)->is_done = false;
    (*at)->outcome = value_map(&strand->run->pool);
    return *at;
}

/* --- the end of a step --- */

static void put(struct activation_steps *s, const char *key, struct value *value)
{
    value_put(&s->actor->run->pool, s->outcome, key, value);
}

static void finish(struct activation_steps *s, enum activation_failure failure)
{
    struct arena *pool = &s->actor->run->pool;
    char uuid[UUID_TEXT_BYTES];
    uuid_format(device_uuid(actor_device(s->actor)), uuid);
    put(s, "code", value_text(pool, activation_failure_code(failure)));
    put(s, "message", value_text(pool, activation_failure_cause(failure)));
    put(s, "cure", value_text(pool, activation_failure_cure(failure)));
    LOG(s->actor->log, LOG_INFO, "activation.step", log_text("uuid", uuid),
        log_text("verb", s->strand->step.verb->name),
        log_text("code", activation_failure_code(failure)),
        log_text("message", activation_failure_cause(failure)));
    s->is_done = true;
    case_wake(s->actor->run);
}

static enum activation_failure failure_of_outcome(const struct wsman_outcome *outcome)
{
    return outcome->result == WSMAN_REFUSED       ? ACT_F_LOCAL_ACCOUNT_REJECTED
           : outcome->result == WSMAN_UNREACHABLE ? ACT_F_LOCAL_PORT_REFUSED
           : outcome->result == WSMAN_LATE        ? ACT_F_DEVICE_TOO_SLOW
                                                  : ACT_F_INTERNAL_ERROR;
}

static enum step_state poll(struct strand *strand)
{
    struct activation_steps *s = *actor_device_steps(strand->step.actor);
    if (!s->is_done) {
        return step_is_late(strand) ? step_fail(strand, "timeout", "the device has not answered")
                                    : STEP_WAITS;
    }
    strand->step.outcome = s->outcome;
    return STEP_DONE;
}

enum step_state verb_activate_steps_poll(struct strand *strand)
{
    return poll(strand);
}

/* --- calls --- */

static struct stream *open_plain(void *ctx)
{
    return device_host_open_port(actor_device_host(((struct activation_steps *)ctx)->actor), 16992);
}

static bool log_on(struct activation_steps *s, const char *user, const struct secret *password)
{
    const struct wsman_client_settings settings = { .loop = s->actor->run->loop,
                                                    .connect = open_plain,
                                                    .ctx = s,
                                                    .where = "the device",
                                                    .host = "127.0.0.1:16992",
                                                    .user = user,
                                                    .password = password,
                                                    .first_byte_limit_us = STEP_LIMIT_US,
                                                    .limit_us = STEP_LIMIT_US };
    wsman_client_free(s->client);
    s->client = wsman_client_new(&settings);
    return s->client != NULL;
}

static bool log_on_as_admin(struct activation_steps *s, const char *password)
{
    struct secret secret = { .len = 0 };
    bool is_good = secret_set(&secret, password, (uint32_t)strlen(password)) == AMT_OK &&
                   log_on(s, "admin", &secret);
    secret_fini(&secret);
    return is_good;
}

/* The host's account before the setup, the administrator after it. */
static bool connect_as_usual(struct activation_steps *s)
{
    struct device_host *host = actor_device_host(s->actor);
    const struct activation_host door = device_host_door(host, NULL, NULL);
    struct activation_report report;
    struct amt_diag diag = { .err = AMT_OK };
    const char *password = step_text(s->strand, "password", NULL);
    if (s->client != NULL) {
        return true;
    }
    if (firmware_mode(host->firmware) != FIRMWARE_NOT_PROVISIONED && password != NULL) {
        return log_on_as_admin(s, password);
    }
    if (host_read_report(&door, &s->arena, &report, &diag) != AMT_OK) {
        return false;
    }
    bool is_good = log_on(s, report.local_user, &report.local_password);
    activation_report_wipe(&report);
    return is_good;
}

static void on_call(void *ctx, const struct wsman_outcome *outcome)
{
    struct activation_steps *s = ctx;
    void (*answer)(struct activation_steps * s, const struct wsman_outcome *outcome) = s->answer;
    s->answer = NULL;
    if (answer != NULL) {
        answer(s, outcome);
    }
}

static void call(struct activation_steps *s, const struct wsman_call *wsman,
                 void (*answer)(struct activation_steps *s, const struct wsman_outcome *outcome))
{
    s->answer = answer;
    (void)pool_checked(wsman_client_call(s->client, wsman, &s->arena, on_call, s) == AMT_OK ? s
                                                                                            : NULL);
}

static void get(struct activation_steps *s, const char *class_name,
                void (*answer)(struct activation_steps *s, const struct wsman_outcome *outcome))
{
    const struct wsman_call wsman = { .operation = WSMAN_GET, .class_name = class_name };
    call(s, &wsman, answer);
}

static void invoke(struct activation_steps *s, const char *method,
                   const struct wsman_instance *input,
                   void (*answer)(struct activation_steps *s, const struct wsman_outcome *outcome))
{
    const struct wsman_call wsman = {
        .operation = WSMAN_METHOD, .class_name = k_service, .method = method, .body = input
    };
    call(s, &wsman, answer);
}

static struct wsman_instance *input_of(struct activation_steps *s)
{
    return pool_checked(wsman_instance_new(&s->arena, "INPUT"));
}

static void put_outcome(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    struct arena *pool = &s->actor->run->pool;
    put(s, "status", value_int(pool, outcome->status));
    put(s, "result", value_text(pool, wsman_result_name(outcome->result)));
    if (outcome->has_return_value) {
        put(s, "return_value", value_int(pool, outcome->return_value));
    }
}

/* --- reading --- */

static void keep(char *out, size_t cap, const struct wsman_instance *instance, const char *name)
{
    const char *text = wsman_get(instance, name);
    size_t len = text == NULL ? 0 : strlen(text);
    len = len < cap ? len : cap - 1;
    memcpy(out, text == NULL ? "" : text, len);
    out[len] = '\0';
}

static void on_service(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE) {
        const struct wsman_instance *service = outcome->reply->instance;
        keep(s->trusted_suffix, sizeof s->trusted_suffix, service, "TrustedDNSSuffix");
        keep(s->dhcp_suffix, sizeof s->dhcp_suffix, service, "DhcpDNSSuffix");
        s->provisioning_state = (uint32_t)wsman_get_u64(service, "ProvisioningState", 0);
    }
    s->next(s);
}

static void on_setup(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    size_t len = 0;
    const uint8_t *nonce =
        outcome->result == WSMAN_DONE
            ? wsman_get_base64(outcome->reply->instance, "ConfigurationNonce", &len)
            : NULL;
    if (nonce == NULL || len != NONCE_BYTES) {
        put_outcome(s, outcome);
        finish(s, failure_of_outcome(outcome));
        return;
    }
    memcpy(s->nonce, nonce, NONCE_BYTES);
    s->control_mode = (uint32_t)wsman_get_u64(outcome->reply->instance, "CurrentControlMode", 0);
    s->chain_status = (uint32_t)wsman_get_u64(outcome->reply->instance, "CertChainStatus", 0);
    get(s, "AMT_SetupAndConfigurationService", on_service);
}

static void on_general(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE) {
        put_outcome(s, outcome);
        finish(s, failure_of_outcome(outcome));
        return;
    }
    keep(s->realm, sizeof s->realm, outcome->reply->instance, "DigestRealm");
    get(s, k_service, on_setup);
}

static void read_device(struct activation_steps *s, void (*next)(struct activation_steps *s))
{
    s->next = next;
    get(s, "AMT_GeneralSettings", on_general);
}

/* --- upload_chain --- */

static void send_certificate(struct activation_steps *s);

static bool is_last(const struct activation_steps *s)
{
    return s->at + 1 == s->count && s->root_flag;
}

static void on_certificate(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    struct arena *pool = &s->actor->run->pool;
    bool is_fault = outcome->result == WSMAN_FAULTED;
    put_outcome(s, outcome);
    put(s, "index", value_int(pool, s->at));
    if (!is_fault && (outcome->result != WSMAN_DONE || !outcome->has_return_value)) {
        finish(s, failure_of_outcome(outcome));
        return;
    }
    const struct activation_chain_refusal refusal = {
        .chain = s->chain,
        .count = s->count,
        .at = s->at,
        .is_last = is_last(s),
        .is_fault = is_fault,
        .return_value = outcome->return_value,
        .release = actor_device_host(s->actor)->firmware->profile->release,
    };
    enum activation_failure failure = activation_explain_chain(&refusal);
    s->at += failure == ACTIVATION_NO_FAILURE ? 1 : 0;
    if (failure != ACTIVATION_NO_FAILURE || s->at == s->count) {
        put(s, "sent", value_int(pool, s->at));
        finish(s, failure);
    } else {
        send_certificate(s);
    }
}

static void send_certificate(struct activation_steps *s)
{
    struct wsman_instance *input = input_of(s);
    unsigned char *der = NULL;
    int len = i2d_X509(s->chain[s->at], &der);
    size_t sent = len > 0 ? (size_t)len : 0;
    if (s->damaged == (int64_t)s->at) {
        sent /= 2; /* F27: a certificate that ends in the middle */
    }
    wsman_set_base64(input, "NextCertificate", der, sent);
    wsman_set_bool(input, "IsLeafCertificate", s->at == 0 && s->leaf_flag);
    wsman_set_bool(input, "IsRootCertificate", is_last(s));
    OPENSSL_free(der);
    invoke(s, "AddNextCertInChain", input, on_certificate);
}

static bool take_chain(struct activation_steps *s)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct value *list = step_argument(s->strand, "chain");
    const struct activation_pki *pki =
        activation_actor_pki(s->strand->run, step_argument(s->strand, "pki"), &diag);
    s->count = 0;
    for (const struct value *at = pki == NULL || list->kind != VALUE_LIST ? NULL : list->first;
         at != NULL && s->count < CHAIN_MAX; at = at->next) {
        const struct pki_identity *identity =
            activation_pki_get(pki, value_written(&s->strand->run->pool, at), &diag);
        if (identity == NULL) {
            break;
        }
        s->chain[s->count++] = pki_certificate(identity);
    }
    if (diag.err != AMT_OK || s->count == 0) {
        (void)step_fail(s->strand, "setup", "%s",
                        diag.err == AMT_OK ? "'chain' names no certificate" : diag.text);
        return false;
    }
    s->leaf_key = X509_get0_pubkey(s->chain[0]);
    return true;
}

enum step_state verb_activate_upload_chain(struct strand *strand)
{
    struct activation_steps *s = steps_of(strand);
    if (!take_chain(s)) {
        return STEP_FAILED;
    }
    s->at = 0;
    s->leaf_flag = step_bool(strand, "leaf_flag", true);
    s->root_flag = step_bool(strand, "root_flag", true);
    s->damaged = (int64_t)step_number(strand, "damage", UINT32_MAX);
    if (!connect_as_usual(s)) {
        return step_fail(strand, "setup", "the device's host interface gives no local account");
    }
    send_certificate(s);
    return STEP_WAITS;
}

/* --- sign --- */

static const EVP_MD *digest_of(struct strand *strand)
{
    const char *hash = step_text(strand, "hash", "sha256");
    return strcmp(hash, "sha1") == 0     ? EVP_sha1()
           : strcmp(hash, "sha384") == 0 ? EVP_sha384()
                                         : EVP_sha256();
}

static EVP_PKEY *key_of(struct activation_steps *s, struct amt_diag *diag)
{
    const struct activation_pki *pki =
        activation_actor_pki(s->strand->run, step_argument(s->strand, "pki"), diag);
    const struct pki_identity *identity =
        pki == NULL ? NULL : activation_pki_get(pki, step_text(s->strand, "key", "leaf"), diag);
    return identity == NULL ? NULL : pki_key(identity);
}

static bool sign(struct activation_steps *s, EVP_PKEY *key)
{
    struct text bytes = { 0 };
    bool is_reversed = strcmp(step_text(s->strand, "order", "device_first"), "server_first") == 0;
    const uint8_t *first = is_reversed ? s->server_nonce : s->nonce;
    const uint8_t *second = is_reversed ? s->nonce : s->server_nonce;
    bool is_text = step_bool(s->strand, "text", false);
    if (is_text) { /* F29: the base64 texts instead of what they mean */
        base64_encode(&bytes, first, NONCE_BYTES);
        base64_encode(&bytes, second, NONCE_BYTES);
    } else {
        text_append(&bytes, (const char *)first, NONCE_BYTES);
        text_append(&bytes, (const char *)second, NONCE_BYTES);
    }
    s->signature_len = sizeof s->signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && !bytes.failed &&
                   EVP_DigestSignInit(context, NULL, digest_of(s->strand), NULL, key) == 1 &&
                   EVP_DigestSign(context, s->signature, &s->signature_len,
                                  (const uint8_t *)bytes.chars, bytes.len) == 1;
    EVP_MD_CTX_free(context);
    text_fini(&bytes);
    return is_good;
}

static void after_read_to_sign(struct activation_steps *s)
{
    struct arena *pool = &s->actor->run->pool;
    struct amt_diag diag = { .err = AMT_OK };
    EVP_PKEY *key = key_of(s, &diag);
    amt_random_fill(&s->actor->run->random, s->server_nonce, NONCE_BYTES);
    memcpy(s->signed_nonce, s->nonce, NONCE_BYTES);
    s->has_signature = key != NULL && sign(s, key);
    put(s, "realm", value_text(pool, pool_strdup(pool, s->realm)));
    put(s, "nonce", value_bytes(pool, s->nonce, NONCE_BYTES));
    put(s, "signature", value_bytes(pool, s->signature, (uint32_t)s->signature_len));
    finish(s, s->has_signature ? ACTIVATION_NO_FAILURE : ACT_F_WRONG_PRIVATE_KEY);
}

enum step_state verb_activate_sign(struct strand *strand)
{
    struct activation_steps *s = steps_of(strand);
    struct amt_diag diag = { .err = AMT_OK };
    if (key_of(s, &diag) == NULL) {
        return step_fail(strand, "setup", "%s", diag.text);
    }
    if (!connect_as_usual(s)) {
        return step_fail(strand, "setup", "the device's host interface gives no local account");
    }
    read_device(s, after_read_to_sign);
    return STEP_WAITS;
}

/* --- finish --- */

/* Whether the hash that was sent is the administrator's: the first logon tells (F32). */
static void on_logged_on(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    finish(s, outcome->result == WSMAN_DONE      ? ACTIVATION_NO_FAILURE
              : outcome->result == WSMAN_REFUSED ? ACT_F_PASSWORD_HASH_WRONG
                                                 : failure_of_outcome(outcome));
}

static bool is_covered(const struct activation_steps *s, const char *suffix)
{
    char name[256] = "";
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(s->chain[0]), NID_commonName, name,
                                    sizeof name);
    char *stored = activation_name_of(name, false);
    bool covers = stored != NULL && activation_name_covers(stored, suffix);
    amt_free(stored);
    return covers;
}

/* 5: the domain, the nonce, or the signature, in the order of 5.5. */
static enum activation_failure explain_authentication(const struct activation_steps *s)
{
    bool has_mebx = s->trusted_suffix[0] != '\0';
    const char *suffix = has_mebx ? s->trusted_suffix : s->dhcp_suffix;
    if (suffix[0] == '\0') {
        return ACT_F_DHCP_OPTION_MISSING;
    }
    if (!is_covered(s, suffix)) {
        return has_mebx ? ACT_F_MEBX_SUFFIX_WRONG : ACT_F_SUFFIX_DIFFERS;
    }
    if (memcmp(s->nonce, s->signed_nonce, NONCE_BYTES) != 0) {
        return ACT_F_NONCE_STALE;
    }
    enum activation_failure failure = activation_explain_signature(
        s->leaf_key, s->signed_nonce, s->server_nonce, s->signature, s->signature_len);
    return failure == ACTIVATION_NO_FAILURE ? ACT_F_SIGNATURE_REJECTED : failure;
}

static void after_read_again(struct activation_steps *s)
{
    enum activation_failure failure = ACT_F_INTERNAL_ERROR;
    switch (s->return_value) {
    case 2:
        failure = s->provisioning_state == 1 ? ACT_F_IN_PROVISIONING
                  : s->control_mode == 2     ? ACT_F_ALREADY_ADMIN_MODE
                                             : ACT_F_CHAIN_NOT_COMPLETE;
        break;
    case 3:
        failure = s->hash_is_right ? ACT_F_SIGNATURE_REJECTED : ACT_F_PASSWORD_HASH_MALFORMED;
        break;
    case 4:
        failure = ACT_F_CLIENT_MODE_DISABLED;
        break;
    case 5:
        failure = explain_authentication(s);
        break;
    case 6:
        failure = ACT_F_FLASH_WEAR_OUT;
        break;
    default:
        break;
    }
    finish(s, failure);
}

static void on_set_up(struct activation_steps *s, const struct wsman_outcome *outcome)
{
    put_outcome(s, outcome);
    if (outcome->result != WSMAN_DONE || !outcome->has_return_value) {
        finish(s, outcome->result == WSMAN_FAULTED ? ACT_F_ADMIN_SETUP_ABSENT
                                                   : failure_of_outcome(outcome));
    } else if (outcome->return_value != 0) {
        s->return_value = outcome->return_value;
        read_device(s, after_read_again);
    } else if (log_on_as_admin(s, s->password)) {
        get(s, "AMT_GeneralSettings", on_logged_on);
    } else {
        finish(s, ACT_F_INTERNAL_ERROR);
    }
}

static void add_password(struct activation_steps *s, struct wsman_instance *input)
{
    static const char k_digits[] = "0123456789abcdef";
    struct strand *strand = s->strand;
    uint8_t hash[DIGEST_MD5_BYTES];
    char hex[HASH_DIGITS + 1];
    uint64_t digits = step_number(strand, "digits", HASH_DIGITS);
    uint64_t type = step_number(strand, "encryption_type", 2);
    digest_ha1(step_text(strand, "user", "admin"), step_text(strand, "realm", s->realm),
               s->password, (uint32_t)strlen(s->password), hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        hex[2 * i] = k_digits[hash[i] >> 4];
        hex[2 * i + 1] = k_digits[hash[i] & 15];
    }
    hex[digits < HASH_DIGITS ? digits : HASH_DIGITS] = '\0';
    s->hash_is_right = digits == HASH_DIGITS && type == 2;
    wsman_set_u64(input, "NetAdminPassEncryptionType", type);
    wsman_set(input, "NetworkAdminPassword", hex);
}

static void set_up(struct activation_steps *s)
{
    struct wsman_instance *input = input_of(s);
    bool is_client = strcmp(s->method, "Setup") == 0;
    if (strcmp(s->method, "UpgradeClientToAdmin") != 0) {
        add_password(s, input);
    }
    if (!is_client && s->has_signature) {
        wsman_set_base64(input, "McNonce", s->server_nonce, NONCE_BYTES);
        wsman_set_u64(input, "SigningAlgorithm", step_number(s->strand, "algorithm", 2));
        wsman_set_base64(input, "DigitalSignature", s->signature, s->signature_len);
    }
    invoke(s, s->method, input, on_set_up);
}

enum step_state verb_activate_finish(struct strand *strand)
{
    static const char *const k_methods[][2] = { { "acm", "AdminSetup" },
                                                { "ccm", "Setup" },
                                                { "upgrade", "UpgradeClientToAdmin" } };
    struct activation_steps *s = steps_of(strand);
    const char *mode = step_text(strand, "mode", "acm");
    s->method = k_methods[0][1];
    for (size_t i = 0; i < sizeof k_methods / sizeof k_methods[0]; i++) {
        s->method = strcmp(mode, k_methods[i][0]) == 0 ? k_methods[i][1] : s->method;
    }
    s->password = step_text(strand, "password", "P@ssw0rd1");
    secrets_add(&strand->run->secrets, s->password);
    if (!connect_as_usual(s)) {
        return step_fail(strand, "setup", "the device's host interface gives no local account");
    }
    if (s->realm[0] == '\0') {
        read_device(s, set_up);
    } else {
        set_up(s);
    }
    return STEP_WAITS;
}
