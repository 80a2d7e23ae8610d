/* WS-Eventing (wsman.md 2.9, 4.19): subscriptions, and events as they arrive at a listener. */
#include "base/unit.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "protocol/http/digest.h"
#include "runtime/http.h"
#include "runtime/tls.h"
#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/consent.h"
#include "simulator/firmware/event_log.h"
#include "simulator/firmware/power.h"
#include "simulator/firmware/subscriptions_internal.h"
#include "simulator/firmware/tests/pc.h"

#define FILTERS       "CIM_FilterCollection"
#define SUBSCRIPTIONS "CIM_FilterCollectionSubscription"
#define PUSH          "http://schemas.xmlsoap.org/ws/2004/08/eventing/DeliveryModes/Push"
#define PUSH_ACK      "http://schemas.dmtf.org/wbem/wsman/1/wsman/PushWithAck"

/* A console that listens for events at 192.0.2.9:9000. */
struct console {
    struct loop *loop;
    struct listener *listener;
    int status;        /* answered to an accepted event */
    bool wants_digest; /* user "events", password "S3cret!x" */
    uint32_t posts;    /* all requests */
    uint32_t events;   /* accepted ones */
    struct text last;  /* body of the last accepted event */
    char target[64];
};

static bool is_authorized(const struct http_request *request)
{
    const char *value = http_header_find(request->headers, request->header_count, "Authorization");
    struct digest_header header;
    uint8_t ha1[DIGEST_MD5_BYTES];
    char expected[DIGEST_HEX_BYTES];
    if (value == NULL || digest_header_read(value, &header) != AMT_OK ||
        !digest_field_is(&header.username, "events")) {
        return false;
    }
    digest_ha1("events", "console", "S3cret!x", 8, ha1);
    const struct digest_input input = { .ha1 = ha1,
                                        .method = "POST",
                                        .nonce = header.nonce,
                                        .nc = header.nc,
                                        .cnonce = header.cnonce,
                                        .qop = header.qop,
                                        .uri = header.uri,
                                        .body = request->body,
                                        .body_len = request->body_len };
    digest_response(&input, expected);
    return digest_response_is(&header.response, expected);
}

static void on_request(void *ctx, struct http_server_connection *connection,
                       const struct http_request *request)
{
    struct console *console = ctx;
    console->posts++;
    if (console->wants_digest && !is_authorized(request)) {
        http_respond(connection, 401, "text/html",
                     "WWW-Authenticate: Digest realm=\"console\", nonce=\"abc\", qop=\"auth\"\r\n",
                     "", 0);
        return;
    }
    if (console->status == 200) {
        console->events++;
        text_fini(&console->last);
        console->last = (struct text){ 0 };
        text_append(&console->last, request->body, request->body_len);
        (void)snprintf(console->target, sizeof console->target, "%s", request->target);
    }
    http_respond(connection, console->status, "text/plain", NULL, "", 0);
}

static void on_connection_end(void *ctx)
{
    (void)ctx;
}

static void on_accept(void *ctx, struct stream *s)
{
    struct console *console = ctx;
    assert_non_null(
        http_serve(console->loop, s, NULL, on_request, on_connection_end, console, NULL, 0));
}

static void console_open(struct console *console, struct pc *pc)
{
    const struct address address = { .host = "192.0.2.9", .port = 9000 };
    struct amt_diag diag;
    *console = (struct console){ .loop = pc->loop, .status = 200 };
    console->listener = net_listen(pc->loop, &address, on_accept, console, &diag);
    assert_non_null(console->listener);
}

static void console_close(struct console *console, struct pc *pc)
{
    listener_close(console->listener);
    pc_run(pc, UINT64_C(60) * US_PER_SECOND);
    text_fini(&console->last);
}

static const struct xml_node *subscribe(struct pc *pc, const char *filter, const char *mode,
                                        const char *url)
{
    char body[1024], selector[64];
    (void)snprintf(selector, sizeof selector, "InstanceID=%s", filter);
    (void)snprintf(body, sizeof body,
                   "<e:Subscribe xmlns:e=\"" WSMAN_NS_EVENTING "\"><e:Delivery Mode=\"%s\">"
                   "<e:NotifyTo><a:Address>%s</a:Address><a:ReferenceParameters>"
                   "<m:arg xmlns:m=\"http://example.com/\">pc-17</m:arg></a:ReferenceParameters>"
                   "</e:NotifyTo></e:Delivery></e:Subscribe>",
                   mode, url);
    return pc_wsman(pc, "Subscribe", FILTERS, selector, body);
}

