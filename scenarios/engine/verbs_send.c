/* Sending over the wire: tcp.send, apf.send, and the modifier `wire` (harness.md 7.2). */
#include <string.h>

#include "scenarios/engine/actor_wire.h"
#include "scenarios/engine/apf_value.h"
#include "scenarios/engine/bytes_value.h"
#include "scenarios/engine/verb.h"

#define CUTS_MAX 4096u

/* Bytes of one step on their way out, piece by piece. */
struct sending {
    struct wire *wire;
    uint8_t *bytes;
    uint32_t len, at;
    uint32_t *cuts; /* ends of the pieces, rising; the last is len */
    uint32_t cut_count, next_cut;
    uint64_t gap_us, due_us; /* case time */
};

static bool add_cut(struct strand *strand, struct sending *s, int64_t position)
{
    uint32_t end = (uint32_t)position;
    int64_t from_end = (int64_t)s->len + position;
    if (position < 0) {
        end = from_end < 0 ? 0 : (uint32_t)from_end;
    }
    if (s->cut_count == CUTS_MAX || end > s->len) {
        (void)step_fail(strand, "setup", "split: %lld is outside of %u bytes", (long long)position,
                        s->len);
        return false;
    }
    if (end > (s->cut_count == 0 ? 0 : s->cuts[s->cut_count - 1])) {
        s->cuts[s->cut_count++] = end;
    }
    return true;
}

static bool read_cuts(struct strand *strand, struct sending *s, const struct value *split)
{
    s->cuts = pool_alloc(&strand->run->pool, (CUTS_MAX + 1) * sizeof *s->cuts);
    bool is_each = split != NULL && split->kind == VALUE_TEXT && strcmp(split->text, "each") == 0;
    if (split != NULL && split->kind != VALUE_LIST && !is_each) {
        (void)step_fail(strand, "setup", "split wants positions: [1, 20, -1], or each");
        return false;
    }
    if (is_each) {
        for (uint32_t i = 1; i <= s->len && i <= CUTS_MAX; i++) {
            s->cuts[s->cut_count++] = i;
        }
    }
    for (const struct value *at = split == NULL ? NULL : split->first; at != NULL; at = at->next) {
        int64_t position = 0;
        if (!value_number(at, &position)) {
            (void)step_fail(strand, "setup", "split wants positions: [1, 20, -1], or each");
            return false;
        }
        if (!add_cut(strand, s, position)) {
            return false;
        }
    }
    if (s->cut_count == 0 || s->cuts[s->cut_count - 1] < s->len) {
        s->cuts[s->cut_count++] = s->len;
    }
    return true;
}

static bool change_bytes(struct strand *strand, struct sending *s, const struct value *wire)
{
    const struct value *truncate = value_get(wire, "truncate"),
                       *corrupt = value_get(wire, "corrupt"), *repeat = value_get(wire, "repeat");
    int64_t number = 0, at = 0, mask = 0xff;
    if (truncate != NULL && value_number(truncate, &number)) {
        number = number < 0 ? (int64_t)s->len + number : number;
        s->len = number < 0 ? 0 : number < s->len ? (uint32_t)number : s->len;
    }
    if (corrupt != NULL) {
        const struct value *offset = value_get(corrupt, "at"), *xor = value_get(corrupt, "xor");
        if (offset == NULL || !value_number(offset, &at) ||
            (xor != NULL && !value_number(xor, &mask))) {
            (void)step_fail(strand, "setup", "corrupt wants { at: 5, xor: 0x80 }");
            return false;
        }
        at = at < 0 ? (int64_t)s->len + at : at;
        if (at < 0 || at >= s->len) {
            (void)step_fail(strand, "setup", "corrupt: there is no byte %lld", (long long)at);
            return false;
        }
        s->bytes[at] ^= (uint8_t)mask;
    }
    number = 1;
    if (repeat != NULL && value_number(repeat, &number) && number > 1) {
        if ((uint64_t)number * s->len > BYTES_VALUE_MAX) {
            (void)step_fail(strand, "setup", "repeat makes more than %u bytes", BYTES_VALUE_MAX);
            return false;
        }
        uint8_t *all = pool_alloc(&strand->run->pool, (size_t)number * s->len);
        for (int64_t i = 0; i < number; i++) {
            memcpy(all + (size_t)i * s->len, s->bytes, s->len);
        }
        s->bytes = all;
        s->len = (uint32_t)number * s->len;
    }
    return true;
}

