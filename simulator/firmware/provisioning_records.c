/* How the device was provisioned: records that outlast unprovisioning (wsman.md 4.2). */
#include <string.h>

#include "simulator/firmware/provisioning_internal.h"
#include "simulator/firmware/state_fields.h"

#define TLS_MODE_PKI 2u /* ProvisioningTLSMode */
#define HASH_SHA256  2u /* HashType of AMT_ProvisioningCertificateHash */

/* Serial numbers of the authorities in the chain, right-aligned, root last. */
static void take_serials(struct provisioning_record *record, const struct setup_chain *chain)
{
    record->has_more_serials = chain->count > 1 + RECORD_SERIALS_MAX;
    for (uint32_t i = 1; i < chain->count && i <= RECORD_SERIALS_MAX; i++) {
        const ASN1_INTEGER *serial = X509_get0_serialNumber(chain->certificates[i]);
        size_t len = (size_t)ASN1_STRING_length(serial);
        size_t kept = len > RECORD_SERIAL_BYTES ? RECORD_SERIAL_BYTES : len;
        memcpy(record->serials + i * RECORD_SERIAL_BYTES - kept,
               ASN1_STRING_get0_data(serial) + len - kept, kept);
    }
}

static void take_chain(struct provisioning_record *record, const struct provisioning *provisioning,
                       const struct setup_chain *chain)
{
    record->hash_type = chain->hash_type;
    record->hash_len = chain->hash_len;
    memcpy(record->hash, chain->hash, chain->hash_len);
    record->hash_is_default = chain->hash_is_default;
    record->is_secure_dns = provisioning->trusted_suffix[0] != 0;
    (void)certificate_common_name(chain->certificates[0], record->common_name,
                                  sizeof record->common_name);
    take_serials(record, chain);
}

void provisioning_record_add(struct firmware *firmware, enum record_kind kind, X509 *certificate)
{
    struct provisioning *provisioning = firmware->provisioning;
    struct provisioning_record record = { .id = provisioning->next_record++,
                                          .kind = kind,
                                          .created_s = firmware_time_s(firmware) };
    unsigned len = 0;
    if (kind == RECORD_ADMIN) {
        take_chain(&record, provisioning, &provisioning->chain);
    } else if (kind == RECORD_TLS) {
        take_chain(&record, provisioning, &provisioning->session);
        record.is_host_initiated = provisioning->announced_len > 0;
    } else if (certificate != NULL &&
               X509_digest(certificate, EVP_sha256(), record.hash, &len) == 1) {
        record.hash_type = HASH_SHA256;
        record.hash_len = len;
    }
    if (provisioning->record_count == RECORDS_MAX) {
        memmove(provisioning->records, provisioning->records + 1,
                (RECORDS_MAX - 1) * sizeof record);
        provisioning->record_count--;
    }
    provisioning->records[provisioning->record_count++] = record;
    firmware_changed(firmware);
}