static void an_event_arrives_as_captured(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    assert_non_null(
        subscribe(&pc, "Intel(r) AMT:AllEvents", PUSH_ACK, "http://192.0.2.9:9000/amt/events"));
    assert_int_equal(pc.status, 200);
    assert_non_null(strstr(text_chars(&pc.body), "<g:SubscribeResponse><g:SubscriptionManager>"));
    assert_non_null(strstr(text_chars(&pc.body), "Intel(r) AMT:Subscription Manager 0"));
    subscriptions_alert(pc.firmware, "iAMT0005", (const char *const[]){ "0" }, 1, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 1);
    assert_string_equal(console.target, "/amt/events");
    const char *event = text_chars(&console.last);
    assert_non_null(strstr(event, "/role/anonymous</b:Address></b:ReplyTo><c:AckRequested>"
                                  "</c:AckRequested><b:Action a:mustUnderstand=\"true\">"
                                  "http://schemas.dmtf.org/wbem/wsman/1/wsman/Event</b:Action>"));
    assert_non_null(strstr(event, "<i:arg xmlns:i=\"http://example.com/\">pc-17</i:arg>"));
    assert_non_null(strstr(
        event, "<g:CIM_AlertIndication><g:AlertType>8</g:AlertType><g:AlertingElementFormat>2"
               "</g:AlertingElementFormat><g:AlertingManagedElement>Interop:CIM_ComputerSystem."
               "CreationClassName=&quot;CIM_ComputerSystem&quot;,Name=&quot;Intel(r) AMT&quot;"
               "</g:AlertingManagedElement><g:IndicationFilterName>Intel(r) AMT:AllEvents"
               "</g:IndicationFilterName><g:IndicationIdentifier>Intel(r):"));
    assert_non_null(strstr(event, ".000Z</h:Datetime></g:IndicationTime><g:Message></g:Message>"
                                  "<g:MessageArguments>0</g:MessageArguments><g:MessageArguments>"
                                  "Interop:CIM_ComputerSystem.CreationClassName="
                                  "CIM_ComputerSystem,Name=Intel(r) AMT</g:MessageArguments>"
                                  "<g:MessageID>iAMT0005</g:MessageID>"));
    assert_non_null(strstr(event, "<g:PerceivedSeverity>2</g:PerceivedSeverity><g:ProbableCause>0"
                                  "</g:ProbableCause><g:SystemName>Intel(r) AMT</g:SystemName>"
                                  "</g:CIM_AlertIndication></a:Body></a:Envelope>"));
    console_close(&console, &pc);
    pc_close(&pc);
}

static void filters_choose_the_events(void **state)
{
    static const struct {
        const char *filter;
        uint32_t events; /* of iAMT0005, iAMT0055, PLAT0188 */
    } k_cases[] = { { "Intel(r) AMT:All", 3 },
                    { "Intel(r) AMT:AllEvents", 2 },
                    { "Intel(r) AMT:Features", 1 },
                    { "Intel(r) AMT:User Notification", 1 } };
    (void)state;
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct pc pc;
        struct console console;
        pc_open(&pc);
        console_open(&console, &pc);
        assert_non_null(subscribe(&pc, k_cases[i].filter, PUSH, "http://192.0.2.9:9000/"));
        assert_int_equal(pc.status, 200);
        subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
        subscriptions_alert(pc.firmware, "iAMT0055", (const char *const[]){ "2" }, 1, 2);
        event_log_boot(pc.firmware, "started");
        pc_run(&pc, US_PER_SECOND);
        assert_int_equal(console.events, k_cases[i].events);
        assert_null(strstr(text_chars(&console.last), "AckRequested"));
        console_close(&console, &pc);
        pc_close(&pc);
    }
}

