/* Delivery of events: an HTTP POST, digest when the listener asks, again when nobody acknowledges. */
#include <stdio.h>
#include <string.h>

#include "protocol/http/digest.h"
#include "runtime/http.h"
#include "runtime/tls.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/subscriptions_internal.h"

#define EXCHANGE_LIMIT_US (UINT64_C(10) * US_PER_SECOND)
#define RETRY_DELAY_US    (UINT64_C(10) * US_PER_SECOND)
#define ACK_TRIES         3u /* PushWithAck; Push is sent once */
#define TUNNEL_WAITS      6u /* of RETRY_DELAY_US, for a tunnel that an alert sets up */
#define CNONCE_CHARS      16u

struct delivery {
    struct firmware *firmware;
    uint32_t subscription; /* id */
    struct subscription_target target;
    char *body;
    uint32_t body_len;
    uint32_t tries_left, waits_left;
    char message_id[16];
    char user[SUBSCRIPTION_TEXT_MAX], password[SUBSCRIPTION_TEXT_MAX];
    bool wants_ack;
    bool is_answering; /* this try carries an answer to the listener's challenge */
    char *authorization;
    struct http_client *client;
    struct timer retry;
    struct delivery *next;
};

static void delivery_end(struct delivery *delivery)
{
    struct subscriptions *subscriptions = delivery->firmware->subscriptions;
    struct delivery **at = &subscriptions->deliveries;
    while (*at != delivery) {
        at = &(*at)->next;
    }
    *at = delivery->next;
    subscriptions->delivery_count--;
    timer_stop(&delivery->retry);
    http_client_close(delivery->client);
    amt_free(delivery->body);
    amt_free(delivery->authorization);
    amt_wipe(delivery, sizeof *delivery);
    amt_free(delivery);
}

static void on_response(void *ctx, const struct http_response *response);

static const struct stream_handler k_nothing = { NULL, NULL, NULL, NULL };

/* The listener's certificate must come from a root that the device trusts, for the host's name. */
static struct stream *with_tls(const struct delivery *delivery, struct stream *s)
{
    const struct firmware *firmware = delivery->firmware;
    const struct tls_name_check check = { .name = delivery->target.address.host,
                                          .or_san = true,
                                          .sni = delivery->target.address.host };
    struct pki_trust *trust = pki_trust_new();
    enum amt_err err = trust == NULL ? AMT_ENOMEM : AMT_OK;
    X509 *root = NULL;
    for (uint32_t i = 0; err == AMT_OK && (root = keys_trusted_root(firmware, i)) != NULL; i++) {
        err = pki_trust_add_certificate(trust, root);
    }
    const struct tls_settings settings = { .verifies_peer = true, .trust = trust };
    struct tls_context *context = err == AMT_OK ? tls_context_new(&settings, NULL) : NULL;
    struct stream *tls = NULL;
    if (context == NULL) {
        stream_close(s);
    } else {
        tls = tls_connect(firmware->loop, context, &check, s, &k_nothing, NULL);
    }
    tls_context_free(context);
    pki_trust_free(trust);
    return tls;
}

static void try_once(void *ctx)
{
    struct delivery *delivery = ctx;
    struct firmware *firmware = delivery->firmware;
    bool is_later = false;
    http_client_close(delivery->client);
    delivery->client = NULL;
    struct stream *s =
        remote_access_connect(firmware, &delivery->target.address, EXCHANGE_LIMIT_US, &is_later);
    if (is_later && delivery->waits_left > 0) {
        delivery->waits_left--;
        timer_start(&delivery->retry, RETRY_DELAY_US);
        return;
    }
    if (s != NULL && delivery->target.is_tls) {
        s = with_tls(delivery, s);
    }
    delivery->client = s == NULL ? NULL : http_client_new(firmware->loop, s);
    struct text headers = { 0 };
    text_puts(&headers, "Content-Type: application/soap+xml; charset=UTF-8\r\n");
    if (delivery->is_answering) {
        text_printf(&headers, "Authorization: %s\r\n", delivery->authorization);
    }
    if (delivery->client == NULL || headers.failed) {
        text_fini(&headers);
        delivery_end(delivery);
        return;
    }
    const struct http_request_spec request = { .method = "POST",
                                               .target = delivery->target.path,
                                               .host = delivery->target.host,
                                               .headers = text_chars(&headers),
                                               .body = delivery->body,
                                               .body_len = delivery->body_len,
                                               .limit_us = EXCHANGE_LIMIT_US };
    http_client_ask(delivery->client, &request, on_response, delivery);
    text_fini(&headers);
}

/* Makes the answer to a Digest challenge; false when there is none, or nothing to answer with. */
static bool answer_challenge(struct delivery *delivery, const struct http_response *response)
{
    const char *challenge =
        http_header_find(response->headers, response->header_count, "WWW-Authenticate");
    struct digest_header header;
    if (delivery->is_answering || delivery->user[0] == 0 || challenge == NULL ||
        digest_header_read(challenge, &header) != AMT_OK) {
        return false;
    }
    char cnonce[CNONCE_CHARS + 1] = "";
    for (size_t i = 0; i < CNONCE_CHARS; i++) {
        cnonce[i] = "0123456789abcdef"[amt_random_below(&delivery->firmware->random, 16)];
    }
    const struct digest_client client = { .user = delivery->user,
                                          .password = delivery->password,
                                          .password_len = strlen(delivery->password),
                                          .method = "POST",
                                          .uri = delivery->target.path,
                                          .cnonce = cnonce,
                                          .nc = 1,
                                          .body = delivery->body,
                                          .body_len = delivery->body_len };
    struct text authorization = { 0 };
    digest_authorize(&authorization, &header, &client);
    amt_free(delivery->authorization);
    delivery->authorization = text_take(&authorization);
    delivery->is_answering = delivery->authorization != NULL;
    return delivery->is_answering;
}

