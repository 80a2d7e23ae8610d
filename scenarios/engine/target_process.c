#include "scenarios/engine/target_process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEP_MS      20
#define STOP_MS      10000
#define US_PER_MS_   1000u
#define LAST_BYTES   200
#define EXIT_NO_EXEC 127

static void sleep_step(void)
{
    const struct timespec step = { 0, STEP_MS * 1000000L };
    (void)nanosleep(&step, NULL);
}

/* In the child: its own process group, no input, output to the file. Never returns. */
static void become(const struct target_start *start, const char *log_path)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (setpgid(0, 0) == 0 && chdir(start->folder) == 0 && log >= 0 && none >= 0 &&
        dup2(none, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
        dup2(log, STDERR_FILENO) >= 0) {
        (void)execvp(start->command[0], (char *const *)(uintptr_t)start->command);
        (void)dprintf(STDERR_FILENO, "%s: %s\n", start->command[0], strerror(errno));
    }
    _exit(EXIT_NO_EXEC);
}

static bool accepts(uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_there = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_there;
}

/* The last line of what it said. */
static void last_words(const struct target_process *process, char *out, size_t cap)
{
    FILE *file = fopen(process->log_path, "rb");
    size_t len = 0;
    out[0] = '\0';
    if (file == NULL) {
        return;
    }
    if (fseek(file, -LAST_BYTES, SEEK_END) != 0) {
        rewind(file);
    }
    len = fread(out, 1, cap - 1, file);
    (void)fclose(file);
    while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r')) {
        len--;
    }
    out[len] = '\0';
    const char *line = strrchr(out, '\n');
    if (line != NULL) {
        memmove(out, line + 1, strlen(line + 1) + 1);
    }
}

static enum amt_err not_ready(struct target_process *process, const char *what,
                              struct amt_diag *diag)
{
    char said[LAST_BYTES + 1];
    last_words(process, said, sizeof said);
    amt_diag_set(diag, AMT_ESYS, "%s %s%s%s", process->target->name, what,
                 said[0] == '\0' ? "" : "; it said last: ", said);
    amt_diag_hint(diag, "%s has all that it said; 'start' in %s says how it is run",
                  process->log_path, process->target->path);
    return AMT_ESYS;
}

static enum amt_err wait_until_ready(struct target_process *process, struct amt_diag *diag)
{
    const struct target_start *start = &process->target->start;
    char how[80], what[120];
    for (uint64_t waited_us = 0; start->ready_port != 0 && !accepts(start->ready_port);
         waited_us += STEP_MS * US_PER_MS_) {
        if (target_process_has_ended(process, how, sizeof how)) {
            (void)snprintf(what, sizeof what, "%s before it was ready", how);
            return not_ready(process, what, diag);
        }
        if (waited_us >= start->ready_within_us) {
            (void)snprintf(what, sizeof what, "does not accept connections on port %u in time",
                           start->ready_port);
            return not_ready(process, what, diag);
        }
        sleep_step();
    }
    return AMT_OK;
}

enum amt_err target_process_start(struct target_process *process, struct amt_diag *diag)
{
    const struct target_start *start = &process->target->start;
    if (start->ready_port != 0 && accepts(start->ready_port)) {
        amt_diag_set(diag, AMT_ESYS, "port %u, where %s is to be ready, is in use already",
                     start->ready_port, process->target->name);
        return amt_diag_hint(diag, "end what listens there, or take 'start' out of %s",
                             process->target->path);
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return amt_diag_errno(diag, errno, "cannot start %s", process->target->name);
    }
    if (pid == 0) {
        become(start, process->log_path);
    }
    process->pid = pid;
    process->starts++;
    enum amt_err err = wait_until_ready(process, diag);
    if (err != AMT_OK) {
        target_process_stop(process);
    }
    return err;
}

bool target_process_has_ended(struct target_process *process, char *out, size_t cap)
{
    int status = 0;
    if (process->pid == 0 || waitpid(process->pid, &status, WNOHANG) != process->pid) {
        return false;
    }
    process->pid = 0;
    if (WIFSIGNALED(status)) {
        (void)snprintf(out, cap, "ended by signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(out, cap, "ended with status %d", WEXITSTATUS(status));
    }
    return true;
}

static uint64_t count_descriptors(pid_t pid)
{
    char path[64];
    uint64_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    for (const struct dirent *entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
}

void target_process_measure(const struct target_process *process, uint64_t *memory_kib,
                            uint64_t *descriptors)
{
    char path[64], line[256];
    *memory_kib = *descriptors = 0;
    if (process->pid == 0) {
        return;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)process->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            *memory_kib = strtoull(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    *descriptors = count_descriptors(process->pid);
}

void target_process_stop(struct target_process *process)
{
    char how[80];
    if (process->pid == 0) {
        return;
    }
    pid_t group = process->pid;
    (void)kill(-group, process->target->start.stop_signal);
    for (int waited = 0; waited < STOP_MS; waited += STEP_MS) {
        if (target_process_has_ended(process, how, sizeof how)) {
            break;
        }
        sleep_step();
    }
    (void)kill(-group, SIGKILL); /* it, or children it left behind */
    if (process->pid != 0) {
        (void)waitpid(process->pid, NULL, 0);
        process->pid = 0;
    }
}
