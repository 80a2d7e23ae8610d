/* Actors: who takes part in a case (harness.md 6.4). One table row per kind. */
#ifndef AMTLAB_SCENARIOS_ENGINE_ACTOR_H
#define AMTLAB_SCENARIOS_ENGINE_ACTOR_H

#include "runtime/config.h"
#include "runtime/metrics.h"
#include "scenarios/engine/case_run.h"
#include "scenarios/engine/grammar.h"

/* Bits, so that a verb can name several. */
enum actor_role {
    ACTOR_MPS = 1,
    ACTOR_DEVICE = 2,
    ACTOR_CONSOLE = 4,
    ACTOR_WIRE = 8,
    ACTOR_LATER = 16, /* fleet, proxy */
    ACTOR_REPLAY = 32,
    ACTOR_ACTIVATION = 64
};

struct actor_kind {
    const char *name;
    enum actor_role role;
    uint32_t start_order; /* lower ones start first: servers before those who connect */
    const char *part;     /* not in this version: the part it needs */
    const char *doc;
    const struct key_def *keys; /* NULL: not checked */
    /* A key with expressions that the kind evaluates itself, when it needs them; NULL */
    const char *later_key;
    const struct config_key *config_keys; /* of the product: further keys; NULL */
    /* Starts it: AMT_OK, or an error with diag (shown as an error of the case). */
    enum amt_err (*start)(struct actor *actor, struct amt_diag *diag);
    /* Cuts everything; the loop runs a little afterwards. */
    void (*stop)(struct actor *actor);
    void (*free)(struct actor *actor);
    /* Live attributes as a map, e.g. address, uuid, metrics; in the case's pool. NULL: none */
    struct value *(*show)(struct actor *actor);
    /* An event of its log has become an item, whose fields it may replace. NULL: nothing */
    void (*on_event)(struct actor *actor, struct item *item);
};

struct actor {
    struct case_run *run;
    const char *name;
    const struct actor_kind *kind;
    const struct yaml_node *node; /* as written */
    const char *path;             /* file of node */
    struct value *attributes;     /* evaluated */
    struct log *log;
    struct value *errors; /* LIST of texts: log lines of level error */
    struct item *items, *last_item;
    struct item *cursor; /* first item that message expectations have not passed; NULL: none yet */
    struct stream_wrap wrap;
    struct filter *filters;              /* those in the stack of its connections */
    struct address address;              /* where it listens; external: the target */
    char listen_name[STREAM_NAME_BYTES]; /* of address, as a peer's stream calls it */
    char local_name[STREAM_NAME_BYTES];  /* wire: of its connection */
    bool is_external, is_listening, is_started;
    void *state; /* of its kind */
    struct actor *next;
};

const struct actor_kind *actor_kind_find(const char *name);
/* Ends with NULL. */
extern const struct actor_kind *const k_actor_kinds[];

/* Makes all actors of the scenario and starts them in order. */
enum amt_err actors_start(struct case_run *run, struct amt_diag *diag);
void actors_stop(struct case_run *run);
void actors_free(struct case_run *run);

/* Attribute as evaluated; NULL. */
const struct value *actor_get(const struct actor *actor, const char *key);
/* Text of an attribute or fallback. */
const char *actor_text(const struct actor *actor, const char *key, const char *fallback);
/* Live attributes, attributes, and what every actor has: log.errors, name. NULL if unknown. */
const struct value *actor_path(struct actor *actor, const char *path);

/* Appends to what the actor saw and wakes the case. */
struct item *actor_add_item(struct actor *actor, enum item_kind kind, const char *name);
/* Field of messages that a wire received: did it fill a TLS record, no more and no less? */
#define ITEM_ALONE "alone"
/* How a connection ended, in a word of harness.md 6.6. */
const char *item_end_how(const struct stream_end *end, bool is_tls);
/* Expectations start behind everything seen so far. */
void actor_skip_items(struct actor *actor);
/* Every counter of a table as a map. */
struct value *actor_metrics(struct arena *pool, const struct metric *table, const void *values);

/* For the kinds: notes where the actor listens; where `to` leads (an actor's name or an address, *found
 * NULL then); the attributes without those of the engine; the first error of a configuration. */
void actor_listens_at(struct actor *actor, const struct address *address);
enum amt_err actor_resolve(struct case_run *run, const char *to, struct address *address,
                           const struct actor **found, struct amt_diag *diag);
struct value *actor_product_part(const struct actor *actor, const char *const *own_keys);
enum amt_err actor_config_failed(struct amt_diag_list *errors, struct amt_diag *diag);

/* Common Name of servers of scenarios that give no other. */
#define ACTOR_SERVER_NAME "mps.example"
/* As a certificate, key or trust: those made for scenarios. */
#define ACTOR_BUILTIN "builtin"

/* node without the key that its kind evaluates later. */
const struct yaml_node *actor_early_part(struct arena *pool, const struct actor_kind *kind,
                                         const struct yaml_node *node);

extern const struct actor_kind k_actor_mps, k_actor_device, k_actor_console, k_actor_wire,
    k_actor_replay, k_actor_activation;

#endif
