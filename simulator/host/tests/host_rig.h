/* A firmware in the virtual world, asked over its host interface. */
#ifndef AMTLAB_SIMULATOR_HOST_TESTS_HOST_RIG_H
#define AMTLAB_SIMULATOR_HOST_TESTS_HOST_RIG_H

#include "protocol/mei/pthi.h"
#include "simulator/firmware/firmware_internal.h"

struct host_rig {
    struct loop *loop;
    struct log *log;
    struct firmware_config config;
    struct firmware_profile *profile;
    struct firmware *firmware;
    uint8_t answer[PTHI_MESSAGE_MAX]; /* the last one */
    uint32_t answer_len;
    struct pthi_response response; /* its fields */
    uint32_t tunnels_closed;
};

/* version NULL: the default. */
void host_rig_open(struct host_rig *rig, enum firmware_mode mode, const char *version);
void host_rig_close(struct host_rig *rig);
/* Sends a request, reads the answer; its status. The answer must be one. */
uint32_t host_rig_ask(struct host_rig *rig, const struct pthi_request *request, const void *from);
/* Requests without data, with a number, with a text. */
uint32_t host_rig_get(struct host_rig *rig, uint32_t command);
uint32_t host_rig_number(struct host_rig *rig, uint32_t command, uint32_t number);
uint32_t host_rig_text(struct host_rig *rig, uint32_t command, const char *text);
/* Whether the text of the last answer is this one. */
bool host_rig_said(const struct host_rig *rig, const char *text);
void host_rig_run(struct host_rig *rig, uint64_t us);

#endif
