#include "base/random.h"

#include <string.h>

/* xoshiro256** seeded through splitmix64 and FNV-1a over the purpose: public-domain algorithms,
 * chosen because every platform gives the same numbers. */

static uint64_t splitmix(uint64_t *x)
{
    *x += 0x9e3779b97f4a7c15u;
    uint64_t z = *x;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return (x << by) | (x >> (64 - by));
}

void amt_random_seed(struct amt_random *random, uint64_t seed, const char *purpose)
{
    uint64_t x = 0xcbf29ce484222325u ^ seed;
    for (const char *p = purpose; *p != '\0'; p++) {
        x = (x ^ (uint8_t)*p) * 0x100000001b3u;
    }
    for (unsigned i = 0; i < 4; i++) {
        random->state[i] = splitmix(&x);
    }
}

uint64_t amt_random_u64(struct amt_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t amt_random_below(struct amt_random *random, uint64_t n)
{
    if (n == 0) {
        return 0;
    }
    /* Numbers of the last, incomplete round would favour the low values. */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t value = amt_random_u64(random);
    while (value >= limit) {
        value = amt_random_u64(random);
    }
    return value % n;
}

void amt_random_fill(struct amt_random *random, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t value = amt_random_u64(random);
        size_t n = len - i < 8 ? len - i : 8;
        for (size_t k = 0; k < n; k++) {
            bytes[i + k] = (uint8_t)(value >> (8 * k) & 0xff);
        }
    }
}

void amt_random_uuid(struct amt_random *random, uint8_t out[static 16])
{
    amt_random_fill(random, out, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}
