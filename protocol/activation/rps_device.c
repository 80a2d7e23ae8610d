/* The first message of RPS: its command line and its payload (activation.md 7.3). */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "protocol/activation/rps.h"

/* --- the command line -------------------------------------------------------------------------- */

struct words {
    const char *at;
    struct arena *arena;
};

/* The next word, in the arena; "" at the end, NULL without memory. */
static const char *next_word(struct words *words)
{
    words->at += strspn(words->at, " \t");
    size_t len = strcspn(words->at, " \t");
    const char *word = arena_text(words->arena, words->at, len);
    words->at += len;
    return word;
}

/* The value of an option: behind its =, or the next word. */
static enum amt_err value_of(struct words *words, const char *option, const char *inline_value,
                             const char **value, struct amt_diag *diag)
{
    *value = inline_value != NULL ? inline_value : next_word(words);
    if (*value == NULL) {
        return AMT_ENOMEM;
    }
    if ((*value)[0] == '\0' || (inline_value == NULL && (*value)[0] == '-')) {
        return amt_diag_set(diag, AMT_EMALFORMED, "%s has no value", option);
    }
    return AMT_OK;
}

static const char *const k_tasks[] = { "",       "synctime",       "synchostname",
                                       "syncip", "changepassword", "syncdeviceinfo" };

const char *rps_task_name(enum rps_task task)
{
    return k_tasks[task];
}

static enum rps_task find_task(const char *name)
{
    for (size_t i = 1; i < sizeof k_tasks / sizeof *k_tasks; i++) {
        if (strcmp(name, k_tasks[i]) == 0) {
            return (enum rps_task)i;
        }
    }
    return strcmp(name, "syncclock") == 0 ? RPS_SYNC_CLOCK : RPS_NO_TASK;
}

/* "--changepassword NEW", "--synchostname NAME": a word without dashes is the task's. */
static enum amt_err take_argument(struct rps_command *command, const char *word,
                                  struct amt_diag *diag)
{
    if (command->task == RPS_SYNC_HOST_NAME) {
        command->host_name = word;
        return AMT_OK;
    }
    if (command->task == RPS_CHANGE_PASSWORD) {
        return secret_set(&command->new_password, word, (uint32_t)strlen(word));
    }
    return amt_diag_set(diag, AMT_EMALFORMED, "an argument that belongs to no option");
}

static enum amt_err read_option(struct words *words, char *word, struct rps_command *command,
                                struct amt_diag *diag)
{
    const char *name = word + strspn(word, "-");
    char *equals = strchr(word, '=');
    const char *value = NULL;
    if (equals != NULL) {
        *equals = '\0';
    }
    const char *inline_value = equals == NULL ? NULL : equals + 1;
    if (word[0] != '-') {
        if (equals != NULL) {
            *equals = '='; /* part of a password */
        }
        return take_argument(command, word, diag);
    }
    if (strcmp(name, "profile") == 0) {
        return value_of(words, word, inline_value, &command->profile, diag);
    }
    if (strcmp(name, "password") == 0) {
        TRY(value_of(words, word, inline_value, &value, diag));
        command->has_password = true;
        return secret_set(&command->password, value, (uint32_t)strlen(value));
    }
    if (strcmp(name, "f") == 0 || strcmp(name, "force") == 0) {
        command->is_forced = true;
        return AMT_OK;
    }
    if (find_task(name) != RPS_NO_TASK && command->task == RPS_NO_TASK) {
        command->task = find_task(name);
        return inline_value == NULL ? AMT_OK : take_argument(command, inline_value, diag);
    }
    return amt_diag_set(diag, AMT_EMALFORMED, "the option %s is not known", word);
}

enum amt_err rps_command_read(const char *line, struct arena *arena, struct rps_command *command,
                              struct amt_diag *diag)
{
    static const char *const k_actions[] = { "activate", "deactivate", "maintenance" };
    struct words words = { .at = line, .arena = arena };
    const char *verb = next_word(&words);
    enum amt_err err = AMT_EUNKNOWN;
    memset(command, 0, sizeof *command);
    command->profile = command->host_name = "";
    if (verb == NULL) {
        return AMT_ENOMEM;
    }
    for (int i = 0; i < 3; i++) {
        if (strcmp(verb, k_actions[i]) == 0) {
            command->action = (enum rps_action)i;
            err = AMT_OK;
        }
    }
    if (err != AMT_OK) {
        return amt_diag_set(diag, err, "the command is not activate, deactivate or maintenance");
    }
    char *word = (char *)next_word(&words);
    while (err == AMT_OK && word != NULL && word[0] != '\0') {
        err = read_option(&words, word, command, diag);
        word = (char *)next_word(&words);
    }
    if (err == AMT_ETOOBIG) {
        err = amt_diag_set(diag, AMT_EMALFORMED, "a password is longer than any can be");
    }
    return err == AMT_OK && word == NULL ? AMT_ENOMEM : err;
}

