/* What each variable of a setup.bin does to the device (activation.md 9.2). */
#include <stdio.h>
#include <string.h>

#include "protocol/http/digest.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/setup_file_internal.h"
#include "simulator/firmware/users.h"

#define GENERAL       "AMT_GeneralSettings"
#define PSK_UNTIL     1100u /* release: TLS-PSK is gone from there on */
#define CONSENT_EVERY 255u
#define DHCP_ON       2u
#define HASHES_OFF    0u
#define HASHES_ON     1u

struct setting_up {
    struct firmware *firmware;
    const struct setupbin_record *record;
    struct text *story;
    const struct setupbin_variable *variable; /* in turn */
    const struct setupbin_meaning *meaning;   /* NULL: not known */
};

/* The value of the variable as text with its 0; the rules keep texts below this size. */
#define VALUE_BYTES SETUPBIN_BODY_BYTES
static const char *value_text(const struct setting_up *s, char out[static VALUE_BYTES])
{
    memcpy(out, s->record->body + s->variable->value.off, s->variable->value.len);
    out[s->variable->value.len] = '\0';
    return out;
}

static uint32_t value_number(const struct setting_up *s)
{
    return setupbin_number(s->record, s->variable);
}

/* "2,3 PKI DNS suffix (Trusted FQDN): example.com" */
static void tell(const struct setting_up *s, const char *what)
{
    text_printf(s->story, "%u,%u %s: %s\n", s->variable->module, s->variable->id,
                s->meaning == NULL ? "unknown variable" : s->meaning->title, what);
}

static void tell_choice(const struct setting_up *s)
{
    const struct setupbin_choice *choice = s->meaning->choices;
    char number[16];
    while (choice != NULL && choice->meaning != NULL && choice->value != value_number(s)) {
        choice++;
    }
    (void)snprintf(number, sizeof number, "%u", value_number(s));
    tell(s, choice == NULL || choice->meaning == NULL ? number : choice->meaning);
}

static enum amt_err set_new_password(struct setting_up *s)
{
    char password[VALUE_BYTES];
    enum amt_err err = mebx_set_password(s->firmware, value_text(s, password));
    amt_wipe(password, sizeof password);
    tell(s, "set");
    return err;
}

