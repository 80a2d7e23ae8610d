#include "scenarios/engine/activation_files.h"

#include <string.h>

#include "base/memory.h"
#include "runtime/pki.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/grammar.h"

#define CHAIN_FILES_MAX 16u
#define PFX_PASSWORD    "P@ssw0rd"

static const char *const k_forms[] = { "pem", "pfx", "pfx_legacy", "pfx_reversed", NULL };
const struct key_def k_activation_set_keys[] = {
    { "name", KEY_TEXT, false, "what the server calls the set", NULL, NULL },
    { "chain", KEY_TEXTS, true, "certificates of the PKI in any order, or PEM files", NULL, NULL },
    { "key", KEY_TEXT, false, "whose private key; default: that of the first certificate", NULL,
      NULL },
    { "form", KEY_WORD, false, "files: pem (default), pfx, pfx_legacy, pfx_reversed", k_forms,
      NULL },
    { "password", KEY_TEXT, false, "of the pfx as the server is told; default: the right one", NULL,
      NULL },
    { "compatible", KEY_BOOL, false, "takes signatures that do not verify, as MeshCentral", NULL,
      NULL },
    { "strict_common_name", KEY_BOOL, false, "the Common Name as it is", NULL, NULL },
    { "sha384", KEY_BOOL, false, "false: SHA-384 hashes of roots are not compared", NULL, NULL },
    { "refuses_expired", KEY_BOOL, false, "a chain out of its dates is not loaded", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

struct set_writer {
    struct case_run *run;
    const struct activation_pki *pki;
    const char *name;
    struct amt_diag *diag;
};

static const char *path_of(const struct set_writer *w, const char *name)
{
    return pool_printf(&w->run->pool, "%s/%s-%s", case_tmp(w->run), w->name, name);
}

static const struct value *at_or_itself(const struct value *list, uint32_t i)
{
    return list->kind == VALUE_LIST ? value_at(list, i) : i == 0 ? list : NULL;
}

static bool is_file(const char *name)
{
    return strchr(name, '/') != NULL || strchr(name, '.') != NULL;
}

static const struct pki_identity *get(const struct set_writer *w, const char *name)
{
    if (w->pki == NULL) {
        (void)amt_diag_set(w->diag, AMT_ECONFIG, "certificate '%s' needs a pki", name);
        (void)amt_diag_hint(w->diag, "pki: the path of a file { amtlab-pki: 1, domain: … }");
        return NULL;
    }
    return activation_pki_get(w->pki, name, w->diag);
}

static const char *key_owner(const struct value *set)
{
    const struct value *key = value_get(set, "key");
    const struct value *first = at_or_itself(value_get(set, "chain"), 0);
    const struct value *owner = key == NULL ? first : key;
    return owner == NULL || owner->kind != VALUE_TEXT ? "" : owner->text;
}

/* The certificate alone; with the key beside it if that has a path. */
static enum amt_err save(const struct set_writer *w, const struct pki_identity *identity,
                         const char *path, const char *key_path)
{
    struct pki_identity *alone = pki_identity_of(pki_certificate(identity), pki_key(identity));
    enum amt_err err = pki_save(pool_checked(alone), path, key_path, w->diag);
    pki_identity_free(alone);
    return err;
}

static enum amt_err write_pem(const struct set_writer *w, const struct value *set,
                              struct value *entry)
{
    struct arena *pool = &w->run->pool;
    const struct value *chain = value_get(set, "chain");
    struct value *files = value_list(pool);
    for (uint32_t i = 0; at_or_itself(chain, i) != NULL && i < CHAIN_FILES_MAX; i++) {
        const char *name = value_written(pool, at_or_itself(chain, i));
        const char *path = name;
        if (!is_file(name)) {
            const struct pki_identity *identity = get(w, name);
            path = path_of(w, pool_printf(pool, "%u-%s.pem", i, name));
            TRY(identity == NULL ? AMT_ECONFIG : save(w, identity, path, NULL));
        } else if (name[0] != '/') {
            path = pool_printf(pool, "%s/%s", w->run->scenario->folder, name);
        }
        value_append(files, value_text(pool, path));
    }
    const char *owner = key_owner(set);
    const char *key_path = owner;
    if (!is_file(owner)) {
        const struct pki_identity *identity = get(w, owner);
        key_path = path_of(w, "key.key");
        TRY(identity == NULL ? AMT_ECONFIG : save(w, identity, path_of(w, "key.pem"), key_path));
    }
    value_put(pool, entry, "files", files);
    value_put(pool, entry, "key", value_text(pool, key_path));
    return AMT_OK;
}

/* The certificates in the order of `chain`, the key's first. */
static struct pki_identity *join(const struct set_writer *w, const struct value *set)
{
    const struct value *chain = value_get(set, "chain");
    const struct pki_identity *owner = get(w, key_owner(set));
    struct pki_identity *all = NULL;
    for (uint32_t i = 0; owner != NULL && at_or_itself(chain, i) != NULL; i++) {
        const struct pki_identity *one =
            get(w, value_written(&w->run->pool, at_or_itself(chain, i)));
        if (one == NULL) {
            pki_identity_free(all);
            return NULL;
        }
        if (all == NULL) {
            all = pool_checked(pki_identity_of(pki_certificate(one), pki_key(owner)));
        } else {
            (void)pool_checked(pki_identity_add_issuer(all, pki_certificate(one)) == AMT_OK ? all
                                                                                            : NULL);
        }
    }
    return all;
}

static enum amt_err write_pfx(const struct set_writer *w, const struct value *set, const char *form,
                              struct value *entry)
{
    struct arena *pool = &w->run->pool;
    const struct value *password = value_get(set, "password");
    const char *path = path_of(w, "set.pfx");
    struct pki_identity *identity = join(w, set);
    if (identity == NULL) {
        return AMT_ECONFIG;
    }
    struct pki_pfx pfx = { .password = PFX_PASSWORD,
                           .seed = "scenario",
                           .is_legacy = strcmp(form, "pfx_legacy") == 0,
                           .is_reversed = strcmp(form, "pfx_reversed") == 0 };
    enum amt_err err = pki_save_pfx(identity, path, &pfx, w->diag);
    pki_identity_free(identity);
    value_put(pool, entry, "pfx", value_text(pool, path));
    value_put(pool, entry, "password",
              value_text(pool, password == NULL ? PFX_PASSWORD : value_written(pool, password)));
    return err;
}

struct value *activation_files_write(struct case_run *run, const struct activation_pki *pki,
                                     const struct value *set, const char *name,
                                     struct amt_diag *diag)
{
    static const char *const k_options[] = { "compatible", "strict_common_name", "sha384",
                                             "refuses_expired", NULL };
    struct arena *pool = &run->pool;
    struct value *entry = value_map(pool);
    const struct value *given = value_get(set, "name"), *form = value_get(set, "form");
    const char *label = given == NULL ? name : value_written(pool, given);
    const struct set_writer w = { run, pki, name, diag };
    const char *kind = form == NULL || form->kind != VALUE_TEXT ? "pem" : form->text;
    value_put(pool, entry, "name", value_text(pool, label));
    for (const char *const *at = k_options; *at != NULL; at++) {
        const struct value *option = value_get(set, *at);
        if (option != NULL) {
            value_put(pool, entry, *at, value_copy(pool, option));
        }
    }
    enum amt_err err =
        strcmp(kind, "pem") == 0 ? write_pem(&w, set, entry) : write_pfx(&w, set, kind, entry);
    return err == AMT_OK ? entry : NULL;
}
