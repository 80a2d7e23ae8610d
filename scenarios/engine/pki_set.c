#include "scenarios/engine/pki_set.h"

#include <string.h>

#include "base/memory.h"

/* RSA, because its signatures have one length: with ECDSA the bytes of a handshake, and so what faults
 * below TLS do, would differ from run to run. */
#define KEY PKI_RSA_2048

/* Wall clock of the virtual world starts in 2026; this one is over in both worlds. */
#define EXPIRED_FROM_S  1514764800u /* 2018-01-01 */
#define EXPIRED_UNTIL_S 1546300800u /* 2019-01-01 */

struct entry {
    char *common_name, *organization; /* organization "": none */
    enum pki_flaw flaw;
    bool is_client;
    struct pki_identity *identity;
    struct entry *next;
};

struct kitchen_entry {
    char *seed, *domain, *host;
    struct pki_kitchen *kitchen;
    struct kitchen_entry *next;
};

struct pki_set {
    struct pki_identity *authority, *other_authority;
    struct pki_trust *trust;
    struct entry *entries;
    struct kitchen_entry *kitchens;
};

static struct pki_identity *new_authority(const char *name, struct amt_diag *diag)
{
    struct pki_request request = { .common_name = name, .key = KEY, .is_authority = true };
    return pki_issue(&request, NULL, diag);
}

static bool fill(struct pki_set *set, struct amt_diag *diag)
{
    set->authority = new_authority("amtlab scenario root", diag);
    set->trust = pki_trust_new();
    return set->authority != NULL && set->trust != NULL &&
           pki_trust_add(set->trust, set->authority) == AMT_OK;
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

static void kitchen_entry_free(struct kitchen_entry *entry)
{
    pki_kitchen_free(entry->kitchen);
    amt_free(entry->seed);
    amt_free(entry->domain);
    amt_free(entry->host);
    amt_free(entry);
}

struct pki_kitchen *pki_set_kitchen(struct pki_set *set, const char *seed, const char *domain,
                                    const char *host)
{
    for (struct kitchen_entry *at = set->kitchens; at != NULL; at = at->next) {
        if (strcmp(at->seed, seed) == 0 && strcmp(at->domain, domain) == 0 &&
            strcmp(at->host, host) == 0) {
            return at->kitchen;
        }
    }
    struct kitchen_entry *entry = amt_alloc(sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct kitchen_entry){ .seed = amt_strdup(seed),
                                     .domain = amt_strdup(domain),
                                     .host = amt_strdup(host),
                                     .kitchen = pki_kitchen_new(seed, domain, host),
                                     .next = set->kitchens };
    if (entry->seed == NULL || entry->domain == NULL || entry->host == NULL ||
        entry->kitchen == NULL) {
        kitchen_entry_free(entry);
        return NULL;
    }
    set->kitchens = entry;
    return entry->kitchen;
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
        amt_free(entry->organization);
        amt_free(entry);
    }
    while (set->kitchens != NULL) {
        struct kitchen_entry *entry = set->kitchens;
        set->kitchens = entry->next;
        kitchen_entry_free(entry);
    }
    pki_trust_free(set->trust);
    pki_identity_free(set->authority);
    pki_identity_free(set->other_authority);
    amt_free(set);
}

const struct pki_trust *pki_set_trust(const struct pki_set *set)
{
    return set->trust;
}

const struct pki_identity *pki_set_authority(const struct pki_set *set)
{
    return set->authority;
}

static struct pki_identity *issue(struct pki_set *set, const char *common_name,
                                  const char *organization, enum pki_flaw flaw, bool is_client,
                                  struct amt_diag *diag)
{
    const char *name = flaw == PKI_FLAW_WRONG_HOST ? "another.example" : common_name;
    const char *const names[] = { name, NULL };
    struct pki_request request = { .common_name = name,
                                   .organization = organization[0] == '\0' ? NULL : organization,
                                   .names = is_client ? NULL : names,
                                   .key = KEY,
                                   .for_server = !is_client,
                                   .for_client = is_client };
    if (flaw == PKI_FLAW_EXPIRED) {
        request.not_before_s = EXPIRED_FROM_S;
        request.not_after_s = EXPIRED_UNTIL_S;
    }
    if (flaw != PKI_FLAW_UNKNOWN_CA) {
        return pki_issue(&request, set->authority, diag);
    }
    if (set->other_authority == NULL) { /* made when it is needed: keys take time */
        set->other_authority = new_authority("amtlab unknown root", diag);
    }
    return set->other_authority == NULL ? NULL : pki_issue(&request, set->other_authority, diag);
}

static const struct pki_identity *get(struct pki_set *set, const char *common_name,
                                      const char *organization, enum pki_flaw flaw, bool is_client,
                                      struct amt_diag *diag)
{
    for (const struct entry *at = set->entries; at != NULL; at = at->next) {
        if (at->flaw == flaw && at->is_client == is_client &&
            strcmp(at->common_name, common_name) == 0 &&
            strcmp(at->organization, organization) == 0) {
            return at->identity;
        }
    }
    struct entry *entry = amt_alloc(sizeof *entry);
    char *name = amt_strdup(common_name), *group = amt_strdup(organization);
    struct pki_identity *identity = issue(set, common_name, organization, flaw, is_client, diag);
    if (entry == NULL || name == NULL || group == NULL || identity == NULL) {
        amt_free(entry);
        amt_free(name);
        amt_free(group);
        pki_identity_free(identity);
        return NULL;
    }
    *entry = (struct entry){ name, group, flaw, is_client, identity, set->entries };
    set->entries = entry;
    return identity;
}

const struct pki_identity *pki_set_server(struct pki_set *set, const char *common_name,
                                          enum pki_flaw flaw, struct amt_diag *diag)
{
    return get(set, common_name, "", flaw, false, diag);
}

const struct pki_identity *pki_set_client(struct pki_set *set, const char *common_name,
                                          const char *organization, enum pki_flaw flaw,
                                          struct amt_diag *diag)
{
    return get(set, common_name, organization, flaw, true, diag);
}
