/* `amtlab mps` as a process: readiness, stop, and what it says when it cannot start. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"
#include "mps/mps.h"

#define WORDS_MAX    24
#define OUTPUT_BYTES 65536

struct place {
    char directory[64], data[96], notify[96], config[96];
    char text[OUTPUT_BYTES]; /* what the last program printed, on both outputs */
};

static void begin(struct place *p)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->directory, sizeof p->directory, "/tmp/amtlab-mps-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    (void)snprintf(p->data, sizeof p->data, "%s/data", p->directory);
    (void)snprintf(p->notify, sizeof p->notify, "%s/notify", p->directory);
    (void)snprintf(p->config, sizeof p->config, "%s/mps.yaml", p->directory);
}

static void end(struct place *p)
{
    static const char *const k_files[] = {
        "root.crt", "root.key",  "mps.crt",       "mps.key",
        "seal.key", "amtlab.db", "amtlab.db-wal", "amtlab.db-shm"
    };
    char path[160];
    for (size_t i = 0; i < sizeof k_files / sizeof k_files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->data, k_files[i]);
        (void)unlink(path);
    }
    (void)rmdir(p->data);
    (void)unlink(p->notify);
    (void)unlink(p->config);
    assert_int_equal(rmdir(p->directory), 0);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* The child's life: both outputs go to the pipe, the exit code is the command's. */
static void run_command(int output, const char *const *words)
{
    char *arguments[WORDS_MAX + 1] = { NULL }, *rest[WORDS_MAX + 1] = { NULL };
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
    }
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    void *options = amt_alloc(k_command_mps.options_bytes);
    int code = cli_parse(&k_command_mps, count, arguments, options, rest, &rest_count, stderr);
    if (code < 0) {
        code = k_command_mps.run(options, rest_count, rest);
    }
    (void)fflush(stdout);
    _exit(code);
}

static pid_t start(const char *const *words, int *output)
{
    int ends[2];
    (void)fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        run_command(ends[1], words);
    }
    (void)close(ends[1]);
    *output = ends[0];
    return pid;
}

/* Reads until stop is in what came (NULL: until the program ends). */
static void read_until(struct place *p, int output, const char *stop)
{
    size_t len = strlen(p->text);
    while (stop == NULL || strstr(p->text, stop) == NULL) {
        ssize_t n = read(output, p->text + len, sizeof p->text - 1 - len);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        p->text[len] = '\0';
    }
}

static int finish(pid_t pid, int output)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run(struct place *p, const char *const *words)
{
    int output = -1;
    p->text[0] = '\0';
    pid_t pid = start(words, &output);
    read_until(p, output, NULL);
    return finish(pid, output);
}

static void expect_text(const struct place *p, const char *text)
{
    if (strstr(p->text, text) == NULL) {
        fail_msg("\"%s\" is not in: %s", text, p->text);
    }
}

static void expect_notification(int socket_fd, const char *expected)
{
    char state[64];
    ssize_t n = recv(socket_fd, state, sizeof state - 1, 0);
    assert_true(n > 0);
    state[n] = '\0';
    assert_string_equal(state, expected);
}

static int listen_for_notifications(struct place *p)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { .tv_sec = 60 };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0 && strlen(p->notify) < sizeof address.sun_path);
    memcpy(address.sun_path, p->notify, strlen(p->notify));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", p->notify, 1), 0);
    return fd;
}

static void it_says_where_it_listens_and_stops_on_sigterm(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    const char *const words[] = { "--data",   p.data,        "--listen",     "127.0.0.1:0",
                                  "--listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
                                  "--set",    "key=p256",    "--log-level",  "error",
                                  NULL };
    char root[128];
    int output = -1;
    int notifications = listen_for_notifications(&p);
    pid_t pid = start(words, &output);
    read_until(&p, output, "}\n");
    json_t *ready = json_loads(p.text, 0, NULL);
    assert_non_null(ready);
    assert_string_equal(json_string_value(json_object_get(ready, "event")), "ready");
    assert_int_equal(json_array_size(json_object_get(ready, "listen")), 2);
    assert_int_equal(json_array_size(json_object_get(ready, "api")), 1);
    assert_int_equal(json_integer_value(json_object_get(ready, "pid")), pid);
    (void)snprintf(root, sizeof root, "%s/root.crt", p.data);
    assert_string_equal(json_string_value(json_object_get(ready, "root")), root);
    assert_int_equal(access(root, R_OK), 0);
    json_decref(ready);
    expect_notification(notifications, "READY=1");
    assert_int_equal(kill(pid, SIGTERM), 0);
    expect_notification(notifications, "STOPPING=1");
    assert_int_equal(finish(pid, output), CLI_OK);
    (void)close(notifications);
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    end(&p);
}

static void a_port_in_use_is_the_environments_fault(void **state)
{
    (void)state;
    struct place p;
    char taken[64];
    begin(&p);
    struct loop *loop = loop_new_uv(NULL);
    struct address address = { .host = "127.0.0.1" };
    struct listener *listener = net_listen(loop, &address, NULL, NULL, NULL);
    assert_non_null(listener);
    listener_address(listener, &address);
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", address.port);
    const char *const words[] = {
        "--data", p.data, "--listen", taken, "--set", "tls=offload", NULL
    };
    assert_int_equal(run(&p, words), CLI_ENVIRONMENT);
    expect_text(&p, taken);
    expect_text(&p, "address already in use");
    listener_close(listener);
    loop_free(loop);
    end(&p);
}

