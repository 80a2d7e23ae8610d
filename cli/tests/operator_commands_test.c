/* The operator's commands as programs, against a simulated device on a port of its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"
#include "simulator/device.h"

#define WORDS_MAX    24
#define OUTPUT_BYTES 65536

struct pc {
    pid_t pid;
    char where[64];          /* 127.0.0.1:PORT */
    char text[OUTPUT_BYTES]; /* what the last command printed, on both outputs */
};

static void on_accept(void *ctx, struct stream *s)
{
    firmware_serve(ctx, s, FIRMWARE_NETWORK);
}

/* The device's life, in a process of its own. */
static void run_device(int output)
{
    static struct device_config config;
    static const struct address k_any = { .host = "127.0.0.1" };
    struct amt_diag diag = { .err = AMT_OK };
    struct address address;
    struct loop *loop = loop_new_uv(&diag);
    struct log *log = log_new(loop);
    if (device_config_load(NULL, NULL, NULL, &config, NULL) != AMT_OK) {
        _exit(1);
    }
    config.firmware.power_delay_us = 1000;
    config.cira.to = amt_strdup("127.0.0.1:1"); /* it is never told to call */
    config.cira.user = amt_strdup("ABCDEFGHIJKLMNOP");
    config.cira.password = amt_strdup("P@ssw0rd");
    struct device *device = device_new(loop, &config, 1, 0, log, &diag);
    struct firmware *firmware = device == NULL ? NULL : device_firmware(device, &diag);
    struct listener *listener =
        firmware == NULL ? NULL : net_listen(loop, &k_any, on_accept, firmware, &diag);
    if (listener == NULL) {
        (void)fprintf(stderr, "%s\n", diag.text);
        _exit(2);
    }
    listener_address(listener, &address);
    uint16_t port = address.port;
    (void)!write(output, &port, sizeof port);
    loop_run(loop);
    _exit(0);
}

static int setup(void **state)
{
    int ends[2];
    uint16_t port = 0;
    struct pc *pc = amt_alloc(sizeof *pc);
    assert_non_null(pc);
    (void)fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    pc->pid = fork();
    if (pc->pid == 0) {
        run_device(ends[1]);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    (void)close(ends[0]);
    (void)snprintf(pc->where, sizeof pc->where, "127.0.0.1:%u", port);
    assert_int_equal(setenv("AMTLAB_AMT_PASSWORD", "P@ssw0rd", 1), 0);
    assert_int_equal(setenv("AMTLAB_NEW_PASSWORD", "H3lpdesk!", 1), 0);
    *state = pc;
    return 0;
}

static int teardown(void **state)
{
    struct pc *pc = *state;
    int status = 0;
    assert_int_equal(kill(pc->pid, SIGKILL), 0);
    assert_int_equal(waitpid(pc->pid, &status, 0), pc->pid);
    amt_free(pc);
    return 0;
}

static void run_command(const struct cli_command *command, int output, const char *const *words)
{
    char *arguments[WORDS_MAX + 1] = { NULL }, *rest[WORDS_MAX + 1] = { NULL };
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
    }
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(output, STDERR_FILENO);
    void *options = amt_alloc(command->options_bytes);
    int code = cli_parse(command, count, arguments, options, rest, &rest_count, stderr);
    if (code < 0) {
        code = command->run(options, rest_count, rest);
    }
    (void)fflush(stdout);
    _exit(code);
}

static int run_words(struct pc *pc, const struct cli_command *command, const char *const *words)
{
    int ends[2], status = 0;
    size_t len = 0;
    (void)fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_command(command, ends[1], words);
    }
    (void)close(ends[1]);
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) {
        n = read(ends[0], pc->text + len, sizeof pc->text - 1 - len);
    }
    pc->text[len] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* clang-format off */
#define RUN(pc, command, ...)                       \
    run_words(pc, &k_command_##command,             \
              (const char *const[]){ "--device", (pc)->where, __VA_ARGS__, NULL })
/* clang-format on */

static void expect_text(const struct pc *pc, const char *text)
{
    if (strstr(pc->text, text) == NULL) {
        fail_msg("\"%s\" is not in: %s", text, pc->text);
    }
}

