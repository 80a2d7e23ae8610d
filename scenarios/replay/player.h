/*
 * Plays one side of a recording against a living peer: connects or listens, sends what that side sent,
 * waits for what the other side said, and stops at the first thing that is not as recorded.
 *
 * What has to differ is adapted without being asked: channel numbers that the peer chooses, cookies that
 * are echoed, WS-Man message ids, digest answers (with a password), lengths. The rest is the owner's:
 * values to send instead (or to expect), fields and messages to ignore.
 */
#ifndef AMTLAB_SCENARIOS_REPLAY_PLAYER_H
#define AMTLAB_SCENARIOS_REPLAY_PLAYER_H

#include "runtime/loop.h"
#include "runtime/net.h"
#include "runtime/tls.h"
#include "scenarios/replay/compare.h"

#define PLAYER_PATIENCE_US (10u * (uint64_t)US_PER_SECOND)

/* The first divergence. */
struct player_mismatch {
    uint32_t number; /* of the recorded message; 0: of none */
    uint32_t connection, offset;
    uint64_t at_us;   /* in the recording */
    char field[96];   /* "" for the whole message */
    struct text text; /* a sentence: "message 12: apf.request_success.port at byte 1 is 5, was 7" */
    struct text table; /* compare_print, or lines of HTTP that differ */
};

struct player_handler {
    /* A message was sent or came; recorded is the step it belongs to, NULL for one of its own. */
    void (*on_message)(void *ctx, bool is_out, const struct recording_step *message);
    void (*on_connection)(void *ctx, const char *what); /* "connected", "ended (fin)" ... */
    void (*on_end)(void *ctx);                          /* all is played, or it has a mismatch */
    /* "apf.userauth_request.password", "http.password": what to say or to expect instead; NULL. */
    const char *(*given)(void *ctx, const char *field);
    /* "apf.keepalive_options_request", "apf.channel_open.address", "wsman.CurrentTime" */
    bool (*is_ignored)(void *ctx, const char *name);
    /* A field of a message of the peer, for those who keep it. May be NULL. */
    void (*on_field)(void *ctx, const char *field, const char *value);
};

struct player_settings {
    struct loop *loop;
    const struct recording *recording;
    bool is_device;          /* the side that is played */
    bool listens;            /* the server's side */
    struct address to;       /* or where it listens */
    struct tls_context *tls; /* NULL: plain */
    const char *sni;
    uint32_t speed_percent; /* 100 as recorded, 200 twice as fast; 0: without waiting */
    enum compare_how how;
    uint64_t patience_us; /* beyond the recorded time; 0: PLAYER_PATIENCE_US */
};

/* "recorded", "fast", or a factor such as "2x": the speed in percent. AMT_EMALFORMED. */
enum amt_err player_read_pace(const char *text, uint32_t *speed_percent) AMT_MUST_USE;

struct player;
/* Borrows all until free. Listens when it returns; plays after player_run. NULL with diag. */
struct player *player_new(const struct player_settings *settings,
                          const struct player_handler *handler, void *ctx, struct amt_diag *diag);
void player_free(struct player *player); /* NULL is allowed */
/* Where it listens. */
void player_address(const struct player *player, struct address *address);
/* Plays to the end, or to the message with that number (0: to the end); on_end tells. */
void player_run(struct player *player, uint32_t until);
/* Nothing is left to do. */
bool player_is_over(const struct player *player);
/* NULL while all is as recorded. */
const struct player_mismatch *player_mismatch(const struct player *player);
/* Messages compared and sent so far. */
void player_counts(const struct player *player, uint32_t *compared, uint32_t *sent);
/* Gives up waiting: what it waits for is missing. */
void player_give_up(struct player *player);

#endif
