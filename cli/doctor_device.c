/* The device's side of an activation: what its host can read without changing anything. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/doctor_activation.h"
#include "client/device.h"
#include "simulator/device.h"

#define PLAIN_PORT 16992u

/* --- opening ----------------------------------------------------------------------------------- */

static int failed(int result, const char *text)
{
    (void)fprintf(stderr, "amtlab doctor: %s\n", text);
    return result;
}

/* A device of a state folder must be there: nothing is made by looking. */
static int check_state(const struct doctor_options *o)
{
    struct text path = { 0 };
    if (o->device_state == NULL) {
        return CLI_OK;
    }
    if (o->device_uuid == NULL) {
        return failed(CLI_USAGE, "--device-uuid is missing: which device of the folder");
    }
    text_printf(&path, "%s/%s.json", o->device_state, o->device_uuid);
    bool is_there = access(text_chars(&path), R_OK) == 0;
    if (!is_there) {
        (void)fprintf(stderr, "amtlab doctor: cannot read %s\n", text_chars(&path));
    }
    text_fini(&path);
    return is_there ? CLI_OK : CLI_ENVIRONMENT;
}

int doctor_device_open(struct doctor *doctor, struct doctor_device *device)
{
    const struct doctor_options *o = doctor->options;
    struct amt_diag diag = { .err = AMT_OK };
    int result = check_state(o);
    if (result != CLI_OK) {
        return result;
    }
    device->options = (struct activate_options){ .device_profile = o->device_profile,
                                                 .device_state = o->device_state,
                                                 .device_uuid = o->device_uuid,
                                                 .device_sets = o->device_sets,
                                                 .dhcp = o->dhcp };
    device->trusted_suffix = device->dhcp_suffix = device->address = "";
    device->own_suffix = device->told_suffix = "";
    device->opened =
        activate_device_open(doctor->loop, doctor->log, &device->options, &device->host, &diag);
    if (device->opened == NULL) {
        (void)fputs("amtlab doctor: ", stderr);
        amt_diag_print(&diag, stderr);
        bool is_not_permitted = diag.err == AMT_ESYS && o->dhcp != NULL;
        return is_not_permitted ? CLI_ENVIRONMENT : CLI_INVALID;
    }
    return CLI_OK;
}

void doctor_device_close(struct doctor_device *device)
{
    activation_report_wipe(&device->report);
    activate_device_close(device->opened);
    arena_fini(&device->arena);
}

/* --- by the host interface --------------------------------------------------------------------- */

static void check_me(struct doctor *d, struct doctor_device *device)
{
    struct amt_diag diag = { .err = AMT_OK };
    char uuid[UUID_TEXT_BYTES];
    device->has_report =
        host_read_report(&device->host, &device->arena, &device->report, &diag) == AMT_OK;
    if (!device->has_report) {
        doctor_failure(d, DOCTOR_FAILED, "me-reachable", ACT_F_NO_HOST_ACCESS, "%s", diag.text);
        return;
    }
    const struct activation_report *report = &device->report;
    device->major = (uint32_t)strtoul(report->version, NULL, 10);
    uuid_format(&report->uuid, uuid);
    doctor_check(d, DOCTOR_OK, "me-reachable", "ACT-F-37", "", "AMT %s, build %s, UUID %s",
                 report->version, report->build, uuid);
    if (report->local_user[0] == '\0') {
        doctor_failure(d, DOCTOR_FAILED, "local-account", ACT_F_NO_HOST_ACCESS,
                       "the ME gives out no local account");
    } else {
        doctor_check(d, DOCTOR_OK, "local-account", "ACT-F-37", "", "the ME gives out %s",
                     report->local_user);
    }
}

static void check_mode(struct doctor *d, const struct doctor_device *device)
{
    const struct activation_report *report = &device->report;
    bool is_client_goal = d->options->is_client_mode;
    if (report->control_mode == 2) {
        doctor_failure(d, DOCTOR_FAILED, "control-mode", ACT_F_ALREADY_ADMIN_MODE,
                       "the device is in admin control mode");
    } else if (report->control_mode == 1 && is_client_goal) {
        doctor_check(d, DOCTOR_FAILED, "control-mode", "",
                     "nothing is left to activate; deactivate it first if another server shall",
                     "the device is in client control mode already");
    } else {
        doctor_check(d, DOCTOR_OK, "control-mode", "ACT-F-48", "", "%s",
                     report->control_mode == 0
                         ? "the device is not activated"
                         : "client control mode: it is upgraded or deactivated first");
    }
    if (report->provisioning_state == 1) {
        doctor_failure(d, DOCTOR_FAILED, "provisioning-session", ACT_F_IN_PROVISIONING,
                       "the device is in provisioning");
    } else {
        doctor_check(d, DOCTOR_OK, "provisioning-session", "ACT-F-10", "", "none is open");
    }
}

