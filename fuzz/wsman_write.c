/*
 * Everything a client can ask of a whole simulated firmware. Byte 0: bits 0-1 how it is born (not, client
 * control, admin control twice), bit 2 asked at the local door as $$OsAdmin, bit 3 as a user with the
 * realms of byte 1, bit 4 an older release, bit 5 the whole model is looked at in the end. Then requests: operation, class, and what wsman_write_make.c
 * reads; up to 12 of them.
 * Oracles: each request is answered once, in 10 minutes at most; the answer is a well-formed envelope
 * that relates to it: 200 without a fault, else a fault that we know; a method says ReturnValue; nothing
 * fails inside without a reason; what a Get shows is as its class describes, and putting it back does
 * no harm; an instance's reference chooses it, and references in instances lead somewhere; the state that
 * is saved is the state after it was loaded; nothing is left over.
 */
#include "fuzz/wsman_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "simulator/firmware/exchange.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/validate.h"

#define REQUESTS_MAX 12
#define PATIENCE_US  (600u * (uint64_t)US_PER_SECOND)

struct world {
    struct loop *loop;
    struct log *log;
    struct firmware *firmware;
    struct firmware_user user;
    enum firmware_door door;
    uint32_t replies;
    int status;
    struct text envelope;
};

/* Two releases, made once: nothing in a profile changes. */
static const struct firmware_profile *profile(bool is_old)
{
    static struct firmware_profile *made[2];
    static struct firmware_config configs[2];
    if (made[is_old] == NULL) {
        struct firmware_config *config = &configs[is_old];
        FUZZ_REQUIRE(config_read(firmware_config_keys, NULL, "fuzz", config, NULL) == AMT_OK);
        FUZZ_REQUIRE(config_set(firmware_config_keys, "control_mode", "none", config, NULL) ==
                     AMT_OK);
        if (is_old) {
            FUZZ_REQUIRE(config_set(firmware_config_keys, "version", "11.8.50.3425", config,
                                    NULL) == AMT_OK);
        }
        made[is_old] = firmware_profile_new(config, "fuzz", NULL);
        FUZZ_REQUIRE(made[is_old] != NULL);
    }
    return made[is_old];
}

static struct firmware *start_firmware(struct world *w, bool is_old)
{
    struct firmware_settings settings = { .profile = profile(is_old), .seed = 1, .log = w->log };
    memset(settings.uuid.bytes, 7, sizeof settings.uuid.bytes);
    struct firmware *firmware = firmware_new(w->loop, &settings, NULL);
    FUZZ_REQUIRE(firmware != NULL);
    return firmware;
}

static void on_reply(void *ctx, int status, const struct text *envelope)
{
    struct world *w = ctx;
    w->replies += 1;
    w->status = status;
    text_fini(&w->envelope);
    w->envelope = (struct text){ 0 };
    text_append(&w->envelope, envelope->chars, envelope->len);
}

static bool is_answered(void *ctx)
{
    return ((struct world *)ctx)->replies > 0;
}

static void check_fault(const struct xml_node *fault, int status)
{
    const struct xml_node *code = xml_child(fault, WSMAN_NS_SOAP, "Code");
    const struct xml_node *subcode = xml_child(code, WSMAN_NS_SOAP, "Subcode");
    const char *value = xml_child_text(subcode == NULL ? code : subcode, WSMAN_NS_SOAP, "Value");
    FUZZ_REQUIRE(value != NULL);
    enum wsman_fault known = wsman_fault_by_name(value);
    FUZZ_REQUIRE(known != WSMAN_FAULT_COUNT_ && wsman_fault_status(known) == status);
    /* AMT-STATUS 1 is what memory gives out with, and memory does not give out here. */
    const char *detail = xml_child_text(fault, WSMAN_NS_SOAP, "Detail");
    bool has_reason = detail != NULL && strncmp(detail, "AMT-STATUS ", 11) == 0 &&
                      strcmp(detail, "AMT-STATUS 1") != 0;
    FUZZ_REQUIRE(known != WSMAN_INTERNAL_ERROR || has_reason);
}

/* AMTLAB_FUZZ_VERBOSE=1 shows what an input asks and what came of it. */
static void tell(const struct world *w, const struct text *envelope)
{
    if (getenv("AMTLAB_FUZZ_VERBOSE") != NULL) {
        (void)fprintf(stderr, "%d\n  %s\n  %s\n", w->status, text_chars(envelope),
                      text_chars(&w->envelope));
    }
}