/* Whether the last event is that message with that one argument. */
static bool was(struct console *console, struct pc *pc, const char *message_id,
                const char *argument)
{
    char id[64], arguments[64];
    pc_run(pc, US_PER_SECOND);
    (void)snprintf(id, sizeof id, "<g:MessageID>%s</g:MessageID>", message_id);
    (void)snprintf(arguments, sizeof arguments, "<g:MessageArguments>%s</g:MessageArguments>",
                   argument);
    return strstr(text_chars(&console->last), id) != NULL &&
           strstr(text_chars(&console->last), arguments) != NULL;
}

static void the_user_hears_of_sessions_consent_and_graceful_requests(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    assert_non_null(
        subscribe(&pc, "Intel(r) AMT:User Notification", PUSH, "http://192.0.2.9:9000/"));
    assert_true(redirection_session_began(pc.firmware, REDIRECTION_SOL, NULL));
    assert_true(was(&console, &pc, "iAMT0050", "48"));
    redirection_session_ended(pc.firmware, REDIRECTION_SOL);
    assert_true(was(&console, &pc, "iAMT0050", "49"));
    assert_true(redirection_session_began(pc.firmware, REDIRECTION_KVM, NULL));
    assert_true(was(&console, &pc, "iAMT0052", "1"));
    assert_int_equal(pc_call(&pc, "CIM_KVMRedirectionSAP", "RequestStateChange", NULL,
                             "<r:RequestedState>3</r:RequestedState>"),
                     0);
    assert_true(was(&console, &pc, "iAMT0059", "0"));
    (void)pc_wsman(&pc, "Put", "IPS_OptInService", NULL,
                   "<r:IPS_OptInService><r:OptInRequired>1</r:OptInRequired></r:IPS_OptInService>");
    assert_int_equal(pc.status, 200);
    assert_true(was(&console, &pc, "iAMT0064", "4"));
    assert_int_equal(pc_call(&pc, "IPS_OptInService", "StartOptIn", NULL, ""), 0);
    assert_true(was(&console, &pc, "iAMT0064", "3"));
    assert_int_equal(power_request(pc.firmware, POWER_OFF_GRACEFUL), 0);
    assert_true(was(&console, &pc, "iAMT0067", "0"));
    assert_int_equal(console.events, 8); /* switching KVM off ended its session too */
    console_close(&console, &pc);
    pc_close(&pc);
}

static void a_listener_that_wants_digest_gets_it(void **state)
{
    static const char k_request[] =
        "<Envelope xmlns=\"" WSMAN_NS_SOAP "\" xmlns:a=\"" WSMAN_NS_ADDRESSING
        "\" xmlns:w=\"" WSMAN_NS_WSMAN "\" xmlns:t=\"" WSMAN_NS_TRUST "\" xmlns:s=\"" //
        WSMAN_NS_SECURITY "\" xmlns:e=\"" WSMAN_NS_EVENTING "\"><Header><a:Action>"   //
        "http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe</a:Action><a:To>/wsman</a:To>"
        "<w:ResourceURI>" WSMAN_NS_CIM "CIM_FilterCollection</w:ResourceURI><a:MessageID>9"
        "</a:MessageID><a:ReplyTo><a:Address>" WSMAN_ANONYMOUS "</a:Address></a:ReplyTo>"
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">Intel(r) AMT:All</w:Selector>"
        "</w:SelectorSet><t:IssuedTokens><t:RequestSecurityTokenResponse>"
        "<t:RequestedSecurityToken><s:UsernameToken><s:Username>events</s:Username>"
        "<s:Password>S3cret!x</s:Password></s:UsernameToken></t:RequestedSecurityToken>"
        "</t:RequestSecurityTokenResponse></t:IssuedTokens></Header><Body><e:Subscribe>"
        "<e:Delivery Mode=\"" PUSH "\"><e:NotifyTo><a:Address>http://192.0.2.9:9000/"
        "</a:Address></e:NotifyTo></e:Delivery></e:Subscribe></Body></Envelope>";
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    console.wants_digest = true;
    pc_post(&pc, k_request);
    assert_int_equal(pc.status, 200);
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.posts, 2);
    assert_int_equal(console.events, 1);
    /* The secret stays inside. */
    assert_int_equal(pc_count(&pc, "CIM_ListenerDestination"), 1);
    assert_null(strstr(text_chars(&pc.body), "S3cret"));
    console_close(&console, &pc);
    pc_close(&pc);
}

