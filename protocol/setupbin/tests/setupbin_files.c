#include "protocol/setupbin/tests/setupbin_files.h"

#include <stdio.h>

#include "base/unit.h"

uint32_t setupbin_read_file(const char *name, uint8_t out[static SETUPBIN_FILE_MAX])
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/protocol/setupbin/tests/data/%s", AMTLAB_SOURCE_DIR,
                   name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, SETUPBIN_FILE_MAX, file);
    (void)fclose(file);
    assert_true(len > 0 && len < SETUPBIN_FILE_MAX);
    return (uint32_t)len;
}

void setupbin_open_file(const char *name, uint32_t index, struct setupbin_header *header,
                        struct setupbin_record *record)
{
    uint8_t in[SETUPBIN_FILE_MAX];
    struct setupbin_fault fault;
    uint32_t len = setupbin_read_file(name, in);
    assert_int_equal(setupbin_decode_header(in, len, header, &fault), AMT_OK);
    assert_int_equal(setupbin_decode_record(in, len, header, index, record, &fault), AMT_OK);
}
