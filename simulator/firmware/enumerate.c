/* Enumerations: one page holds instances of one class (wsman.md 2.5). */
#include <stdio.h>
#include <string.h>

#include "simulator/firmware/exchange.h"

#define CONTEXTS_MAX        16u
#define CONTEXT_LIFETIME_US (60u * (uint64_t)US_PER_SECOND)
#define CONTEXT_BYTES       40
#define PAGE_MAX            999u

struct context {
    uint32_t number; /* 0: free */
    const struct class_description *description;
    uint32_t class_index; /* the next class to look at, in k_classes */
    uint32_t offset;      /* instances of it that were given out */
    uint64_t used_us;
};

struct enumerations {
    struct context contexts[CONTEXTS_MAX];
};

enum amt_err enumerations_init(struct firmware *firmware)
{
    /* Devices that were up for a while have counted: captures begin anywhere. */
    firmware->enumeration_counter = 0;
    return AMT_OK;
}

void enumerations_fini(struct firmware *firmware)
{
    amt_free(firmware->enumerations);
    firmware->enumerations = NULL;
}

/* "14000000-0000-0000-0000-000000000000" is number 20: the first four bytes, little endian. */
static void format_context(uint32_t number, char out[static CONTEXT_BYTES])
{
    (void)snprintf(out, CONTEXT_BYTES, "%02X%02X%02X%02X-0000-0000-0000-000000000000",
                   number & 0xffu, number >> 8 & 0xffu, number >> 16 & 0xffu, number >> 24);
}

/* A free place, or the one that was not used for longest. */
static struct context *place_for(struct firmware *firmware)
{
    if (firmware->enumerations == NULL) {
        firmware->enumerations = amt_alloc(sizeof *firmware->enumerations);
    }
    struct context *best = NULL;
    for (uint32_t i = 0; firmware->enumerations != NULL && i < CONTEXTS_MAX; i++) {
        struct context *c = &firmware->enumerations->contexts[i];
        if (c->number == 0) {
            return c;
        }
        if (best == NULL || c->used_us < best->used_us) {
            best = c;
        }
    }
    return best;
}

static struct context *find_context(struct firmware *firmware, const char *text)
{
    uint64_t now = loop_now_us(firmware->loop);
    for (uint32_t i = 0; firmware->enumerations != NULL && i < CONTEXTS_MAX; i++) {
        struct context *c = &firmware->enumerations->contexts[i];
        char name[CONTEXT_BYTES];
        format_context(c->number, name);
        if (c->number != 0 && strcmp(name, text) == 0) {
            if (now - c->used_us > CONTEXT_LIFETIME_US) {
                c->number = 0;
                return NULL;
            }
            return c;
        }
    }
    return NULL;
}

/* Memory for contexts is held only while there are some. */
static void release(struct firmware *firmware, struct context *context)
{
    context->number = 0;
    for (uint32_t i = 0; i < CONTEXTS_MAX; i++) {
        if (firmware->enumerations->contexts[i].number != 0) {
            return;
        }
    }
    enumerations_fini(firmware);
}

static bool has_filter(const struct firmware_call *call)
{
    const struct xml_node *body = call->request->body;
    return xml_child(body, NULL, "Filter") != NULL;
}

void firmware_enumerate(struct firmware_call *call, struct text *body)
{
    struct firmware *firmware = call->firmware;
    if (!firmware_may_read(call)) {
        return;
    }
    if (has_filter(call)) {
        (void)firmware_fault(call, WSMAN_FILTERING_NOT_SUPPORTED, NULL);
        return;
    }
    struct context *context = place_for(firmware);
    if (context == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, "AMT-STATUS 1");
        return;
    }
    firmware->enumeration_counter += firmware->enumeration_counter == UINT32_MAX ? 2 : 1;
    *context = (struct context){ .number = firmware->enumeration_counter,
                                 .description = call->description,
                                 .used_us = loop_now_us(firmware->loop) };
    char name[CONTEXT_BYTES];
    format_context(context->number, name);
    struct wsman_answer answer = firmware_answer(call, NULL);
    wsman_write_enumerate_answer(body, &answer, name);
}

/* Whether the class at index belongs to the enumeration: the class itself first, then what inherits
 * from it. Index 0 stands for the class itself. */
static const struct class_description *class_at(const struct context *context, uint32_t index)
{
    if (index == 0) {
        return context->description;
    }
    const struct class_description *description = &k_classes[index - 1];
    return context->description != NULL && description != context->description &&
                   class_is_a(description, context->description->name)
               ? description
               : NULL;
}

/* The next class that has instances, from context->class_index on; NULL at the end. */
static struct wsman_instance *next_page(struct firmware_call *call, struct context *context)
{
    for (; context->class_index <= k_class_count; context->class_index++, context->offset = 0) {
        const struct class_description *description = class_at(context, context->class_index);
        if (description == NULL) {
            continue;
        }
        struct wsman_instance *list = firmware_instances(call, description->name);
        for (uint32_t i = 0; list != NULL && i < context->offset; i++) {
            list = list->next;
        }
        if (list != NULL || call->fault != WSMAN_OK) {
            return list;
        }
    }
    return NULL;
}

/* Cuts the page at max; moves the context behind it. */
static void cut_page(struct context *context, struct wsman_instance *page, uint64_t max)
{
    uint64_t count = 1;
    while (page->next != NULL && count < max) {
        page = page->next;
        count += 1;
    }
    if (page->next != NULL) {
        page->next = NULL;
        context->offset += (uint32_t)count;
    } else {
        context->class_index += 1;
        context->offset = 0;
    }
}

void firmware_pull(struct firmware_call *call, struct text *body)
{
    struct firmware *firmware = call->firmware;
    struct context *context = find_context(firmware, call->request->enumeration_context);
    if (context == NULL || context->description != call->description) {
        (void)firmware_fault(call, WSMAN_INVALID_ENUMERATION_CONTEXT, NULL);
        return;
    }
    if (!firmware_may_read(call)) {
        return;
    }
    uint64_t max = call->request->max_elements;
    struct wsman_instance *page = next_page(call, context);
    if (page != NULL) {
        cut_page(context, page, max == 0 || max > PAGE_MAX ? PAGE_MAX : max);
    }
    bool has_more = page != NULL && call->fault == WSMAN_OK && next_page(call, context) != NULL;
    char name[CONTEXT_BYTES];
    format_context(context->number, name);
    context->used_us = loop_now_us(firmware->loop);
    if (!has_more) {
        release(firmware, context);
    }
    if (call->fault == WSMAN_OK) {
        struct wsman_answer answer = firmware_answer(call, page == NULL ? NULL : page->class_name);
        wsman_write_pull_answer(body, &answer, page, has_more ? name : NULL);
    }
}

void firmware_release(struct firmware_call *call, struct text *body)
{
    struct context *context = find_context(call->firmware, call->request->enumeration_context);
    if (context == NULL) {
        (void)firmware_fault(call, WSMAN_INVALID_ENUMERATION_CONTEXT, NULL);
        return;
    }
    release(call->firmware, context);
    struct wsman_answer answer = firmware_answer(call, NULL);
    wsman_write_empty_answer(body, &answer);
}
