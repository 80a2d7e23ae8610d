#include "mps/mps.h"

#include "base/memory.h"
#include "mps/activation/config.h"
#include "mps/cira/credentials.h"
#include "runtime/pki.h"

static const char *const k_modes[] = { "hybrid", "lan", "wan", NULL };
static const char *const k_tls_modes[] = { "default", "legacy", "offload", NULL };
static const char *const k_keys[] = { "rsa3072", "rsa2048", "p256", NULL };
static const char *const k_auth_modes[] = { "config", "store", "any", "deny", NULL };
static const char *const k_duplicates[] = { "newest", "first", "none", NULL };
static const char *const k_greetings[] = { "standard", "meshcentral", NULL };
static const char *const k_keepalive_rules[] = { "quiet", "port_5900", "fourth_request", "never",
                                                 NULL };

#define AT(member) offsetof(struct mps_config, member)

/* Limits and their reasons: apf.md 2.3, 5, 9 and 12.1. Each is a key of its own. */
const struct config_key mps_config_keys[] = {
    { "name", CONFIG_TEXT, AT(name), "localhost",
      "the MPS name: Common Name and SAN of its certificate, what devices are told to expect",
      .names = NULL },
    { "names", CONFIG_TEXTS, AT(names), NULL, "further DNS names and IP addresses for the SAN",
      .names = NULL },
    { "listen", CONFIG_TEXTS, AT(listen), ":4433",
      "CIRA addresses, host:port; no host means all, IPv6 and IPv4; port 0 picks one",
      .names = NULL },
    { "mode", CONFIG_ENUM, AT(mode), "hybrid",
      "hybrid; lan: no CIRA, devices are on the local network; wan: they are all elsewhere",
      .names = k_modes },
    { "data", CONFIG_TEXT, AT(data), NULL,
      "data directory: certificates, store and its key; made on the first start", .names = NULL },
    { "tls", CONFIG_ENUM, AT(tls), "default",
      "default: TLS 1.2 and 1.3; legacy: also 1.0 and 1.1 for firmware before AMT 12; offload: "
      "plain TCP behind a TLS terminator",
      .names = k_tls_modes },
    { "key", CONFIG_ENUM, AT(key), "rsa3072", "kind of key for certificates made here",
      .names = k_keys },
    { "sends_chain", CONFIG_BOOL, AT(sends_chain), "false",
      "present the root too and not only the MPS certificate", .names = NULL },
    { "key_log", CONFIG_TEXT, AT(key_log), NULL, "TLS key log file for Wireshark; a secret",
      .names = NULL },
    { "capture", CONFIG_MAP, AT(capture), NULL, "sessions as pcapng files, decrypted",
      .children = capture_config_keys },
    { "client_roots", CONFIG_TEXT, AT(client_roots), NULL,
      "PEM file of roots that client certificates must chain to (login method none)",
      .names = NULL },
    { "auth", CONFIG_ENUM, AT(auth), "config",
      "config: the users below, or store when there are none; store: groups and devices of the "
      "data directory; any and deny for the laboratory",
      .names = k_auth_modes },
    { "users", CONFIG_NODE, AT(users_node), NULL,
      "list of {name or group, password, uuid, certificate} for auth: config", .names = NULL },
    { "lenient", CONFIG_BOOL, AT(lenient), "false",
      "tolerate what known clients do against the rules (repeats, window overruns, no pfwd)",
      .names = NULL },
    { "echo_protocol_version", CONFIG_BOOL, AT(echo_protocol_version), "false",
      "answer PROTOCOLVERSION with the same message, as Console does", .names = NULL },
    { "failure_15_bytes", CONFIG_BOOL, AT(failure_15_bytes), "false",
      "send USERAUTH_FAILURE with 15 bytes, as MeshCentral does", .names = NULL },
    { "json_control", CONFIG_BOOL, AT(json_control), "false",
      "accept MeshCentral's extension message 250", .names = NULL },
    { "greeting", CONFIG_ENUM, AT(greeting), "standard",
      "answer to browsers on a CIRA port; meshcentral reproduces that server byte for byte",
      .names = k_greetings },
    { "greeting_text", CONFIG_TEXT, AT(greeting_text),
      "amtlab MPS server.<br />Intel&reg; AMT computers should connect here.",
      "HTML of the greeting", .names = NULL },
    { "window", CONFIG_SIZE, AT(window_bytes), "32KiB", "receive window of each channel",
      .min = 1024, .max = 1048576 },
    { "chunk", CONFIG_SIZE, AT(chunk_bytes), "4087B",
      "most payload in one CHANNEL_DATA; every known device takes 4087", .min = 1, .max = 16384 },
    { "max_channels", CONFIG_U32, AT(max_channels), "64", "channels of one device", .min = 1,
      .max = 4096 },
    { "channel_queue", CONFIG_SIZE, AT(queue_bytes), "256KiB",
      "bytes that wait for a device's window, per channel", .min = 4096, .max = 16777216 },
    { "unknown_channel_limit", CONFIG_U32, AT(unknown_channel_max), "1000",
      "messages for channels that do not exist before a session is closed; 0 = no limit",
      .names = NULL },
    { "idle_limit", CONFIG_DURATION, AT(idle_limit_us), "90s",
      "close a session that is silent for; raised for devices with a longer keepalive; 0 = never",
      .names = NULL },
    { "pre_auth_limit", CONFIG_DURATION, AT(pre_auth_limit_us), "30s",
      "time from the TCP connection to a successful login", .min = 1000, .max = 3600000000u },
    { "open_limit", CONFIG_DURATION, AT(open_limit_us), "30s",
      "wait for the answer to CHANNEL_OPEN, and for a free slot", .min = 1000, .max = 3600000000u },
    { "close_limit", CONFIG_DURATION, AT(close_limit_us), "10s",
      "wait for the answer to CHANNEL_CLOSE", .min = 1000, .max = 3600000000u },
    { "keepalive_rule", CONFIG_ENUM, AT(keepalive_rule), "quiet",
      "when KEEPALIVE_OPTIONS_REQUEST is sent: after a pause behind the last forward, on the "
      "forward "
      "of 5900, on the fourth request, never",
      .names = k_keepalive_rules },
    { "keepalive_quiet", CONFIG_DURATION, AT(keepalive_quiet_us), "2s",
      "the pause of keepalive_rule: quiet", .min = 1000, .max = 3600000000u },
    { "keepalive_interval", CONFIG_DURATION, AT(keepalive_interval_us), "30s",
      "interval asked of devices", .names = NULL },
    { "keepalive_timeout", CONFIG_DURATION, AT(keepalive_timeout_us), "0",
      "time-out word asked of devices; its meaning is not documented", .names = NULL },
    { "duplicates", CONFIG_ENUM, AT(duplicates), "newest",
      "when two machines have one UUID: newest displaces the other, at most once a minute; first: "
      "the "
      "one that is there stays; none is let in until both have been quiet for ten minutes",
      .names = k_duplicates },
    { "auth_failures_per_session", CONFIG_U32, AT(auth_failures_per_session), "1",
      "failed logins before a session is closed", .min = 1, .max = 3 },
    { "auth_failures_per_address", CONFIG_U32, AT(auth_failures_per_address), "20",
      "failed logins from one address within the window before all are refused; 0 = no limit",
      .names = NULL },
    { "auth_failures_per_user", CONFIG_U32, AT(auth_failures_per_user), "100",
      "the same for one user name", .names = NULL },
    { "auth_failure_window", CONFIG_DURATION, AT(auth_failure_window_us), "60s",
      "how long a failed login counts", .names = NULL },
    { "auth_failure_delay", CONFIG_DURATION, AT(auth_failure_delay_us), "0",
      "wait before USERAUTH_FAILURE is sent", .names = NULL },
    { "max_sessions", CONFIG_U32, AT(max_sessions), "10000", "connections in all", .min = 1,
      .max = 1000000 },
    { "max_unauthenticated", CONFIG_U32, AT(max_unauthenticated), "2000",
      "connections that have not logged in; above it new ones are refused; 0 = no limit",
      .names = NULL },
    { "max_unauthenticated_per_address", CONFIG_U32, AT(max_unauthenticated_per_address), "500",
      "the same for one address; 0 = no limit", .names = NULL },
    { "send_queue", CONFIG_SIZE, AT(send_queue_bytes), "1MiB",
      "bytes that wait for a device that does not read; above it the session is closed",
      .min = 16384, .max = 67108864 },
    { "api_listen", CONFIG_TEXTS, AT(api_listen), NULL,
      "operator API addresses; needs a data directory", .names = NULL },
    { "activation_listen", CONFIG_TEXTS, AT(activation_listen), NULL,
      "addresses of the activation server (HTTPS; MeshCMD, rpc-go, amtlab activate); none: off",
      .names = NULL },
    { "activation", CONFIG_NODE, AT(activation_node), NULL,
      "certificates, log, policies: {certificates, log, policies, cira, meshcentral, ...}",
      .names = NULL },
    { .name = NULL },
};

