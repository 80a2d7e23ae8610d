/*
 * The oracle: for every captured answer of a real device ours is asked the same, and must write the
 * same: elements, their order, prefixes and declarations, and, its profile filled with the captured
 * values, the values too (WSM-108; also WSM-033 to WSM-046, WSM-049, WSM-050, WSM-053). What differs on
 * purpose stands in data/captures-differences.yaml with the reason; an entry there that does not occur
 * fails the test as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "runtime/yaml.h"
#include "simulator/firmware/tests/captures_compare.h"
#include "simulator/firmware/tests/captures_device.h"
#include "simulator/firmware/tests/captures_instances.h"
#include "simulator/firmware/tests/captures_state.h"

#define FILES_MIN 200u /* fewer means that the data was not found */

/* One captured file. */
struct capture {
    const char *file;                  /* "AMT_GeneralSettings/get.xml" */
    char class_name[64];               /* of the folder */
    char operation[64];                /* "get", "put", "AddAlarm" */
    const struct written *root, *body; /* body: first child of Body, NULL when it is empty */
    const char *message_id;
};

/* --- requests --- */

/* The captured XML again. */
static void put_written(struct text *out, const struct written *node)
{
    text_printf(out, "<%s%s%s>%s", node->name, node->attributes[0] == '\0' ? "" : " ",
                node->attributes, node->text);
    for (const struct written *child = node->first; child != NULL; child = child->next) {
        put_written(out, child);
    }
    text_printf(out, "</%s>", node->name);
}

/* The key that tells the captured instance from others: enough for a Get (WSM-047). */
static const char *selectors_for(struct captures_device *device, const struct written *instance)
{
    static const char *const k_keys[] = { "InstanceID", "Name", "PolicyRuleName", "Tag",
                                          "DeviceID" };
    for (size_t i = 0; instance != NULL && i < sizeof k_keys / sizeof *k_keys; i++) {
        for (const struct written *p = instance->first; p != NULL; p = p->next) {
            if (strcmp(written_local(p), k_keys[i]) == 0) {
                struct text out = { 0 };
                text_printf(&out, "<c:Selector Name=\"%s\">%s</c:Selector>", k_keys[i], p->text);
                const char *kept = arena_text(&device->arena, text_chars(&out), out.len);
                text_fini(&out);
                return kept;
            }
        }
    }
    return NULL;
}

static void ask(struct captures_device *device, const struct capture *capture,
                enum wsman_operation operation, const char *selectors, const char *body)
{
    (void)captures_post(device, captures_envelope(device, wsman_operation_action(operation),
                                                  capture->class_name, capture->message_id,
                                                  selectors, body));
}

static void ask_pull(struct captures_device *device, const struct capture *capture)
{
    ask(device, capture, WSMAN_ENUMERATE, NULL, "<n:Enumerate></n:Enumerate>");
    const char *context = strstr(device->body, "EnumerationContext>");
    if (context == NULL) {
        return;
    }
    context += strlen("EnumerationContext>");
    struct text body = { 0 };
    text_printf(
        &body,
        "<n:Pull><n:EnumerationContext>%.*s</n:EnumerationContext>"
        "<n:MaxElements>999</n:MaxElements><n:MaxCharacters>99999</n:MaxCharacters></n:Pull>",
        (int)strcspn(context, "<"), context);
    ask(device, capture, WSMAN_PULL, NULL, body.chars);
    text_fini(&body);
}

/* The body under the same prefixes as captured. */
static void ask_put(struct captures_device *device, const struct capture *capture)
{
    struct text body = { 0 }, envelope = { 0 };
    put_written(&body, capture->body);
    const char *selectors = selectors_for(device, capture->body);
    text_printf(&envelope,
                "<a:Envelope %s><a:Header><b:Action>%s</b:Action><b:To>/wsman</b:To>"
                "<c:ResourceURI>%s%s</c:ResourceURI><b:MessageID>%s</b:MessageID>"
                "<b:ReplyTo><b:Address>%s</b:Address></b:ReplyTo>"
                "<c:SelectorSet>%s</c:SelectorSet></a:Header><a:Body>%s</a:Body></a:Envelope>",
                capture->root->attributes, wsman_operation_action(WSMAN_PUT),
                wsman_class_namespace(capture->class_name), capture->class_name,
                capture->message_id, WSMAN_ANONYMOUS, selectors == NULL ? "" : selectors,
                body.chars);
    (void)captures_post(device, envelope.chars);
    text_fini(&body);
    text_fini(&envelope);
}

