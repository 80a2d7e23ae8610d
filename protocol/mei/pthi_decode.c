#include <stddef.h>

#include "base/little.h"
#include "protocol/mei/pthi.h"

#define RESPONSE_BIT UINT32_C(0x00800000)

static enum amt_err read_numbers(struct cursor *c, struct pthi_response *out, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < PTHI_NUMBERS_MAX; i++) {
        TRY(cursor_le32(c, &out->numbers[i]));
        out->number_count = i + 1;
    }
    return AMT_OK;
}

static enum amt_err read_text(struct cursor *c, struct view *text)
{
    uint16_t len = 0;
    TRY(cursor_le16(c, &len));
    return cursor_take(c, len, text);
}

/* Into out[0, room], with a 0 behind. */
static enum amt_err read_padded(struct cursor *c, char *out, uint32_t room)
{
    uint8_t byte = 0;
    for (uint32_t i = 0; i < room; i++) {
        TRY(cursor_u8(c, &byte));
        out[i] = (char)byte;
    }
    out[room] = '\0';
    return AMT_OK;
}

static enum amt_err read_handles(struct cursor *c, struct pthi_response *out)
{
    uint32_t count = 0;
    TRY(cursor_le32(c, &count));
    if (count > PTHI_HANDLES_MAX) {
        return AMT_ETOOBIG;
    }
    for (uint32_t i = 0; i < count && i < PTHI_HANDLES_MAX; i++) {
        TRY(cursor_le32(c, &out->handles[i]));
        out->handle_count = i + 1;
    }
    return AMT_OK;
}

static enum amt_err read_hash(struct cursor *c, struct pthi_response *out)
{
    TRY(cursor_le32(c, &out->hash.is_default));
    TRY(cursor_le32(c, &out->hash.is_active));
    TRY(cursor_copy(c, out->hash.hash, PTHI_HASH_BYTES));
    TRY(cursor_u8(c, &out->hash.algorithm));
    return read_text(c, &out->bytes);
}

static enum amt_err read_lan(struct cursor *c, struct pthi_lan *lan)
{
    TRY(cursor_le32(c, &lan->is_enabled));
    TRY(cursor_le32(c, &lan->ipv4));
    TRY(cursor_le32(c, &lan->dhcp_is_enabled));
    TRY(cursor_u8(c, &lan->dhcp_mode));
    TRY(cursor_u8(c, &lan->link));
    return cursor_copy(c, lan->mac, sizeof lan->mac);
}

/* The lengths are told besides the padding; the padded text is what counts. */
static enum amt_err read_versions(struct cursor *c, struct pthi_versions *versions)
{
    uint32_t count = 0;
    uint16_t len = 0;
    TRY(read_padded(c, versions->bios, PTHI_BIOS_BYTES));
    TRY(cursor_le32(c, &count));
    if (count > PTHI_VERSIONS_MAX) {
        return AMT_ETOOBIG;
    }
    for (uint32_t i = 0; i < count && i < PTHI_VERSIONS_MAX; i++) {
        TRY(cursor_le16(c, &len));
        TRY(read_padded(c, versions->entries[i].name, PTHI_VERSION_BYTES));
        TRY(cursor_le16(c, &len));
        TRY(read_padded(c, versions->entries[i].version, PTHI_VERSION_BYTES));
        versions->count = i + 1;
    }
    return AMT_OK;
}

static enum amt_err read_account(struct cursor *c, struct pthi_account *account)
{
    TRY(read_padded(c, account->user, PTHI_ACCOUNT_BYTES));
    TRY(read_padded(c, account->password, PTHI_ACCOUNT_BYTES));
    uint32_t rest = c->len - c->pos;
    account->padding = (uint8_t)(rest > 2 ? 2 : rest);
    return AMT_OK;
}

static enum amt_err read_uuid(struct cursor *c, struct uuid *uuid)
{
    uint8_t wire[16] = { 0 };
    TRY(cursor_copy(c, wire, sizeof wire));
    uuid_from_wire(wire, uuid);
    return AMT_OK;
}

static enum amt_err read_started(struct cursor *c, struct pthi_response *out)
{
    TRY(cursor_u8(c, &out->start_algorithm));
    return cursor_copy(c, out->start_hash, PTHI_HASH_BYTES);
}

/* Three fields come in two sizes. */
static enum amt_err read_sized(struct cursor *c, bool is_wide, uint32_t *value)
{
    uint8_t byte = 0;
    if (is_wide) {
        return cursor_le32(c, value);
    }
    TRY(cursor_u8(c, &byte));
    *value = byte;
    return AMT_OK;
}

static enum amt_err read_start(struct cursor *c, struct pthi_start *start)
{
    start->layout = c->len - c->pos;
    if (start->layout != PTHI_START_SHORT && start->layout != PTHI_START_PACKED &&
        start->layout != PTHI_START_LONG && start->layout != PTHI_START_WIDE) {
        return AMT_EMALFORMED; /* ACT-DEV-040 */
    }
    TRY(read_sized(c, start->layout == PTHI_START_WIDE, &start->algorithm));
    TRY(cursor_copy(c, start->hash, PTHI_HASH_BYTES));
    TRY(read_sized(c, start->layout != PTHI_START_PACKED, &start->has_host_vpn));
    TRY(cursor_le32(c, &start->suffix_count));
    return start->layout == PTHI_START_SHORT
               ? AMT_OK
               : cursor_take(c, PTHI_SUFFIXES_BYTES, &start->suffixes);
}

