#include "scenarios/engine/pki_set.h"

#include <string.h>

#include "base/memory.h"

/* Wall clock of the virtual world starts in 2026; this one is over in both worlds. */
#define EXPIRED_FROM_S  1514764800u /* 2018-01-01 */
#define EXPIRED_UNTIL_S 1546300800u /* 2019-01-01 */

struct entry {
    char *common_name;
    enum pki_flaw flaw;
    bool is_client;
    struct pki_identity *identity;
    struct entry *next;
};

struct pki_set {
    struct pki_identity *authority, *other_authority;
    struct pki_trust *trust, *other_trust;
    struct entry *entries;
};

static struct pki_identity *new_authority(const char *name, struct amt_diag *diag)
{
    struct pki_request request = { .common_name = name, .key = PKI_P256, .is_authority = true };
    return pki_issue(&request, NULL, diag);
}

static bool fill(struct pki_set *set, struct amt_diag *diag)
{
    set->authority = new_authority("amtlab scenario root", diag);
    set->other_authority = new_authority("amtlab unknown root", diag);
    set->trust = pki_trust_new();
    set->other_trust = pki_trust_new();
    return set->authority != NULL && set->other_authority != NULL && set->trust != NULL &&
           set->other_trust != NULL && pki_trust_add(set->trust, set->authority) == AMT_OK &&
           pki_trust_add(set->other_trust, set->other_authority) == AMT_OK;
}

struct pki_set *pki_set_new(struct amt_diag *diag)
{
    struct pki_set *set = amt_alloc(sizeof *set);
    if (set != NULL && !fill(set, diag)) {
        pki_set_free(set);
        set = NULL;
    }
    return set;
}

void pki_set_free(struct pki_set *set)
{
    if (set == NULL) {
        return;
    }
    while (set->entries != NULL) {
        struct entry *entry = set->entries;
        set->entries = entry->next;
        pki_identity_free(entry->identity);
        amt_free(entry->common_name);
        amt_free(entry);
    }
    pki_trust_free(set->trust);
    pki_trust_free(set->other_trust);
    pki_identity_free(set->authority);
    pki_identity_free(set->other_authority);
    amt_free(set);
}

const struct pki_trust *pki_set_trust(const struct pki_set *set)
{
    return set->trust;
}

const struct pki_trust *pki_set_other_trust(const struct pki_set *set)
{
    return set->other_trust;
}

static struct pki_identity *issue(struct pki_set *set, const char *common_name, enum pki_flaw flaw,
                                  bool is_client, struct amt_diag *diag)
{
    const char *name = flaw == PKI_FLAW_WRONG_HOST ? "another.example" : common_name;
    const char *const names[] = { name, NULL };
    struct pki_request request = { .common_name = name,
                                   .names = is_client ? NULL : names,
                                   .key = PKI_P256,
                                   .for_server = !is_client,
                                   .for_client = is_client };
    if (flaw == PKI_FLAW_EXPIRED) {
        request.not_before_s = EXPIRED_FROM_S;
        request.not_after_s = EXPIRED_UNTIL_S;
    }
    return pki_issue(&request, flaw == PKI_FLAW_UNKNOWN_CA ? set->other_authority : set->authority,
                     diag);
}

static const struct pki_identity *get(struct pki_set *set, const char *common_name,
                                      enum pki_flaw flaw, bool is_client, struct amt_diag *diag)
{
    for (const struct entry *at = set->entries; at != NULL; at = at->next) {
        if (at->flaw == flaw && at->is_client == is_client &&
            strcmp(at->common_name, common_name) == 0) {
            return at->identity;
        }
    }
    struct entry *entry = amt_alloc(sizeof *entry);
    char *name = amt_strdup(common_name);
    struct pki_identity *identity = issue(set, common_name, flaw, is_client, diag);
    if (entry == NULL || name == NULL || identity == NULL) {
        amt_free(entry);
        amt_free(name);
        pki_identity_free(identity);
        return NULL;
    }
    *entry = (struct entry){ name, flaw, is_client, identity, set->entries };
    set->entries = entry;
    return identity;
}

const struct pki_identity *pki_set_server(struct pki_set *set, const char *common_name,
                                          enum pki_flaw flaw, struct amt_diag *diag)
{
    return get(set, common_name, flaw, false, diag);
}

const struct pki_identity *pki_set_client(struct pki_set *set, const char *common_name,
                                          struct amt_diag *diag)
{
    return get(set, common_name, PKI_FLAW_NONE, true, diag);
}
