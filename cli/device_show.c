#include "cli/device_show.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli.h"

static const char *const k_default_classes[] = {
    "AMT_GeneralSettings",
    "AMT_SetupAndConfigurationService",
    "IPS_HostBasedSetupService",
    "CIM_AssociatedPowerManagementService",
    "AMT_BootSettingData",
    "AMT_EthernetPortSettings",
    "AMT_TLSSettingData",
    "AMT_PublicKeyCertificate",
    "AMT_ManagementPresenceRemoteSAP",
    "AMT_RemoteAccessPolicyRule",
    "AMT_EnvironmentDetectionSettingData",
    "AMT_MessageLog",
    "AMT_AuditLog",
};

/* The UUID of a state file's name; false for other files. */
static bool uuid_of_file(const char *name, char out[static UUID_TEXT_BYTES])
{
    struct uuid uuid;
    size_t len = strlen(name);
    if (len != UUID_TEXT_BYTES - 1 + 5 || strcmp(name + len - 5, ".json") != 0) {
        return false;
    }
    memcpy(out, name, UUID_TEXT_BYTES - 1);
    out[UUID_TEXT_BYTES - 1] = '\0';
    return uuid_parse(out, &uuid) == AMT_OK;
}

/* Counts the devices in the folder; out gets the last one. */
static int count_devices(const char *folder, char out[static UUID_TEXT_BYTES])
{
    DIR *dir = opendir(folder);
    int count = 0;
    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL;
         entry = readdir(dir)) {
        count += uuid_of_file(entry->d_name, out) ? 1 : 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return count;
}

int cli_device_choose(const char *command, struct device_config *config, const char *uuid,
                      bool may_be_new)
{
    char found[UUID_TEXT_BYTES] = "";
    int count = count_devices(config->state_dir, found);
    if (uuid == NULL && count != 1) {
        (void)fprintf(stderr, "amtlab %s: %s has %d devices; name one with --uuid\n", command,
                      config->state_dir, count);
        return count == 0 ? CLI_NOTHING : CLI_USAGE;
    }
    amt_free(config->uuid);
    config->uuid = amt_strdup(uuid == NULL ? found : uuid);
    struct text path = { 0 };
    text_printf(&path, "%s/%s.json", config->state_dir, config->uuid == NULL ? "" : config->uuid);
    bool is_there = access(text_chars(&path), R_OK) == 0 || may_be_new;
    if (!is_there) {
        (void)fprintf(stderr, "amtlab %s: cannot read %s\n", command, text_chars(&path));
    }
    text_fini(&path);
    return is_there ? CLI_OK : CLI_ENVIRONMENT;
}

void cli_device_keep_still(struct device_config *config)
{
    amt_free(config->direct.address);
    amt_free(config->setup_file);
    amt_free(config->dhcp.interface);
    config->direct.address = NULL;
    config->setup_file = NULL;
    config->dhcp.interface = NULL;
}

static int print_classes(struct firmware *firmware, int count, char **names)
{
    struct text out = { 0 };
    int result = CLI_OK;
    for (int i = 0; i < count; i++) {
        if (firmware_show(firmware, names[i], &out) == AMT_EUNKNOWN) {
            (void)fprintf(stderr, "amtlab device show: the device has no class \"%s\"\n", names[i]);
            result = CLI_INVALID;
        }
    }
    for (size_t i = 0; count == 0 && i < sizeof k_default_classes / sizeof k_default_classes[0];
         i++) {
        enum amt_err err = firmware_show(firmware, k_default_classes[i], &out);
        (void)err; /* an old release lacks some of them */
    }
    (void)fputs(text_chars(&out), stdout);
    text_fini(&out);
    return result;
}

int cli_device_show(struct device_config *config, const char *uuid, int class_count,
                    char **class_names)
{
    static const struct virtual_world k_world = { .seed = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    if (config->state_dir == NULL) {
        (void)fputs("amtlab device show: --state names the folder the device was kept in\n",
                    stderr);
        return CLI_USAGE;
    }
    int result = cli_device_choose("device show", config, uuid, false);
    if (result != CLI_OK) {
        return result;
    }
    struct loop *loop = loop_new_virtual(&k_world, &diag);
    struct log *log = loop == NULL ? NULL : log_new(loop);
    cli_device_keep_still(config);
    struct device *device = log == NULL ? NULL : device_new(loop, config, 1, 0, log, &diag);
    struct firmware *firmware = device == NULL ? NULL : device_firmware(device, &diag);
    result = firmware == NULL ? CLI_INVALID : print_classes(firmware, class_count, class_names);
    if (firmware == NULL) {
        (void)fputs("amtlab device show: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    device_free(device);
    log_free(log);
    loop_free(loop);
    return result;
}