static enum amt_err read_number(struct cursor *c, struct pthi_request *out)
{
    TRY(cursor_le32(c, &out->number));
    out->has_number = true;
    return AMT_OK;
}

static enum amt_err read_raw(struct cursor *c, uint32_t at_least, struct view *bytes)
{
    uint32_t rest = c->len - c->pos;
    return rest < at_least ? AMT_EMALFORMED : cursor_take(c, rest, bytes);
}

static enum amt_err read_request(struct cursor *c, const struct pthi_description *description,
                                 struct pthi_request *out)
{
    switch (description->request) {
    case PTHI_NUMBER:
        return read_number(c, out);
    case PTHI_OPTIONAL_NUMBER:
        return c->pos == c->len ? AMT_OK : read_number(c, out);
    case PTHI_TEXT:
        return read_text(c, &out->bytes);
    case PTHI_RAW:
        return read_raw(c, description->request_bytes, &out->bytes);
    case PTHI_START:
        return read_start(c, &out->start);
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
    return AMT_OK;
}

struct header {
    uint8_t major, minor;
    uint16_t reserved;
    uint32_t command, len;
};

static enum amt_err read_header(struct cursor *c, struct header *header)
{
    TRY(cursor_u8(c, &header->major));
    TRY(cursor_u8(c, &header->minor));
    TRY(cursor_le16(c, &header->reserved));
    TRY(cursor_le32(c, &header->command));
    return cursor_le32(c, &header->len);
}

enum amt_err pthi_decode_request(const uint8_t *in, uint32_t len, struct pthi_request *out,
                                 uint32_t *status)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    struct header header = { 0 };
    *out = (struct pthi_request){ 0 };
    *status = PTHI_SUCCESS;
    if (read_header(&c, &header) != AMT_OK || (header.command & RESPONSE_BIT) != 0) {
        return AMT_EMALFORMED; /* MEI-021 */
    }
    out->command = header.command;
    if (header.len != c.len - c.pos) {
        *status = PTHI_INVALID_LENGTH; /* MEI-022 */
        return AMT_EMALFORMED;
    }
    const struct pthi_description *description = pthi_describe(header.command);
    if (description == NULL) {
        *status = PTHI_UNSUPPORTED; /* MEI-023 */
        return AMT_EUNKNOWN;
    }
    if (read_request(&c, description, out) != AMT_OK) {
        *status = PTHI_INVALID_LENGTH;
        return AMT_EMALFORMED;
    }
    return AMT_OK;
}

static enum amt_err read_response(struct cursor *c, const struct pthi_description *description,
                                  struct pthi_response *out)
{
    switch (description->response) {
    case PTHI_NOTHING:
        return AMT_OK;
    case PTHI_OPTIONAL_NUMBER:
        return c->pos == c->len ? AMT_OK : read_numbers(c, out, 1);
    case PTHI_NUMBER:
    case PTHI_NUMBERS:
        return read_numbers(c, out, description->response_numbers);
    case PTHI_NUMBERS_TEXT:
        TRY(read_numbers(c, out, description->response_numbers));
        return read_text(c, &out->bytes);
    case PTHI_TEXT:
        return read_text(c, &out->bytes);
    case PTHI_RAW:
        return read_raw(c, 0, &out->bytes);
    case PTHI_HANDLES:
        return read_handles(c, out);
    case PTHI_UUID:
        return read_uuid(c, &out->uuid);
    case PTHI_HASH:
        return read_hash(c, out);
    case PTHI_LAN:
        return read_lan(c, &out->lan);
    case PTHI_VERSIONS:
        return read_versions(c, &out->versions);
    case PTHI_ACCOUNT:
        return read_account(c, &out->account);
    case PTHI_START:
        return read_started(c, out);
    }
    return AMT_EBUG;
}

enum amt_err pthi_decode_response(const uint8_t *in, uint32_t len, uint32_t command,
                                  struct pthi_response *out)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    struct header header = { 0 };
    const struct pthi_description *description = pthi_describe(command);
    *out = (struct pthi_response){ .command = command };
    if (read_header(&c, &header) != AMT_OK || header.major != 1 ||
        header.command != (command | RESPONSE_BIT) || header.len != c.len - c.pos ||
        cursor_le32(&c, &out->status) != AMT_OK) {
        return AMT_EMALFORMED;
    }
    if (out->status != PTHI_SUCCESS || description == NULL) {
        return AMT_OK;
    }
    return read_response(&c, description, out) == AMT_OK ? AMT_OK : AMT_EMALFORMED;
}

struct view pthi_suffix(const uint8_t *in, struct view list, uint32_t at)
{
    struct view name = { .off = list.off };
    for (uint32_t i = 0; i < list.len; i++) {
        uint32_t here = list.off + i;
        if (in[here] != 0) {
            name.len++;
            continue;
        }
        if (name.len > 0 && at-- == 0) {
            return name;
        }
        name = (struct view){ .off = here + 1 };
    }
    return name.len > 0 && at == 0 ? name : (struct view){ 0 };
}