static enum amt_err set_feature(struct setting_up *s)
{
    mebx_switch_amt(s->firmware, value_number(s) != 0);
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_pid(struct setting_up *s)
{
    char pid[VALUE_BYTES];
    if (firmware_is_release(s->firmware, PSK_UNTIL)) {
        tell(s, "left out: this release has no TLS-PSK");
        return AMT_OK;
    }
    mebx_set_pid(s->firmware, value_text(s, pid));
    tell(s, pid);
    return AMT_OK;
}

static enum amt_err set_suffix(struct setting_up *s)
{
    char suffix[VALUE_BYTES];
    tell(s, value_text(s, suffix));
    return provisioning_set_trusted_suffix(s->firmware, suffix);
}

static enum amt_err set_server_fqdn(struct setting_up *s)
{
    char fqdn[VALUE_BYTES];
    tell(s, value_text(s, fqdn));
    return mebx_set_server_fqdn(s->firmware, fqdn);
}

static enum amt_err set_zero_touch(struct setting_up *s)
{
    tell_choice(s);
    return mebx_set_zero_touch(s->firmware, value_number(s) != 0);
}

static enum amt_err set_built_in_hashes(struct setting_up *s)
{
    keys_hashes_switch_built_in(s->firmware, value_number(s) != 0);
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_user_hashes(struct setting_up *s)
{
    uint32_t choice = value_number(s);
    if (choice == HASHES_OFF || choice == HASHES_ON) {
        keys_hashes_switch_users(s->firmware, choice == HASHES_ON);
    } else {
        keys_hashes_forget_users(s->firmware);
    }
    tell_choice(s);
    return AMT_OK;
}

/* ACT-DEV-049: active, and not built in. */
static enum amt_err add_hash(struct setting_up *s)
{
    struct setupbin_hash hash;
    char name[SETUPBIN_HASH_NAME_MAX + 1];
    TRY(setupbin_read_hash(s->record, s->variable, &hash));
    memcpy(name, s->record->body + hash.name.off, hash.name.len);
    name[hash.name.len] = '\0';
    enum amt_err err = keys_hash_add(s->firmware, name, (enum keys_hash_type)hash.algorithm,
                                     s->record->body + hash.digest.off);
    if (err == AMT_EEXISTS) {
        tell(s, "is in the list already");
        return AMT_OK;
    }
    tell(s, name);
    return err;
}

static enum amt_err set_redirection(struct setting_up *s)
{
    redirection_set_up(s->firmware, (value_number(s) & 1) != 0, (value_number(s) & 2) != 0);
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_host_name(struct setting_up *s)
{
    char name[VALUE_BYTES];
    tell(s, value_text(s, name));
    return settings_set(s->firmware, GENERAL, "", "HostName", name);
}

static enum amt_err set_domain_name(struct setting_up *s)
{
    char name[VALUE_BYTES];
    tell(s, value_text(s, name));
    return settings_set(s->firmware, GENERAL, "", "DomainName", name);
}

static enum amt_err set_dhcp(struct setting_up *s)
{
    tell_choice(s);
    return network_set_static(s->firmware, value_number(s) != DHCP_ON);
}

/* The bytes are in reverse order. */
static enum amt_err set_server_address(struct setting_up *s)
{
    const uint8_t *bytes = s->record->body + s->variable->value.off;
    char address[16];
    (void)snprintf(address, sizeof address, "%u.%u.%u.%u", bytes[3], bytes[2], bytes[1], bytes[0]);
    tell(s, address);
    return mebx_set_server_address(s->firmware, address);
}

static enum amt_err set_server_port(struct setting_up *s)
{
    mebx_set_server_port(s->firmware, (uint16_t)value_number(s));
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_shared_fqdn(struct setting_up *s)
{
    tell_choice(s);
    return settings_set(s->firmware, GENERAL, "", "SharedFQDN",
                        value_number(s) == 1 ? "true" : "false");
}

static enum amt_err set_dynamic_dns(struct setting_up *s)
{
    tell_choice(s);
    return settings_set(s->firmware, GENERAL, "", "DDNSUpdateEnabled",
                        value_number(s) == 1 ? "true" : "false");
}

static enum amt_err set_kvm(struct setting_up *s)
{
    redirection_set_up_kvm(s->firmware, value_number(s) == 1);
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_consent(struct setting_up *s)
{
    uint32_t required = value_number(s);
    consent_set_up(s->firmware, required == CONSENT_EVERY ? CONSENT_ALL : required);
    tell_choice(s);
    return AMT_OK;
}

static enum amt_err set_consent_policy(struct setting_up *s)
{
    tell_choice(s);
    return consent_set_up_policy(s->firmware, value_number(s) == 1);
}

static enum amt_err set_hello(struct setting_up *s)
{
    bool begins = value_number(s) == 1;
    if (begins && !mebx_zero_touch(s->firmware)) {
        tell(s, "left out: remote configuration is off");
        return AMT_OK;
    }
    enum amt_err err = begins ? provisioning_start(s->firmware) : provisioning_stop(s->firmware);
    if (err == AMT_ESTATE && begins) {
        tell(s, "left out: the device is provisioned already");
    } else {
        tell_choice(s);
    }
    return err == AMT_ESTATE ? AMT_OK : err;
}

/* Setting up at the PC itself: admin control mode, the MEBx password is that of the administrator. */
static enum amt_err set_manual_setup(struct setting_up *s)
{
    const struct setupbin_variable *password =
        setupbin_find(s->record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD);
    uint8_t ha1[DIGEST_MD5_BYTES];
    if (value_number(s) == 0) {
        tell_choice(s);
        return AMT_OK;
    }
    if (provisioning_state(s->firmware) == PROVISIONING_POST) {
        tell(s, "left out: the device is provisioned already");
        return AMT_OK;
    }
    if (password == NULL) {
        password = setupbin_find(s->record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD);
    }
    if (password == NULL) {
        return AMT_EAUTH;
    }
    digest_ha1("admin", provisioning_realm(s->firmware),
               (const char *)s->record->body + password->value.off, password->value.len, ha1);
    users_set_admin(s->firmware, "admin", ha1);
    amt_wipe(ha1, sizeof ha1);
    provisioning_record_add(s->firmware, RECORD_MANUAL, NULL);
    provisioning_activate(s->firmware, FIRMWARE_ADMIN_CONTROL);
    tell_choice(s);
    return AMT_OK;
}

static const struct {
    uint16_t module, id;
    enum amt_err (*set)(struct setting_up *s);
} k_setters[] = {
    { SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, set_new_password },
    { SETUPBIN_ME, SETUPBIN_FEATURE, set_feature },
    { SETUPBIN_AMT, SETUPBIN_PID, set_pid },
    { SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, set_suffix },
    { SETUPBIN_AMT, SETUPBIN_SERVER_FQDN, set_server_fqdn },
    { SETUPBIN_AMT, SETUPBIN_REMOTE_CONFIGURATION, set_zero_touch },
    { SETUPBIN_AMT, SETUPBIN_BUILT_IN_HASHES, set_built_in_hashes },
    { SETUPBIN_AMT, SETUPBIN_USER_HASHES, set_user_hashes },
    { SETUPBIN_AMT, SETUPBIN_ADD_HASH, add_hash },
    { SETUPBIN_AMT, SETUPBIN_REDIRECTION, set_redirection },
    { SETUPBIN_AMT, SETUPBIN_HOST_NAME, set_host_name },
    { SETUPBIN_AMT, SETUPBIN_DOMAIN_NAME, set_domain_name },
    { SETUPBIN_AMT, SETUPBIN_DHCP, set_dhcp },
    { SETUPBIN_AMT, SETUPBIN_SERVER_ADDRESS, set_server_address },
    { SETUPBIN_AMT, SETUPBIN_SERVER_PORT, set_server_port },
    { SETUPBIN_AMT, SETUPBIN_SHARED_FQDN, set_shared_fqdn },
    { SETUPBIN_AMT, SETUPBIN_DYNAMIC_DNS, set_dynamic_dns },
    { SETUPBIN_AMT, SETUPBIN_KVM, set_kvm },
    { SETUPBIN_AMT, SETUPBIN_CONSENT, set_consent },
    { SETUPBIN_AMT, SETUPBIN_CONSENT_POLICY, set_consent_policy },
    { SETUPBIN_AMT, SETUPBIN_HELLO, set_hello },
    { SETUPBIN_AMT, SETUPBIN_MANUAL_SETUP, set_manual_setup },
};

static enum amt_err set_variable(struct setting_up *s)
{
    if (s->variable->module == SETUPBIN_ME && s->variable->id == SETUPBIN_CURRENT_PASSWORD) {
        return AMT_OK; /* it was compared */
    }
    for (size_t i = 0; i < sizeof k_setters / sizeof *k_setters; i++) {
        if (k_setters[i].module == s->variable->module && k_setters[i].id == s->variable->id) {
            return k_setters[i].set(s);
        }
    }
    tell(s, "taken, without effect on a simulated device");
    return AMT_OK;
}

enum amt_err setup_file_set(struct firmware *firmware, const struct setupbin_record *record,
                            struct text *story, struct amt_diag *diag)
{
    struct setting_up s = { .firmware = firmware, .record = record, .story = story };
    for (uint32_t i = 0; i < record->count; i++) {
        s.variable = &record->variables[i];
        s.meaning = setupbin_meaning(s.variable->module, s.variable->id);
        enum amt_err err = set_variable(&s);
        if (err != AMT_OK) {
            return amt_diag_set(diag, err, "variable %u,%u could not be set: %s",
                                s.variable->module, s.variable->id, amt_err_text(err));
        }
    }
    return AMT_OK;
}
