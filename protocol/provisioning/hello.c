#include "protocol/provisioning/hello.h"

#include "base/little.h"

#define UUID_BYTES 16u

uint32_t hello_hash_bytes(uint8_t type)
{
    static const uint8_t k_bytes[] = { 0, 20, 32, 48 };
    return type < sizeof k_bytes ? k_bytes[type] : 0;
}

static enum amt_err refuse(struct hello_problem *problem, uint32_t offset, const char *text)
{
    problem->offset = offset;
    problem->text = text;
    return AMT_EMALFORMED;
}

static enum amt_err read_head(struct cursor *c, struct hello_packet *out,
                              struct hello_problem *problem)
{
    uint16_t flag = 0;
    uint8_t wire[UUID_BYTES] = { 0 };
    TRY(cursor_le16(c, &flag));
    if (flag > 1) {
        return refuse(problem, 0, "the flag \"credentials are set\" is neither 0 nor 1");
    }
    out->has_credentials = flag == 1;
    TRY(cursor_le16(c, &out->version));
    if (out->version != HELLO_PSK && out->version != HELLO_PKI) {
        return refuse(problem, 2, "the version is neither 2 (PSK) nor 3 (PKI)");
    }
    TRY(cursor_le32(c, &out->retries));
    TRY(cursor_copy(c, wire, sizeof wire));
    uuid_from_wire(wire, &out->uuid);
    return AMT_OK;
}

static enum amt_err read_hash(struct cursor *c, struct hello_hash *hash,
                              struct hello_problem *problem)
{
    uint8_t len = 0;
    TRY(cursor_u8(c, &hash->type));
    if (hello_hash_bytes(hash->type) == 0) {
        return refuse(problem, c->pos - 1,
                      "the type of a hash is none of 1 (SHA-1), 2 (SHA-256), 3 (SHA-384)");
    }
    TRY(cursor_u8(c, &len));
    if (len != hello_hash_bytes(hash->type)) {
        return refuse(problem, c->pos - 1, "the length of a hash is not that of its type");
    }
    return cursor_take(c, len, &hash->bytes);
}

static enum amt_err read_packet(struct cursor *c, struct hello_packet *out,
                                struct hello_problem *problem)
{
    uint8_t count = 0;
    TRY(read_head(c, out, problem));
    if (out->version == HELLO_PSK) {
        return cursor_copy(c, out->pid, HELLO_PID_BYTES);
    }
    TRY(cursor_u8(c, &count));
    for (uint32_t i = 0; i < count && i < HELLO_HASHES_MAX; i++) {
        TRY(read_hash(c, &out->hashes[i], problem));
        out->hash_count = i + 1;
    }
    return AMT_OK;
}

enum amt_err hello_decode(const uint8_t *in, uint32_t len, struct hello_packet *out,
                          struct hello_problem *problem)
{
    struct cursor c = { .base = in, .len = len > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : len };
    *out = (struct hello_packet){ 0 };
    *problem = (struct hello_problem){ 0 };
    enum amt_err err = read_packet(&c, out, problem);
    out->bytes = c.pos;
    if (err == AMT_NEED_MORE) {
        problem->need = c.need;
        problem->offset = c.pos;
    }
    return err;
}

static bool is_whole(const struct hello_hash *hash, uint32_t from_len)
{
    return hash->bytes.len > 0 && hash->bytes.len == hello_hash_bytes(hash->type) &&
           hash->bytes.off <= from_len && hash->bytes.len <= from_len - hash->bytes.off;
}

static void write_hashes(struct writer *w, const struct hello_packet *hello, const uint8_t *from,
                         uint32_t from_len)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < hello->hash_count && i < HELLO_HASHES_MAX; i++) {
        count += is_whole(&hello->hashes[i], from_len) ? 1 : 0;
    }
    writer_u8(w, (uint8_t)count);
    for (uint32_t i = 0; i < hello->hash_count && i < HELLO_HASHES_MAX; i++) {
        const struct hello_hash *hash = &hello->hashes[i];
        if (is_whole(hash, from_len)) {
            writer_u8(w, hash->type);
            writer_u8(w, (uint8_t)hash->bytes.len);
            writer_bytes(w, from + hash->bytes.off, hash->bytes.len);
        }
    }
}

uint32_t hello_encode(const struct hello_packet *hello, const uint8_t *from, uint32_t from_len,
                      uint8_t *out, uint32_t cap)
{
    struct writer w = { .cap = cap > CURSOR_MAX_BYTES ? CURSOR_MAX_BYTES : cap };
    uint8_t wire[UUID_BYTES];
    w.base = out;
    uuid_to_wire(&hello->uuid, wire);
    writer_le16(&w, hello->has_credentials ? 1 : 0);
    writer_le16(&w, hello->version);
    writer_le32(&w, hello->retries);
    writer_bytes(&w, wire, sizeof wire);
    if (hello->version == HELLO_PSK) {
        writer_bytes(&w, hello->pid, HELLO_PID_BYTES);
    } else {
        write_hashes(&w, hello, from, from_len);
    }
    return w.pos;
}
