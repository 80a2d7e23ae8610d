/* Settings become one SSL_CTX, shared by all connections of a listener or a device. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>

#include "base/memory.h"
#include "runtime/tls_internal.h"

/* MeshCentral's list (apf.md 6.1): what TLS 1.0 firmware can do, at security level 0. */
static const char k_legacy_ciphers[] =
    "HIGH:!aNULL:!eNULL:!EXPORT:!DES:!RC4:!MD5:!PSK:!SRP:!CAMELLIA:@SECLEVEL=0";

enum amt_err tls_version_parse(const char *text, enum tls_version *version)
{
    static const char *const k_names[] = { "default", "1.0", "1.1", "1.2", "1.3" };
    for (int i = 0; i < 5; i++) {
        if (strcmp(text, k_names[i]) == 0) {
            *version = (enum tls_version)i;
            return AMT_OK;
        }
    }
    return AMT_EMALFORMED;
}

static int openssl_version(enum tls_version version, int fallback)
{
    switch (version) {
    case TLS_VERSION_DEFAULT:
        return fallback;
    case TLS_VERSION_1_0:
        return TLS1_VERSION;
    case TLS_VERSION_1_1:
        return TLS1_1_VERSION;
    case TLS_VERSION_1_2:
        return TLS1_2_VERSION;
    case TLS_VERSION_1_3:
        return TLS1_3_VERSION;
    }
    return fallback;
}

/* Who sets only the highest version means nothing above it, not nothing at all. */
static int least_version(const struct tls_settings *settings)
{
    int most = openssl_version(settings->max_version, TLS1_3_VERSION);
    int usual = settings->legacy ? TLS1_VERSION : TLS1_2_VERSION;
    return openssl_version(settings->min_version, most < usual ? most : usual);
}

static bool set_versions(SSL_CTX *ssl, const struct tls_settings *settings)
{
    int least = least_version(settings);
    int most = openssl_version(settings->max_version, TLS1_3_VERSION);
    bool is_old = settings->legacy || least < TLS1_2_VERSION;
    const char *ciphers = settings->ciphers;
    if (ciphers == NULL && is_old) {
        ciphers = k_legacy_ciphers;
    }
    if (is_old) {
        /* TLS 1.0 and 1.1 sign with SHA-1 and MD5, which any higher level forbids. */
        SSL_CTX_set_security_level(ssl, 0);
        /* Old servers do not know secure renegotiation. An empty record before each record of TLS
         * 1.0 would break "one write, one record"; what it guards against needs a browser. */
        (void)SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT |
                                           SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
    }
    (void)SSL_CTX_clear_options(ssl, SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2);
    return SSL_CTX_set_min_proto_version(ssl, least) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, most) == 1 &&
           (ciphers == NULL || SSL_CTX_set_cipher_list(ssl, ciphers) == 1);
}

static bool set_identity(SSL_CTX *ssl, const struct tls_settings *settings)
{
    const struct pki_identity *identity = settings->identity;
    if (identity == NULL) {
        return true;
    }
    bool good = SSL_CTX_use_certificate(ssl, identity->certificate) == 1 &&
                SSL_CTX_use_PrivateKey(ssl, identity->key) == 1;
    for (int i = 0; good && settings->sends_chain && i < sk_X509_num(identity->above); i++) {
        good = SSL_CTX_add1_chain_cert(ssl, sk_X509_value(identity->above, i)) == 1;
    }
    return good;
}

/* Requested, not required, judged later by tls_peer_is_trusted (APF-MPS-003, APF-MPS-004). */
static int accept_any(int is_ok, X509_STORE_CTX *store)
{
    (void)is_ok;
    (void)store;
    return 1;
}

/* Only the roots given are trusted, never the system's (APF-DEV-002). */
static void set_roots(SSL_CTX *ssl, const struct tls_settings *settings)
{
    X509_STORE *store = settings->trust != NULL ? settings->trust->store : X509_STORE_new();
    if (settings->trust != NULL) {
        (void)X509_STORE_up_ref(store);
    }
    SSL_CTX_set_cert_store(ssl, store);
}

static void set_client_verification(struct tls_context *context,
                                    const struct tls_settings *settings)
{
    SSL_CTX *ssl = context->ssl;
    static const unsigned char k_session_context[] = "amtlab";
    (void)SSL_CTX_set_session_id_context(ssl, k_session_context, sizeof k_session_context - 1);
    switch (settings->client_certificate) {
    case TLS_CLIENT_ASKED:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, accept_any);
        break;
    case TLS_CLIENT_NOT_ASKED:
        SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        break;
    case TLS_CLIENT_REQUIRED:
        set_roots(ssl, settings);
        /* AMT takes intermediate certificates as trusted roots too (wsman.md 4.9). */
        (void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           tls_verify_client);
        break;
    case TLS_CLIENT_JUDGED:
        context->judge = settings->judge;
        context->judge_ctx = settings->judge_ctx;
        SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(ssl, tls_judge_client, context);
        break;
    }
}

static void set_verification(struct tls_context *context, const struct tls_settings *settings)
{
    SSL_CTX *ssl = context->ssl;
    if (settings->is_server) {
        set_client_verification(context, settings);
        return;
    }
    set_roots(ssl, settings);
    SSL_CTX_set_verify(ssl, settings->verifies_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                       settings->verifies_peer ? tls_verify_server : NULL);
}

