/* WS-Eventing: who wants which alerts (wsman.md 2.9, 4.19). */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/audit_log.h"
#include "simulator/firmware/remote_access.h"
#include "simulator/firmware/state_fields.h"
#include "simulator/firmware/subscriptions_internal.h"
#include "simulator/firmware/users.h"

#define MODE_PUSH     WSMAN_NS_EVENTING "/DeliveryModes/Push"
#define MODE_PUSH_ACK "http://schemas.dmtf.org/wbem/wsman/1/wsman/PushWithAck"
#define SYSTEM_PATH   "Interop:CIM_ComputerSystem.CreationClassName="
#define HTTP_PORT     80u
#define HTTPS_PORT    443u
#define HTTPS_FROM    1100u /* release */
#define ALERT_DEVICE  8u    /* AlertType as captured */

/* Alerts that are for the user: iAMT0050 and up (wsman.md 2.9). */
#define USER_ALERTS_FROM 50u
#define USER_ALERTS_TO   69u

/* Splits "host[:port][/path]" behind the scheme. */
static bool read_host_and_path(const char *host, struct subscription_target *target)
{
    size_t host_len = strcspn(host, "/");
    const char *path = host[host_len] == 0 ? "/" : host + host_len;
    if (host_len == 0 || host_len >= sizeof target->host || strlen(path) >= sizeof target->path) {
        return false;
    }
    memcpy(target->host, host, host_len);
    target->host[host_len] = 0;
    memcpy(target->path, path, strlen(path) + 1);
    return address_parse(target->host, target->is_tls ? HTTPS_PORT : HTTP_PORT, &target->address,
                         NULL) == AMT_OK &&
           target->address.host[0] != 0;
}

bool subscription_target_read(const char *url, struct subscription_target *target)
{
    *target = (struct subscription_target){ .path = "" };
    for (const char *at = url; *at != 0; at++) {
        if (*at <= ' ' || *at > '~') {
            return false; /* it goes into a request line */
        }
    }
    target->is_tls = strncmp(url, "https://", 8) == 0;
    if (!target->is_tls && strncmp(url, "http://", 7) != 0) {
        return false;
    }
    return read_host_and_path(url + (target->is_tls ? 8 : 7), target);
}

static bool is_user_alert(const char *message_id)
{
    uint64_t number = 0;
    return strncmp(message_id, "iAMT", 4) == 0 &&
           text_parse_u64(message_id + 4 + strspn(message_id + 4, "0"), UINT32_MAX, &number) ==
               AMT_OK &&
           number >= USER_ALERTS_FROM && number <= USER_ALERTS_TO;
}

/* Which collection takes which alert: all; all but those for the user; those of AMT's own features;
 * those for the user. */
static bool takes(const char *filter, const char *message_id)
{
    bool is_for_user = is_user_alert(message_id);
    if (strcmp(filter, "Intel(r) AMT:All") == 0) {
        return true;
    }
    if (strcmp(filter, "Intel(r) AMT:User Notification") == 0) {
        return is_for_user;
    }
    if (strcmp(filter, "Intel(r) AMT:Features") == 0) {
        return !is_for_user && strncmp(message_id, "iAMT", 4) == 0;
    }
    return !is_for_user;
}

/* Only alerts for the user say in words what they are about (wsman.md 2.9). */
static const char *words_of(const char *message_id)
{
    static const struct {
        const char *message_id, *words;
    } k_words[] = {
        { "iAMT0050", "General notification" },
        { "iAMT0051", "SecIO event" },
        { "iAMT0052", "KVM session event" },
        { "iAMT0053", "Remote connectivity event" },
        { "iAMT0054", "Wireless profile synchronization changed" },
        { "iAMT0055", "Provisioning state changed" },
        { "iAMT0056", "System defense changed" },
        { "iAMT0057", "Network state changed" },
        { "iAMT0058", "Remote access changed" },
        { "iAMT0059", "KVM enablement changed" },
        { "iAMT0060", "SecIO configuration changed" },
        { "iAMT0061", "Firmware was reset" },
    };
    for (size_t i = 0; i < sizeof k_words / sizeof *k_words; i++) {
        if (strcmp(k_words[i].message_id, message_id) == 0) {
            return k_words[i].words;
        }
    }
    return "";
}

