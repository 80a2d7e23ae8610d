/* Variables of setup.bin from text and to text. */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/uuid.h"
#include "cli/setupbin.h"

#define VALUE_MAX SETUPBIN_BODY_BYTES

static const char *const k_algorithms[] = { "", "sha1", "sha256", "sha384" };
#define ALGORITHMS (sizeof k_algorithms / sizeof *k_algorithms)

static enum amt_err no_room(struct amt_diag *diag, const char *name)
{
    (void)amt_diag_set(diag, AMT_ECONFIG, "%s does not fit into the record any more", name);
    return amt_diag_hint(diag, "a record holds %u bytes", SETUPBIN_BODY_BYTES);
}

static enum amt_err add(struct setupbin_record *record, const struct setupbin_meaning *meaning,
                        const void *value, size_t len, struct amt_diag *diag)
{
    return len > VALUE_MAX || setupbin_add(record, meaning->module, meaning->id, value,
                                           (uint32_t)len) != AMT_OK
               ? no_room(diag, meaning->name)
               : AMT_OK;
}

static void list_choices(const struct setupbin_meaning *meaning, struct text *out)
{
    const struct setupbin_choice *choice = meaning->choices;
    for (; choice != NULL && choice->meaning != NULL; choice++) {
        text_printf(out, "%s%u (%s)", out->len == 0 ? "" : ", ", choice->value, choice->meaning);
    }
}

static enum amt_err set_number(struct setupbin_record *record,
                               const struct setupbin_meaning *meaning, const char *text,
                               struct amt_diag *diag)
{
    const struct setupbin_choice *choice = meaning->choices;
    uint64_t number = 0;
    while (choice != NULL && choice->meaning != NULL && strcasecmp(choice->meaning, text) != 0) {
        choice++;
    }
    if (choice != NULL && choice->meaning != NULL) {
        number = choice->value;
    } else if (text_parse_u64(text, meaning->max, &number) != AMT_OK) {
        struct text choices = { 0 };
        list_choices(meaning, &choices);
        (void)amt_diag_set(diag, AMT_ECONFIG, "%s: \"%s\" is no value of it", meaning->name, text);
        (void)amt_diag_hint(diag, "%s%s", choices.len == 0 ? "a number" : "one of ",
                            text_chars(&choices));
        text_fini(&choices);
        return AMT_ECONFIG;
    }
    return setupbin_add_number(record, meaning->module, meaning->id, (uint32_t)number) == AMT_OK
               ? AMT_OK
               : no_room(diag, meaning->name);
}

static uint8_t find_algorithm(const char *word, size_t len)
{
    for (uint32_t i = 1; i < ALGORITHMS; i++) {
        if (strlen(k_algorithms[i]) == len && strncmp(k_algorithms[i], word, len) == 0) {
            return (uint8_t)i;
        }
    }
    return 0;
}

/* "sha256:6dbe...:Name" */
static enum amt_err set_hash(struct setupbin_record *record, const char *text,
                             struct amt_diag *diag)
{
    uint8_t digest[48];
    size_t len = 0, type_len = strcspn(text, ":");
    uint8_t algorithm = find_algorithm(text, type_len);
    const char *hex = text[type_len] == ':' ? text + type_len + 1 : "";
    size_t hex_len = strcspn(hex, ":");
    char digits[2 * sizeof digest + 1] = "";
    if (hex_len < sizeof digits) {
        memcpy(digits, hex, hex_len);
    }
    if (algorithm == 0 || text_parse_hex(digits, digest, sizeof digest, &len) != AMT_OK ||
        len != setupbin_hash_bytes(algorithm)) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "hash: \"%s\" is no root hash", text);
        return amt_diag_hint(diag, "sha1:, sha256: or sha384: and 40, 64 or 96 hexadecimal digits, "
                                   "then :NAME");
    }
    const char *name = hex[hex_len] == ':' ? hex + hex_len + 1 : "amtlab";
    enum amt_err err = setupbin_add_hash(record, algorithm, digest, name);
    if (err == AMT_ETOOBIG && strlen(name) > SETUPBIN_HASH_NAME_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "hash: the name \"%s\" is longer than %u characters",
                            name, SETUPBIN_HASH_NAME_MAX);
    }
    return err == AMT_OK ? AMT_OK : no_room(diag, "hash");
}

