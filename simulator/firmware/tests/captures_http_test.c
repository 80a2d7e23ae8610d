/* Captured messages compared byte for byte: heads, challenges, and the chunks an answer is cut into. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/wsman/names.h"
#include "simulator/firmware/tests/captures_device.h"
#include "simulator/firmware/tests/captures_instances.h"

/* What stands between two texts, in the arena; "" when they are not there. */
static const char *between(struct arena *arena, const char *text, const char *before,
                           const char *after)
{
    const char *start = strstr(text, before);
    const char *end = start == NULL ? NULL : strstr(start + strlen(before), after);
    if (end == NULL) {
        return "";
    }
    start += strlen(before);
    return arena_text(arena, start, (size_t)(end - start));
}

/* The expected text gets the value that the device drew: same length, or the test fails. */
static void take_over(struct arena *arena, char *expected, const char *found, const char *before,
                      const char *after)
{
    const char *ours = between(arena, found, before, after);
    const char *theirs = between(arena, expected, before, after);
    assert_true(ours[0] != '\0' && strlen(ours) == strlen(theirs));
    memcpy(strstr(expected, before) + strlen(before), ours, strlen(ours));
}

/* --- 401 (WSM-010, WSM-011) --- */

static void check_challenge(const char *file, const char *settings)
{
    struct captures_profile profile;
    struct captures_device device;
    static const char k_request[] =
        "POST /wsman HTTP/1.1\r\nHost: device\r\nContent-Length: 0\r\n\r\n";
    captures_profile_init(&profile, settings);
    captures_device_init(&device, &profile);
    captures_send(&device, k_request, sizeof k_request - 1);
    char *expected = captures_file(&device.arena, file);
    take_over(&device.arena, expected, text_chars(&device.raw), "realm=\"Digest:", "\"");
    take_over(&device.arena, expected, text_chars(&device.raw), "nonce=\"", "\"");
    assert_string_equal(text_chars(&device.raw), expected);
    assert_true(device.is_closed); /* WSM-012 */
    captures_device_fini(&device);
    captures_profile_fini(&profile);
}

static void test_challenges(void **state)
{
    (void)state;
    check_challenge("wsman-responses/_http/401.amt11.8.50.http",
                    "version: 11.8.50.3425\nrealm: short\n");
    check_challenge("wsman-responses/_http/401.amt15.0.23.http", "version: 15.0.23.1706\n");
    check_challenge("wsman-responses/_http/401.amt16.1.25.http",
                    "version: 16.1.25.1917\nqop: auth_int\n");
}

/* --- 200, in chunks --- */

/* The body of a chunked message; sizes gets the lengths of its chunks, ended by 0. */
static char *join(struct arena *arena, const char *at, size_t sizes[static 16])
{
    struct text body = { 0 };
    size_t count = 0;
    for (char *end; count < 15; at = end + 2 + sizes[count++] + 2) {
        sizes[count] = strtoul(at, &end, 16);
        if (end == at || sizes[count] == 0) {
            break;
        }
        text_append(&body, end + 2, sizes[count]);
    }
    sizes[count] = 0;
    char *kept = arena_text(arena, text_chars(&body), body.len);
    text_fini(&body);
    return kept;
}

static void cut(struct text *out, const char *body, const size_t *sizes)
{
    for (; *sizes != 0; body += *sizes++) {
        text_printf(out, "%04zX\r\n%.*s\r\n", *sizes, (int)*sizes, body);
    }
    text_puts(out, "0\r\n\r\n");
}

/* One Get, as captured: the same bytes, but for the device's clock and counter, and the property that
 * is its own (NULL: none). has_head: the file begins with the head. */
static void check_get(const char *file, const char *class_name, bool has_head, const char *own)
{
    struct captures_profile profile;
    struct captures_device device;
    struct arena arena = { 0 };
    struct text yaml = { 0 }, expected = { 0 };
    size_t sizes[16];
    const char *captured = captures_file(&arena, file);
    const char *chunks = has_head ? strstr(captured, "\r\n\r\n") + 4 : captured;
    char *body = join(&arena, chunks, sizes);
    text_puts(&yaml, "version: 15.0.23.1706\n");
    captures_instances(&yaml, written_read(&arena, body));
    captures_profile_init(&profile, yaml.chars);
    captures_device_init(&device, &profile);
    const char *id = between(&arena, body, "RelatesTo>", "<");
    assert_int_equal(
        captures_post(&device, captures_envelope(&device, wsman_operation_action(WSMAN_GET),
                                                 class_name, id, NULL, "")),
        200);
    take_over(&arena, body, device.body, "<b:MessageID>", "<");
    if (own != NULL) {
        take_over(&arena, body, device.body, own, "<");
    }
    if (has_head) {
        char *head = arena_text(&arena, captured, (size_t)(chunks - captured));
        take_over(&arena, head, device.head, "Date: ", "\r\n");
        text_puts(&expected, head);
    }
    cut(&expected, body, sizes);
    const char *found = text_chars(&device.raw);
    assert_string_equal(has_head ? found : strstr(found, "\r\n\r\n") + 4, expected.chars);
    captures_device_fini(&device);
    captures_profile_fini(&profile);
    text_fini(&yaml);
    text_fini(&expected);
    arena_fini(&arena);
}

/* WSM-004, WSM-005, WSM-007 */
static void test_answers_in_chunks(void **state)
{
    (void)state;
    check_get("wsman-responses/_http/200-AMT_GeneralSettings-get.amt15.0.23.http",
              "AMT_GeneralSettings", true, "DigestRealm>");
    check_get("wsman-responses/_http/200-CIM_ComputerSystemPackage-get.amt15.0.23.http",
              "CIM_ComputerSystemPackage", true, "PlatformGUID>");
    check_get("wsman-responses/_http/200-CIM_Card-get.amt15.0.23.chunked-body", "CIM_Card", false,
              NULL);
}

/* --- a fault (WSM-056) --- */

static void test_fault(void **state)
{
    (void)state;
    struct captures_profile profile;
    struct captures_device device;
    captures_profile_init(&profile, "");
    captures_device_init(&device, &profile);
    char *expected =
        captures_file(&device.arena, "wsman-responses/_http/fault-DestinationUnreachable.xml");
    assert_int_equal(
        captures_post(&device, captures_envelope(&device, wsman_operation_action(WSMAN_GET),
                                                 "CIM_NoSuchClass", "0", NULL, "")),
        400);
    take_over(&device.arena, expected, device.body, "<b:MessageID>", "<");
    assert_string_equal(device.body, expected);
    assert_string_equal(captures_header(&device, "Connection"), "close");
    captures_device_fini(&device);
    captures_profile_fini(&profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_answers_in_chunks),
        cmocka_unit_test(test_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
