#include "scenarios/engine/actor.h"

#include <stdio.h>
#include <string.h>

#include "scenarios/engine/defect.h"
#include "scenarios/engine/record.h"
#include "scenarios/engine/target_device.h"

static const struct key_def k_any_keys[] = { { NULL, KEY_ANY, false, NULL, NULL, NULL } };

static const struct actor_kind k_actor_fleet = {
    .name = "fleet", .role = ACTOR_LATER, .part = "fleet", .doc = "many devices", .keys = k_any_keys
};
static const struct actor_kind k_actor_proxy = { .name = "proxy",
                                                 .role = ACTOR_LATER,
                                                 .part = "recording",
                                                 .doc = "man in the middle",
                                                 .keys = k_any_keys };
const struct actor_kind *const k_actor_kinds[] = {
    &k_actor_mps,   &k_actor_device, &k_actor_console, &k_actor_wire, &k_actor_activation,
    &k_actor_fleet, &k_actor_proxy,  &k_actor_replay,  NULL
};

const struct actor_kind *actor_kind_find(const char *name)
{
    for (uint32_t i = 0; k_actor_kinds[i] != NULL; i++) {
        if (strcmp(k_actor_kinds[i]->name, name) == 0) {
            return k_actor_kinds[i];
        }
    }
    return NULL;
}

const struct value *actor_get(const struct actor *actor, const char *key)
{
    return value_get(actor->attributes, key);
}

const char *actor_text(const struct actor *actor, const char *key, const char *fallback)
{
    const struct value *value = value_path(actor->attributes, key);
    return value == NULL || value->kind != VALUE_TEXT ? fallback : value->text;
}

const struct value *actor_path(struct actor *actor, const char *path)
{
    struct arena *pool = &actor->run->pool;
    struct value *live =
        actor->is_external && actor->kind->role == ACTOR_DEVICE ? target_device_show(actor)
        : actor->kind->show == NULL || !actor->is_started       ? value_map(pool)
                                                                : actor->kind->show(actor);
    const struct value *shown = value_get(live, "log");
    struct value *log = value_map(pool);
    for (const struct value *at = shown == NULL ? NULL : shown->first; at != NULL; at = at->next) {
        value_put(pool, log, at->key, value_copy(pool, at));
    }
    value_put(pool, log, "errors", value_copy(pool, actor->errors));
    value_put(pool, live, "log", log);
    value_put(pool, live, "name", value_text(pool, actor->name));
    const struct value *found = value_path(live, path);
    return found != NULL ? found : value_path(actor->attributes, path);
}

struct item *actor_add_item(struct actor *actor, enum item_kind kind, const char *name)
{
    struct item *item = pool_alloc(&actor->run->pool, sizeof *item);
    item->kind = kind;
    item->name = pool_strdup(&actor->run->pool, name);
    item->at_us = case_now_us(actor->run);
    item->alert = -1;
    item->text = "";
    if (actor->last_item == NULL) {
        actor->items = item;
    } else {
        actor->last_item->next = item;
    }
    actor->last_item = item;
    if (actor->cursor == NULL) {
        actor->cursor = item;
    }
    case_wake(actor->run);
    return item;
}

void actor_skip_items(struct actor *actor)
{
    actor->cursor = NULL;
    for (struct item *at = actor->items; at != NULL; at = at->next) {
        at->is_used = true;
    }
}

struct value *actor_metrics(struct arena *pool, const struct metric *table, const void *values)
{
    struct value *map = value_map(pool);
    for (const struct metric *metric = table; metric->name != NULL; metric++) {
        uint64_t number = 0;
        (void)metric_find(table, values, metric->name, &number);
        value_put(pool, map, metric->name, value_int(pool, (int64_t)number));
    }
    return map;
}

static struct value *field_value(struct arena *pool, const struct log_field *field)
{
    struct value *value = NULL;
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        return value_text_n(pool, field->text, field->len);
    case LOG_FIELD_U64:
    case LOG_FIELD_I64:
        return value_int(pool, (int64_t)field->number);
    case LOG_FIELD_BOOL:
        return value_bool(pool, field->number != 0);
    case LOG_FIELD_LIST:
        value = value_list(pool);
        for (uint32_t i = 0; i < field->len; i++) {
            value_append(value, value_int(pool, field->list[i]));
        }
        return value;
    case LOG_FIELD_SECRET:
        value = value_text(pool, "(hidden)");
        value->is_secret = true;
        return value;
    case LOG_FIELD_END:
        break;
    }
    return value_null(pool);
}