static void set_time(struct wsman_instance *indication, uint64_t time_s)
{
    wsman_set_time(indication, "IndicationTime", time_s);
    const char *time = wsman_get(indication, "IndicationTime");
    struct wsman_value *value = arena_alloc(indication->arena, sizeof *value);
    if (time == NULL || value == NULL || strlen(time) < 2) {
        indication->failed = true;
        return;
    }
    struct text with_milliseconds = { 0 };
    text_printf(&with_milliseconds, "%.*s.000Z", (int)strlen(time) - 1, time);
    *value =
        (struct wsman_value){ .kind = WSMAN_DATETIME,
                              .text = arena_text(indication->arena, text_chars(&with_milliseconds),
                                                 with_milliseconds.len) };
    text_fini(&with_milliseconds);
    wsman_set_values(indication, "IndicationTime", value);
}

struct alert {
    const char *message_id;
    const char *const *arguments;
    uint32_t argument_count;
    uint16_t severity;
};

/* As a captured event: its arguments, then the system it is about. */
static struct wsman_instance *make_indication(struct firmware *firmware, struct arena *arena,
                                              const struct alert *alert)
{
    struct wsman_instance *indication = wsman_instance_new(arena, "CIM_AlertIndication");
    char identifier[32];
    (void)snprintf(identifier, sizeof identifier, "Intel(r):%u",
                   (unsigned)amt_random_below(&firmware->random, UINT32_MAX));
    wsman_set_u64(indication, "AlertType", ALERT_DEVICE);
    wsman_set_u64(indication, "AlertingElementFormat", 2);
    wsman_set(indication, "AlertingManagedElement",
              SYSTEM_PATH "\"CIM_ComputerSystem\",Name=\"Intel(r) AMT\"");
    wsman_set(indication, "IndicationIdentifier", identifier);
    wsman_set(indication, "Message", words_of(alert->message_id));
    for (uint32_t i = 0; i < alert->argument_count; i++) {
        wsman_add(indication, "MessageArguments", alert->arguments[i]);
    }
    if (alert->argument_count == 0) {
        wsman_add(indication, "MessageArguments", "0");
    }
    wsman_add(indication, "MessageArguments", SYSTEM_PATH "CIM_ComputerSystem,Name=Intel(r) AMT");
    wsman_set(indication, "MessageID", alert->message_id);
    wsman_set(indication, "OtherAlertingElementFormat", "");
    wsman_set(indication, "OtherSeverity", "");
    wsman_set(indication, "OwningEntity", "Intel(r) AMT");
    wsman_set_u64(indication, "PerceivedSeverity", alert->severity);
    wsman_set_u64(indication, "ProbableCause", 0);
    wsman_set(indication, "SystemName", "Intel(r) AMT");
    if (indication != NULL) {
        set_time(indication, firmware_time_s(firmware));
    }
    return indication;
}

void subscriptions_alert(struct firmware *firmware, const char *message_id,
                         const char *const *arguments, uint32_t argument_count, uint16_t severity)
{
    struct subscriptions *subscriptions = firmware->subscriptions;
    const struct alert alert = { message_id, arguments, argument_count, severity };
    struct wsman_instance *indication = NULL;
    struct arena arena = { 0 };
    uint32_t takers = 0;
    for (uint32_t i = 0; subscriptions != NULL && i < subscriptions->count; i++) {
        const struct subscription *subscription = &subscriptions->items[i];
        if (!takes(subscription->filter, message_id)) {
            continue;
        }
        if (indication == NULL) {
            indication = make_indication(firmware, &arena, &alert);
            remote_access_alert(firmware);
        }
        takers++;
        wsman_set(indication, "IndicationFilterName", subscription->filter);
        if (indication != NULL && !indication->failed) {
            subscription_send(firmware, subscription, indication);
        }
    }
    arena_fini(&arena);
    if (takers > 0) {
        LOG(firmware->log, LOG_DEBUG, "alert.raised", log_text("uuid", firmware->uuid_text),
            log_text("message", message_id), log_u64("subscribers", takers));
    }
}

