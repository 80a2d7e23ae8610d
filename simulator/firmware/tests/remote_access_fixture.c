#include "simulator/firmware/tests/remote_access_fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "simulator/firmware/profile.h"

static void on_changed(void *ctx)
{
    ((struct remote_access_fixture *)ctx)->changed += 1;
}

static void on_close(void *ctx)
{
    ((struct remote_access_fixture *)ctx)->closed += 1;
}

static void on_call(void *ctx, uint32_t trigger)
{
    struct remote_access_fixture *f = ctx;
    f->calls += 1;
    f->last_trigger = trigger;
}

void remote_access_fixture_init(struct remote_access_fixture *f, const char *version,
                                enum firmware_mode mode)
{
    static const struct virtual_world k_world = { .seed = 7 };
    struct amt_diag_list errors = { .count = 0 };
    memset(f, 0, sizeof *f);
    f->loop = loop_new_virtual(&k_world, NULL);
    assert_non_null(f->loop);
    f->log = log_new(f->loop);
    assert_int_equal(config_read(firmware_config_keys, NULL, "defaults", &f->config, &errors),
                     AMT_OK);
    amt_free(f->config.version);
    f->config.version = amt_strdup(version);
    f->config.control_mode = (int)mode;
    f->profile = firmware_profile_new(&f->config, "test", &errors);
    if (f->profile == NULL) {
        amt_diag_list_print(&errors, stderr);
        fail();
    }
    const struct firmware_settings settings = {
        .profile = f->profile,
        .seed = 7,
        .log = f->log,
        .hooks = { .remote_access_changed = on_changed,
                   .close_tunnel = on_close,
                   .call_home = on_call,
                   .ctx = f },
    };
    f->firmware = firmware_new(f->loop, &settings, NULL);
    assert_non_null(f->firmware);
    f->changed = 0;
}

void remote_access_fixture_fini(struct remote_access_fixture *f)
{
    firmware_free(f->firmware);
    firmware_profile_free(f->profile);
    config_fini(firmware_config_keys, &f->config);
    arena_fini(&f->arena);
    log_free(f->log);
    loop_free(f->loop);
}

struct wsman_instance *remote_access_in(struct remote_access_fixture *f, const char *class_name,
                                        ...)
{
    struct wsman_instance *in = wsman_instance_new(&f->arena, class_name);
    va_list list;
    va_start(list, class_name);
    for (const char *name = va_arg(list, const char *); name != NULL;
         name = va_arg(list, const char *)) {
        wsman_set(in, name, va_arg(list, const char *));
    }
    va_end(list);
    return in;
}

static struct firmware_call *begin(struct remote_access_fixture *f)
{
    static const struct firmware_user k_admin = { .name = "admin", .is_admin = true };
    f->call = (struct firmware_call){ .firmware = f->firmware,
                                      .arena = &f->arena,
                                      .user = &k_admin,
                                      .door = FIRMWARE_NETWORK,
                                      .peer = "192.0.2.1:5000" };
    return &f->call;
}

static const struct firmware_behaviour *behaviour_of(const char *class_name)
{
    const struct firmware_behaviour *b = k_remote_access_part.behaviours;
    while (b->class_name != NULL && strcmp(b->class_name, class_name) != 0) {
        b++;
    }
    assert_non_null(b->class_name);
    return b;
}

struct wsman_instance *remote_access_list(struct remote_access_fixture *f, const char *class_name)
{
    struct firmware_call *call = begin(f);
    const struct firmware_behaviour *b = behaviour_of(class_name);
    if (b->list != NULL) {
        return b->list(call);
    }
    const struct profile_class *class = firmware_profile_class(f->profile, class_name);
    struct wsman_instance *instance = class != NULL && class->instances != NULL
                                          ? wsman_instance_copy(&f->arena, class->instances)
                                          : firmware_instance_new(call, class_name);
    if (instance == NULL) {
        return NULL;
    }
    b->fill(call, instance);
    return instance;
}

