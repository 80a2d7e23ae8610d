#include "simulator/firmware/mebx.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/base64.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/state_fields.h"

#define SERVICE          "AMT_SetupAndConfigurationService"
#define SERVICE_KEY      "" /* there is one */
#define FACTORY_PASSWORD "admin"
#define PASSWORD_MIN     8u

/* Only a hash is kept: the state folder need not know the password. */
static bool hash_password(const struct firmware *firmware, const void *password, size_t len,
                          uint8_t hash[static MEBX_HASH_BYTES])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_done =
        digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(digest, firmware->uuid.bytes, sizeof firmware->uuid.bytes) == 1 &&
        EVP_DigestUpdate(digest, password, len) == 1 && EVP_DigestFinal_ex(digest, hash, NULL) == 1;
    EVP_MD_CTX_free(digest);
    return is_done;
}

bool mebx_password_is(const struct firmware *firmware, const void *password, size_t len)
{
    const struct provisioning *provisioning = firmware->provisioning;
    uint8_t hash[MEBX_HASH_BYTES] = { 0 };
    uint8_t difference = 0;
    if (!provisioning->mebx_password_is_set) {
        return len == strlen(FACTORY_PASSWORD) && memcmp(password, FACTORY_PASSWORD, len) == 0;
    }
    if (!hash_password(firmware, password, len, hash)) {
        return false;
    }
    for (size_t i = 0; i < sizeof hash; i++) {
        difference |= (uint8_t)(hash[i] ^ provisioning->mebx_hash[i]);
    }
    return difference == 0;
}

bool mebx_password_is_strong(const char *password)
{
    bool has_digit = false, has_upper = false, has_lower = false, has_special = false;
    size_t len = password == NULL ? 0 : strlen(password);
    if (len < PASSWORD_MIN || len > MEBX_PASSWORD_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)password[i];
        if (c < 32 || c > 126 || strchr(":,\"", c) != NULL) {
            return false;
        }
        has_digit |= isdigit(c) != 0;
        has_upper |= isupper(c) != 0;
        has_lower |= islower(c) != 0;
        has_special |= isalnum(c) == 0 && c != '_'; /* the underscore does not count */
    }
    return has_digit && has_upper && has_lower && has_special;
}

enum amt_err mebx_set_password(struct firmware *firmware, const char *password)
{
    struct provisioning *provisioning = firmware->provisioning;
    if (!mebx_password_is_strong(password)) {
        return AMT_EAUTH;
    }
    if (!hash_password(firmware, password, strlen(password), provisioning->mebx_hash)) {
        return AMT_ESYS;
    }
    provisioning->mebx_password_is_set = true;
    firmware_changed(firmware);
    return AMT_OK;
}

void mebx_server(const struct firmware *firmware, struct mebx_server *out)
{
    const struct provisioning *provisioning = firmware->provisioning;
    const char *fqdn = settings_get(firmware, SERVICE, SERVICE_KEY, "ConfigurationServerFQDN");
    out->fqdn = fqdn == NULL ? "" : fqdn;
    out->address = provisioning->server_address;
    out->port = provisioning->server_port == 0 ? MEBX_DEFAULT_PORT : provisioning->server_port;
}

enum amt_err mebx_set_server_fqdn(struct firmware *firmware, const char *fqdn)
{
    const char *text = fqdn == NULL ? "" : fqdn;
    return strlen(text) > MEBX_FQDN_MAX
               ? AMT_ETOOBIG
               : settings_set(firmware, SERVICE, SERVICE_KEY, "ConfigurationServerFQDN", text);
}

enum amt_err mebx_set_server_address(struct firmware *firmware, const char *address)
{
    const char *text = address == NULL ? "" : address;
    if (strlen(text) >= MEBX_ADDRESS_BYTES) {
        return AMT_ETOOBIG;
    }
    memcpy(firmware->provisioning->server_address, text, strlen(text) + 1);
    firmware_changed(firmware);
    return AMT_OK;
}

void mebx_set_server_port(struct firmware *firmware, uint16_t port)
{
    firmware->provisioning->server_port = port;
    firmware_changed(firmware);
}

