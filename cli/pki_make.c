#include "cli/pki_make.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/memory.h"
#include "base/text.h"

#define ORGANIZATION   "amtlab test"
#define RIGHT_USAGES   "serverAuth,2.16.840.1.113741.1.2.3"
#define CONSOLE_USAGES "serverAuth,2.16.840.1.113741.1.2.1,2.16.840.1.113741.1.2.2"
#define ELSEWHERE      "vpro.elsewhere.test"
#define RIGHT_UNIT     "Intel(R) Client Setup Certificate"
#define RSA_BITS       2048u
#define RSA_SHORT_BITS 1024u
#define SERIAL_FIRST   0x1001u
#define RECIPES_MAX    32u
#define DEVICES_MAX    64u
#define S_2020         UINT64_C(1577836800)
#define S_2021         UINT64_C(1609459200)
#define S_2048         UINT64_C(2461449600)
#define S_2050         UINT64_C(2524607999)
#define LEAF(n, h, u)  .name = (n), .kind = PKI_PROVISIONING, .host = (h), .usages = (u)

/* A leaf under the right chain, with the key that all of them share. */
#define USUAL(n, h, u) LEAF(n, h, u), .issuer = "int2", .key = "leaf"

const struct pki_recipe k_pki_recipes[] = {
    { .name = "root", .other = "amtlab test root", .what = "root that devices are to trust" },
    { .name = "int1",
      .issuer = "root",
      .other = "amtlab test intermediate 1",
      .what = "first intermediate" },
    { .name = "int2",
      .issuer = "int1",
      .other = "amtlab test intermediate 2",
      .what = "second intermediate, issuer of the leaves" },
    { .name = "int3",
      .issuer = "int2",
      .other = "amtlab test intermediate 3",
      .what = "third intermediate: one too many" },
    { .name = "root-other", .other = "amtlab test other root", .what = "root nobody trusts" },
    { .name = "root-sha1",
      .other = "amtlab test SHA-1 root",
      .digest = "sha1",
      .what = "root signed with SHA-1" },
    { .name = "root-1024",
      .other = "amtlab test short root",
      .bits = RSA_SHORT_BITS,
      .what = "root with a key of 1024 bits" },
    { USUAL("leaf", "vpro", RIGHT_USAGES), .what = "right" },
    { USUAL("leaf-ou", "vpro", "serverAuth"), .unit = RIGHT_UNIT,
      .what = "right: marked by its OU instead of the usage" },
    { USUAL("leaf-wildcard", "*", RIGHT_USAGES), .what = "right: wildcard name" },
    { USUAL("leaf-otherdomain", NULL, RIGHT_USAGES), .other = ELSEWHERE,
      .what = "name of another domain", .failure = ACT_F_NO_CERTIFICATE_FOR_SUFFIX },
    { USUAL("leaf-san", NULL, RIGHT_USAGES), .other = ELSEWHERE, .has_domain_names = true,
      .what = "the domain is in the subjectAltName only",
      .failure = ACT_F_NO_CERTIFICATE_FOR_SUFFIX },
    { LEAF("leaf-otherroot", "vpro", RIGHT_USAGES), .issuer = "root-other", .key = "leaf",
      .what = "under a root that no device trusts", .failure = ACT_F_ROOT_NOT_TRUSTED },
    { USUAL("leaf-nousage", "vpro", "serverAuth"), .what = "neither usage nor OU of activation",
      .failure = ACT_F_USAGE_MISSING },
    { USUAL("leaf-consoleusage", "vpro", CONSOLE_USAGES),
      .what = "usages of console and agent, not of activation", .failure = ACT_F_USAGE_MISSING },
    { USUAL("leaf-oucase", "vpro", "serverAuth"), .unit = "intel(r) client setup certificate",
      .what = "OU in the wrong case", .failure = ACT_F_OU_WRONG_CASE },
    { USUAL("leaf-noserverauth", "vpro", "2.16.840.1.113741.1.2.3"),
      .what = "usage serverAuth missing", .failure = ACT_F_SERVER_AUTH_MISSING },
    { LEAF("leaf-1024", "vpro", RIGHT_USAGES), .issuer = "int2", .bits = RSA_SHORT_BITS,
      .what = "key of 1024 bits", .failure = ACT_F_KEY_TOO_SHORT },
    { LEAF("leaf-root-1024", "vpro", RIGHT_USAGES), .issuer = "root-1024", .key = "leaf",
      .what = "root with a key of 1024 bits", .failure = ACT_F_KEY_TOO_SHORT },
    { USUAL("leaf-sha1", "vpro", RIGHT_USAGES), .digest = "sha1", .what = "signed with SHA-1",
      .failure = ACT_F_SHA1_NOT_SUPPORTED },
    { LEAF("leaf-root-sha1", "vpro", RIGHT_USAGES), .issuer = "root-sha1", .key = "leaf",
      .what = "root signed with SHA-1", .failure = ACT_F_SHA1_NOT_SUPPORTED },
    { LEAF("leaf-5chain", "vpro", RIGHT_USAGES), .issuer = "int3", .key = "leaf",
      .what = "chain of five certificates", .failure = ACT_F_CHAIN_TOO_LONG },
    { USUAL("leaf-expired", "vpro", RIGHT_USAGES), .not_before_s = S_2020, .not_after_s = S_2021,
      .what = "expired at the end of 2020", .failure = ACT_F_CERTIFICATE_EXPIRED },
    { USUAL("leaf-future", "vpro", RIGHT_USAGES), .not_before_s = S_2048, .not_after_s = S_2050,
      .what = "not valid before 2048", .failure = ACT_F_CERTIFICATE_EXPIRED },
    { USUAL("leaf-nocn", NULL, RIGHT_USAGES), .what = "no Common Name",
      .failure = ACT_F_CERTIFICATE_LOAD },
    { USUAL("leaf-badsig", "vpro", RIGHT_USAGES), .has_broken_signature = true,
      .what = "signature damaged", .failure = ACT_F_CHAIN_BROKEN },
    { .name = NULL },
};

