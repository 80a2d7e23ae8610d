/* Captures: what Wireshark would see of a session, in which file, and that secrets are not in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unit.h"
#include "protocol/apf/codec.h"
#include "runtime/capture.h"
#include "runtime/frame.h"
#include "runtime/pcapng.h"

#define UUID_NAME "00112233-4455-6677-8899-aabbccddeeff"

struct rig {
    char folder[64];
    struct loop *loop;
    struct log *log;
    struct stream *device, *server;
    struct bytes received;
    uint32_t failures;
};

static void on_data(void *ctx, const uint8_t *in, uint32_t len)
{
    struct rig *rig = ctx;
    assert_int_equal(bytes_append(&rig->received, in, len), AMT_OK);
}

static const struct stream_handler k_handler = { .on_data = on_data };

static void on_log(void *ctx, const char *name, enum log_level level,
                   const struct log_field *fields)
{
    struct rig *rig = ctx;
    (void)level;
    (void)fields;
    rig->failures += strcmp(name, "capture.failed") == 0 ? 1 : 0;
}

static int set_up(void **state)
{
    struct rig *rig = amt_alloc(sizeof *rig);
    strcpy(rig->folder, "/tmp/amtlab-capture-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    rig->loop = loop_new_virtual(&(struct virtual_world){ .seed = 1 }, NULL);
    rig->log = log_new(rig->loop);
    assert_int_equal(log_observe(rig->log, on_log, rig), AMT_OK);
    *state = rig;
    return 0;
}

static void run(struct rig *rig)
{
    (void)loop_run_until(rig->loop, NULL, NULL, loop_now_us(rig->loop) + 1000000);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    char command[128];
    log_free(rig->log);
    loop_free(rig->loop);
    bytes_fini(&rig->received);
    (void)snprintf(command, sizeof command, "%s/caps/" UUID_NAME ".pcapng", rig->folder);
    (void)unlink(command);
    static const char *const k_names[] = { "a.pcapng", "a.1.pcapng", "a.2.pcapng",
                                           "caps/unidentified.pcapng" };
    for (uint32_t i = 0; i < 4; i++) {
        (void)snprintf(command, sizeof command, "%s/%s", rig->folder, k_names[i]);
        (void)unlink(command);
    }
    (void)snprintf(command, sizeof command, "%s/caps", rig->folder);
    (void)rmdir(command);
    assert_int_equal(rmdir(rig->folder), 0);
    amt_free(rig);
    return 0;
}

static struct capture *open_at(struct rig *rig, const char *name, bool keeps_secrets,
                               uint32_t file_bytes)
{
    char path[96];
    (void)snprintf(path, sizeof path, "%s/%s", rig->folder, name);
    struct capture_config config = {
        .path = path, .file_bytes = file_bytes, .files = 3, .keeps_secrets = keeps_secrets
    };
    struct amt_diag diag = { .err = AMT_OK };
    struct capture *capture = capture_open(rig->loop, &config, "test", rig->log, &diag);
    assert_string_equal(diag.text, "");
    return capture;
}

static void connect_pair(struct rig *rig, struct capture *capture)
{
    assert_int_equal(stream_memory_pair(rig->loop, &rig->device, &rig->server), AMT_OK);
    stream_set_handler(rig->server, &k_handler, rig);
    rig->device = capture_stream(capture, true, rig->device);
    stream_set_handler(rig->device, &k_handler, rig);
}

static void send(struct rig *rig, bool from_device, const struct apf_message *message,
                 const char *source, uint32_t cut)
{
    uint8_t out[20000];
    uint32_t len = apf_encode(message, (const uint8_t *)source, false, out, sizeof out);
    assert_in_range(len, 1, sizeof out);
    struct stream *s = from_device ? rig->device : rig->server;
    for (uint32_t at = 0; at < len; at += cut) {
        assert_int_equal(stream_write(s, out + at, len - at < cut ? len - at : cut), AMT_OK);
        run(rig);
    }
}

static void say_hello(struct rig *rig)
{
    struct apf_message hello = { .type = APF_PROTOCOLVERSION,
                                 .major = 1,
                                 .uuid = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88,
                                           0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff } };
    send(rig, true, &hello, "", 1000);
}

static void log_in(struct rig *rig, uint32_t cut)
{
    static const char k_texts[] = "admin" APF_SERVICE_PFWD "password"
                                  "P@ssw0rd";
    struct apf_message user = { .type = APF_USERAUTH_REQUEST,
                                .has_password = true,
                                .user = { 0, 5 },
                                .service = { 5, 18 },
                                .method = { 23, 8 },
                                .password = { 31, 8 } };
    send(rig, true, &user, k_texts, cut);
}

static void send_data(struct rig *rig, bool from_device, uint32_t channel, const char *text)
{
    struct apf_message data = { .type = APF_CHANNEL_DATA,
                                .recipient_channel = channel,
                                .data = { 0, (uint32_t)strlen(text) } };
    send(rig, from_device, &data, text, 20000);
}

/* A capture as its reader sees it: the payload of both ways, flags and cuts. */
struct seen {
    struct bytes ways[2];
    uint32_t syns, fins, resets, pushes, packets;
    uint32_t next[2]; /* sequence */
    struct frame_end device;
    char comments[512];
    bool has_names;
};

