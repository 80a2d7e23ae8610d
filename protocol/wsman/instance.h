/*
 * Instances: what a WS-Management body carries. Properties are kept by name; a writer puts them in
 * the order of the wire (ASCII order of their names, wsman.md 2.4). Everything lives in one arena.
 */
#ifndef AMTLAB_PROTOCOL_WSMAN_INSTANCE_H
#define AMTLAB_PROTOCOL_WSMAN_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"
#include "protocol/wsman/xml.h"

enum wsman_value_kind {
    WSMAN_TEXT,     /* text */
    WSMAN_DATETIME, /* text in a Datetime child of the common namespace */
    WSMAN_INTERVAL, /* text in an Interval child */
    WSMAN_REF,      /* ref */
    WSMAN_EMBEDDED  /* embedded */
};

struct wsman_instance;
struct wsman_selector;

/* An endpoint reference. class_name "": the empty reference "default" of wsman.md 2.6. */
struct wsman_ref {
    const char *class_name;
    const struct wsman_selector *selectors;
};
struct wsman_selector {
    const char *name;
    const char *text;            /* NULL when the selector is a nested reference */
    const struct wsman_ref *ref; /* or NULL */
    const struct wsman_selector *next;
};

struct wsman_value {
    enum wsman_value_kind kind;
    const char *text;
    const struct wsman_ref *ref;
    const struct wsman_instance *embedded;
    const struct wsman_value *next; /* of an array */
};
struct wsman_property {
    const char *name;
    const char *ns; /* as received: namespace URI of the element; NULL for instances that we make */
    const struct wsman_value *values; /* NULL: an empty array, not written */
    struct wsman_property *next;
};
struct wsman_instance {
    struct arena *arena;
    const char *class_name; /* also "<Method>_INPUT" and "<Method>_OUTPUT" */
    struct wsman_property *first;
    bool failed; /* memory was short: what was set may be missing; test once at the end */
    struct wsman_instance *next; /* of a list */
};

/* NULL without memory. class_name is borrowed. All functions below take a NULL instance quietly. */
struct wsman_instance *wsman_instance_new(struct arena *arena, const char *class_name);
/* A copy whose properties can be changed without changing the original; values are shared. */
struct wsman_instance *wsman_instance_copy(struct arena *arena, const struct wsman_instance *from);

/* Setting replaces all values of the property; adding appends one. Names are borrowed (string
 * constants or texts that live as long as the arena), texts are copied. */
void wsman_set(struct wsman_instance *instance, const char *name, const char *text);
void wsman_set_u64(struct wsman_instance *instance, const char *name, uint64_t value);
void wsman_set_bool(struct wsman_instance *instance, const char *name, bool value);
void wsman_set_base64(struct wsman_instance *instance, const char *name, const void *bytes,
                      size_t len);
/* Unix time in seconds, written YYYY-MM-DDThh:mm:ssZ. */
void wsman_set_time(struct wsman_instance *instance, const char *name, uint64_t unix_seconds);
void wsman_set_interval(struct wsman_instance *instance, const char *name, const char *text);
/* ref is shared, not copied: it must live in the arena. */
void wsman_set_ref(struct wsman_instance *instance, const char *name, const struct wsman_ref *ref);
void wsman_set_values(struct wsman_instance *instance, const char *name,
                      const struct wsman_value *values);
void wsman_add(struct wsman_instance *instance, const char *name, const char *text);
void wsman_add_u64(struct wsman_instance *instance, const char *name, uint64_t value);
void wsman_add_ref(struct wsman_instance *instance, const char *name, const struct wsman_ref *ref);
void wsman_unset(struct wsman_instance *instance, const char *name);

/* Reading. The first text value (also of Datetime and Interval); NULL if there is none. */
const char *wsman_get(const struct wsman_instance *instance, const char *name);
/* All values, as a list; NULL. */
const struct wsman_value *wsman_get_values(const struct wsman_instance *instance, const char *name);
const struct wsman_ref *wsman_get_ref(const struct wsman_instance *instance, const char *name);
const struct wsman_instance *wsman_get_embedded(const struct wsman_instance *instance,
                                                const char *name);
/* Whole decimal number; fallback if absent or no number (inputs were validated before). */
uint64_t wsman_get_u64(const struct wsman_instance *instance, const char *name, uint64_t fallback);
/* true, false, 1, 0, True, False (wsman.md 2.7). */
bool wsman_get_bool(const struct wsman_instance *instance, const char *name, bool fallback);
/* Decodes base64; *len gets the count. NULL if absent or not strict base64 (wsman.md 2.7). */
const uint8_t *wsman_get_base64(const struct wsman_instance *instance, const char *name,
                                size_t *len);
bool wsman_has(const struct wsman_instance *instance, const char *name);

/* A reference with `count` pairs of selector name and text: wsman_ref(arena, "CIM_ComputerSystem", 2,
 * "CreationClassName", "CIM_ComputerSystem", "Name", "ManagedSystem"). NULL without memory. */
const struct wsman_ref *wsman_ref_new(struct arena *arena, const char *class_name, uint32_t count,
                                      ...);
/* Text of a selector; NULL. ref may be NULL. */
const char *wsman_ref_selector(const struct wsman_ref *ref, const char *name);

/* Children of an element as an instance; kinds by their content: a Datetime or Interval child, an
 * Address or ReferenceParameters child (a reference), other children (embedded), else text. NULL
 * without memory. */
struct wsman_instance *wsman_instance_read(struct arena *arena, const struct xml_node *node);
/* A reference from an element that holds Address and ReferenceParameters, or from an
 * EndpointReference element. Any Address is accepted (WSM-048). NULL without memory. */
const struct wsman_ref *wsman_ref_read(struct arena *arena, const struct xml_node *node);
/* Children of a SelectorSet. *count gets how many. */
const struct wsman_selector *wsman_selectors_read(struct arena *arena,
                                                  const struct xml_node *selector_set);

/* Writes <prefix:Class>…</prefix:Class> as AMT does: properties in ASCII order unless `in_order`
 * (method outputs), no white space, no self-closed element. common is the prefix letter of the
 * common namespace, 0 if it is not declared: a datetime then declares it itself. */
void wsman_instance_write(struct text *out, const struct wsman_instance *instance, char prefix,
                          char common, bool in_order);
/* Address and ReferenceParameters, prefixes b and c as in every AMT envelope. */
void wsman_ref_write(struct text *out, const struct wsman_ref *ref);

#endif
