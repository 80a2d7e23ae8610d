/* Who cites which requirement in a source tree: code, tests, scenarios. */
#ifndef AMTLAB_CONFORMANCE_CITATIONS_H
#define AMTLAB_CONFORMANCE_CITATIONS_H

#include "base/arena.h"
#include "conformance/registry.h"

enum citation_kind {
    CITATION_CODE,     /* *.c and *.h outside of tests */
    CITATION_TEST,     /* files below tests/ and fuzz/ */
    CITATION_SCENARIO, /* `spec:` of *.yaml below scenarios/ and conformance/ */
    CITATION_KIND_COUNT
};
/* "code" "test" "scenario" */
const char *citation_kind_name(enum citation_kind kind);

struct unknown_citation {
    const char *id, *file; /* file: below the source folder */
    uint32_t line;
    struct unknown_citation *next;
};

struct citations {
    uint32_t (*counts)[CITATION_KIND_COUNT]; /* per index of the registry */
    uint32_t file_count;
    struct unknown_citation *unknown_first, *unknown_last; /* in order of files and lines */
    struct arena arena;
};

/* Reads every *.c, *.h, *.yaml and *.md below folder, except hidden and build folders. AMT_OK;
 * AMT_ESYS, AMT_ECONFIG, AMT_ENOMEM with errors: a folder or file cannot be read, a scenario is not
 * YAML, a tree is too deep. Call citations_fini in either case. */
enum amt_err citations_read(struct citations *citations, const struct registry *registry,
                            const char *folder, struct amt_diag_list *errors) AMT_MUST_USE;
void citations_fini(struct citations *citations);

/* Finds the next id in text (AAA-NNN or AAA-BBB-NNN between other characters): its start, and its
 * length in *len. NULL when there is none. */
const char *citation_next(const char *text, size_t *len);

#endif
