/* All vectors through the program itself: `amtlab decode apf`, JSON lines in and out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/unit.h"
#include "cli/tests/vectors.h"

static void write_lines(FILE *in, const struct vectors *vectors)
{
    for (uint32_t i = 0; i < vectors->count; i++) {
        const struct vector *v = &vectors->items[i];
        json_t *line = json_pack("{s:s,s:s}", "dir", v->direction, "hex", v->hex);
        if (v->context != NULL) {
            assert_int_equal(json_object_set(line, "context", v->context), 0);
        }
        char *text = json_dumps(line, JSON_COMPACT);
        (void)fprintf(in, "%s\n", text);
        free(text);
        json_decref(line);
    }
}

static void every_vector_is_answered_by_the_program(void **state)
{
    (void)state;
    const char *program = getenv("AMTLAB_BINARY");
    assert_non_null(program);
    struct vectors vectors;
    vectors_load(&vectors);
    char path[] = "/tmp/amtlab-vectors-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *in = fdopen(fd, "w");
    write_lines(in, &vectors);
    assert_int_equal(fclose(in), 0);

    struct text command = { 0 };
    text_printf(&command, "'%s' decode apf < %s", program, path);
    FILE *out = popen(text_chars(&command), "r");
    assert_non_null(out);
    char *line = NULL;
    size_t cap = 0;
    for (uint32_t i = 0; i < vectors.count; i++) {
        assert_true(getline(&line, &cap, out) > 0);
        json_t *answer = json_loads(line, 0, NULL);
        json_t *expected = vector_expected(&vectors.items[i]);
        (void)json_object_del(answer, "offset");
        (void)json_object_del(answer, "requirement");
        if (json_equal(answer, expected) != 1) {
            fail_msg("%s: %s", vectors.items[i].id, line);
        }
        json_decref(answer);
        json_decref(expected);
    }
    assert_true(getline(&line, &cap, out) < 0);
    assert_int_equal(pclose(out), 0);
    free(line);
    text_fini(&command);
    (void)unlink(path);
    vectors_free(&vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_answered_by_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
