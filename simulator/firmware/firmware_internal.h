/* Shared by the files of the firmware: the parts of the model and how classes get behaviour. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_INTERNAL_H
#define AMTLAB_SIMULATOR_FIRMWARE_INTERNAL_H

#include <jansson.h>

#include "base/memory.h"
#include "protocol/wsman/message.h"
#include "simulator/firmware/firmware.h"

/* PT_STATUS values that methods return (wsman.md 4.0). */
enum pt_status {
    PT_SUCCESS = 0,
    PT_INTERNAL_ERROR = 1,
    PT_NOT_READY = 2,
    PT_INVALID_NAME = 12,
    PT_NOT_PERMITTED = 16,
    PT_MAX_LIMIT_REACHED = 23,
    PT_INVALID_PROVISIONING_STATE = 32,
    PT_INVALID_TIME = 34,
    PT_INVALID_INDEX = 35,
    PT_INVALID_PARAMETER = 36,
    PT_FLASH_WRITE_LIMIT_EXCEEDED = 38,
    PT_UNSUPPORTED_BOOT_OPTION = 2050,
    PT_INVALID_HANDLE = 2053,
    PT_INVALID_PASSWORD = 2054,
    PT_INVALID_REALM = 2055,
    PT_DATA_MISSING = 2057,
    PT_DUPLICATE = 2058,
    PT_EVENTLOG_FROZEN = 2059,
    PT_PKI_MISSING_KEYS = 2060,
    PT_PKI_GENERATING_KEYS = 2061,
    PT_INVALID_KEY = 2062,
    PT_INVALID_CERT = 2063,
    PT_CERT_KEY_NOT_MATCH = 2064,
    PT_UNSUPPORTED = 2066,
    PT_NOT_FOUND = 2068,
    PT_NO_ASSOCIATION = 2072,
    PT_AUDIT_FAIL = 2075,
    PT_BLOCKING_COMPONENT = 2076,
    PT_USER_CONSENT_REQUIRED = 2081,
    PT_OPERATION_IN_PROGRESS = 2082
};

/* Realms (wsman.md 3.3) as bits of a mask. */
enum realm {
    REALM_REDIRECTION = 2,
    REALM_ADMINISTRATION = 3,
    REALM_HARDWARE_ASSET = 4,
    REALM_REMOTE_CONTROL = 5,
    REALM_EVENT_MANAGER = 7,
    REALM_AGENT_PRESENCE_LOCAL = 9,
    REALM_AGENT_PRESENCE_REMOTE = 10,
    REALM_SYSTEM_DEFENSE = 11,
    REALM_NETWORK_TIME = 12,
    REALM_GENERAL_INFO = 13,
    REALM_LOCAL_USER_NOTIFICATION = 16,
    REALM_EVENT_LOG_READER = 19,
    REALM_AUDIT_LOG = 20,
    REALM_ACL = 21,
    REALM_LOCAL_SYSTEM = 24
};
#define REALM_BIT(realm) (UINT32_C(1) << (realm))

/* Who asks. */
struct firmware_user {
    char name[33];
    bool is_admin;    /* all realms */
    bool is_os_admin; /* $$OsAdmin */
    uint32_t realms;  /* mask of REALM_BIT */
};

/* More than there are different functions of this kind. */
#define FIRMWARE_AFTERWARDS_MAX 8u
typedef void firmware_afterwards_fn(struct firmware *firmware);

