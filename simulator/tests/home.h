/* A device that calls by its firmware's policies, and servers to call, for the tests of this folder. */
#ifndef AMTLAB_SIMULATOR_TESTS_HOME_H
#define AMTLAB_SIMULATOR_TESTS_HOME_H

#include "simulator/device_internal.h"
#include "simulator/firmware/firmware_internal.h"
#include "simulator/firmware/remote_access_internal.h"
#include "simulator/tests/world.h"

/* The state of remote access as it is kept: servers 0 (a.example) and 1 (b.example), policies. */
#define SERVER(n, host)                                                     \
    "{\"number\":" n ",\"host\":\"" host "\",\"format\":201,\"port\":4433," \
    "\"user\":\"user\",\"password\":\"secret\"}"
#define POLICY(trigger, lifetime, data, links)                              \
    "{\"trigger\":" trigger ",\"lifetime_s\":" lifetime ",\"data\":\"" data \
    "\",\"servers\":[" links "]}"
#define TO_A     "{\"server\":0,\"type\":0,\"order\":0}"
#define TO_B     "{\"server\":1,\"type\":0,\"order\":1}"
#define EVERY_25 "0000000000000019"
#define AT_13_30 "000000010000000d0000001e"
#define USER     "0"
#define ALERT    "1"
#define PERIODIC "2"
#define HOME     "3"
#define STATE(policies)                                   \
    "{\"servers\":[" SERVER("0", "a.example") "," SERVER( \
        "1", "b.example") "],"                            \
                          "\"policies\":[" policies       \
                          "],\"domains\":[\"corp.example\"],\"user_interfaces\":3}"

/* A device whose firmware is configured, and servers at a.example and b.example. */
struct home {
    struct world w;
    struct firmware *firmware; /* the device's */
    struct listener *listener_b;
};

/* Of a profile of scenarios/profiles/; nobody listens yet and nothing is called. */
void home_init(struct home *h, const char *profile, const char *json);
/* Everything listens, the device starts, and a second passes. */
void home_up(struct home *h, const char *profile, const char *json);
void home_fini(struct home *h);
void home_listen_a(struct home *h);
void home_listen_b(struct home *h);
void home_run(struct home *h, uint64_t seconds);
/* Replaces the configuration; change: as after a WS-Man call. */
void home_set_state(struct home *h, const char *json);
void home_change_state(struct home *h, const char *json);
void home_expect_up(const struct home *h, const char *server, uint32_t apf_reason);

#endif