static void see_packet(struct seen *seen, const uint8_t *packet, const struct pcapng_block *block)
{
    struct frame frame;
    uint32_t missing = 0;
    assert_int_equal(frame_decode(block->link_type, packet, block->data.len, &frame, &missing),
                     AMT_OK);
    assert_int_equal(missing, 0);
    assert_true(block->data.len <= 1500);
    if ((frame.flags & FRAME_SYN) != 0 && (frame.flags & FRAME_ACK) == 0) {
        seen->device = frame.from;
        seen->next[0] = frame.sequence;
        seen->next[1] = 0;
    }
    uint32_t way = frame_end_equal(&frame.from, &seen->device) ? 0 : 1;
    assert_int_equal(frame.sequence, seen->next[way]);
    assert_true((frame.flags & FRAME_ACK) == 0 || frame.acknowledged == seen->next[1 - way]);
    bool counts = (frame.flags & (FRAME_SYN | FRAME_FIN)) != 0;
    seen->next[way] += frame.payload.len + (counts ? 1 : 0);
    seen->packets++;
    seen->syns += (frame.flags & FRAME_SYN) != 0 ? 1 : 0;
    seen->fins += (frame.flags & FRAME_FIN) != 0 ? 1 : 0;
    seen->resets += (frame.flags & FRAME_RST) != 0 ? 1 : 0;
    seen->pushes += (frame.flags & FRAME_PSH) != 0 ? 1 : 0;
    assert_int_equal(bytes_append(&seen->ways[way], packet + frame.payload.off, frame.payload.len),
                     AMT_OK);
}

static void see(struct rig *rig, const char *name, struct seen *seen)
{
    static uint8_t file[200000];
    char path[96];
    struct stat there;
    struct pcapng_reader reader = { .has_begun = false };
    struct pcapng_block block;
    (void)snprintf(path, sizeof path, "%s/%s", rig->folder, name);
    assert_int_equal(stat(path, &there), 0);
    assert_int_equal(there.st_mode & 0777, 0600);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    uint32_t len = (uint32_t)fread(file, 1, sizeof file, in);
    (void)fclose(in);
    memset(seen, 0, sizeof *seen);
    for (uint32_t at = 0, used = 0; at < len; at += used) {
        assert_int_equal(pcapng_read(&reader, file + at, len - at, &block, &used), AMT_OK);
        seen->has_names = seen->has_names || block.kind == PCAPNG_NAMES;
        if (block.kind == PCAPNG_PACKET) {
            see_packet(seen, file + at + block.data.off, &block);
            size_t have = strlen(seen->comments);
            (void)snprintf(seen->comments + have, sizeof seen->comments - have, "%.*s|",
                           (int)block.comment.len, (const char *)file + at + block.comment.off);
        }
    }
}

