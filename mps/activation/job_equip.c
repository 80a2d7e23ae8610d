/* TLS for the ports of a device: key pair, certificate, credential context, settings (activation.md 11.2 step
 * 8, 4.5). What a setup before has left is used again. */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "mps/activation/job_internal.h"

#define KEY_TRIES_MAX 20u
#define KEY_PAUSE_US  (10u * (uint64_t)US_PER_SECOND)
/* InstanceIDs of TLS settings. */
#define NETWORK_PREFIX "Intel(r) AMT 802.3"
#define LOCAL_PREFIX   "Intel(r) AMT LMS"

static const char k_keys[] = "AMT_PublicKeyManagementService";

static const char *keep(struct activation_job *job, const char *text)
{
    return text == NULL ? NULL : arena_text(&job->call_arena, text, strlen(text));
}

static void fail_step(struct activation_job *job, const struct wsman_outcome *outcome)
{
    job_fail_step(job, job->equip.doing, outcome);
}

static void enumerate(struct activation_job *job, const char *class_name,
                      void (*answer)(struct activation_job *job,
                                     const struct wsman_outcome *outcome))
{
    const struct wsman_call call = { .operation = WSMAN_ENUMERATE, .class_name = class_name };
    job_call(job, &call, answer);
}

/* --- the key pair --- */

static void certify(struct activation_job *job);
static void enable(struct activation_job *job);
static void generate(struct activation_job *job);

static void on_generated(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE && outcome->return_value != 0 &&
        job->equip.key_tries < KEY_TRIES_MAX) {
        job_hold(job, KEY_PAUSE_US, generate); /* one is being made already */
        return;
    }
    const struct wsman_ref *ref =
        job_is_good(outcome) ? wsman_get_ref(outcome->reply->instance, "KeyPair") : NULL;
    job->equip.key_id = keep(job, wsman_ref_selector(ref, "InstanceID"));
    if (job->equip.key_id == NULL) {
        fail_step(job, outcome);
    } else {
        certify(job);
    }
}

static void generate(struct activation_job *job)
{
    struct wsman_instance *input = job_input(job);
    job->equip.key_tries += 1;
    wsman_set(input, "KeyAlgorithm", "0"); /* RSA */
    wsman_set(input, "KeyLength", "2048");
    job_invoke(job, k_keys, "GenerateKeyPair", input, on_generated);
}

static void on_pairs(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE) {
        fail_step(job, outcome);
    } else if (outcome->items != NULL) {
        job->equip.key_id = keep(job, wsman_get(outcome->items, "InstanceID"));
        certify(job);
    } else {
        generate(job);
    }
}

static void on_contexts(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE) {
        fail_step(job, outcome);
    } else if (outcome->items != NULL) {
        enable(job); /* it has its certificate already */
    } else {
        enumerate(job, "AMT_PublicPrivateKeyPair", on_pairs);
    }
}

void job_equip(struct activation_job *job, bool has_local, void (*next)(struct activation_job *job))
{
    job->equip =
        (struct job_equip){ .next = next, .has_local = has_local, .doing = "making a key pair" };
    job->tls_hash[0] = '\0';
    enumerate(job, "AMT_TLSCredentialContext", on_contexts);
}

/* --- the certificate --- */

static void on_context(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE) {
        enable(job);
    } else {
        fail_step(job, outcome);
    }
}

static void on_added(struct activation_job *job, const struct wsman_outcome *outcome)
{
    const struct wsman_ref *ref =
        job_is_good(outcome) ? wsman_get_ref(outcome->reply->instance, "CreatedCertificate") : NULL;
    const char *id = wsman_ref_selector(ref, "InstanceID");
    if (id == NULL) {
        fail_step(job, outcome);
        return;
    }
    struct arena *arena = &job->call_arena;
    struct wsman_instance *context = wsman_instance_new(arena, "AMT_TLSCredentialContext");
    wsman_set_ref(context, "ElementInContext",
                  wsman_ref_new(arena, "AMT_PublicKeyCertificate", 1, "InstanceID", id));
    wsman_set_ref(context, "ElementProvidingContext",
                  wsman_ref_new(arena, "AMT_TLSProtocolEndpointCollection", 1, "ElementName",
                                "TLSProtocolEndpointInstances Collection"));
    const struct wsman_call call = { .operation = WSMAN_CREATE,
                                     .class_name = "AMT_TLSCredentialContext",
                                     .body = context };
    job_call(job, &call, on_context);
}

/* SubjectPublicKeyInfo, or the PKCS#1 key that some releases show. */
static EVP_PKEY *read_key(const uint8_t *der, size_t len)
{
    const unsigned char *at = der;
    EVP_PKEY *key = der == NULL ? NULL : d2i_PUBKEY(NULL, &at, (long)len);
    if (key == NULL && der != NULL) {
        at = der;
        key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)len);
    }
    ERR_clear_error();
    return key;
}

