/* The host's commands to the ME, and what a program on the PC knows of its device. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "client/activation/host.h"
#include "protocol/mei/pthi.h"

#define NO_ME         (-100) /* the reference clients' codes */
#define BAD_HASH_SIZE (-101)
#define SHA256_BYTES  32u
#define SHA384_BYTES  48u
#define ALGORITHM_256 2u
#define ALGORITHM_384 3u

/* A buffer for one answer; responses are large, so they are not on the stack. */
struct exchange {
    uint8_t in[PTHI_MESSAGE_MAX], out[PTHI_MESSAGE_MAX];
    struct pthi_response response;
};

/* AMT_OK also when the status is not 0. */
static enum amt_err ask(const struct activation_host *host, const struct pthi_request *request,
                        const uint8_t *from, struct exchange *e, struct amt_diag *diag)
{
    uint32_t len = 0;
    uint32_t need = pthi_encode_request(request, from, e->in, sizeof e->in);
    if (need == 0 || need > sizeof e->in) {
        return amt_diag_set(diag, AMT_EBUG, "a host command does not fit");
    }
    TRY(host->command(host->ctx, e->in, need, e->out, sizeof e->out, &len, diag));
    if (pthi_decode_response(e->out, len, request->command, &e->response) != AMT_OK) {
        return amt_diag_set(diag, AMT_EMALFORMED, "the ME's answer to %s cannot be read",
                            pthi_describe(request->command)->name);
    }
    return AMT_OK;
}

static int status_of(const struct activation_host *host, const struct pthi_request *request)
{
    struct exchange *e = amt_alloc(sizeof *e);
    struct amt_diag diag = { .err = AMT_OK };
    int status = NO_ME;
    if (e != NULL && ask(host, request, NULL, e, &diag) == AMT_OK) {
        status = (int)e->response.status;
    }
    amt_free(e);
    return status;
}

int host_unprovision(const struct activation_host *host)
{
    const struct pthi_request request = { .command = PTHI_UNPROVISION,
                                          .has_number = true,
                                          .number = 1 };
    return status_of(host, &request);
}

int host_stop_configuration(const struct activation_host *host)
{
    const struct pthi_request request = { .command = PTHI_STOP_CONFIGURATION };
    return status_of(host, &request);
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Bytes of a hash; 0 for what is none. */
static uint32_t read_hash(const char *hex, uint8_t out[static PTHI_HASH_BYTES])
{
    size_t chars = strlen(hex);
    if (chars != (size_t)SHA256_BYTES * 2 && chars != (size_t)SHA384_BYTES * 2) {
        return 0;
    }
    for (size_t i = 0; i < chars; i += 2) {
        if (digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) {
            return 0;
        }
        out[i / 2] = (uint8_t)(digit(hex[i]) * 16 + digit(hex[i + 1]));
    }
    return (uint32_t)(chars / 2);
}

int host_start_tls(const struct activation_host *host, const char *hash_hex, char out[static 129])
{
    struct pthi_request request = { .command = PTHI_START_CONFIGURATION_HBASED,
                                    .start = { .layout = PTHI_START_SHORT } };
    uint32_t len = read_hash(hash_hex, request.start.hash);
    out[0] = '\0';
    if (len == 0) {
        return BAD_HASH_SIZE;
    }
    request.start.algorithm = len == SHA256_BYTES ? ALGORITHM_256 : ALGORITHM_384;
    struct exchange *e = amt_alloc(sizeof *e);
    struct amt_diag diag = { .err = AMT_OK };
    int status = NO_ME;
    if (e != NULL && ask(host, &request, NULL, e, &diag) == AMT_OK) {
        status = (int)e->response.status;
    }
    if (status == 0) {
        uint32_t bytes = e->response.start_algorithm == ALGORITHM_384 ? SHA384_BYTES : SHA256_BYTES;
        for (uint32_t i = 0; i < bytes; i++) {
            (void)snprintf(out + (size_t)2 * i, 3, "%02x", e->response.start_hash[i]);
        }
    }
    amt_free(e);
    return status;
}

/* --- the report --- */

struct reader {
    const struct activation_host *host;
    struct exchange *e;
    struct arena *arena;
    struct activation_report *report;
    struct amt_diag *diag;
};

/* The response of a command without data; NULL for a status that is not 0. err gets what is worse. */
static const struct pthi_response *get(struct reader *r, uint32_t command, bool has_number,
                                       uint32_t number, enum amt_err *err)
{
    const struct pthi_request request = { .command = command,
                                          .has_number = has_number,
                                          .number = number };
    *err = ask(r->host, &request, NULL, r->e, r->diag);
    return *err == AMT_OK && r->e->response.status == PTHI_SUCCESS ? &r->e->response : NULL;
}

static const char *keep(struct reader *r, const char *text, size_t len)
{
    char *copy = arena_text(r->arena, text, len);
    return copy == NULL ? "" : copy;
}

static enum amt_err read_versions(struct reader *r)
{
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_GET_CODE_VERSIONS, false, 0, &err);
    for (uint32_t i = 0; response != NULL && i < response->versions.count; i++) {
        const struct pthi_version *entry = &response->versions.entries[i];
        const char *version = entry->version;
        if (strcmp(entry->name, "AMT") == 0) {
            r->report->version = keep(r, version, strlen(version));
        } else if (strcmp(entry->name, "Sku") == 0) {
            r->report->sku = keep(r, version, strlen(version));
        } else if (strcmp(entry->name, "Build Number") == 0) {
            r->report->build = keep(r, version, strlen(version));
        }
    }
    return err;
}

