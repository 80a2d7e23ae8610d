#include "mps/activation/service.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/memory.h"
#include "mps/activation/hello.h"
#include "mps/activation/mesh.h"
#include "mps/activation/rps.h"
#include "mps/certificates.h"
#include "mps/onboarding.h"
#include "runtime/websocket.h"

#define ACTIVATION_PORT 443u
#define LISTENERS_MAX   8u
#define USER_CHARS      16u
#define LOOK_US         (60u * (uint64_t)US_PER_SECOND)

/* An accepted connection until it is a websocket. */
struct visitor {
    struct activation_service *service;
    struct stream *tls;
    struct visitor *next, *previous;
    struct http_server_connection *http;
};

struct group_name;

struct activation_service {
    struct activation_service_settings settings;
    struct activation_config config;
    struct activation_certificates *certificates;
    struct activation_log *activation_log;
    struct mesh_server *mesh;
    struct rps_server *rps;
    struct hello_server *hello;      /* NULL: nobody may say hello */
    struct pki_identity *tls_issuer; /* of the certificates that such devices get */
    struct listener *listeners[LISTENERS_MAX];
    uint32_t listener_count;
    struct visitor *visitors;
    struct group_name *groups;
    struct pki_identity *tls_root; /* of device certificates; NULL */
    struct activation_equipment equipment;
    struct timer look;      /* at the certificates */
    uint64_t admin_until_s; /* 0: ACM is not offered now */
};

/* What conversations borrow of a group; each group once. */
struct group_name {
    struct group_name *next;
    char name[65], user[USER_CHARS + 1];
    struct secret password;
    struct activation_cira cira;
};

static struct group_name *intern(struct activation_service *service, const char *name)
{
    struct group_name *at = service->groups;
    while (at != NULL && strcmp(at->name, name) != 0) {
        at = at->next;
    }
    if (at == NULL) {
        at = amt_alloc(sizeof *at);
        if (at == NULL) {
            return NULL;
        }
        (void)snprintf(at->name, sizeof at->name, "%s", name);
        at->next = service->groups;
        service->groups = at;
    }
    return at;
}

/* --- groups --- */

static bool make_id(const char *group, const struct secret *password,
                    char out[static ACTIVATION_GROUP_ID_CHARS])
{
    struct text message = { 0 };
    struct text text = { 0 };
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    text_printf(&message, "amtlab activation group %s", group);
    bool is_good =
        !message.failed && HMAC(EVP_sha384(), password->bytes, (int)password->len,
                                (const uint8_t *)message.chars, message.len, mac, &len) != NULL;
    base64_encode(&text, mac, is_good ? len : 0);
    is_good = is_good && !text.failed && text.len == ACTIVATION_GROUP_ID_CHARS - 1;
    for (size_t i = 0; is_good && i < text.len; i++) { /* as MeshCentral writes its ids */
        char c = text.chars[i];
        out[i] = (char)(c == '+' ? '@' : c == '/' ? '$' : c);
    }
    out[is_good ? ACTIVATION_GROUP_ID_CHARS - 1 : 0] = '\0';
    text_fini(&message);
    text_fini(&text);
    return is_good;
}

struct group_search {
    struct store *store;
    const char *user;  /* first 16 characters of an id; NULL: by name */
    const char *group; /* a name */
    char found[65], found_user[USER_CHARS + 1];
    char id[ACTIVATION_GROUP_ID_CHARS];
    struct secret password;
    bool is_found;
};

/* `@` and `$` compare as `X`: firmware forbids them in user names (activation.md 6.2). */
static bool same_user(const char *id, const char *user)
{
    for (uint32_t i = 0; i < USER_CHARS; i++) {
        char have = (char)(id[i] == '@' || id[i] == '$' ? 'X' : id[i]);
        char want = (char)(user[i] == '@' || user[i] == '$' ? 'X' : user[i]);
        if (have != want) {
            return false;
        }
    }
    return true;
}

