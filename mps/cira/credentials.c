#include "mps/cira/credentials.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define GROUP_USER_CHARS 16u

void credentials_group_user(const char *group_id, char out[static 17])
{
    const char *slash = strrchr(group_id, '/');
    const char *id = slash == NULL ? group_id : slash + 1;
    out[0] = '\0';
    if (strlen(id) < GROUP_USER_CHARS) {
        return;
    }
    for (uint32_t i = 0; i < GROUP_USER_CHARS; i++) {
        out[i] = (char)(id[i] == '@' || id[i] == '$' ? 'X' : id[i]);
    }
    out[GROUP_USER_CHARS] = '\0';
}

static enum amt_err read_user(const struct yaml_node *node, struct mps_user *user,
                              struct amt_diag *diag)
{
    static const char *const k_keys[] = {
        "name", "group", "password", "uuid", "certificate", NULL
    };
    const char **places[] = { &user->name, &user->group, &user->password, &user->uuid,
                              &user->certificate };
    const struct yaml_node *value = node->kind == YAML_MAP ? node->first : NULL;
    for (; value != NULL; value = value->next) {
        int at = 0;
        while (k_keys[at] != NULL && strcmp(k_keys[at], value->key) != 0) {
            at += 1;
        }
        if (k_keys[at] == NULL || value->kind != YAML_SCALAR) {
            (void)amt_diag_set(diag, AMT_ECONFIG, "users: \"%s\" is not a key of a user",
                               value->key);
            (void)amt_diag_hint(diag, "allowed: name, group, password, uuid, certificate");
            amt_diag_at(diag, "", value->key_line, value->key_column);
            return AMT_ECONFIG;
        }
        *places[at] = value->text;
    }
    struct uuid uuid;
    if ((user->name == NULL) == (user->group == NULL) ||
        (user->uuid != NULL && uuid_parse(user->uuid, &uuid) != AMT_OK)) {
        (void)amt_diag_set(diag, AMT_ECONFIG,
                           "users: a user has either a name or a group, and a uuid that is one");
        (void)amt_diag_hint(diag, "for example {name: admin, password: secret}, or {group: ID, "
                                  "uuid: 4c4c4544-004b-4210-8033-b6c04f504633}");
        amt_diag_at(diag, "", node->line, node->column);
        return AMT_ECONFIG;
    }
    return AMT_OK;
}

static enum amt_err read_users(struct credentials *credentials, const struct yaml_node *list,
                               struct amt_diag *diag)
{
    if (list->kind != YAML_LIST) {
        (void)amt_diag_set(diag, AMT_ECONFIG, "users: is a list of {name, password, uuid}");
        (void)amt_diag_hint(diag, "for example [{name: admin, password: secret}]");
        amt_diag_at(diag, "", list->line, list->column);
        return AMT_ECONFIG;
    }
    uint32_t i = 0;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        TRY(read_user(node, &credentials->users[i++], diag));
    }
    return AMT_OK;
}

