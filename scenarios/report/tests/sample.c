#include "sample.h"

#include <string.h>

#include "base/unit.h"

static const char k_split_source[] =
    "amtlab: 1\n"
    "name: USERAUTH_REQUEST cut at every byte is still accepted\n"
    "id: apf/userauth/split\n"
    "spec:\n"
    "  - { id: APF-MPS-021, level: must }\n"
    "  - { id: APF-MPS-023, level: must }\n"
    "subject: mps\n"
    "matrix:\n"
    "  cut: [1, 5, 20, -1]\n"
    "actors:\n"
    "  mps: { kind: mps }\n"
    "  raw: { kind: wire, to: mps, codec: apf, tls: { verify: false } }\n"
    "steps:\n"
    "  - actor: raw\n"
    "    do:\n"
    "      - tls.handshake: {}\n"
    "      - apf.send: { type: protocol_version, major: 1, minor: 0 }\n"
    "      - apf.send: { type: service_request, service: auth@amt.intel.com }\n"
    "      - expect: { msg: apf.service_accept, service: auth@amt.intel.com }\n"
    "      - apf.send:\n"
    "          type: userauth_request\n"
    "          user: ABCDEFGHIJKLMNOP\n"
    "          method: password\n"
    "        wire: { split: [20], gap: 40ms }\n"
    "      - name: accepted, not closed\n"
    "        expect: { msg: apf.userauth_success }\n"
    "        within: 2s\n"
    "      - name: stream is still in step\n"
    "        apf.send: { type: keepalive_request, cookie: 0x11223344 }\n"
    "      - expect: { msg: apf.keepalive_reply, cookie: 0x11223344 }\n";

struct step_row {
    const char *name;
    uint32_t line;
    uint64_t at_us, took_us;
};

static const struct step_row k_steps[] = {
    { "tls.handshake", 16, 0, 1840 },
    { "apf.send protocol_version", 17, 1840, 12 },
    { "apf.send service_request", 18, 1852, 10 },
    { "expect apf.service_accept", 19, 1862, 410 },
    { "apf.send userauth_request", 20, 2272, 40021 },
    { "accepted, not closed", 25, 42293, 3120 },
    { "stream is still in step", 28, 45413, 9 },
    { "expect apf.keepalive_reply", 30, 45422, 380 },
};

struct event_row {
    uint64_t at_us, took_us;
    const char *from, *to, *layer, *name;
    uint64_t size_bytes;
    const char *text;
    uint32_t step;
};

static const struct event_row k_events[] = {
    { 0, 210, "raw", "mps", "tls", "client_hello", 512, "TLS 1.3, no SNI", 1 },
    { 640, 205, "mps", "raw", "tls", "server_hello", 1311, "TLS 1.3, certificate of mps.lab", 1 },
    { 1845, 200, "raw", "mps", "apf", "protocol_version", 93,
      "major 1, minor 0, uuid 4c4c4544-0035-3210-8058-b4c04f4d4a32", 2 },
    { 1855, 200, "raw", "mps", "apf", "service_request", 23, "auth@amt.intel.com", 3 },
    { 2060, 205, "mps", "raw", "apf", "service_accept", 23, "auth@amt.intel.com", 4 },
    { 2275, 200, "raw", "mps", "tcp", "20 of 71 bytes", 20, "first piece of userauth_request", 5 },
};

static void add_steps(struct results *results, struct result_case *c, uint32_t failed_at)
{
    for (uint32_t i = 0; i < sizeof k_steps / sizeof k_steps[0]; i++) {
        struct result_step *step = result_add_step(results, c, k_steps[i].name);
        step->line = k_steps[i].line;
        step->actor = "raw";
        step->at_us = k_steps[i].at_us;
        step->took_us = k_steps[i].took_us;
        if (failed_at > 0 && step->n >= failed_at) {
            step->verdict = step->n == failed_at ? RESULT_STEP_FAILED : RESULT_STEP_NOT_REACHED;
        }
    }
}

static struct result_event *add_event(struct results *results, struct result_case *c,
                                      const struct event_row *row)
{
    struct result_event *event =
        result_add_event(results, c, row->from, row->to, row->layer, row->name);
    event->at_us = row->at_us;
    event->arrive_us = row->at_us + row->took_us;
    event->size_bytes = row->size_bytes;
    event->text = results_text(results, row->text);
    event->step = row->step;
    return event;
}

static struct result_case *add_case(struct results *results, const char *id, const char *matrix,
                                    const char *name, enum result_verdict verdict)
{
    struct result_case *c = results_add_case(results, id);
    c->name = results_text(results, name);
    c->matrix = results_text(results, matrix);
    c->file = "conformance/apf/userauth-split.yaml";
    c->line = 2;
    c->verdict = verdict;
    c->duration_us = 12345;
    c->virtual_us = 45802;
    c->repro = results_printf(results, "amtlab run '%s' --target mps=mc.yaml --seed 8140932", id);
    result_add_tag(results, c, "conformance");
    result_add_tag(results, c, "framing");
    return c;
}

