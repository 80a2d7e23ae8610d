#include "simulator/firmware/tests/power_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"
#include "simulator/firmware/exchange.h"

#define STATE_DIR "/tmp/amtlab-power-XXXXXX"

static void on_host(void *ctx)
{
    ((struct power_rig *)ctx)->host_changes++;
}

static void on_end(void *ctx, uint32_t kinds)
{
    ((struct power_rig *)ctx)->ended_sessions |= kinds;
}

static void on_kvm_message(void *ctx, const void *bytes, size_t len)
{
    struct power_rig *rig = ctx;
    const size_t used = strlen(rig->kvm_messages);
    snprintf(rig->kvm_messages + used, sizeof rig->kvm_messages - used, "%.*s",
             bytes == NULL ? 2 : (int)len, bytes == NULL ? "()" : (const char *)bytes);
}

static void on_listeners(void *ctx)
{
    ((struct power_rig *)ctx)->listener_changes++;
}

static void note(struct power_rig *rig, const char *a, const char *b)
{
    const size_t used = strlen(rig->power_events);
    snprintf(rig->power_events + used, sizeof rig->power_events - used, "%s%s%s%s",
             used > 0 ? " " : "", a, b[0] == '\0' ? "" : "-", b);
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    (void)level;
    if (strcmp(name, "power.changed") == 0) {
        note(ctx, fields[1].text, fields[2].text);
    } else if (strcmp(name, "power.boot") == 0) {
        note(ctx, fields[1].text, "");
    }
}

static void make_device(struct power_rig *rig)
{
    struct amt_diag diag = { .err = AMT_OK };
    rig->firmware = firmware_new(rig->loop, &rig->settings, &diag);
    if (rig->firmware == NULL) {
        fail_msg("%s", diag.text);
    }
}

static void start(struct power_rig *rig, const char *yaml, bool is_kept)
{
    struct virtual_world world = { .seed = 7 };
    struct amt_diag_list errors = { 0 };
    struct text text = { 0 };
    text_printf(&text, "power_delay: 2s\nboot: 10s\n");
    *rig = (struct power_rig){ .door = FIRMWARE_NETWORK };
    if (is_kept) {
        memcpy(rig->state_dir, STATE_DIR, sizeof STATE_DIR);
        assert_non_null(mkdtemp(rig->state_dir));
    }
    rig->loop = loop_new_virtual(&world, NULL);
    assert_non_null(rig->loop);
    rig->log = log_new(rig->loop);
    assert_int_equal(log_observe(rig->log, on_event, rig), AMT_OK);
    struct yaml_document *base = yaml_load_text(text_chars(&text), "rig", &errors);
    rig->document = yaml_load_text(yaml, "rig", &errors);
    assert_int_equal(
        config_read(firmware_config_keys, yaml_root(base), "rig", &rig->config, &errors), AMT_OK);
    if (yaml[0] != '\0') {
        assert_int_equal(config_overlay(firmware_config_keys, yaml_root(rig->document), "rig",
                                        &rig->config, &errors),
                         AMT_OK);
    }
    yaml_free(base);
    text_fini(&text);
    if (rig->config.instances != NULL) {
        rig->config.instance_sets[rig->config.instance_set_count++] = rig->config.instances;
    }
    rig->profile = firmware_profile_new(&rig->config, "rig", &errors);
    if (rig->profile == NULL) {
        amt_diag_list_print(&errors, stderr);
        fail();
    }
    amt_diag_list_fini(&errors);
    rig->settings = (struct firmware_settings){
        .profile = rig->profile,
        .uuid = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
        .seed = 7,
        .log = rig->log,
        .state_dir = is_kept ? rig->state_dir : NULL,
        .hooks = { .host_changed = on_host,
                   .end_redirection = on_end,
                   .kvm_message = on_kvm_message,
                   .listeners_changed = on_listeners,
                   .ctx = rig },
    };
    make_device(rig);
}

void power_rig_start(struct power_rig *rig, const char *yaml)
{
    start(rig, yaml, false);
}

void power_rig_start_kept(struct power_rig *rig, const char *yaml)
{
    start(rig, yaml, true);
}

void power_rig_restart(struct power_rig *rig)
{
    firmware_free(rig->firmware);
    make_device(rig);
}

static void remove_state(struct power_rig *rig)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s.json", rig->state_dir, rig->firmware->uuid_text);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(rig->state_dir), 0);
}

void power_rig_stop(struct power_rig *rig)
{
    if (rig->state_dir[0] != '\0') {
        remove_state(rig);
    }
    firmware_free(rig->firmware);
    firmware_profile_free(rig->profile);
    config_fini(firmware_config_keys, &rig->config);
    yaml_free(rig->document);
    arena_fini(&rig->arena);
    log_free(rig->log);
    loop_free(rig->loop);
}

void power_rig_advance(struct power_rig *rig, uint64_t seconds)
{
    (void)loop_run_until(rig->loop, NULL, NULL, loop_now_us(rig->loop) + seconds * US_PER_SECOND);
}