/* One WS-Man operation under way. Behaviour functions report trouble by setting fault (and detail). */
struct firmware_call {
    struct firmware *firmware;
    struct arena *arena; /* until the answer is sent */
    const struct firmware_user *user;
    enum firmware_door door;
    const char *peer; /* "192.0.2.7:51324" */
    const struct wsman_request *request;
    const struct class_description *description;
    enum wsman_fault fault;
    const char *detail; /* of the fault: "MissingValues", "AMT-STATUS 36"; static or in the arena */
    /* What must happen only once the answer has left: a restart of the web server, the end of the
     * tunnel after Unprovision. Set by a behaviour, run a moment after the answer. */
    firmware_afterwards_fn *afterwards;
    /* A method that takes time (GenerateKeyPair) sets is_deferred and returns; its ReturnValue is then
     * ignored. It calls finish exactly once, in a later turn; this struct, the arena and `out` live
     * until then, and the next request of the connection waits. It calls finish also when the client
     * has left meanwhile, but not once its part's fini has run. finish NULL: it must answer at once. */
    void (*finish)(struct firmware_call *call, uint32_t return_value);
    bool is_deferred;
    struct wsman_instance *output; /* of a deferred method */
    void *exchange;                /* for finish */
};
/* Sets the fault; returns PT_INTERNAL_ERROR so that a method can end with it. */
uint32_t firmware_fault(struct firmware_call *call, enum wsman_fault fault, const char *detail);

/* A method of a class. target: the instance the selectors chose (never NULL for existing classes);
 * in: validated against the description (types, required parameters); out: fill it in the order of
 * the description, ReturnValue is appended by the caller. Returns ReturnValue. */
typedef uint32_t firmware_method_fn(struct firmware_call *call, const struct wsman_instance *target,
                                    const struct wsman_instance *in, struct wsman_instance *out);
struct firmware_method {
    const char *name;
    firmware_method_fn *fn;
};

/*
 * Behaviour of a class. Without one, a class answers from the profile's instances plus what was
 * written into its writable properties (settings.h), and its methods fault with ActionNotSupported.
 */
struct firmware_behaviour {
    const char *class_name;
    /* Realm needed to read and to write or call; 0: see realms.c (the default mapping of 3.3). */
    uint8_t read_realm, write_realm;
    /* Instances that the model holds, as a list in order; NULL fn: those of the profile. NULL list:
     * none now. */
    struct wsman_instance *(*list)(struct firmware_call *call);
    /* Puts live values into an instance of the profile (a private copy). */
    void (*fill)(struct firmware_call *call, struct wsman_instance *instance);
    /* old: as a Get shows it; changed: old with the validated new values on top. Sets call->fault to
     * refuse. NULL: the changed values are kept by settings.c. */
    void (*put)(struct firmware_call *call, const struct wsman_instance *old,
                const struct wsman_instance *changed);
    bool answers_put_empty; /* wsman.md 2.2 */
    /* Returns the reference of what was made, or NULL with call->fault. NULL fn: not supported. */
    const struct wsman_ref *(*create)(struct firmware_call *call,
                                      const struct wsman_instance *instance);
    void (*remove)(struct firmware_call *call, const struct wsman_instance *instance);
    /* The selectors of a Delete name something else than an instance of the class: remove gets the
     * first instance and reads call->request->selectors (wsman.md 4.9). */
    bool removes_by_selectors;
    const struct firmware_method *methods; /* ends with a NULL name */
};

/*
 * A part of the model: it owns one struct behind a pointer in struct firmware, and the behaviour of
 * the classes that show and change it.
 */
struct firmware_part {
    const char *name;                                /* key in the state file */
    enum amt_err (*init)(struct firmware *firmware); /* factory state; fw->… is made here */
    void (*fini)(struct firmware *firmware);         /* after a failed init too */
    /* Full (or partial) unprovisioning: back to what wsman.md 5.3 says. NULL: nothing changes. */
    void (*unprovision)(struct firmware *firmware, bool is_partial);
    /* After Setup or AdminSetup succeeded. NULL: nothing. */
    void (*activated)(struct firmware *firmware);
    /* What must outlive a power cut; NULL: nothing. A new reference, NULL without memory. */
    json_t *(*save)(struct firmware *firmware);
    /* Over the factory state. AMT_ECONFIG with diag for what save cannot have written. */
    enum amt_err (*load)(struct firmware *firmware, const json_t *state, struct amt_diag *diag);
    const struct firmware_behaviour *behaviours; /* ends with a NULL class_name */
};
extern const struct firmware_part *const k_firmware_parts[]; /* parts.c; ends with NULL */