static void check_hashes(struct doctor *d, const struct doctor_device *device)
{
    const struct activation_report *report = &device->report;
    uint32_t active = 0;
    for (uint32_t i = 0; i < report->hash_count; i++) {
        active += report->hashes[i].is_active ? 1 : 0;
    }
    if (report->hash_count == 0) {
        doctor_failure(d, DOCTOR_FAILED, "root-hashes", ACT_F_NO_HASHES,
                       "the device lists no trusted root");
    } else if (active == 0) {
        doctor_failure(d, DOCTOR_FAILED, "root-hashes", ACT_F_HASHES_INACTIVE,
                       "none of %u trusted roots is active", report->hash_count);
    } else {
        doctor_check(d, DOCTOR_OK, "root-hashes", "ACT-F-04", "", "%u trusted roots, %u active",
                     report->hash_count, active);
    }
}

/* --- by WS-Man, as $$OsAdmin ------------------------------------------------------------------- */

static struct stream *connect_plain(void *ctx)
{
    struct doctor_device *device = ctx;
    return device->host.open_port(device->host.ctx, PLAIN_PORT);
}

static const char *text_of(const struct wsman_instance *instance, const char *name)
{
    const char *text = instance == NULL ? NULL : wsman_get(instance, name);
    return text == NULL ? "" : text;
}

static void report_refusal(struct doctor *d, const struct doctor_device *device,
                           const struct wsman_outcome *outcome)
{
    if (outcome->result == WSMAN_REFUSED) {
        doctor_failure(d, DOCTOR_FAILED, "local-ports", ACT_F_LOCAL_ACCOUNT_REJECTED, "%s",
                       outcome->diag.text);
    } else if (device->report.is_tls_enforced) {
        doctor_failure(d, DOCTOR_UNKNOWN, "local-ports", ACT_F_LOCAL_TLS_ENFORCED,
                       "16992 is closed on this device, which is read no further here");
    } else {
        doctor_failure(d, DOCTOR_FAILED, "local-ports", ACT_F_LOCAL_PORT_REFUSED, "%s",
                       outcome->diag.text);
    }
}

static bool is_realm(const char *text)
{
    return strncmp(text, "Digest:", 7) == 0 && strlen(text) == 39 &&
           strspn(text + 7, "0123456789abcdefABCDEF") == 32;
}

static void check_allowed_modes(struct doctor *d, const struct wsman_instance *setup)
{
    bool has_client = false, has_admin = false;
    for (const struct wsman_value *v = wsman_get_values(setup, "AllowedControlModes"); v != NULL;
         v = v->next) {
        has_client = has_client || (v->kind == WSMAN_TEXT && strcmp(v->text, "1") == 0);
        has_admin = has_admin || (v->kind == WSMAN_TEXT && strcmp(v->text, "2") == 0);
    }
    const char *both = has_client && has_admin ? "client and admin"
                       : has_client            ? "client only"
                       : has_admin             ? "admin only"
                                               : "none";
    if (d->options->is_client_mode && !has_client) {
        doctor_failure(d, DOCTOR_FAILED, "allowed-modes", ACT_F_CLIENT_MODE_DISABLED, "%s", both);
    } else if (!d->options->is_client_mode && !has_admin) {
        doctor_check(d, DOCTOR_FAILED, "allowed-modes", "", "unconfigure the ME in MEBx", "%s",
                     both);
    } else {
        doctor_check(d, DOCTOR_OK, "allowed-modes", "ACT-F-47", "", "%s", both);
    }
}

