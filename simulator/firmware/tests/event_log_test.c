/* The event log (wsman.md 4.18). */
#include "base/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "simulator/firmware/event_log_internal.h"
#include "simulator/firmware/tests/pc.h"

#define LOG_CLASS "AMT_MessageLog"

static const struct event_record k_record = { .device_address = 0xff,
                                              .sensor_type = 0x0f,
                                              .type = 0x6f,
                                              .offset = 2,
                                              .source_type = 0x68,
                                              .severity = 1,
                                              .sensor_number = 0xff,
                                              .entity = 0x22,
                                              .data = { 0x40, 0x07 } };

/* A log with nothing from the start of the device in it. */
static void open_empty(struct pc *pc)
{
    pc_open(pc);
    event_log_clear(pc->firmware);
}

static const char *output(struct pc *pc, const char *name)
{
    struct amt_diag diag = { .err = AMT_OK };
    const struct xml_node *root = xml_parse(&pc->arena, pc->body.chars, pc->body.len, &diag);
    return pc_property(xml_child(root, NULL, "Body")->first, name);
}

static uint32_t count_of(struct pc *pc, const char *element)
{
    uint32_t count = 0;
    for (const char *at = text_chars(&pc->body); (at = strstr(at, element)) != NULL; at++) {
        count++;
    }
    return count;
}

/* Tells records apart by their last data byte. */
static void add(struct pc *pc, uint32_t number)
{
    struct event_record record = k_record;
    record.data[6] = (uint8_t)(number >> 8);
    record.data[7] = (uint8_t)number;
    event_log_add(pc->firmware, &record);
}

static int get_records(struct pc *pc, const char *identifier, const char *max)
{
    char input[160];
    (void)snprintf(input, sizeof input,
                   "<r:IterationIdentifier>%s</r:IterationIdentifier><r:MaxReadRecords>%s"
                   "</r:MaxReadRecords>",
                   identifier, max);
    return pc_call(pc, LOG_CLASS, "GetRecords", NULL, input);
}

/* Number of the at-th record of the last answer (see add). */
static uint32_t number_of(struct pc *pc, uint32_t at)
{
    const char *from = text_chars(&pc->body);
    for (uint32_t i = 0; i <= at; i++) {
        from = strstr(from, "<g:RecordArray>");
        assert_non_null(from);
        from += strlen("<g:RecordArray>");
    }
    uint8_t bytes[EVENT_RECORD_BYTES + 3];
    size_t len = 0;
    assert_int_equal(base64_decode(from, strcspn(from, "<"), bytes, &len), AMT_OK);
    assert_int_equal(len, EVENT_RECORD_BYTES);
    return (uint32_t)bytes[19] << 8 | bytes[20];
}

static void the_captured_record_decodes_and_encodes_wsm_103(void **state)
{
    static const char k_base64[] = "IgYBZf8PbwJoAf8iAEAHAAAAAAAA";
    uint8_t bytes[EVENT_RECORD_BYTES + 3], again[EVENT_RECORD_BYTES];
    struct event_record record;
    uint32_t time_s = 0;
    size_t len = 0;
    (void)state;
    assert_int_equal(base64_decode(k_base64, strlen(k_base64), bytes, &len), AMT_OK);
    assert_int_equal(len, EVENT_RECORD_BYTES);
    event_record_decode(bytes, &record, &time_s);
    assert_int_equal(time_s, 0x65010622);
    assert_memory_equal(&record, &k_record, sizeof record);
    event_record_encode(&record, time_s, again);
    assert_memory_equal(again, bytes, sizeof again);
}

static void an_empty_log_has_no_more_records(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "PositionToFirstRecord", NULL, NULL), 0);
    assert_string_equal(output(&pc, "IterationIdentifier"), "1");
    assert_int_equal(get_records(&pc, "1", "390"), 0);
    assert_string_equal(output(&pc, "NoMoreRecords"), "true");
    assert_int_equal(count_of(&pc, "<g:RecordArray>"), 0);
    pc_close(&pc);
}

