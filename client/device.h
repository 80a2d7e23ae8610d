/*
 * What all operations of operators share: one device, asked call by call. Each runs the loop until it
 * is done, so they are for programs that do one thing, not for callbacks. Those that return bool have
 * succeeded with true; otherwise device->outcome says what went wrong.
 */
#ifndef AMTLAB_CLIENT_DEVICE_H
#define AMTLAB_CLIENT_DEVICE_H

#include "client/wsman.h"

struct client_device {
    struct wsman_client *client;
    struct arena *arena;          /* of all results */
    struct wsman_outcome outcome; /* of the last call */
};

/* key NULL: no selector. NULL when it failed. */
struct wsman_instance *client_get(struct client_device *device, const char *class_name,
                                  const char *key, const char *value);
/* False when it failed; *items NULL when there are none. */
bool client_enumerate(struct client_device *device, const char *class_name,
                      struct wsman_instance **items);
bool client_put(struct client_device *device, const char *class_name, const char *key,
                const char *value, const struct wsman_instance *instance);
bool client_delete(struct client_device *device, const char *class_name, const char *key,
                   const char *value);
/* input NULL: none. False also for a ReturnValue that is not 0. */
bool client_invoke(struct client_device *device, const char *class_name, const char *method,
                   const struct wsman_instance *input);
/* A new <Method>_INPUT; NULL without memory (setting on NULL is harmless, invoking then fails). */
struct wsman_instance *client_input(struct client_device *device);
/* Whether the last call failed because the device has no such class or object (FF-110, FF-116). */
bool client_is_absent(const struct client_device *device);
/* An error of our own into the outcome; returns false. */
bool client_fail(struct client_device *device, enum wsman_result result, const char *format, ...)
    AMT_PRINTF(3, 4);

#endif
