#include "runtime/config.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/unit.h"

struct tls {
    int version;
    char *ciphers;
};

struct sample {
    bool is_open;
    uint32_t devices;
    char *name;
    uint64_t idle_us;
    uint32_t buffer_bytes;
    int mode;
    struct config_texts listen;
    struct config_numbers ports;
    struct tls tls;
    const struct yaml_node *users;
};

static const char *const k_modes[] = { "off", "group", "store", NULL };
static const char *const k_versions[] = { "1.2", "1.3", NULL };

static const struct config_key k_tls_keys[] = {
    { .name = "version",
      .type = CONFIG_ENUM,
      .offset = offsetof(struct tls, version),
      .fallback = "1.3",
      .names = k_versions,
      .help = "lowest version" },
    { .name = "ciphers", .type = CONFIG_TEXT, .offset = offsetof(struct tls, ciphers) },
    { .name = NULL },
};

static const struct config_key k_keys[] = {
    { .name = "open", .type = CONFIG_BOOL, .offset = offsetof(struct sample, is_open) },
    { .name = "devices",
      .type = CONFIG_U32,
      .offset = offsetof(struct sample, devices),
      .fallback = "100",
      .min = 1,
      .max = 10000,
      .help = "most devices at a time" },
    { .name = "name",
      .type = CONFIG_TEXT,
      .offset = offsetof(struct sample, name),
      .fallback = "amtlab",
      .help = "how it calls itself" },
    { .name = "idle_limit",
      .type = CONFIG_DURATION,
      .offset = offsetof(struct sample, idle_us),
      .fallback = "90s",
      .min = 1000000,
      .max = 3600000000 },
    { .name = "buffer",
      .type = CONFIG_SIZE,
      .offset = offsetof(struct sample, buffer_bytes),
      .fallback = "64KiB",
      .min = 4096,
      .max = 1048576 },
    { .name = "mode",
      .type = CONFIG_ENUM,
      .offset = offsetof(struct sample, mode),
      .fallback = "store",
      .names = k_modes },
    { .name = "listen",
      .type = CONFIG_TEXTS,
      .offset = offsetof(struct sample, listen),
      .fallback = "0.0.0.0:4433" },
    { .name = "ports",
      .type = CONFIG_NUMBERS,
      .offset = offsetof(struct sample, ports),
      .fallback = "[16992, 16993]" },
    { .name = "tls",
      .type = CONFIG_MAP,
      .offset = offsetof(struct sample, tls),
      .children = k_tls_keys },
    { .name = "users", .type = CONFIG_NODE, .offset = offsetof(struct sample, users) },
    { .name = NULL },
};