static void read_services(struct doctor *d, struct doctor_device *device,
                          struct client_device *client)
{
    const char *realm =
        text_of(client_get(client, "AMT_GeneralSettings", NULL, NULL), "DigestRealm");
    if (client->outcome.result != WSMAN_DONE) {
        report_refusal(d, device, &client->outcome);
        return;
    }
    device->has_wsman = true;
    doctor_check(d, DOCTOR_OK, "local-ports", "ACT-F-38", "",
                 "16992 answers, and lets the local account in");
    if (is_realm(realm)) {
        doctor_check(d, DOCTOR_OK, "digest-realm", "ACT-F-51", "", "%s", realm);
    } else {
        doctor_failure(d, DOCTOR_FAILED, "digest-realm", ACT_F_REALM_MALFORMED, "\"%s\"", realm);
    }
    const struct wsman_instance *setup =
        client_get(client, "IPS_HostBasedSetupService", NULL, NULL);
    if (setup != NULL) {
        check_allowed_modes(d, setup);
    }
    const struct wsman_instance *service =
        client_get(client, "AMT_SetupAndConfigurationService", NULL, NULL);
    device->trusted_suffix = text_of(service, "TrustedDNSSuffix");
    device->dhcp_suffix = text_of(service, "DhcpDNSSuffix");
    const struct wsman_instance *port = client_get(client, "AMT_EthernetPortSettings", "InstanceID",
                                                   "Intel(r) AMT Ethernet Port Settings 0");
    device->address = text_of(port, "IPAddress");
}

static void read_by_wsman(struct doctor *d, struct doctor_device *device)
{
    const struct wsman_client_settings settings = {
        .loop = d->loop,
        .connect = connect_plain,
        .ctx = device,
        .where = "the local port 16992",
        .host = "localhost",
        .user = device->report.local_user,
        .password = &device->report.local_password,
        .first_byte_limit_us = d->options->timeout_us,
        .limit_us = 2 * d->options->timeout_us,
    };
    struct client_device client = { .client = wsman_client_new(&settings),
                                    .arena = &device->arena };
    if (device->report.control_mode != 0) {
        doctor_check(d, DOCTOR_UNKNOWN, "local-ports", "ACT-F-38", "",
                     "an activated device lets only its administrator in");
    } else if (client.client == NULL) {
        d->has_no_memory = true;
    } else {
        read_services(d, device, &client);
    }
    wsman_client_free(client.client);
}

static void check_kind(struct doctor *d, const struct doctor_device *device)
{
    if (device->major >= 19) {
        doctor_check(d, DOCTOR_OK, "setup-kind", "ACT-F-40", "",
                     "over TLS on 16993: AMT %u has no AdminSetup", device->major);
    } else {
        doctor_check(d, DOCTOR_OK, "setup-kind", "ACT-F-39", "", "host based setup%s",
                     device->report.is_tls_enforced ? ", over TLS on 16993 alone" : "");
    }
}

/* --- the network and its name ------------------------------------------------------------------ */

static void check_link(struct doctor *d, const struct doctor_device *device)
{
    int link = device->report.wired_link;
    if (link < 0) {
        doctor_check(d, DOCTOR_UNKNOWN, "wired-link", "ACT-F-14", "", "the ME does not say");
    } else if (link == 0) {
        doctor_failure(d, DOCTOR_FAILED, "wired-link", ACT_F_WIRED_LINK_DOWN, "it is down");
    } else {
        doctor_check(d, DOCTOR_OK, "wired-link", "ACT-F-14", "", "it is up");
    }
    if (!device->has_wsman) {
        doctor_check(d, DOCTOR_UNKNOWN, "lease", "ACT-F-13", "", "the device was not read");
    } else if (device->address[0] == '\0') {
        doctor_check(d, DOCTOR_FAILED, "lease", "ACT-F-13",
                     "plug the wired port into a network with a DHCP server, and wait",
                     "the wired port has no address");
    } else {
        doctor_check(d, DOCTOR_OK, "lease", "ACT-F-13", "", "address %s", device->address);
    }
}

