/*
 * How devices get into a group: which ways in the server offers, decided by its mode, the kind of the
 * group, the group's policy and the certificates that are loaded now; each with the command to paste.
 *
 * The server leaves what decides as a note in its store (onboarding_publish); API and command line read
 * the same note, so that both always say the same.
 */
#ifndef AMTLAB_MPS_ONBOARDING_H
#define AMTLAB_MPS_ONBOARDING_H

#include "mps/activation/job.h"
#include "mps/mps.h"
#include "mps/store/store.h"

struct onboarding_policy {
    const char *group; /* "*" for those without their own */
    enum activation_policy_type type;
    enum activation_fallback fallback;
};
struct onboarding_state {
    enum mps_mode mode;
    const char *cira;       /* HOST:PORT told to devices; NULL: no CIRA */
    const char *activation; /* HOST:PORT of the activation server; NULL: there is none */
    bool has_no_manager;    /* AmtManager is false: nothing is activated at all */
    uint64_t admin_until_s; /* Unix time until which a certificate is valid; 0: none is */
    const struct onboarding_policy *policies;
    uint32_t policy_count;
};
/* AMT_OK, or what store_note says. */
enum amt_err onboarding_publish(struct store *store, const struct onboarding_state *state,
                                struct amt_diag *diag) AMT_MUST_USE;

enum onboarding_kind {
    ONBOARD_LOCAL,
    ONBOARD_SCAN,
    ONBOARD_CIRA,
    ONBOARD_ACTIVATION,
    ONBOARD_AGENT
};
#define ONBOARDING_WAYS     5u
#define ONBOARDING_COMMANDS 3u
struct onboarding_way {
    enum onboarding_kind kind;
    const char *name;                          /* "local", "scan", "cira", "activation", "agent" */
    const char *why_not;                       /* NULL: it is offered */
    struct text commands[ONBOARDING_COMMANDS]; /* ready to paste; without a secret but the id */
    uint32_t command_count;
};
struct onboarding {
    struct store_group group;
    enum mps_mode mode;
    struct onboarding_way ways[ONBOARDING_WAYS];
};

struct onboarding_question {
    struct store *store;
    const char *data; /* the server's data directory, as commands shall name it */
    const char
        *server; /* HOST:PORT of the activation server as clients reach it; NULL: as published */
    uint64_t now_s;
};
/* The ways into a group. AMT_EUNKNOWN: no such group, or no server has run on this store yet; diag says
 * which. Call onboarding_fini in either case. */
enum amt_err onboarding_ask(const struct onboarding_question *question, const char *group,
                            struct onboarding *answer, struct amt_diag *diag) AMT_MUST_USE;
void onboarding_fini(struct onboarding *answer);
/* {"group":…,"kind":…,"mode":…,"ways":[{"way":…,"offered":…,"commands":[…],"reason":…}]} */
void onboarding_json(const struct onboarding *answer, struct text *out);
/* "hybrid", "lan", "wan". */
const char *mps_mode_name(enum mps_mode mode);

#endif
