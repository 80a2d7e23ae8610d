/* `amtlab setupbin`: files that others made, byte for byte; what it refuses; a boot of a device. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "cli/options.h"

#define FILES       AMTLAB_SOURCE_DIR "/protocol/setupbin/tests/data/"
#define ROOT        AMTLAB_SOURCE_DIR "/simulator/firmware/tests/data/activation/root.pem"
#define HASH        "sha256:6dbed506612f8cc87d28e49207d717646b33cb974cc4e7f0b9acbd4ed611693e"
#define UUID        "12345678-9abc-def0-1234-56789abcdef0"
#define WORDS_MAX   32
#define OUTPUT_MAX  16384
#define PASSWORD    "N3wP@ss!"
#define PLACE_BYTES 96

struct place {
    char folder[64], out[PLACE_BYTES], password[PLACE_BYTES], yaml[PLACE_BYTES], state[PLACE_BYTES],
        output[PLACE_BYTES];
    char text[OUTPUT_MAX]; /* both outputs of the last command */
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void begin(struct place *p)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/amtlab-key-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->out, PLACE_BYTES, "%s/setup.bin", p->folder);
    (void)snprintf(p->password, PLACE_BYTES, "%s/password", p->folder);
    (void)snprintf(p->yaml, PLACE_BYTES, "%s/key.yaml", p->folder);
    (void)snprintf(p->state, PLACE_BYTES, "%s/state", p->folder);
    (void)snprintf(p->output, PLACE_BYTES, "%s/output", p->folder);
    write_file(p->password, PASSWORD "\n");
}

static void end(struct place *p)
{
    char device[2 * PLACE_BYTES];
    (void)snprintf(device, sizeof device, "%s/%s.json", p->state, UUID);
    (void)unlink(device);
    (void)rmdir(p->state);
    (void)unlink(p->out);
    (void)unlink(p->password);
    (void)unlink(p->yaml);
    (void)unlink(p->output);
    assert_int_equal(rmdir(p->folder), 0);
}

/* The child's life. */
static void be_command(const char *output, const char *const *words)
{
    char *arguments[WORDS_MAX + 1] = { NULL }, *rest[WORDS_MAX + 1] = { NULL };
    int count = 0, rest_count = 0;
    for (; words[count] != NULL && count < WORDS_MAX; count++) {
        arguments[count] = amt_strdup(words[count]);
    }
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        _exit(99);
    }
    void *options = amt_alloc(k_command_setupbin.options_bytes);
    int result =
        cli_parse(&k_command_setupbin, count, arguments, options, rest, &rest_count, stderr);
    if (result < 0) {
        result = k_command_setupbin.run(options, rest_count, rest);
    }
    (void)fflush(NULL);
    _exit(result);
}

static int run_words(struct place *p, const char *const *words)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        be_command(p->output, words);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    FILE *file = fopen(p->output, "r");
    assert_non_null(file);
    p->text[fread(p->text, 1, sizeof p->text - 1, file)] = '\0';
    (void)fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define RUN(p, ...) run_words(p, (const char *const[]){ __VA_ARGS__, NULL })

static bool says(const struct place *p, const char *text)
{
    return strstr(p->text, text) != NULL;
}

static void expect_same_file(const char *path, const char *name)
{
    char other[512];
    uint8_t a[4096], b[4096];
    (void)snprintf(other, sizeof other, FILES "%s", name);
    FILE *first = fopen(path, "rb"), *second = fopen(other, "rb");
    assert_true(first != NULL && second != NULL);
    size_t len = fread(a, 1, sizeof a, first);
    assert_int_equal(fread(b, 1, sizeof b, second), len);
    assert_memory_equal(a, b, len);
    (void)fclose(first);
    (void)fclose(second);
}

static void the_files_of_meshcentral_are_made_byte_for_byte(void **state)
{
    (void)state;
    static struct place p;
    struct stat facts;
    begin(&p);
    assert_int_equal(RUN(&p, "create", "--meshcentral", "standard", "--new-password-file",
                         p.password, "--pki-dns-suffix", "mc.example.com", "--hash", HASH, "--out",
                         p.out),
                     CLI_OK);
    expect_same_file(p.out, "meshcentral-standard.bin");
    assert_int_equal(stat(p.out, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(RUN(&p, "create", "--meshcentral", "bare-metal", "--new-password-file",
                         p.password, "--pki-dns-suffix", "example.com", "--root", ROOT,
                         "--server-address", "192.0.2.10", "--server-port", "9971", "--out", p.out),
                     CLI_OK);
    expect_same_file(p.out, "meshcentral-baremetal.bin");
    end(&p);
}

static void other_files_are_made_byte_for_byte(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "create", "--scramble", "--new-password-file", p.password,
                         "--pki-dns-suffix", "example.com", "--out", p.out),
                     CLI_OK);
    expect_same_file(p.out, "v3-scrambled.bin");
    write_file(p.password, "P@ssw0rd\n");
    assert_int_equal(RUN(&p, "create", "--file-version", "2", "--new-password-file", p.password,
                         "--pki-dns-suffix", "example.com", "--root", ROOT, "--hash-name", "AMTLab",
                         "--value", "manageability=1", "--value", "user-hashes=enabled", "--out",
                         p.out),
                     CLI_OK);
    expect_same_file(p.out, "v2-sha1.bin");
    end(&p);
}

