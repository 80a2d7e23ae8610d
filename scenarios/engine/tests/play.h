/* For tests: a scenario as text, loaded or played in this process. */
#ifndef AMTLAB_SCENARIOS_ENGINE_TESTS_PLAY_H
#define AMTLAB_SCENARIOS_ENGINE_TESTS_PLAY_H

#include "scenarios/engine/runner.h"

struct play {
    char path[64];
    struct suite suite;
    struct amt_diag_list errors;
    struct runner_result result;
    struct pki_set *pki;           /* borrowed; needed by play_run */
    struct engine_options options; /* seed 1, no variables; may be changed before play_run */
};

/* Writes the scenario to a temporary file and loads it; errors are in play->errors. */
void play_load(struct play *play, const char *yaml);
/* Runs it; the cases are in play->result.results. */
void play_run(struct play *play);
/* load and run; the text must be valid. The only or first case. */
const struct result_case *play_text(struct play *play, struct pki_set *pki, const char *yaml);
void play_end(struct play *play);

/* Head of a scenario with a server, a device, a wire and a console that belong together. */
#define PLAY_HEAD                                                                          \
    "amtlab: 1\nname: a scenario of the tests\n"                                           \
    "actors:\n"                                                                            \
    "  mps: { kind: mps, users: [{ name: ABCDEFGHIJKLMNOP, password: P@ssw0rd }] }\n"      \
    "  dev: { kind: device, cira: { to: mps, user: ABCDEFGHIJKLMNOP, password: P@ssw0rd, " \
    "reconnect: { after: 10s } } }\n"                                                      \
    "  raw: { kind: wire, to: mps }\n"                                                     \
    "  op: { kind: console, via: mps }\n"

#endif