static void look_at_group(void *ctx, const struct store_group *group)
{
    struct group_search *search = ctx;
    struct secret password = { .len = 0 };
    char id[ACTIVATION_GROUP_ID_CHARS];
    char name[65];
    static const struct uuid k_nobody = { { 0 } };
    if (store_credential(search->store, &k_nobody, group->user, &password, name, NULL) == AMT_OK &&
        make_id(group->name, &password, id) &&
        (search->user != NULL ? same_user(id, search->user)
                              : strcmp(group->name, search->group) == 0)) {
        search->is_found = true;
        (void)snprintf(search->found, sizeof search->found, "%s", group->name);
        (void)snprintf(search->found_user, sizeof search->found_user, "%s", group->user);
        memcpy(search->id, id, sizeof id);
        search->password = password;
    }
    secret_fini(&password);
}

enum amt_err activation_group_id(struct store *store, const char *group,
                                 char out[static ACTIVATION_GROUP_ID_CHARS], struct amt_diag *diag)
{
    struct group_search search = { .store = store, .group = group };
    TRY(store_each_group(store, look_at_group, &search, diag));
    secret_fini(&search.password);
    if (!search.is_found) {
        return amt_diag_set(diag, AMT_EUNKNOWN, "there is no group \"%s\"", group);
    }
    memcpy(out, search.id, sizeof search.id);
    return AMT_OK;
}

/* What devices of the group are told for CIRA: this server. */
static void take_cira(const struct activation_service *service, struct group_name *group,
                      const char *user, const struct secret *password)
{
    const struct mps_config *config = service->settings.config;
    const struct pki_identity *identity = service->settings.identity;
    const char *host = service->config.cira_host;
    (void)snprintf(group->user, sizeof group->user, "%s", user);
    group->password = *password;
    group->cira = (struct activation_cira){
        .access_info = host != NULL ? host : config->name,
        .port = service->config.cira_port != 0 ? service->config.cira_port
                                               : service->settings.cira_port,
        .common_name = config->name,
        .user = group->user,
        .password = &group->password,
        .root = identity == NULL ? NULL : pki_root(identity),
        .home_domains = service->config.home_domains,
    };
}

static struct group_name *find_in_store(struct activation_service *service, const char *user,
                                        const char *group)
{
    struct group_name *found = NULL;
    struct group_search search = { .store = service->settings.store, .user = user, .group = group };
    bool is_good =
        store_each_group(search.store, look_at_group, &search, NULL) == AMT_OK && search.is_found;
    found = is_good ? intern(service, search.found) : NULL;
    if (found != NULL) {
        take_cira(service, found, search.found_user, &search.password);
    }
    secret_fini(&search.password);
    return found;
}

/* Without a store the users of the configuration are the groups. */
static bool is_user(const struct mps_user *u, const char *user, const char *group)
{
    const char *id = u->group != NULL ? u->group : u->name;
    if (user != NULL) {
        return id != NULL && strlen(id) >= USER_CHARS && same_user(id, user);
    }
    return u->name != NULL && strcmp(u->name, group) == 0;
}

static struct group_name *find_in_config(struct activation_service *service, const char *user,
                                         const char *group)
{
    const struct mps_config *config = service->settings.config;
    for (uint32_t i = 0; i < config->user_count; i++) {
        const struct mps_user *u = &config->users[i];
        const char *password = u->password == NULL ? "" : u->password;
        struct secret secret = { .len = 0 };
        if (!is_user(u, user, group)) {
            continue;
        }
        struct group_name *found = intern(service, u->name != NULL ? u->name : u->group);
        if (found != NULL && secret_set(&secret, password, (uint32_t)strlen(password)) == AMT_OK) {
            take_cira(service, found, u->name != NULL ? u->name : "", &secret);
        }
        secret_fini(&secret);
        return found;
    }
    return NULL;
}

/* --- what is offered --- */

/* The addresses as clients reach them: the configured names with the ports that are open. */
static void reachable(const struct activation_service *service, struct text *cira,
                      struct text *activation)
{
    const struct activation_service_settings *s = &service->settings;
    const char *host = service->config.cira_host;
    struct address address = { .port = 0 };
    host = host != NULL ? host : s->config->name;
    if (s->mode != MPS_MODE_LAN) {
        text_printf(cira, "%s:%u", host,
                    service->config.cira_port != 0 ? service->config.cira_port : s->cira_port);
    }
    if (activation_service_address(service, &address)) {
        text_printf(activation, "%s:%u", s->config->name, address.port);
    }
}

