/* Decryption of TLS by tshark, run as a process. */
#ifndef AMTLAB_SCENARIOS_REPLAY_TSHARK_H
#define AMTLAB_SCENARIOS_REPLAY_TSHARK_H

#include "base/diag.h"
#include "base/text.h"

/* Runs a program with arguments (NULL-terminated, [0] is its name), without a shell; its output to out.
 * AMT_ESYS with diag: not there, or it failed (with the first line it complained of). */
enum amt_err tshark_run(const char *const *arguments, struct text *out,
                        struct amt_diag *diag) AMT_MUST_USE;

/* One line a frame with decrypted bytes: time, source address, its port, destination address, its port,
 * hex of each TLS record (',' between them); tabs between the fields. */
enum amt_err tshark_decrypt(const char *program, const char *path, const char *key_log,
                            uint16_t port, struct text *out, struct amt_diag *diag) AMT_MUST_USE;

#endif
