/* The set of reports of `--report junit=F,json=F,html=D,...`, each replaced whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "scenarios/report/report.h"

#define PATH_BYTES 1024u
#define FORMATS                                                                              \
    "junit=FILE, json=FILE, jsonl=FILE, html=FILE.html, html=FOLDER, sarif=FILE, github=-, " \
    "tap=FILE, "                                                                             \
    "md=FILE, txt=FILE, badge=FILE.json, badge=FILE.svg"

typedef void write_fn(struct text *out, const struct results *results);

static void write_terminal(struct text *out, const struct results *results)
{
    const struct report_style style = { .plain = true };
    report_terminal(out, results, &style);
}

struct format {
    const char *name;
    write_fn *write; /* NULL: html, a folder */
};

static const struct format k_formats[] = {
    { "junit", report_junit }, { "json", report_json },
    { "jsonl", report_jsonl }, { "html", NULL },
    { "sarif", report_sarif }, { "github", report_github },
    { "tap", report_tap },     { "md", report_markdown },
    { "txt", write_terminal }, { "badge", report_badge_json },
};

/* One "format=path" of the list. */
struct part {
    const struct format *format;
    char path[PATH_BYTES];
};

static enum amt_err refuse_part(struct amt_diag *diag, const char *part, size_t len)
{
    (void)amt_diag_set(diag, AMT_ECONFIG, "--report: \"%.*s\" is not understood",
                       (int)(len > 80 ? 80 : len), part);
    (void)amt_diag_hint(diag, "write one or more of: " FORMATS ", with commas between them");
    return AMT_ECONFIG;
}

/* Takes the first part of *spec, which moves to the next; NULL at the end. */
static enum amt_err next_part(const char **spec, struct part *part, struct amt_diag *diag)
{
    const char *at = *spec;
    size_t len = strcspn(at, ",");
    const char *equals = memchr(at, '=', len);
    *spec = at[len] == ',' ? at + len + 1 : NULL;
    size_t name_len = equals == NULL ? len : (size_t)(equals - at);
    size_t path_len = equals == NULL ? 0 : len - name_len - 1;
    if (path_len == 0 || path_len >= PATH_BYTES - 128) { /* room for file names in the folder */
        return refuse_part(diag, at, len);
    }
    for (size_t i = 0; i < sizeof k_formats / sizeof k_formats[0]; i++) {
        const char *name = k_formats[i].name;
        if (strlen(name) == name_len && memcmp(name, at, name_len) == 0) {
            part->format = &k_formats[i];
            memcpy(part->path, equals + 1, path_len);
            part->path[path_len] = '\0';
            return AMT_OK;
        }
    }
    return refuse_part(diag, at, len);
}

enum amt_err report_check_spec(const char *spec, struct amt_diag *diag)
{
    while (spec != NULL) {
        struct part part;
        TRY(next_part(&spec, &part, diag));
    }
    return AMT_OK;
}

static enum amt_err refuse_errno(struct amt_diag *diag, const char *path, int errno_value)
{
    (void)amt_diag_errno(diag, errno_value, "the report \"%.200s\" cannot be written", path);
    if (errno_value == ENOSPC || errno_value == EDQUOT) {
        (void)amt_diag_hint(diag, "make room on this disk; what was there before is unchanged");
    } else if (errno_value == EACCES || errno_value == EROFS || errno_value == EPERM) {
        (void)amt_diag_hint(diag, "choose a folder that you may write to");
    } else if (errno_value == ENOTDIR || errno_value == EEXIST || errno_value == EISDIR) {
        (void)amt_diag_hint(diag, "a file stands where a folder is wanted, or the reverse");
    }
    return AMT_ESYS;
}

static enum amt_err make_folder(const char *path, struct amt_diag *diag)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) {
        return AMT_OK;
    }
    int mkdir_errno = errno;
    if (mkdir_errno == EEXIST && stat(path, &info) == 0) {
        return S_ISDIR(info.st_mode) ? AMT_OK : refuse_errno(diag, path, ENOTDIR);
    }
    return refuse_errno(diag, path, mkdir_errno);
}

/* Makes the folders above path; with is_folder path itself too. */
static enum amt_err make_folders(const char *path, bool is_folder, struct amt_diag *diag)
{
    char part[PATH_BYTES];
    size_t len = strlen(path);
    if (len >= sizeof part) {
        return refuse_errno(diag, path, ENAMETOOLONG);
    }
    for (size_t i = strcspn(path + 1, "/") + 1; i < len; i += strcspn(path + i + 1, "/") + 1) {
        memcpy(part, path, i);
        part[i] = '\0';
        TRY(make_folder(part, diag));
    }
    return is_folder ? make_folder(path, diag) : AMT_OK;
}

