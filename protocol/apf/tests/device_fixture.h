/* A device session under test, driven by hand: what an MPS sends goes in, what comes out is kept. */
#ifndef AMTLAB_PROTOCOL_APF_TESTS_DEVICE_FIXTURE_H
#define AMTLAB_PROTOCOL_APF_TESTS_DEVICE_FIXTURE_H

#include "base/bytes.h"
#include "protocol/apf/device_session.h"

#define SECOND UINT64_C(1000000)

struct device_fixture {
    struct apf_device_config config;
    struct apf_device_session *session;
    struct bytes sent, in;
    uint64_t now_us;
    bool refuses, consumes;
    uint32_t authenticated, granted, refused, up, replies, mismatches, options, ends, drains;
    uint32_t channel_ends;
    uint64_t received_bytes;
    struct apf_end end;
    struct apf_channel *opened;
};

extern const struct apf_device_handler k_device_handler;
extern const struct apf_forward k_device_forwards[2]; /* 16992 and 5900 */

/* A strict configuration with two forwards; tests change it before device_start. */
void device_init(struct device_fixture *f);
void device_start(struct device_fixture *f);
void device_fini(struct device_fixture *f);

/* Feeds what was built in f->in, whole; or a message without text. */
void device_feed(struct device_fixture *f);
void device_feed_plain(struct device_fixture *f, const struct apf_message *message);
void device_feed_type(struct device_fixture *f, uint8_t type);
void device_feed_success(struct device_fixture *f, uint32_t port);
void device_feed_close(struct device_fixture *f, uint32_t channel);

/* Fails the test unless the next message that was sent is of that type. */
struct apf_message device_expect(struct device_fixture *f, uint8_t type);
/* The last message, and an end of that kind. */
void device_expect_disconnect(struct device_fixture *f, uint32_t reason, enum apf_session_end kind);
void device_tick_at(struct device_fixture *f, uint64_t now_us);
/* Starts, and goes to a state; nothing unread is left. */
void device_reach(struct device_fixture *f, enum apf_device_state state);
/* The MPS opens a channel to 16992; slot is the number that the device must take. */
void device_open_channel(struct device_fixture *f, uint32_t sender, uint32_t window, uint32_t slot);

#endif
