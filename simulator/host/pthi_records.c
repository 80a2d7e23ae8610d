/* Answers of the host interface about provisioning: root hashes, configuration server, last setup. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/little.h"
#include "simulator/firmware/keys.h"
#include "simulator/firmware/mebx.h"
#include "simulator/firmware/provisioning_internal.h"
#include "simulator/host/pthi_internal.h"

#define IP_TEXT_BYTES     46u
#define RECORD_BYTES      197u /* of a setup record, before the name of the server */
#define RECORD_HASH_BYTES 64u

/* MEI-031: also those that are switched off. */
uint32_t pthi_hash_handles(struct pthi_exchange *x)
{
    struct keys_hash hash;
    uint32_t count = 0;
    while (count < PTHI_HANDLES_MAX && keys_hash_at(x->firmware, count, &hash)) {
        x->response->handles[count++] = hash.handle;
    }
    x->response->handle_count = count;
    return PTHI_SUCCESS;
}

/* ACT-DEV-039: the entry that hello packets and WS-Man show. */
uint32_t pthi_hash_entry(struct pthi_exchange *x)
{
    struct keys_hash hash;
    uint32_t at = 0;
    while (keys_hash_at(x->firmware, at, &hash) && hash.handle != x->request->number) {
        at++;
    }
    if (at >= PTHI_HANDLES_MAX || !keys_hash_at(x->firmware, at, &hash)) {
        return PTHI_INVALID_HANDLE;
    }
    struct pthi_hash_entry *entry = &x->response->hash;
    entry->is_default = hash.is_default ? 1 : 0;
    entry->is_active = hash.is_active ? 1 : 0;
    entry->algorithm = (uint8_t)hash.type;
    memcpy(entry->hash, hash.bytes, hash.len);
    pthi_text(x, hash.name);
    return PTHI_SUCCESS;
}

uint32_t pthi_pid(struct pthi_exchange *x)
{
    char pid[PID_BYTES] = "";
    memcpy(pid, mebx_pid(x->firmware), strlen(mebx_pid(x->firmware)));
    x->response->bytes.len = PID_BYTES - 1;
    text_append(&x->bytes, pid, PID_BYTES - 1);
    return PTHI_SUCCESS;
}

static void write_text(struct writer *w, const char *text)
{
    uint32_t len = (uint32_t)strlen(text);
    writer_le16(w, (uint16_t)len);
    writer_bytes(w, (const uint8_t *)text, len);
}

static void write_padded(struct writer *w, const char *text, uint32_t room)
{
    uint32_t len = (uint32_t)strlen(text);
    writer_bytes(w, (const uint8_t *)text, len > room ? room : len);
    writer_zero(w, len > room ? 0 : room - len);
}

static uint32_t give(struct pthi_exchange *x, const struct writer *w)
{
    if (w->failed) {
        return PTHI_INTERNAL_ERROR;
    }
    x->response->bytes = (struct view){ .off = (uint32_t)x->bytes.len, .len = w->pos };
    text_append(&x->bytes, (const char *)w->base, w->pos);
    return PTHI_SUCCESS;
}

uint32_t pthi_config_server(struct pthi_exchange *x)
{
    uint8_t bytes[2 + IP_TEXT_BYTES + 2 + MEBX_FQDN_MAX];
    struct writer w = { .base = bytes, .cap = sizeof bytes };
    struct mebx_server server;
    mebx_server(x->firmware, &server);
    writer_le16(&w, server.port);
    write_padded(&w, server.address, IP_TEXT_BYTES);
    write_text(&w, server.fqdn);
    return give(x, &w);
}

static void write_time(struct writer *w, uint64_t seconds)
{
    struct tm parts = { .tm_year = 0 };
    time_t time = (time_t)seconds;
    (void)gmtime_r(&time, &parts);
    writer_le16(w, (uint16_t)(parts.tm_year + 1900));
    writer_le16(w, (uint16_t)(parts.tm_mon + 1));
    writer_le16(w, (uint16_t)parts.tm_wday);
    writer_le16(w, (uint16_t)parts.tm_mday);
    writer_le16(w, (uint16_t)parts.tm_hour);
    writer_le16(w, (uint16_t)parts.tm_min);
    writer_le16(w, (uint16_t)parts.tm_sec);
}

/* The last setup with a certificate; without one there is none to tell. */
static const struct provisioning_record *last_record(const struct provisioning *provisioning)
{
    for (uint32_t i = provisioning->record_count; i > 0; i--) {
        const struct provisioning_record *record = &provisioning->records[i - 1];
        if (record->kind == RECORD_ADMIN || record->kind == RECORD_TLS) {
            return record;
        }
    }
    return NULL;
}

uint32_t pthi_setup_record(struct pthi_exchange *x)
{
    uint8_t bytes[RECORD_BYTES + 2 + MEBX_FQDN_MAX];
    struct writer w = { .base = bytes, .cap = sizeof bytes };
    const struct provisioning_record *record = last_record(x->firmware->provisioning);
    struct mebx_server server;
    if (record == NULL) {
        return PTHI_NOT_FOUND;
    }
    mebx_server(x->firmware, &server);
    writer_u8(&w, 0); /* PKI */
    writer_le32(&w, record->is_secure_dns ? 1 : 0);
    writer_le32(&w, record->kind == RECORD_ADMIN || record->is_host_initiated ? 1 : 0);
    writer_le32(&w, record->hash_type);
    writer_bytes(&w, record->hash, RECORD_HASH_BYTES);
    writer_bytes(&w, record->serials, RECORD_SERIALS_MAX * RECORD_SERIAL_BYTES);
    writer_le32(&w, record->has_more_serials ? 1 : 0);
    writer_le32(&w, record->hash_is_default ? 1 : 0);
    writer_le32(&w, 1); /* the time is valid */
    write_padded(&w, server.address, IP_TEXT_BYTES);
    write_time(&w, record->created_s);
    write_text(&w, record->common_name[0] != '\0' ? record->common_name : server.fqdn);
    return give(x, &w);
}
