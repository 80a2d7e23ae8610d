/* `amtlab activate` against our RPS server in a process of its own, over real sockets. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/unit.h"
#include "cli/options.h"
#include "mps/activation/rps.h"
#include "runtime/tls.h"

#define ACTIVATE_WORDS_MAX 24

struct rps_process {
    pid_t pid;
    char url[64];
    char hash[97]; /* of its certificate, with wss */
    char log_path[64];
};

static void must_be(bool is_good)
{
    if (!is_good) {
        _exit(9);
    }
}

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    (void)ctx;
    *policy = (struct activation_policy){ .type = ACTIVATION_POLICY_CLIENT };
    *group = "lab";
    if (strcmp(name, "leave") == 0) {
        _exit(0); /* in the middle of the conversation */
    }
    return strcmp(name, "ccm") == 0 && secret_set(&policy->password, "Adm1n!pw", 8) == AMT_OK;
}

static void serve_rps(int to_parent, const char *log_path, struct pki_identity *identity)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct address address = { .host = "127.0.0.1" };
    struct tls_context *tls = NULL;
    struct rps_server_settings settings = { .find_profile = find_profile };
    settings.activation.loop = loop_new_uv(&diag);
    settings.activation.hold_us = 1000;
    settings.activation.certificates = activation_certificates_new();
    must_be(activation_log_open(log_path, NULL, &settings.activation.activation_log, &diag) ==
            AMT_OK);
    if (identity != NULL) {
        const struct tls_settings tls_settings = { .is_server = true,
                                                   .identity = identity,
                                                   .client_certificate = TLS_CLIENT_NOT_ASKED };
        tls = tls_context_new(&tls_settings, &diag);
        must_be(tls != NULL);
    }
    struct rps_server *server = rps_server_new(&settings);
    must_be(server != NULL && rps_server_listen(server, &address, tls, &diag) == AMT_OK);
    rps_server_address(server, &address);
    must_be(write(to_parent, &address.port, sizeof address.port) == sizeof address.port);
    loop_run(settings.activation.loop);
    _exit(0);
}

static void start_rps(struct rps_process *process, struct pki_identity *identity)
{
    int ends[2];
    uint16_t port = 0;
    memset(process, 0, sizeof *process);
    (void)snprintf(process->log_path, sizeof process->log_path, "/tmp/amtlab-rps-%d.log",
                   (int)getpid());
    (void)unlink(process->log_path);
    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid == 0) {
        (void)close(ends[0]);
        serve_rps(ends[1], process->log_path, identity);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    (void)close(ends[0]);
    (void)snprintf(process->url, sizeof process->url, "%s://127.0.0.1:%u/activate",
                   identity == NULL ? "ws" : "wss", port);
}

static void stop_rps(struct rps_process *process)
{
    int status = 0;
    (void)kill(process->pid, SIGKILL);
    assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
    (void)unlink(process->log_path);
}

/* Runs the command with standard output in a file; the result is the exit code. */
static int run_activate(char *output, size_t cap, const char *const *words)
{
    const struct cli_command *command = &k_command_activate;
    char *arguments[ACTIVATE_WORDS_MAX + 1] = { NULL }, *rest[ACTIVATE_WORDS_MAX + 1] = { NULL };
    char path[] = "/tmp/amtlab-activate-XXXXXX";
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < ACTIVATE_WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
    }
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO), file = mkstemp(path);
    assert_true(kept >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    void *options = amt_alloc(command->options_bytes);
    int code = cli_parse(command, count, arguments, options, rest, &rest_count, stderr);
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
    for (int i = 0; i < count; i++) {
        amt_free(arguments[i]);
    }
    return code;
}

#define ACTIVATE(output, process, dir, ...)                                                 \
    run_activate(output, sizeof(output),                                                    \
                 (const char *const[]){ "--url", (process)->url, "--device-state", dir,     \
                                        "--device-profile", "amt-16.1", "--timeout", "60s", \
                                        __VA_ARGS__, NULL })

static void make_dir(char *dir)
{
    assert_non_null(mkdtemp(dir));
}

static void remove_dir(const char *dir)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of this test */
}

static void a_device_is_activated_and_remembers_it(void **state)
{
    struct rps_process process;
    char output[2048], dir[] = "/tmp/amtlab-pc-XXXXXX";
    (void)state;
    make_dir(dir);
    start_rps(&process, NULL);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm"), CLI_OK);
    assert_non_null(strstr(output, "Client control mode.\n"));
    assert_int_equal(setenv("AMTLAB_AMT_PASSWORD", "Adm1n!pw", 1), 0);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm"), CLI_OK);
    assert_string_equal(output, "already enabled in client mode.\n");
    assert_int_equal(ACTIVATE(output, &process, dir, "--deactivate"), CLI_OK);
    assert_string_equal(output, "Deactivated\n");
    assert_int_equal(unsetenv("AMTLAB_AMT_PASSWORD"), 0);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm"), CLI_OK);
    assert_string_equal(output, "Client control mode.\n"); /* it had forgotten */
    stop_rps(&process);
    remove_dir(dir);
}

/* ACT-CLI-018 */
static void each_end_has_its_exit_code(void **state)
{
    struct rps_process process;
    char output[2048], dir[] = "/tmp/amtlab-pc-XXXXXX";
    (void)state;
    make_dir(dir);
    start_rps(&process, NULL);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "none"), CLI_FAILED);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "a b"), CLI_USAGE);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "a", "--id", "b"), CLI_USAGE);
    assert_int_equal(ACTIVATE(output, &process, dir, "--deactivate"), CLI_USAGE);
    assert_int_equal(
        ACTIVATE(output, &process, dir, "--profile", "ccm", "--device-set", "no.key=1"), CLI_USAGE);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "leave"), CLI_UNFINISHED);
    stop_rps(&process);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm"), CLI_ENVIRONMENT);
    assert_string_equal(output, "");
    remove_dir(dir);
}

/* ACT-CLI-009 */
static void the_server_is_known_by_its_hash(void **state)
{
    static const struct pki_request k_request = { .common_name = "rps.example.com",
                                                  .key = PKI_RSA_2048,
                                                  .for_server = true };
    struct rps_process process;
    char output[2048], dir[] = "/tmp/amtlab-pc-XXXXXX";
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct text hash = { 0 };
    (void)state;
    struct pki_identity *identity = pki_issue(&k_request, NULL, NULL);
    assert_int_equal(X509_digest(pki_certificate(identity), EVP_sha384(), digest, &len), 1);
    text_hex(&hash, digest, len);
    make_dir(dir);
    start_rps(&process, identity);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm"), CLI_ENVIRONMENT);
    assert_int_equal(
        ACTIVATE(output, &process, dir, "--profile", "ccm", "--serverhttpshash", hash.chars),
        CLI_OK);
    hash.chars[0] = hash.chars[0] == '0' ? '1' : '0';
    assert_int_equal(
        ACTIVATE(output, &process, dir, "--profile", "ccm", "--serverhttpshash", hash.chars),
        CLI_ENVIRONMENT);
    assert_int_equal(ACTIVATE(output, &process, dir, "--profile", "ccm", "--serverhttpshash", "12"),
                     CLI_ENVIRONMENT);
    stop_rps(&process);
    remove_dir(dir);
    text_fini(&hash);
    pki_identity_free(identity);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_activated_and_remembers_it),
        cmocka_unit_test(each_end_has_its_exit_code),
        cmocka_unit_test(the_server_is_known_by_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
