/* The profile's password for a device that was upgraded with the one it had (activation.md 4.5): read the
 * realm, write the log, SetAdminAclEntryEx. */
#include "base/memory.h"
#include "mps/activation/rps_internal.h"
#include "protocol/http/digest.h"

/* Before the device is told (F46). */
static enum amt_err write_log(const struct rps_client *c, const struct secret *password,
                              const char *realm, struct amt_diag *diag)
{
    const struct activation_settings *settings = &c->server->settings.activation;
    const struct activation_report *report = &c->device.report;
    const struct activation_log_entry entry = { .time_ms = loop_wall_us(settings->loop) / 1000,
                                                .action = ACTIVATION_PASSWORD,
                                                .uuid = report->uuid,
                                                .realm = realm,
                                                .fqdn = report->dns_suffix,
                                                .user = "admin",
                                                .password = password,
                                                .peer = c->peer,
                                                .group = c->group,
                                                .host_name = report->host_name,
                                                .client = report->client,
                                                .version = report->version };
    return activation_log_append(settings->activation_log, &entry, diag);
}

static void on_set(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    bool is_good = outcome->result == WSMAN_DONE && outcome->return_value == 0;
    bool is_refused = outcome->result == WSMAN_FAULTED || outcome->result == WSMAN_REFUSED ||
                      (outcome->result == WSMAN_DONE && !is_good);
    if (is_refused) { /* the newest password of the log is the one it has */
        enum amt_err err = write_log(c, &c->policy.password, NULL, &diag);
        (void)err; /* both stand there all the same */
    }
    rps_password_done(c, is_good ? NULL : outcome->diag.text);
}

static enum amt_err set(struct rps_client *c, const char *realm)
{
    uint8_t ha1[DIGEST_MD5_BYTES];
    struct wsman_instance *input = wsman_instance_new(&c->call_arena, "INPUT");
    const struct wsman_call call = { .operation = WSMAN_METHOD,
                                     .class_name = "AMT_AuthorizationService",
                                     .method = "SetAdminAclEntryEx",
                                     .body = input };
    if (input == NULL) {
        return AMT_ENOMEM;
    }
    digest_ha1("admin", realm, (const char *)c->wanted_password.bytes, c->wanted_password.len, ha1);
    wsman_set(input, "Username", "admin");
    wsman_set_base64(input, "DigestPassword", ha1, sizeof ha1); /* bytes, not hex text */
    amt_wipe(ha1, sizeof ha1);
    return wsman_client_call(c->wsman, &call, &c->call_arena, on_set, c);
}

static void on_settings(void *ctx, const struct wsman_outcome *outcome)
{
    struct rps_client *c = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    const char *realm =
        outcome->result == WSMAN_DONE ? wsman_get(outcome->reply->instance, "DigestRealm") : NULL;
    if (realm == NULL) {
        rps_password_done(c, outcome->result == WSMAN_DONE ? "the device tells no DigestRealm"
                                                           : outcome->diag.text);
    } else if (write_log(c, &c->wanted_password, realm, &diag) != AMT_OK) {
        c->failure = ACT_F_LOG_NOT_WRITABLE;
        rps_password_done(c, "Unable to log operation.");
    } else if (set(c, realm) != AMT_OK) {
        rps_client_die(c);
    }
}

void rps_password_set(struct rps_client *c)
{
    const struct wsman_call call = { .operation = WSMAN_GET, .class_name = "AMT_GeneralSettings" };
    c->wsman = rps_client_as_admin(c, &c->policy.password);
    if (c->wsman == NULL ||
        wsman_client_call(c->wsman, &call, &c->call_arena, on_settings, c) != AMT_OK) {
        rps_client_die(c);
    }
}