/* What an earlier step left to be joined goes first. */
static void join(struct strand *strand, struct sending *s)
{
    struct bytes *joined = &s->wire->joined;
    if (joined->len == 0) {
        return;
    }
    uint8_t *all = pool_alloc(&strand->run->pool, (size_t)joined->len + s->len);
    memcpy(all, bytes_front(joined), joined->len);
    memcpy(all + joined->len, s->bytes, s->len);
    s->bytes = all;
    s->len += joined->len;
    bytes_consume(joined, joined->len);
}

static enum step_state begin(struct strand *strand, const uint8_t *bytes, uint32_t len)
{
    struct case_run *run = strand->run;
    struct sending *s = pool_alloc(&run->pool, sizeof *s);
    const struct yaml_node *node = yaml_get(strand->step.node, "wire");
    const char *why = NULL;
    struct value *wire = node == NULL ? NULL : case_evaluate(run, node, &why);
    if (why != NULL) {
        return step_fail(strand, "setup", "wire: %s", why);
    }
    s->wire = strand->step.actor->state;
    s->bytes = (uint8_t *)pool_text(&run->pool, (const char *)bytes, len);
    s->len = len;
    const char *wrong = wire == NULL ? NULL : key_values_misfit(&run->pool, k_wire_keys, wire);
    if (wrong != NULL) {
        return step_fail(strand, "setup", "wire: %s", wrong);
    }
    if (s->wire->stream == NULL) {
        return step_fail(strand, "setup",
                         "there is no connection: tls.handshake or tcp.connect comes first");
    }
    if (!change_bytes(strand, s, wire)) {
        return STEP_FAILED;
    }
    join(strand, s);
    const struct value *coalesce = value_get(wire, "coalesce");
    if (coalesce != NULL && expr_holds(coalesce)) {
        if (s->len > 0 && bytes_append(&s->wire->joined, s->bytes, s->len) != AMT_OK) {
            (void)pool_checked(NULL);
        }
        return STEP_DONE;
    }
    const struct value *gap = value_get(wire, "gap");
    int64_t gap_us = 0;
    s->gap_us = gap != NULL && value_number(gap, &gap_us) ? (uint64_t)gap_us : 0;
    if (!read_cuts(strand, s, value_get(wire, "split"))) {
        return STEP_FAILED;
    }
    s->due_us = case_now_us(run);
    strand->step.state = s;
    return verb_send_poll(strand);
}

enum step_state verb_send_poll(struct strand *strand)
{
    struct sending *s = strand->step.state;
    while (s->next_cut < s->cut_count) {
        if (case_now_us(strand->run) < s->due_us) {
            step_wake_at(strand, s->due_us);
            return STEP_WAITS;
        }
        uint32_t end = s->cuts[s->next_cut++];
        enum amt_err err = wire_write(s->wire, s->bytes + s->at, end - s->at);
        if (err != AMT_OK) {
            return step_fail(strand, "send", "only %u of %u bytes could be sent: %s", s->at, s->len,
                             amt_err_text(err));
        }
        s->at = end;
        s->due_us += s->gap_us;
    }
    return STEP_DONE;
}

enum step_state verb_tcp_send_start(struct strand *strand)
{
    struct bytes bytes = { 0 };
    struct amt_diag diag = { 0 };
    enum amt_err err =
        bytes_value(strand->step.arguments, strand->run->scenario->folder, &bytes, &diag);
    enum step_state state =
        err != AMT_OK
            ? step_fail(strand, "setup", "%s", diag.text)
            : begin(strand, bytes.len == 0 ? (const uint8_t *)"" : bytes_front(&bytes), bytes.len);
    bytes_fini(&bytes);
    return state;
}

static void hide_password(struct strand *strand)
{
    const struct value *password = step_argument(strand, "password");
    if (password != NULL && password->kind == VALUE_TEXT) {
        secrets_add(&strand->run->secrets, password->text);
    }
}

enum step_state verb_apf_send_start(struct strand *strand)
{
    struct amt_diag diag = { 0 };
    uint32_t len = 0;
    hide_password(strand);
    const uint8_t *bytes =
        apf_value_encode(&strand->run->pool, strand->step.arguments, &len, &diag);
    return bytes == NULL ? step_fail(strand, "setup", "apf.send: %s", diag.text)
                         : begin(strand, bytes, len);
}
