/* Lists of revoked certificates, for mutual TLS: AMT_CRL (wsman.md 4.9, 4.26). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/tls_settings.h"

#define ID_PREFIX    "Intel(r) AMT CRL: Handle: "
#define URL_BYTES    256
#define SERIAL_BYTES 41 /* 20 octets in hexadecimal, RFC 5280 4.1.2.2 */

static void free_crl(struct keys_crl *crl)
{
    amt_free(crl->url);
    for (uint32_t i = 0; i < KEYS_CRL_SERIALS_MAX; i++) {
        amt_free(crl->serials[i]);
    }
    *crl = (struct keys_crl){ .url = NULL };
}

void keys_crls_forget(struct keys *keys)
{
    for (uint32_t i = 0; i < KEYS_CRLS_MAX; i++) {
        free_crl(&keys->crls[i]);
    }
}

bool keys_crl_at(const struct firmware *firmware, uint32_t at, struct tls_revoked *list)
{
    for (uint32_t i = 0; i < KEYS_CRLS_MAX; i++) {
        const struct keys_crl *crl = &firmware->keys->crls[i];
        if (crl->url != NULL && at-- == 0) {
            *list = (struct tls_revoked){ .url = crl->url,
                                          .serials = (const char *const *)crl->serials };
            return true;
        }
    }
    return false;
}

static bool is_serial(const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (isxdigit((unsigned char)text[i]) == 0) {
            return false;
        }
    }
    return len > 0 && len < SERIAL_BYTES;
}

/* False when it is too long, or full. */
static bool add_serial(struct keys_crl *crl, const char *serial)
{
    for (uint32_t i = 0; i < KEYS_CRL_SERIALS_MAX && is_serial(serial); i++) {
        if (crl->serials[i] == NULL) {
            crl->serials[i] = amt_strdup(serial);
            return crl->serials[i] != NULL;
        }
    }
    return false;
}

static bool read_crl(const struct wsman_instance *in, struct keys_crl *crl)
{
    const char *url = wsman_get(in, "Url");
    const struct wsman_value *serial = wsman_get_values(in, "SerialNumbers");
    *crl = (struct keys_crl){ .url = NULL };
    if (url == NULL || url[0] == '\0' || strlen(url) >= URL_BYTES || serial == NULL) {
        return false;
    }
    crl->url = amt_strdup(url);
    bool is_good = crl->url != NULL;
    for (; serial != NULL && is_good; serial = serial->next) {
        is_good = add_serial(crl, serial->text);
    }
    return is_good;
}

static uint32_t store(struct keys *keys, const struct keys_crl *crl, uint32_t *handle)
{
    *handle = KEYS_NONE;
    for (uint32_t i = 0; i < KEYS_CRLS_MAX; i++) {
        if (keys->crls[i].url == NULL) {
            *handle = *handle == KEYS_NONE ? i : *handle;
        } else if (strcmp(keys->crls[i].url, crl->url) == 0) {
            return PT_DUPLICATE;
        }
    }
    if (*handle == KEYS_NONE) {
        return PT_MAX_LIMIT_REACHED;
    }
    keys->crls[*handle] = *crl;
    return PT_SUCCESS;
}

/* Connections from now on are judged by the lists as they are. */
static void have_changed(struct firmware *firmware)
{
    tls_settings_renew(firmware);
    firmware_changed(firmware);
}

static void write_id(uint32_t handle, char out[static KEYS_ID_BYTES])
{
    (void)snprintf(out, KEYS_ID_BYTES, ID_PREFIX "%u", handle);
}

uint32_t keys_add_crl(struct firmware_call *call, const struct wsman_instance *target,
                      const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    struct keys_crl crl;
    uint32_t handle = KEYS_NONE;
    if (!keys_may_change(call->firmware)) {
        return legality_deny(call, false);
    }
    uint32_t status = read_crl(in, &crl) ? store(call->firmware->keys, &crl, &handle)
                                         : (uint32_t)PT_INVALID_PARAMETER;
    if (status != PT_SUCCESS) {
        free_crl(&crl);
        return status;
    }
    char id[KEYS_ID_BYTES];
    write_id(handle, id);
    wsman_set_ref(out, "CRL", wsman_ref_new(call->arena, "AMT_CRL", 1, "InstanceID", id));
    have_changed(call->firmware);
    return PT_SUCCESS;
}

