/* Somebody between the web server and its clients: what is held, swallowed or replaced. */
#include <stdio.h>

#include "base/unit.h"
#include "simulator/firmware/meddle.h"
#include "simulator/firmware/tests/pc.h"

struct meddler {
    uint32_t requests, answers;
    int last_status;
    char last[160]; /* operation and class */
    uint64_t delay_us;
    bool at_request, drops, hangs_up;
    const char *instead;
};

static void meddle(void *ctx, struct firmware_passing *passing)
{
    struct meddler *m = ctx;
    m->requests += passing->is_answer ? 0 : 1;
    m->answers += passing->is_answer ? 1 : 0;
    m->last_status = passing->status;
    (void)snprintf(m->last, sizeof m->last, "%s %s", passing->operation, passing->class_name);
    if (passing->is_answer == m->at_request || passing->status == 401) {
        return;
    }
    passing->delay_us = m->delay_us;
    passing->is_dropped = m->drops;
    passing->hangs_up = passing->hangs_up || m->hangs_up;
    if (m->instead != NULL) {
        text_fini(passing->bytes);
        text_puts(passing->bytes, m->instead);
    }
}

static void begin(struct pc *pc, struct meddler *m)
{
    pc_open(pc);
    firmware_set_meddler(pc->firmware, meddle, m);
}

static void it_sees_what_passes(void **state)
{
    struct pc pc;
    struct meddler m = { .requests = 0 };
    (void)state;
    begin(&pc, &m);
    assert_non_null(pc_get(&pc, "AMT_GeneralSettings", NULL));
    assert_string_equal(m.last, "Get AMT_GeneralSettings");
    assert_int_equal(m.last_status, 200);
    assert_int_equal(m.requests, m.answers);
    assert_int_equal(
        pc_call(&pc, "AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", NULL, NULL), 0);
    assert_string_equal(m.last, "GetLowAccuracyTimeSynch AMT_TimeSynchronizationService");
    pc_close(&pc);
}

static void a_held_answer_and_a_held_request_come_later(void **state)
{
    (void)state;
    for (int at_request = 0; at_request < 2; at_request++) {
        struct pc pc;
        struct meddler m = { .delay_us = 500000, .at_request = at_request == 1 };
        begin(&pc, &m);
        uint64_t before = loop_now_us(pc.loop);
        assert_non_null(pc_get(&pc, "AMT_GeneralSettings", NULL));
        assert_true(loop_now_us(pc.loop) - before >= 500000);
        pc_close(&pc);
    }
}

static void another_answer_takes_its_place(void **state)
{
    (void)state;
    for (int at_request = 0; at_request < 2; at_request++) {
        struct pc pc;
        struct meddler m = { .at_request = at_request == 1,
                             .instead = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n" };
        begin(&pc, &m);
        (void)pc_wsman(&pc, "Get", "AMT_GeneralSettings", NULL, NULL);
        assert_int_equal(pc.status, 503);
        pc_close(&pc);
    }
}

/* Neither an answer that is kept back nor one whose client has left keeps anything. */
static void what_is_swallowed_is_gone(void **state)
{
    static const struct meddler k_rows[] = {
        { .drops = true },
        { .drops = true, .at_request = true },
        { .drops = true, .hangs_up = true },
        { .drops = true, .hangs_up = true, .at_request = true },
        { .delay_us = 3600000000u },
        { .delay_us = 3600000000u, .at_request = true },
    };
    (void)state;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        static const char k_get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        struct pc pc;
        struct meddler m = k_rows[i];
        begin(&pc, &m);
        pc_send(&pc, k_get, sizeof k_get - 1);
        assert_int_equal(pc.raw.len, 0);
        pc_close(&pc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sees_what_passes),
        cmocka_unit_test(a_held_answer_and_a_held_request_come_later),
        cmocka_unit_test(another_answer_takes_its_place),
        cmocka_unit_test(what_is_swallowed_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
