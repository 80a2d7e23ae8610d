#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "runtime/capture_internal.h"
#include "runtime/pcapng.h"

#define SUFFIX ".pcapng"

#define AT(member) offsetof(struct capture_config, member)

const struct config_key capture_config_keys[] = {
    { "file", CONFIG_TEXT, AT(path), NULL,
      "pcapng file for all sessions, or a folder (ends with /) with a file for each device",
      .names = NULL },
    { "size", CONFIG_SIZE, AT(file_bytes), "16MiB", "a new file is begun above; 0 = never",
      .names = NULL },
    { "files", CONFIG_U32, AT(files), "8", "files kept of each name; older ones are removed",
      .min = 1, .max = 1000 },
    { "secrets", CONFIG_BOOL, AT(keeps_secrets), "false",
      "keep passwords, digest answers and keys instead of writing * over them", .names = NULL },
    { .name = NULL },
};

static char *taken(struct text *text)
{
    char *chars = text_take(text);
    text_fini(text);
    return chars;
}

static void failed(struct capture_file *file, int error)
{
    struct text text = { 0 };
    text_printf(&text, "%s: no more is captured there", strerror(error));
    LOG(file->capture->log, LOG_ERROR, "capture.failed", log_text("path", file->path),
        log_text("text", text_chars(&text)));
    text_fini(&text);
    if (file->out != NULL) {
        (void)fclose(file->out);
        file->out = NULL;
    }
}

/* NAME.pcapng -> NAME.number.pcapng */
static char *numbered(const struct capture_file *file, uint32_t number)
{
    struct text path = { 0 };
    size_t len = strlen(file->path);
    size_t suffix = strlen(SUFFIX);
    bool has_suffix = len > suffix && strcmp(file->path + len - suffix, SUFFIX) == 0;
    text_append(&path, file->path, has_suffix ? len - suffix : len);
    text_printf(&path, ".%u%s", number, has_suffix ? SUFFIX : "");
    return taken(&path);
}

/* Makes room under the newest name; the oldest file goes. */
static void shift_files(struct capture_file *file)
{
    uint32_t last = file->capture->files - 1;
    char *to = last == 0 ? NULL : numbered(file, last);
    for (uint32_t number = last; number > 0; number--) {
        char *from = number == 1 ? amt_strdup(file->path) : numbered(file, number - 1);
        if (from != NULL && to != NULL) {
            (void)rename(from, to); /* those that are not there yet need no move */
        }
        amt_free(to);
        to = from;
    }
    amt_free(to);
}

static void begin_file(struct capture_file *file)
{
    struct bytes head = { 0 };
    struct stat there;
    if (stat(file->path, &there) == 0 && there.st_size > 0) {
        shift_files(file);
    }
    mode_t old_mask = umask(077);
    file->out = fopen(file->path, "we");
    int error = errno;
    (void)umask(old_mask);
    if (file->out == NULL) {
        failed(file, error);
        return;
    }
    file->bytes = 0;
    const char *note = file->capture->keeps_secrets
                           ? "APF above TLS; IP and TCP headers are made up. Secrets are in here."
                           : "APF above TLS; IP and TCP headers are made up. Secrets are "
                             "overwritten with *.";
    if (pcapng_write_section(&head, file->capture->program, note) == AMT_OK &&
        pcapng_write_interface(&head, PCAPNG_LINK_RAW, "apf") == AMT_OK) {
        capture_file_write(file, &head, false);
    }
    bytes_fini(&head);
    LOG(file->capture->log, LOG_INFO, "capture.started", log_text("path", file->path));
}

void capture_file_write(struct capture_file *file, const struct bytes *blocks, bool is_boundary)
{
    struct capture *capture = file->capture;
    if (file->out == NULL || blocks->len == 0) {
        return;
    }
    if (is_boundary && capture->file_bytes != 0 && file->bytes >= capture->file_bytes) {
        (void)fclose(file->out);
        begin_file(file);
        if (file->out == NULL) {
            return;
        }
    }
    if (fwrite(bytes_front(blocks), 1, blocks->len, file->out) != blocks->len) {
        failed(file, errno);
        return;
    }
    file->bytes += blocks->len;
    file->is_dirty = true;
    loop_task_post(&capture->flush);
}

static void on_flush(void *ctx)
{
    struct capture *capture = ctx;
    for (struct capture_file *file = capture->open; file != NULL; file = file->next) {
        if (file->is_dirty && file->out != NULL && fflush(file->out) != 0) {
            failed(file, errno);
        }
        file->is_dirty = false;
    }
}

