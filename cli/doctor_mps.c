/* `amtlab doctor HOST:4433`: an MPS as a device meets it (harness.md 11.1, FF-006). */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "cli/doctor.h"
#include "cli/secret_file.h"
#include "simulator/device.h"

#define MPS_PORT     4433u
#define KEEPALIVE_US ((uint64_t)US_PER_SECOND)

/* What the simulated device has met, from its events. */
struct probe {
    struct doctor *doctor;
    struct device_config config;
    struct device *device;
    struct address server;
    char expected[ADDRESS_HOST_BYTES]; /* name that firmware looks for in the certificate */
    bool is_known_user, has_connected, has_authenticated, is_up, has_ended;
    char tls[80], reason[64], text[STREAM_TEXT_BYTES], requirement[32];
    uint32_t granted, refused, channels, refused_channels, requests;
    uint64_t keepalive_s, keepalive_timeout_s;
    bool has_keepalive_options;
};

static void take(char *out, size_t cap, const struct log_field *field)
{
    (void)snprintf(out, cap, "%.*s", (int)field->len, field->text);
}

static void take_fields(struct probe *probe, const struct log_field *field)
{
    for (; field->kind != LOG_FIELD_END; field++) {
        if (field->kind == LOG_FIELD_TEXT && strcmp(field->name, "reason") == 0) {
            take(probe->reason, sizeof probe->reason, field);
        } else if (field->kind == LOG_FIELD_TEXT && strcmp(field->name, "text") == 0) {
            take(probe->text, sizeof probe->text, field);
        } else if (field->kind == LOG_FIELD_TEXT && strcmp(field->name, "tls") == 0) {
            take(probe->tls, sizeof probe->tls, field);
        } else if (field->kind == LOG_FIELD_TEXT && strcmp(field->name, "requirement") == 0) {
            take(probe->requirement, sizeof probe->requirement, field);
        } else if (strcmp(field->name, "granted") == 0) {
            probe->granted += field->number != 0 ? 1 : 0;
            probe->refused += field->number != 0 ? 0 : 1;
        } else if (strcmp(field->name, "interval_s") == 0) {
            probe->keepalive_s = field->number;
        } else if (strcmp(field->name, "timeout_s") == 0) {
            probe->keepalive_timeout_s = field->number;
        }
    }
}

static void on_event(void *ctx, const char *name, enum log_level level,
                     const struct log_field *fields)
{
    struct probe *probe = ctx;
    (void)level;
    if (strcmp(name, "cira.connected") == 0) {
        probe->has_connected = true;
        take_fields(probe, fields);
    } else if (strcmp(name, "cira.authenticated") == 0) {
        probe->has_authenticated = true;
    } else if (strcmp(name, "cira.forward") == 0) {
        take_fields(probe, fields);
    } else if (strcmp(name, "cira.up") == 0) {
        probe->is_up = true;
    } else if (strcmp(name, "cira.keepalive_options") == 0) {
        probe->has_keepalive_options = true;
        take_fields(probe, fields);
    } else if (strcmp(name, "cira.failed") == 0 || strcmp(name, "cira.closed") == 0) {
        probe->has_ended = true;
        take_fields(probe, fields);
    } else if (strcmp(name, "channel.opened") == 0) {
        probe->channels += 1;
    } else if (strcmp(name, "channel.refused") == 0) {
        probe->refused_channels += 1;
    } else if (strcmp(name, "wsman.request") == 0) {
        probe->requests += 1;
    }
}

static bool is_over(void *ctx)
{
    const struct probe *probe = ctx;
    return probe->is_up || probe->has_ended;
}

static bool has_reply(void *ctx)
{
    const struct probe *probe = ctx;
    return probe->has_ended || device_statistics(probe->device)->keepalive_replies_in > 0;
}

static bool has_ended(void *ctx)
{
    return ((const struct probe *)ctx)->has_ended;
}

static void wait_for(struct probe *probe, bool (*done)(void *ctx), uint64_t limit_us)
{
    struct loop *loop = probe->doctor->loop;
    (void)loop_run_until(loop, done, probe, loop_now_us(loop) + limit_us);
}

/* --- before APF -------------------------------------------------------------------------------- */

