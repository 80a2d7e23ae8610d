/* Management presence servers and their credentials: AddMpServer and the classes that show them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "simulator/firmware/keys.h"
#include "simulator/firmware/legality.h"
#include "simulator/firmware/remote_access_internal.h"

#define NAME_BYTES 64
#define SAP_CLASS  "AMT_ManagementPresenceRemoteSAP"

/* AuthMethod of AddMpServer */
enum auth_method { AUTH_MUTUAL = 1, AUTH_PASSWORD = 2 };

static void server_name(uint32_t number, char out[static NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "Intel(r) AMT:Management Presence Server %u", number);
}

static void login_name(uint32_t number, char out[static NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "Intel(r) AMT:MPS Username Password %u", number);
}

static int server_by_name(const struct firmware *firmware, const char *name)
{
    char own[NAME_BYTES];
    for (uint32_t i = 0; name != NULL && i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        server_name(i, own);
        if (firmware->remote_access->servers[i] != NULL && strcmp(own, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int remote_access_server_of(const struct firmware *firmware, const struct wsman_ref *ref)
{
    bool is_ours = ref != NULL && strcmp(ref->class_name, SAP_CLASS) == 0;
    return is_ours ? server_by_name(firmware, wsman_ref_selector(ref, "Name")) : -1;
}

const struct wsman_ref *remote_access_server_ref(struct firmware_call *call, uint32_t server)
{
    char name[NAME_BYTES];
    server_name(server, name);
    return wsman_ref_new(call->arena, SAP_CLASS, 4, "CreationClassName", SAP_CLASS, "Name", name,
                         "SystemCreationClassName", "CIM_ComputerSystem", "SystemName",
                         "Intel(r) AMT");
}

/* What the device logs in with: a user name and password, or a certificate. */
static const struct wsman_ref *credential_ref(struct firmware_call *call, uint32_t server)
{
    const struct remote_access_server *s = call->firmware->remote_access->servers[server];
    char name[NAME_BYTES];
    if (s->is_mutual) {
        return wsman_ref_new(call->arena, "AMT_PublicKeyCertificate", 1, "InstanceID",
                             s->certificate);
    }
    login_name(server, name);
    return wsman_ref_new(call->arena, "AMT_MPSUsernamePassword", 1, "InstanceID", name);
}

void remote_access_server_free(struct remote_access_server *server)
{
    if (server != NULL) {
        amt_wipe(server, sizeof *server);
        amt_free(server);
    }
}

/* Appends a fresh instance to a list; NULL without memory. */
static struct wsman_instance *append(struct firmware_call *call, const char *class_name,
                                     struct wsman_instance ***end)
{
    struct wsman_instance *instance = firmware_instance_new(call, class_name);
    if (instance == NULL) {
        (void)firmware_fault(call, WSMAN_INTERNAL_ERROR, NULL);
        return NULL;
    }
    **end = instance;
    *end = &instance->next;
    return instance;
}

struct wsman_instance *remote_access_list_servers(struct firmware_call *call)
{
    const struct remote_access *r = call->firmware->remote_access;
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        const struct remote_access_server *server = r->servers[i];
        struct wsman_instance *instance = server == NULL ? NULL : append(call, SAP_CLASS, &end);
        char name[NAME_BYTES];
        if (instance == NULL) {
            continue;
        }
        server_name(i, name);
        wsman_set(instance, "AccessInfo", server->access_info);
        if (server->common_name[0] != '\0') {
            wsman_set(instance, "CN", server->common_name);
        }
        wsman_set(instance, "ElementName", "Intel(r) AMT:Management Presence Server");
        wsman_set_u64(instance, "InfoFormat", server->format);
        wsman_set(instance, "Name", name);
        wsman_set_u64(instance, "Port", server->port);
    }
    return first;
}

/* The password is never read back. */
struct wsman_instance *remote_access_list_logins(struct firmware_call *call)
{
    const struct remote_access *r = call->firmware->remote_access;
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        bool has_login = r->servers[i] != NULL && !r->servers[i]->is_mutual;
        struct wsman_instance *instance =
            has_login ? append(call, "AMT_MPSUsernamePassword", &end) : NULL;
        char name[NAME_BYTES];
        if (instance != NULL) {
            login_name(i, name);
            wsman_set(instance, "InstanceID", name);
            wsman_set(instance, "RemoteID", r->servers[i]->user);
        }
    }
    return first;
}

struct wsman_instance *remote_access_list_contexts(struct firmware_call *call)
{
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        struct wsman_instance *instance =
            call->firmware->remote_access->servers[i] == NULL
                ? NULL
                : append(call, "AMT_RemoteAccessCredentialContext", &end);
        if (instance != NULL) {
            wsman_set_ref(instance, "ElementInContext", credential_ref(call, i));
            wsman_set_ref(instance, "ElementProvidingContext", remote_access_server_ref(call, i));
        }
    }
    return first;
}

struct wsman_instance *remote_access_list_available(struct firmware_call *call)
{
    struct wsman_instance *first = NULL;
    struct wsman_instance **end = &first;
    for (uint32_t i = 0; i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        struct wsman_instance *instance =
            call->firmware->remote_access->servers[i] == NULL
                ? NULL
                : append(call, "CIM_RemoteAccessAvailableToElement", &end);
        if (instance != NULL) {
            wsman_set_ref(instance, "Antecedent", remote_access_server_ref(call, i));
            wsman_set_ref(instance, "Dependent",
                          wsman_ref_new(call->arena, "CIM_ComputerSystem", 2, "CreationClassName",
                                        "CIM_ComputerSystem", "Name", "Intel(r) AMT"));
        }
    }
    return first;
}

static bool is_user_name(const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) == 0) {
            return false;
        }
    }
    return true;
}