uint32_t keys_reset_crls(struct firmware_call *call, const struct wsman_instance *target,
                         const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    if (!keys_may_change(call->firmware)) {
        return legality_deny(call, false);
    }
    keys_crls_forget(call->firmware->keys);
    have_changed(call->firmware);
    return PT_SUCCESS;
}

struct wsman_instance *keys_list_crls(struct firmware_call *call)
{
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    for (uint32_t i = 0; i < KEYS_CRLS_MAX; i++) {
        const struct keys_crl *crl = &call->firmware->keys->crls[i];
        if (crl->url == NULL) {
            continue;
        }
        struct wsman_instance *shown = wsman_instance_new(call->arena, "AMT_CRL");
        char id[KEYS_ID_BYTES];
        if (shown == NULL) {
            (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
            return list;
        }
        write_id(i, id);
        wsman_set(shown, "InstanceID", id);
        for (uint32_t k = 0; k < KEYS_CRL_SERIALS_MAX && crl->serials[k] != NULL; k++) {
            wsman_add(shown, "SerialNumbers", crl->serials[k]);
        }
        wsman_set(shown, "Url", crl->url);
        *last = shown;
        last = &shown->next;
    }
    return list;
}

void keys_remove_crl(struct firmware_call *call, const struct wsman_instance *instance)
{
    const char *id = wsman_get(instance, "InstanceID");
    if (!keys_may_change(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    for (uint32_t i = 0; i < KEYS_CRLS_MAX && id != NULL; i++) {
        char own[KEYS_ID_BYTES];
        write_id(i, own);
        if (strcmp(own, id) == 0) {
            free_crl(&call->firmware->keys->crls[i]);
            have_changed(call->firmware);
        }
    }
}

bool keys_save_crls(const struct keys *keys, json_t *list)
{
    bool is_good = list != NULL;
    for (uint32_t i = 0; i < KEYS_CRLS_MAX && is_good; i++) {
        const struct keys_crl *crl = &keys->crls[i];
        if (crl->url == NULL) {
            continue;
        }
        json_t *entry = json_object();
        json_t *serials = json_array();
        for (uint32_t k = 0; k < KEYS_CRL_SERIALS_MAX && crl->serials[k] != NULL; k++) {
            is_good = json_array_append_new(serials, json_string(crl->serials[k])) == 0 && is_good;
        }
        is_good =
            state_put_u64(entry, "handle", i) && state_put_text(entry, "url", crl->url) && is_good;
        is_good = json_object_set_new(entry, "serials", serials) == 0 && is_good;
        is_good = json_array_append_new(list, entry) == 0 && is_good;
    }
    return is_good;
}

enum amt_err keys_load_crl(struct keys *keys, const json_t *entry, struct amt_diag *diag)
{
    uint32_t handle = 0;
    char url[URL_BYTES] = "";
    TRY(state_get_u32(entry, "handle", KEYS_CRLS_MAX - 1, &handle, diag));
    TRY(state_get_text(entry, "url", url, sizeof url, diag));
    struct keys_crl *crl = &keys->crls[handle];
    const json_t *serials = json_object_get(entry, "serials");
    bool is_good = url[0] != '\0' && crl->url == NULL;
    if (is_good) {
        crl->url = amt_strdup(url);
    }
    for (size_t i = 0; i < json_array_size(serials) && is_good; i++) {
        is_good = add_serial(crl, json_string_value(json_array_get(serials, i)));
    }
    if (!is_good) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "saved state: a list of revoked certificates is not usable");
    }
    return crl->url == NULL ? AMT_ENOMEM : AMT_OK;
}