static void on_log(void *ctx, const char *name, enum log_level level,
                   const struct log_field *fields)
{
    struct actor *actor = ctx;
    struct arena *pool = &actor->run->pool;
    struct item *item = actor_add_item(actor, ITEM_EVENT, name);
    struct value *map = value_map(pool);
    struct text text = { 0 };
    text_puts(&text, name);
    for (const struct log_field *field = fields; field->kind != LOG_FIELD_END; field++) {
        struct value *value = field_value(pool, field);
        value_put(pool, map, field->name, value);
        text_printf(&text, " %s=", field->name);
        value_print(value, &text);
    }
    item->fields = map;
    item->text = pool_take(pool, &text);
    if (level == LOG_ERROR) {
        value_append(actor->errors, value_text(pool, item->text));
    }
    if (level <= LOG_INFO) {
        record_event(actor->run, item, actor->name, actor->name);
    }
    if (actor->kind->on_event != NULL && actor->state != NULL) {
        actor->kind->on_event(actor, item);
    }
}

static struct actor *add_actor(struct case_run *run, const struct scenario_part *part)
{
    struct actor *actor = pool_alloc(&run->pool, sizeof *actor);
    const struct yaml_node *kind = yaml_get(part->node, "kind");
    actor->run = run;
    actor->name = part->name;
    actor->node = part->node;
    actor->path = part->path;
    actor->kind = actor_kind_find(kind == NULL || kind->text == NULL ? "" : kind->text);
    actor->errors = value_list(&run->pool);
    actor->attributes = value_map(&run->pool);
    if (run->last_actor == NULL) {
        run->actors = actor;
    } else {
        run->last_actor->next = actor;
    }
    run->last_actor = actor;
    return actor;
}

