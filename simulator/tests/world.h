/* A device and a server double in one world, for the tests of this folder. */
#ifndef AMTLAB_SIMULATOR_TESTS_WORLD_H
#define AMTLAB_SIMULATOR_TESTS_WORLD_H

#include "base/bytes.h"
#include "base/text.h"
#include "protocol/apf/mps_session.h"
#include "runtime/stream_class.h"
#include "simulator/device.h"

#define SECOND         UINT64_C(1000000)
#define WORLD_CONNECTS 16u
#define WORLD_BYTES    200000u

/* Counts a stream's writes: its class with another write in it. */
struct tap {
    struct stream_class class; /* first: the tapped stream's class pointer leads here */
    enum amt_err (*write)(struct stream *s, const void *out, uint32_t len);
    uint32_t writes, smallest, largest;
    uint8_t first; /* byte of the first write: an APF type */
};

/* The double: one APF session at a time, when each connection came, and one channel of interest. */
struct world {
    struct loop *loop;
    struct log *log;
    struct text events; /* every event of the device: "name key=value ...\n" */
    struct text doc;    /* docs/events.md, the device's part: every event must stand there */
    struct device_config config;
    struct device *device;
    struct listener *listener;
    struct stream *stream;
    struct apf_mps_config mps_config;
    struct apf_mps_session *session;
    bool refuses_login;
    bool joins_messages; /* the double answers each turn in one write */
    struct bytes joined;
    struct loop_task join;
    uint64_t connected_us[WORLD_CONNECTS];
    uint32_t connects, ends;
    struct tap tap; /* the device's writes of APF, after world_tap */
    struct apf_end end;
    char password[64]; /* of the last login */
    uint32_t trigger;  /* likewise */
    uint32_t options;  /* KEEPALIVE_OPTIONS_REPLY received */
    bool hoards;       /* the double reads, and gives no credit back */
    struct apf_channel *channel;
    bool is_open, has_channel_end;
    uint32_t refuse_reason;
    uint8_t *received; /* WORLD_BYTES of room */
    uint32_t received_len;
};

/* Plain TCP, profile of scenarios/profiles/, in the virtual world or on the loop given. */
void world_init(struct world *w, const char *profile);
void world_init_on(struct world *w, struct loop *loop, const char *profile);
void world_fini(struct world *w);
/* One key of the device's configuration; before world_call. */
void world_set(struct world *w, const char *key, const char *value);
void world_listen(struct world *w, uint16_t port);
/* One more listener of the same server, at any host of the virtual world. */
void world_listen_at(struct world *w, const char *host, uint16_t port, struct listener **listener);
/* Makes the device and lets it call. */
void world_call(struct world *w);
/* Listens, calls, and is up at the first second. */
void world_up(struct world *w);
void world_run(struct world *w, uint64_t until_us);
/* Bytes that no honest server sends, past its session. */
void world_send_raw(struct world *w, const struct apf_message *message, const uint8_t *source);
/* The server goes away without a word. */
void world_drop(struct world *w);
/* The server opens a channel; is_open, has_channel_end and received tell how it went. */
void world_open(struct world *w, uint32_t port);
void world_open_from(struct world *w, uint32_t port, const char *address, const char *originator);
void world_write(struct world *w, const void *out, uint32_t len);
/* Before world_call. */
void world_tap(struct world *w);
/* How many events have this text in their line. */
uint32_t world_count(const struct world *w, const char *text);

#endif
