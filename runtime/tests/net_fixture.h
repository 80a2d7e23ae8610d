/* One connection between a client and a server, in either world, with everything noted that the
 * streams tell. */
#ifndef AMTLAB_RUNTIME_TESTS_NET_FIXTURE_H
#define AMTLAB_RUNTIME_TESTS_NET_FIXTURE_H

#include "runtime/net.h"

#define LIMIT_US (20u * (uint64_t)US_PER_SECOND)

struct side;

/* Called from within a callback of the side, if set. */
typedef void side_fn(struct side *side);

struct side {
    struct stream *stream;
    uint8_t received[4096]; /* the first bytes */
    uint64_t received_bytes, sum;
    uint32_t opens, reads, drains;
    uint64_t last_data_us;
    bool is_open, has_ended, has_drained;
    enum stream_end_kind end;
    char end_text[STREAM_TEXT_BYTES];
    side_fn *when_open, *when_data, *when_drained, *when_ended;
    struct loop *loop;
};

struct fixture {
    struct loop *loop;
    struct listener *listener;
    struct address address;
    struct side client, server; /* server: the one accepted last */
    uint32_t accepted;
    side_fn *when_accepted;
};

/* All zero but this fixture's loop: with world NULL the real one. Listens on host, port 0. */
void fixture_open_world(struct fixture *f, const struct virtual_world *world, const char *host);
void fixture_open(struct fixture *f, bool is_virtual);
/* Closes what is open. */
void fixture_close(struct fixture *f);
/* The client begins to connect. */
void begin_connect(struct fixture *f);
/* Both ends are connected afterwards. */
void connect_pair(struct fixture *f);
/* Runs until is_done(f); false after LIMIT_US. */
bool until(struct fixture *f, bool (*is_done)(void *ctx));
void run_for(struct fixture *f, uint64_t us);

bool are_connected(void *ctx);
bool server_ended(void *ctx);
bool client_ended(void *ctx);
bool client_drained(void *ctx);

void side_close(struct side *side);
/* 31-ary sum of bytes as sides compute it, continued from sum. */
uint64_t pattern_sum(uint64_t sum, const uint8_t *bytes, uint32_t len);
/* Writes len patterned bytes in blocks; returns their sum, continued from sum. */
uint64_t write_pattern(struct stream *s, uint64_t len, uint64_t sum);

extern const struct stream_handler k_net_side;
/* The accept_fn of a fixture. */
void fixture_accept(void *ctx, struct stream *s);

/* Runs every case in one world. */
typedef void case_fn(bool is_virtual);
void run_cases(case_fn *const *cases, size_t count, bool is_virtual);

#endif