static void on_reply(void *ctx, int status, const struct text *envelope)
{
    struct power_rig *rig = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    rig->status = status;
    const struct xml_node *root = xml_parse(&rig->arena, envelope->chars, envelope->len, &diag);
    assert_non_null(root);
    rig->body = xml_child(root, NULL, "Body");
}

static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };

static void write_envelope(struct text *text, const char *class_name, const char *action,
                           const char *selectors, const char *body)
{
    const char *ns = wsman_class_namespace(class_name);
    text_printf(text,
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope "
                "xmlns=\"http://www.w3.org/2003/05/soap-envelope\" "
                "xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
                "xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
                "xmlns:c=\"http://schemas.dmtf.org/wbem/wscim/1/common\" "
                "xmlns:r=\"%s%s\"><Header><a:Action>%s</a:Action><a:To>/wsman</a:To>"
                "<w:ResourceURI>%s%s</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo>"
                "<a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
                "</a:Address></a:ReplyTo>",
                ns, class_name, action, ns, class_name);
    if (selectors[0] != '\0') {
        text_printf(text, "<w:SelectorSet>%s</w:SelectorSet>", selectors);
    }
    text_printf(text, "</Header><Body>%s</Body></Envelope>", body);
    assert_false(text->failed);
}

static void send(struct power_rig *rig, const char *class_name, const char *action,
                 const char *selectors, const char *body)
{
    struct text text = { 0 };
    write_envelope(&text, class_name, action, selectors, body);
    rig->status = 0;
    rig->body = NULL;
    (void)firmware_exchange(rig->firmware, &k_admin, rig->door, "192.0.2.7:5000", text.chars,
                            text.len, on_reply, rig);
    text_fini(&text);
    assert_non_null(rig->body);
}

static void on_starved_reply(void *ctx, int status, const struct text *envelope)
{
    (void)envelope;
    *(int *)ctx = status;
}

void power_rig_starve(struct power_rig *rig, const char *class_name, const char *method,
                      const char *parameters, void (*undo)(struct firmware *firmware))
{
    struct text text = { 0 };
    char action[200], body[900];
    int status = 0;
    if (method == NULL) {
        snprintf(action, sizeof action, "%s", wsman_operation_action(WSMAN_PUT));
        snprintf(body, sizeof body, "<r:%s>%s</r:%s>", class_name, parameters, class_name);
    } else {
        snprintf(action, sizeof action, "%s%s/%s", wsman_class_namespace(class_name), class_name,
                 method);
        snprintf(body, sizeof body, "<r:%s_INPUT>%s</r:%s_INPUT>", method, parameters, method);
    }
    write_envelope(&text, class_name, action, "", body);
    for (uint64_t k = 1; status != 200; k++) {
        assert_true(k < 10000);
        amt_memory_fail_after(k);
        (void)firmware_exchange(rig->firmware, &k_admin, rig->door, "192.0.2.7:5000", text.chars,
                                text.len, on_starved_reply, &status);
        amt_memory_fail_after(0);
        if (status != 200 && undo != NULL) {
            undo(rig->firmware);
        }
    }
    text_fini(&text);
}

void power_rig_get(struct power_rig *rig, const char *class_name)
{
    send(rig, class_name, wsman_operation_action(WSMAN_GET), "", "");
}

const char *power_rig_value(const struct power_rig *rig, const char *property)
{
    const struct xml_node *node = xml_child(rig->body->first, NULL, property);
    if (node == NULL) {
        return "";
    }
    return node->first != NULL ? node->first->text : node->text;
}

const char *power_rig_read(struct power_rig *rig, const char *class_name, const char *property)
{
    power_rig_get(rig, class_name);
    assert_int_equal(rig->status, 200);
    return power_rig_value(rig, property);
}

const char *power_rig_list(struct power_rig *rig, const char *class_name, const char *property)
{
    struct text list = { 0 };
    power_rig_get(rig, class_name);
    const struct xml_node *node = xml_child(rig->body->first, NULL, property);
    for (; node != NULL; node = xml_again(node)) {
        text_printf(&list, "%s%s", list.len > 0 ? " " : "", node->text);
    }
    const char *kept = arena_text(&rig->arena, text_chars(&list), list.len);
    text_fini(&list);
    return kept;
}

static void send_element(struct power_rig *rig, const char *class_name, const char *action,
                         const char *selectors, const char *element, const char *content)
{
    struct text body = { 0 };
    text_printf(&body, "<r:%s>%s</r:%s>", element, content, element);
    send(rig, class_name, action, selectors, text_chars(&body));
    text_fini(&body);
}

bool power_rig_put(struct power_rig *rig, const char *class_name, const char *selectors,
                   const char *properties)
{
    send_element(rig, class_name, wsman_operation_action(WSMAN_PUT), selectors, class_name,
                 properties);
    return rig->status == 200;
}