static void unacknowledged_events_come_again_twice(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    console.status = 500;
    assert_non_null(subscribe(&pc, "Intel(r) AMT:All", PUSH_ACK, "http://192.0.2.9:9000/"));
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, UINT64_C(15) * US_PER_SECOND);
    assert_int_equal(console.posts, 2);
    console.status = 200;
    pc_run(&pc, UINT64_C(60) * US_PER_SECOND);
    assert_int_equal(console.posts, 3);
    assert_int_equal(console.events, 1);
    console.status = 500;
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, UINT64_C(120) * US_PER_SECOND);
    assert_int_equal(console.posts, 6);
    assert_null(pc.firmware->subscriptions->deliveries);
    console_close(&console, &pc);
    pc_close(&pc);
}

static void without_acknowledgement_one_try_is_all(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    console.status = 500;
    assert_non_null(subscribe(&pc, "Intel(r) AMT:All", PUSH, "http://192.0.2.9:9000/"));
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, UINT64_C(120) * US_PER_SECOND);
    assert_int_equal(console.posts, 1);
    console_close(&console, &pc);
    pc_close(&pc);
}

static void fourteen_may_subscribe(void **state)
{
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (int i = 0; i < 14; i++) {
        (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "http://192.0.2.9:9000/");
        assert_int_equal(pc.status, 200);
    }
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "http://192.0.2.9:9000/");
    assert_int_equal(pc.status, 400);
    assert_string_equal(pc_fault(&pc), "QuotaLimit");
    assert_int_equal(pc_count(&pc, SUBSCRIPTIONS), 14);
    pc_close(&pc);
}

static void unsubscribe(struct pc *pc, const char *filter, const char *name)
{
    char request[2048];
    (void)snprintf(
        request, sizeof request,
        "<Envelope xmlns=\"" WSMAN_NS_SOAP "\" xmlns:a=\"" WSMAN_NS_ADDRESSING
        "\" xmlns:w=\"" WSMAN_NS_WSMAN "\" xmlns:e=\"" WSMAN_NS_EVENTING
        "\"><Header><a:Action>http://schemas.xmlsoap.org/ws/2004/08/eventing/Unsubscribe"
        "</a:Action><a:To>/wsman</a:To><w:ResourceURI>" WSMAN_NS_CIM SUBSCRIPTIONS
        "</w:ResourceURI><a:MessageID>9</a:MessageID><a:ReplyTo><a:Address>" WSMAN_ANONYMOUS
        "</a:Address></a:ReplyTo><w:SelectorSet><w:Selector Name=\"Filter\">"
        "<a:EndpointReference><a:Address>/wsman</a:Address><a:ReferenceParameters>"
        "<w:ResourceURI>" WSMAN_NS_CIM "CIM_FilterCollection</w:ResourceURI><w:SelectorSet>"
        "<w:Selector Name=\"InstanceID\">%s</w:Selector></w:SelectorSet></a:ReferenceParameters>"
        "</a:EndpointReference></w:Selector><w:Selector Name=\"Handler\"><a:EndpointReference>"
        "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>" WSMAN_NS_CIM
        "CIM_ListenerDestinationWSManagement</w:ResourceURI><w:SelectorSet>"
        "<w:Selector Name=\"Name\">%s</w:Selector></w:SelectorSet></a:ReferenceParameters>"
        "</a:EndpointReference></w:Selector></w:SelectorSet></Header><Body><e:Unsubscribe/></Body>"
        "</Envelope>",
        filter, name);
    pc_post(pc, request);
}

