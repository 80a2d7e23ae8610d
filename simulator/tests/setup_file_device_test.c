/* A device that is started with a USB key in it (ACT-DEV-047). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/tests/world.h"

#define FILES AMTLAB_SOURCE_DIR "/protocol/setupbin/tests/data/"

static void start(struct world *w, const char *path)
{
    world_init(w, "amt-16.1");
    world_set(w, "setup_file", path);
    world_set(w, "firmware.control_mode", "none");
    world_listen(w, 4433);
    world_call(w);
}

static void the_device_starts_with_what_the_file_says(void **state)
{
    (void)state;
    static struct world w;
    start(&w, FILES "meshcentral-standard.bin");
    struct firmware *firmware = device_firmware(w.device, NULL);
    assert_string_equal(provisioning_suffix(firmware), "mc.example.com");
    assert_true(mebx_password_is(firmware, "N3wP@ss!", 8));
    assert_int_equal(world_count(&w, "setup_file.applied"), 1);
    assert_int_equal(world_count(&w, "record=1"), 1);
    assert_int_equal(world_count(&w, "N3wP@ss!"), 0);
    world_fini(&w);
}

static void a_refused_file_is_told_and_the_device_starts(void **state)
{
    (void)state;
    static struct world w;
    start(&w, FILES "v2-sha1.bin"); /* no SHA-1 on this release */
    struct firmware *firmware = device_firmware(w.device, NULL);
    assert_non_null(firmware);
    assert_true(mebx_password_is(firmware, "admin", 5));
    assert_int_equal(world_count(&w, "setup_file.refused"), 1);
    assert_int_equal(world_count(&w, "variable 2,8"), 1);
    world_fini(&w);
}

static void a_file_that_is_not_there_is_a_mistake_of_the_configuration(void **state)
{
    (void)state;
    struct device_config config = { .uuid = NULL };
    struct amt_diag diag = { .err = AMT_OK };
    static const struct virtual_world k_world = { .seed = 1 };
    struct loop *loop = loop_new_virtual(&k_world, NULL);
    struct log *log = log_new(loop);
    assert_int_equal(device_config_load(NULL, NULL, NULL, &config, NULL), AMT_OK);
    assert_int_equal(config_set(device_config_keys, "cira.to", "127.0.0.1:4433", &config, NULL),
                     AMT_OK);
    assert_int_equal(
        config_set(device_config_keys, "setup_file", "/nonexistent/setup.bin", &config, NULL),
        AMT_OK);
    assert_null(device_new(loop, &config, 1, 0, log, &diag));
    assert_non_null(strstr(diag.text, "/nonexistent/setup.bin"));
    device_config_fini(&config);
    log_free(log);
    loop_free(loop);
}

/* Two PCs, one after the other, with one file of two records. */
static void each_device_uses_up_a_record_of_the_file(void **state)
{
    (void)state;
    static struct world w;
    char folder[] = "/tmp/amtlab-key-XXXXXX", path[64];
    uint8_t bytes[2048];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/setup.bin", folder);
    FILE *from = fopen(FILES "v4-tworecords.bin", "rb"), *to = fopen(path, "wb");
    assert_true(from != NULL && to != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, from);
    assert_int_equal(fwrite(bytes, 1, len, to), len);
    assert_int_equal(fclose(from), 0);
    assert_int_equal(fclose(to), 0);
    static const char *const k_seen[] = { "record=1", "record=2", "2 are consumed" };
    for (size_t i = 0; i < 3; i++) {
        start(&w, path);
        assert_int_equal(world_count(&w, k_seen[i]), 1);
        world_fini(&w);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_starts_with_what_the_file_says),
        cmocka_unit_test(a_refused_file_is_told_and_the_device_starts),
        cmocka_unit_test(a_file_that_is_not_there_is_a_mistake_of_the_configuration),
        cmocka_unit_test(each_device_uses_up_a_record_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
