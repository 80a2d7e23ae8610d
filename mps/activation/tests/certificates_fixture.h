/* Shared by the tests of provisioning certificates. */
#ifndef AMTLAB_MPS_ACTIVATION_TESTS_CERTIFICATES_FIXTURE_H
#define AMTLAB_MPS_ACTIVATION_TESTS_CERTIFICATES_FIXTURE_H

#include <jansson.h>

#include "mps/activation/certificates.h"

#define CERTS        AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs"
#define NOW_S        UINT64_C(1767225600) /* 2026-01-01 */
#define FILES_MAX    8
#define PFX_PASSWORD "P@ssw0rd"

/* A set of files of data/certs, given by their names without .pem. */
struct files {
    char paths[FILES_MAX][192];
    const char *list[FILES_MAX + 1];
    char key[192];
    struct activation_certificate_source source;
};
/* names: separated by blanks; key: file name */
void files_set(struct files *files, const char *names, const char *key);
json_t *certificates_json(const char *name);
/* How many problems there are with that text, err and code; NULL and -1: any. The rights of files
 * differ between checkouts and do not count. */
uint32_t certificates_problems(const struct amt_diag_list *list, const char *text, int err,
                               const char *code);
/* Loads names with key; the certificate, or NULL. */
const struct activation_certificate *certificates_get(struct activation_certificates *set,
                                                      const char *names, const char *key);

#endif