static char *printed(const struct amt_diag_list *errors)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    amt_diag_list_print(errors, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct yaml_document *load(const char *yaml)
{
    struct yaml_document *document = yaml_load_text(yaml, "mps.yaml", NULL);
    assert_non_null(document);
    return document;
}

/* Reads yaml, compares all errors with wanted, and leaves the values in *sample. */
static void read_with_errors(const char *yaml, const char *wanted, struct sample *sample)
{
    struct yaml_document *document = load(yaml);
    struct amt_diag_list errors = { 0 };
    assert_int_equal(config_read(k_keys, yaml_root(document), "mps.yaml", sample, &errors),
                     AMT_ECONFIG);
    char *text = printed(&errors);
    assert_string_equal(text, wanted);
    amt_free(text);
    amt_diag_list_fini(&errors);
    yaml_free(document);
}

static void assert_refused(const char *yaml, const char *wanted)
{
    struct sample sample;
    read_with_errors(yaml, wanted, &sample);
    config_fini(k_keys, &sample);
}

static void defaults_are_set_without_a_file(void **state)
{
    (void)state;
    struct sample sample;
    memset(&sample, 0xa5, sizeof sample); /* what was there before does not matter */
    struct amt_diag_list errors = { 0 };
    assert_int_equal(config_read(k_keys, NULL, "", &sample, &errors), AMT_OK);
    assert_int_equal(errors.count, 0);
    assert_false(sample.is_open);
    assert_int_equal(sample.devices, 100);
    assert_string_equal(sample.name, "amtlab");
    assert_int_equal(sample.idle_us, 90000000);
    assert_int_equal(sample.buffer_bytes, 65536);
    assert_int_equal(sample.mode, 2);
    assert_int_equal(sample.listen.count, 1);
    assert_string_equal(sample.listen.items[0], "0.0.0.0:4433");
    assert_null(sample.listen.items[1]);
    assert_int_equal(sample.ports.count, 2);
    assert_int_equal(sample.ports.items[1], 16993);
    assert_int_equal(sample.tls.version, 1);
    assert_null(sample.tls.ciphers);
    assert_null(sample.users);
    config_fini(k_keys, &sample);
    assert_null(sample.name);
    config_fini(k_keys, &sample);
}

static void values_of_every_type_are_bound(void **state)
{
    (void)state;
    struct yaml_document *document = load("open: true\n"
                                          "devices: 0x10\n"
                                          "name: no\n"
                                          "idle_limit: 1.5s\n"
                                          "buffer: 512KiB\n"
                                          "mode: off\n"
                                          "listen: [a, \"\"]\n"
                                          "ports: 5900\n"
                                          "tls: { version: 1.2, ciphers: \"x:y\" }\n"
                                          "users: [{ any: thing }]\n");
    struct sample sample;
    assert_int_equal(config_read(k_keys, yaml_root(document), "mps.yaml", &sample, NULL), AMT_OK);
    assert_true(sample.is_open);
    assert_int_equal(sample.devices, 16);
    assert_string_equal(sample.name, "no");
    assert_int_equal(sample.idle_us, 1500000);
    assert_int_equal(sample.buffer_bytes, 524288);
    assert_int_equal(sample.mode, 0);
    assert_int_equal(sample.listen.count, 2);
    assert_string_equal(sample.listen.items[1], "");
    assert_int_equal(sample.ports.count, 1);
    assert_int_equal(sample.ports.items[0], 5900);
    assert_int_equal(sample.tls.version, 0);
    assert_string_equal(sample.tls.ciphers, "x:y");
    assert_string_equal(yaml_get(sample.users->first, "any")->text, "thing");
    config_fini(k_keys, &sample);
    yaml_free(document);
}

static void an_unknown_key_names_the_nearest_and_all_that_are_allowed(void **state)
{
    (void)state;
    assert_refused(
        "name: x\nidel_limit: 90s\n",
        "mps.yaml:2:1: unknown key \"idel_limit\"\n"
        "    did you mean \"idle_limit\"? allowed here: open, devices, name, idle_limit, "
        "buffer, mode, listen, ports, tls, users\n");
    assert_refused("tls:\n  protocol: 1.2\n", "mps.yaml:2:3: unknown key \"tls.protocol\"\n"
                                              "    allowed here: version, ciphers\n");
    assert_refused(
        "\"a\\e[31m\": 1\n",
        "mps.yaml:1:1: unknown key \"a\\u001b[31m\"\n"
        "    allowed here: open, devices, name, idle_limit, buffer, mode, listen, ports, "
        "tls, users\n");
}

static void a_wrong_value_says_what_was_found_and_what_is_allowed(void **state)
{
    (void)state;
    assert_refused("open: yes\n", "mps.yaml:1:7: open: found \"yes\"\n"
                                  "    wanted: true or false\n");
    assert_refused("devices: many\n",
                   "mps.yaml:1:10: devices: found \"many\"\n"
                   "    wanted: a whole number, decimal or 0x..., from 1 to 10000\n");
    assert_refused("devices: 10001\n",
                   "mps.yaml:1:10: devices: found \"10001\"\n"
                   "    wanted: a whole number, decimal or 0x..., from 1 to 10000\n");
    assert_refused("idle_limit: 90\n",
                   "mps.yaml:1:13: idle_limit: found \"90\"\n"
                   "    wanted: a duration with its unit (us, ms, s, m, h, d), such as 250ms or "
                   "90s, from 1s to 1h\n");
    assert_refused("idle_limit: 2h\n",
                   "mps.yaml:1:13: idle_limit: found \"2h\"\n"
                   "    wanted: a duration with its unit (us, ms, s, m, h, d), such as 250ms or "
                   "90s, from 1s to 1h\n");
    assert_refused("buffer: 64kb\n", "mps.yaml:1:9: buffer: found \"64kb\"\n"
                                     "    wanted: a size (B, KiB, MiB, GiB), such as 512B or "
                                     "64KiB, from 4KiB to 1MiB\n");
    assert_refused("mode: groups\n", "mps.yaml:1:7: mode: found \"groups\"\n"
                                     "    wanted: off, group or store\n");
    assert_refused("ports: [16992, x]\n", "mps.yaml:1:16: ports: found \"x\"\n"
                                          "    wanted: a list of whole numbers, or one of them\n");
    assert_refused("listen: { a: b }\n", "mps.yaml:1:9: listen: found a map\n"
                                         "    wanted: a list of texts, or one text\n");
    assert_refused("tls: 1.2\n", "mps.yaml:1:6: tls: found a text\n"
                                 "    wanted: a map: lines of \"key: value\"\n");
    assert_refused("name:\n", "mps.yaml:1:6: name: found nothing\n"
                              "    wanted: a text\n");
    assert_refused("name: [secret]\n", "mps.yaml:1:7: name: found a list\n"
                                       "    wanted: a text\n");
    assert_refused("[a]\n", "mps.yaml:1:1: found a list; wanted a map: lines of \"key: value\"\n");
}

static void all_errors_are_reported_and_good_values_stay(void **state)
{
    (void)state;
    struct sample sample;
    read_with_errors("open: maybe\n"
                     "devices: 7\n"
                     "listen: [a, [b]]\n"
                     "tls: { version: 1.1, cipher: x }\n",
                     "mps.yaml:1:7: open: found \"maybe\"\n"
                     "    wanted: true or false\n"
                     "mps.yaml:3:13: listen: found a list\n"
                     "    wanted: a list of texts, or one text\n"
                     "mps.yaml:4:17: tls.version: found \"1.1\"\n"
                     "    wanted: 1.2 or 1.3\n"
                     "mps.yaml:4:22: unknown key \"tls.cipher\"\n"
                     "    did you mean \"ciphers\"? allowed here: version, ciphers\n",
                     &sample);
    assert_int_equal(sample.devices, 7);
    assert_int_equal(sample.tls.version, 1);
    assert_string_equal(sample.listen.items[0], "0.0.0.0:4433");
    config_fini(k_keys, &sample);
}

static void a_long_value_is_cut_where_a_character_ends(void **state)
{
    (void)state;
    assert_refused("mode: 0123456789012345678901234567890123456789x\n",
                   "mps.yaml:1:7: mode: found \"0123456789012345678901234567890123456789\"...\n"
                   "    wanted: off, group or store\n");
    assert_refused("mode: 012345678901234567890123456789012345678\xc3\xa9x\n",
                   "mps.yaml:1:7: mode: found \"012345678901234567890123456789012345678\"...\n"
                   "    wanted: off, group or store\n");
}

static void an_overlay_changes_only_what_it_names(void **state)
{
    (void)state;
    struct sample sample;
    assert_int_equal(config_read(k_keys, NULL, "", &sample, NULL), AMT_OK);
    struct yaml_document *document = load("name: other\ntls: { ciphers: c }\nports: []\n");
    assert_int_equal(config_overlay(k_keys, yaml_root(document), "mps.yaml", &sample, NULL),
                     AMT_OK);
    assert_string_equal(sample.name, "other");
    assert_string_equal(sample.tls.ciphers, "c");
    assert_int_equal(sample.ports.count, 0);
    assert_int_equal(sample.devices, 100);
    config_fini(k_keys, &sample);
    yaml_free(document);
}

static void one_key_is_set_by_its_dotted_name(void **state)
{
    (void)state;
    struct sample sample;
    struct amt_diag diag = { 0 };
    assert_int_equal(config_read(k_keys, NULL, "", &sample, NULL), AMT_OK);
    assert_int_equal(config_set(k_keys, "tls.version", "1.2", &sample, &diag), AMT_OK);
    assert_int_equal(config_set(k_keys, "name", "n", &sample, &diag), AMT_OK);
    assert_int_equal(config_set(k_keys, "listen", "[::1]:1", &sample, &diag), AMT_OK);
    assert_string_equal(sample.listen.items[0], "[::1]:1");
    assert_int_equal(config_set(k_keys, "listen", "[a: b, [c]", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(sample.listen.items[0], "[::1]:1");
    assert_int_equal(config_set(k_keys, "listen", "[a:1, b:2]", &sample, &diag), AMT_OK);
    assert_int_equal(config_set(k_keys, "ports", "[1, 2, 3]", &sample, &diag), AMT_OK);
    assert_int_equal(sample.tls.version, 0);
    assert_string_equal(sample.name, "n");
    assert_string_equal(sample.listen.items[1], "b:2");
    assert_int_equal(sample.ports.count, 3);
    config_fini(k_keys, &sample);
}

static void setting_a_key_fails_with_the_same_explanations(void **state)
{
    (void)state;
    struct sample sample;
    struct amt_diag diag = { 0 };
    assert_int_equal(config_read(k_keys, NULL, "", &sample, NULL), AMT_OK);
    assert_int_equal(config_set(k_keys, "tls.verison", "1.2", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(diag.text, "unknown key \"tls.verison\"");
    assert_string_equal(diag.hint, "did you mean \"version\"? allowed here: version, ciphers");
    assert_int_equal(config_set(k_keys, "name.x", "1", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(diag.text, "unknown key \"name.x\"");
    assert_int_equal(config_set(k_keys, "idle_limit", "5", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(diag.text, "idle_limit: found \"5\"");
    assert_int_equal(config_set(k_keys, "tls", "1", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(diag.text, "\"tls\" is more than one value");
    assert_string_equal(diag.hint, "name one of its keys, as in tls.version");
    assert_int_equal(config_set(k_keys, "users", "1", &sample, &diag), AMT_ECONFIG);
    assert_string_equal(diag.hint, "write it into the configuration file");
    config_fini(k_keys, &sample);
}

static void the_manual_lists_every_key_in_columns(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    config_manual(k_keys, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "devices      number           100             most devices at a "
                                 "time\n"));
    assert_non_null(strstr(text, "mode         off|group|store  store           \n"));
    assert_non_null(strstr(text, "tls.version  1.2|1.3          1.3             lowest version\n"));
    assert_non_null(strstr(text, "tls.ciphers  text             -               \n"));
    amt_free(text);
}

static void a_failed_allocation_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    struct yaml_document *document = load("name: x\nlisten: [a, b]\nports: [1]\n");
    enum amt_err err = AMT_ECONFIG;
    for (uint64_t k = 1; err != AMT_OK; k++) {
        assert_true(k < 200);
        struct sample sample;
        amt_memory_fail_after(k);
        err = config_read(k_keys, yaml_root(document), "mps.yaml", &sample, NULL);
        amt_memory_fail_after(0);
        config_fini(k_keys, &sample);
    }
    yaml_free(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set_without_a_file),
        cmocka_unit_test(values_of_every_type_are_bound),
        cmocka_unit_test(an_unknown_key_names_the_nearest_and_all_that_are_allowed),
        cmocka_unit_test(a_wrong_value_says_what_was_found_and_what_is_allowed),
        cmocka_unit_test(all_errors_are_reported_and_good_values_stay),
        cmocka_unit_test(a_long_value_is_cut_where_a_character_ends),
        cmocka_unit_test(an_overlay_changes_only_what_it_names),
        cmocka_unit_test(one_key_is_set_by_its_dotted_name),
        cmocka_unit_test(setting_a_key_fails_with_the_same_explanations),
        cmocka_unit_test(the_manual_lists_every_key_in_columns),
        cmocka_unit_test(a_failed_allocation_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
