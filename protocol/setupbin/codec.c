#include "protocol/setupbin/codec.h"

#include <string.h>

#include "base/little.h"

#define GUID_BYTES          16u
#define HEADER_FIXED_BYTES  42u /* with the 0 that ends the list of modules */
#define CONSUMED_OFFSET     32u
#define RECORD_HEADER_BYTES 24u
#define VARIABLE_HEAD_BYTES 8u
#define SCRAMBLE_ADD        17u

static const uint8_t k_guids[SETUPBIN_VERSION_MAX][GUID_BYTES] = {
    { 0xb5, 0x16, 0xfb, 0x71, 0x87, 0xcb, 0xf9, 0x4a, 0xb4, 0x41, 0xca, 0x7b, 0x38, 0x35, 0x78,
      0xf9 },
    { 0x96, 0xb2, 0x81, 0x58, 0xcf, 0x6b, 0x72, 0x4c, 0x8b, 0x91, 0xa1, 0x5e, 0x51, 0x2e, 0x99,
      0xc4 },
    { 0xa7, 0xf7, 0xf6, 0xc6, 0x89, 0xc4, 0xf6, 0x47, 0x93, 0xed, 0xe2, 0xe5, 0x02, 0x0d, 0xa5,
      0x1d },
    { 0xaa, 0xa9, 0x34, 0x52, 0xe1, 0x29, 0xa9, 0x44, 0x8d, 0x4d, 0x08, 0x1c, 0x07, 0xb9, 0x63,
      0x53 },
};

static enum amt_err refuse(struct setupbin_fault *fault, enum setupbin_fault_code code,
                           uint32_t offset, uint32_t found, uint32_t allowed)
{
    fault->code = code;
    fault->offset = offset;
    fault->found = found;
    fault->allowed = allowed;
    return AMT_EMALFORMED;
}

/* ACT-DEV-048 */
static enum amt_err read_guid(struct cursor *c, uint32_t *version, struct setupbin_fault *fault)
{
    uint8_t guid[GUID_BYTES] = { 0 };
    TRY(cursor_copy(c, guid, GUID_BYTES));
    for (uint32_t i = 0; i < SETUPBIN_VERSION_MAX; i++) {
        if (memcmp(guid, k_guids[i], GUID_BYTES) == 0) {
            *version = i + 1;
            return AMT_OK;
        }
    }
    return refuse(fault, SETUPBIN_UNKNOWN_GUID, 0, guid[0], 0);
}

static enum amt_err read_modules(struct cursor *c, uint16_t header_bytes,
                                 struct setupbin_header *out, struct setupbin_fault *fault)
{
    uint16_t module = 0;
    out->module_count = 0;
    for (;;) {
        TRY(cursor_le16(c, &module));
        if (module == 0) {
            break;
        }
        if (out->module_count == SETUPBIN_MODULES_MAX) {
            return refuse(fault, SETUPBIN_MODULE_LIST, c->pos - 2, SETUPBIN_MODULES_MAX + 1,
                          SETUPBIN_MODULES_MAX);
        }
        out->modules[out->module_count++] = module;
    }
    uint32_t expected = HEADER_FIXED_BYTES + 2 * out->module_count;
    return header_bytes == expected
               ? AMT_OK
               : refuse(fault, SETUPBIN_HEADER_BYTES, GUID_BYTES + 2, header_bytes, expected);
}

static enum amt_err read_counts(struct cursor *c, uint32_t len, struct setupbin_header *out,
                                struct setupbin_fault *fault)
{
    uint16_t record_chunks = 0, reserved = 0;
    TRY(cursor_le32(c, &out->record_count));
    TRY(cursor_le32(c, &out->consumed));
    TRY(cursor_le16(c, &record_chunks));
    TRY(cursor_le16(c, &reserved));
    if (record_chunks != 1) {
        return refuse(fault, SETUPBIN_RECORD_CHUNKS, 36, record_chunks, 1);
    }
    uint32_t there = len / SETUPBIN_CHUNK_BYTES - 1;
    if (out->record_count != there) {
        return refuse(fault, SETUPBIN_RECORD_COUNT, 28, out->record_count, there);
    }
    if (out->consumed > out->record_count) {
        return refuse(fault, SETUPBIN_CONSUMED, CONSUMED_OFFSET, out->consumed, out->record_count);
    }
    return AMT_OK;
}