static void free_seen(struct seen *seen)
{
    bytes_fini(&seen->ways[0]);
    bytes_fini(&seen->ways[1]);
}

static bool has(const struct bytes *bytes, const char *text)
{
    size_t len = strlen(text);
    for (uint32_t at = 0; at + len <= bytes->len; at++) {
        if (memcmp(bytes_front(bytes) + at, text, len) == 0) {
            return true;
        }
    }
    return false;
}

static void close_both(struct rig *rig)
{
    stream_close(rig->device);
    stream_close(rig->server);
    run(rig);
}

static void a_session_is_a_connection(void **state)
{
    struct rig *rig = *state;
    struct seen seen;
    struct capture *capture = open_at(rig, "a.pcapng", false, 0);
    connect_pair(rig, capture);
    say_hello(rig);
    log_in(rig, 20); /* in pieces: the cuts stay, and the password is found all the same */
    send_data(rig, false, 3, "<p:Passw");
    send_data(rig, false, 3, "ord>hunter2</p:Password>");
    send_data(rig, true, 1, "Authorization");
    assert_true(rig->received.len > 0);
    close_both(rig);
    capture_free(capture);
    see(rig, "a.pcapng", &seen);
    assert_int_equal(seen.syns, 2);
    assert_int_equal(seen.fins, 1);
    assert_int_equal(seen.resets, 0);
    assert_int_equal(seen.pushes, 1 + 3 + 2 + 1);
    assert_true(has(&seen.ways[0], "admin"));
    assert_true(has(&seen.ways[0], "********"));
    assert_false(has(&seen.ways[0], "P@ss"));
    assert_true(has(&seen.ways[1], "ord>*******</p:Password>"));
    assert_non_null(strstr(seen.comments, "device " UUID_NAME));
    assert_true(seen.has_names);
    /* what the other end got is what was sent */
    assert_true(has(&rig->received, "P@ssw0rd") && has(&rig->received, "hunter2"));
    free_seen(&seen);
}

static void secrets_stay_when_they_are_asked_for(void **state)
{
    struct rig *rig = *state;
    struct seen seen;
    struct capture *capture = open_at(rig, "a.pcapng", true, 0);
    connect_pair(rig, capture);
    say_hello(rig);
    log_in(rig, 1000);
    stream_reset(rig->device);
    run(rig);
    stream_close(rig->server);
    capture_free(capture);
    see(rig, "a.pcapng", &seen);
    assert_true(has(&seen.ways[0], "P@ssw0rd"));
    assert_int_equal(seen.resets, 1);
    free_seen(&seen);
}

static void what_breaks_off_or_is_no_apf_hides_too(void **state)
{
    struct rig *rig = *state;
    struct seen seen;
    static const char k_odd[] = "\x32\0\0\0\x01"
                                "a\0\0\0\x01x\0\0\0\x03"
                                "key\0\0\0\0\x08P@ssw0rd";
    struct capture *capture = open_at(rig, "a.pcapng", false, 0);
    connect_pair(rig, capture);
    assert_int_equal(stream_write(rig->device, k_odd, sizeof k_odd - 1), AMT_OK);
    assert_int_equal(stream_write(rig->device, "P@ssw0rd", 8), AMT_OK);
    run(rig);
    close_both(rig);
    connect_pair(rig, capture);
    say_hello(rig);
    log_in(rig, 1000);
    assert_int_equal(stream_write(rig->device, k_odd, 5), AMT_OK);
    close_both(rig);
    capture_free(capture);
    see(rig, "a.pcapng", &seen);
    assert_false(has(&seen.ways[0], "P@ss"));
    assert_non_null(strstr(seen.comments, "not APF: unknown-method"));
    assert_non_null(strstr(seen.comments, "the message breaks off here"));
    free_seen(&seen);
}

