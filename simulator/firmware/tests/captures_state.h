/* What was true of the device, and what it was asked, when an answer was captured. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_STATE_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_STATE_H

#include "simulator/firmware/tests/captures_compare.h"
#include "simulator/firmware/tests/captures_device.h"

struct captures_case {
    const char *file; /* "Class/operation.xml", or "Class/" for all of the class */
    /* Brings the device into the state of the capture, by what clients send. */
    void (*prepare)(struct captures_device *device, const struct written *capture);
    bool is_made;          /* prepare makes the instances: the profile has none of them */
    const char *selectors; /* inner XML of the selector set */
    const char *body;      /* method: inner XML of the input; Put and Create: the body */
    /* Instead of body, when it has to be made; lives in the device's arena. */
    const char *(*make_body)(struct captures_device *device);
};
/* The most exact case for a file; NULL: a device as it is born, and no arguments. */
const struct captures_case *captures_case_of(const char *file);
/* Keys of the `firmware:` section, as YAML lines, that the captured device needs; "". */
const char *captures_settings(const char *file);

#endif
