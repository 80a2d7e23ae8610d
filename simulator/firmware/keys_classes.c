/* The classes that show the store: certificates, key pairs, and how they belong together. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "simulator/firmware/keys_internal.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/tls_settings.h"

#define READ_ONLY_RELEASE 1600 /* first release that shows ReadOnlyCertificate (unverified) */
#define DER_KEY_IS_SPKI   1    /* config der_key */

/* The order in which firmware writes the parts of a name (wsman.md 4.9); others come first. */
static int rank_of(const X509_NAME_ENTRY *entry)
{
    static const int k_order[] = {
        NID_countryName,      NID_stateOrProvinceName,    NID_localityName,
        NID_organizationName, NID_organizationalUnitName, NID_commonName
    };
    int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    for (int i = 0; i < (int)(sizeof k_order / sizeof k_order[0]); i++) {
        if (k_order[i] == nid) {
            return i;
        }
    }
    return -1;
}

static void append_type(struct text *out, const X509_NAME_ENTRY *entry)
{
    const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
    int nid = OBJ_obj2nid(object);
    char dotted[80] = "";
    if (nid == NID_undef) {
        (void)OBJ_obj2txt(dotted, sizeof dotted, object, 1);
    }
    text_puts(out, nid == NID_undef ? dotted : OBJ_nid2sn(nid));
}

/* Escaped as RFC 2253 wants it. */
static void append_value(struct text *out, const X509_NAME_ENTRY *entry)
{
    unsigned char *value = NULL;
    int len = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
    for (int i = 0; i < len; i++) {
        if (value[i] != 0 && strchr(",+\"\\<>;", value[i]) != NULL) {
            text_puts(out, "\\");
        }
        text_append(out, (const char *)&value[i], 1);
    }
    OPENSSL_free(value);
    ERR_clear_error();
}

static void set_name(struct wsman_instance *instance, const char *property, const X509_NAME *name)
{
    struct text out = { .failed = false };
    for (int rank = -1; rank < 6; rank++) {
        for (int i = 0; i < X509_NAME_entry_count(name); i++) {
            const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
            if (rank_of(entry) == rank) {
                text_puts(&out, out.len == 0 ? "" : ",");
                append_type(&out, entry);
                text_puts(&out, "=");
                append_value(&out, entry);
            }
        }
    }
    instance->failed = instance->failed || out.failed;
    wsman_set(instance, property, text_chars(&out));
    text_fini(&out);
}

/* Sets base64 of what an i2d function made; takes der. */
static void set_der(struct wsman_instance *instance, const char *property, unsigned char *der,
                    int len)
{
    if (len > 0) {
        wsman_set_base64(instance, property, der, (size_t)len);
    } else {
        instance->failed = true;
    }
    OPENSSL_free(der);
}

static struct wsman_instance *show_certificate(struct firmware_call *call, uint32_t handle)
{
    const struct keys_certificate *certificate = &call->firmware->keys->certificates[handle];
    struct wsman_instance *shown = wsman_instance_new(call->arena, "AMT_PublicKeyCertificate");
    if (shown == NULL) {
        return NULL;
    }
    char id[KEYS_ID_BYTES];
    unsigned char *der = NULL;
    keys_certificate_id(handle, id);
    wsman_set(shown, "ElementName", "Intel(r) AMT Certificate");
    wsman_set(shown, "InstanceID", id);
    set_name(shown, "Issuer", X509_get_issuer_name(certificate->x509));
    set_name(shown, "Subject", X509_get_subject_name(certificate->x509));
    wsman_set_bool(shown, "TrustedRootCertficate", certificate->is_root);
    if (firmware_is_release(call->firmware, READ_ONLY_RELEASE)) {
        wsman_set_bool(shown, "ReadOnlyCertificate", false);
    }
    int len = i2d_X509(certificate->x509, &der);
    set_der(shown, "X509Certificate", der, len);
    return shown;
}

/* Appends to a list whose end is *last; without memory the call fails. */
static void append(struct firmware_call *call, struct wsman_instance ***last,
                   struct wsman_instance *instance)
{
    if (instance == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return;
    }
    **last = instance;
    *last = &instance->next;
}

struct wsman_instance *keys_list_certificates(struct firmware_call *call)
{
    const struct keys *keys = call->firmware->keys;
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        if (keys->certificates[i].x509 != NULL) {
            append(call, &last, show_certificate(call, i));
        }
    }
    return list;
}

/* The schema lets a Put replace the certificate itself; what is in use stays. */
void keys_put_certificate(struct firmware_call *call, const struct wsman_instance *old,
                          const struct wsman_instance *changed)
{
    struct firmware *firmware = call->firmware;
    const char *id = wsman_get(old, "InstanceID");
    uint32_t handle = keys_certificate_find(firmware->keys, id);
    size_t len = 0;
    const uint8_t *der = wsman_get_base64(changed, "X509Certificate", &len);
    X509 *certificate = keys_read_certificate(der, len);
    if (!keys_may_change(firmware)) {
        (void)legality_deny(call, true);
    } else if (handle == KEYS_NONE) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
    } else if (certificate == NULL) {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, NULL);
    } else if (X509_cmp(certificate, firmware->keys->certificates[handle].x509) == 0) {
        X509_free(certificate); /* nothing new */
        return;
    } else if (keys_certificate_in_use(firmware, id)) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
    } else if (keys_has_certificate(firmware->keys, certificate)) {
        (void)firmware_fault(call, WSMAN_ALREADY_EXISTS, NULL);
    } else {
        X509_free(firmware->keys->certificates[handle].x509);
        firmware->keys->certificates[handle].x509 = certificate;
        firmware_changed(firmware);
        return;
    }
    X509_free(certificate);
}