/* The first element of that name in any namespace, below node. Trees are at most XML_DEPTH_MAX deep. */
static const struct xml_node *find_below(const struct xml_node *node, const char *name)
{
    const struct xml_node *path[XML_DEPTH_MAX + 1];
    uint32_t depth = 0;
    const struct xml_node *at = node == NULL ? NULL : node->first;
    while (at != NULL) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
        if (at->first != NULL && depth < XML_DEPTH_MAX) {
            path[depth++] = at;
            at = at->first;
            continue;
        }
        while (at->next == NULL && depth > 0) {
            at = path[--depth];
        }
        at = at->next;
    }
    return NULL;
}

static bool copy(char *out, size_t cap, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    if (len >= cap) {
        return false;
    }
    memcpy(out, text == NULL ? "" : text, len + 1);
    return true;
}

/* The user name and password of an IssuedTokens header, when the listener wants digest. */
static bool read_credentials(const struct wsman_request *request, struct subscription *item)
{
    const struct xml_node *token = find_below(request->header, "UsernameToken");
    const struct xml_node *user = find_below(token, "Username");
    const struct xml_node *password = find_below(token, "Password");
    return copy(item->user, sizeof item->user, user == NULL ? NULL : user->text) &&
           copy(item->password, sizeof item->password, password == NULL ? NULL : password->text);
}

static enum wsman_fault read_mode(const struct xml_node *delivery, struct subscription *item)
{
    const char *mode = xml_attribute(delivery, "Mode");
    item->wants_ack = mode != NULL && strcmp(mode, MODE_PUSH_ACK) == 0;
    return mode == NULL || item->wants_ack || strcmp(mode, MODE_PUSH) == 0
               ? WSMAN_OK
               : WSMAN_DELIVERY_MODE_UNAVAILABLE;
}

static bool can_send_to(const struct firmware *firmware, const char *url)
{
    struct subscription_target target;
    return subscription_target_read(url, &target) &&
           (!target.is_tls || firmware_is_release(firmware, HTTPS_FROM));
}

static enum wsman_fault read_subscribe(const struct firmware_call *call, struct subscription *item)
{
    const struct wsman_request *request = call->request;
    const struct xml_node *delivery = xml_child(request->body, WSMAN_NS_EVENTING, "Delivery");
    const struct xml_node *notify = xml_child(delivery, WSMAN_NS_EVENTING, "NotifyTo");
    const char *url = xml_child_text(notify, WSMAN_NS_ADDRESSING, "Address");
    const struct xml_node *argument =
        find_below(xml_child(notify, WSMAN_NS_ADDRESSING, "ReferenceParameters"), "arg");
    if (delivery == NULL || url == NULL) {
        return WSMAN_SCHEMA_VALIDATION_ERROR;
    }
    enum wsman_fault fault = read_mode(delivery, item);
    if (fault != WSMAN_OK) {
        return fault;
    }
    bool is_whole =
        copy(item->url, sizeof item->url, url) && can_send_to(call->firmware, url) &&
        copy(item->argument, sizeof item->argument, argument == NULL ? NULL : argument->text) &&
        copy(item->argument_ns, sizeof item->argument_ns, argument == NULL ? NULL : argument->ns) &&
        read_credentials(request, item);
    return is_whole ? WSMAN_OK : WSMAN_INVALID_PARAMETER;
}

/* Event managers subscribe to everything, the host's notification service to what is for the user. */
static bool may_subscribe(const struct firmware_call *call, const char *filter)
{
    return users_may(call->user, REALM_EVENT_MANAGER) ||
           (strcmp(filter, "Intel(r) AMT:User Notification") == 0 &&
            users_may(call->user, REALM_LOCAL_USER_NOTIFICATION));
}

bool subscriptions_reserve(struct subscriptions *subscriptions)
{
    if (subscriptions->items == NULL) {
        subscriptions->items = amt_alloc_array(SUBSCRIPTIONS_MAX, sizeof *subscriptions->items);
    }
    return subscriptions->items != NULL;
}