static void add_error(struct amt_diag_list *errors, const char *path, const struct amt_diag *diag)
{
    struct amt_diag *added = amt_diag_list_add(errors, AMT_ECONFIG, path, diag->line, diag->column);
    if (added != NULL) {
        (void)amt_diag_set(added, AMT_ECONFIG, "%s", diag->text);
        (void)amt_diag_hint(added, "%s", diag->hint);
    }
}

static bool addresses_are_good(const struct config_texts *texts, const char *path,
                               struct amt_diag_list *errors)
{
    bool good = true;
    for (uint32_t i = 0; i < texts->count; i++) {
        struct address address;
        struct amt_diag diag = { .err = AMT_OK };
        if (address_parse(texts->items[i], MPS_CIRA_PORT, &address, &diag) != AMT_OK) {
            add_error(errors, path, &diag);
            good = false;
        }
    }
    return good;
}

static bool users_are_good(const struct mps_config *config, const char *path,
                           struct amt_diag_list *errors)
{
    struct credentials credentials;
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = credentials_init(&credentials, config, NULL, &diag);
    if (err != AMT_OK) {
        add_error(errors, path, &diag);
    }
    credentials_fini(&credentials);
    return err == AMT_OK;
}

static bool roots_are_good(const struct mps_config *config, const char *path,
                           struct amt_diag_list *errors)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct pki_trust *trust = config->client_roots == NULL ? NULL : pki_trust_new();
    bool good = trust == NULL || pki_trust_load(trust, config->client_roots, &diag) == AMT_OK;
    if (!good) {
        if (diag.hint[0] == '\0') {
            (void)amt_diag_hint(&diag,
                                "client_roots: is a PEM file of certificates that the server "
                                "may read");
        }
        add_error(errors, path, &diag);
    }
    pki_trust_free(trust);
    return good;
}

