/*
 * The activation server: reach, TLS, protocol, and whether it would activate this device. It is told who the
 * device is, with a made-up password, and left as soon as it wants to do something to it.
 */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cli/doctor_activation.h"
#include "client/activation/connect.h"
#include "client/activation/mesh.h"
#include "client/activation/rps.h"
#include "protocol/mei/pthi.h"
#include "runtime/websocket.h"

#define NO_PASSWORD "doctor looks only"
#define TEXT_BYTES  512u

struct talk {
    struct doctor *doctor;
    struct doctor_device *device;
    struct websocket_url url;
    struct address address;
    struct activation_host quiet; /* reads, and does nothing */
    const char *begins_with;      /* what the server asks for first; NULL: nothing yet */
    bool has_ended, is_refused, is_by_server;
    char text[TEXT_BYTES],
        said[TEXT_BYTES]; /* at the end; the first line with a code, or the last one */
};

/* --- reaching it ------------------------------------------------------------------------------- */

static void report_dial(struct talk *talk, const struct doctor_dial *dial)
{
    char where[ADDRESS_HOST_BYTES + 10];
    address_format(&talk->address, where);
    doctor_check(talk->doctor, DOCTOR_FAILED, "server-reachable", "FF-006",
                 doctor_dial_advice(dial), "%s: %s (%s)", where, doctor_dial_category(dial),
                 dial->end.text[0] == '\0' ? "no answer" : dial->end.text);
}

/* NULL without memory; the file was read before. */
static struct tls_context *make_tls(struct talk *talk, bool verifies)
{
    const struct doctor_options *o = talk->doctor->options;
    struct pki_trust *trust = pki_trust_new();
    struct tls_context *tls = NULL;
    const struct tls_settings settings = { .verifies_peer = verifies, .trust = trust };
    if (trust != NULL &&
        (o->trust == NULL || !verifies || pki_trust_load(trust, o->trust, NULL) == AMT_OK)) {
        tls = tls_context_new(&settings, NULL);
    }
    pki_trust_free(trust);
    return tls;
}

static bool dial(struct talk *talk, struct doctor_dial *made, bool verifies)
{
    struct doctor *d = talk->doctor;
    const struct tls_name_check check = { .name = verifies ? talk->url.host : NULL,
                                          .or_san = true,
                                          .sni = talk->url.host };
    struct tls_context *tls = talk->url.is_tls ? make_tls(talk, verifies) : NULL;
    *made = (struct doctor_dial){ .stage = DOCTOR_AT_TCP };
    d->has_no_memory = d->has_no_memory || (tls == NULL && talk->url.is_tls);
    bool is_open = (tls != NULL || !talk->url.is_tls) &&
                   doctor_dial(made, d->loop, &talk->address, tls, &check, d->options->timeout_us);
    tls_context_free(tls);
    return is_open;
}

/* The certificate as the client would judge it. The connection goes on to the protocol. */
static struct stream *judge(struct talk *talk)
{
    const struct doctor_options *o = talk->doctor->options;
    struct doctor_dial made;
    bool verifies = o->server_hash == NULL && !o->insecure;
    if (!dial(talk, &made, verifies)) {
        doctor_failure(talk->doctor, DOCTOR_FAILED, "server-certificate", ACT_F_LOGIN_REFUSED,
                       "a client refuses it for \"%s\": %s", talk->url.host, made.end.text);
        return NULL;
    }
    if (o->server_hash != NULL && !activation_connect_has_hash(made.stream, o->server_hash)) {
        doctor_failure(talk->doctor, DOCTOR_FAILED, "server-certificate", ACT_F_LOGIN_REFUSED,
                       "it has another hash than --serverhttpshash");
        stream_reset(made.stream);
        return NULL;
    }
    doctor_check(talk->doctor, o->insecure && o->server_hash == NULL ? DOCTOR_UNKNOWN : DOCTOR_OK,
                 "server-certificate", "ACT-F-53", "give --trust or --serverhttpshash", "%s",
                 o->server_hash != NULL ? "it has the hash of --serverhttpshash"
                 : o->insecure          ? "nobody has judged it (--insecure)"
                                        : "a client with these roots takes it");
    return made.stream;
}

