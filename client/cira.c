#include "client/cira.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"

#define ENVIRONMENT    "AMT_EnvironmentDetectionSettingData"
#define SERVICE        "AMT_RemoteAccessService"
#define USER_INITIATED "AMT_UserInitiatedConnectionService"
#define RULE           "AMT_RemoteAccessPolicyRule"
#define LINK           "AMT_RemoteAccessPolicyAppliesToMPS"
#define SERVER         "AMT_ManagementPresenceRemoteSAP"
#define DUPLICATE      2058u
#define ALL_INTERFACES 32771u
#define TRIGGER_USER   0u
#define TRIGGER_PERIOD 2u
#define AUTH_PASSWORD  2u
/* MpsType: called outside alone, or wherever the device is */
#define MPS_TYPE_EXTERNAL 0u
#define MPS_TYPE_BOTH     2u
#define NOWHERE           "amtlab-no-home.invalid" /* a suffix that no network has */

static bool read_optional(struct client_device *d, const char *class_name,
                          const struct wsman_instance **out)
{
    *out = client_get(d, class_name, NULL, NULL);
    return *out != NULL || client_is_absent(d);
}

bool client_cira_read(struct client_device *d, struct client_cira_state *state)
{
    memset(state, 0, sizeof *state);
    return client_enumerate(d, SERVER, &state->servers) &&
           client_enumerate(d, RULE, &state->policies) &&
           client_enumerate(d, LINK, &state->links) &&
           read_optional(d, ENVIRONMENT, &state->environment) &&
           read_optional(d, SERVICE, &state->service) &&
           read_optional(d, USER_INITIATED, &state->user_initiated);
}

static bool delete_all(struct client_device *d, const char *class_name, const char *key)
{
    struct wsman_instance *items = NULL;
    if (!client_enumerate(d, class_name, &items)) {
        return false;
    }
    for (const struct wsman_instance *at = items; at != NULL; at = at->next) {
        const char *value = wsman_get(at, key);
        if (value != NULL && !client_delete(d, class_name, key, value) && !client_is_absent(d)) {
            return false;
        }
    }
    return true;
}

static bool put_detection(struct client_device *d, const char *suffix)
{
    struct wsman_instance *environment = client_get(d, ENVIRONMENT, NULL, NULL);
    if (environment == NULL) {
        return false;
    }
    bool has_strings = wsman_has(environment, "DetectionStrings");
    if (suffix == NULL && !has_strings) {
        return true;
    }
    wsman_unset(environment, "DetectionStrings");
    if (suffix != NULL) {
        wsman_set(environment, "DetectionStrings", suffix);
    }
    return client_put(d, ENVIRONMENT, NULL, NULL, environment);
}

bool client_cira_clear(struct client_device *d)
{
    return delete_all(d, RULE, "PolicyRuleName") && delete_all(d, SERVER, "Name") &&
           put_detection(d, NULL);
}

static bool add_root(struct client_device *d, const struct client_cira *cira)
{
    if (cira->root == NULL) {
        return true;
    }
    struct wsman_instance *input = client_input(d);
    wsman_set_base64(input, "CertificateBlob", cira->root, cira->root_bytes);
    return client_invoke(d, "AMT_PublicKeyManagementService", "AddTrustedRootCertificate", input) ||
           (d->outcome.result == WSMAN_DONE && d->outcome.return_value == DUPLICATE);
}

/* 3 IPv4, 4 IPv6, 201 a name */
static uint32_t info_format(const char *host)
{
    struct in6_addr scratch;
    if (inet_pton(AF_INET, host, &scratch) == 1) {
        return 3;
    }
    return inet_pton(AF_INET6, host, &scratch) == 1 ? 4 : 201;
}