struct provisioning;  /* provisioning.h: state, control mode, realm, nonce, host based setup */
struct users;         /* users.h: admin, $$OsAdmin, ACL entries */
struct power;         /* power.h: host power state, host simulation */
struct boot;          /* boot.h: one-time boot settings and source */
struct alarms;        /* alarms.h */
struct consent;       /* consent.h: opt-in, redirection and KVM settings */
struct keys;          /* keys.h: certificates and key pairs */
struct device_tls;    /* tls_settings.h: the two interfaces, credential context, live contexts */
struct remote_access; /* remote_access.h: MPS entries, policies, environment detection, proxies */
struct network;       /* network.h: ports, wireless profiles, 802.1X */
struct clock_state;   /* clock.h */
struct event_log;     /* event_log.h */
struct audit_log;     /* audit_log.h */
struct subscriptions; /* subscriptions.h: WS-Eventing */
struct watchdogs;     /* watchdogs.h: agent presence */
struct settings;      /* settings.h: written values of plain properties */
struct web;           /* web.h: HTTP, digest, lockout */
struct system_defense;

struct firmware {
    struct loop *loop;
    struct log *log;
    const struct firmware_profile *profile;
    struct firmware_hooks hooks;
    struct uuid uuid;
    char uuid_text[UUID_TEXT_BYTES];
    struct amt_random random; /* identity and everything that decides an outcome */
    char *state_path;         /* NULL: nothing is kept */
    bool is_being_born;       /* it comes provisioned from its profile: parts keep what that says */
    bool is_dirty;            /* something changed since the last save */
    uint64_t message_counter;
    uint32_t enumeration_counter;
    struct loop_task save; /* at the end of a turn in which something changed */
    firmware_afterwards_fn *afterwards[FIRMWARE_AFTERWARDS_MAX]; /* in order, each once */
    uint32_t afterwards_count;
    struct timer afterwards_timer;

    struct settings *settings;
    struct provisioning *provisioning;
    struct users *users;
    struct clock_state *clock;
    struct power *power;
    struct boot *boot;
    struct alarms *alarms;
    struct consent *consent;
    struct keys *keys;
    struct device_tls *tls;
    struct remote_access *remote_access;
    struct network *network;
    struct event_log *event_log;
    struct audit_log *audit_log;
    struct subscriptions *subscriptions;
    struct watchdogs *watchdogs;
    struct system_defense *system_defense;
    struct web *web;
    struct enumerations *enumerations;
    struct firmware_exchange *deferred; /* methods that answer later */
};

/* The state has changed: it is on disk before the answer leaves, or the answer is InternalError. */
void firmware_changed(struct firmware *firmware);
/* Device time in Unix seconds (clock.c). */
uint64_t firmware_time_s(const struct firmware *firmware);
/* True for a release of at least major.minor as release number (1160). */
bool firmware_is_release(const struct firmware *firmware, uint32_t at_least);
/* Calls the unprovision function of all parts, in order, and listeners_changed. */
void firmware_unprovision(struct firmware *firmware, bool is_partial);
/* Instances of a class as a Get shows them, from any behaviour (associations read other classes). */
struct wsman_instance *firmware_instances(struct firmware_call *call, const char *class_name);
/* The one instance of a list whose properties equal the selectors (wsman.md 2.6); NULL. */
struct wsman_instance *firmware_select(struct wsman_instance *list,
                                       const struct wsman_selector *selectors);
/* Text of the key that tells instances of a class apart (InstanceID, Name, ...); "" for
 * classes of one instance. */
const char *firmware_instance_key(const struct wsman_instance *instance);
/* Whether a reference names the same class and has every selector that is wanted. */
bool firmware_ref_matches(const struct wsman_ref *have, const struct wsman_ref *want);
/* The reference to an instance: all keys in ASCII order (WSM-049). */
const struct wsman_ref *firmware_ref_to(struct firmware_call *call,
                                        const struct wsman_instance *instance);
/* Fresh instance with the scoping keys that its class has (CreationClassName, System…). */
struct wsman_instance *firmware_instance_new(struct firmware_call *call, const char *class_name);

#endif