/* Sends a request and checks the form of its answer; the first element of its body. */
static const struct xml_node *exchange(struct world *w, struct arena *arena,
                                       const struct text *envelope, enum wsman_operation operation)
{
    w->replies = 0;
    FUZZ_REQUIRE(!envelope->failed);
    (void)firmware_exchange(w->firmware, &w->user, w->door, "192.0.2.7:51324", envelope->chars,
                            envelope->len, on_reply, w);
    (void)loop_run_until(w->loop, is_answered, w, loop_now_us(w->loop) + PATIENCE_US);
    FUZZ_REQUIRE(w->replies == 1);
    tell(w, envelope);
    const struct xml_node *root = xml_parse(arena, w->envelope.chars, w->envelope.len, NULL);
    const struct xml_node *header = xml_child(root, WSMAN_NS_SOAP, "Header");
    const char *relates_to = xml_child_text(header, WSMAN_NS_ADDRESSING, "RelatesTo");
    const struct xml_node *body = xml_child(root, WSMAN_NS_SOAP, "Body");
    FUZZ_REQUIRE(body != NULL && relates_to != NULL && strcmp(relates_to, "7") == 0);
    const struct xml_node *fault = xml_child(body, WSMAN_NS_SOAP, "Fault");
    FUZZ_REQUIRE((w->status == 200) == (fault == NULL));
    if (fault != NULL) {
        check_fault(fault, w->status);
    } else if (operation == WSMAN_METHOD) {
        const char *value = xml_child_text(body->first, NULL, "ReturnValue");
        uint64_t number;
        FUZZ_REQUIRE(value != NULL && text_parse_u64(value, UINT32_MAX, &number) == AMT_OK);
    }
    return body->first;
}

static struct firmware_call inside_call(struct world *w, struct arena *arena,
                                        const struct wsman_request *request)
{
    return (struct firmware_call){ .firmware = w->firmware,
                                   .arena = arena,
                                   .user = &w->user,
                                   .door = w->door,
                                   .peer = "192.0.2.7:51324",
                                   .request = request };
}

/* Of the class or of one that it inherits from. */
static const struct class_property *property_of(const struct class_description *description,
                                                const char *name)
{
    const struct class_property *property = NULL;
    while (property == NULL && description != NULL) {
        property = class_property_find(description, name);
        description = class_find(description->super);
    }
    return property;
}

static void check_property(const struct class_description *description,
                           const struct wsman_property *p)
{
    const struct class_property *property = property_of(description, p->name);
    const char *wrong = property == NULL ? "is not in the class" : NULL;
    if (property != NULL && p->values != NULL) {
        wrong = validate_values(property, p->values);
    }
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s.%s %s\n", description->name, p->name, wrong);
    }
    FUZZ_REQUIRE(wrong == NULL);
}

/* The instances of a class now, each as the class describes it. */
static struct wsman_instance *instances(struct world *w, struct arena *arena,
                                        const struct class_description *description)
{
    static const struct wsman_request k_request = { .operation = WSMAN_ENUMERATE,
                                                    .action = "",
                                                    .resource_uri = "",
                                                    .class_name = "",
                                                    .method = "",
                                                    .message_id = "",
                                                    .reply_to = "" };
    struct firmware_call call = inside_call(w, arena, &k_request);
    call.description = description;
    struct wsman_instance *list = firmware_instances(&call, description->name);
    for (const struct wsman_instance *at = list; at != NULL; at = at->next) {
        FUZZ_REQUIRE(!at->failed && strcmp(at->class_name, description->name) == 0);
        for (const struct wsman_property *p = at->first; p != NULL; p = p->next) {
            check_property(description, p);
        }
    }
    return list;
}

/* A client that changes one thing writes all of them back. */
static void put_back(struct world *w, struct arena *arena,
                     const struct class_description *description,
                     const struct wsman_instance *current)
{
    struct text envelope = { 0 };
    if (current != NULL && (description->operations & 1u << WSMAN_PUT) != 0) {
        make_put_back(current, &envelope);
        (void)exchange(w, arena, &envelope, WSMAN_PUT);
        if (w->status != 200) {
            /* Rights, the mode and the legality of values may forbid it; the form of it may not. */
            FUZZ_REQUIRE(strstr(text_chars(&w->envelope), "SchemaValidationError") == NULL);
        }
    }
    text_fini(&envelope);
}

static void pull_all(struct world *w, struct arena *arena,
                     const struct class_description *description, const struct xml_node *answer)
{
    const char *context = xml_child_text(answer, WSMAN_NS_ENUMERATION, "EnumerationContext");
    for (int i = 0; i < 3 && context != NULL && w->status == 200; i++) {
        struct text envelope = { 0 };
        const char *ns = wsman_class_namespace(description->name);
        text_printf(&envelope,
                    "<Envelope xmlns=\"%s\" xmlns:a=\"%s\" xmlns:w=\"%s\" xmlns:n=\"%s\"><Header>"
                    "<a:Action>%s</a:Action><w:ResourceURI>%s%s</w:ResourceURI><a:MessageID>7"
                    "</a:MessageID></Header><Body><n:Pull><n:EnumerationContext>%s"
                    "</n:EnumerationContext></n:Pull></Body></Envelope>",
                    WSMAN_NS_SOAP, WSMAN_NS_ADDRESSING, WSMAN_NS_WSMAN, WSMAN_NS_ENUMERATION,
                    wsman_operation_action(WSMAN_PULL), ns, description->name, context);
        answer = exchange(w, arena, &envelope, WSMAN_PULL);
        bool has_end = xml_child(answer, WSMAN_NS_ENUMERATION, "EndOfSequence") != NULL;
        context = xml_child_text(answer, WSMAN_NS_ENUMERATION, "EnumerationContext");
        FUZZ_REQUIRE(w->status != 200 || has_end == (context == NULL));
        text_fini(&envelope);
    }
}

