#include "scenarios/engine/activation_client.h"

#include <string.h>

#include "base/memory.h"
#include "client/activation/connect.h"
#include "client/activation/mesh.h"
#include "client/activation/rps.h"
#include "protocol/activation/failures.h"
#include "scenarios/engine/actor_parts.h"

struct activation_client {
    struct actor *actor;
    struct activation_client_settings settings;
    struct activation_host host;
    struct websocket_url url;
    struct activation_connect *connect;
    struct mesh_host_client *mesh;
    struct rps_host_client *rps;
    struct arena arena; /* texts of the report */
    uint32_t mode_before;
    struct activation_client_end end;
    struct activation_client *next;
};

const struct key_def k_activation_report_keys[] = {
    { "core_version", KEY_BOOL, false, "false: a client of before 2020", NULL, NULL },
    { "version", KEY_TEXT, false, "of AMT", NULL, NULL },
    { "dns_suffix", KEY_TEXT, false, "PKI DNS suffix", NULL, NULL },
    { "os_suffix", KEY_TEXT, false, "of the operating system", NULL, NULL },
    { "user", KEY_TEXT, false, "local account, \"\" for none", NULL, NULL },
    { "password", KEY_TEXT, false, "of the local account", NULL, NULL },
    { "control_mode", KEY_NUMBER, false, "0, 1 or 2", NULL, NULL },
    { "wired_link", KEY_BOOL, false, "the cable is in", NULL, NULL },
    { "tls_enforced", KEY_BOOL, false, "local connections need TLS", NULL, NULL },
    { "hashes", KEY_TEXTS, false, "hex of SHA-256 hashes, [] for none", NULL, NULL },
    { NULL, KEY_ANY, false, NULL, NULL, NULL }
};

/* --- what the person at the PC reads --- */

/* The first code in a line. */
static const char *code_in(struct arena *pool, const char *line)
{
    static const char k_prefix[] = "ACT-F-";
    const char *at = strstr(line, k_prefix);
    return at == NULL || strlen(at) < sizeof k_prefix + 1
               ? ""
               : pool_text(pool, at, sizeof k_prefix + 1);
}

static void on_line(void *ctx, const char *text)
{
    struct activation_client *c = ctx;
    struct arena *pool = &c->actor->run->pool;
    const char *line = pool_strdup(pool, text);
    const char *code = code_in(pool, line);
    value_append(c->end.lines, value_text(pool, line));
    c->end.message = line;
    c->end.code = code[0] != '\0' ? code : c->end.code;
    LOG(c->actor->log, LOG_INFO, "activation.said", log_text("text", line), log_text("code", code));
}

static void finish(struct activation_client *c, const char *result, const char *message)
{
    struct arena *pool = &c->actor->run->pool;
    if (c->end.is_over) {
        return;
    }
    if (message != NULL) {
        const char *code = code_in(pool, message);
        c->end.message = pool_strdup(pool, message);
        c->end.code = code[0] != '\0' ? code : c->end.code;
    }
    c->end.is_over = true;
    c->end.result = result;
    char uuid[UUID_TEXT_BYTES];
    uuid_format(device_uuid(actor_device(c->actor)), uuid);
    LOG(c->actor->log, LOG_INFO, "activation.ended", log_text("uuid", uuid),
        log_text("result", result), log_text("code", c->end.code),
        log_text("message", c->end.message));
    case_wake(c->actor->run);
}

static void finish_with(struct activation_client *c, enum activation_failure failure,
                        const char *fact)
{
    finish(c, "unreachable",
           pool_printf(&c->actor->run->pool, "%s: %s. %s. (%s)", activation_failure_code(failure),
                       activation_failure_cause(failure), activation_failure_cure(failure), fact));
}

/* --- the report --- */

static const char *lie(const struct activation_client *c, const char *key)
{
    const struct value *value = value_get(c->settings.lies, key);
    return value == NULL ? NULL : value_written(&c->actor->run->pool, value);
}

static void lie_about_text(const struct activation_client *c, const char *key, const char **text)
{
    const char *other = lie(c, key);
    *text = other == NULL ? *text : other;
}