static void ask_method(struct captures_device *device, const struct capture *capture,
                       const char *selectors, const char *input)
{
    char action[256], method[64];
    struct text body = { 0 };
    (void)snprintf(method, sizeof method, "%.*s", (int)strcspn(capture->operation, "."),
                   capture->operation);
    (void)snprintf(action, sizeof action, "%s%s/%s", wsman_class_namespace(capture->class_name),
                   capture->class_name, method);
    text_printf(&body, "<p:%s_INPUT>%s</p:%s_INPUT>", method, input, method);
    (void)captures_post(device, captures_envelope(device, action, capture->class_name,
                                                  capture->message_id, selectors, body.chars));
    text_fini(&body);
}

static void ask_as_captured(struct captures_device *device, const struct capture *capture)
{
    const struct captures_case *with = captures_case_of(capture->file);
    const char *selectors = with != NULL ? with->selectors : NULL;
    const char *operation = capture->operation;
    if (with != NULL && with->prepare != NULL) {
        with->prepare(device, capture->root);
    }
    const char *body = with == NULL ? NULL : with->body;
    body = with != NULL && with->make_body != NULL ? with->make_body(device) : body;
    if (strcmp(operation, "get") == 0) {
        ask(device, capture, WSMAN_GET,
            selectors != NULL ? selectors : selectors_for(device, capture->body), "");
    } else if (strcmp(operation, "enumerate") == 0) {
        ask(device, capture, WSMAN_ENUMERATE, NULL, "<n:Enumerate></n:Enumerate>");
    } else if (strcmp(operation, "pull") == 0) {
        ask_pull(device, capture);
    } else if (strncmp(operation, "put", 3) == 0 && body != NULL) {
        ask(device, capture, WSMAN_PUT, selectors, body);
    } else if (strncmp(operation, "put", 3) == 0) {
        ask_put(device, capture);
    } else if (strcmp(operation, "create") == 0) {
        ask(device, capture, WSMAN_CREATE, NULL, body == NULL ? "" : body);
    } else if (strcmp(operation, "delete") == 0) {
        ask(device, capture, WSMAN_DELETE, selectors, "");
    } else {
        ask_method(device, capture, selectors, body == NULL ? "" : body);
    }
}

/* --- files and differences --- */

static bool capture_read(struct arena *arena, const char *file, struct capture *capture)
{
    char path[160];
    const char *slash = strchr(file, '/'), *dot = strrchr(file, '.');
    (void)snprintf(path, sizeof path, "wsman-responses/%s", file);
    *capture = (struct capture){ .file = file };
    (void)snprintf(capture->class_name, sizeof capture->class_name, "%.*s", (int)(slash - file),
                   file);
    (void)snprintf(capture->operation, sizeof capture->operation, "%.*s", (int)(dot - slash - 1),
                   slash + 1);
    capture->root = written_read(arena, captures_file(arena, path));
    const struct written *id = written_find(capture->root, "RelatesTo");
    const struct written *body = written_find(capture->root, "Body");
    if (body == NULL) {
        return false;
    }
    capture->message_id = id == NULL ? "0" : id->text;
    capture->body = body->first;
    return true;
}

/* "kind path" of a line. */
static bool line_is(const char *line, const char *difference)
{
    size_t len = strlen(difference);
    return strncmp(line, difference, len) == 0 && strncmp(line + len, " -- ", 4) == 0;
}