static void publish(struct activation_service *service)
{
    struct onboarding_policy policies[ACTIVATION_POLICIES_MAX];
    struct text cira = { 0 };
    struct text activation = { 0 };
    struct amt_diag diag = { .err = AMT_OK };
    reachable(service, &cira, &activation);
    for (uint32_t i = 0; i < service->config.policy_count; i++) {
        const struct activation_group_policy *from = &service->config.policies[i];
        policies[i] =
            (struct onboarding_policy){ from->group, from->policy.type, from->policy.fallback };
    }
    const struct onboarding_state state = {
        .mode = service->settings.mode,
        .cira = cira.len == 0 ? NULL : text_chars(&cira),
        .activation = activation.len == 0 ? NULL : text_chars(&activation),
        .has_no_manager = !service->config.mps.has_manager,
        .admin_until_s = service->admin_until_s,
        .policies = policies,
        .policy_count = service->config.policy_count,
    };
    if (service->settings.store != NULL &&
        onboarding_publish(service->settings.store, &state, &diag) != AMT_OK) {
        LOG(service->settings.log, LOG_WARN, "activation.not_published",
            log_text("text", diag.text), log_text("hint", diag.hint));
    }
    text_fini(&cira);
    text_fini(&activation);
}

/* Until then the ACM policy exists (activation.md 6.5); without a certificate that is valid now it ends, for
 * those who ask now as for those who read what is offered. */
static void judge_certificates(struct activation_service *service)
{
    uint64_t now_s = loop_wall_us(service->settings.loop) / US_PER_SECOND;
    uint64_t until_s = activation_certificates_usable_until(service->certificates, now_s);
    activation_certificates_withdraw(service->certificates, until_s == 0);
    if (until_s == service->admin_until_s) {
        return;
    }
    if (until_s == 0) {
        LOG(service->settings.log, LOG_WARN, "activation.acm_withdrawn",
            log_u64("certificates", activation_certificates_count(service->certificates)),
            log_text("hint", "no provisioning certificate is valid now: renew it and restart the "
                             "server"));
    } else {
        LOG(service->settings.log, LOG_INFO, "activation.acm_offered",
            log_u64("until", until_s == ACTIVATION_NO_END ? 0 : until_s));
    }
    service->admin_until_s = until_s;
    publish(service);
}

static bool find_any(struct activation_service *service, const char *user, const char *group,
                     struct activation_policy *policy, const char **name)
{
    judge_certificates(service);
    bool is_in_store =
        service->settings.store != NULL && service->settings.config->auth != MPS_AUTH_CONFIG;
    struct group_name *found =
        is_in_store ? find_in_store(service, user, group) : find_in_config(service, user, group);
    if (found == NULL) {
        return false;
    }
    const struct activation_policy *wanted =
        service->config.mps.has_manager ? activation_config_policy(&service->config, found->name)
                                        : NULL;
    *policy =
        wanted == NULL ? (struct activation_policy){ .type = ACTIVATION_POLICY_NONE } : *wanted;
    bool has_server = found->cira.root != NULL && found->cira.access_info != NULL &&
                      service->settings.mode != MPS_MODE_LAN;
    policy->cira = has_server ? &found->cira : NULL;
    *name = found->name;
    return true;
}

static bool find_group(void *ctx, const char *user, const struct secret *password,
                       struct activation_policy *policy, const char **group, struct text *why)
{
    struct activation_service *service = ctx;
    /* The protocol's password is the user name once more: the id is the secret. */
    if (!secret_equal(password, (const uint8_t *)user, USER_CHARS)) {
        text_puts(why, "Invalid login username/password");
        return false;
    }
    if (!find_any(service, user, NULL, policy, group)) {
        text_puts(why, "Device group not found (2)");
        return false;
    }
    return true;
}

static bool find_profile(void *ctx, const char *name, struct activation_policy *policy,
                         const char **group)
{
    return find_any(ctx, NULL, name, policy, group);
}

