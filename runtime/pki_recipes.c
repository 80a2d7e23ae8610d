#include "runtime/pki_recipes.h"

#include <string.h>

#include <openssl/evp.h>

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
#define USUAL_HOST     "vpro"
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

struct pki_kitchen {
    char *seed, *domain, *host;
    struct pki_identity *made[RECIPES_MAX];
};

int pki_recipe_find(const char *name)
{
    for (int i = 0; k_pki_recipes[i].name != NULL; i++) {
        const char *a = k_pki_recipes[i].name, *b = name;
        while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_'))) {
            a++;
            b++;
        }
        if (*a == '\0' && *b == '\0') {
            return i;
        }
    }
    return -1;
}

struct pki_kitchen *pki_kitchen_new(const char *seed, const char *domain, const char *host)
{
    struct pki_kitchen *kitchen = amt_alloc(sizeof *kitchen);
    if (kitchen != NULL) {
        kitchen->seed = amt_strdup(seed);
        kitchen->domain = amt_strdup(domain);
        kitchen->host = amt_strdup(host == NULL ? USUAL_HOST : host);
        if (kitchen->seed == NULL || kitchen->domain == NULL || kitchen->host == NULL) {
            pki_kitchen_free(kitchen);
            kitchen = NULL;
        }
    }
    return kitchen;
}

void pki_kitchen_free(struct pki_kitchen *kitchen)
{
    if (kitchen == NULL) {
        return;
    }
    for (uint32_t i = 0; i < RECIPES_MAX; i++) {
        pki_identity_free(kitchen->made[i]);
    }
    amt_free(kitchen->seed);
    amt_free(kitchen->domain);
    amt_free(kitchen->host);
    amt_free(kitchen);
}

struct pki_identity *pki_kitchen_issue(const struct pki_kitchen *kitchen, const char *key_purpose,
                                       uint32_t bits, struct pki_request *request,
                                       const struct pki_identity *issuer, struct amt_diag *diag)
{
    EVP_PKEY *key = pki_seed_rsa(kitchen->seed, key_purpose, bits == 0 ? RSA_BITS : bits);
    request->given_key = key;
    request->organization = ORGANIZATION;
    request->digest = request->digest == NULL ? "sha256" : request->digest;
    struct pki_identity *identity = key == NULL ? NULL : pki_issue(request, issuer, diag);
    if (key == NULL) {
        (void)amt_diag_set(diag, AMT_EBUG, "OpenSSL made no RSA key of %u bits", bits);
    }
    EVP_PKEY_free(key);
    return identity;
}

static struct pki_identity *cook(const struct pki_kitchen *kitchen, int at,
                                 const struct pki_identity *issuer, struct amt_diag *diag)
{
    const struct pki_recipe *recipe = &k_pki_recipes[at];
    struct text name = { 0 };
    const char *const k_names[] = { kitchen->domain, NULL };
    if (recipe->host != NULL) {
        const char *host = strcmp(recipe->host, USUAL_HOST) == 0 ? kitchen->host : recipe->host;
        text_printf(&name, "%s%s%s", host, host[0] == '\0' ? "" : ".", kitchen->domain);
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
        .serial = SERIAL_FIRST + (uint64_t)at,
        .has_broken_signature = recipe->has_broken_signature,
    };
    struct pki_identity *identity =
        pki_kitchen_issue(kitchen, recipe->key == NULL ? recipe->name : recipe->key, recipe->bits,
                          &request, issuer, diag);
    text_fini(&name);
    return identity;
}

const struct pki_identity *pki_kitchen_get(struct pki_kitchen *kitchen, const char *name,
                                           struct amt_diag *diag)
{
    int chain
        [RECIPES_MAX]; /* from the one that is wanted to the first that is there, or its root */
    int count = 0;
    int at = pki_recipe_find(name);
    if (at < 0) {
        (void)amt_diag_set(diag, AMT_EUNKNOWN, "the test PKI has no certificate \"%s\"", name);
        (void)amt_diag_hint(diag, "`amtlab pki --list` shows their names");
        return NULL;
    }
    int wanted = at;
    for (; at >= 0 && kitchen->made[at] == NULL;
         at = k_pki_recipes[at].issuer == NULL ? -1 : pki_recipe_find(k_pki_recipes[at].issuer)) {
        chain[count++] = at;
    }
    for (; count > 0; count--) {
        int next = chain[count - 1];
        const struct pki_identity *issuer = at < 0 ? NULL : kitchen->made[at];
        kitchen->made[next] = cook(kitchen, next, issuer, diag);
        if (kitchen->made[next] == NULL) {
            return NULL;
        }
        at = next;
    }
    return kitchen->made[wanted];
}
