/* A provisioned firmware whose remote access is driven by its operations, without HTTP. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_REMOTE_ACCESS_FIXTURE_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_REMOTE_ACCESS_FIXTURE_H

#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/remote_access.h"

/* "Name", "value", ..., NULL: the properties of an input. */
#define REMOTE_ACCESS_SERVER(host, format, cn)                                               \
    "AccessInfo", host, "InfoFormat", format, "Port", "4433", "AuthMethod", "2", "Username", \
        "user", "Password", "P@ssw0rd", "CN", cn, NULL

struct remote_access_fixture {
    struct loop *loop;
    struct log *log;
    struct firmware_config config;
    struct firmware_profile *profile;
    struct firmware *firmware;
    struct arena arena;
    struct firmware_call call;  /* of the last operation */
    struct wsman_instance *out; /* of the last method */
    uint32_t changed, closed;   /* hooks that were called */
    uint32_t calls, last_trigger;
};

/* Version of the firmware ("16.1.25"), and whether it is provisioned. */
void remote_access_fixture_init(struct remote_access_fixture *f, const char *version,
                                enum firmware_mode mode);
void remote_access_fixture_fini(struct remote_access_fixture *f);
/* A fresh instance with texts as properties. */
struct wsman_instance *remote_access_in(struct remote_access_fixture *f, const char *class_name,
                                        ...);
uint32_t remote_access_method(struct remote_access_fixture *f, const char *class_name,
                              const char *method, const struct wsman_instance *in);
/* A method of one of several instances. */
uint32_t remote_access_method_of(struct remote_access_fixture *f,
                                 const struct wsman_instance *target, const char *method,
                                 const struct wsman_instance *in);
/* Instances as an Enumerate shows them. */
struct wsman_instance *remote_access_list(struct remote_access_fixture *f, const char *class_name);
uint32_t remote_access_count(struct remote_access_fixture *f, const char *class_name);
/* A Put of one property ("" unset) of an instance. Returns the fault. */
enum wsman_fault remote_access_put(struct remote_access_fixture *f,
                                   const struct wsman_instance *old, const char *property,
                                   const char *value);
enum wsman_fault remote_access_delete(struct remote_access_fixture *f,
                                      const struct wsman_instance *instance);
/* Runs what waits for the answer to have left. */
void remote_access_answered(struct remote_access_fixture *f);

/* Shorthands: an MPS by name; a policy with up to two servers (NULL) given by their N; domains. */
uint32_t remote_access_add_mps(struct remote_access_fixture *f, const char *host);
uint32_t remote_access_add_rule(struct remote_access_fixture *f, const char *trigger,
                                const char *data, const char *first, const char *second);
enum wsman_fault remote_access_set_domain(struct remote_access_fixture *f, const char *domain);

#endif