static void each_device_has_its_file(void **state)
{
    struct rig *rig = *state;
    struct seen seen;
    struct capture *capture = open_at(rig, "caps/", false, 0);
    connect_pair(rig, capture);
    say_hello(rig);
    close_both(rig);
    connect_pair(rig, capture);
    assert_int_equal(stream_write(rig->device, "GET", 3), AMT_OK);
    close_both(rig);
    capture_free(capture);
    see(rig, "caps/" UUID_NAME ".pcapng", &seen);
    assert_int_equal(seen.ways[0].len, 93);
    free_seen(&seen);
    see(rig, "caps/unidentified.pcapng", &seen);
    assert_true(has(&seen.ways[0], "GET"));
    free_seen(&seen);
}

static void files_are_a_ring(void **state)
{
    struct rig *rig = *state;
    char path[96];
    struct capture *capture = open_at(rig, "a.pcapng", false, 4000);
    connect_pair(rig, capture);
    say_hello(rig);
    for (uint32_t i = 0; i < 60; i++) {
        send_data(rig, true, 1,
                  "0123456789012345678901234567890123456789012345678901234567890123456789"
                  "0123456789012345678901234567890123456789012345678901234567890123456789");
    }
    close_both(rig);
    capture_free(capture);
    static const char *const k_there[] = { "a.pcapng", "a.1.pcapng", "a.2.pcapng" };
    for (uint32_t i = 0; i < 3; i++) {
        struct stat there;
        (void)snprintf(path, sizeof path, "%s/%s", rig->folder, k_there[i]);
        assert_int_equal(stat(path, &there), 0);
        assert_in_range(there.st_size, 100, 4400);
    }
    (void)snprintf(path, sizeof path, "%s/a.3.pcapng", rig->folder);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_long_message_is_several_segments(void **state)
{
    struct rig *rig = *state;
    struct seen seen;
    char text[4001];
    memset(text, 'x', sizeof text);
    text[4000] = '\0';
    struct capture *capture = open_at(rig, "a.pcapng", false, 0);
    connect_pair(rig, capture);
    say_hello(rig);
    send_data(rig, false, 1, text);
    close_both(rig);
    capture_free(capture);
    see(rig, "a.pcapng", &seen);
    assert_int_equal(seen.ways[1].len, 4009);
    assert_int_equal(seen.pushes, 2);
    assert_int_equal(seen.packets, 3 + 1 + 3 + 1);
    free_seen(&seen);
}

/* /dev/full takes no byte: the session does not mind. */
static void a_full_disk_ends_the_capture_alone(void **state)
{
    struct rig *rig = *state;
    char full[] = "/dev/full";
    struct capture_config config = { .path = full, .files = 1 };
    struct capture *capture = capture_open(rig->loop, &config, "test", rig->log, NULL);
    assert_non_null(capture);
    connect_pair(rig, capture);
    say_hello(rig);
    assert_int_equal(rig->failures, 1);
    assert_int_equal(rig->received.len, 93);
    close_both(rig);
    capture_free(capture);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    struct rig *rig = *state;
    char path[] = "/nonexistent/a/b.pcapng";
    struct capture_config config = { .path = path, .files = 1 };
    struct amt_diag diag = { .err = AMT_OK };
    assert_null(capture_open(rig->loop, &config, "test", rig->log, &diag));
    assert_non_null(strstr(diag.text, path));
    char folder[] = "/nonexistent/a/";
    config.path = folder;
    assert_null(capture_open(rig->loop, &config, "test", rig->log, &diag));
    assert_non_null(strstr(diag.text, "cannot make the folder"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_session_is_a_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets_stay_when_they_are_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_breaks_off_or_is_no_apf_hides_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_device_has_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_a_ring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_message_is_several_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_ends_the_capture_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
