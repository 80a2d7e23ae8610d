#include "simulator/firmware/logon.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/base64.h"
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/users.h"

#define NONCE_BYTES         24u
#define MAC_AT              12u
#define INVALID_CREDENTIALS 5u  /* event of the security administration application */
#define FAILURES_MAX        10u /* WSM-067 */
#define LOCK_FIRST_US       (5u * (uint64_t)US_PER_SECOND)
#define LOCK_LONGEST_US     (80u * (uint64_t)US_PER_SECOND)
#define FORGET_US           (3600u * (uint64_t)US_PER_SECOND)

void logon_init(struct logon *logon, struct firmware *firmware)
{
    *logon = (struct logon){ .lock_us = LOCK_FIRST_US };
    loop_random(firmware->loop, logon->key, sizeof logon->key);
}

static void mac_of(const struct logon *logon, const uint8_t *clock,
                   uint8_t out[static NONCE_BYTES - MAC_AT])
{
    uint8_t mac[32] = { 0 };
    unsigned len = 0;
    (void)HMAC(EVP_sha256(), logon->key, (int)sizeof logon->key, clock, MAC_AT, mac, &len);
    memcpy(out, mac, NONCE_BYTES - MAC_AT);
}

void logon_nonce(struct logon *logon, const struct firmware *firmware,
                 char out[static LOGON_NONCE_CHARS])
{
    uint8_t nonce[NONCE_BYTES] = { 0 };
    uint64_t ns = loop_now_us(firmware->loop) * 1000u + logon->nonce_count++ % 1000u;
    struct text text = { 0 };
    for (uint32_t i = 0; i < 8; i++) {
        nonce[i] = (uint8_t)(ns >> (8 * i) & 0xffu);
    }
    mac_of(logon, nonce, nonce + MAC_AT);
    base64_encode(&text, nonce, sizeof nonce);
    memset(out, 0, LOGON_NONCE_CHARS);
    memcpy(out, text_chars(&text), text.failed ? 0 : LOGON_NONCE_CHARS - 1);
    text_fini(&text);
}

/* Ours, and not too old. A nonce outlives its connection (WSM-017), not the device's restart. */
static bool nonce_is_good(const struct logon *logon, const struct firmware *firmware,
                          const struct digest_field *field, bool may_be_old)
{
    uint8_t nonce[BASE64_BYTES(LOGON_NONCE_CHARS)];
    uint8_t mac[NONCE_BYTES - MAC_AT];
    size_t len;
    if (!field->is_there || field->len != LOGON_NONCE_CHARS - 1 ||
        base64_decode(field->text, field->len, nonce, &len) != AMT_OK || len != NONCE_BYTES) {
        return false;
    }
    mac_of(logon, nonce, mac);
    if (CRYPTO_memcmp(mac, nonce + MAC_AT, sizeof mac) != 0) {
        return false;
    }
    uint64_t ns = 0;
    for (uint32_t i = 8; i > 0; i--) {
        ns = ns << 8 | nonce[i - 1];
    }
    uint64_t age_us = loop_now_us(firmware->loop) - ns / 1000u;
    return may_be_old || age_us <= firmware->profile->config.nonce_lifetime_us;
}