static struct stream *reach(struct talk *talk)
{
    struct doctor *d = talk->doctor;
    struct doctor_dial made;
    struct text chain = { 0 };
    if (!dial(talk, &made, false)) {
        report_dial(talk, &made);
        return NULL;
    }
    doctor_check(d, DOCTOR_OK, "server-reachable", "FF-006", "", "connected in %llu ms",
                 (unsigned long long)(made.tcp_us / US_PER_MS));
    if (!talk->url.is_tls) {
        doctor_check(d, DOCTOR_UNKNOWN, "server-tls", "", "use wss:// outside of a laboratory",
                     "no TLS: the device's account goes in the clear");
        return made.stream;
    }
    doctor_describe_chain(made.stream, &chain);
    bool is_valid = doctor_dates_are_good(made.stream);
    doctor_check(d, is_valid ? DOCTOR_OK : DOCTOR_FAILED, "server-tls", "",
                 "renew the certificate, or set the clock that is wrong", "%s%s",
                 text_chars(&chain), is_valid ? "" : "; not valid by this computer's clock");
    text_fini(&chain);
    stream_reset(made.stream);
    return judge(talk);
}

/* --- the host that only reads ------------------------------------------------------------------ */

static void begins(struct talk *talk, const char *with)
{
    if (talk->begins_with == NULL) {
        talk->begins_with = with;
    }
}

static enum amt_err quiet_command(void *ctx, const uint8_t *in, uint32_t in_len, uint8_t *out,
                                  uint32_t cap, uint32_t *len, struct amt_diag *diag)
{
    struct talk *talk = ctx;
    struct pthi_request request;
    const char *act = NULL;
    uint32_t status = 0;
    if (pthi_decode_request(in, in_len, &request, &status) != AMT_OK) {
        act = "a command that is not known";
    } else if (request.command == PTHI_UNPROVISION) {
        act = "to deactivate the device";
    } else if (request.command == PTHI_STOP_CONFIGURATION) {
        act = "to stop a configuration";
    } else if (request.command == PTHI_START_CONFIGURATION_HBASED) {
        act = "to start a configuration over TLS";
    }
    if (act != NULL) {
        begins(talk, act);
        *len = 0;
        return amt_diag_set(diag, AMT_ESYS, "the doctor does not act");
    }
    return talk->device->host.command(talk->device->host.ctx, in, in_len, out, cap, len, diag);
}

static struct stream *quiet_port(void *ctx, uint32_t port)
{
    begins(ctx, port == 16993 ? "to talk to 16993" : "to talk to 16992");
    return NULL;
}

static bool quiet_tls(void *ctx)
{
    return ((const struct talk *)ctx)->device->report.is_tls_enforced;
}

/* --- the conversation -------------------------------------------------------------------------- */

/* The code in a server's own words, or one that MeshCentral's and RPS's texts stand for. */
static enum activation_failure failure_in(const char *text)
{
    static const struct {
        const char *words;
        enum activation_failure failure;
    } k_texts[] = {
        { "Missing DNS Suffix", ACT_F_NO_SUFFIX },
        { "No trusted DNS suffix", ACT_F_NO_SUFFIX },
        { "No matching ACM activation certificate", ACT_F_NO_CERTIFICATE_FOR_SUFFIX },
        { "root hash matching failed", ACT_F_ROOT_NOT_TRUSTED },
        { "does not exists in list of trusted root", ACT_F_ROOT_NOT_TRUSTED },
        { "no trusted root hashes", ACT_F_HASHES_INACTIVE },
        { "did not report any trusted hashes", ACT_F_NO_HASHES },
        { "does not have any ACM activation certificates", ACT_F_NO_CERTIFICATES },
        { "Device group not found", ACT_F_LOGIN_REFUSED },
        { "Unable to find device group", ACT_F_POLICY_NONE },
        { "protocol version NOT supported", ACT_F_PROTOCOL_VERSION },
        { "already enabled in admin control mode", ACT_F_ALREADY_ADMIN_MODE },
        { "list of available AMT profiles", ACT_F_PROFILE_MISSING },
        { "list of available AMT domain suffixes", ACT_F_NO_CERTIFICATE_FOR_SUFFIX },
        { "Missing certificate hashes", ACT_F_NO_HASHES },
    };
    const char *at = strstr(text, "ACT-F-");
    char code[9] = "";
    if (at != NULL) {
        (void)snprintf(code, sizeof code, "%.8s", at);
        return activation_failure_find(code);
    }
    for (size_t i = 0; i < sizeof k_texts / sizeof *k_texts; i++) {
        if (strstr(text, k_texts[i].words) != NULL) {
            return k_texts[i].failure;
        }
    }
    return ACTIVATION_NO_FAILURE;
}