static void report_dial(struct probe *probe, const struct doctor_dial *dial, const char *name)
{
    char where[ADDRESS_HOST_BYTES + 10];
    address_format(&probe->server, where);
    doctor_check(probe->doctor, DOCTOR_FAILED, name, "FF-006", doctor_dial_advice(dial),
                 "%s: %s (%s)", where, doctor_dial_category(dial),
                 dial->end.text[0] == '\0' ? "no answer" : dial->end.text);
}

/* Any certificate will do here: what is wrong with it comes next. */
static bool check_tcp_and_tls(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    const struct tls_settings settings = { .verifies_peer = false };
    const struct tls_name_check check = { .name = NULL };
    struct tls_context *tls = tls_context_new(&settings, NULL);
    struct doctor_dial dial;
    if (tls == NULL) {
        d->has_no_memory = true;
        return false;
    }
    bool is_open = doctor_dial(&dial, d->loop, &probe->server, tls, &check, d->options->timeout_us);
    tls_context_free(tls);
    if (dial.stage == DOCTOR_AT_TCP) {
        report_dial(probe, &dial, "tcp");
        return false;
    }
    doctor_check(d, DOCTOR_OK, "tcp", "FF-006", "", "connected in %llu ms",
                 (unsigned long long)(dial.tcp_us / US_PER_MS));
    if (!is_open) {
        report_dial(probe, &dial, "tls");
        return false;
    }
    struct text chain = { 0 };
    char version[64];
    tls_describe(dial.stream, version, sizeof version);
    doctor_describe_chain(dial.stream, &chain);
    doctor_check(d, DOCTOR_OK, "tls", "FF-006", "", "%s in %llu ms; %s", version,
                 (unsigned long long)(dial.tls_us / US_PER_MS), text_chars(&chain));
    bool is_valid = doctor_dates_are_good(dial.stream);
    doctor_check(d, is_valid ? DOCTOR_OK : DOCTOR_FAILED, "certificate-dates", "APF-DEV-002",
                 "renew the certificate, or set the clock that is wrong", "%s",
                 is_valid ? "valid by this computer's clock"
                          : "not valid by this computer's clock");
    text_fini(&chain);
    stream_reset(dial.stream);
    return true;
}

/* As the device's own TLS settings and name check do (apf.md 6.3). */
static bool check_judgement(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    struct amt_diag diag = { .err = AMT_OK };
    const struct tls_name_check check = { .name = probe->expected };
    struct doctor_dial dial;
    if (d->options->trust == NULL) {
        doctor_check(d, DOCTOR_UNKNOWN, "certificate", "APF-DEV-002",
                     "give --trust: the root that the device has (root.crt of the server)",
                     "which root the device believes in was not said");
        return true;
    }
    struct tls_context *tls = device_tls_context(&probe->config, &diag);
    if (tls == NULL) {
        doctor_check(d, DOCTOR_UNKNOWN, "certificate", "APF-DEV-002", diag.hint, "%s", diag.text);
        return false;
    }
    bool is_open = doctor_dial(&dial, d->loop, &probe->server, tls, &check, d->options->timeout_us);
    tls_context_free(tls);
    if (is_open) {
        stream_reset(dial.stream);
        doctor_check(d, DOCTOR_OK, "certificate", "APF-DEV-002", "",
                     "firmware with this root takes it for \"%s\"", probe->expected);
        return true;
    }
    doctor_check(d, DOCTOR_FAILED, "certificate", "APF-DEV-002",
                 "the Common Name must be the MPS name as devices have it (--access-info), and the "
                 "root must be among those they were given (--trust)",
                 "firmware refuses it for \"%s\": %s", probe->expected, dial.end.text);
    return false;
}

/* --- APF --------------------------------------------------------------------------------------- */

static void check_login(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    bool spoke = probe->has_authenticated || strcmp(probe->reason, "auth_failed") == 0;
    if (!spoke) {
        doctor_check(d, DOCTOR_FAILED, "apf", probe->requirement,
                     "is it an MPS? It has to answer PROTOCOLVERSION 1.0 and the service auth",
                     "no APF before the end: %s %s",
                     probe->reason[0] == '\0' ? "no answer in time" : probe->reason, probe->text);
        return;
    }
    doctor_check(d, DOCTOR_OK, "apf", "APF-DEV-004", "", "the server speaks APF 1.0");
    if (probe->has_authenticated && probe->is_known_user) {
        doctor_check(d, DOCTOR_OK, "login", "APF-DEV-007", "", "user \"%s\" is let in",
                     probe->config.cira.user);
    } else if (probe->has_authenticated) {
        doctor_check(d, DOCTOR_FAILED, "login", "APF-DEV-007",
                     "a server that lets everybody in cannot tell devices apart: set passwords",
                     "a made-up user with a made-up password is let in");
    } else if (probe->is_known_user) {
        doctor_check(d, DOCTOR_FAILED, "login", "APF-DEV-007",
                     "compare user and password with those of the server's group; firmware takes "
                     "at most 16 characters of each",
                     "user \"%s\" is refused", probe->config.cira.user);
    } else {
        doctor_check(d, DOCTOR_UNKNOWN, "login", "APF-DEV-007",
                     "give --user and --password-file to see what comes behind the login",
                     "a made-up user is refused, as it should be");
    }
}

