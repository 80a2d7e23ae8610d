/* A browser on a CIRA port: apf.md 7. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "mps/mps_internal.h"

#define HEAD_MAX_BYTES 4096u /* APF-MPS-012 */

static const char k_page_start[] =
    "<!DOCTYPE html><html><head><meta charset=\"UTF-8\"></head><body>";
static const char k_page_end[] = "</body></html>";

static void on_request(void *ctx, struct http_server_connection *http,
                       const struct http_request *request)
{
    struct connection *c = ctx;
    bool is_reading = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    if (!is_reading) {
        http_respond(http, 405, "text/html", "Allow: GET, HEAD\r\n", "", 0);
    } else if (strcmp(request->target, "/") != 0) {
        http_respond(http, 404, "text/html", NULL, "Invalid request", 15);
    } else {
        struct text page = { 0 };
        text_printf(&page, "%s%s%s", k_page_start, c->mps->config->greeting_text, k_page_end);
        http_respond(http, 200, "text/html", "Cache-Control: no-cache\r\n", text_chars(&page),
                     (uint32_t)page.len); /* APF-MPS-011 */
        text_fini(&page);
    }
}

static void on_http_end(void *ctx)
{
    struct connection *c = ctx;
    c->http = NULL;
    c->stream = NULL; /* the HTTP part has closed it */
    connection_end(c, false);
}

void greeting_start(struct connection *c, const struct text *first)
{
    const uint8_t *in = (const uint8_t *)text_chars(first);
    uint32_t len = (uint32_t)first->len;
    if (c->mps->config->greeting == MPS_GREETING_MESHCENTRAL) {
        c->is_mesh_http = true;
        greeting_input(c, in, len);
        return;
    }
    const struct http_limits limits = { .head_max_bytes = HEAD_MAX_BYTES,
                                        .body_max_bytes = 1024,
                                        .idle_limit_us = c->mps->config->pre_auth_limit_us };
    struct stream *s = c->stream;
    struct http_server_connection *http =
        http_serve(c->mps->loop, s, &limits, on_request, on_http_end, c, in, len);
    if (c->is_dying) {
        return;
    }
    if (http == NULL) {
        c->stream = NULL;
        connection_end(c, true);
        return;
    }
    c->http = http;
    connection_set_timer(c);
}

/* From here on: MeshCentral's answers byte for byte, its faults included (APF-MPS-013). */

static const char k_mesh_page[] =
    "<!DOCTYPE html><html><head><meta charset=\"UTF-8\"></head><body>MeshCentral MPS server.<br />"
    "Intel&reg; AMT computers should connect here.</body></html>";

/* Value of the Host header in a request head, or NULL. */
static const char *mesh_host(const char *head, size_t *len)
{
    const char *line = strstr(head, "\r\n");
    while (line != NULL) {
        line += 2;
        if (strncmp(line, "Host: ", 6) == 0) {
            *len = strcspn(line + 6, "\r");
            return line + 6;
        }
        line = strstr(line, "\r\n");
    }
    return NULL;
}

/* How MeshCentral answers to a path: the page, a file it does not have, or anything else. */
struct mesh_form {
    const char *status, *type, *body;
};

static const struct mesh_form k_mesh_forms[] = {
    { "200 OK", "text/html", k_mesh_page },
    { "404 OK", "application/octet-stream", "" },
    { "404 OK", "text/html", "Invalid request" },
};

static const struct mesh_form *mesh_form(const char *path, size_t len)
{
    if (len == 1 && path[0] == '/') {
        return &k_mesh_forms[0];
    }
    return &k_mesh_forms[len > 3 && strncmp(path, "/c/", 3) == 0 ? 1 : 2];
}

static void mesh_answer(struct connection *c, const char *head, const struct mesh_form *form)
{
    size_t host_len = 0;
    const char *host = mesh_host(head, &host_len);
    struct text out = { 0 };
    text_printf(&out, "HTTP/1.1 %s\r\n", form->status);
    if (host != NULL) {
        text_printf(&out, "Host: %.*s\r\n", (int)host_len, host);
    }
    text_printf(&out,
                "Connection: keep-alive\r\nCache-Control: no-cache\r\nContent-Type: %s\r\n"
                "Content-Length: %zu\r\n\r\n%s",
                form->type, strlen(form->body), form->body); /* the body follows a HEAD too */
    if (out.failed || stream_write(c->stream, out.chars, (uint32_t)out.len) != AMT_OK) {
        connection_end(c, true);
    }
    text_fini(&out);
}

/* One whole head: the request line has three parts, else the connection is closed. */
static void mesh_request(struct connection *c, const char *head)
{
    size_t line_len = strcspn(head, "\r");
    const char *first = memchr(head, ' ', line_len);
    const char *second =
        first == NULL ? NULL : memchr(first + 1, ' ', line_len - (size_t)(first + 1 - head));
    if (second == NULL || memchr(second + 1, ' ', line_len - (size_t)(second + 1 - head)) != NULL) {
        connection_end(c, false);
        return;
    }
    mesh_answer(c, head, mesh_form(first + 1, (size_t)(second - first - 1)));
}

void greeting_input(struct connection *c, const uint8_t *in, uint32_t len)
{
    text_append(&c->mesh_head, (const char *)in, len);
    const char *end = strstr(text_chars(&c->mesh_head), "\r\n\r\n");
    if (end == NULL) {
        if (c->mesh_head.len > HEAD_MAX_BYTES) {
            connection_end(c, false);
        }
        return;
    }
    char *head = text_take(&c->mesh_head); /* bytes behind the head are dropped, as there */
    if (head == NULL) {
        connection_end(c, true);
        return;
    }
    mesh_request(c, head);
    amt_free(head);
}
