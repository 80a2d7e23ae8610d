/* The 126 vectors of protocol/apf/tests/vectors/apf-vectors.yaml, read for a test. */
#ifndef AMTLAB_CLI_TESTS_VECTORS_H
#define AMTLAB_CLI_TESTS_VECTORS_H

#include <jansson.h>

#include "protocol/apf/codec.h"
#include "runtime/yaml.h"

#define VECTOR_COUNT 126u

struct vector {
    const char *id, *direction, *hex;
    json_t *context, *expect; /* owned; context NULL for none */
    uint8_t *bytes;           /* exactly len bytes long */
    uint32_t len;
    struct apf_context decoder;
};

struct vectors {
    struct yaml_document *document;
    struct vector items[VECTOR_COUNT];
    uint32_t count;
};

/* Fails the test when anything is wrong with the file. */
void vectors_load(struct vectors *vectors);
void vectors_free(struct vectors *vectors);
/* The answer that `amtlab decode apf` owes for a vector, without "offset" and "requirement". */
json_t *vector_expected(const struct vector *vector);

#endif
