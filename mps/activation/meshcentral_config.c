#include "mps/activation/meshcentral_config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "base/memory.h"
#include "mps/activation/json_place.h"

#define CONFIG_MAX_BYTES  (4u * 1024u * 1024u)
#define LAN_NAMES_MAX     4u
#define MEBX_PASSWORD_MIN 8u
#define PORT_MAX          65535
#define DOMAIN_MAX_CHARS  63u
#define STEPS_MAX         8u

struct reader {
    struct activation_config *config;
    struct amt_diag_list *problems;
    const char *path;
    const char *domain;
    bool is_out_of_memory;
    const char *text; /* of the file, for positions */
    size_t text_len;
    struct json_step steps[STEPS_MAX]; /* to what is being read */
    uint32_t step_count;
};

static void enter(struct reader *r, const char *key, size_t index)
{
    r->steps[r->step_count++] = (struct json_step){ key, index };
}

static void leave(struct reader *r)
{
    r->step_count -= 1;
}

/* What MeshCentral would pass over without a word is a warning here, with the place of what is read. */
AMT_PRINTF(3, 4)
static void warn(struct reader *r, const char *hint, const char *format, ...)
{
    uint32_t line = 0;
    uint32_t column = 0;
    (void)json_place(r->text, r->text_len, r->steps, r->step_count, &line, &column);
    struct amt_diag *diag =
        r->problems == NULL ? NULL : amt_diag_list_add(r->problems, AMT_OK, r->path, line, column);
    char text[AMT_DIAG_TEXT_BYTES];
    va_list arguments;
    if (diag == NULL) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)amt_diag_set(diag, AMT_OK, "%s", text);
    (void)amt_diag_hint(diag, "%s", hint);
}

static const char *keep(struct reader *r, const char *text)
{
    char *kept = arena_text(&r->config->arena, text, strlen(text));
    r->is_out_of_memory = r->is_out_of_memory || kept == NULL;
    return kept == NULL ? "" : kept;
}

/* The last member with that name, letter case aside: MeshCentral lowers all keys at load, so that the
 * last one wins. */
static json_t *get(json_t *object, const char *name)
{
    const char *key;
    json_t *value;
    json_t *found = NULL;
    json_object_foreach(object, key, value)
    {
        found = strcasecmp(key, name) == 0 ? value : found;
    }
    return found;
}

/* The macros look at their argument twice. */
static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool is_object(const json_t *value)
{
    return json_is_object(value);
}

static bool is_true(const json_t *value)
{
    return json_is_true(value);
}

static void check_keys(struct reader *r, json_t *object, const char *where,
                       const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        bool is_known = key[0] == '_';
        for (size_t i = 0; !is_known && known[i] != NULL; i++) {
            is_known = strcasecmp(known[i], key) == 0;
        }
        if (!is_known) {
            int near = text_nearest(key, known);
            char hint[160];
            (void)snprintf(hint, sizeof hint, near < 0 ? "remove it%s" : "did you mean \"%s\"?",
                           near < 0 ? "" : known[near]);
            enter(r, key, 0);
            warn(r, hint, "%s: unknown key \"%s\"", where, key); /* ACT-SRV-058 */
            leave(r);
        }
    }
}

static const char *text_of(struct reader *r, json_t *object, const char *name)
{
    json_t *value = get(object, name);
    if (value != NULL && !json_is_string(value)) {
        enter(r, name, 0);
        warn(r, "write it as a text in quotes", "%s: is not a text, and passed over", name);
        leave(r);
    }
    return json_is_string(value) ? keep(r, json_string_value(value)) : NULL;
}

static bool flag_of(struct reader *r, json_t *object, const char *name, bool fallback)
{
    json_t *value = get(object, name);
    if (value == NULL) {
        return fallback;
    }
    if (!json_is_boolean(value)) {
        enter(r, name, 0);
        warn(r, "write true or false", "%s: is neither true nor false, and passed over", name);
        leave(r);
        return fallback;
    }
    return json_is_true(value);
}