static void lie_about_hashes(const struct activation_client *c, struct activation_report *report)
{
    const struct value *list = value_get(c->settings.lies, "hashes");
    if (list == NULL) {
        return;
    }
    report->hash_count = 0;
    const struct value *at = list->kind == VALUE_LIST ? list->first : list;
    for (; at != NULL && report->hash_count < ACTIVATION_HASHES_MAX;
         at = list->kind == VALUE_LIST ? at->next : NULL) {
        struct activation_hash *hash = &report->hashes[report->hash_count];
        size_t len = 0;
        *hash = (struct activation_hash){ .is_active = true, .has_flags = true, .name = "" };
        if (at->kind == VALUE_TEXT &&
            text_parse_hex(at->text, hash->bytes, sizeof hash->bytes, &len) == AMT_OK &&
            activation_hash_of_length((uint32_t)len, &hash->type)) {
            hash->len = (uint32_t)len;
            report->hash_count += 1;
        }
    }
}

static void edit_report(void *ctx, struct activation_report *report)
{
    const struct activation_client *c = ctx;
    const struct value *core = value_get(c->settings.lies, "core_version"),
                       *mode = value_get(c->settings.lies, "control_mode"),
                       *link = value_get(c->settings.lies, "wired_link"),
                       *tls = value_get(c->settings.lies, "tls_enforced");
    const char *password = lie(c, "password");
    int64_t number = 0;
    lie_about_text(c, "version", &report->version);
    lie_about_text(c, "dns_suffix", &report->dns_suffix);
    lie_about_text(c, "os_suffix", &report->os_dns_suffix);
    lie_about_text(c, "user", &report->local_user);
    lie_about_hashes(c, report);
    report->has_core_version = core == NULL ? report->has_core_version : expr_holds(core);
    report->is_tls_enforced = tls == NULL ? report->is_tls_enforced : expr_holds(tls);
    report->wired_link = link == NULL ? report->wired_link : expr_holds(link) ? 1 : 0;
    if (mode != NULL && value_number(mode, &number)) {
        report->control_mode = (uint32_t)number;
    }
    if (password != NULL &&
        secret_set(&report->local_password, password, (uint32_t)strlen(password)) != AMT_OK) {
        report->local_password.len = 0;
    }
}

static enum amt_err read_report(struct activation_client *c, struct activation_report *report,
                                struct amt_diag *diag)
{
    TRY(host_read_report(&c->host, &c->arena, report, diag));
    report->dns_suffix =
        c->settings.dns_suffix == NULL ? report->dns_suffix : c->settings.dns_suffix;
    return AMT_OK;
}

/* --- MeshCentral's host protocol --- */

static uint32_t mode_of(struct activation_client *c)
{
    return (uint32_t)firmware_mode(device_firmware(actor_device(c->actor), NULL));
}

/* As `amtlab activate`: what became of the device tells, and a code in the lines. */
static void on_mesh_end(void *ctx, bool is_closed_by_server, const char *reason)
{
    struct activation_client *c = ctx;
    uint32_t mode = mode_of(c);
    bool has_failed = c->end.code[0] != '\0' || (mode == 0 && c->mode_before == 0);
    if (!is_closed_by_server) {
        finish(c, "closed", c->end.code[0] != '\0' ? NULL : reason);
    } else {
        finish(c, has_failed ? "failed" : "done", NULL);
    }
}

static enum amt_err start_mesh(struct activation_client *c, struct stream *s, struct amt_diag *diag)
{
    static const struct websocket_settings k_websocket = { .refuses_text = true };
    const struct websocket_request request = { .target = c->url.target,
                                               .host = c->url.host_header };
    const struct mesh_client_settings settings = { .loop = c->actor->run->loop,
                                                   .host = c->host,
                                                   .group_id = c->settings.group_id,
                                                   .dns_suffix = c->settings.dns_suffix,
                                                   .on_console = on_line,
                                                   .edit_report = edit_report,
                                                   .on_end = on_mesh_end,
                                                   .ctx = c };
    struct websocket *ws =
        pool_checked(websocket_connect(settings.loop, s, &request, &k_websocket, NULL, NULL));
    c->mode_before = mode_of(c);
    c->mesh = mesh_host_client_new(&settings, websocket_stream(ws), diag);
    return c->mesh == NULL ? diag->err : AMT_OK;
}

/* --- RPS --- */