/* As captured: newest first, and 3 comes back after three records. */
static void records_come_newest_first(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    for (uint32_t i = 1; i <= 3; i++) {
        add(&pc, i);
    }
    assert_int_equal(get_records(&pc, "1", "390"), 0);
    assert_string_equal(output(&pc, "IterationIdentifier"), "3");
    assert_string_equal(output(&pc, "NoMoreRecords"), "true");
    assert_int_equal(count_of(&pc, "<g:RecordArray>"), 3);
    assert_int_equal(number_of(&pc, 0), 3);
    assert_int_equal(number_of(&pc, 2), 1);
    pc_close(&pc);
}

static void new_events_do_not_shift_an_iteration(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    for (uint32_t i = 1; i <= 5; i++) {
        add(&pc, i);
    }
    assert_int_equal(get_records(&pc, "1", "2"), 0);
    assert_string_equal(output(&pc, "IterationIdentifier"), "3");
    assert_string_equal(output(&pc, "NoMoreRecords"), "false");
    assert_int_equal(number_of(&pc, 1), 4);
    add(&pc, 6);
    assert_int_equal(get_records(&pc, "3", "2"), 0);
    assert_int_equal(number_of(&pc, 0), 3);
    assert_int_equal(get_records(&pc, "5", "2"), 0);
    assert_int_equal(number_of(&pc, 0), 1);
    assert_string_equal(output(&pc, "NoMoreRecords"), "true");
    assert_int_equal(get_records(&pc, "6", "2"), 2); /* begins anew only at 1 */
    assert_int_equal(get_records(&pc, "x", "2"), 2);
    assert_int_equal(get_records(&pc, "1", "0"), 36);
    pc_close(&pc);
}

static void the_oldest_of_390_makes_room(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    for (uint32_t i = 1; i <= 400; i++) {
        add(&pc, i);
    }
    const struct xml_node *log = pc_get(&pc, LOG_CLASS, NULL);
    assert_string_equal(pc_property(log, "CurrentNumberOfRecords"), "390");
    assert_string_equal(pc_property(log, "PercentageNearFull"), "100");
    assert_int_equal(get_records(&pc, "1", "390"), 0);
    assert_int_equal(count_of(&pc, "<g:RecordArray>"), 390);
    assert_int_equal(number_of(&pc, 0), 400);
    assert_int_equal(number_of(&pc, 389), 11);
    pc_close(&pc);
}

static void a_frozen_log_takes_and_loses_nothing(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    add(&pc, 1);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "FreezeLog", NULL, "<r:Freeze>true</r:Freeze>"), 0);
    add(&pc, 2);
    assert_int_equal(event_log_count(pc.firmware->event_log), 1);
    assert_string_equal(pc_property(pc_get(&pc, LOG_CLASS, NULL), "IsFrozen"), "true");
    assert_int_equal(pc_call(&pc, LOG_CLASS, "ClearLog", NULL, NULL), 2059);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "FreezeLog", NULL, "<r:Freeze>false</r:Freeze>"), 0);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "ClearLog", NULL, NULL), 0);
    assert_int_equal(event_log_count(pc.firmware->event_log), 0);
    pc_close(&pc);
}

