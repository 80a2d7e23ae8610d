/* Data files that travel inside the program: the profiles and the instances devices are born with. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_EMBEDDED_H
#define AMTLAB_SIMULATOR_FIRMWARE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *name; /* without folder and last suffix: "amt-16.1" */
    const char *text; /* 0-terminated */
    size_t len;
};
/* Both end with a NULL name. */
extern const struct embedded_file k_embedded_profiles[];
extern const struct embedded_file k_embedded_data[];

#endif
