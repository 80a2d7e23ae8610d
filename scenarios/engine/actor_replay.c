/* Actor kind `replay` (harness.md 6.4, 9.7, 14). */
#include "scenarios/engine/actor_replay.h"

#include <string.h>

#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/record.h"

#define PRINT_BYTES 400u

static const char *const k_sides[] = { "device", "server", NULL };
static const char *const k_how[] = { "semantic", "bytes", "none", NULL }; /* enum compare_how */
static const struct key_def k_compare_keys[] = {
    { "to", KEY_WORD, false, "how what the peer says is compared", k_how, NULL },
    { "ignore", KEY_TEXTS, false,
      "messages, fields and elements: apf.keepalive_options_request, apf.channel_open.address, "
      "wsman.CurrentTime",
      NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};
static const struct key_def k_keys[] = {
    { "kind", KEY_TEXT, true, "replay", NULL, NULL },
    { "recording", KEY_TEXT, true, "file, from the scenario's folder", NULL, NULL },
    { "side", KEY_WORD, false, "which side it plays", k_sides, NULL },
    { "to", KEY_TEXT, false, "actor or address to connect to; the device's side", NULL, NULL },
    { "listen", KEY_TEXT, false, "true, or an address: the server's side", NULL, NULL },
    { "name", KEY_TEXT, false, "Common Name of its certificate when it listens", NULL, NULL },
    { "tls", KEY_BOOL, false, "false: plain TCP", NULL, NULL },
    { "map", KEY_ANY, false, "fields that differ: a value, or { remember: name }", NULL, NULL },
    { "pace", KEY_TEXT, false, "recorded, fast, or a factor such as 2x", NULL, NULL },
    { "compare", KEY_MAP, false, "what has to be as recorded", NULL, k_compare_keys },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

struct player *actor_replay_player(struct actor *actor)
{
    struct replay *replay = actor->state;
    return replay->player;
}

/* ---- for the player ---- */

static void on_message(void *ctx, bool is_out, const struct recording_step *message)
{
    struct replay *replay = ctx;
    struct actor *actor = replay->actor;
    struct arena *pool = &actor->run->pool;
    struct item *item = actor_add_item(actor, ITEM_MESSAGE,
                                       message->is_apf ? apf_value_name(pool, message->message.type)
                                                       : "apf.malformed");
    item->is_out = is_out;
    item->bytes = (const uint8_t *)pool_text(pool, (const char *)message->bytes, message->len);
    item->len = message->len;
    item->from = is_out ? actor->name : replay->peer;
    item->to = is_out ? replay->peer : actor->name;
    item->fields = value_map(pool);
    item->text = pool_printf(pool, "not APF, %u bytes", message->len);
    if (message->is_apf) {
        char text[PRINT_BYTES];
        apf_print(&message->message, message->bytes, text, sizeof text);
        item->fields = apf_value_fields(pool, &message->message, message->bytes);
        item->text = pool_strdup(pool, text);
    }
    /* A built-in peer notes what we send when it arrives. */
    const struct actor *peer = case_actor(actor->run, replay->peer);
    if (!is_out || peer == NULL || peer->is_external || !peer->is_started) {
        record_event(actor->run, item, item->from, item->to);
    }
}

static void on_connection(void *ctx, const char *what)
{
    struct replay *replay = ctx;
    struct item *item = actor_add_item(replay->actor, ITEM_EVENT, "replay.connection");
    item->fields = value_map(&replay->actor->run->pool);
    item->text = pool_printf(&replay->actor->run->pool, "replay.connection %s", what);
    record_event(replay->actor->run, item, replay->actor->name, replay->actor->name);
}

static void on_end(void *ctx)
{
    const struct replay *replay = ctx;
    case_wake(replay->actor->run);
}

static const struct yaml_node *map_entry(const struct replay *replay, const char *field)
{
    const struct yaml_node *map = yaml_get(replay->actor->node, "map");
    return map == NULL || map->kind != YAML_MAP ? NULL : yaml_get(map, field);
}

/* Evaluated each time: it may hold what was remembered just now. */
static const char *given(void *ctx, const char *field)
{
    struct replay *replay = ctx;
    struct case_run *run = replay->actor->run;
    const struct yaml_node *entry = map_entry(replay, field);
    const char *why = NULL;
    if (entry == NULL || entry->kind != YAML_SCALAR) {
        return NULL;
    }
    run->path = replay->actor->path;
    const struct value *value = case_evaluate(run, entry, &why);
    if (value == NULL) {
        return NULL; /* not remembered yet */
    }
    const char *text = value_written(&run->pool, value);
    if (strstr(field, "password") != NULL) {
        secrets_add(&run->secrets, text);
    }
    return text;
}

static void on_field(void *ctx, const char *field, const char *value)
{
    struct replay *replay = ctx;
    struct case_run *run = replay->actor->run;
    const struct yaml_node *entry = map_entry(replay, field);
    const struct yaml_node *name =
        entry == NULL || entry->kind != YAML_MAP ? NULL : yaml_get(entry, "remember");
    if (name != NULL && name->kind == YAML_SCALAR) {
        value_put(&run->pool, run->variables, name->text,
                  value_from_scalar(&run->pool, value, false));
    }
}

static bool is_ignored(void *ctx, const char *name)
{
    const struct replay *replay = ctx;
    const struct value *list = value_path(replay->actor->attributes, "compare.ignore");
    for (const struct value *at = list == NULL ? NULL : list->first; at != NULL; at = at->next) {
        if (at->kind == VALUE_TEXT && strcmp(at->text, name) == 0) {
            return true;
        }
    }
    return list != NULL && list->kind == VALUE_TEXT && strcmp(list->text, name) == 0;
}

static const struct player_handler k_handler = { .on_message = on_message,
                                                 .on_connection = on_connection,
                                                 .on_end = on_end,
                                                 .given = given,
                                                 .is_ignored = is_ignored,
                                                 .on_field = on_field };

/* ---- its life ---- */

static enum amt_err read_pace(const char *text, uint32_t *percent, struct amt_diag *diag)
{
    return player_read_pace(text, percent) == AMT_OK
               ? AMT_OK
               : amt_diag_set(diag, AMT_ECONFIG,
                              "pace is recorded, fast or a factor such as 2x, not '%s'", text);
}

static enum amt_err make_tls(struct replay *replay, bool listens, struct amt_diag *diag)
{
    struct actor *actor = replay->actor;
    struct pki_set *pki = actor->run->options->pki;
    const struct value *tls = actor_get(actor, "tls");
    struct tls_settings settings = { .is_server = listens, .trust = pki_set_trust(pki) };
    if (tls != NULL && tls->kind == VALUE_BOOL && tls->number == 0) {
        return AMT_OK;
    }
    if (listens) {
        settings.identity =
            pki_set_server(pki, actor_text(actor, "name", ACTOR_SERVER_NAME), PKI_FLAW_NONE, diag);
        if (settings.identity == NULL) {
            return AMT_ECERT;
        }
    }
    replay->tls = tls_context_new(&settings, diag);
    return replay->tls == NULL ? AMT_ETLS : AMT_OK;
}

static enum amt_err set_place(struct actor *actor, struct player_settings *settings,
                              const char **peer, struct amt_diag *diag)
{
    const struct actor *server = NULL;
    const char *listen = actor_text(actor, "listen", NULL);
    const char *to = actor_text(actor, "to", NULL);
    const struct value *value = actor_get(actor, "listen");
    settings->listens = value != NULL && to == NULL;
    *peer = to != NULL ? to : "peer";
    if (settings->listens) {
        return address_parse(listen == NULL || strcmp(listen, "true") == 0 ? "127.0.0.1:0" : listen,
                             4433, &settings->to, diag);
    }
    return to == NULL ? amt_diag_set(diag, AMT_ECONFIG, "a replay needs 'to' or 'listen'")
                      : actor_resolve(actor->run, to, &settings->to, &server, diag);
}

static enum compare_how how_of(const struct actor *actor)
{
    const char *how = actor_text(actor, "compare.to", "semantic");
    int index = 0;
    while (k_how[index + 1] != NULL && strcmp(k_how[index], how) != 0) {
        index++;
    }
    return (enum compare_how)index;
}

static enum amt_err start(struct actor *actor, struct amt_diag *diag)
{
    struct case_run *run = actor->run;
    struct replay *replay = pool_alloc(&run->pool, sizeof *replay);
    struct player_settings settings = { .loop = run->loop, .how = how_of(actor) };
    const char *path = actor_text(actor, "recording", "");
    actor->state = replay;
    replay->actor = actor;
    TRY(set_place(actor, &settings, &replay->peer, diag));
    TRY(read_pace(actor_text(actor, "pace", "recorded"), &settings.speed_percent, diag));
    settings.is_device =
        strcmp(actor_text(actor, "side", settings.listens ? "server" : "device"), "device") == 0;
    if (settings.is_device == settings.listens) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "the device's side connects (to), the server's side listens");
    }
    TRY(make_tls(replay, settings.listens, diag));
    if (path[0] != '/') {
        path = pool_printf(&run->pool, "%s/%s", run->scenario->folder, path);
    }
    replay->recording = recording_load(path, diag);
    if (replay->recording == NULL) {
        return AMT_ECONFIG;
    }
    settings.recording = replay->recording;
    settings.tls = replay->tls;
    replay->player = player_new(&settings, &k_handler, replay, diag);
    if (replay->player == NULL) {
        return diag->err;
    }
    if (settings.listens) {
        struct address address;
        player_address(replay->player, &address);
        actor_listens_at(actor, &address);
    }
    return AMT_OK;
}

