/* Who is on the other side, and do we believe it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "runtime/tls_internal.h"

/* Firmware compares the Common Name (apf.md 6.3); whether it looks at SANs is not known. */
static bool name_is_right(struct tls_stream *t, X509 *certificate)
{
    char common_name[256];
    pki_common_name(certificate, common_name, sizeof common_name);
    if ((common_name[0] != '\0' && strcasecmp(common_name, t->expected_name) == 0) ||
        (t->accepts_san && pki_covers_alternative_name(certificate, t->expected_name))) {
        return true;
    }
    (void)snprintf(t->why, sizeof t->why,
                   "the server's certificate has the Common Name \"%.60s\", but \"%.60s\" is "
                   "expected (APF-DEV-002)",
                   common_name, t->expected_name);
    return false;
}

int tls_verify_server(int is_ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *t = SSL_get_app_data(ssl);
    if (is_ok == 0) {
        char name[256] = "";
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);
        if (certificate != NULL) {
            pki_common_name(certificate, name, sizeof name);
        }
        (void)snprintf(t->why, sizeof t->why,
                       "the server's certificate is not accepted: %s (\"%.60s\", APF-DEV-002)",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), name);
        /* Firmware does not tell too early from too late: alert 45 for both (failures.md S14). */
        if (X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_NOT_YET_VALID) {
            X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_HAS_EXPIRED);
        }
        return 0;
    }
    bool is_leaf = X509_STORE_CTX_get_error_depth(store) == 0;
    if (is_leaf && t->expected_name != NULL &&
        !name_is_right(t, X509_STORE_CTX_get_current_cert(store))) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

/* AMT's TrustedCN (wsman.md 4.10): names, or the domains they are in. */
static bool client_name_is_trusted(char **names, const char *common_name)
{
    size_t len = strlen(common_name);
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        size_t end = strlen(names[i]);
        if (end > 0 && len >= end && strcasecmp(common_name + (len - end), names[i]) == 0 &&
            (len == end || common_name[len - end - 1] == '.')) {
            return true;
        }
    }
    return names == NULL;
}

static bool has_serial(X509 *certificate, const char *serial)
{
    BIGNUM *listed = NULL;
    BIGNUM *own = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    size_t len = (size_t)BN_hex2bn(&listed, serial);
    bool is_same = own != NULL && len == strlen(serial) && BN_cmp(own, listed) == 0;
    BN_free(own);
    BN_free(listed);
    return is_same;
}

static bool point_is(const DIST_POINT *point, const char *url)
{
    const GENERAL_NAMES *names = point->distpoint != NULL && point->distpoint->type == 0
                                     ? point->distpoint->name.fullname
                                     : NULL;
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        int type = 0;
        const ASN1_STRING *text = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_URI && (size_t)ASN1_STRING_length(text) == strlen(url) &&
            memcmp(ASN1_STRING_get0_data(text), url, strlen(url)) == 0) {
            return true;
        }
    }
    return false;
}

static bool names_list(X509 *certificate, const char *url)
{
    CRL_DIST_POINTS *points =
        X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    bool is_named = false;
    for (int i = 0; points != NULL && i < sk_DIST_POINT_num(points) && !is_named; i++) {
        is_named = point_is(sk_DIST_POINT_value(points, i), url);
    }
    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
    return is_named;
}

static bool is_revoked(char **revoked, X509 *certificate)
{
    for (size_t i = 0; revoked != NULL && revoked[i] != NULL; i += 2) {
        if (has_serial(certificate, revoked[i + 1]) && names_list(certificate, revoked[i])) {
            return true;
        }
    }
    return false;
}

int tls_verify_client(int is_ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *t = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    char name[256] = "";
    if (certificate != NULL) {
        pki_common_name(certificate, name, sizeof name);
    }
    if (is_ok == 0) {
        (void)snprintf(t->why, sizeof t->why,
                       "the client's certificate is not accepted: %s (\"%.60s\")",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)), name);
        return 0;
    }
    if (certificate != NULL && is_revoked(t->context->revoked, certificate)) {
        (void)snprintf(t->why, sizeof t->why, "the certificate \"%.60s\" is revoked", name);
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REVOKED);
        return 0;
    }
    if (X509_STORE_CTX_get_error_depth(store) == 0 &&
        !client_name_is_trusted(t->context->client_names, name)) {
        (void)snprintf(t->why, sizeof t->why,
                       "the client's Common Name \"%.60s\" is not among the trusted names", name);
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

int tls_judge_client(X509_STORE_CTX *store, void *ctx)
{
    const struct tls_context *context = ctx;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *t = SSL_get_app_data(ssl);
    int alert = SSL3_AD_BAD_CERTIFICATE;
    const char *why = context->judge(context->judge_ctx, X509_STORE_CTX_get0_cert(store),
                                     X509_STORE_CTX_get0_untrusted(store), &alert);
    if (why == NULL) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    (void)snprintf(t->why, sizeof t->why, "the client's certificate is not accepted: %s", why);
    X509_STORE_CTX_set_error(store, alert == TLS1_AD_UNKNOWN_CA
                                        ? X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
                                        : X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

static X509 *peer_certificate(const struct stream *s)
{
    SSL *ssl = stream_tls(s);
    return ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl);
}

static int verify_chain(X509_STORE_CTX *store, X509_STORE *trust, X509 *peer, const SSL *ssl,
                        time_t now)
{
    if (X509_STORE_CTX_init(store, trust, peer, SSL_get_peer_cert_chain(ssl)) != 1) {
        return 0;
    }
    (void)X509_STORE_CTX_set_purpose(store, X509_PURPOSE_SSL_CLIENT);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
    X509_VERIFY_PARAM_set_time(param, now);
    /* weak keys and digests prove no more here than they would in a handshake */
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    return X509_verify_cert(store);
}

bool tls_peer_is_trusted(const struct stream *s, struct amt_diag *diag)
{
    SSL *ssl = stream_tls(s);
    X509 *peer = peer_certificate(s);
    if (peer == NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "the peer gave no certificate");
        return false;
    }
    const struct tls_stream *t = SSL_get_app_data(ssl);
    if (t->context->trust == NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "no roots are configured to judge it by");
        return false;
    }
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    time_t now = (time_t)(loop_wall_us(t->loop) / US_PER_SECOND);
    bool good = store != NULL && verify_chain(store, t->context->trust->store, peer, ssl, now) == 1;
    if (!good && store != NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "the peer's certificate is not accepted: %s",
                           X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    X509_STORE_CTX_free(store);
    ERR_clear_error();
    return good;
}

void tls_peer_common_name(const struct stream *s, char *out, size_t cap)
{
    X509 *peer = peer_certificate(s);
    out[0] = '\0';
    if (peer != NULL) {
        pki_common_name(peer, out, cap);
    }
}

bool tls_peer_has_alternative(const struct stream *s, const char *name)
{
    X509 *peer = peer_certificate(s);
    return peer != NULL && name[0] != '\0' &&
           (X509_check_ip_asc(peer, name, 0) == 1 ||
            X509_check_host(peer, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1);
}

void tls_peer_fingerprint(const struct stream *s, char out[static 65])
{
    X509 *peer = peer_certificate(s);
    out[0] = '\0';
    if (peer != NULL) {
        struct pki_identity identity = { .certificate = peer };
        pki_fingerprint(&identity, out);
    }
}

void tls_describe(const struct stream *s, char *out, size_t cap)
{
    const SSL *ssl = stream_tls(s);
    if (ssl == NULL) {
        (void)snprintf(out, cap, "plain");
    } else {
        (void)snprintf(out, cap, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
    }
}
