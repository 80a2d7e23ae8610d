/* `amtlab setupbin create`: a file from options, or from YAML. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/secret.h"
#include "cli/secret_file.h"
#include "cli/setupbin.h"

#define FACTORY_PASSWORD "admin"
#define SHA1             1u
#define SHA256           2u

static int complain(const struct amt_diag *diag, int result)
{
    (void)fputs("amtlab setupbin: ", stderr);
    amt_diag_print(diag, stderr);
    return result;
}

/* Nothing when there is no such secret; *is_there tells. */
static enum amt_err add_secret(struct setupbin_record *record, const char *name, const char *path,
                               const char *variable, bool *is_there, struct amt_diag *diag)
{
    struct secret secret = { .len = 0 };
    char text[SECRET_MAX_BYTES + 1];
    enum amt_err err = cli_secret(path, variable, &secret, diag);
    *is_there = err == AMT_OK;
    if (err == AMT_OK) {
        memcpy(text, secret.bytes, secret.len);
        text[secret.len] = '\0';
        err = setupbin_set_text(record, name, text, diag);
    }
    amt_wipe(text, sizeof text);
    secret_fini(&secret);
    return err == AMT_EUNKNOWN ? AMT_OK : err;
}

static enum amt_err add_passwords(struct setupbin_record *record, const struct setupbin_options *o,
                                  struct amt_diag *diag)
{
    bool is_there = false;
    TRY(add_secret(record, "current-password", o->current_password_file, "AMTLAB_CURRENT_PASSWORD",
                   &is_there, diag));
    if (!is_there) {
        TRY(setupbin_set_text(record, "current-password", FACTORY_PASSWORD, diag));
    }
    TRY(add_secret(record, "new-password", o->new_password_file, "AMTLAB_NEW_PASSWORD", &is_there,
                   diag));
    TRY(add_secret(record, "pps", o->pps_file, "AMTLAB_PPS", &is_there, diag));
    return add_secret(record, "passcode", o->passcode_file, "AMTLAB_PASSCODE", &is_there, diag);
}

static enum amt_err add_text(struct setupbin_record *record, const char *name, const char *text,
                             struct amt_diag *diag)
{
    return text == NULL ? AMT_OK : setupbin_set_text(record, name, text, diag);
}

/* A type and a digest without a name get the one of --hash-name. */
static enum amt_err add_named_hash(struct setupbin_record *record, const char *hash,
                                   const char *name, struct amt_diag *diag)
{
    struct text whole = { 0 };
    const char *first = strchr(hash, ':');
    bool has_name = first != NULL && strchr(first + 1, ':') != NULL;
    text_printf(&whole, "%s%s%s", hash, has_name ? "" : ":", has_name ? "" : name);
    enum amt_err err = setupbin_set_text(record, "hash", text_chars(&whole), diag);
    text_fini(&whole);
    return err;
}

static enum amt_err add_hashes(struct setupbin_record *record, const struct setupbin_options *o,
                               const struct setupbin_header *header, struct amt_diag *diag)
{
    const char *name = o->hash_name != NULL     ? o->hash_name
                       : o->meshcentral != NULL ? "MeshCentral"
                                                : "amtlab";
    for (uint32_t i = 0; i < o->roots.count; i++) {
        TRY(setupbin_set_root(record, o->roots.items[i], header->major < 3 ? SHA1 : SHA256, name,
                              diag));
    }
    for (uint32_t i = 0; i < o->hashes.count; i++) {
        TRY(add_named_hash(record, o->hashes.items[i], name, diag));
    }
    return AMT_OK;
}

static enum amt_err add_value(struct setupbin_record *record, const char *assignment,
                              struct amt_diag *diag)
{
    const char *equals = strchr(assignment, '=');
    char name[64] = "";
    size_t len = equals == NULL ? 0 : (size_t)(equals - assignment);
    if (len == 0 || len >= sizeof name) {
        return amt_diag_set(diag, AMT_ECONFIG, "--value wants VARIABLE=VALUE");
    }
    memcpy(name, assignment, len);
    const struct setupbin_meaning *meaning = setupbin_meaning_of(name);
    if (meaning != NULL && meaning->is_secret) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "%s is a secret and may not stand in an argument",
                           name);
        return amt_diag_hint(diag, "use --%s-file or --from", name);
    }
    return setupbin_set_text(record, name, equals + 1, diag);
}

static enum amt_err add_values(struct setupbin_record *record, const struct setupbin_options *o,
                               struct amt_diag *diag)
{
    for (uint32_t i = 0; i < o->values.count; i++) {
        TRY(add_value(record, o->values.items[i], diag));
    }
    return AMT_OK;
}

static enum amt_err want(bool is_there, const char *option, const struct setupbin_options *o,
                         struct amt_diag *diag)
{
    return is_there ? AMT_OK
                    : amt_diag_set(diag, AMT_ECONFIG, "--meshcentral %s wants %s", o->meshcentral,
                                   option);
}