static void info_says_what_the_device_is(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, info, "--json"), CLI_OK);
    json_t *info = json_loads(pc->text, 0, NULL);
    assert_non_null(info);
    assert_string_equal(json_string_value(json_object_get(info, "mode")), "admin control");
    assert_string_equal(json_string_value(json_object_get(info, "power")), "on");
    assert_int_equal(json_string_length(json_object_get(info, "uuid")), 36);
    json_decref(info);
    assert_int_equal(RUN(pc, info, "network", "kvm"), CLI_OK);
    expect_text(pc, "AMT_EthernetPortSettings");
    assert_int_equal(RUN(pc, info, "netwrk"), CLI_USAGE);
    expect_text(pc, "did you mean network?");
}

static void power_goes_off_and_on(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, power, "off", "--wait"), CLI_OK);
    expect_text(pc, "off (soft)");
    assert_int_equal(RUN(pc, power, "reset"), CLI_FAILED);
    expect_text(pc, "the method returns 2 (refused)");
    assert_int_equal(RUN(pc, power, "on", "--wait"), CLI_OK);
    assert_int_equal(RUN(pc, power, "--json"), CLI_OK);
    expect_text(pc, "\"state\":2");
    assert_int_equal(RUN(pc, power, "of"), CLI_USAGE);
}

static void boot_takes_a_source_once(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, boot, "set", "pxe", "--then", "reset"), CLI_OK);
    assert_int_equal(RUN(pc, boot, "show", "--json"), CLI_OK);
    expect_text(pc, "Intel(r) AMT: Force PXE Boot");
    assert_int_equal(RUN(pc, boot, "set", "nonsense"), CLI_FAILED);
    assert_int_equal(RUN(pc, boot, "set", "--then", "off"), CLI_USAGE);
}

static void logs_hold_what_was_done(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, logs, "audit", "--json"), CLI_OK);
    expect_text(pc, "\"application\":\"Remote Control\"");
    expect_text(pc, "\"user\":\"admin\"");
    assert_int_equal(RUN(pc, logs, "event", "clear"), CLI_OK);
    assert_int_equal(RUN(pc, logs, "event", "--json"), CLI_OK);
    expect_text(pc, "[");
    assert_int_equal(RUN(pc, logs, "nothing"), CLI_USAGE);
}

static void users_come_and_go(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, users, "add", "helpdesk"), CLI_USAGE);
    assert_int_equal(RUN(pc, users, "add", "helpdesk", "--realm", "general-info"), CLI_OK);
    assert_int_equal(RUN(pc, users, "list"), CLI_OK);
    expect_text(pc, "helpdesk");
    assert_null(strstr(pc->text, "H3lpdesk!"));
    assert_int_equal(setenv("AMTLAB_AMT_PASSWORD", "H3lpdesk!", 1), 0);
    assert_int_equal(RUN(pc, wsman, "get", "AMT_GeneralSettings", "--user", "helpdesk"), CLI_OK);
    assert_int_equal(RUN(pc, wsman, "get", "AMT_TLSSettingData", "--user", "helpdesk", "-s",
                         "InstanceID=Intel(r) AMT LMS TLS Settings"),
                     CLI_FAILED);
    assert_int_equal(setenv("AMTLAB_AMT_PASSWORD", "P@ssw0rd", 1), 0);
    assert_int_equal(RUN(pc, users, "disable", "helpdesk"), CLI_OK);
    assert_int_equal(RUN(pc, users, "remove", "helpdesk"), CLI_OK);
    assert_int_equal(RUN(pc, users, "remove", "helpdesk"), CLI_FAILED);
    expect_text(pc, "has no user");
}

static void cira_is_set_and_taken_away(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(setenv("AMTLAB_MPS_PASSWORD", "P@ssw0rd", 1), 0);
    assert_int_equal(RUN(pc, cira, "set", "mps.example:4433"), CLI_USAGE);
    assert_int_equal(RUN(pc, cira, "set", "192.0.2.1:4433", "--mps-user", "ABCDEFGHIJKLMNOP",
                         "--common-name", "mps.example", "--user-initiated"),
                     CLI_OK);
    assert_int_equal(RUN(pc, cira, "show"), CLI_OK);
    expect_text(pc, "192.0.2.1");
    expect_text(pc, "Periodic");
    expect_text(pc, "User Initiated");
    assert_int_equal(RUN(pc, cira, "clear"), CLI_OK);
    assert_int_equal(RUN(pc, cira, "show", "--json"), CLI_OK);
    expect_text(pc, "\"servers\":[]");
    assert_int_equal(RUN(pc, cira, "clear"), CLI_OK);
}

