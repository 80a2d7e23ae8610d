/*
 * The MPS against a bare OpenSSL accept loop with the same certificate, in one run:
 *   session_bench logins COUNT    logins per CPU-second of the server process
 *   session_bench memory COUNT    resident bytes per idle session of the server process
 * The bare server answers the same bytes without reading them. Prints one JSON object per server.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include "base/memory.h"
#include "mps/mps.h"
#include "runtime/tls.h"

#define USER     "ABCDEFGHIJKLMNOP"
#define PASSWORD "P@ssw0rd"

struct login_bytes {
    uint8_t hello[256], auth[256];
    uint32_t hello_len, auth_len, uuid_at;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "session_bench: %s (errno: %s)\n", what, strerror(errno));
    exit(1);
}

static void make_login(struct login_bytes *bytes)
{
    static const char k_source[] = APF_SERVICE_AUTH APF_SERVICE_PFWD "password" USER PASSWORD;
    struct apf_message version = { .type = APF_PROTOCOLVERSION, .major = 1, .trigger = 4 };
    struct apf_message service = { .type = APF_SERVICE_REQUEST, .service = { 0, 18 } };
    struct apf_message auth = { .type = APF_USERAUTH_REQUEST,
                                .has_password = true,
                                .service = { 18, 18 },
                                .method = { 36, 8 },
                                .user = { 44, 16 },
                                .password = { 60, 8 } };
    const uint8_t *source = (const uint8_t *)k_source;
    bytes->uuid_at = 13;
    bytes->hello_len = apf_encode(&version, NULL, false, bytes->hello, sizeof bytes->hello);
    bytes->hello_len += apf_encode(&service, source, false, bytes->hello + bytes->hello_len,
                                   (uint32_t)sizeof bytes->hello - bytes->hello_len);
    bytes->auth_len = apf_encode(&auth, source, false, bytes->auth, sizeof bytes->auth);
}

/* Servers: each runs in a child until it is told to stop by SIGTERM; writes its port to a pipe. */

static volatile sig_atomic_t must_stop;

static void on_term(int number)
{
    (void)number;
    must_stop = 1;
}

static void catch_term(void)
{
    struct sigaction action = { .sa_handler = on_term };
    (void)sigaction(SIGTERM, &action, NULL);
}

static void write_port(int fd, uint16_t port)
{
    if (write(fd, &port, sizeof port) != (ssize_t)sizeof port) {
        die("pipe");
    }
}

static SSL_CTX *bare_context(const char *cert, const char *key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_use_certificate_file(context, cert, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
        die("certificate");
    }
    return context;
}

static int bare_listen(int port_pipe)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof address;
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, len) != 0 ||
        listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        die("listen");
    }
    write_port(port_pipe, ntohs(address.sin_port));
    return listener;
}

/* Answers a login without looking at it. */
static void bare_login(SSL *ssl)
{
    static const uint8_t k_accept[] = "\x06\0\0\0\x12" APF_SERVICE_AUTH;
    uint8_t in[512];
    if (SSL_read(ssl, in, sizeof in) > 0 && SSL_write(ssl, k_accept, sizeof k_accept - 1) > 0 &&
        SSL_read(ssl, in, sizeof in) > 0) {
        (void)SSL_write(ssl, "\x34", 1);
    }
}

static void bare_server(const char *cert, const char *key, bool keeps, int port_pipe)
{
    SSL_CTX *context = bare_context(cert, key);
    int listener = bare_listen(port_pipe);
    catch_term();
    while (must_stop == 0) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            continue;
        }
        int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        SSL *ssl = SSL_new(context);
        (void)SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1) {
            bare_login(ssl);
        }
        if (!keeps) {
            (void)SSL_shutdown(ssl);
            SSL_free(ssl);
            (void)close(fd);
        }
    }
    _exit(0);
}

static void on_signal(void *ctx)
{
    loop_stop(ctx);
}

static void amtlab_server(const struct pki_identity *identity, int port_pipe)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct amt_diag_list errors = { .count = 0 };
    struct mps_config config = { .name = NULL };
    struct loop *loop = loop_new_uv(&diag);
    if (loop == NULL || config_read(mps_config_keys, NULL, "bench", &config, &errors) != AMT_OK ||
        config_set(mps_config_keys, "listen", "127.0.0.1:0", &config, &diag) != AMT_OK ||
        config_set(mps_config_keys, "auth", "any", &config, &diag) != AMT_OK ||
        config_set(mps_config_keys, "max_sessions", "100000", &config, &diag) != AMT_OK ||
        loop_on_signal(loop, SIGTERM, on_signal, loop) != AMT_OK) {
        die(diag.text);
    }
    config.max_unauthenticated = 0;
    config.max_unauthenticated_per_address = 0;
    config.idle_limit_us = 0;
    config.identity = identity;
    struct log *log = log_new(loop);
    struct mps *mps = mps_start(loop, &config, log, &diag);
    if (mps == NULL) {
        die(diag.text);
    }
    struct address address;
    mps_listener_address(mps, 0, &address);
    write_port(port_pipe, address.port);
    loop_run(loop);
    _exit(0);
}

/* The client: blocking, the same for both servers. */

struct client {
    SSL_CTX *context;
    uint16_t port;
    struct login_bytes bytes;
};