static int write_all(int fd, const struct text *content)
{
    size_t done = 0;
    while (done < content->len) {
        ssize_t n = write(fd, content->chars + done, content->len - done);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        done += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Beside the file and then renamed over it: readers see the old or the new one, never a part. */
static enum amt_err write_file(const char *path, const struct text *content, struct amt_diag *diag)
{
    char temporary[PATH_BYTES + 8];
    if (content->failed) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory while making the report \"%.200s\"",
                            path);
    }
    int len = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        return refuse_errno(diag, path, ENAMETOOLONG);
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return refuse_errno(diag, path, errno);
    }
    int failure = write_all(fd, content);
    if (close(fd) != 0 && failure == 0) {
        failure = errno;
    }
    if (failure == 0 && rename(temporary, path) != 0) {
        failure = errno;
    }
    if (failure != 0) {
        (void)unlink(temporary);
        return refuse_errno(diag, path, failure);
    }
    return AMT_OK;
}

static enum amt_err write_in_folder(const char *folder, const char *name,
                                    const struct text *content, struct amt_diag *diag)
{
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        return refuse_errno(diag, folder, ENAMETOOLONG);
    }
    return write_file(path, content, diag);
}

static enum amt_err write_case_page(const struct results *results, const struct result_case *c,
                                    const char *folder, struct amt_diag *diag)
{
    struct text name = { 0 };
    struct text page = { 0 };
    report_html_name(&name, c);
    report_html_case(&page, results, c);
    page.failed = page.failed || name.failed;
    enum amt_err err = write_in_folder(folder, text_chars(&name), &page, diag);
    text_fini(&name);
    text_fini(&page);
    return err;
}

/* The overview comes last: what it links to is there. */
static enum amt_err write_html(const struct results *results, const char *folder,
                               struct amt_diag *diag)
{
    TRY(make_folders(folder, true, diag));
    for (const struct result_case *c = results->case_first; c != NULL; c = c->next) {
        TRY(write_case_page(results, c, folder, diag));
    }
    struct text style = { 0 };
    report_html_style(&style);
    enum amt_err err = write_in_folder(folder, "style.css", &style, diag);
    text_fini(&style);
    if (err == AMT_OK) {
        struct text index = { 0 };
        report_html_index(&index, results);
        err = write_in_folder(folder, "index.html", &index, diag);
        text_fini(&index);
    }
    return err;
}

static bool ends_with(const char *path, const char *end)
{
    size_t len = strlen(path);
    size_t end_len = strlen(end);
    return len > end_len && strcmp(path + len - end_len, end) == 0;
}

/* What writes this part in one file; NULL: a folder of pages. */
static write_fn *writer_of(const struct part *part)
{
    if (part->format->write == NULL) {
        return ends_with(part->path, ".html") ? report_html : NULL;
    }
    return part->format->write == report_badge_json && ends_with(part->path, ".svg")
               ? report_badge_svg
               : part->format->write;
}

static enum amt_err write_output(const struct text *content, struct amt_diag *diag)
{
    (void)fflush(stdout);
    int failure = content->failed ? ENOMEM : write_all(STDOUT_FILENO, content);
    return failure == 0 ? AMT_OK : refuse_errno(diag, "-", failure);
}

/* The page of the workflow's step, to which other programs of the step have written too. */
static enum amt_err append_summary(const struct results *results, struct amt_diag *diag)
{
    const char *path = getenv("GITHUB_STEP_SUMMARY");
    struct text content = { 0 };
    if (path == NULL || path[0] == '\0') {
        return AMT_OK;
    }
    report_markdown(&content, results);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int failure = fd < 0 ? errno : content.failed ? ENOMEM : write_all(fd, &content);
    if (fd >= 0 && close(fd) != 0 && failure == 0) {
        failure = errno;
    }
    text_fini(&content);
    return failure == 0 ? AMT_OK : refuse_errno(diag, path, failure);
}

static enum amt_err write_part(const struct results *results, const struct part *part,
                               struct amt_diag *diag)
{
    write_fn *write = writer_of(part);
    struct text content = { 0 };
    if (write == NULL) {
        return write_html(results, part->path, diag);
    }
    bool is_output = strcmp(part->path, "-") == 0;
    TRY(is_output ? AMT_OK : make_folders(part->path, false, diag));
    write(&content, results);
    enum amt_err err =
        is_output ? write_output(&content, diag) : write_file(part->path, &content, diag);
    text_fini(&content);
    return err == AMT_OK && part->format->write == report_github ? append_summary(results, diag)
                                                                 : err;
}

enum amt_err report_write_files(const struct results *results, const char *spec,
                                struct amt_diag *diag)
{
    TRY(report_check_spec(spec, diag));
    if (results->failed) {
        (void)amt_diag_set(diag, AMT_ESTATE, "no report is written: memory ran out during the run");
        (void)amt_diag_hint(diag, "run fewer cases at a time, or keep fewer traces");
        return AMT_ESTATE;
    }
    while (spec != NULL) {
        struct part part;
        TRY(next_part(&spec, &part, diag));
        TRY(write_part(results, &part, diag));
    }
    return AMT_OK;
}
