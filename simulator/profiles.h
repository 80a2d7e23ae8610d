/* Profiles: YAML files that extend each other, from disk or from inside the program. */
#ifndef AMTLAB_SIMULATOR_PROFILES_H
#define AMTLAB_SIMULATOR_PROFILES_H

#include "simulator/device.h"

/* Binds a profile and what it extends over config. name_or_path: a file, or the name of a built-in
 * profile ("amt-16.1"). The documents go to config, which frees them. AMT_ECONFIG with errors. */
enum amt_err profile_overlay(const char *name_or_path, struct device_config *config,
                             struct amt_diag_list *errors) AMT_MUST_USE;
/* Binds one map (`firmware.instances` of several maps add up) over config; the caller keeps the map. */
enum amt_err profile_overlay_map(const struct yaml_node *map, const char *path,
                                 struct device_config *config,
                                 struct amt_diag_list *errors) AMT_MUST_USE;
/* The built-in profile at an index: its name, and its summary in out (cut to cap). False after the
 * last. */
bool profile_builtin(uint32_t index, const char **name, char *summary, size_t cap);

#endif
