/*
 * What devices get after their activation besides mode and server: a TLS certificate of a root of ours with
 * TLS on, and Wi-Fi profiles. From our YAML (`device_tls`, `wifi`) or MeshCentral's AmtManager section.
 */
#ifndef AMTLAB_MPS_ACTIVATION_EQUIPMENT_H
#define AMTLAB_MPS_ACTIVATION_EQUIPMENT_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/secret.h"
#include "runtime/config.h"
#include "runtime/pki.h"

#define ACTIVATION_WIFI_MAX 16u /* profiles a device keeps */

/* CIM_WiFiEndpointSettings.AuthenticationMethod and EncryptionMethod (wsman.md 4.7). */
enum activation_wifi_authentication {
    ACTIVATION_WIFI_WPA = 4,
    ACTIVATION_WIFI_WPA2 = 6,
    ACTIVATION_WIFI_WPA3 = 32768
};
enum activation_wifi_encryption { ACTIVATION_WIFI_TKIP = 3, ACTIVATION_WIFI_CCMP = 4 };
struct activation_wifi {
    const char *name, *ssid; /* 1 to 32 bytes */
    uint32_t authentication, encryption;
    struct secret password; /* 8 to 63 bytes */
};

/* As configured. */
struct activation_equipment_config {
    const char *tls_pfx, *tls_password;    /* PKCS#12 of the root that signs device certificates */
    const char *tls_certificate, *tls_key; /* or PEM; all NULL: TLS stays as it is */
    struct activation_wifi wifi[ACTIVATION_WIFI_MAX];
    uint32_t wifi_count;
};
extern const struct config_key activation_device_tls_keys[], activation_wifi_keys[];
/* Binds `device_tls` and `wifi` of our YAML (either may be NULL). Errors have file, line and column.
 * AMT_OK, AMT_ECONFIG, AMT_ENOMEM. */
enum amt_err activation_equipment_read(const struct yaml_node *tls, const struct yaml_node *wifi,
                                       const char *path, struct arena *arena,
                                       struct activation_equipment_config *out,
                                       struct amt_diag_list *problems) AMT_MUST_USE;
/* Whether a profile is one that firmware takes; why gets the reason. */
bool activation_wifi_is_good(const struct activation_wifi *wifi, const char **why);
void activation_equipment_wipe(struct activation_equipment_config *config);
/* The root that it names; NULL with diag, or NULL with an empty diag when it names none. */
struct pki_identity *activation_equipment_root(const struct activation_equipment_config *config,
                                               struct amt_diag *diag);

/* As a job uses it. */
struct activation_equipment {
    bool
        switches_tls_on; /* with a certificate of the settings' tls_issuer; false: TLS stays as it is */
    const struct activation_wifi *wifi;
    uint32_t wifi_count;
};

#endif
