/* What the web server says, byte for byte as captured where there are captures (wsman.md 1.3 to 1.8). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "simulator/firmware/provisioning.h"
#include "simulator/firmware/web.h"

static const char *server_of(const struct firmware *firmware, char *out, size_t cap)
{
    const struct firmware_config *config = &firmware->profile->config;
    (void)snprintf(out, cap, "Server: Intel(R) %s %s\r\n", config->product, config->version);
    return out;
}

static void put_server(struct text *out, const struct firmware *firmware)
{
    char line[160];
    text_puts(out, server_of(firmware, line, sizeof line));
}

/* The device clock, UTC. */
static void put_date(struct text *out, const struct firmware *firmware)
{
    char line[64];
    struct tm tm;
    time_t now = (time_t)firmware_time_s(firmware);
    if (gmtime_r(&now, &tm) != NULL &&
        strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) > 0) {
        text_puts(out, line);
    }
}

static const char *page_title(const struct firmware *firmware)
{
    return firmware->profile->config.product;
}

/* The head of every page of the web interface. */
static void begin_page(struct text *page, const struct firmware *firmware)
{
    bool is_old = firmware->profile->release < 1200; /* 11.8 writes top, 15.0 and 16.1 middle */
    text_printf(page,
                "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" >\n"
                "<html><head><link rel=stylesheet href=/styles.css>\n"
                "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n"
                "<title>Intel&reg; %s</title></head>\n"
                "<body>\n"
                "<table class=header>\n"
                "<tr><td valign=top nowrap>\n"
                "<p class=top1>Intel<font class=r><sup>&reg;</sup></font> %s\n"
                "<td valign=\"%s\"><img src=\"logo.gif\" align=\"right\" alt=\"Intel\">\n"
                "</table>\n"
                "<br />\n",
                page_title(firmware), page_title(firmware), is_old ? "top" : "middle");
}

static void end_page(struct text *page)
{
    text_puts(page, "</body>\n</html>\n");
}

/* WSM-010, WSM-011: the form that every client's parser was written against. */
void web_challenge(struct text *out, struct firmware *firmware)
{
    char nonce[LOGON_NONCE_CHARS];
    struct text page = { 0 };
    logon_nonce(&firmware->web->logon, firmware, nonce);
    begin_page(&page, firmware);
    text_puts(&page, "<h2 class=warn>Log on failed. Incorrect user name or password, or user "
                     "account temporarily locked.</h2>\n\n<p>\n<form METHOD=\"GET\" "
                     "action=\"index.htm\"><h2><input type=submit value=\"Try again\">\n"
                     "</h2></form>\n<p>\n\n");
    end_page(&page);
    text_printf(out,
                "HTTP/1.1 401 Unauthorized\r\n"
                "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\",stale=\"false\",qop=\"%s\"\r\n"
                "Content-Type: text/html\r\n",
                provisioning_realm(firmware), nonce,
                firmware->profile->config.qop == 1 ? "auth-int, auth" : "auth");
    put_server(out, firmware);
    text_printf(out, "Content-Length: %zu\r\nConnection: close\r\n\r\n", page.len);
    text_append(out, text_chars(&page), page.len);
    out->failed = out->failed || page.failed;
    text_fini(&page);
}

/* Chunks fill buffers of a fixed size: the head and the first size line share the first one. */
static void put_chunks(struct text *out, uint32_t buffer, size_t head_len, const char *bytes,
                       size_t len)
{
    const size_t size_line = 6; /* "0220\r\n" */
    size_t room =
        head_len + size_line < buffer ? buffer - head_len - size_line : buffer - size_line;
    while (len > 0) {
        size_t part = len < room ? len : room;
        text_printf(out, "%04X\r\n", (unsigned)part); /* WSM-005 */
        text_append(out, bytes, part);
        text_puts(out, "\r\n");
        bytes += part;
        len -= part;
        room = buffer - size_line;
    }
    text_puts(out, "0\r\n\r\n");
}

