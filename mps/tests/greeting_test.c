/* Browsers and strangers on a CIRA port: apf.md 7. */
#include <stdio.h>
#include <string.h>

#include "base/unit.h"
#include "mps/tests/world.h"

#define PAGE_START "<!DOCTYPE html><html><head><meta charset=\"UTF-8\"></head><body>"
#define PAGE_END   "</body></html>"
#define PAGE \
    PAGE_START "amtlab MPS server.<br />Intel&reg; AMT computers should connect here." PAGE_END

static void expect_text(struct peer *p, const char *text)
{
    assert_int_equal(bytes_append(&p->received, "", 1), AMT_OK);
    if (strstr((const char *)bytes_front(&p->received), text) == NULL) {
        fail_msg("\"%s\" is not in: %s", text, (const char *)bytes_front(&p->received));
    }
    p->received.len -= 1;
}

static void expect_page(struct peer *p)
{
    char length[64];
    (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(PAGE));
    expect_text(p, "HTTP/1.1 200 OK\r\n");
    expect_text(p, length);
    expect_text(p, "\r\n\r\n" PAGE);
}

/* APF-MPS-010, APF-MPS-011 */
static void the_page_comes_whatever_the_first_cut(void **state)
{
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: mps:4433\r\n\r\n";
    (void)state;
    struct world w;
    world_init(&w, false);
    world_start(&w);
    for (uint32_t cut = 1; cut < sizeof k_request - 1; cut++) {
        struct peer p;
        peer_connect(&w, &p);
        peer_send(&p, k_request, cut);
        peer_expect_silence(&p);
        peer_send(&p, k_request + cut, (uint32_t)(sizeof k_request - 1) - cut);
        expect_page(&p);
        peer_close(&p);
    }
    assert_int_equal(mps_statistics(w.mps)->http_requests, sizeof k_request - 2);
    world_fini(&w);
}

static void dribbled(bool is_tls)
{
    static const char k_request[] = "HEAD / HTTP/1.1\r\nHost: mps\r\n\r\n";
    struct world w;
    struct peer p;
    world_init(&w, is_tls);
    world_start(&w);
    peer_connect(&w, &p);
    peer_send_pieces(&p, k_request, sizeof k_request - 1, 1);
    expect_text(&p, "HTTP/1.1 200 OK\r\n");
    assert_memory_equal(bytes_front(&p.received) + p.received.len - 4, "\r\n\r\n", 4);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-010, APF-MPS-011, APF-MPS-070 */
static void a_head_request_byte_by_byte_gets_no_body(void **state)
{
    (void)state;
    world_both(dribbled);
}

/* APF-MPS-011 */
static void other_paths_are_404_and_the_connection_goes_on(void **state)
{
    static const char k_first[] = "GET /favicon.ico HTTP/1.1\r\nHost: mps\r\n\r\n";
    static const char k_second[] = "GET / HTTP/1.1\r\nHost: mps\r\n\r\n";
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, true);
    world_start(&w);
    peer_connect(&w, &p);
    peer_send(&p, k_first, sizeof k_first - 1);
    expect_text(&p, "HTTP/1.1 404 ");
    bytes_consume(&p.received, p.received.len);
    peer_send(&p, k_second, sizeof k_second - 1);
    expect_page(&p);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-012 */
static void a_head_above_4096_bytes_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct peer p;
    char head[5000];
    world_init(&w, false);
    world_start(&w);
    (void)snprintf(head, sizeof head, "GET / HTTP/1.1\r\nX: ");
    memset(head + strlen(head), 'x', sizeof head - 19);
    peer_connect(&w, &p);
    peer_send(&p, head, sizeof head);
    world_run(&w, SECOND_US);
    assert_true(p.has_ended);
    expect_text(&p, "HTTP/1.1 431 ");
    peer_close(&p);
    assert_int_equal(mps_statistics(w.mps)->open_sockets, 0);
    world_fini(&w);
}

/* apf.md 12.1 rule 11 */
static void the_host_header_is_not_repeated(void **state)
{
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: echo-me\r\n\r\n";
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_start(&w);
    peer_connect(&w, &p);
    peer_send(&p, k_request, sizeof k_request - 1);
    expect_page(&p);
    assert_null(strstr((const char *)bytes_front(&p.received), "echo-me"));
    peer_close(&p);
    world_fini(&w);
}

static void greeting_text_is_configurable(void **state)
{
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: mps\r\n\r\n";
    (void)state;
    struct world w;
    struct peer p;
    world_init(&w, false);
    world_set(&w, "greeting_text", "nothing to see");
    world_start(&w);
    peer_connect(&w, &p);
    peer_send(&p, k_request, sizeof k_request - 1);
    expect_text(&p, "\r\n\r\n" PAGE_START "nothing to see" PAGE_END);
    peer_close(&p);
    world_fini(&w);
}