/* The classes of a profile that can be changed: found once. */
struct able {
    const struct class_description *classes[512];
    uint32_t count;
};

static bool can_change(const struct profile_class *slot)
{
    const struct firmware_behaviour *b = slot->is_present ? slot->behaviour : NULL;
    return b != NULL && (b->methods != NULL || b->put != NULL || b->create != NULL);
}

static const struct able *able_of(const struct firmware_profile *profile)
{
    static struct able found[2];
    struct able *able = &found[profile->release < 1200];
    for (uint32_t i = 0; able->count == 0 && i < k_class_count; i++) {
        if (can_change(&profile->classes[i])) {
            able->classes[able->count++] = &k_classes[i];
        }
    }
    FUZZ_REQUIRE(able->count > 0);
    return able;
}

/* One time in eight any class, else one that can be changed. */
static const struct class_description *choose_class(const struct world *w, struct pick *pick)
{
    const struct able *able = able_of(w->firmware->profile);
    uint32_t index = pick_u8(pick);
    index |= (uint32_t)pick_u8(pick) << 8;
    return (index & 7) == 7 ? &k_classes[index / 8 % k_class_count]
                            : able->classes[index / 8 % able->count];
}

/* The n-th of what the class can do, with methods thrice; 200 and more: the n-th of everything. */
static enum wsman_operation choose_operation(const struct class_description *description, uint8_t n)
{
    static const enum wsman_operation k_all[] = { WSMAN_GET,    WSMAN_PUT,       WSMAN_CREATE,
                                                  WSMAN_DELETE, WSMAN_ENUMERATE, WSMAN_METHOD,
                                                  WSMAN_METHOD, WSMAN_METHOD };
    enum wsman_operation able[8];
    uint32_t count = 0;
    for (uint32_t i = 0; i < 8; i++) {
        bool is_able = k_all[i] == WSMAN_METHOD ? description->method_count > 0
                                                : (description->operations & 1u << k_all[i]) != 0;
        if (is_able || n >= 200) {
            able[count++] = k_all[i];
        }
    }
    return count == 0 ? WSMAN_GET : able[n % count];
}

static void one_request(struct world *w, struct pick *pick)
{
    struct arena arena = { 0 };
    struct made_request made = { .operation = WSMAN_GET };
    const struct class_description *description = choose_class(w, pick);
    struct wsman_instance *current = instances(w, &arena, description);
    uint8_t what = pick_u8(pick);
    if (what >= 250) {
        put_back(w, &arena, description, current);
    } else if (what >= 240) {
        uint64_t wait_us = (uint64_t)US_PER_SECOND << (what & 15);
        (void)loop_run_until(w->loop, NULL, NULL, loop_now_us(w->loop) + wait_us);
    } else {
        enum wsman_operation operation = choose_operation(description, what);
        make_request(pick, operation, description, current, &made);
        const struct xml_node *answer = exchange(w, &arena, &made.envelope, made.operation);
        if (made.operation == WSMAN_ENUMERATE) {
            pull_all(w, &arena, description, answer);
        }
        (void)instances(w, &arena, description);
    }
    text_fini(&made.envelope);
    arena_fini(&arena);
}

/* A class that this release has. */
static bool is_present(const struct world *w, const char *class_name)
{
    return firmware_profile_class(w->firmware->profile, class_name) != NULL;
}

static void check_reference(struct world *w, struct arena *arena,
                            const struct wsman_instance *instance, const struct wsman_property *p,
                            const struct wsman_ref *ref)
{
    const struct class_description *description = class_find(ref->class_name);
    if (ref->class_name[0] == '\0') {
        return; /* the empty one of wsman.md 2.6 */
    }
    bool exists = description != NULL && is_present(w, ref->class_name) &&
                  firmware_select(instances(w, arena, description), ref->selectors) != NULL;
    if (!exists) {
        struct text out = { 0 };
        wsman_ref_write(&out, ref);
        (void)fprintf(stderr, "%s.%s leads nowhere: %s\n", instance->class_name, p->name,
                      text_chars(&out));
        text_fini(&out);
    }
    FUZZ_REQUIRE(exists);
}

