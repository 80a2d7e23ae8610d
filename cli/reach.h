/* What commands that talk to a device share: how to reach it, who asks, and how answers are shown. */
#ifndef AMTLAB_CLI_REACH_H
#define AMTLAB_CLI_REACH_H

#include <jansson.h>

#include "cli/cli.h"
#include "client/reach.h"
#include "client/wsman.h"

struct reach_options {
    const char *device;                  /* HOST[:PORT] */
    const char *mps, *uuid, *token_file; /* through an MPS */
    const char *user, *password_file;    /* on the device */
    const char *trust, *tls_name;
    bool tls, insecure, legacy_tls, json;
    uint64_t timeout_us;
};
/* Rows of an option table; the struct has a member `reach` of struct reach_options. */
/* clang-format off */
#define REACH_ROW(type, name, letter, kind, member, value, fallback, help) \
    { name, letter, kind, offsetof(struct type, reach.member), value, fallback, help }
#define REACH_OPTIONS(type) \
    REACH_ROW(type, "device", 'd', CLI_TEXT, device, "HOST[:PORT]", NULL, \
              "the device, on the network (port 16992, with --tls 16993)"), \
    REACH_ROW(type, "mps", 0, CLI_TEXT, mps, "HOST:PORT", "127.0.0.1:4480", \
              "or through an MPS: its operator API, with --uuid"), \
    REACH_ROW(type, "uuid", 0, CLI_TEXT, uuid, "UUID", NULL, \
              "the device behind the MPS"), \
    REACH_ROW(type, "token-file", 0, CLI_TEXT, token_file, "FILE", NULL, \
              "operator token of the MPS, - for standard input; or AMTLAB_TOKEN"), \
    REACH_ROW(type, "user", 'u', CLI_TEXT, user, "NAME", "admin", \
              "user on the device"), \
    REACH_ROW(type, "password-file", 0, CLI_TEXT, password_file, "FILE", NULL, \
              "its password, - for standard input; or AMTLAB_AMT_PASSWORD"), \
    REACH_ROW(type, "tls", 0, CLI_FLAG, tls, "", NULL, \
              "TLS, port 16993"), \
    REACH_ROW(type, "trust", 0, CLI_TEXT, trust, "FILE", NULL, \
              "PEM of the roots that sign the device's certificate"), \
    REACH_ROW(type, "tls-name", 0, CLI_TEXT, tls_name, "NAME", NULL, \
              "name in the certificate, if it is not the host"), \
    REACH_ROW(type, "insecure", 0, CLI_FLAG, insecure, "", NULL, \
              "any certificate will do: who answers is not known"), \
    REACH_ROW(type, "legacy-tls", 0, CLI_FLAG, legacy_tls, "", NULL, \
              "TLS 1.0 and 1.1 and old ciphers too (AMT 11 and before)"), \
    REACH_ROW(type, "timeout", 0, CLI_DURATION, timeout_us, "TIME", "60s", \
              "for each answer"), \
    REACH_ROW(type, "json", 0, CLI_FLAG, json, "", NULL, \
              "JSON instead of text")
/* clang-format on */
/* For --help of these commands. */
#define REACH_HELP                                                                                \
    "The device is reached directly (--device) or through an MPS (--uuid, --token-file), which\n" \
    "needs no network path to it. The password never stands on the command line.\n"
#define REACH_EXITS                                                                            \
    "Exit codes: 0 done, 1 the device refuses (a fault, a return value, a status), 2 usage,\n" \
    "4 not reached: no connection, TLS, user or password, no answer.\n"

/* A device that is being talked to. */
struct cli_reach {
    const char *command;
    bool json;
    struct loop *loop;
    struct client_reach reach;
    struct secret token, password;
    struct pki_trust *trust;
    struct wsman_client *client;
    struct arena arena; /* of the results */
};
/* Prepares everything and connects nothing yet. -1, or an exit code after a message on stderr;
 * cli_reach_close is due either way. */
int cli_reach_open(struct cli_reach *reach, const struct reach_options *options,
                   const char *command);
void cli_reach_close(struct cli_reach *reach);

/* Exit code of an outcome; what went wrong is told on stderr, or as JSON on stdout. */
int cli_outcome(const struct cli_reach *reach, const struct wsman_outcome *outcome);
/* The same for an error in words. */
int cli_reach_failed(const struct cli_reach *reach, int exit_code, const struct amt_diag *diag);
/* Prints value as the options say, and drops the reference: JSON, or lines for people. */
void cli_show(const struct cli_reach *reach, json_t *value);
/* An instance, a list of them, a reference as JSON; NULL becomes null. */
json_t *cli_instance_json(const struct wsman_instance *instance);
json_t *cli_instances_json(const struct wsman_instance *first);
json_t *cli_ref_json(const struct wsman_ref *ref);

#endif
