#include "mps/activation/equipment.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "mps/activation/certificates_internal.h"
#include "mps/activation/config_reading.h"

#define FILE_MAX     (1024 * 1024)
#define SSID_MAX     32u
#define PASSWORD_MIN 8u
#define PASSWORD_MAX 63u

static const char *const k_authentications[] = { "wpa-psk", "wpa2-psk", "wpa3-sae", NULL };
static const uint32_t k_authentication_values[] = { ACTIVATION_WIFI_WPA, ACTIVATION_WIFI_WPA2,
                                                    ACTIVATION_WIFI_WPA3 };
static const char *const k_encryptions[] = { "ccmp-aes", "tkip-rc4", NULL };
static const uint32_t k_encryption_values[] = { ACTIVATION_WIFI_CCMP, ACTIVATION_WIFI_TKIP };

struct tls_keys {
    char *pfx, *password_file, *certificate, *key;
};
#define AT(member) offsetof(struct tls_keys, member)
const struct config_key activation_device_tls_keys[] = {
    { "certificate", CONFIG_TEXT, AT(certificate), NULL,
      "PEM of the root that signs certificates of devices", .names = NULL },
    { "key", CONFIG_TEXT, AT(key), NULL, "PEM of its private key", .names = NULL },
    { "pfx", CONFIG_TEXT, AT(pfx), NULL, "or both in one PKCS#12 file", .names = NULL },
    { "password_file", CONFIG_TEXT, AT(password_file), NULL, "file whose first line opens it",
      .names = NULL },
    { .name = NULL },
};
#undef AT

struct wifi_keys {
    char *name, *ssid, *password_file;
    int authentication, encryption;
};
#define AT(member) offsetof(struct wifi_keys, member)
const struct config_key activation_wifi_keys[] = {
    { "ssid", CONFIG_TEXT, AT(ssid), NULL, "name of the network", .names = NULL },
    { "name", CONFIG_TEXT, AT(name), NULL, "name of the profile [the ssid]", .names = NULL },
    { "authentication", CONFIG_ENUM, AT(authentication), "wpa2-psk",
      "wpa-psk, wpa2-psk, wpa3-sae (from AMT 16 on)", .names = k_authentications },
    { "encryption", CONFIG_ENUM, AT(encryption), "ccmp-aes", "ccmp-aes, tkip-rc4",
      .names = k_encryptions },
    { "password_file", CONFIG_TEXT, AT(password_file), NULL,
      "file whose first line is the passphrase, 8 to 63 characters", .names = NULL },
    { .name = NULL },
};
#undef AT

bool activation_wifi_is_good(const struct activation_wifi *wifi, const char **why)
{
    size_t ssid_len = wifi->ssid == NULL ? 0 : strlen(wifi->ssid);
    size_t name_len = wifi->name == NULL ? 0 : strlen(wifi->name);
    *why = ssid_len == 0 || ssid_len > SSID_MAX   ? "an ssid of 1 to 32 bytes is needed"
           : name_len == 0 || name_len > SSID_MAX ? "the name of a profile has 1 to 32 bytes"
           : wifi->password.len < PASSWORD_MIN || wifi->password.len > PASSWORD_MAX
               ? "the password has 8 to 63 characters"
               : NULL;
    return *why == NULL;
}

void activation_equipment_wipe(struct activation_equipment_config *config)
{
    for (uint32_t i = 0; i < config->wifi_count; i++) {
        secret_fini(&config->wifi[i].password);
    }
}

/* --- our YAML --- */

struct reader {
    struct config_reading base;
    struct activation_equipment_config *out;
};

static void read_tls(struct reader *r, const struct yaml_node *node)
{
    struct tls_keys keys;
    char line[CONFIG_LINE_BYTES] = "";
    enum amt_err err =
        config_read(activation_device_tls_keys, node, r->base.path, &keys, r->base.problems);
    bool has_pem = keys.certificate != NULL && keys.key != NULL;
    bool has_pfx = keys.pfx != NULL;
    if (err != AMT_OK) {
        r->base.err = err;
    } else if (has_pem == has_pfx) {
        config_refuse(&r->base, node, "for example {certificate: tls-root.pem, key: tls-root.key}",
                      "device_tls has either certificate and key, or pfx and password_file");
    } else if (has_pfx && !config_first_line(keys.password_file, line)) {
        config_refuse(&r->base, node, "name a file whose first line is the password",
                      "the password_file of device_tls cannot be read");
    } else {
        r->out->tls_certificate = config_keep(&r->base, keys.certificate);
        r->out->tls_key = config_keep(&r->base, keys.key);
        r->out->tls_pfx = config_keep(&r->base, keys.pfx);
        r->out->tls_password = config_keep(&r->base, line);
    }
    amt_wipe(line, sizeof line);
    config_fini(activation_device_tls_keys, &keys);
}

