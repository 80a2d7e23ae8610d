/* `amtlab setupbin`: which action, and what all of them share. */
#include "cli/setupbin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FILE_MAX_BYTES 1048576u

static const struct cli_option k_options[] = {
    { "out", 0, CLI_TEXT, offsetof(struct setupbin_options, out), "FILE", "setup.bin",
      "create: write this file, - for standard output" },
    { "from", 0, CLI_TEXT, offsetof(struct setupbin_options, from), "FILE", NULL,
      "create: everything from this YAML file" },
    { "meshcentral", 0, CLI_TEXT, offsetof(struct setupbin_options, meshcentral), "LAYOUT", NULL,
      "create: as MeshCentral makes it, standard or bare-metal" },
    { "file-version", 0, CLI_TEXT, offsetof(struct setupbin_options, file_version), "VERSION", "3",
      "create: 1 (AMT 2), 2 (AMT 3), 2.1 (AMT 4), 3 (AMT 6), 4" },
    { "current-password-file", 0, CLI_TEXT,
      offsetof(struct setupbin_options, current_password_file), "FILE", NULL,
      "create: first line is the MEBx password the PC has; or AMTLAB_CURRENT_PASSWORD [admin]" },
    { "new-password-file", 0, CLI_TEXT, offsetof(struct setupbin_options, new_password_file),
      "FILE", NULL, "create: first line is the one it gets; or AMTLAB_NEW_PASSWORD" },
    { "pki-dns-suffix", 0, CLI_TEXT, offsetof(struct setupbin_options, dns_suffix), "NAME", NULL,
      "create: domain that provisioning certificates must be for (Trusted FQDN)" },
    { "root", 0, CLI_TEXTS, offsetof(struct setupbin_options, roots), "FILE", NULL,
      "create: PEM file of a root to trust, repeatable" },
    { "hash", 0, CLI_TEXTS, offsetof(struct setupbin_options, hashes), "TYPE:HEX[:NAME]", NULL,
      "create: hash of a root to trust, type sha1, sha256 or sha384, repeatable" },
    { "hash-name", 0, CLI_TEXT, offsetof(struct setupbin_options, hash_name), "NAME", NULL,
      "create: name of the roots in the PC's list [MeshCentral with --meshcentral, else amtlab]" },
    { "server-fqdn", 0, CLI_TEXT, offsetof(struct setupbin_options, server_fqdn), "NAME", NULL,
      "create: name of the configuration server" },
    { "server-address", 0, CLI_TEXT, offsetof(struct setupbin_options, server_address), "IPV4",
      NULL, "create: its address" },
    { "server-port", 0, CLI_TEXT, offsetof(struct setupbin_options, server_port), "PORT", NULL,
      "create: its port" },
    { "pps-file", 0, CLI_TEXT, offsetof(struct setupbin_options, pps_file), "FILE", NULL,
      "create: first line is the TLS-PSK secret (PPS); or AMTLAB_PPS" },
    { "passcode-file", 0, CLI_TEXT, offsetof(struct setupbin_options, passcode_file), "FILE", NULL,
      "create: first line is the enrolment passcode; or AMTLAB_PASSCODE" },
    { "value", 0, CLI_TEXTS, offsetof(struct setupbin_options, values), "VARIABLE=VALUE", NULL,
      "create: any variable that is no secret, repeatable" },
    { "consume", 0, CLI_FLAG, offsetof(struct setupbin_options, consume), "", NULL,
      "create: each PC uses a record up, instead of all taking the first" },
    { "scramble", 0, CLI_FLAG, offsetof(struct setupbin_options, scramble), "", NULL,
      "create: scramble the record (which protects nothing)" },
    { "force", 0, CLI_FLAG, offsetof(struct setupbin_options, force), "", NULL,
      "create: write a file that breaks rules, to see what a PC does" },
    { "secrets", 0, CLI_FLAG, offsetof(struct setupbin_options, secrets), "", NULL,
      "show: passwords and other secrets in clear" },
    { "json", 0, CLI_FLAG, offsetof(struct setupbin_options, json), "", NULL,
      "show: one JSON object" },
    { "state", 0, CLI_TEXT, offsetof(struct setupbin_options, state), "DIR", NULL,
      "apply: folder in which the simulated device is kept" },
    { "uuid", 0, CLI_TEXT, offsetof(struct setupbin_options, uuid), "UUID", NULL,
      "apply: which one; one that is not there yet is made, as from the factory" },
    { "profile", 0, CLI_TEXT, offsetof(struct setupbin_options, profile), "NAME", NULL,
      "apply: its profile, as with `amtlab device`" },
    { "set", 0, CLI_TEXTS, offsetof(struct setupbin_options, sets), "KEY=VALUE", NULL,
      "apply: any key of the profile, repeatable" },
    { .name = NULL },
};

static enum amt_err decode(const uint8_t *bytes, uint32_t len, struct setupbin_file *file,
                           struct amt_diag *diag)
{
    struct setupbin_fault fault;
    if (setupbin_decode_header(bytes, len, &file->header, &fault) != AMT_OK) {
        return setupbin_describe(&fault, diag);
    }
    file->records = amt_alloc_array(file->header.record_count, sizeof *file->records);
    if (file->records == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < file->header.record_count; i++) {
        if (setupbin_decode_record(bytes, len, &file->header, i, &file->records[i], &fault) !=
            AMT_OK) {
            return setupbin_describe(&fault, diag);
        }
    }
    return AMT_OK;
}