static bool find_password(void *ctx, const struct uuid *uuid, struct secret *password)
{
    struct activation_service *service = ctx;
    struct secret passwords[3] = { { .len = 0 } };
    uint32_t count = 0;
    enum amt_err err =
        service->config.log_path == NULL
            ? AMT_EUNKNOWN
            : activation_log_passwords(service->config.log_path, uuid, passwords, &count, NULL);
    if (err == AMT_OK && count > 0) {
        *password = passwords[0];
    }
    for (int i = 0; i < 3; i++) {
        secret_fini(&passwords[i]);
    }
    return err == AMT_OK && count > 0;
}

/* syncdeviceinfo of RPS: what the client told stands in the events of the device. */
static void on_device_info(void *ctx, const struct rps_device *device)
{
    struct activation_service *service = ctx;
    char detail[200];
    if (service->settings.store != NULL && device->is_uuid) {
        (void)snprintf(detail, sizeof detail, "%.40s build %.20s host %.60s address %.40s",
                       device->report.version, device->report.build, device->report.host_name,
                       device->ip.address);
        enum amt_err err =
            store_event(service->settings.store, &device->report.uuid, "rps.device_info", detail,
                        loop_wall_us(service->settings.loop));
        (void)err; /* the log has it; the store says by itself when it fails */
    }
}

static void on_result(void *ctx, const struct uuid *uuid, const struct activation_result *result)
{
    struct activation_service *service = ctx;
    if (service->settings.store != NULL) {
        char detail[160];
        (void)snprintf(detail, sizeof detail, "%s %s", activation_failure_code(result->failure),
                       activation_failure_name(result->failure));
        enum amt_err err =
            store_event(service->settings.store, uuid, activation_outcome_event(result->outcome),
                        detail, loop_wall_us(service->settings.loop));
        (void)err; /* the activation log has it; the store says by itself when it fails */
    }
}

/* --- the port --- */

static void forget(struct visitor *v)
{
    if (v->previous != NULL) {
        v->previous->next = v->next;
    } else {
        v->service->visitors = v->next;
    }
    if (v->next != NULL) {
        v->next->previous = v->previous;
    }
    amt_free(v);
}

static void on_http_end(void *ctx)
{
    forget(ctx);
}

static bool is_mesh_path(const char *target)
{
    size_t len = strcspn(target, "?");
    static const char k_end[] = "/apf.ashx";
    return len >= sizeof k_end - 1 &&
           strncmp(target + len - (sizeof k_end - 1), k_end, sizeof k_end - 1) == 0;
}

static void on_request(void *ctx, struct http_server_connection *http,
                       const struct http_request *request)
{
    static const char k_page[] =
        "<!DOCTYPE html><html><head><title>amtlab</title></head><body>Intel(R) AMT activation "
        "server. Activate a device with the command of its group.</body></html>";
    struct visitor *v = ctx;
    struct activation_service *service = v->service;
    if (!request->is_upgrade) {
        http_respond(http, 200, "text/html", NULL, k_page, sizeof k_page - 1);
    } else if (is_mesh_path(request->target)) {
        static const struct websocket_settings k_settings = { .refuses_text = true };
        static const struct websocket_handler k_none = { .on_open = NULL };
        struct websocket *ws =
            websocket_accept(service->settings.loop, http, request, &k_settings, &k_none, NULL);
        if (ws != NULL) {
            mesh_server_serve(service->mesh, websocket_stream(ws));
        }
    } else {
        rps_server_request(service->rps, http, request);
    }
}

static void start_http(struct visitor *v, struct stream *s)
{
    struct http_server_connection *http =
        http_serve(v->service->settings.loop, s, NULL, on_request, on_http_end, v, NULL, 0);
    if (http == NULL) {
        forget(v);
    } else {
        v->http = http;
    }
}

static void on_tls_open(void *ctx)
{
    struct visitor *v = ctx;
    struct stream *s = v->tls;
    v->tls = NULL;
    start_http(v, s);
}

static void on_tls_end(void *ctx, const struct stream_end *end)
{
    struct visitor *v = ctx;
    (void)end;
    stream_close(v->tls);
    forget(v);
}