/* FF-156: the sources differ in how long both may be, so the profile says it. */
static bool read_login(const struct firmware *firmware, struct remote_access_server *server,
                       const char *user, const char *password)
{
    size_t cap = (size_t)firmware->profile->config.mps_login_max + 1;
    cap = cap < sizeof server->user ? cap : sizeof server->user;
    return is_user_name(user) && password != NULL && password[0] != '\0' &&
           remote_access_copy(server->user, cap, user) &&
           remote_access_copy(server->password, cap, password);
}

/* Mutual authentication needs a certificate of the device whose private key it has. */
static bool read_certificate(const struct firmware *firmware, struct remote_access_server *server,
                             const struct wsman_ref *ref)
{
    const char *id = wsman_ref_selector(ref, "InstanceID");
    X509 *certificate = id == NULL ? NULL : keys_certificate(firmware, id);
    server->is_mutual = true;
    return certificate != NULL && keys_private_key(firmware, certificate) != NULL &&
           remote_access_copy(server->certificate, sizeof server->certificate, id);
}

static bool read_server(const struct firmware *firmware, const struct wsman_instance *in,
                        struct remote_access_server *server)
{
    const char *access_info = wsman_get(in, "AccessInfo");
    const char *common_name = wsman_get(in, "CN");
    uint64_t port = wsman_get_u64(in, "Port", 0);
    uint64_t method = wsman_get_u64(in, "AuthMethod", 0);
    server->format = (uint32_t)wsman_get_u64(in, "InfoFormat", 0);
    server->port = (uint16_t)port;
    if (access_info == NULL || !remote_access_host_is_valid(access_info, server->format) ||
        !remote_access_copy(server->access_info, sizeof server->access_info, access_info) ||
        !remote_access_copy(server->common_name, sizeof server->common_name, common_name) ||
        port == 0 || port > UINT16_MAX) {
        return false;
    }
    /* the certificate of the server is checked against a name (apf.md 6.3) */
    if (server->format != REMOTE_ACCESS_NAME && server->common_name[0] == '\0') {
        return false;
    }
    if (method == AUTH_MUTUAL) {
        return read_certificate(firmware, server, wsman_get_ref(in, "Certificate"));
    }
    return method == AUTH_PASSWORD &&
           read_login(firmware, server, wsman_get(in, "Username"), wsman_get(in, "Password"));
}