static void stop(struct actor *actor)
{
    struct replay *replay = actor->state;
    player_free(replay->player);
    replay->player = NULL;
}

static void free_state(struct actor *actor)
{
    struct replay *replay = actor->state;
    tls_context_free(replay->tls);
    recording_free(replay->recording);
}

static struct value *show(struct actor *actor)
{
    struct replay *replay = actor->state;
    struct arena *pool = &actor->run->pool;
    struct value *map = value_map(pool);
    struct value *shown = value_map(pool);
    struct value *mismatches = value_list(pool);
    uint32_t compared = 0;
    uint32_t sent = 0;
    if (replay->player == NULL) {
        return map;
    }
    const struct player_mismatch *mismatch = player_mismatch(replay->player);
    if (mismatch != NULL) {
        value_append(mismatches, value_text(pool, text_chars(&mismatch->text)));
    }
    player_counts(replay->player, &compared, &sent);
    value_put(pool, shown, "mismatches", mismatches);
    value_put(pool, shown, "compared", value_int(pool, compared));
    value_put(pool, shown, "sent", value_int(pool, sent));
    value_put(pool, map, "replay", shown);
    if (actor->is_listening) {
        value_put(pool, map, "address", value_text(pool, actor->listen_name));
        value_put(pool, map, "port", value_int(pool, actor->address.port));
    }
    return map;
}

const struct actor_kind k_actor_replay = { .name = "replay",
                                           .role = ACTOR_REPLAY,
                                           .start_order = 1,
                                           .doc = "one side of a recording",
                                           .keys = k_keys,
                                           .later_key = "map",
                                           .start = start,
                                           .stop = stop,
                                           .free = free_state,
                                           .show = show };
