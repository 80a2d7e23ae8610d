/* `amtlab device show`: what a device with a state folder has become. */
#ifndef AMTLAB_CLI_DEVICE_SHOW_H
#define AMTLAB_CLI_DEVICE_SHOW_H

#include "simulator/device.h"

/* Prints instances of the classes (none: the most asked for) of the device in config's state folder.
 * uuid NULL: the only one there. Returns an enum cli_exit. */
int cli_device_show(struct device_config *config, const char *uuid, int class_count,
                    char **class_names);

#endif