static void tell_lost(const struct delivery *delivery, const struct http_response *response)
{
    char status[16];
    (void)snprintf(status, sizeof status, "status %d", response->status);
    LOG(delivery->firmware->log, LOG_INFO, "alert.lost",
        log_text("uuid", delivery->firmware->uuid_text), log_text("message", delivery->message_id),
        log_text("host", delivery->target.host),
        log_text("reason", response->error == NULL ? status : response->error));
}

/* Any success acknowledges: listeners answer 200 with an envelope, or 202 or 204 without. */
static void on_response(void *ctx, const struct http_response *response)
{
    struct delivery *delivery = ctx;
    if (response->error == NULL && response->status / 100 == 2) {
        delivery_end(delivery);
        return;
    }
    if (response->error == NULL && response->status == 401 &&
        answer_challenge(delivery, response)) {
        timer_start(&delivery->retry, 0); /* the client is still in this call */
        return;
    }
    if (--delivery->tries_left == 0) {
        tell_lost(delivery, response);
        delivery_end(delivery);
        return;
    }
    delivery->is_answering = false;
    timer_start(&delivery->retry, RETRY_DELAY_US);
}

void subscription_write_event(struct text *out, struct firmware *firmware,
                              const struct subscription *subscription,
                              const struct wsman_instance *indication)
{
    text_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope"
                   " xmlns:a=\"" WSMAN_NS_SOAP "\" xmlns:b=\"" WSMAN_NS_ADDRESSING
                   "\" xmlns:c=\"" WSMAN_NS_WSMAN "\" xmlns:d=\"" WSMAN_NS_TRUST
                   "\" xmlns:e=\"" WSMAN_NS_SECURITY "\" xmlns:f=\"" WSMAN_NS_CIMBINDING
                   "\" xmlns:g=\"" WSMAN_NS_CIM "CIM_AlertIndication\" xmlns:h=\"" WSMAN_NS_COMMON
                   "\" xmlns:xsi=\"" WSMAN_NS_XSI "\"><a:Header><b:To>" WSMAN_ANONYMOUS
                   "</b:To><b:ReplyTo><b:Address>" WSMAN_ANONYMOUS "</b:Address></b:ReplyTo>");
    if (subscription->wants_ack) {
        text_puts(out, "<c:AckRequested></c:AckRequested>");
    }
    text_printf(out,
                "<b:Action a:mustUnderstand=\"true\">" WSMAN_EVENT_ACTION "</b:Action>"
                "<b:MessageID>uuid:00000000-8086-8086-8086-%012llX</b:MessageID>"
                "<c:ResourceURI>" WSMAN_NS_CIM "CIM_AlertIndication</c:ResourceURI>",
                (unsigned long long)++firmware->message_counter);
    if (subscription->argument[0] != 0) { /* what the subscriber wants to see again */
        text_puts(out, "<i:arg xmlns:i=\"");
        text_xml(out, subscription->argument_ns, strlen(subscription->argument_ns));
        text_puts(out, "\">");
        text_xml(out, subscription->argument, strlen(subscription->argument));
        text_puts(out, "</i:arg>");
    }
    text_puts(out, "</a:Header><a:Body>");
    wsman_instance_write(out, indication, 'g', 'h', false);
    text_puts(out, "</a:Body></a:Envelope>");
}

static struct delivery *delivery_new(struct firmware *firmware,
                                     const struct subscription *subscription,
                                     const struct wsman_instance *indication)
{
    struct text body = { 0 };
    subscription_write_event(&body, firmware, subscription, indication);
    struct delivery *delivery = body.failed ? NULL : amt_alloc(sizeof *delivery);
    if (delivery == NULL) {
        text_fini(&body);
        return NULL;
    }
    delivery->firmware = firmware;
    delivery->subscription = subscription->id;
    const char *message_id = wsman_get(indication, "MessageID");
    (void)snprintf(delivery->message_id, sizeof delivery->message_id, "%s",
                   message_id == NULL ? "" : message_id);
    delivery->body_len = (uint32_t)body.len;
    delivery->body = text_take(&body);
    delivery->wants_ack = subscription->wants_ack;
    delivery->tries_left = subscription->wants_ack ? ACK_TRIES : 1;
    delivery->waits_left = TUNNEL_WAITS;
    memcpy(delivery->user, subscription->user, sizeof delivery->user);
    memcpy(delivery->password, subscription->password, sizeof delivery->password);
    timer_init(&delivery->retry, firmware->loop, try_once, delivery);
    return delivery;
}

void subscription_send(struct firmware *firmware, const struct subscription *subscription,
                       const struct wsman_instance *indication)
{
    struct subscriptions *subscriptions = firmware->subscriptions;
    struct subscription_target target;
    if (subscriptions->delivery_count >= DELIVERIES_MAX ||
        !subscription_target_read(subscription->url, &target)) {
        return;
    }
    struct delivery *delivery = delivery_new(firmware, subscription, indication);
    if (delivery == NULL) {
        return;
    }
    delivery->target = target;
    delivery->next = subscriptions->deliveries;
    subscriptions->deliveries = delivery;
    subscriptions->delivery_count++;
    timer_start(&delivery->retry, 0);
}

void subscription_cancel(struct firmware *firmware, const struct subscription *subscription)
{
    struct delivery *delivery = firmware->subscriptions->deliveries;
    while (delivery != NULL) {
        struct delivery *next = delivery->next;
        if (subscription == NULL || delivery->subscription == subscription->id) {
            delivery_end(delivery);
        }
        delivery = next;
    }
}