/* A setting that MeshCentral has and this server does otherwise: told, never swallowed. */
static void no_effect(struct reader *r, json_t *object, const char *name, const char *hint)
{
    if (get(object, name) != NULL) {
        enter(r, name, 0);
        warn(r, hint, "%s: has no effect here", name);
        leave(r);
    }
}

static uint16_t port_of(struct reader *r, json_t *object, const char *name, uint16_t fallback)
{
    json_t *value = get(object, name);
    if (value == NULL) {
        return fallback;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) > PORT_MAX) {
        enter(r, name, 0);
        warn(r, "write a number from 0 to 65535 without quotes",
             "%s: is no port number; %u is used", name, fallback);
        leave(r);
        return fallback;
    }
    return (uint16_t)json_integer_value(value);
}

static void secret_of(struct reader *r, json_t *object, const char *name, struct secret *secret)
{
    json_t *value = get(object, name);
    if (json_is_string(value) && secret_set(secret, json_string_value(value),
                                            (uint32_t)json_string_length(value)) != AMT_OK) {
        enter(r, name, 0);
        warn(r, "use a shorter one", "%s: is longer than any password", name);
        leave(r);
    }
}

/* Relative to the data folder, the one of the file. */
static const char *place(struct reader *r, const char *file)
{
    const char *slash = strrchr(r->path, '/');
    struct text whole = { 0 };
    if (file[0] == '/' || slash == NULL) {
        return keep(r, file);
    }
    text_append(&whole, r->path, (size_t)(slash - r->path) + 1);
    text_puts(&whole, file);
    r->is_out_of_memory = r->is_out_of_memory || whole.failed;
    const char *kept = keep(r, text_chars(&whole));
    text_fini(&whole);
    return kept;
}

/* --- AmtAcmActivation --- */

static const char *const k_set_keys[] = { "certpfx", "certpfxpass", "certfiles", "keyfile", NULL };

static uint32_t push_path(struct reader *r, const char **paths, uint32_t count, json_t *file)
{
    if (json_is_string(file)) {
        paths[count] = place(r, json_string_value(file));
        return count + 1;
    }
    warn(r, "list the names of files", "certfiles: an entry is not a text");
    return count;
}

static const char *const *paths_of(struct reader *r, json_t *files)
{
    size_t room = json_is_array(files) ? json_array_size(files) : json_object_size(files);
    const char **paths = arena_alloc(&r->config->arena, (room + 1) * sizeof *paths);
    uint32_t count = 0;
    size_t at;
    const char *key;
    json_t *file;
    if (paths == NULL) {
        r->is_out_of_memory = true;
        return NULL;
    }
    if (json_is_array(files)) {
        json_array_foreach(files, at, file)
        {
            count = push_path(r, paths, count, file);
        }
    } else {
        json_object_foreach(files, key, file)
        {
            count = push_path(r, paths, count, file);
        }
    }
    return paths;
}

static void read_set(struct reader *r, const char *label, json_t *set, bool is_strict)
{
    if (r->config->source_count == ACTIVATION_SETS_MAX) {
        warn(r, "remove what is no longer used", "certs: \"%s\" is one set too many", label);
        return;
    }
    struct activation_certificate_source *source = &r->config->sources[r->config->source_count];
    json_t *pfx = get(set, "certpfx");
    json_t *password = get(set, "certpfxpass");
    json_t *files = get(set, "certfiles");
    json_t *key = get(set, "keyfile");
    check_keys(r, set, "AmtAcmActivation.certs", k_set_keys);
    memset(source, 0, sizeof *source);
    source->label = keep(r, label);
    source->is_strict_common_name = is_strict;
    source->is_compatible = true; /* configurations exist that depend on MeshCentral's laxness */
    if (json_is_string(pfx) && json_is_string(password)) {
        source->pfx_path = place(r, json_string_value(pfx));
        source->pfx_password = keep(r, json_string_value(password));
    } else if (json_is_array(files) || json_is_object(files)) {
        source->cert_paths = paths_of(r, files);
        source->key_path = json_is_string(key) ? place(r, json_string_value(key)) : NULL;
    }
    r->config->source_count += 1;
}

