/* The example files of data/, for the tests of setup.bin. */
#ifndef AMTLAB_PROTOCOL_SETUPBIN_TESTS_FILES_H
#define AMTLAB_PROTOCOL_SETUPBIN_TESTS_FILES_H

#include "protocol/setupbin/variables.h"

#define SETUPBIN_FILE_MAX 4096u

/* Reads data/<name>; fails the test when it is not there. Returns its size. */
uint32_t setupbin_read_file(const char *name, uint8_t out[static SETUPBIN_FILE_MAX]);
/* Decodes the header and the record `index` of data/<name>; fails the test when they do not decode. */
void setupbin_open_file(const char *name, uint32_t index, struct setupbin_header *header,
                        struct setupbin_record *record);

#endif
