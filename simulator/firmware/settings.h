/* Written values of plain properties: what differs from the profile, and nothing else. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_SETTINGS_H
#define AMTLAB_SIMULATOR_FIRMWARE_SETTINGS_H

#include "simulator/firmware/firmware_internal.h"

extern const struct firmware_part k_settings_part;
/* Puts the written values over an instance of the profile; key: text of the distinguishing key
 * property ("" for singletons). */
void settings_apply(const struct firmware *firmware, struct wsman_instance *instance,
                    const char *key);
/* Keeps what differs between old and changed. AMT_ENOMEM. */
enum amt_err settings_keep(struct firmware *firmware, const struct wsman_instance *old,
                           const struct wsman_instance *changed, const char *key) AMT_MUST_USE;
/* Typed access for parts: value kept or NULL. */
const char *settings_get(const struct firmware *firmware, const char *class_name, const char *key,
                         const char *property);
enum amt_err settings_set(struct firmware *firmware, const char *class_name, const char *key,
                          const char *property, const char *value) AMT_MUST_USE;

#endif