/* The first line that names a failure stays. */
static void on_line(void *ctx, const char *text)
{
    struct talk *talk = ctx;
    if (failure_in(talk->said) == ACTIVATION_NO_FAILURE) {
        (void)snprintf(talk->said, sizeof talk->said, "%s", text);
    }
}

static void on_rps_end(void *ctx, const struct rps_host_end *end)
{
    struct talk *talk = ctx;
    talk->has_ended = true;
    talk->is_by_server = end->result == RPS_HOST_ERROR || end->result == RPS_HOST_SUCCESS;
    talk->is_refused = end->result == RPS_HOST_ERROR;
    (void)snprintf(talk->text, sizeof talk->text, "%s", end->text);
}

static void on_mesh_end(void *ctx, bool is_closed_by_server, const char *reason)
{
    struct talk *talk = ctx;
    talk->has_ended = true;
    talk->is_by_server = is_closed_by_server;
    talk->is_refused = is_closed_by_server;
    (void)snprintf(talk->text, sizeof talk->text, "%s", reason);
}

static bool is_over(void *ctx)
{
    const struct talk *talk = ctx;
    return talk->has_ended || talk->begins_with != NULL;
}

static void wait_for_server(struct talk *talk)
{
    struct loop *loop = talk->doctor->loop;
    (void)loop_run_until(loop, is_over, talk,
                         loop_now_us(loop) + talk->doctor->options->timeout_us);
}

static struct websocket_request request_of(const struct talk *talk)
{
    return (struct websocket_request){ .target = talk->url.target, .host = talk->url.host_header };
}

/* The account is the device's, its password is not. */
static enum amt_err disguise(const struct talk *talk, struct activation_report *report)
{
    *report = talk->device->report;
    memset(&report->local_password, 0, sizeof report->local_password);
    if (talk->doctor->options->dns_suffix != NULL) {
        report->dns_suffix = talk->doctor->options->dns_suffix;
    }
    return secret_set(&report->local_password, NO_PASSWORD, sizeof NO_PASSWORD - 1);
}

static enum amt_err talk_rps(struct talk *talk, struct stream *s, struct amt_diag *diag)
{
    const struct websocket_request request = request_of(talk);
    struct activation_report report;
    struct text command = { 0 };
    struct secret password = { .len = 0 };
    text_printf(&command, "activate --profile %s", talk->doctor->options->profile);
    enum amt_err err = disguise(talk, &report);
    err = err == AMT_OK ? secret_set(&password, NO_PASSWORD, sizeof NO_PASSWORD - 1) : err;
    const struct rps_host_settings settings = { .loop = talk->doctor->loop,
                                                .host = talk->quiet,
                                                .report = &report,
                                                .command = text_chars(&command),
                                                .password = &password,
                                                .version = "amtlab",
                                                .on_note = on_line,
                                                .on_end = on_rps_end,
                                                .ctx = talk };
    struct rps_host_client *client =
        err == AMT_OK ? rps_host_client_new(&settings, s, &request, diag) : NULL;
    if (client != NULL) {
        wait_for_server(talk);
    } else {
        err = diag->err == AMT_OK ? AMT_ENOMEM : diag->err;
    }
    rps_host_client_free(client);
    text_fini(&command);
    return err;
}

static enum amt_err talk_mesh(struct talk *talk, struct stream *s, struct amt_diag *diag)
{
    const struct websocket_request request = request_of(talk);
    const struct websocket_settings ws_settings = { .refuses_text = true };
    const struct mesh_client_settings settings = { .loop = talk->doctor->loop,
                                                   .host = talk->quiet,
                                                   .group_id = talk->doctor->options->id,
                                                   .dns_suffix = talk->doctor->options->dns_suffix,
                                                   .on_console = on_line,
                                                   .on_end = on_mesh_end,
                                                   .ctx = talk };
    struct websocket *ws =
        websocket_connect(talk->doctor->loop, s, &request, &ws_settings, NULL, NULL);
    if (ws == NULL) {
        return AMT_ENOMEM;
    }
    struct mesh_host_client *client = mesh_host_client_new(&settings, websocket_stream(ws), diag);
    if (client == NULL) {
        return diag->err;
    }
    wait_for_server(talk);
    mesh_host_client_free(client);
    return AMT_OK;
}

