/* Verbs of servers: mps.stop, mps.start. */
#include <string.h>

#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/verb.h"

/* The process is gone: sockets are cut, nobody is told. */
enum step_state verb_mps_stop(struct strand *strand)
{
    struct actor *actor = strand->step.actor;
    if (actor_mps_server(actor) == NULL) {
        return step_fail(strand, "setup", "the server does not run");
    }
    actor_mps_stop(actor);
    return STEP_DONE;
}

/* It starts again at the same address. With `fails` the start must not succeed, for such a reason. */
enum step_state verb_mps_start(struct strand *strand)
{
    struct actor *actor = strand->step.actor;
    struct amt_diag diag = { 0 };
    const char *reason = step_text(strand, "fails", NULL);
    if (actor_mps_server(actor) != NULL) {
        return step_fail(strand, "setup", "the server runs already");
    }
    enum amt_err err = actor_mps_start(actor, step_text(strand, "certificates", "kept"), &diag);
    if (reason == NULL) {
        return err == AMT_OK
                   ? STEP_DONE
                   : step_fail(strand, "start", "the server did not start: %s", diag.text);
    }
    if (err == AMT_OK) {
        return step_fail(strand, "start", "the server started although it must not");
    }
    return strstr(diag.text, reason) != NULL
               ? STEP_DONE
               : step_fail(strand, "start", "the server did not start, but said: %s", diag.text);
}