static void on_accept(void *ctx, struct stream *s)
{
    static const struct stream_handler k_handler = { .on_open = on_tls_open, .on_end = on_tls_end };
    struct activation_service *service = ctx;
    struct visitor *v = amt_alloc(sizeof *v);
    if (v == NULL) {
        stream_close(s);
        return;
    }
    v->service = service;
    v->next = service->visitors;
    if (v->next != NULL) {
        v->next->previous = v;
    }
    service->visitors = v;
    if (service->settings.tls == NULL) {
        start_http(v, s);
        return;
    }
    v->tls = tls_accept(service->settings.loop, service->settings.tls, s, &k_handler, v);
    if (v->tls == NULL) {
        forget(v);
    }
}

static enum amt_err listen_one(struct activation_service *service, const char *text,
                               struct amt_diag *diag)
{
    struct address address;
    char shown[ADDRESS_HOST_BYTES + 10];
    TRY(address_parse(text, ACTIVATION_PORT, &address, diag));
    struct listener *listener =
        net_listen(service->settings.loop, &address, on_accept, service, diag);
    if (listener == NULL) {
        return AMT_ESYS;
    }
    service->listeners[service->listener_count++] = listener;
    listener_address(listener, &address);
    address_format(&address, shown);
    LOG(service->settings.log, LOG_INFO, "activation.listening", log_text("address", shown),
        log_u64("certificates", activation_certificates_count(service->certificates)));
    return AMT_OK;
}

/* --- life --- */

static void log_problems(struct activation_service *service, const struct amt_diag_list *problems)
{
    for (uint32_t i = 0; i < problems->count; i++) {
        const struct amt_diag *diag = &problems->items[i];
        LOG(service->settings.log, diag->err == AMT_OK ? LOG_WARN : LOG_ERROR,
            "activation.certificate", log_text("text", diag->text), log_text("hint", diag->hint),
            log_text("file", diag->file),
            log_text("code", diag->requirement == NULL ? "" : diag->requirement));
    }
}

/* Without the root everything else goes on, as in MeshCentral. */
static void load_equipment(struct activation_service *service, struct amt_diag_list *problems)
{
    const struct activation_equipment_config *config = &service->config.equipment;
    struct amt_diag diag = { .err = AMT_OK };
    service->tls_root = activation_equipment_root(config, &diag);
    if (service->tls_root == NULL && diag.text[0] != '\0') {
        const char *file = config->tls_pfx != NULL ? config->tls_pfx : config->tls_certificate;
        struct amt_diag *added = amt_diag_list_add(problems, AMT_ECERT, file, 0, 0);
        (void)amt_diag_set(added, AMT_ECERT, "Unable to load Intel AMT TLS root certificate: %s",
                           diag.text);
        (void)amt_diag_hint(added, "%s", diag.hint);
    }
    service->equipment =
        (struct activation_equipment){ .switches_tls_on = service->tls_root != NULL,
                                       .wifi = config->wifi,
                                       .wifi_count = config->wifi_count };
}

static enum amt_err load(struct activation_service *service, struct amt_diag *diag)
{
    struct amt_diag_list problems = { .count = 0 };
    const struct mps_config *config = service->settings.config;
    enum amt_err err =
        activation_config_read(config->activation_node, "activation", &service->config, &problems);
    if (err == AMT_OK) {
        service->certificates = activation_config_certificates(
            &service->config, config, loop_wall_us(service->settings.loop) / US_PER_SECOND,
            &problems);
        err = service->certificates == NULL ? AMT_ENOMEM : AMT_OK;
    }
    if (err == AMT_OK) {
        load_equipment(service, &problems);
    }
    log_problems(service, &problems);
    if (err != AMT_OK && problems.count > 0 && diag != NULL) {
        *diag = problems.items[0];
    }
    amt_diag_list_fini(&problems);
    return err;
}