static void a_position_is_found_absolute_and_relative(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    for (uint32_t i = 1; i <= 4; i++) {
        add(&pc, i);
    }
    assert_int_equal(pc_call(&pc, LOG_CLASS, "PositionAtRecord", NULL,
                             "<r:IterationIdentifier>1</r:IterationIdentifier>"
                             "<r:MoveAbsolute>true</r:MoveAbsolute><r:RecordNumber>4"
                             "</r:RecordNumber>"),
                     0);
    assert_string_equal(output(&pc, "IterationIdentifier"), "4");
    assert_int_equal(pc_call(&pc, LOG_CLASS, "PositionAtRecord", NULL,
                             "<r:IterationIdentifier>4</r:IterationIdentifier>"
                             "<r:MoveAbsolute>false</r:MoveAbsolute><r:RecordNumber>-2"
                             "</r:RecordNumber>"),
                     0);
    assert_string_equal(output(&pc, "RecordNumber"), "2");
    assert_int_equal(pc_call(&pc, LOG_CLASS, "PositionAtRecord", NULL,
                             "<r:IterationIdentifier>4</r:IterationIdentifier>"
                             "<r:MoveAbsolute>false</r:MoveAbsolute><r:RecordNumber>1"
                             "</r:RecordNumber>"),
                     2);
    assert_int_equal(pc_call(&pc, LOG_CLASS, "GetRecord", NULL,
                             "<r:IterationIdentifier>2</r:IterationIdentifier>"
                             "<r:PositionToNext>true</r:PositionToNext>"),
                     0);
    assert_string_equal(output(&pc, "IterationIdentifier"), "3");
    assert_int_equal(count_of(&pc, "<g:RecordData>"), EVENT_RECORD_BYTES);
    assert_non_null(strstr(text_chars(&pc.body), "<g:RecordData>3</g:RecordData><g:ReturnValue>"));
    pc_close(&pc);
}

static void entries_show_the_fields(void **state)
{
    struct pc pc;
    (void)state;
    open_empty(&pc);
    event_log_auth_failed(pc.firmware, 0x010a);
    event_log_boot(pc.firmware, "os");
    assert_int_equal(pc_count(&pc, "AMT_EventLogEntry"), 2);
    const struct xml_node *entry = pc_get(&pc, "AMT_EventLogEntry", "RecordID=2");
    assert_string_equal(pc_property(entry, "EventSensorType"), "6");
    assert_string_equal(pc_property(entry, "EventOffset"), "5");
    /* 170 and the number of failures, low byte first. */
    assert_non_null(strstr(text_chars(&pc.body),
                           "<g:EventData>170</g:EventData><g:EventData>10</g:EventData>"
                           "<g:EventData>1</g:EventData>"));
    (void)pc_get(&pc, "AMT_EventLogEntry", "RecordID=1");
    assert_non_null(
        strstr(text_chars(&pc.body), "<g:EventData>64</g:EventData><g:EventData>19</g:EventData>"));
    pc_close(&pc);
}

static void the_log_outlives_a_restart(void **state)
{
    struct pc pc;
    struct amt_diag diag = { .err = AMT_OK };
    (void)state;
    open_empty(&pc);
    for (uint32_t i = 1; i <= 395; i++) {
        add(&pc, i);
    }
    json_t *saved = k_event_log_part.save(pc.firmware);
    assert_non_null(saved);
    event_log_clear(pc.firmware);
    assert_int_equal(k_event_log_part.load(pc.firmware, saved, &diag), AMT_OK);
    assert_int_equal(get_records(&pc, "1", "390"), 0);
    assert_int_equal(count_of(&pc, "<g:RecordArray>"), 390);
    assert_int_equal(number_of(&pc, 0), 395);
    assert_int_equal(number_of(&pc, 389), 6);
    json_object_set_new(saved, "records", json_string("0011"));
    assert_int_equal(k_event_log_part.load(pc.firmware, saved, &diag), AMT_ECONFIG);
    json_decref(saved);
    pc_close(&pc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_captured_record_decodes_and_encodes_wsm_103),
        cmocka_unit_test(an_empty_log_has_no_more_records),
        cmocka_unit_test(records_come_newest_first),
        cmocka_unit_test(new_events_do_not_shift_an_iteration),
        cmocka_unit_test(the_oldest_of_390_makes_room),
        cmocka_unit_test(a_frozen_log_takes_and_loses_nothing),
        cmocka_unit_test(a_position_is_found_absolute_and_relative),
        cmocka_unit_test(entries_show_the_fields),
        cmocka_unit_test(the_log_outlives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