static enum amt_err read_header(struct cursor *c, uint32_t len, struct setupbin_header *out,
                                struct setupbin_fault *fault)
{
    uint32_t version = 0, number = 0;
    uint16_t chunks = 0, header_bytes = 0;
    TRY(read_guid(c, &version, fault));
    TRY(cursor_le16(c, &chunks));
    TRY(cursor_le16(c, &header_bytes));
    TRY(cursor_le32(c, &number));
    TRY(cursor_u8(c, &out->major));
    TRY(cursor_u8(c, &out->minor));
    TRY(cursor_le16(c, &out->flags));
    if (chunks != 1) {
        return refuse(fault, SETUPBIN_HEADER_CHUNKS, GUID_BYTES, chunks, 1);
    }
    if (out->major != version) {
        return refuse(fault, SETUPBIN_OTHER_VERSION, 24, out->major, version);
    }
    TRY(read_counts(c, len, out, fault));
    return read_modules(c, header_bytes, out, fault);
}

enum amt_err setupbin_decode_header(const uint8_t *in, uint32_t len, struct setupbin_header *out,
                                    struct setupbin_fault *fault)
{
    *out = (struct setupbin_header){ 0 };
    *fault = (struct setupbin_fault){ .code = SETUPBIN_SOUND };
    if (len < SETUPBIN_CHUNK_BYTES) {
        return refuse(fault, SETUPBIN_TOO_SHORT, len, len, SETUPBIN_CHUNK_BYTES);
    }
    if (len > CURSOR_MAX_BYTES || len % SETUPBIN_CHUNK_BYTES != 0) {
        return refuse(fault, SETUPBIN_ODD_SIZE, len, len, SETUPBIN_CHUNK_BYTES);
    }
    struct cursor c = { .base = in, .len = SETUPBIN_CHUNK_BYTES };
    enum amt_err err = read_header(&c, len, out, fault);
    /* Nothing but the list of modules can run over the chunk. */
    return err == AMT_NEED_MORE
               ? refuse(fault, SETUPBIN_MODULE_LIST, c.pos, out->module_count, SETUPBIN_MODULES_MAX)
               : err;
}

/* Scrambling is no protection: 17 more on every byte of the body, padding included. */
static void turn_bytes(uint8_t *body, uint32_t add)
{
    for (uint32_t i = 0; i < SETUPBIN_BODY_BYTES; i++) {
        body[i] = (uint8_t)((body[i] + add) & 0xffu);
    }
}

static uint32_t padded(uint32_t len)
{
    return (len + 3u) / 4u * 4u;
}

static enum amt_err overrun(const struct cursor *c, uint16_t module, uint16_t id, uint32_t len,
                            struct setupbin_fault *fault)
{
    fault->module = module;
    fault->id = id;
    return refuse(fault, SETUPBIN_VARIABLE_OVERRUN,
                  fault->offset + RECORD_HEADER_BYTES + c->pos - VARIABLE_HEAD_BYTES, len,
                  SETUPBIN_BODY_BYTES - c->pos);
}

/* fault->offset holds where the record begins. */
static enum amt_err read_variables(struct setupbin_record *out, struct setupbin_fault *fault)
{
    struct cursor c = { .base = out->body, .len = SETUPBIN_BODY_BYTES };
    while (c.len - c.pos >= VARIABLE_HEAD_BYTES && out->count < SETUPBIN_VARIABLES_MAX) {
        struct setupbin_variable *variable = &out->variables[out->count];
        struct view padding = { 0 };
        uint16_t len = 0, reserved = 0;
        TRY(cursor_le16(&c, &variable->module));
        TRY(cursor_le16(&c, &variable->id));
        TRY(cursor_le16(&c, &len));
        TRY(cursor_le16(&c, &reserved));
        if (variable->module == 0 || variable->id == 0) {
            break;
        }
        if (cursor_take(&c, len, &variable->value) != AMT_OK ||
            cursor_take(&c, padded(len) - len, &padding) != AMT_OK) {
            return overrun(&c, variable->module, variable->id, len, fault);
        }
        out->count++;
        out->used = c.pos;
    }
    return AMT_OK;
}