static json_t *save_record(const struct provisioning_record *record)
{
    json_t *object = json_object();
    bool is_whole = state_put_u64(object, "id", record->id) &&
                    state_put_u64(object, "kind", record->kind) &&
                    state_put_u64(object, "created", record->created_s) &&
                    state_put_u64(object, "hash_type", record->hash_type) &&
                    state_put_hex(object, "hash", record->hash, record->hash_len) &&
                    state_put_bool(object, "default", record->hash_is_default) &&
                    state_put_bool(object, "more", record->has_more_serials) &&
                    state_put_bool(object, "secure_dns", record->is_secure_dns) &&
                    state_put_bool(object, "from_host", record->is_host_initiated) &&
                    state_put_hex(object, "serials", record->serials, sizeof record->serials) &&
                    state_put_text(object, "name", record->common_name);
    if (!is_whole) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *provisioning_records_save(const struct provisioning *provisioning)
{
    json_t *records = json_array();
    for (uint32_t i = 0; i < provisioning->record_count; i++) {
        if (json_array_append_new(records, save_record(&provisioning->records[i])) != 0) {
            json_decref(records);
            return NULL;
        }
    }
    return records;
}

static enum amt_err load_record(const json_t *object, struct provisioning_record *record,
                                struct amt_diag *diag)
{
    size_t hash_len = 0;
    TRY(state_get_u32(object, "id", UINT32_MAX, &record->id, diag));
    TRY(state_get_u32(object, "kind", RECORD_TLS, &record->kind, diag));
    TRY(state_get_u64(object, "created", UINT32_MAX, &record->created_s, diag));
    TRY(state_get_u32(object, "hash_type", UINT8_MAX, &record->hash_type, diag));
    TRY(state_get_bytes(object, "hash", record->hash, sizeof record->hash, &hash_len, diag));
    record->hash_len = (uint32_t)hash_len;
    TRY(state_get_bool(object, "default", &record->hash_is_default, diag));
    TRY(state_get_bool(object, "more", &record->has_more_serials, diag));
    TRY(state_get_bool(object, "secure_dns", &record->is_secure_dns, diag));
    TRY(state_get_bool(object, "from_host", &record->is_host_initiated, diag));
    TRY(state_get_hex(object, "serials", record->serials, sizeof record->serials, diag));
    return state_get_text(object, "name", record->common_name, sizeof record->common_name, diag);
}

enum amt_err provisioning_records_load(struct provisioning *provisioning, const json_t *records,
                                       struct amt_diag *diag)
{
    if (json_array_size(records) > RECORDS_MAX) {
        return amt_diag_set(diag, AMT_ECONFIG,
                            "saved state: more provisioning records than there is room for");
    }
    provisioning->record_count = 0;
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct provisioning_record *record = &provisioning->records[provisioning->record_count++];
        *record = (struct provisioning_record){ 0 };
        TRY(load_record(json_array_get(records, i), record, diag));
    }
    return AMT_OK;
}

static void set_serials(struct firmware_call *call, struct wsman_instance *instance,
                        const struct provisioning_record *record)
{
    struct text hex = { 0 };
    text_hex(&hex, record->serials, sizeof record->serials);
    char *digits = hex.failed ? NULL : arena_text(call->arena, text_chars(&hex), hex.len);
    text_fini(&hex);
    for (char *at = digits; at != NULL && *at != 0; at++) {
        *at = (char)(*at >= 'a' ? *at - 'a' + 'A' : *at);
    }
    wsman_set(instance, "CaCertificateSerials", digits);
}

/* What records of both kinds tell that come from a provisioning certificate. */
static void fill_chain(struct firmware_call *call, struct wsman_instance *instance,
                       const struct provisioning_record *record)
{
    wsman_set_bool(instance, "AdditionalCaSerialNums", record->has_more_serials);
    set_serials(call, instance, record);
    wsman_set_bool(instance, "HashIsOemDefault", record->hash_is_default);
    wsman_set_bool(instance, "SecureDNS", record->is_secure_dns);
    wsman_set_base64(instance, "SelectedHashData", record->hash, record->hash_len);
    wsman_set_u64(instance, "SelectedHashType", record->hash_type);
}

static void fill_admin(struct firmware_call *call, struct wsman_instance *instance,
                       const struct provisioning_record *record)
{
    fill_chain(call, instance, record);
    wsman_set(instance, "CertificateCN", record->common_name);
}

static void fill_tls(struct firmware_call *call, struct wsman_instance *instance,
                     const struct provisioning_record *record)
{
    fill_chain(call, instance, record);
    wsman_set_bool(instance, "HostInitiated", record->is_host_initiated);
    wsman_set_bool(instance, "IsTimeValid", record->created_s > 0);
    wsman_set(instance, "ProvServerFQDN", record->common_name);
    wsman_set_u64(instance, "ProvisioningTLSMode", TLS_MODE_PKI);
}

