/* Bytes of the input become one WS-Management request to a simulated device. */
#ifndef AMTLAB_FUZZ_WSMAN_WRITE_H
#define AMTLAB_FUZZ_WSMAN_WRITE_H

#include "base/text.h"
#include "simulator/firmware/classes.h"
#include "simulator/firmware/firmware_internal.h"

/* A reader of the input that gives zeros behind its end. */
struct pick {
    const uint8_t *at, *end;
};
uint8_t pick_u8(struct pick *pick);

struct made_request {
    struct text envelope;
    const struct class_description *description;
    enum wsman_operation operation;
};
/* One request: operation, class, selectors (keys of an instance that exists, or others), properties or
 * parameters, each with a value made for its type or for another. current: the instances of the class
 * now. */
void make_request(struct pick *pick, enum wsman_operation operation,
                  const struct class_description *description, const struct wsman_instance *current,
                  struct made_request *made);
/* A Put of what a Get shows, unchanged. */
void make_put_back(const struct wsman_instance *instance, struct text *envelope);

#endif
