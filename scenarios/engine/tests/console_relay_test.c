/* An operator's channel through the WebSocket relay of a target (harness.md 12.3, `console`). */
#include "scenarios/engine/console_relay.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/unit.h"
#include "runtime/http.h"
#include "runtime/net.h"
#include "runtime/websocket.h"
#include "scenarios/engine/target.h"
#include "scenarios/engine/tests/play.h"

/* Somebody else's relay, in a process of its own: says which path was asked for, then echoes. */
struct relay {
    struct loop *loop;
    struct websocket *ws;
    char target[300];
};

static void relay_message(void *ctx, enum websocket_kind kind, const uint8_t *in, uint32_t len)
{
    struct relay *relay = ctx;
    (void)kind;
    if (websocket_send(relay->ws, WEBSOCKET_BINARY, relay->target,
                       (uint32_t)strlen(relay->target)) != AMT_OK ||
        websocket_send(relay->ws, WEBSOCKET_BINARY, in, len) != AMT_OK) {
        _exit(1);
    }
}

static void relay_end(void *ctx, const struct websocket_end *end)
{
    (void)ctx;
    (void)end;
    _exit(0);
}

static void relay_request(void *ctx, struct http_server_connection *connection,
                          const struct http_request *request)
{
    static const struct websocket_handler k_handler = { .on_message = relay_message,
                                                        .on_end = relay_end };
    static const struct websocket_settings k_settings = { .message_max_bytes = 0 };
    struct relay *relay = ctx;
    (void)snprintf(relay->target, sizeof relay->target, "%s ", request->target);
    relay->ws = websocket_accept(relay->loop, connection, request, &k_settings, &k_handler, relay);
}

static void relay_gone(void *ctx)
{
    (void)ctx; /* the websocket has the stream now */
}

static void relay_accept(void *ctx, struct stream *s)
{
    struct relay *relay = ctx;
    (void)http_serve(relay->loop, s, NULL, relay_request, relay_gone, relay, NULL, 0);
}

/* The port it listens at. */
static uint16_t start_relay(pid_t *pid)
{
    int ends[2];
    uint16_t port = 0;
    assert_int_equal(pipe(ends), 0);
    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        (void)alarm(60); /* it ends with the test, however that ends */
        struct relay relay = { .loop = loop_new_uv(NULL) };
        struct address address = { "127.0.0.1", 0 };
        struct listener *listener = net_listen(relay.loop, &address, relay_accept, &relay, NULL);
        listener_address(listener, &address);
        if (write(ends[1], &address.port, sizeof address.port) != sizeof address.port) {
            _exit(1);
        }
        loop_run(relay.loop);
        _exit(1);
    }
    assert_int_equal(read(ends[0], &port, sizeof port), sizeof port);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return port;
}

static struct target_file *write_target(const char *url)
{
    struct amt_diag_list errors = { 0 };
    char path[] = "/tmp/amtlab-relay-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "amtlab-target: 1\nname: Relay\nrole: mps\naddress: 127.0.0.1:1\n"
                  "capabilities: [cira, console.relay]\n"
                  "console: { driver: websocket, url: \"%s\" }\n",
                  url);
    assert_int_equal(fclose(file), 0);
    struct target_file *target = target_load(path, &errors);
    assert_int_equal(unlink(path), 0);
    amt_diag_list_fini(&errors);
    return target;
}

#define OPERATOR                                                                             \
    "amtlab: 1\nname: a scenario of the tests\nrequires: [console.relay]\nactors:\n"         \
    "  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }] }\n"        \
    "  op: { kind: console, via: mps }\n"                                                    \
    "steps:\n"                                                                               \
    "  - actor: op\n"                                                                        \
    "    do:\n"                                                                              \
    "      - chan.open: { device: 4c4c4544-004b-4210-8033-b6c04f504633, port: 16994 }\n"     \
    "        as: ch\n"                                                                       \
    "      - chan.send: { channel: ch, text: hello }\n"                                      \
    "      - expect: { event: chan.data, received: { eq: \"/r/4c4c4544-004b-4210-8033-"      \
    "b6c04f504633/16994?n=TExFRABLQhCAM7bAT1BGM0xMRUQAS0IQgDO2wE9QRjNMTEVEAEtCEIAztsBPUEYz " \
    "hello\" } }\n"                                                                          \
    "      - chan.close: { channel: ch }\n"

static void an_operator_reaches_a_device_through_the_relay_of_a_target(void **state)
{
    struct play play;
    char url[100];
    pid_t pid = 0;
    (void)snprintf(url, sizeof url, "ws://127.0.0.1:%u/r/{uuid}/{port}?n={node}",
                   start_relay(&pid));
    struct target_file *file = write_target(url);
    assert_non_null(file);
    struct engine_target target = { .role = "mps", .address = file->address, .file = file };
    play_load(&play, OPERATOR);
    assert_int_equal(play.errors.count, 0);
    play.pki = *state;
    play.options.targets = &target;
    play_run(&play);
    const struct result_case *c = play.result.results->case_first;
    if (c->failure != NULL) {
        (void)fprintf(stderr, "%s: %s\n", c->failure->message, c->failure->actual);
    }
    assert_int_equal(c->verdict, RESULT_PASSED);
    play_end(&play);
    target_free(file);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void a_relay_that_is_not_there_is_a_failure(void **state)
{
    struct play play;
    struct target_file *file = write_target("ws://127.0.0.1:1/r");
    assert_non_null(file);
    struct engine_target target = { .role = "mps", .address = file->address, .file = file };
    play_load(&play, OPERATOR);
    play.pki = *state;
    play.options.targets = &target;
    play_run(&play);
    const struct result_case *c = play.result.results->case_first;
    assert_int_equal(c->verdict, RESULT_FAILED);
    assert_non_null(strstr(c->failure->message, "not opened"));
    play_end(&play);
    target_free(file);
}

static void a_url_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_null(write_target("http://127.0.0.1/r"));
    assert_null(write_target("relay"));
}

static int make_pki(void **state)
{
    *state = pki_set_new(NULL);
    return *state == NULL ? -1 : 0;
}

static int free_pki(void **state)
{
    pki_set_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operator_reaches_a_device_through_the_relay_of_a_target),
        cmocka_unit_test(a_relay_that_is_not_there_is_a_failure),
        cmocka_unit_test(a_url_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, make_pki, free_pki);
}