static void read_acm(struct reader *r, json_t *section)
{
    static const char *const k_keys[] = { "log", "strictCommonName", "certs", NULL };
    const char *key;
    json_t *set;
    char name[DOMAIN_MAX_CHARS + 32];
    const char *log = text_of(r, section, "log");
    json_t *certs = get(section, "certs");
    bool is_strict = is_true(get(section, "strictCommonName"));
    (void)snprintf(name, sizeof name, "amtactivation%s%s.log", r->domain[0] == '\0' ? "" : "-",
                   r->domain);
    r->config->log_path = place(r, log == NULL ? name : log);
    check_keys(r, section, "AmtAcmActivation", k_keys);
    if (certs != NULL && !json_is_object(certs)) {
        warn(r, "give each set a name: {\"mycert\": {…}}", "AmtAcmActivation.certs is no object");
    }
    json_object_foreach(certs, key, set)
    {
        if (key[0] == '_') {
            continue; /* ACT-SRV-005 */
        }
        enter(r, "certs", 0);
        enter(r, key, 0);
        read_set(r, key, set, is_strict);
        leave(r);
        leave(r);
    }
}

/* --- AmtManager --- */

static void read_accounts(struct reader *r, json_t *accounts)
{
    size_t at;
    json_t *entry;
    json_array_foreach(accounts, at, entry)
    {
        json_t *user = get(entry, "user");
        struct activation_account *account = &r->config->accounts[r->config->account_count];
        if (!is_text(get(entry, "pass")) || r->config->account_count == ACTIVATION_ACCOUNTS_MAX) {
            enter(r, "AdminAccounts", 0);
            enter(r, NULL, at);
            warn(r, "each entry needs a text \"pass\"; at most 16 are tried",
                 "AmtManager.AdminAccounts: entry %zu is passed over", at + 1);
            leave(r);
            leave(r);
            continue;
        }
        account->user = json_is_string(user) ? keep(r, json_string_value(user)) : "admin";
        secret_of(r, entry, "pass", &account->password);
        r->config->account_count += 1;
    }
}

