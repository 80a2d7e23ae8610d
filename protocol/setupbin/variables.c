#include "protocol/setupbin/variables.h"

#include <string.h>

#include "base/little.h"

#define CHOICES(...) ((const struct setupbin_choice[]){ __VA_ARGS__, { 0, NULL } })
#define OFF_ON       CHOICES({ 0, "off" }, { 1, "on" })
#define ME(n)        .module = SETUPBIN_ME, .id = (n)
#define AMT(n)       .module = SETUPBIN_AMT, .id = (n)
#define TEXT(n)      .type = SETUPBIN_TEXT, .max_bytes = (n)
#define BYTES(a, b)  .type = SETUPBIN_BYTES, .min_bytes = (a), .max_bytes = (b)
#define U8(top)      .type = SETUPBIN_NUMBER, .min_bytes = 1, .max_bytes = 1, .max = (top)
#define FROM(a, b)   .major = (a), .minor = (b)
#define ROOM         (SETUPBIN_BODY_BYTES - 8u) /* where no limit is known: what one record holds */

/* Versions after the vendor's page on USB versions by release; they warn, they do not refuse. */
const struct setupbin_meaning k_setupbin_meanings[] = {
    { ME(SETUPBIN_CURRENT_PASSWORD), TEXT(32), FROM(1, 0), .is_secret = true,
      .name = "current-password", .title = "current MEBx password" },
    { ME(SETUPBIN_NEW_PASSWORD), TEXT(32), FROM(1, 0), .is_secret = true, .name = "new-password",
      .title = "new MEBx password" },
    { ME(SETUPBIN_FEATURE), U8(1), FROM(2, 0), .name = "manageability",
      .title = "manageability feature", .choices = CHOICES({ 0, "none" }, { 1, "Intel AMT" }) },
    { ME(SETUPBIN_FIRMWARE_UPDATE), U8(2), FROM(2, 1), .name = "firmware-update",
      .title = "firmware update from the host",
      .choices = CHOICES({ 0, "disabled" }, { 1, "enabled" }, { 2, "with the MEBx password" }) },
    { ME(SETUPBIN_FIRMWARE_UPDATE_QUALIFIER), U8(2), FROM(2, 1), .name = "firmware-update-when",
      .title = "when firmware may be updated",
      .choices = CHOICES({ 0, "always" }, { 1, "never" }, { 2, "restricted" }) },
    { ME(SETUPBIN_POWER_PACKAGE), .type = SETUPBIN_GUID, .min_bytes = 16, .max_bytes = 16,
      FROM(2, 1), .name = "power-package", .title = "power package (AMT 2.1 to 4)" },
    { AMT(SETUPBIN_PID), BYTES(8, 8), FROM(1, 0), .name = "pid",
      .title = "TLS-PSK identifier (PID)" },
    { AMT(SETUPBIN_PPS), BYTES(32, 32), FROM(1, 0), .is_secret = true, .name = "pps",
      .title = "TLS-PSK secret (PPS)" },
    { AMT(SETUPBIN_DNS_SUFFIX), TEXT(255), FROM(2, 0), .name = "pki-dns-suffix",
      .title = "PKI DNS suffix (Trusted FQDN)" },
    { AMT(SETUPBIN_SERVER_FQDN), TEXT(255), FROM(2, 0), .name = "server-fqdn",
      .title = "name of the configuration server" },
    { AMT(SETUPBIN_REMOTE_CONFIGURATION), U8(1), FROM(2, 0), .name = "remote-configuration",
      .title = "remote configuration (zero touch)", .choices = OFF_ON },
    { AMT(SETUPBIN_BUILT_IN_HASHES), U8(1), FROM(2, 0), .name = "built-in-hashes",
      .title = "built-in root hashes", .choices = OFF_ON },
    { AMT(SETUPBIN_USER_HASHES), U8(2), FROM(2, 0), .name = "user-hashes",
      .title = "root hashes of the user",
      .choices = CHOICES({ 0, "disabled" }, { 1, "enabled" }, { 2, "deleted" }) },
    { AMT(SETUPBIN_ADD_HASH), BYTES(22, 82), FROM(2, 0), .name = "hash",
      .title = "trusted root hash to add" },
    { AMT(SETUPBIN_REDIRECTION), U8(7), FROM(2, 0), .name = "redirection",
      .title = "serial-over-LAN and IDE redirection",
      .choices = CHOICES({ 0, "both off" }, { 1, "SOL" }, { 2, "IDE-R" }, { 3, "SOL and IDE-R" },
                         { 4, "both off, user name and password allowed" },
                         { 5, "SOL, user name and password allowed" },
                         { 6, "IDE-R, user name and password allowed" },
                         { 7, "SOL and IDE-R, user name and password allowed" }) },
    { AMT(SETUPBIN_HOST_NAME), TEXT(63), FROM(2, 1), .name = "host-name",
      .title = "name of the PC" },
    { AMT(SETUPBIN_DOMAIN_NAME), TEXT(255), FROM(2, 1), .name = "domain-name",
      .title = "its domain" },
    { AMT(SETUPBIN_DHCP), U8(2), .min = 1, FROM(2, 1), .name = "dhcp", .title = "DHCP",
      .choices = CHOICES({ 1, "disabled" }, { 2, "enabled" }) },
    { AMT(SETUPBIN_SECURE_UPDATE), U8(1), FROM(2, 1), .name = "secure-firmware-update",
      .title = "secure firmware update", .choices = OFF_ON },
    { AMT(SETUPBIN_IDLE_TIMEOUT), BYTES(1, ROOM), FROM(2, 1), .name = "idle-timeout",
      .title = "idle timeout of the power package" },
    { AMT(SETUPBIN_PROVISIONING_MODE), U8(2), FROM(2, 1), .name = "provisioning-mode",
      .title = "provisioning mode",
      .choices =
          CHOICES({ 0, "enterprise" }, { 1, "enterprise or small business (sources differ)" },
                  { 2, "small business" }) },
    { AMT(SETUPBIN_SERVER_ADDRESS), BYTES(4, 4), FROM(2, 1), .name = "server-address",
      .title = "IPv4 address of the configuration server" },
    { AMT(SETUPBIN_SERVER_PORT), .type = SETUPBIN_NUMBER, .min_bytes = 2, .max_bytes = 2,
      .max = 65535, FROM(2, 1), .name = "server-port",
      .title = "port of the configuration server" },
    { AMT(SETUPBIN_STATIC_IPV4), BYTES(1, ROOM), FROM(2, 1), .name = "static-ipv4",
      .title = "static IPv4 settings" },
    { AMT(SETUPBIN_VLAN), BYTES(1, ROOM), FROM(2, 1), .name = "vlan", .title = "VLAN" },
    { AMT(SETUPBIN_PASSWORD_POLICY), BYTES(1, ROOM), FROM(2, 1), .name = "password-policy",
      .title = "when the MEBx password may be set over the network" },
    { AMT(SETUPBIN_IPV6), BYTES(84, 204), FROM(3, 0), .name = "ipv6", .title = "IPv6 settings" },
    { AMT(SETUPBIN_SHARED_FQDN), U8(1), FROM(3, 0), .name = "shared-fqdn",
      .title = "name of AMT on the network",
      .choices = CHOICES({ 0, "its own" }, { 1, "that of the PC" }) },
    { AMT(SETUPBIN_DYNAMIC_DNS), U8(1), FROM(3, 0), .name = "dynamic-dns",
      .title = "dynamic DNS update", .choices = OFF_ON },
    { AMT(SETUPBIN_KVM), U8(1), FROM(3, 0), .name = "kvm", .title = "KVM redirection",
      .choices = OFF_ON },
    { AMT(SETUPBIN_CONSENT), U8(255), FROM(3, 0), .name = "consent",
      .title = "user consent needed for",
      .choices = CHOICES({ 0, "nothing" }, { 1, "KVM" }, { 255, "everything" }) },
    { AMT(SETUPBIN_CONSENT_POLICY), U8(1), FROM(3, 0), .name = "consent-policy",
      .title = "remote change of the consent setting",
      .choices = CHOICES({ 0, "not allowed" }, { 1, "allowed" }) },
    { AMT(SETUPBIN_HELLO), U8(1), FROM(3, 0), .name = "hello",
      .title = "hello messages to the configuration server",
      .choices = CHOICES({ 0, "halted" }, { 1, "started" }) },
    { AMT(SETUPBIN_MANUAL_SETUP), U8(1), FROM(3, 0), .name = "setup", .title = "setup",
      .choices = CHOICES({ 0, "automated" }, { 1, "manual: this file sets it up" }) },
    { AMT(SETUPBIN_SUPPORT_CHANNEL), .type = SETUPBIN_NUMBER, .min_bytes = 4, .max_bytes = 4,
      .min = 1, .max = 65535, FROM(3, 0), .name = "support-channel", .title = "support channel" },
    { AMT(SETUPBIN_CHANNEL_DESCRIPTION), TEXT(60), FROM(3, 0), .name = "channel-description",
      .title = "description of the support channel" },
    { AMT(SETUPBIN_ACCOUNT), TEXT(32), FROM(3, 0), .name = "account-number",
      .title = "account number" },
    { AMT(SETUPBIN_PASSCODE), TEXT(32), FROM(3, 0), .is_secret = true, .name = "passcode",
      .title = "enrolment passcode" },
    { AMT(SETUPBIN_SERVICE_TYPE), .type = SETUPBIN_NUMBER, .min_bytes = 4, .max_bytes = 4, .min = 1,
      .max = 4, FROM(3, 0), .name = "service-type", .title = "type of service",
      .choices = CHOICES({ 1, "reactive" }, { 2, "proactive" }, { 4, "one time" }) },
    { AMT(SETUPBIN_SERVICE_PROVIDER), BYTES(16, 16), FROM(3, 0), .name = "service-provider",
      .title = "service provider" },
};
const uint32_t k_setupbin_meaning_count =
    (uint32_t)(sizeof k_setupbin_meanings / sizeof k_setupbin_meanings[0]);