enum amt_err credentials_init(struct credentials *credentials, const struct mps_config *config,
                              struct store *store, struct amt_diag *diag)
{
    const struct yaml_node *list = config->users == NULL ? config->users_node : NULL;
    memset(credentials, 0, sizeof *credentials);
    credentials->config = config;
    credentials->store = store;
    credentials->user_count = list != NULL ? list->count : config->user_count;
    credentials->users = amt_alloc_array(credentials->user_count, sizeof *credentials->users);
    if (credentials->users == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    if (list != NULL) {
        return read_users(credentials, list, diag);
    }
    for (uint32_t i = 0; i < config->user_count; i++) {
        credentials->users[i] = config->users[i]; /* NOLINT(clang-analyzer-core.NullDereference) */
    }
    return AMT_OK;
}

void credentials_fini(struct credentials *credentials)
{
    amt_free(credentials->users);
    memset(credentials, 0, sizeof *credentials);
}

/* The user name of a login as text; "" when it has a 0 in it or is too long to be one. */
static void user_text(const struct apf_login *login, char out[static 257])
{
    bool is_text = login->user_len <= 256 && memchr(login->user, 0, login->user_len) == NULL;
    uint32_t len = is_text ? login->user_len : 0;
    memcpy(out, login->user, len);
    out[len] = '\0';
}

static bool serves(const struct mps_user *user, const char *name, const char *uuid)
{
    char derived[17] = "";
    if (user->group != NULL) {
        credentials_group_user(user->group, derived);
    }
    const char *own = user->group != NULL ? derived : user->name;
    return own[0] != '\0' && strcmp(own, name) == 0 &&
           (user->uuid == NULL || strcasecmp(user->uuid, uuid) == 0);
}

/* Compares with what is right, or with a dummy when there is nothing to compare with: the time is the
 * same (APF-MPS-026). */
static bool password_is_right(const struct secret *right, bool has_right,
                              const struct apf_login *login)
{
    bool same = secret_equal(right, login->password, login->password_len);
    return same && has_right;
}

static void check_config(struct credentials *credentials, const struct apf_login *login,
                         const char *name, const char *uuid, struct login_verdict *verdict)
{
    struct secret right = { .len = 0 };
    bool is_known = false;
    bool takes_any = false;
    for (uint32_t i = 0; i < credentials->user_count && !is_known; i++) {
        const struct mps_user *user = &credentials->users[i];
        is_known = serves(user, name, uuid);
        takes_any = is_known && user->password == NULL;
        if (is_known && user->password != NULL &&
            secret_set(&right, user->password, (uint32_t)strlen(user->password)) != AMT_OK) {
            is_known = false;
        }
    }
    bool is_right = password_is_right(&right, is_known, login) || takes_any;
    verdict->is_good = is_known && is_right;
    verdict->reason = !is_known ? "unknown user or device" : "wrong password";
    secret_fini(&right);
}

static void check_store(struct credentials *credentials, const struct apf_login *login,
                        const char *name, struct login_verdict *verdict)
{
    struct secret right = { .len = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    enum amt_err err =
        store_credential(credentials->store, &login->uuid, name, &right, verdict->group, &diag);
    verdict->is_good = password_is_right(&right, err == AMT_OK, login);
    verdict->reason = err == AMT_OK         ? "wrong password"
                      : err == AMT_EUNKNOWN ? "unknown user or device"
                                            : "the store cannot be read";
    secret_fini(&right);
}

/* Method none: a verified certificate that belongs to this very device (APF-MPS-027). */
static void check_certificate(struct credentials *credentials, const struct apf_login *login,
                              const char *fingerprint, const char *common_name,
                              struct login_verdict *verdict)
{
    char uuid[UUID_TEXT_BYTES];
    uuid_format(&login->uuid, uuid);
    verdict->reason = "method none without an accepted client certificate";
    if (fingerprint[0] == '\0') {
        return;
    }
    verdict->reason = "the client certificate belongs to no known device, or to another";
    struct uuid owner;
    if (credentials->store != NULL &&
        store_find_certificate(credentials->store, fingerprint, &owner, NULL) == AMT_OK) {
        verdict->is_good = uuid_equal(&owner, &login->uuid);
        return;
    }
    for (uint32_t i = 0; i < credentials->user_count; i++) {
        const struct mps_user *user = &credentials->users[i];
        if (user->certificate != NULL && strcasecmp(user->certificate, fingerprint) == 0) {
            verdict->is_good = user->uuid == NULL || strcasecmp(user->uuid, uuid) == 0;
            return;
        }
    }
    verdict->is_good = strcasecmp(common_name, uuid) == 0;
}

void credentials_check(struct credentials *credentials, const struct apf_login *login,
                       const char *fingerprint, const char *common_name,
                       struct login_verdict *verdict)
{
    char name[257];
    char uuid[UUID_TEXT_BYTES];
    user_text(login, name);
    uuid_format(&login->uuid, uuid);
    *verdict = (struct login_verdict){ .reason = "logins are denied" };
    enum mps_auth_mode mode = (enum mps_auth_mode)credentials->config->auth;
    if (mode == MPS_AUTH_ANY) {
        verdict->is_good = true;
    } else if (mode == MPS_AUTH_DENY) {
        verdict->is_good = false;
    } else if (!login->has_password) {
        check_certificate(credentials, login, fingerprint, common_name, verdict);
    } else if (mode == MPS_AUTH_STORE) {
        check_store(credentials, login, name, verdict);
    } else {
        check_config(credentials, login, name, uuid, verdict);
    }
}
