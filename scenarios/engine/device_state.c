#include "scenarios/engine/device_state.h"

#include <string.h>

#include "base/memory.h"
#include "protocol/mei/pthi.h"
#include "protocol/setupbin/variables.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/network.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/setup_file.h"

#define HASH_MAX_BYTES   64u
#define FACTORY_PASSWORD "admin"
#define MEBX_PASSWORD    "P@ssw0rd1"
#define SETUP_BIN_BYTES  1024u /* header and one record */
#define SHA256_BYTES     32u

const char *const k_device_links[] = { "up", "down", NULL };
const char *const k_device_local_ports[] = { "open", "refused", NULL };
const struct key_def k_device_setup_bin_keys[] = {
    { "pki_dns_suffix", KEY_TEXT, false, "PKI DNS suffix", NULL, NULL },
    { "root", KEY_TEXT, false, "SHA-256 of a root to trust", NULL, NULL },
    { "password", KEY_TEXT, false, "of MEBx from then on, default P@ssw0rd1", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

struct applying {
    struct case_run *run;
    struct device *device;
    struct firmware *firmware;
    struct device_host *host;
    struct amt_diag *diag;
};

static const char *words(const struct applying *a, const struct value *value)
{
    return value_written(&a->run->pool, value);
}

static bool is_word(const struct value *value, const char *word)
{
    return value->kind == VALUE_TEXT && strcmp(value->text, word) == 0;
}

static enum amt_err refuse(const struct applying *a, enum amt_err err, const char *key,
                           const char *value)
{
    return amt_diag_set(a->diag, AMT_ECONFIG, "state.%s: '%s': %s", key, value, amt_err_text(err));
}

/* --- roots --- */

static bool read_hash(const char *hex, enum keys_hash_type *type, uint8_t out[HASH_MAX_BYTES])
{
    size_t len = 0;
    if (text_parse_hex(hex, out, HASH_MAX_BYTES, &len) != AMT_OK) {
        return false;
    }
    *type = len == 20 ? KEYS_HASH_SHA1 : len == 32 ? KEYS_HASH_SHA256 : KEYS_HASH_SHA384;
    return len == 20 || len == 32 || len == 48;
}

static enum amt_err add_root(const struct applying *a, const struct value *entry, uint32_t number)
{
    const struct value *given = entry->kind == VALUE_MAP ? value_get(entry, "hash") : entry;
    const struct value *active = entry->kind == VALUE_MAP ? value_get(entry, "active") : NULL;
    const char *hex = given == NULL ? "" : words(a, given);
    const char *name = pool_printf(&a->run->pool, "scenario root %u", number);
    uint8_t bytes[HASH_MAX_BYTES];
    enum keys_hash_type type = KEYS_HASH_SHA256;
    if (!read_hash(hex, &type, bytes)) {
        return amt_diag_set(a->diag, AMT_ECONFIG,
                            "state.trusted_roots: '%s' is no hash of 40, 64 or 96 digits", hex);
    }
    enum amt_err err = keys_hash_add(a->firmware, name, type, bytes);
    if (err == AMT_OK && active != NULL && !expr_holds(active)) {
        err = keys_hash_switch(a->firmware, type, bytes, false);
    }
    return err == AMT_OK ? AMT_OK : refuse(a, err, "trusted_roots", hex);
}

static enum amt_err set_roots(const struct applying *a, const struct value *list)
{
    uint32_t number = 1;
    keys_hashes_forget_users(a->firmware);
    for (const struct value *at = list->first; at != NULL; at = at->next) {
        TRY(add_root(a, at, number));
        number += 1;
    }
    return AMT_OK;
}

/* --- the suffix --- */

static enum amt_err set_dhcp_suffix(const struct applying *a, const struct value *value)
{
    enum amt_err err = provisioning_set_dhcp_suffix(a->firmware, words(a, value));
    return err == AMT_OK ? AMT_OK : refuse(a, err, "dns_suffix", words(a, value));
}

static enum amt_err set_mebx_suffix(const struct applying *a, const struct value *value)
{
    enum amt_err err = provisioning_set_trusted_suffix(a->firmware, words(a, value));
    return err == AMT_OK ? AMT_OK : refuse(a, err, "mebx_suffix", words(a, value));
}

static const char *setup_text(const struct applying *a, const struct value *map, const char *key,
                              const char *fallback)
{
    const struct value *value = value_get(map, key);
    return value == NULL ? fallback : words(a, value);
}

static enum amt_err fill_record(const struct applying *a, const struct value *map,
                                struct setupbin_record *record)
{
    const char *suffix = setup_text(a, map, "pki_dns_suffix", NULL);
    const char *root = setup_text(a, map, "root", NULL);
    const char *password = setup_text(a, map, "password", MEBX_PASSWORD);
    uint8_t hash[SHA256_BYTES];
    size_t len = 0;
    secrets_add(&a->run->secrets, password);
    TRY(setupbin_add(record, SETUPBIN_ME, SETUPBIN_CURRENT_PASSWORD, FACTORY_PASSWORD,
                     sizeof FACTORY_PASSWORD - 1));
    TRY(setupbin_add(record, SETUPBIN_ME, SETUPBIN_NEW_PASSWORD, password,
                     (uint32_t)strlen(password)));
    if (suffix != NULL) {
        TRY(setupbin_add(record, SETUPBIN_AMT, SETUPBIN_DNS_SUFFIX, suffix,
                         (uint32_t)strlen(suffix)));
    }
    if (root == NULL) {
        return AMT_OK;
    }
    TRY(text_parse_hex(root, hash, sizeof hash, &len));
    return len != sizeof hash ? AMT_EMALFORMED
                              : setupbin_add_hash(record, KEYS_HASH_SHA256, hash, "scenario root");
}

/* A file as `amtlab setupbin create` writes it, and the boot that reads it. */
static enum amt_err boot_with_key(const struct applying *a, const struct value *map)
{
    struct setupbin_header header = { .major = 3,
                                      .flags = SETUPBIN_KEEP_RECORDS,
                                      .record_count = 1 };
    struct setupbin_record *record = pool_alloc(&a->run->pool, sizeof *record);
    uint8_t *file = pool_alloc(&a->run->pool, SETUP_BIN_BYTES);
    struct setup_file_result result;
    setupbin_record_init(record, false);
    record->number = 1;
    enum amt_err err = fill_record(a, map, record);
    if (err != AMT_OK || setupbin_note_modules(&header, record) != AMT_OK) {
        return refuse(a, err, "setup_bin", "its values make no file");
    }
    setupbin_sort(record);
    uint32_t len = setupbin_encode(&header, record, file, SETUP_BIN_BYTES);
    err = setup_file_apply(a->firmware, file, len, &result, a->diag);
    setup_file_result_fini(&result);
    return err == AMT_OK ? AMT_OK : amt_diag_while(a->diag, AMT_ECONFIG, "state.setup_bin");
}

/* --- ports, modes, the host interface --- */

static enum amt_err set_link(const struct applying *a, const struct value *value)
{
    bool is_up = is_word(value, "up");
    device_set_link(a->device, is_up);
    network_set_cable(a->firmware, is_up);
    return AMT_OK;
}

static enum amt_err set_local_ports(const struct applying *a, const struct value *value)
{
    a->host->faults.refuses_ports = is_word(value, "refused");
    return AMT_OK;
}

static enum amt_err set_allowed_modes(const struct applying *a, const struct value *value)
{
    bool has_client = is_word(value, "ccm");
    for (const struct value *at = value->kind == VALUE_LIST ? value->first : NULL; at != NULL;
         at = at->next) {
        has_client = has_client || is_word(at, "ccm");
    }
    provisioning_allow_client_mode(a->firmware, has_client);
    return AMT_OK;
}

static const struct pthi_description *find_command(const char *name)
{
    for (uint32_t i = 0; i < k_pthi_command_count; i++) {
        if (strcmp(k_pthi_commands[i].name, name) == 0) {
            return &k_pthi_commands[i];
        }
    }
    return NULL;
}

static enum amt_err set_host_status(const struct applying *a, const struct value *map)
{
    struct device_host_faults *faults = &a->host->faults;
    faults->status_count = 0;
    for (const struct value *at = map->first; at != NULL; at = at->next) {
        const struct pthi_description *command = find_command(at->key);
        int64_t status = 0;
        if (command == NULL || !value_number(at, &status) || status <= 0 ||
            faults->status_count == DEVICE_HOST_STATUSES_MAX) {
            (void)amt_diag_set(a->diag, AMT_ECONFIG,
                               "state.host_status: '%s' is no command, or has no status above 0",
                               at->key);
            return amt_diag_hint(a->diag, "such as { GetLocalSystemAccount: 16 }");
        }
        faults->statuses[faults->status_count++] =
            (struct device_host_status){ command->command, (uint32_t)status };
    }
    return AMT_OK;
}

static enum amt_err set_shown_hash(const struct applying *a, const struct value *value)
{
    a->host->faults.shows_other_hash = expr_holds(value);
    return AMT_OK;
}

static enum amt_err set_taken_hash(const struct applying *a, const struct value *value)
{
    a->host->faults.takes_other_hash = expr_holds(value);
    return AMT_OK;
}

static const struct state_key {
    const char *key;
    enum amt_err (*apply)(const struct applying *a, const struct value *value);
} k_keys[] = { { "trusted_roots", set_roots },
               { "dns_suffix", set_dhcp_suffix },
               { "mebx_suffix", set_mebx_suffix },
               { "setup_bin", boot_with_key },
               { "link", set_link },
               { "local_ports", set_local_ports },
               { "allowed_modes", set_allowed_modes },
               { "host_status", set_host_status },
               { "shows_other_hash", set_shown_hash },
               { "takes_other_hash", set_taken_hash } };

static const struct state_key *find(const char *key)
{
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        if (strcmp(k_keys[i].key, key) == 0) {
            return &k_keys[i];
        }
    }
    return NULL;
}

bool device_state_is_key(const char *key)
{
    return find(key) != NULL;
}

enum amt_err device_state_apply(struct case_run *run, struct device *device,
                                struct device_host *host, const struct value *state,
                                struct amt_diag *diag)
{
    struct applying a = { run, device, device_firmware(device, diag), host, diag };
    if (a.firmware == NULL) {
        return diag->err;
    }
    for (const struct value *at = state == NULL ? NULL : state->first; at != NULL; at = at->next) {
        const struct state_key *key = find(at->key);
        TRY(key == NULL ? AMT_OK : key->apply(&a, at));
    }
    return AMT_OK;
}
