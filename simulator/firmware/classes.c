#include "simulator/firmware/classes.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *key, const void *item)
{
    const struct class_description *description = item;
    return strcmp(key, description->name);
}

const struct class_description *class_find(const char *name)
{
    return bsearch(name, k_classes, k_class_count, sizeof k_classes[0], by_name);
}

const struct class_property *class_property_find(const struct class_description *description,
                                                 const char *name)
{
    for (uint32_t i = 0; i < description->property_count; i++) {
        if (strcmp(description->properties[i].name, name) == 0) {
            return &description->properties[i];
        }
    }
    return NULL;
}

const struct class_method *class_method_find(const struct class_description *description,
                                             const char *name)
{
    for (uint32_t i = 0; i < description->method_count; i++) {
        if (strcmp(description->methods[i].name, name) == 0) {
            return &description->methods[i];
        }
    }
    return NULL;
}

bool class_is_a(const struct class_description *a, const char *b)
{
    while (a != NULL && strcmp(a->name, b) != 0) {
        a = class_find(a->super);
    }
    return a != NULL;
}