/* Its own reference chooses it, and the references in it lead somewhere. */
static void check_references(struct world *w, struct arena *arena, struct firmware_call *call,
                             struct wsman_instance *list, struct wsman_instance *instance)
{
    const struct wsman_ref *own = firmware_ref_to(call, instance);
    FUZZ_REQUIRE(own != NULL && firmware_select(list, own->selectors) == instance);
    for (const struct wsman_property *p = instance->first; p != NULL; p = p->next) {
        for (const struct wsman_value *v = p->values; v != NULL; v = v->next) {
            if (v->kind == WSMAN_REF) {
                check_reference(w, arena, instance, p, v->ref);
            }
        }
    }
}

/* The model as a whole, all classes of it. */
static void check_model(struct world *w)
{
    static const struct wsman_request k_request = { .action = "" };
    for (uint32_t i = 0; i < k_class_count; i++) {
        struct arena arena = { 0 };
        struct firmware_call call = inside_call(w, &arena, &k_request);
        call.description = &k_classes[i];
        struct wsman_instance *list =
            is_present(w, k_classes[i].name) ? instances(w, &arena, &k_classes[i]) : NULL;
        for (struct wsman_instance *at = list; at != NULL; at = at->next) {
            check_references(w, &arena, &call, list, at);
        }
        arena_fini(&arena);
    }
}

static json_t *saved(const struct firmware_part *part, struct firmware *firmware)
{
    json_t *state = part->save(firmware);
    FUZZ_REQUIRE(state != NULL);
    return state;
}

/* A device that was switched off goes on where it was. */
static void check_state(struct world *w, bool is_old)
{
    struct firmware *again = start_firmware(w, is_old);
    struct amt_diag diag = { .err = AMT_OK };
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        if ((*part)->save == NULL || (*part)->load == NULL) {
            continue;
        }
        json_t *before = saved(*part, w->firmware);
        enum amt_err err = (*part)->load(again, before, &diag);
        json_t *after = saved(*part, again);
        if (err != AMT_OK || !json_equal(before, after)) {
            (void)fprintf(stderr, "%s: %s\n", (*part)->name, diag.text);
            (void)json_dumpf(before, stderr, JSON_INDENT(1));
            (void)json_dumpf(after, stderr, JSON_INDENT(1));
        }
        FUZZ_REQUIRE(err == AMT_OK && json_equal(before, after));
        json_decref(before);
        json_decref(after);
    }
    firmware_free(again);
}

static void become_user(struct world *w, uint8_t flavour, uint8_t realms)
{
    w->user = (struct firmware_user){ .is_admin = true };
    (void)snprintf(w->user.name, sizeof w->user.name, "admin");
    w->door = FIRMWARE_NETWORK;
    if ((flavour & 4) != 0) {
        w->user =
            (struct firmware_user){ .is_os_admin = true, .realms = REALM_BIT(REALM_LOCAL_SYSTEM) };
        (void)snprintf(w->user.name, sizeof w->user.name, "$$OsAdmin");
        w->door = FIRMWARE_LOCAL;
    } else if ((flavour & 8) != 0) {
        w->user =
            (struct firmware_user){ .realms = (uint32_t)realms << 2 | (uint32_t)realms << 13 };
        (void)snprintf(w->user.name, sizeof w->user.name, "operator");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtual_world k_world = { .seed = 1 };
    static const enum firmware_mode k_modes[] = { FIRMWARE_NOT_PROVISIONED, FIRMWARE_CLIENT_CONTROL,
                                                  FIRMWARE_ADMIN_CONTROL, FIRMWARE_ADMIN_CONTROL };
    struct pick pick = { data, data + size };
    struct world w = { .replies = 0 };
    if (size > 2048) {
        return 0;
    }
    uint8_t flavour = pick_u8(&pick);
    bool is_old = (flavour & 16) != 0;
    w.loop = loop_new_virtual(&k_world, NULL);
    FUZZ_REQUIRE(w.loop != NULL);
    w.firmware = start_firmware(&w, is_old);
    become_user(&w, flavour, pick_u8(&pick));
    if (k_modes[flavour & 3] != FIRMWARE_NOT_PROVISIONED) {
        provisioning_activate(w.firmware, k_modes[flavour & 3]);
    }
    for (int i = 0; i < REQUESTS_MAX && pick.at < pick.end; i++) {
        one_request(&w, &pick);
    }
    if ((flavour & 32) != 0) {
        check_model(&w);
    }
    check_state(&w, is_old);
    firmware_free(w.firmware);
    text_fini(&w.envelope);
    (void)loop_run_until(w.loop, NULL, NULL, loop_now_us(w.loop) + US_PER_SECOND);
    loop_free(w.loop);
    return 0;
}