static const struct wsman_ref *add_server(struct client_device *d, const struct client_cira *cira)
{
    struct wsman_instance *input = client_input(d);
    char password[SECRET_MAX_BYTES + 1];
    uint32_t format = info_format(cira->host);
    memcpy(password, cira->password->bytes, cira->password->len);
    password[cira->password->len] = '\0';
    wsman_set(input, "AccessInfo", cira->host);
    wsman_set_u64(input, "InfoFormat", format);
    wsman_set_u64(input, "Port", cira->port);
    wsman_set_u64(input, "AuthMethod", AUTH_PASSWORD);
    wsman_set(input, "Username", cira->user);
    wsman_set(input, "Password", password);
    if (format != 201) {
        wsman_set(input, "CN", cira->common_name == NULL ? cira->host : cira->common_name);
    }
    if (!client_invoke(d, SERVICE, "AddMpServer", input)) {
        return NULL;
    }
    const struct wsman_ref *ref = wsman_get_ref(d->outcome.reply->instance, "MpServer");
    if (ref == NULL || wsman_ref_selector(ref, "Name") == NULL) {
        (void)client_fail(d, WSMAN_GARBLED, "AddMpServer gives no reference of the new server");
        return NULL;
    }
    return wsman_ref_new(d->arena, SERVER, 1, "Name", wsman_ref_selector(ref, "Name"));
}

static bool add_policy(struct client_device *d, const struct wsman_ref *server, uint32_t trigger,
                       uint32_t interval_s)
{
    struct wsman_instance *input = client_input(d);
    uint8_t data[8];
    struct writer w = { .base = data, .cap = sizeof data };
    writer_u32(&w, 0); /* an interval, not a time of day */
    writer_u32(&w, interval_s);
    wsman_set_u64(input, "Trigger", trigger);
    wsman_set_u64(input, "TunnelLifeTime", 0);
    if (trigger == TRIGGER_PERIOD) {
        wsman_set_base64(input, "ExtendedData", data, sizeof data);
    } else {
        wsman_set(input, "ExtendedData", "");
    }
    wsman_set_ref(input, "MpServer", server);
    return client_invoke(d, SERVICE, "AddRemoteAccessPolicyRule", input);
}

/* Each link is told where its server is called, with both keys as references. Wherever is what activation
 * servers choose: a device with a static address does not know where it is (FF-153). */
static bool put_links(struct client_device *d, uint32_t mps_type)
{
    struct wsman_instance *links = NULL;
    if (!client_enumerate(d, LINK, &links)) {
        return false;
    }
    for (struct wsman_instance *at = links; at != NULL; at = at->next) {
        struct wsman_selector policy = { .name = "PolicySet",
                                         .ref = wsman_get_ref(at, "PolicySet") };
        struct wsman_selector element = { .name = "ManagedElement",
                                          .ref = wsman_get_ref(at, "ManagedElement"),
                                          .next = &policy };
        struct wsman_call put = {
            .operation = WSMAN_PUT, .class_name = LINK, .selectors = &element, .body = at
        };
        if (policy.ref == NULL || element.ref == NULL) {
            return client_fail(d, WSMAN_GARBLED, LINK " without its references");
        }
        wsman_set_u64(at, "MpsType", mps_type);
        wsman_client_wait(d->client, &put, d->arena, &d->outcome);
        if (d->outcome.result != WSMAN_DONE) {
            return false;
        }
    }
    return true;
}

static bool enable_user_initiated(struct client_device *d)
{
    struct wsman_instance *input = client_input(d);
    wsman_set_u64(input, "RequestedState", ALL_INTERFACES);
    return client_invoke(d, USER_INITIATED, "RequestStateChange", input);
}

bool client_cira_set(struct client_device *d, const struct client_cira *cira)
{
    if (!add_root(d, cira)) {
        return false;
    }
    const struct wsman_ref *server = add_server(d, cira);
    if (server == NULL) {
        return false;
    }
    if (cira->interval_s != 0 && !add_policy(d, server, TRIGGER_PERIOD, cira->interval_s)) {
        return false;
    }
    if (cira->user_initiated && !add_policy(d, server, TRIGGER_USER, 0)) {
        return false;
    }
    /* at home an internal server would be called as well */
    uint32_t mps_type = cira->home_suffix == NULL ? MPS_TYPE_BOTH : MPS_TYPE_EXTERNAL;
    return put_links(d, mps_type) && enable_user_initiated(d) &&
           put_detection(d, cira->home_suffix == NULL ? NOWHERE : cira->home_suffix);
}