struct maker {
    const struct pki_settings *settings;
    struct pki_identity *made[RECIPES_MAX];
    struct text index; /* index.json */
    uint32_t files;
    struct amt_diag *diag;
};

/* --- files --- */

static const char *path_in(const struct maker *m, struct text *path, const char *name,
                           const char *suffix)
{
    text_fini(path);
    text_printf(path, "%s/%s%s", m->settings->folder, name, suffix);
    return text_chars(path);
}

static enum amt_err write_text(struct maker *m, const char *name, const struct text *content)
{
    struct text path = { 0 };
    FILE *file = content->failed ? NULL : fopen(path_in(m, &path, name, ""), "we");
    bool good = file != NULL && fwrite(content->chars, 1, content->len, file) == content->len;
    enum amt_err err = AMT_OK;
    if (file != NULL) {
        good = fclose(file) == 0 && good;
    }
    if (!good) {
        err = amt_diag_errno(m->diag, errno, "cannot write %s", text_chars(&path));
        (void)amt_diag_hint(m->diag, "check the folder's rights and space");
    }
    m->files += 1;
    text_fini(&path);
    return err;
}

/* NAME.pem holds the certificate alone, as MeshCentral's certfiles want it. */
static enum amt_err save_pem(struct maker *m, const char *name, const struct pki_identity *identity)
{
    struct text certificate = { 0 };
    struct text key = { 0 };
    struct pki_identity *alone = pki_identity_of(pki_certificate(identity), pki_key(identity));
    enum amt_err err = alone == NULL ? AMT_ENOMEM
                                     : pki_save(alone, path_in(m, &certificate, name, ".pem"),
                                                path_in(m, &key, name, ".key"), m->diag);
    pki_identity_free(alone);
    text_fini(&certificate);
    text_fini(&key);
    m->files += 2;
    return err;
}

static enum amt_err save_pfx(struct maker *m, const char *name, const struct pki_identity *identity,
                             struct pki_pfx pfx)
{
    struct text path = { 0 };
    pfx.password = m->settings->password;
    pfx.seed = m->settings->seed;
    enum amt_err err = pki_save_pfx(identity, path_in(m, &path, name, ".pfx"), &pfx, m->diag);
    text_fini(&path);
    m->files += 1;
    return err;
}

/* --- index.json: what is what --- */

