/* Shared by the files of the player. */
#ifndef AMTLAB_SCENARIOS_REPLAY_PLAYER_INTERNAL_H
#define AMTLAB_SCENARIOS_REPLAY_PLAYER_INTERNAL_H

#include "protocol/apf/flow.h"
#include "scenarios/replay/player.h"

#define PLAYER_ACCEPTED_MAX 16u
#define PLAYER_ID_BYTES     128u

/* A channel: numbers of both ends, and what passed it. */
struct played_channel {
    uint32_t own, recorded_peer, peer; /* peer: what it chose now */
    bool has_own, has_peer;
    struct bytes expected, came; /* of the peer's data, not compared yet */
    char recorded_id[PLAYER_ID_BYTES], id[PLAYER_ID_BYTES]; /* MessageID of its last request */
    struct text challenge;                                  /* last WWW-Authenticate that came */
    struct text saying;                                     /* ours, adapted */
    uint32_t saying_at, saying_steps;
    struct played_channel *next;
};

/* Something that came and was not compared yet. */
struct arrival {
    struct recording_step step;
    struct arrival *next;
};

struct played_connection {
    struct player *player;
    uint32_t number;
    struct stream *stream; /* NULL: not yet, or gone */
    struct apf_flow flow;
    struct arrival *first, *last;
    struct played_channel *channels;
    struct bytes joined; /* of ours, goes with the next message */
    struct stream_end end;
    uint32_t cookie; /* of the peer's last KEEPALIVE_REQUEST */
    bool was_asked_for_options, is_open, has_ended, may_be_gone;
};

struct player {
    struct player_settings settings;
    const struct player_handler *handler;
    void *ctx;
    struct arena arena;
    struct listener *listener;
    struct stream *accepted[PLAYER_ACCEPTED_MAX];
    uint32_t accepted_count;
    struct played_connection *connections; /* recording->connections of them */
    const struct recording_step *step;     /* NULL: all is done */
    uint32_t until, compared, sent;
    uint64_t epoch_us;    /* loop time of the recording's time 0 */
    uint64_t deadline_us; /* for what the peer owes */
    uint64_t previous_at_us;
    struct timer timer;
    struct loop_task task;
    struct player_mismatch mismatch;
    bool is_running, is_over, has_mismatch, has_begun; /* begun: the step was looked at */
    bool has_given_up;
};

enum progress { PROGRESS_WAITS, PROGRESS_DONE, PROGRESS_FAILED };

/* player.c */
bool player_is_ignored(struct player *p, const char *name);
/* Notes the divergence; now NULL: nothing came. */
enum progress player_differs(struct player *p, const struct recording_step *recorded,
                             const struct recording_step *now,
                             const struct compare_difference *difference, const char *format, ...)
    AMT_PRINTF(5, 6);

/* player_channel.c */
struct played_channel *channel_by_own(struct played_connection *c, uint32_t own);
struct played_channel *channel_by_recorded(struct played_connection *c, uint32_t recorded_peer);
/* Keeps numbers up to date: a message of ours that is being sent, or one of the peer's that was
 * compared. */
enum amt_err channel_note_own(struct played_connection *c, const struct apf_message *recorded);
enum amt_err channel_note_peer(struct played_connection *c, const struct apf_message *recorded,
                               const struct apf_message *now);
void channels_free(struct played_connection *c);
/* Data of the peer that have come. */
enum amt_err channel_came(struct played_connection *c, const struct recording_step *now);
/* Compares recorded data with what came, as HTTP messages or as bytes. */
enum progress channel_await(struct played_connection *c, const struct recording_step *step,
                            bool is_first_look);
/* Payload of a data message of ours, adapted; appended to out. */
enum amt_err channel_say(struct played_connection *c, const struct recording_step *step,
                         struct text *out);

/* player_send.c */
/* A recorded message of ours as it has to be said now, into out. */
enum amt_err message_adapt(struct played_connection *c, const struct recording_step *step,
                           struct text *out);

#endif