static enum amt_err read_modes(struct reader *r)
{
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_GET_CONTROL_MODE, false, 0, &err);
    if (response != NULL) {
        r->report->control_mode = response->numbers[0];
    }
    TRY(err);
    response = get(r, PTHI_GET_PROVISIONING_STATE, false, 0, &err);
    if (response != NULL) {
        r->report->provisioning_state = response->numbers[0];
    }
    TRY(err);
    response = get(r, PTHI_GET_UUID, false, 0, &err);
    if (response != NULL) {
        r->report->uuid = response->uuid;
    }
    TRY(err);
    response = get(r, PTHI_GET_LAN_INTERFACE, true, 0, &err);
    if (response != NULL) {
        r->report->wired_link = response->lan.is_enabled != 0 && response->lan.link != 0 ? 1 : 0;
    }
    return err;
}

/* ACT-CLI-003: nothing, blanks or a single dot are no suffix. */
static enum amt_err read_suffix(struct reader *r)
{
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_GET_PKI_DNS_SUFFIX, false, 0, &err);
    if (response != NULL) {
        const char *text = (const char *)r->e->out + response->bytes.off;
        size_t len = strnlen(text, response->bytes.len);
        size_t blanks = 0;
        while (blanks < len && (text[blanks] == ' ' || text[blanks] == '.')) {
            blanks++;
        }
        r->report->dns_suffix = blanks == len ? "" : keep(r, text, len);
    }
    return err;
}

static enum amt_err read_account(struct reader *r)
{
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_GET_LOCAL_SYSTEM_ACCOUNT, false, 0, &err);
    if (response != NULL) {
        const char *password = response->account.password;
        r->report->local_user = keep(r, response->account.user, strlen(response->account.user));
        TRY(secret_set(&r->report->local_password, password, (uint32_t)strlen(password)));
        amt_wipe(r->e, sizeof *r->e);
    }
    return err;
}

static enum amt_err read_hash_entry(struct reader *r, uint32_t handle)
{
    static const uint32_t k_lengths[] = { 16, 20, SHA256_BYTES, SHA384_BYTES };
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_GET_HASH_ENTRY, true, handle, &err);
    if (response == NULL || response->hash.algorithm >= sizeof k_lengths / sizeof k_lengths[0] ||
        r->report->hash_count == ACTIVATION_HASHES_MAX) {
        return err;
    }
    struct activation_hash *hash = &r->report->hashes[r->report->hash_count++];
    const char *name = (const char *)r->e->out + response->bytes.off;
    hash->type = (enum activation_hash_type)response->hash.algorithm;
    hash->len = k_lengths[response->hash.algorithm];
    memcpy(hash->bytes, response->hash.hash, hash->len);
    hash->is_active = response->hash.is_active != 0;
    hash->is_default = response->hash.is_default != 0;
    hash->has_flags = true;
    hash->name = keep(r, name, strnlen(name, response->bytes.len));
    return AMT_OK;
}

static enum amt_err read_hashes(struct reader *r)
{
    enum amt_err err;
    const struct pthi_response *response = get(r, PTHI_ENUMERATE_HASH_HANDLES, false, 0, &err);
    uint32_t handles[PTHI_HANDLES_MAX];
    uint32_t count = response == NULL ? 0 : response->handle_count;
    memcpy(handles, r->e->response.handles, sizeof handles);
    for (uint32_t i = 0; i < count && err == AMT_OK; i++) {
        err = read_hash_entry(r, handles[i]);
    }
    return err;
}

static enum amt_err read_all(struct reader *r)
{
    TRY(read_versions(r));
    TRY(read_modes(r));
    TRY(read_suffix(r));
    TRY(read_hashes(r));
    return read_account(r);
}

enum amt_err host_read_report(const struct activation_host *host, struct arena *arena,
                              struct activation_report *report, struct amt_diag *diag)
{
    *report = (struct activation_report){ .conversation = ACTIVATION_BY_MESH,
                                          .version = "",
                                          .build = "",
                                          .sku = "",
                                          .host_name = host->host_name,
                                          .dns_suffix = "",
                                          .os_dns_suffix = host->os_dns_suffix,
                                          .has_core_version = true,
                                          .is_tls_enforced = host->is_tls_enforced != NULL &&
                                                             host->is_tls_enforced(host->ctx),
                                          .wired_link = -1,
                                          .local_user = "",
                                          .profile = "",
                                          .client = "amtlab",
                                          .peer = "" };
    struct reader r = { .host = host,
                        .e = amt_alloc(sizeof(struct exchange)),
                        .arena = arena,
                        .report = report,
                        .diag = diag };
    if (r.e == NULL) {
        return amt_diag_set(diag, AMT_ENOMEM, "out of memory");
    }
    enum amt_err err = read_all(&r);
    amt_wipe(r.e, sizeof *r.e);
    amt_free(r.e);
    return err;
}