static void a_file_is_made_from_yaml(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    write_file(
        p.yaml,
        "version: 4\nkeep: false\nrecords:\n"
        "  - variables:\n"
        "      current-password: admin\n      new-password: N3wP@ss!\n"
        "      hash: { file: " ROOT ", name: AMTLab256 }\n"
        "  - scrambled: true\n    variables:\n"
        "      current-password: admin\n      new-password: N3wP@ss!\n"
        "      hash:\n        - \"sha384:f7606c13216c11223ad5dfb90ca7651dc6e0c63f608d0bb34d0454"
        "daa7dc4108e1e687b259f406ea3b36a66c0482bf3f:AMTLab384\"\n");
    assert_int_equal(RUN(&p, "create", "--from", p.yaml, "--out", p.out), CLI_OK);
    expect_same_file(p.out, "v4-tworecords.bin");
    end(&p);
}

static void mistakes_in_yaml_are_told_with_their_place(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    write_file(p.yaml, "version: 5\nkeep: perhaps\nrecord: []\nrecords:\n"
                       "  - variables:\n      helo: started\n      hello: maybe\n"
                       "      server-address: 1.2.3\n      hash: sha256:12\n");
    assert_int_equal(RUN(&p, "create", "--from", p.yaml, "--out", p.out), CLI_INVALID);
    assert_true(says(&p, "key.yaml:1:10: version: setup.bin has no version \"5\""));
    assert_true(says(&p, "key.yaml:2:7: wants true or false"));
    assert_true(says(&p, "key.yaml:3:"));
    assert_true(says(&p, "did you mean \"hello\"?"));
    assert_true(says(&p, "one of 0 (halted), 1 (started)"));
    assert_true(says(&p, "\"1.2.3\" is no IPv4 address"));
    assert_true(says(&p, "\"sha256:12\" is no root hash"));
    assert_int_not_equal(access(p.out, F_OK), 0);
    assert_int_equal(RUN(&p, "create", "--from", "/nonexistent/key.yaml", "--out", p.out),
                     CLI_ENVIRONMENT);
    assert_int_equal(RUN(&p, "create", "--from", p.yaml, "--consume"), CLI_USAGE);
    end(&p);
}

static void a_file_that_breaks_a_rule_is_written_by_force_alone(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "create", "--pki-dns-suffix", "a.example", "--out", p.out),
                     CLI_INVALID);
    assert_true(says(&p, "the factory password admin is not followed by a new one"));
    assert_int_not_equal(access(p.out, F_OK), 0);
    assert_int_equal(RUN(&p, "create", "--pki-dns-suffix", "a.example", "--out", p.out, "--force"),
                     CLI_OK);
    assert_int_equal(RUN(&p, "show", p.out), CLI_INVALID);
    assert_true(says(&p, "a.example"));
    assert_true(says(&p, "error: record 1, variable 1,1"));
    end(&p);
}

static void a_secret_may_not_stand_in_an_argument(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "create", "--value", "new-password=" PASSWORD, "--out", p.out),
                     CLI_USAGE);
    assert_true(says(&p, "use --new-password-file"));
    assert_false(says(&p, PASSWORD));
    assert_int_equal(RUN(&p, "create", "--value", PASSWORD, "--out", p.out), CLI_USAGE);
    assert_false(says(&p, PASSWORD));
    end(&p);
}

