/* WSM-070: every class of every release answers Enumerate, Pull and Get, with instances that are what
 * their description says; classes that a release lacks are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "simulator/firmware/tests/pc.h"
#include "simulator/firmware/validate.h"

/* All of them are shown before the test fails. */
static uint32_t g_problems;

static void problem(const char *class_name, const char *what, const char *detail)
{
    print_message("%s: %s %s\n", class_name, what, detail);
    g_problems += 1;
}

/* Key selectors of an instance as pc_wsman wants them; false when a key is a reference. */
static bool selectors_of(const struct xml_node *instance,
                         const struct class_description *description, struct text *out)
{
    for (uint32_t i = 0; i < description->property_count; i++) {
        const struct class_property *property = &description->properties[i];
        const struct xml_node *node =
            property->is_key ? xml_child(instance, NULL, property->name) : NULL;
        if (node != NULL && node->first != NULL) {
            return false;
        }
        if (node != NULL) {
            text_printf(out, "%s%s=%s", out->len == 0 ? "" : "\n", property->name, node->text);
        }
    }
    return true;
}

static void check_instance(struct pc *pc, const struct xml_node *node)
{
    const struct class_description *description = class_find(node->name);
    struct arena arena = { 0 };
    assert_non_null(description);
    const struct wsman_instance *instance = wsman_instance_read(&arena, node);
    enum wsman_fault fault = validate_body(instance, description->name, description->properties,
                                           description->property_count, false);
    if (fault != WSMAN_OK) {
        problem(node->name, "does not fit its description:", text_chars(&pc->body));
    }
    for (const struct xml_node *p = node->first; p != NULL && p->next != NULL; p = p->next) {
        if (strcmp(p->name, p->next->name) > 0) { /* WSM-037 */
            problem(node->name, "is out of order after", p->name);
        }
    }
    for (uint32_t i = 0; i < description->property_count; i++) {
        if (description->properties[i].is_key &&
            !wsman_has(instance, description->properties[i].name)) {
            problem(node->name, "has no key", description->properties[i].name);
        }
    }
    arena_fini(&arena);
}

/* A Get by the keys shows the same instance. */
static void check_get(struct pc *pc, const struct xml_node *instance)
{
    struct text selectors = { 0 };
    const struct class_description *description = class_find(instance->name);
    bool has_get = (description->operations >> WSMAN_GET & 1u) != 0;
    if (has_get && selectors_of(instance, description, &selectors) && selectors.len > 0) {
        const struct xml_node *body =
            pc_wsman(pc, "Get", instance->name, text_chars(&selectors), NULL);
        if (pc->status != 200 || strcmp(body->first->name, instance->name) != 0) {
            problem(instance->name, "does not answer Get for", text_chars(&selectors));
        }
    }
    text_fini(&selectors);
}

/* All pages; every page is of one class (WSM-044). */
static uint32_t walk(struct pc *pc, const char *class_name)
{
    const struct xml_node *answer = pc_wsman(pc, "Enumerate", class_name, NULL, "<n:Enumerate/>");
    uint32_t count = 0;
    if (pc->status != 200) {
        problem(class_name, "does not answer Enumerate:", text_chars(&pc->body));
        return 0;
    }
    const char *context = xml_child_text(answer->first, NULL, "EnumerationContext");
    while (context != NULL) {
        char pull[256];
        (void)snprintf(pull, sizeof pull,
                       "<n:Pull><n:EnumerationContext>%s</n:EnumerationContext></n:Pull>", context);
        answer = pc_wsman(pc, "Pull", class_name, NULL, pull);
        assert_int_equal(pc->status, 200);
        const struct xml_node *items = xml_child(answer->first, NULL, "Items");
        for (const struct xml_node *item = items->first; item != NULL; item = item->next) {
            assert_string_equal(item->name, items->first->name);
            assert_true(class_is_a(class_find(item->name), class_name));
            check_instance(pc, item);
            count += 1;
        }
        if (items->first != NULL) {
            check_get(pc, items->first);
        }
        context = xml_child_text(answer->first, NULL, "EnumerationContext");
    }
    return count;
}

static void check_release(const char *version)
{
    struct pc pc;
    struct amt_diag diag = { .err = AMT_OK };
    g_problems = 0;
    pc_init(&pc);
    assert_int_equal(config_set(firmware_config_keys, "version", version, &pc.config, &diag),
                     AMT_OK);
    pc_start(&pc);
    for (uint32_t i = 0; i < k_class_count; i++) {
        const struct class_description *description = &k_classes[i];
        if ((description->operations >> WSMAN_ENUMERATE & 1u) == 0) {
            continue;
        }
        if (firmware_profile_class(pc.profile, description->name) == NULL) {
            (void)pc_wsman(&pc, "Enumerate", description->name, NULL, "<n:Enumerate/>");
            assert_int_equal(pc.status, 400); /* WSM-055 */
            assert_string_equal(pc_fault(&pc), "DestinationUnreachable");
            continue;
        }
        uint32_t count = walk(&pc, description->name);
        if (description->is_singleton && description->priority < 2 && count == 0) {
            problem(description->name, "has no instance in release", version);
        }
        arena_fini(&pc.arena);
    }
    pc_close(&pc);
    assert_int_equal(g_problems, 0);
}

static void test_oldest(void **state)
{
    (void)state;
    check_release("7.1.91");
}

static void test_middle(void **state)
{
    (void)state;
    check_release("11.8.50.3425");
}

static void test_newest(void **state)
{
    (void)state;
    check_release("19.0.5.1600");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oldest),
        cmocka_unit_test(test_middle),
        cmocka_unit_test(test_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