enum amt_err setupbin_load(const char *path, struct setupbin_file *file, uint8_t **bytes,
                           uint32_t *len, struct amt_diag *diag)
{
    *file = (struct setupbin_file){ .records = NULL };
    *bytes = NULL;
    *len = 0;
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return amt_diag_errno(diag, errno, "cannot read %s", path);
    }
    *bytes = amt_alloc(FILE_MAX_BYTES + 1);
    *len = *bytes == NULL ? 0 : (uint32_t)fread(*bytes, 1, FILE_MAX_BYTES + 1, in);
    (void)fclose(in);
    if (*len > FILE_MAX_BYTES) {
        return amt_diag_set(diag, AMT_EMALFORMED, "%s is larger than 1 MiB: no setup.bin", path);
    }
    enum amt_err err = *bytes == NULL ? AMT_ENOMEM : decode(*bytes, *len, file, diag);
    if (err != AMT_OK) {
        amt_diag_at(diag, path, 0, 0);
    }
    return err;
}

void setupbin_unload(struct setupbin_file *file, uint8_t *bytes, uint32_t len)
{
    if (file->records != NULL) {
        amt_wipe(file->records, file->header.record_count * sizeof *file->records);
    }
    amt_free(file->records);
    file->records = NULL;
    if (bytes != NULL) {
        amt_wipe(bytes, len);
    }
    amt_free(bytes);
}

static void print_fault(void *ctx, const struct setupbin_fault *fault)
{
    struct amt_diag diag = { .err = AMT_OK };
    (void)setupbin_describe(fault, &diag);
    (void)fprintf(stderr, "%s: %s: %s\n", (const char *)ctx,
                  setupbin_is_warning(fault->code) ? "warning" : "error", diag.text);
    if (diag.hint[0] != '\0') {
        (void)fprintf(stderr, "    %s\n", diag.hint);
    }
}

uint32_t setupbin_print_faults(const struct setupbin_file *file, const char *path)
{
    uint32_t errors = 0;
    char name[512];
    (void)snprintf(name, sizeof name, "%s", path);
    for (uint32_t i = 0; i < file->header.record_count; i++) {
        if (file->records[i].type == SETUPBIN_DATA_RECORD) {
            errors += setupbin_check(&file->header, i, &file->records[i], print_fault, name);
        }
    }
    return errors;
}

static int usage(const char *what, const char *word)
{
    (void)fprintf(stderr, "amtlab setupbin: %s %s; see: amtlab setupbin --help\n", what, word);
    return CLI_USAGE;
}

static int run_setupbin(const void *options, int argument_count, char **arguments)
{
    const struct setupbin_options *o = options;
    const char *action = arguments[0];
    bool takes_file = strcmp(action, "show") == 0 || strcmp(action, "apply") == 0;
    if (!takes_file && strcmp(action, "create") != 0) {
        return usage("unknown action", action);
    }
    if ((argument_count == 2) != takes_file) {
        return usage(takes_file ? "a file is missing for" : "no file wanted for", action);
    }
    if (!takes_file) {
        return setupbin_create(o);
    }
    return strcmp(action, "show") == 0 ? setupbin_show(o, arguments[1])
                                       : setupbin_apply(o, arguments[1]);
}

const struct cli_command k_command_setupbin = {
    .name = "setupbin",
    .arguments = "create|show FILE|apply FILE",
    .summary = "USB key files (setup.bin) that make a PC trust a server",
    .details =
        "A PC that finds the file setup.bin in the root folder of a FAT-formatted USB key while "
        "it\n"
        "boots takes its settings: a new MEBx password, the domain and the root certificate that "
        "it\n"
        "believes a provisioning server by, where that server is.\n\n"
        "  amtlab setupbin create --new-password-file FILE --pki-dns-suffix corp.example.com \\\n"
        "      --root root.crt\n"
        "  amtlab setupbin create --meshcentral bare-metal --new-password-file FILE \\\n"
        "      --pki-dns-suffix example.com --root root.crt --server-address 192.0.2.10 \\\n"
        "      --server-port 9971\n"
        "  amtlab setupbin create --from key.yaml --out setup.bin\n"
        "  amtlab setupbin show setup.bin\n"
        "  amtlab setupbin apply setup.bin --state devices --uuid UUID\n\n"
        "The YAML file:\n\n"
        "  version: 3\n"
        "  keep: true             # all PCs take the first record\n"
        "  records:\n"
        "    - scrambled: false\n"
        "      variables:\n"
        "        current-password: admin\n"
        "        new-password: N3wP@ss!\n"
        "        pki-dns-suffix: corp.example.com\n"
        "        hash: [ { file: root.crt, name: Lab } ]\n"
        "        hello: halted\n\n"
        "`apply` is a boot of a simulated device with the key in it; `amtlab device --setup-file\n"
        "FILE` plugs it in when a device starts. Each says what it did, without secrets.\n\n"
        "Exit codes: 0 done, 1 the device refused the file, 2 usage, 3 the file is damaged or "
        "breaks\n"
        "a rule, 4 a file cannot be read or written.\n",
    .options = k_options,
    .options_bytes = sizeof(struct setupbin_options),
    .arguments_min = 1,
    .arguments_max = 2,
    .run = run_setupbin,
};