static void check_ports(struct probe *probe)
{
    bool is_whole = probe->is_up && probe->refused == 0;
    doctor_check(probe->doctor, is_whole ? DOCTOR_OK : DOCTOR_FAILED, "ports", "APF-DEV-014",
                 "the server has to grant what the device forwards, 16992 and 16993 above all",
                 "%u forwards granted, %u refused%s%s", probe->granted, probe->refused,
                 probe->is_up ? "" : "; not all were answered: ", probe->is_up ? "" : probe->text);
}

static void check_keepalive(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    wait_for(probe, has_reply, KEEPALIVE_US + d->options->timeout_us);
    bool is_answered = device_statistics(probe->device)->keepalive_replies_in > 0;
    doctor_check(d, is_answered ? DOCTOR_OK : DOCTOR_FAILED, "keepalive", "APF-DEV-018",
                 "firmware ends a tunnel whose keepalives are not answered",
                 is_answered ? "a KEEPALIVE_REQUEST is answered" : "no KEEPALIVE_REPLY came");
    if (probe->has_keepalive_options) {
        doctor_check(d, DOCTOR_OK, "keepalive-options", "APF-DEV-016", "",
                     "the server asks for an interval of %llu s, timeout %llu s",
                     (unsigned long long)probe->keepalive_s,
                     (unsigned long long)probe->keepalive_timeout_s);
    } else {
        doctor_check(d, DOCTOR_UNKNOWN, "keepalive-options", "APF-DEV-016",
                     "nothing: not every server asks; the device keeps its own interval",
                     "the server has not asked for keepalive values");
    }
}

static void check_behaviour(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    wait_for(probe, has_ended, d->options->watch_us);
    doctor_check(d, probe->has_ended ? DOCTOR_FAILED : DOCTOR_OK, "stays-up", probe->requirement,
                 "look at the server's log for this device",
                 probe->has_ended ? "the tunnel ended: %s %s" : "the tunnel stays%s%s",
                 probe->has_ended ? probe->reason : "", probe->has_ended ? probe->text : "");
    bool has_come = probe->channels > 0;
    doctor_check(d, has_come ? DOCTOR_OK : DOCTOR_UNKNOWN, "channel", "APF-DEV-023",
                 "nothing: a server opens channels when somebody manages the device",
                 "%u channels opened by the server, %u refused by the device", probe->channels,
                 probe->refused_channels);
    doctor_check(d, probe->requests > 0 ? DOCTOR_OK : DOCTOR_UNKNOWN, "wsman", "WSM-001",
                 "nothing: a server asks when somebody manages the device",
                 "%u WS-Man requests came", probe->requests);
}

static enum amt_err set_key(struct probe *probe, const char *key, const char *value,
                            struct amt_diag *diag)
{
    return value == NULL ? AMT_OK
                         : config_set(device_config_keys, key, value, &probe->config, diag);
}

/* Without a user one is made up: a server that is right refuses it. */
static enum amt_err set_user(struct probe *probe, struct amt_diag *diag)
{
    const struct doctor_options *o = probe->doctor->options;
    struct secret password = { .len = 0 };
    probe->is_known_user = o->user != NULL;
    TRY(set_key(probe, "cira.user", o->user == NULL ? "amtlab-doctor" : o->user, diag));
    enum amt_err err = AMT_EUNKNOWN;
    if (o->user != NULL) {
        err = cli_secret(o->password_file, "AMTLAB_PASSWORD", &password, diag);
        if (err == AMT_EUNKNOWN) {
            return amt_diag_set(diag, AMT_ECONFIG,
                                "--user needs --password-file or AMTLAB_PASSWORD");
        }
        TRY(err);
    }
    amt_free(probe->config.cira.password);
    probe->config.cira.password =
        err == AMT_OK ? amt_memdup(password.bytes, password.len) : amt_strdup("no password");
    secret_fini(&password);
    return probe->config.cira.password == NULL ? AMT_ENOMEM : AMT_OK;
}