/* WSM-080: the same AccessInfo again, or one more than the device takes; else its place. */
static uint32_t find_place(const struct firmware *firmware, const char *access_info,
                           uint32_t *place)
{
    const struct remote_access *r = firmware->remote_access;
    uint32_t most = remote_access_limit(firmware, "MaxTotalMpServers", REMOTE_ACCESS_SERVERS_MAX);
    uint32_t count = 0;
    *place = REMOTE_ACCESS_SERVERS_MAX;
    for (uint32_t i = REMOTE_ACCESS_SERVERS_MAX; i-- > 0;) {
        if (r->servers[i] == NULL) {
            *place = i;
            continue;
        }
        count += 1;
        if (strcasecmp(r->servers[i]->access_info, access_info) == 0) {
            return PT_DUPLICATE;
        }
    }
    return count >= most ? PT_MAX_LIMIT_REACHED : PT_SUCCESS;
}

static uint32_t add_server(struct firmware_call *call, const struct wsman_instance *in,
                           uint32_t *place)
{
    struct remote_access_server *server = amt_alloc(sizeof *server);
    if (server == NULL) {
        return PT_INTERNAL_ERROR;
    }
    uint32_t status = read_server(call->firmware, in, server) ? PT_SUCCESS : PT_INVALID_PARAMETER;
    if (status == PT_SUCCESS) {
        status = find_place(call->firmware, server->access_info, place);
    }
    if (status != PT_SUCCESS) {
        remote_access_server_free(server);
        return status;
    }
    call->firmware->remote_access->servers[*place] = server;
    remote_access_changed(call);
    return PT_SUCCESS;
}

uint32_t remote_access_add_server(struct firmware_call *call, const struct wsman_instance *target,
                                  const struct wsman_instance *in, struct wsman_instance *out)
{
    uint32_t place = 0;
    (void)target;
    wsman_set_ref(out, "MpServer", wsman_ref_new(call->arena, "", 0)); /* WSM-050 */
    if (!legality_is_provisioned(call->firmware)) {
        return legality_deny(call, false);
    }
    uint32_t status = add_server(call, in, &place);
    if (status == PT_SUCCESS) {
        wsman_set_ref(out, "MpServer", remote_access_server_ref(call, place));
    }
    return status;
}

static bool is_in_use(const struct remote_access *r, uint32_t server)
{
    for (uint32_t i = 0; i < r->policy_count; i++) {
        for (uint32_t j = 0; j < r->policies[i]->link_count; j++) {
            if (r->policies[i]->links[j].server == server) {
                return true;
            }
        }
    }
    return false;
}

void remote_access_remove_server(struct firmware_call *call, const struct wsman_instance *instance)
{
    struct remote_access *r = call->firmware->remote_access;
    int place = server_by_name(call->firmware, wsman_get(instance, "Name"));
    if (place < 0) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    if (is_in_use(r, (uint32_t)place)) {
        (void)firmware_fault(call, WSMAN_ACCESS_DENIED, NULL); /* WSM-084 */
        return;
    }
    remote_access_server_free(r->servers[place]);
    r->servers[place] = NULL;
    remote_access_changed(call);
}

static struct remote_access_server *server_by_login(const struct firmware *firmware,
                                                    const char *instance_id)
{
    char own[NAME_BYTES];
    for (uint32_t i = 0; instance_id != NULL && i < REMOTE_ACCESS_SERVERS_MAX; i++) {
        login_name(i, own);
        if (strcmp(own, instance_id) == 0) {
            return firmware->remote_access->servers[i];
        }
    }
    return NULL;
}

/* A Put without the secret, which nobody can read back, keeps the password. */
void remote_access_put_login(struct firmware_call *call, const struct wsman_instance *old,
                             const struct wsman_instance *changed)
{
    struct remote_access_server *server =
        server_by_login(call->firmware, wsman_get(old, "InstanceID"));
    const char *secret = wsman_get(changed, "Secret");
    struct remote_access_server fresh;
    if (!legality_is_provisioned(call->firmware)) {
        (void)legality_deny(call, true);
        return;
    }
    if (server == NULL) {
        (void)firmware_fault(call, WSMAN_DESTINATION_UNREACHABLE, NULL);
        return;
    }
    fresh = *server;
    if (read_login(call->firmware, &fresh, wsman_get(changed, "RemoteID"),
                   secret == NULL ? server->password : secret)) {
        *server = fresh;
        remote_access_changed(call);
    } else {
        (void)firmware_fault(call, WSMAN_INVALID_REPRESENTATION, "InvalidValues");
    }
    amt_wipe(&fresh, sizeof fresh);
}
