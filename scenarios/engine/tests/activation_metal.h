/* A bare-metal device on the virtual network, and a server that it says hello to (activation.md 11). */
#ifndef AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_METAL_H
#define AMTLAB_SCENARIOS_ENGINE_TESTS_ACTIVATION_METAL_H

#include "mps/activation/hello.h"
#include "runtime/net.h"
#include "scenarios/engine/tests/activation_pc.h"

#define METAL_DEVICE "192.0.2.20"
#define METAL_SERVER "192.0.2.10"

struct metal {
    struct activation_pc pc; /* firmware, certificates, log; its job is not used */
    struct listener *device; /* port 16993 of the device */
    struct hello_server *server;
    const char *server_host; /* listens there */
    const char *trusted_fqdn;
    struct secret mebx_password;
    struct pki_identity *issuer;
    bool has_no_group;
    uint32_t results; /* of jobs */
    struct activation_result last;
};

/* As activation_pc_init; then config may be changed. */
void metal_init(struct metal *m);
/* The device is switched on; it trusts the test root, knows certificate "leaf". */
void metal_start(struct metal *m);
void metal_serve(struct metal *m); /* a server; the one before is killed */
void metal_run(struct metal *m, uint64_t seconds);
void metal_fini(struct metal *m);

#endif
