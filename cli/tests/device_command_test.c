/* `amtlab device` against a server in a process of its own, over real sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"
#include "mps/mps.h"

#define WORDS_MAX   16
#define OUTPUT_MAX  8192
#define REPORT_LAST 1 /* line of standard output: 0 is the ready line */

/* --- a server --- */

struct server {
    pid_t pid;
    char address[64];
};

static void must(bool is_good)
{
    if (!is_good) {
        _exit(9);
    }
}

/* The child: serves until it is killed, or stops of its own accord after some time. */
static void serve(int to_parent, const char *auth, uint64_t life_us)
{
    struct mps_config config = { .name = NULL };
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    struct loop *loop = loop_new_uv(&diag);
    must(config_read(mps_config_keys, NULL, "test", &config, NULL) == AMT_OK);
    must(config_set(mps_config_keys, "listen", "127.0.0.1:0", &config, &diag) == AMT_OK);
    must(config_set(mps_config_keys, "auth", auth, &config, &diag) == AMT_OK);
    must(config_set(mps_config_keys, "tls", "offload", &config, &diag) == AMT_OK);
    struct mps *mps = mps_start(loop, &config, NULL, &diag);
    must(mps != NULL);
    mps_listener_address(mps, 0, &address);
    must(write(to_parent, &address.port, sizeof address.port) == sizeof address.port);
    if (life_us != 0) {
        (void)loop_run_until(loop, NULL, NULL, loop_now_us(loop) + life_us);
        mps_stop(mps, NULL, NULL);
    }
    loop_run(loop);
    _exit(0);
}

static void start_server(struct server *server, const char *auth, uint64_t life_us)
{
    int ends[2];
    uint16_t port = 0;
    assert_int_equal(pipe(ends), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        (void)close(ends[0]);
        serve(ends[1], auth, life_us);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    (void)close(ends[0]);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:%u", port);
}

static void stop_server(struct server *server)
{
    int status = 0;
    (void)kill(server->pid, SIGKILL);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
}

/* --- the command --- */

struct output {
    char text[OUTPUT_MAX];
    json_t *lines[2]; /* ready, report */
};

/* Runs the command with its standard output in a file; the result is the exit code. */
static int run_device(struct output *output, const char *const *words)
{
    char *arguments[WORDS_MAX + 1] = { NULL }, *rest[WORDS_MAX + 1] = { NULL };
    char path[] = "/tmp/amtlab-device-XXXXXX";
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
    }
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO), file = mkstemp(path);
    assert_true(kept >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    void *options = amt_alloc(k_command_device.options_bytes);
    int code = cli_parse(&k_command_device, count, arguments, options, rest, &rest_count, stderr);
    if (code < 0) {
        code = k_command_device.run(options, rest_count, rest);
    }
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    (void)close(kept);
    ssize_t len = pread(file, output->text, sizeof output->text - 1, 0);
    assert_true(len >= 0);
    output->text[len] = '\0';
    (void)close(file);
    (void)unlink(path);
    cli_options_fini(&k_command_device, options);
    amt_free(options);
    for (int i = 0; i < count; i++) {
        amt_free(arguments[i]);
    }
    return code;
}

static void read_lines(struct output *output)
{
    char *end = strchr(output->text, '\n');
    assert_non_null(end);
    *end = '\0';
    output->lines[0] = json_loads(output->text, 0, NULL);
    output->lines[1] = json_loads(end + 1, 0, NULL);
    assert_non_null(output->lines[0]);
    assert_non_null(output->lines[1]);
}

static void free_lines(struct output *output)
{
    json_decref(output->lines[0]);
    json_decref(output->lines[1]);
}

