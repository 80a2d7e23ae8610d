#include <stddef.h>

#include "base/little.h"
#include "protocol/mei/pthi.h"

#define RESPONSE_BIT  UINT32_C(0x00800000)
#define LENGTH_OFFSET 8u

static struct writer begin(uint8_t *out, uint32_t cap, uint32_t command)
{
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    w.base = out;
    writer_u8(&w, 1);
    writer_u8(&w, 1);
    writer_le16(&w, 0);
    writer_le32(&w, command);
    writer_le32(&w, 0);
    return w;
}

/* Puts the length in. */
static uint32_t end(const struct writer *w)
{
    struct writer length = { .cap = w->cap, .pos = LENGTH_OFFSET };
    length.base = w->base;
    writer_le32(&length, w->pos - PTHI_HEADER_BYTES);
    return w->pos;
}

/* from may be NULL when nothing is in it. */
static void write_view(struct writer *w, const uint8_t *from, const struct view *bytes)
{
    if (bytes->len > 0) {
        writer_bytes(w, from + bytes->off, bytes->len);
    }
}

static void write_text(struct writer *w, const uint8_t *from, const struct view *text)
{
    writer_le16(w, (uint16_t)text->len);
    write_view(w, from, text);
}

static uint32_t text_len(const char *text, uint32_t room)
{
    uint32_t len = 0;
    while (len < room && text[len] != '\0') {
        len++;
    }
    return len;
}

static void write_padded(struct writer *w, const char *text, uint32_t room)
{
    uint32_t len = text_len(text, room);
    writer_bytes(w, (const uint8_t *)text, len);
    writer_zero(w, room - len);
}

static void write_numbers(struct writer *w, const struct pthi_response *response, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < PTHI_NUMBERS_MAX; i++) {
        writer_le32(w, response->numbers[i]);
    }
}

static void write_handles(struct writer *w, const struct pthi_response *response)
{
    uint32_t count =
        response->handle_count > PTHI_HANDLES_MAX ? PTHI_HANDLES_MAX : response->handle_count;
    writer_le32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_le32(w, response->handles[i]);
    }
}

static void write_hash(struct writer *w, const struct pthi_response *response, const uint8_t *from)
{
    writer_le32(w, response->hash.is_default);
    writer_le32(w, response->hash.is_active);
    writer_bytes(w, response->hash.hash, PTHI_HASH_BYTES);
    writer_u8(w, response->hash.algorithm);
    write_text(w, from, &response->bytes);
}

static void write_lan(struct writer *w, const struct pthi_lan *lan)
{
    writer_le32(w, lan->is_enabled);
    writer_le32(w, lan->ipv4);
    writer_le32(w, lan->dhcp_is_enabled);
    writer_u8(w, lan->dhcp_mode);
    writer_u8(w, lan->link);
    writer_bytes(w, lan->mac, sizeof lan->mac);
}

static void write_versions(struct writer *w, const struct pthi_versions *versions)
{
    uint32_t count = versions->count > PTHI_VERSIONS_MAX ? PTHI_VERSIONS_MAX : versions->count;
    write_padded(w, versions->bios, PTHI_BIOS_BYTES);
    writer_le32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct pthi_version *entry = &versions->entries[i];
        writer_le16(w, (uint16_t)text_len(entry->name, PTHI_VERSION_BYTES));
        write_padded(w, entry->name, PTHI_VERSION_BYTES);
        writer_le16(w, (uint16_t)text_len(entry->version, PTHI_VERSION_BYTES));
        write_padded(w, entry->version, PTHI_VERSION_BYTES);
    }
}

static void write_account(struct writer *w, const struct pthi_account *account)
{
    write_padded(w, account->user, PTHI_ACCOUNT_BYTES);
    write_padded(w, account->password, PTHI_ACCOUNT_BYTES);
    writer_zero(w, account->padding);
}

static void write_uuid(struct writer *w, const struct uuid *uuid)
{
    uint8_t wire[16];
    uuid_to_wire(uuid, wire);
    writer_bytes(w, wire, sizeof wire);
}

static void write_sized(struct writer *w, bool is_wide, uint32_t value)
{
    if (is_wide) {
        writer_le32(w, value);
    } else {
        writer_u8(w, (uint8_t)(value & 0xffu));
    }
}

