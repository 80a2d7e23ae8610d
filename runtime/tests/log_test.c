#include "runtime/log.h"

#include <string.h>

#include "base/memory.h"
#include "base/unit.h"
#include "runtime/log_format.h"

struct fixture {
    struct loop *loop;
    struct log *log;
    FILE *out;
    char *printed;
    size_t len;
};

static int set_up(void **state)
{
    struct fixture *f = amt_alloc(sizeof *f);
    assert_non_null(f);
    const struct virtual_world world = { .seed = 1, .wall_start_us = 1741083072345678 };
    f->loop = loop_new_virtual(&world, NULL);
    assert_non_null(f->loop);
    f->log = log_new(f->loop);
    assert_non_null(f->log);
    f->out = open_memstream(&f->printed, &f->len);
    assert_non_null(f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    log_free(f->log);
    loop_free(f->loop);
    (void)fclose(f->out);
    amt_free(f->printed);
    amt_free(f);
    return 0;
}

static const char *printed(struct fixture *f)
{
    (void)fflush(f->out);
    return f->printed;
}

static void pass(struct fixture *f, uint64_t us)
{
    (void)loop_run_until(f->loop, NULL, NULL, loop_now_us(f->loop) + us);
}

static void write_every_kind(struct log *log)
{
    static const uint32_t k_ports[] = { 16992, 16993 };
    LOG(log, LOG_INFO, "device.online", log_text("uuid", "4c4c4544"), log_text("note", "a b=\"c\""),
        log_bytes("user", "x\x1b[2J\n", 6), log_u64("took", UINT64_MAX), log_i64("skew", -5),
        log_bool("trusted", true), log_list("ports", k_ports, 2), log_secret("password"),
        log_text("none", NULL));
}

static void a_line_in_logfmt_escapes_and_hides(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    write_every_kind(f->log);
    assert_string_equal(printed(f),
                        "2025-03-04T10:11:12.345Z info  device.online uuid=4c4c4544 "
                        "note=\"a b=\\\"c\\\"\" user=\"x\\x1b[2J\\x0a\" "
                        "took=18446744073709551615 skew=-5 trusted=true ports=16992,16993 "
                        "password=(hidden) none=\"\"\n");
}

static void a_line_in_json_escapes_and_hides(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_JSON);
    write_every_kind(f->log);
    assert_string_equal(printed(f),
                        "{\"t\":\"2025-03-04T10:11:12.345Z\",\"lvl\":\"info\","
                        "\"ev\":\"device.online\",\"uuid\":\"4c4c4544\",\"note\":\"a b=\\\"c\\\"\","
                        "\"user\":\"x\\u001b[2J\\n\",\"took\":18446744073709551615,\"skew\":-5,"
                        "\"trusted\":true,\"ports\":[16992,16993],\"password\":\"(hidden)\","
                        "\"none\":\"\"}\n");
}

static void a_long_text_is_cut_in_the_line(void **state)
{
    struct fixture *f = *state;
    char text[LOG_FIELD_MAX_BYTES + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    LOG(f->log, LOG_WARN, "a.b", log_text("t", text));
    const char *value = strstr(printed(f), "t=") + 2;
    assert_int_equal(strspn(value, "x"), LOG_FIELD_MAX_BYTES);
    assert_string_equal(value + LOG_FIELD_MAX_BYTES, "...\n");
}

static void nothing_is_printed_before_it_is_opened(void **state)
{
    struct fixture *f = *state;
    assert_false(log_is_on(f->log, "a.b", LOG_ERROR));
    LOG(f->log, LOG_ERROR, "a.b", log_u64("n", 1));
    LOG(NULL, LOG_ERROR, "a.b", log_u64("n", 1));
    assert_false(log_is_on(NULL, "a.b", LOG_ERROR));
    assert_int_equal(strlen(printed(f)), 0);
}

static void levels_are_set_per_component(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    assert_true(log_is_on(f->log, "mps.x", LOG_INFO));
    assert_false(log_is_on(f->log, "mps.x", LOG_DEBUG));
    assert_int_equal(log_set_levels(f->log, "warn,mps=debug,tls=error", NULL), AMT_OK);
    assert_true(log_is_on(f->log, "mps.x", LOG_DEBUG));
    assert_false(log_is_on(f->log, "mps.x", LOG_TRACE));
    assert_true(log_is_on(f->log, "tls", LOG_ERROR));
    assert_false(log_is_on(f->log, "tls.y", LOG_WARN));
    assert_true(log_is_on(f->log, "mpsx.y", LOG_WARN));
    assert_false(log_is_on(f->log, "mpsx.y", LOG_INFO));
}

static void a_wrong_level_list_changes_nothing_and_is_explained(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    static const char *const k_wrong[] = {
        "", "loud", "info,", "info,mps=", "info,=debug", "info;x", "mps=debugdebugdebugdebug"
    };
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        assert_int_equal(log_set_levels(f->log, k_wrong[i], NULL), AMT_EMALFORMED);
    }
    struct amt_diag diag = { 0 };
    assert_int_equal(log_set_levels(f->log, "trace,mps=loud", &diag), AMT_EMALFORMED);
    assert_string_equal(diag.text, "log levels: \"mps=loud\" is not understood");
    assert_string_equal(diag.hint,
                        "write a level (error, warn, info, debug, trace) and, after commas, "
                        "component=level, as in info,mps=debug");
    assert_true(log_is_on(f->log, "mps.x", LOG_INFO));
    assert_false(log_is_on(f->log, "mps.x", LOG_DEBUG));
}

