/* Seeded generator: every consumer has its own stream, named by purpose, so that order, sharding and
 * parallelism change nothing (harness.md 16). Not for keys: those come from OpenSSL. */
#ifndef AMTLAB_BASE_RANDOM_H
#define AMTLAB_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct amt_random {
    uint64_t state[4];
};

void amt_random_seed(struct amt_random *random, uint64_t seed, const char *purpose);
uint64_t amt_random_u64(struct amt_random *random);
/* Uniform in [0, n); 0 for n = 0. */
uint64_t amt_random_below(struct amt_random *random, uint64_t n);
void amt_random_fill(struct amt_random *random, void *out, size_t len);
/* A version 4 UUID in canonical byte order. */
void amt_random_uuid(struct amt_random *random, uint8_t out[static 16]);

#endif
