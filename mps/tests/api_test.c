/* The operator API (docs/api.md), over HTTP in the virtual world with a store on disk. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/unit.h"
#include "mps/mps_internal.h"
#include "mps/store/store_internal.h"
#include "mps/tests/double.h"
#include "runtime/http.h"

#define DEVICE "/api/v1/devices/00000000-0000-0000-0000-000000000007"

struct fixture {
    struct world w;
    char top[64];
    char authorization[160];
    int status;
    struct text body;
};

static void begin(struct fixture *f)
{
    struct secret token = { .len = 0 };
    char data[80];
    memset(f, 0, sizeof *f);
    (void)snprintf(f->top, sizeof f->top, "%s", "/tmp/amtlab-api-XXXXXX");
    assert_non_null(mkdtemp(f->top));
    (void)snprintf(data, sizeof data, "%s/data", f->top);
    world_init(&f->w, false);
    world_set(&f->w, "data", data);
    world_set(&f->w, "api_listen", "127.0.0.1:0");
    world_set(&f->w, "keepalive_rule", "never");
    world_set(&f->w, "idle_limit", "0");
    world_start(&f->w);
    assert_int_equal(store_token_add(f->w.mps->store, "alice", &token, NULL), AMT_OK);
    (void)snprintf(f->authorization, sizeof f->authorization, "Authorization: Bearer %.*s\r\n",
                   (int)token.len, (const char *)token.bytes);
    secret_fini(&token);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void end(struct fixture *f)
{
    world_fini(&f->w);
    text_fini(&f->body);
    assert_int_equal(nftw(f->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static struct stream *dial(struct fixture *f)
{
    struct address address;
    assert_true(mps_api_address(f->w.mps, &address));
    struct stream *s = net_connect(f->w.loop, &address, 0, NULL, NULL);
    assert_non_null(s);
    return s;
}

static void on_response(void *ctx, const struct http_response *response)
{
    struct fixture *f = ctx;
    f->status = response->error == NULL ? response->status : -1;
    text_append(&f->body, response->body, response->body_len);
}

static const char *call_whole(struct fixture *f, const char *method, const char *target,
                              const char *headers, const char *body, int status)
{
    struct http_request_spec request = { .method = method,
                                         .target = target,
                                         .host = "api",
                                         .headers = headers,
                                         .body = body,
                                         .body_len = body == NULL ? 0 : (uint32_t)strlen(body),
                                         .limit_us = 5 * SECOND_US };
    text_fini(&f->body);
    f->status = 0;
    http_fetch(f->w.loop, dial(f), &request, on_response, f);
    world_run(&f->w, 100 * MS_US);
    if (f->status != status) {
        fail_msg("%s %s: status %d, wanted %d: %s", method, target, f->status, status,
                 text_chars(&f->body));
    }
    return text_chars(&f->body);
}

static const char *call_with(struct fixture *f, const char *method, const char *target,
                             const char *headers, int status)
{
    return call_whole(f, method, target, headers, NULL, status);
}

static const char *call(struct fixture *f, const char *method, const char *target, int status)
{
    return call_with(f, method, target, f->authorization, status);
}

static void expect_part(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no \"%s\" in: %s", part, text);
    }
}

static void health_needs_no_token_and_all_else_does(void **state)
{
    static const char *const k_targets[] = { "/metrics", "/api/v1/devices", DEVICE "/events",
                                             "/nothing" };
    static const char *const k_headers[] = { NULL, "Authorization: Bearer \r\n",
                                             "Authorization: Bearer alice.wrong\r\n",
                                             "Authorization: Basic YTpi\r\n" };
    struct fixture f;
    (void)state;
    begin(&f);
    assert_string_equal(call_with(&f, "GET", "/healthz", NULL, 200), "ok\n");
    assert_string_equal(call_with(&f, "GET", "/readyz", NULL, 200), "ready\n");
    for (size_t i = 0; i < 4; i++) {
        for (size_t n = 0; n < 4; n++) {
            expect_part(call_with(&f, "GET", k_targets[i], k_headers[n], 401), "token");
        }
    }
    world_expect_event(&f.w, "api.unauthorized", "target=/nothing");
    (void)call(&f, "GET", "/metrics", 200);
    end(&f);
}

static void a_token_of_any_length_is_refused_in_words(void **state)
{
    struct fixture f;
    char headers[2000];
    (void)state;
    begin(&f);
    for (int len = 1; len < 1900; len += 211) {
        (void)snprintf(headers, sizeof headers, "Authorization: Bearer %0*d\r\n", len, 0);
        expect_part(call_with(&f, "GET", "/metrics", headers, 401), "token");
    }
    end(&f);
}

static void devices_are_listed_with_what_they_announced(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    assert_string_equal(call(&f, "GET", "/api/v1/devices", 200), "{\"devices\":[]}\n");
    expect_part(call(&f, "GET", DEVICE, 404), "no such device");
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    const char *body = call(&f, "GET", "/api/v1/devices", 200);
    expect_part(body, "\"uuid\":\"00000000-0000-0000-0000-000000000007\",\"connected\":true");
    expect_part(body, "{\"port\":16992,");
    expect_part(body, "{\"port\":16994,");
    assert_null(strstr(body, PASSWORD));
    expect_part(call(&f, "GET", DEVICE, 200), "\"connected\":true");
    expect_part(call(&f, "GET", "/metrics", 200), "amtlab_mps_sessions 1\n");
    double_close(&d);
    world_run(&f.w, SECOND_US);
    expect_part(call(&f, "GET", "/metrics", 200), "amtlab_mps_sessions 0\n");
    assert_string_equal(call(&f, "GET", "/api/v1/devices", 200), "{\"devices\":[]}\n");
    body = call(&f, "GET", DEVICE "/events", 200);
    const char *offline = strstr(body, "\"event\":\"device.offline\"");
    const char *online = strstr(body, "\"event\":\"device.online\"");
    assert_true(offline != NULL && online != NULL && offline < online); /* newest first */
    end(&f);
}

