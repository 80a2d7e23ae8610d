#include "simulator/cira/target.h"

#include <stdio.h>
#include <string.h>

#include "simulator/firmware/keys.h"

/* The roots that were added as trusted, and nothing else. */
static struct pki_trust *trust_of(const struct firmware *firmware)
{
    struct pki_trust *trust = pki_trust_new();
    for (uint32_t at = 0; trust != NULL; at++) {
        X509 *root = keys_trusted_root(firmware, at);
        if (root == NULL) {
            break;
        }
        if (pki_trust_add_certificate(trust, root) != AMT_OK) {
            pki_trust_free(trust);
            trust = NULL;
        }
    }
    return trust;
}

static struct tls_context *make_tls(const struct device *device,
                                    const struct remote_access_target *target,
                                    struct amt_diag *diag)
{
    struct device_config config = *device->config;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (target->is_mutual) {
        certificate = keys_certificate(device->firmware, target->certificate);
        key = certificate == NULL ? NULL : keys_private_key(device->firmware, certificate);
    }
    if (target->is_mutual && key == NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "the certificate %s has no private key",
                           target->certificate);
        return NULL;
    }
    struct pki_trust *trust = trust_of(device->firmware);
    struct pki_identity *identity = key == NULL ? NULL : pki_identity_of(certificate, key);
    struct tls_context *context = NULL;
    config.trust = trust;
    config.identity = identity;
    config.cira.certificate = NULL;
    if (trust == NULL || (key != NULL && identity == NULL)) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    } else {
        context = device_tls_context(&config, diag);
    }
    pki_trust_free(trust);
    pki_identity_free(identity);
    return context;
}

enum amt_err target_set(struct device *device, const struct remote_access_target *target,
                        struct amt_diag *diag)
{
    struct device_calls *calls = &device->calls;
    bool is_address = device_is_ip_address(target->access_info);
    const char *name =
        is_address && target->common_name != NULL ? target->common_name : target->access_info;
    (void)snprintf(device->server.host, sizeof device->server.host, "%s", target->access_info);
    device->server.port = target->port;
    (void)snprintf(calls->name, sizeof calls->name, "%s", name);
    (void)snprintf(calls->user, sizeof calls->user, "%s", target->is_mutual ? "" : target->user);
    if (!remote_access_proxy(device->firmware, &device->proxy)) {
        device->proxy = (struct address){ .port = 0 };
    }
    device->expected_name = calls->name;
    device->user = calls->user;
    device->lifetime_us = target->lifetime_s * (uint64_t)US_PER_SECOND;
    device->is_mutual = target->is_mutual;
    const char *password = target->is_mutual ? "" : target->password;
    TRY(secret_set(&device->password, password, (uint32_t)strlen(password)));
    if (device->config->tls.offload) {
        return AMT_OK;
    }
    struct tls_context *context = make_tls(device, target, diag);
    if (context == NULL) {
        return AMT_ECERT;
    }
    if (device->owns_tls) {
        tls_context_free(device->tls);
    }
    device->tls = context;
    device->owns_tls = true;
    return AMT_OK;
}
