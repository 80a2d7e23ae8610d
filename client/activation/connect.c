#include "client/activation/connect.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/net.h"
#include "runtime/tls.h"

#define HASH_BYTES 48u /* SHA-384 */

struct activation_connect {
    struct activation_connect_settings settings;
    struct stream *stream;
    char *server_hash, *where;
    bool is_tls;
};

bool activation_connect_has_hash(const struct stream *s, const char *hash_hex)
{
    uint8_t wanted[HASH_BYTES];
    uint8_t found[EVP_MAX_MD_SIZE];
    unsigned found_len = 0;
    size_t len = 0;
    X509 *certificate = SSL_get1_peer_certificate(stream_tls(s));
    bool fits = certificate != NULL &&
                text_parse_hex(hash_hex, wanted, sizeof wanted, &len) == AMT_OK &&
                X509_digest(certificate, EVP_sha384(), found, &found_len) == 1 &&
                len == HASH_BYTES && found_len == len && memcmp(found, wanted, len) == 0;
    X509_free(certificate);
    return fits;
}

static void on_open(void *ctx)
{
    struct activation_connect *c = ctx;
    struct stream *s = c->stream;
    if (c->is_tls && c->server_hash != NULL && !activation_connect_has_hash(s, c->server_hash)) {
        c->stream = NULL;
        stream_close(s);
        c->settings.on_failed(c->settings.ctx, ACTIVATION_CONNECT_OTHER_HASH,
                              "the server's certificate has another hash than --serverhttpshash");
        return;
    }
    c->stream = NULL;
    stream_set_handler(s, NULL, NULL);
    c->settings.on_open(c->settings.ctx, s);
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct activation_connect *c = ctx;
    char text[ADDRESS_HOST_BYTES + STREAM_TEXT_BYTES + 16];
    (void)snprintf(text, sizeof text, "%s: %s", c->where, end->text);
    enum activation_connect_failure failure =
        end->kind == STREAM_END_TLS ? ACTIVATION_CONNECT_UNTRUSTED : ACTIVATION_CONNECT_LOST;
    stream_close(c->stream);
    c->stream = NULL;
    c->settings.on_failed(c->settings.ctx, failure, text);
}

static const struct stream_handler k_handler = { .on_open = on_open, .on_end = on_end };

static void open_stream(struct activation_connect *c, struct tls_context *tls)
{
    const struct activation_connect_settings *settings = &c->settings;
    const struct websocket_url *url = settings->url;
    struct address address = { .port = url->port };
    bool is_pinned = settings->is_insecure || settings->server_hash != NULL;
    (void)snprintf(address.host, sizeof address.host, "%s", url->host);
    c->stream = net_connect(settings->loop, &address, 0, tls == NULL ? &k_handler : NULL, c);
    if (c->stream != NULL && tls != NULL) {
        const struct tls_name_check check = { .name = is_pinned ? NULL : url->host,
                                              .or_san = true,
                                              .sni = url->host };
        c->stream = tls_connect(settings->loop, tls, &check, c->stream, &k_handler, c);
    }
}

static enum amt_err begin(struct activation_connect *c, struct amt_diag *diag)
{
    const struct activation_connect_settings *settings = &c->settings;
    struct text where = { 0 };
    struct tls_context *tls = NULL;
    text_printf(&where, "%s:%u", settings->url->host, settings->url->port);
    c->where = amt_strdup(text_chars(&where));
    text_fini(&where);
    c->is_tls = settings->url->is_tls;
    c->server_hash = settings->server_hash == NULL ? NULL : amt_strdup(settings->server_hash);
    if (c->where == NULL || (settings->server_hash != NULL && c->server_hash == NULL)) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    if (c->is_tls) {
        const struct tls_settings tls_settings = { .verifies_peer = !settings->is_insecure &&
                                                                    settings->server_hash == NULL,
                                                   .trust = settings->trust };
        tls = tls_context_new(&tls_settings, diag);
        if (tls == NULL) {
            return diag->err;
        }
    }
    open_stream(c, tls);
    tls_context_free(tls);
    return c->stream == NULL ? amt_diag_set(diag, AMT_ENOMEM, "out of memory") : AMT_OK;
}

struct activation_connect *activation_connect(const struct activation_connect_settings *settings,
                                              struct amt_diag *diag)
{
    struct activation_connect *c = amt_alloc(sizeof *c);
    if (c == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    c->settings = *settings;
    if (begin(c, diag) != AMT_OK) {
        activation_connect_free(c);
        return NULL;
    }
    c->settings.url = NULL;
    c->settings.trust = NULL;
    return c;
}

void activation_connect_free(struct activation_connect *c)
{
    if (c != NULL) {
        stream_close(c->stream);
        amt_free(c->server_hash);
        amt_free(c->where);
        amt_free(c);
    }
}