static void devices_of_the_store_are_listed_also_while_they_are_away(void **state)
{
    struct fixture f;
    struct device_double d;
    struct secret password = { .len = 0 }, plain = { .len = 0 };
    struct store_group group;
    (void)state;
    begin(&f);
    f.w.config.auth = MPS_AUTH_STORE;
    assert_int_equal(secret_set(&password, PASSWORD, sizeof PASSWORD - 1), AMT_OK);
    assert_int_equal(store_group_add(f.w.mps->store, "lab", USER, &password, STORE_GROUP_AMT,
                                     &group, &plain, NULL),
                     AMT_OK);
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    const char *body = call(&f, "GET", DEVICE, 200);
    expect_part(body, "\"connected\":true,\"group\":\"lab\",\"own_password\":false");
    expect_part(body, "{\"port\":16994,");
    double_close(&d);
    world_run(&f.w, SECOND_US);
    expect_part(call(&f, "GET", "/api/v1/devices", 200), "\"connected\":false,\"group\":\"lab\"");
    secret_fini(&plain);
    end(&f);
}

static void groups_tell_their_ways_and_devices_are_added(void **state)
{
    struct fixture f;
    struct secret plain = { .len = 0 };
    struct store_group group;
    (void)state;
    begin(&f);
    assert_int_equal(store_group_add(f.w.mps->store, "the lab", NULL, NULL, STORE_GROUP_AMT, &group,
                                     &plain, NULL),
                     AMT_OK);
    secret_fini(&plain);
    expect_part(call(&f, "GET", "/api/v1/groups", 200), "{\"groups\":[{\"group\":\"the lab\",");
    const char *ways = call(&f, "GET", "/api/v1/groups/the%20lab", 200);
    expect_part(ways, "\"kind\":\"amt\",\"mode\":\"hybrid\"");
    expect_part(ways, "{\"way\":\"cira\",\"offered\":true,\"commands\":[\"amtlab cira set ");
    expect_part(ways, "{\"way\":\"activation\",\"offered\":false,\"commands\":[],\"reason\":\"");
    static const char k_device[] = "{\"uuid\":\"00000000-0000-0000-0000-000000000009\","
                                   "\"group\":\"the lab\",\"host\":\"pc9\"}";
    (void)call_whole(&f, "POST", "/api/v1/devices", f.authorization, k_device, 201);
    world_expect_event(&f.w, "api.device_added", "group=the lab operator=alice");
    expect_part(call(&f, "GET", "/api/v1/devices", 200), "\"group\":\"the lab\",\"host\":\"pc9\"");
    (void)call_whole(&f, "POST", "/api/v1/devices", f.authorization, "{\"uuid\":1}", 400);
    end(&f);
}