static void on_rps_end(void *ctx, const struct rps_host_end *end)
{
    static const char *const k_results[] = { [RPS_HOST_SUCCESS] = "done",
                                             [RPS_HOST_ERROR] = "failed",
                                             [RPS_HOST_DEVICE] = "unreachable",
                                             [RPS_HOST_CLOSED] = "closed" };
    finish(ctx, k_results[end->result], end->text);
}

static enum amt_err start_rps(struct activation_client *c, struct stream *s, struct amt_diag *diag)
{
    const struct websocket_request request = { .target = c->url.target,
                                               .host = c->url.host_header };
    const char *password = c->settings.password;
    struct activation_report report;
    struct secret secret = { .len = 0 };
    enum amt_err err = read_report(c, &report, diag);
    if (err == AMT_OK && password != NULL) {
        err = secret_set(&secret, password, (uint32_t)strlen(password));
    }
    if (err != AMT_OK) {
        stream_close(s);
        return err;
    }
    edit_report(c, &report);
    const struct rps_host_settings settings = {
        .loop = c->actor->run->loop,
        .host = c->host,
        .report = &report,
        .command = c->settings.command,
        .password = password == NULL ? NULL : &secret,
        .version = "amtlab",
        .protocol_version = c->settings.protocol_version,
        .on_note = on_line,
        .on_end = on_rps_end,
        .ctx = c,
    };
    c->rps = rps_host_client_new(&settings, s, &request, diag);
    activation_report_wipe(&report);
    secret_fini(&secret);
    return c->rps == NULL ? diag->err : AMT_OK;
}

/* --- the connection --- */

static void on_open(void *ctx, struct stream *s)
{
    struct activation_client *c = ctx;
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err =
        c->settings.via == ACTIVATION_VIA_MESH ? start_mesh(c, s, &diag) : start_rps(c, s, &diag);
    if (err != AMT_OK) {
        finish(c, "unreachable", diag.text);
    }
}

static void on_failed(void *ctx, enum activation_connect_failure failure, const char *text)
{
    struct activation_client *c = ctx;
    if (failure == ACTIVATION_CONNECT_LOST) {
        finish(c, "unreachable", text);
    } else {
        finish_with(c, ACT_F_LOGIN_REFUSED, text);
    }
}

static enum amt_err begin(struct activation_client *c, struct amt_diag *diag)
{
    struct arena *pool = &c->actor->run->pool;
    char shown[ADDRESS_HOST_BYTES + 10];
    address_format(&c->settings.server, shown);
    const char *url = pool_printf(pool, "%s://%s%s", c->settings.is_tls ? "wss" : "ws", shown,
                                  c->settings.target);
    TRY(websocket_url_parse(url, &c->url, diag));
    const struct activation_connect_settings settings = { .loop = c->actor->run->loop,
                                                          .url = &c->url,
                                                          .server_hash = c->settings.server_hash,
                                                          .is_insecure = true,
                                                          .on_open = on_open,
                                                          .on_failed = on_failed,
                                                          .ctx = c };
    c->connect = activation_connect(&settings, diag);
    return c->connect == NULL ? diag->err : AMT_OK;
}

struct activation_client *activation_client_start(struct actor *device,
                                                  const struct activation_client_settings *settings,
                                                  struct amt_diag *diag)
{
    struct arena *pool = &device->run->pool;
    struct activation_client **list = actor_device_clients(device);
    struct device_host *host = actor_device_host(device);
    if (host == NULL) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "the device has no firmware");
        return NULL;
    }
    struct activation_client *c = pool_alloc(pool, sizeof *c);
    c->actor = device;
    c->settings = *settings;
    c->host = device_host_door(host, settings->host_name, settings->os_suffix);
    c->end = (struct activation_client_end){
        .result = "", .code = "", .message = "", .lines = value_list(pool)
    };
    c->next = *list;
    *list = c;
    return begin(c, diag) == AMT_OK ? c : NULL;
}

const struct activation_client_end *activation_client_end(const struct activation_client *client)
{
    return &client->end;
}

void activation_clients_free(struct activation_client **list)
{
    for (struct activation_client *c = *list; c != NULL; c = c->next) {
        activation_connect_free(c->connect);
        mesh_host_client_free(c->mesh);
        rps_host_client_free(c->rps);
        arena_fini(&c->arena);
    }
    *list = NULL;
}