static void add_spec(struct results *results, struct result_case *c, const char *id,
                     const char *text, enum result_verdict verdict)
{
    struct result_spec *spec = result_add_spec(results, c, id, RESULT_MUST);
    spec->text = results_text(results, text);
    spec->verdict = verdict;
}

static void add_passed(struct results *results)
{
    struct result_case *c =
        add_case(results, "apf/userauth/split#cut=1,gap=0ms", "cut=1,gap=0ms",
                 "USERAUTH_REQUEST cut at every byte is still accepted", RESULT_PASSED);
    c->summary = "APF runs over a byte stream, so the position of TLS record or TCP segment "
                 "boundaries carries no meaning.";
    add_spec(results, c, "APF-MPS-021", "A USERAUTH_REQUEST may arrive in any number of pieces.",
             RESULT_PASSED);
    add_spec(results, c, "APF-MPS-023", "Good credentials: exactly one USERAUTH_SUCCESS byte.",
             RESULT_PASSED);
    add_steps(results, c, 0);
    for (size_t i = 0; i < sizeof k_events / sizeof k_events[0]; i++) {
        (void)add_event(results, c, &k_events[i]);
    }
    static const struct event_row k_rest[] = {
        { 42480, 200, "raw", "mps", "tcp", "51 of 71 bytes", 51, "the rest", 5 },
        { 42700, 0, "mps", "mps", "event", "device.online", 0, "uuid=4c4c4544-0035-3210", 6 },
        { 42710, 205, "mps", "raw", "apf", "userauth_success", 1, "", 6 },
        { 45420, 200, "raw", "mps", "apf", "keepalive_request", 5, "cookie 0x11223344", 7 },
        { 45620, 200, "mps", "raw", "apf", "keepalive_reply", 5, "cookie 0x11223344", 8 },
    };
    for (size_t i = 0; i < sizeof k_rest / sizeof k_rest[0]; i++) {
        (void)add_event(results, c, &k_rest[i]);
    }
    result_add_metric(results, c, "mps.sessions", 1);
    result_add_metric(results, c, "mps.keepalives_in", 1);
}

static void add_failed(struct results *results)
{
    static const uint8_t k_piece[] = { 0x32, 0x00, 0x00, 0x00, 0x10, 0x41, 0x42, 0x43, 0x44, 0x45,
                                       0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
                                       0x50, 0x00, 0x00, 0x00, 0x12, 0x70, 0x66, 0x77, 0x64, 0x40 };
    struct result_case *c =
        add_case(results, "apf/userauth/split#cut=20,gap=0ms", "cut=20,gap=0ms",
                 "USERAUTH_REQUEST cut at every byte is still accepted", RESULT_FAILED);
    c->trace = "out/traces/split-cut-20.amtrec";
    add_spec(results, c, "APF-MPS-021", "A USERAUTH_REQUEST may arrive in any number of pieces.",
             RESULT_FAILED);
    add_spec(results, c, "APF-MPS-023", "Good credentials: exactly one USERAUTH_SUCCESS byte.",
             RESULT_PASSED);
    add_steps(results, c, 6);
    for (size_t i = 0; i < sizeof k_events / sizeof k_events[0]; i++) {
        struct result_event *event = add_event(results, c, &k_events[i]);
        if (i == 5) {
            event->bytes = results_bytes(results, k_piece, 20);
            event->len = 20;
        }
    }
    static const struct event_row k_close = { 5275, 200, "mps", "raw", "tcp", "fin", 0, "", 6 };
    (void)add_event(results, c, &k_close);
    struct result_failure *failure = result_set_failure(
        results, c, "closed", "the server closed the connection while an answer was expected");
    failure->step = 6;
    failure->at_us = 5480;
    failure->line = 26;
    failure->column = 19;
    failure->column_end = 44;
    failure->caret = "wanted this within 2s";
    failure->expected = "apf.userauth_success";
    failure->actual = "closed by peer (FIN) 3 ms after byte 20 of 71";
    failure->field = "user";
    failure->has_offset = true;
    failure->offset = 5;
    failure->bytes = results_bytes(results, k_piece, sizeof k_piece);
    failure->bytes_len = sizeof k_piece;
    struct result_wire *wire =
        result_add_wire(results, failure, "raw", "mps", k_piece, sizeof k_piece);
    wire->at_us = 2275;
    wire->mark = 20;
    wire->text = "userauth_request, user (16) \"ABCDEFGHIJKLMNOP\", cut here, service ...";
}

