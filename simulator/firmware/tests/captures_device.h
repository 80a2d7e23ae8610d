/* A device for the tests against captures: asked over HTTP, from the network, as admin. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_DEVICE_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_CAPTURES_DEVICE_H

#include "base/arena.h"
#include "base/text.h"
#include "simulator/firmware/firmware.h"

#define CAPTURES_DATA "simulator/firmware/tests/data"

struct captures_device {
    struct loop *loop;
    struct log *log;
    struct firmware *firmware;
    struct arena arena;
    /* The last answer: as it came, and its parts. */
    struct text raw;
    int status;
    const char *head, *body; /* in arena; the body without chunk framing */
    bool is_closed;          /* by the device, after the answer */
    struct stream *stream;
    char challenge[512];
    uint32_t nc;
    bool has_trouble; /* a preparing call was not answered with 0; told on stderr */
};

/* A profile from the base data and, over it, YAML text for its `firmware:` section ("" for none). */
struct captures_profile {
    struct firmware_config config;
    struct yaml_document *document;
    struct firmware_profile *profile;
};
/* Fails the test when there are errors. */
void captures_profile_init(struct captures_profile *profile, const char *yaml);
void captures_profile_fini(struct captures_profile *profile);
void captures_device_init(struct captures_device *device, const struct captures_profile *profile);
void captures_device_fini(struct captures_device *device);
/* Sends bytes on a new connection and collects what comes until the device is silent. */
void captures_send(struct captures_device *device, const char *bytes, size_t len);
/* POST /wsman with digest; answers the challenge when there is one. Returns the status. */
int captures_post(struct captures_device *device, const char *envelope);
/* Value of a header of the last answer, in the arena; NULL. */
const char *captures_header(struct captures_device *device, const char *name);

/* The next message id, and an envelope in the arena. body: inner XML, class namespace as prefix p;
 * selectors: inner XML of the selector set, NULL for none. */
const char *captures_envelope(struct captures_device *device, const char *action,
                              const char *class_name, const char *message_id, const char *selectors,
                              const char *body);
/* A method call with input parameters (inner XML, prefix p); anything but ReturnValue 0 is trouble. */
void captures_call(struct captures_device *device, const char *class_name, const char *method,
                   const char *selectors, const char *parameters);
/* Lets virtual time pass. */
void captures_wait(struct captures_device *device, uint64_t us);
/* The whole of a file below the data folder. */
char *captures_file(struct arena *arena, const char *name);

#endif