/* WSM-098 */
void keys_remove_certificate(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct firmware *firmware = call->firmware;
    const char *id = wsman_get(instance, "InstanceID");
    uint32_t handle = keys_certificate_find(firmware->keys, id);
    if (!keys_may_change(firmware)) {
        (void)legality_deny(call, true);
    } else if (handle == KEYS_NONE) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
    } else if (keys_certificate_in_use(firmware, id)) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
    } else {
        X509_free(firmware->keys->certificates[handle].x509);
        firmware->keys->certificates[handle] = (struct keys_certificate){ .x509 = NULL };
        firmware_changed(firmware);
    }
}

static struct wsman_instance *show_pair(struct firmware_call *call, uint32_t handle)
{
    const EVP_PKEY *key = call->firmware->keys->pairs[handle];
    struct wsman_instance *shown = wsman_instance_new(call->arena, "AMT_PublicPrivateKeyPair");
    if (shown == NULL) {
        return NULL;
    }
    char id[KEYS_ID_BYTES];
    unsigned char *der = NULL;
    keys_pair_id(handle, id);
    wsman_set(shown, "ElementName", "Intel(r) AMT Key");
    wsman_set(shown, "InstanceID", id);
    int len = call->firmware->profile->config.der_key == DER_KEY_IS_SPKI ? i2d_PUBKEY(key, &der)
                                                                         : i2d_PublicKey(key, &der);
    set_der(shown, "DERKey", der, len);
    return shown;
}

struct wsman_instance *keys_list_pairs(struct firmware_call *call)
{
    const struct keys *keys = call->firmware->keys;
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    for (uint32_t i = 0; i < keys->pairs_max; i++) {
        if (keys->pairs[i] != NULL) {
            append(call, &last, show_pair(call, i));
        }
    }
    return list;
}

static bool pair_is_in_use(const struct firmware *firmware, uint32_t handle)
{
    const struct keys *keys = firmware->keys;
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        X509 *certificate = keys->certificates[i].x509;
        char id[KEYS_ID_BYTES];
        keys_certificate_id(i, id);
        if (certificate != NULL &&
            EVP_PKEY_eq(keys->pairs[handle], X509_get0_pubkey(certificate)) == 1 &&
            keys_certificate_in_use(firmware, id)) {
            return true;
        }
    }
    return false;
}

static void remove_pair(struct firmware_call *call, const char *instance_id)
{
    struct firmware *firmware = call->firmware;
    uint32_t handle = keys_pair_find(firmware->keys, instance_id);
    if (!keys_may_change(firmware)) {
        (void)legality_deny(call, true);
    } else if (handle == KEYS_NONE) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
    } else if (pair_is_in_use(firmware, handle)) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
    } else {
        EVP_PKEY_free(firmware->keys->pairs[handle]);
        firmware->keys->pairs[handle] = NULL;
        firmware_changed(firmware);
    }
}

void keys_remove_pair(struct firmware_call *call, const struct wsman_instance *instance)
{
    remove_pair(call, wsman_get(instance, "InstanceID"));
}

/* rpc-go and console delete a key pair through the service (wsman.md 4.9). */
void keys_remove_selected(struct firmware_call *call, const struct wsman_instance *instance)
{
    (void)instance;
    const struct wsman_selector *selector = call->request->selectors;
    while (selector != NULL && strcmp(selector->name, "InstanceID") != 0) {
        selector = selector->next;
    }
    remove_pair(call, selector == NULL ? NULL : selector->text);
}

/* Certificate and key pair of the same public key. */
static struct wsman_instance *show_dependency(struct firmware_call *call, uint32_t certificate,
                                              uint32_t pair)
{
    struct wsman_instance *shown = wsman_instance_new(call->arena, "CIM_ConcreteDependency");
    char id[KEYS_ID_BYTES];
    keys_certificate_id(certificate, id);
    wsman_set_ref(shown, "Antecedent",
                  wsman_ref_new(call->arena, "AMT_PublicKeyCertificate", 1, "InstanceID", id));
    keys_pair_id(pair, id);
    wsman_set_ref(shown, "Dependent",
                  wsman_ref_new(call->arena, "AMT_PublicPrivateKeyPair", 1, "InstanceID", id));
    return shown;
}

struct wsman_instance *keys_list_dependencies(struct firmware_call *call)
{
    const struct keys *keys = call->firmware->keys;
    struct wsman_instance *list = NULL;
    struct wsman_instance **last = &list;
    for (uint32_t i = 0; i < keys->certificates_max; i++) {
        X509 *certificate = keys->certificates[i].x509;
        uint32_t pair =
            certificate == NULL ? KEYS_NONE : keys_pair_of(keys, X509_get0_pubkey(certificate));
        if (pair != KEYS_NONE) {
            append(call, &last, show_dependency(call, i, pair));
        }
    }
    return list;
}

void keys_fill_capabilities(struct firmware_call *call, struct wsman_instance *instance)
{
    uint32_t count = 0;
    const uint32_t *lengths = keys_lengths(call->firmware, &count);
    wsman_set_u64(instance, "CommonNameMaxCount", TLS_SETTINGS_NAMES_MAX);
    wsman_set_u64(instance, "CommonNameMaxSize", TLS_SETTINGS_NAME_BYTES - 1);
    wsman_set_u64(instance, "MaximumCRLSize", KEYS_CRL_SERIALS_MAX);
    wsman_set_u64(instance, "RootCertMaxCount", call->firmware->keys->certificates_max);
    wsman_set_u64(instance, "RootCertMaxSize", KEYS_DER_MAX_BYTES);
    wsman_unset(instance, "SupportedKeyLengths");
    for (uint32_t i = 0; i < count; i++) {
        wsman_add_u64(instance, "SupportedKeyLengths", lengths[i]);
    }
}
