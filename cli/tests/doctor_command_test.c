/* `amtlab doctor HOST:PORT` tells the four ways apart in which a port is out of reach (FF-006). */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"

/* A port of this host; with a backlog of 0 the kernel drops what does not fit in (tcp(7)). */
static int listen_on(char target[static 32], int backlog)
{
    struct sockaddr_in where = { .sin_family = AF_INET,
                                 .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof where;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&where, sizeof where), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
    if (backlog >= 0) {
        assert_int_equal(listen(fd, backlog), 0);
    }
    (void)snprintf(target, 32, "127.0.0.1:%u", ntohs(where.sin_port));
    return fd;
}

static int run_doctor(const char *target, char *output, size_t cap)
{
    const struct cli_command *command = &k_command_doctor;
    char *arguments[] = { amt_strdup(target), amt_strdup("--timeout"), amt_strdup("300ms"), NULL };
    char *rest[4] = { NULL };
    char path[] = "/tmp/amtlab-doctor-XXXXXX";
    int rest_count = 0;
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO), file = mkstemp(path);
    assert_true(kept >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    void *options = amt_alloc(command->options_bytes);
    int code = cli_parse(command, 3, arguments, options, rest, &rest_count, stderr);
    if (code < 0) {
        code = command->run(options, rest_count, rest);
    }
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    ssize_t len = pread(file, output, cap - 1, 0);
    assert_true(len >= 0);
    output[len] = '\0';
    (void)close(file);
    (void)unlink(path);
    cli_options_fini(command, options);
    amt_free(options);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        amt_free(arguments[i]);
    }
    return code;
}

static void expect_category(const char *target, const char *check, const char *category)
{
    char output[4096], line[128];
    assert_int_equal(run_doctor(target, output, sizeof output), CLI_FAILED);
    (void)snprintf(line, sizeof line, "FAILED   %-22s %s: %s ", check, target, category);
    if (strstr(output, line) == NULL) {
        (void)printf("%s", output);
    }
    assert_non_null(strstr(output, line));
    assert_non_null(strstr(output, "FF-006"));
    assert_non_null(strstr(output, "do: "));
}

static void a_port_that_answers_rst_is_refused(void **state)
{
    (void)state;
    char target[32];
    int fd = listen_on(target, -1);
    expect_category(target, "tcp", "refused");
    (void)close(fd);
}

/* The queue of connections is full: the kernel drops every further SYN, as a firewall would. */
static void a_port_that_drops_syn_is_a_timeout(void **state)
{
    (void)state;
    char target[32];
    int fd = listen_on(target, 0);
    struct sockaddr_in where;
    socklen_t len = sizeof where;
    int fillers[4];
    assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (const struct sockaddr *)&where, sizeof where);
    }
    expect_category(target, "tcp", "timeout");
    for (size_t i = 0; i < 4; i++) {
        (void)close(fillers[i]);
    }
    (void)close(fd);
}

/* A process of its own accepts and closes, at once or after the ClientHello. */
static void a_port_that_closes_is_closed_before_tls(void **state)
{
    (void)state;
    for (int reads = 0; reads <= 1; reads++) {
        char target[32];
        int fd = listen_on(target, 4);
        (void)fflush(stdout);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            char byte;
            int peer = accept(fd, NULL, NULL);
            if (reads != 0) {
                (void)!read(peer, &byte, 1);
            }
            (void)close(peer);
            _exit(0);
        }
        expect_category(target, "tls", "closed before TLS");
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void)close(fd);
    }
}

/* Nobody accepts; the kernel has made the connection all the same. */
static void a_port_that_says_nothing_is_a_tls_timeout(void **state)
{
    (void)state;
    char target[32];
    int fd = listen_on(target, 4);
    expect_category(target, "tls", "TLS timeout");
    (void)close(fd);
}

/* Something else speaks there. */
static void a_port_that_speaks_something_else_refuses_tls(void **state)
{
    (void)state;
    static const char k_answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    char target[32];
    int fd = listen_on(target, 4);
    (void)fflush(stdout);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int peer = accept(fd, NULL, NULL);
        (void)!write(peer, k_answer, sizeof k_answer - 1);
        (void)pause();
        _exit(0);
    }
    expect_category(target, "tls", "TLS refused");
    (void)kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_answers_rst_is_refused),
        cmocka_unit_test(a_port_that_drops_syn_is_a_timeout),
        cmocka_unit_test(a_port_that_closes_is_closed_before_tls),
        cmocka_unit_test(a_port_that_says_nothing_is_a_tls_timeout),
        cmocka_unit_test(a_port_that_speaks_something_else_refuses_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
