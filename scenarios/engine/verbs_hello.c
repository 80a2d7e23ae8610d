/* activate.start {via: bare_metal}: nobody does anything on the PC; the firmware says hello to the server,
 * which comes back over the network (activation.md 11). */
#include <string.h>

#include "scenarios/engine/actor_activation.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/verb.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"

enum step_state verb_hello_start(struct strand *strand, const struct actor *server)
{
    const struct device_host *host = actor_device_host(strand->step.actor);
    struct address address;
    if (host == NULL) {
        return step_fail(strand, "setup", "the device has no firmware");
    }
    if (!activation_actor_hello_address(server, &address)) {
        return step_fail(strand, "setup",
                         "the activation actor has no 'provisioning': nobody hears a hello");
    }
    mebx_set_server_port(host->firmware, address.port);
    if (mebx_set_server_address(host->firmware, address.host) != AMT_OK ||
        provisioning_start(host->firmware) != AMT_OK) {
        return step_fail(strand, "setup",
                         "the device is provisioned: it says hello to nobody any more");
    }
    strand->step.state = (void *)server->last_item; /* what happened before is not meant */
    return step_bool(strand, "wait", false) ? STEP_WAITS : STEP_DONE;
}

static const char *field(const struct item *item, const char *key)
{
    const struct value *value = value_get(item->fields, key);
    return value == NULL || value->kind != VALUE_TEXT ? "" : value->text;
}

enum step_state verb_hello_poll(struct strand *strand, const struct actor *server)
{
    const struct item *seen = strand->step.state;
    struct arena *pool = &strand->run->pool;
    const struct item *at = seen == NULL ? server->items : seen->next;
    while (at != NULL && strcmp(at->name, "activation.failed") != 0 &&
           strcmp(at->name, "activation.done") != 0) {
        at = at->next;
    }
    if (at == NULL) {
        return step_is_late(strand)
                   ? step_fail(strand, "timeout", "the server has not come to an end in time")
                   : STEP_WAITS;
    }
    struct value *outcome = value_map(pool);
    bool is_good = strcmp(at->name, "activation.done") == 0;
    value_put(pool, outcome, "result", value_text(pool, is_good ? "success" : "error"));
    value_put(pool, outcome, "code", value_text(pool, field(at, "code")));
    value_put(pool, outcome, "message", value_text(pool, field(at, "cause")));
    strand->step.outcome = outcome;
    return STEP_DONE;
}