/* --- the payload ------------------------------------------------------------------------------- */

struct reader {
    const json_t *object;
    struct arena *arena;
    bool has_failed; /* no memory */
};

static const char *text_at(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (text == NULL) {
        return "";
    }
    const char *copy = arena_text(r->arena, text, strlen(text));
    r->has_failed = r->has_failed || copy == NULL;
    return copy == NULL ? "" : copy;
}

static const char *own_text(struct reader *r, const char *key)
{
    return text_at(r, r->object, key);
}

static bool flag(const struct reader *r, const char *key)
{
    return json_is_true(json_object_get(r->object, key));
}

/* 16 numbers, in the order of the wire. */
static void read_uuid_array(struct reader *r, const json_t *array, struct rps_device *device)
{
    uint8_t wire[16];
    char text[UUID_TEXT_BYTES];
    if (json_array_size(array) != sizeof wire) {
        return;
    }
    for (size_t i = 0; i < sizeof wire; i++) {
        wire[i] = (uint8_t)json_integer_value(json_array_get(array, i));
    }
    uuid_from_wire(wire, &device->report.uuid);
    uuid_format(&device->report.uuid, text);
    const char *copy = arena_text(r->arena, text, strlen(text));
    r->has_failed = r->has_failed || copy == NULL;
    device->uuid = copy == NULL ? "" : copy;
    device->is_uuid = true;
}

static void read_uuid(struct reader *r, struct rps_device *device)
{
    const json_t *uuid = json_object_get(r->object, "uuid");
    device->uuid = "";
    if (json_is_array(uuid)) {
        read_uuid_array(r, uuid, device);
        return;
    }
    device->uuid = own_text(r, "uuid");
    device->is_uuid = uuid_parse(device->uuid, &device->report.uuid) == AMT_OK;
}

static bool read_hash(const char *hex, struct activation_hash *hash)
{
    size_t len = 0;
    if (hex == NULL || text_parse_hex(hex, hash->bytes, sizeof hash->bytes, &len) != AMT_OK) {
        return false;
    }
    hash->len = (uint32_t)len;
    hash->is_active = true; /* RPS carries no flags */
    hash->name = "";
    switch (len) {
    case 16:
        hash->type = ACTIVATION_HASH_MD5;
        return true;
    case 20:
        hash->type = ACTIVATION_HASH_SHA1;
        return true;
    case 32:
        hash->type = ACTIVATION_HASH_SHA256;
        return true;
    case 48:
        hash->type = ACTIVATION_HASH_SHA384;
        return true;
    default:
        return false;
    }
}

static void read_hashes(struct reader *r, struct rps_device *device)
{
    struct activation_report *report = &device->report;
    const json_t *hashes = json_object_get(r->object, "certHashes");
    device->has_hashes = json_array_size(hashes) > 0;
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        struct activation_hash hash = { .len = 0 };
        if (report->hash_count < ACTIVATION_HASHES_MAX &&
            read_hash(json_string_value(json_array_get(hashes, i)), &hash)) {
            report->hashes[report->hash_count++] = hash;
        }
    }
}

static uint32_t read_mode(const struct reader *r)
{
    const json_t *mode = json_object_get(r->object, "currentMode");
    json_int_t value = json_is_integer(mode) ? json_integer_value(mode) : -1;
    return value < 0 || value >= RPS_MODE_MISSING ? RPS_MODE_MISSING : (uint32_t)value;
}

static enum amt_err read_device(struct reader *r, struct rps_device *device)
{
    struct activation_report *report = &device->report;
    const json_t *host = json_object_get(r->object, "hostnameInfo");
    const json_t *ip = json_object_get(r->object, "ipConfiguration");
    const char *password = json_string_value(json_object_get(r->object, "password"));
    report->conversation = ACTIVATION_BY_RPS;
    report->version = own_text(r, "ver");
    report->build = own_text(r, "build");
    report->sku = own_text(r, "sku");
    report->host_name = own_text(r, "hostname");
    report->dns_suffix = own_text(r, "fqdn");
    report->os_dns_suffix = text_at(r, host, "dnsSuffixOS");
    report->control_mode = read_mode(r);
    report->provisioning_state = report->control_mode == 0 ? 0 : 2;
    report->is_tls_enforced = flag(r, "tlsEnforced");
    report->wired_link = -1;
    report->local_user = own_text(r, "username");
    report->client = own_text(r, "client");
    report->profile = report->peer = "";
    device->features = own_text(r, "features");
    device->friendly_name = own_text(r, "friendlyName");
    device->is_tls_tunnel = flag(r, "tlsTunnel");
    device->has_lms = flag(r, "lmsInstalled");
    device->has_progress = flag(r, "progressSupported");
    device->ip = (struct rps_ip){ .is_dhcp = json_is_true(json_object_get(ip, "dhcp")),
                                  .is_static = json_is_true(json_object_get(ip, "static")),
                                  .is_synced = json_is_true(json_object_get(ip, "ipsync")),
                                  .address = text_at(r, ip, "ipAddress"),
                                  .netmask = text_at(r, ip, "netmask"),
                                  .gateway = text_at(r, ip, "gateway"),
                                  .primary_dns = text_at(r, ip, "primaryDns"),
                                  .secondary_dns = text_at(r, ip, "secondaryDns") };
    device->os_host_name = text_at(r, host, "hostname");
    read_uuid(r, device);
    read_hashes(r, device);
    if (r->has_failed) {
        return AMT_ENOMEM;
    }
    return password == NULL
               ? AMT_OK
               : secret_set(&report->local_password, password, (uint32_t)strlen(password));
}

