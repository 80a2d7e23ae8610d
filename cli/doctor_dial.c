/* A connection for `amtlab doctor`: what happens at each step, told apart as FF-006 wants it. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/doctor.h"

static void on_open(void *ctx)
{
    struct doctor_dial *dial = ctx;
    dial->stage = dial->stage == DOCTOR_AT_TCP ? DOCTOR_AT_TLS : DOCTOR_CONNECTED;
    dial->is_settled = true;
}

static void on_end(void *ctx, const struct stream_end *end)
{
    struct doctor_dial *dial = ctx;
    dial->end = *end;
    dial->is_settled = true;
}

static bool is_settled(void *ctx)
{
    return ((const struct doctor_dial *)ctx)->is_settled;
}

static const struct stream_handler k_handler = { .on_open = on_open, .on_end = on_end };

/* Waits for the end of the stage; false when it did not go well. The stream is closed then. */
static bool wait_stage(struct doctor_dial *dial, enum doctor_stage wanted, uint64_t limit_us)
{
    dial->is_late =
        !loop_run_until(dial->loop, is_settled, dial, loop_now_us(dial->loop) + limit_us);
    dial->is_settled = false;
    if (dial->stage == wanted) {
        return true;
    }
    dial->is_late = dial->is_late || dial->end.kind == STREAM_END_TIMEOUT;
    stream_reset(dial->stream);
    dial->stream = NULL;
    return false;
}

bool doctor_dial(struct doctor_dial *dial, struct loop *loop, const struct address *address,
                 struct tls_context *tls, const struct tls_name_check *check, uint64_t limit_us)
{
    *dial = (struct doctor_dial){ .loop = loop, .end = { .kind = STREAM_END_LOCAL } };
    uint64_t start_us = loop_now_us(loop);
    dial->stream = net_connect(loop, address, limit_us, &k_handler, dial);
    if (dial->stream == NULL ||
        !wait_stage(dial, DOCTOR_AT_TLS, limit_us + (uint64_t)US_PER_SECOND)) {
        return false;
    }
    dial->tcp_us = loop_now_us(loop) - start_us;
    if (tls == NULL) {
        dial->stage = DOCTOR_CONNECTED;
    } else {
        start_us = loop_now_us(loop);
        dial->stream = tls_connect(loop, tls, check, dial->stream, &k_handler, dial);
        if (dial->stream == NULL || !wait_stage(dial, DOCTOR_CONNECTED, limit_us)) {
            return false;
        }
        dial->tls_us = loop_now_us(loop) - start_us;
    }
    stream_set_handler(dial->stream, NULL, NULL);
    return true;
}

static bool was_closed_silently(const struct doctor_dial *dial)
{
    return dial->end.kind == STREAM_END_FIN || dial->end.kind == STREAM_END_RESET ||
           (dial->end.tls_alert < 0 && strstr(dial->end.text, "closed the connection") != NULL);
}

const char *doctor_dial_category(const struct doctor_dial *dial)
{
    if (dial->stage == DOCTOR_AT_TLS) {
        return dial->is_late               ? "TLS timeout"
               : was_closed_silently(dial) ? "closed before TLS"
                                           : "TLS refused";
    }
    switch (dial->end.kind) {
    case STREAM_END_REFUSED:
        return "refused";
    case STREAM_END_RESOLVE:
        return "name not known";
    case STREAM_END_RESET:
        return "reset";
    case STREAM_END_FIN:
    case STREAM_END_TIMEOUT:
    case STREAM_END_TLS:
    case STREAM_END_LOCAL:
        break;
    }
    return dial->is_late ? "timeout" : "failed";
}

const char *doctor_dial_advice(const struct doctor_dial *dial)
{
    if (dial->stage == DOCTOR_AT_TLS) {
        return dial->is_late ? "something takes the connection and says nothing: is it a TLS port, "
                               "or is a proxy or port forwarding in between whose server is gone?"
               : was_closed_silently(dial)
                   ? "the port is open but nobody speaks TLS there: look at port forwarding, at a "
                     "TLS terminator in front, and at the server's log"
                   : "compare TLS versions, ciphers and certificate with what the other end wants";
    }
    switch (dial->end.kind) {
    case STREAM_END_REFUSED:
        return "nothing listens there: is the server up, is it this port, does NAT forward it?";
    case STREAM_END_RESOLVE:
        return "look the name up with the DNS servers that the device has, not with your own";
    case STREAM_END_RESET:
    case STREAM_END_FIN:
    case STREAM_END_TIMEOUT:
    case STREAM_END_TLS:
    case STREAM_END_LOCAL:
        break;
    }
    return "packets are dropped: look at firewall, NAT entry, hairpin and route of the device's "
           "network; that a browser gets to the web port proves nothing for this one";
}

/* --- certificates ------------------------------------------------------------------------------ */

static void put_name(struct text *out, X509_NAME *name)
{
    char common_name[128];
    int len = X509_NAME_get_text_by_NID(name, NID_commonName, common_name, sizeof common_name);
    text_puts(out, len < 0 ? "(no CN)" : common_name);
}

static void put_strength(struct text *out, X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    int digest = NID_undef;
    (void)X509_get_signature_info(certificate, &digest, NULL, NULL, NULL);
    if (key != NULL) {
        text_printf(out, ", %s %d", OBJ_nid2sn(EVP_PKEY_get_base_id(key)), EVP_PKEY_get_bits(key));
    }
    text_printf(out, ", %s", digest == NID_undef ? "no digest" : OBJ_nid2ln(digest));
}

static void put_end(struct text *out, const X509 *certificate)
{
    struct tm end = { 0 };
    char day[16] = "?";
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1) {
        (void)strftime(day, sizeof day, "%Y-%m-%d", &end);
    }
    text_printf(out, ", until %s", day);
}

void doctor_describe_chain(const struct stream *s, struct text *out)
{
    SSL *ssl = stream_tls(s);
    X509 *leaf = ssl == NULL ? NULL : SSL_get1_peer_certificate(ssl);
    if (leaf == NULL) {
        text_puts(out, "no certificate");
        return;
    }
    text_puts(out, "CN ");
    put_name(out, X509_get_subject_name(leaf));
    text_puts(out, ", issuer CN ");
    put_name(out, X509_get_issuer_name(leaf));
    put_strength(out, leaf);
    put_end(out, leaf);
    text_printf(out, ", %d certificates sent", sk_X509_num(SSL_get_peer_cert_chain(ssl)));
    X509_free(leaf);
    ERR_clear_error();
}

bool doctor_dates_are_good(const struct stream *s)
{
    SSL *ssl = stream_tls(s);
    X509 *leaf = ssl == NULL ? NULL : SSL_get1_peer_certificate(ssl);
    bool is_good = leaf != NULL && X509_cmp_current_time(X509_get0_notBefore(leaf)) < 0 &&
                   X509_cmp_current_time(X509_get0_notAfter(leaf)) > 0;
    X509_free(leaf);
    return is_good;
}