static bool activation_is_good(const struct mps_config *config, const char *path,
                               struct amt_diag_list *errors)
{
    struct activation_config *activation =
        config->activation_node == NULL ? NULL : amt_alloc(sizeof *activation);
    bool is_good = config->activation_node == NULL;
    if (activation != NULL) {
        is_good =
            activation_config_read(config->activation_node, path, activation, errors) == AMT_OK;
        activation_config_fini(activation);
    }
    amt_free(activation);
    return is_good;
}

enum amt_err mps_config_check(const struct mps_config *config, const char *path,
                              struct amt_diag_list *errors)
{
    bool good = addresses_are_good(&config->listen, path, errors);
    good = addresses_are_good(&config->api_listen, path, errors) && good;
    good = users_are_good(config, path, errors) && good;
    good = roots_are_good(config, path, errors) && good;
    good = activation_is_good(config, path, errors) && good;
    if (config->data == NULL && (config->auth == MPS_AUTH_STORE || config->api_listen.count > 0)) {
        struct amt_diag diag = { .err = AMT_OK };
        (void)amt_diag_set(&diag, AMT_ECONFIG, "auth: store and api_listen need a data directory");
        (void)amt_diag_hint(&diag, "set data: DIR (or --data DIR)");
        add_error(errors, path, &diag);
        good = false;
    }
    return good ? AMT_OK : AMT_ECONFIG;
}