static bool is_among(const char *const *names, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Lower case, no empty, long or repeated ones, the first four (8.2). */
static void read_home_domains(struct reader *r, json_t *domains)
{
    uint32_t count = 0;
    size_t at;
    json_t *entry;
    json_array_foreach(domains, at, entry)
    {
        char name[DOMAIN_MAX_CHARS + 1] = "";
        const char *text = json_is_string(entry) ? json_string_value(entry) : "";
        if (text[0] == '\0' || strlen(text) > DOMAIN_MAX_CHARS || count == ACTIVATION_HOME_MAX) {
            enter(r, "EnvironmentDetection", 0);
            enter(r, NULL, at);
            warn(r, "four domains of up to 63 characters can be given",
                 "AmtManager.EnvironmentDetection: entry %zu is passed over", at + 1);
            leave(r);
            leave(r);
            continue;
        }
        for (size_t i = 0; text[i] != '\0'; i++) {
            name[i] = (char)tolower((unsigned char)text[i]);
        }
        if (!is_among(r->config->home_domains, count, name)) {
            r->config->home_domains[count] = keep(r, name);
            count += 1;
        }
    }
}

/* {certpfx, certpfxpass} or {certfile, keyfile}: what signs certificates of devices. */
static void read_tls_root(struct reader *r, json_t *section)
{
    static const char *const k_keys[] = { "certpfx", "certpfxpass", "certfile", "keyfile", NULL };
    struct activation_equipment_config *equipment = &r->config->equipment;
    enter(r, "TlsRootCert", 0);
    check_keys(r, section, "AmtManager.TlsRootCert", k_keys);
    const char *pfx = text_of(r, section, "certpfx");
    const char *password = text_of(r, section, "certpfxpass");
    const char *certificate = text_of(r, section, "certfile");
    const char *key = text_of(r, section, "keyfile");
    if (pfx != NULL && password != NULL) {
        equipment->tls_pfx = place(r, pfx);
        equipment->tls_password = password;
    } else if (certificate != NULL && key != NULL) {
        equipment->tls_certificate = place(r, certificate);
        equipment->tls_key = place(r, key);
    } else {
        warn(r, "give certpfx and certpfxpass, or certfile and keyfile",
             "AmtManager.TlsRootCert: names no certificate with its key; TLS of devices stays as "
             "it is");
    }
    leave(r);
}

struct wifi_word {
    const char *word;
    uint32_t value;
};

/* 0: no such word. */
static uint32_t value_of(const struct wifi_word *words, const char *word)
{
    for (; words->word != NULL; words++) {
        if (strcasecmp(words->word, word) == 0) {
            return words->value;
        }
    }
    return 0;
}

/* Why an entry is passed over; NULL: it was taken. */
static const char *take_wifi(struct reader *r, json_t *entry)
{
    static const struct wifi_word k_authentications[] = { { "wpa-psk", ACTIVATION_WIFI_WPA },
                                                          { "wpa2-psk", ACTIVATION_WIFI_WPA2 },
                                                          { "wpa3-sae", ACTIVATION_WIFI_WPA3 },
                                                          { NULL, 0 } };
    static const struct wifi_word k_encryptions[] = { { "ccmp-aes", ACTIVATION_WIFI_CCMP },
                                                      { "tkip-rc4", ACTIVATION_WIFI_TKIP },
                                                      { NULL, 0 } };
    struct activation_equipment_config *equipment = &r->config->equipment;
    struct activation_wifi *wifi = &equipment->wifi[equipment->wifi_count];
    const char *why = NULL;
    if (equipment->wifi_count == ACTIVATION_WIFI_MAX) {
        return "a device has room for 16 profiles";
    }
    const char *authentication = text_of(r, entry, "authentication");
    const char *encryption = text_of(r, entry, "encryption");
    if (get(entry, "802.1x") != NULL) {
        return "802.1x is not set up by this server";
    }
    wifi->ssid = text_of(r, entry, "ssid");
    wifi->name = text_of(r, entry, "name");
    wifi->name = wifi->name == NULL ? wifi->ssid : wifi->name;
    wifi->authentication =
        authentication == NULL ? ACTIVATION_WIFI_WPA2 : value_of(k_authentications, authentication);
    wifi->encryption =
        encryption == NULL ? ACTIVATION_WIFI_CCMP : value_of(k_encryptions, encryption);
    if (wifi->authentication == 0 || wifi->encryption == 0) {
        return "authentication is wpa-psk, wpa2-psk or wpa3-sae, encryption ccmp-aes or tkip-rc4; "
               "802.1x is not set up by this server";
    }
    secret_of(r, entry, "password", &wifi->password);
    if (!activation_wifi_is_good(wifi, &why)) {
        secret_fini(&wifi->password);
        return why;
    }
    equipment->wifi_count += 1;
    return NULL;
}

static void read_wifi(struct reader *r, json_t *profiles)
{
    static const char *const k_keys[] = { "ssid",       "name",     "authentication",
                                          "encryption", "password", "802.1x",
                                          NULL };
    size_t at;
    json_t *entry;
    enter(r, "WifiProfiles", 0);
    if (!json_is_array(profiles)) {
        warn(r, "write a list of profiles in [ ]", "AmtManager.WifiProfiles: is no list");
    }
    json_array_foreach(profiles, at, entry)
    {
        enter(r, NULL, at);
        check_keys(r, entry, "AmtManager.WifiProfiles", k_keys);
        const char *why = take_wifi(r, entry);
        if (why != NULL) {
            warn(r, why, "AmtManager.WifiProfiles: entry %zu is passed over", at + 1);
        }
        leave(r);
    }
    leave(r);
}

static void tell_unused_of_manager(struct reader *r, json_t *section)
{
    if (!r->config->allows_tls) {
        no_effect(r, section, "TlsAcmActivation",
                  "to refuse devices that enforce TLS set activation: tls: false");
    }
    no_effect(r, section, "AdminAccounts",
              "this server manages no device that was activated elsewhere");
    if (is_object(get(section, "802.1x"))) {
        no_effect(r, section, "802.1x", "configure wired 802.1x with amtlab wsman");
    }
}

static void read_manager(struct reader *r, json_t *section)
{
    static const char *const k_keys[] = { "TlsConnections", "TlsAcmActivation",
                                          "AdminAccounts",  "EnvironmentDetection",
                                          "TlsRootCert",    "WifiProfiles",
                                          "802.1x",         NULL };
    json_t *root = get(section, "TlsRootCert");
    check_keys(r, section, "AmtManager", k_keys);
    bool uses_tls = flag_of(r, section, "TlsConnections", true);
    r->config->allows_tls = flag_of(r, section, "TlsAcmActivation", false);
    read_accounts(r, get(section, "AdminAccounts"));
    read_home_domains(r, get(section, "EnvironmentDetection"));
    if (is_object(root) && uses_tls) {
        read_tls_root(r, root);
    } else if (is_object(root)) {
        no_effect(r, section, "TlsRootCert", "TlsConnections is false: TLS of devices stays");
    } else {
        no_effect(r, section, "TlsRootCert", "write {\"certpfx\": FILE, \"certpfxpass\": TEXT}");
        no_effect(r, section, "TlsConnections",
                  "TLS of devices is only changed with a TlsRootCert");
    }
    if (get(section, "WifiProfiles") != NULL) {
        read_wifi(r, get(section, "WifiProfiles"));
    }
    tell_unused_of_manager(r, section);
}

/* --- settings --- */

static bool is_mebx_password(const char *text)
{
    return strlen(text) >= MEBX_PASSWORD_MIN && activation_password_is_good(text);
}

static void read_provisioning(struct reader *r, json_t *section)
{
    static const char *const k_keys[] = { "port",        "deviceGroup", "newMebxPassword",
                                          "trustedFqdn", "ip",          NULL };
    struct activation_provisioning *provisioning = &r->config->provisioning;
    json_t *password = get(section, "newMebxPassword");
    enter(r, "AmtProvisioningServer", 0);
    check_keys(r, section, "AmtProvisioningServer", k_keys);
    leave(r);
    for (size_t i = 1; k_keys[i] != NULL; i++) {
        if (!is_text(get(section, k_keys[i]))) {
            warn(r, "deviceGroup, newMebxPassword, trustedFqdn and ip must all be texts",
                 "AmtProvisioningServer: without \"%s\" there is no bare-metal activation",
                 k_keys[i]);
            return;
        }
    }
    if (!is_mebx_password(json_string_value(password))) {
        warn(r, "choose another password; there is no bare-metal activation until then",
             "Invalid MEBx password, must have 1 lower, 1 upper, 1 numeric, 1 non-alpha and be 8 "
             "or more in length.");
        return;
    }
    provisioning->port = port_of(r, section, "port", ACTIVATION_HELLO_PORT);
    provisioning->is_on = provisioning->port != 0;
    provisioning->group = text_of(r, section, "deviceGroup");
    provisioning->trusted_fqdn = text_of(r, section, "trustedFqdn");
    provisioning->address = text_of(r, section, "ip");
    secret_of(r, section, "newMebxPassword", &provisioning->mebx_password);
}

/* "name,country,organisation": the name. */
static const char *first_part(struct reader *r, const char *text)
{
    char *part = text == NULL ? NULL : arena_text(&r->config->arena, text, strcspn(text, ","));
    return part == NULL ? "" : part;
}

static void read_lan_names(struct reader *r, json_t *settings)
{
    const char *at = text_of(r, settings, "CiraLocalFqdn");
    const char **names = arena_alloc(&r->config->arena, (LAN_NAMES_MAX + 1) * sizeof *names);
    uint32_t count = 0;
    r->is_out_of_memory = r->is_out_of_memory || names == NULL;
    if (at == NULL || names == NULL) {
        return;
    }
    if (r->config->mps.is_lan_only || r->config->mps.is_wan_only) {
        warn(r, "remove CiraLocalFqdn, or LANonly and WANonly",
             "CIRA local FQDN's ignored when server in LAN-only or WAN-only mode.");
        return;
    }
    for (; *at != '\0'; count++) {
        size_t len = strcspn(at, ",");
        if (count == LAN_NAMES_MAX) {
            warn(r, "keep four of them",
                 "Can't have more than 4 CIRA local FQDN's. Ignoring "
                 "value.");
            return;
        }
        names[count] = arena_text(&r->config->arena, at, len);
        at += len + (at[len] == ',' ? 1 : 0);
    }
    r->config->mps.lan_names = names;
}

/* What a MeshCentral server does by these, this one does by keys of its own. */
static void tell_unused(struct reader *r, json_t *settings)
{
    static const struct {
        const char *key, *hint;
    } k_unused[] = {
        { "MpsPortBind", "set listen: [ADDRESS:PORT]" },
        { "MpsTlsOffload", "set tls: offload" },
        { "MpsHighSecurity", "TLS below 1.2 is off unless tls: legacy" },
        { "MpsPass", "each group has a password of its own: amtlab admin group add" },
        { "MpsDebug", "failed TLS is the event connection.tls_failed" },
        { "CiraLocalFqdn", "devices are told cira: host: alone" },
        { "AmtScanner", "amtlab scan looks when it is told to" },
    };
    for (size_t i = 0; i < sizeof k_unused / sizeof k_unused[0]; i++) {
        no_effect(r, settings, k_unused[i].key, k_unused[i].hint);
    }
}

static void read_settings(struct reader *r, json_t *settings)
{
    struct activation_mps_settings *mps = &r->config->mps;
    const char *mps_name = text_of(r, settings, "MpsCert");
    const char *bind = text_of(r, settings, "MpsPortBind");
    json_t *manager = get(settings, "AmtManager");
    mps->is_lan_only = flag_of(r, settings, "LANonly", false);
    mps->is_wan_only = flag_of(r, settings, "WANonly", false);
    mps->name = first_part(r, text_of(r, settings, "Cert"));
    mps->alias_host = text_of(r, settings, "MpsAliasHost");
    if (mps_name != NULL) {
        mps->alias_host = first_part(r, mps_name); /* beats MpsAliasHost */
    }
    mps->alias_host = mps->alias_host == NULL ? mps->name : mps->alias_host;
    mps->bind = bind == NULL ? "" : bind;
    mps->port = port_of(r, settings, "MpsPort", ACTIVATION_CIRA_PORT);
    mps->port = mps->is_lan_only ? 0 : mps->port; /* ACT-SRV-059 */
    mps->alias_port = port_of(r, settings, "MpsAliasPort", 0);
    mps->is_tls_offloaded = flag_of(r, settings, "MpsTlsOffload", false);
    mps->is_high_security = flag_of(r, settings, "MpsHighSecurity", false);
    mps->has_manager = manager == NULL || !json_is_false(manager);
    secret_of(r, settings, "MpsPass", &mps->password);
    read_lan_names(r, settings);
    tell_unused(r, settings);
    r->config->cira_host = mps->alias_host[0] == '\0' ? NULL : mps->alias_host;
    r->config->cira_port = mps->alias_port != 0 ? mps->alias_port : mps->port;
    json_t *provisioning = get(settings, "AmtProvisioningServer");
    if (json_is_object(provisioning)) {
        read_provisioning(r, provisioning);
    }
}

/* --- the file --- */

static char *read_whole(const char *path, size_t *len, struct amt_diag *diag)
{
    FILE *file = fopen(path, "re");
    char *text = file == NULL ? NULL : amt_alloc(CONFIG_MAX_BYTES + 1);
    *len = text == NULL ? 0 : fread(text, 1, CONFIG_MAX_BYTES + 1, file);
    bool is_bad = file == NULL || ferror(file) != 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (is_bad || text == NULL || *len > CONFIG_MAX_BYTES) {
        (void)amt_diag_set(diag, is_bad ? AMT_ESYS : AMT_ECONFIG, "%s cannot be read%s", path,
                           *len > CONFIG_MAX_BYTES ? ": it is too large" : "");
        (void)amt_diag_hint(diag, "name MeshCentral's config.json, in its data folder");
        amt_free(text);
        return NULL;
    }
    return text;
}

/* What most often is wrong with a config.json: the comma behind the last member. jansson's position is
 * that of the bracket behind it. */
static bool is_comma_too_many(const char *text, size_t len, int position)
{
    size_t at = position < 0 || (size_t)position > len ? 0 : (size_t)position;
    while (at > 0 && (text[at - 1] == '}' || text[at - 1] == ']' ||
                      isspace((unsigned char)text[at - 1]) != 0)) {
        at -= 1;
    }
    return at > 0 && text[at - 1] == ',';
}

/* whole: the file, which the caller wipes and frees; NULL when it cannot be read. */
static json_t *parse(struct reader *r, char **whole, size_t *whole_len, struct amt_diag *diag)
{
    static const char k_mark[] = "\xef\xbb\xbf";
    json_error_t error;
    char *text = read_whole(r->path, whole_len, diag);
    *whole = text;
    if (text == NULL) {
        return NULL;
    }
    size_t len = *whole_len;
    size_t skip = strncmp(text, k_mark, 3) == 0 ? 3 : 0;
    r->text = text + skip;
    r->text_len = len - skip;
    json_t *root = json_loadb(text + skip, len - skip, 0, &error);
    if (root == NULL) {
        bool is_comma = is_comma_too_many(text + skip, len - skip, error.position);
        amt_diag_at(diag, r->path, (uint32_t)(error.line < 0 ? 0 : error.line),
                    (uint32_t)(error.column < 0 ? 0 : error.column));
        (void)amt_diag_set(diag, AMT_ECONFIG, "no valid JSON: %s", error.text);
        (void)amt_diag_hint(diag, is_comma ? "remove the comma before the closing bracket"
                                           : "correct what stands before this place");
    } else if (!json_is_object(root)) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "not a configuration: the JSON is no object");
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* There are passwords in it. */
static void forget_text(char *text, size_t len)
{
    if (text != NULL) {
        amt_wipe(text, len);
    }
    amt_free(text);
}

static void read_domain(struct reader *r, json_t *root)
{
    json_t *domains = get(root, "domains");
    json_t *domain = get(domains, r->domain);
    json_t *acm = get(domain, "AmtAcmActivation");
    json_t *manager = get(domain, "AmtManager");
    json_t *none = json_object();
    if (domain == NULL && r->domain[0] != '\0') {
        warn(r, "name one of \"domains\"", "there is no domain \"%s\"", r->domain);
    }
    enter(r, "domains", 0);
    enter(r, r->domain, 0);
    enter(r, "AmtAcmActivation", 0);
    read_acm(r, json_is_object(acm) ? acm : none);
    leave(r);
    if (json_is_object(manager)) {
        enter(r, "AmtManager", 0);
        read_manager(r, manager);
        leave(r);
    }
    no_effect(r, domain, "AmtScanOptions", "amtlab scan RANGE looks when it is told to");
    leave(r);
    leave(r);
    json_decref(none);
}

enum amt_err meshcentral_config_read(const char *path, const char *domain,
                                     struct activation_config *config,
                                     struct amt_diag_list *problems)
{
    struct reader r = { .config = config, .problems = problems, .path = path, .domain = domain };
    struct amt_diag diag = { .err = AMT_OK };
    char *text = NULL;
    size_t len = 0;
    json_t *root = parse(&r, &text, &len, &diag);
    if (root == NULL) {
        forget_text(text, len);
        struct amt_diag *added =
            problems == NULL ? NULL
                             : amt_diag_list_add(problems, diag.err, path, diag.line, diag.column);
        if (added != NULL) {
            (void)amt_diag_set(added, diag.err, "%s", diag.text);
            (void)amt_diag_hint(added, "%s", diag.hint);
        }
        return diag.err;
    }
    json_t *settings = get(root, "settings");
    json_t *none = json_object();
    enter(&r, "settings", 0);
    read_settings(&r, json_is_object(settings) ? settings : none);
    leave(&r);
    read_domain(&r, root);
    config->has_own_root = true; /* 2.6 */
    config->own_root_certificate = place(&r, "root-cert-public.crt");
    config->own_root_key = place(&r, "root-cert-private.key");
    json_decref(none);
    json_decref(root);
    forget_text(text, len);
    return r.is_out_of_memory ? AMT_ENOMEM : AMT_OK;
}