static void wsman_reads_changes_and_calls(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, wsman, "put", "AMT_GeneralSettings", "HostName=pc17"), CLI_OK);
    assert_int_equal(RUN(pc, wsman, "get", "AMT_GeneralSettings"), CLI_OK);
    expect_text(pc, "pc17");
    assert_int_equal(RUN(pc, wsman, "enum", "CIM_SoftwareIdentity", "--json"), CLI_OK);
    expect_text(pc, "\"class\":\"CIM_SoftwareIdentity\"");
    assert_int_equal(
        RUN(pc, wsman, "invoke", "AMT_TimeSynchronizationService.GetLowAccuracyTimeSynch"), CLI_OK);
    expect_text(pc, "Ta0");
    assert_int_equal(RUN(pc, wsman, "invoke", "AMT_RemoteAccessService.AddMpServer", "Port=1",
                         "AccessInfo=x", "InfoFormat=9", "AuthMethod=2", "--json"),
                     CLI_FAILED);
    assert_int_equal(RUN(pc, wsman, "get", "CIM_Nothing", "--json"), CLI_FAILED);
    expect_text(pc, "\"fault\":\"DestinationUnreachable\"");
}

static void wrong_words_are_usage(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(RUN(pc, wsman, "get", "General"), CLI_USAGE);
    assert_int_equal(RUN(pc, wsman, "gte", "AMT_GeneralSettings"), CLI_USAGE);
    expect_text(pc, "did you mean get?");
    assert_int_equal(RUN(pc, wsman, "get", "AMT_GeneralSettings", "X=1"), CLI_USAGE);
    assert_int_equal(RUN(pc, wsman, "put", "AMT_GeneralSettings", "no value"), CLI_USAGE);
    assert_int_equal(RUN(pc, wsman, "invoke", "AMT_GeneralSettings"), CLI_USAGE);
    assert_int_equal(RUN(pc, wsman, "get", "AMT_GeneralSettings", "--trust", "x"), CLI_USAGE);
    assert_int_equal(RUN(pc, wsman, "get", "AMT_GeneralSettings", "--tls"), CLI_USAGE);
    assert_int_equal(unsetenv("AMTLAB_AMT_PASSWORD"), 0);
    assert_int_equal(RUN(pc, info, "general"), CLI_USAGE);
    expect_text(pc, "AMTLAB_AMT_PASSWORD");
    assert_int_equal(setenv("AMTLAB_AMT_PASSWORD", "P@ssw0rd", 1), 0);
}

static void who_is_not_reached_or_known_is_the_environments_fault(void **state)
{
    struct pc *pc = *state;
    assert_int_equal(
        run_words(pc, &k_command_info, (const char *const[]){ "--device", "127.0.0.1:1", NULL }),
        CLI_ENVIRONMENT);
    expect_text(pc, "connection refused");
    assert_int_equal(RUN(pc, info, "--user", "nobody"), CLI_ENVIRONMENT);
    expect_text(pc, "nobody");
    assert_null(strstr(pc->text, "P@ssw0rd"));
    assert_int_equal(RUN(pc, info, "--tls", "--insecure"), CLI_ENVIRONMENT); /* no TLS there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_says_what_the_device_is),
        cmocka_unit_test(power_goes_off_and_on),
        cmocka_unit_test(boot_takes_a_source_once),
        cmocka_unit_test(logs_hold_what_was_done),
        cmocka_unit_test(users_come_and_go),
        cmocka_unit_test(cira_is_set_and_taken_away),
        cmocka_unit_test(wsman_reads_changes_and_calls),
        cmocka_unit_test(wrong_words_are_usage),
        cmocka_unit_test(who_is_not_reached_or_known_is_the_environments_fault),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