static void write_start(struct writer *w, const struct pthi_start *start, const uint8_t *from)
{
    struct view names = start->suffixes;
    names.len = names.len > PTHI_SUFFIXES_BYTES ? PTHI_SUFFIXES_BYTES : names.len;
    write_sized(w, start->layout == PTHI_START_WIDE, start->algorithm);
    writer_bytes(w, start->hash, PTHI_HASH_BYTES);
    write_sized(w, start->layout != PTHI_START_PACKED, start->has_host_vpn);
    writer_le32(w, start->suffix_count);
    if (start->layout != PTHI_START_SHORT) {
        write_view(w, from, &names);
        writer_zero(w, PTHI_SUFFIXES_BYTES - names.len);
    }
}

static void write_request(struct writer *w, const struct pthi_description *description,
                          const struct pthi_request *request, const uint8_t *from)
{
    switch (description->request) {
    case PTHI_NUMBER:
        writer_le32(w, request->number);
        break;
    case PTHI_OPTIONAL_NUMBER:
        if (request->has_number) {
            writer_le32(w, request->number);
        }
        break;
    case PTHI_TEXT:
        write_text(w, from, &request->bytes);
        break;
    case PTHI_RAW: /* no bytes: zeros, as GetLocalSystemAccount has them */
        write_view(w, from, &request->bytes);
        if (request->bytes.len < description->request_bytes) {
            writer_zero(w, description->request_bytes - request->bytes.len);
        }
        break;
    case PTHI_START:
        write_start(w, &request->start, from);
        break;
    case PTHI_NOTHING:
    case PTHI_NUMBERS:
    case PTHI_NUMBERS_TEXT:
    case PTHI_HANDLES:
    case PTHI_UUID:
    case PTHI_HASH:
    case PTHI_LAN:
    case PTHI_VERSIONS:
    case PTHI_ACCOUNT:
        break; /* of responses alone */
    }
}

uint32_t pthi_encode_request(const struct pthi_request *request, const uint8_t *from, uint8_t *out,
                             uint32_t cap)
{
    const struct pthi_description *description = pthi_describe(request->command);
    if (description == NULL) {
        return 0;
    }
    struct writer w = begin(out, cap, request->command);
    write_request(&w, description, request, from);
    return end(&w);
}

static void write_response(struct writer *w, const struct pthi_description *description,
                           const struct pthi_response *response, const uint8_t *from)
{
    switch (description->response) {
    case PTHI_NOTHING:
        break;
    case PTHI_OPTIONAL_NUMBER:
        write_numbers(w, response, response->number_count > 1 ? 1 : response->number_count);
        break;
    case PTHI_NUMBER:
    case PTHI_NUMBERS:
        write_numbers(w, response, description->response_numbers);
        break;
    case PTHI_NUMBERS_TEXT:
        write_numbers(w, response, description->response_numbers);
        write_text(w, from, &response->bytes);
        break;
    case PTHI_TEXT:
        write_text(w, from, &response->bytes);
        break;
    case PTHI_RAW:
        write_view(w, from, &response->bytes);
        break;
    case PTHI_HANDLES:
        write_handles(w, response);
        break;
    case PTHI_UUID:
        write_uuid(w, &response->uuid);
        break;
    case PTHI_HASH:
        write_hash(w, response, from);
        break;
    case PTHI_LAN:
        write_lan(w, &response->lan);
        break;
    case PTHI_VERSIONS:
        write_versions(w, &response->versions);
        break;
    case PTHI_ACCOUNT:
        write_account(w, &response->account);
        break;
    case PTHI_START:
        writer_u8(w, response->start_algorithm);
        writer_bytes(w, response->start_hash, PTHI_HASH_BYTES);
        break;
    }
}

uint32_t pthi_encode_response(const struct pthi_response *response, const uint8_t *from,
                              uint8_t *out, uint32_t cap)
{
    const struct pthi_description *description = pthi_describe(response->command);
    if (description == NULL) {
        return 0;
    }
    if (response->status != PTHI_SUCCESS) {
        return pthi_encode_status(response->command, response->status, out, cap);
    }
    struct writer w = begin(out, cap, response->command | RESPONSE_BIT);
    writer_le32(&w, PTHI_SUCCESS);
    write_response(&w, description, response, from);
    return end(&w);
}

uint32_t pthi_encode_status(uint32_t command, uint32_t status, uint8_t *out, uint32_t cap)
{
    struct writer w = begin(out, cap, command | RESPONSE_BIT);
    writer_le32(&w, status);
    return end(&w);
}
