/*
 * A JSON object of MeshCentral's host protocol, as it comes in APF message 250.
 * Oracles: an error has words; what was read is written in ASCII and read again as the same; a report
 * that was written once is written the same way the second time; nothing is left over.
 */
#include <string.h>

#include "base/memory.h"
#include "fuzz/target.h"
#include "protocol/activation/mesh.h"

static void is_ascii(const struct text *t)
{
    FUZZ_REQUIRE(!t->failed);
    for (size_t i = 0; i < t->len; i++) {
        FUZZ_REQUIRE((uint8_t)t->chars[i] >= 0x20 && (uint8_t)t->chars[i] < 0x80);
    }
}

static void same_report(const struct activation_report *a, const struct activation_report *b)
{
    FUZZ_REQUIRE(memcmp(&a->uuid, &b->uuid, sizeof a->uuid) == 0);
    FUZZ_REQUIRE(strcmp(a->version, b->version) == 0);
    FUZZ_REQUIRE(strcmp(a->dns_suffix, b->dns_suffix) == 0);
    FUZZ_REQUIRE(strcmp(a->local_user, b->local_user) == 0);
    FUZZ_REQUIRE(secret_equal(&a->local_password, b->local_password.bytes, b->local_password.len));
    FUZZ_REQUIRE(a->hash_count == b->hash_count && a->hash_count <= ACTIVATION_HASHES_MAX);
    for (uint32_t i = 0; i < a->hash_count; i++) {
        FUZZ_REQUIRE(a->hashes[i].len == b->hashes[i].len);
        FUZZ_REQUIRE(memcmp(a->hashes[i].bytes, b->hashes[i].bytes, a->hashes[i].len) == 0);
    }
}

static void try_report(struct arena *arena, const struct activation_report *report)
{
    struct text out = { 0 };
    struct text second = { 0 };
    struct mesh_message message;
    struct activation_report again;
    mesh_write_state(&out, report);
    is_ascii(&out);
    FUZZ_REQUIRE(mesh_read(arena, out.chars, out.len, &message, &again, NULL) == AMT_OK);
    FUZZ_REQUIRE(message.action == MESH_STATE);
    same_report(report, &again);
    mesh_write_state(&second, &again);
    FUZZ_REQUIRE(out.len == second.len && memcmp(out.chars, second.chars, out.len) == 0);
    activation_report_wipe(&again);
    text_fini(&second);
    text_fini(&out);
}

static void try_console(struct arena *arena, const struct mesh_message *message)
{
    struct text out = { 0 };
    struct mesh_message again;
    mesh_write_console(&out, message->text);
    is_ascii(&out);
    FUZZ_REQUIRE(mesh_read(arena, out.chars, out.len, &again, NULL, NULL) == AMT_OK);
    FUZZ_REQUIRE(again.action == MESH_CONSOLE && strcmp(again.text, message->text) == 0);
    text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { 0 };
    struct mesh_message message;
    struct activation_report report = { .hash_count = 0 };
    struct amt_diag diag = { .err = AMT_OK };
    if (mesh_read(&arena, (const char *)data, size, &message, &report, &diag) != AMT_OK) {
        FUZZ_REQUIRE(diag.text[0] != '\0');
    } else {
        FUZZ_REQUIRE(message.action_text != NULL && message.text != NULL);
        if (message.action == MESH_STATE) {
            try_report(&arena, &report);
        } else if (message.action == MESH_CONSOLE) {
            try_console(&arena, &message);
        }
    }
    activation_report_wipe(&report);
    arena_fini(&arena);
    return 0;
}
