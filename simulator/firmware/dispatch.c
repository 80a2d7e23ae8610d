/* What each operation does with a class: Get, Put, Create, Delete, methods, eventing. */
#include <string.h>

#include "simulator/firmware/exchange.h"
#include "simulator/firmware/settings.h"
#include "simulator/firmware/subscriptions.h"
#include "simulator/firmware/validate.h"

struct wsman_answer firmware_answer(struct firmware_call *call, const char *class_name)
{
    const struct class_description *description =
        class_name == NULL ? NULL : class_find(class_name);
    return (struct wsman_answer){ .request = call->request,
                                  .message_counter = ++call->firmware->message_counter,
                                  .class_name = class_name,
                                  .declares_common =
                                      description != NULL && description->declares_common };
}

static const struct profile_class *slot_of(const struct firmware_call *call)
{
    return firmware_profile_class(call->firmware->profile, call->description->name);
}

/* Deleting goes by the base class where that is what clients know (CIM_ListenerDestination). */
static struct wsman_instance *select_in_subclasses(struct firmware_call *call)
{
    for (uint32_t i = 0; i < k_class_count; i++) {
        struct wsman_instance *target =
            class_is_a(&k_classes[i], call->description->name)
                ? firmware_select(firmware_instances(call, k_classes[i].name),
                                  call->request->selectors)
                : NULL;
        if (target != NULL) {
            return target;
        }
    }
    return NULL;
}

static bool has_writable_key(const struct class_description *description)
{
    for (uint32_t i = 0; i < description->property_count; i++) {
        if (description->properties[i].is_key && description->properties[i].is_writable) {
            return true;
        }
    }
    return false;
}

/* The instance that the selectors choose, or NULL with the fault. */
static struct wsman_instance *select_target(struct firmware_call *call)
{
    struct wsman_instance *list = firmware_instances(call, call->description->name);
    if (call->fault != WSMAN_OK) {
        return NULL;
    }
    struct wsman_instance *target = firmware_select(list, call->request->selectors);
    if (target == NULL && call->request->operation == WSMAN_DELETE) {
        target = select_in_subclasses(call);
    }
    if (target == NULL && list != NULL && list->next == NULL &&
        call->request->operation == WSMAN_PUT && has_writable_key(call->description)) {
        target = list; /* selectors name what is there now, or what the Put makes of it */
    }
    if (target != NULL) {
        return target;
    }
    bool says_selectors = call->firmware->profile->config.unknown_instance == 1;
    if (call->request->selectors == NULL && list != NULL) {
        (void)firmware_fault(call, WSMAN_INVALID_SELECTORS, "InsufficientSelectors");
    } else {
        (void)firmware_fault(
            call, says_selectors ? WSMAN_INVALID_SELECTORS : WSMAN_DESTINATION_UNREACHABLE, NULL);
    }
    return NULL;
}

static void get(struct firmware_call *call, struct text *body)
{
    struct wsman_instance *target = firmware_may_read(call) ? select_target(call) : NULL;
    if (target != NULL) {
        struct wsman_answer answer = firmware_answer(call, call->description->name);
        wsman_write_instance_answer(body, &answer, target);
    }
}

/* The body of a Put or Create, validated; NULL with the fault. */
static struct wsman_instance *read_body(struct firmware_call *call)
{
    const struct xml_node *node = call->request->body;
    const struct class_description *description = call->description;
    if (node == NULL || strcmp(node->name, description->name) != 0 ||
        !wsman_uri_is_class(node->ns, description->name)) {
        (void)firmware_fault(call, WSMAN_SCHEMA_VALIDATION_ERROR, NULL);
        return NULL;
    }
    struct wsman_instance *instance = wsman_instance_read(call->arena, node);
    if (instance == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return NULL;
    }
    call->fault = validate_body(instance, description->name, description->properties,
                                description->property_count, false);
    return call->fault == WSMAN_OK ? instance : NULL;
}

/* Old values with the new ones on top. Keys stay, but for the certificate of a TLS context; without a
 * put of its own a class takes only what clients write, the rest is carried back and forth. */
static struct wsman_instance *merge(struct firmware_call *call, const struct wsman_instance *old,
                                    const struct wsman_instance *given, bool takes_all)
{
    struct wsman_instance *changed = wsman_instance_copy(call->arena, old);
    for (const struct wsman_property *p = given->first; changed != NULL && p != NULL; p = p->next) {
        const struct class_property *property = class_property_find(call->description, p->name);
        if (property->is_writable || (takes_all && !property->is_key)) {
            wsman_set_values(changed, property->name, p->values);
        }
    }
    if (changed == NULL || changed->failed) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return NULL;
    }
    return changed;
}

/* WSM-051. A Put that has changed a key is no longer found by the selectors of its request. */
static struct wsman_instance *stored_instance(struct firmware_call *call,
                                              struct wsman_instance *changed)
{
    struct wsman_instance *list = firmware_instances(call, call->description->name);
    struct wsman_instance *stored = firmware_select(list, call->request->selectors);
    return stored != NULL || call->fault != WSMAN_OK ? stored : changed;
}