static void forget_all(struct subscriptions *subscriptions)
{
    if (subscriptions->items != NULL) { /* with passwords in them */
        amt_wipe(subscriptions->items, SUBSCRIPTIONS_MAX * sizeof *subscriptions->items);
    }
    amt_free(subscriptions->items);
    subscriptions->items = NULL;
    subscriptions->count = 0;
}

static bool id_is_used(const struct subscriptions *subscriptions, uint32_t id)
{
    for (uint32_t i = 0; i < subscriptions->count; i++) {
        if (subscriptions->items[i].id == id) {
            return true;
        }
    }
    return false;
}

const struct wsman_ref *subscriptions_add(struct firmware_call *call,
                                          const struct wsman_instance *filter_collection)
{
    struct subscriptions *subscriptions = call->firmware->subscriptions;
    const char *filter = wsman_get(filter_collection, "InstanceID");
    struct subscription item = { 0 };
    if (filter == NULL || !may_subscribe(call, filter)) {
        firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
        return NULL;
    }
    if (subscriptions->count == SUBSCRIPTIONS_MAX) {
        firmware_fault(call, WSMAN_QUOTA_LIMIT, NULL);
        return NULL;
    }
    if (!subscriptions_reserve(subscriptions)) {
        firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return NULL;
    }
    enum wsman_fault fault = copy(item.filter, sizeof item.filter, filter)
                                 ? read_subscribe(call, &item)
                                 : WSMAN_INVALID_SELECTORS;
    if (fault != WSMAN_OK) {
        firmware_fault(call, fault, NULL);
        return NULL;
    }
    while (id_is_used(subscriptions, item.id)) {
        item.id++;
    }
    subscriptions->items[subscriptions->count++] = item;
    audit_log_add(call->firmware, call, AUDIT_EVENT_MANAGER, 0, NULL, 0);
    firmware_changed(call->firmware);
    const struct wsman_ref *ref = subscription_ref(call->arena, &item);
    amt_wipe(&item, sizeof item);
    return ref;
}

void subscriptions_drop(struct firmware_call *call, struct subscription *subscription)
{
    struct subscriptions *subscriptions = call->firmware->subscriptions;
    subscription_cancel(call->firmware, subscription);
    size_t at = (size_t)(subscription - subscriptions->items);
    subscriptions->count--;
    memmove(subscription, subscription + 1, (subscriptions->count - at) * sizeof *subscription);
    audit_log_add(call->firmware, call, AUDIT_EVENT_MANAGER, 1, NULL, 0);
    firmware_changed(call->firmware);
}

static const struct wsman_ref *selector_ref(const struct wsman_request *request, const char *name)
{
    for (const struct wsman_selector *at = request->selectors; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at->ref;
        }
    }
    return NULL;
}

/* The destination's name decides; a filter that is given must be the subscription's. */
void subscriptions_remove(struct firmware_call *call)
{
    struct subscriptions *subscriptions = call->firmware->subscriptions;
    const char *filter = wsman_ref_selector(selector_ref(call->request, "Filter"), "InstanceID");
    const char *handler = wsman_ref_selector(selector_ref(call->request, "Handler"), "Name");
    for (uint32_t i = 0; handler != NULL && i < subscriptions->count; i++) {
        struct subscription *subscription = &subscriptions->items[i];
        const struct wsman_ref *ref = subscription_ref(call->arena, subscription);
        const char *name =
            ref == NULL ? NULL : wsman_ref_selector(ref->selectors->next->ref, "Name");
        if (name == NULL || strcmp(name, handler) != 0 ||
            (filter != NULL && strcmp(filter, subscription->filter) != 0)) {
            continue;
        }
        if (!may_subscribe(call, subscription->filter)) {
            firmware_fault(call, WSMAN_ACCESS_DENIED, NULL);
            return;
        }
        subscriptions_drop(call, subscription);
        return;
    }
    firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
}

static enum amt_err subscriptions_init(struct firmware *firmware)
{
    firmware->subscriptions = amt_alloc(sizeof *firmware->subscriptions);
    return firmware->subscriptions == NULL ? AMT_ENOMEM : AMT_OK;
}

