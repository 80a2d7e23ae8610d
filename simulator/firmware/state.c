/* The state of a device as one JSON file, replaced as a whole: a power cut leaves the old or the new. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "simulator/firmware/exchange.h"

#define STATE_FORMAT 1

static json_t *collect(struct firmware *firmware)
{
    json_t *root = json_object();
    bool is_good =
        root != NULL &&
        json_object_set_new(root, "amtlab-device-state", json_integer(STATE_FORMAT)) == 0 &&
        json_object_set_new(root, "uuid", json_string(firmware->uuid_text)) == 0;
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        json_t *state = is_good && (*part)->save != NULL ? (*part)->save(firmware) : NULL;
        if (is_good && (*part)->save != NULL) {
            is_good = state != NULL && json_object_set_new(root, (*part)->name, state) == 0;
        }
    }
    if (!is_good) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static enum amt_err write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t count = write(fd, text, len);
        if (count < 0 && errno != EINTR) {
            return AMT_ESYS;
        }
        if (count > 0) {
            text += count;
            len -= (size_t)count;
        }
    }
    return AMT_OK;
}

static void sync_folder(const char *path)
{
    char folder[512];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : (size_t)(slash - path);
    if (len >= sizeof folder) {
        return;
    }
    memcpy(folder, slash == NULL ? "." : path, len);
    folder[len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

/* Mode 0600: private keys and password hashes are in it. */
static enum amt_err replace_file(const char *path, const char *text, struct amt_diag *diag)
{
    struct text new_path = { 0 };
    text_printf(&new_path, "%s.new", path);
    int fd = open(text_chars(&new_path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    enum amt_err err = fd < 0 ? AMT_ESYS : write_all(fd, text, strlen(text));
    if (err == AMT_OK && fsync(fd) != 0) {
        err = AMT_ESYS;
    }
    int reason = errno;
    if (fd >= 0 && close(fd) != 0 && err == AMT_OK) {
        reason = errno;
        err = AMT_ESYS;
    }
    if (err == AMT_OK && rename(text_chars(&new_path), path) != 0) {
        reason = errno;
        err = AMT_ESYS;
    }
    if (err != AMT_OK) {
        (void)amt_diag_errno(diag, reason, "cannot write the device state %s", path);
        (void)unlink(text_chars(&new_path));
    } else {
        sync_folder(path);
    }
    text_fini(&new_path);
    return err;
}

enum amt_err firmware_state_save(struct firmware *firmware, struct amt_diag *diag)
{
    if (firmware->state_path == NULL) {
        firmware->is_dirty = false;
        return AMT_OK;
    }
    json_t *root = collect(firmware);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(root);
    if (text == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "no memory for the device state");
    }
    enum amt_err err = replace_file(firmware->state_path, text, diag);
    amt_wipe(text, strlen(text));
    free(text);
    if (err == AMT_OK) {
        firmware->is_dirty = false;
    }
    return err;
}

static enum amt_err take(struct firmware *firmware, const json_t *root, struct amt_diag *diag)
{
    const char *uuid = json_string_value(json_object_get(root, "uuid"));
    json_int_t format = json_integer_value(json_object_get(root, "amtlab-device-state"));
    if (format != STATE_FORMAT) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s is no device state of this version",
                            firmware->state_path);
    }
    if (uuid == NULL || strcmp(uuid, firmware->uuid_text) != 0) {
        return amt_diag_set(diag, AMT_ECONFIG, "%s belongs to the device %s", firmware->state_path,
                            uuid == NULL ? "?" : uuid);
    }
    for (const struct firmware_part *const *part = k_firmware_parts; *part != NULL; part++) {
        const json_t *state = json_object_get(root, (*part)->name);
        if (state != NULL && (*part)->load != NULL) {
            enum amt_err err = (*part)->load(firmware, state, diag);
            if (err != AMT_OK) {
                return amt_diag_while(diag, err, "reading %s", firmware->state_path);
            }
        }
    }
    return AMT_OK;
}

enum amt_err firmware_state_load(struct firmware *firmware, struct amt_diag *diag)
{
    json_error_t error;
    if (firmware->state_path == NULL || access(firmware->state_path, F_OK) != 0) {
        return AMT_OK; /* a new device */
    }
    json_t *root = json_load_file(firmware->state_path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        enum amt_err err = amt_diag_set(diag, AMT_ECONFIG, "%s", error.text);
        amt_diag_at(diag, firmware->state_path, error.line > 0 ? (uint32_t)error.line : 0,
                    error.column > 0 ? (uint32_t)error.column : 0);
        (void)amt_diag_hint(diag, "restore the file, or remove it to begin with a new device");
        return err;
    }
    enum amt_err err = take(firmware, root, diag);
    json_decref(root);
    return err;
}