static void put(struct firmware_call *call, struct text *body)
{
    const struct firmware_behaviour *behaviour = slot_of(call)->behaviour;
    bool has_put = behaviour != NULL && behaviour->put != NULL;
    struct wsman_instance *given = firmware_may_write(call) ? read_body(call) : NULL;
    struct wsman_instance *old = given == NULL ? NULL : select_target(call);
    struct wsman_instance *changed = old == NULL ? NULL : merge(call, old, given, has_put);
    if (changed == NULL) {
        return;
    }
    if (has_put) {
        behaviour->put(call, old, changed);
    } else if (settings_keep(call->firmware, old, changed, firmware_instance_key(old)) != AMT_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
    }
    if (call->fault != WSMAN_OK) {
        return;
    }
    struct wsman_answer answer = firmware_answer(call, call->description->name);
    if (behaviour != NULL && behaviour->answers_put_empty) {
        wsman_write_instance_answer(body, &answer, NULL);
        return;
    }
    struct wsman_instance *stored = stored_instance(call, changed);
    if (stored != NULL) {
        wsman_write_instance_answer(body, &answer, stored);
    }
}

static void create(struct firmware_call *call, struct text *body)
{
    const struct firmware_behaviour *behaviour = slot_of(call)->behaviour;
    if (behaviour == NULL || behaviour->create == NULL) {
        (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
        return;
    }
    struct wsman_instance *given = firmware_may_write(call) ? read_body(call) : NULL;
    const struct wsman_ref *made = given == NULL ? NULL : behaviour->create(call, given);
    if (made != NULL && call->fault == WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(call, NULL);
        wsman_write_created_answer(body, &answer, made);
    } else if (given != NULL && call->fault == WSMAN_OK) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
    }
}

static void delete_instance(struct firmware_call *call, struct text *body)
{
    const struct firmware_behaviour *behaviour = slot_of(call)->behaviour;
    if (behaviour == NULL || behaviour->remove == NULL) {
        (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
        return;
    }
    struct wsman_instance *target = NULL;
    if (firmware_may_write(call)) {
        target = behaviour->removes_by_selectors ? firmware_instances(call, call->description->name)
                                                 : select_target(call);
    }
    if (target != NULL) {
        behaviour->remove(call, target);
    }
    if (target != NULL && call->fault == WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(call, NULL);
        wsman_write_empty_answer(body, &answer);
    }
}

static void subscribe(struct firmware_call *call, struct text *body)
{
    struct wsman_instance *collection = firmware_may_write(call) ? select_target(call) : NULL;
    const struct wsman_ref *manager =
        collection == NULL ? NULL : subscriptions_add(call, collection);
    if (manager != NULL && call->fault == WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(call, NULL);
        wsman_write_subscribe_answer(body, &answer, manager);
    }
}

static void unsubscribe(struct firmware_call *call, struct text *body)
{
    if (firmware_may_write(call)) {
        subscriptions_remove(call);
    }
    if (call->fault == WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(call, NULL);
        wsman_write_empty_answer(body, &answer);
    }
}

void firmware_answer_method(struct firmware_call *call, const struct wsman_instance *output,
                            struct text *body)
{
    struct wsman_answer answer = firmware_answer(call, call->description->name);
    wsman_write_method_answer(body, &answer, output);
}

/* False: it answers later. */
static bool invoke(struct firmware_call *call, struct text *body)
{
    struct wsman_instance *output = NULL;
    struct wsman_instance *target = select_target(call);
    if (target != NULL) {
        output = firmware_invoke(call, target);
    }
    if (call->is_deferred) {
        return false;
    }
    if (output != NULL && call->fault == WSMAN_OK) {
        firmware_answer_method(call, output, body);
    }
    return true;
}

static bool is_allowed(const struct firmware_call *call)
{
    enum wsman_operation operation = call->request->operation;
    if (operation == WSMAN_RELEASE) {
        operation = WSMAN_PULL;
    }
    return (call->description->operations >> operation & 1u) != 0;
}

bool firmware_dispatch(struct firmware_call *call, struct text *body)
{
    enum wsman_operation operation = call->request->operation;
    if (operation == WSMAN_METHOD) {
        return invoke(call, body);
    }
    if (operation == WSMAN_UNKNOWN || !is_allowed(call)) {
        (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
        return true;
    }
    static void (*const k_operations[])(struct firmware_call *, struct text *) = {
        [WSMAN_GET] = get,
        [WSMAN_PUT] = put,
        [WSMAN_CREATE] = create,
        [WSMAN_DELETE] = delete_instance,
        [WSMAN_ENUMERATE] = firmware_enumerate,
        [WSMAN_PULL] = firmware_pull,
        [WSMAN_RELEASE] = firmware_release,
        [WSMAN_SUBSCRIBE] = subscribe,
        [WSMAN_UNSUBSCRIBE] = unsubscribe,
    };
    if (operation > WSMAN_UNSUBSCRIBE) {
        (void)firmware_fault(call, WSMAN_ACTION_NOT_SUPPORTED, NULL);
    } else {
        k_operations[operation](call, body);
    }
    return true;
}
