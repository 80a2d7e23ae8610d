#include "mps/onboarding.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "mps/activation/service.h"
#include "runtime/pki.h"

#define NOTE "onboarding"

const char *mps_mode_name(enum mps_mode mode)
{
    static const char *const k_names[] = { "hybrid", "lan", "wan" };
    return k_names[mode];
}

/* --- what the server says --- */

enum amt_err onboarding_publish(struct store *store, const struct onboarding_state *state,
                                struct amt_diag *diag)
{
    json_t *note = json_pack("{s:i, s:s?, s:s?, s:b, s:I, s:[]}", "mode", (int)state->mode, "cira",
                             state->cira, "activation", state->activation, "no_manager",
                             state->has_no_manager ? 1 : 0, "admin_until",
                             (json_int_t)state->admin_until_s, "policies");
    json_t *policies = json_object_get(note, "policies");
    for (uint32_t i = 0; i < state->policy_count; i++) {
        const struct onboarding_policy *policy = &state->policies[i];
        (void)json_array_append_new(policies, json_pack("{s:s, s:i, s:i}", "group", policy->group,
                                                        "type", (int)policy->type, "fallback",
                                                        (int)policy->fallback));
    }
    char *text = json_dumps(note, JSON_COMPACT);
    json_decref(note);
    enum amt_err err = text == NULL ? amt_diag_set(diag, AMT_ENOMEM, "out of memory")
                                    : store_note(store, NOTE, text, diag);
    free(text);
    return err;
}

static enum amt_err read_note(struct store *store, json_t **note, struct amt_diag *diag)
{
    struct text text = { 0 };
    enum amt_err err = store_noted(store, NOTE, &text, diag);
    *note = err == AMT_OK ? json_loads(text_chars(&text), 0, NULL) : NULL;
    text_fini(&text);
    if (err == AMT_EUNKNOWN || (err == AMT_OK && *note == NULL)) {
        (void)amt_diag_set(diag, AMT_EUNKNOWN, "no server has run on this data directory yet");
        (void)amt_diag_hint(diag, "start amtlab mps on it: its mode, policies and certificates "
                                  "decide which ways in there are");
        return AMT_EUNKNOWN;
    }
    return err;
}

static const char *text_of(const json_t *note, const char *key)
{
    return json_string_value(json_object_get(note, key));
}

/* The policy of a group, else that of "*", else none. */
static struct onboarding_policy policy_of(const json_t *note, const char *group)
{
    struct onboarding_policy found = { .group = NULL, .type = ACTIVATION_POLICY_NONE };
    size_t at;
    json_t *entry;
    json_array_foreach(json_object_get(note, "policies"), at, entry)
    {
        const char *name = text_of(entry, "group");
        bool is_own = name != NULL && strcmp(name, group) == 0;
        bool is_general = name != NULL && strcmp(name, "*") == 0 && found.group == NULL;
        if (is_own || is_general) {
            found.group = name;
            found.type =
                (enum activation_policy_type)json_integer_value(json_object_get(entry, "type"));
            found.fallback =
                (enum activation_fallback)json_integer_value(json_object_get(entry, "fallback"));
        }
        if (is_own) {
            break;
        }
    }
    return found;
}

/* --- what is offered --- */

struct asking {
    const struct onboarding_question *question;
    const json_t *note;
    struct onboarding *answer;
    struct onboarding_policy policy;
    bool has_certificate;
    const char *server; /* HOST:PORT */
    char id[ACTIVATION_GROUP_ID_CHARS];
    char hash[97];
};

static const char k_admin_needs[] =
    "the policy is admin, and no provisioning certificate that is valid now is loaded: renew it "
    "and restart the server (amtlab mps --check says what is wrong with it)";

