#include "mps/cira/attempts.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define NAMES_MAX  8192u
#define NAME_BYTES 72u

struct attempt {
    char name[NAME_BYTES]; /* "a:" address or "u:" user */
    uint32_t failures;
    uint64_t window_start_us;
    UT_hash_handle hh;
};

struct attempts {
    struct attempt *by_name; /* in order of their first failure */
};

struct attempts *attempts_new(void)
{
    return amt_alloc(sizeof(struct attempts));
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void add(struct attempts *attempts, struct attempt *attempt)
{
    HASH_ADD_STR(attempts->by_name, name, attempt);
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static void drop(struct attempts *attempts, struct attempt *attempt)
{
    HASH_DEL(attempts->by_name, attempt);
    amt_free(attempt);
}

void attempts_free(struct attempts *attempts)
{
    while (attempts != NULL && attempts->by_name != NULL) {
        drop(attempts, attempts->by_name);
    }
    amt_free(attempts);
}

static void name_of(char kind, const char *text, char out[static NAME_BYTES])
{
    memset(out, 0, NAME_BYTES);
    (void)snprintf(out, NAME_BYTES, "%c:%s", kind, text);
}

/* NOLINTNEXTLINE(readability-function-size): uthash's macros, expanded */
static struct attempt *look_up(struct attempts *attempts, const char *name)
{
    struct attempt *attempt = NULL;
    HASH_FIND_STR(attempts->by_name, name, attempt);
    return attempt;
}

/* The count within the window; one whose window is over is forgotten. */
static struct attempt *find(struct attempts *attempts, const struct mps_config *config,
                            const char *name, uint64_t now_us)
{
    struct attempt *attempt = look_up(attempts, name);
    if (attempt != NULL && now_us - attempt->window_start_us >= config->auth_failure_window_us) {
        drop(attempts, attempt);
        return NULL;
    }
    return attempt;
}

static bool is_below(struct attempts *attempts, const struct mps_config *config, char kind,
                     const char *text, uint32_t limit, uint64_t now_us)
{
    char name[NAME_BYTES];
    name_of(kind, text, name);
    const struct attempt *attempt = find(attempts, config, name, now_us);
    return limit == 0 || attempt == NULL || attempt->failures < limit;
}

bool attempts_allow(struct attempts *attempts, const struct mps_config *config, const char *address,
                    const char *user, uint64_t now_us)
{
    return is_below(attempts, config, 'a', address, config->auth_failures_per_address, now_us) &&
           is_below(attempts, config, 'u', user, config->auth_failures_per_user, now_us);
}

static void count(struct attempts *attempts, const struct mps_config *config, char kind,
                  const char *text, uint64_t now_us)
{
    char name[NAME_BYTES];
    name_of(kind, text, name);
    struct attempt *attempt = find(attempts, config, name, now_us);
    if (attempt == NULL) {
        if (HASH_COUNT(attempts->by_name) >= NAMES_MAX) {
            drop(attempts, attempts->by_name);
        }
        attempt = amt_alloc(sizeof *attempt);
        if (attempt == NULL) {
            return;
        }
        memcpy(attempt->name, name, sizeof name);
        attempt->window_start_us = now_us;
        add(attempts, attempt);
    }
    attempt->failures += 1;
}

void attempts_failed(struct attempts *attempts, const struct mps_config *config,
                     const char *address, const char *user, uint64_t now_us)
{
    if (config->auth_failures_per_address != 0) {
        count(attempts, config, 'a', address, now_us);
    }
    if (config->auth_failures_per_user != 0) {
        count(attempts, config, 'u', user, now_us);
    }
}
