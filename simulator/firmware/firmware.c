#include "simulator/firmware/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "simulator/firmware/exchange.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/tls_settings.h"
#include "simulator/firmware/users.h"

static enum amt_err set_state_path(struct firmware *firmware, const char *dir,
                                   struct amt_diag *diag)
{
    struct text path = { 0 };
    if (dir == NULL) {
        return AMT_OK;
    }
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return amt_diag_errno(diag, errno, "cannot make the state folder %s", dir);
    }
    text_printf(&path, "%s/%s.json", dir, firmware->uuid_text);
    firmware->state_path = text_take(&path);
    return firmware->state_path == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err init_parts(struct firmware *firmware)
{
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        if ((*part)->init != NULL) {
            TRY((*part)->init(firmware));
        }
    }
    return AMT_OK;
}

/* Born provisioned, or waiting for it, unless the state file says what it has become. */
static enum amt_err be_born(struct firmware *firmware, struct amt_diag *diag)
{
    enum firmware_mode mode = (enum firmware_mode)firmware->profile->config.control_mode;
    if (provisioning_mode(firmware) == FIRMWARE_NOT_PROVISIONED &&
        mode != FIRMWARE_NOT_PROVISIONED) {
        firmware->is_being_born = true;
        provisioning_activate(firmware, mode);
        firmware->is_being_born = false;
        return AMT_OK;
    }
    TRY(mebx_be_born(firmware, diag));
    return firmware->profile->config.hello ? provisioning_start(firmware) : AMT_OK;
}

static enum amt_err start(struct firmware *firmware, const char *state_dir, struct amt_diag *diag)
{
    TRY(set_state_path(firmware, state_dir, diag));
    TRY(enumerations_init(firmware));
    TRY(web_init(firmware));
    TRY(init_parts(firmware));
    TRY(users_read_password_file(firmware, diag));
    bool is_new = firmware->state_path == NULL || access(firmware->state_path, F_OK) != 0;
    TRY(firmware_state_load(firmware, diag));
    if (is_new) {
        TRY(be_born(firmware, diag));
        return firmware_state_save(firmware, diag);
    }
    return AMT_OK;
}

static void save_state(void *ctx)
{
    struct firmware *firmware = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    if (firmware->is_dirty && firmware_state_save(firmware, &diag) != AMT_OK) {
        LOG(firmware->log, LOG_ERROR, "state.save_failed", log_text("uuid", firmware->uuid_text),
            log_text("reason", diag.text));
    }
}

struct firmware *firmware_new(struct loop *loop, const struct firmware_settings *settings,
                              struct amt_diag *diag)
{
    struct firmware *firmware = amt_alloc(sizeof *firmware);
    char purpose[48];
    if (firmware == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "no memory for a device");
        return NULL;
    }
    firmware->loop = loop;
    firmware->log = settings->log;
    firmware->profile = settings->profile;
    firmware->hooks = settings->hooks;
    firmware->uuid = settings->uuid;
    uuid_format(&firmware->uuid, firmware->uuid_text);
    (void)snprintf(purpose, sizeof purpose, "firmware %u", settings->index);
    amt_random_seed(&firmware->random, settings->seed, purpose);
    timer_init(&firmware->afterwards_timer, loop, firmware_run_afterwards, firmware);
    loop_task_init(&firmware->save, loop, save_state, firmware);
    enum amt_err err = start(firmware, settings->state_dir, diag);
    if (err != AMT_OK) {
        if (diag != NULL && diag->text[0] == '\0') {
            (void)amt_diag_set(diag, err, "a device could not be made: %s", amt_err_text(err));
        }
        firmware_free(firmware);
        return NULL;
    }
    return firmware;
}

void firmware_free(struct firmware *firmware)
{
    if (firmware == NULL) {
        return;
    }
    timer_stop(&firmware->afterwards_timer);
    web_fini(firmware); /* the doors first: what they hold refers to the parts */
    size_t count = 0;
    while (k_firmware_parts[count] != NULL) {
        count++;
    }
    while (count > 0) {
        const struct firmware_part *part = k_firmware_parts[--count];
        if (part->fini != NULL) {
            part->fini(firmware);
        }
    }
    firmware_exchanges_fini(firmware);
    enumerations_fini(firmware);
    loop_task_cancel(&firmware->save);
    amt_free(firmware->state_path);
    amt_free(firmware);
}

enum firmware_mode firmware_mode(const struct firmware *firmware)
{
    return provisioning_mode(firmware);
}

bool firmware_port_is_open(const struct firmware *firmware, uint32_t port, enum firmware_door door)
{
    const struct firmware_config *config = &firmware->profile->config;
    bool is_provisioned = provisioning_state(firmware) == PROVISIONING_POST;
    if (!mebx_amt_is_on(firmware)) {
        return false;
    }
    if (door != FIRMWARE_LOCAL && !is_provisioned) {
        return port == 16993 && provisioning_state(firmware) == PROVISIONING_IN; /* WSM-061 */
    }
    if (door != FIRMWARE_LOCAL && !provisioning_network_is_on(firmware)) {
        return false;
    }
    if (port == 16993) {
        return tls_settings_enabled(firmware, door);
    }
    if (port != 16992) {
        return false;
    }
    if (door == FIRMWARE_LOCAL && !config->plain_local_port) {
        return false;
    }
    if (door == FIRMWARE_NETWORK && !config->plain_network_port) {
        return false;
    }
    /* wsman.md 1.1: inside a tunnel every client uses the plain port. */
    return door == FIRMWARE_CIRA || tls_settings_plain_allowed(firmware, door);
}

void firmware_changed(struct firmware *firmware)
{
    firmware->is_dirty = true;
    if (firmware->state_path != NULL) {
        loop_task_post(&firmware->save); /* for what no request waits for: timers, the host */
    }
}

bool firmware_is_release(const struct firmware *firmware, uint32_t at_least)
{
    return firmware->profile->release >= at_least;
}

void firmware_unprovision(struct firmware *firmware, bool is_partial)
{
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        if ((*part)->unprovision != NULL) {
            (*part)->unprovision(firmware, is_partial);
        }
    }
    firmware_changed(firmware);
    if (firmware->hooks.listeners_changed != NULL) {
        firmware->hooks.listeners_changed(firmware->hooks.ctx);
    }
}

void firmware_reset(struct firmware *firmware)
{
    firmware_unprovision(firmware, false);
    struct amt_diag diag = { .err = AMT_OK };
    keys_hashes_reset(firmware);
    if (be_born(firmware, &diag) != AMT_OK) {
        LOG(firmware->log, LOG_WARN, "mebx.not_set", log_text("uuid", firmware->uuid_text),
            log_text("reason", diag.text));
    }
    save_state(firmware);
}