const struct setupbin_meaning *setupbin_meaning(uint16_t module, uint16_t id)
{
    for (uint32_t i = 0; i < k_setupbin_meaning_count; i++) {
        if (k_setupbin_meanings[i].module == module && k_setupbin_meanings[i].id == id) {
            return &k_setupbin_meanings[i];
        }
    }
    return NULL;
}

const struct setupbin_meaning *setupbin_meaning_of(const char *name)
{
    for (uint32_t i = 0; i < k_setupbin_meaning_count; i++) {
        if (strcmp(k_setupbin_meanings[i].name, name) == 0) {
            return &k_setupbin_meanings[i];
        }
    }
    return NULL;
}

uint32_t setupbin_number(const struct setupbin_record *record,
                         const struct setupbin_variable *variable)
{
    struct cursor c = { .base = record->body, .len = SETUPBIN_BODY_BYTES };
    uint8_t byte = 0;
    uint16_t word = 0;
    uint32_t number = 0;
    c.pos = variable->value.off;
    switch (variable->value.len) {
    case 1:
        return cursor_u8(&c, &byte) == AMT_OK ? byte : 0;
    case 2:
        return cursor_le16(&c, &word) == AMT_OK ? word : 0;
    case 4:
        return cursor_le32(&c, &number) == AMT_OK ? number : 0;
    default:
        return 0;
    }
}

