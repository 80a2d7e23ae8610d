/* `amtlab import`: from a capture to a recording and drafts of scenarios. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "scenarios/replay/draft.h"
#include "scenarios/replay/import.h"

#define NAME_BYTES 128u

struct import_options {
    const char *key_log, *out, *tshark;
    uint64_t port;
    bool force;
};

static const struct cli_option k_options[] = {
    { "keylog", 0, CLI_TEXT, offsetof(struct import_options, key_log), "FILE", NULL,
      "keys of the TLS sessions (SSLKEYLOGFILE format); not needed when they are in the capture" },
    { "out", 'o', CLI_TEXT, offsetof(struct import_options, out), "DIR", ".",
      "folder for the recording and the drafts" },
    { "port", 0, CLI_NUMBER, offsetof(struct import_options, port), "N", "0",
      "only connections to this port of the server; 0 = all that begin as APF or TLS does" },
    { "tshark", 0, CLI_TEXT, offsetof(struct import_options, tshark), "PROGRAM", "tshark",
      "program that decrypts TLS" },
    { "force", 0, CLI_FLAG, offsetof(struct import_options, force), "", NULL,
      "write over files that are there" },
    { .name = NULL },
};

/* Letters, digits and '-' of the capture's name; that of the device behind it when there are several. */
static void make_name(const char *path, const struct imported *imported, bool is_one_of_many,
                      char out[static NAME_BYTES])
{
    static const char k_upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char k_plain[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    const char *base = strrchr(path, '/');
    base = base == NULL ? path : base + 1;
    const char *dot = strchr(base, '.');
    size_t len = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);
    size_t n = 0;
    for (size_t i = 0; i < len && n < NAME_BYTES / 2; i++) {
        const char *upper = strchr(k_upper, base[i]);
        const char *plain = strchr(k_plain, base[i]);
        bool is_letter = upper != NULL && *upper != '\0';
        char shown = '-';
        if (is_letter) {
            shown = k_plain[upper - k_upper];
        } else if (plain != NULL) {
            shown = base[i];
        }
        out[n++] = shown;
    }
    out[n] = '\0';
    if (is_one_of_many) {
        char uuid[UUID_TEXT_BYTES];
        uuid_format(&imported->uuid, uuid);
        (void)snprintf(out + n, NAME_BYTES - n, "-%s", imported->has_uuid ? uuid : "unknown");
    }
}

/* Mode 0600: a capture may hold what its owner does not show. */
static enum amt_err write_file(const struct import_options *o, const char *name, const char *suffix,
                               const struct text *text, struct amt_diag *diag)
{
    struct text path = { 0 };
    text_printf(&path, "%s/%s%s", o->out, name, suffix);
    if (path.failed || text->failed) {
        text_fini(&path);
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (o->force ? O_TRUNC : O_EXCL);
    int file = open(text_chars(&path), flags, S_IRUSR | S_IWUSR);
    FILE *out = file < 0 ? NULL : fdopen(file, "w");
    enum amt_err err = AMT_OK;
    if (out == NULL) {
        err = amt_diag_errno(diag, errno, "cannot write %s", text_chars(&path));
        if (errno == EEXIST) {
            (void)amt_diag_hint(diag, "--force writes over it, --out DIR writes elsewhere");
        }
    } else {
        (void)fwrite(text_chars(text), 1, text->len, out);
        bool is_written = ferror(out) == 0;
        is_written = fclose(out) == 0 && is_written;
        err =
            is_written ? AMT_OK : amt_diag_errno(diag, errno, "cannot write %s", text_chars(&path));
    }
    if (err == AMT_OK) {
        (void)puts(text_chars(&path));
    }
    text_fini(&path);
    return err;
}

static enum amt_err write_one(const struct import_options *o, const struct imported *imported,
                              const char *name, struct amt_diag *diag)
{
    static const char *const k_suffixes[] = { "-server.yaml", "-device.yaml" };
    struct text text = { 0 };
    char recording[NAME_BYTES + 16];
    recording_write(imported->recording, &text);
    enum amt_err err = write_file(o, name, ".amtrec", &text, diag);
    text_fini(&text);
    (void)snprintf(recording, sizeof recording, "%s.amtrec", name);
    for (int device = 1; device >= 0 && err == AMT_OK; device--) {
        const struct draft_settings settings = { .name = name,
                                                 .recording = recording,
                                                 .plays_device = device == 1 };
        draft_write(imported->recording, &settings, &text);
        err = write_file(o, name, k_suffixes[device], &text, diag);
        text_fini(&text);
    }
    return err;
}

static int import(const struct import_options *o, const char *path, struct amt_diag *diag)
{
    const struct import_settings settings = {
        .path = path, .key_log = o->key_log, .tshark = o->tshark, .port = (uint16_t)o->port
    };
    if (o->key_log != NULL && access(o->key_log, R_OK) != 0) {
        (void)amt_diag_errno(diag, errno, "cannot read the key log %s", o->key_log);
        return CLI_ENVIRONMENT;
    }
    struct imported *list = import_capture(&settings, diag);
    if (list == NULL) {
        return diag->err == AMT_ESYS ? CLI_ENVIRONMENT : CLI_INVALID;
    }
    enum amt_err err = AMT_OK;
    for (const struct imported *at = list; at != NULL && err == AMT_OK; at = at->next) {
        char name[NAME_BYTES];
        make_name(path, at, list->next != NULL, name);
        err = write_one(o, at, name, diag);
    }
    imported_free(list);
    return err == AMT_OK ? CLI_OK : CLI_ENVIRONMENT;
}

static int run_import(const void *options, int argument_count, char **arguments)
{
    const struct import_options *o = options;
    struct amt_diag diag = { .err = AMT_OK };
    (void)argument_count;
    if (o->port > 65535) {
        (void)fputs("amtlab import: --port is 0 to 65535\n", stderr);
        return CLI_USAGE;
    }
    int result = import(o, arguments[0], &diag);
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab import: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    return result;
}

const struct cli_command k_command_import = {
    .name = "import",
    .arguments = "CAPTURE",
    .summary = "make a recording and scenarios from a capture",
    .details =
        "Reads pcapng or pcap: a capture of amtlab mps or device (--capture), or one taken on the\n"
        "wire. TLS is decrypted by tshark (Debian package tshark) with a key log of one of the "
        "two\n"
        "ends. For each device in the capture it writes\n\n"
        "  NAME.amtrec         the recording\n"
        "  NAME-device.yaml    a scenario that plays the device against a server\n"
        "  NAME-server.yaml    a scenario that plays the server against a device\n\n"
        "  amtlab import field.pcapng\n"
        "  amtlab import wire.pcap --keylog keys.txt --out scenarios/field\n"
        "  amtlab run field-device.yaml --target mps=HOST:4433\n\n"
        "The scenarios are drafts: docs/record.md says how to go on from there. Printed are the\n"
        "files' names.\n\n"
        "Exit codes: 0 written, 2 usage, 3 no capture, a gap in it, no APF or no keys, 4 a file\n"
        "cannot be read or written, tshark is missing.\n",
    .options = k_options,
    .options_bytes = sizeof(struct import_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run_import,
};