static uint32_t lines_of(const char *text, const char *word)
{
    uint32_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count += 1;
    }
    return count;
}

static void too_many_lines_of_one_event_are_counted_and_reported(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    for (uint32_t i = 0; i < 50; i++) {
        LOG(f->log, LOG_WARN, "a.flood", log_u64("n", i));
    }
    LOG(f->log, LOG_INFO, "b.calm", log_u64("n", 0));
    assert_int_equal(lines_of(printed(f), "a.flood"), 20);
    assert_int_equal(lines_of(printed(f), "b.calm"), 1);
    assert_int_equal(lines_of(printed(f), "log.suppressed"), 0);
    pass(f, US_PER_SECOND);
    LOG(f->log, LOG_INFO, "b.calm", log_u64("n", 1));
    assert_int_equal(lines_of(printed(f), "warn  log.suppressed event=a.flood count=30\n"), 1);
    LOG(f->log, LOG_WARN, "a.flood", log_u64("n", 50));
    assert_int_equal(lines_of(printed(f), "n=50"), 1);
    assert_int_equal(lines_of(printed(f), "log.suppressed"), 1);
}

static void what_was_suppressed_is_reported_at_the_end_too(void **state)
{
    struct fixture *f = *state;
    log_open(f->log, f->out, LOG_FORMAT_LOGFMT);
    for (uint32_t i = 0; i < 21; i++) {
        LOG(f->log, LOG_WARN, "a.flood", log_u64("n", i));
    }
    log_free(f->log);
    f->log = NULL;
    assert_int_equal(lines_of(printed(f), "log.suppressed event=a.flood count=1\n"), 1);
}

struct witness {
    struct log *log;
    uint32_t seen;
    uint64_t last;
    struct witness *removes; /* unobserves this one when it hears an event */
};

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct witness *witness = ctx;
    assert_string_equal(name, "mps.x");
    assert_int_equal(level, LOG_TRACE);
    witness->seen += 1;
    witness->last = fields[0].number;
    assert_int_equal(fields[1].kind, LOG_FIELD_END);
    if (witness->removes != NULL) {
        log_unobserve(witness->log, on_event, witness->removes);
    }
}

static void observers_hear_everything_whatever_the_levels_say(void **state)
{
    struct fixture *f = *state;
    struct witness witness = { .log = f->log };
    assert_int_equal(log_observe(f->log, on_event, &witness), AMT_OK);
    for (uint64_t i = 0; i < 30; i++) {
        LOG(f->log, LOG_TRACE, "mps.x", log_u64("n", i));
    }
    assert_int_equal(witness.seen, 30);
    assert_int_equal(witness.last, 29);
    log_unobserve(f->log, on_event, &witness);
    LOG(f->log, LOG_TRACE, "mps.x", log_u64("n", 30));
    assert_int_equal(witness.seen, 30);
}

static void an_observer_may_remove_itself_and_others(void **state)
{
    struct fixture *f = *state;
    struct witness witnesses[3] = { { .log = f->log }, { .log = f->log }, { .log = f->log } };
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(log_observe(f->log, on_event, &witnesses[i]), AMT_OK);
    }
    witnesses[0].removes = &witnesses[1];
    witnesses[2].removes = &witnesses[2];
    LOG(f->log, LOG_TRACE, "mps.x", log_u64("n", 1));
    LOG(f->log, LOG_TRACE, "mps.x", log_u64("n", 2));
    assert_int_equal(witnesses[0].seen, 2);
    assert_int_equal(witnesses[1].seen, 0);
    assert_int_equal(witnesses[2].seen, 1);
}

static void level_names_are_parsed_strictly(void **state)
{
    (void)state;
    enum log_level level = LOG_INFO;
    assert_int_equal(log_level_parse("trace", &level), AMT_OK);
    assert_int_equal(level, LOG_TRACE);
    assert_int_equal(log_level_parse("Trace", &level), AMT_EMALFORMED);
    assert_int_equal(log_level_parse("", &level), AMT_EMALFORMED);
    assert_int_equal(level, LOG_TRACE);
}

int main(void)
{
#define UNIT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        UNIT(a_line_in_logfmt_escapes_and_hides),
        UNIT(a_line_in_json_escapes_and_hides),
        UNIT(a_long_text_is_cut_in_the_line),
        UNIT(nothing_is_printed_before_it_is_opened),
        UNIT(levels_are_set_per_component),
        UNIT(a_wrong_level_list_changes_nothing_and_is_explained),
        UNIT(too_many_lines_of_one_event_are_counted_and_reported),
        UNIT(what_was_suppressed_is_reported_at_the_end_too),
        UNIT(observers_hear_everything_whatever_the_levels_say),
        UNIT(an_observer_may_remove_itself_and_others),
        UNIT(level_names_are_parsed_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