static char *path_of(const struct capture *capture, const struct uuid *uuid)
{
    char name[UUID_TEXT_BYTES] = "";
    struct text path = { 0 };
    if (!capture->is_folder) {
        return amt_strdup(capture->path);
    }
    if (uuid != NULL) {
        uuid_format(uuid, name);
    }
    text_printf(&path, "%s/%s%s", capture->path, uuid == NULL ? "unidentified" : name, SUFFIX);
    return taken(&path);
}

static struct capture_file *new_file(struct capture *capture, char *path)
{
    struct capture_file *file = amt_alloc(sizeof *file);
    if (file == NULL) {
        amt_free(path);
        return NULL;
    }
    file->capture = capture;
    file->path = path;
    file->next = capture->open;
    capture->open = file;
    begin_file(file);
    return file;
}

struct capture_file *capture_file_take(struct capture *capture, const struct uuid *uuid)
{
    char *path = path_of(capture, uuid);
    if (path == NULL) {
        return NULL;
    }
    struct capture_file *file = capture->open;
    while (file != NULL && strcmp(file->path, path) != 0) {
        file = file->next;
    }
    if (file == NULL) {
        file = new_file(capture, path);
    } else {
        amt_free(path);
    }
    if (file != NULL) {
        file->sessions++;
    }
    return file;
}

static void close_file(struct capture_file *file)
{
    struct capture_file **at = &file->capture->open;
    while (*at != file) {
        at = &(*at)->next;
    }
    *at = file->next;
    if (file->out != NULL && fclose(file->out) != 0) {
        file->out = NULL;
        failed(file, errno);
    }
    amt_free(file->path);
    amt_free(file);
}

/* A device's file stays open while it has sessions; the next one begins a new file of the ring. */
void capture_file_release(struct capture_file *file)
{
    if (--file->sessions == 0 && file->capture->is_folder) {
        close_file(file);
    }
}

void capture_release(struct capture *capture)
{
    if (--capture->references > 0) {
        return;
    }
    loop_task_cancel(&capture->flush);
    while (capture->open != NULL) {
        close_file(capture->open);
    }
    amt_free(capture->path);
    amt_free(capture->program);
    amt_free(capture);
}

void capture_free(struct capture *capture)
{
    if (capture != NULL) {
        capture->log = NULL; /* is freed before the last streams may be */
        capture_release(capture);
    }
}

static enum amt_err set_path(struct capture *capture, const char *path, struct amt_diag *diag)
{
    struct stat there;
    size_t len = strlen(path);
    bool exists = stat(path, &there) == 0;
    capture->is_folder = (exists && S_ISDIR(there.st_mode)) || (len > 0 && path[len - 1] == '/');
    if (capture->is_folder && !exists && mkdir(path, 0700) != 0) {
        return amt_diag_errno(diag, errno, "cannot make the folder %s for captures", path);
    }
    capture->path = amt_strdup(path);
    if (capture->path == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    while (capture->is_folder && len > 1 && capture->path[len - 1] == '/') {
        capture->path[--len] = '\0';
    }
    return AMT_OK;
}

static enum amt_err set_up(struct capture *capture, const struct capture_config *config,
                           struct amt_diag *diag)
{
    TRY(set_path(capture, config->path, diag));
    if (capture->is_folder) {
        return access(capture->path, W_OK) == 0
                   ? AMT_OK
                   : amt_diag_errno(diag, errno, "cannot write captures into %s", capture->path);
    }
    struct capture_file *file = capture_file_take(capture, NULL);
    if (file == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    return file->out != NULL
               ? AMT_OK
               : amt_diag_errno(diag, errno, "cannot write the capture %s", capture->path);
}

struct capture *capture_open(struct loop *loop, const struct capture_config *config,
                             const char *program, struct log *log, struct amt_diag *diag)
{
    struct capture *capture = amt_alloc(sizeof *capture);
    if (capture == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    capture->loop = loop;
    capture->log = log;
    capture->references = 1;
    capture->program = amt_strdup(program);
    capture->keeps_secrets = config->keeps_secrets;
    capture->file_bytes = config->file_bytes;
    capture->files = config->files;
    loop_task_init(&capture->flush, loop, on_flush, capture);
    if (capture->program == NULL || set_up(capture, config, diag) != AMT_OK) {
        capture_free(capture);
        return NULL;
    }
    return capture;
}
