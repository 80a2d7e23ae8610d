/* Connections of RPS clients until they are websockets: ws and wss. */
#include "base/memory.h"
#include "mps/activation/rps_internal.h"
#include "runtime/tls.h"

static void forget(struct rps_connection *connection)
{
    struct rps_connection **at = &connection->server->connections;
    while (*at != connection) {
        at = &(*at)->next;
    }
    *at = connection->next;
    amt_free(connection);
}

static void on_request(void *ctx, struct http_server_connection *http,
                       const struct http_request *request)
{
    struct rps_connection *connection = ctx;
    rps_server_request(connection->server, http, request);
}

static void on_http_end(void *ctx)
{
    forget(ctx);
}

static void serve(struct rps_connection *connection, struct stream *s)
{
    struct loop *loop = connection->server->settings.activation.loop;
    connection->tls = NULL;
    connection->http = http_serve(loop, s, NULL, on_request, on_http_end, connection, NULL, 0);
    if (connection->http == NULL) {
        forget(connection);
    }
}

static struct rps_connection *remember(struct rps_server *server)
{
    struct rps_connection *connection = amt_alloc(sizeof *connection);
    if (connection != NULL) {
        connection->server = server;
        connection->next = server->connections;
        server->connections = connection;
    }
    return connection;
}

void rps_server_serve(struct rps_server *server, struct stream *s)
{
    struct rps_connection *connection = remember(server);
    if (connection == NULL) {
        stream_close(s);
    } else {
        serve(connection, s);
    }
}

static void on_tls_open(void *ctx)
{
    struct rps_connection *connection = ctx;
    serve(connection, connection->tls);
}

static void on_tls_end(void *ctx, const struct stream_end *end)
{
    struct rps_connection *connection = ctx;
    LOG(connection->server->settings.activation.log, LOG_INFO, "rps.no_tls",
        log_text("reason", end->text));
    stream_close(connection->tls);
    forget(connection);
}

static void on_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_tls = { .on_open = on_tls_open, .on_end = on_tls_end };
    struct rps_server *server = ctx;
    if (server->tls == NULL) {
        rps_server_serve(server, s);
        return;
    }
    struct rps_connection *connection = remember(server);
    if (connection == NULL) {
        stream_close(s);
        return;
    }
    connection->tls =
        tls_accept(server->settings.activation.loop, server->tls, s, &k_tls, connection);
    if (connection->tls == NULL) {
        forget(connection);
    }
}

enum amt_err rps_server_listen(struct rps_server *server, const struct address *address,
                               struct tls_context *tls, struct amt_diag *diag)
{
    struct amt_diag own = { .err = AMT_OK };
    struct amt_diag *why = diag == NULL ? &own : diag;
    server->tls = tls;
    server->listener =
        net_listen(server->settings.activation.loop, address, on_accept, server, why);
    return server->listener != NULL ? AMT_OK : why->err;
}

void rps_server_address(const struct rps_server *server, struct address *address)
{
    listener_address(server->listener, address);
}

void rps_connections_end(struct rps_server *server)
{
    while (server->connections != NULL) {
        struct rps_connection *connection = server->connections;
        if (connection->http != NULL) {
            http_server_close(connection->http); /* forgets it */
        } else {
            stream_close(connection->tls);
            forget(connection);
        }
    }
}