static bool is_in(const char *const *names, const char *name)
{
    for (uint32_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* What a scenario sets up in a server cannot be set up in a target: only plain users are expected of
 * it, and that it listens. */
static const char *setting_of_target(const struct actor *actor)
{
    static const char *const k_plain[] = { "kind", "listen", "tls", "users", "name", NULL };
    const struct value *users = actor_get(actor, "users");
    for (const struct value *at = actor->attributes->first; at != NULL; at = at->next) {
        if (!is_in(k_plain, at->key)) {
            return at->key;
        }
    }
    for (const struct value *at = users == NULL ? NULL : users->first; at != NULL; at = at->next) {
        if (at->count > 2) {
            return "users";
        }
    }
    return NULL;
}

const struct yaml_node *actor_early_part(struct arena *pool, const struct actor_kind *kind,
                                         const struct yaml_node *node)
{
    if (kind->later_key == NULL || node->kind != YAML_MAP) {
        return node;
    }
    struct yaml_node *part = pool_alloc(pool, sizeof *part);
    struct yaml_node **link = &part->first;
    *part = *node;
    part->first = NULL;
    part->count = 0;
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (strcmp(at->key, kind->later_key) != 0) {
            struct yaml_node *copy = pool_alloc(pool, sizeof *copy);
            *copy = *at;
            copy->next = NULL;
            *link = copy;
            link = &copy->next;
            part->count++;
        }
    }
    return part;
}

static enum amt_err start_actor(struct actor *actor, struct amt_diag *diag)
{
    struct case_run *run = actor->run;
    const char *why = NULL;
    run->path = actor->path;
    actor->attributes =
        case_evaluate(run, actor_early_part(&run->pool, actor->kind, actor->node), &why);
    if (actor->attributes == NULL) {
        actor->attributes = value_map(&run->pool);
        return amt_diag_set(diag, AMT_ECONFIG, "actor '%s': %s", actor->name, why);
    }
    if (!defect_change_actor(run, actor->name, actor->attributes, &why)) {
        return amt_diag_set(diag, AMT_ECONFIG, "defect, actor '%s': %s", actor->name, why);
    }
    for (const struct engine_target *at = run->options->targets; at != NULL; at = at->next) {
        if (strcmp(at->role, actor->kind->name) == 0) {
            actor->is_external = true;
            actor->address = at->address;
        }
    }
    if (actor->is_external && actor->kind->role == ACTOR_DEVICE) {
        run->unsupported = target_device_unfit(actor);
        return AMT_OK;
    }
    if (actor->is_external) {
        const char *setting = actor->kind->role == ACTOR_MPS ? setting_of_target(actor) : NULL;
        if (setting != NULL) {
            run->unsupported =
                pool_printf(&run->pool, "it sets '%s', which a target does not take", setting);
        }
        return AMT_OK;
    }
    actor->log = pool_checked(log_new(run->loop));
    if (log_observe(actor->log, on_log, actor) != AMT_OK) {
        (void)pool_checked(NULL);
    }
    enum amt_err err = actor->kind->start(actor, diag);
    actor->is_started = err == AMT_OK;
    return err == AMT_OK ? AMT_OK : amt_diag_while(diag, err, "starting actor '%s'", actor->name);
}

static enum amt_err start_all(struct case_run *run, uint32_t order, struct amt_diag *diag)
{
    enum amt_err err = AMT_OK;
    for (struct actor *actor = run->actors; actor != NULL && err == AMT_OK; actor = actor->next) {
        err = actor->kind->start_order == order ? start_actor(actor, diag) : AMT_OK;
    }
    return err;
}

enum amt_err actors_start(struct case_run *run, struct amt_diag *diag)
{
    uint32_t highest = 0;
    for (const struct scenario_part *part = run->scenario->actors; part != NULL;
         part = part->next) {
        const struct actor *actor = add_actor(run, part);
        if (actor->kind == NULL) {
            return amt_diag_set(diag, AMT_ECONFIG, "actor '%s' has no known kind", actor->name);
        }
        highest = actor->kind->start_order > highest ? actor->kind->start_order : highest;
    }
    for (uint32_t order = 0; order <= highest; order++) {
        TRY(start_all(run, order, diag));
    }
    return AMT_OK;
}

/* Last started, first stopped: clients before servers. */
static void each_backwards(struct case_run *run, void (*fn)(struct actor *actor))
{
    uint32_t count = 0;
    for (const struct actor *actor = run->actors; actor != NULL; actor = actor->next) {
        count++;
    }
    for (uint32_t left = count; left > 0; left--) {
        struct actor *actor = run->actors;
        for (uint32_t i = 1; i < left; i++) {
            actor = actor->next;
        }
        fn(actor);
    }
}

static void stop_actor(struct actor *actor)
{
    if (actor->state != NULL && actor->kind->stop != NULL) {
        actor->kind->stop(actor);
    }
}

static void free_actor(struct actor *actor)
{
    if (actor->state != NULL && actor->kind->free != NULL) {
        actor->kind->free(actor);
    }
    if (actor->log != NULL) {
        log_unobserve(actor->log, on_log, actor);
        log_free(actor->log);
    }
}

void actors_stop(struct case_run *run)
{
    each_backwards(run, stop_actor);
}

void actors_free(struct case_run *run)
{
    each_backwards(run, free_actor);
}

void actor_listens_at(struct actor *actor, const struct address *address)
{
    char name[ADDRESS_HOST_BYTES + 10];
    actor->address = *address;
    actor->is_listening = true;
    address_format(address, name);
    (void)snprintf(actor->listen_name, sizeof actor->listen_name, "%.79s", name);
}

enum amt_err actor_resolve(struct case_run *run, const char *to, struct address *address,
                           const struct actor **found, struct amt_diag *diag)
{
    const struct actor *actor = case_actor(run, to);
    *found = actor;
    if (actor == NULL) {
        return address_parse(to, 4433, address, diag);
    }
    if (!actor->is_listening && !actor->is_external) {
        return amt_diag_set(diag, AMT_ECONFIG, "actor '%s' does not listen", to);
    }
    *address = actor->address;
    return AMT_OK;
}

struct value *actor_product_part(const struct actor *actor, const char *const *own_keys)
{
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    map->place = actor->node;
    for (const struct value *at = actor->attributes->first; at != NULL; at = at->next) {
        if (!is_in(own_keys, at->key)) {
            value_put(pool, map, at->key, value_copy(pool, at));
        }
    }
    return map;
}

enum amt_err actor_config_failed(struct amt_diag_list *errors, struct amt_diag *diag)
{
    if (errors->count > 0) {
        *diag = errors->items[0];
    } else {
        amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    amt_diag_list_fini(errors);
    return AMT_ECONFIG;
}