static void check_sources(struct doctor *d, struct doctor_device *device)
{
    const char *trusted = device->report.dns_suffix;
    const char *os = device->report.os_dns_suffix;
    if (device->trusted_suffix[0] == '\0') {
        device->trusted_suffix = trusted;
    }
    bool is_set = device->trusted_suffix[0] != '\0';
    doctor_check(d, DOCTOR_OK, "suffix-mebx", "ACT-DEV-023", "",
                 is_set ? "\"%s\" (MEBx, setup.bin or the host)" : "none%s",
                 device->trusted_suffix);
    if (device->dhcp_suffix[0] != '\0') {
        doctor_check(d, DOCTOR_OK, "suffix-dhcp", "ACT-F-13", "", "\"%s\" (option 15)",
                     device->dhcp_suffix);
    } else if (is_set) {
        doctor_check(d, DOCTOR_OK, "suffix-dhcp", "ACT-DEV-023", "",
                     "none; that of MEBx goes before it");
    } else if (!device->has_wsman) {
        doctor_check(d, DOCTOR_UNKNOWN, "suffix-dhcp", "ACT-F-13", "", "the device was not read");
    } else if (device->report.wired_link == 0) {
        doctor_failure(d, DOCTOR_FAILED, "suffix-dhcp", ACT_F_WIRED_LINK_DOWN,
                       "none, the wired link is down");
    } else {
        doctor_failure(d, DOCTOR_FAILED, "suffix-dhcp", ACT_F_DHCP_OPTION_MISSING,
                       "no suffix from DHCP");
    }
    doctor_check(d, DOCTOR_OK, "suffix-os", "ACT-F-12", "",
                 os[0] == '\0' ? "none%s" : "\"%s\" (does not count for the device)", os);
    device->own_suffix = is_set ? device->trusted_suffix : device->dhcp_suffix;
    device->told_suffix = d->options->dns_suffix != NULL
                              ? d->options->dns_suffix
                              : activation_report_suffix(&device->report);
}

static bool is_well_formed(const char *suffix)
{
    char clean[ACTIVATION_SUFFIX_BYTES];
    activation_suffix_clean(suffix, clean);
    return strcmp(clean, suffix) == 0 && activation_suffix_is_name(clean);
}

static void check_suffix(struct doctor *d, const struct doctor_device *device)
{
    const char *own = device->own_suffix, *told = device->told_suffix;
    bool is_set = device->trusted_suffix[0] != '\0';
    if (own[0] == '\0') {
        doctor_failure(d, device->has_wsman ? DOCTOR_FAILED : DOCTOR_UNKNOWN, "suffix",
                       ACT_F_NO_SUFFIX, "the device has none");
    } else {
        doctor_check(d, DOCTOR_OK, "suffix", "ACT-F-05", "", "\"%s\" counts, of %s", own,
                     is_set ? "MEBx" : "DHCP");
    }
    if (own[0] != '\0' && !is_well_formed(own)) {
        doctor_failure(d, DOCTOR_FAILED, "suffix-form", ACT_F_SUFFIX_MALFORMED, "\"%s\"", own);
    } else if (own[0] != '\0') {
        doctor_check(d, DOCTOR_OK, "suffix-form", "ACT-F-16", "", "it is a domain name");
    }
    if (told[0] == '\0') {
        doctor_failure(d, DOCTOR_FAILED, "suffix-told", ACT_F_NO_SUFFIX,
                       "a server would hear of no suffix");
    } else if (own[0] != '\0' && strcmp(told, own) != 0) {
        doctor_failure(d, DOCTOR_FAILED, "suffix-told",
                       is_set ? ACT_F_MEBX_SUFFIX_WRONG : ACT_F_SUFFIX_DIFFERS,
                       "a server would hear \"%s\", the device goes by \"%s\"", told, own);
    } else if (own[0] == '\0') {
        doctor_failure(d, DOCTOR_FAILED, "suffix-told",
                       device->report.wired_link == 0 ? ACT_F_WIRED_LINK_DOWN
                                                      : ACT_F_DHCP_OPTION_MISSING,
                       "a server would hear \"%s\", the device has none", told);
    } else {
        doctor_check(d, DOCTOR_OK, "suffix-told", "ACT-F-12", "", "a server would hear the same");
    }
}

void doctor_device_check(struct doctor *doctor, struct doctor_device *device)
{
    check_me(doctor, device);
    if (!device->has_report) {
        return;
    }
    check_kind(doctor, device);
    check_mode(doctor, device);
    read_by_wsman(doctor, device);
    check_link(doctor, device);
    if (!doctor->options->is_client_mode) { /* client control mode asks for neither */
        check_sources(doctor, device);
        check_suffix(doctor, device);
        check_hashes(doctor, device);
    }
}
