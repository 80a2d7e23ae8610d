/* Names of certificates and DNS suffixes: activation.md 3.3. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "mps/activation/certificates.h"

#define ANY_MIN_CHARS 4u
#define ANY_MAX_CHARS 256u

/* Labels that make a registered domain, by top level domain: MeshCentral's table (3.2), with which
 * current firmware seems to agree. */
static const char *const k_two_labels[] = { "com", "net", "org", "gov", "edu", "de",
                                            "ch",  "dk",  "cz",  "cl",  "ua",  NULL };
static const char *const k_three_labels[] = { "arpa", "fr", "cn", "nl", "br", "mx", "uk", "pl",
                                              "tw",   "ca", "fi", "be", "ru", "se", "ar", "es",
                                              "no",   "at", "in", "tr", "ro", "hu", "nz", "pt",
                                              "il",   "gr", "co", "ie", "za", "th", "sg", "hk",
                                              "lt",   "id", "hr", "ee", "bg", NULL };

static bool is_among(const char *const *list, const char *label)
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcasecmp(list[i], label) == 0) {
            return true;
        }
    }
    return false;
}

/* 0: the whole name counts. */
static uint32_t labels_of_domain(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *top = dot == NULL ? name : dot + 1;
    uint32_t labels = is_among(k_three_labels, top) ? 3 : 0;
    return is_among(k_two_labels, top) ? 2 : labels;
}

char *activation_name_of(const char *common_name, bool is_strict)
{
    uint32_t labels = is_strict ? 0 : labels_of_domain(common_name);
    const char *from = common_name + strlen(common_name);
    while (labels > 0 && from > common_name) {
        from -= 1;
        if (*from == '.' && --labels == 0) {
            return amt_strdup(from + 1);
        }
    }
    return amt_strdup(common_name);
}

bool activation_name_covers(const char *name, const char *suffix)
{
    size_t suffix_len = strlen(suffix);
    if (strcmp(name, "*") == 0) {
        return suffix_len >= ANY_MIN_CHARS && suffix_len <= ANY_MAX_CHARS;
    }
    const char *domain = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t len = strlen(domain);
    if (len == 0 || suffix_len < len || strcasecmp(suffix + (suffix_len - len), domain) != 0) {
        return false;
    }
    return suffix_len == len || suffix[suffix_len - len - 1] == '.';
}