static enum amt_err configure(struct probe *probe, const char *target, struct amt_diag *diag)
{
    const struct doctor_options *o = probe->doctor->options;
    struct amt_diag_list errors = { .count = 0 };
    TRY(address_parse(target, MPS_PORT, &probe->server, diag));
    enum amt_err err = device_config_load("amt-16.1", NULL, NULL, &probe->config, &errors);
    amt_diag_list_fini(&errors);
    TRY(err);
    char where[ADDRESS_HOST_BYTES + 10];
    address_format(&probe->server, where);
    TRY(set_key(probe, "cira.to", where, diag));
    TRY(set_key(probe, "cira.trust", o->trust, diag));
    TRY(set_key(probe, "cira.verify", o->trust == NULL ? "false" : "true", diag));
    TRY(set_key(probe, "cira.access_info", o->access_info, diag));
    TRY(set_key(probe, "cira.common_name", o->common_name, diag));
    TRY(set_key(probe, "cira.keepalive", "1s", diag));
    TRY(set_key(probe, "cira.keepalive_negotiable", "false", diag));
    TRY(set_key(probe, "cira.reconnect.disabled", "true", diag));
    TRY(set_key(probe, "uuid", o->device_uuid, diag));
    (void)snprintf(probe->expected, sizeof probe->expected, "%s",
                   o->common_name != NULL   ? o->common_name
                   : o->access_info != NULL ? o->access_info
                                            : probe->server.host);
    return set_user(probe, diag);
}

static void check_session(struct probe *probe)
{
    struct doctor *d = probe->doctor;
    device_connect(probe->device, 0);
    wait_for(probe, is_over, 3 * d->options->timeout_us);
    check_login(probe);
    if (!probe->has_authenticated) {
        return;
    }
    check_ports(probe);
    if (probe->is_up) {
        check_keepalive(probe);
        check_behaviour(probe);
    }
}

/* A UUID that no other device has, unless one was given. */
static uint64_t draw_seed(struct probe *probe)
{
    uint64_t seed = 0;
    loop_random(probe->doctor->loop, &seed, sizeof seed);
    return seed;
}

static int run(struct probe *probe, struct amt_diag *diag)
{
    struct doctor *d = probe->doctor;
    if (!check_tcp_and_tls(probe) || !check_judgement(probe)) {
        return CLI_OK;
    }
    if (log_observe(d->log, on_event, probe) != AMT_OK) {
        return CLI_INTERNAL;
    }
    probe->device = device_new(d->loop, &probe->config, draw_seed(probe), 0, d->log, diag);
    if (probe->device != NULL) {
        check_session(probe);
        device_disconnect(probe->device, APF_BY_APPLICATION);
        wait_for(probe, has_ended, (uint64_t)US_PER_SECOND / 5); /* the goodbye leaves */
    }
    log_unobserve(d->log, on_event, probe);
    device_free(probe->device);
    return probe->device == NULL ? CLI_INVALID : CLI_OK;
}

int doctor_mps(struct doctor *doctor, const char *target)
{
    struct amt_diag diag = { .err = AMT_OK };
    struct probe *probe = amt_alloc(sizeof *probe);
    if (probe == NULL) {
        return CLI_INTERNAL;
    }
    probe->doctor = doctor;
    enum amt_err err = configure(probe, target, &diag);
    int result = err == AMT_OK        ? CLI_OK
                 : err == AMT_ECONFIG ? CLI_USAGE
                 : err == AMT_ENOMEM  ? CLI_INTERNAL
                                      : CLI_ENVIRONMENT;
    struct pki_trust *trust = pki_trust_new();
    if (result == CLI_OK && doctor->options->trust != NULL &&
        (trust == NULL || pki_trust_load(trust, doctor->options->trust, &diag) != AMT_OK)) {
        result = CLI_INVALID;
    }
    pki_trust_free(trust);
    result = result == CLI_OK ? run(probe, &diag) : result;
    if (diag.text[0] != '\0') {
        (void)fputs("amtlab doctor: ", stderr);
        amt_diag_print(&diag, stderr);
    }
    device_config_fini(&probe->config);
    amt_free(probe);
    return result;
}
