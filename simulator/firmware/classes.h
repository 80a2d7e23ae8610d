/* The classes of AMT as data: generated at build time from data/classes.yaml. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_CLASSES_H
#define AMTLAB_SIMULATOR_FIRMWARE_CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wsman/names.h"

enum class_type {
    TYPE_STRING,
    TYPE_BOOLEAN,
    TYPE_UINT8,
    TYPE_UINT16,
    TYPE_UINT32,
    TYPE_UINT64,
    TYPE_SINT8,
    TYPE_SINT16,
    TYPE_SINT32,
    TYPE_SINT64,
    TYPE_REAL64,
    TYPE_DATETIME,
    TYPE_BASE64,
    TYPE_HEX,
    TYPE_REF,
    TYPE_EMBEDDED
};

/* A property of a class, or a parameter of a method. */
struct class_property {
    const char *name;
    enum class_type type;
    bool is_array, is_key;
    bool is_required;     /* in a Put or a call */
    bool is_secret;       /* never read back */
    bool is_writable;     /* clients change it through Put */
    const char *embedded; /* class of TYPE_EMBEDDED */
};
struct class_method {
    const char *name;
    const struct class_property *in, *out; /* out without ReturnValue */
    uint32_t in_count, out_count;
};
struct class_description {
    const char *name;
    const char *super;          /* "" */
    uint8_t priority;           /* 0, 1, 2 */
    uint32_t since, removed_in; /* release * 100 + minor * 10: 1160 is 11.6; 0 = always, never */
    bool is_singleton;          /* one instance */
    bool declares_common;
    uint32_t operations;                     /* bit (1 << enum wsman_operation) */
    const struct class_property *properties; /* ASCII order */
    uint32_t property_count;
    const struct class_method *methods;
    uint32_t method_count;
};

/* All classes in ASCII order of their names. */
extern const struct class_description k_classes[];
extern const uint32_t k_class_count;

const struct class_description *class_find(const char *name);
const struct class_property *class_property_find(const struct class_description *description,
                                                 const char *name);
const struct class_method *class_method_find(const struct class_description *description,
                                             const char *name);
/* Whether a is b or inherits from it. */
bool class_is_a(const struct class_description *a, const char *b);

#endif
