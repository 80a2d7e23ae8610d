/*
 * The registry of requirements (harness.md 15): every numbered requirement of the documents, so that
 * reports can say what a failure violates and `amtlab spec` what nobody checks.
 */
#ifndef AMTLAB_CONFORMANCE_REGISTRY_H
#define AMTLAB_CONFORMANCE_REGISTRY_H

#include <stddef.h>

#include "base/diag.h"
#include "scenarios/report/results.h"

struct requirement {
    char *id;       /* "APF-MPS-021" */
    char *document; /* "apf.md" */
    char *chapter;  /* "14.2 MPS" */
    char *text;     /* in words */
    char *source;   /* section that states it */
    char *test;     /* how it is best checked */
};

struct registry;
/* Reads requirements.yaml. NULL with all errors: unreadable, unknown keys, an id that is missing,
 * malformed or there twice. */
struct registry *registry_load(const char *path, struct amt_diag_list *errors);
void registry_free(struct registry *registry); /* NULL is allowed */

uint32_t registry_count(const struct registry *registry);
/* In order of their ids; index < registry_count. */
const struct requirement *registry_at(const struct registry *registry, uint32_t index);
/* Index of an id of len characters; registry_count for an unknown one. */
uint32_t registry_index(const struct registry *registry, const char *id, size_t len);
/* NULL for an unknown id. */
const struct requirement *registry_find(const struct registry *registry, const char *id);
/* True when an id that begins like this one (up to its first '-') is in the registry: such an id is
 * meant to be a requirement, and wrong when it is unknown. */
bool registry_knows_family(const struct registry *registry, const char *id);
/* Length of the id without its number: 7 for "APF-MPS-021". */
size_t requirement_prefix(const char *id);

/* Puts the words of the requirements into a result tree, where they are still missing. */
void registry_describe(const struct registry *registry, struct results *results);

#endif
