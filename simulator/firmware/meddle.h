/*
 * For scenarios: somebody between the web server and its clients who may change, hold or swallow what
 * passes. A device without one behaves as its profile says.
 */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_MEDDLE_H
#define AMTLAB_SIMULATOR_FIRMWARE_MEDDLE_H

#include "base/text.h"
#include "simulator/firmware/firmware.h"

/* One request, or the answer to it. */
struct firmware_passing {
    bool is_answer;
    bool is_wsman;          /* carries an envelope */
    const char *target;     /* "/wsman" */
    const char *class_name; /* "" unless the request is an envelope */
    const char *operation;  /* "Get", "Pull", or a method's name; "" */
    const char *message_id; /* "" */
    int status;             /* of an answer */
    struct text *bytes; /* an answer, head and body: may be changed. A request: empty; what is put
                                 there is answered, and the request is not carried out */
    /* What shall happen. */
    uint64_t delay_us; /* before it goes on */
    bool is_dropped;   /* no answer ever; a request is not carried out */
    bool hangs_up; /* the connection ends: after the answer, or instead of one if it is dropped */
};
typedef void firmware_meddle_fn(void *ctx, struct firmware_passing *passing);
/* fn NULL: nobody. */
void firmware_set_meddler(struct firmware *firmware, firmware_meddle_fn *fn, void *ctx);

#endif
