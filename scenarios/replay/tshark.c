#include "scenarios/replay/tshark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_THERE   127
#define ERROR_BYTES 240u
#define OUTPUT_MAX  ((size_t)1024 * 1024 * 1024)

static void become(const char *const *arguments, int out, int err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(err, STDERR_FILENO) >= 0) {
        /* execvp takes pointers to what it does not change */
        union {
            const char *const *in;
            char *const *out;
        } words = { .in = arguments };
        (void)execvp(arguments[0], words.out);
    }
    _exit(NOT_THERE);
}

static enum amt_err read_all(int in, struct text *out, struct amt_diag *diag)
{
    char piece[65536];
    for (;;) {
        ssize_t got = read(in, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        text_append(out, piece, (size_t)got);
        if (out->failed || out->len > OUTPUT_MAX) {
            return amt_diag_set(diag, AMT_ENOMEM, "the capture is too large to be decrypted");
        }
    }
    return AMT_OK;
}

/* The last line that complains: the first ones are notes. */
static void read_complaint(int err, char out[static ERROR_BYTES])
{
    struct text text = { 0 };
    out[0] = '\0';
    if (lseek(err, 0, SEEK_SET) == 0 && read_all(err, &text, NULL) == AMT_OK) {
        const char *chars = text_chars(&text);
        size_t len = text.len;
        while (len > 0 && chars[len - 1] == '\n') {
            len--;
        }
        size_t begin = len;
        while (begin > 0 && chars[begin - 1] != '\n') {
            begin--;
        }
        (void)snprintf(out, ERROR_BYTES, "%.*s", (int)(len - begin), chars + begin);
    }
    text_fini(&text);
}

static enum amt_err wait_for(pid_t child, const char *name, int err, struct amt_diag *diag)
{
    char complaint[ERROR_BYTES];
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return AMT_OK;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE) {
        (void)amt_diag_set(diag, AMT_ESYS, "%s is not installed, and the capture holds TLS", name);
        return amt_diag_hint(diag, "install the package tshark, or import a capture made by amtlab "
                                   "mps --capture, which needs none");
    }
    read_complaint(err, complaint);
    return amt_diag_set(diag, AMT_ESYS, "%s failed: %s", name, complaint);
}

enum amt_err tshark_run(const char *const *arguments, struct text *out, struct amt_diag *diag)
{
    int ends[2] = { -1, -1 };
    FILE *err = tmpfile();
    if (err == NULL || pipe(ends) != 0) {
        int error = errno;
        if (err != NULL) {
            (void)fclose(err);
        }
        return amt_diag_errno(diag, error, "cannot start %s", arguments[0]);
    }
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        become(arguments, ends[1], fileno(err));
    }
    (void)close(ends[1]);
    enum amt_err result = child < 0 ? amt_diag_errno(diag, errno, "cannot start %s", arguments[0])
                                    : read_all(ends[0], out, diag);
    (void)close(ends[0]); /* a child that still writes ends */
    if (child > 0) {
        enum amt_err ended = wait_for(child, arguments[0], fileno(err), diag);
        result = result == AMT_OK ? ended : result;
    }
    (void)fclose(err);
    return result;
}

enum amt_err tshark_decrypt(const char *program, const char *path, const char *key_log,
                            uint16_t port, struct text *out, struct amt_diag *diag)
{
    char keys[4096 + 32];
    char over_tcp[40];
    char over_tls[40];
    (void)snprintf(keys, sizeof keys, "tls.keylog_file:%.4096s", key_log == NULL ? "" : key_log);
    (void)snprintf(over_tcp, sizeof over_tcp, "tcp.port==%u,tls", port);
    (void)snprintf(over_tls, sizeof over_tls, "tls.port==%u,data", port);
    /* No preferences and scripts of the user: a dissector for APF would take the bytes away. */
    const char *const arguments[] = { program == NULL ? "tshark" : program,
                                      "-n",
                                      "-X",
                                      "lua_script:/dev/null",
                                      "-r",
                                      path,
                                      "-o",
                                      keys,
                                      "-o",
                                      "tls.desegment_ssl_application_data:FALSE",
                                      "-d",
                                      over_tcp,
                                      "-d",
                                      over_tls,
                                      "-Y",
                                      "data",
                                      "-T",
                                      "fields",
                                      "-e",
                                      "frame.time_epoch",
                                      "-e",
                                      "ip.src",
                                      "-e",
                                      "ipv6.src",
                                      "-e",
                                      "tcp.srcport",
                                      "-e",
                                      "ip.dst",
                                      "-e",
                                      "ipv6.dst",
                                      "-e",
                                      "tcp.dstport",
                                      "-e",
                                      "data.data",
                                      NULL };
    return tshark_run(arguments, out, diag);
}