/* MeshCentral's two files (activation.md 9.3): the bare-metal one names the server and starts hello. */
static enum amt_err add_meshcentral(struct setupbin_record *record,
                                    const struct setupbin_options *o, struct amt_diag *diag)
{
    bool is_bare_metal = strcmp(o->meshcentral, "bare-metal") == 0;
    if (!is_bare_metal && strcmp(o->meshcentral, "standard") != 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "--meshcentral wants standard or bare-metal");
    }
    TRY(want(o->dns_suffix != NULL, "--pki-dns-suffix", o, diag));
    TRY(want(o->roots.count + o->hashes.count > 0, "--root or --hash", o, diag));
    if (is_bare_metal) {
        TRY(want(o->server_address != NULL, "--server-address", o, diag));
        TRY(want(o->server_port != NULL, "--server-port", o, diag));
        TRY(add_text(record, "server-fqdn", o->server_fqdn == NULL ? o->dns_suffix : NULL, diag));
    }
    return setupbin_set_text(record, "hello", is_bare_metal ? "started" : "halted", diag);
}

static enum amt_err fill(struct setupbin_file *file, const struct setupbin_options *o,
                         struct amt_diag *diag)
{
    struct setupbin_record *record = &file->records[0];
    setupbin_record_init(record, o->scramble);
    TRY(setupbin_read_version(o->file_version, &file->header, diag));
    file->header.flags = o->consume ? 0 : SETUPBIN_KEEP_RECORDS;
    TRY(add_passwords(record, o, diag));
    TRY(add_text(record, "pki-dns-suffix", o->dns_suffix, diag));
    TRY(add_text(record, "server-fqdn", o->server_fqdn, diag));
    TRY(add_hashes(record, o, &file->header, diag));
    TRY(add_text(record, "server-address", o->server_address, diag));
    TRY(add_text(record, "server-port", o->server_port, diag));
    if (o->meshcentral != NULL) {
        TRY(add_meshcentral(record, o, diag));
    }
    return add_values(record, o, diag);
}

static bool has_content_options(const struct setupbin_options *o)
{
    return o->meshcentral != NULL || o->dns_suffix != NULL || o->server_fqdn != NULL ||
           o->server_address != NULL || o->server_port != NULL || o->roots.count > 0 ||
           o->hashes.count > 0 || o->values.count > 0 || o->consume || o->scramble;
}

static int make_file(struct setupbin_file *file, const struct setupbin_options *o)
{
    struct amt_diag diag = { .err = AMT_OK };
    if (o->from != NULL) {
        if (has_content_options(o)) {
            (void)fputs("amtlab setupbin: --from takes everything from the file; no options "
                        "besides it\n",
                        stderr);
            return CLI_USAGE;
        }
        enum amt_err err = setupbin_read_yaml(o->from, file);
        return err == AMT_OK ? -1 : err == AMT_ESYS ? CLI_ENVIRONMENT : CLI_INVALID;
    }
    file->header.record_count = 1;
    file->records = amt_alloc(sizeof *file->records);
    if (file->records == NULL) {
        return CLI_INTERNAL;
    }
    enum amt_err err = fill(file, o, &diag);
    return err == AMT_OK ? -1 : complain(&diag, err == AMT_ESYS ? CLI_ENVIRONMENT : CLI_USAGE);
}

/* Only for the owner: passwords are in it. */
static int write_out(const char *path, const uint8_t *bytes, uint32_t len)
{
    struct amt_diag diag = { .err = AMT_OK };
    bool is_stdout = strcmp(path, "-") == 0;
    int fd = is_stdout ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    uint32_t done = 0;
    while (fd >= 0 && done < len) {
        ssize_t count = write(fd, bytes + done, len - done);
        if (count < 0 && errno != EINTR) {
            break;
        }
        done += count > 0 ? (uint32_t)count : 0;
    }
    int reason = errno;
    bool is_closed = is_stdout || fd < 0 || close(fd) == 0;
    if (fd >= 0 && done == len && is_closed) {
        return CLI_OK;
    }
    (void)amt_diag_errno(&diag, done == len ? errno : reason, "cannot write %s", path);
    return complain(&diag, CLI_ENVIRONMENT);
}

static int encode_and_write(struct setupbin_file *file, const struct setupbin_options *o)
{
    for (uint32_t i = 0; i < file->header.record_count; i++) {
        file->records[i].number = i + 1;
        if (setupbin_note_modules(&file->header, &file->records[i]) != AMT_OK) {
            return CLI_INTERNAL;
        }
        if (!o->force || o->from == NULL) {
            setupbin_sort(&file->records[i]);
        }
    }
    if (setupbin_print_faults(file, o->out) > 0 && !o->force) {
        (void)fputs("amtlab setupbin: no file was written; --force writes it all the same\n",
                    stderr);
        return CLI_INVALID;
    }
    uint32_t len = setupbin_encode(&file->header, file->records, NULL, 0);
    uint8_t *bytes = amt_alloc(len);
    if (bytes == NULL) {
        return CLI_INTERNAL;
    }
    (void)setupbin_encode(&file->header, file->records, bytes, len);
    int result = write_out(o->out, bytes, len);
    amt_wipe(bytes, len);
    amt_free(bytes);
    return result;
}

int setupbin_create(const struct setupbin_options *options)
{
    struct setupbin_file file = { .records = NULL };
    int result = make_file(&file, options);
    if (result < 0) {
        result = encode_and_write(&file, options);
    }
    setupbin_unload(&file, NULL, 0);
    return result;
}
