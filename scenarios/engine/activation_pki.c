#include "scenarios/engine/activation_pki.h"

#include <string.h>

#include <openssl/x509.h>

#include "base/memory.h"
#include "scenarios/engine/actor.h"
#include "scenarios/engine/grammar.h"

struct activation_pki {
    struct pki_kitchen *kitchen;
    const struct value *names; /* MAP: further names, each for one of the recipes */
    const char *domain;
};

static const struct key_def k_keys[] = {
    { "amtlab-pki", KEY_NUMBER, true, "version of PKI files: 1", NULL, NULL },
    { "seed", KEY_TEXT, false, "the same seed gives the same keys, default 1", NULL, NULL },
    { "domain", KEY_TEXT, true, "DNS suffix that the leaves are for", NULL, NULL },
    { "host", KEY_TEXT, false, "of the leaves' names, default vpro; \"\": the domain alone", NULL,
      NULL },
    { "names", KEY_MAP, false, "further names: { root2: root-other }", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

bool activation_pki_is_path(const char *text)
{
    size_t len = strlen(text);
    return len > 5 && strcmp(text + len - 5, ".yaml") == 0;
}

static const char *text_of(const struct yaml_node *root, const char *key, const char *fallback)
{
    const struct yaml_node *node = yaml_get(root, key);
    return node == NULL || node->kind != YAML_SCALAR ? fallback : node->text;
}

static const struct value *names_of(struct arena *pool, const struct yaml_node *root)
{
    struct value *map = value_map(pool);
    const struct yaml_node *names = yaml_get(root, "names");
    for (const struct yaml_node *at = names == NULL ? NULL : names->first; at != NULL;
         at = at->next) {
        if (at->kind == YAML_SCALAR) {
            value_put(pool, map, pool_strdup(pool, at->key),
                      value_text(pool, pool_strdup(pool, at->text)));
        }
    }
    return map;
}

static const struct activation_pki *read_root(struct pki_set *set, struct arena *pool,
                                              const char *path, const struct yaml_node *root,
                                              struct amt_diag_list *errors)
{
    struct checker checker = { .path = path, .errors = errors };
    checker_map(&checker, root, k_keys, "a PKI file");
    if (checker.has_failed) {
        return NULL;
    }
    struct activation_pki *pki = pool_alloc(pool, sizeof *pki);
    pki->domain = pool_strdup(pool, text_of(root, "domain", ""));
    pki->kitchen = pool_checked(pki_set_kitchen(set, text_of(root, "seed", "1"), pki->domain,
                                                text_of(root, "host", "vpro")));
    pki->names = names_of(pool, root);
    return pki;
}

const struct activation_pki *activation_pki_open(struct pki_set *set, struct arena *pool,
                                                 const char *folder, const char *path,
                                                 struct amt_diag *diag)
{
    struct amt_diag_list errors = { 0 };
    const char *whole = path[0] == '/' ? path : pool_printf(pool, "%s/%s", folder, path);
    struct yaml_document *document = yaml_load_file(whole, &errors);
    const struct activation_pki *pki =
        document == NULL ? NULL : read_root(set, pool, whole, yaml_root(document), &errors);
    if (pki == NULL && diag != NULL) {
        *diag = errors.count > 0 ? errors.items[0] : (struct amt_diag){ .err = AMT_ENOMEM };
        (void)amt_diag_hint(diag, "a PKI file: { amtlab-pki: 1, domain: lab.example }");
    }
    amt_diag_list_fini(&errors);
    yaml_free(document);
    return pki;
}

const struct pki_identity *activation_pki_get(const struct activation_pki *pki, const char *name,
                                              struct amt_diag *diag)
{
    const struct value *other = value_get(pki->names, name);
    return pki_kitchen_get(pki->kitchen, other == NULL ? name : other->text, diag);
}

static void put_hash(struct arena *pool, struct value *map, const char *name, const EVP_MD *digest,
                     const X509 *certificate)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct text hex = { 0 };
    (void)pool_checked(X509_digest(certificate, digest, hash, &len) == 1 ? map : NULL);
    text_hex(&hex, hash, len);
    value_put(pool, map, name, value_text(pool, pool_take(pool, &hex)));
}

static void put_common_name(struct arena *pool, struct value *map, X509 *certificate)
{
    char name[256] = "";
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                    sizeof name);
    value_put(pool, map, "subject", value_text(pool, name));
}

static struct value *show(struct arena *pool, const struct pki_identity *identity)
{
    X509 *certificate = pki_certificate(identity);
    struct value *map = value_map(pool);
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    put_hash(pool, map, "sha1", EVP_sha1(), certificate);
    put_hash(pool, map, "sha256", EVP_sha256(), certificate);
    put_hash(pool, map, "sha384", EVP_sha384(), certificate);
    put_common_name(pool, map, certificate);
    value_put(pool, map, "der", value_bytes(pool, der, len > 0 ? (uint32_t)len : 0));
    OPENSSL_free(der);
    return map;
}

const struct value *activation_pki_value(const struct activation_pki *pki, struct arena *pool,
                                         const char *path, struct amt_diag *diag)
{
    size_t len = strcspn(path, ".");
    const char *name = pool_text(pool, path, len);
    if (strcmp(name, "domain") == 0) {
        return value_text(pool, pki->domain);
    }
    const struct pki_identity *identity = activation_pki_get(pki, name, diag);
    if (identity == NULL) {
        return NULL;
    }
    const struct value *found =
        value_path(show(pool, identity), path[len] == '.' ? path + len + 1 : "");
    if (found == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "a certificate has no '%s'", path + len + 1);
        (void)amt_diag_hint(diag, "it has sha1 sha256 sha384 subject der");
    }
    return found;
}

void activation_pki_warm(struct pki_set *set, const struct scenario *scenario)
{
    for (const struct scenario_part *part = scenario->variables; part != NULL; part = part->next) {
        struct arena pool = { 0 };
        bool is_path = part->node->kind == YAML_SCALAR && activation_pki_is_path(part->node->text);
        const struct activation_pki *pki =
            is_path ? activation_pki_open(set, &pool, scenario->folder, part->node->text, NULL)
                    : NULL;
        if (pki != NULL) { /* what fails here fails again in the case, where it is reported */
            (void)activation_pki_get(pki, "leaf", NULL);
            (void)pki_set_server(set, ACTOR_SERVER_NAME, PKI_FLAW_NONE, NULL);
        }
        arena_fini(&pool);
    }
}