static void a_subscription_is_ended(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "http://192.0.2.9:9000/");
    (void)subscribe(&pc, "Intel(r) AMT:Features", PUSH, "http://192.0.2.9:9000/");
    unsubscribe(&pc, "Intel(r) AMT:All",
                "Intel(r) AMT:Subscription Manager 1"); /* not its filter */
    assert_string_equal(pc_fault(&pc), "DestinationUnreachable");
    unsubscribe(&pc, "Intel(r) AMT:Features", "Intel(r) AMT:Subscription Manager 1");
    assert_int_equal(pc.status, 200);
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 1);
    (void)pc_wsman(&pc, "Delete", "CIM_ListenerDestination",
                   "Name=Intel(r) AMT:Subscription Manager 0", NULL);
    assert_int_equal(pc.status, 200);
    assert_int_equal(pc_count(&pc, SUBSCRIPTIONS), 0);
    console_close(&console, &pc);
    pc_close(&pc);
}

static void what_cannot_be_sent_to_is_refused(void **state)
{
    static const char *const k_urls[] = { "ftp://192.0.2.9/", "http://", "http://:80/",
                                          "http://192.0.2.9:99999/", "http://a b/" };
    struct pc pc;
    (void)state;
    pc_open(&pc);
    for (size_t i = 0; i < sizeof k_urls / sizeof *k_urls; i++) {
        (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, k_urls[i]);
        assert_string_equal(pc_fault(&pc), "InvalidParameter");
    }
    (void)subscribe(&pc, "Intel(r) AMT:All", "http://example.com/Pull", "http://192.0.2.9/");
    assert_string_equal(pc_fault(&pc), "DeliveryModeRequestedUnavailable");
    (void)subscribe(&pc, "Intel(r) AMT:None", PUSH, "http://192.0.2.9/");
    assert_int_equal(pc.status, 400);
    pc_close(&pc);
}

/* The listener at 192.0.2.9:9443 behind TLS, with a certificate of a root. */
struct tls_console {
    struct console *console;
    struct tls_context *context;
};

static void on_tls_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_nothing = { NULL, NULL, NULL, NULL };
    struct tls_console *tls = ctx;
    struct stream *secure = tls_accept(tls->console->loop, tls->context, s, &k_nothing, NULL);
    assert_non_null(secure);
    on_accept(tls->console, secure);
}

static const char *base64_of(struct pc *pc, const struct pki_identity *identity)
{
    unsigned char *der = NULL;
    int len = i2d_X509(pki_certificate(identity), &der);
    struct text base64 = { 0 };
    base64_encode(&base64, der, (size_t)len);
    const char *copy = arena_text(&pc->arena, text_chars(&base64), base64.len);
    OPENSSL_free(der);
    text_fini(&base64);
    return copy;
}

static void a_tls_listener_must_be_trusted(void **state)
{
    const struct pki_request root_request = { .common_name = "Root",
                                              .key = PKI_RSA_2048,
                                              .is_authority = true };
    const struct pki_request server_request = { .common_name = "192.0.2.9",
                                                .names = (const char *const[]){ "192.0.2.9", NULL },
                                                .key = PKI_RSA_2048,
                                                .for_server = true };
    struct amt_diag diag;
    struct pki_identity *root = pki_issue(&root_request, NULL, &diag);
    struct pki_identity *server = pki_issue(&server_request, root, &diag);
    const struct tls_settings settings = { .is_server = true,
                                           .identity = server,
                                           .client_certificate = TLS_CLIENT_NOT_ASKED };
    const struct address address = { .host = "192.0.2.9", .port = 9443 };
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    struct tls_console tls = { &console, tls_context_new(&settings, &diag) };
    struct listener *listener = net_listen(pc.loop, &address, on_tls_accept, &tls, &diag);
    assert_non_null(listener);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "https://192.0.2.9:9443/secret");
    assert_int_equal(pc.status, 200);
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 0); /* unknown root */
    struct text input = { 0 };
    text_printf(&input, "<r:CertificateBlob>%s</r:CertificateBlob>", base64_of(&pc, root));
    assert_int_equal(pc_call(&pc, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate",
                             NULL, text_chars(&input)),
                     0);
    text_fini(&input);
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 1);
    assert_string_equal(console.target, "/secret");
    listener_close(listener);
    console_close(&console, &pc);
    tls_context_free(tls.context);
    pki_identity_free(server);
    pki_identity_free(root);
    pc_close(&pc);
}

