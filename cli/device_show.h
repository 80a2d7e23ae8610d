/* `amtlab device show`: what a device with a state folder has become. */
#ifndef AMTLAB_CLI_DEVICE_SHOW_H
#define AMTLAB_CLI_DEVICE_SHOW_H

#include "simulator/device.h"

/* Prints instances of the classes (none: the most asked for) of the device in config's state folder.
 * uuid NULL: the only one there. Returns an enum cli_exit. */
int cli_device_show(struct device_config *config, const char *uuid, int class_count,
                    char **class_names);
/* The device of the state folder that uuid names, NULL: the only one there, into config. CLI_OK, or an
 * exit code with a line on standard error. may_be_new: with a uuid, there need not be one yet. */
int cli_device_choose(const char *command, struct device_config *config, const char *uuid,
                      bool may_be_new);
/* It is looked at, not run: no ports of its own, no setup file. */
void cli_device_keep_still(struct device_config *config);

#endif
