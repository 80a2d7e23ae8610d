/* `amtlab setupbin apply`: one boot of a simulated device with the key in it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/device_show.h"
#include "cli/service.h"
#include "cli/setupbin.h"
#include "simulator/device.h"
#include "simulator/firmware/exchange.h"
#include "simulator/firmware/setup_file.h"

static int complain(const struct amt_diag *diag, int result)
{
    (void)fputs("amtlab setupbin: ", stderr);
    amt_diag_print(diag, stderr);
    return result;
}

static int exit_of(enum amt_err err)
{
    switch ((int)err) {
    case AMT_OK:
        return CLI_OK;
    case AMT_EMALFORMED:
        return CLI_INVALID;
    case AMT_ESYS:
        return CLI_ENVIRONMENT;
    case AMT_ENOMEM:
        return CLI_INTERNAL;
    default:
        return CLI_FAILED;
    }
}

static int boot(struct firmware *firmware, const char *path)
{
    struct setup_file_result result;
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = setup_file_insert(firmware, path, &result, &diag);
    if (err == AMT_OK) {
        (void)printf("record %u of %s is applied%s\n", result.record, path,
                     result.is_file_changed ? " and used up" : "");
    }
    (void)fputs(text_chars(&result.story), stdout);
    setup_file_result_fini(&result);
    enum amt_err saved = firmware_state_save(firmware, &diag);
    if (err == AMT_OK && saved == AMT_OK) {
        return CLI_OK;
    }
    return complain(&diag, exit_of(err == AMT_OK ? saved : err));
}

static enum amt_err read_config(const struct setupbin_options *o, struct device_config *config)
{
    struct amt_diag_list errors = { .count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err = device_config_load(o->profile, NULL, NULL, config, &errors);
    if (err == AMT_OK) {
        err = config_set(device_config_keys, "state_dir", o->state, config, &diag);
    }
    if (err == AMT_OK) { /* a new one is as from the factory */
        err = config_set(device_config_keys, "firmware.control_mode", "none", config, &diag);
    }
    if (err == AMT_OK) {
        err = cli_apply_sets(device_config_keys, &o->sets, config, &diag);
    }
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    if (diag.text[0] != '\0') {
        (void)complain(&diag, CLI_INVALID);
    }
    return err;
}

static int boot_device(struct device_config *config, const char *path)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    struct loop *loop = loop_new_virtual(&k_world, &diag);
    struct log *log = loop == NULL ? NULL : log_new(loop);
    struct device *device = log == NULL ? NULL : device_new(loop, config, 1, 0, log, &diag);
    struct firmware *firmware = device == NULL ? NULL : device_firmware(device, &diag);
    int result = firmware == NULL ? complain(&diag, CLI_INVALID) : boot(firmware, path);
    device_free(device);
    log_free(log);
    loop_free(loop);
    return result;
}

int setupbin_apply(const struct setupbin_options *options, const char *path)
{
    struct device_config config = { .uuid = NULL };
    if (options->state == NULL) {
        (void)fputs("amtlab setupbin: apply wants --state, the folder the device is kept in\n",
                    stderr);
        return CLI_USAGE;
    }
    if (access(path, R_OK) != 0) { /* before a new device is made */
        (void)fprintf(stderr, "amtlab setupbin: cannot read %s\n", path);
        return CLI_ENVIRONMENT;
    }
    int result = CLI_INVALID;
    if (read_config(options, &config) == AMT_OK) {
        result = cli_device_choose("setupbin apply", &config, options->uuid, true);
    }
    if (result == CLI_OK) {
        cli_device_keep_still(&config);
        result = boot_device(&config, path);
    }
    device_config_fini(&config);
    return result;
}
