/*
 * Files of provisioning certificates. The first byte: bit 0 is 0 for PKCS#12 (password "pw"), 1 for PEM
 * certificates with a key behind them; bit 1 makes compatible mode. Oracles: reading is pure; an order is
 * a chain by names from a leaf to a self-signed root in which each certificate is once, and another order
 * of the same certificates gives the same chain; what is refused has words and a code.
 */
#include <openssl/err.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "mps/activation/certificates_internal.h"

#define INPUT_MAX      16384u
#define ITERATIONS_MAX 64u /* a key derivation that is cheap enough to be tried often */
#define NOW_S          UINT64_C(1767225600)

static struct pki_providers *providers(void)
{
    static struct pki_providers s_providers; /* loading them takes longer than all else */
    if (s_providers.context == NULL) {
        FUZZ_REQUIRE(pki_providers_init(&s_providers) == AMT_OK);
    }
    return &s_providers;
}

static enum amt_err read_bag(const uint8_t *data, uint32_t len, bool is_pem,
                             struct certificate_bag *bag)
{
    char reason[160] = "";
    FUZZ_REQUIRE(certificate_bag_init(bag) == AMT_OK);
    enum amt_err err;
    if (is_pem) {
        err = pem_read_certificates(data, len, bag->primary, bag->primary, reason);
        bag->key = pem_read_key(data, len, reason);
    } else {
        err = pfx_read(providers(), data, len, "pw", ITERATIONS_MAX, bag, reason);
    }
    FUZZ_REQUIRE(err == AMT_OK || err == AMT_ECERT);
    FUZZ_REQUIRE(err == AMT_OK || reason[0] != '\0');
    FUZZ_REQUIRE(ERR_peek_error() == 0); /* nothing is left for the next caller to trip over */
    return err;
}

static bool has_own_names(STACK_OF(X509) * all)
{
    for (int i = 0; i < sk_X509_num(all); i++) {
        for (int k = 0; k < i; k++) {
            if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(all, i)),
                              X509_get_subject_name(sk_X509_value(all, k))) == 0) {
                return false;
            }
        }
    }
    return true;
}

static void check_chain(X509 *const *chain, uint32_t count)
{
    FUZZ_REQUIRE(count > 0 && count <= ACTIVATION_CHAIN_MAX);
    for (uint32_t i = 0; i < count; i++) {
        X509 *above = chain[i + 1 < count ? i + 1 : i];
        FUZZ_REQUIRE(X509_NAME_cmp(X509_get_issuer_name(chain[i]), X509_get_subject_name(above)) ==
                     0);
        for (uint32_t k = 0; k < i; k++) {
            FUZZ_REQUIRE(chain[k] != chain[i]);
        }
    }
}

static void check_order(STACK_OF(X509) * all)
{
    X509 *chain[ACTIVATION_CHAIN_MAX];
    X509 *again[ACTIVATION_CHAIN_MAX];
    char reason[200] = "";
    uint32_t count = 0;
    uint32_t again_count = 0;
    STACK_OF(X509) *reversed = sk_X509_new_null();
    FUZZ_REQUIRE(reversed != NULL);
    for (int i = sk_X509_num(all); i > 0; i--) {
        FUZZ_REQUIRE(sk_X509_push(reversed, sk_X509_value(all, i - 1)) > 0);
    }
    bool is_ordered = certificates_order(all, chain, &count, reason);
    bool is_again = certificates_order(reversed, again, &again_count, reason);
    FUZZ_REQUIRE((is_ordered && is_again) || reason[0] != '\0');
    if (is_ordered) {
        FUZZ_REQUIRE(count == (uint32_t)sk_X509_num(all));
        check_chain(chain, count);
    }
    if (has_own_names(all)) {
        FUZZ_REQUIRE(is_ordered == is_again);
        for (uint32_t i = 0; is_ordered && i < count; i++) {
            FUZZ_REQUIRE(chain[i] == again[i]);
        }
    }
    sk_X509_free(reversed);
}

static void check_certificate(const struct certificate_bag *bag, bool is_compatible)
{
    struct activation_certificate certificate = { .chain_count = 0 };
    struct activation_certificate_source source = { .label = "x", .is_compatible = is_compatible };
    struct amt_diag_list list = { NULL, 0, 0 };
    struct certificate_problems problems = { .list = &list, .label = "x", .file = "" };
    char reason[200] = "";
    if (!certificates_complete(bag, certificate.chain, &certificate.chain_count, reason)) {
        FUZZ_REQUIRE(reason[0] != '\0');
        return;
    }
    certificate.key = bag->key;
    char *common_name = provisioning_common_name(certificate.chain[0]);
    certificate.name = common_name == NULL ? NULL : activation_name_of(common_name, false);
    certificates_check(&certificate, &source, NOW_S, &problems);
    for (uint32_t i = 0; i < list.count; i++) {
        FUZZ_REQUIRE(list.items[i].text[0] != '\0' && list.items[i].hint[0] != '\0');
        FUZZ_REQUIRE(list.items[i].requirement != NULL && list.items[i].requirement[0] != '\0');
    }
    FUZZ_REQUIRE(problems.is_refused || certificate.name != NULL);
    amt_free(common_name);
    amt_free(certificate.name);
    amt_diag_list_fini(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct certificate_bag one;
    struct certificate_bag two;
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    bool is_pem = (data[0] & 1) != 0;
    uint32_t len = (uint32_t)size - 1;
    enum amt_err err = read_bag(data + 1, len, is_pem, &one);
    if (err == AMT_OK) {
        FUZZ_REQUIRE(read_bag(data + 1, len, is_pem, &two) == AMT_OK);
        FUZZ_REQUIRE(sk_X509_num(one.primary) == sk_X509_num(two.primary));
        FUZZ_REQUIRE((one.key == NULL) == (two.key == NULL) && one.key_count == two.key_count);
        certificate_bag_fini(&two);
        check_order(one.primary);
        check_certificate(&one, (data[0] & 2) != 0);
    }
    certificate_bag_fini(&one);
    return 0;
}
