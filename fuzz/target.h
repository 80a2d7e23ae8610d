/* The entry point that every fuzz target has; -Wmissing-prototypes wants a declaration. */
#ifndef AMTLAB_FUZZ_TARGET_H
#define AMTLAB_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An oracle: what must hold for every input. */
#define FUZZ_REQUIRE(condition) \
    do {                        \
        if (!(condition)) {     \
            __builtin_trap();   \
        }                       \
    } while (0)

#endif