static void before_release_11_there_is_no_tls(void **state)
{
    struct pc pc;
    (void)state;
    pc_init(&pc);
    amt_free(pc.config.version);
    pc.config.version = amt_strdup("9.1.45");
    pc_start(&pc);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "https://192.0.2.9:9443/");
    assert_string_equal(pc_fault(&pc), "InvalidParameter");
    pc_close(&pc);
}

static void a_filling_audit_log_is_told(void **state)
{
    static const uint8_t k_data[200];
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    (void)subscribe(&pc, "Intel(r) AMT:Features", PUSH, "http://192.0.2.9:9000/");
    (void)pc_wsman(&pc, "Put", "AMT_AuditLog", NULL,
                   "<r:AMT_AuditLog><r:StoragePolicy>0</r:StoragePolicy></r:AMT_AuditLog>");
    for (uint16_t i = 0; i < 400; i++) {
        audit_log_add(pc.firmware, NULL, AUDIT_KVM, i, k_data, sizeof k_data);
        pc_run(&pc, 100 * US_PER_MS);
    }
    assert_int_equal(console.events, 5); /* at 50, 75, 85, 95 per cent, and full */
    assert_non_null(strstr(text_chars(&console.last), "<g:MessageID>iAMT0033</g:MessageID>"));
    console_close(&console, &pc);
    pc_close(&pc);
}

static void provisioning_tells_the_user(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    (void)subscribe(&pc, "Intel(r) AMT:User Notification", PUSH, "http://192.0.2.9:9000/");
    assert_int_equal(pc_call(&pc, "AMT_SetupAndConfigurationService", "Unprovision", NULL, NULL),
                     0);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 1);
    assert_non_null(strstr(text_chars(&console.last), "<g:Message>Provisioning state changed"
                                                      "</g:Message><g:MessageArguments>3<"));
    console_close(&console, &pc);
    pc_close(&pc);
}

static void the_device_goes_away_in_the_middle_of_a_delivery(void **state)
{
    struct pc pc;
    struct console console;
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH_ACK, "http://192.0.2.9:9000/");
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, 300); /* connecting */
    assert_non_null(pc.firmware->subscriptions->deliveries);
    k_subscriptions_part.unprovision(pc.firmware, false);
    assert_null(pc.firmware->subscriptions->deliveries);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH_ACK, "http://192.0.2.9:9000/");
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    firmware_free(pc.firmware);
    pc.firmware = NULL;
    console_close(&console, &pc);
    pc_close(&pc);
}

static void subscriptions_outlive_a_restart(void **state)
{
    struct pc pc;
    struct console console;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    pc_open(&pc);
    console_open(&console, &pc);
    (void)subscribe(&pc, "Intel(r) AMT:All", PUSH, "http://192.0.2.9:9000/");
    json_t *saved = k_subscriptions_part.save(pc.firmware);
    k_subscriptions_part.unprovision(pc.firmware, false);
    assert_int_equal(k_subscriptions_part.load(pc.firmware, saved, &diag), AMT_OK);
    subscriptions_alert(pc.firmware, "iAMT0005", NULL, 0, 2);
    pc_run(&pc, US_PER_SECOND);
    assert_int_equal(console.events, 1);
    json_decref(saved);
    console_close(&console, &pc);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_arrives_as_captured),
        cmocka_unit_test(filters_choose_the_events),
        cmocka_unit_test(the_user_hears_of_sessions_consent_and_graceful_requests),
        cmocka_unit_test(a_listener_that_wants_digest_gets_it),
        cmocka_unit_test(unacknowledged_events_come_again_twice),
        cmocka_unit_test(without_acknowledgement_one_try_is_all),
        cmocka_unit_test(fourteen_may_subscribe),
        cmocka_unit_test(a_subscription_is_ended),
        cmocka_unit_test(what_cannot_be_sent_to_is_refused),
        cmocka_unit_test(a_tls_listener_must_be_trusted),
        cmocka_unit_test(before_release_11_there_is_no_tls),
        cmocka_unit_test(a_filling_audit_log_is_told),
        cmocka_unit_test(provisioning_tells_the_user),
        cmocka_unit_test(the_device_goes_away_in_the_middle_of_a_delivery),
        cmocka_unit_test(subscriptions_outlive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