static void expect_invalid(const char *config, const char *text)
{
    struct place p;
    char where[128];
    begin(&p);
    write_file(p.config, config);
    const char *const check[] = { "--check", "--config", p.config, NULL };
    const char *const start_it[] = { "--config", p.config, "--data", p.data, NULL };
    (void)snprintf(where, sizeof where, "%s:%s", p.config, text);
    assert_int_equal(run(&p, check), CLI_INVALID);
    expect_text(&p, where);
    assert_int_equal(run(&p, start_it), CLI_INVALID);
    expect_text(&p, where);
    end(&p);
}

static void mistakes_in_the_configuration_are_shown_with_their_place(void **state)
{
    (void)state;
    expect_invalid("name: mps.test\nidel_limit: 9s\n", "2:1: unknown key \"idel_limit\"");
    expect_invalid("idle_limit: 9\n", "1:13: idle_limit");
    expect_invalid("users:\n  - {name: admin, pasword: x}\n", "2:19: users: \"pasword\"");
    expect_invalid("name: [\n", "2:");
}

static void a_configuration_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    const char *const words[] = { "--config", p.config, NULL };
    assert_int_equal(run(&p, words), CLI_INVALID);
    expect_text(&p, p.config);
    expect_text(&p, "No such file");
    end(&p);
}

static void a_good_configuration_passes_the_check(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    write_file(p.config, "name: mps.test\nusers: [{name: admin, password: secret}]\n");
    const char *const words[] = { "--check", "--config", p.config, NULL };
    assert_int_equal(run(&p, words), CLI_OK);
    expect_text(&p, "the configuration is valid");
    end(&p);
}

#define CERTS AMTLAB_SOURCE_DIR "/mps/activation/tests/data/certs/"

/* The check opens the files of certificates, which a start would only warn about. */
static void the_check_opens_certificates_for_activation(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    const char *const words[] = { "--check", "--config", p.config, "--data", p.data, NULL };
    write_file(p.config, "activation:\n  certificates:\n"
                         "    - {name: x, pfx: '" CERTS "chain.pfx', password: 'P@ssw0rd'}\n");
    assert_int_equal(run(&p, words), CLI_OK);
    write_file(p.config, "activation:\n  certificates:\n"
                         "    - {name: x, pfx: '" CERTS "chain.pfx', password: 'wrong'}\n");
    assert_int_equal(run(&p, words), CLI_INVALID);
    expect_text(&p, "Unable to load certificate file: " CERTS "chain.pfx. (ACT-F-02)");
    assert_null(strstr(p.text, "valid\n"));
    write_file(p.config, "activation:\n  certificates:\n    - name: x\n      files: ['" CERTS
                         "leaf-expired.pem', '" CERTS "ca-chain.pem']\n      key: '" CERTS
                         "leaf-expired.key'\n");
    assert_int_equal(run(&p, words), CLI_OK);
    expect_text(&p, "(ACT-F-54)");
    end(&p);
}

static void every_key_is_in_the_printed_manual(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    static const char *const k_words[] = { "--print-config", NULL };
    assert_int_equal(run(&p, k_words), CLI_OK);
    for (const struct config_key *key = mps_config_keys; key->name != NULL; key++) {
        expect_text(&p, key->name);
        expect_text(&p, key->type == CONFIG_MAP ? key->children->help : key->help);
    }
    end(&p);
}

static void a_damaged_certificate_is_named(void **state)
{
    (void)state;
    struct place p;
    char path[128];
    begin(&p);
    const char *const words[] = { "--data",      p.data,  "--listen", "127.0.0.1:0", "--api-listen",
                                  "127.0.0.1:0", "--set", "key=p256", NULL };
    int output = -1;
    pid_t pid = start(words, &output);
    read_until(&p, output, "}\n");
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(finish(pid, output), CLI_OK);
    (void)snprintf(path, sizeof path, "%s/mps.crt", p.data);
    write_file(path, "nothing");
    assert_int_equal(run(&p, words), CLI_INVALID);
    expect_text(&p, path);
    end(&p);
}

static void odd_options_are_a_matter_of_usage(void **state)
{
    (void)state;
    struct place p;
    begin(&p);
    const char *const level[] = { "--data", p.data, "--log-level", "loud", NULL };
    const char *const option[] = { "--lisen", "x", NULL };
    assert_int_equal(run(&p, level), CLI_USAGE);
    expect_text(&p, "loud");
    assert_int_equal(run(&p, option), CLI_USAGE);
    expect_text(&p, "--listen");
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_where_it_listens_and_stops_on_sigterm),
        cmocka_unit_test(a_port_in_use_is_the_environments_fault),
        cmocka_unit_test(mistakes_in_the_configuration_are_shown_with_their_place),
        cmocka_unit_test(a_configuration_that_is_not_there_is_named),
        cmocka_unit_test(a_good_configuration_passes_the_check),
        cmocka_unit_test(the_check_opens_certificates_for_activation),
        cmocka_unit_test(every_key_is_in_the_printed_manual),
        cmocka_unit_test(a_damaged_certificate_is_named),
        cmocka_unit_test(odd_options_are_a_matter_of_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
