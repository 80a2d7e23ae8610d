/* A PC that wants to be activated, and a server that does it: the firmware and the activation job joined
 * in the virtual world, without a conversation between them. */
#ifndef AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_PC_H
#define AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_PC_H

#include "mps/activation/job.h"
#include "simulator/firmware/firmware.h"

struct activation_pc {
    struct loop *loop;
    struct log *log;
    struct firmware_config config;
    struct firmware_profile *profile;
    struct firmware *firmware;
    struct activation_certificates *certificates;
    struct activation_log *activation_log;
    char dir[40], log_path[64];
    struct activation_policy policy;
    struct activation_settings settings;
    struct activation_report report;
    struct activation_channel channel;
    struct activation_job *job;
    bool is_done, refuses_ports;
    int unprovision_status; /* what the host command answers; -1: asks the firmware */
    struct activation_result result;
    char detail[512];
    char said[4096]; /* all lines, each ends with a newline */
};

/* An unprovisioned 16.1 with the test root and the suffix corp.example.com; policy: simple ACM. */
void activation_pc_init(struct activation_pc *pc);
/* Makes the firmware; config may be changed before. */
void activation_pc_start(struct activation_pc *pc);
/* A set of mps/activation/tests/data/certs: leaf "leaf" with int2, int1, root. */
void activation_pc_certificate(struct activation_pc *pc, const char *leaf, bool is_compatible);
/* Fills report from the firmware, as its host would. */
void activation_pc_report(struct activation_pc *pc);
/* Runs the job to its end. */
void activation_pc_run(struct activation_pc *pc);
void activation_pc_fini(struct activation_pc *pc);

#endif