uint32_t remote_access_count(struct remote_access_fixture *f, const char *class_name)
{
    uint32_t count = 0;
    for (const struct wsman_instance *i = remote_access_list(f, class_name); i != NULL;
         i = i->next) {
        count += 1;
    }
    return count;
}

uint32_t remote_access_method_of(struct remote_access_fixture *f,
                                 const struct wsman_instance *target, const char *method,
                                 const struct wsman_instance *in)
{
    if (target == NULL || in == NULL) {
        return PT_INTERNAL_ERROR; /* tests without memory */
    }
    const struct firmware_method *m = behaviour_of(target->class_name)->methods;
    while (m->name != NULL && strcmp(m->name, method) != 0) {
        m++;
    }
    assert_non_null(m->name);
    struct firmware_call *call = begin(f);
    f->out = wsman_instance_new(&f->arena, "OUTPUT");
    if (f->out == NULL) {
        return PT_INTERNAL_ERROR;
    }
    return m->fn(call, target, in, f->out);
}

uint32_t remote_access_method(struct remote_access_fixture *f, const char *class_name,
                              const char *method, const struct wsman_instance *in)
{
    return remote_access_method_of(f, wsman_instance_new(&f->arena, class_name), method, in);
}

enum wsman_fault remote_access_put(struct remote_access_fixture *f,
                                   const struct wsman_instance *old, const char *property,
                                   const char *value)
{
    struct wsman_instance *changed = wsman_instance_copy(&f->arena, old);
    struct firmware_call *call = begin(f);
    if (changed == NULL) {
        return WSMAN_INTERNAL_ERROR;
    }
    wsman_unset(changed, property);
    if (value[0] != '\0') {
        wsman_set(changed, property, value);
    }
    behaviour_of(old->class_name)->put(call, old, changed);
    return call->fault;
}

enum wsman_fault remote_access_delete(struct remote_access_fixture *f,
                                      const struct wsman_instance *instance)
{
    struct firmware_call *call = begin(f);
    behaviour_of(instance->class_name)->remove(call, instance);
    return call->fault;
}

void remote_access_answered(struct remote_access_fixture *f)
{
    if (f->call.afterwards != NULL) {
        f->call.afterwards(f->firmware);
        f->call.afterwards = NULL;
    }
}

uint32_t remote_access_add_mps(struct remote_access_fixture *f, const char *host)
{
    return remote_access_method(
        f, "AMT_RemoteAccessService", "AddMpServer",
        remote_access_in(f, "AddMpServer_INPUT", REMOTE_ACCESS_SERVER(host, "201", "")));
}

static void add_server_ref(struct remote_access_fixture *f, struct wsman_instance *in,
                           const char *number)
{
    char name[64];
    (void)snprintf(name, sizeof name, "Intel(r) AMT:Management Presence Server %s", number);
    wsman_add_ref(in, "MpServer",
                  wsman_ref_new(&f->arena, "AMT_ManagementPresenceRemoteSAP", 1, "Name", name));
}

uint32_t remote_access_add_rule(struct remote_access_fixture *f, const char *trigger,
                                const char *data, const char *first, const char *second)
{
    struct wsman_instance *in =
        remote_access_in(f, "AddRemoteAccessPolicyRule_INPUT", "Trigger", trigger, "TunnelLifeTime",
                         "0", "ExtendedData", data, NULL);
    add_server_ref(f, in, first);
    if (second != NULL) {
        add_server_ref(f, in, second);
    }
    return remote_access_method(f, "AMT_RemoteAccessService", "AddRemoteAccessPolicyRule", in);
}

enum wsman_fault remote_access_set_domain(struct remote_access_fixture *f, const char *domain)
{
    return remote_access_put(f, remote_access_list(f, "AMT_EnvironmentDetectionSettingData"),
                             "DetectionStrings", domain);
}