static void subscriptions_fini(struct firmware *firmware)
{
    if (firmware->subscriptions == NULL) {
        return;
    }
    subscription_cancel(firmware, NULL);
    forget_all(firmware->subscriptions);
    amt_free(firmware->subscriptions);
    firmware->subscriptions = NULL;
}

static void subscriptions_unprovision(struct firmware *firmware, bool is_partial)
{
    (void)is_partial;
    subscription_cancel(firmware, NULL);
    forget_all(firmware->subscriptions);
    firmware_changed(firmware);
}

static json_t *save_one(const struct subscription *item)
{
    json_t *object = json_object();
    bool is_whole = state_put_u64(object, "id", item->id) &&
                    state_put_text(object, "filter", item->filter) &&
                    state_put_text(object, "url", item->url) &&
                    state_put_text(object, "argument", item->argument) &&
                    state_put_text(object, "argument_ns", item->argument_ns) &&
                    state_put_text(object, "user", item->user) &&
                    state_put_text(object, "password", item->password) &&
                    state_put_bool(object, "ack", item->wants_ack);
    if (!is_whole) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *subscriptions_save(struct firmware *firmware)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < firmware->subscriptions->count; i++) {
        if (json_array_append_new(list, save_one(&firmware->subscriptions->items[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum amt_err load_one(const json_t *object, struct subscription *item, struct amt_diag *diag)
{
    TRY(state_get_u32(object, "id", UINT32_MAX, &item->id, diag));
    TRY(state_get_text(object, "filter", item->filter, sizeof item->filter, diag));
    TRY(state_get_text(object, "url", item->url, sizeof item->url, diag));
    TRY(state_get_text(object, "argument", item->argument, sizeof item->argument, diag));
    TRY(state_get_text(object, "argument_ns", item->argument_ns, sizeof item->argument_ns, diag));
    TRY(state_get_text(object, "user", item->user, sizeof item->user, diag));
    TRY(state_get_text(object, "password", item->password, sizeof item->password, diag));
    return state_get_bool(object, "ack", &item->wants_ack, diag);
}

static enum amt_err subscriptions_load(struct firmware *firmware, const json_t *state,
                                       struct amt_diag *diag)
{
    struct subscriptions *subscriptions = firmware->subscriptions;
    if (json_array_size(state) > SUBSCRIPTIONS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "saved state: more subscriptions than there is room for");
    }
    forget_all(subscriptions);
    if (json_array_size(state) > 0 && !subscriptions_reserve(subscriptions)) {
        return AMT_ENOMEM;
    }
    for (size_t i = 0; i < json_array_size(state); i++) {
        TRY(load_one(json_array_get(state, i), &subscriptions->items[subscriptions->count], diag));
        subscriptions->count++;
    }
    return AMT_OK;
}

static const struct firmware_behaviour k_behaviours[] = {
    { .class_name = "CIM_FilterCollection",
      .read_realm = REALM_LOCAL_USER_NOTIFICATION,
      .write_realm = REALM_LOCAL_USER_NOTIFICATION, /* Subscribe; which filters: may_subscribe */
      .list = subscriptions_list_filters },
    { .class_name = "CIM_FilterCollectionSubscription",
      .read_realm = REALM_EVENT_MANAGER,
      .write_realm = REALM_LOCAL_USER_NOTIFICATION,
      .list = subscriptions_list },
    { .class_name = "CIM_ListenerDestination",
      .read_realm = REALM_EVENT_MANAGER,
      .write_realm = REALM_EVENT_MANAGER,
      .remove = subscriptions_remove_destination },
    { .class_name = "CIM_ListenerDestinationWSManagement",
      .read_realm = REALM_EVENT_MANAGER,
      .write_realm = REALM_EVENT_MANAGER,
      .list = subscriptions_list_destinations,
      .remove = subscriptions_remove_destination },
    { .class_name = NULL },
};

const struct firmware_part k_subscriptions_part = { .name = "subscriptions",
                                                    .init = subscriptions_init,
                                                    .fini = subscriptions_fini,
                                                    .unprovision = subscriptions_unprovision,
                                                    .save = subscriptions_save,
                                                    .load = subscriptions_load,
                                                    .behaviours = k_behaviours };
