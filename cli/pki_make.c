#include "cli/pki_make.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/memory.h"
#include "base/text.h"

#define SERIAL_OF_OTHERS 0x1021u /* behind those of the recipes */
#define DEVICES_MAX      64u
#define RSA_BITS         2048u

struct maker {
    const struct pki_settings *settings;
    struct pki_kitchen *kitchen;
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
         at = at->issuer == NULL ? NULL : &k_pki_recipes[pki_recipe_find(at->issuer)]) {
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

static enum amt_err make_recipes(struct maker *m)
{
    for (uint32_t i = 0; k_pki_recipes[i].name != NULL; i++) {
        const struct pki_recipe *recipe = &k_pki_recipes[i];
        const struct pki_identity *made = pki_kitchen_get(m->kitchen, recipe->name, m->diag);
        if (made == NULL) {
            return AMT_EBUG;
        }
        TRY(save_pem(m, recipe->name, made));
        if (recipe->kind == PKI_PROVISIONING) {
            TRY(save_pfx(m, recipe->name, made, (struct pki_pfx){ .seed = NULL }));
        }
        index_entry(m, recipe, made);
    }
    return AMT_OK;
}

/* The right certificate in every form it may come in, and in the forms that cannot work. */
static enum amt_err make_forms(struct maker *m)
{
    const struct pki_identity *leaf = pki_kitchen_get(m->kitchen, "leaf", m->diag);
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
    struct pki_identity *identity =
        pki_kitchen_issue(m->kitchen, file, RSA_BITS, &request, root, m->diag);
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
    uint64_t serial = SERIAL_OF_OTHERS;
    struct pki_request request = { .common_name = "amtlab test TLS root",
                                   .is_authority = true,
                                   .serial = serial };
    struct pki_identity *root =
        pki_kitchen_issue(m->kitchen, "tls-root", RSA_BITS, &request, NULL, m->diag);
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
    m.kitchen = pki_kitchen_new(settings->seed, settings->domain, NULL);
    enum amt_err err =
        m.kitchen == NULL ? amt_diag_set(diag, AMT_ENOMEM, "out of memory") : make_all(&m);
    pki_kitchen_free(m.kitchen);
    text_fini(&m.index);
    *count = m.files;
    return err;
}