static int64_t number(const struct output *output, const char *key)
{
    const json_t *value = json_object_get(output->lines[REPORT_LAST], key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *text(const struct output *output, const char *key)
{
    const char *value = json_string_value(json_object_get(output->lines[REPORT_LAST], key));
    assert_non_null(value);
    return value;
}

#define DEVICE(output, ...)                                                                      \
    run_device(output, (const char *const[]){ "--offload", "--log-level", "error", "--deadline", \
                                              "20s", __VA_ARGS__, NULL })

static void until_up_ends_with_a_goodbye_and_the_log(void **state)
{
    struct server server;
    struct output output;
    (void)state;
    start_server(&server, "any", 0);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--count", "3", "--until", "up"),
                     CLI_OK);
    stop_server(&server);
    read_lines(&output);
    assert_string_equal(text(&output, "event"), "stopped");
    assert_string_equal(text(&output, "server"), server.address);
    assert_string_equal(text(&output, "failure"), "");
    assert_string_equal(text(&output, "uuid"),
                        json_string_value(json_object_get(output.lines[0], "uuid")));
    assert_int_equal(number(&output, "devices"), 3);
    assert_int_equal(number(&output, "connects"), 3);
    assert_int_equal(number(&output, "closure_reason"), 0); /* APF-DEV-044: by the user */
    assert_int_equal(number(&output, "disconnect_reason"), APF_BY_APPLICATION);
    assert_true(number(&output, "opened_us") > 0);
    assert_true(number(&output, "closed_us") >= number(&output, "opened_us"));
    free_lines(&output);
}

/* APF-DEV-010 */
static void a_refused_login_has_an_exit_of_its_own(void **state)
{
    struct server server;
    struct output output;
    (void)state;
    start_server(&server, "deny", 0);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--until", "login-failed"), CLI_OK);
    read_lines(&output);
    assert_non_null(strstr(text(&output, "failure"), "authentication failed"));
    assert_int_equal(number(&output, "failures"), 1);
    free_lines(&output);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--until", "up"), CLI_FAILED);
    stop_server(&server);
}

/* APF-DEV-042 */
static void until_closed_waits_for_the_end_of_a_tunnel(void **state)
{
    struct server server;
    struct output output;
    (void)state;
    start_server(&server, "any", 500000);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--until", "closed"), CLI_OK);
    stop_server(&server);
    read_lines(&output);
    assert_int_equal(number(&output, "connects"), 1);
    assert_true(json_is_true(json_object_get(output.lines[REPORT_LAST], "closed_by_mps")));
    free_lines(&output);
}

/* A port that is taken, so that no other test gets it, but on which nobody listens. */
static int take_port(struct server *server)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof in;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:%u", ntohs(in.sin_port));
    return descriptor;
}

static void nobody_there_is_a_failed_attempt_but_no_failed_login(void **state)
{
    struct server server;
    struct output output;
    (void)state;
    int descriptor = take_port(&server);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--until", "failed"), CLI_OK);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--until", "login-failed"),
                     CLI_FAILED);
    assert_int_equal(DEVICE(&output, "--to", server.address, "--deadline", "100ms"), CLI_DEADLINE);
    read_lines(&output);
    assert_int_equal(number(&output, "connects"), 0);
    free_lines(&output);
    (void)close(descriptor);
}

static void what_is_wrong_has_its_exit_code(void **state)
{
    struct output output;
    (void)state;
    assert_int_equal(DEVICE(&output, "--to", "127.0.0.1:1", "--until", "tomorrow"), CLI_USAGE);
    assert_int_equal(DEVICE(&output, "--to", "127.0.0.1:1", "--count", "0"), CLI_USAGE);
    assert_int_equal(DEVICE(&output, "--to", "127.0.0.1:1", "--profile", "/no/such"), CLI_INVALID);
    assert_int_equal(DEVICE(&output, "--to", "127.0.0.1:1", "--uuid", "x"), CLI_INVALID);
    assert_int_equal(DEVICE(&output, "--to", "127.0.0.1:1", "--set", "cira.windoww=1"),
                     CLI_INVALID);
    assert_int_equal(DEVICE(&output, "--until", "up"), CLI_INVALID); /* no server is named */
    assert_string_equal(output.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(until_up_ends_with_a_goodbye_and_the_log),
        cmocka_unit_test(a_refused_login_has_an_exit_of_its_own),
        cmocka_unit_test(until_closed_waits_for_the_end_of_a_tunnel),
        cmocka_unit_test(nobody_there_is_a_failed_attempt_but_no_failed_login),
        cmocka_unit_test(what_is_wrong_has_its_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