/* APF-MPS-013: apf.md 7.1 */
static void meshcentral_mode_is_the_same_byte_for_byte(void **state)
{
    static const struct {
        const char *request, *answer;
    } k_cases[] = {
        { "GET / HTTP/1.1\r\nHost: a.b:4433\r\n\r\n",
          "HTTP/1.1 200 OK\r\nHost: a.b:4433\r\nConnection: keep-alive\r\nCache-Control: "
          "no-cache\r\n"
          "Content-Type: text/html\r\nContent-Length: 150\r\n\r\n" PAGE_START
          "MeshCentral MPS server.<br />Intel&reg; AMT computers should connect here." PAGE_END },
        { "HEAD / HTTP/1.0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n"
          "Content-Type: text/html\r\nContent-Length: 150\r\n\r\n" PAGE_START
          "MeshCentral MPS server.<br />Intel&reg; AMT computers should connect here." PAGE_END },
        { "GET /x HTTP/1.1\r\nHost: m\r\n\r\n",
          "HTTP/1.1 404 OK\r\nHost: m\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n"
          "Content-Type: text/html\r\nContent-Length: 15\r\n\r\nInvalid request" },
        { "GET /c/AAAA.iso HTTP/1.1\r\n\r\n",
          "HTTP/1.1 404 OK\r\nConnection: keep-alive\r\nCache-Control: no-cache\r\n"
          "Content-Type: application/octet-stream\r\nContent-Length: 0\r\n\r\n" },
    };
    (void)state;
    struct world w;
    world_init(&w, false);
    world_set(&w, "greeting", "meshcentral");
    world_start(&w);
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct peer p;
        peer_connect(&w, &p);
        for (uint32_t piece = 1; piece < 100; piece += 98) {
            peer_send_pieces(&p, k_cases[i].request, (uint32_t)strlen(k_cases[i].request), piece);
            peer_expect_bytes(&p, k_cases[i].answer, (uint32_t)strlen(k_cases[i].answer));
        }
        peer_close(&p);
    }
    world_fini(&w);
}

/* APF-MPS-013 */
static void meshcentral_mode_closes_on_a_bad_request_line_and_a_long_head(void **state)
{
    (void)state;
    struct world w;
    struct peer bad, long_head;
    char head[4200];
    world_init(&w, false);
    world_set(&w, "greeting", "meshcentral");
    world_start(&w);
    peer_connect(&w, &bad);
    peer_send(&bad, "GET / HTTP/1.1 more\r\n\r\n", 23);
    peer_expect_silence(&bad);
    assert_true(bad.has_ended);
    peer_close(&bad);
    memset(head, 'x', sizeof head);
    memcpy(head, "GET ", 4);
    peer_connect(&w, &long_head);
    peer_send(&long_head, head, sizeof head);
    peer_expect_silence(&long_head);
    assert_true(long_head.has_ended);
    peer_close(&long_head);
    world_fini(&w);
}

static void strangers(bool is_tls)
{
    static const struct {
        const char *bytes;
        uint32_t len;
    } k_cases[] = { { "POST / HTTP/1.1\r\n", 17 },
                    { "\x16\x03\x01\x02\x00\x01", 6 },
                    { "SSH-2.0-x\r\n", 11 },
                    { "\x10\x0cMQTTxxxxxxxx", 14 },
                    { "\x34", 1 },
                    { "get / HTTP/1.1\r\n", 16 },
                    { "GETX", 4 },
                    { "HEADX", 5 } };
    struct world w;
    world_init(&w, is_tls);
    world_start(&w);
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        struct peer p;
        peer_connect(&w, &p);
        peer_send(&p, k_cases[i].bytes, k_cases[i].len);
        peer_expect_disconnect(&p, APF_PROTOCOL_ERROR);
        peer_close(&p);
    }
    assert_int_equal(mps_statistics(w.mps)->http_requests, 0);
    assert_int_equal(mps_statistics(w.mps)->protocol_errors, sizeof k_cases / sizeof k_cases[0]);
    world_expect_event(&w, "session.protocol_error", "requirement=APF-");
    world_fini(&w);
}

/* APF-MPS-014 */
static void what_is_neither_http_nor_apf_is_closed_with_disconnect(void **state)
{
    (void)state;
    world_both(strangers);
}

/* apf.md 12.1 rule 1: a browser is a stranger too */
static void browsers_count_as_unauthenticated_and_end_in_time(void **state)
{
    static const char k_request[] = "GET / HTTP/1.1\r\nHost: mps\r\n\r\n";
    (void)state;
    struct world w;
    struct peer first, second;
    world_init(&w, false);
    world_set(&w, "max_unauthenticated", "1");
    world_start(&w);
    peer_connect(&w, &first);
    peer_send(&first, k_request, sizeof k_request - 1);
    expect_page(&first);
    peer_connect(&w, &second);
    assert_true(second.has_ended);
    world_expect_event(&w, "connection.refused", "limit=max_unauthenticated");
    world_run(&w, 31 * SECOND_US);
    assert_true(first.has_ended);
    assert_int_equal(mps_statistics(w.mps)->unauthenticated, 0);
    peer_close(&first);
    peer_close(&second);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_comes_whatever_the_first_cut),
        cmocka_unit_test(a_head_request_byte_by_byte_gets_no_body),
        cmocka_unit_test(other_paths_are_404_and_the_connection_goes_on),
        cmocka_unit_test(a_head_above_4096_bytes_is_refused),
        cmocka_unit_test(the_host_header_is_not_repeated),
        cmocka_unit_test(greeting_text_is_configurable),
        cmocka_unit_test(meshcentral_mode_is_the_same_byte_for_byte),
        cmocka_unit_test(meshcentral_mode_closes_on_a_bad_request_line_and_a_long_head),
        cmocka_unit_test(what_is_neither_http_nor_apf_is_closed_with_disconnect),
        cmocka_unit_test(browsers_count_as_unauthenticated_and_end_in_time),
    };
    return cmocka_run_group_tests(tests, world_make_pki, world_free_pki);
}