/* Takes the lines that are listed for the file away; what is listed and did not occur is a failure. */
static uint32_t judge(const char *file, const struct yaml_node *listed,
                      struct differences *differences)
{
    uint32_t failures = 0;
    for (const struct yaml_node *item = listed == NULL ? NULL : listed->first; item != NULL;
         item = item->next) {
        const struct yaml_node *what = yaml_get(item, "difference"), *why = yaml_get(item, "why");
        bool occurs = false;
        for (uint32_t i = 0; what != NULL && i < differences->count; i++) {
            if (differences->lines[i] != NULL && line_is(differences->lines[i], what->text)) {
                differences->lines[i] = NULL;
                occurs = true;
            }
        }
        if (!occurs || why == NULL || why->text[0] == '\0') {
            print_error("%s: listed, but %s: %s\n", file,
                        occurs ? "without a reason" : "does not occur",
                        what == NULL ? "(no difference)" : what->text);
            failures++;
        }
    }
    for (uint32_t i = 0; i < differences->count; i++) {
        if (differences->lines[i] != NULL) {
            print_error("%s: %s\n", file, differences->lines[i]);
            failures++;
        }
    }
    return failures;
}

/* A value may be another one on purpose, but not of another type. */
static uint32_t check_types(const char *file, const struct written *expected,
                            const struct written *found, struct arena *arena)
{
    uint32_t failures = 0;
    struct differences differences = { .arena = arena };
    written_compare(expected, found, false, &differences);
    for (uint32_t i = 0; i < differences.count; i++) {
        if (strncmp(differences.lines[i], "value ", 6) == 0) {
            print_error("%s: another type: %s\n", file, differences.lines[i]);
            failures++;
        }
    }
    return failures;
}

static uint32_t check_file(const char *file, const struct yaml_node *listed)
{
    struct capture capture;
    struct captures_device device;
    struct text yaml = { 0 };
    struct arena arena = { 0 };
    struct differences differences = { .arena = &arena };
    if (!capture_read(&arena, file, &capture)) {
        print_error("%s: this is no envelope\n", file);
        arena_fini(&arena);
        return 1;
    }
    text_puts(&yaml, captures_settings(file));
    const struct captures_case *with = captures_case_of(file);
    if (with == NULL || !with->is_made) {
        captures_instances(&yaml, capture.root);
    }
    struct captures_profile profile;
    captures_profile_init(&profile, text_chars(&yaml));
    captures_device_init(&device, &profile);
    ask_as_captured(&device, &capture);
    const struct written *found = written_read(&arena, device.body);
    uint32_t failures = 1;
    if (found == NULL) {
        print_error("%s: status %d, no envelope: %s\n", file, device.status, device.body);
    } else if (strstr(device.body, "/>") != NULL) { /* WSM-036 */
        print_error("%s: an element closes itself: %s\n", file, device.body);
    } else {
        written_compare(capture.root, found, true, &differences);
        failures =
            judge(file, listed, &differences) + check_types(file, capture.root, found, &arena);
    }
    failures += device.has_trouble ? 1 : 0;
    captures_device_fini(&device);
    captures_profile_fini(&profile);
    text_fini(&yaml);
    arena_fini(&arena);
    return failures;
}

static struct yaml_document *load(const char *name)
{
    struct amt_diag_list errors = { 0 };
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s/%s", AMTLAB_SOURCE_DIR, CAPTURES_DATA, name);
    struct yaml_document *document = yaml_load_file(path, &errors);
    amt_diag_list_print(&errors, stderr);
    amt_diag_list_fini(&errors);
    assert_non_null(document);
    return document;
}

static void test_every_capture_is_written_again(void **state)
{
    (void)state;
    struct yaml_document *index = load("wsman-responses/index.yaml");
    struct yaml_document *listed = load("captures-differences.yaml");
    const char *only = getenv("AMTLAB_CAPTURE"); /* one file, or a part of its name */
    uint32_t files = 0, failures = 0;
    const struct yaml_node *file = yaml_get(yaml_root(index), "files")->first;
    for (; file != NULL; file = file->next) {
        const char *name = yaml_get(file, "file")->text;
        if (strstr(name, "_http/") == NULL && (only == NULL || strstr(name, only) != NULL)) {
            failures += check_file(name, yaml_get(yaml_root(listed), name));
            files++;
        }
    }
    yaml_free(index);
    yaml_free(listed);
    assert_true(only != NULL || files >= FILES_MIN);
    assert_int_equal(failures, 0);
}

