/* A whole simulated PC for tests: firmware in the virtual world, asked over HTTP as clients ask. */
#ifndef AMTLAB_SIMULATOR_FIRMWARE_TESTS_PC_H
#define AMTLAB_SIMULATOR_FIRMWARE_TESTS_PC_H

#include "base/text.h"
#include "protocol/wsman/xml.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "simulator/firmware/firmware.h"

#define PC_PASSWORD "P@ssw0rd"

struct pc {
    struct loop *loop;
    struct log *log;
    struct firmware_config config;
    struct firmware_profile *profile;
    struct firmware *firmware;
    const char *user, *password; /* admin unless changed */
    enum firmware_door door;     /* network unless changed */
    struct arena arena;          /* of parsed answers */
    char nonce[40];              /* in use; "" asks for a new challenge */
    uint32_t count;              /* of the nonce */
    bool gives_up;               /* at the first 401, instead of a try with a new nonce */
    int status;                  /* of the last answer */
    struct text body;            /* of the last answer, chunks joined */
    struct text raw;             /* the last answer as it came */
    const char *state_dir;       /* set before pc_start */
};

/* Defaults of all keys; change config, then call pc_start. */
void pc_init(struct pc *pc);
void pc_start(struct pc *pc);
/* The two in one. */
void pc_open(struct pc *pc);
void pc_close(struct pc *pc);
/* Sends bytes on a new connection and collects what comes until it is quiet for a second; raw gets it. */
void pc_send(struct pc *pc, const void *bytes, size_t len);
/* A POST to /wsman with digest logon (asks for a challenge when there is none): status and body. */
void pc_post(struct pc *pc, const char *body);
/* Envelopes. action: "Get", "Put", ... or a method's name. selectors: "Name=value" lines, or NULL. body:
 * inner XML, prefix r is the class; NULL for none. Returns the Body element of the answer. */
const struct xml_node *pc_wsman(struct pc *pc, const char *action, const char *class_name,
                                const char *selectors, const char *body);
/* Get: the instance. Fails the test unless the status is 200. */
const struct xml_node *pc_get(struct pc *pc, const char *class_name, const char *selectors);
/* Text of a property of the last instance; "" when it is absent. */
const char *pc_property(const struct xml_node *instance, const char *name);
/* Calls a method; input: inner XML of <Method>_INPUT with prefix r. Its ReturnValue; -1 for a fault. */
int pc_call(struct pc *pc, const char *class_name, const char *method, const char *selectors,
            const char *input);
/* All instances, over all pages, as one list of Items' children. */
uint32_t pc_count(struct pc *pc, const char *class_name);
/* Subcode of the last fault without prefix; "". */
const char *pc_fault(struct pc *pc);
void pc_run(struct pc *pc, uint64_t us);

#endif
