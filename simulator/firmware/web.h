/* The device's web server: heads as captured, answers in chunks, pages (wsman.md 1). */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_WEB_H
#define AMTLAB_SIMULATOR_FIRMWARE_WEB_H

#include "simulator/firmware/exchange.h"
#include "simulator/firmware/logon.h"
#include "simulator/firmware/meddle.h"

struct web_connection;
struct web {
    struct logon logon;
    struct web_connection *first; /* open connections, so that the device can end them */
    firmware_meddle_fn *meddle;   /* NULL: nobody */
    void *meddle_ctx;
};

/* web_pages.c: each appends a whole answer, head and body. */
void web_challenge(struct text *out, struct firmware *firmware);
/* A SOAP answer, cut into chunks. closes: the connection ends with it. */
void web_envelope(struct text *out, const struct firmware *firmware, int status,
                  const struct text *envelope);
/* GET of the pages that need no logon: true if path is one. */
bool web_open_page(struct text *out, const struct firmware *firmware, const char *path);
void web_status_page(struct text *out, const struct firmware *firmware);
/* An HTML page for an error status; ends the connection. */
void web_error(struct text *out, const struct firmware *firmware, int status);
/* Ends all connections (a restart of the web server, Unprovision). */
void web_close_all(struct firmware *firmware);

#endif
