/* Connections put together again: whatever a network does to segments, the bytes come out in order; and what
 * is missing is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/unit.h"
#include "runtime/pcapng.h"
#include "scenarios/replay/import.h"
#include "scenarios/replay/segments.h"

struct rig {
    char path[64];
    struct bytes file;
    uint64_t time_us;
};

static int set_up(void **state)
{
    static struct rig rig;
    memset(&rig, 0, sizeof rig);
    strcpy(rig.path, "/tmp/amtlab-segments-XXXXXX");
    int file = mkstemp(rig.path);
    assert_true(file >= 0);
    (void)close(file);
    rig.time_us = 1000000;
    assert_int_equal(pcapng_write_section(&rig.file, "test", NULL), AMT_OK);
    assert_int_equal(pcapng_write_interface(&rig.file, PCAPNG_LINK_RAW, NULL), AMT_OK);
    *state = &rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    bytes_fini(&rig->file);
    return unlink(rig->path);
}

/* sequence counts from the first byte behind SYN */
static void put(struct rig *rig, bool from_client, int32_t sequence, uint8_t flags,
                const char *text)
{
    uint8_t packet[FRAME_HEADER_MAX_BYTES + 200];
    struct frame frame = { .sequence = 1000u + (uint32_t)sequence, .flags = flags };
    struct frame_end *client = from_client ? &frame.from : &frame.to;
    struct frame_end *server = from_client ? &frame.to : &frame.from;
    assert_int_equal(frame_end_parse("10.0.0.2:50000", client), AMT_OK);
    assert_int_equal(frame_end_parse("10.0.0.1:4433", server), AMT_OK);
    uint32_t len = frame_encode(&frame, (const uint8_t *)text, (uint32_t)strlen(text), packet);
    rig->time_us += 1000;
    assert_int_equal(pcapng_write_packet(&rig->file, 0, rig->time_us, packet, len, NULL), AMT_OK);
}

static void shake_hands(struct rig *rig)
{
    put(rig, true, -1, FRAME_SYN, "");
    put(rig, false, -1, FRAME_SYN | FRAME_ACK, "");
}

static void save(struct rig *rig, uint32_t without)
{
    FILE *out = fopen(rig->path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes_front(&rig->file), 1, rig->file.len - without, out),
                     rig->file.len - without);
    assert_int_equal(fclose(out), 0);
}

static void read_all(struct rig *rig, struct segments *segments)
{
    struct amt_diag diag = { .err = AMT_OK };
    memset(segments, 0, sizeof *segments);
    save(rig, 0);
    enum amt_err err = segments_read(segments, rig->path, 0, &diag);
    assert_string_equal(diag.text, "");
    assert_int_equal(err, AMT_OK);
}

/* "c:abc s:def c:FIN" */
static void assert_told(const struct segment_connection *c, const char *expected)
{
    struct text told = { 0 };
    for (const struct segment_event *at = c->events; at != NULL; at = at->next) {
        text_printf(&told, "%s%c:%.*s", told.len == 0 ? "" : " ", at->from_client ? 'c' : 's',
                    at->what == RECORDING_DATA ? (int)at->len : 3,
                    at->what == RECORDING_DATA  ? (const char *)at->bytes
                    : at->what == RECORDING_FIN ? "FIN"
                                                : "RST");
    }
    assert_string_equal(text_chars(&told), expected);
    text_fini(&told);
}

static void order_and_repetition_do_not_matter(void **state)
{
    struct rig *rig = *state;
    struct segments segments;
    const uint8_t push = FRAME_PSH | FRAME_ACK;
    shake_hands(rig);
    put(rig, true, 0, FRAME_ACK, "abc"); /* one write in two segments */
    put(rig, true, 6, push, "ghi");      /* early */
    put(rig, true, 3, push, "def");
    put(rig, false, 0, push, "xyz");
    put(rig, true, 0, FRAME_ACK, "abc"); /* again */
    put(rig, true, 6, push, "ghijk");    /* again, and more */
    put(rig, false, 3, FRAME_FIN | FRAME_ACK, "");
    put(rig, true, 11, FRAME_FIN | FRAME_ACK, "");
    put(rig, true, 11, FRAME_FIN | FRAME_ACK, "");
    read_all(rig, &segments);
    assert_told(segments.connections, "c:abcdef c:ghi s:xyz c:jk s:FIN c:FIN");
    assert_null(segments.connections->next);
    segments_fini(&segments);
}