static void index_hash(struct text *index, const char *name, const EVP_MD *digest,
                       const struct pki_identity *identity)
{
    uint8_t bytes[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (X509_digest(pki_certificate(identity), digest, bytes, &len) == 1) {
        text_printf(index, ", \"%s\": \"", name);
        text_hex(index, bytes, len);
        text_puts(index, "\"");
    }
}

static int find(const char *name)
{
    for (int i = 0; k_pki_recipes[i].name != NULL; i++) {
        if (strcmp(k_pki_recipes[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static void index_entry(struct maker *m, const struct pki_recipe *recipe,
                        const struct pki_identity *identity)
{
    struct text *index = &m->index;
    text_printf(index, "%s\n  {\"name\": \"%s\", \"what\": ", index->len > 1 ? "," : "",
                recipe->name);
    text_json(index, recipe->what, strlen(recipe->what));
    text_printf(index, ", \"failure\": \"%s\", \"chain\": [",
                activation_failure_code(recipe->failure));
    for (const struct pki_recipe *at = recipe; at != NULL;
         at = at->issuer == NULL ? NULL : &k_pki_recipes[find(at->issuer)]) {
        text_printf(index, "%s\"%s.pem\"", at == recipe ? "" : ", ", at->name);
    }
    text_puts(index, "]");
    if (recipe->issuer == NULL) {
        index_hash(index, "sha1", EVP_sha1(), identity);
        index_hash(index, "sha256", EVP_sha256(), identity);
        index_hash(index, "sha384", EVP_sha384(), identity);
    }
    text_puts(index, "}");
}

/* --- certificates --- */

static struct pki_identity *issue(struct maker *m, const char *key_purpose, uint32_t bits,
                                  struct pki_request *request, const struct pki_identity *issuer)
{
    EVP_PKEY *key = pki_seed_rsa(m->settings->seed, key_purpose, bits == 0 ? RSA_BITS : bits);
    request->given_key = key;
    request->organization = ORGANIZATION;
    request->digest = request->digest == NULL ? "sha256" : request->digest;
    struct pki_identity *identity = key == NULL ? NULL : pki_issue(request, issuer, m->diag);
    if (key == NULL) {
        (void)amt_diag_set(m->diag, AMT_EBUG, "OpenSSL made no RSA key of %u bits", bits);
    }
    EVP_PKEY_free(key);
    return identity;
}

static struct pki_identity *cook(struct maker *m, const struct pki_recipe *recipe)
{
    struct text name = { 0 };
    const char *const k_names[] = { m->settings->domain, NULL };
    const char *issuer = recipe->issuer;
    if (recipe->host != NULL) {
        text_printf(&name, "%s.%s", recipe->host, m->settings->domain);
    } else if (recipe->other != NULL) {
        text_puts(&name, recipe->other);
    }
    struct pki_request request = {
        .common_name = name.len == 0 ? NULL : text_chars(&name),
        .unit = recipe->unit,
        .usages = recipe->usages,
        .digest = recipe->digest,
        .names = recipe->has_domain_names ? k_names : NULL,
        .is_authority = recipe->kind == PKI_AUTHORITY,
        .not_before_s = recipe->not_before_s,
        .not_after_s = recipe->not_after_s,
        .serial = SERIAL_FIRST + (uint64_t)find(recipe->name),
        .has_broken_signature = recipe->has_broken_signature,
    };
    struct pki_identity *identity =
        issue(m, recipe->key == NULL ? recipe->name : recipe->key, recipe->bits, &request,
              issuer == NULL ? NULL : m->made[find(issuer)]);
    text_fini(&name);
    return identity;
}

static enum amt_err make_recipes(struct maker *m)
{
    for (uint32_t i = 0; k_pki_recipes[i].name != NULL; i++) {
        const struct pki_recipe *recipe = &k_pki_recipes[i];
        m->made[i] = cook(m, recipe);
        if (m->made[i] == NULL) {
            return AMT_EBUG;
        }
        TRY(save_pem(m, recipe->name, m->made[i]));
        if (recipe->kind == PKI_PROVISIONING) {
            TRY(save_pfx(m, recipe->name, m->made[i], (struct pki_pfx){ .seed = NULL }));
        }
        index_entry(m, recipe, m->made[i]);
    }
    return AMT_OK;
}

/* The right certificate in every form it may come in, and in the forms that cannot work. */
static enum amt_err make_forms(struct maker *m)
{
    const struct pki_identity *leaf = m->made[find("leaf")];
    TRY(save_pfx(m, "leaf-legacy", leaf, (struct pki_pfx){ .is_legacy = true }));
    TRY(save_pfx(m, "leaf-reversed", leaf, (struct pki_pfx){ .is_reversed = true }));
    TRY(save_pfx(m, "leaf-noroot", leaf, (struct pki_pfx){ .skip_from_above = 1 }));
    TRY(save_pfx(m, "leaf-alone", leaf, (struct pki_pfx){ .skip_from_above = 3 }));
    EVP_PKEY *other = pki_seed_rsa(m->settings->seed, "wrong-key", RSA_BITS);
    struct pki_identity *wrong =
        other == NULL ? NULL : pki_identity_of(pki_certificate(leaf), other);
    enum amt_err err = wrong == NULL ? AMT_ENOMEM : save_pem(m, "leaf-wrongkey", wrong);
    pki_identity_free(wrong);
    EVP_PKEY_free(other);
    return err;
}

static enum amt_err make_server_or_device(struct maker *m, const char *file, const char *name,
                                          const char *const *names, uint64_t serial,
                                          const struct pki_identity *root)
{
    struct pki_request request = { .common_name = name,
                                   .names = names,
                                   .for_server = true,
                                   .for_client = true,
                                   .serial = serial };
    struct pki_identity *identity = issue(m, file, RSA_BITS, &request, root);
    if (identity == NULL) {
        return AMT_EBUG;
    }
    enum amt_err err = save_pem(m, file, identity);
    pki_identity_free(identity);
    return err;
}

static enum amt_err make_devices(struct maker *m, const struct pki_identity *root, uint64_t serial)
{
    struct text usual = { 0 };
    text_printf(&usual, "amt.%s", m->settings->domain);
    const char *const k_usual[] = { text_chars(&usual), NULL };
    const char *const *names = m->settings->devices == NULL ? k_usual : m->settings->devices;
    enum amt_err err = usual.failed ? AMT_ENOMEM : AMT_OK;
    for (uint32_t i = 0; err == AMT_OK && names[i] != NULL && i < DEVICES_MAX; i++) {
        char file[24];
        (void)snprintf(file, sizeof file, i == 0 ? "device" : "device-%u", i + 1);
        err = make_server_or_device(m, file, names[i], NULL, serial + i, root);
    }
    text_fini(&usual);
    return err;
}

static enum amt_err make_others(struct maker *m)
{
    uint64_t serial = SERIAL_FIRST + RECIPES_MAX;
    struct pki_request request = { .common_name = "amtlab test TLS root",
                                   .is_authority = true,
                                   .serial = serial };
    struct pki_identity *root = issue(m, "tls-root", RSA_BITS, &request, NULL);
    if (root == NULL) {
        return AMT_EBUG;
    }
    enum amt_err err = save_pem(m, "tls-root", root);
    if (err == AMT_OK) {
        err = make_server_or_device(m, "mps", m->settings->mps_name, m->settings->mps_names,
                                    serial + 1, root);
    }
    if (err == AMT_OK) {
        err = make_devices(m, root, serial + 2);
    }
    pki_identity_free(root);
    return err;
}

/* --- what to do with them --- */

static enum amt_err write_snippets(struct maker *m)
{
    struct text mesh = { 0 };
    struct text own = { 0 };
    text_puts(&mesh, "{\n  \"settings\": {},\n  \"domains\": { \"\": { \"AmtAcmActivation\": {\n"
                     "    \"log\": \"amtactivation.log\",\n    \"certs\": { \"amtlab\": {\n"
                     "      \"certfiles\": [\"leaf.pem\", \"int2.pem\", \"int1.pem\", "
                     "\"root.pem\"],\n      \"keyfile\": \"leaf.key\"\n    } }\n  } } }\n}\n");
    text_puts(&own, "activation:\n  certificates:\n    - name: amtlab\n"
                    "      files: [leaf.pem, int2.pem, int1.pem, root.pem]\n"
                    "      key: leaf.key\n");
    enum amt_err err = write_text(m, "meshcentral.json", &mesh);
    if (err == AMT_OK) {
        err = write_text(m, "activation.yaml", &own);
    }
    text_fini(&mesh);
    text_fini(&own);
    return err;
}

static enum amt_err make_all(struct maker *m)
{
    text_puts(&m->index, "[");
    TRY(make_recipes(m));
    TRY(make_forms(m));
    TRY(make_others(m));
    TRY(write_snippets(m));
    text_puts(&m->index, "\n]\n");
    return write_text(m, "index.json", &m->index);
}

enum amt_err pki_make(const struct pki_settings *settings, uint32_t *count, struct amt_diag *diag)
{
    struct maker m = { .settings = settings, .diag = diag };
    if (mkdir(settings->folder, 0700) != 0 && errno != EEXIST) {
        (void)amt_diag_errno(diag, errno, "cannot make the folder %s", settings->folder);
        return amt_diag_hint(diag, "name a folder that may be written: --out DIR");
    }
    enum amt_err err = make_all(&m);
    for (uint32_t i = 0; i < RECIPES_MAX; i++) {
        pki_identity_free(m.made[i]);
    }
    text_fini(&m.index);
    *count = m.files;
    return err;
}