static SSL *log_in(struct client *client, uint32_t number)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(client->port),
                                   .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    SSL *ssl = SSL_new(client->context);
    (void)SSL_set_fd(ssl, fd);
    memcpy(client->bytes.hello + client->bytes.uuid_at, &number, sizeof number);
    uint8_t in[64];
    int got = 0;
    if (SSL_connect(ssl) != 1 ||
        SSL_write(ssl, client->bytes.hello, (int)client->bytes.hello_len) <= 0) {
        die("handshake");
    }
    while (got < 23) {
        int n = SSL_read(ssl, in, 23 - got);
        if (n <= 0) {
            die("no SERVICE_ACCEPT");
        }
        got += n;
    }
    if (SSL_write(ssl, client->bytes.auth, (int)client->bytes.auth_len) <= 0 ||
        SSL_read(ssl, in, 1) != 1 || in[0] != APF_USERAUTH_SUCCESS) {
        die("login failed");
    }
    return ssl;
}

static void log_out(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

static double cpu_seconds(pid_t pid)
{
    char path[64];
    char line[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        die("/proc/PID/stat");
    }
    (void)fclose(file);
    /* user and system time are fields 14 and 15; the command in field 2 may hold spaces */
    char *at = strrchr(line, ')') + 2;
    unsigned long long ticks = 0;
    for (int field = 3; field <= 15; field++) {
        char *end = NULL;
        unsigned long long value = strtoull(at, &end, 10);
        ticks += field >= 14 ? value : 0;
        at = strchr(at, ' ') + 1;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static double resident_bytes(pid_t pid)
{
    char path[64];
    char line[128];
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        die("/proc/PID/statm");
    }
    (void)fclose(file);
    char *second = strchr(line, ' ');
    return (double)strtoull(second, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static double run_logins(struct client *client, pid_t server, uint32_t count)
{
    for (uint32_t i = 0; i < 50; i++) {
        log_out(log_in(client, 1000000 + i)); /* warm */
    }
    double before = cpu_seconds(server);
    for (uint32_t i = 0; i < count; i++) {
        log_out(log_in(client, i));
    }
    return count / (cpu_seconds(server) - before);
}

static double run_memory(struct client *client, pid_t server, uint32_t count)
{
    for (uint32_t i = 0; i < 50; i++) {
        log_out(log_in(client, 1000000 + i));
    }
    SSL **sessions = amt_alloc_array(count, sizeof *sessions);
    double before = resident_bytes(server);
    for (uint32_t i = 0; i < count; i++) {
        sessions[i] = log_in(client, i);
    }
    double per_session = (resident_bytes(server) - before) / count;
    for (uint32_t i = 0; i < count; i++) {
        log_out(sessions[i]);
    }
    amt_free(sessions);
    return per_session;
}

struct paths {
    char directory[64], cert[96], key[96];
};

static double measure(bool is_bare, bool is_memory, uint32_t count, const struct paths *paths,
                      const struct pki_identity *identity)
{
    int fds[2];
    if (pipe(fds) != 0) {
        die("pipe");
    }
    pid_t server = fork();
    if (server == 0) {
        if (is_bare) {
            bare_server(paths->cert, paths->key, is_memory, fds[1]);
        }
        amtlab_server(identity, fds[1]);
    }
    struct client client = { .context = SSL_CTX_new(TLS_client_method()) };
    make_login(&client.bytes);
    if (read(fds[0], &client.port, sizeof client.port) != (ssize_t)sizeof client.port) {
        die("the server did not start");
    }
    double result =
        is_memory ? run_memory(&client, server, count) : run_logins(&client, server, count);
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    SSL_CTX_free(client.context);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return result;
}

int main(int argc, char **argv)
{
    bool is_memory = argc > 1 && strcmp(argv[1], "memory") == 0;
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000;
    const char *key_name = argc > 3 ? argv[3] : "rsa3072";
    struct rlimit files = { 65536, 65536 };
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
        files.rlim_cur = files.rlim_max = 20000;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    struct paths paths = { .directory = "/tmp/amtlab-bench-XXXXXX" };
    struct amt_diag diag = { .err = AMT_OK };
    enum pki_key key = PKI_RSA_3072;
    if (mkdtemp(paths.directory) == NULL || pki_key_parse(key_name, &key) != AMT_OK) {
        die("usage: session_bench logins|memory COUNT [rsa3072|rsa2048|p256]");
    }
    (void)snprintf(paths.cert, sizeof paths.cert, "%s/mps.crt", paths.directory);
    (void)snprintf(paths.key, sizeof paths.key, "%s/mps.key", paths.directory);
    struct pki_request request = { .common_name = "bench.test", .key = key, .for_server = true };
    struct pki_identity *identity = pki_issue(&request, NULL, &diag);
    if (identity == NULL || pki_save(identity, paths.cert, paths.key, &diag) != AMT_OK) {
        die(diag.text);
    }
    double bare = measure(true, is_memory, count, &paths, identity);
    double ours = measure(false, is_memory, count, &paths, identity);
    (void)printf("{\"bench\":\"%s\",\"count\":%u,\"key\":\"%s\",\"bare_openssl\":%.0f,"
                 "\"amtlab_mps\":%.0f,\"ratio\":%.3f}\n",
                 is_memory ? "idle_session_bytes" : "logins_per_cpu_second", count, key_name, bare,
                 ours, ours / bare);
    pki_identity_free(identity);
    (void)unlink(paths.cert);
    (void)unlink(paths.key);
    (void)rmdir(paths.directory);
    return 0;
}