static void report_refusal(struct talk *talk)
{
    struct doctor *d = talk->doctor;
    enum activation_failure failure = failure_in(talk->text);
    const char *text = talk->text;
    if (failure == ACTIVATION_NO_FAILURE && talk->said[0] != '\0') {
        failure = failure_in(talk->said);
        text = talk->said;
    }
    if (failure != ACTIVATION_NO_FAILURE) {
        doctor_failure(d, DOCTOR_FAILED, "server-accepts", failure, "the server says: %s", text);
    } else {
        doctor_check(d, DOCTOR_FAILED, "server-accepts", "",
                     "look at the server's log; the group's policy may be none (ACT-F-52)",
                     "the server refuses: %s", text[0] == '\0' ? "(no reason given)" : text);
    }
}

/* RPS has checked everything before its first request (activation.md 4.5); MeshCentral reads the device first. */
static void report_begin(struct talk *talk, bool is_rps)
{
    struct doctor *d = talk->doctor;
    doctor_check(d, DOCTOR_OK, "server-group", is_rps ? "ACT-F-55" : "ACT-F-52", "",
                 "it knows the %s, and wants %s: left there", is_rps ? "profile" : "group",
                 talk->begins_with);
    if (is_rps || d->options->is_client_mode) {
        doctor_check(d, DOCTOR_OK, "server-accepts", "ACT-F-06", "",
                     "it has found nothing wrong with this device");
    } else {
        doctor_check(d, DOCTOR_UNKNOWN, "server-accepts", "ACT-F-06",
                     "give its certificates (--pfx, --certificate, --config) to check them here",
                     "by this protocol it need not have looked at suffix and roots yet");
    }
}

static void report_end(struct talk *talk)
{
    struct doctor *d = talk->doctor;
    bool is_rps = d->options->profile != NULL;
    const char *protocol = is_rps ? "RPS" : "MeshCentral's host protocol";
    bool speaks = talk->begins_with != NULL || talk->is_by_server || talk->said[0] != '\0';
    if (!speaks) {
        doctor_check(d, DOCTOR_FAILED, "server-protocol", is_rps ? "ACT-SRV-043" : "ACT-SRV-039",
                     "is the path of the URL right, and does the server offer this protocol there?",
                     "no word of %s: %s", protocol,
                     talk->has_ended ? talk->text : "no answer in time");
        return;
    }
    doctor_check(d, DOCTOR_OK, "server-protocol", is_rps ? "ACT-SRV-043" : "ACT-SRV-039", "",
                 "it speaks %s", protocol);
    bool names_failure =
        !d->options->is_client_mode &&
        failure_in(talk->said) != ACTIVATION_NO_FAILURE; /* and goes on without ACM */
    if (names_failure || (talk->begins_with == NULL && talk->has_ended)) {
        report_refusal(talk);
    } else if (talk->begins_with != NULL) {
        report_begin(talk, is_rps);
    } else {
        doctor_check(d, DOCTOR_UNKNOWN, "server-accepts", "", "try again with a longer --timeout",
                     "no decision in time; its last words: %s", talk->said);
    }
}

void doctor_server_check(struct doctor *doctor, struct doctor_device *device)
{
    struct talk talk = { .doctor = doctor, .device = device };
    struct amt_diag diag = { .err = AMT_OK };
    if (websocket_url_parse(doctor->options->url, &talk.url, &diag) != AMT_OK) {
        doctor_check(doctor, DOCTOR_FAILED, "server-reachable", "", diag.hint, "%s", diag.text);
        return;
    }
    (void)snprintf(talk.address.host, sizeof talk.address.host, "%s", talk.url.host);
    talk.address.port = talk.url.port;
    talk.quiet = device->host;
    talk.quiet.command = quiet_command;
    talk.quiet.open_port = quiet_port;
    talk.quiet.is_tls_enforced = quiet_tls;
    talk.quiet.ctx = &talk;
    struct stream *s = reach(&talk);
    if (s == NULL) {
        return;
    }
    if (!device->has_report) {
        stream_reset(s);
        doctor_check(doctor, DOCTOR_UNKNOWN, "server-protocol", "", "",
                     "there is nothing to tell it: the device was not read");
        return;
    }
    enum amt_err err =
        doctor->options->profile != NULL ? talk_rps(&talk, s, &diag) : talk_mesh(&talk, s, &diag);
    if (err != AMT_OK) {
        doctor_check(doctor, DOCTOR_FAILED, "server-protocol", "", diag.hint, "%s",
                     diag.text[0] == '\0' ? amt_err_text(err) : diag.text);
    } else {
        report_end(&talk);
    }
}
