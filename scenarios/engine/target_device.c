#include "scenarios/engine/target_device.h"

#include <string.h>

#include "mps/mps.h"
#include "scenarios/engine/actor_parts.h"
#include "scenarios/engine/actor_wire.h"

const struct engine_target *target_device(const struct case_run *run)
{
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        if (strcmp(at->role, "device") == 0) {
            return at;
        }
    }
    return NULL;
}

bool target_device_calls(const struct case_run *run)
{
    const struct engine_target *target = target_device(run);
    return target != NULL && target->calls_us;
}

bool target_device_speaks_tls(const struct case_run *run)
{
    const struct engine_target *target = target_device(run);
    return target != NULL && target->speaks_tls;
}

static const char *not_in(const struct value *map, const char *const *names)
{
    for (const struct value *at = map == NULL || map->kind != VALUE_MAP ? NULL : map->first;
         at != NULL; at = at->next) {
        bool is_known = false;
        for (uint32_t i = 0; names[i] != NULL; i++) {
            is_known = is_known || strcmp(names[i], at->key) == 0;
        }
        if (!is_known) {
            return at->key;
        }
    }
    return NULL;
}

static const char *setting_of(const struct actor *actor)
{
    static const char *const k_keys[] = { "kind", "profile", "state", "cira", "direct", NULL };
    static const char *const k_state[] = { "mode", "power", "admin_user", "admin_password", NULL };
    static const char *const k_cira[] = { "to", "user", "password", "trigger", NULL };
    const char *found = not_in(actor->attributes, k_keys);
    found = found != NULL ? found : not_in(actor_get(actor, "state"), k_state);
    return found != NULL ? found : not_in(actor_get(actor, "cira"), k_cira);
}

const char *target_device_unfit(const struct actor *actor)
{
    struct case_run *run = actor->run;
    const char *setting = setting_of(actor);
    bool waits_for_call = false;
    for (const struct scenario_word *word = run->scenario->capabilities; word != NULL;
         word = word->next) {
        waits_for_call = waits_for_call || strcmp(word->text, "cira") == 0;
    }
    if (run->unsupported != NULL) {
        return run->unsupported;
    }
    if (setting != NULL) {
        return pool_printf(&run->pool, "it sets '%s', which a target does not take", setting);
    }
    for (const struct actor *other = run->actors; other != NULL; other = other->next) {
        if (other != actor && other->kind == actor->kind) {
            return "it has several devices, and the target is one";
        }
        waits_for_call = waits_for_call || (other->kind->role == ACTOR_WIRE && other->is_listening);
    }
    return waits_for_call && !target_device_calls(run)
               ? "the device has to call home for it: --target device=listen:PORT"
               : NULL;
}

enum amt_err target_device_identity(const struct case_run *run, struct pki_identity **identity,
                                    struct amt_diag *diag)
{
    const struct engine_target *target = target_device(run);
    *identity = NULL;
    if (target == NULL || target->certificate == NULL) {
        return AMT_OK;
    }
    *identity = pki_load(target->certificate,
                         target->key == NULL ? target->certificate : target->key, diag);
    return *identity == NULL ? AMT_ECERT : AMT_OK;
}

struct first_device {
    bool is_found;
    struct uuid uuid;
};

static void note_device(void *ctx, const struct mps_device_view *view)
{
    struct first_device *first = ctx;
    if (!first->is_found) {
        first->is_found = true;
        first->uuid = view->uuid;
    }
}

static struct first_device find_device(struct case_run *run)
{
    struct first_device first = { .is_found = false };
    for (struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        struct mps *mps = actor_mps_server(actor);
        if (mps != NULL) {
            mps_each_device(mps, note_device, &first);
        }
    }
    return first;
}

/* A call that came to nothing is one too: what became of it is for the scenario to judge. */
static bool is_call(const char *event)
{
    return strcmp(event, "device.online") == 0 || strcmp(event, "login.failed") == 0 ||
           strcmp(event, "connection.tls_failed") == 0;
}

static bool has_called(void *ctx)
{
    const struct case_run *run = ctx;
    for (struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        const struct wire *wire = actor->kind == &k_actor_wire ? actor->state : NULL;
        if (wire != NULL && wire->waiting != NULL) {
            return true;
        }
        for (const struct item *item = actor->kind == &k_actor_mps ? actor->items : NULL;
             item != NULL; item = item->next) {
            if (is_call(item->name)) {
                return true;
            }
        }
    }
    return false;
}

enum amt_err target_device_await(struct case_run *run, struct amt_diag *diag)
{
    const struct engine_target *target = target_device(run);
    bool is_awaited = false;
    if (target == NULL || !target->calls_us) {
        return AMT_OK;
    }
    for (const struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        is_awaited = is_awaited || actor->is_listening;
    }
    uint64_t limit_us = target->wait_us == 0 ? TARGET_DEVICE_WAIT_US : target->wait_us;
    if (!is_awaited ||
        loop_run_until(run->loop, has_called, run, loop_now_us(run->loop) + limit_us)) {
        run->start_us = loop_now_us(run->loop);
        return AMT_OK;
    }
    char shown[ADDRESS_HOST_BYTES + 10], limit[24];
    address_format(&target->address, shown);
    text_format_duration(limit_us, limit);
    amt_diag_set(diag, AMT_ETIMEOUT, "no device has called %s within %s", shown, limit);
    amt_diag_hint(diag,
                  "is it configured to call this address, with these credentials, and does it "
                  "trust the certificate? `amtlab mps -v` shows what it tries");
    return AMT_ETIMEOUT;
}

struct value *target_device_show(struct actor *actor)
{
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    struct first_device first = find_device(actor->run);
    char uuid[UUID_TEXT_BYTES];
    if (first.is_found) {
        uuid_format(&first.uuid, uuid);
        value_put(pool, map, "uuid", value_text(pool, uuid));
    }
    const struct value *password = value_get(actor->run->variables, "os_pass");
    if (password != NULL) {
        value_put(pool, map, "os_password", value_copy(pool, password));
    }
    return map;
}
