#include "mps/activation/log.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>

#include <openssl/cms.h> /* after pem.h, which it looks for */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

struct activation_log {
    char *path;
    int fd;
    X509 *recipient; /* NULL: passwords in clear text */
};

const char *activation_action_name(enum activation_action action)
{
    static const char *const k_names[] = {
        "acmactivate", "ccmactivate", "acmactivate-tls", "acmactivate", "acmactivate-bare-metal",
        "amtpassword", "deactivate"
    };
    return k_names[action];
}

/* The passwords of machines are in it: nobody else may read it. */
static enum amt_err check_mode(int fd, const char *path, struct amt_diag *diag)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return amt_diag_errno(diag, errno, "cannot look at the activation log %s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return amt_diag_set(diag, AMT_ESYS, "the activation log %s is no file", path);
    }
    if ((status.st_mode & 077) != 0) {
        (void)amt_diag_set(diag, AMT_EAUTH, "others can read the activation log %s (mode %03o)",
                           path, (unsigned)(status.st_mode & 0777));
        (void)amt_diag_hint(diag, "it holds passwords: chmod 600 %s", path);
        return AMT_EAUTH;
    }
    return AMT_OK;
}

static enum amt_err load_recipient(struct activation_log *log, const char *path,
                                   struct amt_diag *diag)
{
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (path == NULL) {
        return AMT_OK;
    }
    if (file == NULL) {
        return amt_diag_errno(diag, errno, "cannot read the recipient certificate %s", path);
    }
    log->recipient = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    if (log->recipient == NULL) {
        (void)amt_diag_set(diag, AMT_ECERT, "%s is no PEM certificate", path);
        return AMT_ECERT;
    }
    return AMT_OK;
}

enum amt_err activation_log_open(const char *path, const char *recipient_path,
                                 struct activation_log **log, struct amt_diag *diag)
{
    struct activation_log *made = amt_alloc(sizeof *made);
    *log = NULL;
    if (made == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    made->path = amt_strdup(path);
    made->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum amt_err err = made->path == NULL ? AMT_ENOMEM : AMT_OK;
    if (err == AMT_OK && made->fd < 0) {
        err = amt_diag_errno(diag, errno, "cannot open the activation log %s", path);
        (void)amt_diag_hint(diag,
                            "without it nothing is activated: make its folder writable, or set "
                            "activation.log");
    }
    err = err == AMT_OK ? check_mode(made->fd, path, diag) : err;
    err = err == AMT_OK ? load_recipient(made, recipient_path, diag) : err;
    if (err != AMT_OK) {
        activation_log_close(made);
        return err;
    }
    *log = made;
    return AMT_OK;
}

void activation_log_close(struct activation_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd >= 0) {
        (void)close(log->fd);
    }
    X509_free(log->recipient);
    amt_free(log->path);
    amt_free(log);
}

static void put_time(struct text *line, uint64_t time_ms)
{
    char seconds[32] = "";
    struct tm tm;
    time_t time_s = (time_t)(time_ms / 1000);
    if (gmtime_r(&time_s, &tm) != NULL) {
        (void)strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
    }
    text_printf(line, "{\"time\":\"%s.%03uZ\"", seconds, (unsigned)(time_ms % 1000));
}

/* Absent texts are left out. */
static void put(struct text *line, const char *name, const char *value)
{
    if (value != NULL) {
        text_printf(line, ",\"%s\":", name);
        text_json(line, value, strlen(value));
    }
}

/* CMS EnvelopedData in PEM, so that `openssl cms -decrypt` opens it. False without memory. */
static bool encrypt(X509 *recipient, const void *bytes, uint32_t len, struct text *out)
{
    STACK_OF(X509) *recipients = sk_X509_new_null();
    BIO *in = BIO_new_mem_buf(bytes, (int)len);
    BIO *pem = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = NULL;
    if (recipients != NULL && in != NULL && pem != NULL &&
        sk_X509_push(recipients, recipient) > 0) {
        cms = CMS_encrypt(recipients, in, EVP_aes_256_cbc(), CMS_BINARY);
    }
    bool is_good = cms != NULL && PEM_write_bio_CMS(pem, cms) == 1;
    char *chars = NULL;
    long count = is_good ? BIO_get_mem_data(pem, &chars) : 0;
    if (count > 0) {
        text_append(out, chars, (size_t)count);
    }
    CMS_ContentInfo_free(cms);
    BIO_free(pem);
    BIO_free(in);
    sk_X509_free(recipients);
    return count > 0;
}

static bool put_secret(const struct activation_log *log, struct text *line, const char *name,
                       const void *bytes, uint32_t len)
{
    if (log->recipient == NULL) {
        text_printf(line, ",\"%s\":", name);
        text_json(line, bytes, len);
        return true;
    }
    struct text sealed = { 0 };
    bool is_good = encrypt(log->recipient, bytes, len, &sealed) && !sealed.failed;
    if (is_good) {
        text_printf(line, ",\"%s-cms\":", name);
        text_json(line, text_chars(&sealed), sealed.len);
    }
    text_fini(&sealed);
    return is_good;
}