/* Whether a key has a text that is not empty. */
static bool is_there(const json_t *object, const char *key)
{
    return json_string_length(json_object_get(object, key)) > 0;
}

enum amt_err rps_device_read(const uint8_t *json, uint32_t len, struct arena *arena,
                             struct rps_device *device, struct amt_diag *diag)
{
    json_error_t error;
    memset(device, 0, sizeof *device);
    struct reader r = { .object = json_loadb((const char *)json, len, 0, &error), .arena = arena };
    if (r.object == NULL) {
        return amt_diag_set(diag, AMT_EMALFORMED,
                            "Failed to parse client message payload. line %d, column %d: %s",
                            error.line, error.column, error.text);
    }
    enum amt_err err = AMT_EMALFORMED;
    if (is_there(r.object, "client") && is_there(r.object, "ver") && is_there(r.object, "build") &&
        (is_there(r.object, "uuid") || json_is_array(json_object_get(r.object, "uuid")))) {
        err = read_device(&r, device);
    }
    if (err == AMT_ETOOBIG) {
        err = amt_diag_set(diag, AMT_EMALFORMED,
                           "Invalid payload from client: the password is too "
                           "long");
    } else if (err == AMT_EMALFORMED) {
        (void)amt_diag_set(diag, err, "Invalid payload from client");
    }
    json_decref((json_t *)r.object);
    return err;
}

/* --- writing the payload ----------------------------------------------------------------------- */

static void put(struct text *out, const char *key, const char *value)
{
    text_printf(out, ",\"%s\":", key);
    text_json(out, value == NULL ? "" : value, value == NULL ? 0 : strlen(value));
}

static void put_hashes(struct text *out, const struct activation_report *report)
{
    text_puts(out, ",\"certHashes\":[");
    for (uint32_t i = 0; i < report->hash_count; i++) {
        text_puts(out, i == 0 ? "\"" : ",\"");
        text_hex(out, report->hashes[i].bytes, report->hashes[i].len);
        text_puts(out, "\"");
    }
    text_puts(out, "]");
}

static void put_ip(struct text *out, const struct rps_ip *ip)
{
    text_printf(out, ",\"ipConfiguration\":{\"dhcp\":%s,\"static\":%s,\"ipsync\":%s",
                ip->is_dhcp ? "true" : "false", ip->is_static ? "true" : "false",
                ip->is_synced ? "true" : "false");
    put(out, "ipAddress", ip->address);
    put(out, "netmask", ip->netmask);
    put(out, "gateway", ip->gateway);
    put(out, "primaryDns", ip->primary_dns);
    put(out, "secondaryDns", ip->secondary_dns);
    text_puts(out, "}");
}

void rps_device_write(struct text *out, const struct rps_device *device)
{
    const struct activation_report *report = &device->report;
    text_puts(out, "{\"ver\":");
    text_json(out, report->version, strlen(report->version));
    put(out, "build", report->build);
    put(out, "sku", report->sku);
    put(out, "features", device->features);
    put(out, "uuid", device->uuid);
    put(out, "username", report->local_user);
    text_puts(out, ",\"password\":");
    text_json(out, (const char *)report->local_password.bytes, report->local_password.len);
    text_printf(out, ",\"currentMode\":%u", report->control_mode);
    put(out, "hostname", report->host_name);
    put(out, "fqdn", report->dns_suffix);
    put(out, "client", report->client);
    put_hashes(out, report);
    put_ip(out, &device->ip);
    text_puts(out, ",\"hostnameInfo\":{\"dnsSuffixOS\":");
    const char *suffix = report->os_dns_suffix == NULL ? "" : report->os_dns_suffix;
    text_json(out, suffix, strlen(suffix));
    put(out, "hostname", device->os_host_name == NULL ? report->host_name : device->os_host_name);
    text_puts(out, "}");
    if (device->friendly_name != NULL && device->friendly_name[0] != '\0') {
        put(out, "friendlyName", device->friendly_name);
    }
    text_puts(out, report->is_tls_enforced ? ",\"tlsEnforced\":true" : "");
    text_puts(out, device->is_tls_tunnel ? ",\"tlsTunnel\":true" : "");
    text_puts(out, device->has_lms ? ",\"lmsInstalled\":true" : "");
    text_puts(out, "}");
}
