/* A device in the virtual world, asked by envelopes as a management server sends them. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_POWER_RIG_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_POWER_RIG_H

#include "simulator/firmware/firmware_internal.h"

struct power_rig {
    struct loop *loop;
    struct yaml_document *document;
    struct firmware_config config;
    struct firmware_profile *profile;
    struct firmware *firmware;
    struct firmware_settings settings;
    struct arena arena;
    char state_dir[40]; /* "": nothing is kept */
    enum firmware_door door;
    int status;                  /* HTTP, of the last answer */
    const struct xml_node *body; /* Body of it */
    struct log *log;
    char power_events[200]; /* of power.changed and power.boot: "s0-s5 pxe s5-s0" */
    char kvm_messages[60];  /* to the console; "()" for one that the host has read */
    uint32_t host_changes, ended_sessions, listener_changes;
};

/* What has no value answers this. */
#define RIG_FAULT UINT64_MAX

/* yaml: keys of `firmware:`; power_delay is 2 s and boot 10 s unless said there. */
void power_rig_start(struct power_rig *rig, const char *yaml);
/* The same with a state folder of its own, which a restart finds again. */
void power_rig_start_kept(struct power_rig *rig, const char *yaml);
/* Power cut: a new device from what is on disk. */
void power_rig_restart(struct power_rig *rig);
void power_rig_stop(struct power_rig *rig);

void power_rig_advance(struct power_rig *rig, uint64_t seconds);
/* Operations; body texts are XML with prefix r for the namespace of the class. */
void power_rig_get(struct power_rig *rig, const char *class_name);
/* Value of a property of the last answer, "" if it is absent; power_rig_read does the Get too. */
const char *power_rig_value(const struct power_rig *rig, const char *property);
const char *power_rig_read(struct power_rig *rig, const char *class_name, const char *property);
/* All values of an array, blanks between. */
const char *power_rig_list(struct power_rig *rig, const char *class_name, const char *property);
/* selectors: XML of Selector elements with prefix w, or "". True with 200. */
bool power_rig_put(struct power_rig *rig, const char *class_name, const char *selectors,
                   const char *properties);
/* Get, then a Put of the whole object with one property changed, as MeshCentral does it; property NULL:
 * as it was. */
bool power_rig_put_back(struct power_rig *rig, const char *class_name, const char *property,
                        const char *value);
bool power_rig_delete(struct power_rig *rig, const char *class_name, const char *selectors);
/* ReturnValue, or RIG_FAULT. */
uint64_t power_rig_call(struct power_rig *rig, const char *class_name, const char *method,
                        const char *selectors, const char *parameters);
/* A method (NULL: Put) with the k-th allocation failing, for all k until it succeeds. undo (NULL) takes
 * back what was done although it could not be kept. */
void power_rig_starve(struct power_rig *rig, const char *class_name, const char *method,
                      const char *parameters, void (*undo)(struct firmware *firmware));
/* Items of an enumeration, as many Pulls as it takes; how many. The last answer is the last page. */
uint32_t power_rig_count(struct power_rig *rig, const char *class_name);
/* Subcode and detail of the last fault, "" without one. */
const char *power_rig_fault(const struct power_rig *rig);
const char *power_rig_detail(const struct power_rig *rig);

/* RequestPowerStateChange as every client sends it. */
uint64_t power_rig_request(struct power_rig *rig, uint32_t state);
/* ChangeBootOrder; source NULL: none. */
uint64_t power_rig_boot_source(struct power_rig *rig, const char *source);
uint64_t power_rig_boot_role(struct power_rig *rig, uint32_t role);

#endif