void web_envelope(struct text *out, const struct firmware *firmware, int status,
                  const struct text *envelope)
{
    static const char *const k_reasons[] = { "OK", "Bad Request", "Internal Server Error" };
    text_printf(out, "HTTP/1.1 %d %s\r\n", status,
                k_reasons[status == 200   ? 0
                          : status == 400 ? 1
                                          : 2]);
    put_date(out, firmware);
    put_server(out, firmware);
    if (firmware->profile->release >= 900) { /* wsman.md 5.4 */
        text_puts(out, "X-Frame-Options: DENY\r\n");
    }
    text_puts(out, "Content-Type: application/soap+xml; charset=UTF-8\r\n"
                   "Transfer-Encoding: chunked\r\n");
    if (status == 400) { /* WSM-056 */
        text_puts(out, "Connection: close\r\n");
    }
    text_puts(out, "\r\n");
    put_chunks(out, firmware->profile->config.chunk_bytes, out->len, text_chars(envelope),
               envelope->len);
    out->failed = out->failed || envelope->failed;
}

static void put_page(struct text *out, const struct firmware *firmware, const char *status,
                     const char *type, const struct text *page, bool closes)
{
    text_printf(out, "HTTP/1.1 %s\r\n", status);
    put_date(out, firmware);
    put_server(out, firmware);
    text_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n%s\r\n", type, page->len,
                closes ? "Connection: close\r\n" : "");
    text_append(out, text_chars(page), page->len);
    out->failed = out->failed || page->failed;
}

bool web_open_page(struct text *out, const struct firmware *firmware, const char *path)
{
    struct text page = { 0 };
    if (strcmp(path, "/") == 0) { /* WSM-026: nothing else in it */
        text_puts(out, "HTTP/1.1 303 See Other\r\nLocation: /logon.htm\r\nContent-Length: 0\r\n");
        put_server(out, firmware);
        text_puts(out, "\r\n");
        return true;
    }
    if (strcmp(path, "/logon.htm") == 0) {
        begin_page(&page, firmware);
        text_puts(&page, "<h1>Log On</h1>\n<p>Log on to "
                         "this computer.\n<form METHOD=\"GET\" action=\"index.htm\"><h2><input "
                         "type=submit value=\"Log On...\">\n</h2></form>\n");
        end_page(&page);
        put_page(out, firmware, "200 OK", "text/html", &page, false);
    } else if (strcmp(path, "/styles.css") == 0) {
        text_puts(&page, "body{font-family:sans-serif}.warn{color:#a00}.r{font-size:60%}\r\n");
        put_page(out, firmware, "200 OK", "text/css", &page, false);
    } else if (strcmp(path, "/logo.gif") == 0) {
        static const char k_dot[] = "GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\4\1\0\0\0\0,\0\0"
                                    "\0\0\1\0\1\0\0\2\2D\1\0;";
        text_append(&page, k_dot, sizeof k_dot - 1);
        put_page(out, firmware, "200 OK", "image/gif", &page, false);
    } else {
        return false;
    }
    text_fini(&page);
    return true;
}

void web_status_page(struct text *out, const struct firmware *firmware)
{
    struct text page = { 0 };
    char date[40] = "";
    struct tm tm;
    time_t now = (time_t)firmware_time_s(firmware);
    if (gmtime_r(&now, &tm) != NULL) {
        (void)strftime(date, sizeof date, "%m/%d/%Y<br>%H:%M:%S", &tm);
    }
    begin_page(&page, firmware);
    text_printf(&page,
                "<h1>System Status</h1>\n<table><tr><td>System ID<td>%s\n"
                "<tr><td>Date<td>%s\n</table>\n",
                firmware->uuid_text, date);
    end_page(&page);
    put_page(out, firmware, "200 OK", "text/html", &page, false);
    text_fini(&page);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 404:
        return "404 Not Found";
    case 405:
        return "405 Method Not Allowed";
    case 408:
        return "408 Request Timeout";
    case 413:
        return "413 Request Entity Too Large";
    case 431:
        return "431 Request Header Fields Too Large";
    default:
        return "400 Bad Request";
    }
}

void web_error(struct text *out, const struct firmware *firmware, int status)
{
    struct text page = { 0 };
    begin_page(&page, firmware);
    text_printf(&page, "<h2 class=warn>%s</h2>\n", reason_of(status));
    end_page(&page);
    put_page(out, firmware, reason_of(status), "text/html", &page, true);
    text_fini(&page);
}