/* A difference for a file that is not there would never be looked at. */
static void test_differences_name_files(void **state)
{
    (void)state;
    struct yaml_document *index = load("wsman-responses/index.yaml");
    struct yaml_document *listed = load("captures-differences.yaml");
    for (const struct yaml_node *entry = yaml_root(listed)->first; entry != NULL;
         entry = entry->next) {
        const struct yaml_node *file = yaml_get(yaml_root(index), "files")->first;
        while (file != NULL && strcmp(yaml_get(file, "file")->text, entry->key) != 0) {
            file = file->next;
        }
        if (file == NULL) {
            print_error("captures-differences.yaml: no file %s\n", entry->key);
        }
        assert_non_null(file);
    }
    yaml_free(index);
    yaml_free(listed);
}

/* The comparison itself finds what it should. */
static void test_comparison_finds_differences(void **state)
{
    (void)state;
    static const struct {
        const char *expected, *found, *line;
    } k_cases[] = {
        { "<a:X><a:Y>1</a:Y></a:X>", "<a:X><a:Y>2</a:Y></a:X>", "value X/Y" },
        { "<a:X><a:Y>1</a:Y></a:X>", "<b:X><a:Y>1</a:Y></b:X>", "prefix X" },
        { "<a:X q= \"1\"></a:X>", "<a:X q=\"2\"></a:X>", "attributes X" },
        { "<a:X><a:Y></a:Y></a:X>", "<a:X></a:X>", "missing X/Y" },
        { "<a:X></a:X>", "<a:X><a:Y></a:Y></a:X>", "extra X/Y" },
        { "<a:X><a:Y></a:Y><a:Z></a:Z></a:X>", "<a:X><a:Z></a:Z><a:Y></a:Y></a:X>", "order X/Z" },
        { "<a:X><a:Y>1</a:Y><a:Y>2</a:Y></a:X>", "<a:X><a:Y>1</a:Y></a:X>", "missing X/Y" },
        { "<a:Envelope><a:Header><b:MessageID>uuid:0</b:MessageID></a:Header></a:Envelope>",
          "<a:Envelope><a:Header><b:MessageID>uuid:00000000-8086-8086-8086-00000000000g"
          "</b:MessageID></a:Header></a:Envelope>",
          "value Envelope/Header/MessageID" },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct arena arena = { 0 };
        struct differences differences = { .arena = &arena };
        const struct written *expected = written_read(&arena, k_cases[i].expected);
        const struct written *found = written_read(&arena, k_cases[i].found);
        assert_non_null(expected);
        assert_non_null(found);
        written_compare(expected, expected, true, &differences);
        assert_int_equal(differences.count, strstr(k_cases[i].expected, "uuid:0<") != NULL ? 1 : 0);
        differences.count = 0;
        written_compare(expected, found, true, &differences);
        assert_true(differences.count >= 1);
        assert_true(line_is(differences.lines[0], k_cases[i].line));
        arena_fini(&arena);
    }
}

static void test_comparison_of_types(void **state)
{
    (void)state;
    static const struct {
        const char *expected, *found;
        uint32_t count;
    } k_cases[] = {
        { "<X>1</X>", "<X>-22</X>", 0 },      { "<X>1</X>", "<X>true</X>", 1 },
        { "<X>true</X>", "<X>false</X>", 0 }, { "<X>a</X>", "<X>b c</X>", 0 },
        { "<X>a</X>", "<X>7</X>", 1 },        { "<X>1</X>", "<X></X>", 1 },
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof *k_cases; i++) {
        struct arena arena = { 0 };
        struct differences differences = { .arena = &arena };
        written_compare(written_read(&arena, k_cases[i].expected),
                        written_read(&arena, k_cases[i].found), false, &differences);
        assert_int_equal(differences.count, k_cases[i].count);
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparison_finds_differences),
        cmocka_unit_test(test_comparison_of_types),
        cmocka_unit_test(test_differences_name_files),
        cmocka_unit_test(test_every_capture_is_written_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