static uint64_t count_of(const struct digest_field *nc)
{
    uint64_t count = 0;
    for (uint32_t i = 0; nc->is_there && i < nc->len; i++) {
        char c = nc->text[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 0;
        count = count << 4 | digit;
    }
    return count;
}

/* Only when the profile checks the count (WSM-018 is the default). */
static bool count_is_new(struct logon *logon, const struct digest_header *header)
{
    uint64_t count = count_of(&header->nc);
    for (uint32_t i = 0; i < sizeof logon->seen / sizeof logon->seen[0]; i++) {
        if (digest_field_is(&header->nonce, logon->seen[i].nonce)) {
            bool is_new = count > logon->seen[i].count;
            logon->seen[i].count = is_new ? count : logon->seen[i].count;
            return is_new;
        }
    }
    uint32_t at = logon->seen_next++ % (sizeof logon->seen / sizeof logon->seen[0]);
    memcpy(logon->seen[at].nonce, header->nonce.text, LOGON_NONCE_CHARS - 1);
    logon->seen[at].nonce[LOGON_NONCE_CHARS - 1] = '\0';
    logon->seen[at].count = count;
    return true;
}

static bool is_locked(struct logon *logon, const struct firmware *firmware)
{
    uint64_t now = loop_now_us(firmware->loop);
    if (logon->failures > 0 && now - logon->last_failure_us > FORGET_US) {
        logon->failures = 0;
        logon->lock_us = LOCK_FIRST_US;
        logon->locked_until_us = 0;
    }
    return firmware->profile->config.lockout && now < logon->locked_until_us;
}

/* The audit log has the name that was tried. */
static void tell_audit_log(struct firmware *firmware, const struct digest_field *name)
{
    struct firmware_user user = { .name = "" };
    if (name->is_there && name->len < sizeof user.name) {
        memcpy(user.name, name->text, name->len);
    }
    const struct firmware_call call = { .firmware = firmware, .user = &user };
    audit_log_add(firmware, &call, AUDIT_SECURITY_ADMIN, INVALID_CREDENTIALS, NULL, 0);
}

static void note_failure(struct logon *logon, struct firmware *firmware,
                         const struct digest_field *name)
{
    tell_audit_log(firmware, name);
    logon->failures += 1;
    logon->last_failure_us = loop_now_us(firmware->loop);
    if (logon->failures % FAILURES_MAX == 0) {
        event_log_auth_failed(firmware, logon->failures);
    }
    if (firmware->profile->config.lockout && logon->failures >= FAILURES_MAX) {
        logon->locked_until_us = logon->last_failure_us + logon->lock_us;
        logon->lock_us =
            logon->lock_us * 2 < LOCK_LONGEST_US ? logon->lock_us * 2 : LOCK_LONGEST_US;
    }
}

/* CVE-2017-5689, when a scenario asks for it: only as many digits as were sent are compared. */
static bool passes_short(const struct firmware *firmware, const struct digest_field *response,
                         const char *expected)
{
    return firmware->profile->config.empty_response_passes && response->is_there &&
           response->len <= 32 && strncmp(response->text, expected, response->len) == 0;
}

static bool response_is_right(const struct firmware *firmware, const struct http_request *request,
                              const struct digest_header *header, const uint8_t *ha1)
{
    char expected[DIGEST_HEX_BYTES];
    const struct digest_input input = { .ha1 = ha1,
                                        .method = request->method,
                                        .nonce = header->nonce,
                                        .nc = header->nc,
                                        .cnonce = header->cnonce,
                                        .qop = header->qop,
                                        .uri = header->uri,
                                        .body = request->body,
                                        .body_len = request->body_len };
    digest_response(&input, expected);
    return digest_response_is(&header->response, expected) ||
           passes_short(firmware, &header->response, expected);
}

/* The quality that was offered, or none at all (RFC 2069). */
static bool qop_is_offered(const struct firmware *firmware, const struct digest_field *qop)
{
    return digest_field_is(qop, "auth") ||
           (firmware->profile->config.qop == 1 && digest_field_is(qop, "auth-int"));
}

static bool find_user(struct firmware *firmware, const struct digest_field *field,
                      enum firmware_door door, struct firmware_user *user, uint8_t *ha1)
{
    char name[33];
    if (!field->is_there || field->len == 0 || field->len >= sizeof name) {
        return false;
    }
    memcpy(name, field->text, field->len);
    name[field->len] = '\0';
    return users_find(firmware, name, door, user, ha1);
}

bool logon_check(struct logon *logon, struct firmware *firmware, const struct http_request *request,
                 enum firmware_door door, bool keeps_nonce, struct firmware_user *user)
{
    const char *text = http_header_find(request->headers, request->header_count, "Authorization");
    struct digest_header header;
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (text == NULL || digest_header_read(text, &header) != AMT_OK || is_locked(logon, firmware) ||
        !nonce_is_good(logon, firmware, &header.nonce, keeps_nonce)) {
        return false; /* WSM-019: a new nonce, and no failure of the user's */
    }
    bool is_good = digest_field_is(&header.realm, provisioning_realm(firmware)) &&
                   digest_field_is(&header.uri, request->target) &&
                   qop_is_offered(firmware, &header.qop) &&
                   find_user(firmware, &header.username, door, user, ha1) &&
                   response_is_right(firmware, request, &header, ha1);
    if (is_good && firmware->profile->config.checks_nc && !count_is_new(logon, &header)) {
        return false;
    }
    if (is_good) {
        logon->failures = 0;
        logon->lock_us = LOCK_FIRST_US;
    } else {
        note_failure(logon, firmware, &header.username);
    }
    return is_good;
}