static void fill_client(struct wsman_instance *instance, const struct provisioning_record *record)
{
    if (record->hash_len > 0) {
        wsman_set_u64(instance, "HashAlgorithm", record->hash_type);
        wsman_set_base64(instance, "ProvCertificateHash", record->hash, record->hash_len);
    }
}

static struct wsman_instance *record_instance(struct firmware_call *call,
                                              const struct provisioning_record *record,
                                              const char *class_name)
{
    struct wsman_instance *instance = firmware_instance_new(call, class_name);
    struct text id = { 0 };
    text_printf(&id, "Intel(r) AMT Provisioning Record %u", record->id);
    wsman_set(instance, "InstanceID", text_chars(&id));
    text_fini(&id);
    wsman_set_time(instance, "CreationTimeStamp", record->created_s);
    if (record->kind == RECORD_ADMIN) {
        fill_admin(call, instance, record);
    } else if (record->kind == RECORD_TLS) {
        fill_tls(call, instance, record);
    } else if (record->kind == RECORD_CLIENT) {
        fill_client(instance, record);
    }
    return instance;
}

static struct wsman_instance *list_records(struct firmware_call *call, enum record_kind kind,
                                           const char *class_name)
{
    const struct provisioning *provisioning = call->firmware->provisioning;
    struct wsman_instance *first = NULL, **end = &first;
    for (uint32_t i = 0; i < provisioning->record_count; i++) {
        if (provisioning->records[i].kind != kind) {
            continue;
        }
        *end = record_instance(call, &provisioning->records[i], class_name);
        if (*end == NULL) {
            break;
        }
        end = &(*end)->next;
    }
    return first;
}

struct wsman_instance *provisioning_list_admin_records(struct firmware_call *call)
{
    return list_records(call, RECORD_ADMIN, "IPS_AdminProvisioningRecord");
}

struct wsman_instance *provisioning_list_client_records(struct firmware_call *call)
{
    return list_records(call, RECORD_CLIENT, "IPS_ClientProvisioningRecord");
}

struct wsman_instance *provisioning_list_tls_records(struct firmware_call *call)
{
    return list_records(call, RECORD_TLS, "IPS_TLSProvisioningRecord");
}

struct wsman_instance *provisioning_list_manual_records(struct firmware_call *call)
{
    return list_records(call, RECORD_MANUAL, "IPS_ManualProvisioningRecord");
}

struct wsman_instance *provisioning_list_record_log(struct firmware_call *call)
{
    struct wsman_instance *log = firmware_instance_new(call, "IPS_ProvisioningRecordLog");
    wsman_set_u64(log, "CurrentNumberOfRecords", call->firmware->provisioning->record_count);
    wsman_set(log, "ElementName", "Intel(r) AMT Provisioning Record Log");
    wsman_set_u64(log, "EnabledState", 2);
    wsman_set_u64(log, "HealthState", 5);
    wsman_set(log, "InstanceID", "Intel(r) AMT Provisioning Record Log");
    wsman_set_u64(log, "LogState", 4);
    wsman_set_u64(log, "MaxNumberOfRecords", RECORDS_MAX);
    wsman_set(log, "Name", "Intel(r) AMT Provisioning Record Log");
    wsman_set_u64(log, "OverwritePolicy", 2);
    wsman_set_u64(log, "RequestedState", 12);
    return log;
}

static uint32_t clear_log(struct firmware_call *call, const struct wsman_instance *target,
                          const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)target;
    (void)in;
    (void)out;
    call->firmware->provisioning->record_count = 0;
    firmware_changed(call->firmware);
    return PT_SUCCESS;
}

/* The log is always on. DMTF values. */
static uint32_t request_state(struct firmware_call *call, const struct wsman_instance *target,
                              const struct wsman_instance *in, struct wsman_instance *out)
{
    (void)call;
    (void)target;
    (void)out;
    return wsman_get_u64(in, "RequestedState", 0) == 2 ? 0 : 1;
}

const struct firmware_method k_provisioning_record_log_methods[] = {
    { "ClearLog", clear_log },
    { "RequestStateChange", request_state },
    { NULL, NULL },
};