static void on_info(const SSL *ssl, int where, int value)
{
    struct tls_stream *t = SSL_get_app_data(ssl);
    if ((where & SSL_CB_ALERT) != 0 && (value & 0xff) != SSL3_AD_CLOSE_NOTIFY) {
        t->alert = value & 0xff;
        t->alert_is_ours = (where & SSL_CB_WRITE) != 0;
    }
}

static void on_key_line(const SSL *ssl, const char *line)
{
    const struct tls_stream *t = SSL_get_app_data(ssl);
    (void)fprintf(t->context->key_log, "%s\n", line);
    (void)fflush(t->context->key_log);
}

static enum amt_err open_key_log(struct tls_context *context, const char *path,
                                 struct amt_diag *diag)
{
    mode_t old_mask = umask(077);
    context->key_log = fopen(path, "ae");
    int error = errno;
    (void)umask(old_mask);
    if (context->key_log == NULL) {
        return amt_diag_errno(diag, error, "cannot write the TLS key log %s", path);
    }
    SSL_CTX_set_keylog_callback(context->ssl, on_key_line);
    return AMT_OK;
}

static enum amt_err set_up(struct tls_context *context, const struct tls_settings *settings,
                           struct amt_diag *diag)
{
    if (least_version(settings) > openssl_version(settings->max_version, TLS1_3_VERSION)) {
        (void)amt_diag_set(diag, AMT_ECONFIG,
                           "the lowest TLS version allowed is above the highest");
        (void)amt_diag_hint(diag, "allow a highest version that is not below the lowest");
        return AMT_ECONFIG;
    }
    context->ssl = SSL_CTX_new(settings->is_server ? TLS_server_method() : TLS_client_method());
    if (context->ssl == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    SSL_CTX *ssl = context->ssl;
    /* An idle connection holds no record buffers, no session cache, no chain built behind our back.
     * Tickets are off: devices reconnect rarely, and each ticket costs memory and CPU. */
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_info_callback(ssl, on_info);
    set_verification(context, settings);
    if (!set_versions(ssl, settings) || !set_identity(ssl, settings)) {
        char reason[160];
        pki_openssl_reason(reason, sizeof reason);
        (void)amt_diag_set(diag, AMT_ECERT, "these TLS settings cannot be used: %s", reason);
        (void)amt_diag_hint(diag, "check the cipher list, the versions, and that the certificate's "
                                  "key is strong enough for the security level");
        return AMT_ECERT;
    }
    return settings->key_log_path == NULL ? AMT_OK
                                          : open_key_log(context, settings->key_log_path, diag);
}

static enum amt_err copy_names(struct tls_context *context, const char *const *names)
{
    size_t count = 0;
    while (names != NULL && names[count] != NULL) {
        count += 1;
    }
    if (count == 0) {
        return AMT_OK;
    }
    context->client_names = amt_alloc_array(count + 1, sizeof *context->client_names);
    for (size_t i = 0; context->client_names != NULL && i < count; i++) {
        context->client_names[i] = amt_strdup(names[i]);
        if (context->client_names[i] == NULL) {
            return AMT_ENOMEM;
        }
    }
    return context->client_names == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err copy_revoked(struct tls_context *context, const struct tls_settings *settings)
{
    size_t count = 0;
    for (uint32_t i = 0; i < settings->revoked_count; i++) {
        for (size_t k = 0; settings->revoked[i].serials[k] != NULL; k++) {
            count += 1;
        }
    }
    if (count == 0) {
        return AMT_OK;
    }
    char **out = amt_alloc_array(2 * count + 1, sizeof *out);
    context->revoked = out;
    for (uint32_t i = 0; out != NULL && i < settings->revoked_count; i++) {
        const struct tls_revoked *list = &settings->revoked[i];
        for (size_t k = 0; list->serials[k] != NULL; k++, out += 2) {
            out[0] = amt_strdup(list->url);
            out[1] = out[0] == NULL ? NULL : amt_strdup(list->serials[k]);
            if (out[1] == NULL) {
                return AMT_ENOMEM;
            }
        }
    }
    return out == NULL ? AMT_ENOMEM : AMT_OK;
}

static void free_names(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
        amt_free(names[i]);
    }
    amt_free(names);
}

struct tls_context *tls_context_new(const struct tls_settings *settings, struct amt_diag *diag)
{
    struct tls_context *context = amt_alloc(sizeof *context);
    if (context == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    context->references = 1;
    context->is_server = settings->is_server;
    context->verifies_peer = settings->verifies_peer;
    context->trust = settings->trust == NULL ? NULL : pki_trust_ref(settings->trust);
    if (copy_names(context, settings->client_names) != AMT_OK ||
        copy_revoked(context, settings) != AMT_OK) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        tls_context_free(context);
        return NULL;
    }
    if (set_up(context, settings, diag) != AMT_OK) {
        tls_context_free(context);
        return NULL;
    }
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL || --context->references > 0) {
        return;
    }
    SSL_CTX_free(context->ssl);
    pki_trust_free(context->trust);
    free_names(context->client_names);
    free_names(context->revoked);
    if (context->key_log != NULL) {
        (void)fclose(context->key_log);
    }
    amt_free(context);
}