static enum amt_err open_log(struct activation_service *service, struct amt_diag *diag)
{
    const char *data = service->settings.config->data;
    struct text path = { 0 };
    if (service->config.log_path == NULL) {
        text_printf(&path, "%s/amtactivation.log", data == NULL ? "." : data);
        service->config.log_path = arena_text(&service->config.arena, text_chars(&path), path.len);
        text_fini(&path);
    }
    return service->config.log_path == NULL
               ? AMT_ENOMEM
               : activation_log_open(service->config.log_path, service->config.recipient,
                                     &service->activation_log, diag);
}

static struct activation_settings job_settings(const struct activation_service *service)
{
    return (struct activation_settings){ .loop = service->settings.loop,
                                         .log = service->settings.log,
                                         .certificates = service->certificates,
                                         .activation_log = service->activation_log,
                                         .tls_issuer = service->tls_issuer,
                                         .equipment = &service->equipment,
                                         .refuses_tls = !service->config.allows_tls,
                                         .prefers_upgrade = service->config.prefers_upgrade,
                                         .hold_us = service->config.hold_us };
}

static enum amt_err start_conversations(struct activation_service *service)
{
    /* Without it only devices that shall get TLS cannot be activated. */
    service->tls_issuer =
        service->tls_root != NULL ? pki_identity_ref(service->tls_root) /* device_tls: for all */
        : service->settings.tls_issuer != NULL ? pki_identity_ref(service->settings.tls_issuer)
                                               : mps_own_root(service->settings.config, NULL);
    const struct activation_settings settings = job_settings(service);
    const struct mesh_server_settings mesh = {
        .activation = settings, .find_group = find_group, .on_result = on_result, .ctx = service
    };
    const struct rps_server_settings rps = { .activation = settings,
                                             .find_profile = find_profile,
                                             .find_password = find_password,
                                             .on_result = on_result,
                                             .on_device_info = on_device_info,
                                             .ctx = service };
    service->mesh = mesh_server_new(&mesh);
    service->rps = rps_server_new(&rps);
    return service->mesh == NULL || service->rps == NULL ? AMT_ENOMEM : AMT_OK;
}

static void on_look(void *ctx)
{
    struct activation_service *service = ctx;
    judge_certificates(service);
    timer_start(&service->look, LOOK_US);
}

/* After the listeners: what is published names their ports. */
static void offer(struct activation_service *service)
{
    bool is_judged = service->admin_until_s != 0;
    judge_certificates(service);
    if (!is_judged && service->admin_until_s == 0) {
        publish(service);
    }
    timer_start(&service->look, LOOK_US);
}

/* --- bare metal --- */

/* By name, or as config.json says it: "mesh/<domain>/<id>". */
static bool find_hello_group(void *ctx, struct activation_policy *policy, const char **group)
{
    struct activation_service *service = ctx;
    const char *wanted = service->config.provisioning.group;
    const char *slash = strncmp(wanted, "mesh/", 5) == 0 ? strrchr(wanted, '/') : NULL;
    bool is_id = slash != NULL && strlen(slash + 1) >= USER_CHARS;
    return is_id ? find_any(service, slash + 1, NULL, policy, group)
                 : find_any(service, NULL, wanted, policy, group);
}

static enum amt_err listen_for_hello(struct activation_service *service, struct amt_diag *diag)
{
    const struct activation_provisioning *provisioning = &service->config.provisioning;
    struct address address = { .port = provisioning->port };
    if (provisioning->listen == NULL) {
        return hello_server_listen(service->hello, &address, diag);
    }
    for (const char *const *at = provisioning->listen; *at != NULL; at++) {
        TRY(address_parse(*at, provisioning->port, &address, diag));
        TRY(hello_server_listen(service->hello, &address, diag));
    }
    return AMT_OK;
}

static enum amt_err start_hello(struct activation_service *service, struct amt_diag *diag)
{
    const struct activation_provisioning *provisioning = &service->config.provisioning;
    struct hello_server_settings settings = { .activation = job_settings(service),
                                              .find_group = find_hello_group,
                                              .on_result = on_result,
                                              .ctx = service,
                                              .trusted_fqdn = provisioning->trusted_fqdn,
                                              .device_host = provisioning->device_host,
                                              .device_port = provisioning->device_port,
                                              .limits = provisioning->limits };
    if (!provisioning->is_on) {
        return AMT_OK;
    }
    if (service->tls_issuer == NULL) { /* says why */
        pki_identity_free(mps_own_root(service->settings.config, diag));
        return AMT_ECONFIG;
    }
    settings.activation.mebx_password = &provisioning->mebx_password;
    service->hello = hello_server_new(&settings);
    return service->hello == NULL ? AMT_ENOMEM : listen_for_hello(service, diag);
}