static void read_profile(struct reader *r, const struct yaml_node *node)
{
    struct wifi_keys keys;
    char line[CONFIG_LINE_BYTES] = "";
    const char *why = NULL;
    enum amt_err err =
        config_read(activation_wifi_keys, node, r->base.path, &keys, r->base.problems);
    if (err != AMT_OK) {
        r->base.err = err;
    } else if (r->out->wifi_count == ACTIVATION_WIFI_MAX) {
        config_refuse(&r->base, node, "keep 16 of them", "a device has room for 16 Wi-Fi profiles");
    } else if (!config_first_line(keys.password_file, line)) {
        config_refuse(&r->base, node, "name a file whose first line is the passphrase",
                      "the password_file of a Wi-Fi profile cannot be read");
    } else {
        struct activation_wifi *wifi = &r->out->wifi[r->out->wifi_count];
        wifi->ssid = config_keep(&r->base, keys.ssid);
        wifi->name = keys.name == NULL ? wifi->ssid : config_keep(&r->base, keys.name);
        wifi->authentication = k_authentication_values[keys.authentication];
        wifi->encryption = k_encryption_values[keys.encryption];
        bool is_set = secret_set(&wifi->password, line, (uint32_t)strlen(line)) == AMT_OK;
        if (activation_wifi_is_good(wifi, &why) && is_set) {
            r->out->wifi_count += 1;
        } else {
            secret_fini(&wifi->password);
            config_refuse(&r->base, node, why == NULL ? "use a shorter password" : why,
                          "this is no Wi-Fi profile that AMT takes");
        }
    }
    amt_wipe(line, sizeof line);
    config_fini(activation_wifi_keys, &keys);
}

enum amt_err activation_equipment_read(const struct yaml_node *tls, const struct yaml_node *wifi,
                                       const char *path, struct arena *arena,
                                       struct activation_equipment_config *out,
                                       struct amt_diag_list *problems)
{
    struct reader r = { { path, arena, problems, AMT_OK }, out };
    if (tls != NULL) {
        read_tls(&r, tls);
    }
    if (wifi != NULL && wifi->kind != YAML_LIST) {
        config_refuse(&r.base, wifi, "begin each entry with a dash", "wifi is a list of profiles");
        return r.base.err;
    }
    for (const struct yaml_node *node = wifi == NULL ? NULL : wifi->first; node != NULL;
         node = node->next) {
        if (node->kind == YAML_MAP) {
            read_profile(&r, node);
        } else {
            config_refuse(&r.base, node, "for example {ssid: office, password_file: wifi.pass}",
                          "a Wi-Fi profile is a map of keys");
        }
    }
    return r.base.err;
}

/* --- the root --- */

static uint8_t *read_whole(const char *path, uint32_t *len)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    uint8_t *bytes = NULL;
    if (file != NULL && fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_size > 0 && status.st_size <= FILE_MAX) {
        bytes = amt_alloc((size_t)status.st_size);
        *len = bytes == NULL ? 0 : (uint32_t)fread(bytes, 1, (size_t)status.st_size, file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

/* The certificate that belongs to the key; the others are those above it. */
static struct pki_identity *identity_of(const struct certificate_bag *bag, char reason[static 160])
{
    struct pki_identity *identity = NULL;
    int count = sk_X509_num(bag->primary);
    for (int i = 0; identity == NULL && bag->key != NULL && i < count; i++) {
        X509 *certificate = sk_X509_value(bag->primary, i);
        if (X509_check_private_key(certificate, bag->key) == 1) {
            identity = pki_identity_of(certificate, bag->key);
        }
    }
    if (identity == NULL) {
        (void)snprintf(reason, 160, "it has no private key with its certificate");
    }
    return identity;
}

static struct pki_identity *load_pfx(const struct activation_equipment_config *config,
                                     struct amt_diag *diag)
{
    struct pki_providers providers;
    struct certificate_bag bag;
    char reason[160] = "it cannot be read";
    struct pki_identity *identity = NULL;
    uint32_t len = 0;
    uint8_t *bytes = read_whole(config->tls_pfx, &len);
    if (bytes != NULL && pki_providers_init(&providers) == AMT_OK) {
        if (certificate_bag_init(&bag) == AMT_OK) {
            if (pfx_read(&providers, bytes, len, config->tls_password, PFX_ITERATIONS_MAX, &bag,
                         reason) == AMT_OK) {
                identity = identity_of(&bag, reason);
            }
            certificate_bag_fini(&bag);
        }
        pki_providers_fini(&providers);
    }
    amt_free(bytes);
    if (identity == NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "%s: %s", config->tls_pfx, reason);
    }
    return identity;
}

struct pki_identity *activation_equipment_root(const struct activation_equipment_config *config,
                                               struct amt_diag *diag)
{
    struct pki_identity *root = config->tls_pfx != NULL ? load_pfx(config, diag)
                                : config->tls_certificate != NULL
                                    ? pki_load(config->tls_certificate, config->tls_key, diag)
                                    : NULL;
    if (root != NULL && X509_check_ca(pki_certificate(root)) == 0) {
        (void)amt_diag_set(diag, AMT_ECERT, "the certificate may not sign others: it is no CA");
        pki_identity_free(root);
        root = NULL;
    }
    if (root == NULL && diag->text[0] != '\0') {
        (void)amt_diag_hint(diag, "devices get no TLS certificate until then");
    }
    return root;
}