static void an_operator_sends_a_device_away(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    (void)call(&f, "POST", DEVICE "/disconnect", 409);
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    (void)call(&f, "POST", DEVICE "/disconnect", 202);
    assert_true(d.has_ended);
    assert_int_equal(d.end.code, APF_BY_APPLICATION);
    world_expect_event(&f.w, "api.disconnect",
                       "uuid=00000000-0000-0000-0000-000000000007 operator=alice");
    (void)call(&f, "POST", DEVICE "/disconnect", 409);
    double_close(&d);
    end(&f);
}

static void wrong_calls_are_answered_by_their_kind(void **state)
{
    static const struct wrong {
        const char *method, *target;
        int status;
    } k_wrong[] = {
        { "GET", "/", 404 },
        { "GET", "/api/v1/devicesx", 404 },
        { "GET", "/api/v1/devices/", 404 },
        { "GET", "/api/v1/devices/7", 404 },
        { "GET", DEVICE "x", 404 },
        { "GET", DEVICE "/", 404 },
        { "GET", DEVICE "/nothing", 404 },
        { "GET", DEVICE "/disconnect", 404 },
        { "POST", "/api/v1/devices", 400 },
        { "GET", "/api/v1/groups/", 404 },
        { "GET", "/api/v1/groups/nobody", 404 },
        { "GET", "/api/v1/groups/%zz", 404 },
        { "GET", "/api/v1/groupsx", 404 },
        { "POST", DEVICE, 404 },
        { "GET", DEVICE "/channels/16992", 426 },
        { "GET", DEVICE "/channels/0", 400 },
        { "GET", DEVICE "/channels/65536", 400 },
        { "GET", DEVICE "/channels/http", 400 },
    };
    struct fixture f;
    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        expect_part(call(&f, k_wrong[i].method, k_wrong[i].target, k_wrong[i].status),
                    "{\"error\":\"");
    }
    end(&f);
}

/* --- channels --- */

static void on_relay_data(void *ctx, const uint8_t *in, uint32_t len)
{
    text_append(&((struct fixture *)ctx)->body, (const char *)in, len);
}

static void on_relay_end(void *ctx, const struct stream_end *end)
{
    (void)end;
    ((struct fixture *)ctx)->status = -1;
}

static const struct stream_handler k_relay = { .on_data = on_relay_data, .on_end = on_relay_end };

static struct stream *open_relay(struct fixture *f, uint32_t port)
{
    struct text request = { 0 };
    struct stream *s = dial(f);
    text_fini(&f->body);
    f->status = 0;
    stream_set_handler(s, &k_relay, f);
    text_printf(&request,
                "GET " DEVICE "/channels/%u HTTP/1.1\r\nHost: api\r\n%s"
                "Connection: Upgrade\r\nUpgrade: amtlab-tcp\r\n\r\nfirst",
                port, f->authorization);
    assert_int_equal(stream_write(s, request.chars, (uint32_t)request.len), AMT_OK);
    text_fini(&request);
    world_run(&f->w, 100 * MS_US);
    return s;
}

static void an_upgrade_gives_the_bytes_of_a_channel(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    struct stream *s = open_relay(&f, 16992);
    expect_part(text_chars(&f.body), "HTTP/1.1 101 ");
    expect_part(text_chars(&f.body), "\r\n\r\nfirst"); /* sent before the answer, echoed after it */
    assert_int_equal(stream_write(s, " and more", 9), AMT_OK);
    world_run(&f.w, 100 * MS_US);
    expect_part(text_chars(&f.body), "\r\n\r\nfirst and more");
    world_expect_event(&f.w, "relay.opened", "port=16992 operator=alice");
    stream_close(s);
    world_run(&f.w, 6 * SECOND_US); /* APF cannot half-close: the device may still answer for 5 s */
    world_expect_event(&f.w, "relay.closed", "to_device_bytes=14 to_operator_bytes=14");
    assert_int_equal(d.ends, 1);
    double_close(&d);
    end(&f);
}