enum amt_err setupbin_add_number(struct setupbin_record *record, uint16_t module, uint16_t id,
                                 uint32_t number)
{
    const struct setupbin_meaning *meaning = setupbin_meaning(module, id);
    uint8_t bytes[4] = { 0 };
    struct writer w = { .base = bytes, .cap = sizeof bytes };
    if (meaning == NULL || meaning->type != SETUPBIN_NUMBER) {
        return AMT_EUNKNOWN;
    }
    if (number > meaning->max) {
        return AMT_ETOOBIG;
    }
    writer_le32(&w, number);
    return setupbin_add(record, module, id, bytes, meaning->max_bytes);
}

uint32_t setupbin_hash_bytes(uint8_t algorithm)
{
    static const uint8_t k_bytes[] = { 0, 20, 32, 48 };
    return algorithm < sizeof k_bytes ? k_bytes[algorithm] : 0;
}

enum amt_err setupbin_read_hash(const struct setupbin_record *record,
                                const struct setupbin_variable *variable, struct setupbin_hash *out)
{
    struct cursor c = { .base = record->body };
    uint8_t name_len = 0;
    c.pos = variable->value.off;
    c.len = variable->value.off + variable->value.len;
    *out = (struct setupbin_hash){ 0 };
    if (cursor_u8(&c, &out->algorithm) != AMT_OK || setupbin_hash_bytes(out->algorithm) == 0 ||
        cursor_take(&c, setupbin_hash_bytes(out->algorithm), &out->digest) != AMT_OK ||
        cursor_u8(&c, &name_len) != AMT_OK || name_len > SETUPBIN_HASH_NAME_MAX ||
        cursor_take(&c, name_len, &out->name) != AMT_OK || c.pos != c.len) {
        return AMT_EMALFORMED;
    }
    return AMT_OK;
}

enum amt_err setupbin_add_hash(struct setupbin_record *record, uint8_t algorithm,
                               const uint8_t *digest, const char *name)
{
    uint8_t value[1 + 48 + 1 + SETUPBIN_HASH_NAME_MAX];
    size_t name_len = strlen(name);
    if (setupbin_hash_bytes(algorithm) == 0) {
        return AMT_EUNKNOWN;
    }
    if (name_len > SETUPBIN_HASH_NAME_MAX) {
        return AMT_ETOOBIG;
    }
    struct writer w = { .base = value, .cap = sizeof value };
    writer_u8(&w, algorithm);
    writer_bytes(&w, digest, setupbin_hash_bytes(algorithm));
    writer_u8(&w, (uint8_t)name_len);
    writer_bytes(&w, (const uint8_t *)name, (uint32_t)name_len);
    return setupbin_add(record, SETUPBIN_AMT, SETUPBIN_ADD_HASH, value, w.pos);
}

char setupbin_check_character(const uint8_t *chars, uint32_t len)
{
    static const char k_alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i++) {
        sum += chars[i];
    }
    return k_alphabet[sum % 36];
}