static enum amt_err start_all(struct activation_service *service, struct amt_diag *diag)
{
    const struct config_texts *listen = &service->settings.config->activation_listen;
    TRY(load(service, diag));
    if (listen->count == 0 && !service->config.provisioning.is_on) {
        offer(service);
        return AMT_OK;
    }
    TRY(open_log(service, diag));
    TRY(start_conversations(service));
    TRY(start_hello(service, diag));
    if (listen->count > LISTENERS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG, "activation_listen: at most %u addresses",
                            LISTENERS_MAX);
    }
    for (uint32_t i = 0; i < listen->count; i++) {
        TRY(listen_one(service, listen->items[i], diag));
    }
    offer(service);
    return AMT_OK;
}

enum mps_mode activation_mode(const struct mps_config *config)
{
    struct activation_config *activation =
        config->activation_node == NULL ? NULL : amt_alloc(sizeof *activation);
    enum mps_mode mode = (enum mps_mode)config->mode;
    if (activation != NULL) { /* what is wrong with it is said where it is used */
        bool is_read =
            activation_config_read(config->activation_node, "", activation, NULL) == AMT_OK;
        if (is_read && mode == MPS_MODE_HYBRID) {
            mode = activation->mps.is_lan_only   ? MPS_MODE_LAN
                   : activation->mps.is_wan_only ? MPS_MODE_WAN
                                                 : MPS_MODE_HYBRID;
        }
        activation_config_fini(activation);
        amt_free(activation);
    }
    return mode;
}

struct activation_service *activation_service_start(const struct activation_service_settings *s,
                                                    struct amt_diag *diag)
{
    struct activation_service *service = amt_alloc(sizeof *service);
    if (service == NULL) {
        (void)amt_diag_set(diag, AMT_ENOMEM, "out of memory");
        return NULL;
    }
    service->settings = *s;
    timer_init(&service->look, s->loop, on_look, service);
    activation_config_init(&service->config);
    enum amt_err err = start_all(service, diag);
    if (err != AMT_OK) {
        if (diag != NULL && diag->text[0] == '\0') {
            (void)amt_diag_set(diag, err, "activation: %s", amt_err_text(err));
        }
        activation_service_free(service);
        return NULL;
    }
    return service;
}

static void close_visitors(struct activation_service *service)
{
    while (service->visitors != NULL) {
        struct visitor *v = service->visitors;
        if (v->http != NULL) {
            http_server_close(v->http); /* on_http_end forgets it */
        } else {
            stream_close(v->tls);
            forget(v);
        }
    }
}

void activation_service_free(struct activation_service *service)
{
    if (service == NULL) {
        return;
    }
    for (uint32_t i = 0; i < service->listener_count; i++) {
        listener_close(service->listeners[i]);
    }
    timer_stop(&service->look);
    close_visitors(service);
    mesh_server_free(service->mesh);
    rps_server_free(service->rps);
    hello_server_free(service->hello);
    pki_identity_free(service->tls_issuer);
    activation_certificates_free(service->certificates);
    activation_log_close(service->activation_log);
    pki_identity_free(service->tls_root);
    activation_config_fini(&service->config);
    while (service->groups != NULL) {
        struct group_name *gone = service->groups;
        service->groups = gone->next;
        secret_fini(&gone->password);
        amt_free(gone);
    }
    amt_free(service);
}

bool activation_service_address(const struct activation_service *service, struct address *address)
{
    if (service == NULL || service->listener_count == 0) {
        return false;
    }
    listener_address(service->listeners[0], address);
    return true;
}

bool activation_service_hello_address(const struct activation_service *service,
                                      struct address *address)
{
    return service != NULL && hello_server_address(service->hello, address);
}