static const char *why_no_activation(const struct asking *asking)
{
    if (json_is_true(json_object_get(asking->note, "no_manager"))) {
        return "the server activates nothing: AmtManager is false in the config.json it reads";
    }
    if (text_of(asking->note, "activation") == NULL) {
        return "the server has no activation_listen";
    }
    if (asking->policy.type == ACTIVATION_POLICY_NONE) {
        return "the group has no activation policy (activation: policies: in the configuration)";
    }
    bool is_admin_only = asking->policy.type == ACTIVATION_POLICY_ADMIN &&
                         asking->policy.fallback == ACTIVATION_KEEP_CLIENT;
    return is_admin_only && !asking->has_certificate ? k_admin_needs : NULL;
}

static const char *why_not(const struct asking *asking, enum onboarding_kind kind)
{
    enum mps_mode mode = asking->answer->mode;
    bool is_agent = asking->answer->group.kind == STORE_GROUP_AGENT;
    if (kind == ONBOARD_AGENT) {
        return is_agent ? why_no_activation(asking)
                        : "devices of an amt group have no agent; make the group with --kind agent";
    }
    if (is_agent) {
        return "devices of an agent group come in by their agent";
    }
    if (kind == ONBOARD_ACTIVATION) {
        return why_no_activation(asking);
    }
    if (kind == ONBOARD_CIRA) {
        return mode == MPS_MODE_LAN ? "the server is in LAN mode: it takes no CIRA connections"
                                    : NULL;
    }
    return mode == MPS_MODE_WAN ? "the server is in WAN mode: it reaches no local network" : NULL;
}

/* --- commands --- */

AMT_PRINTF(2, 3)
static void command(struct onboarding_way *way, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_puts(&way->commands[way->command_count++], line);
}

/* For a shell: in quotes when it needs them. */
static const char *quoted(const char *name, char out[static 300])
{
    static const char k_plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:@";
    size_t at = 0;
    if (name[0] != '\0' && name[0] != '-' && name[strspn(name, k_plain)] == '\0') {
        return name;
    }
    out[at++] = '\'';
    for (; *name != '\0' && at + 6 < 300; name++) {
        if (*name == '\'') {
            (void)memcpy(out + at, "'\\''", 4);
            at += 4;
        } else {
            out[at++] = *name;
        }
    }
    out[at++] = '\'';
    out[at] = '\0';
    return out;
}

static void put_commands(const struct asking *asking, struct onboarding_way *way)
{
    char name[300];
    char place[300];
    const char *group = quoted(asking->answer->group.name, name);
    const char *data = quoted(asking->question->data, place);
    const char *cira = text_of(asking->note, "cira");
    if (way->kind == ONBOARD_LOCAL) {
        command(way, "amtlab admin device add UUID --group %s --host HOST --data %s", group, data);
    } else if (way->kind == ONBOARD_SCAN) {
        command(way, "amtlab scan 192.168.1.0/24");
        command(way, "amtlab admin device add UUID --group %s --host HOST --data %s", group, data);
    } else if (way->kind == ONBOARD_CIRA) {
        command(way,
                "amtlab cira set %s --mps-user %s --mps-password-file FILE --root %s%sroot.crt "
                "--device HOST",
                cira == NULL ? "HOST:4433" : cira, asking->answer->group.user, data,
                data[strlen(data) - 1] == '/' ? "" : "/");
    } else {
        bool is_person = way->kind == ONBOARD_ACTIVATION;
        if (is_person) {
            command(way, "meshcmd amtconfig --url wss://%s/apf.ashx --id '%s' --serverhttpshash %s",
                    asking->server, asking->id, asking->hash);
        }
        command(way, "rpc activate -u wss://%s/activate --profile %s", asking->server, group);
        command(way, "amtlab activate --url wss://%s/apf.ashx --id '%s' --serverhttpshash %s",
                asking->server, asking->id, asking->hash);
    }
}

