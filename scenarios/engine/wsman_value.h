/* WS-Management instances as values of the language, and back. */
#ifndef AMTLAB_SCENARIOS_ENGINE_WSMAN_VALUE_H
#define AMTLAB_SCENARIOS_ENGINE_WSMAN_VALUE_H

#include "client/wsman.h"
#include "scenarios/engine/value.h"

/* Properties by name: numbers and booleans as such, several values as a list, a reference as
 * { class, selectors }, an embedded instance as a map. NULL becomes null. */
struct value *wsman_value(struct arena *pool, const struct wsman_instance *instance);
struct value *wsman_value_of_ref(struct arena *pool, const struct wsman_ref *ref);

/*
 * The other way: a scalar is text, a list an array, and a map one of
 *   { ref: CLASS, selectors: { NAME: VALUE } }, { embedded: CLASS, values: { … } },
 *   { datetime: TEXT }, { interval: TEXT }.
 * Replaces what instance has of these names. False: *why (in pool) says what is wrong.
 */
bool wsman_value_apply(struct arena *pool, const struct value *values,
                       struct wsman_instance *instance, const char **why);
/* A map of names and texts (or { ref: … }) as selectors. */
bool wsman_value_selectors(struct arena *pool, const struct value *map,
                           const struct wsman_selector **out, const char **why);
/* Everything an outcome tells: result, status, body, items, count, classes, return_value, fault,
 * reason, detail, pulls, context, challenges, took_ms, error. */
struct value *wsman_value_of_outcome(struct arena *pool, const struct wsman_outcome *outcome);

#endif