bool power_rig_put_back(struct power_rig *rig, const char *class_name, const char *property,
                        const char *value)
{
    struct text body = { 0 };
    power_rig_get(rig, class_name);
    assert_int_equal(rig->status, 200);
    for (const struct xml_node *node = rig->body->first->first; node != NULL; node = node->next) {
        const bool is_it = property != NULL && strcmp(node->name, property) == 0;
        text_printf(&body, "<r:%s>%s</r:%s>", node->name, is_it ? value : node->text, node->name);
    }
    const bool is_done = power_rig_put(rig, class_name, "", text_chars(&body));
    text_fini(&body);
    return is_done;
}

bool power_rig_delete(struct power_rig *rig, const char *class_name, const char *selectors)
{
    send(rig, class_name, wsman_operation_action(WSMAN_DELETE), selectors, "");
    return rig->status == 200;
}

uint64_t power_rig_call(struct power_rig *rig, const char *class_name, const char *method,
                        const char *selectors, const char *parameters)
{
    char action[200], input[64];
    snprintf(action, sizeof action, "%s%s/%s", wsman_class_namespace(class_name), class_name,
             method);
    snprintf(input, sizeof input, "%s_INPUT", method);
    send_element(rig, class_name, action, selectors, input, parameters);
    uint64_t value = RIG_FAULT;
    const char *text = xml_child_text(rig->body->first, NULL, "ReturnValue");
    if (rig->status == 200) {
        assert_non_null(text);
        assert_int_equal(text_parse_u64(text, UINT32_MAX, &value), AMT_OK);
    }
    return value;
}

uint32_t power_rig_count(struct power_rig *rig, const char *class_name)
{
    uint32_t count = 0;
    send(rig, class_name, wsman_operation_action(WSMAN_ENUMERATE), "",
         "<Enumerate xmlns=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"/>");
    const char *context = xml_child_text(rig->body->first, NULL, "EnumerationContext");
    while (rig->status == 200 && context != NULL) {
        struct text pull = { 0 };
        text_printf(&pull,
                    "<Pull xmlns=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">"
                    "<EnumerationContext>%s</EnumerationContext><MaxElements>999</MaxElements>"
                    "</Pull>",
                    context);
        send(rig, class_name, wsman_operation_action(WSMAN_PULL), "", text_chars(&pull));
        text_fini(&pull);
        const struct xml_node *items = xml_child(rig->body->first, NULL, "Items");
        for (const struct xml_node *item = items == NULL ? NULL : items->first; item != NULL;
             item = item->next) {
            count++;
        }
        context = xml_child_text(rig->body->first, NULL, "EnumerationContext");
    }
    return count;
}

const char *power_rig_fault(const struct power_rig *rig)
{
    const struct xml_node *fault = xml_child(rig->body, NULL, "Fault");
    const struct xml_node *code = xml_child(fault, NULL, "Code");
    const struct xml_node *subcode = xml_child(code, NULL, "Subcode");
    const char *text = xml_child_text(subcode, NULL, "Value");
    const char *colon = text == NULL ? NULL : strchr(text, ':');
    return text == NULL ? "" : colon == NULL ? text : colon + 1;
}

const char *power_rig_detail(const struct power_rig *rig)
{
    const struct xml_node *fault = xml_child(rig->body, NULL, "Fault");
    const struct xml_node *detail = xml_child(fault, NULL, "Detail");
    if (detail == NULL) {
        return "";
    }
    return detail->first != NULL ? detail->first->text : detail->text;
}

#define REFERENCE(element, class_name, selectors)                                            \
    "<r:" element "><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing</a:Address>" \
    "<a:ReferenceParameters><w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/" \
    "2/" class_name "</w:ResourceURI><w:SelectorSet>" selectors                              \
    "</w:SelectorSet></a:ReferenceParameters></r:" element ">"

uint64_t power_rig_request(struct power_rig *rig, uint32_t state)
{
    char parameters[700];
    snprintf(parameters, sizeof parameters,
             "<r:PowerState>%u</r:PowerState>" REFERENCE(
                 "ManagedElement", "CIM_ComputerSystem",
                 "<w:Selector Name=\"CreationClassName\">CIM_ComputerSystem</w:Selector>"
                 "<w:Selector Name=\"Name\">ManagedSystem</w:Selector>"),
             state);
    return power_rig_call(rig, "CIM_PowerManagementService", "RequestPowerStateChange", "",
                          parameters);
}

uint64_t power_rig_boot_source(struct power_rig *rig, const char *source)
{
    char parameters[700] = "";
    if (source != NULL) {
        snprintf(parameters, sizeof parameters,
                 REFERENCE("Source", "CIM_BootSourceSetting",
                           "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Force %s</w:Selector>"),
                 source);
    }
    return power_rig_call(
        rig, "CIM_BootConfigSetting", "ChangeBootOrder",
        "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Boot Configuration 0</w:Selector>",
        parameters);
}

uint64_t power_rig_boot_role(struct power_rig *rig, uint32_t role)
{
    char parameters[700];
    snprintf(parameters, sizeof parameters,
             REFERENCE("BootConfigSetting", "CIM_BootConfigSetting",
                       "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Boot Configuration 0"
                       "</w:Selector>") "<r:Role>%u</r:Role>",
             role);
    return power_rig_call(rig, "CIM_BootService", "SetBootConfigRole", "", parameters);
}
