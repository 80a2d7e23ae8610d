/* An MPS session under test, driven by hand: what a device sends goes in, what comes out is kept. */
#ifndef AMTLAB_PROTOCOL_APF_TESTS_MPS_FIXTURE_H
#define AMTLAB_PROTOCOL_APF_TESTS_MPS_FIXTURE_H

#include "base/bytes.h"
#include "protocol/apf/mps_session.h"

#define SECOND UINT64_C(1000000)

struct mps_fixture {
    struct apf_mps_config config;
    struct apf_mps_session *session;
    struct bytes sent, in;
    uint64_t now_us;
    bool answers_at_once, verdict, has_no_memory;
    uint32_t logins, ends, ready, listed, unlisted, udp, json, sends;
    uint32_t nested, ends_at_send;
    struct apf_end end;
    char end_text[200];
    struct apf_channel *opened;
    uint64_t received_bytes;
    uint32_t drains, channel_ends, end_reason;
    enum apf_channel_end channel_end;
};

extern const struct apf_mps_handler k_mps_handler;

/* A strict configuration; tests change it before mps_start. */
void mps_init(struct mps_fixture *f);
void mps_start(struct mps_fixture *f);
void mps_fini(struct mps_fixture *f);

/* Feeds what was built in f->in, whole. */
void mps_feed(struct mps_fixture *f);
/* Fails the test unless the next message that was sent is of that type. */
struct apf_message mps_expect(struct mps_fixture *f, uint8_t type);
/* The last message, and the end for that reason and requirement. */
void mps_expect_disconnect(struct mps_fixture *f, uint32_t reason, const char *requirement);

/* To the states CRED, AUTHED and FWD, each from the beginning; then a granted port. */
void mps_hello(struct mps_fixture *f);
void mps_log_in(struct mps_fixture *f);
void mps_pfwd(struct mps_fixture *f);
void mps_forward(struct mps_fixture *f, uint32_t port);
void mps_tick_at(struct mps_fixture *f, uint64_t now_us);

#endif
