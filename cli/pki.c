/* A test PKI in one command. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/pki_make.h"
#include "cli/secret_file.h"
#include "protocol/activation/report.h"

#define DEFAULT_PASSWORD "P@ssw0rd"

struct pki_options {
    const char *out, *seed, *domain, *mps, *password_file;
    struct cli_texts mps_names, devices;
    bool list;
};

static const struct cli_option k_options[] = {
    { "out", 'o', CLI_TEXT, offsetof(struct pki_options, out), "DIR", "amtlab-pki",
      "folder for the files; made if it is not there, files of the same name are replaced" },
    { "seed", 0, CLI_TEXT, offsetof(struct pki_options, seed), "TEXT", "1",
      "the same seed and names give the same bytes" },
    { "domain", 0, CLI_TEXT, offsetof(struct pki_options, domain), "NAME", "example.com",
      "DNS suffix of the devices that are to be activated" },
    { "mps", 0, CLI_TEXT, offsetof(struct pki_options, mps), "NAME", NULL,
      "name of the MPS certificate [mps.DOMAIN]" },
    { "mps-name", 0, CLI_TEXTS, offsetof(struct pki_options, mps_names), "NAME", NULL,
      "further name or IP address of the MPS, repeatable" },
    { "device", 0, CLI_TEXTS, offsetof(struct pki_options, devices), "NAME", NULL,
      "a device that gets a TLS certificate, repeatable [amt.DOMAIN]" },
    { "password-file", 0, CLI_TEXT, offsetof(struct pki_options, password_file), "FILE", NULL,
      "first line is the password of the PFX files [" DEFAULT_PASSWORD
      "]; or AMTLAB_PFX_PASSWORD" },
    { "list", 0, CLI_FLAG, offsetof(struct pki_options, list), "", NULL,
      "print what would be made and what is wrong with each, and exit" },
    { .name = NULL },
};

static int list(void)
{
    for (uint32_t i = 0; k_pki_recipes[i].name != NULL; i++) {
        const struct pki_recipe *recipe = &k_pki_recipes[i];
        (void)printf("  %-18s %-9s %s\n", recipe->name, activation_failure_code(recipe->failure),
                     recipe->what);
    }
    return CLI_OK;
}

static enum amt_err get_password(const struct pki_options *o, struct secret *secret,
                                 struct amt_diag *diag)
{
    enum amt_err err = cli_secret(o->password_file, "AMTLAB_PFX_PASSWORD", secret, diag);
    if (err == AMT_EUNKNOWN && o->password_file == NULL) {
        err = secret_set(secret, DEFAULT_PASSWORD, (uint32_t)strlen(DEFAULT_PASSWORD));
    }
    return err;
}

/* NULL-terminated; NULL for none, or without memory. */
static const char **terminated(const struct cli_texts *texts)
{
    const char **items =
        texts->count == 0 ? NULL : amt_alloc_array(texts->count + 1u, sizeof *items);
    for (uint32_t i = 0; items != NULL && i < texts->count; i++) {
        items[i] = texts->items[i];
    }
    return items;
}

static enum amt_err make(const struct pki_options *o, const char *password, uint32_t *count,
                         struct amt_diag *diag)
{
    struct text mps = { 0 };
    text_printf(&mps, "mps.%s", o->domain);
    const char **names = terminated(&o->mps_names);
    const char **devices = terminated(&o->devices);
    struct pki_settings settings = { .folder = o->out,
                                     .seed = o->seed,
                                     .domain = o->domain,
                                     .mps_name = o->mps == NULL ? text_chars(&mps) : o->mps,
                                     .password = password,
                                     .mps_names = names,
                                     .devices = devices };
    enum amt_err err = pki_make(&settings, count, diag);
    amt_free(names);
    amt_free(devices);
    text_fini(&mps);
    return err;
}

static int run_pki(const void *options, int argument_count, char **arguments)
{
    const struct pki_options *o = options;
    struct amt_diag diag = { .err = AMT_OK };
    struct secret secret = { .len = 0 };
    char password[SECRET_MAX_BYTES + 1] = "";
    uint32_t count = 0;
    (void)argument_count;
    (void)arguments;
    if (o->list) {
        return list();
    }
    if (!activation_suffix_is_name(o->domain)) {
        (void)fprintf(stderr, "amtlab pki: --domain \"%s\" is no DNS name\n", o->domain);
        return CLI_USAGE;
    }
    enum amt_err err = get_password(o, &secret, &diag);
    if (err == AMT_OK) {
        memcpy(password, secret.bytes, secret.len);
        err = make(o, password, &count, &diag);
    }
    amt_wipe(password, sizeof password);
    secret_fini(&secret);
    if (err != AMT_OK) {
        (void)fputs("amtlab pki: ", stderr);
        amt_diag_print(&diag, stderr);
        return err == AMT_ESYS || err == AMT_EUNKNOWN || err == AMT_ETOOBIG ? CLI_ENVIRONMENT
                                                                            : CLI_INTERNAL;
    }
    (void)printf("%u files in %s; index.json says what each is for\n", count, o->out);
    return CLI_OK;
}

const struct cli_command k_command_pki = {
    .name = "pki",
    .arguments = "",
    .summary = "make a test PKI: provisioning certificates right and wrong, device and MPS",
    .details =
        "Makes what a test of activation needs, and nothing to trust: the keys come from the "
        "seed,\n"
        "so that the same command gives the same bytes on every computer. Never use them outside "
        "a\n"
        "laboratory.\n\n"
        "  root, int1, int2   the chain a device is to trust: put root's hash into the device\n"
        "  leaf               the right provisioning certificate, for vpro.DOMAIN\n"
        "  leaf-ou, leaf-wildcard   right too, in other ways\n"
        "  leaf-*             wrong, each in one way; --list names the failure that it provokes\n"
        "  tls-root, mps, device    certificates for an MPS and for devices\n\n"
        "Each is NAME.pem and NAME.key; leaves have NAME.pfx with key and chain as well, and the\n"
        "right one also comes as\n\n"
        "  leaf-legacy.pfx    RC2 and 3DES, as Windows wrote for twenty years\n"
        "  leaf-reversed.pfx  root first\n"
        "  leaf-noroot.pfx, leaf-alone.pfx   chain incomplete (ACT-F-17, ACT-F-02)\n"
        "  leaf-wrongkey.key  a key that is not the certificate's (ACT-F-28)\n\n"
        "index.json lists all with chain, failure and the hashes of the roots. activation.yaml "
        "and\n"
        "meshcentral.json hold the lines for `amtlab mps` and for MeshCentral's config.json.\n\n"
        "  amtlab pki --out pki --domain corp.example.com --mps mps.example.com\n"
        "  openssl verify -no_check_time -CAfile pki/root.pem -untrusted pki/int1.pem \\\n"
        "      -untrusted pki/int2.pem pki/leaf.pem\n\n"
        "Exit codes: 0, 2 usage, 4 a file cannot be written or read.\n",
    .options = k_options,
    .options_bytes = sizeof(struct pki_options),
    .arguments_min = 0,
    .arguments_max = 0,
    .run = run_pki,
};