/* Fields and their order: activation.md 6.6 (ACT-SRV-032). */
static bool put_bare_metal(const struct activation_log *log,
                           const struct activation_log_entry *entry, struct text *line)
{
    bool is_good =
        entry->mebx_password == NULL || put_secret(log, line, "newmebx", entry->mebx_password,
                                                   (uint32_t)strlen(entry->mebx_password));
    put(line, "mesh", entry->group);
    put(line, "amtRealm", entry->realm);
    put(line, "amtver", entry->version);
    put(line, "host", entry->host_name);
    put(line, "ip", entry->peer);
    put(line, "user", entry->user);
    is_good =
        put_secret(log, line, "pass", entry->password->bytes, entry->password->len) && is_good;
    text_puts(line, ",\"tls\":1");
    return is_good;
}

static bool put_by_host(const struct activation_log *log, const struct activation_log_entry *entry,
                        const char *uuid, struct text *line)
{
    bool is_acm = entry->action == ACTIVATION_ACM || entry->action == ACTIVATION_UPGRADE;
    bool is_good = true;
    if (is_acm) {
        put(line, "certHash", entry->certificate_hash);
        put(line, "hashType", entry->hash_type);
    }
    put(line, "amtRealm", entry->realm);
    if (is_acm) {
        put(line, "amtFqdn", entry->fqdn);
    }
    put(line, "user", entry->user);
    if (entry->password != NULL) {
        is_good = put_secret(log, line, "password", entry->password->bytes, entry->password->len);
    }
    put(line, "ipport", entry->peer);
    put(line, "nodeid", uuid);
    put(line, "meshid", entry->group);
    put(line, "computerName", entry->host_name);
    if (is_acm) {
        text_puts(line, ",\"agentId\":0");
        put(line, "tag", entry->client);
    }
    return is_good;
}

static bool format(const struct activation_log *log, const struct activation_log_entry *entry,
                   struct text *line)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&entry->uuid, uuid);
    put_time(line, entry->time_ms);
    put(line, "action", activation_action_name(entry->action));
    put(line, "domain", "");
    put(line, "amtUuid", uuid);
    bool is_good = entry->action == ACTIVATION_BARE_METAL ? put_bare_metal(log, entry, line)
                                                          : put_by_host(log, entry, uuid, line);
    text_puts(line, "}\r\n");
    return is_good && !line->failed;
}

/* A line that a server did not live to end must not swallow the next one: its password would be lost. */
static bool ends_in_the_middle(const char *path)
{
    FILE *file = fopen(path, "re");
    bool is_cut = file != NULL && fseek(file, -1, SEEK_END) == 0 && fgetc(file) != '\n';
    if (file != NULL) {
        (void)fclose(file);
    }
    return is_cut;
}

static enum amt_err write_line(struct activation_log *log, const struct text *line,
                               struct amt_diag *diag)
{
    off_t before = lseek(log->fd, 0, SEEK_END);
    size_t at = 0;
    while (at < line->len) {
        ssize_t count = write(log->fd, line->chars + at, line->len - at);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            int reason = count < 0 ? errno : ENOSPC;
            if (before >= 0 && ftruncate(log->fd, before) != 0) { /* no half line, if possible */
                reason = errno;
            }
            return amt_diag_errno(diag, reason, "cannot write the activation log %s", log->path);
        }
        at += (size_t)count;
    }
    if (fsync(log->fd) != 0) {
        return amt_diag_errno(diag, errno, "cannot sync the activation log %s", log->path);
    }
    return AMT_OK;
}

enum amt_err activation_log_append(struct activation_log *log,
                                   const struct activation_log_entry *entry, struct amt_diag *diag)
{
    struct text line = { 0 };
    struct stat status;
    struct stat now;
    /* A log that was moved away (rotation by a script) would be written where nobody looks. */
    if (fstat(log->fd, &status) != 0 || stat(log->path, &now) != 0 || status.st_ino != now.st_ino ||
        status.st_dev != now.st_dev) {
        (void)amt_diag_set(diag, AMT_ESYS, "the activation log %s has been moved or removed",
                           log->path);
        (void)amt_diag_hint(diag, "restart the server after rotating it");
        return AMT_ESYS;
    }
    enum amt_err err = check_mode(log->fd, log->path, diag);
    if (ends_in_the_middle(log->path)) {
        text_puts(&line, "\r\n");
    }
    if (err == AMT_OK && !format(log, entry, &line)) {
        err = amt_diag_set(diag, AMT_ENOMEM, "the activation log line could not be made");
    }
    err = err == AMT_OK ? write_line(log, &line, diag) : err;
    if (line.chars != NULL) {
        amt_wipe(line.chars, line.cap);
    }
    text_fini(&line);
    return err;
}