/* SHA-384 of the server's certificate in upper-case hex, as MeshCMD wants it; "" without one. */
static void server_hash(const char *data, char out[static 97])
{
    char path[512];
    struct amt_diag diag = { .err = AMT_OK };
    uint32_t len = 0;
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    (void)snprintf(path, sizeof path, "%s/mps.crt", data);
    uint8_t *der = pki_load_der(path, &len, &diag);
    out[0] = '\0';
    if (der != NULL && EVP_Digest(der, len, hash, &hash_len, EVP_sha384(), NULL) == 1) {
        for (unsigned i = 0; i < hash_len; i++) {
            (void)snprintf(out + (size_t)2 * i, 3, "%02X", hash[i]);
        }
    }
    amt_free(der);
}

static void fill_ways(struct asking *asking)
{
    static const char *const k_names[ONBOARDING_WAYS] = { "local", "scan", "cira", "activation",
                                                          "agent" };
    for (uint32_t i = 0; i < ONBOARDING_WAYS; i++) {
        struct onboarding_way *way = &asking->answer->ways[i];
        way->kind = (enum onboarding_kind)i;
        way->name = k_names[i];
        way->why_not = why_not(asking, way->kind);
        if (way->why_not == NULL) {
            put_commands(asking, way);
        }
    }
}

static enum amt_err ask(struct asking *asking, const char *group, json_t **note,
                        struct amt_diag *diag)
{
    const struct onboarding_question *question = asking->question;
    TRY(store_group_find(question->store, group, &asking->answer->group, diag));
    TRY(read_note(question->store, note, diag));
    TRY(activation_group_id(question->store, group, asking->id, diag));
    asking->note = *note;
    asking->policy = policy_of(*note, group);
    asking->has_certificate =
        (uint64_t)json_integer_value(json_object_get(*note, "admin_until")) > question->now_s;
    asking->answer->mode = (enum mps_mode)json_integer_value(json_object_get(*note, "mode"));
    asking->server = question->server != NULL ? question->server : text_of(*note, "activation");
    server_hash(question->data, asking->hash);
    fill_ways(asking);
    return AMT_OK;
}

enum amt_err onboarding_ask(const struct onboarding_question *question, const char *group,
                            struct onboarding *answer, struct amt_diag *diag)
{
    struct asking asking = { .question = question, .answer = answer };
    json_t *note = NULL;
    memset(answer, 0, sizeof *answer);
    enum amt_err err = ask(&asking, group, &note, diag);
    json_decref(note);
    return err;
}

void onboarding_fini(struct onboarding *answer)
{
    for (uint32_t i = 0; i < ONBOARDING_WAYS; i++) {
        for (uint32_t k = 0; k < ONBOARDING_COMMANDS; k++) {
            text_fini(&answer->ways[i].commands[k]);
        }
    }
}

static void put_text(struct text *out, const char *name, const char *value)
{
    text_printf(out, "\"%s\":", name);
    text_json(out, value, strlen(value));
}

void onboarding_json(const struct onboarding *answer, struct text *out)
{
    text_puts(out, "{");
    put_text(out, "group", answer->group.name);
    text_printf(out, ",\"kind\":\"%s\",\"mode\":\"%s\",\"ways\":[",
                store_group_kind_name(answer->group.kind), mps_mode_name(answer->mode));
    for (uint32_t i = 0; i < ONBOARDING_WAYS; i++) {
        const struct onboarding_way *way = &answer->ways[i];
        text_printf(out, "%s{\"way\":\"%s\",\"offered\":%s,\"commands\":[", i == 0 ? "" : ",",
                    way->name, way->why_not == NULL ? "true" : "false");
        for (uint32_t k = 0; k < way->command_count; k++) {
            text_puts(out, k == 0 ? "" : ",");
            text_json(out, text_chars(&way->commands[k]), way->commands[k].len);
        }
        text_puts(out, "],");
        put_text(out, "reason", way->why_not == NULL ? "" : way->why_not);
        text_puts(out, "}");
    }
    text_puts(out, "]}\n");
}