bool mebx_zero_touch(const struct firmware *firmware)
{
    const char *set = settings_get(firmware, SERVICE, SERVICE_KEY, "ZeroTouchConfigurationEnabled");
    const struct profile_class *class = firmware_profile_class(firmware->profile, SERVICE);
    if (set != NULL) {
        return strcmp(set, "true") == 0;
    }
    return class != NULL &&
           wsman_get_bool(class->instances, "ZeroTouchConfigurationEnabled", false);
}

enum amt_err mebx_set_zero_touch(struct firmware *firmware, bool is_on)
{
    return settings_set(firmware, SERVICE, SERVICE_KEY, "ZeroTouchConfigurationEnabled",
                        is_on ? "true" : "false");
}

enum amt_err mebx_set_otp(struct firmware *firmware, const char *otp, size_t len)
{
    struct text base64 = { 0 };
    if (len < MEBX_OTP_MIN || len > MEBX_OTP_MAX) {
        return AMT_EMALFORMED;
    }
    for (size_t i = 0; i < len; i++) {
        if (otp[i] < 0x20 || otp[i] > 0x7e) {
            return AMT_EMALFORMED;
        }
    }
    base64_encode(&base64, otp, len);
    enum amt_err err = base64.failed ? AMT_ENOMEM
                                     : settings_set(firmware, SERVICE, SERVICE_KEY,
                                                    "ProvisioningServerOTP", text_chars(&base64));
    if (base64.chars != NULL) {
        amt_wipe(base64.chars, base64.len);
    }
    text_fini(&base64);
    return err;
}

bool mebx_amt_is_on(const struct firmware *firmware)
{
    return !firmware->provisioning->amt_is_off;
}

void mebx_switch_amt(struct firmware *firmware, bool is_on)
{
    firmware->provisioning->amt_is_off = !is_on;
    firmware_changed(firmware);
    if (firmware->hooks.listeners_changed != NULL) {
        firmware->hooks.listeners_changed(firmware->hooks.ctx);
    }
}

const char *mebx_pid(const struct firmware *firmware)
{
    return firmware->provisioning->pid;
}

void mebx_set_pid(struct firmware *firmware, const char pid[static 8])
{
    memcpy(firmware->provisioning->pid, pid, PID_BYTES - 1);
    firmware->provisioning->pid[PID_BYTES - 1] = '\0';
    firmware_changed(firmware);
}

void mebx_forget(struct provisioning *provisioning)
{
    provisioning->mebx_password_is_set = false;
    amt_wipe(provisioning->mebx_hash, sizeof provisioning->mebx_hash);
}

bool mebx_save(const struct provisioning *provisioning, json_t *state)
{
    return state_put_bool(state, "mebx_password", provisioning->mebx_password_is_set) &&
           (!provisioning->mebx_password_is_set ||
            state_put_hex(state, "mebx_hash", provisioning->mebx_hash, MEBX_HASH_BYTES)) &&
           state_put_text(state, "server_address", provisioning->server_address) &&
           state_put_u64(state, "server_port", provisioning->server_port) &&
           state_put_bool(state, "amt_is_off", provisioning->amt_is_off) &&
           state_put_text(state, "pid", provisioning->pid);
}

enum amt_err mebx_load(struct provisioning *provisioning, const json_t *state,
                       struct amt_diag *diag)
{
    uint32_t port = provisioning->server_port;
    TRY(state_get_bool(state, "mebx_password", &provisioning->mebx_password_is_set, diag));
    TRY(state_get_hex(state, "mebx_hash", provisioning->mebx_hash, MEBX_HASH_BYTES, diag));
    TRY(state_get_text(state, "server_address", provisioning->server_address,
                       sizeof provisioning->server_address, diag));
    TRY(state_get_u32(state, "server_port", UINT16_MAX, &port, diag));
    provisioning->server_port = (uint16_t)port;
    TRY(state_get_bool(state, "amt_is_off", &provisioning->amt_is_off, diag));
    return state_get_text(state, "pid", provisioning->pid, sizeof provisioning->pid, diag);
}