static void add_flap(struct results *results)
{
    struct result_case *c =
        add_case(results, "resilience/keepalive-flap", "",
                 "A device whose keepalive equals the idle limit must not flap", RESULT_NOT_STRICT);
    c->file = "scenarios/resilience/keepalive-flap.yaml";
    c->virtual_us = (uint64_t)7320 * 1000000;
    add_spec(results, c, "APF-MPS-039", "Keepalive options are negotiated.", RESULT_NOT_STRICT);
    static const struct event_row k_rows[] = {
        { 2000, 200, "dev", "mps", "apf", "keepalive_request", 5, "cookie 1", 0 },
        { 2400, 200, "mps", "dev", "apf", "keepalive_reply", 5, "cookie 1", 0 },
        { 90002000, 200, "dev", "mps", "apf", "keepalive_request", 5, "cookie 2", 0 },
        { 180002000, 200, "op", "mps", "http", "POST /wsman", 1480, "AMT_GeneralSettings", 0 },
    };
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        struct result_event *event = add_event(results, c, &k_rows[i]);
        event->is_lost = i == 2;
        event->is_fault = i == 2;
    }
    struct result_fault *fault = result_add_fault(results, c, "dev.tcp.*", "blackhole");
    fault->id = "cable-pull";
    fault->at_us = 90001000;
    fault->text = "nothing passes any more";
}

struct results *sample_results(void)
{
    struct results *results = results_new();
    assert_non_null(results);
    results->run.version = "1.0";
    results->run.id = "8140932";
    results->run.started = "2026-01-01T00:00:00Z";
    results->run.seed = 8140932;
    results->run.target = "mps=MeshCentral 1.1.55";
    results->run.duration_us = 38200000;
    results_add_option(results, "level", "must");
    results_add_option(results, "clock", "virtual");
    results_add_source(results, "conformance/apf/userauth-split.yaml", k_split_source);
    results_add_expectation(results, "apf/channel/data-cap", "no cap on CHANNEL_DATA");
    add_passed(results);
    add_failed(results);
    struct result_case *known = add_case(results, "apf/channel/data-cap", "",
                                         "CHANNEL_DATA has a cap", RESULT_KNOWN_FAILURE);
    known->reason = "MC-01 no cap on CHANNEL_DATA";
    add_spec(results, known, "APF-COM-004", "A length above its limit is an error.", RESULT_FAILED);
    add_flap(results);
    struct result_case *c = add_case(results, "basic/sol", "", "SOL echoes", RESULT_UNSUPPORTED);
    c->reason = "the target has no console.relay";
    c = add_case(results, "basic/flaky", "", "Flaky", RESULT_FLAKY);
    c->attempts = 2;
    (void)add_case(results, "basic/observed", "", "What the server says first", RESULT_INFO);
    (void)add_case(results, "basic/listed", "", "Listed as failing", RESULT_UNEXPECTED_PASS);
    c = add_case(results, "basic/setup", "", "Setup", RESULT_ERROR);
    (void)result_set_failure(results, c, "setup", "cannot bind 127.0.0.1:4433: address in use");
    assert_false(results->failed);
    return results;
}

static void fill_hostile(struct results *results, struct result_case *c)
{
    const char *const evil = SAMPLE_HOSTILE;
    c->name = c->summary = c->file = c->matrix = c->reason = c->link = c->trace = c->repro = evil;
    result_add_tag(results, c, evil);
    result_add_spec(results, c, evil, RESULT_MUST)->text = evil;
    struct result_step *step = result_add_step(results, c, evil);
    step->actor = evil;
    step->line = 1;
    struct result_event *event = result_add_event(results, c, evil, "b", evil, evil);
    event->text = evil;
    event->bytes = results_bytes(results, evil, strlen(evil));
    event->len = (uint32_t)strlen(evil);
    struct result_fault *fault = result_add_fault(results, c, evil, evil);
    fault->id = fault->text = evil;
    struct result_failure *failure = result_set_failure(results, c, evil, evil);
    failure->line = 1;
    failure->column = 3;
    failure->caret = failure->expected = failure->actual = failure->field = evil;
    result_add_wire(results, failure, evil, evil, evil, (uint32_t)strlen(evil))->text = evil;
}

struct results *sample_hostile(void)
{
    const char *const evil = SAMPLE_HOSTILE;
    struct results *results = results_new();
    assert_non_null(results);
    results->run.version = results->run.id = results->run.started = results->run.target = evil;
    results_add_option(results, evil, evil);
    results_add_stale(results, evil, evil);
    results_add_expectation(results, evil, evil);
    results_add_source(results, evil, evil);
    for (uint32_t v = 0; v < RESULT_VERDICT_COUNT; v++) {
        struct result_case *c =
            results_add_case(results, results_printf(results, "%s/%u%s", evil, v, evil));
        c->verdict = (enum result_verdict)v;
        fill_hostile(results, c);
    }
    assert_false(results->failed);
    return results;
}