static struct pki_identity *issue(struct activation_job *job, EVP_PKEY *key)
{
    uint8_t random[6];
    char name[32];
    struct amt_diag diag = { .err = AMT_OK };
    loop_random(job->settings.loop, random, sizeof random);
    (void)snprintf(name, sizeof name, "IntelAMT-%02x%02x%02x%02x%02x%02x", random[0], random[1],
                   random[2], random[3], random[4], random[5]);
    const struct pki_request request = {
        .common_name = name, .for_server = true, .for_client = true, .given_key = key
    };
    return pki_issue(&request, job->settings.tls_issuer, &diag);
}

static const uint8_t *der_of(const struct activation_job *job, const struct wsman_outcome *outcome,
                             size_t *len)
{
    for (const struct wsman_instance *at = outcome->items; at != NULL; at = at->next) {
        const char *id = wsman_get(at, "InstanceID");
        if (id != NULL && strcmp(id, job->equip.key_id) == 0) {
            return wsman_get_base64(at, "DERKey", len);
        }
    }
    return NULL;
}

static void on_keys(struct activation_job *job, const struct wsman_outcome *outcome)
{
    size_t der_len = 0;
    char fingerprint[65];
    if (outcome->result != WSMAN_DONE) {
        fail_step(job, outcome);
        return;
    }
    const uint8_t *shown = der_of(job, outcome, &der_len); /* first: it sets the length */
    EVP_PKEY *key = read_key(shown, der_len);
    struct pki_identity *identity = key == NULL ? NULL : issue(job, key);
    EVP_PKEY_free(key);
    if (identity == NULL) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "no certificate could be made for the key pair \"%s\"",
                 job->equip.key_id);
        return;
    }
    struct wsman_instance *input = job_input(job);
    unsigned char *der = NULL;
    int len = i2d_X509(pki_certificate(identity), &der);
    wsman_set_base64(input, "CertificateBlob", der, len > 0 ? (size_t)len : 0);
    OPENSSL_free(der);
    pki_fingerprint(identity, fingerprint);
    (void)snprintf(job->tls_hash, sizeof job->tls_hash, "%s", fingerprint);
    pki_identity_free(identity);
    job_invoke(job, k_keys, "AddCertificate", input, on_added);
}

static void certify(struct activation_job *job)
{
    job->equip.doing = "giving the device a TLS certificate";
    enumerate(job, "AMT_PublicPrivateKeyPair", on_keys);
}

/* --- the settings: of a network setup those of the network only, else the commit has no effect
 * (activation.md 11.2) --- */

static bool has_prefix(const struct wsman_instance *item, const char *prefix)
{
    const char *id = wsman_get(item, "InstanceID");
    return id != NULL && strncmp(id, prefix, strlen(prefix)) == 0;
}

static void put_next(struct activation_job *job);

static void on_put(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_DONE) {
        put_next(job);
    } else {
        fail_step(job, outcome);
    }
}

static void put(struct activation_job *job, const struct wsman_instance *item)
{
    const struct wsman_selector *selectors = NULL;
    struct wsman_instance *changed = wsman_instance_copy(&job->call_arena, item);
    if (wsman_selector_add(&job->call_arena, &selectors, "InstanceID",
                           wsman_get(item, "InstanceID")) != AMT_OK) {
        job_fail(job, ACT_F_INTERNAL_ERROR, "the server is out of memory");
        return;
    }
    wsman_set_bool(changed, "Enabled", true);
    wsman_set_bool(changed, "MutualAuthentication", false);
    if (wsman_has(changed, "AcceptNonSecureConnections")) {
        wsman_set_bool(changed, "AcceptNonSecureConnections", true);
    }
    wsman_unset(changed, "TrustedCN");
    const struct wsman_call call = { .operation = WSMAN_PUT,
                                     .class_name = "AMT_TLSSettingData",
                                     .selectors = selectors,
                                     .body = changed };
    job_call(job, &call, on_put);
}

static void put_next(struct activation_job *job)
{
    const struct wsman_instance *item = job->equip.items;
    while (item != NULL && !has_prefix(item, NETWORK_PREFIX) &&
           !(job->equip.has_local && has_prefix(item, LOCAL_PREFIX))) {
        item = item->next;
    }
    if (item == NULL) {
        job->equip.next(job);
        return;
    }
    job->equip.items = item->next;
    put(job, item);
}

static void on_settings(struct activation_job *job, const struct wsman_outcome *outcome)
{
    if (outcome->result != WSMAN_DONE || outcome->items == NULL) {
        fail_step(job, outcome);
        return;
    }
    job->equip.items = outcome->items;
    put_next(job);
}

static void enable(struct activation_job *job)
{
    job->equip.doing = "enabling TLS";
    enumerate(job, "AMT_TLSSettingData", on_settings);
}
