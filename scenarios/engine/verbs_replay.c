/* Verbs of a replay. */
#include <string.h>

#include "scenarios/engine/actor_replay.h"
#include "scenarios/engine/verb.h"

enum step_state verb_replay_run_start(struct strand *strand)
{
    struct player *player = actor_replay_player(strand->step.actor);
    const char *until = step_text(strand, "until", "end");
    uint64_t number = 0;
    if (player_is_over(player) && player_mismatch(player) != NULL) {
        return step_fail(strand, "setup", "the replay has ended already");
    }
    if (strcmp(until, "end") != 0 && text_parse_u64(until, UINT32_MAX, &number) != AMT_OK) {
        return step_fail(strand, "setup", "until is end, or the number of a message, not '%s'",
                         until);
    }
    player_run(player, (uint32_t)number);
    return STEP_WAITS;
}

enum step_state verb_replay_run_poll(struct strand *strand)
{
    struct arena *pool = &strand->run->pool;
    struct player *player = actor_replay_player(strand->step.actor);
    const struct player_mismatch *mismatch = player_mismatch(player);
    if (!player_is_over(player)) {
        if (step_is_late(strand)) {
            player_give_up(player); /* tells what is missing in its next turn */
        }
        return STEP_WAITS;
    }
    if (mismatch == NULL) {
        return STEP_DONE;
    }
    strand->step.failure.expected = "what was recorded";
    strand->step.failure.actual = pool_strdup(pool, text_chars(&mismatch->table));
    strand->step.failure.field =
        mismatch->field[0] == '\0' ? NULL : pool_strdup(pool, mismatch->field);
    strand->step.failure.item = strand->step.actor->last_item;
    return step_fail(strand, "replay", "%s", text_chars(&mismatch->text));
}
