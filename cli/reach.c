#include "cli/reach.h"

#include <stdio.h>
#include <string.h>

#include "base/uuid.h"
#include "cli/secret_file.h"

#define PORT_PLAIN 16992u
#define PORT_TLS   16993u

int cli_reach_failed(const struct cli_reach *reach, int exit_code, const struct amt_diag *diag)
{
    (void)fprintf(stderr, "amtlab %s: ", reach->command);
    amt_diag_print(diag, stderr);
    return exit_code;
}

static int usage(const struct cli_reach *reach, const char *text)
{
    (void)fprintf(stderr, "amtlab %s: %s. See: amtlab %s --help\n", reach->command, text,
                  reach->command);
    return CLI_USAGE;
}

static int read_secrets(struct cli_reach *reach, const struct reach_options *options)
{
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err =
        cli_secret(options->password_file, "AMTLAB_AMT_PASSWORD", &reach->password, &diag);
    if (err == AMT_EUNKNOWN) {
        return usage(reach, "no password for the device: use --password-file or "
                            "AMTLAB_AMT_PASSWORD");
    }
    if (err == AMT_OK && options->uuid != NULL) {
        err = cli_secret(options->token_file, "AMTLAB_TOKEN", &reach->token, &diag);
        if (err == AMT_EUNKNOWN) {
            return usage(reach, "no operator token of the MPS: make one with `amtlab admin token "
                                "add NAME`, then use --token-file or AMTLAB_TOKEN");
        }
    }
    return err == AMT_OK ? -1 : cli_reach_failed(reach, CLI_USAGE, &diag);
}

/* TLS as the options say; a certificate is judged unless --insecure says that nobody shall. */
static int prepare_tls(struct cli_reach *reach, const struct reach_options *options)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct tls_settings settings = { .legacy = options->legacy_tls,
                                     .verifies_peer = !options->insecure };
    if (!options->insecure && options->trust == NULL) {
        return usage(reach, "TLS needs --trust FILE, or --insecure to take any certificate");
    }
    if (options->trust != NULL) {
        reach->trust = pki_trust_new();
        if (reach->trust == NULL || pki_trust_load(reach->trust, options->trust, &diag) != AMT_OK) {
            return cli_reach_failed(reach, CLI_ENVIRONMENT, &diag);
        }
        settings.trust = reach->trust;
    }
    reach->reach.tls = tls_context_new(&settings, &diag);
    if (reach->reach.tls == NULL) {
        return cli_reach_failed(reach, CLI_ENVIRONMENT, &diag);
    }
    if (!options->insecure) {
        reach->reach.tls_name = options->tls_name != NULL ? options->tls_name
                                : options->uuid == NULL   ? reach->reach.address.host
                                                          : NULL;
    }
    return -1;
}

static int parse_target(struct cli_reach *reach, const struct reach_options *options, char *uuid)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct client_reach *r = &reach->reach;
    struct uuid parsed;
    uint16_t port = options->tls ? PORT_TLS : PORT_PLAIN;
    r->port = port;
    if ((options->device == NULL) == (options->uuid == NULL)) {
        return usage(reach, "say which device: --device HOST[:PORT], or --uuid UUID through an "
                            "MPS");
    }
    if (options->device != NULL) {
        return address_parse(options->device, port, &r->address, &diag) == AMT_OK
                   ? -1
                   : cli_reach_failed(reach, CLI_USAGE, &diag);
    }
    if (uuid_parse(options->uuid, &parsed) != AMT_OK) {
        return usage(reach, "--uuid is no UUID");
    }
    uuid_format(&parsed, uuid);
    r->uuid = uuid;
    const char *api = options->mps;
    if (strncmp(api, "http://", 7) == 0) {
        api += 7;
    }
    char host[ADDRESS_HOST_BYTES + 10];
    (void)snprintf(host, sizeof host, "%.*s", (int)strcspn(api, "/"), api);
    return address_parse(host, 4480, &r->channel.api, &diag) == AMT_OK
               ? -1
               : cli_reach_failed(reach, CLI_USAGE, &diag);
}

