/* A device for tests of clients: reads requests from raw bytes and answers as a test says. */
#ifndef AMTLAB_CLIENT_TESTS_FAKE_DEVICE_H
#define AMTLAB_CLIENT_TESTS_FAKE_DEVICE_H

#include "base/text.h"
#include "client/wsman.h"
#include "runtime/net.h"

#define FAKE_REALM    "Digest:2517B2332AFD88353D5F5FD352697901"
#define FAKE_PASSWORD "P@ssw0rd"

struct fake_device {
    struct loop *loop;
    struct listener *listener;
    struct stream *s; /* the newest connection */
    struct text in;
    uint32_t connections, requests, authorized;
    uint32_t nonce;      /* number of the nonce that is good now */
    struct text request; /* head and body of the last whole request */
    char message_id[32], nc[16], action[200];
    /* Called for each whole request. */
    void (*answer)(struct fake_device *device);
    uint32_t step; /* for the test's answer function */
    struct address address;
    /* the client under test */
    struct wsman_client *client;
    struct arena arena;
    struct wsman_outcome outcome;
    char *file; /* of fake_file */
};

void fake_open(struct fake_device *device, void (*answer)(struct fake_device *device),
               const char *password);
void fake_close(struct fake_device *device);

/* Whether the last request carries a right digest for the present nonce. */
bool fake_is_authorized(struct fake_device *device);
void fake_send(struct fake_device *device, const char *bytes);
/* 401 with the present nonce; then the connection closes. */
void fake_challenge(struct fake_device *device, const char *stale);
/* Chunked 200 (or another status) with an envelope around body; RelatesTo as asked. */
void fake_soap(struct fake_device *device, const char *status, const char *body);
void fake_fault(struct fake_device *device, const char *status, const char *subcode,
                const char *detail);
/* An instance of AMT_GeneralSettings with HostName. */
void fake_settings(struct fake_device *device);
void fake_hang_up(struct fake_device *device);
/* A file of tests/data as text, until the next one. */
const char *fake_file(struct fake_device *device, const char *name);

/* Calls and waits. */
const struct wsman_outcome *fake_get(struct fake_device *device, const char *class_name);
const struct wsman_outcome *fake_enumerate(struct fake_device *device, const char *class_name);
const struct wsman_outcome *fake_invoke(struct fake_device *device, const char *class_name,
                                        const char *method);

#endif