static void a_port_that_is_used_again_is_another_connection(void **state)
{
    struct rig *rig = *state;
    struct segments segments;
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "first");
    put(rig, true, 5, FRAME_RST, "");
    put(rig, true, 500, FRAME_SYN, "");
    put(rig, true, 501, FRAME_PSH, "second");
    read_all(rig, &segments);
    assert_told(segments.connections, "c:first c:RST");
    assert_told(segments.connections->next, "c:second");
    segments_fini(&segments);
}

static void what_is_missing_is_told(void **state)
{
    struct rig *rig = *state;
    struct segments segments = { .connections = NULL };
    struct amt_diag diag = { .err = AMT_OK };
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "\xc0");
    put(rig, true, 10, FRAME_PSH, "far");
    save(rig, 0);
    assert_int_equal(segments_read(&segments, rig->path, 0, &diag), AMT_EMALFORMED);
    assert_non_null(strstr(diag.text, "from port 50000 to port 4433 are missing"));
    segments_fini(&segments);
}

static void a_capture_that_breaks_off_is_read_as_far_as_it_goes(void **state)
{
    struct rig *rig = *state;
    struct segments segments = { .connections = NULL };
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "whole");
    put(rig, true, 5, FRAME_PSH, "half");
    save(rig, 10);
    assert_int_equal(segments_read(&segments, rig->path, 0, NULL), AMT_OK);
    assert_told(segments.connections, "c:whole");
    segments_fini(&segments);
}

static void a_cut_packet_is_told(void **state)
{
    struct rig *rig = *state;
    struct segments segments = { .connections = NULL };
    struct amt_diag diag = { .err = AMT_OK };
    uint8_t packet[FRAME_HEADER_MAX_BYTES + 4];
    struct frame frame = { .flags = FRAME_PSH };
    assert_int_equal(frame_end_parse("10.0.0.2:50000", &frame.from), AMT_OK);
    assert_int_equal(frame_end_parse("10.0.0.1:4433", &frame.to), AMT_OK);
    uint32_t len = frame_encode(&frame, (const uint8_t *)"cut!", 4, packet);
    assert_int_equal(pcapng_write_packet(&rig->file, 0, 1, packet, len - 2, NULL), AMT_OK);
    save(rig, 0);
    assert_int_equal(segments_read(&segments, rig->path, 0, &diag), AMT_EMALFORMED);
    assert_non_null(strstr(diag.text, "cut by the capture"));
    segments_fini(&segments);
    segments = (struct segments){ .connections = NULL };
    assert_int_equal(segments_read(&segments, rig->path, 5900, &diag), AMT_OK); /* not asked for */
    segments_fini(&segments);
}

static void the_first_byte_tells_what_a_connection_is(void **state)
{
    struct rig *rig = *state;
    struct segments segments;
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "\x16\x03\x01");
    read_all(rig, &segments);
    assert_true(segments.connections->is_tls);
    assert_false(segments.connections->is_apf);
    segments_fini(&segments);
}

/* The whole import of a plain capture: KEEPALIVE_REQUEST alone is no beginning of a session. */
static void an_import_needs_the_beginning(void **state)
{
    struct rig *rig = *state;
    struct amt_diag diag = { .err = AMT_OK };
    const struct import_settings settings = { .path = rig->path };
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "GET / HTTP/1.1\r\n\r\n");
    save(rig, 0);
    assert_null(import_capture(&settings, &diag));
    assert_int_equal(diag.err, AMT_EUNKNOWN);
    assert_non_null(strstr(diag.hint, "before the device connects"));
}

static void an_import_keeps_cuts_and_times(void **state)
{
    struct rig *rig = *state;
    struct amt_diag diag = { .err = AMT_OK };
    const struct import_settings settings = { .path = rig->path };
    shake_hands(rig);
    put(rig, true, 0, FRAME_PSH, "\xc0\x01"); /* PROTOCOLVERSION, but never whole */
    put(rig, true, 2, FRAME_FIN, "");
    save(rig, 0);
    struct imported *list = import_capture(&settings, &diag);
    assert_string_equal(diag.text, "");
    assert_non_null(list);
    assert_null(list->next);
    assert_false(list->has_uuid);
    const struct recording *r = list->recording;
    assert_int_equal(r->messages, 1);
    assert_int_equal(r->start_us, 1001000);
    assert_int_equal(r->steps->what, RECORDING_OPEN);
    assert_int_equal(r->steps->next->at_us, 3000); /* half a message, told at the end */
    assert_false(r->steps->next->is_apf);
    assert_int_equal(r->steps->next->next->what, RECORDING_FIN);
    imported_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_and_repetition_do_not_matter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_port_that_is_used_again_is_another_connection, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_missing_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_capture_that_breaks_off_is_read_as_far_as_it_goes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cut_packet_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_byte_tells_what_a_connection_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_import_needs_the_beginning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_import_keeps_cuts_and_times, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