static enum amt_err read_record_header(struct cursor *c, struct setupbin_record *out,
                                       struct setupbin_fault *fault)
{
    uint32_t start = c->pos, reserved[2] = { 0 };
    uint16_t chunks = 0, header_bytes = 0;
    TRY(cursor_le32(c, &out->type));
    TRY(cursor_le32(c, &out->flags));
    TRY(cursor_le32(c, &reserved[0]));
    TRY(cursor_le32(c, &reserved[1]));
    TRY(cursor_le16(c, &chunks));
    TRY(cursor_le16(c, &header_bytes));
    TRY(cursor_le32(c, &out->number));
    if (out->type > SETUPBIN_DATA_RECORD) {
        return refuse(fault, SETUPBIN_RECORD_TYPE, start, out->type, SETUPBIN_DATA_RECORD);
    }
    if (chunks != 1) {
        return refuse(fault, SETUPBIN_RECORD_CHUNKS, start + 16, chunks, 1);
    }
    if (header_bytes != RECORD_HEADER_BYTES) {
        return refuse(fault, SETUPBIN_RECORD_HEADER, start + 18, header_bytes, RECORD_HEADER_BYTES);
    }
    return AMT_OK;
}

enum amt_err setupbin_decode_record(const uint8_t *in, uint32_t len,
                                    const struct setupbin_header *header, uint32_t index,
                                    struct setupbin_record *out, struct setupbin_fault *fault)
{
    *out = (struct setupbin_record){ 0 };
    *fault = (struct setupbin_fault){ .code = SETUPBIN_SOUND, .record = index + 1 };
    if (len > CURSOR_MAX_BYTES || index >= header->record_count ||
        index >= len / SETUPBIN_CHUNK_BYTES || index + 1 >= len / SETUPBIN_CHUNK_BYTES) {
        return refuse(fault, SETUPBIN_RECORD_COUNT, len, index + 1, header->record_count);
    }
    struct cursor c = { .base = in, .len = len, .pos = (index + 1) * SETUPBIN_CHUNK_BYTES };
    fault->offset = c.pos;
    TRY(read_record_header(&c, out, fault));
    TRY(cursor_copy(&c, out->body, SETUPBIN_BODY_BYTES));
    if ((out->flags & SETUPBIN_SCRAMBLED) != 0) {
        turn_bytes(out->body, 256u - SCRAMBLE_ADD);
    }
    return out->type == SETUPBIN_DATA_RECORD ? read_variables(out, fault) : AMT_OK;
}

void setupbin_record_init(struct setupbin_record *record, bool is_scrambled)
{
    *record = (struct setupbin_record){ .type = SETUPBIN_DATA_RECORD, .flags = SETUPBIN_VALID };
    if (is_scrambled) {
        record->flags |= SETUPBIN_SCRAMBLED;
    }
}

enum amt_err setupbin_add(struct setupbin_record *record, uint16_t module, uint16_t id,
                          const void *value, uint32_t len)
{
    uint32_t room = SETUPBIN_BODY_BYTES - record->used;
    if (record->count == SETUPBIN_VARIABLES_MAX || room < VARIABLE_HEAD_BYTES ||
        len > room - VARIABLE_HEAD_BYTES) {
        return AMT_ETOOBIG;
    }
    struct writer w = { .base = record->body, .cap = SETUPBIN_BODY_BYTES };
    w.pos = record->used;
    writer_le16(&w, module);
    writer_le16(&w, id);
    writer_le16(&w, (uint16_t)len);
    writer_le16(&w, 0);
    record->variables[record->count++] = (struct setupbin_variable){
        .module = module, .id = id, .value = { .off = w.pos, .len = len }
    };
    writer_bytes(&w, value, len);
    writer_zero(&w, padded(len) - len);
    record->used = w.pos;
    return AMT_OK;
}

