/* Certificate sets that could not be loaded: what is remembered of them. */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/memory.h"
#include "mps/activation/certificates_internal.h"

void refused_set_free(struct activation_refused_set *refused)
{
    if (refused != NULL) {
        amt_free(refused->label);
        amt_free(refused->name);
        amt_free(refused->text);
        amt_free(refused);
    }
}

/* The certificate of the key among those that are no authority, else the first of them; NULL. */
static X509 *leaf_of_bag(const struct certificate_bag *bag)
{
    X509 *leaf = NULL;
    for (int i = 0; i < sk_X509_num(bag->primary); i++) {
        X509 *at = sk_X509_value(bag->primary, i);
        bool is_authority = X509_check_ca(at) != 0;
        if (!is_authority && bag->key != NULL && certificate_has_key(at, bag->key)) {
            return at;
        }
        leaf = leaf == NULL && !is_authority ? at : leaf;
    }
    ERR_clear_error();
    return leaf;
}

static void hash_root_of_bag(const struct certificate_bag *bag,
                             struct activation_refused_set *refused)
{
    X509 *root = NULL;
    uint32_t count = 0;
    for (int i = 0; i < sk_X509_num(bag->primary); i++) {
        X509 *at = sk_X509_value(bag->primary, i);
        if (X509_NAME_cmp(X509_get_subject_name(at), X509_get_issuer_name(at)) == 0) {
            root = at;
            count += 1;
        }
    }
    refused->has_root = count == 1 &&
                        X509_digest(root, EVP_sha1(), refused->root_sha1, NULL) == 1 &&
                        X509_digest(root, EVP_sha256(), refused->root_sha256, NULL) == 1 &&
                        X509_digest(root, EVP_sha384(), refused->root_sha384, NULL) == 1;
}

struct activation_refused_set *refused_set_new(const struct activation_certificate_source *source,
                                               const struct certificate_bag *bag,
                                               const struct certificate_problems *problems)
{
    struct activation_refused_set *refused = amt_alloc(sizeof *refused);
    if (refused == NULL) {
        return NULL;
    }
    X509 *leaf = leaf_of_bag(bag);
    char *common_name = leaf == NULL ? NULL : provisioning_common_name(leaf);
    refused->label = amt_strdup(source->label);
    refused->name =
        common_name == NULL ? NULL : activation_name_of(common_name, source->is_strict_common_name);
    refused->text = amt_strdup(problems->text);
    refused->failure = problems->refusal;
    refused->reason = problems->reason;
    hash_root_of_bag(bag, refused);
    bool has_memory = refused->label != NULL && refused->text != NULL &&
                      (common_name == NULL || refused->name != NULL);
    amt_free(common_name);
    if (!has_memory) {
        refused_set_free(refused);
        return NULL;
    }
    return refused;
}
