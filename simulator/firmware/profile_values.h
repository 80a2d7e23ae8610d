/* Instances in YAML: { Property: text | [texts] | { datetime: … } | { interval: … } | { ref: Class,
 * selectors: { … } } }. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_PROFILE_VALUES_H
#define AMTLAB_SIMULATOR_FIRMWARE_PROFILE_VALUES_H

#include "base/diag.h"
#include "protocol/wsman/instance.h"
#include "runtime/yaml.h"
#include "simulator/firmware/classes.h"

/* Reads a list of instances of a class into the arena. AMT_ECONFIG with errors for unknown properties
 * and values of the wrong type; AMT_ENOMEM. */
enum amt_err profile_instances_read(struct arena *arena,
                                    const struct class_description *description,
                                    const struct yaml_node *list, const char *path,
                                    const struct wsman_instance **instances,
                                    struct amt_diag_list *errors) AMT_MUST_USE;

#endif