static bool is_before(const struct setupbin_variable *a, const struct setupbin_variable *b)
{
    return a->module != b->module ? a->module < b->module : a->id < b->id;
}

void setupbin_sort(struct setupbin_record *record)
{
    const struct setupbin_record old = *record;
    struct setupbin_variable order[SETUPBIN_VARIABLES_MAX];
    for (uint32_t i = 0; i < old.count; i++) {
        uint32_t at = i;
        for (; at > 0 && is_before(&old.variables[i], &order[at - 1]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = old.variables[i];
    }
    memset(record->body, 0, sizeof record->body);
    record->count = 0;
    record->used = 0;
    for (uint32_t i = 0; i < old.count; i++) {
        /* What fitted in one order fits in another. */
        (void)!setupbin_add(record, order[i].module, order[i].id, old.body + order[i].value.off,
                            order[i].value.len);
    }
}

enum amt_err setupbin_note_modules(struct setupbin_header *header,
                                   const struct setupbin_record *record)
{
    for (uint32_t i = 0; i < record->count; i++) {
        uint32_t at = 0;
        while (at < header->module_count && header->modules[at] != record->variables[i].module) {
            at++;
        }
        if (at == SETUPBIN_MODULES_MAX) {
            return AMT_ELIMIT;
        }
        if (at == header->module_count) {
            header->modules[header->module_count++] = record->variables[i].module;
        }
    }
    return AMT_OK;
}

const struct setupbin_variable *setupbin_find(const struct setupbin_record *record, uint16_t module,
                                              uint16_t id)
{
    for (uint32_t i = 0; i < record->count; i++) {
        if (record->variables[i].module == module && record->variables[i].id == id) {
            return &record->variables[i];
        }
    }
    return NULL;
}

static void write_header(struct writer *w, const struct setupbin_header *header)
{
    uint32_t version =
        header->major >= 1 && header->major <= SETUPBIN_VERSION_MAX ? header->major : 1;
    writer_bytes(w, k_guids[version - 1], GUID_BYTES);
    writer_le16(w, 1);
    writer_le16(w, (uint16_t)(HEADER_FIXED_BYTES + 2 * header->module_count));
    writer_le32(w, 0);
    writer_u8(w, header->major);
    writer_u8(w, header->minor);
    writer_le16(w, header->flags);
    writer_le32(w, header->record_count);
    writer_le32(w, header->consumed);
    writer_le16(w, 1);
    writer_le16(w, 0);
    for (uint32_t i = 0; i < header->module_count && i < SETUPBIN_MODULES_MAX; i++) {
        writer_le16(w, header->modules[i]);
    }
    writer_zero(w, SETUPBIN_CHUNK_BYTES - w->pos);
}

static void write_record(struct writer *w, const struct setupbin_record *record, uint32_t number)
{
    uint8_t body[SETUPBIN_BODY_BYTES];
    memcpy(body, record->body, sizeof body);
    if ((record->flags & SETUPBIN_SCRAMBLED) != 0) {
        turn_bytes(body, SCRAMBLE_ADD);
    }
    writer_le32(w, record->type);
    writer_le32(w, record->flags);
    writer_zero(w, 8);
    writer_le16(w, 1);
    writer_le16(w, RECORD_HEADER_BYTES);
    writer_le32(w, number);
    writer_bytes(w, body, sizeof body);
}

uint32_t setupbin_encode(const struct setupbin_header *header,
                         const struct setupbin_record *records, uint8_t *out, uint32_t cap)
{
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    w.base = out;
    write_header(&w, header);
    for (uint32_t i = 0; i < header->record_count; i++) {
        write_record(&w, &records[i], i + 1);
    }
    return w.pos;
}

void setupbin_mark_consumed(uint8_t *in, uint32_t len, uint32_t consumed)
{
    struct writer w = { .cap = len, .pos = CONSUMED_OFFSET };
    w.base = in;
    if (len >= SETUPBIN_CHUNK_BYTES) {
        writer_le32(&w, consumed);
    }
}