static int make_client(struct cli_reach *reach, const struct reach_options *options)
{
    char where[2 * ADDRESS_HOST_BYTES], host[ADDRESS_HOST_BYTES + 10];
    if (reach->reach.uuid != NULL) {
        (void)snprintf(host, sizeof host, "%s:%u", reach->reach.uuid, reach->reach.port);
        (void)snprintf(where, sizeof where, "%s through the MPS %s", host, options->mps);
    } else {
        address_format(&reach->reach.address, host);
        (void)snprintf(where, sizeof where, "%s", host);
    }
    struct wsman_client_settings settings = { .loop = reach->loop,
                                              .connect = client_reach_connect,
                                              .ctx = &reach->reach,
                                              .where = where,
                                              .host = host,
                                              .user = options->user,
                                              .password = &reach->password,
                                              .first_byte_limit_us = options->timeout_us,
                                              .limit_us = 2 * options->timeout_us };
    reach->client = wsman_client_new(&settings);
    return reach->client == NULL ? CLI_INTERNAL : -1;
}

int cli_reach_open(struct cli_reach *reach, const struct reach_options *options,
                   const char *command)
{
    static char uuid[UUID_TEXT_BYTES];
    struct amt_diag diag = { .err = AMT_OK };
    memset(reach, 0, sizeof *reach);
    reach->command = command;
    reach->json = options->json;
    int result = parse_target(reach, options, uuid);
    if (result < 0) {
        result = read_secrets(reach, options);
    }
    if (result < 0 && (options->tls || options->trust != NULL || options->insecure)) {
        reach->reach.port =
            reach->reach.port == PORT_PLAIN && options->tls ? PORT_TLS : reach->reach.port;
        result = options->tls ? prepare_tls(reach, options)
                              : usage(reach, "--trust and --insecure go with --tls");
    }
    if (result >= 0) {
        return result;
    }
    reach->loop = loop_new_uv(&diag);
    if (reach->loop == NULL) {
        return cli_reach_failed(reach, CLI_ENVIRONMENT, &diag);
    }
    reach->reach.loop = reach->loop;
    reach->reach.channel.token = &reach->token;
    return make_client(reach, options);
}

void cli_reach_close(struct cli_reach *reach)
{
    wsman_client_free(reach->client);
    tls_context_free(reach->reach.tls);
    pki_trust_free(reach->trust);
    if (reach->loop != NULL) {
        loop_free(reach->loop);
    }
    arena_fini(&reach->arena);
    secret_fini(&reach->token);
    secret_fini(&reach->password);
}

static int exit_of(const struct wsman_outcome *outcome)
{
    switch (outcome->result) {
    case WSMAN_DONE:
        return outcome->return_value == 0 ? CLI_OK : CLI_FAILED;
    case WSMAN_FAULTED:
    case WSMAN_HTTP:
        return CLI_FAILED;
    case WSMAN_REFUSED:
    case WSMAN_UNREACHABLE:
    case WSMAN_LOST:
    case WSMAN_LATE:
    case WSMAN_GARBLED:
        return CLI_ENVIRONMENT;
    case WSMAN_NO_MEMORY:
        break;
    }
    return CLI_INTERNAL;
}

static json_t *error_json(const struct wsman_outcome *outcome)
{
    json_t *out = json_object();
    json_object_set_new(out, "result", json_string(wsman_result_name(outcome->result)));
    json_object_set_new(out, "error", json_string(outcome->diag.text));
    json_object_set_new(out, "hint", json_string(outcome->diag.hint));
    if (outcome->status != 0) {
        json_object_set_new(out, "status", json_integer(outcome->status));
    }
    if (outcome->has_return_value) {
        json_object_set_new(out, "return_value", json_integer(outcome->return_value));
    }
    if (outcome->result == WSMAN_FAULTED) {
        json_object_set_new(out, "fault", json_string(outcome->reply->fault.subcode));
        json_object_set_new(out, "reason", json_string(outcome->reply->fault.reason));
        json_object_set_new(out, "detail", json_string(outcome->reply->fault.detail));
    }
    return out;
}

int cli_outcome(const struct cli_reach *reach, const struct wsman_outcome *outcome)
{
    int result = exit_of(outcome);
    if (result == CLI_OK) {
        return result;
    }
    if (reach->json) {
        cli_show(reach, error_json(outcome));
        return result;
    }
    return cli_reach_failed(reach, result, &outcome->diag);
}