static enum amt_err set_address(struct setupbin_record *record,
                                const struct setupbin_meaning *meaning, const char *text,
                                struct amt_diag *diag)
{
    uint8_t address[4], reversed[4];
    if (inet_pton(AF_INET, text, address) != 1) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s: \"%s\" is no IPv4 address", meaning->name,
                            text);
    }
    for (uint32_t i = 0; i < 4; i++) {
        reversed[i] = address[3 - i];
    }
    return add(record, meaning, reversed, sizeof reversed, diag);
}

static enum amt_err set_bytes(struct setupbin_record *record,
                              const struct setupbin_meaning *meaning, const char *text,
                              struct amt_diag *diag)
{
    uint8_t bytes[VALUE_MAX];
    size_t len = 0;
    if (meaning->id == SETUPBIN_PID || meaning->id == SETUPBIN_PPS) {
        return add(record, meaning, text, strlen(text), diag);
    }
    if (text_parse_hex(text, bytes, sizeof bytes, &len) != AMT_OK) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s: wants hexadecimal bytes", meaning->name);
    }
    return add(record, meaning, bytes, len, diag);
}

static enum amt_err set_guid(struct setupbin_record *record, const struct setupbin_meaning *meaning,
                             const char *text, struct amt_diag *diag)
{
    struct uuid uuid;
    uint8_t wire[16];
    if (uuid_parse(text, &uuid) != AMT_OK) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s: \"%s\" is no UUID", meaning->name, text);
    }
    uuid_to_wire(&uuid, wire);
    return add(record, meaning, wire, sizeof wire, diag);
}

static enum amt_err unknown_name(const char *name, struct amt_diag *diag)
{
    const char **names = amt_alloc_array(k_setupbin_meaning_count + 1, sizeof *names);
    for (uint32_t i = 0; names != NULL && i < k_setupbin_meaning_count; i++) {
        names[i] = k_setupbin_meanings[i].name;
    }
    int near = names == NULL ? -1 : text_nearest(name, names);
    (void)amt_diag_set(diag, AMT_ECONFIG, "setup.bin has no variable \"%s\"", name);
    if (near >= 0) {
        (void)amt_diag_hint(diag, "did you mean \"%s\"?", k_setupbin_meanings[near].name);
    }
    amt_free(names);
    return AMT_ECONFIG;
}

enum amt_err setupbin_set_text(struct setupbin_record *record, const char *name, const char *text,
                               struct amt_diag *diag)
{
    const struct setupbin_meaning *meaning = setupbin_meaning_of(name);
    if (meaning == NULL) {
        return unknown_name(name, diag);
    }
    if (meaning->module == SETUPBIN_AMT && meaning->id == SETUPBIN_ADD_HASH) {
        return set_hash(record, text, diag);
    }
    if (meaning->module == SETUPBIN_AMT && meaning->id == SETUPBIN_SERVER_ADDRESS) {
        return set_address(record, meaning, text, diag);
    }
    switch (meaning->type) {
    case SETUPBIN_TEXT:
        return add(record, meaning, text, strlen(text), diag);
    case SETUPBIN_NUMBER:
        return set_number(record, meaning, text, diag);
    case SETUPBIN_BYTES:
        return set_bytes(record, meaning, text, diag);
    case SETUPBIN_GUID:
        return set_guid(record, meaning, text, diag);
    }
    return AMT_EBUG;
}

enum amt_err setupbin_set_root(struct setupbin_record *record, const char *path, uint8_t algorithm,
                               const char *name, struct amt_diag *diag)
{
    const EVP_MD *const digests[] = { NULL, EVP_sha1(), EVP_sha256(), EVP_sha384() };
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read %s", path);
    }
    X509 *root = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    bool has_digest = root != NULL && X509_digest(root, digests[algorithm], digest, &len) == 1;
    X509_free(root);
    if (!has_digest) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s has no certificate in PEM form", path);
    }
    if (strlen(name) > SETUPBIN_HASH_NAME_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "the name \"%s\" is longer than %u characters", name,
                            SETUPBIN_HASH_NAME_MAX);
    }
    return setupbin_add_hash(record, algorithm, digest, name) == AMT_OK ? AMT_OK
                                                                        : no_room(diag, "hash");
}