static void what_a_preset_wants_is_said(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "create", "--meshcentral", "standard"), CLI_USAGE);
    assert_true(says(&p, "wants --pki-dns-suffix"));
    assert_int_equal(RUN(&p, "create", "--meshcentral", "standard", "--pki-dns-suffix", "x"),
                     CLI_USAGE);
    assert_true(says(&p, "wants --root or --hash"));
    assert_int_equal(
        RUN(&p, "create", "--meshcentral", "bare-metal", "--pki-dns-suffix", "x", "--hash", HASH),
        CLI_USAGE);
    assert_true(says(&p, "wants --server-address"));
    assert_int_equal(RUN(&p, "create", "--meshcentral", "other"), CLI_USAGE);
    assert_int_equal(RUN(&p, "create", "--root", p.password), CLI_USAGE);
    assert_true(says(&p, "has no certificate in PEM form"));
    assert_int_equal(RUN(&p, "create", "--root", "/nonexistent/root.pem"), CLI_ENVIRONMENT);
    assert_int_equal(RUN(&p, "make"), CLI_USAGE);
    assert_int_equal(RUN(&p, "show"), CLI_USAGE);
    assert_int_equal(RUN(&p, "create", "x"), CLI_USAGE);
    end(&p);
}

static void show_explains_and_keeps_secrets(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "show", FILES "meshcentral-baremetal.bin"), CLI_OK);
    assert_true(says(&p, "version 3.0 (from AMT 6 on), 1 record, kept"));
    assert_true(says(&p, "192.0.2.10"));
    assert_true(says(&p, "started (1)"));
    assert_true(says(&p, "\"MeshCentral\""));
    assert_true(says(&p, "(hidden)"));
    assert_false(says(&p, PASSWORD));
    assert_int_equal(RUN(&p, "show", FILES "meshcentral-baremetal.bin", "--secrets"), CLI_OK);
    assert_true(says(&p, PASSWORD));
    assert_int_equal(RUN(&p, "show", FILES "v1-psk.bin"), CLI_OK);
    assert_true(says(&p, "used up one by one: 0 of 1 are"));
    assert_true(says(&p, "4444AAA7"));
    assert_false(says(&p, "ABCIDEFR"));
    assert_int_equal(RUN(&p, "show", FILES "v4-tworecords.bin", "--json"), CLI_OK);
    assert_true(says(&p, "\"version\":\"4.0\",\"kept\":false,\"consumed\":0"));
    assert_true(says(&p, "\"scrambled\":true"));
    assert_false(says(&p, PASSWORD));
    end(&p);
}

static void a_damaged_file_is_told(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    write_file(p.out, "this is no setup.bin");
    assert_int_equal(RUN(&p, "show", p.out), CLI_INVALID);
    assert_true(says(&p, "too short for a header record (20, not 512)"));
    assert_int_equal(RUN(&p, "show", "/nonexistent/setup.bin"), CLI_ENVIRONMENT);
    assert_int_equal(RUN(&p, "apply", p.out, "--state", p.state, "--uuid", UUID), CLI_INVALID);
    assert_int_equal(RUN(&p, "apply", "/nonexistent/setup.bin", "--state", p.state, "--uuid", UUID),
                     CLI_ENVIRONMENT);
    end(&p);
}

/* ACT-DEV-047 */
static void a_file_is_applied_to_a_kept_device_once(void **state)
{
    (void)state;
    static struct place p;
    begin(&p);
    assert_int_equal(RUN(&p, "apply", FILES "meshcentral-standard.bin"), CLI_USAGE);
    assert_int_equal(RUN(&p, "apply", FILES "meshcentral-standard.bin", "--state", p.state),
                     CLI_NOTHING);
    assert_int_equal(RUN(&p, "apply", FILES "meshcentral-standard.bin", "--state", p.state,
                         "--uuid", UUID, "--set", "firmware.control_mode=none"),
                     CLI_OK);
    assert_true(says(&p, "record 1 of " FILES "meshcentral-standard.bin is applied\n"));
    assert_true(says(&p, "2,3 PKI DNS suffix (Trusted FQDN): mc.example.com"));
    assert_false(says(&p, PASSWORD));
    assert_int_equal(RUN(&p, "apply", FILES "meshcentral-standard.bin", "--state", p.state),
                     CLI_FAILED);
    assert_true(says(&p, "its current MEBx password (variable 1,1) is not the one"));
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_meshcentral_are_made_byte_for_byte),
        cmocka_unit_test(other_files_are_made_byte_for_byte),
        cmocka_unit_test(a_file_is_made_from_yaml),
        cmocka_unit_test(mistakes_in_yaml_are_told_with_their_place),
        cmocka_unit_test(a_file_that_breaks_a_rule_is_written_by_force_alone),
        cmocka_unit_test(a_secret_may_not_stand_in_an_argument),
        cmocka_unit_test(what_a_preset_wants_is_said),
        cmocka_unit_test(show_explains_and_keeps_secrets),
        cmocka_unit_test(a_damaged_file_is_told),
        cmocka_unit_test(a_file_is_applied_to_a_kept_device_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