static void a_channel_that_cannot_be_opened_is_told_with_the_reason(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    stream_close(open_relay(&f, 16992));
    expect_part(text_chars(&f.body), "HTTP/1.1 502 ");
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    stream_close(open_relay(&f, 4711));
    expect_part(text_chars(&f.body), "HTTP/1.1 502 ");
    expect_part(text_chars(&f.body), "does not forward port 4711");
    d.service = DOUBLE_REFUSE;
    d.refusals = 100;
    d.refuse_reason = APF_ADMINISTRATIVELY_PROHIBITED;
    stream_close(open_relay(&f, 16992));
    expect_part(text_chars(&f.body), "HTTP/1.1 502 ");
    expect_part(text_chars(&f.body), "ADMINISTRATIVELY_PROHIBITED");
    d.service = DOUBLE_SILENT;
    struct stream *s = open_relay(&f, 16992);
    assert_string_equal(text_chars(&f.body), "");
    world_run(&f.w, 31 * SECOND_US);
    expect_part(text_chars(&f.body), "HTTP/1.1 504 ");
    stream_close(s);
    world_run(&f.w, SECOND_US);
    assert_int_equal(mps_statistics(f.w.mps)->channels_open, 0);
    double_close(&d);
    end(&f);
}

static void a_device_that_goes_ends_the_relay(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    struct stream *s = open_relay(&f, 16992);
    double_close(&d);
    world_run(&f.w, 5 * SECOND_US);
    assert_int_equal(f.status, -1);
    stream_close(s);
    world_expect_event(&f.w, "relay.closed", "port=16992");
    end(&f);
}

static void a_server_that_stops_leaves_no_relay_and_no_call(void **state)
{
    struct fixture f;
    struct device_double d;
    (void)state;
    begin(&f);
    double_init(&d, &f.w, 7, 8);
    double_connect(&d);
    struct stream *relay = open_relay(&f, 16992);
    struct stream *idle = dial(&f);
    world_run(&f.w, 100 * MS_US);
    mps_free(f.w.mps);
    f.w.mps = NULL;
    world_run(&f.w, SECOND_US);
    assert_int_equal(f.status, -1);
    stream_close(relay);
    stream_close(idle);
    double_close(&d);
    end(&f);
}

/* --- a full disk --- */

/* SQLite's own limit stands in for the disk's. */
static void set_disk(struct fixture *f, const char *pages)
{
    assert_int_equal(store_execute(f->w.mps->store, pages, NULL), AMT_OK);
}

static void fill(struct fixture *f)
{
    struct uuid uuid = uuid_of_number(7);
    set_disk(f, "PRAGMA max_page_count=1");
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(store_event(f->w.mps->store, &uuid, "device.online", "0123456789", 1),
                         AMT_OK);
    }
}

/* The call that meets the failure first must not keep it to itself. */
static void a_full_disk_is_logged_once_whoever_meets_it_and_calls_go_on(void **state)
{
    static const char *const k_calls[] = { DEVICE "/events", "/api/v1/devices" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        struct device_double d;
        begin(&f);
        double_init(&d, &f.w, 7, 8);
        double_connect(&d);
        (void)call(&f, "GET", "/api/v1/devices", 200); /* stores what waits, remembers the token */
        fill(&f);
        (void)call(&f, "GET", k_calls[i], 200);
        world_run(&f.w, 5 * SECOND_US);
        assert_int_equal(world_count(&f.w, "store.flush"), 1);
        world_expect_event(&f.w, "store.flush", "hint=free some space");
        expect_part(call_with(&f, "GET", "/readyz", NULL, 503), "cannot be written");
        assert_true(is_online(&f.w, 7));
        set_disk(&f, "PRAGMA max_page_count=1000000");
        (void)call(&f, "GET", k_calls[i], 200);
        world_run(&f.w, 5 * SECOND_US);
        assert_int_equal(world_count(&f.w, "store.flush"), 1);
        assert_int_equal(world_count(&f.w, "store.recovered"), 1);
        assert_string_equal(call_with(&f, "GET", "/readyz", NULL, 200), "ready\n");
        double_close(&d);
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_needs_no_token_and_all_else_does),
        cmocka_unit_test(a_token_of_any_length_is_refused_in_words),
        cmocka_unit_test(devices_are_listed_with_what_they_announced),
        cmocka_unit_test(devices_of_the_store_are_listed_also_while_they_are_away),
        cmocka_unit_test(groups_tell_their_ways_and_devices_are_added),
        cmocka_unit_test(an_operator_sends_a_device_away),
        cmocka_unit_test(wrong_calls_are_answered_by_their_kind),
        cmocka_unit_test(an_upgrade_gives_the_bytes_of_a_channel),
        cmocka_unit_test(a_channel_that_cannot_be_opened_is_told_with_the_reason),
        cmocka_unit_test(a_device_that_goes_ends_the_relay),
        cmocka_unit_test(a_server_that_stops_leaves_no_relay_and_no_call),
        cmocka_unit_test(a_full_disk_is_logged_once_whoever_meets_it_and_calls_go_on),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