static void put_number(struct text *out, const struct setupbin_meaning *meaning, uint32_t number)
{
    const struct setupbin_choice *choice = meaning->choices;
    while (choice != NULL && choice->meaning != NULL && choice->value != number) {
        choice++;
    }
    if (choice == NULL) {
        text_printf(out, "%u", number);
    } else {
        text_printf(out, "%s (%u)", choice->meaning == NULL ? "no such value" : choice->meaning,
                    number);
    }
}

static void put_hash(struct text *out, const struct setupbin_record *record,
                     const struct setupbin_variable *variable)
{
    struct setupbin_hash hash;
    if (setupbin_read_hash(record, variable, &hash) != AMT_OK) {
        text_puts(out, "malformed: ");
        text_hex(out, record->body + variable->value.off, variable->value.len);
        return;
    }
    text_printf(out, "%s ", k_algorithms[hash.algorithm]);
    text_hex(out, record->body + hash.digest.off, hash.digest.len);
    text_puts(out, " \"");
    text_terminal(out, (const char *)record->body + hash.name.off, hash.name.len);
    text_puts(out, "\"");
}

static bool is_shown_as_text(const struct setupbin_meaning *meaning)
{
    return meaning->type == SETUPBIN_TEXT ||
           (meaning->module == SETUPBIN_AMT &&
            (meaning->id == SETUPBIN_PID || meaning->id == SETUPBIN_PPS));
}

static void put_bytes(struct text *out, const struct setupbin_meaning *meaning,
                      const uint8_t *bytes, uint32_t len)
{
    struct uuid uuid;
    char guid[UUID_TEXT_BYTES];
    if (meaning != NULL && meaning->module == SETUPBIN_AMT &&
        meaning->id == SETUPBIN_SERVER_ADDRESS && len == 4) {
        text_printf(out, "%u.%u.%u.%u", bytes[3], bytes[2], bytes[1], bytes[0]);
    } else if (meaning != NULL && meaning->type == SETUPBIN_GUID && len == 16) {
        uuid_from_wire(bytes, &uuid);
        uuid_format(&uuid, guid);
        text_puts(out, guid);
    } else {
        text_hex(out, bytes, len);
    }
}

void setupbin_put_value(struct text *out, const struct setupbin_record *record,
                        const struct setupbin_variable *variable, bool shows_secrets)
{
    const struct setupbin_meaning *meaning = setupbin_meaning(variable->module, variable->id);
    const uint8_t *bytes = record->body + variable->value.off;
    if (!shows_secrets && (meaning == NULL || meaning->is_secret)) {
        text_puts(out, "(hidden)"); /* nobody knows what an unknown variable holds */
    } else if (meaning != NULL && is_shown_as_text(meaning)) {
        text_terminal(out, (const char *)bytes, variable->value.len);
    } else if (meaning != NULL && meaning->type == SETUPBIN_NUMBER) {
        put_number(out, meaning, setupbin_number(record, variable));
    } else if (meaning != NULL && meaning->module == SETUPBIN_AMT &&
               meaning->id == SETUPBIN_ADD_HASH) {
        put_hash(out, record, variable);
    } else {
        put_bytes(out, meaning, bytes, variable->value.len);
    }
}

enum amt_err setupbin_read_version(const char *text, struct setupbin_header *header,
                                   struct amt_diag *diag)
{
    static const char *const k_versions[] = { "1", "2", "2.0", "2.1", "3", "3.0", "4", "4.0" };
    for (size_t i = 0; i < sizeof k_versions / sizeof *k_versions; i++) {
        if (strcmp(text, k_versions[i]) == 0) {
            header->major = (uint8_t)(text[0] - '0');
            header->minor = text[1] == '.' ? (uint8_t)(text[2] - '0') : 0;
            return AMT_OK;
        }
    }
    (void)amt_diag_set(diag, AMT_ECONFIG, "version: setup.bin has no version \"%s\"", text);
    return amt_diag_hint(diag, "1 (AMT 2), 2 (AMT 3), 2.1 (AMT 4), 3 (AMT 6), 4");
}
